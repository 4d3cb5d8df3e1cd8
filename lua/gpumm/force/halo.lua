-- SPDX-License-Identifier: MIT
-- Which positions ranks tell one another from step to step, where their nodes lie together (halo.cu): those of the nodes that
-- another rank's next step asks for, which are the ends of its edges and what lies near its nodes. Lists of them, made where
-- nodes lie, hold until some have moved too far. The positions of all others are what they were.

local kernels = require "gpumm.force.kernels"

local need, buffer = kernels.need, kernels.buffer
local Halo = {}
Halo.__index = Halo

local ASKED = 2 * 1.0626  -- tiles, as far as a grid looks that is shifted: over a tile and into the next (tiles.cu)
local REACH, SHARE = 3, 8 -- tiles that lists reach at least, and of an axis' tiles the part, one of so many, that they do at most
local LONG, SHORT = 16, 4 -- steps that lists shall last where nodes go on as in the last one, and that they have to
local PAUSES = { 32, 256 } -- steps without them where they would not pay as nodes move, and where they would not anyway
-- Nodes from which on they may pay, by the kind of device: on GPUs, making them costs what gathering fewer does in many steps.
local LEAST_NODES = { host = 1, cuda = 1 << 21 }
local WORDS = { 0, 8, 9 } -- of an outline (halo.cu), by dimension: the box, how far a node moved, and what fills the last point
local BOX, EMPTY = 6, 0xffffffff
local MOST = 32           -- ranks, which are bits of a mask
local THREADS = 65536     -- that find an outline

-- ---- Outlines ----------------------------------------------------------------------------------------------

