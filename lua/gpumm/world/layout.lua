-- SPDX-License-Identifier: MIT
-- The command gpumm-layout over ranks (mpirun -n 4 gpumm-run -m gpumm.layout GRAPH): each reads its part of the file and lays
-- out its own nodes; rank 0 shows progress, says how good it is, and writes. For pictures and names it reads the file whole in
-- the end.

local graph = require "gpumm.world.graph"
local plain = require "gpumm.words".plain

local layout = {}

-- What asks for more of a graph than its edges: every rank reads all of it.
local function needs_whole(options)
    for _, name in ipairs { "ego", "pinned", "positions_from", "colors", "sizes" } do
        if options[name] ~= "" then return true end
    end
    return options.largest or options.core > 0
end

local function read(world, command, options)
    local in_parts = not needs_whole(options) and options.graph
    return graph.any(world, in_parts, options.weights ~= "none" and options.weights, function() return command.read(options) end)
end

local MANY = 2e6 -- edges up to which the stress is told, for which rank 0 reads the file

local function is_written(options)
    return options.out ~= "" or options.page ~= "" or options.positions ~= "" or options.write ~= ""
end

local function say_exchange(world, made, engine, steps)
    local _ <close> = plain()
    local part, n, tiles = engine.part, made.nodes, engine.pushes.grid.tiles
    local by_lists, by_cells = engine.halo and engine.halo.told, tiles and tiles.known ~= nil
    local told, calls = by_cells and (part.ranks - 1) * tiles.count * tiles.known.type.size or 0, by_cells and 2 or 1
    io.stderr:write(("%d ranks, %d nodes, %d edges; an iteration gathers %d bytes of positions on rank 0 (%.2f a node)%s and %d"
        .. " of cells by %s, and %d notes\n")
        :format(world.size, n, made.edges, part.gathered, part.gathered / n,
            by_lists and (", %d where nobody looks,"):format(by_lists) or "", told, (world.way()),
            steps > 0 and 2 * calls * (world.size - 1) or 0))
end

-- What rank 0 does with frames and the result; the others do nothing.
local function handlers(world, command, made, whole, options)
    if world.rank ~= 0 then return {} end
    local own = command.handlers(made, options)
    function own.finish(sim, result)
        say_exchange(world, made, sim.engine, sim.i)
        if not is_written(options) and made.edges > MANY and not result.quality then return end
        whole = whole or command.read(options)
        own.conclude(whole, result)
    end
    return own
end

--- The simulation of this rank; command is gpumm.layout.
function layout.main(world, command, options)
    local made, whole = read(world, command, options)
    return command.describe(made, options, handlers(world, command, made, whole, options))
end

return layout
