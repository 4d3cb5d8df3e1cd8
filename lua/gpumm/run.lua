-- SPDX-License-Identifier: MIT
-- gpumm-run in Lua: options, running the simulation that a script returns, progress, statistics, exit codes. `process`
-- has the functions that are written in C (src/run/main.c): signals, loading a script, whether stderr is a terminal.

local gpumm = require "gpumm"
local inside = require "gpumm.inside"
local books = require "gpumm.run.books"
local live = require "gpumm.run.live"
local progress = require "gpumm.run.progress"
local prompt = require "gpumm.run.prompt"
local watch = require "gpumm.run.watch"
local nearest = require "gpumm.words".nearest

local USAGE = [=[
usage: gpumm-run [options] script.lua [arguments]
       gpumm-run [options] -m MODULE [arguments]
       gpumm-run [options] -e CODE [script.lua [arguments]]
Runs a Lua script with gpumm inside, or the function main of a module (gpumm.layout is one). Where that returns a
simulation, runs it. Without a script it reads one from standard input, or lines from a terminal.

  --device auto|host|cuda[:N]  the device of every manager; overrides the script
  --limit SIZE                 a memory limit for all managers together, as 4GiB
  --describe                   print every buffer's layout and growth; no device is used
  --stats                      print memory statistics at the end, with advice
  --stats=json                 the same for programs, one JSON object on standard output
  --trace FILE.json            write what happens and when, as a trace that https://ui.perfetto.dev opens
    --trace-detail             … every operation timed by itself, at some cost; else some are, and others estimated
  --history FILE.csv           write every allocation on the device, as RMM's logging does
  --strict                     exit with 1 where a named buffer was never freed
  --quiet                      no progress and no device line
  --live [PORT]                show the simulation on a page while it runs, at the URL that is printed (any free port)
    --live-host HOST           … to other machines too, on this address (127.0.0.1)
    --live-exit                … and end where the simulation ends, not by Finish or Ctrl-C
    --rate N                   … at most N steps a second; viewers can change that
  --watch                      run the script again whenever it, its kernels or modules change
  --sandbox                    contain the script: Lua and gpumm (a global; require knows it alone), nothing else
    --allow-read DIR           … it may read files below DIR
    --allow-write DIR          … write files below DIR
    --allow-environment NAME   … ask gpumm.environment(NAME)
    --allow-kernels            … make kernels, which are native code that nothing contains
    --allow-live               … show itself on a page, to this machine alone
    --lua-memory SIZE          … use at most SIZE of memory besides the device's
    --timeout SECONDS          … run at most SECONDS
  -e CODE                      run CODE, before the script where there is one; may be repeated
  -i                           read and run lines from standard input, after the script
  -v, --version                print the version and end
  -h, --help                   print this and end
  -                            read the script from standard input
  --                           end of options
]=]

local VERSION = "gpumm-run " .. gpumm.version .. ", " .. _VERSION .. "\n"

-- ---- Output -------------------------------------------------------------------------

-- An error that is no text, as lua has it.
local function in_words(value)
    return ("(error object is a %s value)"):format(type(value))
end

local function complain(process, message)
    local text = type(message) == "string" and message or gpumm.traceback(message)
    if type(text) ~= "string" then text = in_words(message) end
    io.stderr:write("gpumm-run: ", text, "\n")
    inside.failure = text:match "^[^\n]*" -- what other ranks are told (gpumm.world)
    return process.interrupted() and 130 or 1
end

-- Writes to standard output. Returns the exit code, which is 1 where writing fails.
local function say(process, text)
    local ok, message = io.stdout:write(text)
    if ok then ok, message = io.stdout:flush() end
    return ok and 0 or complain(process, "standard output: " .. message)
end

-- ---- The command line ------------------------------------------------------------------------

local Usage = {} -- metatable of the error that a mistake in the command line raises

local function bad_usage(message, ...)
    error(setmetatable({ message = message:format(...) }, Usage), 0)
end

local flags = { describe = true, strict = true, quiet = true, version = true, help = true, stats = true,
    sandbox = true, ["allow-kernels"] = true, live = true, ["live-exit"] = true, ["allow-live"] = true, watch = true,
    ["trace-detail"] = true }
