-- SPDX-License-Identifier: MIT
-- What every reader of graphs shares: the file's text, nodes by name, edges, and what was dropped. Self-loops and
-- duplicates are dropped and counted; a file that makes no sense raises "FILE:LINE: what is wrong".

local gpumm = require "gpumm"

local input = {}

local find, sub = string.find, string.sub

--- Raises "PATH:LINE: message".
function input.fail(path, line, message, ...)
    error(("%s:%d: " .. message):format(path, line, ...), 0)
end

--- The whole file, inflated where it is gzip'd.
function input.read_file(path)
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

--- The line that begins at `position`, and where the next one does.
function input.line_at(text, position)
    local stop = find(text, "\n", position, true)
    local line = sub(text, position, (stop or #text + 1) - 1):gsub("\r$", "")
    return line, (stop or #text) + 1
end

--- What is being read: nodes by name, edges, and what was dropped.
function input.new(path)
    return {
        path = path, names = {}, index = {}, labels = {}, from = {}, to = {}, weights = {},
        seen = {}, loops = 0, duplicates = 0, weighted = false,
    }
end

--- The weight that a third column holds; 1 where it is empty or a comment.
function input.weight_of(of, line, text)
    local first = sub(text, 1, 1)
    if first == "" or first == "#" or first == "%" then return 1 end
    local weight = tonumber(text)
    if not weight then input.fail(of.path, line, "the weight %q is not a number", text) end
    if weight - weight ~= 0 then input.fail(of.path, line, "the weight %q is not finite", text) end
    of.weighted = true
    return weight
end

--- The first function returned adds one edge, the second a node, whose number it returns. Everything that the first
--- touches is a local: it runs once a line.
function input.edge_adder(of)
    local names, index, seen = of.names, of.index, of.seen
    local from, to, weights = of.from, of.to, of.weights
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
            of.loops = of.loops + 1
            return
        end
        local key = i < j and i << 32 | j or j << 32 | i
        if seen[key] then
            of.duplicates = of.duplicates + 1
            return
        end
        seen[key] = true
        edges = edges + 1
        from[edges], to[edges], weights[edges] = i, j, weight
    end, function(name)
        if not index[name] then
            nodes = nodes + 1
            names[nodes], index[name] = name, nodes
        end
        return index[name]
    end
end

--- Reading some formats takes more than Lua, which scripts that are contained have not.
function input.refuse_contained(path, what)
    if not io.popen then
        error(("%s: a contained script reads edge lists and Matrix Market files; %s"):format(path, what), 0)
    end
end

return input
