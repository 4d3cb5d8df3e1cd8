/* SPDX-License-Identifier: MIT */
/* Reading prototypes out of CUDA C: odd shapes that must be read, and wrong ones that must be named. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "device/open.h"
#include "kernel/source/prototypes.h"

#include "kernel/record.h"

static int checks, failures;
static device *host;
static gpumm_manager *m;

static void check(bool ok, int line, const char *what) {
    checks++;
    if (ok) return;
    failures++;
    fprintf(stderr, "%s:%d: %s\n    last message: %s\n", __FILE__, line, what, gpumm_message());
}
#define CHECK(condition) check(condition, __LINE__, #condition)

/* Everything that was read as one text: "name(n:i32, x:const f32*)@line[threads] …". */
static void describe_parameter(char *text, size_t size, const gpumm_parameter *p) {
    size_t used = strlen(text);
    snprintf(text + used, size - used, "%s:%s%s%s", p->name,
             p->kind == GPUMM_PARAMETER_POINTER && p->access == GPUMM_ACCESS_READ ? "const " : "",
             p->element ? gpumm_type_name(p->element) : p->type, p->kind == GPUMM_PARAMETER_POINTER ? "*" : "");
}

static void describe(const prototype_list *list, char *text, size_t size) {
    *text = 0;
    for (size_t i = 0; i < list->count; i++) {
        const prototype *k = &list->items[i];
        size_t used = strlen(text);
        snprintf(text + used, size - used, "%s%s(", i ? " " : "", k->name);
        for (size_t j = 0; j < k->count; j++) {
            if (j) strncat(text, ", ", size - strlen(text) - 1);
            describe_parameter(text, size, &k->parameters[j]);
        }
        used = strlen(text);
        snprintf(text + used, size - used, ")@%u[%d]", k->line, (int)k->threads);
    }
}

/* What the host device's compiler makes of the text, as every text is read; NULL where it says no. */
static char *preprocessed(const prototype_source *source, const char *flags) {
    char folder[] = "/tmp/gpumm-prototype-XXXXXX", path[64], command[64];
    grown_text made = {.from = &gpumm__alloc_default};
    CHECK(mkdtemp(folder) != NULL);
    bool marked = strncmp(source->text, "\xEF\xBB\xBF", 3) == 0; /* which no compiler takes in the midst of a text */
    device_source s = {.text = source->text + (marked ? 3 : 0), .file = source->file, .flags = flags, .folder = folder};
    gpumm_status status = host->call->preprocess(host, &s);
    snprintf(path, sizeof path, "%s/" DEVICE_PREPROCESSED, folder);
    if (status == GPUMM_OK) status = gpumm__text_read(&made, path);
    snprintf(command, sizeof command, "rm -r %s", folder);
    CHECK(system(command) == 0);
    return status == GPUMM_OK ? made.bytes : NULL;
}

static gpumm_status read_text(const prototype_source *source, const char *flags, prototype_list *list) {
    prototype_source s = *source;
    char *text = source->signature ? NULL : preprocessed(source, flags);
    if (!source->signature && !text) return GPUMM_COMPILE_FAILED;
    if (text) s.text = text;
    gpumm_status status = gpumm__prototype_read(&gpumm__alloc_default, &s, list);
    free(text);
    return status;
}

static void reads_flagged(const prototype_source *source, const char *flags, const char *expected, int line) {
    prototype_list list = {0};
    char text[4096];
    gpumm_status status = read_text(source, flags, &list);
    check(status == GPUMM_OK, line, "the text is read");
    describe(&list, text, sizeof text);
    if (strcmp(text, expected) != 0) fprintf(stderr, "    got      %s\n    expected %s\n", text, expected);
    check(strcmp(text, expected) == 0, line, "the prototypes are those expected");
    gpumm__prototype_free(&list);
}

static void reads_with(const prototype_source *source, const char *expected, int line) {
    reads_flagged(source, "", expected, line);
}

static void reads(const char *source, const char *expected, int line) {
    reads_with(&(prototype_source){.text = source, .file = "k.cu"}, expected, line);
}
#define READS(source, expected) reads(source, expected, __LINE__)

