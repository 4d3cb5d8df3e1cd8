-- SPDX-License-Identifier: MIT
-- Nodes with sizes, by which the areas of their discs go: in the end none lies on another.
--
--     local discs = sizes.new(manager, dimensions, of)  -- of: a number from 0 for each node
--     discs:fit(position, edge, part)                   -- how large they are drawn, by the room that the layout takes
--     discs:push(position, pinned, strength)            -- one round: those that are on one another part a little
--     discs:part(position, pinned)                      -- until none is
--
-- Nodes without sizes have discs of one size, which keep them off one another's spots:
--
--     local discs = sizes.even(manager, dimensions, n, position)
--     discs:is_crowded(position)                        -- is any on another?
--     discs:loosen(position, pinned)                    -- until none is, or for some rounds
--     discs:close()

local kernels = require "gpumm.force.kernels"

local need, buffer = kernels.need, kernels.buffer
local Sizes = {}
Sizes.__index = Sizes

local FILL = 0.3              -- of the room that the nodes take is what their discs cover, unless less is asked for
local CELL = 2                -- edges: how wide a cell is, of which the room is made
local CLASSES = 8             -- as in sizes.cu
local APART = 1.04            -- times their radii, for what is drawn around a disc; less than 1.05, as sizes.cu looks around
local ROUNDS, AT_ONCE = 64, 8  -- in which nodes part in place, and how many of these are enqueued at a time
local EACH, SAMPLES = 1024, 256 -- nodes up to which the nearest one is looked for of all; of how many else
local CHUNK, INFINITE = 1024, 0x7f800000 -- nodes that a thread of that compares; as in sizes.cu
local BITS = 20                -- as in sizes.cu
local SHARE = 0.07             -- of their median distance, within which nobody else shall be
local WIDER, THEN = 1.1, 16    -- by so much the whole is, as often as they did not, and in how many rounds they part then

-- The room that nodes take: cells with nodes, of two edges' length.
local function room_of(self, position, edge)
    local key, kept, count = self.key, self.kept, self.count
    need(self.run.occupy(self.n, position, CELL * edge, key))
    need(self.manager:sort { keys = key, n = self.n })
    need(self.manager:unique { from = key, to = kept, count = count, n = self.n })
    return need(count:download())[1] * (CELL * edge) ^ self.dimensions
end

-- Nodes without an edge: as if they lay evenly in their box.
local function spacing(self, position)
    local low, high, volume, d = {}, {}, 1, self.dimensions
    for _, a, b, c in need(position:download(1, self.n)):each() do
        for k, v in ipairs { a, b, c } do low[k], high[k] = math.min(low[k] or v, v), math.max(high[k] or v, v) end
    end
    for k = 1, d do volume = volume * (high[k] - low[k]) end
    return volume > 0 and (volume / self.n) ^ (1 / d) or 1
end

-- What the discs cover at a scale of 1.
local function covered(self)
    local sum, power = 0, self.dimensions / 2
    for i = 1, self.n do sum = sum + self.of[i] ^ power end
    return sum * (self.dimensions == 3 and 4 / 3 or 1) * math.pi
end

--- Suits the discs to the room that the layout takes; `edge` is the mean length of an edge, nil: there is none. `part`: of what
--- they could cover.
function Sizes:fit(position, edge, part)
    local d, list, most, classes = self.dimensions, {}, 0, 0
    local scale = (FILL * part * room_of(self, position, edge or spacing(self, position)) / covered(self)) ^ (1 / d)
    for i = 1, self.n do
        list[i] = scale * math.sqrt(self.of[i])
        most = math.max(most, list[i])
    end
    local largest = most * 1.001
    for i = 1, self.n do
        local class = list[i] > 0 and math.floor(math.log(largest / list[i], 2)) or CLASSES
        classes = classes | 7 << math.max(0, math.min(class, CLASSES - 1) - 1) -- and beside it: logarithms are rounded
    end
    self.largest, self.classes = largest, classes & (1 << CLASSES) - 1
    need(self.radius:upload(list))
end

-- Where each node is to go, and how many are on another.
local function look(self, position, pinned, strength)
    local run, n = self.run, self.n
    need(run.locate(n, position, self.radius, self.largest, self.key, self.node))
    need(self.manager:sort { keys = self.key, values = self.node, n = n, bits = self.bits })
    need(self.crowded:fill(0))
    need(run.crowd(n, self.key, self.node, position, self.radius, pinned or false, self.largest, self.classes, APART, strength,
        self.to, self.crowded))
