-- SPDX-License-Identifier: MIT
-- Texts for the page, which takes UTF-8 alone.

local utf = {}

--- What is no UTF-8 is taken byte by byte for Latin-1.
function utf.cleaned(text)
    if utf8.len(text) then return text end
    return (text:gsub("[\128-\255]", function(c) return utf8.char(c:byte()) end))
end

--- At most so many bytes, of whole characters.
function utf.cut(text, most)
    if #text <= most then return text end
    local stop = most
    while stop > 0 and text:byte(stop + 1) & 0xC0 == 0x80 do stop = stop - 1 end
    return text:sub(1, stop)
end

return utf
