-- successes: 14
-- SPDX-License-Identifier: MIT
-- spec/structure.lua finds what it is there to find: small trees that break one rule each. The project's own tree is
-- the test `structure`.

local structure = require "spec.structure"

local function finds(wanted, tree) assert.same(wanted, structure.check(tree)) end

describe("the structure test", function()
    it("passes a tree that keeps the rules", function()
        finds({}, {
            ["gpumm.h"] = "#include <stdint.h>\nGPUMM_API int gpumm_manager_allocate(int bytes);\n",
            ["base/shared.h"] = '#define SHARED(name) __asm__("gpumm__" #name)\n',
            ["base/status.h"] = '#include "base/shared.h"\nint fail(const char *why) SHARED(fail);\n',
            ["base/status.c"] = '#include "base/status.h"\nint fail(const char *why) { return *why; }\n',
            ["core/buffer.h"] = [[
                struct buffer { int length; void (*close)(struct buffer *b); };
                typedef int (*hook)(int);
                enum { BUFFER_MOST = 8 };
                extern const int gpumm__sizes[4], gpumm__names[];
                struct buffer *gpumm__buffer_new(int length) __attribute__((malloc));
                static inline int buffer_length(const struct buffer *b) { return b->length; }]],
            ["core/buffer.c"] = [[
                #include "core/buffer.h"
                #include "gpumm.h"
                static int helper(int n) { return n ? '{' : "}"[0]; }
                const int gpumm__sizes[4] = {1, 2, 4, 8};
                const int gpumm__names[] = {0};
                /* int commented(void) { return 0; } */
                struct buffer *gpumm__buffer_new(int length) { return helper(length), 0; }
                int gpumm_manager_allocate(int bytes) { return bytes; }]],
            ["bind/lua/class.h"] = "void gpumm_lua__class_open(struct lua_State *L);",
            ["bind/lua/class.c"] = '#include <lua.h>\n#include "bind/lua/class.h"\n#include "core/buffer.h"\n'
                .. "void gpumm_lua__class_open(struct lua_State *L) { (void)L; }\nint luaopen_gpumm(void) { return 0; }",
            ["modules/layout/image.c"] = '#include <png.h>\n#include "gpumm_lua.h"\n',
            ["gpumm_lua.h"] = '#include <lua.h>\n#include "gpumm.h"\n',
            ["run/main.c"] = '#include "gpumm_lua.h"\nint main(void) { return 0; }',
        })
    end)

    it("finds two files that include each other", function()
        finds({ "circle: core/group -> core/order -> core/group (core/group.h -> core/order.h, core/order.c -> core/group.h)" }, {
            ["core/group.h"] = '#include "core/order.h"\n', ["core/group.c"] = '#include "core/group.h"\n',
            ["core/order.h"] = "\n", ["core/order.c"] = '#include "core/order.h"\n#include "core/group.h"\n',
        })
    end)

    it("prints the shortest of several circles, found beside the file too", function()
        finds({ "circle: core/x -> core/y -> core/x (core/x.c -> core/y.h, core/y.c -> core/x.h)" }, {
            ["core/a.h"] = '#include "b.h"\n', ["core/b.h"] = '#include "c.h"\n', ["core/c.h"] = '# include "./a.h"\n',
            ["core/x.h"] = "", ["core/x.c"] = '#include "../core/y.h"\n', ["core/y.h"] = "", ["core/y.c"] = '#include "x.h"\n',
        })
    end)

    it("takes no comment for an include", function()
        finds({}, {
            ["core/a.h"] = '/*\n#include "core/b.h"\n*/\n// #include "core/b.h"\n', ["core/b.h"] = '#include "core/a.h"\n',
        })
    end)

    it("finds an include that runs up", function()
        finds({ "folder: memory/slab.c includes core/group.h: memory is below core" }, {
            ["memory/slab.c"] = '#include "core/group.h"\n', ["core/group.h"] = "",
        })
    end)

    it("finds internals under modules, and folders that it does not know", function()
        finds({
            "folder: extra/thing.c includes base/size.h: src/extra is no folder of the house",
            "folder: modules/layout/gzip.c includes base/size.h: modules stand on gpumm.h and gpumm_lua.h alone",
            "folder: run/main.c includes modules/layout/gzip.h: nothing may include src/modules",
        }, {
            ["extra/thing.c"] = '#include "base/size.h"\n', ["base/size.h"] = "", ["modules/layout/gzip.h"] = "",
            ["modules/layout/gzip.c"] = '#include "base/size.h"\n#include "modules/layout/gzip.h"\n',
            ["run/main.c"] = '#include "modules/layout/gzip.h"\n',
        })
    end)

    it("finds public headers that are not for everybody", function()
        finds({
            "folder: core/group.c includes gpumm_lua.h: this header is for bind, run and modules",
            "folder: gpumm.h includes base/size.h: a public header includes public headers only",
        }, {
            ["core/group.c"] = '#include "gpumm_lua.h"\n', ["gpumm_lua.h"] = "",
            ["gpumm.h"] = '#include "base/size.h"\n', ["base/size.h"] = "",
        })
    end)

    it("finds a vendor's header in the wrong folder", function()
        finds({
            "vendor: bind/io/file.c includes <zlib.h>, which belongs to modules",
            "vendor: core/group.c includes <lauxlib.h>, which belongs to bind, run, modules, gpumm_lua.h",
            "vendor: core/group.c includes <cuda.h>, which belongs to device/cuda",
        }, {
            ["core/group.c"] = '#include <lauxlib.h>\n#  include "cuda.h"\n', ["device/cuda/open.c"] = "#include <cuda.h>\n",
            ["bind/io/file.c"] = "#include <zlib.h>\n",
        })
    end)

    it("finds a function that is defined in the .c of another name, or nowhere", function()
        local function message(name, where)
            return ("definition: %s is declared in core/group.h, so it belongs in core/group.c; it is defined in %s")
                :format(name, where)
        end
        finds({
            message("gpumm__group_grow", "core/growth.c"), message("gpumm__group_lost", "no file"),
            message("gpumm__group_most", "core/growth.c"),
        }, {
            ["core/group.h"] = "int gpumm__group_grow(int by);\nvoid\n*gpumm__group_lost(void);\n"
                .. "extern const int gpumm__group_most;\n",
            ["core/group.c"] = '#include "core/group.h"\nint gpumm__group_unused;\n',
            ["core/growth.c"] = '#include "core/group.h"\nconst int gpumm__group_most = 3;\n'
                .. "int gpumm__group_grow(int by) {\n    if (by) { return 1; }\n    return 0;\n}\n",
        })
    end)

    it("finds a .c that declares another file's function by itself", function()
        finds({ "definition: core/group.c declares gpumm__order_join by itself: include its header" }, {
            ["core/group.c"] = "int gpumm__order_join(int);\nstatic int later(int);\nstatic int later(int n) { return n; }\n",
        })
    end)

    it("finds names without the prefix", function()
        local function message(name, path)
            return ("prefix: %s in %s is visible to a linker: make it static, or give it the prefix gpumm__"):format(name, path)
        end
        finds({
            message("gpumm_lua__push", "core/group.c"), message("group_grow", "core/group.c"), message("table", "core/group.c"),
        }, {
            ["core/group.c"] = "int group_grow(int by) { return by; }\nint table[3] = {0};\n"
                .. 'extern "C" {\nint gpumm__g(void) { return 0; }\n}\nint gpumm_lua__push(void) { return 0; }\n',
            ["modules/layout/image.c"] = "int gpumm_layout__image(void) { return 0; }\n",
        })
    end)

    it("knows a licensed file by its first line, or the second below a line that must be first", function()
        local line = "SPDX-License-Identifier: MIT"
        assert.is_true(structure.has_license("/* " .. line .. " */\nint n;"))
        assert.is_true(structure.has_license("#!/bin/sh\n# " .. line))
        assert.is_true(structure.has_license("-- successes: 3\n-- " .. line))
        assert.is_true(structure.has_license("<!doctype html>\n<!-- " .. line .. " -->"))
        assert.is_false(structure.has_license("int n;\n/* " .. line .. " */"))
        assert.is_false(structure.has_license("/* SPDX-License-Identifier: GPL-2.0 */"))
        assert.is_false(structure.has_license "")
    end)

    it("finds files and functions that a document names and that are not there", function()
        local text = "`src/core/a.c`, `src/core/gone.c`: `gpumm__here`, `plan_gone`, `m:ensure_capacity`, `busy`; `src/*.c`"
            .. " `src/core/gone.c`\n```sh\n`src/in_code.c`\n```\n`spec`"
        local function exists(path) return path == "src/core/a.c" end
        assert.same({ "src/core/gone.c" }, structure.stale_names(text, exists))
        assert.same({ "src/core/gone.c", "plan_gone" },
            structure.stale_names(text, exists, function(name) return name == "gpumm__here" end))
    end)

    it("fails as a program, with the messages, and not for a tree that keeps the rules", function()
        local support = require "spec.support"
        local folder = support.folder()
        finally(folder.remove)
        os.execute(("cd %s && mkdir -p src/core src/base lua spec scripts cmake examples library doc python .ci && "
            .. "touch CMakeLists.txt x.rockspec && echo '# SPDX-License-Identifier: MIT' | tee CMakeLists.txt x.rockspec"
            .. " >/dev/null"):format(folder.path))
        local function write(name, text)
            local file <close> = assert(io.open(folder.beside(name), "w"))
            file:write(text)
        end
        write("src/base/log.h", "/* SPDX-License-Identifier: MIT */\n")
        write("src/core/log.h", "/* SPDX-License-Identifier: MIT */\n")
        local run = ("lua5.4 spec/structure.lua %s 2>&1"):format(folder.path)
        local said, code = support.said(run)
        assert.equal(0, code, said)
        write("src/base/log.h", '#include "core/log.h"\n')
        said, code = support.said(run)
        assert.equal(1, code)
        support.contains("folder: base/log.h includes core/log.h: base is below core", said)
        support.contains("license: src/base/log.h has no SPDX-License-Identifier line at its top", said)
    end)
end)
