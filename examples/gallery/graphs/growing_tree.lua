-- SPDX-License-Identifier: MIT
-- A tree that grows while it is laid out: every node joins one that is there, and starts beside it. The buffers grow with it,
-- and never move; new nodes' positions come from their parents' on the device.
--
--     gpumm-run examples/gallery/graphs/growing_tree.lua [--out tree.png] [--n 1200] [--every 4]

local gpumm = require "gpumm"
local opt = gpumm.options(arg, { out = "tree.png", n = 1200, every = 4 })

-- A binary tree of random shape: a node joins one that has fewer than three neighbours.
math.randomseed(6)
local from, to, color, free = {}, {}, { 0 }, { 1, 1, 1 }
for i = 2, opt.n do
    local k = math.random(#free)
    local parent = free[k]
    free[k] = free[#free]
    free[#free] = nil
    from[#from + 1], to[#to + 1] = parent, i
    free[#free + 1], free[#free + 2] = i, i
    color[i] = color[parent] + 1 -- how far from the root
end
local tree = gpumm.graph.new(opt.n, from, to)

local grown, addresses = 0, {}
local sim = gpumm.force.growing(tree, {
    first = 20, batch = math.max(opt.n // 40, 1), every = opt.every, steps = 250, model = "tforce",
    grown = function(sim)
        grown = grown + 1
        addresses[sim.nodes.position.address] = true
    end,
})
local result = sim:run {}

local places = 0
for _ in pairs(addresses) do places = places + 1 end
local stress, random = tree:stress(result.positions)
print(("%d nodes after %d growths at %d address; stress %.3f, at random %.3f"):format(opt.n, grown, places, stress, random))
if opt.out ~= "" then
    local deepest = math.max(table.unpack(color))
    for i, depth in ipairs(color) do
        local part = depth / deepest
        color[i] = { 0.55 + 0.4 * part, 0.35 + 0.5 * part ^ 0.6, 0.2 + 0.35 * part ^ 2 }
    end
    gpumm.picture.write(opt.out, { positions = result.positions, graph = tree, colors = color, width = 1000, height = 750 })
end
return { grown = grown, places = places, stress = stress, random = random, nodes = #result.positions }
