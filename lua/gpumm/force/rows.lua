-- SPDX-License-Identifier: MIT
-- A graph's neighbours on the device, in rows (CSR), made there from its edges. A rebuild happens beside the
-- rows in use, which are swapped for the new ones when those are complete.

local kernels = require "gpumm.force.kernels"

local need, buffer, starts = kernels.need, kernels.buffer, kernels.starts
local Rows = {}
Rows.__index = Rows

local function longest(self, n)
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
    local segments = buffer(self.manager, "u32", n, self.segments)
    self.segments = segments
    need(self.kernels.segment_counts(n, self.degree, segments))
    starts(self.manager, n, segments, made.segment)
    made.segment_count = need(made.segment:download(n + 1, 1))[1]
    made.segment_node = buffer(self.manager, "u32", math.max(1, made.segment_count), made.segment_node)
    made.segment_begin = buffer(self.manager, "u32", made.segment_count + 1, made.segment_begin)
    need(self.kernels.segments_of(n, made.row, made.segment, made.segment_node, made.segment_begin))
end

--- Makes the rows of n nodes and the first m edges; `from` and `to` count from `base`, and `weight` may be nil.
--- Until it returns the old rows are whole; then self.row, near, pull, segment… are the new ones.
function Rows:build(n, m, from, to, base, weight)
    local manager, run, made = self.manager, self.kernels, self.other
    local entries = math.max(1, 2 * m)
    self.degree = buffer(manager, "u32", n, self.degree)
    self.owner = buffer(manager, "u32", entries, self.owner)
    self.spare = buffer(manager, "u32", entries, self.spare)
    made.row = buffer(manager, "u32", n + 1, made.row)
    made.near = buffer(manager, "u32", entries, made.near)
    made.segment = buffer(manager, "u32", n + 1, made.segment)
    if weight then
        self.spare_pull = buffer(manager, "f32", entries, self.spare_pull)
        made.pull = buffer(manager, "f32", entries, made.pull)
    end
    need(self.degree:fill(0))
    if m > 0 then need(run.degrees(m, from, to, base, self.degree)) end
    local most = longest(self, n)
    starts(manager, n, self.degree, made.row)
    make_segments(self, made, n)
    if m > 0 then
        need(run.fill_rows(m, from, to, base, weight or false, made.row, self.degree, made.near, made.pull, self.owner))
        sort_rows(self, made, 2 * m, most)
    end
    made.n, made.m, made.most = n, m, most
    self.now, self.other, self.built = made, self.now, self.built + 1
    return made
end

local rows = {}

--- Rows without a graph yet. What a build made is in `rows.now`: row, near, pull (false without weights), segment,
--- segment_node, segment_begin, segment_count, n, m, most (the longest row). Who says that rows.lengths is true takes an edge's
--- pull for one over its length.
function rows.new(manager)
    return setmetatable({
        manager = manager, kernels = kernels.of(manager, "rows.cu"),
        built = 0, spare_pull = false, now = { pull = false }, other = { pull = false },
    }, Rows)
end

return rows
