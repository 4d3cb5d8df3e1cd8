-- SPDX-License-Identifier: MIT
-- Simulations: a description of resources, a step, and what to do with frames. gpumm.simulation(t) checks the
-- description without a device. open makes the resources, advance runs steps, conclude delivers the last frames and
-- calls finish, close frees everything; run calls these four. gpumm-run, busted specs and applications use the same.
--
-- A simulation runs at most `in_flight` steps ahead of its device. Each captured snapshot is passed to `frame` once,
-- between steps, in order. Where every slot of a readback is taken, the simulation waits for the oldest snapshot and
-- delivers it before it captures the next one, so that nothing is lost (unless the readback says busy = "drop" or
-- "newest").
--
-- With recorded = true a step's launches, fills and copies are recorded as it runs, and enqueued together at its end:
-- where they are those of the step before, as one graph in which only arguments that differ were changed. Whatever
-- cannot be recorded has what was recorded so far enqueued first, so that every step does what it would do otherwise.

local gpumm = require "gpumm"
local check = require "gpumm.simulation.check"
local describe = require "gpumm.describe"
local process = require "gpumm.inside"
local resources = require "gpumm.simulation.resources"
local words = require "gpumm.words"
local nearest = words.nearest

local Simulation = { __name = "gpumm.simulation", __metatable = "gpumm.simulation" }
local methods = {}

-- The private state of each simulation, which its own keys cannot reach.
local inside = setmetatable({}, { __mode = "k" })

local function fail(level, message, ...)
    error(message:format(...), level + 1)
end

-- ---- Frames ----------------------------------------------------------------------------------

local function hand_over(sim, rb, frame)
    rb.seen = frame.ticket
    local on_frame = inside[sim].fields.frame
    if on_frame then on_frame(sim, frame, rb.key) end
end

local function hand_over_arrived(sim, rb)
    local frame = rb.readback:next()
    while frame do
        hand_over(sim, rb, frame)
        frame = rb.readback:next()
    end
end

local function pending(rb)
    return (rb.readback.newest or 0) - rb.seen
end

local GONE = { STALE = true, CANCELLED = true } -- the script took that frame by itself, or wants none; or it was replaced

-- Waits for the oldest pending snapshot and delivers it; false: none is pending.
local function hand_over_oldest(sim, rb)
    if pending(rb) <= 0 then return false end
    local ticket = rb.seen + 1
    local ok, frame = pcall(rb.readback.wait, rb.readback, ticket)
    rb.seen = ticket
    if ok and frame then
        hand_over(sim, rb, frame)
    elseif not ok and not GONE[gpumm.status_of(frame)] then
        error(frame, 0)
    end
    return true
end

-- Delivers what has arrived, and where nothing may be lost waits until there is a slot.
local function make_room(sim, rb)
    hand_over_arrived(sim, rb)
    if not rb.loses then
        while pending(rb) >= rb.slots - 1 and hand_over_oldest(sim, rb) do end
    end
end

-- What steps leave undone until others than they look at the buffers.
local function complete(sim)
    local x = inside[sim]
    if not x.fields.complete then return end
    local _ <close> = not x.stepping and x.no_step or nil -- a recorded step goes on
    x.stepping = true
    x.fields.complete(sim)
end

local function capture(sim, rb, step)
    complete(sim)
    make_room(sim, rb)
    local ok, ticket, message, code = pcall(rb.readback.capture, rb.readback, step)
    if not ok then
        if gpumm.status_of(ticket) ~= "BUSY" then error(ticket, 0) end
        return -- no slot is free: the script keeps frames, or does not take them. Counted as dropped
    end
    if not ticket then
        if code ~= "BUSY" then error(message, 0) end
        return
    end
    rb.captured = step
end

local function capture_due(sim, step)
    for _, rb in ipairs(inside[sim].readbacks) do
        local done = rb.captured == step or rb.refused == step and rb.loses
        if rb.every and step % rb.every == 0 and not done then capture(sim, rb, step) end
    end
end

