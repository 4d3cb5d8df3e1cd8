-- SPDX-License-Identifier: MIT
-- Heat around what was changed: from a node to its neighbours it falls to a part, and some edges away there is none. How hot
-- the hottest is, and how that cools, is the caller's.
--
--     local heat = spreading.new(manager)
--     heat:add(rows, node, count, share, scale)   -- of what was there `scale` is left; these nodes have `share`
--     heat.of                                     -- a buffer of f32, one for each node; the same one always

local kernels = require "gpumm.force.kernels"

local need = kernels.need
local Heat = {}
Heat.__index = Heat

local PART, LEAST = 0.5, 0.01 -- of a node's heat that its neighbours have; less than that is none
local SWEEPS = 8              -- until none is left; even, so that it ends where it began

--- Makes it as long as there are nodes. New ones have none.
function Heat:fit(n)
    need(self.of:resize(n))
    need(self.spare:resize(n))
end

function Heat:add(rows, node, count, share, scale)
    local now, run = rows.now, self.kernels
    self:fit(now.n)
    local from, to = self.of, self.spare
    need(run.fade(now.n, from, scale, LEAST, from))
    need(from:fill(share, node, count))
    for _ = 1, SWEEPS do
        need(run.fade(now.n, from, 1, 0, to))
        if now.segment_count > 0 then
            need(run.spread(now.segment_count, now.segment_node, now.segment_begin, now.near, PART, LEAST, from, to))
        end
        rows.part:gather(to, now.n)
        from, to = to, from
    end
end

local heat = {}

function heat.new(manager)
    local function column() return need(manager:buffer { type = "f32", length = 0, max_length = 1 << 31 }) end
    return setmetatable({ kernels = kernels.of(manager, "heat.cu"), of = column(), spare = column() }, Heat)
end

return heat
