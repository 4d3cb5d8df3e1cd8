/* SPDX-License-Identifier: MIT */
/* Starting and ending MPI. What waits for other ranks here has a time limit, too. */
#include "modules/mpi/world.h"

#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TRY(call) \
    do { \
        gpumm_status status_ = (call); \
        if (status_ != GPUMM_OK) return status_; \
    } while (0)

enum { FIRST_ROOM = 1 << 16 };

/* Seconds that a waiting rank keeps its core: where there are more ranks than cores, one that it waits for needs it. */
static const double AWHILE = 0.002, BRIEFLY = 0.00002;

static world the_world; /* MPI is one a process */

world *gpumm_mpi__world(void) { return &the_world; }

const char *gpumm_mpi__world_call_name(uint32_t kind) {
    static const char *const names[] = {"leave",    "barrier",   "allgather", "allreduce",
                                        "exchange", "broadcast", "collect",   "trade"};
    return kind < sizeof names / sizeof *names ? names[kind] : "what this version does not know";
}

/* ---- Failures ---------------------------------------------------------------------------------------- */

gpumm_status gpumm_mpi__world_lose(world *w, gpumm_status status, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(w->lost_text, sizeof w->lost_text, format, arguments);
    va_end(arguments);
    w->lost = status;
    w->state = WORLD_LOST;
    gpumm_mpi__machine_end_is_told();
    return gpumm_lua_fail(status, "%s", w->lost_text);
}

gpumm_status gpumm_mpi__world_mpi(world *w, int outcome, const char *what) {
    char text[MPI_MAX_ERROR_STRING] = "";
    int length = 0;
    if (outcome == MPI_SUCCESS) return GPUMM_OK;
    MPI_Error_string(outcome, text, &length);
    return gpumm_mpi__world_lose(w, GPUMM_DRIVER, "rank %d: %s: MPI says: %.150s", w->rank, what, text);
}

gpumm_status gpumm_mpi__world_check(const world *w) {
    if (w->state == WORLD_OPEN) return GPUMM_OK;
    if (w->state == WORLD_LOST) return gpumm_lua_fail(w->lost, "%s", w->lost_text);
    return gpumm_lua_fail(GPUMM_CLOSED, "the world is %s",
                          w->state == WORLD_CLOSED ? "closed; a process has one, once" : "not open");
}

int gpumm_mpi__world_ended_rank(const world *w) {
    for (int r = 0; w->peers && r < w->size; r++)
        if (r != w->rank && gpumm_mpi__machine_ended(w->peers[r].watch)) return r;
    return -1;
}

gpumm_status gpumm_mpi__world_room(block *b, uint64_t size) {
    if (size <= b->size) return GPUMM_OK;
    uint64_t more = b->size + b->size / 2, wanted = size > more ? size : more;
    char *fresh = malloc(wanted);
    if (!fresh && wanted > size) fresh = malloc(wanted = size);
    if (!fresh)
        return gpumm_lua_fail(GPUMM_OUT_OF_MEMORY, "no memory on the host for %llu bytes to send or receive",
                              (unsigned long long)size);
    free(b->bytes);
    *b = (block){fresh, wanted};
    return GPUMM_OK;
}

/* ---- Opening ------------------------------------------------------------------------------------------- */

/* What Open MPI, MPICH and their kin, and PMIx launchers tell those that they start. */
static bool was_launched(void) {
    static const char *const names[] = {"OMPI_COMM_WORLD_SIZE", "PMI_RANK", "PMI_SIZE", "PMIX_RANK", "MPI_RANKS",
                                        "MPI_LOCALRANKID"};
    int started = 0;
    MPI_Initialized(&started);
    for (size_t i = 0; !started && i < sizeof names / sizeof *names; i++) started = getenv(names[i]) != NULL;
    return started;
}

