-- successes: 9
-- SPDX-License-Identifier: MIT
-- Shareable buffers: everything that a buffer is, in memory of its own that can be exported.

local spec = require "gpumm.spec"
local support = require "spec.support"

local in_place = os.getenv "GPUMM_NO_VMM" == nil

after_each(spec.close)

local function steps(m, bytes)
    local step = m:device().granularity
    return (bytes + step - 1) // step * step
end

describe("a shareable buffer", function()
    it("holds what it is given, at one address, however it grows", function()
        local m = spec.manager()
        local b = assert(m:allocate("shared", "u32", 10, { shareable = true, max_length = 4e6 }))
        local address, expected = b.address, {}
        for i = 1, 10 do expected[i] = i end
        assert(b:upload(expected))
        for _, n in ipairs { 1000, 50000, 400000, 2000000 } do
            assert(b:resize(n))
            assert.equal(address, b.address)
            local v = b:download { first = 1, count = 10 }
            assert.view_equals(expected, v)
            assert.equal(0, b:download { first = n, count = 1 }[1])
        end
        assert.equal(1, b.generation)
        assert.balanced(m)
    end)

    it("has whole commit steps of its own, also where it is small", function()
        local m = spec.manager()
        local b = assert(m:buffer { type = "u32", length = 10, max_length = 20, shareable = true })
        local plain = assert(m:buffer { type = "u32", length = 10, max_length = 20 })
        assert.equal(steps(m, 40), b.committed_bytes)
        assert.equal(0, plain.committed_bytes)
        assert.same({ { offset = 0, bytes = steps(m, 40) } }, b:segments())
    end)

    it("tells its segments, which add up to what is committed", function()
        local m = spec.manager()
        local b = assert(m:buffer { type = "u8", length = 1, max_length = 64 << 20, shareable = true, ahead = 0 })
        for n = 1, 6 do
            assert(b:resize(n * 3 << 20))
            local sum = 0
            for _, s in ipairs(b:segments()) do
                assert.equal(sum, s.offset)
                sum = sum + s.bytes
            end
            assert.equal(b.committed_bytes, sum)
        end
        assert.is_true(#b:segments() > 1)
    end)

    it("is as good in a group: members grow together", function()
        local m = spec.manager()
        local g = assert(m:group { { "a", "u32" }, { "b", "f32x2" }, length = 10, shareable = true, max_length = 1e6 })
        local at = { g.a.address, g.b.address }
        assert(g.a:fill(4))
        assert(g:resize(500000))
        assert.same(at, { g.a.address, g.b.address })
        assert.equal(4, g.a:download { first = 10, count = 1 }[1])
        assert.equal(0, g.a:download { first = 500000, count = 1 }[1])
    end)

    it("goes back to the device when it is freed, and serves nobody else", function()
        local m = spec.manager { fault = true }
        local b = assert(m:allocate("shared", "u8", 8 << 20, { shareable = true }))
        assert(b:fill(1))
        assert(m:free "shared")
        assert(m:synchronize())
        assert(m:trim())
        assert.equal(0, m:stats().cached.now)
        assert.equal(0, m:stats().exported.now)
        assert.balanced(m)
        local plain = assert(m:allocate("plain", "u8", 8 << 20))
        assert.equal(0, plain:download { first = 1, count = 1 }[1])
    end)

    it("gives whole segments back when it shrinks, and is never moved", function()
        local m = spec.manager { fault = true }
        local b = assert(m:buffer { type = "u8", length = 1 << 20, max_length = 64 << 20, shareable = true, ahead = 0 })
        assert(b:fill(7))
        local first = b:segments()[1].bytes
        assert(b:resize(32 << 20))
        assert(b:resize(1 << 20))
        assert(b:shrink_to_fit())
        assert(m:synchronize())
        assert(m:trim())
        assert.equal(first, b.committed_bytes)
        assert.equal(0, b.mapping)
        assert.equal(7, b:download { first = 1 << 20, count = 1 }[1])
        assert(b:resize(40 << 20))
        assert.equal(0, b:download { first = 40 << 20, count = 1 }[1])
        assert.balanced(m)
    end)

    it("is limited as any other", function()
        local m = spec.manager { limit = "1MiB" }
        support.fails("OVER_LIMIT", "limit", m:allocate("shared", "u8", 2 << 20, { shareable = true }))
        local b = assert(m:allocate("shared", "u8", 1000, { shareable = true }))
        support.fails("OVER_LIMIT", "limit", b:resize(2 << 20))
        assert.equal(1000, #b)
    end)

    it("undoes a growth that fails", function()
        if not in_place then return end
        local m = spec.manager { fault = true }
        local g = assert(m:group { { "a", "u8" }, { "b", "u8" }, length = 10, max_length = 64 << 20, shareable = true })
        for nth = 1, 2 do
            m.fault:plan { call = "commit", nth = nth, status = "OUT_OF_MEMORY", times = 100 }
            support.fails("OUT_OF_MEMORY", "", g:resize(20 << 20))
            m.fault:plan {}
            assert.equal(10, #g)
            assert.balanced(m)
        end
        assert(g:resize(20 << 20))
    end)

    it("is refused where memory cannot be shared", function()
        local m = spec.manager { relocate = true }
        support.contains("shareable", support.message_of(m.buffer, m, { type = "u8", length = 1, shareable = true }))
        local b = assert(m:buffer { type = "u8", length = 1 })
        support.contains("shareable", support.message_of(b.readback, b, { where = "device", shareable = true }))
        support.contains("not shareable", support.message_of(b.readback, b, { shareable = true }))
    end)
end)
