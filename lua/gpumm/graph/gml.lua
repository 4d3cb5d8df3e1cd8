-- SPDX-License-Identifier: MIT
-- GML: keys with numbers, strings and lists in brackets. Nodes in their order, names are their labels where all have
-- one of their own, else their ids.

local elements = require "gpumm.graph.elements"
local native = require "gpumm.layout.native"
local text = require "gpumm.columns.text"

local find, sub = string.find, string.sub

local ENTITIES = { quot = '"', amp = "&", lt = "<", gt = ">", apos = "'" }

local function resolved(value)
    if not find(value, "&", 1, true) then return value end
    value = value:gsub("&#(%d+);", function(c)
        c = tonumber(c)
        return c and c > 0 and c < 0x110000 and utf8.char(c) or nil
    end)
    return (value:gsub("&(%a+);", ENTITIES))
end

local Reader = {}
Reader.__index = Reader

function Reader:fail(message, ...)
    local _, lines = self.whole:sub(1, self.at - 1):gsub("\n", "")
    text.fail(self.path, lines + 1, "GML: " .. message, ...)
end

-- Past blanks and comments.
function Reader:skip()
    local whole, at = self.whole, self.at
    while true do
        at = find(whole, "%S", at) or #whole + 1
        if sub(whole, at, at) ~= "#" then break end
        at = find(whole, "[\r\n]", at) or #whole + 1
    end
    self.at = at
end

-- The next key and its value; a list's value is "[". "]" ends a list; nil the file.
function Reader:pair()
    self:skip()
    local whole, at = self.whole, self.at
    local first = sub(whole, at, at)
    if first == "" then return nil end
    if first == "]" then
        self.at = at + 1
        return "]"
    end
    local _, stop, key = find(whole, "^([%a_][%w_.]*)", at)
    if not key then self:fail("expected a key, found %q", sub(whole, at, at + 20)) end
    self.at = stop + 1
    self:skip()
    at = self.at
    first = sub(whole, at, at)
    if first == "[" then
        self.at = at + 1
        return key, "["
    elseif first == '"' then
        local last = find(whole, '"', at + 1, true)
        if not last then self:fail "a string is not closed" end
        self.at = last + 1
        return key, resolved(sub(whole, at + 1, last - 1))
    end
    local _, word_stop, word = find(whole, "^([^%s%]%[]+)", at)
    local value = word and tonumber(word)
    if not word then self:fail("%s has no value", key) end
    self.at = word_stop + 1
    return key, value or word
end

-- The pairs of a list that hold one value; lists within are passed over, but for `inner`.
function Reader:list(inner)
    local all, depth = {}, 0
    while true do
        local key, value = self:pair()
        if key == nil then self:fail "the file ends within a list" end
        if key == "]" then
            if depth == 0 then return all end
            depth = depth - 1
        elseif value == "[" then
            if inner and key == inner and depth == 0 then all[key] = self:list() else depth = depth + 1 end
        elseif depth == 0 then all[key] = value end
    end
end

local function id_text(value)
    return math.type(value) == "float" and value == value // 1 and ("%d"):format(value) or tostring(value)
end

local KNOWN_NODE = { id = true, label = true, graphics = true }
local KNOWN_EDGE = { source = true, target = true, graphics = true }

-- The usual node: a number and a label.
function Reader:plain_node()
    local _, stop, id, label = find(self.whole, '^%s*id%s+(%-?%d+)%s+label%s+"([^"]*)"%s*%]', self.at)
    if not stop then return nil end
    self.at = stop + 1
    return { id = id, label = resolved(label) }
end

function Reader:node()
    local all = self:plain_node() or self:list "graphics"
    if all.id == nil then self:fail "a node has no id" end
    local i = self.builder:node(id_text(all.id))
    if i ~= #self.nodes + 1 then self:fail("the node %s is there twice", id_text(all.id)) end
    self.nodes[i] = all
    if all.label ~= nil then self.labels:put(i, all.label) end
    for key, value in pairs(all) do
        if not KNOWN_NODE[key] then
            elements.put(self.node_columns, key, i, value)
        end
    end
    local at = all.graphics
    if at and tonumber(at.x) and tonumber(at.y) then
        elements.put(self.node_columns, "x", i, tonumber(at.x))
        elements.put(self.node_columns, "y", i, tonumber(at.y))
    end
