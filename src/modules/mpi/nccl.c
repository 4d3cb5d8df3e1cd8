/* SPDX-License-Identifier: MIT */
/*
 * The ranks join at the first call that all could make so: rank 0's number of the run and everyone's GPU go through MPI, and so
 * does who has joined, so that all come to the same verdict. A call waits for its stream, looking at the other ranks: where one
 * ends, NCCL's kernel would wait for it for ever, and is aborted.
 */
#include "modules/mpi/nccl.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "modules/mpi/notes.h"
#include "modules/mpi/traffic.h"

#define TRY(call) \
    do { \
        gpumm_status status_ = (call); \
        if (status_ != GPUMM_OK) return status_; \
    } while (0)

/* ---- What is used of NCCL and of the driver ------------------------------------------------------------- */

typedef struct run_id {
    char bytes[128];
} run_id;
enum { NCCL_BYTE = 1, NCCL_SUCCESS = 0, NCCL_IN_PROGRESS = 7 };

static struct {
    int (*get_id)(run_id *id);
    int (*init)(void **comm, int ranks, run_id id, int rank);
    int (*abort)(void *comm);
    int (*async_error)(void *comm, int *outcome);
    int (*send)(const void *at, size_t count, int type, int peer, void *comm, void *stream);
    int (*receive)(void *at, size_t count, int type, int peer, void *comm, void *stream);
    int (*broadcast)(const void *from, void *to, size_t count, int type, int root, void *comm, void *stream);
    int (*group_start)(void);
    int (*group_end)(void);
    const char *(*error_text)(int outcome);
    int (*push_context)(void *context);
    int (*pop_context)(void **context);
    int (*context_of)(void *stream, void **context);
    int (*device_count)(int *count);
    int (*device_at)(int *device, int number);
    int (*uuid_of)(unsigned char *uuid, int device);
    int (*retain_primary)(void **context, int device);
    int (*release_primary)(int device);
} api;

typedef struct entry {
    const char *name;
    void *function; /* a pointer to it in api */
} entry;

static const entry of_nccl[] = {
    {"ncclGetUniqueId", &api.get_id},  {"ncclCommInitRank", &api.init},
    {"ncclCommAbort", &api.abort},     {"ncclCommGetAsyncError", &api.async_error},
    {"ncclSend", &api.send},           {"ncclRecv", &api.receive},
    {"ncclBroadcast", &api.broadcast}, {"ncclGroupStart", &api.group_start},
    {"ncclGroupEnd", &api.group_end},  {"ncclGetErrorString", &api.error_text},
};
static const entry of_driver[] = {
    {"cuCtxPushCurrent_v2", &api.push_context},
    {"cuCtxPopCurrent_v2", &api.pop_context},
    {"cuStreamGetCtx", &api.context_of},
    {"cuDeviceGetCount", &api.device_count},
    {"cuDeviceGet", &api.device_at},
    {"cuDeviceGetUuid_v2", &api.uuid_of},
    {"cuDevicePrimaryCtxRetain", &api.retain_primary},
    {"cuDevicePrimaryCtxRelease_v2", &api.release_primary},
};

typedef enum progress { UNTRIED, OPENED, JOINED, REFUSED } progress;

static struct {
    progress at;
    void *comm, *context; /* the GPU's primary one, which is kept for it */
    int device;
    gpumm_event *pending; /* behind what the last call left under way */
    char why[200];        /* not */
    char last_why[100];   /* the last call did not go this way; "": it did */
} the = {.why = "no call on buffers of a GPU was made yet"};

static bool refuse(const char *why, const char *more) {
    snprintf(the.why, sizeof the.why, "%s%s%s", why, more ? ": " : "", more ? more : "");
    the.at = REFUSED;
    return false;
}

/* The library that somebody named, or else this one. */
static bool open_one(const char *named, const char *usual, const entry *entries, size_t count) {
    void *library = dlopen(named && *named ? named : usual, RTLD_NOW | RTLD_LOCAL);
    if (!library) return refuse("it is not there", dlerror());
    for (size_t i = 0; i < count; i++) {
        void *function = dlsym(library, entries[i].name);
        if (!function) return refuse("it is another version, without", entries[i].name);
        memcpy(entries[i].function, &function, sizeof function);
    }
    return true;
}

