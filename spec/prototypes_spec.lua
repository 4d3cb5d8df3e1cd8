-- successes: 82, gpu: 80
-- SPDX-License-Identifier: MIT
-- What is compiled is what is checked: prototypes by every way that a type, a name or a condition can come about. Each is
-- held against what a kernel of the same source says of its own types, and on the host against what a program says that
-- the system's compiler makes of that source without gpumm.

local gpumm = require "gpumm"
local spec = require "gpumm.spec"
local support = require "spec.support"

local folder = support.folder()
teardown(folder.remove)

-- What both the kernel and the program say of a type: 1 floating, 2 signed, 3 unsigned, 4 bool, 5 else; size; alignment.
local WORDS = [[
template <class T> struct spec_kind { enum { value = 5 }; };
template <> struct spec_kind<float> { enum { value = 1 }; };
template <> struct spec_kind<double> { enum { value = 1 }; };
template <> struct spec_kind<signed char> { enum { value = 2 }; };
template <> struct spec_kind<short> { enum { value = 2 }; };
template <> struct spec_kind<int> { enum { value = 2 }; };
template <> struct spec_kind<long> { enum { value = 2 }; };
template <> struct spec_kind<long long> { enum { value = 2 }; };
template <> struct spec_kind<unsigned char> { enum { value = 3 }; };
template <> struct spec_kind<unsigned short> { enum { value = 3 }; };
template <> struct spec_kind<unsigned int> { enum { value = 3 }; };
template <> struct spec_kind<unsigned long> { enum { value = 3 }; };
template <> struct spec_kind<unsigned long long> { enum { value = 3 }; };
template <> struct spec_kind<bool> { enum { value = 4 }; };
template <class T> struct spec_bare { typedef T type; enum { constant = 0 }; };
template <class T> struct spec_bare<const T> { typedef T type; enum { constant = 1 }; };
template <class T> struct spec_bare<volatile T> { typedef T type; enum { constant = 0 }; };
template <class T> struct spec_pointee { typedef void type; };
template <class T> struct spec_pointee<T *> { typedef T type; };
template <class T> struct spec_pointee<T *__restrict__> { typedef T type; };
]]

-- The kernel's own words, through its parameter a: kind, size, alignment, const.
local BODY = [[ {
    typedef spec_pointee<decltype(%s + 0)>::type spec_target;
    typedef spec_bare<spec_target>::type spec_type;
    if (blockIdx.x * blockDim.x + threadIdx.x == 0) {
        out[0] = spec_kind<spec_type>::value; out[1] = sizeof(spec_type); out[2] = alignof(spec_type);
        out[3] = spec_bare<spec_target>::constant;
    }
}
]]

-- A program without gpumm: the words that it needs of CUDA's, the source, and the same said of the second parameter.
local PROGRAM = [[
extern "C" int printf(const char *, ...);
#define GPUMM_HOST 1
#define __CUDACC__ 1
#define __global__
#define __device__
#define __host__
#define __constant__ static
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __grid_constant__
#define __align__(n) __attribute__((aligned(n)))
#include <stdint.h>
#include <math.h>
struct uint3 { unsigned x, y, z; }; static uint3 blockIdx, blockDim, threadIdx;
struct alignas(8) float2 { float x, y; }; struct float3 { float x, y, z; };
struct alignas(16) double2 { double x, y; }; struct alignas(8) int2 { int x, y; };
typedef unsigned int uint;
%s
template <class R, class N, class A, class... Rest> void spec_say(R (*)(N, A, Rest...)) {
    typedef typename spec_pointee<A>::type target;
    typedef typename spec_bare<target>::type type;
    printf("%%d %%d %%d %%d\n", (int)spec_kind<type>::value, (int)sizeof(type), (int)alignof(type),
           (int)spec_bare<target>::constant);
}
#line 1 "case.cu"
%s
int main() { spec_say(&%s); return 0; }
]]

-- ---- The cases --------------------------------------------------------------------------------------

local K = 'extern "C" __global__ void '
local CHOSEN = "\ntypedef double real;\n#else\ntypedef float real;\n#endif\n"

