-- successes: 8
-- SPDX-License-Identifier: MIT
-- The reference is made from library/gpumm.lua and the headers: what stands in it is whole, and its examples run.
-- (library_spec.lua holds the names against what the module exports, header_spec.lua asks for words on each function of C.)

local gpumm = require "gpumm"
local headers = require "spec.header"
local luacats = require "doc.site.luacats"
local support = require "spec.support"

local read = luacats.read "library/gpumm.lua"
local world = luacats.read "library/gpumm/world.lua"

local function name_of(f) return (f.owner and f.owner.name .. ":" or "") .. f.name end

local function has_status(f)
    for _, r in ipairs(f.returns) do
        if r.type:find("status_name", 1, true) and r.name == "code" then return true end
    end
    return false
end

-- What says itself: options, which have a table of their own, and objects of the library.
local function is_told_by_its_type(p) return read.classes[p.type] ~= nil or world.classes[p.type] ~= nil end

-- The functions of which `what` holds.
local function those(what)
    local found = {}
    for _, library in ipairs { read, world } do
        for _, f in ipairs(library.functions) do
            local said = what(f)
            if said then found[#found + 1] = name_of(f) .. (type(said) == "string" and " " .. said or "") end
        end
    end
    return found
end

describe("the reference of Lua", function()
    it("has a text and an example for every function", function()
        assert.is_true(#read.functions > 150)
        assert.same({}, those(function(f) return f.text:gsub("Fails:.*", "") == "" end))
        assert.same({}, those(function(f) return not f.example end))
    end)

    it("says of every parameter what it is", function()
        assert.same({}, those(function(f)
            for _, p in ipairs(f.parameters) do
                if p.text == "" and not is_told_by_its_type(p) then return p.name end
            end
        end))
    end)

    it("says which statuses a function returns that returns one, by their names", function()
        assert.same({}, those(function(f) return has_status(f) and not f.text:find("Fails: ", 1, true) end))
        assert.same({}, those(function(f)
            for word in (f.text:match "Fails: (.*)" or ""):gsub("%b()", ""):gmatch "[A-Z][A-Z_]+[A-Z]" do
                if not gpumm.statuses[word] then return word end
            end
        end))
    end)

    it("says of every field what it is, and of every option what it is where it is not given", function()
        local found = {}
        for _, library in ipairs { read, world } do
            for _, class in ipairs(library.order) do
                local options = class.name:find "_options$" or class.name == "gpumm.config" or class.name == "gpumm.fault_plan"
                for _, field in ipairs(class.fields) do
                    local untold = options and field.optional and not field.text:find("unless given", 1, true)
                    if field.text == "" or untold then found[#found + 1] = class.name .. "." .. field.name end
                end
            end
        end
        assert.same({}, found)
    end)

    it("has examples that run, and print what they say", function()
        local folder = support.folder()
        local here = assert(io.popen "pwd"):read "l"
        local command = "cd '%s' && GPUMM_DEVICE=host '%s' --quiet '%s/spec/reference_run.lua' '%s'" -- it makes semaphores
        local said, code = support.said(command:format(folder.path, support.gpumm_run(), here, here))
        folder.remove()
        assert.equal(0, code, said)
    end)
end)

describe("the reference of C", function()
    for _, name in ipairs { "gpumm.h", "gpumm_compat.h", "gpumm_lua.h" } do
        it("says of every option of " .. name .. " what a 0 means", function()
            local found = {}
            for _, struct in ipairs(headers.structs(".", name)) do
                for _, field in ipairs(struct.is_options and struct.fields or {}) do
                    if not headers.has_default(field) then found[#found + 1] = struct.name .. "." .. field.name end
                end
            end
            assert.same({}, found)
        end)
    end
end)
