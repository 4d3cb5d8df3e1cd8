-- successes: 53
-- SPDX-License-Identifier: MIT
-- Kernels in CUDA C: arguments by name and by position, what is checked before a launch, struct types, errors at
-- the user's file and line, what the host refuses, atomics, thread counts, files beside the script, the cache.

local gpumm = require "gpumm"
local spec = require "gpumm.spec"
local support = require "spec.support"
local message_of, buffer = support.message_of, support.buffer

local ADD = [[
extern "C" __global__ void add(int n, float *values, const float *more, float factor)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) values[i] += factor * more[i];
}]]

local folder = support.folder()
teardown(folder.remove)

local function setup_add()
    local m = spec.manager()
    return m, assert(m:kernel { source = ADD }), buffer(m, "f32", { 1, 2, 3 }), buffer(m, "f32", { 10, 20, 30 })
end

after_each(spec.close)

describe("a kernel", function()
    it("with an enum before its count does not count threads by that", function()
        local m = spec.manager()
        local a = buffer(m, "f32", { 0, 0, 0 })
        local k = assert(m:kernel { source = [[
            enum mode { off, on };
            extern "C" __global__ void choose(mode which, int n, float *a) {
                int i = blockIdx.x * blockDim.x + threadIdx.x;
                if (i < n) a[i] = which == off ? 7 : 8;
            }]] })
        assert(k { which = 0, n = 3, a = a })
        assert.view_equals({ 7, 7, 7 }, a:download())
    end)

    it("may declare a known struct in every way that C has", function()
        local m = spec.manager()
        local ends = gpumm.struct { { "from", "u32" }, { "to", "u32" } }
        local e = assert(m:buffer { type = ends, length = 1 })
        for i, text in ipairs {
            "typedef struct { unsigned from, to; } ends, *ends_pointer;",
            "static const struct ends { unsigned from, to; } nothing = { 1, 2 };",
            'extern "C" struct ends { unsigned from, to; };',
            "namespace own { struct ends { unsigned from, to; }; }\nusing own::ends;",
        } do
            local k = assert(m:kernel { types = { ends = ends }, source = text
                .. '\nextern "C" __global__ void k(int n, ends *e) { if (threadIdx.x == 0) e[0].to = n; }' })
            assert(k { n = i, e = e })
            assert.equal(i, select(2, e:download():get(1)))
        end
        local _, message = m:kernel { types = { ends = ends }, source =
            'struct ends { unsigned from, to, more; };\nextern "C" __global__ void k(int n, ends *e) { e[0].to = n; }' }
        assert.truthy(message:find("the source's own struct 'ends' has 12 bytes", 1, true))
    end)
end)

