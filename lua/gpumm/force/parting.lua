-- SPDX-License-Identifier: MIT
-- The end of a layout whose nodes have sizes: some more steps, in which discs part ever more and the stress is held more
-- tightly, and then rounds until none lies on another. It takes little of what forces made: where the stress would rise by
-- more, it begins again with smaller discs. Nodes without sizes part where they are nearly on one spot.

local kernels = require "gpumm.force.kernels"
local sizes = require "gpumm.force.sizes"

local need = kernels.need
local parting = {}

local PARTING, SLOWER, TAUT = 64, 0.1, 2 -- steps in which discs part, the part of the model's limit then, and times the tension
local DEARER = 1.06 -- times what it was is what discs may bring the stress to
local UNSEEN = 0.002 -- more stress is nothing to see
local SMALLER, SHRUNK = 8, 0.8 -- how often, and to which part of their areas, they shrink for that

-- The stress of the largest component whose distances are held; nil where none are.
local function stress_now(sim)
    local of = sim.at.stress and sim.at.stress[1]
    if not of then return nil end
    of:fit(sim.at.position)
    return of:value()
end

-- Forces find a layout for discs of that size, ever less of which are on one another. What is laid out without forces parts
-- alone.
local function settle_discs(sim, options)
    local engine, at = sim.engine, sim.at
    need(at.velocity:fill { 0, 0, options.dimensions == 3 and 0 or nil })
    if sim.least then at.tension = TAUT * sim.least end
    for k = 1, sim.alike and 0 or PARTING do
        for _, of in ipairs(k % 16 == 1 and at.stress or {}) do of:fit(at.position) end
        engine:step(at, sim.i + k + options.seed * 0x10000, engine.model.limit * SLOWER * (1 - k / PARTING) + 1e-3, options.hold)
        sim.discs:push(at.position, at.pinned, k / PARTING)
    end
    sim.discs:part(at.position, at.pinned)
end

--- Parts the nodes of sim.at by sim.discs (nil: nothing is to do). Where that would take too much of the stress, discs are
--- smaller.
function parting.part(sim, options)
    local discs, at = sim.discs, sim.at
    if not discs then return end
    local before, unparted, length = stress_now(sim), need(at.position:download()), sim.engine:mean_length(at)
    for k = 1, SMALLER do
        if k > 1 then need(at.position:upload(unparted)) end
        discs:fit(at.position, length, SHRUNK ^ (k - 1))
        settle_discs(sim, options)
        if not before or stress_now(sim) <= math.max(DEARER * before, before + UNSEEN) then return end
    end
end

--- Parts nodes of sim.at, which have no sizes, where they are nearly on one spot: a small part of the way that is between most
--- nodes and their nearest. It is not for what has lengths, which say how near nodes shall be. Where trees are kept from
--- crossings (sim.untangling) none comes by it.
function parting.part_coincident(sim, options)
    local position, n = sim.at.position, sim.engine.rows.now.n
    if sim.discs or sim.alike or options.lengths or sim.i == 0 or n < 2 then return end
    local discs = sizes.even(sim.manager, options.dimensions, n, position,
        function() return sim.engine:mean_length(sim.at) end)
    if not discs then return end
    if discs:is_crowded(position) then
        if sim.untangling then sim.untangling:part(position, discs.apart)
        else discs:loosen(position, sim.at.pinned) end
    end
    discs:close()
end

return parting
