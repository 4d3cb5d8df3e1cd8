-- SPDX-License-Identifier: MIT
-- How fast files become columns and graphs: an R-MAT graph of 15.7 million edges as an edge list with integer and with
-- long names, and the same through Matrix Market, METIS and DIMACS. Paired with polars and pandas by spec/bench/columns.py,
-- which reads the same file. Needs 1.5 GB in FOLDER.
--     gpumm-run spec/bench/columns_bench.lua FOLDER [EDGES]

local gpumm = require "gpumm"

local folder, count = arg[1] or "/tmp", math.tointeger(tonumber(arg[2] or 15700000))
local SCALE = 20

local function seconds()
    local file = assert(io.open "/proc/uptime")
    local now = file:read "n"
    file:close()
    return now
end

local state = 88172645463325252
local function chance()
    state = state ~ state << 13
    state = state ~ state >> 7
    state = state ~ state << 17
    return (state >> 11) * 0x1p-53
end

local function edge()
    local a, b = 0, 0
    for _ = 1, SCALE do
        local r = chance()
        local right = r >= 0.57 and r < 0.76 or r >= 0.95
        a, b = a * 2 + (r >= 0.76 and 1 or 0), b * 2 + (right and 1 or 0)
    end
    return a, b
end

local function write(path, head, format, base)
    local file = io.open(path, "rb")
    if file then return file:close() end
    state = 88172645463325252
    file = assert(io.open(path, "wb"))
    file:setvbuf("full", 1 << 20)
    file:write(head)
    for _ = 1, count do
        local a, b = edge()
        file:write(format:format(a + base, b + base))
    end
    file:close()
end

-- The best of three, for what else runs on the machine only adds.
local function best(what, run)
    local least, said = math.huge, ""
    for _ = 1, 3 do
        collectgarbage()
        local start = seconds()
        said = run()
        least = math.min(least, seconds() - start)
    end
    print(("%-40s %6.2f s  %s"):format(what, least, said))
end

local nodes = 1 << SCALE
local files = {
    { "integers.tsv", "", "%d\t%d\n", 0 }, { "names.tsv", "", "node_%x_name\tnode_%x_name\n", 0 },
    { "rmat.mtx", ("%%%%MatrixMarket matrix coordinate pattern general\n%d %d %d\n"):format(nodes, nodes, count), "%d %d\n", 1 },
    { "rmat.gr", ("p sp %d %d\n"):format(nodes, count), "a %d %d 1\n", 1 },
}
for _, f in ipairs(files) do
    local path = folder .. "/" .. f[1]
    write(path, f[2], f[3], f[4])
    for _, threads in ipairs { 1, 2, 0 } do
        best(("graph.read %s, %s threads"):format(f[1], threads == 0 and "all" or threads), function()
            local g = gpumm.graph.read(path, { threads = threads })
            return ("%d nodes, %d edges"):format(g.nodes, g.edges)
        end)
    end
end
for _, threads in ipairs { 1, 2, 0 } do
    best(("columns.read integers.tsv, %s threads"):format(threads == 0 and "all" or threads), function()
        return ("%d rows"):format(gpumm.columns.read(folder .. "/integers.tsv", { threads = threads, header = false }).rows)
    end)
end
