-- SPDX-License-Identifier: MIT
-- Bytes for people: "512 B", "1.5 KiB", in every locale.

local UNITS = { "KiB", "MiB", "GiB", "TiB" }

return function(bytes)
    if bytes < 1024 then return ("%d B"):format(bytes) end
    local i = 0
    repeat bytes, i = bytes / 1024, i + 1 until bytes < 1024 or i == #UNITS
    local tenths = math.floor(bytes * 10 + 0.5)
    return ("%d.%d %s"):format(tenths // 10, tenths % 10, UNITS[i])
end
