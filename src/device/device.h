/* SPDX-License-Identifier: MIT */
/*
 * A device: what provides memory and time. One table of calls; `host/` and `cuda/` each fill one,
 * and `fault` wraps any. Above this line nobody knows which device it is.
 *
 * Rules that every device keeps, and the host device enforces:
 *   - reserve gives address space only; commit puts memory behind a part of it, aligned to the
 *     place's granularity, as one segment, or as several of device_segment_most bytes (the last has the
 *     rest), zero or old contents alike; decommit takes exactly one such segment back; release wants
 *     every segment gone. No decommit under queued work.
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
typedef struct device_graph device_graph;
typedef struct device_semaphore device_semaphore;

/* Where memory lies. Both kinds have one address, valid on the device; PLACE_HOST's is valid as a
   pointer in the host too. */
typedef enum place {
    PLACE_DEVICE,
    PLACE_HOST,
    PLACE_SHARED, /* on the device, committed in place, in segments that can be exported; where `shares` says so */
    PLACE_SPILLED, /* pinned host memory that stands for the device's: committed behind it in a reservation of PLACE_DEVICE,
                      in segments of DEVICE_SPILL_MOST; or a whole block. Copies and fills go over the border */
    PLACE_STRIPED, /* on several devices in turn, committed in place by commit_striped, for all of them to use */
    PLACE_COUNT
} place;

#define DEVICE_SEGMENT_MOST (1ull << 30) /* a power of two: other APIs import no larger pieces than a few of these */
#define DEVICE_SPILL_MOST (64ull << 20)  /* what is moved at once, while nobody may use it */

/* Segments of a reservation of PLACE_STRIPED: number i is on devices[i % count]. */
typedef struct device_stripe {
    uint64_t bytes; /* of each segment, at most DEVICE_SEGMENT_MOST */
    unsigned count;
    int devices[GPUMM_DEVICES_MAX]; /* as `ordinal`, each once, below GPUMM_DEVICES_MAX */
} device_stripe;

/* Memory of another device of the same kind. */
typedef struct device_foreign {
    device *device; /* the bare one */
    gpumm_address at;
    bool used; /* it may be used as one's own: it is striped */
} device_foreign;

/* What an event is for, beside being queried and having streams wait for it. */
typedef enum event_purpose {
    EVENT_ORDERS, /* nothing */
    EVENT_WAKES,  /* event_synchronize, which sleeps */
    EVENT_TIMED   /* that and event_elapsed */
} event_purpose;

typedef enum copy_kind { COPY_H2D, COPY_D2H, COPY_D2D } copy_kind; /* to, from, within the device */

typedef struct device_source {
    const char *text;         /* CUDA C, whole */
    const char *prelude;      /* declarations to compile before it (struct types); may be NULL */
    const char *epilogue;     /* and behind it: what describes and exports the kernels; may be NULL */
    const char *file;         /* its name in messages, and where "x" is included from; messages count lines of `text` */
    const char *flags;        /* extra flags, separated by spaces; may be NULL */
    const char *folder;       /* an empty one, for what the compiler reads and writes */
    const char *const *taken; /* kernels named as functions of the C library are */
    size_t taken_count;
    const char *const *arrays; /* dynamic shared arrays, as the linker knows them */
    size_t array_count;
    bool blocks; /* the text has words of threads that run together */
} device_source;

/* What preprocess leaves in the folder. */
#define DEVICE_PREPROCESSED \
    "preprocessed"              /* the text with its line marks; __global__ and __shared__ stay as they are */
#define DEVICE_OWN_TEXT "gpumm" /* what the device puts before and behind the text is in a file of this name */
#define DEVICE_READ "read"      /* every file that was read, a line each; none where the compiler does not tell */

/* A parameter as the compiler saw it: a constant of the binary, gpumm_parameters_NAME, is their count and one, which is
   never zero, and these. What else it needs of its device is another constant, gpumm_needs_NAME. */
