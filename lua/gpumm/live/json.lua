-- SPDX-License-Identifier: MIT
-- Lua values as JSON for the page.

local utf = require "gpumm.live.utf"

local function quoted(text)
    text = utf.cleaned(text)
    return '"' .. text:gsub('[%c"\\\127]', function(c) return ("\\u%04x"):format(c:byte()) end) .. '"'
end

local function number(value)
    if value ~= value or value == math.huge or value == -math.huge then return "null" end
    return math.type(value) == "integer" and ("%d"):format(value) or (("%.17g"):format(value):gsub(",", "."))
end

--- Tables with a first element, or none at all, are lists; others have their keys in order.
local function json(value)
    if type(value) == "string" then return quoted(value) end
    if type(value) == "number" then return number(value) end
    if type(value) ~= "table" then return tostring(value) end
    local parts = {}
    if value[1] ~= nil or next(value) == nil then
        for i, item in ipairs(value) do parts[i] = json(item) end
        return "[" .. table.concat(parts, ",") .. "]"
    end
    for key in pairs(value) do parts[#parts + 1] = key end
    table.sort(parts)
    for i, key in ipairs(parts) do parts[i] = quoted(key) .. ":" .. json(value[key]) end
    return "{" .. table.concat(parts, ",") .. "}"
end

return json
