-- SPDX-License-Identifier: MIT
-- Positions with the names of their nodes, as files and back: CSV, or .npy with the names beside it.

local columns = require "gpumm.columns"
local gpumm = require "gpumm"
local write = require "gpumm.graph.write"

local positions = {}

local AXES = { "x", "y", "z", "w" }

local function ending_of(path)
    local ending = path:lower():match "%.(%w+)$"
    if ending == "npy" or ending == "csv" then return ending end
    error(("positions are written as .npy or .csv, not as %q"):format(path), 0)
end

local function names_path(path) return (path:gsub("%.%w+$", ".names.csv")) end

local function put_csv(path, view, names)
    local lanes = select("#", view:get(1))
    write.file(path, function(out)
        out:write("name,", table.concat(AXES, ",", 1, lanes), "\n")
        for i = 1, #view do
            out:csv(names[i])
            for k = 1, lanes do out:write(",", (select(k, view:get(i)))) end
            out:write "\n"
        end
    end)
end

local function put_names(path, names, count)
    write.file(path, function(out)
        out:write "name\n"
        for i = 1, count do
            out:csv(names[i])
            out:write "\n"
        end
    end)
end

--- Writes a view of positions, one a node: CSV with a column of names, or .npy and the names in FILE.names.csv.
function positions.write(path, view, names)
    local ending = ending_of(path)
    if #view == 0 then error("there is nothing to write: no positions", 0) end
    if #view ~= #names then error(("there are %d positions for %d nodes"):format(#view, #names), 0) end
    if ending == "csv" then return put_csv(path, view, names) end
    local done, message = gpumm.npy.write(path, view)
    if not done then error(message, 0) end
    put_names(names_path(path), names, #names)
end

-- What a file has: names, and a function of the row for its coordinates.
local function read_csv(path)
    local wanted = { name = "text", x = "number", y = "number", z = "number", w = "number" }
    local table_of = columns.read(path, { header = true, delimiter = ",", columns = wanted })
    local axes = {}
    for _, axis in ipairs(AXES) do axes[#axes + 1] = table_of.columns[axis] end
    if not table_of.columns.name or #axes < 2 then error(path .. ": the columns name, x and y are needed", 0) end
    return table_of.columns.name, #axes, function(row, k) return axes[k][row] end
end

local function read_npy(path)
    local view, message = gpumm.npy.read(path)
    if not view then error(message, 0) end
    local named = columns.read(names_path(path), { header = true, delimiter = ",", columns = { name = "text" } }).columns.name
    return named, select("#", view:get(1)), function(row, k) return (select(k, view:get(row))) end
end

-- Coordinates of a row; false: one of them is no number.
local function fill(point, lanes, at, row)
    for k = 1, lanes do
        point[k] = at(row, k)
        if point[k] ~= point[k] then return false end
    end
    return true
end

-- The names that are in none of the rows `used`.
local function strangers_of(named, used)
    local list = {}
    for row = 1, #named do
        if not used[named:find(named[row])] then list[#list + 1] = named[row] end
    end
    return list
end

--- The positions of a graph's nodes from a file that positions.write has written, found by name: a view of f32. `some`: a node
--- may have none, and two lists say which have one, and which names of the file are no node's.
function positions.read(path, names, some)
    local read = ending_of(path) == "csv" and read_csv or read_npy
    local named, lanes, at = read(path)
    local out = gpumm.view("f32x" .. lanes, #names)
    local point, has, used = {}, {}, {}
    for i = 1, #names do
        local row = named:find(names[i])
        if row then used[row] = true end
        has[i] = row ~= nil and fill(point, lanes, at, row)
        if has[i] then out:set(i, table.unpack(point, 1, lanes))
        elseif not some then error(("%s has no position for node %q"):format(path, names[i]), 0) end
    end
    return out, has, some and strangers_of(named, used) or nil
end

return positions
