/* SPDX-License-Identifier: MIT */
/*
 * gpumm: an embedded GPU memory runtime.
 *
 * This is the whole public C API. A manager owns one device, the memory taken from it, one budget
 * and one ledger. Buffers are named, typed and growable, and never move where the device can grow
 * memory in place. Work is ordered by streams; a buffer remembers who wrote and who read it, so
 * that a call on another stream waits on the device, not in the host. A readback takes consistent
 * snapshots that stream to the host while the work goes on.
 *
 * Conventions
 *   - Functions that can fail return a gpumm_status; gpumm_message() has the details, per thread.
 *   - A call that fails changes nothing: same contents, same books, no half-made object; outputs
 *     are untouched.
 *   - Handles are reference counted. What a function writes to an `out` parameter is one reference
 *     for the caller, who gives it back with the type's `_release`. Handles keep their manager's
 *     bookkeeping alive, never its device: after gpumm_manager_close every call returns CLOSED.
 *     Two words end things: `_close` ends what is on the device, now, whoever else has a handle (later calls return
 *     STALE, CLOSED or CANCELLED); `_release` gives one reference back, and may come after close, too.
 *     A `_retain` returns what it was given, with one reference more. What a comment calls borrowed is valid while the
 *     handle that it came from is.
 *   - Any function of a manager or of something in it can return CLOSED, and STALE once that something
 *     was freed; OUT_OF_MEMORY also where the host has none; DEVICE_LOST or DRIVER with the driver's own
 *     words. Comments name the statuses beyond these.
 *   - Every function may be called from any thread, unless its comment says otherwise. A child of fork()
 *     leaves all of its parent's objects alone, and does not close the Lua states that hold some.
 *   - NULL for what must be there (a handle, an output, data that is not empty) is INVALID_ARGUMENT from functions that
 *     return a status; others return NULL, 0 or false, and do nothing.
 *   - Lengths, capacities, counts and positions are in elements. What is in bytes has `bytes` in its name, or is called
 *     `size`, `align` or `offset` as in C, or is a limit. Positions count from 0, in messages too.
 *   - The stream is the second parameter of whatever enqueues. NULL is the manager's main stream. A stream
 *     of another manager is INVALID_ARGUMENT. Calls enqueue and return, unless their name says wait or
 *     synchronize; download waits because it returns data. While the application captures a CUDA graph on a
 *     stream, kernels are launched on it and nothing else is: BUSY.
 *
 * Binary compatibility: doc/abi.md. In short, before 1.0 the releases of one minor version are compatible, and
 *   - options begin with `size`: sizeof of the caller's struct, or 0 for the layout of 0.2. What a shorter struct
 *     lacks has its default; a longer one whose further bytes are not 0 asks for what this library does not have:
 *     INVALID_ARGUMENT. So `&(gpumm_options){.limit = 1 << 30}` stays right;
 *   - a function that fills a struct has an exported form, `_sized`, that takes the struct's size and writes no more;
 *     the function of the plain name is inline and passes sizeof;
 *   - structs that stand in arrays or in other structs never change: they have fields called `reserved`, which are 0;
 *   - what gpumm passes to callbacks or returns by pointer (gpumm_block, gpumm_parameter) may get fields at its end.
 */
#ifndef GPUMM_H
#define GPUMM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define GPUMM_VERSION_MAJOR 0
#define GPUMM_VERSION_MINOR 2
#define GPUMM_VERSION_PATCH 0
#define GPUMM_VERSION "0.2.0"

#ifdef GPUMM_BUILD
#define GPUMM_API __attribute__((visibility("default")))
#else
#define GPUMM_API
#endif

/* ---- Status ------------------------------------------------------------------------------- */

/* The one list of outcomes: it makes the enum, the names, the texts and the Lua symbols. */
#define GPUMM_STATUS_MAP(X) \
    X(OK, "success") \
    X(OUT_OF_MEMORY, "the device has no more memory") \
    X(OVER_LIMIT, "the budget does not allow it") \
    X(OVER_MAX_SIZE, "the buffer's own maximum does not allow it") \
    X(NOT_FOUND, "there is nothing of that name") \
    X(ALREADY_EXISTS, "the name is taken") \
    X(TYPE_MISMATCH, "the element type is another") \
    X(INVALID_ARGUMENT, "an argument is not valid") \
    X(ASYNC_DISABLED, "the buffer was made without asynchronous downloads") \
    X(NOT_PENDING, "no download was started") \
    X(ALREADY_PENDING, "a download is already pending") \
    X(BUSY, "what is needed is in use") \
    X(TIMEOUT, "the time ran out") \
    X(CANCELLED, "it was cancelled") \
    X(STALE, "what it referred to is gone") \
    X(CLOSED, "its manager is closed") \
    X(NO_DEVICE, "there is no such device") \
    X(DEVICE_LOST, "the device failed and cannot be used until the process ends") \
    X(COMPILE_FAILED, "the kernel could not be compiled") \
    X(IO, "a file could not be read or written") \
    X(DRIVER, "the driver reported an error")

typedef enum gpumm_status {
#define GPUMM_STATUS_ENUM(name, text) GPUMM_##name,
    GPUMM_STATUS_MAP(GPUMM_STATUS_ENUM)
#undef GPUMM_STATUS_ENUM
        GPUMM_STATUS_COUNT
} gpumm_status;

/* "OVER_LIMIT" for GPUMM_OVER_LIMIT; "UNKNOWN" for what is no status. A static string. */
GPUMM_API const char *gpumm_status_name(gpumm_status status);
/* What the list above says of it, for people. A static string. */
GPUMM_API const char *gpumm_status_text(gpumm_status status);
/* The status of that name, GPUMM_STATUS_COUNT where there is none. */
GPUMM_API gpumm_status gpumm_status_named(const char *name);
/* OUT_OF_MEMORY, OVER_LIMIT and OVER_MAX_SIZE: asking for less may work. */
GPUMM_API bool gpumm_status_is_memory_error(gpumm_status status);
/* What exactly went wrong in this thread's last failed call; valid until its next failure. */
GPUMM_API const char *gpumm_message(void);
/* Of the library that runs, "0.2.0": GPUMM_VERSION is that of the header. A static string. */
GPUMM_API const char *gpumm_version(void);

/* "4GiB", "512 MiB", "1e6", "2.5GB", "4096": bytes. INVALID_ARGUMENT names what is valid. */
GPUMM_API gpumm_status gpumm_parse_size(const char *text, uint64_t *bytes);

/* ---- What an application can hand in -------------------------------------------------------------- */

/* Where gpumm takes its own (host) memory: as realloc, and frees where size is 0. May be called
   from any thread. It may ask the manager (statistics, names), and take scratch and buffers of it; not change the size of,
   or capture, what the call that needs memory is about. NULL as a function means malloc's family. */
typedef struct gpumm_allocator {
    void *(*reallocate)(void *user, void *block, size_t size);
    void *user;
    void *reserved; /* NULL */
} gpumm_allocator;

typedef enum gpumm_log_level { GPUMM_LOG_INFO, GPUMM_LOG_WARNING, GPUMM_LOG_ERROR } gpumm_log_level;
/* One line without its line end. Called without locks, from any thread. */
typedef void (*gpumm_log_fn)(void *user, gpumm_log_level level, const char *line);
/* Asked before a request fails for memory: free something and return true to have it tried again.
   Called without locks, in the thread whose request it is. */
typedef bool (*gpumm_pressure_fn)(void *user, uint64_t bytes_wanted);

typedef uint64_t gpumm_address;  /* an address on the device */
enum { GPUMM_DEVICES_MAX = 16 }; /* of a striped buffer; they are numbered from 0 */

/* ---- Element types ------------------------------------------------------------------------ */

typedef struct gpumm_type gpumm_type; /* immutable, reference counted */

typedef enum gpumm_scalar {
    GPUMM_TYPE_I8,
    GPUMM_TYPE_U8,
    GPUMM_TYPE_I16,
    GPUMM_TYPE_U16,
    GPUMM_TYPE_I32,
    GPUMM_TYPE_U32,
    GPUMM_TYPE_I64,
    GPUMM_TYPE_U64,
    GPUMM_TYPE_F16,
    GPUMM_TYPE_F32,
    GPUMM_TYPE_F64
} gpumm_scalar;

typedef enum gpumm_kind { GPUMM_KIND_SCALAR, GPUMM_KIND_VECTOR, GPUMM_KIND_STRUCT } gpumm_kind;

typedef struct gpumm_field {
    const char *name;
    const gpumm_type *type;
    size_t offset;  /* bytes from the element's start; written by gpumm, ignored as input */
    void *reserved; /* NULL */
} gpumm_field;

/* "f32", "u8", "f32x3" (2 to 4 lanes, packed: f32x3 is 12 bytes), "bytes16". Alignment is that of CUDA's
   vector type of the same shape. INVALID_ARGUMENT names what is valid. */
GPUMM_API gpumm_status gpumm_type_parse(const char *text, gpumm_type **out);
/* A struct with C layout. `name` is its name in kernels, or NULL. Field names are C identifiers;
   1 to 1024 of them, nested ones counted, at most 8 deep. INVALID_ARGUMENT
   names the offender. Types are retained, names copied. */
GPUMM_API gpumm_status gpumm_type_struct(const char *name, const gpumm_field *fields, size_t count, gpumm_type **out);
/* The same with memory from an allocator, which must stay usable as long as the type (NULL: malloc's). */
GPUMM_API gpumm_status gpumm_type_parse_with(const gpumm_allocator *allocator, const char *text, gpumm_type **out);
/* gpumm_type_struct with memory from an allocator. */
GPUMM_API gpumm_status gpumm_type_struct_with(const gpumm_allocator *allocator, const char *name,
                                              const gpumm_field *fields, size_t count, gpumm_type **out);
/* `bytes` opaque bytes an element, at least 1: what a buffer made without a type holds. */
GPUMM_API gpumm_status gpumm_type_bytes(uint64_t bytes, gpumm_type **out);
GPUMM_API gpumm_type *gpumm_type_retain(const gpumm_type *type);  /* types belong to no manager */
GPUMM_API void gpumm_type_release(const gpumm_type *type);        /* the last one frees it */
GPUMM_API gpumm_kind gpumm_type_kind(const gpumm_type *type);     /* opaque bytes are a struct without fields */
GPUMM_API gpumm_scalar gpumm_type_scalar(const gpumm_type *type); /* of a scalar or vector */
GPUMM_API unsigned gpumm_type_lanes(const gpumm_type *type);      /* 1 for a scalar, 0 for a struct */
GPUMM_API size_t gpumm_type_size(const gpumm_type *type);         /* bytes, trailing padding included */
GPUMM_API size_t gpumm_type_align(const gpumm_type *type);        /* bytes */
GPUMM_API size_t gpumm_type_field_count(const gpumm_type *type);  /* 0 unless a struct */
GPUMM_API const gpumm_field *gpumm_type_field(const gpumm_type *type, size_t index); /* NULL outside */
GPUMM_API const char *gpumm_type_name(const gpumm_type *type);        /* "f32x3", "ends{from:u32,to:u32}"; borrowed */
GPUMM_API const char *gpumm_type_struct_name(const gpumm_type *type); /* "" where it has none; borrowed */
/* Same shape: names of structs do not count, names, types and order of fields do. */
GPUMM_API bool gpumm_type_equal(const gpumm_type *a, const gpumm_type *b);
/* Writes "typedef struct NAME { … } NAME;\n" as snprintf does; returns the length needed. NULL name: its own. */
GPUMM_API size_t gpumm_type_declaration(const gpumm_type *type, const char *name, char *text, size_t size);

