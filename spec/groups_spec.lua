-- successes: 24
-- SPDX-License-Identifier: MIT
-- Groups: one length, one capacity, one growth; all members or none.

local gpumm = require "gpumm"
local spec = require "gpumm.spec"
local support = require "spec.support"
local raises, fails, unchanged = support.raises, support.fails, support.unchanged

for _, relocate in ipairs { false, true } do
    describe(relocate and "groups, relocating" or "groups", function()
        local function nodes(options, length)
            options = options or {}
            options.relocate = relocate
            local m = spec.manager(options)
            local g = m:group {
                { "position", "f32x2" }, { "mass", "f32" }, { "id", "u64" },
                name = "nodes", length = length or 0, growth = 1.5, max_length = 1000000,
            }
            return m, g, { g.position, g.mass, g.id }
        end
        local function rows(from, count)
            local p, w, id = {}, {}, {}
            for i = from, from + count - 1 do
                p[#p + 1], w[#w + 1], id[#id + 1] = { i, -i }, i / 2, i << 40
            end
            return { position = p, mass = w, id = id }
        end
        local function check(g, count)
            assert.equal(count, #g)
            local p, w, id = g.position:download(), g.mass:download(), g.id:download()
            for i = 1, count do
                local x, y = p:get(i)
                assert.is_true(x == i and y == -i and w[i] == i / 2 and id[i] == i << 40)
            end
        end
        after_each(spec.close)

        it("share length, capacity and growth", function()
            local m, g, members = nodes()
            assert.is_true(g:append(rows(1, 1000)))
            for _, b in ipairs(members) do
                assert.equal(1000, b.length)
                assert.equal(g.capacity, b.capacity)
                assert.equal(1000000, b.max_length)
            end
            assert.equal(20 * g.capacity, g.capacity_bytes)
            assert.equal(20 * g.capacity, m:stats().total_allocated_bytes)
            assert.equal(3, m:stats().buffer_count)
            assert.equal(1, m:stats().resize_count)
            check(g, 1000)
        end)

        it("append rows behind rows", function()
            local _, g = nodes()
            local count = 0
            for step = 1, 12 do
                g:append(rows(count + 1, step * 100))
                count = count + step * 100
            end
            check(g, count)
        end)

        it("leave zeros in members that were not given", function()
            local _, g = nodes(nil, 3)
            g.mass:fill(7)
            g:append { position = { { 1, 2 }, { 3, 4 } } }
            g:append(2)
            assert.view_equals({ { 0, 0 }, { 0, 0 }, { 0, 0 }, { 1, 2 }, { 3, 4 }, { 0, 0 }, { 0, 0 } },
                g.position:download())
            assert.view_equals({ 7, 7, 7, 0, 0, 0, 0 }, g.mass:download())
            assert.view_equals({ 0, 0, 0, 0, 0, 0, 0 }, g.id:download())
        end)

        it("append all or nothing, whichever call fails", function()
            local m, g, members = nodes { fault = true, memory = "256MiB", debug = false }
            g:append(rows(1, 8100))
            local failures = {}
            for _, call in ipairs { "commit", "reserve", "alloc", "copy", "fill" } do
                for nth = 1, 50 do
                    m:synchronize()
                    m:trim()
                    local before, length = support.state(m, table.unpack(members)), #g
                    m.fault:plan { call = call, nth = nth, status = "DRIVER" } -- memory is asked for again
                    local ok, message, code = g:append(rows(length + 1, g.capacity - length + 1))
                    m.fault:plan {}
                    if ok then break end
                    failures[call] = (failures[call] or 0) + 1
                    fails("DRIVER", "", ok, message, code)
                    m:synchronize()
                    m:trim()
                    support.same_state(before, support.state(m, table.unpack(members)))
                end
            end
            assert.is_true(failures.copy >= 3)
            if m:device().kind == "host" then
                assert.is_true(failures[m:device().in_place and "commit" or "alloc"] >= 2)
            end
            check(g, #g)
        end)

        it("refuse rows of different counts, unknown members and bad values, before anything is written", function()
            local m, g, members = nodes()
            g:append(rows(1, 5))
            unchanged(m, function()
                raises("append: 'mass' has 3 elements, but 'position' has 2", g.append, g,
                    { position = { 1, 2, 3, 4 }, mass = { 1, 2, 3 } })
                raises('unknown member "masses" (did you mean "mass"?); valid: position, mass, id', g.append, g,
                    { masses = { 1 } })
                raises('unknown member "mass\\0"', g.append, g, { mass = { 1 }, ["mass\0"] = { 1 } })
                raises("{member = data, …} expected, got a number as a key", g.append, g, { { 1, 2 } })
                raises("no member is given data", g.append, g, {})
                raises("element 2: u64 wants an integer, not 0.5", g.append, g, { position = { 1, 2, 3, 4 }, id = { 1, 0.5 } })
                raises("a table {member = data, …} or a count expected", g.append, g, "rows")
                raises("append to the group", g.mass.append, g.mass, { 1 })
                fails("OVER_MAX_SIZE", "group 'nodes'", g:append(1000000))
            end, members)
            check(g, 5)
        end)

        it("resize through any member", function()
            local _, g = nodes()
            g:append(rows(1, 10))
            assert.is_true(g.mass:resize(500))
            assert.equal(500, #g)
            assert.equal(500, g.id.length)
            assert.is_true(g.id:resize(10))
            check(g, 10)
            assert.is_true(g.position:ensure_capacity(7777))
            assert.equal(7777, g.mass.capacity)
            check(g, 10)
        end)

        it("shrink to fit, and grow again", function()
            local m, g = nodes()
            g:append(rows(1, 50000))
            g:resize(12345)
            assert.is_true(g:shrink_to_fit())
            assert.equal(12345, g.capacity)
            assert.equal(20 * 12345, m:stats().total_allocated_bytes)
            assert.equal(20 * 12345, m:stats().used_bytes)
            check(g, 12345)
            g:append(rows(12346, 40000))
            check(g, 52345)
            if m:device().in_place then assert.equal(1, g.generation) end
        end)

        it("are read back as one moment", function()
            local m, g = nodes { fault = true, memory = "256MiB" }
            g:append(rows(1, 3000))
            local r = g:readback { "position", "id", slots = 2 }
            m:synchronize()
            m.fault:hold("copy")
            local ticket = r:capture(5)
            g.position:fill { 0, 0 }
            g.id:fill(0)
            m.fault:release()
            local frame = r:wait(ticket)
            assert.equal(3000, #frame)
            assert.same({ 3000, -3000 }, { frame.position:get(3000) })
            assert.equal(3000 << 40, frame.id[3000])
            assert.is_nil(frame.mass)
            assert.same({ 0, 0 }, { g.position:download():get(3000) })
        end)
    end)
end

describe("groups", function()
    after_each(spec.close)

    it("name their members", function()
        local m = spec.manager()
        local g = m:group { { "p", "u8" }, { "q", "f32x3" }, name = "nodes", length = 2 }
        assert.same({ "p", "q" }, g:members())
        assert.equal("nodes", g.name)
        assert.equal("p", g.p.name)
        assert.is_true(rawequal(g.q, g:member("q")))
        assert.is_true(rawequal(g, g.q.group))
        assert.is_nil(g.r)
        raises('unknown member "r"; valid: p, q', g.member, g, "r")
        raises('unknown member "p\\0"; valid: p, q', g.readback, g, { "p\0" })
        local names = {}
        for _, block in ipairs(m:blocks()) do names[block.name] = block.bytes end
        assert.equal(2, names["nodes.p"])
        assert.equal(24, names["nodes.q"])
    end)

    it("may have members that are called as a method or property is, which wins: member() reaches all", function()
        local m = spec.manager()
        for _, name in ipairs { "append", "resize", "readback", "length", "capacity", "free", "name", "member", "step",
            "keep", "data", "time", "dropped", "type", "get" } do
            local g = m:group { { name, "u8" }, { "p", "u8" } }
            assert(g:append { [name] = { 7, 8 }, p = { 1, 2 } })
            assert.view_equals({ 7, 8 }, g:member(name):download())
            assert.equal(2, g.length)
            assert.equal("function", type(g.resize))
            local r = assert(g:readback { name })
            local frame = assert(r:wait(r:capture(3)))
            assert.view_equals({ 7, 8 }, frame:member(name))
            assert.equal(3, frame.step)
            assert(g:free())
        end
    end)

    it("raise for what is nearly the name of something", function()
        local g = spec.manager():group { { "position", "f32x2" }, { "mass", "f32" }, length = 2 }
        raises("gpumm.group has no 'positoin' (did you mean 'position'?)", function() return g.positoin end)
        raises("gpumm.group has no 'lenght' (did you mean 'length'?)", function() return g.lenght end)
        raises("a member's elements are on the device: g.member:download()", function() return g[1] end)
        raises("gpumm.group.length cannot be assigned: g:resize(n)", function() g.length = 5 end)
        assert.is_nil(g.velocity)
    end)

    it("refuse what is no group", function()
        local m = spec.manager()
        unchanged(m, function()
            raises("a group has 1 to 64 members, not 0", m.group, m, {})
            local many = {}
            for i = 1, 65 do many[i] = { "m" .. i, "u8" } end
            raises("a group has 1 to 64 members, not 65", m.group, m, many)
            raises("two members are named 'p'", m.group, m, { { "p", "u8" }, { "p", "f32" } })
            raises("group member 1: {name, type} expected", m.group, m, { "p" })
            raises("group member 1: its name must be a string", m.group, m, { { 5, "u8" } })
            raises('group member "p": {name, type} expected, its type is missing', m.group, m, { { "p" } })
            raises("'f33' is no element type", m.group, m, { { "p", "f33" } })
            raises("group member 1: its name has a zero byte", m.group, m, { { "p\0", "u8" } })
            raises("a member's name has 1 to 255 bytes; this one has more", m.group, m, { { ("p"):rep(10000), "u8" } })
            raises("a member's name has 1 to 255 bytes; this one has none", m.group, m, { { "", "u8" } })
            raises("a group's name has 1 to 255 bytes", m.group, m, { { "p", "u8" }, name = ("g"):rep(10000) })
            raises('unknown option "lenght" (did you mean "length"?)', m.group, m, { { "p", "u8" }, lenght = 1 })
            raises('option "max_length": a count', m.group, m, { { "p", "u8" }, max_length = -1 })
            fails("OVER_MAX_SIZE", "11 elements are more than the maximum of 10",
                m:group { { "p", "u8" }, length = 11, max_length = 10 })
            raises("more than can be addressed", m.group, m, { { "p", "u64" }, { "q", "u8" }, max_length = math.maxinteger // 8 })
        end)
    end)

    it("take 64 members and a least length", function()
        local m = spec.manager()
        local members = { min_length = 100, length = 3 }
        for i = 1, 64 do members[i] = { "m" .. i, i % 2 == 0 and "u8" or "f64" } end
        local g = m:group(members)
        for i = 1, 64 do g["m" .. i]:fill(i) end
        assert.equal(100, g.capacity)
        assert.equal(100 * 32 * 9, m:stats().total_allocated_bytes)
        for i = 1, 64 do assert.view_equals({ i, i, i }, g["m" .. i]:download()) end
    end)

    it("outlive their handle", function()
        local m = spec.manager()
        local member = m:group({ { "p", "u8" }, { "q", "u8" }, length = 3 }).p
        collectgarbage()
        collectgarbage()
        member:fill(5)
        assert.view_equals({ 5, 5, 5 }, member:download())
        assert.is_true(member.group:append(1))
        assert.view_equals({ 5, 5, 5, 0 }, member:download())
    end)

    it("are freed whole, once", function()
        local m = spec.manager()
        local g = m:group { { "p", "u8" }, { "q", "u8" }, length = 3000 }
        local p = g.p
        assert.is_true(g:free())
        assert.equal(0, m:stats().used_bytes)
        raises("STALE", g.free, g)
        raises("STALE", g.append, g, 1)
        raises("STALE", p.download, p)
        g:close()
    end)

    it("take strings and views as columns", function()
        local m = spec.manager()
        local g = m:group { { "p", "f32x2" }, { "w", "u16" } }
        g:append { p = string.pack("<ffff", 1, 2, 3, 4), w = gpumm.view("u16", { 7, 8 }) }
        g:append { p = g.p:download(), w = "\9\0\10\0" }
        assert.view_equals({ { 1, 2 }, { 3, 4 }, { 1, 2 }, { 3, 4 } }, g.p:download())
        assert.view_equals({ 7, 8, 9, 10 }, g.w:download())
        raises("TYPE_MISMATCH", g.append, g, { w = gpumm.view("i16", 2) })
    end)
end)
