// SPDX-License-Identifier: MIT
// The forces of ring.lua: every node pushes every other away and is pulled by its edges. Small, not fast.
// The struct `ends` is declared by ring.lua, which describes the edges' buffer.
extern "C" __global__ void pull(int n, int m, const float2 *place, const ends *ends, float2 *force)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    float x = 0, y = 0;
    for (int j = 0; j < n; j++) {
        float dx = place[i].x - place[j].x, dy = place[i].y - place[j].y;
        float push = 1 / (dx * dx + dy * dy + 0.1f);
        x += dx * push;
        y += dy * push;
    }
    for (int e = 0; e < m; e++) {
        if ((int)ends[e].from != i && (int)ends[e].to != i) continue;
        int j = (int)ends[e].from == i ? (int)ends[e].to : (int)ends[e].from;
        x += 0.2f * (place[j].x - place[i].x);
        y += 0.2f * (place[j].y - place[i].y);
    }
    force[i].x = x;
    force[i].y = y;
}

extern "C" __global__ void move(int n, float2 *place, const float2 *force)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    place[i].x += 0.1f * force[i].x;
    place[i].y += 0.1f * force[i].y;
}
