-- SPDX-License-Identifier: MIT
-- gpumm-run --live: a session of gpumm.live for the simulation that a script returns.

local gpumm = require "gpumm"

local live = {}

--- The port of --live [PORT], a text; nil: it is none.
function live.port(text)
    local port = text:match "^%d+$" and math.tointeger(tonumber(text))
    return port and port <= 65535 and port or nil
end

--- What is wrong with the options, or nil.
function live.mistake(options)
    for _, name in ipairs { "live-host", "live-exit", "rate" } do
        if options[name] and not options.live then return ("--%s goes with --live only"):format(name) end
    end
    local rate = options.rate and tonumber(options.rate)
    if options.rate and not (rate and rate > 0 and rate <= 1e6) then
        return ("--rate %s: it is a number of steps a second, above 0"):format(options.rate)
    end
    if options.live and options.sandbox and not options["allow-live"] then
        return "--live of a contained script needs --allow-live"
    end
    if options.watch and options.sandbox then
        return "--watch does not go with --sandbox: a contained state runs one script"
    end
    if options.describe and (options.live or options.watch) then
        return "--describe runs nothing: it goes with neither --live nor --watch"
    end
end

local function found()
    local ok, module = pcall(function() return gpumm.live end)
    if not ok then error("--live: " .. tostring(module):gsub("^[^:\n]+:%d+: ", ""), 0) end
    return module
end

--- What opens the module in a contained state, which cannot find it.
function live.opener()
    found()
    local path = package.searchpath("gpumm_live", package.cpath)
    return path and package.loadlib(path, "luaopen_gpumm_live")
end

--- Opens the session, or raises what to install; nil where --live was not given.
function live.open(options)
    if not options.live then return nil end
    return found().open { port = options.live, host = options["live-host"], exit = options["live-exit"],
        rate = options.rate and tonumber(options.rate), keep = options.watch }
end

return live
