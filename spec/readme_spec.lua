-- successes: 6
-- SPDX-License-Identifier: MIT
-- What the README shows in Lua works as it stands there, and the environment that it names is the one that is read.

local gpumm = require "gpumm"
local spec = require "gpumm.spec"
local support = require "spec.support"

local readme = assert(io.open "README.md"):read "a"

-- The block of the README with `text` in it, compiled in an environment with `more` in it.
local function block(text, more, change)
    for code in readme:gmatch "```lua\n(.-)```" do
        if code:find(text, 1, true) then
            return assert(load(change and change(code) or code, "=README", "t", setmetatable(more, { __index = _G })))
        end
    end
    error("the README has no block with " .. text)
end

describe("the README", function()
    local folder = support.folder()
    teardown(folder.remove)
    after_each(spec.close)

    it("lays a graph out at once", function()
        local said
        block("force.layout", { print = function(stress) said = stress end },
            function(code) return (code:gsub('"layout.png"', ("%q"):format(folder.beside "layout.png"))) end)()
        assert.is_true(said > 0 and said < 0.15, tostring(said)) -- 0.4 for random positions
        local width, height = select(2, gpumm.image.read(folder.beside "layout.png"))
        assert.is_true(width > 0 and height > 0)
    end)

    it("and the manual name every environment variable that is read, and no other of ours", function()
        local manual, read = assert(io.open "doc/gpumm-run.1"):read "a", {}
        for name in assert(io.popen [[grep -rhoE 'getenv\("[A-Z_]+"' src]]):read "a":gmatch '"([A-Z_]+)"' do
            if name ~= "HOME" and name ~= "PATH" then
                read[name] = true
                assert.truthy(readme:find("`" .. name .. "[`=]"), "the README does not name " .. name)
                assert.truthy(manual:find(name, 1, true), "the manual does not name " .. name)
            end
        end
        assert.is_true(read.GPUMM_DEVICE and read.GPUMM_CACHE_DIR)
        local rows = assert(readme:match "| environment | meaning |\n(.-)\n\n")
        for name in (rows .. manual:match "%.SH ENVIRONMENT(.-)%.SH"):gmatch "GPUMM_[A-Z_]+" do
            assert.is_true(read[name], name .. " is named, and nobody reads it")
        end
    end)

    it("has a check for owners of a GPU that leaves nothing out for a mistyped part", function()
        local out, code = support.said(("GPUMM_NO_SETUP=1 GPUMM_CHECK='layout tets' timeout 20 scripts/gpu-check.sh %s")
            :format(folder.path))
        assert.equal(2, code)
        support.contains("GPUMM_CHECK names 'tets'; there are: tests sanitizer layout bench", out)
    end)

    it("shares with another process", function()
        local m, path, said = spec.manager(), folder.beside "layout.sock", {}
        local function here(code) return (code:gsub('"/run/user/1000/layout.sock"', ("%q"):format(path))) end
        local owner = block("m:share(", { m = m }, function(code)
            return here(code):gsub("local ", "") .. " nodes.position:fill { 1, 2 } watch:capture(1) m:synchronize()"
        end)
        owner()
        block("gpumm.attach \"", { gpumm = gpumm, print = function(n) said[#said + 1] = n end }, function(code)
            code = here(code):gsub("while share:wait%(%) do (.-) end", "share:poll() %1")
            -- The owner's frame is offered by a thread of its own: it may come a moment later.
            code = code:gsub("local frame = (.-)%s+%-%-", "local frame repeat share:poll() frame = %1 until frame --")
            return code .. " print(#frame) print(frame.position:download():get(1000)) share:close()"
        end)()
        assert.same({ 1000, 1000, 1 }, said)
    end)

    it("does without a simulation", function()
        local points, said = {}, {}
        for i = 1, 1000 do points[i] = { i, i / 2, -i } end
        block('m:allocate("positions"', { gpumm = gpumm, points = points, print = function(...) said[#said + 1] = { ... } end })()
        assert.same({ { 1, 0.5, -1 }, { 0, 1 } }, said)
    end)

    it("records a step", function()
        local m = spec.manager { workers = 2 }
        local p = assert(m:buffer { type = "f32x3", length = 1000, max_length = 6000 })
        local world = { m = m, p = p, rb = p:readback { slots = 3 } }
        block("m:record(function(r)", world)()
        local sum = 0
        for i = 1, 100 do sum = sum + 20 / i end
        assert.near(sum, (p:download():get(1)), 1e-3)
        assert.same({ 100, 6000 }, { world.frame.step, world.frame.length })
    end)
end)