local valued = { device = true, limit = true, trace = true, history = true, timeout = true, ["lua-memory"] = true,
    ["live-host"] = true, rate = true }
local listed = { ["allow-read"] = true, ["allow-write"] = true, ["allow-environment"] = true }
local contained = { "allow-read", "allow-write", "allow-environment", "allow-kernels", "allow-live", "lua-memory", "timeout" }

-- Has gpumm.options say of an option that a script does not know, and we do, where it belongs.
local function claim(options, script)
    local place = options.module and "-m" or script or "the script's name"
    function inside.of_run(word)
        local name = word:match "^%-%-([^=]+)"
        if not (name and (flags[name] or valued[name] or listed[name])) then return nil end
        return ("--%s is gpumm-run's: put it before %s"):format(name, place)
    end
end

local short = { ["-h"] = "help", ["-v"] = "version", ["-i"] = "interactive" }

-- An option that there is not, and the one that was probably meant.
local function unknown(text)
    local names = {}
    for _, kind in ipairs { flags, valued, listed } do
        for word in pairs(kind) do names[#names + 1] = word end
    end
    local near = nearest(text:match "^%-*([^=]*)", names)
    bad_usage("unknown option %s%s", text, near and (" (did you mean --%s?)"):format(near) or "")
end

local function set(options, name, value)
    if not listed[name] then
        options[name] = value
        return
    end
    options[name] = options[name] or {}
    table.insert(options[name], value)
end

local function parse_long(options, text, following)
    local name, value = text:match("^([^=]+)=(.*)$")
    name = name or text
    if name == "stats" and value then
        if value ~= "json" then bad_usage("--stats=%s: write --stats or --stats=json", value) end
        options.stats = "json"
    elseif name == "live" then
        local given = value or following and following:match "^%d+$"
        local port = given and live.port(given)
        if given and not port then bad_usage("--live %s: it is a port, a whole number up to 65535", given) end
        options.live = port or 0
        return given and not value and 2 or 1
    elseif flags[name] and not value then
        options[name] = true
    elseif valued[name] or listed[name] then
        if not value then
            if not following then bad_usage("--%s needs a value", name) end
            set(options, name, following)
            return 2
        end
        set(options, name, value)
    else
        unknown("--" .. text)
    end
    return 1
end

-- -e CODE, -eCODE, and single letters. Returns how many words it takes.
local function parse_short(options, text, following)
    if text:sub(1, 2) == "-e" then
        local code = text ~= "-e" and text:sub(3) or following or bad_usage "-e needs Lua code"
        options.code = options.code or {}
        table.insert(options.code, code)
        return text == "-e" and 2 or 1
    end
    options[short[text] or unknown(text)] = true
    return 1
end

-- Options up to the script's name; returns them and the script's index.
local function parse(arguments)
    local options, i = {}, 1
    while arguments[i] do
        local text = arguments[i]
        if text == "--" then return options, i + 1 end
        if text == "-" or text:sub(1, 1) ~= "-" then return options, i end
        if text == "-m" then
            options.module = arguments[i + 1] or bad_usage "-m needs the name of a module"
            return options, i + 1
        end
        if text:sub(1, 2) == "--" then i = i + parse_long(options, text:sub(3), arguments[i + 1])
        else i = i + parse_short(options, text, arguments[i + 1]) end
    end
    return options, i
end

-- As in lua: the script is arg[0], the words before it have negative indices.
local function shifted(arguments, script)
    local shifted_arguments = {}
    for i = 0, #arguments do shifted_arguments[i - script] = arguments[i] end
    return shifted_arguments
end

local function size_option(options, name)
    if not options[name] then return nil end
    local bytes, message = gpumm.parse_size(options[name])
    if not bytes then bad_usage("--%s: %s", name, (message:gsub("^[A-Z_]+: ", ""))) end
    return bytes
end

local function seconds_option(options, name)
    local seconds = options[name] and tonumber(options[name])
    if options[name] and not (seconds and seconds > 0 and seconds < math.huge) then
        bad_usage("--%s %s: it must be a number of seconds", name, options[name])
    end
    return seconds
end

-- The permissions and limits of a contained state.
local function containment(options)
    return {
        read = options["allow-read"], write = options["allow-write"], environment = options["allow-environment"],
        kernels = options["allow-kernels"], limit = size_option(options, "limit"),
        memory = size_option(options, "lua-memory"), timeout = seconds_option(options, "timeout"),
        live = options["allow-live"] and live.opener() or nil,
    }
end

local function check_contained(options)
    for _, name in ipairs(contained) do
        if options[name] and not options.sandbox then bad_usage("--%s goes with --sandbox only", name) end
    end
    local mistake = live.mistake(options)
    if mistake then bad_usage("%s", mistake) end
end

local function apply(process, options)
    if options.device then
        if not options.device:find("^auto$") and not options.device:find("^host$") and not options.device:find("^cuda") then
            bad_usage("--device %s: it must be auto, host, cuda or cuda:N", options.device)
        end
        process.set_device(options.device)
    end
    if options.limit then process.set_limit(size_option(options, "limit")) end
    if options.quiet then process.quiet() end
    if options.trace or options.history then process.trace(options.trace, options.history, options["trace-detail"]) end
end

-- ---- Statistics ------------------------------------------------------------------------------

-- Collects every manager that the script makes, so that its statistics can be read at the end.
local function watch_managers()
    local list, make = {}, gpumm.manager
    gpumm.manager = function(...)
        local manager, message, code = make(...)
        if manager then list[#list + 1] = { manager = manager, maker = gpumm.caller() } end
        return manager, message, code
    end
    return list
end

-- Shows the statistics, of a simulation those of just before it closed. Returns the number of leaked buffers, and an
-- exit code.
local function report_books(process, options, managers, simulation)
    local leaks, all = 0, {}
    for i, made in ipairs(managers) do
        local manager = made.manager
        all[i] = simulation and simulation.manager == manager and simulation:statistics() or manager:stats()
        manager:close()
        leaks = leaks + #manager:leaks()
    end
    if options.stats == "json" then
        return leaks, say(process, books.json { managers = all, leaks = leaks } .. "\n")
    elseif options.stats then
        for i, stats in ipairs(all) do books.show(managers[i].maker, stats) end
    end
    return leaks, 0
end

-- ---- Running ---------------------------------------------------------------------------------

local function run_simulation(process, options, simulation)
    local show, done = progress.new(process.terminal, options.quiet)
    local session, run = options.session, { progress = show }
    local ok, err
    if session then ok, err = pcall(session.run, session, simulation, run)
    else ok, err = pcall(simulation.run, simulation, run) end
    if done then done(simulation.i) end
    if not ok then error(err, 0) end
end

local function is_simulation(value)
    return getmetatable(value) == "gpumm.simulation"
end

-- What -m names, as a chunk.
local function module_chunk(name)
    local found, module = pcall(require, name)
    if not found then error(("-m %s: %s"):format(name, tostring(module):match "^(.-):?\n" or tostring(module)), 0) end
    local main = type(module) == "table" and rawget(module, "main")
    if type(main) ~= "function" then error(("-m %s: the module has no function main"):format(name), 0) end
    return function() return main(_G.arg) end
end

local function script_chunk(process, path)
    local chunk, message = process.load(path)
    return chunk or error(message, 0)
end

-- What is run, in order: the code of each -e, then the script or module.
local function chunks_of(process, options, path)
    local chunks = {}
    for i, code in ipairs(options.code or {}) do
        local chunk, message = process.compile(code, "=(command line)")
        chunks[i] = chunk or error(message, 0)
    end
    if options.module then table.insert(chunks, module_chunk(options.module))
    elseif path then table.insert(chunks, script_chunk(process, path)) end
    return chunks
end

-- Does the message, which names no place, say what is wrong with a word of the command line, as a file that is not there?
local function names_argument(message)
    if type(message) ~= "string" or message:find "\n" or message:find "^[^%s:]+:%d+: " then return false end
    for _, word in ipairs(_G.arg or {}) do
        if #tostring(word) >= 3 and message:find(tostring(word), 1, true) then return true end
    end
    return false
end

-- An error for people: what the user typed is wrong in no place of the script.
local function explained(message)
    if inside.mistake and message == inside.mistake.message then return inside.mistake.shown end
    if names_argument(message) or getmetatable(message) == "gpumm.ended" then return message end
    local text = gpumm.traceback(message)
    return type(text) == "string" and text or gpumm.traceback(in_words(message))
end

-- Runs the chunks; returns what the last one returns.
local function call(chunks, arguments)
    local result
    for _, chunk in ipairs(chunks) do
        local results = table.pack(xpcall(chunk, explained, table.unpack(arguments)))
        if not results[1] then error(results[2], 0) end
        result = results[2]
    end
    return result
end

local function run_script(process, options, arguments, script)
    local chunks = chunks_of(process, options, arguments[script])
    local shown = shifted(arguments, script)
    shown[0] = shown[0] or arguments[0]
    if process.contained then shown = table.move(shown, 0, #shown, 0, {}) end -- without gpumm-run's own options
    _G.arg = shown -- luacheck: ignore 122
    local result = call(chunks, shown)
    if options.describe then
        if not is_simulation(result) then error("--describe: the script returned no simulation to describe", 0) end
        return say(process, result:describe())
    end
    if is_simulation(result) then
        options.simulation = result
        run_simulation(process, options, result)
    end
    if options.interactive then return prompt.run(process) end
    if options.live and not is_simulation(result) then
        io.stderr:write("gpumm-run: --live: the script returned no simulation to show\n")
    end
    return process.interrupted() and 130 or 0
end

-- Runs the script once; returns the exit code. Errors are shown, on the page too.
local function run_once(process, options, arguments, script)
    local ok, code = pcall(run_script, process, options, arguments, script)
    if ok or getmetatable(code) == "gpumm.ended" then return ok and code or 0 end
    if options.session then options.session:fail(code) end
    return complain(process, code)
end

local function run_all(process, options, arguments, script, managers)
    local session <close> = live.open(options)
    options.session = session
    local function run() return run_once(process, options, arguments, script) end
    if not options.watch then return run() end
    local function ended() return process.interrupted() or session and session:finished() or false end
    return watch.run(process, arguments[script], managers, ended, run)
end

-- Where no script is named it comes from standard input, or lines do.
local function complete(process, options, arguments, script)
    if arguments[script] or options.code or options.interactive then return end
    local input = process.input()
    if not input then bad_usage "a script is missing" end
    if input == "text" then arguments[script] = "-" end
    options.interactive = input == "terminal"
    if options.interactive then say(process, VERSION) end
end

local function check_interactive(options, path)
    if options.watch and not options.module and (not path or path == "-") then bad_usage "--watch needs the file of a script" end
    if options.interactive and options.sandbox then bad_usage "-i does not go with --sandbox" end
    if options.interactive and options.describe then bad_usage "-i does not go with --describe, which runs nothing" end
end

local function main(process, arguments)
    local options, script = parse(arguments)
    if options.help then return say(process, USAGE) end
    if options.version then return say(process, VERSION) end
    complete(process, options, arguments, script)
    check_contained(options)
    check_interactive(options, arguments[script])
    if options.sandbox and not process.contained then
        process.contain(containment(options)) -- the process runs this file again, in a contained state
        return 0
    end
    apply(process, options)
    claim(options, arguments[script])
    inside.interrupted, inside.graceful = process.interrupted, process.graceful
    local managers = (options.stats or options.strict or options.watch) and watch_managers() or {}
    local ok, code = pcall(run_all, process, options, arguments, script, managers)
    if not ok then code = complain(process, code) end
    local leaks, said = report_books(process, options, managers, options.simulation)
    if code == 0 then code = said end
    if code == 0 and options.strict and leaks > 0 then
        code = complain(process, ("--strict: %d buffers were never freed"):format(leaks))
    end
    return code
end

return function(process, arguments)
    local ok, code = pcall(main, process, arguments)
    if ok then return code end
    if getmetatable(code) ~= Usage then error(code, 0) end
    io.stderr:write("gpumm-run: ", code.message, "\n", "gpumm-run --help lists the options\n")
    return 1
end
