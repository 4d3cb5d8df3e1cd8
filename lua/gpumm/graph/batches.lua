-- SPDX-License-Identifier: MIT
-- A graph piece by piece, as raw columns for the buffers of a group.

local chance = require "gpumm.common.chance"
local edges_by_last_node = require "gpumm.graph.order"
local packed = require "gpumm.common.packed"

local methods = {}

local sqrt, unit = math.sqrt, chance.unit

--- The edges whose ends are both among the first `limit` nodes (all, without it) as pairs of u32 that
--- count from 0, in one raw string; and how many they are.
function methods:ends(limit)
    local from, to, values, count = self.from, self.to, {}, 0
    limit = limit or self.nodes
    for e = 1, #from do
        if from[e] <= limit and to[e] <= limit then
            count = count + 1
            values[2 * count - 1], values[2 * count] = from[e] - 1, to[e] - 1
        end
    end
    return packed("I4", values, 2 * count), count
end

local GOLDEN_ANGLE = math.pi * (3 - sqrt(5))

-- A seat in a sunflower's disc, one unit of space a node: where a node without placed neighbours goes.
local function seat(i)
    local radius, angle = sqrt(i - 0.5), i * GOLDEN_ANGLE
    return radius * math.cos(angle), radius * math.sin(angle)
end

-- Beside the middle of the neighbours that are placed; hashed, so that no two start on one spot.
local function seat_near(i, near, first, px, py, placed)
    local x, y, count = 0, 0, 0
    for k = first[i], first[i + 1] - 1 do
        local j = near[k]
        if j <= placed then x, y, count = x + px[j], y + py[j], count + 1 end
    end
    if count == 0 then return seat(i) end
    local angle, radius = 2 * math.pi * unit(i), 0.5 + unit(-i)
    return x / count + radius * math.cos(angle), y / count + radius * math.sin(angle)
end

local function refresh(px, py, positions, placed)
    for j = 1, math.min(#positions, placed) do px[j], py[j] = positions:get(j) end
end

local function place(self, state, start, stop)
    local near, first = self:neighbours()
    local px, py = state.px, state.py
    for i = start, stop do
        if start == 1 then
            px[i], py[i] = seat(i)
        else -- those of the same batch count once they sit: i - 1 of them do
            px[i], py[i] = seat_near(i, near, first, px, py, i - 1)
        end
    end
end

local function node_columns(self, state, start, stop)
    local degree, xy, mass = self:degrees(), {}, {}
    for i = start, stop do
        local k = i - start + 1
        xy[2 * k - 1], xy[2 * k], mass[k] = state.px[i], state.py[i], 1 + degree[i]
    end
    return {
        position = packed("f", xy, 2 * (stop - start + 1)),
        mass = packed("f", mass, stop - start + 1),
    }
end

local function edge_columns(self, state, start, stop)
    local order, first = state.order, state.first
    local ends, weights, count = {}, {}, 0
    for k = first[start], first[stop + 1] - 1 do
        local e = order[k]
        count = count + 1
        ends[2 * count - 1], ends[2 * count] = self.from[e] - 1, self.to[e] - 1
        weights[count] = self.weights and self.weights[e]
    end
    return { ends = packed("I4", ends, 2 * count) }, count,
        self.weights and packed("f", weights, count) or nil
end

--- A function that hands out the graph `n` nodes at a time (0: all at once), in the order of first
--- appearance, and nil at the end. A batch is { nodes = columns, edges = columns, node_count,
--- edge_count, weights }: columns are raw strings by member name, ready for a group's `append`. An
--- edge comes with the later of its ends. Given a view of the positions so far, new nodes start
--- beside where their neighbours are now; otherwise beside where those started.
function methods:batches(n)
    n = math.tointeger(n or 0)
    if not n or n < 0 then error("batches needs how many nodes at a time, 0 for all", 2) end
    local size = n == 0 and self.nodes or n
    local state = { px = {}, py = {} }
    state.order, state.first = edges_by_last_node(self)
    local placed = 0
    return function(positions)
        if placed == self.nodes then return nil end
        local start, stop = placed + 1, math.min(placed + size, self.nodes)
        if positions then refresh(state.px, state.py, positions, placed) end
        place(self, state, start, stop)
        local edges, edge_count, weights = edge_columns(self, state, start, stop)
        placed = stop
        return {
            nodes = node_columns(self, state, start, stop), node_count = stop - start + 1,
            edges = edges, edge_count = edge_count, weights = weights,
        }
    end
end

return methods
