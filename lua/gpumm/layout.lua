-- SPDX-License-Identifier: MIT
-- The command gpumm-layout (gpumm-run -m gpumm.layout): lays out any graph by gpumm.force and writes what was asked for.
--
--     local options = gpumm.layout.options(arg)
--     local graph = gpumm.layout.read(options)                -- the part of it that is wanted
--     return gpumm.layout.simulation(graph, options)          -- a simulation: gpumm-run runs it
--
-- main does all three; forces, report and write are parts of the last. A script of one's own takes what it needs of them, as
-- examples/layout.lua does.

local gpumm = require "gpumm"
local estimate = require "gpumm.layout.estimate"
local kept = require "gpumm.layout.kept"
local native = require "gpumm.layout.native"
local plain = require "gpumm.words".plain

local layout = {}

-- ---- The command line -------------------------------------------------------------------------

local OPTIONS = { "graph", out = "layout.png", page = "", positions = "", write = "", colors = "", sizes = "",
    model = "tforce", dimensions = 2, steps = 0, time = 0.0, seed = 1, weights = "strength", pinned = "", positions_from = "",
    grow = 0, largest = false, core = 0, ego = "",
    quality = false, labels = 0, legend = false, kinds = false }

local TEXTS = {
    graph = "a file: an edge list, CSV, MatrixMarket, GraphML, GEXF, GML, DOT and others, gzip'd or not",
    out = "the picture, .png, .svg or .pdf; empty: none", page = "a page to look around in, .html",
    positions = "the positions, .csv or .npy",
    write = "the graph with its positions, .graphml or .gexf; .csv: its edges alone",
    colors = "a column to color nodes by: one of the graph's, or a file of lines 'name value'",
    sizes = "a column of numbers: how large nodes are, by area; none lies on another",
    model = "tforce, forceatlas or spring", dimensions = "2 or 3",
    steps = "how many at most, with --grow after the last batch; 0: 300, with --grow 200, with --time as many as fit",
    time = "seconds to lay out in; 0: as long as it takes", seed = "another one, another layout",
    weights = "what the file's are: strength, length (how long edges are drawn) or none",
    pinned = "positions (.csv) of nodes that stay there",
    positions_from = "an earlier run's --positions: its nodes stay about where they were",
    grow = "feed so many nodes at a time; 0: all at once", largest = "the largest component alone",
    core = "the k-core alone: nodes with so many neighbours in it", ego = "a node and its neighbours alone, by its name",
    quality = "measure how good the layout is",
    labels = "names beside so many of the largest nodes", legend = "say in the picture what its colors mean",
    kinds = "numbers to color by are kinds, not from cold to warm",
}

local function one_of(name, value, words)
    for _, word in ipairs(words) do
        if value == word then return end
    end
    error(("--%s is %s, not %q"):format(name, table.concat(words, ", "), tostring(value)), 0)
end

local function at_least(name, value, least)
    if value < least then error(("--%s: at least %d is meant, not %s"):format(name, least, value), 0) end
end

local function check(opt)
    one_of("weights", opt.weights, { "strength", "length", "none" })
    one_of("dimensions", opt.dimensions, { 2, 3 })
    one_of("model", opt.model, { "tforce", "forceatlas", "spring" })
    for name, least in pairs { steps = 0, time = 0, core = 0, labels = 0 } do at_least(name, opt[name], least) end
    if opt.grow < 0 then error(("--grow: how many nodes at a time, 0 for all; not %d"):format(opt.grow), 0) end
    for _, other in ipairs { "pinned", "positions_from" } do
        if opt.grow > 0 and opt[other] ~= "" then
            error(("--grow and --%s do not go together"):format((other:gsub("_", "-"))), 0)
        end
    end
    if opt.grow > 0 and opt.time > 0 then error("--grow and --time do not go together: a growing layout counts steps", 0) end
    local why = (opt.labels > 0 or opt.legend) and opt.out ~= "" and native.pen_missing()
    if why then error("--labels and --legend: text in a picture " .. why, 0) end
    gpumm.picture.outputs { picture = opt.out ~= "" and opt.out or nil, page = opt.page, positions = opt.positions,
        graph = opt.write } -- known before the work
    return opt
end

