-- SPDX-License-Identifier: MIT
-- Texts as they are drawn.

local words = {}

--- Text in UTF-8: what is none is taken byte by byte for Latin-1.
function words.cleaned(text)
    if utf8.len(text) then return text end
    return (text:gsub("[\128-\255]", function(c) return utf8.char(c:byte()) end))
end

-- Numbers that Unicode gives to no character, and Cairo therefore draws not, nor anything after them.
local function is_no_character(c) return c & 0xfffe == 0xfffe or c >= 0xfdd0 and c <= 0xfdef end

local function drawable(one) return is_no_character(utf8.codepoint(one)) and "\u{fffd}" or nil end

--- On one line, and not longer than `most` characters; all of them can be drawn.
function words.short(text, most)
    text = words.cleaned(tostring(text)):gsub("%c+", " ")
    if utf8.len(text) > most then text = text:sub(1, utf8.offset(text, most) - 1) .. "…" end
    return (text:gsub("[\xef-\xf4][\x80-\xbf]+", drawable))
end

--- A number as people write it.
function words.number(value)
    if math.tointeger(value) then return ("%d"):format(math.tointeger(value)) end
    return (("%.4g"):format(value):gsub(",", "."))
end

return words