/* ---- Growth ------------------------------------------------------------------------------- */

typedef enum gpumm_growth_kind {
    GPUMM_GROWTH_GEOMETRIC, /* ceil(capacity x factor) */
    GPUMM_GROWTH_LINEAR,    /* the next multiple of `step` that holds what is required */
    GPUMM_GROWTH_LIST,      /* the first entry that holds it; past the end, exactly what is required */
    GPUMM_GROWTH_EXACT,     /* exactly what is required */
    GPUMM_GROWTH_CALLBACK   /* what the function says, at least what is required */
} gpumm_growth_kind;

typedef struct gpumm_growth_request {
    const char *name;                 /* of the buffer or group, "" where it has none */
    uint64_t capacity, required, max; /* elements */
} gpumm_growth_request;

#define GPUMM_DEFAULT_FACTOR_PPM 1500000            /* of geometric growth: x1.5 */
#define GPUMM_DEFAULT_MAX_BYTES (UINT64_C(1) << 30) /* a buffer's maximum where none is given */

typedef struct gpumm_growth {
    gpumm_growth_kind kind;
    uint32_t factor_ppm;  /* parts per million, at least 1000000; 0: GPUMM_DEFAULT_FACTOR_PPM */
    uint64_t step;        /* elements */
    const uint64_t *list; /* elements, increasing; copied */
    size_t list_count;
    uint64_t (*callback)(void *user, const gpumm_growth_request *request); /* called without locks */
    void *user;
    uint64_t align;       /* capacities are multiples of this many elements; 0 and 1: any */
    uint64_t reserved[2]; /* 0 */
} gpumm_growth;

/* The next capacity, by the schedule alone: max(schedule, required), rounded up to align, clamped
   to max. OVER_MAX_SIZE where required is more than max; INVALID_ARGUMENT for a bad schedule. */
GPUMM_API gpumm_status gpumm_growth_next(const gpumm_growth *growth, const gpumm_growth_request *request,
                                         uint64_t *next);

/* ---- Budgets ------------------------------------------------------------------------------ */

/* A limit on logical bytes that several managers share. UINT64_MAX: no limit. */
typedef struct gpumm_budget gpumm_budget;
GPUMM_API gpumm_status gpumm_budget_open(uint64_t limit, gpumm_budget **out); /* OUT_OF_MEMORY */
GPUMM_API gpumm_budget *gpumm_budget_retain(gpumm_budget *budget);
GPUMM_API void gpumm_budget_release(gpumm_budget *budget);         /* managers that share it hold on to it */
GPUMM_API uint64_t gpumm_budget_limit(const gpumm_budget *budget); /* bytes */
GPUMM_API uint64_t gpumm_budget_used(const gpumm_budget *budget);  /* bytes, of all its managers */
/* A new limit; what is over it already stays, and nothing more is granted until it is under. */
GPUMM_API void gpumm_budget_set_limit(gpumm_budget *budget, uint64_t limit);

/* ---- Managers ----------------------------------------------------------------------------- */

typedef struct gpumm_manager gpumm_manager;
typedef struct gpumm_buffer gpumm_buffer;
typedef struct gpumm_group gpumm_group;
typedef struct gpumm_stream gpumm_stream;
typedef struct gpumm_event gpumm_event;
typedef struct gpumm_semaphore gpumm_semaphore;
typedef struct gpumm_readback gpumm_readback;
typedef struct gpumm_frame gpumm_frame;
typedef struct gpumm_scratch gpumm_scratch;
typedef struct gpumm_kernel gpumm_kernel;
typedef struct gpumm_recording gpumm_recording;

/* What goes wrong on purpose; all zero: nothing. */
typedef struct gpumm_fault {
    const char *call;     /* a device call by name, e.g. "commit"; NULL: any call */
    uint64_t nth;         /* the nth such call from now fails, 1 the next; 0: none does */
    gpumm_status status;  /* with this; OK: the call is skipped and reports success */
    uint64_t jitter;      /* not 0: a seed; every stream operation is delayed at random */
    const char *hold;     /* a kind of stream operation held shut from the start, or NULL:
                             "copy" (host <-> device), "snapshot" (device -> device), "fill", "launch" */
    uint64_t times;       /* so many such calls fail, one after another; 0: one. Not for the driver's entries */
    uint64_t reserved[2]; /* 0 */
} gpumm_fault;

typedef struct gpumm_trace gpumm_trace; /* see gpumm_trace_open */

typedef struct gpumm_options {
    size_t size;                /* sizeof(gpumm_options); 0: that of 0.2 */
    const char *device;         /* "auto" (NULL), "host", "cuda", "cuda:1", "cuda:GPU-uuid" */
    uint64_t limit;             /* the budget in logical bytes; 0: none */
    gpumm_budget *budget;       /* shared with other managers, or NULL; retained */
    uint64_t memory_bytes;      /* host device: its quota of "device" memory in bytes; 0: the machine's */
    uint64_t granularity_bytes; /* host device: commit granularity, a power of two; 0: 64 KiB */
    unsigned workers;           /* host device: threads that run kernels; 0: one a core */
    bool relocate;      /* grow by copying even where the device can grow in place; GPUMM_NO_VMM=1 asks for it too */
    bool leave_sigfpe;  /* host device: integer division by zero in a kernel raises SIGFPE as anywhere, which is the
                           application's; else it ends that launch with an error (x86-64) */
    bool debug;         /* keep canaries behind every buffer, checked at growth, free and check */
    bool inject_faults; /* put the fault device in between, with `fault` as its first plan */
    gpumm_fault fault;  /* all zero: nothing fails */
    void *context;      /* cuda: a CUcontext to use instead of the primary one; borrowed; NULL: the primary one */
    gpumm_allocator allocator; /* all zero: malloc's family */
    gpumm_log_fn log;          /* NULL: silent */
    void *log_user;
    gpumm_pressure_fn pressure; /* NULL: nobody is asked */
    void *pressure_user;
    unsigned spin_us;    /* microseconds that a wait looks at the device before its thread sleeps; 0: 50 */
    gpumm_trace *trace;  /* what the manager does is written there: gpumm_trace_open; NULL: nowhere. Retained */
    uint64_t spill;      /* bytes of pinned host memory that may stand for the device's where that has no more, as
                            gpumm_manager_promote says; 0: none */
    uint64_t spill_rate; /* host device: work on a buffer lasts as long as reading what is spilled of it at so many
                            bytes a second (0: no longer) */
} gpumm_options;

typedef struct gpumm_device_info {
    const char *kind;                  /* "host" or "cuda" */
    char name[128];                    /* "NVIDIA H100", "Intel Xeon …, 8 threads" */
    char why[256];                     /* how the choice came about, for people */
    uint64_t total_bytes;              /* of device memory (host: the quota) */
    uint64_t granularity_bytes;        /* bytes in which device memory is committed */
    uint64_t pinned_granularity_bytes; /* the same for pinned host memory */
    bool in_place;                     /* device memory grows in place */
    bool pinned_in_place;              /* pinned host memory grows in place */
    unsigned units;                    /* multiprocessors, or kernel threads on the host */
    int compute_major, compute_minor;  /* 0 on the host */
    int driver_version;                /* as the driver reports it, 13000 for 13.0; 0 on the host */
    char uuid[48];                     /* "GPU-…", "" on the host */
} gpumm_device_info;

/* NULL options: every default. OUT_OF_MEMORY, NO_DEVICE (the message says why), INVALID_ARGUMENT. */
GPUMM_API gpumm_status gpumm_manager_open(const gpumm_options *options, gpumm_manager **out);
/* Waits for the work that uses its memory, cancels what is pending, gives everything back. Leaks
   are logged as warnings first. Idempotent. Never call it from a callback of gpumm's. */
GPUMM_API void gpumm_manager_close(gpumm_manager *manager);
GPUMM_API gpumm_manager *gpumm_manager_retain(gpumm_manager *manager); /* after close, too */
GPUMM_API void gpumm_manager_release(gpumm_manager *manager);          /* the last one closes */
GPUMM_API bool gpumm_manager_is_closed(const gpumm_manager *manager);
/* Its device. Strings are copied, but for `kind`, which is static. */
GPUMM_API gpumm_status gpumm_manager_get_info_sized(gpumm_manager *manager, gpumm_device_info *out, size_t size);
static inline gpumm_status gpumm_manager_get_info(gpumm_manager *manager, gpumm_device_info *out) {
    return gpumm_manager_get_info_sized(manager, out, sizeof *out);
}
/* Borrowed: valid while the manager is open. */
GPUMM_API gpumm_stream *gpumm_manager_main(gpumm_manager *manager);
/* Waits until everything enqueued so far on every stream is done. */
GPUMM_API gpumm_status gpumm_manager_synchronize(gpumm_manager *manager);
/* Reports what went wrong in the background since the last call (OK: nothing), without waiting. */
GPUMM_API gpumm_status gpumm_manager_poll(gpumm_manager *manager);
/* Gives back every byte that no live buffer's capacity needs, now: what is cached and precommitted, slabs without a block,
   and, by moving it, what is committed in one piece and used in part. Where growth relocates, such a move changes an
   address and its generation. Waits for the work that uses it. `freed` (may be NULL) gets the committed bytes that
   went. */
GPUMM_API gpumm_status gpumm_manager_trim(gpumm_manager *manager, uint64_t *freed);
/*
 * With gpumm_options.spill, growth that the device has no memory for goes on in pinned host memory, once pressure has
 * found none (cached memory, what waits for its streams, the pressure hook): behind what is there, at the same address, so
 * that kernels, copies and recordings go on as before, at the speed of the bus. Such a growth first takes what the device
 * has left, but for pieces below a 4096th of it, which others need. It counts against the limit as any other, is booked as
 * `spilled`, and gpumm_buffer_residency says where it is. Where growth relocates, a buffer is in one or the other as a
 * whole. Slabs of small buffers, scratch and staging spill too. Shareable memory does not, and is refused. Nothing moves to
 * the device by itself.
 *
 * This moves what is spilled of buffers, as far as the device has room now, at most 64 MiB at a time (where growth
 * relocates: a buffer): calls that name the buffer or its group wait meanwhile, all others do not. Waits for the work that
 * uses it. Addresses stay where memory grows in place; else a move changes them, and their generation. Small buffers, scratch
 * and staging stay where they are, and what is lent as a tensor. `promoted` (may be NULL) gets the bytes that moved: fewer
 * than are spilled where the device has no room for more. Where the device fails, that piece stays as it was.
 */
GPUMM_API gpumm_status gpumm_manager_promote(gpumm_manager *manager, uint64_t *promoted);
/* Walks every structure and canary; DRIVER with the first damage found. Waits for the device. */
GPUMM_API gpumm_status gpumm_manager_check(gpumm_manager *manager);

/* ---- Traces -------------------------------------------------------------------------------- */

