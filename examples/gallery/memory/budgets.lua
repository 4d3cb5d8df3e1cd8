-- SPDX-License-Identifier: MIT
-- Budgets: two managers have limits of their own, and with --limit of gpumm-run all of a script's managers share one more.
-- What is refused changes nothing, and the message says who holds what. Both grow in turns until somebody's budget is used up.
--
--     gpumm-run --limit 48MiB examples/gallery/memory/budgets.lua [--out budgets.svg] [--first 40MiB] [--second 12MiB]

local gpumm = require "gpumm"
local chart = dofile(gpumm.beside "../chart.lua")
local opt = gpumm.options(arg, { out = "budgets.svg", first = "40MiB", second = "12MiB" })
local MIB = 1 << 20

local managers, buffers, history = {}, {}, {}
for i, limit in ipairs { opt.first, opt.second } do
    managers[i] = assert(gpumm.manager { device = "auto", limit = limit })
    buffers[i] = assert(managers[i]:allocate(i == 1 and "positions" or "edges", "u8", MIB, { growth = gpumm.growth.exact() }))
end

local refused, who, round = nil, nil, 0
while not refused do
    round = round + 1
    for i, b in ipairs(buffers) do
        local before = #b
        local ok, message, code = b:resize(before + (i == 1 and 3 or 1) * MIB)
        if not ok then
            assert(code == "OVER_LIMIT" and #b == before) -- as if nobody had asked
            refused, who = message, i
            break
        end
    end
    history[round] = { managers[1]:stats().used_bytes, managers[2]:stats().used_bytes }
end
print(("round %d: manager %d is refused"):format(round, who))
print(refused)

local drawing = chart.new(800, 420, "Two managers grow in turns")
local most = 56 * MIB
local function y_of(bytes) return 380 - 310 * bytes / most end
local wide = 700 / round
for k, used in ipairs(history) do
    local x = 60 + (k - 1) * wide
    drawing:box(x, y_of(used[1]), wide - 4, 380 - y_of(used[1]), chart.color(1), 0.9)
    drawing:box(x, y_of(used[1] + used[2]), wide - 4, y_of(used[1]) - y_of(used[1] + used[2]), chart.color(2), 0.9)
end
for mib = 0, 48, 16 do
    drawing:line({ 56, y_of(mib * MIB), 764, y_of(mib * MIB) }, mib == 48 and chart.color(4) or "#2a3244", mib == 48 and 2 or 1)
    drawing:text(50, y_of(mib * MIB) + 5, mib, { anchor = "end" })
end
drawing:text(60, 60, "MiB: positions below, edges above; the line is gpumm-run's --limit 48MiB")
drawing:text(60, 404, refused:match "^[^;]*", { size = 11 })
drawing:write(opt.out)

local last = history[#history]
for i, m in ipairs(managers) do
    buffers[i]:free()
    m:close()
end
return { refused = refused, who = who, rounds = round, used = last }
