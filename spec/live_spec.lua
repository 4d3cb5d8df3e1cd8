-- successes: 5, websockets: 12
-- SPDX-License-Identifier: MIT
-- gpumm.live: what viewers are sent, held against the simulation; what they do; who is not let in. The viewers are
-- spec/live/client.py, on the PyPI package websockets (Debian: python3-websockets); without that, or without gpumm_live,
-- most of this is skipped.

local gpumm = require "gpumm"
local spec = require "gpumm.spec"

local RUN, PYTHON = os.getenv "GPUMM_RUN" or "gpumm-run", os.getenv "GPUMM_PYTHON_WEBSOCKETS" or "python3"
local TOKEN = ("0123456789abcdef"):rep(2)

-- ---- Viewers ------------------------------------------------------------------------------------

local function lines_of(path)
    local lines, file = {}, io.open(path)
    if not file then return lines end
    for line in file:lines() do lines[#lines + 1] = line end
    file:close()
    return lines
end

-- Starts gpumm-run, of which "out" is what it prints. It is ended with the scope that has it, and by `timeout` where this process
-- is ended itself: a simulation without an end would go on for ever.
local function started(words, out)
    os.execute(("timeout -s KILL 120 sh -c 'echo $$ >\"%s.pid\"; exec \"%s\" %s' >'%s' 2>&1 &"):format(out, RUN, words, out))
    local process = {}
    function process.pid() return lines_of(out .. ".pid")[1] end
    function process:signal(name) os.execute(("kill -%s %s 2>/dev/null"):format(name, self.pid() or "0x")) end
    function process:is_over() return not os.execute(("kill -0 %s 2>/dev/null"):format(self.pid() or "0x")) end
    return setmetatable(process, { __close = function()
        if not process:is_over() then process:signal "KILL" end
        os.remove(out .. ".pid")
    end })
end

-- Starts a viewer; returns a function that tells whether it is done, and the path of what it says.
local function viewer(session, ...)
    local path, words = os.tmpname(), {}
    local port = session.url:match ":(%d+)/"
    for i, word in ipairs { ... } do words[i] = "'" .. word .. "'" end
    os.execute(("timeout -s KILL 120 '%s' spec/live/client.py %s %s '%s' %s 2>>'%s.err' &"):format(PYTHON, port, TOKEN, path,
        table.concat(words, " "), path))
    local began = gpumm.clock()
    return function()
        local lines = lines_of(path)
        return lines[#lines] == "done" or gpumm.clock() - began > 60
    end, path
end

-- What it said, by the first word of each line; the files go.
local function said(path)
    local by = setmetatable({}, { __index = function(t, key)
        t[key] = {}
        return t[key]
    end })
    for _, line in ipairs(lines_of(path)) do
        local word, rest = line:match "^(%S+) ?(.*)$"
        table.insert(by[word], rest)
    end
    local errors = table.concat(lines_of(path .. ".err"), "\n")
    os.remove(path)
    os.remove(path .. ".err")
    assert.equal("", errors)
    assert(#by.done == 1, "the viewer did not end")
    return by
end

local function wait_for(done)
    local stop = gpumm.clock() + 30
    while not done() and gpumm.clock() < stop do os.execute "sleep 0.02" end
end

local function open(options)
    options.quiet, options.token = true, TOKEN
    return gpumm.live.open(options)
end

-- "step count dimensions format dropped x y …"
local function frame_of(line)
    local words = {}
    for word in line:gmatch "%S+" do words[#words + 1] = tonumber(word) end
    return { step = words[1], count = words[2], dimensions = words[3], format = words[4],
        values = table.move(words, 6, #words, 1, {}) }
end

-- ---- A simulation whose positions are known --------------------------------------------------------

-- Grows by 5 nodes and 4 edges every 7 steps; positions are random and remembered by step.
local function growing(vec, steps)
    local known, lanes = {}, tonumber(vec:match "%d$")
    local seed = 1
    local function random()
        seed = (seed * 1103515245 + 12345) % 2147483648
        return string.unpack("<f", string.pack("<f", (seed / 2147483648 - 0.5) * 10 ^ (seed % 7 - 3)))
    end
    local sim = gpumm.simulation {
        device = spec.device, steps = steps,
        nodes = gpumm.group { { "position", vec }, length = 3, growth = gpumm.growth.geometric(1.3) },
        edges = gpumm.group { { "from", "u32" }, { "to", "u32" }, growth = gpumm.growth.geometric(1.5) },
        step = function(sim, i)
            if i % 7 == 0 then
                local n = #sim.nodes
                sim.nodes:append(5)
                sim.edges:append { from = { n, n + 1, n + 2, n + 3 }, to = { n + 1, n + 2, n + 3, n + 4 } }
            end
            local values = {}
            for k = 1, lanes * #sim.nodes do values[k] = random() end
            sim.nodes.position:upload(values)
            known[i] = values
        end,
        live = function(_, event)
            if event.kind == "describe" then return { base = 0, names = { "one", "zwei", "trois", "\255" }, title = "T" } end
        end,
    }
    return sim, known
end

local function check_exact(frames, known)
    local counts = {}
    for _, line in ipairs(frames) do
        local f = frame_of(line)
        if f.step > 0 then assert.same(known[f.step], f.values) end
        assert.equal(f.count * f.dimensions, #f.values)
        counts[f.count] = true
    end
    local different = 0
    for _ in pairs(counts) do different = different + 1 end
    assert(different >= 3, "frames of a layout that grows have several sizes, not " .. different)
end

local function check_squeezed(frames, known)
    for _, line in ipairs(frames) do
        local f = frame_of(line)
        local wanted, low, high = known[f.step], {}, {}
        for k, x in ipairs(wanted or {}) do
            local axis = k % f.dimensions
            low[axis], high[axis] = math.min(low[axis] or x, x), math.max(high[axis] or x, x)
        end
        for k, x in ipairs(wanted or {}) do
            local axis = k % f.dimensions
            local off = math.abs(f.values[k] - x)
            assert(off <= (high[axis] - low[axis]) / 65535, ("step %d: %g is shown as %g"):format(f.step, x, f.values[k]))
        end
    end
end

-- The edges as pairs of nodes from 0, in order.
local function edges_said(once)
    local edges = {}
    for _, line in ipairs(once) do
        local kind, first, count, hex = line:match "^(%d+) (%d+) (%d+) ?(%x*)$"
        if kind == "2" then
            assert.equal(#edges, tonumber(first) == 0 and 0 or tonumber(first))
            local bytes = hex:gsub("%x%x", function(d) return string.char(tonumber(d, 16)) end)
            for e = 1, tonumber(count) do edges[tonumber(first) + e] = { string.unpack("<I4I4", bytes, 8 * e - 7) } end
        end
    end
    return edges
end

local function command_line(words, text)
    local pipe = io.popen(("timeout 60 '%s' %s 2>&1"):format(RUN, words))
    local out = pipe:read "a"
    local _, _, code = pipe:close()
    return text and out or code, out
end

local function write(path, text)
    local file = assert(io.open(path, "w"))
    file:write(text)
    file:close()
end

-- ---- The specs -------------------------------------------------------------------------------------

describe("gpumm.live", function()
    after_each(spec.close)

    it("sends frames that are exactly the simulation's positions, growth included #websockets", function()
        local sim, known = growing("f32x3", 120)
        local session <close> = open { paused = true, exit = true, rate = 150 }
        local exact, exact_path = viewer(session, "watch", "f32")
        wait_for(function() return session:counts().viewers == 1 end)
        local small, small_path = viewer(session, "watch", "u16", "go")
        session:run(sim)
        local counts = session:counts()
        session:close()
        wait_for(function() return exact() and small() end)
        local got, squeezed = said(exact_path), said(small_path)
        check_exact(got.frame, known)
        check_squeezed(squeezed.frame, known)
        for _, by in ipairs { got, squeezed } do
            local last = frame_of(by.frame[#by.frame])
            assert.same({ 120, 3 + 17 * 5 }, { last.step, last.count }) -- nobody misses the last one
            local edges = edges_said(by.once)
            assert.equal(17 * 4, #edges)
            for e, edge in ipairs(edges) do
                local n = 3 + (e - 1) // 4 * 5 + (e - 1) % 4
                assert.same({ n, n + 1 }, { edge[1], edge[2] })
            end
        end
        assert.matches('"state":"ended"', got.state[#got.state], 1, true)
        assert.equal(2, counts.joined)
        assert.equal(1, frame_of(squeezed.frame[#squeezed.frame]).format)
    end)

    it("sends names that are UTF-8, once #websockets", function()
        local session <close> = open { exit = true, paused = true }
        local done, path = viewer(session, "watch", "f32", "go")
        session:run((growing("f32x2", 3)))
        session:close()
        wait_for(done)
        local hex
        for _, line in ipairs(said(path).once) do hex = line:match "^3 0 4 (%x+)$" or hex end
        local bytes = hex:gsub("%x%x", function(d) return string.char(tonumber(d, 16)) end)
        local names, at = {}, 1
        for i = 1, 4 do names[i], at = string.unpack("<s2", bytes, at) end
        assert.same({ "one", "zwei", "trois", "ÿ" }, names)
    end)

    it("sends colors as a picture has them, and says what is none #websockets", function()
        local function sent(options)
            options.exit, options.paused = true, true
            local session <close> = open(options)
            local done, path = viewer(session, "watch", "f32", "go")
            session:run((growing("f32x2", 3)))
            session:close()
            wait_for(done)
            for _, line in ipairs(said(path).once) do
                local hex = line:match "^4 0 %d+ ?(%x*)$"
                if hex then return hex end
            end
        end
        assert.equal("ff0000" .. "00ff00" .. "0080ff", sent { colors = { "red", "#0f0", { 0, 0.5, 1 } } })
        assert.equal("ff7a5c" .. "5b8ff9" .. "5b8ff9", sent { colors = { 7, 2, 2 }, kinds = true })
        assert.equal("4d85f2" .. "f7c742", sent { colors = { 1, 3 } })
        local session <close> = open { colors = { "#12", "red" } }
        local _, message = pcall(session.run, session, (growing("f32x2", 3)))
        assert.matches("gpumm.live: the color of node 1 is #12", message, 1, true)
    end)

    it("serves 20 viewers, 5 of which never read, and holds one frame for all of them #websockets", function()
        local n = 20000
        local places = gpumm.view("f32x2", n)
        local sim = gpumm.simulation { device = spec.device,
            nodes = gpumm.group { { "position", "f32x2" }, length = n },
            step = function(s, i)
                places:set(1, { i, -i })
                s.nodes.position:upload(places)
            end }
        local session <close> = open { rate = 200 }
        local done, path = viewer(session, "many", "15", "5", "8")
        local most, viewers = 0, 0
        session:run(sim, { interrupted = function()
            local counts = session:counts()
            most, viewers = math.max(most, counts.bytes), math.max(viewers, counts.viewers)
            return viewers == 20 and counts.viewers == 0 or sim.i % 50 == 0 and done()
        end })
        local frames = session:counts().frames
        session:close()
        wait_for(done)
        local got = said(path)
        assert.equal("5", got.idle[1])
        assert.equal(20, viewers)
        for count in got.readers[1]:gmatch "%d+" do
            assert(tonumber(count) >= 8, "a reader got " .. count .. " frames beside those that never read")
        end
        assert(frames >= 8)
        assert(most < 2 * 8 * n, most .. " bytes are held for viewers of a frame of " .. 8 * n)
    end)

    it("lets in who has the URL, and ends connections that speak no sense #websockets", function()
        local told = {}
        local sim = gpumm.simulation { device = spec.device, positions = gpumm.buffer { type = "f32x2", length = 10 },
            step = function() end, live = function(_, event)
                if event.kind == "tell" then told[#told + 1] = { event.name, event[1] } end
            end }
        local session <close> = open { paused = true }
        local done, path = viewer(session, "hostile")
        local last = gpumm.clock() + 30
        session:run(sim, { interrupted = function() return done() and (#told > 0 or gpumm.clock() > last) end })
        local counts = session:counts()
        local got = said(path)
        local let_in = { page = true, no_origin = true, localhost = true, viewer = true, viewer_without_origin = true }
        assert.equal(18, #got.door)
        for _, line in ipairs(got.door) do
            local name, answer = line:match "^(%S+) (.*)$"
            local wanted = let_in[name] and (name:find "viewer" and "HTTP/1.1 101" or "HTTP/1.1 200")
            if wanted then assert.matches("^" .. wanted, answer, name)
            else assert(answer == "closed" or answer:find "^HTTP/1.1 4", name .. ": " .. answer) end
        end
        assert.equal(11, #got.hostile)
        for _, line in ipairs(got.hostile) do assert.matches("closed$", line) end
        for _, line in ipairs(got.request) do assert(not line:find "200", line) end
        assert.same({ "closed" }, got.flood)
        assert.same({ { "through", 7 } }, told)
        assert(counts.queued <= 256 and counts.refused >= 19 and counts.turned_away >= 9)
        assert(counts.bytes < 4000, counts.bytes .. " bytes are held")
    end)

    it("gives the script what viewers do, and pins what they drop #websockets", function()
        local events, places = {}, {}
        local sim = gpumm.simulation { device = spec.device, nodes = gpumm.group { { "position", "f32x2" }, length = 4 },
            step = function(s, i) s.nodes.position:upload { { i, i }, { i, i }, { i, i }, { i, i } } end,
            finish = function(s) places = s.nodes.position:download():totable() end,
            live = function(_, event)
                if event.kind == "describe" then return { parameters = { { name = "gain", value = 1, least = 0, most = 2 } } } end
                events[#events + 1] = event
                return event.kind == "set"
            end }
        local session <close> = open { paused = true }
        local done, path = viewer(session, "watch", "f32", "tell hello 1 2.5 -3e-1", "pick 2", "set gain 0.5", "set gain 2.5",
            "set other 1", "drag 1 5 6.25", "drop 1 7 -8.5", "drag 3 1 1", "drop 3 1 1", "free 3", "drop 99 0 0", "rate 100",
            "step 3", "@3", "finish")
        session:run(sim)
        session:close()
        wait_for(done)
        local kinds, by = {}, {}
        for i, event in ipairs(events) do
            kinds[i] = event.kind
            by[event.kind] = event
            assert.equal(1, event.viewer)
        end
        assert.same({ "tell", "pick", "set", "drag", "drop", "drag", "drop", "free", "rate", "step", "finish" }, kinds)
        assert.same({ kind = "tell", viewer = 1, name = "hello", 1, 2.5, -0.3 }, by.tell)
        assert.same({ kind = "set", viewer = 1, name = "gain", value = 0.5 }, by.set)
        assert.same({ kind = "pick", viewer = 1, node = 3 }, by.pick)
        assert.same({ kind = "drop", viewer = 1, node = 2, x = 7, y = -8.5 }, events[5])
        assert.same({ 3, 7, 3, 3 }, { places[1][1], places[2][1], places[3][1], places[4][1] })
        assert.equal(-8.5, places[2][2])
        local told = said(path)
        assert.matches('"value":0.5', table.concat(told.state), 1, true)
    end)

    it("has a layout that rests go on around what is changed #websockets", function()
        local from, to, n = {}, {}, 60
        for i = 1, n - 1 do from[i], to[i] = i, i + 1 end
        local before, rested
        local sim = gpumm.force.layout(gpumm.graph.new(n, from, to), { device = spec.device, steps = 80, settle = 0 })
        local session <close> = open { paused = true, reheat = 60 }
        local done, path = viewer(session, "watch", "f32", "go", "@resting", "drop 9 30 40", "@running", "@resting", "finish")
        local result = session:run(sim, { interrupted = function()
            if not rested and sim.i == 80 then rested, before = true, sim.nodes.position:download() end
            return false
        end })
        session:close()
        wait_for(done)
        local function moved(i)
            local x, y = before:get(i)
            local u, v = result.positions:get(i)
            return math.sqrt((u - x) ^ 2 + (v - y) ^ 2)
        end
        assert.same({ 30, 40 }, { result.positions:get(10) })
        assert(result.steps > 80 and result.steps <= 300, result.steps .. " steps")
        local near, far = moved(9) + moved(11), 0
        for i = 50, 60 do far = math.max(far, moved(i)) end
        assert(near > 0 and far < near / 4, ("the neighbours moved %g, the far end %g"):format(near, far))
        assert.matches('"name":"repulsion"', table.concat(said(path).state), 1, true)
    end)

    it("is gpumm-run --live, whose --live-exit ends with the simulation #websockets", function()
        local script, result = os.tmpname(), os.tmpname()
        write(script, ([[
            local gpumm = require "gpumm"
            return gpumm.simulation { device = "host", steps = 5, p = gpumm.buffer { type = "f32x2", length = 2 },
                init = function(sim) sim.at = gpumm.clock() end, step = function() end,
                finish = function(sim) print("finished at " .. sim.i, gpumm.clock() - sim.at >= 0.04) end,
                live = function() return { positions = "p" } end }]]))
        local out = command_line(("--live --live-exit --rate 100 --quiet '%s'"):format(script), true)
        assert.matches("live: http://127%.0%.0%.1:%d+/%x+/\n", out)
        assert.matches("finished at 5\ttrue", out, 1, true)
        assert.equal(0, (command_line(("--live=0 --live-exit --sandbox --allow-live --quiet '%s'"):format(script))))
        out = command_line(("--live --live-exit --sandbox --quiet '%s'"):format(script), true)
        assert.matches("needs --allow-live", out, 1, true)
        write(script, "gpumm.live.serve(gpumm.simulation { step = function() end })")
        out = command_line(("--sandbox --quiet '%s'"):format(script), true)
        assert.matches("gpumm-run: --allow-live", out, 1, true)
        write(script, "gpumm.live.open { host = '0.0.0.0' }")
        out = command_line(("--sandbox --allow-live --quiet '%s'"):format(script), true)
        assert.matches("for this machine alone", out, 1, true)
        write(script, [[
            local m, options = gpumm.manager { device = "host" }, { quiet = true, viewers = 1 }
            local server, open = gpumm.live.open(options).server, {}
            for _, like in ipairs { { "f32", 2 }, { "f32x2", 3 }, { "f32x2", 100 }, { "f32x4", 4 }, { "f32x3", 3 } } do
                local readback = m:readback { m:buffer { type = like[1], length = 9 } }
                print(like[1], like[2], (pcall(server.attach, server, readback, like[2])))
            end
            for _ = 1, 9 do gpumm.live.open(options) end -- garbage goes
            print(pcall(function()
                for i = 1, 9 do open[i] = gpumm.live.open(options) end
            end))
            print(#open)]])
        out = command_line(("--sandbox --allow-live --quiet '%s'"):format(script), true)
        assert.matches("f32\t2\tfalse\nf32x2\t3\tfalse\nf32x2\t100\tfalse\nf32x4\t4\tfalse\nf32x3\t3\ttrue\n", out, 1, true)
        assert.matches("at most 4 pages open at a time\n3\n", out, 1, true)
        os.remove(script)
        os.remove(result)
    end)

    it("shows a script that changes, where its nodes were #websockets", function()
        local script, out, kernel = os.tmpname(), os.tmpname(), os.tmpname()
        local text = [[
            local gpumm = require "gpumm"
            print("version %d", mark)
            mark = 1
            dofile(%q)
            return gpumm.simulation { device = "host", nodes = gpumm.group { { "position", "f32x2" }, length = 3 },
                init = function(sim) sim.nodes.position:upload { { %d, 1 }, { %d, 2 }, { %d, 3 } } end,
                step = function(sim) if sim.i == 1 then print(%d, sim.nodes.position:download():get(1)) io.stdout:flush() end end,
                live = function() return { names = %s } end }]]
        local function version(k, names)
            write(script, text:format(k, kernel, 10 * k, 10 * k + 1, 10 * k + 2, k, names))
        end
        local function heard(wanted)
            local stop = gpumm.clock() + 60
            repeat
                local all = table.concat(lines_of(out), "\n")
                if all:find(wanted, 1, true) then return all end
                os.execute "sleep 0.05"
            until gpumm.clock() > stop
            error("not heard: " .. wanted .. " in\n" .. table.concat(lines_of(out), "\n"))
        end
        write(kernel, "")
        version(1, '{ "a", "b", "c" }')
        local process <close> = started(("--live --watch --quiet \"%s\""):format(script), out)
        heard "1\t10.0"
        version(2, '{ "c", "a", "b" }') -- by name: the first one is where "c" was
        heard "2\t12.0"
        write(kernel, "error 'broken on purpose'")
        heard "broken on purpose"
        write(kernel, "_G.print = function() error 'broken in a step' end")
        heard "broken in a step"
        write(kernel, "print 'mended'")
        local all = heard "mended"
        assert.equal(nil, all:match "version %d\t1") -- each run begins with the same globals
        process:signal "INT"
        wait_for(function() return process:is_over() end)
        assert.is_true(process:is_over())
        for _, path in ipairs { script, out, kernel } do os.remove(path) end
    end)

    it("says where it cannot listen, and which options there are #websockets", function()
        local session <close> = open {}
        local port = tonumber(session.url:match ":(%d+)/")
        local function refused(message, options)
            local ok, err = pcall(open, options)
            assert(not ok)
            assert.matches(message, err, 1, true)
        end
        refused(("IO: live: cannot listen on 127.0.0.1, port %d: Address already in use"):format(port), { port = port })
        refused("IO: live: host 'no such host'", { host = "no such host" })
        refused("did you mean 'viewers'", { viewer = 3 })
        refused("port must be a whole number from 0 to 65535, not -1", { port = -1 })
        assert.matches("takes a simulation", select(2, pcall(gpumm.live.serve, {})), 1, true)
        local sim = gpumm.simulation { device = spec.device, a = gpumm.buffer { type = "f32", length = 1 },
            step = function() end }
        assert.matches("which buffer has the positions", select(2, pcall(session.run, session, sim)), 1, true)
    end)

    it("is finished by a viewer where no simulation runs, too #websockets", function()
        local session <close> = open {}
        session:fail "broken"
        local done, path = viewer(session, "watch", "f32", "@failed", "finish")
        wait_for(function() return session:finished() end)
        assert.is_true(session:finished())
        session:close()
        wait_for(done)
        assert.matches('"message":"broken"', table.concat(said(path).state), 1, true)
    end)

    it("leaves nothing open behind a session #websockets", function()
        local function descriptors()
            local path = os.tmpname() -- a pipe from here would at times still have both of its ends here
            os.execute("ls /proc/$PPID/fd >" .. path)
            local count = #lines_of(path)
            os.remove(path)
            return count
        end
        local function once()
            local session <close> = open { exit = true, paused = true }
            local done, path = viewer(session, "watch", "f32", "go")
            session:run((growing("f32x2", 5)))
            session:close()
            wait_for(done)
            said(path)
        end
        once()
        collectgarbage() -- a readback's descriptor is closed with its last handle
        collectgarbage()
        local before = descriptors()
        once()
        collectgarbage()
        collectgarbage()
        wait_for(function() return descriptors() <= before end) -- popen may not have closed its own end yet
        assert(descriptors() <= before)
    end)
end)

describe("gpumm-run", function()
    it("checks --live and what goes with it", function()
        for words, message in pairs {
            ["--live=70000 x.lua"] = "it is a port", ["--live-exit x.lua"] = "goes with --live only",
            ["--rate 5 x.lua"] = "goes with --live only", ["--live --rate 0 x.lua"] = "it is a number of steps a second",
            ["--allow-live x.lua"] = "goes with --sandbox only", ["--watch --sandbox x.lua"] = "does not go with --sandbox",
            ["--describe --live x.lua"] = "--describe runs nothing", ["--liv x.lua"] = "did you mean --live",
            ["--live 99999 x.lua"] = "--live 99999: it is a port, a whole number up to 65535",
        } do
            local code, out = command_line(words)
            assert.equal(1, code)
            assert.matches(message, out, 1, true)
        end
    end)

    it("says of a script what it lacks for --live: a simulation, or positions", function()
        local done, told = command_line "--device host --live --live-exit -e 'x = 1'" -- it may have shown one by itself
        assert.equal(0, done)
        assert.matches("gpumm-run: --live: the script returned no simulation to show\n", told, 1, true)
        for text, message in pairs {
            ['return require "gpumm".simulation { steps = 1, step = function() end }'] =
                "where event.kind is \"describe\", return { positions = \"NAME\" }",
        } do
            local code, out = command_line(("--device host --live --live-exit -e '%s'"):format(text))
            assert.equal(1, code)
            assert.matches(message, out, 1, true)
        end
    end)

    it("says what to install where there is no module for --live", function()
        local copy, script = os.tmpname(), os.tmpname() -- beside which there is none
        assert(os.execute(("cp '%s' '%s' && chmod +x '%s'"):format(RUN, copy, copy)))
        local pipe = io.popen(("LUA_CPATH_5_4=/nowhere/?.so '%s' --live '%s' 2>&1"):format(copy, script))
        assert.matches("--live: gpumm.live is part of the module gpumm_live, which is not in package.cpath: install the package "
            .. "gpumm-live", pipe:read "a", 1, true)
        pipe:close()
        os.remove(copy)
        os.remove(script)
    end)

    it("runs a script again that has changed, without a page too", function()
        local script, out = os.tmpname(), os.tmpname()
        write(script, "print 'first' io.stdout:flush()")
        local process <close> = started(("--watch --quiet \"%s\""):format(script), out)
        wait_for(function() return lines_of(out)[1] end)
        write(script, "error 'second'")
        wait_for(function() return lines_of(out)[2] end)
        write(script, "print 'third' io.stdout:flush()")
        local function third() return table.concat(lines_of(out), "\n"):find("third", 1, true) end
        wait_for(third)
        process:signal "INT"
        wait_for(function() return process:is_over() end)
        assert.equal("first", lines_of(out)[1])
        assert.matches("second", lines_of(out)[2])
        assert(third())
        for _, path in ipairs { script, out } do os.remove(path) end
    end)
end)

describe("a simulation", function()
    after_each(spec.close)

    it("goes on after its end, and is given events", function()
        local got = {}
        local sim = gpumm.simulation { device = spec.device, steps = 2, step = function(_, i) return i ~= 5 end,
            live = function(_, event)
                got[#got + 1] = event.kind
                return event.kind == "describe" and { 7 }
            end }
        sim:open()
        assert.equal(false, sim:advance(10))
        assert.equal(2, sim.i)
        sim:resume(2)
        assert.equal(false, sim:advance(10))
        assert.equal(4, sim.i)
        sim:resume(10)
        assert.equal(false, sim:advance(10))
        assert.equal(4, sim.i) -- its own step ends it
        assert.same({ 7 }, sim:event { kind = "describe" })
        assert.equal(false, sim:event { kind = "x" })
        assert.same({ "describe", "x" }, got)
        assert.has_error(function() sim:event {} end)
        assert.has_error(function() sim:resume(-1) end)
        sim:close()
    end)
end)
