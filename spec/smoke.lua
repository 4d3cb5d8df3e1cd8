-- SPDX-License-Identifier: MIT
-- The module as a stranger's interpreter sees it: loaded by stock Lua, one buffer there and back.
local before = {}
for name in pairs(_G) do before[name] = true end
local gpumm = require "gpumm"
for name in pairs(_G) do assert(before[name], "the module touched the global " .. name) end

local m <close> = assert(gpumm.manager { device = "host" })
local b = assert(m:allocate("squares", "i64", 4))
b:upload { 1, 4, 9, 16 }
local v = b:download()
assert(#v == 4 and v[1] == 1 and v[2] == 4 and v[3] == 9 and v[4] == 16)
assert(m:free("squares"))
print("gpumm " .. gpumm.version .. " works in " .. _VERSION)
