-- SPDX-License-Identifier: MIT
-- For specs of users' own layouts, under busted:
--
--     local spec = require "gpumm.spec"
--     describe("my layout", function()
--         after_each(spec.close)             -- closes every manager of the test, and checks its books
--         it("doubles", function()
--             local m = spec.manager { memory = "64MiB" }
--             …
--             assert.view_equals({ 2, 4, 6 }, buffer:download())
--         end)
--     end)
--
-- assert.view_equals(expected, actual[, tolerance]): a list, or a view, against a view, element by element.
-- assert.balanced(manager): the sums of its books are right; once closed, they are zero; where faults are injected, the
-- fault device counts the same bytes.

local gpumm = require "gpumm"
local assert = require "luassert"
local say = require "say"

local spec = {}
local opened = {}
local leaky = setmetatable({}, { __mode = "k" }) -- managers whose test leaves named buffers on purpose
local inject_faults = setmetatable({}, { __mode = "k" }) -- managers whose device can be made to fail

--- The device of specs: the environment variable GPUMM_DEVICE, else "host".
spec.device = os.getenv("GPUMM_DEVICE") or "host"

--- A manager for this test, on the device of specs, with debug on. Options as gpumm.manager's. Raises on failure.
function spec.manager(options)
    local all = { device = spec.device, debug = true }
    for key, value in pairs(options or {}) do all[key] = value end
    if not all.device:find("host", 1, true) then all.memory, all.granularity, all.workers = nil, nil, nil end
    local manager, message = gpumm.manager(all)
    if not manager then error(message, 2) end
    opened[#opened + 1] = manager
    inject_faults[manager] = all.fault ~= nil
    return manager
end

--- A manager whose device fails on demand. `fault` is the first plan, as { call = "commit", nth = 3, status =
--- "OUT_OF_MEMORY" }. manager.fault sets other plans, holds kinds of work back and counts what is alive. While something is
--- held back, a resize does not look at the canaries, which would wait for it.
function spec.inject_faults(fault, options)
    local all = { fault = fault or {} }
    for key, value in pairs(options or {}) do all[key] = value end
    return spec.manager(all)
end

--- Does a named buffer that was never freed fail its test? Set to false in a file whose tests leave them to close.
spec.leaks_fail = true

--- This test means to leave named buffers of this manager that nobody frees. Returns the manager.
function spec.leaks(manager)
    leaky[manager] = true
    return manager
end

--- Checks the books of every manager that spec.manager opened in this test, and closes it. A named buffer that was never
--- freed fails the test. What is still held back runs first, so that a test which failed meanwhile ends too. For busted's
--- after_each.
function spec.close()
    local managers, leaks = opened, {}
    opened = {}
    for _, manager in ipairs(managers) do
        if not manager:is_closed() then
            if inject_faults[manager] then manager.fault:release() end
            assert.balanced(manager)
            manager:close()
        end
        assert.balanced(manager)
        local _, text = manager:check_leaks()
        if spec.leaks_fail and not leaky[manager] then leaks[#leaks + 1] = text end
    end
    if #leaks > 0 then error("named buffers were never freed: " .. table.concat(leaks, "; "), 2) end
end

-- ---- Assertions ------------------------------------------------------------------------------

local function element(view, i)
    if type(view) ~= "table" then
        local values = table.pack(view:get(i))
        return values.n == 1 and values[1] or values
    end
    return view[i]
end

local function same(a, b, tolerance)
    if type(a) == "number" and type(b) == "number" then
        return a == b or (a ~= a and b ~= b) or math.abs(a - b) <= tolerance
    elseif type(a) == "table" and type(b) == "table" then
        for i = 1, math.max(#a, #b) do
            if not same(a[i], b[i], tolerance) then return false end
        end
        return true
    end
    return a == b
end

local function shown(value)
    if type(value) ~= "table" then return tostring(value) end
    local parts = {}
    for i = 1, #value do parts[i] = tostring(value[i]) end
    return "{ " .. table.concat(parts, ", ") .. " }"
end

local function view_equals(_, arguments)
    local expected, actual, tolerance = arguments[1], arguments[2], arguments[3] or 0
    local difference
    if #expected ~= #actual then
        difference = ("%d elements instead of %d"):format(#actual, #expected)
    end
    for i = 1, difference and 0 or #expected do
        local wanted, got = element(expected, i), element(actual, i)
        if not same(wanted, got, tolerance) then
            difference = ("element %d is %s instead of %s"):format(i, shown(got), shown(wanted))
            break
        end
    end
    arguments[1], arguments[2], arguments[3], arguments.n = difference or "all elements are equal", nil, nil, 1
    return difference == nil
end

local TRIES = 50 -- the worker may commit or release memory between the two looks

local function live_disagrees(manager)
    local stats, live
    for _ = 1, TRIES do
        stats, live = manager:stats(), manager.fault:live()
        if live.committed_bytes == stats.committed_bytes then return nil end
        if not manager:is_closed() then manager:trim() end
    end
    return ("the books say %d bytes are held, the fault device counts %d"):format(stats.committed_bytes, live.committed_bytes)
end

local CATEGORIES = { "buffers", "scratch", "staging", "pinned", "precommitted", "cached", "slack", "external",
    "exported", "spilled" }

local function left_over(stats)
    for _, category in ipairs(CATEGORIES) do
        if stats[category].now ~= 0 then
            return ("%d bytes of %s are left after close"):format(stats[category].now, category)
        end
    end
end

local function imbalance(manager)
    if manager:is_closed() then
        local found = left_over(manager:stats())
        if found then return found end
    else
        local ok, message = manager:check()
        if not ok then return message end
        manager:trim()
    end
    return inject_faults[manager] and live_disagrees(manager) or nil
end

-- Garbage is collected first, and not while the numbers are read.
local function imbalance_at_rest(manager)
    collectgarbage()
    collectgarbage("stop")
    local ok, found = pcall(imbalance, manager)
    collectgarbage("restart")
    if not ok then error(found, 0) end
    return found
end

local function balanced(_, arguments)
    local found = imbalance_at_rest(arguments[1])
    arguments[1], arguments.n = found or "the books balance", 1
    return found == nil
end

say:set("assertion.view_equals.positive", "Views differ: %s")
say:set("assertion.view_equals.negative", "Views were meant to differ: %s")
say:set("assertion.balanced.positive", "The books do not balance: %s")
say:set("assertion.balanced.negative", "The books were meant not to balance: %s")
assert:register("assertion", "view_equals", view_equals, "assertion.view_equals.positive", "assertion.view_equals.negative")
assert:register("assertion", "balanced", balanced, "assertion.balanced.positive", "assertion.balanced.negative")

return spec