/* Of a kernel alone: what cannot be had is passed over where there are others. */
static void refuses(const char *source, const char *words, int line) {
    prototype_list list = {0};
    gpumm_status status = read_text(&(prototype_source){.text = source, .file = "k.cu"}, "", &list);
    const char *said = list.refused ? list.refused : gpumm_message();
    check(status == GPUMM_COMPILE_FAILED || list.refused, line, "the text is refused");
    check(strstr(said, words) != NULL, line, words);
    check(list.count == 0 && list.items == NULL, line, "nothing is left");
    gpumm__prototype_free(&list);
}
#define REFUSES(source, words) refuses(source, words, __LINE__)

/* The same description, of what was compiled. */
static void compiles(const char *source, const char *expected, int line) {
    char text[1024];
    gpumm_kernel *k = NULL;
    check(gpumm_kernel_open(m, &(gpumm_kernel_options){.source = source, .file = "k.cu"}, &k) == GPUMM_OK, line,
          "it is compiled");
    if (!k) return;
    snprintf(text, sizeof text, "%s(", gpumm_kernel_name(k));
    for (size_t i = 0; i < gpumm_kernel_parameter_count(k); i++) {
        if (i) strcat(text, ", ");
        describe_parameter(text, sizeof text, gpumm_kernel_parameter(k, i));
    }
    snprintf(text + strlen(text), 32, ")[%d]", (int)gpumm_kernel_threads(k));
    if (strcmp(text, expected) != 0) fprintf(stderr, "    got      %s\n    expected %s\n", text, expected);
    check(strcmp(text, expected) == 0, line, "the parameters are those expected");
    gpumm_kernel_release(k);
}
#define COMPILES(source, expected) compiles(source, expected, __LINE__)

#define K "extern \"C\" __global__ void "

static void test_shapes(void) {
    READS("", "");
    READS(K "f() {}", "f()@1[-1]");
    READS(K "f(void) {}", "f()@1[-1]");
    READS(K "saxpy(int n, float a, const float *x, float *y) { y[0] = 1; }",
          "saxpy(n:i32, a:f32, x:const f32*, y:f32*)@1[0]");
    READS(K "f(float const * const __restrict__ x, float* __restrict y, float *const z) {}",
          "f(x:const f32*, y:f32*, z:f32*)@1[-1]");
    READS("extern \"C\"\n__global__\nvoid\nf\n(\n  int\n  n,\n  float2\n  *\n  p\n)\n{\n}\n",
          "f(n:i32, p:f32x2*)@4[0]");
    READS("// extern \"C\" __global__ void no(int n) {}\n/* " K "no2() {} \n*/ " K "f(/* a, b */ int n // )\n) {}",
          "f(n:i32)@3[0]");
    READS("const char *s = \""
          "extern __global__ void g(int n) { \\\" {\";\n" K "f(int n) { char c = '}'; char d = '\\''; }\n" K
          "g(int m) {}",
          "f(n:i32)@2[0] g(m:i32)@3[0]");
    READS(K "f(int \\\n n, flo\\\nat x) {}\n" K "g() {}", "f(n:i32, x:f32)@1[0] g()@4[-1]");
    READS(K "__launch_bounds__(256, 2) f(int n) {}", "f(n:i32)@1[0]");
    READS("extern \"C\" void __global__ __launch_bounds__(64) f(int n) {}", "f(n:i32)@1[0]");
    READS("extern \"C\" __attribute__((used)) [[maybe_unused]] static inline __global__ void f(alignas(8) "
          "int n) {}",
          "f(n:i32)@1[0]");
    READS(K "f [[maybe_unused]] (int n) {}\n" K "g[[]][[gnu::hot]](float x) {}", "f(n:i32)@1[0] g(x:f32)@2[-1]");
    READS("extern \"C\" {\n__device__ float g(float x) { if (x) { return 1; } return x; }\n__global__ void "
          "f(int n) {}\n}\n"
          "__device__ int h(int a) { return a; }\n",
          "f(n:i32)@3[0]");
    READS("namespace a { namespace { extern \"C\" { __global__ void f(int n) {} } } }", "f(n:i32)@1[0]");
    READS("extern \"C\" __global__ void f(int n, float *x);\n__global__ void f(int n, float *x) {}",
          "f(n:i32, x:f32*)@2[0]");
    READS("extern \"C\" __global__ void f(int n, float *x);\n", "");
    READS(K "f(float x[], const int y[16], float z[4][4]) {}", "f(x:f32*, y:const i32*, z:u64*)@1[-1]");
    READS(K "f(float **x, const float *const *y) {}", "f(x:u64*, y:const u64*)@1[-1]");
    READS(K "f(int, float *, unsigned long) {}", "f(:i32, :f32*, :u64)@1[0]");
    READS(K "f(int n = 3, float x = g(1, 2), float y = 2.0f) {}", "f(n:i32, x:f32, y:f32)@1[0]");
    READS(K "f(const int n, int volatile m, __grid_constant__ const float a) {}", "f(n:i32, m:i32, a:f32)@1[0]");
    READS("template <class T> __device__ T twice(T x) { return x + x; }\n" K "f(int n) { twice<int>(n); }",
          "f(n:i32)@2[0]");
    READS(K "f([[maybe_unused]] int n, float x [[maybe_unused]][4], const int *gr\xC3\xB6\xC3\x9F"
            "e) {}",
          "f(n:i32, x:f32*, gr\xC3\xB6\xC3\x9F"
          "e:const i32*)@1[0]");
    READS("struct S { int a; __device__ int get() { return a; } };\n__constant__ float t[2] = {1, 2};\n" K
          "f(S s, struct S *t) {}",
          "f(s:S, t:S*)@3[-1]");
    READS("auto s = R\"x(extern \"C\" { )\" )x\";\n" K "f(int n) { int k = 1'000; }\n" K "g() {}",
          "f(n:i32)@2[0] g()@3[-1]");
    READS("\xEF\xBB\xBF" K "f(int n) {}\r\n" K "g(int n)\r\n{\r\n}\r\n", "f(n:i32)@1[0] g(n:i32)@2[0]");
}

