-- SPDX-License-Identifier: MIT
-- Reads traces and histories as others would, and holds them to their rules: whole JSON, every event what it says it is,
-- slices of a track nested, times that only go on, a history that is balanced at every line.

local assert = require "luassert"
local decode = require "spec.json"

local reader = {}

local SYSTEM = 1 << 22 -- tracks of the system's threads have smaller numbers

local function text_of(path)
    local file <close> = assert(io.open(path, "rb"))
    return file:read "a"
end

-- ---- Traces ------------------------------------------------------------------------------------

local Trace = {}
Trace.__index = Trace

-- What the format's documentation asks of each kind of event, and no key beside.
local REQUIRED = {
    M = { name = "string", pid = "number", tid = "number", args = "table" },
    X = { name = "string", pid = "number", tid = "number", ts = "number", dur = "number" },
    i = { name = "string", pid = "number", tid = "number", ts = "number", s = "string" },
    C = { name = "string", pid = "number", tid = "number", ts = "number", args = "table" },
}

local function check_keys(e, place)
    for key, kind in pairs(REQUIRED[e.ph]) do
        assert(type(e[key]) == kind, ("%s has a %s, a %s"):format(place, key, kind))
    end
    for key in pairs(e) do
        assert(key == "ph" or key == "args" or REQUIRED[e.ph][key], ("%s has no %s"):format(place, key))
    end
    assert(e.args == nil or type(e.args) == "table", place .. " has its args as an object")
    assert(e.ph ~= "M" or e.name == "process_name" or e.name == "thread_name", "metadata that viewers know: " .. e.name)
    assert(e.s == nil or e.s == "t", "an instant is a thread's: " .. place)
    for key, value in pairs(e.args or {}) do
        assert(key ~= "estimated" or value == true and e.ph == "X", place .. " says whether it is estimated")
    end
end

local function check_event(e)
    local place = ("%s of %s"):format(tostring(e.ph), tostring(e.name))
    assert(type(e.name) == "string" and e.name ~= "", "an event has a name: " .. place)
    assert(math.type(e.pid) == "integer" and math.type(e.tid) == "integer", "an event has a track: " .. place)
    assert(e.ph == "M" or e.ph == "X" or e.ph == "i" or e.ph == "C", "an event of a kind: " .. place)
    check_keys(e, place)
    assert(e.ph == "M" or type(e.ts) == "number" and e.ts >= 0, "an event has a time: " .. place)
    if e.ph == "X" then assert(type(e.dur) == "number" and e.dur >= 0, "a slice has a length: " .. place) end
    if e.ph == "C" then assert(math.type(e.args.bytes) == "integer" and e.args.bytes >= 0, "a counter counts: " .. place) end
    if e.ph == "M" then assert(type(e.args.name) == "string", "a track has a name: " .. place) end
end

-- In thousandths of a microsecond, as whole numbers: what is written with three decimals has no more.
local function nanoseconds(us) return math.floor(us * 1000 + 0.5) end

local function by_track(trace)
    local tracks = {}
    for i, e in ipairs(trace.events) do
        local key = ("%s %d %s"):format(e.ph, e.pid, e.ph == "C" and e.name or tostring(e.tid))
        tracks[key] = tracks[key] or {}
        if e.ph ~= "M" then
            local from = nanoseconds(e.ts)
            table.insert(tracks[key], { event = e, from = from, to = from + nanoseconds(e.dur or 0), at = i })
        end
    end
    return tracks
end

-- Counters, and the operations of a stream, are written in the order of their times; so no reader has to sort them.
local function check_order(key, list)
    if key:sub(1, 1) == "X" and list[1] and list[1].event.tid < SYSTEM then return end
    for i = 2, #list do
        assert(list[i].from >= list[i - 1].from, ("time goes back at event %d: %s"):format(list[i].at, list[i].event.name))
    end
end

