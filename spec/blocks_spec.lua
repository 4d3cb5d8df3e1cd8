-- successes: 34
-- SPDX-License-Identifier: MIT
-- Blocks are blocks on every device: what CUDA programs do with shared memory, barriers, warps and groups, against plain
-- references; geometry, and what is wrong with one.

local spec = require "gpumm.spec"
local support = require "spec.support"
local raises, fails, buffer = support.raises, support.fails, support.buffer

after_each(spec.close)

-- Numbers that look random and are the same everywhere.
local function numbers(n, most, seed)
    local list, x = {}, seed or 12345
    for i = 1, n do
        x = (x * 1103515245 + 12345) % 2147483648
        list[i] = (x >> 8) % most
    end
    return list
end

local function kernel(m, options)
    if type(options) == "string" then options = { source = options } end
    return assert(m:kernel(options))
end

local function made(m, type, n)
    local b = assert(m:buffer { type = type, length = n })
    b:fill(0)
    return b
end

local function sums_of(list, size)
    local sums = {}
    for i, v in ipairs(list) do
        local block = (i - 1) // size + 1
        sums[block] = (sums[block] or 0) + v
    end
    return sums
end

-- In rows of w: at(x, y), from 0, the edges' neighbours by `outside`.
local function grid_of(list, w, h, outside)
    return function(x, y)
        if x < 0 or y < 0 or x >= w or y >= h then return outside end
        return list[y * w + x + 1]
    end
end

