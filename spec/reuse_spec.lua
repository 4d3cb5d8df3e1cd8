-- successes: 8
-- SPDX-License-Identifier: MIT
-- What is freed comes back: a cached range serves only what it fits, and nothing is refused for memory that gpumm holds.

local gpumm = require "gpumm"
local spec = require "gpumm.spec"
local support = require "spec.support"

local MIB <const> = 1 << 20

describe("reuse", function()
    after_each(spec.close)

    local function plain(memory) return spec.inject_faults({}, { memory = memory or "256MiB", debug = false }) end

    it("leaves a large range to large requests", function()
        local m = plain()
        local small = {}
        for i = 1, 4 do
            m:buffer { type = "u8", length = 60 * MIB }:free()
            small[i] = assert(m:buffer { type = "u8", length = 1000 })
        end
        assert.is_true(m:stats().committed_bytes < 72 * MIB)
        assert.is_true(m:trim() >= 60 * MIB)
        assert.is_true(m:stats().committed_bytes <= 4 * m:device().granularity)
        assert(m:buffer { type = "u8", length = 240 * MIB })
        for i = 1, 4 do assert.equal(1000, #small[i]) end
    end)

    it("of up to 2 MiB more, or as much more as is asked for, is had at the same address", function()
        local m = plain()
        for _, case in ipairs { { 2 * MIB, 1000 }, { 8 * MIB, 4 * MIB } } do
            local b = m:buffer { type = "u8", length = case[1] }
            local address = b.address
            b:free()
            local again = m:buffer { type = "u8", length = case[2] }
            if m:device().in_place then assert.equal(address, again.address) end -- a whole block cannot be cut
            m:trim()
        end
        local b = m:buffer { type = "u8", length = 9 * MIB }
        local address = b.address
        b:free()
        assert.is_true(m:buffer { type = "u8", length = 4 * MIB }.address ~= address)
    end)

    it("of whole blocks leaves nothing in a buffer that its capacity does not need", function()
        local m = spec.inject_faults({}, { device = "host", memory = "10MiB", relocate = true, debug = false })
        m:buffer { type = "u8", length = 4 * MIB }:free()
        local small = assert(m:buffer { type = "u8", length = 5 * MIB // 2 })
        local b = assert(m:buffer { type = "u8", length = 3 * MIB, growth = gpumm.growth.exact(), ahead = 0 })
        small:fill(3)
        assert(b:ensure_capacity(7 * MIB // 2)) -- the old block is there until the new one is: 9 of 10 MiB
        assert.equal(3, small:download()[5 * MIB // 2])
    end)

    it("gives the whole segments beyond back, behind who uses them", function()
        local m = plain()
        local unit = m:device().granularity
        local big = m:allocate("big", "u8", unit, { growth = gpumm.growth.exact(), ahead = 0 })
        for n = 40, 120, 40 do big:resize(n * MIB) end
        local target, s = m:allocate("target", "u8", 120 * MIB), m:stream()
        big:fill(7)
        m:synchronize()
        m.fault:hold("snapshot")
        target:copy(big, s)
        local address = big.address
        m:free("big")
        local b = m:allocate("b", "u8", unit)
        m.fault:release()
        m:synchronize()
        if m:device().in_place then
            assert.equal(address, b.address)
            m:trim()
            assert.equal(unit, b.committed_bytes)
        end
        assert.is_true(target:download():bytes() == ("\7"):rep(120 * MIB))
        assert.equal(("\0"):rep(unit), b:download():bytes())
    end)

    it("refuses nothing for what is cached, precommitted or slack", function()
        local m = plain("64MiB")
        local kept = {}
        for i = 1, 6 do
            m:buffer { type = "u8", length = 8 * MIB }:free()
            kept[i] = m:buffer { type = "u8", length = 4 * MIB + i }
            m:buffer { type = "u8", length = (20 - i) * MIB, ahead = 1 }:free()
        end
        assert(m:buffer { type = "u8", length = 30 * MIB })
        for i = 1, 6 do assert.equal(4 * MIB + i, #kept[i]:download():bytes()) end
    end)

    it("of small blocks ends with their slabs, wherever they lie", function()
        local m = plain()
        m:buffer { type = "u8", length = 10 }:download() -- what downloads take for themselves is there
        m:trim()
        local all, ranges = {}, m.fault:live().ranges + m.fault:live().blocks
        for i = 1, 600 do all[i] = m:buffer { type = "u8", length = 30000, max_length = 60000 } end
        local held = m:stats().committed_bytes
        assert.is_true(held >= 600 * 30000)
        for i = 1, 599 do all[i]:free() end
        m:trim()
        assert.is_true(m:stats().committed_bytes <= 4 * MIB)
        all[600]:fill(9)
        assert.equal(("\9"):rep(30000), all[600]:download():bytes())
        all[600]:free()
        m:trim()
        assert.is_true(m.fault:live().ranges + m.fault:live().blocks <= ranges)
    end)

    it("of scratch ends with a trim", function()
        local m = plain()
        local s = m:stream()
        for _, stream in ipairs { s, m:main() } do
            local x, y = m:scratch(40 * MIB, stream), m:scratch(1000, stream)
            assert.is_true(m:stats().committed_bytes >= 40 * MIB)
            x:close()
            y:close()
            m:trim()
            assert.equal(0, m:stats().committed_bytes)
        end
    end)

    it("that does not help is refused with what is held, and as what", function()
        local m = spec.inject_faults({}, { device = "host", memory = "64MiB", debug = false })
        local b = m:allocate("b", "u8", 40 * MIB)
        local message = support.fails("OUT_OF_MEMORY", "64.0 MiB, 40.0 MiB held by this manager",
            m:buffer { type = "u8", length = 30 * MIB, tag = "here" })
        support.contains("largest: buffer 'b' 40.0 MiB", message)
        b:free()
        assert(m:buffer { type = "u8", length = 60 * MIB })
    end)
end)
