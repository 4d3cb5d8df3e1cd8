// SPDX-License-Identifier: MIT
// Exclusive sums of many whole numbers without barriers: sums of chunks, of chunks of those, and once more; then
// every chunk's thread adds up what stands before it.

#define CHUNK 64

typedef unsigned int word;

extern "C" __global__ void chunk_sums(int chunks, int n, const word *values, word *sums)
{
    int t = blockIdx.x * blockDim.x + threadIdx.x;
    if (t >= chunks) return;
    const int stop = min(n, (t + 1) * CHUNK);
    word sum = 0;
    for (int k = t * CHUNK; k < stop; k++) sum += values[k];
    sums[t] = sum;
}

// Exclusive sums, and the whole at n: what stands before, from three levels of sums, and then one by one.
extern "C" __global__ void scan(int chunks, int n, const word *values, const word *first, const word *second,
                                const word *third, word *out)
{
    int t = blockIdx.x * blockDim.x + threadIdx.x;
    if (t >= chunks) return;
    const int a = t / CHUNK, b = a / CHUNK;
    word sum = 0;
    for (int k = 0; k < b; k++) sum += third[k];
    for (int k = b * CHUNK; k < a; k++) sum += second[k];
    for (int k = a * CHUNK; k < t; k++) sum += first[k];
    const int stop = min(n, (t + 1) * CHUNK);
    for (int k = t * CHUNK; k < stop; k++) {
        out[k] = sum;
        sum += values[k];
    }
    if (t == chunks - 1) out[n] = sum;
}
