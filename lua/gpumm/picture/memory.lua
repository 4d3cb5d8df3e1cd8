-- SPDX-License-Identifier: MIT
-- A manager's memory over time, read from a trace: one state for each column of a picture, what grew, and the peak.
-- memory_plot.lua draws it.

local checked = require "gpumm.common.checked"
local native = require "gpumm.layout.native"
local pens = require "gpumm.picture.plot_pens"
local plot = require "gpumm.picture.memory_plot"

local FIELDS = {
    trace = { kind = "any" }, manager = { kind = "whole", default = 1, least = 1 }, title = { kind = "any" },
    width = { kind = "whole", default = 1200, least = 400, most = 16384 },
    height = { kind = "whole", default = 560, least = 240, most = 16384 },
}

-- ---- Reading a trace: a line an event --------------------------------------------------------

local function counter_of(line)
    local name, pid, ts, bytes = line:match
        '^{"ph":"C","name":"(%a+)","pid":(%d+),"tid":%d+,"ts":([%d.]+),"args":{"bytes":(%d+)}}'
    return name, math.tointeger(pid), tonumber(ts), math.tointeger(bytes)
end

local function growth_of(line)
    local name, ts, pid, to, bytes = line:match
        '^{"ph":"X","name":"grow ?([^"]*)".-"ts":([%d.]+).-"manager":(%d+),"from":%d+,"to":(%d+),"bytes":(%d+),"status":"OK"'
    if not name then return nil end
    return { name = name, at = tonumber(ts), pid = math.tointeger(pid), to = math.tointeger(to), bytes = math.tointeger(bytes) }
end

local function read(path)
    local file, message = io.open(path, "rb")
    if not file then error("picture.memory: " .. message, 0) end
    local _ <close> = file
    local managers, order, growths, names = {}, {}, {}, {}
    for line in file:lines() do
        local name, pid, ts, bytes = counter_of(line)
        if name then
            if not managers[pid] then managers[pid], order[#order + 1] = {}, pid end
            table.insert(managers[pid], { name = name, at = ts, bytes = bytes })
        else
            growths[#growths + 1] = growth_of(line)
            local number, title = line:match '"process_name","pid":(%d+),.-"name":"(manager [^"]*)"'
            if number then names[math.tointeger(number)] = title end
        end
    end
    if #order == 0 then
        error(("picture.memory: %s has no manager's memory: it is no trace of gpumm's, or nothing was allocated")
            :format(path), 0)
    end
    return managers, order, growths, names
end

-- ---- Over time -------------------------------------------------------------------------------

local function sum(now)
    local total = 0
    for _, category in ipairs(plot.CATEGORIES) do total = total + (now[category[1]] or 0) end
    return total
end

local function copy(now)
    local same = {}
    for key, value in pairs(now) do same[key] = value end
    return same
end

-- Of what changed at one time only the end counts; `each` gets the time, and all counters after it.
local function replay(counters, each)
    local now = {}
    for i, c in ipairs(counters) do
        now[c.name] = c.bytes
        local following = counters[i + 1]
        if not following or following.at ~= c.at then each(c.at, now) end
    end
end

-- One state for each column of the plot, of those within it the one with the most bytes, so that no peak is lost; and the
-- peak of all.
local function columns(counters, from, to, count)
    local list, peak, last = {}, { total = -1 }, {}
    local filled = 0
    replay(counters, function(at, now)
        local column = math.min(count, 1 + math.floor((at - from) / (to - from) * count))
        for i = filled + 1, column - 1 do list[i] = last end
        local total = sum(now)
        if column > filled or total > sum(list[column]) then list[column] = copy(now) end
        filled, last = math.max(filled, column), copy(now)
        if total > peak.total then peak = { total = total, at = at, now = last, limit = now.limit } end
    end)
    for i = filled + 1, count do list[i] = last end
    return list, peak
end

-- ---- What was asked for ----------------------------------------------------------------------

local function ending_of(path) return type(path) == "string" and (path:match "%.(%a+)$" or ""):lower() end

local function check(path, options)
    if not pens[ending_of(path)] then
        error(("picture.memory writes .svg, .png or .pdf, not %s"):format(tostring(path)), 4)
    end
    local why = ending_of(path) ~= "svg" and native.pen_missing()
    if why then error(("picture.memory: a picture as .%s %s; .svg needs nothing"):format(ending_of(path), why), 0) end
    options = checked.options("picture.memory", options, FIELDS, 4)
    if type(options.trace) ~= "string" then
        error("picture.memory: trace is the path of a trace, as gpumm-run --trace writes it", 4)
    end
    return options
end

local function of_manager(growths, pid)
    local list = {}
    for _, g in ipairs(growths) do
        if g.pid == pid then list[#list + 1] = g end
    end
    return list
end

local function draw(path, options, counters, growths, name)
    local from, to = counters[1].at, counters[#counters].at
    if to <= from then to = from + 1 end
    local width = options.width - plot.LEFT - plot.RIGHT
    local list, peak = columns(counters, from, to, width)
    local pen <close> = pens[ending_of(path)](path, options.width, options.height)
    plot.draw(pen, { width = options.width, height = options.height, from = from, to = to, columns = list, peak = peak,
        growths = growths, title = tostring(options.title or name) })
    pen:commit()
    return peak
end

--- Writes the picture; returns its peak: { total =, at =, now = { buffers =, … } }.
return function(path, options)
    options = check(path, options)
    local managers, order, growths, names = read(options.trace)
    local pid = order[options.manager]
    if not pid then
        error(("picture.memory: %s has %d managers with memory, and no number %d")
            :format(options.trace, #order, options.manager), 0)
    end
    return draw(path, options, managers[pid], of_manager(growths, pid), names[pid] or "memory of a manager")
end
