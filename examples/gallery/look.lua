-- SPDX-License-Identifier: MIT
-- How the gallery's scripts draw: fields of numbers and crowds of points become PNG files. Pixels are computed on the device of
-- the manager that is given, by two kernels below; graphs are drawn by gpumm.picture instead.
--
--     look.field(m, "wave.png", values, 320, 240, { low = -1, high = 1, palette = "tide" })       values: f32, row by row
--     look.points(m, "boids.png", position, { box = { 0, 0, 4, 3 }, value = shade, palette = "ember" })   f32x2, and f32: 0 to 1

local gpumm = require "gpumm"
local look = {}

-- From low to high, in equal steps.
local palettes = {
    night = { "0b1026", "1b2f6b", "2a6fb0", "4fc3d9", "e8fbff" },
    ember = { "0c0716", "3b0f70", "8c2981", "de4968", "fe9f6d", "fcfdbf" },
    tide  = { "071d3a", "1f6fb4", "7fc4e8", "f4f1ea", "f3a683", "c23b4a", "4a0a1f" },
    water = { "1a4a8a", "2f86d6", "7fd3f2", "f4fdff" },
    moss  = { "0d1b1e", "0f4c3a", "2a9d6f", "a7d86d", "fdf6c3" },
    wheel = { "ff5d73", "ffb14e", "d9ed5b", "4fd6a3", "3fa7f0", "9b6bf2", "ff5d73" },
    vivid = { "30123b", "4669e8", "1ae4b6", "a4fc3b", "fbb938", "e5460a", "7a0403" },
}

local SOURCE = [[
static __device__ float3 shade(const float3 *color, int colors, float part)
{
    const float at = fminf(fmaxf(part, 0.0f), 1.0f) * (colors - 1);
    const int low = min((int)at, colors - 2);
    const float3 a = color[low], b = color[low + 1];
    const float t = at - low;
    return make_float3(a.x + t * (b.x - a.x), a.y + t * (b.y - a.y), a.z + t * (b.z - a.z));
}

static __device__ uchar3 pixel_of(float3 c)
{
    return make_uchar3((unsigned char)(c.x + 0.5f), (unsigned char)(c.y + 0.5f), (unsigned char)(c.z + 0.5f));
}

extern "C" __global__ void paint(int n, const float *value, float low, float high, const float3 *color, int colors, uchar3 *pixel)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) pixel[i] = pixel_of(shade(color, colors, (value[i] - low) / (high - low)));
}

// A soft disc for each point. Light is added up in whole numbers, so that the picture does not depend on the order.
extern "C" __global__ void splat(int n, const float2 *position, const float *value, float4 box, float radius, const float3 *color,
                                 int colors, unsigned int *light, int width, int height)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    const float x = (position[i].x - box.x) / (box.z - box.x) * width, y = (position[i].y - box.y) / (box.w - box.y) * height;
    if (!(x > -radius && y > -radius && x < width + radius && y < height + radius)) return;
    const float3 c = shade(color, colors, value[i]);
    for (int v = max((int)(y - radius), 0); v <= min((int)(y + radius), height - 1); v++)
        for (int u = max((int)(x - radius), 0); u <= min((int)(x + radius), width - 1); u++) {
            const float away = sqrtf((u + 0.5f - x) * (u + 0.5f - x) + (v + 0.5f - y) * (v + 0.5f - y));
            const float cover = 256.0f * fminf(fmaxf(radius - away, 0.0f), 1.0f);
            unsigned int *at = light + 4 * ((height - 1 - v) * width + u);
            atomicAdd(at, (unsigned int)(cover * c.x / 255.0f));
            atomicAdd(at + 1, (unsigned int)(cover * c.y / 255.0f));
            atomicAdd(at + 2, (unsigned int)(cover * c.z / 255.0f));
            atomicAdd(at + 3, (unsigned int)cover);
        }
}

// What lies in front hides what is behind by `strength` a disc; many discs become bright.
extern "C" __global__ void develop(int n, const uint4 *light, float3 back, float strength, float glare, uchar3 *pixel)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    const float many = light[i].w / 256.0f, per = 255.0f / fmaxf((float)light[i].w, 1.0f);
    const float cover = 1.0f - expf(-strength * many), white = 255.0f * (1.0f - expf(-glare * many));
    pixel[i] = pixel_of(make_float3(
        fminf(back.x + cover * (light[i].x * per - back.x) + white, 255.0f),
        fminf(back.y + cover * (light[i].y * per - back.y) + white, 255.0f),
        fminf(back.z + cover * (light[i].z * per - back.z) + white, 255.0f)));
}]]

local function rgb(hex) return { tonumber(hex:sub(1, 2), 16), tonumber(hex:sub(3, 4), 16), tonumber(hex:sub(5, 6), 16) } end

local function kernel(m, name) return assert(m:kernel { source = SOURCE, name = name }) end

local function buffer(m, type, data)
    local b = assert(m:buffer { type = type, length = math.type(data) and data or #data })
    if not math.type(data) then assert(b:upload(data)) end
    return b
end

local function colors_of(m, name)
    local colors = {}
    for i, hex in ipairs(assert(palettes[name], "no such palette")) do colors[i] = rgb(hex) end
    return buffer(m, "f32x3", colors)
end

local function write(path, pixels, width, height)
    if path ~= "" then assert(gpumm.image.write(path, pixels:download(), width, height)) end
end

--- Options: low, high, palette. The first row is the upper one.
function look.field(m, path, values, width, height, options)
    local colors, pixels = colors_of(m, options.palette or "night"), buffer(m, "u8x3", width * height)
    assert(kernel(m, "paint") { n = width * height, value = values, low = options.low or 0, high = options.high or 1,
        color = colors, colors = #colors, pixel = pixels })
    write(path, pixels, width, height)
end

--- Options: box { x0, y0, x1, y1 }, value (a buffer of f32), width, palette, radius in pixels, strength and
--- glare of a disc, back.
function look.points(m, path, position, options)
    local box, width = options.box, options.width or 800
    local height = math.floor(width * (box[4] - box[2]) / (box[3] - box[1]) + 0.5)
    local colors, light = colors_of(m, options.palette or "night"), buffer(m, "u32", 4 * width * height)
    local pixels = buffer(m, "u8x3", width * height)
    local value = options.value or buffer(m, "f32", #position)
    if not options.value then assert(value:fill(1)) end
    assert(kernel(m, "splat") { n = #position, position = position, value = value, box = box, radius = options.radius or 2,
        color = colors, colors = #colors, light = light, width = width, height = height })
    local four = buffer(m, "u32x4", width * height) -- the same counters, a pixel an element
    four:upload(light:download():bytes())
    assert(kernel(m, "develop") { n = width * height, light = four, back = rgb(options.back or "0b0f1a"),
        strength = options.strength or 2, glare = options.glare or 0, pixel = pixels })
    write(path, pixels, width, height)
end

return look
