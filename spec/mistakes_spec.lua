-- successes: 16
-- SPDX-License-Identifier: MIT
-- Mistakes of a script's author: the message has the script's line and the word that was meant, and nothing that was
-- written is lost without one.

local gpumm = require "gpumm"
local spec = require "gpumm.spec"
local support = require "spec.support"
local raises, here, message_of = support.raises, support.here, support.message_of

local STEP = function() end

describe("a mistake in a description", function()
    after_each(spec.close)

    -- The call's own message, which begins with the line that `here` gave beside it.
    local function at(line, text, f, ...)
        local message = message_of(f, ...)
        support.says(message, line .. ": " .. text)
        assert.equal(1, select(2, message:gsub("%.lua:%d+: ", "")), message) -- one place, and it is the script's
    end

    it("has the line of a description that is returned, as scripts return theirs", function()
        local line, sim = here(), function() return gpumm.simulation { stpes = 10, step = STEP } end
        at(line, "gpumm.simulation: 'stpes' is neither a resource", sim)
        local group
        line, group = here(), function() return gpumm.group { { "position", "f32" }, lenght = 1 } end
        at(line, "gpumm.group: unknown option 'lenght' (did you mean 'length'?)", group)
        local readback
        line, readback = here(), function() return gpumm.readback { "a", slots = 1 } end
        at(line, "gpumm.readback: slots is a whole number from 2 to 64, not 1", readback)
        local layout
        line, layout = here(), function() return gpumm.force.layout(gpumm.graph.new(2, { 1 }, { 2 }), { stpes = 3 }) end
        at(line, 'force.layout: unknown option "stpes" (did you mean "steps"?)', layout)
    end)

    it("has the line of the resource, where opening finds it", function()
        local function refused(line, text, t)
            t.step = STEP
            local sim = gpumm.simulation(t)
            local message = message_of(sim.open, sim, { device = spec.device })
            assert.equal(line .. ": " .. text, message:match("^[^\n]*"))
            raises("CLOSED: ", sim.manager.synchronize, sim.manager)
            assert.balanced(sim.manager)
        end
        local line, group = here(), gpumm.group { { "p", "f32" }, length = "x" }
        refused(line, 'option "length": a count (a whole number from 0) expected, got the string "x"', { nodes = group })
        line, group = here(), gpumm.group { { "p", "f32" }, growth = { kind = "geometrc" } }
        refused(line, 'unknown kind of growth "geometrc" (did you mean "geometric"?); valid: geometric, linear, list, exact',
            { nodes = group })
        local buffer
        line, buffer = here(), gpumm.buffer { type = "f32", length = 11, max_length = 10 }
        refused(line, "OVER_MAX_SIZE: 11 elements are more than the maximum of 10; the option max_length raises it",
            { numbers = buffer })
    end)

    it("has the line of the options that run and open were given", function()
        local sim = gpumm.simulation { step = STEP, steps = 1 }
        local line
        local function run(options) line = here(); sim:run(options) end
        support.says(message_of(run, { devcie = "host" }), line .. ': unknown option "devcie" (did you mean "device"?)')
        support.says(message_of(run, { progess = print }), line .. ": unknown option 'progess' (did you mean 'progress'?)")
        support.says(message_of(run, { interupted = STEP }), "(did you mean 'interrupted'?)")
    end)

    it("that a readback makes names what it probably reads", function()
        local function refused(name, meant)
            raises(("'%s', which is neither a buffer nor a member of a group here (did you mean '%s'?)"):format(name, meant),
                gpumm.simulation, { nodes = gpumm.group { { "position", "f32" } }, flags = gpumm.buffer { type = "u8" },
                watch = gpumm.readback { name }, step = STEP })
        end
        refused("nodes.positon", "nodes.position")
        refused("node.position", "nodes.position")
        refused("flag", "flags")
    end)

    it("loses no entry", function()
        raises("gpumm.group: unknown option '0'", gpumm.group, { [0] = { "q", "f32" }, { "p", "f32" } })
        raises("gpumm.group: entry 2 of 3 is nil", gpumm.group, { { "q", "f32" }, nil, { "p", "f32" } })
        raises("gpumm.group: member 'p' is { name, type }, and has 3 entries", gpumm.group, { { "p", "f32", 4 } })
        raises("gpumm.readback: unknown option '0'", gpumm.readback, { [0] = "a", "b" })
        raises("gpumm.buffer: unknown option '1'", gpumm.buffer, { type = "f32", 100 })
        raises("gpumm.kernel: unknown option '1'", gpumm.kernel, { "layout.cu" })
        raises("gpumm.kernel: file is a name, not a number", gpumm.kernel, { file = 3 })
        raises("gpumm.stream: unknown option 'priority'; valid: none", gpumm.stream, { priority = 1 })
    end)

    it("in a manager's call is told what to write", function()
        local m = spec.manager()
        raises('expected, got the string "3"', m.buffer, m, { length = "3" })
        raises("m:allocate(name, type, length, {…}) makes a buffer with a name", m.buffer, m, { type = "f32", name = "b" })
        local b = m:buffer { type = "f32", length = 2 }
        raises('unknown op "mean"; valid: sum, min', m.reduce, m, { from = b, to = b, op = "mean" })
        raises('unknown op "mxa" (did you mean "max"?)', m.reduce, m, { from = b, to = b, op = "mxa" })
        raises('unknown access "wrte" (did you mean "write"?); valid: read, write', b.used, b, m:main(), "wrte")
    end)

    it("in a manager's call loses no entry either", function()
        local m = spec.manager()
        raises('unknown option "0"', m.group, m, { [0] = { "q", "f32" }, { "p", "f32" } })
        raises("group member 1: {name, type} expected, it has more entries", m.group, m, { { "p", "f32", 4 } })
        raises('unknown option "0"', gpumm.struct, { [0] = { "q", "f32" }, { "p", "f32" } })
        raises('unknown option "priority": none is valid here', m.stream, m, { priority = 1 })
        local b = m:buffer { type = "f32", length = 2 }
        raises("b:readback reads the buffer", b.readback, b, { "x" })
        raises('got "drpo" (did you mean "drop"?)', b.readback, b, { busy = "drpo" })
        assert.equal("1 1", m:stats().buffer_count .. " " .. m:stats().allocation_count)
    end)
end)

