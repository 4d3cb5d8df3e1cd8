-- SPDX-License-Identifier: MIT
-- GML: keys with numbers, strings and lists in brackets. Nodes in their order, names are their labels where all have
-- one of their own, else their ids.

local cells = require "gpumm.graph.cells"
local kinds = require "gpumm.columns.kinds"
local native = require "gpumm.layout.native"
local text = require "gpumm.columns.text"

local find, sub = string.find, string.sub

local ENTITIES = { quot = '"', amp = "&", lt = "<", gt = ">", apos = "'" }

-- What an entity stands for; those that are not known stay as they are.
local function entity(word)
    if #word > 10 then return nil end
    local digits = word:match "^#(%d+)$"
    local code = digits and tonumber(digits) or word:find "^#x%x+$" and tonumber("0" .. word:sub(2))
    if not code then return ENTITIES[word] end
    local half = code >= 0xd800 and code < 0xe000
    return code > 0 and code < 0x110000 and not half and utf8.char(code) or nil
end

local function resolved(value)
    if not find(value, "&", 1, true) then return value end
    return (value:gsub("&(#?%w+);", entity))
end

local NODES = { id = true, source = true, target = true } -- keys that say which node

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
    if NODES[key] and find(word, "^[-+]?%d+$") and math.type(value) ~= "integer" then value = word end -- 64 bits are too few
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
    return tostring(math.type(value) == "float" and math.tointeger(value) or value)
end

local KNOWN_NODE = { id = true, label = true, graphics = true }
local KNOWN_EDGE = { source = true, target = true, graphics = true }

-- A key's value, which records have from then on too.
function Reader:put(kind, key, i, value)
    local columns = kind == "node" and self.node_columns or self.edge_columns
    if not self.registered[kind][key] then
        self.registered[kind][key] = true
        local role = kind == "edge" and key == "value" and "value" or "column"
        if kind == "node" and key == "name" then role = "name" end
        self.records:key(kind, "", key, role, "any", cells.column(columns, key))
    end
    cells.put(columns, key, i, value)
end

function Reader:node()
    local all = self:list "graphics"
    if all.id == nil then self:fail "a node has no id" end
    local before = self.builder:count()
    local i = self.builder:node(id_text(all.id))
    if i ~= before + 1 then self:fail("the node %s is there twice", id_text(all.id)) end
    local label = all.label
    if label == nil or label == "" then label = all.name end
    if label ~= nil and label ~= "" then self.labels:put(i, label) end
    for key, value in pairs(all) do
        if not KNOWN_NODE[key] then self:put("node", key, i, value) end
    end
    local at = all.graphics
    if type(at) == "table" and tonumber(at.x) and tonumber(at.y) then
        cells.put(self.node_columns, "x", i, tonumber(at.x))
        cells.put(self.node_columns, "y", i, tonumber(at.y))
    end
end

-- An edge between nodes that are known; others wait for the end, and those behind them too, for edges keep their order.
function Reader:edge()
    local start, all = self.at, self:list()
    if all.source == nil or all.target == nil then self:fail "an edge has no source or no target" end
    local edge, stop = { all = all, from = id_text(all.source), to = id_text(all.target), at = start }, self.at
    if #self.waiting == 0 and self.builder:find(edge.from) and self.builder:find(edge.to) then
        self:join(edge)
        self.at = stop
    else
        self.records:stop "edge"
        self.waiting[#self.waiting + 1] = edge
    end
end

function Reader:join(edge)
    self.at = edge.at
    local from, to, all = self.builder:find(edge.from), self.builder:find(edge.to), edge.all
    if not (from and to) then self:fail("there is no node %s", from and edge.to or edge.from) end
    local weight = all.weight == nil and all.value or all.weight
    if all.weight ~= nil then weight = tonumber(weight) or weight end
    if weight ~= nil and (type(weight) ~= "number" or weight - weight ~= 0) then
        if all.weight ~= nil then self:fail("the weight %q is not %s", tostring(weight), kinds.not_weight(weight)) end
        weight = nil
    end
    self.builder:edge(from, to, weight)
    local e = self.builder:edges()
    for key, value in pairs(all) do
        if not KNOWN_EDGE[key] and key ~= "weight" then self:put("edge", key, e, value) end
    end
end

function Reader:graph()
    while true do
        self.at = native.records_gml(self.records, self.source, self.at)
        local key, value = self:pair()
        if key == nil then self:fail "the file ends within its graph" end
        if key == "]" then return end
        if value == "[" then
            if key == "node" then self:node() elseif key == "edge" then self:edge() else self:list() end
        elseif key == "directed" then self.directed = value == 1 end
    end
end

local function new(input)
    local reader = setmetatable({ path = input.path, source = input.source, whole = input.source:sub(1), at = 1,
        builder = native.builder(), labels = native.cells(), node_columns = {}, edge_columns = {}, waiting = {},
        registered = { node = {}, edge = {} } }, Reader)
    local records = native.records(reader.builder, reader.labels, "ks")
    records:key("node", "", "id", "id")
    records:key("node", "", "label", "label", "any")
    records:key("node", "graphics", "", "parts")
    for _, axis in ipairs { "x", "y" } do
        records:key("node", "graphics", axis, "column", "any", cells.column(reader.node_columns, axis))
    end
    records:key("edge", "", "source", "from")
    records:key("edge", "", "target", "to")
    records:key("edge", "", "weight", "weight")
    reader.records = records
    return reader
end

local function read(input)
    local reader = new(input)
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
    for _, edge in ipairs(reader.waiting) do reader:join(edge) end
    input.labels = reader.labels
    input.node_columns, input.edge_columns = cells.filled(reader.node_columns), cells.filled(reader.edge_columns)
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
