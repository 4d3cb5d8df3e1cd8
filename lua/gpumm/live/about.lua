-- SPDX-License-Identifier: MIT
-- What is shown of a simulation: which buffer has the positions and which the edges, names, colors, parameters. It is asked
-- for with an event of the kind "describe"; what serve was told comes first, and what neither says is looked for.

local colors = require "gpumm.picture.colors"
local listed = require "gpumm.common.listed"
local utf = require "gpumm.live.utf"

local about = {}
local About = {}
About.__index = About

local LANES = { f32x2 = 2, f32x3 = 3 }
local NAME_BYTES = 200
local MANY = 4096 -- messages of edges, from which on they are sent anew in fewer
local SLICE = 1 << 18 -- edges a message: a viewer is sent what is more urgent in between

-- ---- Finding ----------------------------------------------------------------------------------

--- What "nodes.position" or "positions" is in an open simulation; nil: there is no such thing.
local function buffer_at(sim, path)
    local key, member = path:match "^([^.]+)%.?(.*)$"
    local ok, found = pcall(function()
        local resource = sim[key]
        return member ~= "" and resource:member(member) or member == "" and resource or nil
    end)
    return ok and found or nil
end

local function lanes_of(buffer) return buffer and LANES[tostring(buffer.type)] end

local function positions_of(sim, named)
    for _, path in ipairs(named and { named } or { "nodes.position", "nodes.positions", "positions", "position" }) do
        local buffer = buffer_at(sim, path)
        if lanes_of(buffer) then return path, buffer end
    end
    error(named and ("gpumm.live: '%s' is no buffer of f32x2 or f32x3 of this simulation"):format(named)
        or "gpumm.live: which buffer has the positions? There is no nodes.position and no positions of type f32x2 or f32x3; the "
        .. "simulation's function `live` names another: where event.kind is \"describe\", return { positions = \"NAME\" }", 0)
end

local function edges_of(sim, named)
    if named == false then return nil end
    local paths = type(named) == "string" and { named } or named
    for _, choice in ipairs(paths and { paths } or { { "edges.from", "edges.to" }, { "edges.ends" }, { "edges" } }) do
        local buffers = {}
        for i, path in ipairs(choice) do buffers[i] = buffer_at(sim, path) end
        local size = buffers[1] and #choice == #buffers and buffers[1].type.size
        if size and size * #buffers == 8 and #buffers <= 2 then return buffers end
    end
    if named then error("gpumm.live: edges are one buffer of pairs of u32, or the names of two of u32", 0) end
end

-- ---- Messages -----------------------------------------------------------------------------------

local function message(kind, first, parts)
    return ("<I4I4I4I4"):pack(kind, first, #parts, 0) .. table.concat(parts)
end

local function names_message(first, names, last)
    local parts = {}
    for i = first, last do parts[#parts + 1] = ("<s2"):pack(utf.cut(utf.cleaned(tostring(names[i])), NAME_BYTES)) end
    return message(3, first - 1, parts)
end

local function byte(x) return math.floor(math.max(0, math.min(x, 1)) * 255 + 0.5) end

-- Colors, or values that have some, as a picture takes them; a text is one color for all nodes.
local function colors_message(given, kinds, count)
    if given == nil or given == false then return message(4, 0, {}) end
    local list = type(given) == "string" and given or listed(given)
    local nodes = type(list) == "table" and #list or count
    local ok, rgba = pcall(colors.of_nodes, { colors = list or given, kinds = kinds }, nil, nodes)
    if not ok then error("gpumm.live: " .. tostring(rgba), 0) end
    local parts = {}
    for k = 1, #rgba, 4 do parts[#parts + 1] = string.char(byte(rgba[k]), byte(rgba[k + 1]), byte(rgba[k + 2])) end
    return message(4, 0, parts)
end

-- ---- A simulation's ---------------------------------------------------------------------------

--- Of a simulation that is not open yet.
function about.new(sim, options) return setmetatable({ sim = sim, options = options }, About) end

--- Asks the simulation, which is open now.
function About:begin()
    local described = self.sim:event { kind = "describe" }
    if type(described) ~= "table" then described = {} end
    local function told(name)
        if self.options[name] ~= nil then return self.options[name] end
        return described[name]
    end
    self.path, self.positions = positions_of(self.sim, told "positions")
    self.dimensions = lanes_of(self.positions)
    self.edges, self.base, self.sent = edges_of(self.sim, told "edges"), told "base" or 0, 0
    self.names, self.colors, self.kinds, self.title = told "names", told "colors", told "kinds", told "title" or "gpumm"
    self.parameters = {}
    for i, p in ipairs(described.parameters or {}) do
        self.parameters[i] = { name = p.name, value = p.value, least = p.least or 0, most = p.most or 10 }
    end
end

--- Publishes what does not change: names and colors. What begins at the first replaces what a viewer has, so there is one of
--- each, also where it is empty.
function About:publish(server)
    server:forget()
    self.sent, self.messages = 0, 0
    local names = self.names or {}
    local first = 1
    repeat
        server:publish(names_message(first, names, math.min(#names, first + SLICE - 1)))
        first = first + SLICE
    until first > #names
    server:publish(colors_message(self.colors, self.kinds, #self.positions))
    server:publish(message(2, 0, {})) -- no edges yet
end

-- Edges from `first` to `last`, from 1.
local function publish_slice(self, server, first, last)
    local views = {}
    for i, buffer in ipairs(self.edges) do views[i] = buffer:download(first, last - first + 1) end
    server:publish_edges(first - 1, self.base, views[1], views[2])
end

--- Publishes edges that came since. Where there are fewer than before, or very many messages, viewers start over.
function About:follow(server)
    if not self.edges then return end
    local count = #self.edges[1]
    if count < self.sent or count > self.sent and self.messages >= MANY then self:publish(server) end
    while self.sent < count do
        local last = math.min(count, self.sent + SLICE)
        publish_slice(self, server, self.sent + 1, last)
        self.sent, self.messages = last, self.messages + 1
    end
end

--- A parameter by its name, or nil.
function About:parameter(name)
    for _, p in ipairs(self.parameters) do
        if p.name == name then return p end
    end
end

--- A readback of the positions, for the server.
function About:readback()
    return self.sim.manager:readback { self.positions, slots = 3, busy = "newest" }
end

return about
