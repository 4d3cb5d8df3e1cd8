-- SPDX-License-Identifier: MIT
-- Repulsion over all pairs: exactly, or in O(n) by the grid pyramid of grid.cu. A grid owns the buffers that a
-- build needs and grows them with the number of nodes; positions, masses and forces are the caller's.

local kernels = require "gpumm.force.kernels"

local need, buffer, starts = kernels.need, kernels.buffer, kernels.starts
local Grid = {}
Grid.__index = Grid

local PAD = 2                  -- as in grid.cu
local NODES_A_BOUND = 64       -- nodes whose box one thread finds
local FEW = 512                -- nodes up to which every pair is quicker
local EMPTY = 0xffffffff       -- of a box without nodes

-- The power of two nearest to what the number of nodes asks for: 2 sqrt(n), in space (4n)^(1/3).
local function width_for(n, dimensions)
    local wanted = dimensions == 3 and (4 * n) ^ (1 / 3) or 2 * math.sqrt(n)
    return 1 << math.max(2, math.floor(math.log(wanted, 2) + 0.5))
end

local function fit_levels(self, width)
    local manager, d, total = self.manager, self.dimensions, 0
    local w = width
    while w >= 4 do
        total = total + (w + 2 * PAD) ^ d
        w = w // 2
    end
    self.width, self.cells = width, math.tointeger((width + 2 * PAD) ^ d)
    self.levels = buffer(manager, "f32x4", math.tointeger(total), self.levels)
    need(self.levels:fill({ 0, 0, 0, 0 })) -- the cells around a level stay as they are now
    self.counts = buffer(manager, "u32", self.cells, self.counts)
    self.start = buffer(manager, "u32", self.cells + 1, self.start)
end

local NODE_BUFFERS = { cell_of = "u32", arrival = "u32", order = "u32", tally = "u32", keys = "u64",
    sorted = "f32x4" }

local function fit(self, n)
    local width = width_for(n, self.dimensions)
    if width ~= self.width then fit_levels(self, width) end
    if n <= self.room then return end
    for name, type in pairs(NODE_BUFFERS) do self[name] = buffer(self.manager, type, n, self[name]) end
    self.sums = buffer(self.manager, "u64", 4 * n, self.sums)
    self.room = n
end

local function reduce(self)
    local w, d, from = self.width, self.dimensions, 0
    while w >= 8 do
        local to = from + math.tointeger((w + 2 * PAD) ^ d)
        need(self.kernels.reduce(math.tointeger((w // 4) ^ d), w, self.levels, from, self.levels, to))
        from = to + math.tointeger((w // 2 + 2 * PAD) ^ d)
        w = w // 4
    end
end

--- Sorts the nodes by cell and sums the cells, level by level. `seed` shifts the grid, and chooses who stands for a
--- crowd.
function Grid:build(n, position, mass, seed)
    fit(self, n)
    local run, width = self.kernels, self.width
    local threads = math.max(1, n // NODES_A_BOUND)
    need(self.box:fill(EMPTY))
    need(self.counts:fill(0))
    need(run.bounds(threads, n, position, self.box))
    need(run.count(n, position, self.box, width, seed, self.counts, self.cell_of, self.arrival))
    starts(self.manager, self.cells, self.counts, self.start)
    need(run.scatter(n, self.cell_of, self.arrival, self.start, self.order, self.keys, self.tally, self.sums))
    need(run.arrange(n, self.order, self.cell_of, self.start, position, mass, self.box, width, seed,
        self.sorted, self.keys, self.tally, self.sums))
    need(run.cells(math.tointeger(width ^ self.dimensions), width, seed, self.start, self.box, position, mass,
        self.keys, self.tally, self.sums, self.sorted, self.levels))
    reduce(self)
end

-- Every node's sum over all others, exactly where they are few.
local function sum_up(self, kernel, exactly, n, position, mass, out, strength, seed, unit)
    strength, unit = strength or 1, (unit or 1) ^ 2
    if exactly then
        need(kernel.repel_exactly(n, position, mass, strength, unit, out))
        return
    end
    seed = (seed or 0) & 0xffffffff
    self:build(n, position, mass, seed)
    need(kernel.repel(n, self.order, position, mass, self.start, self.sorted, self.levels, self.box, self.width, seed,
        strength, unit, out))
end

--- Writes the repulsion on each of n nodes to `force`: `strength` times the sum of the products of the masses, the
--- way between the nodes and repel(unit^2 d2). `seed` shifts the grid and samples crowds.
function Grid:repel(...) sum_up(self, self.kernels, false, ...) end

--- The same over every pair, exactly.
function Grid:repel_exactly(...) sum_up(self, self.kernels, true, ...) end

--- Repulsion as repel writes it, over every pair where nodes are few.
function Grid:repel_well(n, ...) sum_up(self, self.kernels, n <= FEW, n, ...) end

--- How much the repulsion of strength 1 spreads each node: the sum of pushes times ways, in the x of `out`.
function Grid:spread(n, position, mass, out, unit)
    sum_up(self, self.virial, n <= FEW, n, position, mass, out, 1, 0, unit)
end

local grid = {}

--- A grid of 2 or 3 dimensions. `repel` is the push between two unit masses over their distance, as a CUDA C
--- expression of the square distance d2; without it, 1 / d2.
function grid.new(manager, options)
    local dimensions = options.dimensions or 2
    local prefix = kernels.dimension(dimensions)
        .. "#define REPEL(u) repel_at(u)\nstatic __device__ float repel_at(float d2) { return "
        .. (options.repel or "1.0f / (d2 + 1e-6f)") .. "; }\n"
    return setmetatable({
        manager = manager, dimensions = dimensions, room = 0, kernels = kernels.of(manager, "grid.cu", prefix),
        virial = kernels.of(manager, "grid.cu", "#define VIRIAL\n" .. prefix),
        box = buffer(manager, "u32", 6),
    }, Grid)
end

return grid