describe("a launch", function()
    it("takes its arguments by name", function()
        local _, add, values, more = setup_add()
        assert.is_true(add { n = 3, values = values, more = more, factor = 0.5 })
        assert.view_equals({ 6, 12, 18 }, values:download())
    end)

    it("takes them by position, and a stream or {stream =, threads =} behind either", function()
        local m, add, values, more = setup_add()
        local side = assert(m:stream())
        assert(add(3, values, more, 1))
        assert(add(3, values, more, 1, side))
        assert(add(3, values, more, 1, { stream = side }))
        assert(add({ n = 3, values = values, more = more, factor = 1 }, side))
        assert(add({ n = 3, values = values, more = more, factor = 1 }, { threads = 3 }))
        assert(add:launch(3, values, more, 1))
        assert.view_equals({ 61, 122, 183 }, values:download())
    end)

    it("is checked before it is made: names", function()
        local _, add, values, more = setup_add()
        assert.truthy(message_of(add, { n = 3, value = values, more = more, factor = 1 })
            :find("unknown parameter of kernel 'add' \"value\" (did you mean \"values\"?); valid: n, values, more, factor",
                1, true))
        assert.truthy(message_of(add, { n = 3, values = values, factor = 1 })
            :find("kernel 'add': parameter 'more' is missing; it takes: n, values, more, factor", 1, true))
        assert.truthy(message_of(add, { n = 3, values = values, more = more, ["factor\0"] = 1 })
            :find("unknown parameter of kernel 'add' \"factor\\0\"", 1, true))
        assert.truthy(message_of(add, 3, values, more)
            :find("kernel 'add' takes 4 arguments (n, values, more, factor), got 3", 1, true))
        assert.truthy(message_of(add, 3, values, more, 1, 2, 3):find "takes 4 arguments")
        assert.truthy(message_of(add):find "takes 4 arguments")
        assert.view_equals({ 1, 2, 3 }, values:download())
    end)

    it("is checked before it is made: kinds and types", function()
        local m, add, values, more = setup_add()
        local doubles = buffer(m, "f64", { 1, 2, 3 })
        assert.truthy(message_of(add, 3, doubles, more, 1):find "TYPE_MISMATCH.*values.*f64")
        assert.truthy(message_of(add, 3, 5, more, 1)
            :find("kernel 'add', parameter 'values' (float *): a buffer, a scratch or gpumm.null expected, got number", 1, true))
        local group = m:group { { "more", "f32" }, length = 3 }
        assert.truthy(message_of(add, 3, values, group, 1):find("gpumm.null expected, got gpumm.group", 1, true))
        assert.truthy(message_of(add, 3, values, "more", 1):find("'more' (const float *)", 1, true))
        assert.truthy(message_of(add, "three", values, more, 1):find "n")
        assert.truthy(message_of(add, values, values, more, 1):find "'n'")
        assert.truthy(message_of(add, 2 ^ 31, values, more, 1):find "i32")
        assert.truthy(message_of(add, 1.5, values, more, 1):find "i32")
        assert.truthy(message_of(add, 3, values, more, {}):find "f32")
        assert.view_equals({ 1, 2, 3 }, values:download())
    end)

    it("refuses what is gone or another's", function()
        local m, add, values, more = setup_add()
        local other = spec.manager()
        assert.truthy(message_of(add, 3, buffer(other, "f32", { 1, 2, 3 }), more, 1):find "another manager")
        assert.truthy(message_of(add, 3, values, more, 1, (assert(other:stream()))):find "another manager")
        local gone = buffer(m, "f32", { 1, 2, 3 })
        gone:free()
        assert.truthy(message_of(add, 3, gone, more, 1):find "STALE")
        local scratch = assert(m:scratch("f32", 3))
        scratch:close()
        assert.truthy(message_of(add, 3, scratch, more, 1):find "CLOSED")
        add:close()
        assert.truthy(message_of(add, 3, values, more, 1):find "CLOSED")
        assert.view_equals({ 1, 2, 3 }, values:download())
    end)

    it("of no threads is no work, and a negative count is a mistake", function()
        local _, add, values, more = setup_add()
        assert(add(0, values, more, 1))
        assert.view_equals({ 1, 2, 3 }, values:download())
        assert.truthy(message_of(add, -1, values, more, 1):find "INVALID_ARGUMENT.*n")
        assert(add({ n = 3, values = values, more = more, factor = 1 }, { threads = 0 }))
        assert(add(3, values, more, 1, { threads = 0 }))
        assert.view_equals({ 1, 2, 3 }, values:download())
    end)

    it("without parameters takes where alone, as other calls take it behind the last", function()
        local m = spec.manager()
        local k = assert(m:kernel { source = '__device__ int g; extern "C" __global__ void none() { g = 1; }' })
        local side = assert(m:stream())
        assert(k { threads = 5 })
        assert(k { threads = 5, stream = side })
        assert(k({}, { threads = 5 }))
        assert.truthy(message_of(k, { treads = 5 }):find('"treads"', 1, true))
        assert.truthy(message_of(k):find "say how many")
        assert.truthy(message_of(k, {}):find "say how many")
    end)

    it("of no threads still wants arguments that fit", function()
        local m, add, values, more = setup_add()
        local other = buffer(spec.manager(), "f32", { 1, 2, 3 })
        local ids = buffer(m, "i32", { 1, 2, 3 })
        assert.truthy(message_of(add, 3, ids, more, 1, { threads = 0 }):find "TYPE_MISMATCH.*values")
        assert.truthy(message_of(add, 3, values, other, 1, { threads = 0 }):find "INVALID_ARGUMENT.*another manager")
        local stream = assert(m:stream())
        stream:close()
        assert.truthy(message_of(add, 3, values, more, 1, { threads = 0, stream = stream }):find "closed")
    end)

    it("passes gpumm.null and false for a pointer to nothing, and refuses nil, which a mistyped name gives", function()
        local m = spec.manager()
        local k = assert(m:kernel { source = [[
            extern "C" __global__ void maybe(int n, unsigned *out, const unsigned *from) {
                int i = blockIdx.x * blockDim.x + threadIdx.x;
                if (i < n) out[i] = from ? from[i] : 77;
            }]] })
        local out, from = buffer(m, "u32", { 0, 0 }), buffer(m, "u32", { 5, 6 })
        assert(k { n = 2, out = out, from = gpumm.null })
        assert.view_equals({ 77, 77 }, out:download())
        assert(k(2, out, from))
        assert.view_equals({ 5, 6 }, out:download())
        assert(k(2, out, gpumm.null))
        assert.view_equals({ 77, 77 }, out:download())
        assert.truthy(message_of(k, 2, out, nil):find("parameter 'from' (const unsigned *): a buffer, a scratch or "
            .. "gpumm.null expected, got nil", 1, true))
        assert(k { n = 2, out = out, from = from })
        assert(k { n = 2, out = out, from = false })
        assert.view_equals({ 77, 77 }, out:download())
    end)

    it("passes values of every scalar type as they are", function()
        local m = spec.manager()
        local k = assert(m:kernel { threads = "n", source = [[
            extern "C" __global__ void pass(int n, double *out, signed char a, unsigned char b, short c, unsigned short d,
                                            int e, unsigned int f, long long g, unsigned long long h, float x, double y) {
                if (blockIdx.x * blockDim.x + threadIdx.x >= n) return;
                out[0] = a; out[1] = b; out[2] = c; out[3] = d; out[4] = e; out[5] = f;
                out[6] = (double)g; out[7] = (double)h; out[8] = x; out[9] = y;
            }]] })
        local out = assert(m:buffer { type = "f64", length = 10 })
        assert(k(1, out, -128, 255, -32768, 65535, -2147483648, 4294967295, -(1 << 53), 1 << 53, 0.5, 0.1))
        assert.view_equals({ -128, 255, -32768, 65535, -2147483648, 4294967295, -2.0 ^ 53, 2.0 ^ 53, 0.5, 0.1 },
            out:download())
        assert.truthy(message_of(k, 1, out, 128, 0, 0, 0, 0, 0, 0, 0, 0, 0):find "i8")
        assert.truthy(message_of(k, 1, out, 0, -1, 0, 0, 0, 0, 0, 0, 0, 0):find "u8")
    end)

    it("passes truth values, and nothing else for them", function()
        local m = spec.manager()
        local k = assert(m:kernel { source = [[
            extern "C" __global__ void choose(int n, int *out, bool yes, const bool no) { out[0] = yes; out[1] = no; }]] })
        local out = buffer(m, "i32", { 7, 7 })
        assert(k(1, out, true, false))
        assert.view_equals({ 1, 0 }, out:download())
        assert(k { n = 1, out = out, yes = 0, no = 1 })
        assert.view_equals({ 0, 1 }, out:download())
        for _, bad in ipairs { 2, -1, 0.5, "true", {} } do
            assert.truthy(message_of(k, 1, out, bad, true)
                :find("kernel 'choose', parameter 'yes' (bool): true, false, 0 or 1 expected, got", 1, true))
        end
    end)

    it("names the parameter whose value does not fit, down to the field", function()
        local m = spec.manager()
        local push = gpumm.struct { { "by", "f32x2" }, { "times", "u8" }, name = "push" }
        local k = assert(m:kernel { threads = "n", types = { push }, source = [[
            extern "C" __global__ void apply(int n, unsigned long long seed, push p) {}]] })
        assert.truthy(message_of(k, 1, 1.5, { by = { 1, 2 }, times = 3 })
            :find("kernel 'apply', parameter 'seed': u64 wants an integer, not 1.5", 1, true))
        assert.truthy(message_of(k, 1, 1, { by = { 1, 2 }, times = 300 })
            :find("kernel 'apply', parameter 'p'.times: 300 does not fit u8", 1, true))
    end)

    it("passes vectors and structs by value", function()
        local m = spec.manager()
        local push = gpumm.struct { { "by", "f32x2" }, { "times", "u8" }, { "weight", "f64" }, name = "push" }
        local k = assert(m:kernel { threads = "n", types = { push }, source = [[
            extern "C" __global__ void apply(int n, float2 *out, float2 start, push p) {
                int i = blockIdx.x * blockDim.x + threadIdx.x;
                if (i >= n) return;
                out[i].x = start.x + p.by.x * p.times * (float)p.weight;
                out[i].y = start.y + p.by.y * p.times * (float)p.weight;
            }]] })
        local out = assert(m:buffer { type = "f32x2", length = 2 })
        assert(k { n = 2, out = out, start = { 1, 2 }, p = { by = { 10, 20 }, times = 3, weight = 0.5 } })
        assert.view_equals({ { 16, 32 }, { 16, 32 } }, out:download())
        local good = { by = { 1, 2 }, times = 3, weight = 1 }
        assert.truthy(message_of(k, { n = 2, out = out, start = { 1 }, p = good }):find "f32x2")
        assert.truthy(message_of(k, { n = 2, out = out, start = { 1, 2 }, p = { buy = { 1, 2 } } }):find "buy")
    end)
end)

