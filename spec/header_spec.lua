-- successes: 3
-- SPDX-License-Identifier: MIT
-- The headers are the reference: every function has words of its own there.

local header = require "spec.header"
local header_cpp = require "spec.header_cpp"

local function uncommented(path, excused)
    local file <close> = assert(io.open(path))
    local found, before, declaration = {}, "", nil
    for line in file:lines() do
        if line:find "^GPUMM_API" then declaration = { before = before, text = "" } end
        if declaration then declaration.text = declaration.text .. line end
        if declaration and line:find(";", 1, true) then
            local name = declaration.text:match "(gpumm_[%w_]+)%(" or declaration.text:match "(luaopen_[%w_]+)%("
            local commented = declaration.before:find "%*/%s*$" or declaration.text:find("/*", 1, true)
            if not commented and not excused(name) then found[#found + 1] = name end
            declaration = nil
        end
        before = line
    end
    return found
end

describe("the headers", function()
    it("say of every function of C what it does", function()
        -- what every retain does stands at the head
        assert.same({}, uncommented("src/gpumm.h", function(name) return name:find "_retain$" end))
    end)

    it("say of every function for hosts of Lua what it does", function()
        -- four pushes and four takes share their words
        assert.same({}, uncommented("src/gpumm_lua.h", function(name)
            return name:find "^gpumm_lua_push_" or name:find "^gpumm_lua_to_"
        end))
    end)

    it("say of every class and member of C++ what it is, or which function of C it stands for", function()
        local known, found, count = {}, {}, 0
        for _, item in ipairs(header.items(".", "gpumm.h")) do known[item.name or ""] = true end
        local function look(item, of)
            count = count + 1
            if not item.text and not known[item.calls or ""] then found[#found + 1] = of .. (item.signature or "") end
        end
        local head, list = header_cpp.read "."
        assert.matches("^gpumm%.h for C%+%+17", head)
        for _, item in ipairs(list) do
            look(item, item.name or "")
            for _, member in ipairs(item.members or {}) do look(member, item.name .. ": ") end
        end
        assert.same({}, found)
        assert.is_true(count > 150, count .. " were read")
    end)
end)
