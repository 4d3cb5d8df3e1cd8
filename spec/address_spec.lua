-- successes: 5
-- SPDX-License-Identifier: MIT
-- A buffer never moves: twenty growths under a running kernel, the launch that returns at once, and what a
-- maximum costs while it is not used. Where growth relocates, the generation counts the moves, and contents go along.

local spec = require "gpumm.spec"
local support = require "spec.support"

-- Writes all the while, so that memory that went away under it would show. On the host clock64 counts
-- nanoseconds, on a GPU cycles of about 2 GHz.
local SPIN = [[
extern "C" __global__ void spin(int n, unsigned int *values, long long ticks)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    long long start = clock64();
    unsigned int rounds = 0;
    while (clock64() - start < ticks) {
        rounds++;
        values[i] = rounds;
    }
    values[i] = 1000 + i;
}]]

local function spin_ticks(m) return m:device().kind == "host" and 200000000 or 400000000 end

local function resident_bytes()
    local file = assert(io.open "/proc/self/statm")
    local _, pages = file:read("n", "n")
    file:close()
    return pages * 4096
end

after_each(spec.close)

describe("an address", function()
    it("does not change over twenty growths while a kernel of 200 ms runs on it", function()
        local m = spec.manager { debug = false, workers = 2, granularity = 65536 }
        local b = assert(m:buffer { type = "u32", length = 64, growth = 1.5, max_length = 100000000 })
        local spin = assert(m:kernel { source = SPIN, threads = "n" })
        local side = assert(m:stream())
        assert(m:synchronize())
        local watch, growths, moves = support.watch_moves(m, b), 0, 0
        assert(spin { n = 1, values = b, ticks = 1000 }) -- compiled and loaded
        assert(m:synchronize())

        local begun = m:main():record()
        local before = os.clock()
        assert(spin { n = 2, values = b, ticks = spin_ticks(m) })
        local done = m:main():record()
        local launched = os.clock() - before
        assert.is_false(done:ready())
        while growths < 20 do
            local capacity = b.capacity
            assert(b:ensure_capacity(capacity + 1))
            assert.is_true(b.capacity > capacity)
            moves = moves + (watch() and 1 or 0)
            growths = growths + 1
        end
        assert.is_false(done:ready()) -- every growth was under the kernel
        assert.is_true(launched < 0.1)
        assert(done:wait(30))
        assert.is_true(done:elapsed(begun) ~= nil or begun:elapsed(done) ~= nil)
        assert.is_true(begun:elapsed(done) >= 0.19)

        assert.equal(1 + moves, b.generation)
        assert.equal(20, m:stats().resize_count)
        assert(b:resize(b.capacity, side))
        local view = assert(b:download())
        assert.equal(1000, view[1])
        assert.equal(1001, view[2])
        for i = 3, #view do
            if view[i] ~= 0 then error(("element %d is %d"):format(i, view[i])) end
        end
    end)

    it("stays while a group grows: every member, under a kernel on one of them", function()
        local m = spec.manager { debug = false, workers = 2 }
        local g = assert(m:group { { "mark", "u32" }, { "place", "f32x3" }, { "mass", "f64" },
            growth = 1.4, max_length = 50000000 })
        assert(g:append { mark = { 5, 6, 7 }, mass = { 0.5, 0.25, 0.125 } })
        local spin = assert(m:kernel { source = SPIN })
        assert(spin { n = 1, values = g.mark, ticks = 1000 })
        assert(m:synchronize())
        local watch = support.watch_moves(m, g)
        assert(spin { n = 1, values = g.mark, ticks = spin_ticks(m) })
        local done = m:main():record()
        for _ = 1, 20 do
            assert(g:ensure_capacity(g.capacity + 1))
            watch()
        end
        assert.is_false(done:ready())
        assert(done:wait(30))
        assert.view_equals({ 1000, 6, 7 }, g.mark:download())
        assert.view_equals({ 0.5, 0.25, 0.125 }, g.mass:download())
    end)

    it("stays over captured frames and committed-ahead growth", function()
        local m = spec.manager()
        local b = assert(m:buffer { type = "u32", length = 1000, ahead = 2, growth = 1.3, max_length = 10000000 })
        local r = assert(b:readback { slots = 2, busy = "wait" })
        local watch = support.watch_moves(m, b)
        for step = 1, 20 do
            assert(b:fill(step))
            assert(r:capture(step))
            local length = #b
            assert(b:resize(b.capacity + 1))
            watch()
            local f = assert(r:wait())
            assert.equal(length, f.length)
            assert.equal(step, f.data[1])
            assert.equal(step, f.data[length])
        end
        assert.equal(20, m:stats().resize_count)
    end)

    it("costs nothing until it is used: ten maxima of 1 GiB take less than 16 MiB", function()
        local m = spec.manager { debug = false }
        local before, list = resident_bytes(), {}
        for i = 1, 10 do
            list[i] = assert(m:buffer { type = "f32", length = 1000, max_size_bytes = "1GiB" })
            assert(list[i]:fill(i))
            assert.equal((1 << 30) // 4, list[i].max_length)
        end
        assert(m:synchronize())
        if m:device().kind == "host" then assert.is_true(resident_bytes() - before < 16 << 20) end
        assert.is_true(m:stats().committed_bytes < 48 << 20) -- 10 steps of the coarsest granularity, and the slab
        for i = 1, 10 do assert.equal(i + 0.0, list[i]:download()[1000]) end
        for i = 1, 10 do
            for j = i + 1, 10 do assert.are_not.equal(list[i].address, list[j].address) end
        end
    end)

    it("moves where the device cannot grow in place: the generation says so, and the contents stay", function()
        local m = spec.manager { relocate = true }
        local b = assert(m:buffer { type = "u32", length = 5000, growth = 1.5 })
        local moves = 0
        for i = 1, 20 do
            local length, generation, address = #b, b.generation, b.address
            assert(b:fill(i))
            assert(b:resize(b.capacity + 1))
            assert.equal(generation + (b.address == address and 0 or 1), b.generation)
            moves = moves + b.generation - generation
            local view = b:download()
            assert.equal(i, view[1])
            assert.equal(i, view[length])
            assert.equal(0, view[length + 1])
        end
        assert.is_true(moves >= 5) -- within one commit step nothing need move
    end)
end)
