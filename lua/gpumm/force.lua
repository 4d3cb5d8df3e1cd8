-- SPDX-License-Identifier: MIT
-- Force-directed layout of large graphs, on the public API alone.
--
--     local layout = gpumm.force.layout(graph, { model = "tforce", dimensions = 2, seed = 1, steps = 300 })
--     local result = layout:run { device = "auto" }     -- result.positions: a view; result.quality, result.random
--
-- layout is a simulation (open, advance, close, run); its engine is made of parts that serve a simulation of
-- one's own as well:
--
--     local e = gpumm.force.engine(manager, { model = "spring" })      -- repulsion, springs, motion
--     e:connect(nodes, n, m, from, to, base)  -- nodes = { position =, velocity =, force =, mass =, heft = }
--     gpumm.force.start(manager, e.rows, nodes.position)               -- where to begin, components packed
--     e:balance(nodes);  e:step(nodes, i, limit)                       -- on a GPU a replay of what the first step recorded
--
-- What is where: force/repulsion pushes between all nodes, force/grid the cells that they are in, force/tiles those over ranks,
-- force/rows neighbours, force/motion.cu springs and steps, force/replayed how a step is recorded once, force/models what the
-- forces are, force/distance distances in edges or along lengths, force/start where to begin, force/stress how the distances are
-- held, force/wedges and force/untangling trees, force/closed graphs that need no forces, force/sizes nodes that are discs,
-- force/packing components, force/by_place nodes numbered by where they lie, force/quality how good it is, force/part whose
-- nodes are worked on here, force/layout the simulation, force/growing graphs that grow.

local gpumm = require "gpumm"
local by_place = require "gpumm.force.by_place"
local checked = require "gpumm.common.checked"
local distance = require "gpumm.force.distance"
local engine = require "gpumm.force.engine"
local growing = require "gpumm.force.growing"
local kernels = require "gpumm.force.kernels"
local layout = require "gpumm.force.layout"
local placed = require "gpumm.inside".placed
local models = require "gpumm.force.models"
local quality = require "gpumm.force.quality"
local repulsion = require "gpumm.force.repulsion"
local rows = require "gpumm.force.rows"
local settings = require "gpumm.force.settings"
local start = require "gpumm.force.start"
local words = require "gpumm.words"

local need, buffer = kernels.need, kernels.buffer
local force = { layout = placed(layout), growing = placed(growing.simulation), models = models.known }

-- The neighbours that a part is given, which must have been built.
local function built(what, of)
    if type(of) == "table" and type(of.now) == "table" and of.now.n then return of end
    error(("%s needs rows that were built, rows = gpumm.force.rows(manager), rows:build(…); got %s"):format(what,
        type(of) == "table" and "a table without them" or type(of)), 3)
end

--- Repulsion alone: an object with repel(n, position, mass, force, strength, seed) and repel_exactly.
function force.repulsion(manager, options) return repulsion.new(manager, options or {}) end

--- Neighbours in rows alone: an object with build(n, m, from, to, base, weight).
function force.rows(manager) return rows.new(manager) end

--- Repulsion, springs and motion of a model, for a simulation of one's own.
function force.engine(manager, options) return engine.new(manager, options or {}) end

--- A start for the nodes of `rows` into a buffer of positions; returns the components' sizes, largest first, and the stresses
--- of the largest. Options: dimensions, seed, rounds (of stress majorization after PivotMDS; 0: none).
function force.start(manager, of, position, options)
    return start.place(manager, built("force.start", of), position, options or {})
end

--- Numbers for the nodes of `rows` by where they lie in `position`, for a layout that is larger than caches: what an iteration
--- reads together lies together where edges are connected by these. force.layout does so from 65,536 nodes on, unless they
--- have positions, pins or sizes.
function force.by_place(manager, of, position, dimensions)
    return by_place.new(manager, built("force.by_place", of), dimensions or 2, position)
end

--- Gives the nodes from `first` (counting from 0) on a place in `position`: at the middle of those of their neighbours
--- that have one, with a hashed offset of up to `by`.
function force.seat(manager, of, position, first, by, dimensions)
    return growing.seat(manager, built("force.seat", of), position, first, by, dimensions)
end

--- Distances in edges from each of the pivots (nodes from 0) to every node, pivot by pivot: a buffer of u16; 65535
--- where there is no path.
function force.distances(manager, of, pivots, how)
    return distance.from(manager, built("force.distances", of), pivots, how)
end

--- The component of every node as a view: the number, from 0, of its least node.
function force.components(manager, of) return distance.components(manager, built("force.components", of)) end

