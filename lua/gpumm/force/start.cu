// SPDX-License-Identifier: MIT
// PivotMDS: positions whose distances resemble the distances in the graph from a few pivots. `hops` comes before this file.

typedef unsigned int word;

static __device__ double square_of(hops d)
{
    return (double)d * (double)d;
}

// Mean squared distance from each pivot over the sampled nodes.
extern "C" __global__ void means(int pivots, int samples, int n, const word *sample, const hops *distance,
                                 double *mean)
{
    int p = blockIdx.x * blockDim.x + threadIdx.x;
    if (p >= pivots) return;
    double sum = 0.0;
    for (int s = 0; s < samples; s++) sum += square_of(distance[(long long)p * n + sample[s]]);
    mean[p] = sum / samples;
}

// The squared distances of each sampled node, centred by row and by column.
extern "C" __global__ void centred(int samples, int pivots, int n, const word *sample, const hops *distance,
                                   const double *mean, double *out)
{
    int s = blockIdx.x * blockDim.x + threadIdx.x;
    if (s >= samples) return;
    double own = 0.0;
    for (int p = 0; p < pivots; p++) own += square_of(distance[(long long)p * n + sample[s]]) - mean[p];
    own /= pivots;
    for (int p = 0; p < pivots; p++)
        out[(long long)s * pivots + p] = square_of(distance[(long long)p * n + sample[s]]) - mean[p] - own;
}

// Products of the columns, two by two.
extern "C" __global__ void products(int pairs, int pivots, int samples, const double *matrix, double *out)
{
    int t = blockIdx.x * blockDim.x + threadIdx.x;
    if (t >= pairs) return;
    const double *a = matrix + t / pivots, *b = matrix + t % pivots;
    double sum = 0.0;
    for (int s = 0; s < samples; s++) sum += a[(long long)s * pivots] * b[(long long)s * pivots];
    out[t] = sum / samples;
}

static __device__ float chance_of(word *h)
{
    *h = (*h ^ *h >> 15) * 0x846ca68bu + 0x9e3779b9u;
    return (float)((*h ^ *h >> 16) >> 8) * (1.0f / 8388608.0f) - 1.0f;
}

// Every member's place along `axes` (a vector over the pivots for each dimension), scaled and moved. Members, and the
// distances to them, count from node `first`.
extern "C" __global__ void place(int members, int pivots, int n, word first, const word *member, const hops *distance,
                                 const double *mean, const double *axes, float jitter, vec *position)
{
    int t = blockIdx.x * blockDim.x + threadIdx.x;
    if (t >= members) return;
    const word own = member ? member[t] : (word)t, i = first + own;
    double at[3] = {0.0, 0.0, 0.0};
    for (int p = 0; p < pivots; p++) {
        const double d = square_of(distance[(long long)p * n + own]) - mean[p];
        for (int k = 0; k < DIM; k++) at[k] -= d * axes[k * pivots + p];
    }
    word h = (i ^ i >> 16) * 0x7feb352du;
    for (int k = 0; k < DIM; k++) at[k] += jitter * chance_of(&h);
    position[i].x = (float)at[0];
    position[i].y = (float)at[1];
#if DIM == 3
    position[i].z = (float)at[2];
#endif
}
