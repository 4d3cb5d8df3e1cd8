-- successes: 4, luv: 3
-- SPDX-License-Identifier: MIT
-- Arrival: a readback's descriptor is readable while something can be taken, for whoever sleeps in an event loop.

local spec = require "gpumm.spec"

local has_luv, luv = pcall(require, "luv")

after_each(spec.close)

-- Is the descriptor readable within so many milliseconds? Asked of the kernel, by luv.
local function readable(fd, milliseconds)
    local seen, poll, timer = false, luv.new_poll(fd), luv.new_timer()
    local function over()
        if poll:is_closing() then return end
        poll:close()
        timer:close()
    end
    poll:start("r", function() seen = true over() end)
    timer:start(milliseconds, 0, over)
    luv.run()
    return seen
end

local function numbers(m)
    local b = assert(m:buffer { type = "u32", length = 100 })
    assert(b:fill(7))
    return b
end

describe("a readback's descriptor", function()
    it("is a number, the same each time, and none of another readback's", function()
        local m = spec.manager()
        local b = numbers(m)
        local r, other = assert(b:readback {}), assert(b:readback {})
        local fd = assert(r:fd())
        assert.equal("integer", math.type(fd))
        assert.equal(fd, r:fd())
        assert.not_equal(fd, other:fd())
    end)

    it("can be had after close too, if it was had before", function()
        local m = spec.manager()
        local r = assert(numbers(m):readback {})
        local fd = assert(r:fd())
        r:close()
        assert.equal(fd, r:fd())
    end)

    it("is refused once the manager is closed", function()
        local m = spec.manager()
        local r = assert(numbers(m):readback {})
        m:close()
        assert.has_error(function() r:fd() end)
    end)

    it("changes nothing about what is delivered", function()
        local m = spec.manager()
        local b = numbers(m)
        local r = assert(b:readback { slots = 3 })
        assert(r:fd())
        for step = 1, 200 do
            assert(b:fill(step))
            local ticket = assert(r:capture(step))
            local f = assert(r:wait(ticket))
            assert.equal(step, f.data[100])
        end
        assert.equal(0, r.dropped)
    end)

    it("#luv is readable from arrival until the frame is taken", function()
        assert.is_true(has_luv)
        local m = spec.manager { fault = true }
        local b = numbers(m)
        local r = assert(b:readback {})
        local fd = assert(r:fd())
        assert.is_false(readable(fd, 20))
        m.fault:hold "copy"
        assert(r:capture(1))
        assert.is_false(readable(fd, 20))
        m.fault:release()
        assert.is_true(readable(fd, 30000))
        assert.is_true(readable(fd, 30000))
        assert.equal(1, assert(r:next()).step)
        assert.is_false(readable(fd, 20))
    end)

    it("#luv is readable once the readback ends", function()
        local m = spec.manager()
        local r = assert(numbers(m):readback {})
        local fd = assert(r:fd())
        r:close()
        assert.is_true(readable(fd, 30000))
        local other = assert(numbers(m):readback {})
        fd = assert(other:fd())
        m:close()
        assert.is_true(readable(fd, 30000))
    end)

    it("#luv serves an event loop: examples/arrival.lua", function()
        local pipe = assert(io.popen(os.getenv "GPUMM_RUN" .. " --quiet examples/arrival.lua --frames 4 --interval 5 2>&1"))
        local output = pipe:read "a"
        assert(pipe:close(), output)
        local steps = {}
        for step, first, last in output:gmatch "frame of step (%d+): (%d+) to (%d+)\n" do
            assert.equal(step, first)
            assert.equal(step, last)
            steps[#steps + 1] = tonumber(step)
        end
        assert.equal(4, #steps)
        for i = 2, 4 do assert.is_true(steps[i] > steps[i - 1]) end
    end)
end)