--- The options of a command line, checked; what cannot be written is refused here. --help prints them and ends.
function layout.options(words)
    return check(gpumm.options(words, OPTIONS, TEXTS))
end

-- ---- The graph ---------------------------------------------------------------------------------

-- What else a name could have been.
local function names_of(graph, wanted)
    local names = {}
    for name in pairs(graph.node_columns) do names[#names + 1] = name end
    table.sort(names)
    local list = #names > 0 and table.concat(names, ", ")
    if (graph.edge_columns or {})[wanted] or wanted == "weight" and graph.weights then
        return ("edges have %s, and nodes have %s"):format(wanted, list or "no columns of their own")
    end
    return list and "the graph's columns are " .. list or "the graph has no columns of its own"
end

-- A column of the graph's own, or of a file of "name value" lines.
local function column(option, name, graph)
    if name == "" then return nil end
    if graph.node_columns[name] then return graph.node_columns[name] end
    local ok, list = pcall(gpumm.picture.column, name, graph)
    if ok then return list end
    error(("--%s: %s%s"):format(option, list, list:find "No such file" and "; " .. names_of(graph, name) or ""), 0)
end

-- A column of texts has numbers in it as texts: what is wrong is the first that is none.
local function check_sizes(name, graph, sizes)
    for i = 1, sizes and graph.nodes or 0 do
        local size = tonumber(sizes[i])
        if not (size and size >= 0 and size < math.huge) then
            error(("--sizes %s: node %q has %q; a size is a number from 0"):format(name, graph.names[i], tostring(sizes[i])), 0)
        end
    end
    return sizes
end

local read = setmetatable({}, { __mode = "k" }) -- by options: what columns they name, so that files are read once

-- The columns for colors and for sizes.
local function columns(graph, options)
    local mine = read[options]
    if not mine or mine.graph ~= graph then
        mine = { graph = graph, colors = column("colors", options.colors, graph),
            sizes = check_sizes(options.sizes, graph, column("sizes", options.sizes, graph)) }
        read[options] = mine
    end
    return mine
end

--- The graph of options.graph, and of it what --ego, --largest and --core leave, in this order.
function layout.read(options)
    local graph = gpumm.graph.read(options.graph, { weights = options.weights ~= "none" and options.weights })
    if options.ego ~= "" then graph = graph:around(options.ego) end
    if options.largest then graph = graph:largest() end
    if options.core > 0 then graph = graph:core(options.core) end
    return graph
end

-- ---- What is said and written --------------------------------------------------------------------

local function say(...)
    local line = string.format(...)
    if io then io.stderr:write("\r", line, "\n") else print(line) end -- a contained script has no io
end

local MANY = 2e6 -- edges, from which measuring the stress takes longer than the layout

-- Of the layout and of random positions; over lengths it is measured on a device.
local function stress_of(graph, positions, options)
    if not options or options.weights ~= "length" or not graph.weights then return graph:stress(positions) end
    local how = { weights = "length", dimensions = options.dimensions, samples = 1 }
    local mine, random = gpumm.force.quality(graph, positions, how)
    return mine.stress, random.stress
end

--- Says how many nodes and edges there are, and how good the layout is: by the graph's lengths where the options say so.
function layout.report(graph, result, options)
    local _ <close> = plain()
    say("%d nodes, %d edges", #result.positions, graph.edges)
    if result.quality then say("%s", gpumm.force.describe(result.quality, result.random))
    elseif graph.edges <= MANY then say("stress %.3f; of a random layout %.3f", stress_of(graph, result.positions, options)) end
end

-- An edge that shall be long is a thin one.
local function picture_of(graph, options, positions, colors, sizes, radii)
    local lengths = options.weights == "length" and graph.weights
    return { positions = positions, graph = graph, colors = colors, sizes = sizes, radii = radii, kinds = options.kinds,
        labels = options.labels, legend = options.legend and (options.colors:match "[^/]+$" or true) or nil,
        widths = lengths and native.inverse(lengths) or nil }
end

local function page_of(graph, options, positions, radii, frames)
    local of = picture_of(graph, options, positions, columns(graph, options).colors, columns(graph, options).sizes, radii)
    of.labels, of.frames = nil, frames
    return of
end

--- Writes what the options ask for: picture, page, positions, graph. `result` is a layout's, or its positions alone; `frames` are
--- the page's.
function layout.write(graph, options, result, frames)
    local positions, radii = result, nil
    if type(result) == "table" and result.positions then positions, radii = result.positions, result.radii end
    local mine = columns(graph, options)
    local colors, sizes = mine.colors, mine.sizes
    if options.out ~= "" then gpumm.picture.write(options.out, picture_of(graph, options, positions, colors, sizes, radii)) end
    if options.page ~= "" then gpumm.page.write(options.page, page_of(graph, options, positions, radii, frames)) end
    if options.positions ~= "" then gpumm.picture.positions(options.positions, positions, graph) end
    if options.write ~= "" then
        gpumm.graph.write(options.write, graph, { positions = positions, colors = colors, sizes = sizes })
    end
end

-- ---- The simulation --------------------------------------------------------------------------------

local EVERY = 10 -- steps between two frames

local function forces(graph, options, own)
    local of = {
        weights = options.weights == "length" and "length" or "strength", model = options.model,
        dimensions = options.dimensions, seed = options.seed, quality = options.quality,
        steps = options.steps > 0 and options.steps or nil, frame = own.frame, finish = own.finish,
    }
    of.sizes = columns(graph, options).sizes -- a file that has no such column is known before the work
    return of
end

--- Options for gpumm.force.layout, of a command line; `own` has frame(sim, f) and finish(sim, result).
function layout.forces(graph, options, own)
    local of = forces(graph, options, own)
    of.every = EVERY
    if options.time > 0 then of.seconds = options.time end
    kept.apply(graph, options, of)
    return of
end

-- Growing is what this is about: every new capacity is announced, with the address that stayed.
local function announcer()
    local capacity
    return function(sim, step)
        if sim.nodes.capacity == capacity then return end
        capacity = sim.nodes.capacity
        say("step %4d: %5d nodes, room for %5d, positions at 0x%x", step, #sim.nodes, capacity, sim.nodes.position.address)
    end
end

local function growing(graph, options, own)
    local of = forces(graph, options, own)
    of.first, of.batch, of.every, of.capture = options.grow, options.grow, 20, EVERY
    of.grown = own.frame and announcer() or nil
    return gpumm.force.growing(graph, of)
end

--- Progress, and what is said and written in the end: frame(sim, f), finish(sim, result), and conclude(graph, result), which
--- finish calls.
function layout.handlers(graph, options)
    local left, own, dropped = estimate.new(options.time), {}, 0
    local frames = options.grow > 0 and options.page ~= "" and gpumm.page.frames() or nil
    function own.frame(sim, f)
        dropped = f.dropped
        if frames then frames:add(f.step, f.position) end
        sim:progress("%d nodes, %d dropped%s", #f.position, dropped, left(sim))
    end
    function own.conclude(of, result)
        say("dropped frames: %d", dropped)
        layout.report(of, result, options)
        layout.write(of, options, result, frames)
    end
    function own.finish(_, result) own.conclude(graph, result) end
    return own
end

--- A simulation that lays the graph out as the options say, and calls own.frame and own.finish.
function layout.describe(graph, options, own)
    if options.grow > 0 then return growing(graph, options, own) end
    return gpumm.force.layout(graph, layout.forces(graph, options, own))
end

--- The same, which shows progress and writes in the end, also where it was interrupted.
function layout.simulation(graph, options)
    return layout.describe(graph, options, layout.handlers(graph, options))
end

local LAUNCHED = { "OMPI_COMM_WORLD_SIZE", "PMI_SIZE" } -- what Open MPI's and MPICH's mpirun tell those whom they start

-- The ranks that mpirun started, of which this process is one; nil: it is none. A rank alone needs no gpumm_mpi.
local function ranks()
    for _, name in ipairs(LAUNCHED) do
        local size = os and tonumber(os.getenv(name))
        if size and size > 1 then return require "gpumm.world" end
        local found, world = pcall(require, size and "gpumm.world" or "")
        if found then return world end
    end
end

--- The whole command: for gpumm-run -m gpumm.layout. Where mpirun started it, over all ranks.
function layout.main(words)
    local options, world = layout.options(words), ranks()
    if world then return require "gpumm.world.layout".main(world, layout, options) end
    return layout.simulation(layout.read(options), options)
end

return layout