/*
 * A trace is a file of what managers do and when, as Chrome trace events in JSON, which https://ui.perfetto.dev and
 * chrome://tracing open; and a history, a CSV of what is taken of the device and given back.
 *
 * Each manager is a process of the trace, and each of its streams a track: kernels by name, copies, fills, captures with
 * their tickets, replays of recordings with their operations. Their times are the device's, by events that are read once they
 * have come, so that nothing waits. Events cost: so as many operations are timed as keep that below a hundredth of the
 * stream's work (the first 32 of each stream and the first 4 of each kind, which is a name and about a size; then those that take
 * so long that it is nothing to them; of the others some). What is not timed lies between those, where it was enqueued, and takes as
 * long as its like took; it says so: `"estimated": true`. Counters are the books' categories, `used`,
 * `committed`, `budget` and, where there is one, `limit`, which is the smaller one where a budget is shared (`shared budget`). The system's threads are tracks of one more process: growth,
 * precommits, retirements, moves, each commit and its like, frames that are delivered or dropped, steps of simulations.
 *
 * What happens is kept as it is told, in memory of a fixed size; a thread of the trace's makes lines of it and writes them. What
 * finds no room, because the disk does not keep up, is left out and counted: otherData.lost. Operations beyond 8192 under way are left out and
 * counted too. The file is whole JSON at any time, whatever ends the process.
 *
 * The history has the columns Thread,Time,Action,Pointer,Size,Stream and the actions allocate, allocate failure and free,
 * as RMM's logging_resource_adaptor writes them, of physical memory on the device and of pinned memory: its sum is at
 * any time what the books call committed. No line of it is ever left out, but for failures.
 */
typedef struct gpumm_trace_options {
    size_t size;               /* sizeof(gpumm_trace_options); 0: that of 0.2 */
    const char *path;          /* of the trace, written over; NULL: none */
    const char *history;       /* of the history, written over; NULL: none. One of the two is given */
    uint64_t buffer_bytes;     /* of lines that wait to be written, at least 128 KiB; 0: 2 MiB */
    gpumm_allocator allocator; /* all zero: malloc's family */
    bool detail; /* every operation is timed by events of its own, which small ones notice; else some are */
} gpumm_trace_options;

/* IO says why a path cannot be written. INVALID_ARGUMENT for no path, and where both are one file. Managers are
   traced that are opened with it: gpumm_options.trace. */
GPUMM_API gpumm_status gpumm_trace_open(const gpumm_trace_options *options, gpumm_trace **out);
/* Ends the files; managers go on untraced. What has not come on the device yet is not in them: close the managers
   first, or synchronize. IO: a file could not be written; it is whole up to there. May be called again, and says the same.
   Not while another thread opens or closes a manager with it. */
GPUMM_API gpumm_status gpumm_trace_close(gpumm_trace *trace);
GPUMM_API gpumm_trace *gpumm_trace_retain(gpumm_trace *trace);
GPUMM_API void gpumm_trace_release(
    gpumm_trace *trace); /* the last one closes; a manager holds one until it is closed */
/* Now, in nanoseconds of a clock that only goes on. */
GPUMM_API uint64_t gpumm_trace_now(void);
/* Something of the application's own, from `since_ns` (gpumm_trace_now) until now, on the track of the calling thread. Nothing
   where the trace is closed. */
GPUMM_API gpumm_status gpumm_trace_slice(gpumm_trace *trace, const char *name, int64_t number, uint64_t since_ns);

/* ---- The ledger --------------------------------------------------------------------------- */

/* Logical: what was asked for, counted against the limit. Physical: held beside that. */
#define GPUMM_CATEGORY_MAP(X) \
    X(BUFFERS, "buffers", true) /* capacities */ \
    X(SCRATCH, "scratch", true) \
    X(STAGING, "staging", true)            /* readback slots on the device */ \
    X(PINNED, "pinned", true)              /* readback slots on the host */ \
    X(PRECOMMITTED, "precommitted", false) /* committed for coming growths */ \
    X(CACHED, "cached", false)             /* freed, kept for reuse */ \
    X(SLACK, "slack", false)               /* granularity, transfer blocks */ \
    X(EXTERNAL, "external", false)         /* declared by the application */ \
    X(EXPORTED, "exported", false)         /* freed here, held by those who imported it */ \
    X(SPILLED, "spilled", false) /* of what the others hold on the device: what is the host's memory instead */

typedef enum gpumm_category {
#define GPUMM_CATEGORY_ENUM(name, text, logical) GPUMM_CATEGORY_##name,
    GPUMM_CATEGORY_MAP(GPUMM_CATEGORY_ENUM)
#undef GPUMM_CATEGORY_ENUM
        GPUMM_CATEGORY_COUNT
} gpumm_category;
enum { GPUMM_CATEGORIES_MAX = 16 }; /* there will never be more */

typedef struct gpumm_entry {
    uint64_t now_bytes, peak_bytes;
    uint64_t count; /* live blocks */
    uint64_t total; /* blocks ever made */
    uint64_t reserved[2];
} gpumm_entry;

typedef struct gpumm_stats {
    /* The ancestor's six. Bytes are of buffers' capacities. */
    uint64_t total_allocated_bytes, peak_allocated_bytes;
    uint64_t buffer_count, allocation_count, resize_count, async_transfer_count;
    /* The rest of the books. */
    uint64_t limit_bytes; /* UINT64_MAX: none */
    uint64_t used_bytes;  /* what counts against the limit */
    uint64_t peak_used_bytes;
    uint64_t committed_bytes; /* what is really held of device and pinned memory */
    uint64_t peak_committed_bytes;
    uint64_t dropped_frames;
    uint64_t gate_waits; /* calls that waited while the memory under a buffer's address was exchanged */
    uint64_t
        striped_bytes[GPUMM_DEVICES_MAX]; /* of committed_bytes: what striped buffers hold on each device, by number */
    gpumm_entry entry[GPUMM_CATEGORIES_MAX]; /* by gpumm_category */
} gpumm_stats;

/* Readable after close too (all `now` are 0 then). */
GPUMM_API gpumm_status gpumm_manager_get_stats_sized(gpumm_manager *manager, gpumm_stats *out, size_t size);
static inline gpumm_status gpumm_manager_get_stats(gpumm_manager *manager, gpumm_stats *out) {
    return gpumm_manager_get_stats_sized(manager, out, sizeof *out);
}
GPUMM_API const char *gpumm_category_name(gpumm_category category); /* "buffers", …; a static string */

/* One live block of the books. */
typedef struct gpumm_block {
    const char *name; /* "" where it has none */
    const char *tag;  /* who asked: "layout.lua:12", or the C tag; "" where nobody said */
    gpumm_category category;
    uint64_t bytes;           /* logical */
    uint64_t committed_bytes; /* physical */
    gpumm_address address;    /* 0 for pinned memory not on the device */
} gpumm_block;

typedef void (*gpumm_block_fn)(void *user, const gpumm_block *block);
/* Every live block, largest first; called without locks, strings valid in the call. Returns how many. */
GPUMM_API size_t gpumm_manager_blocks(gpumm_manager *manager, gpumm_block_fn each, void *user);
/* Named buffers alive that nobody freed; after close, those that close found. Returns how many. */
GPUMM_API size_t gpumm_manager_leaks(gpumm_manager *manager, gpumm_block_fn each, void *user);
/* Books memory that the application took by itself (bytes > 0) or gave back (< 0): reported, never
   limited. INVALID_ARGUMENT where more goes than there is. */
GPUMM_API gpumm_status gpumm_manager_external(gpumm_manager *manager, int64_t bytes);

/* ---- Streams and events ------------------------------------------------------------------- */

/* A stream beside the main one: an own queue of the device's. */
GPUMM_API gpumm_status gpumm_stream_open(gpumm_manager *manager, gpumm_stream **out);
/* Wraps a stream that the application owns and keeps alive until the wrapper is released and its work is done (cuda: a
   CUstream of the manager's context). INVALID_ARGUMENT for NULL, and on the host device. */
GPUMM_API gpumm_status gpumm_stream_wrap(gpumm_manager *manager, void *native, gpumm_stream **out);
GPUMM_API gpumm_stream *gpumm_stream_retain(gpumm_stream *stream);
/* The last one closes it. */
GPUMM_API void gpumm_stream_release(gpumm_stream *stream);
/* Ends it: later calls on it are STALE, the work on it finishes in the background, and with it go its queue (host: its
   thread) and its scratch memory. Never waits. Not while another thread makes a call with it, as of events and kernels. INVALID_ARGUMENT for
   the main stream, which goes with its manager. */
GPUMM_API gpumm_status gpumm_stream_close(gpumm_stream *stream);
GPUMM_API gpumm_manager *gpumm_stream_manager(const gpumm_stream *stream); /* borrowed */
GPUMM_API void *gpumm_stream_native(const gpumm_stream *stream);           /* CUstream, borrowed; NULL on the host */
/* Waits until what is enqueued on it so far is done. NULL is INVALID_ARGUMENT, here and in the next two. */
GPUMM_API gpumm_status gpumm_stream_synchronize(gpumm_stream *stream);
/* Is everything on it done? Never waits. */
GPUMM_API gpumm_status gpumm_stream_idle(gpumm_stream *stream, bool *idle);
/* An event that is ready once what is enqueued on the stream so far is done. */
GPUMM_API gpumm_status gpumm_stream_record(gpumm_stream *stream, gpumm_event **out);
/* Records the event anew, as if it had been made now, on the stream (NULL: the main one of the event's manager): costs less
   than making one. Who waits for it on the device waits for the place before; a thread in gpumm_event_wait may wait for
   the new one. INVALID_ARGUMENT where they are of different managers, STALE where one is closed. */
GPUMM_API gpumm_status gpumm_event_record(gpumm_event *event, gpumm_stream *stream);
/* What is enqueued on the stream (NULL: the main one of the event's manager) from now waits for the event, on the
   device. INVALID_ARGUMENT where they are of different managers. */
GPUMM_API gpumm_status gpumm_stream_wait(gpumm_stream *stream, gpumm_event *event);
GPUMM_API gpumm_event *gpumm_event_retain(gpumm_event *event);
GPUMM_API void gpumm_event_release(gpumm_event *event); /* the last one closes it */
/* Ends it: later calls on it are STALE. Streams that wait for it on the device still do; a thread in gpumm_event_wait
   returns once it has come. */
GPUMM_API void gpumm_event_close(gpumm_event *event);
/* Has it come? Never waits. */
GPUMM_API gpumm_status gpumm_event_ready(gpumm_event *event, bool *ready);
/* TIMEOUT after `seconds`; negative: no bound. */
GPUMM_API gpumm_status gpumm_event_wait(gpumm_event *event, double seconds);
/* Seconds of the device's time between two events of one manager. BUSY where one has not come yet. */
GPUMM_API gpumm_status gpumm_event_elapsed(gpumm_event *from, gpumm_event *to, double *seconds);

/* ---- Semaphores of others ------------------------------------------------------------------ */

/* A timeline semaphore that another API or process made: a number that only grows, which both sides raise and wait for, so
   that their work on one device is ordered without the host. cuda: a Vulkan semaphore of type timeline, exported as an opaque descriptor
   (vkGetSemaphoreFdKHR). host: gpumm_semaphore_stand_in. The descriptor stays the caller's, who may close it right after.
   INVALID_ARGUMENT for what is no such descriptor, as far as the driver tells. */
GPUMM_API gpumm_status gpumm_semaphore_import(gpumm_manager *manager, int descriptor, gpumm_semaphore **out);
/* What host devices import, in this process or in those that the descriptor is given to; at 0. The caller's to close. IO. */
GPUMM_API gpumm_status gpumm_semaphore_stand_in(int *descriptor);
GPUMM_API gpumm_semaphore *gpumm_semaphore_retain(gpumm_semaphore *semaphore);
GPUMM_API void gpumm_semaphore_release(gpumm_semaphore *semaphore); /* the last one closes it */
/* Ends it here: later calls are STALE; it goes behind the work that uses it, and stays what it is for others. */
GPUMM_API void gpumm_semaphore_close(gpumm_semaphore *semaphore);
GPUMM_API gpumm_manager *gpumm_semaphore_manager(const gpumm_semaphore *semaphore); /* borrowed */
/* Raises it to `value` once what is enqueued on the stream so far is done. The value is beyond every one signalled before, by
   whichever side: else what happens is undefined (host: nothing does). INVALID_ARGUMENT.
   Signals and waits are in no recording (gpumm_recording): they are enqueued between its replays, each with a value of its own. */
