-- SPDX-License-Identifier: MIT
-- The command line of a script, from one table:
--
--     local opt = gpumm.options(arg, { "graph", out = "layout.png", steps = 600, grow = 0 },
--         { graph = "an edge list", out = "where the picture goes" })
--
-- Entries by position are required arguments; entries by name are options with their defaults. An option accepts
-- values of its default's type; where the default is a whole number, whole numbers only. A mistake of the user raises a
-- message without a position in the script, because the script is not wrong. The third table, which may be left out, says
-- in --help what each is for.

local inside = require "gpumm.inside"
local nearest = require "gpumm.words".nearest

local IDENTIFIER = "^[%a_][%w_]*$"

local function dashed(name)
    return "--" .. name:gsub("_", "-")
end

-- ---- The description -------------------------------------------------------------------------

local function check_default(name, default)
    local kind = type(default)
    if type(name) ~= "string" or not name:find(IDENTIFIER) then
        error(("gpumm.options: %q cannot be the name of an option"):format(tostring(name)), 4)
    end
    if kind ~= "string" and kind ~= "number" and kind ~= "boolean" then
        error(("gpumm.options: the default of '%s' is a %s; it must be a number, string or boolean")
            :format(name, kind), 4)
    end
    if name == "help" then error("gpumm.options: --help is taken, it prints the usage", 4) end
end

