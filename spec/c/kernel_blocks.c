/* SPDX-License-Identifier: MIT */
/* Blocks on the host device, from C: kernels compiled with the sanitizer that this program has, on several streams at once;
   blocks that are given up; geometry by launch options; blocks one after the other in one another's memory. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "gpumm.h"

#if defined(__SANITIZE_ADDRESS__)
#define FLAGS "-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer -g"
#elif defined(__SANITIZE_THREAD__)
#define FLAGS "-fsanitize=thread -g"
#else
#define FLAGS ""
#endif

enum { BLOCK = 96, BLOCKS = 20, N = BLOCK * BLOCKS, STREAMS = 3 };

static const char source[] =
    "#include <cooperative_groups.h>\n#include <cooperative_groups/reduce.h>\n"
    "namespace cg = cooperative_groups;\n"
    "__device__ int warp_scan(int v) {\n"
    "    for (int by = 1; by < 32; by *= 2) {\n"
    "        int other = __shfl_up_sync(~0u, v, by);\n"
    "        if (threadIdx.x % 32 >= by) v += other;\n"
    "    }\n"
    "    return v;\n"
    "}\n"
    "extern \"C\" __global__ void scan(int n, int *v) {\n"
    "    __shared__ int total[3];\n"
    "    extern __shared__ int rest[];\n"
    "    int t = threadIdx.x, i = blockIdx.x * blockDim.x + t, sum = warp_scan(v[i]);\n"
    "    if (t % 32 == 31) total[t / 32] = sum;\n"
    "    __syncthreads();\n"
    "    for (int w = 0; w < t / 32; w++) sum += total[w];\n"
    "    rest[t] = sum;\n"
    "    __syncthreads();\n"
    "    v[i] = rest[blockDim.x - 1 - t];\n"
    "}\n"
    "extern \"C\" __global__ void largest(int n, const int *v, int *most) {\n"
    "    auto tile = cg::tiled_partition<32>(cg::this_thread_block());\n"
    "    int i = blockIdx.x * blockDim.x + threadIdx.x;\n"
    "    int top = cg::reduce(tile, i < n ? v[i] : 0, cg::greater<int>());\n"
    "    if (tile.thread_rank() == 0) atomicMax(most, top);\n"
    "}\n"
    "extern \"C\" __global__ void apart(int n, int *v) {\n"
    "    int kept[8] = {n, n, n, n, n, n, n, n};\n"
    "    if (threadIdx.x == blockDim.x - 1)\n"
    "        __syncthreads();\n"
    "    else\n"
    "        __syncthreads();\n"
    "    v[threadIdx.x] = kept[threadIdx.x % 8];\n"
    "}\n"
    "extern \"C\" __global__ void place(int w, int h, int *v) {\n"
    "    int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;\n"
    "    if (x < w && y < h) v[(blockIdx.z * h + y) * w + x] = 1000 * blockIdx.z + 10 * y + x;\n"
    "}\n";

typedef struct world {
    gpumm_manager *m;
    gpumm_kernel *scan, *largest, *apart, *place;
} world;

static gpumm_kernel *kernel(world *w, const char *name) {
    gpumm_kernel *k = NULL;
    CHECK_OK(gpumm_kernel_open(w->m,
                               &(gpumm_kernel_options){.source = source,
                                                       .file = "dir/blocks.cu",
                                                       .name = name,
                                                       .flags = FLAGS,
                                                       .block = BLOCK,
                                                       .shared_bytes = BLOCK * sizeof(int)},
                               &k));
    return k;
}

static gpumm_buffer *ints(world *w, size_t n) {
    gpumm_type *i32 = NULL;
    gpumm_buffer *b = NULL;
    CHECK_OK(gpumm_type_parse("i32", &i32));
    CHECK_OK(gpumm_manager_allocate(w->m, &(gpumm_buffer_options){.type = i32, .length = n}, &b));
    gpumm_type_release(i32);
    return b;
}

static gpumm_argument value(const int *v) { return (gpumm_argument){.value = v, .size = sizeof *v}; }
static gpumm_argument of(gpumm_buffer *b) { return (gpumm_argument){.buffer = b}; }

/* ---- Several streams at once -------------------------------------------------------------- */

static void check_scanned(const int *v, int start) {
    for (int b = 0; b < BLOCKS; b++) {
        int sum = 0;
        for (int t = 0; t < BLOCK; t++) {
            sum += (start + b * BLOCK + t) % 17;
            CHECK(v[b * BLOCK + BLOCK - 1 - t] == sum);
        }
    }
}

