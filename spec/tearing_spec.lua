-- successes: 4
-- SPDX-License-Identifier: MIT
-- No torn frame: two members of a group, a million elements each, written by two streams and captured while the
-- next step is being written already, everything delayed at random. Every frame is uniform, and both members say
-- the step that was captured. The last tests skip one wait on the device: then the same check must fail, or it
-- would prove nothing.

local gpumm = require "gpumm"
local spec = require "gpumm.spec"

local N = 1 << 20
local SLOTS, AHEAD = 4, 2 -- the frame delivered last keeps its slot, and one is being captured
local STAGED, DIRECT = 2000, 500 -- frames

-- `late` holds the kernel back before it writes, so that who does not wait for it reads what was there before.
local WRITE = [[
extern "C" __global__ void write(int n, unsigned short *values, unsigned int step, long long late)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    if (late > 0 && i % 4096 == 0) {
        long long start = clock64();
        while (clock64() - start < late) { }
    }
    values[i] = step;
}]]

local function wanted(step) return gpumm.view("u16", { step }):bytes():rep(N) end

-- nil, or what is wrong with the frame. Whole members are compared as bytes: two million elements a frame.
local function torn(frame, step)
    if frame.step ~= step then return ("frame %d came as %d"):format(step, frame.step) end
    local expected = wanted(step)
    for _, name in ipairs { "here", "there" } do
        local member = frame[name]
        if #member ~= N then return ("frame %d: %s has %d elements"):format(step, name, #member) end
        if member:bytes() ~= expected then
            for i = 1, N do
                if member[i] ~= step then
                    return ("frame %d: element %d of %s is of step %d"):format(step, i, name, member[i])
                end
            end
        end
    end
end

-- Captures `frames` steps and checks each; `before(step)` may do harm, and says how late a kernel is then.
local function run(m, options, frames, before)
    local g = assert(m:group { { "here", "u16" }, { "there", "u16" }, length = N })
    local write, side = assert(m:kernel { source = WRITE }), assert(m:stream())
    local r = assert(g:readback { "here", "there", slots = SLOTS, direct = options.direct })
    local function check(step)
        local frame, message = r:wait(step) -- tickets count as the steps do
        return torn(assert(frame, message), step)
    end
    for step = 1, frames do
        local late = before and before(step) or 0
        assert(write(N, g.here, step, 0))
        assert(write({ n = N, values = g.there, step = step, late = late }, side))
        if late > 0 then assert(m.fault:plan(options.harm)) end
        assert.equal(step, r:capture(step))
        local found = step > AHEAD and check(step - AHEAD)
        if found then return found end
    end
    for step = frames - AHEAD + 1, frames do
        local found = check(step)
        if found then return found end
    end
    assert.equal(0, r.dropped)
    assert.equal(frames, m:stats().async_transfer_count)
end

local function manager(seed)
    return spec.inject_faults({ jitter = seed }, { workers = 2, debug = false })
end

describe("frames of a group", function()
    after_each(spec.close)

    it("are never torn, staged", function()
        assert.is_nil(run(manager(1), {}, STAGED))
    end)

    it("are never torn, direct", function()
        assert.is_nil(run(manager(2), { direct = true }, DIRECT))
    end)

    -- Expected failures: the same check, with one wait of one capture skipped on the device. Which of its waits
    -- is the one for the late kernel is core's own business, so each is tried in turn.
    local SPOILT = 20

    local function spoil(m, options, nth)
        local late = m:device().kind == "host" and 30000000 or 60000000 -- far more than any jitter
        options.harm = { call = "stream_wait", nth = nth, status = "OK", jitter = 3 }
        return run(m, options, 40, function(step) return step == SPOILT and late end)
    end

    for name, direct in pairs { staged = false, direct = true } do
        it("are torn where one stream wait is skipped, " .. name, function()
            local found
            for nth = 1, 4 do
                found = found or spoil(manager(3), { direct = direct }, nth)
            end
            assert.is_string(found)
            assert.truthy(found:find(("^frame %d: element %%d+ of %%a+ is of step %%d+$"):format(SPOILT)), found)
        end)
    end
end)
