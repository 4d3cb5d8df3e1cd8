-- SPDX-License-Identifier: MIT
-- What the specs of contained scripts share: a script that checks from within what it got, run by gpumm-run --sandbox,
-- with a few words that every such script has.

local support = require "spec.support"
local assert = require "luassert"

local containment = {}

local PRELUDE = [[
local function refused(text, f, ...)
    local ok, message = pcall(f, ...)
    assert(not ok, "it was not refused")
    assert(tostring(message):find(text, 1, true), message)
end
local function manager() return assert(gpumm.manager { device = "host" }) end
-- # of it is 2^61: every power of two is there, and the one after it.
local function liar(value)
    local t = {}
    for i = 0, 61 do
        t[1 << i] = value(1 << i)
        if i < 61 then t[(1 << i) + 1] = value((1 << i) + 1) end
    end
    assert(#t == 1 << 61)
    return t
end
local folder = "%s"
]]

--- Scripts know `folder` by that name; `it` is busted's.
function containment.new(folder, it)
    local here = {}

    function here.contained(options, script)
        return support.run("--sandbox --quiet " .. options, PRELUDE:format(folder) .. script)
    end

    --- The script's own checks hold, to its last line.
    function here.holds(name, script, options)
        it(name, function()
            local text, code = here.contained(options or "", script .. "\nprint 'held'")
            support.contains("held", text)
            assert.equal(0, code, text)
        end)
    end

    --- It ends with 1 and these words, and its last line is not reached.
    function here.ends(name, words, options, script)
        it(name, function()
            local text, code = here.contained(options, script .. "\nprint 'reached'")
            support.contains(words, text)
            assert.is_nil(text:find("reached", 1, true))
            -- the watchdog is for calls of C alone
            assert.equal(words:find("does not return", 1, true) ~= nil, text:find("does not return", 1, true) ~= nil)
            assert.equal(1, code, text)
        end)
    end

    return here
end

return containment
