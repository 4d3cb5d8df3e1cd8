-- successes: 5
-- SPDX-License-Identifier: MIT
-- Recordings without kernels, on every device that has memory: fills, copies, and captures on their three ways to the host,
-- with growth between, captures that are refused now and then, and failures of the driver below.

local spec = require "gpumm.spec"
local support = require "spec.support"

local function bytes(b) return assert(b:download()):bytes() end

after_each(spec.close)

describe("a recording of fills, copies and captures", function()
    local function growing(m, type, length)
        return assert(m:buffer { type = type, length = length, max_length = 4 << 20 })
    end

    -- What is recorded of one set of buffers; by itself it is done at once.
    local function work(x)
        return function(r)
            x.a:fill(7, 1, 100)
            x.b:copy(x.a, { first = 3, count = 400 })
            x.a:copy(x.b, { first = 2, from_first = 1, count = 300 })
            x.v:fill { 1, 2, 3 }
            x.c:fill(0x01020304, 2, 3)
            x.c:copy(x.b)
            for _, readback in ipairs(x.readbacks) do readback:capture(r and r:scalar "step" or x.step) end
            x.a:fill(1, 50, 1)
        end
    end

    local function set(m)
        local x = { a = growing(m, "u32", 500), b = growing(m, "u32", 450), c = growing(m, "u32", 600) }
        x.v = growing(m, "f32x3", 50)
        x.readbacks = { x.a:readback { inline_bytes = 0, slots = 4 }, x.b:readback { direct = true },
            x.c:readback { inline_bytes = "1MiB", slots = 4 } }
        return x
    end

    local function grow(x, by)
        for _, name in ipairs { "a", "b", "c" } do
            assert(x[name]:resize(x[name].length * by))
            assert(x[name]:upload({ by, by + 1 }, x[name].length - 1))
        end
    end

    local function same(x, y)
        for _, name in ipairs { "a", "b", "c", "v" } do assert.is_true(bytes(x[name]) == bytes(y[name]), name) end
    end

    local function same_frames(x, y, step, tickets)
        for i, ticket in ipairs(tickets) do
            local ours, theirs = assert(y.readbacks[i]:wait(ticket)), assert(x.readbacks[i]:wait())
            assert.same({ step, step }, { ours.step, theirs.step })
            assert.is_true(ours[1]:bytes() == theirs[1]:bytes(), "frame of readback " .. i)
        end
    end

    it("does what its calls do, while buffers grow", function()
        local m = spec.manager()
        local x, y = set(m), set(m)
        local watch, recording = support.watch_moves(m, y.c), nil
        for round = 1, 5 do
            recording = (watch() or not recording) and m:record(work(y)) or recording
            for step = 1, 8 do
                x.step = step
                work(x)()
                same_frames(x, y, step, { recording:replay { step = step } })
            end
            same(x, y)
            local before = y.a.generation + y.b.generation
            grow(x, round == 3 and 60 or 2)
            grow(y, round == 3 and 60 or 2)
            if y.a.generation + y.b.generation ~= before then recording = nil end
        end
    end)

    it("leaves out the snapshots that were refused", function()
        local m = spec.manager()
        local a, b = growing(m, "u32", 1000), growing(m, "u32", 10)
        local r = a:readback { slots = 2, inline_bytes = 0 }
        local recording = m:record(function()
            a:fill(5)
            b:fill(6)
            r:capture()
            a:fill(7)
        end)
        local got = {}
        for i = 1, 12 do
            got[i] = recording:replay() and 1 or 0
            m:synchronize()
            if i % 4 == 0 then
                local frame = r:next()
                assert.equal(5, frame[1][1000])
                frame:release()
                local last = r:next()
                if last then last:release() end
            end
        end
        local taken = 0
        for _, one in ipairs(got) do taken = taken + one end
        assert.is_true(taken >= 4 and taken < 12)
        assert.equal(12 - taken, r.dropped)
        assert.equal(7, a:download()[1])
    end)

    it("is recorded with nothing to do, and has something to do later", function()
        local m = spec.manager()
        local a, b = growing(m, "u32", 0), growing(m, "u32", 0)
        local r = b:readback { slots = 3 }
        local recording = m:record(function()
            a:fill(3)
            b:fill(4)
            b:copy(a)
            r:capture()
        end)
        assert.equal(0, r:wait(recording:replay()).length)
        assert(a:resize(5))
        assert(b:resize(5))
        if a.generation + b.generation > 2 then return end -- it moved: recorded anew elsewhere
        local frame = r:wait(recording:replay())
        assert.same({ 3, 3, 3, 3, 3 }, frame[1]:totable())
    end)

    it("says what the device says", function()
        local m = spec.inject_faults()
        local recording = m:record(work(set(m)))
        assert(recording:replay { step = 1 })
        for _, status in ipairs { "DEVICE_LOST", "DRIVER", "OUT_OF_MEMORY" } do
            assert(m.fault:plan { call = "graph_launch", nth = 1, status = status })
            local failed, message, code = recording:replay { step = 2 }
            assert.same({ nil, status }, { failed, code })
            support.contains(status, message)
        end
    end)

    -- The same however often a part of it was done before.
    local function again(x)
        return function(r)
            x.a:fill(7)
            x.b:copy(x.a, { count = 400 })
            x.v:fill { 1, 2, 3 }
            x.c:fill(0x01020304, 2, 3)
            x.readbacks[1]:capture(r:scalar "step")
            x.readbacks[3]:capture(r:scalar "step")
            x.a:fill(1, 50, 1)
        end
    end

    local CALLS = {
        cuda = { "cuGraphLaunch", "cuGraphInstantiateWithFlags", "cuGraphExecKernelNodeSetParams", "cuGraphAddMemsetNode",
            "cuGraphExecMemsetNodeSetParams", "cuGraphAddKernelNode", "cuGraphCreate", "cuEventRecord", "cuMemcpyDtoHAsync" },
        host = { "graph_launch", "graph_open", "graph_patch", "copy", "fill", "event_record", "stream_wait" },
    }

    it("works again after whatever the driver or the device has refused", function()
        local m = spec.inject_faults()
        local x, refused = set(m), 0
        local recording = m:record(again(x))
        local function replay(step)
            local first, second, code = recording:replay { step = step }
            if code then return assert.equal("DRIVER", code) and nil end
            for i, ticket in ipairs { first, second } do
                local frame = assert(x.readbacks[2 * i - 1]:wait(ticket))
                assert.equal(step, frame.step)
                assert.same(i == 1 and { 7, 7 } or { 0, 0x01020304 }, { frame[1][1], frame[1][2] })
                frame:release()
            end
            return true
        end
        for step, call in ipairs(CALLS[m:device().kind]) do
            if step % 2 == 0 then recording = m:record(again(x)) end
            assert(m.fault:plan { call = call, nth = 1, status = "DRIVER" })
            if not replay(step) then refused = refused + 1 end
            assert(m.fault:plan {})
            m:synchronize()
            for _, readback in ipairs(x.readbacks) do
                while readback:next() do end
            end
            assert.is_true(replay(100 + step))
        end
        assert.is_true(refused >= 3)
        assert.same({ 7, 1 }, { x.b:download()[400], x.a:download()[50] })
    end)
end)
