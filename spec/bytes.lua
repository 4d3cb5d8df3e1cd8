-- SPDX-License-Identifier: MIT
-- Contents for tests. It stands alone, for scripts that run without busted.

--- n bytes that look random, the same for the same seed (1).
return function(n, seed)
    local state, words = seed or 1, {}
    for i = 1, (n + 7) // 8 do
        state = state * 6364136223846793005 + 1442695040888963407
        words[i] = string.pack("<i8", state ~ state >> 29)
    end
    return table.concat(words):sub(1, n)
end
