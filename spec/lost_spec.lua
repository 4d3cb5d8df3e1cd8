-- successes: 9
-- SPDX-License-Identifier: MIT
-- An error of the device, its loss among them, ends every way of asking for what is under way.

local spec = require "gpumm.spec"

local function numbers(m)
    return assert(m:buffer { type = "u32", length = 4 })
end

after_each(spec.close)

describe("a ring whose copies are held", function()
    it("refuses at once where every slot is taken, and gives all that it did not refuse", function()
        local m = spec.inject_faults()
        local b = numbers(m)
        assert(m:synchronize())
        local r = assert(b:readback { slots = 2, busy = "drop" })
        m.fault:hold "copy"
        assert(r:capture(1))
        assert(r:capture(2))
        local _, _, code = r:capture(3)
        assert.equal("BUSY", code)
        assert.equal(1, r.dropped)
        m.fault:release()
    end)
end)

-- Every way of asking for a ticket that is under way. None may answer "not yet" for ever.
local ASKING = {
    ready = function(r, ticket) return r:ready(ticket) end,
    wait = function(r, ticket) return r:wait(ticket) end,
    ["wait with a time"] = function(r, ticket) return r:wait(ticket, 1000) end,
    latest = function(r) return r:latest() end,
    next = function(r) return r:next() end,
    await = function(r, ticket) return r:await(ticket) end,
    ["await in a coroutine"] = function(r, ticket)
        local co = coroutine.create(function() return r:await(ticket) end)
        local results = table.pack(coroutine.resume(co))
        assert.equal("dead", coroutine.status(co))
        return table.unpack(results, 2, results.n)
    end,
}

describe("an error of the device", function()
    for _, status in ipairs { "DEVICE_LOST", "DRIVER", "TIMEOUT", "OUT_OF_MEMORY" } do
        it(status .. " of a query ends every way of asking with it", function()
            for name, ask in pairs(ASKING) do
                local m = spec.inject_faults()
                local r = assert(numbers(m):readback {})
                assert(m:synchronize())
                m.fault:hold "copy"
                local ticket = assert(r:capture(1))
                m.fault:plan { call = "event_query", nth = 1, status = status }
                local value, message, code = ask(r, ticket)
                assert.is_nil(value, name)
                assert.equal(status, code, name)
                assert.truthy(message:find("fault: call event_query", 1, true), name)
                m.fault:plan {}
                m.fault:release()
                assert.equal(1, assert(r:wait(ticket)).step) -- that error passed
            end
        end)
    end

    it("ends a capture that waits for room", function()
        for _, busy in ipairs { "newest", "wait" } do
            local m = spec.inject_faults()
            local r = assert(numbers(m):readback { busy = busy })
            assert(m:synchronize())
            m.fault:hold "copy"
            assert(r:capture(1))
            assert(r:capture(2))
            m.fault:plan { call = "event_query", nth = 1, status = "DEVICE_LOST" }
            local _, _, code = r:capture(3)
            assert.equal("DEVICE_LOST", code)
            assert.equal(0, r.dropped)
            m.fault:plan {}
            m.fault:release()
        end
    end)

    it("leaves what has arrived to be taken", function()
        local m = spec.inject_faults()
        local r = assert(numbers(m):readback { slots = 3 })
        assert(r:capture(1))
        assert(m:synchronize())
        assert.is_true(r:ready(1))
        m.fault:hold "copy"
        assert(r:capture(2))
        m.fault:plan { call = "event_query", nth = 1, status = "DEVICE_LOST" }
        assert.equal(1, assert(r:next()).step)
        m.fault:plan { call = "event_query", nth = 1, status = "DEVICE_LOST" }
        local _, _, code = r:next()
        assert.equal("DEVICE_LOST", code)
        m.fault:plan {}
        m.fault:release()
    end)

    it("of a copy fails the capture, and no ticket is given", function()
        local m = spec.inject_faults()
        local r = assert(numbers(m):readback {})
        for nth = 1, 2 do
            m.fault:plan { call = "copy", nth = nth, status = "DEVICE_LOST" }
            local _, _, code = r:capture(nth)
            assert.equal("DEVICE_LOST", code)
            assert.is_nil(r.newest)
        end
        m.fault:plan {}
        assert(r:capture(3))
        assert.equal(3, assert(r:wait()).step)
        assert.equal(0, r.dropped)
    end)

    it("ends the pair by name and events too", function()
        local m = spec.inject_faults()
        local b = assert(m:allocate("p", "f32", 4, { enable_async = true }))
        assert(b:fill(3))
        assert(m:synchronize())
        m.fault:hold "copy"
        assert(m:start_async_download "p")
        m.fault:plan { call = "event_query", nth = 1, status = "TIMEOUT" }
        local _, message, code = m:wait_for_download "p"
        assert.equal("TIMEOUT", code)
        assert.truthy(message:find("fault: call event_query", 1, true))
        local event = assert(m:main():record())
        m.fault:plan { call = "event_query", nth = 1, status = "DEVICE_LOST" }
        _, _, code = event:wait()
        assert.equal("DEVICE_LOST", code)
        m.fault:plan {}
        m.fault:release()
        assert.view_equals({ 3, 3, 3, 3 }, assert(m:wait_for_download "p"))
        m:free "p"
    end)
end)
