-- SPDX-License-Identifier: MIT
-- Exclusive sums on the device, in the same order whatever runs first.

local kernels = require "gpumm.force.kernels"

local need, buffer = kernels.need, kernels.buffer
local Scan = {}
Scan.__index = Scan

local CHUNK = 64 -- as in scan.cu

local function chunks(n) return (n + CHUNK - 1) // CHUNK end

--- out[k] becomes the sum of values[0] to values[k - 1], for k from 0 to n.
function Scan:run(n, values, out)
    local run, manager, a = self.kernels, self.manager, chunks(n)
    local b, c = chunks(a), chunks(chunks(a))
    self.first = buffer(manager, "u32", a, self.first)
    self.second = buffer(manager, "u32", b, self.second)
    self.third = buffer(manager, "u32", c, self.third)
    need(run.chunk_sums(a, n, values, self.first))
    need(run.chunk_sums(b, a, self.first, self.second))
    need(run.chunk_sums(c, b, self.second, self.third))
    need(run.scan(a, n, values, self.first, self.second, self.third, out))
end

local scan = {}

function scan.new(manager)
    return setmetatable({ manager = manager, kernels = kernels.of(manager, "scan.cu") }, Scan)
end

return scan
