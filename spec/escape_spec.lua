-- successes: 66
-- SPDX-License-Identifier: MIT
-- More attempts to get out of gpumm-run --sandbox, or to outlive its limits: what sandbox_spec.lua leaves open between
-- its own. Each is a script that checks from within what it got.

local containment = require "spec.containment"
local support = require "spec.support"

local folder = os.tmpname()
os.remove(folder)
assert(os.execute(("mkdir '%s' '%s/in' '%s/out'"):format(folder, folder, folder)))
teardown(function() os.execute(("rm -rf '%s'"):format(folder)) end)

local here = containment.new(folder, it)
local holds, ends = here.holds, here.ends
local WRITE = ("--allow-write '%s/in'"):format(folder)

describe("by the language's edges", function()
    holds("an environment that is no table, or a constant", [[
        refused("index a nil value", load("return print", "=x", "t", nil))
        assert(load("return dump", "=x", "t", string)() == nil)
        refused("index a number value", load("local _ENV <const> = 10; x = 1"))]])
    holds("modes with a zero byte, empty, unknown", [[
        for _, mode in ipairs { "", "x", "T", "\0t" } do
            local f, message = load("return 1", "=x", mode)
            assert(mode:find("t", 1, true) and not f or message:find("text only", 1, true), mode)
        end]])
    holds("a reader that yields, fails, or gives no text", [[
        assert(not coroutine.wrap(function() return load(function() coroutine.yield() end) end)())
        assert(not load(function() error "no" end))
        assert(not load(function() return {} end))]])
    holds("a yield out of __close, __index, a comparison, a reader", [[
        local function yield() coroutine.yield() end
        local mt = { __close = yield, __index = yield, __lt = yield }
        local co = coroutine.create(function() local x <close> = setmetatable({}, mt) error "e" end)
        assert(not coroutine.resume(co) and coroutine.status(co) == "dead" and not coroutine.close(co))
        assert(coroutine.wrap(function() return setmetatable({}, mt).x end)() == nil)
        assert(not coroutine.wrap(function() return pcall(table.sort, { setmetatable({}, mt), setmetatable({}, mt) }) end)())]])
    holds("coroutines that close, resume and wrap themselves", [[
        local co
        co = coroutine.create(function() return pcall(coroutine.close, co) end)
        assert(select(2, coroutine.resume(co)) == false)
        refused("running", coroutine.close, coroutine.running())
        local wrapped
        wrapped = coroutine.wrap(function() return wrapped() end)
        refused("non-suspended", wrapped)
        local failing = coroutine.wrap(function() error { 7 } end)
        assert(select(2, pcall(failing))[1] == 7)
        refused("dead", failing)]])
    holds("pcall and xpcall yield as they do elsewhere", [[
        local co = coroutine.wrap(function()
            assert(select(2, pcall(coroutine.yield, 1)) == "a")
            assert(select(2, xpcall(coroutine.yield, print, 2)) == "b")
            return pcall(function() coroutine.yield(3) error "after" end)
        end)
        assert(co() == 1 and co "a" == 2 and co "b" == 3)
        local ok, message = co()
        assert(not ok and message:find "after")]])
    holds("more arguments and results than the stack has at first", [[
        assert(select("#", pcall(function(...) return ... end, table.unpack({}, 1, 200000))) == 200001)
        local many = coroutine.wrap(function(...) coroutine.yield(...) return table.unpack({}, 1, 200000) end)
        assert(select("#", many(table.unpack({}, 1, 100000))) == 100000 and select("#", many()) == 200000)]])
    holds("recursion through C: gsub, sort, metamethods, __close, wrap, tostring", [[
        local function gsub() return (("x"):gsub("x", gsub)) end
        local function sort() table.sort({ 1, 2, 3 }, sort) return true end
        local mt = {}
        mt.__index = function(t, k) return t[k] end
        mt.__concat = function(a, b) return a .. b end
        mt.__close = function() local x <close> = setmetatable({}, mt) end
        mt.__tostring = function() return tostring(setmetatable({}, mt)) end
        local t = setmetatable({}, mt)
        local function nest() return coroutine.wrap(nest)() end
        for _, f in ipairs { gsub, sort, nest, function() return t.x end, function() return t .. t end,
                function() local x <close> = t end, function() return tostring(t) end } do
            refused("overflow", f)
        end]])
    holds("nesting of every kind in source", [[
        for _, s in ipairs { "(", "{", "[", "not ", "- ", "~", "function() ", "a(", "x .. ", "2 ^ ", "#" } do
            assert(not load("return " .. s:rep(100000)), s)
        end
        for _, s in ipairs { "if x then ", "while x do ", "do ", "for i = 1, 1 do ", "repeat " } do
            assert(not load(s:rep(100000)), s)
        end]])
    holds("orders that contradict themselves, fail, yield, or empty the list", [[
        local t = {}
        for i = 1, 1000 do t[i] = i % 7 end
        for _ = 1, 30 do pcall(table.sort, t, function() return math.random(2) == 1 end) end
        pcall(table.sort, t, function() return true end)
        refused("compare", table.sort, { 1, "x", {} })
        pcall(table.sort, t, coroutine.wrap(function() while true do coroutine.yield(true) end end))
        local u = { 5, 4, 3, 2, 1 }
        pcall(table.sort, u, function(a, b) for i = 1, 5 do u[i] = nil end return a and b and a < b end)]])
    holds("packing, formats and utf8 of absurd sizes", [[
        for _, f in ipairs { "i17", "!32d", "Xz", "c-1" } do assert(not pcall(string.pack, f, 1), f) end
        refused("", string.packsize, ("c2147483647"):rep(3))
        refused("", string.unpack, "c2147483647", "x")
        refused("", string.unpack, "<i4", "abcd", math.maxinteger)
        refused("", string.format, "%1000d", 1)
        refused("", string.format, ("%s"):rep(100000))
        refused("", utf8.codepoint, ("x"):rep(3000000), 1, -1)
        for _, s in ipairs { "\xff", "\xf4\x90\x80\x80", "\x80", "a\x80" } do assert(not utf8.len(s)) end]],
        "--lua-memory 64MiB")
    holds("patterns that nest", [[
        refused("too complex", string.find, ("a"):rep(300000), (".?"):rep(300000) .. "b")
        refused("too many captures", string.find, "x", ("("):rep(100))
        refused("missing", string.find, "x", "%f")
        assert(not ("("):rep(10000):find "%b()")]], "--timeout 60")
    holds("an error object's __name, as long as it likes", [[
        local t = setmetatable({}, { __name = ("n"):rep(1000000), __metatable = "gpumm.manager" })
        assert(#tostring(t) > 1000000)
        refused("", gpumm.type, t)
        refused("", string.rep, t)
        pcall(error, t)]])
    holds("a message handler that fails, and one that is none", [[
        assert(not xpcall(error, function(m) error(m) end, 1))
        refused("function expected", xpcall, print)
        refused("function expected", xpcall, nil, nil)]])
    holds("metatables at their edges", [[
        refused("", setmetatable, 1, {})
        refused("", setmetatable, {}, 1)
        refused("", setmetatable, {})
        refused("protected", setmetatable, setmetatable({}, { __metatable = false }), {})
        refused("protected", setmetatable, gpumm, {})]])
end)

describe("by the module", function()
    holds("what our Lua files call may be anybody's, and gets nothing that reaches out", [[
        local seen = {}
        for name, f in pairs(gpumm) do
            if type(f) == "function" then
                gpumm[name] = function(...)
                    for _, x in ipairs { ... } do
                        assert(type(x) ~= "userdata" or tostring(getmetatable(x)):find "^gpumm", "a file?")
                        seen[type(x)] = true
                    end
                    return f(...)
                end
            end
        end
        pcall(gpumm.graph.read, folder)
        gpumm.simulation { b = gpumm.buffer { type = "f32", length = 1 }, watch = gpumm.readback { "b" }, steps = 2,
            device = "host", step = function() end }:run {}
        assert(seen.table and seen.string)]])
    holds("a require of the script's own is asked, and opens nothing", [[
        local asked = {}
        function require(name) asked[name] = true return setmetatable({}, { __index = function() return print end }) end
        assert(not pcall(function() return gpumm.spec end) and asked.luassert and os == nil)]])
    holds("gpumm.run with a process of the script's own", [[
        local function nothing() return nil, "nothing" end
        local process = { interrupted = function() return false end, load = nothing, set_device = print, set_limit = print,
            quiet = print, contain = function(t) assert(type(t) == "table") end }
        assert(gpumm.run(process, { [0] = "x", "--sandbox", "--allow-read", "/", "y" }) == 0)
        refused("", gpumm.run)]])
    holds("simulations' methods on what is none", [[
        local s = gpumm.simulation { steps = 1, step = function() end }
        for _, name in ipairs { "run", "open", "advance", "conclude", "progress", "describe", "statistics" } do
            refused("a simulation is expected", s[name], {})
            refused("a simulation is expected", s[name])
        end]])
    holds("a manager that is none leaves a simulation as it was", [[
        local s = gpumm.simulation { b = gpumm.buffer { type = "f32", length = 1 }, steps = 1, step = function() end }
        for _, it in ipairs { 7, {}, "host" } do refused("it must be one that gpumm.manager made", s.run, s, { manager = it }) end
        refused("options are a table", s.run, s, 7)
        local m
        s:open { device = "host" }
        m = s.manager
        s:close()
        assert(m:is_closed())]])
    holds("callbacks that close, free, run and conclude what runs them", [[
        local acts = {
            function(sim) sim.manager:close() end, function(sim) sim.w:close() end, function(sim) sim.manager:free "b" end,
            function(sim) sim:run {} end, function(sim) sim:open {} end, function(sim) sim:close() end, function() error {} end,
        }
        for _, act in ipairs(acts) do
            for _, where in ipairs { "init", "step", "frame", "finish" } do
                local t = { b = gpumm.buffer { type = "f32", length = 10 }, w = gpumm.readback { "b" }, steps = 4,
                    device = "host", step = function() end }
                t[where] = act
                local sim = gpumm.simulation(t)
                pcall(sim.run, sim, {})
                sim:close()
            end
        end]])
    holds("steps that yield are resumed, or left", [[
        local function new()
            return gpumm.simulation { b = gpumm.buffer { type = "f32", length = 10 }, w = gpumm.readback { "b" }, steps = 3,
                device = "host", step = function(_, i) coroutine.yield(i) end }
        end
        local s = new()
        local run = coroutine.wrap(function() s:run {} return "through" end)
        assert(run() == 1 and run() == 2 and run() == 3 and run() == "through")
        local left, other = new(), nil
        other = coroutine.create(function() left:run {} end)
        assert(coroutine.resume(other) and coroutine.close(other))
        left:close()]])
    holds("schedules that free, forget, shrink and grow what they schedule", [[
        local m = manager()
        local a, b, c, g
        a = m:buffer { type = "f32", length = 1, growth = function(r) a:free() return r.required end }
        refused("STALE", a.resize, a, 100)
        b = m:buffer { type = "f32", length = 1, growth = function(r)
            b = nil
            for _ = 1, 100000 do local _ = { {} } end
            return r.required
        end }
        b:resize(100)
        c = m:buffer { type = "f32", length = 1, growth = function(r) c:shrink_to_fit() c:resize(1) return r.required end }
        c:append { 1, 2, 3, 4, 5 }
        assert(c:download():get(6) == 5 and #c == 6)
        g = m:group { { "a", "f32" }, growth = function(r) g:free() return r.required end }
        refused("STALE", g.resize, g, 1000)
        for _, v in ipairs { "7", {}, 1e300, -1, 1.5, print } do
            local d = m:buffer { type = "f32", length = 1, growth = function() return v end }
            refused("whole number", d.resize, d, 5000)
        end]])
    holds("requests that a schedule changes", [[
        local m = manager()
        local b = m:buffer { type = "f32", length = 1, growth = function(r)
            setmetatable(r, { __index = error })
            r.required, r.max = nil, nil
            return 5000
        end }
        b:resize(2000)
        assert(b.capacity == 5000)]])
    holds("frames of what is closed", [[
        local m = manager()
        local rb = m:buffer { type = "f32x2", length = 100 }:readback { slots = 3 }
        local f = rb:wait(rb:capture(1)):keep()
        local v, x = f.data, f.data.x
        rb:close()
        assert(v:get(1) == 0 and x[100] == 0)
        m:close()
        refused("STALE", function() return v:get(1) end)
        refused("STALE", function() return x[1] end)
        refused("STALE", function() return v:totable() end)
        f:release()
        refused("", f.keep, f)
        for _, it in ipairs { f, v, x, rb, m } do assert(type(tostring(it)) == "string") end]])
    holds("tickets, times and events out of range", [[
        local m = manager()
        local rb, e = m:buffer { type = "f32", length = 1 }:readback {}, m:main():record()
        for _, t in ipairs { 0, -1, math.mininteger, 1.5, "x" } do
            refused("", rb.wait, rb, t)
            refused("", rb.ready, rb, t)
            refused("", rb.cancel, rb, t)
        end
        assert(rb:wait(math.maxinteger, 0) == nil and rb:latest() == nil and rb:next() == nil)
        for _, t in ipairs { -1, 0/0, -math.huge, "x" } do refused("", e.wait, e, t) end
        assert(e:wait(math.huge) and e:wait(1e308))]])
    holds("events and streams of another manager", [[
        local a, b = manager(), manager()
        local s, x = a:stream(), b:buffer { type = "f32", length = 1 }
        refused("another manager", b:main().wait, b:main(), s:record())
        refused("another manager", x.used, x, s, "read")
        refused("", x.fill, x, 1, nil, nil, { stream = s })
        a:close()
        refused("CLOSED", s.record, s)]])
    holds("columns that do not fit change nothing", [[
        local m = manager()
        local g = m:group { { "a", "f32" }, { "b", "u8" } }
        for _, columns in ipairs { { a = { 1, 2 }, b = { 1 } }, { a = { 1 }, b = { "x" } }, { a = { 1 }, c = { 1 } },
                setmetatable({}, { __index = function() return { 1 } end }), { a = g.b, b = g.a }, { a = { 1 }, b = 7 } } do
            refused("", g.append, g, columns)
        end
        assert(#g == 0 and g.a.length == 0 and g:append { a = { 1 }, b = "\7" } and #g == 1)]])
    holds("types that nest, widen and repeat themselves", [[
        local t = "f32"
        local depth = 0
        while pcall(function() t = gpumm.struct { { "a", t } } end) do depth = depth + 1 assert(depth < 100) end
        for _, name in ipairs { "a b", "1a", "", "int", "a;b", ("n"):rep(1000) } do
            refused("", gpumm.struct, { { name, "f32" } })
        end
        for _, name in ipairs { "f32x0", "f32x5", "f32x99999999999999999999", "", "u8 ", "f32x2x2" } do
            refused("", gpumm.type, name)
        end
        local all = {}
        for i = 1, 2000 do all[i] = { "f" .. i, "f32" } end
        refused("1024", gpumm.struct, all)]])
    holds("iterators of views with states of the script's own", [[
        local v = gpumm.view("f32", { 1, 2, 3 })
        local step, state = v:each()
        for _, i in ipairs { -1, 3, math.maxinteger, math.mininteger } do assert(step(state, i) == nil) end
        refused("", step, {}, 0)
        refused("", step, state, "x")
        for i, x in v:each() do v[i] = x + 1 end
        assert(v[3] == 4)
        for i = 1, 2000 do assert(not pcall(function() return v["x" .. i] end)) end]])
    holds("compressed data that is none, ends, or goes on for ever", [[
        for _, s in ipairs { "", "x", ("\31\139\8\0\0\0\0\0\0\3"):rep(1000), "\120\156\3" } do assert(gpumm.inflate(s) == nil) end
        assert(gpumm.inflate("\120\156\3\0\0\0\0\1" .. ("\0"):rep(1000000)) == "")]])
    holds("graphs of more nodes than there can be", [[
        for _, n in ipairs { -1, 0, 1.5, "x", {} } do refused("", gpumm.graph.new, n, { 1 }, { 1 }) end
        refused("", gpumm.graph.new, 3, { 1 }, { 9 })]])
    holds("words of the command line that are none", [[
        refused("not text", gpumm.options, { 1, 2 }, { "a", "b" })
        refused("not text", gpumm.options, { {} }, { "a" })
        refused("a number, string or boolean", gpumm.options, { "--x" }, { x = {} })
        refused("", gpumm.options, { "--x", ("9"):rep(10000) }, { x = 1 })]])
    holds("devices by names of the script's own", [[
        for _, name in ipairs { "", "Host", "/dev/x", "host:1", ("x"):rep(100000), "host\0" } do
            refused("", gpumm.manager, { device = name })
        end]])
    holds("a name that is a format", [[
        local m = manager()
        assert(m:allocate("%s%n%p", "f32", 1))
        local none, message = m:allocate("%s%n%p", "f32", 1)
        assert(none == nil and message:find("%s%n%p", 1, true))
        m:free "%s%n%p"]])
    holds("what is described without end is shown in a few lines", [[
        for _, growth in ipairs { 1.0, 2, { kind = "linear", step = 1 }, function() while true do end end } do
            local text = gpumm.simulation { b = gpumm.buffer { type = "u8", length = 1, growth = growth, max_length = 1 << 40 },
                step = print }:describe()
            assert(select(2, text:gsub("\n", "")) < 20)
        end]], "--timeout 10")
    holds("faults of any manager", [[refused("faults", function() return manager().fault end)]])
    it("names of files at their edges", function()
        support.contains("held", (here.contained(WRITE, [[
            local v = gpumm.view("u8", "x")
            for _, name in ipairs { "/.", "/..", "/x/", "/x\0y", "/" .. ("n"):rep(5000), "" } do
                refused("", gpumm.raw.write, folder .. "/in" .. name, v)
            end
            assert(gpumm.raw.write(folder .. "/in/" .. ("n"):rep(250), v) == nil) -- no room for a name beside it
            assert(gpumm.raw.write(folder .. "/in//new\nline", v))
            print "held"]])))
    end)
    it("files that coroutines hold open are few, and go with them", function()
        support.contains("held", (here.contained(WRITE, [[
            local names = setmetatable({}, { __index = function() coroutine.yield() return "x" end })
            local graph = { nodes = 3, edges = 0, from = {}, to = {}, names = names, node_columns = {}, edge_columns = {} }
            local path, held = folder .. "/in/held.gexf", {}
            local function write() return gpumm.graph.write(path, graph) end
            for i = 1, 16 do
                held[i] = coroutine.create(write)
                assert(coroutine.resume(held[i]))
            end
            refused("at most 16 files", coroutine.wrap(write))
            held = {} -- their files are garbage, which is closed before one more is refused
            for _ = 1, 100 do assert(coroutine.resume(coroutine.create(write))) end
            graph.names = { "a", "b", "c" }
            assert(gpumm.graph.write(path, graph))
            print "held"]])))
    end)
    it("a second name of a file outside is not written through", function()
        local file <close> = assert(io.open(folder .. "/out/there", "w"))
        file:write "secret"
        file:close()
        assert(os.execute(("ln '%s/out/there' '%s/in/hard'"):format(folder, folder)))
        support.contains("held", (here.contained(WRITE, [[
            assert(gpumm.raw.write(folder .. "/in/hard", gpumm.view("u8", "stolen")))
            print "held"]])))
        local after <close> = assert(io.open(folder .. "/out/there"))
        assert.equal("secret", after:read "a")
    end)
end)

describe("past the limits", function()
    for name, script in pairs {
        ["in a loop of calls that are C alone"] = "while true do pcall(string.gsub, ('x'):rep(100000), 'x', 'y') end",
        ["in uploads"] = "local b, v = manager():buffer { type = 'f32', length = 1e6 }, gpumm.view('f32', 1e6) "
            .. "while true do pcall(b.upload, b, v) end",
        ["in downloads"] = "local b = manager():buffer { type = 'f32', length = 1e6 } while true do pcall(b.download, b) end",
        ["in captures that wait"] = "local rb = manager():buffer { type = 'f32', length = 1e6 }:readback { busy = 'wait' } "
            .. "while true do pcall(rb.capture, rb, 1) end",
        ["in a coroutine that awaits"] = "local rb = manager():buffer { type = 'f32', length = 1 }:readback {} "
            .. "local co = coroutine.wrap(function() while true do rb:capture(1) rb:await() end end) while true do co() end",
        ["in an iterator of a view"] = "local v = gpumm.view('f32', 1e6) while true do for i, x in v:each() do end end",
        ["in __index that is a C function"] = "local t = setmetatable({}, { __index = table.unpack }) "
            .. "while true do pcall(function() for i = 1, 1e9 do local _ = t[i] end end) end",
        ["in a for loop's closing value"] = "local mt = { __close = function() while true do end end } "
            .. "local function it() return setmetatable({}, mt) end while true do "
            .. "pcall(function() for a in function() return 1 end, nil, nil, it() do error 'x' end end) end",
        ["in a schedule"] = "local function grow() while true do end end "
            .. "local b = manager():buffer { type = 'f32', length = 1, growth = grow } "
            .. "while true do pcall(b.resize, b, 5000) end",
        ["in init"] = "do return gpumm.simulation { device = 'host', steps = 1, step = print, "
            .. "init = function() while true do pcall(function() while true do end end) end end } end",
        ["in finish"] = "do return gpumm.simulation { b = gpumm.buffer { type = 'f32', length = 1 }, w = gpumm.readback { 'b' }, "
            .. "device = 'host', steps = 1, step = function() end, finish = function() while true do end end } end",
    } do ends("time ends " .. name, "timeout 0.3 seconds", "--timeout 0.3", script) end

    for name, script in pairs {
        events = "local m, t = manager(), {} for i = 1, 1e7 do t[i] = assert(m:main():record()) end",
        fills = "local b = manager():buffer { type = 'f32', length = 1e5 } while true do assert(b:fill(1)) end", -- the queue
        scratch = "local m, t = manager(), {} for i = 1, 1e7 do t[i] = assert(m:scratch('u8', 1)) end",
        buffers = "local m, t = manager(), {} for i = 1, 1e7 do t[i] = assert(m:buffer { type = 'u8', length = 0 }) end",
        structs = "local t = {} for i = 1, 1e7 do t[i] = gpumm.struct { { 'f' .. i, 'f32' } } end",
        lists = "local m, t, list = manager(), {}, {} for i = 1, 60000 do list[i] = i end for i = 1, 1e7 do "
            .. "t[i] = assert(m:buffer { type = 'u8', length = 1, growth = { kind = 'list', list = list } }) end",
        schedules = "local t = {} local function grow() while true do t[#t + 1] = {} end end "
            .. "local b = manager():buffer { type = 'f32', length = 1, growth = grow } "
            .. "while true do pcall(b.resize, b, 5000) end",
    } do ends("memory ends " .. name, "emory", "--lua-memory 8MiB --limit 32MiB", script) end

    it("memory ends a layout's reading of files too, whatever catches it", function()
        local list = {}
        for i = 1, 40000 do list[i] = ("node%d node%d"):format(i, i * 7 % 40000) end
        local path = os.tmpname()
        local file <close> = assert(io.open(path, "w"))
        file:write(table.concat(list, "\n"))
        file:flush()
        for _, read in ipairs { "gpumm.graph.read", "gpumm.columns.read" } do
            local text, code = here.contained(("--allow-read %s --lua-memory 3MiB"):format(path),
                ("for _ = 1, 5 do pcall(%s, %q) end print 'reached'"):format(read, path))
            support.contains("lua-memory 3.0 MiB", text)
            assert.is_nil(text:find("reached", 1, true))
            assert.equal(1, code)
        end
        os.remove(path)
    end)

    -- What waits for its finaliser is no garbage yet to a collection in need of memory.
    holds("garbage of ours is not what a script uses", [[
        local m = manager()
        local b = m:allocate("b", "f32", 1)
        local rb = b:readback { slots = 2 }
        for i = 1, 30000 do
            assert(m:get_buffer "b" == b)
            assert(gpumm.view("u8", 1) and gpumm.type "f32" and m:main():record())
            if i % 10 == 0 then
                rb:capture(i)
                assert(rb:wait().step == i)
            end
        end
        m:free "b"]], "--lua-memory 2MiB --timeout 100")
    holds("nor are readbacks that were closed, or forgotten", [[
        local b = manager():buffer { type = "f32", length = 10 }
        for i = 1, 3000 do
            local rb = assert(b:readback {})
            assert(rb:capture(i))
            if i % 3 > 0 then rb:close() end
        end]], "--lua-memory 3MiB --timeout 100")
    holds("and it does not grow with time, where there is no limit", [[
        local most = { 0, 0 }
        for i = 1, 400000 do
            gpumm.view("u8", 1)
            if i % 500 == 0 then most[i > 200000 and 2 or 1] = math.max(most[i > 200000 and 2 or 1], collectgarbage "count") end
        end
        assert(most[2] < 1.3 * most[1], most[1] .. " KiB, and then " .. most[2])]])
    holds("memory ahead of growth is no way round --limit", [[
        local m, t = manager(), {}
        for i = 1, 8 do
            t[i] = assert(m:buffer { type = "u8", length = 1 << 16, growth = 2.0, ahead = 20, max_length = 1 << 34 })
        end
        m:close()
        assert(m:stats().peak_committed_bytes <= 40 << 20, m:stats().peak_committed_bytes)]], "--limit 16MiB")
    holds("steps ahead that are many and small end", [[
        local m = manager()
        refused("0 to 256", m.buffer, m, { type = "u8", length = 1, ahead = 2000000000 })
        m:buffer { type = "u8", length = 1, growth = { kind = "exact" }, ahead = 256, max_length = 1 << 40 }:resize(10)
        m:close()]], "--timeout 10")
    holds("managers share the limit, and what is external is none of it", [[
        local made, all = 0, {}
        for i = 1, 16 do all[i] = manager() end
        for i = 1, 100 do
            if all[i % 16 + 1]:allocate("b" .. i, "u8", 100000) then made = made + 1 end
        end
        for _, m in ipairs(all) do m:external(1 << 40) end
        assert(made == 10)]], "--limit 1MiB --timeout 20")
    holds("warm memory stays near the limit", [[
        local m = manager()
        for i = 1, 100 do
            local b = m:buffer { type = "u8", length = (1 << 24) + i * 65536 }
            b:fill(7)
            b:free()
        end
        m:close()
        assert(m:stats().peak_committed_bytes < 128 << 20)]], "--limit 64MiB")
end)
