-- SPDX-License-Identifier: MIT
-- The rules of the source tree that a compiler does not check. Prints each violation, and fails where there is one:
--     lua5.4 spec/structure.lua [FOLDER]      FOLDER holds src (default: the current one)
--   circle      no units include one another in a circle; a .h and the .c of its name are one unit
--   folder      includes run down: run -> bind -> share -> primitives -> kernel -> core -> memory -> device -> base
--   vendor      headers of Lua, of CUDA and of image libraries are included in their own folders only
--   definition  what a header declares is defined in the .c of its name
--   prefix      what a linker sees is named gpumm__… (in bind and modules gpumm_…__…), or is public API
--   license     every source file has its SPDX line
--   document    files that the documents name exist, and so do the functions that ARCHITECTURE.md names
-- It works on a table { ["core/group.h"] = text, … } with paths below src, so that structure_spec.lua can hand it small
-- trees made for one rule.

local structure = {}

local FLOORS = { base = 1, device = 2, memory = 3, core = 4, kernel = 5, primitives = 6, share = 7, bind = 8, run = 9 }
local PUBLIC = { ["gpumm.h"] = true, ["gpumm_lua.h"] = true, ["gpumm_compat.h"] = true,
    ["gpumm_vulkan.h"] = true }
local LUA_FOLDERS = { bind = true, run = true, modules = true }

-- System headers by pattern, and the folders that may include them.
local VENDORS = {
    { patterns = { "^lua", "^lauxlib" }, folders = { "bind", "run", "modules", "gpumm_lua.h" } },
    { patterns = { "^cuda", "^nvrtc", "^nvml" }, folders = { "device/cuda" } },
    { patterns = { "^png", "^zlib", "^expat", "^mpi", "^cairo", "^pango", "^libwebsockets" }, folders = { "modules" } },
    { patterns = { "^vulkan/" }, folders = { "modules/vulkan", "gpumm_vulkan.h" } },
}

-- The build writes the definitions: scripts/embed.cmake.
local GENERATED = { ["embedded.h"] = true }

