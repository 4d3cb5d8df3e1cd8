-- SPDX-License-Identifier: MIT
-- The ranks of an MPI program, and calls that all of them make together:
--
--     local world = require "gpumm.world"                     -- mpirun -n 4 gpumm-run script.lua
--     world.open { seconds = 60 }                             -- how long a call waits for the others
--     print(world.rank, world.size)                           -- from 0; 0 and 1 without mpirun
--     world.allgather { from = mine, to = all }               -- every rank's elements, in the order of the ranks
--
-- Calls on buffers are in stream order: they wait for the work that wrote what they send, and no more; what they receive is
-- there for the work that is enqueued after them. A failure of one rank before data moves is everyone's, and nothing has
-- changed then. A rank that ends, leaves or does not come within the limit ends the world: every call of every rank then
-- returns nil, a message that names the rank, and CANCELLED or TIMEOUT.

local gpumm = require "gpumm"
local inside = require "gpumm.inside"
local native = require "gpumm.world.native"
local nearest = require "gpumm.words".nearest
local blocks = require "gpumm.world.blocks"
local number = require "gpumm.world.number"

local world = {}
local SECONDS, START = 600, 120
local kept -- its end is that of the state

-- ---- Options ------------------------------------------------------------------------------------

local function is_whole(value) return type(value) == "number" and math.tointeger(value) ~= nil end

local function check_names(what, options, valid, level)
    if type(options) ~= "table" then
        error(("world.%s needs a table of options, not %s"):format(what, type(options)), level + 1)
    end
    for key in pairs(options) do
        local known = false
        for _, name in ipairs(valid) do known = known or key == name end
        if not known then
            local near = type(key) == "string" and nearest(key, valid)
            error(("world.%s: unknown option %q%s; valid: %s"):format(what, tostring(key),
                near and (" (did you mean %q?)"):format(near) or "", table.concat(valid, ", ")), level + 1)
        end
    end
end

local function class_of(value) return type(value) == "userdata" and getmetatable(value) end

local function buffer_of(what, options, name, level)
    if class_of(options[name]) == "gpumm.buffer" then return options[name] end
    error(("world.%s: %s is a buffer, not %s"):format(what, name, tostring(class_of(options[name]) or type(options[name]))),
        level + 1)
end

local function whole_of(what, options, name, default, least, most, level)
    local value = options[name]
    if value == nil then value = default end
    if is_whole(value) and value >= least and value <= most then return math.tointeger(value) end
    error(("world.%s: %s is a whole number from %d%s, not %s"):format(what, name, least,
        most < math.maxinteger and " to " .. most or "", tostring(value)), level + 1)
end

local function stream_of(what, options, level)
    if options.stream == nil or class_of(options.stream) == "gpumm.stream" then return options.stream end
    error(("world.%s: stream is a stream, not %s"):format(what, type(options.stream)), level + 1)
end

local function later_of(what, options, level)
    if options.later == nil or type(options.later) == "boolean" then return options.later end
    error(("world.%s: later is true or false, not %s"):format(what, type(options.later)), level + 1)
end

-- first, from 0, and count of the elements that a call sends.
local function range_of(what, options, buffer, level)
    local first = whole_of(what, options, "first", 1, 1, math.maxinteger, level + 1) - 1
    local count = whole_of(what, options, "count", math.max(0, buffer.length - first), 0, math.maxinteger, level + 1)
    return first, count
end

-- ---- Opening --------------------------------------------------------------------------------------

local function opened(seconds, start, level)
    local ok, message = native.open(seconds, start)
    if not ok then error(message, level + 1) end
    if not kept then
        kept = inside.guard(function() native.leave(inside.failure) end)
        world.rank, world.size, world.local_rank, world.local_size = native.info()
    end
    return world
end

local function seconds_of(options, name, default, level)
    local seconds = options[name]
    if seconds == nil then return default end
    if type(seconds) == "number" and seconds > 0 and seconds < math.huge then return seconds end
    error(("world.open: %s is a number over 0, not %s"):format(name, tostring(seconds)), level + 1)
end

--- Joins the ranks, which all have to do, early. Options: seconds (600), how long a call waits for the others; start (120),
--- how long they may take to join: who is not here by then ends the process, because MPI's own start cannot be interrupted. The
--- first use of anything else opens with the defaults; in a world that is open, seconds that are given count from now on. Raises
--- where MPI does not start; returns the world.
function world.open(options)
    options = options or {}
    check_names("open", options, { "seconds", "start" }, 2)
    return opened(seconds_of(options, "seconds", kept and 0 or SECONDS, 2), seconds_of(options, "start", START, 2), 2)
end

--- Leaves, and waits until all do. It cannot be opened again in this process. The end of the state does it as well; `why`
--- is told to ranks that were not about to leave.
function world.close(why) return native.close(why) end

