-- SPDX-License-Identifier: MIT
-- Compaction: flags, their running sum, and a kernel that writes each kept element to the place which the sum says; m:select
-- does the same in one call. What is kept here are primes, drawn on Ulam's spiral.
--
--     gpumm-run examples/gallery/primitives/compaction.lua [--out primes.png] [--n 40000]

local gpumm = require "gpumm"
local look = dofile(gpumm.beside "../look.lua")
local opt = gpumm.options(arg, { out = "primes.png", n = 40000 })
local n = opt.n

local m <close> = gpumm.manager { device = "auto" }
m:raising(true)

local SOURCE = [==[
extern "C" __global__ void prime(int n, unsigned int *number, unsigned int *flag)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    number[i] = i + 1;
    unsigned int is = i + 1 >= 2;
    for (unsigned int k = 2; k * k <= i + 1u && is; k++) is = (i + 1) % k != 0;
    flag[i] = is;
}

extern "C" __global__ void compact(int n, const unsigned int *from, const unsigned int *flag, const unsigned int *before,
    unsigned int *to)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n && flag[i]) to[before[i]] = from[i];
}

extern "C" __global__ void spiral(int n, const unsigned int *number, float2 *point, float *shade)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    const int k = number[i] - 1, ring = (int)((sqrtf((float)k) + 1.0f) / 2.0f), side = 2 * ring, at = k - (side - 1) * (side - 1);
    const int leg = ring ? at / side : 0, along = ring ? at % side + 1 - ring : 0;
    const int x[4] = { ring, -along, -ring, along }, y[4] = { along, ring, -along, -ring };
    point[i] = make_float2(x[leg], y[leg]);
    shade[i] = 1.0f - sqrtf((float)k) / 230.0f;
}]==]
local prime, compact = m:kernel { source = SOURCE, name = "prime" }, m:kernel { source = SOURCE, name = "compact" }
local spiral = m:kernel { source = SOURCE, name = "spiral" }

local number, flag = m:buffer { type = "u32", length = n }, m:buffer { type = "u32", length = n }
local before = m:buffer { type = "u32", length = n + 1 }
prime { n = n, number = number, flag = flag }
m:scan { from = flag, to = before, exclusive = true, total = true }
local found = before:download(n + 1, 1)[1]

local primes = m:buffer { type = "u32", length = found }
compact { n = n, from = number, flag = flag, before = before, to = primes }

local again, count = m:buffer { type = "u32", length = n }, m:buffer { type = "u32", length = 1 }
m:select { from = number, flags = flag, to = again, count = count }
local same = count:download()[1] == found and again:download(1, found):bytes() == primes:download():bytes()
print(("%d primes up to %d; m:select finds the same: %s"):format(found, n, same))

local point, shade = m:buffer { type = "f32x2", length = found }, m:buffer { type = "f32", length = found }
spiral { n = found, number = primes, point = point, shade = shade }
local reach = math.sqrt(n) / 2 + 1
look.points(m, opt.out, point, { box = { -reach, -reach, reach, reach }, value = shade, palette = "moss", width = 800,
    radius = 2.6 })
return { found = found, same = same, primes = primes:download(), points = point:download() }
