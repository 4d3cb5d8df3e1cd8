/* SPDX-License-Identifier: MIT */
/*
 * A device: what provides memory and time. One table of calls; `host/` and `cuda/` each fill one,
 * and `fault` wraps any. Above this line nobody knows which device it is.
 *
 * Rules that every device keeps, and the host device enforces:
 *   - reserve gives address space only; commit puts memory behind a part of it, aligned to the
 *     place's granularity, as one segment, zero or old contents alike; decommit takes exactly one
 *     such segment back; release wants every segment gone. No decommit under queued work.
 *   - Stream operations return at once and run in the order of their stream. stream_wait binds the
 *     event's record that is current at the call, so the event may be recorded anew right after.
 *   - A copy's host side is pinned memory (from commit or alloc with PLACE_HOST).
 *   - Calls may come from any thread. Each sets the thread's message when it fails, and then has
 *     taken nothing.
 */
#ifndef DEVICE_DEVICE_H
#define DEVICE_DEVICE_H

#include "base/alloc.h"
#include "gpumm.h"

typedef struct device device;
typedef struct device_stream device_stream;
typedef struct device_event device_event;
typedef struct device_module device_module;
typedef struct device_function device_function;

/* Where memory lies. Both kinds have one address, valid on the device; PLACE_HOST's is valid as a
   pointer in the host too. */
typedef enum place { PLACE_DEVICE, PLACE_HOST, PLACE_COUNT } place;

typedef enum copy_kind { COPY_H2D, COPY_D2H, COPY_D2D } copy_kind; /* to, from, within the device */

typedef struct device_source {
    const char *text;           /* CUDA C, whole */
    const char *prelude;        /* declarations to compile before it (struct types); may be "" */
    const char *file;           /* its name in messages; messages count lines of `text` */
    const char *const *kernels; /* names of the kernels to export */
    size_t kernel_count;
    const char *flags; /* extra flags, separated by spaces; may be "" */
} device_source;

typedef struct device_launch {
    void *const *arguments; /* one pointer a parameter; taken when the call returns */
    const size_t *sizes;    /* bytes behind each */
    size_t count;
    uint64_t threads; /* kernel threads wanted in one dimension, at least 1 */
    unsigned block;   /* threads a block; 0: the device chooses */
    unsigned shared_bytes;
} device_launch;

/* Every call by name, for fault injection and counting; the names are the table's own. */
#define DEVICE_CALL_MAP(X) \
    X(reserve) \
    X(release) \
    X(commit) \
    X(decommit) \
    X(alloc) \
    X(free) \
    X(stream_open) \
    X(stream_close) \
    X(stream_synchronize) \
    X(stream_query) \
    X(event_open) \
    X(event_close) \
    X(event_record) \
    X(event_query) \
    X(event_synchronize) \
    X(event_elapsed) \
    X(stream_wait) X(copy) X(fill) X(call) X(compile) X(module_open) X(module_close) X(function) X(launch)

typedef enum device_call {
#define DEVICE_CALL_ENUM(name) CALL_##name,
    DEVICE_CALL_MAP(DEVICE_CALL_ENUM)
#undef DEVICE_CALL_ENUM
        CALL_COUNT
} device_call;

