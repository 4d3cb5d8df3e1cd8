-- successes: 31, pango: 4
-- SPDX-License-Identifier: MIT
-- Pictures, by their pixels, and positions as files.

local gpumm = require "gpumm"
local support = require "spec.support"
local message_of = support.message_of
local graph, picture = gpumm.graph, gpumm.picture

local folder = os.tmpname()
os.remove(folder)
assert(os.execute("mkdir " .. folder))

local function beside(name) return folder .. "/" .. name end

local function bytes_of(path)
    local file = io.open(path, "rb")
    if not file then return nil end
    local bytes = file:read("a")
    file:close()
    return bytes
end

local function positions(list) return gpumm.view("f32x2", list) end

-- Draws and reads back: a function (x, y) -> red, green, blue, with x and y from 0.
local function drawn(options)
    local path = beside "drawn.png"
    options.width, options.height = options.width or 200, options.height or 100
    assert.is_true(picture.write(path, options))
    local pixels, width, height = assert(gpumm.image.read(path))
    assert.equal(options.width, width)
    assert.equal(options.height, height)
    return function(x, y)
        local r, g, b = pixels:get(y * width + x + 1)
        return r, g, b
    end
end

local PAIR = graph.new(2, { 1 }, { 2 })

teardown(function() os.execute("rm -r " .. folder) end)

