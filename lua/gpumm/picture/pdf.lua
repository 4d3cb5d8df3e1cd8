-- SPDX-License-Identifier: MIT
-- Pictures as PDF, one page of as many points as the picture has pixels.

local native = require "gpumm.layout.native"
local pen_of = require "gpumm.picture.pen"
local vector = require "gpumm.picture.vector"

local pdf = {}

--- Writes a scene.
function pdf.write(path, scene, request, measure)
    local pen <close>, message = native.pen_pdf(path, scene.width, scene.height)
    if not pen then error(message, 0) end
    vector.draw(scene, request, pen_of(pen, scene), measure)
    local done
    done, message = pen:commit()
    if not done then error(message, 0) end
end

return pdf
