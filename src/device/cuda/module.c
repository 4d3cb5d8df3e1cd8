/* SPDX-License-Identifier: MIT */
/*
 * Loaded kernels: a module read from its file, its functions with the geometry that fills the device,
 * and their launch. Arguments go to the driver as they come; nothing is allocated for a launch.
 */
#include "device/cuda/module.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "base/status.h"
#include "device/cuda/context.h"
#include "device/cuda/image.h"
#include "device/cuda/stream.h"

enum {
    LOG_SIZE = 4096,
    BLOCK_MOST = 256,  /* threads a block, where nobody says */
    BLOCK_LEAST = 64,  /* and where they are few */
    BLOCKS_A_UNIT = 8, /* of a multiprocessor, from which on they are not few */
};

struct device_module {
    CUmodule handle;
    char *path;
    char *image; /* as it was read, for what it says of its kernels */
    size_t size;
    pthread_mutex_t mutex; /* over the functions */
    device_function *functions;
};

struct device_function {
    device_function *next;
    CUfunction handle;
    char *name;
    unsigned block;             /* threads a block that fill the device best */
    unsigned block_limit;       /* threads a block that can run */
    unsigned shared_fixed;      /* bytes of shared memory that the kernel declares itself */
    atomic_uint shared_dynamic; /* bytes beside them that it may be launched with */
    size_t *sizes;              /* of its parameters; NULL: the driver does not tell */
    size_t count;
    uint32_t *words; /* the constant that describes them: their count and each; NULL: there is none */
    size_t described;
    uint32_t needs;
};

/* ---- Modules ---- */

/* What to do about it; "" where nothing is known. */
static const char *advice(CUresult result) {
    switch ((int)result) {
    case CUDA_ERROR_UNSUPPORTED_PTX_VERSION:
        return ": it was made by a newer CUDA than the driver's. Install the NVRTC of the driver's version, "
               "or a newer driver";
    case CUDA_ERROR_NO_BINARY_FOR_GPU: return ": it has no code for this device's architecture";
    case CUDA_ERROR_INVALID_IMAGE:
        return ": it is no .cubin, .fatbin or .ptx, or it was made by a newer CUDA than the driver's";
    case CUDA_ERROR_JIT_COMPILER_NOT_FOUND: return ": install libnvidia-ptxjitcompiler of the driver, or load a .cubin";
    default: return "";
    }
}

static gpumm_status load_failed(cuda *c, const char *path, CUresult result, const char *log) {
    char version[16];
    gpumm_status status = gpumm__cuda_failed(c, DRIVER_cuModuleLoadDataEx, result);
    bool image = status == GPUMM_DRIVER && result >= CUDA_ERROR_INVALID_IMAGE && result < CUDA_ERROR_ILLEGAL_ADDRESS;
    if (!image) return fail_in(status, "loading '%s': ", path);
    return fail(GPUMM_COMPILE_FAILED,
                "'%s' cannot run on %s (compute capability %d.%d, driver for CUDA %s): "
                "%s%s%s%s",
                path, c->base.info.name, c->base.info.compute_major, c->base.info.compute_minor,
                gpumm__driver_version_text(gpumm__driver.version, version), gpumm_message(), advice(result),
                *log ? "\n" : "", log);
}

static gpumm_status load(cuda *c, const char *path, const char *image, CUmodule *out) {
    char log[LOG_SIZE] = "";
    CUjit_option options[] = {CU_JIT_ERROR_LOG_BUFFER, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES};
    void *values[] = {log, (void *)(uintptr_t)sizeof log};
    CUresult result = CU_RESULT(c, cuModuleLoadDataEx, (out, image, 2, options, values));
    log[sizeof log - 1] = '\0';
    return result == CUDA_SUCCESS ? GPUMM_OK : load_failed(c, path, result, log);
}

static gpumm_status module_fill(cuda *c, const char *path, device_module *m) {
    cuda_visit visit;
    TRY(gpumm__image_read(&c->base, path, &m->image, &m->size));
    TRY(gpumm__cuda_enter_quiet(c, &visit));
    gpumm_status status = load(c, path, m->image, &m->handle);
    gpumm__cuda_leave(c, &visit);
    return status;
}

static void module_delete(device *d, device_module *m) {
    pthread_mutex_destroy(&m->mutex);
    gpumm__mem_free(d->memory, m->image);
    gpumm__mem_free(d->memory, m->path);
    gpumm__mem_free(d->memory, m);
}

