-- successes: 80
-- SPDX-License-Identifier: MIT
-- Scripts you did not write: attempts to get out of gpumm-run --sandbox, or to outlive its limits. Each attempt is a
-- script of its own that checks from within what it got; that it comes to its last line is part of the test.

local containment = require "spec.containment"
local support = require "spec.support"

local folder = os.tmpname()
os.remove(folder)
assert(os.execute(("mkdir '%s' '%s/in' '%s/out' '%s/in-too'"):format(folder, folder, folder, folder)))
teardown(function() os.execute(("rm -rf '%s'"):format(folder)) end)

local function write(name, text)
    local file <close> = assert(io.open(folder .. "/" .. name, "wb"))
    file:write(text)
end

local function read(name)
    local file <close> = io.open(folder .. "/" .. name, "rb")
    return file and file:read("a")
end

local function link(target, name)
    assert(os.execute(("ln -s '%s' '%s/%s'"):format(target, folder, name)))
end

write("out/secret", "secret!!")
write("in-too/secret", "secret!!")
write("in/data", "12345678")
write("in/graph", "a b\nb c\n")

local here = containment.new(folder, it)
local contained, holds, ends = here.contained, here.holds, here.ends

local READ = ("--allow-read '%s/in'"):format(folder)
local WRITE = ("--allow-write '%s/in'"):format(folder)

