// SPDX-License-Identifier: MIT
// Components become neighbours: each is turned about its middle, enlarged, and moved to its place.

#define NUMBERS 7 // a group: cosine and sine times how much larger it is, its middle (x, y, z), where that goes (x, y)

typedef unsigned int word;

extern "C" __global__ void settle(int n, const word *group, const float *by, vec *position)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    const float *g = by + NUMBERS * group[i];
    const vec p = position[i];
    const float x = p.x - g[2], y = p.y - g[3];
    position[i].x = g[0] * x - g[1] * y + g[5];
    position[i].y = g[1] * x + g[0] * y + g[6];
#if DIM == 3
    position[i].z = sqrtf(g[0] * g[0] + g[1] * g[1]) * (p.z - g[4]);
#endif
}
