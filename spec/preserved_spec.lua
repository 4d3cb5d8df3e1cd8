-- successes: 13
-- SPDX-License-Identifier: MIT
-- Data through growth: every byte, in place and relocating.

local gpumm = require "gpumm"
local spec = require "gpumm.spec"
local support = require "spec.support"

for _, relocate in ipairs { false, true } do
    describe(relocate and "preserved, relocating" or "preserved", function()
        local function manager() return spec.manager { relocate = relocate } end
        after_each(spec.close)

        it("keeps every byte over fourteen growths, and new elements are zero", function()
            local m = manager()
            local b = m:allocate("b", "u8", 300000, { growth_factor = 1.3 })
            local address, expected, moves = b.address, support.bytes(300000, 1), 0
            b:upload(expected)
            for step = 1, 14 do
                local length, generation, before = b.length, b.generation, b.address
                assert.is_true(b:resize(b.capacity + 1))
                assert.equal(step, m:stats().resize_count)
                assert.equal(expected .. string.rep("\0", b.length - length), b:download():bytes())
                local new = support.bytes(b.length - length, step + 1)
                assert.is_true(b:upload(new, length + 1))
                expected = expected .. new
                moves = moves + b.generation - generation
                assert.equal(b.generation ~= generation, b.address ~= before)
            end
            assert.equal(expected, b:download():bytes())
            if not m:device().in_place then
                assert.is_true(moves >= 5) -- growths within one commit step do not move
            else
                assert.equal(1, b.generation)
                assert.equal(address, b.address)
            end
        end)

        it("keeps a small buffer where it is up to its maximum", function()
            local m = manager()
            local b = m:allocate("b", "u8", 100, { max_size_bytes = 60000, min_size_bytes = 0 })
            local address, expected = b.address, support.bytes(100, 3)
            b:upload(expected)
            while b.capacity < 60000 do
                local new = support.bytes(math.min(b.capacity, 60000 - b.length), b.capacity)
                assert.is_true(b:append(new))
                expected = expected .. new
                assert.equal(expected, b:download():bytes())
            end
            assert.equal(address, b.address)
            assert.equal(1, b.generation)
        end)

        it("keeps structs, with their padding's neighbours", function()
            local m = manager()
            local type = gpumm.struct { { "tag", "u8" }, { "weight", "f64" }, { "ends", "u32x2" }, { "id", "u64" } }
            local b = m:allocate("b", type, 0, { growth = gpumm.growth.exact() })
            for i = 1, 3000, 500 do
                local list = {}
                for j = i, i + 499 do
                    list[#list + 1] = { tag = j % 256, weight = j / 8, ends = { j, j + 1 }, id = -j }
                end
                b:append(list)
            end
            local v = b:download()
            assert.equal(3000, #v)
            for j = 1, 3000 do
                local tag, weight, ends, id = v:get(j)
                assert.equal(j % 256, tag)
                assert.equal(j / 8, weight)
                assert.same({ j, j + 1 }, ends)
                assert.equal(-j, id)
            end
        end)

        it("keeps every member of a group, and grows them at once", function()
            local m = manager()
            local g = m:group { { "a", "u8" }, { "b", "f32x3" }, { "c", "u64" }, length = 1000, growth = 1.4 }
            local a, b, c = support.bytes(1000, 1), support.bytes(12000, 2), support.bytes(8000, 3)
            g.a:upload(a)
            g.b:upload(b)
            g.c:upload(c)
            for step = 1, 12 do
                local more = g.capacity - g.length + 1
                local x, y, z = support.bytes(more, step), support.bytes(12 * more, step), support.bytes(8 * more, step)
                assert.is_true(g:append { a = x, b = y, c = z })
                a, b, c = a .. x, b .. y, c .. z
                assert.equal(g.capacity, g.a.capacity)
                assert.equal(g.capacity, g.c.capacity)
            end
            assert.equal(12, m:stats().resize_count)
            assert.equal(a, g.a:download():bytes())
            assert.equal(b, g.b:download():bytes())
            assert.equal(c, g.c:download():bytes())
        end)

        it("keeps what another stream wrote just before the growth", function()
            local m = manager()
            local s = m:stream()
            local b = m:allocate("b", "u32", 200000)
            for step = 1, 6 do
                local filled = b.length
                b:fill(step, { stream = s })
                assert.is_true(b:resize(b.capacity + 1)) -- on the main stream
                local expected = string.pack("<I4", step):rep(filled) .. string.rep("\0", 4 * (b.length - filled))
                assert.is_true(expected == b:download():bytes())
            end
        end)

        it("keeps a capture that was under way, at its own length", function()
            local m = spec.inject_faults({}, { relocate = relocate, memory = "256MiB" })
            local b = m:allocate("b", "u8", 100000)
            local before = support.bytes(100000, 5)
            b:upload(before)
            local r = b:readback { slots = 2 }
            m.fault:hold("copy")
            local ticket = r:capture(7)
            assert.is_true(b:resize(1))
            m.fault:release()
            assert.is_true(b:resize(900000))
            b:fill(0x11)
            local frame = r:wait(ticket)
            assert.equal(7, frame.step)
            assert.equal(100000, frame.length)
            assert.equal(before, frame.data:bytes())
            assert.equal(string.rep("\x11", 900000), b:download():bytes())
        end)
    end)
end

describe("preserved", function()
    after_each(spec.close)

    it("bumps the generation with every move, and tells frames of it", function()
        local m = spec.manager { relocate = true }
        local b = m:allocate("b", "u8", 100000)
        local r = b:readback {}
        r:capture(1)
        assert.equal(1, r:wait().generation)
        local address = b.address
        b:ensure_capacity(1 << 25)
        assert.equal(2, b.generation)
        assert.is_true(b.address ~= address)
        r:capture(2)
        assert.equal(2, r:wait().generation)
    end)
end)