describe("out of the language", function()
    holds("no library reaches out", [[
        for _, name in ipairs { "io", "os", "package", "debug", "dofile", "loadfile", "warn" } do
            assert(_G[name] == nil, name)
        end]])
    holds("require knows gpumm and its parts, and opens nothing else", [[
        assert(require "gpumm" == gpumm and require "gpumm.growth" == gpumm.growth and require "gpumm.graph" == gpumm.graph)
        for _, name in ipairs { "io", "os", "debug", "luassert", "gpumm.inside", "gpumm.words", "gpumm.nothing", "",
            "gpumm/../x", "gpumm.layout.native", "gpumm.graph.made" } do refused("require knows gpumm", require, name) end
        refused("string expected", require)]])
    holds("what parts are made of is out of reach", [[
        assert(gpumm.graph and gpumm.picture and gpumm.force and gpumm.columns)
        for name in pairs(gpumm) do assert(not name:find(".", 1, true), name) end
        for _, name in ipairs { "layout.native", "graph.made", "columns.text" } do assert(gpumm[name] == nil, name) end]])
    holds("there is no string.dump", [[assert(string.dump == nil and ("").dump == nil)]])
    holds("bytecode is not loaded, whatever the mode", [[
        for _, mode in ipairs { "b", "bt", "tb", "t" } do
            assert(not load("\27LuaT\0\25\147\r\n\26\n", "=x", mode))
        end
        assert(not load("\27LuaT\0\25\147\r\n\26\n"))
        assert(select(2, load("return 1", "=x", "b")):find("text only", 1, true))]])
    holds("bytecode in pieces is not loaded", [[
        local pieces = { "\27", "Lua", "T\0", nil }
        local i = 0
        assert(not load(function() i = i + 1 return pieces[i] end, "=x", "bt"))]])
    holds("text is loaded, and stays inside", [[
        assert(load("return io, os, require, debug")() == nil)
        assert(load("return _G")() == _G)
        assert(load("return x", "=x", "t", { x = 7 })() == 7)
        assert(load("return x", "=x", "bt", { x = 7 })() == 7)
        refused("bad argument", load, {})]])
    holds("the metatable of strings is out of reach", [[
        assert(getmetatable("") == "string" and getmetatable("").__index == nil)
        refused("bad argument", setmetatable, "", {})]])
    holds("string methods stay what they are", [[
        string.upper = function() return "stolen" end
        string.format = nil
        assert(("x"):upper() == "X" and ("%d"):format(7) == "7")
        assert(string.upper("x") == "stolen")]])
    holds("our own Lua works the same when a script changes every global", [[
        local assert, print, stolen = assert, print, false
        local function steal() stolen = true end
        local globals = _G
        for name in pairs(globals) do if name ~= "gpumm" then globals[name] = steal end end
        io, os, require, string, table, math = { open = steal }, { exit = steal }, steal, {}, {}, {}
        local g = gpumm.graph.new(2, { 1 }, { 2 })
        assert(g.nodes == 2 and gpumm.growth.geometric(2) and not stolen)]])
    holds("a finaliser is refused", [[refused("__gc", setmetatable, {}, { __gc = print })
        refused("__gc", setmetatable, {}, { __gc = false })]])
    holds("a finaliser that comes later is never called", [[
        local called, mt = false, {}
        setmetatable({}, mt)
        rawset(mt, "__gc", function() called = true end)
        refused("__gc", setmetatable, {}, mt)
        for _ = 1, 100000 do local _ = { {} } end
        assert(not called)]])
    holds("a finaliser by __index or __newindex is none", [[
        local called = false
        local mt = setmetatable({}, { __index = { __gc = function() called = true end } })
        setmetatable({}, mt)
        for _ = 1, 100000 do local _ = { {} } end
        assert(not called)]])
    holds("nothing comes back from the dead", [[
        local weak = setmetatable({}, { __mode = "k" })
        local m = manager()
        for i = 1, 200 do weak[m:buffer { type = "f32", length = 1 }] = i end
        for _ = 1, 100000 do local _ = { {} } end
        for b in pairs(weak) do assert(b.length == 1) end
        m:close()
        for b in pairs(weak) do refused("CLOSED", function() b:upload { 1 } end) end]])
    holds("collectgarbage only counts", [[
        assert(collectgarbage("count") > 1)
        for _, what in ipairs { "collect", "stop", "step", "generational", "incremental", "restart", "setpause" } do
            refused("count", collectgarbage, what)
        end
        refused("count", collectgarbage)]])
    holds("tracebacks are text, and tell no values", [[
        local secret = "hidden value"
        local _, text = xpcall(function() local inner = secret error("x" .. #inner) end, gpumm.traceback)
        assert(type(text) == "string" and not text:find(secret, 1, true))
        local _, value = xpcall(function() error({ 1 }) end, gpumm.traceback)
        assert(value[1] == 1)
        for _, level in ipairs { -1, 0, 3, math.maxinteger, math.mininteger } do pcall(error, "x", level) end]])
    holds("a chunk that calls itself ours gets nothing of ours", [[
        local text = "return io, os, require, ..."
        assert(load(text, "@gpumm/graph.lua")() == nil)
        refused("kernels", load("gpumm.manager { device = 'host' }:kernel { file = '/etc/passwd' }", "@gpumm/picture.lua"))]])
    holds("the module's inside gives no more than the script has", [[
        assert(getmetatable(gpumm) == "gpumm")
        assert(gpumm.resource("../../../etc/passwd") == nil and gpumm["../../etc/passwd"] == nil)
        refused("not allowed", gpumm.graph.read, "/etc/passwd")
        local process = { interrupted = function() return false end }
        assert(gpumm.run(process, { [0] = "x", "/etc/passwd" }) == 1)]])
    holds("gpumm.options takes arg, which has only the script's own", [[
        assert(arg[-1] == nil and arg[0] and #arg == 0)
        assert(gpumm.options(arg, { steps = 3 }).steps == 3)]])
    it("--help ends it in a simulation's callbacks too", function()
        for _, run in ipairs { "", ":run {}" } do
            local text, code = contained("", ([[
                return gpumm.simulation { device = "host", steps = 1,
                    step = function() gpumm.options({ "--help" }, { steps = 3 }) end }%s]]):format(run))
            support.contains("usage: script [options]", text)
            assert.is_nil(text:find("the end that", 1, true))
            assert.equal(0, code)
        end
    end)
    it("--help of a script ends the script, by no way out of the process", function()
        local text, code = contained("", [[
            local _, ended = pcall(gpumm.options, { "--help" }, { "graph" })
            assert(getmetatable(ended) == "gpumm.ended")
            gpumm.options({ "--help" }, { "graph", steps = 3 })
            print "reached"]])
        support.contains("usage: script [options] GRAPH", text)
        assert.is_nil(text:find("reached", 1, true))
        assert.equal(0, code)
    end)
end)

describe("out of gpumm's objects", function()
    holds("their metatables are sealed", [[
        local m = manager()
        local b = m:allocate("b", "f32", 1)
        local event = m:main():record()
        for _, o in ipairs { m, b, b:download(), b:readback {}, m:stream(), event, m:scratch(64), gpumm.type "f32" } do
            assert(type(getmetatable(o)) == "string", tostring(o))
            refused("bad argument", setmetatable, o, {})
            refused("bad argument", rawset, o, 1, 1)
            refused("bad argument", rawget, o, 1)
        end
        m:free("b")]])
    holds("their methods take no foreign objects", [[
        local m = manager()
        local b, v = m:allocate("b", "f32", 1), gpumm.view("f32", 1)
        local foreign = { v, {}, 1, "x", gpumm.null, coroutine.create(print), setmetatable({}, { __name = "gpumm.buffer" }) }
        for _, o in ipairs(foreign) do
            refused("", b.upload, o, { 1 })
            refused("", m.allocate, o, "c", "f32", 1)
            refused("", m.close, o)
            refused("", b.readback, o, {})
        end
        refused("", v.get, b, 1)
        refused("", v.set, m, 1, 1)
        refused("", b.upload, m, { 1 })
        refused("", m.free, b, "b")
        assert(m:free("b"))]])
    holds("a name is no object", [[
        local m = manager()
        local b = m:allocate("b", "f32", 1)
        local list = setmetatable({}, { __name = "gpumm.view", __len = function() return 1 end })
        refused("element 1 of 1 is nil", b.upload, b, list)
        refused("", b.upload, b, setmetatable({ 1, 2 }, { __name = "gpumm.view" }))
        refused("", b.copy, b, setmetatable({}, { __name = "gpumm.buffer" }))
        m:free("b")]])
    holds("option tables are read raw", [[
        local called = false
        local function trap() called = true return 1 end
        local mt = { __index = trap, __pairs = trap, __len = trap, __eq = trap, __lt = trap }
        local m = assert(gpumm.manager(setmetatable({ device = "host" }, mt)))
        local b = m:buffer(setmetatable({ type = "f32", length = 2 }, mt))
        b:upload(setmetatable({ 1, 2 }, mt))
        b:readback(setmetatable({ slots = 2 }, mt))
        assert(not called and b:download():get(2) == 2)]])
    holds("option tables with strange keys are refused", [[
        for _, key in ipairs { 1, 1.5, true, {}, print, "limt", ("x"):rep(100000), "a\0b" } do
            refused("", gpumm.manager, { device = "host", [key] = 1 })
        end]])
    holds("a table whose length lies writes nowhere it should not", [[
        local m = manager()
        local list = liar(function(i) return i end)
        refused("growth list", gpumm.next_capacity, { kind = "list", list = list }, 1, 2, 10)
        refused("", function() m:buffer { type = "f32", length = 1, growth = { kind = "list", list = list } } end)
        local b = m:buffer { type = "u8", length = 1 }
        refused("", b.upload, b, list)
        refused("", b.append, b, list)
        refused("", gpumm.view, "f64", list)
        refused("", gpumm.struct, liar(function(i) return { "f" .. i, "f32" } end))
        refused("", m.group, m, liar(function(i) return { "f" .. i, "f32" } end))
        refused("", m.readback, m, liar(function() return b end))]], "--lua-memory 64MiB")
    holds("sizes that overflow are refused", [[
        local m = manager()
        for _, n in ipairs { math.maxinteger, 1 << 61, 1 << 62, -1, 2^63, 0/0, 1e300, math.mininteger } do
            assert(not pcall(gpumm.view, "f64", n))
            local ok, b = pcall(m.buffer, m, { type = "f64", length = n })
            assert(not ok or b == nil)
            local _, s = pcall(m.scratch, m, "f64", n)
            assert(type(s) ~= "userdata")
        end
        local b = m:buffer { type = "f32", length = 4 }
        for _, n in ipairs { 0, -1, 5, math.maxinteger, math.mininteger } do
            refused("", b.upload, b, { 1, 2 }, n)
            assert(not pcall(b.download, b, n, 4))
            assert(not pcall(b.copy, b, b, n, n, math.maxinteger))
        end]], "--lua-memory 64MiB")
    holds("views are bounded", [[
        local v = gpumm.view("f32x2", { 1, 2, 3, 4 })
        for _, i in ipairs { 0, -1, 3, math.maxinteger, math.mininteger } do
            assert(v:get(i) == nil and v.x[i] == nil)
            refused("", v.set, v, i, 1, 2)
            refused("", function() v.x[i] = 1 end)
        end
        refused("", table.move, v.x, 1, 1 << 20, 1)
        refused("", table.insert, v.x, 1)
        assert(v.x[2] == 3 and v:get(1) == 1)]])
    holds("views outlive what they were read from", [[
        local m = manager()
        local b = m:allocate("b", "f32", 4)
        b:upload { 1, 2, 3, 4 }
        local v = b:download()
        b:resize(100000)
        assert(v:get(4) == 4 and #v == 4)
        m:free("b")
        assert(v:get(4) == 4)
        refused("STALE", function() b:upload { 1 } end)
        m:close()
        for _ = 1, 10000 do local _ = { {} } end
        assert(v:totable()[1] == 1)]])
    holds("a frame that ended is stale, and so are its views", [[
        local m = manager()
        local b = m:buffer { type = "f32x2", length = 2 }
        b:upload { { 1, 2 }, { 3, 4 } }
        local rb = b:readback { slots = 2 }
        local first = rb:wait(rb:capture(1))
        local view, x = first.data, first.data.x
        b:resize(50000)
        rb:wait(rb:capture(2))
        for _, f in ipairs { function() return view:get(1) end, function() return x[1] end, function() return view:copy() end,
                function() return #first.data end, function() return b:upload(view) end } do
            refused("STALE", f)
        end
        m:close()
        refused("", function() return rb:capture(3) end)]])
    holds("a buffer of another manager is refused, unless it is copied", [[
        local a, b = manager(), manager()
        local x, y = a:buffer { type = "f32", length = 1 }, b:buffer { type = "f32", length = 1 }
        y:upload { 3 }
        assert(x:copy(y) and x:download():get(1) == 3)
        refused("another manager", a.readback, a, { y })
        refused("", y.upload, y, { 1 }, 1, a:stream())
        b:close()
        refused("CLOSED", y.upload, y, { 1 })
        x:upload { 7 }
        assert(x:download():get(1) == 7)]])
    holds("a schedule that closes, frees or yields does no harm", [[
        local m = manager()
        local b
        local function grown(schedule)
            b = m:buffer { type = "f32", length = 1, growth = schedule }
            return pcall(b.resize, b, 1000000)
        end
        grown(function() b:free() return 10 end)
        grown(function() coroutine.yield() end)
        coroutine.wrap(function() grown(function() coroutine.yield() end) end)()
        grown(function() b:resize(2000000) return 5 end)
        grown(function() error(setmetatable({}, { __tostring = error })) end)
        grown(function() return -1 end)
        grown(function() return 0/0 end)
        grown(function() m:close() return 1 << 62 end)]])
    holds("a step that closes its simulation does no harm", [[
        local sim = gpumm.simulation {
            b = gpumm.buffer { type = "f32", length = 10 }, watch = gpumm.readback { "b" }, steps = 5, device = "host",
            step = function(sim, i) if i == 2 then sim:close() end end,
            frame = function(sim) sim.manager:close() end,
        }
        pcall(sim.run, sim, {})
        sim:close()]])
    holds("faults are not a script's to make", [[
        refused("faults", gpumm.manager, { device = "host", fault = { hold = "copy" } })
        refused("faults", gpumm.manager, { device = "host", fault = true })]])
    holds("work is not made to last by a rate of what is spilled", [[
        local m <close> = assert(gpumm.manager { device = "host", memory = "1MiB", spill = "8MiB", spill_rate = 1 })
        local b = assert(m:buffer { type = "u8", length = 4 << 20 })
        assert(m:stats().spilled.now > 0 and b:fill(7))
        assert(b:download(1, 1)[1] == 7)]])
    holds("threads are few: managers, streams, workers", [[
        local managers, units = {}, manager():device().units
        refused("at most 16", function() for i = 1, 100 do managers[i] = manager() end end)
        for _, m in ipairs(managers) do m:close() end
        local m = assert(gpumm.manager { device = "host", workers = 200 })
        assert(m:device().units == units)
        local streams = {}
        refused("at most 64", function() for i = 1, 100 do streams[i] = m:stream() end end)]])
    holds("the device's limit holds, whatever a manager asks for", [[
        local a = assert(gpumm.manager { device = "host", limit = "1TiB" })
        local b = manager()
        local kept = assert(a:buffer { type = "u8", length = 600000 })
        local none, _, code = b:buffer { type = "u8", length = 600000 }
        assert(none == nil and code == "OVER_LIMIT" and #kept == 600000)]], "--limit 1MiB")
end)

describe("out of the folders", function()
    holds("no file is read", [[
        for _, path in ipairs { "/etc/passwd", folder .. "/in/data", "data", "", "..", "/dev/stdin", "/nowhere" } do
            refused("not allowed", gpumm.npy.read, path)
            refused("not allowed", gpumm.raw.read, path, "u8")
            refused("not allowed", gpumm.image.read, path)
            refused("not allowed", gpumm.graph.read, path)
        end]])
    it("no file is written", function()
        local text, code = contained(READ, [[
            local v, path = gpumm.view("u8", "x"), folder .. "/in/new"
            refused("not allowed", gpumm.npy.write, path, v)
            refused("not allowed", gpumm.raw.write, path, v)
            refused("not allowed", gpumm.image.write, path, gpumm.view("u8x3", "abc"), 1, 1)
            refused("not allowed", gpumm.picture.positions, path .. ".csv", gpumm.view("f32x2", { 1, 2 }))
            refused("not allowed", gpumm.raw.write, folder .. "/in/data", v)]])
        assert.equal("", text)
        assert.equal(0, code)
        assert.equal("12345678", read "in/data")
        assert.is_nil(read "in/new")
    end)
    holds("what is granted is read, and its absence told", [[
        assert(gpumm.raw.read(folder .. "/in/data", "u8"):bytes() == "12345678")
        assert(gpumm.raw.read(folder .. "/out/../in/./data", "u8"):get(1) == 49)
        assert(gpumm.graph.read(folder .. "/in/graph").nodes == 3)
        local none, _, code = gpumm.raw.read(folder .. "/in/absent", "u8")
        assert(none == nil and code == "IO")]], READ)
    it("what is granted is written, and nothing beside it left", function()
        local _, code = contained(WRITE, [[
            assert(gpumm.raw.write(folder .. "/in/made", gpumm.view("u8", "first")))
            assert(gpumm.raw.write(folder .. "/out/../in/made", gpumm.view("u8", "second")))
            refused("not allowed", gpumm.raw.read, folder .. "/in/made", "u8")
            gpumm.picture.positions(folder .. "/in/p.csv", gpumm.view("f32x2", { 1, 2 }))]])
        assert.equal(0, code)
        assert.equal("second", read "in/made")
        assert.equal("x,y\n1,2\n", read "in/p.csv")
        local list = io.popen(("ls -A '%s/in'"):format(folder)):read("a")
        assert.equal("data\ngraph\nmade\np.csv\n", list)
    end)
    holds(".. leads nowhere", [[
        for _, path in ipairs { "/in/../out/secret", "/in/../../../../../../etc/passwd", "/in/./../out/secret", "/in/..",
                "/in//..//out//secret", "/in/absent/../../out/secret", "/in/data/../../out/secret", "/in/data/", "/in/" } do
            refused("not allowed", gpumm.raw.read, folder .. path, "u8")
            refused("not allowed", gpumm.raw.write, folder .. path, gpumm.view("u8", "x"))
        end]], READ .. " " .. WRITE)
    holds("a folder whose name begins alike is another", [[
        refused("not allowed", gpumm.raw.read, folder .. "/in-too/secret", "u8")
        refused("not allowed", gpumm.raw.write, folder .. "/in-too/new", gpumm.view("u8", "x"))]], READ .. " " .. WRITE)
    it("links lead nowhere", function()
        link("../out/secret", "in/file-link")
        link("../out", "in/folder-link")
        link("/", "in/root-link")
        link("../out/created", "in/dangling-link")
        link("/proc/self", "in/proc-link")
        local text, code = contained(READ .. " " .. WRITE, [[
            for _, path in ipairs { "file-link", "folder-link/secret", "root-link/etc/passwd", "dangling-link",
                    "proc-link/environ", "proc-link/fd/0", "folder-link/../out/secret" } do
                refused("not allowed", gpumm.raw.read, folder .. "/in/" .. path, "u8")
                refused("not allowed", gpumm.raw.write, folder .. "/in/" .. path, gpumm.view("u8", "stolen"))
            end
            refused("not allowed", gpumm.raw.write, folder .. "/in/folder-link/new", gpumm.view("u8", "stolen"))
            print "held"]])
        os.execute(("rm '%s/in/'*-link"):format(folder))
        assert.equal("held\n", text)
        assert.equal(0, code)
        assert.equal("secret!!", read "out/secret")
        assert.is_nil(read "out/created")
        assert.is_nil(read "out/new")
    end)
    it("a link that stays inside is followed for reading", function()
        link("data", "in/inner-link")
        local text, code = contained(READ, [[print(gpumm.raw.read(folder .. "/in/inner-link", "u8"):bytes())]])
        os.execute(("rm '%s/in/inner-link'"):format(folder))
        assert.equal("12345678\n", text)
        assert.equal(0, code)
    end)
    it("a pipe holds nobody up", function()
        assert(os.execute(("mkfifo '%s/in/pipe'"):format(folder)))
        local text, code = contained(READ .. " " .. WRITE, [[
            for _, read in ipairs { gpumm.npy.read, gpumm.image.read, gpumm.graph.read } do
                refused("not allowed", read, folder .. "/in/pipe")
            end
            refused("not allowed", gpumm.raw.write, folder .. "/in/pipe", gpumm.view("u8", "x"))
            print "held"]])
        os.execute(("rm '%s/in/pipe'"):format(folder))
        assert.equal("held\n", text)
        assert.equal(0, code)
    end)
    holds("the process's own files are not there", [[
        for _, path in ipairs { "/proc/self/environ", "/proc/self/maps", "/proc/self/mem", "/proc/self/cwd/x", "/dev/fd/0" } do
            refused("not allowed", gpumm.raw.read, path, "u8")
            refused("not allowed", gpumm.raw.write, path, gpumm.view("u8", "x"))
        end]], READ .. " " .. WRITE)
    holds("paths with a zero byte or without end are refused", [[
        for _, path in ipairs { folder .. "/in/data\0/../../out/secret", folder .. "/in/" .. ("x"):rep(100000),
                folder .. ("/in/.."):rep(2000) .. "/out/secret" } do
            assert(not pcall(gpumm.raw.read, path, "u8"))
            assert(not pcall(gpumm.raw.write, path, gpumm.view("u8", "x")))
        end]], READ .. " " .. WRITE)
    holds("the environment is not told", [[
        refused("--allow-environment", gpumm.environment, "HOME")
        refused("not allowed", gpumm.environment, "PATH")]])
    holds("but for what is granted", [[
        assert(gpumm.environment("HOME"))
        refused("not allowed", gpumm.environment, "PATH")]], "--allow-environment HOME")
    it("what is granted must be there", function()
        local text, code = contained(("--allow-read '%s/absent'"):format(folder), "")
        support.contains("absent: what is granted", text)
        assert.equal(1, code)
    end)
end)

describe("into native code", function()
    holds("no kernel is made, from wherever its source is", [[
        local m = manager()
        for _, options in ipairs { { source = 'extern "C" __global__ void k(int n) {}' }, { file = "/etc/passwd" },
                { source = gpumm.resource("gpumm/picture.cu"), name = "splat" }, {}, { file = "x.ptx", signature = "" } } do
            refused("native code", m.kernel, m, options)
        end]])
    holds("nor by a simulation", [[
        local sim = gpumm.simulation {
            k = gpumm.kernel { source = 'extern "C" __global__ void k(int n) {}' }, device = "host", steps = 1,
            step = function() end,
        }
        refused("native code", sim.run, sim, {})]])
    it("nor by a picture, whose folder is granted", function()
        local text = contained(WRITE, [[
            local positions = gpumm.view("f32x2", { 0, 0, 1, 1 })
            refused("native code", gpumm.picture.write, folder .. "/in/a.png", { positions = positions })
            print "held"]])
        support.contains("held", text)
        assert.is_nil(read "in/a.png")
    end)
    holds("but for a script that is trusted", [[
        local m = manager()
        local k = assert(m:kernel { source = 'extern "C" __global__ void twice(int n, float *x) '
            .. '{ int i = blockIdx.x * blockDim.x + threadIdx.x; if (i < n) x[i] *= 2; }' })
        local b = m:buffer { type = "f32", length = 3 }
        b:upload { 1, 2, 3 }
        assert(k { n = 3, x = b })
        assert(b:download():get(3) == 6)]], "--allow-kernels")
end)

describe("past the limits", function()
    ends("a loop", "timeout 0.2 seconds", "--timeout 0.2", "while true do end")
    ends("a loop in pcall", "timeout 0.2 seconds", "--timeout 0.2",
        "while true do pcall(function() while true do end end) end")
    ends("a loop in a message handler", "timeout 0.2 seconds", "--timeout 0.2",
        "local function f() while true do end end while true do xpcall(f, f) end")
    ends("loops in coroutines", "timeout 0.2 seconds", "--timeout 0.2", [[
        local function f() while true do end end
        while true do coroutine.resume(coroutine.create(f)) pcall(coroutine.wrap(f)) end]])
    ends("a loop in __close", "timeout 0.2 seconds", "--timeout 0.2", [[
        local mt = { __close = function() while true do end end }
        while true do pcall(function() local x <close> = setmetatable({}, mt) while true do end end) end]])
    ends("a loop in __close of a dead coroutine", "timeout 0.2 seconds", "--timeout 0.2", [[
        local mt = { __close = function() while true do end end }
        while true do pcall(coroutine.wrap(function() local x <close> = setmetatable({}, mt) while true do end end)) end]])
    ends("a simulation that never ends", "timeout 0.2 seconds", "--timeout 0.2", [[
        local b = gpumm.buffer { type = "f32", length = 10 }
        do return gpumm.simulation { b = b, watch = gpumm.readback { "b" }, device = "host",
            step = function() pcall(function() while true do end end) end } end]])
    ends("a call that does not return", "in a call that does not return", "--timeout 0.2",
        [[(("a"):rep(30000)):find((".-"):rep(20) .. "b")]])
    holds("no buffer takes whole stripes, or memory of other devices", [[
        local m = manager()
        local words = "the options devices and stripe are not allowed"
        for _, options in ipairs { { devices = { 0 }, stripe = "1GiB" }, { devices = { 0, 1 } }, { devices = { 1 } },
                { stripe = 1 }, { devices = {} }, { devices = "all" } } do
            options.max_size_bytes = "1GiB"
            refused(words, m.allocate, m, "named", "u8", 1, options)
            options.type, options.length = "u8", 1
            refused(words, m.buffer, m, options)
            local sim = gpumm.simulation { b = gpumm.buffer(options), device = "host", steps = 1, step = function() end }
            refused(words, sim.run, sim, {})
        end
        assert(m:get_buffer "named" == nil and m:stats().committed_bytes == 0 and m:stats().used_bytes == 0)
        assert(m:buffer { type = "u8", length = 1 })]], "--limit 1MiB")
    ends("strings without end", "lua-memory 16.0 MiB", "--lua-memory 16MiB",
        "local all = {} while true do pcall(function() all[#all + 1] = ('x'):rep(100000) .. #all end) end")
    ends("one string too long", "not enough memory", "--lua-memory 16MiB", "local s = 'x' while true do s = s .. s end")
    ends("string.rep without end", "memory", "--lua-memory 16MiB", "local s = string.rep('x', 1 << 30)")
    ends("coroutines without end", "lua-memory 16.0 MiB", "--lua-memory 16MiB", [[
        local all = {}
        while true do
            pcall(function() all[#all + 1] = coroutine.wrap(function() coroutine.yield() end) all[#all]() end)
        end]])
    ends("views without end", "lua-memory 16.0 MiB", "--lua-memory 16MiB",
        "local all = {} while true do pcall(function() all[#all + 1] = gpumm.view('f64', 1000) end) end")
    ends("struct types without end", "lua-memory 4.0 MiB", "--lua-memory 4MiB", [[
        for i = 1, 100 do
            local fields = {}
            for k = 1, 1000 do fields[k] = { ("a"):rep(50) .. k, "f32" } end
            pcall(gpumm.struct, fields)
        end
        local keep = {}
        while true do pcall(function() keep[#keep + 1] = gpumm.struct { { ("b"):rep(50) .. #keep, "f32x3" } } end) end]])
    it("a manager's own memory without end", function()
        local text, code = contained("--lua-memory 16MiB", [[
            local m, all = manager(), {}
            for i = 1, 1e7 do all[i] = assert(m:allocate("n" .. i, "f32", 0)) end]])
        -- one memory: whoever asks last is refused, the manager by its status, Lua by the end
        assert(text:find("OUT_OF_MEMORY", 1, true) or text:find("lua-memory 16.0 MiB", 1, true), text)
        assert.equal(1, code)
    end)
    holds("string.rep of nothing takes no time", [[assert(string.rep("", 1 << 60) == "" and (""):rep(1 << 60) == "")]],
        "--timeout 10")
    holds("the table library is bounded", [[
        local lying = setmetatable({}, { __len = function() return 1 << 60 end })
        for _, f in ipairs { table.insert, table.remove } do refused("__len", f, lying, 1, 1) end
        refused("__len", table.sort, lying)
        refused("__len", table.concat, lying)
        local t = liar(function(i) return i end)
        refused("longer", table.insert, t, 1, 1)
        refused("longer", table.remove, t, 1)
        refused("", table.sort, t)
        refused("at most", table.move, t, 1, 1 << 60, 2)
        refused("at most", table.concat, {}, "", 1, 1 << 60)
        refused("", table.unpack, {}, 1, 1 << 60)
        assert(table.concat({ 1, 2, 3 }, ",") == "1,2,3" and table.remove({ 1, 2 }, 1) == 1)]], "--timeout 10")
    holds("recursion ends with an error", [[
        local function deep() return 1 + deep() end
        refused("stack overflow", deep)
        local function nest() return coroutine.wrap(nest)() end
        assert(not pcall(nest))
        local function through() return pcall(through) end
        pcall(through)
        assert(not load(("("):rep(1000) .. "1" .. (")"):rep(1000), "=x"))
        assert(not pcall(string.find, ("a"):rep(300000), (".?"):rep(300000) .. "b"))
        local looped = setmetatable({}, {})
        getmetatable(looped).__index = looped
        refused("loop", function() return looped.x end)
        local list = {}
        list[1] = list
        refused("", gpumm.view, "f32x2", list)
        local s = setmetatable({}, { __tostring = function(s) return tostring(s) end })
        assert(not pcall(tostring, s))]], "--lua-memory 256MiB")
    holds("strings of absurd formats are refused", [[
        refused("", string.pack, "i17", 1)
        refused("", string.pack, "!128i4", 1)
        refused("", string.format, "%1000d", 1)
        refused("", string.rep, "x", 1 << 60)
        refused("", string.unpack, "s8", "\255\255\255\255\255\255\255\127")
        refused("", utf8.char, -1)]], "--lua-memory 64MiB")
end)

describe("through what comes out", function()
    it("an error object that is hostile to those who show it", function()
        for _, script in ipairs { "error(setmetatable({}, { __tostring = error }))",
            "error(setmetatable({}, { __tostring = function() error('again') end }))",
            "error(setmetatable({}, { __tostring = function() return 7 end }))",
            "error(setmetatable({}, { __tostring = function() coroutine.yield() end, __name = 7 }))",
            "error(coroutine.create(print))", "error(nil)", "error({})", "error(gpumm.null)" } do
            local text, code = contained("--timeout 20", script)
            assert.equal(1, code, script .. "\n" .. text)
        end
    end)
    it("an error object whose __tostring never ends", function()
        local text, code = contained("--timeout 0.2",
            "error(setmetatable({}, { __tostring = function() while true do end end }))")
        support.contains("timeout 0.2 seconds", text)
        assert.equal(1, code)
    end)
    it("what pretends to be a simulation", function()
        local text, code = contained("--timeout 20", [[
            return setmetatable({ run = function(_, given)
                for key in pairs(given) do assert(key == "interrupted" or key == "progress", key) end
                print "held"
            end }, { __metatable = "gpumm.simulation" })]])
        assert.equal("held\n", text)
        assert.equal(0, code)
    end)
    it("options that need --sandbox say so", function()
        for _, option in ipairs { "--allow-kernels", "--timeout 1", "--lua-memory 1MiB", "--allow-read /" } do
            local text, code = support.run(option, "")
            support.contains("goes with --sandbox", text)
            assert.equal(1, code)
        end
        support.contains("a number of seconds", (support.run("--sandbox --timeout -1", "")))
    end)
end)
