-- SPDX-License-Identifier: MIT
-- Makes a simulation's resources in its manager, in the order of their descriptions.

local gpumm = require "gpumm"

local resources = {}

local SLOTS = 3 -- default of a readback: one slot that the script reads, one that arrives, one that is captured

-- Every struct type of the simulation's buffers, by its name in kernels.
local function struct_types(x)
    local types = {}
    local function add(name, t)
        if t.kind == "struct" then types[t.struct_name ~= "" and t.struct_name or name] = t end
    end
    for _, key in ipairs(x.keys) do
        local r = x.resources[key]
        if r.kind == "group" then
            for _, member in ipairs(r.options) do add(member[1], member[2]) end
        elseif r.kind == "buffer" then
            add(key, r.options.type)
        end
    end
    return types
end

--- The options, and of `more` those that are not among them.
function resources.with(options, more)
    local all = {}
    for key, value in pairs(options) do all[key] = value end
    for key, value in pairs(more) do
        if all[key] == nil then all[key] = value end
    end
    return all
end

local with = resources.with
local make = {}

function make.group(sim, _, key, r)
    return sim.manager:group(with(r.options, { name = key, tag = r.tag }))
end

function make.buffer(sim, _, key, r)
    local options = with(r.options, { tag = r.tag })
    local type, length = options.type, options.length or 0
    options.type, options.length = nil, nil
    return sim.manager:allocate(key, type, length, options)
end

function make.kernel(sim, x, key, r)
    local source = "<" .. r.tag .. ">" -- shown in messages instead of a file name, for source text
    return sim.manager:kernel(with(r.options, { name = key, types = struct_types(x), file = source }))
end

function make.stream(sim, x)
    local streams = x.streams
    streams[#streams + 1] = sim.manager:stream()
    return streams[#streams]
end

function make.readback(_, x, key, r)
    local names, target = {}, nil
    for i, name in ipairs(r.options) do
        local owner, member = name:match("^([^.]+)%.?(.*)$")
        target = x.live[owner]
        names[i] = member ~= "" and member or nil
    end
    local slots = r.options.slots or SLOTS
    local busy = r.options.busy == "newest" and "newest" or "drop" -- where nothing is lost, the simulation makes room
    local options = with({ slots = slots, direct = r.options.direct, busy = busy, inline_bytes = r.options.inline_bytes,
        where = r.options.where, shareable = r.options.shareable, tag = r.tag }, names)
    local readback = target:readback(options)
    local every = r.options.every
    if every == nil then every = 1 end
    x.readbacks[#x.readbacks + 1] = { key = key, readback = readback, every = every, slots = slots,
        loses = r.options.busy == "drop" or r.options.busy == "newest", seen = 0, captured = nil }
    return readback
end

local WORLD = { OUT_OF_MEMORY = true, OVER_LIMIT = true } -- no mistake of a description's

--- A message without the place in one of our own files, and with `tag`, a line of the script's, where it has none.
function resources.at_line(message, tag)
    if type(message) ~= "string" or WORLD[gpumm.status_of(message)] then return message end
    message = message:gsub("^gpumm/[%w_/]+%.lua:%d+: ", "")
    if tag == "" or message:find("^[^:\n]+:%d+: ") then return message end
    return tag .. ": " .. message
end

-- What is wrong with a resource is told with the line of its description, which is not the one that opens it.
local function make_one(sim, x, key, r)
    local traceback = x.traceback or gpumm.traceback
    local ok, made = xpcall(make[r.kind], function(err) return traceback(resources.at_line(err, r.tag)) end, sim, x, key, r)
    return ok and made or error(made, 0)
end

--- Makes all of them in the simulation's manager. `x` is the simulation's inside: keys, resources; filled are live, streams
--- and readbacks, a { key =, readback =, every =, slots =, loses =, seen =, captured = } each.
function resources.make(sim, x)
    for _, key in ipairs(x.keys) do x.live[key] = make_one(sim, x, key, x.resources[key]) end
end

return resources