setmetatable(world, { __index = function(_, key)
    if key == "rank" or key == "size" or key == "local_rank" or key == "local_size" then
        return rawget(opened(SECONDS, START, 2), key)
    end
end })

local function ready(level)
    if not kept then opened(SECONDS, START, level + 1) end
end

-- Misuse raises where the caller of our caller is.
local function call(f, ...)
    local results = table.pack(pcall(f, ...))
    if results[1] then return table.unpack(results, 2, results.n) end
    local message = results[2]
    error(type(message) == "string" and message:gsub("^gpumm/world%.lua:%d+: ", "") or message, 2)
end

-- ---- Calls on buffers --------------------------------------------------------------------------------

--- Every rank's elements, in the order of the ranks, to the beginning of `to` (unless given, `from`), which grows where it is
--- too short. Where `to` is `from` and a rank's elements lie where they belong, only the others' are written. Returns how many
--- came from each, a list. With later = true, where it goes by NCCL, it returns when all is enqueued, and the next call waits
--- for it and looks at the other ranks meanwhile: nothing else may wait for the device before that call, or does so for ever
--- where a rank has ended.
function world.allgather(options)
    check_names("allgather", options, { "from", "to", "first", "count", "stream", "later" }, 2)
    local from = buffer_of("allgather", options, "from", 2)
    local to = options.to == nil and from or buffer_of("allgather", options, "to", 2)
    local first, count = range_of("allgather", options, from, 2)
    ready(2)
    return call(native.allgather, from, to, first, count, stream_of("allgather", options, 2), later_of("allgather", options, 2))
end

local OPERATIONS = { sum = true, min = true, max = true }

--- Element by element over all ranks: op is "sum", "min" or "max"; to the same place in `to` (unless given, `from`). In the
--- order of the ranks, ((rank 0, rank 1), rank 2) …, so that floats repeat for the same number of ranks.
function world.allreduce(options)
    check_names("allreduce", options, { "from", "to", "op", "first", "count", "stream" }, 2)
    local from = buffer_of("allreduce", options, "from", 2)
    local to = options.to == nil and from or buffer_of("allreduce", options, "to", 2)
    if not OPERATIONS[options.op] then
        error(('world.allreduce: op is "sum", "min" or "max", not %s'):format(tostring(options.op)), 2)
    end
    local first, count = range_of("allreduce", options, from, 2)
    ready(2)
    return call(native.allreduce, from, to, first, count, stream_of("allreduce", options, 2), options.op)
end

local function counts_of(options, level)
    local counts = options.counts
    if type(counts) ~= "table" or #counts ~= world.size then
        error(("world.exchange: counts are a list of %d numbers, one a rank"):format(world.size), level + 1)
    end
    for r, count in ipairs(counts) do
        if not is_whole(count) or count < 0 then
            error(("world.exchange: what goes to rank %d is a whole number of elements, not %s"):format(r - 1,
                tostring(count)), level + 1)
        end
    end
    return counts
end

--- counts[r + 1] elements of `from` go to rank r, those of one rank behind those of the one before; what comes, in the
--- order of the ranks, to the beginning of `to`, another buffer, which grows where it is too short. Returns how many came
--- from each.
function world.exchange(options)
    check_names("exchange", options, { "from", "to", "counts", "first", "stream" }, 2)
    local from, to = buffer_of("exchange", options, "from", 2), buffer_of("exchange", options, "to", 2)
    if from == to then error("world.exchange: to is another buffer than from", 2) end
    ready(2)
    local first = whole_of("exchange", options, "first", 1, 1, math.maxinteger, 2) - 1
    return call(native.exchange, from, to, first, counts_of(options, 2), stream_of("exchange", options, 2))
end

--- The elements of the root (rank 0, unless given) to the same place of every other rank's buffer, which grows where it is
--- too short. `first` and `count` are the root's.
function world.broadcast(options)
    check_names("broadcast", options, { "buffer", "root", "first", "count", "stream" }, 2)
    local buffer = buffer_of("broadcast", options, "buffer", 2)
    ready(2)
    local root = whole_of("broadcast", options, "root", 0, 0, world.size - 1, 2)
    local first, count = range_of("broadcast", options, buffer, 2)
    return call(native.broadcast, buffer, first, count, stream_of("broadcast", options, 2), root)
end

--- Returns when every rank has come here, and on each the work on `stream` is done, where one is given.
function world.barrier(options)
    check_names("barrier", options or {}, { "stream" }, 2)
    ready(2)
    return call(native.barrier, options and stream_of("barrier", options, 2))
end

-- ---- Texts ---------------------------------------------------------------------------------------------

--- Every rank's text (string.pack makes one of numbers), a list in the order of the ranks.
function world.collect(text)
    if type(text) ~= "string" then error("world.collect needs a text, not " .. type(text), 2) end
    ready(2)
    return call(native.collect, text)
end

