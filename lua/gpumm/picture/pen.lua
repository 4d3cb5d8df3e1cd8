-- SPDX-License-Identifier: MIT
-- A native pen with what scenes are drawn by: on pixels and in PDF.

local Pen = {}
Pen.__index = Pen

for _, name in ipairs { "color", "halo", "line", "triangle", "box", "shade", "text" } do
    Pen[name] = function(self, ...)
        local native = self.native
        native[name](native, ...)
    end
end

function Pen.group() end

function Pen:background(rgb)
    self.back = rgb
    self.native:color(rgb[1], rgb[2], rgb[3], 1)
    self.native:box(0, 0, self.width, self.height)
end

function Pen:node(x, y, radius, ring, r, g, b)
    local native, back = self.native, self.back
    native:color(back[1], back[2], back[3], 0.75)
    native:disc(x, y, radius + ring)
    native:color(r, g, b, 1)
    native:disc(x, y, radius)
end

--- The pen of a native one, for a scene.
return function(native, scene) return setmetatable({ native = native, width = scene.width, height = scene.height }, Pen) end
