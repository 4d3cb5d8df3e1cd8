-- SPDX-License-Identifier: MIT
-- Coroutines that wait for frames: three rows of pendulums, each a plain loop of a coroutine's own (launch, capture, await,
-- use), and a scheduler of ten lines that resumes whoever's frame has arrived. rb:await(ticket) yields its readback until
-- then.
--
--     gpumm-run examples/gallery/running/coroutines.lua [--out pendulums.png] [--n 480] [--steps 140]

local gpumm = require "gpumm"
local look = dofile(gpumm.beside "../look.lua")
local opt = gpumm.options(arg, { out = "pendulums.png", n = 480, steps = 140 })
local n, steps = opt.n, opt.steps

local m <close> = gpumm.manager { device = "auto" }
m:raising(true)

local swing = m:kernel { source = [[
// Pendulums side by side, each a little slower than the one before.
extern "C" __global__ void swing(int n, float time, float slow, float fast, float *angle)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) angle[i] = cosf(time * (slow + (fast - slow) * i / n));
}]] }

-- One task: what it has seen becomes a band of the image. It reads as if it were alone.
local image, log = gpumm.view("f32", 3 * n * steps), {}
local function pendulums(band, slow, fast)
    local angle = m:buffer { type = "f32", length = n }
    local watch = angle:readback { slots = 2 }
    local crossings, before = 0, 0
    for step = 1, steps do
        swing { n = n, time = 0.05 * step, slow = slow, fast = fast, angle = angle }
        local frame = watch:await(watch:capture(step)) -- others go on meanwhile
        local row = ((band - 1) * steps + step - 1) * n
        for i, a in frame.data:each() do image[row + i] = a end
        if before * frame.data[1] < 0 then crossings = crossings + 1 end
        before = frame.data[1]
        log[#log + 1] = band
    end
    return crossings
end

-- The scheduler.
local tasks, results = {}, {}
local function resume(task, ...)
    local ok, value = coroutine.resume(task.thread, ...)
    if not ok then error(value, 0) end
    task.waits = value -- for this readback; or what it returned
    if coroutine.status(task.thread) == "dead" then results[task.band], tasks[task.band] = value, nil end
end

for band, speeds in ipairs { { 1, 9 }, { 2, 5 }, { 6, 3 } } do
    tasks[band] = { band = band, thread = coroutine.create(pendulums) }
    resume(tasks[band], band, speeds[1], speeds[2])
end
while next(tasks) do
    for band = 1, 3 do
        local task = tasks[band]
        if task and task.waits:ready() then resume(task) end
    end
end

local turns = 0
for i = 2, #log do turns = turns + (log[i] ~= log[i - 1] and 1 or 0) end
print(("three tasks, %d steps each, %d turns; the first pendulums passed the middle %d, %d and %d times"):format(steps, turns,
    table.unpack(results)))
local field = m:buffer { type = "f32", length = #image }
field:upload(image)
look.field(m, opt.out, field, n, 3 * steps, { low = -1, high = 1, palette = "tide" })
return { crossings = results, turns = turns, image = image }