static gpumm_status start_mpi(world *w) {
    int started = 0, ended = 0, level = MPI_THREAD_SINGLE;
    MPI_Finalized(&ended);
    if (ended) return gpumm_lua_fail(GPUMM_CLOSED, "the application has ended MPI, which starts once in a process");
    MPI_Initialized(&started);
    if (!started) {
        patience *p = gpumm_mpi__machine_within(
            w->start, "MPI did not start in time: a rank may have ended before it opened its world");
        int outcome = MPI_Init_thread(NULL, NULL, MPI_THREAD_SERIALIZED, &level);
        gpumm_mpi__machine_in_time(p);
        if (outcome != MPI_SUCCESS) return gpumm_lua_fail(GPUMM_DRIVER, "MPI cannot be started");
        w->ours = true;
    }
    w->mpi = true;
    return GPUMM_OK;
}

/* Until MPI is through with a request. */
static gpumm_status finish(world *w, MPI_Request *request, const char *what) {
    double until = gpumm_mpi__machine_now() + w->start;
    for (int done = 0; !done;) {
        TRY(gpumm_mpi__world_mpi(w, MPI_Test(request, &done, MPI_STATUS_IGNORE), what));
        if (!done && gpumm_mpi__machine_now() > until)
            return gpumm_mpi__world_lose(w, GPUMM_TIMEOUT,
                                         "%s took more than %g seconds: a rank did not open its world", what, w->start);
        if (!done) sched_yield();
    }
    return GPUMM_OK;
}

static gpumm_status join(world *w) {
    MPI_Request request;
    TRY(gpumm_mpi__world_mpi(w, MPI_Comm_idup(MPI_COMM_WORLD, &w->comm, &request), "joining the ranks"));
    TRY(finish(w, &request, "joining the ranks"));
    MPI_Comm_set_errhandler(w->comm, MPI_ERRORS_RETURN);
    MPI_Comm_rank(w->comm, &w->rank);
    MPI_Comm_size(w->comm, &w->size);
    return GPUMM_OK;
}

static gpumm_status make_tables(world *w) {
    uint64_t **lists[] = {&w->out_at, &w->out_bytes, &w->in_at, &w->in_bytes, &w->counts};
    bool made = (w->peers = calloc((size_t)w->size, sizeof *w->peers)) != NULL;
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        made = (*lists[i] = calloc((size_t)w->size, sizeof **lists[i])) != NULL && made;
    for (int r = 0; w->peers && r < w->size; r++) {
        w->peers[r].watch = -1;
        w->peers[r].sending = w->peers[r].receiving = MPI_REQUEST_NULL;
    }
    if (!made) return gpumm_lua_fail(GPUMM_OUT_OF_MEMORY, "no memory on the host for %d ranks", w->size);
    TRY(gpumm_mpi__world_room(&w->in, FIRST_ROOM)); /* so that there is a place also for nothing */
    return gpumm_mpi__world_room(&w->out, FIRST_ROOM);
}

static gpumm_status meet(world *w) {
    process self = gpumm_mpi__machine_self(), *all = calloc((size_t)w->size, sizeof *all);
    MPI_Request request;
    if (!all) return gpumm_lua_fail(GPUMM_OUT_OF_MEMORY, "no memory on the host for %d ranks", w->size);
    all[w->rank] = self;
    if (w->mpi) {
        gpumm_status status = gpumm_mpi__world_mpi(
            w, MPI_Iallgather(&self, sizeof self, MPI_BYTE, all, sizeof self, MPI_BYTE, w->comm, &request),
            "meeting the ranks");
        if (status == GPUMM_OK) status = finish(w, &request, "meeting the ranks");
        if (status != GPUMM_OK) return status; /* MPI may still write to `all` */
    }
    for (int r = 0; r < w->size; r++) {
        bool here = all[r].machine == self.machine;
        w->peers[r].who = all[r];
        w->local_size += here;
        w->local_rank += here && r < w->rank;
        if (r != w->rank) w->peers[r].watch = gpumm_mpi__machine_watch(&all[r]);
    }
    free(all);
    return GPUMM_OK;
}

