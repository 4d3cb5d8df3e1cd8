-- successes: 7
-- SPDX-License-Identifier: MIT
-- library/gpumm.lua says what gpumm exports: held against the real thing, in both directions.

local gpumm = require "gpumm"
local spec = require "gpumm.spec"
local exports = require "spec.exports"
local luacats = require "doc.site.luacats"

local FILE = "library/gpumm.lua"

-- ---- What the file says -----------------------------------------------------------------------

local read = luacats.read(FILE)

-- Names of fields, those that a class has from its parent too.
local function fields_of(class)
    local all = class.parent and read.classes[class.parent] and fields_of(read.classes[class.parent]) or {}
    for name in pairs(class.by_name) do all[name] = not name:find "^%[" or nil end
    return all
end

-- The classes by name, each with its fields and methods; the module's functions by path; and every function with
-- its parameters beside those that are annotated.
local function what_it_says()
    local library = { classes = {}, functions = {}, signatures = {} }
    for name, class in pairs(read.classes) do library.classes[name] = { fields = fields_of(class), methods = {} } end
    for _, f in ipairs(read.functions) do
        local annotated = {}
        for i, p in ipairs(f.parameters) do annotated[i] = p.name end
        local name = f.owner and f.owner.name .. ":" .. f.name or "gpumm." .. f.name
        table.insert(library.signatures, { name = name, parameters = f.arguments, annotated = annotated })
        if f.owner then library.classes[f.owner.name].methods[f.name] = true else library.functions[f.name] = true end
    end
    return library
end

local LIBRARY = what_it_says()

local function names(list)
    local sorted = {}
    for key in pairs(list) do sorted[#sorted + 1] = key end
    table.sort(sorted)
    return sorted
end

local function methods_of(object)
    local metatable = debug.getmetatable(object)
    if type(metatable.__index) == "table" then return metatable.__index end
    for i = 1, 20 do
        local name, value = debug.getupvalue(metatable.__index, i)
        if name == "methods" then return value end
    end
end

-- The options that a function knows, from what it says of one that it does not know.
local function valid_options(f, ...)
    local ok, message = pcall(f, ...)
    assert.is_false(ok)
    local list = {}
    for word in assert(message:match "valid: (.*)$"):gmatch "[%w_]+" do list[word] = true end
    return names(list)
end

local function fields(class) return names(LIBRARY.classes[class].fields) end

after_each(spec.close)

describe("library/gpumm.lua", function()
    it("is Lua, and annotates every parameter by its name", function()
        assert(loadfile(FILE))()
        for _, f in ipairs(LIBRARY.signatures) do assert.same(f.parameters, f.annotated, f.name) end
        assert.is_true(#LIBRARY.signatures > 100)
    end)

    it("has every class with every method and property, and no other", function()
        for name, real in pairs(exports.classes()) do
            local said = LIBRARY.classes[name]
            assert.is_not_nil(said, name)
            assert.same(names(real.methods), names(said.methods), name)
            assert.same(names(real.properties), names(said.fields), name)
        end
    end)

    it("has every function and value of the module, and no other", function()
        local functions, values = exports.module()
        local said = {}
        for name in pairs(LIBRARY.functions) do said[name] = exports.has_live() or not name:find "^live%." or nil end
        assert.same(names(functions), names(said))
        values.statuses = gpumm.statuses
        assert.same(names(values), fields "gpumm")
    end)

    it("has the methods of simulations and graphs", function()
        local sim = gpumm.simulation { step = function() end }
        assert.same(names(methods_of(sim)), names(LIBRARY.classes["gpumm.simulation"].methods))
        local graph = gpumm.graph.new(2, { 1 }, { 2 })
        local methods, real = {}, {}
        for key, value in pairs(methods_of(graph)) do
            if type(value) == "function" then methods[key] = true end
        end
        for key in pairs(graph) do real[key] = true end
        real.weights, real.labels, real.directed, real.part = true, true, true, true -- where the file, or a rank, has them
        assert.same(names(methods), names(LIBRARY.classes["gpumm.graph_object"].methods))
        assert.same(names(real), fields "gpumm.graph_object")
    end)

    it("has every option, and no other", function()
        local m = spec.inject_faults()
        local b = assert(m:buffer { type = "f32", length = 1 })
        local wrong = { no_such_option = 1 }
        local graph, shown = gpumm.graph.new(2, { 1 }, { 2 }), { positions = { { 0, 0 } }, no_such_option = 1 }
        if exports.has_live() then assert.same(valid_options(gpumm.live.open, wrong), fields "gpumm.live_options") end
        for class, valid in pairs {
            ["gpumm.manager_options"] = valid_options(gpumm.manager, wrong),
            ["gpumm.fault_plan"] = valid_options(m.fault.plan, m.fault, wrong),
            ["gpumm.allocate_options"] = valid_options(m.allocate, m, "x", "f32", 1, wrong),
            ["gpumm.buffer_options"] = valid_options(m.buffer, m, wrong),
            ["gpumm.group_options"] = valid_options(m.group, m, wrong),
            ["gpumm.kernel_options"] = valid_options(m.kernel, m, wrong),
            ["gpumm.readback_options"] = valid_options(b.readback, b, wrong),
            ["gpumm.where_options"] = valid_options(b.fill, b, 1, wrong),
            ["gpumm.copy_options"] = valid_options(b.copy, b, b, wrong),
            ["gpumm.picture_options"] = valid_options(gpumm.picture.write, "x.png", shown),
            ["gpumm.page_options"] = valid_options(gpumm.page.write, "x.html", shown),
            ["gpumm.layout_options"] = valid_options(gpumm.force.layout, graph, wrong),
            ["gpumm.growing_options"] = valid_options(gpumm.force.growing, graph, wrong),
            ["gpumm.growth_schedule"] = valid_options(gpumm.next_capacity, wrong, 1, 2, 3),
        } do
            assert.same(valid, fields(class), class)
        end
    end)

    it("has the fields of every record", function()
        local m = spec.inject_faults({}, { limit = "1GiB" })
        local striped <close> = assert(m:buffer { devices = { 0 }, stripe = "1MiB" })
        assert(striped:resize(1))
        local stats = m:stats()
        assert.same(names(stats), fields "gpumm.stats")
        assert.same(names(stats.buffers), fields "gpumm.entry")
        assert.same(names(m.fault:live()), fields "gpumm.live")
        assert(m:allocate("leak", "f32", 1))
        assert.same(names(m:leaks()[1]), fields "gpumm.block")
        assert.is_true(m:free "leak")
        local device = m:device()
        device.compute, device.driver_version = device.compute or "", device.driver_version or 0 -- of GPUs alone
        assert.same(names(device), fields "gpumm.device")
        assert.same(names(gpumm.config.default()), fields "gpumm.config")
        assert.same(names(gpumm.struct({ { "a", "f32" } }).fields[1]), fields "gpumm.field")
        local k = assert(m:kernel { source = 'extern "C" __global__ void f(int n, float *v) {}' })
        assert.same(names(k.parameters[2]), fields "gpumm.parameter")
        local request
        local b = assert(m:buffer { type = "u8", length = 1, growth = function(r)
            request = r
            return r.required
        end })
        assert(b:resize(b.capacity + 1))
        assert.same(names(request), fields "gpumm.growth_request")
    end)

    it("has the statuses", function()
        local line
        for text in io.lines(FILE) do line = line or text:match "^%-%-%-@alias gpumm.status_name (.*)$" end
        local said = {}
        for name in line:gmatch '"([A-Z_]+)"' do said[name] = true end
        assert.same(names(gpumm.statuses), names(said))
    end)
end)
