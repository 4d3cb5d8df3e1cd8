-- successes: 9
-- SPDX-License-Identifier: MIT
-- The growth factor, exactly: ceil(capacity x factor) in integers, at least what is required.

local gpumm = require "gpumm"
local spec = require "gpumm.spec"
local support = require "spec.support"

local function steps(b, count)
    local capacities = {}
    for i = 1, count do
        assert.is_true(b:ensure_capacity(b.capacity + 1))
        capacities[i] = b.capacity
    end
    return capacities
end

for _, relocate in ipairs { false, true } do
    describe(relocate and "growth factor, relocating" or "growth factor", function()
        after_each(spec.close)

        local function buffer(length, options)
            options.min_size_bytes = 0
            return spec.manager { relocate = relocate }:allocate("b", "f32", length, options)
        end

        it("is 1.5 by default", function()
            assert.same({ 1500, 2250, 3375, 5063, 7595 }, steps(buffer(1000, {}), 5))
        end)

        it("is exact where a double is not: 1.1 x 1000 is 1100, 1.3 x 10 is 13", function()
            assert.same({ 1100, 1210, 1331, 1465 }, steps(buffer(1000, { growth_factor = 1.1 }), 4))
            assert.same({ 13, 17, 23, 30 }, steps(buffer(10, { growth_factor = 1.3 }), 4))
            assert.same({ 3, 9, 27 }, steps(buffer(1, { growth_factor = 3 }), 3))
        end)

        it("gives what is required where that is more", function()
            local b = buffer(1000, { growth_factor = 1.5 })
            b:ensure_capacity(1499)
            assert.equal(1500, b.capacity)
            b:ensure_capacity(2251)
            assert.equal(2251, b.capacity)
            b:ensure_capacity(100000)
            assert.equal(100000, b.capacity)
        end)

        it("of 1 grows by what is required", function()
            assert.same({ 1001, 1002, 1003 }, steps(buffer(1000, { growth_factor = 1 }), 3))
        end)
    end)
end

describe("growth factor", function()
    it("is asked without a device, for large capacities without overflow", function()
        assert.equal(1100, gpumm.next_capacity(1.1, 1000, 1001, 1 << 40))
        assert.equal(1 << 62, gpumm.next_capacity(4000, 1 << 61, (1 << 61) + 1, 1 << 62))
        assert.equal((1 << 61) + (1 << 60), gpumm.next_capacity(1.5, 1 << 61, (1 << 61) + 1, math.maxinteger))
        support.raises("a growth factor is a number from 1 to 4000", gpumm.next_capacity, 0.5, 1, 2, 3)
        support.fails("OVER_MAX_SIZE", "4 elements are more than the maximum of 3", gpumm.next_capacity(2, 1, 4, 3))
    end)
end)