local function find_outline(self, now, nodes)
    need(self.outlines:fill(EMPTY))
    if now.count == 0 then return end
    local threads = math.max(1, math.min(now.count // 8, THREADS))
    need(self.kernels.outline(threads, now.count, now.first, nodes.position, nodes.velocity, self.part.rank * self.words,
        self.outlines))
end

-- As bounds.cu has it.
local function restored(word)
    local bits = word & 0x80000000 ~= 0 and word & 0x7fffffff or ~word & 0xffffffff
    return (string.unpack("<f", string.pack("<I4", bits)))
end

-- The first words of all ranks' outlines together, to a buffer.
local function fold(self, words, out) need(self.kernels.fold(words, self.part.ranks, self.words, self.outlines, out)) end

-- The longest side of the box around all nodes, how far the farthest of them moved, and by how much coordinates may be rounded.
local function measure(self)
    fold(self, BOX + 1, self.folded)
    local all = need(self.folded:download())
    local side, largest, far = 1e-20, 0, all[BOX + 1]
    for k = 1, self.dimensions do
        local low, high = restored(all[k]), restored(~all[3 + k] & EMPTY)
        side, largest = math.max(side, high - low), math.max(largest, math.abs(low), math.abs(high))
    end
    return side, far == EMPTY and 0 or restored(~far & EMPTY), 2 ^ -23 * largest
end

--- Writes the box around all nodes, as bounds.cu has it, to a buffer of six u32, and returns that.
function Halo:bound(box)
    fold(self, BOX, box)
    return box
end

-- ---- Lists ---------------------------------------------------------------------------------------------------

-- Of each tile the ranks that have nodes in reach.
local function masks_of_tiles(self, now, position, reach)
    local m, run, tiles, part = self.manager, self.kernels, self.grid.tiles, self.part
    local held <close> = buffer(m, "u8", tiles.count)
    local all <close> = buffer(m, "u8", tiles.count * part.ranks)
    local from, to = buffer(m, "u32", tiles.count), buffer(m, "u32", tiles.count)
    need(held:fill(0))
    if now.count > 0 then need(run.occupy(now.count, now.first, position, self.folded, tiles.width, held)) end
    part:gather_all(held, tiles.count, all)
    need(run.holders(tiles.count, part.ranks, all, from))
    for axis = 0, self.dimensions - 1 do
        need(run.widened(tiles.count, tiles.width, axis, reach, from, to))
        from, to = to, from
    end
    to:close()
    return from
end

-- Who asks for own nodes by edges, which lasts as long as the rows.
local function fit_edges(self, rows)
    local now, part = rows.now, self.part
    if self.edges_of == rows.built then return end
    local begins <close> = buffer(self.manager, "u32", part.ranks)
    self.edges_of, self.edges = rows.built, buffer(self.manager, "u32", math.max(1, now.count), self.edges)
    need(self.edges:fill(0))
    need(begins:upload(part:begins()))
    if now.segment_count > 0 then
        need(self.kernels.beyond_edges(now.segment_count, now.segment_node, now.segment_begin, now.near, now.first, now.count,
            part.ranks, begins, self.edges))
    end
end

-- Of each own node the ranks that ask for it.
local function masks_of_nodes(self, rows, nodes, reach)
    local now, run, mask = rows.now, self.kernels, buffer(self.manager, "u32", math.max(1, rows.now.count))
    local tiles <close> = masks_of_tiles(self, now, nodes.position, reach)
    fit_edges(self, rows)
    if now.count == 0 then return mask end
    need(run.asked(now.count, now.first, nodes.position, self.folded, self.grid.tiles.width, tiles, self.edges, mask))
    for _, of in ipairs(nodes.stress or {}) do
        for _, asked in ipairs(of:asked()) do
            need(run.asked_by_all(asked.count, asked.nodes, now.first, now.count, mask))
        end
    end
    return mask
end

-- The own nodes that a rank asks for, to `picked`; how many.
local function pick(self, now, rank, mask, picked)
    if now.count == 0 then return 0 end
    local flags <close> = buffer(self.manager, "u8", now.count)
    local found <close> = buffer(self.manager, "u32", 1)
    need(self.kernels.is_asked(now.count, rank, mask, flags))
    need(self.manager:select { flags = flags, to = picked, count = found, n = now.count })
    return need(found:download())[1]
end

-- What goes to the ranks, by these masks: a buffer, and how much of it to each.
local function list_all(self, now, mask)
    local m, run, part, n = self.manager, self.kernels, self.part, math.max(1, now.count)
    local picked <close> = buffer(m, "u32", n)
    local send, counts = kernels.empty(m, "u32", (part.ranks - 1) * (n + self.points)), {}
    for r = 0, part.ranks - 1 do
        local at, count = #send, r ~= part.rank and self.points + pick(self, now, r, mask, picked) or 0
        if count > 0 then
            need(send:resize(at + count))
            need(run.list(count, self.points, part.rank * self.points, now.first, picked, at, send))
        end
        counts[r + 1] = count
    end
    return send, counts
end

local function close_lists(self)
    if not self.lists then return end
    for _, name in ipairs { "send", "receive", "others", "out", "into" } do self.lists[name]:close() end
    self.lists = nil
end

-- How many tiles lists reach that last so many steps, or at least a few, of nodes that move so far in each; nil: they would not.
local function reach_for(self, side, far, steps)
    local tiles = self.grid.tiles.width
    local a_step, most = 2 * far * tiles / side, math.max(REACH, tiles // SHARE)
    local lasts = ASKED + SHORT * a_step <= most
    return lasts and math.max(REACH, math.min(math.ceil(ASKED + steps * a_step), most)) or nil
end

-- The nodes that come in these counts from the ranks, without marks.
local function nodes_in(self, receive, counts)
    local others, from, to = buffer(self.manager, "u32", #receive), 0, 0
    for _, count in ipairs(counts) do
        local nodes = math.max(0, count - self.points)
        if nodes > 0 then need(others:copy(receive, { first = to + 1, from_first = from + self.points + 1, count = nodes })) end
        from, to = from + count, to + nodes
    end
    return others, to
end

-- Makes lists of that reach, unless all that they name is more than half of what everyone would be told without.
local function make_for(self, rows, nodes, side, reach)
    local m, part, now, vec = self.manager, self.part, rows.now, "f32x" .. self.dimensions
    local mask <close> = masks_of_nodes(self, rows, nodes, reach)
    local send, counts = list_all(self, now, mask)
    if 2 * part:total(#send) > (part.ranks - 1) * now.n then
        send:close()
        return false
    end
    local receive = kernels.empty(m, "u32", now.n + part.ranks * self.points)
    local others, known = nodes_in(self, receive, part:exchange(send, receive, counts))
    self.lists = { send = send, receive = receive, counts = counts, out = buffer(m, vec, #send), into = buffer(m, vec, #receive),
        others = others, known = known, side = side, reach = reach, moved = 0, built = rows.built, position = nodes.position }
    return true
end

-- Makes lists for a while or, where these are too long, for a shorter one. Returns for how many steps they would not pay.
local function make(self, rows, nodes, side, far)
    local reach, before
    for _, steps in ipairs { LONG, SHORT } do
        reach = reach_for(self, side, far, steps)
        if reach and reach ~= before and make_for(self, rows, nodes, side, reach) then return 0 end
        before = reach
    end
    return reach == REACH and PAUSES[2] or PAUSES[1] -- slower nodes need less
end

local function exchange_listed(self)
    local of, run = self.lists, self.kernels
    self.told = #of.receive * of.into.type.size
    need(run.pack(#of.send, of.send, of.position, self.outlines, of.out))
    self.part:exchange(of.out, of.into, of.counts)
    need(run.unpack(#of.receive, of.receive, of.into, of.position, self.outlines))
end

-- Adds what nodes moved to what they had: is all listed that the next step asks for, in a box of this side? A coordinate is
-- rounded where a node moves, and once more where a grid begins.
local function still_hold(self, side, far, rounded)
    local of = self.lists
    of.moved = of.moved + far + rounded
    return ASKED * side + 2 * (of.moved + rounded) * self.grid.tiles.width <= of.reach * of.side
end

-- ---- Steps ---------------------------------------------------------------------------------------------------

-- Outlines to all and, by the lists that there are, positions. Returns the longest side of the box, how far a node moved, and
-- whether these lists still hold.
local function tell(self, rows, nodes)
    local of = self.lists
    local is_listed = of and of.built == rows.built and of.position == nodes.position
    if is_listed then exchange_listed(self)
    else self.part:reduce(self.outlines, "min", self.words * self.part.ranks) end
    local side, far, rounded = measure(self)
    return side, far + rounded, is_listed and still_hold(self, side, far, rounded)
end

-- Ranks may be of different devices.
local function may_pay(self, n)
    self.least = self.least or self.part:total(LEAST_NODES[self.manager:device().kind]) // self.part.ranks
    self.pause = math.max(0, self.pause - 1)
    return self.pause == 0 and self.part.ranks <= MOST and n >= self.least
end

--- Behind a step that moved the own ones of `nodes` (position, velocity, stress), the positions that other ranks ask for go to
--- them. false: all should be gathered, for that is hardly more, or lists do not last. Every rank returns the same.
function Halo:update(rows, nodes)
    if not may_pay(self, rows.now.n) then return false end
    if not self.lists then self.part:total(0) end -- nothing is under way then: loading a kernel may wait for the device
    find_outline(self, rows.now, nodes)
    local side, far, do_hold = tell(self, rows, nodes)
    self.steps = self.steps + 1
    if do_hold then return true end
    close_lists(self)
    self.pause = make(self, rows, nodes, side, far)
    if self.pause > 0 then return false end
    exchange_listed(self)
    return true
end

--- The numbers of other ranks' nodes whose positions this rank knows, and how many they are: { list, count }. nil: it knows all.
function Halo:others()
    local of = self.lists
    return of and { list = of.others, count = of.known }
end

--- Positions are all known, or no longer what they were. Where that is soon again, lists do not pay.
function Halo:forget()
    if self.lists and self.steps < SHORT then self.pause = PAUSES[1] end
    close_lists(self)
    self.steps = 0
end

--- Gives back what it took.
function Halo:close()
    close_lists(self)
    if self.edges then self.edges:close() end
    self.outlines:close()
    self.folded:close()
end

local halo = { least = LEAST_NODES }

--- Without lists. `of` is the grid whose tiles say what is near. told: how many bytes came by the last lists; nil: there were
--- none.
function halo.new(manager, dimensions, of)
    local part, words = of.part, WORDS[dimensions]
    return setmetatable({
        manager = manager, dimensions = dimensions, grid = of, part = part, words = words, points = words // dimensions,
        pause = 0, steps = 0, kernels = of:kernels_of "halo.cu",
        outlines = buffer(manager, "u32", words * part.ranks), folded = buffer(manager, "u32", BOX + 1),
    }, Halo)
end

return halo
