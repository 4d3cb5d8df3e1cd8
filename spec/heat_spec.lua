-- successes: 5
-- SPDX-License-Identifier: MIT
-- Layouts that rest and are changed in one place: what is near moves, what is far does not, and it can be repeated.

local gpumm = require "gpumm"
local spec = require "gpumm.spec"
local heat_of = require "gpumm.force.heat"
local rows_of = require "gpumm.force.rows"
local graphs = require "spec.graphs"

local SIDE = 24

local function rows(m, n, from, to)
    local made = rows_of.new(m)
    local function column(list)
        local b = assert(m:buffer { type = "u32", length = #list })
        b:upload(list)
        return b
    end
    made:build(n, #from, column(from), column(to), 1)
    return made
end

local function between(a, b, i)
    local x, y = a:get(i)
    local u, v = b:get(i)
    return math.sqrt((u - x) ^ 2 + (v - y) ^ 2)
end

-- A grid's layout comes to rest, a node is dropped elsewhere, and it comes to rest again. Positions before and after.
local function dragged(node, recorded, more)
    local sim = gpumm.force.layout(graphs.grid(SIDE), { device = spec.device, steps = 150 })
    sim:open {}
    if recorded ~= nil then sim.engine.recorded = recorded end
    while sim:advance(10) do end
    local before = sim.nodes.position:download()
    local x, y = before:get(node)
    assert.is_true(sim:event { kind = "drop", node = node, x = x + 3, y = y + 2 })
    sim:resume(200)
    if more then more(sim) end
    while sim:advance(1) do end
    local after = sim.nodes.position:download()
    local steps = sim.i
    sim:close()
    return before, after, steps
end

describe("heat around what is changed", function()
    after_each(spec.close)

    it("halves from node to node, until there is none", function()
        local m = spec.manager()
        local of, heat = rows(m, 12, { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 }, { 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 }), heat_of.new(m)
        heat:add(of, 2, 1, 1, 0)
        local own = heat.of
        assert.view_equals({ 0.5, 1, 0.5, 0.25, 0.125, 0.0625, 0.03125, 0.015625, 0, 0, 0, 0 }, own:download())
        heat:add(of, 11, 1, 0.25, 0.5) -- what is left of the first, and of both the greater
        assert.view_equals({ 0.25, 0.5, 0.25, 0.125, 0.0625, 0.03125, 0.015625, 0.03125, 0.0625, 0.125, 0.25, 0 },
            own:download())
        assert.equal(own, heat.of)
        heat:add(of, 12, 1, 1, 0)
        assert.view_equals({ 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 }, own:download())
    end)

    it("comes to all neighbours of a hub, and from them", function()
        local m, from, to = spec.manager(), {}, {}
        for e = 1, 5000 do from[e], to[e] = 1, e + 1 end
        local of, heat = rows(m, 5001, from, to), heat_of.new(m)
        heat:add(of, 4000, 1, 1, 0)
        local values = heat.of:download()
        assert.same({ 0.5, 0.25, 1, 0.25 }, { values[1], values[2], values[4000], values[5001] })
    end)

    it("lets a layout that rests follow a node that is dragged, and what is far stay where it is", function()
        local node = 5 * SIDE + 6
        local before, after, steps = dragged(node)
        local near, far, count = 0, 0, 0
        for i = 1, SIDE * SIDE do
            local apart = math.abs((i - 1) % SIDE - (node - 1) % SIDE) + math.abs((i - 1) // SIDE - (node - 1) // SIDE)
            local moved = between(before, after, i)
            if apart == 1 then near, count = near + moved, count + 1 end
            if apart >= 10 then far = math.max(far, moved) end
        end
        local x, y = before:get(node)
        local u, v = after:get(node)
        assert(math.abs(u - x - 3) < 1e-5 and math.abs(v - y - 2) < 1e-5, "it stays where it was dropped")
        assert(near / count > 0.3, ("its neighbours moved %g"):format(near / count))
        assert(far < 0.01 * near / count, ("the neighbours moved %g, what is far %g"):format(near / count, far))
        assert(steps > 180 and steps < 350, "it comes to rest by itself")
    end)

    it("is the same each time, launched or replayed, also where all of it is warmed meanwhile", function()
        local function more(sim)
            sim:advance(3)
            assert.is_true(sim:event { kind = "drop", node = 7, x = 1, y = 1 })
            sim:advance(3)
            assert.is_true(sim:event { kind = "set", name = "repulsion", value = 1.25 })
            sim:advance(3)
            assert.is_true(sim:event { kind = "free", node = 7 })
        end
        local _, first, steps = dragged(200, false, more)
        for _, recorded in ipairs { false, true } do
            local _, again, taken = dragged(200, recorded, more)
            assert.equal(steps, taken)
            assert.equal(first:bytes(), again:bytes())
        end
    end)

    it("gives a few nodes that come to many a place, and leaves the others nearly where they are", function()
        local graph, first, last = graphs.grid(SIDE), SIDE * SIDE - 12, nil
        local moved, fresh = 0, 0
        local result = gpumm.force.growing(graph, { device = spec.device, first = first, batch = 4, every = 60, steps = 60,
            capture = 1, frame = function(_, f)
                local now = f.data:totable()
                for i = 1, last and f.step > 61 and SIDE * 6 or 0 do -- the first rows: far from what comes
                    moved = math.max(moved, math.sqrt((now[i][1] - last[i][1]) ^ 2 + (now[i][2] - last[i][2]) ^ 2))
                end
                for i = first + 1, last and #last or 0 do
                    fresh = math.max(fresh, math.sqrt((now[i][1] - last[i][1]) ^ 2 + (now[i][2] - last[i][2]) ^ 2))
                end
                last = now
            end }):run {}
        assert(moved < 0.1 * fresh, ("what is far moved %g a step, what came %g"):format(moved, fresh))
        local longest, sum = 0, 0
        for e = 1, graph.edges do
            local length = math.sqrt((last[graph.from[e]][1] - last[graph.to[e]][1]) ^ 2
                + (last[graph.from[e]][2] - last[graph.to[e]][2]) ^ 2)
            sum = sum + length
            if graph.to[e] > first then longest = math.max(longest, length) end
        end
        assert.equal(graph.nodes, #result.positions)
        assert(longest < 2 * sum / graph.edges, ("an edge of what came is %g long, in the mean they are %g")
            :format(longest, sum / graph.edges))
    end)
end)
