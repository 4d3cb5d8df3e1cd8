-- SPDX-License-Identifier: MIT
-- Two managers for a spec: on CUDA the second is of the second GPU where there is one; else both are of the same device.

local spec = require "gpumm.spec"

return function(options)
    local all = { debug = false, fault = {} }
    for key, value in pairs(options or {}) do all[key] = value end
    local a = spec.manager(all)
    if a:device().kind == "host" then return a, spec.manager(all) end
    all.device = "cuda:1"
    local ok, b = pcall(spec.manager, all)
    if ok then return a, b end
    print("skipped: a test of two GPUs runs on one")
    all.device = nil
    return a, spec.manager(all)
end
