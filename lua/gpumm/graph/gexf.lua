-- SPDX-License-Identifier: MIT
-- Graphs in GEXF, Gephi's format: labels, weights, attributes, positions, sizes and colors.

local cells = require "gpumm.graph.cells"
local elements = require "gpumm.graph.elements"

local open, close = {}, {}

-- An edge that has no weight of its own may have one among its attributes.
local function is_weight(class, key) return class == "edge" and key.name:lower() == "weight" end

-- Values of that attribute are put where open.attvalue would put them.
local function register(self, class, id, key)
    if id == "" or self.keys[class][id] then self.usual = false end -- attributes that change are read as they come
    self.keys[class][id] = key
    local columns = class == "node" and self.node_columns or self.edge_columns
    if is_weight(class, key) then self.records:key(class, "attvalue", id, "value")
    else self.records:key(class, "attvalue", id, "column", elements.type(key.kind), cells.column(columns, key.name)) end
end

function open:graph()
    if self.seen then self:fail "the file holds several graphs; one is read" end
    self.seen, self.directed = true, self:get "defaultedgetype" == "directed"
end

function open:attributes() self.class = self:get "class" == "edge" and "edge" or "node" end

function open:attribute()
    local id = self:get "id" or self:get "title" or ""
    self.key = { name = self:get "title" or id, kind = self:get "type" }
    self:register(self.class or "node", id, self.key)
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
    local from, to, weight = self:need("edge", "source"), self:need("edge", "target"), self:get "weight"
    local label, id = self:get "label", self:get "id"
    local e = self.builder:edges() + #self.ends + 1
    self.items[#self.items + 1] = { kind = "edge", index = e, columns = self.edge_columns, from = from, to = to,
        weight = weight and weight ~= "" and self:weight(weight) or nil, line = self.xml:line() }
    if label and label ~= "" then cells.put(self.edge_columns, "label", e, label) end
    if id then cells.put(self.edge_columns, "id", e, id) end
end

function close:node() table.remove(self.items) end

function close:edge()
    local edge = table.remove(self.items)
    local weight = edge.weight or edge.other and self:weight(edge.other)
    if #self.ends == 0 and self.builder:find(edge.from) and self.builder:find(edge.to) then
        self.builder:edge(edge.from, edge.to, weight)
    else -- it waits for its nodes, and all behind it, for edges keep their order
        self.ends[#self.ends + 1] = { edge.from, edge.to, weight, edge.line }
        self.records:stop "edge"
    end
end

function open:attvalue()
    local item, id, value = self.items[#self.items], self:get "for" or self:get "id", self:get "value"
    if not item or not id or not value then return end
    local key = self.keys[item.kind][id]
    if not key then
        key = { name = id }
        self:register(item.kind, id, key)
    end
    if is_weight(item.kind, key) then item.other = value
    else cells.put(item.columns, key.name, item.index, elements.value(key.kind, value)) end
end

function open:position()
    local item = self.items[#self.items]
    if not item or item.kind ~= "node" then return end
    for _, axis in ipairs { "x", "y", "z" } do
        local value = tonumber(self:get(axis))
        if value then cells.put(item.columns, axis, item.index, value + 0.0) end
    end
end

function open:size()
    local item, value = self.items[#self.items], tonumber(self:get "value")
    if item and item.kind == "node" and value then cells.put(item.columns, "size", item.index, value + 0.0) end
end

function open:color()
    local item = self.items[#self.items]
    local r, g, b = tonumber(self:get "r"), tonumber(self:get "g"), tonumber(self:get "b")
    if not (item and item.kind == "node" and r and g and b) then return end
    local function byte(c) return math.floor(math.max(0, math.min(255, c))) end
    cells.put(item.columns, "color", item.index, ("#%02x%02x%02x"):format(byte(r), byte(g), byte(b)))
end

-- A key's default is what nodes or edges have that say nothing.
local function add_defaults(self, kind, columns, count)
    for _, key in pairs(self.keys[kind]) do
        if key.default and not is_weight(kind, key) then
            cells.column(columns, key.name):default(count, elements.value(key.kind, key.default))
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

local PLACES = { { "position", "x" }, { "position", "y" }, { "position", "z" }, { "size", "value", "size" } }

-- What records have without being told.
local function usual(reader)
    reader:start "k"
    local records, nodes, edges = reader.records, reader.node_columns, reader.edge_columns
    records:key("node", "", "id", "id")
    records:key("node", "", "label", "label")
    records:key("edge", "", "source", "from")
    records:key("edge", "", "target", "to")
    records:key("edge", "", "weight", "weight")
    records:key("edge", "", "label", "label", "text", cells.column(edges, "label"))
    records:key("edge", "", "id", "column", "text", cells.column(edges, "id"))
    for _, kind in ipairs { "node", "edge" } do
        records:key(kind, "attvalues", "", "passed")
        records:key(kind, "attvalue", "", "keyed")
        records:key(kind, "shape", "", "passed")
    end
    for _, child in ipairs { "thickness", "color" } do records:key("edge", child, "", "passed") end
    for _, place in ipairs(PLACES) do
        local column = cells.column(nodes, place[3] or place[2])
        if place[2] ~= "y" and place[2] ~= "z" then records:key("node", place[1], "", "parts") end
        records:key("node", place[1], place[2], "column", "number", column)
    end
    records:key("node", "color", "", "color")
    records:key("node", "color", "color", "column", "text", cells.column(nodes, "color"))
end

local function read(input)
    local reader = elements.new(input, open, close)
    reader.items, reader.ends, reader.keys, reader.register = {}, {}, { node = {}, edge = {} }, register
    usual(reader)
    reader:run "gexf"
    local nodes = reader.builder:count()
    add_defaults(reader, "node", reader.node_columns, nodes)
    add_defaults(reader, "edge", reader.edge_columns, reader.builder:edges() + #reader.ends)
    join(reader, nodes)
    return reader:built()
end

return { read = read }
