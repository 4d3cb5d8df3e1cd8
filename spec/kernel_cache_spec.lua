-- successes: 18
-- SPDX-License-Identifier: MIT
-- Where compiled kernels are kept: stale when anything changed that a compiler reads, in a folder that can hold programs,
-- and nothing left behind however a process ends. And what a source may be.

local gpumm = require "gpumm"
local spec = require "gpumm.spec"
local support = require "spec.support"
local fails = support.fails

local folder = support.folder()
teardown(folder.remove)
after_each(spec.close)

-- Prints what the kernel writes, and how often a compiler was asked for it.
local SCRIPT = [[
    local gpumm = require "gpumm"
    local m <close> = assert(gpumm.manager { device = "host", fault = {} })
    local a = assert(m:buffer { type = "i32", length = 1 })
    local k, message = m:kernel { source = arg[1], flags = arg[2] ~= "" and arg[2] or nil, file = arg[3] }
    if not k then return print("error", message) end
    k { n = 1, a = a }
    print(a:download()[1], m.fault:calls "compile") ]]

local function quoted(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

local script -- written once

local function command(environment, source, flags, file)
    script = script or folder.write("answer.lua", SCRIPT)
    return ("env %s %s --quiet %s %s %s %s 2>&1"):format(environment, support.gpumm_run(), script, quoted(source),
        quoted(flags or ""), file and quoted(file) or "")
end

local function said(...)
    local pipe = assert(io.popen(command(...)))
    local text = pipe:read "a"
    pipe:close()
    return text
end

local function cached(name, more) return ("GPUMM_CACHE_DIR=%s %s"):format(folder.beside(name), more or "") end

local SOURCE = '#include <gpumm_team.h>\nextern "C" __global__ void k(int n, int *a) { a[0] = TEAM; }'

local function team(where, value)
    os.execute("mkdir -p " .. folder.beside(where))
    folder.write(where .. "/gpumm_team.h", "#define TEAM " .. value .. "\n")
end

describe("a binary is stale", function()
    it("when a header changed that the environment's folders hold", function()
        for _, variable in ipairs { "CPATH", "CPLUS_INCLUDE_PATH" } do
            local name = "by" .. variable
            local environment = cached(name, variable .. "=" .. folder.beside "one")
            team("one", 1)
            assert.equal("1\t1\n", said(environment, SOURCE))
            assert.equal("1\t0\n", said(environment, SOURCE))
            team("one", 2)
            assert.equal("2\t1\n", said(environment, SOURCE))
            assert.equal("2\t0\n", said(environment, SOURCE))
            team("other", 3)
            assert.equal("3\t1\n", said(cached(name, variable .. "=" .. folder.beside "other"), SOURCE))
            assert.truthy(said(cached(name), SOURCE):find "^error.*gpumm_team")
        end
    end)

    it("when a header is there now that would have been found first", function()
        team("second", 2)
        os.execute("mkdir -p " .. folder.beside "first")
        local flags = ("-I%s -I%s"):format(folder.beside "first", folder.beside "second")
        assert.equal("2\t1\n", said(cached "shadow", SOURCE, flags))
        assert.equal("2\t0\n", said(cached "shadow", SOURCE, flags))
        team("first", 1)
        assert.equal("1\t1\n", said(cached "shadow", SOURCE, flags))
        os.remove(folder.beside "first/gpumm_team.h")
        assert.equal("2\t0\n", said(cached "shadow", SOURCE, flags)) -- the one from before
    end)

    it("when a header is there that was only asked for, or is there no more", function()
        local ASK = "#if __has_include(%s)\n#include %s\n#else\n#define ASKED 1\n#endif\n"
        local K = 'extern "C" __global__ void k(int n, int *a) { a[0] = ASKED; }'
        os.execute("mkdir -p " .. folder.beside "asked")
        folder.write("asked/gpumm_asks.h", ASK:format("<gpumm_asked_3.h>", "<gpumm_asked_3.h>"))
        for i, text in ipairs {
            ASK:format('"gpumm_asked_1.h"', '"gpumm_asked_1.h"'),
            "#define H <gpumm_asked_2.h>\n" .. ASK:format("H", "H"),
            "#include <gpumm_asks.h>\n",
        } do
            local flags, source = "-I" .. folder.beside "asked", text .. K
            assert.equal("1\t1\n", said(cached "ask", source, flags))
            local header = folder.write("asked/gpumm_asked_" .. i .. ".h", "#define ASKED 2\n")
            assert.equal("2\t1\n", said(cached "ask", source, flags))
            os.remove(header)
            assert.equal("1", said(cached "ask", source, flags):match "^%d+")
        end
    end)

    it("when a header is beside the header that asks for it", function()
        os.execute("mkdir -p " .. folder.beside "nest/inner")
        folder.write("nest/inner/outer.h", '#include "gpumm_nested.h"\n')
        folder.write("nest/gpumm_nested.h", "#define NESTED 1\n")
        local flags, source = "-I" .. folder.beside "nest",
            '#include "inner/outer.h"\nextern "C" __global__ void k(int n, int *a) { a[0] = NESTED; }'
        assert.equal("1\t1\n", said(cached "nested", source, flags))
        assert.equal("1\t0\n", said(cached "nested", source, flags))
        folder.write("nest/inner/gpumm_nested.h", "#define NESTED 2\n")
        assert.equal("2\t1\n", said(cached "nested", source, flags))
    end)

    it("when the compiler behind another program is another", function()
        local first = folder.write("wrapper", '#!/bin/sh\nexec "$@"\n')
        local function behind(value)
            local second = folder.write("wrapped", '#!/bin/sh\nexec ${CXX:-c++} -DWHO=' .. value .. ' "$@"\n')
            os.execute("chmod +x " .. first .. " " .. second)
            return cached("behind", ("'GPUMM_CXX=%s %s'"):format(first, second))
        end
        local source = 'extern "C" __global__ void k(int n, int *a) { a[0] = WHO; }'
        assert.equal("1\t1\n", said(behind(1), source))
        assert.equal("22\t1\n", said(behind(22), source))
    end)

    it("when a header's header changed, however it is named", function()
        team("deep", 1)
        folder.write("deep/outer.h", "#define NAME <gpumm_team.h>\n#include NAME\n")
        local source = '#include "outer.h"\nextern "C" __global__ void k(int n, int *a) { a[0] = TEAM; }'
        local flags = "-iquote " .. folder.beside "deep" .. " -I" .. folder.beside "deep"
        assert.equal("1\t1\n", said(cached "deeper", source, flags))
        team("deep", 5)
        assert.equal("5\t1\n", said(cached "deeper", source, flags))
    end)

    it("and is not when only the times of its headers changed", function()
        team("touched", 4)
        local flags = "-I" .. folder.beside "touched"
        assert.equal("4\t1\n", said(cached "touch", SOURCE, flags))
        os.execute("touch -d '2001-02-03' " .. folder.beside "touched/gpumm_team.h")
        assert.equal("4\t0\n", said(cached "touch", SOURCE, flags))
    end)
end)

describe("a cache folder", function()
    local PLAIN = 'extern "C" __global__ void k(int n, int *a) { a[0] = 6; }'

    -- A file system of its own; only root may mount one.
    local function mounted(options, act)
        local path = folder.beside "mounted"
        os.execute("mkdir -p " .. path)
        if not os.execute(("mount -t tmpfs -o mode=700,%s tmpfs %s 2>/dev/null"):format(options, path)) then return end
        local ok, message = pcall(act, path)
        os.execute("umount " .. path)
        assert(ok, message)
    end

    local function check_passed_over(path, why)
        local next_one = folder.beside("next-" .. why:gsub("%W", ""))
        local environment = ("-u GPUMM_CACHE_DIR XDG_CACHE_HOME=%s HOME=%s"):format(path, next_one)
        local text = said(environment, PLAIN)
        support.says(text, why, "set GPUMM_CACHE_DIR", "6\t1\n")
        assert.equal(1, select(2, text:gsub("GPUMM_CACHE_DIR", "")))
        support.says(said(environment, PLAIN), "6\t0\n") -- from the next one
        support.says(said("-u XDG_CACHE_HOME GPUMM_CACHE_DIR=" .. path .. " HOME=" .. next_one, PLAIN), "6\t")
    end

    it("that cannot run programs is passed over, with one line", function()
        mounted("noexec,size=20m", function(path) check_passed_over(path, "noexec") end)
    end)

    it("that is full is passed over, with one line", function()
        mounted("size=16k", function(path)
            os.execute(("head -c 16000 /dev/zero > %s/zero 2>/dev/null"):format(path))
            check_passed_over(path, "No space left")
        end)
    end)

    it("for compiling that is full is passed over too", function()
        mounted("size=16k", function(path)
            os.execute(("head -c 16000 /dev/zero > %s/zero 2>/dev/null"):format(path))
            assert.equal("6\t1\n", said(cached("elsewhere", "TMPDIR=" .. path), PLAIN))
        end)
    end)

    it("that is the only one, and cannot be used, is told of, and what was compiled runs from elsewhere", function()
        mounted("ro,size=1m", function(path)
            support.says(said("-u GPUMM_CACHE_DIR -u XDG_CACHE_HOME HOME=" .. path, PLAIN), "Read-only", "set GPUMM_CACHE_DIR",
                "6\t1\n")
        end)
        mounted("noexec,size=20m", function(path)
            support.says(said(("-u GPUMM_CACHE_DIR -u XDG_CACHE_HOME HOME=%s TMPDIR=%s"):format(path, path), PLAIN), "noexec",
                "6\t1\n")
        end)
    end)

    it("that cannot be written is passed over", function()
        mounted("ro,size=20m", function(path)
            local environment = "-u XDG_CACHE_HOME GPUMM_CACHE_DIR=%s/cache HOME=%s"
            local text = said(environment:format(path, folder.beside "writable"), PLAIN)
            support.says(text, "6\t1\n", "set GPUMM_CACHE_DIR")
        end)
    end)
end)

describe("a process that is ended while it compiles", function()
    local function slow(number)
        local lines = {}
        for i = 1, 400 do
            lines[i] = ("b[%d] = sinf(b[%d] * %d.f) + cosf(b[%d] + %d.f) * (b[%d] > %d ? 2 : 3);"):format(i, i, i, i, i, i, i)
        end
        return ('extern "C" __global__ void k(int n, int *a, float *b) { %s } // %d'):format(table.concat(lines, "\n"), number)
    end

    local function count(what)
        local pipe = assert(io.popen(what))
        local number = tonumber(pipe:read "a")
        pipe:close()
        return number
    end

    it("leaves no compiler running, and no folder that the next run does not clear", function()
        local temporary = folder.beside "tmp"
        os.execute("mkdir -p " .. temporary)
        for i, signal in ipairs { "TERM", "HUP", "KILL", "KILL" } do
            local environment = cached("killed", "TMPDIR=" .. temporary)
            os.execute(("%s & p=$!; i=0; while [ $i -lt 100 ] && ! ls %s | grep -q build; do sleep 0.02; i=$((i+1)); done; "
                .. "sleep 0.%d; kill -%s $p; wait $p 2>/dev/null"):format(command(environment, slow(i)), temporary, i, signal))
            local running = ("ps -eo args | grep -v grep | grep -c '%s/gpumm-build'"):format(temporary)
            for _ = 1, 100 do
                if count(running) == 0 then break end
                os.execute "sleep 0.05"
            end
            assert.equal(0, count(running), signal)
        end
        assert.equal("1\t1\n", said(cached("killed", "TMPDIR=" .. temporary),
            'extern "C" __global__ void k(int n, int *a) { a[0] = 1; }'))
        assert.equal(0, count("ls " .. temporary .. " | wc -l"))
        assert.equal(0, count("ls " .. folder.beside "killed" .. " | grep -c building"))
    end)
end)

describe("a source", function()
    it("that is a pipe or a device is refused", function()
        local m = spec.manager { device = "host" }
        os.execute("mkfifo " .. folder.beside "pipe.cu")
        for _, file in ipairs { folder.beside "pipe.cu", "/dev/zero" } do
            fails("IO", "is a pipe, a device or the like", m:kernel { file = file })
        end
    end)

    it("whose header is found as a pipe is refused, and one that is found before is taken", function()
        local m = spec.manager { device = "host" }
        for _, name in ipairs { "piped", "whole" } do os.execute("mkdir -p " .. folder.beside(name)) end
        os.execute("mkfifo " .. folder.beside "piped/gpumm_spec_value.h")
        folder.write("whole/gpumm_spec_value.h", "#define VALUE 5\n")
        local source = '#include "gpumm_spec_value.h"\nextern "C" __global__ void k(int n, int *a) { a[0] = VALUE; }'
        local piped, whole = "-I" .. folder.beside "piped", "-I" .. folder.beside "whole"
        fails("COMPILE_FAILED", "piped/gpumm_spec_value.h', which is a pipe",
            m:kernel { source = source, flags = piped .. " " .. whole })
        local k = assert(m:kernel { source = source, flags = whole .. " " .. piped })
        local b = assert(m:buffer { type = "i32", length = 1 })
        assert(k(1, b))
        assert.equal(5, b:download()[1])
    end)

    it("may declare the struct of a known type itself, in the same shape", function()
        local m = spec.manager { device = "host" }
        local ends = gpumm.struct { { "from", "u32" }, { "to", "u32" }, name = "ends" }
        local b = assert(m:buffer { type = ends, length = 1 })
        for _, declared in ipairs { "struct ends { unsigned from, to; };", "typedef struct { unsigned from, to; } ends;",
            "using ends = struct both { unsigned from, to; };", "#define S struct\nS ends { unsigned from, to; };",
            "namespace { struct ends { unsigned from; unsigned to; }; }" } do
            local k = assert(m:kernel { types = { ends }, source = declared
                .. '\nextern "C" __global__ void k(int n, ends *e) { e[0].to = 7; }' })
            b:upload { { 0, 0 } }
            assert(k(1, b))
            assert.view_equals({ { 0, 7 } }, b:download())
        end
    end)

    it("that declares it in another shape is refused, with both", function()
        local m = spec.manager { device = "host" }
        local ends = gpumm.struct { { "from", "u32" }, { "to", "u32" }, name = "ends" }
        fails("TYPE_MISMATCH", "has 12 bytes aligned to 4, and the type of that name has 8 aligned to 4", m:kernel {
            types = { ends },
            source = 'struct ends { unsigned from, to, more; };\nextern "C" __global__ void k(int n, ends *e) {}' })
    end)

    it("may name kernels as libraries name functions, and include their headers", function()
        local m = spec.manager { device = "host" }
        local b = assert(m:buffer { type = "f32", length = 1 })
        for _, name in ipairs { "remove", "index", "random", "select", "gamma", "signal", "div", "max", "y0", "link", "main",
            "norm", "timezone", "signgam", "ushort" } do
            local k = assert(m:kernel { source = "#include <cstdio>\n#include <cstdlib>\n#include <cmath>\n#include <string.h>\n"
                .. 'extern "C" __global__ void ' .. name .. "(int n, float *a) { if (n > 0) a[0] = 2; }" })
            assert.equal(name, k.name)
            b:fill(0)
            assert(k(1, b))
            assert.view_equals({ 2 }, b:download())
        end
    end)
end)
