/* SPDX-License-Identifier: MIT */
/* Kernels on the host device, from source to results: what CUDA C means there, what is refused and how it is
   said, what the cache keeps, and what a launch checks. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gpumm.h"

static int checks, failures;

static bool check(bool ok, int line, const char *what) {
    checks++;
    if (ok) return true;
    failures++;
    fprintf(stderr, "%s:%d: %s\n    last message: %s\n", __FILE__, line, what, gpumm_message());
    return false;
}
#define CHECK(condition) check(condition, __LINE__, #condition)
#define SAYS(words) check(strstr(gpumm_message(), words) != NULL, __LINE__, "says " words)

#define K "extern \"C\" __global__ void "
#define ID "int i = blockIdx.x * blockDim.x + threadIdx.x; if (i >= n) return; "

static char scratch_dir[256]; /* everything that this program writes */
static gpumm_manager *m;

static gpumm_type *type_named(const char *name) {
    gpumm_type *t = NULL;
    CHECK(gpumm_type_parse(name, &t) == GPUMM_OK);
    return t;
}

static gpumm_buffer *buffer(const char *type, uint64_t length) {
    gpumm_type *t = type_named(type);
    gpumm_buffer *b = NULL;
    CHECK(gpumm_manager_allocate(m, &(gpumm_buffer_options){.type = t, .length = length}, &b) == GPUMM_OK);
    gpumm_type_release(t);
    return b;
}

static void read_back(gpumm_buffer *b, uint64_t count, void *data) {
    CHECK(gpumm_buffer_download(b, NULL, 0, count, data) == GPUMM_OK);
}

static gpumm_kernel *open_named(const char *source, const char *name) {
    gpumm_kernel *k = NULL;
    CHECK(gpumm_kernel_open(m, &(gpumm_kernel_options){.source = source, .file = "test.cu", .name = name}, &k) ==
          GPUMM_OK);
    return k;
}

static gpumm_argument of_int(const int *n) { return (gpumm_argument){.value = n, .size = sizeof *n}; }
static gpumm_argument of(gpumm_buffer *b) { return (gpumm_argument){.buffer = b}; }

static gpumm_status open_status(const char *source) {
    gpumm_kernel *k = NULL;
    gpumm_status status = gpumm_kernel_open(m, &(gpumm_kernel_options){.source = source, .file = "dir/test.cu"}, &k);
    CHECK((k != NULL) == (status == GPUMM_OK));
    gpumm_kernel_release(k);
    return status;
}

/* Runs a kernel k(int n, T *out) over n threads and reads n elements back. */
static void run_into(const char *source, const char *type, int n, void *out) {
    gpumm_kernel *k = open_named(source, NULL);
    gpumm_buffer *b = buffer(type, (uint64_t)n);
    if (k) CHECK(gpumm_kernel_launch(k, NULL, 0, (gpumm_argument[]){of_int(&n), of(b)}, 2) == GPUMM_OK);
    read_back(b, (uint64_t)n, out);
    gpumm_buffer_release(b);
    gpumm_kernel_release(k);
}

/* ---- Results ------------------------------------------------------------------------------ */

static void test_saxpy(void) {
    enum { N = 10007 };
    static float x[N], y[N], got[N];
    gpumm_kernel *k = open_named(
        K "saxpy(int n, float a, const float *__restrict__ x, float *y) { " ID "y[i] = a * x[i] + y[i]; }", NULL);
    gpumm_buffer *bx = buffer("f32", N), *by = buffer("f32", N);
    for (int i = 0; i < N; i++) x[i] = (float)i, y[i] = 1.0f / (float)(i + 1);
    CHECK(gpumm_buffer_upload(bx, NULL, 0, N, x) == GPUMM_OK && gpumm_buffer_upload(by, NULL, 0, N, y) == GPUMM_OK);
    int n = N;
    float a = 2.5f;
    CHECK(gpumm_kernel_threads(k) == 0 && gpumm_kernel_parameter_count(k) == 4);
    CHECK(strcmp(gpumm_kernel_name(k), "saxpy") == 0 && gpumm_kernel_manager(k) == m);
    CHECK(gpumm_kernel_parameter(k, 4) == NULL && strcmp(gpumm_kernel_parameter(k, 2)->name, "x") == 0);
    gpumm_argument arguments[] = {of_int(&n), {.value = &a, .size = sizeof a}, of(bx), of(by)};
    CHECK(gpumm_kernel_launch(k, NULL, 0, arguments, 4) == GPUMM_OK);
    read_back(by, N, got);
    bool same = true;
    for (int i = 0; i < N; i++) same &= got[i] == a * x[i] + y[i]; /* not contracted: bit for bit */
    CHECK(same);
    gpumm_buffer_release(bx);
    gpumm_buffer_release(by);
    gpumm_kernel_release(k);
}

/* Every index once, whatever the block; a stride over the grid reaches every element; the whole last block
   runs. */
static void test_grid_of(const char *source) {
    static const unsigned blocks[] = {0, 1, 3, 32, 100, 1024};
    for (size_t b = 0; b < sizeof blocks / sizeof *blocks; b++) {
        enum { N = 1000 };
        int n = N, hits[N], stride[3 * N], bad, ran;
        gpumm_kernel *k = NULL;
        CHECK(gpumm_kernel_open(m, &(gpumm_kernel_options){.source = source, .file = "g.cu", .block = blocks[b]}, &k) ==
              GPUMM_OK);
        gpumm_buffer *h = buffer("i32", N), *s = buffer("i32", 3 * N), *e = buffer("i32", 1), *r = buffer("i32", 1);
        gpumm_argument a[] = {of_int(&n), of(h), of(s), of(e), of(r)};
        CHECK(gpumm_kernel_launch(k, NULL, 0, a, 5) == GPUMM_OK);
        read_back(h, N, hits), read_back(s, 3 * N, stride), read_back(e, 1, &bad), read_back(r, 1, &ran);
        bool once = bad == 0;
        for (int i = 0; i < N; i++) once &= hits[i] == 1;
        for (int i = 0; i < 3 * N; i++) once &= stride[i] == 1;
        CHECK(once);
        if (blocks[b]) CHECK(ran == (N + (int)blocks[b] - 1) / (int)blocks[b] * (int)blocks[b]);
        gpumm_buffer_release(h), gpumm_buffer_release(s), gpumm_buffer_release(e), gpumm_buffer_release(r);
        gpumm_kernel_release(k);
    }
}

/* By threads, and by blocks: a kernel that looks at all of an index may mean y and z. */
static void test_grid(void) {
    test_grid_of(K "f(int n, int *hits, int *stride, int *bad, int *ran) {"
                   " int i = blockIdx.x * blockDim.x + threadIdx.x; atomicAdd(ran, 1);"
                   " if (threadIdx.x >= blockDim.x || blockIdx.x >= gridDim.x) atomicAdd(bad, 1);"
                   " for (int j = i; j < 3 * n; j += gridDim.x * blockDim.x) atomicAdd(&stride[j], 1);"
                   " if (i < n) atomicAdd(&hits[i], 1); }");
    test_grid_of(K "f(int n, int *hits, int *stride, int *bad, int *ran) {"
                   " int i = blockIdx.x * blockDim.x + threadIdx.x; atomicAdd(ran, 1);"
                   " dim3 t = threadIdx, b = blockIdx, size = blockDim, grid = gridDim;"
                   " if (t.x >= size.x || b.x >= grid.x || size.y != 1 || grid.z != 1 || t.y || b.z) atomicAdd(bad, 1);"
                   " for (int j = i; j < 3 * n; j += gridDim.x * blockDim.x) atomicAdd(&stride[j], 1);"
                   " if (i < n) atomicAdd(&hits[i], 1); }");
}