-- Conditions that hold (both ways round): before, the condition, and what it needs.
local conditions = {
    { "a plain macro", "#define D 1\n", "D" },
    { "a macro of another", "#define E 2\n#define D E\n", "D == 2" },
    { "a function-like macro", "#define AT_LEAST(a, b) ((a) * 100 + (b) >= 102)\n", "AT_LEAST(1, 2)" },
    { "a macro that joins", "#define CAT_(a, b) a##b\n#define CAT(a, b) CAT_(a, b)\n#define ONE_TWO 12\n#define O ONE_\n",
        "CAT(O, TWO) == 12" },
    { "a macro over lines", "#define D(x) \\\n  ((x) \\\n   > 1)\n", "D(2)" },
    { "a macro that was undefined", "#define D 1\n#undef D\n", "!defined(D) && !defined D" },
    { "a macro of a variadic one", "#define COUNT_(a, b, c, n, ...) n\n#define COUNT(...) COUNT_(__VA_ARGS__, 3, 2, 1)\n",
        "COUNT(x, y) == 2" },
    { "__has_include", "", "__has_include(<math.h>)" },
    { "no __has_include", "", "!__has_include(<nowhere/at_all.h>)" },
    { "what compilers define", "", "defined(__LP64__)" },
    { "the compiler's name", "", "defined(__GNUC__) || defined(__CUDACC_RTC__)" },
    { "__cplusplus", "", "__cplusplus >= 201402L" },
    { "the device", "", "defined(GPUMM_HOST) || defined(__CUDA_ARCH__)" },
    { "a character", "", "'A' == 65" },
    { "an escaped character", "", "'\\n' == 10 && '\\x41' == 'A'" },
    { "a binary number", "", "0b101 == 5" },
    { "a number with quotes", "", "1'000 == 1000" },
    { "numbers with endings", "", "0xFFu == 255UL && 010 == 8" },
    { "an unsigned comparison", "", "-1 > 0u" },
    { "a choice", "", "(1 ? 2 : 0) == 2" },
    { "a header by -I", "#include <gpumm_spec_config.h>\n", "SPEC_CONFIG" },
    { "a header's header by -I", "#include <gpumm_spec_outer.h>\n", "SPEC_INNER == 7" },
    { "a header by -include", "", "SPEC_INCLUDED", "-include %s/gpumm_spec_included.h" },
    { "a header by -include, with functions for the device", "", "SPEC_DEVICE", "-include %s/gpumm_spec_device.h" },
    { "a flag", "", "SPEC_FLAG", "-DSPEC_FLAG=1" },
    { "a flag undone", "", "!defined SPEC_FLAG", "-DSPEC_FLAG=1 -USPEC_FLAG" },
}

local cases = {}
local function case(what, before, prototype, more)
    more = more or {}
    cases[#cases + 1] = { what = what, before = before, prototype = prototype, flags = more.flags, name = more.name or "k",
        pointer = more.pointer or "a", path = more.path, closing = more.closing or "" }
end

for _, c in ipairs(conditions) do
    for _, negated in ipairs { false, true } do
        case((negated and "not " or "") .. c[1], c[2] .. "#if " .. (negated and "!(" .. c[3] .. ")" or c[3]) .. CHOSEN,
            K .. "k(int n, real *a, unsigned *out)", { flags = c[4] })
    end
end
local REST = ", unsigned *out)"
case("a typedef of a pointer", "typedef float *floats;\n", K .. "k(int n, floats a" .. REST)
case("a typedef of a const pointer", "typedef const double *doubles;\n", K .. "k(int n, doubles a" .. REST)
case("using", "using floats = float *;\n", K .. "k(int n, floats a" .. REST)
case("an alias of a namespace", "namespace ns { namespace inner { typedef short real; } }\n",
    K .. "k(int n, const ns::inner::real *a" .. REST)
case("an alias template", "template <class T> using pointer = T *;\n", K .. "k(int n, pointer<const unsigned> a" .. REST)
case("decltype", "", K .. "k(int n, decltype(1.0f) *a" .. REST)
case("decltype of an expression", "__device__ unsigned char one(int);\n", K .. "k(int n, const decltype(one(1)) *a" .. REST)
case("a trait", "template <bool B, class T, class F> struct pick { typedef T type; };\n"
    .. "template <class T, class F> struct pick<false, T, F> { typedef F type; };\n",
    K .. "k(int n, typename pick<sizeof(long) == 8, double, float>::type *a" .. REST)
