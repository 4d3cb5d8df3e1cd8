-- successes: 48
-- SPDX-License-Identifier: MIT
-- Simulations: what a description may say, the order in which things are made and done, frames, pacing, errors in
-- every callback, and what is left after each: nothing.

local gpumm = require "gpumm"
local spec = require "gpumm.spec"
local support = require "spec.support"
local message_of = support.message_of

local ADD = [[
extern "C" __global__ void add(int n, unsigned *values, unsigned more)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) values[i] += more;
}]]

local LENGTH = 1000
local OPTIONS = { device = spec.device, debug = true, fault = {} }

-- A simulation that counts its steps on the device; `more` adds to the description or replaces what is there,
-- `readbacks` are options of readbacks by key: those are written after what they read.
local function counter(more, readbacks)
    local t = {
        numbers = gpumm.group { { "value", "u32" }, { "square", "f64" }, length = LENGTH },
        add = gpumm.kernel { source = ADD, threads = "n" },
        watch = gpumm.readback { "numbers.value", every = 5 },
        steps = 20,
        step = function(sim) sim.add { n = LENGTH, values = sim.numbers.value, more = 1 } end,
    }
    for key, options in pairs(readbacks or {}) do t[key] = gpumm.readback(options) end
    for key, value in pairs(more or {}) do t[key] = value end
    return gpumm.simulation(t)
end

local function same_everywhere(view, expected)
    return #view == LENGTH and view:bytes() == gpumm.view("u32", { expected }):bytes():rep(LENGTH)
end

-- The manager of a simulation that ended: closed, books zero, and the fault device counts nothing alive.
local function assert_gone(m, fault)
    assert.is_true(m:is_closed())
    local stats, live = m:stats(), fault:live()
    assert.equal(0, stats.used_bytes)
    assert.equal(0, stats.committed_bytes)
    assert.equal(0, stats.buffer_count)
    for _, category in ipairs { "buffers", "scratch", "staging", "pinned", "precommitted", "cached", "slack" } do
        assert.equal(0, stats[category].now, category)
    end
    for key, value in pairs(live) do assert.equal(0, value, key) end
    assert.same({}, m:leaks())
end

