-- SPDX-License-Identifier: MIT
-- How long the formats take that list nodes and edges one by one: microseconds of CPU time for each node or edge, at two
-- sizes, the second ten times the first. "plain" files have what a graph needs, "full" ones labels, weights and
-- attributes beside; others have what a program writes besides.
--     gpumm-run spec/bench/formats_bench.lua FOLDER [NODES [FORMAT]]

local gpumm = require "gpumm"

local folder, least, only = arg[1] or "/tmp", math.tointeger(tonumber(arg[2] or 10000)), arg[3]
local EDGES = 1 -- for each node: nodes have more to read than edges

-- What comes first, a node, what is between, an edge, the end. I is the item's number, A and B are an edge's ends, X is a
-- number with a fraction, N the number of nodes.
local XML = '<?xml version="1.0" encoding="UTF-8"?>\n'
local KEY = '<key id="%s" for="%s" attr.name="%s" attr.type="%s"/>'
local formats = {
    { "graphml", "plain", XML .. "<graphml><graph>\n", '<node id="nI"/>\n', "", '<edge source="nA" target="nB"/>\n',
        "</graph></graphml>\n" },
    { "graphml", "full", XML .. "<graphml>" .. KEY:format("d0", "node", "label", "string")
        .. KEY:format("d1", "node", "size", "double") .. KEY:format("d2", "edge", "weight", "double") .. "<graph>\n",
        '  <node id="nI">\n    <data key="d0">node I</data>\n    <data key="d1">X</data>\n  </node>\n', "",
        '  <edge source="nA" target="nB">\n    <data key="d2">X</data>\n  </edge>\n', "</graph></graphml>\n" },
    { "graphml", "latin", '<?xml version="1.0" encoding="ISO-8859-1"?>\n<graphml>' .. KEY:format("d0", "node", "label", "string")
        .. KEY:format("d2", "edge", "weight", "double") .. "<graph>\n",
        '  <node id="nI">\n    <data key="d0">caf\233 &amp; I</data>\n  </node>\n', "",
        '  <edge source="nA" target="nB">\n    <data key="d2">X</data>\n  </edge>\n', "</graph></graphml>\n" },
    { "graphml", "default", XML .. "<graphml>" .. (KEY:gsub("/>$", ""):format("d0", "node", "color", "string"))
        .. "><default>red</default></key>" .. (KEY:gsub("/>$", ""):format("d1", "edge", "weight", "double"))
        .. "><default>2</default></key><graph>\n", '  <node id="nI"/>\n', "", '  <edge source="nA" target="nB"/>\n',
        "</graph></graphml>\n" },
    { "graphml", "yed", XML .. '<graphml><key for="node" id="d6" yfiles.type="nodegraphics"/>'
        .. '<key for="edge" id="d10" yfiles.type="edgegraphics"/><graph>\n',
        '  <node id="nI"><data key="d6"><y:ShapeNode><y:Geometry height="30.0" width="30.0" x="X" y="I.5"/>'
        .. '<y:Fill color="#FFCC00" transparent="false"/><y:BorderStyle color="#000000" type="line" width="1.0"/>'
        .. '<y:NodeLabel alignment="center" fontFamily="Dialog" fontSize="12" textColor="#000000" visible="true">node I'
        .. "</y:NodeLabel>"
        .. '<y:Shape type="rectangle"/></y:ShapeNode></data></node>\n', "",
        '  <edge source="nA" target="nB"><data key="d10"><y:PolyLineEdge><y:EdgeLabel>knows</y:EdgeLabel></y:PolyLineEdge></data>'
        .. "</edge>\n", "</graph></graphml>\n" },
    { "gexf", "plain", XML .. "<gexf><graph><nodes>\n", '<node id="I"/>\n', "</nodes><edges>\n",
        '<edge source="A" target="B"/>\n', "</edges></graph></gexf>\n" },
    { "gexf", "full", XML .. '<gexf><graph><attributes class="node"><attribute id="0" title="size" type="double"/>'
        .. "</attributes><nodes>\n", '  <node id="I" label="node I">\n    <attvalues>\n      <attvalue for="0" value="X"/>\n'
        .. '    </attvalues>\n    <viz:position x="X" y="I.5"/>\n  </node>\n', "</nodes><edges>\n",
        '  <edge id="I" source="A" target="B" weight="X"/>\n', "</edges></graph></gexf>\n" },
    { "gml", "plain", "graph [\n", "node [ id I ]\n", "", "edge [ source A target B ]\n", "]\n" },
    { "gml", "full", "graph [\n  directed 0\n", '  node [\n    id I\n    label "node I"\n    size X\n  ]\n', "",
        "  edge [\n    source A\n    target B\n    value X\n  ]\n", "]\n" },
    { "gml", "entity", "graph [\n  directed 0\n", '  node [\n    id I\n    label "caf&#233; &amp; I"\n  ]\n', "",
        "  edge [\n    source A\n    target B\n    value X\n  ]\n", "]\n" },
    { "pajek", "plain", "*Vertices N\n", 'I "nI"\n', "*Edges\n", "A B\n", "" },
    { "pajek", "full", "*Vertices N\n", 'I "node I" X 0.2500 ellipse\n', "*Edges\n", "A B X\n", "" },
}

local function write(path, format, nodes)
    local file = assert(io.open(path, "wb"))
    local state = 88172645463325252
    local values = { N = nodes }
    local function number()
        state = state ~ state << 13
        state = state ~ state >> 7
        state = state ~ state << 17
        return 1 + (state >> 11) % nodes
    end
    local function put(text, count)
        for i = 1, count do
            values.I, values.A, values.B, values.X = i, number(), number(), ("%.4f"):format(number() / nodes)
            file:write((text:gsub("%f[%u][ABIXN]%f[%A]", values):gsub("n([ABI])%f[%A]", function(k) return "n" .. values[k] end)))
        end
    end
    file:setvbuf("full", 1 << 20)
    put(format[3], 1)
    put(format[4], nodes)
    file:write(format[5])
    put(format[6], EDGES * nodes)
    file:write(format[7])
    file:close()
end

-- The best of three, for what else runs on the machine only adds.
local function microseconds(path, nodes)
    local best = math.huge
    for _ = 1, 3 do
        collectgarbage()
        local start = os.clock()
        local g <const> = gpumm.graph.read(path)
        best = math.min(best, os.clock() - start)
        assert(g.nodes == nodes)
    end
    return best * 1e6 / (nodes * (1 + EDGES))
end

for _, format in ipairs(formats) do
    if not only or only == format[1] then
        local shown = {}
        for k, nodes in ipairs { least, 10 * least } do
            local path = ("%s/bench-%s.%s"):format(folder, format[2], format[1])
            write(path, format, nodes)
            shown[k] = ("%5.2f us (%d nodes, %d edges)"):format(microseconds(path, nodes), nodes, EDGES * nodes)
            os.remove(path)
        end
        print(("%-8s %-6s %s"):format(format[1], format[2], table.concat(shown, "  ")))
    end
end
