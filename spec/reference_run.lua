-- SPDX-License-Identifier: MIT
-- Runs every example of library/gpumm.lua in this folder, each with objects of its own by the names that the reference's
-- first page gives; prints what is wrong, a line each:   gpumm-run spec/reference_run.lua ROOT

local root = arg[1]
package.path = root .. "/?.lua;" .. package.path

local gpumm = require "gpumm"
local listing = require "spec.listing"
local luacats = require "doc.site.luacats"

local MOVE = [[extern "C" __global__ void move(int n, float2 *p, float by)
{ int i = blockIdx.x * blockDim.x + threadIdx.x; if (i < n) p[i].x += by; }]]
local TWICE = [[extern "C" __global__ void twice(int n, float2 *p)
{ int i = blockIdx.x * blockDim.x + threadIdx.x; if (i < n) { p[i].x *= 2; p[i].y *= 2; } }]]

-- How each object is made, from the others; `close` is told what ends with the example.
local MAKE = {
    m = function(o) return o.close(assert(gpumm.manager {})) end, -- which has b
    faulty = function(o) return o.close(assert(gpumm.manager { fault = true })) end,
    b = function(o) return (assert(o.m:get_buffer "positions")) end,
    g = function(o) return assert(o.m:group { { "position", "f32x2" }, { "mass", "f32" }, length = 4, name = "nodes" }) end,
    rb = function(o) return assert(o.b:readback { slots = 3 }) end,
    frame = function(o) return assert(o.rb:capture(1) and o.rb:wait()) end,
    s = function(o) return assert(o.m:stream()) end,
    e = function(o) return o.m:main():record() end,
    k = function(o) return assert(o.m:kernel { source = TWICE }) end,
    move = function(o) return assert(o.m:kernel { source = MOVE }) end,
    scratch = function(o) return assert(o.m:scratch("f32", 100)) end,
    v = function() return gpumm.view("f32x2", { { 1, 2 }, { 3, 4 }, { 5, 6 }, { 7, 8 } }) end,
    graph = function() return gpumm.graph.read "graph.tsv" end,
    timeline = function(o) return o.close(assert(gpumm.trace { file = "own.json" })) end,
    share = function(o)
        local nodes = assert(o.m:group { { "position", "f32x2" }, name = "nodes", length = 10, shareable = true })
        local watch = nodes:readback { where = "device", busy = "newest", slots = 3, shareable = true }
        o.watch = watch -- whose handle nobody else keeps
        return o.close(assert(o.m:share("shared.sock", { "nodes.position", watch = watch })))
    end,
    attachment = function(o) return o.share and o.close(assert(gpumm.attach "shared.sock")) end,
    described = function()
        return gpumm.simulation { nodes = gpumm.buffer { type = "f32x2", length = 4 }, steps = 10, step = function() end,
            live = function(_, event) return event.kind == "describe" and { positions = "nodes", edges = false } or nil end }
    end,
    sim = function(o) return o.close(o.described:open {}) end,
    rows_of = function(o)
        return function(graph)
            local ends, m = graph:ends()
            local pairs_of = assert(o.m:buffer { type = "u32", length = 2 * m })
            assert(pairs_of:upload(ends))
            local from, to = assert(o.m:buffer { type = "u32", length = m }), assert(o.m:buffer { type = "u32", length = m })
            from:upload(graph.from)
            to:upload(graph.to)
            local rows = gpumm.force.rows(o.m)
            rows:build(graph.nodes, m, from, to, 1)
            return rows
        end
    end,
}

local function objects()
    local open = {}
    local all = setmetatable({ gpumm = gpumm, require = require }, { __index = function(self, name)
        local make = MAKE[name]
        if not make then return _G[name] end
        local made = make(self)
        rawset(self, name, made)
        if name == "m" then assert(made:allocate("positions", "f32x2", 4, { enable_async = true })) end
        return made
    end })
    function all.close(object)
        table.insert(open, object)
        return object
    end
    function all.after_each(f) f() end
    return all, function()
        local m = rawget(all, "m")
        for _, name in ipairs(m and not m:is_closed() and m:names() or {}) do pcall(m.free, m, name) end
        for i = #open, 1, -1 do open[i]:close() end
    end
end

local function write(name, text)
    local file <close> = assert(io.open(name, "w"))
    file:write(text)
end

write("graph.tsv", "a\tb\nb\tc\nc\td\n")
write("table.csv", "name,weight\nx,1.5\ny,4.5\n")
write("column.tsv", "a\t10\nb\t20\nc\t30\nd\t40\n")

local wrong = 0
local function try(f)
    local name = (f.owner and f.owner.name:gsub("^gpumm%.", "") .. ":" or "") .. f.name
    local all, close = objects()
    for word in f.example:gmatch "%f[%w_.:]([%a_]+)" do -- before it runs, so that what it records is there
        if MAKE[word] then assert(all[word]) end
    end
    local found, result = listing.run(f.example, name, all)
    if type(result) == "table" and result.run then result:run {} end
    close()
    for _, text in ipairs(found) do
        wrong = wrong + 1
        io.write(text, "\n")
    end
end

local function matches(name) return not arg[2] or name:find(arg[2]) end

local has_live = pcall(function() return gpumm.live end)
for _, f in ipairs(luacats.read(root .. "/library/gpumm.lua").functions) do
    local live = f.name:find "^live%." or f.owner and f.owner.name == "gpumm.live_session"
    if f.example and (has_live or not live) and matches(f.name) then try(f) end
end

-- One rank alone, without mpirun; what ends the world comes last.
local has_world, world = pcall(require, "gpumm.world")
if has_world then
    MAKE.world = function() return world end
    local functions = luacats.read(root .. "/library/gpumm/world.lua").functions
    table.sort(functions, function(a, b) return b.name == "close" and a.name ~= "close" end)
    for _, f in ipairs(functions) do
        if f.example and matches(f.name) then try(f) end
    end
end
os.exit(wrong == 0)
