-- successes: 9
-- SPDX-License-Identifier: MIT
-- Leaks: named buffers that nobody freed, with the line that made them.

local spec = require "gpumm.spec"
local support = require "spec.support"
local contains = support.contains

describe("leaks", function()
    after_each(spec.close)

    it("are none where there was nothing, and where all is freed", function()
        local m = spec.manager()
        assert.same({ {} }, { m:check_leaks() })
        m:allocate("a", "u8", 10)
        m:allocate("b", "u8", 10)
        m:ensure_capacity("b", 100000)
        m:free("b")
        m:free("a")
        assert.same({ {} }, { m:check_leaks() })
        assert.same({}, m:leaks())
    end)

    it("are named, with their bytes, file and line", function()
        local m = spec.manager()
        m:allocate("positions", "f32x3", 1000) local first = support.here()
        m:allocate("freed", "u8", 1)
        m:allocate("edges", "u32x2", 1000) local second = support.here()
        m:free("freed")
        local names, text = m:check_leaks()
        table.sort(names)
        assert.same({ "edges", "positions" }, names)
        local by = {}
        for _, leak in ipairs(m:leaks()) do by[leak.name] = leak end
        assert.equal(12000, by.positions.bytes)
        assert.equal(8000, by.edges.bytes)
        assert.equal(first, by.positions.tag)
        assert.equal(second, by.edges.tag)
        assert.equal("buffers", by.edges.category)
        assert.equal(m:get_buffer("edges").address, by.edges.address)
        contains(("'positions', 12000 bytes, made at %s"):format(first), text)
        contains(("'edges', 8000 bytes, made at %s"):format(second), text)
    end)

    it("are tagged by the script's line, not by the helper's of gpumm's own", function()
        local m = spec.manager()
        local function make(name) return m:allocate(name, "u8", 1) end local inner = support.here()
        make("a")
        assert.equal(inner, m:leaks()[1].tag)
    end)

    it("carry the tag that was given instead", function()
        local m = spec.manager()
        m:allocate("a", "u8", 1, { tag = "the grid" })
        assert.equal("the grid", m:leaks()[1].tag)
        contains("made at the grid", select(2, m:check_leaks()))
    end)

    it("show the bytes that a buffer grew to", function()
        local m = spec.manager()
        m:allocate("a", "u8", 5000)
        m:ensure_capacity("a", 50000)
        assert.equal(50000, m:leaks()[1].bytes)
        assert.equal(1, #m:leaks())
    end)

    it("are no anonymous buffers and no groups", function()
        local m = spec.manager()
        local b = m:buffer { type = "u8", length = 10 }
        local g = m:group { { "p", "u8" }, name = "nodes", length = 10 }
        assert.same({}, m:leaks())
        b:fill(1)
        g.p:fill(1)
    end)

    it("can be asked for after close", function()
        local m = spec.manager()
        m:allocate("a", "u8", 5000) local line = support.here()
        m:allocate("b", "u8", 5000)
        m:free("b")
        m:close()
        local leaks = m:leaks()
        assert.equal(1, #leaks)
        assert.equal("a", leaks[1].name)
        assert.equal(5000, leaks[1].bytes)
        assert.equal(line, leaks[1].tag)
    end)

    it("are warned of when the manager closes", function()
        local text, code = support.run("--quiet --device host", [[
            local gpumm = require "gpumm"
            local m = gpumm.manager()
            m:allocate("kept", "u8", 5000)
            m:allocate("freed", "u8", 5000)
            m:free("freed")
            m:close()
        ]])
        assert.equal(0, code)
        assert.matches("leak: buffer 'kept', 4%.9 KiB, made at [^\n]*:3, was never freed", text)
        assert.is_nil(text:find("'freed'", 1, true))
    end)

    it("make gpumm-run --strict end with 1, and are named; without leaks it ends with 0", function()
        local leaky, code = support.run("--quiet --strict --device host",
            'require("gpumm").manager():allocate("kept", "u8", 5000)')
        assert.equal(1, code)
        contains("'kept'", leaky)
        local _, clean = support.run("--quiet --strict --device host",
            'local m = require("gpumm").manager(); m:allocate("a", "u8", 5000); m:free("a"); m:close()')
        assert.equal(0, clean)
    end)
end)