GPUMM_API gpumm_status gpumm_semaphore_signal(gpumm_semaphore *semaphore, gpumm_stream *stream, uint64_t value);
/* What is enqueued on the stream from now waits, on the device, until it is at least `value`, which may be signalled later. A value
   that never comes holds the stream for ever, and with it whoever waits for the stream: the manager's close, for one. As signal. */
GPUMM_API gpumm_status gpumm_semaphore_wait(gpumm_semaphore *semaphore, gpumm_stream *stream, uint64_t value);

/* ---- Buffers and groups ------------------------------------------------------------------- */

/* Instead of a number of growth steps. AUTO: what has grown twice has its next step committed in advance where that is at
   most 16 MiB, one step each, and not more than a sixteenth of the device's memory for all together. */
enum { GPUMM_AHEAD_AUTO = 0, GPUMM_AHEAD_NONE = 0x7fffffff };

typedef struct gpumm_buffer_options {
    size_t size;             /* sizeof(gpumm_buffer_options); 0: that of 0.2 */
    const char *name;        /* 1 to 255 bytes, owned by the manager; NULL: anonymous, owned by its handle */
    const gpumm_type *type;  /* NULL: 4 opaque bytes an element */
    uint64_t length;         /* elements, zeroed; 0: none yet */
    uint64_t max_length;     /* elements; 0: by max_size_bytes */
    uint64_t max_size_bytes; /* 0: 1 GiB */
    uint64_t min_size_bytes; /* capacity is at least this; 0: no more than the length needs */
    gpumm_growth growth;     /* all zero: geometric, x1.5 */
    unsigned ahead;          /* growth steps, 1 to 256, to commit in advance, on a worker, where the budget
                                 would grant them; GPUMM_AHEAD_AUTO (0), GPUMM_AHEAD_NONE */
    bool enable_async;       /* start_async_download may be used; costs two slots on both sides */
    gpumm_stream *stream;    /* where the zeros are written; NULL: the main stream */
    const char *tag;         /* who asks, for the books; copied; NULL: nobody says */
    bool shareable;          /* its memory, whole commit steps of its own, can be exported: gpumm_buffer_segments */
    const unsigned *devices; /* of a striped buffer: numbers, the manager's own among them; copied; NULL: not striped */
    size_t device_count;     /* 0: it is on the manager's device alone */
    uint64_t stripe;         /* bytes on one device before the next takes its turn, at most 1 GiB; 0: 64 MiB */
} gpumm_buffer_options;

/*
 * A striped buffer has one address range, whose memory is on several devices in turn: bytes [i * stripe, (i + 1) * stripe), the
 * stripe rounded up to what they commit, are on devices[i % device_count]. All of the devices can use all of it, each at its own
 * speed where the memory is its own and at that of the link where it is another's. Growth goes on in turn, at the same address;
 * what shrinks goes back from the end, in whole stripes, which is also what it takes: at least one. gpumm_buffer_residency says
 * what is where, gpumm_stats.striped_bytes what each device holds. It counts against the limit by its capacity, as any other, so
 * that it may hold nearly a stripe beyond it; it does not spill, is never moved or cached, and is not shareable.
 *
 * "cuda:N" is number N. Kernels of another manager, of one of its devices, take the buffer as its own manager's do, in order on
 * both sides (not in recordings), and gpumm_buffer_copy copies to that manager's buffers and from them. The devices must be able
 * to use one another's memory (cuDeviceCanAccessPeer), or NO_DEVICE names the two that cannot; NO_DEVICE too where there is no such
 * device. INVALID_ARGUMENT where memory does not grow in place, for more than 64 different stripes in a manager, and for what is
 * said above. The host device takes any numbers, and has its quota for each of them anew, but no more than the machine's memory
 * in all: so a program for several GPUs runs without one.
 */

/* ALREADY_EXISTS (whatever the other's type), OVER_LIMIT, OVER_MAX_SIZE, OUT_OF_MEMORY, NO_DEVICE (of devices), INVALID_ARGUMENT. */
GPUMM_API gpumm_status gpumm_manager_allocate(gpumm_manager *manager, const gpumm_buffer_options *options,
                                              gpumm_buffer **out);
/* By name; TYPE_MISMATCH where `type` (may be NULL) is another; NOT_FOUND. */
GPUMM_API gpumm_status gpumm_manager_find(gpumm_manager *manager, const char *name, const gpumm_type *type,
                                          gpumm_buffer **out);
/* gpumm_buffer_close by name. NOT_FOUND. */
GPUMM_API gpumm_status gpumm_manager_free(gpumm_manager *manager, const char *name);
typedef void (*gpumm_name_fn)(void *user, const char *name);
/* Every name in the order of making, those that are freed or made meanwhile perhaps; called without locks, the name valid in
   the call. Returns how many. */
GPUMM_API size_t gpumm_manager_names(gpumm_manager *manager, gpumm_name_fn each, void *user);
/* The nth name in the order of making, into text as snprintf does; NOT_FOUND past the last. For a few: each call counts from
   the first, and misses one where an earlier one is freed meanwhile. */
GPUMM_API gpumm_status gpumm_manager_name(gpumm_manager *manager, size_t index, char *text, size_t size);

typedef enum gpumm_access { GPUMM_ACCESS_READ, GPUMM_ACCESS_WRITE } gpumm_access;

typedef struct gpumm_buffer_info {
    uint64_t length, capacity, max_length; /* elements */
    uint64_t capacity_bytes;
    uint64_t committed_bytes; /* of whole commit steps; 0 for a buffer in the slab */
    gpumm_address address;
    uint64_t generation;     /* 1, and one more for every move (never, where memory grows in place) */
    uint64_t reserved_bytes; /* of address space */
    uint64_t mapping;        /* how often its physical memory was exchanged: by shrink_to_fit, trim, promote and under
                                pressure, which keep the address where memory grows in place */
    uint64_t given_back; /* how often some of its physical memory went; who imported its segments looks at all of them
                                again then, as others may have come in their place. `mapping` has the exchanges alone */
} gpumm_buffer_info;

GPUMM_API gpumm_buffer *gpumm_buffer_retain(gpumm_buffer *buffer); /* a member's holds its group */
/* An anonymous buffer goes with its last handle; a named one stays with its manager. */
GPUMM_API void gpumm_buffer_release(gpumm_buffer *buffer);
/* Frees now, unless a tensor of it is lent or it is pinned (gpumm_buffer_dlpack, gpumm_buffer_pin: BUSY). Memory returns behind the work that uses it. Pending captures
   are CANCELLED. A member of a group is not freed alone: INVALID_ARGUMENT. Every later call on a handle of it returns STALE. */
GPUMM_API gpumm_status gpumm_buffer_close(gpumm_buffer *buffer);
/* As it is now: another thread may grow it right after, which changes no address where memory grows in place. */
GPUMM_API gpumm_status gpumm_buffer_get_info_sized(gpumm_buffer *buffer, gpumm_buffer_info *out, size_t size);
static inline gpumm_status gpumm_buffer_get_info(gpumm_buffer *buffer, gpumm_buffer_info *out) {
    return gpumm_buffer_get_info_sized(buffer, out, sizeof *out);
}
GPUMM_API const char *gpumm_buffer_name(const gpumm_buffer *buffer);       /* "" where anonymous; borrowed */
GPUMM_API const gpumm_type *gpumm_buffer_type(const gpumm_buffer *buffer); /* borrowed from the handle */
GPUMM_API gpumm_manager *gpumm_buffer_manager(const gpumm_buffer *buffer); /* borrowed from the handle */
GPUMM_API gpumm_group *gpumm_buffer_group(const gpumm_buffer *buffer);     /* borrowed; NULL when alone */

/* Contents. Ranges are in elements and lie within the length, or INVALID_ARGUMENT; `data` and `element` are in the
   buffer's type and stay the caller's. What reaches the device in parts may be written in part where the device
   refuses a later one (DRIVER, DEVICE_LOST): uploads of more than 1 MiB, and fills with elements that repeat no
   1, 2 or 4 bytes. What is appended is not in the length then.
   An upload has taken `data` when it returns; one larger than the stream's transfer block, 2 MiB, waits for the
   stream. */
GPUMM_API gpumm_status gpumm_buffer_upload(gpumm_buffer *buffer, gpumm_stream *stream, uint64_t first, uint64_t count,
                                           const void *data);
/* Waits for the stream, and for who wrote the buffer: `data` is filled when this returns. */
GPUMM_API gpumm_status gpumm_buffer_download(gpumm_buffer *buffer, gpumm_stream *stream, uint64_t first, uint64_t count,
                                             void *data);
/* `count` times the same element, which has been taken when this returns. */
GPUMM_API gpumm_status gpumm_buffer_fill(gpumm_buffer *buffer, gpumm_stream *stream, uint64_t first, uint64_t count,
                                         const void *element);
/* On a stream of the manager of `to`. `from` may be another manager's, of the same kind of device: the copy goes between the two
   devices, behind who uses `from` there, and who uses it next there is behind the copy. TYPE_MISMATCH where the element types
   differ; overlapping ranges of one buffer, and a buffer on another kind of device, are INVALID_ARGUMENT. */
GPUMM_API gpumm_status gpumm_buffer_copy(gpumm_buffer *to, gpumm_stream *stream, uint64_t to_first, gpumm_buffer *from,
                                         uint64_t from_first, uint64_t count);

/* Size. On a member they act on its whole group. OVER_MAX_SIZE, OVER_LIMIT and OUT_OF_MEMORY name the buffer, the
   request, the largest holders and what is free.
   A new length, in elements: what enters it is zero, on the stream; the capacity grows by the schedule, and stays
   where the length shrinks. */
GPUMM_API gpumm_status gpumm_buffer_resize(gpumm_buffer *buffer, gpumm_stream *stream, uint64_t length);
/* Room for `capacity` elements, by the schedule; the length stays. Never less than there is. */
GPUMM_API gpumm_status gpumm_buffer_ensure_capacity(gpumm_buffer *buffer, uint64_t capacity);
/* ensure_capacity for callers that evaluate a schedule themselves: grows to `proposed` where that
   holds `required` and fits, else to `required`. */
GPUMM_API gpumm_status gpumm_buffer_grow(gpumm_buffer *buffer, uint64_t required, uint64_t proposed);
/* The capacity becomes what the length needs, `align` kept. Memory returns behind the work that uses it: whole segments,
   and by moving what is used in part where that is worth the copy: before this returns where no work uses the buffer and
   at most 64 MiB are copied, else in the background. The address stays where memory grows in place; calls on the buffer
   wait for the moment in which its memory is exchanged. */
GPUMM_API gpumm_status gpumm_buffer_shrink_to_fit(gpumm_buffer *buffer);
/* Adds `count` elements behind the length. INVALID_ARGUMENT for a member: append to its group. */
GPUMM_API gpumm_status gpumm_buffer_append(gpumm_buffer *buffer, gpumm_stream *stream, uint64_t count,
                                           const void *data);
