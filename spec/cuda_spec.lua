-- successes: 7, gpu: 11
-- The CUDA device as a script sees it: what it says of itself and of its probe, why there is none, what kernels can do
-- there and not on the host, binaries with a signature, the compiler's words, failures by the driver's entry names.

local gpumm = require "gpumm"
local spec = require "gpumm.spec"
local support = require "spec.support"
local raises, fails, contains = support.raises, support.fails, support.contains

local NOWHERE = "/nowhere/libcuda.so"
local NO_TOOLKIT = "built without the CUDA Toolkit"

local folder = support.folder()
teardown(folder.remove)

-- What a script writes, and its exit code, where the driver is not to be found.
local function without_driver(options, text)
    local script = folder.write("script.lua", text)
    return support.said(("env -u GPUMM_DEVICE GPUMM_LIBCUDA=%s '%s' %s '%s'"):format(NOWHERE, support.gpumm_run(), options,
        script))
end

local function no_driver(text)
    if text:find(NO_TOOLKIT, 1, true) then return end
    contains("no NVIDIA driver: " .. NOWHERE .. ": cannot open shared object file", text)
end

local function buffer(m, type, data)
    local b = assert(m:buffer { type = type, length = #data })
    assert(b:upload(data))
    return b
end

-- Every reason for which a machine can have no CUDA device, as far as gpumm knows them.
local REASONS = { "no NVIDIA driver: ", "cuInit of the NVIDIA driver", "the NVIDIA driver has no device", "is too old: ",
    "the NVIDIA driver lacks ", NO_TOOLKIT }

local function has_reason(message)
    for _, reason in ipairs(REASONS) do
        if message:find(reason, 1, true) then return true end
    end
    return false
end

after_each(spec.close)

describe("where there is no driver", function()
    it("cuda is NO_DEVICE, and says why", function()
        local out, code = without_driver("--device cuda", [[
            local m, message, code = require "gpumm".manager()
            print(m, code, message)]])
        assert.equal(0, code)
        contains("nil\tNO_DEVICE\tNO_DEVICE: ", out)
        no_driver(out)
    end)

    it("a script that needs it ends with 1 and the reason", function()
        local out, code = without_driver("--device cuda", [[assert(require "gpumm".manager()) print "not reached"]])
        assert.equal(1, code)
        contains("NO_DEVICE: ", out)
        no_driver(out)
        assert.is_nil(out:find("not reached", 1, true))
    end)

    it("auto takes the host device, and says why", function()
        local out, code = without_driver("--quiet", [[
            local device = require "gpumm".manager():device()
            print(device.kind, device.why)]])
        assert.equal(0, code)
        contains("host\thost: ", out)
        no_driver(out)
    end)
end)

describe("on this machine", function()
    it("cuda is a device, or NO_DEVICE for a reason that is named", function()
        local m <close>, message, code = gpumm.manager { device = "cuda" }
        if m then
            assert.equal("cuda", m:device().kind)
        else
            fails("NO_DEVICE", "", m, message, code)
            assert.is_true(has_reason(message), message)
        end
    end)
end)

describe("the host device", function()
    it("refuses shared memory, barriers and shuffles by name, with the reason and the line", function()
        local m = spec.manager { device = "host" }
        for name, why in pairs {
            ["__shared__ float part[32];"] = "__shared__ memory is not available on the host device: threads of a block",
            ["__syncthreads();"] = "the barrier __syncthreads is not available on the host device: it waits for",
            ["p[0] = __shfl_down_sync(~0u, p[0], 1);"] =
                "the warp function __shfl_down_sync is not available on the host device: it exchanges",
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

    it("has no driver entries to fail", function()
        local m = spec.faulty({}, { device = "host" })
        raises("there is no device call 'cuMemSetAccess'", m.fault.plan, m.fault, { call = "cuMemSetAccess", nth = 1 })
        raises("there is no device call 'cuMemSetAccess'", m.fault.calls, m.fault, "cuMemSetAccess")
    end)
end)

-- ---- On a GPU ------------------------------------------------------------------------------------

describe("the device #gpu", function()
    it("describes itself", function()
        local device = spec.manager():device()
        assert.equal("cuda", device.kind)
        assert.is_true(#device.name > 0)
        assert.truthy(device.uuid:match "^GPU%-%x%x%x%x%x%x%x%x%-%x%x%x%x%-%x%x%x%x%-%x%x%x%x%-%x+$")
        assert.truthy(device.compute:match "^%d+%.%d$")
        assert.is_true(device.driver_version >= 12000)
        assert.is_true(device.total_bytes > 1 << 30)
        assert.is_true(device.units > 0)
        contains("cuda: ", device.why)
    end)

    it("is found by its UUID, and others are not, with a list of what there is", function()
        local uuid = spec.manager():device().uuid
        local same = spec.manager { device = "cuda:" .. uuid }
        assert.equal(uuid, same:device().uuid)
        local message = fails("NO_DEVICE", "there is no CUDA device '4096'", gpumm.manager { device = "cuda:4096" })
        contains(uuid, message)
    end)

    it("says what its probe found, and growth is of that kind", function()
        local off = os.getenv "GPUMM_NO_VMM"
        local m = spec.manager()
        local device = m:device()
        if off and off ~= "" and off ~= "0" then
            assert.is_false(device.in_place)
            contains("memory is not grown in place: so asked", device.why)
        else
            assert.is_true(device.in_place, device.why)
            assert.equal(0, device.granularity % (64 << 10))
        end
        local b = buffer(m, "u32", support.count(1000))
        local address, generation = b.address, b.generation
        assert(b:ensure_capacity(20000000))
        assert.equal(device.in_place, b.address == address)
        assert.equal(device.in_place and generation or generation + 1, b.generation)
        assert.view_equals(support.count(1000), b:download())
    end)

    it("grows by copying where it is told to", function()
        local m = spec.manager { relocate = true }
        assert.is_false(m:device().in_place)
        contains("memory is not grown in place: so asked", m:device().why)
        local b = buffer(m, "u32", support.count(1000))
        assert(b:ensure_capacity(20000000))
        assert.equal(2, b.generation)
        assert.view_equals(support.count(1000), b:download())
    end)

    it("fails by its driver's entry names, and nothing has changed", function()
        local m = spec.faulty()
        local b = buffer(m, "u32", support.count(1000))
        local entry = m:device().in_place and "cuMemSetAccess" or "cuLaunchKernelEx" -- what moves is copied by a kernel
        local message = support.unchanged(m, function()
            m.fault:plan { call = entry, nth = 1, status = "DRIVER" }
            return (fails("DRIVER", entry .. ": DRIVER, on purpose", b:ensure_capacity(20000000)))
        end, { b })
        assert.is_string(message)
        m.fault:plan {}
        local before = m.fault:calls(entry)
        assert(b:ensure_capacity(20000000))
        assert.is_true(m.fault:calls(entry) > before)
        assert.view_equals(support.count(1000), b:download())
    end)
end)

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
