-- SPDX-License-Identifier: MIT
-- Columns of nodes or edges whose values come one by one: tables { cells = … } by the column's name.

local native = require "gpumm.layout.native"

local cells = {}

--- The cells of column `name`, which is new where the name is.
function cells.column(columns, name)
    local column = columns[name]
    if not column then
        column = { cells = native.cells() }
        columns[name] = column
    end
    return column.cells
end

--- Column `name` gets a value in row i.
function cells.put(columns, name, i, value) cells.column(columns, name):put(i, value) end

--- The columns in which there is anything: those that a format may have are made before it is known.
function cells.filled(columns)
    local filled = {}
    for name, column in pairs(columns) do
        if #column.cells > 0 then filled[name] = column end
    end
    return filled
end

--- Column "kind" of a graph that lists one kind of nodes before the other: 1 for the first ones, 2 up to `count`.
function cells.put_kinds(columns, first, count)
    local kind = cells.column(columns, "kind")
    kind:default(first, 1)
    kind:default(count, 2) -- what is left
end

return cells