end

local function round(self, position, pinned, strength, scale)
    look(self, position, pinned, strength)
    need(self.run.settle(self.n, self.to, scale, self.crowded, position))
end

--- Is any node on another?
function Sizes:is_crowded(position)
    if self.nearest then return self.nearest < self.apart end
    look(self, position, nil, 1)
    return need(self.crowded:download())[1] > 0
end

--- Moves nodes that are on one another that part of the way (0 to 1) apart. `pinned` (a buffer of bytes, or nil) stay.
function Sizes:push(position, pinned, strength) round(self, position, pinned, strength, 1) end

-- Rounds in place; true: none is on another any more.
local function parted(self, position, pinned, most)
    for _ = 1, most, AT_ONCE do
        for _ = 1, AT_ONCE do round(self, position, pinned, 1, 1) end
        if need(self.crowded:download())[1] == 0 then return true end
    end
    return false
end

--- Moves nodes until none is on another, or for some rounds. `pinned` (nil: none) stay.
function Sizes:loosen(position, pinned) return parted(self, position, pinned, ROUNDS) end

--- Moves nodes until none is on another: in place; where there is no room, and no node is pinned, by a wider layout. False
--- where pinned nodes are in the way.
function Sizes:part(position, pinned)
    local most = ROUNDS
    while not parted(self, position, pinned, most) do
        if pinned then return false end
        round(self, position, pinned, 1, WIDER)
        most = THEN
    end
    return true
end

--- Gives back what discs of one size took.
function Sizes:close()
    for _, name in ipairs { "radius", "key", "node", "to", "crowded" } do self[name]:close() end
end

local sizes = {}

local function made(manager, dimensions, n)
    return setmetatable({ manager = manager, dimensions = dimensions, n = n, radius = buffer(manager, "f32", n),
        key = buffer(manager, "u64", n), node = buffer(manager, "u32", n), to = buffer(manager, "f32x" .. dimensions, n),
        crowded = buffer(manager, "u32", 1), run = kernels.of(manager, "sizes.cu", kernels.dimension(dimensions)) }, Sizes)
end

function sizes.new(manager, dimensions, of)
    local self = made(manager, dimensions, #of)
    self.of, self.kept, self.count = of, buffer(manager, "u64", #of), buffer(manager, "u32", 1)
    return self
end

-- Distances of some nodes to the nearest other one: the median and the least.
local function nearest_of(self, position, samples)
    local n, chunks = self.n, (self.n + CHUNK - 1) // CHUNK
    local least <close> = buffer(self.manager, "u32", samples)
    need(least:fill(INFINITE))
    need(self.run.nearest(samples * chunks, samples, CHUNK, n, position, least))
    local bits = need(least:download()):totable()
    table.sort(bits)
    local function distance(k) return math.sqrt((string.unpack("<f", string.pack("<I4", bits[k])))) end
    return distance((samples + 1) // 2), distance(1)
end

-- Nodes that share the outermost cells would be compared each with each.
local function is_too_wide(self, position)
    need(self.crowded:fill(0))
    need(self.run.beyond(self.n, position, self.largest, self.crowded))
    return need(self.crowded:download())[1] ~= 0
end

--- Discs of one size for n nodes that have none, a small part of the way from most nodes to the nearest other one; of an edge's
--- length, edge() (nil: no discs), where most are on another's spot. nil where the layout is too wide for such small cells, and
--- where no size makes sense.
function sizes.even(manager, dimensions, n, position, edge)
    local self, samples = made(manager, dimensions, n), n <= EACH and n or SAMPLES
    local median, least = nearest_of(self, position, samples)
    local apart = SHARE * (median > 0 and median or edge() or 0)
    self.largest = apart / 2 * 1.001
    if not (apart > 0 and apart < math.huge) or is_too_wide(self, position) then
        self:close()
        return nil
    end
    self.apart, self.largest, self.classes, self.bits = apart, apart / 2 * 1.001, 1, BITS * dimensions
    self.nearest = samples == n and least or nil
    need(self.radius:fill(apart / 2))
    return self
end

return sizes