static void test_atomics(void) {
    enum { N = 5000, SLOTS = 24 };
    double got[SLOTS];
    const char *source =
        K "f(int n, int *i4, unsigned *u4, unsigned long long *u8, float *f4, double *f8, float2 *v2, float4 "
          "*v4) {"
          " int i = blockIdx.x * blockDim.x + threadIdx.x; if (i >= n) return;"
          " atomicAdd(&i4[0], i); atomicSub(&i4[1], 2); atomicMin(&i4[2], -i); atomicMax(&i4[3], i); "
          "atomicOr(&i4[4], i);"
          " atomicXor(&i4[5], i); int o; do o = i4[6]; while (atomicCAS(&i4[6], o, o + 3) != o);"
          " atomicAdd(&u4[0], 3u); atomicMax(&u4[1], (unsigned)i); atomicInc(&u4[2], 6u); "
          "atomicAdd_block(&u4[3], 1u);"
          " if (i == 7) atomicExch(&u4[4], 99u); atomicDec(&u4[5], 6u); atomicAnd(&u4[6], ~(unsigned)(1 << "
          "(i % 31)));"
          " atomicAdd(&u8[0], 1ull << 33); atomicMax((long long *)&u8[1], (long long)i); atomicMin((long "
          "long *)&u8[2], -1ll * i);"
          " atomicAdd(&f4[0], 1.0f); atomicAdd(&f8[0], 0.5); atomicExch(&f4[1], 4.0f);"
          " atomicAdd(&v2[1].y, 1.0f); float2 p = {1, 2}; atomicAdd(&v2[0], p); atomicAdd(v4, make_float4(1, "
          "2, 3, 4));"
          " __half *h = (__half *)&f4[2]; if (i < 100) atomicAdd(&h[1], __half(1)); }";
    gpumm_kernel *k = open_named(source, NULL);
    gpumm_buffer *i4 = buffer("i32", 8), *u4 = buffer("u32", 8), *u8 = buffer("u64", 4), *f4 = buffer("f32", 4);
    gpumm_buffer *f8 = buffer("f64", 1), *v2 = buffer("f32x2", 2), *v4 = buffer("f32x4", 1);
    unsigned ones = 0xffffffffu;
    CHECK(gpumm_buffer_upload(u4, NULL, 6, 1, &ones) == GPUMM_OK);
    int n = N;
    gpumm_argument a[] = {of_int(&n), of(i4), of(u4), of(u8), of(f4), of(f8), of(v2), of(v4)};
    CHECK(gpumm_kernel_launch(k, NULL, 0, a, 8) == GPUMM_OK);
    int i[8], x = 0, o = 0;
    unsigned u[8];
    unsigned long long l[4];
    float f[4], v[4], w[4];
    read_back(i4, 8, i), read_back(u4, 8, u), read_back(u8, 4, l), read_back(f4, 4, f), read_back(f8, 1, got);
    read_back(v2, 2, v), read_back(v4, 1, w);
    for (int j = 0; j < N; j++) x ^= j, o |= j;
    CHECK(i[0] == N * (N - 1) / 2 && i[1] == -2 * N && i[2] == 1 - N && i[3] == N - 1 && i[4] == o && i[5] == x &&
          i[6] == 3 * N);
    CHECK(u[0] == 3 * N && u[1] == N - 1 && u[2] == N % 7 && u[3] == N && u[4] == 99 && u[5] == (7 - N % 7) % 7 &&
          u[6] == 0x80000000u);
    CHECK(l[0] == (unsigned long long)N << 33 && l[1] == N - 1 && (long long)l[2] == 1 - N);
    CHECK(f[0] == N && f[1] == 4.0f && got[0] == N * 0.5);
    unsigned short half[2];
    memcpy(half, &f[2], sizeof half);
    CHECK(half[0] == 0 && half[1] == 0x5640); /* 100 in half precision */
    CHECK(v[0] == N && v[1] == 2 * N && v[2] == 0 && v[3] == N);
    CHECK(w[0] == N && w[1] == 2 * N && w[2] == 3 * N && w[3] == 4 * N);
    gpumm_buffer *all[] = {i4, u4, u8, f4, f8, v2, v4};
    for (size_t b = 0; b < 7; b++) gpumm_buffer_release(all[b]);
    gpumm_kernel_release(k);
}

static void test_vectors(void) {
    const char *source =
        "#define SIZE(T, S, A) static_assert(sizeof(T) == S && alignof(T) == A, \"CUDA's layout\");\n"
        "SIZE(char2, 2, 2) SIZE(char3, 3, 1) SIZE(char4, 4, 4) SIZE(uchar4, 4, 4) SIZE(short2, 4, 4) "
        "SIZE(ushort3, 6, 2)\n"
        "SIZE(short4, 8, 8) SIZE(int2, 8, 8) SIZE(int3, 12, 4) SIZE(uint4, 16, 16) SIZE(longlong2, 16, 16) "
        "SIZE(ulonglong4, 32, 16)\n"
        "SIZE(float1, 4, 4) SIZE(float2, 8, 8) SIZE(float3, 12, 4) SIZE(float4, 16, 16) SIZE(double2, 16, "
        "16) SIZE(double3, 24, 8)\n"
        "SIZE(double4, 32, 16) SIZE(__half, 2, 2) SIZE(__half2, 4, 4) SIZE(dim3, 12, 4)\n"
        "struct __align__(16) Wide { float x; }; SIZE(Wide, 16, 16)\n"
        "__constant__ float table[3] = {1.5f, 2.5f, 3.5f};\n__device__ int offset = 4;\n"
        "__device__ __forceinline__ float3 twice(float3 v) { v.x *= 2; v.y *= 2; v.z *= 2; return v; }\n"
        "template <class T> __device__ __noinline__ T larger(T a, T b) { return max(a, b); }\n"
        "static __host__ __device__ float2 shifted(float2 v) { float *p = &v.y; *p += offset; return v; }\n" K
        "__launch_bounds__(128) f(int n, float3 *out) { " ID
        "float2 s = shifted(make_float2(i, table[i % 3])); float3 v = {s.x, s.y, larger(float(i), 3.0f)};"
        "uint3 t = threadIdx; dim3 d = blockDim; if (t.x < d.x) out[i] = twice(v); }";
    float got[10][3];
    run_into(source, "f32x3", 10, got);
    bool same = true;
    for (int i = 0; i < 10; i++)
        same &= got[i][0] == 2.0f * (float)i && got[i][1] == 2 * (1.5f + (float)(i % 3) + 4) &&
                got[i][2] == 2 * fmaxf((float)i, 3);
    CHECK(same);
}