static void test_types(void) {
    READS(K "f(char a, signed char b, unsigned char c, short d, unsigned short e, short int f, int g, unsigned h,"
            " unsigned int i, long j, unsigned long k, long long l, unsigned long long m, long long unsigned int "
            "n) {}",
          "f(a:i8, b:i8, c:u8, d:i16, e:u16, f:i16, g:i32, h:u32, i:u32, j:i64, k:u64, l:i64, m:u64, "
          "n:u64)@1[0]");
    READS(K "f(int8_t a, uint8_t b, int16_t c, uint16_t d, int32_t e, uint32_t f, int64_t g, uint64_t h, "
            "size_t i,"
            " std::uint32_t j, uint k, uchar l, ushort m, bool n) {}",
          "f(a:i8, b:u8, c:i16, d:u16, e:i32, f:u32, g:i64, h:u64, i:u64, j:u32, k:u32, l:u8, m:u16, "
          "n:u8)@1[0]");
    READS(K "f(float2 *a, float3 *b, float4 *c, double2 *d, int2 *e, uint3 *f, ushort4 *g, longlong2 *h, "
            "ulonglong4 *i,"
            " uchar4 *j, char2 *k, float1 *l) {}",
          "f(a:f32x2*, b:f32x3*, c:f32x4*, d:f64x2*, e:i32x2*, f:u32x3*, g:u16x4*, h:i64x2*, i:u64x4*, "
          "j:u8x4*, k:i8x2*,"
          " l:f32*)@1[-1]");
    READS(K "f(__half *a, half b, __half2 *c, double d, void *e, const void *g) {}",
          "f(a:f16*, b:f16, c:f16x2*, d:f64, e:void*, g:const void*)@1[-1]");
    READS(K "f(vec<float, 3> *a, Thing b, float5 *c) {}", "f(a:vec<float,3>*, b:Thing, c:float5*)@1[-1]");
    READS(K "f(bool flip, const _Bool flop, int n) {}", "f(flip:u8, flop:u8, n:i32)@1[2]");
    READS(K "f(float x, const int *p, unsigned n, int m) {}", "f(x:f32, p:const i32*, n:u32, m:i32)@1[2]");
}

