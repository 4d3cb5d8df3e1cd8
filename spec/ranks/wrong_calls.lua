-- SPDX-License-Identifier: MIT
-- Calls on buffers of GPUs that one rank makes wrongly: INVALID_ARGUMENT for all before NCCL moves anything, nothing has changed,
-- and the next call works. Run by nccl_spec on two ranks.

package.path = "./?.lua;" .. package.path
local common = require "spec.ranks.common"
local gpumm, same = common.gpumm, common.same
local world = require "gpumm.world"

local rank, size = common.open()
common.device = "auto"
local m = common.manager()

local function buffer(length, value)
    local b = assert(m:buffer { type = "u32", length = length })
    if length > 0 then assert(b:fill(value)) end
    return b
end

local function works()
    local from, to = buffer(2, rank), buffer(0)
    assert(world.allgather { from = from, to = to })
    same(2 * size, #to, "the next call")
    same(size - 1, to:download()[2 * size], "the next call")
    same("NCCL", (world.way()), "the way")
end

-- It is misuse, which raises, on every rank.
local function refused(text, call, options)
    local ok, message = pcall(call, options)
    if ok then error("it was not refused: " .. text, 2) end
    if not message:find("INVALID_ARGUMENT: " .. text, 1, true) then error(("%q is not in %q"):format(text, message), 2) end
    works()
end

-- Eight elements are there from the ninth on, not from the fourteenth.
local function ranges()
    local from, to = buffer(16, 7), buffer(0)
    local past = "rank 0: 8 elements from element 14 on are to be sent, of a buffer of 16"
    local first = rank == 0 and 14 or 9
    refused(past, world.exchange, { from = from, to = to, first = first, counts = rank == 0 and { 0, 8 } or { 8, 0 } })
    refused(past, world.allgather, { from = from, to = to, first = first, count = 8 })
    same(0, #to, "what nothing came to")
    refused(past, world.allgather, { from = from, first = first, count = 8 })
    refused(past, world.broadcast, { buffer = from, first = first, count = 8 })
    refused("rank 0: 1 elements from element 9223372036854775807 on", world.allgather,
        { from = from, to = to, first = rank == 0 and math.maxinteger or 1, count = 1 })
    same(16, #from, "what was to be sent")
    assert(world.allgather { from = from, to = to, first = 9, count = 8 })
    same(8 * size, #to, "a range to the end")
    assert(world.allgather { from = from, to = to, first = 900, count = 0 })
end

local function streams()
    local other <close> = common.manager()
    local s <close> = assert(other:stream())
    local from, to = buffer(2, rank), buffer(0)
    local options = { from = from, to = to, stream = rank == 1 and s or nil }
    refused("rank 1: the stream belongs to another manager", world.allgather, options)
    options.counts = { 1, 1 }
    refused("rank 1: the stream belongs to another manager", world.exchange, options)
    refused("rank 1: the stream belongs to another manager", world.broadcast, { buffer = from, stream = options.stream })
    same(0, #to, "what nothing came to")
end

-- What another process shares is read only: it is sent, and not written.
local function attached()
    local path = common.folder .. "/share" .. rank
    local group <close> = assert(m:group { { "x", "u32" }, name = "shared", length = 4, shareable = true })
    assert(group.x:fill(5 + rank))
    local share = assert(m:share(path, { group }))
    local attachment <close> = assert(gpumm.attach(path, { manager = m }))
    local theirs, own = assert(attachment:buffer "shared.x"), buffer(4, 9)
    refused("rank 1: 'shared.x' is another process's", world.broadcast, { buffer = rank == 1 and theirs or own, count = 4 })
    refused("rank 1: 'shared.x' is another process's", world.allgather,
        { from = rank == 1 and theirs or own, count = rank == 1 and 0 or 4 })
    assert(world.broadcast { buffer = rank == 1 and theirs or own, root = 1 })
    same("6 6 6 6", table.concat((rank == 1 and theirs or own):download():totable(), " "), "what is sent of a share")
    share:close()
end

-- A schedule is code of anyone's: the memory that is to be sent stays as it is until it was.
local function schedules()
    local from, said = buffer(1 << 20, 7 + rank), nil
    local to = assert(m:buffer { type = "u32", length = 0, growth = function(request)
        said = table.concat({ select(2, from:shrink_to_fit()) }, " ")
        return request.required
    end })
    assert(from:resize(1 << 19))
    assert(world.allgather { from = from, to = to })
    assert(said:find("is pinned", 1, true) and said:find "BUSY", said)
    local got = assert(to:download())
    for r = 0, size - 1 do same(7 + r, got[(r + 1) << 19], "the last element of rank %d", r) end
    assert(from:shrink_to_fit())
    same(1 << 19, from.capacity, "what is not pinned any more")
end

common.ending(m, function()
    works()
    ranges()
    streams()
    attached()
    schedules()
end)