static void test_functions(void) {
    static const double expected[] = {
        3,
        -3,
        2,
        -2,
        7,
        2147483647,
        -2147483648.0,
        0,
        4294967295.0,
        0,
        0x3f800000,
        1,
        8,
        31,
        3,
        2147483648.0,
        64,
        1,
        2147483647,
        -1,
        5,
        5,
        2.5,
        0.25,
        0.5,
        1,
        0,
        0.75,
        4,
        6,
        -1,
        0x12345678,
        0x78563412,
        32,
        2,
        0.5,
        1,
        7,
    };
    enum { N = sizeof expected / sizeof *expected };
    const char *source = K "f(int n, double *o) { if (blockIdx.x * blockDim.x + threadIdx.x) return; int k = "
                           "0; float nan = __int_as_float(0x7fc00000);"
                           "o[k++] = __float2int_ru(2.1f); o[k++] = __float2int_rd(-2.1f); o[k++] = "
                           "__float2int_rn(2.5f); o[k++] = __float2int_rz(-2.9f);"
                           "o[k++] = __double2int_rn(7.2); o[k++] = __float2int_rz(1e20f); o[k++] = "
                           "__float2int_rz(-1e20f); o[k++] = __float2int_rn(nan);"
                           "o[k++] = __float2uint_rz(1e20f); o[k++] = __float2uint_rz(-5.0f); o[k++] = "
                           "__float_as_uint(1.0f); o[k++] = __uint_as_float(0x3f800000u);"
                           "o[k++] = __popc(0xff); o[k++] = __clz(1); o[k++] = __ffs(4); o[k++] = "
                           "__brev(1u); o[k++] = __clzll(0); o[k++] = __popcll(1ull << 40);"
                           "o[k++] = __umulhi(0xffffffffu, 0x80000000u); o[k++] = __mulhi(-1, 1); o[k++] = "
                           "min(5, 7u); o[k++] = max(5ll, 3ll);"
                           "o[k++] = min(2.5f, 3.0); o[k++] = __frcp_rn(4.0f); o[k++] = rsqrtf(4.0f); o[k++] "
                           "= __saturatef(9.0f); o[k++] = __saturatef(-1.0f);"
                           "o[k++] = __fdividef(3.0f, 4.0f); o[k++] = fmaf(1.0f, 2.0f, 2.0f); o[k++] = "
                           "__mul24(2, 3); o[k++] = (double)__hiloint2double(0xbff00000, 0);"
                           "o[k++] = __byte_perm(0x12345678, 0, 0x3210); o[k++] = __byte_perm(0x12345678, 0, "
                           "0x0123); o[k++] = warpSize;"
                           "o[k++] = __half2float(__hadd(__float2half(1.5f), __half(0.5f))); o[k++] = "
                           "__ldg(&o[24]); o[k++] = __expf(0.0f) + __logf(1.0f) + __sinf(0.0f);"
                           "__threadfence(); long long t = clock64(); __nanosleep(10); o[k++] = clock64() > "
                           "t && abs(-2.5f) == 2.5f && sqrt(4.0f) == 2.0f ? 7 : 0; }";
    double got[N];
    run_into(source, "f64", N, got);
    for (size_t i = 0; i < N; i++)
        if (!CHECK(got[i] == expected[i]))
            fprintf(stderr, "    function %zu: got %.17g, expected %.17g\n", i, got[i], expected[i]);
}

/* Half precision in every bit: all values there and back, and rounding from between them. */
static void test_halves(void) {
    const char *source = K "f(int n, unsigned *o) { " ID "__half h = __ushort_as_half((unsigned short)i); float v = h;"
                           "o[i] = __float_as_uint(v); if (__half_as_ushort(__float2half(v)) != i && v == v) o[i] = 1;"
                           "if (i < 0x7bff) { float up = __ushort_as_half((unsigned short)(i + 1)), mid = (v + up) / 2;"
                           "  if (__half_as_ushort(__float2half(mid)) != i + (i & 1)) o[i] = 2;"
                           "  if (__half_as_ushort(__float2half(nextafterf(mid, 1e9f))) != i + 1) o[i] = 3;"
                           "  if (__half_as_ushort(__float2half(nextafterf(mid, -1.0f))) != i) o[i] = 4; } }";
    static unsigned got[65536];
    run_into(source, "u32", 65536, got);
    unsigned bad = 0;
    for (unsigned i = 0; i < 65536; i++) {
        unsigned e = i >> 10 & 31, f = i & 1023;
        float v = e == 31 ? (f ? NAN : INFINITY)
                  : e     ? ldexpf((float)(1024 + f), (int)e - 25)
                          : ldexpf((float)f, -24),
              g;
        memcpy(&g, &got[i], sizeof g);
        bad += v == v ? g != (i & 0x8000 ? -v : v) : g == g;
    }
    CHECK(bad == 0);
}

static void test_structs(void) {
    gpumm_type *f32x3 = type_named("f32x3"), *u8 = type_named("u8"), *inner = NULL, *body = NULL, *other = NULL;
    CHECK(gpumm_type_struct("Inner", (gpumm_field[]){{.name = "tag", .type = u8}, {.name = "at", .type = f32x3}}, 2,
                            &inner) == GPUMM_OK);
    CHECK(gpumm_type_struct(
              "Body",
              (gpumm_field[]){{.name = "a", .type = u8}, {.name = "in", .type = inner}, {.name = "b", .type = u8}}, 3,
              &body) == GPUMM_OK);
    CHECK(gpumm_type_struct("Other", (gpumm_field[]){{.name = "in", .type = inner}}, 1, &other) == GPUMM_OK);
    char source[512];
    snprintf(source, sizeof source,
             "static_assert(sizeof(Body) == %zu && alignof(Body) == %zu, \"layout\");\n" K
             "f(int n, Body *b, const struct Renamed *o) { " ID
             "b[i].in.at.z = i; b[i].b = 7; b[i].in.tag = o[i].in.tag; }",
             gpumm_type_size(body), gpumm_type_align(body));
    const gpumm_type *types[] = {body, other};
    const char *names[] = {NULL, "Renamed"};
    gpumm_kernel *k = NULL;
    gpumm_buffer *b = NULL, *o = NULL;
    CHECK(gpumm_kernel_open(m,
                            &(gpumm_kernel_options){
                                .source = source, .file = "s.cu", .types = types, .type_names = names, .type_count = 2},
                            &k) == GPUMM_OK);
    CHECK(gpumm_manager_allocate(m, &(gpumm_buffer_options){.type = body, .length = 3}, &b) == GPUMM_OK);
    CHECK(gpumm_manager_allocate(m, &(gpumm_buffer_options){.type = other, .length = 3}, &o) == GPUMM_OK);
    int n = 3;
    if (k) CHECK(gpumm_kernel_launch(k, NULL, 0, (gpumm_argument[]){of_int(&n), of(b), of(o)}, 3) == GPUMM_OK);
    if (k)
        CHECK(gpumm_kernel_launch(k, NULL, 0, (gpumm_argument[]){of_int(&n), of(o), of(o)}, 3) == GPUMM_TYPE_MISMATCH);
    unsigned char got[256];
    read_back(b, 3, got);
    float z;
    size_t stride = gpumm_type_size(body), in = gpumm_type_field(body, 1)->offset,
           at = gpumm_type_field(inner, 1)->offset;
    memcpy(&z, got + 2 * stride + in + at + 8, sizeof z);
    CHECK(z == 2.0f && got[2 * stride + gpumm_type_field(body, 2)->offset] == 7);
    gpumm_buffer_release(b), gpumm_buffer_release(o), gpumm_kernel_release(k);
    gpumm_type_release(other), gpumm_type_release(body), gpumm_type_release(inner), gpumm_type_release(u8),
        gpumm_type_release(f32x3);
}

/* ---- Refusals ----------------------------------------------------------------------------- */

