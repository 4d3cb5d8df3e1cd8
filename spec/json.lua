-- SPDX-License-Identifier: MIT
-- JSON, as much as is needed to read what --stats=json and traces write: decode(text), and what is behind it.

local decode

local function decode_list(text, at, close, item)
    local result = {}
    at = text:match("^%s*()", at)
    if text:sub(at, at) == close then return result, at + 1 end
    while true do
        at = item(result, at)
        local sign
        sign, at = text:match("^%s*([,%]}])()", at)
        if sign == close then return result, at end
        assert(sign == ",", "a comma expected at " .. tostring(at))
    end
end

local function decode_string(text, at)
    local body, after = text:match('^"([^"]*)"()', at)
    local function character(x) return utf8.char(tonumber(x, 16)) end
    return (assert(body, "a string expected at " .. at):gsub("\\u(%x%x%x%x)", character)), after
end

function decode(text, at)
    at = text:match("^%s*()", at or 1)
    local first = text:sub(at, at)
    if first == '"' then return decode_string(text, at) end
    if first == "[" then
        return decode_list(text, at + 1, "]", function(list, i)
            local value, after = decode(text, i)
            list[#list + 1] = value
            return after
        end)
    elseif first == "{" then
        return decode_list(text, at + 1, "}", function(map, i)
            local key, after = decode_string(text, text:match("^%s*()", i))
            map[key], after = decode(text, assert(text:match("^%s*:()", after)))
            return after
        end)
    end
    local word, after = text:match("^([%w%.%-+]+)()", at)
    local words = { ["true"] = true, ["false"] = false, null = "null" }
    if words[word] ~= nil then return words[word], after end
    return assert(tonumber(word), "no JSON at " .. at), after
end

return decode
