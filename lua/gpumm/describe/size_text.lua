-- SPDX-License-Identifier: MIT
-- Bytes for people: "512 B", "1.5 KiB", in every locale.

local words = require "gpumm.words"

local UNITS = { "KiB", "MiB", "GiB", "TiB" }

return function(bytes)
    local _ <close> = words.plain()
    if bytes < 1024 then return ("%d B"):format(bytes) end
    local i = 0
    repeat bytes, i = bytes / 1024, i + 1 until bytes < 1024 or i == #UNITS
    return ("%.1f %s"):format(bytes, UNITS[i])
end
