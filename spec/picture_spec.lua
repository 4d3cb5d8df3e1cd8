-- successes: 24
-- SPDX-License-Identifier: MIT
-- Pictures, by their pixels, and positions as files.

local gpumm = require "gpumm"
local message_of = require "spec.support".message_of
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
        at = drawn { positions = positions { { 3, 3 }, { 3, 3 } }, graph = PAIR, colors = { 1, 1 } }
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

    it("sees points in space from above", function()
        local flat, space = {}, {}
        for i = 1, 50 do flat[i], space[i] = { i, i * i % 17 }, { i, i * i % 17, 1000 * i } end
        local options = { graph = graph.new(50, { 1 }, { 2 }), colors = nil }
        options.positions = positions(flat)
        local a = drawn(options)
        options.positions = gpumm.view("f32x3", space)
        local b = drawn(options)
        for x = 0, 199 do
            for y = 0, 99 do assert.same({ a(x, y) }, { b(x, y) }) end
        end
    end)

    it("may show the nodes that are there so far", function()
        local g = graph.new(3, { 1, 2 }, { 2, 3 })
        local at = drawn { positions = positions { { 0, 0 }, { 1, 0 } }, graph = g, colors = { 1, 1 } }
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
        assert.matches("the background is pink; a color is", refused { background = "pink" })
        assert.matches("the color of node 1 is nil; a color is", refused { colors = {} })
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
        assert.has_error(function() column "ant 1\ncat 2\n" end, path .. ' has no line for node "bee"')
    end)

    it("colors from cold to warm, or by kind", function()
        local list = positions { { 0, 0 }, { 1, 0 }, { 2, 0 } }
        local function same(a, b)
            local first, second = drawn { positions = list, colors = a }, drawn { positions = list, colors = b }
            for y = 1, 99, 3 do
                for x = 1, 199, 2 do assert.same({ first(x, y) }, { second(x, y) }) end
            end
        end
        same({ "b", "a", "a" }, { 2, 1, 1 })
        same({ 0.5, 1.5, 2.5 }, { { 0.30, 0.52, 0.95 }, { 0.635, 0.65, 0.605 }, { 0.97, 0.78, 0.26 } })
    end)
end)
