-- successes: 2
-- SPDX-License-Identifier: MIT
-- Kernels over striped buffers: the owner's, and those of another manager whose device is one of the buffer's.

local spec = require "gpumm.spec"
local support = require "spec.support"
local two = require "spec.two"

local STRIPE <const> = 2 << 20
local count <const> = STRIPE // 4 * 3 -- three stripes of u32

local source <const> = [[extern "C" __global__ void add(int n, unsigned *x, const unsigned *y) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) x[i] += y[i];
}]]

describe("a striped buffer", function()
    after_each(spec.close)

    -- Nil where there are too few GPUs.
    local function striped(m)
        local x, message, code = m:buffer { type = "u32", length = count, devices = { 0, 1 }, stripe = STRIPE }
        if code == "NO_DEVICE" and m:device().kind == "cuda" then
            return print("skipped: 1 test of stripe_kernels_spec.lua needs two GPUs: " .. message)
        end
        return assert(x, message)
    end

    it("is used by the kernels of its manager, also recorded, while it grows", function()
        local m = two()
        local x = striped(m)
        if not x then return end
        local y, add = assert(m:buffer { type = "u32", length = 2 * count }), assert(m:kernel { source = source })
        y:fill(3)
        add(count, x, y)
        local r = assert(m:record(function() add(count, x, y) end))
        for _ = 1, 3 do r:replay() end
        assert(x:resize(2 * count))
        r:replay()
        add(2 * count, x, y)
        assert.view_equals({ 18, 3, 3 }, x:download(count, 3))
        assert.equal(18, x:download()[1])
    end)

    it("is used by the kernels of another manager, each behind the other's", function()
        local a, b = two()
        local x = striped(a)
        if not x then return end
        local y, step = assert(b:buffer { type = "u32", length = count }), assert(a:buffer { type = "u32", length = count })
        local ours, theirs = assert(a:kernel { source = source }), assert(b:kernel { source = source })
        y:fill(2)
        step:fill(100)
        a.fault:plan { jitter = 8 }
        b.fault:plan { jitter = 9 }
        for _ = 1, 10 do
            theirs(count, x, y)
            ours(count, x, step)
        end
        a.fault:plan {}
        b.fault:plan {}
        local all = x:download()
        for _, i in ipairs { 1, count // 2, count } do assert.equal(1020, all[i]) end
        support.raises("belongs to another manager", theirs, count, step, y)
        support.raises("belongs to another manager", theirs, count, y, step)
        support.raises("cannot be recorded", b.record, b, function() theirs(count, x, y) end)
        b.fault:plan { call = "launch", nth = 1, status = "DRIVER" }
        support.fails("DRIVER", "launch", theirs(count, x, y))
        b.fault:plan {}
        assert.equal(1020, x:download()[1])
        theirs(count, x, y)
        a:close() -- behind it
        support.raises("CLOSED", theirs, count, x, y)
    end)
end)
