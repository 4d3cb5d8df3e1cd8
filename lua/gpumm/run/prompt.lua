-- SPDX-License-Identifier: MIT
-- gpumm-run -i: reads lines of Lua from standard input, runs them, and prints what they give, as lua does.

local gpumm = require "gpumm"

local prompt = {}

local function incomplete(message)
    return message:find "near <eof>$" ~= nil
end

-- What a text of one or more lines means, first as an expression: a chunk, or nil and why not.
local function compile(process, text)
    local chunk = process.compile("return " .. text, "=stdin")
    if chunk then return chunk end
    return process.compile(text, "=stdin")
end

-- Reads lines until they are a chunk, or none that can become one; nil: the input has ended.
local function read(process)
    local lines = {}
    local chunk, message
    repeat
        io.stdout:write(#lines == 0 and "> " or ">> ")
        io.stdout:flush()
        local line = io.stdin:read "L"
        if not line then return nil end
        lines[#lines + 1] = line
        chunk, message = compile(process, table.concat(lines))
    until chunk or not incomplete(message)
    return chunk or function() error(message, 0) end
end

local function run(chunk)
    local results = table.pack(xpcall(chunk, gpumm.traceback))
    if results[1] and results.n > 1 then
        results = table.pack(pcall(print, table.unpack(results, 2, results.n)))
    end
    if not results[1] then io.stderr:write(tostring(results[2]), "\n") end
end

--- Until the input ends. Ctrl-C stops what runs, and ends the process where nothing does. `process` has
--- compile(text, name) and catch(yes): whether Ctrl-C is caught.
function prompt.run(process)
    while true do
        process.catch(false)
        local chunk = read(process)
        process.catch(true)
        if not chunk then break end
        run(chunk)
    end
    io.stdout:write "\n"
    return 0
end

return prompt
