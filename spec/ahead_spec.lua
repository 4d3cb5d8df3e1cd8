-- successes: 13
-- SPDX-License-Identifier: MIT
-- Memory committed ahead: the next growth makes no driver call for it. Where growth relocates, ahead is accepted and
-- nothing is: every growth takes its memory then.

local gpumm = require "gpumm"
local spec = require "gpumm.spec"
local support = require "spec.support"

-- `bytes`, where there is such a thing as memory ahead.
local function ahead(m, bytes) return m:device().in_place and bytes or 0 end

-- A worker commits; the books show when it has.
local function wait_for_ahead(m, bytes)
    bytes = ahead(m, bytes)
    local deadline = os.time() + 20
    while m:stats().precommitted.now ~= bytes do
        assert(os.time() < deadline, ("%d bytes are ahead, not %d"):format(m:stats().precommitted.now, bytes))
    end
end

-- What f grows costs no call for memory, where that was committed ahead.
local function costs_nothing(m, f)
    local calls = support.memory_calls(m)
    f()
    if m:device().in_place then assert.equal(calls, support.memory_calls(m))
    else assert.is_true(support.memory_calls(m) > calls) end
end

describe("ahead", function()
    after_each(spec.close)

    local function inject_faults()
        local m = spec.inject_faults({}, { memory = "512MiB", debug = false })
        return m, m:device().granularity
    end

    it("makes the next growth cost no commit", function()
        local m, unit = inject_faults()
        local b = m:allocate("b", "u8", unit, { growth_factor = 2, ahead = 1, max_length = 2 * unit })
        local data = support.bytes(unit)
        b:upload(data)
        wait_for_ahead(m, unit)
        assert.equal(unit, b.capacity)
        local watch = support.watch_moves(m, b)
        costs_nothing(m, function() assert.is_true(b:ensure_capacity(unit + 1)) end)
        watch()
        assert.equal(2 * unit, b.capacity)
        assert.equal(0, m:stats().precommitted.now)
        assert.is_true(b:resize(2 * unit))
        assert.is_true(data .. string.rep("\0", unit) == b:download():bytes())
    end)

    it("without it, the same growth commits", function()
        local m, unit = inject_faults()
        local b = m:allocate("b", "u8", unit, { growth_factor = 2, max_length = 2 * unit })
        local calls = support.memory_calls(m)
        b:ensure_capacity(unit + 1)
        assert.equal(calls + 1, support.memory_calls(m))
    end)

    it("goes several steps, and serves every member of a group", function()
        local m, unit = inject_faults()
        local g = m:group {
            { "p", "u8" }, { "q", "u16" }, length = unit, growth = gpumm.growth.list { 2 * unit, 3 * unit },
            ahead = 2, max_length = 3 * unit,
        }
        wait_for_ahead(m, 2 * unit + 4 * unit)
        costs_nothing(m, function()
            g:resize(unit + 1)
            assert.equal(2 * unit, g.capacity)
            g:resize(2 * unit + 1)
            assert.equal(3 * unit, g.capacity)
        end)
        assert.equal(0, m:stats().precommitted.now)
    end)

    it("follows the capacity", function()
        local m, unit = inject_faults()
        local b = m:allocate("b", "u8", unit, { growth = gpumm.growth.linear(unit), ahead = 1, max_length = 9 * unit })
        for step = 2, 8 do
            wait_for_ahead(m, unit)
            assert.is_true(b:resize(step * unit))
            assert.equal(step * unit, b.capacity)
        end
    end)

    it("does not count against the limit", function()
        local unit = spec.manager():device().granularity
        local m = spec.inject_faults({}, { memory = "512MiB", debug = false, limit = 2 * unit })
        m:allocate("b", "u8", unit, { growth_factor = 2, ahead = 1 })
        wait_for_ahead(m, unit)
        assert.equal(unit, m:stats().used_bytes)
        assert.equal(unit, m:stats().total_allocated_bytes)
        assert.equal(unit + ahead(m, unit), m:stats().committed_bytes)
        assert.equal(unit + ahead(m, unit), m.fault:live().committed_bytes)
        assert(m:allocate("c", "u8", unit)) -- what is ahead of b is in nobody's way
        support.fails("OVER_LIMIT", "'b'", m:ensure_capacity("b", unit + 1))
    end)

    it("never goes where no growth could, whoever else has memory ahead", function()
        local unit = spec.manager():device().granularity
        local m = spec.inject_faults({}, { memory = "512MiB", debug = false, limit = 8 * unit })
        local function allocate(name)
            assert(m:allocate(name, "u8", unit, { growth_factor = 2, ahead = 7, max_length = 128 * unit }))
        end
        allocate "a"
        wait_for_ahead(m, 7 * unit) -- all that the limit leaves, of 127
        for _, name in ipairs { "b", "c", "d" } do allocate(name) end
        for _, name in ipairs { "a", "b", "c", "d" } do m:free(name) end
        local most = ahead(m, 7 * unit)
        m:close() -- the worker is through
        assert.equal(most, m:stats().precommitted.peak)
    end)

    it("has few steps, each of which may be small", function()
        local m = spec.manager { device = "host" }
        support.raises("257 growth steps ahead are too many: 0 to 256", m.allocate, m, "b", "u8", 1, { ahead = 257 })
        assert(m:allocate("b", "u8", 1, { growth = gpumm.growth.exact(), ahead = 256, max_length = 1 << 30 }))
    end)

    it("is given back by trim, and under pressure", function()
        local m = spec.manager { device = "host", memory = "8MiB", granularity = "1MiB", debug = false }
        local b = m:allocate("b", "u8", 3 << 20, { growth_factor = 2, ahead = 1 })
        b:fill(6)
        wait_for_ahead(m, 3 << 20)
        assert.equal(ahead(m, 3 << 20), m:trim())
        assert.equal(3 << 20, m:stats().committed_bytes)
        m:free("b")
        m:trim()
        b = m:allocate("b", "u8", 3 << 20, { growth_factor = 2, ahead = 1 })
        b:fill(6)
        wait_for_ahead(m, 3 << 20)
        local c = m:allocate("c", "u8", 4 << 20) -- fits only without what is ahead
        c:fill(8)
        assert.equal(0, m:stats().precommitted.now)
        assert.is_true(string.rep("\6", 3 << 20) == b:download():bytes())
        assert.is_true(string.rep("\8", 4 << 20) == c:download():bytes())
    end)

    it("is given back under pressure behind launches that are under way", function()
        local m = spec.manager { device = "host", memory = "12MiB", granularity = "1MiB", debug = false }
        local b = m:allocate("b", "u32", 3 << 18, { growth_factor = 2, ahead = 1 })
        b:fill(1)
        m:scan { from = b } -- the scratch that it wants is there from now on
        m:synchronize()
        wait_for_ahead(m, 3 << 20)
        for _ = 1, 30 do m:scan { from = b } end
        assert(m:buffer { type = "u8", length = 12 * (1 << 20) - m:stats().committed_bytes + ahead(m, 3 << 20) })
        assert.is_true(m:poll())
        assert.equal(0, m:stats().precommitted.now)
        assert.equal(1, b:download()[1])
    end)

    it("that fails is nobody's error: the growth asks again", function()
        local m, unit = inject_faults()
        m:allocate("first", "u8", unit):upload(support.bytes(unit)) -- what uploads take for themselves is there
        local in_place, calls = m:device().in_place, support.memory_calls(m)
        m.fault:plan { call = in_place and "commit" or "alloc", nth = 2, status = "DRIVER" } -- the first is b's own
        local b = m:allocate("b", "u8", unit, { growth_factor = 2, ahead = 1, max_length = 2 * unit })
        assert.is_true(b:upload(support.bytes(unit)))
        if not in_place then support.fails("DRIVER", "", b:ensure_capacity(unit + 1)) end -- its own call, then
        local deadline = os.time() + 20
        while support.memory_calls(m) < calls + 2 do assert(os.time() < deadline, "nothing was committed ahead") end
        assert.is_true(m:poll())
        assert.is_true(b:ensure_capacity(unit + 1))
        assert.equal(2 * unit, b.capacity)
        assert.is_true(support.bytes(unit) == b:download():bytes())
    end)

    it("is chosen for what grew twice, one small step, unless it is said to be none", function()
        local m, unit = inject_faults()
        local function grown(name, options)
            options.growth, options.max_length = gpumm.growth.linear(unit), 4 * unit
            local b = m:allocate(name, "u8", unit, options)
            for n = 2, 3 do b:resize(n * unit) end
            return b
        end
        local b = grown("b", {})
        wait_for_ahead(m, unit)
        costs_nothing(m, function() b:resize(4 * unit) end)
        local none = grown("none", { ahead = 0 })
        m:check()
        local calls = support.memory_calls(m)
        none:resize(4 * unit)
        assert.equal(calls + 1, support.memory_calls(m))
        assert.equal(0, m:stats().precommitted.now)
    end)

    it("is not chosen for steps that are large", function()
        local m, unit = inject_faults()
        local step = (16 << 20) + unit -- whole segments, so that all of it is to be committed
        local b = m:allocate("b", "u8", 1, { growth = gpumm.growth.linear(step), max_length = 5 * step })
        for n = 1, 3 do
            b:ensure_capacity(n * step)
            m:check()
            assert.equal(0, m:stats().precommitted.now)
        end
    end)

    it("follows the last step where the schedule is a function, and ends with a shrink", function()
        local m, unit = inject_faults()
        local b = m:allocate("b", "u8", unit, { growth = function(r) return r.required end, max_length = 17 * unit })
        for n = 5, 13, 4 do b:resize(n * unit) end
        wait_for_ahead(m, 4 * unit)
        costs_nothing(m, function() b:resize(17 * unit) end)
        b:resize(unit)
        b:shrink_to_fit()
        m:trim()
        assert.equal(0, m:stats().precommitted.now)
        assert.equal(unit, b.committed_bytes)
    end)
end)