local function check_texts(description, texts)
    if type(texts) ~= "table" then error("gpumm.options: the texts are a table, not " .. type(texts), 4) end
    local known = table.move(description.positional, 1, #description.positional, 1, {})
    table.move(description.names, 1, #description.names, #known + 1, known)
    for name, text in pairs(texts) do
        local found = false
        for _, one in ipairs(known) do found = found or one == name end
        if not found or type(text) ~= "string" then
            error(("gpumm.options: a text is for an argument or option, which %q is not"):format(tostring(name)), 4)
        end
    end
    description.texts = texts
end

local function describe(spec)
    local description = { positional = {}, names = {}, defaults = {}, texts = {} }
    local positions = #spec
    for i = 1, positions do
        local name = spec[i]
        if type(name) ~= "string" or not name:find(IDENTIFIER) or spec[name] ~= nil then
            error(("gpumm.options: argument %d needs a name of its own, not %s"):format(i, tostring(name)), 3)
        end
        description.positional[i] = name
    end
    for name, default in pairs(spec) do
        if not (math.type(name) == "integer" and name >= 1 and name <= positions) then
            check_default(name, default)
            description.defaults[name] = default
            description.names[#description.names + 1] = name
        end
    end
    table.sort(description.names)
    return description
end

-- ---- The usage text -------------------------------------------------------------------------

local PLACEHOLDERS = { integer = "N", float = "X", string = "TEXT" }

local function placeholder(default)
    return PLACEHOLDERS[math.type(default) or type(default)]
end

local function usage_line(description)
    local words = { "usage:", description.script, "[options]" }
    for _, name in ipairs(description.positional) do words[#words + 1] = name:upper() end
    return table.concat(words, " ")
end

local function option_line(name, default, text)
    if default == true then return "  --no-" .. dashed(name):sub(3), text and "not: " .. text or "turns it off" end
    if default == false then return "  " .. dashed(name), text or "turns it on" end
    local shown = default == "" and "empty" or tostring(default)
    if text then shown = default == "" and text or ("%s (%s)"):format(text, shown) else shown = "default: " .. shown end
    return ("  %s %s"):format(dashed(name), placeholder(default)), shown
end

local function usage(description)
    local lines, texts = { usage_line(description) }, description.texts
    for _, name in ipairs(description.positional) do
        if texts[name] then lines[#lines + 1] = ("  %-24s %s"):format(name:upper(), texts[name]) end
    end
    for _, name in ipairs(description.names) do
        lines[#lines + 1] = ("%-26s %s"):format(option_line(name, description.defaults[name], texts[name]))
    end
    lines[#lines + 1] = ("%-26s %s"):format("  --help", "prints this")
    return table.concat(lines, "\n")
end

-- ---- Mistakes --------------------------------------------------------------------------------

-- Raises what is wrong with the command line. gpumm-run shows `first` alone, and where that says too little, how to go on.
local function mistake(description, first, more)
    local message = first .. (more or "")
    inside.mistake = { message = message, shown = ("%s\n%s; --help says more"):format(first, usage_line(description)) }
    error(message, 0)
end

local function unknown(description, word)
    local ours = inside.of_run and inside.of_run(word)
    if ours then mistake(description, ours) end
    local valid = {}
    for i, name in ipairs(description.names) do valid[i] = dashed(name) end
    valid[#valid + 1] = "--help"
    local near = nearest(word:match("^%-*([^=]*)"):gsub("-", "_"), description.names)
    mistake(description, ("unknown option %s%s"):format(word:match("^[^=]*"),
        near and " (did you mean " .. dashed(near) .. "?)" or ""), "; valid: " .. table.concat(valid, ", "))
end

-- ---- Values ----------------------------------------------------------------------------------

local function to_number(description, name, text, default)
    local value = tonumber(text)
    if not value or value - value ~= 0 then
        mistake(description, ("%s needs a number, not %q"):format(dashed(name), text))
    end
    if math.type(default) == "float" then return value + 0.0 end
    return math.tointeger(value) or mistake(description, ("%s needs a whole number, not %q"):format(dashed(name), text))
end

local BOOLEANS = { ["true"] = true, yes = true, on = true, ["false"] = false, no = false, off = false }

local function to_boolean(description, name, text)
    local value = BOOLEANS[text]
    if value == nil then mistake(description, ("%s is true or false, not %q"):format(dashed(name), text)) end
    return value
end

local function convert(description, name, text, default)
    if type(default) == "number" then return to_number(description, name, text, default) end
    if type(default) == "boolean" then return to_boolean(description, name, text) end
    return text
end

-- A word that begins with a dash is an option, unless it is "-" alone or a negative number.
local function is_option(word)
    return word:find("^%-.") and not tonumber(word)
end

-- ---- Parsing ---------------------------------------------------------------------------------

-- Stores the option at words[i] in `result`. Returns how many words it takes.
local function take_option(description, words, i, result)
    local word, defaults = words[i], description.defaults
    local name, value = word:match("^%-%-([^=]+)=?(.*)$")
    name = name and name:gsub("-", "_")
    local given = word:find("=", 1, true) ~= nil
    local negated = name and name:match("^no_(.+)$")
    if negated and defaults[name] == nil and type(defaults[negated]) == "boolean" and not given then
        result[negated] = false
        return 1
    end
    local default = name and defaults[name]
    if default == nil then unknown(description, word) end
    if given then
        result[name] = convert(description, name, value, default)
        return 1
    end
    if type(default) == "boolean" then
        result[name] = true
        return 1
    end
    local following = words[i + 1]
    if following == nil or following == "--" or is_option(following) then
        mistake(description, ("%s needs a value: %s %s"):format(dashed(name), dashed(name), placeholder(default)))
    end
    result[name] = convert(description, name, following, default)
    return 2
end

local function wants_help(words)
    for _, word in ipairs(words) do
        if word == "--" then return false end
        if word == "--help" or word == "-h" then return true end
    end
    return false
end

local function parse(description, words)
    local result, free, i = {}, {}, 1
    for name, default in pairs(description.defaults) do result[name] = default end
    while i <= #words do
        if words[i] == "--" then
            table.move(words, i + 1, #words, #free + 1, free)
            break
        elseif is_option(words[i]) then
            i = i + take_option(description, words, i, result)
        else
            free[#free + 1] = words[i]
            i = i + 1
        end
    end
    return result, free
end

local function name_positionals(description, free, result)
    for k, name in ipairs(description.positional) do
        if free[k] == nil then
            mistake(description, ("the argument %s is missing"):format(name:upper()), "\n" .. usage(description))
        end
        result[name] = free[k]
    end
    local extra = free[#description.positional + 1]
    if extra then mistake(description, ("one argument too many: %q"):format(extra), "\n" .. usage(description)) end
    return result
end

--- Parses `words` (a script's `arg`) by `spec`; `texts` are for --help, which prints the usage and ends the process with 0.
return function(words, spec, texts)
    if type(words) ~= "table" then
        error("gpumm.options needs the script's arg table, not " .. type(words), 2)
    end
    if type(spec) ~= "table" then
        error("gpumm.options needs a table of arguments and options, not " .. type(spec), 2)
    end
    for i, word in ipairs(words) do
        if type(word) ~= "string" then error(("gpumm.options: word %d is a %s, not text"):format(i, type(word)), 2) end
    end
    local description = describe(spec)
    if texts ~= nil then check_texts(description, texts) end
    description.script = tostring(words[0] or "script"):match("[^/]*$")
    if wants_help(words) then
        io.stdout:write(usage(description), "\n")
        os.exit(true, true)
    end
    local result, free = parse(description, words)
    return name_positionals(description, free, result)
end
