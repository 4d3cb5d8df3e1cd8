-- SPDX-License-Identifier: MIT
-- Nodes in cells, and cells in a pyramid (space.cu, grid.cu). A grid owns the buffers that a build needs and grows
-- them with the number of nodes; positions and masses are the caller's.

local gpumm = require "gpumm"
local kernels = require "gpumm.force.kernels"
local tiles = require "gpumm.force.tiles"

local need, buffer, starts = kernels.need, kernels.buffer, kernels.starts
local grid = {}
local Grid = {}
Grid.__index = Grid

local PAD = 2                  -- as in space.cu
local BEYOND = 8               -- that may be read behind the last node or cell
local MOST = { 0, 14, 9 }      -- of that power, by dimension, so that the cells of a level can be counted in an int
local BOUNDS = 65536           -- threads that find the box, each for 8 nodes at least
local THREADS = 1 << 18        -- that see to the nodes of other ranks, where own ones are fewer
local EMPTY = 0xffffffff       -- of a box without nodes
local NONE = { marks = false, held = false, near = false, width = 0 } -- of tiles, where there are no other ranks
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
    if self.tiles then self.tiles:fit(finest, self.at, self.given) end
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
    if self.tiles then self.tiles:make_ready() end
end

-- Levels above that of `from` cells an axis, up to that of `to` or one more; how wide the last one is.
local function reduce(self, from, to, over)
    local d, w = self.dimensions, from
    while w > to do
        need(self.kernels.reduce(math.tointeger((w // 4) ^ d), w, over.marks, self.at[w] - self.at[self.finest // 2], over.near,
            over.width, self.levels, self.all, self.at[w]))
        w = w // 4
    end
    return w
end

local function reduce_all(self, from)
    local d = self.dimensions
    local w = reduce(self, from, LAST[d], NONE)
    if w < 8 then return end
    need(self.kernels.reduce_all({ n = math.tointeger((w // 4) ^ d), width = w, levels = self.levels, all = self.all,
        from = self.at[w] }, { grid = 1, block = BLOCK }))
end

--- Room for a build of n nodes; true where a buffer is another one, or another length is used of it.
function Grid:prepare(n)
    local finest = finest_for(n, self.dimensions)
    local wider, more = finest ~= self.finest, n + BEYOND > self.room
    if wider then fit_levels(self, finest) end
    if more then fit_nodes(self, n) end
    if not self.ready then make_ready(self) end
    self.ready = false -- until a build is enqueued
    return wider or more
end

-- Own nodes, and those around them, into cells, and these into larger ones up to the level above the finest or, over ranks, to
-- that of tiles. self.looked_at: how many nodes may be sorted.
local function sort(self, n, position, mass, seed, others)
    local run, finest, over = self.kernels, self.finest, self.tiles or NONE
    local first, own = self.part:block(n)
    local looked_at, list = others and own + others.count or n, others and others.list or false
    self.looked_at = looked_at
    need(run.count(own, first, position, self.box, finest, seed, over.held, over.width, self.where, self.counts, self.cell_of,
        self.arrival))
    if self.tiles then over:add_others(self, looked_at, first, own, list, position) end
    starts(self.manager, self.keys_in_use, self.counts, self.start)
    local threads = math.max(own, math.min(looked_at, self.threads))
    need(run.scatter(threads, looked_at, first, own, list, self.cell_of, self.arrival, self.start, self.order))
    need(run.arrange(threads, self.keys_in_use, self.order, self.start, position, mass, self.where, finest, seed, self.sorted,
        self.ranked, self.room, self.keys, self.tally, self.sums))
    need(run.cells(math.tointeger((finest // 2) ^ self.dimensions), finest, self.start, self.where, position, mass, self.box,
        self.counts, self.order, self.keys, self.tally, self.sums, first, own, over.marks, over.near, over.width, self.sorted,
        self.room, self.levels, self.all))
    if self.tiles then reduce(self, finest // 2, over.width, over) end
end

--- The launches of a build, after prepare; without other ranks they can be recorded. `how` may have bounded (self.box is found
--- already), later (as for part:gather_all) and others (as halo has them: the other ranks' nodes whose positions are known; nil:
--- all are).
function Grid:enqueue(n, position, mass, seed, how)
    local _, count = self.part:block(n)
    if count > 0 then
        if not how.bounded then need(self.kernels.bounds(grid.bounding(n), n, position, self.box)) end
        sort(self, n, position, mass, seed, how.others)
    end
    if self.tiles then self.tiles:exchange(self, count > 0, how.later) end
    reduce_all(self, self.tiles and self.tiles.width or self.finest // 2)
end

--- Sorts the nodes by cell and sums the cells, level by level. `seed` shifts the grid, and chooses who stands for a
--- crowd.
function Grid:build(n, position, mass, seed)
    self:prepare(n)
    self:enqueue(n, position, mass, seed, {})
    self.ready = true
end

--- How many threads find the box around n nodes.
function grid.bounding(n) return math.max(1, math.min(n // 8, BOUNDS)) end

--- The text before every file that reads a grid.
function grid.prefix(dimensions) return kernels.dimension(dimensions) .. gpumm.resource("gpumm/force/space.cu") end

local function kernels_of(manager, dimensions, file)
    return kernels.of(manager, file, grid.prefix(dimensions) .. gpumm.resource("gpumm/force/bounds.cu"))
end

--- Another file's kernels, by name, that know of grids and boxes.
function Grid:kernels_of(file) return kernels_of(self.manager, self.dimensions, file) end

--- Writes the box around n nodes, as bounds.cu has it, to a buffer of six u32.
function grid.bound(manager, dimensions, n, position, box)
    need(box:fill(EMPTY))
    need(kernels_of(manager, dimensions, "grid.cu").bounds(grid.bounding(n), n, position, box))
end

--- A grid of 2 or 3 dimensions, of all nodes or, over ranks, of those near the own ones of `part`. After a build: where (its
--- least corner and finest cell), finest (cells an axis), start (of every finest cell among the nodes in order, and behind the
--- last of keys_in_use how many nodes there are), sorted (points and masses in that order), ranked (which nodes they are),
--- levels, all (cells that there is room for in them), at (where the level of a width begins), given (how many cells there are
--- from the level above the finest on) and tiles (force/tiles; false: there are no other ranks).
function grid.new(manager, dimensions, part)
    return setmetatable({
        manager = manager, dimensions = dimensions, part = part, room = 0, threads = THREADS,
        kernels = kernels_of(manager, dimensions, "grid.cu"),
        box = buffer(manager, "u32", 6), where = buffer(manager, "f32", 5),
        tiles = not part.is_alone and tiles.new(manager, dimensions, part, grid.prefix(dimensions)),
    }, Grid)
end

return grid
