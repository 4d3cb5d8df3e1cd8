/* SPDX-License-Identifier: MIT */
/* The collective calls, on buffers. Each rank calls the same one; a failure of one before data moves is everyone's. */
#ifndef MODULES_MPI_COLLECT_H
#define MODULES_MPI_COLLECT_H

#include "modules/mpi/reduce.h"
#include "modules/mpi/world.h"

typedef struct call {
    world *w;
    lua_State *L; /* grows `to`, by its method, so that its schedule is heeded */
    int to_index; /* its handle */
    gpumm_buffer *from, *to;
    gpumm_stream *stream;
    uint64_t first, count;  /* elements of `from`; first from 0 */
    unsigned detail;        /* the operation; the root */
    const uint64_t *counts; /* of exchange: elements for each rank */
    bool later;             /* of allgather: what goes from GPU to GPU is waited for by the next call */
    bool direct;            /* from GPU to GPU */
    bool gpus;              /* could it, on some rank? */
    char why_not[100];      /* it is not, though it could on some */
    bool taken;             /* what is sent is in w->out */
    bool pinned;            /* both buffers are */
} call;

/* Every rank's elements, in the order of the ranks, to the beginning of `to`, which grows where it is too short. */
gpumm_status gpumm_mpi__allgather(call *c);
/* Element by element over all ranks, in their order: ((rank 0, rank 1), rank 2) …, to the same place of every `to`. */
gpumm_status gpumm_mpi__allreduce(call *c);
/* counts[r] elements to each rank r, one rank's behind another's; what comes to the beginning of `to`, which grows. Writes to
   w->counts how many came from each. */
gpumm_status gpumm_mpi__exchange(call *c);
/* The root's elements to the same place of every other rank's buffer, which grows. */
gpumm_status gpumm_mpi__broadcast(call *c);
/* Waits for the work on the stream (NULL: for none), then for all ranks. */
gpumm_status gpumm_mpi__barrier(call *c);

#endif
