/* SPDX-License-Identifier: MIT */
/*
 * Bytes from GPU to GPU by NCCL, where each rank has a GPU of its own. It is opened at run time, and nothing of it is needed to
 * build. What does not go this way goes through the memory of the host: traffic.h.
 */
#ifndef MODULES_MPI_NCCL_H
#define MODULES_MPI_NCCL_H

#include "modules/mpi/world.h"

/* May what is enqueued on this stream (NULL: no) be sent by it, as far as this rank knows? */
bool gpumm_mpi__nccl_can(const world *w, gpumm_stream *stream);
/* All ranks call it, where all can: `joined` is the same on each, false from the first time that one of them could not. */
gpumm_status gpumm_mpi__nccl_join(world *w, gpumm_stream *stream, bool *joined);

/* Sends w->out_bytes[r] at `out` + w->out_at[r] to each other rank r, and takes w->in_bytes[r] from it to `in` + w->in_at[r], on the
   stream. Returns when all is there or, where it is `later`, when that is enqueued: w->settle waits then. What goes wrong loses
   the world. */
gpumm_status gpumm_mpi__nccl_traffic(world *w, gpumm_stream *stream, gpumm_address out, gpumm_address in, bool later);
/* The root's bytes to the same place of everyone. */
gpumm_status gpumm_mpi__nccl_broadcast(world *w, gpumm_stream *stream, gpumm_address at, uint64_t bytes, int root);

/* Why a call that could go this way on some rank does not; "": it does. */
void gpumm_mpi__nccl_told(const char *why);
/* NULL where it is used, as of the last such call; else why it is not. */
const char *gpumm_mpi__nccl_why_not(void);
/* With the world. */
void gpumm_mpi__nccl_end(void);

#endif
