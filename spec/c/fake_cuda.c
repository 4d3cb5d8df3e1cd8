/* SPDX-License-Identifier: MIT */
/*
 * A driver that is none: a shared object with libcuda's entries, for testing the CUDA device where there
 * is no GPU. Memory is real (memory files, mapped as the driver maps), streams do their work at once, and
 * kernels do nothing. It is strict where the driver is: a context must be current, mappings are exact, a copy or fill
 * is within one kind of memory (a device's or the host's), a graph's stays in the kind that it was made for, nothing but a
 * kernel fills the host's that is mapped, and a call that would break another thread's graph capture is counted as having
 * broken it. Where it is stricter the driver is slow: memory of two devices is of two kinds.
 *
 * The test steers it by the functions at the end; FAKE_CUDA_VERSION, FAKE_CUDA_STUB, FAKE_CUDA_INIT,
 * FAKE_CUDA_DEVICES, FAKE_CUDA_POOLS, FAKE_CUDA_COMPUTE and FAKE_CUDA_JIT say what driver and device it is, FAKE_CUDA_MEMORY
 * how many MiB each device has, FAKE_CUDA_TOTAL how many it says it has (the others somebody else took), FAKE_CUDA_PEERS (0)
 * that no two of them can use one another's memory, FAKE_CUDA_LATE how many ms after it was recorded an event is ready, for who asks
 * without waiting. What is mapped can be used in the
 * contexts of those devices alone that were given access.
 */
#include <cuda.h>
#include <cudaTypedefs.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "fake_cuda.h"

/* Exported under the exact names below, not under cuda.h's. */
#undef cuGetProcAddress
#undef cuEventElapsedTime

#define ENTRY __attribute__((visibility("default"))) CUresult CUDAAPI

