-- SPDX-License-Identifier: MIT
-- A device that has only so much memory left. The host device is given that as its quota; on others somebody else, other
-- managers, take the rest.

local gpumm = require "gpumm"
local spec = require "gpumm.spec"

local filled = {}
local spare -- holds nearly all of a large device, from the first test to the end: taking and giving back that much takes long
local other, taken

local STEP <const>, ROOM <const>, TRIES <const> = 2 << 20, 512 << 20, 5

-- All that is left, in pieces of at most `size` and at least `least` bytes.
local function take_all(manager, blocks, size, least)
    while size >= least do
        local b = manager:buffer { type = "u8", length = size, max_length = size }
        if b then blocks[#blocks + 1] = b -- what nobody has is collected when memory is short
        else size = size // 2 end
    end
end

-- What the tests do not need of the device. One that has no more than that has none to spare.
local function take_spare()
    spare = { manager = assert(gpumm.manager { device = spec.device }) }
    local room = spare.manager:buffer { type = "u8", length = ROOM, max_length = ROOM }
    if not room then return end
    take_all(spare.manager, spare, 64 << 30, ROOM // 8)
    room:free()
    spare.manager:trim()
end

-- May there be so much more than `bytes`? Then somebody gave memory back while it was being taken.
local function is_more(bytes)
    local more = other:buffer { type = "u8", length = bytes + STEP, max_length = bytes + STEP }
    if more then more:free() end
    other:trim()
    return more ~= nil
end

--- All of it is taken but `bytes`, and less than another commit step.
function filled.but(bytes)
    if spec.device:find("host", 1, true) then return end
    if not spare then take_spare() end
    other, taken = assert(gpumm.manager { device = spec.device }), {}
    for _ = 1, TRIES do
        local rest = assert(other:buffer { type = "u8", length = bytes, max_length = bytes })
        take_all(other, taken, ROOM, STEP)
        rest:free()
        other:trim()
        if not is_more(bytes) then return end
    end
    error("the device cannot be filled: somebody else gives memory back again and again")
end

--- Some hundreds of MiB are free again, or all of a small device.
function filled.over()
    if other then other:close() end
    other, taken = nil, nil
end

return filled
