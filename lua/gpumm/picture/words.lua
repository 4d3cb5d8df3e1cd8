-- SPDX-License-Identifier: MIT
-- Texts as they are drawn.

local words = {}

--- Text in UTF-8: what is none is taken byte by byte for Latin-1.
function words.cleaned(text)
    if utf8.len(text) then return text end
    return (text:gsub("[\128-\255]", function(c) return utf8.char(c:byte()) end))
end

--- On one line, and not longer than `most` characters.
function words.short(text, most)
    text = words.cleaned(tostring(text)):gsub("%c+", " ")
    if utf8.len(text) <= most then return text end
    return text:sub(1, utf8.offset(text, most) - 1) .. "…"
end

--- A number as people write it.
function words.number(value)
    if math.tointeger(value) then return ("%d"):format(math.tointeger(value)) end
    return (("%.4g"):format(value):gsub(",", "."))
end

return words
