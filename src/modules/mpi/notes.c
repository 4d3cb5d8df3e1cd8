/* SPDX-License-Identifier: MIT */
/*
 * Every rank has one receive open for each other one, whatever it does: so it hears at once of who leaves instead of taking
 * part. A note that comes early, for the next call, waits in its inbox.
 */
#include "modules/mpi/notes.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define TRY(call) \
    do { \
        gpumm_status status_ = (call); \
        if (status_ != GPUMM_OK) return status_; \
    } while (0)

static const double EVERY = 0.002;       /* seconds between two looks for ended processes */
static const double PATIENCE = 1;        /* seconds that who leaves a lost world waits for the others */
static const double SHORT_PATIENCE = .3; /* where the launcher is about to kill */

/* ---- The inbox ---------------------------------------------------------------------------------------- */

static gpumm_status listen(world *w, int rank) {
    peer *p = &w->peers[rank];
    p->arrived = false;
    return gpumm_mpi__world_mpi(
        w, MPI_Irecv(&p->inbox, sizeof p->inbox, MPI_BYTE, rank, TAG_NOTE, w->comm, &p->receiving), "listening");
}

/* Sees what has come from it. */
static gpumm_status peek(world *w, peer *p) {
    int done = 0;
    if (p->arrived || p->receiving == MPI_REQUEST_NULL) return GPUMM_OK;
    TRY(gpumm_mpi__world_mpi(w, MPI_Test(&p->receiving, &done, MPI_STATUS_IGNORE), "listening"));
    p->arrived = done;
    p->left = done && p->inbox.kind == CALL_LEAVE;
    return GPUMM_OK;
}

/* Of an ended process the last words may still be on their way: MPI does not hand them over all at once. */
static gpumm_status peek_last(world *w, peer *p, bool ended) {
    enum { LOOKS = 2000 };
    for (int i = 0; i < (ended ? LOOKS : 1) && !p->arrived; i++) TRY(peek(w, p));
    return GPUMM_OK;
}

/* ---- Who is missed -------------------------------------------------------------------------------------- */

static gpumm_status lose_left(world *w, int rank) {
    const note *last = &w->peers[rank].inbox;
    if (last->detail) return gpumm_mpi__world_lose(w, GPUMM_CANCELLED, "%s", last->text);
    return gpumm_mpi__world_lose(w, GPUMM_CANCELLED, "rank %d left before %s, call %llu%s%.180s", rank,
                                 gpumm_mpi__world_call_name(w->call), (unsigned long long)w->number,
                                 last->text[0] ? ": " : "", last->text);
}

static gpumm_status lose_ended(world *w, int rank) {
    return gpumm_mpi__world_lose(
        w, GPUMM_CANCELLED, "rank %d ended (process %lld of this machine) before %s, call %llu, was through", rank,
        (long long)w->peers[rank].who.id, gpumm_mpi__world_call_name(w->call), (unsigned long long)w->number);
}

static gpumm_status look_at(world *w, int rank) {
    peer *p = &w->peers[rank];
    bool ended = gpumm_mpi__machine_ended(p->watch);
    TRY(peek_last(w, p, ended));
    if (p->left && p->inbox.number < w->number) return lose_left(w, rank);
    return ended && !p->arrived ? lose_ended(w, rank) : GPUMM_OK; /* a note first: what ended it may come after */
}

gpumm_status gpumm_mpi__notes_look(world *w) {
    double now = gpumm_mpi__machine_now();
    if (now - w->looked < EVERY) return GPUMM_OK;
    w->looked = now;
    for (int r = 0; r < w->size; r++)
        if (r != w->rank) TRY(look_at(w, r));
    if (!gpumm_mpi__machine_asked_to_end()) return GPUMM_OK;
    return gpumm_mpi__world_lose(w, GPUMM_CANCELLED, "the launcher ends this run (SIGTERM) in %s, call %llu",
                                 gpumm_mpi__world_call_name(w->call), (unsigned long long)w->number);
}

/* "2", "2, 3 and 4 more" */
static void name_missing(const world *w, char *text, size_t size) {
    int missing = 0;
    size_t at = 0;
    for (int r = 0; r < w->size; r++) {
        if (r == w->rank || w->peers[r].arrived) continue;
        if (missing++ < 8 && at < size) at += (size_t)snprintf(text + at, size - at, "%s%d", at ? ", " : "", r);
    }
    if (missing > 8 && at < size) snprintf(text + at, size - at, " and %d more", missing - 8);
}

static gpumm_status lose_late(world *w) {
    char ranks[96] = "";
    name_missing(w, ranks, sizeof ranks);
    return gpumm_mpi__world_lose(
        w, GPUMM_TIMEOUT,
        "%s, call %llu: rank %s took no part within %g seconds: it works on something else, or waits "
        "in another call",
        gpumm_mpi__world_call_name(w->call), (unsigned long long)w->number, ranks, w->seconds);
}

/* ---- Telling --------------------------------------------------------------------------------------------- */

void gpumm_mpi__notes_pause(const world *w, double waited) {
    if (waited < w->spin) sched_yield();
    else nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
}

