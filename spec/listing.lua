-- SPDX-License-Identifier: MIT
-- Runs a listing of the documentation: Lua in which `print(x) --> text` says what is printed. Also a program, for a listing
-- in a process and folder of its own:   gpumm-run spec/listing.lua FILE

local listing = {}

local function squeezed(text) return (text:gsub("%s+", " "):gsub("^ ", ""):gsub(" $", "")) end

-- What each line that promises something is to print, by its number.
local function promises(code)
    local list, number = {}, 0
    for line in (code .. "\n"):gmatch "(.-)\n" do
        number = number + 1
        local promised = line:match "%-%-> (.*)$"
        if promised then list[number] = squeezed(promised) end
    end
    return list
end

-- A print that holds what it is given against what its line promises, and complains to `wrong`.
local function watched(promised, met, name, wrong)
    return function(...)
        local words = table.pack(...)
        for i = 1, words.n do words[i] = tostring(words[i]) end
        local got, line = squeezed(table.concat(words, " ")), debug.getinfo(2, "l").currentline
        if not promised[line] then return end
        met[line] = true
        if promised[line] ~= got then
            wrong(("%s:%d: prints %q, not %q"):format(name, line, got, promised[line]))
        end
    end
end

--- Runs the code with the names of `environment`; returns what was wrong, a list, and what the code returns.
function listing.run(code, name, environment)
    local found = {}
    local function wrong(text) found[#found + 1] = text end
    local promised, met = promises(code), {}
    local names = setmetatable({ print = watched(promised, met, name, wrong) }, { __index = environment or _G })
    local chunk, message = load(code, "@" .. name, "t", names) -- files beside it are found
    if not chunk then return { message } end
    local ok, result = pcall(chunk)
    if not ok then wrong(tostring(result)) end
    for line in pairs(ok and promised or {}) do
        if not met[line] then wrong(("%s:%d: prints nothing"):format(name, line)) end
    end
    return found, ok and result or nil
end

if arg and arg[0] and arg[0]:find "listing%.lua$" then
    local file = assert(io.open(arg[1]))
    local found, result = listing.run(file:read "a", arg[1])
    file:close()
    if #found > 0 then error(table.concat(found, "\n"), 0) end
    return result
end
return listing
