// SPDX-License-Identifier: MIT
// Heat around what was changed: a share for each node, from which its neighbours have a part, by the edges' segments. The
// greatest counts, so nothing depends on an order.

typedef unsigned int word;

// What is less than `least` is nothing, so that what is far away does not move at all.
extern "C" __global__ void fade(int n, const float *from, float scale, float least, float *to)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    const float heat = scale * from[i];
    to[i] = heat >= least ? heat : 0.0f;
}

// `to` begins as `from`. What is not negative is in the same order as its bits.
extern "C" __global__ void spread(int segments, const word *node, const word *begin, const word *near, float part, float least,
                                  const float *from, float *to)
{
    int s = blockIdx.x * blockDim.x + threadIdx.x;
    if (s >= segments) return;
    float most = 0.0f;
    for (word k = begin[s]; k < begin[s + 1]; k++) most = fmaxf(most, from[near[k]]);
    most *= part;
    if (most >= least) atomicMax((int *)to + node[s], __float_as_int(most));
}