-- Those that capture every step: their snapshots are part of what is recorded.
local function every_step(x)
    local list = {}
    for _, rb in ipairs(x.readbacks) do
        if rb.every == 1 then list[#list + 1] = rb end
    end
    return list
end

-- Enqueues the recorded step, with its captures.
local function finish_recorded(sim, step)
    local x, readbacks = inside[sim], {}
    if #x.recorded == 0 then return x.recorder:finish(step) end
    for i, rb in ipairs(x.recorded) do readbacks[i] = rb.readback end
    for i, ticket in ipairs { x.recorder:finish(step, table.unpack(readbacks)) } do
        x.recorded[i][ticket and "captured" or "refused"] = step
    end
end

-- ---- Steps -----------------------------------------------------------------------------------

-- Waits until the device is less than `in_flight` steps behind.
local function pace(x)
    local events = x.events[x.i % x.fields.in_flight]
    if not events then return end
    for i = 1, #events do
        if events[i] then x.wait(events[i]) end
    end
end

-- Marks the end of this step: on the main stream, and on each described stream that is not closed. The events are those
-- that the step `in_flight` before had, for making one costs more than recording it.
local function mark_end(x, step)
    local place = (step - 1) % x.fields.in_flight
    local events = x.events[place]
    if not events then
        events = {}
        x.events[place] = events
    end
    events[1] = x.record(x.main, events[1])
    x.wait = x.wait or events[1].wait
    for i, stream in ipairs(x.streams) do
        local ok, event = pcall(x.record, stream, events[i + 1] or nil)
        events[i + 1] = ok and event
    end
end

-- The step, recorded and enqueued at its end. There is room for its captures before, so that frames are delivered
-- between steps as ever.
local function recorded_step(sim, step)
    local x = inside[sim]
    for _, rb in ipairs(x.recorded) do make_room(sim, rb) end
    x.recorder:begin()
    local recorder <close> = x.recorder -- which records no more, whatever happens
    if x.fields.step(sim, step) == false then
        recorder:finish(step)
        return false
    end
    if #x.recorded > 0 then complete(sim) end
    finish_recorded(sim, step)
    return true
end

local function do_step(sim, step)
    local x = inside[sim]
    local _ <close> = x.no_step -- whatever happens
    x.stepping = true
    if x.recorder then return recorded_step(sim, step) end
    return x.fields.step(sim, step) ~= false
end

local function one_step(sim)
    local x, since = inside[sim], process.trace_now()
    pace(x)
    local step = x.i + 1
    if not do_step(sim, step) then return false end
    x.i = step
    capture_due(sim, step)
    mark_end(x, step)
    for _, rb in ipairs(x.readbacks) do hand_over_arrived(sim, rb) end
    if since then process.trace_slice("step", step, since) end
    return true
end

-- Both raise with the position of the method's caller.
local function need(sim, level)
    return inside[sim] or fail(level or 3, "a simulation is expected: call with a colon, as in sim:advance(1)")
end

local function need_open(sim)
    local x = need(sim, 4)
    if not x.opened then fail(3, "the simulation is not open: call sim:open {} first") end
    return x
end

-- Frees the described buffers, so that only what the script itself did not free is reported as a leak at close.
local function free_buffers(x)
    for _, key in ipairs(x.keys) do
        local buffer = x.live[key]
        if buffer and x.resources[key].kind == "buffer" then x.manager:free(buffer.name) end
    end
end

-- Where the state closes in a callback, its managers close too, and what is described is no leak of the script's. One
-- of a run that has closed is collected some time later, perhaps in the next run, which is none of its business.
local function guard_of(x)
    local live = x.live
    return process.guard(function()
        if x.live == live then free_buffers(x) end
    end)
end

-- Within a simulation all failures raise, those of functions that write files too: local _ <close> = within()
local SCOPE = setmetatable({}, { __close = function() process.raising(-1) end })

local function within()
    process.raising(1)
    return SCOPE
end

-- ---- Methods --------------------------------------------------------------------------------

-- Uses a manager that open was given, which stays open when the simulation closes.
local function use_guest(x, manager)
    if getmetatable(manager) ~= "gpumm.manager" then
        fail(3, "open: manager is a %s; it must be one that gpumm.manager made", type(manager))
    end
    x.was_raising = manager:raising(true)
    x.guest = true
    return manager
end

local OWN = { "manager", "interrupted", "progress", "drive" } -- options of run's and open's own; the rest are gpumm.manager's

local function check_options(options, level)
    if type(options) ~= "table" then fail(level, "options are a table, as in sim:run {}, not a %s", type(options)) end
    for key in pairs(options) do
        local near = type(key) == "string" and nearest(key, OWN)
        if near and near ~= key then fail(level, "unknown option '%s' (did you mean '%s'?)", key, near) end
    end
    return options
end

-- A new manager; what is wrong with the options is told with the line that gave them.
local function new_manager(options)
    local ok, manager, message = pcall(gpumm.manager, options)
    if not ok then error(resources.at_line(manager, gpumm.caller()), 0) end
    return manager or error(message, 0)
end

--- Makes the manager and every resource, in the order written, and calls init. Options are those of
--- gpumm.manager, and override those of the description. options.manager is a manager to use instead of a new one.
function methods.open(sim, options)
    local x = need(sim)
    if x.opened then fail(2, "the simulation is open already") end
    options = check_options(options or {}, 3)
    local guest = options.manager
    local given = { device = x.fields.device, limit = x.fields.limit, memory = x.fields.memory, spill = x.fields.spill,
        debug = x.fields.debug, workers = x.fields.workers }
    local manager = guest and use_guest(x, guest) or new_manager(resources.with(options, given))
    manager:raising(true)
    local _ <close> = within()
    x.manager, x.live, x.readbacks, x.streams, x.events = manager, {}, {}, {}, {}
    x.i, x.last, x.opened, x.ended = 0, x.fields.steps, true, false
    x.stepping, x.no_step = false, setmetatable({}, { __close = function() x.stepping = false end })
    local ok, err = xpcall(function()
        x.main = manager:main()
        x.record = x.main.record
        resources.make(sim, x)
        if x.fields.recorded then x.recorder, x.recorded = process.recorder(manager), every_step(x) end
        x.guard = not (guest and process.lent(guest)) and guard_of(x) or nil
        if x.fields.init then x.fields.init(sim) end
    end, x.traceback or gpumm.traceback)
    if not ok then
        sim:close()
        error(err, 0)
    end
    return sim
end

-- Up to so many steps. False: it has ended.
local function advance(sim, count)
    local x = inside[sim]
    local _ <close> = within()
    for _ = 1, count do
        if x.ended or (x.last and x.i >= x.last) or not one_step(sim) then
            x.ended = true
            return false
        end
    end
    return not (x.last and x.i >= x.last)
end

--- Runs up to `n` (default 1) more steps. False: the simulation has ended.
function methods.advance(sim, n)
    local x = need_open(sim)
    local count = n == nil and 1 or type(n) == "number" and math.tointeger(n)
    if not count or count < 0 then fail(2, "advance: steps are a whole number from 0, not %s", tostring(n)) end
    if x.stepping then
        fail(2, "a step does not advance its simulation, nor does complete: return false ends it, and resume goes on")
    end
    local goes_on = advance(sim, count)
    local _ <close> = within()
    complete(sim)
    return goes_on
end

--- Has a simulation that has ended go on for up to `n` (default 1) more steps, until its step ends it again.
function methods.resume(sim, n)
    local x = need_open(sim)
    local count = n == nil and 1 or type(n) == "number" and math.tointeger(n)
    if not count or count < 0 then fail(2, "resume: steps are a whole number from 0, not %s", tostring(n)) end
    x.ended = false
    if x.last then x.last = math.max(x.last, x.i + count) end
end

--- Gives an event to the description's `live`, between steps; returns what that returns. { kind = "describe" } asks what
--- is to be shown; the other kinds are what viewers of a live page do.
function methods.event(sim, event)
    local x = need_open(sim)
    if type(event) ~= "table" or type(event.kind) ~= "string" then fail(2, "event takes a table with a kind") end
    local _ <close> = within()
    complete(sim)
    if x.fields.live then return x.fields.live(sim, event) end
end

--- Captures the last state, waits for it, delivers every frame, and calls finish(sim, last, all): `last` is the
--- first readback's frame, `all` every readback's by key.
function methods.conclude(sim)
    local x = need_open(sim)
    local _ <close> = within()
    local all, first = {}, nil
    complete(sim)
    for _, rb in ipairs(x.readbacks) do
        while hand_over_oldest(sim, rb) do end
        if rb.every and rb.captured ~= x.i then
            capture(sim, rb, x.i)
            while hand_over_oldest(sim, rb) do end
        end
        all[rb.key] = rb.readback:latest()
        first = first or all[rb.key]
    end
    if x.fields.finish then return x.fields.finish(sim, first, all) end
end

-- Closes what the simulation made in the application's manager, in reverse order. The manager stays open.
local function leave_guest(x)
    for i = #x.keys, 1, -1 do
        local made, kind = x.live[x.keys[i]], x.resources[x.keys[i]].kind
        if made and kind == "group" then pcall(made.free, made) -- it may be freed already
        elseif made and kind ~= "buffer" then made:close() end
    end
    x.manager:raising(x.was_raising)
    x.guest = nil
end

--- Frees everything. May be called any number of times.
function methods.close(sim)
    local x = inside[sim]
    if not x or not x.opened then return end
    x.opened, x.guard = false, nil
    pcall(free_buffers, x)
    if x.guest then leave_guest(x) else x.manager:close() end
    x.live, x.readbacks, x.streams, x.events, x.main, x.recorder = {}, {}, {}, {}, nil, nil
end

-- Under gpumm-run Ctrl-C ends a simulation after its step, whoever runs it.
local running = 0

local function begin_run()
    running = running + 1
    if process.graceful then process.graceful(true) end
end

local function end_run()
    running = running - 1
    if process.graceful then process.graceful(running > 0) end
end

local RUN = setmetatable({}, { __close = end_run })

-- What runs the steps unless another does.
local function drive_on(sim, interrupted)
    while not (interrupted and interrupted()) and advance(sim, 1) do end
end

-- The results of conclude; what the drive left to be done is done behind it.
local function drive_to_end(sim, drive, interrupted)
    local after = drive(sim, interrupted)
    local results = table.pack(sim:conclude())
    if after then after(sim) end
    return table.unpack(results, 1, results.n)
end

--- open, advance to the end, conclude, close. Returns what finish returned. Options besides the manager's:
--- interrupted(): true ends the simulation after the current step; progress(text, step, steps): called by sim:progress;
--- drive(sim, interrupted): runs the steps instead, and may return a function to be called behind conclude.
function methods.run(sim, options)
    local x = need(sim)
    local rest = resources.with(check_options(options or {}, 3), {})
    local interrupted = rest.interrupted or process.interrupted
    local drive = rest.drive or drive_on
    x.report, rest.interrupted, rest.progress, rest.drive = rest.progress, nil, nil, nil
    x.traceback = function(message) return gpumm.traceback(message) end
    begin_run()
    local _ <close> = RUN
    sim:open(rest)
    local _ <close> = sim -- also where it runs in a coroutine that is closed
    local results = table.pack(xpcall(drive_to_end, x.traceback, sim, drive, interrupted))
    x.statistics = x.manager:stats()
    sim:close()
    if not results[1] then error(results[2], 0) end
    return table.unpack(results, 2, results.n)
end

--- A line about the progress, as string.format makes it. It is passed to the option `progress` of run, which shows it.
function methods.progress(sim, format, ...)
    local x = need(sim)
    if not x.report then return end
    local _ <close> = words.plain()
    x.report(format:format(...), x.i, x.fields.steps)
end

--- Describes every buffer as text, without a device: types, offsets, growth steps, bytes.
function methods.describe(sim)
    local x = need(sim)
    return describe(x.keys, x.resources)
end

--- The manager's statistics just before the last run closed it.
function methods.statistics(sim)
    return need(sim).statistics
end

-- nil, as a script may store what it likes; a key that is nearly one of the simulation's own raises.
local function unknown_key(x, key)
    local names = { "manager", "steps" }
    for name in pairs(methods) do names[#names + 1] = name end
    for name in pairs(x.resources) do names[#names + 1] = name end
    table.sort(names)
    local near = type(key) == "string" and not check.is_field(key) and nearest(key, names)
    if near then fail(3, "a simulation has no '%s' (did you mean '%s'?)", key, near) end
end

function Simulation.__index(sim, key)
    local x = inside[sim]
    if methods[key] then return methods[key] end
    if key == "manager" then return x.manager end
    if key == "i" then return x.i end
    if key == "steps" then return x.fields.steps end
    local live = x.live and x.live[key]
    if live == nil and x.resources[key] then
        fail(2, "'%s' is described but not made: the simulation is not open", key)
    end
    if live == nil then unknown_key(x, key) end
    return live
end

-- Scripts may store fields of their own in a simulation.
function Simulation.__newindex(sim, key, value)
    local x = inside[sim]
    if methods[key] or check.is_taken(key) or x.resources[key] then
        fail(2, "'%s' is a name of the simulation's own; it cannot be assigned", tostring(key))
    end
    rawset(sim, key, value)
end

function Simulation.__close(sim)
    sim:close()
end

function Simulation.__tostring(sim)
    local x = inside[sim]
    return ("simulation (%d resources, %s)"):format(#x.keys, x.opened and "open" or "closed")
end

return process.placed(function(t)
    local sim = setmetatable({}, Simulation)
    inside[sim] = check.description(t, methods)
    return sim
end)
