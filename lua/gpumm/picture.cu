// SPDX-License-Identifier: MIT
// Pictures of graphs. Edges and nodes add light to counters, one thread an edge or a node; a last
// kernel turns the counters into pixels. Counters are integers in fixed point, so that a picture does
// not depend on the order in which the additions happen to run.

#define FULL 255.0f   // one pixel wholly covered once
#define ONE 128.0f    // the coverage of a faint edge
#define BINS 128      // of the histogram of coverage: four a power of two

// Four counters of 32 bits a pixel: red and green, then blue and the coverage, by which the colors are
// weighted. Two lie in one word of 64 bits, so that one addition serves both: none overflows before
// sixteen million edges cross in a pixel.
typedef unsigned long long light_t;

static __device__ light_t both(float low, float high)
{
    return (light_t)(unsigned int)(high + 0.5f) << 32 | (unsigned int)(low + 0.5f);
}

static __device__ void splat(light_t *light, int width, int height, int x, int y, float cover, float4 color)
{
    const int amount = (int)(cover * FULL + 0.5f);
    if (x < 0 || y < 0 || x >= width || y >= height || amount <= 0) return;
    light_t *pixel = light + 2 * ((long long)y * width + x);
    atomicAdd(pixel + 0, both(color.x * amount, color.y * amount));
    atomicAdd(pixel + 1, both(color.z * amount, (float)amount));
}

static __device__ unsigned int coverage(const light_t *pixel)
{
    return (unsigned int)(pixel[1] >> 32);
}

// How many pixels the edges take in all: sums over every threads-th, the shorter ones and those that are alone apart.
extern "C" __global__ void extents(int threads, int m, const uint2 *ends, const float2 *point, const float2 *look,
                                   float short_one, double *out)
{
    int t = blockIdx.x * blockDim.x + threadIdx.x;
    if (t >= threads) return;
    double sum = 0.0;
    for (int e = t; e < m; e += threads) {
        const float2 a = point[ends[e].x], b = point[ends[e].y];
        const float run = fmaxf(fabsf(b.x - a.x), fabsf(b.y - a.y));
        if (run > short_one && look[e].y >= 0.0f) sum += run;
    }
    out[t] = sum;
}

static __device__ unsigned int mixed(unsigned int x)
{
    x = (x ^ x >> 16) * 0x7feb352du;
    x = (x ^ x >> 15) * 0x846ca68bu;
    return x ^ x >> 16;
}

// How much of pixel row `row` a line covers that is `tall` there, around y.
static __device__ float within(float y, float tall, int row)
{
    return fmaxf(fminf(y + 0.5f * tall, (float)(row + 1)) - fmaxf(y - 0.5f * tall, (float)row), 0.0f);
}

// An anti-aliased line. Its look is how wide it is, and how strong; below 0: it is alone, and drawn only where `alone` is
// not 0, and then so strong. Where long ones are so many that nobody could follow one, only one pixel in `sparse` of theirs
// is drawn, and counts for all.
extern "C" __global__ void draw_edges(int m, const uint2 *ends, const float2 *look, const float2 *point,
                                      const float4 *color, float alone, light_t *light, int width, int height,
                                      int sparse, float short_one, float thick)
{
    int e = blockIdx.x * blockDim.x + threadIdx.x;
    if (e >= m || (look[e].y < 0.0f) != (alone > 0.0f)) return;
    const unsigned int from = ends[e].x, to = ends[e].y;
    const float strength = alone > 0.0f ? alone * -look[e].y : look[e].y;
    const float wide = look[e].x == 1.0f ? 1.0f : fmaxf(look[e].x * thick, 0.3f);
    float ax = point[from].x, ay = point[from].y, bx = point[to].x, by = point[to].y;
    float4 ca = color[from], cb = color[to];
    const float length = sqrtf((bx - ax) * (bx - ax) + (by - ay) * (by - ay));
    const bool steep = fabsf(by - ay) > fabsf(bx - ax);
    if (steep) { float t = ax; ax = ay; ay = t; t = bx; bx = by; by = t; }
    if (ax > bx) { float t = ax; ax = bx; bx = t; t = ay; ay = by; by = t; float4 c = ca; ca = cb; cb = c; }
    const float run = bx - ax;
    if (run < 1e-3f) return; // both ends in one spot: the nodes cover it
    const float slope = (by - ay) / run, tall = wide * length / run;
    const int stride = run > short_one && alone == 0.0f ? sparse : 1;
    for (int first = (int)ax; first <= (int)bx; first += stride) {
        const int x = stride > 1 ? first + (int)(mixed((unsigned int)e * 0x9e3779b1u + first) % stride) : first;
        if (x > (int)bx) break;
        const float start = fmaxf((float)x, ax), stop = fminf((float)(x + 1), bx);
        const float middle = 0.5f * (start + stop), along = (middle - ax) / run, y = ay + slope * (middle - ax);
        const float part = strength * (stop - start) * stride;
        float4 c;
        c.x = ca.x + along * (cb.x - ca.x);
        c.y = ca.y + along * (cb.y - ca.y);
        c.z = ca.z + along * (cb.z - ca.z);
        c.w = 1.0f;
        const int last = (int)floorf(y + 0.5f * tall);
        for (int row = (int)floorf(y - 0.5f * tall); row <= last; row++)
            splat(light, width, height, steep ? row : x, steep ? x : row, part * within(y, tall, row), c);
    }
}

