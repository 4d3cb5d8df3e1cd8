-- SPDX-License-Identifier: MIT
-- A grid over ranks (tiles.cu): which cells hold own nodes, which nodes a rank sorts, and how all come to know the cells above.

local kernels = require "gpumm.force.kernels"

local need, buffer = kernels.need, kernels.buffer
local Tiles = {}
Tiles.__index = Tiles

-- Finest cells a tile, where that makes 4 tiles an axis or more, and tiles an axis at most, by dimension: more take longer to be
-- told, fewer reach further.
local PER, MOST = { 0, 8, 4 }, { 0, 256, 64 }
local HELD = 32        -- bytes for each tile, as in space.cu

--- Room for levels that begin at[width], the finest of `finest` cells an axis; `given` are the cells from the level above it on.
function Tiles:fit(finest, at, given)
    local manager, d = self.manager, self.dimensions
    self.width = math.min(math.max(4, finest // PER[d]), MOST[d])
    self.count = math.tointeger(self.width ^ d)
    self.at, self.mark_at = at[self.width], at[self.width] - at[finest // 2]
    self.marks = buffer(manager, "u8", given, self.marks)
    self.near = buffer(manager, "u8", self.count, self.near)
    self.held = buffer(manager, "u8", HELD * self.count, self.held)
    self.known = buffer(manager, "f32x4", self.count, self.known)
    self.told = buffer(manager, "f32x4", self.count * self.part.ranks, self.told)
end

--- What a build expects as the exchange before has left it.
function Tiles:make_ready()
    need(self.held:fill(0))
    need(self.listed:fill(0))
end

--- Counts the nodes that a build is of beside the own ones, whose tiles are held by now: up to n of all, by a list of the others
--- or (false) all. `of` is the grid.
function Tiles:add_others(of, n, first, own, others, position)
    local run, width = self.kernels, self.width
    need(self.marks:fill(0))
    need(run.mark(self.count, width, self.held, self.mark_at, self.marks))
    need(run.reach(self.count, width, self.marks, self.mark_at, self.near))
    if own == n then return end
    need(run.count_others(math.min(n - own, of.threads), n, first, own, others, position, of.where, of.finest, self.near, width,
        of.counts, of.cell_of, of.arrival))
end

--- Tells all ranks the sums of near tiles, and hears theirs. `knows`: there are own nodes, and so near tiles; `later`: as for
--- part:gather_all.
function Tiles:exchange(of, knows, later)
    local run, width = self.kernels, self.width
    if not knows then need(self.known:fill { 0, 0, 0, 0 }) end
    if knows then need(run.tell(self.count, width, self.near, of.levels, of.all, self.at, self.known)) end
    self.part:gather_all(self.known, self.count, self.told, later)
    need(run.hear(self.count, width, self.part.ranks, self.told, self.listed, self.held, of.levels, of.all, self.at))
end

local tiles = {}

--- The tiles of a grid over the ranks of `part`: width (an axis), held (bytes for each: does it hold own nodes?), marks (a byte
--- for each cell from the level above the finest on, for the same), near (a byte for each tile: are its nodes sorted here?) and
--- listed (room for a count). After an exchange, held and listed are 0.
function tiles.new(manager, dimensions, part, prefix)
    return setmetatable({ manager = manager, dimensions = dimensions, part = part, listed = buffer(manager, "u32", 1),
        kernels = kernels.of(manager, "tiles.cu", prefix) }, Tiles)
end

return tiles
