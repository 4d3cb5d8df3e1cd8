-- SPDX-License-Identifier: MIT
-- A layout with kernels of one's own: lays out a graph by forces between all pairs of nodes, while it grows, and draws it.
-- For graphs of some thousands of nodes; examples/layout.lua takes any.
--
--     gpumm-run examples/own_kernels.lua GRAPH --out picture.png [--steps N] [--positions out.npy] [--grow N]
--         [--page out.html] [--colors COLUMN]
--
-- GRAPH is an edge list (two names a line), Matrix Market, GraphML or DOT, gzip'd or not. COLUMN is a file of lines "name
-- value", by which nodes are colored: numbers from cold to warm, anything else by kind. --grow N feeds N nodes at a time and
-- says where the buffers are after each growth: they never move.

local gpumm = require "gpumm"
local growth, graph, page, picture = gpumm.growth, gpumm.graph, gpumm.page, gpumm.picture

local opt   = gpumm.options(arg, { "graph", out = "layout.png", positions = "", page = "", colors = "",
    steps = 600, grow = 0 })
if opt.steps < 1 then error("--steps: at least 1 is meant, not " .. opt.steps, 0) end
picture.outputs { picture = opt.out, page = opt.page, positions = opt.positions } -- known before the work
local input = graph.read(opt.graph)
local color = opt.colors ~= "" and picture.column(opt.colors, input) or nil
local batch = input:batches(opt.grow)

local every    = 20 -- steps between two batches
local fed      = opt.grow > 0 and math.ceil(input.nodes / opt.grow) * every or 0
local steps    = opt.steps + fed
local capacity -- of the nodes, as last seen

local function say(...)
    local line = string.format(...)
    if io then io.stderr:write("\r", line, "\n") else print(line) end -- a contained script has no io
end

-- Growing is what this is about: every new capacity is announced, with the address that stayed.
local function announce(sim, step)
    if sim.nodes.capacity == capacity then return end
    capacity = sim.nodes.capacity
    say("step %4d: %5d nodes, room for %5d, positions at 0x%x", step, #sim.nodes, capacity, sim.nodes.position.address)
end

-- Nodes move freely at first and while the graph grows, and settle in the end.
local function temperature(step)
    local left = math.max(0, 1 - math.max(0, step - fed) / opt.steps)
    return 4 * left * left + 0.02
end

return gpumm.simulation {
    nodes  = gpumm.group {
        { "position", "f32x2" }, { "velocity", "f32x2" }, { "force", "f32x2" }, { "mass", "f32" },
        growth = growth.geometric(1.3), ahead = 1, max_length = 4e6,
    },
    edges  = gpumm.group {
        { "ends", gpumm.struct { { "from", "u32" }, { "to", "u32" } } },
        growth = growth.list { 2^12, 2^16, 2^20, 2^24 },
    },
    repel   = gpumm.kernel { file = "own_kernels.cu", threads = "n" },
    attract = gpumm.kernel { file = "own_kernels.cu", threads = "m" },
    move    = gpumm.kernel { file = "own_kernels.cu", threads = "n" },
    watch   = gpumm.readback { "nodes.position", every = 5, slots = 3 },
    steps   = steps,
    recorded = true, -- what a step launches is enqueued together, and patched where it is the step before's

    step = function(sim, i)
        -- New nodes start beside where their neighbours are by now.
        local more = i % every == 1 and batch(i > 1 and sim.nodes.position:download() or nil)
        if more then
            sim.nodes:append(more.nodes)
            if more.edge_count > 0 then sim.edges:append(more.edges) end
            announce(sim, i)
        end
        local n, m = #sim.nodes, #sim.edges
        local p, force = sim.nodes.position, sim.nodes.force
        sim.repel { n = n, position = p, mass = sim.nodes.mass, force = force, strength = 0.1, gravity = 0.1 }
        sim.attract { m = m, ends = sim.edges.ends, position = p, force = force, strength = 1 }
        sim.move { n = n, position = p, velocity = sim.nodes.velocity, force = force, mass = sim.nodes.mass,
                   temperature = temperature(i) }
    end,

    frame = function(sim, f)
        sim:progress("%d nodes, %d dropped", #f.position, f.dropped)
    end,

    finish = function(sim, last)
        local stress, random = input:stress(last.position)
        say("%d nodes, %d edges; dropped frames: %d", #last.position, #sim.edges, last.dropped)
        say("stress %.3f; of a random layout %.3f", stress, random)
        picture.write(opt.out, { positions = last.position, graph = input, colors = color })
        if opt.page ~= "" then page.write(opt.page, { positions = last.position, graph = input, colors = color }) end
        if opt.positions ~= "" then picture.positions(opt.positions, last.position) end
    end,
}