// The head of an arrow at an edge's second end: a triangle that ends at the node's rim, as gpumm/picture/vector.lua has it.
extern "C" __global__ void draw_arrows(int m, const uint2 *ends, const float2 *look, const float2 *point,
                                       const float4 *color, const float *radius, float cover, light_t *light, int width,
                                       int height, float unit, float few)
{
    int e = blockIdx.x * blockDim.x + threadIdx.x;
    if (e >= m) return;
    const float2 a = point[ends[e].x], b = point[ends[e].y];
    const float length = sqrtf((b.x - a.x) * (b.x - a.x) + (b.y - a.y) * (b.y - a.y)), rim = radius[ends[e].y];
    const float head = fminf(few * fmaxf(5.0f, unit * (6.0f + 2.2f * look[e].x)), 0.7f * (length - rim));
    if (!(head >= 1.0f)) return;
    const float dx = (b.x - a.x) / length, dy = (b.y - a.y) / length;
    const float tx = b.x - dx * rim, ty = b.y - dy * rim;
    const int reach = (int)(head + 1.5f);
    for (int y = (int)ty - reach; y <= (int)ty + reach; y++) {
        for (int x = (int)tx - reach; x <= (int)tx + reach; x++) {
            const float px = x + 0.5f - tx, py = y + 0.5f - ty;
            const float back = -(px * dx + py * dy), aside = fabsf(py * dx - px * dy);
            const float inside = fminf(fminf(0.38f * back - aside, back), head - back) + 0.5f;
            splat(light, width, height, x, y, cover * fminf(fmaxf(inside, 0.0f), 1.0f), color[ends[e].y]);
        }
    }
}

static __device__ unsigned int depth_of(float near)
{
    return 1u + (unsigned int)(near * 1e6f);
}

// How near the nearest node is that covers a pixel; 0: none does.
extern "C" __global__ void draw_depth(int n, const float2 *point, const float *radius, const float *near,
                                      unsigned int *depth, int width, int height)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    const float px = point[i].x, py = point[i].y, r = radius[i];
    const int reach = (int)(r + 1.5f);
    for (int y = (int)py - reach; y <= (int)py + reach; y++) {
        for (int x = (int)px - reach; x <= (int)px + reach; x++) {
            const float dx = x + 0.5f - px, dy = y + 0.5f - py;
            if (x < 0 || y < 0 || x >= width || y >= height || sqrtf(dx * dx + dy * dy) > r + 0.5f) continue;
            atomicMax(depth + (long long)y * width + x, depth_of(near[i]));
        }
    }
}

// A disc with a smooth rim, and in `rim` a slightly larger one, which sets nodes off from the edges. Where there is depth,
// only the nearest shows.
extern "C" __global__ void draw_nodes(int n, const float2 *point, const float *radius, const float4 *color,
                                      const float *near, const unsigned int *depth, int is_deep, light_t *light,
                                      unsigned int *rim, int width, int height, float ring)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    const float px = point[i].x, py = point[i].y, r = radius[i];
    const int reach = (int)(r + ring + 1.5f);
    for (int y = (int)py - reach; y <= (int)py + reach; y++) {
        for (int x = (int)px - reach; x <= (int)px + reach; x++) {
            if (x < 0 || y < 0 || x >= width || y >= height) continue;
            const long long at = (long long)y * width + x;
            if (is_deep && depth[at] > depth_of(near[i])) continue;
            const float dx = x + 0.5f - px, dy = y + 0.5f - py, away = sqrtf(dx * dx + dy * dy);
            splat(light, width, height, x, y, fminf(fmaxf(r + 0.5f - away, 0.0f), 1.0f), color[i]);
            const int shade = (int)(fminf(fmaxf(r + ring + 0.5f - away, 0.0f), 1.0f) * FULL);
            if (shade > 0) atomicMax(rim + at, (unsigned int)shade);
        }
    }
}

// How often each coverage occurs, so that the exposure can suit the picture.
extern "C" __global__ void measure(int pixels, const light_t *light, unsigned int *bins)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= pixels) return;
    const unsigned int cover = coverage(light + 2 * (long long)i);
    if (cover == 0) return;
    const int bin = (int)(4.0f * log2f((float)cover));
    atomicAdd(bins + (bin < BINS ? bin : BINS - 1), 1u);
}

// The mean color of what covers a pixel: channel 0 is red.
static __device__ float mean(const light_t *pixel, int channel)
{
    const light_t word = pixel[channel / 2];
    const unsigned int sum = channel % 2 ? (unsigned int)(word >> 32) : (unsigned int)word;
    const unsigned int cover = coverage(pixel);
    return (float)sum / (float)(cover > 0 ? cover : 1);
}

static __device__ float blend(float under, float over, float alpha)
{
    return under + alpha * (over - under);
}

// Background, edges by the logarithm of their density (so that one alone is seen beside where thousands cross), the
// shade around nodes, nodes: to 8 bits a channel.
extern "C" __global__ void develop(int pixels, const light_t *edges, const light_t *nodes,
                                   const unsigned int *rim, uchar4 *out, float range, float red,
                                   float green, float blue)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= pixels) return;
    const light_t *edge = edges + 2 * (long long)i, *node = nodes + 2 * (long long)i;
    const float density = fminf(range * logf(1.0f + (float)coverage(edge) / ONE), 1.0f);
    const float shade = 0.75f * (float)rim[i] / FULL, disc = fminf((float)coverage(node) / FULL, 1.0f);
    float value[3];
    const float under[3] = {red, green, blue};
    for (int c = 0; c < 3; c++) {
        const float lines = blend(under[c], mean(edge, c), density);
        value[c] = blend(blend(lines, under[c], shade), mean(node, c), disc);
        value[c] = fminf(fmaxf(value[c], 0.0f), 1.0f) * 255.0f + 0.5f;
    }
    out[i].x = (unsigned char)value[0];
    out[i].y = (unsigned char)value[1];
    out[i].z = (unsigned char)value[2];
    out[i].w = 255;
}
