/* SPDX-License-Identifier: MIT */
/* Opens a CUDA device: finds it, describes it, takes its primary context or the caller's, probes. */
#include "device/cuda/cuda.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/status.h"
#include "device/cuda/admission.h"
#include "device/cuda/border.h"
#include "device/cuda/compile.h"
#include "device/cuda/context.h"
#include "device/cuda/exchange.h"
#include "device/cuda/graph.h"
#include "device/cuda/memory.h"
#include "device/cuda/module.h"
#include "device/cuda/own_kernels.h"
#include "device/cuda/peers.h"
#include "device/cuda/probe.h"
#include "device/cuda/semaphore.h"
#include "device/cuda/stream.h"

/* ---- Describing ---- */

static gpumm_status identity(cuda *c, CUdevice which, char name[static 128], char uuid[static 48]) {
    CUuuid bytes;
    memset(&bytes, 0, sizeof bytes);
    name[0] = '\0';
    TRY(CU(c, cuDeviceGetName, (name, 128, which)));
    TRY(CU(c, cuDeviceGetUuid, (&bytes, which)));
    gpumm__cuda_uuid_text(&bytes, uuid);
    return GPUMM_OK;
}

static gpumm_status attribute(cuda *c, CUdevice_attribute which, int *value) {
    *value = 0;
    return CU(c, cuDeviceGetAttribute, (value, which, c->device));
}

static gpumm_status describe_limits(cuda *c) {
    int units, shared, pools, unified;
    TRY(attribute(c, CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT, &units));
    TRY(attribute(c, CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN, &shared));
    TRY(attribute(c, CU_DEVICE_ATTRIBUTE_MEMORY_POOLS_SUPPORTED, &pools));
    TRY(attribute(c, CU_DEVICE_ATTRIBUTE_UNIFIED_ADDRESSING, &unified));
    c->base.info.units = (unsigned)units;
    c->shared_limit = (unsigned)shared;
    c->stream_ordered = pools && gpumm__driver.cuMemAllocAsync && gpumm__driver.cuMemFreeAsync;
    if (unified) return GPUMM_OK;
    return fail(GPUMM_NO_DEVICE, "%s has no unified addressing, which gpumm needs", c->base.info.name);
}

static gpumm_status describe(cuda *c) {
    gpumm_device_info *info = &c->base.info;
    size_t total = 0;
    info->kind = "cuda";
    info->driver_version = gpumm__driver.version;
    TRY(identity(c, c->device, info->name, info->uuid));
    TRY(CU(c, cuDeviceTotalMem, (&total, c->device)));
    info->total_bytes = total;
    TRY(attribute(c, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, &info->compute_major));
    TRY(attribute(c, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, &info->compute_minor));
    return describe_limits(c);
}

/* ---- Finding ---- */

/* "cuda:0 NVIDIA H100 (GPU-…), cuda:1 …" into text, as far as it fits. */
static void list_devices(cuda *c, int count, char *text, size_t size) {
    text[0] = '\0';
    for (int i = 0; i < count; i++) {
        CUdevice at;
        char name[128], uuid[48];
        size_t used = strlen(text);
        if (CU_RESULT(c, cuDeviceGet, (&at, i)) != CUDA_SUCCESS) continue;
        if (identity(c, at, name, uuid) != GPUMM_OK) continue;
        snprintf(text + used, size - used, "%scuda:%d %s (%s)", used ? ", " : "", i, name, uuid);
    }
}

static gpumm_status no_such(cuda *c, const char *wanted, int count) {
    char there[1024];
    list_devices(c, count, there, sizeof there);
    return fail(GPUMM_NO_DEVICE, "there is no CUDA device '%.80s': there is %s", wanted, there);
}

static gpumm_status find_uuid(cuda *c, const char *wanted, int count) {
    for (int i = 0; i < count; i++) {
        CUdevice at = 0;
        char name[128], uuid[48];
        TRY(CU(c, cuDeviceGet, (&at, i)));
        TRY(identity(c, at, name, uuid));
        /* A slice of a device says "MIG-" before what is otherwise the same. */
        if (strcasecmp(strchr(wanted, '-'), strchr(uuid, '-')) == 0) return c->device = at, GPUMM_OK;
    }
    return no_such(c, wanted, count);
}

static gpumm_status find_ordinal(cuda *c, const char *wanted, int count) {
    char *end;
    unsigned long ordinal = strtoul(wanted, &end, 10);
    if (*wanted < '0' || *wanted > '9' || *end != '\0')
        return fail(GPUMM_INVALID_ARGUMENT, "'cuda:%.80s' is no device: write 'cuda', 'cuda:0' or 'cuda:GPU-uuid'",
                    wanted);
    if (ordinal >= (unsigned long)count) return no_such(c, wanted, count);
    return CU(c, cuDeviceGet, (&c->device, (int)ordinal));
}

