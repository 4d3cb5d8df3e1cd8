-- successes: 68, gpu: 1
-- SPDX-License-Identifier: MIT
-- The force library: its parts against plain references, and whole layouts by their quality.

local gpumm = require "gpumm"
local support = require "spec.support"
local spec = require "gpumm.spec"
local pivots = require "gpumm.force.pivots"
local untangling = require "gpumm.force.untangling"
local grid_graph = require "spec.graphs".grid
local force, graph = gpumm.force, gpumm.graph

-- ---- What the tests share --------------------------------------------------------------------

local function chance(seed)
    local i = seed * 1000003
    return function()
        i = i + 1
        local x = i * 0x9E3779B97F4A7C15
        x = (x ~ x >> 30) * 0xBF58476D1CE4E5B9
        x = (x ~ x >> 27) * 0x94D049BB133111EB
        return ((x ~ x >> 31) >> 11) * 0x1p-53
    end
end

local function filled(m, type, values, length)
    local b = assert(m:buffer { type = type, length = length or #values // (tonumber(type:match("x(%d)")) or 1) })
    if #values > 0 then assert(b:upload(values)) end
    return b
end

local function uniform(n, d)
    local random, values = chance(n + d), {}
    for k = 1, n * d do values[k] = random() end
    return values
end

-- Balls of nodes with nearly nothing between them.
local function clustered(n, d, clusters, size)
    local random, values, centres = chance(n * d), {}, {}
    for k = 1, clusters * d do centres[k] = random() end
    for i = 0, n - 1 do
        local c = math.floor(random() * clusters)
        for k = 1, d do
            values[i * d + k] = centres[c * d + k] + (random() + random() + random() - 1.5) * size
        end
    end
    return values
end

local function masses(n)
    local random, values = chance(n), {}
    for i = 1, n do values[i] = 1 + 3 * random() end
    return values
end

local function repulsion(m, values, d, seed, exactly)
    local n = #values // d
    local out = filled(m, "f32x" .. d, {}, n)
    local grid = force.repulsion(m, { dimensions = d })
    local how = exactly and grid.repel_exactly or grid.repel
    how(grid, n, filled(m, "f32x" .. d, values), filled(m, "f32", masses(n)), out, 1, seed)
    return out:download()
end

-- The median of the relative errors, and how far the mean force is off, of the mean size of a force.
local function compared(got, exact, d)
    local errors, off, size = {}, {}, 0
    for k = 1, d do off[k] = 0 end
    for i = 1, #exact do
        local a, b, difference, length = { got:get(i) }, { exact:get(i) }, 0, 0
        for k = 1, d do
            off[k] = off[k] + a[k] - b[k]
            difference, length = difference + (a[k] - b[k]) ^ 2, length + b[k] ^ 2
        end
        errors[i], size = math.sqrt(difference / length), size + math.sqrt(length)
    end
    table.sort(errors)
    local bias = 0
    for k = 1, d do bias = bias + off[k] ^ 2 end
    return errors[#errors // 2 + 1], math.sqrt(bias) / size, errors
end

local function path_graph(n)
    local from, to = {}, {}
    for i = 1, n - 1 do from[i], to[i] = i, i + 1 end
    return graph.new(n, from, to)
end

-- A star with a ring through its rays: one very long row beside many short ones.
local function wheel(rays)
    local from, to = {}, {}
    for i = 1, rays do
        from[#from + 1], to[#to + 1] = 1, i + 1
        from[#from + 1], to[#to + 1] = i + 1, i % rays + 2
    end
    return graph.new(rays + 1, from, to)
end

local function rows_of(m, g, weights)
    local of = force.rows(m)
    of:build(g.nodes, g.edges, filled(m, "u32", g.from), filled(m, "u32", g.to), 1,
        weights and filled(m, "f32", weights))
    return of
end

local function nodes_of(m, n, d, values)
    local vec = "f32x" .. d
    return {
        position = filled(m, vec, values), velocity = filled(m, vec, {}, n), force = filled(m, vec, {}, n),
        mass = filled(m, "f32", {}, n), heft = filled(m, "f32", {}, n),
    }
end

local function laid_out(g, options)
    options.device = spec.device
    return force.layout(g, options):run()
end

local function bytes(view) return gpumm.view("u8", view:bytes()) end

-- ---- Repulsion -------------------------------------------------------------------------------

describe("repulsion by the pyramid", function()
    after_each(spec.close)

    local inputs = {
        { "random nodes", 2, uniform(20000, 2), 0.01 },
        { "clustered nodes", 2, clustered(20000, 2, 20, 0.01), 0.03 },
        { "random nodes in space", 3, uniform(8000, 3), 0.03 },
        { "clustered nodes in space", 3, clustered(8000, 3, 8, 0.15), 0.03 },
        { "few nodes", 2, uniform(50, 2), 0.03 },
    }
    for _, input in ipairs(inputs) do
        local name, d, values, bound = table.unpack(input)
        it("agrees with every pair's, for " .. name, function()
            local m = spec.manager()
            local median, bias = compared(repulsion(m, values, d, 1), repulsion(m, values, d, 1, true), d)
            assert.is_true(median <= bound, "median error " .. median)
            assert.is_true(bias <= 0.005, "bias " .. bias)
        end)
    end

    -- A push that is the way itself is summed exactly by centres of mass: whatever is counted twice or never shows.
    for d, values in ipairs { false, uniform(5000, 2), uniform(3000, 3) } do
        if values then
            it(("covers space exactly once, in %d dimensions"):format(d), function()
                local m, n = spec.manager(), #values // d
                local out, grid = filled(m, "f32x" .. d, {}, n), force.repulsion(m, { dimensions = d, repel = "1.0f" })
                for seed = 1, 3 do
                    grid:repel(n, filled(m, "f32x" .. d, values), filled(m, "f32", masses(n)), out, 1, seed)
                    local sums, mass, whole = {}, masses(n), 0
                    for k = 1, d do sums[k] = 0 end
                    for i = 1, n do
                        whole = whole + mass[i]
                        for k = 1, d do sums[k] = sums[k] + mass[i] * values[(i - 1) * d + k] end
                    end
                    local got, worst = out:download(), 0
                    for i = 1, n do
                        local f = { got:get(i) }
                        for k = 1, d do
                            local wanted = mass[i] * (whole * values[(i - 1) * d + k] - sums[k])
                            worst = math.max(worst, math.abs(f[k] - wanted) / (whole * mass[i]))
                        end
                    end
                    assert.is_true(worst < 1e-5, "off by " .. worst) -- one node missed: 1e-4
                end
            end)
        end
    end

    -- Far cells err most where a push falls steeply. Ways times pushes are in each pair twice, so that the spread of all is
    -- twice the sum of positions times forces.
    for d, values in ipairs { false, uniform(4000, 2), uniform(4000, 3) } do
        if values then
            it(("agrees with every pair's for a law of short range, in %d dimensions"):format(d), function()
                local m, n, unit = spec.manager(), 4000, 4000 ^ (1 / d)
                local grid = force.repulsion(m, { dimensions = d, repel = force.models.tforce.repel })
                local position, mass = filled(m, "f32x" .. d, values), filled(m, "f32", masses(n))
                local got, exact = filled(m, "f32x" .. d, {}, n), filled(m, "f32x" .. d, {}, n)
                grid:repel(n, position, mass, got, 1, 1, unit)
                grid:repel_exactly(n, position, mass, exact, 1, 1, unit)
                exact = exact:download()
                local median, bias = compared(got:download(), exact, d)
                assert.is_true(median <= 0.06, "median error " .. median)
                assert.is_true(bias <= 0.005, "bias " .. bias)
                grid:spread(n, position, mass, got, unit)
                local spread, wanted = 0, 0
                for i, f in got:download():each() do
                    spread = spread + f
                    for k = 1, d do wanted = wanted + 2 * values[(i - 1) * d + k] * select(k, exact:get(i)) end
                end
                assert.is_true(math.abs(spread / wanted - 1) <= 0.03, ("spread %g, not %g"):format(spread, wanted))
            end)
        end
    end

    it("is unbiased for one crowd, over many seeds", function()
        local m, values = spec.manager(), clustered(1500, 2, 1, 0.0001)
        values[1], values[2] = 2, 2 -- one far away: the others are in one cell, and are sampled
        local n = 1500
        local exact, sums = repulsion(m, values, 2, 0, true), {}
        for k = 1, 2 * n do sums[k] = 0 end
        local rounds = 60
        for seed = 1, rounds do
            local got = repulsion(m, values, 2, seed)
            for i = 1, n do
                local x, y = got:get(i)
                sums[2 * i - 1], sums[2 * i] = sums[2 * i - 1] + x / rounds, sums[2 * i] + y / rounds
            end
        end
        local median = compared(gpumm.view("f32x2", sums), exact, 2)
        local single = compared(repulsion(m, values, 2, 1), exact, 2)
        assert.is_true(median < single / 4, ("%g of the mean, %g of one"):format(median, single))
    end)

    it("errs elsewhere with every seed, so that no border of a cell shows", function()
        local m, values = spec.manager(), uniform(3000, 2)
        local exact, sums, rounds = repulsion(m, values, 2, 0, true), {}, 64
        for k = 1, 6000 do sums[k] = 0 end
        for seed = 1, rounds do
            local got = repulsion(m, values, 2, seed)
            for i = 1, 3000 do
                local x, y = got:get(i)
                sums[2 * i - 1], sums[2 * i] = sums[2 * i - 1] + x / rounds, sums[2 * i] + y / rounds
            end
        end
        local mean, single = compared(gpumm.view("f32x2", sums), exact, 2), compared(repulsion(m, values, 2, 1), exact, 2)
        assert.is_true(mean < single / 2, ("%g of the mean, %g of one"):format(mean, single))
    end)

    it("repeats bit for bit, and depends on the seed where nodes crowd", function()
        local m, values = spec.manager(), clustered(20000, 2, 3, 0.01)
        local first = repulsion(m, values, 2, 5)
        assert.view_equals(bytes(first), bytes(repulsion(m, values, 2, 5)))
        assert.are_not.equal(first:bytes(), repulsion(m, values, 2, 6):bytes())
    end)

    -- By their places, as parts of a layout have them.
    local function from_left(values, d)
        local nodes, sorted = {}, {}
        for i = 1, #values // d do nodes[i] = table.move(values, (i - 1) * d + 1, i * d, 1, {}) end
        table.sort(nodes, function(a, b) return a[1] < b[1] end)
        for i, at in ipairs(nodes) do table.move(at, 1, d, (i - 1) * d + 1, sorted) end
        return sorted
    end

    -- A part that those have who are tried at once here; what it tells all is passed on where it waits. Its nodes begin at
    -- block[1] and end before block[2].
    local function part_of(block, ranks)
        return { ranks = ranks, is_alone = false, block = function() return block[1], block[2] - block[1] end,
            gather_all = function(_, from, length, to) coroutine.yield(from, length, to) end }
    end

    -- Every function to its end; what they wait for is told in between.
    local function in_step(functions)
        local waiting, told = {}, {}
        for r, f in ipairs(functions) do
            waiting[r] = coroutine.create(f)
            told[r] = table.pack(assert(coroutine.resume(waiting[r])))
        end
        while coroutine.status(waiting[1]) == "suspended" do
            for _, one in ipairs(told) do
                for r, other in ipairs(told) do
                    assert(one[4]:copy(other[2], { first = (r - 1) * other[3] + 1, count = other[3] }))
                end
            end
            for r, f in ipairs(waiting) do told[r] = table.pack(assert(coroutine.resume(f))) end
        end
        for _, f in ipairs(waiting) do assert.equal("dead", coroutine.status(f)) end
    end

    -- One part of builds one after another, { n, position, mass, begins, is it of the spread? }: the forces on its nodes in each,
    -- how many nodes it sorted and how many numbers its cells were given. A cell that was given none but is asked spoils them.
    local function tried(m, d, builds, r, ranks, listed)
        local block, results = {}, {}
        local of = force.repulsion(m, { dimensions = d, part = ranks > 1 and part_of(block, ranks) or nil })
        of.listed = listed
        for k, build in ipairs(builds) do
            local n, begins = build[1], build[4]
            block[1], block[2] = begins[r], begins[r + 1] or n
            local count = ranks > 1 and block[2] - block[1] or n
            local out <close> = assert(m:buffer { type = "f32x" .. d, length = math.max(1, count) })
            if of.given then assert(of.given:fill(0 / 0)) end
            if build[5] then of:spread(n, build[2], build[3], out, 1) else of:repel(n, build[2], build[3], out, 1, k) end
            local given = 0
            for _, x in of.given:download():each() do given = given + (x == x and 1 or 0) end
            results[k] = { forces = out:download(1, count):bytes(), given = given,
                sorted = count > 0 and of.grid.start:download(of.grid.keys_in_use + 1, 1)[1] or 0 }
        end
        return results
    end

    -- The same builds by so many parts: forces on all nodes in each, and the most of what is counted.
    local function by_parts(m, d, builds, ranks, listed)
        local functions, parts, all = {}, {}, {}
        for r = 1, ranks do functions[r] = function() parts[r] = tried(m, d, builds, r, ranks, listed) end end
        in_step(functions)
        for k in ipairs(builds) do
            all[k] = { forces = "", given = 0, sorted = 0 }
            for r = 1, ranks do
                all[k].forces = all[k].forces .. parts[r][k].forces
                for _, what in ipairs { "given", "sorted" } do all[k][what] = math.max(all[k][what], parts[r][k][what]) end
            end
        end
        return all
    end

    local function all_finite(forces)
        for i, x in gpumm.view("f32", forces):each() do assert(x - x == 0, ("number %d is %g"):format(i, x)) end
    end

    local function with_crowds(few, crowded, d)
        return table.move(clustered(crowded, d, 5, 0.01), 1, crowded * d, few * d + 1, uniform(few, d))
    end

    for d, few in ipairs { false, 33000, 23500 } do -- as many as have every kind of level
        if few then
            it(("is the same of parts, which sort and expand only what is near their own nodes, in %dD"):format(d), function()
                local m, values = spec.manager(), with_crowds(few, 3000, d)
                local n, mass, builds = #values // d, filled(m, "f32", masses(#values // d)), {}
                local thirds = { 0, n // 3, n - n // 4, n } -- the last one has none
                for k, list in ipairs { values, from_left(values, d) } do -- far apart, and together
                    builds[k] = { n, filled(m, "f32x" .. d, list), mass, thirds }
                end
                local whole = by_parts(m, d, builds, 1, false)
                for _, is_listed in ipairs { false, true } do
                    for k, parts in ipairs(by_parts(m, d, builds, #thirds, is_listed)) do
                        assert.is_true(whole[k].forces == parts.forces, "build " .. k)
                        all_finite(parts.forces)
                        assert.equal(n, whole[k].sorted)
                        local together, most = k == 2, d == 2 and 0.5 or 0.7 -- by the largest part and what is around it
                        assert.equal(together, parts.sorted < most * n, ("%d nodes of %d"):format(parts.sorted, n))
                        local given = parts.given / whole[k].given
                        if together then assert.is_true(given < 0.6, given) end
                    end
                end
            end)

            it(("is the same of parts that come to have nodes or none, of grids finer and coarser, in %dD"):format(d), function()
                local m, builds = spec.manager(), {}
                for k, n in ipairs { 2000, 2000, 9000, 2500, 700, 9000, 9000, 9000 } do
                    local values = with_crowds(n - n // 5, n // 5, d)
                    local begins = ({ { 0, n // 3, n // 2 }, { 0, n, n }, { 0, 0, n - 9 } })[(k - 1) % 3 + 1]
                    local weights = masses(n)
                    for i = 1, k >= 6 and n or 0 do weights[i] = i % 2 * 2 - 1 end -- which cancel out in many cells
                    builds[k] = { n, filled(m, "f32x" .. d, k % 2 == 0 and values or from_left(values, d)),
                        filled(m, "f32", weights), begins, k == 4 or k == 7 }
                end
                local whole = by_parts(m, d, builds, 1, false)
                for k, parts in ipairs(by_parts(m, d, builds, 3, true)) do
                    assert.is_true(whole[k].forces == parts.forces, "build " .. k)
                    all_finite(parts.forces)
                end
            end)
        end
    end

    it("is a number however far apart nodes are, by every kind of expression", function()
        local kinds = { "1.0f / (sqrtf(d2) + 1.0f)", "(d2)", "[&]() { float s = 1.0f + d2; return 1.0f / (s * s); }()" }
        local is_host = spec.manager():device().kind == "host"
        if is_host then kinds[#kinds + 1] = "({ float s = 1.0f + d2; 1.0f / (s * s); })" end -- an extension of its compiler
        for _, repel in ipairs(kinds) do
            local m, n = spec.manager(), 600
            local values = {}
            for k = 1, 2 * n do values[k] = k % 2 == 0 and 0 or k // 2 % 30 end
            values[2 * n - 1] = repel == "(d2)" and 100 or 1e15
            local of = force.repulsion(m, { repel = repel })
            local position, mass = filled(m, "f32x2", values), m:buffer { type = "f32", length = n }
            local out = m:buffer { type = "f32x2", length = n }
            assert(mass:fill(1))
            of:repel(n, position, mass, out, 1, 1)
            for _, x, y in out:download():each() do assert.is_true(x - x == 0 and y - y == 0, repel) end
        end
    end)

    it("holds for nodes on one spot, and for one node", function()
        local m = spec.manager()
        assert.view_equals({ { 0, 0 }, { 0, 0 }, { 0, 0 } }, repulsion(m, { 1, 2, 1, 2, 1, 2 }, 2, 1))
        assert.view_equals({ { 0, 0 } }, repulsion(m, { 3, 4 }, 2, 1))
    end)

    it("agrees between host and GPU #gpu", function()
        for _, values in ipairs { uniform(20000, 2), clustered(20000, 2, 20, 0.01) } do
            local here, there = spec.manager { device = "host" }, spec.manager { device = "cuda" }
            local median, _, errors = compared(repulsion(there, values, 2, 1), repulsion(here, values, 2, 1), 2)
            assert.is_true(median <= 1e-6)
            assert.is_true(errors[math.floor(#errors * 0.999)] <= 1e-5, "999 of 1000: " .. errors[math.floor(#errors * 0.999)])
        end
    end)
end)

-- ---- Rows and springs ------------------------------------------------------------------------

describe("rows", function()
    after_each(spec.close)

    it("hold every node's neighbours in order, with their weights", function()
        local m = spec.manager()
        local g = graph.new(5, { 3, 1, 3, 5 }, { 1, 2, 2, 3 })
        local now = rows_of(m, g, { 10, 20, 30, 40 }).now
        assert.view_equals({ 0, 2, 4, 7, 7, 8 }, now.row:download(1, 6))
        assert.view_equals({ 1, 2, 0, 2, 0, 1, 4, 2 }, now.near:download(1, 8))
        assert.view_equals({ 20, 10, 20, 30, 10, 30, 40, 40 }, now.pull:download(1, 8))
        assert.view_equals({ 0, 1, 2, 3, 3, 4 }, now.segment:download(1, 6))
    end)

    it("are cut into short segments where they are long", function()
        local m = spec.manager()
        local now = rows_of(m, wheel(1000)).now
        assert.equal(1000, now.most)
        local near, begin = now.near:download(1, 4000), now.segment_begin:download(1, now.segment_count + 1)
        for i = 1, 1000 do assert.equal(i, near[i]) end
        for s = 1, now.segment_count do assert.is_true(begin[s + 1] - begin[s] <= 32) end
        assert.equal(4000, begin[now.segment_count + 1])
    end)

    it("are rebuilt beside the old ones", function()
        local m = spec.manager()
        local of = rows_of(m, path_graph(3))
        local old = of.now
        local g = path_graph(4)
        of:build(4, 3, filled(m, "u32", g.from), filled(m, "u32", g.to), 1)
        assert.view_equals({ 0, 1, 3, 4 }, old.row:download(1, 4))
        assert.view_equals({ 1, 0, 2, 1 }, old.near:download(1, 4))
        assert.view_equals({ 1, 0, 2, 1, 3, 2 }, of.now.near:download(1, 6))
    end)
end)

describe("springs and motion", function()
    after_each(spec.close)

    it("pull a node with 20,000 neighbours as the sum of its edges does", function()
        local m, rays = spec.manager(), 20000
        local g, random, values, weights = wheel(rays), chance(3), {}, {}
        for k = 1, 2 * (rays + 1) do values[k] = random() end
        for e = 1, g.edges do weights[e] = 0.5 + random() end
        local model = { repel = "0.0f", attract = "2.0f", mass = "1.0f", gravity = 0 }
        local e = force.engine(m, { model = model, inertia = 0, speed = 1 })
        local nodes = nodes_of(m, rays + 1, 2, values)
        e:connect(nodes, rays + 1, g.edges, filled(m, "u32", g.from), filled(m, "u32", g.to), 1, filled(m, "f32", weights))
        e:step(nodes, 1, 1e9)
        local x, y, heft = 0, 0, 1
        for k = 1, g.edges do
            if g.from[k] == 1 then
                local j = g.to[k]
                x = x + 2 * weights[k] * (values[2 * j - 1] - values[1])
                y = y + 2 * weights[k] * (values[2 * j] - values[2])
                heft = heft + weights[k]
            end
        end
        local vx, vy = nodes.velocity:download(1, 1):get(1)
        assert.is_true(math.abs(vx - x / heft) < 1e-5 and math.abs(vy - y / heft) < 1e-5)
    end)

    it("never move a node further than the limit", function()
        local m = spec.manager()
        local nodes, g = nodes_of(m, 2, 2, { 0, 0, 100, 0 }), path_graph(2)
        local e = force.engine(m, { model = { repel = "0.0f", attract = "1.0f", mass = "1.0f", gravity = 0 } })
        e:connect(nodes, 2, 1, filled(m, "u32", g.from), filled(m, "u32", g.to), 1)
        e:step(nodes, 1, 0.25)
        assert.view_equals({ { 0.25, 0 }, { 99.75, 0 } }, nodes.position:download(), 1e-6)
    end)

    -- Steps between which everything changes that a recording is of, or that it takes by name.
    local function changing(recorded, side)
        local m, g, n = spec.inject_faults({}, { workers = 2 }), grid_graph(side), side * side
        local random, nodes = chance(7), nodes_of(m, n, 2, uniform(n, 2))
        local from, to = filled(m, "u32", g.from), filled(m, "u32", g.to)
        local e = force.engine(m, {})
        local step, parts, replays = 0, {}, 0
        e.recorded = recorded
        local function steps(count)
            local before, opened = m.fault:calls "graph_launch", m.fault:calls "graph_open"
            for _ = 1, count do
                step = step + 1
                e:step(nodes, step, 1 / step + 0.01, 0.25)
            end
            parts[#parts + 1] = nodes.position:download():bytes() .. nodes.velocity:download():bytes()
            replays = replays + m.fault:calls "graph_launch" - before
            return m.fault:calls "graph_open" - opened
        end
        e:connect(nodes, n, g.edges // 2, from, to, 1)
        e:balance(nodes)
        local opened = steps(4)
        e.speed, e.inertia, e.gravity, e.strength = e.speed / 2, 0.5, 0.001, 1.25
        opened = opened + steps(2)
        assert.equal(recorded and 1 or 0, opened) -- values are no reason for another one
        nodes.pinned = filled(m, "u8", {}, n)
        nodes.pinned:fill(1, 1, n // 2)
        steps(2)
        nodes.anchor, nodes.held = filled(m, "f32x2", uniform(n, 2)), filled(m, "u8", {}, n)
        nodes.held:fill(1)
        steps(2)
        e:connect(nodes, n, g.edges, from, to, 1)
        steps(2)
        nodes.position = filled(m, "f32x2", uniform(n, 2))
        e:balance(nodes)
        steps(2)
        for i = 1, 3 do
            nodes.position:upload({ { random(), random() } }, i)
            steps(1)
        end
        assert.equal(recorded and step or 0, replays)
        local moved = filled(m, "u64", { 0 })
        e:moved(nodes, moved)
        return table.concat(parts) .. moved:download():bytes()
    end

    it("are replayed, and do what their launches do", function()
        assert.equal(changing(false, 40), changing(true, 40))
        assert.equal(changing(false, 12), changing(true, 12)) -- so few nodes that every pair is felt
    end)

    it("can be a part of a recording of one's own", function()
        local m, g = spec.manager(), grid_graph(30)
        local at = {}
        for k = 1, 2 do
            local nodes, e = nodes_of(m, 900, 2, uniform(900, 2)), force.engine(m, {})
            e:connect(nodes, 900, g.edges, filled(m, "u32", g.from), filled(m, "u32", g.to), 1)
            if k == 1 then
                e.recorded = true
                for _ = 1, 6 do e:step(nodes, 1, 0.5) end
            else
                e.recorded = false
                e:step(nodes, 1, 0.5)
                local two = assert(m:record(function() for _ = 1, 2 do e:step(nodes, 1, 0.5) end end))
                two:replay()
                two:replay()
                e:step(nodes, 1, 0.5)
            end
            at[k] = nodes.position:download():bytes()
        end
        assert.equal(at[1], at[2])
    end)

    it("balance so that the whole keeps its size", function()
        local m, g = spec.manager(), grid_graph(30)
        local nodes = nodes_of(m, 900, 2, uniform(900, 2))
        local e = force.engine(m, { model = "forceatlas", gravity = 0 })
        e:connect(nodes, 900, g.edges, filled(m, "u32", g.from), filled(m, "u32", g.to), 1)
        e:balance(nodes)
        local function virial()
            e:repel(nodes, e.strength, 0)
            local at, f, sum = nodes.position:download(), nodes.force:download(), 0
            for i = 1, 900 do
                local x, y = at:get(i)
                local fx, fy = f:get(i)
                sum = sum + x * fx + y * fy
            end
            for k = 1, g.edges do
                local ax, ay = at:get(g.from[k])
                local bx, by = at:get(g.to[k])
                sum = sum - (ax - bx) ^ 2 - (ay - by) ^ 2
            end
            return sum
        end
        assert.is_true(math.abs(virial()) < 0.02 * g.edges * 0.33, "virial " .. virial())
    end)
end)

-- ---- Distances and the start -----------------------------------------------------------------

describe("distances", function()
    after_each(spec.close)

    it("are the breadth-first ones, 65535 where there is no path", function()
        local m = spec.manager()
        local g = graph.new(12, { 1, 2, 3, 4, 6, 7, 8, 1 }, { 2, 3, 4, 5, 7, 8, 6, 5 })
        local hops = force.distances(m, rows_of(m, g), { 0, 6, 11 }):download()
        for p, pivot in ipairs { 1, 7, 12 } do
            local wanted = g:bfs(pivot)
            for i = 1, 12 do
                assert.equal(wanted[i] < 0 and 65535 or wanted[i], hops[(p - 1) * 12 + i])
            end
        end
    end)

    it("are the same by levels as by queues, where rows are long too", function()
        local m = spec.manager()
        for _, g in ipairs { grid_graph(20), path_graph(700), wheel(3000) } do
            local of, nodes = rows_of(m, g), {}
            for k = 1, 70 do nodes[k] = (k * 7919) % g.nodes end
            local by_queues = force.distances(m, of, nodes, "queues"):download()
            assert.view_equals(bytes(by_queues), bytes(force.distances(m, of, nodes, "levels"):download()))
            local wanted = g:bfs(nodes[70] + 1)
            for i = 1, g.nodes do assert.equal(wanted[i], by_queues[69 * g.nodes + i]) end
        end
    end)

    it("come from pivots that are far from one another, each once", function()
        local m, g = spec.manager(), grid_graph(30)
        local chosen, hops = pivots.choose(m, rows_of(m, g), nil, false, 1)
        local seen, nearest = {}, math.huge
        for p, node in ipairs(chosen) do
            assert.is_nil(seen[node])
            seen[node] = true
            assert.equal(0, hops:download((p - 1) * 900 + node + 1, 1)[1])
            for q = 1, p - 1 do
                local other = chosen[q]
                local apart = math.abs(node % 30 - other % 30) + math.abs(node // 30 - other // 30)
                assert.equal(apart, hops:download((q - 1) * 900 + node + 1, 1)[1])
                nearest = math.min(nearest, apart)
            end
        end
        assert.equal(64, #chosen)
        assert.is_true(nearest >= 2, "two are neighbours") -- 64 on 900 places by chance: several would be
    end)

    it("tell components by their least node", function()
        local m = spec.manager()
        local g = graph.new(9, { 9, 2, 5, 7 }, { 2, 4, 7, 6 })
        assert.view_equals({ 0, 1, 2, 1, 4, 4, 4, 7, 1 }, force.components(m, rows_of(m, g)))
    end)

    it("say that they need rows which were built", function()
        local m = spec.manager()
        for _, part in ipairs { "components", "distances", "quality_of", "seat", "start" } do
            for got, rows in pairs { ["nil"] = false, number = 7, ["a table without them"] = force.rows(m) } do
                local _, message = pcall(force[part], m, rows or nil, {})
                local said = ("force.%s needs rows that were built, rows = gpumm.force.rows(manager), rows:build(…); got %s")
                assert.equal(said:format(part, got), (tostring(message):gsub("^[^ ]*: force", "force")))
            end
        end
    end)
end)

describe("the start", function()
    after_each(spec.close)

    it("unfolds a long path", function()
        local m, g = spec.manager(), path_graph(3000)
        local of = rows_of(m, g)
        local position = filled(m, "f32x2", {}, 3000)
        assert.same({ 3000 }, force.start(m, of, position))
        local mine, random = force.quality(g, position, { manager = m })
        assert.is_true(mine.stress < 0.001, "stress " .. mine.stress)
        assert.is_true(random.stress > 0.3)
    end)

    local function started(g, seed)
        local m = spec.manager()
        local position = filled(m, "f32x2", {}, g.nodes)
        force.start(m, rows_of(m, g), position, { seed = seed })
        return position:download(), force.quality(g, position, { manager = m })
    end

    local function oblong_graph(width, height)
        local from, to = {}, {}
        for i = 1, width * height do
            if i % width > 0 then from[#from + 1], to[#to + 1] = i, i + 1 end
            if i + width <= width * height then from[#from + 1], to[#to + 1] = i, i + width end
        end
        return graph.new(width * height, from, to)
    end

    for _, size in ipairs { { 100, 100 }, { 200, 40 }, { 600, 6 } } do
        it(("lays out a grid of %d x %d by its distances"):format(size[1], size[2]), function()
            local at, mine = started(oblong_graph(size[1], size[2]))
            assert.equal(size[1] * size[2], #at)
            assert.is_true(mine.stress <= 0.025, "stress " .. mine.stress)
            assert.is_true(mine.neighbourhood >= 0.65, "neighbourhood " .. mine.neighbourhood)
        end)
    end

    it("is better by far than PivotMDS alone where all is near to all", function()
        local m, g = spec.manager(), graph.read("examples/data/debian-sample.tsv")
        local position = filled(m, "f32x2", {}, g.nodes)
        force.start(m, rows_of(m, g), position, { rounds = 0 })
        local alone = force.quality(g, position, { manager = m })
        local _, mine = started(g)
        assert.is_true(mine.stress < 0.5 * alone.stress, ("%g, alone %g"):format(mine.stress, alone.stress))
    end)

    it("leaves no wide room beside what is long and thin", function()
        local from, to = {}, {}
        for i = 1, 1999 do from[i], to[i] = i, i + 1 end
        for c = 0, 299 do from[#from + 1], to[#to + 1] = 2001 + 2 * c, 2002 + 2 * c end
        local at = started(graph.new(2600, from, to))
        local label, low, high = graph.new(2600, from, to):components(), { 1e9, 1e9 }, { -1e9, -1e9 }
        local away = 0
        for i = 1, 2600 do
            local p = { at:get(i) }
            for k = 1, 2 do low[k], high[k] = math.min(low[k], p[k]), math.max(high[k], p[k]) end
            if label[i] > 1 then
                local nearest = math.huge
                for j = 1, 2000 do
                    local x, y = at:get(j)
                    nearest = math.min(nearest, (x - p[1]) ^ 2 + (y - p[2]) ^ 2)
                end
                assert.is_true(nearest > 0.25, "one lies on the path")
                away = math.max(away, nearest)
            end
        end
        assert.is_true(math.sqrt(away) < 500, "one is far from all: " .. math.sqrt(away))
        assert.is_true(math.max(high[1] - low[1], high[2] - low[2]) < 2200)
    end)

    it("repeats bit for bit with the same seed", function()
        local g = graph.read("examples/data/debian-sample.tsv")
        local first = started(g, 5)
        assert.view_equals(bytes(first), bytes((started(g, 5))))
        assert.are_not.equal(first:bytes(), (started(g, 6)):bytes())
    end)

    it("puts components side by side, lone nodes too", function()
        local from, to = {}, {}
        for c = 0, 3 do
            for i = 1, 39 do from[#from + 1], to[#to + 1] = 40 * c + i, 40 * c + i + 1 end
        end
        local g = graph.new(170, from, to)
        local m = spec.manager()
        local position = filled(m, "f32x2", {}, 170)
        local sizes = force.start(m, rows_of(m, g), position)
        assert.same({ 40, 40, 40, 40, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 }, sizes)
        local at, label = position:download(), g:components()
        for i = 1, 170 do
            local x, y = at:get(i)
            assert.is_true(x == x and y == y)
            for j = 1, i - 1 do
                local u, v = at:get(j)
                if label[i] ~= label[j] then assert.is_true((x - u) ^ 2 + (y - v) ^ 2 > 0.5) end
            end
        end
    end)
end)

-- ---- Quality ---------------------------------------------------------------------------------

describe("quality", function()
    it("knows a perfect layout", function()
        local g, values = path_graph(100), {}
        for i = 1, 100 do values[2 * i - 1], values[2 * i] = 3 * i, 0 end
        local mine, random = force.quality(g, values, { device = spec.device })
        assert.is_true(math.abs(mine.stress) < 1e-9 and math.abs(mine.variation) < 1e-5)
        -- The ends have one neighbour each, and it is the nearest node.
        assert.equal(1, mine.neighbourhood)
        assert.equal(1, mine.neighbourhood2)
        assert.is_true(random.stress > 0.2 and random.neighbourhood < 0.2)
    end)

    it("has what of the nodes within two edges are as near as they are many, along lengths too", function()
        local values, from, to, lengths, sum = uniform(80, 2), {}, {}, {}, 0
        for i = 2, 80 do from[i - 1], to[i - 1], lengths[i - 1] = i // 3 + 1 < i and i // 3 + 1 or 1, i, i end
        local reach = {}
        for i = 1, 80 do reach[i] = {} end
        for e = 1, 79 do reach[from[e]][to[e]], reach[to[e]][from[e]] = 1, 1 end
        for i = 1, 80 do
            for j = 1, 80 do
                for k = 1, reach[i][j] == 1 and 80 or 0 do
                    if reach[j][k] == 1 and k ~= i and not reach[i][k] then reach[i][k] = 2 end
                end
            end
        end
        for i = 1, 80 do
            local others, near, both = {}, 0, 0
            for j = 1, 80 do
                if j ~= i then others[#others + 1] = j end
                near = near + (reach[i][j] and 1 or 0)
            end
            local function far(j) return (values[2 * i - 1] - values[2 * j - 1]) ^ 2 + (values[2 * i] - values[2 * j]) ^ 2 end
            table.sort(others, function(a, b) return far(a) < far(b) end)
            for k = 1, near do both = both + (reach[i][others[k]] and 1 or 0) end
            sum = sum + both / (2 * near - both)
        end
        for _, weights in ipairs { "strength", "length" } do
            local got = force.quality(graph.new(80, from, to, lengths), values, { device = spec.device, weights = weights })
            assert.is_true(math.abs(got.neighbourhood2 - sum / 80) < 1e-6, got.neighbourhood2 .. ", not " .. sum / 80)
        end
    end)

    it("refuses positions that are none", function()
        local g = path_graph(3)
        for _, values in ipairs { { 0, 0, 1, 0 / 0, 2, 2 }, { 0, 0, math.huge, 0, 2, 2 } } do
            assert.has_error(function() force.quality(g, values, { device = spec.device }) end,
                "force.quality: the positions are not all finite numbers")
        end
        assert.has_error(function() force.quality(g, { 1, 2 }, { device = spec.device }) end,
            "force.quality: 2 positions for 3 nodes")
    end)

    it("agrees with the graph's own stress", function()
        local g = grid_graph(12)
        local values = uniform(144, 2)
        local mine = force.quality(g, values, { device = spec.device, pivots = 144 })
        assert.is_true(math.abs(mine.stress - g:stress(gpumm.view("f32x2", values), { pivots = 144 })) < 1e-5)
    end)
end)

-- Pairs of edges that cross, by every pair: strictly, and without a common end.
local function crossings_of(g, at)
    local function side(i, j, k)
        return (at[2 * j - 1] - at[2 * i - 1]) * (at[2 * k] - at[2 * i])
            - (at[2 * j] - at[2 * i]) * (at[2 * k - 1] - at[2 * i - 1])
    end
    local count = 0
    for e = 1, g.edges do
        local a, b = g.from[e], g.to[e]
        for f = 1, e - 1 do
            local c, d = g.from[f], g.to[f]
            local apart = a ~= c and a ~= d and b ~= c and b ~= d
            if apart and side(a, b, c) * side(a, b, d) < 0 and side(c, d, a) * side(c, d, b) < 0 then count = count + 1 end
        end
    end
    return count
end

describe("quality counts", function()
    it("what crosses, as every pair's count does, and estimates it where edges are many", function()
        local g, values = wheel(150), uniform(151, 2)
        for k = 1, #values do values[k] = math.floor(values[k] * 64) end -- lines touch, and nodes coincide
        local mine = force.quality(g, values, { device = spec.device })
        assert.equal(crossings_of(g, values), mine.crossings)
        assert.equal(0, force.quality(wheel(3), { 0, 0, 0, 2, 2, -1, -2, -1 }, { device = spec.device }).crossings)
        -- 22,000 edges from a line to one beside it: two cross where their ends have other orders.
        local from, to, places, random, wanted, seen = {}, {}, {}, chance(5), 0, {}
        for i = 1, 22000 do
            from[i], to[i] = i, 22000 + i
            places[2 * i - 1], places[2 * i], places[44000 + 2 * i - 1], places[44000 + 2 * i] = 0, i, 1, 22000 * random()
        end
        for i = 1, 2000 do -- a sample of pairs
            local a, b = math.floor(random() * 22000) + 1, math.floor(random() * 22000) + 1
            seen[i] = (a - b) * (places[44000 + 2 * a] - places[44000 + 2 * b]) < 0
            wanted = wanted + (seen[i] and 1 or 0)
        end
        local many = force.quality(graph.new(44000, from, to), places, { device = spec.device, samples = 100, pivots = 1 })
        local share = many.crossings / (22000 * 21999 / 2)
        assert.is_true(math.abs(share - wanted / 2000) < 0.05,
            ("%g of all pairs cross, of a sample %g"):format(share, wanted / 2000))
    end)

    it("nodes on nearly one spot, and discs that overlap", function()
        local n = 200
        local g, values, radii = path_graph(n), uniform(n, 2), masses(n)
        values[1], values[2], values[5], values[6] = values[3], values[4], values[7] + 1e-6, values[8]
        for i = 1, n do radii[i] = 0.01 * radii[i] end
        local nearest, hit, same, close = {}, 0, 0, 0
        for i = 1, n do
            local overlaps
            nearest[i] = math.huge
            for j = 1, n do
                local d2 = (values[2 * i - 1] - values[2 * j - 1]) ^ 2 + (values[2 * i] - values[2 * j]) ^ 2
                if i ~= j then
                    nearest[i] = math.min(nearest[i], math.sqrt(d2))
                    overlaps = overlaps or d2 < (radii[i] + radii[j]) ^ 2
                end
            end
            hit, same = hit + (overlaps and 1 or 0), same + (nearest[i] == 0 and 1 or 0)
        end
        local sorted = table.move(nearest, 1, n, 1, {})
        table.sort(sorted)
        for i = 1, n do close = close + (nearest[i] < 0.05 * sorted[n // 2] and 1 or 0) end
        assert.is_true(close >= 4 and same == 2 and hit > same and hit < n)
        local points = force.quality(g, values, { device = spec.device })
        assert.equal(close / n, points.coincidence)
        assert.equal(same / n, points.overlap)
        assert.is_true(math.abs(force.quality(g, values, { device = spec.device, radii = radii }).overlap - hit / n) < 0.006)
        assert.has_error(function() force.quality(g, values, { device = spec.device, radii = { 1 } }) end,
            "force.quality: radii are a list, a view or a buffer of one number for each of the 200 nodes")
    end)
end)

-- ---- Whole layouts ---------------------------------------------------------------------------

describe("a layout", function()
    it("is good by every model, in the plane and in space", function()
        local g = grid_graph(25)
        for _, model in ipairs { "tforce", "forceatlas", "spring" } do
            for d = 2, 3 do
                local r = laid_out(g, { model = model, dimensions = d, steps = 150, quality = true })
                assert.equal(625, #r.positions)
                assert.is_true(r.quality.stress < 0.05, model .. d .. ": " .. force.describe(r.quality, r.random))
                assert.is_true(r.quality.neighbourhood > 0.6, model .. d .. ": " .. force.describe(r.quality, r.random))
            end
        end
    end)

    it("is no worse than PivotMDS alone, nor than its refined start by much, and ends so", function()
        for _, side in ipairs { 30, 70 } do
            local g, m = grid_graph(side), spec.manager()
            local position = filled(m, "f32x2", {}, g.nodes)
            force.start(m, rows_of(m, g), position, { rounds = 0 })
            local pivot_mds = force.quality(g, position, { manager = m })
            local begin = laid_out(g, { steps = 0, quality = true }).quality
            for _, steps in ipairs { 20, 150 } do
                local after = laid_out(g, { steps = steps, quality = true, settle = 0 }).quality
                assert.is_true(after.stress <= pivot_mds.stress, ("%d: %g, was %g"):format(steps, after.stress, pivot_mds.stress))
                assert.is_true(after.stress <= begin.stress + 1e-3, ("%d: %g, was %g"):format(steps, after.stress, begin.stress))
                assert.is_true(after.neighbourhood >= math.max(begin.neighbourhood, pivot_mds.neighbourhood))
            end
        end
        spec.close()
    end)

    it("does not fold what is long and thin", function()
        local spine, from, to = 500, {}, {}
        for i = 1, spine - 1 do from[i], to[i] = i, i + 1 end
        for i = 1, 2500 do from[#from + 1], to[#to + 1] = (i * 7919) % spine + 1, spine + i end
        local g = graph.new(spine + 2500, from, to)
        local r = laid_out(g, { quality = true })
        assert.is_true(r.quality.stress < 0.01, force.describe(r.quality, r.random))
        assert.is_true(r.quality.neighbourhood > 0.4, force.describe(r.quality, r.random))
    end)

    it("is as good by any scale of its start", function()
        local g, values = grid_graph(12), uniform(144, 2)
        for k = 1, 288 do values[k] = 1e-6 * values[k] end
        for _, model in ipairs { "tforce", "forceatlas", "spring" } do
            local r = laid_out(g, { positions = values, model = model, quality = true })
            assert.is_true(r.steps > 16, model .. " ended at once")
            assert.is_true(r.quality.neighbourhood > 0.4, model .. ": " .. force.describe(r.quality, r.random))
        end
    end)

    it("of a clique, a star or a tree is no worse than chance", function()
        local from, to = {}, {}
        for i = 1, 300 do
            for j = 1, i - 1 do from[#from + 1], to[#to + 1] = i, j end
        end
        local parent, child = {}, {}
        for i = 2, 4095 do parent[i - 1], child[i - 1] = i // 2, i end
        local hub, ray = {}, {}
        for i = 1, 3000 do hub[i], ray[i] = 1, i + 1 end
        for _, g in ipairs { graph.new(300, from, to), graph.new(4095, parent, child), graph.new(3001, hub, ray) } do
            local r = laid_out(g, { quality = true })
            assert.is_true(r.quality.stress <= r.random.stress * 1.03, g.nodes .. ": " .. force.describe(r.quality, r.random))
        end
    end)

    it("repeats bit for bit with the same seed", function()
        local g = graph.read("examples/data/debian-sample.tsv")
        local first = laid_out(g, { steps = 40, seed = 3 }).positions
        assert.view_equals(bytes(first), bytes(laid_out(g, { steps = 40, seed = 3 }).positions))
        assert.are_not.equal(first:bytes(), laid_out(g, { steps = 40, seed = 4 }).positions:bytes())
    end)

    it("leaves pinned nodes where they were, and obeys weights", function()
        local g = graph.new(3, { 1, 2 }, { 2, 3 })
        g.weights = { 1, 20 }
        local r = laid_out(g, { positions = { 0, 0, 5, 1, 10, 0 }, pinned = { 1, 3 }, steps = 200, settle = 0 })
        local at = r.positions
        assert.same({ 0, 0 }, { at:get(1) })
        assert.same({ 10, 0 }, { at:get(3) })
        assert.is_true(at:get(2) > 6, "drawn to the heavier side: " .. at:get(2))
    end)

    it("takes weights by their proportions", function()
        local function at(scale)
            local g = grid_graph(12)
            g.weights = {}
            for e = 1, g.edges do g.weights[e] = scale * (1 + e % 5) end
            return laid_out(g, { steps = 50 }).positions
        end
        assert.view_equals(bytes(at(1)), bytes(at(4096)))
        assert.view_equals(bytes(at(1)), bytes(at(1 / 4096)))
    end)

    it("parts nodes that begin on one spot, but for those that stay", function()
        local g, values = path_graph(400), {}
        for k = 1, 800 do values[k] = 5 end
        local r = laid_out(g, { positions = values, pinned = { 1, 2 } })
        local seen = {}
        for i = 1, 400 do
            local key = ("%.9g %.9g"):format(r.positions:get(i))
            assert.is_true(i == 2 or not seen[key])
            seen[key] = true
        end
        assert.same({ 5, 5 }, { r.positions:get(1) })
        assert.same({ 5, 5 }, { r.positions:get(2) })
    end)

    it("begins at positions of any kind, and refuses what are none", function()
        local g = path_graph(3)
        for _, given in ipairs { { 0, 0, 1, 0, 2, 1 }, { { 0, 0 }, { 1, 0 }, { 2, 1 } },
            gpumm.view("f32x2", { 0, 0, 1, 0, 2, 1 }) } do
            assert.view_equals({ { 0, 0 }, { 1, 0 }, { 2, 1 } }, laid_out(g, { positions = given, steps = 0 }).positions)
        end
        local function refusal(options)
            local ok, message = pcall(function() local _ = force.layout(g, options) end)
            assert.is_false(ok)
            return message:match("spec/force_spec.lua:%d+: force%.layout: (.*)")
        end
        local range = "is a number from -1e+15 to 1e+15, not "
        local nan = refusal { positions = { 0, 0, 1, 0 / 0, 2, 1 } }
        assert.equal("coordinate 2 of position 2 " .. range .. "nan", (nan:gsub("-nan", "nan")))
        assert.equal("coordinate 1 of position 1 " .. range .. "-inf", refusal { positions = { -math.huge, 0, 1, 0, 2, 1 } })
        assert.equal("coordinate 1 of position 1 " .. range .. "1e+16", refusal { positions = { 1e16, 0, 1, 0, 2, 1 } })
        assert.equal("coordinate 2 of position 3 " .. range .. "nil", refusal { positions = { 0, 0, 1, 0, 2 } })
        assert.equal("there are more positions than the 3 nodes", refusal { positions = { 0, 0, 1, 0, 2, 1, 4, 4 } })
        assert.equal("positions are a list, a view or a buffer, not x", refusal { positions = "x" })
        assert.equal("pinned names 4, which is no node from 1 to 3", refusal { pinned = { 4 } })
        assert.equal("pinned names 1.5, which is no node from 1 to 3", refusal { pinned = { 1.5 } })
        assert.equal("pinned is a list of nodes, not x", refusal { pinned = "x" })
    end)

    it("refuses options by what would be right", function()
        local function refusal(options)
            local ok, message = pcall(function() local _ = force.layout(path_graph(2), options) end)
            assert.is_false(ok)
            return message:match("spec/force_spec.lua:%d+: force%.layout: (.*)")
        end
        assert.equal("steps is a whole number from 0, not -1", refusal { steps = -1 })
        assert.equal('seed is a whole number, not "x"', refusal { seed = "x" })
        assert.equal("slots is a whole number from 2 to 64, not 1", refusal { slots = 1 })
        assert.equal("speed is a finite number from 0, not inf", refusal { speed = math.huge })
        assert.equal("cooling is a finite number from 0, not false", refusal { cooling = false })
        assert.equal("frame is a function, not 5", refusal { frame = 5 })
        assert.equal('there is no model "x"; valid: forceatlas, spring, tforce, or a table of your own', refusal { model = "x" })
        assert.equal('model: unknown option "pull"; valid: attract, gravity, length, limit, mass, repel',
            refusal { model = { pull = 1 } })
        assert.equal("options are a table, not 5", refusal(5))
    end)

    it("fills a disc evenly where all nodes are alike", function()
        local n, from, to = 300, {}, {}
        for i = 1, n do
            for j = i + 1, n do from[#from + 1], to[#to + 1] = i, j end
        end
        for _, g in ipairs { graph.new(n, from, to), graph.new(n, {}, {}) } do
            local at, rings, most, x, y = laid_out(g, { settle = 0 }).positions, {}, 0, 0, 0
            for i = 1, n do
                local u, v = at:get(i)
                x, y = x + u / n, y + v / n
            end
            local radius = {}
            for i = 1, n do
                local u, v = at:get(i)
                radius[i] = math.sqrt((u - x) ^ 2 + (v - y) ^ 2)
                most = math.max(most, radius[i])
            end
            for i = 1, n do -- ten rings of the same area
                local ring = math.min(10, 1 + math.floor(10 * (radius[i] / most) ^ 2))
                rings[ring] = (rings[ring] or 0) + 1
            end
            for ring = 1, 10 do assert.is_true(math.abs(rings[ring] - n / 10) <= n / 50, ring .. ": " .. rings[ring]) end
        end
        local ball = laid_out(graph.new(50, {}, {}), { dimensions = 3 }).positions
        local nearest = math.huge
        for i = 1, 50 do
            for j = 1, i - 1 do
                local a, b = { ball:get(i) }, { ball:get(j) }
                nearest = math.min(nearest, (a[1] - b[1]) ^ 2 + (a[2] - b[2]) ^ 2 + (a[3] - b[3]) ^ 2)
            end
        end
        assert.is_true(nearest > 0.1, "two are near: " .. nearest)
    end)

    it("is exact for up to three nodes", function()
        assert.view_equals({ { -0.5, 0 }, { 0.5, 0 } }, laid_out(path_graph(2), {}).positions)
        assert.view_equals({ { -1, 0 }, { 1, 0 }, { 0, 0 } }, laid_out(graph.new(3, { 1, 3 }, { 3, 2 }), {}).positions)
        assert.view_equals({ { -0.5, 0 }, { 0.5, 0 }, { 0, math.sqrt(0.75) } },
            laid_out(graph.new(3, { 1, 2, 3 }, { 2, 3, 1 }), {}).positions, 1e-6)
        assert.view_equals({ { -0.5, 0, 0 }, { 0.5, 0, 0 } }, laid_out(path_graph(2), { dimensions = 3 }).positions)
    end)

    it("puts no two nodes on one spot, however heavy an edge is", function()
        local from, to, weights = {}, {}, {}
        for i = 1, 40 do from[i], to[i], weights[i] = 2 * i - 1, 2 * i, 10 ^ ((i - 20) / 20) end
        local at = laid_out(graph.new(80, from, to, weights), {}).positions
        local lengths = {}
        for i = 1, 40 do
            local x, y = at:get(2 * i - 1)
            local u, v = at:get(2 * i)
            lengths[i] = math.sqrt((x - u) ^ 2 + (y - v) ^ 2)
        end
        assert.is_true(lengths[40] < lengths[1], "a heavy edge is shorter")
        table.sort(lengths)
        assert.is_true(lengths[1] > 0.05 * lengths[20], "the shortest: " .. lengths[1])
    end)

    it("holds for weights whose sum is too large for a number", function()
        local g = path_graph(10)
        g.weights = {}
        for e = 1, 9 do g.weights[e] = 1.7e308 end
        local plain = laid_out(path_graph(10), { steps = 20 }).positions
        assert.view_equals(plain, laid_out(g, { steps = 20 }).positions, 1e-4)
    end)

    local function side(ax, ay, bx, by, cx, cy) return (bx - ax) * (cy - ay) - (by - ay) * (cx - ax) end

    -- Pairs of edges that cross, of those with the numbers `some` with any other; every edge by itself, without cells.
    local function crossings(at, from, to, some)
        local edges, count = {}, 0
        for e = 1, #from do
            local ax, ay = at:get(from[e])
            local bx, by = at:get(to[e])
            edges[e] = { ax, ay, bx, by, from[e], to[e] }
        end
        local function parts(a, b)
            return side(a[1], a[2], a[3], a[4], b[1], b[2]) * side(a[1], a[2], a[3], a[4], b[3], b[4]) < 0
        end
        for i, a in ipairs(edges) do
            for j = 1, i - 1 do
                local b = edges[j]
                local apart = a[5] ~= b[5] and a[5] ~= b[6] and a[6] ~= b[5] and a[6] ~= b[6]
                if (not some or some(i) or some(j)) and apart and parts(a, b) and parts(b, a) then count = count + 1 end
            end
        end
        return count
    end

    local function legs_of(hub, legs, length, from, to, nodes)
        for _ = 1, legs do
            local last = hub()
            for _ = 1, length do
                nodes = nodes + 1
                from[#from + 1], to[#to + 1], last = last, nodes, nodes
            end
        end
        return nodes
    end

    it("draws trees and legs without crossings, and no two nodes in one place", function()
        local random = chance(7)
        local binary, tree, legs, star, forest = { {}, {} }, { {}, {} }, { {}, {} }, { {}, {} }, { {}, {} }
        for i = 2, 255 do binary[1][i - 1], binary[2][i - 1] = i // 2, i end
        for i = 2, 250 do tree[1][i - 1], tree[2][i - 1] = 1 + math.floor(random() * (i - 1)), i end
        legs_of(function() return 1 end, 10, 20, legs[1], legs[2], 1)
        for i = 2, 200 do star[1][i - 1], star[2][i - 1] = 1, i end
        for i = 2, 200 do
            if i % 10 ~= 1 then table.insert(forest[1], i - 1 - (i - 2) % 10 // 2) table.insert(forest[2], i) end
        end
        for name, t in pairs { binary = binary, tree = tree, legs = legs, star = star, forest = forest } do
            local at = laid_out(graph.new(t[2][#t[2]], t[1], t[2]), {}).positions
            assert.equal(0, crossings(at, t[1], t[2]), name)
            local places = {}
            for i = 1, #at do
                local key = ("%.4f %.4f"):format(at:get(i))
                assert.is_nil(places[key], name)
                places[key] = i
            end
        end
    end)

    it("takes crossings from what hangs on a graph, and leaves the rest where it is", function()
        local from, to = { 1, 2, 3, 1, 2, 3 }, { 2, 3, 1, 4, 5, 6 }
        local start = { 0, 0, 4, 0, 2, 3, 5, -1, 3.8, -1, 2, 4 } -- the edge from 1 to 4 crosses the one from 2 to 5
        local position = filled(spec.manager(), "f32x2", start)
        assert.equal(1, crossings(position:download(), from, to))
        untangling.new(graph.new(6, from, to), { dimensions = 2 }):finish(position)
        local at = position:download()
        assert.equal(0, crossings(at, from, to))
        local moved = {}
        for i = 1, 6 do
            local x, y = at:get(i)
            if x ~= start[2 * i - 1] or y ~= start[2 * i] then moved[#moved + 1] = i end
        end
        assert.equal(1, #moved)
        assert.is_true(moved[1] == 4 or moved[1] == 5)
        assert.is_nil(untangling.new(graph.new(6, from, to), { dimensions = 3 }))
        assert.is_nil(untangling.new(graph.new(6, from, to), { dimensions = 2, pinned = { 1 } }))
    end)

    it("has few crossings of legs on a mesh, and repeats", function()
        local from, to, random = {}, {}, chance(3)
        for y = 0, 9 do
            for x = 1, 10 do
                local i = 10 * y + x
                if x < 10 then from[#from + 1], to[#to + 1] = i, i + 1 end
                if y < 9 then from[#from + 1], to[#to + 1] = i, i + 10 end
            end
        end
        local rest = #from
        local n = legs_of(function() return 1 + math.floor(random() * 100) end, 10, 8, from, to, 100)
        local at = laid_out(graph.new(n, from, to), {}).positions
        local count = crossings(at, from, to, function(e) return e > rest end)
        assert.is_true(count <= 40, count .. " crossings of 80 edges of legs") -- each leaves the mesh
        assert.same(at:totable(), laid_out(graph.new(n, from, to), {}).positions:totable())
    end)

    it("stays where it is, so that it comes to rest", function()
        local function middle(f)
            local x, y = 0, 0
            for _, u, v in f.position:each() do x, y = x + u, y + v end
            return { x / #f.position, y / #f.position }
        end
        local function moves(g, steps, dimensions)
            local first, farthest = nil, 0
            local result = laid_out(g, { steps = steps, dimensions = dimensions, pinned = {}, frame = function(_, f) -- none is
                local now = middle(f)
                first = first or now
                farthest = math.max(farthest, math.abs(now[1] - first[1]), math.abs(now[2] - first[2]))
            end })
            return farthest, result.steps
        end
        local few = graph.new(5, { 1, 1, 2, 3, 4 }, { 2, 3, 3, 4, 5 }) -- a few steps off, of some 3 edges' width
        for _, dimensions in ipairs { 2, 3 } do
            local farthest, steps = moves(few, 3000, dimensions)
            assert.is_true(farthest < 1 and steps < 1000, farthest .. " in " .. steps)
        end
        local random, from, to = chance(7), {}, {}
        for i = 2, 300 do
            for _ = 1, 2 do from[#from + 1], to[#to + 1] = 1 + math.floor(random() * (i - 1)), i end
        end
        assert.is_true(moves(graph.new(300, from, to), 1500) < 0.3)
    end)

    it("ends when nothing moves any more, and refuses what it does not know", function()
        assert.is_true(laid_out(path_graph(10), { steps = 5000, settle = 0.01 }).steps < 1000)
        assert.has_error(function() force.layout(path_graph(2), { colour = 1 }) end)
        assert.has_error(function() force.layout(path_graph(2), { dimensions = 4 }) end)
        local function refused(text, model) support.raises(text, force.layout, path_graph(2), { model = model }) end
        refused("model: repel is an expression of CUDA C, a text, not 1", { repel = 1 })
        refused("model: limit is a finite number from 0, not -1", { limit = -1 })
        refused('model: unknown option "repell" (did you mean "repel"?)', { repell = "1.0f" })
    end)
end)

-- ---- Graphs that grow ------------------------------------------------------------------------

describe("a growing graph", function()
    after_each(spec.close)

    it("seats new nodes at the middle of their placed neighbours, and moves nobody", function()
        local m = spec.manager()
        local g = graph.new(7, { 1, 4, 4, 5, 6 }, { 2, 1, 2, 4, 5 }) -- 4 knows 1 and 2, 5 knows 4, 6 knows 5; 7 nobody
        local of = rows_of(m, g)
        local values = { 0, 0, 4, 0, 9, 9, 7, 7, 7, 7, 7, 7, 7, 7 }
        local position = filled(m, "f32x2", values)
        force.seat(m, of, position, 3, 0.125)
        local at = position:download()
        assert.view_equals({ { 0, 0 }, { 4, 0 }, { 9, 9 } }, position:download(1, 3))
        for i = 4, 6 do
            local x, y = at:get(i)
            assert.is_true(math.abs(x - 2) <= 0.125 * (i - 3) and math.abs(y) <= 0.125 * (i - 3), i .. " sits elsewhere")
        end
        local x, y = at:get(7)
        assert.is_true(x ~= 7 and x == x and y == y)
    end)

    it("ends as large as the graph, in place, with every frame", function()
        local g, grown, frames, address = grid_graph(40), {}, {}, nil
        local r = force.growing(g, {
            device = spec.device, first = 200, batch = 300, every = 5, steps = 150, capture = 5, quality = true,
            grown = function(sim, step, count)
                grown[#grown + 1] = { step, count, #sim.nodes, #sim.edges }
                address = address or sim.nodes.position.address
                assert.equal(address, sim.nodes.position.address)
            end,
            frame = function(_, f) frames[#frames + 1] = { f.step, #f.position, f.dropped } end,
        }):run()
        local function edges(n) -- of the first n nodes of a 40 x 40 grid
            local right = n - n // 40 - (n % 40 > 0 and 1 or 0)
            return right + math.max(0, n - 40)
        end
        assert.same({ { 1, 200, 200, edges(200) }, { 6, 300, 500, edges(500) }, { 11, 300, 800, edges(800) },
            { 16, 300, 1100, edges(1100) }, { 21, 300, 1400, edges(1400) }, { 26, 200, 1600, edges(1600) } }, grown)
        assert.equal(1600, #r.positions)
        assert.equal(r.steps // 5, #frames)
        assert.same({ 5, 200, 0 }, frames[1])
        assert.same({ 10, 500, 0 }, frames[2])
        assert.is_true(r.quality.stress < 0.5 * r.random.stress, force.describe(r.quality, r.random))
    end)

    it("keeps what is there where it is", function()
        local g = grid_graph(30)
        local sim = force.growing(g, { device = spec.device, first = 450, batch = 450, every = 20, steps = 20 })
        sim:open()
        sim:advance(20)
        local before = sim.nodes.position:download()
        sim:advance(1)
        local after = sim.nodes.position:download()
        local limit = math.max(sim.warmth / 0.9, 1) / sim.engine.unit * 1.2
        sim:close()
        assert.equal(450, #before)
        assert.equal(900, #after)
        for i = 1, 450 do
            local x, y = before:get(i)
            local u, v = after:get(i)
            assert.is_true(math.sqrt((x - u) ^ 2 + (y - v) ^ 2) <= limit)
        end
    end)
end)
