-- SPDX-License-Identifier: MIT
-- Names beside the largest nodes. No two overlap: what has no room is left out.

local native = require "gpumm.layout.native"
local words = require "gpumm.picture.words"

local labels = {}

local LONGEST = 48 -- characters
local ROW = 24     -- pixels: boxes are looked up by rows

-- Where a label may lie around its node, best first: how far right and down, in halves of its box and radii.
local SIDES = { { 1, 0 }, { -1, 0 }, { 0, -1 }, { 0, 1 }, { 1, -1 }, { -1, -1 }, { 1, 1 }, { -1, 1 } }

-- ---- What is taken ------------------------------------------------------------------------------------------

local Taken = {}
Taken.__index = Taken

local function rows_of(y0, y1) return math.floor(y0 / ROW), math.floor(y1 / ROW) end

function Taken:add(box)
    local first, last = rows_of(box[2], box[4])
    for row = first, last do
        self[row] = self[row] or {}
        table.insert(self[row], box)
    end
end

function Taken:is_free(x0, y0, x1, y1, node)
    local first, last = rows_of(y0, y1)
    for row = first, last do
        for _, box in ipairs(self[row] or {}) do
            local other = not node or box.node ~= node
            if other and x0 < box[3] and box[1] < x1 and y0 < box[4] and box[2] < y1 then return false end
        end
    end
    return true
end

local function taken() return setmetatable({}, Taken) end

-- ---- Which nodes ----------------------------------------------------------------------------------------------

-- The `most` largest, the largest first; of equal ones those that come first.
local function largest(sizes, count, most)
    local sorted, chosen = table.move(sizes, 1, count, 1, {}), {}
    table.sort(sorted)
    local least = sorted[math.max(1, count - most + 1)]
    for i = 1, count do
        if sizes[i] >= least then chosen[#chosen + 1] = i end
    end
    table.sort(chosen, function(a, b)
        if sizes[a] ~= sizes[b] then return sizes[a] > sizes[b] end
        return a < b
    end)
    return table.move(chosen, 1, math.min(most, #chosen), 1, {})
end

-- ---- Where ------------------------------------------------------------------------------------------------------

local function box_at(x, y, radius, width, height, side)
    local gap = side[1] ~= 0 and side[2] ~= 0 and 0.7 * radius + 2 or radius + 3
    local cx, cy = x + side[1] * (gap + width / 2), y + side[2] * (gap + height / 2)
    return cx - width / 2, cy - height / 2, cx + width / 2, cy + height / 2
end

-- First where neither a label nor a large node lies, then where no label does.
local function find(scene, node, width, height, names, nodes)
    local x, y = scene.places:get(node)
    for _, also in ipairs { nodes, names } do
        for _, side in ipairs(SIDES) do
            local x0, y0, x1, y1 = box_at(x, y, scene.radius[node], width, height, side)
            local inside = x0 >= 2 and y0 >= 2 and x1 <= scene.width - 2 and y1 <= scene.height - 2
            if inside and names:is_free(x0, y0, x1, y1) and also:is_free(x0, y0, x1, y1, node) then return x0, y0, x1, y1 end
        end
    end
end

local function font_size(scene) return math.max(9, math.min(scene.width, scene.height) / 75) end

local function discs(scene, chosen)
    local boxes = taken()
    for _, node in ipairs(chosen) do
        local x, y = scene.places:get(node)
        local r = scene.radius[node]
        boxes:add { x - r, y - r, x + r, y + r, node = node }
    end
    return boxes
end

--- Labels for up to `most` nodes: a list of { x, baseline, text, size, width, node }. `pen` measures; `legend` is the box
--- { x0, y0, x1, y1 } of a legend, or nil.
function labels.place(scene, names, most, pen, legend)
    local chosen, size, list = largest(scene.sizes, scene.count, math.min(most, scene.count)), font_size(scene), {}
    local others, nodes = taken(), discs(scene, chosen)
    if legend then others:add(legend) end
    for _, node in ipairs(chosen) do
        local text = words.short(names[node] or "", LONGEST)
        if text:find "%S" then
            local width, height, baseline = pen:measure(text, size)
            local x0, y0, x1, y1 = find(scene, node, width, height, others, nodes)
            if x0 then
                others:add { x0, y0, x1, y1 }
                list[#list + 1] = { x = x0, baseline = y0 + baseline, text = text, size = size, width = width, node = node }
            end
        end
    end
    if #list < #chosen then native.say(("picture: %d of %d labels have room"):format(#list, #chosen)) end
    return list
end

return labels
