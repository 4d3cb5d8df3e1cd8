-- successes: 13
-- SPDX-License-Identifier: MIT
-- What goes on while a kind of work is held shut by the fault device: nothing here sleeps, the gates decide.

local spec = require "gpumm.spec"
local support = require "spec.support"

local ADD = [[
extern "C" __global__ void add(int n, float *values, float more)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) values[i] += more;
}]]

local held = {} -- managers whose gates are opened again whatever becomes of the test

local function inject_faults(fault, options)
    local m = spec.inject_faults(fault, options)
    held[#held + 1] = m
    return m
end

local function release_all()
    for _, m in ipairs(held) do
        if not m:is_closed() then m.fault:release() end
    end
    held = {}
end

local function values(m, length)
    local b = assert(m:buffer { type = "f32", length = length })
    assert(b:fill(1))
    return b, assert(m:kernel { source = ADD })
end

local function all(view, expected)
    for i = 1, #view do
        if view[i] ~= expected then return ("element %d is %s, not %s"):format(i, view[i], expected) end
    end
    return "all are " .. expected
end

describe("a copy held shut", function()
    after_each(function()
        release_all()
        spec.close()
    end)

    it("lets capture return and the main stream go on; the frame arrives when it opens", function()
        local m = inject_faults()
        local b, add = values(m, 100000)
        assert(m:synchronize())
        local r = assert(b:readback { slots = 2 })
        m.fault:hold "copy"
        local ticket = assert(r:capture(7))
        assert.is_nil(r:latest())
        assert.is_nil(r:next())
        assert.is_false(r:ready(ticket))

        -- Device to device is no copy to the host: the main stream's work is done although the gate is shut.
        local other = assert(m:buffer { type = "f32", length = 100000 })
        for _ = 1, 3 do assert(add { n = 100000, values = b, more = 2 }) end
        assert(other:copy(b))
        assert(m:main():record():wait(20))
        assert.is_nil(r:latest())
        local _, _, code = r:wait(ticket, 0.01)
        assert.equal("TIMEOUT", code)

        m.fault:release "copy"
        local f = assert(r:wait(ticket, 20))
        assert.equal(7, f.step)
        assert.equal(100000, f.length)
        assert.equal("all are 1.0", all(f.data, 1.0))
        assert.equal("all are 7.0", all(other:download(), 7.0))
        assert.equal("all are 7.0", all(b:download(), 7.0))
    end)

    it("is let go by spec.close, so that a test which failed meanwhile ends", function()
        local m = spec.inject_faults()
        local b = assert(m:buffer { type = "u32", length = 10 })
        assert(b:fill(9))
        local r = assert(b:readback {})
        m.fault:hold "copy"
        assert(r:capture(1))
        spec.close()
        assert.is_true(m:is_closed())
        support.raises("CLOSED", r.wait, r)
    end)

    it("may be shut from the start, by the manager's own option", function()
        local m = inject_faults { hold = "copy" }
        local b = assert(m:buffer { type = "u32", length = 10 })
        assert(b:fill(9))
        local r = assert(b:readback {})
        assert(r:capture(1))
        assert(m:main():synchronize())
        assert.is_nil(r:latest())
        m.fault:release()
        local f = assert(r:wait(nil, 20))
        assert.view_equals({ 9, 9, 9, 9, 9, 9, 9, 9, 9, 9 }, f.data)
    end)

    it("keeps every captured moment apart: each frame has its own contents", function()
        local m = inject_faults()
        local b, add = values(m, 5000)
        assert(m:synchronize())
        local r = assert(b:readback { slots = 4 })
        m.fault:hold "copy"
        for step = 1, 4 do
            assert(r:capture(step))
            assert(add { n = 5000, values = b, more = 1 })
        end
        assert(m:main():synchronize())
        assert.is_nil(r:next())
        m.fault:release "copy"
        for step = 1, 4 do
            local f = assert(r:wait(step, 20))
            assert.equal(step, f.step)
            assert.equal("all are " .. step .. ".0", all(f.data, step + 0.0))
        end
    end)

    it("fills the ring: BUSY, and the dropped frame is counted", function()
        local m = inject_faults()
        local b = values(m, 100)
        assert(m:synchronize())
        local r = assert(b:readback { slots = 2 })
        m.fault:hold "copy"
        assert(r:capture(1))
        assert(r:capture(2))
        local ticket, message, code = r:capture(3)
        assert.is_nil(ticket)
        assert.equal("BUSY", code)
        assert.truthy(message:find("BUSY: ", 1, true))
        assert.equal(1, r.dropped)
        assert.equal(1, m:stats().dropped_frames)
        m.fault:release()
        assert.equal(1, assert(r:wait(1, 20)).step)
        assert.equal(2, assert(r:wait(2, 20)).step)
        assert(r:capture(4))
        local f = assert(r:wait(nil, 20))
        assert.equal(4, f.step)
        assert.equal(1, f.dropped)
    end)

    it("ends with its readback: cancelled tickets say so, and the memory comes back", function()
        local m = inject_faults()
        local b = values(m, 100000)
        assert(m:synchronize())
        local before = m:stats()
        local r = assert(b:readback { slots = 3 })
        assert.is_true(m:stats().pinned.now > before.pinned.now)
        m.fault:hold "copy"
        local ticket = assert(r:capture(1))
        assert.is_true(r:cancel(ticket))
        local _, message, code = r:ready(ticket)
        assert.equal("CANCELLED", code)
        assert.truthy(message:find "CANCELLED")
        assert(r:capture(2))
        r:close()
        m.fault:release()
        assert(m:synchronize())
        m:trim()
        local after = m:stats()
        assert.equal(before.used_bytes, after.used_bytes)
        assert.equal(0, after.pinned.now)
        assert.equal(0, after.staging.now)
    end)

    it("keeps no buffer from growing, shrinking and going, with canaries too", function()
        local m = inject_faults { hold = "copy" } -- from the start, with debug on
        local b = assert(m:buffer { type = "f32", length = 4 })
        assert(b:resize(100000))
        m.fault:hold "fill"
        assert(b:resize(200000))
        assert(b:resize(10))
        assert(b:shrink_to_fit())
        assert(b:free())
        m.fault:release()
        assert(m:check())
    end)

    it("is CANCELLED by freeing its buffer", function()
        local m = inject_faults()
        local b = assert(m:allocate("values", "f32", 1000))
        assert(m:synchronize())
        local r = assert(b:readback {})
        m.fault:hold "copy"
        local ticket = assert(r:capture(1))
        assert.is_true(m:free "values")
        support.fails("CANCELLED", "'values' was freed", r:wait(ticket, 20))
        assert.error_matches(function() b:fill(1) end, "STALE")
        m.fault:release()
        assert(m:synchronize())
        m:trim()
        assert.equal(0, m:stats().used_bytes)
        assert.equal(0, m:stats().buffer_count)
    end)

    it("does not keep a manager from closing once it opens; nothing is left", function()
        local m = inject_faults()
        local b = values(m, 1000)
        local r = assert(b:readback {})
        assert(m:synchronize())
        m.fault:hold "copy"
        local f = m.fault
        assert(r:capture(1))
        f:release()
        m:close()
        local live = f:live()
        assert.same({ 0, 0, 0, 0, 0 }, { live.committed_bytes, live.ranges, live.blocks, live.streams, live.events })
        assert.equal(0, m:stats().used_bytes)
    end)
end)

describe("a launch held shut", function()
    after_each(function()
        release_all()
        spec.close()
    end)

    it("is enqueued at once, and its results wait", function()
        local m = inject_faults({}, { debug = false })
        local b, add = values(m, 1000)
        local side = assert(m:stream())
        local other = assert(m:buffer { type = "f32", length = 1000, stream = side })
        assert(m:synchronize())
        m.fault:hold "launch"
        assert(add { n = 1000, values = b, more = 4 })
        local event = m:main():record()
        assert.is_false(event:ready())
        assert.is_false(m:main():idle())

        -- Another stream, which has nothing to do with it, is free.
        assert(other:fill(3, { stream = side }))
        assert(side:record():wait(20))
        assert.is_false(event:ready())
        assert.is_nil((event:wait(0.01)))

        m.fault:release "launch"
        assert(event:wait(20))
        assert.equal("all are 5.0", all(b:download(), 5.0))
        assert.equal("all are 3.0", all(other:download(), 3.0))
    end)

    it("holds those who wait for it, on other streams too", function()
        local m = inject_faults()
        local b, add = values(m, 1000)
        local copy = assert(m:buffer { type = "f32", length = 1000 })
        assert(m:synchronize())
        m.fault:hold "launch"
        assert(add { n = 1000, values = b, more = 4 })
        local side = assert(m:stream())
        assert(copy:copy(b, { stream = side })) -- reads what the launch writes
        local event = side:record()
        assert.is_false(event:ready())
        m.fault:release()
        assert(event:wait(20))
        assert.equal("all are 5.0", all(copy:download(), 5.0))
    end)

    it("holds up no transfer on another stream, however many wait behind it on its own", function()
        -- On a GPU the engine that copies to the device takes copies in the order in which they were given to it.
        local m = inject_faults({}, { device = "host", debug = false })
        local side = assert(m:stream())
        local b, add = values(m, 1 << 19)
        local other = values(m, 1000)
        assert(m:synchronize())
        m.fault:hold "launch"
        assert(add({ n = 1 << 19, values = b, more = 4 }, side))
        local data = support.bytes(2 << 20)
        assert(b:upload(data, { stream = side })) -- as much as a stream's block takes
        assert(other:upload { 1, 2, 3 })
        assert.view_equals({ 1, 2, 3 }, other:download(1, 3))
        assert.is_false(side:idle())
        m.fault:release()
        assert.is_true(data == b:download():bytes())
    end)

    it("does not hold growth: the buffer grows meanwhile, and keeps its contents", function()
        local m = inject_faults({}, { debug = false })
        local b, add = values(m, 1000)
        assert(m:synchronize())
        local watch = support.watch_moves(m, b)
        m.fault:hold "launch"
        assert(add { n = 1000, values = b, more = 4 })
        assert(b:ensure_capacity(3000000))
        watch()
        assert.is_true(b.capacity >= 3000000)
        assert.equal(1000, #b)
        m.fault:release()
        assert(b:resize(2000))
        local view = b:download()
        assert.equal("all are 5.0", all(b:download(1, 1000), 5.0))
        for i = 1001, 2000 do assert.equal(0.0, view[i]) end
    end)
end)
