-- successes: 26
-- SPDX-License-Identifier: MIT
-- Recordings from Lua: replays against the same calls, names and lengths, growth between, what goes meanwhile, what cannot
-- be recorded; and steps of simulations that are recorded as they run, whatever they do.

local gpumm = require "gpumm"
local spec = require "gpumm.spec"
local support = require "spec.support"
local exports = require "spec.exports"
local raises, contains, buffer = support.raises, support.contains, support.buffer

local SOURCE = [[
extern "C" __global__ void add(int n, unsigned *p, unsigned more)
{ int i = blockIdx.x * blockDim.x + threadIdx.x; if (i < n) p[i] += more + i; }
extern "C" __global__ void scale(unsigned long long n, float *to, const unsigned *p, float by, float2 shift, bool twice)
{ unsigned long long i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) to[i] = p[i] * by * (twice ? 2 : 1) + shift.x - shift.y; }
extern "C" __global__ void stamp(int n, unsigned *a, unsigned *b, int step)
{ int i = blockIdx.x * blockDim.x + threadIdx.x; if (i < n) { a[i] = step; b[i] = step; } }]]

local function kernels(m)
    local k = {}
    for _, name in ipairs { "add", "scale", "stamp" } do k[name] = assert(m:kernel { source = SOURCE, name = name }) end
    return k
end

local function bytes(b) return assert(b:download()):bytes() end

local function growing(m, type, length)
    return assert(m:buffer { type = type, length = length, max_length = 1 << 20 })
end

after_each(spec.close)

