-- SPDX-License-Identifier: MIT
-- Rank 1 of three ends in some way at some point, arg[4]; the others must, too. Run by world_spec.

package.path = "./?.lua;" .. package.path
local common = require "spec.ranks.common"
local world = require "gpumm.world"

local how = arg[4]
local launched = tonumber(os.getenv "OMPI_COMM_WORLD_RANK" or os.getenv "PMI_RANK")

-- Before there is a world: the launcher sees that a rank failed, and nobody sees one that ended well.
if launched == 1 and how == "fails before" then os.exit(3) end
if launched == 1 and how == "ends before" then os.exit(0) end

local rank = common.open()
-- The launcher's SIGTERM comes after a second, while the others close, and does not keep them from it; a second later it kills.
if how == "is killed between calls" and rank ~= 1 then common.slow = 1.3 end
local m = common.manager { fault = true }
local MANY = 3000000

local function sent(length) return assert(m:buffer { type = "u32", length = length, max_length = 10 * MANY }) end

-- A buffer whose growth, which is between what ranks say and what they send, is the end.
local function deadly(f)
    return assert(m:buffer { type = "u32", length = 0, max_length = 10 * MANY,
        growth = function(request) f() return request.required end })
end

local ways = {}

ways["is killed between calls"] = common.kill
ways["raises"] = function() error "this went wrong on purpose" end
ways["leaves"] = function() world.close() end
ways["exits"] = function() os.exit(4) end
ways["does not come"] = function() os.execute "sleep 20 >/dev/null 2>&1" end

ways["is killed getting ready"] = function()
    world.allgather { from = sent(10), to = deadly(common.kill) }
end

-- What arrives stays in front of the device, so that the rank is between its receives when it is killed.
ways["is killed as data moves"] = function()
    os.execute "(sleep 0.4; kill -9 $PPID) &"
    world.allgather { from = sent(MANY), to = deadly(function() m.fault:hold "copy" end) }
end

-- Others have left and wait for it.
ways["is killed while others leave"] = function()
    os.execute "sleep 0.3"
    common.kill()
end

common.ending(m, function()
    assert(world.barrier())
    if rank == 1 and ways[how] then ways[how]() end
    if how == "is killed while others leave" then return end
    local from, to = sent(how:find "data" and MANY or 10), sent(0)
    for _ = 1, 3 do assert(world.allgather { from = from, to = to }) end
    if rank == 1 then return end
    error "the others have not noticed"
end)
