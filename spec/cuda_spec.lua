-- successes: 5, gpu: 5
-- SPDX-License-Identifier: MIT
-- The CUDA device as a script sees it: what it says of itself and of its probe, why there is none, failures by the
-- driver's entry names. Needs no kernel, so that it runs over the fake driver too.

local gpumm = require "gpumm"
local spec = require "gpumm.spec"
local support = require "spec.support"
local raises, fails, contains, buffer = support.raises, support.fails, support.contains, support.buffer

local NOWHERE = "/nowhere/libcuda.so"
local NO_TOOLKIT = "built without the CUDA Toolkit"

local folder = support.folder()
teardown(folder.remove)

-- What a script writes, and its exit code, where the driver is not to be found.
local function without_driver(options, text)
    local script = folder.write("script.lua", text)
    return support.said(("env -u GPUMM_DEVICE GPUMM_LIBCUDA=%s '%s' %s '%s'"):format(NOWHERE, support.gpumm_run(), options,
        script))
end

local function no_driver(text)
    if text:find(NO_TOOLKIT, 1, true) then return end
    contains("no NVIDIA driver: " .. NOWHERE .. ": cannot open shared object file", text)
end

-- Every reason for which a machine can have no CUDA device, as far as gpumm knows them.
local REASONS = { "no NVIDIA driver: ", "cuInit of the NVIDIA driver", "the NVIDIA driver has no device", "is too old: ",
    "the NVIDIA driver lacks ", NO_TOOLKIT }

local function has_reason(message)
    for _, reason in ipairs(REASONS) do
        if message:find(reason, 1, true) then return true end
    end
    return false
end

after_each(spec.close)

describe("where there is no driver", function()
    it("cuda is NO_DEVICE, and says why", function()
        local out, code = without_driver("--device cuda", [[
            local m, message, code = require "gpumm".manager()
            print(m, code, message)]])
        assert.equal(0, code)
        contains("nil\tNO_DEVICE\tNO_DEVICE: ", out)
        no_driver(out)
    end)

    it("a script that needs it ends with 1 and the reason", function()
        local out, code = without_driver("--device cuda", [[assert(require "gpumm".manager()) print "not reached"]])
        assert.equal(1, code)
        contains("NO_DEVICE: ", out)
        no_driver(out)
        assert.is_nil(out:find("not reached", 1, true))
    end)

    it("auto takes the host device, and says why", function()
        local out, code = without_driver("--quiet", [[
            local device = require "gpumm".manager():device()
            print(device.kind, device.why)]])
        assert.equal(0, code)
        contains("host\thost: ", out)
        no_driver(out)
    end)
end)

describe("on this machine", function()
    it("cuda is a device, or NO_DEVICE for a reason that is named", function()
        local m <close>, message, code = gpumm.manager { device = "cuda" }
        if m then
            assert.equal("cuda", m:device().kind)
        else
            fails("NO_DEVICE", "", m, message, code)
            assert.is_true(has_reason(message), message)
        end
    end)
end)

describe("the host device", function()
    it("has no driver entries to fail", function()
        local m = spec.inject_faults({}, { device = "host" })
        raises("there is no device call 'cuMemSetAccess'", m.fault.plan, m.fault, { call = "cuMemSetAccess", nth = 1 })
        raises("there is no device call 'cuMemSetAccess'", m.fault.calls, m.fault, "cuMemSetAccess")
    end)
end)

-- ---- On a GPU ------------------------------------------------------------------------------------

describe("the device #gpu", function()
    it("describes itself", function()
        local device = spec.manager():device()
        assert.equal("cuda", device.kind)
        assert.is_true(#device.name > 0)
        assert.truthy(device.uuid:match "^GPU%-%x%x%x%x%x%x%x%x%-%x%x%x%x%-%x%x%x%x%-%x%x%x%x%-%x+$")
        assert.truthy(device.compute:match "^%d+%.%d$")
        assert.is_true(device.driver_version >= 12000)
        assert.is_true(device.total_bytes > 1 << 30)
        assert.is_true(device.units > 0)
        contains("cuda: ", device.why)
    end)

    it("is found by its UUID, and others are not, with a list of what there is", function()
        local uuid = spec.manager():device().uuid
        local same = spec.manager { device = "cuda:" .. uuid }
        assert.equal(uuid, same:device().uuid)
        local message = fails("NO_DEVICE", "there is no CUDA device '4096'", gpumm.manager { device = "cuda:4096" })
        contains(uuid, message)
    end)

    it("says what its probe found, and growth is of that kind", function()
        local off = os.getenv "GPUMM_NO_VMM"
        local m = spec.manager()
        local device = m:device()
        if off and off ~= "" and off ~= "0" then
            assert.is_false(device.in_place)
            contains("memory is not grown in place: so asked", device.why)
        else
            assert.is_true(device.in_place, device.why)
            assert.equal(0, device.granularity % (64 << 10))
        end
        local b = buffer(m, "u32", support.count(1000))
        local address, generation = b.address, b.generation
        assert(b:ensure_capacity(20000000))
        assert.equal(device.in_place, b.address == address)
        assert.equal(device.in_place and generation or generation + 1, b.generation)
        assert.view_equals(support.count(1000), b:download())
    end)

    it("grows by copying where it is told to", function()
        local m = spec.manager { relocate = true }
        assert.is_false(m:device().in_place)
        contains("memory is not grown in place: so asked", m:device().why)
        local b = buffer(m, "u32", support.count(1000))
        assert(b:ensure_capacity(20000000))
        assert.equal(2, b.generation)
        assert.view_equals(support.count(1000), b:download())
    end)

    it("fails by its driver's entry names, and nothing has changed", function()
        local m = spec.inject_faults()
        local b = buffer(m, "u32", support.count(1000))
        local entry = m:device().in_place and "cuMemSetAccess" or "cuLaunchKernelEx" -- what moves is copied by a kernel
        local message = support.unchanged(m, function()
            m.fault:plan { call = entry, nth = 1, status = "DRIVER" }
            return (fails("DRIVER", entry .. ": DRIVER, on purpose", b:ensure_capacity(20000000)))
        end, { b })
        assert.is_string(message)
        m.fault:plan {}
        local before = m.fault:calls(entry)
        assert(b:ensure_capacity(20000000))
        assert.is_true(m.fault:calls(entry) > before)
        assert.view_equals(support.count(1000), b:download())
    end)
end)
