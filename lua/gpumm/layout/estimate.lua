-- SPDX-License-Identifier: MIT
-- How long a layout will still take, from how long its steps took so far.

local gpumm = require "gpumm"

local estimate = {}

local SURE = 2 -- seconds before anything is said

local function text(seconds)
    if seconds < 1 then return "" end
    if seconds < 100 then return (", %.0f s left"):format(seconds) end
    return (", %.0f min left"):format(seconds / 60)
end

--- A function of the simulation for ", 12 s left", or "" while that is not known. `time`: seconds that the layout was
--- given; 0: none.
function estimate.new(time)
    local started
    return function(sim)
        local now = gpumm.clock()
        started = started or now
        local took = now - started
        if time > 0 then return text(time - took) end
        if took < SURE or not sim.steps or sim.i == 0 then return "" end
        return text(took / sim.i * (sim.steps - sim.i))
    end
end

return estimate
