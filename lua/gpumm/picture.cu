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

// Positions become pixels: scaled, y upwards, and held inside the frame.
extern "C" __global__ void project(int n, const float2 *position, float2 *point, float scale, float left,
                                   float top, float border, float right, float bottom)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    point[i].x = fminf(fmaxf(left + scale * position[i].x, border), right);
    point[i].y = fminf(fmaxf(top - scale * position[i].y, border), bottom);
}

// How many pixels the edges take in all: sums over every threads-th, the shorter ones apart.
extern "C" __global__ void extents(int threads, int m, const uint2 *ends, const float2 *point, float short_one,
                                   double *out)
{
    int t = blockIdx.x * blockDim.x + threadIdx.x;
    if (t >= threads) return;
    double sum = 0.0;
    for (int e = t; e < m; e += threads) {
        const float2 a = point[ends[e].x], b = point[ends[e].y];
        const float run = fmaxf(fabsf(b.x - a.x), fabsf(b.y - a.y));
        if (run > short_one) sum += run;
    }
    out[t] = sum;
}

static __device__ unsigned int mixed(unsigned int x)
{
    x = (x ^ x >> 16) * 0x7feb352du;
    x = (x ^ x >> 15) * 0x846ca68bu;
    return x ^ x >> 16;
}

// An anti-aliased line, a pixel wide. Long edges are fainter, for they say less and hide more. Where long ones are so
// many that nobody could follow one, only one pixel in `sparse` of theirs is drawn, and counts for all.
extern "C" __global__ void draw_edges(int m, const uint2 *ends, const float2 *point, const float4 *color,
                                      light_t *light, int width, int height, float reach, int sparse,
                                      float short_one)
{
    int e = blockIdx.x * blockDim.x + threadIdx.x;
    if (e >= m) return;
    const unsigned int from = ends[e].x, to = ends[e].y;
    float ax = point[from].x, ay = point[from].y, bx = point[to].x, by = point[to].y;
    float4 ca = color[from], cb = color[to];
    const float length = sqrtf((bx - ax) * (bx - ax) + (by - ay) * (by - ay));
    const float strength = 1.0f / (1.0f + length / reach) + 0.05f;
    const bool steep = fabsf(by - ay) > fabsf(bx - ax);
    if (steep) { float t = ax; ax = ay; ay = t; t = bx; bx = by; by = t; }
    if (ax > bx) { float t = ax; ax = bx; bx = t; t = ay; ay = by; by = t; float4 c = ca; ca = cb; cb = c; }
    const float run = bx - ax;
    if (run < 1e-3f) return; // both ends in one spot: the nodes cover it
    const float slope = (by - ay) / run, cover = strength * length / run;
    const int stride = run > short_one ? sparse : 1;
    for (int first = (int)ax; first <= (int)bx; first += stride) {
        const int x = stride > 1 ? first + (int)(mixed((unsigned int)e * 0x9e3779b1u + first) % stride) : first;
        if (x > (int)bx) break;
        const float start = fmaxf((float)x, ax), stop = fminf((float)(x + 1), bx);
        const float middle = 0.5f * (start + stop), along = (middle - ax) / run;
        const float y = ay + slope * (middle - ax) - 0.5f, low = floorf(y), high = y - low;
        const float part = cover * (stop - start) * stride;
        float4 c;
        c.x = ca.x + along * (cb.x - ca.x);
        c.y = ca.y + along * (cb.y - ca.y);
        c.z = ca.z + along * (cb.z - ca.z);
        c.w = 1.0f;
        const int row = (int)low;
        splat(light, width, height, steep ? row : x, steep ? x : row, part * (1.0f - high), c);
        splat(light, width, height, steep ? row + 1 : x, steep ? x : row + 1, part * high, c);
    }
}

// A disc with a smooth rim, and in `rim` a slightly larger one, which sets nodes off from the edges.
extern "C" __global__ void draw_nodes(int n, const float2 *point, const float *radius, const float4 *color,
                                      light_t *light, unsigned int *rim, int width, int height, float ring)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    const float px = point[i].x, py = point[i].y, r = radius[i];
    const int reach = (int)(r + ring + 1.5f);
    for (int y = (int)py - reach; y <= (int)py + reach; y++) {
        for (int x = (int)px - reach; x <= (int)px + reach; x++) {
            const float dx = x + 0.5f - px, dy = y + 0.5f - py, away = sqrtf(dx * dx + dy * dy);
            splat(light, width, height, x, y, fminf(fmaxf(r + 0.5f - away, 0.0f), 1.0f), color[i]);
            const int shade = (int)(fminf(fmaxf(r + ring + 0.5f - away, 0.0f), 1.0f) * FULL);
            if (x < 0 || y < 0 || x >= width || y >= height || shade <= 0) continue;
            atomicMax(rim + (long long)y * width + x, (unsigned int)shade);
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
