-- SPDX-License-Identifier: MIT
-- Every edge to the ranks that own its ends, in the order in which they are here. Blocks of nodes are such that all ranks have
-- about the same work.

local gpumm = require "gpumm"
local chunk_of = require "gpumm.force.part".chunk
local kernels = require "gpumm.force.kernels"
local search = require "gpumm.world.search"

local need, buffer = kernels.need, kernels.buffer
local deal = {}

local MOST = 1 << 31 -- edges that a rank has at most
local NODE = 23 -- what a node costs, in ends of edges: about that, in time as in memory

--- A buffer of its own with these values; where there are none, of one element.
function deal.uploaded(manager, type, values)
    local b = buffer(manager, type, math.max(1, #values))
    if #values > 0 then need(b:upload(values)) end
    return b
end

-- Where the blocks begin, by the degrees of the whole graph.
local function blocks_of(world, manager, n, m, from, to)
    local degree <close> = buffer(manager, "u32", n)
    local row <close> = buffer(manager, "u32", n + 1)
    need(degree:fill(0))
    if m > 0 then need(kernels.of(manager, "rows.cu").degrees(m, from, to, 1, 0, n, degree)) end
    need(world.allreduce { from = degree, op = "sum", count = n })
    kernels.starts(manager, n, degree, row)
    return world.blocks(need(row:download(1, n + 1)), NODE, (chunk_of(n)))
end

-- Our edges in the order of those who get them: where each one comes from, and how many everyone gets.
local function sorted(world, manager, m, from, to, blocks)
    local counts, size = {}, world.size
    for r = 1, size do counts[r] = 0 end
    if m == 0 then return nil, counts end
    local owner <close> = buffer(manager, "u32", 2 * m)
    local bound <close> = deal.uploaded(manager, "u32", table.move(blocks, 1, size, 1, {}))
    local count <close> = buffer(manager, "u32", size + 1)
    local entry = buffer(manager, "u32", 2 * m)
    need(search.kernels(manager).owners(m, from, to, size, bound, owner, entry))
    need(manager:sort { keys = owner, values = entry, n = 2 * m })
    need(manager:histogram { from = owner, to = count, n = 2 * m })
    local view = need(count:download())
    for r = 1, size do counts[r] = view[r] end
    return entry, counts
end

-- One column's values to their owners; what came, as a view.
local function exchanged(world, manager, kind, values, counts)
    local to <close> = kernels.empty(manager, kind, MOST)
    local total = 0
    for _, count in ipairs(need(world.exchange { from = values, to = to, counts = counts })) do total = total + count end
    return total > 0 and need(to:download(1, total)) or gpumm.view(kind, 0)
end

--- The edges of which each rank has some, { nodes, m, from, to, weight } with buffers of u32 and f64: what comes here, as views,
--- and the blocks.
function deal.edges(world, manager, edges)
    local m, from, to, weight, send, came = edges.m, edges.from, edges.to, edges.weight, 0, {}
    local blocks = blocks_of(world, manager, edges.nodes, m, from, to)
    local entry, counts = sorted(world, manager, m, from, to, blocks)
    for _, count in ipairs(counts) do send = send + count end
    local room = math.max(1, send)
    local out_from <close> = buffer(manager, "u32", room)
    local out_to <close> = buffer(manager, "u32", room)
    local out_weight = weight and buffer(manager, "f64", room) or false
    if send > 0 then need(search.kernels(manager).deal(send, entry, from, to, weight, out_from, out_to, out_weight)) end
    came.from = exchanged(world, manager, "u32", out_from, counts)
    came.to = exchanged(world, manager, "u32", out_to, counts)
    if weight then came.weight = exchanged(world, manager, "f64", out_weight, counts) end
    for _, b in ipairs { entry or out_from, out_weight or out_from } do b:close() end
    return came, blocks
end

--- The same of views { nodes, from, to, weight }.
function deal.views(world, manager, edges)
    local from <close> = deal.uploaded(manager, "u32", edges.from)
    local to <close> = deal.uploaded(manager, "u32", edges.to)
    local weight = edges.weight and deal.uploaded(manager, "f64", edges.weight) or false
    local came, blocks = deal.edges(world, manager,
        { nodes = edges.nodes, m = #edges.from, from = from, to = to, weight = weight })
    if weight then weight:close() end
    return came, blocks
end

return deal
