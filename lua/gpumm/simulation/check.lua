-- SPDX-License-Identifier: MIT
-- Checks a simulation's description, without a device.

local gpumm = require "gpumm"
local description = require "gpumm.description"
local meant = description.meant

local check = {}

local FIELDS = { -- the entries that are not resources, with their types
    steps = "number", in_flight = "number", init = "function", step = "function", frame = "function",
    finish = "function", live = "function", complete = "function", device = "string",
    limit = "size", memory = "size", spill = "size",
    debug = "boolean", workers = "number", recorded = "boolean",
}
local RESERVED = { manager = true, interrupted = true, i = true }

--- Is it an entry of descriptions that is no resource?
function check.is_field(key) return FIELDS[key] ~= nil end

--- Is it a name that stands for something else than a resource?
function check.is_taken(key) return (RESERVED[key] or FIELDS[key]) ~= nil end

-- Errors of a description have no place of their own: `placed` puts the script's line before them.
local function refuse(message, ...)
    error(message:format(...), 0)
end

local function check_field(key, value)
    local wanted = FIELDS[key]
    if wanted == "size" and (type(value) == "number" or type(value) == "string") then
        local size, message = gpumm.parse_size(tostring(value))
        if not size then refuse("gpumm.simulation: %s: %s", key, message) end
        return
    end
    if type(value) ~= wanted then
        refuse("gpumm.simulation: %s is a %s; it must be a %s", key, type(value), wanted)
    end
    if wanted == "number" and not (math.tointeger(value) and value >= (key == "steps" and 0 or 1)) then
        refuse("gpumm.simulation: %s must be a whole number%s, not %s", key, key == "steps" and "" or " from 1",
            tostring(value))
    end
end

local function check_resource(key, value, methods)
    if methods[key] or RESERVED[key] then
        refuse("gpumm.simulation: '%s' is a name of every simulation's own; choose another name for the resource", key)
    end
    if not description.kind(value) then
        local names = {}
        for name in pairs(FIELDS) do names[#names + 1] = name end
        table.sort(names)
        refuse("gpumm.simulation: '%s' is neither a resource (gpumm.group, buffer, kernel, readback, stream) nor one of: %s%s",
            key, table.concat(names, ", "), meant(key, names))
    end
end

local function has_member(group, name)
    for _, member in ipairs(group.options) do
        if member[1] == name then return true end
    end
    return false
end

-- "nodes.position" names a member of a group, "flags" a buffer. Returns its description, and the member's name.
local function resolve(resources, name)
    local key, member = name:match("^([^.]+)%.?(.*)$")
    local resource = resources[key]
    local kind = description.kind(resource)
    if kind == "buffer" and member == "" then return resource end
    if kind == "group" and member ~= "" and has_member(resource, member) then return resource, member end
    return nil
end

-- What readbacks of these resources can name.
local function readable(resources)
    local names = {}
    for key, resource in pairs(resources) do
        if resource.kind == "buffer" then names[#names + 1] = key end
        for _, member in ipairs(resource.kind == "group" and resource.options or {}) do
            names[#names + 1] = key .. "." .. member[1]
        end
    end
    table.sort(names)
    return names
end

local function check_readback(resources, key, readback)
    local first
    for _, name in ipairs(readback.options) do
        local resource = resolve(resources, name)
        if not resource then
            refuse("gpumm.simulation: readback '%s' reads '%s', which is neither a buffer nor a member of a group here%s",
                key, name, meant(name, readable(resources)))
        end
        first = first or resource
        if resource ~= first then
            refuse("gpumm.simulation: readback '%s' reads from two groups; one readback takes snapshots of one group", key)
        end
        if resource.serial > readback.serial then
            refuse("gpumm.simulation: readback '%s' stands before '%s'; write it after", key, name)
        end
    end
end

local function in_order(resources)
    local keys = {}
    for key in pairs(resources) do keys[#keys + 1] = key end
    table.sort(keys, function(a, b) return resources[a].serial < resources[b].serial end)
    return keys
end

--- Raises where the description makes no sense. `methods`: what every simulation has, so that no resource can be called so.
--- Returns { fields =, resources =, keys = (of the resources, as they were written) }.
function check.description(t, methods)
    if type(t) ~= "table" then refuse("gpumm.simulation takes a table, not a %s", type(t)) end
    local resources, fields = {}, { in_flight = 2 }
    for key, value in pairs(t) do
        if type(key) ~= "string" then refuse("gpumm.simulation: every entry needs a name; %s has none", tostring(value)) end
        if FIELDS[key] then
            check_field(key, value)
            fields[key] = FIELDS[key] == "number" and math.tointeger(value) or value
        else
            check_resource(key, value, methods)
            resources[key] = value
        end
    end
    if not fields.step then refuse("gpumm.simulation: step is missing: step = function(sim, i) … end") end
    local keys = in_order(resources)
    for _, key in ipairs(keys) do
        if resources[key].kind == "readback" then check_readback(resources, key, resources[key]) end
    end
    return { fields = fields, resources = resources, keys = keys }
end

return check
