-- SPDX-License-Identifier: MIT
-- How a capacity becomes the next: four schedules and a function of one's own, each given the same growing length. The address
-- never changes, and elements that were there stay.
--
--     gpumm-run examples/gallery/memory/growth_functions.lua [--out growth.svg] [--most 20000]

local gpumm = require "gpumm"
local chart = dofile(gpumm.beside "../chart.lua")
local opt = gpumm.options(arg, { out = "growth.svg", most = 20000 })
local growth, most = gpumm.growth, opt.most

local m <close> = gpumm.manager { device = "auto" }
m:raising(true)

-- Doubles while it is small, and is careful afterwards.
local function careful(request)
    local half = request.max // 4
    return math.max(request.required, request.capacity < half and 2 * request.capacity or request.capacity + half // 4)
end

local schedules = {
    { "geometric(1.5)", growth.geometric(1.5) }, { "linear(3000)", growth.linear(3000) },
    { "list { 2^10, 2^13, … }", growth.list { 2 ^ 10, 2 ^ 13, 2 ^ 14, 2 ^ 15 } },
    { "exact()", growth.exact() }, { "a function", careful },
}

local result = {}
local drawing = chart.new(800, 480, "Capacity, as the length grows")
local function place(length, capacity) return 60 + 700 * length / most, 430 - 360 * capacity / (1.55 * most) end

for i, schedule in ipairs(schedules) do
    local b = m:buffer { type = "f32", length = 500, max_length = 2 * most, growth = schedule[2], min_size_bytes = 4 }
    b:fill(i)
    local address, line, capacities = b.address, {}, {}
    for length = 500, most, 100 do
        b:resize(length)
        if b.capacity ~= capacities[#capacities] then
            if #line > 0 then
                local x, y = place(length, capacities[#capacities])
                table.move({ x, y }, 1, 2, #line + 1, line)
            end
            capacities[#capacities + 1] = b.capacity
        end
        local x, y = place(length, b.capacity)
        table.move({ x, y }, 1, 2, #line + 1, line)
    end
    local kept = b:download()
    result[i] = { name = schedule[1], capacities = capacities, moved = b.address ~= address, first = kept[500], last = kept[most],
        slack = b.capacity / most - 1 }
    print(("%-24s %3d capacities, %5.1f %% more than is used in the end"):format(schedule[1], #capacities, 100 * result[i].slack))
    drawing:line(line, chart.color(i), i == 4 and 3 or 2)
    drawing:text(80, 60 + 22 * i, ("%s: %d times"):format(schedule[1], #capacities - 1), { color = chart.color(i), size = 15 })
    b:close()
end
drawing:text(760, 460, ("length, up to %d"):format(most), { anchor = "end" })
drawing:write(opt.out)
return result
