-- SPDX-License-Identifier: MIT
-- How a delimited text is written, found out from its first lines: what separates fields, whether they stand in quotes,
-- what ends a line, which lines are comments.

local native = require "gpumm.layout.native"

local dialect = {}

--- What may be said about a file of columns.
dialect.OPTIONS = {
    header = { kind = "boolean" }, columns = { kind = "table" }, delimiter = { kind = "sign" }, comments = { kind = "boolean" },
    quotes = { kind = "boolean" }, decimal = { kind = "point" },
    threads = { kind = "whole", default = 0, least = 0, most = 64 }, limit = { kind = "whole", least = 1 },
}

local SAMPLE = 200 -- lines

local SIGNS = { "\t", ";", ",", "|" }

-- The first lines that are not blank, those that begin with a comment's sign apart, unless `all` are data.
local function sample_of(head, newline, all)
    local lines, signs = {}, {}
    for line in head:gmatch("[^" .. newline .. "]+") do
        local first = line:match "^[%s,]*(%S?)"
        if not all and (first == "#" or first == "%") then signs[#signs + 1] = line
        elseif first ~= "" then lines[#lines + 1] = line end
        if #lines == SAMPLE then break end
    end
    return lines, signs
end

-- The line without what stands in quotes, and without entities: the sign in &amp; separates nothing.
local function bare(line)
    return (line:gsub("&#?%w+;", "e"):gsub('^(%s*)"[^"]*"', "%1"):gsub('([\t;,|%s])"[^"]*"', "%1"))
end

local function all(lines, test)
    for _, line in ipairs(lines) do
        if not test(line) then return false end
    end
    return #lines > 0
end

-- "1 2 0,5": the comma is a number's.
local function has_decimal_comma(line) return line:find "^%s*[^%s,]+%s+[^%s,]+%s+[-+]?%d+,%d+%s*$" end

local function delimiter_of(lines)
    for _, sign in ipairs(SIGNS) do
        local found = all(lines, function(line) return line:find(sign, 1, true) end)
        if found and not (sign == "," and all(lines, has_decimal_comma)) then return sign end
    end
    return " "
end

-- How many fields most lines have.
local function common_count(rows)
    local counts, best = {}, 0
    for _, row in ipairs(rows) do counts[#row] = (counts[#row] or 0) + 1 end
    for count, times in pairs(counts) do
        if times > (counts[best] or 0) or times == counts[best] and count > best then best = count end
    end
    return best
end

local function any(lines, pattern)
    for _, line in ipairs(lines) do
        if line:find(pattern) then return true end
    end
    return false
end

-- A field in quotes may have several lines.
local function in_one_line(head, newline)
    if not head:find('"', 1, true) then return head end
    local text = (newline .. head):gsub('([%s,;|])"([^"]*)"%f[%z%s,;|]', function(before, inner)
        if inner:find(newline, 1, true) then return before .. '"' .. inner:gsub("[\r\n]", " ") .. '"' end
    end)
    return text
end

-- Names such as #covid begin with a sign, and have no blank behind it.
local function data_in(signs)
    local lines = {}
    for _, line in ipairs(signs) do
        if line:find "^[%s,]*[#%%]%S" then lines[#lines + 1] = line end
    end
    return lines
end

--- The dialect of a source whose beginning is `head`. Options that say it go before what is found: delimiter, comments
--- (true: lines that begin with # or % are; false: none are), quotes, decimal.
function dialect.find(source, head, options)
    local newline = head:find("\n", 1, true) and "\n" or head:find("\r", 1, true) and "\r" or "\n"
    if #head < #source then head = head:match("^(.*)" .. newline) or head end -- whole lines
    local lines, signs = sample_of(in_one_line(head, newline), newline, options.comments == false)
    local signed = #lines == 0 and options.comments ~= true
    if signed then lines = data_in(signs) end
    local shorn = {}
    for k, line in ipairs(lines) do shorn[k] = bare(line) end
    local d = { newline = newline, delimiter = options.delimiter or delimiter_of(shorn), comma = options.decimal }
    d.loose = d.delimiter == " " and any(shorn, ",") and not all(shorn, has_decimal_comma)
    d.quotes = options.quotes
    if d.quotes == nil then d.quotes = d.delimiter ~= " " or any(lines, '^%s*"') or any(lines, '[%s,]"') end
    local found = native.fields(source, 1, d, SAMPLE)
    local data = {}
    for _, row in ipairs(found) do
        if signed or not (row[1] or ""):find "^[#%%]" then data[#data + 1] = row end
    end
    d.comments = options.comments == false and "" or "#%"
    d.columns = options.comments == nil and common_count(data) or 0
    return d, lines, signs
end

--- The fields of the first lines that are data.
function dialect.sample(source, d) return native.fields(source, 1, d, SAMPLE) end

return dialect
