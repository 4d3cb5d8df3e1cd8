-- successes: 16
-- SPDX-License-Identifier: MIT
-- Striped buffers: one address range whose memory is on several devices in turn. On the host device, which stands for them
-- all, and on CUDA where there are two.

local gpumm = require "gpumm"
local spec = require "gpumm.spec"
local support = require "spec.support"

local STRIPE <const> = 2 << 20 -- what CUDA commits
local ONE_GPU <const> = "skipped: 1 test of stripe_spec.lua needs two GPUs"

describe("a striped buffer", function()
    after_each(spec.close)

    local function manager(options)
        local all = { debug = false }
        for key, value in pairs(options or {}) do all[key] = value end
        local m = spec.inject_faults({}, all)
        return m, m:device().kind == "host"
    end

    -- The test is over where the machine has fewer GPUs than its devices.
    local function striped(m, options)
        local all = { type = "u8", length = 0, devices = { 0, 1 }, stripe = STRIPE, max_size_bytes = "256MiB",
            growth = gpumm.growth.exact(), ahead = 0 }
        for key, value in pairs(options or {}) do all[key] = value end
        local b, message, code = m:buffer(all)
        if code == "NO_DEVICE" and m:device().kind == "cuda" then
            error(ONE_GPU, 0)
        end
        return assert(b, message)
    end

    -- On a machine with one GPU it says that it did not run.
    local function test(name, f)
        it(name, function()
            local ok, message = pcall(f)
            if message == ONE_GPU then return print(ONE_GPU) end
            if not ok then error(message, 0) end
        end)
    end

    -- Different bytes in every half stripe, and what they are.
    local function written(b, seed)
        local step = STRIPE // 2
        for at = 1, b.length, step do b:fill((at // step * 7 + seed) % 251, at, math.min(step, b.length - at + 1)) end
        return b:download():bytes()
    end

    local function pieces(n, first)
        local all = {}
        for i = 0, n - 1 do
            all[i + 1] = { offset = i * STRIPE, bytes = STRIPE, kind = "device", device = (first or 0) ~ (i % 2) }
        end
        return all
    end

    test("has its segments on the devices in turn, and growth goes on where it stopped", function()
        local m = manager()
        local b = striped(m, { length = 2 * STRIPE + 5 })
        local address, generation = b.address, b.generation
        assert.same(pieces(3), b:residency())
        assert.same({ [0] = 2 * STRIPE, [1] = STRIPE }, m:stats().striped_bytes)
        local before = written(b, 3)
        for n = 4, 7 do
            assert.is_true(b:resize(n * STRIPE))
            assert.same(pieces(n), b:residency())
            assert.same({ [0] = (n + 1) // 2 * STRIPE, [1] = n // 2 * STRIPE }, m:stats().striped_bytes)
        end
        assert.equal(address, b.address)
        assert.equal(generation, b.generation)
        assert.equal(7 * STRIPE, b.committed_bytes)
        assert.is_true(b:download():bytes() == before .. ("\0"):rep(5 * STRIPE - 5))
        local all = written(b, 11)
        assert.is_true(b:download():bytes() == all)
        assert.equal(7, #b:segments())
        assert.balanced(m)
    end)

    test("gives back from the end, in whole stripes, and is zero where it grows again", function()
        local m = manager()
        local b = striped(m, { length = 5 * STRIPE })
        local all = written(b, 5)
        b:resize(2 * STRIPE + 1)
        assert.is_true(b:shrink_to_fit())
        m:synchronize()
        m:trim()
        assert.same(pieces(3), b:residency())
        assert.same({ [0] = 2 * STRIPE, [1] = STRIPE }, m:stats().striped_bytes)
        assert.equal(3 * STRIPE, b.committed_bytes)
        assert.is_true(b:download():bytes() == all:sub(1, 2 * STRIPE + 1))
        assert.is_true(b:resize(4 * STRIPE))
        assert.same(pieces(4), b:residency())
        assert.is_true(b:download():bytes() == all:sub(1, 2 * STRIPE + 1) .. ("\0"):rep(2 * STRIPE - 1))
        b:free()
        m:synchronize()
        m:trim()
        assert.is_nil(m:stats().striped_bytes)
        assert.equal(0, m:stats().cached.now)
        assert.balanced(m)
    end)

    test("is as any other for copies, appends, readbacks and names", function()
        local m = manager()
        local b = striped(m, { type = "u32", length = STRIPE // 2 }) -- two stripes
        local plain = assert(m:buffer { type = "u32", length = STRIPE // 2 })
        plain:fill(77)
        b:copy(plain)
        b:fill(5, STRIPE // 4 - 1, 4) -- over the border
        assert.is_true(b:append { 1, 2, 3 })
        local count = STRIPE // 2
        assert.view_equals({ 77, 5, 5, 5, 5, 77 }, b:download(STRIPE // 4 - 2, 6))
        assert.view_equals({ 77, 1, 2, 3 }, b:download(count, 4))
        local r = assert(b:readback { slots = 2 })
        assert.equal(3, assert(r:wait(assert(r:capture(1)))).data[count + 3])
        r:close()
        plain:copy(b, { from_first = 4, count = count })
        assert.equal(1, plain:download()[count - 2])
        local named = assert(m:allocate("nodes", "f32x2", 10, { devices = { 0, 1 }, stripe = "2MiB" }))
        assert.equal(0, named:residency()[1].device)
        assert.equal(named, m:get_buffer("nodes"))
        assert.is_true(m:check())
        m:free("nodes")
        assert.is_true(m:check())
    end)

    -- Four stripes and a buffer of one device: what b is, and how often the driver's entry was called for `work`.
    local function beside(options)
        local m, host = manager(options)
        local b = striped(m, { length = 4 * STRIPE })
        local plain = assert(m:buffer { type = "u8", length = 4 * STRIPE, growth = gpumm.growth.exact() })
        local function calls(entry, times, work) -- how many pieces there are is CUDA's alone
            local before = host and 0 or m.fault:calls(entry)
            assert(work())
            if not host then assert.equal(times, m.fault:calls(entry) - before, entry) end
        end
        return m, b, plain, calls, host
    end

    test("is copied, uploaded and filled in pieces of one device each, or by a kernel over all of them", function()
        local m, b, plain, calls, host = beside()
        local all, own = written(b, 3), not host and m.fault:calls "cuLaunchKernelEx" > 0
        calls("cuMemcpyDtoDAsync", own and 0 or 4, function() return plain:copy(b) end)
        assert.is_true(plain:download():bytes() == all)
        plain:fill(0)
        calls("cuMemcpyDtoDAsync", 4, function() -- to no address that is aligned as it is here
            return plain:copy(b, { first = 2, from_first = STRIPE // 2, count = 7 * STRIPE // 2 - 5 })
        end)
        assert.is_true(plain:download():bytes() == "\0" .. all:sub(STRIPE // 2, 4 * STRIPE - 6) .. ("\0"):rep(STRIPE // 2 + 4))
        local other = striped(m, { length = 4 * STRIPE, devices = { 0 } })
        calls("cuMemcpyDtoDAsync", 1, function() return other:copy(plain, { first = 2, count = 4 * STRIPE - 1 }) end)
        calls("cuMemcpyDtoDAsync", 2, function() -- a byte before and behind a border
            return b:copy(other, { first = 2 * STRIPE, from_first = 8, count = 2 })
        end)
        calls("cuMemcpyHtoDAsync", 2, function() return b:upload("abcd", STRIPE - 1) end)
        calls("cuMemsetD8Async", own and 0 or 3, function() return b:fill(9, STRIPE + 3, 3 * STRIPE - 2) end)
        local tail = other:download(8, 2):bytes()
        assert.is_true(b:download():bytes() == all:sub(1, STRIPE - 2) .. "abcd" .. ("\9"):rep(3 * STRIPE - 2))
        b:copy(other, { first = 2 * STRIPE, from_first = 8, count = 2 })
        assert.equal("\9" .. tail .. "\9", b:download(2 * STRIPE - 1, 4):bytes())
        calls("cuMemcpyDtoHAsync", 2, function() return b:download(3 * STRIPE - 1, 4) end)
    end)

    test("does in recordings what calls do, before and after growth, as a graph too", function()
        local m, b, plain = beside()
        local r = assert(m:record(function()
            b:fill(5, 3, 3 * STRIPE)
            plain:copy(b, { first = 2, from_first = 3, count = 4 * STRIPE - 2 }) -- in pieces, and as a whole
            b:copy(plain, { first = 1, count = STRIPE })
            plain:copy(b, { count = 4 * STRIPE })
        end))
        local function check(length)
            local all = written(b, 11)
            assert(r:replay())
            all = all:sub(1, 2) .. ("\5"):rep(3 * STRIPE) .. all:sub(3 * STRIPE + 3, length)
            local first = "\0" .. all:sub(3, STRIPE + 1)
            all = first .. all:sub(STRIPE + 1)
            assert.is_true(b:download():bytes() == all)
            assert.is_true(plain:download():bytes() == all:sub(1, 4 * STRIPE))
            plain:fill(0)
        end
        for _ = 1, 6 do check(4 * STRIPE) end
        assert.is_true(b:resize(5 * STRIPE))
        check(5 * STRIPE)
        b:resize(2 * STRIPE)
        b:shrink_to_fit()
        m:synchronize()
        m:trim()
        assert.is_true(b:resize(4 * STRIPE)) -- other memory at the same address
        for _ = 1, 2 do check(4 * STRIPE) end
        r:close()
    end)

    test("is one copy where a piece fails: nothing but contents has changed, and the next one is whole", function()
        local m, b, plain, _, host = beside()
        local all = written(b, 7)
        plain:fill(1)
        local state = support.state(m, b)
        local entry = host and "copy" or "cuMemcpyDtoDAsync"
        for nth = 1, host and 1 or 4 do
            m.fault:plan { call = entry, nth = nth, status = "DRIVER" }
            support.fails("DRIVER", entry, plain:copy(b, { first = 2, count = 4 * STRIPE - 1 }))
            m.fault:plan {}
            assert.same(state, support.state(m, b))
            assert.balanced(m)
        end
        assert.is_true(b:download():bytes() == all)
        assert.is_true(plain:copy(b, { first = 2, count = 4 * STRIPE - 1 }))
        assert.is_true(plain:download():bytes() == "\1" .. all:sub(1, 4 * STRIPE - 1))
    end)

    test("begins with the device that is named first, and may be on one alone", function()
        local m = manager()
        local b, alone = striped(m, { devices = { 1, 0 }, length = 3 * STRIPE }), striped(m, { devices = { 0 }, length = 1 })
        assert.same(pieces(3, 1), b:residency())
        assert.same({ { offset = 0, bytes = STRIPE, kind = "device", device = 0 } }, alone:residency())
        assert.same({ [0] = 2 * STRIPE, [1] = 2 * STRIPE }, m:stats().striped_bytes)
    end)

    test("has stripes of 64 MiB by default, rounded up to what is committed", function()
        local m = manager()
        local b = striped(m, { stripe = STRIPE // 2 + 1, length = 1 })
        assert.is_true(b.committed_bytes % m:device().granularity == 0 and b.committed_bytes > STRIPE // 2)
        b = assert(m:buffer { type = "u8", length = 1, devices = { 0 } })
        assert.equal(64 << 20, b.committed_bytes)
    end)

    test("counts against the limit by its capacity, on whichever device", function()
        local m = manager { limit = 3 * STRIPE }
        local b = striped(m, { length = 2 * STRIPE })
        assert.equal(2 * STRIPE, m:stats().used_bytes)
        local state = support.state(m, b)
        support.fails("OVER_LIMIT", "limit", b:resize(4 * STRIPE))
        assert.same(state, support.state(m, b))
        assert.is_true(b:resize(3 * STRIPE))
    end)

    test("fails where one of the devices is full, and says which on the host", function()
        local m, host = manager { memory = 3 * STRIPE, granularity = 64 << 10, spill = "64MiB" }
        if not host then return end
        local b = striped(m, { length = 4 * STRIPE })
        local plain = assert(m:buffer { type = "u8", length = STRIPE, max_size_bytes = STRIPE, growth = gpumm.growth.exact() })
        local all, state = written(b, 2), support.state(m, b)
        support.fails("OUT_OF_MEMORY", "on device 0 is over its quota of 6.0 MiB", b:resize(5 * STRIPE))
        assert.same(state, support.state(m, b))
        assert.equal(0, m:stats().spilled.now)
        plain:free()
        assert.is_true(b:resize(6 * STRIPE)) -- what was cached made room
        assert.same({ [0] = 3 * STRIPE, [1] = 3 * STRIPE }, m:stats().striped_bytes)
        assert.is_true(b:download(1, 4 * STRIPE):bytes() == all)
    end)

    test("loses nothing where the device refuses, at whichever step", function()
        local m, host = manager()
        local b = striped(m, { length = STRIPE })
        local all, state = written(b, 9), support.state(m, b)
        local calls = { commit_striped = 1 }
        if not host then calls = { commit_striped = 1, cuMemCreate = 3, cuMemMap = 3, cuMemSetAccess = 1 } end
        for call, times in pairs(calls) do
            for nth = 1, times do
                for _, status in ipairs { "OUT_OF_MEMORY", "DRIVER" } do
                    m.fault:plan { call = call, nth = nth, status = status, times = call == "commit_striped" and 100 or nil }
                    local ok, message, code = b:resize(4 * STRIPE)
                    m.fault:plan {}
                    if ok then -- what is out of memory once is tried again
                        assert.equal("OUT_OF_MEMORY", status)
                        b:resize(STRIPE)
                        b:shrink_to_fit()
                        m:synchronize()
                        m:trim()
                    else
                        support.fails(status, "", ok, message, code)
                    end
                    state.stats.resize_count, state.stats.gate_waits = m:stats().resize_count, m:stats().gate_waits
                    assert.same(state, support.state(m, b))
                    assert.balanced(m)
                end
            end
        end
        assert.is_true(b:download():bytes() == all)
        for _, call in ipairs { "reserve", "commit_striped", "fill" } do
            m.fault:plan { call = call, nth = 1, status = "DRIVER" }
            support.fails("DRIVER", "fault: call " .. call, m:buffer { type = "u8", length = 3 * STRIPE, devices = { 0, 1 },
                stripe = STRIPE, max_size_bytes = "256MiB" })
        end
        m.fault:plan { call = "stripe_check", nth = 1, status = "DRIVER" }
        support.fails("DRIVER", "call stripe_check", m:buffer { type = "u8", devices = { 0, 1 }, stripe = 4 * STRIPE })
        m.fault:plan {}
        m:synchronize()
        m:trim()
        assert.same({ [0] = STRIPE }, m:stats().striped_bytes)
        assert.balanced(m)
    end)

    test("keeps memory that the device will not take back, in the books", function()
        local m = manager()
        local b = striped(m, { length = 4 * STRIPE })
        m.fault:plan { call = "decommit", nth = 1, times = 1000, status = "DRIVER" }
        b:free()
        m:synchronize()
        m:trim()
        m.fault:plan {}
        support.fails("DRIVER", "decommit", m:poll())
        assert.same({ [0] = 2 * STRIPE, [1] = 2 * STRIPE }, m:stats().striped_bytes)
        assert.equal(4 * STRIPE, m:stats().cached.now)
        assert.balanced(m)
        m:trim()
        assert.is_nil(m:stats().striped_bytes)
    end)

    test("is refused where it cannot be, by what would be right", function()
        local m, host = manager()
        striped(m)
        local function refused(words, options)
            options.type = "u8"
            support.raises(words, m.buffer, m, options)
        end
        refused("is not shareable: leave out one of the options devices and shareable", { devices = { 0, 1 }, shareable = true })
        refused("device 1 is there twice", { devices = { 0, 1, 1 } })
        refused("devices are numbered 0 to 15", { devices = { 0, 16 } })
        refused("the manager's own device, number 0, is not one of the buffer's devices: add it", { devices = { 1 } })
        refused("name them by the option devices", { stripe = "64MiB" })
        refused("a stripe of 1.5 GiB is too long: it is at most 1 GiB", { devices = { 0 }, stripe = 3 << 29 })
        refused("stripe is 0", { devices = { 0 }, stripe = 0 })
        for _, devices in ipairs { {}, { "a" }, { -1 }, { 0.5 }, { 1 << 40 }, "all", 2 } do
            refused("option \"devices\": a list of whole numbers from 0 expected", { devices = devices })
        end
        local many = {}
        for i = 1, 17 do many[i] = i - 1 end
        refused("17 numbers are more than 16", { devices = many })
        if not host then
            support.fails("NO_DEVICE", "there is no device cuda:9", m:buffer { devices = { 0, 9 } })
        end
        assert.balanced(m)
    end)

    test("has no more than 64 kinds of stripes in a manager", function()
        local m = manager()
        striped(m)
        for i = 2, 64 do assert(m:buffer { devices = { 0 }, stripe = i * STRIPE, max_size_bytes = 4 }):free() end
        support.raises("a manager has no more than 64 stripes", m.buffer, m, { devices = { 0 }, stripe = 65 * STRIPE })
        striped(m):free()
    end)

    test("is on no other device than the one that was chosen, but on the host, which stands for any", function()
        local kind = manager():device().kind
        local text, code = support.run("--quiet --device " .. kind, [[
            local m = assert(require "gpumm".manager())
            local function try(devices)
                return pcall(m.buffer, m, { type = "u8", length = 1, max_size_bytes = 8, devices = devices, stripe = "2MiB" })
            end
            local ok, message = try { 0, 1 }
            print(ok or message)
            local _, b = try { 0 }
            print(#b, #m:buffer { type = "u8", length = 3, max_size_bytes = 8 })
            print(pcall(m.allocate, m, "x", "u8", 1, { devices = { 1, 0 } }))
            for number, bytes in pairs(m:stats().striped_bytes) do print(number, bytes) end]])
        assert.equal(0, code, text)
        support.contains("1\t3\n", text)
        if kind == "host" then
            assert.is_nil(text:find("not allowed", 1, true))
        else
            support.contains("a buffer on several devices is not allowed: the application or --device chose 'cuda'", text)
            assert.equal(2, select(2, text:gsub("not allowed", "")))
            support.contains("\n0\t" .. STRIPE .. "\n", text)
            assert.is_nil(text:find("\n1\t" .. STRIPE, 1, true))
        end
    end)

    test("needs memory that grows in place", function()
        local m = manager { relocate = true }
        support.raises("a buffer on several devices needs memory that grows in place", m.buffer, m, { devices = { 0, 1 } })
    end)
end)
