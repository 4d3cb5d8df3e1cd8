-- SPDX-License-Identifier: MIT
-- Breadth-first distances from pivots to a rank's own nodes, level by level: a level costs one call of the ranks, with the nodes
-- that it found.

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
            all[name] = need(weak.manager:kernel { source = gpumm.resource "gpumm/world/search.cu", name = name })
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
    s.heard, s.pivot = buffer(manager, "u32x3", 1), buffer(manager, "u32", #pivots)
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

return search
