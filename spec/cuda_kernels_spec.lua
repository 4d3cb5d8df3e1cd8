-- successes: 2, gpu: 7
-- SPDX-License-Identifier: MIT
-- Kernels on the CUDA device: what they can do there and not on the host, binaries with a signature, the compiler's words.

local spec = require "gpumm.spec"
local support = require "spec.support"
local raises, fails, contains, buffer = support.raises, support.fails, support.contains, support.buffer

local folder = support.folder()
teardown(folder.remove)

after_each(spec.close)

describe("the host device", function()
    it("refuses textures, numbered barriers and clusters by name, with the reason and the line", function()
        local m = spec.manager { device = "host" }
        for name, why in pairs {
            ["p[0] = tex1Dfetch<float>(t, 0);"] =
                "the texture function tex1Dfetch is not available on the host device: it needs the GPU's texture units",
            ["__barrier_sync(1);"] = "the barrier __barrier_sync is not available on the host device: it waits at",
            ["cooperative_groups::this_cluster().sync();"] =
                "the group this_cluster is not available on the host device: it needs blocks that run together",
        } do
            local source = 'extern "C" __global__ void k(int n, float *p) {\n' .. name .. "\n}"
            contains("host.cu:2: " .. why, fails("COMPILE_FAILED", "", m:kernel { source = source, file = "host.cu" }))
        end
    end)

    it("refuses binaries for CUDA", function()
        local m = spec.manager { device = "host" }
        local file = folder.write("some.ptx", "")
        raises("is a binary for CUDA: the host device runs CUDA C source", m.kernel, m,
            { file = file, signature = "void k(int n, float *p)" })
    end)
end)

-- ---- On a GPU ------------------------------------------------------------------------------------

