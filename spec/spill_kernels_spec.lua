-- successes: 4
-- SPDX-License-Identifier: MIT
-- Spill under kernels: launches and replays over memory of which a part is the host's, and a layout that does not fit the device.

local gpumm = require "gpumm"
local spec = require "gpumm.spec"
local support = require "spec.support"
local filled = require "spec.filled"

local UNIT <const> = spec.device:find("host", 1, true) and 1 << 18 or 2 << 20 -- at least a commit step

local SOURCE = [[
extern "C" __global__ void number(int n, unsigned *p, unsigned more)
{ int i = blockIdx.x * blockDim.x + threadIdx.x; if (i < n) p[i] = p[i] * 3 + i + more; }]]

describe("with spill", function()
    after_each(function()
        filled.over()
        spec.close()
    end)

    local function short(memory, options)
        local all = { spill = "256MiB", debug = false, memory = memory, workers = 2 }
        for key, value in pairs(options or {}) do all[key] = value end
        local m = spec.inject_faults({}, all)
        filled.but(memory)
        return m
    end

    local function exact(m, bytes)
        return assert(m:buffer { type = "u32", length = bytes // 4, max_size_bytes = "1GiB", growth = gpumm.growth.exact(),
            ahead = 0 })
    end

    -- What n elements are after the kernel ran with each of the numbers, computed here.
    local function expected(n, numbers)
        local words = {}
        for i = 0, n - 1 do
            local x = 0
            for _, more in ipairs(numbers) do x = (x * 3 + i + more) & 0xffffffff end
            words[i + 1] = ("<I4"):pack(x)
        end
        return table.concat(words)
    end

    it("a kernel runs over the border, before and after a move", function()
        local m = short(6 * UNIT)
        local k = assert(m:kernel { source = SOURCE, name = "number" })
        local a, b = exact(m, 5 * UNIT), exact(m, 3 * UNIT)
        assert.is_true(m:stats().spilled.now > 0)
        k(b.length, b, 5)
        a:free()
        assert.is_true(m:promote() > 0)
        k(b.length, b, 9)
        assert.is_true(b:download():bytes() == expected(b.length, { 5, 9 }))
    end)

    it("a recording goes on while its buffer moves, and grows", function()
        local m = short(6 * UNIT)
        local k = assert(m:kernel { source = SOURCE, name = "number" })
        local a, b = exact(m, 5 * UNIT), exact(m, 3 * UNIT)
        local r = assert(m:record(function(recording)
            k(recording:length(b), b, recording:scalar "more")
        end))
        assert(r:replay { more = 1 })
        a:free()
        assert.is_true(m:promote() > 0)
        assert(r:replay { more = 2 })
        assert.is_true(b:resize(10 * UNIT // 4))
        assert.is_true(m:stats().spilled.now > 0)
        b:fill(0)
        assert(r:replay { more = 7 })
        assert.is_true(b:download():bytes() == expected(b.length, { 7 }))
        r:close()
    end)

    -- A grid's positions, as bytes, and the books, where the device has so much memory.
    local function laid_out(memory)
        local from, to, side = {}, {}, 40
        for i = 1, side * side do
            if i % side > 0 then from[#from + 1], to[#to + 1] = i, i + 1 end
            if i + side <= side * side then from[#from + 1], to[#to + 1] = i, i + side end
        end
        local m = memory and short(memory) or spec.manager { debug = false, workers = 2 }
        local sim = gpumm.force.layout(gpumm.graph.new(side * side, from, to), { steps = 20, settle = 0 })
        sim:open { manager = m }
        sim:advance(20)
        local bytes, stats = sim.nodes:member "position":download():bytes(), m:stats()
        sim:close()
        return bytes, stats
    end

    it("a layout that needs twice the device's memory ends with the same bytes as without", function()
        local whole, stats = laid_out()
        local half = (stats.peak_committed_bytes - stats.pinned.peak) // 2 // UNIT * UNIT
        local again, spilled = laid_out(half)
        assert.is_true(half > 0)
        assert.is_true(spilled.spilled.peak > 0)
        assert.is_true(whole == again)
    end)

    it("gpumm-run says what was spilled, and what to do", function()
        local text, code = support.run("--device host --stats", [[
            local gpumm = require "gpumm"
            local m = gpumm.manager { device = "host", memory = "4MiB", spill = "64MiB" }
            m:allocate("many", "u8", 6 << 20)
            m:free "many"
        ]])
        assert.equal(0, code)
        support.says(text, "advice: up to ", "of host memory stood for the device's (spill)")
    end)
end)
