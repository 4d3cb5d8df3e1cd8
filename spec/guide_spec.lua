-- successes: 2
-- SPDX-License-Identifier: MIT
-- The whole example of the ancestor's guide, with its last assert: a simulation's buffers from their making to the
-- leak check.

local gpumm = require "gpumm"
local spec = require "gpumm.spec"
local support = require "spec.support"

describe("guide", function()
    after_each(spec.close)

    for _, relocate in ipairs { false, true } do
        it("runs from making to the leak check" .. (relocate and ", relocating" or ""), function()
            local config = gpumm.config
            local m = spec.manager { limit = "4GiB", relocate = relocate }

            -- Buffers for a graph of 1,000 nodes and 5,000 edges.
            local positions = m:allocate("positions", "f32x3", 1000, config.for_positions())
            local velocities = m:allocate("velocities", "f32x3", 1000, config.for_velocities())
            local edges = m:allocate("edges", "u32x2", 5000, config.for_edges())
            assert.equal(12000 + 12000 + 40000, m:stats().total_allocated_bytes)

            local function place(first, count)
                local list = {}
                for i = first, first + count - 1 do list[#list + 1] = { i, i / 2, -i } end
                return list
            end
            positions:upload(place(1, 1000))
            velocities:fill { 0.5, 0.25, 0 }
            local ends = {}
            for i = 1, 5000 do ends[i] = { i % 1000, (i * 7) % 1000 } end
            edges:upload(ends)

            -- The graph grows.
            local nodes = 1000
            for _, count in ipairs { 1200, 2500, 10000 } do
                assert.is_true(m:ensure_capacity("positions", count))
                assert.is_true(m:ensure_capacity("velocities", count))
                assert.is_true(positions:append(place(nodes + 1, count - nodes)))
                assert.is_true(velocities:resize(count))
                nodes = count
            end
            assert.is_true(m:ensure_capacity("edges", 50000))
            assert.equal(50000, m:get_buffer("edges", "u32x2").capacity)
            assert.equal(7, m:stats().resize_count)

            -- Read back while it runs: two moments.
            assert.is_true(m:start_async_download("positions"))
            assert.is_true(m:start_async_download("velocities"))
            positions:fill { 0, 0, 0 }
            local moment, speeds = m:wait_for_download("positions"), m:wait_for_download("velocities")
            assert.equal(10000, #moment)
            for i = 1, 10000 do
                local x, y, z = moment:get(i)
                assert.is_true(x == i and y == i / 2 and z == -i)
            end
            assert.same({ 0.5, 0.25, 0 }, { speeds:get(1000) })
            assert.same({ 0, 0, 0 }, { speeds:get(1001) })
            assert.view_equals(ends, edges:download())
            m:start_async_download("positions")
            local later = m:wait_for_download("positions")
            assert.same({ 0, 0, 0 }, { later:get(10000) })
            assert.same({ 10000, 5000, -10000 }, { moment:get(10000) })

            local stats = m:stats()
            assert.equal(3, stats.buffer_count)
            assert.equal(3, stats.allocation_count)
            assert.equal(3, stats.async_transfer_count)
            assert.equal(10000 * 12 * 2 + 50000 * 8, stats.total_allocated_bytes)
            assert.equal(stats.total_allocated_bytes, stats.peak_allocated_bytes)

            -- The ancestor's grown buffers leaked in its own report. Ours do not.
            local leaks, text = m:check_leaks()
            assert.equal(3, #leaks)
            support.contains("'edges', 400000 bytes", text)
            for _, name in ipairs { "positions", "velocities", "edges" } do assert.is_true(m:free(name)) end
            assert.equal(0, m:stats().total_allocated_bytes)
            assert.equal(0, m:stats().used_bytes)
            assert.same({}, (m:check_leaks()))
        end)
    end
end)