typedef struct device_parameter {
    uint32_t pointer;     /* 0: a value, 1: a pointer, 2: a reference */
    uint32_t constant;    /* of the value or pointee, as all that follows */
    uint32_t kind;        /* device_kind */
    uint32_t size, align; /* 0: void, or incomplete */
    uint32_t lanes;       /* of one of CUDA's vector types, else 1 */
    uint32_t known;       /* which of the source's known structs it is, from 1; 0: none */
    uint32_t enumeration; /* an enum, of which `kind` says what it is made of */
} device_parameter;

typedef enum device_kind {
    DEVICE_OPAQUE,
    DEVICE_SIGNED,
    DEVICE_UNSIGNED,
    DEVICE_FLOATING,
    DEVICE_BOOL,
    DEVICE_CLASS
} device_kind;

/* What a kernel needs, as bits: what it uses of geometry beyond x (in the order of device_dimension_names), and */
enum {
    DEVICE_NEEDS_DIMENSIONS = 0xff,
    DEVICE_NEEDS_BLOCKS = 0x100, /* that a block is one: shared memory, more than one dimension */
    DEVICE_NEEDS_WAITING = 0x200 /* and that its threads wait for one another: barriers, warps, groups */
};

enum { DEVICE_BLOCK_MAX = 1024, DEVICE_BLOCK_Z_MAX = 64, DEVICE_GRID_X_MAX = INT32_MAX, DEVICE_GRID_YZ_MAX = 65535 };

/* A kernel that is a function of this library: it runs kernel threads [begin, end) of a launch in the calling thread. */
typedef struct device_builtin {
    const char *name;
    void (*run)(void *const *arguments, uint64_t begin, uint64_t end, uint64_t threads, unsigned block);
    const size_t *sizes; /* bytes of each argument; copied */
    size_t count;
} device_builtin;

typedef struct device_launch {
    void *const *arguments; /* one pointer a parameter; taken when the call returns */
    const size_t *sizes;    /* bytes behind each */
    size_t count;
    uint64_t threads;  /* kernel threads wanted in one dimension, at least 1; not looked at with a grid */
    unsigned block[3]; /* threads a block, by x y z. All 0: the device chooses; with a grid all are given */
    unsigned shared_bytes;
    unsigned grid[3]; /* blocks by x y z; all 0: as many as `threads` need, in x */
} device_launch;

static inline bool device_launch_is_empty(const device_launch *launch) { return !launch->threads && !launch->grid[0]; }

/* One operation of a graph: what the call of that name is given. Nothing is done where it is skipped, where a launch
   has no threads, or where there are no bytes. */
typedef enum node_kind { NODE_LAUNCH, NODE_COPY, NODE_FILL } node_kind;

typedef struct device_node {
    node_kind kind;
    bool skipped;
    union {
        struct {
            device_function *function;
            device_launch what;
        } launch;
        struct {
            copy_kind way; /* within the device, or to the host */
            gpumm_address to, from;
            uint64_t bytes;
        } copy;
        struct {
            gpumm_address to;
            uint32_t pattern;
            unsigned width;
            uint64_t times;
        } fill;
    } as;
} device_node;

typedef struct device_patch { /* node `index` becomes this one, of the same kind, a launch of the same function */
    size_t index;
    const device_node *node;
} device_patch;