describe("a recording", function()
    local m, k, a, b, v
    before_each(function()
        m = spec.manager { workers = 2 }
        k = kernels(m)
        a, b, v = growing(m, "u32", 1000), growing(m, "f32", 1000), growing(m, "f32x3", 100)
    end)

    -- The same by single calls on buffers of their own.
    local function twin()
        local x, y, z = growing(m, "u32", a.length), growing(m, "f32", b.length), growing(m, "f32x3", v.length)
        return x, y, z, function(step, by)
            k.add(x.length, x, step)
            k.scale(x.length, y, x, by, { step, 2 }, step % 2 == 0)
            y:fill(7, 3, 5)
            z:fill { 1, 2, 3 }
            z:fill({ step_is_not_named = nil, 4, 5, 6 }, 1, 2)
            x:copy(x, { first = 501, from_first = 1, count = 300 })
            k.add(10, x, 1)
        end
    end

    it("of rows and layers is the launch with its geometry", function()
        local rows = assert(m:kernel { name = "rows", source = [[
extern "C" __global__ void rows(unsigned *p, unsigned more)
{ unsigned at = (blockIdx.y * blockDim.y + threadIdx.y) * gridDim.x * blockDim.x + blockIdx.x * blockDim.x + threadIdx.x;
  p[at] += 1000 * blockIdx.y + more + threadIdx.x; }]] })
        local mine, theirs = growing(m, "u32", 512), growing(m, "u32", 512)
        mine:fill(0)
        theirs:fill(0)
        local recording = assert(m:record(function(r)
            for _ = 1, 3 do rows({ p = mine, more = r:scalar "more" }, { grid = { 4, 4 }, block = { 8, 4 } }) end
        end))
        for more = 1, 3 do
            for _ = 1, 3 do rows({ p = theirs, more = more }, { grid = { 4, 4 }, block = { 8, 4 } }) end
            assert.is_true(recording:replay { more = more })
        end
        assert.equal(bytes(theirs), bytes(mine))
        assert.equal(3 * (3 * 3000 + 6 + 3 * 7), mine:download()[512])
    end)

    local function record()
        return m:record(function(r)
            k.add(r:length(a), a, r:scalar "step")
            k.scale { n = r:length(a), to = b, p = a, by = r:scalar "by", shift = r:scalar "shift", twice = r:scalar "even" }
            b:fill(7, 3, 5)
            v:fill { 1, 2, 3 }
            v:fill({ 4, 5, 6 }, 1, 2)
            a:copy(a, { first = 501, from_first = 1, count = 300 })
            k.add(10, a, 1)
        end)
    end

    local function replay(recording, step, by, stream)
        return recording:replay { step = step, by = by, shift = { step, 2 }, even = step % 2 == 0, stream = stream }
    end

    it("does what its calls would have done", function()
        local x, y, z, step = twin()
        local recording = record()
        assert.is_true(recording.count > 7) -- a fill with a vector is several
        assert.equal(m, recording.manager)
        for i = 1, 40 do
            step(i, i / 8)
            assert.is_true(replay(recording, i, i / 8))
        end
        assert.equal(bytes(x), bytes(a))
        assert.equal(bytes(y), bytes(b))
        assert.equal(bytes(z), bytes(v))
        recording:close()
        raises("gpumm.recording", replay, recording, 1, 1)
    end)

    it("follows buffers that grow in place, and is STALE where they moved", function()
        local x, y, z, step = twin()
        local watch, recording = support.watch_moves(m, a), record()
        for round = 1, 4 do
            for _, grown in ipairs { a, x, b, y } do assert(grown:resize(30000 * round)) end
            for _, grown in ipairs { v, z } do assert(grown:resize(100 + round)) end
            if watch() then
                raises("has moved since it was recorded", replay, recording, 1, 1)
                recording = record()
            end
            for i = 1, 5 do
                step(i, 0.5)
                assert(replay(recording, i, 0.5))
            end
            assert.equal(bytes(x), bytes(a))
            assert.equal(bytes(y), bytes(b))
            assert.equal(bytes(z), bytes(v))
        end
    end)

    it("takes whole fills and copies to the length that there is at the replay", function()
        local to = growing(m, "u32", 50000)
        local recording = m:record(function()
            a:fill(9)
            to:copy(a, { first = 2, from_first = 3 })
        end)
        assert(a:resize(5000))
        recording:replay()
        local got = to:download()
        assert.same({ 0, 9, 9, 0 }, { got[1], got[2], got[4999], got[5000] })
        assert.equal(9, a:download()[5000])
        local exact = m:record(function() a:fill(1, 1, 5000) end)
        assert(a:resize(4999))
        raises("has 4999 elements", exact.replay, exact)
        to:resize(10)
        raises("lie outside", recording.replay, recording)
    end)

    it("has primitives, of the lengths that there are at each replay", function()
        local keys, values, ordered = growing(m, "u32", 10), growing(m, "u32", 10), growing(m, "u32", 10)
        local sums, kept, counts = growing(m, "u32", 11), growing(m, "u32", 10), growing(m, "u32", 2)
        local bins, last = growing(m, "u32", 10), growing(m, "u32", 1)
        local function run()
            k.add(10, values, 1)
            assert.is_true(m:sort { keys = keys, values = values, to_keys = ordered })
            assert.is_true(m:scan { from = values, to = sums, exclusive = true, total = true })
            assert.is_true(m:select { from = values, flags = ordered, to = kept, count = counts })
            assert.is_true(m:unique { from = ordered, to = kept })
            assert.is_true(m:histogram { from = keys, to = bins })
            assert.is_true(m:reduce { from = sums, to = last, op = "max", n = 10 })
        end
        local recording, all = m:record(run), { keys, values, ordered, sums, kept, counts, bins, last }
        local function contents()
            local parts = {}
            for i, x in ipairs(all) do parts[i] = bytes(x) end
            return table.concat(parts)
        end
        for _, n in ipairs { 10, 5000, 70000, 300 } do
            local first = {}
            for i = 1, n do first[i] = i * 7919 % 10 end
            local function set()
                for _, x in ipairs { keys, values, ordered, kept } do x:resize(n) end
                sums:resize(n + 1)
                keys:upload(first)
                values:upload(first)
                for _, x in ipairs { ordered, sums, kept, counts, bins, last } do x:fill(0) end
            end
            set()
            run()
            local wanted = contents()
            set()
            local replayed, message = pcall(recording.replay, recording)
            if not replayed then -- it has moved, where memory grows by copying
                assert.matches("STALE", message, 1, true)
                recording = m:record(run)
            end
            set()
            assert.is_true(recording:replay())
            assert.equal(wanted, contents())
        end
        assert.equal(300, bins:download()[1] * 10)
        assert.is_true(m:stats().scratch.now > 0) -- it is the recording's
        recording:close()
        assert.equal(0, m:stats().scratch.now)
    end)

    it("says what is wrong with a primitive, at its line", function()
        local short = growing(m, "u32", 5)
        raises("has a length of 5, and 1000 are needed", m.record, m, function()
            local ok, message = m:scan { from = a, to = short }
            error(ok or message, 0)
        end)
        raises("elements of f32", m.record, m, function() m:select { flags = b, to = a } end)
        local other = m:stream()
        raises("a recording has no streams", m.record, m, function() m:scan { from = a, stream = other } end)
        local recording = m:record(function() m:scan { from = a, n = 1000 } end)
        assert(a:resize(999))
        raises("has a length of 999, and 1000 are needed", recording.replay, recording)
        assert(a:resize(1000))
        a:fill(2)
        assert.is_true(recording:replay())
        assert.equal(2000, a:download()[1000])
    end)

    it("captures, with a ticket a replay", function()
        local r = a:readback { slots = 3 }
        local recording = m:record(function(c)
            k.add(a.length, a, c:scalar "step")
            r:capture(c:scalar "step")
            a:fill(0)
        end)
        for i = 1, 10 do
            local frame = assert(r:wait(recording:replay { step = i }))
            assert.equal(i, frame.step)
            assert.same({ i, i + 999 }, { frame[1][1], frame[1][1000] })
        end
        assert.equal(0, r.dropped)
    end)

    it("says false where a capture was refused, and has done the rest", function()
        local r, s = a:readback { slots = 2 }, b:readback { slots = 2, busy = "newest" }
        local recording = m:record(function()
            k.add(1, a, 1)
            r:capture(4)
            s:capture()
        end)
        local got = {}
        for i = 1, 4 do
            got[i] = { recording:replay() }
            m:synchronize()
        end
        assert.same({ { 1, 1 }, { 2, 2 }, { false, 3 }, { false, 4 } }, got)
        assert.same({ 2, 2 }, { r.dropped, s.dropped })
        assert.equal(4, a:download()[1])
        assert.equal(4, r:latest().step)
    end)

    it("collects garbage frames that are kept before a capture is refused", function()
        local r = a:readback { slots = 2 }
        local recording = m:record(function() r:capture(1) end)
        for i = 1, 20 do
            local ticket = recording:replay()
            assert.equal(i, ticket)
            r:wait(ticket):keep()
        end
        assert.equal(0, r.dropped)
    end)

    it("keeps anonymous buffers, kernels and readbacks alive", function()
        local sum = growing(m, "u32", 10)
        local recording
        do
            local one, add = buffer(m, "u32", { 5, 5 }), assert(m:kernel { source = SOURCE, name = "add" })
            local r = one:readback {}
            recording = m:record(function()
                add(2, one, 1)
                r:capture()
                sum:copy(one)
            end)
        end
        for _ = 1, 3 do collectgarbage() end
        assert.equal(1, recording:replay())
        assert.same({ 6, 7 }, { sum:download():get(1), sum:download()[2] })
    end)

    it("is STALE with the name of what was freed or closed", function()
        local named = assert(m:allocate("named", "u32", 10))
        local one, two = m:record(function() named:fill(1) end), m:record(function() k.stamp(1, a, a, 1) end)
        local r = a:readback {}
        local three = m:record(function() r:capture() end)
        assert(m:free "named")
        contains("STALE", raises("'named' was freed", one.replay, one))
        k.stamp:close()
        contains("STALE", raises("kernel 'stamp', which was closed", two.replay, two))
        r:close()
        assert.equal("CANCELLED", select(3, three:replay()))
        m:close()
        contains("CLOSED", raises("closed", two.replay, two))
    end)

    it("wants every value, and no other", function()
        local recording = record()
        raises("is missing: the recording takes it", recording.replay, recording, { step = 1 })
        raises("'step' is missing", recording.replay, recording)
        contains("did you mean \"step\"", raises("unknown option \"stap\"", recording.replay, recording, { stap = 1 }))
        raises("parameter 'more'", replay, recording, -1, 1)
        raises("parameter 'by'", replay, recording, 1, "much")
        local r = a:readback {}
        local captured = m:record(function(c) r:capture(c:scalar "at") end)
        raises("'at' is a step: a whole number expected", captured.replay, captured, { at = 1.5 })
        assert.equal(1, captured:replay { at = 2.0 })
        assert.equal(bytes(a), ("\0"):rep(4000))
    end)

    it("refuses scalars that are none", function()
        local saved
        raises("a name of 1 to 63 bytes", m.record, m, function(r) r:scalar "" end)
        raises("says where it runs", m.record, m, function(r) r:scalar "stream" end)
        raises("buffer or group", m.record, m, function(r) r:length(5) end)
        raises("a length needs an integer, not float", m.record, m,
            function(r) k.scale(1, b, a, r:length(a), { 1, 1 }, true) end)
        raises("parameter 'p'", m.record, m, function(r) k.add(1, r:scalar "p", 1) end)
        m:record(function(r) saved = r:scalar "x" end)
        raises("for the recording that made", k.add, 1, a, saved)
        contains("scalar 'x'", tostring(saved))
    end)

    it("ends with its function, whatever becomes of that", function()
        local failing = function()
            k.add(1, a, 1)
            error "on purpose"
        end
        raises("recordings_spec.lua:", m.record, m, failing)
        raises("do not hold recordings", m.record, m, function() m:record(function() end) end)
        assert(k.add(1, a, 1))
        assert.equal(1, a:download()[1])
        raises("function expected", m.record, m)
        raises("another coroutine", m.record, m, coroutine.wrap(function() k.add(1, a, 1) end) and function()
            coroutine.wrap(function() k.add(1, a, 1) end)()
        end)
        assert.is_true(m:record(function() end):replay())
    end)

    it("records what is its manager's alone", function()
        local other = spec.manager { workers = 1 }
        local far = buffer(other, "u32", { 1, 2 })
        local recording = m:record(function()
            far:fill(5)
            assert.equal(5, far:download()[2])
            a:fill(3)
        end)
        assert.equal(0, a:download()[1])
        recording:replay()
        assert.equal(3, a:download()[1])
    end)

    it("is replayed on any stream, and is a use of its buffers there", function()
        local s, t = m:stream(), m:stream()
        local one = m:record(function() k.add(1000, a, 1) k.add(1000, a, 2) k.add(1000, a, 3) end)
        local two = m:record(function() a:copy(a, { first = 2, count = 1 }) k.add(1000, a, 5) k.add(1, a, 1) end)
        local x = growing(m, "u32", 1000)
        for i = 1, 60 do
            one:replay { stream = i % 2 == 0 and s or t }
            two:replay { stream = i % 3 == 0 and s or nil }
            k.add(1000, a, 9, t)
            for n = 1, 3 do k.add(1000, x, n) end
            x:copy(x, { first = 2, count = 1 })
            k.add(1000, x, 5)
            k.add(1, x, 1)
            k.add(1000, x, 9)
        end
        assert.equal(bytes(x), bytes(a))
    end)

    -- Methods that are recorded, or do nothing on a device and say nothing of its work.
    local FREE = {
        ["gpumm.manager"] =
            "names device stats is_closed raising get_buffer main kernel leaks check_leaks blocks external record scan reduce "
            .. "sort unique select histogram",
        ["gpumm.buffer"] = "fill copy", ["gpumm.group"] = "member members", ["gpumm.readback"] = "capture",
        ["gpumm.kernel"] = "launch", ["gpumm.recording"] = "scalar length",
    }

    it("raises for every other method of its objects, with the script's line", function()
        local group = assert(m:group { { "x", "u32" }, length = 3 })
        local r, s, x = a:readback {}, m:stream(), m:scratch(100)
        local objects = { m, a, group, r, s, s:record(), x, k.add, m:record(function() end) }
        local checked = 0
        m:record(function()
            for _, object in ipairs(objects) do
                local class = getmetatable(object)
                for name, method in pairs(exports.classes()[class].methods) do
                    if not (" " .. (FREE[class] or "") .. " "):find(" " .. name .. " ", 1, true) then
                        local ok, message = pcall(function() return (method(object)) end)
                        assert.is_false(ok, class .. ":" .. name)
                        contains("cannot be recorded", message)
                        contains("recordings_spec.lua:", message)
                        checked = checked + 1
                    end
                end
            end
        end)
        assert.is_true(checked > 50)
        raises("with scratch", m.record, m, function() k.add(1, x, 1) end)
        raises("a recording has no streams", m.record, m, function() k.add(1, a, 1, s) end)
        assert.equal(bytes(a), ("\0"):rep(4000))
        group:free()
    end)
end)