static void test_macros(void) {
    READS("#define REAL float\n#define CONST_REAL const REAL\n" K "f(REAL a, CONST_REAL *x, REAL *y) {}",
          "f(a:f32, x:const f32*, y:f32*)@3[-1]");
    READS("#define KERNEL extern \"C\" __global__ \\\n  void\nKERNEL f(int n) {}", "f(n:i32)@3[0]");
    READS("#define KERNEL(name, ...) extern \"C\" __global__ void name##_kernel\nKERNEL(move)(int n) {}",
          "move_kernel(n:i32)@2[0]");
    READS("#define KERNEL(name, ...) " K "name(__VA_ARGS__)\nKERNEL(move, int n, float2 *p) {}",
          "move(n:i32, p:f32x2*)@2[0]");
    READS("#define KERNEL(name, of...) " K "name(of)\nKERNEL(move, int n, float2 *p) {}\nKERNEL(none) {}",
          "move(n:i32, p:f32x2*)@2[0] none()@3[-1]");
    READS("#define ALL(...) __VA_ARGS__\n#define KERNEL(name, ...) " K "name(int n, ##__VA_ARGS__)\n"
          "KERNEL(none) {}\nKERNEL(two, ALL(float x, float y)) {}",
          "none(n:i32)@3[0] two(n:i32, x:f32, y:f32)@4[0]");
    READS("#define A B\n#define B A\n" K "f(A x) {}", "f(x:A)@3[-1]");
    READS("#define N 4\n#undef N\n#define N(x) x\n" K "f(int N, float N(y)) {}", "f(N:i32, y:f32)@4[0]");
    COMPILES("typedef unsigned int index_t;\nusing real = double;\n" K "f(index_t n, const real *x) {}",
             "f(n:u32, x:const f64*)[0]");
    READS("typedef struct Node Node;\n" K "f(Node *x) {}", "f(x:Node*)@2[-1]");
    reads_flagged(&(prototype_source){.text = K "f(REAL *x, INDEX n) {}", .file = "k.cu"},
                  "-O2 -DREAL=double  -D INDEX=uint", "f(x:f64*, n:u32)@1[1]", __LINE__);
    READS("#if 0\n" K "no() {\n#endif\n#ifdef X\n" K "no() {}\n#elif 1 + 2 * 3 == 7 && !defined(X)\n" K
          "yes() {}\n#else\n" K "no() {}\n#endif\n#ifndef X\n" K "f() {}\n#endif",
          "yes()@7[-1] f()@12[-1]");
    READS("#define DIM 3\n#if DIM >= 3 && (defined DIM || X)\n#define V float3\n#else\n#define V "
          "float2\n#endif\n" K "f(V *p) {}",
          "f(p:f32x3*)@7[-1]");
    static const char *const hold[] = {"1 << 2 == 4",      "(3 & 4) == 0 && 1", "!(3 & 4)",     "1 | 2 && 4",
                                       "0 || 2 ^ 2 | 1",   "16 >> 2 + 1 == 2",  "1 & 3 == 3",   "2 < 1 << 2",
                                       "4 <= 1 << 2 && 1", "(1 | 2 | 4) == 7",  "(5 ^ 1) == 4", "!(1 && 2 & 4)"};
    for (size_t i = 0; i < sizeof hold / sizeof *hold; i++) {
        char text[160];
        snprintf(text, sizeof text, "#if %s\n" K "yes() {}\n#else\n" K "no() {}\n#endif", hold[i]);
        reads(text, "yes()@2[-1]", __LINE__);
        snprintf(text, sizeof text, "#if !(%s)\n" K "no() {}\n#else\n" K "yes() {}\n#endif", hold[i]);
        reads(text, "yes()@4[-1]", __LINE__);
    }
    reads_flagged(
        &(prototype_source){.text = "#if defined X || defined Y || !defined Z\n" K "no() {}\n#endif\n" K "f() {}",
                            .file = "k.cu"},
        "-DX -UX -D Y=2 -U Y -UZ -DZ", "f()@4[-1]", __LINE__);
    READS("#define /* c \n c */ R float // x\n" K "f(R a) {}", "f(a:f32)@3[-1]");
    READS("#line 40 \"other.cu\"\n" K "f(int n) {}", "f(n:i32)@40[0]");
}

