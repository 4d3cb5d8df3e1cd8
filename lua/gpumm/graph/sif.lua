-- SPDX-License-Identifier: MIT
-- SIF of Cytoscape: a node, a relation, and the nodes that it leads to; a node alone.

local native = require "gpumm.layout.native"
local text = require "gpumm.columns.text"

local function split(line)
    local words = {}
    if line:find("\t", 1, true) then
        for word in (line .. "\t"):gmatch "([^\t]*)\t" do words[#words + 1] = text.trim(word) end
        while words[#words] == "" do words[#words] = nil end
    else
        for word in line:gmatch "%S+" do words[#words + 1] = word end
    end
    return words
end

local none = {}

local function read(input)
    local builder, kinds, line = native.builder(), native.cells(), 0
    local whole = input.source:sub(1)
    for content in whole:gmatch(whole:find("\n", 1, true) and "([^\n]*)\n?" or "([^\r]*)\r?") do
        line = line + 1
        local a, kind, b, rest = content:match "^([^%s]+)%s+([^%s]+)%s+([^%s]+)()"
        local words
        if a and not content:find("%S", rest) and (not content:find("\t", 1, true) or content:find "^[^ ]*$") then
            builder:edge(a, b)
            kinds:put(builder:edges(), kind)
            words = none
        else words = split(content) end
        if #words == 2 then text.fail(input.path, line, "SIF: a relation leads to no node: %q", content:sub(1, 60)) end
        if words[1] and words[1] ~= "" then builder:node(words[1]) end
        for k = 3, #words do
            builder:edge(words[1], words[k])
            kinds:put(builder:edges(), words[2])
        end
    end
    input.edge_columns = { kind = { cells = kinds } }
    return input:built(builder)
end

return { is = function(_, ending) return ending == "sif" end, read = read }
