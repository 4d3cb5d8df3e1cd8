-- SPDX-License-Identifier: MIT
-- Steps in which ranks tell one another those positions alone that they ask for, beside the same steps in which all are gathered:
-- the same bytes. Where nodes lie, which edges they have and how far they move is such that lists last, are made anew, or do not
-- pay. Run by world_layout_spec.

package.path = "./?.lua;" .. package.path
local common = require "spec.ranks.common"
local engine = require "gpumm.force.engine"
local halo = require "gpumm.force.halo"
local part = require "gpumm.world.part"
local world = require "gpumm.world"

common.open()
halo.least.cuda = 1 -- the graphs here are small

local CHUNK <const> = 64 -- at which blocks begin, for so many nodes

local function noise(i, k)
    local x = (i * 4 + k) * 6364136223846793005 + 1442695040888963407
    x = (x ~ (x >> 33)) * 0x5851f42d4c957f2d
    return (x >> 40) / 2 ^ 24
end

-- A lattice, row by row, of w by h by deep nodes that are nearly evenly apart.
local function lattice(w, h, deep)
    local n, from, to, at = w * h * deep, {}, {}, {}
    for i = 0, n - 1 do
        local x, y, z = i % w, i // w % h, i // (w * h)
        at[i + 1] = { x + 0.3 * noise(i, 0), y + 0.3 * noise(i, 1), deep > 1 and z + 0.3 * noise(i, 2) or nil }
        for _, step in ipairs { x < w - 1 and 1 or 0, y < h - 1 and w or 0, z < deep - 1 and w * h or 0 } do
            if step > 0 then from[#from + 1], to[#to + 1] = i + 1, i + 1 + step end
        end
    end
    return { n = n, from = from, to = to, at = at }
end

local cases = {}

function cases.plane() return lattice(100, 100, 1), { lasts = true } end

local ROW <const> = { 4, 4, 1500 }
function cases.row() return lattice(table.unpack(ROW)), { lasts = true, dimensions = 3, steps = 3 } end

-- Of two ranks each asks for half of what the other has, or more.
function cases.row_moving()
    local lasts = world.size > 2
    return lattice(table.unpack(ROW)), { lasts = lasts, most = 99, made = lasts and 2, dimensions = 3, limit = 8, speed = 900,
        steps = 12 }
end

-- Edges across all of it, of some.
function cases.long_edges()
    local g = lattice(100, 100, 1)
    for i = 1, g.n, 97 do g.from[#g.from + 1], g.to[#g.to + 1] = i, (i * 37) % g.n + 1 end
    return g, { lasts = true }
end

-- More in a cell than are felt one by one, where ranks meet.
function cases.crowds()
    local g = lattice(100, 100, 1)
    for i = 4700, 5300 do g.at[i] = { 50 + 0.5 * noise(i, 5), 50 + 0.5 * noise(i, 6) } end
    for i = 3200, 3400 do g.at[i] = { 33.2, 33.4 } end
    return g, { lasts = true }
end

function cases.moving() return lattice(100, 100, 1), { lasts = true, limit = 0.7, speed = 4, steps = 14, made = 2 } end
-- The lists that are made behind the first step end with the second, and none are made for nodes as fast as that.
function cases.jumping() return lattice(100, 100, 1), { limit = 40, speed = 400, steps = 5, most = 2 } end

-- The box grows by one that is drawn in from far away, or flies off.
function cases.outlier()
    local g = lattice(100, 100, 1)
    g.at[1], g.at[g.n] = { -40, -30 }, { 150, 180 }
    return g, { lasts = true, limit = 0.6, steps = 12 }
end

function cases.edges_of_all_with_all() -- lists would not be shorter
    local g = lattice(40, 40, 1)
    for i = 1, g.n do
        for k = 1, 8 do g.from[#g.from + 1], g.to[#g.to + 1] = i, (i * 7 + k * 211) % g.n + 1 end
    end
    return g, {}
end

-- Whoever has it asks for all nodes, and the others for few: of few ranks, that is too much.
function cases.hub()
    local g = lattice(100, 100, 1)
    for i = 2, g.n do g.from[#g.from + 1], g.to[#g.to + 1] = 1, i end
    return g, { lasts = world.size > 3, most = 99 }
end

-- Far from the origin, where coordinates are whole sixteenths.
function cases.offset()
    local g = lattice(100, 100, 1)
    for _, at in ipairs(g.at) do at[1], at[2] = at[1] + 1e6, at[2] - 1e6 end
    return g, { lasts = true, limit = 0.1, speed = 4, steps = 12 }
end

-- Somebody looks meanwhile, and then the graph is made anew.
function cases.looked_at()
    local function between(e, nodes, i, connect)
        if i == 5 then e:complete(nodes) end
        if i == 10 then connect() end
    end
    return lattice(100, 100, 1), { lasts = true, limit = 0.7, speed = 4, steps = 15, made = 3, between = between }
end

-- Somebody looks behind every second step: lists are made once, and not again so soon.
function cases.looked_at_often()
    local function between(e, nodes) e:complete(nodes) end
    return lattice(100, 100, 1), { steps = 34, most = 2, made = 2, between = between }
end

function cases.idle_ranks() return lattice(100, 100, 1), { lasts = true, idle = true } end

-- ---- Running them ------------------------------------------------------------------------------------------------

-- Blocks of as many nodes, or of those of every other rank alone.
local function blocks_of(n, idle)
    local blocks = {}
    for r = 0, world.size do
        local share = idle and (r + 1) // 2 / ((world.size + 1) // 2) or r / world.size
        blocks[r + 1] = math.floor(n * share) // CHUNK * CHUNK + 1
    end
    blocks[world.size + 1] = n + 1
    return blocks
end

local function own_edges(g, first, count)
    local from, to = {}, {}
    local function is_own(i) return i > first and i <= first + count end
    for e = 1, #g.from do
        local a, b = g.from[e], g.to[e]
        if a ~= b and (is_own(a) or is_own(b)) then from[#from + 1], to[#to + 1] = a, b end
    end
    return from, to
end

local function uploaded(m, type, values)
    local b = assert(m:buffer { type = type, length = math.max(1, #values) })
    if #values > 0 then assert(b:upload(values)) end
    return b
end

local function nodes_of(m, g, count, vec)
    local nodes = { position = uploaded(m, vec, g.at) }
    local function more(name, type, length) nodes[name] = assert(m:buffer { type = type, length = math.max(1, length) }) end
    more("mass", "f32", g.n)
    more("velocity", vec, count)
    more("force", vec, count)
    more("heft", "f32", count)
    return nodes
end

-- How many lists were made, and behind how many steps there were some.
local function steps_of(e, nodes, how, connect)
    local made, used, before = 0, 0, nil
    for i = 1, how.steps or 8 do
        e:step(nodes, i, how.limit or 0.05)
        if e.halo.lists and e.halo.lists ~= before then made = made + 1 end
        used, before = used + (e.halo.lists and 1 or 0), e.halo.lists
        if (e.pushes.grid.looked_at or 0) > e.rows.now.n then error "more nodes are looked at than there are" end
        if how.between then how.between(e, nodes, i, connect) end
    end
    return made, used
end

-- The positions in the end, and that.
local function run(m, g, how, partial)
    local of, dimensions = part.new(world, blocks_of(g.n, how.idle)), how.dimensions or 2
    local first, count = of:block(g.n)
    local ends = { own_edges(g, first, count) }
    local from, to = uploaded(m, "u32", ends[1]), uploaded(m, "u32", ends[2])
    local e = engine.new(m, { model = "tforce", part = of, dimensions = dimensions, speed = how.speed })
    local nodes = nodes_of(m, g, count, "f32x" .. dimensions)
    local function connect() e:connect(nodes, g.n, #ends[1], from, to, 1) end
    connect()
    nodes.partial = partial
    local made, used = steps_of(e, nodes, how, connect)
    e:complete(nodes)
    local bytes = assert(nodes.position:download()):bytes()
    for _, one in pairs { nodes.position, nodes.mass, nodes.velocity, nodes.force, nodes.heft, from, to } do one:close() end
    e:close()
    return bytes, made, used
end

local function compare(m, name)
    local g, how = cases[name]()
    local wanted, none = run(m, g, how, false)
    local got, made, used = run(m, g, how, true)
    common.same(0, none, "%s: lists where all is gathered", name)
    if got ~= wanted then error(name .. ": other positions than where all are gathered") end
    if how.lasts and used < 2 or not how.lasts and used > (how.most or 0) then
        error(("%s: lists were used behind %d steps"):format(name, used))
    end
    if made < (how.made or 0) then error(("%s: lists were made %d times"):format(name, made)) end
    common.say("%s %d", name, g.n)
end

local names = {}
for name in pairs(cases) do names[#names + 1] = name end
table.sort(names)
common.ending(common.manager { workers = 1 }, function(m)
    for _, name in ipairs(names) do compare(m, name) end
end)
