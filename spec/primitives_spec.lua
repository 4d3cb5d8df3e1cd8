-- successes: 41
-- SPDX-License-Identifier: MIT
-- Primitives against plain references: every operation, every type, lengths around those of threads, rows, tiles and
-- chunks; in place, on streams, with growth between, and where something fails.

local spec = require "gpumm.spec"

local LENGTHS = { 0, 1, 31, 32, 33, 256, 257, 1025, 4096, 4097 } -- and longer ones in spec/c/primitives.c
local TYPES = { "u32", "u64", "i32", "f32" }
local PACKS = { u32 = "I4", u64 = "i8", i32 = "i4", f32 = "f" }

local function open(options)
    local m = spec.manager(options)
    m:raising(true)
    return m
end

local function buffer(m, type, n, values)
    local b = m:buffer { type = type, length = n, max_size_bytes = "64MiB" }
    if values and n > 0 then b:upload(values) end
    return b
end

local function values_of(b, n)
    if n == 0 then return {} end
    return b:download(1, n):totable()
end

-- Whole numbers of the whole range of the type, floats that are sums of few bits, and some that are hard.
local function chance(seed)
    local state = seed * 0x9e3779b97f4a7c15 + 1
    return function()
        state = state ~ (state << 13)
        state = state ~ (state >> 7)
        state = state ~ (state << 17)
        return state
    end
end

local function number(type, bits, few)
    if few then return type == "f32" and (bits % 7) / 2 or bits % 5 end
    if type == "u32" then return bits & 0xffffffff end
    if type == "i32" then return (bits & 0xffffffff) - 0x80000000 end
    if type == "f32" then
        if bits % 61 == 0 then return -0.0 end
        if bits % 67 == 0 then return math.huge end
        return string.unpack("f", string.pack("f", (bits >> 11 & 0xffff) / 256 - 100))
    end
    return bits
end

local function list(type, n, seed, few)
    local next, all = chance(seed), {}
    for i = 1, n do all[i] = number(type, next(), few) end
    return all
end

local function wrapped(type, sum)
    if type == "u32" then return sum & 0xffffffff end
    if type == "i32" then return ((sum + 0x80000000) & 0xffffffff) - 0x80000000 end
    return sum
end

-- As numbers that compare as the elements do: those of floats are IEEE 754's totalOrder.
local function rank(type, value)
    if type == "u64" then return value ~ math.mininteger end
    if type ~= "f32" then return value end
    local bits = string.unpack("i4", string.pack("f", value))
    return bits < 0 and bits ~ 0x7fffffff or bits
end

local function bytes(type, values)
    local parts = {}
    for i, v in ipairs(values) do parts[i] = string.pack(PACKS[type], v) end
    return table.concat(parts)
end

