-- successes: 12
-- SPDX-License-Identifier: MIT
-- Frames on the device: a snapshot that kernels read, held until it is released, that costs captures nothing but slots.

local gpumm = require "gpumm"
local spec = require "gpumm.spec"
local support = require "spec.support"

local SUM = [[
extern "C" __global__ void add(int n, const unsigned int *from, unsigned int *to)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) to[i] += from[i];
}]]

local function numbers(m, n, value)
    local b = assert(m:buffer { type = "u32", length = n })
    assert(b:fill(value))
    return b
end

local function all(n, value)
    local list = {}
    for i = 1, n do list[i] = value end
    return list
end

after_each(spec.close)

describe("a frame on the device", function()
    it("is the moment of its capture, read by kernels while the simulation goes on", function()
        local m = spec.manager()
        local b, sum = numbers(m, 1000, 5), numbers(m, 1000, 0)
        local add = assert(m:kernel { source = SUM })
        local r = assert(b:readback { where = "device", slots = 3 })
        assert(r:capture(1))
        assert(b:fill(9))
        local f = assert(r:wait())
        assert.equal(1, f.step)
        assert.equal(1000, #f.data)
        assert.equal("u32", f.data.type.name)
        assert(add { n = 1000, from = f.data, to = sum })
        assert.view_equals(all(1000, 5), sum:download())
        assert.view_equals(all(1000, 5), f.data:download())
        assert.view_equals(all(1000, 9), b:download())
    end)

    it("has its members by name and position, at addresses of their own", function()
        local m = spec.manager()
        local g = assert(m:group { { "a", "u32" }, { "b", "f32x2" }, length = 100 })
        assert(g.a:fill(3))
        assert(g.b:fill { 1, 2 })
        local r = assert(g:readback { where = "device" })
        assert(r:capture(7))
        local f = assert(r:wait())
        assert.view_equals(all(100, 3), f.a:download())
        assert.same({ 1, 2 }, { f.b:download():get(100) })
        assert.is_true(rawequal(f.a, f[1]))
        assert.is_true(f.b.address >= f.a.address + 400)
    end)

    it("is held until the next delivery, or while it is kept", function()
        local m = spec.manager()
        local b = numbers(m, 10, 1)
        local r = assert(b:readback { where = "device", slots = 3 })
        assert(r:capture(1))
        local first = assert(r:wait()):keep()
        local view = first.data
        for step = 2, 20 do
            assert(b:fill(step))
            assert(r:capture(step))
            assert.view_equals(all(10, step), assert(r:wait()).data:download())
        end
        assert.view_equals(all(10, 1), view:download())
        first:release()
        support.contains("it was released", support.message_of(view.download, view))
    end)

    it("ends with the next delivery: kernels refuse it", function()
        local m = spec.manager()
        local b, sum = numbers(m, 10, 1), numbers(m, 10, 0)
        local add = assert(m:kernel { source = SUM })
        local r = assert(b:readback { where = "device", slots = 3 })
        assert(r:capture(1))
        local view = assert(r:wait()).data
        assert(r:capture(2))
        assert(r:wait())
        support.contains("STALE", support.message_of(add, 10, view, sum))
        assert.view_equals(all(10, 0), sum:download())
    end)

    it("goes to pointers to const alone, of its type", function()
        local m = spec.manager()
        local b, sum = numbers(m, 10, 1), numbers(m, 10, 0)
        local other = assert(m:buffer { type = "f32", length = 10 })
        local add = assert(m:kernel { source = SUM })
        local r, wrong = assert(b:readback { where = "device" }), assert(other:readback { where = "device" })
        assert(r:capture(1))
        assert(wrong:capture(1))
        local view = assert(r:wait()).data
        support.contains("pointer to const", support.message_of(add, 10, sum, view))
        support.contains("wants const unsigned int *", support.message_of(add, 10, assert(wrong:wait()).data, sum))
        assert(add(10, view, sum))
    end)

    it("takes no slot back from a kernel that reads it still, and stops no capture", function()
        local m = spec.manager { fault = true }
        local b, sum = numbers(m, 100, 1), numbers(m, 100, 0)
        local side = assert(m:stream())
        local add = assert(m:kernel { source = SUM })
        local r = assert(b:readback { where = "device", slots = 3 })
        assert(r:capture(1))
        local f = assert(r:wait())
        m.fault:hold "launch"
        assert(add({ n = 100, from = f.data, to = sum }, side)) -- on another stream, and it will be long
        f:release()
        local given = 0
        for step = 2, 10 do
            assert(b:fill(step))
            local ticket = r:capture(step)
            if ticket and r:wait(ticket) then given = given + 1 end
        end
        m.fault:release()
        assert.equal(9, given) -- by the other two slots
        assert(m:synchronize())
        assert.view_equals(all(100, 1), sum:download())
        assert(r:capture(11))
        assert.view_equals(all(100, 10), assert(r:wait()).data:download())
    end)

    it("costs who takes none dropped frames, and nothing more", function()
        local m = spec.manager()
        local b = numbers(m, 10, 1)
        local r = assert(b:readback { where = "device", slots = 2, busy = "newest" })
        for step = 1, 500 do
            assert(b:fill(step))
            assert(r:capture(step))
        end
        local f = assert(r:wait())
        assert.equal(500, f.step)
        assert.view_equals(all(10, 500), f.data:download())
        assert.is_true(r.dropped >= 498)
    end)

    it("follows growth, each frame with its own length", function()
        local m = spec.manager()
        local b = numbers(m, 10, 1)
        local r = assert(b:readback { where = "device", slots = 2 })
        for _, n in ipairs { 10, 1000, 100000, 300000 } do
            assert(b:resize(n))
            assert(b:fill(n))
            assert(r:capture(n))
            local f = assert(r:wait())
            assert.equal(n, #f)
            local v = f.data:download()
            assert.equal(n, v[1])
            assert.equal(n, v[n])
        end
    end)

    it("counts no pinned memory, and one slot's bytes each on the device", function()
        local m = spec.manager()
        local b = numbers(m, 1000, 1)
        local before = m:stats()
        local r = assert(b:readback { where = "device", slots = 3 })
        local stats = m:stats()
        assert.equal(3 * b.capacity * 4, stats.staging.now)
        assert.equal(0, stats.pinned.now)
        assert.equal(before.used_bytes + 3 * b.capacity * 4, stats.used_bytes)
        r:close()
        assert.equal(before.used_bytes, m:stats().used_bytes)
    end)

    it("refuses what makes no sense", function()
        local m = spec.manager()
        local b = numbers(m, 10, 1)
        support.contains('"host" or "device" expected', support.message_of(b.readback, b, { where = "disk" }))
        support.contains("direct", support.message_of(b.readback, b, { where = "device", direct = true }))
    end)

    it("is what a simulation's frame function gets", function()
        local seen = {}
        local sim = gpumm.simulation {
            points = gpumm.buffer { type = "u32", length = 10 },
            watch = gpumm.readback { "points", where = "device", slots = 3 },
            steps = 5,
            step = function(sim, i) sim.points:fill(i) end,
            frame = function(_, f) seen[#seen + 1] = f.data:download()[10] end,
        }
        sim:run { device = spec.device }
        assert.same({ 1, 2, 3, 4, 5 }, seen)
    end)

    it("declares work that gpumm does not launch", function()
        local m = spec.manager()
        local b = numbers(m, 10, 1)
        local side = assert(m:stream())
        local r = assert(b:readback { where = "device" })
        assert(r:capture(1))
        local f = assert(r:wait())
        assert.is_true(f.data:used(side))
        assert.is_true(f.data:used())
        f:release()
        assert(r:capture(2))
        assert.equal(2, assert(r:wait()).step)
    end)
end)