static void test_streams(world *w) {
    static int v[N];
    gpumm_stream *streams[STREAMS];
    gpumm_buffer *b[STREAMS], *most[STREAMS];
    int n = N, top = 0;
    for (int s = 0; s < STREAMS; s++) {
        CHECK_OK(gpumm_stream_open(w->m, &streams[s]));
        b[s] = ints(w, N), most[s] = ints(w, 1);
        for (int i = 0; i < N; i++) v[i] = (s + i) % 17;
        CHECK_OK(gpumm_buffer_upload(b[s], streams[s], 0, N, v));
        CHECK_OK(gpumm_kernel_launch(w->scan, streams[s], 0, (gpumm_argument[]){value(&n), of(b[s])}, 2));
        CHECK_OK(
            gpumm_kernel_launch(w->largest, streams[s], 0, (gpumm_argument[]){value(&n), of(b[s]), of(most[s])}, 3));
    }
    for (int s = 0; s < STREAMS; s++) {
        int expected = 0;
        CHECK_OK(gpumm_buffer_download(b[s], streams[s], 0, N, v));
        CHECK_OK(gpumm_buffer_download(most[s], streams[s], 0, 1, &top));
        check_scanned(v, s);
        for (int i = 0; i < N; i++) expected = v[i] > expected ? v[i] : expected;
        CHECK(top == expected);
        gpumm_buffer_release(b[s]), gpumm_buffer_release(most[s]);
        gpumm_stream_release(streams[s]);
    }
}

/* ---- Blocks that are given up ------------------------------------------------------------- */

static void test_given_up(world *w) {
    gpumm_buffer *b = ints(w, N);
    int n = N;
    for (int round = 0; round < 5; round++) {
        CHECK_OK(gpumm_kernel_launch(w->apart, NULL, 0, (gpumm_argument[]){value(&n), of(b)}, 2));
        CHECK_STATUS(gpumm_manager_synchronize(w->m), GPUMM_DRIVER);
        CHECK(strstr(gpumm_message(), "kernel 'apart', block ("));
        CHECK(strstr(gpumm_message(), "thread (0, 0, 0) at blocks.cu:33, thread (95, 0, 0) at blocks.cu:31"));
        test_streams(w);
    }
    gpumm_buffer_release(b);
}

/* ---- Geometry ----------------------------------------------------------------------------- */

static gpumm_status launch(world *w, gpumm_buffer *b, gpumm_launch_options o) {
    int width = 7, height = 5;
    return gpumm_kernel_launch_with(w->place, &o, (gpumm_argument[]){value(&width), value(&height), of(b)}, 3);
}

static void test_geometry(world *w) {
    gpumm_buffer *b = ints(w, 70);
    int v[70];
    CHECK_OK(launch(w, b, (gpumm_launch_options){.grid_x = 2, .grid_y = 3, .grid_z = 2, .block_x = 4, .block_y = 2}));
    CHECK_OK(gpumm_buffer_download(b, NULL, 0, 70, v));
    for (int i = 0; i < 70; i++) CHECK(v[i] == i / 35 * 1000 + i % 35 / 7 * 10 + i % 7);
    CHECK_OK(launch(w, b, (gpumm_launch_options){.size = sizeof(gpumm_launch_options), .grid_x = 1, .grid_y = 5}));
    CHECK_OK(gpumm_buffer_download(b, NULL, 0, 35, v));
    for (int i = 0; i < 35; i++) CHECK(v[i] == i / 7 * 10 + i % 7);
    CHECK_STATUS(launch(w, b, (gpumm_launch_options){.threads = 35}), GPUMM_INVALID_ARGUMENT);
    CHECK(strstr(gpumm_message(), "kernel 'place' uses blockIdx.y and was launched in one dimension"));
    CHECK_STATUS(launch(w, b, (gpumm_launch_options){.threads = 35, .grid_x = 1}), GPUMM_INVALID_ARGUMENT);
    CHECK_STATUS(launch(w, b, (gpumm_launch_options){.grid_y = 2}), GPUMM_INVALID_ARGUMENT);
    CHECK(strstr(gpumm_message(), "a grid of 0 x 2 x 1 blocks: each is at least 1"));
    CHECK_STATUS(launch(w, b, (gpumm_launch_options){.grid_x = 1, .block_z = 2}), GPUMM_INVALID_ARGUMENT);
    CHECK_STATUS(launch(w, b, (gpumm_launch_options){.grid_x = 1, .block_x = 1025}), GPUMM_INVALID_ARGUMENT);
    CHECK_STATUS(launch(w, b, (gpumm_launch_options){.grid_x = 1, .block_x = UINT32_MAX, .block_y = UINT32_MAX}),
                 GPUMM_INVALID_ARGUMENT);
    CHECK_STATUS(launch(w, b, (gpumm_launch_options){.grid_x = UINT32_MAX, .block_x = 1}), GPUMM_INVALID_ARGUMENT);
    CHECK_STATUS(launch(w, b, (gpumm_launch_options){.grid_x = 1, .grid_z = 65536}), GPUMM_INVALID_ARGUMENT);
    gpumm_buffer_release(b);
}

int main(void) {
    world w;
    CHECK_OK(gpumm_manager_open(&(gpumm_options){.device = "host", .workers = 2}, &w.m));
    w.scan = kernel(&w, "scan"), w.largest = kernel(&w, "largest"), w.apart = kernel(&w, "apart");
    w.place = kernel(&w, "place");
    test_streams(&w);
    test_given_up(&w);
    test_geometry(&w);
    gpumm_kernel_release(w.scan), gpumm_kernel_release(w.largest), gpumm_kernel_release(w.apart);
    gpumm_kernel_release(w.place);
    gpumm_manager_close(w.m);
    gpumm_manager_release(w.m);
    return 0;
}
