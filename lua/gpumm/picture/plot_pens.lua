-- SPDX-License-Identifier: MIT
-- What a plot is drawn by, by the ending of its file: SVG as text, which needs no library, PNG and PDF by a native pen. Styles
-- are words, the same for each:
--
--     local pen <close> = pens.svg(path, width, height)
--     pen:box(x, y, width, height, "#5b8ff9")             pen:text(x, y, text, "name", "end")    -- "start", "middle", "end"
--     pen:line(x1, y1, x2, y2, "grid")                    pen:dot(x, y, radius, "#d1242f")
--     pen:areas(names, colors, tops, x, bottom)           pen:commit()                           -- the file is there now
--
-- areas: one above the other, from the lowest; tops[k][i] is the upper rim of the k-th in the i-th column, one pixel wide.

local gpumm = require "gpumm"
local native = require "gpumm.layout.native"
local palette = require "gpumm.picture.palette"

local TEXTS = { -- size, weight in SVG, color
    plain = { 12, 400, "#30363d" }, title = { 15, 600, "#30363d" }, name = { 12, 600, "#30363d" }, mark = { 11, 400, "#57606a" },
}
local LINES = { -- width, color, opacity, dash, gap
    grid = { 1, "#d0d7de", 1 }, axis = { 1, "#57606a", 1 }, growth = { 1, "#30363d", 0.55, 2, 3 },
    limit = { 1.5, "#d1242f", 1, 6, 4 },
}

local pens = {}

local function need(value, message)
    if not value then error(message, 0) end
    return value
end

-- ---- SVG -------------------------------------------------------------------------------------

local Svg = {}
Svg.__index = Svg

local function keys_in_order(t)
    local keys = {}
    for key in pairs(t) do keys[#keys + 1] = key end
    table.sort(keys)
    return keys
end

local function style_sheet()
    local rules = { "text{font-family:sans-serif}" }
    for _, name in ipairs(keys_in_order(TEXTS)) do
        local t = TEXTS[name]
        rules[#rules + 1] = ("text.%s{font-size:%dpx;font-weight:%d;fill:%s}"):format(name, t[1], t[2], t[3])
    end
    for _, name in ipairs(keys_in_order(LINES)) do
        local l = LINES[name]
        rules[#rules + 1] = ("line.%s{stroke:%s;stroke-width:%g;opacity:%g%s}"):format(name, l[2], l[1], l[3],
            l[4] and (";stroke-dasharray:%d %d"):format(l[4], l[5]) or "")
    end
    return "<style>" .. table.concat(rules, "\n") .. "</style>"
end

function pens.svg(path, width, height)
    local out = need(native.output(path))
    local pen = setmetatable({ out = out }, Svg)
    pen:put('<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d">', width, height, width, height)
    out:write(style_sheet(), "\n")
    return pen
end

function Svg:put(format, ...) self.out:write(format:format(...), "\n") end

function Svg:box(x, y, width, height, color)
    self:put('<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s"/>', x, y, width, height, color)
end

function Svg:line(x1, y1, x2, y2, style)
    self:put('<line class="%s" x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f"/>', style, x1, y1, x2, y2)
end

function Svg:dot(x, y, radius, color)
    self:put('<circle cx="%.1f" cy="%.1f" r="%.1f" fill="%s" stroke="#ffffff" stroke-width="1.5"/>', x, y, radius, color)
end

function Svg:text(x, y, text, style, anchor)
    local out = self.out
    out:write(('<text class="%s" x="%.1f" y="%.1f" text-anchor="%s">'):format(style, x, y, anchor))
    out:xml(text)
    out:write "</text>\n"
end

-- Columns are flat: two points each, one where the next is as high.
local function rim(x, ys)
    local points = {}
    for i, y in ipairs(ys) do
        if y ~= ys[i - 1] then points[#points + 1] = ("%.1f,%.1f"):format(x + i - 1, y) end
        if y ~= ys[i + 1] then points[#points + 1] = ("%.1f,%.1f"):format(x + i, y) end
    end
    return points
end

local function reversed(list)
    local back = {}
    for i = #list, 1, -1 do back[#back + 1] = list[i] end
    return back
end

function Svg:areas(names, colors, tops, x, bottom)
    local floor = { ("%.1f,%.1f"):format(x, bottom), ("%.1f,%.1f"):format(x + #(tops[1] or ""), bottom) }
    for k, ys in ipairs(tops) do
        local top = rim(x, ys)
        self:put('<polygon class="%s" fill="%s" points="%s %s"/>', names[k], colors[k], table.concat(top, " "),
            table.concat(reversed(floor), " "))
        floor = top
    end
end

function Svg:commit()
    self.out:write "</svg>\n"
    need(self.out:commit())
end

function Svg:__close() local _ <close> = self.out end

-- ---- Pixels and PDF ----------------------------------------------------------------------------

local Native = {}
Native.__index = Native

local function native_pen(pen, commit)
    pen:halo(0, 0, 0, 0)
    return setmetatable({ pen = pen, commit = commit }, Native)
end

function pens.png(path, width, height)
    local pen = native.pen_pixels(width, height)
    return native_pen(pen, function()
        need(gpumm.image.write(path, pen:over(gpumm.view("u8x4", width * height)), width, height))
    end)
end

function pens.pdf(path, width, height)
    local pen = need(native.pen_pdf(path, width, height))
    return native_pen(pen, function() need(pen:commit()) end)
end

function Native:color(color, alpha)
    local rgb = palette.parse(color)
    self.pen:color(rgb[1], rgb[2], rgb[3], alpha or 1)
end

function Native:box(x, y, width, height, color)
    self:color(color)
    self.pen:box(x, y, width, height)
end

-- Of a dash and a gap, as many as there is room for; without them one.
local function each_dash(length, dash, gap, put)
    local from = 0
    while from < length do
        local to = dash and math.min(from + dash, length) or length
        put(from, to)
        from = to + (gap or 0)
    end
end

function Native:line(x1, y1, x2, y2, style)
    local width, color, alpha, dash, gap = table.unpack(LINES[style])
    local dx, dy = x2 - x1, y2 - y1
    local length = math.sqrt(dx * dx + dy * dy)
    self:color(color, alpha)
    each_dash(length, dash, gap, function(from, to)
        from, to = from / length, to / length
        self.pen:line(x1 + from * dx, y1 + from * dy, x1 + to * dx, y1 + to * dy, width)
    end)
end

function Native:dot(x, y, radius, color)
    self:color "#ffffff"
    self.pen:disc(x, y, radius + 0.75)
    self:color(color)
    self.pen:disc(x, y, radius - 0.75)
end

local BEFORE = { start = 0, middle = 0.5, ["end"] = 1 } -- the part of a text that is left of where it is put

function Native:text(x, y, text, style, anchor)
    local size, _, color = table.unpack(TEXTS[style])
    local width = self.pen:measure(text, size)
    self:color(color)
    self.pen:text(x - BEFORE[anchor] * width, y, text, size)
end

-- The highest first and each down to the bottom, so that nothing shines through between two.
function Native:areas(_, colors, tops, x, bottom)
    for k = #tops, 1, -1 do
        self:color(colors[k])
        local first = 1
        for i, y in ipairs(tops[k]) do
            if y ~= tops[k][i + 1] then
                self.pen:box(x + first - 1, y, i - first + 1, bottom - y)
                first = i + 1
            end
        end
    end
end

function Native:__close() local _ <close> = self.pen end

return pens
