-- SPDX-License-Identifier: MIT
-- gpumm-run --stats: what the managers' books say at the end, for people and for programs.

local size_text = require "gpumm.describe.size_text"

local books = {}

local SEED = { "total_allocated_bytes", "peak_allocated_bytes", "buffer_count", "allocation_count", "resize_count",
    "async_transfer_count" }
local MORE = { "limit_bytes", "used_bytes", "peak_used_bytes", "committed_bytes", "peak_committed_bytes", "dropped_frames" }
local MANY_RESIZES = 20

--- A value as JSON; a table's keys are sorted.
function books.json(value)
    if type(value) == "string" then
        return '"' .. value:gsub('[%c"\\]', function(c) return ("\\u%04x"):format(c:byte()) end) .. '"'
    elseif math.type(value) == "float" then
        return (("%.17g"):format(value):gsub(",", ".")) -- some locales write a comma
    elseif type(value) ~= "table" then
        return tostring(value)
    end
    local parts = {}
    if #value > 0 or next(value) == nil then
        for i, item in ipairs(value) do parts[i] = books.json(item) end
        return "[" .. table.concat(parts, ",") .. "]"
    end
    for key in pairs(value) do parts[#parts + 1] = key end
    table.sort(parts)
    for i, key in ipairs(parts) do parts[i] = books.json(key) .. ":" .. books.json(value[key]) end
    return "{" .. table.concat(parts, ",") .. "}"
end

local function advise(stats)
    if stats.spilled.peak > 0 then
        return ("advice: up to %s of host memory stood for the device's (spill), which kernels reach at the bus's speed;"
            .. " free or shrink what is not needed and promote(), or run with less"):format(size_text(stats.spilled.peak))
    elseif stats.resize_count > MANY_RESIZES then
        return ("advice: %d growths; start with more elements, or grow by a larger factor"):format(stats.resize_count)
    elseif stats.dropped_frames > 0 then
        return ("advice: %d frames were dropped; use more slots, or capture less often"):format(stats.dropped_frames)
    end
end

--- Shows the books of the manager that was made at `maker` ("": the simulation's own) on standard error.
function books.show(maker, stats)
    io.stderr:write(maker == "" and "books of the simulation\n" or ("books of the manager made at %s\n"):format(maker))
    for _, list in ipairs { SEED, MORE } do
        for _, key in ipairs(list) do
            local value = stats[key]
            local shown = value and (key:find "_bytes$" and size_text(value) or ("%d"):format(value))
            if shown then io.stderr:write(("  %-24s %15s\n"):format(key, shown)) end
        end
    end
    local advice = advise(stats)
    if advice then io.stderr:write("  ", advice, "\n") end
end

return books