/*
 * Every call that can be counted, failed and held, once, with its signature: the table below, the calls' names and
 * what the fault device forwards are made from this list, so that a call is added by adding its line.
 *   S: returns a status.   Q: a status, and hands something back, so that it cannot be left out.   V: nothing.
 * S(name, (parameters), (arguments behind the device), before, after); `before` and `after` are the fault device's:
 *   before  NOW                  forwarded at once
 *           QUEUED(stream, kind) an operation of a stream: delays and gates of that kind (or NO_KIND) go before it
 *           LETS_THROUGH         what is held goes on first
 *   after   AS_IT_IS, or what now lives or is gone: BORN(number, bytes' sum, bytes), GONE(…), LESS(sum, bytes),
 *           BORN_SEGMENTS(where, bytes)
 *
 * reserve, release, commit, decommit: address space and memory in place, only where info says in_place
 * (pinned_in_place). alloc, free: whole blocks, on every device; contents undefined; free only once no queued work
 * uses it. shrink: the segment or block of `bytes` at *address, which no queued work uses, becomes one of `kept`, whose
 * contents stay; a segment's address stays too, a block may come to lie elsewhere. It returns when that is done, works
 * also where there is no room for both, and where it fails everything is as it was. promote: the segment or block of PLACE_SPILLED
 * at *address, which no queued work uses, becomes one of PLACE_DEVICE, as with shrink. export_segment: a descriptor, the caller's,
 * of one segment of PLACE_SHARED. stripe_check: can these devices have a stripe, each using the memory of all? It rounds the bytes up
 * to what they commit; NO_DEVICE. commit_striped: as commit, whole segments of the stripe's bytes, of which the first is number `first`;
 * decommit takes each back. reach: can it use the memory of the device with that uuid? INVALID_ARGUMENT. import_segment: the segment that somebody exported, of exactly so many bytes, is mapped at a part
 * of a reservation of PLACE_SHARED, for reading; decommit takes it back, and the memory stays while somebody has it. stream_open: `native` is wrapped and not owned, NULL makes one. stream_close finishes its work first.
 * event_synchronize: of one that only orders it may keep a core busy. event_query: never recorded is done. stream_wait: the
 * event may be another device's of the same kind. admit: lets the device with
 * the number `user` use what is committed of that range, which nobody may be changing meanwhile, if it can; a copy is right without it.
 * copy_from: from the other's memory. fill: `count` times the
 * pattern of `width` (1, 2 or 4) bytes. call: runs a function on this side in stream order; it makes no device call.
 * graph_open: operations that graph_launch enqueues on a stream with one call, in their order; nodes are taken when the
 * call returns. graph_patch changes launches to come, not those enqueued; where it fails some may be changed.
 * graph_close: launches under way finish. The fault device counts, delays, holds and fails each operation of a launch.
 * semaphore_import: a timeline semaphore that somebody else made; the descriptor stays the caller's. semaphore_signal raises it, in stream
 * order, to a value beyond what it has; semaphore_wait: what is enqueued behind it waits until it has that value, which need not have been
 * signalled yet. semaphore_close: no queued work uses it.
 * preprocess fills the source's folder; compile writes out_path. builtin: a module of that one kernel, where the device
 * says that it runs_builtins; else there is no such entry. module_close: nothing of it runs any more. function: goes with its module.
 */
