-- successes: 10
-- SPDX-License-Identifier: MIT
-- Budgets: the state's, shared by all managers; and what happens before a request is refused.

local spec = require "gpumm.spec"
local support = require "spec.support"
local contains, fails = support.contains, support.fails

describe("budget", function()
    after_each(spec.close)

    it("of the state is shared by all managers", function()
        local text, code = support.run("--quiet --device host --limit 100000", [[
            local gpumm = require "gpumm"
            local a, b = gpumm.manager(), gpumm.manager()
            a:allocate("x", "u8", 60000)
            print(a:stats().limit_bytes, a:stats().used_bytes, b:stats().used_bytes)
            print(select(3, b:allocate("y", "u8", 40001)))
            print(select(2, b:allocate("y", "u8", 40001)))
            b:allocate("y", "u8", 40000):fill(7)
            print(b:get_buffer("y"):download(40000)[1])
            a:free("x")
            print(b:get_buffer("y"):resize(100000), b:get_buffer("y").capacity)
            b:free("y") a:close() b:close()
        ]])
        assert.equal(0, code)
        contains("100000\t60000\t0\nOVER_LIMIT\n", text)
        contains("are over the limit that several managers share; limit 97.7 KiB, used 58.6 KiB, free 39.1 KiB", text)
        contains("7\ntrue\t100000\n", text)
    end)

    it("of the state holds beside a manager's own, whichever is tighter", function()
        local text = support.run("--quiet --device host --limit 1MiB", [[
            local gpumm = require "gpumm"
            local m <close> = gpumm.manager { limit = 5000 }
            local n <close> = gpumm.manager { limit = "1GiB" }
            print(m:stats().limit_bytes, n:stats().limit_bytes)
            print(select(3, m:allocate("x", "u8", 5001)), select(3, n:allocate("x", "u8", (1 << 20) + 1)))
        ]])
        contains("5000\t1048576\nOVER_LIMIT\tOVER_LIMIT\n", text)
    end)

    it("of the state gets back what a closed manager held", function()
        local text = support.run("--quiet --device host --limit 10000", [[
            local gpumm = require "gpumm"
            for i = 1, 5 do
                local m = gpumm.manager()
                print(m:allocate("x", "u8", 8000, { enable_async = false }) ~= nil)
                m:close()
            end
        ]])
        local _, times = text:gsub("true\n", "")
        assert.equal(5, times)
    end)

    it("says what is wrong with --limit", function()
        local text, code = support.run("--limit 12XB", "")
        assert.is_true(code ~= 0)
        contains("--limit: '12XB' is not a size: write a number and B, KiB", text)
    end)

    it("is relieved by the collector: garbage is freed before a request fails", function()
        local m = spec.manager { limit = 100000 }
        collectgarbage()
        collectgarbage("stop")
        local kept = m:buffer { type = "u8", length = 50000 }
        kept:fill(9)
        for i = 1, 50 do
            local b = assert(m:buffer { type = "u8", length = 40000 })
            b:fill(i)
            assert.equal(string.char(i):rep(40000), b:download():bytes())
        end
        collectgarbage("restart")
        assert.equal(string.rep("\9", 50000), kept:download():bytes())
        assert.is_true(m:stats().peak_used_bytes <= 100000)
        assert.equal(51, m:stats().allocation_count)
    end)

    it("is relieved so for growth, scratch and readbacks too", function()
        local m = spec.manager { limit = 100000 }
        local b = m:allocate("b", "u8", 10000, { min_size_bytes = 0 })
        b:fill(3)
        collectgarbage("stop")
        local function garbage() m:buffer { type = "u8", length = 85000 } end
        garbage()
        assert.is_true(b:resize(15001))
        b:resize(10000)
        b:shrink_to_fit()
        garbage()
        local s = assert(m:scratch(20000))
        s:close()
        garbage()
        local r = assert(b:readback { slots = 2 })
        r:close()
        collectgarbage("restart")
        assert.equal(string.rep("\3", 10000), b:download():bytes())
    end)

    it("does not free what is still held", function()
        local m = spec.manager { limit = 100000 }
        local held = {}
        for i = 1, 4 do
            held[i] = m:buffer { type = "u8", length = 25000 }
            held[i]:fill(i)
        end
        fails("OVER_LIMIT", "25000 elements", m:buffer { type = "u8", length = 25000 })
        for i = 1, 4 do assert.equal(string.char(i):rep(25000), held[i]:download():bytes()) end
    end)

    it("is not touched by warm memory: what is freed can be asked for again", function()
        local m = spec.manager { limit = 1 << 20 }
        for i = 1, 20 do
            local b = assert(m:allocate("b", "u8", 1 << 20, { max_size_bytes = (1 << 20) + i * 1000000 }))
            b:free()
        end
        assert.equal(0, m:stats().used_bytes)
    end)

    it("of the device is relieved by what is warm", function()
        local m = spec.manager { device = "host", memory = "8MiB" }
        m:allocate("a", "u8", 6 << 20, { max_size_bytes = 6 << 20 }):free()
        assert.is_true(m:stats().cached.now >= 6 << 20)
        local b = m:allocate("b", "u8", 7 << 20, { max_size_bytes = 9 << 20 })
        b:fill(5)
        assert.is_true(string.rep("\5", 7 << 20) == b:download():bytes())
    end)

    it("of the device is relieved by memory that waits for its streams", function()
        local m = spec.inject_faults({}, { device = "host", memory = "8MiB", debug = false })
        local a = m:allocate("a", "u8", 6 << 20, { max_size_bytes = 6 << 20 })
        m:synchronize()
        a:fill(1)
        a:free() -- its fill may still be under way
        local b = m:allocate("b", "u8", 7 << 20, { max_size_bytes = 9 << 20 })
        assert.is_true(string.rep("\0", 7 << 20) == b:download():bytes())
    end)
end)
