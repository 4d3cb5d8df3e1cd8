/* SPDX-License-Identifier: MIT */
/*
 * The CUDA device's own state, and how every file of this room calls the driver: enter, CU(…), leave.
 *
 * CU is the one door to the driver. It lets an injected failure replace the call, turns what the driver
 * says into a status with a message, and notes an error that ends the context. It makes no context current:
 * gpumm__cuda_enter does, once for each entry of the device table.
 */
#ifndef DEVICE_CUDA_STATE_H
#define DEVICE_CUDA_STATE_H

#include "device/cuda/driver.h"
#include "device/device.h"

typedef struct cuda_plan { /* a failure by the driver entry's name */
    pthread_mutex_t mutex;
    driver_entry entry; /* DRIVER_COUNT: any */
    uint64_t left;      /* calls until the one that fails; 0: none does */
    atomic_int status;
    atomic_ullong calls[DRIVER_COUNT];
} cuda_plan;

typedef struct cuda {
    device base; /* first */
    cuda_context *context;
    CUdevice device;
    bool retained;         /* the primary context is ours to give back */
    bool stream_ordered;   /* blocks come from the device's pool */
    unsigned forks;        /* the driver table's count at open */
    unsigned shared_limit; /* bytes of shared memory a block may opt in to */
    CUmodule across_module;
    CUfunction across; /* copies within the device; NULL: the driver does */
    CUstream own;      /* for probes and for blocks; never waits for the work of others */
    CUmemAllocationProp memory[PLACE_COUNT];
    CUmemAccessDesc access[PLACE_COUNT][2];
    size_t access_count[PLACE_COUNT];
    atomic_bool watched; /* count the driver's entries, and follow the plan */
    cuda_plan plan;
} cuda;

struct device_stream {
    CUstream handle;
    bool owned;
    atomic_bool exported; /* somebody else has the handle and may have it capture a graph */
};

static inline cuda *cuda_of(device *d) { return (cuda *)d; }

/* ---- Calling the driver (context.c, inject.c) ---- */

/* Counts the call; true where the plan replaces it, by what gpumm__cuda_instead then says. */
bool gpumm__cuda_planned(cuda *c, driver_entry entry);
CUresult gpumm__cuda_instead(cuda *c);
gpumm_status gpumm__cuda_failed(cuda *c, driver_entry entry, CUresult result); /* not CUDA_SUCCESS */
void gpumm__cuda_note(cuda *c, driver_entry entry, CUresult result);           /* latches a sticky error, silently */

static inline bool cuda_replaced(cuda *c, driver_entry entry) {
    return atomic_load_explicit(&c->watched, memory_order_relaxed) && gpumm__cuda_planned(c, entry);
}

static inline gpumm_status cuda_status(cuda *c, driver_entry entry, CUresult result) {
    return result == CUDA_SUCCESS ? GPUMM_OK : gpumm__cuda_failed(c, entry, result);
}

static inline bool cuda_gave(cuda *c, driver_entry entry, CUresult result) {
    if (result != CUDA_SUCCESS) gpumm__cuda_note(c, entry, result);
    return result == CUDA_SUCCESS;
}

