-- successes: 5
-- SPDX-License-Identifier: MIT
-- Large graphs, whose nodes a layout numbers by where they lie: callers see their own numbers alone. The graphs here are small,
-- and made to be numbered so.

local by_place = require "gpumm.force.by_place"
local gpumm = require "gpumm"
local force = gpumm.force
local spec = require "gpumm.spec"

local W = 30

-- A grid whose nodes are numbered in no order.
local function shuffled_grid()
    local number, state, from, to = {}, 7, {}, {}
    for i = 1, W * W do number[i] = i end
    for i = W * W, 2, -1 do
        state = state * 6364136223846793005 + 1442695040888963407
        local j = (state >> 33) % i + 1
        number[i], number[j] = number[j], number[i]
    end
    local function edge(i, j) from[#from + 1], to[#to + 1] = number[i], number[j] end
    for i = 1, W * W do
        if i % W > 0 then edge(i, i + 1) end
        if i + W <= W * W then edge(i, i + W) end
    end
    return gpumm.graph.new(W * W, from, to)
end

describe("a layout that numbers nodes by place", function()
    local usual, graph = by_place.least, shuffled_grid()

    setup(function() by_place.least = 1 end)
    teardown(function() by_place.least = usual end)

    local function longest_edge(positions)
        local longest = 0
        for e = 1, #graph.from do
            local x, y = positions:get(graph.from[e])
            local u, v = positions:get(graph.to[e])
            longest = math.max(longest, math.sqrt((x - u) ^ 2 + (y - v) ^ 2))
        end
        return longest
    end

    -- By other numbers edges would be as long as the whole is wide, some 30 times as long as an edge is.
    local function is_by_the_callers(positions) return longest_edge(positions) < 4 end

    it("gives frames and results by the caller's numbers", function()
        local seen, numbered = {}, false
        local sim = force.layout(graph, { steps = 12, settle = 0, every = 4, device = spec.device,
            frame = function(sim, f)
                numbered = numbered or sim.numbers ~= nil
                seen[#seen + 1] = is_by_the_callers(f.position) and f.step or -f.step
            end })
        local result = sim:run()
        assert.same({ 4, 8, 12 }, seen)
        assert.is_true(numbered)
        assert.is_true(is_by_the_callers(result.positions))
        assert.is_true(force.quality(graph, result.positions, { device = spec.device }).stress < 0.03)
    end)

    it("lays out as well as by the caller's numbers, also in space", function()
        for _, dimensions in ipairs { 2, 3 } do
            local stress = {}
            for k, least in ipairs { 1, usual } do
                by_place.least = least
                local options = { steps = 40, settle = 0, dimensions = dimensions, device = spec.device }
                local result = force.layout(graph, options):run()
                stress[k] = force.quality(graph, result.positions, { dimensions = dimensions, device = spec.device }).stress
            end
            by_place.least = 1
            assert.is_true(math.abs(stress[1] - stress[2]) < 0.01, ("%g and %g"):format(stress[1], stress[2]))
        end
    end)

    it("leaves a node where it is dropped, until it is free again", function()
        local sim <close> = force.layout(graph, { steps = 20, settle = 0, device = spec.device })
        sim:open()
        sim:advance(3)
        local function at(node)
            local x, y = sim.nodes.position:download(node, 1):get(1)
            return ("%.3f %.3f"):format(x, y)
        end
        sim:event { kind = "drop", node = 10, x = 100, y = 50 }
        sim:advance(2)
        assert.equal("100.000 50.000", at(10))
        sim:event { kind = "free", node = 10 }
        sim:advance(2)
        assert.not_equal("100.000 50.000", at(10))
    end)

    it("ends with what was put there since the last step", function()
        local sim <close> = force.layout(graph, { steps = 20, settle = 0, device = spec.device })
        sim:open()
        sim:advance(3)
        sim:event { kind = "drop", node = 10, x = 100, y = 50 }
        local x, y = sim:conclude().positions:get(10)
        assert.same({ 100, 50 }, { x, y })
    end)

    it("runs a second time with the same result", function()
        local sim = force.layout(graph, { steps = 4, settle = 0, device = spec.device })
        local first = sim:run().positions:bytes()
        assert.is_true(first == sim:run().positions:bytes())
    end)
end)
