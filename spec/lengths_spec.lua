-- successes: 5
-- SPDX-License-Identifier: MIT
-- Weights as lengths: distances along them against a plain search, and layouts by how long their edges are.

local gpumm = require "gpumm"
local spec = require "gpumm.spec"
local distance = require "gpumm.force.distance"
local force, graph = gpumm.force, gpumm.graph

local function filled(m, type, values)
    local b = assert(m:buffer { type = type, length = #values })
    assert(b:upload(values))
    return b
end

-- A grid whose columns and rows are as far apart as `gap` says: its edges' lengths fit the plane.
local function grid_graph(side, gap)
    local from, to, lengths = {}, {}, {}
    for i = 1, side * side do
        local x, y = (i - 1) % side, (i - 1) // side
        if x < side - 1 then from[#from + 1], to[#to + 1], lengths[#lengths + 1] = i, i + 1, gap(x) end
        if y < side - 1 then from[#from + 1], to[#to + 1], lengths[#lengths + 1] = i, i + side, gap(y) end
    end
    return graph.new(side * side, from, to, lengths)
end

local function path_graph(n, gap)
    local from, to, lengths = {}, {}, {}
    for i = 1, n - 1 do from[i], to[i], lengths[i] = i, i + 1, gap(i) end
    return graph.new(n, from, to, lengths)
end

-- By how much edges are longer or shorter than their lengths say, at the best scale: the mean and the worst.
local function errors(g, positions)
    local ratio, sum = {}, 0
    for e = 1, g.edges do
        local a, b, square = { positions:get(g.from[e]) }, { positions:get(g.to[e]) }, 0
        for k = 1, #a do square = square + (a[k] - b[k]) ^ 2 end
        ratio[e] = math.sqrt(square) / g.weights[e]
        sum = sum + ratio[e]
    end
    local mean, worst, off = sum / g.edges, 0, 0
    for e = 1, g.edges do
        local error = math.abs(ratio[e] / mean - 1)
        worst, off = math.max(worst, error), off + error / g.edges
    end
    return off, worst
end

local function laid_out(g, options)
    options.device, options.weights = spec.device, "length"
    return force.layout(g, options):run()
end

-- The distances from one node, by looking at every edge until nothing changes.
local function plain_distances(g, first)
    local d, changed = {}, true
    for i = 1, g.nodes do d[i] = math.huge end
    d[first] = 0
    while changed do
        changed = false
        for e = 1, g.edges do
            for _, way in ipairs { { g.from[e], g.to[e] }, { g.to[e], g.from[e] } } do
                local there = d[way[1]] + g.weights[e]
                if there < d[way[2]] then d[way[2]], changed = there, true end
            end
        end
    end
    return d
end

describe("distances along lengths", function()
    after_each(spec.close)

    it("are those of a plain search, by both ways to the same bits, where rows are long too", function()
        local from, to, weights = {}, {}, {}
        local function add(a, b, w) from[#from + 1], to[#to + 1], weights[#weights + 1] = a, b, w end
        for i = 2, 1500 do -- a hub, a ring, chords; the last 20 nodes are a path of their own
            add(1, i, 40 + i % 13)
            if i < 1500 then add(i, i + 1, 0.25 * (1 + i % 7)) end
            if i % 3 == 0 and i <= 1490 then add(i, (i * 7919) % 1490 + 2, 1 + (i * 31 % 101) / 8) end
        end
        for i = 1501, 1519 do add(i, i + 1, i) end
        local g, m = graph.new(1520, from, to, weights), spec.manager()
        local pull = {}
        for e = 1, g.edges do pull[e] = 1 / g.weights[e] end
        local rows = force.rows(m)
        rows.lengths = true
        rows:build(g.nodes, g.edges, filled(m, "u32", g.from), filled(m, "u32", g.to), 1, filled(m, "f32", pull))
        local pivots = {}
        for k = 1, 64 do pivots[k] = (k * 911) % 1520 end
        local levels = distance.from(m, rows, pivots, "levels"):download()
        assert.view_equals(gpumm.view("u8", distance.from(m, rows, pivots, "queues"):download():bytes()),
            gpumm.view("u8", levels:bytes()))
        for k = 1, 64, 21 do
            for i, wanted in ipairs(plain_distances(g, pivots[k] + 1)) do
                local got = levels[(k - 1) * 1520 + i]
                local same = wanted == math.huge and got > 2.9e38 or math.abs(got - wanted) <= 1e-5 * wanted
                assert(same, ("from %d to %d: %g, not %g"):format(pivots[k], i - 1, got, wanted))
            end
        end
    end)
end)

describe("a layout by lengths", function()
    it("draws a path in proportion, of any number of nodes, to a hundredth", function()
        for _, n in ipairs { 2, 3, 5, 120 } do
            local g = path_graph(n, function(i) return 3 * (1 + i % 7) end)
            local _, worst = errors(g, laid_out(g, {}).positions)
            assert.is_true(worst < 0.01, n .. " nodes: off by " .. worst)
        end
        -- Components of a few nodes have no stress held: their springs alone.
        local from, to, lengths = {}, {}, {}
        for c = 0, 19 do
            for i = 1, 4 do from[#from + 1], to[#to + 1], lengths[#lengths + 1] = 5 * c + i, 5 * c + i + 1, 1 + (i + c) % 5 end
        end
        local g = graph.new(100, from, to, lengths)
        local _, worst = errors(g, laid_out(g, {}).positions)
        assert.is_true(worst < 0.03, "off by " .. worst)
    end)

    it("draws a grid in proportion, to 6 % in the mean, and repeats bit for bit", function()
        local g = grid_graph(16, function(x) return 1 + x % 3 end)
        local r = laid_out(g, { quality = true })
        local off = errors(g, r.positions)
        assert.is_true(off < 0.06, "off by " .. off)
        assert.is_true(r.quality.stress < 0.02, force.describe(r.quality, r.random))
        local asked = force.quality(g, r.positions, { weights = "length", device = spec.device })
        assert.is_true(math.abs(asked.stress - r.quality.stress) < 1e-6)
        assert.is_true(force.quality(g, r.positions, { device = spec.device }).stress > r.quality.stress)
        assert.view_equals(gpumm.view("u8", r.positions:bytes()), gpumm.view("u8", laid_out(g, {}).positions:bytes()))
    end)

    it("is the same by any unit, and leaves who is pinned", function()
        local function at(scale)
            return laid_out(grid_graph(6, function(x) return scale * (1 + x % 2) end),
                { steps = 30, pinned = { 1, 36 } }).positions
        end
        local r = at(1)
        for i, x, y in at(2 ^ 900):each() do
            local a, b = r:get(i)
            assert.is_true(math.abs(a - x) < 1e-4 and math.abs(b - y) < 1e-4)
        end
        local start = laid_out(grid_graph(6, function(x) return 1 + x % 2 end), { steps = 0, pinned = { 1, 36 } }).positions
        assert.same({ start:get(36) }, { r:get(36) })
    end)

    it("refuses what is no length, and names the edge", function()
        for said, weight in pairs { ["0"] = 0, ["-1"] = -1, inf = math.huge, nan = 0 / 0 } do
            local g = path_graph(3, function() return 1 end)
            g.weights = { 1, weight }
            local ok, message = pcall(function() local _ = force.layout(g, { weights = "length" }) end)
            assert.is_false(ok)
            assert.matches('edge 2, from node "2" to "3", has the weight %-?' .. said, message)
            assert.matches(said == "inf" and "it is finite" or "a length is larger than 0", message, 1, true)
        end
    end)
end)
