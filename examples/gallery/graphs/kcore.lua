-- SPDX-License-Identifier: MIT
-- K-cores: what is left where everybody who has fewer than k neighbours is taken away, again and again. The picture has the
-- whole graph, colored by the last core that a node is in.
--
--     gpumm-run examples/gallery/graphs/kcore.lua [--out kcore.png] [--n 900] [--steps 250]

local gpumm = require "gpumm"
local opt = gpumm.options(arg, { out = "kcore.png", n = 900, steps = 250 })

-- People who meet by chance, the earlier ones more often.
math.randomseed(8)
local from, to, names = {}, {}, {}
for i = 2, opt.n do
    for _ = 1, math.random(1, 4) do
        from[#from + 1], to[#to + 1] = i, math.max(1, math.floor((i - 1) * math.random() ^ 2.2 + 0.999))
    end
end
for i = 1, opt.n do names[i] = tostring(i) end

-- A graph's nodes have names where it was read from a file; a core keeps them.
local path = os.tmpname()
do
    local file <close> = assert(io.open(path, "w"))
    for e = 1, #from do file:write(names[from[e]], "\t", names[to[e]], "\n") end
end
local graph = gpumm.graph.read(path)
os.remove(path)

local coreness, sizes, k = {}, {}, 0
for i = 1, graph.nodes do coreness[i] = 0 end
while true do
    local ok, core = pcall(graph.core, graph, k + 1)
    if not ok then break end -- it is empty
    k = k + 1
    sizes[k] = core.nodes
    for i = 1, core.nodes do coreness[graph.names:find(core.names[i])] = k end
end

print(("%d nodes, %d edges; cores: %s"):format(graph.nodes, graph.edges, table.concat(sizes, ", ")))
if opt.out ~= "" then
    local result = gpumm.force.layout(graph, { steps = opt.steps, seed = 5 }):run {}
    local palette, color = { "#3a4a6b", "#4f7fc4", "#3ecf8e", "#f7c843", "#ff7a5c", "#ff4d8d" }, {}
    for i, c in ipairs(coreness) do color[i] = palette[math.min(c, #palette)] or palette[1] end
    gpumm.picture.write(opt.out, { positions = result.positions, graph = graph, colors = color, width = 1000, height = 750 })
end
return { graph = graph, coreness = coreness, sizes = sizes }
