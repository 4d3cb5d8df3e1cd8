-- successes: 40
-- SPDX-License-Identifier: MIT
-- gpumm-run as a user runs it: a process of its own for every test.

local support = require "spec.support"
local contains = support.says
local decode = require "spec.json"

local run = support.gpumm_run()
local device = os.getenv "GPUMM_DEVICE" or "host"
local folder = support.folder()
teardown(folder.remove)

-- Runs a shell command line in which RUN is gpumm-run; its exit code, standard output and standard error.
local function shell(line)
    local out, err = folder.beside "out", folder.beside "err"
    line = line:gsub("RUN", function() return run end)
    local _, how, code = os.execute(("cd %s; ( %s ) >%s 2>%s </dev/null"):format(folder.path, line, out, err))
    assert.equal("exit", how)
    return code, folder.read "out", folder.read "err"
end

local function script(text, options, arguments)
    folder.write("script.lua", text)
    return shell(("RUN %s script.lua %s"):format(options or "", arguments or ""))
end

-- ---- Scripts ----------------------------------------------------------------------------------------

describe("gpumm-run runs a script", function()
    it("with arg as lua has it, and its arguments", function()
        local code, out, err = script([[
            for i = -#arg - 5, #arg do if arg[i] then io.write(i, "=", i < 0 and i or arg[i], " ") end end
            print(select("#", ...), ...)
        ]], "--quiet", "one 'two words' --three -")
        assert.equal("", err)
        assert.equal(0, code)
        assert.equal("-2=-2 -1=-1 0=script.lua 1=one 2=two words 3=--three 4=- 4\tone\ttwo words\t--three\t-\n", out)
    end)

    it("with gpumm loaded by require, and no globals of its own", function()
        local code, out, err = script([[
            local before = {}
            for key in pairs(_G) do before[key] = true end
            local gpumm = require "gpumm"
            local m <close> = gpumm.manager { device = "host" }
            for key in pairs(_G) do assert(before[key], key) end
            print(gpumm.version, package.loaded.gpumm == gpumm, require "gpumm.graph" == gpumm.graph)
        ]], "--quiet")
        assert.equal("", err)
        assert.equal("0.2.0\ttrue\ttrue\n", out)
        assert.equal(0, code)
    end)

    it("from standard input", function()
        local code, out = shell [[echo 'print("in", ..., arg[0])' | RUN --quiet - x]]
        assert.equal("in\tx\t-\n", out)
        assert.equal(0, code)
    end)

    it("behind --, whatever it is called", function()
        folder.write("--odd.lua", "print(arg[0], ...)")
        local code, out = shell "RUN --quiet -- --odd.lua --help"
        assert.equal("--odd.lua\t--help\n", out)
        assert.equal(0, code)
    end)

    it("with a #! line, also as a program of its own", function()
        local code, out = script("#!/usr/bin/env gpumm-run\nprint(debug.getinfo(1, 'l').currentline)\n")
        assert.equal("2\n", out)
        assert.equal(0, code)
        folder.write("program", ("#!%s\nprint('program', ...)"):format(run))
        code, out = shell "chmod +x program; ./program a b"
        assert.equal("program\ta\tb\n", out)
        assert.equal(0, code)
    end)

    it("and ends with its exit code", function()
        assert.equal(0, (script ""))
        assert.equal(0, (script "return 5"))
        assert.equal(7, (script "os.exit(7)"))
        assert.equal(1, (script "os.exit(false)"))
        assert.equal(0, (script "os.exit(true, true)"))
    end)

    it("and shows the script's own lines, and what they called, without ours", function()
        local code, _, err = script([[
            local gpumm = require "gpumm"
            local function spoil(b)
                b:upload { 1, "x" }
            end
            local sim = gpumm.simulation {
                b = gpumm.buffer { type = "f32", length = 4 },
                step = function(sim) spoil(sim.b) end,
            }
            sim:run { device = "host" }]], "--quiet")
        assert.equal(1, code)
        assert.equal([[
gpumm-run: script.lua:3: element 2: f32 wants a number, got string
stack traceback:
	[C]: in method 'upload'
	script.lua:3: in upvalue 'spoil'
	script.lua:7: in field 'step'
	script.lua:9: in main chunk
]], err)
        code, _, err = script("local gpumm = require 'gpumm'\nlocal g = gpumm.group { { 'x', 'u9' } }", "--quiet")
        assert.equal(1, code)
        contains(err, "gpumm-run: script.lua:2: gpumm.group: member 'x': 'u9' is no element type",
            "\n\tscript.lua:2: in main chunk\n")
        code, _, err = script([[
            local gpumm = require "gpumm"
            return gpumm.simulation { b = gpumm.buffer { type = "u32" }, limit = 10, step = print }]], "--quiet --device host")
        assert.equal(1, code)
        contains(err, "gpumm-run: OVER_LIMIT: buffer 'b': 1024 elements of 4 bytes")
        code, _, err = script("return require 'gpumm'.simulation { x = 5, step = print }", "--quiet")
        assert.equal(1, code)
        contains(err, "gpumm-run: script.lua:1: gpumm.simulation: 'x' is neither a resource")
        contains(err, "\n\tscript.lua:1: in main chunk\n")
    end)

    it("and says what went wrong, with a traceback, and 1", function()
        local code, out, err = script "local function inner() error 'oh no' end\nlocal function outer() inner() end\nouter()"
        assert.equal(1, code)
        assert.equal("", out)
        contains(err, "gpumm-run: script.lua:1: oh no", "stack traceback:", "in upvalue 'inner'", "in local 'outer'")
    end)

    it("whose error is no text", function()
        local code, _, err = script "error(setmetatable({}, { __tostring = function() return 'an object' end }))"
        assert.equal(1, code)
        contains(err, "gpumm-run: an object")
        code, _, err = script "error()"
        assert.equal(1, code)
        contains(err, "gpumm-run: (error object is a nil value)", "stack traceback:", "script.lua:1: in main chunk")
        code, _, err = script "\nerror({})"
        assert.equal(1, code)
        contains(err, "gpumm-run: (error object is a table value)", "stack traceback:", "script.lua:2: in main chunk")
        code, _, err = script "return require 'gpumm'.simulation { steps = 1, step = function() error {} end, device = 'host' }"
        assert.equal(1, code)
        contains(err, "gpumm-run: (error object is a table value)")
    end)

    it("that is not there, or no Lua", function()
        local code, _, err = shell "RUN nowhere.lua"
        assert.equal(1, code)
        contains(err, "cannot open nowhere.lua")
        code, _, err = script "x ="
        assert.equal(1, code)
        contains(err, "script.lua:1: unexpected symbol near <eof>")
    end)

    it("as text only: bytecode is refused", function()
        folder.write("byte.luac", string.dump(function() print "ran" end))
        local code, out, err = shell "RUN byte.luac"
        assert.equal(1, code)
        assert.equal("", out)
        contains(err, "attempt to load a binary chunk")
        code, out, err = shell "RUN - < byte.luac"
        assert.equal(1, code)
        assert.equal("", out)
        contains(err, "attempt to load a binary chunk")
    end)
end)

