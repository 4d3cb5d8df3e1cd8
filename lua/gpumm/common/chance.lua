-- SPDX-License-Identifier: MIT
-- Chance that repeats: the same for the same seed, on every machine.

local chance = {}

--- A well-mixed 64-bit hash, and from it a number in [0, 1).
function chance.mix(x)
    x = x * 0x9E3779B97F4A7C15
    x = (x ~ x >> 30) * 0xBF58476D1CE4E5B9
    x = (x ~ x >> 27) * 0x94D049BB133111EB
    return x ~ x >> 31
end

function chance.unit(x)
    return (chance.mix(x) >> 11) * 0x1p-53
end

--- `count` distinct whole numbers from 0 to n - 1, the same for the same seed.
function chance.sample(count, n, seed)
    local swapped, chosen = {}, {}
    for k = 0, math.min(count, n) - 1 do
        local other = k + math.floor(chance.unit(seed * 0x10001 + k) * (n - k))
        chosen[k + 1] = swapped[other] or other
        swapped[other] = swapped[k] or k
    end
    return chosen
end

return chance
