-- SPDX-License-Identifier: MIT
-- A plot of memory over time: categories stacked, the steps of growth, the limit, the peak by what held it, axes and a legend,
-- by a pen of plot_pens.lua.

local plot = {}

--- Around the plot, in pixels.
plot.LEFT, plot.RIGHT, plot.TOP, plot.BOTTOM = 84, 190, 56, 54

--- From the bottom up, with what is held for nobody on top.
plot.CATEGORIES = {
    { "buffers", "#5b8ff9" }, { "staging", "#3ecf8e" }, { "pinned", "#f7c843" }, { "scratch", "#ff7a5c" },
    { "external", "#b37feb" }, { "exported", "#36cfe0" }, { "precommitted", "#a3b8e8" }, { "cached", "#c4cbd3" },
    { "slack", "#e3e6ea" },
}

local LEFT, TOP = plot.LEFT, plot.TOP
local NAMED = 8 -- growths that are named: those of the most bytes
local UNITS = { { 1 << 40, "TiB" }, { 1 << 30, "GiB" }, { 1 << 20, "MiB" }, { 1 << 10, "KiB" }, { 1, "B" } }

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

local function draw_axes(p)
    local pen, right, bottom = p.pen, LEFT + p.width, TOP + p.height
    for bytes = 0, p.most, byte_step(p.most) do
        pen:line(LEFT, p:y(bytes), right, p:y(bytes), "grid")
        pen:text(LEFT - 8, p:y(bytes) + 4, size_text(bytes), "plain", "end")
    end
    local step = round_step(p.to - p.from, math.max(2, p.width // 110))
    for us = math.ceil(p.from / step) * step, p.to, step do
        pen:line(p:x(us), bottom, p:x(us), bottom + 5, "axis")
        pen:text(p:x(us), bottom + 20, time_text(us, step), "plain", "middle")
    end
    pen:line(LEFT, bottom, right, bottom, "axis")
    pen:text(LEFT + p.width / 2, bottom + 42, "time since the trace was opened", "plain", "middle")
    pen:text(LEFT, TOP - 10, "memory held", "plain", "start")
end

-- ---- What is drawn ---------------------------------------------------------------------------

local function used_categories(list)
    local used = {}
    for _, category in ipairs(plot.CATEGORIES) do
        for _, now in ipairs(list) do
            if (now[category[1]] or 0) > 0 then
                used[#used + 1] = category
                break
            end
        end
    end
    return used
end

local function draw_areas(p, list, used)
    local names, colors, tops, below = {}, {}, {}, {}
    for i = 1, #list do below[i] = 0 end
    for k, category in ipairs(used) do
        names[k], colors[k], tops[k] = category[1], category[2], {}
        for i, now in ipairs(list) do
            below[i] = below[i] + (now[category[1]] or 0)
            tops[k][i] = p:y(below[i])
        end
    end
    p.pen:areas(names, colors, tops, LEFT, TOP + p.height)
end

local function draw_legend(p, used, list)
    local x, y = LEFT + p.width + 18, TOP + 10
    for i = #used, 1, -1 do
        local most = 0
        for _, now in ipairs(list) do most = math.max(most, now[used[i][1]] or 0) end
        p.pen:box(x, y - 10, 12, 12, used[i][2])
        p.pen:text(x + 18, y, ("%s, %s"):format(used[i][1], size_text(most)), "plain", "start")
        y = y + 20
    end
end

local function draw_limit(p, limit)
    if not limit or limit == 0 or limit > p.most then return end
    local right = LEFT + p.width
    p.pen:line(LEFT, p:y(limit), right, p:y(limit), "limit")
    p.pen:text(right - 4, p:y(limit) - 5, "limit " .. size_text(limit), "mark", "end")
end

-- A tick for each; the largest say what grew, in rows that do not overlap.
local function draw_growths(p, growths)
    table.sort(growths, function(a, b) return a.bytes > b.bytes end)
    local named = table.move(growths, 1, math.min(NAMED, #growths), 1, {})
    for _, g in ipairs(growths) do p.pen:line(p:x(g.at), TOP, p:x(g.at), TOP + p.height, "growth") end
    table.sort(named, function(a, b) return a.at < b.at end)
    local ends = {}
    for _, g in ipairs(named) do
        local text = ("%s to %s"):format(g.name ~= "" and g.name or "a buffer", number_text(g.to))
        local x, row = p:x(g.at), 1
        while ends[row] and ends[row] > x do row = row + 1 end
        ends[row] = x + 6.2 * utf8.len(text, 1, -1, true) + 10
        p.pen:text(x + 3, TOP + 12 * row, text, "mark", "start")
    end
end

local function holders(now)
    local list = {}
    for _, category in ipairs(plot.CATEGORIES) do
        if (now[category[1]] or 0) > 0 then list[#list + 1] = { category[1], now[category[1]] } end
    end
    table.sort(list, function(a, b) return a[2] > b[2] end)
    local words = {}
    for i = 1, math.min(3, #list) do words[i] = ("%s %s"):format(list[i][1], size_text(list[i][2])) end
    return table.concat(words, ", ")
end

local function draw_peak(p, peak, step)
    local x, y = p:x(peak.at), p:y(peak.total)
    local left = x < LEFT + p.width / 2
    p.pen:dot(x, y, 4.5, "#d1242f")
    p.pen:text(x + (left and 8 or -8), math.max(y - 7, 12), ("peak %s at %s: %s"):format(size_text(peak.total),
        time_text(peak.at, step), holders(peak.now)), "name", left and "start" or "end")
end

--- Draws by a pen: of = { width, height, from, to (microseconds), columns (bytes by category, one for each pixel of the plot's
--- width), peak = { total, at, now, limit }, growths = { { name, at, to, bytes } … }, title }.
function plot.draw(pen, of)
    local peak, limit = of.peak, of.peak.limit or 0
    local p = setmetatable({
        pen = pen, from = of.from, to = of.to,
        width = of.width - LEFT - plot.RIGHT, height = of.height - TOP - plot.BOTTOM,
        most = math.max(1, peak.total, limit <= 2 * peak.total and limit or 0) * 1.12,
    }, Plot)
    pen:box(0, 0, of.width, of.height, "#ffffff")
    pen:text(LEFT, 24, of.title, "title", "start")
    local used = used_categories(of.columns)
    draw_areas(p, of.columns, used)
    draw_axes(p)
    draw_limit(p, limit)
    draw_growths(p, of.growths)
    draw_peak(p, peak, round_step(of.to - of.from, 8))
    draw_legend(p, used, of.columns)
end

return plot
