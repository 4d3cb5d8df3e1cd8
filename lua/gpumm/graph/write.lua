-- SPDX-License-Identifier: MIT
-- Graphs as files: GraphML and GEXF with positions, colors and attributes, which Gephi and networkx read; edges as CSV.

local checked = require "gpumm.common.checked"
local listed = require "gpumm.common.listed"
local colors_of = require "gpumm.picture.colors".of_nodes
local native = require "gpumm.layout.native"

local write = {}

local FIELDS = { positions = { kind = "any" }, colors = { kind = "any" }, sizes = { kind = "any" } }

-- ---- What nodes and edges have ---------------------------------------------------------------------

local function is_text(column) return type(column[1] or "") == "string" end

local function kind_of(column) return is_text(column) and "string" or math.type(column[1]) == "integer" and "long" or "double" end

local function sorted(columns, taken)
    local list = {}
    for name, column in pairs(columns or {}) do
        if not taken[name] then list[#list + 1] = { name = name, column = column, kind = kind_of(column) } end
    end
    table.sort(list, function(a, b) return a.name < b.name end)
    return list
end

local AXES = { "x", "y", "z" }

-- Coordinates of node i of a view, a list of points or a flat list; and how many there are.
local function point_of(positions)
    if type(positions) ~= "table" then return function(i) return positions:get(i) end, #positions end
    if type(positions[1]) == "table" then return function(i) return table.unpack(positions[i]) end, #positions end
    return function(i) return positions[2 * i - 1], positions[2 * i] end, #positions // 2
end

local function is_finite(value) return type(value) == "number" and value - value == 0 end

-- The columns x, y and z of positions.
local function placed(positions, nodes)
    local point, count = point_of(positions)
    local columns = {}
    if count < nodes then error(("there are %d positions for %d nodes"):format(count, nodes), 0) end
    for i = 1, nodes do
        local at = { point(i) }
        for k = 1, math.max(2, math.min(#at, 3)) do
            if not is_finite(at[k]) then error(("the position of node %d is not finite"):format(i), 0) end
            columns[k] = columns[k] or {}
            columns[k][i] = at[k] + 0.0
        end
    end
    return columns
end

local function painted(options, nodes)
    local rgba, columns = colors_of({ colors = options.colors }, {}, nodes), { {}, {}, {} }
    for i = 1, nodes do
        for k = 1, 3 do columns[k][i] = math.floor(math.max(0, math.min(rgba[4 * i - 4 + k], 1)) * 255 + 0.5) end
    end
    return columns
end

local function extras(g, options)
    local all = { taken = {} }
    if options.positions then
        all.at = placed(options.positions, g.nodes)
        for _, axis in ipairs(AXES) do all.taken[axis] = true end
    end
    if options.colors then
        all.rgb = painted(options, g.nodes)
        for _, name in ipairs { "color", "r", "g", "b" } do all.taken[name] = true end
    end
    if options.sizes then
        all.sizes, all.taken.size = listed(options.sizes) or {}, true
        if #all.sizes < g.nodes then error(("there are %d sizes for %d nodes"):format(#all.sizes, g.nodes), 0) end
        for i = 1, g.nodes do
            if not is_finite(all.sizes[i]) then error(("the size of node %d is not a finite number"):format(i), 0) end
        end
    end
    return all
end

-- ---- XML: what GraphML and GEXF share --------------------------------------------------------------

local function refuse_twins(g, i, j, name)
    error(("%q and %q, nodes %d and %d, would both be %q: XML has no other characters for them"):format(g.names[i], g.names[j],
        i, j, name), 0)
end

-- Names with control characters, or in no UTF-8, come back from XML as others; no two nodes may become one by that.
local function check_names(g)
    local changed = {}
    for i = 1, g.nodes do
        local name = g.names[i]:find "[^\32-\126]" and native.as_xml(g.names[i])
        if name and changed[name] then refuse_twins(g, changed[name], i, name) end
        if name then changed[name] = i end
    end
    for i = 1, next(changed) and g.nodes or 0 do
        if changed[g.names[i]] then refuse_twins(g, changed[g.names[i]], i, g.names[i]) end
    end
end

-- ---- GraphML ---------------------------------------------------------------------------------------

local function node_keys(g, all)
    local keys = {}
    if g.labels then keys[1] = { name = "label", column = g.labels, kind = "string" } end
    for k, column in ipairs(all.at or {}) do keys[#keys + 1] = { name = AXES[k], column = column, kind = "double" } end
    for k, column in ipairs(all.rgb or {}) do keys[#keys + 1] = { name = ("rgb"):sub(k, k), column = column, kind = "int" } end
    if all.sizes then keys[#keys + 1] = { name = "size", column = all.sizes, kind = "double" } end
    all.taken.label = true
    for _, key in ipairs(sorted(g.node_columns, all.taken)) do keys[#keys + 1] = key end
    return keys
end

local function edge_keys(g)
    local keys = {}
    if g.weights then keys[1] = { name = "weight", column = g.weights, kind = "double" } end
    for _, key in ipairs(sorted(g.edge_columns, { weight = true })) do keys[#keys + 1] = key end
    return keys
end

local function declare(out, keys, of)
    for k, key in ipairs(keys) do
        key.id = of:sub(1, 1) .. k
        out:write('<key id="', key.id, '" for="', of, '" attr.name="')
        out:xml(key.name)
        out:write('" attr.type="', key.kind, '"/>\n')
    end
end

-- NaN stands for what is not there, and so does no text.
local function is_there(value) return value ~= nil and value == value and value ~= "" end

local function put_data(out, keys, i)
    for _, key in ipairs(keys) do
        local value = key.column[i]
        if is_there(value) then
            out:write('<data key="', key.id, '">')
            if key.kind == "string" then out:xml(value) else out:write(value) end
            out:write "</data>"
        end
    end
end

local function graphml(out, g, all)
    check_names(g)
    local nodes, edges, names = node_keys(g, all), edge_keys(g), g.names
    out:write('<?xml version="1.0" encoding="UTF-8"?>\n<graphml xmlns="http://graphml.graphdrawing.org/xmlns">\n')
    declare(out, nodes, "node")
    declare(out, edges, "edge")
    out:write('<graph id="G" edgedefault="', g.directed and "directed" or "undirected", '">\n')
    for i = 1, g.nodes do
        out:write '<node id="'
        out:xml(names[i])
        out:write '">'
        put_data(out, nodes, i)
        out:write "</node>\n"
    end
    for e = 1, g.edges do
        out:write '<edge source="'
        out:xml(names[g.from[e]])
        out:write '" target="'
        out:xml(names[g.to[e]])
        out:write '">'
        put_data(out, edges, e)
        out:write "</edge>\n"
    end
    out:write "</graph>\n</graphml>\n"
end

-- ---- GEXF ------------------------------------------------------------------------------------------

local GEXF_KINDS = { string = "string", long = "long", double = "double", int = "integer" }

local function define(out, keys, class)
    if #keys == 0 then return end
    out:write('<attributes class="', class, '">\n')
    for k, key in ipairs(keys) do
        out:write('<attribute id="', k - 1, '" title="')
        out:xml(key.name)
        out:write('" type="', GEXF_KINDS[key.kind], '"/>\n')
    end
    out:write "</attributes>\n"
end

local function put_values(out, keys, i)
    local any = false
    for k, key in ipairs(keys) do
        local value = key.column[i]
        if is_there(value) then
            if not any then out:write "<attvalues>" end
            any = true
            out:write('<attvalue for="', k - 1, '" value="')
            if key.kind == "string" then out:xml(value) else out:write(value) end
            out:write '"/>'
        end
    end
    if any then out:write "</attvalues>" end
end

local function put_looks(out, all, i)
    if all.rgb then
        out:write('<viz:color r="', all.rgb[1][i], '" g="', all.rgb[2][i], '" b="', all.rgb[3][i], '"/>')
    end
    if all.at then
        out:write('<viz:position x="', all.at[1][i], '" y="', all.at[2][i], '" z="', all.at[3] and all.at[3][i] or 0, '"/>')
    end
    if all.sizes then out:write('<viz:size value="', all.sizes[i], '"/>') end
end

local function gexf(out, g, all)
    check_names(g)
    local nodes, edges = sorted(g.node_columns, all.taken), sorted(g.edge_columns, { weight = true, id = true })
    local names, labels = g.names, g.labels or g.names
    out:write('<?xml version="1.0" encoding="UTF-8"?>\n<gexf xmlns="http://www.gexf.net/1.2draft" ',
        'xmlns:viz="http://www.gexf.net/1.2draft/viz" version="1.2">\n')
    out:write('<graph mode="static" defaultedgetype="', g.directed and "directed" or "undirected", '">\n')
    define(out, nodes, "node")
    define(out, edges, "edge")
    out:write "<nodes>\n"
    for i = 1, g.nodes do
        out:write '<node id="'
        out:xml(names[i])
        out:write '" label="'
        out:xml(labels[i])
        out:write '">'
        put_values(out, nodes, i)
        put_looks(out, all, i)
        out:write "</node>\n"
    end
    out:write "</nodes>\n<edges>\n"
    for e = 1, g.edges do
        out:write('<edge id="', e - 1, '" source="')
        out:xml(names[g.from[e]])
        out:write '" target="'
        out:xml(names[g.to[e]])
        out:write '"'
        if g.weights then out:write(' weight="', g.weights[e], '"') end
        out:write ">"
        put_values(out, edges, e)
        out:write "</edge>\n"
    end
    out:write "</edges>\n</graph>\n</gexf>\n"
end

-- ---- CSV -------------------------------------------------------------------------------------------

local function put_row(out, first, second, keys, i)
    out:csv(first)
    out:write ","
    out:csv(second)
    for _, key in ipairs(keys) do
        local value = key.column[i]
        out:write ","
        if is_there(value) then
            if key.kind == "string" then out:csv(value) else out:write(value) end
        end
    end
    out:write "\n"
end

local function csv(out, g)
    local keys = edge_keys(g)
    out:write "source,target"
    for _, key in ipairs(keys) do
        out:write ","
        out:csv(key.name)
    end
    out:write "\n"
    for e = 1, g.edges do put_row(out, g.names[g.from[e]], g.names[g.to[e]], keys, e) end
end

local WRITERS = { graphml = graphml, gexf = gexf, csv = csv }

--- The writer of a path, by its ending; raises where there is none.
function write.by_ending(path)
    local ending = type(path) == "string" and path:lower():match "%.(%w+)$"
    if WRITERS[ending] then return WRITERS[ending] end
    error(("graphs are written as .graphml, .gexf or .csv (edges), not as %q"):format(tostring(path)), 0)
end

--- A file that is committed when `fill` has written all of it.
function write.file(path, fill)
    local out <close>, message = native.output(path)
    if not out then error(message, 0) end
    fill(out)
    local done
    done, message = out:commit()
    if not done then error(message, 0) end
    return true
end

--- Writes a graph, by the path's ending.
function write.graph(path, g, options, level)
    options = checked.options("graph.write", options, FIELDS, level + 1)
    local writer = write.by_ending(path)
    local all = extras(g, options)
    return write.file(path, function(out) writer(out, g, all) end)
end

return write
