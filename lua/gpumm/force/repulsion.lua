-- SPDX-License-Identifier: MIT
-- Repulsion over all pairs: exactly, or in O(n) by local expansions of cells (far.cu) and the nodes nearby (near.cu).
-- Positions, masses and forces are the caller's.

local gpumm = require "gpumm"
local grid = require "gpumm.force.grid"
local kernels = require "gpumm.force.kernels"
local part = require "gpumm.force.part"

local need, buffer = kernels.need, kernels.buffer
local Repulsion = {}
Repulsion.__index = Repulsion

local FEW = 512               -- nodes up to which every pair is quicker
local COARSE = { 0, 64, 16 }  -- cells an axis, by dimension: up to there levels are one launch
local BLOCK, LISTED = 256, 2048 -- threads that list own nodes, and places that they look at, as in near.cu
local COEFFICIENTS = { push = { 0, 9, 19 }, spread = { 0, 6, 10 } } -- of an expansion, as in far.cu

-- Cells of a level and of all above it.
local function size_above(width, dimensions)
    local sum = 0
    while width >= 4 do
        sum = sum + math.tointeger(width ^ dimensions)
        width = width // 2
    end
    return sum
end

-- Room for a sum over n nodes. `fitted` counts how often it was made anew.
local function prepare(self, what, n)
    local cells = self.grid
    if cells:prepare(n) then self.fitted = self.fitted + 1 end
    if cells.tiles and self.listed then
        local _, count = self.part:block(n)
        self.list = buffer(self.manager, "u32", math.max(1, count), self.list)
    end
    local length = cells.given * COEFFICIENTS[what][self.dimensions]
    if self.given_length == length then return end
    self.given = buffer(self.manager, "f32", length, self.given)
    need(self.given:fill(0))
    self.given_length, self.fitted = length, self.fitted + 1
end

