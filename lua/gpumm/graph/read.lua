-- SPDX-License-Identifier: MIT
-- Which format a file has: by its content, and by its ending where the content could be several. What cannot be read is
-- refused by its name; nothing is guessed to be an edge list that looks like something else.

local checked = require "gpumm.common.checked"
local made = require "gpumm.graph.made"
local text = require "gpumm.columns.text"

local readers = {
    dimacs = require "gpumm.graph.dimacs", dot = require "gpumm.graph.dot", edges = require "gpumm.graph.edges",
    gexf = require "gpumm.graph.gexf", gml = require "gpumm.graph.gml", graphml = require "gpumm.graph.graphml",
    matrix = require "gpumm.graph.matrix", metis = require "gpumm.graph.metis", pajek = require "gpumm.graph.pajek",
    sif = require "gpumm.graph.sif",
}
local BY_CONTENT = { "matrix", "gml", "pajek", "dimacs", "dot", "sif", "metis" }

-- What an ending promises: where the content is something else, the file is refused.
local ENDINGS = {
    gml = "gml", net = "pajek", pajek = "pajek", mtx = "matrix", dot = "dot", gv = "dot", col = "dimacs",
}
local NAMES = {
    dimacs = "DIMACS", dot = "DOT", edges = "an edge list", gexf = "GEXF", gml = "GML", graphml = "GraphML",
    matrix = "MatrixMarket", metis = "METIS", pajek = "Pajek", sif = "SIF",
}

-- Formats that are not read, by how they begin. Each pattern is tried on a beginning of up to 4 MiB that may be one line: what
-- repeats in it ends at the first character that is another, so that nothing is looked at twice for every character.
local OTHERS = {
    { '^%s*{%s*"', "JSON" }, { "^%s*{%s*$", "JSON" }, { "^%s*{%s*}%s*$", "JSON" }, { "^%s*{%s*[\r\n]", "JSON" },
    { "^%s*{%s*'", "a Python dict" },
    { "^{\\rtf", "RTF" }, { '^%s*%[%s*[%[%]{"]', "JSON" }, { "^%s*%[%s*%-?%d[%d.eE+-]*%s*,", "JSON" },
    { "^%s*[Dd][Ll]%s+[Nn]%s*=", "UCINET DL" }, { "^%s*[Dd][Ll]%s*\n", "UCINET DL" },
    { "^%s*nodedef>", "GDF" }, { "^%s*LEDA%.GRAPH", "LEDA" }, { "^>>graph6<<", "graph6" }, { "^>>sparse6<<", "sparse6" },
    { "^%s*@nodes", "LEMON LGF" }, { "^%s*@arcs", "LEMON LGF" }, { "^33[dD]32945", "SteinLib" },
    { "^%s*<[%w+.-]+://", "RDF" }, { "^%s*@prefix%s", "RDF" },
    { "^%s*%*%s*%a+%s+data", "VNA" }, { "^%s*%-%-%- ?\n", "YAML" },
}

local OPTIONS = {
    format = { kind = "any" }, duplicates = { kind = "any", default = "merge" },
    weights = { kind = "any", default = "strength" },
}
for name, field in pairs(require "gpumm.columns.dialect".OPTIONS) do OPTIONS[name] = field end

local function one_of(what, value, words)
    for _, word in ipairs(words) do
        if value == word then return value end
    end
    local shown = {}
    for k, word in ipairs(words) do shown[k] = tostring(word) end
    error(("graph.read: %s is %s, not %s"):format(what, table.concat(shown, " or "), tostring(value)), 0)
end

-- The last byte of the instruction, comment or document's type at byte `at`; nil: there is something else, or it does not end.
local function stop_of(head, at)
    local function past(sign, plain) return select(2, head:find(sign, at, plain)) end
    if head:find("^<%?", at) then return past("?>", true) end
    if head:find("^<!%-%-", at) then return past("-->", true) end
    if head:find("^<![^>%[]*%[", at) then return past "]%s*>" end
    return head:find("^<!", at) and past(">", true)
end

