-- successes: 17
-- SPDX-License-Identifier: MIT
-- What becomes of a captured frame: the three policies of a ring that is full, each with an exact count; frames that hold
-- their readback; small snapshots in line.

local gpumm = require "gpumm"
local spec = require "gpumm.spec"
local message_of = require "spec.support".message_of

local function numbers(m, length)
    return assert(m:buffer { type = "u32", length = length or 4 })
end

-- Takes all that has arrived into `seen`, each with its right contents.
local function drain(r, seen)
    local f = r:next()
    while f do
        assert.equal(f.step, f.data[1])
        assert.equal(f.step, f.data[#f])
        seen[#seen + 1] = f.step
        f = r:next()
    end
end

-- Captures `steps` moments, `take(r, seen)` after each. Returns the steps seen, and those that were refused.
local function run(r, b, steps, take)
    local seen, refused = {}, {}
    for step = 1, steps do
        assert(b:fill(step))
        local ticket, _, code = r:capture(step)
        if not ticket then
            assert.equal("BUSY", code)
            refused[#refused + 1] = step
        end
        take(r, seen)
    end
    assert(r.manager:synchronize())
    drain(r, seen)
    for i = 2, #seen do assert.is_true(seen[i] > seen[i - 1]) end
    return seen, refused
end

local function nothing() end

after_each(spec.close)

describe("busy = \"drop\"", function()
    it("counts what it refused", function()
        for slots = 2, 4 do
            local b = numbers(spec.manager(), 1000)
            local r = assert(b:readback { slots = slots, busy = "drop" })
            local seen, refused = run(r, b, 200, drain)
            assert.equal(200, #seen + #refused)
            assert.equal(#refused, r.dropped)
        end
    end)
end)

describe("busy = \"newest\"", function()
    it("refuses nothing: the oldest that nobody took is replaced, and counts", function()
        for slots = 2, 5 do
            local b = numbers(spec.manager(), 1000)
            local r = assert(b:readback { slots = slots, busy = "newest" })
            local seen, refused = run(r, b, 50, nothing)
            assert.same({}, refused)
            assert.equal(slots, #seen)
            for i = 1, slots do assert.equal(50 - slots + i, seen[i]) end
            assert.equal(50 - slots, r.dropped)
        end
    end)

    it("gives, in order, all that it did not replace", function()
        local b = numbers(spec.manager(), 1000)
        local r = assert(b:readback { slots = 3, busy = "newest" })
        local seen, refused = run(r, b, 300, drain)
        assert.same({}, refused)
        assert.equal(300, seen[#seen])
        assert.equal(300, #seen + r.dropped)
    end)

    it("refuses where all slots are kept, and tells a ticket that was replaced STALE", function()
        local m = spec.manager()
        local b = numbers(m)
        local r = assert(b:readback { slots = 2, busy = "newest" })
        for step = 1, 3 do assert(r:capture(step)) end
        local _, _, code = r:ready(1)
        assert.equal("STALE", code)
        local kept = { assert(r:wait(2)):keep(), assert(r:wait(3)):keep() }
        local none, message, busy = r:capture(4)
        assert.is_nil(none)
        assert.equal("BUSY", busy)
        assert.truthy(message:find("all 2 slots hold frames that are kept", 1, true))
        assert.equal(2, r.dropped)
        kept[1]:release()
        assert(r:capture(5))
    end)
end)

describe("busy = \"wait\"", function()
    it("loses nothing that it did not refuse, whoever takes how much", function()
        local one = function(r, seen)
            local f = r:next()
            if f then seen[#seen + 1] = f.step end
        end
        for _, take in ipairs { drain, one, nothing } do
            for _, slots in ipairs { 2, 3, 8 } do
                local b = numbers(spec.manager(), 1000)
                local r = assert(b:readback { slots = slots, busy = "wait" })
                local seen, refused = run(r, b, 300, take)
                assert.equal(300, #seen + #refused)
                assert.equal(#refused, r.dropped)
            end
        end
    end)

    it("refuses only where every slot holds what has arrived: then there is something to take", function()
        local b = numbers(spec.manager(), 1000)
        local r = assert(b:readback { slots = 3, busy = "wait" })
        for step = 1, 200 do
            assert(b:fill(step))
            while not r:capture(step) do assert.is_truthy(r:next()) end
        end
        local last = assert(r:wait())
        assert.equal(200, last.step)
        assert.equal(200, last.data[1000])
    end)

    it("waits for a cancelled copy, whose slot comes free", function()
        local b = numbers(spec.manager(), 200000)
        local r = assert(b:readback { slots = 2, busy = "wait" })
        for step = 1, 20 do
            assert(r:capture(2 * step - 1))
            assert(r:wait()):keep():release()
            assert(r:capture(2 * step))
            local ticket = assert(r:capture(2 * step + 1000))
            assert.is_true(r:cancel(ticket - 1) and r:cancel(ticket))
        end
        assert.equal(0, r.dropped)
    end)

    it("with a time waits so long for somebody who takes, and no longer", function()
        local m = spec.manager()
        local b = numbers(m)
        local r = assert(b:readback { slots = 2, busy = "wait", wait_seconds = 0.05 })
        assert(r:capture(1))
        assert(r:capture(2))
        local began = os.clock()
        local _, _, code = r:capture(3)
        assert.equal("BUSY", code)
        assert.is_true(os.clock() - began < 5)
        assert.equal(1, r.dropped)
        assert.equal(1, assert(r:next()).step)
        assert.equal(2, assert(r:next()).step)
        assert(r:capture(4))
    end)

    it("is the only policy with a time, which is a number of seconds", function()
        local b = numbers(spec.manager())
        assert.truthy(message_of(b.readback, b, { wait_seconds = 1 }):find('goes with busy = "wait" only', 1, true))
        assert.truthy(message_of(b.readback, b, { busy = "wait", wait_seconds = -1 }):find "seconds from 0 expected")
        assert.truthy(message_of(b.readback, b, { busy = "wait", wait_seconds = 0 / 0 }):find "seconds from 0 expected")
        assert.truthy(message_of(b.readback, b, { busy = "newer" }):find('"drop", "newest" or "wait" expected', 1, true))
    end)
end)

describe("dropped", function()
    it("counts what latest passes over, in every policy, and not what was cancelled", function()
        for _, busy in ipairs { "drop", "newest", "wait" } do
            local m = spec.manager()
            local b = numbers(m)
            local r = assert(b:readback { slots = 4, busy = busy })
            for step = 1, 4 do assert(r:capture(step)) end
            assert(m:synchronize())
            assert.is_true(r:cancel(3))
            assert.equal(4, r:latest().step)
            assert.equal(2, r.dropped)
            assert.equal(2, m:stats().dropped_frames)
            assert.equal(4, r:latest().step)
            assert.equal(2, r.dropped)
            assert(r:capture(5))
            assert.equal(2, assert(r:wait()).dropped)
        end
    end)

    it("does not count a capture for which the collector made room", function()
        local b = numbers(spec.manager())
        local r = assert(b:readback { slots = 3 })
        for step = 1, 100 do
            assert(r:capture(step))
            assert(r:wait()):keep()
        end
        assert.equal(0, r.dropped)
    end)
end)

describe("a frame", function()
    it("holds its readback: a view, an iterator and a coroutine read on after any collection", function()
        local b = numbers(spec.manager(), 3)
        assert(b:fill(5))
        local function snapshot()
            local r = assert(b:readback {})
            return assert(r:wait(assert(r:capture(1))))
        end
        local f, v = snapshot(), snapshot().data
        local iterate, state, control = snapshot().data:each()
        local co = coroutine.wrap(function()
            for _, x in snapshot().data:each() do coroutine.yield(x) end
        end)
        assert.equal(5, co())
        for _ = 1, 3 do collectgarbage() end
        assert.is_true(f:valid())
        assert.equal(5, f.data[3])
        assert.equal(1, f.readback.newest)
        assert.equal(5, v[1])
        local _, x = iterate(state, control)
        assert.equal(5, x)
        assert.equal(5, co())
        assert.equal(5, co())
    end)

    it("outlives an anonymous buffer: the views that are left of it read on", function()
        local m = spec.manager()
        local pair = gpumm.struct { { "x", "f32" }, { "y", "f32" } }
        local function frame(fill)
            local b = assert(m:buffer { type = pair, length = 3 })
            assert(b:fill(fill))
            local r = assert(b:readback {})
            return assert(r:wait(assert(r:capture(1))))
        end
        local view, field = frame({ 1, 2 }).data, frame({ 3, 4 }).data:field "y"
        local iterate, state, control = frame({ 5, 6 }).data.x:each()
        for _ = 1, 3 do collectgarbage() end
        assert.equal(2, view:field("y")[3])
        assert.equal(4, field[1])
        local _, x = iterate(state, control)
        assert.equal(5, x)
        view, field, iterate, state = nil, nil, nil, nil -- luacheck: ignore
        for _ = 1, 3 do collectgarbage() end
        assert(m:synchronize())
        m:trim()
        assert.equal(0, m:stats().pinned.now) -- and let it go
        assert.equal(0, m:stats().buffers.now)
    end)

    it("that is collected lets its readback go", function()
        local m = spec.manager()
        local b = numbers(m, 3)
        for _ = 1, 10 do
            local r = assert(b:readback {})
            assert(r:wait(assert(r:capture(1))))
        end
        collectgarbage()
        collectgarbage()
        assert(m:synchronize())
        m:trim()
        assert.equal(0, m:stats().pinned.now)
    end)

    it("says why it ended, and keep() only where that would have helped", function()
        local m = assert(gpumm.manager { device = spec.device })
        local function ended(after)
            local r = assert(numbers(m):readback {})
            assert(r:capture(7))
            local f = assert(r:wait()):keep()
            local v = f.data
            after(f, r)
            return message_of(function() return v[1] end)
        end
        local released = ended(function(f) f:release() end)
        assert.truthy(released:find("STALE: the frame of step 7 has ended: it was released", 1, true))
        local closed = ended(function() m:close() end)
        assert.truthy(closed:find("STALE: the frame of step 7 has ended: its manager was closed: copy", 1, true))
        assert.is_nil(closed:find "keep")
    end)
end)

describe("a small snapshot in line", function()
    it("delivers the same moment as a staged one, from any stream, with the policies' counts", function()
        local m = spec.manager()
        local b = numbers(m, 1000)
        local side = assert(m:stream())
        for _, bytes in ipairs { 0, "1KiB", 4000, "256KiB" } do
            local r = assert(b:readback { slots = 3, busy = "wait", inline_bytes = bytes })
            local seen = {}
            for step = 1, 100 do
                assert(b:fill(step, 1, 1000, step % 3 == 0 and side or nil))
                while not r:capture(step) do drain(r, seen) end
            end
            while #seen < 100 do drain(r, seen) end
            for step = 1, 100 do assert.equal(step, seen[step]) end
        end
    end)

    it("is one moment of a group's members, and is staged once it has grown", function()
        local m = spec.manager()
        local g = assert(m:group { { "a", "u32" }, { "b", "u64" } })
        local r = assert(g:readback { inline_bytes = 4096 })
        assert(g:append { a = { 1, 2, 3 }, b = { 10, 20, 30 } })
        assert(r:capture(1))
        assert(g.a:fill(0))
        local f = assert(r:wait())
        assert.view_equals({ 1, 2, 3 }, f.a)
        assert.view_equals({ 10, 20, 30 }, f.b)
        assert(g:resize(100000))
        assert(g.b:fill(7))
        assert(r:capture(2))
        assert(g.b:fill(8))
        assert.equal(7, assert(r:wait()).b[100000])
    end)
end)
