/* SPDX-License-Identifier: MIT */
/* All receives are posted before the first send, so that nothing has to be kept on its way. */
#include "modules/mpi/traffic.h"

#include <string.h>

#include "modules/mpi/notes.h"

#define TRY(call) \
    do { \
        gpumm_status status_ = (call); \
        if (status_ != GPUMM_OK) return status_; \
    } while (0)

static const uint64_t PIECE = 2 << 20; /* bytes: what has come goes to the device while the next is on its way */

typedef struct piece {
    int peer;
    bool in; /* from there, or out */
    uint64_t offset, bytes;
} piece;

typedef struct transfer {
    world *w;
    uint64_t step;
    int count, left;
    traffic_arrived *arrived;
    void *user;
} transfer;

static uint64_t pieces_of(uint64_t bytes, uint64_t step) { return bytes / step + (bytes % step != 0); }

static gpumm_status make_room(transfer *t) {
    world *w = t->w;
    uint64_t count = 0;
    for (int r = 0; r < w->size; r++)
        if (r != w->rank) count += pieces_of(w->in_bytes[r], t->step) + pieces_of(w->out_bytes[r], t->step);
    if (count > INT32_MAX) return gpumm_mpi__world_lose(w, GPUMM_OUT_OF_MEMORY, "too much is sent at once");
    gpumm_status status = gpumm_mpi__world_room(&w->requests, count * sizeof(MPI_Request));
    if (status == GPUMM_OK)
        status = gpumm_mpi__world_room(&w->pieces, count * (sizeof(piece) + sizeof(MPI_Status) + sizeof(int)));
    if (status == GPUMM_OK) return GPUMM_OK;
    return gpumm_mpi__world_lose(w, status, "rank %d: no memory on the host for what is on its way", w->rank);
}

/* Posts one rank's pieces, in or out. */
static gpumm_status post(transfer *t, int rank, bool in) {
    world *w = t->w;
    uint64_t bytes = in ? w->in_bytes[rank] : w->out_bytes[rank];
    char *at = in ? w->in.bytes + w->in_at[rank] : w->out.bytes + w->out_at[rank];
    for (uint64_t offset = 0; offset < bytes; offset += t->step) {
        uint64_t n = bytes - offset < t->step ? bytes - offset : t->step;
        MPI_Request *request = (MPI_Request *)(void *)w->requests.bytes + t->count;
        ((piece *)(void *)w->pieces.bytes)[t->count++] = (piece){rank, in, offset, n};
        int outcome = in ? MPI_Irecv(at + offset, (int)n, MPI_BYTE, rank, TAG_DATA, w->comm, request)
                         : MPI_Isend(at + offset, (int)n, MPI_BYTE, rank, TAG_DATA, w->comm, request);
        w->stuck = true; /* until all is through */
        TRY(gpumm_mpi__world_mpi(w, outcome, in ? "receiving" : "sending"));
    }
    return GPUMM_OK;
}

static gpumm_status post_all(transfer *t) {
    world *w = t->w;
    for (int k = 1; k < w->size; k++) TRY(post(t, (w->rank + w->size - k) % w->size, true));
    for (int k = 1; k < w->size; k++) TRY(post(t, (w->rank + k) % w->size, false)); /* not all to rank 0 first */
    t->left = t->count;
    return GPUMM_OK;
}

static void keep_own(transfer *t) {
    world *w = t->w;
    uint64_t bytes = w->in_bytes[w->rank];
    if (bytes == 0) return;
    memcpy(w->in.bytes + w->in_at[w->rank], w->out.bytes + w->out_at[w->rank], bytes);
    if (t->arrived) t->arrived(t->user, w->rank, 0, bytes);
}

static gpumm_status step(transfer *t, int *done) {
    world *w = t->w;
    piece *pieces = (piece *)(void *)w->pieces.bytes;
    MPI_Status *statuses = (MPI_Status *)(void *)(pieces + t->count); /* MPICH's header warns of MPI_STATUSES_IGNORE */
    int *which = (int *)(void *)(statuses + t->count);
    MPI_Request *requests = (MPI_Request *)(void *)w->requests.bytes;
    TRY(gpumm_mpi__world_mpi(w, MPI_Testsome(t->count, requests, done, which, statuses), "moving data"));
    if (*done == MPI_UNDEFINED) *done = t->left = 0;
    for (int i = 0; i < *done; i++) {
        const piece *p = &pieces[which[i]];
        if (p->in && t->arrived) t->arrived(t->user, p->peer, p->offset, p->bytes);
    }
    t->left -= *done;
    return GPUMM_OK;
}

static gpumm_status lose_late(transfer *t) {
    world *w = t->w;
    const piece *pieces = (const piece *)(const void *)w->pieces.bytes;
    const MPI_Request *requests = (const MPI_Request *)(const void *)w->requests.bytes;
    int i = 0;
    while (i < t->count - 1 && requests[i] == MPI_REQUEST_NULL) i++;
    return gpumm_mpi__world_lose(w, GPUMM_TIMEOUT, "%s, call %llu: nothing moved for %g seconds; rank %d does not %s",
                                 gpumm_mpi__world_call_name(w->call), (unsigned long long)w->number, w->seconds,
                                 pieces[i].peer, pieces[i].in ? "send" : "take what it is sent");
}

gpumm_status gpumm_mpi__traffic(world *w, uint64_t size, traffic_arrived *arrived, void *user) {
    uint64_t whole = size > 0 && PIECE > size ? PIECE / size * size : size;
    transfer t = {.w = w, .step = whole ? whole : PIECE, .arrived = arrived, .user = user};
    TRY(make_room(&t));
    TRY(post_all(&t));
    keep_own(&t);
    double moved = gpumm_mpi__machine_now();
    while (t.left > 0) {
        int done = 0;
        TRY(step(&t, &done));
        double now = gpumm_mpi__machine_now();
        if (done > 0) moved = now;
        else gpumm_mpi__notes_pause(w, now - moved);
        TRY(gpumm_mpi__notes_look(w));
        if (now - moved > w->seconds) return lose_late(&t);
    }
    w->stuck = false;
    return GPUMM_OK;
}