local WHEN = "template <int V, class T> struct when { typedef T type; };\n"
case("a decltype with braces", "", K .. "k(int n, decltype(float{}) *a" .. REST)
case("a comparison among a template's arguments", WHEN, K .. "k(int n, when<sizeof(int) >= 4, short>::type *a" .. REST)
case("a shift among a template's arguments", WHEN, K .. "k(int n, const when<1 << 2, double>::type *a" .. REST)
case("a namespace with an attribute", "namespace [[deprecated]] old {\n", K .. "k(int n, float *a" .. REST,
    { path = "old::k", closing = "}\n" })
case("an enum", "enum colour : unsigned short { red, green };\n", K .. "k(int n, const unsigned short *a, colour c" .. REST)
case("a struct of the source", "struct P { unsigned char c; float f; };\n", K .. "k(int n, struct P *a" .. REST)
case("a packed struct", "#pragma pack(push, 1)\nstruct P { unsigned char c; float f; };\n#pragma pack(pop)\n",
    K .. "k(int n, const P *a" .. REST)
case("an array", "", K .. "k(int n, const float a[], unsigned *out)")
case("an array of a macro's length", "#define N 4\n", K .. "k(int n, double a[N], unsigned *out)")
case("launch bounds", "#define BOUNDS __launch_bounds__(256, 2)\n",
    'extern "C" __global__ void BOUNDS k(int n, float *__restrict__ a' .. REST)
case("attributes", "", 'extern "C" __attribute__((used)) [[gnu::used]] __global__ void k([[maybe_unused]] int n, float *a'
    .. REST)
case("attributes behind the name", "", K .. "k [[maybe_unused]] [[]] (int n, float *a" .. REST)
case("a name that is joined", "#define CAT_(a, b) a##b\n#define CAT(a, b) CAT_(a, b)\n#define T f32\n",
    K .. "CAT(add_, T)(int n, float *CAT(T, _in)" .. REST, { name = "add_f32", pointer = "f32_in" })
case("a prototype by a macro", "#define KERNEL(name, ...) " .. K .. "name(int n, __VA_ARGS__)\n",
    "KERNEL(k, const float *a, unsigned *out)")
case("_Pragma", '_Pragma("GCC diagnostic push")\n', K .. "k(int n, float *a" .. REST)
case("a kernel of a namespace", "namespace deep { inline namespace v1 {\n", K .. "k(int n, int *a" .. REST,
    { path = "deep::v1::k", closing = "} }\n" })
case("a block of C", 'extern "C" {\n', "__global__ void k(int n, long long *a" .. REST, { closing = "}\n" })
case("a declaration before", 'extern "C" __global__ void k(int n, bool *a, unsigned *out);\n',
    "__global__ void k(int n, bool *a" .. REST)
case("a result behind", "", 'extern "C" __global__ auto k(int n, const signed char *a, unsigned *out) -> void')
case("defaults", "", K .. "k(int n = 3, float *a = nullptr, unsigned *out = nullptr)")

-- ---- Held against ------------------------------------------------------------------------------------

local function write_headers()
    folder.write("gpumm_spec_config.h", "#define SPEC_CONFIG 1\n")
    folder.write("gpumm_spec_outer.h", '#include "gpumm_spec_inner.h"\n')
    folder.write("gpumm_spec_inner.h", "#define SPEC_INNER 7\n")
    folder.write("gpumm_spec_included.h", "#define SPEC_INCLUDED 1\n")
    folder.write("gpumm_spec_device.h", "#if defined GPUMM_HOST || defined __CUDACC_RTC__\n"
        .. "static __device__ float spec_of(float2 v) { return v.x; }\n#endif\n#define SPEC_DEVICE 1\n")
end

local function flags_of(c)
    return "-I" .. folder.path .. " " .. (c.flags or ""):gsub("%%s", folder.path)
end

local function program_says(c, source)
    local file = folder.write("program.cpp", PROGRAM:format(WORDS, source, c.path or c.name))
    local pipe = assert(io.popen(("${CXX:-c++} -std=c++17 -w %s -o %s/program %s 2>&1 && %s/program"):format(flags_of(c),
        folder.path, file, folder.path)))
    local said = pipe:read "a"
    pipe:close()
    local kind, size, align, constant = said:match "^(%d+) (%d+) (%d+) (%d+)\n$"
    assert.truthy(kind, said)
    return { tonumber(kind), tonumber(size), tonumber(align), tonumber(constant) }
end

local LETTERS = { "f", "i", "u" }