describe("threads", function()
    local SOURCE = [[
        extern "C" __global__ void count(float weight, unsigned int first, int n, unsigned *hits) {
            atomicAdd(hits, 1u);
            if (blockIdx.x * blockDim.x + threadIdx.x == 0) hits[1] = gridDim.x * blockDim.x;
        }]]

    local function hits(k, m, arguments, where)
        local b = buffer(m, "u32", { 0, 0 })
        arguments.hits = b
        assert(k(arguments, where))
        return b:download()[1]
    end

    it("are counted by the first integer parameter, or the one that is named", function()
        local m = spec.manager()
        local first = assert(m:kernel { source = SOURCE, block = 1 })
        local named = assert(m:kernel { source = SOURCE, threads = "n", block = 1 })
        assert.equal("first", first.threads)
        assert.equal("n", named.threads)
        assert.equal(5, hits(first, m, { weight = 1, first = 5, n = 9 }))
        assert.equal(9, hits(named, m, { weight = 1, first = 5, n = 9 }))
        assert.equal(3, hits(named, m, { weight = 1, first = 5, n = 9 }, { threads = 3 }))
    end)

    it("come in whole blocks, at least as many as asked for", function()
        local m = spec.manager()
        local k = assert(m:kernel { source = SOURCE, threads = "n", block = 64 })
        local got = hits(k, m, { weight = 1, first = 5, n = 100 })
        assert.is_true(got == 128 or got == 100)
    end)

    it("must be named right", function()
        local m = spec.manager()
        local _, message = pcall(m.kernel, m, { source = SOURCE, threads = "m" })
        assert.truthy(tostring(message):find "'m'")
        _, message = pcall(m.kernel, m, { source = SOURCE, threads = "weight" })
        assert.truthy(tostring(message):find "weight")
    end)

    it("of every index run once: a million of them", function()
        local m = spec.manager { workers = 3 }
        local k = assert(m:kernel { source = [[
            extern "C" __global__ void touch(int n, unsigned char *seen) {
                int i = blockIdx.x * blockDim.x + threadIdx.x;
                if (i < n) seen[i] += 1;
            }]] })
        local n = 1000003
        local seen = assert(m:buffer { type = "u8", length = n })
        assert(k(n, seen))
        assert.is_true(seen:download():bytes() == ("\1"):rep(n))
    end)
end)

