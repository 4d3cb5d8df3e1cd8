-- SPDX-License-Identifier: MIT
-- Pivots and the distances from them. Where a graph is as wide as a square would be, they are those farthest from one
-- another. Their number doubles: each time as many as there are join them, chosen by what the distances from those
-- tell, so that a hundred cost a few searches at once. Where all is near to all, the farthest are but the ends of
-- stray chains, which say little of the rest: there chance chooses.

local chance = require "gpumm.common.chance"
local kernels = require "gpumm.force.kernels"
local distance = require "gpumm.force.distance"

local need, buffer = kernels.need, kernels.buffer
local pivots = {}

local USUAL, MOST = 64, 100 -- the latter where distances are long
local AT_ONCE = 64          -- searches
local LANDMARKS = 16        -- pivots by which distances from others are estimated
local INVERSE = 0x0e8b2f51 -- as in pivots.cu

local function node_of(task, candidate)
    local at = (candidate & 0xffffffff) * INVERSE & 0xffffffff
    return task.members and task.members[at + 1] or at
end

-- `count` more, and how far the first of them is from those there are.
local function farthest(task, work, known, have, count)
    local run, members, n, before, part = task.run, task.own, task.rows.now.count, task.before, task.rows.part
    local landmarks = math.min(have, LANDMARKS)
    need(work.best:fill(0))
    if members > 0 then
        need(run.approach(members, before, known, have, n, task.nodes, task.hops, work.nearest, work.guess, work.best))
    end
    part:reduce(work.best, "max", 1)
    for k = 1, count - 1 do
        local theirs = not part.is_whole and work.known
        if theirs then
            need(run.known(landmarks, members, before, n, task.nodes, task.hops, work.best, k - 1, theirs))
            part:reduce(theirs, "sum", landmarks)
        end
        if members > 0 then
            need(run.estimate(members, before, landmarks, n, task.nodes, task.hops, theirs, work.guess, k, work.best))
        end
        part:reduce(work.best, "max", k + 1)
    end
    local best, chosen = need(work.best:download(1, count)), {}
    for k = 1, count do chosen[k] = node_of(task, best[k]) end
    local far = best[1] >> 32
    return chosen, task.rows.lengths and string.unpack("<f", string.pack("<I4", far)) or far
end

local function is_near(task, far) return task.count > 1000 and 4 * far * far < task.count end

-- A graph is large and thin where its nodes are farther apart than a square's would be: it gets more pivots.
local function wanted(task, far)
    return math.min(task.count, task.count > 10000 and far * far > task.count and MOST or USUAL)
end

local function by_chance(task, seed)
    local chosen = chance.sample(math.min(task.count, USUAL), task.count, seed)
    for k, at in ipairs(chosen) do chosen[k] = task.members and task.members[at + 1] or at end
    return chosen
end

-- Adds to the pivots, of which there is one, until there are enough.
local function add(manager, task, work, chosen, seed)
    local known, most = 0, nil
    while not most or #chosen < most do
        local have = #chosen
        local more, far = farthest(task, work, known, have, math.min(have, (most or 2) - have, AT_ONCE))
        if not most then
            most = wanted(task, far)
            if is_near(task, far) then more = table.move(by_chance(task, seed), 2, most, 1, {}) end
        end
        distance.write(manager, task.rows, more, have, task.hops)
        table.move(more, 1, #more, have + 1, chosen)
        known = have
    end
end

--- Chooses the pivots of a component, whose nodes from 0 are the list or view `members` (nil: all); `nodes`, `own`, `before` as
--- distance.own has them (nil: all). Returns a list of nodes, and the distances from them to every node as distance.from has
--- them.
function pivots.choose(manager, rows, members, nodes, seed, own, before)
    local count, type = members and #members or rows.now.n, distance.type(rows)
    own, before = own or count, before or 0
    local first = chance.sample(1, count, seed)[1]
    local task = { rows = rows, members = members, nodes = nodes, own = own, before = before, count = count,
        run = kernels.of(manager, "pivots.cu", kernels.distances(rows)),
        hops = buffer(manager, type, math.max(1, rows.now.count * math.min(count, MOST))) }
    local nearest <close> = buffer(manager, type, math.max(1, own))
    local guess <close> = buffer(manager, type, math.max(1, own))
    local best <close> = buffer(manager, "u64", AT_ONCE)
    local known <close> = buffer(manager, type, LANDMARKS)
    local chosen = { members and members[first + 1] or first }
    distance.write(manager, rows, chosen, 0, task.hops)
    add(manager, task, { nearest = nearest, guess = guess, best = best, known = known }, chosen, seed)
    return chosen, task.hops
end

return pivots
