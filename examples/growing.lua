-- SPDX-License-Identifier: MIT
-- A graph that grows while it is laid out, with every frame on disk:
--
--     scripts/debian-graph.sh debian.tsv
--     gpumm-run examples/growing.lua debian.tsv --out growing.png [--frames FOLDER] [--page growing.html]
--         [--first 1000] [--batch 1000]
--
-- GRAPH is an edge list, or what else graph.read reads; its nodes come in the order in which the file first names
-- them. Frames are the positions as .npy, one every --capture steps, where a folder for them is named. Every growth
-- prints where the positions are: they never move.

local gpumm = require "gpumm"
local force, graph, page, picture = gpumm.force, gpumm.graph, gpumm.page, gpumm.picture

local opt = gpumm.options(arg, { "graph", out = "growing.png", frames = "", page = "", first = 1000, batch = 1000, every = 10,
    steps = 200, capture = 5, model = "tforce" })
picture.outputs { picture = opt.out, page = opt.page, frames = opt.frames } -- known before the work
local input = graph.read(opt.graph)
local frames, capacity, kept = 0, nil, opt.page ~= "" and page.frames() or nil

local function say(...)
    local line = string.format(...)
    if io then io.stderr:write("\r", line, "\n") else print(line) end -- a contained script has no io
end

local function grown(sim, step, count)
    say("step %5d: %5d nodes more, %6d nodes, %7d edges, positions at 0x%x%s", step, count, #sim.nodes, #sim.edges,
        sim.nodes.position.address, sim.nodes.capacity ~= capacity and (", room for %d"):format(sim.nodes.capacity) or "")
    capacity = sim.nodes.capacity
end

local function frame(sim, f)
    if opt.frames ~= "" then
        picture.positions(("%s/%06d.npy"):format(opt.frames, f.step), f.position)
    end
    frames = frames + 1
    if kept then kept:add(f.step, f.position) end -- the page has a slider over them
    sim:progress("%d nodes, %d dropped", #f.position, f.dropped)
    sim.dropped = f.dropped
end

local layout = force.growing(input, {
    first = opt.first, batch = opt.batch, every = opt.every, steps = opt.steps, capture = opt.capture,
    model = opt.model, grown = grown, frame = frame, quality = true,
    finish = function(sim, result)
        say("%d nodes after %d steps; %d frames%s, %d dropped", #result.positions, result.steps, frames,
            opt.frames ~= "" and " in " .. opt.frames or "", sim.dropped)
        say("%s", force.describe(result.quality, result.random))
        picture.write(opt.out, { positions = result.positions, graph = input })
        if opt.page ~= "" then page.write(opt.page, { positions = result.positions, graph = input, frames = kept }) end
    end,
})

return layout
