-- successes: 10
-- SPDX-License-Identifier: MIT
-- Totals and peaks: what the books add up to, to the byte.

local spec = require "gpumm.spec"
local support = require "spec.support"

for _, relocate in ipairs { false, true } do
    describe(relocate and "totals, relocating" or "totals", function()
        local function manager() return spec.manager { relocate = relocate } end
        after_each(spec.close)

        it("are the capacities of all buffers, through making, growing, shrinking and freeing", function()
            local m = manager()
            local function total(expected)
                local sum = 0
                for _, name in ipairs(m:names()) do sum = sum + m:get_buffer(name).capacity_bytes end
                assert.equal(expected, sum)
                assert.equal(expected, m:stats().total_allocated_bytes)
                assert.equal(expected, m:stats().used_bytes)
            end
            total(0)
            local a = m:allocate("a", "f32x3", 1000)
            total(12000)
            local b = m:allocate("b", "u8", 1)
            total(12000 + 4096)
            a:ensure_capacity(1001)
            total(18000 + 4096)
            b:resize(100000)
            total(18000 + 100000)
            b:resize(7)
            total(18000 + 100000)
            b:shrink_to_fit()
            total(18000 + 7)
            m:free("a")
            total(7)
            m:free("b")
            total(0)
        end)

        it("remember the most that there was at once", function()
            local m = manager()
            m:allocate("a", "u8", 100000)
            m:allocate("b", "u8", 50000)
            assert.equal(150000, m:stats().peak_allocated_bytes)
            m:free("a")
            assert.equal(150000, m:stats().peak_allocated_bytes)
            m:allocate("c", "u8", 60000)
            assert.equal(150000, m:stats().peak_allocated_bytes)
            m:get_buffer("c"):ensure_capacity(100001)
            assert.equal(150001, m:stats().peak_allocated_bytes)
            assert.equal(150001, m:stats().peak_used_bytes)
            m:free("b")
            m:free("c")
            assert.equal(150001, m:stats().peak_allocated_bytes)
            assert.equal(0, m:stats().total_allocated_bytes)
        end)

        it("do not count a growing buffer twice", function()
            local m = manager()
            local b = m:allocate("b", "u8", 1000000)
            b:ensure_capacity(2000000)
            assert.equal(2000000, m:stats().total_allocated_bytes)
            assert.equal(2000000, m:stats().peak_allocated_bytes)
            assert.equal(2000000, m:stats().peak_used_bytes)
            assert.equal(1, m:stats().allocation_count)
            assert.equal(1, m:stats().buffers.count)
        end)

        it("do not peak for a call that fails", function()
            local m = spec.manager { relocate = relocate, limit = 1000000 }
            local b = m:allocate("b", "u8", 500000)
            local peak = m:stats().peak_allocated_bytes
            support.fails("OVER_LIMIT", "'b'", b:ensure_capacity(1000001))
            support.fails("OVER_LIMIT", "'c'", m:allocate("c", "u8", 500001))
            assert.equal(peak, m:stats().peak_allocated_bytes)
            assert.equal(peak, m:stats().peak_used_bytes)
        end)

        it("agree with the blocks, and with what the fault device counts", function()
            local m = spec.inject_faults({}, { relocate = relocate, memory = "256MiB" })
            m:allocate("a", "u8", 300000)
            m:allocate("b", "f32", 100000, { enable_async = true }) -- not grown: a worker commits slots in its time
            m:group({ { "p", "u8" }, { "q", "f64" }, length = 1000 }):ensure_capacity(5000)
            local s = m:scratch(7777)
            m:free("a")
            local bytes, committed, by = 0, 0, {}
            for _, block in ipairs(m:blocks()) do
                bytes, committed = bytes + block.bytes, committed + block.committed_bytes
                by[block.category] = (by[block.category] or 0) + block.bytes
            end
            local stats = m:stats()
            assert.equal(stats.used_bytes, bytes)
            assert.equal(stats.committed_bytes, committed)
            assert.equal(m.fault:live().committed_bytes, committed)
            assert.equal(400000 + 45000, by.buffers)
            assert.equal(800000, by.staging)
            assert.equal(800000, by.pinned)
            assert.equal(7777, by.scratch)
            local physical = stats.precommitted.now + stats.cached.now + stats.slack.now
            assert.equal(committed, bytes + physical)
            s:close()
        end)
    end)
end
