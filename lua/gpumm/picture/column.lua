-- SPDX-License-Identifier: MIT
-- One value a node from a file of lines "name value", as spreadsheets and people write them.

local text = require "gpumm.columns.text"

local SEPARATORS = { "\t", ";", "," }

-- The lines of a file, compressed by gzip or not, in UTF-8 or UTF-16, without blank lines and comments.
local function lines_of(path)
    local source <close> = text.open(path, "the column", {})
    local whole, lines = source:sub(1, #source):gsub("^\239\187\191", ""), {}
    for line in whole:gmatch "[^\r\n]+" do
        if line:find "%S" and not line:find "^%s*[#%%]%s" then lines[#lines + 1] = line end
    end
    return lines
end

-- The sign that every line has, so that names may have blanks in them; nil: blanks or commas separate.
local function separator_of(lines)
    for _, sign in ipairs(SEPARATORS) do
        local all = #lines > 0
        for _, line in ipairs(lines) do
            if not line:find(sign, 1, true) then
                all = false
                break
            end
        end
        if all then return sign end
    end
end

local function unquoted(field)
    field = text.trim(field)
    local inner = field:match '^"(.*)"$'
    return inner and inner:gsub('""', '"') or field
end

-- A quoted name ends at its quote.
local function quoted_name(line)
    local name, rest = line:match '^%s*"([^"]*)"[%s,;]+(.*)$'
    if name then return name, rest end
end

-- Where blanks separate, a name with blanks in it is the longest that the graph has.
local function known_name(line, known)
    local best, rest
    local at = 1
    while true do
        local from, to = line:find("[%s,]+", at)
        if not from then break end
        local name = text.trim(line:sub(1, from - 1))
        if known[name] or (not best and name ~= "" and not name:find "^[#%%]") then best, rest = name, line:sub(to + 1) end
        at = to + 1
    end
    return best, rest
end

local function split(line, sign, known)
    local name, rest = quoted_name(line)
    if name then return name, unquoted(rest) end
    if sign then
        local at = line:find(sign, 1, true)
        name, rest = line:sub(1, at - 1), line:sub(at + 1)
    else
        name, rest = known_name(line, known)
    end
    if name then return text.trim(name), unquoted(rest) end
end

local function known_names(names)
    local known = {}
    for _, name in ipairs(names) do known[name] = true end
    return known
end

--- The values in the order of the graph's nodes: numbers where all of them are, else texts.
return function(path, graph)
    if type(path) ~= "string" then error("picture.column needs a path, not a " .. type(path), 3) end
    local lines, known = lines_of(path), known_names(graph.names)
    local sign = separator_of(lines)
    local value, list, numbers, all = {}, {}, {}, true
    for _, line in ipairs(lines) do
        local name, rest = split(line, sign, known)
        if name then value[name] = rest end
    end
    for i, name in ipairs(graph.names) do
        if not value[name] then error(("%s has no line for node %q"):format(path, name), 0) end
        list[i], numbers[i] = value[name], tonumber(value[name])
        all = all and numbers[i] ~= nil
    end
    return all and numbers or list
end
