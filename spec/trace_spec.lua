-- successes: 22, pango: 1
-- SPDX-License-Identifier: MIT
-- Traces: everything that a script did is in them, with what it did it to, and in the books' own numbers; and the files are
-- whole, whatever happened.

local gpumm = require "gpumm"
local spec = require "gpumm.spec"
local support = require "spec.support"
local reader = require "spec.trace_reader"
local raises, fails, says = support.raises, support.fails, support.says

local fake = os.getenv "GPUMM_LIBCUDA" ~= nil -- whose kernels cannot be loaded
local folder = support.folder()
local place, history = folder.beside "trace.json", folder.beside "history.csv"
teardown(folder.remove)

local SOURCE = [[
extern "C" __global__ void add(int n, unsigned *p, unsigned more)
{ int i = blockIdx.x * blockDim.x + threadIdx.x; if (i < n) p[i] += more; }]]

-- Calls f with a manager that is traced, and closes both. Returns the trace, the history and the books before the close.
local function traced(options, f, detail)
    local t <close> = assert(gpumm.trace { file = place, history = history, detail = detail })
    local m = assert(gpumm.manager(options))
    assert.equal("gpumm.trace", getmetatable(t))
    f(m, t)
    m:synchronize()
    local books = m:stats()
    m:close()
    assert(t:close())
    return reader.trace(place), reader.history(history), books
end

-- What holds of every run: nothing was lost, and all was given back, as the books have it.
local function balanced(trace, played, books)
    assert.equal(0, trace.lost)
    assert.equal(0, played.now)
    assert.same({}, played.live)
    local process = trace:manager()
    -- What is replaced by another block goes back on the worker, and is in the books for a moment more than in the history.
    local between = #trace:named "alloc" > 0 and played.largest or 0
    local apart = math.abs(played.peak - trace:counter("committed", process))
    assert(apart <= between, ("the history's peak is %d, %d away from the books'"):format(played.peak, apart))
    if books then assert.equal(books.peak_used_bytes, (trace:counter("used", process))) end
    for _, name in ipairs { "buffers", "staging", "pinned", "scratch", "precommitted", "cached", "used", "committed" } do
        local _, last = trace:counter(name, process)
        assert.equal(0, last, name)
    end
end

