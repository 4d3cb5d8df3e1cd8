-- successes: 3
-- SPDX-License-Identifier: MIT
-- A test with faults: what does an append of one's own do when the device fails in its middle? gpumm.spec gives each test a
-- manager whose device fails on demand, checks its books, and closes it.
--
--     gpumm-run /usr/bin/busted examples/gallery/memory/faults_spec.lua

local gpumm = require "gpumm"
local spec = require "gpumm.spec"

-- What is tested: a path of points that is appended to in two buffers, which must never tell different stories.
local function new_path(m)
    return m:group { { "point", "f32x2" }, { "when", "f32" }, growth = gpumm.growth.exact() }
end

local function add(path, x, y, time)
    return path:append { point = { { x, y } }, when = { time } }
end

describe("a path", function()
    after_each(spec.close)

    it("is as it was where the device has no memory for its second member", function()
        local m = spec.inject_faults()
        local path = new_path(m)
        assert(add(path, 1, 2, 0.5))
        m.fault:plan { call = "commit", nth = 2, status = "OUT_OF_MEMORY", times = 1000 }
        local ok, message, code = path:resize(4000000)
        assert.is_nil(ok)
        assert.equal("OUT_OF_MEMORY", code)
        assert.truthy(message)
        assert.equal(1, #path)
        assert.view_equals({ { 1, 2 } }, path.point:download())
        assert.view_equals({ 0.5 }, path.when:download())
        assert.balanced(m)
    end)

    it("goes on once the device works again", function()
        local m = spec.inject_faults()
        local path = new_path(m)
        m.fault:plan { call = "copy", status = "DRIVER" }
        local ok = add(path, 1, 2, 0.5)
        m.fault:plan { nth = 0 }
        if not ok then assert(add(path, 1, 2, 0.5)) end
        assert(add(path, 3, 4, 0.75))
        assert.view_equals({ { 1, 2 }, { 3, 4 } }, path.point:download())
        assert.view_equals({ 0.5, 0.75 }, path.when:download())
    end)

    it("is captured as it was, however late the copy comes", function()
        local m = spec.inject_faults { jitter = 42 }
        local path = new_path(m)
        path:resize(3)
        path.when:fill(1)
        local watch = path:readback { "when" }
        m.fault:hold "copy"
        watch:capture(1)
        path.when:fill(2) -- while the first snapshot's copy is held back
        m.fault:release "copy"
        assert.view_equals({ 1, 1, 1 }, watch:wait().when)
    end)
end)