#define DEVICE_CALL_MAP(S, Q, V) \
    Q(reserve, (device * d, place where, uint64_t bytes, gpumm_address * address), (where, bytes, address), NOW, \
      BORN(ranges, reserved_bytes, bytes)) \
    V(release, (device * d, place where, gpumm_address address, uint64_t bytes), (where, address, bytes), NOW, \
      GONE(ranges, reserved_bytes, bytes)) \
    S(commit, (device * d, place where, gpumm_address address, uint64_t bytes), (where, address, bytes), NOW, \
      BORN_SEGMENTS(where, bytes)) \
    S(decommit, (device * d, place where, gpumm_address address, uint64_t bytes), (where, address, bytes), NOW, \
      GONE(segments, committed_bytes, bytes)) \
    Q(stripe_check, (device * d, device_stripe * stripe), (stripe), NOW, AS_IT_IS) \
    S(commit_striped, \
      (device * d, const device_stripe *stripe, uint64_t first, gpumm_address address, uint64_t bytes), \
      (stripe, first, address, bytes), NOW, BORN_STRIPED(bytes, stripe->bytes)) \
    Q(alloc, (device * d, place where, uint64_t bytes, gpumm_address * address), (where, bytes, address), NOW, \
      BORN(blocks, committed_bytes, bytes)) \
    S(free, (device * d, place where, gpumm_address address, uint64_t bytes), (where, address, bytes), NOW, \
      GONE(blocks, committed_bytes, bytes)) \
    Q(shrink, (device * d, place where, uint64_t bytes, uint64_t kept, gpumm_address * address), \
      (where, bytes, kept, address), NOW, LESS(committed_bytes, bytes - kept)) \
    Q(promote, (device * d, uint64_t bytes, gpumm_address * address), (bytes, address), NOW, AS_IT_IS) \
    Q(export_segment, (device * d, gpumm_address address, uint64_t bytes, int *descriptor), \
      (address, bytes, descriptor), NOW, AS_IT_IS) \
    Q(import_segment, (device * d, gpumm_address address, uint64_t bytes, int descriptor), \
      (address, bytes, descriptor), NOW, BORN_SEGMENTS(PLACE_SHARED, bytes)) \
    S(reach, (device * d, const char *uuid), (uuid), NOW, AS_IT_IS) \
    Q(stream_open, (device * d, void *native, device_stream **out), (native, out), NOW, BORN(streams, nothing, 0)) \
    V(stream_close, (device * d, device_stream * s), (s), LETS_THROUGH, GONE(streams, nothing, 0)) \
    S(stream_synchronize, (device * d, device_stream * s), (s), NOW, AS_IT_IS) \
    Q(stream_query, (device * d, device_stream * s, bool *idle), (s, idle), NOW, AS_IT_IS) \
    Q(event_open, (device * d, event_purpose purpose, device_event * *out), (purpose, out), NOW, \
      BORN(events, nothing, 0)) \
    V(event_close, (device * d, device_event * e), (e), NOW, GONE(events, nothing, 0)) \
    S(event_record, (device * d, device_event * e, device_stream * s), (e, s), QUEUED(s, NO_KIND), AS_IT_IS) \
    Q(event_query, (device * d, device_event * e, bool *done), (e, done), NOW, AS_IT_IS) \
    S(event_synchronize, (device * d, device_event * e), (e), NOW, AS_IT_IS) \
    Q(event_elapsed, (device * d, device_event * from, device_event * to, double *seconds), (from, to, seconds), NOW, \
      AS_IT_IS) \
    S(stream_wait, (device * d, device_stream * s, device_event * e), (s, e), QUEUED(s, NO_KIND), AS_IT_IS) \
    S(copy, (device * d, device_stream * s, copy_kind way, gpumm_address to, gpumm_address from, uint64_t bytes), \
      (s, way, to, from, bytes), QUEUED(s, COPIES(way)), AS_IT_IS) \
    V(admit, (device * d, gpumm_address range, uint64_t committed, int user), (range, committed, user), NOW, AS_IT_IS) \
    S(copy_from, (device * d, device_stream * s, gpumm_address to, const device_foreign *from, uint64_t bytes), \
      (s, to, from, bytes), QUEUED(s, NO_KIND), AS_IT_IS) \
    S(fill, (device * d, device_stream * s, gpumm_address to, uint32_t pattern, unsigned width, uint64_t times), \
      (s, to, pattern, width, times), QUEUED(s, FILLS), AS_IT_IS) \
    S(call, (device * d, device_stream * s, void (*function)(void *user), void *user), (s, function, user), \
      QUEUED(s, NO_KIND), AS_IT_IS) \
    S(preprocess, (device * d, const device_source *source), (source), NOW, AS_IT_IS) \
    S(compile, (device * d, const device_source *source, const char *out_path), (source, out_path), NOW, AS_IT_IS) \
    Q(module_open, (device * d, const char *path, device_module **out), (path, out), NOW, BORN(modules, nothing, 0)) \
    Q(builtin, (device * d, const device_builtin *kernel, device_module **out), (kernel, out), NOW, \
      BORN(modules, nothing, 0)) \
    V(module_close, (device * d, device_module * m), (m), NOW, GONE(modules, nothing, 0)) \
    Q(function, (device * d, device_module * m, const char *name, device_function **out), (m, name, out), NOW, \
      AS_IT_IS) \
    S(launch, (device * d, device_stream * s, device_function * which, const device_launch *launch), \
      (s, which, launch), QUEUED(s, LAUNCHES), AS_IT_IS) \
    Q(graph_open, (device * d, const device_node *nodes, size_t count, device_graph **out), (nodes, count, out), NOW, \
      BORN(graphs, nothing, 0)) \
    S(graph_patch, (device * d, device_graph * g, const device_patch *patches, size_t count), (g, patches, count), \
      NOW, AS_IT_IS) \
    S(graph_launch, (device * d, device_stream * s, device_graph * g), (s, g), NOW, AS_IT_IS) \
    V(graph_close, (device * d, device_graph * g), (g), NOW, GONE(graphs, nothing, 0)) \
    Q(semaphore_import, (device * d, int descriptor, device_semaphore **out), (descriptor, out), NOW, \
      BORN(semaphores, nothing, 0)) \
    V(semaphore_close, (device * d, device_semaphore * x), (x), NOW, GONE(semaphores, nothing, 0)) \
    S(semaphore_signal, (device * d, device_stream * s, device_semaphore * x, uint64_t value), (s, x, value), \
      QUEUED(s, NO_KIND), AS_IT_IS) \
    S(semaphore_wait, (device * d, device_stream * s, device_semaphore * x, uint64_t value), (s, x, value), \
      QUEUED(s, NO_KIND), AS_IT_IS)

