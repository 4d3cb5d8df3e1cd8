-- successes: 36
-- SPDX-License-Identifier: MIT
-- Readbacks: what a frame holds, tickets, the ring, frames' lives, coroutines, garbage, the ancestor's pair.

local gpumm = require "gpumm"
local spec = require "gpumm.spec"
local message_of = require "spec.support".message_of

local SET = [[
extern "C" __global__ void set(int n, unsigned int *values, unsigned int value)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) values[i] = value + i;
}]]

local function counted(from, length)
    local list = {}
    for i = 1, length do list[i] = from + i - 1 end
    return list
end

local function numbers(m, length)
    local b = assert(m:buffer { type = "u32", length = length })
    assert(b:upload(counted(100, length)))
    return b
end

after_each(spec.close)

describe("a readback", function()
    it("delivers the moment of its capture, not a later one", function()
        local m = spec.manager()
        local b = numbers(m, 1000)
        local r = assert(b:readback { slots = 2 })
        local ticket = assert(r:capture(42))
        assert(b:fill(7))
        local f = assert(r:wait(ticket))
        assert.view_equals(counted(100, 1000), f.data)
        assert.equal(42, f.step)
        assert.equal(1000, f.length)
        assert.equal(1000, #f)
        assert.equal(ticket, f.ticket)
        assert.equal(b.generation, f.generation)
        assert.equal(0, f.dropped)
        assert.is_true(rawequal(r, f.readback))
        assert.equal(7, b:download()[500])
    end)

    it("delivers two different moments of a buffer, both alive when kept", function()
        local m = spec.manager()
        local b = numbers(m, 4)
        local r = assert(b:readback { slots = 2 })
        assert(r:capture(1))
        assert(b:upload { 1, 2, 3, 4 })
        assert(r:capture(2))
        local first = assert(r:wait(1)):keep()
        local second = assert(r:wait(2))
        assert.view_equals({ 100, 101, 102, 103 }, first.data)
        assert.view_equals({ 1, 2, 3, 4 }, second.data)
        assert.is_true(second.time >= first.time)
    end)

    it("captures what a kernel on another stream wrote", function()
        local m = spec.manager()
        local b = numbers(m, 5000)
        local set = assert(m:kernel { source = SET })
        local side = assert(m:stream())
        local r = assert(b:readback {})
        assert(set({ n = 5000, values = b, value = 9 }, side))
        assert(r:capture(1))
        assert.view_equals(counted(9, 5000), assert(r:wait()).data)
    end)

    it("travels the length alone, and keeps the captured length over a growth", function()
        local m = spec.manager()
        local b = numbers(m, 10)
        assert(b:ensure_capacity(4096))
        local r = assert(b:readback {})
        assert(r:capture(1))
        assert(b:resize(100000))
        local f = assert(r:wait())
        assert.equal(10, f.length)
        assert.view_equals(counted(100, 10), f.data)
        assert(r:capture(2))
        f = assert(r:wait())
        assert.equal(100000, f.length)
        assert.equal(109, f.data[10])
        assert.equal(0, f.data[11])
        assert.equal(0, f.data[100000])
    end)

    it("of a group is one moment of all its members", function()
        local m = spec.manager()
        local g = assert(m:group { { "place", "f32x2" }, { "mark", "u8" }, { "id", "u64" } })
        assert(g:append { place = { { 1, 2 }, { 3, 4 }, { 5, 6 } }, mark = { 7, 8, 9 }, id = { 10, 11, 12 } })
        local r = assert(g:readback {})
        assert(r:capture(5))
        assert(g.mark:fill(0))
        local f = assert(r:wait())
        assert.view_equals({ { 1, 2 }, { 3, 4 }, { 5, 6 } }, f.place)
        assert.view_equals({ 7, 8, 9 }, f.mark)
        assert.view_equals({ 10, 11, 12 }, f:member "id")
        assert.is_true(rawequal(f.mark, f[2]))
        assert.is_nil(f.data) -- more than one member
        assert.is_nil(f.other)
        assert.truthy(message_of(f.member, f, "other"):find "no such member")
    end)

    it("reads some members, in the order asked for", function()
        local m = spec.manager()
        local g = assert(m:group { { "a", "f32" }, { "b", "u16" }, { "c", "f64" } })
        assert(g:append { a = { 1.5 }, b = { 2 }, c = { 0.1 } })
        local r = assert(g:readback { "c", "a" })
        assert(r:capture(1))
        local f = assert(r:wait())
        assert.view_equals({ 0.1 }, f[1])
        assert.view_equals({ 1.5 }, f[2])
        assert.is_nil(f.b)
        local by_manager = assert(m:readback { g.b, g.c, slots = 2 })
        assert(by_manager:capture(1))
        assert.view_equals({ 2 }, assert(by_manager:wait()).b)
    end)

    it("of two groups has no moment, and says so", function()
        local m = spec.manager()
        local a, b = numbers(m, 1), numbers(m, 1)
        assert.truthy(message_of(m.readback, m, { a, b }):find "INVALID_ARGUMENT.*one group")
        assert.truthy(message_of(m.readback, m, { a, a }):find "named twice")
        assert.truthy(message_of(m.readback, spec.manager(), { a }):find "another manager's")
    end)

    it("without staging (direct) delivers the same; the next writer waits on the device", function()
        local m = spec.manager()
        local b = numbers(m, 100000)
        local r = assert(b:readback { direct = true })
        assert.equal(0, m:stats().staging.now)
        for step = 1, 20 do
            assert(b:fill(step))
            assert(r:capture(step))
            assert(b:fill(0))
            local f = assert(r:wait())
            assert.equal(step, f.data[1])
            assert.equal(step, f.data[50000])
            assert.equal(step, f.data[100000])
        end
    end)

    it("reads nothing of an empty buffer", function()
        local m = spec.manager()
        local b = assert(m:buffer { type = "f32x3", length = 0 })
        local r = assert(b:readback {})
        assert(r:capture(1))
        local f = assert(r:wait())
        assert.equal(0, f.length)
        assert.equal(0, #f.data)
    end)

    it("counts against the budget when made, with slots on both sides, and gives it back", function()
        local m = spec.manager { limit = "1MiB" }
        local b = assert(m:buffer { type = "u8", length = 200000 })
        local used = m:stats().used_bytes
        local r = assert(b:readback { slots = 2 })
        local stats = m:stats()
        assert.equal(used + 4 * b.capacity_bytes, stats.used_bytes)
        assert.equal(2 * b.capacity_bytes, stats.pinned.now)
        assert.equal(2 * b.capacity_bytes, stats.staging.now)
        local none, message, code = b:readback { slots = 2 }
        assert.is_nil(none)
        assert.equal("OVER_LIMIT", code)
        assert.truthy(message:find "OVER_LIMIT")
        assert.equal(stats.used_bytes, m:stats().used_bytes)
        r:close()
        assert.equal(used, m:stats().used_bytes)
    end)
end)

describe("tickets", function()
    it("count from 1, and the newest is the default", function()
        local m = spec.manager()
        local r = assert(numbers(m, 3):readback { slots = 4 })
        assert.is_nil(r.newest)
        local _, _, code = r:wait()
        assert.equal("NOT_PENDING", code)
        for step = 1, 3 do assert.equal(step, r:capture(10 * step)) end
        assert.equal(3, r.newest)
        assert.equal(30, assert(r:wait()).step)
        assert.equal(10, assert(r:wait(1)).step)
    end)

    it("that were never given are mistakes, and so are zero and halves", function()
        local m = spec.manager()
        local r = assert(numbers(m, 3):readback {})
        assert(r:capture(1))
        assert.truthy(message_of(r.wait, r, 7):find "INVALID_ARGUMENT: ticket 7 was never given: the newest is 1")
        assert.truthy(message_of(r.ready, r, 0):find "count from 1")
        assert.truthy(message_of(r.ready, r, 1.5):find "integer")
        assert.truthy(message_of(r.wait, r, 1, -1):find "not negative")
        assert.truthy(message_of(r.wait, r, 1, 0 / 0):find "not negative")
    end)

    it("whose slot is in other use are STALE, as an outcome", function()
        local m = spec.manager()
        local r = assert(numbers(m, 3):readback { slots = 2 })
        for step = 1, 5 do
            assert(r:capture(step))
            assert(r:wait())
        end
        local none, message, code = r:ready(1)
        assert.is_nil(none)
        assert.equal("STALE", code)
        assert.truthy(message:find "STALE: ")
    end)

    it("are CANCELLED on demand, and the slot serves again", function()
        local m = spec.manager()
        local b = numbers(m, 3)
        local r = assert(b:readback { slots = 2 })
        assert(r:capture(1))
        assert.is_true(r:cancel())
        local _, _, code = r:wait(1)
        assert.equal("CANCELLED", code)
        assert(m:synchronize())
        for step = 2, 9 do
            assert(r:capture(step))
            assert.equal(step, assert(r:wait()).step)
        end
    end)
end)

describe("a frame", function()
    it("is STALE after the next delivery: reading its view raises", function()
        local m = spec.manager()
        local b = numbers(m, 3)
        local r = assert(b:readback { slots = 2 })
        assert(r:capture(1))
        local f = assert(r:wait())
        local view, copy = f.data, f.data:copy()
        assert.is_true(f:valid())
        assert(b:fill(1))
        assert(r:capture(2))
        assert(r:wait())
        assert.is_false(f:valid())
        assert.truthy(message_of(function() return view[1] end):find "STALE")
        assert.truthy(message_of(function() return #view end):find "STALE")
        assert.truthy(message_of(function() return view:totable() end):find "STALE")
        assert.truthy(message_of(f.keep, f):find "STALE")
        assert.truthy(tostring(view):find "stale")
        assert.view_equals({ 100, 101, 102 }, copy)
        assert.equal(1, f.step) -- what it was is known still
    end)

    it("is read-only", function()
        local m = spec.manager()
        local r = assert(numbers(m, 3):readback {})
        assert(r:capture(1))
        local f = assert(r:wait())
        assert.truthy(message_of(function() f.data[1] = 5 end):find "read%-only")
        assert.equal(100, f.data[1])
    end)

    it("kept holds its slot: the ring gets smaller until it is released", function()
        local m = spec.manager()
        local b = numbers(m, 3)
        local r = assert(b:readback { slots = 2 })
        local kept = {}
        for step = 1, 2 do
            assert(r:capture(step))
            kept[step] = assert(r:wait()):keep()
        end
        local _, _, code = r:capture(3)
        assert.equal("BUSY", code)
        assert.equal(1, r.dropped)
        kept[1]:release()
        assert.is_false(kept[1]:valid())
        assert(b:fill(9))
        assert(r:capture(4))
        assert.view_equals({ 9, 9, 9 }, assert(r:wait()).data)
        assert.view_equals({ 100, 101, 102 }, kept[2].data)
    end)

    it("kept in every slot drops the next moment, also where captures wait for room", function()
        local m = spec.manager()
        local r = assert(numbers(m, 3):readback { slots = 2, busy = "wait" })
        local kept = {}
        for step = 1, 2 do
            assert(r:capture(step))
            kept[step] = assert(r:wait()):keep()
        end
        assert.is_true(kept[1]:valid() and kept[2]:valid())
        local _, message, code = r:capture(3)
        assert.equal("BUSY", code)
        assert.truthy(message:find("all 2 slots hold frames that are kept: release some", 1, true))
        assert.equal(1, r.dropped)
        assert.equal(1, m:stats().dropped_frames)
    end)

    it("of a buffer that nobody else holds arrives: the readback holds it", function()
        local m = spec.manager()
        local r = assert(numbers(m, 3):readback {})
        collectgarbage()
        assert(r:capture(1))
        collectgarbage()
        assert.view_equals({ 100, 101, 102 }, assert(r:wait()).data)
        r:close()
        r = nil -- luacheck: ignore 311
        collectgarbage()
        assert.equal(0, m:stats().buffer_count)
    end)

    it("kept survives the close of its readback", function()
        local m = spec.manager()
        local r = assert(numbers(m, 3):readback {})
        assert(r:capture(1))
        local f = assert(r:wait()):keep()
        r:close()
        assert.view_equals({ 100, 101, 102 }, f.data)
        f:release()
        assert.truthy(message_of(function() return f.data[1] end):find "STALE")
    end)

    it("ends at the end of its block, by <close>", function()
        local m = spec.manager()
        local r = assert(numbers(m, 3):readback {})
        assert(r:capture(1))
        local outside
        do
            local f <close> = assert(r:wait()):keep()
            outside = f
            assert.is_true(f:valid())
        end
        assert.is_false(outside:valid())
    end)

    it("that is garbage does not starve the ring", function()
        local m = spec.manager()
        local b = numbers(m, 3)
        local r = assert(b:readback { slots = 2 })
        collectgarbage "stop" -- nothing is collected but what gpumm asks for itself
        for step = 1, 50 do
            assert(b:fill(step))
            assert(r:capture(step))
            assert.equal(step, assert(r:wait()):keep().data[2])
        end
        collectgarbage "restart"
        assert.equal(0, r.dropped)
    end)

    it("is one object, however it is asked for", function()
        local m = spec.manager()
        local r = assert(numbers(m, 3):readback {})
        assert(r:capture(1))
        local f = assert(r:wait())
        assert.is_true(rawequal(f, r:latest()))
        assert.is_true(rawequal(f.data, r:latest().data))
        assert.is_nil(r:next()) -- delivered once
    end)
end)

describe("latest and next", function()
    it("never block, and let older ones go or hand them out in order", function()
        local m = spec.manager()
        local b = numbers(m, 2)
        local by_latest, by_next = assert(b:readback { slots = 4 }), assert(b:readback { slots = 4 })
        assert.is_nil(by_latest:latest())
        assert.is_nil(by_next:next())
        for step = 1, 3 do
            assert(b:fill(step))
            assert(by_latest:capture(step))
            assert(by_next:capture(step))
        end
        assert(m:synchronize())
        local f = by_latest:latest()
        assert.equal(3, f.step)
        assert.view_equals({ 3, 3 }, f.data)
        local _, _, code = by_latest:wait(1)
        assert.truthy(code == "STALE" or code == "CANCELLED")
        for step = 1, 3 do
            local g = by_next:next()
            assert.equal(step, g.step)
            assert.view_equals({ step, step }, g.data)
        end
        assert.is_nil(by_next:next())
    end)
end)

describe("a frame", function()
    it("has members that its own fields hide by member", function()
        local m = spec.manager()
        local g = assert(m:group { { "time", "f32" }, { "step", "f32" }, length = 2 })
        g.time:fill(7)
        g.step:fill(8)
        local r = assert(g:readback {})
        local f = assert(r:wait(assert(r:capture(5))))
        assert.equal(5, f.step)
        assert.equal("number", type(f.time))
        assert.view_equals({ 7, 7 }, f:member "time")
        assert.view_equals({ 8, 8 }, f:member "step")
    end)
end)

describe("await", function()
    it("yields its readback until the frame is there", function()
        local m = spec.inject_faults()
        local b = numbers(m, 3)
        assert(m:synchronize())
        local r = assert(b:readback {})
        m.fault:hold "copy"
        assert(r:capture(8))
        local co = coroutine.create(function()
            local f = assert(r:await())
            return "step", f.step, f.data[3]
        end)
        for _ = 1, 5 do
            local ok, yielded = coroutine.resume(co, "whatever is passed in")
            assert.is_true(ok)
            assert.is_true(rawequal(r, yielded))
        end
        m.fault:release()
        assert(m:synchronize())
        assert.same({ true, "step", 8, 102 }, { coroutine.resume(co) })
        assert.equal("dead", coroutine.status(co))
    end)

    it("means the ticket that was newest when it was called", function()
        local m = spec.inject_faults()
        local b = numbers(m, 3)
        assert(m:synchronize())
        local r = assert(b:readback { slots = 3 })
        m.fault:hold "copy"
        assert(r:capture(1))
        local co = coroutine.wrap(function() return r:await().step end)
        assert.is_true(rawequal(r, co()))
        assert(r:capture(2))
        m.fault:release()
        assert(m:synchronize())
        assert.equal(1, co())
    end)

    it("without a ticket means the next capture, where the script has the newest", function()
        local m = spec.manager()
        local b = numbers(m, 3)
        local r = assert(b:readback { slots = 3 })
        local seen = {}
        local co = coroutine.wrap(function()
            for _ = 1, 3 do seen[#seen + 1] = assert(r:await()).step end
            r:close()
            return select(3, r:await())
        end)
        assert.is_true(rawequal(r, co())) -- before anything was captured
        for step = 1, 3 do
            assert(r:capture(step))
            assert(m:synchronize())
            local got = co()
            assert.equal(step, #seen)
            assert.equal(step < 3 and r or "CANCELLED", got)
        end
        assert.same({ 1, 2, 3 }, seen)
        local again = assert(b:readback {})
        assert(again:wait(assert(again:capture(1))))
        local _, message, code = again:await() -- outside of coroutines nobody else could capture
        assert.equal("NOT_PENDING", code)
        assert.matches("nothing was captured since the last frame was taken", message)
    end)

    it("many coroutines share one readback's ring, each with its own ticket", function()
        local m = spec.manager()
        local b = numbers(m, 3)
        local r = assert(b:readback { slots = 8 })
        local waiting, seen = {}, {}
        for step = 1, 8 do
            assert(b:fill(step))
            local ticket = assert(r:capture(step))
            waiting[step] = coroutine.create(function()
                local f = assert(r:await(ticket))
                seen[step] = f.data:totable()
            end)
        end
        repeat
            local alive = 0
            for _, co in ipairs(waiting) do
                if coroutine.status(co) ~= "dead" then
                    alive = alive + 1
                    assert(coroutine.resume(co))
                end
            end
        until alive == 0
        for step = 1, 8 do assert.same({ step, step, step }, seen[step]) end
    end)

    it("waits outside of coroutines, and reports what went wrong inside of them", function()
        local m = spec.manager()
        local b = numbers(m, 3)
        local r = assert(b:readback {})
        local _, _, code = r:await()
        assert.equal("NOT_PENDING", code)
        local ticket = assert(r:capture(3))
        assert.equal(3, coroutine.isyieldable() and assert(r:wait(ticket)).step or assert(r:await()).step)
        assert(r:capture(4))
        assert.is_true(r:cancel())
        local co = coroutine.wrap(function() return select(3, r:await(2)) end)
        assert.equal("CANCELLED", co())
    end)
end)

describe("the ring", function()
    it("with busy = \"newest\" refuses no capture: the oldest that nobody took makes room, and counts", function()
        local m = spec.manager()
        local b = numbers(m, 100000)
        local r = assert(b:readback { slots = 2, busy = "newest" })
        for step = 1, 30 do
            assert(b:fill(step))
            assert(r:capture(step))
        end
        assert.equal(28, r.dropped)
        local f = assert(r:wait(29))
        assert.equal(29, f.step)
        assert.equal(29, f.data[1])
        f = assert(r:wait())
        assert.equal(30, f.step)
        assert.equal(30, f.data[99999])
    end)

    it("has 2 to 64 slots", function()
        local m = spec.manager()
        local b = numbers(m, 1)
        assert.equal(2, assert(b:readback {}).slots)
        assert.equal(64, assert(b:readback { slots = 64 }).slots)
        assert.truthy(message_of(b.readback, b, { slots = 1 }):find "2 to 64 slots, not 1")
        assert.truthy(message_of(b.readback, b, { slots = 65 }):find "2 to 64 slots, not 65")
        assert.truthy(message_of(b.readback, b, { slots = 0 }):find "2 to 64 slots, not 0")
        assert.truthy(message_of(b.readback, b, { slot = 3 }):find 'did you mean "slots"')
        assert.truthy(message_of(b.readback, b, { busy = "no" }):find '"drop", "newest" or "wait"')
    end)
end)

describe("the ancestor's pair", function()
    it("gives a view that owns its memory, of the moment of the start", function()
        local m = spec.manager()
        local b = assert(m:allocate("positions", "f32x3", 100, gpumm.config.for_positions()))
        assert(b:fill { 1, 2, 3 })
        assert.is_true(m:start_async_download "positions")
        assert(b:fill { 4, 5, 6 })
        local first = assert(m:wait_for_download "positions")
        assert.is_true(m:start_async_download "positions")
        local second = assert(m:wait_for_download "positions")
        for i = 1, 100 do
            assert.same({ 1, 2, 3, 4, 5, 6 }, { first:get(i), select(2, first:get(i)), select(3, first:get(i)), second:get(i) })
        end
        assert.equal(2, m:stats().async_transfer_count)
        assert.is_true(m:free "positions")
        first:set(1, 9, 9, 9)
        assert.equal(9, (first:get(1)))
    end)

    it("says NOT_PENDING, ALREADY_PENDING, ASYNC_DISABLED and NOT_FOUND", function()
        local m = spec.manager()
        assert(m:allocate("on", "f32", 10, { enable_async = true }))
        assert(m:allocate("off", "f32", 10))
        local function code_of(method, name) return select(3, m[method](m, name)) end
        assert.equal("NOT_PENDING", code_of("wait_for_download", "on"))
        assert.is_true(m:start_async_download "on")
        assert.equal("ALREADY_PENDING", code_of("start_async_download", "on"))
        assert(m:wait_for_download "on")
        assert.equal("NOT_PENDING", code_of("wait_for_download", "on"))
        assert.equal("ASYNC_DISABLED", code_of("start_async_download", "off"))
        assert.equal("ASYNC_DISABLED", code_of("wait_for_download", "off"))
        assert.equal("NOT_FOUND", code_of("start_async_download", "neither"))
        assert.is_true(m:free "on" and m:free "off")
    end)
end)

describe("a frame", function()
    it("keeps its slot where the capacity shrinks under its copy", function()
        local MIB <const> = 1 << 20
        local m = spec.inject_faults({}, { memory = "64MiB", debug = false })
        local unit = m:device().granularity
        local b = m:allocate("b", "u8", 4 * MIB)
        local r = assert(b:readback { slots = 2 })
        b:fill(3)
        assert(m:synchronize())
        m.fault:hold "copy"
        local ticket = assert(r:capture(1))
        assert.is_true(b:resize(100))
        b:shrink_to_fit()
        local other = assert(m:buffer { type = "u8", length = 20 * MIB })
        m.fault:release()
        local frame = assert(r:wait(ticket))
        assert.equal(4 * MIB, #frame)
        assert.equal(3, frame.data[1])
        assert.equal(3, frame.data[4 * MIB])
        frame:release()
        assert(m:synchronize())
        m:trim()
        assert.is_true(m:stats().committed_bytes <= other.capacity_bytes + 6 * unit)
        assert.is_true(m:poll())
        m:free "b"
    end)
end)

describe("the memory of slots", function()
    after_each(spec.close)

    -- Of three captures the last one may be cancelled while it is on its way, and nobody looks for it any more.
    local function held_after(cancelled)
        local m = spec.inject_faults({}, { debug = false })
        local b = m:buffer { type = "u32", length = 4 << 20 }
        local r, tickets = b:readback { slots = 4 }, {}
        m.fault:hold "copy"
        for i = 1, 3 do tickets[i] = r:capture(i) end
        if cancelled then r:cancel(tickets[3]) end
        m.fault:release()
        m:synchronize()
        if not cancelled then r:wait(tickets[3]):release() end
        r:wait(tickets[1]):release()
        r:wait(tickets[2]):release()
        b:resize(16)
        b:shrink_to_fit()
        local held, since = m:stats().committed_bytes, gpumm.clock()
        while gpumm.clock() - since < 0.5 do held = math.min(held, m:stats().committed_bytes) end
        b:free()
        return held
    end

    it("goes back also where a copy was cancelled, and nobody looked whether it is through", function()
        assert.equal(held_after(false), held_after(true))
    end)
end)
