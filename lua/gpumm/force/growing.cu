// SPDX-License-Identifier: MIT
// Where new nodes start: beside the middle of their neighbours that have a place, round by round, for a
// neighbour may be new as well. `placed` holds 0 for who has no place, else one more than the round that gave it: those
// from `first` on are asked. The n nodes from `from` on are given a place, and rows are of those from `origin` on.

typedef unsigned int word;

static __device__ float hashed(word x)
{
    x = (x ^ x >> 16) * 0x7feb352du;
    x = (x ^ x >> 15) * 0x846ca68bu;
    return (float)((x ^ x >> 16) >> 8) * (1.0f / 8388608.0f) - 1.0f;
}

static __device__ void settle(int i, float scale, const float *middle, float by, vec *position)
{
    position[i].x = middle[0] * scale + by * hashed((word)i * 3u);
    position[i].y = middle[1] * scale + by * hashed((word)i * 3u + 1u);
#if DIM == 3
    position[i].z = middle[2] * scale + by * hashed((word)i * 3u + 2u);
#endif
}

extern "C" __global__ void seat(int n, int first, int from, int origin, word round, const word *row, const word *near, float by,
                                word *placed, vec *position)
{
    int t = blockIdx.x * blockDim.x + threadIdx.x;
    const int i = from + t;
    if (t >= n || placed[i]) return;
    float middle[3] = {0.0f, 0.0f, 0.0f};
    word count = 0;
    for (word k = row[i - origin]; k < row[i - origin + 1]; k++) {
        const int j = (int)near[k];
        const volatile word *others = placed; // a neighbour may be given its place in this very round
        if (j >= first && (others[j] == 0 || others[j] > round)) continue;
        middle[0] += position[j].x;
        middle[1] += position[j].y;
#if DIM == 3
        middle[2] += position[j].z;
#endif
        count++;
    }
    if (count == 0) return;
    settle(i, 1.0f / (float)count, middle, by, position);
    placed[i] = round + 1u;
}

// Who knows nobody with a place sits further out, on a spiral about the middle.
extern "C" __global__ void seat_alone(int n, int first, float spacing, float by, word *placed, vec *position)
{
    int t = blockIdx.x * blockDim.x + threadIdx.x;
    if (t >= n || placed[first + t]) return;
    const float radius = spacing * sqrtf((float)(first + t) + 0.5f), angle = 2.3999632f * (float)(first + t);
    const float middle[3] = {radius * cosf(angle), radius * sinf(angle), 0.0f};
    settle(first + t, 1.0f, middle, by, position);
    placed[first + t] = 1u;
}
