-- SPDX-License-Identifier: MIT
-- A layout in three dimensions: the edges of a torus are given, its shape is found. The picture sees it from above, turned.
--
--     gpumm-run examples/gallery/graphs/space.lua [--out space.png] [--around 60] [--across 18] [--steps 300]

local gpumm = require "gpumm"
local opt = gpumm.options(arg, { out = "space.png", around = 60, across = 18, steps = 300 })
local a, b = opt.around, opt.across

local from, to, color = {}, {}, {}
for i = 0, a - 1 do
    for j = 0, b - 1 do
        local here = i * b + j + 1
        from[#from + 1], to[#to + 1] = here, (i + 1) % a * b + j + 1
        from[#from + 1], to[#to + 1] = here, i * b + (j + 1) % b + 1
        local function wave(by) return 0.6 + 0.35 * math.cos(2 * math.pi * (i / a - by)) end
        color[here] = { wave(0), wave(0.33), wave(0.67) }
    end
end
local torus = gpumm.graph.new(a * b, from, to)

local result = gpumm.force.layout(torus, { dimensions = 3, steps = opt.steps, seed = 1 }):run {}
local stress, random = torus:stress(result.positions)

-- How deep it is in each direction: a torus is flat in one.
local low, high = { 1e9, 1e9, 1e9 }, { -1e9, -1e9, -1e9 }
for _, x, y, z in result.positions:each() do
    for k, v in ipairs { x, y, z } do low[k], high[k] = math.min(low[k], v), math.max(high[k], v) end
end
print(("%d nodes in space, %.1f x %.1f x %.1f; stress %.3f, at random %.3f"):format(torus.nodes, high[1] - low[1],
    high[2] - low[2],
    high[3] - low[3], stress, random))
if opt.out ~= "" then
    gpumm.picture.write(opt.out, { positions = result.positions, graph = torus, colors = color, turn = { 25, 50 }, width = 1000,
        height = 750 })
end
return { stress = stress, random = random, low = low, high = high }
