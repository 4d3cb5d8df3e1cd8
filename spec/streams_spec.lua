-- successes: 20
-- SPDX-License-Identifier: MIT
-- Streams: the order that a buffer keeps across them, events, waiting, timeouts, and declared use.

local spec = require "gpumm.spec"

local KERNELS = [[
extern "C" __global__ void twice_plus(int n, const unsigned int *from, unsigned int *to, unsigned int more)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) to[i] = 2 * from[i] + more;
}
extern "C" __global__ void add(int n, unsigned int *values, unsigned int more)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) values[i] += more;
}]]

local LENGTH = 50000
local held = {}

local function inject_faults(fault, options)
    local m = spec.inject_faults(fault, options)
    held[#held + 1] = m
    return m
end

local function kernel(m, name) return assert(m:kernel { source = KERNELS, name = name }) end

local function numbers(m, value, stream)
    local b = assert(m:buffer { type = "u32", length = LENGTH, stream = stream })
    assert(b:fill(value, stream and { stream = stream } or nil))
    return b
end

local function uniform(view)
    local first = view[1]
    for i = 2, #view do
        if view[i] ~= first then return ("element %d is %d, the first %d"):format(i, view[i], first) end
    end
    return first
end

after_each(function()
    for _, m in ipairs(held) do
        if not m:is_closed() then m.fault:release() end
    end
    held = {}
    spec.close()
end)

describe("the order that buffers keep", function()
    it("lets a reader on another stream wait for the writer", function()
        local m = inject_faults { jitter = 11 }
        local a, b, side = numbers(m, 1), numbers(m, 0), assert(m:stream())
        local twice, add = kernel(m, "twice_plus"), kernel(m, "add")
        local expected = 1
        for i = 1, 30 do
            assert(add({ n = LENGTH, values = a, more = i }))
            assert(twice({ n = LENGTH, from = a, to = b, more = 0 }, side))
            expected = expected + i
            if i % 10 == 0 then assert.equal(2 * expected, uniform(b:download({ stream = side }))) end
        end
        assert.equal(expected, uniform(a:download()))
    end)

    it("lets a writer wait for the readers: what was being read is not overwritten", function()
        local m = inject_faults { jitter = 12 }
        local a, side, third = numbers(m, 1), assert(m:stream()), assert(m:stream())
        local copies = {}
        for i = 1, 20 do
            copies[i] = assert(m:buffer { type = "u32", length = LENGTH })
            assert(copies[i]:copy(a, { stream = i % 2 == 0 and side or third }))
            assert(a:fill(i + 1)) -- on the main stream, behind both readers
        end
        for i = 1, 20 do assert.equal(i, uniform(copies[i]:download())) end
    end)

    it("is a chain of any length over any streams", function()
        local m = inject_faults { jitter = 13 }
        local streams = { m:main(), assert(m:stream()), assert(m:stream()), assert(m:stream()) }
        local a, b = numbers(m, 0), numbers(m, 0)
        local twice = kernel(m, "twice_plus")
        local expected = 0
        for i = 1, 40 do
            assert(twice({ n = LENGTH, from = a, to = b, more = i }, streams[i % 4 + 1]))
            assert(a:copy(b, { stream = streams[(i * 7) % 4 + 1] }))
            expected = (2 * expected + i) & 0xffffffff
        end
        assert.equal(expected, uniform(a:download()))
        assert.equal(expected, uniform(b:download({ stream = streams[2] })))
    end)

    it("costs one stream no event at all", function()
        local m = inject_faults()
        local a, add = numbers(m, 1), kernel(m, "add")
        assert(add(LENGTH, a, 1))
        assert(m:synchronize())
        local records, waits = m.fault:calls "event_record", m.fault:calls "stream_wait"
        for _ = 1, 20 do assert(add(LENGTH, a, 1)) end
        assert.equal(records, m.fault:calls "event_record")
        assert.equal(waits, m.fault:calls "stream_wait")
        assert.equal(22, uniform(a:download()))
    end)

    it("is missed where the device skips the wait: what the tests here stand on", function()
        local m = inject_faults({}, { debug = false })
        local side = assert(m:stream())
        local a, b = numbers(m, 1), numbers(m, 0, side)
        local add, twice = kernel(m, "add"), kernel(m, "twice_plus")
        assert(m:synchronize())
        m.fault:hold "launch"
        assert(add(LENGTH, a, 6))
        m.fault:plan { call = "stream_wait", nth = 1, status = "OK" }
        assert(b:copy(a, { stream = side }))
        assert(side:synchronize()) -- it did not wait for the kernel, which cannot even begin
        m.fault:release "launch"
        assert.equal(1, uniform(b:download { stream = side }))
        assert.equal(7, uniform(a:download()))
        assert(twice(LENGTH, a, b, 0))
        assert.equal(14, uniform(b:download()))
    end)

    it("takes declared use for work: a reader, and a writer", function()
        local m = inject_faults()
        local add = kernel(m, "add")
        local a, b = numbers(m, 1), numbers(m, 2)
        local side = assert(m:stream())
        assert(m:synchronize())
        m.fault:hold "launch"
        assert(add(LENGTH, b, 1)) -- keeps the main stream shut
        assert(a:fill(3)) -- and this behind it
        assert(a:used(side, "read"))
        local event = side:record()
        assert.is_false(event:ready())
        assert(a:used(side, "write"))
        local behind = assert(m:stream())
        assert(a:used(behind, "read"))
        assert.is_false(behind:record():ready())
        m.fault:release()
        assert(event:wait(20))
        assert.equal(3, uniform(a:download()))
        assert.has_error(function() a:used(side, "use") end)
        assert.has_error(function() a:used({}, "read") end)
    end)

    it("holds for scratch as well", function()
        local m = inject_faults { jitter = 14 }
        local a, twice = numbers(m, 5), kernel(m, "twice_plus")
        local out = numbers(m, 0)
        for i = 1, 20 do
            local s <close> = assert(m:scratch("u32", LENGTH))
            assert.equal(4 * LENGTH, s.bytes)
            assert(twice(LENGTH, a, s, i))
            assert(twice(LENGTH, s, out, 0))
        end
        assert.equal(2 * (2 * 5 + 20), uniform(out:download()))
        m:trim()
        assert.equal(0, m:stats().scratch.now)
    end)
end)

describe("an event", function()
    it("is ready once what was enqueued before it is done", function()
        local m = inject_faults()
        local a, add = numbers(m, 1), kernel(m, "add")
        assert(m:synchronize())
        local early = m:main():record()
        assert(early:wait(20))
        m.fault:hold "launch"
        assert(add(LENGTH, a, 1))
        local late = m:main():record()
        assert.is_true(early:ready())
        assert.is_false(late:ready())
        m.fault:release()
        assert(late:wait(20))
        assert.is_true(late:ready())
        assert.is_true(early:elapsed(late) > 0)
        assert.equal(2, uniform(a:download()))
    end)

    it("can be recorded anew, on any stream", function()
        local m = inject_faults({}, { debug = false })
        local a, add = numbers(m, 1), kernel(m, "add")
        local side, opened = assert(m:stream()), m.fault:calls "event_open"
        local event = m:main():record()
        assert(event:wait(20))
        m.fault:hold "launch"
        assert(add(LENGTH, a, 1))
        assert.equal(event, m:main():record(event))
        assert.is_false(event:ready())
        assert.equal(event, side:record(event))
        assert(event:wait(20))
        m.fault:release()
        assert.equal(opened + 1, m.fault:calls "event_open")
        assert.error_matches(function() side:record(a) end, "gpumm.event expected")
        assert.error_matches(function() spec.manager():main():record(event) end, "another manager")
        event:close()
        assert.error_matches(function() side:record(event) end, "CLOSED")
    end)

    it("times out, and can be waited for again", function()
        local m = inject_faults()
        local a, add = numbers(m, 1), kernel(m, "add")
        assert(m:synchronize())
        m.fault:hold "launch"
        assert(add(LENGTH, a, 1))
        local event = m:main():record()
        for _, seconds in ipairs { 0, 0.001, 0.02 } do
            local ok, message, code = event:wait(seconds)
            assert.is_nil(ok)
            assert.equal("TIMEOUT", code)
            assert.truthy(message:find "TIMEOUT: ")
        end
        assert.has_error(function() event:wait(-1) end)
        assert.has_error(function() event:wait(0 / 0) end)
        m.fault:release()
        assert.is_true(event:wait())
        assert.is_true(event:wait(0))
    end)

    it("holds another stream that waits for it, without the host", function()
        local m = inject_faults({}, { debug = false })
        local side = assert(m:stream())
        local a, b = numbers(m, 1), numbers(m, 1, side)
        local add = kernel(m, "add")
        assert(m:synchronize())
        m.fault:hold "launch"
        assert(add(LENGTH, a, 1))
        assert(side:wait(m:main():record()))
        assert(b:fill(9, { stream = side }))
        assert.is_false(side:idle())
        m.fault:release()
        assert(side:synchronize())
        assert.is_true(side:idle())
        assert.equal(9, uniform(b:download({ stream = side })))
    end)

    it("binds the record current at the call: one recorded later does not hold the waiter", function()
        local m = inject_faults({}, { debug = false })
        local side = assert(m:stream())
        local b = numbers(m, 1, side)
        local a, add = numbers(m, 1), kernel(m, "add")
        assert(m:synchronize())
        local event = m:main():record()
        assert(event:wait(20))
        assert(side:wait(event))
        m.fault:hold "launch"
        assert(add(LENGTH, a, 1))
        m:main():record()
        assert(b:fill(4, { stream = side }))
        assert(side:record():wait(20))
        m.fault:release()
        assert.equal(4, uniform(b:download()))
    end)

    it("of another manager is refused", function()
        local m, other = spec.manager(), spec.manager()
        local event = other:main():record()
        assert.error_matches(function() m:main():wait(event) end, "manager")
        assert.error_matches(function() m:main():record():elapsed(event) end, "manager")
    end)
end)

describe("a stream", function()
    it("of another manager is refused by every call", function()
        local m, other = spec.manager(), spec.manager()
        local b, foreign = numbers(m, 1), assert(other:stream())
        for _, call in ipairs {
            function() return b:fill(1, { stream = foreign }) end,
            function() return b:upload({ 1 }, { stream = foreign }) end,
            function() return b:download(foreign) end,
            function() return b:resize(5, foreign) end,
            function() return b:used(foreign, "read") end,
            function() return m:scratch(100, foreign) end,
        } do
            assert.error_matches(call, "another manager")
        end
        assert.equal(1, uniform(b:download()))
    end)

    it("that is closed is refused; what it had enqueued is done all the same", function()
        local m = spec.manager()
        local side = assert(m:stream())
        local b = numbers(m, 1)
        assert(b:fill(6, { stream = side }))
        side:close()
        side:close()
        assert.error_matches(function() b:fill(1, { stream = side }) end, "CLOSED")
        assert.error_matches(function() side:synchronize() end, "CLOSED")
        assert.equal(6, uniform(b:download()))
        collectgarbage()
        assert.equal(6, uniform(b:download()))
    end)

    it("main is one object, and nobody's to close", function()
        local m = spec.manager()
        assert.is_true(rawequal(m:main(), m:main()))
        m:main():close()
        assert(m:main():synchronize())
        local b = numbers(m, 3, m:main())
        assert.equal(3, uniform(b:download(m:main())))
    end)

    it("may be one of many, and all of them go again", function()
        local m = inject_faults()
        local before = m.fault:live().streams
        local b = numbers(m, 0)
        local add = kernel(m, "add")
        do
            local streams = {}
            for i = 1, 40 do
                streams[i] = assert(m:stream())
                assert(add({ n = LENGTH, values = b, more = 1 }, streams[i]))
            end
            assert.equal(before + 40, m.fault:live().streams)
        end
        assert.equal(40, uniform(b:download()))
        collectgarbage()
        collectgarbage()
        assert(m:synchronize())
        m:trim()
        local live = m.fault:live().streams
        for _ = 1, 1000 do -- in the background
            if live == before then break end
            assert(m:main():record():wait(0.01) ~= false)
            live = m.fault:live().streams
        end
        assert.equal(before, live)
    end)

    it("synchronize and idle tell when it is done", function()
        local m = inject_faults()
        local a, add = numbers(m, 1), kernel(m, "add")
        assert(m:synchronize())
        m.fault:hold "launch"
        for _ = 1, 10 do assert(add(LENGTH, a, 1)) end
        assert.is_false(m:main():idle())
        m.fault:release()
        assert(m:main():synchronize())
        assert.is_true(m:main():idle())
        assert.equal(11, uniform(a:download()))
    end)
end)

-- The host device's, which stand in for those that another API makes for a GPU.
describe("semaphores", function()
    it("hold a stream until another has raised them, whoever was asked first", function()
        local m = inject_faults({ jitter = 5 }, { device = "host" })
        local a, side = numbers(m, 1), assert(m:stream())
        local b = numbers(m, 0)
        local x = assert(m:semaphore())
        assert(side:wait(x, 3))
        local through = side:record()
        assert(m:main():signal(x, 2))
        m:main():synchronize()
        assert.is_false(through:ready())
        assert(a:fill(7))
        assert(m:main():signal(x, 3))
        assert(b:copy(a, { stream = side }))
        assert(through:wait())
        assert.equal(7, uniform(b:download { stream = side }))
        x:close()
        assert.error_matches(function() side:wait(x, 4) end, "CLOSED")
    end)

    it("are of descriptors that mean one, and in no recording", function()
        local m = inject_faults({}, { device = "host" })
        local x = assert(m:semaphore())
        assert.error_matches(function() m:semaphore { fd = -1 } end, "descriptor %-1 is none")
        assert.error_matches(function() m:semaphore { fd = 0 } end, "gpumm_semaphore_stand_in")
        for _, none in ipairs { 1 << 32, 0.5, 0 / 0, "0" } do -- another descriptor is none of them
            assert.error_matches(function() m:semaphore { fd = none } end, 'option "fd": a descriptor expected')
        end
        assert.error_matches(function() m:main():signal(x, -1) end, "from 0 on")
        assert.error_matches(function() m:record(function() m:main():signal(x, 1) end) end, "signal")
        assert.error_matches(function() m:record(function() m:main():wait(x, 1) end) end, "wait")
        assert(m:main():signal(x, 1))
        m:main():synchronize()
    end)
end)
