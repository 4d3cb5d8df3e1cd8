-- SPDX-License-Identifier: MIT
-- A manager's memory over time, from a trace: its categories stacked, the steps of its growth, the peak by what held it,
-- with axes and labels. It is an SVG, which has text of its own and needs no library.

local checked = require "gpumm.common.checked"

local FIELDS = {
    trace = { kind = "any" }, manager = { kind = "whole", default = 1, least = 1 }, title = { kind = "any" },
    width = { kind = "whole", default = 1200, least = 400, most = 16384 },
    height = { kind = "whole", default = 560, least = 240, most = 16384 },
}

-- From the bottom up, with what is held for nobody on top.
local CATEGORIES = {
    { "buffers", "#5b8ff9" }, { "staging", "#3ecf8e" }, { "pinned", "#f7c843" }, { "scratch", "#ff7a5c" },
    { "external", "#b37feb" }, { "exported", "#36cfe0" }, { "precommitted", "#a3b8e8" }, { "cached", "#c4cbd3" },
    { "slack", "#e3e6ea" },
}
local LEFT, RIGHT, TOP, BOTTOM = 84, 190, 56, 54 -- around the plot
local NAMED = 8                                   -- growths that are named: those of the most bytes
local UNITS = { { 1 << 40, "TiB" }, { 1 << 30, "GiB" }, { 1 << 20, "MiB" }, { 1 << 10, "KiB" }, { 1, "B" } }

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
    for _, category in ipairs(CATEGORIES) do total = total + (now[category[1]] or 0) end
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

-- ---- Text ------------------------------------------------------------------------------------

-- Whole units as "64 MiB", others as "1.5 MiB".
local function size_text(bytes)
    for _, unit in ipairs(UNITS) do
        if bytes >= unit[1] then
            local value = bytes / unit[1]
            return (value == math.floor(value) and "%d %s" or "%.1f %s"):format(value, unit[2])
        end
    end
    return "0 B"
end

local function number_text(n)
    local text = tostring(n):reverse():gsub("(%d%d%d)", "%1,"):reverse()
    return (text:gsub("^,", ""))
end

