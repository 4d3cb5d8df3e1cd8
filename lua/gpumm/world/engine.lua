-- SPDX-License-Identifier: MIT
-- A prototype: the iterations of gpumm.force's engine over ranks, from outside of gpumm.force, to show that the bytes are equal
-- and what it costs. Each rank has the edges with an end in its block of nodes; repulsion and springs are its own nodes', the
-- grid is built alike everywhere. Motion runs over all nodes, where the others' are nonsense until their positions are
-- gathered: doc/ranks.md says what gpumm.force would need to do better.

local gpumm = require "gpumm"
local kernels = require "gpumm.force.kernels"

local need, buffer = kernels.need, kernels.buffer
local FEW = 512 -- as in gpumm.force.grid: up to so many nodes every pair is looked at

local MARK = [[
extern "C" __global__ void mark(int n, const unsigned int *order, unsigned int first, unsigned int past, unsigned char *own)
{
    int r = blockIdx.x * blockDim.x + threadIdx.x;
    if (r < n) own[r] = order[r] >= first && order[r] < past;
}]]

local Engine = {}
Engine.__index = Engine

local function uploaded(manager, values)
    local b = buffer(manager, "u32", math.max(1, #values))
    if #values > 0 then need(b:upload(values)) end
    return b
end

-- Where the blocks begin, by the degrees of the whole graph.
local function find_blocks(self, n, from, to)
    local m, world = self.manager, self.world
    local degree <close> = buffer(m, "u32", n)
    local row <close> = buffer(m, "u32", n + 1)
    local f <close> = uploaded(m, from)
    local t <close> = uploaded(m, to)
    need(degree:fill(0))
    if #from > 0 then need(self.engine.rows.kernels.degrees(#from, f, t, 1, degree)) end
    need(world.allreduce { from = degree, op = "sum", count = n })
    kernels.starts(m, n, degree, row)
    return world.blocks(need(row:download(1, n + 1)))
end

local function owners(bounds, n)
    local owner = {}
    for r = 1, #bounds - 1 do
        for i = bounds[r], bounds[r + 1] - 1 do owner[i] = r end
    end
    assert(#owner == n)
    return owner
end

-- Every edge to the owners of its ends, in the order of the ranks that read them.
local function deal(self, n, from, to)
    local world, owner, out = self.world, owners(self.bounds, n), {}
    for r = 1, world.size do out[r] = {} end
    local function send(r, a, b)
        local list = out[r]
        list[#list + 1], list[#list + 2] = a, b
    end
    for e = 1, #from do
        local a, b = owner[from[e]], owner[to[e]]
        send(a, from[e], to[e])
        if a ~= b then send(b, from[e], to[e]) end
    end
    for r = 1, world.size do out[r] = #out[r] > 0 and gpumm.view("u32", out[r]):bytes() or "" end
    local whole = table.concat(need(world.trade(out)))
    local ends, my_from, my_to = #whole > 0 and gpumm.view("u32", whole) or {}, {}, {}
    for e = 1, #ends // 2 do my_from[e], my_to[e] = ends[2 * e - 1], ends[2 * e] end
    return my_from, my_to
end

local function gather(self, what)
    need(self.world.allgather { from = what, first = self.first, count = self.past - self.first })
end

--- The graph of n nodes whose edges (numbers from 1) are those of all ranks together, each having a part. nodes as the
--- engine has them, with the same positions on every rank.
function Engine:connect(nodes, n, from, to)
    self.bounds = find_blocks(self, n, from, to)
    self.first, self.past = self.bounds[self.world.rank + 1], self.bounds[self.world.rank + 2]
    local my_from, my_to = deal(self, n, from, to)
    local f <close> = uploaded(self.manager, my_from)
    local t <close> = uploaded(self.manager, my_to)
    self.engine:connect(nodes, n, #my_from, f, t, 1)
    self.own, self.list = buffer(self.manager, "u8", n, self.own), buffer(self.manager, "u32", n, self.list)
    gather(self, nodes.mass)
    self.n, self.edges = n, #my_from
end

local function repel(self, nodes, seed)
    local e, n = self.engine, self.n
    if n <= FEW then return e:repel(nodes, e.strength * e.repulsion, seed) end
    local grid, count = e.grid, self.past - self.first
    grid:build(n, nodes.position, nodes.mass, seed)
    need(self.mark(n, grid.order, self.first - 1, self.past - 1, self.own))
    need(self.manager:select { from = grid.order, flags = self.own, to = self.list, n = n })
    if count == 0 then return end
    need(grid.kernels.repel(count, self.list, nodes.position, nodes.mass, grid.start, grid.sorted, grid.levels, grid.box,
        grid.width, seed, e.strength * e.repulsion, e.unit ^ 2, nodes.force))
end

--- One iteration, as Engine:step of gpumm.force does it, without anchors.
function Engine:step(nodes, i, limit)
    local e = self.engine
    local now = e.rows.now
    repel(self, nodes, i & 0xffffffff)
    e:springs(nodes)
    need(e.kernels.move(now.n, now.segment, e.pull, nodes.force, nodes.mass, nodes.heft, nodes.pinned or false, e.gravity, 1,
        e.speed, e.inertia, limit / e.unit, nodes.position, nodes.velocity))
    gather(self, nodes.position)
end

--- options are those of gpumm.force.engine.
return function(world, manager, options)
    return setmetatable({ world = world, manager = manager, engine = gpumm.force.engine(manager, options),
        mark = need(manager:kernel { source = MARK }) }, Engine)
end
