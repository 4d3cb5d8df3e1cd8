-- Graphs from files: edge lists and Matrix Market. A graph is a table of plain arrays; it knows no
-- device. Nodes are numbered from 1 in the order in which the file first names them (on the device
-- from 0, which is what the packed columns of `batches` hold). Self-loops and duplicates are dropped
-- and counted; a file that makes no sense raises "FILE:LINE: what is wrong".

local gpumm = require "gpumm"

local graph = {}
local methods = {}
local metatable = { __index = methods, __name = "gpumm.graph" }

local find, sub, pack, unpack = string.find, string.sub, string.pack, table.unpack
local floor, sqrt = math.floor, math.sqrt

-- ---- Reading ---------------------------------------------------------------------------------

local function fail(path, line, message, ...)
    error(("%s:%d: " .. message):format(path, line, ...), 0)
end

local function read_file(path)
    local file, message = io.open(path, "rb")
    if not file then error("cannot read the graph: " .. message, 0) end
    local text
    text, message = file:read("a")
    file:close()
    if not text then error(("cannot read the graph: %s: %s"):format(path, message), 0) end
    if sub(text, 1, 2) == "\31\139" then
        text, message = gpumm.inflate(text)
        if not text then error(("cannot read the graph: %s: %s"):format(path, message), 0) end
    end
    if find(text, "\0", 1, true) then error(path .. " is not a text file: it contains zero bytes", 0) end
    return text
end

