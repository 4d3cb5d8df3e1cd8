-- successes: 12
-- SPDX-License-Identifier: MIT
-- shrink_to_fit gives memory back and keeps the address: whole segments go, one that is used in part is exchanged.

local gpumm = require "gpumm"
local spec = require "gpumm.spec"
local support = require "spec.support"

local MIB <const> = 1 << 20

local function pause(seconds)
    local deadline = os.clock() + seconds
    while os.clock() < deadline do end
end

describe("shrink_to_fit", function()
    after_each(spec.close)

    local function plain(memory)
        local m = spec.inject_faults({}, { memory = memory or "256MiB", debug = false })
        return m, m:device().granularity
    end

    local function moved_in(m, before) return m:device().in_place and before or before + 1 end

    it("exchanges a segment of which little is used, contents and address kept", function()
        local m, unit = plain()
        local b = m:allocate("b", "u8", 40 * MIB)
        b:upload(support.bytes(1000))
        local address = b.address
        assert.equal(0, b.mapping)
        b:resize(1000)
        b:shrink_to_fit()
        support.wait_for_committed(m, b, unit)
        assert.equal(1000, b.capacity)
        assert.equal(1, b.mapping)
        assert.equal(moved_in(m, 1), b.generation)
        if m:device().in_place then assert.equal(address, b.address) end
        assert.equal(support.bytes(1000), b:download():bytes())
        assert(m:buffer { type = "u8", length = 180 * MIB })
        assert.is_true(m:poll())
    end)

    it("is through when the call returns where nobody uses the buffer, and asks the device for nothing else", function()
        local m, unit = plain()
        local b = m:allocate("b", "u8", 8 * unit)
        b:fill(7)
        b:resize(2 * unit)
        m:synchronize()
        local calls = {}
        for _, call in ipairs { "shrink", "event_record", "event_open", "stream_synchronize", "commit", "decommit", "copy" } do
            calls[call] = m.fault:calls(call)
        end
        local queries = m.fault:calls("stream_query")
        b:shrink_to_fit()
        assert.equal(2 * unit, b.committed_bytes)
        assert.equal(1, b.mapping)
        calls.shrink = calls.shrink + 1
        for call, count in pairs(calls) do assert.equal(count, m.fault:calls(call), call) end
        assert.is_true(m.fault:calls("stream_query") - queries <= 2) -- for whole segments, and for the one in part
        assert.equal(0, m:stats().gate_waits)
        assert.is_true(b:download():bytes() == ("\7"):rep(2 * unit))
    end)

    it("leaves what is much to the background", function()
        local m = plain("512MiB")
        local b = m:allocate("b", "u8", 96 * MIB)
        b:fill(3)
        b:resize(80 * MIB)
        m:synchronize()
        b:shrink_to_fit()
        support.wait_for_committed(m, b, 80 * MIB)
        assert.equal(1, b.mapping)
        assert.equal(3, b:download()[80 * MIB])
    end)

    it("leaves what is not worth the copy to trim", function()
        local m, unit = plain()
        local b = m:allocate("b", "u8", 40 * MIB)
        b:fill(5)
        b:resize(40 * MIB - 2 * unit)
        b:shrink_to_fit()
        m:synchronize()
        if m:device().in_place then
            assert.equal(40 * MIB, b.committed_bytes)
            assert.equal(0, b.mapping)
            assert.equal(2 * unit, m:trim())
        end
        support.wait_for_committed(m, b, 40 * MIB - 2 * unit)
        assert.equal(1, b.mapping)
        assert.is_true(b:download():bytes() == ("\5"):rep(40 * MIB - 2 * unit))
    end)

    it("lets the buffer grow again, in place", function()
        local m, unit = plain()
        local b = m:allocate("b", "u8", 40 * MIB)
        b:fill(1)
        b:resize(unit)
        b:shrink_to_fit()
        support.wait_for_committed(m, b, unit)
        local address = b.address
        assert.is_true(b:resize(50 * MIB))
        if m:device().in_place then assert.equal(address, b.address) end
        assert.is_true(b:download():bytes() == ("\1"):rep(unit) .. ("\0"):rep(50 * MIB - unit))
    end)

    it("moves every member of a group", function()
        local m, unit = plain()
        local g = m:group { { "p", "u8" }, { "q", "u16" }, length = 30 * MIB, name = "g" }
        g.p:fill(3)
        g.q:fill(4)
        g:resize(unit)
        g:shrink_to_fit()
        support.wait_for_committed(m, g.p, unit)
        support.wait_for_committed(m, g.q, 2 * unit)
        assert.equal(2, g.mapping)
        assert.equal(("\3"):rep(unit), g.p:download():bytes())
        assert.equal(("\4\0"):rep(unit), g.q:download():bytes())
    end)

    it("that the device refuses leaves everything as it was", function()
        local m, unit = plain()
        local b = m:allocate("b", "u8", 40 * MIB)
        b:fill(8)
        b:resize(unit)
        m:synchronize()
        m.fault:plan { call = "shrink", nth = 1, times = 2, status = "DRIVER" }
        b:shrink_to_fit()
        m:trim()
        support.fails("DRIVER", "in the background: fault: call shrink", m:poll())
        assert.is_true(m:poll())
        assert.equal(("\8"):rep(unit), b:download():bytes())
        m:trim()
        assert.equal(unit, b.committed_bytes)
        assert.equal(("\8"):rep(unit), b:download():bytes())
    end)

    it("works where there is no room for both", function()
        local m, unit = plain("64MiB")
        local b = m:allocate("b", "u8", 63 * MIB)
        b:fill(2)
        b:resize(40 * MIB)
        b:shrink_to_fit()
        support.wait_for_committed(m, b, 40 * MIB)
        assert(m:buffer { type = "u8", length = 20 * MIB }):fill(1)
        assert.is_true(b:download():bytes() == ("\2"):rep(40 * MIB))
        assert.is_true(unit > 0)
    end)

    it("takes what a cached range left over", function()
        local m, unit = plain()
        m:buffer { type = "u8", length = 8 * MIB }:free()
        local b = m:buffer { type = "u8", length = 4 * MIB }
        b:fill(9)
        b:shrink_to_fit()
        support.wait_for_committed(m, b, 4 * MIB)
        assert.equal(0, m:stats().precommitted.now)
        assert.equal(("\9"):rep(4 * MIB), b:download():bytes())
        assert.is_true(unit > 0)
    end)

    it("is not undone by what is committed ahead", function()
        local m, unit = plain()
        local b = m:allocate("b", "u8", unit, { growth = gpumm.growth.linear(unit) })
        for n = 2, 6 do b:resize(n * unit) end
        b:resize(unit)
        b:shrink_to_fit()
        m:trim()
        pause(0.05)
        assert.equal(unit, b.committed_bytes)
    end)

    it("takes the slots of readbacks along, those of frames in use at the next trim", function()
        local m, unit = plain("64MiB")
        local b = m:allocate("b", "u8", 10 * MIB)
        local r = assert(b:readback { slots = 3 })
        b:fill(7)
        local frame = assert(r:wait(assert(r:capture(1)))):keep()
        assert.is_true(b:resize(100))
        b:shrink_to_fit()
        m:trim()
        assert.equal(7, frame.data[10 * MIB])
        assert.is_true(m:stats().committed_bytes <= 2 * 10 * MIB + 5 * unit + 2 * unit)
        assert(m:synchronize())
        frame:release()
        local more = assert(m:buffer { type = "u8", length = 60 * MIB - 8 * unit }) -- under pressure
        m:trim() -- on a device of more memory
        b:fill(9)
        assert.equal(9, assert(r:wait(assert(r:capture(2)))).data[100])
        m:trim()
        assert.is_true(m:stats().committed_bytes <= more.capacity_bytes + 9 * unit)
        assert.is_true(b:resize(MIB)) -- and they grow again
        b:fill(5)
        assert.equal(5, assert(r:wait(assert(r:capture(3)))).data[MIB])
        assert.is_true(m:check())
        m:free "b"
    end)

    it("gives a commit of more than 1 GiB back in segments of 1 GiB", function()
        local m, unit = plain("4GiB")
        local b = m:allocate("b", "u8", unit, { max_size_bytes = "4GiB", growth = gpumm.growth.exact(), ahead = 0 })
        local before = m.fault:live().segments
        assert.is_true(b:ensure_capacity(unit + (5 << 29)))
        if m:device().in_place then assert.equal(before + 3, m.fault:live().segments) end
        assert.is_true(b:resize(unit + 8 * MIB))
        b:fill(7, unit + 1, 10)
        b:shrink_to_fit()
        m:trim()
        assert.equal(unit + 8 * MIB, b.committed_bytes)
        assert.equal(("\7"):rep(10), b:download(unit + 1, 10):bytes())
        assert.is_true(m:check())
    end)
end)
