-- SPDX-License-Identifier: MIT
-- Nodes in cells, and cells in a pyramid (space.cu, grid.cu). A grid owns the buffers that a build needs and grows
-- them with the number of nodes; positions and masses are the caller's.

local gpumm = require "gpumm"
local kernels = require "gpumm.force.kernels"

local need, buffer, starts = kernels.need, kernels.buffer, kernels.starts
local grid = {}
local Grid = {}
Grid.__index = Grid

local PAD = 2                  -- as in space.cu
local BEYOND = 8               -- that may be read behind the last node or cell
local MOST = { 0, 14, 9 }      -- of that power, by dimension, so that the cells of a level can be counted in an int
local BOUNDS = 65536           -- threads that find the box, each for 8 nodes at least
local EMPTY = 0xffffffff       -- of a box without nodes
local LAST, BLOCK = { 0, 64, 16 }, 256 -- cells an axis, by dimension, from which on one block makes all levels above; its threads

-- Twice the power of two nearest to what the number of nodes asks for: sqrt(n), in space (n/2)^(1/3).
local function finest_for(n, dimensions)
    local wanted = dimensions == 3 and (n / 2) ^ (1 / 3) or math.sqrt(n)
    return 2 << math.min(math.max(2, math.floor(math.log(wanted, 2) + 0.5)), MOST[dimensions])
end

local function size_of(width, dimensions) return math.tointeger((width + 2 * PAD) ^ dimensions) end

-- Where each level begins, the finest first.
local function fit_levels(self, finest)
    local manager, d, total, w = self.manager, self.dimensions, 0, finest
    self.at = {}
    while w >= 4 do
        self.at[w] = total
        total = total + size_of(w, d)
        w = w // 2
    end
    self.finest, self.all, self.keys_in_use = finest, total + BEYOND, size_of(finest // 2, d) << d
    self.given = self.all - self.at[finest // 2]
    self.levels = buffer(manager, "f32", 4 * self.all, self.levels)
    need(self.levels:fill(0)) -- the cells around a level stay as they are now
    self.counts = buffer(manager, "u32", self.keys_in_use, self.counts)
    self.start = buffer(manager, "u32", self.keys_in_use + 1, self.start)
    self.ready = false
end

local function fit_nodes(self, n)
    local manager = self.manager
    for _, name in ipairs { "cell_of", "arrival", "order", "ranked", "tally" } do
        self[name] = buffer(manager, "u32", n, self[name])
    end
    self.keys = buffer(manager, "u64", n, self.keys)
    self.sums = buffer(manager, "u64", 4 * n, self.sums)
    self.room = n + BEYOND
    self.sorted = buffer(manager, "f32", 4 * self.room, self.sorted)
    need(self.sorted:fill(0))
    self.ready = false
end

-- What a build expects as the one before has left it.
local function make_ready(self)
    need(self.box:fill(EMPTY))
    need(self.counts:fill(0))
    need(self.keys:fill(-1))
    need(self.tally:fill(0))
    need(self.sums:fill(0))
end

local function reduce(self)
    local d, w = self.dimensions, self.finest // 2
    while w > LAST[d] do
        need(self.kernels.reduce(math.tointeger((w // 4) ^ d), w, self.levels, self.all, self.at[w]))
        w = w // 4
    end
    if w < 8 then return end
    local cells = math.tointeger((w // 4) ^ d)
    need(self.kernels.reduce_all({ n = cells, width = w, levels = self.levels, all = self.all, from = self.at[w] },
        { grid = 1, block = BLOCK }))
end

--- Room for a build of n nodes, of which `count` (nil: all) are own ones; true where a buffer is another one, or another length
--- is used of it.
function Grid:prepare(n, count)
    local finest = finest_for(n, self.dimensions)
    local wider, more = finest ~= self.finest, n + BEYOND > self.room
    if wider then fit_levels(self, finest) end
    if more then fit_nodes(self, n) end
    if not self.ready then make_ready(self) end
    self.marks = (count or n) < n and buffer(self.manager, "u8", self.given, self.marks or nil)
    self.ready = false -- until a build is enqueued
    return wider or more
end

--- The launches of a build, after prepare; they allocate nothing, so that they can be recorded. `bounded`: self.box is
--- found already; `first`, count: of the own nodes, where these are not all.
function Grid:enqueue(n, position, mass, seed, bounded, first, count)
    local run, finest = self.kernels, self.finest
    if not bounded then need(run.bounds(grid.bounding(n), n, position, self.box)) end
    if self.marks then need(self.marks:fill(0)) end
    need(run.count(n, position, self.box, finest, seed, first or 0, count or n, self.marks, self.where, self.counts,
        self.cell_of, self.arrival))
    starts(self.manager, self.keys_in_use, self.counts, self.start)
    need(run.scatter(n, self.cell_of, self.arrival, self.start, self.order))
    need(run.arrange(n, self.order, self.cell_of, self.start, position, mass, self.where, finest, seed, self.sorted,
        self.ranked, self.room, self.keys, self.tally, self.sums))
    need(run.cells(math.tointeger((finest // 2) ^ self.dimensions), finest, self.start, self.where, position, mass, self.box,
        self.counts, self.order, self.keys, self.tally, self.sums, self.marks, self.sorted, self.room, self.levels,
        self.all))
    reduce(self)
end

--- Sorts the nodes by cell and sums the cells, level by level. `seed` shifts the grid, and chooses who stands for a
--- crowd.
function Grid:build(n, position, mass, seed)
    self:prepare(n)
    self:enqueue(n, position, mass, seed)
    self.ready = true
end

--- How many threads find the box around n nodes.
function grid.bounding(n) return math.max(1, math.min(n // 8, BOUNDS)) end

--- The text before every file that reads a grid.
function grid.prefix(dimensions) return kernels.dimension(dimensions) .. gpumm.resource("gpumm/force/space.cu") end

local function kernels_of(manager, dimensions)
    return kernels.of(manager, "grid.cu", grid.prefix(dimensions) .. gpumm.resource("gpumm/force/bounds.cu"))
end

--- Writes the box around n nodes, as bounds.cu has it, to a buffer of six u32.
function grid.bound(manager, dimensions, n, position, box)
    need(box:fill(EMPTY))
    need(kernels_of(manager, dimensions).bounds(grid.bounding(n), n, position, box))
end

--- A grid of 2 or 3 dimensions. After a build: where (its least corner and finest cell), finest (cells an axis), start
--- (of every finest cell among the nodes in order), sorted (points and masses in that order), ranked (which nodes they are),
--- levels, all (cells that there is room for in them), at (where the level of a width begins), given (how many cells there are
--- from the level above the finest on) and marks (which of those hold own nodes, a byte each; false: all nodes are own ones).
function grid.new(manager, dimensions)
    return setmetatable({
        manager = manager, dimensions = dimensions, room = 0,
        kernels = kernels_of(manager, dimensions),
        box = buffer(manager, "u32", 6), where = buffer(manager, "f32", 5),
    }, Grid)
end

return grid
