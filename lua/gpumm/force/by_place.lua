-- SPDX-License-Identifier: MIT
-- Nodes numbered by where they lie, so that what is close in the layout is close in memory, and that a rank's nodes lie
-- together. The layout works with these numbers; its caller never sees them.

local gpumm = require "gpumm"
local grid = require "gpumm.force.grid"
local kernels = require "gpumm.force.kernels"

local need, buffer = kernels.need, kernels.buffer
local by_place = { least = 1 << 16 } -- nodes that it is worth it for: all positions of fewer are in every cache
local Numbers = {}
Numbers.__index = Numbers

local function kernels_for(manager, dimensions, hops)
    return kernels.of(manager, "by_place.cu", kernels.dimension(dimensions) .. hops .. gpumm.resource("gpumm/force/bounds.cu"))
end

--- Numbers by the positions of n nodes, which all ranks have.
function by_place.new(manager, rows, dimensions, position)
    local n, run = rows.now.n, kernels_for(manager, dimensions, kernels.distances(rows))
    local self = setmetatable({ manager = manager, run = run, n = n,
        order = buffer(manager, "u32", n), place = buffer(manager, "u32", n) }, Numbers)
    local box <close> = buffer(manager, "u32", 6)
    local key <close> = buffer(manager, "u32", n)
    grid.bound(manager, dimensions, n, position, box)
    need(run.keys(n, position, box, key, self.order))
    need(manager:sort { keys = key, values = self.order, n = n })
    need(run.places(n, self.order, self.place))
    return self
end

--- Positions of all nodes by the caller's numbers, to these.
function Numbers:take(from, to) need(self.run.in_order(self.n, self.order, from, to)) end

--- And back.
function Numbers:give_back(from, to) need(self.run.given_back(self.n, self.order, from, to)) end

--- The number, from 1, of the caller's node, from 1.
function Numbers:of(node) return need(self.place:download(node, 1))[1] + 1 end

--- A list of the caller's nodes, from `base` on, by these: a buffer of its own.
function Numbers:translate(count, nodes, base)
    local out = buffer(self.manager, "u32", math.max(1, count))
    if count > 0 then need(self.run.translate(count, base, self.place, nodes, out)) end
    return out
end

--- Distances from so many pivots to the own nodes of `before` (rows): to those of `now`.
function Numbers:hops(before, now, pivots, hops)
    local had, has = before.now, now.now
    local count = had.count
    local all <close> = buffer(self.manager, hops.type, self.n)
    local out = buffer(self.manager, hops.type, math.max(1, pivots * has.count))
    for p = 0, pivots - 1 do
        if count > 0 then need(all:copy(hops, { first = had.first + 1, from_first = p * count + 1, count = count })) end
        before.part:gather(all, self.n)
        if has.count > 0 then need(self.run.take_hops(has.count, has.first, self.order, all, p * has.count, out)) end
    end
    return out
end

--- A list of own nodes of `before`, counted from the first of these (false: all), as one of `now`, and how many it has there.
function Numbers:own(before, now, count, nodes)
    local had, has = before.now, now.now
    if not nodes then return false, has.count end
    local all <close> = buffer(self.manager, "u8", self.n)
    local flags <close> = buffer(self.manager, "u8", math.max(1, has.count))
    local found <close> = buffer(self.manager, "u32", 1)
    local own = buffer(self.manager, "u32", math.max(1, has.count))
    need(all:fill(0))
    if count > 0 then need(self.run.flag(count, had.first, nodes, all)) end
    before.part:gather(all, self.n)
    if has.count == 0 then return own, 0 end
    need(self.run.take_flags(has.count, has.first, self.order, all, flags))
    need(self.manager:select { flags = flags, to = own, count = found, n = has.count })
    return own, need(found:download())[1]
end

return by_place