#define DEVICE_CALL_ENUM(name, parameters, arguments, before, after) CALL_##name,
typedef enum device_call {
    DEVICE_CALL_MAP(DEVICE_CALL_ENUM, DEVICE_CALL_ENUM, DEVICE_CALL_ENUM) CALL_COUNT
} device_call;
#undef DEVICE_CALL_ENUM

#define DEVICE_STATUS_ENTRY(name, parameters, arguments, before, after) gpumm_status(*name) parameters;
#define DEVICE_SILENT_ENTRY(name, parameters, arguments, before, after) void(*name) parameters;
typedef struct device_table {
    DEVICE_CALL_MAP(DEVICE_STATUS_ENTRY, DEVICE_STATUS_ENTRY, DEVICE_SILENT_ENTRY)

    void (*close)(device *d); /* every stream, event, range and module is gone by then */
    /* What makes a binary: compiler, flags, architecture, the environment that it heeds, as one line; part of the
       key of the cache. */
    gpumm_status (*compiler)(device *d, char *text, size_t size);
    /* What the compiler says of the function's parameters; NULL where the binary does not tell. */
    const device_parameter *(*parameters)(const device_function *f, size_t *count);
    /* DEVICE_NEEDS_ bits; 0 where the binary does not tell. */
    uint32_t (*needs)(const device_function *f);
    const char *(*function_name)(const device_function *f); /* goes with its module */
    /* What a graph does at that place now; NULL behind the last. */
    const device_node *(*graph_node)(const device_graph *g, size_t index);
    /* When an event that has come was reached, by gpumm__clock_ns. NULL: the device has a clock of its own. */
    uint64_t (*event_time)(device_event *e);
    /* Takes the memory that enqueueing needs, where the device takes some of its allocator's: called without locks
       before what is enqueued under one; a launch by its number of arguments and their bytes. NULL: it needs none. */
    void (*prepare)(device *d, size_t arguments, size_t bytes);
    /* Between the two this thread makes several calls and runs nobody else's code: what each looks at for itself, as which
       context is current, is looked at once. Not within one another. NULL: there is nothing of that kind. */
    gpumm_status (*stay)(device *d);
    void (*stay_end)(device *d);
    /* The device's own handle. From then on somebody else has it, and may have the stream capture a graph. */
    void *(*native_stream)(device_stream *s);
    /* Does it capture now? Costs a look at a flag where nobody else has the handle. */
    gpumm_status (*stream_capturing)(device *d, device_stream *s, bool *capturing);

    /* Faults below this table, by the driver's own entry names ("cuMemSetAccess"); NULL where a device has no
       driver. A plan that names no driver entry ends the one before. */
    gpumm_status (*driver_fault)(device *d, const gpumm_fault *plan);
    gpumm_status (*driver_calls)(device *d, const char *entry, uint64_t *count);
} device_table;
#undef DEVICE_STATUS_ENTRY
#undef DEVICE_SILENT_ENTRY

