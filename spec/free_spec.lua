-- successes: 10
-- SPDX-License-Identifier: MIT
-- Freeing: by name, by handle, what is missing, out of order, with work under way.

local spec = require "gpumm.spec"
local support = require "spec.support"
local raises, fails, unchanged = support.raises, support.fails, support.unchanged

describe("free", function()
    after_each(spec.close)

    it("takes the buffer out of the books", function()
        local m = spec.manager()
        m:allocate("a", "u8", 10000)
        m:allocate("b", "u8", 20000)
        assert.is_true(m:free("a"))
        assert.equal(20000, m:stats().total_allocated_bytes)
        assert.equal(20000, m:stats().used_bytes)
        assert.equal(1, m:stats().buffer_count)
        assert.same({ "b" }, m:names())
        assert.is_true(m:get_buffer("b"):free())
        assert.equal(0, m:stats().total_allocated_bytes)
        assert.equal(0, m:stats().buffer_count)
        assert.same({}, m:names())
    end)

    it("names what is missing", function()
        local m = spec.manager()
        m:allocate("a", "u8", 1):fill(9)
        unchanged(m, function()
            fails("NOT_FOUND", "there is no buffer named 'b'", m:free("b"))
            fails("NOT_FOUND", "there is no buffer named 'A'", m:get_buffer("A"))
            fails("NOT_FOUND", "''", m:free(""))
            fails("NOT_FOUND", "'nnn", m:free(("n"):rep(10000)))
            raises("text without zero bytes expected", m.free, m, "a\0")
            raises("string expected", m.free, m)
        end)
        m:free("a")
        fails("NOT_FOUND", "'a'", m:free("a"))
        fails("NOT_FOUND", "'a'", m:ensure_capacity("a", 5))
        fails("NOT_FOUND", "'a'", m:start_async_download("a"))
        fails("NOT_FOUND", "'a'", m:wait_for_download("a"))
    end)

    it("makes every handle of it STALE", function()
        local m = spec.manager()
        local b, other = m:allocate("b", "u8", 4), m:allocate("other", "u8", 4)
        m:free("b")
        local calls = {
            upload = { { 1 } }, download = {}, fill = { 1 }, resize = { 5 }, append = { { 1 } }, ensure_capacity = { 5 },
            shrink_to_fit = {}, copy = { other }, free = {}, readback = {}, used = { m:main(), "read" },
        }
        unchanged(m, function()
            for name, arguments in pairs(calls) do raises("STALE: ", b[name], b, table.unpack(arguments)) end
            raises("STALE: ", other.copy, other, b)
            for _, property in ipairs { "length", "capacity", "capacity_bytes", "address", "generation", "max_length" } do
                raises("STALE: ", function() return b[property] end)
            end
        end)
        assert.equal("b", b.name)
        b:close()
    end)

    it("works in any order, and leaves the others' contents alone", function()
        for _, order in ipairs { { 2, 1, 3, 5, 4 }, { 5, 4, 3, 2, 1 }, { 3, 5, 1, 4, 2 } } do
            local m = spec.manager()
            local expected = {}
            for i = 1, 5 do
                expected[i] = support.bytes(i * 50000, i)
                m:allocate("b" .. i, "u8", i * 50000):upload(expected[i])
            end
            local left = 15 * 50000
            for at, i in ipairs(order) do
                assert.is_true(m:free("b" .. i))
                left = left - i * 50000
                assert.equal(left, m:stats().total_allocated_bytes)
                for later = at + 1, 5 do
                    local name = "b" .. order[later]
                    assert.equal(expected[order[later]], m:get_buffer(name):download():bytes())
                end
            end
            assert.same({}, m:leaks())
        end
    end)

    it("returns while work on the buffer is held, and later users of the memory come after it", function()
        local m = spec.inject_faults({}, { memory = "64MiB" })
        local a = m:allocate("a", "u8", 1 << 20)
        m:synchronize()
        m.fault:hold("fill")
        a:fill(0xEE)
        assert.is_true(a:free())
        assert.same({}, m:names())
        local b = m:allocate("b", "u8", 1 << 20)
        m.fault:release()
        assert.equal(string.rep("\0", 1 << 20), b:download():bytes())
    end)

    it("waits for work on other streams before the memory goes back", function()
        local m = spec.inject_faults({}, { memory = "64MiB", debug = false }) -- sizes without canaries
        local s = m:stream()
        local size = 4 << 20
        local a, b = m:allocate("a", "u8", size), m:allocate("b", "u8", size)
        a:fill(0x5A)
        m:synchronize()
        m.fault:hold("snapshot")
        b:copy(a, s)
        a:free()
        m:poll()
        assert.equal(size, m:stats().cached.now)
        local c = m:allocate("c", "u8", size) -- a's memory, whose zeros come behind the copy that reads it
        assert.equal(0, m:stats().cached.now)
        m.fault:release()
        assert.equal(string.rep("\0", size), c:download():bytes())
        assert.equal(string.rep("\x5A", size), b:download():bytes())
        c:free()
        assert.equal(size, m:trim())
        assert.equal(0, m:stats().cached.now)
    end)

    it("frees an anonymous buffer with its last handle", function()
        local m = spec.manager()
        do
            local b = m:buffer { type = "u8", length = 10000 }
            assert.equal("", b.name)
            assert.equal(10000, m:stats().total_allocated_bytes)
        end
        collectgarbage()
        collectgarbage()
        assert.equal(0, m:stats().total_allocated_bytes)
    end)

    it("frees by <close>, once", function()
        local m = spec.manager()
        local kept
        do
            local b <close> = m:buffer { type = "u8", length = 10000 }
            kept = b
        end
        assert.equal(0, m:stats().total_allocated_bytes)
        kept:close()
        raises("STALE", kept.free, kept)
    end)

    it("refuses a member of a group", function()
        local m = spec.manager()
        local g = m:group { { "p", "u8" }, { "q", "u8" }, length = 3, name = "nodes" }
        g.p:fill(4)
        unchanged(m, function()
            raises("'nodes.p' is a member of a group and is not freed alone", g.p.free, g.p)
            g.p:close()
        end, { g.p, g.q })
        assert.is_true(g:free())
        raises("STALE", function() return g.length end)
        assert.equal(0, m:stats().total_allocated_bytes)
    end)

    it("gives everything back when the manager closes, whatever was freed", function()
        local m = spec.inject_faults({}, { memory = "64MiB" })
        for i = 1, 9 do m:allocate("b" .. i, "u8", i * 100000, { enable_async = i % 2 == 0 }) end
        for i = 1, 9, 2 do m:free("b" .. i) end
        m:scratch(5000)
        m:close()
        for key, count in pairs(m.fault and m.fault:live() or {}) do assert.equal(0, count, key) end
    end)
end)
