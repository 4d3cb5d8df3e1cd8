/* SPDX-License-Identifier: MIT */
/*
 * An NCCL that is none: its entries as gpumm calls them, over MPI, for testing where there are no GPUs. With spec/c/fake_cuda.c
 * addresses are this process's own and streams have done all, so that a group is through when it ends. It is strict: what is
 * sent belongs to a group. FAKE_NCCL_REFUSES=N: it does not start on rank N.
 */
#include <mpi.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define ENTRY __attribute__((visibility("default"))) int

enum { REQUESTS = 64, SUCCESS = 0, FAILED = 1, MISUSED = 4, TAG = 7 };

typedef struct id {
    char bytes[128];
} id;

static MPI_Comm ranks;
static MPI_Request requests[REQUESTS];
static int count, depth;

ENTRY ncclGetUniqueId(id *out) {
    memset(out, 0x5a, sizeof *out);
    return SUCCESS;
}

ENTRY ncclCommInitRank(void **comm, int size, id run, int rank) {
    const char *refuses = getenv("FAKE_NCCL_REFUSES");
    int own_size, own_rank;
    MPI_Comm_dup(MPI_COMM_WORLD, &ranks);
    MPI_Comm_size(ranks, &own_size);
    MPI_Comm_rank(ranks, &own_rank);
    if (own_size != size || own_rank != rank || run.bytes[0] != 0x5a || run.bytes[127] != 0x5a) return MISUSED;
    if (refuses && atoi(refuses) == rank) return FAILED;
    *comm = &ranks;
    return SUCCESS;
}

ENTRY ncclCommAbort(void *comm) { return comm == &ranks ? SUCCESS : MISUSED; }

ENTRY ncclCommGetAsyncError(void *comm, int *outcome) {
    *outcome = SUCCESS;
    return comm == &ranks ? SUCCESS : MISUSED;
}

static int misused(const void *comm, const void *stream, int type) {
    return comm != &ranks || !stream || type != 1 || count == REQUESTS;
}

ENTRY ncclSend(const void *at, size_t bytes, int type, int peer, void *comm, void *stream) {
    if (misused(comm, stream, type) || depth == 0) return MISUSED;
    MPI_Isend(at, (int)bytes, MPI_BYTE, peer, TAG, ranks, &requests[count++]);
    return SUCCESS;
}

ENTRY ncclRecv(void *at, size_t bytes, int type, int peer, void *comm, void *stream) {
    if (misused(comm, stream, type) || depth == 0) return MISUSED;
    MPI_Irecv(at, (int)bytes, MPI_BYTE, peer, TAG, ranks, &requests[count++]);
    return SUCCESS;
}

ENTRY ncclBroadcast(const void *from, void *to, size_t bytes, int type, int root, void *comm, void *stream) {
    if (misused(comm, stream, type) || from != to) return MISUSED;
    MPI_Bcast(to, (int)bytes, MPI_BYTE, root, ranks);
    return SUCCESS;
}

ENTRY ncclGroupStart(void) {
    depth++;
    return SUCCESS;
}

ENTRY ncclGroupEnd(void) {
    MPI_Status statuses[REQUESTS];
    if (--depth > 0) return SUCCESS;
    MPI_Waitall(count, requests, statuses);
    count = 0;
    return SUCCESS;
}

__attribute__((visibility("default"))) const char *ncclGetErrorString(int outcome) {
    return outcome == FAILED ? "failed on purpose" : "misused";
}