/* The note before this one is out of the way. */
static gpumm_status sent(world *w, bool *all) {
    *all = true;
    for (int r = 0; r < w->size; r++) {
        int done = 1;
        if (w->peers[r].sending != MPI_REQUEST_NULL)
            TRY(gpumm_mpi__world_mpi(w, MPI_Test(&w->peers[r].sending, &done, MPI_STATUS_IGNORE), "telling"));
        *all = *all && done;
    }
    return GPUMM_OK;
}

static gpumm_status heard(world *w, bool *all) {
    *all = true;
    for (int r = 0; r < w->size; r++) {
        if (r == w->rank) continue;
        TRY(peek(w, &w->peers[r]));
        if (w->peers[r].left) return lose_left(w, r);
        *all = *all && w->peers[r].arrived;
    }
    return GPUMM_OK;
}

static gpumm_status wait_until(world *w, gpumm_status (*through)(world *, bool *)) {
    double start = gpumm_mpi__machine_now();
    for (;;) {
        bool all = false;
        TRY(through(w, &all));
        if (all) return GPUMM_OK;
        TRY(gpumm_mpi__notes_look(w));
        double waited = gpumm_mpi__machine_now() - start;
        if (waited > w->seconds) return lose_late(w);
        gpumm_mpi__notes_pause(w, waited);
    }
}

static gpumm_status send_all(world *w, const note *mine, const uint64_t *counts) {
    for (int r = 0; r < w->size; r++) {
        peer *p = &w->peers[r];
        p->out = *mine;
        if (counts) p->out.count = counts[r];
        if (r == w->rank) continue;
        TRY(gpumm_mpi__world_mpi(w, MPI_Isend(&p->out, sizeof p->out, MPI_BYTE, r, TAG_NOTE, w->comm, &p->sending),
                                 "telling"));
    }
    return GPUMM_OK;
}

gpumm_status gpumm_mpi__notes_tell(world *w, const note *mine, const uint64_t *counts) {
    TRY(wait_until(w, sent));
    TRY(send_all(w, mine, counts));
    TRY(wait_until(w, heard));
    w->peers[w->rank].heard = w->peers[w->rank].out;
    for (int r = 0; r < w->size; r++) {
        if (r == w->rank) continue;
        w->peers[r].heard = w->peers[r].inbox;
        TRY(listen(w, r));
    }
    return GPUMM_OK;
}

/* ---- Leaving ---------------------------------------------------------------------------------------------- */

static void say_farewell(world *w, const char *why) {
    note last = {.number = w->number, .kind = CALL_LEAVE, .detail = w->state == WORLD_LOST};
    if (w->state == WORLD_LOST && w->number > 0) last.number--; /* the call that lost it was not gone through */
    if (last.detail) why = w->lost_text;
    snprintf(last.text, sizeof last.text, "%s", why ? why : "");
    for (int r = 0; r < w->size; r++) {
        peer *p = &w->peers[r];
        if (r == w->rank || p->sending != MPI_REQUEST_NULL) continue; /* what it was told before has not left yet */
        p->out = last;
        MPI_Isend(&p->out, sizeof p->out, MPI_BYTE, r, TAG_NOTE, w->comm, &p->sending);
    }
}

/* Goes on listening until the last note; 1: it has left, -1: it has ended, 0: neither. */
static int has_left(world *w, int rank) {
    peer *p = &w->peers[rank];
    bool ended = gpumm_mpi__machine_ended(p->watch);
    if (peek_last(w, p, ended) != GPUMM_OK) return -1;
    if (p->left) return 1;
    if (p->arrived && listen(w, rank) != GPUMM_OK) return -1;
    return ended && !p->arrived ? -1 : 0;
}

static bool all_left(world *w, bool *ended) {
    bool all = true, sent_all = true;
    for (int r = 0; r < w->size; r++) {
        int how = r == w->rank ? 1 : has_left(w, r);
        *ended = *ended || how < 0;
        all = all && how != 0;
    }
    return all && sent(w, &sent_all) == GPUMM_OK && (sent_all || *ended);
}

/* How long who leaves waits for the others, in seconds. */
static double patience_of(const world *w, const char *why) {
    double limit = w->state == WORLD_LOST || why ? PATIENCE : w->seconds;
    return limit < w->seconds ? limit : w->seconds;
}

/* Until `through`, or the time is over, which is false. */
static bool within(world *w, double until, bool (*through)(world *, bool *), bool *how) {
    double start = gpumm_mpi__machine_now();
    while (!through(w, how)) {
        double now = gpumm_mpi__machine_now();
        if (now > until || (gpumm_mpi__machine_asked_to_end() && now - start > SHORT_PATIENCE)) return false;
        gpumm_mpi__notes_pause(w, now - start);
    }
    return true;
}

static bool all_sent(world *w, bool *all) { return sent(w, all) != GPUMM_OK || *all; }

bool gpumm_mpi__notes_leave(world *w, const char *why) {
    bool ended = false, all = false;
    double until = gpumm_mpi__machine_now() + patience_of(w, why);
    if (!w->mpi) return true;
    within(w, until, all_sent, &all);
    say_farewell(w, why);
    return within(w, until, all_left, &ended) && all && !ended && !w->stuck;
}
