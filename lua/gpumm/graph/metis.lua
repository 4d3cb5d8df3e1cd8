-- SPDX-License-Identifier: MIT
-- METIS: a line of neighbours for every node, behind a line that counts both. Line i is node i.

local counted = require "gpumm.graph.counted"
local kinds = require "gpumm.columns.kinds"
local native = require "gpumm.layout.native"
local text = require "gpumm.columns.text"

local fail = text.fail

-- The first line that is no comment: its numbers (the largest there is for those that are larger), its number, where the next
-- one begins, and what stands there.
local function header_of(head)
    local at, line = 1, 1
    while at <= #head do
        local content, past = head:match("^([^\r\n]*)\r?\n?()", at)
        if not content:find "^%s*%%" and content:find "%S" then
            local numbers = {}
            for word in content:gmatch "%S+" do
                if not word:find "^%d+$" then return nil end
                numbers[#numbers + 1] = math.tointeger(tonumber(word)) or math.maxinteger
            end
            if #numbers < 2 or #numbers > 4 then return nil end
            return numbers, line, past, content
        end
        if past == at then return nil end
        at, line = past, line + 1
    end
end

-- Only an ending says that it is one: such a file looks like an edge list, and is tried before it is taken for one.
local function is_metis(head, ending)
    if ending ~= "graph" and ending ~= "metis" then return false end
    return header_of(head) ~= nil
end

local function refuse(path, nodes, edges, fault, line, said)
    if fault == "header" then fail(path, line, "METIS: the first line counts more than can be: %q", said) end
    if fault == "number" then fail(path, line, "METIS: %q is not %s", said, kinds.not_weight(said)) end
    if fault == "range" then fail(path, line, "METIS: %q is not a node from 1 to %d", said, nodes) end
    if fault == "short" then fail(path, line, "METIS: a number is missing here") end
    if fault == "lines" then fail(path, line, "METIS: there is not one line for each of the %d nodes", nodes) end
    fail(path, line, "METIS: %d edges are promised, and there are not twice as many neighbours", edges)
end

--- Nothing, or the fault where the source is none after all.
local function try(input)
    local numbers, line, at, content = header_of(input.head)
    local format = content:match "^%s*%d+%s+%d+%s+(%d+)" or "0"
    if not format:find "^[01][01]?[01]?$" then return "number", line, format end
    format = ("000" .. format):sub(-3)
    local sizes, weights = format:sub(1, 1) == "1" and 1 or 0, format:sub(2, 2) == "1" and (numbers[4] or 1) or 0
    local newline = input.head:find("\n", 1, true) and "\n" or "\r"
    local weighted = format:sub(3, 3) == "1"
    if numbers[1] > counted.MOST or numbers[2] > 1 << 40 or weights > 900 then return "header", line, content end
    local rows, fault, fault_line, said = native.metis(input.source, at, line + 1, newline, numbers[1], 2 * numbers[2],
        sizes + weights, weighted)
    if not rows then return fault, fault_line, said end
    input.rows, input.from, input.to, input.weight, input.weighted = rows, 1, 2, 3, weighted
    input.names = native.texts(numbers[1])
end

local function read(input)
    local numbers, line, _, content = header_of(input.head)
    if not numbers then fail(input.path, 1, "METIS: the first line counts nodes and edges") end
    local nodes, edges = content:match "(%d+)%s+(%d+)"
    counted.nodes(input, line, nodes)
    counted.number(input, line, edges, "edges")
    local fault, fault_line, said = try(input)
    if fault then refuse(input.path, numbers[1], numbers[2], fault, fault_line or line, said or "") end
    return input
end

--- Integers alone could be METIS: does the first line count what follows, and has every edge its opposite? Then it is.
local function is_by_counts(input)
    local numbers = header_of(input.head)
    local size = #input.source
    if not numbers or numbers[1] < 1 or numbers[2] < 1 or size < numbers[1] or size // 4 < numbers[2] then return false end
    local copy = setmetatable({}, { __index = input })
    if try(copy) then return false end
    local _, duplicates, opposite = native.merge(copy.rows, numbers[1], 1, 2, 0, 0, "sum", 1)
    return opposite and duplicates == numbers[2]
end

return { is = is_metis, is_by_counts = is_by_counts, read = read }