/* Declares work that gpumm did not launch. Before enqueueing it: `stream` then waits for earlier
   users, and later users wait for `stream`. */
GPUMM_API gpumm_status gpumm_buffer_used(gpumm_buffer *buffer, gpumm_stream *stream, gpumm_access access);
/* From here until as many calls of gpumm_buffer_unpin the memory stays where it is, so that an address lasts from gpumm_buffer_used until
   all is enqueued, whatever other threads do: the buffer is busy, as with a tensor (gpumm_buffer_dlpack): it can grow, and is not freed,
   shrunk, promoted or exchanged by a trim. Of a member: its whole group. (The manager's close frees it.) */
GPUMM_API gpumm_status gpumm_buffer_pin(gpumm_buffer *buffer);
/* From any thread. INVALID_ARGUMENT where it is not pinned. */
GPUMM_API gpumm_status gpumm_buffer_unpin(gpumm_buffer *buffer);

/* A piece of a buffer's memory: its bytes from `offset` on. */
typedef struct gpumm_segment {
    uint64_t offset, bytes; /* whole commit steps; capacity is what they hold, and more may be committed */
    int descriptor; /* the caller's to close, and to import as the device's own calls do (cuda: a POSIX descriptor for
                               cuMemImportFromShareableHandle; host: a file to map); -1: none */
    int reserved;
} gpumm_segment;

/* The segments that its memory is in, as it is now: growth adds some behind. Writes at most `room` of them; `count` is how many
   there are. `descriptors`: of a shareable buffer, each with one. Who has a descriptor decides what is done with the memory:
   that it is only read is a matter of trust. A segment that was exported is never moved or used again: once gpumm has
   unmapped it (the buffer was freed, or shrank) its bytes are booked as `exported`, until gpumm_manager_exports_over.
   INVALID_ARGUMENT. */
GPUMM_API gpumm_status gpumm_buffer_segments(gpumm_buffer *buffer, bool descriptors, gpumm_segment *segments,
                                             size_t room, size_t *count);
/* Those from number `first` on, for who has the ones before: `count` is of all. */
GPUMM_API gpumm_status gpumm_buffer_segments_from(gpumm_buffer *buffer, size_t first, bool descriptors,
                                                  gpumm_segment *segments, size_t room, size_t *count);
/* The application says that nobody has a descriptor of gpumm_buffer_segments any more, or memory imported by one. */
GPUMM_API gpumm_status gpumm_manager_exports_over(gpumm_manager *manager);

/* Where a buffer's memory lies. */
typedef enum gpumm_tier {
    GPUMM_TIER_DEVICE,
    GPUMM_TIER_HOST /* pinned host memory that stands for the device's: gpumm_manager_promote */
} gpumm_tier;

typedef struct gpumm_residency {
    uint64_t offset, bytes; /* of the buffer's memory, in whole commit steps; of a small buffer its block */
    gpumm_tier tier;
    int device; /* of a striped buffer: the number of the device that has it; else -1 */
} gpumm_residency;

/* The pieces that its memory lies in, as it is now, in order and side by side. Writes at most `room` of them; `count` is how
   many there are. */
GPUMM_API gpumm_status gpumm_buffer_residency(gpumm_buffer *buffer, gpumm_residency *pieces, size_t room,
                                              size_t *count);

/* DLPack's versioned tensors (its header has the struct), for NumPy, PyTorch, CuPy and others. */
struct DLManagedTensorVersioned;
/* The buffer as a tensor of `length` elements, or rows for vectors and opaque bytes, without a copy. Until its deleter is called, which
   may be from any thread, the buffer is busy: it can grow, and is not freed or shrunk. (The manager's close frees it: give it back
   before.) `stream` waits for those who use the buffer, and counts as using it from then on; NULL: this call waits. Read only for
   an attached buffer. TYPE_MISMATCH for structs. */
GPUMM_API gpumm_status gpumm_buffer_dlpack(gpumm_buffer *buffer, gpumm_stream *stream,
                                           struct DLManagedTensorVersioned **out);
/* Copies a tensor of the same kind of elements, in host memory or on this device, to elements `first` and on; it stays the caller's, and has
   been read when this returns. TYPE_MISMATCH, INVALID_ARGUMENT. */
GPUMM_API gpumm_status gpumm_buffer_take_dlpack(gpumm_buffer *buffer, gpumm_stream *stream, uint64_t first,
                                                const struct DLManagedTensorVersioned *tensor);

typedef struct gpumm_member {
    const char *name;
    const gpumm_type *type;
    void *reserved; /* NULL */
} gpumm_member;

typedef struct gpumm_group_options {
    size_t size;                 /* sizeof(gpumm_group_options); 0: that of 0.2 */
    const char *name;            /* for messages and the books; NULL: none. Members are "name.member" there */
    const gpumm_member *members; /* required */
    size_t member_count;         /* 1 to 64 */
    uint64_t length, max_length; /* elements; max 0: as many as 1 GiB of the widest member holds */
    uint64_t min_length;         /* capacity is at least this; 0: no more than the length needs */
    gpumm_growth growth;         /* all zero: geometric, x1.5 */
    unsigned ahead;              /* as a buffer's; 0: GPUMM_AHEAD_AUTO */
    bool unowned;                /* it goes with its last handle, its members' among them, as an anonymous buffer does;
                                else it belongs to the manager until gpumm_group_close or the manager's close, as named buffers do */
    gpumm_stream *stream;        /* where the zeros are written; NULL: the main stream */
    const char *tag;             /* who asks, for the books; copied; NULL: nobody says */
    bool shareable;              /* as a buffer's */
} gpumm_group_options;

/* OVER_LIMIT, OVER_MAX_SIZE, OUT_OF_MEMORY, INVALID_ARGUMENT. */
GPUMM_API gpumm_status gpumm_group_open(gpumm_manager *manager, const gpumm_group_options *options, gpumm_group **out);
GPUMM_API gpumm_group *gpumm_group_retain(gpumm_group *group);
GPUMM_API void gpumm_group_release(gpumm_group *group); /* frees nothing, unless it is unowned */
/* Frees every member now, as gpumm_buffer_close does. */
GPUMM_API gpumm_status gpumm_group_close(gpumm_group *group);
GPUMM_API const char *gpumm_group_name(const gpumm_group *group);       /* "" where it has none; borrowed */
GPUMM_API size_t gpumm_group_count(const gpumm_group *group);           /* members */
GPUMM_API gpumm_manager *gpumm_group_manager(const gpumm_group *group); /* borrowed */
/* Borrowed from the group's handle; NULL outside. */
GPUMM_API gpumm_buffer *gpumm_group_at(gpumm_group *group, size_t index);
/* The same by name; NULL where there is none. */
GPUMM_API gpumm_buffer *gpumm_group_member(gpumm_group *group, const char *name);
GPUMM_API const char *gpumm_group_member_name(const gpumm_group *group, size_t index); /* borrowed; NULL outside */
/* Length, capacity and max in elements; bytes summed over members; address is the first member's. */
GPUMM_API gpumm_status gpumm_group_get_info_sized(gpumm_group *group, gpumm_buffer_info *out, size_t size);
static inline gpumm_status gpumm_group_get_info(gpumm_group *group, gpumm_buffer_info *out) {
    return gpumm_group_get_info_sized(group, out, sizeof *out);
}
/* As the buffers' four, in elements of every member: all or none. */
GPUMM_API gpumm_status gpumm_group_resize(gpumm_group *group, gpumm_stream *stream, uint64_t length);
/* gpumm_buffer_ensure_capacity of every member. */
GPUMM_API gpumm_status gpumm_group_ensure_capacity(gpumm_group *group, uint64_t capacity);
/* gpumm_buffer_grow of every member. */
GPUMM_API gpumm_status gpumm_group_grow(gpumm_group *group, uint64_t required, uint64_t proposed);
/* gpumm_buffer_shrink_to_fit of every member. */
GPUMM_API gpumm_status gpumm_group_shrink_to_fit(gpumm_group *group);
/* Adds `count` elements behind the length, from one array a member, in member order; a NULL array leaves zeros. They
   have been taken when this returns. All or none. */
GPUMM_API gpumm_status gpumm_group_append(gpumm_group *group, gpumm_stream *stream, uint64_t count,
                                          const void *const *columns);

/* Scratch: device memory for one step, from the slab, at least 1 byte. Its contents are undefined. Work that uses it
   runs on `stream`, or is declared with gpumm_scratch_used; releasing it does not wait. There is one handle, of
   the caller's. OVER_LIMIT, OUT_OF_MEMORY, INVALID_ARGUMENT. */
GPUMM_API gpumm_status gpumm_scratch_open(gpumm_manager *manager, gpumm_stream *stream, uint64_t bytes,
                                          gpumm_scratch **out);
GPUMM_API void gpumm_scratch_release(gpumm_scratch *scratch); /* its memory returns behind the work that uses it */
GPUMM_API gpumm_address gpumm_scratch_address(const gpumm_scratch *scratch); /* valid until it is released */
GPUMM_API uint64_t gpumm_scratch_bytes(const gpumm_scratch *scratch);        /* as asked for */
/* gpumm_buffer_used of scratch. */
GPUMM_API gpumm_status gpumm_scratch_used(gpumm_scratch *scratch, gpumm_stream *stream, gpumm_access access);

/* ---- Readbacks ---------------------------------------------------------------------------- */

/* What a capture does where every slot is taken. Each policy counts as dropped what nobody was given. */
typedef enum gpumm_busy_policy {
    GPUMM_BUSY_DROP,   /* it is refused at once: BUSY */
    GPUMM_BUSY_NEWEST, /* it takes the place of the oldest frame that nobody took, once that has arrived */
    GPUMM_BUSY_WAIT    /* nothing is replaced: it waits for copies under way; BUSY where only a taker could help */
} gpumm_busy_policy;

/* Where a frame's memory is. */
typedef enum gpumm_frame_place {
    GPUMM_FRAMES_ON_HOST, /* pinned host memory: gpumm_frame_data */
    GPUMM_FRAMES_ON_DEVICE /* the slot's memory on the device, for kernels and other users of the device: gpumm_frame_device */
} gpumm_frame_place;

#define GPUMM_INLINE_NEVER UINT64_MAX

typedef struct gpumm_readback_options {
    size_t size;                  /* sizeof(gpumm_readback_options); 0: that of 0.2 */
    gpumm_buffer *const *buffers; /* one buffer, or members of one group: one snapshot, one copy; required */
    size_t buffer_count;
    unsigned slots;         /* frames that can be under way or held at once: 2 to 64; 0: 2 */
    bool direct;            /* skip the device staging; the next writer waits for the copy */
    gpumm_busy_policy busy; /* 0: GPUMM_BUSY_DROP */
    double wait_seconds; /* GPUMM_BUSY_WAIT: how long for another thread to take a frame; 0: not; negative: no bound */
    uint64_t inline_bytes; /* snapshots up to so large are copied to the host on the producing stream, without staging;
                              0: as is best on the device; GPUMM_INLINE_NEVER */
    const char *tag;       /* who asks, for the books; copied; NULL: nobody says */
    /* 0: GPUMM_FRAMES_ON_HOST. On the device there are no copies to the host, and a slot whose frame ended is free again once
       the work that read it is through: captures never wait for readers. Not with `direct`. */
    gpumm_frame_place where;
    bool shareable; /* frames on the device that another process can take: gpumm_share_open */
} gpumm_readback_options;

