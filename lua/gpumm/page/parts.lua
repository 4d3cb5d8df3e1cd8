-- SPDX-License-Identifier: MIT
-- Parts of pages: the style and the drawing, which any page can use, and what this one does with it.

local gpumm = require "gpumm"

local parts = {}

local DRAWING = { "webgl", "canvas", "draw", "hands" }
local PROGRAM = { "data", "measure", "show" }

local function joined(names)
    local list = {}
    for k, name in ipairs(names) do list[k] = gpumm.resource("gpumm/page/" .. name .. ".js") end
    return table.concat(list, "\n")
end

--- The drawing: gpummDrawing(canvas, options) and gpummHands(canvas, drawing, on), as draw.js and hands.js say.
function parts.drawing() return joined(DRAWING) end

--- What a page with a drawing looks like; it says itself what the colors of :root are.
function parts.style() return gpumm.resource "gpumm/page/style.css" end

--- The program of a page that gpumm.page wrote.
function parts.program() return joined(PROGRAM) end

return parts