static void test_compile_errors(void) {
    CHECK(open_status("\n\n" K "f(int n) {\n  int x = nothing;\n}") == GPUMM_COMPILE_FAILED);
    SAYS("dir/test.cu:4:11: error: ");
    CHECK(open_status("// one\n" K "f(int n) { float2 v; v = v + v; }") ==
          GPUMM_COMPILE_FAILED); /* CUDA has none either */
    SAYS("dir/test.cu:2:");
    CHECK(open_status("#line 70 \"inner.cuh\"\n" K "f(int n) { x; }") == GPUMM_COMPILE_FAILED);
    SAYS("inner.cuh:70:");
    CHECK(open_status(K "f(int n) { missing_function_of_nobody(n); }") == GPUMM_COMPILE_FAILED);
    CHECK(open_status("extern \"C\" int nowhere(int);\n" K "f(int n) { nowhere(n); }") == GPUMM_COMPILE_FAILED);
    SAYS("nowhere");
    CHECK(open_status("__global__ void f(int n) {}") == GPUMM_COMPILE_FAILED);
    SAYS("dir/test.cu:1: kernel 'f' is not extern \"C\"");
    char many[65536] = K "f(int n) {";
    for (int i = 0; i < 2000; i++) snprintf(many + strlen(many), 32, "\n unknown_%d;", i);
    strcat(many, "}");
    CHECK(open_status(many) == GPUMM_COMPILE_FAILED);
    CHECK(strlen(gpumm_message()) < 4300);
    SAYS("dir/test.cu:2:2: error: ");
}

static void test_refused_names(void) {
    static const struct {
        const char *source, *words;
    } refused[] = {
        {"#define BAR __barrier_sync\n" K "f(int n) {\n\nBAR(3); }",
         "dir/test.cu:4: the barrier __barrier_sync is not available on the host device"},
        {K "f(int n) {\n cooperative_groups::this_cluster(); }", "dir/test.cu:2: the group this_cluster"},
        {K "f(cudaTextureObject_t t) {\n tex2D<float>(t, 0, 0); }", "dir/test.cu:1: the type cudaTextureObject_t"},
        {K "f(int n) {\n tex1Dfetch<float>(n, 0); }", "dir/test.cu:2: the texture function tex1Dfetch"},
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        CHECK(open_status(refused[i].source) == GPUMM_COMPILE_FAILED);
        if (!check(strstr(gpumm_message(), refused[i].words) != NULL, __LINE__, refused[i].words)) break;
    }
    static const char *const accepted[] = {
        K "f(int n) {\n __syncthreads(); }",
        K "f(int n) { int c = __syncthreads_count(n); }",
        K "f(int n) { __syncwarp(); }",
        K "f(int n) {\n\n __shared__ float t[32]; }",
        "#define SHARED __shared__\n" K "f(int n) {\nSHARED float t[32]; }",
        K "f(int n) { n = __shfl_down_sync(~0u, n, 1); }",
        K "f(int n) { n = __ballot_sync(~0u, n); }",
        K "f(int n) { n = __any_sync(~0u, n) + __all_sync(~0u, n); }",
        K "f(int n) { n = __activemask(); }",
        "#include <cooperative_groups.h>\nnamespace cg = cooperative_groups;\n" K "f(int n) {}",
    };
    for (size_t i = 0; i < sizeof accepted / sizeof *accepted; i++) CHECK(open_status(accepted[i]) == GPUMM_OK);
    CHECK(
        open_status(
            "// __shared__\n/* __syncthreads(); */\n#ifndef GPUMM_HOST\n__shared__ int x;\n#endif\n#ifndef __cplusplus\n__shared__ int y;\n#endif\n" K
            "f(int n) { const char *s = \"__shared__ __syncthreads()\"; int tex2Dims = n, texture = "
            "1; n = tex2Dims + texture; }") == GPUMM_OK);
}

static void test_options(void) {
    gpumm_kernel *k = NULL;
    gpumm_kernel_options o = {.source = K "f(int n, float x, unsigned m) {}\n" K "g(float *p) {}", .file = "two.cu"};
    CHECK(gpumm_kernel_open(m, &o, &k) == GPUMM_INVALID_ARGUMENT), SAYS("two.cu has several kernels, 'f', 'g'");
    o.name = "h";
    CHECK(gpumm_kernel_open(m, &o, &k) == GPUMM_NOT_FOUND), SAYS("two.cu has no kernel 'h', but 'f', 'g'");
    o.name = "f";
    o.threads = "x";
    CHECK(gpumm_kernel_open(m, &o, &k) == GPUMM_INVALID_ARGUMENT), SAYS("'x' is no integer");
    o.threads = "q";
    CHECK(gpumm_kernel_open(m, &o, &k) == GPUMM_INVALID_ARGUMENT), SAYS("no parameter 'q'");
    o.threads = "m";
    CHECK(gpumm_kernel_open(m, &o, &k) == GPUMM_OK && gpumm_kernel_threads(k) == 2);
    gpumm_kernel_release(k);
    o.threads = "";
    CHECK(gpumm_kernel_open(m, &o, &k) == GPUMM_OK && gpumm_kernel_threads(k) == SIZE_MAX);
    gpumm_kernel_release(k), k = NULL;
    /* Macros of the flags are for the source: the prelude has names of its own. */
    o = (gpumm_kernel_options){.source = K "f(N n, T *p) { p[0] = I + (sizeof(F) > P); }",
                               .file = "macros.cu",
                               .flags = "-DT=float -DN=int -D F=double -DP=1 -DI=2 -DV -Dp=q -DNDEBUG -Dv(x)=x"};
    CHECK(gpumm_kernel_open(m, &o, &k) == GPUMM_OK);
    CHECK(k && strcmp(gpumm_kernel_parameter(k, 1)->type, "float") == 0);
    gpumm_kernel_release(k), k = NULL;
    o = (gpumm_kernel_options){.file = "/nowhere/at/all.cu"};
    CHECK(gpumm_kernel_open(m, &o, &k) == GPUMM_IO), SAYS("/nowhere/at/all.cu: No such file");
    o = (gpumm_kernel_options){.file = "k.ptx", .signature = "void f(int n)"};
    CHECK(gpumm_kernel_open(m, &o, &k) == GPUMM_INVALID_ARGUMENT), SAYS("k.ptx is a binary for CUDA: the host device");
    CHECK(gpumm_kernel_open(m, &(gpumm_kernel_options){.file = "x"}, &k) == GPUMM_IO);
    CHECK(gpumm_kernel_open(m, &(gpumm_kernel_options){.block = 1}, &k) == GPUMM_INVALID_ARGUMENT);
    o = (gpumm_kernel_options){
        .source = K "f(int n) { const char *t = T, c = C; }", .file = "q.cu", .flags = "-DT=\"one two\" -DC='c'"};
    CHECK(gpumm_kernel_open(m, &o, &k) == GPUMM_INVALID_ARGUMENT), SAYS("the flag -DT=\"one ends within quotes");
    o.flags = "-DT=\"it's\" -DC='\"'";
    CHECK(gpumm_kernel_open(m, &o, &k) == GPUMM_OK);
    gpumm_kernel_release(k), k = NULL;
    CHECK(gpumm_kernel_open(m, &(gpumm_kernel_options){.source = "int x;", .file = "e.cu"}, &k) == GPUMM_NOT_FOUND);
    SAYS("e.cu has no kernel");
    CHECK(k == NULL);
}

