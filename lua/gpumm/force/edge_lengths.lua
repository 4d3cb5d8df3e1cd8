-- SPDX-License-Identifier: MIT
-- How long the edges of a layout are.

local kernels = require "gpumm.force.kernels"
local part = require "gpumm.force.part"

local need, buffer = kernels.need, kernels.buffer
local edge_lengths = {}

--- Sums over all edges of rows (force/rows), on every rank: of their lengths, and of the squares of these.
function edge_lengths.sums(manager, rows, dimensions, position)
    local run = kernels.of(manager, "edge_lengths.cu", kernels.dimension(dimensions))
    local now = rows.now
    local chunk, chunks = part.chunk(now.n)
    local out <close> = buffer(manager, "f64x2", chunks)
    if now.count > 0 then
        local of_segments <close> = buffer(manager, "f64x2", math.max(1, now.segment_count))
        if now.segment_count > 0 then
            need(run.by_segment(now.segment_count, now.segment_node, now.segment_begin, now.near, position, of_segments))
        end
        need(run.by_chunk((now.count + chunk - 1) // chunk, chunk, now.count, now.first, now.segment, of_segments, out))
    end
    rows.part:gather(out, now.n, chunk)
    local sum, squares = 0, 0
    for _, a, b in need(out:download()):each() do sum, squares = sum + a, squares + b end
    return sum, squares
end

return edge_lengths
