-- SPDX-License-Identifier: MIT
-- Graphs in GraphML, read by lua-expat where that is installed. Of the data, edges' `weight` and nodes' `label` are
-- kept; nodes of nested graphs are nodes like others.

local input_of = require "gpumm.graph.input"

local KEPT = { node = "label", edge = "weight" } -- attributes, by what has them

-- What is open: a stack of elements, and of the innermost node or edge what was read of it.
local Reader = {}
Reader.__index = Reader

function Reader:fail(message, ...)
    input_of.fail(self.input.path, (self.parser:pos()), message, ...)
end

function Reader:need(attributes, name)
    return attributes[name] or self:fail("%s has no %s", self.stack[#self.stack], name)
end

-- The number of a weight's text.
function Reader:weight(text)
    local weight = tonumber(text)
    if not weight or weight - weight ~= 0 then self:fail("the weight %q is not a number", text) end
    self.input.weighted = true
    return weight
end

local open, close = {}, {}

function open:graphml() self.root = true end

function open:graph(_, depth)
    if depth > 2 then return end
    if self.seen then self:fail("the file holds several graphs; one is read") end
    self.seen = true
end

function open:key(attributes)
    local kept = { id = attributes.id, of = attributes["for"], name = attributes["attr.name"] }
    if KEPT[kept.of] == kept.name or kept.of == "all" then self.key = kept end
end

function close:key()
    local key = self.key
    if not key then return end
    for kind, name in pairs(KEPT) do
        if key.name == name and (key.of == kind or key.of == "all") then
            self.ids[kind], self.default[kind] = key.id, key.default
        end
    end
    self.key = nil
end

function open:default() self.text = {} end

function close:default()
    if self.key then self.key.default = table.concat(self.text) end
    self.text = nil
end

function open:node(attributes)
    self.items[#self.items + 1] = { kind = "node", index = self.add_node(self:need(attributes, "id")),
        value = self.default.node }
end

function close:node()
    local node = table.remove(self.items)
    if node.value and node.value ~= "" then self.input.labels[node.index] = node.value end
end

function open:edge(attributes)
    self.items[#self.items + 1] = { kind = "edge", from = self:need(attributes, "source"),
        to = self:need(attributes, "target"), value = self.default.edge }
end

function close:edge()
    local edge = table.remove(self.items)
    self.add(edge.from, edge.to, edge.value and self:weight(edge.value) or 1)
end

function open:data(attributes)
    local item = self.items[#self.items]
    if item and attributes.key and attributes.key == self.ids[item.kind] then self.text = {} end
end

function close:data()
    if self.text then self.items[#self.items].value = table.concat(self.text):match("^%s*(.-)%s*$") end
    self.text = nil
end

function open:hyperedge() self:fail("a hyperedge joins more than two nodes; edges are read") end

local function local_name(name) return name:match("[^\1]*$") end

local function callbacks(reader)
    return {
        StartElement = function(parser, name, attributes)
            reader.parser, name = parser, local_name(name)
            local stack = reader.stack
            stack[#stack + 1] = name
            if #stack == 1 and name ~= "graphml" then reader:fail("the root is %q, not graphml", name) end
            if open[name] then open[name](reader, attributes, #stack) end
        end,
        EndElement = function(_, name)
            name = local_name(name)
            if close[name] then close[name](reader) end
            table.remove(reader.stack)
        end,
        CharacterData = function(_, text)
            if reader.text then table.insert(reader.text, text) end
        end,
    }
end

local function expat(path)
    input_of.refuse_contained(path, "GraphML is read by a library beside gpumm")
    local found, lxp = pcall(require, "lxp")
    if not found then
        error(path .. ": GraphML is read by lua-expat, which is not here (Debian package lua-expat)", 0)
    end
    return lxp
end

--- Reads the text of a whole file.
return function(input, text)
    local lxp = expat(input.path)
    local reader = setmetatable({ input = input, stack = {}, items = {}, ids = {}, default = {} }, Reader)
    reader.add, reader.add_node = input_of.edge_adder(input)
    local parser = lxp.new(callbacks(reader), "\1")
    reader.parser = parser
    local whole, message, line = parser:parse(text)
    if whole then whole, message, line = parser:parse() end
    if not whole then input_of.fail(input.path, line, "the XML is broken: %s", message) end
end