static void test_arguments(void) {
    gpumm_manager *another = NULL;
    CHECK(gpumm_manager_open(&(gpumm_options){.device = "host"}, &another) == GPUMM_OK);
    gpumm_kernel *k = open_named(K "f(int n, const float *x, float2 *y, void *any, unsigned char *bytes) {}", NULL);
    gpumm_kernel *none = open_named(K "g(float *x) { x[0] = 1; }", NULL);
    gpumm_buffer *x = buffer("f32", 4), *y = buffer("f32x2", 4), *i = buffer("i32", 4), *foreign = NULL, *opaque = NULL;
    gpumm_type *f32 = type_named("f32");
    CHECK(gpumm_manager_allocate(another, &(gpumm_buffer_options){.type = f32, .length = 4}, &foreign) == GPUMM_OK);
    CHECK(gpumm_manager_allocate(m, &(gpumm_buffer_options){.length = 4}, &opaque) == GPUMM_OK);
    int n = 4, negative = -1, zero = 0;
    short small = 1;
    gpumm_address address = 0;
    gpumm_argument good[] = {of_int(&n), of(x), of(y), of(i), of(x)}, a[5];
#define WITH(index, ...) \
    (memcpy(a, good, sizeof a), a[index] = (gpumm_argument)__VA_ARGS__, gpumm_kernel_launch(k, NULL, 0, a, 5))
    CHECK(gpumm_kernel_launch(k, NULL, 0, good, 5) == GPUMM_OK);
    CHECK(WITH(1, {.buffer = y}) == GPUMM_OK); /* float * over f32x2 */
    CHECK(WITH(1, {.buffer = opaque}) == GPUMM_OK);
    CHECK(WITH(2, {.value = &address, .size = sizeof address}) == GPUMM_OK);
    CHECK(WITH(1, {.buffer = i}) == GPUMM_TYPE_MISMATCH);
    SAYS("kernel 'f', parameter 'x': wants const float * (f32), got anonymous i32 buffer of i32");
    CHECK(WITH(2, {.buffer = x}) == GPUMM_TYPE_MISMATCH), SAYS("wants float2 * (f32x2)");
    CHECK(WITH(1, {.buffer = foreign}) == GPUMM_INVALID_ARGUMENT), SAYS("another manager");
    CHECK(WITH(1, {.buffer = NULL}) == GPUMM_INVALID_ARGUMENT), SAYS("parameter 'x': a pointer wants one of");
    CHECK(WITH(1, {.value = &n, .size = sizeof n}) == GPUMM_INVALID_ARGUMENT);
    CHECK(WITH(0, {.buffer = x}) == GPUMM_TYPE_MISMATCH), SAYS("parameter 'n': wants a value of int");
    CHECK(WITH(0, {.value = &small, .size = sizeof small}) == GPUMM_TYPE_MISMATCH), SAYS("int has 4 bytes, got 2");
    CHECK(WITH(0, {.value = NULL}) == GPUMM_INVALID_ARGUMENT);
    CHECK(WITH(0, {.value = &negative, .size = sizeof negative}) == GPUMM_INVALID_ARGUMENT), SAYS("cannot be negative");
    CHECK(WITH(0, {.value = &zero, .size = sizeof zero}) == GPUMM_OK);
    CHECK(gpumm_kernel_launch(k, NULL, 0, good, 4) == GPUMM_INVALID_ARGUMENT);
    SAYS("kernel 'f' takes 5 arguments (n, x, y, any, bytes), got 4");
    CHECK(gpumm_kernel_launch(none, NULL, 0, (gpumm_argument[]){of(x)}, 1) == GPUMM_INVALID_ARGUMENT),
        SAYS("say how many");
    CHECK(gpumm_kernel_launch(none, NULL, 1, (gpumm_argument[]){of(x)}, 1) == GPUMM_OK);
    CHECK(gpumm_kernel_launch(k, gpumm_manager_main(another), 0, good, 5) == GPUMM_INVALID_ARGUMENT);
    CHECK(gpumm_buffer_close(i) == GPUMM_OK);
    CHECK(gpumm_kernel_launch(k, NULL, 0, good, 5) == GPUMM_STALE);
    gpumm_type_release(f32);
    gpumm_buffer *all[] = {x, y, i, foreign, opaque};
    for (size_t b = 0; b < 5; b++) gpumm_buffer_release(all[b]);
    gpumm_kernel_release(k), gpumm_kernel_release(none);
    gpumm_manager_close(another);
    gpumm_manager_release(another);
}

/* A struct that only the compiler knows: what is given must have its size, for the kernel reads all of it. */
static void test_sizes(void) {
    gpumm_kernel *k =
        open_named("struct all { int part[64]; };\n" K "f(int n, int *o, all a) { o[0] = a.part[63]; }", NULL);
    gpumm_buffer *o = buffer("i32", 1);
    int n = 1, all[64] = {[63] = 77}, got = 0;
    gpumm_argument given[] = {of_int(&n), of(o), {.value = all, .size = 4}};
    CHECK(gpumm_kernel_launch(k, NULL, 0, given, 3) == GPUMM_INVALID_ARGUMENT);
    SAYS("parameter 3 of kernel 'f' was compiled with 256 bytes, 4 were given");
    given[2].size = sizeof all;
    CHECK(gpumm_kernel_launch(k, NULL, 0, given, 3) == GPUMM_OK);
    read_back(o, 1, &got);
    CHECK(got == 77);
    CHECK(gpumm_kernel_launch(k, NULL, UINT64_MAX, given, 3) == GPUMM_INVALID_ARGUMENT);
    CHECK(strncmp(gpumm_message(), "kernel 'f': 18446744073709551615 threads", 40) == 0);
    gpumm_kernel_release(k), gpumm_buffer_release(o);
}

/* ---- Time --------------------------------------------------------------------------------- */

/* A kernel may go while its launches wait, and its module stays for them; what they write is there. */
static void test_release_while_held(void) {
    gpumm_manager *before = m;
    CHECK(gpumm_manager_open(&(gpumm_options){.device = "host", .inject_faults = true, .fault.hold = "launch"}, &m) ==
          GPUMM_OK);
    gpumm_kernel *k = open_named(K "f(int n, int *o) { " ID "atomicAdd(&o[i], i + 1); }", NULL);
    gpumm_buffer *b = buffer("i32", 100);
    gpumm_live live;
    int n = 100, got[100];
    for (int r = 0; r < 3; r++)
        CHECK(gpumm_kernel_launch(k, NULL, 0, (gpumm_argument[]){of_int(&n), of(b)}, 2) == GPUMM_OK);
    gpumm_kernel_release(k);
    CHECK(gpumm_fault_get_live(m, &live) == GPUMM_OK && live.modules == 1);
    CHECK(gpumm_fault_resume(m, NULL) == GPUMM_OK);
    read_back(b, 100, got);
    CHECK(got[0] == 3 && got[99] == 300);
    for (int tries = 0; tries < 1000 && live.modules; tries++) {
        usleep(1000);
        gpumm_manager_poll(m);
        gpumm_fault_get_live(m, &live);
    }
    CHECK(live.modules == 0);
    gpumm_buffer_release(b);
    gpumm_kernel *left = open_named(K "f(int n, int *o) {}", NULL); /* close disposes of it */
    gpumm_manager_close(m);
    CHECK(gpumm_kernel_launch(left, NULL, 1, NULL, 0) == GPUMM_CLOSED);
    CHECK(gpumm_fault_get_live(m, &live) == GPUMM_OK && live.modules == 0);
    gpumm_kernel_release(left);
    gpumm_manager_release(m);
    m = before;
}

static void test_faults(void) {
    gpumm_manager *before = m;
    static const char *const calls[] = {"compile", "module_open", "function"};
    CHECK(gpumm_manager_open(&(gpumm_options){.device = "host", .inject_faults = true}, &m) == GPUMM_OK);
    for (size_t i = 0; i < 3; i++) {
        char source[128];
        gpumm_kernel *k = NULL;
        gpumm_live live;
        snprintf(source, sizeof source, K "fault_%zu(int n, int *o) {}", i);
        CHECK(gpumm_fault_plan(m, &(gpumm_fault){.call = calls[i], .nth = 1, .status = GPUMM_DRIVER}) == GPUMM_OK);
        CHECK(gpumm_kernel_open(m, &(gpumm_kernel_options){.source = source, .file = "f.cu"}, &k) == GPUMM_DRIVER &&
              !k);
        CHECK(gpumm_fault_get_live(m, &live) == GPUMM_OK && live.modules == 0);
        CHECK(gpumm_kernel_open(m, &(gpumm_kernel_options){.source = source, .file = "f.cu"}, &k) == GPUMM_OK && k);
        gpumm_kernel_release(k);
    }
    gpumm_manager_close(m);
    gpumm_manager_release(m);
    m = before;
}

