-- SPDX-License-Identifier: MIT
-- A script with one kernel: bench_gpumm times its start, with and without a cache of kernels. With the
-- argument "none" it opens the device alone.
local gpumm = require "gpumm"

local SOURCE = [[
extern "C" __global__ void twice(int n, const float *in, float *out)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) out[i] = 2.0f * in[i];
}
]]

local m <close> = assert(gpumm.manager {})
if arg[1] ~= "none" then
    local twice = assert(m:kernel { source = SOURCE })
    local from = assert(m:buffer { type = "f32", length = 4 })
    local to = assert(m:buffer { type = "f32", length = 4 })
    from:upload { 1, 2, 3, 4 }
    assert(twice(4, from, to))
    local got = to:download()
    if got[1] ~= 2 or got[4] ~= 8 then error "the kernel did not do its work" end
end