local function check_nesting(list, deepest)
    table.sort(list, function(a, b)
        if a.from ~= b.from then return a.from < b.from end
        if a.to ~= b.to then return a.to > b.to end
        return a.at < b.at
    end)
    local open = {}
    for _, s in ipairs(list) do
        while open[#open] and open[#open].to <= s.from and open[#open].from < s.from do open[#open] = nil end
        local outer = open[#open]
        assert(not outer or s.to <= outer.to or outer.to <= s.from,
            ("%s overlaps %s"):format(s.event.name, outer and outer.event.name))
        open[#open + 1] = s
        assert(#open <= deepest, ("%s lies %d deep"):format(s.event.name, #open))
    end
end

--- The trace in a file: events, lost, and what is below.
function reader.trace(path)
    local text = text_of(path)
    local whole, after = decode(text)
    assert(text:find("^%s*$", after), "nothing follows the trace")
    assert.equal("ns", whole.displayTimeUnit)
    local trace = setmetatable({ events = whole.traceEvents, lost = whole.otherData.lost }, Trace)
    for _, e in ipairs(trace.events) do check_event(e) end
    for key, list in pairs(by_track(trace)) do
        if key:sub(1, 1) == "i" then table.sort(list, function(a, b) return a.at < b.at end) end
        check_order(key, list)
        if key:sub(1, 1) == "X" and #list > 0 then
            check_nesting(list, list[1].event.tid < SYSTEM and math.huge or 2) -- of a stream: replays, and what they hold
        end
    end
    return trace
end

-- By time; in their order where that is the same.
local function in_time(list)
    local at = {}
    for i, e in ipairs(list) do at[e] = i end
    table.sort(list, function(a, b)
        if a.ts ~= b.ts then return a.ts < b.ts end
        return at[a] < at[b]
    end)
    return list
end

--- By their times, events with that name, or one that begins with it where it ends in "*"; of those with a field as given.
function Trace:named(name, fields)
    local list, prefix = {}, name:match "^(.*)%*$"
    for _, e in ipairs(self.events) do
        local fits = e.name == name or prefix and e.name:sub(1, #prefix) == prefix
        for key, value in pairs(fields or {}) do fits = fits and (e.args or {})[key] == value end
        if fits and e.ph ~= "M" then list[#list + 1] = e end
    end
    return in_time(list)
end

--- The values of a field of such events, in their order.
function Trace:values(name, key, fields)
    local list = {}
    for i, e in ipairs(self:named(name, fields)) do list[i] = e.args[key] end
    return list
end

--- The names of processes, or of one's tracks, by number.
function Trace:names(what, pid)
    local names = {}
    for _, e in ipairs(self.events) do
        if e.ph == "M" and e.name == what and (not pid or e.pid == pid) then names[pid and e.tid or e.pid] = e.args.name end
    end
    return names
end

--- The number of the nth manager's process, which is the only one unless there are more.
function Trace:manager(nth)
    for pid, name in pairs(self:names "process_name") do
        if name:find(("^manager %d:"):format(nth or 1)) then return pid end
    end
end

--- Of a counter: its most, and its last.
function Trace:counter(name, pid)
    local most, last = 0, 0
    for _, e in ipairs(self.events) do
        if e.ph == "C" and e.name == name and (not pid or e.pid == pid) then
            most, last = math.max(most, e.args.bytes), e.args.bytes
        end
    end
    return most, last
end

-- ---- Histories ---------------------------------------------------------------------------------

local function play(history, action, address, size)
    if action == "allocate failure" then
        assert.equal("0x0", address)
        history.failures = history.failures + 1
    elseif action == "allocate" then
        assert.is_nil(history.live[address], address .. " is allocated twice")
        history.live[address] = size
        history.now = history.now + size
        history.largest = math.max(history.largest, size)
        history.allocations = history.allocations + 1
    else
        assert.equal("free", action)
        assert.equal(history.live[address], size, address .. " is freed as another size")
        history.live[address] = nil
        history.now = history.now - size
    end
    history.peak = math.max(history.peak, history.now)
end

--- Plays a history: { now, peak, largest, allocations, failures, live = { address = bytes } }.
function reader.history(path)
    local history = { now = 0, peak = 0, largest = 0, allocations = 0, failures = 0, live = {} }
    local head, rows = text_of(path):match "^([^\n]*)\n(.*)$"
    assert.equal("Thread,Time,Action,Pointer,Size,Stream", head)
    for row in rows:gmatch "([^\n]*)\n" do
        local action, address, size = row:match "^%d+,%d%d:%d%d:%d%d%.%d%d%d%d%d%d,([%a ]+),(0x%x+),(%d+),0x0$"
        assert(action, "a row: " .. row)
        play(history, action, address, math.tointeger(size))
    end
    return history
end

return reader
