-- SPDX-License-Identifier: MIT
-- A picture of a manager's memory over time, from a trace: buffers that grow, staging of readbacks, scratch of a sort, what is
-- precommitted, what is cached after it was freed.
--
--     gpumm-run examples/gallery/memory/memory_picture.lua [--out memory.svg] [--trace memory.json]

local gpumm = require "gpumm"
local opt = gpumm.options(arg, { out = "memory.svg", trace = "memory.json" })

local trace = assert(gpumm.trace { file = opt.trace })
local frames = 0
do
    local m <close> = gpumm.manager { device = "auto", limit = "96MiB" }
    m:raising(true)
    local nodes = m:group {
        { "position", "f32x2" }, { "key", "u32" }, name = "nodes", length = 50000, growth = gpumm.growth.geometric(1.4),
            ahead = 1,
        max_length = 4e6,
    }
    local watch = nodes:readback { "position", slots = 2 }
    for step = 1, 14 do
        nodes:resize(#nodes + 50000)
        nodes.position:fill { step, -step }
        m:sort { keys = nodes.key } -- takes scratch
        watch:capture(step)
        frames = frames + (watch:wait().data:get(1) == step and 1 or 0)
        if step == 7 then m:allocate("edges", "u32x2", 2500000) end
        if step == 11 then m:free "edges" end
    end
    m:synchronize()
    nodes:free()
end
assert(trace:close())

local peak = gpumm.picture.memory(opt.out, { trace = opt.trace, title = "A layout that grows", width = 900, height = 480 })
print(("%d frames; at most %.1f MiB, %.1f ms after the start"):format(frames, peak.total / (1 << 20), peak.at / 1000))
return { frames = frames, peak = peak }
