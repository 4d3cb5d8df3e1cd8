-- SPDX-License-Identifier: MIT
-- What gpumm really exports, found by looking: the module's functions and parts, and of every userdata class its
-- methods, properties and metamethods. Metatables are sealed, so the debug library looks behind them.

local gpumm = require "gpumm"

local exports = {}

local function functions_of(t)
    local list = {}
    for key, value in pairs(t) do
        if type(value) == "function" then list[key] = value end
    end
    return list
end

-- An __index of ours is a C function with tables as upvalues: methods, then properties.
local function tables_behind(index)
    local tables = {}
    for i = 1, 8 do
        local name, value = debug.getupvalue(index, i)
        if not name then break end
        if type(value) == "table" then tables[#tables + 1] = value end
    end
    return tables
end

--- { ["gpumm.buffer"] = { methods = {name = function}, properties = {…}, meta = {…} }, … }
function exports.classes()
    local classes = {}
    for name, metatable in pairs(debug.getregistry()) do
        if type(name) == "string" and name:find "^gpumm%." and type(metatable) == "table" and metatable.__index then
            local tables = tables_behind(metatable.__index)
            classes[name] = {
                methods = functions_of(tables[1] or {}), properties = functions_of(tables[2] or {}),
                meta = functions_of(metatable),
            }
        end
    end
    return classes
end

-- Descriptions are the module's own words for what gpumm/description.lua makes.
local DESCRIPTIONS = { "group", "buffer", "kernel", "readback", "stream" }

--- What is in the module's table once it was asked for, and nobody's to use: files of gpumm-run and its like. And the world,
--- which needs MPI: world_spec has it.
exports.internal = { run = true, describe = true, description = true, contained = true, guard = true, world = true }

--- The live page is a module of its own, which is not everywhere.
function exports.has_live() return (pcall(function() return gpumm.live end)) end

-- The parts of the module that package.preload names and that nobody asked for yet.
local function parts_to_come(asked)
    local list, has_live = {}, exports.has_live()
    for part in pairs(package.preload) do
        local key = part:match "^gpumm%.([^.]+)$"
        local is_there = key and not exports.internal[key] and (key ~= "live" or has_live)
        if is_there and not asked[key] then list[#list + 1] = key end
    end
    return list
end

-- Lua files of gpumm come when they are asked for, and one that comes may name more: so package.preload is read to its end
-- before any is asked for, and read again after that.
local function load_parts()
    local asked = {}
    repeat
        local list = parts_to_come(asked)
        for _, key in ipairs(list) do
            assert(gpumm[key] ~= nil, key)
            asked[key] = true
        end
    until #list == 0
end

--- Every function by its path from the module: { ["manager"] = f, ["config.default"] = f, … }, and every value
--- that is none.
function exports.module()
    load_parts()
    for _, key in ipairs(DESCRIPTIONS) do assert(gpumm[key] ~= nil, key) end
    local functions, values = {}, {}
    for key, value in pairs(gpumm) do
        if exports.internal[key] or key:find(".", 1, true) then
            goto continue
        elseif type(value) == "function" then
            functions[key] = value
        elseif type(value) == "table" and key ~= "statuses" then
            for name, inner in pairs(functions_of(value)) do functions[key .. "." .. name] = inner end
        else
            values[key] = value
        end
        ::continue::
    end
    return functions, values
end

return exports
