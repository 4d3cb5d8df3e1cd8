-- SPDX-License-Identifier: MIT
-- A list of edges, read in parts: every rank looks at the beginning of the file for how it is written, and then reads the lines
-- that begin in its part of the bytes.

local gpumm = require "gpumm"
local graph_edges = require "gpumm.graph.edges"
local native = require "gpumm.layout.native"
local text = require "gpumm.columns.text"

local OTHERS = {
    { "MatrixMarket", require "gpumm.graph.matrix" }, { "GML", require "gpumm.graph.gml" },
    { "Pajek", require "gpumm.graph.pajek" }, { "DIMACS", require "gpumm.graph.dimacs" },
    { "DOT", require "gpumm.graph.dot" }, { "SIF", require "gpumm.graph.sif" }, { "METIS", require "gpumm.graph.metis" },
}

-- What looks like another format is not guessed to be a list of edges.
local function check_format(path, head)
    local ending, is = path:lower():gsub("%.gz$", ""):match "%.(%w+)$", head:find "^%s*<[!?]" and "XML"
    for _, other in ipairs(OTHERS) do
        if not is and other[2].is(head, ending) then is = other[1] end
    end
    if is then error(("%s: this is %s; only lists of edges are read in parts"):format(path, is), 0) end
end

-- Every rank's outcome is known to all: the first error, in the order of the file, is everyone's.
local function agree(world, ok, message)
    local said, why = world.collect(ok and "" or tostring(message))
    if not said then error(why, 0) end
    for _, one in ipairs(said) do
        if one ~= "" then error(one, 0) end
    end
end

-- How many lines the ranks before this one have.
local function lines_before(world, lines)
    local said, why = world.collect(tostring(lines))
    if not said then error(why, 0) end
    local before = 0
    for r = 1, world.rank do before = before + math.tointeger(said[r]) end
    return before
end

local function open(path, options)
    local all = { share = true }
    for key, value in pairs(options or {}) do all[key] = value end
    local source, head = text.open(path, "the edges", all)
    check_format(path, head)
    return { path = path, source = source, head = head, options = all }
end

-- What this rank keeps of the file; the number of its first line.
local function sharing(world, input, parts)
    return function(at, line, newline)
        parts.lines = input.source:share(at, world.rank, world.size, newline)
        return 1, line + lines_before(world, parts.lines)
    end
end

local function check(world, input)
    if input.source:find_zero() then error(input.path .. " is not a text file: it contains zero bytes", 0) end
    if input.two_kinds and world.size > 1 then
        error(input.path .. ": a bipartite graph is read by one rank: its kinds are numbered apart", 0)
    end
end

local function read(world, input, parts)
    input.share = sharing(world, input, parts)
    graph_edges.read(input)
    check(world, input)
end

-- A weight that some part has is a column on every rank; where it is missing it is NaN, as in one part.
local function weight_of(world, input)
    local said, why = world.collect(input.weighted and "yes" or "")
    if not said then error(why, 0) end
    if not table.concat(said):find "yes" then return nil end
    if input.weighted then return input.rows:view(input.weight) end
    local weight = gpumm.view("f64", #input.rows)
    for i = 1, #weight do weight[i] = 0 / 0 end
    return weight
end

return function(world, path, options)
    local opened, input = pcall(open, path, options)
    agree(world, opened, input)
    local parts = {}
    local ok, message = pcall(read, world, input, parts)
    if not ok and not parts.lines then lines_before(world, 0) end -- the others are there
    agree(world, ok, message)
    local numbers, nodes = world.number(input.names)
    local made = { nodes = nodes, names = input.names, number = numbers, weight = weight_of(world, input),
        from = native.gather(numbers, input.rows:view(input.from)), to = native.gather(numbers, input.rows:view(input.to)) }
    input.source:close()
    return made
end