typedef struct device_stream_base { /* each device's stream embeds this first */
    struct track *track;            /* in a trace; NULL: none */
} device_stream_base;

struct device { /* each device embeds this first */
    const device_table *call;
    gpumm_device_info info;
    const gpumm_allocator *memory; /* outlives the device */
    bool takes_binaries;           /* module_open takes .cubin, .fatbin and .ptx that others made */
    bool textures;                 /* it has units for them */
    bool runs_builtins;            /* functions of this library can be launched */
    bool whole_blocks;             /* threads of a block run together: barriers, shared memory, warps */
    int ordinal;                   /* as others count devices of its kind */
    bool shares;                   /* there is memory of PLACE_SHARED */
    bool inline_snapshots;         /* a small copy to the host in line costs less than staging it */
    struct device *bare;           /* without those that wrap it */
    struct device *traced;         /* the one that writes a trace, if any: trace/traced.h */
};

/* A name from the map, CALL_COUNT where there is none. */
device_call gpumm__device_call_named(const char *name);
const char *gpumm__device_call_name(device_call call);

void gpumm__device_close(device *d); /* NULL is fine */

/* A kernel reads as many bytes behind each pointer as it was compiled with: `sizes`, `count` of them (NULL: they are
   not known, and all pass). What does not match is INVALID_ARGUMENT here, before it does. */
gpumm_status gpumm__device_check_arguments(const char *name, const size_t *sizes, size_t count,
                                           const device_launch *launch);

/* "threadIdx.y" and the like, one for each bit of DEVICE_NEEDS_DIMENSIONS. */
extern const char *const gpumm__device_dimension_names[8];
/* The launch's grid and block are ones that CUDA takes, and give a kernel of these needs its dimensions. */
gpumm_status gpumm__device_check_geometry(const char *name, uint32_t needs, const device_launch *launch);

static inline gpumm_status device_stay(device *d) { return d->call->stay ? d->call->stay(d) : GPUMM_OK; }
/* Of a stay that began. */
static inline void device_stay_end(device *d) {
    if (d->call->stay_end) d->call->stay_end(d);
}
static inline uint64_t device_granularity(const device *d, place where) {
    return where == PLACE_HOST ? d->info.pinned_granularity_bytes : d->info.granularity_bytes;
}
static inline uint64_t device_segment_most(place where) {
    return where == PLACE_SPILLED ? DEVICE_SPILL_MOST : DEVICE_SEGMENT_MOST;
}
static inline uint64_t device_segments(place where, uint64_t bytes) { /* that a commit of so many makes */
    uint64_t each = device_segment_most(where);
    return bytes / each + (bytes % each != 0);
}
/* Of that much striped memory, from its first segment on: what lies on that device. */
static inline uint64_t device_stripe_share(const device_stripe *s, uint64_t bytes, unsigned number) {
    uint64_t segments = bytes / s->bytes;
    for (unsigned i = 0; i < s->count; i++)
        if ((unsigned)s->devices[i] == number) return (segments / s->count + (segments % s->count > i)) * s->bytes;
    return 0;
}
static inline bool device_in_place(const device *d, place where) {
    return where == PLACE_HOST ? d->info.pinned_in_place : d->info.in_place;
}

#endif
