/* SPDX-License-Identifier: MIT */
/* The bare driver, in the primary context that gpumm uses too: what a program would call without gpumm. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "device/open.h"

gpumm_status bare(CUresult result, const char *call) {
    const char *name = NULL;
    if (result == CUDA_SUCCESS) return GPUMM_OK;
    (void)cuGetErrorName(result, &name);
    int words = (int)strcspn(call, "(");
    return fail(GPUMM_DRIVER, "%.*s: %s", words, call, name ? name : "an error without a name");
}

/* ---- The kernel, compiled as gpumm compiles it ---------------------------------------------- */

static gpumm_status read_all(const char *path, char **out) {
    FILE *f = fopen(path, "rb");
    if (!f) return fail(GPUMM_IO, "%s cannot be read", path);
    long bytes = fseek(f, 0, SEEK_END) == 0 ? ftell(f) : -1;
    char *text = bytes >= 0 ? calloc((size_t)bytes + 1, 1) : NULL;
    rewind(f);
    bool whole = text && fread(text, 1, (size_t)bytes, f) == (size_t)bytes;
    fclose(f);
    if (whole) return *out = text, GPUMM_OK;
    free(text);
    return fail(GPUMM_IO, "%s cannot be read whole", path);
}

static gpumm_status compile_to(const bench *b, const char *text, const char *path) {
    static const char *const names[] = {"step"};
    device_source source = {
        .text = text, .prelude = "", .file = "bench_kernels.cu", .kernels = names, .kernel_count = 1, .flags = ""};
    gpumm_options options = {.device = b->device};
    device *d;
    TRY(gpumm__device_open(&options, &gpumm__alloc_default, &d));
    gpumm_status status = d->call->compile(d, &source, path);
    gpumm__device_close(d);
    return status;
}

static gpumm_status load(bench *b, const char *path) {
    char *image;
    TRY(read_all(path, &image));
    gpumm_status status = bare(cuModuleLoadDataEx(&b->module, image, 0, NULL, NULL), "cuModuleLoadDataEx");
    free(image);
    TRY(status);
    BARE(cuModuleGetFunction(&b->step, b->module, "step"));
    return GPUMM_OK;
}

static gpumm_status open_kernel(bench *b) {
    char source[1100], path[] = "/tmp/gpumm-bench-XXXXXX";
    char *text;
    snprintf(source, sizeof source, "%s/bench_kernels.cu", b->folder);
    TRY(read_all(source, &text));
    int file = mkstemp(path);
    gpumm_status status = file < 0 ? fail(GPUMM_IO, "%s cannot be made", path) : compile_to(b, text, path);
    if (status == GPUMM_OK) status = load(b, path);
    if (file >= 0) {
        close(file);
        unlink(path);
    }
    free(text);
    return status;
}

/* ---- The context ---------------------------------------------------------------------------- */

gpumm_status bare_open(bench *b) {
    BARE(cuInit(0));
    BARE(cuDeviceGet(&b->gpu, b->ordinal));
    BARE(cuDevicePrimaryCtxRetain(&b->context, b->gpu));
    BARE(cuCtxPushCurrent(b->context));
    BARE(cuStreamCreate(&b->stream, CU_STREAM_NON_BLOCKING));
    return open_kernel(b);
}

void bare_close(bench *b) {
    CUcontext context;
    if (!b->context) return;
    if (b->module) (void)cuModuleUnload(b->module);
    if (b->stream) (void)cuStreamDestroy(b->stream);
    (void)cuCtxPopCurrent(&context);
    (void)cuDevicePrimaryCtxRelease(b->gpu);
}

/* ---- Memory --------------------------------------------------------------------------------- */

#define PIECE (1ull << 30) /* as large as gpumm's segments */

static CUmemAllocationProp properties(const bench *b) {
    CUmemAllocationProp p;
    memset(&p, 0, sizeof p);
    p.type = CU_MEM_ALLOCATION_TYPE_PINNED;
    p.location.type = CU_MEM_LOCATION_TYPE_DEVICE;
    p.location.id = b->gpu;
    return p;
}

uint64_t bare_granularity(const bench *b) {
    CUmemAllocationProp p = properties(b);
    size_t bytes = 0;
    CUresult result = cuMemGetAllocationGranularity(&bytes, &p, CU_MEM_ALLOC_GRANULARITY_MINIMUM);
    return result == CUDA_SUCCESS && bytes ? bytes : 2 << 20;
}

static gpumm_status map_piece(const CUmemAllocationProp *p, CUdeviceptr address, uint64_t bytes) {
    CUmemGenericAllocationHandle handle;
    BARE(cuMemCreate(&handle, bytes, p, 0));
    gpumm_status status = bare(cuMemMap(address, bytes, 0, handle, 0), "cuMemMap");
    BARE(cuMemRelease(handle));
    return status;
}

gpumm_status bare_commit(const bench *b, CUdeviceptr address, uint64_t bytes) {
    CUmemAllocationProp p = properties(b);
    CUmemAccessDesc access = {.location = p.location, .flags = CU_MEM_ACCESS_FLAGS_PROT_READWRITE};
    for (uint64_t at = 0; at < bytes; at += PIECE) TRY(map_piece(&p, address + at, size_min(bytes - at, PIECE)));
    return bare(cuMemSetAccess(address, bytes, &access, 1), "cuMemSetAccess");
}

gpumm_status bare_uncommit(CUdeviceptr address, uint64_t bytes) {
    for (uint64_t at = 0; at < bytes; at += PIECE) BARE(cuMemUnmap(address + at, size_min(bytes - at, PIECE)));
    return GPUMM_OK;
}

gpumm_status bare_free_bytes(uint64_t *bytes) {
    size_t left = 0, total = 0;
    BARE(cuMemGetInfo(&left, &total));
    *bytes = left;
    return GPUMM_OK;
}

/* ---- Work ----------------------------------------------------------------------------------- */

gpumm_status bare_launch(const bench *b, CUdeviceptr nodes, uint64_t count, int turns) {
    int n = (int)count;
    void *arguments[] = {&n, &nodes, &turns};
    unsigned grid = (unsigned)((count + BLOCK - 1) / BLOCK);
    BARE(cuLaunchKernel(b->step, grid, 1, 1, BLOCK, 1, 1, 0, b->stream, arguments, NULL));
    return GPUMM_OK;
}

gpumm_status bare_synchronize(const bench *b) {
    BARE(cuStreamSynchronize(b->stream));
    return GPUMM_OK;
}
