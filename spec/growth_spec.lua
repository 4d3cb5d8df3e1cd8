-- successes: 12
-- SPDX-License-Identifier: MIT
-- Schedules as data: what the constructors make, and what they refuse.

local gpumm = require "gpumm"
local message_of = require "spec.support".message_of
local growth = gpumm.growth

describe("growth", function()
    it("makes a geometric schedule", function()
        assert.same({ kind = "geometric", factor = 1.3 }, growth.geometric(1.3))
    end)

    it("keeps the alignment of a geometric schedule", function()
        assert.same({ kind = "geometric", factor = 2, align = 256 }, growth.geometric(2, 256))
    end)

    it("takes the factors at both ends", function()
        assert.equal(1, growth.geometric(1).factor)
        assert.equal(4000, growth.geometric(4000).factor)
    end)

    it("refuses a factor below 1, over 4000, NaN and infinity", function()
        for _, factor in ipairs { 0.999, 0, -1, 4000.1, 0 / 0, math.huge, -math.huge } do
            assert.matches("the factor is from 1 to 4000, not", message_of(growth.geometric, factor))
        end
    end)

    it("refuses a factor that is no number", function()
        assert.matches("the factor is a number, not a string", message_of(growth.geometric, "1.5"))
        assert.matches("the factor is a number, not a nil", message_of(growth.geometric))
    end)

    it("refuses an alignment that is not a whole number from 1", function()
        for _, align in ipairs { 0, -4, 1.5, "x" } do
            assert.matches("align is a whole number from 1", message_of(growth.geometric, 1.5, align))
        end
    end)

    it("makes a linear schedule, of whole floats too", function()
        local linear = growth.linear(1e3)
        assert.same({ kind = "linear", step = 1000 }, linear)
        assert.equal("integer", math.type(linear.step))
    end)

    it("refuses a step below 1 or not whole", function()
        for _, step in ipairs { 0, -1, 2.5, 0 / 0, math.huge, "7", {} } do
            assert.matches("the step is a whole number of elements from 1", message_of(growth.linear, step))
        end
    end)

    it("makes a list of integers and copies it", function()
        local entries = { 2 ^ 12, 2 ^ 16, 2 ^ 20 }
        local list = growth.list(entries)
        entries[1] = 1
        assert.same({ kind = "list", list = { 4096, 65536, 1048576 } }, list)
        assert.equal("integer", math.type(list.list[1]))
    end)

    it("refuses a list that is empty, not increasing, or not of whole numbers", function()
        assert.matches("a table of capacities expected", message_of(growth.list, 5))
        assert.matches("the list is empty", message_of(growth.list, {}))
        assert.matches("entry 1 is 0, capacities are at least 1", message_of(growth.list, { 0, 1 }))
        assert.matches("entry 3 is 5, not more than the one before", message_of(growth.list, { 1, 5, 5 }))
        assert.matches("entry 2 is not a whole number: 2.5", message_of(growth.list, { 1, 2.5 }))
        assert.matches("not the key factor", message_of(growth.list, { 1, 2, factor = 2 }))
    end)

    it("makes an exact schedule, which has no parameter", function()
        assert.same({ kind = "exact" }, growth.exact())
        assert.matches("takes no argument", message_of(growth.exact, 2))
    end)

    it("blames the line that asked", function()
        assert.matches("^[^:]*growth_spec.lua:%d+: growth.geometric", message_of(function()
            growth.geometric(0.5)
        end))
    end)
end)