gpumm_status gpumm__cuda_module_open(device *d, const char *path, device_module **out) {
    TRY(gpumm__cuda_usable(cuda_of(d)));
    device_module *m = gpumm__mem_new(d->memory, sizeof *m);
    if (!m || pthread_mutex_init(&m->mutex, NULL)) return gpumm__mem_free(d->memory, m), fail_host_memory(sizeof *m);
    m->path = gpumm__mem_string(d->memory, path);
    gpumm_status status = m->path ? module_fill(cuda_of(d), path, m) : fail_host_memory(strlen(path));
    if (status != GPUMM_OK) return module_delete(d, m), status;
    *out = m;
    return GPUMM_OK;
}

static void function_delete(device *d, device_function *f) {
    gpumm__mem_free(d->memory, f->words);
    gpumm__mem_free(d->memory, f->sizes);
    gpumm__mem_free(d->memory, f->name);
    gpumm__mem_free(d->memory, f);
}

void gpumm__cuda_module_close(device *d, device_module *m) {
    cuda *c = cuda_of(d);
    cuda_visit visit;
    if (gpumm__cuda_enter_giving(c, &visit)) {
        (void)CU_BACK(c, cuModuleUnload, (m->handle));
        gpumm__cuda_leave(c, &visit);
    }
    for (device_function *f = m->functions, *next; f; f = next) {
        next = f->next;
        function_delete(d, f);
    }
    module_delete(d, m);
}

/* ---- Functions ---- */

static gpumm_status function_attribute(cuda *c, CUfunction_attribute which, CUfunction handle, unsigned *value) {
    int number = 0;
    TRY(CU(c, cuFuncGetAttribute, (&number, which, handle)));
    *value = number > 0 ? (unsigned)number : 0;
    return GPUMM_OK;
}

static gpumm_status no_parameters(cuda *c, device_function *f) {
    gpumm__mem_free(c->base.memory, f->sizes);
    f->sizes = NULL;
    return GPUMM_OK;
}

/* The driver tells the sizes of parameters one by one, and by an error that an index is past the last. */
static gpumm_status function_parameters(cuda *c, device_function *f) {
    size_t capacity = 0, offset, size;
    if (!gpumm__driver.cuFuncGetParamInfo) return GPUMM_OK;
    for (f->count = 0;; f->count++) {
        if (!gpumm__mem_reserve(c->base.memory, (void **)&f->sizes, sizeof *f->sizes, f->count, &capacity))
            return fail_host_memory((f->count + 1) * sizeof *f->sizes);
        CUresult result = CU_RESULT(c, cuFuncGetParamInfo, (f->handle, f->count, &offset, &size));
        if (result == CUDA_ERROR_INVALID_VALUE) return GPUMM_OK;
        if (result == CUDA_ERROR_NOT_SUPPORTED) return no_parameters(c, f);
        TRY(cuda_status(c, DRIVER_cuFuncGetParamInfo, result));
        f->sizes[f->count] = size;
    }
}

/* Threads a block that keep the most threads resident, with so much dynamic shared memory. */
static gpumm_status best_block(cuda *c, CUfunction handle, unsigned shared_bytes, unsigned *block) {
    int grid = 0, threads = 0;
    TRY(CU(c, cuOccupancyMaxPotentialBlockSize, (&grid, &threads, handle, NULL, shared_bytes, 0)));
    *block = threads > 0 ? (unsigned)threads : 1;
    return GPUMM_OK;
}

static gpumm_status function_find(cuda *c, device_module *m, const char *name, CUfunction *handle) {
    CUresult result = CU_RESULT(c, cuModuleGetFunction, (handle, m->handle, name));
    if (result != CUDA_ERROR_NOT_FOUND) return cuda_status(c, DRIVER_cuModuleGetFunction, result);
    return fail(GPUMM_NOT_FOUND, "there is no kernel '%s' in '%s': is it declared extern \"C\" __global__?", name,
                m->path);
}

static gpumm_status function_constant(cuda *c, const device_module *m, const device_function *f, const char *what,
                                      uint32_t **words, size_t *count) {
    char name[512];
    snprintf(name, sizeof name, "gpumm_%s_%s", what, f->name);
    return gpumm__image_words(&c->base, m->image, m->size, name, words, count);
}

