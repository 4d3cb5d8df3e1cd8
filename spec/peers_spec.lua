-- successes: 9
-- SPDX-License-Identifier: MIT
-- Two managers, each of a device: copies between their buffers, in order on both sides. On CUDA the second is on the second GPU
-- where there is one.

local gpumm = require "gpumm"
local spec = require "gpumm.spec"
local support = require "spec.support"
local two = require "spec.two"

local STRIPE <const> = 2 << 20
local count <const> = STRIPE // 4 * 3 -- three stripes of u32

describe("two managers", function()
    after_each(spec.close)

    -- Does the second use the first one's memory as its own, once it is let in?
    local function goes_direct(a, b)
        if a:device().kind ~= "cuda" or not a:device().in_place or b:device().uuid == a:device().uuid then return false end
        local both, _, code = a:buffer { type = "u32", length = 1, devices = { 0, 1 } }
        if both then both:free() end
        a:trim()
        return code ~= "NO_DEVICE"
    end

    local function numbers(m, options)
        local all = { type = "u32", length = count }
        for key, value in pairs(options or {}) do all[key] = value end
        return assert(m:buffer(all))
    end

    it("copy between plain buffers, both ways, and in parts", function()
        local a, b = two()
        local direct = goes_direct(a, b)
        local x, y = numbers(a), numbers(b)
        x:fill(7)
        x:fill(8, 100, 10)
        assert.is_true(y:copy(x))
        assert.is_true(y:download():bytes() == x:download():bytes())
        y:fill(9, 1, 5)
        assert.is_true(x:copy(y, { first = 11, from_first = 3, count = 4, stream = assert(a:stream()) }))
        assert.view_equals({ 7, 9, 9, 9, 7, 7 }, x:download(10, 6))
        assert.is_true(x:copy(y, { count = 0 }))
        if a:device().kind == "cuda" and b:device().uuid ~= a:device().uuid then
            assert.equal(direct and 0 or 1, b.fault:calls "cuMemcpyPeerAsync") -- a large one goes by itself
            assert.equal(1, a.fault:calls "cuMemcpyPeerAsync")
        end
    end)

    it("copy much of a buffer that grows, shrinks and moves, without the host between them", function()
        local a, b = two()
        local direct = goes_direct(a, b)
        local x, y, other = numbers(a, { max_length = 4 * count }), numbers(b, { length = 4 * count }), numbers(a)
        local function copies(length, value, asked)
            local before = direct and a.fault:calls "cuMemSetAccess"
            x:fill(value)
            assert.is_true(y:copy(x, { count = length }))
            for _, i in ipairs { 1, length // 2, length } do assert.equal(value, y:download(i, 1)[1]) end
            if not direct then return end
            assert.equal(asked, a.fault:calls "cuMemSetAccess" - before)
            assert.equal(0, b.fault:calls "cuMemcpyPeerAsync")
        end
        copies(count, 1, 1)
        copies(count, 2, 0)
        x:resize(4 * count)
        copies(4 * count, 3, 1)
        x:resize(count)
        x:shrink_to_fit()
        assert.is_true(a:synchronize())
        a:poll()
        copies(count, 4, 1)
        other:free()
        a:trim() -- what is mapped there next would let nobody in
        copies(count, 5, 1)
        copies(count, 6, 0)
        x:free()
        a:trim()
        assert.is_true(a:synchronize())
        x = numbers(a, { length = 4 * count, max_length = 4 * count }) -- one segment, which shrinking moves
        copies(4 * count, 7, 1)
        x:resize(count)
        x:shrink_to_fit()
        if a:device().in_place then support.wait_for_committed(a, x, 4 * count) end
        copies(count, 8, 1)
    end)

    it("copy by the driver where one GPU is not let into another's memory", function()
        local a, b = two()
        local direct = goes_direct(a, b)
        local x, y = numbers(a), numbers(b)
        x:fill(7)
        if direct then a.fault:plan { call = "cuMemSetAccess", nth = 1, status = "DRIVER" } end
        assert.is_true(y:copy(x))
        assert.is_true(y:copy(x)) -- it is not asked for again
        assert.is_true(y:download():bytes() == x:download():bytes())
        if direct then assert.equal(2, b.fault:calls "cuMemcpyPeerAsync") end
    end)

    it("wait for one another: who writes the source next, and who reads the copy", function()
        local a, b = two()
        local x, y, back = numbers(a), numbers(b), numbers(a)
        a.fault:plan { jitter = 3 }
        b.fault:plan { jitter = 4 }
        local s, t = assert(a:stream()), assert(b:stream())
        for i = 1, 20 do
            x:fill(i, { stream = s })
            y:copy(x, { stream = t })
            x:fill(1000) -- behind the copy
            back:copy(y)
            assert.equal(i, back:download(count, 1)[1])
        end
        a.fault:plan {}
        b.fault:plan {}
    end)

    it("free a source that is being copied behind the copy", function()
        local a, b = two()
        local y, sums = numbers(b), {}
        b.fault:plan { jitter = 5 }
        for i = 1, 10 do
            local x = numbers(a)
            x:fill(i)
            y:copy(x)
            x:free()
            local other = numbers(a) -- in the same memory
            other:fill(99)
            sums[i] = y:download()[count // 2]
            other:free()
        end
        b.fault:plan {}
        for i = 1, 10 do assert.equal(i, sums[i]) end
        a:synchronize()
        a:trim()
        assert.balanced(a)
    end)

    it("close in either order with copies under way", function()
        for turn = 1, 2 do
            local a, b = two()
            local x, y = numbers(a), numbers(b)
            a.fault:plan { jitter = 6 }
            b.fault:plan { jitter = 7 }
            for i = 1, 5 do
                x:fill(i)
                y:copy(x)
                x:copy(y)
            end
            if turn == 1 then a:close() else b:close() end
            support.raises("CLOSED", y.copy, y, x)
            if turn == 1 then assert.equal(5, y:download()[1]) else assert.equal(5, x:download()[1]) end
        end
    end)

    it("refuse what cannot be, and leave everything as it was", function()
        local a, b = two()
        local x, y, floats = numbers(a), numbers(b), assert(b:buffer { type = "f32", length = 3 })
        y:fill(1)
        support.fails("TYPE_MISMATCH", "holds f32", floats:copy(x))
        support.raises("lie outside", y.copy, y, x, { count = count + 1 })
        support.raises("the stream belongs to another manager", y.copy, y, x, { stream = a:stream() })
        support.raises("belongs to another manager than the recording", b.record, b, function() y:copy(x) end)
        local state = support.state(b, y)
        for _, call in ipairs { "copy_from", "stream_wait" } do
            b.fault:plan { call = call, nth = 1, status = "DRIVER" }
            support.fails("DRIVER", call, y:copy(x))
            b.fault:plan {}
            assert.same(state, support.state(b, y))
        end
        a.fault:plan { call = "event_record", nth = 1, status = "DRIVER" }
        support.fails("DRIVER", "event_record", y:copy(x))
        a.fault:plan {}
        assert.is_true(x:fill(77))
        a.fault:plan { call = "stream_wait", nth = 2, status = "DRIVER" } -- the owner cannot be told: the copy has ended
        assert.is_true(y:copy(x))
        a.fault:plan {}
        x:fill(1)
        assert.equal(77, y:download()[count])
        x:free()
        support.raises("STALE", y.copy, y, x)
    end)

    it("share memory: what one shares the other attaches, on its own device", function()
        local a, b = two()
        if not a:device().in_place then return end
        local path = os.tmpname()
        os.remove(path)
        local x = assert(a:allocate("shared", "u32", count, { shareable = true }))
        x:fill(5)
        local share <close> = assert(a:share(path, { "shared" }))
        local attached <close> = assert(gpumm.attach(path, { manager = b }))
        local seen = assert(attached:buffer "shared")
        assert.equal(b, seen.manager)
        assert.equal(5, seen:download(count, 1)[1])
        local y = numbers(b)
        y:copy(seen)
        assert.equal(5, y:download()[1])
        assert(x:resize(2 * count))
        x:fill(6)
        a:synchronize()
        while #seen < 2 * count do assert(attached:wait(20)) end
        assert.equal(6, seen:download(2 * count, 1)[1])
        attached:close()
        share:close()
        assert.is_true(a:free "shared")
    end)

    it("copy from and to a striped buffer of the other", function()
        local a, b = two()
        if not a:device().in_place then return end
        local x, message, code = a:buffer { type = "u32", length = count, devices = { 0, 1 }, stripe = STRIPE }
        if code == "NO_DEVICE" then return print("skipped: 1 test of peers_spec.lua needs two GPUs: " .. message) end
        local y = numbers(b)
        for i = 0, 2 do y:fill(i + 5, i * STRIPE // 4 + 1, STRIPE // 4) end
        x:copy(y)
        y:fill(0)
        y:copy(x)
        for i = 0, 2 do assert.equal(i + 5, y:download()[i * STRIPE // 4 + 1]) end
        y:fill(0)
        y:copy(x, { first = 2, count = count - 1 }) -- not aligned as it is there
        for i = 0, 2 do assert.view_equals({ i > 0 and i + 4 or 0, i + 5 }, y:download(i * STRIPE // 4 + 1, 2)) end
        if a:device().kind == "cuda" then -- the last one in pieces that lie on one device each
            assert.equal(0, a.fault:calls "cuMemcpyPeerAsync")
            assert.equal(3, b.fault:calls "cuMemcpyDtoDAsync")
        end
        assert.same({ [0] = 2 * STRIPE, [1] = STRIPE }, a:stats().striped_bytes)
        assert.is_nil(b:stats().striped_bytes)
    end)
end)
