-- successes: 6
-- SPDX-License-Identifier: MIT
-- How to test a layout of your own: busted with gpumm.spec, which gives each test its managers, closes them
-- behind it, checks their books, and can make the device fail. Run it with
--
--     gpumm-run /usr/bin/busted examples/my_layout_spec.lua
--
-- It is installed with the other examples, whose CMakeLists.txt makes it a test of ctest's.

local gpumm = require "gpumm"
local spec = require "gpumm.spec"

-- What is tested: nodes that drift towards the middle of their group, one kernel, one readback.
local DRIFT = [[
extern "C" __global__ void drift(int n, float2 *position, float2 middle, float part)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    position[i].x += part * (middle.x - position[i].x);
    position[i].y += part * (middle.y - position[i].y);
}]]

local function my_layout(finish)
    return gpumm.simulation {
        nodes = gpumm.group { { "position", "f32x2" }, growth = gpumm.growth.geometric(1.5) },
        drift = gpumm.kernel { source = DRIFT, threads = "n" },
        watch = gpumm.readback { "nodes.position", every = 2 },
        steps = 10,
        init = function(sim) sim.nodes:append { position = { { 0, 0 }, { 8, 0 }, { 8, 8 }, { 0, 8 } } } end,
        step = function(sim)
            sim.drift { n = #sim.nodes, position = sim.nodes.position, middle = { 4, 4 }, part = 0.5 }
        end,
        frame = function(sim, f) sim.frames = (sim.frames or 0) + f.length end,
        finish = finish,
    }
end

describe("my kernel", function()
    after_each(spec.close) -- closes every manager of the test, and checks that its books add up to nothing

    it("moves every node half way", function()
        local m = spec.manager { memory = "64MiB" }
        local position = m:buffer { type = "f32x2", length = 2 }
        position:upload { { 0, 0 }, { 8, 4 } }
        local drift = m:kernel { source = DRIFT }
        drift { n = 2, position = position, middle = { 4, 4 }, part = 0.5 }
        assert.view_equals({ { 2, 2 }, { 6, 4 } }, position:download(), 1e-6)
    end)

    it("leaves the nodes behind n alone", function()
        local m = spec.manager()
        local position = m:buffer { type = "f32x2", length = 2 }
        m:kernel { source = DRIFT } { n = 1, position = position, middle = { 4, 4 }, part = 1 }
        assert.view_equals({ { 4, 4 }, { 0, 0 } }, position:download())
    end)
end)

describe("my layout", function()
    after_each(spec.close)

    it("pulls everything together", function()
        local last = my_layout(function(_, frame) return frame.position:copy() end):run { device = spec.device }
        assert.view_equals({ { 4, 4 }, { 4, 4 }, { 4, 4 }, { 4, 4 } }, last, 0.01)
    end)

    it("can be stepped, and looked at in between", function()
        local sim <close> = my_layout()
        sim:open { device = spec.device }
        sim:advance(1)
        assert.view_equals({ { 2, 2 }, { 6, 2 }, { 6, 6 }, { 2, 6 } }, sim.nodes.position:download(), 1e-6)
        sim:advance(1)
        assert.view_equals({ { 3, 3 }, { 5, 3 }, { 5, 5 }, { 3, 5 } }, sim.nodes.position:download(), 1e-6)
        assert.balanced(sim.manager)
    end)

    it("survives a budget that is used up, and a driver that fails: the nodes are as they were", function()
        -- The fault device stands between gpumm and the device, and fails what it is told to.
        local m = spec.inject_faults({}, { limit = "1MiB" })
        local nodes = m:group { { "position", "f32x2" }, growth = gpumm.growth.exact() }
        nodes:append { position = { { 1, 2 } } }
        local ok, message, code = nodes:resize(1000000)
        assert.is_nil(ok)
        assert.equal("OVER_LIMIT", code)
        assert.is_true(gpumm.is_memory_error(code))
        assert.truthy(message:find "8000000" or message:find "MiB")

        m.fault:plan { call = "fill", nth = 1, status = "DRIVER" }
        assert.equal("DRIVER", select(3, nodes:resize(100000)))
        assert.view_equals({ { 1, 2 } }, nodes.position:download())
        assert.balanced(m)
        assert(nodes:resize(100000)) -- the second time it works
        assert.equal(100000, #nodes)
    end)

    it("frees what it allocates by name", function()
        local m = spec.manager()
        m:allocate("flags", "u32", 10)
        assert.equal("flags", m:leaks()[1].name) -- as long as nobody freed it
        m:free "flags"
        assert.same({}, m:leaks())
    end)
end)