-- The expansion of every cell that holds own nodes, from the coarsest level down. `wide`: cells of the last one with few nodes
-- around need none.
local function expand(self, run, unit, wide)
    local cells, d = self.grid, self.dimensions
    local last, above, marks = cells.finest // 2, 0, cells.tiles and cells.tiles.marks
    local w = math.min(last // 2, COARSE[d])
    if w >= 4 then
        above = math.tointeger(math.log(w, 2)) - 1
        need(run.far_above(size_above(w, d), w, cells.levels, cells.all, cells.at[w], marks, cells.where, cells.finest, unit,
            self.given))
    end
    w = math.max(4, 2 * w)
    while w <= last do
        need(run.far(math.tointeger(w ^ d), w, above, cells.levels, cells.all, cells.at[w],
            wide and w == last and cells.start, marks, cells.where, cells.finest, unit, self.given))
        w, above = 2 * w, 1
    end
end

-- How many threads push, and where own nodes are in the order of the cells if there are fewer than nodes that are sorted: those
-- of others around own ones are few where these lie together. false: there are enough.
local function own_in_order(self, first, count)
    local cells, most = self.grid, self.grid.looked_at
    local threads = math.min(most, count + count // 8)
    if not (cells.tiles and self.listed) then return most, false end
    need(self.kernels.push.list_own({ threads = threads, last = cells.keys_in_use, start = cells.start, ranked = cells.ranked,
        first = first, count = count, listed = cells.tiles.listed, list = self.list },
        { grid = (most + LISTED - 1) // LISTED, block = BLOCK }))
    return threads, self.list
end

-- May nodes be felt one by one in larger cells, where they are few? Then the level of these is handed down all there is above it.
-- In space there are too many around.
local function is_wide(self)
    return self.dimensions == 2 and self.grid.finest // 4 > COARSE[2]
end

-- The launches of every own node's sum over all others, exactly where they are few. Of the values v, strength, seed and unit
-- (squared), it asks for those that a kernel takes. `how` is as for a grid.
local function enqueue(self, what, exactly, n, position, mass, out, v, how)
    local run, cells, first, count = self.kernels[what], self.grid, self.part:block(n)
    if not exactly then cells:enqueue(n, position, mass, v.seed, how) end
    if count == 0 then return end
    if exactly then
        need(run.repel_exactly(count, first, n, position, mass, v.strength, v.unit, out))
        return
    end
    local wide = is_wide(self)
    expand(self, run, v.unit, wide)
    local threads, list = own_in_order(self, first, count)
    need(run.repel(threads, first, count, list, cells.keys_in_use, cells.ranked, position, mass, cells.start, cells.sorted,
        cells.room, cells.levels, cells.all, self.given, cells.where, cells.finest, wide, v.strength, v.unit, out))
end

local function sum_up(self, what, exactly, n, position, mass, out, strength, seed, unit)
    if not exactly then prepare(self, what, n) end
    enqueue(self, what, exactly, n, position, mass, out,
        { strength = strength or 1, seed = (seed or 0) & 0xffffffff, unit = (unit or 1) ^ 2 }, {})
    if not exactly then self.grid.ready = true end
end

--- Writes the repulsion on each of n nodes (of the own ones of its part) to `force`: `strength` times the sum of the products
--- of the masses, the way between the nodes and repel(unit^2 d2). `seed` shifts the grid and samples crowds. Over ranks it is
--- repel_well.
function Repulsion:repel(n, ...) sum_up(self, "push", n <= FEW and not self.part.is_alone, n, ...) end

--- The same over every pair, exactly.
function Repulsion:repel_exactly(...) sum_up(self, "push", true, ...) end

--- Repulsion as repel writes it, over every pair where nodes are few.
function Repulsion:repel_well(n, ...) sum_up(self, "push", n <= FEW, n, ...) end

--- repel_well in three parts. Without other ranks the middle one can be recorded, with names in the place of the values
--- v.strength, v.seed and v.unit, which is squared; what was recorded is of the same buffers while self.fitted stays. With
--- others, it leaves an exchange under way: the caller's next call of the part has to come before anything waits for the device.
--- `how` may have bounded and others, as for a grid.
function Repulsion:prepare(n)
    if n > FEW then prepare(self, "push", n) end
end

function Repulsion:enqueue(n, position, mass, out, v, how)
    local _, count = self.part:block(n)
    how.later = self.loaded == self.grid.finest
    enqueue(self, "push", n <= FEW, n, position, mass, out, v, how)
    if count > 0 and n > FEW then self.loaded = self.grid.finest end -- loading a kernel may wait for the device
end

--- The box around the nodes that a kernel of `threads` threads may find for it, and how many of these; nil: there is none
--- to be found, or not by so few.
function Repulsion:box_by(threads, n)
    local wanted = grid.bounding(n)
    if n > FEW and threads >= wanted then return self.grid.box, wanted end
end

function Repulsion:enqueued(n) self.grid.ready = self.grid.ready or n > FEW end

--- How much the repulsion of strength 1 spreads each node: the sum of pushes times ways, in the x of `out`.
function Repulsion:spread(n, position, mass, out, unit)
    sum_up(self, "spread", n <= FEW, n, position, mass, out, 1, 0, unit)
end

-- The push as far.cu wants it: of a float, and of what derives itself. The latter's type cannot be told where there are
-- statements or functions in the expression.
local function push(repel)
    local at = "#define REPEL(u) repel_at(u)\nstatic __device__ float repel_at(float d2) { return " .. repel .. "; }\n"
    if repel:find "[{%[]" then return at end
    return at .. "#define DERIVES\ntemplate <class T>\nstatic __forceinline__ __device__ auto repel_of(T d2) -> decltype(0.0f + ("
        .. repel .. ")) { return " .. repel .. "; }\n"
end

local repulsion = {}

--- Is a sum over n nodes by cells?
function repulsion.is_by_cells(n) return n > FEW end

--- Repulsion in 2 or 3 dimensions, over ranks where there is a `part` (force/part). `repel` is the push between two unit
--- masses over their distance, as a CUDA C expression of the square distance d2; without it, 1 / d2.
function repulsion.new(manager, options)
    local dimensions, of = options.dimensions or 2, options.part or part.whole
    local prefix = grid.prefix(dimensions) .. push(options.repel or "1.0f / (d2 + 1e-6f)")
        .. gpumm.resource("gpumm/force/far.cu")
    return setmetatable({
        manager = manager, dimensions = dimensions, part = of, fitted = 0, grid = grid.new(manager, dimensions, of),
        listed = manager:device().kind ~= "host", -- there, a thread that ends at once costs less than a list
        kernels = { push = kernels.of(manager, "near.cu", prefix),
            spread = kernels.of(manager, "near.cu", "#define VIRIAL\n" .. prefix) },
    }, Repulsion)
end

return repulsion
