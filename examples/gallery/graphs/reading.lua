-- SPDX-License-Identifier: MIT
-- From a file to a picture: reads packages of Debian and what they depend on, keeps the surroundings of one, finds
-- communities, lays the graph out, and colors it by them. Any edge list, GraphML, DOT, … will do.
--
--     gpumm-run examples/gallery/graphs/reading.lua [--graph FILE] [--around jest] [--radius 2]
--         [--out communities.png] [--steps 300]

local gpumm = require "gpumm"
local opt = gpumm.options(arg, { graph = "", around = "jest", radius = 2, out = "communities.png", steps = 300 })

local path = opt.graph ~= "" and opt.graph or gpumm.beside "../../data/debian-sample.tsv"
local all = gpumm.graph.read(path)
local part = opt.around ~= "" and all:around(opt.around, opt.radius) or all:largest()

local community, sizes = part:communities()
local result = gpumm.force.layout(part, { steps = opt.steps, seed = 2 }):run {}
local stress, random = part:stress(result.positions)

-- Edges within a community are what it is made of.
local within = 0
for e = 1, part.edges do
    if community[part.from[e]] == community[part.to[e]] then within = within + 1 end
end
print(("%d of %d packages, %d communities; %.0f %% of the edges are within one; stress %.3f, at random %.3f"):format(part.nodes,
    all.nodes, #sizes, 100 * within / part.edges, stress, random))
if opt.out ~= "" then
    gpumm.picture.write(opt.out, { positions = result.positions, graph = part, colors = community, kinds = true, width = 1000,
        height = 750 })
end
return { nodes = part.nodes, community = community, sizes = sizes, within = within / part.edges, stress = stress,
    random = random }
