-- successes: 28, numpy: 1
-- SPDX-License-Identifier: MIT
-- Every script of examples/gallery, with small inputs: what it computes is held against a plain reference, or against what
-- must stay the same. Scripts return what they found; those that start processes of their own are run as users run them. (Its
-- spec with faults is a test by itself.)

local gpumm = require "gpumm"
local support = require "spec.support"

local folder = support.folder()
teardown(folder.remove)

-- Runs a script as gpumm-run does, in this process; returns what it returns, and what it printed.
local function run(script, words)
    local arguments, said = {}, {}
    for word in (words or ""):gmatch "%S+" do arguments[#arguments + 1] = word == "F" and "" or word end
    local environment = setmetatable({
        arg = arguments,
        print = function(text) said[#said + 1] = text end,
    }, { __index = _G })
    local result = assert(loadfile("examples/gallery/" .. script .. ".lua", "t", environment))()
    return result, table.concat(said, "\n")
end

-- With its picture, which must be one.
local function drawn(script, words, kind)
    local name = "picture." .. (kind or "png")
    local result, said = run(script, ("--out %s %s"):format(folder.beside(name), words))
    assert.equal(kind == "svg" and "<svg" or "\137PNG", folder.read(name):sub(1, 4))
    os.remove(folder.beside(name))
    return result, said
end

local function near(expected, actual, tolerance)
    if math.abs(expected - actual) > tolerance then
        error(("%.9g is not near %.9g"):format(actual, expected), 2)
    end
end

local function wrapped(i, size) return i % size end

describe("gallery, particles:", function()
    it("boids all fly equally fast, and stay in the world", function()
        local result = drawn("particles/boids", "--n 300 --steps 12")
        assert.equal(300, #result.speeds)
        for _, x, y in result.speeds:each() do near(0.25, math.sqrt(x * x + y * y), 1e-4) end
        for _, x, y in result.positions:each() do assert(x >= 0 and x <= 128 and y >= 0 and y <= 96) end
    end)

    it("a spatial hash finds what all pairs find", function()
        local result = drawn("particles/spatial_hash", "--n 400 --radius 0.11")
        local points = result.points:totable()
        for i, count in result.counts:each() do
            local found = -1
            for _, p in ipairs(points) do
                local dx, dy = p[1] - points[i][1], p[2] - points[i][2]
                found = found + (dx * dx + dy * dy <= result.radius ^ 2 and 1 or 0)
            end
            assert.equal(found, count)
        end
    end)

    it("bodies pull at one another as Newton says, and keep their momentum", function()
        local result = drawn("particles/nbody", "--n 256 --steps 3")
        near(0, result.drift, 1e-5)
        local bodies, x, y, z = {}, {}, {}, {}
        for i, bx, by, bz, mass in result.bodies:each() do -- as they were before they moved
            local vx, vy, vz = result.speeds:get(i)
            bodies[i], x[i], y[i], z[i] = mass, bx - result.dt * vx, by - result.dt * vy, bz - result.dt * vz
        end
        for i = 1, 256, 17 do
            local sum = { 0, 0, 0 }
            for k, mass in ipairs(bodies) do
                local d = { x[k] - x[i], y[k] - y[i], z[k] - z[i] }
                local by = mass / (d[1] ^ 2 + d[2] ^ 2 + d[3] ^ 2 + 4e-4) ^ 1.5
                for c = 1, 3 do sum[c] = sum[c] + by * d[c] end
            end
            local force = { result.forces:get(i) }
            for c = 1, 3 do near(sum[c], force[c], 0.01 * (1 + math.abs(sum[c]))) end
        end
    end)

    it("drops of water have the density of all pairs, and stay in the tank", function()
        local result = drawn("particles/sph", "--n 250 --steps 4")
        local drops = result.before:totable()
        for i, density in result.densities:each() do
            local sum = 0
            for _, p in ipairs(drops) do
                local q = 1 - math.sqrt((p[1] - drops[i][1]) ^ 2 + (p[2] - drops[i][2]) ^ 2)
                if q > 0 then sum = sum + q * q end
            end
            near(sum, density, 1e-4)
        end
        for _, x, y in result.positions:each() do assert(x >= 0.5 and x <= 95.5 and y >= 0.5 and y <= 63.5) end
    end)

    it("a Z-curve visits every particle once, in the order of interleaved bits", function()
        local result = drawn("particles/morton", "--n 300")
        local seen, last = {}, -1
        for i, key in result.keys:each() do
            assert(key >= last)
            last, seen[result.order[i]] = key, true
        end
        for i = 0, 299 do assert.is_true(seen[i]) end
        assert(result.jump.after < result.jump.before / 4)
    end)
end)

describe("gallery, fields:", function()
    it("two substances react as a plain loop says", function()
        local result = drawn("fields/reaction_diffusion", "--size 32 --steps 30")
        local size, field = 32, result.start:totable()
        local function at(x, y) return field[wrapped(y, size) * size + wrapped(x, size) + 1] end
        for _ = 1, 30 do
            local following = {}
            for y = 0, size - 1 do
                for x = 0, size - 1 do
                    local c, a, b, d, e = at(x, y), at(x - 1, y), at(x + 1, y), at(x, y - 1), at(x, y + 1)
                    local eaten = c[1] * c[2] ^ 2
                    following[y * size + x + 1] = {
                        c[1] + 0.2 * (a[1] + b[1] + d[1] + e[1] - 4 * c[1]) - eaten + 0.0545 * (1 - c[1]),
                        c[2] + 0.1 * (a[2] + b[2] + d[2] + e[2] - 4 * c[2]) + eaten - (0.0545 + 0.062) * c[2],
                    }
                end
            end
            field = following
        end
        for i, u, v in result.field:each() do
            near(field[i][1], u, 1e-4)
            near(field[i][2], v, 1e-4)
        end
    end)

    it("life goes on as a plain loop says", function()
        local result = drawn("fields/life", "--width 48 --height 32 --steps 10")
        local w, h, cells = 48, 32, result.first:totable()
        for _ = 1, 10 do
            local following = {}
            for y = 0, h - 1 do
                for x = 0, w - 1 do
                    local sum = 0
                    for dy = -1, 1 do
                        for dx = -1, 1 do sum = sum + cells[wrapped(y + dy, h) * w + wrapped(x + dx, w) + 1] end
                    end
                    local self = cells[y * w + x + 1]
                    following[y * w + x + 1] = (sum - self == 3 or self == 1 and sum - self == 2) and 1 or 0
                end
            end
            cells = following
        end
        assert.same(cells, result.last:totable())
    end)

    it("a glider has come back one cell further after four steps", function()
        local result = run("fields/life", "--out F --width 32 --height 32 --steps 4 --start glider")
        for i, cell in result.first:each() do
            local x, y = (i - 1) % 32, (i - 1) // 32
            assert.equal(cell, result.last[wrapped(y + 1, 32) * 32 + wrapped(x + 1, 32) + 1])
        end
        assert.equal(5, result.alive)
    end)

    it("heat in a mesh is neither made nor lost", function()
        local result = drawn("fields/heat_mesh", "--rows 9 --steps 40")
        near(result.total, result.sum, 1e-3 * result.total)
        local near_of, first = result.mesh:neighbours()
        local heat = result.start
        for _ = 1, 40 do
            local following = {}
            for i = 1, #heat do
                local sum = 0
                for k = first[i], first[i + 1] - 1 do sum = sum + heat[near_of[k]] - heat[i] end
                following[i] = heat[i] + 0.12 * sum
            end
            heat = following
        end
        for i, t in result.heat:each() do near(heat[i], t, 1e-3) end
    end)

    it("waves are the same above and below, and pass the slits", function()
        local result = drawn("fields/wave", "--width 96 --height 64 --steps 80")
        assert.equal(0, result.uneven)
        assert(result.behind > 0.001 and result.behind < 2)
    end)

    it("the Mandelbrot set is symmetric, and where a plain loop finds it", function()
        local result = drawn("fields/mandelbrot", "--width 128 --most 60")
        local w, h, wrong = result.width, result.height, 0
        local step = 3.2 / w
        for y = 0, h // 2 - 1 do
            for x = 0, w - 1 do
                local inside = result.inside[y * w + x + 1]
                assert.equal(inside, result.inside[(h - 1 - y) * w + x + 1])
                local cx, cy, a, b = -2.25 + (x + 0.5) * step, h / 2 * step - (y + 0.5) * step, 0, 0
                for _ = 1, 60 do
                    a, b = a * a - b * b + cx, 2 * a * b + cy
                    if a * a + b * b >= 64 then break end
                end
                if (a * a + b * b < 4 and 1 or 0) ~= inside then wrong = wrong + 1 end
            end
        end
        assert(wrong <= 5, wrong)
        near(1.5066, result.area, 0.1)
    end)
end)

describe("gallery, primitives:", function()
    it("a histogram, extremes and the median are those of a plain loop", function()
        local result = drawn("primitives/histogram", "--n 5000 --bins 16", "svg")
        local values, bins, sum = result.values:totable(), {}, 0
        for i = 1, 16 do bins[i] = 0 end
        for _, v in ipairs(values) do
            sum = sum + v
            bins[math.floor(v * 4) + 1] = bins[math.floor(v * 4) + 1] + 1
        end
        table.sort(values)
        assert.same(bins, result.counts:totable())
        assert.same({ values[1], values[5000], values[2500] }, { result.least, result.most, result.median })
        near(sum / 5000, result.mean, 1e-4)
    end)

    it("compaction keeps the primes, and lays them on a spiral", function()
        local result = drawn("primitives/compaction", "--n 2000")
        assert.equal(303, result.found)
        assert.is_true(result.same)
        local sieve, primes = {}, {}
        for i = 2, 2000 do
            if not sieve[i] then
                primes[#primes + 1] = i
                for k = i * i, 2000, i do sieve[k] = true end
            end
        end
        assert.same(primes, result.primes:totable())
        local points = result.points:totable()
        assert.same({ { 1, 0 }, { 1, 1 }, { -1, 1 }, { -1, -1 } }, { points[1], points[2], points[3], points[4] })
    end)
end)

describe("gallery, memory:", function()
    it("each policy gives a slow reader what it promises", function()
        local result = drawn("memory/readback_policies", "--steps 12", "svg")
        assert.same({ 1, 2, 7, 10 }, result.seen.drop)
        assert.same({ 2, 6, 9, 12 }, result.seen.newest)
        assert.same({ 1, 2, 7, 10 }, result.seen.wait)
        for policy, taken in pairs(result.seen) do assert.equal(12, #taken + result.dropped[policy]) end
    end)

    it("a manager stops at its own budget", function()
        local result = drawn("memory/budgets", "--second 4MiB", "svg")
        assert.same({ 2, 4 }, { result.who, result.rounds })
        support.says(result.refused, "OVER_LIMIT", "'edges'", "limit 4.0 MiB")
        assert.same({ 13 << 20, 4 << 20 }, result.used)
    end)

    it("and all of them at the script's", function()
        local text, code = support.said(("'%s' --quiet --device host --limit 20MiB examples/gallery/memory/budgets.lua --out ''")
            :format(support.gpumm_run()))
        assert.equal(0, code, text)
        support.says(text, "round 5: manager 1 is refused", "over the limit that several managers share", "limit 20.0 MiB")
    end)

    it("growth follows its schedule, and moves nothing", function()
        local result = drawn("memory/growth_functions", "--most 8000", "svg")
        local geometric, linear, list, exact, own = table.unpack(result)
        for i = 2, #geometric.capacities do
            assert.equal(math.ceil(1.5 * geometric.capacities[i - 1]), geometric.capacities[i])
        end
        assert.same({ 500, 3000, 6000, 9000 }, linear.capacities)
        assert.same({ 500, 1024, 8192 }, list.capacities)
        assert.equal(76, #exact.capacities)
        assert.same({ 500, 1000, 2000, 4000, 5000, 6000, 7000, 8000 }, own.capacities)
        for i, one in ipairs(result) do
            if gpumm.environment "GPUMM_NO_VMM" == nil then assert.is_false(one.moved) end
            assert.same({ i, 0 }, { one.first, one.last })
        end
    end)

    it("a picture of memory has the peak that the trace has", function()
        local result = drawn("memory/memory_picture", "--trace " .. folder.beside "memory.json", "svg")
        assert.equal(14, result.frames)
        assert(result.peak.total > 30 << 20 and result.peak.total < 128 << 20)
        assert(result.peak.now.buffers >= 9 << 20)
    end)
end)

-- What the kernel of live_page.lua does, as a plain loop.
local function net_in_the_wind(side, steps, stiff, wind)
    local at, speed = {}, {}
    for i = 0, side * side - 1 do at[i + 1], speed[i + 1] = { i % side, -(i // side) }, { 0, 0 } end
    for time = 1, steps do
        local following = {}
        for i = 0, side * side - 1 do
            local x, y, p, v = i % side, i // side, at[i + 1], speed[i + 1]
            local fx, fy = wind * math.sin(0.05 * time + 0.3 * y), -0.004
            for _, way in ipairs { { 1, 0 }, { -1, 0 }, { 0, 1 }, { 0, -1 } } do
                local q = x + way[1] >= 0 and x + way[1] < side and at[(y + way[2]) * side + x + way[1] + 1]
                if q then
                    local d = math.sqrt((q[1] - p[1]) ^ 2 + (q[2] - p[2]) ^ 2)
                    fx, fy = fx + stiff * (d - 0.8) / d * (q[1] - p[1]), fy + stiff * (d - 0.8) / d * (q[2] - p[2])
                end
            end
            if y > 0 then v[1], v[2] = 0.985 * v[1] + fx, 0.985 * v[2] + fy end
            following[i + 1] = { p[1] + v[1], p[2] + v[2] }
        end
        at = following
    end
    return at
end

describe("gallery, running:", function()
    it("a recording does what calls one by one do", function()
        local result = drawn("running/recordings", "--n 500 --steps 2")
        assert.is_true(result.same)
        assert.equal(24, result.count)
        for _, x, y in result.points:each() do assert(math.abs(x) <= 2 and math.abs(y) <= 2) end
    end)

    it("a trace has every kernel, on its stream", function()
        local result = drawn("running/trace", "--n 2000 --trace " .. folder.beside "trace.json", "svg")
        assert.same({ 3, 6 }, { result.streams, result.kernels })
    end)

    it("coroutines see every frame of their own", function()
        local result = drawn("running/coroutines", "--n 40 --steps 50")
        local bands = { { 1, 9 }, { 2, 5 }, { 6, 3 } }
        for band, speeds in ipairs(bands) do
            local crossings, before = 0, 0
            for step = 1, 50 do
                for i = 0, 39 do
                    local expected = math.cos(0.05 * step * (speeds[1] + (speeds[2] - speeds[1]) * i / 40))
                    near(expected, result.image[((band - 1) * 50 + step - 1) * 40 + i + 1], 1e-4)
                    if i == 0 then
                        if before * expected < 0 then crossings = crossings + 1 end
                        before = expected
                    end
                end
            end
            assert.equal(crossings, result.crossings[band])
        end
    end)

    it("a net of the live page hangs on its upper edge, and does what viewers ask", function()
        local sim <close> = run("running/live_page", "--side 6 --steps 20")
        sim:open { device = gpumm.environment "GPUMM_DEVICE" or "host" }
        assert.equal("A net in the wind", sim:event { kind = "describe" }.title)
        assert.is_true(sim:event { kind = "set", name = "wind", value = 0.02 })
        assert.equal(0.02, sim.wind)
        sim:advance(20)
        local last = sim:conclude()
        local at = net_in_the_wind(6, 20, 0.2, 0.02)
        for i, x, y in last:each() do
            near(at[i][1], x, 1e-3)
            near(at[i][2], y, 1e-3)
        end
        for i = 1, 6 do assert.same({ i - 1, 0 }, { last:get(i) }) end
        assert.equal(60, #sim.edges)
    end)

    it("plugins do what they may, and no more", function()
        local works, disk, kernel, greedy, endless = table.unpack((run "running/plugins"))
        assert.same({ 0, 1, 1, 1, 1 }, { works.code, disk.code, kernel.code, greedy.code, endless.code })
        support.contains("the sum is 2000", works.said)
        support.contains("is not allowed", disk.said)
        support.contains("kernels are not allowed", kernel.said)
        support.contains("limit 8.0 MiB", greedy.said)
        support.contains("timeout 0.5 seconds", endless.said)
    end)

    it("another process sees a buffer that grows", function()
        local result = run("running/two_processes", "--n 800 --out F")
        assert.equal("", result.complaint)
        assert.equal(("800 points, the last at %.6f; a frame of step 9 with 800"):format(result.last), result.said)
        assert.is_false(result.moved)
    end)

    it("Python sees the frame that was captured #numpy", function()
        local python, library = os.getenv "GPUMM_PYTHON" or "python3", support.gpumm_run():match "^(.*)/" .. "/libgpumm.so"
        local text = support.said(("PYTHONPATH=python PYTHONDONTWRITEBYTECODE=1 GPUMM_LIBRARY='%s' '%s' --quiet %s --python '%s'")
            :format(library, support.gpumm_run(), "examples/gallery/running/python_reader.lua", python))
        support.contains("Python: 10000 points of step 5, around 5.5001, 0.000", text)
    end)
end)

describe("gallery, graphs:", function()
    it("communities have more edges within than between", function()
        local result = drawn("graphs/reading", "--around yarnpkg --radius 1 --steps 20")
        local sum = 0
        for _, size in ipairs(result.sizes) do sum = sum + size end
        assert.equal(result.nodes, sum)
        assert(result.within > 0.5 and result.stress < result.random)
    end)

    it("a tree grows to its last node at one address", function()
        local result = drawn("graphs/growing_tree", "--n 120 --every 1")
        assert.equal(120, result.nodes)
        assert(result.grown > 10 and result.stress < result.random)
        if gpumm.environment "GPUMM_NO_VMM" == nil then assert.equal(1, result.places) end
    end)

    it("cores are what is left where nodes are taken one by one", function()
        local result = run("graphs/kcore", "--n 120 --out F")
        local near_of, first = result.graph:neighbours()
        for k = 1, #result.sizes + 1 do
            local alive, again = {}, true
            for i = 1, result.graph.nodes do alive[i] = true end
            while again do
                again = false
                for i = 1, result.graph.nodes do
                    local degree = 0
                    for at = first[i], first[i + 1] - 1 do degree = degree + (alive[near_of[at]] and 1 or 0) end
                    if alive[i] and degree < k then alive[i], again = false, true end
                end
            end
            local left = 0
            for i = 1, result.graph.nodes do
                left = left + (alive[i] and 1 or 0)
                assert.equal(alive[i], result.coreness[i] >= k)
            end
            assert.equal(result.sizes[k] or 0, left)
        end
    end)

    it("a torus finds its shape in space", function()
        local result = drawn("graphs/space", "--around 24 --across 8 --steps 60")
        assert(result.stress < 0.1 and result.stress < result.random / 4)
    end)
end)
