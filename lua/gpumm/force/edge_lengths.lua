-- SPDX-License-Identifier: MIT
-- How long the edges of a layout are.

local kernels = require "gpumm.force.kernels"
local part = require "gpumm.force.part"

local need, buffer = kernels.need, kernels.buffer
local edge_lengths = {}

--- Sums over all edges of rows (force/rows), on every rank: of their lengths, and of the squares of these.
function edge_lengths.sums(manager, rows, dimensions, position)
    local run, now = kernels.of(manager, "edge_lengths.cu", kernels.dimension(dimensions)), rows.now
    local sum, squares = part.sums(manager, rows, 2, function(chunks, chunk, out)
        local of_segments <close> = buffer(manager, "f64x2", math.max(1, now.segment_count))
        if now.segment_count > 0 then
            need(run.by_segment(now.segment_count, now.segment_node, now.segment_begin, now.near, position, of_segments))
        end
        return run.by_chunk(chunks, chunk, now.count, now.first, now.segment, of_segments, out)
    end)
    return sum, squares
end

return edge_lengths
