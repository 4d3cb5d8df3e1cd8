-- SPDX-License-Identifier: MIT
-- Every collective on every type, against what is computed here by plain loops. Run on several ranks by world_spec; by nccl_spec
-- arg[4] is the way that elements move, and why.

package.path = "./?.lua;" .. package.path
local common = require "spec.ranks.common"
local gpumm, same, bytes = common.gpumm, common.same, common.bytes
local world = require "gpumm.world"

local rank, size = common.open()
local way = arg[4] ~= "" and arg[4]
if way then common.device = "auto" end
local m = common.manager()

-- Of each type: its size, and whether it is one of numbers, which can be reduced.
local TYPES = {
    { "i8", 1, "i8" }, { "u8", 1, "u8" }, { "i16", 2, "i16" }, { "u16", 2, "u16" }, { "i32", 4, "i32" }, { "u32", 4, "u32" },
    { "i64", 8, "i64" }, { "u64", 8, "u64" }, { "f16", 2, "f16" }, { "f32", 4, "f32" }, { "f64", 8, "f64" },
    { "f32x3", 12, "f32" }, { "u8x4", 4, "u8" }, { "bytes5", 5 },
    { { { "id", "u32" }, { "at", "f64" } }, 16 },
}

local U32 <const> = TYPES[6]

local function name_of(type) return type[3] and type[1] or tostring(type[1]) end
local function buffer(type, text) return common.buffer(m, type[1], type[2], text) end
local function contents(b) return assert(b:download()):bytes() end

-- How many elements rank r has, in three patterns: none at all, none on some, many on one.
local COUNTS = {
    function() return 0 end,
    function(r) return (r * 7 + 3) % 5 == 3 and 0 or 5 + 3 * r end,
    function(r) return r == size - 1 and 3001 or r end,
}

local function seed(kind, r) return kind * 1000 + r + 1 end

-- ---- allgather ------------------------------------------------------------------------------------

local function allgather(type, count)
    local parts = {}
    for r = 0, size - 1 do parts[r + 1] = bytes(count(r) * type[2], seed(1, r)) end
    local to = buffer(type, "")
    assert(world.allgather { from = buffer(type, parts[rank + 1]), to = to })
    same(table.concat(parts), contents(to), "allgather of %s", name_of(type))
end

