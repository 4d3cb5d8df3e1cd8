-- SPDX-License-Identifier: MIT
-- The steps of a simulation that is shown: as fast as they go or so many a second, paused, at rest; between them what viewers
-- did, and a snapshot where a viewer has room for one. Nothing here waits for a viewer.

local gpumm = require "gpumm"
local act = require "gpumm.live.act"
local kept = require "gpumm.live.kept"

local TELL_SECONDS = 0.25  -- between two states, unless something was done
local SLEEP_SECONDS = 0.2  -- while there is nothing to do and no viewer does anything: Ctrl-C is seen that soon
local LAST_SECONDS = 5     -- for the last frame to arrive, at most

-- ---- What is shown ------------------------------------------------------------------------------

local function state_of(d)
    if d.session.done then return "finishing" end
    if d.paused and d.steps_left == 0 then return "paused" end
    return d.resting and "resting" or "running"
end

local function tell(d)
    local counts = d.server:counts()
    d.session:tell {
        state = state_of(d), step = d.sim.i, steps = d.sim.steps, rate = d.rate, nodes = #d.shows.positions,
        edges = d.shows.sent, viewers = counts.viewers, refused = counts.refused, dimensions = d.shows.dimensions,
        title = d.shows.title, parameters = d.shows.parameters, message = "", number = d.session.number,
    }
    d.told_at = gpumm.clock()
end

local function tell_in_time(d)
    if gpumm.clock() - d.told_at >= TELL_SECONDS then tell(d) end
end

-- The ticket of a snapshot; nil: every slot is taken, then there is one on its way.
local function capture(d)
    local ok, ticket, message, code = pcall(d.readback.capture, d.readback, d.sim.i)
    local why = not ok and gpumm.status_of(ticket) or not ticket and code
    if why and why ~= "BUSY" then error(ok and message or ticket, 0) end
    if why then return nil end
    d.shown, d.dirty, d.captured_at = d.sim.i, false, gpumm.clock()
    return ticket
end

-- A viewer that has room for a frame wants one that it does not have.
local function show(d)
    d.shows:follow(d.server)
    tell_in_time(d)
    if gpumm.clock() - d.captured_at < 1 / d.session.options.fps then return end
    if d.server:wants() then d.wanted = true end
    if d.wanted and (d.shown ~= d.sim.i or d.dirty) and capture(d) then d.wanted = false end
end

-- ---- Steps --------------------------------------------------------------------------------------

local function pin_all(d)
    for node in pairs(d.pins) do d.pin_one(node) end
end

local function pinner(d)
    return function(node)
        if node <= #d.shows.positions then d.shows.positions:upload({ d.pins[node] }, node) end
        d.dirty = true
    end
end

-- Is a step due, and how long is it until one is?
local function due(d)
    if d.resting or d.paused and d.steps_left == 0 then return false, SLEEP_SECONDS end
    if d.rate == 0 or d.steps_left > 0 then return true end
    local left = d.due - gpumm.clock()
    return left <= 0, math.min(left, SLEEP_SECONDS)
end

local function step(d)
    if d.rate > 0 then d.due = math.max(d.due + 1 / d.rate, gpumm.clock()) end
    pin_all(d)
    local more = d.sim:advance(1)
    pin_all(d)
    if d.steps_left > 0 then
        d.steps_left = d.steps_left - 1
        if d.steps_left == 0 then d.told_at = -math.huge end
    end
    if not more then
        d.resting, d.steps_left, d.told_at = true, 0, -math.huge
    end
end

local function take_events(d)
    local event = d.server:next()
    while event do
        act(d, event)
        event = d.server:next()
    end
end

-- ---- From the beginning to the end ----------------------------------------------------------------

local function begin(session, sim)
    local options, shows = session.options, session.shows
    shows:begin()
    local d = { session = session, server = session.server, sim = sim, shows = shows, rate = options.rate,
        paused = options.paused or false, steps_left = 0, pins = {}, due = gpumm.clock(), told_at = -math.huge,
        captured_at = -math.huge, dirty = true, shown = -1 }
    d.pin_one = pinner(d)
    session.number = (session.number or 0) + 1
    if session.kept then kept.apply(session.kept, shows) end
    shows:publish(d.server)
    d.readback = shows:readback()
    d.server:attach(d.readback, shows.dimensions)
    shows:follow(d.server)
    tell(d)
    capture(d)
    return d
end

-- What finish left is shown too: the server is given time to take it.
local function last_frame(d)
    local ticket, stop = capture(d), gpumm.clock() + LAST_SECONDS
    while not (ticket and d.server:counts().ticket >= ticket) and d.server:counts().viewers > 0 and gpumm.clock() < stop do
        d.server:wants() -- so that it waits for more than that
        d.server:wait(0.005)
        ticket = ticket or capture(d)
    end
    d.server:attach(nil)
    d.readback:close()
    if d.session.options.keep then d.session.kept = kept.of(d.sim, d.shows) or d.session.kept end
    d.session:tell { state = "ended", step = d.sim.i }
end

local function is_over(d, interrupted)
    return d.session.done or d.resting and d.session.options.exit or interrupted and interrupted()
end

--- Runs an open simulation; returns what is to be called once it has concluded.
return function(session, sim, interrupted)
    local d = begin(session, sim)
    while not is_over(d, interrupted) do
        take_events(d)
        local now, left = due(d)
        if now then step(d) else d.server:wait(left) end
        show(d)
    end
    tell(d)
    return function() last_frame(d) end
end
