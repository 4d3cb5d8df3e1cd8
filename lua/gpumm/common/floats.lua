-- SPDX-License-Identifier: MIT
-- Positions as the native functions take them, in whatever form a script has them: a view of f32x2 or f32x3.

local gpumm = require "gpumm"
local points = require "gpumm.common.points"

--- The view; of other types, one of the same points. `what` begins the message for what is no positions.
return function(what, positions, level)
    local view = points(what, positions, (level or 1) + 1)
    local kind = view:type().name
    if kind == "f32x2" or kind == "f32x3" then return view end
    local list = {}
    for i = 1, #view do list[i] = { view:get(i) } end
    return gpumm.view("f32x" .. math.max(2, math.min(#(list[1] or {}), 3)), list)
end