local function check(type, wanted, got, what)
    if bytes(type, wanted) == bytes(type, got) then return end
    for i = 1, #wanted do
        if string.pack(PACKS[type], wanted[i]) ~= string.pack(PACKS[type], got[i]) then
            error(("%s of %s: element %d of %d is %s, and should be %s"):format(what, type, i, #wanted, got[i], wanted[i]), 2)
        end
    end
end

local function sums(type, values, exclusive)
    local out, sum = {}, type == "f32" and 0.0 or 0
    for i, v in ipairs(values) do
        local next = wrapped(type, sum + v)
        out[i] = exclusive and sum or next
        sum = next
    end
    return out, sum
end

local function sorted(type, keys, descending)
    local at = {}
    for i = 1, #keys do at[i] = i end
    table.sort(at, function(a, b)
        local x, y = rank(type, keys[a]), rank(type, keys[b])
        if x ~= y then return (x < y) ~= (descending or false) end
        return a < b
    end)
    local out, from = {}, {}
    for i, k in ipairs(at) do out[i], from[i] = keys[k], k - 1 end
    return out, from
end

describe("primitives", function()
    local m
    before_each(function() m = open() end)
    after_each(spec.close)

    for _, type in ipairs(TYPES) do
        it("scan " .. type, function()
            for _, n in ipairs(LENGTHS) do
                local values = list(type, n, n + 1, type == "f32") -- sums of floats that are exact in every order
                local from, to = buffer(m, type, n, values), buffer(m, type, n + 1)
                for _, exclusive in ipairs { false, true } do
                    local wanted, total = sums(type, values, exclusive)
                    m:scan { from = from, to = to, exclusive = exclusive, n = n }
                    check(type, wanted, values_of(to, n), "scan")
                    wanted[n + 1] = total
                    m:scan { from = from, to = to, exclusive = exclusive, total = true, n = n }
                    check(type, wanted, values_of(to, n + 1), "scan with total")
                end
                m:scan { from = from }
                check(type, sums(type, values), values_of(from, n), "scan in place")
            end
        end)

        it("reduce " .. type, function()
            local to, at, at4 = buffer(m, type, 1), buffer(m, "u64", 1), buffer(m, "u32", 2)
            for _, n in ipairs(LENGTHS) do
                local values = list(type, n, n + 3, type == "f32")
                local from = buffer(m, type, n, values)
                local _, sum = sums(type, values)
                m:reduce { from = from, to = to, op = "sum", n = n }
                check(type, { sum }, values_of(to, 1), "sum")
                values = list(type, n, n + 4, n % 2 == 1)
                if n > 0 then from:upload(values) end
                local least, most
                for i, v in ipairs(values) do
                    if not least or rank(type, v) < rank(type, values[least]) then least = i end
                    if not most or rank(type, v) > rank(type, values[most]) then most = i end
                end
                for op, i in pairs { min = least, max = most } do
                    m:reduce { from = from, to = to, op = op }
                    check(type, { values[i] }, values_of(to, 1), op)
                    m:reduce { from = from, to = at, op = "arg" .. op }
                    assert.equal(i - 1, values_of(at, 1)[1], op)
                    m:reduce { from = from, to = at4, op = "arg" .. op }
                    assert.equal(i - 1, values_of(at4, 1)[1], op)
                end
            end
        end)

        it("sort " .. type, function()
            for _, n in ipairs(LENGTHS) do
                local few = n % 2 == 0
                local keys = list(type, n, n + 5, few)
                local from, to = buffer(m, type, n, keys), buffer(m, type, n)
                local numbers = {}
                for i = 1, n do numbers[i] = i - 1 end
                local value, wide = buffer(m, "u32", n, numbers), buffer(m, "u64", n, numbers)
                for _, descending in ipairs { false, true } do
                    local wanted, order = sorted(type, keys, descending)
                    local to_value, to_wide = buffer(m, "u32", n), buffer(m, "u64", n)
                    m:sort { keys = from, to_keys = to, descending = descending }
                    check(type, wanted, values_of(to, n), "sort")
                    m:sort { keys = from, to_keys = to, values = value, to_values = to_value, descending = descending }
                    check(type, wanted, values_of(to, n), "sort of pairs")
                    check("u32", order, values_of(to_value, n), "values")
                    m:sort { keys = from, to_keys = to, values = wide, to_values = to_wide, descending = descending }
                    check("u64", order, values_of(to_wide, n), "wide values")
                end
                local wanted, order = sorted(type, keys)
                m:sort { keys = from, values = value }
                check(type, wanted, values_of(from, n), "sort in place")
                check("u32", order, values_of(value, n), "values in place")
            end
        end)

        it("unique " .. type, function()
            for _, n in ipairs(LENGTHS) do
                local values = list(type, n, n + 7, true)
                local wanted = {}
                for i, v in ipairs(values) do
                    if i == 1 or v ~= values[i - 1] then wanted[#wanted + 1] = v end
                end
                local from, to, count = buffer(m, type, n, values), buffer(m, type, n), buffer(m, "u32", 1)
                count:fill(77)
                m:unique { from = from, to = to, count = count }
                assert.equal(#wanted, values_of(count, 1)[1])
                check(type, wanted, values_of(to, #wanted), "unique")
            end
        end)

        it("select " .. type, function()
            for _, n in ipairs(LENGTHS) do
                local values, flags = list(type, n, n + 9), list("u32", n, n + 11, true)
                local wanted, places = {}, {}
                for i, v in ipairs(values) do
                    flags[i] = flags[i] // 3 * 200
                    if flags[i] ~= 0 then wanted[#wanted + 1], places[#places + 1] = v, i - 1 end
                end
                local from, to, count = buffer(m, type, n, values), buffer(m, type, n), buffer(m, "u64", 1)
                for _, flag_type in ipairs { "u8", "u32", "i32" } do
                    local flag = buffer(m, flag_type, n, flags)
                    count:fill(77)
                    m:select { from = from, flags = flag, to = to, count = count }
                    assert.equal(#wanted, values_of(count, 1)[1])
                    check(type, wanted, values_of(to, #wanted), "select")
                    local place = buffer(m, flag_type == "u8" and "u64" or "u32", n)
                    m:select { flags = flag, to = place, count = count }
                    assert.same(places, values_of(place, #places))
                end
            end
        end)

        it("histogram " .. type, function()
            for _, n in ipairs(LENGTHS) do
                local values = list(type, n, n + 13)
                for i, v in ipairs(values) do
                    if type ~= "f32" then values[i] = type == "i32" and v % 2000 - 1000 or v & 1023 end
                end
                local from = buffer(m, type, n, values)
                for _, bins in ipairs { 1, 10, 500, 5000 } do
                    local low = type == "i32" and -600 or type == "f32" and -60.5 or 10
                    local high = low + (type == "f32" and 100 or bins)
                    local wanted = {}
                    for i = 1, bins do wanted[i] = 0 end
                    local step = string.unpack("f", string.pack("f", bins / (high - low)))
                    for _, v in ipairs(values) do
                        if v >= low and v < high then
                            local bin = v - low
                            if type == "f32" then
                                bin = string.unpack("f", string.pack("f", bin))
                                bin = math.min(bins - 1, string.unpack("f", string.pack("f", bin * step)) // 1 | 0)
                            end
                            wanted[bin + 1] = wanted[bin + 1] + 1
                        end
                    end
                    for _, count in ipairs { "u32", "u64" } do
                        local to = buffer(m, count, bins)
                        m:histogram { from = from, to = to, low = low, high = high }
                        check(count, wanted, values_of(to, bins), "histogram")
                    end
                end
            end
        end)
    end

    it("of nothing", function()
        local from = buffer(m, "i32", 0)
        local to, at = buffer(m, "i32", 1), buffer(m, "u32", 1)
        local function reduced(op)
            m:reduce { from = from, to = op:find "arg" and at or to, op = op }
            return values_of(op:find "arg" and at or to, 1)[1]
        end
        assert.equal(0, reduced "sum")
        assert.equal(0x7fffffff, reduced "min")
        assert.equal(-0x80000000, reduced "max")
        assert.equal(0xffffffff, reduced "argmin")
        assert.equal(0xffffffff, reduced "argmax")
        to:fill(5)
        m:scan { from = from, to = to, total = true }
        assert.equal(0, values_of(to, 1)[1])
    end)

    it("floats are in the total order", function()
        local nan, negative = string.unpack("f", "\0\0\xc0\x7f"), string.unpack("f", "\0\0\xc0\xff")
        local raw = table.concat { string.pack("f", 1), "\0\0\xc0\x7f", string.pack("f", 0.0), string.pack("f", -0.0),
            "\0\0\xc0\xff", string.pack("f", -math.huge), "\1\0\xc0\x7f", string.pack("f", math.huge) }
        assert(nan ~= nan and negative ~= negative)
        local keys = buffer(m, "f32", 8)
        keys:upload(raw)
        m:sort { keys = keys }
        local wanted = table.concat { "\0\0\xc0\xff", string.pack("f", -math.huge), string.pack("f", -0.0),
            string.pack("f", 0.0), string.pack("f", 1), string.pack("f", math.huge), "\0\0\xc0\x7f", "\1\0\xc0\x7f" }
        assert.equal(wanted, keys:download():bytes())
        local to = buffer(m, "f32", 1)
        m:reduce { from = keys, to = to, op = "min" }
        assert.equal("\0\0\xc0\xff", to:download():bytes())
        m:reduce { from = keys, to = to, op = "max" }
        assert.equal("\1\0\xc0\x7f", to:download():bytes())
    end)

    it("sums of floats are the same each time", function()
        local n = 100000
        local from, to, other, one = buffer(m, "f32", n), buffer(m, "f32", n), buffer(m, "f32", n), buffer(m, "f32", 1)
        local next, values = chance(5), {}
        for i = 1, n do values[i] = (next() >> 40) / 1000 end
        from:upload(values)
        m:scan { from = from, to = to }
        m:reduce { from = from, to = one, op = "sum" }
        local first, sum = to:download():bytes(), one:download():bytes()
        for _ = 1, 3 do
            m:scan { from = from, to = other }
            m:reduce { from = from, to = one, op = "sum" }
            assert.equal(first, other:download():bytes())
            assert.equal(sum, one:download():bytes())
        end
    end)

    it("sums of floats are in the order that is written down", function()
        local function f32(x) return (string.unpack("f", string.pack("f", x))) end
        local function halves(t, first, n)
            while n > 1 do
                n = n // 2
                for i = first, first + n - 1 do t[i] = f32(t[i] + t[i + n]) end
            end
            return t[first]
        end
        local function chunk_sum(v, first, last)
            local lanes, rows = {}, (last - first + 1) // 1024
            for i = 0, 1023 do lanes[i] = v[first + rows * 1024 + i <= last and first + rows * 1024 + i or 0] or 0 end
            for row = rows - 1, 0, -1 do
                for i = 0, 1023 do lanes[i] = f32(lanes[i] + v[first + row * 1024 + i]) end
            end
            local four = {}
            for i = 0, 255 do
                four[i] = f32(f32(lanes[4 * i] + lanes[4 * i + 1]) + f32(lanes[4 * i + 2] + lanes[4 * i + 3]))
            end
            return halves(four, 0, 256)
        end
        local function distances(t, first)
            for _, d in ipairs { 1, 2, 4, 8, 16 } do
                for i = 31, d, -1 do t[first + i] = f32(t[first + i] + t[first + i - d]) end
            end
        end
        local n, values, next = 10000, {}, chance(9)
        for i = 1, n do values[i] = f32((next() >> 40) / 777) end
        local from, to, one = buffer(m, "f32", n, values), buffer(m, "f32", n), buffer(m, "f32", 1)
        m:reduce { from = from, to = one, op = "sum" }
        local chunks, wanted = {}, {}
        for c = 0, 2 do chunks[c + 1] = chunk_sum(values, c * 4096 + 1, math.min(n, (c + 1) * 4096)) end
        assert.equal(chunk_sum(chunks, 1, 3), one:download()[1])
        for c = 0, 2 do
            local lanes = {}
            for i = 0, 255 do lanes[i] = i < c and chunks[i + 1] or 0 end
            local before, sums_of, warps = halves(lanes, 0, 256), {}, {}
            local function at(i) return values[c * 4096 + i + 1] or 0 end
            for i = 0, 1023 do
                sums_of[i] = f32(f32(f32(at(4 * i) + at(4 * i + 1)) + at(4 * i + 2)) + at(4 * i + 3))
            end
            for w = 0, 31 do
                distances(sums_of, 32 * w)
                warps[w] = sums_of[32 * w + 31]
            end
            distances(warps, 0)
            for i = 0, 1023 do
                local sum = f32(before + (i < 32 and 0 or warps[i // 32 - 1]))
                sum = f32(sum + (i % 32 == 0 and 0 or sums_of[i - 1]))
                for k = 4 * i, 4 * i + 3 do
                    sum = f32(sum + at(k))
                    wanted[c * 4096 + k + 1] = sum
                end
            end
        end
        for i = n + 1, #wanted do wanted[i] = nil end
        m:scan { from = from, to = to }
        check("f32", wanted, values_of(to, n), "scan")
    end)

    it("looks at some bits of keys", function()
        local keys, to = buffer(m, "u32", 5, { 0x103, 0x201, 0x302, 0x401, 0x500 }), buffer(m, "u32", 5)
        m:sort { keys = keys, to_keys = to, bits = 3 }
        assert.same({ 0x500, 0x201, 0x401, 0x302, 0x103 }, values_of(to, 5))
        m:sort { keys = keys, bits = 3 }
        assert.same({ 0x500, 0x201, 0x401, 0x302, 0x103 }, values_of(keys, 5))
        m:sort { keys = keys, bits = 12 }
        assert.same({ 0x103, 0x201, 0x302, 0x401, 0x500 }, values_of(keys, 5))
    end)

    it("leaves what is beyond n", function()
        local a = buffer(m, "u32", 6, { 4, 3, 2, 1, 9, 9 })
        m:sort { keys = a, n = 4 }
        assert.same({ 1, 2, 3, 4, 9, 9 }, values_of(a, 6))
        m:scan { from = a, n = 3 }
        assert.same({ 1, 3, 6, 4, 9, 9 }, values_of(a, 6))
        local to, count = buffer(m, "u32", 6, { 7, 7, 7, 7, 7, 7 }), buffer(m, "u32", 2, { 5, 6 })
        m:unique { from = a, to = to, count = count }
        assert.same({ 1, 3, 6, 4, 9, 7 }, values_of(to, 6))
        assert.same({ 5, 6 }, values_of(count, 2))
    end)

    it("waits for other streams, and others for it", function()
        local s, t = m:stream(), m:stream()
        for round = 1, 5 do
            local n = 50000 + round
            local a, b, c = buffer(m, "u32", n), buffer(m, "u32", n), buffer(m, "u32", 1)
            a:fill(round, s)
            m:scan { from = a, to = b, exclusive = true, stream = t }
            m:sort { keys = b, descending = true, stream = s }
            m:reduce { from = b, to = c, op = "argmin", stream = t }
            assert.equal(n - 1, c:download()[1])
            assert.equal(round * (n - 1), b:download()[1])
        end
        s:close()
        t:close()
    end)

    it("works on what grew between", function()
        local a, b = m:buffer { type = "u32", length = 0, max_size_bytes = "64MiB" }, buffer(m, "u32", 100001)
        local n = 0
        while n < 100000 do
            local more = {}
            for i = 1, 9973 do more[i] = (n + i) * 7919 % 10007 end
            a:append(more)
            n = n + #more
            if n > 100000 then break end
            m:scan { from = a, to = b, n = n, total = true }
            m:sort { keys = a }
        end
        local all = values_of(a, n)
        local wanted = {}
        for i = 1, n do wanted[i] = i * 7919 % 10007 end
        table.sort(wanted, function(x, y) return x < y end)
        table.sort(all)
        check("u32", wanted, all, "grown")
    end)
end)

describe("primitives refuse", function()
    local m
    before_each(function() m = open() end)
    after_each(spec.close)
    local function refused(what, ...)
        local ok, message = pcall(...)
        assert.is_false(ok)
        assert.truthy(tostring(message):find(what, 1, true), tostring(message))
    end

    it("other types", function()
        local a, f, i, d = buffer(m, "u32", 4), buffer(m, "f32", 4), buffer(m, "i32", 4), buffer(m, "f64", 4)
        refused("it takes u32, u64, i32 or f32", m.scan, m, { from = d })
        refused("it takes the type of 'from', u32", m.scan, m, { from = a, to = f })
        refused("it takes u32 or u64", m.reduce, m, { from = f, to = f, op = "argmin" })
        refused("it takes the type of 'from', f32", m.reduce, m, { from = f, to = a, op = "sum" })
        refused("it takes the type of 'keys', u32", m.sort, m, { keys = a, to_keys = i })
        refused("values have 4 or 8", m.sort, m, { keys = a, values = buffer(m, "f32x3", 4) })
        refused("it takes u32 or u64", m.unique, m, { from = a, to = buffer(m, "u32", 4), count = i })
        refused("flags are u8, i8, u32 or i32", m.select, m, { from = a, flags = f, to = buffer(m, "u32", 4) })
        refused("it takes u32 or u64", m.histogram, m, { from = a, to = f })
        refused("TYPE_MISMATCH", m.scan, m, { from = d })
    end)

    it("buffers that are too short", function()
        local a, b = buffer(m, "u32", 4), m:allocate("short", "u32", 3)
        refused("scan, 'to': buffer 'short' has a length of 3, and 4 are needed", m.scan, m, { from = a, to = b })
        refused("has a length of 4, and 5 are needed", m.scan, m, { from = a, n = 5 })
        refused("has a length of 4, and 5 are needed", m.scan, m, { from = a, total = true })
        refused("has a length of 0, and 1 is needed", m.reduce, m, { from = a, to = buffer(m, "u32", 0), op = "sum" })
        refused("'to_values'", m.sort, m, { keys = a, values = a, to_values = b })
        refused("'flags'", m.select, m, { from = a, flags = b, to = a, n = 4 })
        m:free "short"
        refused("STALE", m.scan, m, { from = a, to = b })
    end)

    it("buffers in two roles", function()
        local a, b, c = buffer(m, "u32", 4), buffer(m, "u32", 4), buffer(m, "u32", 4)
        refused("'values' and 'keys' are both", m.sort, m, { keys = a, values = a })
        refused("'to_values' and 'keys' are both", m.sort, m, { keys = a, values = b, to_values = a })
        refused("'to_keys' and 'values' are both", m.sort, m, { keys = a, values = b, to_keys = b, to_values = c })
        refused("'to_values' and 'to_keys' are both", m.sort, m, { keys = a, values = b, to_keys = c, to_values = c })
        refused("'to' and 'from' are both", m.unique, m, { from = a, to = a })
        refused("'count' and 'to' are both", m.unique, m, { from = a, to = b, count = b })
        refused("'to' and 'flags' are both", m.select, m, { from = a, flags = b, to = b })
        refused("'to' and 'from' are both", m.histogram, m, { from = a, to = a })
    end)

    it("what makes no sense", function()
        local a, f, h = buffer(m, "u32", 4), buffer(m, "f32", 4), buffer(m, "u32", 3)
        refused('unknown option "form" (did you mean "from"?)', m.scan, m, { form = a })
        refused('option "from" is missing', m.scan, m, {})
        refused('option "to": a buffer expected', m.scan, m, { from = a, to = 3 })
        refused('option "op" is missing', m.reduce, m, { from = a, to = h })
        refused('unknown op "summ" (did you mean "sum"?)', m.reduce, m, { from = a, to = h, op = "summ" })
        refused("'bits' is 33, and the keys have 32", m.sort, m, { keys = a, bits = 33 })
        refused("only keys of u32 and u64", m.sort, m, { keys = f, bits = 8 })
        refused("'to_values' without 'values'", m.sort, m, { keys = a, to_values = h })
        refused("'low' and 'high' are finite", m.histogram, m, { from = f, to = h })
        refused("do not go evenly into 3 bins", m.histogram, m, { from = a, to = h, high = 10 })
        refused("low is less than high", m.histogram, m, { from = a, to = h, low = 5, high = 2 })
    end)

    it("another manager's", function()
        local other = open()
        local a, b = buffer(m, "u32", 4), buffer(other, "u32", 4)
        refused("belongs to another manager", m.scan, m, { from = a, to = b })
        refused("the stream belongs to another manager", m.scan, m, { from = a, stream = other:stream() })
    end)
end)

describe("primitives that fail", function()
    after_each(spec.close)
    local function everything(m, a, b, c, v, w)
        return {
            function() return m:scan { from = a, to = b, total = false } end,
            function() return m:scan { from = a } end,
            function() return m:reduce { from = a, to = c, op = "sum" } end,
            function() return m:reduce { from = a, to = c, op = "argmax" } end,
            function() return m:sort { keys = a, values = v } end,
            function() return m:sort { keys = a, values = v, to_keys = b, to_values = w } end,
            function() return m:unique { from = a, to = b, count = c } end,
            function() return m:select { from = a, flags = v, to = b, count = c } end,
            function() return m:histogram { from = a, to = c, n = 1000 } end,
        }
    end

    it("leave everything as it was, and the books balanced", function()
        local m = spec.inject_faults()
        local n = 33000
        local values = list("u32", n, 1)
        local a, b, c = buffer(m, "u32", n, values), buffer(m, "u32", n), buffer(m, "u32", 1)
        local v, w = buffer(m, "u32", n, values), buffer(m, "u32", n)
        local all = { a, b, c, v, w }
        local function contents()
            local parts = {}
            for i, x in ipairs(all) do parts[i] = x:download():bytes() end
            return table.concat(parts)
        end
        local failures = 0
        for k, run in ipairs(everything(m, a, b, c, v, w)) do
            for call, most in pairs { launch = 16, builtin = 4, commit = 2 } do
                for nth = 1, most do
                    local before, used = contents(), m:stats().scratch.now
                    m.fault:plan { call = call, nth = nth, status = call == "commit" and "OUT_OF_MEMORY" or "DRIVER" }
                    local ok, message = run()
                    m.fault:plan {}
                    if ok then break end
                    failures = failures + 1
                    assert.truthy(message:find "fault" or message:find "OUT_OF_MEMORY", message)
                    assert.equal(before, contents(), ("operation %d, %s %d"):format(k, call, nth))
                    assert.equal(used, m:stats().scratch.now)
                    assert(m:check())
                end
            end
        end
        assert.truthy(failures > 30, failures)
        m:close()
        assert.equal(0, m.fault:live().modules)
    end)

    it("for the limit leave everything too", function()
        local m = spec.manager { limit = "1MiB" }
        local n = 100000
        local a = buffer(m, "u32", n, list("u32", n, 1))
        local before = a:download():bytes()
        local ok, message, code = m:sort { keys = a }
        assert.is_nil(ok)
        assert.equal("OVER_LIMIT", code)
        assert.truthy(message:find "sort: scratch of", message)
        assert.equal(before, a:download():bytes())
        assert(m:scan { from = a })
    end)
end)

describe("primitives", function()
    after_each(spec.close)
    it("take scratch and give it back, in a constant number of pieces", function()
        local m = open()
        local n = 100000
        local a, v = buffer(m, "u32", n, list("u32", n, 1)), buffer(m, "u32", n)
        local total = m:stats().scratch.total
        for _ = 1, 20 do m:sort { keys = a, values = v } end
        m:synchronize()
        local entry = m:stats().scratch
        assert.equal(0, entry.now)
        assert.truthy(entry.peak >= 4 * 4 * n)
        assert.truthy(entry.total - total <= 1)
    end)

    it("need no compiler on the host", function()
        if spec.device ~= "host" then return end
        local m = open { fault = true }
        local a = buffer(m, "f32", 100)
        m:sort { keys = a }
        assert.equal(0, m.fault:calls "compile")
        assert.equal(0, m.fault:calls "module_open")
        assert.equal(3, m.fault:calls "builtin")
    end)
end)
