-- successes: 29
-- SPDX-License-Identifier: MIT
-- Growth schedules at work: geometric, linear, list, exact and functions, with align, and what is none.

local gpumm = require "gpumm"
local growth = gpumm.growth
local spec = require "gpumm.spec"
local support = require "spec.support"
local raises, fails, unchanged = support.raises, support.fails, support.unchanged

-- The capacities that a buffer of u8 goes through while it is filled one element beyond its capacity at a time.
local function capacities(m, schedule, count, options)
    options = options or {}
    local b = m:allocate("b", "u8", options.start or 10, { growth = schedule, min_size_bytes = 0, align = options.align,
        max_length = options.max_length })
    local expected = support.bytes(b.length, 1)
    b:upload(expected)
    local list = {}
    for i = 1, count do
        local new = support.bytes(b.capacity + 1 - b.length, i)
        if not b:append(new) then break end
        expected = expected .. new
        list[i] = b.capacity
    end
    assert.equal(expected, b:download():bytes())
    return list
end

for _, relocate in ipairs { false, true } do
    describe(relocate and "schedules, relocating" or "schedules", function()
        local function manager(options)
            options = options or {}
            options.relocate = relocate
            return spec.manager(options)
        end
        after_each(spec.close)

        it("grow geometrically", function()
            assert.same({ 20, 40, 80, 160 }, capacities(manager(), growth.geometric(2), 4))
            assert.same({ 13, 17, 23, 30, 39 }, capacities(manager(), growth.geometric(1.3), 5))
            assert.same({ 15, 23 }, capacities(manager(), 1.5, 2))
        end)

        it("grow geometrically to multiples", function()
            assert.same({ 128, 192, 320 }, capacities(manager(), growth.geometric(1.5, 64), 3))
            assert.same({ 48, 80, 128 }, capacities(manager(), growth.geometric(1.5), 3, { start = 20, align = 16 }))
        end)

        it("grow linearly", function()
            local m = manager()
            assert.same({ 100, 200, 300 }, capacities(m, growth.linear(100), 3))
            m:get_buffer("b"):ensure_capacity(950)
            assert.equal(1000, m:get_buffer("b").capacity)
        end)

        it("grow by a list, and exactly past its end", function()
            local m = manager()
            assert.same({ 64, 4096, 70000, 70001, 70002 }, capacities(m, growth.list { 2 ^ 6, 2 ^ 12, 70000 }, 5))
        end)

        it("grow exactly", function()
            assert.same({ 11, 12, 13 }, capacities(manager(), growth.exact(), 3))
        end)

        it("grow by a function, which sees what is asked", function()
            local m, seen = manager(), {}
            local list = capacities(m, function(request)
                seen[#seen + 1] = request
                return request.capacity * 10
            end, 4)
            assert.same({ 100, 1000, 10000, 100000 }, list)
            assert.same({ name = "b", capacity = 10, required = 11, max = 1 << 30 }, seen[1])
            assert.same({ name = "b", capacity = 10000, required = 10001, max = 1 << 30 }, seen[4])
            assert.equal(4, #seen)
            m:get_buffer("b"):resize(5) -- no growth: not asked
            m:ensure_capacity("b", 100000)
            assert.equal(4, #seen)
        end)

        it("raise where a function says less than is required, and clamp what says more", function()
            local m = manager()
            local ok, message = pcall(capacities, m, function(r) return r.required - 1 end, 2)
            assert.is_false(ok)
            assert.truthy(message:find("the growth function of b returned 10 elements, fewer than the 11 that are required",
                1, true))
            m:free("b")
            assert.same({ 50 }, capacities(m, function() return math.maxinteger end, 2, { max_length = 50 }))
        end)

        it("have what a function says rounded to multiples too, within the maximum", function()
            local m = manager()
            local function one_more(r) return r.required + 1 end
            assert.same({ 128, 192, 256 }, capacities(m, one_more, 3, { align = 64 }))
            m:free("b")
            assert.same({ 100 }, capacities(m, one_more, 2, { align = 64, max_length = 100 }))
            local g = m:group { { "p", "u8" }, length = 10, align = 64, growth = one_more }
            g:resize(70)
            assert.equal(128, g.capacity)
        end)

        it("take what is required where the budget does not hold the schedule", function()
            local m = manager { limit = 1000 }
            assert.same({ 900, 901, 902 }, capacities(m, function(r) return r.capacity < 900 and 900 or 5000 end, 3))
        end)

        it("clamp to the maximum", function()
            assert.same({ 20, 40, 50 }, capacities(manager(), growth.geometric(2), 9, { max_length = 50 }))
            assert.same({ 40, 50 }, capacities(manager(), growth.linear(40), 9, { max_length = 50 }))
            assert.same({ 30, 50 }, capacities(manager(), growth.list { 30, 60 }, 9, { max_length = 50 }))
        end)

        it("serve groups, one for all members", function()
            local m, seen = manager(), {}
            local g = m:group {
                { "p", "f32x2" }, { "q", "u8" }, name = "nodes", max_length = 5000,
                growth = function(r)
                    seen[#seen + 1] = r
                    return r.required + 5
                end,
            }
            g:append { q = { 1, 2, 3 } }
            assert.equal(8, g.capacity)
            g.p:resize(9)
            assert.equal(14, g.q.capacity)
            assert.same({ { name = "nodes", capacity = 0, required = 3, max = 5000 },
                { name = "nodes", capacity = 8, required = 9, max = 5000 } }, seen)
            assert.view_equals({ 1, 2, 3, 0, 0, 0, 0, 0, 0 }, g.q:download())
        end)
    end)
end

describe("schedules", function()
    after_each(spec.close)

    it("that raise pass their error on, and nothing changes", function()
        local m = spec.manager()
        local b = m:allocate("b", "u8", 10, { min_size_bytes = 0, growth = function() error("no more today", 0) end })
        b:fill(7)
        unchanged(m, function()
            raises("no more today", b.ensure_capacity, b, 11)
            raises("no more today", b.append, b, { 1 })
            raises("no more today", b.resize, b, 11)
        end)
        local thrown = {}
        local c = m:buffer { type = "u8", growth = function() error(thrown) end }
        local ok, got = pcall(c.resize, c, 1)
        assert.is_false(ok)
        assert.equal(thrown, got)
    end)

    it("that return no capacity are refused, and nothing changes", function()
        local m, value = spec.manager(), nil
        local b = m:allocate("b", "u8", 10, { min_size_bytes = 0, growth = function() return value end })
        b:fill(7)
        for _, bad in ipairs { "12", 1.5, 0 / 0, math.huge, -1, {}, true } do
            value = bad
            unchanged(m, function()
                raises("the growth function of b must return a whole number of elements, not ", b.ensure_capacity, b, 11)
            end)
        end
        value = nil
        raises("not nil", b.ensure_capacity, b, 11)
        value = 16.0
        assert.is_true(b:ensure_capacity(11))
        assert.equal(16, b.capacity)
    end)

    it("may use the manager in the midst of a growth", function()
        local m = spec.manager()
        local other = m:allocate("other", "u8", 10)
        local b
        b = m:allocate("b", "u8", 10, { min_size_bytes = 0, growth = function(r)
            other:resize(other.capacity + 1)
            assert.equal(10, b.length)
            collectgarbage()
            return r.required * 2
        end })
        b:fill(3)
        b:append { 4 }
        assert.equal(22, b.capacity)
        assert.view_equals({ 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 4 }, b:download())
        assert.equal(4097, other.length)
    end)

    it("may free what grows, which is told", function()
        local m = spec.manager()
        local b
        b = m:allocate("b", "u8", 10, { min_size_bytes = 0, growth = function()
            m:free("b")
            return 100
        end })
        raises("STALE", b.resize, b, 11)
        assert.same({}, m:names())
    end)

    it("outlive the handle of a named buffer, and end with it", function()
        local m = spec.manager()
        m:allocate("b", "u8", 10, { min_size_bytes = 0, growth = function() return 77 end })
        collectgarbage()
        m:ensure_capacity("b", 11)
        assert.equal(77, m:get_buffer("b").capacity)
        m:free("b")
        m:allocate("b", "u8", 10, { min_size_bytes = 0 })
        m:ensure_capacity("b", 11)
        assert.equal(15, m:get_buffer("b").capacity)
    end)

    it("of a wrong kind are refused", function()
        local m = spec.manager()
        local function with(schedule, align)
            return m.allocate, m, "b", "u8", 1, { growth = schedule, align = align }
        end
        unchanged(m, function()
            raises("a growth of gpumm.growth, a factor or a function expected, got string", with "double")
            raises('unknown kind of growth "geometrical"', with { kind = "geometrical" })
            raises('unknown option "factors" (did you mean "factor"?)', with { factors = 2 })
            raises("a growth factor is a number from 1 to 4000, not 0.5", with { factor = 0.5 })
            raises("a growth factor is a number from 1 to 4000, not ", with { factor = 0 / 0 })
            raises('needs step = n, at least 1', with { kind = "linear" })
            raises('needs step = n, at least 1', with { kind = "linear", step = 0 })
            raises('needs list = {n, …}', with { kind = "list" })
            raises("a growth list needs at least one capacity", with { kind = "list", list = {} })
            raises("entry 2 must be a whole number greater than the one before", with { kind = "list", list = { 5, 5 } })
            raises('option "align": a count', with(2, -1))
            raises('option "align": a count', with(2, 1.5))
        end)
    end)

    it("are asked in the state that made them: growth by a group's member uses the group's", function()
        local m = spec.manager()
        local g = m:group { { "p", "u8" }, growth = growth.list { 100, 1000 } }
        g.p:resize(1)
        assert.equal(100, g.capacity)
        g.p:ensure_capacity(101)
        assert.equal(1000, g.p.capacity)
        fails("OVER_MAX_SIZE", "", g.p:resize(1 << 40))
    end)
end)