/* ---- The cache ---------------------------------------------------------------------------- */

static char counting[512], count_file[512]; /* a compiler that leaves a line for every time it is asked */

static void write_counting_compiler(void) {
    snprintf(counting, sizeof counting, "%s/cxx.sh", scratch_dir);
    snprintf(count_file, sizeof count_file, "%s/asked", scratch_dir);
    FILE *f = fopen(counting, "w");
    CHECK(f != NULL);
    /* Preprocessing is not counted: a line is for a binary that is made. */
    fprintf(f, "#!/bin/sh\ncase \" $* \" in *' -E '*) ;; *) echo asked >> '%s' ;; esac\nexec c++ \"$@\"\n", count_file);
    fclose(f);
    chmod(counting, 0700);
}

static int asked(void) {
    FILE *f = fopen(count_file, "r");
    int lines = 0;
    for (int c; f && (c = fgetc(f)) != EOF;) lines += c == '\n';
    if (f) fclose(f);
    return lines;
}

static const char *cache_in(const char *name) {
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", scratch_dir, name);
    setenv("GPUMM_CACHE_DIR", path, 1);
    return path;
}

/* How many files a directory has; `last` gets one's path. */
static int files_in(const char *path, char last[1024]) {
    DIR *all = opendir(path);
    int count = 0;
    for (struct dirent *e; all && (e = readdir(all));) {
        if (e->d_name[0] == '.') continue;
        count++;
        snprintf(last, 1024, "%.500s/%.500s", path, e->d_name);
    }
    if (all) closedir(all);
    return count;
}

#define SMALL K "f(int n, int *o) { " ID "o[i] = i * 3; }"

static void test_cache(void) {
    const char *path = cache_in("deep/er/cache");
    char file[1024];
    int got[4], before;
    struct stat s;
    setenv("GPUMM_CXX", counting, 1);
    before = asked();
    run_into(SMALL, "i32", 4, got);
    CHECK(asked() == before + 1 && got[3] == 9 && files_in(path, file) == 1);
    CHECK(stat(path, &s) == 0 && (s.st_mode & 0777) == 0700);
    run_into(SMALL, "i32", 4, got);
    CHECK(asked() == before + 1 && got[3] == 9);
    run_into(SMALL " ", "i32", 4, got); /* other source, other binary */
    CHECK(asked() == before + 2 && files_in(path, file) == 2);
    CHECK(open_status("broken") == GPUMM_NOT_FOUND && open_status(K "f(int n) { broken }") == GPUMM_COMPILE_FAILED);
    CHECK(files_in(path, file) == 2); /* nothing of it is left */
    gpumm_kernel *k = NULL;
    CHECK(gpumm_kernel_open(m, &(gpumm_kernel_options){.source = SMALL, .file = "test.cu", .flags = "-DX=1"}, &k) ==
          GPUMM_OK);
    gpumm_kernel_release(k);
    CHECK(files_in(path, file) == 3);
    snprintf(file, sizeof file, "%s/building-000000", path); /* of a process that was killed long ago */
    FILE *left = fopen(file, "w");
    CHECK(left != NULL);
    fclose(left);
    CHECK(utimensat(AT_FDCWD, file, (struct timespec[2]){{1, 0}, {1, 0}}, 0) == 0);
    CHECK(open_status(K "swept(int n) {}") == GPUMM_OK && access(file, F_OK) != 0);
    unsetenv("GPUMM_CXX");
}

