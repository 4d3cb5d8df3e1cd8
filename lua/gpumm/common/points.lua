-- SPDX-License-Identifier: MIT
-- Positions in whatever form a script has them: a view, a buffer, a list of points, or a flat list of x, y, x, y, ….

local gpumm = require "gpumm"

local function is_buffer(value)
    return type(value) == "userdata" and tostring(value):find("gpumm.buffer", 1, true) == 1
end

-- A list's elements by its first: points of two or three numbers, or numbers.
local function type_of(list)
    local first = list[1]
    return type(first) == "table" and #first == 3 and "f32x3" or "f32x2"
end

--- A view of the positions, those of a buffer downloaded. `what` begins the message for anything else.
return function(what, positions, level)
    if is_buffer(positions) then return assert(positions:download()) end
    if type(positions) == "table" then return gpumm.view(type_of(positions), positions) end
    if type(positions) == "userdata" then return positions end
    error(("%s: positions are a view, a buffer or a list of points, not %s"):format(what, tostring(positions)),
        (level or 1) + 1)
end