local function sorted_keys(t)
    local keys = {}
    for key in pairs(t) do keys[#keys + 1] = key end
    table.sort(keys)
    return keys
end

local function unit_of(path) return (path:gsub("%.[ch]$", "")) end
local function base_name(path) return path:match "[^/]*$" end
local function folder_of(path) return path:match "^([^/]+)/" or "" end

-- ---- Reading C ----------------------------------------------------------------------------------

-- Without comments, and with strings and characters emptied: none of them can look like code.
local function without_comments(text)
    local out, at = {}, 1
    while true do
        local from, _, what = text:find("([/\"'])", at)
        if not from then break end
        local rest
        if what == "/" then
            local _, stop = text:find("^/%*.-%*/", from)
            if not stop then _, stop = text:find("^//[^\n]*", from) end
            out[#out + 1] = text:sub(at, from - 1) .. (stop and " " or "/")
            rest = (stop or from) + 1
        else
            local stop = from + 1
            while stop <= #text and text:sub(stop, stop) ~= what do
                stop = stop + (text:sub(stop, stop) == "\\" and 2 or 1)
            end
            out[#out + 1] = text:sub(at, from - 1) .. what .. what
            rest = stop + 1
        end
        at = rest
    end
    out[#out + 1] = text:sub(at)
    return table.concat(out)
end

-- Less the macros that stand where items do, as "PROPERTY(length) PROPERTY(capacity) static int f(void)".
local function without_macros(head)
    local rest, count = head:gsub("^%s*[%u%d_]+%s*%b()", "")
    return count > 0 and without_macros(rest) or (rest:gsub("^%s+", ""))
end

-- The file-scope items of a C file, in one line each: "static int f(void) {}", "extern int n;".
local function items_of(text)
    text = without_comments(text):gsub("\\\n", " ")
    text = ("\n" .. text):gsub("\n[ \t]*#[^\n]*", "\n")
    text = text:gsub("%f[%w_]TEXT%s*%b()", ' "" ') -- C++ that a macro makes a string of
    text = text:gsub('extern%s*""%s*(%b{})', function(block) return " " .. block:sub(2, -2) .. " " end)
    text = text:gsub("%b{}", "{}"):gsub("SHARED%s*%b()", " SHARED "):gsub("__asm__%s*%b()", " ")
    text = text:gsub("__attribute__%s*%b()", " "):gsub("_Static_assert%s*%b();", " "):gsub("%s+", " ")
    local items, start, at = {}, 1, 1
    while true do
        local from, to = text:find("[;{]}?", at)
        if not from then return items end
        local head = text:sub(start, from - 1)
        local whole = text:sub(from, from) == ";" or (head:find "%)[%s%w_]*$" and not head:find "=")
        if whole then
            items[#items + 1] = without_macros(head) .. text:sub(from, to)
            start = to + 1
        end
        at = to + 1
    end
end

local KEYWORDS = { void = true, int = true, char = true, bool = true, const = true, unsigned = true }

-- What an item declares or defines: name, is it a function, is it defined here. nil: a type, or nothing that links.
local function declared_by(item)
    if item:find "^typedef" or item:find "^static" or item:find "^extern$" then return nil end
    local head = item:gsub(" SHARED", ""):gsub("%s*=.*$", ""):gsub("%s*[;{]}?$", "")
    local name = head:match "([%a_][%w_]*)%s*%("
    if name and not KEYWORDS[name] then return name, true, item:sub(-1) == "}" end
    local variable = head:gsub("%s*%b[]", ""):match "[%w_*]%s+%**([%a_][%w_]*)$"
    if not variable or head:find "^struct [%w_]+$" or head:find "^enum" or head:find "^union [%w_]+$" then return nil end
    return variable, false, not item:find "^extern"
end

-- Every name of "extern const T a, b, c[];" is an item of its own.
local function split_list(item)
    if not (item:find "^extern" and item:find "," and not item:find "%(") then return { item } end
    local kind, list = item:match "^(.-)([%a_][%w_]*%s*[,%[].*)$"
    local items = {}
    for name in list:gmatch "[%a_][%w_]*" do items[#items + 1] = kind .. name .. ";" end
    return items
end

-- { declared = { name = item }, defined = { name = item } }: of functions and variables that are not static.
local function names_in(text)
    local names = { declared = {}, defined = {} }
    for _, several in ipairs(items_of(text)) do
        for _, item in ipairs(split_list(several)) do
            local name, _, here = declared_by(item)
            if name then (here and names.defined or names.declared)[name] = item end
        end
    end
    return names
end

-- ---- Includes -----------------------------------------------------------------------------------

local function joined(folder, path)
    local parts = {}
    for part in (folder .. path):gmatch "[^/]+" do
        if part == ".." then parts[#parts] = nil
        elseif part ~= "." then parts[#parts + 1] = part end
    end
    return table.concat(parts, "/")
end

-- The includes of a file: those that are in the tree, by path; the names of all others.
local function includes_of(tree, path)
    local ours, system = {}, {}
    local marked = tree[path]:gsub('(#%s*include%s*)"([^"\n]+)"', "%1<\1%2>") -- or the names went with the strings
    local text = without_comments(marked)
    for name in ("\n" .. text):gmatch "\n[ \t]*#%s*include%s*<([^>\n]+)>" do
        local quoted = name:match "^\1(.+)$"
        local beside = joined(path:match "^(.*/)" or "", quoted or "")
        local own = quoted and (tree[quoted] and quoted or tree[beside] and beside)
        local list = own and ours or system
        list[#list + 1] = own or quoted or name
    end
    return ours, system
end

-- { ["core/group"] = { ["core/order"] = "core/group.c -> core/order.h", … }, … }
local function arrows_of(tree)
    local arrows = {}
    for _, path in ipairs(sorted_keys(tree)) do
        local from = unit_of(path)
        arrows[from] = arrows[from] or {}
        for _, included in ipairs((includes_of(tree, path))) do
            local to = unit_of(included)
            if to ~= from then arrows[from][to] = arrows[from][to] or (path .. " -> " .. included) end
        end
    end
    return arrows
end

-- The shortest way from a unit back to itself, as a list of units; nil: there is none.
local function way_back(arrows, start)
    local came_from, queue = {}, { start }
    for _, unit in ipairs(queue) do -- grows while it is walked
        for _, next_unit in ipairs(sorted_keys(arrows[unit] or {})) do
            if next_unit == start then
                local way = { start }
                while unit ~= start do
                    table.insert(way, 1, unit)
                    unit = came_from[unit]
                end
                table.insert(way, 1, start)
                return way
            elseif not came_from[next_unit] then
                came_from[next_unit] = unit
                queue[#queue + 1] = next_unit
            end
        end
    end
end

-- ---- Rules --------------------------------------------------------------------------------------

local rules = {}

--- The first circle, the shortest there is, with the includes that make it.
function rules.circle(tree, report)
    local arrows, shortest = arrows_of(tree), nil
    for _, unit in ipairs(sorted_keys(arrows)) do
        local way = way_back(arrows, unit)
        if way and (not shortest or #way < #shortest) then shortest = way end
    end
    if not shortest then return end
    local steps = {}
    for i = 1, #shortest - 1 do steps[i] = arrows[shortest[i]][shortest[i + 1]] end
    report(table.concat(shortest, " -> ") .. " (" .. table.concat(steps, ", ") .. ")")
end

local function why_not(from, to)
    local here, there = folder_of(from), folder_of(to)
    if PUBLIC[to] then
        if to == "gpumm_lua.h" and not LUA_FOLDERS[here] then return "this header is for bind, run and modules" end
    elseif PUBLIC[from] then
        return "a public header includes public headers only"
    elseif here == "modules" then
        if there ~= "modules" then return "modules stand on gpumm.h and gpumm_lua.h alone" end
    elseif not FLOORS[here] then
        return "src/" .. here .. " is no folder of the house"
    elseif not FLOORS[there] then
        return "nothing may include src/" .. there
    elseif FLOORS[there] > FLOORS[here] then
        return here .. " is below " .. there
    end
end

function rules.folder(tree, report)
    for _, path in ipairs(sorted_keys(tree)) do
        for _, included in ipairs((includes_of(tree, path))) do
            local why = why_not(path, included)
            if why then report(path .. " includes " .. included .. ": " .. why) end
        end
    end
end

local function is_below(path, folders)
    for _, folder in ipairs(folders) do
        if path == folder or path:sub(1, #folder + 1) == folder .. "/" then return true end
    end
    return false
end

function rules.vendor(tree, report)
    for _, path in ipairs(sorted_keys(tree)) do
        local _, system = includes_of(tree, path)
        for _, name in ipairs(system) do
            for _, vendor in ipairs(VENDORS) do
                for _, pattern in ipairs(vendor.patterns) do
                    if name:find(pattern) and not is_below(path, vendor.folders) then
                        report(("%s includes <%s>, which belongs to %s"):format(path, name, table.concat(vendor.folders, ", ")))
                    end
                end
            end
        end
    end
end

-- Where each name is defined: { name = { path = true } }; several files where a build chooses one.
local function definitions_of(tree)
    local where = {}
    for path, text in pairs(tree) do
        for name in pairs(path:find "%.c$" and names_in(text).defined or {}) do
            where[name] = where[name] or {}
            where[name][path] = true
        end
    end
    return where
end

local function misplaced(path, name, where)
    local wanted = unit_of(path) .. ".c"
    if where[wanted] then return nil end
    return ("%s is declared in %s, so it belongs in %s; it is defined in %s"):format(name, path, wanted,
        sorted_keys(where)[1] or "no file")
end

function rules.definition(tree, report)
    local where = definitions_of(tree)
    for _, path in ipairs(sorted_keys(tree)) do
        local names = names_in(tree[path])
        for _, name in ipairs(sorted_keys(names.declared)) do
            if path:find "%.c$" then -- an include that nobody sees
                if not names.defined[name] then report(path .. " declares " .. name .. " by itself: include its header") end
            elseif not (PUBLIC[path] or GENERATED[base_name(path)]) then
                local message = misplaced(path, name, where[name] or {})
                if message then report(message) end
            end
        end
    end
end

-- The names that need no prefix: the public API, and those whose label has one (SHARED, in base/shared.h).
local function public_names(tree)
    local public = { main = true }
    for path, text in pairs(tree) do
        for name, item in pairs(path:find "%.h$" and names_in(text).declared or {}) do
            if PUBLIC[path] or item:find "SHARED" then public[name] = true end
        end
    end
    return public
end

function rules.prefix(tree, report)
    local public = public_names(tree)
    for _, path in ipairs(sorted_keys(tree)) do
        local prefix = LUA_FOLDERS[folder_of(path)] and "^gpumm_[%w]*_?_" or "^gpumm__"
        for _, name in ipairs(path:find "%.c$" and sorted_keys(names_in(tree[path]).defined) or {}) do
            if not (public[name] or name:find(prefix) or name:find "^luaopen_gpumm") then
                report(("%s in %s is visible to a linker: make it static, or give it the prefix gpumm__"):format(name, path))
            end
        end
    end
end

--- Every violation of the rules, in order, as "rule: what".
function structure.check(tree)
    local found = {}
    for _, name in ipairs { "circle", "folder", "vendor", "definition", "prefix" } do
        rules[name](tree, function(message) found[#found + 1] = name .. ": " .. message end)
    end
    return found
end

-- ---- Licenses -----------------------------------------------------------------------------------

--- Has the text its SPDX line: the first, or the second below "#!…", the count of a spec or a doctype?
function structure.has_license(text)
    local first, second = text:match "^([^\n]*)\n?([^\n]*)"
    local line = (first:find "^#!" or first:find "^%-%- successes:" or first:find "^<!") and second or first
    return line:find "SPDX%-License%-Identifier: MIT" ~= nil
end

-- ---- Files --------------------------------------------------------------------------------------

local function read(path)
    local file = assert(io.open(path, "rb"))
    local text = file:read "a"
    file:close()
    return text
end

local function find(folder, expression)
    local pipe = assert(io.popen(("cd '%s' && find %s"):format(folder, expression)))
    local paths = {}
    for path in pipe:lines() do paths[#paths + 1] = path end
    assert(pipe:close(), "find failed in " .. folder)
    table.sort(paths)
    return paths
end

function structure.read_tree(root)
    local tree = {}
    for _, path in ipairs(find(root .. "/src", [[. -name '*.[ch]' -type f]])) do
        path = path:gsub("^%./", "")
        tree[path] = read(root .. "/src/" .. path)
    end
    return tree
end

local SOURCES = [[src lua spec scripts cmake examples library doc python .ci CMakeLists.txt *.rockspec -type f ]]
    .. [[\( -name '*.[ch]' ]]
    .. [[-o -name '*.cpp' -o -name '*.cu' -o -name '*.lua' -o -name '*.py' -o -name '*.sh' -o -name '*.cmake' -o -name '*.in' ]]
    .. [[-o -name '*.1' -o -name '*.html' -o -name 'CMakeLists.txt' -o -name '*.rockspec' -o -name run \)]]

function structure.check_licenses(root)
    local found = {}
    for _, path in ipairs(find(root, SOURCES)) do
        if not structure.has_license(read(root .. "/" .. path)) then
            found[#found + 1] = "license: " .. path .. " has no SPDX-License-Identifier line at its top"
        end
    end
    return found
end

-- ---- Documents ----------------------------------------------------------------------------------

local FOLDERS = { src = true, lua = true, spec = true, scripts = true, cmake = true, doc = true, library = true, examples = true }

--- What a document names in backquotes and `exists` does not find: { "src/core/gone.c", … }. exists(path) is asked for
--- paths below the project's folders; knows(name), which may be nil, for identifiers with an underscore.
function structure.stale_names(text, exists, knows)
    local stale, seen = {}, {}
    for name in text:gsub("\n```.-\n```", ""):gmatch "`([%w_./*-]+)`" do
        local path = FOLDERS[name:match "^([%w_]+)/"] and not name:find "*"
        local identifier = knows and name:find "^[%a][%w]*_[%w_]*$"
        if not seen[name] and (path and not exists(name) or identifier and not knows(name)) then stale[#stale + 1] = name end
        seen[name] = true
    end
    return stale
end

local function check_documents(root, tree)
    local found, code = {}, {}
    for _, text in pairs(tree) do code[#code + 1] = text end
    code = table.concat(code, "\n")
    local function exists(path)
        local file = io.open(root .. "/" .. path) -- of folders too
        return file and file:close()
    end
    local function knows(name) return code:find(name, 1, true) end
    for _, name in ipairs { "README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md" } do
        local text = exists(name) and read(root .. "/" .. name) or ""
        for _, stale in ipairs(structure.stale_names(text, exists, name == "ARCHITECTURE.md" and knows or nil)) do
            found[#found + 1] = ("document: %s names %s, which is not there"):format(name, stale)
        end
    end
    return found
end

local function main(root)
    local tree = structure.read_tree(root)
    assert(next(tree), "there is no C file in " .. root .. "/src")
    local found = structure.check(tree)
    for _, line in ipairs(structure.check_licenses(root)) do found[#found + 1] = line end
    for _, line in ipairs(check_documents(root, tree)) do found[#found + 1] = line end
    for _, line in ipairs(found) do print(line) end
    if #found > 0 then
        io.stderr:write(("%d violations of the rules of the source tree (spec/structure.lua)\n"):format(#found))
        os.exit(1)
    end
end

if arg and arg[0] and arg[0]:find "structure%.lua$" then main(arg[1] or ".") end
return structure
