-- SPDX-License-Identifier: MIT
-- Graphs in GraphML, as yEd, igraph, networkx, Gephi and Cytoscape write it. Nodes of nested graphs are nodes like
-- others.

local cells = require "gpumm.graph.cells"
local elements = require "gpumm.graph.elements"
local text = require "gpumm.columns.text"

local open, close = {}, {}

-- Which attribute of a node is its label: the first of these that it has.
local LABELS = { "label", "NodeLabel", "name" }

local LEFT = { node = "EdgeLabel", edge = "NodeLabel" }
local SPELLED = { Weight = "weight", Label = "label" }

-- Data of that key are put where the functions below would put them.
local function register(self, id, key)
    if id == "" or self.keys[id] then self.usual = false end -- keys that change are read as they come
    self.keys[id] = key
    local name, kind = key.name, elements.type(key.kind)
    if name == "label" then self.records:key("node", "data", id, "label", kind)
    elseif name ~= "NodeLabel" then
        local role = name == "name" and "name" or "column"
        self.records:key("node", "data", id, role, kind, cells.column(self.node_columns, name))
    end
    if name == "weight" then self.records:key("edge", "data", id, "weight")
    elseif name ~= "EdgeLabel" then
        self.records:key("edge", "data", id, "column", kind, cells.column(self.edge_columns, name))
    end
end

function open:graph()
    if self.depth > 2 then return end
    if self.seen then self:fail "the file holds several graphs; one is read" end
    self.seen, self.directed = true, self:get "edgedefault" == "directed"
end

function open:key()
    local id = self:get "id" or self:get "attr.name" or ""
    local name = self:get "attr.name" or id
    name = SPELLED[name] or name
    self.key = { name = name, kind = self:get "attr.type", of = self:get "for" or "all" }
    self:register(id, self.key)
end

function close:key() self.key = nil end

function open:default()
    if self.key then
        self.key.default = text.trim(self:text())
        if self.key.default ~= "" then self:otherwise(self.key) end
    end
end

-- A key's default: for labels, which are found in several places, and for weights that are none, it is looked for at every
-- node and edge; others are put at the end where there is a gap.
local function otherwise(self, key)
    local edges, special = key.of ~= "node", false
    for _, name in ipairs(LABELS) do special = special or key.of ~= "edge" and key.name == name end
    if edges and key.name == "weight" then
        local weight = tonumber(key.default)
        if weight and weight - weight == 0 then
            self.weight_otherwise = weight
            self.records:otherwise(weight)
        else special = true end
    end
    if special then self.defaults, self.usual = true, false else self.gaps[#self.gaps + 1] = key end
end

local function fill_gaps(self)
    for _, key in ipairs(self.gaps) do
        local value = elements.value(key.kind, key.default)
        if key.of ~= "edge" then cells.column(self.node_columns, key.name):default(self.builder:count(), value) end
        if key.of ~= "node" and key.name ~= "weight" then
            cells.column(self.edge_columns, key.name):default(self.builder:edges(), value)
        end
    end
end

function open:node()
    local i = self.builder:node(self:need("node", "id"))
    self.items[#self.items + 1] = { kind = "node", index = i, parts = {} }
end

function open:edge()
    local from, to = self:need("edge", "source"), self:need("edge", "target")
    self.items[#self.items + 1] = { kind = "edge", from = from, to = to, parts = {} }
end

function open:data()
    local item, id = self.items[#self.items], self:get "key"
    if not item or not id then return end
    local key = self.keys[id]
    if not key then
        key = { name = id, of = "all" }
        self:register(id, key)
    end
    local value = self:text()
    if value ~= "" then
        value = text.trim(value)
        local is_weight = item.kind == "edge" and key.name == "weight"
        if value ~= "" then item.parts[key.name] = is_weight and value or elements.value(key.kind, value) end
    end
end

-- yEd's labels lie deep within a node's data.
local function graphic(name)
    return function(self)
        local item = self.items[#self.items]
        local value = item and text.trim(self:text())
        if value and value ~= "" and not item.parts[name] then item.parts[name] = value end
    end
end

open.NodeLabel, open.EdgeLabel = graphic "NodeLabel", graphic "EdgeLabel"

function open:Geometry()
    local item = self.items[#self.items]
    local x, y = tonumber(self:get "x"), tonumber(self:get "y")
    if item and item.kind == "node" and x and y then item.parts.x, item.parts.y = x + 0.0, y + 0.0 end
end

function open:hyperedge() self:fail "a hyperedge joins more than two nodes; edges are read" end

local function add_defaults(self, item)
    for _, key in pairs(self.keys) do
        if key.default and key.default ~= "" and (key.of == item.kind or key.of == "all") and item.parts[key.name] == nil then
            item.parts[key.name] = elements.value(key.kind, key.default)
        end
    end
end

function close:node()
    local item = table.remove(self.items)
    if self.defaults then add_defaults(self, item) end
    for _, name in ipairs(LABELS) do
        local label = item.parts[name]
        if label ~= nil then
            self.labels:put(item.index, label)
            break
        end
    end
    for name, value in pairs(item.parts) do
        if name ~= "label" and name ~= "NodeLabel" then cells.put(self.node_columns, name, item.index, value) end
    end
end

function close:edge()
    local item = table.remove(self.items)
    if self.defaults then add_defaults(self, item) end
    local weight = item.parts.weight or self.weight_otherwise
    self.builder:edge(item.from, item.to, weight and self:weight(weight))
    local e = self.builder:edges()
    for name, value in pairs(item.parts) do
        local column = name == "EdgeLabel" and "label" or name
        if column ~= "weight" then cells.put(self.edge_columns, column, e, value) end
    end
end

-- What records have without being told. Elements that are not named here or above say nothing.
local function usual(reader)
    reader:start "l"
    local records, nodes, edges = reader.records, reader.node_columns, reader.edge_columns
    records:key("node", "", "id", "id")
    records:key("node", "data", "", "text")
    records:key("node", "NodeLabel", "", "inner")
    records:key("node", "Geometry", "", "pair")
    records:key("node", "Geometry", "x", "column", "number", cells.column(nodes, "x"))
    records:key("node", "Geometry", "y", "column", "number", cells.column(nodes, "y"))
    records:key("edge", "", "source", "from")
    records:key("edge", "", "target", "to")
    records:key("edge", "data", "", "text")
    records:key("edge", "EdgeLabel", "", "inner", "text", cells.column(edges, "label"))
    for _, kind in ipairs { "node", "edge" } do
        for _, child in ipairs { "graph", "key", "default", "node", "edge", "hyperedge", LEFT[kind] } do
            records:key(kind, child, "", "left")
        end
    end
end

local function read(input)
    local reader = elements.new(input, open, close)
    reader.items, reader.keys, reader.register = {}, {}, register
    reader.gaps, reader.otherwise = {}, otherwise
    usual(reader)
    reader:run "graphml"
    fill_gaps(reader)
    return reader:built "listed"
end

return { read = read }
