-- SPDX-License-Identifier: MIT
-- What kinds of values a column of text could hold, and what is said where it does not.

local text = require "gpumm.columns.text"

local kinds = {}

--- What a column becomes that is not as narrow as it looked.
kinds.WIDER = { i64 = "f64", f64 = "name" }

--- What a column is that nothing was seen of, once there is something.
kinds.PRESENT = { absent = "f64" }

--- What `value` could be: "i64", "f64" or "name"; nil: nothing is there.
function kinds.of(value, d)
    if value == "" then return nil end
    if value:find "^[-+]?%d+$" then return math.type(tonumber(value)) == "integer" and "i64" or "f64" end
    local number = d.comma and value:gsub(d.comma, ".", 1) or value
    local plain = number:find "^[-+]?[%d.]+$" or number:find "^[-+]?[%d.]+[eE][-+]?%d+$"
    return plain and tonumber(number) and "f64" or "name"
end

--- The narrowest kind that the column has in all rows from `first` on.
function kinds.of_column(rows, first, i, d)
    local kind
    for k = first, #rows do
        local row = rows[k]
        local here = row[i] and kinds.of(row[i], d)
        if here == "name" or not kind then kind = here or kind
        elseif here == "f64" and kind == "i64" then kind = "f64" end
        if kind == "name" then break end
    end
    return kind or "name"
end

--- What a weight is not that cannot be one.
function kinds.not_weight(value)
    local number = tonumber(value)
    return number and number - number ~= 0 and "finite" or "a number"
end

local FAULTS = {
    number = "%q is not a finite number", integer = "%q is not a whole number", quote = "a field goes on behind its quotes: %s",
    open = "a quote is not closed: %s", long = "there are more columns than in the lines before: %s",
}

--- Raises what a native reader has found wrong.
function kinds.fail(path, fault, line, said)
    if fault == "memory" then error(path .. ": there is not enough memory to read it", 0) end
    text.fail(path, line, FAULTS[fault] or "this line is not like the others: %s", said)
end

return kinds