--- texts[r + 1] goes to rank r. A list of those that came, in the order of the ranks.
function world.trade(texts)
    ready(2)
    if type(texts) ~= "table" or #texts ~= world.size then
        error(("world.trade: a list of %d texts is needed, one a rank"):format(world.size), 2)
    end
    for r, text in ipairs(texts) do
        if type(text) ~= "string" then error(("world.trade: what goes to rank %d is no text"):format(r - 1), 2) end
    end
    return call(native.trade, texts)
end

-- ---- Graphs --------------------------------------------------------------------------------------------------

--- Nodes, numbered from 1, in blocks of about the same work, one a rank: `row` has one number more than there are nodes, where
--- each one's edges begin and the last one's end; `node` (4) is what a node costs, in edges; but for the last, blocks end after
--- a multiple of `align` (1) nodes. Returns where each block begins, and where the last one ends, size + 1 numbers: the nodes of
--- rank r are from blocks[r + 1] to blocks[r + 2] - 1.
function world.blocks(row, node, align)
    ready(2)
    return blocks(row, world.size, node or 4, align or 1)
end

--- One number for every name, from 1, the same on every rank: the order is that of their first appearance in the lists of rank 0,
--- rank 1 and so on. `names` are a rank's own, each once (a list or texts). Returns this rank's numbers as a view, how many
--- there are on all ranks, and the numbers that appear here first: from where on, and how many.
function world.number(names)
    ready(2)
    return number(world, native.home, names)
end

--- A list of edges, each rank a part of the file: { from =, to = (views of u32, numbers of nodes), weight = (a view of f64, or
--- nil), nodes = on all ranks, names = this rank's own texts, number = their numbers }. The parts, one behind another, are what
--- one rank reads of the whole: loops and duplicates are in them. Options are those of graph.read for delimited text; names in
--- quotes have no line's end in them. Raises on every rank where one cannot read its part, or the file has another format.
function world.edges(path, options)
    if type(path) ~= "string" then error("world.edges needs a path, not a " .. type(path), 2) end
    ready(2)
    return require "gpumm.world.edges"(world, path, options)
end

--- The graph of a file, over the ranks, for gpumm.force.layout and growing: each rank has the edges of its own block of nodes,
--- and the simulation's positions are the same on all. Lists of edges are read in parts, other formats whole by each. Options:
--- weights ("strength", "length", false), as graph.read has them.
function world.graph(path, options)
    if type(path) ~= "string" then error("world.graph needs a path, not a " .. type(path), 2) end
    check_names("graph", options or {}, { "weights" }, 2)
    ready(2)
    local weights = options and options.weights
    if weights == nil then weights = "strength" end
    return require "gpumm.world.graph".any(world, path, weights, function()
        return gpumm.graph.read(path, { weights = weights })
    end)
end

-- ---- Devices ----------------------------------------------------------------------------------------------

-- How many GPUs this process sees: it can open this one, and none behind it.
local function last_gpu(options, from)
    for k = from, 0, -1 do
        options.device = "cuda:" .. k
        local manager = gpumm.manager(options)
        if manager then return k, manager end
    end
end

local ANY <const> = { [""] = true, auto = true, cuda = true }

-- Does GPUMM_DEVICE name a device, so that all ranks take that one?
local function is_preset()
    local named = native.preset()
    return named and not ANY[named]
end

local chosen -- once for all

--- The device of this rank, for gpumm.manager: its own GPU, "cuda:N", or "auto" where there is none, or where GPUMM_DEVICE names
--- a device.
function world.device()
    ready(2)
    if not chosen and is_preset() then chosen = "auto" end
    if not chosen then
        local last, manager = last_gpu({}, world.local_rank)
        if manager then manager:close() end
        chosen = last and "cuda:" .. world.local_rank % (last + 1) or "auto"
    end
    return chosen
end

--- By what elements of GPUs' buffers moved in the last call that was no allreduce: "NCCL", from GPU to GPU, or "MPI", through the
--- memory of the host, and then why not by NCCL.
function world.way()
    ready(2)
    return native.way()
end

--- How many threads of this machine's cores are this rank's, on the host device.
function world.workers()
    ready(2)
    return math.max(1, native.cores() // world.local_size)
end

--- A manager on this rank's own GPU, that of its number among the ranks of this machine (they take turns where there are
--- fewer), or on the host where there is none; options as gpumm.manager has them. A device that is given, or that GPUMM_DEVICE
--- names, is taken.
function world.manager(options)
    ready(2)
    local all = {}
    for key, value in pairs(options or {}) do all[key] = value end
    if all.device and all.device ~= "auto" or is_preset() then return call(gpumm.manager, all) end
    local last, manager = last_gpu(all, world.local_rank)
    if last and world.local_rank > last then
        manager:close()
        all.device = "cuda:" .. world.local_rank % (last + 1)
        return gpumm.manager(all)
    end
    if manager then return manager end
    all.device = "auto"
    return gpumm.manager(all)
end

return world
