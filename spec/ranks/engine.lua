-- SPDX-License-Identifier: MIT
-- Positions after some iterations over ranks, against the engine of gpumm.force on one, byte for byte: in 2D and 3D, on graphs of
-- several kinds. Run by world_engine_spec.

package.path = "./?.lua;" .. package.path
local common = require "spec.ranks.common"
local gpumm = common.gpumm
local world = require "gpumm.world"

local rank, size = common.open()
local ranked = require "gpumm.world.engine"
local STEPS = 6

local function random(seed)
    local state = seed
    return function(n)
        state = state * 6364136223846793005 + 1442695040888963407
        return (state >> 33) % n
    end
end

local families = {}

function families.rmat()
    local pick, from, to, scale = random(5), {}, {}, 11
    for e = 1, 6000 do
        local a, b = 0, 0
        for _ = 1, scale do
            local x = pick(100)
            local corner = x < 57 and 0 or x < 76 and 1 or x < 95 and 2 or 3
            a, b = 2 * a + (corner >> 1), 2 * b + (corner & 1)
        end
        from[e], to[e] = a + 1, (a == b and (b + 1) % (1 << scale) or b) + 1
    end
    return 1 << scale, from, to
end

function families.grid()
    local from, to, w = {}, {}, 30
    for y = 0, w - 1 do
        for x = 0, w - 1 do
            local i = y * w + x + 1
            if x < w - 1 then from[#from + 1], to[#to + 1] = i, i + 1 end
            if y < w - 1 then from[#from + 1], to[#to + 1] = i, i + w end
        end
    end
    return w * w, from, to
end

function families.star()
    local from, to = {}, {}
    for i = 2, 900 do from[i - 1], to[i - 1] = 1, i end
    return 900, from, to
end

function families.few() -- every pair, and more ranks than edges
    return 7, { 1, 2, 4 }, { 2, 3, 5 }
end

function families.no_edge() return 600, {}, {} end

local function nodes_of(m, n, dimensions)
    local nodes, vec = {}, "f32x" .. dimensions
    for name, type in pairs { position = vec, velocity = vec, force = vec, mass = "f32", heft = "f32" } do
        nodes[name] = assert(m:buffer { type = type, length = n })
    end
    local pick, places = random(11), {}
    for k = 1, n * dimensions do places[k] = pick(100000) / 1000 end
    assert(nodes.position:upload(gpumm.view("f32", places):bytes()))
    return nodes
end

local function alone(m, n, from, to, options)
    local nodes, e = nodes_of(m, n, options.dimensions), gpumm.force.engine(m, options)
    local f = assert(m:buffer { type = "u32", length = math.max(1, #from) })
    local t = assert(m:buffer { type = "u32", length = math.max(1, #to) })
    if #from > 0 then
        assert(f:upload(from))
        assert(t:upload(to))
    end
    e:connect(nodes, n, #from, f, t, 1)
    for i = 1, STEPS do e:step(nodes, i, 5) end
    return assert(nodes.position:download()):bytes()
end

local function together(m, n, from, to, options)
    local nodes, e = nodes_of(m, n, options.dimensions), ranked(world, m, options)
    local first, past = #from * rank // size + 1, #from * (rank + 1) // size
    e:connect(nodes, n, table.move(from, first, past, 1, {}), table.move(to, first, past, 1, {}))
    for i = 1, STEPS do e:step(nodes, i, 5) end
    return assert(nodes.position:download()):bytes()
end

common.ending(common.manager { workers = 1 }, function(m)
    for _, name in ipairs { "rmat", "grid", "star", "few", "no_edge" } do -- the same order on every rank
        local family = families[name]
        for dimensions = 2, 3 do
            local n, from, to = family()
            local options = { model = "tforce", dimensions = dimensions }
            local wanted, got = alone(m, n, from, to, options), together(m, n, from, to, options)
            if wanted ~= got then error(("%s in %dD: the positions are others"):format(name, dimensions)) end
        end
    end
end)
