-- SPDX-License-Identifier: MIT
-- Failures of one rank that are everyone's: the same message everywhere, nothing has changed, and the next call works. Run
-- by world_spec on several ranks.

package.path = "./?.lua;" .. package.path
local common = require "spec.ranks.common"
local gpumm, same = common.gpumm, common.same
local world = require "gpumm.world"

local rank, size = common.open()
local m = common.manager { fault = true }

local function buffer(type, length, options)
    options = options or {}
    options.type, options.length = type, length
    return assert(m:buffer(options))
end

local function works()
    local b, to = buffer("u32", 2), buffer("u32", 0)
    assert(b:fill(rank))
    assert(world.allgather { from = b, to = to })
    same(2 * size, #to, "the next call")
    same(size - 1, to:download()[2 * size], "the next call")
end

-- The call fails, as nil or raised, with this in its message, on every rank; `code` where it is nil.
local function refused(code, text, call, ...)
    local results = table.pack(pcall(call, ...))
    local message = not results[1] and results[2] or results[3]
    if results[1] and results[2] then error("it was not refused: " .. text, 2) end
    if not tostring(message):find(text, 1, true) then error(("%q is not in %q"):format(text, message), 2) end
    if code then same(code, results[4], "the code of %q", text) end
    works()
end

common.ending(m, function()
    works()
    -- The maximum of rank 1's buffer.
    local from = buffer("u32", 5)
    local to = buffer("u32", 3, { max_length = rank == 1 and 6 or nil })
    to:fill(9)
    refused("OVER_MAX_SIZE", "rank 1: ", world.allgather, { from = from, to = to })
    same("9 9 9", table.concat(to:download():totable(), " "), "what nothing came to")
    -- Memory that rank 1 cannot have for one call.
    if rank == 1 then m.fault:plan { call = "copy", nth = 1, status = "DRIVER" } end
    refused("DRIVER", "rank 1: ", world.allreduce, { from = from, op = "sum" })
    -- Different calls, types, operations, roots and counts.
    refused(nil, "rank 1 is in call", rank == 1 and world.barrier or function()
        return world.allgather { from = from, to = to }
    end)
    refused("TYPE_MISMATCH", "rank 1 has elements of f32, rank 0 of u32", world.allgather,
        { from = buffer(rank == 1 and "f32" or "u32", 1) })
    refused("TYPE_MISMATCH", "elements of u32 do not go to a buffer of i32", world.allgather,
        { from = from, to = buffer("i32", 1) })
    refused(nil, "rank 1 has another operation", world.allreduce, { from = from, op = rank == 1 and "min" or "max" })
    refused(nil, "rank 1 has another root", world.broadcast, { buffer = from, root = rank == 1 and 1 or 0 })
    refused(nil, "rank 1 has 4 elements, rank 0 has 5", world.allreduce,
        { from = from, op = "max", count = rank == 1 and 4 or 5 })
    refused("TYPE_MISMATCH", "numbers and vectors are reduced", world.allreduce, { from = buffer("bytes3", 1), op = "max" })
    refused(nil, "rank 1: ", world.allgather, { from = from, to = to, first = rank == 1 and 4 or 1, count = 3 })
    -- Counts whose sum is 0, in numbers of 64 bits.
    local counts = { math.maxinteger, math.maxinteger, 2 }
    refused(nil, "rank 0: 18446744073709551615 elements are to be sent, of a buffer of 5", world.exchange,
        { from = from, to = to, counts = counts })
    refused(nil, "rank 0: 9223372036854775807 elements", world.allgather, { from = from, count = math.maxinteger })
    -- No elements, from wherever: nothing grows.
    assert(world.broadcast { buffer = from, first = 900, count = 0 })
    assert(world.allreduce { from = from, op = "sum", first = 900, count = 0 })
    same(5, #from, "what got nothing")
    -- Misuse that no other rank has to know of raises where the caller is.
    for _, wrong in ipairs {
        { "is a buffer, not nil", world.allgather, {} },
        { "did you mean \"from\"", world.allgather, { form = from } },
        { "op is \"sum\", \"min\" or \"max\", not avg", world.allreduce, { from = from, op = "avg" } },
        { "another buffer", world.exchange, { from = from, to = from } },
        { "a list of " .. size .. " numbers", world.exchange, { from = from, to = to, counts = { 1 } } },
        { "root is a whole number", world.broadcast, { buffer = from, root = size } },
        { "first is a whole number from 1", world.allgather, { from = from, first = 0 } },
        { "stream is a stream", world.allgather, { from = from, stream = 3 } },
        { "later is true or false, not number", world.allgather, { from = from, later = 3 } },
        { "a list of " .. size .. " texts", world.trade, {} },
        { "needs a text", world.collect, 5 },
    } do
        local ok, message = pcall(function()
            wrong[2](wrong[3]) -- here
        end)
        if ok or not message:find(wrong[1], 1, true) or not message:find("refusals.lua:%d+: world") then
            error(("%q: %s"):format(wrong[1], tostring(message)))
        end
    end
    works()
    -- What fails after data has moved is one rank's own.
    local all = buffer("u32", 5 * size)
    if rank == 1 then m.fault:plan { call = "copy", nth = 2, status = "DRIVER" } end
    local ok, message, code = world.allgather { from = from, to = all }
    if rank == 1 then
        same("DRIVER", code, "an upload that fails")
        assert(message:find("rank 1: ", 1, true), message)
    else
        assert(ok, message)
    end
    works()
    -- A closed world.
    world.close()
    local closed, why = pcall(world.barrier)
    if closed or not why:find("CLOSED: the world is closed", 1, true) then error(tostring(why)) end
    if gpumm.clock() < 0 then error "time runs backwards" end
end)