typedef uint64_t gpumm_ticket; /* 1, 2, 3 … for each readback; 0 as an argument: the newest */

typedef struct gpumm_frame_info {
    int64_t step;        /* as given to capture */
    uint64_t length;     /* elements of each member, as at the capture */
    uint64_t generation; /* of the first buffer, as at the capture */
    double time;         /* seconds, monotonic, at the capture */
    uint64_t dropped;    /* captures of this readback that no one was given so far, at the capture */
    gpumm_ticket ticket;
} gpumm_frame_info;

/* Takes its slots' memory on both sides, for the buffers' capacity. OVER_LIMIT, OUT_OF_MEMORY, INVALID_ARGUMENT. */
GPUMM_API gpumm_status gpumm_readback_open(const gpumm_readback_options *options, gpumm_readback **out);
GPUMM_API gpumm_readback *gpumm_readback_retain(gpumm_readback *readback);
/* The last one closes; a frame's handle is one, too. */
GPUMM_API void gpumm_readback_release(gpumm_readback *readback);
/* Pending tickets are CANCELLED and every later call is, kept frames stay readable. Idempotent; never waits. */
GPUMM_API void gpumm_readback_close(gpumm_readback *readback);
GPUMM_API gpumm_manager *gpumm_readback_manager(const gpumm_readback *readback);       /* borrowed */
GPUMM_API size_t gpumm_readback_count(const gpumm_readback *readback);                 /* members */
GPUMM_API gpumm_buffer *gpumm_readback_buffer(gpumm_readback *readback, size_t index); /* borrowed */
/* A snapshot of the work enqueued on `stream` so far (NULL: the stream that wrote last); `ticket` may be NULL. BUSY where every
   slot is taken and the policy refuses it, which counts as dropped. */
GPUMM_API gpumm_status gpumm_readback_capture(gpumm_readback *readback, gpumm_stream *stream, int64_t step,
                                              gpumm_ticket *ticket);
/* The same for a caller who can make room and try again: BUSY does not count as dropped, takers are not waited for. */
GPUMM_API gpumm_status gpumm_readback_try_capture(gpumm_readback *readback, gpumm_stream *stream, int64_t step,
                                                  gpumm_ticket *ticket);
/* Has it arrived? Never waits. NOT_PENDING where nothing was captured; CANCELLED; STALE for a ticket whose slot is in
   other use; INVALID_ARGUMENT for one that was never given. Where it has not arrived and the device says that it
   cannot (DEVICE_LOST, DRIVER, …), that is the status here, and of wait, latest and next. */
GPUMM_API gpumm_status gpumm_readback_ready(gpumm_readback *readback, gpumm_ticket ticket, bool *ready);
/* Delivers that frame, one reference for the caller. TIMEOUT after `seconds` (negative: no bound), and as ready. Ends
   the frame delivered before. */
GPUMM_API gpumm_status gpumm_readback_wait(gpumm_readback *readback, gpumm_ticket ticket, double seconds,
                                           gpumm_frame **out);
/* Delivers the newest frame that has arrived and lets older ones go, which count as dropped; the same again where
   nothing newer came; NULL where none ever did. Never blocks. */
GPUMM_API gpumm_status gpumm_readback_latest(gpumm_readback *readback, gpumm_frame **out);
/* Delivers the oldest frame that was not delivered; NULL where it has not arrived, or there is none. Never blocks. */
GPUMM_API gpumm_status gpumm_readback_next(gpumm_readback *readback, gpumm_frame **out);
/* It will not be delivered, and its slot is free once its copy is through; it does not count as dropped. As ready;
   NOT_PENDING also where it was delivered. */
GPUMM_API gpumm_status gpumm_readback_cancel(gpumm_readback *readback, gpumm_ticket ticket);
/* A descriptor that is readable while a call on the readback would bring something: a frame that has arrived and nobody took,
   a failure of the device, the end of the readback or its manager. Taking clears it. For poll, epoll and event loops: it is only
   looked at, never read or written. Owned by the readback, and closed with its last handle; the same one each time. IO where the
   system gives none. */
GPUMM_API gpumm_status gpumm_readback_fd(gpumm_readback *readback, int *fd);
/* Captures that no one was given: refused with BUSY, replaced by newer ones, or passed over by latest. */
GPUMM_API uint64_t gpumm_readback_dropped(const gpumm_readback *readback);
GPUMM_API gpumm_ticket gpumm_readback_newest(const gpumm_readback *readback); /* 0: none yet */

/* A delivered snapshot. Its memory is valid until the next delivery of its readback, unless kept. */
GPUMM_API gpumm_frame *gpumm_frame_retain(gpumm_frame *frame);
GPUMM_API void gpumm_frame_release(gpumm_frame *frame);      /* the last handle of a kept frame ends it */
GPUMM_API gpumm_status gpumm_frame_keep(gpumm_frame *frame); /* holds its slot until ended; STALE */
GPUMM_API void gpumm_frame_close(gpumm_frame *frame);        /* its memory may be used again now */
GPUMM_API bool gpumm_frame_valid(const gpumm_frame *frame);  /* not ended: its memory can be read */
/* Also of a frame that has ended. */
GPUMM_API gpumm_status gpumm_frame_get_info_sized(const gpumm_frame *frame, gpumm_frame_info *out, size_t size);
static inline gpumm_status gpumm_frame_get_info(const gpumm_frame *frame, gpumm_frame_info *out) {
    return gpumm_frame_get_info_sized(frame, out, sizeof *out);
}
GPUMM_API gpumm_readback *gpumm_frame_readback(const gpumm_frame *frame); /* borrowed */
/* `length` elements of member `index` in pinned host memory, borrowed until the frame ends; where `length` is 0, any
   address, NULL too. STALE once it has ended, INVALID_ARGUMENT for a member that is not there, and for a frame on the device. */
GPUMM_API gpumm_status gpumm_frame_data(const gpumm_frame *frame, size_t index, const void **data);
/* As its readback was made. */
GPUMM_API gpumm_frame_place gpumm_frame_where(const gpumm_frame *frame);
/* The same of a frame on the device: the address of `length` elements, for reading, and an event for streams and threads that
   want to wait until they are there (NULL: none is wanted); one reference of it for the caller. Work that reads them is declared
   with gpumm_frame_used, or takes the frame as an argument of a kernel, and may go on when the frame has ended. STALE,
   INVALID_ARGUMENT as gpumm_frame_data. */
GPUMM_API gpumm_status gpumm_frame_device(gpumm_frame *frame, size_t index, gpumm_address *address,
                                          gpumm_event **event);
/* The segments of the memory that the frame is in, as gpumm_buffer_segments_from: its readback's memory for one frame, with all members one
   behind the other, which other frames have in their turn. It stays where it is, and grows behind. STALE, INVALID_ARGUMENT. */
GPUMM_API gpumm_status gpumm_frame_segments(gpumm_frame *frame, size_t first, bool descriptors, gpumm_segment *segments,
                                            size_t room, size_t *count);
/* Where member `index` begins in that memory, in bytes; it depends on the frame's length. INVALID_ARGUMENT as gpumm_frame_device. */
GPUMM_API gpumm_status gpumm_frame_offset(const gpumm_frame *frame, size_t index, uint64_t *offset);
/* Before enqueueing work that reads a frame on the device and that gpumm does not launch: the slot is used again behind it.
   STALE, INVALID_ARGUMENT. */
GPUMM_API gpumm_status gpumm_frame_used(gpumm_frame *frame, gpumm_stream *stream);
/* Copies member `index` of a frame on the device, all `length` elements, and waits for that. STALE, INVALID_ARGUMENT. */
GPUMM_API gpumm_status gpumm_frame_download(gpumm_frame *frame, gpumm_stream *stream, size_t index, void *data);

/* ---- Sharing with other processes ---------------------------------------------------------- */

/* A share is a Unix socket by which processes of the same machine and device read a manager's buffers, as they grow, and take frames
   of its readbacks, without copies. Who may connect is a matter of the socket's mode and of the user: a process that has the
   memory could write it, too. Readers cost the owner nothing but what they hold: one frame each, and where one is slow, stopped
   or killed, frames are dropped for it. */
typedef struct gpumm_share gpumm_share;

typedef struct gpumm_share_options {
    size_t size;      /* sizeof(gpumm_share_options); 0: that of 0.2 */
    const char *path; /* of the socket, at most 107 bytes; what a killed owner left there is cleared; required */
    unsigned mode;    /* of the socket; 0: 0600 */
    bool any_user;    /* else readers of other users are refused, but for root's */
    const char *const *names; /* buffers by name: "positions", or "nodes.position" for a group's member; NULL: none */
    size_t name_count;
    gpumm_buffer *const *buffers; /* the same by handle; they are shared under their names; NULL: none */
    size_t buffer_count;
    /* With frames on the device, shareable, busy "newest", best with a slot a reader, and two; NULL: none. */
    gpumm_readback *const *readbacks;
    const char *const *readback_names; /* one each; NULL: there are none */
    size_t readback_count;
} gpumm_share_options;

/* INVALID_ARGUMENT, also for what is not shareable, with what would make it so; NOT_FOUND; ALREADY_EXISTS where another share has the
   path, or a readback; IO. */
GPUMM_API gpumm_status gpumm_share_open(gpumm_manager *manager, const gpumm_share_options *options, gpumm_share **out);
GPUMM_API gpumm_share *gpumm_share_retain(gpumm_share *share);
GPUMM_API void gpumm_share_release(gpumm_share *share); /* the last one closes it */
/* Ends it: readers find it closed, and the socket goes. Their memory stays theirs until they let it go. Idempotent. */
GPUMM_API void gpumm_share_close(gpumm_share *share);
GPUMM_API unsigned gpumm_share_readers(const gpumm_share *share); /* how many are connected */

/* The other end: another process' buffers and frames, in a manager of this one. What the owner tells becomes visible in the calls
   below that say so, so that lengths stay as they are in between. Attached buffers are read only; every other call that takes a
   buffer takes them. */
typedef struct gpumm_attachment gpumm_attachment;

typedef struct gpumm_attach_options {
    size_t size;      /* sizeof(gpumm_attach_options); 0: that of 0.2 */
    const char *path; /* the share's; required */
    gpumm_manager
        *manager; /* on the owner's device, or a GPU that can use that one's memory; NULL: one is opened on the owner's,
                               and closes with the attachment */
    double seconds; /* how long to wait for the owner to tell what it shares; 0: 10 */
    bool any_user;  /* else an owner of another user is refused, but for root */
} gpumm_attach_options;

/* NOT_FOUND where nobody shares there; TIMEOUT; INVALID_ARGUMENT for another device, another user, or what speaks differently;
   ALREADY_EXISTS where the manager has a buffer of that name; CLOSED; IO; and what gpumm_manager_open says. */
GPUMM_API gpumm_status gpumm_attach(const gpumm_attach_options *options, gpumm_attachment **out);
GPUMM_API gpumm_attachment *gpumm_attachment_retain(gpumm_attachment *attachment);
GPUMM_API void gpumm_attachment_release(gpumm_attachment *attachment); /* the last one closes it */
/* Frees its buffers and readbacks here, behind the work that uses them. Idempotent. */
GPUMM_API void gpumm_attachment_close(gpumm_attachment *attachment);
GPUMM_API gpumm_manager *gpumm_attachment_manager(gpumm_attachment *attachment); /* borrowed */
/* Sees what the owner told: lengths, memory, frames, ends. Never waits. Calls on what the owner freed or closed fail from then on, as
   if it had been so here. CLOSED once the owner has closed the share, or is gone; DEVICE_LOST once its device is; INVALID_ARGUMENT
   where it spoke as none does: then all is as if closed. */
