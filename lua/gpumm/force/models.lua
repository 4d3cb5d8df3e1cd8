-- SPDX-License-Identifier: MIT
-- Models of forces, as CUDA C expressions of the square distance d2:
--   repel    the push between two unit masses, over their distance
--   attract  the pull of an edge, over its length
--   mass     what a node pushes with, of its heft (1 + the weights of its edges)
--   gravity  the pull to the middle, beside a spring's
--   limit    how far a node may move in the first step, in the model's units
--   length   whether the forces have a length of their own, at which a start is as large as it should be; others take on
--            the start's size.
-- and how nodes move along them, where the caller does not say: inertia, the part of its speed that a node keeps, and speed.

local checked = require "gpumm.common.checked"

local models = {}

models.known = {
    -- Bounded and of short range, after the t-distribution (Zhong and others, 2023): crowds do not burst, and
    -- what is far apart keeps the start's shape. The pull is strongest at half a unit: neighbours gather, and those on nearly
    -- one spot part, for there the push is ten times as strong.
    tforce = { repel = "1.0f / ((1.0f + d2) * (1.0f + d2)) + 0.001f / ((0.01f + d2) * (0.01f + d2))",
        attract = "0.04f + (2.5f - 1.79f / (1.0f + d2)) / (1.0f + d2)",
        mass = "1.0f", gravity = 0, limit = 5, length = true, inertia = 0.9, speed = 5 },
    -- ForceAtlas2's: hubs push more, springs pull as far as they are long.
    forceatlas = { repel = "1.0f / (d2 + 1e-4f)", attract = "1.0f", mass = "heft", gravity = 0.0005, limit = 1, inertia = 0.3,
        speed = 0.8 },
    -- Eades's, Fruchterman and Reingold's: equal nodes, springs that pull harder when they are long.
    spring = { repel = "1.0f / (d2 + 1e-4f)", attract = "sqrtf(d2)", mass = "1.0f", gravity = 0.0005, limit = 2,
        inertia = 0.3, speed = 0.8 },
}

-- Where edges have lengths, those are what is drawn (motion.cu): all that pushes is what parts nodes on nearly one spot.
models.lengths = { repel = "0.02f / ((1.0f + d2) * (1.0f + d2))", attract = "1.0f", mass = "1.0f", gravity = 0, limit = 5,
    length = true, lengths = true, inertia = 0.9, speed = 5 }

local function names_of(list)
    local names = {}
    for name in pairs(list) do names[#names + 1] = name end
    table.sort(names)
    return table.concat(names, ", ")
end

local FIELDS = {
    repel = { kind = "expression" }, attract = { kind = "expression" }, mass = { kind = "expression" },
    gravity = { kind = "number" }, limit = { kind = "number", least = 0 }, length = { kind = "boolean" },
}

--- The model of a name, or the caller's own, which has the default's where it says nothing. Raises at `level`.
function models.of(given, what, level)
    if type(given) == "table" then
        checked.options(what .. ": model", given, FIELDS, level + 1)
        local own = setmetatable({}, { __index = models.known.tforce })
        for key, value in pairs(given) do own[key] = value end
        return own
    end
    if models.known[given] then return models.known[given] end
    error(("%s: there is no model %q; valid: %s, or a table of your own"):format(what, tostring(given),
        names_of(models.known)), level + 1)
end

return models
