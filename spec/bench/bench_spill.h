/* SPDX-License-Identifier: MIT */
/* What the two parts of the topic "spill" share: a device that is full, gpumm's memory that is spilled therefore, and host
   memory that is mapped by hand. */
#ifndef BENCH_BENCH_SPILL_H
#define BENCH_BENCH_SPILL_H

#include "bench.h"

#define MIB ((uint64_t)1 << 20)
#define PIECE (64 * MIB) /* of gpumm's segments of spilled memory */

enum { SPILL_ROUNDS = 9 };

static inline uint64_t spilled_bytes(const bench *b) { return b->host ? 8 * MIB : 512 * MIB; }

/* Only `room` comes and goes: the driver cleans what it is given back, which for a whole device goes on beside, and
   within, what is measured next. */
typedef struct filler {
    CUdeviceptr rest, room;
    gpumm_buffer *own; /* of the host device, whose memory is the manager's alone */
} filler;

gpumm_status fill(const bench *b, gpumm_manager *m, filler *f);
/* There is room for what is spilled, and some more. */
gpumm_status unfill(gpumm_manager *m, filler *f);
uint64_t spilled_now(const gpumm_manager *m); /* bytes */
/* Nodes of which next to all are spilled, where the device is full. */
gpumm_status open_nodes(const bench *b, gpumm_manager *m, gpumm_buffer **out);
/* The same, and before that it is filled. */
gpumm_status open_spilled(const bench *b, gpumm_manager *m, filler *f, gpumm_buffer **out);

/* As much host memory, of that node, at an address of the device's; hosts_too: the host may use it, too. */
gpumm_status map_host(const bench *b, int node, bool hosts_too, CUdeviceptr *at);
gpumm_status unmap(CUdeviceptr at, uint64_t bytes);
int node_of(const gpumm_manager *m); /* on which gpumm's lies: bench_spill_node.c */

void spill_kernel_row(bench *b, gpumm_manager *m, filler *f);

#endif