enum { HOST = -1, DEVICES = 16, RANGES = 1024, UNIT = 2 << 20, DEPTH = 8, ALIGN = 512 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static fake_counts live;
static struct {
    char name[64];
    unsigned long nth;
    int result;
    bool fired;
} plan;
static atomic_ulong calls; /* a trace asks from a thread of its own */
static _Thread_local CUcontext stack[DEPTH];
static _Thread_local int depth;
static _Thread_local CUstreamCaptureMode capture_mode;
static bool captured_elsewhere;
static int dummy_context[DEVICES], other_context, dummy_function, copy_function, fill_function;

typedef struct memory {
    int file;
    size_t size;
    int holders;
    int device; /* for which it counts; HOST: none */
    bool on_host;
} memory;
typedef struct range {
    uintptr_t begin;
    size_t size;
    memory *backing;
    unsigned users; /* a bit for each device that may use it */
} range;
static range reserved[RANGES], mapped[RANGES];
static pthread_mutex_t tables = PTHREAD_MUTEX_INITIALIZER; /* of these two, and of who holds memory */

struct CUstream_st {
    bool capturing;
    CUcontext context;
};
struct CUevent_st {
    bool recorded;
    unsigned flags;
    CUcontext context;
    double ns; /* of a clock of its own, which goes a thousandth too fast */
};

/* ---- Planned failures ---- */

static CUresult enter(const char *name) {
    pthread_mutex_lock(&mutex);
    atomic_fetch_add(&calls, 1);
    int result = CUDA_SUCCESS;
    bool meant = plan.nth && (plan.name[0] == '\0' || strcmp(plan.name, name) == 0);
    if (meant && --plan.nth == 0) {
        plan.fired = true;
        result = plan.result;
    }
    pthread_mutex_unlock(&mutex);
    return (CUresult)result;
}

#define PLANNED() \
    do { \
        CUresult planned_ = enter(__func__); \
        if (planned_ != CUDA_SUCCESS) return planned_; \
    } while (0)

/* A device's, beside which there is one of somebody else's. */
static bool is_ours(CUcontext context) {
    return (int *)(void *)context >= dummy_context && (int *)(void *)context < dummy_context + DEVICES;
}

static int device_of(CUcontext context) { return (int)((int *)(void *)context - dummy_context); }

#define CURRENT() \
    do { \
        PLANNED(); \
        if (depth == 0 || !is_ours(stack[depth - 1])) return CUDA_ERROR_INVALID_CONTEXT; \
    } while (0)

/* Calls that a capture in another thread forbids. */
#define UNSAFE() \
    do { \
        CURRENT(); \
        if (captured_elsewhere && capture_mode != CU_STREAM_CAPTURE_MODE_RELAXED) live.broken_captures++; \
    } while (0)

static void count(long *what, long by) {
    pthread_mutex_lock(&mutex);
    *what += by;
    pthread_mutex_unlock(&mutex);
}

static int number(const char *name, int otherwise) {
    const char *text = getenv(name);
    return text ? atoi(text) : otherwise;
}

/* ---- How much the device has ---- */

static long taken_bytes[DEVICES];

static long device_bytes(void) { return (long)number("FAKE_CUDA_MEMORY", 0) << 20; } /* 0: no end */

static bool hold(int device, size_t bytes) {
    pthread_mutex_lock(&mutex);
    bool fits = !device_bytes() || taken_bytes[device] + (long)bytes <= device_bytes();
    if (fits) taken_bytes[device] += (long)bytes;
    pthread_mutex_unlock(&mutex);
    return fits;
}

/* ---- The driver and its devices ---- */

ENTRY cuInit(unsigned flags) {
    PLANNED();
    usleep(2000); /* long enough for others to come */
    return flags ? CUDA_ERROR_INVALID_VALUE : (CUresult)number("FAKE_CUDA_INIT", 0);
}

ENTRY cuDriverGetVersion(int *version) {
    if (number("FAKE_CUDA_STUB", 0)) return CUDA_ERROR_STUB_LIBRARY; /* as the Toolkit's answers, to link against */
    *version = number("FAKE_CUDA_VERSION", 13000);
    return CUDA_SUCCESS;
}

ENTRY cuGetErrorName(CUresult error, const char **out) {
    *out = error == CUDA_ERROR_OUT_OF_MEMORY ? "CUDA_ERROR_OUT_OF_MEMORY" : "CUDA_ERROR_FAKE";
    return CUDA_SUCCESS;
}

ENTRY cuGetErrorString(CUresult error, const char **out) {
    *out = error == CUDA_ERROR_OUT_OF_MEMORY ? "out of memory" : "an error of the fake driver";
    return CUDA_SUCCESS;
}

ENTRY cuDeviceGetCount(int *out) {
    PLANNED();
    *out = number("FAKE_CUDA_DEVICES", 2);
    return CUDA_SUCCESS;
}

ENTRY cuDeviceGet(CUdevice *out, int ordinal) {
    PLANNED();
    *out = ordinal;
    return CUDA_SUCCESS;
}

ENTRY cuDeviceGetName(char *name, int size, CUdevice device) {
    PLANNED();
    snprintf(name, (size_t)size, "Fake %d", device);
    return CUDA_SUCCESS;
}

ENTRY cuDeviceGetUuid_v2(CUuuid *uuid, CUdevice device) {
    PLANNED();
    memset(uuid, 0xab, sizeof *uuid);
    uuid->bytes[15] = (char)device;
    return CUDA_SUCCESS;
}

ENTRY cuDeviceTotalMem_v2(size_t *bytes, CUdevice device) {
    PLANNED();
    size_t total = (size_t)number("FAKE_CUDA_TOTAL", 0) << 20, own = (size_t)device_bytes();
    *bytes = total ? total : own ? own : (size_t)1 << (31 + device);
    return CUDA_SUCCESS;
}

ENTRY cuDeviceGetAttribute(int *value, CUdevice_attribute which, CUdevice device) {
    (void)device;
    PLANNED();
    switch ((int)which) {
    case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR: *value = number("FAKE_CUDA_COMPUTE", 90) / 10; break;
    case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR: *value = number("FAKE_CUDA_COMPUTE", 90) % 10; break;
    case CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT: *value = 132; break;
    case CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN: *value = 232448; break;
    case CU_DEVICE_ATTRIBUTE_MEMORY_POOLS_SUPPORTED: *value = number("FAKE_CUDA_POOLS", 1); break;
    default: *value = 1;
    }
    return CUDA_SUCCESS;
}

/* ---- Contexts ---- */

ENTRY cuDeviceCanAccessPeer(int *can, CUdevice user, CUdevice owner) {
    PLANNED();
    if (user == owner) return CUDA_ERROR_INVALID_VALUE;
    *can = number("FAKE_CUDA_PEERS", 1);
    return CUDA_SUCCESS;
}

ENTRY cuDevicePrimaryCtxRetain(CUcontext *out, CUdevice device) {
    PLANNED();
    count(&live.contexts, 1);
    *out = (CUcontext)&dummy_context[device];
    return CUDA_SUCCESS;
}

ENTRY cuDevicePrimaryCtxRelease_v2(CUdevice device) {
    (void)device;
    PLANNED();
    count(&live.contexts, -1);
    return CUDA_SUCCESS;
}

ENTRY cuCtxPushCurrent_v2(CUcontext context) {
    PLANNED();
    bool known = is_ours(context) || context == (CUcontext)&other_context;
    if (depth == DEPTH || !known) return CUDA_ERROR_INVALID_CONTEXT;
    stack[depth++] = context;
    if (is_ours(context)) count(&live.pushed, 1);
    return CUDA_SUCCESS;
}

ENTRY cuCtxPopCurrent_v2(CUcontext *out) {
    PLANNED();
    if (depth == 0) return CUDA_ERROR_INVALID_CONTEXT;
    *out = stack[--depth];
    if (is_ours(*out)) count(&live.pushed, -1);
    return CUDA_SUCCESS;
}

ENTRY cuCtxGetCurrent(CUcontext *out) {
    PLANNED();
    *out = depth ? stack[depth - 1] : NULL;
    return CUDA_SUCCESS;
}

ENTRY cuCtxGetDevice(CUdevice *device) {
    CURRENT();
    *device = device_of(stack[depth - 1]);
    return CUDA_SUCCESS;
}

ENTRY cuThreadExchangeStreamCaptureMode(CUstreamCaptureMode *mode) {
    PLANNED();
    CUstreamCaptureMode before = capture_mode;
    count(&live.relaxed, (*mode == CU_STREAM_CAPTURE_MODE_RELAXED) - (before == CU_STREAM_CAPTURE_MODE_RELAXED));
    capture_mode = *mode;
    *mode = before;
    return CUDA_SUCCESS;
}

/* ---- Memory in place ---- */

static void leave_tables(pthread_mutex_t **held) { pthread_mutex_unlock(*held); }

/* UNSAFE, and alone with the tables until the call returns: a worker maps while others do. */
#define WITH_TABLES() \
    UNSAFE(); \
    __attribute__((cleanup(leave_tables))) pthread_mutex_t *held = (pthread_mutex_lock(&tables), &tables)

static range *range_at(range *list, uintptr_t begin, size_t size) {
    for (int i = 0; i < RANGES; i++)
        if (list[i].size == size && list[i].begin == begin) return &list[i];
    return NULL;
}

static bool inside_reserved(uintptr_t begin, size_t size) {
    for (int i = 0; i < RANGES; i++)
        if (begin >= reserved[i].begin && begin + size <= reserved[i].begin + reserved[i].size) return true;
    return false;
}

static bool overlaps_mapped(uintptr_t begin, size_t size) {
    for (int i = 0; i < RANGES; i++)
        if (mapped[i].size && begin < mapped[i].begin + mapped[i].size && mapped[i].begin < begin + size) return true;
    return false;
}

ENTRY cuMemAddressReserve(CUdeviceptr *out, size_t size, size_t align, CUdeviceptr at, unsigned long long flags) {
    (void)align, (void)at, (void)flags;
    WITH_TABLES();
    range *slot = range_at(reserved, 0, 0);
    if (size == 0 || size % UNIT) return CUDA_ERROR_INVALID_VALUE;
    void *space = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (!slot || space == MAP_FAILED) return CUDA_ERROR_OUT_OF_MEMORY;
    *slot = (range){(uintptr_t)space, size, NULL, 0};
    *out = (CUdeviceptr)(uintptr_t)space;
    count(&live.ranges, 1);
    return CUDA_SUCCESS;
}

ENTRY cuMemAddressFree(CUdeviceptr at, size_t size) {
    WITH_TABLES();
    range *found = range_at(reserved, at, size);
    if (!found || overlaps_mapped(at, size)) return CUDA_ERROR_INVALID_VALUE;
    munmap((void *)(uintptr_t)at, size);
    *found = (range){0, 0, NULL, 0};
    count(&live.ranges, -1);
    return CUDA_SUCCESS;
}

ENTRY cuMemGetAllocationGranularity(size_t *out, const CUmemAllocationProp *prop, CUmemAllocationGranularity_flags f) {
    (void)prop, (void)f;
    UNSAFE();
    *out = UNIT;
    return CUDA_SUCCESS;
}

ENTRY cuMemCreate(CUmemGenericAllocationHandle *out, size_t size, const CUmemAllocationProp *prop,
                  unsigned long long flags) {
    (void)flags;
    UNSAFE();
    if (size == 0 || size % UNIT || prop->type != CU_MEM_ALLOCATION_TYPE_PINNED) return CUDA_ERROR_INVALID_VALUE;
    bool on_device = prop->location.type == CU_MEM_LOCATION_TYPE_DEVICE;
    int device = on_device ? prop->location.id : HOST;
    if (on_device && (device < 0 || device >= number("FAKE_CUDA_DEVICES", 2))) return CUDA_ERROR_INVALID_DEVICE;
    if (on_device && !hold(device, size)) return CUDA_ERROR_OUT_OF_MEMORY;
    memory *m = calloc(1, sizeof *m);
    if (!m) return CUDA_ERROR_OUT_OF_MEMORY;
    m->device = device;
    m->on_host = !on_device;
    m->file = memfd_create("fake", MFD_CLOEXEC);
    m->size = size;
    m->holders = 1;
    if (m->file < 0 || ftruncate(m->file, (off_t)size) != 0) return CUDA_ERROR_OUT_OF_MEMORY;
    count(&live.handles, 1);
    *out = (CUmemGenericAllocationHandle)(uintptr_t)m;
    return CUDA_SUCCESS;
}

static void let_go(memory *m) {
    if (--m->holders > 0) return;
    if (m->device != HOST) count(&taken_bytes[m->device], -(long)m->size);
    close(m->file);
    free(m);
}

ENTRY cuMemRelease(CUmemGenericAllocationHandle handle) {
    WITH_TABLES();
    let_go((memory *)(uintptr_t)handle);
    count(&live.handles, -1);
    return CUDA_SUCCESS;
}

ENTRY cuMemRetainAllocationHandle(CUmemGenericAllocationHandle *out, void *at) {
    WITH_TABLES();
    for (int i = 0; i < RANGES; i++) {
        if (!mapped[i].size || mapped[i].begin != (uintptr_t)at) continue;
        mapped[i].backing->holders++;
        count(&live.handles, 1);
        *out = (CUmemGenericAllocationHandle)(uintptr_t)mapped[i].backing;
        return CUDA_SUCCESS;
    }
    return CUDA_ERROR_INVALID_VALUE;
}

ENTRY cuMemExportToShareableHandle(void *out, CUmemGenericAllocationHandle handle, CUmemAllocationHandleType type,
                                   unsigned long long flags) {
    WITH_TABLES();
    if (type != CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR || flags) return CUDA_ERROR_INVALID_VALUE;
    *(int *)out = dup(((memory *)(uintptr_t)handle)->file);
    return *(int *)out < 0 ? CUDA_ERROR_OPERATING_SYSTEM : CUDA_SUCCESS;
}

ENTRY cuMemImportFromShareableHandle(CUmemGenericAllocationHandle *out, void *from, CUmemAllocationHandleType type) {
    UNSAFE();
    struct stat stat;
    memory *m = calloc(1, sizeof *m);
    if (!m) return CUDA_ERROR_OUT_OF_MEMORY;
    m->file = dup((int)(intptr_t)from);
    m->holders = 1;
    m->device = HOST; /* the bytes count for who made it */
    if (type != CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR || m->file < 0 || fstat(m->file, &stat) != 0) {
        free(m);
        return CUDA_ERROR_INVALID_VALUE;
    }
    m->size = (size_t)stat.st_size;
    count(&live.handles, 1);
    *out = (CUmemGenericAllocationHandle)(uintptr_t)m;
    return CUDA_SUCCESS;
}

ENTRY cuMemMap(CUdeviceptr at, size_t size, size_t offset, CUmemGenericAllocationHandle handle,
               unsigned long long flags) {
    (void)flags;
    WITH_TABLES();
    memory *m = (memory *)(uintptr_t)handle;
    range *slot = range_at(mapped, 0, 0);
    if (!slot || offset || size != m->size || !inside_reserved(at, size) || overlaps_mapped(at, size))
        return CUDA_ERROR_INVALID_VALUE;
    if (mmap((void *)(uintptr_t)at, size, PROT_NONE, MAP_SHARED | MAP_FIXED, m->file, 0) == MAP_FAILED)
        return CUDA_ERROR_MAP_FAILED;
    m->holders++;
    *slot = (range){at, size, m, 0};
    count(&live.segments, 1);
    return CUDA_SUCCESS;
}

ENTRY cuMemUnmap(CUdeviceptr at, size_t size) {
    WITH_TABLES();
    range *found = range_at(mapped, at, size);
    if (!found) return CUDA_ERROR_INVALID_VALUE;
    mmap((void *)(uintptr_t)at, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0);
    let_go(found->backing);
    *found = (range){0, 0, NULL, 0};
    count(&live.segments, -1);
    return CUDA_SUCCESS;
}

/* Whole mappings side by side, and nothing else. */
static bool all_mapped(uintptr_t begin, size_t size) {
    while (size) {
        range *found = NULL;
        for (int i = 0; i < RANGES && !found; i++)
            if (mapped[i].size && mapped[i].begin == begin && mapped[i].size <= size) found = &mapped[i];
        if (!found) return false;
        begin += found->size;
        size -= found->size;
    }
    return true;
}

ENTRY cuMemSetAccess(CUdeviceptr at, size_t size, const CUmemAccessDesc *access, size_t accesses) {
    WITH_TABLES();
    unsigned users = 0;
    if (!all_mapped(at, size) || accesses == 0) return CUDA_ERROR_INVALID_VALUE;
    for (size_t i = 0; i < accesses; i++) {
        if (access[i].flags != CU_MEM_ACCESS_FLAGS_PROT_READWRITE) return CUDA_ERROR_INVALID_VALUE;
        if (access[i].location.type != CU_MEM_LOCATION_TYPE_DEVICE) continue;
        if (access[i].location.id >= number("FAKE_CUDA_DEVICES", 2)) return CUDA_ERROR_INVALID_DEVICE;
        users |= 1u << access[i].location.id;
    }
    for (int i = 0; i < RANGES; i++)
        if (mapped[i].size && mapped[i].begin >= at && mapped[i].begin < at + size) mapped[i].users |= users;
    mprotect((void *)(uintptr_t)at, size, PROT_READ | PROT_WRITE);
    return CUDA_SUCCESS;
}

/* ---- Blocks ---- */

/* Before each block stands how much of the device's memory it is. */
typedef struct heading {
    int device;
    size_t counted;
} heading;

static CUresult take(CUdeviceptr *out, size_t bytes, bool on_device) {
    void *block = NULL;
    heading h = {device_of(stack[depth - 1]), on_device ? bytes : 0};
    if (!hold(h.device, h.counted)) return CUDA_ERROR_OUT_OF_MEMORY;
    if (posix_memalign(&block, ALIGN, ALIGN + bytes)) return CUDA_ERROR_OUT_OF_MEMORY;
    memcpy(block, &h, sizeof h);
    count(&live.blocks, 1);
    *out = (CUdeviceptr)(uintptr_t)block + ALIGN;
    return CUDA_SUCCESS;
}

static CUresult give(CUdeviceptr at) {
    heading h;
    void *block = (void *)(uintptr_t)(at - ALIGN);
    memcpy(&h, block, sizeof h);
    free(block);
    count(&taken_bytes[h.device], -(long)h.counted);
    count(&live.blocks, -1);
    return CUDA_SUCCESS;
}

ENTRY cuMemAlloc_v2(CUdeviceptr *out, size_t bytes) {
    UNSAFE();
    return take(out, bytes, true);
}
ENTRY cuMemFree_v2(CUdeviceptr at) {
    UNSAFE();
    return give(at);
}
ENTRY cuMemAllocAsync(CUdeviceptr *out, size_t bytes, CUstream s) {
    (void)s;
    CURRENT();
    return take(out, bytes, true);
}
ENTRY cuMemFreeAsync(CUdeviceptr at, CUstream s) {
    (void)s;
    CURRENT();
    return give(at);
}
ENTRY cuMemFreeHost(void *block) {
    UNSAFE();
    return give((CUdeviceptr)(uintptr_t)block);
}

ENTRY cuMemHostAlloc(void **out, size_t bytes, unsigned flags) {
    (void)flags;
    UNSAFE();
    CUdeviceptr at = 0;
    CUresult result = take(&at, bytes, false);
    *out = (void *)(uintptr_t)at;
    return result;
}

ENTRY cuMemHostGetDevicePointer_v2(CUdeviceptr *out, void *block, unsigned flags) {
    (void)flags;
    UNSAFE();
    *out = (CUdeviceptr)(uintptr_t)block;
    return CUDA_SUCCESS;
}

/* ---- Kinds of memory ---- */

/* Of what is not mapped in place nothing is known. From KIND_DEVICE on one for each device, first who knows which. */
typedef enum memory_kind { KIND_BLOCK, KIND_HOST, KIND_MIXED, KIND_DEVICE } memory_kind;

static memory_kind kind_in(const memory *m) {
    return m->on_host ? KIND_HOST : (memory_kind)(KIND_DEVICE + m->device - HOST);
}

static const range *mapping_at(uintptr_t at) {
    for (int i = 0; i < RANGES; i++)
        if (mapped[i].size && at >= mapped[i].begin && at - mapped[i].begin < mapped[i].size) return &mapped[i];
    return NULL;
}

/* What was mapped and ends before the bytes do is mixed, too. */
static memory_kind kind_of(uintptr_t at, size_t bytes) {
    memory_kind found = KIND_BLOCK;
    pthread_mutex_lock(&tables);
    for (uintptr_t end = at + bytes; at < end && found != KIND_MIXED;) {
        const range *m = mapping_at(at);
        if (!m && found == KIND_BLOCK) break;
        memory_kind here = m ? kind_in(m->backing) : KIND_MIXED;
        found = found == KIND_BLOCK || found == here ? here : KIND_MIXED;
        if (m) at = m->begin + m->size;
    }
    pthread_mutex_unlock(&tables);
    return found;
}

/* ---- Streams and events: everything is done when the call returns ---- */

/* By the device whose context is current. What is not mapped is somebody's block. */
static bool usable(const void *at, size_t bytes) {
    unsigned user = 1u << device_of(stack[depth - 1]);
    uintptr_t begin = (uintptr_t)at;
    bool good = true;
    pthread_mutex_lock(&tables);
    for (int i = 0; i < RANGES && bytes; i++)
        if (mapped[i].size && begin < mapped[i].begin + mapped[i].size && mapped[i].begin < begin + bytes)
            good = good && (mapped[i].users & user);
    pthread_mutex_unlock(&tables);
    return good;
}

static CUresult copy(void *to, const void *from, size_t bytes) {
    if (kind_of((uintptr_t)to, bytes) == KIND_MIXED || kind_of((uintptr_t)from, bytes) == KIND_MIXED)
        return CUDA_ERROR_INVALID_VALUE;
    if (!usable(to, bytes) || !usable(from, bytes)) return CUDA_ERROR_ILLEGAL_ADDRESS;
    memcpy(to, from, bytes);
    return CUDA_SUCCESS;
}

ENTRY cuMemcpyHtoDAsync_v2(CUdeviceptr to, const void *from, size_t bytes, CUstream s) {
    (void)s;
    CURRENT();
    return copy((void *)(uintptr_t)to, from, bytes);
}

ENTRY cuMemcpyDtoHAsync_v2(void *to, CUdeviceptr from, size_t bytes, CUstream s) {
    (void)s;
    CURRENT();
    return copy(to, (void *)(uintptr_t)from, bytes);
}

ENTRY cuMemcpyDtoDAsync_v2(CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream s) {
    (void)s;
    CURRENT();
    return copy((void *)(uintptr_t)to, (void *)(uintptr_t)from, bytes);
}

/* Whoever has access: the driver goes between the two. */
ENTRY cuMemcpyPeerAsync(CUdeviceptr to, CUcontext target, CUdeviceptr from, CUcontext source, size_t bytes,
                        CUstream s) {
    CURRENT();
    if (!is_ours(target) || !is_ours(source) || s->context != stack[depth - 1]) return CUDA_ERROR_INVALID_CONTEXT;
    if (kind_of(to, bytes) == KIND_MIXED || kind_of(from, bytes) == KIND_MIXED) return CUDA_ERROR_INVALID_VALUE;
    memcpy((void *)(uintptr_t)to, (void *)(uintptr_t)from, bytes);
    return CUDA_SUCCESS;
}

static CUresult fill(CUdeviceptr to, const void *pattern, size_t width, size_t times) {
    memory_kind kind = kind_of(to, width * times);
    if (kind == KIND_HOST || kind == KIND_MIXED || to % width) return CUDA_ERROR_INVALID_VALUE;
    if (!usable((void *)(uintptr_t)to, width * times)) return CUDA_ERROR_ILLEGAL_ADDRESS;
    if (width == 1) memset((void *)(uintptr_t)to, *(const unsigned char *)pattern, times);
    else
        for (size_t i = 0; i < times; i++) memcpy((char *)(uintptr_t)to + i * width, pattern, width);
    return CUDA_SUCCESS;
}

ENTRY cuMemsetD8Async(CUdeviceptr to, unsigned char value, size_t times, CUstream s) {
    (void)s;
    CURRENT();
    return fill(to, &value, 1, times);
}

ENTRY cuMemsetD16Async(CUdeviceptr to, unsigned short value, size_t times, CUstream s) {
    (void)s;
    CURRENT();
    return fill(to, &value, 2, times);
}

ENTRY cuMemsetD32Async(CUdeviceptr to, unsigned value, size_t times, CUstream s) {
    (void)s;
    CURRENT();
    return fill(to, &value, 4, times);
}

ENTRY cuStreamCreate(CUstream *out, unsigned flags) {
    CURRENT();
    if (flags != CU_STREAM_NON_BLOCKING) return CUDA_ERROR_INVALID_VALUE;
    *out = calloc(1, sizeof **out);
    (*out)->context = stack[depth - 1];
    count(&live.streams, 1);
    return CUDA_SUCCESS;
}

ENTRY cuStreamDestroy_v2(CUstream s) {
    CURRENT();
    free(s);
    count(&live.streams, -1);
    return CUDA_SUCCESS;
}

static CUresult ask(CUstream s) {
    if (!s->capturing) return CUDA_SUCCESS;
    live.broken_captures++;
    return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
}

ENTRY cuStreamSynchronize(CUstream s) {
    UNSAFE();
    return ask(s);
}
ENTRY cuStreamQuery(CUstream s) {
    UNSAFE();
    return ask(s);
}

ENTRY cuStreamWaitEvent(CUstream s, CUevent e, unsigned flags) {
    (void)e, (void)flags;
    CURRENT();
    return ask(s);
}

ENTRY cuStreamIsCapturing(CUstream s, CUstreamCaptureStatus *status) {
    CURRENT();
    *status = s->capturing ? CU_STREAM_CAPTURE_STATUS_ACTIVE : CU_STREAM_CAPTURE_STATUS_NONE;
    return CUDA_SUCCESS;
}

ENTRY cuStreamGetCtx(CUstream s, CUcontext *context) {
    CURRENT();
    *context = s->context;
    return CUDA_SUCCESS;
}

ENTRY cuEventCreate(CUevent *out, unsigned flags) {
    CURRENT();
    *out = calloc(1, sizeof **out);
    (*out)->flags = flags;
    (*out)->context = stack[depth - 1];
    count(&live.events, 1);
    return CUDA_SUCCESS;
}

ENTRY cuEventDestroy_v2(CUevent e) {
    CURRENT();
    free(e);
    count(&live.events, -1);
    return CUDA_SUCCESS;
}

static double device_clock(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return 1.001 * ((double)now.tv_sec * 1e9 + (double)now.tv_nsec);
}

ENTRY cuEventRecord(CUevent e, CUstream s) {
    CURRENT();
    if (e->context != s->context) return CUDA_ERROR_INVALID_HANDLE;
    e->ns = device_clock();
    e->recorded = true;
    return ask(s);
}

ENTRY cuEventQuery(CUevent e) {
    UNSAFE();
    bool late = e->recorded && device_clock() < e->ns + 1e6 * number("FAKE_CUDA_LATE", 0);
    return late ? CUDA_ERROR_NOT_READY : CUDA_SUCCESS;
}
/* The driver waits for one without that flag, too, but keeps a core busy: nobody here means to. */
ENTRY cuEventSynchronize(CUevent e) {
    UNSAFE();
    return e->flags & CU_EVENT_BLOCKING_SYNC ? CUDA_SUCCESS : CUDA_ERROR_NOT_SUPPORTED;
}

ENTRY cuEventElapsedTime(float *out, CUevent from, CUevent to);
ENTRY cuEventElapsedTime(float *out, CUevent from, CUevent to) {
    CURRENT();
    if ((from->flags | to->flags) & CU_EVENT_DISABLE_TIMING) return CUDA_ERROR_INVALID_HANDLE;
    *out = (float)((to->ns - from->ns) * 1e-6);
    return from->recorded && to->recorded ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE;
}

/* ---- Semaphores: the host device's counters, of which only the value's place is known here. A wait is in the call ---- */

enum { COUNTER_BYTES = 4096, COUNTER_VALUE = 16 };

struct CUextSemaphore_st {
    char *page;
};

ENTRY cuImportExternalSemaphore(CUexternalSemaphore *out, const CUDA_EXTERNAL_SEMAPHORE_HANDLE_DESC *from) {
    UNSAFE();
    struct stat stat;
    if (from->type != CU_EXTERNAL_SEMAPHORE_HANDLE_TYPE_TIMELINE_SEMAPHORE_FD) return CUDA_ERROR_NOT_SUPPORTED;
    if (fstat(from->handle.fd, &stat) != 0 || stat.st_size != COUNTER_BYTES) return CUDA_ERROR_INVALID_VALUE;
    void *page = mmap(NULL, COUNTER_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, from->handle.fd, 0);
    if (page == MAP_FAILED) return CUDA_ERROR_INVALID_VALUE;
    close(from->handle.fd); /* the driver's, from here on */
    *out = malloc(sizeof **out);
    (*out)->page = page;
    count(&live.semaphores, 1);
    return CUDA_SUCCESS;
}

ENTRY cuDestroyExternalSemaphore(CUexternalSemaphore x) {
    UNSAFE();
    munmap(x->page, COUNTER_BYTES);
    free(x);
    count(&live.semaphores, -1);
    return CUDA_SUCCESS;
}

static _Atomic uint64_t *value_of(CUexternalSemaphore x) {
    return (_Atomic uint64_t *)(void *)(x->page + COUNTER_VALUE);
}

/* Whoever sleeps by the counter is not woken: the other side of a test waits by looking. */
ENTRY cuSignalExternalSemaphoresAsync(const CUexternalSemaphore *x, const CUDA_EXTERNAL_SEMAPHORE_SIGNAL_PARAMS *how,
                                      unsigned times, CUstream s) {
    CURRENT();
    if (times != 1 || how->flags || how->params.fence.value <= atomic_load(value_of(*x)))
        return CUDA_ERROR_INVALID_VALUE;
    atomic_store(value_of(*x), how->params.fence.value);
    return ask(s);
}

ENTRY cuWaitExternalSemaphoresAsync(const CUexternalSemaphore *x, const CUDA_EXTERNAL_SEMAPHORE_WAIT_PARAMS *how,
                                    unsigned times, CUstream s) {
    CURRENT();
    if (times != 1 || how->flags) return CUDA_ERROR_INVALID_VALUE;
    while (atomic_load(value_of(*x)) < how->params.fence.value) usleep(20);
    return ask(s);
}

ENTRY cuLaunchHostFunc(CUstream s, CUhostFn function, void *user) {
    (void)s;
    CURRENT();
    function(user);
    return CUDA_SUCCESS;
}

/* ---- Modules: of one kernel "k" with parameters of 8 and 4 bytes, or of gpumm's own text, whose kernels copy and fill ---- */

ENTRY cuModuleLoadDataEx(CUmodule *out, const void *image, unsigned options, CUjit_option *names, void **values) {
    (void)options, (void)names;
    UNSAFE();
    bool own = strstr(image, ".entry gpumm_copy(") != NULL && number("FAKE_CUDA_JIT", 1);
    if (!own && strcmp(image, "fake") != 0) {
        if (values) snprintf(values[0], 32, "the fake's log");
        return CUDA_ERROR_INVALID_IMAGE;
    }
    *out = malloc(1);
    count(&live.modules, 1);
    return CUDA_SUCCESS;
}

ENTRY cuModuleUnload(CUmodule m) {
    UNSAFE();
    free(m);
    count(&live.modules, -1);
    return CUDA_SUCCESS;
}

ENTRY cuModuleGetFunction(CUfunction *out, CUmodule m, const char *name) {
    (void)m;
    UNSAFE();
    bool copies = strcmp(name, "gpumm_copy") == 0, fills = strcmp(name, "gpumm_fill") == 0;
    *out = (CUfunction)(copies ? &copy_function : fills ? &fill_function : &dummy_function);
    return copies || fills || strcmp(name, "k") == 0 ? CUDA_SUCCESS : CUDA_ERROR_NOT_FOUND;
}

ENTRY cuFuncGetAttribute(int *out, CUfunction_attribute which, CUfunction f) {
    (void)f;
    CURRENT();
    *out = which == CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK           ? 1024
           : which == CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES ? 48 << 10
                                                                      : 0;
    return CUDA_SUCCESS;
}

ENTRY cuFuncSetAttribute(CUfunction f, CUfunction_attribute which, int value) {
    (void)f, (void)which, (void)value;
    CURRENT();
    return CUDA_SUCCESS;
}

ENTRY cuFuncGetParamInfo(CUfunction f, size_t index, size_t *offset, size_t *size) {
    (void)f;
    CURRENT();
    *offset = index * 8;
    *size = index == 0 ? 8 : 4;
    return index < 2 ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

ENTRY cuOccupancyMaxPotentialBlockSize(int *grid, int *block, CUfunction f, CUoccupancyB2DSize shared_of, size_t shared,
                                       int limit) {
    (void)f, (void)shared_of, (void)shared, (void)limit;
    CURRENT();
    *grid = 132;
    *block = 768;
    return CUDA_SUCCESS;
}

static unsigned slow_grid, slow_microseconds; /* 0: no launch is slow */

ENTRY cuLaunchKernel(CUfunction f, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz,
                     unsigned shared, CUstream s, void **parameters, void **extra) {
    (void)f, (void)shared, (void)s, (void)extra;
    CURRENT();
    if (gy != 1 || gz != 1 || by != 1 || bz != 1 || !parameters) return CUDA_ERROR_INVALID_VALUE;
    live.grid = gx;
    live.block = bx;
    if (slow_grid && gx == slow_grid) usleep(slow_microseconds);
    return CUDA_SUCCESS;
}

static bool is_own(CUfunction f) { return f == (CUfunction)&copy_function || f == (CUfunction)&fill_function; }

/* One thread copies 16 bytes. */
static CUresult run_copy(uint64_t threads, uint64_t to, uint64_t from, uint64_t bytes) {
    if (threads * 16 < bytes || to % 16 || from % 16) return CUDA_ERROR_INVALID_VALUE;
    if (!usable((void *)(uintptr_t)to, bytes) || !usable((void *)(uintptr_t)from, bytes))
        return CUDA_ERROR_ILLEGAL_ADDRESS;
    memcpy((void *)(uintptr_t)to, (void *)(uintptr_t)from, bytes);
    return CUDA_SUCCESS;
}

/* One thread fills 16 aligned bytes, the first those in which the begin lies. */
static CUresult run_fill(uint64_t threads, uint64_t begin, uint64_t end, uint64_t word) {
    if (begin >= end || (begin & ~(uint64_t)15) + threads * 16 < end) return CUDA_ERROR_INVALID_VALUE;
    if (!usable((void *)(uintptr_t)begin, end - begin)) return CUDA_ERROR_ILLEGAL_ADDRESS;
    for (uint64_t at = begin, n; at < end; at += n) {
        n = at % 8 || end - at < 8 ? 1 : 8;
        uint64_t turned = word >> at % 8 * 8;
        memcpy((void *)(uintptr_t)at, &turned, n);
    }
    return CUDA_SUCCESS;
}

/* Of gpumm's own kernels alone. */
static CUresult run_own(CUfunction f, uint64_t threads, void **parameters) {
    uint64_t p[3];
    if (!is_own(f)) return CUDA_ERROR_INVALID_VALUE;
    for (int i = 0; i < 3; i++) memcpy(&p[i], parameters[i], sizeof p[i]);
    return f == (CUfunction)&copy_function ? run_copy(threads, p[0], p[1], p[2]) : run_fill(threads, p[0], p[1], p[2]);
}

ENTRY cuLaunchKernelEx(const CUlaunchConfig *launch, CUfunction f, void **parameters, void **extra) {
    (void)extra;
    CURRENT();
    if (!launch->hStream) return CUDA_ERROR_INVALID_VALUE;
    return run_own(f, (uint64_t)launch->gridDimX * launch->blockDimX, parameters);
}

/* ---- Graphs: chains of nodes, strict about what the driver refuses, played at once ---- */

enum { GRAPH_NODES = 64, NODE_BYTES = 24 };

typedef struct node_content {
    enum { EMPTY, KERNEL, MEMCPY, MEMSET } kind;
    CUDA_KERNEL_NODE_PARAMS kernel;
    unsigned char values[NODE_BYTES]; /* of a kernel's parameters, as they were taken */
    CUDA_MEMCPY3D copy;
    CUDA_MEMSET_NODE_PARAMS fill;
    memory_kind to, from; /* of a copy or fill, when it was made */
    bool disabled;
} node_content;

struct CUgraphNode_st {
    CUgraph graph;
    size_t index;
};

struct CUgraph_st {
    size_t count;
    struct CUgraphNode_st handles[GRAPH_NODES];
    node_content nodes[GRAPH_NODES];
};

struct CUgraphExec_st {
    CUgraph of;
    size_t count;
    node_content nodes[GRAPH_NODES];
};

ENTRY cuGraphCreate(CUgraph *out, unsigned flags) {
    UNSAFE();
    if (flags) return CUDA_ERROR_INVALID_VALUE;
    *out = calloc(1, sizeof **out);
    count(&live.graphs, 1);
    return CUDA_SUCCESS;
}

ENTRY cuGraphDestroy(CUgraph g) {
    UNSAFE();
    free(g);
    count(&live.graphs, -1);
    return CUDA_SUCCESS;
}

static size_t parameter_bytes(CUfunction f, size_t i) { return is_own(f) || i == 0 ? 8 : 4; }

static CUresult set_kernel(node_content *n, const CUDA_KERNEL_NODE_PARAMS *p) {
    size_t parameters = is_own(p->func) ? 3 : 2, at = 0;
    if (!p->func || !p->gridDimX || !p->blockDimX || !p->kernelParams) return CUDA_ERROR_INVALID_VALUE;
    n->kind = KERNEL;
    n->kernel = *p;
    for (size_t i = 0; i < parameters; i++, at += 8)
        memcpy(n->values + at, p->kernelParams[i], parameter_bytes(p->func, i));
    return CUDA_SUCCESS;
}

/* A node that there is keeps the kinds of memory that it was made for. */
static bool set_kinds(node_content *n, int operation, memory_kind to, memory_kind from) {
    bool changed = (int)n->kind == operation && (n->to != to || n->from != from);
    if (to == KIND_MIXED || from == KIND_MIXED || changed) return false;
    n->to = to;
    n->from = from;
    return true;
}

static CUresult set_copy(node_content *n, const CUDA_MEMCPY3D *p) {
    if (!p->WidthInBytes || p->Height != 1 || p->Depth != 1 || !p->srcDevice || !p->dstDevice)
        return CUDA_ERROR_INVALID_VALUE;
    if (!set_kinds(n, MEMCPY, kind_of(p->dstDevice, p->WidthInBytes), kind_of(p->srcDevice, p->WidthInBytes)))
        return CUDA_ERROR_INVALID_VALUE;
    n->kind = MEMCPY;
    n->copy = *p;
    return CUDA_SUCCESS;
}

static CUresult set_fill(node_content *n, const CUDA_MEMSET_NODE_PARAMS *p) {
    bool fits = p->elementSize == 4 || p->value >> (8 * p->elementSize) == 0;
    if (!p->width || p->height != 1 || !p->dst || !fits || p->dst % p->elementSize) return CUDA_ERROR_INVALID_VALUE;
    memory_kind to = kind_of(p->dst, p->width * p->elementSize);
    if (to == KIND_HOST || !set_kinds(n, MEMSET, to, KIND_BLOCK)) return CUDA_ERROR_INVALID_VALUE;
    n->kind = MEMSET;
    n->fill = *p;
    return CUDA_SUCCESS;
}

/* Behind the one before it, and nothing else. */
static node_content *append(CUgraph g, const CUgraphNode *before, size_t dependencies, CUgraphNode *out) {
    bool chained = dependencies == (g->count ? 1 : 0) && (!g->count || *before == &g->handles[g->count - 1]);
    if (g->count == GRAPH_NODES || !chained) return NULL;
    g->handles[g->count] = (struct CUgraphNode_st){g, g->count};
    *out = &g->handles[g->count];
    return &g->nodes[g->count++];
}

#define APPEND(set, p) \
    do { \
        CURRENT(); \
        node_content *n = append(g, before, dependencies, out); \
        return n ? set(n, p) : CUDA_ERROR_INVALID_VALUE; \
    } while (0)

ENTRY cuGraphAddKernelNode_v2(CUgraphNode *out, CUgraph g, const CUgraphNode *before, size_t dependencies,
                              const CUDA_KERNEL_NODE_PARAMS *p) {
    APPEND(set_kernel, p);
}

ENTRY cuGraphAddMemcpyNode(CUgraphNode *out, CUgraph g, const CUgraphNode *before, size_t dependencies,
                           const CUDA_MEMCPY3D *p, CUcontext context) {
    if (!is_ours(context)) return CUDA_ERROR_INVALID_VALUE;
    APPEND(set_copy, p);
}

ENTRY cuGraphAddMemsetNode(CUgraphNode *out, CUgraph g, const CUgraphNode *before, size_t dependencies,
                           const CUDA_MEMSET_NODE_PARAMS *p, CUcontext context) {
    if (!is_ours(context)) return CUDA_ERROR_INVALID_VALUE;
    APPEND(set_fill, p);
}

ENTRY cuGraphAddEmptyNode(CUgraphNode *out, CUgraph g, const CUgraphNode *before, size_t dependencies) {
    CURRENT();
    return append(g, before, dependencies, out) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

ENTRY cuGraphInstantiateWithFlags(CUgraphExec *out, CUgraph g, unsigned long long flags) {
    UNSAFE();
    if (flags) return CUDA_ERROR_INVALID_VALUE;
    CUgraphExec x = *out = calloc(1, sizeof *x);
    x->of = g;
    x->count = g->count;
    memcpy(x->nodes, g->nodes, sizeof x->nodes);
    count(&live.graphs, 1);
    count(&live.instantiated, 1);
    return CUDA_SUCCESS;
}

ENTRY cuGraphExecDestroy(CUgraphExec x) {
    UNSAFE();
    free(x);
    count(&live.graphs, -1);
    return CUDA_SUCCESS;
}

/* A node of that kind in it, and for a kernel of the same function. */
static node_content *content(CUgraphExec x, CUgraphNode n, int kind) {
    node_content *found = n->graph == x->of && n->index < x->count ? &x->nodes[n->index] : NULL;
    return found && (int)found->kind == kind ? found : NULL;
}

ENTRY cuGraphExecKernelNodeSetParams_v2(CUgraphExec x, CUgraphNode node, const CUDA_KERNEL_NODE_PARAMS *p) {
    CURRENT();
    node_content *n = content(x, node, KERNEL);
    return n && n->kernel.func == p->func ? set_kernel(n, p) : CUDA_ERROR_INVALID_VALUE;
}

ENTRY cuGraphExecMemcpyNodeSetParams(CUgraphExec x, CUgraphNode node, const CUDA_MEMCPY3D *p, CUcontext context) {
    CURRENT();
    node_content *n = content(x, node, MEMCPY);
    return n && is_ours(context) ? set_copy(n, p) : CUDA_ERROR_INVALID_VALUE;
}

ENTRY cuGraphExecMemsetNodeSetParams(CUgraphExec x, CUgraphNode node, const CUDA_MEMSET_NODE_PARAMS *p,
                                     CUcontext context) {
    CURRENT();
    node_content *n = content(x, node, MEMSET);
    return n && is_ours(context) ? set_fill(n, p) : CUDA_ERROR_INVALID_VALUE;
}

ENTRY cuGraphNodeSetEnabled(CUgraphExec x, CUgraphNode node, unsigned enabled) {
    CURRENT();
    if (node->graph != x->of || x->nodes[node->index].kind == EMPTY) return CUDA_ERROR_INVALID_VALUE;
    x->nodes[node->index].disabled = !enabled;
    return CUDA_SUCCESS;
}

static CUresult play_kernel(const node_content *n) {
    uint64_t values[3];
    void *parameters[] = {&values[0], &values[1], &values[2]};
    memcpy(values, n->values, sizeof values);
    if (is_own(n->kernel.func))
        return run_own(n->kernel.func, (uint64_t)n->kernel.gridDimX * n->kernel.blockDimX, parameters);
    live.grid = n->kernel.gridDimX;
    live.block = n->kernel.blockDimX;
    return CUDA_SUCCESS;
}

/* Other memory may have come to the address since it was made. */
static CUresult play_copy(const node_content *n) {
    size_t bytes = n->copy.WidthInBytes;
    bool same = kind_of(n->copy.dstDevice, bytes) == n->to && kind_of(n->copy.srcDevice, bytes) == n->from;
    if (!same) return CUDA_ERROR_INVALID_VALUE;
    return copy((void *)(uintptr_t)n->copy.dstDevice, (void *)(uintptr_t)n->copy.srcDevice, bytes);
}

static CUresult play_fill(const node_content *n) {
    if (kind_of(n->fill.dst, n->fill.width * n->fill.elementSize) != n->to) return CUDA_ERROR_INVALID_VALUE;
    return fill(n->fill.dst, &n->fill.value, n->fill.elementSize, n->fill.width);
}

static CUresult play_node(const node_content *n) {
    if (n->disabled) return CUDA_SUCCESS;
    switch (n->kind) {
    case EMPTY: return CUDA_SUCCESS;
    case KERNEL: return play_kernel(n);
    case MEMCPY: return play_copy(n);
    case MEMSET: return play_fill(n);
    }
    return CUDA_ERROR_INVALID_VALUE;
}

ENTRY cuGraphLaunch(CUgraphExec x, CUstream s) {
    CURRENT();
    CUresult result = ask(s);
    for (size_t i = 0; i < x->count && result == CUDA_SUCCESS; i++) result = play_node(&x->nodes[i]);
    return result;
}

/* ---- Finding entries: one this way, the others by their exported names ---- */

ENTRY cuGetProcAddress_v2(const char *symbol, void **out, int version, cuuint64_t flags,
                          CUdriverProcAddressQueryResult *status);
ENTRY cuGetProcAddress_v2(const char *symbol, void **out, int version, cuuint64_t flags,
                          CUdriverProcAddressQueryResult *status) {
    (void)flags;
    if (version > number("FAKE_CUDA_VERSION", 13000)) return CUDA_ERROR_INVALID_VALUE;
    CUresult (*init)(unsigned) = cuInit;
    *out = NULL;
    *status = CU_GET_PROC_ADDRESS_SYMBOL_NOT_FOUND;
    if (strcmp(symbol, "cuInit") != 0) return CUDA_SUCCESS;
    memcpy(out, &init, sizeof *out);
    *status = CU_GET_PROC_ADDRESS_SUCCESS;
    return CUDA_SUCCESS;
}

/* ---- The test's hands ---- */

#define CONTROL __attribute__((visibility("default")))

CONTROL void fake_fail(const char *name, unsigned long nth, int result) {
    pthread_mutex_lock(&mutex);
    snprintf(plan.name, sizeof plan.name, "%s", name);
    plan.nth = nth;
    plan.result = result;
    plan.fired = false;
    pthread_mutex_unlock(&mutex);
}

CONTROL bool fake_fired(void) { return plan.fired; }
CONTROL unsigned long fake_calls(void) { return atomic_load(&calls); }
CONTROL void fake_capture(void *stream, bool on) { ((CUstream)stream)->capturing = on; }
CONTROL void fake_capture_elsewhere(bool on) { captured_elsewhere = on; }
CONTROL void *fake_context(void) { return &dummy_context[0]; }
CONTROL void *fake_other_context(void) { return &other_context; }

CONTROL void fake_slow(unsigned grid, unsigned microseconds) {
    slow_grid = grid;
    slow_microseconds = microseconds;
}

CONTROL void fake_live(fake_counts *out) {
    pthread_mutex_lock(&mutex);
    *out = live;
    pthread_mutex_unlock(&mutex);
}
