-- successes: 21
-- SPDX-License-Identifier: MIT
-- Downloads by name: start, go on, wait. The moment is that of the start.

local spec = require "gpumm.spec"
local support = require "spec.support"
local fails, unchanged = support.fails, support.unchanged

local on = { enable_async = true }

for _, relocate in ipairs { false, true } do
    describe(relocate and "async, relocating" or "async", function()
        local function manager(options)
            options = options or {}
            options.relocate = relocate
            return spec.manager(options)
        end
        local function inject_faults() return manager { fault = true, memory = "256MiB" } end
        after_each(spec.close)

        it("is disabled unless the buffer was made with it", function()
            local m = manager()
            m:allocate("b", "u8", 100):fill(3)
            unchanged(m, function()
                fails("ASYNC_DISABLED", "buffer 'b' was made without enable_async", m:start_async_download("b"))
                fails("ASYNC_DISABLED", "buffer 'b'", m:wait_for_download("b"))
            end)
        end)

        it("that the budget does not hold is refused with the buffer's name and what holds the rest", function()
            local m = manager { limit = 200 }
            m:allocate("before", "u8", 100, { min_size_bytes = 0 }):free() -- small blocks have their slab
            local message = unchanged(m, function()
                return (fails("OVER_LIMIT", "readback of 'b': 400 bytes more", m:allocate("b", "u8", 100, {
                    enable_async = true, min_size_bytes = 0 })))
            end)
            support.contains("limit 200 bytes", message)
        end)

        it("brings every byte", function()
            local m = manager()
            for _, n in ipairs { 1, 4096, 3000001 } do
                local data = support.bytes(n, n)
                m:allocate("b" .. n, "u8", n, on):upload(data)
                assert.is_true(m:start_async_download("b" .. n))
                local v = m:wait_for_download("b" .. n)
                assert.equal(n, #v)
                assert.equal(data, v:bytes())
            end
        end)

        it("brings the moment of the start, whatever is written meanwhile", function()
            local m = inject_faults()
            local b = m:allocate("b", "u8", 100000, on)
            local before, after = support.bytes(100000, 1), support.bytes(100000, 2)
            b:upload(before)
            m:synchronize()
            m.fault:hold("copy")
            m:start_async_download("b")
            b:fill(0x77) -- upload is a copy too, which is held
            m.fault:release()
            b:upload(after)
            assert.equal(before, m:wait_for_download("b"):bytes())
            assert.equal(after, b:download():bytes())
        end)

        it("gives two different moments, both of which stay readable", function()
            local m = manager()
            local b = m:allocate("b", "f32x2", 5000, on)
            b:fill { 1, -1 }
            m:start_async_download("b")
            local first = m:wait_for_download("b")
            b:fill { 2, -2 }
            m:start_async_download("b")
            b:fill { 3, -3 }
            local second = m:wait_for_download("b")
            b:fill { 4, -4 }
            m:start_async_download("b")
            local third = m:wait_for_download("b")
            for i, view in ipairs { first, second, third } do
                local value = i == 3 and 4 or i
                assert.equal(string.pack("<ff", value, -value):rep(5000), view:bytes())
            end
            m:free("b")
            assert.equal(string.pack("<ff", 1, -1):rep(5000), first:bytes())
        end)

        it("answers NOT_PENDING without a start, and after the wait", function()
            local m = manager()
            m:allocate("b", "u8", 10, on)
            unchanged(m, function() fails("NOT_PENDING", "'b'", m:wait_for_download("b")) end)
            m:start_async_download("b")
            assert.equal(10, #m:wait_for_download("b"))
            fails("NOT_PENDING", "'b'", m:wait_for_download("b"))
        end)

        it("answers ALREADY_PENDING to a second start, which changes nothing", function()
            local m = inject_faults()
            local b = m:allocate("b", "u8", 10, on)
            b:fill(1)
            m:start_async_download("b")
            b:fill(2)
            fails("ALREADY_PENDING", "'b'", m:start_async_download("b"))
            assert.equal(1, m:stats().async_transfer_count)
            assert.equal(string.rep("\1", 10), m:wait_for_download("b"):bytes())
            m:start_async_download("b")
            assert.equal(string.rep("\2", 10), m:wait_for_download("b"):bytes())
        end)

        it("answers TIMEOUT in time, and the download stays pending", function()
            local m = inject_faults()
            local b = m:allocate("b", "u8", 10, on)
            b:fill(5)
            m:synchronize()
            m.fault:hold("copy")
            m:start_async_download("b")
            fails("TIMEOUT", "", m:wait_for_download("b", 0))
            fails("TIMEOUT", "", m:wait_for_download("b", 0.01))
            fails("ALREADY_PENDING", "'b'", m:start_async_download("b"))
            m.fault:release()
            assert.equal(string.rep("\5", 10), m:wait_for_download("b", 60):bytes())
        end)

        it("keeps the length of its moment through a growth, and grows with the buffer", function()
            local m = manager()
            local b = m:allocate("b", "u8", 1000, on)
            b:upload(support.bytes(1000))
            m:start_async_download("b")
            b:resize(300000)
            b:fill(9)
            assert.equal(support.bytes(1000), m:wait_for_download("b"):bytes())
            m:start_async_download("b")
            assert.equal(string.rep("\9", 300000), m:wait_for_download("b"):bytes())
            b:resize(0)
            m:start_async_download("b")
            assert.equal("", m:wait_for_download("b"):bytes())
        end)
    end)
end

describe("async", function()
    after_each(spec.close)

    it("costs no pinned byte where it is off, and two slots on both sides where it is on", function()
        local m = spec.manager()
        local off = m:allocate("off", "u8", 10000)
        assert.equal(0, m:stats().pinned.now)
        assert.equal(0, m:stats().staging.now)
        assert.equal(0, m:stats().pinned.peak)
        local b = m:allocate("on", "u8", 10000, { enable_async = true })
        assert.equal(20000, m:stats().pinned.now)
        assert.equal(20000, m:stats().staging.now)
        b:ensure_capacity(100000)
        assert.equal(200000, m:stats().pinned.now)
        assert.equal(200000, m:stats().staging.now)
        b:free()
        assert.equal(0, m:stats().pinned.now)
        assert.equal(0, m:stats().staging.now)
        off:free()
    end)

    it("keeps several buffers' downloads apart", function()
        local m = spec.manager()
        for i = 1, 8 do m:allocate("b" .. i, "u8", 1000 * i, { enable_async = true }):fill(i) end
        for i = 8, 1, -1 do assert.is_true(m:start_async_download("b" .. i)) end
        for i = 1, 8 do assert.equal(string.char(i):rep(1000 * i), m:wait_for_download("b" .. i):bytes()) end
    end)

    it("goes with its buffer, also while it is pending", function()
        local m = spec.inject_faults({}, { memory = "64MiB", debug = false })
        m:allocate("b", "u8", 1000, { enable_async = true })
        m:synchronize()
        m.fault:hold("copy")
        m:start_async_download("b")
        assert.is_true(m:free("b"))
        fails("NOT_FOUND", "'b'", m:wait_for_download("b"))
        -- A driver that frees a whole block of pinned memory waits for all that is under way, and so do other calls.
        if not m:device().in_place then m.fault:release() end
        local b = m:allocate("b", "u8", 1000, { enable_async = true })
        fails("NOT_PENDING", "'b'", m:wait_for_download("b"))
        m.fault:release()
        b:fill(4)
        m:start_async_download("b")
        assert.equal(string.rep("\4", 1000), m:wait_for_download("b"):bytes())
    end)
end)
