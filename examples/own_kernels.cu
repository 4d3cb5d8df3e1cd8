// SPDX-License-Identifier: MIT
// The forces of examples/own_kernels.lua: every node pushes every other away, every edge pulls its ends
// together, and what is far from the middle is drawn back a little. Ordinary CUDA C, without
// barriers, so that one source runs on a GPU and on the cores of this machine. The struct `ends`
// is declared by own_kernels.lua, which describes the edges' buffer.
//
// Forces are rounded to multiples of 1/256. Sums of such numbers are exact in a float up to 65,536,
// so they do not depend on the order in which atomicAdd happens to run: a layout can be repeated.

#define LANES 8 // partial sums that do not wait for each other, for whatever vectors there are

static __device__ float rounded(float force)
{
    return rintf(force * 256.0f) * (1.0f / 256.0f);
}

// Push: mass * mass / distance, over all pairs. Writes the force, so nothing need be cleared.
extern "C" __global__ void repel(int n, const float2 *position, const float *mass, float2 *force,
                                 float strength, float gravity)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    const float x = position[i].x, y = position[i].y;
    float fx[LANES] = {0}, fy[LANES] = {0};
    int j = 0;
    for (; j + LANES <= n; j += LANES) {
        for (int k = 0; k < LANES; k++) {
            const float dx = x - position[j + k].x, dy = y - position[j + k].y;
            const float push = mass[j + k] / (dx * dx + dy * dy + 0.01f);
            fx[k] += dx * push;
            fy[k] += dy * push;
        }
    }
    for (; j < n; j++) {
        const float dx = x - position[j].x, dy = y - position[j].y;
        const float push = mass[j] / (dx * dx + dy * dy + 0.01f);
        fx[0] += dx * push;
        fy[0] += dy * push;
    }
    for (int k = 1; k < LANES; k++) {
        fx[0] += fx[k];
        fy[0] += fy[k];
    }
    force[i].x = rounded(mass[i] * (strength * fx[0] - gravity * x));
    force[i].y = rounded(mass[i] * (strength * fy[0] - gravity * y));
}

// Pull: as strong as the edge is long.
extern "C" __global__ void attract(int m, const ends *ends, const float2 *position, float2 *force,
                                   float strength)
{
    int e = blockIdx.x * blockDim.x + threadIdx.x;
    if (e >= m) return;
    const unsigned int a = ends[e].from, b = ends[e].to;
    const float fx = rounded(strength * (position[b].x - position[a].x));
    const float fy = rounded(strength * (position[b].y - position[a].y));
    atomicAdd(&force[a].x, fx);
    atomicAdd(&force[a].y, fy);
    atomicAdd(&force[b].x, -fx);
    atomicAdd(&force[b].y, -fy);
}

// A step of at most `temperature`; heavy nodes answer slowly, and what moved keeps some of its speed.
extern "C" __global__ void move(int n, float2 *position, float2 *velocity, const float2 *force,
                                const float *mass, float temperature)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    float vx = 0.5f * velocity[i].x + 0.5f * force[i].x / mass[i];
    float vy = 0.5f * velocity[i].y + 0.5f * force[i].y / mass[i];
    const float speed = sqrtf(vx * vx + vy * vy);
    if (speed > temperature) {
        vx *= temperature / speed;
        vy *= temperature / speed;
    }
    velocity[i].x = vx;
    velocity[i].y = vy;
    position[i].x += vx;
    position[i].y += vy;
}