describe("gpumm-run's options", function()
    it("--version and --help", function()
        local code, out, err = shell "RUN --version"
        assert.equal(0, code)
        assert.equal("gpumm-run 0.2.0, Lua 5.4\n", out)
        assert.equal("", err)
        code, out = shell "RUN --help"
        assert.equal(0, code)
        contains(out, "usage: gpumm-run [options] script.lua [arguments]", "--device", "--limit", "--describe", "--stats=json",
            "--strict", "--quiet", "--version", "--help")
    end)

    it("that are unknown, doubtful or incomplete are refused, in two lines", function()
        for line, words in pairs {
            ["RUN --devise host x.lua"] =
                "unknown option --devise (did you mean --device?)\n", ["RUN -x"] = "unknown option -x",
            ["RUN --device"] = "--device needs a value", ["RUN --device tpu x.lua"] = "--device tpu",
            ["RUN --limit 12XB x.lua"] = "12XB", ["RUN --limit= x.lua"] = "--limit", ["RUN --stats=xml x.lua"] = "--stats=xml",
            ["RUN"] = "a script is missing", ["RUN --quiet --"] = "a script is missing",
            ["RUN --quiet=5 x.lua"] = "unknown option --quiet=5",
        } do
            local code, out, err = shell(line)
            assert.equal(1, code, line)
            assert.equal("", out)
            contains(err, "gpumm-run: ", words, "\ngpumm-run --help lists the options\n")
            assert.equal(2, select(2, err:gsub("\n", "")))
        end
    end)

    it("--device overrides the script, and says so on standard error", function()
        local text = 'local m <close> = assert(require "gpumm".manager { device = "cuda:42" })\nprint(m:device().kind)'
        local code, out, err = script(text, "--device host")
        assert.equal("host\n", out)
        assert.equal(0, code)
        contains(err, "gpumm: device host: ", "device 'host' by --device", "overrides the script's 'cuda:42'")
        local alone
        code, alone, err = script(text)
        assert.equal(1, code)
        assert.equal("", alone)
        contains(err, "NO_DEVICE")
    end)

    it("the device line is one line on standard error, for any number of managers; --quiet has none", function()
        local text = [[
            local gpumm = require "gpumm"
            for _ = 1, 3 do local m <close> = assert(gpumm.manager()) print(m:device().why ~= "") end]]
        local code, out, err = script(text, "--device " .. device)
        assert.equal(0, code)
        assert.equal("true\ntrue\ntrue\n", out)
        local _, lines = err:gsub("\n", "")
        assert.equal(1, lines, err)
        assert.matches("^gpumm: .+\n$", err)
        code, _, err = script(text, "--quiet --device " .. device)
        assert.equal(0, code)
        assert.equal("", err)
    end)

    it("--limit is a budget for all managers together", function()
        local code, out, err = script([[
            local gpumm = require "gpumm"
            local a, b = gpumm.manager { device = "host" }, gpumm.manager { device = "host", limit = "1GiB" }
            local x = a:buffer { type = "u8", length = 600000 }
            print(#x, select(3, b:buffer { type = "u8", length = 600000 }))
            x:free()
            print(#b:buffer { type = "u8", length = 600000 })
        ]], "--quiet --limit 1MiB")
        assert.equal("", err)
        assert.equal("600000\tOVER_LIMIT\n600000\n", out)
        assert.equal(0, code)
    end)

    it("--strict makes a leak 1, and names it", function()
        local leak = [[
            local m = require "gpumm".manager { device = "host" }
            m:allocate("forgotten", "f32", 10)
            m:allocate("freed", "f32", 10); m:free "freed"]]
        local code, _, err = script(leak, "--strict")
        assert.equal(1, code)
        contains(err, "leak", "'forgotten'", "script.lua:2", "--strict: 1 buffers were never freed")
        assert.is_nil(err:find("'freed'", 1, true))
        assert.equal(0, (script(leak)))
        assert.equal(0, (script(leak .. "\nm:free 'forgotten'", "--strict")))
    end)

    it("--stats prints the books for people", function()
        local code, out, err = script([[
            local m = require "gpumm".manager { device = "host" }
            local b = m:buffer { type = "u8", length = 0, growth = 1, max_length = 100000 }
            for i = 1, 30 do b:resize(i * 1000) end]], "--stats")
        assert.equal(0, code)
        assert.equal("", out)
        contains(err, "books of the manager made at script.lua:1", "total_allocated_bytes", "peak_allocated_bytes",
            "resize_count", "advice: 30 growths")
        assert.matches("resize_count%s+30\n", err)
    end)

    it("--stats=json prints one object for programs", function()
        local code, out, err = script([[
            local gpumm = require "gpumm"
            local a, b = gpumm.manager { device = "host" }, gpumm.manager { device = "host", limit = 5000000 }
            a:allocate("left", "f32", 1000)
            local x = b:buffer { type = "f32x3", length = 10000 }
            local r = x:readback {}
            assert(r:capture(1)); assert(r:wait()); x:resize(20000)]], "--quiet --stats=json")
        assert.equal(0, code)
        contains(err, "'left'")
        local _, lines = out:gsub("\n", "")
        assert.equal(1, lines)
        local books, after = decode(out)
        assert.matches("^%s*$", out:sub(after))
        assert.equal(2, #books.managers)
        assert.equal(1, books.leaks)
        local first, second = books.managers[1], books.managers[2]
        assert.equal(4096, first.total_allocated_bytes)
        assert.equal(1, first.buffer_count)
        assert.is_nil(first.limit_bytes)
        assert.equal(5000000, second.limit_bytes)
        assert.equal(240000, second.peak_allocated_bytes)
        assert.equal(1, second.resize_count)
        assert.equal(1, second.async_transfer_count)
        assert.equal(0, second.dropped_frames)
        assert.equal(4096, first.buffers.now)
        assert.equal(1, first.buffers.total)
    end)
end)

-- ---- Simulations ------------------------------------------------------------------------------------

local SIMULATION = [[
    local gpumm = require "gpumm"
    local opt = gpumm.options(arg, { steps = 10, fail = "" })
    local function fail(where) if opt.fail == where then error("failed in " .. where) end end
    return gpumm.simulation {
        numbers = gpumm.group { { "value", "u32" }, length = 100 },
        add = gpumm.kernel { source = [=[
            extern "C" __global__ void add(int n, unsigned *v) {
                int i = blockIdx.x * blockDim.x + threadIdx.x; if (i < n) v[i] += 1; }]=] },
        watch = gpumm.readback { "numbers.value", every = 3 },
        steps = opt.steps,
        init = function() fail "init" end,
        step = function(sim, i)
            sim.add(100, sim.numbers.value)
            sim:progress("step of %d", i)
            if i == 4 then fail "step" end
        end,
        frame = function(_, f) fail "frame" io.write("frame ", f.step, " ", f.value[100], "\n") end,
        finish = function(_, last) fail "finish" print("finish", last.step, last.value[1]) end,
    }]]

describe("gpumm-run with a simulation", function()
    it("runs what the script returns", function()
        local code, out, err = script(SIMULATION, "--quiet --device " .. device)
        assert.equal("", err)
        assert.equal("frame 3 3\nframe 6 6\nframe 9 9\nframe 10 10\nfinish\t10\t10\n", out)
        assert.equal(0, code)
    end)

    it("leaves nothing behind: --strict is content", function()
        local code, out, err = script(SIMULATION, "--strict --stats=json --device " .. device)
        assert.equal(0, code, err)
        local books = decode(out, assert(out:find "{"))
        assert.equal(0, books.leaks)
        assert.equal(1, #books.managers)
    end)

    for _, where in ipairs { "init", "step", "frame", "finish" } do
        it("that fails in " .. where .. " ends with a traceback and 1", function()
            local code, _, err = script(SIMULATION, "--quiet --strict --device " .. device, "--fail " .. where)
            assert.equal(1, code)
            contains(err, "failed in " .. where, "stack traceback:", "script.lua:")
            assert.is_nil(err:find("leak", 1, true))
        end)
    end

    it("says so, and 1, where what was asked for cannot be written", function()
        for _, option in ipairs { "--stats=json", "--describe", "--version", "--help" } do
            local code, _, err = script(SIMULATION, option .. " --device host", ">/dev/full")
            assert.equal(1, code, option)
            contains(err, "gpumm-run: standard output: No space left on device")
        end
    end)

    it("--describe needs no device, and runs nothing", function()
        local code, out, err = script(SIMULATION, "--describe --device cuda:99")
        assert.equal(0, code)
        assert.equal("", err)
        contains(out, "group numbers", "value                u32      stride 4", "readback watch: numbers.value every 3 steps",
            "kernel add")
        assert.is_nil(out:find "frame")
        code, out, err = script("return 5", "--describe")
        assert.equal(1, code)
        assert.equal("", out)
        contains(err, "returned no simulation")
    end)

    it("that waits for an option gets the user's mistake without a traceback of ours in front", function()
        local code, _, err = script(SIMULATION, "--quiet", "--step 5")
        assert.equal(1, code)
        contains(err, "unknown option --step (did you mean --steps?)")
    end)

    it("shows plain lines of progress where there is no terminal, and one line that changes on one", function()
        local slow = SIMULATION:gsub('sim:progress%("step of %%d", i%)',
            'sim:progress("step of %%d", i); local t = os.time(); while os.time() - t < 2 do end')
        local code, _, err = script(slow, "--device " .. device, "--steps 4")
        assert.equal(0, code)
        assert.is_nil(err:find "\r")
        assert.matches("\nstep %d of 4: step of %d\n", err)
        folder.write("script.lua", SIMULATION)
        local out
        code, out = shell "command -v script >&2 || exit 0; TERM=xterm script -qec 'RUN --device host script.lua' /dev/null"
        assert.equal(0, code)
        if out ~= "" then contains(out, "\r\27[Kstep 0 of 10: step of 1", "finish\t10\t10") end
    end)
end)

-- ---- Ctrl-C -----------------------------------------------------------------------------------------

describe("Ctrl-C", function()
    -- Starts it in the background with SIGINT as a terminal would have it, waits for a file that the script makes,
    -- and sends the signals, each once the one before has been delivered: two pending ones would be one. The shell
    -- starts background processes with SIGINT ignored; env gives it back.
    local function interrupted(text, signals)
        folder.write("script.lua", text)
        os.remove(folder.beside "ready")
        return shell(([[env --default-signal=INT RUN --quiet --device %s script.lua & pid=$!
            while [ ! -e ready ]; do kill -0 $pid 2>/dev/null || break; sleep 0.01; done
            pending() { grep -q '^S[a-z]*Pnd:.*[1-9a-f]$' /proc/$pid/status 2>/dev/null; }
            for _ in %s; do kill -INT $pid; while pending; do sleep 0.01; done; sleep 0.05; done
            wait $pid]]):format(device, ("x "):rep(signals or 1)))
    end

    it("in a simulation: the step ends, the last frame is delivered, finish runs, 130", function()
        local code, out, err = interrupted [[
            local gpumm = require "gpumm"
            return gpumm.simulation {
                numbers = gpumm.group { { "value", "u32" }, length = 100 },
                add = gpumm.kernel { source = [=[
                    extern "C" __global__ void add(int n, unsigned *v) {
                        int i = blockIdx.x * blockDim.x + threadIdx.x; if (i < n) v[i] += 1; }]=] },
                watch = gpumm.readback { "numbers.value", every = 1000000 },
                step = function(sim, i)
                    sim.add(100, sim.numbers.value)
                    if i == 3 then io.open("ready", "w"):close() end
                    if i >= 3 then local t = os.clock() while os.clock() - t < 0.02 do end end
                    if i > 2000 then error "it was never interrupted" end
                    sim.ended = i
                end,
                frame = function(sim, f) print("frame", f.step == sim.ended, f.value[100] == f.step) end,
                finish = function(sim, last) print("finish", last.step == sim.i, last.value[1] == sim.ended) end,
            }]]
        assert.equal("", err)
        assert.equal("frame\ttrue\ttrue\nfinish\ttrue\ttrue\n", out)
        assert.equal(130, code)
    end)

    it("twice stops a step that does not end", function()
        local code, out, err = interrupted([[
            return require "gpumm".simulation {
                step = function() io.open("ready", "w"):close() while true do end end,
                finish = function() print "finish" end,
            }]], 2)
        assert.equal(130, code)
        assert.equal("", out)
        contains(err, "interrupted!", "stack traceback:")
    end)

    it("in a plain script stops it, with a traceback, 130, and its managers closed", function()
        local code, out, err = interrupted [[
            local m <close> = require "gpumm".manager { device = "host" }
            local said <close> = setmetatable({}, { __close = function() print "closed" end })
            io.open("ready", "w"):close()
            while true do m:poll() end]]
        assert.equal(130, code)
        assert.equal("closed\n", out)
        contains(err, "interrupted!", "stack traceback:")
    end)

    it("in a coroutine stops it, and whoever resumed it, at the first", function()
        for _, how in ipairs { "coroutine.wrap(stay)()", "print(coroutine.resume(coroutine.create(stay)))",
            "coroutine.wrap(function() print(pcall(coroutine.wrap(stay))) while true do end end)()" } do
            local code, out, err = interrupted([[
                local function stay()
                    io.open("ready", "w"):close()
                    while true do end
                end
                local said <close> = setmetatable({}, { __close = function() print "closed" end })
                ]] .. how .. " while true do end")
            assert.equal(130, code)
            contains(out, "closed\n")
            contains(err, "interrupted!")
        end
    end)

    it("in a script that called run itself: the step ends, finish runs, the script goes on, 130", function()
        local code, out, err = interrupted [[
            local gpumm = require "gpumm"
            local function simulation()
                return gpumm.simulation {
                    numbers = gpumm.buffer { type = "u32", length = 100 },
                    watch = gpumm.readback { "numbers", every = 1000000 },
                    step = function(sim, i)
                        sim.numbers:fill(i)
                        if i == 3 then io.open("ready", "w"):close() end
                        if i >= 3 then local t = os.clock() while os.clock() - t < 0.02 do end end
                        if i > 2000 then error "it was never interrupted" end
                        sim.ended = i
                    end,
                    frame = function(sim, f) print("frame", f.step == sim.ended, f.data[100] == f.step) end,
                    finish = function(sim, last) print("finish", last.step == sim.i) return "result" end,
                }
            end
            print(simulation():run { device = "host" })
            print(simulation():run { device = "host" }) -- a later one ends before its first step
        ]]
        assert.equal("", err)
        assert.equal("frame\ttrue\ttrue\nfinish\ttrue\nresult\nframe\tfalse\ttrue\nfinish\ttrue\nresult\n", out)
        assert.equal(130, code)
    end)
end)

describe("the end of a script", function()
    it("by os.exit(n, true) in any callback of a simulation tells no leak of the simulation's own", function()
        for _, callback in ipairs { "init", "step", "frame", "finish" } do
            local code, out, err = script(([[
                local gpumm = require "gpumm"
                local t = { b = gpumm.buffer { type = "f32", length = 4 }, watch = gpumm.readback { "b" }, steps = 3,
                    step = function(sim, i) sim.b:fill(i) end, device = "host" }
                local before = t.CALLBACK or function() end
                t.CALLBACK = function(...) before(...) os.exit(7, true) end
                return gpumm.simulation(t)]]):gsub("CALLBACK", callback), "--quiet")
            assert.equal("", out .. err, callback)
            assert.equal(7, code, callback)
        end
    end)

    it("tells none either where the simulation runs on a manager of the script's", function()
        local code, out, err = script([[
            local gpumm = require "gpumm"
            local m = gpumm.manager { device = "host" }
            gpumm.simulation { b = gpumm.buffer { type = "f32", length = 4 }, watch = gpumm.readback { "b" }, steps = 3,
                step = function(sim, i) sim.b:fill(i) end, finish = function() os.exit(7, true) end }:run { manager = m }]],
            "--quiet")
        assert.equal("", out .. err)
        assert.equal(7, code)
    end)

    it("of a simulation's run is none of the next run's, whenever its garbage goes", function()
        local code, out, err = script([[
            local gpumm = require "gpumm"
            local sim = gpumm.simulation { b = gpumm.buffer { type = "f32", length = 4 }, watch = gpumm.readback { "b" },
                steps = 3, step = function(sim, i) collectgarbage() collectgarbage() sim.b:fill(i) end,
                finish = function(_, last) print(last.data[1]) end }
            for _ = 1, 3 do sim:run { device = "host" } end]], "--quiet")
        assert.equal("", err)
        assert.equal("3.0\n3.0\n3.0\n", out)
        assert.equal(0, code)
    end)

    it("tells the leaks of the script's own, also then", function()
        local code, _, err = script([[
            local gpumm = require "gpumm"
            return gpumm.simulation { b = gpumm.buffer { type = "f32", length = 4 }, steps = 3, device = "host",
                step = function(sim) sim.manager:allocate("mine", "f32", 3) os.exit(7, true) end }]], "--quiet")
        contains(err, "leak: buffer 'mine'")
        assert.is_nil(err:find("'b'", 1, true))
        assert.equal(7, code)
    end)
end)

describe("a spec of a user's", function()
    local function busted(text)
        folder.write("user_spec.lua", text)
        return shell "RUN --quiet /usr/bin/busted --output=plainTerminal user_spec.lua"
    end

    it("fails where its test leaves a named buffer, unless it says so", function()
        local code, out = busted [[
            local spec = require "gpumm.spec"
            describe("leaks", function()
                after_each(spec.close)
                it("one", function() spec.manager():allocate("leaky", "f32", 3) end)
                it("meant", function() spec.leaks(spec.manager()):allocate("meant", "f32", 3) end)
                it("none", function() local m = spec.manager() m:allocate("kept", "f32", 3) m:free "kept" end)
            end)]]
        contains(out, "3 successes / 0 failures / 1 error", "named buffers were never freed: 'leaky'", "user_spec.lua:4")
        assert.is_nil(out:find("'meant'", 1, true))
        assert.equal(1, code)
    end)
end)

describe("the watchdog of specs", function()
    it("shows a test that hangs, with the processes that it started, and ends it", function()
        folder.write("loop.lua", "io.open('ready', 'w'):close() while true do end")
        folder.write("hang_spec.lua",
            ("-- successes: 1\n it('hangs', function() os.execute '%s --quiet loop.lua' end)"):format(run))
        local here = assert(io.popen "pwd"):read "l"
        local code, out, err = shell(("mkdir spec; : >spec/helper.lua; " ..
            "GPUMM_WATCHDOG=3 sh %s/spec/run-spec.sh RUN /usr/bin/busted hang_spec.lua")
            :format(here))
        assert.equal(1, code)
        contains(err, "a test has not ended after 3 seconds", "loop.lua", "thread ", "hang_spec.lua")
        contains(out .. err, "1 successes are promised, got 'none'")
    end)
end)
