-- successes: 5
-- SPDX-License-Identifier: MIT
-- Memory that the device refuses to take back, twice, in the background: the books have it as what it is, poll says so,
-- and the next trim gives it back.

local gpumm = require "gpumm"
local spec = require "gpumm.spec"
local support = require "spec.support"

describe("memory that is refused", function()
    after_each(spec.close)

    local function faulty()
        local m = spec.inject_faults({}, { memory = "256MiB", debug = false })
        return m, m:device().granularity, m:device().in_place and "decommit" or "free"
    end

    it("stays cached where a freed buffer had it, and is told once", function()
        local m, unit, call = faulty()
        m:allocate("b", "u8", 8 * unit)
        m:free("b")
        assert.is_true(m:poll())
        m.fault:plan { call = call, nth = 1, times = 2, status = "DRIVER" }
        assert.equal(0, m:trim())
        assert.equal(8 * unit, m:stats().cached.now)
        assert.equal(8 * unit, m:stats().committed_bytes)
        assert.equal(8 * unit, m.fault:live().committed_bytes)
        support.fails("DRIVER", "in the background: ", m:poll())
        assert.is_true(m:poll())
        assert.is_true(m:check())
        assert.equal(8 * unit, m:trim())
        assert.equal(0, m.fault:live().committed_bytes)
        assert.is_true(m:poll())
    end)

    it("that is refused once goes back", function()
        local m, unit, call = faulty()
        m:allocate("b", "u8", 8 * unit)
        m:free("b")
        m.fault:plan { call = call, nth = 1, status = "DRIVER" }
        assert.equal(8 * unit, m:trim())
        assert.is_true(m:poll())
        assert.equal(0, m.fault:live().committed_bytes)
    end)

    it("stays the buffer's where a shrink left it", function()
        local m, unit = faulty()
        local b = m:allocate("b", "u8", unit, { growth = gpumm.growth.exact() })
        b:upload(support.bytes(unit))
        b:resize(9 * unit)
        b:resize(unit)
        m:synchronize()
        m.fault:plan { call = m:device().in_place and "decommit" or "shrink",
            nth = 1, times = 8, status = "DRIVER" }
        b:shrink_to_fit()
        local deadline = os.time() + 20
        local good, message
        repeat
            good, message = m:poll()
            assert(os.time() < deadline, "nobody was told")
        until not good
        assert.matches("in the background: ", message)
        assert.equal(9 * unit, b.committed_bytes)
        assert.equal(unit, m:stats().total_allocated_bytes)
        assert.is_true(m:check())
        m.fault:plan {}
        m:trim()
        assert.equal(unit, b.committed_bytes)
        assert.equal(support.bytes(unit), b:download():bytes())
    end)

    it("is used again, where it fits", function()
        local m, unit, call = faulty()
        m:allocate("b", "u8", 8 * unit):free()
        m.fault:plan { call = call, nth = 1, times = 2, status = "DRIVER" }
        m:trim()
        assert.equal(false, (m:poll()) or false)
        local b = m:allocate("c", "u8", 8 * unit)
        b:fill(3)
        assert.equal(0, m:stats().cached.now)
        assert.equal(string.rep("\3", 8 * unit), b:download():bytes())
    end)

    it("is refused the next time where a plan says what fails, and not when", function()
        local m = faulty()
        local call = m:device().in_place and "commit" or "alloc"
        local function made() return select(3, m:buffer { type = "u8", length = 1 }) end
        for _, plan in ipairs { { call = call, times = 1000 }, { times = 1000 } } do
            m.fault:plan(plan)
            assert.equal("OUT_OF_MEMORY", made())
        end
        m.fault:plan { call = call, nth = 0, times = 1000 }
        assert.is_nil(made())
        local b = m:buffer { type = "u8", length = 1 }
        for _, plan in ipairs { { call = "fill", status = "DRIVER" }, { status = "DRIVER" } } do
            m.fault:plan(plan)
            assert.equal("DRIVER", select(3, b:fill(1)))
            assert(b:fill(1))
        end
    end)
end)