describe("a run", function()
    it("makes the steps, hands over frames, finishes with the last state, and gives everything back", function()
        local steps, frames, m, fault = {}, {}, nil, nil
        local sim = counter {
            init = function(s) m, fault = s.manager, s.manager.fault end,
            step = function(s, i)
                steps[i] = i
                s.add { n = LENGTH, values = s.numbers.value, more = 1 }
            end,
            frame = function(_, f, key)
                assert.equal("watch", key)
                frames[#frames + 1] = { f.step, same_everywhere(f.value, f.step), f.dropped }
            end,
            finish = function(s, last, all)
                assert.is_true(rawequal(last, all.watch))
                return "done", last.step, same_everywhere(last.value, 20), s.i
            end,
        }
        assert.same({ "done", 20, true, 20 }, { sim:run(OPTIONS) })
        assert.equal(20, #steps)
        assert.same({ { 5, true, 0 }, { 10, true, 0 }, { 15, true, 0 }, { 20, true, 0 } }, frames)
        assert_gone(m, fault)
        assert.equal(LENGTH * 12, sim:statistics().total_allocated_bytes)
        assert.equal(4, sim:statistics().async_transfer_count)
    end)

    it("may be made again", function()
        local sim = counter { finish = function(_, last) return last.value[1] end }
        assert.equal(20, sim:run(OPTIONS))
        assert.equal(20, sim:run(OPTIONS))
    end)

    it("always captures and waits for the last state, also between two captures", function()
        local frames = {}
        local sim = counter {
            steps = 7,
            frame = function(_, f) frames[#frames + 1] = f.step end,
            finish = function(_, last) return last.step, last.value[LENGTH] end,
        }
        assert.same({ 7, 7 }, { sim:run(OPTIONS) })
        assert.same({ 5, 7 }, frames)
    end)

    it("ends when step returns false; that step does not count", function()
        local sim = counter {
            step = function(s, i)
                if i == 13 then return false end
                s.add { n = LENGTH, values = s.numbers.value, more = 1 }
            end,
            finish = function(s, last) return s.i, last.step, last.value[1] end,
        }
        assert.same({ 12, 12, 12 }, { sim:run(OPTIONS) })
    end)

    it("without steps goes on until step returns false", function()
        local sim = gpumm.simulation { step = function(_, i) return i < 1000 end, finish = function(s) return s.i end }
        assert.equal(999, sim:run(OPTIONS))
    end)

    it("of no steps makes and finishes all the same", function()
        local sim = counter { steps = 0, finish = function(_, last) return last.step, last.value[1] end }
        assert.same({ 0, 0 }, { sim:run(OPTIONS) })
    end)

    it("ends after the present step when it is interrupted, with its frames and finish", function()
        local frames, asked = {}, 0
        local sim = counter {
            frame = function(_, f) frames[#frames + 1] = f.step end,
            finish = function(s, last) return s.i, last.step, last.value[1] end,
        }
        local options = { device = spec.device, interrupted = function()
            asked = asked + 1
            return asked > 8
        end }
        assert.same({ 8, 8, 8 }, { sim:run(options) })
        assert.same({ 5, 8 }, frames)
    end)

    it("tells who runs it how it goes", function()
        local said = {}
        local sim = counter {
            steps = 3,
            step = function(s, i) s:progress("half of %d is %g", i, i / 2) end,
        }
        sim:run { device = spec.device, progress = function(text, step, steps) said[#said + 1] = { text, step, steps } end }
        assert.same({ { "half of 1 is 0.5", 0, 3 }, { "half of 2 is 1", 1, 3 }, { "half of 3 is 1.5", 2, 3 } }, said)
    end)

    it("keeps what the script puts beside the resources, and refuses its own names", function()
        local sim = counter {
            steps = 1,
            step = function(s)
                s.mine = 5
                assert.equal(5, s.mine)
                for _, name in ipairs { "numbers", "run", "manager", "steps", "i" } do
                    local message = message_of(function() s[name] = 1 end)
                    assert.truthy(message:find("'" .. name .. "' is a name of the simulation's own", 1, true))
                end
            end,
        }
        sim:run(OPTIONS)
    end)
end)

describe("frames", function()
    it("come in order, never twice, none dropped, however slowly they are taken", function()
        local seen, expected = {}, {}
        local sim = counter({
            steps = 200,
            frame = function(_, f)
                assert.is_true(same_everywhere(f.value, f.step))
                seen[#seen + 1] = f.step
                local slow = 0
                for i = 1, 2000 do slow = slow + i end
            end,
            finish = function(_, last) return last.dropped end,
        }, { watch = { "numbers.value", every = 1, slots = 3 } })
        for i = 1, 200 do expected[i] = i end
        assert.equal(0, sim:run(OPTIONS))
        assert.same(expected, seen)
        assert.equal(0, sim:statistics().dropped_frames)
    end)

    it("of several readbacks come with their keys, each in its own order", function()
        local seen = { watch = {}, all = {} }
        local sim = counter({
            frame = function(_, f, key) table.insert(seen[key], f.step) end,
            finish = function(_, last, every)
                return last.step, every.watch.step, every.all.step, every.all.value[7], every.all.square[7]
            end,
        }, { all = { "numbers.value", "numbers.square", every = 3, slots = 2 } })
        assert.same({ 20, 20, 20, 20, 0 }, { sim:run(OPTIONS) })
        assert.same({ 5, 10, 15, 20 }, seen.watch)
        assert.same({ 3, 6, 9, 12, 15, 18, 20 }, seen.all)
    end)

    it("that the script keeps stay valid; kept too long they drop nothing but what says so", function()
        local kept = {}
        local sim = counter({
            steps = 5,
            frame = function(_, f) kept[#kept + 1] = f:keep() end,
            finish = function()
                local values = {}
                for i, f in ipairs(kept) do values[i] = f.value[1] end
                return values
            end,
        }, { watch = { "numbers.value", every = 1, slots = 8 } })
        assert.same({ 1, 2, 3, 4, 5 }, sim:run(OPTIONS))
    end)

    it("with busy = \"drop\" may be dropped: the count says how many, the order stays", function()
        local seen = {}
        local sim = counter({
            steps = 300,
            frame = function(_, f)
                assert.is_true(same_everywhere(f.value, f.step))
                assert.is_true(f.step > (seen[#seen] or 0))
                seen[#seen + 1] = f.step
            end,
        }, { watch = { "numbers.value", every = 1, slots = 2, busy = "drop" } })
        sim:run(OPTIONS)
        -- The last state is always captured: once more, where its own capture was among those dropped.
        local asked = #seen + sim:statistics().dropped_frames
        assert.is_true(asked == 300 or asked == 301)
        assert.equal(300, seen[#seen])
    end)

    it("with busy = \"newest\" may be replaced: the count says how many, the newest arrives", function()
        local seen = {}
        local sim = counter({
            steps = 300,
            frame = function(_, f)
                assert.is_true(same_everywhere(f.value, f.step))
                assert.is_true(f.step > (seen[#seen] or 0))
                seen[#seen + 1] = f.step
            end,
        }, { watch = { "numbers.value", every = 1, slots = 2, busy = "newest" } })
        sim:run(OPTIONS)
        assert.equal(300, #seen + sim:statistics().dropped_frames)
        assert.equal(300, seen[#seen])
    end)

    it("are where files are written: in every callback a writer that fails raises, and outside it returns", function()
        local view = gpumm.view("u8x3", 4)
        local writers = {
            function() return gpumm.npy.write("/nonexistent/x.npy", view) end,
            function() return gpumm.raw.write("/nonexistent/x.raw", view) end,
            function() return gpumm.image.write("/nonexistent/x.png", view, 2, 2) end,
            function() return gpumm.npy.read("/nonexistent/x.npy") end,
        }
        for i, write in ipairs(writers) do
            for _, callback in ipairs { "init", "step", "frame", "finish" } do
                local sim = counter { steps = 1, [callback] = function() write() error "it returned" end }
                assert.truthy(message_of(sim.run, sim, OPTIONS):find("IO: /nonexistent/x", 1, true), callback .. i)
            end
            local _, _, code = write() -- also after an error
            assert.equal("IO", code)
        end
    end)

    it("end with the coroutine that runs the simulation: outside of it, while it is suspended, nothing raises", function()
        local function outside()
            local _, _, code = gpumm.npy.write("/nonexistent/x.npy", gpumm.view("u8", 4))
            assert.equal("IO", code)
        end
        local sim = counter { step = function(_, i)
            local inner = coroutine.wrap(gpumm.npy.write) -- a coroutine of the step's is within it
            assert.truthy(message_of(inner, "/nonexistent/x.npy", gpumm.view("u8", 4)):find("IO: ", 1, true))
            coroutine.yield(i)
        end }
        local co = coroutine.create(function() sim:run(OPTIONS) end)
        for i = 1, 2 do
            assert.same({ true, i }, { coroutine.resume(co) })
            outside()
        end
        assert.is_true(coroutine.close(co)) -- and closes the simulation
        outside()
        co = coroutine.create(function() sim:run(OPTIONS) end)
        assert.same({ true, 1 }, { coroutine.resume(co) })
        sim:close()
        co = nil -- luacheck: ignore
        collectgarbage()
        outside()
    end)

    it("of a readback with every = false are those that the script captures, and no others", function()
        local seen, last_of = {}, nil
        local sim = counter({
            steps = 20,
            step = function(s, i)
                s.add { n = LENGTH, values = s.numbers.value, more = 1 }
                if i == 3 or i == 19 then assert(s.watch:capture(100 + i)) end
            end,
            frame = function(_, f, key)
                assert.is_true(same_everywhere(f.value, f.step - 100))
                seen[#seen + 1] = key .. f.step
            end,
            finish = function(_, last) last_of = last and last.step end,
        }, { watch = { "numbers.value", every = false } })
        sim:run(OPTIONS)
        assert.same({ "watch103", "watch119" }, seen)
        assert.equal(119, last_of)
    end)

    it("are captured after every step, unless the readback says otherwise", function()
        local seen = {}
        local sim = counter({ steps = 3, frame = function(_, f) seen[#seen + 1] = f.step end }, { watch = { "numbers.value" } })
        sim:run(OPTIONS)
        assert.same({ 1, 2, 3 }, seen)
    end)

    it("follow the length: a simulation that grows", function()
        local lengths = {}
        local sim = gpumm.simulation {
            nodes = gpumm.group { { "id", "u32" }, { "place", "f32x2" }, growth = gpumm.growth.geometric(1.3), ahead = 1 },
            watch = gpumm.readback { "nodes.id", every = 1 },
            steps = 50,
            step = function(s, i)
                local ids = {}
                for k = 1, 100 do ids[k] = 100 * (i - 1) + k end
                s.nodes:append { id = ids }
            end,
            frame = function(_, f)
                lengths[#lengths + 1] = #f.id
                for k = 1, #f.id, 37 do assert.equal(k, f.id[k]) end
            end,
            finish = function(s, last) return #s.nodes, last.id[5000] end,
        }
        assert.same({ 5000, 5000 }, { sim:run(OPTIONS) })
        for i = 1, 50 do assert.equal(100 * i, lengths[i]) end
    end)
end)

describe("what steps leave to `complete`", function()
    local function lazy(more, readbacks)
        local calls = 0
        local t = {
            init = function(sim) sim.left = 0 end,
            step = function(sim) sim.left = sim.left + 1 end,
            complete = function(sim)
                calls = calls + (sim.left > 0 and 1 or 0)
                if sim.left > 0 then sim.add { n = LENGTH, values = sim.numbers.value, more = sim.left } end
                sim.left = 0
            end,
            live = function(sim) return sim.numbers.value:download() end,
        }
        for key, value in pairs(more or {}) do t[key] = value end
        return counter(t, readbacks), function() return calls end
    end

    it("is done before a snapshot, and in the end", function()
        local seen = {}
        local sim, calls = lazy { steps = 13, frame = function(_, f)
            seen[#seen + 1] = f.step
            assert.is_true(same_everywhere(f.value, f.step))
        end, finish = function(s) return s.numbers.value:download() end }
        assert.is_true(same_everywhere(sim:run(OPTIONS), 13))
        assert.same({ 5, 10, 13 }, seen)
        assert.equal(3, calls())
    end)

    it("does not advance", function()
        local sim = lazy { complete = function(s) s:advance(1) end }
        sim:open(OPTIONS)
        for _ = 1, 2 do
            local message = message_of(sim.advance, sim)
            assert.truthy(message:find("a step does not advance its simulation", 1, true), message)
        end
        sim:close()
    end)

    it("is recorded with what the step launched", function()
        local seen = {}
        local sim = lazy({ recorded = true, steps = 4, frame = function(_, f)
            seen[#seen + 1] = f.step
            assert.is_true(same_everywhere(f.value, f.step))
        end }, { watch = { "numbers.value", every = 1 } })
        sim:run(OPTIONS)
        assert.same({ 1, 2, 3, 4 }, seen)
    end)

    it("is done before whoever advances goes on, and before an event", function()
        local sim, calls = lazy()
        sim:open(OPTIONS)
        sim:advance(3)
        assert.is_true(same_everywhere(sim.numbers.value:download(), 3))
        assert.equal(1, calls())
        sim.left = 4
        assert.is_true(same_everywhere(sim:event { kind = "look" }, 7))
        sim:close()
    end)
end)

describe("pacing", function()
    it("keeps the host at most in_flight steps ahead of the device", function()
        for _, depth in ipairs { 1, 2, 4 } do
            local sim = counter { watch = false or nil, in_flight = depth, steps = 1000 }
            sim:open(OPTIONS)
            local f = sim.manager.fault
            sim.manager:synchronize()
            f:hold "launch"
            -- So many steps can be enqueued while nothing of them is done; the next would wait.
            for _ = 1, depth do assert.is_true(sim:advance(1)) end
            assert.is_false(sim.manager:main():idle())
            local waited = f:calls "event_query"
            f:release "launch"
            assert.is_true(sim:advance(1))
            assert.is_true(f:calls "event_query" > waited)
            sim:close()
        end
    end)

    it("counts the work on described streams too", function()
        local m, most, done = spec.inject_faults(), 0, {}
        local sim = gpumm.simulation {
            numbers = gpumm.buffer { type = "u32", length = 4 },
            side = gpumm.stream {},
            steps = 40,
            step = function(sim, i)
                if i > 30 then return sim.side:close() end -- a script may
                local behind = 0
                for _, event in ipairs(done) do behind = behind + (event:ready() and 0 or 1) end
                most = math.max(most, behind)
                sim.numbers:fill(i, { stream = sim.side })
                done[i] = sim.side:record()
            end,
        }
        m.fault:plan { jitter = 7 }
        sim:run { manager = m }
        assert.equal(30, #done)
        assert.is_true(most <= 2, most)
    end)
end)

describe("open, advance and close", function()
    it("say what they were given instead", function()
        local sim = counter {}
        for _, name in ipairs { "open", "run", "advance", "conclude", "progress", "describe", "statistics" } do
            assert.error_matches(function() sim[name]({}) end, "a simulation is expected: call with a colon")
        end
        assert.error_matches(function() sim:run(7) end, "options are a table, as in sim:run {}, not a number")
        assert.error_matches(function() sim:open { manager = 7 } end, "manager is a number; it must be one that gpumm.manager")
        sim:open(OPTIONS) -- with a manager of its own, as if nothing had been
        local manager = sim.manager
        sim:close()
        assert.is_true(manager:is_closed())
    end)

    it("are what run is made of", function()
        local sim = counter {}
        assert.error_matches(function() sim:advance(1) end, "not open")
        assert.error_matches(function() return sim.numbers end, "described but not made")
        assert.is_true(rawequal(sim, sim:open(OPTIONS)))
        assert.error_matches(function() sim:open(OPTIONS) end, "open already")
        assert.equal(LENGTH, #sim.numbers)
        assert.is_true(sim:advance(12))
        assert.equal(12, sim.i)
        assert.is_true(same_everywhere(sim.numbers.value:download(), 12))
        assert.is_false(sim:advance(100))
        assert.equal(20, sim.i)
        assert.is_false(sim:advance())
        assert.equal(20, sim.i)
        sim:conclude()
        local m, f = sim.manager, sim.manager.fault
        sim:close()
        sim:close()
        assert_gone(m, f)
        assert.error_matches(function() sim:advance(1) end, "not open")
    end)

    it("work in a manager of the application's, which outlives the simulation", function()
        local m = spec.inject_faults()
        local b = assert(m:buffer { type = "u32", length = 4 })
        assert(b:fill(9))
        local before = m:stats().used_bytes
        local sim = counter { finish = function(_, last) return last.value[1] end }
        assert.equal(20, sim:run { manager = m })
        assert.is_false(m:is_closed())
        m:trim()
        assert.equal(before, m:stats().used_bytes)
        assert.view_equals({ 9, 9, 9, 9 }, b:download())
        assert.is_nil((m:get_buffer "nothing")) -- its failures are outcomes again
        spec.close()
    end)

    it("by <close>", function()
        local m, f
        do
            local sim <close> = counter {}
            sim:open(OPTIONS)
            m, f = sim.manager, sim.manager.fault
            sim:advance(3)
        end
        assert_gone(m, f)
    end)

    it("are not called by a step: advance would never end", function()
        local again = true
        local sim = counter { step = function(s)
            if again then s:advance(1) end
        end }
        sim:open(OPTIONS)
        assert.error_matches(function() sim:advance(1) end, "^a step does not advance its simulation")
        again = false
        assert.is_true(sim:advance(1)) -- a step that failed is behind it
        assert.equal(1, sim.i)
        sim:close()
    end)

    it("raise the world's failures inside, with the status", function()
        local sim = counter { limit = "64KiB", step = function(s) s.numbers:resize(1000000) end }
        assert.truthy(message_of(sim.run, sim, { device = spec.device }):find "OVER_LIMIT: ")
    end)
end)

describe("an error in", function()
    local function boom() error "boom at once" end

    -- Runs it, and returns the message; the manager must be closed and its books zero.
    local function failing(more, readbacks)
        local m, fault
        local init = more.init
        more.init = function(s)
            m, fault = s.manager, s.manager.fault
            if init then init(s) end
        end
        local message = message_of(function() counter(more, readbacks):run(OPTIONS) end)
        assert_gone(m, fault)
        assert.truthy(message:find("simulation_spec.lua:%d+: boom at once"), message)
        assert.truthy(message:find("stack traceback:", 1, true), message)
        assert.truthy(message:find("in .*boom") or message:find("simulation_spec.lua", 1, true), message)
    end

    it("init", function() failing { init = boom } end)
    it("the first step", function() failing { step = boom } end)

    it("a later step, with work and captures under way", function()
        failing({
            step = function(s, i)
                s.add { n = LENGTH, values = s.numbers.value, more = 1 }
                if i == 9 then boom() end
            end,
        }, { watch = { "numbers.value", every = 1 } })
    end)

    it("complete, before a snapshot", function() failing { complete = boom } end)

    it("complete, in a recorded step", function()
        failing({ complete = boom, recorded = true }, { watch = { "numbers.value", every = 1 } })
    end)

    it("frame", function() failing { frame = boom } end)
    it("finish", function() failing { finish = boom } end)

    it("the last frame", function()
        failing { frame = function(_, f) if f.step == 20 then boom() end end }
    end)

    it("growth's function", function()
        failing {
            flags = gpumm.buffer { type = "u32", length = 1, growth = boom },
            step = function(s) s.flags:resize(100000) end,
        }
    end)

    it("making a resource: what was made before goes again", function()
        local here = support.here()
        local sim = counter { broken = gpumm.kernel { source = 'extern "C" __global__ void broken(int n) { wrnog; }' } }
        local place = here:gsub("%d+$", function(line) return math.tointeger(line) + 1 end)
        local message = message_of(sim.run, sim, OPTIONS)
        assert.truthy(message:find("COMPILE_FAILED: <" .. place .. ">", 1, true), message)
        assert.truthy(message:find("wrnog", 1, true), message)
        assert.is_true(sim.manager:is_closed())
        assert.equal(0, sim.manager:stats().used_bytes)
    end)

    it("the options of open: unknown ones are named", function()
        local sim = counter {}
        assert.truthy(message_of(sim.open, sim, { devise = "host" }):find 'did you mean "device"')
        assert.equal(20, counter { finish = function(_, last) return last.value[1] end }:run(OPTIONS))
    end)
end)

describe("a description", function()
    local STEP = { step = function() end }

    local function refused(t, ...)
        local all = { step = STEP.step }
        for key, value in pairs(t) do all[key] = value end
        local message = message_of(gpumm.simulation, all)
        for _, words in ipairs { ... } do assert.truthy(message:find(words, 1, true), message) end
    end

    it("touches no device", function()
        local sim = counter { device = "cuda:77" }
        assert.truthy(tostring(sim):find "closed")
        assert.truthy(message_of(sim.run, sim):find "NO_DEVICE")
    end)

    it("is refused where it cannot be, with the reason", function()
        assert.truthy(message_of(gpumm.simulation, {}):find "step is missing")
        assert.truthy(message_of(gpumm.simulation, 5):find "takes a table")
        refused({ stepps = 5 }, "'stepps'", "neither a resource", "steps")
        refused({ 5 }, "5 has none")
        refused({ steps = -1 }, "steps", "-1")
        refused({ steps = 1.5 }, "steps", "1.5")
        refused({ in_flight = 0 }, "in_flight", "from 1")
        refused({ init = 5 }, "init is a number")
        refused({ limit = "12XB" }, "limit", "12XB")
        refused({ run = gpumm.buffer { type = "u8" } }, "'run'", "name of every simulation's own")
        refused({ manager = gpumm.buffer { type = "u8" } }, "'manager'")
        refused({ watch = gpumm.readback { "nodes.position" } }, "'watch'", "'nodes.position'", "neither a buffer nor a member")
        local watch = gpumm.readback { "late" }
        refused({ watch = watch, late = gpumm.buffer { type = "u8" } }, "stands before 'late'")
        refused({ a = gpumm.buffer { type = "u8" }, b = gpumm.buffer { type = "u8" },
            both = gpumm.readback { "a", "b" } }, "two groups")
    end)

    it("of a resource is checked where it is written", function()
        for _, case in ipairs {
            { gpumm.group, {}, "no members" },
            { gpumm.group, { { "a" } }, "member 1" },
            { gpumm.group, { { "a", "f33" } }, "f33" },
            { gpumm.group, { { "a", "f32" }, grow = 1 }, "unknown option 'grow'" },
            { gpumm.buffer, { length = 1 }, "type is missing" },
            { gpumm.buffer, { type = "u8", size = 1 }, "unknown option 'size'" },
            { gpumm.kernel, {}, "file or source is missing" },
            { gpumm.readback, {}, "name what it reads" },
            { gpumm.readback, { "a", every = 0 }, "every is a whole number" },
            { gpumm.readback, { "a", busy = "no" }, "busy is" },
        } do
            local message = message_of(case[1], case[2])
            assert.truthy(message:find(case[3], 1, true), message)
        end
    end)

    it("shows itself without a device: fields, offsets, strides, growth and bytes", function()
        local sim = gpumm.simulation {
            nodes = gpumm.group { { "position", "f32x3" }, { "mass", "f32" }, growth = gpumm.growth.geometric(2),
                length = 100, max_length = 1000 },
            edges = gpumm.buffer { type = gpumm.struct { { "kind", "u8" }, { "weight", "f64" } }, length = 1,
                growth = gpumm.growth.list { 64, 4096 }, max_length = 4096 },
            watch = gpumm.readback { "nodes.position", every = 5, slots = 4 },
            step = STEP.step,
        }
        local text = sim:describe()
        for _, words in ipairs {
            "group nodes (simulation_spec.lua:", "position             f32x3    stride 12, align 4",
            "growth: geometric, x2, more where more is required; maximum 1000 elements",
            "stride 16, align 8", "offset 8", "buffer edges",
            "growth: a list, then exactly what is required; maximum 4096 elements, 64.0 KiB",
            "readback watch: nodes.position every 5 steps, 4 slots",
        } do
            assert.truthy(text:find(words, 1, true), words .. "\n  is not in\n" .. text)
        end
        for _, step in ipairs { "100 elements +1.6 KiB", "200 elements +3.1 KiB", "800 elements", "1000 elements +15.6 KiB" } do
            assert.truthy(text:find(step), step .. "\n  is not in\n" .. text)
        end
    end)

    it("describes what is made: minimum sizes, factors, multiples, text sizes, structs in structs", function()
        local inner = gpumm.struct { { "kind", "u8" }, { "weight", "f64" } }
        local sim = gpumm.simulation {
            plain = gpumm.buffer { type = "u32", length = 4, growth_factor = 2 },
            factor = gpumm.buffer { type = "u32", growth = 2, min_size_bytes = "400", max_size_bytes = "64KiB", align = 64 },
            listed = gpumm.buffer { type = "u8", length = 5000, growth = gpumm.growth.list { 4096, 6000, 9000 } },
            nested = gpumm.group { { "a", gpumm.struct { { "id", "u16" }, { "inner", inner } } }, length = 10, align = 8,
                growth = gpumm.growth.linear(20), max_length = 50 },
            asked = gpumm.group { { "x", "f32" }, min_length = 100, growth = function(r) return r.required end },
            steps = 1,
            step = function(sim)
                for _, key in ipairs { "plain", "factor", "listed", "nested", "asked" } do
                    local text = sim:describe():match("%f[%w]" .. key .. " %(.*"):gsub("\n%l.*", "")
                    assert.truthy(text:find(("maximum %d elements"):format(sim[key].max_length), 1, true), text)
                    for capacity in text:gmatch(": +(%d+) elements ") do
                        assert.equal(tonumber(capacity), sim[key].capacity, key)
                        if sim[key].capacity < sim[key].max_length then sim[key]:ensure_capacity(sim[key].capacity + 1) end
                    end
                end
            end,
        }
        local text = sim:describe()
        for _, words in ipairs { "x2, more where more is required;", "is required, to multiples of 64;",
            ".inner              struct   offset 8", "  .weight             f64      offset 16",
            "linear, 20 at a time, to multiples of 8;", "growth: a function;" } do
            assert.truthy(text:find(words, 1, true), words .. "\n  is not in\n" .. text)
        end
        sim:run(OPTIONS)
    end)

    it("describes the capacities that what begins empty goes through, where they do not depend on what is required", function()
        local function group(schedule) return gpumm.group { { "a", "u32" }, growth = schedule, max_length = 1000 } end
        local sim = gpumm.simulation { factor = group(1.5), exact = group(gpumm.growth.exact()),
            linear = group(gpumm.growth.linear(300)), listed = group(gpumm.growth.list { 10, 100 }), steps = 1,
            step = function(sim)
                for key, expected in pairs { factor = {}, exact = {}, linear = { 300, 600, 900, 1000 }, listed = { 10, 100 } } do
                    local text, shown = sim:describe():match("%f[%w]" .. key .. " %(.*"):gsub("\n%l.*", ""), {}
                    for capacity in text:gmatch ": +(%d+) elements " do
                        shown[#shown + 1] = tonumber(capacity)
                        sim[key]:ensure_capacity(sim[key].capacity + 1)
                        assert.equal(shown[#shown], sim[key].capacity, key)
                    end
                    assert.same(expected, shown, key)
                    assert.equal(#shown == 0, text:find("1: what is first required", 1, true) ~= nil, key)
                end
            end }
        sim:run(OPTIONS)
    end)
end)