describe("kernels #gpu", function()
    it("have shared memory and barriers", function()
        local m = spec.manager()
        local total = assert(m:kernel { block = 256, source = [[
            extern "C" __global__ void total(int n, const float *v, float *sums) {
                __shared__ float part[256];
                int i = blockIdx.x * blockDim.x + threadIdx.x;
                part[threadIdx.x] = i < n ? v[i] : 0.0f;
                __syncthreads();
                for (int half = blockDim.x / 2; half > 0; half /= 2) {
                    if (threadIdx.x < half) part[threadIdx.x] += part[threadIdx.x + half];
                    __syncthreads();
                }
                if (threadIdx.x == 0) sums[blockIdx.x] = part[0];
            }]] })
        local n, expected = 10000, {}
        local v, sums = buffer(m, "f32", support.count(n)), assert(m:buffer { type = "f32", length = 40 })
        for i = 1, n do expected[(i - 1) // 256 + 1] = (expected[(i - 1) // 256 + 1] or 0) + i end
        assert(total(n, v, sums))
        assert.view_equals(expected, sums:download())
    end)

    it("have as much dynamic shared memory as the device lets a block have, beyond 48 KiB", function()
        local m = spec.manager()
        local reverse = assert(m:kernel { block = 1024, shared_bytes = 64 << 10, source = [[
            extern "C" __global__ void reverse(int n, unsigned *v) {
                extern __shared__ unsigned rows[];
                rows[16 * threadIdx.x + 15] = v[threadIdx.x];
                __syncthreads();
                v[threadIdx.x] = rows[16 * (blockDim.x - 1 - threadIdx.x) + 15];
            }]] })
        local expected = {}
        for i = 1, 1024 do expected[i] = 1025 - i end
        local v = buffer(m, "u32", support.count(1024))
        assert(reverse(1024, v))
        assert.view_equals(expected, v:download())
    end)

    it("have shuffles", function()
        local m = spec.manager()
        local sum = assert(m:kernel { block = 128, source = [[
            extern "C" __global__ void sum(int n, const int *v, int *sums) {
                int i = blockIdx.x * blockDim.x + threadIdx.x;
                int x = i < n ? v[i] : 0;
                for (int offset = 16; offset > 0; offset /= 2) x += __shfl_down_sync(0xffffffff, x, offset);
                if (i % 32 == 0 && i < n) sums[i / 32] = x;
            }]] })
        local expected = {}
        for i = 1, 32 do expected[i] = 32 * (32 * (i - 1)) + 32 * 33 // 2 end
        local v, sums = buffer(m, "i32", support.count(1024)), assert(m:buffer { type = "i32", length = 32 })
        assert(sum(1024, v, sums))
        assert.view_equals(expected, sums:download())
    end)

    local PTX = [[
.version 7.0
.target sm_52
.address_size 64
.visible .entry scale(.param .u32 n, .param .u64 p, .param .f32 by)
{
    .reg .pred %q<2>;
    .reg .b32 %r<6>;
    .reg .b64 %d<5>;
    .reg .f32 %f<4>;
    ld.param.u32 %r1, [n];
    ld.param.u64 %d1, [p];
    ld.param.f32 %f1, [by];
    mov.u32 %r2, %ctaid.x;
    mov.u32 %r3, %ntid.x;
    mov.u32 %r4, %tid.x;
    mad.lo.s32 %r5, %r2, %r3, %r4;
    setp.ge.s32 %q1, %r5, %r1;
    @%q1 ret;
    cvta.to.global.u64 %d2, %d1;
    mul.wide.s32 %d3, %r5, 4;
    add.s64 %d4, %d2, %d3;
    ld.global.f32 %f2, [%d4];
    mul.f32 %f3, %f2, %f1;
    st.global.f32 [%d4], %f3;
    ret;
}
]]

    it("come from a .ptx with a signature, which checks the arguments", function()
        local m = spec.manager()
        local file = folder.write("scale.ptx", PTX)
        local scale = assert(m:kernel { file = file, signature = "void scale(int n, float *p, float by)" })
        local b = buffer(m, "f32", support.count(1000))
        assert(scale { n = 999, p = b, by = 2 })
        local expected = {}
        for i = 1, 1000 do expected[i] = i < 1000 and 2 * i or i end
        assert.view_equals(expected, b:download())
        raises("TYPE_MISMATCH", scale, 1000, buffer(m, "f64", { 1 }), 2)
        raises("takes 3 arguments (n, p, by), got 2", scale, 1000, b)
        assert.view_equals(expected, b:download())
    end)

    it("are read as NVRTC compiles them, and compiled anew where a header that it finds beside them has changed", function()
        local m = spec.manager()
        local file = folder.write("beside.cu", [[
            #include <beside.h>
            #ifdef __CUDACC_RTC__
            extern "C" __global__ void set(int n, int *p) { p[0] = VALUE; }
            #endif]])
        for value = 1, 2 do
            folder.write("beside.h", "#define VALUE " .. value .. "\n")
            local set, p = assert(m:kernel { file = file }), buffer(m, "i32", { 0 })
            assert(set(1, p))
            assert.equal(value, p:download():get(1))
        end
    end)

    it("do not come from a .ptx without a signature, with a wrong one, or damaged", function()
        local m = spec.manager()
        local file = folder.write("other.ptx", PTX)
        raises("is a binary: give its kernel's prototype as signature", m.kernel, m, { file = file })
        fails("NOT_FOUND", "there is no kernel 'grow'", m:kernel { file = file, signature = "void grow(int n, float *p)" })
        local damaged = folder.write("damaged.ptx", (PTX:gsub("mul%.f32", "mull.f32")))
        contains("damaged.ptx", fails("COMPILE_FAILED", "cannot run on ",
            m:kernel { file = damaged, signature = "void scale(int n, float *p, float by)" }))
    end)

    it("that do not compile say so in NVRTC's words, at the user's line", function()
        local m = spec.manager()
        local file = folder.write("wrong.cu", [[
// The third line is wrong.
extern "C" __global__ void wrong(int n, float *p) {
    p[threadIdx.x] = missing;
}
]])
        local message = fails("COMPILE_FAILED", "wrong.cu", m:kernel { file = file })
        assert.truthy(message:find "wrong%.cu[:(]3%f[%D]", message)
        contains('identifier "missing" is undefined', message)
    end)
end)
