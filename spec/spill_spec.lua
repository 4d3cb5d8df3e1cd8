-- successes: 24
-- SPDX-License-Identifier: MIT
-- Spill: growth that the device has no memory for goes on in the host's, at the same address, and promote brings it back.

local gpumm = require "gpumm"
local spec = require "gpumm.spec"
local support = require "spec.support"
local filled = require "spec.filled"

local UNIT <const> = spec.device:find("host", 1, true) and 1 << 18 or 1 << 20 -- commit steps are smaller there

describe("a manager with spill", function()
    after_each(function()
        filled.over()
        spec.close()
    end)

    -- A device that has `memory` left.
    local function short(memory, options)
        local all = { spill = "256MiB", debug = false, memory = memory }
        for key, value in pairs(options or {}) do all[key] = value end
        local m = spec.inject_faults({}, all)
        filled.but(memory)
        return m, m:device().in_place
    end

    local function exact(m, bytes) -- a buffer that has no more than it is asked for
        return assert(m:buffer { type = "u8", length = bytes, max_size_bytes = "1GiB", growth = gpumm.growth.exact(), ahead = 0 })
    end

    -- Different bytes in every commit step, and what they are.
    local function written(b, seed)
        for at = 1, b.length, UNIT do b:fill((at // UNIT * 7 + seed) % 251, at, math.min(UNIT, b.length - at + 1)) end
        return b:download():bytes()
    end

    -- Bytes of each kind; the pieces are side by side and all there is.
    local function lies(b)
        local kinds, sum, last = { device = 0, host = 0 }, 0, nil
        for _, piece in ipairs(b:residency()) do
            assert.equal(sum, piece.offset)
            assert.not_equal(last, piece.kind)
            sum, last = sum + piece.bytes, piece.kind
            kinds[last] = kinds[last] + piece.bytes
        end
        assert.equal(b.committed_bytes, sum)
        return kinds
    end

    -- Buffers of a commit step each, until there is none left for another: that is known only by the last one's being spilled.
    local function used_up(m)
        local all, step = {}, math.max(UNIT, m:device().granularity)
        repeat all[#all + 1] = exact(m, step) until all[#all]:residency()[1].kind == "host"
        return all
    end

    it("grows past the device's memory at the same address, contents kept", function()
        local m, in_place = short(16 * UNIT)
        local b = exact(m, 8 * UNIT)
        assert.same({ { offset = 0, bytes = 8 * UNIT, kind = "device" } }, b:residency())
        local moved, address, before = support.watch_moves(m, b), b.address, written(b, 3)
        assert.is_true(b:resize(40 * UNIT))
        moved()
        assert.is_true(b:download():bytes() == before .. ("\0"):rep(32 * UNIT))
        local all = written(b, 5)
        local kinds = lies(b)
        assert.is_true(kinds.host >= 22 * UNIT)
        assert.equal(kinds.host, m:stats().spilled.now)
        assert.equal(40 * UNIT, m:stats().used_bytes)
        assert.equal(40 * UNIT, b.committed_bytes)
        assert.is_true(b:download():bytes() == all)
        if in_place then
            assert.equal(address, b.address)
            assert.is_true(kinds.device >= 8 * UNIT)
        end
        assert.balanced(m)
    end)

    it("promotes what is spilled once there is room, and nothing by itself", function()
        local m, in_place = short(16 * UNIT)
        local a = exact(m, 14 * UNIT)
        local b = exact(m, 20 * UNIT)
        local all, moved, spilled = written(b, 9), support.watch_moves(m, b), m:stats().spilled.now
        assert.is_true(spilled >= 16 * UNIT)
        assert.equal(0, m:promote())
        a:free()
        if in_place then assert.equal(spilled, m:stats().spilled.now) end
        local promoted = assert(m:promote()) -- in part: there is still not room for all
        assert.equal(spilled - promoted, m:stats().spilled.now)
        filled.over()
        if m:device().kind ~= "host" then
            promoted = promoted + assert(m:promote())
            assert.equal(spilled, promoted)
            assert.same({ { offset = 0, bytes = 20 * UNIT, kind = "device" } }, b:residency())
            assert.equal(0, m:stats().spilled.now)
        end
        assert.equal(promoted > 0, b.mapping > 0)
        moved()
        assert.is_true(b:download():bytes() == all)
        b:fill(1)
        assert.is_true(b:download():bytes() == ("\1"):rep(20 * UNIT))
        assert.balanced(m)
    end)

    it("promotes each buffer's segments, with one mapping more each, and says how much", function()
        local m, in_place = short(16 * UNIT)
        local a, b = exact(m, 15 * UNIT), exact(m, 3 * UNIT)
        local g = assert(m:group { { "p", "u8" }, { "q", "u16" }, length = 2 * UNIT, growth = gpumm.growth.exact(), ahead = 0 })
        local first, second, third = written(b, 1), written(g.p, 2), g.q:fill(0x4321) and g.q:download():bytes()
        local spilled, mapping = m:stats().spilled.now, b.mapping + g.p.mapping + g.q.mapping
        assert.equal(0, mapping)
        a:free()
        assert.equal(spilled, m:promote())
        assert.equal(0, m:stats().spilled.now)
        for _, one in ipairs { b, g.p, g.q } do
            assert.equal(0, lies(one).host)
            if lies(one).device > 2 * UNIT then assert.equal(1, one.mapping) end
            assert.equal(in_place and 1 or 1 + one.mapping, one.generation)
        end
        assert.equal(first, b:download():bytes())
        assert.equal(second, g.p:download():bytes())
        assert.equal(third, g.q:download():bytes())
        assert.equal(0, m:promote())
    end)

    it("spills no more than it may, and says so", function()
        local m = short(16 * UNIT, { spill = 8 * UNIT })
        local b = exact(m, 12 * UNIT)
        local before, state = written(b, 4), m:stats()
        local message = support.fails("OUT_OF_MEMORY", "over the spill of", b:resize(64 * UNIT))
        support.contains("held by this manager", message)
        assert.equal(12 * UNIT, b.length)
        assert.equal(state.committed_bytes, m:stats().committed_bytes)
        assert.equal(0, m:stats().spilled.now)
        assert.is_true(b:download():bytes() == before)
        if m:device().in_place then
            assert.is_true(b:resize(20 * UNIT))
            assert.is_true(lies(b).host > 0)
        end
    end)

    it("stays within the limit, which counts what is spilled as anything else", function()
        local m = short(16 * UNIT, { limit = 32 * UNIT })
        local b = exact(m, 12 * UNIT)
        assert.is_true(b:resize(32 * UNIT))
        assert.equal(32 * UNIT, m:stats().used_bytes)
        support.fails("OVER_LIMIT", "; limit", b:resize(32 * UNIT + 1))
        assert.equal(32 * UNIT, b.length)
    end)

    it("first uses what is cached or can be given back", function()
        local m = short(16 * UNIT)
        exact(m, 6 * UNIT):free()
        exact(m, 6 * UNIT):free()
        assert.is_true(m:stats().cached.now > 0)
        local b = exact(m, 14 * UNIT)
        assert.equal(0, m:stats().spilled.now)
        assert.equal(14 * UNIT, lies(b).device)
    end)

    it("keeps nothing of what is freed in the host's memory", function()
        local m = short(16 * UNIT)
        local b = exact(m, 48 * UNIT)
        assert.is_true(lies(b).host >= 30 * UNIT)
        b:free()
        m:synchronize()
        m:trim()
        assert.equal(0, m:stats().spilled.now)
        assert.equal(0, m:stats().cached.now)
        local again = exact(m, 12 * UNIT)
        assert.equal(12 * UNIT, lies(again).device)
    end)

    it("gives spilled memory back when the buffer shrinks, in part too", function()
        local m = short(16 * UNIT)
        local b = exact(m, 40 * UNIT)
        local all = written(b, 6)
        b:resize(30 * UNIT)
        b:shrink_to_fit()
        support.wait_for_committed(m, b, 30 * UNIT)
        assert.is_true(m:stats().spilled.now <= 30 * UNIT)
        assert.is_true(b:download():bytes() == all:sub(1, 30 * UNIT))
        b:resize(4 * UNIT)
        b:shrink_to_fit()
        support.wait_for_committed(m, b, 4 * UNIT)
        assert.is_true(m:stats().spilled.now <= 4 * UNIT)
        assert.is_true(b:download():bytes() == all:sub(1, 4 * UNIT))
        assert.is_true(b:resize(50 * UNIT)) -- and grows again
        assert.is_true(b:download(1, 6 * UNIT):bytes() == all:sub(1, 4 * UNIT) .. ("\0"):rep(2 * UNIT))
    end)

    it("spills in segments of 64 MiB, made usable with one call and given back one by one", function()
        local MOST <const>, more = 64 << 20, 130 << 20
        local m, in_place = short(16 * UNIT)
        local b = exact(m, 8 * UNIT)
        if not in_place then return end
        local cuda, all = m:device().kind == "cuda", written(b, 6)
        local before, used = #b:segments(), cuda and m.fault:calls "cuMemSetAccess"
        assert.is_true(b:ensure_capacity(8 * UNIT + more))
        local host = lies(b).host
        local parts = (host + MOST - 1) // MOST
        assert.is_true(parts >= 2)
        assert.equal(host, m:stats().spilled.now)
        if cuda then assert.equal(#b:segments() - before - (parts - 1), m.fault:calls "cuMemSetAccess" - used) end
        b:shrink_to_fit()
        support.wait_for_committed(m, b, 8 * UNIT)
        assert.equal(before, #b:segments())
        assert.equal(0, m:stats().spilled.now)
        assert.is_true(b:download():bytes() == all)
        assert.balanced(m)
    end)

    it("grows a group all or none", function()
        local m = short(16 * UNIT, { spill = 24 * UNIT })
        local g = assert(m:group { { "p", "u8" }, { "q", "u32" }, length = UNIT, growth = gpumm.growth.exact(), ahead = 0 })
        g.p:fill(3)
        g.q:fill(0x01020304)
        assert.is_true(g:resize(6 * UNIT))
        assert.is_true(m:stats().spilled.now > 0)
        local committed = g.p.committed_bytes + g.q.committed_bytes
        support.fails("OUT_OF_MEMORY", "over the spill", g:resize(100 * UNIT))
        assert.equal(6 * UNIT, g.length)
        assert.equal(committed, g.p.committed_bytes + g.q.committed_bytes)
        assert.is_true(g.p:download():bytes() == ("\3"):rep(UNIT) .. ("\0"):rep(5 * UNIT))
        assert.is_true(g.q:download(1, UNIT):bytes() == ("\4\3\2\1"):rep(UNIT))
        assert.balanced(m)
    end)

    it("reads back, copies, fills and appends over the border", function()
        local m = short(16 * UNIT)
        local b = exact(m, 15 * UNIT)
        local r = assert(b:readback { slots = 2 })
        b:fill(8)
        assert.is_true(b:append(("\9"):rep(5 * UNIT)))
        local frame = assert(r:wait(assert(r:capture(1))))
        assert.is_true(frame.data:bytes() == ("\8"):rep(15 * UNIT) .. ("\9"):rep(5 * UNIT))
        local to = exact(m, 20 * UNIT)
        to:copy(b)
        b:fill(7, 14 * UNIT, 2 * UNIT)
        assert.is_true(to:download():bytes() == ("\8"):rep(15 * UNIT) .. ("\9"):rep(5 * UNIT))
        assert.is_true(b:download(14 * UNIT - 1, 2 * UNIT + 2):bytes() == "\8" .. ("\7"):rep(2 * UNIT) .. "\9")
        assert.is_true(m:stats().spilled.now > 0)
        frame = assert(r:wait(assert(r:capture(2))))
        assert.equal(7, frame.data[15 * UNIT])
        r:close()
    end)

    it("spills slabs of small buffers, scratch and staging too, when there is nothing else", function()
        local m = short(16 * UNIT)
        local most, full = used_up(m), exact(m, 24 * UNIT)
        local small = assert(m:buffer { type = "u32", length = 100, max_length = 200 })
        small:fill(77)
        local scratch = assert(m:scratch(3 * UNIT))
        local r = assert(full:readback { slots = 2 })
        full:fill(5)
        assert.equal("host", small:residency()[1].kind)
        assert.equal(1, #small:residency())
        assert.equal(5, assert(r:wait(assert(r:capture(1)))).data[24 * UNIT])
        assert.equal(77, small:download()[100])
        local spilled = m:stats().spilled.now
        scratch:close()
        r:close()
        m:synchronize()
        m:trim()
        assert.is_true(m:stats().spilled.now < spilled)
        assert.is_true(m:check())
        for _, one in ipairs(most) do one:free() end
    end)

    it("does not spill shareable memory", function()
        local m, in_place = short(16 * UNIT)
        if not in_place then
            return support.raises("shareable memory is not to be had", m.buffer, m, { type = "u8", length = 1, shareable = true })
        end
        local b = assert(m:buffer { type = "u8", length = 8 * UNIT, shareable = true, max_size_bytes = "1GiB" })
        support.fails("OUT_OF_MEMORY", "shareable memory is not spilled", b:resize(40 * UNIT))
        assert.equal(8 * UNIT, b.length)
        assert.equal(0, m:stats().spilled.now)
    end)

    it("promotes behind who uses the buffer, and holds nobody else up meanwhile", function()
        local m = short(16 * UNIT)
        local a, b, to, other = exact(m, 12 * UNIT), exact(m, 8 * UNIT), exact(m, 2 * UNIT), exact(m, 2 * UNIT)
        local all, s = written(b, 2), m:stream()
        a:free()
        m:synchronize()
        m.fault:plan { jitter = 11 }
        for i = 1, 30 do
            to:copy(b, { count = 2 * UNIT, from_first = i, stream = s })
            b:fill(all:byte(1), 1, 10)
            other:fill(i)
        end
        assert.is_true(m:promote() > 0)
        m.fault:plan {}
        assert.is_true(to:download():bytes() == all:sub(30, 2 * UNIT + 29))
        assert.is_true(b:download():bytes() == all:sub(1, 1):rep(10) .. all:sub(11))
        assert.equal(30, other:download()[2 * UNIT])
    end)

    it("is copied between managers, whatever is spilled on either side", function()
        local m, in_place = short(16 * UNIT)
        local n = spec.inject_faults({}, { spill = "256MiB", debug = false, memory = 16 * UNIT })
        local x, y = exact(m, 8 * UNIT), exact(n, 4 * UNIT) -- on the device, and then there is no room for more
        assert.is_true(x:resize(20 * UNIT))
        assert.is_true(y:resize(20 * UNIT))
        if in_place then
            for _, b in ipairs { x, y } do assert.is_true(lies(b).host > 0 and lies(b).device > 0) end
        end
        local all = written(x, 3)
        assert.is_true(y:copy(x))
        assert.is_true(y:download():bytes() == all)
        assert.is_true(x:copy(y, { first = 1, from_first = UNIT + 2, count = 19 * UNIT - 1 }))
        assert.is_true(x:download(1, 19 * UNIT - 1):bytes() == all:sub(UNIT + 2))
        if m:device().kind == "host" or not in_place then return end
        local told = m.fault:calls "stream_wait"
        n.fault:plan { call = "cuMemcpyDtoDAsync", nth = 2, status = "DRIVER" } -- behind a piece that is enqueued
        support.fails("DRIVER", "cuMemcpyDtoDAsync", y:copy(x))
        n.fault:plan {}
        assert.is_true(m.fault:calls "stream_wait" > told)
        x:fill(9)
        assert.is_true(y:copy(x))
        assert.is_true(y:download():bytes() == ("\9"):rep(20 * UNIT))
        local ok, far = pcall(spec.manager, { device = "cuda:1", debug = false })
        if not ok then return print("skipped: a part of a test of spill_spec.lua needs two GPUs") end
        local z = exact(far, 20 * UNIT)
        all = written(x, 6)
        assert.is_true(z:copy(x))
        assert.is_true(z:download():bytes() == all)
        all = written(z, 7)
        assert.is_true(x:copy(z))
        assert.is_true(x:download():bytes() == all)
    end)

    it("leaves everything as it was where the device refuses", function()
        local m, in_place = short(16 * UNIT)
        local a, b = exact(m, 12 * UNIT), exact(m, 10 * UNIT)
        local all, spilled = written(b, 8), m:stats().spilled.now
        a:free()
        m.fault:plan { call = "promote", nth = 1, status = "DRIVER" }
        support.fails("DRIVER", "call promote", m:promote())
        assert.equal(spilled, m:stats().spilled.now)
        assert.is_true(b:download():bytes() == all)
        assert.equal(spilled, m:promote())
        assert.is_true(b:download():bytes() == all)
        local full = exact(m, 16 * UNIT)
        for nth = 1, 4 do
            m.fault:plan { call = in_place and "commit" or "alloc", nth = nth, status = "DRIVER" }
            support.fails("DRIVER", "fault", b:resize(60 * UNIT))
            m.fault:plan {}
            assert.equal(10 * UNIT, b.length)
            if not in_place then break end
        end
        assert.is_true(b:resize(60 * UNIT))
        assert.is_true(b:download(1, 10 * UNIT):bytes() == all)
        assert.balanced(m)
        full:free()
    end)

    -- It has what it had, and the books have all that it holds: as much as before once the device takes back what is too much.
    local function failed(m, b, before, others)
        local held = b.committed_bytes
        assert.equal(#before, b.length)
        assert.equal(held, m:stats().committed_bytes - others)
        assert.balanced(m)
        m:trim()
        assert.equal(#before, b.committed_bytes)
        assert.is_true(b:download():bytes() == before)
        return held > #before
    end

    it("books what a growth that failed could not give back", function()
        local m, in_place = short(16 * UNIT, { spill = 8 * UNIT })
        local b = exact(m, 8 * UNIT)
        if not in_place then return end
        local before, device = written(b, 4), m:device()
        local others = m:stats().committed_bytes - b.committed_bytes
        m.fault:plan { call = "decommit", nth = 1, times = 1000, status = "DRIVER" }
        support.fails("OUT_OF_MEMORY", "over the spill of", b:resize(60 * UNIT))
        m.fault:plan {}
        -- Of a device so large that this is left to others nothing was taken.
        local taken = 8 * UNIT >= math.max(device.granularity, device.total_bytes // 4096)
        assert.equal(taken, failed(m, b, before, others))
    end)

    it("books what is left of a growth from whichever call on the device refuses everything", function()
        local m, in_place = short(16 * UNIT)
        local b = exact(m, 8 * UNIT)
        if not in_place then return end
        local before, nth, kept = written(b, 4), 0, 0
        local ok
        local others = m:stats().committed_bytes - b.committed_bytes
        repeat
            m:synchronize()
            nth = nth + 1
            m.fault:plan { nth = nth, times = 1000, status = "DRIVER" }
            local message, code
            ok, message, code = b:resize(40 * UNIT)
            m.fault:plan {}
            if not ok then
                support.fails("DRIVER", "fault: call", ok, message, code)
                m:poll() -- what failed in the background meanwhile
                if failed(m, b, before, others) then kept = kept + 1 end
            end
        until ok
        assert.is_true(kept > 0) -- behind a commit that succeeded, wherever the device is full
        assert.is_true(b:download(1, 8 * UNIT):bytes() == before)
    end)

    it("books what slabs that failed could not give back", function()
        local m, in_place = short(16 * UNIT, { spill = UNIT, granularity = 1 << 15 })
        local b = exact(m, 15 * UNIT)
        if not in_place or m:device().kind ~= "host" then return end -- others take no such small pieces of what is left
        local before = m:stats().committed_bytes
        m.fault:plan { call = "decommit", nth = 1, times = 1000, status = "DRIVER" }
        support.fails("OUT_OF_MEMORY", "over the spill of", m:scratch(8 * UNIT))
        local held = m:stats().committed_bytes
        assert.is_true(held > before)
        assert.equal(held, m.fault:live().committed_bytes)
        m.fault:plan {}
        support.fails("DRIVER", "in the background", m:poll())
        m:trim()
        assert.equal(before, m:stats().committed_bytes)
        assert.equal(0, m:stats().spilled.now)
        local full, step, spilled = exact(m, UNIT - (1 << 15)), exact(m, 1 << 15), exact(m, UNIT)
        step:free()
        m:trim() -- a step is left, and none may be spilled: a block of two has one of them
        before = m:stats().committed_bytes
        local small = { type = "u8", length = 1 << 16, max_length = 1 << 16 }
        m.fault:plan { call = "decommit", nth = 1, times = 1000, status = "DRIVER" }
        support.fails("OUT_OF_MEMORY", "over the spill of", m:buffer(small))
        assert.equal(before + (1 << 15), m:stats().committed_bytes)
        m.fault:plan {}
        support.fails("DRIVER", "in the background", m:poll())
        full:free()
        m:trim()
        before = m:stats().committed_bytes
        small = assert(m:buffer(small))
        small:fill(3)
        assert.equal(before + (1 << 16), m:stats().committed_bytes)
        assert.equal(3, small:download()[1 << 16])
        for _, one in ipairs { small, spilled, b } do one:free() end
        assert.balanced(m)
    end)

    it("gives back what a growth that failed took, also under queued work", function()
        if spec.device ~= "host" then return end
        local m = short(16 * UNIT, { spill = 8 * UNIT })
        local b, c = exact(m, 8 * UNIT), exact(m, UNIT)
        local r = assert(m:record(function()
            for i = 1, 3 do c:copy(b, { first = i, count = 1 }) end
        end))
        for _ = 1, 100 do r:replay() end -- as a graph, in the end
        m:synchronize()
        local s, x = m:stream(), assert(m:semaphore())
        s:wait(x, 1)
        r:replay { stream = s }
        local ok, message = b:resize(60 * UNIT)
        local committed, idle = b.committed_bytes, s:idle()
        m:stream():signal(x, 1)
        support.fails("OUT_OF_MEMORY", "over the spill of", ok, message, "OUT_OF_MEMORY")
        assert.equal(8 * UNIT, committed)
        assert.is_false(idle)
        m:synchronize()
        assert.is_true(m:poll())
        assert.balanced(m)
    end)

    it("replays recordings before and after a move", function()
        local m, in_place = short(16 * UNIT)
        local a, b, c = exact(m, 12 * UNIT), exact(m, 8 * UNIT), exact(m, 8 * UNIT)
        b:fill(1)
        local r = assert(m:record(function()
            c:copy(b, { first = 2, count = 8 * UNIT - 1 })
            b:fill(3, 2, 100)
        end))
        assert(r:replay())
        assert.is_true(c:download(2, 8 * UNIT - 1):bytes() == ("\1"):rep(8 * UNIT - 1))
        a:free()
        assert.is_true(m:promote() > 0)
        if not in_place then return support.raises("has moved", r.replay, r) end
        assert(r:replay())
        assert.is_true(c:download(2, 200):bytes() == "\1" .. ("\3"):rep(100) .. ("\1"):rep(99))
        assert.is_true(b:resize(30 * UNIT))
        assert(r:replay())
        assert.equal("\3", c:download(102, 1):bytes())
        r:close()
    end)

    it("does over the border what recordings and calls do elsewhere, as graphs too, before and after moves", function()
        local m, in_place = short(16 * UNIT)
        local free = exact(m, 8 * UNIT)
        local b, c = exact(m, 7 * UNIT), exact(m, 2 * UNIT)
        for units = 9, 15, 2 do assert(b:resize(units * UNIT)) end -- in pieces, for some of which there is room later
        assert(c:resize(10 * UNIT))
        assert.is_true(m:stats().spilled.now > 0)
        local frames, now = b:readback { direct = true, slots = 2 }, b:readback { slots = 2 }
        local function work(call)
            b:fill(call, 2, 15 * UNIT - 2)
            b:fill(call + 1, 10 * UNIT, 3 * UNIT)
            c:copy(b, { first = 2, from_first = 6, count = 10 * UNIT - 1 }) -- no kernel of ours takes it
            frames:capture(call)
            now:capture(call)
        end
        local function check(value, length)
            local all = "\0" .. value:rep(10 * UNIT - 2) .. string.char(value:byte() + 1):rep(3 * UNIT) .. value:rep(2 * UNIT)
                .. ("\0"):rep(length - 15 * UNIT + 1)
            assert.is_true(b:download():bytes() == all, "b")
            assert.is_true(c:download(2, 10 * UNIT - 1):bytes() == all:sub(6, 10 * UNIT + 4), "c")
            assert.is_true(assert(frames:wait()).data:bytes() == all, "straight to the host")
            assert.is_true(assert(now:wait()).data:bytes() == all, "by the device")
        end
        work(1)
        check("\1", 15 * UNIT)
        local r = m:record(function() work(3) end)
        for _ = 1, 6 do -- as a graph, in the end
            frames:wait()
            now:wait()
            assert(r:replay())
        end
        check("\3", 15 * UNIT)
        free:free()
        if in_place then assert.is_true(m:promote() > 0) end
        if in_place then assert(r:replay()) else work(3) end
        check("\3", 15 * UNIT)
        b:resize(15 * UNIT)
        b:shrink_to_fit()
        assert.is_true(b:resize(20 * UNIT)) -- other memory at the same address
        if in_place then assert(r:replay()) else work(3) end
        check("\3", 20 * UNIT)
        r:close()
        frames:close()
        now:close()
        assert.balanced(m)
    end)

    it("refuses what it was not asked for, as ever", function()
        local m = short(16 * UNIT, { spill = 0 })
        local b = exact(m, 8 * UNIT)
        support.fails("OUT_OF_MEMORY", "the device has", b:resize(40 * UNIT))
        assert.equal(0, m:promote())
        assert.equal(0, m:stats().spilled.total)
        support.raises("spill", gpumm.manager, { device = "host", spill = {} })
        support.raises('did you mean "spill"', gpumm.manager, { device = "host", spil = "1GiB" })
    end)

    it("is as slow as it was asked to be on the host device", function()
        if spec.device ~= "host" then return end
        local m = short(16 * UNIT, { spill_rate = "1GiB" })
        local b = exact(m, 15 * UNIT)
        assert.is_true(b:resize(48 * UNIT))
        local main, spilled = m:main(), lies(b).host
        local from = main:record()
        b:fill(1)
        local to = main:record()
        m:synchronize()
        assert.is_true(from:elapsed(to) >= spilled / (1 << 30))
    end)
end)
