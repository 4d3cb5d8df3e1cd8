-- SPDX-License-Identifier: MIT
-- Edge lists: two names a line, perhaps a weight.

local input_of = require "gpumm.graph.input"

local fail, line_at, weight_of, edge_adder = input_of.fail, input_of.line_at, input_of.weight_of, input_of.edge_adder
local find, sub = string.find, string.sub

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

--- Reads the text of a whole file.
local function read_edge_list(input, text)
    local add, position, line, stop = edge_adder(input), 1, 0, #text
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

return read_edge_list
