-- successes: 12
-- SPDX-License-Identifier: MIT
-- Scratch: memory for one step.

local spec = require "gpumm.spec"
local support = require "spec.support"
local raises, fails = support.raises, support.fails

describe("scratch", function()
    after_each(spec.close)

    it("has what was asked for, aligned, and is in the books until it is closed", function()
        local m = spec.manager()
        local a, b, c = m:scratch(1000), m:scratch("4KiB"), m:scratch("f32x3", 100)
        assert.equal(1000, a.bytes)
        assert.equal(4096, #b)
        assert.equal(1200, c.bytes)
        for _, s in ipairs { a, b, c } do assert.equal(0, s.address % 256) end
        assert.equal(6296, m:stats().scratch.now)
        assert.equal(6296, m:stats().used_bytes)
        assert.equal(0, m:stats().buffer_count)
        a:close()
        assert.equal(5296, m:stats().scratch.now)
        b:close()
        c:close()
        c:close()
        assert.equal(0, m:stats().scratch.now)
        assert.equal(6296, m:stats().scratch.peak)
        raises("CLOSED", function() return c.bytes end)
    end)

    it("is reused at once on its stream", function()
        local m = spec.manager()
        local address
        for _ = 1, 100 do
            local s <close> = m:scratch(100000)
            address = address or s.address
            assert.equal(address, s.address)
        end
        assert.is_true(m:stats().scratch.peak == 100000)
    end)

    it("does not overlap, on one stream or on two", function()
        local m = spec.manager()
        local s = m:stream()
        local blocks, spans = {}, {}
        for i = 1, 60 do
            blocks[i] = i % 2 == 0 and m:scratch(i * 777) or m:scratch(i * 777, s)
            spans[i] = { blocks[i].address, blocks[i].address + i * 777 }
        end
        table.sort(spans, function(x, y) return x[1] < y[1] end)
        for i = 2, #spans do assert.is_true(spans[i - 1][2] <= spans[i][1]) end
        for i = 1, 60, 3 do blocks[i]:close() end
        assert.is_true(m:check())
        for i = 1, 60 do blocks[i]:close() end
        assert.equal(0, m:stats().scratch.now)
    end)

    it("goes with the collector", function()
        local m = spec.manager()
        do m:scratch(5000) end
        collectgarbage()
        collectgarbage()
        assert.equal(0, m:stats().scratch.now)
    end)

    it("goes with one collection, however many there are, and what is held stays", function()
        local m = spec.manager()
        local held = {}
        for _ = 1, 3 do
            for i = 1, 200 do
                local s = m:scratch(100)
                if i % 50 == 0 then held[#held + 1] = s end
            end
            collectgarbage()
            assert.equal(100 * #held, m:stats().scratch.now)
        end
        for _, s in ipairs(held) do assert.equal(100, s.bytes) end
        assert.is_true(m:check())
    end)

    -- Its block is given back by then, or its reference another's.
    it("is closed where a finaliser brings it back, also once others are open", function()
        local m = spec.manager()
        local back
        local function lose()
            local s = m:scratch(100)
            setmetatable({}, { __gc = function() back = s end })
        end
        m:scratch(8):close() -- the sentinel is older
        for _ = 1, 2 do
            back = nil
            lose()
            collectgarbage()
            assert.is_not_nil(back)
            local others = {}
            for i = 1, 8 do others[i] = m:scratch(100) end
            if not pcall(function() return back.bytes end) then raises("CLOSED", function() return back.address end) end
            back:close()
            back:close()
            for i = 1, 8 do assert.equal(100, others[i].bytes) end
            assert.is_true(m:stats().scratch.now >= 800)
            for i = 1, 8 do others[i]:close() end
            collectgarbage()
            collectgarbage()
            assert.equal(0, m:stats().scratch.now)
        end
        assert.is_true(m:check())
    end)

    it("that was refused leaves nothing to collect", function()
        local m = spec.manager { limit = "1MiB" }
        for _ = 1, 300 do fails("OVER_LIMIT", "scratch", m:scratch("2MiB")) end
        local s <close> = m:scratch("1MiB")
        assert.equal(1 << 20, s.bytes)
        fails("OVER_LIMIT", "scratch", m:scratch(1))
        assert.equal(1 << 20, m:stats().used_bytes)
    end)

    it("of other sizes finds room where the last one was", function()
        local m = spec.manager()
        local first <close> = m:scratch(256)
        local committed = m:stats().committed_bytes
        for i = 1, 200 do
            local s <close> = m:scratch(i % 2 == 0 and 1 << 20 or (1 << 20) + 256)
            assert.is_true(s.address > first.address)
        end
        assert.equal(committed, m:stats().committed_bytes)
        assert.is_true(m:check())
    end)

    it("refuses what is not a size, and changes nothing", function()
        local m = spec.manager { limit = "1MiB" }
        support.unchanged(m, function()
            raises("scratch of 0 bytes: ask for at least 1", m.scratch, m, 0)
            raises("scratch of 0 bytes", m.scratch, m, "f32", 0)
            raises("'12XB' is not a size", m.scratch, m, "12XB")
            raises("not negative", m.scratch, m, -5)
            raises("'f33' is no element type", m.scratch, m, "f33", 5)
            raises("too many elements", m.scratch, m, "f64", math.maxinteger)
            fails("OVER_LIMIT", "scratch of 1048577 bytes", m:scratch((1 << 20) + 1))
        end)
    end)

    it("is as large as is asked for, and apart, also where memory cannot grow in place", function()
        local m = spec.inject_faults({}, { relocate = true, memory = "256MiB" })
        local list, sizes = {}, { 3 << 20, 3 << 20, 100, 70 << 20, 5 << 20 }
        for i, size in ipairs(sizes) do list[i] = assert(m:scratch(size)) end
        assert.equal((81 << 20) + 100, m:stats().scratch.now)
        for i, a in ipairs(list) do
            for j, b in ipairs(list) do
                assert.is_true(i == j or a.address + a.bytes <= b.address or b.address + b.bytes <= a.address)
            end
        end
        assert.is_true(m:check())
        local calls = m.fault:calls("alloc")
        for i, size in ipairs(sizes) do
            list[i]:close()
            list[i] = assert(m:scratch(size))
        end
        assert.equal(calls, m.fault:calls("alloc"))
        m.fault:plan { call = "alloc", nth = 1, status = "DRIVER" }
        support.fails("DRIVER", "scratch of 20971520 bytes", m:scratch(20 << 20))
        assert.is_true(m:check())
    end)

    it("fails where the device has no more, and gives back what it took", function()
        local m = spec.manager { device = "host", memory = "8MiB" }
        local message = fails("OUT_OF_MEMORY", "scratch of 16777216 bytes", m:scratch("16MiB"))
        support.contains("the device has 8.0 MiB", message)
        assert.equal(0, m:stats().used_bytes)
        assert.equal(0, m:stats().scratch.now)
        assert.equal(1 << 20, m:scratch("1MiB").bytes)
    end)

    it("is declared on other streams", function()
        local m = spec.manager()
        local s, scratch = m:stream(), m:scratch(100)
        assert.is_true(scratch:used(s, "write"))
        assert.is_true(scratch:used(nil, "read"))
        raises('unknown access "both"; valid: read, write', scratch.used, scratch, s, "both")
        scratch:close()
        raises("CLOSED", scratch.used, scratch, s, "read")
    end)
end)
