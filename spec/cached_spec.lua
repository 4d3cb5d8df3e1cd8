-- successes: 8
-- SPDX-License-Identifier: MIT
-- Freed ranges stay warm until somebody needs them or trim is called.

local spec = require "gpumm.spec"
local support = require "spec.support"

describe("warm memory", function()
    after_each(spec.close)

    local function plain() return spec.inject_faults({}, { memory = "256MiB", debug = false }) end

    it("is reused whole, at the same address, without a driver call", function()
        local m = plain()
        local unit = m:device().granularity
        local a = m:allocate("a", "u8", 4 * unit)
        a:fill(0xAA)
        local address = a.address
        m:free("a")
        assert.equal(4 * unit, m:stats().cached.now)
        assert.equal(4 * unit, m:stats().committed_bytes)
        assert.equal(0, m:stats().used_bytes)
        local commits, reserves = m.fault:calls("commit"), m.fault:calls("reserve")
        local b = m:allocate("b", "u16", 2 * unit)
        assert.equal(address, b.address)
        assert.equal(0, m:stats().cached.now)
        assert.equal(commits, m.fault:calls("commit"))
        assert.equal(reserves, m.fault:calls("reserve"))
        assert.equal(string.rep("\0", 4 * unit), b:download():bytes())
    end)

    it("grows where more is asked; where that cannot be in place, it is not used", function()
        local m = plain()
        local unit = m:device().granularity
        local a = m:allocate("a", "u8", unit)
        local address = a.address
        a:free()
        local b = m:allocate("b", "u8", 3 * unit)
        assert.equal(m:device().in_place, address == b.address)
        assert.equal(string.rep("\0", 3 * unit), b:download():bytes())
    end)

    it("is not used where the maximum does not fit", function()
        local m = plain()
        local unit = m:device().granularity
        local a = m:allocate("a", "u8", unit, { max_size_bytes = 2 * unit })
        local address = a.address
        a:free()
        local b = m:allocate("b", "u8", unit, { max_size_bytes = 8 * unit })
        assert.is_true(b.address ~= address)
        local watch = support.watch_moves(m, b)
        assert.is_true(b:resize(8 * unit))
        watch()
    end)

    it("goes back with trim, which says how much", function()
        local m = plain()
        local unit = m:device().granularity
        for i = 1, 3 do m:allocate("b" .. i, "u8", i * unit) end
        for i = 1, 3 do m:free("b" .. i) end
        assert.equal(6 * unit, m:stats().cached.now)
        assert.equal(3, m:stats().cached.count)
        local before = m.fault:live().committed_bytes
        assert.equal(6 * unit, m:trim())
        assert.equal(0, m:stats().cached.now)
        assert.equal(before - 6 * unit, m.fault:live().committed_bytes)
        assert.equal(0, m.fault:live().committed_bytes)
        assert.equal(0, m:trim())
    end)

    it("leaves live buffers as they are", function()
        local m = plain()
        local b = m:allocate("b", "u8", 500000)
        b:upload(support.bytes(500000))
        m:allocate("c", "u8", 500000)
        m:free("c")
        local address = b.address
        m:trim()
        assert.equal(address, b.address)
        assert.equal(support.bytes(500000), b:download():bytes())
        b:resize(900000)
        assert.equal(support.bytes(500000) .. string.rep("\0", 400000), b:download():bytes())
    end)

    it("has each byte in one category", function()
        local m = plain()
        local unit = m:device().granularity
        m:allocate("a", "u8", unit + 1, { max_size_bytes = 8 * unit })
        local stats = m:stats()
        assert.equal(unit + 1, stats.buffers.now)
        assert.equal(unit - 1, stats.slack.now)
        assert.equal(2 * unit, stats.committed_bytes)
        m:free("a")
        stats = m:stats()
        assert.equal(0, stats.buffers.now)
        assert.equal(0, stats.slack.now)
        assert.equal(2 * unit, stats.cached.now)
        assert.equal(2 * unit, stats.committed_bytes)
    end)

    it("is left by a shrink for nobody: whole segments go back, and a block that has none stays whole", function()
        local m = plain()
        local unit = m:device().granularity
        local b = m:allocate("b", "u8", unit)
        b:upload(support.bytes(unit))
        for n = 2, 6 do b:resize(n * unit) end
        b:resize(unit)
        m:synchronize()
        b:shrink_to_fit()
        m:trim()
        assert.equal(unit, m:stats().total_allocated_bytes)
        assert.equal(m:device().in_place, b.committed_bytes == unit)
        assert.equal(support.bytes(unit), b:download():bytes())
    end)

    it("stays near the limit, also where no range serves the next buffer and the streams lag behind", function()
        local m = spec.manager { limit = "64MiB", debug = false }
        for i = 1, 60 do
            local b = assert(m:buffer { type = "u8", length = (1 << 24) + i * 65536 })
            assert(b:fill(7))
            b:free()
            assert.is_true(m:stats().committed_bytes < 128 << 20)
        end
        assert(m:synchronize())
        m:close()
        assert.is_true(m:stats().peak_committed_bytes < 128 << 20)
    end)
end)