describe("a name that is misspelled", function()
    after_each(spec.close)

    it("raises with what was meant, of simulations", function()
        local sim <close> = gpumm.simulation { nodes = gpumm.group { { "p", "f32" } }, step = STEP }:open { device = spec.device }
        raises("a simulation has no 'advnace' (did you mean 'advance'?)", function() sim:advnace() end)
        raises("a simulation has no 'nodse' (did you mean 'nodes'?)", function() return sim.nodse end)
        assert.is_nil(sim.anything)
        sim.anything = 5
        assert.equal(5, sim.anything)
        raises("steps are a whole number from 0, not 1.5", sim.advance, sim, 1.5)
        raises("steps are a whole number from 0, not 2", sim.advance, sim, "2")
        raises("steps are a whole number from 0, not -1", sim.advance, sim, -1)
        assert.is_true(sim:advance(2.0))
        assert.equal(2, sim.i)
    end)

    it("raises with what was meant, of the module's tables and types", function()
        raises("gpumm.growth has no 'linera' (did you mean 'linear'?)", function() return gpumm.growth.linera end)
        raises("gpumm.config has no 'for_position' (did you mean 'for_positions'?)",
            function() return gpumm.config.for_position end)
        raises("gpumm.npy has no 'raed' (did you mean 'read'?)", function() return gpumm.npy.raed end)
        raises("gpumm.graph has no 'raed' (did you mean 'read'?)", function() return gpumm.graph.raed end)
        assert.is_nil(gpumm.growth.quadratic)
        raises("a type has no 'sise' (did you mean 'size'?)", function() return gpumm.type "f32".sise end)
        raises("a type has no 'colour'; it has name, kind", function() return gpumm.type "f32".colour end)
    end)

    it("raises with what was meant, of members of frames and fields of elements", function()
        local g = spec.manager():group { { "position", "f32" }, { "mass", "f32" }, length = 1 }
        local rb = g:readback { "position", "mass" }
        rb:capture(1)
        local f = rb:wait()
        raises("gpumm.frame has no 'masss' (did you mean 'mass'?)", function() return f.masss end)
        raises("this frame has no such member (did you mean 'mass'?)", f.member, f, "masss")
        assert.is_nil(f.velocity)
        raises("has no field 'frm' (did you mean 'from'?); its fields are from, to", gpumm.view,
            gpumm.struct { { "from", "u32" }, { "to", "u32" } }, { { frm = 1, to = 2 } })
    end)
end)

