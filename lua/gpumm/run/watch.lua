-- SPDX-License-Identifier: MIT
-- gpumm-run --watch: runs a script again when it or one of the files that it uses has changed: kernels and what they
-- include, Lua modules, files that it loads. Each run finds the Lua state as the first one did.

local gpumm = require "gpumm"
local description = require "gpumm.description"
local inside = require "gpumm.inside"

local watch = {}
local Watch = {}
Watch.__index = Watch

local LOOK_SECONDS = 0.2

-- ---- The files --------------------------------------------------------------------------------

local function read(path)
    local file = io.open(path, "rb")
    local text = file and file:read "a"
    if file then file:close() end
    return text
end

function Watch:add(path)
    if type(path) ~= "string" or self.files[path] ~= nil then return end
    self.files[path] = self.process.stamp(path) or false
    if not path:find "%.cu[h]?$" and not path:find "%.h$" then return end
    for included in (read(path) or ""):gmatch '#%s*include%s*"([^"\n]+)"' do
        local there = path:match "^(.*/)[^/]*$" or ""
        self:add(included:sub(1, 1) == "/" and included or there .. included)
    end
end

-- Modules of the script's own that are loaded by now.
function Watch:add_modules()
    for name in pairs(package and package.loaded or {}) do
        if not self.loaded[name] then self:add((package.searchpath(name, package.path))) end
    end
end

--- Has a file changed since it was seen first? Looks at most every 0.2 seconds.
function Watch:changed()
    if self.is_changed then return true end
    if gpumm.clock() - self.looked < LOOK_SECONDS then return false end
    self.looked = gpumm.clock()
    self:add_modules()
    for path, stamp in pairs(self.files) do
        if (self.process.stamp(path) or false) ~= stamp then self.is_changed = path end
    end
    return self.is_changed ~= nil
end

-- ---- The state --------------------------------------------------------------------------------

local function copy(list)
    local all = {}
    for key, value in pairs(list) do all[key] = value end
    return all
end

local function restore(list, before)
    for key in pairs(list) do
        if before[key] == nil then list[key] = nil end
    end
    for key, value in pairs(before) do list[key] = value end
end

-- What a script names to have it loaded is watched.
local function listen(self)
    local kernel, load_file, do_file = description.kernel, loadfile, dofile
    description.kernel = function(options)
        local made = kernel(options)
        self:add(made.options and made.options.file)
        return made
    end
    _G.loadfile = function(path, ...) -- luacheck: ignore 122
        self:add(path)
        return load_file(path, ...)
    end
    _G.dofile = function(path) -- luacheck: ignore 122
        self:add(path)
        return do_file(path)
    end
end

-- For a script; `process` has stamp(path) and sleep(seconds).
local function new(process, path)
    local self = setmetatable({ process = process, path = path, files = {}, looked = -math.huge }, Watch)
    listen(self)
    self.globals, self.loaded = copy(_G), copy(package.loaded)
    return self
end

-- Before each run.
local function begin(self)
    restore(_G, self.globals)
    restore(package.loaded, self.loaded)
    self.files, self.is_changed = {}, nil
    self:add(self.path)
end

-- Until a file has changed; false: interrupted() became true before.
local function wait(self, interrupted)
    while not self:changed() do
        if interrupted() then return false end
        self.process.sleep(LOOK_SECONDS / 2)
    end
    self.process.sleep(LOOK_SECONDS / 4) -- for whoever writes it to finish
    return not interrupted()
end

-- ---- Running ------------------------------------------------------------------------------------

local function close(managers)
    for i = #managers, 1, -1 do
        managers[i].manager:close()
        managers[i] = nil
    end
end

--- Calls run() again and again until ended() is true; returns the exit code. What a run left open, of `managers`, is closed.
function watch.run(process, path, managers, ended, run)
    local self = new(process, path)
    local code
    inside.interrupted = function() return process.interrupted() or self:changed() end
    process.graceful(true)
    inside.graceful = nil -- Ctrl-C ends the watching, whatever runs
    repeat
        begin(self)
        close(managers)
        code = run()
    until ended() or not wait(self, ended)
    return process.interrupted() and 130 or code
end

return watch
