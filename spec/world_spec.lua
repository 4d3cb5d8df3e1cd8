-- successes: 21
-- SPDX-License-Identifier: MIT
-- gpumm.world: scripts of spec/ranks that mpirun starts on several ranks, and a world of one without it.

local support = require "spec.support"
local ranks = require "spec.ranks.start"

local run = support.gpumm_run()
local device = os.getenv "GPUMM_DEVICE" or "host"
local cpath = ("LUA_CPATH='%s/?.so;;'"):format(run:match "^(.*)/[^/]*$" or ".")

local folder
before_each(function() folder = support.folder() end)
after_each(function() folder.remove() end)

describe("a world", function()
    for _, n in ipairs { 1, 2, 3, 5 } do
        it(("makes every collective call right on every type, on %d ranks"):format(n), function()
            local text, code, said = ranks(n, 120, "collectives.lua", 40)
            assert.equal(0, code, text)
            for r = 0, n - 1 do assert.equal("balanced done\n", said[r], text) end
        end)
    end

    for _, n in ipairs { 1, 2, 3, 5 } do
        it(("reads a list of edges as one would, on %d ranks"):format(n), function()
            local text, code, said = ranks(n, 120, "graphs.lua", 40)
            assert.equal(0, code, text)
            for r = 0, n - 1 do assert.equal("balanced done\n", said[r], text) end
        end)
    end

    it("has one failure for all, and goes on", function()
        local text, code, said = ranks(3, 60, "refusals.lua", 20)
        assert.equal(0, code, text)
        for r = 0, 2 do assert.equal("balanced done\n", said[r], text) end
    end)

    it("is one rank without a launcher", function()
        local text, code = support.said(("%s '%s' --quiet --strict spec/ranks/collectives.lua '%s' %s 5"):format(cpath, run,
            folder.path, device))
        assert.equal(0, code, text)
        assert.equal("balanced done\n", folder.read "0")
    end)

    it("says what to install where it is not", function()
        local text, code = support.run("", [[
            package.cpath = "/nowhere/?.so" -- gpumm-run knows the folder of its own modules
            print(pcall(require, "gpumm.world"))]])
        assert.equal(0, code, text)
        support.says(text, "gpumm_mpi", "not in package.cpath", "gpumm-mpi", "openmpi-bin")
    end)
end)

describe("library/gpumm/world.lua", function()
    it("has every function, and no other", function()
        local said, real = {}, {}
        for line in io.lines "library/gpumm/world.lua" do
            said[#said + 1] = line:match "^function world%.([%w_]+)%(.-%) end$"
        end
        local text = support.run("", [[for name, f in pairs(require "gpumm.world") do
            if type(f) == "function" then print(name) end
        end]], cpath)
        for name in text:gmatch "%S+" do real[#real + 1] = name end
        table.sort(said)
        table.sort(real)
        assert.same(said, real)
    end)
end)

describe("a rank that", function()
    local TIME = 60 -- as a loaded machine may need; on a free one each takes a second and its limit

    -- What the others say of rank 1, and that their books balance.
    local function ends(how, words, limit)
        it(how, function()
            local text, code, said = ranks(3, TIME, "ends.lua", limit or 20, how)
            assert.not_equal(0, code, text)
            for _, r in ipairs { 0, 2 } do
                assert.equal("balanced", tostring(said[r]):match "^%w+", text)
                support.says(said[r], table.unpack(words))
            end
        end)
    end

    ends("is killed between calls", { "rank 1" })
    ends("is killed getting ready", { "rank 1" })
    ends("is killed as data moves", { "rank 1" })
    ends("raises", { "rank 1 left before allgather, call 2: ", "this went wrong on purpose" })
    ends("leaves", { "rank 1 left before allgather, call 2" })
    ends("exits", { "rank 1" })
    ends("does not come", { "TIMEOUT: allgather, call 2: rank 1 took no part within 1 seconds" }, 1)

    it("is killed while others leave, does not keep them", function()
        local text, code, said = ranks(3, TIME, "ends.lua", 50, "is killed while others leave")
        assert.not_equal(0, code, text)
        for _, r in ipairs { 0, 2 } do assert.equal("balanced", tostring(said[r]):match "^%w+", text) end
    end)

    it("ends before it has a world, does not keep them", function()
        local text, code = ranks(3, TIME, "ends.lua", 50, "ends before", "START=1")
        assert.not_equal(0, code, text)
    end)
end)
