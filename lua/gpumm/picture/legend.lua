-- SPDX-License-Identifier: MIT
-- What colors mean, in a corner of a picture: kinds with how many there are, or the scale from cold to warm.

local native = require "gpumm.layout.native"
local palette = require "gpumm.picture.palette"
local words = require "gpumm.picture.words"

local legend = {}

local MOST = 16          -- kinds that are named
local LONGEST = 32       -- characters
local STEPS = 16         -- of the scale

local function kinds(of, lines, room)
    local items = of.items
    local shown = math.min(#items, MOST, #items <= room and room or room - 1)
    for k = 1, shown do
        local item = items[k]
        lines[#lines + 1] = { text = ("%s (%d)"):format(words.short(item.label, LONGEST), item.count), color = item.color }
    end
    if shown < #items then lines[#lines + 1] = { text = ("and %d more"):format(#items - shown) } end
    return shown > 0
end

local function range(of, lines)
    if of.low > of.high then return false end
    local colors = {}
    for k = 0, STEPS do table.move({ palette.warm(k / STEPS) }, 1, 3, #colors + 1, colors) end
    lines[#lines + 1] = { text = words.number(of.high), scale = colors }
    if of.logarithmic then lines[#lines + 1] = { text = "(logarithmic)" } else lines[#lines + 1] = { text = "" } end
    lines[#lines + 1] = { text = words.number(of.low) }
    if of.missing and of.missing > 0 then
        lines[#lines + 1] = { text = ("none (%d)"):format(of.missing), color = palette.grey }
    end
    return true
end

--- What is drawn where: { box = { x0, y0, x1, y1 }, lines, size, … }; nil where there is nothing to say, or no room.
function legend.layout(scene, title, pen)
    local of = scene.legend
    if not of then return nil end
    local size = math.max(10, math.min(scene.width, scene.height) / 80)
    local step, pad, lines = 1.5 * size, 0.7 * size, {}
    title = title or of.title
    if title then lines[1] = { text = words.short(title, LONGEST) } end
    local room = math.floor((0.9 * scene.height - 2 * pad) / step) - #lines
    local fits = room >= 2 and (of.kind == "kinds" and kinds or range)(of, lines, room)
    local wide = 0
    for _, line in ipairs(lines) do wide = math.max(wide, (pen:measure(line.text, size))) end
    local width, height = wide + 1.6 * size + 2 * pad, #lines * step + 2 * pad
    if not fits or #lines > room + 1 or width > scene.width then
        native.say "picture: there is no room for a legend"
        return nil
    end
    local x, y = pad, scene.height - pad - height
    return { box = { x, y, x + width, y + height }, lines = lines, size = size, step = step, pad = pad, titled = title ~= nil }
end

--- Draws it. A pen has color, box, shade and text.
function legend.draw(made, scene, pen, ink)
    local x0, y0, x1, y1 = table.unpack(made.box)
    local back, size = scene.background, made.size
    pen:color(back[1], back[2], back[3], 0.8)
    pen:box(x0, y0, x1 - x0, y1 - y0)
    for k, line in ipairs(made.lines) do
        local left, top = x0 + made.pad, y0 + made.pad + (k - 1) * made.step
        if line.color then
            pen:color(line.color[1], line.color[2], line.color[3], 1)
            pen:box(left, top + 0.15 * size, size, size)
        elseif line.scale then
            pen:shade(left, top, size, 3 * made.step - 0.3 * size, line.scale)
        end
        pen:color(ink[1], ink[2], ink[3], 1)
        local indent = (made.titled and k == 1) and 0 or 1.6 * size
        if line.text ~= "" then pen:text(left + indent, top + 1.05 * size, line.text, size) end
    end
end

return legend
