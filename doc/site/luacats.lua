-- SPDX-License-Identifier: MIT
-- Reads library/gpumm.lua, which describes the Lua API for editors (LuaCATS): the reference and the specs that hold it
-- against the module are made from what this returns.
--
-- A function's text is Markdown. It ends with a line "Fails: …" where the function returns a status that is not about
-- misuse, and with an example between ```lua and ```. An option's text ends with "…, unless given", or says that it is
-- needed by not being optional.

local luacats = {}

-- "name? type text" behind a tag; the type ends at the first blank outside of brackets and of fun(…): result.
local function typed(rest)
    local depth, at = 0, nil
    for i = 1, #rest do
        local c = rest:sub(i, i)
        if c:find "[%(%[{<]" then depth = depth + 1 elseif c:find "[%)%]}>]" then depth = depth - 1 end
        if c == " " and depth == 0 and not rest:sub(1, i - 1):find "[:|]$" and not rest:sub(i):find "^ ?|" then
            at = i
            break
        end
    end
    if not at then return rest, "" end
    return rest:sub(1, at - 1), (rest:sub(at + 1):gsub("^# ", ""))
end

-- Of a doc comment: its text, and its example, which lies between ```lua and ```.
local function split(lines)
    local text, example, inside = {}, {}, false
    for _, line in ipairs(lines) do
        if line == "```lua" then inside = true
        elseif line == "```" then inside = false
        else table.insert(inside and example or text, line) end
    end
    return table.concat(text, "\n"), #example > 0 and table.concat(example, "\n") or nil
end

local function field_of(rest)
    local name, optional, more = rest:match "^([%w_]+)(%??) (.*)$"
    if not name then name, more = rest:match "^(%b[]) (.*)$" end
    local type, text = typed(more)
    return { name = name, optional = optional == "?", type = type, text = text }
end

-- Lines of one file, with what they belong to.
local Reader = {}
Reader.__index = Reader

local function fresh() return { lines = {}, parameters = {}, returns = {}, overloads = {} } end

function Reader:tag(tag, rest)
    local doc = self.doc
    if tag == "class" then
        local name, parent, text = rest:match "^([%w_.]+):? ?([%w_.]*) ?(.*)$"
        if parent ~= "" and not rest:find("^" .. name:gsub("%p", "%%%0") .. ":") then parent, text = "", parent .. " " .. text end
        local before = split(doc.lines)
        self.class = { name = name, parent = parent ~= "" and parent or nil, fields = {}, by_name = {}, methods = {},
            text = before ~= "" and before or text:gsub("^ +", ""), section = self.section, overloads = {} }
        self.classes[name] = self.class
        table.insert(self.order, self.class)
        self.doc = fresh()
    elseif tag == "field" then
        local field = field_of(rest)
        table.insert(self.class.fields, field)
        self.class.by_name[field.name] = field
    elseif tag == "param" then
        local name, optional, more = rest:match "^([%w_.]+)(%??) (.*)$"
        local type, text = typed(more)
        table.insert(doc.parameters, { name = name, optional = optional == "?", type = type, text = text })
    elseif tag == "return" then
        local type, text = typed(rest)
        local name, more = text:match "^([%w_]+) ?(.*)$"
        table.insert(doc.returns, { type = type, name = name, text = more or "" })
    elseif tag == "overload" then
        table.insert(self.class.overloads, rest)
    elseif tag == "alias" then
        local name, more = rest:match "^([%w_.]+) (.*)$"
        local type, text = typed(more)
        table.insert(self.aliases, { name = name, type = type, text = text })
    end
end

function Reader:define(name, list, owner)
    local text, example = split(self.doc.lines)
    local names = {}
    for word in list:gmatch "[%w_.]+" do names[#names + 1] = word end
    local f = { name = name, arguments = names, parameters = self.doc.parameters, returns = self.doc.returns, text = text,
        example = example, section = self.section, owner = owner }
    table.insert(self.functions, f)
    if owner then table.insert(owner.methods, f) end
    self.doc = fresh()
end

function Reader:line(line)
    local section = line:match "^%-%- %-%-%-%- (.-) %-+$"
    local tag, rest = line:match "^%-%-%-@(%a+) (.*)$"
    local text = line:match "^%-%-%- ?(.*)$"
    local variable = line:match "^local (%w+) = {}"
    local part = line:match "^gpumm%.(%w+) = {}"
    local owner, method, list = line:match "^function (%w+):([%w_]+)%((.-)%) end"
    local path, arguments = line:match "^function %a+%.([%w_.]+)%((.-)%) end"
    if section then self.section = section
    elseif tag then self:tag(tag, rest)
    elseif text then table.insert(self.doc.lines, text)
    elseif variable and self.class then self.variables[variable] = self.class
    elseif part then
        table.insert(self.parts, { name = part, text = (split(self.doc.lines)), section = self.section })
        self.doc = fresh()
    elseif owner then self:define(method, list, assert(self.variables[owner], owner))
    elseif path then self:define(path, arguments)
    elseif line == "" or line:find "^%-%- " then self.doc = fresh()
    end
end

--- { classes = by name, order = classes in order, functions = all, in order, aliases, parts }; a function has name
--- ("allocate", "growth.linear"), owner (its class, of a method), text, example, parameters, returns, section; a class has
--- name, parent, text, fields, methods, section.
function luacats.read(path)
    local reader = setmetatable({ classes = {}, order = {}, functions = {}, aliases = {}, parts = {}, variables = {},
        doc = fresh() }, Reader)
    for line in io.lines(path) do reader:line(line) end
    return reader
end

return luacats
