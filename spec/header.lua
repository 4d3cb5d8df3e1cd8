-- SPDX-License-Identifier: MIT
-- Reads the public headers, so that tests can be made from them: every exported function with its result, its parameters
-- and the statuses that the comment before or behind it names.

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

return header
