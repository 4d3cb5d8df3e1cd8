-- SPDX-License-Identifier: MIT
-- Pajek's .net: *Vertices counted, *Arcs and *Edges with weights, *Arcslist, *Edgeslist, *Matrix. Vertex i is node i.

local cells = require "gpumm.graph.cells"
local counted = require "gpumm.graph.counted"
local kinds = require "gpumm.columns.kinds"
local native = require "gpumm.layout.native"
local text = require "gpumm.columns.text"

local Reader = {}
Reader.__index = Reader

function Reader:fail(message, ...) text.fail(self.path, self.line, "Pajek: " .. message, ...) end

-- Words of a line; those in quotes are one.
local function words_of(line)
    local words, at = {}, 1
    while true do
        at = line:find("%S", at)
        if not at then return words end
        local _, stop, word = line:find('^"([^"]*)"', at)
        if not word then _, stop, word = line:find("^(%S+)", at) end
        words[#words + 1], at = word, stop + 1
    end
end

function Reader:vertex(word)
    local i = math.tointeger(tonumber(word)) -- what a vertex is called is its number
    if not i or i < 1 or i > (self.nodes or 0) then
        self:fail("%q is not a vertex from 1 to %d", tostring(word), self.nodes or 0)
    end
    return i
end

function Reader:number(word)
    local weight = tonumber(word)
    if not weight or weight - weight ~= 0 then self:fail("the weight %q is not %s", word, kinds.not_weight(word)) end
    return weight
end

-- An edge and its weight; a word in the weight's place says how the edge is drawn.
function Reader:join(a, b, weight)
    local is_weight = weight ~= "" and (tonumber(weight) or weight:lower():find "^[-+]?[in][na][fn]")
    self.builder:edge(self:vertex(a), self:vertex(b), is_weight and self:number(weight) or nil)
end

local sections = {}

function sections:vertices(words)
    local i = self:vertex(words[1])
    if words[2] then self.labels:put(i, words[2]) end
    local x, y = tonumber(words[3]), tonumber(words[4])
    if x and y then
        self.x:put(i, x)
        self.y:put(i, y)
    end
end

function sections:arcs(words)
    if #words < 2 then self:fail "an edge joins two vertices" end
    self:join(words[1], words[2], words[3] or "")
end

sections.edges = sections.arcs

function sections:arcslist(words)
    local from = self:vertex(words[1])
    for k = 2, #words do self.builder:edge(from, self:vertex(words[k])) end
end

sections.edgeslist = sections.arcslist

function sections:matrix(words)
    self.row = (self.row or 0) + 1
    local i = self:vertex(self.row)
    for j, word in ipairs(words) do
        local weight = self:number(word)
        if weight ~= 0 then self.builder:edge(i, self:vertex(j), weight) end
    end
end

local PASSED = { network = true, partition = true, vector = true, permutation = true, cluster = true, title = true }

function Reader:head(line)
    local name, rest = line:match "^%*(%a+)%s*:?(.*)$"
    name = (name or ""):lower()
    if name == "vertices" then
        local count, first = rest:match "^%s*(%d+)%s*(%d*)"
        if self.nodes then self:fail "the file holds several networks; one is read" end
        if not count then self:fail "*Vertices needs how many there are" end
        self.nodes, self.first_kind = counted.nodes(self.input, self.line, count), tonumber(first)
        if self.first_kind and self.first_kind > self.nodes then
            self:fail("%s vertices of the first kind are more than all, which are %d", first, self.nodes)
        end
        self.builder:number(self.nodes)
    end
    self.section = sections[name]
    self.pairs = name == "arcs" or name == "edges"
    if not self.section and not PASSED[name] then self:fail("*%s is not known", name) end
    if self.section and not self.nodes then self:fail "*Vertices comes first" end
end

local function node_columns(reader)
    local columns = cells.filled { x = { cells = reader.x }, y = { cells = reader.y } }
    if reader.first_kind then cells.put_kinds(columns, reader.first_kind, reader.nodes) end
    return columns
end

local function read(input)
    local reader = setmetatable({ input = input, path = input.path, builder = native.builder(), line = 0,
        labels = native.cells(), x = native.cells(), y = native.cells() }, Reader)
    local whole = input.source:sub(1)
    for line in whole:gmatch(whole:find("\n", 1, true) and "([^\n]*)\n?" or "([^\r]*)\r?") do
        reader.line = reader.line + 1
        local first = line:match "^%s*(%S?)"
        local a, b, weight, rest = line:match "^%s*(%d+)%s+(%d+)%f[%s%z]%s*(%S*)()"
        if a and reader.pairs and not line:find("%S", rest) then reader:join(a, b, weight)
        elseif first == "*" then reader:head(text.trim(line))
        elseif first ~= "" and first ~= "%" then
            if reader.section then reader:section(words_of(line))
            elseif not reader.nodes then reader:fail("expected *Vertices, found %q", line:sub(1, 40)) end
        end
    end
    if not reader.nodes then reader:fail "there is no *Vertices" end
    input.labels, input.node_columns = reader.labels, node_columns(reader)
    return input:built(reader.builder)
end

local function is_pajek(head)
    for line in head:gmatch "[^\r\n]+" do
        local first = line:match "^%s*(%S)"
        if first == "*" then
            local name, rest = line:lower():match "^%s*%*%s*(%a+)(.*)"
            if not name or rest:find "^%s+data" then return false end
            return sections[name] ~= nil or PASSED[name] ~= nil or line:find "^%s*%*%a+%s*$" ~= nil
        end
        if first and first ~= "%" then return false end
    end
end

return { is = is_pajek, read = read }
