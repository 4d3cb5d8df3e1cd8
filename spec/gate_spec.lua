-- successes: 1
-- SPDX-License-Identifier: MIT
-- Memory is exchanged behind the group's users, and no call waits at a gate for work that goes on for long.

local spec = require "gpumm.spec"
local support = require "spec.support"

local MIB <const> = 1 << 20

local function pause(seconds)
    local deadline = os.clock() + seconds
    while os.clock() < deadline do end
end

describe("a group's gate", function()
    after_each(spec.close)

    it("waits for the group's users, and holds no call up meanwhile", function()
        local m = spec.inject_faults({}, { memory = "256MiB", debug = false })
        local unit = m:device().granularity
        local b, to, s = m:allocate("b", "u8", 40 * MIB), m:allocate("to", "u8", unit), m:stream()
        b:fill(6)
        b:resize(unit)
        m:synchronize()
        m.fault:hold("snapshot")
        to:copy(b, s) -- a reader that does not end
        b:shrink_to_fit()
        for i = 1, 20 do
            b:fill(i, 1, 10)
            pause(0.002)
        end
        assert.equal(40 * MIB, b.committed_bytes)
        m.fault:release()
        support.wait_for_committed(m, b, unit)
        assert.equal(("\6"):rep(unit), to:download():bytes())
        assert.equal(("\20"):rep(10) .. ("\6"):rep(unit - 10), b:download():bytes())
    end)
end)
