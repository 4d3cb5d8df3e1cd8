-- SPDX-License-Identifier: MIT
-- Lists of numbers as raw columns.

local pack, unpack = string.pack, table.unpack

-- So many values a call: few calls, and well within the stack.
local CHUNK = 128

--- The first `count` values (all, without it) in string.pack's `format`, in this machine's order of bytes or, with
--- order = "<", little-endian.
return function(format, values, count, order)
    count = count or #values
    order = order or "="
    local whole, parts = order .. format:rep(CHUNK), {}
    local last = count - count % CHUNK
    for k = 1, last, CHUNK do
        parts[#parts + 1] = pack(whole, unpack(values, k, k + CHUNK - 1))
    end
    parts[#parts + 1] = pack(order .. format:rep(count - last), unpack(values, last + 1, count))
    return table.concat(parts)
end
