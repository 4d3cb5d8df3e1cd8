-- successes: 14
-- SPDX-License-Identifier: MIT
-- Layouts of nodes with sizes: none lies on another, and pictures draw what the layout made room for. Nodes without sizes are
-- off one another's spots.

local gpumm = require "gpumm"
local spec = require "gpumm.spec"
local even_discs = require "gpumm.force.sizes".even
local untangling = require "gpumm.force.untangling"
local grid_graph = require "spec.graphs".grid
local force, graph = gpumm.force, gpumm.graph

local function laid_out(g, options)
    options.device = spec.device
    return force.layout(g, options):run()
end

-- Pairs that lie on one another, and what all discs cover.
local function overlaps(r)
    local count, area = 0, 0
    for i = 1, #r.positions do
        local a = { r.positions:get(i) }
        area = area + math.pi * r.radii[i] ^ 2
        for j = 1, i - 1 do
            local square = 0
            for k, v in ipairs { r.positions:get(j) } do square = square + (a[k] - v) ^ 2 end
            if math.sqrt(square) < (r.radii[i] + r.radii[j]) * (1 - 1e-6) then count = count + 1 end
        end
    end
    return count, area
end

describe("a layout of nodes with sizes", function()
    it("has no overlap, keeps the stress, and gives each its share of the room", function()
        local g, sizes = grid_graph(14), {}
        local plain = laid_out(g, { quality = true }).quality
        for name, size in pairs { alike = function() return 7 end, various = function(i) return 1e300 * (1 + i * 37 % 11) end } do
            for i = 1, 196 do sizes[i] = size(i) end
            local r = laid_out(g, { sizes = sizes, quality = true })
            local count, area = overlaps(r)
            assert.equal(0, count)
            assert.equal(0, r.quality.overlap)
            assert.is_true(r.quality.stress <= 1.1 * plain.stress, ("%s: stress %g, was %g"):format(name, r.quality.stress,
                plain.stress))
            local edge = 0
            for e = 1, g.edges do
                local a, b = r.positions:get(g.from[e])
                local c, d = r.positions:get(g.to[e])
                edge = edge + math.sqrt((a - c) ^ 2 + (b - d) ^ 2) / g.edges
            end
            local share = area / (14 * edge) ^ 2
            assert.is_true(share > 0.2 and share < 0.5, name .. ": discs cover " .. share)
            for i = 2, 196 do
                local wanted = math.sqrt(sizes[i] / sizes[1])
                assert.is_true(math.abs(r.radii[i] / r.radii[1] / wanted - 1) < 1e-5)
            end
        end
    end)

    it("keeps the stress where a few discs are as large as all others together", function()
        local g, sizes = grid_graph(14), {}
        local function measured(r) return (force.quality(g, r.positions, { pivots = 196, device = spec.device })) end
        local plain = measured(laid_out(g, {}))
        for i = 1, 196 do sizes[i] = 196 / (i * 89 % 197) end -- the k-th largest is one k-th of the largest
        local r = laid_out(g, { sizes = sizes })
        local mine = measured(r)
        assert.equal(0, (overlaps(r)))
        assert.is_true(mine.stress <= 1.1 * plain.stress, ("stress %g, was %g"):format(mine.stress, plain.stress))
        assert.is_true(mine.neighbourhood > 0.85, mine.neighbourhood)
    end)

    it("has no overlap where the graph grew", function()
        local g, sizes = grid_graph(9), {}
        for i = 1, 81 do sizes[i] = i % 27 == 0 and 40 or 1 + i % 5 end
        local r = force.growing(g, { sizes = sizes, first = 20, batch = 30, steps = 30, quality = true,
            device = spec.device }):run()
        assert.equal(81, #r.radii)
        assert.equal(0, (overlaps(r)))
        assert.equal(0, r.quality.overlap)
        assert.is_true(math.abs(r.radii[27] / r.radii[1] - math.sqrt(20)) < 1e-4)
        assert.has_error(function() local _ = force.growing(g, { sizes = { 1 } }) end,
            "force.growing: there are 1 sizes for 81 nodes")
    end)

    it("finds room in crowds, in space, and without edges, the same each time", function()
        local from, to, sizes = {}, {}, {}
        for i = 2, 300 do from[i - 1], to[i - 1] = i <= 150 and 1 or i - 149, i end -- a star whose rays have one more node
        for i = 1, 300 do sizes[i] = i % 50 == 0 and 200 or i % 3 end
        for _, g in ipairs { graph.new(300, from, to), graph.new(300, {}, {}) } do
            for d = 2, 3 do
                local r = laid_out(g, { sizes = sizes, dimensions = d, steps = 60 })
                assert.equal(0, (overlaps(r)))
                if d == 2 then
                    local again = laid_out(g, { sizes = sizes, steps = 60 })
                    assert.view_equals(gpumm.view("u8", r.positions:bytes()), gpumm.view("u8", again.positions:bytes()))
                end
            end
        end
    end)

    it("leaves who is pinned, and makes others give way", function()
        local g, sizes = grid_graph(6), {}
        for i = 1, 36 do sizes[i] = 1 + i % 4 end
        local at = {}
        for i = 1, 36 do at[i] = { (i - 1) % 6 * 0.5, (i - 1) // 6 } end
        local r = laid_out(g, { sizes = sizes, positions = at, pinned = { 1, 15 }, steps = 20 })
        assert.same({ 0, 0 }, { r.positions:get(1) })
        assert.same({ 1, 2 }, { r.positions:get(15) })
        assert.equal(0, (overlaps(r)))
    end)

    it("refuses what is no size", function()
        local function refusal(sizes)
            local ok, message = pcall(function() local _ = force.layout(grid_graph(2), { sizes = sizes }) end)
            assert.is_false(ok)
            return message:match "force%.layout: (.*)"
        end
        assert.equal("sizes are a list or a column, not 7", refusal(7))
        assert.equal("there are 3 sizes for 4 nodes", refusal { 1, 2, 3 })
        assert.equal("size 2 is a number from 0, not -1", refusal { 1, -1, 1, 1 })
        assert.equal("size 4 is a number from 0, not inf", refusal { 1, 1, 1, math.huge })
        assert.is_nil(laid_out(grid_graph(2), { sizes = { 0, 0, 0, 0 }, steps = 2 }).radii)
    end)

    -- How wide and how high all of it is.
    local function box(r)
        local low, high = { math.huge, math.huge }, { -math.huge, -math.huge }
        for _, x, y in r.positions:each() do
            for k, v in ipairs { x, y } do low[k], high[k] = math.min(low[k], v), math.max(high[k], v) end
        end
        return high[1] - low[1], high[2] - low[2]
    end

    it("has components side by side in a picture's proportions, discs and all", function()
        local from, to, sizes, n = {}, {}, {}, 0
        for c = 1, 60 do
            for i = 2, 1 + c % 5 do from[#from + 1], to[#to + 1] = n + i // 2, n + i end
            n = n + 1 + c % 5
        end
        for i = 1, n do sizes[i] = 1 + i % 9 end
        local g = graph.new(n, from, to)
        local plain = laid_out(g, { steps = 50 })
        local width, height = box(plain)
        assert.is_true(width / height > 1 and width / height < 1.8, width .. " x " .. height)
        assert.is_true(width * height < 12 * n, "it is wide: " .. width .. " x " .. height)
        assert.equal(0, (overlaps(laid_out(g, { sizes = sizes, steps = 50 }))))
    end)

    it("lies flat where it is longer than wide", function()
        local from, to = {}, {}
        for i = 1, 120 do -- four rows of thirty
            if i % 30 ~= 0 then from[#from + 1], to[#to + 1] = i, i + 1 end
            if i <= 90 then from[#from + 1], to[#to + 1] = i, i + 30 end
        end
        local width, height = box(laid_out(graph.new(120, from, to), { steps = 50 }))
        assert.is_true(width > 5 * height, width .. " x " .. height)
    end)

    it("has small components along one that is longer than a picture", function()
        local from, to, n = {}, {}, 300
        for i = 2, 300 do from[i - 1], to[i - 1] = i - 1, i end
        for c = 1, 80 do
            for i = 2, 1 + c % 4 do from[#from + 1], to[#to + 1] = n + 1, n + i end
            n = n + 1 + c % 4
        end
        local r = laid_out(graph.new(n, from, to), { steps = 20 })
        local width, height = box(r)
        assert.is_true(width > 20 * height, width .. " x " .. height)
        local low, high = r.positions:get(1), r.positions:get(300)
        low, high = math.min(low, high), math.max(low, high)
        assert.is_true(width < 1.1 * (high - low), "nothing is beyond its ends")
        for i = 301, n do
            for j = 1, 300 do
                local x, y = r.positions:get(i)
                local u, v = r.positions:get(j)
                assert.is_true((x - u) ^ 2 + (y - v) ^ 2 > 0.04, "they are apart")
            end
        end
    end)

    it("is drawn to scale", function()
        local path = os.tmpname() .. ".png"
        gpumm.picture.write(path, { positions = { { 0, 0 }, { 4, 0 } }, radii = { 1, 3 }, width = 400, height = 300,
            colors = { "#ff0000", "#00ff00" }, background = "#000000" })
        local pixels, width = assert(gpumm.image.read(path))
        os.remove(path)
        local first, last = { math.huge, math.huge }, { 0, 0 }
        local row = 150 * width
        for x = 1, width do
            local red, green = pixels:get(row + x)
            local which = red > 128 and 1 or green > 128 and 2
            if which then first[which], last[which] = math.min(first[which], x), math.max(last[which], x) end
        end
        local across, other = last[1] - first[1] + 1, last[2] - first[2] + 1
        assert.is_true(math.abs(other / across - 3) < 0.1, across .. " and " .. other .. " pixels wide")
        assert.is_true(first[2] - last[1] <= 4, "they touch")
        assert.is_true(first[1] > 1 and last[2] < width, "all of them is seen")
        assert.has_error(function()
            gpumm.picture.write("/tmp/x.png", { positions = { { 0, 0 } }, radii = { 1, 2 } })
        end, "there are 2 radii for 1 positions")
    end)

    it("fills the picture, and all of it is seen, in space too", function()
        local path = os.tmpname() .. ".svg"
        for d = 2, 3 do
            local at = d == 2 and { { 0, 0 }, { 4, 0 }, { 2, 1 } } or { { 0, 0, 0 }, { 4, 0, 1 }, { 2, 1, 0 } }
            gpumm.picture.write(path, { positions = gpumm.view("f32x" .. d, at), radii = { 0.2, 3, 0 }, width = 400,
                height = 300 })
            local file = assert(io.open(path))
            local low, high = { math.huge, math.huge }, { -math.huge, -math.huge }
            for x, y, r in file:read "a":gmatch '<circle cx="([%d.-]+)" cy="([%d.-]+)" r="([%d.]+)"' do
                for k, v in ipairs { x, y } do low[k], high[k] = math.min(low[k], v - r), math.max(high[k], v + r) end
            end
            file:close()
            for k, side in ipairs { 400, 300 } do
                assert.is_true(low[k] > 5 and high[k] < side - 5, "something is cut off")
                assert.is_true(math.abs(low[k] + high[k] - side) < 2, "it is in the middle")
            end
            assert.is_true(high[2] - low[2] > 270 or high[1] - low[1] > 370, "it is small")
        end
        os.remove(path)
    end)
end)

describe("nodes nearly on one spot", function()
    -- How far the nearest other node is from that one of a view.
    local function nearest(at, i)
        local least, a = math.huge, { at:get(i) }
        for j, x, y, z in at:each() do
            if j ~= i then least = math.min(least, (a[1] - x) ^ 2 + (a[2] - y) ^ 2 + (z and (a[3] - z) ^ 2 or 0)) end
        end
        return math.sqrt(least)
    end

    local manager

    before_each(function() manager = spec.manager() end)

    local function on_device(d, values)
        local b = assert(manager:buffer { type = "f32x" .. d, length = #values // d })
        assert(b:upload(values))
        return b
    end

    it("part a little, and all others stay", function()
        for _, case in ipairs { { 2, 6 }, { 2, 40 }, { 3, 4 } } do -- few, so that each is looked at, and many
            local d, side = case[1], case[2]
            local n, values = side ^ d // 1 | 0, {}
            for i = 0, n - 1 do
                for k = 0, d - 1 do values[i * d + k + 1] = i // (side ^ k // 1 | 0) % side + 0.0 end
            end
            local function discs_at(position)
                return even_discs(manager, d, n, position, function() return 1 end)
            end
            local position = on_device(d, values)
            local discs = discs_at(position)
            assert.is_true(math.abs(discs.apart - 0.07) < 1e-6)
            assert.is_false(discs:is_crowded(position))
            for k = 1, d do values[d + k], values[n * d - d + k] = values[k], values[n * d - 2 * d + k] end -- two on two others
            values[n * d] = values[n * d] + 0.01
            assert(position:upload(values))
            discs = discs_at(position)
            assert.is_true(discs:is_crowded(position))
            assert.is_true(discs:loosen(position))
            local at, moved = position:download(), {}
            for i = 1, n do
                local way = 0
                for k, v in ipairs { at:get(i) } do way = way + (v - values[(i - 1) * d + k]) ^ 2 end
                if way > 0 then moved[#moved + 1] = i end
                assert.is_true(way < 0.08 ^ 2)
            end
            assert.same({ 1, 2, n - 1, n }, moved)
            local before = on_device(d, values):download()
            assert.is_true(nearest(before, 1) == 0 and math.abs(nearest(before, n) - 0.01) < 1e-5)
            for _, i in ipairs(moved) do
                local least = nearest(at, i)
                assert.is_true(least >= 0.07 and least < 0.09, least)
            end
        end
        assert.is_nil(even_discs(manager, 2, 3, on_device(2, { 1, 1, 1, 1, 1, 1 }), function() return nil end))
        local together = even_discs(manager, 2, 3, on_device(2, { 1, 1, 1, 1, 1, 1 }), function() return 2 end)
        assert.is_true(math.abs(together.apart - 0.14) < 1e-6)
    end)

    it("part in a coil of a tree, without a crossing", function()
        local values, from, to = { 0.0, 9.0 }, {}, {}
        for k = 0, 29 do
            local radius, angle = 0.3 * (1 - k / 30) + 0.01, 0.8 * k
            values[2 * k + 3], values[2 * k + 4] = radius * math.cos(angle), radius * math.sin(angle)
            from[k + 1], to[k + 1] = k + 1, k + 2
        end
        local g, position = graph.new(31, from, to), on_device(2, values)
        local function crossings()
            return force.quality(g, position:download(), { device = spec.device, pivots = 1 }).crossings
        end
        local function least()
            local at, distance = position:download(), math.huge
            for i = 1, #at do distance = math.min(distance, nearest(at, i)) end
            return distance
        end
        assert.equal(0, crossings())
        assert.is_true(least() < 0.03)
        untangling.new(g, { dimensions = 2 }):part(position, 0.1)
        assert.is_true(least() >= 0.1, least())
        assert.equal(0, crossings())
        assert.same({ 0, 9 }, { position:download():get(1) })
        local before = position:download()
        untangling.new(g, { dimensions = 2 }):part(position, 0.1)
        assert.view_equals(before, position:download())
    end)

    it("part at the end of a layout, but for who is pinned, has lengths, or did not move", function()
        local g, at = grid_graph(6), {}
        for i = 1, 36 do at[i] = { (i - 1) % 6, (i - 1) // 6 } end
        at[15] = { 1.001, 2 } -- beside 14
        local function apart(options)
            for name, value in pairs { positions = at, steps = 1, speed = 0 } do options[name] = options[name] or value end
            local now = laid_out(g, options).positions
            local x, y = now:get(14)
            local u, v = now:get(15)
            return math.sqrt((x - u) ^ 2 + (y - v) ^ 2), u
        end
        local far = apart {}
        assert.is_true(far >= 0.05 and far < 0.1, far)
        far = apart { pinned = { 15 } }
        assert.is_true(far >= 0.05 and far < 0.1, far)
        local _, u = apart { pinned = { 15 } }
        assert.is_true(math.abs(u - 1.001) < 1e-6)
        assert.is_true(apart { steps = 0 } < 0.002)
        local weights = {}
        for e = 1, g.edges do weights[e] = 1 end
        local weighted = graph.new(36, g.from, g.to, weights)
        g = weighted
        assert.is_true(apart { weights = "length" } < 0.002)
    end)
end)
