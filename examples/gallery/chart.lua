-- SPDX-License-Identifier: MIT
-- What the gallery's scripts draw charts with: a small SVG writer. Nothing here needs a device.

local chart = {}
chart.__index = chart

local COLORS = { "#5b8ff9", "#ff7a5c", "#3ecf8e", "#f7c843", "#b37feb", "#36cfe0", "#ff85c0", "#a0d911" }

--- A drawing of so many pixels, with a title.
function chart.new(width, height, title)
    local self = setmetatable({ width = width, height = height, parts = {} }, chart)
    self:box(0, 0, width, height, "#0f1420")
    self:text(24, 34, title, { size = 20, color = "#e8edf6" })
    return self
end

--- The i-th color, which goes on from the first again.
function chart.color(i) return COLORS[(i - 1) % #COLORS + 1] end

function chart:add(form, ...) self.parts[#self.parts + 1] = form:format(...) end

function chart:box(x, y, w, h, color, opacity)
    self:add('<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s" fill-opacity="%g"/>', x, y, w, h, color, opacity or 1)
end

function chart:disc(x, y, r, color, hollow)
    self:add('<circle cx="%.1f" cy="%.1f" r="%.1f" fill="%s" stroke="%s" stroke-width="2"/>', x, y, r,
        hollow and "none" or color, color)
end

--- Points are x, y, x, y, …
function chart:line(points, color, width)
    local words = {}
    for i = 1, #points, 2 do words[#words + 1] = ("%.1f,%.1f"):format(points[i], points[i + 1]) end
    self:add('<polyline points="%s" fill="none" stroke="%s" stroke-width="%g" stroke-linejoin="round"/>',
        table.concat(words, " "),
        color, width or 2)
end

--- Options: size, color, anchor ("start", "middle", "end").
function chart:text(x, y, text, options)
    options = options or {}
    local safe = tostring(text):gsub("[&<>]", { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;" })
    self:add('<text x="%.1f" y="%.1f" font-family="DejaVu Sans, sans-serif" font-size="%g" fill="%s" text-anchor="%s">%s</text>',
        x, y, options.size or 14, options.color or "#9aa5b8", options.anchor or "start", safe)
end

--- Writes the file; "": none.
function chart:write(path)
    if path == "" then return end
    local file <close> = assert(io.open(path, "w"))
    file:write(('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d">\n'):format(self.width, self.height),
        table.concat(self.parts, "\n"), "\n</svg>\n")
end

return chart