describe("data", function()
    after_each(spec.close)

    local function uploaded(data)
        local b = spec.manager():buffer { type = "f32", length = 4 }
        b:fill(9)
        b:upload(data)
        return b:download()
    end

    it("has positions that are whole, 2.0 among them", function()
        local g = spec.manager():group { { "a", "f32" }, { "b", "f32" }, length = 2.0 }
        g.b:upload({ 7 }, 2.0)
        local rb = g:readback { slots = 2.0 }
        rb:capture(1.0)
        local f = rb:wait(1.0)
        assert.view_equals({ 0, 7 }, f[2.0])
        assert.is_true(rawequal(f[2], f[2.0]))
        assert.is_true(rawequal(f[2], f:member(2.0)))
        assert.is_nil(f[1.5])
        assert.is_nil(f[3.0])
    end)

    it("of a table that answers by metamethods is all of it", function()
        local of = { __index = { 5, 6, 7 }, __len = function() return 3 end }
        assert.view_equals({ 5, 6, 7, 9 }, uploaded(setmetatable({}, of)))
        assert.view_equals({ 5, 6, 9, 9 },
            uploaded(setmetatable({}, { __index = { 5, 6, 7 }, __len = function() return 2.0 end })))
        assert.view_equals({ 5, 6, 7, 9 }, uploaded(setmetatable({ name = "mine" }, of)))
    end)

    it("that a table has and its metamethods do not show is an error", function()
        local of = { __index = { 5, 6, 7 } }
        raises("a list has its elements from 1 to 3; this table has other keys (0)", uploaded, setmetatable({ [0] = 4 }, of))
        raises("element 1 of 3 is nil", uploaded, setmetatable({}, { __len = function() return 3 end }))
        raises("neither elements nor __index, but __pairs", uploaded,
            setmetatable({}, { __pairs = function() return ipairs { 1, 2 } end }))
    end)

    it("of one element is all of it, or an error", function()
        local v = gpumm.view("f32x2", { { 1, 2 } })
        local two = "f32x2 wants its values listed, { v, … }, or named; this table also has "
        raises("element 1: " .. two .. "[0]", gpumm.view, "f32x2", { { [0] = 1, 2, 3 } })
        raises("element 1: " .. two .. "[y]", gpumm.view, "f32x2", { { 1, 2, y = 3 } })
        raises(two .. "[0]", v.set, v, 1, { [0] = 3, 4, 5 })
        assert.view_equals({ { 1, 2 } }, v)
        v:set(1, { 3, 4, label = "mine" })
        assert.view_equals({ { 3, 4 } }, v)
        local ends = gpumm.struct { { "from", "u32" }, { "to", "u32" } }
        raises("this table also has [to]", gpumm.view, ends, { { 1, 2, to = 3 } })
        assert.equal(2, select(2, gpumm.view(ends, { { 1, 2, name = "e" } }):get(1)))
    end)

    it("that fills is a value, or the one element of a view or buffer", function()
        local m = spec.manager()
        local b = m:buffer { type = "f32x2", length = 2 }
        b:fill(gpumm.view("f32x2", { { 1, 2 } }))
        assert.view_equals({ { 1, 2 }, { 1, 2 } }, b:download())
        local one = m:buffer { type = "f32x2", length = 1 }
        one:upload { { 3, 4 } }
        b:fill(one, 2.0, 1.0)
        assert.view_equals({ { 1, 2 }, { 3, 4 } }, b:download())
        raises("fill: one element is wanted, and this has 2", b.fill, b, gpumm.view("f32x2", 2))
        raises("TYPE_MISMATCH: f32x2 is wanted, and the view is of f32", b.fill, b, gpumm.view("f32", { 4 }))
        assert.view_equals({ { 1, 2 }, { 3, 4 } }, b:download())
    end)
end)

describe("a whole number", function()
    after_each(spec.close)

    it("is one as 10.0 wherever a call counts", function()
        local m = spec.manager { limit = 1e9 }
        local b = m:allocate("b", "f32", 10.0, { max_length = 100.0, ahead = 1.0, align = 2.0, min_size_bytes = 16.0 })
        assert.equal("10 100", b.length .. " " .. b.max_length)
        b:upload({ 1, 2 }, 9.0)
        assert.view_equals({ 1, 2 }, b:download(9.0, 2.0))
        assert.view_equals({ 1, 2 }, b:download { first = 9.0, count = 2.0 })
        b:resize(12.0)
        b:copy(b, { first = 11.0, from_first = 9.0, count = 2.0 })
        assert.view_equals({ 1, 2, 1, 2 }, b:download(9))
        assert.is_true(b:append(2.0))
        assert.equal(14, #b)
        assert.equal(20, gpumm.next_capacity(gpumm.growth.list { 10.0, 20.0 }, 10.0, 11.0, 100.0))
        local g = m:group { { "a", "f32" }, length = 2.0, max_length = 8.0, min_length = 2.0 }
        assert.is_true(g:append(3.0))
        assert.equal("5 8", #g .. " " .. g.max_length)
    end)
end)