local function time_text(us, step)
    if step >= 1e6 then return ("%d s"):format(us // 1e6) end
    if step >= 1e3 then return ("%d ms"):format(us // 1e3) end
    return ("%d us"):format(us // 1)
end

local ESCAPED = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;" }

-- What JSON has escaped stays as JSON has it, but for what XML minds.
local function escaped(text) return (text:gsub('[&<>"]', ESCAPED)) end

-- ---- Axes ------------------------------------------------------------------------------------

-- 1, 2 or 5 times a power of ten.
local function round_step(range, count)
    local step = 10 ^ math.floor(math.log(range / count, 10))
    for _, factor in ipairs { 1, 2, 5, 10 } do
        if range / (step * factor) <= count then return step * factor end
    end
end

local function byte_step(range)
    local step = 1
    while range / step > 6 do step = step * 2 end
    return step
end

local Plot = {}
Plot.__index = Plot

function Plot:x(us) return LEFT + (us - self.from) / (self.to - self.from) * self.width end
function Plot:y(bytes) return TOP + self.height - bytes / self.most * self.height end

function Plot:put(format, ...) self.out[#self.out + 1] = format:format(...) end

function Plot:text(x, y, text, more)
    self:put('<text x="%.1f" y="%.1f"%s>%s</text>', x, y, more and " " .. more or "", escaped(text))
end

local function draw_axes(p)
    local step = byte_step(p.most)
    for bytes = 0, p.most, step do
        local y = p:y(bytes)
        p:put('<line class="grid" x1="%d" y1="%.1f" x2="%.1f" y2="%.1f"/>', LEFT, y, LEFT + p.width, y)
        p:text(LEFT - 8, y + 4, size_text(bytes), 'text-anchor="end"')
    end
    step = round_step(p.to - p.from, math.max(2, p.width // 110))
    for us = math.ceil(p.from / step) * step, p.to, step do
        local x = p:x(us)
        p:put('<line class="axis" x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f"/>', x, TOP + p.height, x, TOP + p.height + 5)
        p:text(x, TOP + p.height + 20, time_text(us, step), 'text-anchor="middle"')
    end
    p:put('<line class="axis" x1="%d" y1="%.1f" x2="%.1f" y2="%.1f"/>', LEFT, TOP + p.height, LEFT + p.width, TOP + p.height)
    p:text(LEFT + p.width / 2, TOP + p.height + 42, "time since the trace was opened", 'text-anchor="middle"')
    p:text(0, 0, "memory held", ('text-anchor="middle" transform="translate(16 %.1f) rotate(-90)"'):format(TOP + p.height / 2))
end

-- ---- What is drawn ---------------------------------------------------------------------------

local function used_categories(list)
    local used = {}
    for _, category in ipairs(CATEGORIES) do
        for _, now in ipairs(list) do
            if (now[category[1]] or 0) > 0 then
                used[#used + 1] = category
                break
            end
        end
    end
    return used
end

-- Steps: each column is flat.
local function outline(p, list, heights)
    local points = {}
    for i = 1, #list do
        local y = p:y(heights[i])
        local from, to = LEFT + (i - 1) / #list * p.width, LEFT + i / #list * p.width
        points[#points + 1] = ("%.1f,%.1f %.1f,%.1f"):format(from, y, to, y)
    end
    return points
end

local function reversed(points)
    local list = {}
    for i = #points, 1, -1 do
        local first, second = points[i]:match "^(%S+) (%S+)$"
        list[#list + 1] = second .. " " .. first
    end
    return list
end

local function draw_areas(p, list, used)
    local below = {}
    for i = 1, #list do below[i] = 0 end
    local floor = outline(p, list, below)
    for _, category in ipairs(used) do
        for i, now in ipairs(list) do below[i] = below[i] + (now[category[1]] or 0) end
        local top = outline(p, list, below)
        p:put('<polygon class="%s" fill="%s" points="%s %s"/>', category[1], category[2], table.concat(top, " "),
            table.concat(reversed(floor), " "))
        floor = top
    end
end

local function draw_legend(p, used, list)
    local x, y = LEFT + p.width + 18, TOP + 10
    for i = #used, 1, -1 do
        local most = 0
        for _, now in ipairs(list) do most = math.max(most, now[used[i][1]] or 0) end
        p:put('<rect x="%.1f" y="%.1f" width="12" height="12" fill="%s"/>', x, y - 10, used[i][2])
        p:text(x + 18, y, ("%s, %s"):format(used[i][1], size_text(most)))
        y = y + 20
    end
end

local function draw_limit(p, limit)
    if not limit or limit == 0 or limit > p.most then return end
    p:put('<line class="limit" x1="%d" y1="%.1f" x2="%.1f" y2="%.1f"/>', LEFT, p:y(limit), LEFT + p.width, p:y(limit))
    p:text(LEFT + p.width - 4, p:y(limit) - 5, "limit " .. size_text(limit), 'class="mark" text-anchor="end"')
end

-- A tick for each; the largest say what grew, in rows that do not overlap.
local function draw_growths(p, growths)
    table.sort(growths, function(a, b) return a.bytes > b.bytes end)
    local named = table.move(growths, 1, math.min(NAMED, #growths), 1, {})
    for _, g in ipairs(growths) do
        p:put('<line class="growth" x1="%.1f" y1="%d" x2="%.1f" y2="%.1f"/>', p:x(g.at), TOP, p:x(g.at), TOP + p.height)
    end
    table.sort(named, function(a, b) return a.at < b.at end)
    local ends = {}
    for _, g in ipairs(named) do
        local text = ("%s to %s"):format(g.name ~= "" and g.name or "a buffer", number_text(g.to))
        local x, row = p:x(g.at), 1
        while ends[row] and ends[row] > x do row = row + 1 end
        ends[row] = x + 6.2 * utf8.len(text, 1, -1, true) + 10
        p:text(x + 3, TOP + 12 * row, text, 'class="mark"')
    end
end

local function holders(now)
    local list = {}
    for _, category in ipairs(CATEGORIES) do
        if (now[category[1]] or 0) > 0 then list[#list + 1] = { category[1], now[category[1]] } end
    end
    table.sort(list, function(a, b) return a[2] > b[2] end)
    local words = {}
    for i = 1, math.min(3, #list) do words[i] = ("%s %s"):format(list[i][1], size_text(list[i][2])) end
    return table.concat(words, ", ")
end

local BOLD = 6.6 -- pixels of a character, on average

local function draw_peak(p, peak, step)
    local x, y = p:x(peak.at), p:y(peak.total)
    p:put('<circle class="peak" cx="%.1f" cy="%.1f" r="4"/>', x, y)
    local text = ("peak %s at %s: %s"):format(size_text(peak.total), time_text(peak.at, step), holders(peak.now))
    local anchor, at, wide = "start", x + 8, BOLD * #text
    if at + wide > LEFT + p.width then anchor, at = "end", x - 8 end
    if anchor == "end" and at < wide then anchor, at = "middle", LEFT + p.width / 2 end -- too long for either side
    p:text(at, math.max(y - 7, 12), text, ('class="name" text-anchor="%s"'):format(anchor))
end

local STYLE = [[
<style>text{font:12px sans-serif;fill:#30363d}.title{font-size:15px;font-weight:600}.name{font-weight:600}
.mark{font-size:11px;fill:#57606a}.grid{stroke:#d0d7de;stroke-width:1}.axis{stroke:#57606a;stroke-width:1}
.growth{stroke:#30363d;stroke-width:1;stroke-dasharray:2 3;opacity:.55}
.limit{stroke:#d1242f;stroke-width:1.5;stroke-dasharray:6 4}.peak{fill:#d1242f;stroke:#fff;stroke-width:1.5}</style>
]]

local function draw(options, counters, growths, name)
    local from, to = counters[1].at, counters[#counters].at
    if to <= from then to = from + 1 end
    local width, height = options.width - LEFT - RIGHT, options.height - TOP - BOTTOM
    local list, peak = columns(counters, from, to, width)
    local limit = peak.limit or 0
    local most = math.max(1, peak.total, limit <= 2 * peak.total and limit or 0) * 1.12
    local p = setmetatable({ out = {}, from = from, to = to, width = width, height = height, most = most }, Plot)
    p:put('<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d">', options.width, options.height,
        options.width, options.height)
    p.out[#p.out + 1] = STYLE
    p:put('<rect width="%d" height="%d" fill="#ffffff"/>', options.width, options.height)
    p:text(LEFT, 24, tostring(options.title or name), 'class="title"')
    local used = used_categories(list)
    draw_areas(p, list, used)
    draw_axes(p)
    draw_limit(p, limit)
    draw_growths(p, growths)
    draw_peak(p, peak, round_step(to - from, 8))
    draw_legend(p, used, list)
    p:put "</svg>"
    return table.concat(p.out, "\n") .. "\n", peak
end

-- ---- What was asked for ----------------------------------------------------------------------

local function check(path, options)
    if type(path) ~= "string" or not path:find "%.[sS][vV][gG]$" then
        error(("picture.memory writes .svg, not %s"):format(tostring(path)), 4)
    end
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

-- Returns the text of the picture, and its peak: { total =, at =, now = { buffers =, … } }.
return function(path, options)
    options = check(path, options)
    local managers, order, growths, names = read(options.trace)
    local pid = order[options.manager]
    if not pid then
        error(("picture.memory: %s has %d managers with memory, and no number %d")
            :format(options.trace, #order, options.manager), 0)
    end
    return draw(options, managers[pid], of_manager(growths, pid), names[pid] or "memory of a manager")
end