describe("atomics", function()
    local function run(body, types, data, n)
        local m = spec.manager { workers = 3 }
        local k = assert(m:kernel { source = ([[
            extern "C" __global__ void f(int n, %s *v) {
                int i = blockIdx.x * blockDim.x + threadIdx.x;
                if (i >= n) return;
                %s
            }]]):format(types[1], body) })
        local b = buffer(m, types[2], data)
        assert(k(n, b))
        return b:download()
    end

    it("add, on integers, floats and the fields of vectors", function()
        assert.view_equals({ 100000 }, run("atomicAdd(v, 1);", { "int", "i32" }, { 0 }, 100000))
        assert.view_equals({ 5000050000 }, run("atomicAdd(v, (unsigned long long)i + 1);",
            { "unsigned long long", "u64" }, { 0 }, 100000))
        assert.view_equals({ 65536 }, run("atomicAdd(v, 1.0f);", { "float", "f32" }, { 0 }, 65536))
        assert.view_equals({ { 10000, -20000 } }, run("atomicAdd(&v->x, 1.0f); atomicAdd(&v->y, -2.0f);",
            { "float2", "f32x2" }, { { 0, 0 } }, 10000))
    end)

    it("find the least and the most", function()
        assert.view_equals({ -49999, 50000 }, run("atomicMin(v, i - 49999); atomicMax(v + 1, i - 49999);",
            { "int", "i32" }, { 7, 7 }, 100000))
    end)

    it("exchange, and compare and swap", function()
        -- A list of all threads, linked by exchanges: every thread is in it once.
        local n = 5000
        local data = {}
        for i = 1, n + 1 do data[i] = 0 end
        local view = run("v[i + 1] = atomicExch(v, i + 1);", { "int", "i32" }, data, n)
        local at, length = view[1], 0
        while at ~= 0 do at, length = view[at + 1], length + 1 end
        assert.equal(n, length)
        assert.view_equals({ n * (n - 1) // 2 }, run([[
            unsigned old = *v, seen;
            do { seen = old; old = atomicCAS(v, seen, seen + i); } while (old != seen);]],
            { "unsigned", "u32" }, { 0 }, n))
    end)
end)

describe("a struct type", function()
    it("puts its C declaration into the source, and has its layout", function()
        local m = spec.manager()
        local body = gpumm.struct { { "kind", "u8" }, { "place", "f32x3" }, { "mass", "f64" }, { "id", "u16" } }
        local k = assert(m:kernel { types = { body = body }, source = [[
            extern "C" __global__ void halve(int n, body *bodies) {
                int i = blockIdx.x * blockDim.x + threadIdx.x;
                if (i >= n) return;
                bodies[i].place.z += bodies[i].kind;
                bodies[i].mass *= 0.5;
                bodies[i].id += 1;
            }]] })
        local b = assert(m:buffer { type = body, length = 2 })
        assert(b:upload {
            { kind = 7, place = { 1, 2, 3 }, mass = 3, id = 65000 },
            { kind = 9, place = { 4, 5, 6 }, mass = 1, id = 1 },
        })
        assert(k(2, b))
        local view = b:download()
        assert.equal(10, view.place.z[1])
        assert.equal(15, view.place.z[2])
        assert.equal(1.5, view.mass[1])
        assert.equal(65001, view.id[1])
        assert.equal(7, view.kind[1])
        assert.equal(5, view.place.y[2])
    end)

    it("is declared under a name that C can have", function()
        local m = spec.manager()
        local pair = gpumm.struct { { "a", "u32" }, { "b", "u32" } }
        for name, words in pairs { ["a b; int"] = "is no C identifier", int = "is a word of C or C++ itself" } do
            assert.truthy(message_of(m.kernel, m, { types = { [name] = pair }, source = "" })
                :find(("the type name '%s' %s"):format(name, words), 1, true))
        end
    end)

    it("of another shape is a TYPE_MISMATCH", function()
        local m = spec.manager()
        local pair = gpumm.struct { { "a", "u32" }, { "b", "u32" }, name = "pair" }
        local odd = gpumm.struct { { "a", "u32" }, { "b", "f32" }, name = "pair" }
        local k = assert(m:kernel { types = { pair }, source = [[
            extern "C" __global__ void f(int n, pair *p) { if (blockIdx.x * blockDim.x + threadIdx.x < n) p->a = 1; }]] })
        assert.truthy(message_of(k, 1, (assert(m:buffer { type = odd, length = 1 }))):find "TYPE_MISMATCH")
        assert(k(1, (assert(m:buffer { type = gpumm.struct { { "a", "u32" }, { "b", "u32" } }, length = 1 }))))
    end)
end)

