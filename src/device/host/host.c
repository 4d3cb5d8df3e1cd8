/* SPDX-License-Identifier: MIT */
/* The host device: this machine's memory and cores behind the same table as a GPU, with the same rules
   enforced. Opening, describing and closing it; the work is in its neighbours. */
#include "device/host/host.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/size.h"
#include "base/status.h"
#include "device/host/arithmetic.h"
#include "device/host/compile.h"
#include "device/host/event.h"
#include "device/host/graph.h"
#include "device/host/limits.h"
#include "device/host/memory.h"
#include "device/host/module.h"
#include "device/host/semaphore.h"
#include "device/host/stream.h"

enum { GRANULARITY_DEFAULT = 64 << 10, WORKERS_MAX = 1024 };

/* All of it is this machine's memory. */
static void host_admit(device *d, gpumm_address range, uint64_t committed, int user) {
    (void)d, (void)range, (void)committed, (void)user;
}

/* No other host device has a uuid. */
static gpumm_status host_reach(device *d, const char *uuid) {
    (void)d;
    return fail(GPUMM_INVALID_ARGUMENT, "the host device cannot use the memory of %.60s", uuid);
}

/* Its streams are threads, which no driver knows. */
static void *host_native_stream(device_stream *s) {
    (void)s;
    return NULL;
}

static gpumm_status host_stream_capturing(device *d, device_stream *s, bool *capturing) {
    (void)d, (void)s;
    *capturing = false;
    return GPUMM_OK;
}

static void host_close(device *d) {
    host_device *h = host_of(d);
    while (h->streams)
        gpumm__host_stream_close(d, h->streams); /* none by contract; their threads must not outlive us */
    while (atomic_load(&h->foreign)) gpumm__clock_sleep_ns(50000); /* what they wait for is done: soon */
    gpumm__host_pool_close(&h->pool);
    gpumm__block_crews_close(&h->crews);
    if (h->watches) gpumm__arithmetic_unwatch();
    gpumm__host_memory_close(h);
    gpumm__stock_close(&h->stock);
    pthread_cond_destroy(&h->bell.rung);
    pthread_mutex_destroy(&h->bell.lock);
    pthread_mutex_destroy(&h->lock);
    gpumm__mem_free(d->memory, h);
}

static const device_table host_table = {
    .close = host_close,
    .reserve = gpumm__host_reserve,
    .release = gpumm__host_release,
    .commit = gpumm__host_commit,
    .stripe_check = gpumm__host_stripe_check,
    .commit_striped = gpumm__host_commit_striped,
    .decommit = gpumm__host_decommit,
    .alloc = gpumm__host_alloc,
    .free = gpumm__host_free,
    .shrink = gpumm__host_shrink,
    .promote = gpumm__host_promote,
    .export_segment = gpumm__host_export,
    .import_segment = gpumm__host_import,
    .reach = host_reach,
    .stream_open = gpumm__host_stream_open,
    .stream_close = gpumm__host_stream_close,
    .stream_synchronize = gpumm__host_stream_synchronize,
    .stream_query = gpumm__host_stream_query,
    .event_open = gpumm__host_event_open,
    .event_close = gpumm__host_event_close,
    .event_record = gpumm__host_event_record,
    .event_query = gpumm__host_event_query,
    .event_synchronize = gpumm__host_event_synchronize,
    .event_elapsed = gpumm__host_event_elapsed,
    .stream_wait = gpumm__host_stream_wait,
    .copy = gpumm__host_copy,
    .admit = host_admit,
    .copy_from = gpumm__host_copy_from,
    .fill = gpumm__host_fill,
    .call = gpumm__host_call,
    .compiler = gpumm__host_compiler,
    .preprocess = gpumm__host_preprocess,
    .compile = gpumm__host_compile,
    .parameters = gpumm__host_parameters,
    .needs = gpumm__host_needs,
    .function_name = gpumm__host_function_name,
    .event_time = gpumm__host_event_time,
    .module_open = gpumm__host_module_open,
    .builtin = gpumm__host_builtin,
    .module_close = gpumm__host_module_close,
    .function = gpumm__host_function,
    .launch = gpumm__host_launch,
    .graph_open = gpumm__host_graph_open,
    .graph_patch = gpumm__host_graph_patch,
    .graph_launch = gpumm__host_graph_launch,
    .graph_close = gpumm__host_graph_close,
    .graph_node = gpumm__host_graph_node,
    .semaphore_import = gpumm__host_semaphore_import,
    .semaphore_close = gpumm__host_semaphore_close,
    .semaphore_signal = gpumm__host_semaphore_signal,
    .semaphore_wait = gpumm__host_semaphore_wait,
    .prepare = gpumm__host_prepare,
    .native_stream = host_native_stream,
    .stream_capturing = host_stream_capturing,
};

