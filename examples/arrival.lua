-- SPDX-License-Identifier: MIT
-- Frames in the event loop of an application: no polling, no waiting call. With luv (Debian's package lua-luv); cqueues, poll
-- and epoll work the same way, for a readback's descriptor is readable while a frame can be taken.
--
--     gpumm-run examples/arrival.lua [--frames 5] [--interval 20]
--
-- A timer plays the application's own work: it moves the points and captures them.

local gpumm = require "gpumm"
local luv = require "luv"
local opt = gpumm.options(arg, { frames = 5, interval = 20 })

local m <close> = assert(gpumm.manager { device = "auto" })
local points = assert(m:buffer { type = "f32", length = 1000 })
local watch = assert(points:readback { slots = 3, busy = "newest" })

local timer, poll, step, seen = luv.new_timer(), luv.new_poll(watch:fd()), 0, 0

timer:start(0, opt.interval, function()
    step = step + 1
    points:fill(step)
    watch:capture(step)
end)

poll:start("r", function(failed)
    local frame = watch:latest()
    if failed or not frame then return end
    seen = seen + 1
    print(("frame of step %d: %g to %g"):format(frame.step, frame.data[1], frame.data[#frame]))
    if seen < opt.frames then return end
    poll:close() -- before its descriptor goes, with the readback
    timer:close()
end)

luv.run()
