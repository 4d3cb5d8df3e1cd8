-- SPDX-License-Identifier: MIT
-- Rank 1 of two is killed while a call that is waited for later is under way on its GPU; rank 0 must end, too, in its next call
-- or, where arg[4] is "idle", by the launcher's SIGTERM before that. Run by nccl_spec; with TWO_GPUS the GPUs are real, so that
-- rank 1's elements are never sent.

package.path = "./?.lua;" .. package.path
local common = require "spec.ranks.common"
local world = require "gpumm.world"

local idle, real = arg[4] == "idle", os.getenv "TWO_GPUS"
local rank = common.open()
common.device = "auto"
local m = common.manager()

-- Work of some tenths of a second in front of what is sent.
local function keep_busy()
    local large = assert(m:buffer { type = "u32", length = 1 << 28 })
    for i = 1, 1000 do assert(large:fill(i)) end
end

common.ending(m, function()
    local mine, all = common.buffer(m, "u32", 4, common.bytes(400, rank)), common.buffer(m, "u32", 4, "")
    assert(world.allgather { from = mine, to = all })
    if rank == 1 and real then keep_busy() end -- else the driver says so
    local s = assert(m:stream())
    assert(world.allgather { from = mine, to = all, stream = s, later = true })
    if rank == 1 then common.kill() end
    assert(not s:record():ready(), "it was waited for")
    local since = common.gpumm.clock()
    while idle and common.gpumm.clock() < since + 10 do end
    assert(world.barrier())
    error "the other one has not noticed"
end)
