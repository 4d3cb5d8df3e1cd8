-- SPDX-License-Identifier: MIT
-- Describes a simulation's buffers as text for people: types, fields, offsets, strides, and the capacities of their
-- growth schedules with the bytes that each takes. Needs no device.

local gpumm = require "gpumm"
local words = require "gpumm.words"
local size_text = require "gpumm.describe.size_text"

local STEPS = 8 -- at most so many capacities of a schedule are shown
local GiB = 1 << 30
local FACTOR = 1.5 -- the default growth factor

local function field_lines(lines, t, indent, offset)
    for _, field in ipairs(t.fields or {}) do
        local struct = field.type.kind == "struct"
        lines[#lines + 1] = ("%s.%-18s %-8s offset %d"):format(indent, field.name, struct and "struct" or field.type.name,
            offset + field.offset)
        field_lines(lines, field.type, indent .. "  ", offset + field.offset)
    end
end

local function type_lines(lines, name, t)
    lines[#lines + 1] = ("  %-20s %-8s stride %d, align %d"):format(name, t.kind == "struct" and "struct" or t.name, t.size,
        t.align)
    field_lines(lines, t, "    ", 0)
end

-- ---- Growth ----------------------------------------------------------------------------------

-- The schedule that the options select: one of gpumm.growth, or a function.
local function schedule_of(options)
    local growth = options.growth or options.growth_factor or FACTOR
    if type(growth) == "function" then return growth end
    if type(growth) == "number" then growth = gpumm.growth.geometric(growth) end
    local aligned = {}
    for key, value in pairs(growth) do aligned[key] = value end
    aligned.align = options.align or growth.align
    return aligned
end

local function schedule_name(growth)
    if type(growth) == "function" then return "a function" end
    local name = "exactly what is required"
    if growth.kind == "geometric" then name = ("geometric, x%g, more where more is required"):format(growth.factor)
    elseif growth.kind == "linear" then name = ("linear, %d at a time"):format(growth.step)
    elseif growth.kind == "list" then name = "a list, then exactly what is required" end
    return growth.align and growth.align > 1 and ("%s, to multiples of %d"):format(name, growth.align) or name
end

-- The first capacity and those that follow it where it grows by little, at most STEPS, up to the maximum or the end of a
-- list. What begins empty begins with the schedule's first; none is known where that is what is first required.
local function capacities(growth, first, max)
    if type(growth) == "function" then return { first } end
    if growth.kind == "exact" then return { first > 0 and first or nil } end
    local last = growth.kind == "list" and math.min(growth.list[#growth.list], max) or max
    if first == 0 and growth.kind == "geometric" then return {} end
    local capacity = first > 0 and first or gpumm.next_capacity(growth, 0, 1, max)
    local list = { capacity }
    while #list < STEPS and capacity < last do
        capacity = gpumm.next_capacity(growth, capacity, capacity + 1, max)
        list[#list + 1] = capacity
    end
    return list
end

local function growth_lines(lines, options, row, first, max)
    local growth = schedule_of(options)
    local align = options.align or type(growth) == "table" and growth.align or 1
    first = math.min(-(-math.max(options.length or 0, first) // align) * align, max)
    lines[#lines + 1] = ("  growth: %s; maximum %d elements, %s"):format(schedule_name(growth), max, size_text(max * row))
    local list = capacities(growth, first, max)
    if #list == 0 then lines[#lines + 1] = "     1: what is first required" end
    for i, capacity in ipairs(list) do
        lines[#lines + 1] = ("    %2d: %12d elements %12s"):format(i, capacity, size_text(capacity * row))
    end
end

local function whole(n) return math.tointeger(n) or n end

local function bytes(size) return assert(gpumm.parse_size(tostring(size))) end

local show = {}

function show.group(lines, key, r)
    lines[#lines + 1] = ("group %s (%s)"):format(key, r.tag)
    local row, widest = 0, 1
    for _, member in ipairs(r.options) do
        type_lines(lines, member[1], member[2])
        row, widest = row + member[2].size, math.max(widest, member[2].size)
    end
    growth_lines(lines, r.options, row, r.options.min_length or 0, whole(r.options.max_length or GiB // widest))
end

function show.buffer(lines, key, r)
    lines[#lines + 1] = ("buffer %s (%s)"):format(key, r.tag)
    local options, t, default = r.options, r.options.type, gpumm.config.default()
    type_lines(lines, key, t)
    local least = bytes(options.min_size_bytes or default.min_size_bytes)
    local max = whole(options.max_length or bytes(options.max_size_bytes or default.max_size_bytes) // t.size)
    growth_lines(lines, options, t.size, -(-least // t.size), max)
end

function show.kernel(lines, key, r)
    lines[#lines + 1] = ("kernel %s: %s"):format(r.options.name or key, r.options.file or "source in the script")
end

function show.readback(lines, key, r)
    local every = r.options.every
    local when = every == false and "captured by hand" or ("every %d steps"):format(every or 1)
    lines[#lines + 1] = ("readback %s: %s %s, %d slots"):format(key, table.concat(r.options, ", "), when, r.options.slots or 3)
end

function show.stream(lines, key)
    lines[#lines + 1] = ("stream %s"):format(key)
end

return function(keys, resources)
    local _ <close> = words.plain()
    local lines = {}
    for _, key in ipairs(keys) do show[resources[key].kind](lines, key, resources[key]) end
    return table.concat(lines, "\n") .. "\n"
end
