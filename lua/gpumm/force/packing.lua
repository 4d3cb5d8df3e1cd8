-- SPDX-License-Identifier: MIT
-- Packs components side by side, in the proportions of a picture: the largest in the middle, the others where there is room
-- nearest to it. In the plane what is longer one way than the other is turned to lie flat.

local gpumm = require "gpumm"
local kernels = require "gpumm.force.kernels"
local native = require "gpumm.layout.native"
local part = require "gpumm.force.part"

local need, buffer = kernels.need, kernels.buffer
local packing = {}

local ASPECT = 4 / 3 -- a picture's width over its height

--- Moves the components, as native.members lists them, to where they do not overlap; without lists, turns the whole. task:
--- { manager, rows, n, dimensions, position, radii = a buffer or nil, alike = true: components whose edges are shorter than
--- others' are enlarged }.
function packing.pack(task, lists)
    local manager, n = task.manager, task.n
    local groups = lists and lists.number or gpumm.view("u32", n)
    local row, near = part.adjacency_of(task)
    local by = native.packed(need(task.position:download(1, n)), groups, lists and #lists or 1, row, near,
        task.radii and need(task.radii:download(1, n)) or nil, ASPECT, task.dimensions == 2, task.alike)
    local group <close> = buffer(manager, "u32", n)
    local moves <close> = buffer(manager, "f32", #by)
    need(group:upload(groups))
    need(moves:upload(by))
    need(kernels.of(manager, "packing.cu", kernels.dimension(task.dimensions)).settle(n, group, moves, task.position))
end

return packing
