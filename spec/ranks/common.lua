-- SPDX-License-Identifier: MIT
-- What the scripts have in common that spec/world_spec.lua runs on several ranks: arg is { folder, device, limit, … }. What a
-- rank finds goes to a file of its number in the folder.

local gpumm = require "gpumm"
local world = require "gpumm.world"

local common = { folder = arg[1], device = arg[2], limit = tonumber(arg[3]), bytes = require "spec.bytes", slow = 0 }

function common.open()
    world.open { seconds = common.limit, start = tonumber(os.getenv "START" or 60) }
    return world.rank, world.size
end

function common.manager(options)
    options = options or {}
    options.device = options.device or common.device
    return assert(world.manager(options))
end

function common.say(...)
    local file <close> = assert(io.open(("%s/%d"):format(common.folder, world.rank), "a"))
    assert(file:write(string.format(...), "\n"))
end

--- Runs work(m, …), closes the manager, whose books must balance, says how it ended, and raises what it raised. Closing takes
--- common.slow seconds more.
function common.ending(m, work, ...)
    local ok, why = pcall(work, m, ...)
    m:close()
    local until_then = gpumm.clock() + common.slow
    while gpumm.clock() < until_then do os.execute "sleep 0.05" end
    local books = m:stats()
    common.say("%s %s", books.used_bytes == 0 and books.committed_bytes == 0 and "balanced" or "NOT BALANCED",
        ok and "done" or tostring(why))
    if not ok then error(why, 0) end
end

function common.kill() os.execute "kill -9 $PPID" end

--- A buffer with these bytes in it, and nothing else.
function common.buffer(m, type, size, bytes)
    local b = assert(m:buffer { type = type, length = #bytes // size })
    if #bytes > 0 then assert(b:upload(bytes)) end
    return b
end

function common.same(wanted, got, ...)
    if wanted ~= got then error(("%s: wanted %q, got %q"):format(string.format(...), wanted, got), 2) end
end

common.gpumm = gpumm
return common
