-- SPDX-License-Identifier: MIT
-- Matrix Market files: a square coordinate matrix is a graph. Row i is node i.

local counted = require "gpumm.graph.counted"
local kinds = require "gpumm.columns.kinds"
local native = require "gpumm.layout.native"
local text = require "gpumm.columns.text"

local fail = text.fail
local FIELDS = { pattern = 2, real = 3, double = 3, integer = 3, ["unsigned-integer"] = 3 }
local SYMMETRIES = { general = true, symmetric = true, ["skew-symmetric"] = true }

local DIALECT = { delimiter = " ", comments = "%", exact = true }

-- The line at byte `at` of the head, and where the next one begins.
local function line_at(head, at)
    local stop = head:find("[\r\n]", at) or #head + 1
    local past = head:sub(stop, stop + 1) == "\r\n" and stop + 2 or stop + 1
    return head:sub(at, stop - 1), math.min(past, #head + 1)
end

local function matrix_columns(path, header, line)
    local object, format, field, symmetry =
        header:lower():match "^%s*%%+%s*matrixmarket%s+(%S+)%s+(%S+)%s+(%S+)%s+(%S+)%s*$"
    if object ~= "matrix" or format ~= "coordinate" then
        fail(path, line, "a graph is a 'matrix coordinate' in MatrixMarket, this is %q", header)
    end
    if not FIELDS[field] then fail(path, line, "the field %q is not one of pattern, real, integer", field) end
    if not SYMMETRIES[symmetry] then
        fail(path, line, "the symmetry %q is not one of general, symmetric, skew-symmetric", symmetry)
    end
    return FIELDS[field]
end

local function matrix_size(input, line, content)
    local rows, columns, entries = content:match "^%s*(%d+)%s+(%d+)%s+(%d+)%s*$"
    if not rows then fail(input.path, line, "expected 'rows columns entries', found %q", content:sub(1, 60)) end
    rows, columns = counted.number(input, line, rows, "rows"), counted.number(input, line, columns, "columns")
    if rows ~= columns then
        fail(input.path, line, "a graph's matrix is square, this one has %d rows and %d columns", rows, columns)
    end
    return counted.nodes(input, line, rows), counted.number(input, line, entries, "entries")
end

local function refuse(path, width, rows, fault, line, said)
    if fault == "memory" then error(path .. ": there is not enough memory to read it", 0) end
    if fault == "range" then fail(path, line, "%q is not a node from 1 to %d", said, rows) end
    if fault == "long" or fault == "short" then
        local words = select(2, said:gsub("%S+", ""))
        if words >= 2 then fail(path, line, "an entry here has %d columns", width) end
    end
    if fault == "number" then fail(path, line, "the weight %q is not %s", said, kinds.not_weight(said)) end
    fail(path, line, "expected 'row column%s', found %q", width == 2 and "" or " value", said)
end

local function whole_line(input, at, first, line, said)
    local found = native.fields(input.source, at, DIALECT, line - first + 1)
    for _, row in ipairs(found) do
        if row.line == line - first + 1 then return table.concat(row, " ") end
    end
    return said
end

local function check_count(input, at, line, count, entries)
    if count > entries then
        local extra = native.row_line(input.source, at, DIALECT, entries + 1)
        fail(input.path, line + extra - 1, "more than the %d entries promised", entries)
    elseif count < entries then
        local last = input.head:sub(at):find "[^\r\n]" and count > 0
            and native.row_line(input.source, at, DIALECT, count) or 0
        fail(input.path, line + last - 1, "the file ends after %d of the %d entries promised", count, entries)
    end
end

--- Is this its beginning? Also with one % or blanks before it.
local function is_matrix(head) return head:find "^%s*%%+%s*[Mm][Aa][Tt][Rr][Ii][Xx][Mm][Aa][Rr][Kk][Ee][Tt]%f[%A]" end

local function read(input)
    local path, head = input.path, input.head
    local at = head:find "%S"
    local line = 1 + select(2, head:sub(1, at):gsub("\n", ""))
    local content
    content, at = line_at(head, at)
    local width = matrix_columns(path, content, line)
    repeat
        if at > #head then fail(path, line, "the file ends before its size line") end
        content, at = line_at(head, at)
        line = line + 1
    until not content:find "^%s*%%" and not content:find "^%s*$"
    local rows, entries = matrix_size(input, line, content)
    DIALECT.newline = head:find("\n", 1, true) and "\n" or "\r"
    local index = { kind = "index", required = true, least = 1, most = rows }
    local list = { index, index, width == 3 and { kind = "f64", required = true } or nil }
    local got, fault, at_line, column, said = native.columns(input.source, at, line + 1, DIALECT, list,
        input.options.threads or 0, "reading " .. path)
    if not got then
        if fault == "integer" then said = whole_line(input, at, line + 1, at_line, said) end
        refuse(path, width, rows, fault, at_line, said, column)
    end
    check_count(input, at, line + 1, #got, entries)
    input.rows, input.from, input.to, input.weight, input.weighted = got, 1, 2, 3, width == 3
    input.names = native.texts(rows)
    return input
end

return { is = is_matrix, read = read }