static gpumm_status find(cuda *c, const char *wanted) {
    int count = 0;
    TRY(CU(c, cuDeviceGetCount, (&count)));
    if (count < 1) return fail(GPUMM_NO_DEVICE, "the NVIDIA driver has no device (is CUDA_VISIBLE_DEVICES empty?)");
    bool uuid = strncasecmp(wanted, "GPU-", 4) == 0 || strncasecmp(wanted, "MIG-", 4) == 0;
    return uuid ? find_uuid(c, wanted, count) : find_ordinal(c, wanted, count);
}

/* What stands behind "cuda:"; NULL where any device will do. */
static const char *device_wanted(const gpumm_options *options) {
    const char *name = options->device;
    return name && strncmp(name, "cuda:", 5) == 0 ? name + 5 : NULL;
}

static gpumm_status device_of_context(cuda *c, CUcontext context, CUdevice *out) {
    CUcontext ours;
    TRY(CU(c, cuCtxPushCurrent, (context)));
    gpumm_status status = CU(c, cuCtxGetDevice, (out));
    (void)CU_BACK(c, cuCtxPopCurrent, (&ours));
    return status;
}

static gpumm_status choose(cuda *c, const gpumm_options *options) {
    const char *wanted = device_wanted(options);
    CUdevice its = 0;
    if (!options->context) return find(c, wanted ? wanted : "0");
    if (device_of_context(c, options->context, &its) != GPUMM_OK)
        return fail(GPUMM_INVALID_ARGUMENT, "the CUDA context given cannot be used: %s", gpumm_message());
    if (wanted) TRY(find(c, wanted));
    if (wanted && c->device != its)
        return fail(GPUMM_INVALID_ARGUMENT, "the context given is not one of device 'cuda:%.80s'", wanted);
    c->device = its;
    return GPUMM_OK;
}

/* ---- Opening and closing ---- */

static gpumm_status take_context(cuda *c, const gpumm_options *options) {
    CUcontext context = options->context;
    if (!context) {
        gpumm_status status = CU(c, cuDevicePrimaryCtxRetain, (&context, c->device));
        if (status == GPUMM_OUT_OF_MEMORY || status == GPUMM_OK) c->retained = status == GPUMM_OK;
        else return fail(GPUMM_NO_DEVICE, "%s cannot be used: %s", c->base.info.name, gpumm_message());
        if (status != GPUMM_OK) return status;
    }
    gpumm_status status = gpumm__cuda_context_take(c, context);
    if (status == GPUMM_OK || !c->retained) return status;
    (void)CU_BACK(c, cuDevicePrimaryCtxRelease, (c->device));
    c->retained = false;
    return status;
}

static gpumm_status set_up(cuda *c, const gpumm_options *options) {
    cuda_visit visit;
    TRY(gpumm__cuda_enter_quiet(c, &visit));
    gpumm_status status = CU(c, cuStreamCreate, (&c->own, CU_STREAM_NON_BLOCKING));
    if (status == GPUMM_OK) status = gpumm__cuda_probe(c, options->relocate);
    if (status == GPUMM_OK) gpumm__cuda_own_kernels_open(c);
    gpumm__cuda_leave(c, &visit);
    return status;
}

static void close_own(cuda *c) {
    cuda_visit visit;
    if (!c->own || !gpumm__cuda_enter_giving(c, &visit)) return;
    (void)CU_BACK(c, cuStreamSynchronize, (c->own));
    (void)CU_BACK(c, cuStreamDestroy, (c->own));
    gpumm__cuda_own_kernels_close(c);
    gpumm__cuda_leave(c, &visit);
}

/* Undoes whatever part of opening was done. */
static void cuda_close(device *d) {
    cuda *c = cuda_of(d);
    if (c->context) close_own(c);
    if (c->retained && !gpumm__cuda_gone(c)) (void)CU_BACK(c, cuDevicePrimaryCtxRelease, (c->device));
    gpumm__cuda_context_drop(c);
    gpumm__cuda_border_close(c);
    pthread_mutex_destroy(&c->admissions.mutex);
    pthread_mutex_destroy(&c->plan.mutex);
    gpumm__mem_free(d->memory, c);
}

