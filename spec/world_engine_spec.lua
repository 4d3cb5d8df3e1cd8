-- successes: 3
-- SPDX-License-Identifier: MIT
-- The prototype of a layout over ranks (lua/gpumm/world/engine.lua): the same positions, byte for byte, as on one.

local ranks = require "spec.ranks.start"

describe("a layout over ranks", function()
    for _, n in ipairs { 2, 3, 5 } do
        it(("has the positions of one, on %d ranks"):format(n), function()
            local text, code, said = ranks(n, 300, "engine.lua", 120)
            assert.equal(0, code, text)
            for r = 0, n - 1 do assert.equal("balanced done\n", said[r], text) end
        end)
    end
end)
