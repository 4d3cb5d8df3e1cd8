-- successes: 15
-- SPDX-License-Identifier: MIT
-- Invalid operations: each says what was wrong and what would be right, and changes nothing.

local gpumm = require "gpumm"
local spec = require "gpumm.spec"
local support = require "spec.support"
local raises, fails, unchanged = support.raises, support.fails, support.unchanged

describe("invalid operations", function()
    after_each(spec.close)

    local function pair()
        local m = spec.manager()
        local a, b = m:allocate("a", "u32", 10), m:allocate("b", "u32", 10)
        a:upload(support.count(10))
        b:upload(support.count(10, 100))
        return m, a, b
    end

    it("upload outside of the length", function()
        local m, a = pair()
        unchanged(m, function()
            raises("'a' has 10 elements; elements 1 to 11, counted from 1, lie outside", a.upload, a, support.count(11))
            raises("elements 10 to 11, counted from 1, lie outside", a.upload, a, { 1, 2 }, 10)
            raises("elements 11 to 11, counted from 1, lie outside", a.upload, a, { 1 }, 11)
            raises("lie outside", a.upload, a, { 1 }, math.maxinteger)
            raises("positions count from 1", a.upload, a, { 1 }, 0)
            raises("positions count from 1", a.upload, a, { 1 }, -3)
            raises("data expected: a table, a string or a view", a.upload, a)
            raises("count is 3, but the data has 2 elements", a.upload, a, { 1, 2 }, { count = 3 })
        end)
        assert.is_true(a:upload({ 77 }, 10))
        assert.view_equals({ 77 }, a:download(10))
        assert.is_true(a:upload({}, 11))
    end)

    it("download outside of the length", function()
        local m, a = pair()
        unchanged(m, function()
            raises("elements 1 to 11 of a buffer of length 10", a.download, a, 1, 11)
            raises("of a buffer of length 10", a.download, a, 12)
            raises("to 9223372036854775807 of a buffer of length 10", a.download, a, math.maxinteger, math.maxinteger)
            raises("positions count from 1", a.download, a, 0)
            raises("a count cannot be negative", a.download, a, 1, -1)
            raises('unknown option "frist" (did you mean "first"?); valid: first, count, stream', a.download, a, { frist = 1 })
        end)
        assert.view_equals({ 4, 5 }, a:download(4, 2))
        assert.view_equals({ 4, 5 }, a:download { first = 4, count = 2 })
        assert.view_equals({}, a:download(11))
    end)

    it("fill outside of the length, or with what does not fit", function()
        local m, a = pair()
        unchanged(m, function()
            raises("lie outside", a.fill, a, 1, 5, 7)
            raises("lie outside", a.fill, a, 1, 11, 1)
            raises("4294967296 does not fit u32 (0 to 4294967295)", a.fill, a, 1 << 32)
            raises("u32 wants a number, got nil", a.fill, a)
            raises("u32 wants an integer, not 0.5", a.fill, a, 0.5)
        end)
        a:fill(9, 2, 3)
        assert.view_equals({ 1, 9, 9, 9, 5, 6, 7, 8, 9, 10 }, a:download())
    end)

    it("copy outside of the lengths, or onto itself", function()
        local m, a, b = pair()
        unchanged(m, function()
            raises("'b' has 10 elements; elements 9 to 13, counted from 1, lie outside", b.copy, b, a, { first = 9, count = 5 })
            raises("'a' has 10 elements; elements 9 to 13, counted from 1, lie outside", b.copy, b, a,
                { from_first = 9, count = 5 })
            raises("the two ranges of 'a' overlap", a.copy, a, a, { first = 1, from_first = 2, count = 3 })
            raises("overlap", a.copy, a, a)
            raises('option "from_first": positions count from 1', b.copy, b, a, { from_first = 0 })
            raises("gpumm.buffer expected", b.copy, b, {})
        end)
        assert.is_true(a:copy(a, { first = 6, from_first = 1, count = 5 }))
        assert.view_equals({ 1, 2, 3, 4, 5, 1, 2, 3, 4, 5 }, a:download())
    end)

    it("configurations that mean nothing", function()
        local m = pair()
        unchanged(m, function()
            for _, factor in ipairs { 0.999, 0, -1, 0 / 0, math.huge, 4000.5 } do
                raises("it must be a number from 1 to 4000", m.allocate, m, "c", "u8", 1, { growth_factor = factor })
                raises("a growth factor is a number from 1 to 4000", m.allocate, m, "c", "u8", 1, { growth = factor })
            end
            raises('option "growth_factor": a number expected, got the string "1.5"', m.allocate, m, "c", "u8", 1,
                { growth_factor = "1.5" })
            raises('unknown option "growth_facter" (did you mean "growth_factor"?)', m.allocate, m, "c", "u8", 1,
                { growth_facter = 2 })
            raises('unknown option "1"', m.allocate, m, "c", "u8", 1, { 5 })
            raises("an opaque element has 1 to", m.allocate, m, "c", nil, 1, { bytes_per_element = 0 })
            raises('option "enable_async": true or false expected', m.allocate, m, "c", "u8", 1, { enable_async = 1 })
            raises('option "ahead": a count', m.allocate, m, "c", "u8", 1, { ahead = -1 })
            raises('option "stream": a stream expected', m.allocate, m, "c", "u8", 1, { stream = 1 })
            raises("table expected", m.allocate, m, "c", "u8", 1, 5)
        end)
    end)

    it("and names a buffer without a name by what it is and who made it", function()
        local m = spec.manager { limit = 1000 }
        local a, place = m:buffer { type = "f32x2", length = 4 }, support.here()
        local title = "anonymous f32x2 buffer made at " .. place
        raises(title .. " has 4 elements; elements 1 to 5, counted from 1, lie outside", a.upload, a,
            { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 })
        support.fails("OVER_LIMIT", "OVER_LIMIT: " .. title .. ": 200 elements of 8 bytes", a:resize(200))
        support.fails("OVER_MAX_SIZE", title .. ": ", a:ensure_capacity(1 << 40))
        support.fails("TYPE_MISMATCH", title .. " holds f32x2, anonymous u8 buffer made at ", a:copy(m:buffer { type = "u8" }))
        support.fails("OVER_LIMIT", "readback of " .. title .. ": ", a:readback { slots = 64 })
        support.fails("OVER_LIMIT", "largest: anonymous buffer 32 bytes (" .. place, m:buffer { type = "u8", length = 2000 })
        assert.equal("gpumm.buffer of 4 f32x2", tostring(a))
        a:free()
        raises(title .. ": this buffer was freed", a.download, a)
        assert.equal("gpumm.buffer (freed)", tostring(a))
        local g = m:group { { "x", "u8" } }
        support.fails("OVER_LIMIT", "OVER_LIMIT: anonymous group made at invalid_spec.lua:", g:resize(2000))
    end)

    it("anonymous buffers with a bad description", function()
        local m = pair()
        unchanged(m, function()
            raises("table expected", m.buffer, m)
            raises('unknown option "lenght" (did you mean "length"?)', m.buffer, m, { lenght = 1 })
            raises('unknown option "name"', m.buffer, m, { name = "x" })
            raises('unknown option "length\\0"', m.buffer, m, { ["length\0"] = 3 })
            raises('option "length": a count', m.buffer, m, { length = 2 ^ 63 })
            fails("OVER_MAX_SIZE", "maximum of 5", m:buffer { type = "u8", length = 6, max_length = 5 })
        end)
    end)

    it("another manager's stream", function()
        local m, a = pair()
        local other = spec.manager():stream()
        unchanged(m, function()
            raises("manager", a.fill, a, 1, other)
            raises("manager", a.resize, a, 11, other)
            raises("manager", a.upload, a, { 1 }, 1, { stream = other })
            raises("manager", a.used, a, other, "read")
            raises("manager", m.allocate, m, "c", "u8", 1, { stream = other })
        end)
    end)

    it("calls with something else as self", function()
        local m, a = pair()
        for _, foreign in ipairs { io.stdout, {}, 5, gpumm.type "u8", m } do
            raises("gpumm.buffer expected", a.resize, foreign, 5)
        end
        for _, foreign in ipairs { io.stdout, {}, "m", a } do
            raises("gpumm.manager expected", m.allocate, foreign, "c", "u8", 1)
        end
        raises("gpumm.buffer expected", a.resize)
    end)

    it("readbacks that make no sense", function()
        local m, a, b = pair()
        unchanged(m, function()
            raises("a readback has 2 to 64 slots, not 1", a.readback, a, { slots = 1 })
            raises("a readback has 2 to 64 slots, not 65", a.readback, a, { slots = 65 })
            raises('option "busy": "drop", "newest" or "wait" expected, got "never"', a.readback, a, { busy = "never" })
            raises("'a' and 'b' are not of one group", m.readback, m, { a, b })
            raises("'a' is named twice", m.readback, m, { a, a })
            raises("entry 1: a buffer expected, got string", m.readback, m, { "a" })
            raises("buffers expected: {buffer, …}", m.readback, m, {})
        end)
    end)

    it("access words that there are not", function()
        local m, a = pair()
        unchanged(m, function()
            raises('unknown access "rw"; valid: read, write', a.used, a, m:main(), "rw")
            raises("gpumm.stream expected", a.used, a, a, "read")
        end)
    end)

    it("a failure in the midst of a large upload leaves nothing half said", function()
        local m = spec.inject_faults({}, { memory = "64MiB" })
        local a = m:allocate("a", "u8", 1000)
        a:upload(support.bytes(1000, 1))
        m.fault:plan { call = "copy", nth = 1, status = "DRIVER" }
        fails("DRIVER", "", a:upload(support.bytes(1000, 2)))
        assert.equal(support.bytes(1000, 1), a:download():bytes())
        m.fault:plan { call = "fill", nth = 1, status = "DRIVER" }
        fails("DRIVER", "", a:fill(0))
        assert.equal(support.bytes(1000, 1), a:download():bytes())
    end)

    it("raise in raising mode what else is returned", function()
        local m = pair()
        assert.is_false(m:raising(true))
        unchanged(m, function()
            raises("NOT_FOUND: there is no buffer named 'c'", m.free, m, "c")
            raises("ALREADY_EXISTS", m.allocate, m, "a", "u8", 1)
        end)
        assert.is_true(m:raising(false))
        fails("NOT_FOUND", "'c'", m:free("c"))
    end)

    it("know which codes are of memory", function()
        for code in pairs(gpumm.statuses) do
            local memory = code == "OUT_OF_MEMORY" or code == "OVER_LIMIT" or code == "OVER_MAX_SIZE"
            assert.equal(memory, gpumm.is_memory_error(code), code)
        end
        assert.is_false(gpumm.is_memory_error("NOPE"))
        assert.is_false(gpumm.is_memory_error())
    end)

    it("tell their status to who catches them", function()
        local m = pair()
        m:raising(true)
        local function status(...)
            local ok, err = pcall(...)
            assert.is_false(ok)
            return gpumm.status_of(err)
        end
        assert.equal("NOT_FOUND", status(m.free, m, "c"))
        assert.equal("ALREADY_EXISTS", status(m.allocate, m, "a", "u8", 1))
        assert.equal("NOT_FOUND", status(function() error("NOT_FOUND: raised by a script, with its place") end))
        assert.is_nil(status(error, "an error about BUSY: it begins otherwise", 0))
        assert.is_nil(status(error, "NOPE: is not a status", 0))
        assert.is_nil(status(error, "BUSY", 0))
        for _, other in ipairs { {}, true, 5, print } do assert.is_nil(gpumm.status_of(other)) end
        assert.is_nil(gpumm.status_of(nil))
    end)
end)
