-- SPDX-License-Identifier: MIT
-- gpumm-run's line of progress. On a terminal it is one row that changes; elsewhere, and on a terminal that knows no escape
-- sequences, lines from time to time. The last one is of the last step, and stays.

local progress = {}

local PLAIN_SECONDS = 3 -- between lines that are not overwritten

-- Columns that a character takes: two of the wide ones of East Asia, and of emoji.
local WIDE = { { 0x1100, 0x115f }, { 0x2e80, 0xa4cf }, { 0xac00, 0xd7a3 }, { 0xf900, 0xfaff }, { 0xfe30, 0xfe6f },
    { 0xff00, 0xff60 }, { 0xffe0, 0xffe6 }, { 0x1f300, 0x1faff }, { 0x20000, 0x3fffd } }

local function width(code)
    if code >= 0x300 and code <= 0x36f then return 0 end -- it stands above the one before
    for _, range in ipairs(WIDE) do
        if code >= range[1] and code <= range[2] then return 2 end
    end
    return 1
end

--- As much of the text as one row of so many columns shows; its last column stays free, since some terminals go on to the next
--- row there. 0 columns: nobody knows how many there are.
function progress.row(text, columns)
    text = text:gsub("%c", " ")
    if columns == 0 then return text end
    if not utf8.len(text) then return text:sub(1, columns - 1) end
    local left = columns - 1
    for at, code in utf8.codes(text) do
        left = left - width(code)
        if left < 0 then return text:sub(1, at - 1) end
    end
    return text
end

local function line_of(text, step, steps)
    return steps and ("step %d of %d: %s"):format(step, steps, text) or ("step %d: %s"):format(step, text)
end

--- Returns what shows a line, show(text, step, steps), and what ends it, done(step); nil where the user wants none.
--- terminal(): the columns of the terminal, nil where there is none.
function progress.new(terminal, quiet)
    if quiet then return nil end
    local looked, started, last = -math.huge, os.time(), nil
    local function write(line)
        local columns = terminal()
        if columns then io.stderr:write("\r\27[K", progress.row(line, columns))
        else io.stderr:write(line, "\n") end
        last.shown = line
    end
    local function show(text, step, steps)
        last = { text = text, step = step, steps = steps, shown = last and last.shown }
        if terminal() then
            write(line_of(text, step, steps))
        elseif os.time() - looked >= PLAIN_SECONDS then
            if looked > 0 or os.time() > started then write(line_of(text, step, steps)) end
            looked = os.time()
        end
    end
    local function done(step)
        if not last then return end
        local line = line_of(last.text, math.max(step or 0, last.step), last.steps)
        if line ~= last.shown then write(line) end
        if terminal() then io.stderr:write "\n" end
    end
    return show, done
end

return progress
