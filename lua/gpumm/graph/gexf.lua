-- SPDX-License-Identifier: MIT
-- Graphs in GEXF, Gephi's format: labels, weights, attributes, positions, sizes and colors.

local elements = require "gpumm.graph.elements"

local open, close = {}, {}

function open:graph()
    if self.seen then self:fail "the file holds several graphs; one is read" end
    self.seen, self.directed = true, self:get "defaultedgetype" == "directed"
end

function open:attributes() self.class = self:get "class" == "edge" and "edge" or "node" end

function open:attribute()
    local id = self:get "id" or self:get "title" or ""
    self.key = { name = self:get "title" or id, kind = self:get "type" }
    self.keys[self.class or "node"][id] = self.key
end

function close:attribute() self.key = nil end

function open:default()
    if self.key then self.key.default = self:text() end
end

function open:node()
    local i = self.builder:node(self:need("node", "id"))
    local label = self:get "label"
    if label and label ~= "" then self.labels:put(i, label) end
    self.items[#self.items + 1] = { kind = "node", index = i, columns = self.node_columns }
end

function open:edge()
    self.edges = self.edges + 1
    local from, to, weight = self:need("edge", "source"), self:need("edge", "target"), self:get "weight"
    local label, id = self:get "label", self:get "id"
    self.items[#self.items + 1] = { kind = "edge", index = self.edges, columns = self.edge_columns }
    self.ends[self.edges] = { from, to, weight and weight ~= "" and self:weight(weight) or nil, self.xml:line() }
    if label and label ~= "" then elements.put(self.edge_columns, "label", self.edges, label) end
    if id then elements.put(self.edge_columns, "id", self.edges, id) end
end

function close:node() table.remove(self.items) end
function close:edge() table.remove(self.items) end

function open:attvalue()
    local item, id, value = self.items[#self.items], self:get "for" or self:get "id", self:get "value"
    if not item or not id or not value then return end
    local key = self.keys[item.kind][id] or { name = id }
    elements.put(item.columns, key.name, item.index, elements.value(key.kind, value))
end

function open:position()
    local item = self.items[#self.items]
    if not item or item.kind ~= "node" then return end
    for _, axis in ipairs { "x", "y", "z" } do
        local value = tonumber(self:get(axis))
        if value then elements.put(item.columns, axis, item.index, value + 0.0) end
    end
end

function open:size()
    local item, value = self.items[#self.items], tonumber(self:get "value")
    if item and item.kind == "node" and value then elements.put(item.columns, "size", item.index, value + 0.0) end
end

function open:color()
    local item = self.items[#self.items]
    local r, g, b = tonumber(self:get "r"), tonumber(self:get "g"), tonumber(self:get "b")
    if not (item and item.kind == "node" and r and g and b) then return end
    local function byte(c) return math.floor(math.max(0, math.min(255, c))) end
    elements.put(item.columns, "color", item.index, ("#%02x%02x%02x"):format(byte(r), byte(g), byte(b)))
end

-- A key's default is what nodes or edges have that say nothing.
local function add_defaults(self, kind, columns, count)
    for _, key in pairs(self.keys[kind]) do
        if key.default then
            elements.column(columns, key.name):default(count, elements.value(key.kind, key.default))
        end
    end
end

local function join(self, nodes)
    for _, ends in ipairs(self.ends) do
        for k = 1, 2 do
            local known = self.builder:find(ends[k])
            if not known or known > nodes then
                require "gpumm.columns.text".fail(self.input.path, ends[4], "there is no node %q", ends[k])
            end
        end
        self.builder:edge(ends[1], ends[2], ends[3])
    end
end

local function read(input)
    local reader = elements.new(input, open, close)
    reader.items, reader.ends, reader.keys = {}, {}, { node = {}, edge = {} }
    reader:run "gexf"
    local nodes = reader.builder:count()
    add_defaults(reader, "node", reader.node_columns, nodes)
    add_defaults(reader, "edge", reader.edge_columns, reader.edges)
    join(reader, nodes)
    return reader:built()
end

return { read = read }
