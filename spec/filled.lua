-- SPDX-License-Identifier: MIT
-- A device that has only so much memory left. The host device is given that as its quota; on others somebody else, another
-- manager, takes the rest.

local gpumm = require "gpumm"
local spec = require "gpumm.spec"

local filled = {}
local other, taken

local STEP <const> = 2 << 20

local function take(manager, bytes)
    local b = manager:buffer { type = "u8", length = bytes, max_length = bytes }
    if b then taken[#taken + 1] = b end -- what nobody has is collected when memory is short
    return b
end

--- All of it is taken but `bytes`.
function filled.but(bytes)
    if spec.device:find("host", 1, true) then return end
    other, taken = assert(gpumm.manager { device = spec.device }), {}
    local rest, size = assert(take(other, bytes)), 64 << 30
    while size >= STEP do
        if not take(other, size) then size = size // 2 end
    end
    rest:free()
    other:trim()
end

--- It is free again.
function filled.over()
    if other then other:close() end
    other, taken = nil, nil
end

return filled
