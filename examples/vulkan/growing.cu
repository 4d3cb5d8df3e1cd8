// SPDX-License-Identifier: MIT
// The kernels of growing.lua. Node i hangs on node (i - 1) / 3. Positions and stamps are written by `move` alone, of all nodes in
// the same launch: whoever sees two different stamps at one time sees a torn frame.

static __device__ int parent_of(int i) { return (i - 1) / 3; }

static __device__ float scatter(unsigned i) // -1 to 1, the same for the same i
{
    i = (i ^ 61u) ^ (i >> 16);
    i *= 9u;
    i ^= i >> 4;
    i *= 0x27d4eb2du;
    i ^= i >> 15;
    return (float)(i & 0xffff) / 32768.0f - 1.0f;
}

// The first ones lie on circles, one for each level of the tree; others beside the nearest ancestor that was there.
extern "C" __global__ void born(int n, int first, float2 *position)
{
    int k = blockIdx.x * blockDim.x + threadIdx.x;
    if (k >= n) return;
    int i = first + k, above = i;
    while (first > 0 && above >= first) above = parent_of(above);
    if (first > 0) {
        position[i].x = position[above].x + scatter(2 * i);
        position[i].y = position[above].y + scatter(2 * i + 1);
        return;
    }
    int level = 0, begin = 0, width = 1;
    while (i >= begin + width) {
        begin += width;
        width *= 3;
        level++;
    }
    const float angle = 6.2831853f * (i - begin + 0.5f) / width, radius = 0.5f * sqrtf((float)(begin + width));
    position[i].x = level ? radius * cosf(angle) : 0;
    position[i].y = level ? radius * sinf(angle) : 0;
}

extern "C" __global__ void join(int n, ends *ends)
{
    int e = blockIdx.x * blockDim.x + threadIdx.x;
    if (e >= n) return;
    ends[e].from = parent_of(e + 1);
    ends[e].to = e + 1;
}

static __device__ int cell_of(float x, int side, float half)
{
    int c = (int)((x / half + 1) * 0.5f * side);
    return c < 1 ? 1 : c > side - 2 ? side - 2 : c;
}

// How many nodes are in each cell of a field from -half to half.
extern "C" __global__ void crowd(int n, const float2 *position, unsigned *cells, int side, float half)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    atomicAdd(&cells[cell_of(position[i].y, side, half) * side + cell_of(position[i].x, side, half)], 1u);
}

// Towards parent and children, and from where many are to where few are.
extern "C" __global__ void pull(int n, const float2 *position, const unsigned *cells, int side, float half, float2 *force)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    const float x = position[i].x, y = position[i].y;
    float fx = -0.002f * x, fy = -0.002f * y;
    for (int k = 0; k < 4; k++) {
        const long long j = k ? 3ll * i + k : parent_of(i);
        if (i + k == 0 || j >= n) continue;
        fx += 0.05f * (position[j].x - x);
        fy += 0.05f * (position[j].y - y);
    }
    const unsigned *c = cells + cell_of(y, side, half) * side + cell_of(x, side, half);
    const float width = 2 * half / side, area = width * width;
    const float spread = 1.0f / area;
    fx -= spread * ((float)c[1] - (float)c[-1]) + 0.02f * scatter(i);
    fy -= spread * ((float)c[side] - (float)c[-side]) + 0.02f * scatter(i + 77);
    force[i].x = fx;
    force[i].y = fy;
}

extern "C" __global__ void move(int n, float2 *position, float2 *velocity, const float2 *force, unsigned *stamp, unsigned step)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    float vx = 0.8f * velocity[i].x + 0.4f * force[i].x, vy = 0.8f * velocity[i].y + 0.4f * force[i].y;
    const float speed = sqrtf(vx * vx + vy * vy);
    if (speed > 1) {
        vx /= speed;
        vy /= speed;
    }
    velocity[i].x = vx;
    velocity[i].y = vy;
    position[i].x += vx;
    position[i].y += vy;
    stamp[i] = step;
}
