-- SPDX-License-Identifier: MIT
-- What a rank has of a layout: a block of the nodes, and the calls by which the ranks tell one another the rest. The methods are
-- those of gpumm.force.part, where the engine finds them; every rank makes the same calls in the same order.

local gpumm = require "gpumm"
local deal = require "gpumm.world.deal"
local kernels = require "gpumm.force.kernels"
local native = require "gpumm.layout.native"
local search = require "gpumm.world.search"

local need, buffer = kernels.need, kernels.buffer
local Part = { is_whole = false }
Part.__index = Part

local function part_of(world, blocks)
    return setmetatable({ world = world, blocks = blocks, gathered = 0, rank = world.rank,
        ranks = world.size, is_alone = world.size == 1, workers = world.workers(), device = world.device() }, Part)
end

--- Where the block begins and ends, in a graph of n nodes: those of a growing one come in their order.
function Part:bounds(n)
    return math.min(self.blocks[self.world.rank + 1] - 1, n), math.min(self.blocks[self.world.rank + 2] - 1, n)
end

function Part:block(n)
    local first, past = self:bounds(n)
    return first, past - first
end

function Part:gather(what, n, per)
    if self.world.size == 1 then return end
    per = per or 1
    local first, past = self:bounds(n)
    first, past = (first + per - 1) // per, (past + per - 1) // per
    need(self.world.allgather { from = what, first = first + 1, count = past - first })
    if per == 1 then self.gathered = (n - (past - first)) * what.type.size end -- bytes of the last one
end

function Part:gather_all(from, count, to, later)
    need(self.world.allgather { from = from, count = count, to = to, later = later })
end

--- counts[r + 1] elements of `from`, one rank's behind another's, to each rank r; what comes, in their order, to `to`, which
--- grows. Returns how many came from each.
function Part:exchange(from, to, counts)
    return need(self.world.exchange { from = from, to = to, counts = counts })
end

--- The first node of each rank, from 0.
function Part:begins()
    local firsts = {}
    for r = 1, self.ranks do firsts[r] = self.blocks[r] - 1 end
    return firsts
end

function Part:reduce(what, op, count)
    if self.world.size == 1 then return end
    need(self.world.allreduce { from = what, op = op, count = count })
end

function Part:total(count)
    local sum = 0
    for _, text in ipairs(need(self.world.collect(string.pack("<i8", count)))) do sum = sum + string.unpack("<i8", text) end
    return sum
end

function Part:agreed(value)
    return (string.unpack("<n", need(self.world.collect(string.pack("<n", value)))[1]))
end

-- Labels are the least that any rank knows of; each joins its own by them. When these do not change, all ranks have the same.
function Part:unite(manager, n, parent)
    local run, compare = kernels.of(manager, "distance.cu"), search.kernels(manager)
    local label <close> = buffer(manager, "u32", n)
    local before <close> = buffer(manager, "u32", n)
    local changed <close> = buffer(manager, "u32", 1)
    need(before:fill(0xffffffff))
    repeat
        need(run.flatten(n, parent, label))
        self:reduce(label, "min", n)
        need(changed:fill(0))
        need(compare.changed(n, label, before, changed))
        need(run.join_labels(n, label, parent))
    until need(changed:download())[1] == 0
end

function Part:search(manager, now, pivots, first, out, lengths)
    (lengths and search.along or search.write)(self.world, manager, now, pivots, first, out)
end

-- Those of the edges whose lesser end is our own, by other numbers: each edge once among all ranks.
local function once(self, manager, n, edges, numbers)
    local run, m, first, count = search.kernels(manager), math.max(1, edges.m), self:block(n)
    local flags <close> = buffer(manager, "u8", m)
    local which <close> = buffer(manager, "u32", m)
    local found <close> = buffer(manager, "u32", 1)
    local made = { nodes = n, m = 0, weight = edges.weight and buffer(manager, "f64", m) or false,
        from = buffer(manager, "u32", m), to = buffer(manager, "u32", m) }
    if edges.m == 0 then return made end
    need(run.lesser_is_own(edges.m, edges.from, edges.to, first, count, flags))
    need(manager:select { flags = flags, to = which, count = found, n = edges.m })
    made.m = need(found:download())[1]
    if made.m > 0 then
        need(run.numbered(made.m, which, numbers.place, edges.from, edges.to, edges.weight or false, made.from, made.to,
            made.weight))
    end
    return made
end

-- Numbers as f32, which they were before they were sent.
local function narrowed(manager, values)
    local wide <close> = deal.uploaded(manager, "f64", values)
    local out = buffer(manager, "f32", math.max(1, #values))
    if #values > 0 then need(search.kernels(manager).narrowed(#values, wide, out)) end
    return out
end

function Part:renumbered(manager, n, edges, numbers)
    local mine = once(self, manager, n, edges, numbers)
    local came, blocks = deal.edges(self.world, manager, mine)
    for _, b in ipairs { mine.from, mine.to, mine.weight or mine.from } do b:close() end
    local made = { m = #came.from, from = deal.uploaded(manager, "u32", came.from), to = deal.uploaded(manager, "u32", came.to),
        weight = came.weight and narrowed(manager, came.weight) or false }
    return part_of(self.world, blocks), made
end

-- The elements of a rank's own buffer as a text.
local function bytes_of(b, count) return count > 0 and need(b:download(1, count)):bytes() or "" end

function Part:starts(now)
    local row, last = { 0 }, 0
    for _, text in ipairs(need(self.world.collect(bytes_of(now.row, now.count + 1)))) do
        local own = gpumm.view("u32", text)
        for i = 2, #own do row[#row + 1] = last + own[i] end
        last = row[#row]
    end
    return gpumm.view("u32", row)
end

function Part:adjacency(now)
    local row = self:starts(now)
    local text = table.concat(need(self.world.collect(bytes_of(now.near, now.entries))))
    return row, #text > 0 and gpumm.view("u32", text) or gpumm.view("u32", 1)
end

function Part:pulls(now)
    return gpumm.view("f32", table.concat(need(self.world.collect(bytes_of(now.pull, now.entries)))))
end

--- The mean size of all edges' weights, where each rank has those of its nodes' edges: each counts where its lesser end is.
function Part:mean_size(weights, graph)
    local most, first, count = 0, self:block(graph.nodes)
    for _, text in ipairs(need(self.world.collect(string.pack("<n", native.largest_size(weights))))) do
        most = math.max(most, (string.unpack("<n", text)))
    end
    local high, low = native.size_sum(weights, most, graph.from, graph.to, first + 1, count)
    return native.mean_size(self:total(high), self:total(low), most, graph.edges)
end

local part = {}

--- The part of this rank: `blocks` as world.blocks has them.
part.new = part_of

return part
