-- SPDX-License-Identifier: MIT
-- Makes the pictures of layouts that the documentation shows:   gpumm-run doc/pictures/make.lua
-- (The drawings, *.svg, are written by hand, but for memory.svg.)

local gpumm = require "gpumm"
local force, graph, picture = gpumm.force, gpumm.graph, gpumm.picture

local here = gpumm.beside "."
local debian = graph.read(gpumm.beside "../../examples/data/debian-sample.tsv")

local function draw(name, positions, options)
    local all = { positions = positions, graph = debian, width = 440, height = 330 }
    for key, value in pairs(options or {}) do all[key] = value end
    picture.write(here .. "/" .. name, all)
end

-- ---- One graph by each model ------------------------------------------------------------------

local flat
for _, model in ipairs { "tforce", "forceatlas", "spring" } do
    local result = force.layout(debian, { model = model, steps = 400 }):run {}
    if model == "tforce" then flat = result.positions end
    draw("layout-" .. model .. ".png", result.positions)
end
draw("layout-communities.png", flat, { colors = debian:communities(), kinds = true, legend = "community", labels = 6 })
draw("layout.png", flat, { width = 1000, height = 560 })

local space = force.layout(debian, { dimensions = 3, steps = 300 }):run {}
draw("layout-space.png", space.positions, { turn = { 30, 20 } })

-- ---- The same growing, and what memory did -------------------------------------------------------

local trace = gpumm.trace { file = "/tmp/gpumm-pictures.json" }
local grown = force.growing(debian, { first = 500, batch = 500, every = 10, steps = 150,
    frame = function(_, f) if f.step == 20 then draw("layout-growing-1.png", f.position) end end }):run {}
draw("layout-growing-2.png", grown.positions)
trace:close()
picture.memory(here .. "/memory.svg", { trace = "/tmp/gpumm-pictures.json", width = 760, height = 380,
    title = "A graph that grows while it is laid out" })
os.remove "/tmp/gpumm-pictures.json"
