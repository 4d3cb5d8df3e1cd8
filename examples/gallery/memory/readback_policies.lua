-- SPDX-License-Identifier: MIT
-- What happens to snapshots when their reader is slow: three readbacks of one buffer, each with two slots. "drop" refuses
-- captures, "newest" replaces what nobody took, "wait" loses nothing and says BUSY until the reader has come. The reader comes
-- every third step.
--
--     gpumm-run examples/gallery/memory/readback_policies.lua [--out policies.svg] [--steps 24]

local gpumm = require "gpumm"
local chart = dofile(gpumm.beside "../chart.lua")
local opt = gpumm.options(arg, { out = "policies.svg", steps = 24 })

local m <close> = assert(gpumm.manager { device = "auto" })
local value = assert(m:buffer { type = "i32", length = 1000 })
local POLICIES = { "drop", "newest", "wait" }

-- What each policy's reader was given, and what became of each capture.
local seen, fate, readbacks = {}, {}, {}
for _, busy in ipairs(POLICIES) do
    readbacks[busy], seen[busy], fate[busy] = assert(value:readback { slots = 2, busy = busy }), {}, {}
end

local function take(busy)
    local frame = readbacks[busy]:next()
    if not frame then return end
    assert(frame.data[1] == frame.step) -- a frame is what was captured, whenever it is read
    table.insert(seen[busy], frame.step)
    fate[busy][frame.step] = "taken"
end

for step = 1, opt.steps do
    assert(value:fill(step))
    for _, busy in ipairs(POLICIES) do
        local ticket, message, code = readbacks[busy]:capture(step)
        if ticket then
            fate[busy][step] = "lost" -- unless somebody takes it
        elseif code == "BUSY" then
            fate[busy][step] = "refused"
        else
            error(message)
        end
    end
    assert(m:synchronize()) -- so that every run shows the same; a simulation would not wait
    if step % 3 == 0 then
        for _, busy in ipairs(POLICIES) do take(busy) end
    end
end
for _, busy in ipairs(POLICIES) do -- what is still there
    for _ = 1, 2 do take(busy) end
end

local dropped = {}
local drawing = chart.new(800, 300, ("%d captures, a slow reader"):format(opt.steps))
for row, busy in ipairs(POLICIES) do
    dropped[busy] = readbacks[busy].dropped
    local list = table.concat(seen[busy], " ")
    print(("%-7s %2d taken, %2d dropped: %s"):format(busy, #seen[busy], dropped[busy], list))
    local y = 30 + 68 * row
    drawing:text(24, y + 5, '"' .. busy .. '"', { color = chart.color(row), size = 16 })
    for step = 1, opt.steps do
        local x = 122 + 640 * (step - 1) / (opt.steps - 1)
        if fate[busy][step] == "taken" then
            drawing:disc(x, y, 9, chart.color(row))
        elseif fate[busy][step] == "lost" then -- replaced by a newer one
            drawing:disc(x, y, 8, chart.color(row), true)
        else
            drawing:line({ x - 5, y - 5, x + 5, y + 5 }, "#5a6478")
            drawing:line({ x - 5, y + 5, x + 5, y - 5 }, "#5a6478")
        end
    end
end
drawing:text(122, 278, "● taken    ○ replaced by a newer one    × refused: BUSY")
drawing:write(opt.out)
return { seen = seen, dropped = dropped, fate = fate }
