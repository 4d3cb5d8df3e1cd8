-- SPDX-License-Identifier: MIT
-- Pictures as SVG, in which a node is a circle, an edge a line and a label a text, so that any program can change it.

local native = require "gpumm.layout.native"
local vector = require "gpumm.picture.vector"
local words = require "gpumm.picture.words"

local svg = {}

local FONT = "DejaVu Sans, Verdana, sans-serif" -- what "sans" mostly is where the text was measured
local NAMED = 20000 -- nodes, up to which every one has its name as a tooltip

local Pen = {}
Pen.__index = Pen

local function hex(r, g, b)
    local function byte(c) return math.floor(math.max(0, math.min(c, 1)) * 255 + 0.5) end
    return ("#%02x%02x%02x"):format(byte(r), byte(g), byte(b))
end

-- Hundredths of a pixel are enough; text does not depend on the locale.
local function short(value)
    local whole = math.floor(value * 100 + 0.5)
    local sign = whole < 0 and "-" or ""
    whole = math.abs(whole)
    local rest = whole % 100
    if rest == 0 then return ("%s%d"):format(sign, whole // 100) end
    return (("%s%d.%02d"):format(sign, whole // 100, rest):gsub("0$", ""))
end

-- open(out, "line", "x1", 3, …) writes <line x1="3" …
local function open(out, element, ...) -- element "": more attributes
    if element ~= "" then out:write("<", element) end
    for k = 1, select("#", ...), 2 do
        local name, value = select(k, ...)
        out:write(" ", name, '="', type(value) == "number" and short(value) or value, '"')
    end
end

local function opacity(out, name, alpha)
    if alpha < 1 then out:write(" ", name, '="', short(alpha), '"') end
end

function Pen:color(r, g, b, a) self.hex, self.alpha = hex(r, g, b), a or 1 end
function Pen:halo(r, g, b, width) self.halo_hex, self.halo_width = hex(r, g, b), width end

function Pen:group(name)
    local out = self.out
    if self.open then out:write "</g>\n" end
    self.open = true
    open(out, "g", "id", name)
    if name == "edges" then out:write ' fill="none" stroke-linecap="round"' end
    if name == "labels" or name == "legend" then open(out, "", "font-family", FONT) end
    out:write ">\n"
end

function Pen:background(rgb)
    open(self.out, "rect", "width", self.width, "height", self.height, "fill", hex(rgb[1], rgb[2], rgb[3]))
    self.out:write "/>\n"
    self.back = hex(rgb[1], rgb[2], rgb[3])
end

function Pen:line(x1, y1, x2, y2, width)
    open(self.out, "line", "x1", x1, "y1", y1, "x2", x2, "y2", y2, "stroke", self.hex, "stroke-width", width)
    opacity(self.out, "stroke-opacity", self.alpha)
    self.out:write "/>\n"
end

function Pen:triangle(x1, y1, x2, y2, x3, y3)
    local points = ("%s,%s %s,%s %s,%s"):format(short(x1), short(y1), short(x2), short(y2), short(x3), short(y3))
    open(self.out, "polygon", "points", points, "fill", self.hex)
    opacity(self.out, "fill-opacity", self.alpha)
    self.out:write "/>\n"
end

function Pen:node(x, y, radius, ring, r, g, b, name)
    local out = self.out
    open(out, "circle", "cx", x, "cy", y, "r", radius, "fill", hex(r, g, b), "stroke", self.back, "stroke-width", ring,
        "paint-order", "stroke")
    if not name or not self.named then return out:write "/>\n" end
    out:write "><title>"
    out:xml(words.cleaned(tostring(name)))
    out:write "</title></circle>\n"
end

function Pen:box(x, y, width, height)
    open(self.out, "rect", "x", x, "y", y, "width", width, "height", height, "fill", self.hex)
    opacity(self.out, "fill-opacity", self.alpha)
    self.out:write "/>\n"
end

function Pen:shade(x, y, width, height, colors)
    local out, steps = self.out, #colors // 3
    out:write '<linearGradient id="scale" x1="0" y1="1" x2="0" y2="0">'
    for k = 1, steps do
        open(out, "stop", "offset", (k - 1) / math.max(1, steps - 1), "stop-color",
            hex(colors[3 * k - 2], colors[3 * k - 1], colors[3 * k]))
        out:write "/>"
    end
    out:write "</linearGradient>\n"
    open(out, "rect", "x", x, "y", y, "width", width, "height", height, "fill", "url(#scale)")
    out:write "/>\n"
end

-- As wide as it was measured, whatever font it is shown in, so that labels do not overlap.
function Pen:text(x, y, text, size, width)
    local out = self.out
    open(out, "text", "x", x, "y", y, "font-size", size, "fill", self.hex)
    if width then open(out, "", "textLength", width, "lengthAdjust", "spacingAndGlyphs") end
    if self.halo_width and self.halo_width > 0 then
        open(out, "", "stroke", self.halo_hex, "stroke-width", 2 * self.halo_width, "stroke-linejoin", "round", "paint-order",
            "stroke")
    end
    out:write ">"
    out:xml(text)
    out:write "</text>\n"
end

local function begin(out, scene, title)
    out:write '<?xml version="1.0" encoding="UTF-8"?>\n'
    open(out, "svg", "xmlns", "http://www.w3.org/2000/svg", "width", scene.width, "height", scene.height, "viewBox",
        ("0 0 %d %d"):format(scene.width, scene.height))
    out:write ">\n<title>"
    out:xml(words.cleaned(title))
    out:write "</title>\n"
end

--- Writes a scene.
function svg.write(path, scene, request, measure)
    local out <close>, message = native.output(path)
    if not out then error(message, 0) end
    begin(out, scene, request.title)
    local pen = setmetatable({ out = out, width = scene.width, height = scene.height, named = scene.count <= NAMED }, Pen)
    vector.draw(scene, request, pen, measure)
    out:write "</g>\n</svg>\n"
    local done
    done, message = out:commit()
    if not done then error(message, 0) end
end

return svg
