-- SPDX-License-Identifier: MIT
-- Packs components side by side, in the proportions of a picture: the largest in the middle, the others where there is room
-- nearest to it. In the plane what is longer one way than the other is turned to lie flat.

local gpumm = require "gpumm"
local kernels = require "gpumm.force.kernels"
local native = require "gpumm.layout.native"

local need, buffer = kernels.need, kernels.buffer
local packing = {}

local ASPECT = 4 / 3 -- a picture's width over its height

-- Which of the lists each node is in; nil: they are one.
local function groups_of(lists, n)
    local groups = {}
    for i = 1, n do groups[i] = 0 end
    for k, list in ipairs(lists or {}) do
        for _, i in ipairs(list) do groups[i + 1] = k - 1 end
    end
    return groups
end

--- Moves the components, lists of nodes from 0 with the largest first, to where they do not overlap; without lists, turns the
--- whole. task: { manager, rows, n, dimensions, position, radii = a buffer or nil, alike = true: components
--- whose edges are shorter than others' are enlarged }.
function packing.pack(task, lists)
    local manager, now, n = task.manager, task.rows.now, task.n
    local groups = gpumm.view("u32", groups_of(lists, n))
    local row, near = task.rows.part:adjacency(now)
    local by = native.packed(need(task.position:download(1, n)), groups, lists and #lists or 1, row, near,
        task.radii and need(task.radii:download(1, n)) or nil, ASPECT, task.dimensions == 2, task.alike)
    local group <close> = buffer(manager, "u32", n)
    local moves <close> = buffer(manager, "f32", #by)
    need(group:upload(groups))
    need(moves:upload(by))
    need(kernels.of(manager, "packing.cu", kernels.dimension(task.dimensions)).settle(n, group, moves, task.position))
end

return packing
