-- SPDX-License-Identifier: MIT
-- Reads the public headers, so that tests and the reference can be made from them: every exported function with its result,
-- its parameters and the statuses that the comment before or behind it names; and the whole as a list of items.

local header = {}

local function read(path)
    local file <close> = assert(io.open(path))
    return file:read "a"
end

-- A parameter's type and name; "..." has none. An array is a pointer.
local function parameter(text)
    text = text:gsub("%s+", " "):gsub("^ ", ""):gsub(" $", "")
    if text == "void" or text == "" then return nil end
    if text == "..." then return { type = "...", name = "" } end
    local array = text:find "%["
    local before, name = text:gsub("%[.-%]$", ""):match "^(.-)([%w_]+)$"
    return { type = (before:gsub(" $", "")) .. (array and " *" or ""), name = name }
end

--- Every status of the list in gpumm.h, in its order.
function header.statuses(root)
    local list = {}
    local map = read(root .. "/src/gpumm.h"):match "#define GPUMM_STATUS_MAP%(X%)(.-)\n\n"
    for name in map:gmatch "X%(([A-Z_]+)," do list[#list + 1] = name end
    return list
end

local function named(comment, statuses)
    local found = {}
    for _, status in ipairs(statuses) do
        if status ~= "OK" and (" " .. comment .. " "):find("[^%w_]" .. status .. "[^%w_]") then found[#found + 1] = status end
    end
    return found
end

-- The comment on lines of its own that ends right before `at`; "" where code does.
local function comment_before(text, at)
    local before, start = text:sub(1, at - 1), nil
    if not before:find "%*/%s*$" then return "" end
    for i = #before, 1, -1 do
        if before:sub(i, i + 1) == "/*" then start = i break end
    end
    local own_line = start and (start == 1 or before:sub(start - 1, start - 1) == "\n")
    return own_line and before:sub(start) or ""
end

--- Every function of one header: { { name =, result =, parameters = { { type =, name = } }, statuses = { … } } }.
function header.functions(root, name)
    local text, statuses, list = read(root .. "/src/" .. name), header.statuses(root), {}
    local at = 1
    while true do
        local first, last, result, call, inside, rest = text:find("\nGPUMM_API ([^\n(]-)([%w_]+)(%b())([^;]*;[^\n]*)", at)
        if not first then break end
        at = last
        local parameters = {}
        for part in inside:sub(2, -2):gmatch "[^,]+" do parameters[#parameters + 1] = parameter(part) end
        local behind = rest:match "/%*.*$" or ""
        list[#list + 1] = { name = call, result = (result:gsub("%s+$", "")), parameters = parameters,
            statuses = named(comment_before(text, first + 1) .. behind, statuses) }
    end
    return list
end

-- ---- The whole, as the reference wants it -------------------------------------------------------------

-- A comment's words in one line a paragraph or list item.
local function words(comment)
    local lines = {}
    for line in comment:gsub("^/%*", ""):gsub("%*/$", ""):gmatch "[^\n]+" do
        line = line:gsub("^%s*%*? ?", "", 1):gsub("%s+$", "")
        local indent, item = line:match "^(%s*)(.*)$"
        if item == "" then lines[#lines + 1] = ""
        elseif #lines == 0 or lines[#lines] == "" or item:find "^%- " then lines[#lines + 1] = item
        elseif indent ~= "" and lines[#lines]:find "^%- " or indent == "" or not lines[#lines]:find "^%- " then
            lines[#lines] = lines[#lines] .. " " .. item
        end
    end
    return (table.concat(lines, "\n"):gsub("^\n+", ""):gsub("\n+$", ""))
end

-- "uint64_t length, max" as fields of one type each.
local function declared(text)
    local list = {}
    text = text:gsub("%s+", " "):gsub("^ ", "")
    local callback = text:match "%(%*([%w_]+)%)"
    if callback then return { { name = callback, type = text } } end
    local first, others = text:match "^([^,]*),?(.*)$"
    local type, name, array = first:match "^(.*[ %*])([%w_]+)(%[?[^%]]*%]?)$"
    list[1] = { name = name, type = (type:gsub(" $", "")) .. array }
    for more in others:gmatch "[%w_]+" do list[#list + 1] = { name = more, type = list[1].type } end
    return list
end

-- A struct's fields. A comment on the line on which a field ends is that field's, another one that of what follows.
local function fields(body)
    local list, at, above, last = {}, 1, nil, nil
    while true do
        local first = body:find("%S", at)
        if not first then return list end
        local comment, behind = body:match("^(/%*.-%*/)()", first)
        if not comment then
            last, behind = declared(body:match("^([^;]*)", first)), body:find(";", first, true) + 1
            for _, field in ipairs(last) do field.text = above list[#list + 1] = field end
            above = nil
        elseif last and not body:sub(at, first):find "\n" then
            for _, field in ipairs(last) do field.text = words(comment) end
        else
            above, last = words(comment), nil
        end
        at = behind
    end
end

local function enumerators(body)
    local list = {}
    for line in body:gmatch "[^\n]+" do
        local comment = line:match "/%*(.-)%*/"
        for name in line:gsub("/%*.*", ""):gmatch "[A-Z][A-Z0-9_]+" do
            list[#list + 1] = { name = name, text = comment and words("/*" .. comment .. "*/") or nil }
        end
    end
    return list
end

-- What stands at the beginning of `text`: an item of the header, and where it ends; or nil.
local function item_at(text, at)
    local function from(pattern) return text:match("^" .. pattern .. "()", at) end
    local name, body, stop = from "typedef struct ([%w_]+) (%b{}) [%w_]+;"
    if name then return { kind = "struct", name = name, fields = fields(body:sub(2, -2)),
        is_options = name:find "options$" ~= nil or name:find "sandbox$" ~= nil or name:find "_lua_script$" ~= nil }, stop end
    name, body, stop = from "typedef enum ([%w_]+) (%b{}) [%w_]+;"
    if name then return { kind = "enum", name = name, values = enumerators(body) }, stop end
    body, stop = from "static inline ([^{]-) %b{}"
    if body then return { kind = "inline", name = body:match "([%w_]+)%(", code = body }, stop end
    body, stop = from "(enum %b{};)"
    if body then return { kind = "constant", code = body }, stop end
    body, stop = from "GPUMM_API ([^;]-;)"
    if body then return { kind = "function", name = body:match "([%w_]+)%s*%(", code = (body:gsub("\n%s+", " ")) }, stop end
    body, stop = from "(typedef [^;]-;)"
    if body then return { kind = "type", name = body:match "([%w_]+);$" or body:match "%*([%w_]+)%)", code = body }, stop end
    body, stop = from "(#define GPUMM_[%w_]+ [^\n]*[^\\\n])\n"
    if body and not body:find "STATUS_ENUM" and not body:find "API" and not body:find "MAP" then
        return { kind = "constant", code = body }, stop
    end
end

--- The header's items in order: { kind = "section", "prose", "function", "struct", "enum", "type", "constant" or "inline",
--- name =, text = its comment, code =, fields =, values = }.
function header.items(root, name)
    local text = read(root .. "/src/" .. name)
    local list, at, comment = {}, text:find("*/", text:find("/*\n", 1, true), true) + 3, nil
    list[1] = { kind = "prose", text = words(text:match "\n(/%*\n.-%*/)") }
    local function prose()
        if comment then list[#list + 1] = { kind = "prose", text = comment } end
        comment = nil
    end
    while at <= #text do
        local section, behind = text:match("^/%* %-%-%-%- (.-) %-+ %*/()", at)
        local item, stop = item_at(text, at)
        if section then
            prose()
            list[#list + 1], at = { kind = "section", name = section }, behind
        elseif text:find("^/%*", at) then
            prose()
            local last = select(2, text:find("*/", at, true))
            comment, at = words(text:sub(at, last)), last + 1
        elseif item then
            local same_line, last = text:match("^[ \t]*(/%*.-%*/)()", stop)
            item.text = same_line and words(same_line) or comment
            list[#list + 1], comment, at = item, nil, last or stop
        elseif text:find("^\n\n", at) then
            prose()
            at = at + 1
        else
            at = text:match("^\n()", at) or text:match("^[^\n]+()", at)
        end
    end
    prose()
    return list
end

--- The structs among them.
function header.structs(root, name)
    local found = {}
    for _, item in ipairs(header.items(root, name)) do
        if item.kind == "struct" then found[#found + 1] = item end
    end
    return found
end

--- Does an option's comment say what it is where a program leaves it 0? A bool is off, who a callback is called for is the
--- caller's affair, and how many there are of a list says the list.
function header.has_default(field)
    if field.type == "bool" or field.name:find "user$" or field.name:find "_count$" then return true end
    return field.text ~= nil and (field.text:find "%f[%w]0%f[%W]" or field.text:find "NULL" or field.text:find "all zero"
        or field.text:find "[Rr]equired") ~= nil
end

return header