local function line_at(text, position)
    local stop = find(text, "\n", position, true)
    local line = sub(text, position, (stop or #text + 1) - 1):gsub("\r$", "")
    return line, (stop or #text) + 1
end

-- What is being read: nodes by name, edges, and what was dropped.
local function new_input(path)
    return {
        path = path, names = {}, index = {}, from = {}, to = {}, weights = {},
        seen = {}, loops = 0, duplicates = 0, weighted = false,
    }
end

local function weight_of(input, line, text)
    local first = sub(text, 1, 1)
    if first == "" or first == "#" or first == "%" then return 1 end
    local weight = tonumber(text)
    if not weight then fail(input.path, line, "the weight %q is not a number", text) end
    if weight - weight ~= 0 then fail(input.path, line, "the weight %q is not finite", text) end
    input.weighted = true
    return weight
end

-- The returned function adds one edge. Everything it touches is a local: it runs once a line.
local function edge_adder(input)
    local names, index, seen = input.names, input.index, input.seen
    local from, to, weights = input.from, input.to, input.weights
    local nodes, edges = 0, 0
    return function(a, b, weight)
        local i, j = index[a], index[b]
        if not i then
            nodes = nodes + 1
            i, names[nodes], index[a] = nodes, a, nodes
            j = index[b]
        end
        if not j then
            nodes = nodes + 1
            j, names[nodes], index[b] = nodes, b, nodes
        end
        if i == j then
            input.loops = input.loops + 1
            return
        end
        local key = i < j and i << 32 | j or j << 32 | i
        if seen[key] then
            input.duplicates = input.duplicates + 1
            return
        end
        seen[key] = true
        edges = edges + 1
        from[edges], to[edges], weights[edges] = i, j, weight
    end
end

-- Any line that is not two names and perhaps a third column: blank, a comment, or a mistake.
local function check_other_line(input, text, position, line)
    local content, next_position = line_at(text, position)
    local first = content:match("^[%s,]*(.?)")
    if first ~= "" and first ~= "#" and first ~= "%" then
        fail(input.path, line, "an edge needs two names, this line has one: %q", sub(content, 1, 60))
    end
    return next_position
end

-- One anchored match a line: names, the third column, and where the next line starts. Columns after
-- the third (timestamps, in many collections) are passed over.
local EDGE = "^[ \t,]*([^%s,#%%][^%s,]*)[ \t,]+([^%s,#%%][^%s,]*)[ \t,]*([^%s,]*)[^\n]*\n?()"

local function read_edge_list(input, text, position)
    local add, line, stop = edge_adder(input), 0, #text
    while position <= stop do
        line = line + 1
        local _, _, a, b, third, next_position = find(text, EDGE, position)
        if a then
            add(a, b, third == "" and 1 or weight_of(input, line, third))
            position = next_position
        else
            position = check_other_line(input, text, position, line)
        end
    end
end

local FIELDS = { pattern = 2, real = 3, integer = 3 }
local SYMMETRIES = { general = true, symmetric = true, ["skew-symmetric"] = true }

local function matrix_columns(input, header)
    local object, format, field, symmetry =
        header:lower():match("^%%%%matrixmarket%s+(%S+)%s+(%S+)%s+(%S+)%s+(%S+)%s*$")
    if object ~= "matrix" or format ~= "coordinate" then
        fail(input.path, 1, "a graph is a 'matrix coordinate' in Matrix Market, this is %q", header)
    end
    if not FIELDS[field] then
        fail(input.path, 1, "the field %q is not one of pattern, real, integer", field)
    end
    if not SYMMETRIES[symmetry] then
        fail(input.path, 1, "the symmetry %q is not one of general, symmetric, skew-symmetric", symmetry)
    end
    return FIELDS[field]
end

local function matrix_size(input, line, content)
    local rows, columns, entries = content:match("^%s*(%d+)%s+(%d+)%s+(%d+)%s*$")
    rows, columns, entries = math.tointeger(rows), math.tointeger(columns), math.tointeger(entries)
    if not (rows and columns and entries) then
        fail(input.path, line, "expected 'rows columns entries', found %q", sub(content, 1, 60))
    end
    if rows ~= columns then
        fail(input.path, line, "a graph's matrix is square, this one has %d rows and %d columns",
            rows, columns)
    end
    if rows >= 1 << 31 then fail(input.path, line, "%d nodes are more than 2^31 - 1", rows) end
    return rows, entries
end

-- A row or column number, or the error that names it.
local function checked_index(input, line, text, rows)
    local number = math.tointeger(tonumber(text))
    if not number or number < 1 or number > rows then
        fail(input.path, line, "%q is not a node from 1 to %d", text, rows)
    end
    return number
end

local ENTRY = "^[ \t]*(%d+)[ \t]+(%d+)[ \t]*([^%s]*)[ \t\r]*\n?()"

local function read_matrix_entries(input, text, position, line, rows, entries, columns)
    local add, stop, count = edge_adder(input), #text, 0
    while position <= stop do
        line = line + 1
        local _, _, a, b, third, next_position = find(text, ENTRY, position)
        if a then
            count = count + 1
            if count > entries then fail(input.path, line, "more than the %d entries promised", entries) end
            if (third == "") ~= (columns == 2) then
                fail(input.path, line, "an entry here has %d columns", columns)
            end
            add(checked_index(input, line, a, rows), checked_index(input, line, b, rows),
                columns == 2 and 1 or weight_of(input, line, third))
            position = next_position
        else
            local content
            content, position = line_at(text, position)
            if not content:find("^%s*$") and not content:find("^%s*%%") then
                fail(input.path, line, "expected 'row column%s', found %q",
                    columns == 2 and "" or " value", sub(content, 1, 60))
            end
        end
    end
    if count < entries then
        fail(input.path, line, "the file ends after %d of the %d entries promised", count, entries)
    end
end

-- Names are the numbers in the file; nodes that no entry names come last, in the order of their number.
local function name_matrix_nodes(input, rows)
    local names, index = input.names, input.index
    for i = 1, rows do
        if not index[i] then
            names[#names + 1] = i
            index[i] = #names
        end
    end
    for i, name in ipairs(names) do names[i] = tostring(name) end
end

local function read_matrix_market(input, text)
    local content, position = line_at(text, 1)
    local columns, line = matrix_columns(input, content), 1
    repeat
        if position > #text then fail(input.path, line, "the file ends before its size line") end
        content, position = line_at(text, position)
        line = line + 1
    until not content:find("^%s*%%") and not content:find("^%s*$")
    local rows, entries = matrix_size(input, line, content)
    read_matrix_entries(input, text, position, line, rows, entries, columns)
    name_matrix_nodes(input, rows)
end

--- Reads an edge list (two names a line, an optional weight; `#` and `%` comments; tabs, spaces or
--- commas) or a Matrix Market file, gzip'd or not. Raises where the file is missing, malformed or holds no node.
function graph.read(path)
    if type(path) ~= "string" then
        error("graph.read needs a path, not a " .. type(path), 2)
    end
    local text = read_file(path)
    local input = new_input(path)
    local start = sub(text, 1, 3) == "\239\187\191" and 4 or 1
    if find(text, "^%%%%[Mm][Aa][Tt][Rr][Ii][Xx][Mm]", start) then
        read_matrix_market(input, sub(text, start))
    else
        read_edge_list(input, text, start)
    end
    if #input.names == 0 then error(path .. ": the graph is empty: no line names a node", 0) end
    return setmetatable({
        path = path, nodes = #input.names, edges = #input.from, names = input.names,
        from = input.from, to = input.to, weights = input.weighted and input.weights or nil,
        loops = input.loops, duplicates = input.duplicates,
    }, metatable)
end

local function is_node(value, nodes)
    return math.type(value) == "integer" and value >= 1 and value <= nodes
end

--- A graph from arrays: `from` and `to` hold node numbers from 1. For graphs that a program makes.
function graph.new(nodes, from, to)
    if math.type(nodes) ~= "integer" or nodes < 1 then
        error("graph.new needs at least one node, not " .. tostring(nodes), 2)
    end
    if type(from) ~= "table" or type(to) ~= "table" or #from ~= #to then
        error("graph.new needs two arrays of the same length", 2)
    end
    local input = new_input("graph.new")
    local add = edge_adder(input)
    for i = 1, nodes do input.names[i], input.index[i] = i, i end
    for e = 1, #from do
        if not (is_node(from[e], nodes) and is_node(to[e], nodes)) then
            error(("edge %d: %s and %s are not both nodes from 1 to %d"):format(e, from[e], to[e], nodes), 2)
        end
        add(from[e], to[e], 1)
    end
    for i = 1, nodes do input.names[i] = tostring(i) end
    return setmetatable({
        path = "graph.new", nodes = nodes, edges = #input.from, names = input.names,
        from = input.from, to = input.to, loops = input.loops, duplicates = input.duplicates,
    }, metatable)
end

-- ---- Neighbours ------------------------------------------------------------------------------

--- Neighbours of every node in one array: those of i are near[first[i]] to near[first[i + 1] - 1].
function methods:neighbours()
    if self.near then return self.near, self.first end
    local from, to, nodes = self.from, self.to, self.nodes
    local first, near = {}, {}
    for i = 1, nodes + 1 do first[i] = 0 end
    for e = 1, #from do
        local a, b = from[e], to[e]
        first[a], first[b] = first[a] + 1, first[b] + 1
    end
    local total = 1
    for i = 1, nodes + 1 do
        total = total + first[i]
        first[i] = total -- the end of i's row; filling it downwards leaves its start
    end
    for k = 1, 2 * #from do near[k] = 0 end
    for e = #from, 1, -1 do
        local a, b = from[e], to[e]
        first[a], first[b] = first[a] - 1, first[b] - 1
        near[first[a]], near[first[b]] = b, a
    end
    self.near, self.first = near, first
    return near, first
end

--- How many neighbours each node has.
function methods:degrees()
    if self.degree then return self.degree end
    local _, first = self:neighbours()
    local degree = {}
    for i = 1, self.nodes do degree[i] = first[i + 1] - first[i] end
    self.degree = degree
    return degree
end

--- Distances in edges from node `source`; -1 where there is no path.
function methods:bfs(source)
    if not is_node(source, self.nodes) then
        error(("bfs needs a node from 1 to %d, not %s"):format(self.nodes, tostring(source)), 2)
    end
    local near, first = self:neighbours()
    local distance, queue, tail = {}, { source }, 1
    for i = 1, self.nodes do distance[i] = -1 end
    distance[source] = 0
    local head = 1
    while head <= tail do
        local i = queue[head]
        head = head + 1
        local further = distance[i] + 1
        for k = first[i], first[i + 1] - 1 do
            local j = near[k]
            if distance[j] < 0 then
                distance[j] = further
                tail = tail + 1
                queue[tail] = j
            end
        end
    end
    return distance
end

local function flood(near, first, label, start, name)
    local stack, top = { start }, 1
    label[start] = name
    local size = 0
    while top > 0 do
        local i = stack[top]
        top = top - 1
        size = size + 1
        for k = first[i], first[i + 1] - 1 do
            local j = near[k]
            if not label[j] then
                label[j] = name
                top = top + 1
                stack[top] = j
            end
        end
    end
    return size
end

--- The component of every node (numbered by first appearance), and the components' sizes.
function methods:components()
    local near, first = self:neighbours()
    local label, sizes = {}, {}
    for i = 1, self.nodes do
        if not label[i] then sizes[#sizes + 1] = flood(near, first, label, i, #sizes + 1) end
    end
    return label, sizes
end

-- ---- Communities -----------------------------------------------------------------------------

-- One level of Louvain's method: every node moves to the neighbouring community that gains most
-- modularity, until few move. Rows are lists { node, weight, node, weight, … }.
local function move_nodes(rows, strength, total)
    local count = #rows
    local label, inside = {}, {}
    for i = 1, count do label[i], inside[i] = i, strength[i] end
    for _ = 1, 10 do
        local moved = 0
        for i = 1, count do
            local row, links, order = rows[i], {}, {}
            for k = 1, #row, 2 do
                local c = label[row[k]]
                if row[k] ~= i then
                    if not links[c] then order[#order + 1] = c end
                    links[c] = (links[c] or 0) + row[k + 1]
                end
            end
            local own, s = label[i], strength[i]
            inside[own] = inside[own] - s
            local best, gain = own, (links[own] or 0) - s * inside[own] / total
            for k = 1, #order do
                local c = order[k]
                local other = links[c] - s * inside[c] / total
                if other > gain + 1e-9 then best, gain = c, other end
            end
            inside[best] = inside[best] + s
            if best ~= own then label[i], moved = best, moved + 1 end
        end
        if moved * 100 <= count then break end
    end
    return label
end

-- Communities become the nodes of the next, smaller graph.
local function contract(rows, strength, label)
    local number, count, sums, coarse_strength = {}, 0, {}, {}
    for i = 1, #rows do
        local c = number[label[i]]
        if not c then
            count = count + 1
            c, number[label[i]], sums[count], coarse_strength[count] = count, count, {}, 0
        end
        label[i] = c
        coarse_strength[c] = coarse_strength[c] + strength[i]
    end
    local coarse = {}
    for c = 1, count do coarse[c] = {} end
    for i = 1, #rows do
        local row, c = rows[i], label[i]
        for k = 1, #row, 2 do
            local d = label[row[k]]
            local at = sums[c][d]
            if at then
                coarse[c][at] = coarse[c][at] + row[k + 1]
            else
                local new = coarse[c]
                new[#new + 1], new[#new + 2] = d, row[k + 1]
                sums[c][d] = #new
            end
        end
    end
    return coarse, coarse_strength
end

-- Labels in the order of size, the largest 1; ties by first appearance.
local function by_size(label)
    local size, order, rank = {}, {}, {}
    for i = 1, #label do
        local c = label[i]
        if not size[c] then size[c], order[#order + 1] = 0, c end
        size[c] = size[c] + 1
    end
    local seen = {}
    for k, c in ipairs(order) do seen[c] = k end
    table.sort(order, function(a, b)
        if size[a] ~= size[b] then return size[a] > size[b] end
        return seen[a] < seen[b]
    end)
    local sizes = {}
    for k, c in ipairs(order) do rank[c], sizes[k] = k, size[c] end
    for i = 1, #label do label[i] = rank[label[i]] end
    return label, sizes
end

--- The community of every node (1 is the largest), and their sizes: Louvain's modularity method.
function methods:communities()
    local near, first = self:neighbours()
    local rows, strength, label = {}, {}, {}
    for i = 1, self.nodes do
        local row = {}
        for k = first[i], first[i + 1] - 1 do row[#row + 1], row[#row + 2] = near[k], 1 end
        rows[i], strength[i], label[i] = row, #row // 2, i
    end
    local total = math.max(2 * self.edges, 1)
    repeat
        local before = #rows
        local coarse = move_nodes(rows, strength, total)
        rows, strength = contract(rows, strength, coarse)
        for i = 1, self.nodes do label[i] = coarse[label[i]] end
    until #rows == before
    return by_size(label)
end

-- ---- Batches ---------------------------------------------------------------------------------

-- A well-mixed 64-bit hash (the finalizer of splitmix64), and from it a number in [0, 1).
local function mix(x)
    x = x * 0x9E3779B97F4A7C15
    x = (x ~ x >> 30) * 0xBF58476D1CE4E5B9
    x = (x ~ x >> 27) * 0x94D049BB133111EB
    return x ~ x >> 31
end

local function unit(x)
    return (mix(x) >> 11) * 0x1p-53
end

-- Raw columns are packed this many values a call: few calls, and well within the stack.
local CHUNK = 128

local function packed(format, values, count)
    local whole, parts = "=" .. format:rep(CHUNK), {}
    local last = count - count % CHUNK
    for k = 1, last, CHUNK do
        parts[#parts + 1] = pack(whole, unpack(values, k, k + CHUNK - 1))
    end
    parts[#parts + 1] = pack("=" .. format:rep(count - last), unpack(values, last + 1, count))
    return table.concat(parts)
end

--- The edges whose ends are both among the first `limit` nodes (all, without it) as pairs of u32 that
--- count from 0, in one raw string; and how many they are.
function methods:ends(limit)
    local from, to, values, count = self.from, self.to, {}, 0
    limit = limit or self.nodes
    for e = 1, #from do
        if from[e] <= limit and to[e] <= limit then
            count = count + 1
            values[2 * count - 1], values[2 * count] = from[e] - 1, to[e] - 1
        end
    end
    return packed("I4", values, 2 * count), count
end

-- Edges by the node that completes them, in the file's order within each: a counting sort.
local function edges_by_last_node(self)
    local from, to, nodes = self.from, self.to, self.nodes
    local first, order = {}, {}
    for i = 1, nodes + 1 do first[i] = 0 end
    for e = 1, #from do
        local last = from[e] > to[e] and from[e] or to[e]
        first[last] = first[last] + 1
    end
    local total = 1
    for i = 1, nodes + 1 do
        total = total + first[i]
        first[i] = total
    end
    for e = 1, #from do order[e] = 0 end
    for e = #from, 1, -1 do
        local last = from[e] > to[e] and from[e] or to[e]
        first[last] = first[last] - 1
        order[first[last]] = e
    end
    return order, first
end

local GOLDEN_ANGLE = math.pi * (3 - sqrt(5))

-- A seat in a sunflower's disc, one unit of space a node: where a node without placed neighbours goes.
local function seat(i)
    local radius, angle = sqrt(i - 0.5), i * GOLDEN_ANGLE
    return radius * math.cos(angle), radius * math.sin(angle)
end

-- Beside the middle of the neighbours that are placed; hashed, so that no two start on one spot.
local function seat_near(i, near, first, px, py, placed)
    local x, y, count = 0, 0, 0
    for k = first[i], first[i + 1] - 1 do
        local j = near[k]
        if j <= placed then x, y, count = x + px[j], y + py[j], count + 1 end
    end
    if count == 0 then return seat(i) end
    local angle, radius = 2 * math.pi * unit(i), 0.5 + unit(-i)
    return x / count + radius * math.cos(angle), y / count + radius * math.sin(angle)
end

local function refresh(px, py, positions, placed)
    for j = 1, math.min(#positions, placed) do px[j], py[j] = positions:get(j) end
end

local function place(self, state, start, stop)
    local near, first = self:neighbours()
    local px, py = state.px, state.py
    for i = start, stop do
        if start == 1 then
            px[i], py[i] = seat(i)
        else -- those of the same batch count once they sit: i - 1 of them do
            px[i], py[i] = seat_near(i, near, first, px, py, i - 1)
        end
    end
end

local function node_columns(self, state, start, stop)
    local degree, xy, mass = self:degrees(), {}, {}
    for i = start, stop do
        local k = i - start + 1
        xy[2 * k - 1], xy[2 * k], mass[k] = state.px[i], state.py[i], 1 + degree[i]
    end
    return {
        position = packed("f", xy, 2 * (stop - start + 1)),
        mass = packed("f", mass, stop - start + 1),
    }
end

local function edge_columns(self, state, start, stop)
    local order, first = state.order, state.first
    local ends, weights, count = {}, {}, 0
    for k = first[start], first[stop + 1] - 1 do
        local e = order[k]
        count = count + 1
        ends[2 * count - 1], ends[2 * count] = self.from[e] - 1, self.to[e] - 1
        weights[count] = self.weights and self.weights[e]
    end
    return { ends = packed("I4", ends, 2 * count) }, count,
        self.weights and packed("f", weights, count) or nil
end

--- A function that hands out the graph `n` nodes at a time (0: all at once), in the order of first
--- appearance, and nil at the end. A batch is { nodes = columns, edges = columns, node_count,
--- edge_count, weights }: columns are raw strings by member name, ready for a group's `append`. An
--- edge comes with the later of its ends. Given a view of the positions so far, new nodes start
--- beside where their neighbours are now; otherwise beside where those started.
function methods:batches(n)
    n = math.tointeger(n or 0)
    if not n or n < 0 then error("batches needs how many nodes at a time, 0 for all", 2) end
    local size = n == 0 and self.nodes or n
    local state = { px = {}, py = {} }
    state.order, state.first = edges_by_last_node(self)
    local placed = 0
    return function(positions)
        if placed == self.nodes then return nil end
        local start, stop = placed + 1, math.min(placed + size, self.nodes)
        if positions then refresh(state.px, state.py, positions, placed) end
        place(self, state, start, stop)
        local edges, edge_count, weights = edge_columns(self, state, start, stop)
        placed = stop
        return {
            nodes = node_columns(self, state, start, stop), node_count = stop - start + 1,
            edges = edges, edge_count = edge_count, weights = weights,
        }
    end
end

-- ---- Quality ---------------------------------------------------------------------------------

-- Coordinates of every node as one array an axis, whatever the positions came in.
local function axes(self, positions)
    local x, y, z = {}, {}, {}
    if type(positions) == "table" and type(positions[1]) == "number" then
        for i = 1, self.nodes do x[i], y[i] = positions[2 * i - 1], positions[2 * i] end
    elseif type(positions) == "table" then
        for i = 1, math.min(self.nodes, #positions) do x[i], y[i], z[i] = unpack(positions[i]) end
    else
        for i = 1, math.min(self.nodes, #positions) do x[i], y[i], z[i] = positions:get(i) end
    end
    if #x < self.nodes or #y < self.nodes then
        error(("%d positions for %d nodes"):format(math.min(#x, #y), self.nodes), 3)
    end
    return x, y, z
end

-- Distinct nodes, the same for the same seed: the front of a hashed shuffle.
local function sample(count, nodes, seed)
    local swapped, chosen = {}, {}
    for k = 1, math.min(count, nodes) do
        local other = k + floor(unit(seed * 0x10001 + k) * (nodes - k + 1))
        chosen[k] = swapped[other] or other
        swapped[other] = swapped[k] or k
    end
    return chosen
end

-- What a layout with no idea would give: hashed positions in a square.
local function random_axes(nodes, seed)
    local x, y = {}, {}
    for i = 1, nodes do x[i], y[i] = unit(seed << 32 | 2 * i), unit(seed << 32 | 2 * i + 1) end
    return x, y, {}
end

-- 1 - (sum r)^2 / (|P| sum r^2), r = |xi - xj| / dij over the pairs of a pivot and a node it reaches.
local function scaled_stress(pivots, x, y, z)
    local sum, squares, count = 0, 0, 0
    for _, pivot in ipairs(pivots) do
        local px, py, pz, distance = x[pivot.node], y[pivot.node], z[pivot.node] or 0, pivot.distance
        for j = 1, #distance do
            local d = distance[j]
            if d > 0 then
                local dx, dy, dz = x[j] - px, y[j] - py, (z[j] or 0) - pz
                local r = sqrt(dx * dx + dy * dy + dz * dz) / d
                sum, squares, count = sum + r, squares + r * r, count + 1
            end
        end
    end
    if count == 0 then return 0 end
    if squares == 0 then return 1 end -- everything on one spot tells nothing
    return 1 - sum * sum / (count * squares)
end

local function quality_options(options)
    options = options or {}
    local seed, count = math.tointeger(options.seed or 1), math.tointeger(options.pivots or 50)
    if not seed then error("the option seed is a whole number", 3) end
    if not count or count < 1 then error("the option pivots is a whole number, at least 1", 3) end
    return seed, count
end

local function choose_pivots(self, seed, count)
    local pivots = {}
    for k, node in ipairs(sample(count, self.nodes, seed)) do
        pivots[k] = { node = node, distance = self:bfs(node) }
    end
    return pivots
end

--- Scale-normalised stress of a layout, 0 to 1, over breadth-first distances from sampled pivots, and
--- that of random positions beside it. `positions` is a view, a flat list or a list of points; options
--- are `pivots` (50) and `seed` (1).
function methods:stress(positions, options)
    local seed, count = quality_options(options)
    local x, y, z = axes(self, positions)
    local pivots = choose_pivots(self, seed, count)
    return scaled_stress(pivots, x, y, z), scaled_stress(pivots, random_axes(self.nodes, seed))
end

--- The stress of random positions alone, with the same pivots as `stress` of the same options.
function methods:random_stress(options)
    local seed, count = quality_options(options)
    return scaled_stress(choose_pivots(self, seed, count), random_axes(self.nodes, seed))
end

return graph
