-- successes: 5
-- SPDX-License-Identifier: MIT
-- A name is taken once, whatever the type.

local spec = require "gpumm.spec"
local support = require "spec.support"
local fails, unchanged = support.fails, support.unchanged

describe("duplicate", function()
    after_each(spec.close)

    it("is refused with the same type and with another", function()
        local m = spec.manager()
        m:allocate("edges", "u32x2", 3):upload { 1, 2, 3, 4, 5, 6 }
        unchanged(m, function()
            fails("ALREADY_EXISTS", "a buffer named 'edges' exists already", m:allocate("edges", "u32x2", 3))
            fails("ALREADY_EXISTS", "'edges'", m:allocate("edges", "f64", 100000))
            fails("ALREADY_EXISTS", "'edges'", m:allocate("edges", nil, 1, { enable_async = true }))
        end)
        assert.view_equals({ { 1, 2 }, { 3, 4 }, { 5, 6 } }, m:get_buffer("edges"):download())
    end)

    it("is found among thousands", function()
        local COUNT <const> = 3000
        local m = spec.manager { debug = false }
        local function made(i) return m:allocate("b" .. i, "u32", i % 7, { max_size_bytes = 64, min_size_bytes = 0 }) end
        for i = 1, COUNT do assert(made(i)) end
        for i = 1, COUNT do
            assert.equal(i % 7, #m:get_buffer("b" .. i))
            if i % 500 == 0 then fails("ALREADY_EXISTS", "'b" .. i .. "'", made(i)) end
        end
        for i = 1, COUNT, 2 do assert(m:free("b" .. i)) end
        for i = 1, COUNT do assert.equal(i % 2 == 0, m:get_buffer("b" .. i) ~= nil) end
        local names = m:names()
        assert.equal(COUNT // 2, #names)
        for i, name in ipairs(names) do assert.equal("b" .. 2 * i, name) end
        for i = 2, COUNT, 2 do assert(m:free("b" .. i)) end
        assert.same({}, m:names())
    end)

    it("comes before the budget: a taken name is not called too large", function()
        local m = spec.manager { limit = 5000 }
        m:allocate("a", "u8", 100)
        fails("ALREADY_EXISTS", "'a'", m:allocate("a", "u8", 1 << 20))
    end)

    it("can be used again once it is freed, with another type", function()
        local m = spec.manager()
        local old = m:allocate("a", "u8", 3)
        m:free("a")
        local new = m:allocate("a", "f32", 2)
        new:upload { 1.5, 2.5 }
        assert.view_equals({ 1.5, 2.5 }, m:get_buffer("a", "f32"):download())
        support.raises("STALE", old.download, old)
        assert.is_false(rawequal(old, new))
    end)

    it("does not concern groups' members and anonymous buffers", function()
        local m = spec.manager()
        local a = m:allocate("p", "u8", 1)
        local g = m:group { { "p", "u8" }, length = 1, name = "nodes" }
        local h = m:group { { "p", "u8" }, length = 1, name = "nodes" }
        a:fill(1)
        g.p:fill(2)
        h.p:fill(3)
        assert.view_equals({ 1 }, m:get_buffer("p"):download())
        assert.view_equals({ 2 }, g.p:download())
        assert.view_equals({ 3 }, h.p:download())
    end)
end)