static void test_refusals(void) {
    REFUSES("\n__global__ void f(int n) {}", "k.cu:2: kernel 'f' is not extern \"C\"");
    REFUSES("template <int N> __global__ void f(int n) {}", "k.cu:1: kernel 'f' is a template: make it __device__");
    REFUSES("extern \"C\" __global__ int f(int n) {}", "k.cu:1: kernel 'f' must return void");
    REFUSES(K "f(int n) {}\n" K "f(int m) {}", "k.cu:2: kernel 'f' is there already, at line 1");
    REFUSES(K "f(\n  float &x) {}", "k.cu:2: a kernel takes no references");
    REFUSES(K "f(int n, ...) {}", "variable number");
    READS(K "f(float (*x)[4], int n = int{3}) {}", "f(:, n:i32)@1[1]"); /* for the compiler to say */
    REFUSES(K "f(int n,, int m) {}", "missing between two commas");
    REFUSES(K "f(int n, float n) {}", "kernel 'f' has two parameters 'n'");
    REFUSES(K "f(void x) {}", "cannot be void");
    REFUSES("#line 7 \"part.cuh\"\n__global__ void f() {}", "part.cuh:7: kernel 'f' is not");
    REFUSES(K "f(int n", "does not end");
}

static void test_many(void) {
    char text[8192] = K "f(";
    for (int i = 0; i < 65; i++) snprintf(text + strlen(text), 64, "%sint a%d", i ? ", " : "", i);
    strcat(text, ") {}");
    REFUSES(text, "takes more than 64 parameters");
    prototype_list list = {0};
    *strstr(text, ", int a64") = 0;
    strcat(text, ") {}");
    CHECK(gpumm__prototype_read(&gpumm__alloc_default, &(prototype_source){.text = text, .file = "k.cu"}, &list) ==
          GPUMM_OK);
    CHECK(list.count == 1 && list.items[0].count == 64 && strcmp(list.items[0].parameters[63].name, "a63") == 0);
    gpumm__prototype_free(&list);
}

static void test_structs(void) {
    gpumm_type *u32 = NULL, *ends = NULL;
    gpumm_type_parse("u32", &u32);
    CHECK(gpumm_type_struct("ends", (gpumm_field[]){{.name = "from", .type = u32}, {.name = "to", .type = u32}}, 2,
                            &ends) == GPUMM_OK);
    const gpumm_type *types[] = {ends, ends};
    const char *names[] = {NULL, "Edge"};
    reads_with(&(prototype_source){.text = K "f(const struct ends *a, Edge *b, Edge c, Other *d) {}",
                                   .file = "k.cu",
                                   .types = types,
                                   .type_names = names,
                                   .type_count = 2},
               "f(a:const ends{from:u32,to:u32}*, b:ends{from:u32,to:u32}*, c:ends{from:u32,to:u32}, "
               "d:Other*)@1[-1]",
               __LINE__);
    gpumm_type_release(ends);
    gpumm_type_release(u32);
}

static void test_signatures(void) {
    prototype_source s = {.file = "k.ptx", .signature = true};
    s.text = "void f(int n, float *x)";
    reads_with(&s, "f(n:i32, x:f32*)@1[0]", __LINE__);
    s.text = "extern \"C\" __global__ void f(const float4 *x);";
    reads_with(&s, "f(x:const f32x4*)@1[-1]", __LINE__);
    s.text = "void f(int n); void g(unsigned m)";
    reads_with(&s, "f(n:i32)@1[0] g(m:u32)@1[0]", __LINE__);
    s.text = "__global__ void f(int n) {}";
    reads_with(&s, "f(n:i32)@1[0]", __LINE__);
}

