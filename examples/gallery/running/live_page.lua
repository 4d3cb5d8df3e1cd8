-- SPDX-License-Identifier: MIT
-- A live page: a net of springs that a viewer watches in the browser, drags by its nodes, and tunes by two sliders while it
-- runs.
--
--     gpumm-run --live examples/gallery/running/live_page.lua [--side 24] [--steps 100000]

local gpumm = require "gpumm"
local opt = gpumm.options(arg, { side = 24, steps = 100000 })
local side = opt.side

local SOURCE = [[
extern "C" __global__ void swing(int n, int side, const float2 *from, float2 *speed, float2 *to, float stiff, float wind,
    float time)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    const float2 p = from[i];
    to[i] = p;
    if (i < side) return; // the upper edge hangs on the wall
    const int x = i % side, y = i / side;
    float2 f = make_float2(wind * sinf(0.05f * time + 0.3f * y), -0.004f);
    for (int k = 0; k < 4; k++) {
        const int nx = x + (k == 0) - (k == 1), ny = y + (k == 2) - (k == 3);
        if (nx < 0 || ny < 0 || nx >= side || ny >= side) continue;
        const float2 q = from[ny * side + nx];
        const float dx = q.x - p.x, dy = q.y - p.y, d = sqrtf(dx * dx + dy * dy) + 1e-6f, pull = stiff * (d - 0.8f) / d;
        f.x += pull * dx; f.y += pull * dy;
    }
    const float2 v = make_float2(0.985f * speed[i].x + f.x, 0.985f * speed[i].y + f.y);
    speed[i] = v;
    to[i] = make_float2(p.x + v.x, p.y + v.y);
}]]

-- Nodes are a net of side x side, edges its threads.
local positions, from, to, color = {}, {}, {}, {}
for i = 0, side * side - 1 do
    local x, y = i % side, i // side
    positions[i + 1], color[i + 1] = { x, -y }, y
    if x > 0 then from[#from + 1], to[#to + 1] = i - 1, i end
    if y > 0 then from[#from + 1], to[#to + 1] = i - side, i end
end

return gpumm.simulation {
    nodes = gpumm.group { { "position", "f32x2" }, { "speed", "f32x2" }, { "next", "f32x2" }, name = "nodes" },
    edges = gpumm.group { { "from", "u32" }, { "to", "u32" } },
    swing = gpumm.kernel { source = SOURCE, threads = "n" },
    watch = gpumm.readback { "nodes.position", every = 10 },
    steps = opt.steps,

    init = function(sim)
        sim.stiff, sim.wind = 0.2, 0.002
        sim.nodes:append { position = positions }
        sim.edges:append { from = from, to = to }
    end,

    step = function(sim, i)
        sim.swing { n = #sim.nodes, side = side, from = sim.nodes.position, speed = sim.nodes.speed, to = sim.nodes.next,
                    stiff = sim.stiff, wind = sim.wind, time = i }
        sim.nodes.position:copy(sim.nodes.next)
    end,

    -- What viewers do. A node that is dragged is put where the hand is by gpumm.live itself.
    live = function(sim, event)
        if event.kind == "describe" then
            return { title = "A net in the wind", colors = color, parameters = {
                { name = "stiff", value = sim.stiff, least = 0.02, most = 0.3 },
                { name = "wind", value = sim.wind, least = 0, most = 0.02 } } }
        elseif event.kind == "set" then
            sim[event.name] = event.value
            return true
        end
    end,

    frame = function(sim, frame) sim:progress("stiff %g, wind %g; step %d", sim.stiff, sim.wind, frame.step) end,
    finish = function(_, last) return last.position:copy() end,
}