-- ---- Recorded steps ------------------------------------------------------------------------------

describe("a recorded simulation", function()
    -- What frames and the end of a simulation showed, as lines.
    local function shown(t, recorded, options)
        local lines = {}
        t.recorded, t.device = recorded, spec.device
        t.frame = function(_, frame, key)
            local first = frame[1]
            lines[#lines + 1] = ("%s %d: %d %s"):format(key, frame.step, frame.length, first:bytes())
        end
        local finish = t.finish
        t.finish = function(sim, ...)
            if finish then finish(sim, lines, ...) end
        end
        local sim = gpumm.simulation(t)
        sim:run(options or {})
        table.sort(lines)
        return lines, sim:statistics()
    end

    -- Each kind of call that cannot be recorded, now and then, between those that can.
    local function odd()
        return {
            steps = 240,
            nodes = gpumm.group { { "a", "u32" }, { "b", "u32" }, length = 1000, max_length = 1 << 20 },
            f = gpumm.buffer { type = "f32", length = 1000, max_length = 1 << 20 },
            add = gpumm.kernel { source = SOURCE, name = "add" },
            scale = gpumm.kernel { source = SOURCE, name = "scale" },
            side = gpumm.stream {},
            each = gpumm.readback { "nodes.a", "nodes.b" },
            now_and_then = gpumm.readback { "f", every = 7, slots = 2 },
            latest = gpumm.readback { "f", every = false },
            step = function(sim, i)
                local nodes, f = sim.nodes, sim.f
                for j = 1, 12 do sim.add(nodes.length, nodes.a, i + j) end
                sim.scale(nodes.length, f, nodes.a, 0.5, { i, 1 }, i % 2 == 0)
                nodes.b:copy(nodes.a, { count = 500 })
                if i % 11 == 0 then f:fill(i, 10, 20) end
                if i % 40 == 0 then
                    nodes:resize(nodes.length + 9000)
                    f:resize(nodes.length)
                end
                if i % 13 == 0 then sim.add(nodes.a:download()[3] % 100, nodes.b, i) end
                if i % 17 == 0 then sim.add({ n = 100, p = nodes.b, more = 1 }, sim.side) end
                if i % 19 == 0 then
                    local x <close> = sim.manager:scratch(4000)
                    sim.add(1000, x, 1)
                end
                if i % 23 == 0 then
                    local temporary = sim.manager:buffer { type = "u32", length = 10 }
                    temporary:upload(support.count(10))
                    nodes.b:copy(temporary)
                end
                if i % 29 == 0 then
                    sim.latest:capture(i)
                    assert(sim.latest:wait().step == i)
                end
                if i % 31 == 0 then
                    coroutine.wrap(function() sim.add(10, nodes.b, 3) end)()
                    sim.add(20, nodes.b, 4)
                end
                if i % 37 == 0 then sim.side:record():wait() end
                if i % 41 == 0 then nodes.b:upload({ 1, 2, 3 }, 5) end
                if i % 43 == 0 then
                    sim.manager:record(function() sim.add(5, nodes.b, 2) end):replay { stream = sim.side }
                end
                if i % 47 == 0 then collectgarbage() end
            end,
            finish = function(sim, lines)
                lines[#lines + 1] = "last " .. bytes(sim.nodes.a) .. bytes(sim.nodes.b) .. bytes(sim.f)
            end,
        }
    end

    it("does what it does otherwise, whatever its steps are", function()
        local plain, stats = shown(odd(), false)
        local recorded, others = shown(odd(), true)
        assert.equal(#plain, #recorded)
        for i, line in ipairs(plain) do assert.is_true(line == recorded[i], "line " .. i) end
        assert.same({ 0, 0 }, { stats.dropped_frames, others.dropped_frames })
        assert.equal(stats.async_transfer_count, others.async_transfer_count)
        assert.is_true(#plain > 240)
    end)

    -- A simulation on a manager that counts; returns how often each of the calls was made in its steps.
    local function counted(t, calls)
        local m = spec.inject_faults({}, { workers = 2 })
        m:raising(true)
        local sim = gpumm.simulation(t)
        sim:open { manager = m }
        local before, counts = {}, {}
        for i, call in ipairs(calls) do before[i] = m.fault:calls(call) end
        while sim:advance(1) do end
        for i, call in ipairs(calls) do counts[i] = m.fault:calls(call) - before[i] end
        local contents = bytes(sim.a)
        sim:close()
        return counts, contents
    end

    local function steady(recorded, others)
        return {
            steps = 100, recorded = recorded,
            a = gpumm.buffer { type = "u32", length = 100 }, add = gpumm.kernel { source = SOURCE, name = "add" },
            step = function(sim, i)
                for j = 1, 10 do sim.add(j, sim.a, i) end
                if others and i % 2 == 0 then sim.a:fill(0, 99) end
            end,
        }
    end

    it("enqueues the same step again as one graph, patched", function()
        local calls = { "launch", "graph_launch", "graph_open", "graph_patch" }
        local plain, contents = counted(steady(false), calls)
        local recorded, same = counted(steady(true), calls)
        assert.equal(contents, same)
        assert.same({ 1000, 0, 0, 0 }, plain)
        assert.same({ 1000, 99, 1, 98 }, recorded)
    end)

    it("keeps a step with primitives in one piece", function()
        local function summing(recorded)
            local t = steady(recorded)
            t.sums = gpumm.buffer { type = "u32", length = 6000 }
            t.step = function(sim, i)
                sim.add(100, sim.a, i)
                sim.manager:scan { from = sim.sums }
                sim.manager:sort { keys = sim.a, values = sim.sums, n = 100, bits = 16 }
                for _ = 1, 3 do sim.add(100, sim.sums, i) end
            end
            return t
        end
        local calls = { "launch", "graph_launch", "graph_open", "graph_patch" }
        local plain, contents = counted(summing(false), calls)
        local recorded, same = counted(summing(true), calls)
        assert.equal(contents, same)
        assert.same({ 1200, 0, 0, 0 }, plain)
        assert.same({ 1200, 99, 1, 98 }, recorded)
    end)

    it("makes no graph for steps that never come twice", function()
        local recorded, contents = counted(steady(true, true), { "launch", "graph_launch", "graph_open" })
        local _, same = counted(steady(false, true), { "launch" })
        assert.equal(contents, same)
        assert.same({ 1000, 0, 0 }, recorded)
    end)

    it("ends where its step says so, with what that had launched", function()
        for _, recorded in ipairs { true, false } do
            local t = steady(recorded)
            t.steps, t.step = nil, function(sim, i)
                sim.add(5, sim.a, i)
                if i == 4 then return false end
            end
            local _, contents = counted(t, {})
            assert.equal(10, (gpumm.view("u32", contents)[1]))
        end
    end)

    it("records no more after an error in its step", function()
        local m = spec.manager { workers = 1 }
        local t = steady(true)
        t.step = function(sim, i)
            sim.add(1, sim.a, 1)
            if i == 2 then error "on purpose" end
        end
        local sim = gpumm.simulation(t)
        sim:open { manager = m }
        raises("on purpose", sim.advance, sim, 5)
        local b = buffer(m, "u32", { 1 })
        assert(b:fill(7))
        assert.equal(7, b:download()[1])
        raises("kernel 'add'", function() sim.add(1, 2, 3) end)
        sim:close()
    end)

    it("may run another in its step", function()
        local inner = steady(true)
        local t = steady(true)
        t.steps = 3
        t.step = function(sim, i)
            sim.add(10, sim.a, i)
            inner.steps = 2
            local other = gpumm.simulation(inner)
            other:open { device = spec.device }
            while other:advance(1) do sim.add(1, sim.a, 1) end
            sim.add(1, sim.a, other.a:download()[1])
            other:close()
        end
        local _, contents = counted(t, {})
        local first = gpumm.view("u32", contents)[1]
        assert.equal(1 + 2 + 3 + 3 + 3 * (10 + 20), first)
    end)

    it("tears no frame in ten thousand", function()
        local torn, taken, length = 0, 0, 600
        local t = {
            steps = 10000, recorded = true, device = spec.device,
            nodes = gpumm.group { { "a", "u32" }, { "b", "u32" }, length = length, max_length = 1 << 20 },
            stamp = gpumm.kernel { source = SOURCE, name = "stamp" },
            watch = gpumm.readback { "nodes.a", "nodes.b", slots = 4 },
            step = function(sim, i)
                if i % 1000 == 0 then sim.nodes:resize(sim.nodes.length + 50) end
                sim.stamp(sim.nodes.length, sim.nodes.a, sim.nodes.b, -i)
                sim.stamp(sim.nodes.length, sim.nodes.b, sim.nodes.a, 0)
                sim.stamp(sim.nodes.length, sim.nodes.a, sim.nodes.b, i)
            end,
            frame = function(_, frame)
                local wanted = gpumm.view("u32", { frame.step }):bytes():rep(frame.length)
                taken = taken + 1
                if frame.step ~= taken then torn = torn + 1 end
                for _, name in ipairs { "a", "b" } do
                    if frame:member(name):bytes() ~= wanted then torn = torn + 1 end
                end
            end,
        }
        local sim = gpumm.simulation(t)
        sim:run {}
        assert.same({ 10000, 0 }, { taken, torn })
        assert.equal(0, sim:statistics().dropped_frames)
    end)

    it("raises what its operations fail with, and goes on after that", function()
        local m = spec.inject_faults({}, { workers = 1 })
        local t = steady(true)
        t.steps = 10
        local sim = gpumm.simulation(t)
        sim:open { manager = m }
        assert.is_true(sim:advance(3))
        assert(m.fault:plan { call = "launch", nth = 4, status = "DRIVER" })
        raises("DRIVER: fault: call launch", sim.advance, sim)
        assert(m.fault:plan { call = "graph_launch", nth = 1, status = "DEVICE_LOST" })
        raises("DEVICE_LOST", sim.advance, sim)
        assert(m.fault:plan {})
        assert.is_false(sim:advance(20))
        assert.equal(10, sim.i)
        sim:close()
    end)
end)
