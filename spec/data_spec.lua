-- successes: 9
-- SPDX-License-Identifier: MIT
-- What is taken as data, as a number, as a name: everything that means something, and an error for what does not.

local gpumm = require "gpumm"
local spec = require "gpumm.spec"
local support = require "spec.support"
local raises, contains = support.raises, support.contains

describe("data", function()
    after_each(spec.close)

    it("is taken from tables that answer by metamethods, whole", function()
        local m = spec.manager()
        local b = m:buffer { type = "f32", length = 3 }
        local asked = setmetatable({}, { __index = function(_, i) return i <= 3 and i * 10 or nil end })
        local counted = setmetatable({}, { __len = function() return 3 end, __index = function(_, i) return i * 2 end })
        b:upload(asked)
        assert.view_equals({ 10, 20, 30 }, b:download())
        b:upload(counted)
        assert.view_equals({ 2, 4, 6 }, b:download())
        assert.view_equals({ 10, 20, 30 }, gpumm.view("f32", asked))
        local function odd(_, i) return i ~= 2 and i or nil end
        local holes = setmetatable({}, { __len = function() return 3 end, __index = odd })
        raises("element 2 of 3 is nil", b.upload, b, holes)
        b:upload(setmetatable({ 7, 8, 9 }, { __index = { name = "a list with methods" } }))
        assert.view_equals({ 7, 8, 9 }, b:download())
        local g = m:group { { "x", "f32" } }
        assert(g:append { x = asked })
        assert.view_equals({ 10, 20, 30 }, g.x:download())
    end)

    it("loses no value of a table", function()
        local b = spec.manager():buffer { type = "f32", length = 3 }
        raises("with elements from 1 on; this table has other keys (0)", b.upload, b, { [0] = 5 })
        raises("with elements from 1 on; this table has other keys (0)", b.upload, b, { [0] = 5, 6, 7 })
        raises("this table has other keys (5)", b.upload, b, { 1, 2, 3, [5] = 7 })
        raises("this table has other keys (1.5)", b.upload, b, { 1, 2, 3, [1.5] = 7 })
        raises("this table has other keys (name)", b.upload, b, { name = "x" })
        raises("this table has other keys (0)", gpumm.view, "f32x2", { [0] = { 1, 2 }, { 3, 4 } })
        assert.view_equals({ 0, 0, 0 }, b:download())
        assert(b:upload { 1, 2, 3, name = "names beside a list are the script's own" })
        assert.view_equals({ 1, 2, 3 }, b:download())
    end)

    it("is taken from buffers", function()
        local m = spec.manager()
        local a, b = m:buffer { type = "u32", length = 3 }, m:buffer { type = "u32", length = 4 }
        a:upload { 1, 2, 3 }
        assert(b:upload(a, 2))
        assert.view_equals({ 0, 1, 2, 3 }, b:download())
        assert(b:append(a))
        assert.view_equals({ 0, 1, 2, 3, 1, 2, 3 }, b:download())
        assert.view_equals({ 1, 2, 3 }, gpumm.view("u32", a))
        raises("TYPE_MISMATCH: f32 is wanted, and the buffer is of u32", gpumm.view, "f32", a)
        local path = os.tmpname()
        assert(gpumm.npy.write(path, a))
        assert.view_equals({ 1, 2, 3 }, assert(gpumm.npy.read(path)))
        assert(gpumm.raw.write(path, a))
        raises("gpumm.view(type, table) makes one of a table", gpumm.npy.write, path, { 1, 2 })
        os.remove(path)
    end)

    it("of positions is a view, a buffer or a list", function()
        local graph = gpumm.graph.new(3, { 1, 2 }, { 2, 3 })
        local list = { { 0, 0 }, { 1, 0 }, { 0, 1 } }
        local b = spec.manager():buffer { type = "f32x2", length = 3 }
        b:upload(list)
        local path = os.tmpname()
        for _, positions in ipairs { list, { 0, 0, 1, 0, 0, 1 }, gpumm.view("f32x2", list), b } do
            assert.is_true(gpumm.page.write(path, { positions = positions, graph = graph }))
            assert.is_true(gpumm.picture.positions(path .. ".npy", positions))
            assert.view_equals(list, assert(gpumm.npy.read(path .. ".npy")))
            assert.near(graph:stress(list), graph:stress(positions), 1e-9)
        end
        os.remove(path)
        os.remove(path .. ".npy")
    end)
end)