/* Memory is not registered with it, since buffers grow; and multicast over NVLink is left alone, unless somebody asks for it. */
static bool open_library(void) {
    const char *asked = getenv("GPUMM_NCCL");
    if (asked && strcmp(asked, "0") == 0) return refuse("GPUMM_NCCL=0", NULL);
    setenv("NCCL_NVLS_ENABLE", "0", 0);
    setenv("NCCL_LOCAL_REGISTER", "0", 0);
    bool opened = open_one(getenv("GPUMM_LIBCUDA"), "libcuda.so.1", of_driver, sizeof of_driver / sizeof *of_driver) &&
                  open_one(getenv("GPUMM_LIBNCCL"), "libnccl.so.2", of_nccl, sizeof of_nccl / sizeof *of_nccl);
    if (opened) the.at = OPENED;
    return opened;
}

void gpumm_mpi__nccl_told(const char *why) { snprintf(the.last_why, sizeof the.last_why, "%s", why); }

const char *gpumm_mpi__nccl_why_not(void) {
    if (the.at != REFUSED && the.last_why[0]) return the.last_why;
    return the.at == JOINED ? NULL : the.why;
}

/* ---- Contexts ----------------------------------------------------------------------------------------------- */

static void enter(void) { api.push_context(the.context); }

static void leave(void) {
    void *ours;
    api.pop_context(&ours);
}

/* Is the stream of the context that was kept? */
static bool is_ours(gpumm_stream *stream) {
    void *context = NULL;
    enter();
    bool known = api.context_of(gpumm_stream_native(stream), &context) == 0;
    leave();
    return known && context == the.context;
}

/* As gpumm_device_info has it. */
static void name_of(const unsigned char uuid[16], char text[48]) {
    size_t at = (size_t)snprintf(text, 48, "GPU");
    for (int i = 0; i < 16; i++) {
        bool begins = i == 0 || i == 4 || i == 6 || i == 8 || i == 10;
        at += (size_t)snprintf(text + at, 48 - at, "%s%02x", begins ? "-" : "", uuid[i]);
    }
}

static bool find_device(const char *wanted) {
    int count = 0;
    api.device_count(&count);
    for (int i = 0; i < count; i++) {
        unsigned char uuid[16];
        char text[48];
        if (api.device_at(&the.device, i) != 0 || api.uuid_of(uuid, the.device) != 0) continue;
        name_of(uuid, text);
        if (strcmp(text, wanted) == 0) return true;
    }
    return false;
}

static void drop_context(void) {
    if (the.context) api.release_primary(the.device);
    the.context = NULL;
}

/* Keeps the GPU's primary context, which NCCL works in, beyond the manager; not one that an application made. */
static bool keep_context(gpumm_stream *stream, const char *gpu) {
    if (!find_device(gpu) || api.retain_primary(&the.context, the.device) != 0) return false;
    if (is_ours(stream)) return true;
    drop_context();
    return false;
}

bool gpumm_mpi__nccl_can(const world *w, gpumm_stream *stream) {
    if (w->size < 2) refuse("there is one rank", NULL);
    if (the.at == REFUSED || !gpumm_stream_native(stream)) return false;
    if (the.at == UNTRIED && !open_library()) return false;
    return the.at == OPENED || is_ours(stream);
}

/* ---- Joining -------------------------------------------------------------------------------------------------- */

/* What each tells all. */
typedef struct card {
    run_id id; /* rank 0's counts */
    char gpu[48];
    uint32_t ready, reserved;
} card;