GPUMM_API gpumm_status gpumm_attachment_poll(gpumm_attachment *attachment);
/* The same once there is something to see; TIMEOUT after `seconds` (negative: no bound). */
GPUMM_API gpumm_status gpumm_attachment_wait(gpumm_attachment *attachment, double seconds);
/* A descriptor for event loops, readable while poll would see something. Owned by the attachment. */
GPUMM_API gpumm_status gpumm_attachment_fd(gpumm_attachment *attachment, int *fd);
/* A buffer that is shared, by name, one reference for the caller; TYPE_MISMATCH where `type` (may be NULL) is another; NOT_FOUND. Its
   manager has it under the same name. */
GPUMM_API gpumm_status gpumm_attachment_find(gpumm_attachment *attachment, const char *name, const gpumm_type *type,
                                             gpumm_buffer **out);
/* The same of a readback: latest, next and wait ask the owner for its newest frame, which is held until it is released or another
   is taken; where the owner does not answer within a second, they say that the time ran out. NOT_FOUND. */
GPUMM_API gpumm_status gpumm_attachment_readback(gpumm_attachment *attachment, const char *name, gpumm_readback **out);
/* Every name that is shared; `user` and the name as in gpumm_manager_names. Returns how many. */
GPUMM_API size_t gpumm_attachment_names(gpumm_attachment *attachment, gpumm_name_fn each, void *user);

/* ---- Kernels ------------------------------------------------------------------------------ */

typedef struct gpumm_kernel_options {
    size_t size;                    /* sizeof(gpumm_kernel_options); 0: that of 0.2 */
    const char *source;             /* CUDA C; NULL: read from `file` */
    const char *file;               /* its name in messages, and where it is read from; NULL: there is a source */
    const char *name;               /* which kernel; NULL: the only one */
    const char *threads;            /* the parameter that counts threads; NULL: the first integer; "" : none */
    unsigned block;                 /* threads a block (in x); 0: chosen by the device */
    unsigned shared_bytes;          /* dynamic shared memory a block; 0: none */
    const gpumm_type *const *types; /* named structs whose declarations precede the source; NULL: none */
    const char *const *type_names;  /* names to declare them under, or NULL: their own */
    size_t type_count;
    const char *flags;     /* more compiler flags, separated by spaces; NULL: none */
    const char *signature; /* for binaries (.ptx .cubin .fatbin): the prototype, as CUDA C; NULL: there is a source */
    unsigned block_y, block_z; /* threads a block in y and z; 0: 1 */
    /* Blocks of launches that say neither a grid nor threads. x, y and z 0: as many as the threads need, in one dimension;
       else a 0 in y or z is 1. */
    unsigned grid_x, grid_y, grid_z;
} gpumm_kernel_options;

/* All 0: what the kernel was opened with, on the main stream. Limits are CUDA's: 1024 threads a block and 64 in z; 65535
   blocks in y and z. */
typedef struct gpumm_launch_options {
    size_t size;                        /* sizeof(gpumm_launch_options); 0: that of 0.2 */
    gpumm_stream *stream;               /* NULL: the main stream */
    uint64_t threads;                   /* in one dimension; 0: the grid, or what the counting parameter says */
    unsigned grid_x, grid_y, grid_z;    /* blocks, instead of threads; y and z 0: 1. A grid needs a block */
    unsigned block_x, block_y, block_z; /* threads a block; x, y and z 0: the kernel's; else a 0 in y or z is 1 */
    unsigned shared_bytes;              /* dynamic shared memory a block; 0: the kernel's */
} gpumm_launch_options;

enum { GPUMM_PARAMETERS_MAX = 64 }; /* of one kernel */

typedef enum gpumm_parameter_kind { GPUMM_PARAMETER_POINTER, GPUMM_PARAMETER_VALUE } gpumm_parameter_kind;

typedef struct gpumm_parameter {
    const char *name; /* as written; "" where it could not be read: such a kernel is launched by position */
    const char *type; /* as written, cv-qualifiers and pointer left out: "float2" */
    gpumm_parameter_kind kind;
    gpumm_access access;       /* of a pointer: const T * reads, T * writes */
    const gpumm_type *element; /* of the pointee or value; NULL: a type that gpumm does not know */
    size_t size, align;        /* of the pointee or value, as it was compiled; 0: void, incomplete, or not known */
    bool boolean;              /* it is a bool, which takes 0 and 1 alone */
    bool any;                  /* void *, or a pointer to what is incomplete: takes any buffer */
} gpumm_parameter;

typedef struct gpumm_argument {
    gpumm_buffer *buffer; /* for a pointer, one of buffer, scratch, frame or address */
    gpumm_scratch *scratch;
    const void *value; /* for a value: `size` bytes in the parameter's type. For a pointer with
                               none of the others: a gpumm_address, whose use is not tracked */
    size_t size;
    gpumm_frame *frame; /* one on the device, for a pointer to const; `size` is the index of its member */
} gpumm_argument;

/* COMPILE_FAILED with the compiler's words at the user's file and line; NOT_FOUND names the kernels
   there are; IO. The binary is cached on disk. */
GPUMM_API gpumm_status gpumm_kernel_open(gpumm_manager *manager, const gpumm_kernel_options *options,
                                         gpumm_kernel **out);
GPUMM_API gpumm_kernel *gpumm_kernel_retain(gpumm_kernel *kernel);
GPUMM_API void gpumm_kernel_release(gpumm_kernel *kernel); /* the last one closes it */
/* Ends it: launches are STALE; it is unloaded behind its last one. */
GPUMM_API void gpumm_kernel_close(gpumm_kernel *kernel);
GPUMM_API const char *gpumm_kernel_name(const gpumm_kernel *kernel);       /* borrowed */
GPUMM_API gpumm_manager *gpumm_kernel_manager(const gpumm_kernel *kernel); /* borrowed */
GPUMM_API size_t gpumm_kernel_parameter_count(const gpumm_kernel *kernel);
/* Borrowed; NULL outside. */
GPUMM_API const gpumm_parameter *gpumm_kernel_parameter(const gpumm_kernel *kernel, size_t index);
/* The index of the parameter that counts threads; SIZE_MAX: none. */
GPUMM_API size_t gpumm_kernel_threads(const gpumm_kernel *kernel);
/* One argument a parameter. `threads` 0: what the counting parameter says; 0 threads is no work.
   TYPE_MISMATCH, INVALID_ARGUMENT name the parameter. Returns once it is enqueued. */
GPUMM_API gpumm_status gpumm_kernel_launch(gpumm_kernel *kernel, gpumm_stream *stream, uint64_t threads,
                                           const gpumm_argument *arguments, size_t count);
/* The same with geometry. INVALID_ARGUMENT for a grid or block that CUDA does not take, and where a kernel that uses
   threadIdx.y, blockIdx.z and their like is launched in one dimension. options NULL: all 0. */
GPUMM_API gpumm_status gpumm_kernel_launch_with(gpumm_kernel *kernel, const gpumm_launch_options *options,
                                                const gpumm_argument *arguments, size_t count);
/* What a launch checks of its arguments, without one. */
GPUMM_API gpumm_status gpumm_kernel_check(gpumm_kernel *kernel, gpumm_stream *stream, const gpumm_argument *arguments,
                                          size_t count);

/* ---- Primitives --------------------------------------------------------------------------- */

/*
 * Scans, sums, sorts and the like of whole buffers, on every device; on the host without a compiler. They enqueue and return
 * as kernels do, wait on the device for who uses their buffers, and take scratch from the manager, which counts against
 * the limit. A result is the same in every bit whenever the call is repeated, and on both devices.
 *   - Element types are u32, u64, i32 and f32. Other types are TYPE_MISMATCH.
 *   - `count` elements, from the first on, of buffers that are at least so long: else INVALID_ARGUMENT. 0 is fine.
 *   - What is small but not known before the device has run, as how many elements were kept, goes to a buffer too.
 *   - A buffer that is not the caller's manager's, or used in two roles that do not go together, is INVALID_ARGUMENT.
 *   - Results are written by the last launch alone, so that a call that fails leaves them as they were.
 *   - Floats are compared in the order of IEEE 754's totalOrder: negative NaNs, -inf, …, -0, +0, …, +inf, positive NaNs,
 *     NaNs by their bits. (On x86-64 the NaN of 0.0/0.0 is negative, on a GPU it is positive.)
 *   - While the application captures a CUDA graph on the stream they are BUSY: their scratch would be somebody else's when
 *     the graph is replayed.
 * Each also returns OVER_LIMIT and OUT_OF_MEMORY, and, on a GPU, COMPILE_FAILED: the first call of a kind compiles it there, or
 * finds it in the cache.
 */

typedef struct gpumm_scan_options {
    size_t size;        /* sizeof(gpumm_scan_options); 0: that of 0.2 */
    gpumm_buffer *from; /* required */
    gpumm_buffer *to;   /* of the same type; NULL: `from`, in place */
    bool exclusive;     /* an element's sum is of those before it, without itself */
    bool total;         /* the sum of all goes behind the last: `to` has one element more */
} gpumm_scan_options;

/*
 * Running sums. Those of whole numbers wrap around.
 * Sums of f32 are made in this order: in chunks of whole tiles of 4096 elements, at most 2048 chunks, as equal as that allows.
 * A chunk's sum is that of gpumm_reduce. What stands before a chunk are the sums of the chunks before it: of every 256th, from
 * the first on, these 256 by halves. Within a chunk, tile by tile: 4 elements of a row of 1024 belong to a thread, 32
 * threads to a warp; an element's sum is (what stands before the tile + before the warp) + before the thread in the warp, + the
 * thread's own one by one, where threads of a warp, and warps of a tile, are summed over distances of 1, 2, 4, 8, 16.
 */
GPUMM_API gpumm_status gpumm_scan(gpumm_manager *manager, gpumm_stream *stream, uint64_t count,
                                  const gpumm_scan_options *options);

typedef enum gpumm_reduction {
    GPUMM_REDUCE_SUM,    /* 0 where there is no element; whole numbers wrap around */
    GPUMM_REDUCE_MIN,    /* the first in the order; of none the one that comes last in it */
    GPUMM_REDUCE_MAX,    /* the last in the order; of none the one that comes first in it */
    GPUMM_REDUCE_ARGMIN, /* its position, from 0, and of equal ones the first; of none all bits are set */
    GPUMM_REDUCE_ARGMAX
} gpumm_reduction;

typedef struct gpumm_reduce_options {
    size_t size;        /* sizeof(gpumm_reduce_options); 0: that of 0.2 */
    gpumm_buffer *from; /* required */
    gpumm_buffer *to;   /* its first element gets the result: of the same type; for positions of u32 or u64; required */
    gpumm_reduction op; /* 0: GPUMM_REDUCE_SUM */
} gpumm_reduce_options;

/*
 * One value of all.
 * A sum of f32 is made in chunks as those of gpumm_scan, and the chunks' sums are then summed as one chunk: every 1024th
 * element, from the last row of 1024 to the first; these 1024 by four, (a + b) + (c + d); these 256 by halves.
 */
GPUMM_API gpumm_status gpumm_reduce(gpumm_manager *manager, gpumm_stream *stream, uint64_t count,
                                    const gpumm_reduce_options *options);

