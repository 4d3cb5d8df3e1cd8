-- SPDX-License-Identifier: MIT
-- The stress of one component by its pivots: rounds of majorization, and a force that holds what they reached while
-- others move the nodes.

local distance = require "gpumm.force.distance"
local kernels = require "gpumm.force.kernels"

local need, buffer = kernels.need, kernels.buffer
local Stress = {}
Stress.__index = Stress

local JITTER = 0.02 -- edges
local TURNS = 4     -- steps until every pivot has been asked
local AT_ONCE = 256 -- pivots asked in a step, where all nodes are
local DEPTHS = 64   -- as in stress.cu
local PIECES, THREADS = 128, 1 << 14 -- of a pivot's members at most, a thread each; threads at most, unless pivots are more
local SAMPLE = 8192 -- members by which an edge's length is fitted

--- Rounds of stress majorization, two at a time, from one buffer to the other and back. By `jitter` edges (0.02, unless
--- given) nodes with the same neighbours part in the end. `fitted`: edges are as long as at the last fit, else a unit.
function Stress:majorize(position, rounds, jitter, fitted)
    local now, part = self.rows.now, self.rows.part
    local other <close> = buffer(self.manager, self.vec, now.n)
    local row, near = self.is_whole and false or now.row, self.is_whole and false or now.near
    local function round(from, to, by)
        if self.count > 0 then
            need(self.run.majorize(self.count, self.pivots, now.count, now.first, self.nodes, self.pivot, self.region, self.hops,
                row, near, self.rows.lengths and now.pull or false, fitted and self.length or false, by, from, to))
        end
        part:gather(to, now.n)
    end
    for k = 2, rounds, 2 do
        round(position, other, 0)
        round(other, position, k + 2 > rounds and (jitter or JITTER) or 0)
    end
end

--- Finds the length of an edge at which the stress of the layout is least.
function Stress:fit(position)
    local run, of, pieces = self.run, self.sample, self.pieces
    need(run.ratios(self.pivots * pieces, pieces, self.samples, of.stride, of.nodes, of.column, self.pivot, of.hops, position,
        self.each))
    need(run.join_pieces(self.pivots, pieces, self.region, self.each, self.sums))
    need(run.fit(1, self.pivots, self.sums, self.length))
end

--- The stress at the last fit.
function Stress:value() return need(self.length:download())[2] end

--- Adds to nodes.force what holds the distances: v.tension of the way to where they want each node to be. The pivots take
--- turns where they are many, by v.turn, which counts up from 0 to stress.TURNS - 1, for a moving node keeps its direction
--- over several steps.
function Stress:draw(nodes, v)
    local now, whole = self.rows.now, self.is_whole
    local step = whole and (self.pivots + AT_ONCE - 1) // AT_ONCE or TURNS
    if self.count == 0 then return end
    need(self.run.draw_members(self.count, v.turn, step, self.pivots, now.count, now.first, self.nodes, self.pivot,
        self.region, self.hops, whole and false or now.row, whole and false or now.near, self.rows.lengths and now.pull or false,
        self.length, v.tension, nodes.heft, nodes.position, nodes.force))
end

--- Over ranks, whose positions every rank asks for, whatever nodes it has: lists of { count, nodes }.
function Stress:asked()
    return { { count = self.pivots, nodes = self.pivot }, { count = self.samples, nodes = self.sample.nodes } }
end

local function regions(self, manager)
    local counts <close> = buffer(manager, "u32", self.pivots * DEPTHS)
    need(counts:fill(0))
    if self.count > 0 then
        need(self.run.regions(self.count, self.pivots, self.rows.now.count, self.nodes, self.hops, counts))
    end
    self.rows.part:reduce(counts, "sum", self.pivots * DEPTHS)
    need(self.run.weigh_regions(self.pivots, counts, self.region))
end

-- Every so many of the members: a list, nil where they are all, and a buffer of them.
local function some_of(manager, members, all)
    local some, step = members, all / SAMPLE
    if all > SAMPLE then
        some = {}
        for k = 1, SAMPLE do
            local at = math.floor((k - 0.5) * step)
            some[k] = members and members[at + 1] or at
        end
    end
    local nodes = some and buffer(manager, "u32", #some) or false
    if nodes then need(nodes:upload(some)) end
    return some, nodes
end

local function sample(self, manager, members, all)
    local some, nodes = some_of(manager, members, all)
    self.samples = math.min(all, SAMPLE)
    self.sample = distance.sampled(manager, self.rows, self.hops, self.pivots, some, nodes)
end

--- The same where nodes have other numbers (force/by_place), by which `rows` are. This one must not be used any more.
function Stress:renumbered(rows, numbers)
    local made, before, sampled = setmetatable({}, Stress), self.rows, self.sample
    for key, value in pairs(self) do made[key] = value end
    made.rows, made.hops = rows, numbers:hops(before, rows, self.pivots, self.hops)
    made.nodes, made.count = numbers:own(before, rows, self.count, self.nodes)
    made.pivot = numbers:translate(self.pivots, self.pivot, 0)
    local is_own = sampled.hops == self.hops
    local nodes = sampled.nodes and numbers:translate(self.samples, sampled.nodes, 0) or false -- all are all
    made.sample = is_own and { nodes = nodes, hops = made.hops, stride = rows.now.count, column = nodes }
        or { nodes = nodes, hops = sampled.hops, stride = sampled.stride, column = sampled.column }
    for _, old in ipairs { self.hops, self.pivot, self.nodes or self.pivot, sampled.nodes or self.pivot } do old:close() end
    return made
end

local stress = { TURNS = 840 } -- a multiple of every count of turns there is: 1 to 8

--- The stress of a component: `members` lists its nodes from 0 (nil: all), and `nodes` and `own` are those that are worked on
--- here, as distance.own has them; `pivots` are some of them, and `hops` the distances from those as distance.from has them.
function stress.new(manager, rows, dimensions, members, nodes, own, pivots, hops)
    local all = members and #members or rows.now.n
    local pieces = math.max(1, math.min(PIECES, THREADS // #pivots))
    local self = setmetatable({
        manager = manager, rows = rows, count = own, pieces = pieces, each = buffer(manager, "f64", 3 * pieces * #pivots),
        nodes = nodes, pivots = #pivots, hops = hops,
        vec = "f32x" .. dimensions, is_whole = #pivots == all,
        pivot = buffer(manager, "u32", #pivots), region = buffer(manager, "f32", #pivots * DEPTHS),
        sums = buffer(manager, "f64", 3 * #pivots), length = buffer(manager, "f32", 2),
        run = kernels.of(manager, "stress.cu", kernels.dimension(dimensions) .. kernels.distances(rows)),
    }, Stress)
    need(self.pivot:upload(pivots))
    need(self.length:upload { 1, 0 })
    regions(self, manager)
    sample(self, manager, members, all)
    return self
end

return stress
