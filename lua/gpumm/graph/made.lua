-- SPDX-License-Identifier: MIT
-- What readers and graph.new share at the end: edges without loops and duplicates, attributes beside them, and a line
-- that says what was merged.

local native = require "gpumm.layout.native"

local made = {}

-- Labels where there are any: a node without one goes by its name.
local function labels_of(input)
    return input.labels and input.labels:texts(input.names, input.order)
end

local function say(input, g, opposite)
    local parts = {}
    if g.loops > 0 then parts[#parts + 1] = ("%d loops were dropped"):format(g.loops) end
    if opposite then parts[#parts + 1] = "every edge has its opposite, and counts once"
    elseif g.duplicates > 0 then
        local how = input.how == "least" and "the least weight is kept" or g.weights and "weights add up" or "each counts once"
        parts[#parts + 1] = ("%d duplicates were merged: %s"):format(g.duplicates, how)
    end
    if #parts > 0 and not input.quiet then native.say(("%s: %s"):format(input.path, table.concat(parts, "; "))) end
end

-- Attributes that hardly any node or edge has would fill the memory with what is not there.
local CELLS_MOST = 1 << 27

local function check_size(input, columns, rows, what)
    local count = 0
    for _ in pairs(columns or {}) do count = count + 1 end
    if count > 1000 and count * rows > math.max(CELLS_MOST, input.source and #input.source or 0) then
        error(("%s: %d attributes of %d %s are more than fit"):format(input.path, count, rows, what), 0)
    end
end

-- The attributes of what edges are left.
local function edge_columns(input, rows)
    local all = {}
    for name, of in pairs(input.edge_columns or {}) do
        if of.column then
            local view = rows:view(of.column)
            all[name] = of.texts and native.numbered(of.texts, view) or view
        else
            all[name] = of.cells:column(#rows, rows:view(input.place))
        end
    end
    return all
end

local function node_columns(input)
    local all, count = {}, #input.names
    check_size(input, input.node_columns, count, "nodes")
    for name, of in pairs(input.node_columns or {}) do all[name] = of.cells:column(count, input.order) end
    return all
end

--- The graph, without its methods. input = { path, names (texts), rows, from, to, weight (a column of f64, or nil),
--- weighted, place (the column of rows' numbers), order (a view of u32: in which row of cells each node is; nil: in its
--- own), labels (cells), node_columns ({ cells = … }), edge_columns (that, or { column = …, texts = … }), how ("sum",
--- "least"), counted, threads }.
function made.graph(input)
    local rows, count = input.rows, nil
    check_size(input, input.edge_columns, #rows, "edges") -- cells are of all that the file has, those that will be merged, too
    if input.counted then
        rows, count = rows:with "u32"
    end
    local weight = input.weighted and input.weight or 0
    local loops, duplicates, opposite = native.merge(rows, #input.names, input.from, input.to, weight, count or 0,
        input.how or "sum", input.threads or 0)
    if not loops then -- then these are the ends
        error(("%s: the weights of the edges between %q and %q add up to no finite number"):format(input.path,
            input.names[duplicates], input.names[opposite]), 0)
    end
    local g = {
        path = input.path, nodes = #input.names, edges = #rows, names = input.names, labels = labels_of(input),
        from = rows:view(input.from), to = rows:view(input.to), loops = loops, duplicates = duplicates,
        weights = input.weighted and rows:view(input.weight) or nil,
        node_columns = node_columns(input), edge_columns = edge_columns(input, rows),
    }
    if count then
        g.edge_columns.count = rows:view(count)
        if not g.weights then g.weights = require "gpumm".view("f64", g.edge_columns.count:totable()) end
    end
    if input.directed ~= nil then g.directed = input.directed end
    say(input, g, opposite)
    return g
end

return made
