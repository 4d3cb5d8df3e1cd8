-- SPDX-License-Identifier: MIT
-- How much slower steps are while 20 viewers look, 5 of which never read; not in CI, because it needs a machine that does nothing
-- else:   gpumm-run spec/live/measure.lua GRAPH [ROUNDS [PYTHON]]
-- Rounds alternate between nobody and 20 viewers (in a process of their own); the medians of their steps are compared, and, for a
-- machine with other work, the processor's time a step: the user's of the process, and all of the thread that steps.

local gpumm = require "gpumm"

local GRAPH, ROUNDS, PYTHON = arg[1] or error("GRAPH is missing", 0), tonumber(arg[2] or 5), arg[3] or "python3"
local SECONDS, TOKEN = 4, ("0123456789abcdef"):rep(2)

local sim = gpumm.force.layout(gpumm.graph.read(GRAPH), { steps = 1 << 30, settle = 0 })
local session <close> = gpumm.live.open { token = TOKEN, quiet = true }
local times = { alone = {}, watched = {} }
local phase, round, since, last = "warm", 0, gpumm.clock(), nil

local function median(list)
    table.sort(list)
    return list[#list // 2 + 1]
end

-- What the processor has spent: of a line of /proc, the user's and the kernel's ticks, of which there are 100 a second.
local function ticks(path)
    local file <close> = assert(io.open(path))
    local words = {}
    for word in file:read "a":match "^.*%) (.*)$":gmatch "%S+" do words[#words + 1] = word end
    return tonumber(words[12]), tonumber(words[13])
end

local spent = { alone = { steps = 0, user = 0, thread = 0 }, watched = { steps = 0, user = 0, thread = 0 } }

local function clocks()
    local own, system = ticks "/proc/thread-self/stat"
    return { steps = sim.i, user = ticks "/proc/self/stat", thread = own + system }
end

local mark

-- A phase of steps has begun, or has ended.
local function count(before, after)
    local now = clocks()
    for key, value in pairs(spent[before] and mark or {}) do
        spent[before][key] = spent[before][key] + now[key] - value
    end
    mark = spent[after] and now or nil
end

-- Viewers take frames until each has had very many, or 50 seconds are over; `timeout` ends them with their round.
local function invite()
    os.execute(("timeout %d '%s' spec/live/client.py %s %s /dev/null many 15 5 100000 2>/dev/null &"):format(SECONDS + 6, PYTHON,
        session.url:match ":(%d+)/", TOKEN))
end

local function next_phase(now)
    local viewers, late, before = session:counts().viewers, now - since > SECONDS, phase
    if phase == "warm" and late then phase = "alone"
    elseif phase == "alone" and late then
        phase = "inviting"
        invite()
    elseif phase == "inviting" and viewers == 20 then phase = "watched"
    elseif phase == "watched" and (late or viewers < 20) then
        phase, round = "leaving", round + 1
    elseif phase == "leaving" and viewers == 0 then phase = "alone"
    else return end
    since, last = now, nil
    count(before, phase)
end

session:run(sim, { interrupted = function()
    local now = gpumm.clock()
    if last and times[phase] then table.insert(times[phase], now - last) end
    last = now
    next_phase(now)
    return round == ROUNDS
end })
local alone, watched = median(times.alone), median(times.watched)
print(("alone %.3f ms a step, with 20 viewers %.3f ms: %+.1f %% (%d and %d steps, %d frames sent)"):format(1e3 * alone,
    1e3 * watched, 100 * (watched / alone - 1), #times.alone, #times.watched, session:counts().sent))
for _, key in ipairs { "user", "thread" } do
    local before, after = spent.alone[key] / spent.alone.steps, spent.watched[key] / spent.watched.steps
    print(("processor's time a step, %s: %.3f ms alone, %.3f ms with 20 viewers: %+.1f %%"):format(
        key == "user" and "the user's of all threads" or "of the thread that steps", 10 * before, 10 * after,
        100 * (after / before - 1)))
end
