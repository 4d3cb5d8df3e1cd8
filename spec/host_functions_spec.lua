-- successes: 8
-- SPDX-License-Identifier: MIT
-- CUDA's functions on the host device: each gives what the programming guide says, rounded as its name says.

local spec = require "gpumm.spec"

after_each(spec.close)

local NAN = 0 / 0

local function single(x) return (string.unpack("f", string.pack("f", x))) end

-- Each is {expression, value, tolerance}; all of a list are one kernel.
local function check(list)
    local m = spec.manager { device = "host" }
    local lines = {}
    for i, one in ipairs(list) do lines[i] = ("o[%d] = (double)(%s);"):format(i - 1, one[1]) end
    local k = assert(m:kernel { source = [[
        #include <cuda_fp16.h>
        extern "C" __global__ void k(int n, double *o) {
            volatile float one = 1.f, three = 3.f; volatile double d1 = 1., d3 = 3.; float s, c; bool p;
            __half2 h2 = __floats2half2_rn(1.f, -2.f); __half nan = __float2half(__int_as_float(0x7fc00000));
            int three_of[3] = {1, 2, 3}; float v3[3] = {2.f, 3.f, 6.f}; double w3[3] = {2., 3., 6.};
        ]] .. table.concat(lines, "\n") .. "}" })
    local o = assert(m:buffer { type = "f64", length = #list })
    assert(k(1, o))
    local got = o:download()
    for i, one in ipairs(list) do
        local wanted, value = one[2], got[i]
        local good = value == wanted or (wanted ~= wanted and value ~= value)
            or (one[3] and math.abs(value - wanted) <= one[3])
        assert(good, ("%s is %.17g, not %.17g"):format(one[1], value, wanted))
    end
end

describe("functions on the host", function()
    it("round single precision as their names say", function()
        check {
            { "__fadd_rz(one, 1e-10f)", 1 }, { "__fadd_ru(one, 1e-10f)", 1 + 2 ^ -23 },
            { "__fadd_rd(one, -1e-10f)", 1 - 2 ^ -24 },
            { "__fadd_rz(-one, -1e-10f)", -1 }, { "__fsub_ru(one, 1e-10f)", 1 }, { "__fsub_rd(one, 1e-10f)", 1 - 2 ^ -24 },
            { "1 / __fsub_rd(one, one)", -math.huge }, { "1 / __fsub_ru(one, one)", math.huge },
            { "__fdiv_rd(one, three)", single(1 / 3) - 2 ^ -25 }, { "__fdiv_ru(one, three)", single(1 / 3) },
            { "__fdiv_rz(-one, three)", -(single(1 / 3) - 2 ^ -25) }, { "__frcp_ru(three)", single(1 / 3) },
            { "__fmul_rz(3.4e38f, 2.f)", 3.4028234663852886e38 }, { "__fmul_ru(3.4e38f, 2.f)", math.huge },
            { "__fmul_rd(-3.4e38f, 2.f)", -math.huge }, { "__fsqrt_rd(2.f)", 1.41421353816986083984375 },
            { "__fsqrt_ru(2.f)", 1.41421353816986083984375 + 2 ^ -23 }, { "__fmaf_rz(2.f, 2.f, 1.f)", 5 },
            { "__fmaf_ru(one, one, 1e-12f)", 1 + 2 ^ -23 }, { "__fmaf_rd(one, one, -1e-12f)", 1 - 2 ^ -24 },
            { "__frsqrt_rn(4.f)", 0.5 }, { "__fadd_rn(one, 1e-10f)", 1 },
        }
    end)

    it("round double precision as their names say", function()
        check {
            { "__dadd_ru(d1, 1e-20)", 1 + 2 ^ -52 }, { "__dadd_rd(d1, 1e-20)", 1 }, { "__dsub_rz(d1, 1e-20)", 1 - 2 ^ -53 },
            { "__ddiv_rz(d1, d3)", 1 / 3 }, { "__ddiv_ru(d1, d3)", 1 / 3 + 2 ^ -54 }, { "__drcp_rd(d3)", 1 / 3 },
            { "__dsqrt_rd(2.)", math.sqrt(2) - 2 ^ -52 }, { "__dsqrt_ru(2.)", math.sqrt(2) },
            { "__fma_ru(d1, d1, 1e-30)", 1 + 2 ^ -52 }, { "__fma_rz(d1, d1, -1e-30)", 1 - 2 ^ -53 },
            { "__dmul_rz(1.7e308, 2.)", 1.7976931348623157e308 }, { "__dmul_ru(1.7e308, 2.)", math.huge },
        }
    end)

    it("convert in each rounding", function()
        check {
            { "__int2float_rz(16777217)", 16777216 }, { "__int2float_ru(16777217)", 16777218 },
            { "__int2float_rd(-16777217)", -16777218 }, { "__uint2float_rn(4294967295u)", 4294967296 },
            { "__ull2float_rz(18446744073709551615ull)", 18446742974197923840 },
            { "__ll2double_ru(9007199254740993ll)", 9007199254740994 },
            { "__ll2double_rd(9007199254740993ll)", 9007199254740992 },
            { "__double2float_rd(0.1)", single(0.1) - 2 ^ -27 }, { "__double2float_rz(1e300)", 3.4028234663852886e38 },
            { "__float2int_rn(2.5f)", 2 }, { "__double2ll_ru(2.1)", 3 }, { "__int2double_rn(7)", 7 },
        }
    end)

    it("have the mathematics that C has not", function()
        check {
            { "sinpi(0.5)", 1 }, { "cospi(0.5)", 0 }, { "cospi(1.0)", -1 }, { "sinpi(1.0)", 0 }, { "sinpi(1.5)", -1 },
            { "cospi(2.0)", 1 }, { "cospi(0.75)", -math.sqrt(0.5), 1e-15 }, { "sinpif(-0.25f)", single(-math.sqrt(0.5)) },
            { "(sincospif(0.5f, &s, &c), s)", 1 }, { "c", 0 }, { "normcdff(0.f)", 0.5 }, { "normcdf(0.)", 0.5 },
            { "normcdfinv(0.975)", 1.959963984540054, 1e-13 }, { "erfinv(0.5)", 0.47693627620446987, 1e-14 },
            { "erfcinv(0.5)", 0.47693627620446987, 1e-14 }, { "erfinv(-0.9)", -1.1630871536766743, 1e-13 },
            { "erfinv(1.)", math.huge }, { "erfcx(1.)", 0.427583576155807, 1e-14 }, { "erfcx(30.)", 0.0187958888614168, 1e-12 },
            { "cyl_bessel_i0(1.)", 1.2660658777520084, 1e-14 }, { "cyl_bessel_i1(2.)", 1.5906368546373291, 1e-14 },
            { "norm4d(1., 1., 1., 1.)", 2 }, { "rhypot(3., 4.)", 0.2 }, { "exp10f(2.f)", 100 }, { "norm3df(2.f, 3.f, 6.f)", 7 },
            { "normf(3, v3)", 7 }, { "rnorm(3, w3)", 1 / 7 }, { "__tanhf(0.f)", 0 }, { "__exp10f(2.f)", 100 },
            { "__saturatef(2.f)", 1 }, { "rcbrt(8.)", 0.5 }, { "j0(0.)", 1 }, { "fdividef(6.f, 3.f)", 2 },
        }
    end)

    it("work on bits and on lanes of words", function()
        check {
            { "__vadd4(0xff010203u, 0x01010101u)", 0x00020304 }, { "__vaddss2(0x7fff8000u, 0x0001ffffu)", 0x7fff8000 },
            { "__vabsdiffu4(0x01020304u, 0x04030201u)", 0x03010103 }, { "__vcmpeq4(0x01020304u, 0x01000300u)", 0xff00ff00 },
            { "__vsetgts2(0x00010002u, 0xffff0003u)", 0x00010000 }, { "__vmaxs2(0xffff0001u, 0x00000002u)", 2 },
            { "__vavgu4(0x01020304u, 0x02020203u)", 0x02020304 }, { "__vsadu4(0x01020304u, 0u)", 10 },
            { "__vneg2(0x00010002u)", 0xfffffffe }, { "__vsubus4(0x01020304u, 0x02020202u)", 0x00000102 },
            { "__vabs4(0xff01fe80u)", 0x01010280 }, { "__vabsss4(0x80000000u)", 0x7f000000 },
            { "__dp4a(0x01010101, 0x02020202, 1)", 9 }, { "__dp4a(0xffffffffu, 0x01010101u, 0u)", 1020 },
            { "__dp4a((int)0xffffffff, 0x01010101, 0)", -4 }, { "__dp2a_lo(0x00020003, 0x01010201, 5)", 12 },
            { "__dp2a_hi(0x00020003, 0x03040201, 0)", 18 }, { "__dp4a(make_char4(1, 2, 3, -4), make_char4(1, 1, 1, 1), 0)", 2 },
            { "__funnelshift_lc(1u, 2u, 40u)", 1 }, { "__funnelshift_rc(1u, 2u, 40u)", 2 }, { "__fns(0xffu, 0u, 3)", 2 },
            { "__byte_perm(0x80u, 0u, 0x8888)", 0xffffffff }, { "__viaddmax_s32(1, 2, 5)", 5 }, { "__vimin3_u32(4u, 2u, 3u)", 2 },
            { "__vimax_s32_relu(-3, -4)", 0 },
            { "__vimax3_s16x2(0x0001ffffu, 0x00020000u, 0x00000003u)", 0x00020003 },
            { "__viaddmax_u16x2(0xffff0001u, 0x00010001u, 0x00050001u)", 0x00050002 },
            { "__vimin_s16x2_relu(0xffff0004u, 0x00010003u)", 3 }, { "__vibmax_s32(3, 2, &p)", 3 }, { "p", 1 },
            { "__mul64hi(1ll << 40, 1ll << 40)", 65536 },
        }
    end)

    it("add, compare and convert halves, and pairs of them", function()
        check {
            { "(h2 + h2).x", 2 }, { "(h2 * h2).y", 4 }, { "h2 == h2", 1 }, { "(h2 / h2).y", 1 }, { "(-h2).y", 2 },
            { "(h2 += h2).y", -4 }, { "__hadd2(h2, h2).x", 4 }, { "__habs2(h2).y", 4 }, { "h2++.x", 2 }, { "h2.x", 3 },
            { "__hmax(nan, __half(2.f))", 2 }, { "__hmax_nan(nan, __half(2.f))", NAN }, { "__hgeu(nan, nan)", 1 },
            { "__hge(nan, nan)", 0 }, { "__hbge2(h2, h2)", 1 }, { "__hgt2(h2, __half2half2(__half(0.f))).y", 0 },
            { "__hne2_mask(h2, h2)", 0 }, { "__heq2_mask(h2, h2)", 0xffffffff }, { "__hisinf(__half(-1e9f))", -1 },
            { "__hfma(__half(2.f), __half(3.f), __half(1.f))", 7 }, { "__hfma_sat(__half(2.f), __half(3.f), __half(1.f))", 1 },
            { "__half_as_short(__half(-0.f))", -32768 }, { "__lowhigh2highlow(h2).x", -3 }, { "__high2half2(h2).x", -3 },
        }
    end)

    it("have the mathematics of halves, and their roundings", function()
        check {
            { "hceil(__half(1.5f))", 2 }, { "hsqrt(__half(4.f))", 2 }, { "h2exp2(h2).x", 2 }, { "hrsqrt(__half(4.f))", 0.5 },
            { "hlog2(__half(8.f))", 3 }, { "__half2int_rz(__half(-2.5f))", -2 }, { "__half2int_rn(__half(2.5f))", 2 },
            { "__half2uint_rz(__half(-2.5f))", 0 }, { "__int2half_rn(3)", 3 }, { "__int2half_rz(2049)", 2048 },
            { "__int2half_ru(2049)", 2050 }, { "__int2half_rn(2049)", 2048 }, { "__float2half_ru(65520.f)", math.huge },
            { "__float2half_rz(70000.f)", 65504 }, { "__ull2half_rn(5ull)", 5 }, { "__double2half(0.5)", 0.5 },
            { "__half2short_rn(__half(70.f))", 70 }, { "__half2char_rz(__half(200.f))", 127 },
            { "__double2half(1.0004882812500002)", 1 + 2 ^ -10 }, { "__float2half_rd(-0.1f)", -0.10003662109375 },
        }
    end)

    it("take hints for what they are", function()
        check { { "(__builtin_assume(n > 0), 1)", 1 }, { "__isGlobal(o)", 1 }, { "__isShared(o)", 0 }, { "__ldlu(&w3[1])", 3 },
            { "llmax(3ll, 4ll)", 4 }, { "three_of[2]", 3 } }
    end)
end)