/* Everyone's cards, in w->in. */
static gpumm_status swap(world *w, const card *mine, const card **all) {
    gpumm_status status = gpumm_mpi__world_room(&w->out, sizeof *mine);
    if (status == GPUMM_OK) status = gpumm_mpi__world_room(&w->in, (uint64_t)w->size * sizeof *mine);
    if (status != GPUMM_OK) return gpumm_mpi__world_lose(w, status, "rank %d: no memory to join NCCL", w->rank);
    memcpy(w->out.bytes, mine, sizeof *mine);
    for (int r = 0; r < w->size; r++) {
        w->out_at[r] = 0;
        w->in_at[r] = (uint64_t)r * sizeof *mine;
        w->out_bytes[r] = w->in_bytes[r] = sizeof *mine;
    }
    *all = (const card *)(const void *)w->in.bytes;
    return gpumm_mpi__traffic(w, 1, NULL, NULL);
}

static card own_card(const world *w, gpumm_stream *stream) {
    card mine = {.ready = 0};
    gpumm_device_info info;
    if (gpumm_manager_get_info(gpumm_stream_manager(stream), &info) != GPUMM_OK) return mine;
    if (!keep_context(stream, info.uuid)) return mine;
    memcpy(mine.gpu, info.uuid, sizeof mine.gpu);
    if (w->rank == 0) {
        enter();
        mine.ready = api.get_id(&mine.id) == NCCL_SUCCESS;
        leave();
    } else {
        mine.ready = 1;
    }
    return mine;
}

/* Is everyone ready, with a GPU of its own? */
static bool fit(const world *w, const card *all) {
    for (int r = 0; r < w->size; r++) {
        if (!all[r].ready) return refuse("a rank's GPU or NCCL refuses it", NULL);
        for (int s = 0; s < r; s++)
            if (memcmp(all[r].gpu, all[s].gpu, sizeof all[r].gpu) == 0)
                return refuse("ranks shared a GPU in the first call of all on GPUs", NULL);
    }
    return true;
}

/* It cannot be interrupted, as MPI's start cannot. */
static bool init(const world *w, run_id id) {
    patience *p = gpumm_mpi__machine_within(w->start, "NCCL did not start in time: a rank may have ended");
    enter();
    int outcome = api.init(&the.comm, w->size, id, w->rank);
    leave();
    gpumm_mpi__machine_in_time(p);
    if (outcome == NCCL_SUCCESS) return true;
    the.comm = NULL;
    return false;
}

static void abort_comm(void) {
    if (!the.comm) return;
    enter();
    api.abort(the.comm);
    leave();
    the.comm = NULL;
}

static gpumm_status join(world *w, gpumm_stream *stream) {
    card mine = own_card(w, stream);
    const card *all;
    TRY(swap(w, &mine, &all));
    if (!fit(w, all)) return GPUMM_OK;
    mine.ready = init(w, all[0].id);
    TRY(swap(w, &mine, &all));
    bool every = true;
    for (int r = 0; r < w->size; r++) every = every && all[r].ready;
    if (every) the.at = JOINED;
    else refuse("it did not start on every rank", NULL);
    return GPUMM_OK;
}

gpumm_status gpumm_mpi__nccl_join(world *w, gpumm_stream *stream, bool *joined) {
    gpumm_status status = the.at == JOINED ? GPUMM_OK : join(w, stream);
    *joined = the.at == JOINED;
    if (*joined) return status;
    abort_comm();
    drop_context();
    return status;
}

void gpumm_mpi__nccl_end(void) {
    abort_comm();
    gpumm_event_release(the.pending);
    the.pending = NULL;
    drop_context();
    if (the.at == JOINED) refuse("the world is closed", NULL);
}

/* ---- Moving ------------------------------------------------------------------------------------------------------ */

static gpumm_status lose_here(world *w, gpumm_status status) {
    char text[NOTE_TEXT] = "";
    strncpy(text, gpumm_message(), sizeof text - 1);
    return gpumm_mpi__world_lose(w, status, "rank %d: %.200s", w->rank, text);
}

static gpumm_status check(world *w, int outcome) {
    if (outcome == NCCL_SUCCESS) return GPUMM_OK;
    return gpumm_mpi__world_lose(w, GPUMM_DRIVER, "rank %d: %s: NCCL says: %.150s", w->rank,
                                 gpumm_mpi__world_call_name(w->call), api.error_text(outcome));
}

