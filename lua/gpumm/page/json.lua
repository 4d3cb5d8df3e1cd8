-- SPDX-License-Identifier: MIT
-- Texts and numbers inside of a page.

local words = require "gpumm.picture.words"

local json = {}

--- A text as JSON in a script element: nothing may look like the element's end. What is no UTF-8 is taken for Latin-1.
function json.text(text)
    return '"' .. words.cleaned(text):gsub('[%c"\\<]', function(c) return ("\\u%04x"):format(c:byte()) end) .. '"'
end

--- A finite number.
function json.number(value) return (("%.9g"):format(value):gsub(",", ".")) end

--- Numbers with commas between them.
function json.numbers(list)
    local texts = {}
    for k, value in ipairs(list) do texts[k] = json.number(value) end
    return table.concat(texts, ",")
end

--- A text in HTML.
function json.html(text)
    return (words.cleaned(text):gsub('[&<>"]', { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;" }))
end

return json