static const device_table cuda_table = {
    .close = cuda_close,
    .reserve = gpumm__cuda_reserve,
    .release = gpumm__cuda_release,
    .commit = gpumm__cuda_commit,
    .stripe_check = gpumm__cuda_stripe_check,
    .commit_striped = gpumm__cuda_commit_striped,
    .decommit = gpumm__cuda_decommit,
    .alloc = gpumm__cuda_alloc,
    .free = gpumm__cuda_free,
    .shrink = gpumm__cuda_shrink,
    .promote = gpumm__cuda_promote,
    .export_segment = gpumm__cuda_export,
    .import_segment = gpumm__cuda_import,
    .reach = gpumm__cuda_reach,
    .stream_open = gpumm__cuda_stream_open,
    .stream_close = gpumm__cuda_stream_close,
    .stream_synchronize = gpumm__cuda_stream_synchronize,
    .stream_query = gpumm__cuda_stream_query,
    .event_open = gpumm__cuda_event_open,
    .event_close = gpumm__cuda_event_close,
    .event_record = gpumm__cuda_event_record,
    .event_query = gpumm__cuda_event_query,
    .event_synchronize = gpumm__cuda_event_synchronize,
    .event_elapsed = gpumm__cuda_event_elapsed,
    .stream_wait = gpumm__cuda_stream_wait,
    .copy = gpumm__cuda_copy,
    .admit = gpumm__cuda_admit,
    .copy_from = gpumm__cuda_copy_from,
    .fill = gpumm__cuda_fill,
    .call = gpumm__cuda_call,
    .compiler = gpumm__cuda_compiler,
    .preprocess = gpumm__cuda_preprocess,
    .compile = gpumm__cuda_compile,
    .parameters = gpumm__cuda_parameters,
    .needs = gpumm__cuda_needs,
    .function_name = gpumm__cuda_function_name,
    .module_open = gpumm__cuda_module_open,
    .module_close = gpumm__cuda_module_close,
    .function = gpumm__cuda_function,
    .launch = gpumm__cuda_launch,
    .graph_open = gpumm__cuda_graph_open,
    .graph_patch = gpumm__cuda_graph_patch,
    .graph_launch = gpumm__cuda_graph_launch,
    .graph_close = gpumm__cuda_graph_close,
    .graph_node = gpumm__cuda_graph_node,
    .semaphore_import = gpumm__cuda_semaphore_import,
    .semaphore_close = gpumm__cuda_semaphore_close,
    .semaphore_signal = gpumm__cuda_semaphore_signal,
    .semaphore_wait = gpumm__cuda_semaphore_wait,
    .stay = gpumm__cuda_stay,
    .stay_end = gpumm__cuda_stay_end,
    .native_stream = gpumm__cuda_native_stream,
    .stream_capturing = gpumm__cuda_stream_capturing,
    .driver_fault = gpumm__cuda_fault,
    .driver_calls = gpumm__cuda_fault_calls,
};

static gpumm_status open_locks(cuda *c) {
    pthread_mutex_t *const locks[] = {&c->plan.mutex, &c->border.mutex, &c->admissions.mutex};
    for (size_t i = 0; i < sizeof locks / sizeof *locks; i++) {
        if (pthread_mutex_init(locks[i], NULL) == 0) continue;
        while (i > 0) pthread_mutex_destroy(locks[--i]);
        return GPUMM_OUT_OF_MEMORY;
    }
    return GPUMM_OK;
}

static cuda *cuda_new(const gpumm_allocator *memory) {
    cuda *c = gpumm__mem_new(memory, sizeof *c);
    if (!c) return NULL;
    if (open_locks(c) != GPUMM_OK) return gpumm__mem_free(memory, c), NULL;
    c->base.call = &cuda_table;
    c->base.memory = memory;
    c->base.takes_binaries = c->base.textures = c->base.inline_snapshots = true;
    c->forks = atomic_load(&gpumm__driver.forks);
    return c;
}

static gpumm_status build(cuda *c, const gpumm_options *options) {
    TRY(choose(c, options));
    c->base.ordinal = (int)c->device;
    TRY(describe(c));
    TRY(take_context(c, options));
    return set_up(c, options);
}

gpumm_status gpumm__cuda_open(const gpumm_options *options, const gpumm_allocator *memory, device **out) {
    TRY(gpumm__driver_start());
    cuda *c = cuda_new(memory);
    if (!c) return fail_host_memory(sizeof *c);
    gpumm_status status = build(c, options);
    if (status != GPUMM_OK) return cuda_close(&c->base), status;
    atomic_store(&c->watched, options->inject_faults);
    *out = &c->base;
    return GPUMM_OK;
}
