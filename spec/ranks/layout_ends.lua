-- SPDX-License-Identifier: MIT
-- Rank 1 of three ends in some phase of a layout, arg[4]; the others must, too. Run by world_layout_spec.

package.path = "./?.lua;" .. package.path
local common = require "spec.ranks.common"
local gpumm = common.gpumm
local world = require "gpumm.world"
local graphs = require "gpumm.world.graph"

local how = arg[4]
local rank = common.open()
local calls = 0

-- From now on, rank 1 does this instead of its nth call of that name.
local function instead(name, nth, f)
    local real = world[name]
    calls = 0
    world[name] = function(...)
        calls = calls + 1
        if rank == 1 and calls == nth then return f(real, ...) end
        return real(...)
    end
end

local function refuse() error "this went wrong on purpose" end

local function file()
    local path = common.folder .. "/edges"
    if rank == 0 then
        local out <close> = assert(io.open(path, "w"))
        for i = 2, 560 do out:write(i, " ", i * 7919 % (i - 1) + 1, "\n", i, " ", i * 104729 % 560 + 1, "\n") end
    end
    assert(world.barrier())
    return path
end

local function read(m)
    if how == "is killed reading" then instead("trade", 2, common.kill) end
    if how == "is killed as edges are dealt" then instead("exchange", 2, common.kill) end
    return assert(graphs.read(world, m, file(), "strength"))
end

common.ending(common.manager { workers = 1, fault = true }, function(m)
    local graph = read(m)
    if how == "is killed in the start" then instead("allgather", 20, common.kill) end
    if how == "fails in the start" then instead("allreduce", 9, refuse) end
    local out_of_memory = how == "has no memory" and rank == 1
    local result = gpumm.force.layout(graph, {
        dimensions = 2, steps = 30, settle = 0, device = common.device,
        finish = function() if how == "fails at the end" and rank == 1 then refuse() end end,
    })
    if how == "is killed in a step" then
        local _ <close> = result:open { workers = 1 }
        instead("allgather", 3, common.kill)
        result:advance(30)
    else result:run { workers = 1, limit = out_of_memory and "64KiB" or nil } end
    if how == "fails at the end" then assert(world.barrier()) end
    error "the others have not noticed"
end)