describe("a source", function()
    it("says which brace nothing closes, and of other errors what is in the source alone", function()
        local m = spec.manager()
        local _, message, code = m:kernel { file = "mine.cu", source = [==[
            extern "C" __global__ void k(int n, float *x)
            {
                if (blockIdx.x == 0) { x[n] = 1.0f;
            }]==] }
        assert.equal("COMPILE_FAILED", code)
        assert.equal("COMPILE_FAILED: mine.cu:2: nothing closes the { of this line", message)
        for _, opening in ipairs { 'extern "C" {', "namespace a {" } do
            message = select(2, m:kernel { file = "mine.cu", source = "\n" .. opening
                .. '\nextern "C" __global__ void k(int n, float *x) { x[n] = 1.0f; }\n' })
            assert.equal("COMPILE_FAILED: mine.cu:2: nothing closes the { of this line", message)
        end
        if m:device().kind ~= "host" then return end -- NVRTC's words are its own
        _, message = m:kernel { file = "mine.cu", source = [==[
            struct P { float x; }
            extern "C" __global__ void k(int n, P *x) { if (n) x->x = 1.0f; }]==] }
        assert.matches("^COMPILE_FAILED: mine%.cu does not compile:\nmine%.cu:[12]:", message)
        assert.is_nil(message:find "\ngpumm:" or message:find "declarations:" or message:find "\n$", message)
    end)

    it("with a mistake gives the compiler's words at the user's file and line", function()
        local m = spec.manager()
        local path = folder.write("wrong.cu",
            'extern "C" __global__ void f(int n, float *v)\n{\n    int i = 0;\n    v[i] = wrnog;\n}\n')
        local k, message, code = m:kernel { file = path }
        assert.is_nil(k)
        assert.equal("COMPILE_FAILED", code)
        assert.truthy(message:find("wrong.cu:4", 1, true) or message:find("wrong.cu(4)", 1, true), message)
        assert.truthy(message:find("wrnog", 1, true), message)
        local ends = gpumm.struct { { "from", "u32" }, { "to", "u32" } }
        message = select(2, m:kernel { file = path, types = { edge = ends } }) -- under which name a struct is there
        assert.truthy(message:find("declared before the source: 'edge'", 1, true), message)
    end)

    it("written in the script is called after its line there", function()
        local m = spec.manager()
        local line = debug.getinfo(1, "l").currentline + 1
        local _, message, code = m:kernel { source = 'extern "C" __global__ void f(int n, float *v) { *v = wrnog; }' }
        assert.equal("COMPILE_FAILED", code)
        assert.truthy(message:find(("kernel_spec.lua:%d"):format(line), 1, true), message)
    end)

    it("in an included file, too, is named with its own file and line", function()
        local m = spec.manager()
        folder.write("half.cuh", "\n\n__device__ float half_of(float x) { return x * hlaf; }\n")
        local path = folder.write("outer.cu",
            '#include "half.cuh"\nextern "C" __global__ void f(int n, float *v) { v[n] = half_of(*v); }\n')
        local _, message, code = m:kernel { file = path }
        assert.equal("COMPILE_FAILED", code)
        assert.truthy(message:find("half.cuh:3", 1, true) or message:find("half.cuh(3)", 1, true), message)
        folder.write("half.cuh", "\n\n__device__ float half_of(float x) { return x * 0.5f; }\n")
        local k = assert(m:kernel { file = path }) -- not what the cache had
        local b = buffer(m, "f32", { 8, 0 })
        assert(k(1, b))
        assert.view_equals({ 8, 4 }, b:download())
    end)

    it("has its prototype read through comments, macros, qualifiers and lines", function()
        local m = spec.manager()
        local k = assert(m:kernel { name = "second", source = [[
            #define REAL float
            #define INDEX (blockIdx.x * blockDim.x + threadIdx.x)
            // extern "C" __global__ void commented(int n, float *v) {}
            /* extern "C" __global__ void too(int n) {} */
            extern "C" __global__ void first(int n, double *other) { if (INDEX < n) other[INDEX] = 1; }
            extern "C" __global__
            void second(
                const unsigned int n,          // how many
                REAL * __restrict__ out,       /* written */
                const REAL *const __restrict__ from,
                REAL factor)
            {
                unsigned int i = INDEX;
                if (i < n) out[i] = factor * from[i];
            }]] })
        assert.equal("second", k.name)
        assert.equal("n", k.threads)
        assert.same({
            { name = "n", type = "unsigned int", kind = "value" },
            { name = "out", type = "float", kind = "pointer", access = "write" },
            { name = "from", type = "float", kind = "pointer", access = "read" },
            { name = "factor", type = "float", kind = "value" },
        }, k.parameters)
        local out, from = buffer(m, "f32", { 0, 0 }), buffer(m, "f32", { 2, 3 })
        assert(k { n = 2, out = out, from = from, factor = 10 })
        assert.view_equals({ 20, 30 }, out:download())
    end)

    it("of several kernels wants a name, and knows which there are", function()
        local m = spec.manager()
        local source = 'extern "C" __global__ void one(int n) {}\nextern "C" __global__ void two(int n) {}'
        local results = table.pack(pcall(m.kernel, m, { source = source }))
        local message = tostring(results[1] and results[3] or results[2])
        assert.truthy(message:find "one" and message:find "two", message)
        local _, missing, code = m:kernel { source = source, name = "three" }
        assert.equal("NOT_FOUND", code)
        assert.truthy(missing:find "three" and missing:find "one" and missing:find "two", missing)
    end)

    it("that is not there is an IO error with its path; without one it is a mistake", function()
        local m = spec.manager()
        local _, message, code = m:kernel { file = folder.beside "nowhere.cu" }
        assert.equal("IO", code)
        assert.truthy(message:find("nowhere.cu", 1, true))
        assert.truthy(message_of(m.kernel, m, {}):find "file =")
        assert.truthy(message_of(m.kernel, m, { sauce = "" }):find 'did you mean "source"')
    end)

    it("with flags of the user's own is compiled with them", function()
        local m = spec.manager()
        local source = 'extern "C" __global__ void f(int n, int *v) { *v = ANSWER; }'
        local b = buffer(m, "i32", { 0 })
        for _, answer in ipairs { 42, 43 } do
            assert(assert(m:kernel { source = source, flags = "-DANSWER=" .. answer })(1, b))
            assert.view_equals({ answer }, b:download())
        end
    end)

    it("is a file beside the script that names it", function()
        folder.write("beside.cu", 'extern "C" __global__ void f(int n, int *v) { *v = 123; }')
        local path = folder.write("beside.lua", "local m = ... return m:kernel { file = 'beside.cu' }")
        local m = spec.manager()
        local b = buffer(m, "i32", { 0 })
        assert(assert(assert(loadfile(path))(m))(1, b))
        assert.view_equals({ 123 }, b:download())
    end)
end)

describe("the host", function()
    local function refused(source)
        local m = spec.manager { device = "host" }
        local _, message, code = m:kernel { source = "\n" .. source, file = "mine.cu" }
        assert.equal("COMPILE_FAILED", code)
        assert.truthy(message:find("mine.cu:2", 1, true), message)
        assert.truthy(message:find("not available on the host device", 1, true), message)
        return message
    end

    it("refuses textures by name, and what needs more than a block", function()
        local K = 'extern "C" __global__ void f(int n, float *v) { '
        for name, body in pairs {
            __barrier_sync = "__barrier_sync(2);", this_cluster = "cooperative_groups::this_cluster();",
            surf2Dwrite = "surf2Dwrite(1.0f, 0, 1, 2);", tex2D = "v[0] = tex2D<float>(0, 1, 2);",
        } do
            assert.truthy(refused(K .. body .. " }"):find(name, 1, true))
        end
    end)

    it("does not mind those names in comments, texts and what is compiled out", function()
        local m = spec.manager { device = "host" }
        local k = assert(m:kernel { source = [[
            // __syncthreads() is not needed
            extern "C" __global__ void f(int n, int *v) {
            #ifndef GPUMM_HOST
                __syncthreads();
            #endif
                const char *name = "__shared__";
                *v = name[2];
            }]] })
        local b = buffer(m, "i32", { 0 })
        assert(k(1, b))
        assert.view_equals({ ("s"):byte() }, b:download())
    end)

    it("reads the prototypes that are compiled there", function()
        local m = spec.manager { device = "host" }
        local k = assert(m:kernel { source = [[
            #ifdef __CUDA_ARCH__
            extern "C" __global__ void f(int n) {}
            #elif defined(GPUMM_HOST)
            extern "C" __global__ void f(int n, int *v) { *v = GPUMM_HOST + n; }
            #else
            extern "C" __global__ void f(float *other) {}
            #endif]] })
        local b = buffer(m, "i32", { 0 })
        assert(k { n = 1, v = b })
        assert.view_equals({ 2 }, b:download())
    end)

    it("has the mathematics of CUDA C", function()
        local m = spec.manager()
        local k = assert(m:kernel { source = [[
            extern "C" __global__ void f(int n, float *v) {
                if (blockIdx.x * blockDim.x + threadIdx.x != 0) return;
                v[0] = rsqrtf(4.0f); v[1] = fmaf(2.0f, 3.0f, 4.0f); v[2] = __fdividef(1.0f, 4.0f);
                v[3] = min(3, 2); v[4] = max(2.5f, 1.0f); v[5] = sqrtf(9.0f); v[6] = fabsf(-1.5f);
                float2 a = make_float2(1.0f, 2.0f); v[7] = a.y;
            }]] })
        local b = buffer(m, "f32", { 0, 0, 0, 0, 0, 0, 0, 0 })
        assert(k(1, b))
        assert.view_equals({ 0.5, 10, 0.25, 2, 2.5, 3, 1.5, 2 }, b:download(), 1e-6)
    end)

    it("takes a file that begins with a byte order mark", function()
        local m = spec.manager()
        local file = folder.write("marked.cu", '\xEF\xBB\xBFextern "C" __global__ void put(int n, int *out) { *out = 7; }\n')
        local out = buffer(m, "i32", { 0 })
        assert(assert(m:kernel { file = file })(1, out))
        assert.view_equals({ 7 }, out:download())
    end)

    it("takes a header that begins with one, or names it where the compiler does not", function()
        local m = spec.manager()
        local header = folder.write("marked.h", "\xEF\xBB\xBF#define SEVEN 7\n")
        local k, message = m:kernel { file = folder.write("includes.cu", '#include "marked.h"\n'
            .. 'extern "C" __global__ void put(int n, int *out) { *out = SEVEN; }\n') }
        if m:device().kind == "cuda" then
            assert.is_nil(k)
            assert.equal("COMPILE_FAILED: " .. header .. " begins with a byte order mark, which NVRTC does not read: "
                .. "save it as UTF-8 without one", message)
            return
        end
        local out = buffer(m, "i32", { 0 })
        assert(assert(k)(1, out))
        assert.view_equals({ 7 }, out:download())
    end)

    it("says so where there is no compiler", function()
        local script = folder.write("compile.lua", [[
            local m = assert(require "gpumm".manager { device = "host" })
            print(select(2, m:kernel { source = 'extern "C" __global__ void f(int n) {}' }))]])
        local none = "PATH=/nowhere CXX=/nowhere/c++ GPUMM_CXX=/nowhere/c++"
        local said = support.said(("env %s GPUMM_CACHE_DIR=%s %s --quiet %s"):format(none, folder.beside "none",
            support.gpumm_run(), script))
        assert.truthy(said:find "COMPILE_FAILED", said)
        assert.truthy(said:find "compiler", said)
    end)
end)

describe("the cache", function()
    -- A process of its own, with a cache of its own; prints how long the kernel took to make.
    local SCRIPT = [[
        local m <close> = assert(require "gpumm".manager { device = "host", fault = {} })
        local k = assert(m:kernel { source = 'extern "C" __global__ void f(int n, int *v) { *v = 5; }', flags = arg[1] })
        local b = assert(m:buffer { type = "i32", length = 1 })
        assert(k(1, b))
        print(m.fault:calls "compile", b:download()[1]) ]]

    local script -- written once: processes that race read it

    local function run(cache, flags)
        script = script or folder.write("cached.lua", SCRIPT)
        return assert(io.popen(("GPUMM_CACHE_DIR=%s %s --quiet %s %s 2>&1"):format(folder.beside(cache), support.gpumm_run(),
            script, flags or "")))
    end

    local function said(pipe)
        local text = pipe:read "a"
        pipe:close()
        return text
    end

    it("spares the compiler the second time, and knows other flags", function()
        assert.equal("1\t5\n", said(run "warm"))
        assert.equal("0\t5\n", said(run "warm"))
        assert.equal("1\t5\n", said(run("warm", "-DOTHER")))
        assert.equal("0\t5\n", said(run("warm", "-DOTHER")))
        local pipe = assert(io.popen("stat -c %a " .. folder.beside "warm"))
        assert.equal("700\n", said(pipe))
    end)

    it("is safe when processes build the same kernel at once", function()
        local pipes = {}
        for i = 1, 4 do pipes[i] = run "race" end
        for i = 1, 4 do assert.matches("^[01]\t5\n$", said(pipes[i])) end
        assert.equal("0\t5\n", said(run "race"))
    end)

    it("that others can write to is refused", function()
        assert(os.execute(("mkdir -m 777 %s/open"):format(folder.path)))
        local text = said(run "open")
        assert.truthy(text:find "can be written by others", text)
    end)

    it("with a damaged file builds it anew", function()
        assert.equal("1\t5\n", said(run "hurt"))
        assert(os.execute(("for f in %s/hurt/*; do echo damage > $f; done"):format(folder.path)))
        assert.equal("1\t5\n", said(run "hurt"))
        assert.equal("0\t5\n", said(run "hurt"))
    end)
end)

describe("kernels on the host", function()
    after_each(spec.close)

    it("may be named as anything is", function()
        local m = spec.manager { device = "host" }
        for _, name in ipairs { "a", "begin", "end", "threads", "block", "K", "F", "P", "I", "p", "b", "t", "at", "list" } do
            local k = assert(m:kernel { source = ([[
extern "C" __global__ void %s(int n, int *out)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) out[i] = 7 * i;
}]]):format(name) })
            local out = buffer(m, "i32", { -1, -1, -1 })
            assert(k(3, out))
            assert.view_equals({ 0, 7, 14 }, out:download())
        end
    end)

    it("run a few threads on several cores at once", function()
        local m = spec.manager { device = "host", workers = 4 }
        -- Each waits until the other is there too: one core alone would give up on the first.
        local k = assert(m:kernel { source = [[
extern "C" __global__ void meet(int n, int *here, int *met)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    atomicExch(here + i, 1);
    for (long long k = 0; k < 4000000000ll && !met[i]; k++) met[i] = ((volatile int *)here)[1 - i];
}]] })
        local here, met = buffer(m, "i32", { 0, 0 }), buffer(m, "i32", { 0, 0 })
        assert(k(2, here, met))
        assert.view_equals({ 1, 1 }, met:download())
    end)

    local function divide(m)
        local k = assert(m:kernel { source = [[
extern "C" __global__ void ratio(int n, int *a, int by)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) a[i] = (-2147483647 - 1) / by;
}]] })
        return k, assert(m:buffer { type = "i32", length = 100000 })
    end

    it("that divide by zero end their launch with an error that names them, and nothing else", function()
        local m = spec.manager { device = "host", workers = 4 }
        local ratio, a = divide(m)
        for _, by in ipairs { 0, -1 } do
            assert(ratio(100000, a, by))
            local value, message, code = m:synchronize()
            assert.is_nil(value)
            assert.equal("DRIVER", code)
            assert.truthy(message:find("kernel 'ratio' divided an integer by zero, or the least integer by -1", 1, true))
        end
        assert(m:synchronize()) -- told once
        assert(ratio(100000, a, 2))
        assert.equal(-1073741824, a:download()[99999])
    end)

    -- A compiler that sees the zero may make something else than a division of it.
    it("that divide by what is known to be zero do so too", function()
        local m = spec.manager { device = "host" }
        local a = assert(m:buffer { type = "i32", length = 16 })
        for _, body in ipairs {
            "int z = 0; a[i] = i / z;",
            "a[i] = i % 0;",
            "int z = n > 5 ? 0 : n; a[i] = 100 / z;",
            "int s = 0; for (int j = -2; j < 3; j++) s += n / j; a[i] = s;",
            "int z; switch (i & 3) { case 0: z = 0; break; case 1: z = 3; break; default: z = 5; } a[i] = n / z;",
        } do
            local k = assert(m:kernel { source = 'extern "C" __global__ void known(int n, int *a) { '
                .. "int i = blockIdx.x * blockDim.x + threadIdx.x; if (i >= n) return; " .. body .. " }" })
            assert(k(16, a))
            support.fails("DRIVER", "kernel 'known' divided an integer by zero", m:synchronize())
        end
        a:fill(3)
        assert.equal(3, a:download()[16])
    end)

    it("that divide by zero tell whoever waits for what they write", function()
        local m = spec.manager { device = "host" }
        local ratio, a = divide(m)
        local side = assert(m:stream())
        assert(ratio({ n = 100000, a = a, by = 0 }, side))
        local value, message = a:download() -- on another stream, which waits for that one
        assert.is_nil(value)
        assert.truthy(message:find("kernel 'ratio' divided", 1, true))
        assert.is_nil((side:synchronize()))
        assert(m:synchronize())
        assert(a:download())
    end)

    it("leave the signal that somebody sends to the process as it was", function()
        local file = folder.write("sent.lua", [[
            local m = assert(require "gpumm".manager { device = "host" })
            os.execute "kill -FPE $PPID"
            print "went on"
            m:close() ]])
        -- AddressSanitizer takes the signal for itself where it is not told to leave it.
        local run = 'ASAN_OPTIONS="handle_sigfpe=0:$ASAN_OPTIONS" ' .. support.gpumm_run() .. " --quiet " .. file
        assert.equal("", support.said(run .. " 2>/dev/null"))
        assert.equal("went on\n", support.said("(trap '' FPE; " .. run .. ")"))
    end)

    it("that divide by zero end a process that asked for the signal itself", function()
        local file = folder.write("sigfpe.lua", [[
            local m = assert(require "gpumm".manager { device = "host", leave_sigfpe = arg[1] == "leave" })
            local a = m:buffer { type = "i32", length = 1 }
            local k = assert(m:kernel { source = 'extern "C" __global__ void k(int n, int *a) { a[0] = n / (n - 1); }' })
            k { n = 1, a = a }
            print(select(3, m:synchronize())) ]])
        local run = support.gpumm_run() .. " --quiet " .. file
        assert.equal("DRIVER\n", support.said(run))
        local _, _, code = os.execute(run .. " leave >/dev/null 2>&1")
        assert.is_true(code == 8 or code == 136) -- SIGFPE
    end)

    it("take what the compiler says of their parameters, and names from the source", function()
        local m = spec.manager { device = "host" }
        local k = assert(m:kernel { source = [[
            typedef const float *floats; enum colour : unsigned char { red };
            extern "C" __global__ void k(int n, floats a, bool yes, colour c, void *any, struct never *w, float3 v) {}]] })
        local parameters = {}
        for i, p in ipairs(k.parameters) do
            parameters[i] = ("%s:%s:%s"):format(p.name, p.kind, p.access or "-")
        end
        assert.same({ "n:value:-", "a:pointer:read", "yes:value:-", "c:value:-", "any:pointer:write", "w:pointer:write",
            "v:value:-" }, parameters)
    end)
end)