end

-- The usual edge: two numbers, perhaps a weight. True: that was one.
function Reader:plain_edge()
    local whole, at = self.whole, self.at
    local _, stop, from, to = find(whole, "^%s*source%s+(%-?%d+)%s+target%s+(%-?%d+)%s*%]", at)
    local weight
    if not stop then
        local key
        _, stop, from, to, key, weight = find(whole,
            "^%s*source%s+(%-?%d+)%s+target%s+(%-?%d+)%s+(%a+)%s+(%-?%d+%.?%d*)%s*%]", at)
        if key ~= "weight" then return false end
    end
    local e = #self.edges + 1
    self.edges[e], self.places[e], self.targets[e], self.weights[e] = from, at, to, tonumber(weight)
    self.at = stop + 1
    return true
end

function Reader:edge()
    if self:plain_edge() then return end
    local all = self:list()
    if all.source == nil or all.target == nil then self:fail "an edge has no source or no target" end
    local e = #self.edges + 1
    self.edges[e], self.places[e] = all, self.at
end

function Reader:ends(e, from, to)
    self.at = self.places[e]
    local i, j = self.builder:find(from), self.builder:find(to)
    if not (i and j) then self:fail("there is no node %s", i and to or from) end
    return i, j
end

-- An edge with more than the usual.
function Reader:join_list(e, all)
    local from, to = self:ends(e, id_text(all.source), id_text(all.target))
    local weight = all.weight == nil and all.value or all.weight
    if weight ~= nil and (type(weight) ~= "number" or weight - weight ~= 0) then
        if all.weight ~= nil then self:fail("the weight %q is not a number", tostring(weight)) end
        weight = nil
    end
    self.builder:edge(from, to, weight)
    for key, value in pairs(all) do
        if not KNOWN_EDGE[key] and key ~= "weight" then
            elements.put(self.edge_columns, key, e, value)
        end
    end
end

function Reader:join()
    for e, edge in ipairs(self.edges) do
        if type(edge) == "table" then self:join_list(e, edge)
        else
            local from, to = self:ends(e, edge, self.targets[e])
            self.builder:edge(from, to, self.weights[e])
        end
    end
end

function Reader:graph()
    while true do
        local key, value = self:pair()
        if key == nil then self:fail "the file ends within its graph" end
        if key == "]" then return end
        if value == "[" then
            if key == "node" then self:node() elseif key == "edge" then self:edge() else self:list() end
        elseif key == "directed" then self.directed = value == 1 end
    end
end

local function read(input)
    local reader = setmetatable({ path = input.path, whole = input.source:sub(1), at = 1, builder = native.builder(), nodes = {},
        edges = {}, places = {}, targets = {}, weights = {}, labels = native.cells(),
        node_columns = {}, edge_columns = {} }, Reader)
    local found = false
    while true do
        local key, value = reader:pair()
        if key == nil then break end
        if key == "]" then reader:fail "a bracket closes what was not open" end
        if value == "[" and key == "graph" then
            if found then reader:fail "the file holds several graphs; one is read" end
            found = true
            reader:graph()
        elseif value == "[" then reader:list() end
    end
    if not found then reader:fail "there is no graph" end
    reader:join()
    input.labels, input.node_columns, input.edge_columns = reader.labels, reader.node_columns, reader.edge_columns
    input.directed = reader.directed
    return input:built(reader.builder)
end

-- Comments and single values may come before the graph.
local function is_gml(head)
    local at = 1
    for _ = 1, 100 do
        at = find(head, "%S", at)
        if not at then return false end
        if find(head, "^graph%s*%[", at) then return true end
        local _, stop = find(head, "^#[^\r\n]*", at)
        if not stop then _, stop = find(head, '^[%a_][%w_]*%s+"[^"]*"', at) end
        if not stop then _, stop = find(head, "^[%a_][%w_]*[ \t]+[-+.%d]+[^%S\r\n]*[\r\n]", at) end
        if not stop then return false end
        at = stop + 1
    end
    return false
end

return { is = is_gml, read = read }
