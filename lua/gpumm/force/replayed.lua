-- SPDX-License-Identifier: MIT
-- An iteration that is recorded once and replayed while it is of the same buffers: on a GPU one launch of a graph, in
-- which the values that differ from step to step are changed.

local kernels = require "gpumm.force.kernels"

local need = kernels.need
local Replayed = {}
Replayed.__index = Replayed

local BUFFERS = { "position", "velocity", "force", "mass", "heft", "pinned", "anchor", "held", "heat" }

-- Names are recorded as they are asked for, so that a replay gives those that something takes.
local function names_in(r, names)
    return setmetatable({}, { __index = function(all, name)
        names[#names + 1] = name
        all[name] = r:scalar(name)
        return all[name]
    end })
end

local function record(self, enqueue)
    if self.recording then self.recording:close() end
    self.recording, self.names = nil, {}
    self.recording = need(self.manager:record(function(r) enqueue(names_in(r, self.names)) end))
end

local function replay(self, values)
    local given = {}
    for _, name in ipairs(self.names) do given[name] = values[name] end
    return self.recording:replay(given)
end

-- A failure raises in simulations, and is returned elsewhere.
local function try(self, values)
    local returned, done, message = pcall(replay, self, values)
    if returned and done then return true end
    return false, returned and message or done
end

--- Enqueues the iteration that `enqueue` launches, by names in the place of these values. `same`: its launches are of what
--- they were of when it was recorded.
function Replayed:run(same, values, enqueue)
    if not same or not self.recording then record(self, enqueue) end
    local done, message = try(self, values)
    if not done and tostring(message):find("STALE", 1, true) then -- a buffer has moved
        record(self, enqueue)
        done, message = try(self, values)
    end
    if not done then error(message, 0) end
end

local replayed = {}

-- Makes key[name] what it is now; false where it was something else.
local function keeps(key, name, value)
    if key[name] == value then return true end
    key[name] = value
    return false
end

--- Is it of these rows, fits and buffers of nodes, as the last time that this was asked?
function replayed.is_of(self, built, fitted, nodes)
    local key, stress = self.key, nodes.stress or {}
    local same = keeps(key, "built", built)
    same = keeps(key, "fitted", fitted) and same
    same = keeps(key, "stresses", #stress) and same
    for _, name in ipairs(BUFFERS) do same = keeps(key, name, nodes[name] or false) and same end
    for k, of in ipairs(stress) do same = keeps(key, k, of) and same end
    return same
end

function replayed.new(manager) return setmetatable({ manager = manager, key = {} }, Replayed) end

return replayed
