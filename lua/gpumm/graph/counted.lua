-- SPDX-License-Identifier: MIT
-- What a file says that it counts. Nodes without edges are nodes, and take no bytes in formats that count them: a file of a few
-- bytes could ask for all memory there is. So more nodes than these need are believed only where the file has as many bytes.

local text = require "gpumm.columns.text"

local counted = {}

--- The most nodes that a graph has.
counted.MOST = 0x7ffffffe

local BELIEVED = 1 << 24

--- The number that the digits `word` say in line `line`; `what` is counted.
function counted.number(input, line, word, what)
    local count = math.tointeger(tonumber(word))
    return count or text.fail(input.path, line, "%s %s are more than can be counted", word, what)
end

--- The same of all nodes.
function counted.nodes(input, line, word)
    local count = counted.number(input, line, word, "nodes")
    if count > counted.MOST then
        text.fail(input.path, line, "%d nodes are more than a graph can have, which is %d", count, counted.MOST)
    end
    if count > BELIEVED and count > #input.source then
        text.fail(input.path, line, "%d nodes cannot be in a file of %d bytes: more than %d need a byte each", count,
            #input.source, BELIEVED)
    end
    return count
end

return counted
