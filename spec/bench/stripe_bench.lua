-- SPDX-License-Identifier: MIT
-- A buffer across GPUs: how fast a kernel and a copy of each GPU go over it, beside a plain buffer of that GPU, by turns in one
-- run; and copies from each GPU to each other.
--
--     gpumm-run --quiet spec/bench/stripe_bench.lua [--devices 2] [--mib 1024] [--stripe 64] [--repeats 20] [--device cuda]
--
-- GB/s of what is read and written, medians. On a machine with fewer GPUs it says so and ends with success.

local gpumm = require "gpumm"

local opt = gpumm.options(arg, { devices = 2, mib = 1024, stripe = 64, repeats = 20, device = "cuda" })
local BYTES <const> = opt.mib << 20
local count <const> = BYTES // 16

local SOURCE <const> = [[extern "C" __global__ void step(int n, float4 *x, float a) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    float4 v = x[i];
    v.x += a; v.y += a; v.z += a; v.w += a;
    x[i] = v;
}]]

local function missing(message)
    print("skipped: " .. opt.devices .. " devices are needed: " .. tostring(message))
    os.exit(0, true)
end

local function median(list)
    table.sort(list)
    return list[(#list + 1) // 2]
end

-- GB/s of each, by turns: names and functions that enqueue on m, which move so many bytes.
local function compare(managers, bytes, runs)
    local times = {}
    local function wait()
        for _, m in ipairs(managers) do assert(m:synchronize()) end
    end
    for i = 1, #runs do
        times[i] = {}
        assert(runs[i]())
    end
    wait()
    for _ = 1, opt.repeats do
        for i, run in ipairs(runs) do
            local since = gpumm.clock()
            assert(run())
            wait()
            times[i][#times[i] + 1] = gpumm.clock() - since
        end
    end
    local rates = {}
    for i = 1, #runs do rates[i] = bytes / median(times[i]) / 1e9 end
    return rates
end

local function buffer(m, options)
    local all = { type = "f32x4", length = count, max_length = count, growth = gpumm.growth.exact(), ahead = 0 }
    for key, value in pairs(options or {}) do all[key] = value end
    return m:buffer(all)
end

local managers, plain, target, kernels, numbers = {}, {}, {}, {}, {}
for i = 1, opt.devices do
    numbers[i] = i - 1
    local name = opt.device == "host" and "host" or ("%s:%d"):format(opt.device, i - 1)
    local m, message, code = gpumm.manager { device = name }
    if code == "NO_DEVICE" then missing(message) end
    managers[i] = assert(m, message)
end
local striped, message, code = buffer(managers[1], { devices = numbers, stripe = opt.stripe << 20 })
if code == "NO_DEVICE" then missing(message) end
assert(striped, message)
for i, m in ipairs(managers) do
    plain[i], target[i] = assert(buffer(m)), assert(buffer(m))
    kernels[i] = assert(m:kernel { source = SOURCE })
end

print(("%d MiB, stripes of %d MiB on %d devices, of %s"):format(opt.mib, opt.stripe, opt.devices, managers[1]:device().name))
for _, number in ipairs(numbers) do
    print(("device %d holds %.0f MiB of it"):format(number, (managers[1]:stats().striped_bytes[number] or 0) / 2 ^ 20))
end
print(("%-22s %12s %12s %8s"):format("", "plain GB/s", "striped GB/s", "ratio"))
local function row(name, rates)
    print(("%-22s %12.1f %12.1f %8.3f"):format(name, rates[1], rates[2], rates[2] / rates[1]))
end
for i, m in ipairs(managers) do
    row("kernel of device " .. i - 1, compare({ m }, 2 * BYTES, {
        function() return kernels[i](count, plain[i], 1) end,
        function() return kernels[i](count, striped, 1) end }))
    row("copy by device " .. i - 1, compare({ m }, 2 * BYTES, {
        function() return target[i]:copy(plain[i]) end,
        function() return target[i]:copy(striped) end }))
end

-- All kernels at once, each on its own buffer: what the devices have together.
local all = compare(managers, 2 * BYTES * opt.devices, { function()
    for i in ipairs(managers) do assert(kernels[i](count, plain[i], 1)) end
    return true
end })
print(("%-22s %12.1f"):format("kernels of all, plain", all[1]))

print(("%-22s %12s"):format("", "GB/s copied"))
for i, m in ipairs(managers) do
    for j, n in ipairs(managers) do
        if i ~= j then
            local rates = compare({ m, n }, BYTES, { function() return target[j]:copy(plain[i]) end })
            print(("%-22s %12.1f"):format(("device %d to device %d"):format(i - 1, j - 1), rates[1]))
        end
    end
end
