/* SPDX-License-Identifier: MIT */
/* What the tests on a real GPU share: a manager on it or a skip, the kernels, launches, contents that are
   known. */
#ifndef GPU_H
#define GPU_H

#include "hard.h"

/* -DGPU_DEVICE='"host"' -DGPU_SHRINK=100 runs what needs no driver on the host device, for those who change a
   test. */
#ifndef GPU_DEVICE
#define GPU_DEVICE "cuda"
#endif
#ifndef GPU_SHRINK
#define GPU_SHRINK 1
#endif

enum { GPU_SKIP = 77 };

static const char gpu_source[] =
    "#define INDEX unsigned long long i = (unsigned long long)blockIdx.x * blockDim.x + threadIdx.x\n"
    "extern \"C\" __global__ void add(unsigned long long n, unsigned *p, unsigned more)\n"
    "{ INDEX; if (i < n) p[i] += more; }\n"
    "extern \"C\" __global__ void next(unsigned long long n, unsigned *to, const unsigned *from)\n"
    "{ INDEX; if (i < n) to[i] = from[i] + 1; }\n"
    "extern \"C\" __global__ void gather(unsigned long long n, unsigned *sum, const unsigned *a,"
    " const unsigned *b)\n"
    "{ INDEX; if (i < n) sum[i] += a[i] - b[i]; }\n"
    "extern \"C\" __global__ void stamp(unsigned long long n, unsigned *a, unsigned *b, unsigned step)\n"
    "{ INDEX; if (i < n) { a[i] = step; b[i] = step; } }\n"
    "extern \"C\" __global__ void number(unsigned long long n, unsigned *p, unsigned factor)\n"
    "{ INDEX; if (i < n) p[i] = (unsigned)i * factor; }\n"
    /* How many elements, and what to count from, it reads on the device: a graph of it is good for any size.
       */
    "extern \"C\" __global__ void follow(unsigned *p, const unsigned *control)\n"
    "{ INDEX; if (i < control[0]) p[i] = control[1] + (unsigned)i; }\n"
    "extern \"C\" __global__ void wild(int n, unsigned *p, unsigned long long far)\n"
    "{ INDEX; if (i < n) p[far] = 1; }\n";

/* The manager, or NULL where there is no such device, which is printed. */
static inline gpumm_manager *gpu_open(gpumm_options options) {
    gpumm_manager *m = NULL;
    options.device = GPU_DEVICE;
    options.inject_faults = true;
    gpumm_status status = gpumm_manager_open(&options, &m);
    if (status == GPUMM_NO_DEVICE) {
        printf("skipped: no device: %s\n", gpumm_message());
        return NULL;
    }
    CHECK_OK(status);
    return m;
}

static inline gpumm_kernel *gpu_kernel(gpumm_manager *m, const char *name) {
    gpumm_kernel *k = NULL;
    gpumm_kernel_options o = {.source = gpu_source, .file = "gpu.cu", .name = name};
    if (strcmp(name, "follow") == 0) o.threads = "";
    CHECK_OK(gpumm_kernel_open(m, &o, &k));
    return k;
}

#define VALUE(x) ((gpumm_argument){.value = &(x), .size = sizeof(x)})
#define BUFFER(b) ((gpumm_argument){.buffer = (b)})

static inline gpumm_type *gpu_u32(void) {
    gpumm_type *u32 = NULL;
    CHECK_OK(gpumm_type_parse("u32", &u32));
    return u32;
}

/* A buffer of u32 that grows to exactly what is asked for. */
static inline gpumm_status gpu_make(gpumm_manager *m, const char *name, uint64_t length, uint64_t max, gpumm_stream *s,
                                    gpumm_buffer **out) {
    gpumm_type *u32 = gpu_u32();
    gpumm_buffer_options o = {.name = name,
                              .type = u32,
                              .length = length,
                              .max_length = max,
                              .stream = s,
                              .tag = "gpu",
                              .growth = {.kind = GPUMM_GROWTH_EXACT}};
    gpumm_status status = gpumm_manager_allocate(m, &o, out);
    gpumm_type_release(u32);
    return status;
}

static inline gpumm_buffer *gpu_buffer(gpumm_manager *m, const char *name, uint64_t length, uint64_t max) {
    gpumm_buffer *b = NULL;
    CHECK_OK(gpu_make(m, name, length, max, NULL, &b));
    return b;
}

/* Two members of u32, "a" and "b". */
static inline gpumm_group *gpu_group(gpumm_manager *m, const char *name, uint64_t length, uint64_t max) {
    gpumm_group *g = NULL;
    gpumm_type *u32 = gpu_u32();
    gpumm_member members[] = {{.name = "a", .type = u32}, {.name = "b", .type = u32}};
    CHECK_OK(gpumm_group_open(m,
                              &(gpumm_group_options){.name = name,
                                                     .members = members,
                                                     .member_count = 2,
                                                     .length = length,
                                                     .max_length = max,
                                                     .growth = {.kind = GPUMM_GROWTH_EXACT}},
                              &g));
    gpumm_type_release(u32);
    return g;
}

static inline gpumm_readback *gpu_readback(gpumm_group *g, unsigned slots, bool direct) {
    gpumm_readback *r = NULL;
    gpumm_buffer *members[] = {gpumm_group_at(g, 0), gpumm_group_at(g, 1)};
    CHECK_OK(gpumm_readback_open(
        &(gpumm_readback_options){.buffers = members, .buffer_count = 2, .slots = slots, .direct = direct}, &r));
    return r;
}

static inline gpumm_buffer_info gpu_info(gpumm_buffer *b) {
    gpumm_buffer_info info;
    CHECK_OK(gpumm_buffer_get_info(b, &info));
    return info;
}

static inline void gpu_add(gpumm_kernel *add, gpumm_stream *s, gpumm_buffer *b, uint64_t n, uint32_t more) {
    CHECK_OK(gpumm_kernel_launch(add, s, 0, (gpumm_argument[]){VALUE(n), BUFFER(b), VALUE(more)}, 3));
}

static inline void gpu_number(gpumm_kernel *number, gpumm_stream *s, gpumm_buffer *b, uint64_t n, uint32_t factor) {
    CHECK_OK(gpumm_kernel_launch(number, s, 0, (gpumm_argument[]){VALUE(n), BUFFER(b), VALUE(factor)}, 3));
}

/* Are all `n` of them `value`? */
static inline bool gpu_uniform(const uint32_t *p, uint64_t n, uint32_t value) {
    return n == 0 || (p[0] == value && memcmp(p, p + 1, (n - 1) * sizeof *p) == 0);
}

/* Elements [first, first + n) as they are at this moment of `s`; the caller frees them. */
static inline uint32_t *gpu_read(gpumm_buffer *b, gpumm_stream *s, uint64_t first, uint64_t n) {
    uint32_t *data = malloc(n * sizeof *data + 1);
    CHECK(data != NULL);
    CHECK_OK(gpumm_buffer_download(b, s, first, n, data));
    return data;
}

/* Element i is from + i x step, for all i < n. */
static inline void gpu_check_line(gpumm_buffer *b, gpumm_stream *s, uint64_t n, uint32_t from, uint32_t step) {
    uint32_t *data = gpu_read(b, s, 0, n);
    for (uint64_t i = 0; i < n; i++) CHECK(data[i] == from + (uint32_t)i * step);
    free(data);
}

static inline void gpu_check_uniform(gpumm_buffer *b, gpumm_stream *s, uint64_t first, uint64_t n, uint32_t value) {
    uint32_t *data = gpu_read(b, s, first, n);
    CHECK(gpu_uniform(data, n, value));
    free(data);
}

#endif
