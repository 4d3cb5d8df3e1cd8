-- SPDX-License-Identifier: MIT
-- Whose nodes are worked on here. A layout over ranks gives the engine a part of its own (lua/gpumm/world/part.lua), which has
-- these methods; without one, all nodes are worked on here, and none of these does anything.
--
-- Nodes count from 0. Every rank has room for all positions and masses, and of everything else what belongs to its block of
-- nodes.

local kernels = require "gpumm.force.kernels"

local need = kernels.need
local part = {}

-- is_alone: there are no others, so that nothing waits for them; ranks: how many there are in all.
local Whole = { is_whole = true, is_alone = true, ranks = 1 }
Whole.__index = Whole

--- The first of the own nodes of a graph of n, and how many there are.
function Whole:block(n) return 0, n end -- luacheck: ignore 212

--- All ranks' blocks of a buffer that has an element for every node, or for every `per` of them, to all.
function Whole:gather(buffer, n, per) end -- luacheck: ignore 212

--- The first `count` elements of every rank's buffer, in the order of the ranks, to `to` on all. `later`: another call of the
--- part comes before anybody waits for the device, and waits for this one.
function Whole:gather_all(from, count, to, later) end -- luacheck: ignore 212

--- The buffer's first `count` elements, op ("sum", "min", "max") over all ranks.
function Whole:reduce(buffer, op, count) end -- luacheck: ignore 212

--- A whole number, added up over all ranks.
function Whole:total(count) return count end -- luacheck: ignore 212

--- What rank 0 has: a number or a boolean.
function Whole:agreed(value) return value end -- luacheck: ignore 212

--- Where nodes have other numbers (force/by_place), who works on which of them, and these edges by the new numbers: counts and
--- buffers { m, from, to, weight }, of which from and to count from 1.
function Whole:renumbered(_, _, edges, numbers)
    local from, to = numbers:translate(edges.m, edges.from, 1), numbers:translate(edges.m, edges.to, 1)
    return self, { m = edges.m, from = from, to = to, weight = edges.weight }
end

--- Joins what other ranks know to be joined: parent[i] leads to the least node of i's component.
function Whole:unite(manager, n, parent) end -- luacheck: ignore 212

--- Where the rows of all n nodes begin, and all neighbours in them: views.
function Whole:adjacency(now)
    return self:starts(now), need(now.near:download(1, math.max(1, 2 * now.m)))
end

--- The pulls of all rows' entries, in that order: a view.
function Whole:pulls(now) return now.pull:download(1, 2 * now.m) end -- luacheck: ignore 212

--- How many entries the rows of all nodes have, where they begin and the last one ends: a view.
function Whole:starts(now) return need(now.row:download(1, now.n + 1)) end -- luacheck: ignore 212

part.whole = setmetatable({}, Whole)

local LEAST, CHUNKS = 64, 2048

--- Sums over all nodes are made of chunks of so many, for their order depends on the number of nodes alone. Blocks begin where
--- chunks do. Returns the size, and how many chunks n nodes have.
function part.chunk(n)
    local size = LEAST
    while size * CHUNKS < n do size = 2 * size end
    return size, (n + size - 1) // size
end

--- So many sums (2 to 4) over all nodes, on every rank: run(chunks, chunk, out) writes those of each chunk of the own nodes.
function part.sums(manager, rows, each, run)
    local now = rows.now
    local chunk, chunks = part.chunk(now.n)
    local out <close> = kernels.buffer(manager, "f64x" .. each, chunks)
    if now.count > 0 then need(run((now.count + chunk - 1) // chunk, chunk, out)) end
    rows.part:gather(out, now.n, chunk)
    local a, b, c, d = 0, 0, 0, 0
    for _, x, y, z, w in need(out:download()):each() do a, b, c, d = a + x, b + y, c + (z or 0), d + (w or 0) end
    return a, b, c, d
end

--- The adjacency of a task's rows, which is fetched once for it, as its row and near.
function part.adjacency_of(task)
    if not task.near then task.row, task.near = task.rows.part:adjacency(task.rows.now) end
    return task.row, task.near
end

return part