-- Every rank has its place in the same buffer; a tail behind all of them stays.
local function allgather_in_place(type, count)
    local parts, before = {}, 0
    for r = 0, size - 1 do
        parts[r + 1] = bytes(count(r) * type[2], seed(2, r))
        if r < rank then before = before + count(r) end
    end
    local whole, tail = table.concat(parts), bytes(3 * type[2], seed(3, rank))
    local b = buffer(type, ("\0"):rep(#whole) .. tail)
    if count(rank) > 0 then assert(b:upload(parts[rank + 1], before + 1)) end
    assert(world.allgather { from = b, first = before + 1, count = count(rank) })
    same(whole .. tail, contents(b), "allgather of %s in place", name_of(type))
end

-- What goes from GPU to GPU is under way when the call returns; work that is enqueued then has it, and the next call waits.
local function allgather_later(type, count)
    local parts = {}
    for r = 0, size - 1 do parts[r + 1] = bytes(count(r) * type[2], seed(8, r)) end
    local whole, from, to = table.concat(parts), buffer(type, parts[rank + 1]), buffer(type, "")
    local got = assert(world.allgather { from = from, to = to, later = true })
    for r = 0, size - 1 do same(count(r), got[r + 1], "elements of rank %d", r) end
    local copy = buffer(type, ("\0"):rep(#whole))
    if #whole > 0 then assert(copy:copy(to)) end
    assert(world.allgather { from = from, to = to, later = true })
    assert(world.barrier())
    same(whole, contents(to), "allgather of %s, waited for later", name_of(type))
    same(whole, contents(copy), "a copy of what is waited for later")
end

-- Its own GPU, also for a simulation of a part of a graph.
local function has_its_own_gpu()
    local blocks = {}
    for r = 0, size do blocks[r + 1] = r + 1 end
    local own = require "gpumm.world.part".new(world, blocks)
    same(("cuda:%d"):format(rank), world.device(), "the device of rank %d", rank)
    same(world.device(), own.device, "the device of a part")
    same(world.workers(), own.workers, "the workers of a part")
end

-- What does not go from GPU to GPU although it could on some rank goes through the host, and the way says whose fault it was.
local function goes_through_the_host()
    local first <close> = common.manager { device = "cuda:0" }
    local to, parts = common.buffer(first, "u32", 4, ""), {}
    for r = 0, size - 1 do parts[r + 1] = bytes(400, seed(9, r)) end
    assert(world.allgather { from = common.buffer(first, "u32", 4, parts[rank + 1]), to = to })
    same(table.concat(parts), contents(to), "allgather on one GPU")
    same("MPI: rank 1 has no NCCL, or its buffers are not on the GPU it joined with",
        table.concat({ world.way() }, ": "), "the way on one GPU")
    allgather(U32, COUNTS[2])
    same("NCCL", table.concat({ world.way() }, ": "), "the way on each one's GPU")
    local other <close> = common.manager { device = "cuda:" .. (rank + 1) % size }
    local there = common.buffer(other, "u32", 4, "")
    assert(world.allgather { from = common.buffer(other, "u32", 4, parts[rank + 1]), to = there })
    same(table.concat(parts), contents(there), "allgather on other GPUs")
    local none = "MPI: rank 0 has no NCCL, or its buffers are not on the GPU it joined with"
    same(none, table.concat({ world.way() }, ": "), "the way on other GPUs")
    local few = assert(m:buffer { type = "u32", length = 1, max_length = 1 })
    assert(not world.allgather { from = buffer(U32, parts[rank + 1]), to = few })
    same(none, table.concat({ world.way() }, ": "), "the way, which a call does not change that moves nothing")
    local b = buffer(U32, parts[rank + 1] .. ("\0"):rep(400 * size))
    assert(world.allgather { from = b, first = 1, count = 100 })
    same(table.concat(parts), contents(b):sub(1, 400 * size), "allgather of elements that lie elsewhere")
    same("MPI: rank 1's elements do not lie where they belong in the buffer", table.concat({ world.way() }, ": "),
        "the way of elements that lie elsewhere")
end

-- What grows is code of anyone's, and may not use what the call has in its hands.
local function nested()
    local said = {}
    local to = assert(m:buffer { type = "u32", length = 0, growth = function(request)
        for _, f in ipairs { function() return world.collect(("x"):rep(100000)) end, world.close } do
            said[#said + 1] = select(3, f())
        end
        return request.required
    end })
    local from, parts = buffer(U32, bytes(4000, rank)), {}
    for r = 0, size - 1 do parts[r + 1] = bytes(4000, r) end
    local came = assert(world.allgather { from = from, to = to })
    same("BUSY BUSY", table.concat(said, " "), "calls within a call")
    same(table.concat(parts), contents(to), "allgather to what grows by such a function")
    same(1000, came[size], "elements of the last rank")
    assert(world.barrier())
end

local function closed_streams()
    local s = assert(m:stream())
    s:close()
    local b = buffer(U32, bytes(8, 1))
    for _, f in ipairs { world.allgather, world.barrier } do
        local ok, message = pcall(f, f == world.barrier and { stream = s } or { from = b, stream = s })
        if ok or not tostring(message):find("the stream was closed", 1, true) then error("a closed stream was taken", 2) end
    end
end

-- The manager is closed before any other call, or the world is: what is under way is through then.
local function ended_with_a_call_under_way(close)
    local other = common.manager()
    local from, to = common.buffer(other, "u32", 4, bytes(4000, rank)), common.buffer(other, "u32", 4, "")
    assert(world.allgather { from = from, to = to, later = true })
    close(other)
end

-- ---- exchange -------------------------------------------------------------------------------------

local function exchange(type, count)
    local function from_to(r, s) return (count(r) + 2 * s) % 7 * (count(r) > 0 and 1 or 0) end
    local mine, counts, wanted, came = {}, {}, {}, {}
    for s = 0, size - 1 do
        counts[s + 1] = from_to(rank, s)
        mine[s + 1] = bytes(from_to(rank, s) * type[2], seed(10 + rank, s))
        came[s + 1] = from_to(s, rank)
        wanted[s + 1] = bytes(from_to(s, rank) * type[2], seed(10 + s, rank))
    end
    local first = bytes(2 * type[2], 5)
    local from, to = buffer(type, first .. table.concat(mine)), buffer(type, "")
    local got = assert(world.exchange { from = from, to = to, first = 3, counts = counts })
    same(table.concat(came, " "), table.concat(got, " "), "counts of an exchange of %s", name_of(type))
    same(table.concat(wanted), contents(to), "exchange of %s", name_of(type))
end

-- ---- broadcast --------------------------------------------------------------------------------------

local function broadcast(type, count)
    for root = 0, size - 1 do
        local text = bytes(count(root) * type[2], seed(4, root))
        local b = buffer(type, rank == root and text or rank % 2 == 0 and bytes(type[2], 1) or "")
        assert(world.broadcast { buffer = b, root = root })
        if count(root) > 0 then same(text, contents(b), "broadcast of %s from %d", name_of(type), root) end
    end
end

local function broadcast_part()
    local text = bytes(40, 9)
    local b = common.buffer(m, "u32", 4, rank == 0 and text or bytes(8, 77))
    assert(world.broadcast { buffer = b, first = 4, count = 5 })
    local mine = rank == 0 and text or bytes(8, 77) .. ("\0"):rep(4) .. text:sub(13, 32)
    same(mine, contents(b), "a part of a broadcast")
end

-- ---- allreduce ----------------------------------------------------------------------------------------

-- A number as its type has it, and in its order: IEEE 754's totalOrder for floats.
local WIDTH = { f32 = "i4", f64 = "i8" }
local cell = {}

local function rounded(kind, value)
    cell[kind] = cell[kind] or gpumm.view(kind, 1)
    cell[kind][1] = value
    return cell[kind][1]
end

local function wrapped(kind, value)
    local bits = tonumber(kind:match "%d+")
    if bits == 64 then return value end
    value = value & (1 << bits) - 1
    if kind:sub(1, 1) == "i" and value >> bits - 1 == 1 then value = value - (1 << bits) end
    return value
end

local function order(kind, value)
    if kind == "u64" then return value ~ math.mininteger end
    if math.type(value) == "integer" then return value end
    local width = WIDTH[kind] or "i4"
    local key = string.unpack("<" .. width, string.pack(width == "i8" and "<d" or "<f", value))
    return key < 0 and key ~ (width == "i8" and math.maxinteger or 0x7fffffff) or key
end

local REDUCE = {
    sum = function(kind, a, b)
        if kind:find "^f" then return rounded(kind, a + b) end
        return wrapped(kind, a + b)
    end,
    min = function(kind, a, b) return order(kind, b) < order(kind, a) and b or a end,
    max = function(kind, a, b) return order(kind, b) > order(kind, a) and b or a end,
}

-- Rank r's numbers: whole ones by their bits, floats of many sizes, so that their order matters.
local function numbers(type, count, r)
    local kind = type[3]
    local text = bytes(count * type[2], seed(6, r))
    if not kind:find "^f" then return gpumm.view(kind, text):totable() end
    local list, at = {}, 1
    for i = 1, #text * 8 // tonumber(kind:match "%d+") do
        local low, high = text:byte(at, at + 1)
        list[i], at = rounded(kind, ((low or 7) - 128) / 3 * 2.0 ^ ((high or 3) % 20 - 10)), at % (#text - 1) + 1
    end
    return list
end

local function allreduce(type, count, op)
    local parts, kind = {}, type[3]
    for r = 0, size - 1 do parts[r + 1] = numbers(type, count, r) end
    local wanted = table.move(parts[1], 1, #parts[1], 1, {})
    for r = 2, size do
        for i, value in ipairs(parts[r]) do wanted[i] = REDUCE[op](kind, wanted[i], value) end
    end
    local b = buffer(type, count > 0 and gpumm.view(kind, parts[rank + 1]):bytes() or "")
    local to = rank % 2 == 0 and b or buffer(type, "")
    local all = rank % 2 == 0 and world.allreduce { from = b, op = op } or world.allreduce { from = b, to = to, op = op }
    assert(all)
    if count > 0 then same(gpumm.view(kind, wanted):bytes(), contents(to), "%s of %s", op, name_of(type)) end
end

-- NaNs, zeros and infinities have their places.
local function special()
    local values = { 0.0, -0.0, math.huge, -math.huge, 0 / 0, -(0 / 0), 1.5, -1.5 }
    for _, kind in ipairs { "f32", "f64" } do
        for _, op in ipairs { "min", "max" } do
            local wanted = { table.unpack(values) }
            for r = 1, size - 1 do
                for i = 1, #values do wanted[i] = REDUCE[op](kind, wanted[i], values[(i + r - 1) % #values + 1]) end
            end
            local mine = {}
            for i = 1, #values do mine[i] = values[(i + rank - 1) % #values + 1] end
            local b = buffer({ kind, kind == "f32" and 4 or 8, kind }, gpumm.view(kind, mine):bytes())
            assert(world.allreduce { from = b, op = op })
            same(gpumm.view(kind, wanted):bytes(), contents(b), "%s of special %s", op, kind)
        end
    end
end

-- ---- The rest ---------------------------------------------------------------------------------------------

local function in_stream_order()
    local late <close> = common.manager { fault = { jitter = 3 + rank } } -- every operation of a stream is late by chance
    local s = assert(late:stream())
    local b = assert(late:buffer { type = "u64", length = 400000 * (rank + 1), max_length = 1e7 })
    local to = assert(late:buffer { type = "u64", length = 0, max_length = 1e7 })
    for i = 1, 3 do
        assert(b:fill(100 * i + rank, { stream = s }))
        assert(world.allgather { from = b, to = to, stream = s })
        assert(b:fill(7, { stream = s })) -- what was sent was taken
    end
    local got, at = assert(to:download()), 0
    for r = 0, size - 1 do
        local length = 400000 * (r + 1)
        for _, i in ipairs { 1, length // 2, length } do same(300 + r, got[at + i], "element %d of rank %d", i, r) end
        at = at + length
    end
    assert(world.barrier { stream = s })
    s:close()
end

local function texts()
    local wanted, out, back = {}, {}, {}
    for r = 0, size - 1 do
        wanted[r + 1] = r % 2 == 0 and "" or bytes(1000 * r, r)
        out[r + 1] = ("%d to %d"):format(rank, r):rep((rank + r) % 3)
        back[r + 1] = ("%d to %d"):format(r, rank):rep((rank + r) % 3)
    end
    same(table.concat(wanted, "|"), table.concat(assert(world.collect(wanted[rank + 1])), "|"), "collect")
    same(table.concat(back, "|"), table.concat(assert(world.trade(out)), "|"), "trade")
end

if way and way ~= "NCCL" then TYPES = { TYPES[10] } end

common.ending(m, function()
    for _, type in ipairs(TYPES) do
        if type[2] == 16 then type[1] = gpumm.struct(type[1]) end
        for _, count in ipairs(COUNTS) do
            allgather(type, count)
            allgather_in_place(type, count)
            allgather_later(type, count)
            exchange(type, count)
            broadcast(type, count)
        end
        for _, op in ipairs(type[3] and { "sum", "min", "max" } or {}) do
            for _, count in ipairs { 0, 1, 23 } do allreduce(type, count, op) end
        end
    end
    broadcast_part()
    special()
    in_stream_order()
    texts()
    nested()
    closed_streams()
    if way == "NCCL" then
        has_its_own_gpu()
        goes_through_the_host()
    end
    ended_with_a_call_under_way(function(other) other:close() end)
    assert(world.barrier())
    if way then same(way, table.concat({ world.way() }, ": "), "the way") end
    ended_with_a_call_under_way(function(other)
        world.close()
        other:close()
    end)
end)