typedef struct device_table {
    void (*close)(device *d); /* every stream, event, range and module is gone by then */

    /* Address space and memory in place. Only where info says in_place (pinned_in_place). */
    gpumm_status (*reserve)(device *d, place where, uint64_t bytes, gpumm_address *address);
    void (*release)(device *d, place where, gpumm_address address, uint64_t bytes);
    gpumm_status (*commit)(device *d, place where, gpumm_address address, uint64_t bytes);
    gpumm_status (*decommit)(device *d, place where, gpumm_address address, uint64_t bytes);
    /* Whole blocks, on every device. Contents undefined; free only once no queued work uses it. */
    gpumm_status (*alloc)(device *d, place where, uint64_t bytes, gpumm_address *address);
    void (*free)(device *d, place where, gpumm_address address, uint64_t bytes);

    gpumm_status (*stream_open)(device *d, void *native, device_stream **out); /* native: wrap, not own; or NULL */
    void (*stream_close)(device *d, device_stream *s);                         /* finishes its work first */
    gpumm_status (*stream_synchronize)(device *d, device_stream *s);
    gpumm_status (*stream_query)(device *d, device_stream *s, bool *idle);
    gpumm_status (*event_open)(device *d, bool timed, device_event **out); /* timed: event_elapsed works */
    void (*event_close)(device *d, device_event *e);
    gpumm_status (*event_record)(device *d, device_event *e, device_stream *s);
    gpumm_status (*event_query)(device *d, device_event *e, bool *done); /* never recorded: done */
    gpumm_status (*event_synchronize)(device *d, device_event *e);
    gpumm_status (*event_elapsed)(device *d, device_event *from, device_event *to, double *seconds);
    gpumm_status (*stream_wait)(device *d, device_stream *s, device_event *e);

    gpumm_status (*copy)(device *d, device_stream *s, copy_kind kind, gpumm_address to, gpumm_address from,
                         uint64_t bytes);
    /* `count` times the pattern of `width` (1, 2 or 4) bytes. */
    gpumm_status (*fill)(device *d, device_stream *s, gpumm_address to, uint32_t pattern, unsigned width,
                         uint64_t count);
    /* Runs a host function in stream order; it makes no device call. */
    gpumm_status (*call)(device *d, device_stream *s, void (*function)(void *user), void *user);

    /* What makes a binary: compiler, flags, architecture, as one line; the key of the cache. */
    gpumm_status (*compiler)(device *d, char *text, size_t size);
    gpumm_status (*compile)(device *d, const device_source *source, const char *out_path); /* writes out_path */
    gpumm_status (*module_open)(device *d, const char *path, device_module **out);
    void (*module_close)(device *d, device_module *m); /* nothing of it runs any more */
    gpumm_status (*function)(device *d, device_module *m, const char *name, device_function **out); /* goes with m */
    gpumm_status (*launch)(device *d, device_stream *s, device_function *f, const device_launch *launch);

    void *(*native_stream)(device_stream *s);
    /* BUSY while somebody who was given the native stream has it capture a graph; otherwise a look at a flag. */
    gpumm_status (*stream_not_capturing)(device *d, device_stream *s);

    /* Faults below this table, by the driver's own entry names ("cuMemSetAccess"); NULL where a device has no
       driver. A plan that names no driver entry ends the one before. */
    gpumm_status (*driver_fault)(device *d, const gpumm_fault *plan);
    gpumm_status (*driver_calls)(device *d, const char *entry, uint64_t *count);
} device_table;

struct device { /* each device embeds this first */
    const device_table *call;
    gpumm_device_info info;
    const gpumm_allocator *memory; /* outlives the device */
};

/* A name from the map, CALL_COUNT where there is none. */
device_call gpumm__device_call_named(const char *name);
const char *gpumm__device_call_name(device_call call);

/* Makes the device that the options name; "auto" is cuda where one works, else host, and info.why says
   which and why. Wraps it in the fault device where options ask for that. */
gpumm_status gpumm__device_open(const gpumm_options *options, const gpumm_allocator *memory, device **out);
void gpumm__device_close(device *d);

gpumm_status gpumm__host_open(const gpumm_options *options, const gpumm_allocator *memory, device **out);
/* NO_DEVICE with the reason, also where the build has no CUDA. */
gpumm_status gpumm__cuda_open(const gpumm_options *options, const gpumm_allocator *memory, device **out);

/* A kernel reads as many bytes behind each pointer as it was compiled with: `sizes`, `count` of them (NULL: they are
   not known, and all pass). What does not match is INVALID_ARGUMENT here, before it does. */
gpumm_status gpumm__device_check_arguments(const char *name, const size_t *sizes, size_t count,
                                           const device_launch *launch);

static inline uint64_t device_granularity(const device *d, place where) {
    return where == PLACE_DEVICE ? d->info.granularity : d->info.pinned_granularity;
}
static inline bool device_in_place(const device *d, place where) {
    return where == PLACE_DEVICE ? d->info.in_place : d->info.pinned_in_place;
}

#endif