describe("a picture", function()
    it("shows nodes in their colors on the background", function()
        local at = drawn {
            positions = positions { { 0, 0 }, { 1, 0 } }, graph = PAIR, colors = { "#ff0000", { 0, 0, 1 } },
            background = "#102030",
        }
        assert.same({ 255, 0, 0 }, { at(4, 50) })
        assert.same({ 0, 0, 255 }, { at(195, 50) })
        assert.same({ 16, 32, 48 }, { at(100, 10) })
        assert.same({ 16, 32, 48 }, { at(0, 0) })
    end)

    it("thins long edges where they are too many, without holes", function()
        -- A fan of edges from the left to the right side, a few and so many that they are thinned.
        local function brightness(rays)
            local list, from, to, colors = {}, {}, {}, {}
            for i = 0, rays - 1 do
                list[2 * i + 1], list[2 * i + 2] = { 0, i / rays }, { 2, i / rays }
                from[i + 1], to[i + 1] = 2 * i + 1, 2 * i + 2
            end
            for i = 1, 2 * rays do colors[i] = "#ffffff" end
            local at, sum, least = drawn { positions = positions(list), graph = graph.new(2 * rays, from, to), colors = colors,
                background = "#000000" }, 0, 255
            for x = 40, 160 do
                for y = 20, 80 do
                    local light = at(x, y)
                    sum, least = sum + light / 61 / 121, math.min(least, light)
                end
            end
            return sum, least
        end
        local whole = brightness(700) -- some 7 layers, then 29
        local thinned, least = brightness(3000)
        assert.is_true(math.abs(whole - thinned) < 0.25 * whole, ("%g, %g"):format(whole, thinned))
        assert.is_true(least > 0.2 * thinned, "a hole of " .. least)
    end)

    it("shows edges between their nodes, in the mixture of their colors", function()
        local at = drawn {
            positions = positions { { 0, 0 }, { 1, 0 } }, graph = PAIR, colors = { "#ff0000", "#0000ff" },
            background = "#000000",
        }
        local r, g, b = at(100, 50)
        local r2, _, b2 = at(100, 49) -- the line lies between two rows
        assert.is_true(r + r2 > 10 and b + b2 > 10 and g == 0)
        assert.is_true(math.abs(r - b) <= 12)
        assert.same({ 0, 0, 0 }, { at(100, 60) })
    end)

    it("has y upwards", function()
        local at = drawn {
            positions = positions { { 0, 0 }, { 0, 5 } }, colors = { "#ff0000", "#00ff00" }, background = "#000000",
        }
        assert.same({ 0, 255, 0 }, { at(100, 4) })
        assert.same({ 255, 0, 0 }, { at(100, 95) })
    end)

    it("is brighter where edges are denser", function()
        local from, to, list = {}, {}, { { 0, 0 }, { 1, 0 }, { 0, 1 }, { 1, 1 } }
        for i = 5, 44 do
            from[#from + 1], to[#to + 1], list[i] = 1, i, { 1, 0 }
        end
        from[#from + 1], to[#to + 1] = 3, 4
        local at = drawn {
            positions = positions(list), graph = graph.new(44, from, to), width = 400, height = 400,
            background = "#000000",
        }
        local function column(y0, y1)
            local sum = 0
            for y = y0, y1 do
                local r, g, b = at(200, y)
                sum = sum + r + g + b
            end
            return sum
        end
        local one, many = column(10, 30), column(370, 390)
        assert.is_true(one > 0)
        assert.is_true(many > 2 * one)
    end)

    it("shows one edge alone beside where thousands cross", function()
        local n, list, from, to = 4000, { { 0, 0 }, { 200, 0 }, { 0, 100 }, { 200, 100 } }, { 3 }, { 4 }
        for i = 1, n do -- from one side to the other, all through the middle of the lower edge
            list[#list + 1], list[#list + 2] = { 20 + i % 40, 0 }, { 180 - i % 40, 0 }
            from[#from + 1], to[#to + 1] = #list - 1, #list
        end
        local at = drawn { positions = positions(list), graph = graph.new(#list, from, to), background = "#000000",
            colors = (function() local all = {} for i = 1, #list do all[i] = "#ffffff" end return all end)() }
        local function brightest(top, bottom) -- of a stretch, for long edges may be thinned
            local most = 0
            for y = top, bottom do
                for x = 60, 140 do most = math.max(most, (at(x, y))) end
            end
            return most
        end
        local alone, crowded = brightest(0, 20), brightest(80, 99)
        assert.is_true(alone >= 8 and alone < crowded, alone .. " beside " .. crowded)
    end)

    it("is the same every time, byte for byte", function()
        local g = graph.new(60, (function()
            local from, to = {}, {}
            for i = 1, 59 do from[i], to[i] = i, i * 7 % 60 + 1 end
            return from, to
        end)())
        local list = {}
        for i = 1, 60 do list[i] = { math.cos(i) * i, math.sin(i) * i } end
        local options = { positions = positions(list), graph = g, width = 320, height = 240 }
        picture.write(beside "one.png", options)
        picture.write(beside "two.png", options)
        assert.is_true(#bytes_of(beside "one.png") > 1000)
        assert.is_true(bytes_of(beside "one.png") == bytes_of(beside "two.png"))
    end)

    it("may have one node, or all on one spot", function()
        local at = drawn { positions = positions { { 7, 7 } }, colors = { "#00ff00" } }
        assert.same({ 0, 255, 0 }, { at(100, 50) })
        at = drawn { positions = positions { { 3, 3 }, { 3, 3 } }, graph = PAIR, colors = { 1, 1 }, kinds = true }
        assert.same({ 0x5b, 0x8f, 0xf9 }, { at(100, 50) })
    end)

    it("keeps strays on its border, so that the rest is seen", function()
        local list = {}
        for i = 1, 500 do list[i] = { i % 20, i // 20 } end
        list[501] = { 1e9, 12 }
        local colors = {}
        for i = 1, 501 do colors[i] = "#ffffff" end
        local at, lit = drawn { positions = positions(list), colors = colors, background = "#000000" }, 0
        for x = 60, 140 do
            for y = 10, 90 do
                if at(x, y) > 128 then lit = lit + 1 end
            end
        end
        assert.is_true(lit > 100)
    end)

    it("keeps a few strays from making the rest small", function()
        local list = {}
        for i = 1, 1000 do list[i] = { i % 100, i // 100 * 10 } end
        list[1001] = { 500, 50 }
        local at, right = drawn { positions = positions(list) }, 0
        for x = 0, 190 do
            if at(x, 50) > 60 or at(x, 51) > 60 or at(x, 52) > 60 then right = x end
        end
        assert.is_true(right > 110, "the rest ends at " .. right)
    end)

    it("sees points in space from above, what is near larger, brighter and in front", function()
        local options = { positions = gpumm.view("f32x3", { { 0, 0, -1 }, { 4, 0, 1 }, { 2, 0, -1 }, { 2, 0, 1 } }),
            colors = { "#ffffff", "#ffffff", "#ff0000", "#00ff00" }, background = "#000000", sizes = { 1, 1, 9, 9 } }
        local function look(from_x, to_x)
            local at, brightest, count, green = drawn(options), 0, 0, 0
            for y = 0, 99 do
                for x = from_x, to_x do
                    local r, g = at(x, y)
                    brightest, green, count = math.max(brightest, r), math.max(green, g), count + (r > 64 and 1 or 0)
                end
            end
            return brightest, count, green
        end
        local dim, small = look(0, 60)
        local bright, large = look(140, 199)
        assert.is_true(dim > 64 and dim < 140 and bright == 255, dim .. " and " .. bright)
        assert.is_true(large > 1.5 * small, small .. " and " .. large)
        local red, _, green = look(70, 130)
        assert.same({ 0, 255 }, { red, green })
        options.turn = { 180, 0 } -- from behind, the other one is in front
        red, _, green = look(70, 130)
        assert.same({ 255, 0 }, { red, green })
    end)

    it("shows an edge that holds two crowds together", function()
        local list, from, to = {}, {}, {}
        for i = 1, 60 do
            list[i], list[60 + i] = { i % 8, i // 8 }, { 60 + i % 8, i // 8 }
            for j = 1, i - 1 do
                from[#from + 1], to[#to + 1] = i, j
                from[#from + 1], to[#to + 1] = 60 + i, 60 + j
            end
        end
        from[#from + 1], to[#to + 1] = 28, 88
        local at, most = drawn { positions = positions(list), graph = graph.new(120, from, to), background = "#000000",
            colors = "white", width = 400, height = 200 }, 0
        for y = 0, 199 do most = math.max(most, (at(200, y))) end
        assert.is_true(most > 60, "it is " .. most .. " of 255 bright")
    end)

    it("draws edges as wide as their weights, and arrows where they have a direction", function()
        local g = graph.new(4, { 1, 3 }, { 2, 4 }, { 1, 25 })
        g.directed = true
        local options = { positions = positions { { 0, 0 }, { 10, 0 }, { 0, 4 }, { 10, 4 } }, graph = g, colors = "white",
            background = "#000000", width = 400, height = 200 }
        local function lit(at, x, y0, y1)
            local sum = 0
            for y = y0, y1 do sum = sum + (at(x, y) > 40 and 1 or 0) end
            return sum
        end
        local at = drawn(options)
        assert.is_true(lit(at, 150, 0, 60) >= lit(at, 150, 140, 199) + 2, "no wider where the weight is larger")
        local function widest(from_x, to_x)
            local most = 0
            for x = from_x, to_x do most = math.max(most, lit(at, x, 140, 199)) end
            return most
        end
        assert.is_true(widest(376, 386) >= widest(30, 340) + 2, "no head of an arrow")
        options.arrows, options.widths = false, false
        at = drawn(options)
        assert.is_true(widest(376, 386) <= 2)
        assert.equal(lit(at, 150, 140, 199), lit(at, 150, 0, 60))
    end)

    it("has legible labels and a legend #pango", function()
        local options = { positions = positions { { 0, 0 }, { 1, 1 } }, colors = { "kind a", "kind b" },
            names = { "left", "right" }, background = "#000000", width = 400, height = 300 }
        local plain = drawn(options)
        options.labels, options.legend = 2, "what is what"
        local with, white, swatch = drawn(options), 0, 0
        for y = 0, 299 do
            for x = 0, 399 do
                local r, g, b = with(x, y)
                if r > 200 and g > 200 and b > 200 then
                    white = white + 1
                    assert.is_false(plain(x, y) > 200)
                end
                if r == 0x5b and g == 0x8f and b == 0xf9 and x < 40 and y > 200 then swatch = swatch + 1 end
            end
        end
        assert.is_true(white > 60, white .. " pixels of text")
        assert.is_true(swatch >= 80, swatch .. " pixels of a color that is explained")
    end)

    it("may show the nodes that are there so far", function()
        local g = graph.new(3, { 1, 2 }, { 2, 3 })
        local at = drawn { positions = positions { { 0, 0 }, { 1, 0 } }, graph = g, colors = { 1, 1 }, kinds = true }
        assert.same({ 0x5b, 0x8f, 0xf9 }, { at(4, 50) })
    end)

    it("uses the manager it is given, and leaves nothing in it", function()
        local manager <close> = assert(gpumm.manager { device = "host" })
        drawn { positions = positions { { 0, 0 }, { 1, 1 } }, graph = PAIR, manager = manager }
        collectgarbage()
        collectgarbage()
        assert.equal(0, manager:stats().total_allocated_bytes)
    end)

    it("refuses what is empty or not finite, and names it", function()
        local path = beside "never.png"
        assert.equal("there is nothing to draw: no positions",
            message_of(picture.write, path, { positions = positions {} }))
        assert.matches("^position 2 is not finite: ",
            message_of(picture.write, path, { positions = positions { { 0, 0 }, { 0 / 0, 1 } } }))
        assert.matches("^position 1 is not finite: ",
            message_of(picture.write, path, { positions = positions { { 1, -math.huge } } }))
        assert.is_nil(bytes_of(path))
    end)

    it("refuses more positions than nodes", function()
        assert.equal("there are 3 positions for a graph of 2 nodes", message_of(picture.write, beside "never.png",
            { positions = positions { { 0, 0 }, { 1, 1 }, { 2, 2 } }, graph = PAIR }))
    end)

    it("refuses bad options by name", function()
        local function refused(options)
            options.positions = positions { { 0, 0 } }
            return message_of(picture.write, beside "never.png", options)
        end
        assert.matches('unknown option "widht" %(did you mean "width"%?%); valid: positions, graph', refused { widht = 5 })
        assert.matches("width is a whole number from 16 to 16384, not 5", refused { width = 5 })
        assert.matches("height is a whole number from 16 to 16384, not x", refused { height = "x" })
        assert.matches("the background is pinkish; a color is", refused { background = "pinkish" })
        assert.matches("labels is a whole number from 0", refused { labels = -1 })
        assert.matches("labels need a graph, or names", refused { labels = 3 })
        assert.matches("turn is { degrees", refused { turn = 30 })
        assert.matches("there are 2 widths for 1 edges", refused { widths = { 1, 2 }, graph = PAIR })
        assert.matches("the color of node 1 is nil; a color is", refused { colors = {} })
        assert.matches("names are a list, one a node, not 5", refused { labels = 1, names = 5 })
        assert.matches("the background is table: .*; a color is", refused { background = { 0, -math.huge, 0 } })
        assert.matches("needs positions", message_of(picture.write, beside "never.png", {}))
    end)

    it("says where it cannot write, and leaves nothing", function()
        local message = message_of(picture.write, beside "no/such/a.png", { positions = positions { { 0, 0 } } })
        assert.equal("cannot write " .. beside "no/such/a.png" .. ": there is no folder " .. beside "no/such", message)
        os.execute("mkdir " .. beside "taken.png")
        assert.matches("IO", message_of(picture.write, beside "taken.png", { positions = positions { { 0, 0 } } }))
        local pipe = io.popen("ls -A " .. folder)
        for line in pipe:lines() do assert.is_true(line == "taken.png" or not line:find("taken", 1, true)) end
        pipe:close()
    end)
end)

describe("positions", function()
    local VIEW = positions { { 0.5, -1.25 }, { 1e10, 0.1 } }

    it("are written as .csv", function()
        assert.is_true(picture.positions(beside "p.csv", VIEW))
        assert.equal("x,y\n0.5,-1.25\n1e+10,0.100000001\n", bytes_of(beside "p.csv"))
    end)

    it("are written alike where numbers have a decimal comma", function()
        local format = string.format
        rawset(string, "format", function(...) -- as in such a locale, which is on few machines
            local text = format(...)
            return ((...):find "%%[%d.]*g" and text:gsub("%.", ",") or text)
        end)
        local ok, message = pcall(picture.positions, beside "comma.csv", VIEW)
        rawset(string, "format", format)
        assert.is_true(ok, message)
        assert.equal("x,y\n0.5,-1.25\n1e+10,0.100000001\n", bytes_of(beside "comma.csv"))
    end)

    it("are written as .npy", function()
        assert.is_true(picture.positions(beside "p.npy", VIEW))
        local back = assert(gpumm.npy.read(beside "p.npy"))
        assert.equal(2, #back)
        assert.same({ 0.5, -1.25 }, { back:get(1) })
    end)

    it("are not written as anything else, nor where there are none", function()
        assert.matches("written as .npy or .csv", message_of(picture.positions, beside "p.txt", VIEW))
        assert.matches("no positions", message_of(picture.positions, beside "q.csv", positions {}))
        assert.is_nil(bytes_of(beside "q.csv"))
    end)

    it("leave no part of a file where they cannot be written", function()
        local message = message_of(picture.positions, "/no/folder/p.csv", VIEW)
        assert.equal("cannot write /no/folder/p.csv: there is no folder /no/folder", message)
        os.execute("mkdir " .. beside "taken.csv " .. beside "taken.npy")
        for _, name in ipairs { "taken.csv", "taken.npy" } do
            assert.matches("^IO: ", message_of(picture.positions, beside(name), VIEW))
        end
        local pipe = io.popen("ls -A " .. folder)
        for line in pipe:lines() do
            assert.is_true(line == "taken.csv" or line == "taken.npy" or not line:find("taken%.[cn]"))
        end
        pipe:close()
    end)

    it("say that the disk is full", function()
        os.execute("ln -s /dev/full " .. beside "full.csv")
        os.execute("ln -s /dev/full " .. beside "full.png")
        assert.matches("^IO: .*No space left on device", message_of(picture.positions, beside "full.csv", VIEW))
        assert.matches("^IO: ",
            message_of(picture.write, beside "full.png", { positions = VIEW, background = "#000000" }))
    end)
end)

describe("a column of values", function()
    local g = graph.new(3, { 1, 2 }, { 2, 3 })
    g.names = { "ant", "bee", "cat" }
    local path = os.tmpname()
    teardown(function() os.remove(path) end)

    local function column(text)
        local file = assert(io.open(path, "w"))
        file:write(text)
        file:close()
        return picture.column(path, g)
    end

    it("comes from a file, in the order of the nodes", function()
        assert.same({ 0.5, 2, -3 }, column "# name value\ncat\t-3\nant 0.5\nbee,2\nfox 9\n")
        assert.same({ "legs", "wings and legs", "2" }, column "ant legs\nbee  wings and legs \ncat 2\n")
        g.names = { "New York", "Los Angeles", "San Diego, CA" }
        local east = { "east", "west", "west" }
        assert.same(east, column "\239\187\191New York\teast\r\nLos Angeles\twest\r\nSan Diego, CA\twest\r\n")
        assert.same(east, column "\239\187\191New York;east\nLos Angeles;west\nSan Diego, CA;west\n")
        assert.same(east, column 'city,side\nNew York,east\n"Los Angeles",west\n"San Diego, CA",west\n')
        assert.same({ 1, 2, 3 }, column "New York 1\nLos Angeles 2\nSan Diego, CA 3\n")
        local wide = "\255\254" .. ("New York\teast\r\nLos Angeles\twest\r\nSan Diego, CA\twest\r\n"):gsub(".", "%0\0")
        assert.same(east, column(wide)) -- UTF-16, as spreadsheets save "Unicode text"
        g.names = { "ant", "bee", "cat" }
        assert.has_error(function() column "ant 1\ncat 2\n" end, path .. ' has no line for node "bee"')
    end)

    it("colors from cold to warm, or by kind", function()
        local list = positions { { 0, 0 }, { 1, 0 }, { 2, 0 } }
        local function same(a, b, kinds)
            local first = drawn { positions = list, colors = a, kinds = kinds }
            local second = drawn { positions = list, colors = b, kinds = kinds }
            for y = 1, 99, 3 do
                for x = 1, 199, 2 do assert.same({ first(x, y) }, { second(x, y) }) end
            end
        end
        same({ "b", "a", "a" }, { 7, 1998, 1998 }, true)
        same({ 10, 20, 30 }, { 0.5, 1.5, 2.5 })
        same({ 0.5, 1.5, 2.5 }, { { 0.30, 0.52, 0.95 }, { 0.635, 0.65, 0.605 }, { 0.97, 0.78, 0.26 } })
    end)
end)

describe("colors", function()
    local colors = require "gpumm.picture.colors"
    local function of(list, kinds) return colors.of_nodes({ colors = list, kinds = kinds }, {}, #list) end

    it("are names of CSS, short and long numbers, and one for all", function()
        local rgba = of { "red", "#0f0", "#0000ff", "Rebecca" .. "Purple" }
        assert.same({ 1, 0, 0, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0.4, 0.2, 0.6, 1 }, rgba)
        assert.same({ 1, 1, 0, 1, 1, 1, 0, 1 }, colors.of_nodes({ colors = "yellow" }, {}, 2))
        assert.matches("the color of node 2 is #12; a color is", message_of(of, { "red", "#12" }))
    end)

    it("run from cold to warm for whole numbers, unless they are kinds; what is not there is grey", function()
        local rgba, legend = of { 1998, 2020, -3, 0 / 0 }
        assert.is_true(rgba[1] > 0.96 and rgba[5] > rgba[1] and math.abs(rgba[9] - 0.30) < 1e-9)
        assert.near(0x9a / 255, rgba[13], 1e-9)
        assert.same({ kind = "range", low = -3, high = 2020, missing = 1 }, legend)
        assert.matches("not all finite", message_of(of, { 1, math.huge, 2 }))
        rgba = of { -1e308, 1e308, 0 } -- so far apart that no number says how far
        assert.same({ 30, 97, 64 }, { rgba[1] * 100 // 1, rgba[5] * 100 // 1, math.ceil(rgba[9] * 100) })
        rgba, legend = of({ 3, 7, 7 }, true)
        assert.near(0x5b / 255, rgba[5], 1e-9)
        assert.same({ "7", 2 }, { legend.items[1].label, legend.items[1].count })
        assert.equal("true", select(2, of { true, false, true }).items[1].label)
    end)

    it("of many kinds are all told apart", function()
        local list = {}
        for k = 1, 100 do list[k] = "kind " .. k end
        local rgba, least = of(list), math.huge
        for i = 1, 100 do
            for j = 1, i - 1 do
                local d = 0
                for c = 1, 3 do d = d + (rgba[4 * i - 4 + c] - rgba[4 * j - 4 + c]) ^ 2 end
                least = math.min(least, d)
            end
        end
        assert.is_true(math.sqrt(least) > 0.05, "two are as near as " .. math.sqrt(least))
    end)
end)

describe("a picture of shapes", function()
    local g = graph.new(30, (function()
        local from, to, weights = {}, {}, {}
        for i = 2, 30 do from[i - 1], to[i - 1], weights[i - 1] = 1 + i // 4, i, i == 2 and 100 or 1 end
        return from, to, weights
    end)())
    g.directed = true
    local list, names = {}, {}
    for i = 1, 30 do list[i], names[i] = { math.cos(i) * i, math.sin(i) * i }, i == 5 and '<five> & "co"' or "node " .. i end

    local function written(ending, options)
        local path = beside("shapes." .. ending)
        options.positions, options.graph, options.names = list, g, names
        assert.is_true(picture.write(path, options))
        return assert(bytes_of(path))
    end

    local function number(element, key) return tonumber(element:match(" " .. key .. '="([%d.-]+)"')) end
    local function count(text, what) return select(2, text:gsub("<" .. what .. "[ >]", "")) end

    it("is SVG with a circle a node, a line an edge, a head an arrow, and texts that do not overlap #pango", function()
        local text = written("svg", { labels = 30, legend = true, width = 640, height = 480 })
        assert.matches('^<%?xml version="1.0" encoding="UTF%-8"%?>\n<svg xmlns="http://www.w3.org/2000/svg" ', text)
        assert.matches(' width="640" height="480" viewBox="0 0 640 480">', text, 1, true)
        assert.same({ 30, 29, 29 }, { count(text, "circle"), count(text, "line"), count(text, "polygon") })
        assert.equal(count(text, "g"), select(2, text:gsub("</g>", "")))
        assert.matches("<title>&lt;five&gt; &amp; &quot;co&quot;</title></circle>", text, 1, true)
        local widths = {}
        for line in text:gmatch "<line[^>]*>" do widths[#widths + 1] = number(line, "stroke%-width") end
        table.sort(widths)
        assert.is_true(widths[29] > 4 * widths[28])
        local labels, boxes = text:match '<g id="labels".-</g>', {}
        for label in labels:gmatch "<text.-</text>" do
            local x, y, size = number(label, "x"), number(label, "y"), number(label, "font%-size")
            local wide = number(label, "textLength")
            boxes[#boxes + 1] = { x, y - size, x + wide, y }
            assert.is_true(x >= 0 and x + wide <= 640 and y <= 480 and y - size >= 0)
        end
        assert.is_true(#boxes >= 15, #boxes .. " labels")
        for i = 1, #boxes do
            for j = 1, i - 1 do
                local a, b = boxes[i], boxes[j]
                assert.is_false(a[1] < b[3] and b[1] < a[3] and a[2] < b[4] and b[2] < a[4], i .. " and " .. j)
            end
        end
        assert.matches("community 1 %(", text:match '<g id="legend".-</g>')
        assert.matches("node 2<", written("svg", { labels = 2 }):match '<g id="labels".-</g>') -- of the two with most neighbours
    end)

    it("is PDF with its texts #pango", function()
        local text = written("pdf", { labels = 5, legend = "a legend", width = 640, height = 480 })
        assert.matches("^%%PDF%-1%.%d\n", text)
        assert.matches("%%%%EOF\n?$", text)
        assert.matches("MediaBox %[ 0 0 640 480 %]", text)
        if os.execute "command -v pdftotext >/dev/null" then
            local pipe = io.popen("pdftotext -layout " .. beside "shapes.pdf" .. " -")
            local said = pipe:read "a"
            pipe:close()
            for _, words in ipairs { "node 2", "node 3", "a legend" } do assert.matches(words, said, 1, true) end
        end
    end)

    it("is PDF whatever is in names #pango", function()
        local odd = { "\u{ffff}odd\u{fdd0}\u{10fffe}\0\27", "\xff\xed\xa0\x80" }
        for _, ending in ipairs { "pdf", "svg" } do
            local options = { positions = { { 0, 0 }, { 1, 1 } }, names = odd, labels = 2 }
            assert.is_true(picture.write(beside("odd." .. ending), options))
        end
        assert.matches("\u{fffd}odd\u{fffd}\u{fffd} <", bytes_of(beside "odd.svg"):match '<g id="labels".-</g>')
        -- What Cairo keeps of it counts against the memory of a contained script.
        local text = support.run(("--sandbox --lua-memory 8MiB --allow-write '%s'"):format(folder), ([[
            local from, to = {}, {}
            for e = 1, 16000 do from[e], to[e] = e %% 400 + 1, (e + e // 400 + 1) %% 400 + 1 end
            local g, list = gpumm.graph.new(400, from, to), {}
            for i = 1, 400 do list[i] = { i %% 20, i // 20 } end
            from, to = nil, nil
            for _, ending in ipairs { "svg", "pdf" } do
                gpumm.picture.write("%s/much." .. ending, { positions = list, graph = g, colors = "red" })
                print(ending .. " written")
            end]]):format(folder))
        assert.matches("svg written", text, 1, true)
        assert.matches("memory", text, 1, true)
        assert.is_nil(bytes_of(beside "much.pdf"))
    end)

    it("is refused under any other ending, before the work", function()
        for _, name in ipairs { "a.jpg", "a.sgv", "b.tar.gz", "c." } do
            local message = message_of(picture.write, beside(name), {})
            assert.matches("pictures are written as .png, .svg or .pdf, not as", message, 1, true)
            assert.has_error(function() picture.outputs { picture = beside(name) } end)
            assert.is_nil(bytes_of(beside(name)))
        end
        assert.has_no_error(function() picture.outputs { picture = beside "A.SVG" } end)
    end)
end)
