-- SPDX-License-Identifier: MIT
-- Options in tables: unknown names and values that make no sense are refused by a message that says what would be right.

local words = require "gpumm.words"
local nearest = words.nearest

local checked = {}

local function is_finite(value) return type(value) == "number" and value - value == 0 end
local function is_whole(value) return type(value) == "number" and math.tointeger(value) ~= nil end -- 10.0 is one

-- By kind: what it is called, and whether a value is one.
local KINDS = {
    number = { "a finite number", is_finite },
    whole = { "a whole number", is_whole },
    boolean = { "true or false", function(value) return type(value) == "boolean" end },
    callable = { "a function", function(value) return type(value) == "function" end },
    expression = { "an expression of CUDA C, a text", function(value) return type(value) == "string" end },
    table = { "a table", function(value) return type(value) == "table" end },
    sign = { "one character, no quote and no line's end", function(value)
        return type(value) == "string" and value:find '^[^"\r\n]$' ~= nil
    end },
    point = { '"." or ","', function(value) return value == "." or value == "," end },
    any = { "a value", function() return true end },
}

local function show(value)
    local _ <close> = words.plain()
    return type(value) == "string" and ("%q"):format(value) or tostring(value)
end

local function expectation(field)
    local _ <close> = words.plain()
    local text = KINDS[field.kind][1]
    if field.least and field.most then return ("%s from %s to %s"):format(text, field.least, field.most) end
    return field.least and ("%s from %s"):format(text, field.least) or text
end

local function is_right(field, value)
    if not KINDS[field.kind][2](value) then return false end
    return not (field.least and value < field.least) and not (field.most and value > field.most)
end

local function sorted_keys(map)
    local names = {}
    for name in pairs(map) do names[#names + 1] = name end
    table.sort(names)
    return names
end

local function is_in(list, key)
    for _, name in ipairs(list) do
        if name == key then return true end
    end
    return false
end

--- Raises, at `level` as error has it, where a key of `options` is none of the list `valid`.
function checked.keys(what, options, valid, level)
    for key in pairs(options) do
        if not is_in(valid, key) then
            local near = type(key) == "string" and nearest(key, valid)
            error(("%s: unknown option %q%s; valid: %s"):format(what, tostring(key),
                near and (" (did you mean %q?)"):format(near) or "", table.concat(valid, ", ")), level + 1)
        end
    end
end

--- A copy of `options` with the fields' defaults. A field is { kind =, default =, least =, most = }; kinds are number,
--- whole, boolean, callable, expression, table, sign, point and any.
function checked.options(what, options, fields, level)
    if options ~= nil and type(options) ~= "table" then
        error(("%s: options are a table, not %s"):format(what, show(options)), level + 1)
    end
    checked.keys(what, options or {}, sorted_keys(fields), level + 1)
    local all = {}
    for name, field in pairs(fields) do
        local value = field.default
        if options and options[name] ~= nil then value = options[name] end
        if value ~= nil and value ~= field.default and not is_right(field, value) then
            error(("%s: %s is %s, not %s"):format(what, name, expectation(field), show(value)), level + 1)
        end
        if field.kind == "whole" and type(value) == "number" then value = math.tointeger(value) end
        all[name] = value
    end
    return all
end

return checked