static gpumm_status function_needs(cuda *c, const device_module *m, device_function *f) {
    uint32_t *words = NULL;
    size_t count = 0;
    TRY(function_constant(c, m, f, "needs", &words, &count));
    f->needs = words && count ? words[0] : 0;
    gpumm__mem_free(c->base.memory, words);
    return GPUMM_OK;
}

/* What it says of more parameters than it has words for is nobody's. */
static gpumm_status function_describe(cuda *c, device_module *m, device_function *f) {
    size_t count = 0;
    TRY(function_needs(c, m, f));
    TRY(function_constant(c, m, f, "parameters", &f->words, &count));
    f->described = f->words && f->words[0] ? f->words[0] - 1 : 0;
    if (!f->words || f->described <= (count - 1) * sizeof *f->words / sizeof(device_parameter)) return GPUMM_OK;
    return fail(GPUMM_IO, "'%s' is damaged: it does not say what kernel '%s' takes", m->path, f->name);
}

static gpumm_status function_fill(cuda *c, device_module *m, device_function *f) {
    unsigned shared = 0;
    TRY(function_describe(c, m, f));
    TRY(function_find(c, m, f->name, &f->handle));
    TRY(function_attribute(c, CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK, f->handle, &f->block_limit));
    TRY(function_attribute(c, CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES, f->handle, &f->shared_fixed));
    TRY(function_attribute(c, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, f->handle, &shared));
    atomic_init(&f->shared_dynamic, shared);
    TRY(function_parameters(c, f));
    return best_block(c, f->handle, 0, &f->block);
}

static gpumm_status function_make(cuda *c, device_module *m, const char *name, device_function **out) {
    device_function *f = gpumm__mem_new(c->base.memory, sizeof *f);
    if (!f) return fail_host_memory(sizeof *f);
    f->name = gpumm__mem_string(c->base.memory, name);
    cuda_visit visit;
    gpumm_status status = f->name ? gpumm__cuda_enter_quiet(c, &visit) : fail_host_memory(strlen(name));
    if (status == GPUMM_OK) {
        status = function_fill(c, m, f);
        gpumm__cuda_leave(c, &visit);
    }
    if (status != GPUMM_OK) return function_delete(&c->base, f), status;
    f->next = m->functions;
    m->functions = *out = f;
    return GPUMM_OK;
}

gpumm_status gpumm__cuda_function(device *d, device_module *m, const char *name, device_function **out) {
    cuda *c = cuda_of(d);
    TRY(gpumm__cuda_usable(c)); /* before the lock: after a fork its holder may be gone */
    pthread_mutex_lock(&m->mutex);
    device_function *f = m->functions;
    while (f && strcmp(f->name, name) != 0) f = f->next;
    gpumm_status status = GPUMM_OK;
    if (f) *out = f;
    else status = function_make(c, m, name, out);
    pthread_mutex_unlock(&m->mutex);
    return status;
}

const device_parameter *gpumm__cuda_parameters(const device_function *f, size_t *count) {
    *count = f->described;
    return f->words ? (const device_parameter *)(f->words + 1) : NULL;
}

uint32_t gpumm__cuda_needs(const device_function *f) { return f->needs; }

const char *gpumm__cuda_function_name(const device_function *f) { return f->name; }

/* ---- Launching ---- */

static gpumm_status too_much_shared(cuda *c, const device_function *f, unsigned bytes) {
    return fail(GPUMM_INVALID_ARGUMENT,
                "kernel '%s' asks for %u bytes of shared memory a block beside its own %u: "
                "this device has %u",
                f->name, bytes, f->shared_fixed, c->shared_limit);
}

/* More than 48 KiB has to be asked for: once a function, and then all there is, so that no launch in
   another thread finds it lowered. */
static gpumm_status allow_shared(cuda *c, device_function *f, unsigned bytes) {
    if (bytes <= atomic_load_explicit(&f->shared_dynamic, memory_order_relaxed)) return GPUMM_OK;
    if ((uint64_t)bytes + f->shared_fixed > c->shared_limit) return too_much_shared(c, f, bytes);
    unsigned all = c->shared_limit - f->shared_fixed;
    TRY(CU(c, cuFuncSetAttribute, (f->handle, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, (int)all)));
    atomic_store(&f->shared_dynamic, all);
    return GPUMM_OK;
}