describe("a trace", function()
    it("has every operation of every stream, by name and with its bytes", function()
        local trace, played, books = traced({ device = spec.device }, function(m, t)
            local s = m:stream()
            local a = assert(m:buffer { type = "u32", length = 1000 })
            local b = assert(m:buffer { type = "u32", length = 1000 })
            m:synchronize()
            t:slice("all of it", function()
                for i = 1, 5 do a:upload(support.count(100 * i)) end
                for _ = 1, 4 do b:copy(a, { count = 250, stream = s }) end
                for _ = 1, 3 do b:fill(7, 1, 10, { stream = s }) end
                assert.equal(7, b:download()[1])
            end)
        end)
        balanced(trace, played, books)
        assert.same({ 400, 800, 1200, 1600, 2000 }, trace:values("copy H2D", "bytes"))
        assert.same({ 1000, 1000, 1000, 1000 }, trace:values("copy D2D", "bytes"))
        assert.same({ 4000, 4000, 40, 40, 40 }, trace:values("fill", "bytes")) -- the first two make zeros
        assert.same({ 4000 }, trace:values("copy D2H", "bytes"))
        local tracks = trace:names("thread_name", trace:manager())
        local function track(e) return tracks[e.tid] end
        assert.equal("main stream", track(trace:named("copy H2D")[1]))
        for _, e in ipairs(trace:named "copy D2D") do assert.equal("stream 3", track(e)) end
        local all = trace:named("all of it")[1]
        for _, name in ipairs { "copy H2D", "copy D2D", "copy D2H" } do
            for _, e in ipairs(trace:named(name)) do
                assert(all.ts <= e.ts and e.ts + e.dur <= all.ts + all.dur, name .. " is outside of what waited for it")
            end
        end
    end)

    it("has every launch by its kernel's name", function()
        local trace, played, books = traced({ device = fake and "host" or spec.device }, function(m)
            local add = assert(m:kernel { source = SOURCE })
            local b = assert(m:buffer { type = "u32", length = 5000 })
            for i = 1, 20 do add(250 * i, b, i) end
            assert.equal(210, b:download()[1])
            m:reduce { op = "sum", from = b, to = m:buffer { type = "u32", length = 1 } }
        end)
        balanced(trace, played, books)
        local threads = trace:values("add", "threads")
        assert.equal(20, #threads)
        for i = 1, 20 do assert.equal(250 * i, threads[i]) end
        assert.equal(2, #trace:named "chunk_sums") -- primitives are kernels too
    end)

    it("has growths with what they were from and to, precommits, moves and retirements", function()
        local in_place
        local trace, played, books = traced({ device = spec.device }, function(m)
            in_place = m:device().in_place
            local g = assert(m:group { { "a", "u32" }, { "b", "f32x2" }, length = 100000, max_length = 1 << 23, name = "nodes",
                growth = gpumm.growth.geometric(2), ahead = 1 })
            g:resize(150000)
            while in_place and m:stats().precommitted.now == 0 do m:poll() end
            assert(g:ensure_capacity(700000))
            g:shrink_to_fit()
            m:trim()
            g:free()
        end)
        balanced(trace, played, books)
        assert.same({ 100000 }, trace:values("allocate nodes", "to"))
        assert.same({ 100000, 200000 }, trace:values("grow nodes", "from"))
        assert.same({ 200000, 700000 }, trace:values("grow nodes", "to"))
        assert.same({ 200000 * 12, 700000 * 12 }, trace:values("grow nodes", "bytes"))
        assert.same({ "OK", "OK" }, trace:values("grow nodes", "status"))
        assert(#trace:named "retire" > 0)
        if in_place then assert(#trace:named "precommit nodes" > 0) end
        assert(#trace:named(in_place and "commit" or "alloc") >= 2)
    end)

    it("has captures with their tickets, frames that were delivered, and those that were dropped", function()
        local trace, played, books = traced({ device = spec.device }, function(m)
            local b = assert(m:allocate("positions", "f32x2", 1000))
            local rb = assert(b:readback { slots = 2, busy = "drop", inline_bytes = 0 })
            for step = 1, 3 do
                assert(rb:capture(10 * step))
                assert.equal(10 * step, rb:wait().step)
            end
            for step = 4, 6 do rb:capture(10 * step) end -- which nobody takes
            while rb:next() do end
        end)
        balanced(trace, played, books)
        local tickets, steps = trace:values("frame", "ticket"), trace:values("frame", "step")
        assert.same({ 1, 2, 3 }, table.move(tickets, 1, 3, 1, {}))
        assert.same({ 10, 20, 30 }, table.move(steps, 1, 3, 1, {}))
        assert.same({ "positions", "positions", "positions" }, table.move(trace:values("frame", "of"), 1, 3, 1, {}))
        local copies = {} -- by ticket
        for _, e in ipairs(trace:named("capture", { of = "positions", bytes = 8000 })) do
            copies[e.args.ticket] = (copies[e.args.ticket] or 0) + 1
        end
        for ticket = 1, 3 do assert(copies[ticket] >= 1, "the copies of ticket " .. ticket) end
        local dropped = 0
        for _, count in ipairs(trace:values("dropped", "count")) do dropped = dropped + count end
        assert.equal(books.dropped_frames, dropped)
        assert(dropped > 0)
    end)

    it("has a replay as one slice that names its operations", function()
        local trace, played, books = traced({ device = spec.device }, function(m)
            local b = assert(m:buffer { type = "u32", length = 1000, max_length = 100000 })
            local c = assert(m:buffer { type = "u32", length = 1000 })
            local step = assert(m:record(function()
                b:fill(1)
                c:copy(b, { count = 100 })
                b:fill(2, 1, 10)
            end))
            for _ = 1, 9 do step:replay() end
            m:synchronize()
            b:resize(2000)
            step:replay()
            assert.equal(2, b:download()[1])
        end)
        balanced(trace, played, books)
        assert.equal(10, #trace:named("replay", { count = 3 }))
        assert(#trace:named("replay", { operations = "fill, copy D2D, fill" }) > 0)
    end)

    -- Operations of both streams and replays, more than are timed at once.
    local function busy(m)
        local s = m:stream()
        local a, b = assert(m:buffer { type = "u32", length = 2000 }), assert(m:buffer { type = "u32", length = 2000 })
        local step = assert(m:record(function()
            a:fill(1)
            a:fill(2, 1, 10)
            a:fill(3, 5, 10)
        end))
        for i = 1, 1500 do
            a:fill(i, 1, i)
            if i % 5 == 0 then b:copy(a, { count = i, stream = s }) end
            if i % 10 == 0 then step:replay() end
        end
        assert.equal(1500, b:download()[1500])
    end

    local function estimated(list)
        local count = 0
        for _, e in ipairs(list) do count = count + (e.args.estimated and 1 or 0) end
        return count
    end

    it("has every operation where not all are timed, in their order, and says which are estimated", function()
        local trace, played, books = traced({ device = spec.device }, busy)
        balanced(trace, played, books)
        local own = {}
        for _, e in ipairs(trace:named "fill") do
            if #own < 1500 and e.args.bytes == 4 * (#own + 1) then own[#own + 1] = e end -- zeros and replays fill, too
        end
        assert.equal(1500, #own)
        assert(estimated(own) > 500, estimated(own)) -- of each length the first ones are timed, then one in some hundreds
        assert(estimated(own) <= 1500 - 8, estimated(own)) -- how many depends on how fast they are enqueued
        local copies = trace:values("copy D2D", "bytes")
        for i = 1, 300 do assert.equal(20 * i, copies[i]) end
        local replays = trace:named("replay", { count = 3 })
        assert.equal(150, #replays)
        assert(estimated(replays) > 20)
        for _, e in ipairs(replays) do assert(e.args.operations == nil or e.args.operations == "fill, fill, fill") end
    end)

    it("has each operation timed by itself where that is asked for", function()
        local trace, played, books = traced({ device = spec.device }, busy, true)
        balanced(trace, played, books)
        local count = 0
        for _, name in ipairs { "fill", "copy D2D", "copy D2H", "replay" } do
            local list = trace:named(name)
            assert.equal(0, estimated(list), name)
            count = count + #list
        end
        assert(count >= 1500 + 300 + 1 + 150)
    end)

    it("has its times in microseconds", function()
        local before, within, after = gpumm.clock(), 0, 0
        local trace = traced({ device = spec.device }, function(_, t)
            before = gpumm.clock()
            t:slice("a while", function()
                local since = gpumm.clock()
                repeat within = gpumm.clock() - since until within > 0.002
            end)
            after = gpumm.clock()
        end)
        local dur = trace:named("a while")[1].dur * 1e-6
        assert(within - 1e-6 <= dur and dur <= after - before + 1e-6, dur)
    end)

    it("holds under jitter, with streams that wait for one another", function()
        local trace, played, books = traced({ device = spec.device, fault = { jitter = 7 } }, function(m)
            local s, a, b = m:stream(), m:buffer { type = "u32", length = 500 }, m:buffer { type = "u32", length = 500 }
            local rb = assert(a:readback { slots = 2, busy = "newest" })
            for i = 1, 20 do
                a:fill(i)
                b:copy(a, { stream = s })
                rb:capture(i)
            end
            assert.equal(20, b:download()[500])
        end)
        balanced(trace, played, books)
        assert.equal(20 + 2, #trace:named "fill")
        assert.equal(20, #trace:named "copy D2D")
    end)

    it("counts what it has to leave out, and changes nothing else", function()
        local calls = fake and { "cuEventRecord", "cuEventElapsedTime", "cuEventQuery" } or {}
        for _, call in ipairs(calls) do -- a host's events do not fail
            local trace, played = traced({ device = spec.device, fault = true }, function(m)
                local b = assert(m:buffer { type = "u32", length = 500 })
                m.fault:plan { call = call, nth = 2, status = "DRIVER" }
                for i = 1, 20 do b:fill(i) end
                m:synchronize()
                assert.equal(20, b:download()[500])
            end)
            assert(trace.lost + #trace:named "fill" == 21 and trace.lost <= 1, call)
            assert.equal(0, played.now)
        end
        local t <close> = assert(gpumm.trace { file = place, history = history })
        local m <close> = assert(gpumm.manager { device = "host", fault = { hold = "fill" } })
        local b = assert(m:buffer { type = "u32", length = 10 })
        for i = 1, 8400 do b:fill(i) end -- more than can be under way
        m.fault:release()
        m:synchronize()
        assert.equal(8400, b:download()[10])
        m:close()
        assert(t:close())
        local trace = reader.trace(place)
        assert.equal(8401, #trace:named "fill" + trace.lost)
        assert(trace.lost > 0)
    end)

    it("has the limit, what was refused, and failures of the device in the history", function()
        local trace, played = traced({ device = spec.device, limit = "1MiB", fault = true }, function(m)
            local b = assert(m:buffer { type = "u32", length = 1000, max_length = 1 << 24 })
            fails("OVER_LIMIT", "over the limit", b:resize(1 << 20))
            m.fault:plan { call = m:device().in_place and "commit" or "alloc", nth = 1, status = "OUT_OF_MEMORY", times = 50 }
            fails("OUT_OF_MEMORY", "", m:allocate("more", "u32", 1 << 17, { max_size_bytes = 1 << 29 }))
        end)
        balanced(trace, played)
        assert.equal(1 << 20, (trace:counter("limit", trace:manager())))
        assert(#trace:named "over limit" > 0)
        assert(played.failures > #trace:named "over limit" - 1)
    end)

    it("gives each manager tracks of its own", function()
        local trace = traced({ device = spec.device }, function(m)
            local second <close> = assert(gpumm.manager { device = spec.device })
            m:buffer { type = "u32", length = 10 }
            for _ = 1, 2 do second:buffer { type = "u32", length = 10 } end
            second:synchronize()
        end)
        local first, second = trace:manager(1), trace:manager(2)
        local fills = { [first] = 0, [second] = 0 }
        for _, e in ipairs(trace:named "fill") do fills[e.pid] = fills[e.pid] + 1 end
        assert.same({ [first] = 1, [second] = 2 }, fills)
        says(trace:names("process_name")[second], "manager 2: ")
    end)

    it("has slices of the script's own", function()
        local trace = traced({ device = spec.device }, function(m, t)
            local a, b, c = t:slice("outer", function(x, y)
                t:slice("inner", m.synchronize, m)
                return x, nil, y
            end, 1, 2)
            assert.same({ 1, nil, 2 }, { a, b, c })
            raises("on purpose", t.slice, t, "raising", error, "on purpose", 0)
            assert.equal("yielded", coroutine.wrap(function()
                return t:slice("yielding", coroutine.yield, "yielded")
            end)())
        end)
        for _, name in ipairs { "outer", "inner", "raising" } do assert.equal(1, #trace:named(name), name) end
    end)

    it("is one at a time, and says what is wrong with its files", function()
        local t <close> = assert(gpumm.trace { history = history })
        fails("BUSY", "close it first", gpumm.trace { file = place })
        assert(t:close())
        assert(t:close())
        raises("closed", t.slice, t, "late", print)
        assert(gpumm.trace { history = history }) -- and lost
        collectgarbage()
        assert(gpumm.trace { history = history }):close()
        fails("IO", "/nowhere/trace.json: cannot be written: No such file", gpumm.trace { file = "/nowhere/trace.json" })
        raises("neither was given", gpumm.trace, {})
        raises('unknown option "fil" (did you mean "file"?)', gpumm.trace, { fil = place })
        raises('option "file"', gpumm.trace, { file = 5 })
    end)
end)

describe("picture.memory", function()
    local drawing = folder.beside "memory.svg"

    it("stacks the categories over time, with growths, limit, peak and axes", function()
        local trace, _, books = traced({ device = spec.device, limit = "64MiB" }, function(m)
            local g = assert(m:group { { "a", "u32" }, length = 100000, max_length = 1 << 23, name = "nodes & <edges>" })
            local rb = assert(g:readback { "a" })
            g:resize(3000000)
            rb:capture(1)
            rb:wait()
            g:free()
        end)
        local peak = gpumm.picture.memory(drawing, { trace = place, title = "one & only" })
        assert.equal((trace:counter "buffers"), peak.now.buffers)
        local total = 0
        for _, category in ipairs { "buffers", "scratch", "staging", "pinned", "precommitted", "cached", "slack" } do
            total = total + (peak.now[category] or 0)
        end
        assert.equal(total, peak.total)
        assert(peak.total >= books.peak_used_bytes)
        local text = folder.read "memory.svg"
        says(text, "<svg xmlns=", "one &amp; only", "nodes &amp; &lt;edges&gt; to 3,000,000", "limit 64 MiB", "peak ",
            "memory held", "time since the trace was opened", "buffers, ", "staging, ", "pinned, ", " MiB</text>",
            'class="buffers"')
        local _, marks = text:gsub('class="growth"', "")
        assert.equal(#trace:named "grow*", marks)
        if os.execute "command -v xmllint >/dev/null" then assert(os.execute("xmllint --noout " .. drawing)) end
    end)

    it("is drawn in pixels and as PDF, too #pango", function()
        traced({ device = spec.device }, function(m)
            local b = assert(m:buffer { type = "u8", length = 1 << 20, max_length = 1 << 24 })
            b:resize(8 << 20)
        end)
        local file = folder.beside "memory.png"
        local peak = gpumm.picture.memory(file, { trace = place, width = 600, height = 300 })
        local pixels, width, height = assert(gpumm.image.read(file))
        assert.same({ 600, 300 }, { width, height })
        local blue, columns = 0, 600 - 84 - 190 -- what buffers are drawn in, and the plot's width
        for i = 1, #pixels do
            local r, g, b = pixels:get(i)
            if r == 0x5b and g == 0x8f and b == 0xf9 then blue = blue + 1 end
        end
        local share = peak.now.buffers / (1.12 * peak.total) -- of the plot's height, at the peak
        assert(blue > 200 and blue <= columns * 190 * share, blue)
        gpumm.picture.memory(folder.beside "memory.pdf", { trace = place })
        assert.matches("^%%PDF.*%%%%EOF%s*$", folder.read "memory.pdf")
    end)

    it("refuses what it cannot draw before the work", function()
        raises("picture.memory writes .svg, .png or .pdf, not a.gif", gpumm.picture.memory, "a.gif", { trace = place })
        raises("trace is the path of a trace", gpumm.picture.memory, drawing, {})
        raises('unknown option "trac" (did you mean "trace"?)', gpumm.picture.memory, drawing, { trac = place })
        raises("width is a whole number from 400 to 16384", gpumm.picture.memory, drawing, { trace = place, width = 10 })
        raises("no number 7", gpumm.picture.memory, drawing, { trace = place, manager = 7 })
        raises("is no trace of gpumm's", gpumm.picture.memory, drawing, { trace = folder.write("no.json", "{}") })
        raises("No such file", gpumm.picture.memory, drawing, { trace = "/nowhere.json" })
    end)
end)

-- ---- gpumm-run -----------------------------------------------------------------------------------

local SIMULATION = [[
return gpumm.simulation {
    steps = STEPS, b = gpumm.buffer { type = "u32", length = 1000, max_length = 100000 },
    out = gpumm.readback { "b", busy = "wait" },
    step = function(sim, i) sim.b:fill(i) BODY end,
}]]

local function simulation(steps, body)
    return 'local gpumm = require "gpumm" '
        .. SIMULATION:gsub("%u%u%u%u+", { STEPS = tostring(steps), BODY = body or "" })
end

local function run(options, script)
    local options_here = ("--quiet --device %s --trace '%s' --history '%s' %s"):format(spec.device, place, history, options)
    return support.run(options_here, script, "env --default-signal=INT")
end

describe("gpumm-run --trace", function()
    it("has the steps of a simulation around what they did", function()
        local said, code = run("", simulation(12, "if i == 6 then sim.b:resize(50000) end"))
        assert.equal("", said)
        assert.equal(0, code)
        local trace, played = reader.trace(place), reader.history(history)
        balanced(trace, played)
        assert.same(support.count(12), trace:values("step", "number"))
        assert.same(support.count(12), trace:values("frame", "step"))
        local growth, step = trace:named("grow b")[1], trace:named("step", { number = 6 })[1]
        assert(step.ts <= growth.ts and growth.ts + growth.dur <= step.ts + step.dur, "the growth is in its step")
    end)

    it("is whole where the script fails, ends the process, or is killed", function()
        local said, code = run("", simulation(5, "if i == 3 then error 'on purpose' end"))
        says(said, "on purpose")
        assert.equal(1, code)
        assert.same({ 1, 2 }, reader.trace(place):values("step", "number"))
        balanced(reader.trace(place), reader.history(history))
        run("", simulation(5, "if i == 3 then os.exit(7) end"))
        assert.same({ 1, 2 }, reader.trace(place):values("step", "number"))
        said, code = run("", simulation(5, "if i == 3 then os.execute 'kill -9 $PPID' end"))
        says(said, "")
        assert(code ~= 0)
        assert.equal(0, reader.trace(place).lost)
    end)

    it("is whole after Ctrl-C", function()
        local ready = folder.beside "ready"
        local path = folder.write("endless.lua", simulation(1 << 40, ("if i == 20 then io.open(%q, 'w') end"):format(ready)))
        local said, code = support.said(([[
            env --default-signal=INT '%s' --quiet --device %s --trace '%s' --history '%s' %s & pid=$!
            while [ ! -e '%s' ]; do kill -0 $pid || break; sleep 0.01; done; kill -INT $pid; wait $pid]]):format(
            support.gpumm_run(), spec.device, place, history, path, ready))
        assert.equal("", said)
        assert.equal(130, code)
        local trace = reader.trace(place)
        assert(#trace:named "step" >= 20)
        balanced(trace, reader.history(history))
    end)

    it("says at once what cannot be written, and at the end what was not", function()
        local said, code = support.run("--trace /nowhere/at/all.json", "print 'ran'")
        says(said, "gpumm-run: /nowhere/at/all.json: cannot be written: No such file or directory")
        assert.is_nil(said:find "ran")
        assert.equal(1, code)
        said, code = support.run("--trace /dev/full", "print 'ran'")
        says(said, "gpumm-run: /dev/full: writing failed: No space left on device")
        assert.equal(1, code)
        said, code = support.run("--trace", "")
        says(said, "a script is missing")
        assert.equal(1, code)
    end)

    it("leaves what a full disk took whole, and says so", function()
        local said, code = support.said(("ulimit -f 200; trap '' XFSZ; '%s' --quiet --device host --trace '%s' %s"):format(
            support.gpumm_run(), place, folder.write("many.lua", ([[
            local gpumm = require "gpumm"
            local m <close> = gpumm.manager()
            local b = m:buffer { type = "u32", length = 10 }
            for i = 1, 300 do b:fill(i) end
            m:synchronize()
            local file, since = assert(io.open(%q)), gpumm.clock()
            repeat until file:seek "end" > 30000 or gpumm.clock() > since + 5 -- what there is has been written
            for i = 1, 8000 do b:fill(i) end
            m:synchronize()]]):format(place))))
        says(said, "gpumm-run: " .. place .. ": writing failed: File too large")
        assert.equal(1, code)
        assert(#reader.trace(place):named "fill" >= 200)
    end)

    it("is the user's in a contained run, where the script's own needs the grant", function()
        local said, code = run("--sandbox", simulation(3):gsub('^local gpumm = require "gpumm" ', ""))
        assert.equal("", said)
        assert.equal(0, code)
        assert.same({ 1, 2, 3 }, reader.trace(place):values("step", "number"))
        local script = ("local t = assert(gpumm.trace { file = %q }) t:slice('mine', function() end) print(t:close())"):format(
            folder.beside "own.json")
        said, code = support.run("--quiet --sandbox", script)
        says(said, "writing '" .. folder.beside "own.json" .. "' is not allowed")
        assert.equal(1, code)
        said, code = support.run(("--quiet --sandbox --allow-write '%s'"):format(folder.path), script)
        assert.equal("true\n", said)
        assert.equal(0, code)
        assert.equal(1, #reader.trace(folder.beside "own.json"):named "mine")
    end)
end)
