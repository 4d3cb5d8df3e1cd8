-- successes: 16
-- SPDX-License-Identifier: MIT
-- Making a manager: which device, with what, and what is refused.

local gpumm = require "gpumm"
local spec = require "gpumm.spec"
local support = require "spec.support"
local raises, fails, contains = support.raises, support.fails, support.contains

describe("create", function()
    after_each(spec.close)

    it("gives a manager of the device that was asked for", function()
        local m = spec.manager()
        local device = m:device()
        assert.equal(spec.device:match("^%a+"), device.kind)
        assert.is_true(#device.name > 0 and #device.why > 0)
        assert.is_true(device.total_bytes > 0 and device.units > 0)
        assert.equal(0, device.granularity & (device.granularity - 1))
        assert.is_false(m:is_closed())
    end)

    it("has empty books at first", function()
        local m = spec.manager()
        for key, value in pairs(m:stats()) do
            if type(value) == "table" then assert.same({ now = 0, peak = 0, count = 0, total = 0 }, value)
            else assert.equal(0, value, key) end
        end
        assert.same({}, m:names())
        assert.same({}, m:blocks())
        assert.same({}, m:leaks())
    end)

    it("works without any option", function()
        local m <close> = gpumm.manager()
        local b = m:allocate("a", "u8", 3)
        b:upload { 7, 8, 9 }
        assert.view_equals({ 7, 8, 9 }, b:download())
        m:free("a")
    end)

    it("takes the host device's quota, granularity and workers", function()
        local m = spec.manager { device = "host", memory = "64MiB", granularity = "2MiB", workers = 3 }
        local device = m:device()
        assert.equal(64 << 20, device.total_bytes)
        assert.equal(2 << 20, device.granularity)
        assert.equal(3, device.units)
    end)

    it("keeps to the quota of the host device", function()
        local m = spec.manager { device = "host", memory = "4MiB" }
        local b = m:allocate("fits", "u8", 3 << 20)
        local message = support.unchanged(m, function()
            return (fails("OUT_OF_MEMORY", "buffer 'more'", m:allocate("more", "u8", 2 << 20)))
        end)
        contains("the device has 4.0 MiB", message)
        contains("'fits' 3.0 MiB", message)
        b:free()
        assert.equal(2 << 20, m:allocate("more", "u8", 2 << 20).length)
    end)

    it("grows in place unless it is told to relocate, by the script or by who runs it", function()
        assert.is_false(spec.manager { device = "host", relocate = true }:device().in_place)
        local script = "io.write(tostring(require 'gpumm'.manager { device = 'host' }:device().in_place))"
        for value, in_place in pairs { ["1"] = "false", yes = "false", ["0"] = "true", [""] = "true" } do
            assert.equal(in_place, (support.run("--quiet", script, "GPUMM_NO_VMM=" .. value)))
        end
    end)

    it("keeps two managers apart: names, contents, books, limits", function()
        local a, b = spec.manager { limit = 4096 }, spec.manager()
        local x, y = a:allocate("same", "u8", 4096), b:allocate("same", "u8", 4096)
        x:fill(1)
        y:fill(2)
        b:allocate("other", "u8", 100000):fill(3)
        assert.equal(string.rep("\1", 4096), x:download():bytes())
        assert.equal(string.rep("\2", 4096), y:download():bytes())
        assert.equal(4096, a:stats().total_allocated_bytes)
        assert.equal(104096, b:stats().total_allocated_bytes)
        raises("this buffer is another manager's", a.readback, a, { y })
        assert.equal(string.rep("\1", 4096), x:download():bytes())
    end)

    it("closes once, also by <close>, and answers CLOSED from then on", function()
        local kept, buffer
        do
            local m <close> = spec.manager()
            kept, buffer = m, m:buffer { type = "u8", length = 10 }
        end
        assert.is_true(kept:is_closed())
        kept:close()
        raises("CLOSED", kept.allocate, kept, "a", "u8", 1)
        raises("CLOSED", kept.synchronize, kept)
        raises("CLOSED", buffer.download, buffer)
        raises("CLOSED", function() return buffer.length end)
        assert.equal(0, kept:stats().total_allocated_bytes)
    end)

    it("says why there is no such device", function()
        local m, message, code = gpumm.manager { device = "cuda:4095" }
        fails("NO_DEVICE", "", m, message, code)
        raises("'warp'", gpumm.manager, { device = "warp" })
    end)

    it("refuses options that it does not know, and says which it does", function()
        local message = raises('unknown option "limits" (did you mean "limit"?)', gpumm.manager, { limits = 5 })
        contains("valid: device, limit, memory, granularity, workers, relocate, debug, fault", message)
        raises('unknown option "1"', gpumm.manager, { "host" })
        raises("table expected", gpumm.manager, "host")
    end)

    it("refuses what is not a size", function()
        for _, bad in ipairs { "12XB", "", "MiB", "-1", "1e400", "0x10", "4 GiB extra", "nan", "4GiB\0" } do
            local message = raises('option "limit": ', gpumm.manager, { limit = bad })
            contains(bad:find("\0", 1, true) and "a size is" or ("'%s' is not a size: write a number and B, KiB"):format(bad),
                message)
        end
        raises("is too large for a size", gpumm.manager, { limit = "9000000000GiB" })
        raises("a size in bytes is a whole number, not negative", gpumm.manager, { memory = -1 })
        raises("a size in bytes is a whole number, not negative", gpumm.manager, { memory = 1.5 })
        raises("a size in bytes is a whole number, not negative", gpumm.manager, { memory = 0 / 0 })
        raises("not a boolean", gpumm.manager, { memory = true })
        raises("a limit of 0 bytes allows nothing", gpumm.manager, { limit = 0 })
    end)

    it("reads sizes as people write them", function()
        local sizes = { ["4096"] = 4096, ["1e6"] = 1000000, ["2.5GB"] = 2500000000, ["512 MiB"] = 512 << 20,
            ["4GiB"] = 4 << 30, ["7b"] = 7, ["1k"] = 1024, ["1kb"] = 1000, [".5MiB"] = 1 << 19, ["1TiB"] = 1 << 40 }
        for text, bytes in pairs(sizes) do assert.equal(bytes, gpumm.parse_size(text), text) end
        fails("INVALID_ARGUMENT", "'12XB' is not a size", gpumm.parse_size("12XB"))
    end)

    it("refuses values of the wrong kind", function()
        raises('option "device": a string expected, got 5', gpumm.manager, { device = 5 })
        raises('option "workers": a count (a whole number from 0) expected', gpumm.manager, { workers = -1 })
        raises('option "workers"', gpumm.manager, { workers = 1 << 40 })
        raises('option "relocate": true or false expected, got 1', gpumm.manager, { relocate = 1 })
        raises('option "fault": a table or true expected, got number', gpumm.manager, { fault = 3 })
        raises('option "device": text without zero bytes expected', gpumm.manager, { device = "ho\0st" })
    end)

    it("refuses a granularity that is no power of two", function()
        local message = raises("INVALID_ARGUMENT", gpumm.manager, { device = "host", granularity = 100000 })
        contains("granularity", message)
        contains("power of two", message)
    end)

    it("refuses faults that name no call, kind or status", function()
        raises('there is no status "LATE"', gpumm.manager, { device = "host", fault = { status = "LATE" } })
        contains("comit", raises("INVALID_ARGUMENT", gpumm.manager, { device = "host", fault = { call = "comit", nth = 1 } }))
        contains("copies", raises("INVALID_ARGUMENT", gpumm.manager, { device = "host", fault = { hold = "copies" } }))
        raises("opened without faults", function() return spec.manager().fault:calls() end)
    end)

    it("shows itself, and lets nobody at its metatable", function()
        local m = spec.manager()
        assert.matches("^gpumm%.manager: ", tostring(m))
        assert.equal("gpumm.manager", getmetatable(m))
        m:close()
        assert.matches("^gpumm%.manager", tostring(m))
    end)
end)
