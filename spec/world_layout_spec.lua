-- successes: 14
-- SPDX-License-Identifier: MIT
-- Layouts over ranks: the bytes of one process, for any number of ranks; the command; and ranks that end on the way.

local ranks = require "spec.ranks.start"
local support = require "spec.support"

local run = support.gpumm_run()
local device = os.getenv "GPUMM_DEVICE" or "host"

local folder
setup(function() folder = support.folder() end)
teardown(function() folder.remove() end)

local function read(path)
    local file <close> = assert(io.open(path, "rb"))
    return file:read "a"
end

describe("a layout over ranks", function()
    local wanted, few

    setup(function()
        local text, code = support.said(("'%s' --quiet --strict spec/ranks/layout.lua '%s' %s 60 alone"):format(run, folder.path,
            device))
        assert.equal(0, code, text)
        wanted, few = folder.read "result", folder.read "few"
    end)

    for _, n in ipairs { 1, 2, 3, 5 } do
        it(("has the bytes of one process, on %d ranks"):format(n), function()
            local results, is_few = {}, n ~= 2
            local text, code, said = ranks(n, 300, "layout.lua", 120, nil, nil, function(beside)
                for r = 0, n - 1 do results[r] = read(beside((is_few and "few" or "result") .. r)) end
            end)
            assert.equal(0, code, text)
            for r = 0, n - 1 do
                assert.equal("balanced done\n", said[r], text)
                assert.is_true((is_few and few or wanted) == results[r], ("rank %d has other results"):format(r))
            end
        end)
    end

    for _, n in ipairs { 2, 3, 5 } do
        it(("moves nodes as where all positions are gathered, on %d ranks that tell what is asked for"):format(n), function()
            local text, code, said = ranks(n, 120, "halo.lua", 60)
            assert.equal(0, code, text)
            for r = 0, n - 1 do
                assert.equal("crowds 10000\nedges_of_all_with_all 1600\nhub 10000\nidle_ranks 10000\njumping 10000\n"
                    .. "long_edges 10000\nlooked_at 10000\nlooked_at_often 10000\nmoving 10000\noffset 10000\n"
                    .. "outlier 10000\nplane 10000\nrow 24000\nrow_moving 24000\nbalanced done\n",
                    said[r], text)
            end
        end)
    end

    it("is the command's, of a list and of a file that is read whole", function()
        local text, code = support.said(("cd '%s' && %s"):format(folder.path, ([[
            for i in $(seq 700); do echo "n$i n$((i * 7919 % 700 + 1)) $((i % 5 + 1))"; done > list.txt
            R --device host -e 'g = gpumm.graph.read "list.txt" gpumm.graph.write("list.graphml", g, { positions =
                gpumm.view("f32x2", g.nodes) })'
            for file in list.txt list.graphml; do
                R --device host -m gpumm.layout $file --out '' --positions one.csv --steps 3 --seed 4
                M -n 3 P R --device host -m gpumm.layout $file --out '' --positions three.csv --steps 3 --seed 4
                cmp one.csv three.csv && echo the same
            done]]):gsub("%f[%w][RMP]%f[ ]", { R = ("'%s' --quiet"):format(run), M = ranks.launcher, P = ranks.preload })))
        assert.equal(0, code, text)
        local _, same = text:gsub("the same", "")
        assert.equal(2, same, text)
        support.says(text, "3 ranks, 700 nodes", "bytes of positions on rank 0 (",
            " a node) and 2048 of cells by MPI, and 8 notes")
    end)
end)

describe("a rank that", function()
    local function ends(how, ...)
        local words = { ... }
        it(how .. " ends the layout everywhere", function()
            local text, code, said = ranks(3, 120, "layout_ends.lua", 20, how)
            assert.not_equal(0, code, text)
            for _, r in ipairs { 0, 2 } do
                assert.equal("balanced", tostring(said[r]):match "^%w+", text)
                support.says(said[r], "rank 1", table.unpack(words))
            end
        end)
    end

    ends("is killed reading")
    ends("is killed as edges are dealt")
    ends("is killed in the start")
    ends("is killed in a step")
    ends("has no memory", "OVER_LIMIT")
    ends("fails at the end", "this went wrong on purpose")
end)
