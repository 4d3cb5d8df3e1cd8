-- successes: 14
-- SPDX-License-Identifier: MIT
-- A call that fails changes nothing: for every operation, every device call in it fails in turn; contents and books are
-- as they were, and the operation works once nothing fails.

local gpumm = require "gpumm"
local spec = require "gpumm.spec"
local support = require "spec.support"

local LONGEST = 60

-- At least so many device calls could fail. Where memory is committed in steps larger than these buffers, growing
-- them may need none, so there only the writes are left to fail.
local function failed_at_least(calls, found)
    assert.is_true(found >= (spec.device == "host" and calls or 0))
end

for _, relocate in ipairs { false, true } do
    describe(relocate and "a failure, relocating, changes nothing:" or "a failure changes nothing:", function()
        after_each(spec.close)

        local function scene()
            local m = spec.inject_faults({}, { memory = "256MiB", relocate = relocate, debug = false })
            local kept = m:allocate("kept", "u8", 100000, { min_size_bytes = 0 })
            kept:upload(support.bytes(100000, 1))
            local g = m:group { { "p", "f32x2" }, { "q", "u8" }, name = "g", length = 9000 }
            g.p:upload(support.bytes(72000, 2))
            g.q:upload(support.bytes(9000, 3))
            return m, kept, g
        end

        -- Fails device call 1, 2, … of `operation`, until it is through; returns how many failed.
        local function sweep(m, members, operation)
            for nth = 1, LONGEST do
                m:synchronize()
                m:trim()
                local before = support.state(m, table.unpack(members))
                m.fault:plan { nth = nth, status = "DRIVER" }
                local result, message, code = operation()
                m.fault:plan {}
                if result then return nth - 1 end
                support.fails("DRIVER", "", result, message, code)
                m:synchronize()
                m:trim()
                support.same_state(before, support.state(m, table.unpack(members)))
            end
            error("it failed however late the fault was")
        end

        it("allocate", function()
            local m, kept, g = scene()
            failed_at_least(2, sweep(m, { g.p, g.q }, function() return m:allocate("new", "u8", 300000) end))
            assert.equal(string.rep("\0", 300000), m:get_buffer("new"):download():bytes())
            assert.equal(support.bytes(100000, 1), kept:download():bytes())
        end)

        it("allocate with async", function()
            local m, _, g = scene()
            sweep(m, { g.p, g.q }, function() return m:allocate("new", "u8", 300000, { enable_async = true }) end)
            m:get_buffer("new"):fill(5)
            assert.is_true(m:start_async_download("new"))
            assert.equal(string.rep("\5", 300000), m:wait_for_download("new"):bytes())
        end)

        it("grow", function()
            local m, kept, g = scene()
            failed_at_least(1, sweep(m, { g.p, g.q }, function() return kept:ensure_capacity(400000) end))
            assert.equal(support.bytes(100000, 1), kept:download():bytes())
            failed_at_least(2, sweep(m, { g.p, g.q }, function() return kept:resize(1000000) end))
            assert.is_true(support.bytes(100000, 1) .. string.rep("\0", 900000) == kept:download():bytes())
        end)

        it("append", function()
            local m, kept, g = scene()
            local more = support.bytes(200000, 9)
            failed_at_least(2, sweep(m, { g.p, g.q }, function() return kept:append(more) end))
            assert.equal(support.bytes(100000, 1) .. more, kept:download():bytes())
        end)

        it("append to a group", function()
            local m, _, g = scene()
            local p, q = support.bytes(800000, 4), support.bytes(100000, 5)
            failed_at_least(3, sweep(m, { g.p, g.q }, function() return g:append { p = p, q = q } end))
            assert.equal(support.bytes(72000, 2) .. p, g.p:download():bytes())
            assert.equal(support.bytes(9000, 3) .. q, g.q:download():bytes())
        end)

        it("make a group", function()
            local m, _, g = scene()
            local new
            failed_at_least(3, sweep(m, { g.p, g.q }, function()
                local result, message, code = m:group { { "a", "u64" }, { "b", "f32x4" }, name = "new", length = 20000 }
                new = result
                return result, message, code
            end))
            assert.equal(string.rep("\0", 160000), new.a:download():bytes())
            assert.equal(string.rep("\0", 320000), new.b:download():bytes())
        end)
    end)
end

describe("a failure changes nothing:", function()
    after_each(spec.close)

    it("refusals without a device call, one after the other", function()
        local m = spec.manager { limit = 200000 }
        local b = m:allocate("b", "u16", 50000, { max_size_bytes = 120000 })
        b:upload(support.bytes(100000))
        support.unchanged(m, function()
            support.fails("OVER_LIMIT", "", m:allocate("c", "u8", 100001))
            support.fails("OVER_MAX_SIZE", "", b:append(10001))
            support.fails("ALREADY_EXISTS", "", m:allocate("b", "u8", 1))
            support.fails("NOT_FOUND", "", m:free("c"))
            support.fails("TYPE_MISMATCH", "", m:get_buffer("b", "i16"))
            support.fails("ASYNC_DISABLED", "", m:start_async_download("b"))
            support.raises("does not fit u16", b.upload, b, { 1, 2, 65536 })
            support.raises("does not fit u16", b.append, b, { 1, 2, -1 })
            support.raises("lie outside", b.fill, b, 1, 50000, 2)
            support.raises("unknown option", m.group, m, { { "p", "u8" }, grwth = gpumm.growth.exact() })
        end)
    end)

    -- A driver's entry is known to a device with a driver alone, which has its own plan.
    it("a fault plan that is refused leaves the one before, in every part", function()
        local driver = spec.device ~= "host" and { call = "cuEventRecord", nth = 1, status = "DRIVER" } or nil
        for _, before in ipairs { { call = "event_record", nth = 1, status = "DRIVER" }, driver } do
            for _, refused in ipairs { { call = "nonsense", nth = 1 }, { call = "commit", nth = 1, hold = "nonsense" },
                { hold = "fill", call = "nonsense" }, { call = "stream_close", nth = 1 }, { call = "cuNonsense", nth = 1 },
                { jitter = 5, call = "cuNonsense" } } do
                local m = spec.inject_faults({}, { debug = false })
                local b = m:buffer { type = "u8", length = 10 }
                m:synchronize()
                m.fault:plan(before)
                support.raises("INVALID_ARGUMENT", m.fault.plan, m.fault, refused)
                assert(b:fill(1)) -- nothing is held
                support.fails("DRIVER", "", m:main():record())
                assert(m:synchronize())
                assert.equal(1, b:download()[10])
            end
        end
    end)
end)
