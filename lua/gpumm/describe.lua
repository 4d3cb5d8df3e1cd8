-- What a simulation's buffers will be, as text for people: types, fields, offsets, strides, and the capacities
-- that their schedules lead to, with what they cost. No device is needed, which is the point.

local gpumm = require "gpumm"

local STEPS = 8 -- capacities shown of a schedule
local START = 1024
local GiB = 1 << 30

local function size_text(bytes)
    local units = { "B", "KiB", "MiB", "GiB", "TiB" }
    local i = 1
    while bytes >= 1024 and i < #units do bytes, i = bytes / 1024, i + 1 end
    return (i == 1 and "%d %s" or "%.1f %s"):format(bytes, units[i])
end

local function type_lines(lines, name, t, indent)
    lines[#lines + 1] = ("%s%-20s %-8s stride %d, align %d"):format(indent, name, t.kind == "struct" and "struct" or t.name,
        t.size, t.align)
    for _, field in ipairs(t.fields or {}) do
        lines[#lines + 1] = ("%s  .%-18s %-8s offset %d"):format(indent, field.name, tostring(field.type.name), field.offset)
    end
end

-- The schedule as a table or a function, whichever way the options say it.
local function growth_of(options)
    local growth = options.growth or options.growth_factor or 1.5
    if type(growth) == "function" then return growth end
    if type(growth) == "number" then growth = { kind = "geometric", factor = growth } end
    if not options.align then return growth end
    local aligned = { align = options.align }
    for key, value in pairs(growth) do aligned[key] = aligned[key] or value end
    return aligned
end

local function schedule_name(growth)
    if type(growth) == "function" then return "a function" end
    if growth.kind == "geometric" then return ("geometric, x%g"):format(growth.factor) end
    if growth.kind == "linear" then return ("linear, %d at a time"):format(growth.step) end
    if growth.kind == "list" then return "a list, then exactly what is required" end
    return "exact"
end

-- Capacities from the first on, until the maximum, the end of a list, or enough are shown. An empty start says
-- nothing about a schedule, so that one is shown from START elements.
local function capacities(growth, first, max)
    if type(growth) == "function" then return { first } end
    if growth.kind == "list" then
        local list = {}
        for _, capacity in ipairs(growth.list) do
            if capacity >= first then list[#list + 1] = math.min(capacity, max) end
        end
        return list
    end
    local capacity = first > 0 and first or math.min(START, max)
    local list = { capacity }
    while #list < STEPS and capacity < max do
        capacity = gpumm.next_capacity(growth, capacity, capacity + 1, max)
        list[#list + 1] = capacity
    end
    return list
end

local function growth_lines(lines, options, row, max)
    local first = math.max(options.length or 0, options.min_length or 0)
    if options.min_size_bytes then first = math.max(first, -(-options.min_size_bytes // row)) end
    if options.align and options.align > 1 then first = -(-first // options.align) * options.align end
    first = math.min(first, max)
    local growth = growth_of(options)
    lines[#lines + 1] = ("  growth: %s; maximum %d elements, %s"):format(schedule_name(growth), max, size_text(max * row))
    for i, capacity in ipairs(capacities(growth, first, max)) do
        lines[#lines + 1] = ("    %2d: %12d elements %12s"):format(i, capacity, size_text(capacity * row))
    end
end

local function whole(n) return math.tointeger(n) or n end

local show = {}

function show.group(lines, key, r)
    lines[#lines + 1] = ("group %s (%s)"):format(key, r.tag)
    local row, widest = 0, 1
    for _, member in ipairs(r.options) do
        type_lines(lines, member[1], member[2], "  ")
        row, widest = row + member[2].size, math.max(widest, member[2].size)
    end
    growth_lines(lines, r.options, row, whole(r.options.max_length or GiB // widest))
end

function show.buffer(lines, key, r)
    lines[#lines + 1] = ("buffer %s (%s)"):format(key, r.tag)
    local t = r.options.type
    type_lines(lines, key, t, "  ")
    growth_lines(lines, r.options, t.size, whole(r.options.max_length or (r.options.max_size_bytes or GiB) // t.size))
end

function show.kernel(lines, key, r)
    lines[#lines + 1] = ("kernel %s: %s"):format(r.options.name or key, r.options.file or "source in the script")
end

function show.readback(lines, key, r)
    lines[#lines + 1] = ("readback %s: %s every %d steps, %d slots"):format(key, table.concat(r.options, ", "),
        r.options.every or 1, r.options.slots or 3)
end

function show.stream(lines, key)
    lines[#lines + 1] = ("stream %s"):format(key)
end

return function(keys, resources)
    local lines = {}
    for _, key in ipairs(keys) do show[resources[key].kind](lines, key, resources[key]) end
    return table.concat(lines, "\n") .. "\n"
end
