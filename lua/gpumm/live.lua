-- SPDX-License-Identifier: MIT
-- gpumm.live: a page that shows a simulation while it runs, and acts on it.
--
--     gpumm.live.serve(sim, { port = 8080 })      -- prints a URL, runs the simulation, returns what its run returns
--
-- serve opens a session, runs the simulation in it and closes it; gpumm-run --live does the same, and with --watch it
-- runs one simulation after the other in one session. What is where: live/drive the steps, live/about what is shown of a
-- simulation, live/act what viewers do, live/kept positions that outlive a simulation, live/json text for the page.

local gpumm = require "gpumm"
local about = require "gpumm.live.about"
local drive = require "gpumm.live.drive"
local json = require "gpumm.live.json"
local native = require "gpumm.live.native"
local parts = require "gpumm.page.parts"
local nearest = require "gpumm.words".nearest
local plain = require "gpumm.words".plain
local placed = require "gpumm.inside".placed

local live = {}
local Session = {}
Session.__index = Session

-- ---- Options ----------------------------------------------------------------------------------

local function whole(least, most)
    return function(value)
        local number = math.tointeger(value)
        return number and number >= least and number <= most, ("a whole number from %d to %d"):format(least, most)
    end
end

local function number(least, most)
    return function(value)
        local _ <close> = plain()
        return type(value) == "number" and value >= least and value <= most,
            ("a number from %g to %g"):format(least, most)
    end
end

local function of_type(wanted)
    return function(value) return type(value) == wanted, "a " .. wanted end
end

local function list_of_strings(value)
    if type(value) ~= "table" then return false, "a list of strings" end
    for _, item in ipairs(value) do
        if type(item) ~= "string" then return false, "a list of strings" end
    end
    return true
end

local function any() return true end

local CHECKS = {
    port = whole(0, 65535), host = of_type "string", viewers = whole(1, 1000), fps = number(1, 1000),
    rate = number(0, 1e6), exit = of_type "boolean", paused = of_type "boolean", reheat = whole(1, 1000000),
    say = of_type "function", origins = list_of_strings, token = of_type "string", quiet = of_type "boolean",
    title = of_type "string", positions = of_type "string", edges = any, base = whole(0, 1), names = any, colors = any,
    keep = of_type "boolean", run = of_type "table", kinds = of_type "boolean",
}
local DEFAULTS = { port = 0, host = "127.0.0.1", viewers = 32, fps = 60, rate = 0, reheat = 200 }

local function check(options)
    if options ~= nil and type(options) ~= "table" then
        error("gpumm.live: options are a table, not a " .. type(options), 0)
    end
    local all, names = {}, {}
    for name in pairs(CHECKS) do names[#names + 1] = name end
    for name, value in pairs(DEFAULTS) do all[name] = value end
    for name, value in pairs(options or {}) do
        if not CHECKS[name] then
            local near = type(name) == "string" and nearest(name, names)
            table.sort(names)
            error(("gpumm.live: unknown option '%s'%s; valid: %s"):format(tostring(name),
                near and (" (did you mean '%s'?)"):format(near) or "", table.concat(names, ", ")), 0)
        end
        local ok, wanted = CHECKS[name](value)
        if not ok then error(("gpumm.live: %s must be %s, not %s"):format(name, wanted, tostring(value)), 0) end
        all[name] = value
    end
    return all
end

-- ---- Sessions ---------------------------------------------------------------------------------

local function url_of(host, port, token)
    local shown = (host == "0.0.0.0" or host == "::") and "localhost" or host
    if shown:find(":", 1, true) then shown = "[" .. shown .. "]" end
    return ("http://%s:%d/%s/"):format(shown, port, token)
end

local function say(line)
    io.stderr:write("live: ", line, "\n")
    io.stderr:flush()
end

-- The page is one file: its programs are in it.
local function page()
    local function program(name) return gpumm.resource("gpumm/live/" .. name .. ".js") end
    local parted = { STYLE = parts.style(), DRAWING = parts.drawing(), PROGRAM = program "feed" .. program "show" }
    return (gpumm.resource("gpumm/live/page.html"):gsub("@(%u+)@", parted))
end

--- Starts a server and prints its URL. Options as serve's.
function live.open(options)
    options = check(options)
    local server, message = native.server {
        host = options.host, port = math.tointeger(options.port), viewers = math.tointeger(options.viewers),
        origins = options.origins, token = options.token, page = page(),
    }
    if not server then error(message, 0) end
    local session = setmetatable({ server = server, options = options, state = { state = "starting" } }, Session)
    session.url = url_of(options.host, server:address())
    session:tell {}
    if not options.quiet then (options.say or say)(session.url) end
    return session
end

--- Tells viewers how things are: fields of what is told before stay unless they are given.
function Session:tell(fields)
    for key, value in pairs(fields) do self.state[key] = value end
    local text = json(self.state)
    if text ~= self.told then self.server:state(text) end
    self.told = text
end

--- Runs a simulation to its end, as its method run does, and shows it. A second one takes the first one's place, and its
--- positions where the option `keep` is true.
function Session:run(sim, run_options)
    local options = {}
    for key, value in pairs(run_options or {}) do options[key] = value end
    options.drive = function(_, interrupted) return drive(self, sim, interrupted) end
    self.shows = about.new(sim, self.options)
    local results = table.pack(pcall(sim.run, sim, options))
    if not results[1] then self:fail(results[2]) end
    self.server:attach(nil) -- where the run ended in an error
    self.shows = nil
    if not results[1] then error(results[2], 0) end
    return table.unpack(results, 2, results.n)
end

--- Shows an error; the last picture stays.
function Session:fail(message) self:tell { state = "failed", message = tostring(message):match "^[^\0]*" } end

--- Did somebody press Finish? Also while no simulation runs.
function Session:finished()
    local event = not self.shows and self.server:next()
    while event do
        self.done = self.done or event.kind == "finish"
        event = self.server:next()
    end
    return self.done or false
end

function Session:counts() return self.server:counts() end

function Session:close()
    if self.closed then return end
    self.closed = true
    self.server:close()
end
Session.__close = Session.close

--- Runs the simulation and shows it at a URL that it prints; returns what the simulation's run returns. It ends when somebody
--- presses Finish, with Ctrl-C, or with exit = true where the simulation ends; till then it rests at its end.
live.serve = placed(function(sim, options)
    if getmetatable(sim) ~= "gpumm.simulation" then
        error("gpumm.live.serve takes a simulation, as gpumm.simulation makes it, not " .. tostring(sim), 0)
    end
    local session <close> = live.open(options)
    return session:run(sim, session.options.run)
end)

return live