typedef struct gpumm_sort_options {
    size_t size;             /* sizeof(gpumm_sort_options); 0: that of 0.2 */
    gpumm_buffer *keys;      /* required */
    gpumm_buffer *values;    /* follow their keys; of any type of 4 or 8 bytes; NULL: there are none */
    gpumm_buffer *to_keys;   /* NULL: `keys`, in place */
    gpumm_buffer *to_values; /* NULL: `values`, in place */
    bool descending;
    unsigned bits; /* of u32 and u64: so many low bits are looked at, which takes less time; 0: all */
} gpumm_sort_options;

/* Sorts; what is equal stays in its order, descending too. Takes scratch of twice the keys and values. */
GPUMM_API gpumm_status gpumm_sort(gpumm_manager *manager, gpumm_stream *stream, uint64_t count,
                                  const gpumm_sort_options *options);

typedef struct gpumm_unique_options {
    size_t size;         /* sizeof(gpumm_unique_options); 0: that of 0.2 */
    gpumm_buffer *from;  /* required */
    gpumm_buffer *to;    /* another buffer of the same type, with room for all of them; required */
    gpumm_buffer *count; /* u32 or u64: its first element gets how many there are; NULL: it is not wanted */
} gpumm_unique_options;

/* The first of every run of equal elements, by their bits; of sorted ones, each value once. What is in `to` behind them
   stays. */
GPUMM_API gpumm_status gpumm_unique(gpumm_manager *manager, gpumm_stream *stream, uint64_t count,
                                    const gpumm_unique_options *options);

typedef struct gpumm_select_options {
    size_t size;         /* sizeof(gpumm_select_options); 0: that of 0.2 */
    gpumm_buffer *from;  /* of any type of 4 or 8 bytes; NULL: the positions, from 0, are selected */
    gpumm_buffer *flags; /* u8, i8, u32 or i32: an element is kept where it is not 0 */
    gpumm_buffer
        *to; /* another buffer of the same type (of positions: u32 or u64), with room for all of them; required */
    gpumm_buffer *count; /* as gpumm_unique's; NULL: it is not wanted */
} gpumm_select_options;

/* The elements with a flag, in their order. What is in `to` behind them stays. */
GPUMM_API gpumm_status gpumm_select(gpumm_manager *manager, gpumm_stream *stream, uint64_t count,
                                    const gpumm_select_options *options);

typedef struct gpumm_histogram_options {
    size_t size;        /* sizeof(gpumm_histogram_options); 0: that of 0.2 */
    gpumm_buffer *from; /* required */
    gpumm_buffer *to;   /* u32 or u64; its length is the number of bins, all of which are written; required */
    double low,
        high; /* elements from low on and below high are counted, in bins of equal width; f32 needs both. Of whole
                         numbers they are whole, up to 2^53, and so is the width; both 0: from 0 on, one number a bin */
} gpumm_histogram_options;

/* How many elements are in each bin. NaNs and what is outside are in none. For f32, bins are those of
   (element - low) * step, rounded to f32 each, where step is bins / (high - low) rounded to f32. */
GPUMM_API gpumm_status gpumm_histogram(gpumm_manager *manager, gpumm_stream *stream, uint64_t count,
                                       const gpumm_histogram_options *options);

/* ---- Recordings --------------------------------------------------------------------------- */

/* Launches, fills, device copies and captures, recorded once and enqueued by one call: on cuda a CUDA graph, on the host a
   list that the stream runs without its caller. It is bound to no stream; a replay says where.
   What is recorded is checked as the call of that name would be, and done at each replay. A replay is a use of every
   buffer in the recording: its stream waits for their other users, later users wait for it, as with the single calls.
   Buffers may grow between replays: where memory grows in place the recording stays valid, and lengths that it takes
   (gpumm_binding, GPUMM_TO_END) are those at the replay.
   It holds a handle of each buffer, kernel and readback in it, so that anonymous ones live as long. What was closed or
   freed all the same, or moved (`generation`; a changed `mapping` does not count), makes a replay STALE. */
typedef struct gpumm_recording_options {
    size_t size; /* sizeof(gpumm_recording_options); 0: that of 0.2 */
    bool anew; /* it is recorded anew before each replay, with gpumm_recording_begin: addresses are those of the replay,
                    nothing is held behind it, only what differs from the recording before is changed on the device, and
                    operations are enqueued one by one until the same ones come again */
} gpumm_recording_options;

#define GPUMM_TO_END UINT64_MAX /* as a count: the elements from `first` to the length at the replay */

/* Where an argument of a recorded launch comes from at each replay; all NULL: it stays what it was. */
typedef struct gpumm_binding {
    const char *name;     /* the value of that name, which every replay gives; copied */
    gpumm_buffer *length; /* this buffer's length then, for a parameter of an integer type */
    void *reserved;       /* NULL */
} gpumm_binding;

typedef struct gpumm_value { /* for a replay */
    const char *name;
    const void *value; /* `size` bytes in the type of the parameters that have the name; of a capture's step: int64_t */
    size_t size;
    void *reserved; /* NULL */
} gpumm_value;

/* An empty one, to be recorded. NULL options: every default. */
GPUMM_API gpumm_status gpumm_recording_open(gpumm_manager *manager, const gpumm_recording_options *options,
                                            gpumm_recording **out);
GPUMM_API gpumm_recording *gpumm_recording_retain(gpumm_recording *recording);
GPUMM_API void gpumm_recording_release(gpumm_recording *recording); /* the last one closes it */
/* Ends it: later calls are STALE; replays under way finish. Not while another thread makes a call with it. */
GPUMM_API void gpumm_recording_close(gpumm_recording *recording);
GPUMM_API gpumm_manager *gpumm_recording_manager(const gpumm_recording *recording); /* borrowed */
/* Operations for the device that one replay is, a fill with an element that repeats no 1, 2 or 4 bytes being several. */
GPUMM_API size_t gpumm_recording_count(const gpumm_recording *recording);
GPUMM_API size_t gpumm_recording_captures(const gpumm_recording *recording); /* among them */
/* Records anew: what is recorded from now on takes the place of what there is. */
GPUMM_API gpumm_status gpumm_recording_begin(gpumm_recording *recording);
/* gpumm_kernel_launch. `bindings`: one an argument, or NULL for none; the value of a named argument may be NULL. `threads` 0:
   what the counting parameter says, at each replay where that is bound. Scratch cannot be recorded: INVALID_ARGUMENT.
   TYPE_MISMATCH where two parameters of one name have different types. */
GPUMM_API gpumm_status gpumm_recording_launch(gpumm_recording *recording, gpumm_kernel *kernel, uint64_t threads,
                                              const gpumm_argument *arguments, const gpumm_binding *bindings,
                                              size_t count);
/* The same with geometry; its stream is NULL, for a replay says on which it runs. options NULL: all 0. */
GPUMM_API gpumm_status gpumm_recording_launch_with(gpumm_recording *recording, gpumm_kernel *kernel,
                                                   const gpumm_launch_options *options, const gpumm_argument *arguments,
                                                   const gpumm_binding *bindings, size_t count);
/* gpumm_buffer_fill; `count` may be GPUMM_TO_END. */
GPUMM_API gpumm_status gpumm_recording_fill(gpumm_recording *recording, gpumm_buffer *buffer, uint64_t first,
                                            uint64_t count, const void *element);
/* gpumm_buffer_copy; `count` may be GPUMM_TO_END, that of `from`. */
GPUMM_API gpumm_status gpumm_recording_copy(gpumm_recording *recording, gpumm_buffer *to, uint64_t to_first,
                                            gpumm_buffer *from, uint64_t from_first, uint64_t count);
/* gpumm_scan; `count` may be GPUMM_TO_END, that of `from`. This and the other primitives are a fixed number of operations
   each. Where a buffer has another length at a replay, that plans them anew, which may take scratch, of which the replay
   then says that there is none. Scratch is the recording's, to its end. */
GPUMM_API gpumm_status gpumm_recording_scan(gpumm_recording *recording, uint64_t count,
                                            const gpumm_scan_options *options);
/* gpumm_reduce; `count` as above. */
GPUMM_API gpumm_status gpumm_recording_reduce(gpumm_recording *recording, uint64_t count,
                                              const gpumm_reduce_options *options);
/* gpumm_sort; `count` may be that of `keys`. */
GPUMM_API gpumm_status gpumm_recording_sort(gpumm_recording *recording, uint64_t count,
                                            const gpumm_sort_options *options);
/* gpumm_unique; `count` as that of a scan. */
GPUMM_API gpumm_status gpumm_recording_unique(gpumm_recording *recording, uint64_t count,
                                              const gpumm_unique_options *options);
/* gpumm_select; `count` may be that of `flags`. */
GPUMM_API gpumm_status gpumm_recording_select(gpumm_recording *recording, uint64_t count,
                                              const gpumm_select_options *options);
/* gpumm_histogram; bins are those that `to` has at the replay. */
GPUMM_API gpumm_status gpumm_recording_histogram(gpumm_recording *recording, uint64_t count,
                                                 const gpumm_histogram_options *options);
/* gpumm_readback_capture. `name`: the step is the value of that name at each replay; NULL: it is `step`. A readback is
   captured once in a recording: INVALID_ARGUMENT. */
GPUMM_API gpumm_status gpumm_recording_capture(gpumm_recording *recording, gpumm_readback *readback, int64_t step,
                                               const char *name);
/* Enqueues all of it on the stream. INVALID_ARGUMENT where a name is missing or unknown, or a range lies outside of the
   length by now. `tickets` (may be NULL) gets one a capture, in their order: 0 where every slot was taken and the policy
   refused it, which counts as dropped and is no failure. A capture that has to wait does before anything is enqueued. CANCELLED
   where a readback was closed. A device that refuses a part (DRIVER, DEVICE_LOST) may have taken what came before. */
GPUMM_API gpumm_status gpumm_recording_replay(gpumm_recording *recording, gpumm_stream *stream,
                                              const gpumm_value *values, size_t value_count, gpumm_ticket *tickets);

/* ---- Faults ------------------------------------------------------------------------------- */

/* All of these: INVALID_ARGUMENT where the manager was opened without inject_faults. */
typedef struct gpumm_live {   /* what the fault device counted by itself */
    uint64_t committed_bytes; /* device and pinned: committed in place or allocated */
    uint64_t reserved_bytes;  /* address space */
    uint64_t ranges, segments, blocks, streams, events, modules;
    uint64_t graphs;     /* of recordings */
    uint64_t semaphores; /* of others, imported */
} gpumm_live;

/* What goes wrong from now on, instead of what was planned before; NULL: nothing. */
GPUMM_API gpumm_status gpumm_fault_plan(gpumm_manager *manager, const gpumm_fault *plan);
/* Stream operations of that kind wait until they are released. */
GPUMM_API gpumm_status gpumm_fault_hold(gpumm_manager *manager, const char *kind);
GPUMM_API gpumm_status gpumm_fault_resume(gpumm_manager *manager, const char *kind); /* NULL: every kind */
/* Calls so far of that name, or of every name where it is NULL. */
GPUMM_API gpumm_status gpumm_fault_calls(gpumm_manager *manager, const char *call, uint64_t *count);
/* Readable after close too: what is not 0 then was leaked. */
GPUMM_API gpumm_status gpumm_fault_get_live_sized(gpumm_manager *manager, gpumm_live *out, size_t size);
static inline gpumm_status gpumm_fault_get_live(gpumm_manager *manager, gpumm_live *out) {
    return gpumm_fault_get_live_sized(manager, out, sizeof *out);
}

#ifdef __cplusplus
}
#endif
#endif