-- Whether a buffer of that type may be passed for such a pointee: the table of the guide.
local function serves(type, of)
    local kind, size, align = of[1], of[2], of[3]
    if kind == 3 and size == 1 then return true end
    if kind == 4 then return type.size == 1 end
    if kind == 5 then return type.size == size and (not type.fields or type.align == align) end
    return type.scalar == LETTERS[kind] .. size * 8
end

local function buffers(m)
    local list = {}
    for _, name in ipairs { "f32", "f64", "i8", "i16", "u16", "i32", "u32", "i64", "f32x2", "f64x3", "u8" } do
        local scalar, lanes = name:match "^(%a%d+)x?(%d*)$"
        local size = tonumber(scalar:match "%d+") // 8 * (tonumber(lanes) or 1)
        list[#list + 1] = { name = name, scalar = scalar, size = size,
            buffer = assert(m:buffer { type = name, length = 2 }) }
    end
    local pair = gpumm.struct { { "c", "u8" }, { "f", "f32" } }
    local wide = gpumm.struct { { "d", "f64" } }
    for align, type in pairs { [4] = pair, [8] = wide } do
        list[#list + 1] = { name = "struct", fields = true, size = 8, align = align,
            buffer = assert(m:buffer { type = type, length = 2 }) }
    end
    return list
end

local function check_buffers(m, k, c, said)
    local out = assert(m:buffer { type = "u32", length = 4 })
    for _, type in ipairs(buffers(m)) do
        local arguments = { n = 1, out = out, [c.pointer] = type.buffer }
        if c.what == "an enum" then arguments.c = 1 end
        local taken, why = pcall(k, arguments, { threads = 0 })
        assert.equal(serves(type, said), taken, c.what .. ", a buffer of " .. type.name .. ": " .. tostring(why))
    end
end

local function check(c, device)
    write_headers()
    local m = spec.manager { device = device }
    local source = c.before .. c.prototype .. BODY:format(c.pointer) .. c.closing
    local k = assert(m:kernel { source = WORDS .. "\n#line 1 \"case.cu\"\n" .. source, flags = flags_of(c), name = c.name })
    local out, any = assert(m:buffer { type = "u32", length = 4 }), assert(m:buffer { length = 8 })
    local arguments = { n = 1, out = out, [c.pointer] = any }
    if c.what == "an enum" then arguments.c = 1 end
    assert(k(arguments))
    local said = out:download():totable()
    assert.equal(said[4] == 1 and "read" or "write", k.parameters[2].access)
    check_buffers(m, k, c, said)
    if m:device().kind == "host" then assert.same(program_says(c, source), said) end
end

describe("prototypes", function()
    after_each(spec.close)
    for _, c in ipairs(cases) do
        it("by " .. c.what .. " are checked as they are compiled", function() check(c, "host") end)
    end

    it("that a macro makes beyond reading are launched by position", function()
        local m = spec.manager { device = "host" }
        local k = assert(m:kernel { name = "odd", source = [[
            extern "C" __global__ void (odd)(int n, float *a) { if (threadIdx.x == 0) a[0] = n; }]] })
        local a = assert(m:buffer { type = "f32", length = 1 })
        assert(k(5, a))
        assert.view_equals({ 5 }, a:download())
    end)
end)

describe("prototypes that cannot be read", function()
    after_each(spec.close)
    it("in part are launched by position, with all that was compiled checked", function()
        local m = spec.manager { device = "host" }
        local a, rows = assert(m:buffer { type = "f32", length = 1 }), assert(m:buffer { type = "f32x4", length = 2 })
        rows:upload { { 1, 2, 3, 4 }, { 5, 6, 7, 8 } }
        local k = assert(m:kernel { source = K .. "k(int (n), float (*a), const float (*rows)[4], float2 m = {1, 2}) {"
            .. " a[0] = rows[1][3] + m.y; }" })
        assert(k(1, a, rows, { 1, 2 }))
        assert.view_equals({ 10 }, a:download())
        support.contains("struct of 16 bytes", support.message_of(k, 1, a, a, { 1, 2 }))
        assert.equal("read", k.parameters[3].access)
        assert.equal("m", k.parameters[4].name)
        local _, message = m:kernel { source = "typedef float &result;\n" .. K .. "k(int n, result a) { a = n; }" }
        support.contains("parameter 2: a kernel takes no references", message)
    end)
end)

describe("prototypes on the GPU #gpu", function()
    after_each(spec.close)
    for _, c in ipairs(cases) do
        it("by " .. c.what .. " are checked as they are compiled", function() check(c, "cuda") end)
    end
end)
