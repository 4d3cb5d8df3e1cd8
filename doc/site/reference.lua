-- SPDX-License-Identifier: MIT
-- Writes the reference as Markdown, from library/gpumm.lua (Lua) and the headers (C), a page for each of their sections:
--
--     lua5.4 doc/site/reference.lua ROOT FOLDER
--
-- Beside the pages it writes FOLDER/pages.txt: lines "file<TAB>title", in order, for the site's navigation.

local root, folder = arg[1], arg[2]
package.path = root .. "/?.lua;" .. package.path

local header_cpp = require "spec.header_cpp"
local headers = require "spec.header"
local luacats = require "doc.site.luacats"

local pages = {}

local function slug(text) return (text:lower():gsub("[^%w_ -]", ""):gsub(" ", "-")) end

local function write(name, title, lines)
    local file <close> = assert(io.open(folder .. "/" .. name, "w"))
    file:write("<!-- SPDX-License-Identifier: MIT -->\n# ", title, "\n\n", table.concat(lines, "\n"), "\n")
    pages[#pages + 1] = name .. "\t" .. title
end

-- ---- Lua --------------------------------------------------------------------------------------

local read = luacats.read(root .. "/library/gpumm.lua")
local OBJECTS = { manager = "m", buffer = "b", group = "g", stream = "s", event = "e", readback = "rb", kernel = "k",
    recording = "r", view = "v", simulation = "sim", graph_object = "graph" }
local page_of = {} -- of each class, and of each function by its heading

local function heading(f)
    if not f.owner then return "gpumm." .. f.name end
    local class = f.owner.name:gsub("^gpumm%.", "")
    return (OBJECTS[class] or class) .. ":" .. f.name
end

local function cell(text) return (text:gsub("\n", " "):gsub("|", "\\|")) end

local function code(text) return "`" .. cell(text) .. "`" end

-- A type, with links to the classes that it names.
local function linked(type)
    for name in type:gmatch "gpumm%.[%w_]+" do
        if page_of[name] then
            return code(type) .. (" ([%s](%s#%s))"):format(name:gsub("^gpumm%.", ""), page_of[name], slug(name))
        end
    end
    return code(type)
end

-- "TEXT; DEFAULT, unless given" in two.
local function parted(text)
    local said = text:match "^(.*), unless given"
    if not said then return text, "" end
    local more = text:sub(#said + #", unless given" + 1)
    local before, default = said:match "^(.*)[;?] ([^;?]*)$"
    if said:find "%? [^;]*$" and before then before = before .. "?" end
    if not before then before, default = "", said end
    return before, default .. more
end

local function fields_table(class, lines)
    local options = class.name:find "options$" or class.name == "gpumm.config" or class.name == "gpumm.fault_plan"
    lines[#lines + 1] = options and "| option | type | what | default |\n| --- | --- | --- | --- |" or
        "| field | type | what |\n| --- | --- | --- |"
    for _, field in ipairs(class.fields) do
        local text, default = parted(field.text)
        if not options then text = field.text .. (field.optional and " (or nil)" or "") end
        local row = { code(field.name), linked(field.type), cell(text) }
        if options then row[4] = field.optional and cell(default) or "needed" end
        lines[#lines + 1] = "| " .. table.concat(row, " | ") .. " |"
    end
    lines[#lines + 1] = ""
end

local function parameters_of(f, lines)
    if #f.parameters == 0 then return end
    lines[#lines + 1] = "| parameter | type | what |\n| --- | --- | --- |"
    for _, p in ipairs(f.parameters) do
        local text = p.text ~= "" and p.text or "see there"
        lines[#lines + 1] = ("| %s | %s | %s |"):format(code(p.name .. (p.optional and "?" or "")), linked(p.type), cell(text))
    end
    lines[#lines + 1] = ""
end

local function returns_of(f, lines)
    local list = {}
    local last = f.returns[#f.returns]
    local fails = last and last.type:find("status_name", 1, true) and last.name == "code"
    for _, r in ipairs(f.returns) do
        if not r.type:find("status_name", 1, true) and not (r.name == "message" and r.type == "string?") then
            local name = r.name and r.name ~= "ok" and " " .. r.name or ""
            list[#list + 1] = linked(fails and r.type:gsub("%?$", "") or r.type) .. name
                .. (r.text ~= "" and ": " .. r.text or "")
        end
    end
    if #list == 0 and not fails then return end
    lines[#lines + 1] = "Returns " .. table.concat(list, ", ") .. (fails and "; or nil, a message and a status" or "") .. ".\n"
end

local function function_of(f, lines)
    local names = table.concat(f.arguments, ", ")
    lines[#lines + 1] = ("## `%s`\n\n`%s(%s)`\n"):format(heading(f), heading(f), names)
    lines[#lines + 1] = (f.text:gsub("\n?Fails: ", "\n\n**Fails:** ")) .. "\n"
    parameters_of(f, lines)
    returns_of(f, lines)
    if f.example then lines[#lines + 1] = "```lua\n" .. f.example .. "\n```\n" end
end

local function overloads(class, lines)
    for _, text in ipairs(class.overloads) do lines[#lines + 1] = "Also called itself: `" .. text .. "`.\n" end
end

local function class_of(class, lines)
    lines[#lines + 1] = "## `" .. class.name .. "`\n"
    if class.text ~= "" then lines[#lines + 1] = class.text .. "\n" end
    if class.parent then
        lines[#lines + 1] = ("Has all that [%s](%s#%s) has, and:\n"):format(class.parent, page_of[class.parent] or "",
            slug(class.parent))
    end
    overloads(class, lines)
    if #class.fields > 0 then fields_table(class, lines) end
end

-- The pages' names by section, and which functions and classes are on each.
local sections, by_section = {}, {}
local function page(section)
    if not by_section[section] then
        by_section[section] = { title = section, file = "lua-" .. slug(section):gsub("[^%w]+", "-") .. ".md", functions = {},
            classes = {}, parts = {} }
        sections[#sections + 1] = by_section[section]
    end
    return by_section[section]
end
for _, f in ipairs(read.functions) do table.insert(page(f.section).functions, f) end
for _, part in ipairs(read.parts) do table.insert(page(part.section).parts, part) end

-- A class whose section has no functions (options, records) goes where a function first speaks of it, or where a class does
-- that is there.
local function place(class, section)
    if not class or page_of[class.name] or #class.methods > 0 then return end
    page_of[class.name] = section.file
    table.insert(section.classes, class)
    for _, field in ipairs(class.fields) do
        for name in field.type:gmatch "gpumm%.[%w_]+" do place(read.classes[name], section) end
    end
    if class.parent then place(read.classes[class.parent], section) end
end
for _, class in ipairs(read.order) do
    if #class.methods > 0 or by_section[class.section] then
        page_of[class.name] = page(class.section).file
        table.insert(page(class.section).classes, class)
    end
end
for _, section in ipairs(sections) do
    for _, f in ipairs(section.functions) do
        for _, list in ipairs { f.parameters, f.returns } do
            for _, one in ipairs(list) do
                for name in one.type:gmatch "gpumm%.[%w_]+" do place(read.classes[name], section) end
            end
        end
    end
end
for _, class in ipairs(read.order) do
    if not page_of[class.name] then place(class, page "Records") end
end

local INTRODUCTION = [[
Every function of the module, by subject. A call that can fail at run time (no memory, no device, no such file) returns
`nil, "STATUS: message", "STATUS"`; what it fails with stands behind **Fails**, and [statuses](../faq.md#statuses) says
what each means. Beside these, any call can return `DEVICE_LOST` and `DRIVER`. A mistake in the script (a wrong type, an
unknown option, use after close) raises an error. Within a simulation both raise. Elements and nodes count from 1,
unless a text says otherwise. Sizes in bytes are numbers, or texts as `"4GiB"`; times are in seconds.

In the examples, which all run as they stand, `m` is a manager; `b` is its buffer `positions` of four `f32x2`; `g` a
group of four with the members `position` and `mass`; `rb` a readback of `b`, and `frame` a frame of it; `s` a stream,
`e` an event, `k` a kernel that takes `n` and `p`; `move` one that takes `n`, `p` and `by`, which it adds to each x; `v`
a view of four `f32x2`, 1 to 8; `graph` a path of four nodes, a to d; `sim` a simulation of ten steps that is open, and
`described` one that is not. `print(x) --> y` says what is printed.
]]

local function lua_pages()
    local index = { INTRODUCTION }
    for _, section in ipairs(sections) do
        local lines, names = {}, {}
        for _, part in ipairs(section.parts) do lines[#lines + 1] = ("`gpumm.%s`: %s\n"):format(part.name, part.text) end
        for _, class in ipairs(section.classes) do
            if #class.methods > 0 then class_of(class, lines) end
        end
        for _, f in ipairs(section.functions) do
            function_of(f, lines)
            names[#names + 1] = ("[%s](%s#%s)"):format(heading(f), section.file, slug(heading(f)))
        end
        for _, class in ipairs(section.classes) do
            if #class.methods == 0 then class_of(class, lines) end
        end
        section.lines = lines
        index[#index + 1] = ("**[%s](%s)** %s\n"):format(section.title, section.file, table.concat(names, " · "))
    end
    index[#index + 1] = "## Names of types\n\n| name | type | what |\n| --- | --- | --- |"
    for _, alias in ipairs(read.aliases) do
        index[#index + 1] = ("| %s | %s | %s |"):format(code(alias.name), code(alias.type), cell(alias.text))
    end
    index[#index + 1] = "\nThe ranks of an MPI program are [gpumm.world](lua-world.md).\n"
    write("lua.md", "Lua reference", index)
    for _, section in ipairs(sections) do write(section.file, section.title, section.lines) end
end

local function world_page()
    read = luacats.read(root .. "/library/gpumm/world.lua")
    local lines = { "`require \"gpumm.world\"`: what the ranks of an MPI program do together. [Ranks](../ranks.md) says how.\n" }
    for _, class in ipairs(read.order) do page_of[class.name] = "lua-world.md" end
    for _, f in ipairs(read.functions) do
        local all = heading
        heading = function(g) return "world." .. g.name end
        function_of(f, lines)
        heading = all
    end
    for _, class in ipairs(read.order) do class_of(class, lines) end
    write("lua-world.md", "gpumm.world", lines)
end

-- ---- C ------------------------------------------------------------------------------------------

local c_page = {} -- of each name

-- A text in which the names of C are code, and lead to where they are.
local function named(text)
    local parts, inside = {}, false
    for part in (text .. "`"):gmatch "(.-)`" do
        parts[#parts + 1] = inside and part or part:gsub("%f[%w_][Gg][Pp][Uu][Mm][Mm]_[%w_]+", function(name)
            return c_page[name] and ("[\0%s\0](%s#%s)"):format(name, c_page[name], slug(name)) or "\0" .. name .. "\0"
        end)
        inside = not inside
    end
    return (table.concat(parts, "`"):gsub("%z", "`"))
end

local function paragraphs(text) return (named(text):gsub("\n%- ", "\n\n- ")) .. "\n" end

local function c_struct(item, lines)
    lines[#lines + 1] = "## `" .. item.name .. "`\n"
    if item.text then lines[#lines + 1] = paragraphs(item.text) end
    lines[#lines + 1] = "| field | type | what |\n| --- | --- | --- |"
    for _, field in ipairs(item.fields) do
        local text = field.text or field.type == "bool" and item.is_options and "false: not" or ""
        lines[#lines + 1] = ("| %s | %s | %s |"):format(code(field.name), code(field.type), cell(named(text)))
    end
    lines[#lines + 1] = ""
end

local function c_enum(item, lines)
    lines[#lines + 1] = "## `" .. item.name .. "`\n"
    if item.text then lines[#lines + 1] = paragraphs(item.text) end
    for _, value in ipairs(item.values) do
        lines[#lines + 1] = "- " .. code(value.name) .. (value.text and ": " .. named(value.text) or "")
    end
    lines[#lines + 1] = ""
end

local function statuses(lines)
    local file <close> = assert(io.open(root .. "/src/gpumm.h"))
    local map = file:read "a":match "#define GPUMM_STATUS_MAP%(X%)(.-)\n\n"
    lines[#lines + 1] = "## gpumm_status\n\n| status | what it means |\n| --- | --- |"
    for name, text in map:gmatch 'X%(([A-Z_]+), "(.-)"%)' do
        lines[#lines + 1] = ("| `GPUMM_%s` | %s |"):format(name, text)
    end
    lines[#lines + 1] = ""
end

local KEPT = "One reference more; returns what it was given."

local MAKERS = {
    prose = function(item, lines) lines[#lines + 1] = paragraphs(item.text) end,
    struct = c_struct,
    enum = function(item, lines)
        if item.name == "gpumm_status" then statuses(lines) else c_enum(item, lines) end
    end,
    type = function(item, lines)
        lines[#lines + 1] = ("## `%s`\n\n```c\n%s\n```\n"):format(item.name, item.code)
        if item.text then lines[#lines + 1] = paragraphs(item.text) end
    end,
    constant = function(item, lines)
        lines[#lines + 1] = "```c\n" .. item.code .. "\n```\n"
        if item.text then lines[#lines + 1] = paragraphs(item.text) end
    end,
    inline = function(item, lines)
        lines[#lines + 1] = ("## `%s`\n\n```c\n%s;\n```\n"):format(item.name, item.code)
        lines[#lines + 1] = "The one before, with the size of `*out`.\n"
    end,
}
MAKERS["function"] = function(item, lines)
    lines[#lines + 1] = ("## `%s`\n\n```c\n%s\n```\n"):format(item.name, item.code)
    lines[#lines + 1] = paragraphs(item.text or item.name:find "_retain$" and KEPT or "As the one before says.")
end

local HEADERS = {
    { name = "gpumm.h", title = "gpumm.h" }, { name = "gpumm_lua.h", title = "Embedding in Lua" },
    { name = "gpumm_compat.h", title = "Compatibility" },
    { name = "gpumm_vulkan.h", title = "Vulkan", before = "Vulkan: " }, -- whose sections are called as others
}

local function exists(header)
    local file = io.open(root .. "/src/" .. header.name)
    return file and file:close()
end

-- The sections of all headers: { title =, file =, items =, names = }.
local function c_sections()
    local done = {}
    local function start(title)
        done[#done + 1] = { title = title, file = "c-" .. slug(title):gsub("[^%w]+", "-") .. ".md", items = {}, names = {} }
    end
    for _, header in ipairs(HEADERS) do
        if exists(header) then start(header.title) end
        for _, item in ipairs(exists(header) and headers.items(root, header.name) or {}) do
            local section = done[#done]
            if item.kind == "section" then start((header.before or "") .. item.name) else table.insert(section.items, item) end
            if item.name and item.kind ~= "section" then c_page[item.name] = section.file end
            if item.kind == "function" or item.kind == "struct" then table.insert(section.names, item.name) end
        end
    end
    return done
end

local function c_pages()
    local index, done = {}, c_sections()
    for _, section in ipairs(done) do
        local links = {}
        for _, name in ipairs(section.names) do links[#links + 1] = ("[%s](%s#%s)"):format(name, section.file, slug(name)) end
        index[#index + 1] = ("**[%s](%s)** %s\n"):format(section.title, section.file, table.concat(links, " · "))
    end
    index[#index + 1] = "For C++17 [gpumm.hpp](cpp.md) has the same with handles that release themselves.\n"
    write("c.md", "C reference", index)
    for _, section in ipairs(done) do
        local lines = {}
        for _, item in ipairs(section.items) do MAKERS[item.kind](item, lines) end
        write(section.file, section.title .. " (C)", lines)
    end
end

-- ---- C++ ----------------------------------------------------------------------------------------

-- A member or function: how it is written, its words, and the function of C that it stands for.
local function cpp_item(item, lines)
    local parts = { item.text and named(item.text), item.calls and c_page[item.calls] and named(item.calls) }
    lines[#lines + 1] = ("- `%s`: %s"):format(item.signature, parts[1] and parts[2] and parts[1] .. " · " .. parts[2]
        or parts[1] or parts[2])
end

local function cpp_page()
    local head, list = header_cpp.read(root)
    local lines = {}
    for _, item in ipairs(list) do
        if item.members then
            lines[#lines + 1] = ("\n## `gpumm::%s`\n\n%s\n"):format(item.name, named(item.text or ""))
            for _, member in ipairs(item.members) do cpp_item(member, lines) end
        else
            cpp_item(item, lines)
        end
    end
    head = head:gsub("\n    (.*)$", "\n```cpp\n%1\n```\n"):gsub("\n    ", "\n")
    write("cpp.md", "C++ reference", { head,
        "What a member does that has no words of its own is said at the function of C that stands beside it.\n",
        table.concat(lines, "\n") })
end

lua_pages()
world_page()
c_pages()
cpp_page()
local file <close> = assert(io.open(folder .. "/pages.txt", "w"))
file:write(table.concat(pages, "\n"), "\n")
