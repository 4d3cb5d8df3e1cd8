-- SPDX-License-Identifier: MIT
-- Two processes, one memory: this script shares a buffer that grows and a readback, starts itself again as a reader, and both
-- see the same bytes without a copy. The reader uses them in a kernel of its own.
--
--     gpumm-run examples/gallery/running/two_processes.lua [--out shared.png] [--n 20000]

local gpumm = require "gpumm"
local look = dofile(gpumm.beside "../look.lua")
local opt = gpumm.options(arg, { out = "shared.png", n = 20000, attach = "", done = "" })

local SOURCE = [[
extern "C" __global__ void curl(int n, int all, float2 *point)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    const float t = (float)i / all, a = 120.0f * t, r = t * (1.0f + 0.18f * sinf(31.0f * a));
    point[i] = make_float2(r * cosf(a), r * sinf(a));
}

extern "C" __global__ void shade(int n, const float2 *point, float *value)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) value[i] = sqrtf(point[i].x * point[i].x + point[i].y * point[i].y);
}]]

-- ---- The reader: attaches, waits until the buffer has grown, reads a frame, draws -----------------------------------

if opt.attach ~= "" then
    local share <close> = assert(gpumm.attach(opt.attach))
    local point = assert(share:buffer "path.point")
    while #point < opt.n do assert(share:wait(20)) end -- its length follows the owner's
    local m = share.manager
    local value = assert(m:buffer { type = "f32", length = #point })
    assert(m:kernel { source = SOURCE, name = "shade" } { n = #point, point = point, value = value })
    local frame = assert(share:readback "watch":latest())
    look.points(m, opt.out, point, { box = { -1.25, -1.25, 1.25, 1.25 }, value = value, palette = "vivid", radius = 1.8 })
    local file <close> = assert(io.open(opt.done, "w"))
    local x = point:download(#point, 1):get(1)
    file:write(("%d points, the last at %.6f; a frame of step %d with %d"):format(#point, x, frame.step, #frame))
    return
end

-- ---- The owner: shares, starts the reader, grows under its eyes -----------------------------------------------------

local m <close> = gpumm.manager { device = "auto" }
m:raising(true)
local curl = m:kernel { source = SOURCE, name = "curl" }
local path = m:group { { "point", "f32x2" }, name = "path", length = opt.n // 8, max_length = opt.n, shareable = true }
local watch = path:readback { "point", where = "device", busy = "newest", slots = 3, shareable = true }
local socket, done = os.tmpname(), os.tmpname()
os.remove(socket)
local share = m:share(socket, { "path.point", watch = watch })

local here = os.getenv "GPUMM_RUN" or arg[-1]
for lowest = -1, -20, -1 do
    if not os.getenv "GPUMM_RUN" and arg[lowest] then here = arg[lowest] end
end
local script = debug.getinfo(1, "S").source:sub(2)
local reader = assert(io.popen(("'%s' --quiet '%s' --attach '%s' --done '%s' --out '%s' --n %d 2>&1"):format(here,
    script, socket, done,
    opt.out, opt.n)))

local address = path.point.address
for step = 2, 8 do
    curl { n = #path, all = opt.n, point = path.point }
    watch:capture(step)
    path:resize(opt.n * step // 8) -- the memory of what was there stays where it is, here and there
end
curl { n = #path, all = opt.n, point = path.point }
watch:capture(9)
m:synchronize()
local complaint = reader:read "a"
reader:close()
share:close()

local file <close> = assert(io.open(done))
local said = file:read "a"
os.remove(done)
print("the reader saw " .. (said ~= "" and said or complaint))
print(("the owner has %d points; moved: %s"):format(#path, path.point.address ~= address))
return { said = said, complaint = complaint, last = path.point:download(opt.n, 1):get(1), moved = path.point.address ~= address }
