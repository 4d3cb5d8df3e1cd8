-- SPDX-License-Identifier: MIT
-- Lays out any graph and draws it; --help says what else it can do:
--
--     gpumm-run examples/layout.lua GRAPH --out picture.png
--
-- The same is installed as the command gpumm-layout, and in every gpumm-run as -m gpumm.layout. What its options do is in
-- lua/gpumm/layout.lua; this is how a script of one's own uses the parts of it that it needs.

local gpumm = require "gpumm"
local force, layout = gpumm.force, gpumm.layout

local options = layout.options(arg)        -- checked: what cannot be written is refused now
local graph   = layout.read(options)       -- the graph, or the part of it that is wanted

if options.grow > 0 then                   -- fed piece by piece, while it is laid out
    return layout.simulation(graph, options)
end

return force.layout(graph, layout.forces(graph, options, {
    frame = function(sim, f)               -- positions as they were some steps ago, while the device goes on
        sim:progress("%d nodes, %d dropped", #f.position, f.dropped)
    end,

    finish = function(_, result)           -- also after Ctrl-C
        layout.report(graph, result, options)
        layout.write(graph, options, result)
    end,
}))
