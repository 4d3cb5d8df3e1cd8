-- SPDX-License-Identifier: MIT
-- Distances from pivots to a rank's own nodes, breadth-first, level by level, or along the lengths of edges, round by round: each
-- costs one call of the ranks, with the nodes that it found or that it brought nearer.

local gpumm = require "gpumm"
local kernels_of = require "gpumm.force.kernels"

local need, buffer = kernels_of.need, kernels_of.buffer
local search = {}
local compiled = setmetatable({}, { __mode = "k" }) -- by manager

--- The kernels of search.cu, by name.
function search.kernels(manager)
    if not compiled[manager] then
        local weak = setmetatable({ manager = manager }, { __mode = "v" }) -- the table must not hold what it is weak by
        compiled[manager] = setmetatable({}, { __index = function(all, name)
            all[name] = need(weak.manager:kernel { source = gpumm.resource "gpumm/world/search.cu", name = name,
                flags = kernels_of.flags(weak.manager) }) -- one over a length is what it is for one rank
            return all[name]
        end })
    end
    return compiled[manager]
end

-- The own nodes that a level found; how many.
local function find(s, now, level)
    local run, m, n = s.run, s.manager, now.count
    if n == 0 then return 0 end
    if now.segment_count > 0 then
        need(run.look(now.segment_count, now.first, now.segment_node, now.segment_begin, now.near, s.all, s.frontier, s.seen,
            s.found))
    end
    need(run.arrive(n, s.before, level, s.found, s.seen, s.out, s.is))
    need(m:select { flags = s.is, to = s.which, count = s.count, n = n })
    local count = need(s.count:download())[1]
    if count > 0 then need(run.tell(count, now.first, s.which, s.found, s.tell)) end
    return count
end

-- The frontier becomes what all ranks found; false: nothing.
local function exchange(s, world, found)
    local total = 0
    need(s.run.forget(s.told, s.heard, s.frontier))
    for _, count in ipairs(need(world.allgather { from = s.tell, to = s.heard, count = found })) do total = total + count end
    if total == 0 then return false end
    need(s.run.hear(total, s.heard, s.frontier))
    s.told = total
    return true
end

local function prepare(manager, now, pivots, first, out)
    local s = { run = search.kernels(manager), manager = manager, before = first, out = out, told = 0,
        all = #pivots == 64 and -1 or (1 << #pivots) - 1 }
    local n = math.max(1, now.count)
    for name, type in pairs { seen = "u64", found = "u64", which = "u32", is = "u8", tell = "u32x3" } do
        s[name] = buffer(manager, type, n)
    end
    s.count, s.frontier = buffer(manager, "u32", 1), buffer(manager, "u64", now.n)
    s.heard, s.pivot = kernels_of.empty(manager, "u32x3", math.max(now.n, #pivots)), buffer(manager, "u32", #pivots)
    need(s.frontier:fill(0))
    need(s.pivot:upload(pivots))
    if now.count > 0 then need(s.run.plant(now.count, now.first, #pivots, first, s.pivot, out, s.seen, s.found)) end
    need(s.run.begin(#pivots, s.pivot, s.frontier))
    return s
end

local function close(s)
    for _, name in ipairs { "seen", "found", "which", "is", "tell", "count", "frontier", "heard", "pivot" } do s[name]:close() end
end

--- Writes the distances from the pivots (nodes from 0, 64 at most) to the own nodes into `out`, behind those of `first` others.
function search.write(world, manager, now, pivots, first, out)
    local s, level = prepare(manager, now, pivots, first, out), 0
    need(s.heard:resize(#pivots))
    local planted = {}
    for p, node in ipairs(pivots) do planted[p] = { node, 0, 0 } end
    need(s.heard:upload(planted))
    s.told = #pivots -- which are forgotten like what was heard
    repeat level = level + 1 until not exchange(s, world, find(s, now, level))
    close(s)
end

-- ---- Along lengths ------------------------------------------------------------------------------------------

local function prepare_far(manager, now, pivots)
    local n, count, words = now.n, math.max(1, now.count), 3 + #pivots
    local s = { run = search.kernels(manager), manager = manager, pivots = #pivots, words = words }
    s.found, s.which, s.is = buffer(manager, "u64", count), buffer(manager, "u32", count), buffer(manager, "u8", count)
    s.count, s.pivot = buffer(manager, "u32", 1), buffer(manager, "u32", #pivots)
    s.all, s.frontier = buffer(manager, "f32", n * #pivots), buffer(manager, "u64", n)
    s.tell, s.heard = buffer(manager, "u32", words), kernels_of.empty(manager, "u32", n * words)
    need(s.found:fill(0))
    need(s.pivot:upload(pivots))
    need(s.run.plant_far(n, #pivots, s.pivot, s.all, s.frontier))
    return s
end

-- The own nodes of which a distance fell; how many.
local function fall(s, now)
    local run, m = s.run, s.manager
    if now.segment_count == 0 then return 0 end
    need(run.relax(now.segment_count, now.first, s.pivots, now.segment_node, now.segment_begin, now.near, now.pull, s.frontier,
        s.all, s.found))
    need(run.fell(now.count, s.found, s.is))
    need(m:select { flags = s.is, to = s.which, count = s.count, n = now.count })
    local count = need(s.count:download())[1]
    s.tell = buffer(m, "u32", math.max(1, count) * s.words, s.tell)
    if count > 0 then need(run.tell_far(count, now.first, s.pivots, s.which, s.found, s.all, s.tell)) end
    return count
end

-- What fell on any rank is what the next round begins with; false: nothing.
local function exchange_far(s, world, fallen)
    local total = 0
    if s.told then need(s.run.forget_far(s.told, s.pivots, s.heard, s.frontier))
    else need(s.frontier:fill(0)) end -- the pivots
    for _, count in ipairs(need(world.allgather { from = s.tell, to = s.heard, count = fallen * s.words })) do
        total = total + count // s.words
    end
    if total == 0 then return false end
    need(s.run.hear_far(total, s.pivots, s.heard, s.frontier, s.all))
    s.told = total
    return true
end

--- The same along the lengths of the edges, of which pull is one over.
function search.along(world, manager, now, pivots, first, out)
    local s = prepare_far(manager, now, pivots)
    repeat until not exchange_far(s, world, fall(s, now))
    if now.count > 0 then need(s.run.keep(now.count, now.first, s.pivots, first, s.all, out)) end
    for _, name in ipairs { "found", "which", "is", "count", "pivot", "all", "frontier", "tell", "heard" } do s[name]:close() end
end

return search