/* Cut off, altered, or whole but useless: made anew, once, and never opened. */
static void test_damaged_file(void) {
    const char *path = cache_in("damaged");
    char file[1024], copy[1100];
    int got[4], before;
    setenv("GPUMM_CXX", counting, 1);
    run_into(SMALL, "i32", 4, got);
    before = asked();
    CHECK(files_in(path, file) == 1 && truncate(file, 4096) == 0);
    run_into(SMALL, "i32", 4, got);
    CHECK(asked() == before + 1 && got[3] == 9 && files_in(path, file) == 1);
    FILE *f = fopen(file, "r+");
    fseek(f, 5000, SEEK_SET), fputs("damage", f), fclose(f);
    run_into(SMALL, "i32", 4, got);
    CHECK(asked() == before + 2 && got[3] == 9);
    CHECK(truncate(file, 0) == 0); /* whole by its sum, but no library */
    strcpy(copy, file);
    strcpy(strrchr(copy, '.'), ".e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK(rename(file, copy) == 0);
    run_into(SMALL, "i32", 4, got);
    CHECK(asked() == before + 3 && got[3] == 9 && files_in(path, file) == 1 && strcmp(file, copy) != 0);
    CHECK(unlink(file) == 0 && mkfifo(file, 0700) == 0); /* nobody writes to it: who waits for it waits for ever */
    alarm(60);
    run_into(SMALL, "i32", 4, got);
    alarm(0);
    CHECK(asked() == before + 4 && got[3] == 9);
    unsetenv("GPUMM_CXX");
}

static void test_cache_directories(void) {
    char path[512], inside[600], last[1024];
    int got[4];
    strcpy(path, cache_in("open"));
    mkdir(path, 0700), chmod(path, 0777);
    CHECK(open_status(K "f(int n) {}") == GPUMM_IO), SAYS("can be written by others");
    chmod(path, 0700);
    CHECK(open_status(K "f(int n) {}") == GPUMM_OK);
    snprintf(inside, sizeof inside, "%s/asked", scratch_dir);
    setenv("GPUMM_CACHE_DIR", inside, 1); /* a file */
    CHECK(open_status(K "f(int n) {}") == GPUMM_IO);
    unsetenv("GPUMM_CACHE_DIR");
    snprintf(path, sizeof path, "%s/xdg", scratch_dir);
    setenv("XDG_CACHE_HOME", path, 1);
    run_into(SMALL, "i32", 4, got);
    snprintf(inside, sizeof inside, "%s/gpumm", path);
    CHECK(got[3] == 9 && files_in(inside, last) == 1);
    chmod(inside, 0777); /* others' doing: not used, and the next one is */
    snprintf(path, sizeof path, "%s/home", scratch_dir);
    setenv("HOME", path, 1);
    run_into(SMALL, "i32", 4, got);
    snprintf(inside, sizeof inside, "%s/.cache/gpumm", path);
    CHECK(got[3] == 9 && files_in(inside, last) == 1);
    chmod(inside, 0777);
    snprintf(path, sizeof path, "%s/tmp", scratch_dir);
    mkdir(path, 0700);
    setenv("TMPDIR", path, 1);
    run_into(SMALL, "i32", 4, got); /* nowhere to keep it: made for this once */
    CHECK(got[3] == 9 && files_in(path, last) == 0);
    unsetenv("TMPDIR");
}

static int child_builds(void) {
    gpumm_kernel *k = NULL;
    int n = 4, got[4];
    m = NULL;
    if (gpumm_manager_open(&(gpumm_options){.device = "host"}, &m) != GPUMM_OK) return 1;
    if (gpumm_kernel_open(m, &(gpumm_kernel_options){.source = SMALL, .file = "test.cu"}, &k) != GPUMM_OK) return 2;
    gpumm_buffer *b = buffer("i32", 4);
    if (gpumm_kernel_launch(k, NULL, 0, (gpumm_argument[]){of_int(&n), of(b)}, 2) != GPUMM_OK) return 3;
    read_back(b, 4, got);
    gpumm_buffer_release(b), gpumm_kernel_release(k), gpumm_manager_close(m), gpumm_manager_release(m);
    return got[3] == 9 && !failures ? 0 : 4;
}

static void test_two_processes(void) {
    char file[1024];
    const char *path = cache_in("two");
    pid_t children[4];
    for (int i = 0; i < 4; i++) {
        children[i] = fork();
        if (children[i] == 0) _exit(child_builds());
    }
    for (int i = 0; i < 4; i++) {
        int status = -1;
        CHECK(waitpid(children[i], &status, 0) == children[i] && status == 0);
    }
    int files = files_in(path, file);
    CHECK(files >= 1 && files <= 4 && strstr(file, "building") == NULL);
}

static void test_no_compiler(void) {
    char *path = strdup(getenv("PATH"));
    cache_in("none");
    setenv("GPUMM_CXX", "/no/such/compiler", 1);
    CHECK(open_status(K "f(int n) {}") == GPUMM_COMPILE_FAILED), SAYS("GPUMM_CXX is '/no/such/compiler'");
    unsetenv("GPUMM_CXX");
    setenv("PATH", "/nowhere", 1);
    CHECK(open_status(K "f(int n) {}") == GPUMM_COMPILE_FAILED);
    SAYS("no C++ compiler: install g++ (Debian: apt-get install g++) or set GPUMM_CXX");
    setenv("PATH", path, 1);
    setenv("GPUMM_CXX", "false", 1);
    CHECK(open_status(K "f(int n) {}") == GPUMM_COMPILE_FAILED), SAYS("no words");
    unsetenv("GPUMM_CXX");
    free(path);
}

/* ---- Files -------------------------------------------------------------------------------- */

static void write_file(const char *name, const char *text, char path[512]) {
    snprintf(path, 512, "%s/%s", scratch_dir, name);
    FILE *f = fopen(path, "w");
    CHECK(f != NULL);
    fputs(text, f);
    fclose(f);
}

/* What stands beside a file is part of it: read, compiled, named in messages, and part of the cache's key. */
static void test_includes(void) {
    char main_file[512], part[512], words[600];
    int n = 3, got[3];
    cache_in("includes");
    write_file("part.cuh", "#pragma once\n#define FACTOR 5\n__device__ int part(int i) { return i * FACTOR; }\n", part);
    write_file("main.cu",
               "/* \n#include \"gone.h\"\n*/\n#include \"part.cuh\"\n # include \"part.cuh\" // "
               "again\n#include <stdint.h>\n" K "f(int n, int32_t *o) {\n " ID
               "o[i] = part(i);\n#ifdef BAD\n bad;\n#endif\n}\n",
               main_file);
    for (int factor = 5; factor <= 6; factor++) {
        gpumm_kernel *k = NULL;
        gpumm_buffer *b = buffer("i32", 3);
        CHECK(gpumm_kernel_open(m, &(gpumm_kernel_options){.file = main_file}, &k) == GPUMM_OK);
        if (k) CHECK(gpumm_kernel_launch(k, NULL, 0, (gpumm_argument[]){of_int(&n), of(b)}, 2) == GPUMM_OK);
        read_back(b, 3, got);
        CHECK(got[2] == 2 * factor);
        gpumm_buffer_release(b), gpumm_kernel_release(k);
        write_file("part.cuh", "#pragma once\n#define FACTOR 6\n__device__ int part(int i) { return i * FACTOR; }\n",
                   part);
    }
    gpumm_kernel *k = NULL;
    CHECK(gpumm_kernel_open(m, &(gpumm_kernel_options){.file = main_file, .flags = "-DBAD"}, &k) ==
          GPUMM_COMPILE_FAILED);
    snprintf(words, sizeof words, "%s:10:2: error", main_file);
    CHECK(strstr(gpumm_message(), words) != NULL);
    write_file("part.cuh", "\n\nint part(int i) { return wrong; }\n", part);
    CHECK(gpumm_kernel_open(m, &(gpumm_kernel_options){.file = main_file}, &k) == GPUMM_COMPILE_FAILED);
    snprintf(words, sizeof words, "%s:3:", part);
    CHECK(strstr(gpumm_message(), words) != NULL);
}

/* Runs the kernel of a file and reads back its one integer. */
static int answer_of(const char *file, const char *flags) {
    gpumm_kernel *k = NULL;
    int one = 1, got = -1;
    gpumm_buffer *b = buffer("i32", 1);
    CHECK(gpumm_kernel_open(m, &(gpumm_kernel_options){.file = file, .flags = flags}, &k) == GPUMM_OK);
    if (k) CHECK(gpumm_kernel_launch(k, NULL, 0, (gpumm_argument[]){of_int(&one), of(b)}, 2) == GPUMM_OK);
    read_back(b, 1, &got);
    gpumm_buffer_release(b), gpumm_kernel_release(k);
    return got;
}

/* As a compiler would have it: a list is read as often as it is wanted, a branch that is left out includes
   nothing, a guard holds, and #pragma once by whichever path. */
static void test_included_again(void) {
    char path[512];
    cache_in("again");
    write_file("list.inc", "X(1)\nX(2)\n", path);
    write_file("once.cuh", "// c\n#pragma once\n__device__ int once() { return 100; }\n", path);
    write_file("guarded.cuh",
               "#ifndef GUARDED\n#define GUARDED\n#include \"guarded.cuh\"\n__device__ int guarded() { return "
               "1000; }\n#endif\n",
               path);
    write_file("again.cu",
               "#ifdef NOBODY\n#include \"once.cuh\"\n#include \"guarded.cuh\"\n#else\n#include \"once.cuh\"\n"
               "#include \"./once.cuh\"\n#include \"guarded.cuh\"\n#endif\n#include \"guarded.cuh\"\n"
               "#define X(i) __device__ int part_##i() { return i; }\n#include \"list.inc\"\n#undef X\n"
               "#define X(i) + 10 * part_##i()\n" K "f(int n, int *o) {\no[0] = once() + guarded()\n"
               "#include \"list.inc\"\n;\n#ifdef BAD\n bad;\n#endif\n}\n",
               path);
    CHECK(answer_of(path, NULL) == 1130);
    gpumm_kernel *k = NULL;
    char words[600];
    CHECK(gpumm_kernel_open(m, &(gpumm_kernel_options){.file = path, .flags = "-DBAD"}, &k) == GPUMM_COMPILE_FAILED);
    snprintf(words, sizeof words, "%s:19:2: error", path);
    CHECK(strstr(gpumm_message(), words) != NULL);
}

/* Where a line ends is the compiler's: comments, raw strings and backslashes join several. */
static void test_joined_lines(void) {
    char path[512];
    cache_in("joined");
    write_file("v.cuh", "/* seven */\n#define V 7\n", path);
    write_file("tail.cu", "#include \"v.cuh\" /* and\n more */\n" K "f(int n, int *o) { o[0] = V; }\n", path);
    CHECK(answer_of(path, NULL) == 7);
    write_file("comment.cu",
               "// a \\\n#include \"v.cuh\"\n" K "f(int n, int *o) {\n#ifdef V\no[0] = 1;\n#else\n"
               "o[0] = 2;\n#endif\n}\n",
               path);
    CHECK(answer_of(path, NULL) == 2);
    write_file("number.cu",
               "static int q = 1'000; /*\n#include \"v.cuh\"\n" K "f(int n, int *o) {} */\n#define V 3\n" K
               "f(int n, int *o) { o[0] = V; }\n",
               path);
    CHECK(answer_of(path, NULL) == 3);
    write_file("raw.cu", "#define V 3\n" K "f(int n, int *o) { o[0] = sizeof R\"x(\n#include \"v.cuh\"\n)x\"; }\n",
               path);
    CHECK(answer_of(path, NULL) == 19);
    write_file("v.cuh", "#define V 5 \\\n", path);
    write_file("end.cu", "#include \"v.cuh\"\n" K "f(int n, int *o) { o[0] = V; }\n", path);
    CHECK(answer_of(path, NULL) == 5);
    write_file("v.cuh", "/*\n#pragma once\n*/\n#pragma once_more\n+ 1\n", path);
    write_file("many.cu", K "f(int n, int *o) { o[0] = 0\n#include \"v.cuh\"\n#include \"v.cuh\"\n; }\n", path);
    CHECK(answer_of(path, NULL) == 2);
}

/* A header that is left out leaves the lines behind it their numbers. */
static void test_lines_behind_a_header_left_out(void) {
    gpumm_kernel *k = NULL;
    char path[512], words[600];
    write_file("long.cuh", "\n\n\n\n\n", path);
    write_file("out.cu",
               "#if 0\n#if 1\n#include \"long.cuh\"\n#endif\n#else\n bad;\n#endif\n" K
               "f(int n) {}\n bad;\n#ifdef NOBODY\n#include \"long.cuh\"\n#endif\n bad;\n",
               path);
    CHECK(gpumm_kernel_open(m, &(gpumm_kernel_options){.file = path}, &k) == GPUMM_COMPILE_FAILED);
    for (int line = 6; line <= 13; line += line == 6 ? 3 : 4) {
        snprintf(words, sizeof words, "%s:%d:2: error", path, line);
        CHECK(strstr(gpumm_message(), words) != NULL);
    }
}

/* A folder or a pipe is no header: the compiler goes on to where there is one. */
static void test_no_headers(void) {
    char path[512];
    snprintf(path, sizeof path, "%s/limits.h", scratch_dir);
    CHECK(mkdir(path, 0700) == 0);
    snprintf(path, sizeof path, "%s/stdint.h", scratch_dir);
    CHECK(mkfifo(path, 0600) == 0);
    write_file("folder.cu",
               "#include \"limits.h\"\n#include \"stdint.h\"\n" K "f(int n, int *o) { o[0] = CHAR_BIT; }\n", path);
    CHECK(answer_of(path, NULL) == 8);
}

static void test_quoted_folder(void) {
    char folder[512], path[512];
    snprintf(folder, sizeof folder, "%s/a\"b\\c", scratch_dir);
    CHECK(mkdir(folder, 0700) == 0);
    write_file("a\"b\\c/seven.cuh", "#define SEVEN 7\n", path);
    write_file("a\"b\\c/main.cu", "#include \"seven.cuh\"\n" K "f(int n, int *o) { o[0] = SEVEN; }\n", path);
    CHECK(answer_of(path, NULL) == 7);
}

/* Whatever flags of `styles` lead there: what the header in inner/ says counts, each time that it says something else. */
static void check_answers_follow(const char *file, const char *header, const char *macro, const char *const styles[3]) {
    char path[512], flags[600], text[64];
    for (int answer = 1; answer <= 6; answer++) {
        snprintf(text, sizeof text, "#define %s %d\n", macro, answer);
        write_file(header, text, path);
        snprintf(flags, sizeof flags, styles[answer % 3], scratch_dir);
        CHECK(answer_of(file, flags) == answer);
    }
}

/* What folders named by -I hold is the compiler's to find, and still a change there makes another binary. */
static void test_include_folders(void) {
    static const char *const styles[] = {"-I%s/inner", "-O2 -I %s/inner -DX", "-idirafter %s/inner"};
    char path[512], file[512];
    cache_in("folders");
    snprintf(path, sizeof path, "%s/inner", scratch_dir);
    CHECK(mkdir(path, 0700) == 0);
    write_file("main.cu", "#include <outer.cuh>\n" K "f(int n, int *o) { o[0] = ANSWER; }\n", file);
    write_file("inner/outer.cuh", "#include \"answer.h\"\n", path);
    check_answers_follow(file, "inner/answer.h", "ANSWER", styles);
}

/* However the source names them. */
static void test_headers_by_other_names(void) {
    static const char *const lines[] = {"/* by */ #include <by.h>\n", "# \\\n include /* by */ \"by.h\"\n",
                                        "#define HEADER <by.h>\n#include HEADER\n", "#include FLAG\n"};
    char path[512], flags[600];
    cache_in("names");
    snprintf(flags, sizeof flags, "-I%s/inner -DFLAG=<by.h>", scratch_dir);
    for (int answer = 0; answer < 8; answer++) {
        char text[256];
        snprintf(text, sizeof text, "#define BY %d\n", answer);
        write_file("inner/by.h", text, path);
        snprintf(text, sizeof text, "%s" K "f(int n, int *o) { o[0] = BY; }\n", lines[answer / 2]);
        write_file("names.cu", text, path);
        CHECK(answer_of(path, flags) == answer);
    }
}

/* So is what flags include before the source. */
static void test_included_by_flags(void) {
    static const char *const styles[] = {"-include %s/inner/before.h", "-imacros %s/inner/before.h -O2",
                                         "-include before.h -I%s/inner"};
    char path[512], file[512];
    cache_in("before");
    write_file("before.cu", K "f(int n, int *o) { o[0] = BEFORE; }\n", file);
    write_file("inner/before.h", "#include \"value.h\"\n", path);
    check_answers_follow(file, "inner/value.h", "BEFORE", styles);
}

/* CUDA's own headers may be included: the prelude has what is in them, and a toolkit's are not for this compiler. */
static void test_cuda_headers(void) {
    int got[2];
    run_into("#include <cuda_runtime.h>\n#include \"device_launch_parameters.h\"\n#include <cuda_fp16.h>\n" K
             "f(int n, int *o) { " ID "o[i] = (int)__half2float(__float2half(3.0f)) + i; }",
             "i32", 2, got);
    CHECK(got[0] == 3 && got[1] == 4);
}

int main(void) {
    snprintf(scratch_dir, sizeof scratch_dir, "%s/gpumm-spec-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    if (!mkdtemp(scratch_dir)) return 1;
    unsetenv("GPUMM_CXX"), unsetenv("CXX"), unsetenv("TMPDIR");
    write_counting_compiler();
    test_two_processes(); /* before any thread is there */
    cache_in("cache");
    CHECK(gpumm_manager_open(&(gpumm_options){.device = "host"}, &m) == GPUMM_OK);
    test_saxpy(), test_grid(), test_atomics(), test_vectors(), test_functions(), test_halves(), test_structs();
    test_compile_errors(), test_refused_names(), test_options(), test_arguments(), test_sizes();
    test_release_while_held(), test_faults();
    test_cache(), test_damaged_file(), test_cache_directories(), test_no_compiler(), test_includes();
    test_joined_lines(), test_lines_behind_a_header_left_out(), test_no_headers();
    test_included_again(), test_quoted_folder(), test_include_folders(), test_included_by_flags(), test_cuda_headers();
    test_headers_by_other_names();
    gpumm_manager_close(m);
    gpumm_manager_release(m);
    char command[300];
    snprintf(command, sizeof command, "rm -rf '%s'", scratch_dir);
    if (system(command) != 0) failures++;
    printf("kernel_host: %d checks, %d failed\n", checks, failures);
    return failures != 0;
}