static gpumm_status listen(world *w) {
    for (int r = 0; r < w->size; r++) {
        peer *p = &w->peers[r];
        if (r == w->rank) continue;
        TRY(gpumm_mpi__world_mpi(
            w, MPI_Irecv(&p->inbox, sizeof p->inbox, MPI_BYTE, r, TAG_NOTE, w->comm, &p->receiving), "listening"));
    }
    return GPUMM_OK;
}

static const char *why_ended(void) {
    static char text[128];
    if (the_world.settle) the_world.settle(&the_world); /* or what is under way would wait for ever */
    int rank = gpumm_mpi__world_ended_rank(&the_world);
    if (rank < 0) snprintf(text, sizeof text, "the launcher ends this run (SIGTERM)");
    else snprintf(text, sizeof text, "rank %d has ended, and the launcher ends the others (SIGTERM)", rank);
    gpumm_mpi__world_lose(&the_world, GPUMM_CANCELLED, "%s", text);
    return text;
}

static gpumm_status open_all(world *w) {
    w->size = 1;
    if (was_launched()) {
        TRY(start_mpi(w));
        TRY(join(w));
    }
    TRY(make_tables(w));
    TRY(meet(w));
    w->spin = w->local_size > sysconf(_SC_NPROCESSORS_ONLN) ? BRIEFLY : AWHILE;
    return listen(w);
}

gpumm_status gpumm_mpi__world_open(lua_State *L, double seconds, double start) {
    world *w = &the_world;
    if (w->state == WORLD_OPEN && w->owner == L) {
        if (seconds > 0) w->seconds = seconds;
        return GPUMM_OK;
    }
    if (w->state == WORLD_OPEN)
        return gpumm_lua_fail(GPUMM_BUSY, "the world belongs to another Lua state of this process");
    if (w->state != WORLD_UNOPENED) return gpumm_mpi__world_check(w);
    w->seconds = seconds;
    w->start = start;
    gpumm_status status = open_all(w);
    if (status != GPUMM_OK) return status;
    w->owner = L;
    w->state = WORLD_OPEN;
    if (w->size > 1) gpumm_mpi__machine_catch_end(L, why_ended);
    return GPUMM_OK;
}

/* ---- The end --------------------------------------------------------------------------------------------- */

static void end_mpi(world *w) {
    for (int r = 0; r < w->size; r++) {
        peer *p = &w->peers[r];
        if (p->receiving != MPI_REQUEST_NULL) {
            MPI_Cancel(&p->receiving);
            MPI_Request_free(&p->receiving);
        }
        if (p->sending != MPI_REQUEST_NULL) MPI_Request_free(&p->sending);
    }
    MPI_Comm_free(&w->comm);
    if (w->ours) MPI_Finalize();
}

static void close_watches(world *w) {
    for (int r = 0; r < w->size; r++)
        if (w->peers[r].watch >= 0) close(w->peers[r].watch);
}

/* Where MPI goes on with a transfer that was given up, its memory stays until the process ends. */
void gpumm_mpi__world_end(world *w, bool whole) {
    gpumm_mpi__machine_release_end();
    close_watches(w);
    w->state = WORLD_CLOSED;
    w->owner = NULL;
    w->settle = NULL;
    if (w->mpi && !whole) return;
    if (w->mpi) end_mpi(w);
    block *blocks[] = {&w->in, &w->out, &w->requests, &w->pieces};
    uint64_t **lists[] = {&w->out_at, &w->out_bytes, &w->in_at, &w->in_bytes, &w->counts};
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) {
        free(blocks[i]->bytes);
        *blocks[i] = (block){NULL, 0};
    }
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        free(*lists[i]);
        *lists[i] = NULL;
    }
    free(w->peers);
    w->peers = NULL;
}
