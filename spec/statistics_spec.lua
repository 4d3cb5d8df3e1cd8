-- successes: 7
-- SPDX-License-Identifier: MIT
-- The six numbers of the seed, and the rest of the books.

local spec = require "gpumm.spec"
local support = require "spec.support"

local function six(m)
    local s = m:stats()
    return { s.total_allocated_bytes, s.peak_allocated_bytes, s.buffer_count, s.allocation_count, s.resize_count,
        s.async_transfer_count }
end

describe("statistics", function()
    after_each(spec.close)

    for _, relocate in ipairs { false, true } do
        it("count what was done" .. (relocate and ", relocating" or ""), function()
            local m = spec.manager { relocate = relocate }
            assert.same({ 0, 0, 0, 0, 0, 0 }, six(m))
            m:allocate("a", "u8", 10000, { enable_async = true })
            assert.same({ 10000, 10000, 1, 1, 0, 0 }, six(m))
            m:allocate("b", "f64", 1000)
            assert.same({ 18000, 18000, 2, 2, 0, 0 }, six(m))
            m:ensure_capacity("b", 1001)
            assert.same({ 22000, 22000, 2, 2, 1, 0 }, six(m))
            m:get_buffer("b"):resize(1500)
            assert.same({ 22000, 22000, 2, 2, 1, 0 }, six(m))
            m:start_async_download("a")
            assert.same({ 22000, 22000, 2, 2, 1, 1 }, six(m))
            m:wait_for_download("a")
            m:free("b")
            assert.same({ 10000, 22000, 1, 2, 1, 1 }, six(m))
            m:allocate("b", "u8", 20000)
            assert.same({ 30000, 30000, 2, 3, 1, 1 }, six(m))
        end)
    end

    it("do not count what failed", function()
        local m = spec.manager { limit = 10000 }
        m:allocate("a", "u8", 10000)
        m:allocate("a", "u8", 1)
        m:allocate("b", "u8", 1)
        m:ensure_capacity("a", 10001)
        m:free("c")
        m:start_async_download("a")
        assert.same({ 10000, 10000, 1, 1, 0, 0 }, six(m))
    end)

    it("have one entry a category, now, peak, count and total", function()
        local m = spec.manager()
        local s = m:scratch(1000)
        local b = m:allocate("b", "u8", 5000, { enable_async = true })
        local stats = m:stats()
        assert.same({ now = 5000, peak = 5000, count = 1, total = 1 }, stats.buffers)
        assert.equal(1000, stats.scratch.now)
        assert.equal(10000, stats.staging.now)
        assert.equal(10000, stats.pinned.now)
        assert.equal(26000, stats.used_bytes)
        s:close()
        b:free()
        stats = m:stats()
        assert.same({ now = 0, peak = 5000, count = 0, total = 1 }, stats.buffers)
        assert.equal(0, stats.scratch.now)
        assert.equal(1000, stats.scratch.peak)
        assert.equal(0, stats.staging.now)
        assert.equal(0, stats.pinned.now)
        assert.equal(26000, stats.peak_used_bytes)
        for _, category in ipairs { "precommitted", "cached", "slack", "external" } do
            assert.is_table(stats[category])
        end
    end)

    it("count every capture and every dropped frame", function()
        local m = spec.inject_faults({}, { memory = "64MiB" })
        local b = m:allocate("b", "u8", 10000)
        local r = b:readback { slots = 2 }
        m.fault:hold("copy")
        r:capture(1)
        r:capture(2)
        support.fails("BUSY", "", r:capture(3))
        support.fails("BUSY", "", r:capture(4))
        assert.equal(2, m:stats().async_transfer_count)
        assert.equal(2, m:stats().dropped_frames)
        assert.equal(2, r.dropped)
        m.fault:release()
        assert.equal(2, r:wait().step)
    end)

    it("report memory that the host declares, and do not limit it", function()
        local m = spec.manager { limit = 5000 }
        assert.is_true(m:external(1 << 20))
        assert.is_true(m:external(5))
        assert.equal((1 << 20) + 5, m:stats().external.now)
        assert.equal(0, m:stats().used_bytes)
        m:external(-5)
        assert.equal(1 << 20, m:stats().external.now)
        support.raises("only 1048576 were declared", m.external, m, -(1 << 20) - 1)
        m:external(-(1 << 20))
        assert.equal(0, m:stats().external.now)
        assert.equal((1 << 20) + 5, m:stats().external.peak)
    end)

    it("can be read after close, and are zero but for history", function()
        local m = spec.manager()
        m:allocate("a", "u8", 10000, { enable_async = true })
        m:allocate("b", "u8", 1 << 20)
        m:scratch(100)
        m:close()
        local stats = m:stats()
        assert.same({ 0, 10000 + (1 << 20), 0, 2, 0, 0 }, six(m))
        assert.equal(0, stats.used_bytes)
        assert.equal(0, stats.committed_bytes)
        for key, entry in pairs(stats) do
            if type(entry) == "table" then
                assert.equal(0, entry.now, key)
                assert.equal(0, entry.count, key)
            end
        end
        assert.same({}, m:blocks())
    end)
end)