/* One look at the stream and at the others. */
static gpumm_status look(world *w, gpumm_event *event, double waited, bool *ready) {
    int outcome = NCCL_SUCCESS;
    gpumm_status status = gpumm_event_ready(event, ready);
    if (status == GPUMM_CLOSED) *ready = true; /* who closed the manager has waited */
    else if (status != GPUMM_OK) return lose_here(w, status);
    if (*ready) return GPUMM_OK;
    TRY(gpumm_mpi__notes_look(w));
    api.async_error(the.comm, &outcome);
    if (outcome != NCCL_IN_PROGRESS) TRY(check(w, outcome));
    if (waited <= w->seconds) return GPUMM_OK;
    return gpumm_mpi__world_lose(w, GPUMM_TIMEOUT, "%s, call %llu: NCCL was not through within %g seconds",
                                 gpumm_mpi__world_call_name(w->call), (unsigned long long)w->number, w->seconds);
}

/* A GPU's work takes longer than what ranks tell one another: it is looked at for ten times as long before this core is left to others. */
static gpumm_status wait_for(world *w, gpumm_event *event) {
    double begun = gpumm_mpi__machine_now();
    for (bool ready = false;;) {
        double waited = gpumm_mpi__machine_now() - begun;
        TRY(look(w, event, waited, &ready));
        if (ready) return GPUMM_OK;
        gpumm_mpi__notes_pause(w, waited / 10);
    }
}

/* Until what the last call left under way is done. Where the world is lost, it would wait for ever. */
static gpumm_status settle(world *w) {
    gpumm_status status = wait_for(w, the.pending);
    gpumm_event_release(the.pending);
    the.pending = NULL;
    w->settle = NULL;
    if (status != GPUMM_OK) abort_comm();
    return status;
}

/* The first outcome that is none of success. */
static int enqueue_all(const world *w, void *stream, gpumm_address out, gpumm_address in) {
    int outcome = api.group_start();
    for (int k = 1; k < w->size && outcome == NCCL_SUCCESS; k++) {
        int to = (w->rank + k) % w->size, from = (w->rank + w->size - k) % w->size;
        if (w->out_bytes[to] > 0)
            outcome = api.send((const void *)(uintptr_t)(out + w->out_at[to]), w->out_bytes[to], NCCL_BYTE, to,
                               the.comm, stream);
        if (w->in_bytes[from] > 0 && outcome == NCCL_SUCCESS)
            outcome = api.receive((void *)(uintptr_t)(in + w->in_at[from]), w->in_bytes[from], NCCL_BYTE, from,
                                  the.comm, stream);
    }
    int end = api.group_end();
    return outcome != NCCL_SUCCESS ? outcome : end;
}

static gpumm_status leave_pending(world *w, gpumm_stream *stream, int outcome) {
    leave();
    gpumm_status status = check(w, outcome);
    if (status == GPUMM_OK) status = gpumm_stream_record(stream, &the.pending);
    if (status == GPUMM_OK) w->settle = settle;
    else if (w->state == WORLD_OPEN) status = lose_here(w, status);
    if (status != GPUMM_OK) abort_comm();
    return status;
}

gpumm_status gpumm_mpi__nccl_traffic(world *w, gpumm_stream *stream, gpumm_address out, gpumm_address in, bool later) {
    enter();
    TRY(leave_pending(w, stream, enqueue_all(w, gpumm_stream_native(stream), out, in)));
    return later ? GPUMM_OK : settle(w);
}

gpumm_status gpumm_mpi__nccl_broadcast(world *w, gpumm_stream *stream, gpumm_address at, uint64_t bytes, int root) {
    void *place = (void *)(uintptr_t)at, *native = gpumm_stream_native(stream);
    if (bytes == 0) return GPUMM_OK;
    enter();
    TRY(leave_pending(w, stream, api.broadcast(place, place, bytes, NCCL_BYTE, root, the.comm, native)));
    return settle(w);
}
