-- SPDX-License-Identifier: MIT
-- Matrix Market files: a square coordinate matrix is a graph.

local input_of = require "gpumm.graph.input"

local fail, line_at, weight_of, edge_adder = input_of.fail, input_of.line_at, input_of.weight_of, input_of.edge_adder
local find, sub = string.find, string.sub

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

--- Reads the text of a whole file.
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

return read_matrix_market
