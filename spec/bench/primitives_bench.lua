-- SPDX-License-Identifier: MIT
-- Primitives beside a copy of the same bytes, and beside CUB on a GPU (which nvcc compiles here) or the standard library on
-- one core (c++), in turns:
--
--     gpumm-run spec/bench/primitives_bench.lua [--device cuda] [--n 16777216] [--rounds 5]
--
-- A row is gpumm's median, the other's, their ratio, and the mark. A peer that cannot be built is said, and its rows skipped.

local gpumm = require "gpumm"

local opt = gpumm.options(arg, { device = "auto", n = 1 << 24, rounds = 5 })
local m <close> = assert(gpumm.manager { device = opt.device })
m:raising(true)
local on_gpu = m:device().kind == "cuda"
local n = math.tointeger(opt.n)
local CALLS = on_gpu and 20 or 1

local function buffer(type, length)
    return m:buffer { type = type, length = length or n, max_length = length or n, max_size_bytes = 8 * n + 4096 }
end

-- ---- The peer -------------------------------------------------------------------------------------------

local folder = arg[0]:match "^(.*)/" or "."
local peer = os.tmpname()

local function build()
    local command = "c++ -O2 -std=c++17 '%s/primitives_std.cpp' -o '%s'"
    if on_gpu then
        command = [[PATH="$PATH:/usr/local/cuda/bin" nvcc -O3 -std=c++17 -arch=native '%s/primitives_cub.cu' -o '%s']]
    end
    local pipe = io.popen(command:format(folder, peer) .. " 2>&1")
    local said = pipe:read "a"
    if pipe:close() then return true end
    print("no peer: " .. (said:match "[^\n]+" or "it could not be built"))
    return false
end

-- One more sample of each of the peer's times.
local function ask_peer(times)
    local pipe = io.popen(("'%s' %d %d"):format(peer, n, on_gpu and 5 or 3))
    for line in pipe:lines() do
        local name, seconds = line:match "^(%w+) ([%d.]+)$"
        times[name] = times[name] or {}
        table.insert(times[name], tonumber(seconds))
    end
    assert(pipe:close(), "the peer failed")
end

-- ---- gpumm ----------------------------------------------------------------------------------------------

local from, to, value, to_value = buffer "u32", buffer "u32", buffer "u32", buffer "u32"
local floats, to_floats = buffer "f32", buffer "f32"
local one, at, few, bins = buffer("u32", 1), buffer("u64", 1), buffer("u32", 256), buffer("u32", 1 << 20)

-- Without a compiler: numbers that are all different, and mixed well enough.
local function fill()
    local part = {}
    for first = 0, n - 1, 1 << 16 do
        local count = math.min(1 << 16, n - first)
        for i = 1, count do
            local s = (first + i - 1) * 2654435761 & 0xffffffff
            part[i] = s ~ s >> 13
        end
        for i = count + 1, #part do part[i] = nil end
        from:upload(part, first + 1)
    end
end

local works = {
    { name = "copy", run = function() to:copy(from) end },
    { name = "scan", run = function() m:scan { from = from, to = to } end },
    { name = "scan, exclusive", run = function() m:scan { from = from, to = to, exclusive = true } end },
    { name = "scan of f32", run = function() m:scan { from = floats, to = to_floats } end },
    { name = "sum", run = function() m:reduce { from = from, to = one, op = "sum" } end },
    { name = "argmax", run = function() m:reduce { from = from, to = at, op = "argmax" } end },
    { name = "keys", run = function() m:sort { keys = from, to_keys = to } end },
    { name = "pairs", run = function() m:sort { keys = from, values = value, to_keys = to, to_values = to_value } end },
    { name = "unique", run = function() m:unique { from = from, to = to, count = one } end },
    { name = "select", run = function() m:select { from = from, flags = value, to = to, count = one } end },
    { name = "histogram, 256 bins", run = function() m:histogram { from = from, to = few, high = 1 << 32 } end },
    { name = "histogram, 2^20 bins", run = function() m:histogram { from = from, to = bins, high = 1 << 32 } end },
}

local function time(run)
    run()
    m:synchronize()
    local begin = m:main():record()
    for _ = 1, CALLS do run() end
    local stop = m:main():record()
    stop:wait()
    return begin:elapsed(stop) / CALLS
end

local function median(list)
    local sorted = table.move(list, 1, #list, 1, {})
    table.sort(sorted)
    return sorted[(#sorted + 1) // 2]
end

-- ---- The table ------------------------------------------------------------------------------------------

local reached, missed = 0, 0

local function row(what, ours, beside, name, most)
    local ratio = ours / beside
    local verdict = "-"
    if most then
        verdict = ratio <= most and "ok" or "MISSED"
        if ratio <= most then reached = reached + 1 else missed = missed + 1 end
    end
    print(("%s | %d elements | %.2f us | %.2f us (%s) | %.3f x | %s | %s"):format(what, n, ours * 1e6, beside * 1e6, name, ratio,
        most and ("<= %.1f x"):format(most) or "-", verdict))
end

fill()
floats:fill(0.25)
local has_peer, theirs, ours = build(), {}, {}
for _, work in ipairs(works) do ours[work.name] = {} end
for _ = 1, opt.rounds do
    for _, work in ipairs(works) do table.insert(ours[work.name], time(work.run)) end
    if has_peer then ask_peer(theirs) end
end
os.remove(peer)
for name, list in pairs(ours) do ours[name] = median(list) end
for name, list in pairs(theirs) do theirs[name] = median(list) end

print(("on %s"):format(m:device().name))
print "row | size | gpumm | beside (name) | ratio | must reach | ok/MISSED"
row("scan of u32", ours.scan, ours.copy, "copy", on_gpu and 2.0)
if has_peer then
    local name = on_gpu and "CUB" or "std, one core"
    row("scan of u32", ours.scan, theirs.scan, name, on_gpu and 1.5 or 1.0)
    row("sort of u32 with u32", ours.pairs, theirs.pairs, name, on_gpu and 2.0 or 1.0)
    row("sort of u32", ours.keys, theirs.keys, name, not on_gpu and 1.0)
end
for i = 3, #works do row(works[i].name, ours[works[i].name], ours.copy, "copy") end
print(("%d of %d rows with a mark reached it, %d MISSED"):format(reached, reached + missed, missed))