-- A list of points, a flat list, a view or a buffer: a buffer.
local function position_buffer(manager, n, positions, dimensions)
    if settings.is_buffer(positions) then return positions end
    if type(positions) ~= "table" and type(positions) ~= "userdata" then
        error(("force.quality: positions are a list, a view or a buffer, not %s"):format(tostring(positions)), 0)
    end
    if #positions ~= n and #positions ~= n * dimensions then
        error(("force.quality: %d positions for %d nodes"):format(#positions, n), 0)
    end
    local made = buffer(manager, "f32x" .. dimensions, n)
    need(made:upload(positions))
    return made
end

local QUALITY = {
    dimensions = { kind = "whole", default = 2, least = 2, most = 3 }, pivots = { kind = "whole", default = 50, least = 1 },
    samples = { kind = "whole", default = 2000, least = 1 }, seed = { kind = "whole", default = 1 }, radii = { kind = "any" },
    weights = { kind = "any", default = "strength" },
    manager = { kind = "any" }, device = { kind = "any", default = "auto" },
}

-- The radii of nodes as a buffer; nil where there are none.
local function radius_buffer(manager, n, radii)
    if radii == nil or settings.is_buffer(radii) then return radii end
    if type(radii) ~= "table" and type(radii) ~= "userdata" or #radii ~= n then
        error(("force.quality: radii are a list, a view or a buffer of one number for each of the %d nodes"):format(n), 0)
    end
    local made = buffer(manager, "f32", n)
    need(made:upload(radii))
    return made
end

local function measure(manager, graph, positions, options)
    local m, of = #graph.from, rows.new(manager, graph.part)
    local from <close> = buffer(manager, "u32", math.max(1, m))
    local to <close> = buffer(manager, "u32", math.max(1, m))
    if m > 0 then
        need(from:upload(graph.from))
        need(to:upload(graph.to))
    end
    of.lengths = settings.lengths_of("force.quality", graph, options.weights, 3)
    local pull = of.lengths and buffer(manager, "f32", math.max(1, m)) or nil
    if pull and m > 0 then need(pull:upload(settings.relative(graph, true))) end
    of:build(graph.nodes, m, from, to, 1, pull)
    local at = position_buffer(manager, graph.nodes, positions, options.dimensions)
    options.radii = radius_buffer(manager, graph.nodes, options.radii)
    return quality.of(manager, of, at, options)
end

--- How good a layout is, and beside it random positions: two tables with stress (scale-normalised, over
--- breadth-first distances from sampled pivots), neighbourhood (mean Jaccard of a sampled node's neighbours and as
--- many nodes nearest to it), neighbourhood2 (the same for the nodes within two edges, of 256 nodes), variation (of the
--- edges' lengths: deviation over mean), crossings (pairs of edges that cross; estimated by 20,000 edges where there are
--- more; 0 in space), coincidence (the share of nodes whose nearest other node is
--- nearer than 5 % of the median of that) and overlap (the share of nodes whose disc lies on another's; without radii: that
--- are on exactly the spot of another), both of sampled nodes from 5,000 on. Options: dimensions (2), pivots (50), samples
--- (2000), seed (1), radii (of the nodes, in the positions' units), weights ("length": the stress is over distances along the
--- weights), manager.
function force.quality(graph, positions, options)
    options = checked.options("force.quality", options, QUALITY, 2)
    if type(graph) ~= "table" or not graph.from or not graph.nodes then error("force.quality needs a graph", 2) end
    if options.manager then return measure(options.manager, graph, positions, options) end
    local manager <close> = need(gpumm.manager { device = options.device })
    return measure(manager, graph, positions, options)
end

--- The same for positions and rows that are on a device already.
function force.quality_of(manager, of, position, options)
    return quality.of(manager, built("force.quality_of", of), position, options or {})
end

--- The two tables of force.quality as a line.
function force.describe(mine, random)
    local _ <close> = words.plain()
    local two = mine.neighbourhood2 and (" (%.3f within two edges)"):format(mine.neighbourhood2) or ""
    return ("stress %.3f, neighbourhood %.3f%s, edge variation %.2f, %d crossings, %.2f %% nearly on one spot, %.2f %% overlap; "
        .. "of a random layout %.3f, %.3f, %.2f, %d, %.2f %%"):format(mine.stress, mine.neighbourhood, two, mine.variation,
        mine.crossings, 100 * mine.coincidence, 100 * mine.overlap, random.stress, random.neighbourhood, random.variation,
        random.crossings, 100 * random.coincidence)
end

return force
