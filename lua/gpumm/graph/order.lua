-- SPDX-License-Identifier: MIT
-- In which order a graph that grows node by node gets its edges.

--- The numbers of the edges in the order of the nodes that complete them, and where each node's begin (one more at the
--- end): a counting sort, in the file's order within each.
return function(graph)
    local from, to, nodes = graph.from, graph.to, graph.nodes
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