-- The reader of XML; nil: it only begins with "<", and does not end with ">".
local function xml_reader(input)
    local path, head, at = input.path, input.head, 1
    while true do -- instructions, comments and the document's type come before the root
        at = head:find("<", at, true)
        if not at then return readers.graphml end
        local stop = stop_of(head, at)
        if not stop then break end
        at = stop + 1
    end
    local root = head:match("^<([%w_:.-]+)", at)
    local name = root and root:match "[^:]*$"
    local promised = path:lower():find "%.graphml" -- then it says where it is not that
    if name and name:lower() == "html" and not promised then error(path .. ": this is an HTML page, and no graph", 0) end
    if name == "" then error(path .. ": this is RDF, which is not read", 0) end
    if name == "gexf" then return readers.gexf end
    if name == "graphml" or name == nil or promised then return readers.graphml end
    if not head:find "^%s*<[!?]" and not input.source:sub(math.max(1, #input.source - 400)):find ">%s*$" then return nil end
    local line = 1 + select(2, head:sub(1, at):gsub("\n", ""))
    text.fail(path, line, "the root is %q, not graphml", name)
end

-- TGF: nodes with their labels, a line "#", then edges between those nodes.
local function is_tgf(head)
    local nodes, behind, edges, labels = {}, false, 0, 0
    for line in head:gmatch "[^\r\n]+" do
        local a, b = line:match "^%s*(%S+)%s*(%S*)"
        if a == "#" and b == "" then
            if behind then return false end
            behind = true
        elseif a and not behind then
            nodes[a] = true
            if b ~= "" then labels = labels + 1 end
        elseif a then
            if not (nodes[a] and nodes[b]) then return false end
            edges = edges + 1
        end
    end
    if not behind or edges == 0 then return false end
    if labels == 0 then return true end
    for line in head:gmatch "[^\r\n]+" do -- a label that is no node: those lines are no edges
        local a, b = line:match "^%s*(%S+)%s*(%S*)"
        if a == "#" then return false end
        if a and b ~= "" and not nodes[b] then return true end
    end
end

local function lines_of(head) return head:gmatch "[^\r\n]+" end

-- Does every line match? At least one.
local function all_lines(head, pattern)
    local any = false
    for line in lines_of(head) do
        if line:find "%S" then
            if not line:find(pattern) then return false end
            any = true
        end
    end
    return any
end

-- The line's words, those in quotes without them; nil: there are very many.
local function words_of(line)
    local words = {}
    for word in line:gmatch "[^%s,;]+" do
        if #words == 1000 then return nil end
        words[#words + 1] = word:match '^"(.*)"$' or word
    end
    return words
end

-- The numbers of a row, behind the row's name where there is one; nil: there is something else.
local function numbers_of(words, name)
    local row, first = {}, 1
    if name and words[1] == name then first = 2 end
    for i = first, #words do
        row[#row + 1] = tonumber(words[i])
        if not row[i - first + 1] then return nil end
    end
    return row
end

-- Edges with attributes may be as many as they have columns: of a matrix, the diagonal is empty, or the halves are the same,
-- or there is nothing but 0 and 1; of a small one, more of that.
local function looks_square(rows)
    local symmetric, empty, bits = true, true, true
    for i = 1, #rows do
        empty = empty and rows[i][i] == 0
        for j = 1, #rows do
            symmetric = symmetric and rows[i][j] == rows[j][i]
            bits = bits and (rows[i][j] == 0 or rows[i][j] == 1)
        end
    end
    if #rows == 3 then return symmetric and empty end
    return symmetric or empty or bits
end

-- As many rows as columns, all numbers: a matrix of who is beside whom, perhaps with names above or before it.
local function is_square(head, size)
    if size > #head then return false end
    local rows, names = {}, nil
    for line in lines_of(head) do
        local words = words_of(line)
        if not words then return false end
        if #words == 1 and words[1] == "" then table.remove(words) end
        local row = numbers_of(words, names and names[#rows + 1])
        if not row and (names or #rows > 0) then return false end
        if not row then
            if words[1] == "" then table.remove(words, 1) end
            names = words
        elseif #row > 0 then
            local width = names and #names or rows[1] and #rows[1] or #row
            if #row ~= width or width < 3 then return false end
            rows[#rows + 1] = row
        end
    end
    return #rows == (rows[1] and #rows[1]) and looks_square(rows)
end

-- networkx writes its adjacency lists below three comments: the program, the time, the graph.
local function is_adjacency_list(head, ending)
    return ending == "adjlist" or head:find "^#[^\n]*\n# GMT [^\n]*\n#[^\n]*\n" ~= nil
end

-- Gephi's table of nodes.
local function is_node_table(head)
    local first = head:match("^[^\r\n]*"):lower():gsub('"', "")
    return first:find "^id[^%S\t]*[,;\t]%s*label%f[%W]" ~= nil and not first:find("target", 1, true)
end

-- What stands between two names of every line, and is made of signs: "->".
local function arrow_of(head)
    local arrow = head:match "^%s*%S+[ \t]+([-=<>~]+)[ \t]+[^%s{]"
    if not arrow or arrow == "=" or arrow == "~" then return nil end
    return all_lines(head, "^%s*%S+[ \t]+[-=<>~]+[ \t]+%S") and arrow
end

-- A tree in brackets: (a,(b,c));
local function is_newick(head, source)
    return head:find "^%s*%(" ~= nil and source:sub(math.max(1, #source - 400)):find "%)[^()\n]*;%s*$" ~= nil
end

local function refuse_others(input, ending)
    local path, head = input.path, input.head
    local function refuse(what) error(("%s: this is %s, which is not read"):format(path, what), 0) end
    for _, other in ipairs(OTHERS) do
        if head:find(other[1]) then refuse(other[2]) end
    end
    if is_tgf(head) then refuse "TGF" end
    if is_square(head, #input.source) then refuse "an adjacency matrix" end
    if is_newick(head, input.source) then refuse "a Newick tree" end
    if is_adjacency_list(head, ending) then refuse "networkx's adjacency list" end
    if is_node_table(head) then refuse "a table of nodes" end
    local whole_lines = #head < #input.source and head:match "^(.*)[\r\n]" or head
    if all_lines(whole_lines, "^%s*%([^(),]*,[^()]*%)[,;]?%s*$") then refuse "a list of tuples" end
    local arrow = arrow_of(whole_lines)
    if arrow then refuse(("a list with %q between the names"):format(arrow)) end
end

-- The reader by the file's content, and by its ending where that alone can say.
local function reader_of(input, ending)
    local path, head = input.path, input.head
    if head:find "^%s*<[!?%a]" then
        local reader = readers.xml(input)
        if reader then return reader end
    end
    for _, name in ipairs(BY_CONTENT) do
        if readers[name].is(head, ending) then return readers[name] end
    end
    if ending == "dot" or ending == "gv" then return readers.dot end
    refuse_others(input, ending)
    local promised = ENDINGS[ending]
    if promised and head:find "%S" then
        error(("%s: the ending promises %s, and that is not what the file holds (format = \"edges\" reads an edge list)")
            :format(path, NAMES[promised]), 0)
    end
    return readers.metis.is_by_counts(input) and readers.metis or readers.edges
end

readers.xml = xml_reader

local Input = {}
Input.__index = Input

--- What was built piece by piece; "listed": the nodes that were listed come first, in that order.
function Input:built(builder, order)
    self.rows, self.names, self.weighted, self.order = builder:finish(order == "listed")
    self.from, self.to, self.weight, self.place = 1, 2, 3, 4
    return self
end

local function chosen(input, options)
    local ending = input.path:lower():gsub("%.gz$", ""):match "%.(%w+)$"
    if options.format == nil then return reader_of(input, ending) end
    local known = {}
    for name in pairs(NAMES) do known[#known + 1] = name end
    table.sort(known)
    return readers[one_of("format", options.format, known)]
end

--- Reads a graph; the table that made.graph makes of it, without methods.
return function(path, given)
    local options = checked.options("graph.read", given, OPTIONS, 3)
    one_of("duplicates", options.duplicates, { "merge", "count" })
    one_of("weights", options.weights, { "strength", "length", false })
    local source <close>, head = text.open(path, "the graph", options)
    local input = setmetatable({ path = path, source = source, head = head, options = options }, Input)
    input = chosen(input, options).read(input)
    if #input.names == 0 then error(path .. ": the graph is empty: no line names a node", 0) end
    if options.weights == false then input.weighted = false end
    input.how = options.weights == "length" and "least" or "sum"
    input.counted, input.threads = options.duplicates == "count", options.threads
    return made.graph(input)
end
