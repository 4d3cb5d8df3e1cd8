-- SPDX-License-Identifier: MIT
-- Small files of every format, and what must come out of each: "N nodes M edges", then names with |, weights, labels; or a
-- text that the refusal contains. Names, weights and labels that are not said are not looked at; `weights = false` means
-- that there are none.

local XML = '<?xml version="1.0" encoding="UTF-8"?>\n'
local GRAPHML = XML .. '<graphml xmlns="http://graphml.graphdrawing.org/xmlns">\n'
local PAIR = '<graph edgedefault="undirected"><node id="a"/><node id="b"/><edge source="a" target="b"/></graph></graphml>'
local GEXF = XML .. '<gexf xmlns="http://www.gexf.net/1.2draft" xmlns:viz="http://www.gexf.net/1.2draft/viz" version="1.2">\n'
local MM = "%%MatrixMarket matrix coordinate "

local function utf16(text, big)
    local out = { big and "\254\255" or "\255\254" }
    for _, c in utf8.codes(text) do
        local function unit(u) out[#out + 1] = string.pack(big and ">I2" or "<I2", u) end
        if c < 0x10000 then unit(c) else
            c = c - 0x10000
            unit(0xd800 | c >> 10)
            unit(0xdc00 | c & 0x3ff)
        end
    end
    return table.concat(out)
end

return {
    -- ---- Edge lists: what separates ------------------------------------------------------------
    { "blanks.txt", "a b\nb c\n", 3, 2, names = "a|b|c", weights = false },
    { "many-blanks.txt", "  a    b  \n\tb \t c\n", 3, 2, names = "a|b|c", weights = false },
    { "no-last-newline.txt", "a b\nb c", 3, 2 },
    { "tabs.tsv", "a\tb\nb\tc\n", 3, 2, names = "a|b|c" },
    { "tabs-with-blanks.tsv", "New York\tLos Angeles\nLos Angeles\tSan Diego\n", 3, 2,
        names = "New York|Los Angeles|San Diego" },
    { "tabs-padded.tsv", " a \t b \t 2 \nb\tc\t3\n", 3, 2, names = "a|b|c", weights = "2,3" },
    { "commas.csv", "a,b\nb,c\n", 3, 2, names = "a|b|c" },
    { "commas-and-blanks.csv", "Ada L, Charles B\nCharles B, Mary S\n", 3, 2, names = "Ada L|Charles B|Mary S" },
    { "semicolons.csv", "a;b;1.5\nb;c;2\n", 3, 2, weights = "1.5,2" },
    { "pipes.csv", "a|b\nb|c\n", 3, 2, names = "a|b|c" },
    { "mixed.txt", "a b\nc,d\ne\tf\n", 6, 3, names = "a|b|c|d|e|f" },
    { "crlf.txt", "a b 1\r\nb c 2\r\n", 3, 2, weights = "1,2" },
    { "cr.txt", "a b\rb c\r", 3, 2, names = "a|b|c" },
    { "blank-lines.txt", "\n\na b\n\n \t \nb c\n\n", 3, 2 },
    { "bom.txt", "\239\187\191a b\nb c\n", 3, 2, names = "a|b|c" },
    { "utf16-le.txt", utf16 "\u{e4} b\nb \u{1f600}\n", 3, 2, names = "\u{e4}|b|\u{1f600}" },
    { "utf16-be.csv", utf16("source,target\na,b\n", true), 2, 1, names = "a|b" },
    { "utf16-odd.txt", utf16 "a b\n" .. "x", refused = "UTF-16" },
    { "utf16-half.txt", "\255\254\0\216a\0", refused = "UTF-16" },
    { "utf16-no-mark.txt", "a\0 \0b\0\n\0", refused = "UTF-16 without a byte order mark" },
    { "latin1.txt", "caf\233 b\n", 2, 1, names = "caf\233|b" },
    { "trailing-comma.csv", "a,b,\nb,c,\n", 3, 2, weights = false },
    { "long-blanks.txt", "a" .. (" "):rep(300000) .. "b\n", 2, 1, names = "a|b" },
    { "numbers-as-names.txt", "007 7\n+7 7.0\n", 4, 2, names = "007|7|+7|7.0" },
    -- ---- Edge lists: quotes --------------------------------------------------------------------
    { "quotes.csv", '"a","b"\n"b",c\nc,a\n', 3, 3, names = "a|b|c" },
    { "quotes-with-commas.csv", '"a, or b","c"\nc,"d ""e"""\n', 3, 2, names = 'a, or b|c|d "e"' },
    { "quotes-with-lines.csv", '"a\nb",c\nc,d\n', 3, 2, names = "a\nb|c|d" },
    { "quotes-and-blanks.txt", '"a b" c\nc "d e"\n', 3, 2, names = "a b|c|d e" },
    { "quotes-padded.csv", ' "a" , "b" \n"b",c\n', 3, 2, names = "a|b|c" },
    { "quote-inside.csv", '5"10,6\n6,7\n', 3, 2, names = '5"10|6|7' },
    { "quote-open.csv", 'a,b\n"c,d\n', refused = ":2: a quote is not closed" },
    { "quote-goes-on.csv", '"a"b,c\n', refused = ":1: a field goes on behind its quotes" },
    { "quotes-empty.csv", '"",b\nb,c\n', 3, 2, names = "|b|c" },
    { "quotes-with-lines-first.tsv", '"a\nb c"\tc\nc\td\n', 3, 2, names = "a\nb c|c|d" },
    { "inches.txt", '5" x\n6" y\n', 4, 2, names = '5"|x|6"|y' },
    { "entities.csv", "a&amp;b,c\n", 2, 1, names = "a&amp;b|c" },
    { "quoted-blanks.csv", '"a' .. (" "):rep(300000) .. 'b",c\nc,d\n', 3, 2 },
    { "quoted-blanks-lines.csv", '"a' .. ("x\n"):rep(150000) .. 'b";c\nc;d\n', 3, 2 },
    { "blanks-before-delimiter.csv", "a" .. (" "):rep(300000) .. ",b\nb,c\n", 3, 2, names = "a|b|c" },
    -- ---- Edge lists: comments ------------------------------------------------------------------
    { "comments.txt", "# one\n% two\na b\n  # three\nb c\n", 3, 2 },
    { "snap.txt", "# Directed graph\n# FromNodeId\tToNodeId\n0\t1\n1\t2\n", 3, 2, names = "0|1|2" },
    { "comment-behind.txt", "a b # c\nb c 2 # d\n", 3, 2, weights = "1,2" },
    { "hashtags.tsv", "#covid\tu1\nx\tu1\n%done\tu1\n", 4, 3, names = "#covid|u1|x|%done" },
    { "hashtags-only.tsv", "#a\t#b\n#b\t#c\n", 3, 2, names = "#a|#b|#c" },
    { "hashtags-are-comments.tsv", "#covid\tu1\nx\tu1\n", 2, 1, options = { comments = true } },
    { "hashtags-are-data.tsv", "# covid\tu1\nx\tu1\n", 3, 2, names = "# covid|u1|x", options = { comments = false } },
    { "program.txt", "#!/usr/bin/python3 x\n#/home/me/x.py arg\na b\n", 2, 1 },
    { "only-comments.txt", "# a\n# b\n", refused = "the graph is empty" },
    { "only-blanks.txt", "\n \n\t\n", refused = "the graph is empty" },
    { "comment-of-signs.txt", ("#"):rep(300000) .. "\na b\n", 2, 1 },
    { "comments-long.csv", ("# a comment\n"):rep(10000) .. "a;b\nb;c\n", 3, 2, names = "a|b|c" },
    { "blank-lines-long.csv", ("\n"):rep(100000) .. "a,b\n", 2, 1, names = "a|b" },
    { "hashtag-pdf.tsv", "%PDF\tu1\nx\tu1\n", 3, 2, names = "%PDF|u1|x" },
    { "signs-are-data.tsv", "# covid\tu1\n", 2, 1, names = "# covid|u1", options = { comments = false } },
    -- ---- Edge lists: weights -------------------------------------------------------------------
    { "weights.txt", "a b 2.5\nb c -1e3\n", 3, 2, weights = "2.5,-1000" },
    { "weights-some.txt", "a b 2\nb c\n", 3, 2, weights = "2,1" },
    { "weights-sum.txt", "a b 1\nb a 2\na b 3\nb c 1\n", 3, 2, weights = "6,1" },
    { "weights-least.txt", "a b 3\nb a 2\nb c 5\n", 3, 2, weights = "2,5", options = { weights = "length" } },
    { "weights-opposite.txt", "a b 3\nb a 3\nb c 5\nc b 5\n", 3, 2, weights = "3,5" },
    { "weights-not-opposite.txt", "a b 3\nb a 3\nb c 5\n", 3, 2, weights = "6,5" },
    { "weights-not-read.txt", "a b x\nb c y\n", 3, 2, weights = false, options = { weights = false } },
    { "duplicates-counted.txt", "a b\nb a\na b\nb c\n", 3, 2, weights = "3,1", options = { duplicates = "count" } },
    { "weight-word.txt", "a b heavy\n", refused = ':1: the weight "heavy" is not a number' },
    { "weight-infinite.txt", "a b 1e999\n", refused = ':1: the weight "1e999" is not finite' },
    { "weights-large-least.txt", "a b 1e308\na b 1.5e308\n", 2, 1, weights = "1e308", options = { weights = "length" } },
    { "weight-nan.txt", "a b 1\nb c nan\n", refused = ':2: the weight "nan" is not a number' },
    { "weight-hexadecimal.txt", "a b 0x10\n", refused = ':1: the weight "0x10" is not a number' },
    { "weight-comma.tsv", "1\t2\t1,5\n2\t3\t0,5\n", refused = 'the weight "1,5" is not a number' },
    { "weight-comma-blanks.txt", "1 2 1,5\n2 3 0,5\n", refused = 'the weight "1,5" is not a number' },
    { "weight-comma-told.tsv", "1\t2\t1,5\n2\t3\t0,5\n", 3, 2, weights = "1.5,0.5", options = { decimal = "," } },
    { "weight-digits.txt", "a b 0.1\nb c 123456789012345678\nc d 2.2250738585072014e-308\n", 4, 3,
        weights = "0.1,123456789012345678,2.2250738585072014e-308" },
    { "loops.txt", "a a\na b\nb b 3\n", 2, 1, loops = 2 },
    { "third-column-passed.txt", "a b 1 1290000000\nb c 2 1290000001\n", 3, 2, weights = "1,2" },
    { "one-name.txt", "a b\nlonely\n", refused = ':2: an edge needs two names, this line has one: "lonely"' },
    { "no-target.csv", "x,,3\na,b,2\n", refused = ":1: an edge needs two names" },
    { "no-source.csv", "a,b,2\n,b,3\n", refused = ":2: an edge needs two names" },
    -- ---- Headers -------------------------------------------------------------------------------
    { "header.csv", "source,target\nnode1,node2\nnode2,node3\n", 3, 2, names = "node1|node2|node3" },
    { "header-gephi.csv", "Source,Target,Type,Id,Label,Weight\n0,1,Undirected,0,,1.0\n1,2,Undirected,1,,2.5\n", 3, 2,
        weights = "1,2.5", names = "0|1|2" },
    { "header-order.csv", "weight,to,from\n2,b,a\n3,c,b\n", 3, 2, weights = "2,3" },
    { "header-snap.tsv", "FromNodeId\tToNodeId\n1\t2\n", 2, 1, names = "1|2" },
    { "header-pandas.csv", ",source,target\n0,a,b\n1,b,c\n", 3, 2, names = "a|b|c" },
    { "header-quoted.csv", '"Source";"Target"\n"k 1";"k 2"\n', 2, 1, names = "k 1|k 2" },
    { "header-numbers.csv", "x,y\n1,2\n2,3\n", 3, 2, names = "1|2|3" },
    { "header-told.csv", "who,whom\na,b\n", 2, 1, options = { columns = { source = "who", target = "whom" } } },
    { "header-by-number.csv", "9,a,b\n8,b,c\n", 3, 2, names = "a|b|c", options = { columns = { source = 2, target = 3 } } },
    { "header-none.csv", "source,target\na,b\n", 4, 2, options = { header = false } },
    { "header-commented.txt", "#source target\na b\n", 2, 1, names = "a|b" },
    { "header-unknown.csv", "a,b\n", refused = 'there is no column "x"',
        options = { columns = { source = "x", target = "b" } } },
    { "header-alone.csv", "source,target\n", refused = "the graph is empty" },
    { "header-weight-word.csv", "source,target,weight\na,b,x\n", refused = ':2: the weight "x" is not a number' },
    { "header-or-node.csv", "node1,node2\nnode2,node3\nnode3,node1\n", 3, 3, names = "node1|node2|node3" },
    { "header-or-words.txt", "from to 12\nto be 9\n", 3, 2, names = "from|to|be", weights = "12,9" },
    { "header-year.csv", "source,target,1990\na,b,2\n", 2, 1, names = "a|b", weights = false },
    { "header-measure.csv", "person1,person2,weight\nAnn,Bob,5\nBob,Cy,6\n", 3, 2, names = "Ann|Bob|Cy", weights = "5,6" },
    { "header-score.tsv", "protein1 protein2 combined_score\nP.A P.B 490\nP.B P.C 198\n", 3, 2, names = "P.A|P.B|P.C",
        weights = "490,198" },
    { "header-measure-later.csv", "who,whom,kind,score\nAnn,Bob,x,5\nBob,Cy,y,6\n", 3, 2, weights = "5,6" },
    { "header-no-measure.csv", "a,b,weight\na,c,x\n", refused = ':1: the weight "weight" is not a number' },
    { "header-not-by-number.csv", "x,y,1\n", 2, 1, names = "x|y", weights = "1",
        options = { columns = { source = 1, target = 2, weight = 3 } } },
    { "header-number-beyond.csv", "x,y,1\n", refused = 'there is no column "4"',
        options = { columns = { source = 1, target = 4 } } },
    { "header-number-twice.csv", "x,y,1\n", refused = "source and target are two columns",
        options = { columns = { source = 1, target = 1 } } },
    { "header-over-names.csv", "n1,n2,v\n1,2,3\n", 2, 1, weights = "3",
        options = { columns = { source = "n1", target = "n2", weight = "v" } } },
    -- ---- networkx, KONECT, SIF -----------------------------------------------------------------
    { "networkx.edgelist", "1 2 {}\n2 3 {}\n", 3, 2, weights = false },
    { "networkx-weights.edgelist", "1 2 {'weight': 2.5}\n2 3 {'weight': 1}\n", 3, 2, weights = "2.5,1" },
    { "networkx-more.edgelist", "1 2 {'color': 'red', 'weight': 3}\n2 3 {'color': 'a, b'}\n", 3, 2, weights = "3,1" },
    { "networkx-words.edgelist", "1 2 {'weight': 'x'}\n", refused = "is not a number" },
    { "konect.tsv", "% sym unweighted\n% 2 3 3\n1 2\n2 3\n", 3, 2 },
    { "konect-weighted.tsv", "% asym weighted\n1 2 3 99\n2 3 4 99\n", 3, 2, weights = "3,4" },
    { "konect-bipartite.tsv", "% bip weighted\n1 1 1 1290000000\n1 2 1 1290000001\n2 1 1 1290000002\n", 4, 3,
        names = "1|2|2:1|2:2", weights = "1,1,1" },
    { "konect-apart.tsv", "% bip unweighted\nann 1\nbob 1\nbob 2\n", 4, 3, names = "ann|bob|1|2" },
    { "konect-colons.tsv", "% bip unweighted\n1 1\n2:1 2\n2::x 1\n", 5, 3, names = "1|2:1|2::x|2:::1|2:::2" },
    { "sif.sif", "a pp b\nb pd c d\nlone\n", 5, 3, names = "a|b|c|d|lone" },
    { "sif-tabs.sif", "a a\tpp\tb b\n", 2, 1, names = "a a|b b" },
    { "sif-numbers.sif", "1 pp 2\n2 pd 3\n", 3, 2, names = "1|2|3" },
    { "sif-half.sif", "a pp\n", refused = ":1: SIF" },
    { "networkx-tight.edgelist", "a b {'weight':2}\r\nb c {'weight':3}\r\n", 3, 2, weights = "2,3" },
    { "networkx-commas.edgelist", "a,b,{'weight': 2}\nb,c,{'color': 'x, y', 'weight': 3}\n", 3, 2,
        names = "a|b|c", weights = "2,3" },
    { "networkx-commas-empty.edgelist", "a,b,{}\nb,c,{}\n", 3, 2, names = "a|b|c", weights = false },
    { "networkx-tabs.edgelist", "New York\tLos Angeles\t{'weight': 2}\n", 2, 1, names = "New York|Los Angeles",
        weights = "2" },
    { "networkx-quoted.edgelist", "a b {'note': \"x, 'weight': 3\", 'weight': 7}\n", 2, 1, weights = "7" },
    { "networkx-value.edgelist", "a b {'kind': 'weight', 'weight': 2}\nb c {'at': (1, 'weight'), 'x': {'weight': 9}}\n", 3, 2,
        weights = "2,1" },
    { "networkx-escaped.edgelist", "a b {'note': 'it\\'s, \"x', 'weight': 4.5}\n", 2, 1, weights = "4.5" },
    { "networkx-other.edgelist", "a b {'weighted': 3, 'my weight': 4}\n", 2, 1, weights = false },
    { "konect-tight.tsv", "%bip weighted\n1 1 1\n1 2 1\n", 3, 2 },
    { "networkx-percent.edgelist", "%p a {'weight': 2}\na b {}\n", 3, 2, names = "%p|a|b", weights = "2,1" },
    { "networkx-commented.edgelist", "% hello there\n# x\na b {'weight': 2}\n", 2, 1, weights = "2" },
    -- ---- Matrix Market -------------------------------------------------------------------------
    { "m.mtx", MM .. "pattern symmetric\n5 5 2\n4 2\n2 1\n", 5, 2, names = "1|2|3|4|5", weights = false },
    { "m-real.mtx", MM .. "real general\n3 3 2\n1 2 .5\n2 3 2\n", 3, 2, weights = "0.5,2" },
    { "m-one-percent.mtx", "%MatrixMarket matrix coordinate pattern symmetric\n5 5 3\n2 1\n3 1\n4 2\n", 5, 3 },
    { "m-blanks-before.mtx", " " .. MM .. "pattern symmetric\n5 5 3\n2 1\n3 1\n4 2\n", 5, 3 },
    { "m-lower.mtx", "%%matrixmarket matrix coordinate pattern general\n2 2 1\n1 2\n", 2, 1 },
    { "m-crlf.mtx", MM .. "pattern general\r\n% c\r\n2 2 1\r\n1 2\r\n", 2, 1 },
    { "m-comments.mtx", MM .. "integer general\n%\n% c\n\n2 2 1\n% d\n\n1 2 7\n", 2, 1, weights = "7" },
    { "m-lone.mtx", MM .. "pattern general\n4 4 0\n", 4, 0 },
    { "m-skew.mtx", MM .. "real skew-symmetric\n3 3 1\n2 1 -4\n", 3, 1, weights = "-4" },
    { "m-no-ending", MM .. "pattern general\n2 2 1\n1 2\n", 2, 1 },
    { "m-rectangular.mtx", MM .. "pattern general\n3 4 1\n1 2\n", refused = ":2: a graph's matrix is square" },
    { "m-array.mtx", "%%MatrixMarket matrix array real general\n1 1\n1\n", refused = "MatrixMarket" },
    { "m-complex.mtx", MM .. "complex general\n2 2 1\n1 2 1 0\n", refused = ':1: the field "complex"' },
    { "m-outside.mtx", MM .. "pattern general\n3 3 1\n1 4\n", refused = ':3: "4" is not a node from 1 to 3' },
    { "m-word.mtx", MM .. "pattern general\n3 3 1\n1 x\n", refused = ":3: expected 'row column'" },
    { "m-fewer.mtx", MM .. "pattern general\n3 3 2\n1 2\n", refused = "the file ends after 1 of the 2 entries" },
    { "m-more.mtx", MM .. "pattern general\n3 3 1\n1 2\n2 3\n", refused = ":4: more than the 1 entries promised" },
    { "m-no-banner.mtx", "3 3 1\n1 2\n", refused = "MatrixMarket" },
    { "m-bad-weight.mtx", MM .. "real general\n3 3 1\n1 2 x\n", refused = ":3:" },
    { "m-double.mtx", MM .. "double general\n2 2 1\n1 2 7\n", 2, 1, weights = "7" },
    { "m-comment-long.mtx", MM .. "pattern general\n% " .. ("x"):rep(100000) .. "\n" .. ("% y\n"):rep(20000)
        .. "2 2 1\n1 2\n", 2, 1 },
    { "m-phantoms.mtx", MM .. "pattern general\n2000000000 2000000000 1\n1 2\n",
        refused = ":2: 2000000000 nodes cannot be in a file of 77 bytes: more than 16777216 need a byte each" },
    { "m-many-nodes.mtx", MM .. "pattern general\n2147483647 2147483647 1\n1 2\n",
        refused = ":2: 2147483647 nodes are more than a graph can have, which is 2147483646" },
    { "m-infinite.mtx", MM .. "real general\n2 2 1\n1 2 1e999\n", refused = ':3: the weight "1e999" is not finite' },
    { "m-digits.mtx", MM .. "pattern general\n2 2 99999999999999999999\n1 2\n",
        refused = ":2: 99999999999999999999 entries are more than can be counted" },
    -- ---- METIS ---------------------------------------------------------------------------------
    { "cycle.graph", "4 4\n2 3\n1 4\n1 4\n2 3\n", 4, 4, names = "1|2|3|4", weights = false },
    { "cycle.txt", "4 4\n2 3\n1 4\n1 4\n2 3\n", 4, 4, names = "1|2|3|4" },
    { "lone.graph", "% c\n3 1\n2\n1\n\n", 3, 1 },
    { "edge-weights.graph", "3 2 001\n2 5\n1 5 3 7\n2 7\n", 3, 2, weights = "5,7" },
    { "node-weights.graph", "2 1 010\n9 2\n8 1\n", 2, 1, weights = false },
    { "node-weights-two.graph", "2 1 011 2\n9 9 2 4\n8 8 1 4\n", 2, 1, weights = "4" },
    { "sizes.graph", "2 1 100\n9 2\n8 1\n", 2, 1 },
    { "short.graph", "3 1\n2\n1\n", refused = "METIS: there is not one line for each of the 3 nodes" },
    { "outside.graph", "2 1\n3\n1\n", refused = ':2: METIS: "3" is not a node from 1 to 2' },
    { "other-count.graph", "3 3\n2\n1 3\n2\n", refused = "METIS: 3 edges are promised" },
    { "word.graph", "2 1\n2\nx\n", refused = ':3: METIS: "x" is not a number' },
    { "infinite.graph", "2 1 001\n2 1e999\n1 1\n", refused = ':2: METIS: "1e999" is not finite' },
    { "digits.graph", "99999999999999999999 2 1\n2 5\n1 5\n",
        refused = ":1: 99999999999999999999 nodes are more than can be counted" },
    { "digits-edges.graph", "2 99999999999999999999\n2\n1\n",
        refused = ":1: 99999999999999999999 edges are more than can be counted" },
    { "digits-sizes.graph", "2 1 010 99999999999999999999\n2\n1\n", refused = ":1: METIS: the first line counts more" },
    -- ---- DIMACS --------------------------------------------------------------------------------
    { "d.col", "c hello\np edge 4 3\ne 1 2\ne 2 3\ne 3 4\n", 4, 3, names = "1|2|3|4", weights = false },
    { "d-no-comment.col", "p edge 4 3\ne 1 2\ne 2 3\ne 3 4\n", 4, 3 },
    { "d-col.txt", "c\np col 3 1\nn 1 5\ne 1 3\n", 3, 1 },
    { "d.gr", "c c\np sp 3 2\na 1 2 7\na 2 3 4\n", 3, 2, weights = "7,4" },
    { "d-weighted.col", "p edge 3 2\ne 1 2\ne 2 3 5\n", 3, 2, weights = "1,5" },
    { "d-both-ways.gr", "p sp 2 2\na 1 2 7\na 2 1 7\n", 2, 1, weights = "7" },
    { "d-outside.col", "p edge 2 1\ne 1 3\n", refused = ':2: DIMACS: "3" is not a node from 1 to 2' },
    { "d-word.col", "p edge 2 1\ne 1 x\n", refused = ":2: DIMACS: expected 'e ROW ROW'" },
    { "d-cnf.cnf", "p cnf 3 2\n1 -3 0\n", refused = "DIMACS" },
    { "d-blanks.col", " p edge 3 1\n e 1 2\n", 3, 1 },
    { "d-comment-long.col", "c " .. ("y"):rep(70000) .. "\n" .. ("c z\n"):rep(30000) .. "p edge 3 1\ne 1 2\n", 3, 1 },
    { "d-phantoms.col", "p edge 2000000000 1\ne 1 2\n", refused = ":1: 2000000000 nodes cannot be in a file of 26 bytes" },
    { "d-lone.col", "p edge 2000000 1\ne 1 2\n", 2000000, 1 },
    { "d-infinite.gr", "p sp 2 1\na 1 2 1e999\n", refused = ':2: DIMACS: the weight "1e999" is not finite' },
    { "d-digits.col", "p edge 4 99999999999999999999\ne 1 2\n",
        refused = ":1: 99999999999999999999 edges are more than can be counted" },
    -- ---- GML -----------------------------------------------------------------------------------
    { "g.gml", 'graph [\n directed 0\n node [ id 1 label "A" ]\n node [ id 2 label "B" ]\n edge [ source 1 target 2'
        .. ' ]\n]\n', 2, 1,
        names = "1|2", labels = "A|B" },
    { "g-one-line.gml", "graph [ node [ id 0 ] node [ id 1 ] edge [ source 0 target 1 value 2.5 ] ]", 2, 1, weights = "2.5" },
    { "g-comment.txt", '# c\nCreator "x"\nVersion 1\ngraph\n[\nnode\n[\nid 5\n]\n]\n', 1, 0, names = "5" },
    { "g-entities.gml", 'graph [ node [ id 1 label "&quot;A&quot; &amp; &#228;" ] ]', 1, 0, labels = '"A" & \u{e4}' },
    { "g-nested.gml", "graph [ node [ id 1 graphics [ x 1.5 y 2 ] a [ b [ c 1 ] ] ] ]", 1, 0 },
    { "g-text-ids.gml", 'graph [ node [ id "a b" ] node [ id "c" ] edge [ source "a b" target "c" ] ]', 2, 1,
        names = "a b|c" },
    { "g-twice.gml", "graph [ node [ id 1 ] node [ id 1 ] ]", refused = "GML: the node 1 is there twice" },
    { "g-nowhere.gml", "graph [ node [ id 1 ]\nedge [ source 1 target 2 ] ]", refused = ":2: GML: there is no node 2" },
    { "g-open.gml", "graph [ node [ id 1 ]", refused = "GML: the file ends" },
    { "g-string-open.gml", 'graph [ node [ id 1 label "x ] ]', refused = "GML: a string is not closed" },
    { "g-infinite.gml", "graph [ node [ id 1e999 ] node [ id 2.0 ] edge [ source 1e999 target 02 ] ]", 2, 1,
        names = "inf|2" },
    { "g-graphics.gml", "graph [ node [ id 1 graphics 5 ] ]", 1, 0 },
    { "g-edges-first.gml", 'graph [ edge [ source 2 target 1 value 7 ] node [ id 1 ] node [ id 2 label "B" ] node [ id 3 ]'
        .. " edge [ source 1 target 3 value 0x10 ] edge [ source 3 target 2 value 5 ] ]", 3, 3, names = "1|2|3",
        labels = "1|B|3", weights = "7,16,5" },
    { "g-not.gml", "a b\n", refused = "GML" },
    { "g-igraph.gml", 'graph [ node [ id 0 name "Ann" ] node [ id 1 name "Bob" label "" ] edge [ source 1 target 0'
        .. ' weight 3 ] ]', 2, 1,
        labels = "Ann|Bob", weights = "3" },
    { "g-no-label.gml", 'graph [ node [ id 1 label "" ] node [ id 2 label "x" ] ]', 2, 0, labels = "1|x" },
    { "g-many-digits.gml", "graph [ node [ id 99999999999999999999 ] node [ id 99999999999999999998 ]"
        .. " edge [ source 99999999999999999999 target 99999999999999999998 ] ]", 2, 1,
        names = "99999999999999999999|99999999999999999998" },
    { "g-entities-more.gml", 'graph [ node [ id 1 label "caf&#xe9; &lt;&what; &#0; &amp;amp; &" ] node [ id 2 label'
        .. ' "&#128512;" ] ]', 2, 0,
        labels = "caf\u{e9} <&what; &#0; &amp; &|\u{1f600}" },
    { "g-weight-quoted.gml", 'graph [ node [ id 1 ] node [ id 2 ] edge [ source 1 target 2 weight "2.5" ] ]',
        2, 1, weights = "2.5" },
    { "g-attributes-apart.gml", (function()
        local nodes = {}
        for i = 1, 20000 do nodes[i] = ("node [ id %d k%d 1 ]"):format(i, i) end
        return "graph [ " .. table.concat(nodes, " ") .. " ]"
    end)(), refused = "20000 attributes of 20000 nodes are more than fit" },
    { "g-weight-infinite.gml", "graph [ node [ id 1 ] node [ id 2 ] edge [ source 1 target 2 weight 1e999 ] ]",
        refused = ':1: GML: the weight "inf" is not finite' },
    { "g-attributes-merged.gml", (function()
        local edges = {}
        for i = 1, 20000 do edges[i] = ("edge [ source 1 target 2 k%d 1 ]"):format(i) end
        return "graph [ node [ id 1 ] node [ id 2 ] " .. table.concat(edges, " ") .. " ]"
    end)(), refused = "20000 attributes of 20000 edges are more than fit" },
    { "g-lists.gml", 'graph [ node [ id 1 at [ a 1 b [ c "]" ] ] graphics [ x 1 Line [ point [ x 9 y 9 ] ] y 2 ] ]'
        .. ' node [ id 2 graphics [ x [ a 1 ] ] ]'
        .. ' edge [ source 1 graphics [ fill "#000" Line [ point [ x 1 y 2 ] ] ] target 2 value 3 ] ]', 2, 1, weights = "3" },
    { "g-list-open.gml", "graph [ node [ id 1 at [ a 1 ] ]", refused = "GML: the file ends" },
    { "g-list-no-key.gml", "graph [ node [ id 1 at [ 5 ] ] ]", refused = "GML: expected a key" },
    -- ---- Pajek ---------------------------------------------------------------------------------
    { "p.net", '*Vertices 3\n1 "Ann B" 0.1 0.2\n2 "Cy D"\n3 "E"\n*Edges\n1 2 2.0\n*Arcs\n2 3\n', 3, 2, weights = "2,1",
        names = "1|2|3", labels = "Ann B|Cy D|E" },
    { "p-lower.txt", "*vertices 2\n*arcs\n1 2\n", 2, 1 },
    { "p-lists.net", "% c\r\n*Vertices 4\r\n*Arcslist\r\n1 2 3\r\n*Edgeslist\r\n3 4\r\n", 4, 3 },
    { "p-matrix.net", "*Vertices 2\n*Matrix\n0 3\n0 0\n", 2, 1, weights = "3" },
    { "p-two-kinds.net", "*Vertices 3 2\n*Edges\n1 3\n", 3, 1 },
    { "p-outside.net", "*Vertices 2\n*Edges\n1 3\n", refused = ':3: Pajek: "3" is not a vertex' },
    { "p-no-vertices.net", "*Edges\n1 2\n", refused = "Pajek: *Vertices comes first" },
    { "p-unknown.net", "*Vertices 2\n*Cats\n1 2\n", refused = "Pajek: *cats is not known" },
    { "p-not.net", "a b\n", refused = "Pajek" },
    { "p-infinite.net", "*Vertices 2\n*Edges\n1 2 -inf\n", refused = ':3: Pajek: the weight "-inf" is not a number' },
    { "p-drawn.net", "*Vertices 2\n*Edges\n1 2 c Blue\n", 2, 1, weights = false },
    { "p-phantoms.net", "*Vertices 2000000000\n*Edges\n1 2\n", refused = ":1: 2000000000 nodes cannot be in a file of 32" },
    { "p-digits.net", "*Vertices 99999999999999999999\n", refused = ":1: 99999999999999999999 nodes are more than" },
    { "p-infinite-digits.net", "*Vertices 2\n*Edges\n1 2 1e999\n", refused = ':3: Pajek: the weight "1e999" is not finite' },
    { "p-half.net", "*Vertices 3\n*Edges\n1 2\n1 2.5\n", refused = ':4: Pajek: "2.5" is not a vertex from 1 to 3' },
    { "p-dash.net", "*Vertices 4\n*Edges\n2 3-4\n", refused = ':3: Pajek: "3-4" is not a vertex from 1 to 4' },
    { "p-letter.net", "*Vertices 3\n*Arcs\n 1 3x \n", refused = ':3: Pajek: "3x" is not a vertex from 1 to 3' },
    { "p-blanks.net", "*Vertices 3\n*Edges\n 1  2 \r\n2\t3\t.5\n3 1", 3, 3, weights = "1,0.5,1" },
    { "p-kinds.net", "*Vertices 3 4\n*Edges\n1 3\n",
        refused = ":1: Pajek: 4 vertices of the first kind are more than all, which are 3" },
    -- ---- GraphML -------------------------------------------------------------------------------
    { "x.graphml", GRAPHML .. PAIR, 2, 1, names = "a|b" },
    { "x.xml", "<!DOCTYPE graphml>\n<graphml>" .. PAIR, 2, 1 },
    { "x-doctype.graphml", XML .. '<!DOCTYPE graphml SYSTEM "g.dtd" [ <!ELEMENT a ANY> ]><graphml>' .. PAIR, 2, 1 },
    { "x-comment", "<!-- <gexf> -->\n<graphml>" .. PAIR, 2, 1 },
    { "x-utf16.graphml", utf16('<?xml version="1.0" encoding="UTF-16"?><graphml>' .. PAIR), 2, 1 },
    { "x-latin1.graphml",
        '<?xml version="1.0" encoding="ISO-8859-1"?><graphml><graph><node id="caf\233"/></graph></graphml>', 1, 0,
        names = "caf\u{e9}" },
    { "x-igraph.graphml", GRAPHML .. '<key id="v_name" for="node" attr.name="name" attr.type="string"/><graph><node id="n0">'
        .. '<data key="v_name">Ann</data></node><node id="n1"><data key="v_name">Bob</data></node></graph></graphml>', 2, 0,
        names = "n0|n1", labels = "Ann|Bob" },
    { "x-yed.graphml", GRAPHML .. '<key for="node" id="d6" yfiles.type="nodegraphics"/><graph><node id="n0"><data key="d6">'
        .. '<y:ShapeNode><y:Geometry x="1" y="2"/><y:NodeLabel>Gene One<y:LabelModel/></y:NodeLabel></y:ShapeNode>'
        .. '</data></node>'
        .. '</graph></graphml>', 1, 0, labels = "Gene One" },
    { "x-cdata.graphml", GRAPHML
        .. '<key id="l" for="node" attr.name="label"/><graph><node id="a"><data key="l"><![CDATA[<A> & b]]>'
        .. "</data></node></graph></graphml>", 1, 0, labels = "<A> & b" },
    { "x-multigraph.graphml", GRAPHML .. '<key id="w" for="edge" attr.name="weight"/><graph><edge source="a" target="b">'
        .. '<data key="w">1</data></edge><edge source="b" target="a"><data key="w">5</data></edge></graph></graphml>', 2, 1,
        weights = "6" },
    { "x-no-key.graphml", GRAPHML
        .. '<graph><edge source="a" target="b"><data key="weight">-0.5</data></edge></graph></graphml>', 2, 1,
        weights = "-0.5" },
    { "x-default.graphml", GRAPHML
        .. '<key id="w" for="edge" attr.name="weight" attr.type="double"><default>3</default></key><graph>'
        .. '<edge source="a" target="b"/></graph></graphml>', 2, 1, weights = "3" },
    { "x-blanks.graphml", GRAPHML .. '<key id="l" for="node" attr.name="label"/><graph><node id="a"><data key="l">a'
        .. (" "):rep(300000) .. "b</data></node></graph></graphml>", 1, 0 },
    { "x-all-blanks.graphml", GRAPHML .. '<key id="l" for="node" attr.name="label"/><graph><node id="a"><data key="l">'
        .. (" "):rep(300000) .. "</data></node></graph></graphml>", 1, 0 },
    { "x-mixed.graphml", GRAPHML
        .. '<key id="l" for="node" attr.name="label"/><key id="n" for="node" attr.name="name"/><graph><node id="a">'
        .. '<data key="n">N</data><data key="l"> L </data></node><node id="b"><!-- c --><data key="l">&lt;</data></node>'
        .. '<node id="c"><data key="n">C</data><data key="l"/></node><edge source="d" target="a"/>'
        .. '<edge source="a" target="b">'
        .. '<data key="weight">2</data></edge><edge source="b" target="c"><data key="weight"> 0x3 </data></edge></graph>'
        .. "</graphml>", 4, 3, names = "a|b|c|d", labels = "L|<|C|d", weights = "1,2,3" },
    { "x-entity.graphml", GRAPHML .. '<graph><node id="a&#x26;&lt;"/></graph></graphml>', 1, 0, names = "a&<" },
    { "x-unknown-entity.graphml", GRAPHML .. '<graph><node id="&what;"/></graph></graphml>',
        refused = ":3: the XML is broken: undefined" },
    { "x-bomb.graphml", '<!DOCTYPE graphml [<!ENTITY a "b">]><graphml/>', refused = "amplification" },
    { "x-mismatched.graphml", GRAPHML .. "<graph>\n</node></graph></graphml>",
        refused = ":4: the XML is broken: mismatched tag" },
    { "x-open.graphml", GRAPHML .. "<graph>", refused = ":3: the XML is broken" },
    { "x-junk.graphml", "<graphml>" .. PAIR .. "<more/>", refused = "junk after document element" },
    { "x-encoding.graphml", '<?xml version="1.0" encoding="EBCDIC"?><graphml>' .. PAIR, refused = "encoding" },
    { "x-other.xml", "<svg/>", refused = 'the root is "svg"' },
    { "x-edges-first.graphml", GRAPHML .. '<key id="l" for="node" attr.name="label"/><key id="s" for="node" attr.name="size" '
        .. 'attr.type="double"/><graph><edge source="b" target="c"/><node id="a"><data key="s">1</data></node><node id="c">'
        .. '<data key="l">C</data></node><node id="b"><data key="s">2</data></node><edge source="a" target="z"/>'
        .. '</graph></graphml>',
        4, 2, names = "a|c|b|z", labels = "a|C|b|z" },
    { "x-defaults.graphml", GRAPHML .. '<key id="w" for="edge" attr.name="weight" attr.type="double"><default>3'
        .. '</default></key>'
        .. '<key id="l" for="node" attr.name="label"><default>no name</default></key><graph><node id="a"/><node id="b">'
        .. '<data key="l">B</data></node><edge source="a" target="b"/><edge source="b" target="c"><data key="w">5'
        .. '</data></edge>'
        .. '</graph></graphml>', 3, 2, weights = "3,5", labels = "no name|B|c" },
    { "x-windows.graphml", '<?xml version="1.0" encoding="windows-1252"?><graphml><key id="l" for="node" attr.name="label"/>'
        .. '<graph><node id="\128"><data key="l">caf\233 <![CDATA[& \228]]></data></node></graph></graphml>', 1, 0,
        names = "\u{20ac}", labels = "caf\u{e9} & \u{e4}" },
    { "x-yed-whole.graphml", GRAPHML .. '<key for="node" id="d5" attr.name="description"/><key for="node" id="d6" '
        .. 'yfiles.type="nodegraphics"/><key for="edge" id="d10" yfiles.type="edgegraphics"/><graph><node id="n0">'
        .. '<data key="d5" xml:space="preserve"><![CDATA[a <note>]]></data><data key="d6"><y:ShapeNode>'
        .. '<y:Geometry x="1" y="2.5"/>'
        .. '<y:NodeLabel alignment="center" xml:space="preserve"> <y:LabelModel/></y:NodeLabel>'
        .. '<y:NodeLabel>Ann &amp; Bob<y:LabelModel>'
        .. '<y:SmartNodeLabelModel distance="4.0"/></y:LabelModel></y:NodeLabel><y:NodeLabel>other</y:NodeLabel>'
        .. '</y:ShapeNode></data>'
        .. '</node><node id="n1"/><edge source="n0" target="n1"><data key="d10"><y:PolyLineEdge><y:EdgeLabel>knows'
        .. '</y:EdgeLabel>'
        .. '</y:PolyLineEdge></data></edge></graph></graphml>', 2, 1, labels = "Ann & Bob|n1" },
    { "x-yed-group.graphml", GRAPHML .. '<key for="node" id="d6" yfiles.type="nodegraphics"/><graph><node id="n0" '
        .. 'yfiles.foldertype="group"><data key="d6"><y:GroupNode><y:NodeLabel>Group</y:NodeLabel></y:GroupNode>'
        .. '</data><graph id="n0:">'
        .. '<node id="n0::n0"><data key="d6"><y:ShapeNode><y:NodeLabel>In</y:NodeLabel></y:ShapeNode></data></node>'
        .. '</graph></node>'
        .. '<node id="n1"/><edge source="n0::n0" target="n1"/></graph></graphml>', 3, 1, names = "n0|n0::n0|n1",
        labels = "Group|In|n1" },
    { "x-label-upper.graphml", GRAPHML .. '<key id="l" for="node" attr.name="Label"/><graph><node id="a">'
        .. '<data key="l">A</data>'
        .. "</node></graph></graphml>", 1, 0, labels = "A" },
    { "x-name-under-yed.graphml", GRAPHML .. '<key id="n" for="node" attr.name="name"/><key id="y" for="node"/>'
        .. '<graph><node id="a">'
        .. '<data key="n">N</data><data key="y"><y:NodeLabel>Y</y:NodeLabel></data></node><node id="b">'
        .. '<data key="n">M</data></node>'
        .. "</graph></graphml>", 2, 0, labels = "Y|M" },
    { "x-weight-infinite.graphml", GRAPHML .. '<key id="w" for="edge" attr.name="weight" attr.type="double"/><graph>'
        .. '<edge source="a" target="b"><data key="w">1e999</data></edge></graph></graphml>',
        refused = ':3: the weight "1e999" is not finite' },
    { "x-default-infinite.graphml", GRAPHML .. '<key id="w" for="edge" attr.name="weight" attr.type="double">'
        .. '<default>1e999</default></key><graph><edge source="a" target="b"/></graph></graphml>',
        refused = ':3: the weight "inf" is not finite' },
    -- ---- GEXF ----------------------------------------------------------------------------------
    { "y.gexf", GEXF
        .. '<graph defaultedgetype="undirected"><nodes><node id="0" label="A"/><node id="1" label="B"/></nodes><edges>'
        .. '<edge id="0" source="0" target="1" weight="2.5"/></edges></graph></gexf>', 2, 1, names = "0|1", labels = "A|B",
        weights = "2.5" },
    { "y.xml", GEXF .. '<graph><nodes><node id="a"/></nodes></graph></gexf>', 1, 0, names = "a" },
    { "y-edges-first.gexf", GEXF .. '<graph><edges><edge source="b" target="a" weight="3"/></edges><nodes><node id="a"/>'
        .. '<node id="b" label="&lt;"/><node id="c" label=""/></nodes><edges><edge source="c" target="a" weight=""/></edges>'
        .. "</graph></gexf>", 3, 2, names = "a|b|c", labels = "a|<|c", weights = "3,1" },
    { "y-no-key.gexf", GEXF .. '<graph><nodes><node id="a"><attvalues><attvalue for="" value="1"/>'
        .. '<attvalue for="k" value="2"/>'
        .. "</attvalues></node></nodes></graph></gexf>", 1, 0 },
    { "y-nowhere.gexf", GEXF .. '<graph><nodes><node id="a"/></nodes><edges><edge source="a" target="b"/></edges>'
        .. '</graph></gexf>',
        refused = 'there is no node "b"' },
    { "y-weight-attribute.gexf", GEXF .. '<graph><attributes class="edge">'
        .. '<attribute id="0" title="Weight" type="double"/></attributes>'
        .. '<nodes><node id="a"/><node id="b"/><node id="c"/></nodes><edges><edge source="a" target="b"><attvalues>'
        .. '<attvalue for="0" value="3"/></attvalues></edge><edge source="b" target="c" weight="2"><attvalues>'
        .. '<attvalue for="0" value="9"/></attvalues></edge><edge source="a" target="c" label="&lt;"><!-- c --><attvalues>'
        .. '<attvalue for="0" value="5"/></attvalues></edge></edges></graph></gexf>', 3, 3, weights = "3,2,5" },
    { "y-weight-infinite.gexf", GEXF .. '<graph><nodes><node id="a"/><node id="b"/></nodes><edges>'
        .. '<edge source="a" target="b" weight="1e999"/></edges></graph></gexf>',
        refused = ':3: the weight "1e999" is not finite' },
    -- ---- DOT -----------------------------------------------------------------------------------
    { "z.gv", "digraph { a -> b; b -> c }", 3, 2, names = "a|b|c" },
    { "z-not-by-ending.txt", "digraph {\n a -> b;\n}\n", 2, 1 },
    { "z-comments.txt", "// c\n/* d */\n# e\nstrict graph x { a -- b }\n", 2, 1 },
    { "z-utf16.dot", utf16 'digraph { "[root] a" -> "[root] b" }\n', 2, 1, names = "[root] a|[root] b" },
    { "z-broken.gv", "graph {\n a -- }", refused = "syntax error in line 2" },
    -- ---- What is no graph ----------------------------------------------------------------------
    { "a.zip", "PK\3\4\20\0\0\0", refused = "zip" },
    { "a.xz", "\2537zXZ\0\0\4", refused = "xz" },
    { "a.bz2", "BZh91AY&SY", refused = "bzip2" },
    { "a.zst", "\40\181\47\253\4\0", refused = "zstd" },
    { "a.7z", "7z\188\175\39\28\0\4", refused = "7-Zip" },
    { "a.tar", "name" .. ("\0"):rep(253) .. "ustar\0", refused = "tar" },
    { "a.html", "<!DOCTYPE html>\n<html></html>", refused = "HTML" },
    { "a.txt", "<html><body>404</body></html>", refused = "HTML" },
    { "a.png", "\137PNG\r\n\26\n", refused = "PNG" },
    { "a.npy", "\147NUMPY\1\0", refused = "numpy" },
    { "a.bin", "a b\n\0\1", refused = "zero bytes" },
    { "a.json", '{"nodes": [{"id": 1}]}', refused = "JSON" },
    { "a-list.json", "[[1, 2]]", refused = "JSON" },
    { "a.dl", "dl n=3 format=edgelist1\ndata:\n1 2\n", refused = "UCINET" },
    { "a.gdf", "nodedef>name VARCHAR\na\n", refused = "GDF" },
    { "a.vna", "*Node data\nID\na\n", refused = "VNA" },
    { "a.lgr", "LEDA.GRAPH\nstring\nint\n", refused = "LEDA" },
    { "a.g6", ">>graph6<<A_", refused = "graph6" },
    { "a.tgf", "1 Ada\n2 Bob\n#\n1 2 knows\n", refused = "TGF" },
    { "a.nwk", "(a,(b,c));\n", refused = "Newick" },
    { "matrix.txt", "0 1 0\n1 0 1\n0 1 0\n", refused = "adjacency matrix" },
    { "matrix.csv", ";A;B\nA;0;1\nB;1;0\n", refused = ":1: an edge needs two names" },
    { "empty.txt", "", refused = "the graph is empty" },
    { "arrows.txt", "1 -> 2\n2 -> 3\n", refused = 'a list with "->" between the names, which is not read' },
    { "dashes.txt", "a -- b\nb -- c\n", refused = 'a list with "--" between the names' },
    { "tuples.txt", "(1, 2)\n(2, 3)\n", refused = "a list of tuples" },
    { "adjacency.txt", "#x.py\n# GMT Sun Nov 29 09:00:00 2026\n# \n1 2 3\n2 3 4\n", refused = "networkx's adjacency list" },
    { "adjacency.adjlist", "1 2 3 4\n2 3\n3 4\n", refused = "networkx's adjacency list" },
    { "nodes.csv", "Id,Label\n1,A\n2,B\n", refused = "a table of nodes" },
    { "matrix-header.csv", "a,b,c\n0,1,0\n1,0,1\n0,1,0\n", refused = "adjacency matrix" },
    { "matrix-names.csv", '"";"A";"B";"C"\n"A";0;1;1\n"B";1;0;1\n"C";1;1;0\n', refused = "adjacency matrix" },
    { "matrix-directed.csv", "0,1,0,1\n0,0,1,0\n1,1,0,1\n1,0,0,0\n", refused = "adjacency matrix" },
    { "no-matrix.txt", "1 2 1 1290\n2 3 1 1291\n3 4 1 1292\n4 5 1 1293\n", 5, 4, weights = "1,1,1,1" },
    { "a.stp", "33D32945 STP File, STP Format Version 1.0\n", refused = "SteinLib" },
    { "a.nt", "<http://a> <http://p> <http://b> .\n", refused = "RDF" },
    { "a-comment.html", "<!-- c --><html><body>a b</body></html>", refused = "HTML" },
    { "a.xls", "\208\207\17\224\161\177\26\225\0\0", refused = "Office" },
    { "a.mat", "MATLAB 5.0 MAT-file, Platform: GLNXA64\n", refused = "MATLAB" },
    { "a.lz4", "\4\34M\24d@", refused = "LZ4" },
    { "a.exe", "MZ\144\0\3", refused = "a program" },
    { "utf32-le.txt", "\255\254\0\0a\0\0\0 \0\0\0b\0\0\0", refused = "UTF-32" },
    { "utf32-be.txt", "\0\0\254\255\0\0\0a\0\0\0 \0\0\0b", refused = "UTF-32" },
    { "gene.txt", "PAR1 THRB\nPAR1 F2\n", 3, 2, names = "PAR1|THRB|F2" },
    { "name-bz.txt", "BZhang x\n", 2, 1 },
    { "name-gif.txt", "GIF89 MZ\n", 2, 1 },
    { "name-brackets.txt", "[a] [b]\n[b] c\n", 3, 2, names = "[a]|[b]|c" },
    { "brackets.txt", "(" .. (")"):rep(65000) .. "\n", refused = ":1: an edge needs two names" },
    { "name-star.tsv", "*\tabc\nabc\td\n", 3, 2, names = "*|abc|d" },
    { "name-tag.txt", "<t> a\na b\n", 3, 2, names = "<t>|a|b" },
    { "name-braces.tsv", "{}\ta\na\tb\n", 3, 2, names = "{}|a|b" },
    { "name-number.txt", "[2] a\n", 2, 1, names = "[2]|a" },
    { "name-equals.txt", "a = 2.5\nb = 1\n", 3, 2, names = "a|=|b", weights = "2.5,1" },
    { "dict.py", "{'a': ['b']}\n", refused = "a Python dict" },
    { "text.rtf", "{\\rtf1 a b}\n", refused = "RTF" },
}
