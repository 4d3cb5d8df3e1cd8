-- SPDX-License-Identifier: MIT
-- What viewers do, one function a kind of event. The simulation's own `live` function is given every event, and what it
-- returns true for it has done itself. What it leaves: a node that is dragged is put back to where it was dropped before
-- and after each step.

local act = {}

local function reheat(d)
    d.resting = false
    d.dirty = true
    d.sim:resume(d.session.options.reheat)
end

function act.pause(d) d.paused = true end

function act.go(d)
    d.paused = false
    if d.resting then reheat(d) end
end

function act.finish(d) d.session.done = true end

function act.rate(d, event)
    d.rate = event.rate
    d.due = 0
end

-- Steps to do although it is paused.
function act.step(d, event)
    d.paused = true
    d.steps_left = d.steps_left + math.tointeger(event.count or 1)
    if d.resting then reheat(d) end
end

local function place(d, event)
    local z = d.shows.dimensions == 3 and (event.z or 0) or nil
    return { event.x, event.y, z }
end

local function pin(d, event, handled)
    if not handled then
        d.pins[event.node] = place(d, event)
        d.pin_one(event.node)
    end
    reheat(d)
end

act.drag, act.drop = pin, pin

function act.free(d, event)
    d.pins[event.node] = nil
    reheat(d)
end

function act.set(d, event, handled)
    if not handled then return end
    d.shows:parameter(event.name).value = event.value
    reheat(d)
end

local PINS_MOST = 1000 -- that are put back one by one

local function count_of(list)
    local count = 0
    for _ in pairs(list) do count = count + 1 end
    return count
end

-- Is it an event that makes sense now? Nodes that are not there, parameters that there are none of, or out of range.
local function is_meant(d, event)
    if event.node and event.node > #d.shows.positions then return false end
    if event.kind == "drag" or event.kind == "drop" then
        return d.pins[event.node] ~= nil or count_of(d.pins) < PINS_MOST
    end
    if event.kind ~= "set" then return true end
    local p = d.shows:parameter(event.name)
    return p ~= nil and event.value >= p.least and event.value <= p.most
end

--- Does what the event says; false: it makes no sense.
return function(d, event)
    if not is_meant(d, event) then return false end
    local handled = d.sim:event(event)
    if act[event.kind] then act[event.kind](d, event, handled) end
    d.told_at = -math.huge
    return true
end
