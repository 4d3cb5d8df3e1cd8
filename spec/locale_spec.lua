-- successes: 3
-- SPDX-License-Identifier: MIT
-- Text is the same in a locale that writes 1,5, as an application of GTK sets it: files, sizes, messages. The locale is made
-- here, in a folder of its own.

local support = require "spec.support"

local folder = support.folder()
teardown(folder.remove)

-- Runs a script in the locale, and in the C one; what both print.
local function both(text)
    folder.write("script.lua", [[
        local gpumm = require "gpumm"
        if os.getenv "LOCPATH" then
            assert(os.setlocale("de_DE.UTF-8", "numeric"))
            assert(("%.1f"):format(0.5) == "0,5")
        end
        local function read(path) local f = assert(io.open(path, "rb")) local s = f:read "a" f:close() return s end
        ]] .. text .. [[ if os.getenv "LOCPATH" then assert(("%.1f"):format(0.5) == "0,5") end -- it is as it was]])
    local said = {}
    for i, how in ipairs { "", "LOCPATH=. " } do
        local line = ("cd %s && %s%s --quiet --device host script.lua >out 2>&1"):format(folder.path, how, support.gpumm_run())
        local _, _, code = os.execute(line)
        said[i] = folder.read "out"
        assert.equal(0, code, said[i])
    end
    return table.unpack(said)
end

describe("a locale with a decimal comma", function()
    local made = os.execute(("localedef -i de_DE -f UTF-8 %s/de_DE.UTF-8 2>/dev/null"):format(folder.path))
    local function test(what, text)
        it(what, function()
            if not made then return end -- a system without the sources of locales (Debian package locales)
            local plain, comma = both(text)
            assert.is_true(#plain > 10)
            assert.equal(plain, comma)
        end)
    end

    test("leaves files as they are", [[
        local v = gpumm.view("f32x2", { { 0.5, 1.5 }, { 2.25, 1e-9 } })
        gpumm.picture.positions("p.csv", v)
        gpumm.page.write("p.html", { positions = v })
        gpumm.picture.write("p.svg", { positions = v })
        local g = gpumm.graph.new(2, { 1 }, { 2 }, { 0.5 })
        gpumm.graph.write("g.graphml", g)
        print(read "p.csv", read "p.svg", read "g.graphml", read("p.html"):match 'id="meta">(.-)</script>')
        assert(gpumm.graph.read "g.graphml".weights[1] == 0.5)]])

    test("leaves sizes and messages as they are", [[
        print(gpumm.parse_size "2.5GB", gpumm.parse_size "2,5GB")
        local m = gpumm.manager { device = "host", limit = "1.5MiB" }
        print(m:buffer { type = "u8", length = 1e7 // 1 })
        print(pcall(gpumm.growth.geometric, 0.5))
        print(gpumm.force.describe({ stress = 0.5, neighbourhood = 0.5, variation = 1, crossings = 2, coincidence = 0.5,
            overlap = 0 }, { stress = 0.25, neighbourhood = 0, variation = 1, crossings = 9, coincidence = 0.25 }))]])

    test("leaves descriptions and progress as they are", [[
        local sim = gpumm.simulation { b = gpumm.buffer { type = "f32", length = 8, growth = 1.25 }, steps = 1,
            step = function(sim) sim:progress("%.2f", 0.75) end }
        print(sim:describe())
        sim:run { device = "host", progress = print }]])
end)