/* What the driver said, as it is. */
#define CU_RESULT(c, entry, arguments) \
    (cuda_replaced((c), DRIVER_##entry) ? gpumm__cuda_instead((c)) : gpumm__driver.entry arguments)
/* The same as a status, with its message. */
#define CU(c, entry, arguments) cuda_status((c), DRIVER_##entry, CU_RESULT(c, entry, arguments))
/* Giving back: nobody can be told of a failure, so it is tried a second time and leaves the message alone. */
#define CU_BACK(c, entry, arguments) \
    (cuda_gave((c), DRIVER_##entry, CU_RESULT(c, entry, arguments)) || \
     cuda_gave((c), DRIVER_##entry, CU_RESULT(c, entry, arguments)))

/* ---- Contexts (context.c) ---- */

gpumm_status gpumm__cuda_context_take(cuda *c, CUcontext handle);
void gpumm__cuda_context_drop(cuda *c);
bool gpumm__cuda_gone(cuda *c);           /* lost, or on the wrong side of a fork: the driver is not called any more */
gpumm_status gpumm__cuda_usable(cuda *c); /* DEVICE_LOST with the cause */

/* One call's stay in the context: what leaving has to undo. */
typedef struct cuda_visit {
    bool pushed; /* the context; else it was the thread's own already */
    bool quiet;
    CUstreamCaptureMode mode; /* the thread's own, where quiet */
} cuda_visit;

/* Makes the context current for the calling thread until gpumm__cuda_leave. */
gpumm_status gpumm__cuda_enter(cuda *c, cuda_visit *visit);
/* The same around calls that would break another thread's graph capture, were they not declared harmless. */
gpumm_status gpumm__cuda_enter_quiet(cuda *c, cuda_visit *visit);
/* For calls that give back and have no status: false where there is nothing to call. */
bool gpumm__cuda_enter_giving(cuda *c, cuda_visit *visit);
void gpumm__cuda_leave(cuda *c, cuda_visit *visit);

/* ---- Memory (memory.c), probes (probe.c) ---- */

gpumm_status gpumm__cuda_segment_map(cuda *c, place where, gpumm_address address, uint64_t bytes); /* within enter */
gpumm_status gpumm__cuda_block_take(cuda *c, uint64_t bytes, gpumm_address *address);              /* within enter */
void gpumm__cuda_block_give(cuda *c, gpumm_address address);                                       /* within enter */
/* Finds out what grows in place, by doing it. Within enter. Fails where memory is out or the device lost. */
gpumm_status gpumm__cuda_probe(cuda *c, bool relocate);

gpumm_status gpumm__cuda_reserve(device *d, place where, uint64_t bytes, gpumm_address *address);
void gpumm__cuda_release(device *d, place where, gpumm_address address, uint64_t bytes);
gpumm_status gpumm__cuda_commit(device *d, place where, gpumm_address address, uint64_t bytes);
gpumm_status gpumm__cuda_decommit(device *d, place where, gpumm_address address, uint64_t bytes);
gpumm_status gpumm__cuda_alloc(device *d, place where, uint64_t bytes, gpumm_address *address);
void gpumm__cuda_free(device *d, place where, gpumm_address address, uint64_t bytes);

/* ---- Streams (stream.c) ---- */

gpumm_status gpumm__cuda_stream_open(device *d, void *native, device_stream **out);
void gpumm__cuda_stream_close(device *d, device_stream *s);
gpumm_status gpumm__cuda_stream_synchronize(device *d, device_stream *s);
gpumm_status gpumm__cuda_stream_query(device *d, device_stream *s, bool *idle);
gpumm_status gpumm__cuda_event_open(device *d, bool timed, device_event **out);
void gpumm__cuda_event_close(device *d, device_event *e);
gpumm_status gpumm__cuda_event_record(device *d, device_event *e, device_stream *s);
gpumm_status gpumm__cuda_event_query(device *d, device_event *e, bool *done);
gpumm_status gpumm__cuda_event_synchronize(device *d, device_event *e);
gpumm_status gpumm__cuda_event_elapsed(device *d, device_event *from, device_event *to, double *seconds);
gpumm_status gpumm__cuda_stream_wait(device *d, device_stream *s, device_event *e);
gpumm_status gpumm__cuda_copy(device *d, device_stream *s, copy_kind kind, gpumm_address to, gpumm_address from,
                              uint64_t bytes);
gpumm_status gpumm__cuda_fill(device *d, device_stream *s, gpumm_address to, uint32_t pattern, unsigned width,
                              uint64_t count);
gpumm_status gpumm__cuda_call(device *d, device_stream *s, void (*function)(void *user), void *user);
void *gpumm__cuda_native_stream(device_stream *s);
gpumm_status gpumm__cuda_stream_not_capturing(device *d, device_stream *s);

/* ---- Copies within the device (across.c), within enter ---- */

void gpumm__cuda_across_open(cuda *c);
void gpumm__cuda_across_close(cuda *c);
bool gpumm__cuda_across_takes(const cuda *c, gpumm_address to, gpumm_address from, uint64_t bytes);
gpumm_status gpumm__cuda_across(cuda *c, CUstream stream, gpumm_address to, gpumm_address from, uint64_t bytes);

/* ---- Kernels (compile.c, module.c) ---- */

gpumm_status gpumm__cuda_compiler(device *d, char *text, size_t size);
gpumm_status gpumm__cuda_compile(device *d, const device_source *source, const char *out_path);
gpumm_status gpumm__cuda_module_open(device *d, const char *path, device_module **out);
void gpumm__cuda_module_close(device *d, device_module *m);
gpumm_status gpumm__cuda_function(device *d, device_module *m, const char *name, device_function **out);
gpumm_status gpumm__cuda_launch(device *d, device_stream *s, device_function *f, const device_launch *launch);

/* ---- Faults by the driver's entry names (inject.c) ---- */

/* The plan's `call` names an entry of the driver table ("cuMemSetAccess"); any other call, or NULL, or
   nth 0 ends the plan. INVALID_ARGUMENT for a name that begins with "cu" and is none. */
gpumm_status gpumm__cuda_fault(device *d, const gpumm_fault *plan);
/* Calls of that entry so far, from the first gpumm__cuda_fault on, or from open where the options ask for faults.
   "cu*": of every entry. */
gpumm_status gpumm__cuda_fault_calls(device *d, const char *entry, uint64_t *count);

#endif
