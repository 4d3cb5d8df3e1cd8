-- SPDX-License-Identifier: MIT
-- A graph's neighbours on the device, in rows (CSR), made there from its edges. A rebuild happens beside the
-- rows in use, which are swapped for the new ones when those are complete.

local kernels = require "gpumm.force.kernels"
local part = require "gpumm.force.part"
local settings = require "gpumm.force.settings"

local need, buffer, starts = kernels.need, kernels.buffer, kernels.starts
local Rows = {}
Rows.__index = Rows

local function longest(self, n)
    if n == 0 then return 0 end
    self.longest = buffer(self.manager, "u32", 1, self.longest)
    need(self.manager:reduce { from = self.degree, to = self.longest, op = "max", n = n })
    return need(self.longest:download())[1]
end

-- Runs of one entry are sorted; merging doubles them until the longest row is one run.
local function sort_rows(self, made, entries, most)
    local spare, spare_pull = self.spare, self.spare_pull
    local width = 1
    while width < most do
        need(self.kernels.merge(entries, width, made.row, self.owner, made.near, made.pull, spare, spare_pull))
        made.near, spare = spare, made.near
        made.pull, spare_pull = spare_pull, made.pull
        width = 2 * width
    end
    self.spare, self.spare_pull = spare, spare_pull
end

local function make_segments(self, made, n)
    local segments = buffer(self.manager, "u32", math.max(1, n), self.segments)
    self.segments = segments
    if n > 0 then need(self.kernels.segment_counts(n, self.degree, segments)) end
    starts(self.manager, n, segments, made.segment)
    made.segment_count = need(made.segment:download(n + 1, 1))[1]
    made.segment_node = buffer(self.manager, "u32", math.max(1, made.segment_count), made.segment_node)
    made.segment_begin = buffer(self.manager, "u32", made.segment_count + 1, made.segment_begin)
    if n > 0 then
        need(self.kernels.segments_of(n, made.first, made.row, made.segment, made.segment_node, made.segment_begin))
    end
end

-- How many entries the rows have, of which `made` has the beginnings.
local function entries_of(self, made, m)
    if self.part.is_whole then return 2 * m end
    return need(made.row:download(made.count + 1, 1))[1]
end

local function fit_entries(self, made, entries, weight)
    local manager, room = self.manager, math.max(1, entries)
    self.owner = buffer(manager, "u32", room, self.owner)
    self.spare = buffer(manager, "u32", room, self.spare)
    made.near = buffer(manager, "u32", room, made.near)
    if weight then
        self.spare_pull = buffer(manager, "f32", room, self.spare_pull)
        made.pull = buffer(manager, "f32", room, made.pull)
    end
end

--- Makes the rows of n nodes and the first m edges; `from` and `to` count from `base`, and `weight` may be nil.
--- Until it returns the old rows are whole; then self.row, near, pull, segment… are the new ones. Of a part, the rows are those
--- of its own nodes, and edges those that have an end there.
function Rows:build(n, m, from, to, base, weight)
    local manager, run, made = self.manager, self.kernels, self.other
    local first, count = self.part:block(n)
    made.first, made.count = first, count
    self.degree = buffer(manager, "u32", math.max(1, count), self.degree)
    made.row = buffer(manager, "u32", count + 1, made.row)
    made.segment = buffer(manager, "u32", count + 1, made.segment)
    need(self.degree:fill(0))
    if m > 0 then need(run.degrees(m, from, to, base, first, count, self.degree)) end
    local most = longest(self, count)
    starts(manager, count, self.degree, made.row)
    make_segments(self, made, count)
    local entries = entries_of(self, made, m)
    fit_entries(self, made, entries, weight)
    if entries > 0 then
        need(run.fill_rows(m, from, to, base, first, count, weight or false, made.row, self.degree, made.near, made.pull,
            self.owner))
        sort_rows(self, made, entries, most)
    end
    made.n, made.m, made.most, made.entries = n, self.part:total(entries) // 2, most, entries
    self.now, self.other, self.built = made, self.now, self.built + 1
    return made
end

--- Gives all of its buffers back.
function Rows:close()
    for _, all in ipairs { self, self.now, self.other } do
        for _, of in pairs(all) do
            if settings.is_buffer(of) then of:close() end
        end
    end
end

local rows = {}

--- Rows without a graph yet. What a build made is in `rows.now`: row, near, pull (false without weights), segment,
--- segment_node, segment_begin, segment_count, n, m (of all), most (the longest row), entries, and first and count: the nodes
--- that have rows here. `of` is a part that says which; nil: all. Who says that rows.lengths is true takes an edge's pull for one
--- over its length.
function rows.new(manager, of)
    return setmetatable({
        manager = manager, part = of or part.whole, kernels = kernels.of(manager, "rows.cu"),
        built = 0, spare_pull = false, now = { pull = false }, other = { pull = false },
    }, Rows)
end

return rows