/* Cut off anywhere, and with any one byte changed, a text is read or refused, never a crash. */
static void test_damage(void) {
    static const char whole[] =
        "#define R(x) float x\n#if defined(A) && (1 < 2) || 3 % 0\n#endif\nR\"(a)\" /* c */ 'x'\n"
        "extern \"C\" { __global__ void f(R(y), const int *z, v<int> w[3]) { } }\n#line 3 \"x\"\n";
    char text[sizeof whole];
    for (size_t cut = 0; cut < sizeof whole; cut++) {
        for (int change = 0; change < 8; change++) {
            prototype_list list = {0};
            memcpy(text, whole, sizeof whole);
            if (change) text[cut] = "(){}<\\\"#"[change];
            else text[cut] = 0;
            text[sizeof whole - 1] = 0;
            gpumm__prototype_read(&gpumm__alloc_default, &(prototype_source){.text = text, .file = "k.cu"}, &list);
            gpumm__prototype_free(&list);
        }
    }
    CHECK(true);
}

/* Texts made worse at random, and records as they may come out of a damaged file. */
static void test_random_damage(void) {
    static const char *const seeds[] = {
        "# 1 \"k.cu\"\nnamespace a::b { extern \"C\" { __global__ void f(int n, const ns::T<int>::type *x, decltype(g(1)) y[3]) { } } }\n"
        "typedef struct { int a; } P; using Q = P; struct __attribute__((aligned(8))) R final : P { };\n"
        "extern \"C\" __global__ auto h(int \\U000000f6, float *\\u00df) -> void { 'x'; R\"y()y\"; 1'000; }\n",
        "//file 12 34 56 78 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 /etc/passwd\n"
        "//absent /nowhere\n//kernel f 12\n//parameter n =int\n//parameter - *float\n//refused words\n//kernel g 1\n"};
    const gpumm_type *types[1];
    gpumm_type *u8 = NULL;
    CHECK(gpumm_type_parse("u8", &u8) == GPUMM_OK);
    types[0] = u8;
    static const char *const names[] = {"P"};
    for (unsigned round = 0; round < 6000; round++) {
        prototype_list list = {0};
        char changed[1024];
        snprintf(changed, sizeof changed, "%s", seeds[round % 2]);
        size_t length = strlen(changed);
        for (unsigned i = 0; i <= round % 5; i++)
            changed[(round * 2654435761u + i * 40503u) % length] =
                "(){}<>\\\"#:;*\n'/-= \x80R0"[(round * 97u + i * 31u) % 22];
        if (round % 7 == 0) changed[round * 7919u % length] = 0;
        prototype_source s = {.text = changed, .file = "k.cu", .types = types, .type_names = names, .type_count = 1};
        s.signature = round % 3 == 0;
        if (gpumm__prototype_read(&gpumm__alloc_default, &s, &list) == GPUMM_OK) gpumm__prototype_free(&list);
        if (gpumm__record_read(&gpumm__alloc_default, changed, &list) == GPUMM_OK) gpumm__prototype_free(&list);
        gpumm__record_holds(changed);
    }
    gpumm_type_release(u8);
    CHECK(true);
}

/* What a compiler defines by itself comes as flags do. */
static void test_defined(void) {
    reads_flagged(
        &(prototype_source){.text = "#if defined __CUDACC_RTC__ && __CUDA_ARCH__ >= 900\n" K "f(int n) {}\n#endif",
                            .file = "k.cu"},
        "-D__CUDACC_RTC__ -D__CUDA_ARCH__=900", "f(n:i32)@2[0]", __LINE__);
}

int main(void) {
    CHECK(gpumm__device_open(&(gpumm_options){.device = "host"}, &gpumm__alloc_default, &host) == GPUMM_OK);
    CHECK(gpumm_manager_open(&(gpumm_options){.device = "host"}, &m) == GPUMM_OK);
    test_shapes();
    test_types();
    test_macros();
    test_refusals();
    test_many();
    test_structs();
    test_signatures();
    test_damage();
    test_random_damage();
    test_defined();
    gpumm_manager_close(m);
    gpumm_manager_release(m);
    gpumm__device_close(host);
    printf("kernel_prototype: %d checks, %d failed\n", checks, failures);
    return failures != 0;
}
