-- SPDX-License-Identifier: MIT
-- A reader in Python: this script shares what it computes, and starts python_reader.py, which finds the middle of all points
-- in the same memory. On a GPU a CuPy or PyTorch array of it, on the host a NumPy one.
--
--     gpumm-run examples/gallery/running/python_reader.lua [--python python3] [--n 10000] [--steps 5]

local gpumm = require "gpumm"
local opt = gpumm.options(arg, { python = "python3", n = 10000, steps = 5 })

local m <close> = gpumm.manager { device = "auto" }
m:raising(true)
local points = m:group { { "position", "f32x2" }, name = "points", length = opt.n, shareable = true }
local watch = points:readback { "position", where = "device", busy = "newest", slots = 3, shareable = true }
local socket = os.tmpname()
os.remove(socket)
local share = m:share(socket, { "points.position", watch = watch })

for step = 1, opt.steps do
    local list = {}
    for i = 1, opt.n do list[i] = { i / opt.n + step, math.sin(i) } end
    points.position:upload(list)
    watch:capture(step)
end
m:synchronize()

local pipe = assert(io.popen(("'%s' '%s' '%s' 2>&1"):format(opt.python, gpumm.beside "python_reader.py", socket)))
local said = pipe:read "a"
pipe:close()
share:close()
print((said:gsub("%s+$", "")))
return { said = said, middle = opt.steps + (opt.n + 1) / (2 * opt.n) }
