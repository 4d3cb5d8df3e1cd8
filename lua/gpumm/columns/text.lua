-- SPDX-License-Identifier: MIT
-- Opening a file that shall be text: what is another kind of file is refused by what it is.

local native = require "gpumm.layout.native"

local text = {}

local LIMIT = 16 << 30 -- bytes that a gzip'd file may swell to

-- How files that are no text begin, and what they are.
local KINDS = {
    { "PK\3\4", "a zip archive" }, { "PK\5\6", "a zip archive" }, { "\2537zXZ%z", "an xz file" },
    { "BZh[1-9]1AY&SY", "a bzip2 file" }, { "%(\181/\253", "a zstd file" }, { "\31\157", "a compress file" },
    { "\31\139", "a gzip file within a gzip file" }, { "\4\34M\24", "an LZ4 file" }, { "7z\188\175\39\28", "a 7-Zip archive" },
    { "Rar!\26\7", "a RAR archive" },
    { "\137PNG", "a PNG picture" }, { "\255\216\255", "a JPEG picture" },
    { "GIF8[79]a", "a GIF picture" }, { "%%PDF%-%d", "a PDF document" },
    { "\127ELF", "a program" }, { "MZ[^\n]*%z", "a program" }, { "\137HDF", "an HDF5 file" },
    { "PAR1[^\n]-[%z\1-\8\14-\31]", "a Parquet file" }, { "ARROW1%z", "an Arrow file" },
    { "\147NUMPY", "a numpy array (gpumm.npy reads it)" }, { "SQLite format 3%z", "an SQLite database" },
    { "MATLAB [57]%.%d MAT%-file", "a MATLAB file" }, { "RD[AX]%d\n", "R's data" },
    { "\208\207\17\224\161\177\26\225", "an old Office document" },
}

-- What the text's beginning says that it is; nil: text like other.
local function kind_of(head)
    for _, kind in ipairs(KINDS) do
        if head:find("^" .. kind[1]) then return kind[2] end
    end
    if head:sub(258, 262) == "ustar" then return "a tar archive" end
    local first = head:match "^%s*(<[!%a][^>]*)"
    if first and (first:lower():find "^<!doctype%s+html" or first:lower():find "^<html[%s>]?") then return "an HTML page" end
end

local HEAD, HEAD_MOST = 1 << 16, 1 << 22

-- Is there a line that is neither blank nor a comment, as text formats have them?
local function has_data(head)
    local first = head:match "^%s*([#%%c]?%s?)"
    local comment = first:find "^[#%%]" or first:find "^c%s"
    if not comment then return head:find "%S" ~= nil end
    return head:find "[\r\n][^#%%c%s]" or head:find "[\r\n]c[^%s]" or head:find "[\r\n][ \t]+[^#%%c%s]"
end

-- Does a line end there that is no quoted field's?
local function has_line(head)
    if not head:find('"', 1, true) then return head:find "[\r\n]" end
    return head:gsub('"[^"]*"', ""):match '^[^"]*':find "[\r\n]"
end

-- The first bytes: more than usual where a long comment stands before the data, or the first line is long.
local function beginning(source)
    local size = HEAD
    local head = source:sub(1, size)
    while size < #source and size < HEAD_MOST and not (has_data(head) and has_line(head)) do
        size = 2 * size
        head = source:sub(1, size)
    end
    return head
end

--- The opened file: a source, and its first bytes. What cannot be read raises "cannot read WHAT: …". Where options.share is
--- true, a part of it will be read, and who does looks for zero bytes there.
function text.open(path, what, options)
    local source, message = native.open(path, options and options.limit or LIMIT)
    if not source then error(("cannot read %s: %s"):format(what, (message:gsub("^%u[%u_]*: ", ""))), 0) end
    local head = beginning(source)
    local kind = kind_of(head)
    if kind and not (kind == "an HTML page" and path:lower():find "%.graphml") then
        error(("%s: this is %s, and not text"):format(path, kind), 0)
    end
    if not (options and options.share) and source:find_zero() then
        local how = head:find "^[^%z]%z[^%z]%z" and " (UTF-16 without a byte order mark?)" or ""
        error(path .. " is not a text file: it contains zero bytes" .. how, 0)
    end
    return source, head
end

local SAID = 63 -- bytes of a text that a message repeats; a line may have millions

--- What a message repeats of a value.
function text.said(value)
    if type(value) ~= "string" or #value <= SAID then return value end
    return (value:sub(1, SAID):gsub("[\xC2-\xF4][\x80-\xBF]*$", "")) -- a character that is cut says nothing
end

--- Raises "PATH:LINE: message", with the beginnings of what else is given.
function text.fail(path, line, message, ...)
    local values = table.pack(...)
    for i = 1, values.n do values[i] = text.said(values[i]) end
    error(("%s:%d: " .. message):format(path, line, table.unpack(values, 1, values.n)), 0)
end

--- Without the blanks at both ends; in time that goes with the length.
function text.trim(value)
    if value:find "^%S" and value:find("%S", -1) then return value end
    local first = value:find "%S"
    return first and value:match("^.*%S", first) or ""
end

return text
