-- SPDX-License-Identifier: MIT
-- DIMACS: "p edge 4 3", then "e 1 2" a line; of shortest paths "p sp", then "a 1 2 7". Node i is node i.

local counted = require "gpumm.graph.counted"
local kinds = require "gpumm.columns.kinds"
local native = require "gpumm.layout.native"
local text = require "gpumm.columns.text"

-- The problem line: its kind, its numbers as digits, its line's number, where the next line begins.
local function problem_of(head)
    local at, line = 1, 1
    while at <= #head do
        local content, past = head:match("^([^\r\n]*)\r?\n?()", at)
        local kind, nodes, edges = content:match "^%s*p%s+(%a+)%s+(%d+)%s+(%d+)%s*$"
        if kind then return kind, nodes, edges, line, past end
        if content:find "%S" and not content:find "^%s*c%f[^%w]" or past == at then return nil end
        at, line = past, line + 1
    end
end

local LETTERS = { edge = "e", edges = "e", col = "e", sp = "a", max = "a", min = "a", asn = "a" }
local EDGE = { e = "e ROW ROW", a = "a ROW ROW NUMBER" }

local function read(input)
    local kind, nodes, promised, line, at = problem_of(input.head)
    local letter = LETTERS[kind]
    if not letter then text.fail(input.path, line, "DIMACS of the kind %q is no graph", kind) end
    nodes, promised = counted.nodes(input, line, nodes), counted.number(input, line, promised, "edges")
    local index = { kind = "index", required = true, least = 1, most = nodes }
    local list = { { kind = "literal", literal = letter, required = true }, index, index,
        letter == "a" and { kind = "f64", required = true } or { kind = "absent" } }
    local d = { delimiter = " ", skipped = "cpnvdxl", newline = input.head:find("\n", 1, true) and "\n" or "\r" }
    local function columns()
        return native.columns(input.source, at, line + 1, d, list, input.options.threads or 0, "reading " .. input.path)
    end
    local rows, fault, fault_line, _, said = columns()
    if fault == "extra" then
        list[4].kind = kinds.PRESENT.absent
        rows, fault, fault_line, _, said = columns()
    end
    if not rows then
        if fault == "range" then text.fail(input.path, fault_line, "DIMACS: %q is not a node from 1 to %d", said, nodes) end
        if fault == "number" then
            text.fail(input.path, fault_line, "DIMACS: the weight %q is not %s", said, kinds.not_weight(said))
        end
        if fault == "memory" then error(input.path .. ": there is not enough memory to read it", 0) end
        text.fail(input.path, fault_line, "DIMACS: expected '%s', found %q", EDGE[letter], said)
    end
    local flags = fault_line
    input.rows, input.from, input.to, input.weight, input.weighted = rows, 2, 3, 4, flags.given[4]
    input.names = native.texts(nodes)
    if #rows ~= promised and 2 * #rows ~= promised and #rows ~= 2 * promised then -- some count, or have, both directions
        native.say(("%s: %d edges are promised, and %d are there"):format(input.path, promised, #rows))
    end
    return input
end

return { is = function(head) return problem_of(head) ~= nil end, read = read }
