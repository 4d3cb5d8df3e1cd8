-- SPDX-License-Identifier: MIT
-- A kernel with shared memory and barriers: block sums, checked. Run under racecheck by scripts/gpu-check.sh.
local gpumm = require "gpumm"

local SOURCE = [[
extern "C" __global__ void sums(int n, const unsigned int *in, unsigned int *out)
{
    __shared__ unsigned int part[256];
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    part[threadIdx.x] = i < n ? in[i] : 0;
    __syncthreads();
    for (int half = 128; half > 0; half /= 2) {
        if (threadIdx.x < half) part[threadIdx.x] += part[threadIdx.x + half];
        __syncthreads();
    }
    if (threadIdx.x == 0) out[blockIdx.x] = part[0];
}
]]

local m <close> = assert(gpumm.manager { device = "cuda" })
local n = 256 * 100
local sums = assert(m:kernel { source = SOURCE, name = "sums", block = 256 })
local input, output = assert(m:allocate("in", "u32", n)), assert(m:allocate("out", "u32", n // 256))
local values = {}
for i = 1, n do values[i] = i % 1000 end
input:upload(values)
assert(sums { n = n, ["in"] = input, out = output })
local got = output:download()
for b = 1, n // 256 do
    local wanted = 0
    for i = (b - 1) * 256 + 1, b * 256 do wanted = wanted + values[i] end
    assert(got[b] == wanted, ("block %d: %d instead of %d"):format(b, got[b], wanted))
end
m:free("in")
m:free("out")
print(("%d block sums right"):format(n // 256))