describe("whole numbers", function()
    after_each(spec.close)

    it("are whole where their value is", function()
        local m = spec.manager()
        local graph = gpumm.graph.new(2.0, { 1.0 }, { 2 })
        assert.equal(2, graph.nodes)
        assert.equal("integer", math.type(graph.nodes))
        assert(gpumm.readback { "b", every = 1e1, slots = 3.0 })
        assert.equal("integer", math.type(gpumm.simulation { steps = 1e1, in_flight = 2.0, step = print }.steps))
        assert(gpumm.force.layout(graph, { steps = 1e2, every = 1e2 }))
        assert(graph:batches(1e2))
        assert.same(graph:bfs(1), graph:bfs(1.0))
        assert(gpumm.growth.linear(1e3))
        local b = m:buffer { type = "f32", length = 1e1, ahead = 1.0, max_length = 4e6 }
        assert.equal(10, #b)
        assert(b:resize(12.0))
        assert(b:fill(2, 3.0, 4.0))
        raises("every is a whole number of steps from 1, not 1.5", gpumm.readback, { "b", every = 1.5 })
        raises("slots is a whole number from 2 to 64, not 2.5", gpumm.readback, { "b", slots = 2.5 })
        raises("steps must be a whole number", gpumm.simulation, { steps = 1.5, step = print })
    end)
end)

describe("names", function()
    after_each(spec.close)

    it("that are nearly right raise with what was meant", function()
        local m = spec.manager()
        local b = m:buffer { type = "f32", length = 3 }
        raises("gpumm.buffer has no 'lenght' (did you mean 'length'?)", function() return b.lenght end)
        raises("gpumm.buffer has no 'uplaod' (did you mean 'upload'?)", function() b:uplaod {} end)
        raises("gpumm.manager has no 'alocate' (did you mean 'allocate'?)", function() m:alocate() end)
        raises("gpumm.stream has no 'recrod' (did you mean 'record'?)", function() return m:main().recrod end)
        raises("b:download() gives a view of them", function() return b[1] end)
        raises("b:download() gives a view of them", function() b[1] = 2 end)
        raises("gpumm.buffer.length cannot be assigned: b:resize(n) changes the length", function() b.length = 20 end)
        raises("gpumm.buffer has no 'lenght' (did you mean 'length'?)", function() b.lenght = 20 end)
        raises("gpumm.manager has no 'whatever'", function() return m.whatever end)
        raises("gpumm has no 'manger' (did you mean 'manager'?)", function() return gpumm.manger end)
        assert.is_nil(gpumm.whatever)
        raises("(did you mean 'page'?)", gpumm.picture.outputs, { pag = "x" })
    end)

    it("of descriptions raise with what was meant, at the script's line", function()
        local function wrong(text, make, options)
            local ok, message = pcall(function() make(options) end) local place = support.here()
            assert.is_false(ok)
            contains(place .. ": ", message)
            contains(text, message)
        end
        wrong("unknown option 'lenght' (did you mean 'length'?)", gpumm.buffer, { type = "f32", lenght = 3 })
        wrong("unknown option 'grwoth' (did you mean 'growth'?)", gpumm.group, { { "a", "f32" }, grwoth = 1 })
        wrong("unknown option 'treads' (did you mean 'threads'?)", gpumm.kernel, { source = "", treads = "n" })
        wrong("unknown option 'evry' (did you mean 'every'?)", gpumm.readback, { "a", evry = 1 })
        wrong('(did you mean \'drop\'?)', gpumm.readback, { "a", busy = "drip" })
        wrong("(did you mean 'in_flight'?)", gpumm.simulation, { in_fligth = 3, step = print })
        wrong("'f33' is no element type", gpumm.buffer, { type = "f33" })
        wrong("gpumm.buffer takes a table, not a nil", gpumm.buffer, nil)
        wrong("gpumm.group takes a table, not a string", gpumm.group, "position")
        wrong("file or source is missing", gpumm.kernel, {})
    end)

    it("of a maximum that nobody gave are said with the option that raises it", function()
        local m = spec.manager()
        local b = m:buffer { type = "f32" }
        support.fails("OVER_MAX_SIZE", "are more than its maximum of 268435456; the option max_length raises it",
            b:resize(1 << 40))
        support.fails("OVER_MAX_SIZE", "the option max_length raises it",
            m:buffer { type = "f32", length = 100, max_length = 10 })
    end)
end)

describe("closing", function()
    after_each(spec.close)

    it("ends streams, events and kernels, with the threads that they had", function()
        local function threads()
            local count = 0
            for line in io.lines "/proc/self/status" do count = tonumber(line:match "^Threads:%s+(%d+)") or count end
            return count
        end
        local m = assert(gpumm.manager { device = "host", workers = 1 })
        local b = m:buffer { type = "f32", length = 10 }
        b:fill(1)
        m:synchronize()
        local before, streams = threads(), {}
        for i = 1, 8 do streams[i] = m:stream() end
        assert.equal(before + 8, threads())
        local event = streams[1]:record()
        b:fill(2, { stream = streams[2] })
        for _, s in ipairs(streams) do s:close() end
        m:synchronize()
        for _ = 1, 200 do
            if threads() == before then break end
            m:poll()
            os.execute "sleep 0.01"
        end
        assert.equal(before, threads())
        raises("CLOSED: this gpumm.stream is closed", streams[1].record, streams[1])
        assert.view_equals({ 2, 2, 2, 2, 2, 2, 2, 2, 2, 2 }, b:download())
        assert.is_true(event:wait())
        event:close()
        event:close()
        raises("CLOSED", event.ready, event)
        m:main():close() -- goes with its manager
        assert.is_true(m:main():synchronize())
        m:close()
    end)
end)