static gpumm_status check_block(const device_function *f, const unsigned *block) {
    unsigned threads = block[0] * block[1] * block[2]; /* the geometry's check has bounded them */
    if (threads <= f->block_limit) return GPUMM_OK;
    return fail(GPUMM_INVALID_ARGUMENT, "kernel '%s' can have at most %u threads a block here, not %u", f->name,
                f->block_limit, threads);
}

/* Threads a block, where nobody says. Few threads in large blocks leave multiprocessors idle, and the last of many large blocks
   run beside idle ones. */
static unsigned fitting_block(const cuda *c, const device_function *f, uint64_t threads) {
    unsigned block = f->block < BLOCK_MOST ? f->block : BLOCK_MOST;
    while (block / 2 >= BLOCK_LEAST && threads / block < (uint64_t)BLOCKS_A_UNIT * c->base.info.units) block /= 2;
    return block;
}

static gpumm_status choose_block(cuda *c, device_function *f, const device_launch *launch, unsigned *block) {
    *block = launch->block[0];
    if (*block) return GPUMM_OK;
    if (launch->shared_bytes) return best_block(c, f->handle, launch->shared_bytes, block);
    *block = fitting_block(c, f, launch->threads);
    return GPUMM_OK;
}

/* As many blocks in a line as the threads need. */
static gpumm_status choose_line(cuda *c, device_function *f, const device_launch *launch, unsigned *grid,
                                unsigned *block) {
    TRY(choose_block(c, f, launch, block));
    uint64_t blocks = launch->threads / *block + (launch->threads % *block != 0);
    if (blocks > DEVICE_GRID_X_MAX)
        return fail(GPUMM_INVALID_ARGUMENT,
                    "kernel '%s' would need %llu blocks of %u threads, and the device "
                    "takes at most %d blocks: use larger blocks or fewer threads",
                    f->name, (unsigned long long)blocks, *block, DEVICE_GRID_X_MAX);
    *grid = (unsigned)blocks;
    return GPUMM_OK;
}

/* What the driver is given, and shared memory allowed. */
static gpumm_status choose_geometry(cuda *c, device_function *f, const device_launch *launch, unsigned *grid,
                                    unsigned *block) {
    grid[1] = grid[2] = block[1] = block[2] = 1;
    TRY(allow_shared(c, f, launch->shared_bytes));
    if (launch->grid[0]) {
        memcpy(grid, launch->grid, sizeof launch->grid);
        memcpy(block, launch->block, sizeof launch->block);
    } else {
        TRY(choose_line(c, f, launch, grid, block));
    }
    return check_block(f, block);
}

gpumm_status gpumm__cuda_launch_node(cuda *c, device_function *f, const device_launch *launch,
                                     CUDA_KERNEL_NODE_PARAMS *out) {
    unsigned grid[3], block[3];
    TRY(gpumm__device_check_arguments(f->name, f->sizes, f->count, launch));
    TRY(gpumm__device_check_geometry(f->name, f->needs, launch));
    TRY(choose_geometry(c, f, launch, grid, block));
    *out = (CUDA_KERNEL_NODE_PARAMS){.func = f->handle,
                                     .gridDimX = grid[0],
                                     .gridDimY = grid[1],
                                     .gridDimZ = grid[2],
                                     .blockDimX = block[0],
                                     .blockDimY = block[1],
                                     .blockDimZ = block[2],
                                     .sharedMemBytes = launch->shared_bytes,
                                     .kernelParams = (void **)launch->arguments};
    return GPUMM_OK;
}

static gpumm_status launch_entered(cuda *c, CUstream stream, device_function *f, const device_launch *launch) {
    unsigned grid[3], block[3];
    TRY(choose_geometry(c, f, launch, grid, block));
    return CU(c, cuLaunchKernel,
              (f->handle, grid[0], grid[1], grid[2], block[0], block[1], block[2], launch->shared_bytes, stream,
               (void **)launch->arguments, NULL)); /* the driver only reads them */
}

gpumm_status gpumm__cuda_launch(device *d, device_stream *s, device_function *f, const device_launch *launch) {
    cuda *c = cuda_of(d);
    cuda_visit visit;
    TRY(gpumm__device_check_arguments(f->name, f->sizes, f->count, launch));
    TRY(gpumm__device_check_geometry(f->name, f->needs, launch));
    TRY(gpumm__cuda_enter(c, &visit));
    gpumm_status status = launch_entered(c, s->handle, f, launch);
    gpumm__cuda_leave(c, &visit);
    return status;
}
