-- SPDX-License-Identifier: MIT
-- Growth schedules as tables, which the binding reads: they say which capacity follows a capacity. Arguments are
-- checked here, so that the error message has the line of the mistake. A schedule can also be a function that takes a table
-- { name, capacity, required, max } and returns a capacity; it needs no constructor.

local words = require "gpumm.words"

local growth = {}

local MAX_FACTOR = 4000 -- a larger factor is taken for a mistake

local function check(condition, message, ...)
    if not condition then error(message:format(...), 3) end
end

-- As an integer: 4e6 is 4000000. nil for anything that is not a whole number.
local function whole(value)
    return type(value) == "number" and math.tointeger(value) or nil
end

local function checked_align(align)
    if align == nil then return nil end
    check(whole(align) and align >= 1, "growth.geometric: align is a whole number from 1, not %s",
        tostring(align))
    return whole(align)
end

--- ceil(capacity * factor), rounded up to a multiple of `align` elements.
function growth.geometric(factor, align)
    local _ <close> = words.plain()
    check(type(factor) == "number", "growth.geometric: the factor is a number, not a %s", type(factor))
    check(factor >= 1 and factor <= MAX_FACTOR, "growth.geometric: the factor is from 1 to %d, not %s",
        MAX_FACTOR, factor) -- NaN fails both comparisons
    return { kind = "geometric", factor = factor, align = checked_align(align) }
end

--- The next multiple of `step` elements.
function growth.linear(step)
    local _ <close> = words.plain()
    check(whole(step) and step >= 1, "growth.linear: the step is a whole number of elements from 1, not %s",
        tostring(step))
    return { kind = "linear", step = whole(step) }
end

--- The first entry that is large enough: growth.list { 2^12, 2^16, 2^20 }.
function growth.list(entries)
    check(type(entries) == "table", "growth.list: a table of capacities expected, not a %s", type(entries))
    check(#entries >= 1, "growth.list: the list is empty")
    local _ <close> = words.plain()
    local list, last = {}, 0
    for i = 1, #entries do
        local entry = whole(entries[i])
        check(entry, "growth.list: entry %d is not a whole number: %s", i, tostring(entries[i]))
        check(entry > last, i == 1 and "growth.list: entry %d is %d, capacities are at least 1"
            or "growth.list: entry %d is %d, not more than the one before", i, entry)
        list[i], last = entry, entry
    end
    for key in pairs(entries) do
        check(list[key], "growth.list: it may hold capacities only, not the key %s", tostring(key))
    end
    return { kind = "list", list = list }
end

--- Exactly what is required: no spare elements, and a growth step each time that more are required.
function growth.exact(...)
    check(select("#", ...) == 0, "growth.exact takes no argument")
    return { kind = "exact" }
end

return growth