describe("shared memory and barriers", function()
    it("multiply matrices in tiles", function()
        local m, n = spec.manager(), 48
        local multiply = kernel(m, [==[
            extern "C" __global__ void multiply(int n, const float *a, const float *b, float *c) {
                __shared__ float ta[16][16];
                __shared__ float tb[16][17];
                int x = blockIdx.x * 16 + threadIdx.x, y = blockIdx.y * 16 + threadIdx.y;
                float sum = 0;
                for (int tile = 0; tile < n; tile += 16) {
                    ta[threadIdx.y][threadIdx.x] = a[y * n + tile + threadIdx.x];
                    tb[threadIdx.y][threadIdx.x] = b[(tile + threadIdx.y) * n + x];
                    __syncthreads();
                    for (int k = 0; k < 16; k++) sum += ta[threadIdx.y][k] * tb[k][threadIdx.x];
                    __syncthreads();
                }
                c[y * n + x] = sum;
            }]==])
        local a, b, c = numbers(n * n, 9, 1), numbers(n * n, 9, 2), made(m, "f32", n * n)
        assert(multiply({ n = n, a = buffer(m, "f32", a), b = buffer(m, "f32", b), c = c },
            { grid = { 3, 3 }, block = { 16, 16 } }))
        local expected = {}
        for y = 0, n - 1 do
            for x = 0, n - 1 do
                local sum = 0
                for k = 0, n - 1 do sum = sum + a[y * n + k + 1] * b[k * n + x + 1] end
                expected[y * n + x + 1] = sum
            end
        end
        assert.view_equals(expected, c:download())
    end)

    it("reduce by a tree", function()
        local m, n = spec.manager(), 1000
        local total = kernel(m, { block = 256, source = [==[
            extern "C" __global__ void total(int n, const int *v, int *sums) {
                __shared__ int part[256];
                int i = blockIdx.x * blockDim.x + threadIdx.x, t = threadIdx.x;
                part[t] = i < n ? v[i] : 0;
                __syncthreads();
                for (int half = blockDim.x / 2; half > 0; half /= 2) {
                    if (t < half) part[t] += part[t + half];
                    __syncthreads();
                }
                if (t == 0) sums[blockIdx.x] = part[0];
            }]==] })
        local v, sums = numbers(n, 1000), made(m, "i32", 4)
        assert(total(n, buffer(m, "i32", v), sums))
        assert.view_equals(sums_of(v, 256), sums:download())
    end)

    it("sort a block by a bitonic network", function()
        local m, n = spec.manager(), 512
        local sort = kernel(m, { block = n, source = [==[
            extern "C" __global__ void bitonic(int n, unsigned *v) {
                extern __shared__ unsigned key[];
                unsigned t = threadIdx.x;
                key[t] = v[t];
                __syncthreads();
                for (unsigned k = 2; k <= blockDim.x; k *= 2)
                    for (unsigned j = k / 2; j > 0; j /= 2) {
                        unsigned other = t ^ j;
                        if (other > t) {
                            bool up = (t & k) == 0;
                            if ((key[t] > key[other]) == up) {
                                unsigned kept = key[t];
                                key[t] = key[other];
                                key[other] = kept;
                            }
                        }
                        __syncthreads();
                    }
                v[t] = key[t];
            }]==], shared_bytes = 4 * n })
        local v = numbers(n, 100000)
        local b = buffer(m, "u32", v)
        assert(sort(n, b))
        table.sort(v)
        assert.view_equals(v, b:download())
    end)

    it("make a stencil with halo cells", function()
        local m, n = spec.manager(), 700
        local stencil = kernel(m, { block = 128, source = [==[
            enum { RADIUS = 3 };
            extern "C" __global__ void stencil(int n, const int *in, int *out) {
                __shared__ int cell[128 + 2 * RADIUS];
                int i = blockIdx.x * blockDim.x + threadIdx.x, t = threadIdx.x + RADIUS;
                cell[t] = i < n ? in[i] : 0;
                if (threadIdx.x < RADIUS) {
                    cell[t - RADIUS] = i >= RADIUS ? in[i - RADIUS] : 0;
                    cell[t + 128] = i + 128 < n ? in[i + 128] : 0;
                }
                __syncthreads();
                int sum = 0;
                for (int d = -RADIUS; d <= RADIUS; d++) sum += cell[t + d];
                if (i < n) out[i] = sum;
            }]==] })
        local v, out, expected = numbers(n, 100), made(m, "i32", n), {}
        for i = 1, n do
            expected[i] = 0
            for d = -3, 3 do expected[i] = expected[i] + (v[i + d] or 0) end
        end
        assert(stencil(n, buffer(m, "i32", v), out))
        assert.view_equals(expected, out:download())
    end)

    it("count a histogram", function()
        local m, n = spec.manager(), 5000
        local histogram = kernel(m, { block = 192, source = [==[
            extern "C" __global__ void histogram(int n, const unsigned char *v, unsigned *bins) {
                __shared__ unsigned mine[64];
                for (int b = threadIdx.x; b < 64; b += blockDim.x) mine[b] = 0;
                __syncthreads();
                int i = blockIdx.x * blockDim.x + threadIdx.x;
                if (i < n) atomicAdd(&mine[v[i]], 1u);
                __syncthreads();
                for (int b = threadIdx.x; b < 64; b += blockDim.x) atomicAdd(&bins[b], mine[b]);
            }]==] })
        local v, bins, expected = numbers(n, 64), made(m, "u32", 64), {}
        for i = 1, 64 do expected[i] = 0 end
        for _, x in ipairs(v) do expected[x + 1] = expected[x + 1] + 1 end
        assert(histogram(n, buffer(m, "u8", v), bins))
        assert.view_equals(expected, bins:download())
    end)

    it("convolve in two dimensions", function()
        local m, w, h = spec.manager(), 37, 29
        local convolve = kernel(m, [==[
            __constant__ int weight[9] = { 1, 2, 1, 2, 4, 2, 1, 2, 1 };
            extern "C" __global__ void convolve(int w, int h, const int *in, int *out) {
                __shared__ int tile[10][18];
                int x0 = blockIdx.x * blockDim.x - 1, y0 = blockIdx.y * blockDim.y - 1;
                for (int y = threadIdx.y; y < 10; y += blockDim.y)
                    for (int x = threadIdx.x; x < 18; x += blockDim.x) {
                        int gx = x0 + x, gy = y0 + y;
                        tile[y][x] = gx >= 0 && gy >= 0 && gx < w && gy < h ? in[gy * w + gx] : 0;
                    }
                __syncthreads();
                int x = x0 + 1 + threadIdx.x, y = y0 + 1 + threadIdx.y, sum = 0;
                if (x >= w || y >= h) return;
                for (int j = 0; j < 3; j++)
                    for (int i = 0; i < 3; i++) sum += weight[3 * j + i] * tile[threadIdx.y + j][threadIdx.x + i];
                out[y * w + x] = sum;
            }]==])
        local v, out, expected = numbers(w * h, 50), made(m, "i32", w * h), {}
        local at, weight = grid_of(v, w, h, 0), { 1, 2, 1, 2, 4, 2, 1, 2, 1 }
        for y = 0, h - 1 do
            for x = 0, w - 1 do
                local sum = 0
                for j = 0, 2 do
                    for i = 0, 2 do sum = sum + weight[3 * j + i + 1] * at(x + i - 1, y + j - 1) end
                end
                expected[y * w + x + 1] = sum
            end
        end
        assert(convolve({ w = w, h = h, ["in"] = buffer(m, "i32", v), out = out },
            { grid = { 3, 4 }, block = { 16, 8 } }))
        assert.view_equals(expected, out:download())
    end)

    it("transpose by tiles", function()
        local m, w, h = spec.manager(), 70, 45
        local transpose = kernel(m, { block = { 32, 8 }, grid = { 3, 2 }, source = [==[
            extern "C" __global__ void transpose(int w, int h, const float *in, float *out) {
                __shared__ float tile[32][33];
                int x = blockIdx.x * 32 + threadIdx.x, y = blockIdx.y * 32 + threadIdx.y;
                for (int j = 0; j < 32; j += 8)
                    if (x < w && y + j < h) tile[threadIdx.y + j][threadIdx.x] = in[(y + j) * w + x];
                __syncthreads();
                x = blockIdx.y * 32 + threadIdx.x, y = blockIdx.x * 32 + threadIdx.y;
                for (int j = 0; j < 32; j += 8)
                    if (x < h && y + j < w) out[(y + j) * h + x] = tile[threadIdx.x][threadIdx.y + j];
            }]==] })
        local v, out, expected = support.count(w * h), made(m, "f32", w * h), {}
        for y = 0, h - 1 do
            for x = 0, w - 1 do expected[x * h + y + 1] = v[y * w + x + 1] end
        end
        assert(transpose(w, h, buffer(m, "f32", v), out))
        assert.view_equals(expected, out:download())
    end)

    it("sum forces of bodies, tile by tile", function()
        local m, n = spec.manager(), 300
        local forces = kernel(m, { block = 64, source = [==[
            __device__ float pull(float4 a, float4 b) { return b.w * (b.x - a.x); }
            extern "C" __global__ void forces(int n, const float4 *body, float *force) {
                __shared__ float4 tile[64];
                int i = blockIdx.x * blockDim.x + threadIdx.x;
                float4 mine = i < n ? body[i] : make_float4(0, 0, 0, 0);
                float sum = 0;
                for (int base = 0; base < n; base += 64) {
                    int j = base + threadIdx.x;
                    tile[threadIdx.x] = j < n ? body[j] : make_float4(0, 0, 0, 0);
                    __syncthreads();
                    for (int k = 0; k < 64; k++) sum += pull(mine, tile[k]);
                    __syncthreads();
                }
                if (i < n) force[i] = sum;
            }]==] })
        local x, mass, bodies = numbers(n, 20, 3), numbers(n, 4, 4), {}
        for i = 1, n do bodies[i] = { x[i], 0, 0, mass[i] } end
        local force, expected = made(m, "f32", n), {}
        for i = 1, n do
            expected[i] = 0
            for j = 1, n do expected[i] = expected[i] + mass[j] * (x[j] - x[i]) end
        end
        assert(forces(n, buffer(m, "f32x4", bodies), force))
        assert.view_equals(expected, force:download())
    end)

    it("scan a block, by Hillis and Steele", function()
        local m, n = spec.manager(), 256
        local scan = kernel(m, { block = n, source = [==[
            extern "C" __global__ void scan(int n, int *v) {
                __shared__ int part[2][256];
                int t = threadIdx.x, from = 0;
                part[0][t] = v[t];
                __syncthreads();
                for (int by = 1; by < blockDim.x; by *= 2) {
                    part[1 - from][t] = part[from][t] + (t >= by ? part[from][t - by] : 0);
                    from = 1 - from;
                    __syncthreads();
                }
                v[t] = part[from][t];
            }]==] })
        local v, expected = numbers(n, 100), {}
        for i = 1, n do expected[i] = (expected[i - 1] or 0) + v[i] end
        local b = buffer(m, "i32", v)
        assert(scan(n, b))
        assert.view_equals(expected, b:download())
    end)

    it("sort by exchanging odd and even neighbours until nobody did", function()
        local m, n = spec.manager(), 100
        local sort = kernel(m, { block = n, source = [==[
            __shared__ int key[100];
            __device__ void place(int n, int t, int first, int *changed) {
                int a = 2 * t + first;
                if (a + 1 < n && key[a] > key[a + 1]) {
                    int kept = key[a];
                    key[a] = key[a + 1];
                    key[a + 1] = kept;
                    *changed = 1;
                }
            }
            extern "C" __global__ void odd_even(int n, int *v, int *rounds) {
                int t = threadIdx.x, count = 0, changed;
                key[t] = v[t];
                __syncthreads();
                do {
                    changed = 0;
                    place(n, t, 0, &changed);
                    __syncthreads();
                    place(n, t, 1, &changed);
                    count++;
                } while (__syncthreads_or(changed));
                v[t] = key[t];
                if (t == 0) *rounds = count;
            }]==] })
        local v = numbers(n, 1000)
        local b, rounds = buffer(m, "i32", v), made(m, "i32", 1)
        assert(sort(n, b, rounds))
        table.sort(v)
        assert.view_equals(v, b:download())
        assert.is_true(rounds:download()[1] > 1)
    end)

    it("play the game of life for some generations in one block", function()
        local m, w = spec.manager(), 24
        local life = kernel(m, [==[
            extern "C" __global__ void life(int rounds, unsigned char *cells) {
                __shared__ unsigned char a[24][24];
                int x = threadIdx.x, y = threadIdx.y;
                a[y][x] = cells[y * 24 + x];
                for (int r = 0; r < rounds; r++) {
                    __syncthreads();
                    int near = 0;
                    for (int j = 23; j <= 25; j++)
                        for (int i = 23; i <= 25; i++) near += a[(y + j) % 24][(x + i) % 24];
                    near -= a[y][x];
                    bool lives = near == 3 || (near == 2 && a[y][x]);
                    __syncthreads();
                    a[y][x] = lives;
                }
                cells[y * 24 + x] = a[y][x];
            }]==])
        local cells = numbers(w * w, 2)
        local b = buffer(m, "u8", cells)
        assert(life({ rounds = 5, cells = b }, { grid = 1, block = { w, w } }))
        for _ = 1, 5 do
            local after = {}
            for y = 0, w - 1 do
                for x = 0, w - 1 do
                    local near = 0
                    for j = -1, 1 do
                        for i = -1, 1 do near = near + cells[(y + j) % w * w + (x + i) % w + 1] end
                    end
                    local alive = cells[y * w + x + 1]
                    near = near - alive
                    after[y * w + x + 1] = (near == 3 or (near == 2 and alive == 1)) and 1 or 0
                end
            end
            cells = after
        end
        assert.view_equals(cells, b:download())
    end)

    it("make a stencil in three dimensions", function()
        local m, w = spec.manager(), 11
        local stencil = kernel(m, [==[
            extern "C" __global__ void stencil(int w, const int *in, int *out) {
                __shared__ int tile[6][6][6];
                const dim3 at = threadIdx;
                int x = blockIdx.x * 4 + at.x - 1, y = blockIdx.y * 4 + at.y - 1, z = blockIdx.z * 4 + at.z - 1;
                bool inside = x >= 0 && y >= 0 && z >= 0 && x < w && y < w && z < w;
                tile[at.z][at.y][at.x] = inside ? in[(z * w + y) * w + x] : 0;
                __syncthreads();
                bool halo = at.x % 5 == 0 || at.y % 5 == 0 || at.z % 5 == 0;
                if (!inside || halo) return;
                out[(z * w + y) * w + x] = tile[at.z][at.y][at.x - 1] + tile[at.z][at.y][at.x + 1] +
                    tile[at.z][at.y - 1][at.x] + tile[at.z][at.y + 1][at.x] + tile[at.z - 1][at.y][at.x] +
                    tile[at.z + 1][at.y][at.x] - 6 * tile[at.z][at.y][at.x];
            }]==])
        local v, out, expected = numbers(w ^ 3 // 1 | 0, 100), made(m, "i32", w * w * w), {}
        local function at(x, y, z)
            if math.min(x, y, z) < 0 or math.max(x, y, z) >= w then return 0 end
            return v[(z * w + y) * w + x + 1]
        end
        for z = 0, w - 1 do
            for y = 0, w - 1 do
                for x = 0, w - 1 do
                    expected[#expected + 1] = at(x - 1, y, z) + at(x + 1, y, z) + at(x, y - 1, z) + at(x, y + 1, z)
                        + at(x, y, z - 1) + at(x, y, z + 1) - 6 * at(x, y, z)
                end
            end
        end
        assert(stencil({ w = w, ["in"] = buffer(m, "i32", v), out = out }, { grid = { 3, 3, 3 }, block = { 6, 6, 6 } }))
        assert.view_equals(expected, out:download())
    end)

    it("pass data from half of a block to the other through two buffers", function()
        local m, n = spec.manager(), 640
        local pass = kernel(m, { block = 128, source = [==[
            extern "C" __global__ void pass(int rounds, const int *in, int *out) {
                __shared__ int slot[2][64];
                int t = threadIdx.x % 64;
                bool makes = threadIdx.x < 64;
                if (makes) slot[0][t] = in[t] * 3;
                for (int r = 0; r < rounds; r++) {
                    __syncthreads();
                    if (makes && r + 1 < rounds) slot[(r + 1) % 2][t] = in[(r + 1) * 64 + t] * 3;
                    if (!makes) out[r * 64 + t] = slot[r % 2][63 - t] + 1;
                }
            }]==] })
        local v, out, expected = numbers(n, 1000), made(m, "i32", n), {}
        for i = 0, n - 1 do expected[i + 1] = v[i // 64 * 64 + 63 - i % 64 + 1] * 3 + 1 end
        assert(pass({ rounds = n // 64, ["in"] = buffer(m, "i32", v), out = out }, { threads = 128 }))
        assert.view_equals(expected, out:download())
    end)

    it("rank a block's digits, stably", function()
        local m, n = spec.manager(), 256
        local rank = kernel(m, { block = n, source = [==[
            extern "C" __global__ void rank(int n, const unsigned *keys, unsigned *sorted) {
                __shared__ unsigned a[256], b[256], zeros;
                unsigned t = threadIdx.x;
                a[t] = keys[t];
                for (int bit = 0; bit < 8; bit++) {
                    if (t == 0) zeros = 0;
                    __syncthreads();
                    unsigned key = a[t], one = key >> bit & 1, before = 0;
                    for (unsigned i = 0; i < t; i++) before += a[i] >> bit & 1;
                    if (!one) atomicAdd(&zeros, 1u);
                    __syncthreads();
                    b[one ? zeros + before : t - before] = key;
                    __syncthreads();
                    a[t] = b[t];
                }
                sorted[t] = a[t];
            }]==] })
        local v, sorted = numbers(n, 256), made(m, "u32", n)
        assert(rank(n, buffer(m, "u32", v), sorted))
        table.sort(v)
        assert.view_equals(v, sorted:download())
    end)

    it("do not wait for threads that have returned, and count those that are there", function()
        local m = spec.manager()
        local early = kernel(m, { block = 96, source = [==[
            extern "C" __global__ void early(int n, int *out) {
                __shared__ int part[96];
                int t = threadIdx.x;
                if (t >= 70) return;
                part[t] = t;
                int odd = __syncthreads_count(t % 2), all = __syncthreads_and(t < 70), none = __syncthreads_or(t > 70);
                if (t == 0) { out[0] = odd; out[1] = all != 0; out[2] = none != 0; out[3] = part[69]; }
            }]==] })
        local out = made(m, "i32", 4)
        assert(early(96, out))
        assert.view_equals({ 35, 1, 0, 69 }, out:download())
    end)
end)

describe("a warp", function()
    it("scans by shuffles, and its block by its warps", function()
        local m, n = spec.manager(), 1024
        local scan = kernel(m, { block = n, source = [==[
            __device__ int warp_scan(int v) {
                for (int by = 1; by < 32; by *= 2) {
                    int other = __shfl_up_sync(0xffffffffu, v, by);
                    if (threadIdx.x % 32 >= by) v += other;
                }
                return v;
            }
            extern "C" __global__ void scan(int n, int *v) {
                __shared__ int total[32];
                int t = threadIdx.x, sum = warp_scan(v[t]);
                if (t % 32 == 31) total[t / 32] = sum;
                __syncthreads();
                if (t < 32) total[t] = warp_scan(total[t]);
                __syncthreads();
                v[t] = sum + (t >= 32 ? total[t / 32 - 1] : 0);
            }]==] })
        local v, expected = numbers(n, 100), {}
        for i = 1, n do expected[i] = (expected[i - 1] or 0) + v[i] end
        local b = buffer(m, "i32", v)
        assert(scan(n, b))
        assert.view_equals(expected, b:download())
    end)

    it("adds up a dot product", function()
        local m, n = spec.manager(), 3000
        local dot = kernel(m, { block = 128, source = [==[
            extern "C" __global__ void dot(int n, const float *a, const float *b, float *sum) {
                float v = 0;
                for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) v += a[i] * b[i];
                for (int half = 16; half > 0; half /= 2) v += __shfl_xor_sync(~0u, v, half);
                __shared__ float part[4];
                if (threadIdx.x % 32 == 0) part[threadIdx.x / 32] = v;
                __syncthreads();
                if (threadIdx.x == 0) atomicAdd(sum, part[0] + part[1] + part[2] + part[3]);
            }]==] })
        local a, b, sum, expected = numbers(n, 10, 5), numbers(n, 10, 6), made(m, "f32", 1), 0
        for i = 1, n do expected = expected + a[i] * b[i] end
        assert(dot({ n = n, a = buffer(m, "f32", a), b = buffer(m, "f32", b), sum = sum }, { grid = 5 }))
        assert.view_equals({ expected }, sum:download())
    end)

    it("multiplies a matrix's row with a vector", function()
        local m, w, h = spec.manager(), 77, 13
        local multiply = kernel(m, [==[
            extern "C" __global__ void multiply(int w, int h, const int *a, const int *x, int *y) {
                int row = blockIdx.x * blockDim.y + threadIdx.y, sum = 0;
                if (row >= h) return;
                for (int i = threadIdx.x; i < w; i += 32) sum += a[row * w + i] * x[i];
                for (int by = 16; by; by /= 2) sum += __shfl_down_sync(0xffffffffu, sum, by);
                if (threadIdx.x == 0) y[row] = sum;
            }]==])
        local a, x, y, expected = numbers(w * h, 10, 7), numbers(w, 10, 8), made(m, "i32", h), {}
        for r = 1, h do
            expected[r] = 0
            for i = 1, w do expected[r] = expected[r] + a[(r - 1) * w + i] * x[i] end
        end
        assert(multiply({ w = w, h = h, a = buffer(m, "i32", a), x = buffer(m, "i32", x), y = y },
            { grid = 4, block = { 32, 4 } }))
        assert.view_equals(expected, y:download())
    end)

    it("compacts what it keeps by ballots", function()
        local m, n = spec.manager(), 64
        local compact = kernel(m, { block = n, source = [==[
            extern "C" __global__ void compact(int n, const int *v, int *out, int *count) {
                __shared__ int kept[2];
                int t = threadIdx.x, lane = t & 31;
                bool keep = v[t] % 3 == 0;
                unsigned mask = __ballot_sync(0xffffffffu, keep);
                if (lane == 0) kept[t / 32] = __popc(mask);
                __syncthreads();
                int at = (t >= 32 ? kept[0] : 0) + __popc(mask & ((1u << lane) - 1));
                if (keep) out[at] = v[t];
                if (t == 0) *count = kept[0] + kept[1];
            }]==] })
        local v, out, count, expected = numbers(n, 100), made(m, "i32", n), made(m, "i32", 1), {}
        for _, x in ipairs(v) do if x % 3 == 0 then expected[#expected + 1] = x end end
        assert(compact(n, buffer(m, "i32", v), out, count))
        assert.view_equals({ #expected }, count:download())
        assert.view_equals(expected, out:download { count = #expected })
    end)

    it("adds up by key among lanes that match", function()
        local m, n = spec.manager(), 320
        local add = kernel(m, { block = 64, source = [==[
            extern "C" __global__ void add(int n, const unsigned *key, unsigned long long *count, unsigned *calls) {
                int i = blockIdx.x * blockDim.x + threadIdx.x;
                unsigned same = __match_any_sync(__activemask(), key[i]);
                if (__ffs(same) - 1 == (int)(threadIdx.x % 32)) {
                    atomicAdd(&count[key[i]], (unsigned long long)__popc(same));
                    atomicAdd(calls, 1u);
                }
                int all;
                if (__match_all_sync(0xffffffffu, i / 32, &all) != 0xffffffffu || !all) count[0] = 99;
                if (__match_all_sync(0xffffffffu, i % 31, &all) != 0 || all) count[0] = 98;
            }]==] })
        local key, count, calls, expected = numbers(n, 5), made(m, "u64", 5), made(m, "u32", 1), { 0, 0, 0, 0, 0 }
        for _, k in ipairs(key) do expected[k + 1] = expected[k + 1] + 1 end
        assert(add(n, buffer(m, "u32", key), count, calls))
        assert.view_equals(expected, count:download())
        assert.is_true(calls:download()[1] <= 50)
    end)

    it("has every form of shuffle, vote and reduction, also for part of it and 64 bits", function()
        local m = spec.manager()
        local forms = kernel(m, { block = 32, source = [==[
            extern "C" __global__ void forms(int n, int *out, double *wide) {
                int t = threadIdx.x, *o = out + t * 12;
                o[0] = __shfl_sync(~0u, t * 10, 5);
                o[1] = __shfl_sync(~0u, t * 10, 9, 8);
                o[2] = __shfl_up_sync(~0u, t, 3, 16);
                o[3] = __shfl_down_sync(~0u, t, 3, 16);
                o[4] = __shfl_xor_sync(~0u, t, 5, 8);
                o[5] = __any_sync(~0u, t == 31) * 2 + __all_sync(~0u, t < 31);
                if (t < 16) {
                    o[6] = __popc(__ballot_sync(0xffffu, t & 1));
                    __syncwarp(0xffffu);
                    o[7] = __shfl_sync(0xffffu, t, 15 - t);
                } else {
                    o[6] = __popc(__ballot_sync(0xffff0000u, t > 17));
                    o[7] = __shfl_sync(0xffff0000u, t, 16);
                }
                wide[t] = __shfl_down_sync(~0u, t + 0.25, 1) + (double)__shfl_sync(~0u, (1ll << 40) + t, 2);
                o[8] = t & 2 ? -t : t;
                o[9] = o[10] = o[11] = 0;
            #if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 800
                o[9] = __reduce_add_sync(~0u, t);
                o[10] = __reduce_max_sync(~0u, t - 40) * 100 + __reduce_min_sync(~0u, t - 4);
                o[11] = (int)(__reduce_or_sync(~0u, 1u << t % 4) * 100 + __reduce_and_sync(~0u, t | 8u) * 10 +
                              __reduce_xor_sync(~0u, t == 3 ? 7u : 0u));
            #endif
            }]==] })
        local out, wide, expected, doubles = made(m, "i32", 32 * 12), made(m, "f64", 32), {}, {}
        for t = 0, 31 do
            local low = t % 8 ~ 5
            for _, v in ipairs {
                50, (t // 8 * 8 + 1) * 10, t % 16 < 3 and t or t - 3, t % 16 > 12 and t or t + 3, t // 8 * 8 + low, 2,
                t < 16 and 8 or 14, t < 16 and 15 - t or 16, t & 2 ~= 0 and -t or t, 496, -904, 1587,
            } do expected[#expected + 1] = v end
            doubles[t + 1] = math.min(t + 1, 31) + 0.25 + (1 << 40) + 2
        end
        assert(forms(32, out, wide))
        assert.view_equals(expected, out:download())
        assert.view_equals(doubles, wide:download())
    end)
end)

describe("cooperative groups", function()
    it("reduce in tiles of a block", function()
        local m, n = spec.manager(), 512
        local reduce = kernel(m, { block = 128, source = [==[
            #include <cooperative_groups.h>
            #include <cooperative_groups/reduce.h>
            namespace cg = cooperative_groups;
            extern "C" __global__ void reduce(int n, const int *v, int *sums, int *most) {
                auto block = cg::this_thread_block();
                auto tile = cg::tiled_partition<16>(block);
                __shared__ int part[8];
                int x = v[blockIdx.x * block.size() + block.thread_rank()];
                int sum = x;
                for (int by = tile.size() / 2; by > 0; by /= 2) sum += tile.shfl_down(sum, by);
                if (tile.thread_rank() == 0) part[tile.meta_group_rank()] = sum;
                block.sync();
                if (block.thread_rank() < tile.meta_group_size())
                    sums[blockIdx.x * 8 + block.thread_rank()] = part[block.thread_rank()];
                int top = cg::reduce(tile, x, cg::greater<int>());
                if (tile.thread_rank() == 3) most[blockIdx.x * 8 + tile.meta_group_rank()] = top;
            }]==] })
        local v, sums, most, expected = numbers(n, 1000), made(m, "i32", 32), made(m, "i32", 32), {}
        for i, x in ipairs(v) do
            local tile = (i - 1) // 16 + 1
            expected[tile] = math.max(expected[tile] or 0, x)
        end
        assert(reduce(n, buffer(m, "i32", v), sums, most))
        assert.view_equals(sums_of(v, 16), sums:download())
        assert.view_equals(expected, most:download())
    end)

    it("gather the threads that came the same way", function()
        local m, n = spec.manager(), 200
        local gather = kernel(m, { block = 64, source = [==[
            #include <cooperative_groups.h>
            using namespace cooperative_groups;
            __device__ int add(int *at) {
                coalesced_group here = coalesced_threads();
                int first = 0;
                if (here.thread_rank() == 0) first = atomicAdd(at, (int)here.size());
                return here.shfl(first, 0) + here.thread_rank();
            }
            extern "C" __global__ void gather(int n, const int *v, int *count, int *kept) {
                int i = blockIdx.x * blockDim.x + threadIdx.x;
                if (i < n && v[i] % 2) kept[add(count)] = v[i];
            }]==] })
        local v, count, kept, expected = numbers(n, 1000), made(m, "i32", 1), made(m, "i32", n), {}
        for _, x in ipairs(v) do if x % 2 == 1 then expected[#expected + 1] = x end end
        assert(gather(n, buffer(m, "i32", v), count, kept))
        assert.view_equals({ #expected }, count:download())
        local got = kept:download { count = #expected }:totable()
        table.sort(got)
        table.sort(expected)
        assert.same(expected, got)
    end)

    it("scan, vote and exchange within tiles and tiles of tiles", function()
        local m = spec.manager()
        local forms = kernel(m, { block = 64, source = [==[
            #include <cooperative_groups.h>
            #include <cooperative_groups/scan.h>
            namespace cg = cooperative_groups;
            extern "C" __global__ void forms(int n, int *out) {
                cg::thread_block block = cg::this_thread_block();
                cg::thread_block_tile<32> warp = cg::tiled_partition<32>(block);
                auto four = cg::tiled_partition<4>(warp);
                int t = block.thread_rank(), *o = out + (blockIdx.x * 64 + t) * 7;
                o[0] = cg::inclusive_scan(warp, t);
                o[1] = cg::exclusive_scan(four, 1);
                o[2] = four.shfl_xor(t, 1) + four.shfl(t, 3) * 100;
                o[3] = four.any(t % 32 == 9) * 10 + four.all(t % 4 < 4);
                o[4] = warp.ballot(t % 32 < 5);
                o[5] = four.meta_group_rank() * 100 + four.meta_group_size();
                o[6] = (int)cg::this_grid().thread_rank();
                cg::sync(warp);
            }]==] })
        local out, expected = made(m, "i32", 128 * 7), {}
        for i = 0, 127 do
            local t, warp = i % 64, i % 64 // 32 * 32
            local sum = 0
            for k = warp, t do sum = sum + k end
            for _, v in ipairs {
                sum, t % 4, (t ~ 1) + (t // 4 * 4 + 3) * 100, t % 32 // 4 == 2 and 11 or 1, 31, t % 32 // 4 * 100 + 8, i,
            } do expected[#expected + 1] = v end
        end
        assert(forms({ n = 128, out = out }, { grid = 2 }))
        assert.view_equals(expected, out:download())
    end)
end)

describe("what a kernel needs", function()
    local REVERSE = "__shared__ int s[64]; s[threadIdx.x] = threadIdx.x; __syncthreads(); out[threadIdx.x] = s[63 - threadIdx.x];"
    local K = 'extern "C" __global__ void '

    local function each(sources)
        local m, all, names = spec.manager(), {}, {}
        for i, source in ipairs(sources) do
            names[i] = "f" .. i
            source = source:gsub("%f[%w]f%(int", "f" .. i .. "(int"):gsub("%f[%w]s%f[^%w]", "s" .. i)
            all[i] = "namespace n" .. i .. " {\n" .. source .. "\n}"
        end
        local reversed = {}
        for i = 1, 64 do reversed[i] = 64 - i end
        for _, name in ipairs(names) do
            local k = kernel(m, { source = table.concat(all, "\n"), name = name, block = 64, shared_bytes = 256 })
            local out = made(m, "i32", 64)
            assert(k(64, out))
            assert.view_equals(reversed, out:download())
        end
    end

    it("is found where its functions, types, operators and other names for them say so", function()
        local function reverse(source) return (source:gsub("REVERSE", REVERSE)) end
        each {
            reverse("template <class T, int N> __device__ void g(T *out) { REVERSE } " .. K
                .. "f(int n, int *out) { g<int, (3 > 2)>(out); }"),
            reverse("struct A { int *out; __device__ void go() const { REVERSE } }; " .. K
                .. "f(int n, int *out) { A{out}.go(); }"),
            reverse("struct A { __device__ void operator()(int *out) const { REVERSE } }; " .. K
                .. "f(int n, int *out) { A a; a(out); }"),
            reverse("struct A { int *out; }; __device__ int operator+(A a, int b) { int *out = a.out; REVERSE return b; } "
                .. K .. "f(int n, int *out) { A a{out}; a + 3; }"),
            reverse("struct A { int *out; }; __device__ bool operator<(A, int b) { return b; } "
                .. "__device__ int g(int *out) { REVERSE return 0; } " .. K .. "f(int n, int *out) { g(out); }"),
            reverse("struct A { int *out; __device__ void go(); }; __device__ void A::go() { REVERSE } " .. K
                .. "f(int n, int *out) { A a{out}; a.go(); }"),
            reverse("struct A { __device__ explicit A(int *out) { REVERSE } }; " .. K .. "f(int n, int *out) { A a(out); }"),
            reverse("template <class T> struct A { static __device__ void go(T *out) { REVERSE } }; typedef A<int> B; "
                .. "using C = B; " .. K .. "f(int n, int *out) { C::go(out); }"),
            reverse("namespace a { namespace b { __device__ void g(int *out) { REVERSE } } } namespace c = a::b; " .. K
                .. "f(int n, int *out) { c::g(out); }"),
            reverse(K .. "f(int n, int *out) { auto go = [&]() { REVERSE }; go(); }"),
            reverse("__device__ void g [[maybe_unused]] [[]] (int *out) { REVERSE } " .. K .. "f(int n, int *out) { g(out); }"),
            reverse("__device__ auto g(int *out) -> int { REVERSE return 1; } " .. K .. "f(int n, int *out) { g(out); }"),
            reverse("__device__ void g(float) {} __device__ void g(int *out) { REVERSE } " .. K
                .. "f(int n, int *out) { g(out); }"),
        }
    end)

    it("are dynamic arrays, however they are declared", function()
        local sources = {}
        for _, declared in ipairs {
            "extern __shared__ int s[];", "extern __shared__ __align__(16) int s[];",
            "extern __align__(16) __shared__ volatile int s[];", "alignas(16) extern __shared__ int s[];",
            "extern __shared__ unsigned char raw[]; int *s = (int *)raw;",
            "extern __shared__ int4 wide[]; int *s = (int *)wide;",
        } do
            local body = declared .. " s[threadIdx.x] = threadIdx.x; __syncthreads(); out[threadIdx.x] = s[63 - threadIdx.x];"
            sources[#sources + 1] = K .. "f(int n, int *out) { " .. body .. " }"
            sources[#sources + 1] = "template <class T> __device__ void g(T *out) { " .. body .. " } " .. K
                .. "f(int n, int *out) { g(out); }"
        end
        each(sources)
    end)
end)

describe("geometry", function()
    local PLACE = [==[
        extern "C" __global__ void place(int w, int h, unsigned *out) {
            int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
            if (x < w && y < h) out[y * w + x] = 1 + x + 100 * y;
        }]==]

    it("has rows and layers, of a launch or of the kernel, with whole blocks at the ends", function()
        local m = spec.manager()
        local place = kernel(m, { source = PLACE, block = { 4, 2 }, grid = { 2, 3 } })
        local expected = {}
        for y = 0, 4 do
            for x = 0, 6 do expected[#expected + 1] = 1 + x + 100 * y end
        end
        for _, where in ipairs { {}, { grid = { 7, 5 }, block = 1 }, { grid = { 1, 5, 1 }, block = { 8 } } } do
            local out = made(m, "u32", 35)
            assert(place({ w = 7, h = 5, out = out }, where))
            assert.view_equals(expected, out:download())
        end
        local all = kernel(m, [==[
            extern "C" __global__ void all(unsigned *count) {
                atomicAdd(&count[0], 1u);
                if (threadIdx.z + blockIdx.z * blockDim.z == 7) atomicAdd(&count[1], 1u);
                if (threadIdx.x == 0) count[2] = gridDim.x * 1000000 + gridDim.y * 100000 + gridDim.z * 10000 +
                                                 blockDim.x * 1000 + blockDim.y * 100 + blockDim.z * 10;
            }]==])
        local count = made(m, "u32", 3)
        assert(all({ count = count }, { grid = { 3, 2, 4 }, block = { 5, 3, 2 } }))
        assert.view_equals({ 3 * 2 * 4 * 30, 3 * 2 * 15, 3245320 }, count:download())
    end)

    it("of a kernel that looks at x alone repeats its rows", function()
        local m = spec.manager()
        local count = made(m, "u32", 8)
        local rows = kernel(m, [==[extern "C" __global__ void rows(unsigned *count) {
            atomicAdd(&count[blockIdx.x * blockDim.x + threadIdx.x], 1u); }]==])
        assert(rows({ count = count }, { grid = { 2, 3 }, block = { 4, 1, 2 } }))
        assert.view_equals({ 6, 6, 6, 6, 6, 6, 6, 6 }, count:download())
    end)

    it("of one dimension is an error for a kernel that uses more, by name, and none for its neighbours", function()
        local m = spec.manager()
        local out = made(m, "u32", 12)
        local place = kernel(m, PLACE)
        raises("kernel 'place' uses blockIdx.y and was launched in one dimension: give it a grid and a block",
            place, { w = 4, h = 3, out = out })
        raises("blockIdx.y", place, { w = 4, h = 3, out = out }, { threads = 12 })
        assert.view_equals({ 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }, out:download())
        local deep = [==[
            __device__ int depth() { return gridDim.z; }
            __device__ int unused() { return threadIdx.y; }
            extern "C" __global__ void deep(int n, int *out) { out[0] = depth(); }
            extern "C" __global__ void flat(int n, int *out) { out[threadIdx.x] = n; }]==]
        local flat = kernel(m, { source = deep, name = "flat" })
        local result = made(m, "i32", 3)
        assert(flat(3, result, { block = 3 }))
        assert.view_equals({ 3, 3, 3 }, result:download())
        raises("kernel 'deep' uses gridDim.z", kernel(m, { source = deep, name = "deep" }), 3, result)
    end)

    it("is within CUDA's limits", function()
        local m = spec.manager()
        local place, out = kernel(m, PLACE), made(m, "u32", 12)
        local function refuses(message, where)
            raises(message, place, { w = 4, h = 3, out = out }, where)
        end
        refuses("a block of 32 x 33 x 1 threads is more than 1024", { grid = 1, block = { 32, 33 } })
        refuses("a block of 1 x 1 x 65 threads: z is at most 64", { grid = 1, block = { 1, 1, 65 } })
        refuses("a grid of 1 x 65536 x 1 blocks: x is at most 2147483647, y and z are at most 65535",
            { grid = { 1, 65536 }, block = 1 })
        refuses("a grid counts blocks: say how many threads each has", { grid = { 1, 2 } })
        refuses("a block of 16 x 16 x 1 threads needs a grid", { block = { 16, 16 } })
        refuses("a launch has a grid or a number of threads, not both", { grid = 2, threads = 4, block = 2 })
        refuses('option "grid": a number, or a list of up to three', { grid = { 1, 1, 1, 1 }, block = 2 })
        refuses('option "grid": a number, or a list of up to three', { grid = {}, block = 2 })
        refuses('option "block": a number, or a list of up to three', { grid = 1, block = { 2, 0 } })
        refuses('option "block": a number, or a list of up to three', { grid = 1, block = { x = 2 } })
        refuses('option "block": a number, or a list of up to three', { grid = 1, block = "2" })
        refuses("bytes of shared memory a block", { grid = 1, block = 1, shared_bytes = 1 << 20 })
        raises("a block of 64 x 32 x 1 threads is more than 1024", m.kernel, m, { source = PLACE, block = { 64, 32 } })
        assert.view_equals({ 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }, out:download())
    end)
end)

describe("on the host device", function()
    local function ends(source, message, options)
        local m = spec.manager { device = "host" }
        options = options or {}
        options.source, options.file = source, "wrong.cu"
        local k, out = kernel(m, options), made(m, "i32", 64)
        assert(k { n = options.block or 40, out = out })
        fails("DRIVER", message, m:synchronize())
        local after = kernel(m, { block = 64, source = [==[extern "C" __global__ void after(int n, int *out) {
            __shared__ int part[64];
            part[threadIdx.x] = threadIdx.x;
            __syncthreads();
            out[threadIdx.x] = part[63 - threadIdx.x];
        }]==] })
        assert(after(64, out))
        local expected = {}
        for i = 1, 64 do expected[i] = 64 - i end
        assert.view_equals(expected, out:download())
    end

    it("threads at different barriers are an error, with the places", function()
        ends([==[extern "C" __global__ void wrong(int n, int *out) {
            if (threadIdx.x < 5)
                __syncthreads();
            else
                __syncthreads();
            out[0] = 1;
        }]==], "kernel 'wrong', block (0, 0, 0): its threads wait at different barriers: thread (0, 0, 0) at wrong.cu:3, "
            .. "thread (5, 0, 0) at wrong.cu:5: its launch was ended there")
    end)

    it("threads that wait for some that do not come are an error, with the places", function()
        ends([==[extern "C" __global__ void wrong(int n, int *out) {
            if (threadIdx.x == 3)
                __syncthreads();
            __syncwarp();
            out[0] = 1;
        }]==], "thread (0, 0, 0) waits at wrong.cu:4 (mask 0xffffffff) for threads that do not come: "
            .. "thread (3, 0, 0) waits at wrong.cu:3")
        ends([==[extern "C" __global__ void wrong(int n, int *out) {
            out[0] = __shfl_sync(2u, threadIdx.x, 0);
        }]==], "a thread's mask 0x00000002 at wrong.cu:2 does not name the thread itself, lane 0")
    end)

    it("a division by zero in one thread of a block ends its launch", function()
        ends([==[extern "C" __global__ void wrong(int n, int *out) {
            __syncthreads();
            out[threadIdx.x % 64] = n / ((int)threadIdx.x - 17);
            __syncthreads();
        }]==], "kernel 'wrong' divided an integer by zero")
    end)

    it("threads that look for one another's deeds take turns, and a deep call has its stack", function()
        local m = spec.manager { device = "host" }
        local k = kernel(m, { block = 64, source = [==[
            __device__ __noinline__ int deep(int n, volatile int *out) {
                volatile int room[64];
                room[n % 64] = n;
                return n ? deep(n - 1, out) + room[n % 64] : out[63];
            }
            extern "C" __global__ void turns(int n, int *out) {
                __shared__ int next, lock, sum;
                if (threadIdx.x == 0) next = lock = sum = 0;
                __syncthreads();
                while (atomicAdd(&next, 0) != 63 - (int)threadIdx.x) __nanosleep(20);
                atomicAdd(&next, 1);
                while (atomicCAS(&lock, 0, 1)) {}
                sum += threadIdx.x;
                atomicExch(&lock, 0);
                __syncthreads();
                out[threadIdx.x] = sum + deep(300, out) * 0;
            }]==] })
        local out, expected = made(m, "i32", 64), {}
        for i = 1, 64 do expected[i] = 2016 end
        assert(k(64, out))
        assert.view_equals(expected, out:download())
    end)
end)
