-- SPDX-License-Identifier: MIT
-- What readers of XML share: elements by name, mistakes by their line, values by their type.

local cells = require "gpumm.graph.cells"
local kinds = require "gpumm.columns.kinds"
local native = require "gpumm.layout.native"
local text = require "gpumm.columns.text"

local elements = {}
elements.__index = elements

local find = string.find

--- A reader: open and close are tables of functions by the element's name, which get the reader.
function elements.new(input, open, close)
    return setmetatable({ input = input, xml = native.xml(input.source), open = open, close = close, depth = 0,
        builder = native.builder(), labels = native.cells(), node_columns = {}, edge_columns = {} }, elements)
end

--- From now on the usual nodes and edges are read without Lua; `how` as native.records has it. What is registered with
--- self.records is usual.
function elements:start(how)
    self.records, self.usual = native.records(self.builder, self.labels, how), true
end

local TYPES = { int = "whole", integer = "whole", long = "whole", short = "whole", byte = "whole", float = "number",
    double = "number", decimal = "number" }

--- The type of cells that a type of GraphML or GEXF is.
function elements.type(kind) return TYPES[kind] or "text" end

function elements:fail(message, ...) text.fail(self.input.path, self.xml:line(), message, ...) end

--- An attribute of the element that was opened last; nil: it has none.
function elements:get(name)
    local value = self.xml:get(name)
    if value == false then self:fail "the XML is broken: undefined entity" end
    return value
end

--- An attribute that must be there.
function elements:need(element, name)
    return self:get(name) or self:fail("%s has no %s", element, name)
end

--- The text of the element that was opened last, up to the next one.
function elements:text()
    local value = self.xml:text()
    if value == false then self:fail "the XML is broken: undefined entity" end
    return value
end

--- Everything, element by element; the root's name must be `root`.
function elements:run(root)
    local xml, open, close, records = self.xml, self.open, self.close, self.records
    while true do
        if self.usual then native.records_xml(records, xml) end
        local kind, name = xml:next()
        if kind == "open" then
            self.depth = self.depth + 1
            if self.depth == 1 and name ~= root then self:fail("the root is %q, not %s", name, root) end
            if open[name] then open[name](self) end
        elseif kind == "close" then
            self.depth = self.depth - 1
            if close[name] then close[name](self) end
        elseif kind == "error" then self:fail("the XML is broken: " .. name) -- what is wrong is said in full
        else return end
    end
end

--- The text as a value of a type that GraphML and GEXF know; text that is none stays text.
function elements.value(kind, value)
    if TYPES[kind] == "whole" then return math.tointeger(tonumber(value)) or value end
    if TYPES[kind] == "number" then
        local number = tonumber(value)
        return number and number + 0.0 or value
    end
    return value
end

--- A weight's number, of a text or a number.
function elements:weight(value)
    local weight = find(value, "^%s*[-+]?%.?%d") and tonumber(value)
    if not weight or weight - weight ~= 0 then
        self:fail("the weight %q is not %s", tostring(value), kinds.not_weight(value))
    end
    return weight
end

--- The graph that was read; `order` as built has it.
function elements:built(order)
    local input = self.input
    input.labels = self.labels
    input.node_columns, input.edge_columns = cells.filled(self.node_columns), cells.filled(self.edge_columns)
    input.directed = self.directed
    return input:built(self.builder, order)
end

return elements
