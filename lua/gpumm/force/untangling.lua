-- SPDX-License-Identifier: MIT
-- Trees without crossings. Forces draw a tree's branches over one another, so from some time on they are laid anew every so
-- many steps where they cross: what came to be close parts again in the steps between. The last time is at the end. What hangs
-- on the rest of a graph by single edges is a tree as well; it keeps crossings that it can only lose by much shorter edges.
-- Edges that have lengths are turned rather than shortened.

local columns_of = require "gpumm.graph.edge_columns"
local kernels = require "gpumm.force.kernels"
local native = require "gpumm.layout.native"

local need = kernels.need
local Untangling = {}
Untangling.__index = Untangling

local FROM, EVERY = 0.6, 16 -- of the way, and steps
local LATE = 0.9 -- for legs, which forces alone part well
local MANY = 100000 -- nodes: in larger graphs it is done at the end alone, and for trees of their own alone
local SPARSE = 1.5 -- edges a node: where there are more, crossings of trees are the least of all

local function lay_anew(self, position, spares_legs)
    local at, turned = native.untangle(self.from, self.to, self.n, need(position:download(1, self.n)), self.stiff,
        spares_legs)
    if not at then self.gives_up = true
    elseif turned > 0 then need(position:upload(at)) end
end

--- Is called before step i, with what is done of the way.
function Untangling:step(position, i, done)
    if done >= FROM and i % EVERY == 0 and self.n <= MANY and not self.gives_up then lay_anew(self, position, done < LATE) end
end

--- Is called after the last step.
function Untangling:finish(position) lay_anew(self, position) end

--- Parts nodes that are nearer than `bound` to another, as far as no more edges cross for it.
function Untangling:part(position, bound)
    local at, moved = native.apart(self.from, self.to, self.n, need(position:download(1, self.n)), bound)
    if moved > 0 then need(position:upload(at)) end
end

local untangling = {}

-- In the order of the rows, where there are some: it is the same on all ranks.
local function ends_of(graph, rows)
    if rows then return native.listed(rows.part:adjacency(rows.now)) end
    return columns_of(graph)
end

--- For a layout by these options, of a graph whose rows may be there; nil where there is nothing to do.
function untangling.new(graph, options, rows)
    local n, m = graph.nodes, rows and rows.now.m or #graph.from
    local is_sparse = m > 0 and (m < n or m <= SPARSE * n and n <= MANY)
    if not is_sparse or options.dimensions ~= 2 or options.pinned then return nil end
    local from, to = ends_of(graph, rows)
    return setmetatable({ n = n, from = from, to = to, stiff = options.lengths }, Untangling)
end

return untangling