/* "Intel Xeon …" as the system tells it, or what it is not. */
static void processor_name(char *name, size_t size) {
    snprintf(name, size, "host processor");
    FILE *file = fopen("/proc/cpuinfo", "r");
    if (!file) return;
    char line[256];
    while (fgets(line, sizeof line, file)) {
        char *value = strchr(line, ':');
        if (strncmp(line, "model name", 10) != 0 || !value) continue;
        value += 1 + strspn(value + 1, " \t");
        value[strcspn(value, "\n")] = '\0';
        snprintf(name, size, "%s", value);
        break;
    }
    fclose(file);
}

static gpumm_status check_granularity(uint64_t granularity, uint64_t page) {
    if (granularity >= page && (granularity & (granularity - 1)) == 0) return GPUMM_OK;
    return fail(GPUMM_INVALID_ARGUMENT,
                "granularity %llu: it is a power of two and at least the system's page, %llu bytes",
                (unsigned long long)granularity, (unsigned long long)page);
}

static gpumm_status choose_threads(unsigned workers, unsigned *threads) {
    if (workers > WORKERS_MAX)
        return fail(GPUMM_INVALID_ARGUMENT, "%u workers: the host device takes 1 to %d, or 0 for one a core", workers,
                    WORKERS_MAX);
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    *threads = workers ? workers : (unsigned)size_min(cores > 0 ? (uint64_t)cores : 1, WORKERS_MAX);
    return GPUMM_OK;
}

static void describe(host_device *h, const gpumm_options *options, uint64_t granularity, unsigned threads) {
    gpumm_device_info *info = &h->base.info;
    char processor[100];
    processor_name(processor, sizeof processor);
    info->kind = "host";
    snprintf(info->name, sizeof info->name, "%s, %u thread%s", processor, threads, threads == 1 ? "" : "s");
    info->total_bytes = h->quota;
    info->granularity_bytes = info->pinned_granularity_bytes = granularity;
    info->in_place = info->pinned_in_place = h->base.shares = !options->relocate;
    info->units = threads;
}

static gpumm_status start(host_device *h, unsigned threads) {
    TRY(gpumm__stock_open(&h->stock, h->base.memory));
    gpumm_status status = gpumm__cond_open(&h->bell.rung);
    if (status == GPUMM_OK) {
        status = gpumm__host_pool_open(&h->pool, threads, h->base.memory);
        if (status == GPUMM_OK) return GPUMM_OK;
        pthread_cond_destroy(&h->bell.rung);
    }
    gpumm__stock_close(&h->stock);
    return status;
}

gpumm_status gpumm__host_open(const gpumm_options *options, const gpumm_allocator *memory, device **out) {
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    uint64_t granularity =
        options->granularity_bytes ? options->granularity_bytes : size_max(GRANULARITY_DEFAULT, page);
    unsigned threads = 1;
    TRY(check_granularity(granularity, page));
    TRY(choose_threads(options->workers, &threads));
    host_device *h = gpumm__mem_new(memory, sizeof *h);
    if (!h) return fail_host_memory(sizeof *h);
    h->base.call = &host_table;
    h->base.memory = memory;
    h->base.runs_builtins = true;
    h->page = page;
    h->most = gpumm__host_limits_memory(page);
    h->quota = options->memory_bytes ? options->memory_bytes : h->most;
    h->most = size_max(h->most, h->quota);
    h->spill_rate = options->spill_rate;
    describe(h, options, granularity, threads);
    gpumm_status status = start(h, threads);
    if (status != GPUMM_OK) {
        gpumm__mem_free(memory, h);
        return status;
    }
    pthread_mutex_init(&h->lock, NULL);
    pthread_mutex_init(&h->bell.lock, NULL);
    gpumm__block_crews_open(&h->crews, memory);
    h->watches = !options->leave_sigfpe;
    if (h->watches) gpumm__arithmetic_watch();
    *out = &h->base;
    return GPUMM_OK;
}
