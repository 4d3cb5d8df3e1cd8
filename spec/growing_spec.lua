-- successes: 3
-- SPDX-License-Identifier: MIT
-- examples/growing.lua from end to end, on the graph that is shipped: what it says, and every frame on disk.

local gpumm = require "gpumm"

local run = assert(os.getenv "GPUMM_RUN", "GPUMM_RUN names gpumm-run")
local device = os.getenv "GPUMM_DEVICE" or "host"
local SHIPPED = "examples/data/debian-sample.tsv"

local folder = os.tmpname()
os.remove(folder)
assert(os.execute("mkdir -p " .. folder .. "/frames"))
teardown(function() os.execute("rm -r " .. folder) end)

local function grow(options)
    local pipe = assert(io.popen(("%s --device %s examples/growing.lua %s --out %s/growing.png %s 2>&1")
        :format(run, device, SHIPPED, folder, options)))
    local text = pipe:read "a"
    assert.is_true(pipe:close(), text)
    return (text:gsub("\r", "\n"))
end

describe("examples/growing.lua", function()
    local graph = gpumm.graph.read(SHIPPED)
    local first, batch, every, steps = 500, 400, 4, 20
    local growths = math.ceil((graph.nodes - first) / batch)
    local text

    setup(function()
        text = grow(("--first %d --batch %d --every %d --steps %d --capture 2 --frames %s/frames --page %s/growing.html")
            :format(first, batch, every, steps, folder, folder))
    end)

    it("grows to the whole graph without moving", function()
        local address, nodes, count = nil, 0, 0
        for more, all, at in text:gmatch "step +%d+: +(%d+) nodes more, +(%d+) nodes, +%d+ edges, positions at (0x%x+)" do
            address, nodes, count = address or at, nodes + tonumber(more), count + 1
            assert.equal(address, at)
            assert.equal(nodes, tonumber(all))
        end
        assert.equal(graph.nodes, nodes)
        assert.equal(growths + 1, count)
    end)

    it("has every frame on disk, none dropped", function()
        local all = growths * every + steps
        assert.matches(("%d nodes after %d steps; %d frames in %s/frames, 0 dropped")
            :format(graph.nodes, all, all // 2, folder), text, 1, true)
        for step = 2, all, 2 do
            local frame = assert(gpumm.npy.read(("%s/frames/%06d.npy"):format(folder, step)))
            assert.equal(math.min(graph.nodes, first + batch * ((step - 1) // every)), #frame)
            local x, y = frame:get(#frame)
            assert.is_true(x == x and y == y and (x ~= 0 or y ~= 0))
        end
        assert.is_nil(gpumm.npy.read(("%s/frames/%06d.npy"):format(folder, all + 2)))
    end)

    it("leaves a picture and a page", function()
        local _, width, height = assert(gpumm.image.read(folder .. "/growing.png"))
        assert.same({ 1600, 1200 }, { width, height })
        local page = assert(io.open(folder .. "/growing.html")):read "a"
        assert.matches(('"nodes":%d,"edges":%d,'):format(graph.nodes, graph.edges), page, 1, true)
    end)
end)
