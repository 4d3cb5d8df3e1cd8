-- SPDX-License-Identifier: MIT
-- gpumm.columns: delimited text straight into typed columns, on all cores, without Lua tables. It knows columns, not
-- graphs.

local checked = require "gpumm.common.checked"
local dialect = require "gpumm.columns.dialect"
local kinds = require "gpumm.columns.kinds"
local native = require "gpumm.layout.native"
local text = require "gpumm.columns.text"

local columns = {}

local KINDS = { integer = "i64", number = "f64", text = "name", skip = "skip" }

-- A first line of words over numbers is a header; so is one that is told.
local function has_header(rows, d, given)
    if given ~= nil then return given end
    if #rows == 0 then return false end
    local words, numbers = true, false
    for i = 1, #rows[1] do
        if kinds.of(rows[1][i], d) ~= "name" then words = false end
        if #rows > 1 and kinds.of_column(rows, 2, i, d) ~= "name" then numbers = true end
    end
    return words and numbers
end

local function names_of(rows, header)
    local names, count = {}, 0
    for _, row in ipairs(rows) do count = math.max(count, #row) end
    for i = 1, count do
        local name = header and rows[1][i]
        names[i] = name and name ~= "" and name or tostring(i)
    end
    return names
end

-- Which kind each column is asked to be: by name or by number.
local function asked_kind(asked, name, i, what)
    if not asked then return nil end
    local kind = asked[name] or asked[i]
    if kind == nil then return "skip" end
    if kind == true then return nil end
    if not KINDS[kind] then
        error(("%s: the column %s is integer, number, text, skip or true, not %s"):format(what, name, tostring(kind)), 0)
    end
    return KINDS[kind]
end

local function described(rows, header, names, d, asked, what)
    local list, dictionaries = {}, 0
    for i, name in ipairs(names) do
        local given = asked_kind(asked, name, i, what)
        local column = { kind = given or kinds.of_column(rows, header and 2 or 1, i, d), free = given == nil }
        if column.kind == "name" then column.dictionary, dictionaries = dictionaries, dictionaries + 1 end
        list[i] = column
    end
    return list
end

-- Reads with wider and wider columns, until everything fits.
local function read_all(source, at, line, d, list, options, path)
    while true do
        local rows, names, flags, column, said = native.columns(source, at, line, d, list, options.threads, "reading " .. path)
        if not rows then
            local one = list[column] or {}
            if not (one.free and kinds.WIDER[one.kind]) then kinds.fail(path, names, flags, said) end
            one.kind = kinds.WIDER[one.kind]
        else
            local again = false
            for i, one in ipairs(list) do
                if one.kind == "i64" and flags.missing[i] and one.free then one.kind, again = "f64", true end
            end
            if not again then return rows, names end
        end
        local dictionaries = 0
        for _, one in ipairs(list) do
            if one.kind == "name" then one.dictionary, dictionaries = dictionaries, dictionaries + 1 end
        end
    end
end

--- Reads a delimited text, gzip'd or not: { rows = n, names = { … }, columns = { by name and by number } }. A column is
--- a read-only view of i64 or f64 (NaN where there is nothing), or texts (t[i], #t, ipairs). Options: columns (a table:
--- by name or number "integer", "number", "text", or true for what is found; the others are skipped), header (true or
--- false; found without), delimiter, quotes, comments (true: lines that begin with # or % are comments; false: none
--- are), decimal (","), threads, limit (bytes that a gzip'd file may swell to: 16 GiB).
function columns.read(path, options)
    if type(path) ~= "string" then error("columns.read needs a path, not a " .. type(path), 2) end
    options = checked.options("columns.read", options, dialect.OPTIONS, 2)
    local source <close>, head = text.open(path, "the columns", options)
    local d = dialect.find(source, head, options)
    local sample = dialect.sample(source, d)
    if #sample == 0 then return { rows = 0, names = {}, columns = {} } end
    local header = has_header(sample, d, options.header)
    local names = names_of(sample, header)
    local list = described(sample, header, names, d, options.columns, path)
    local at, line = 1, 1
    if header then at, line = sample[1].next, sample[1].next_line end
    local rows, dictionaries = read_all(source, at, line, d, list, options, path)
    local made = {}
    for i, one in ipairs(list) do
        if one.kind ~= "skip" then
            local view = rows:view(i)
            if one.kind == "name" then view = native.numbered(dictionaries[one.dictionary + 1], view) end
            made[i], made[names[i]] = view, view
        end
    end
    return { rows = #rows, names = names, columns = made }
end

return columns
