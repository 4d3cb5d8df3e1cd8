/* SPDX-License-Identifier: MIT */
/*
 * The ranks of a run, of which this process is one. MPI can be started once in a process, so there is one world, and it
 * belongs to the Lua state that opened it. Where the process was not started by an MPI launcher the world is this rank alone, and
 * MPI is left alone.
 */
#ifndef MODULES_MPI_WORLD_H
#define MODULES_MPI_WORLD_H

#include <lua.h>
#include <mpi.h>
#include <stdbool.h>
#include <stdint.h>

#include "gpumm_lua.h"
#include "modules/mpi/machine.h"

typedef enum call_kind {
    CALL_LEAVE, /* none comes any more */
    CALL_BARRIER,
    CALL_ALLGATHER,
    CALL_ALLREDUCE,
    CALL_EXCHANGE,
    CALL_BROADCAST,
    CALL_COLLECT,
    CALL_TRADE
} call_kind;

typedef enum direct_way {
    DIRECT_HOST,
    DIRECT_NOT,
    DIRECT_APART,
    DIRECT_WITHIN
} direct_way; /* no GPU's; not; to another buffer; within one */

enum { NOTE_TEXT = 264, TAG_NOTE = 0, TAG_DATA = 1 };

/* What a rank tells each other one before data moves. One layout: the machines of a run are alike. */
typedef struct note {
    uint64_t number;         /* of the call, from 1; of one who leaves: how many it has been through */
    uint64_t first, count;   /* elements; `count` is for who gets the note */
    uint64_t direct;         /* may they go from GPU to GPU? a direct_way */
    uint64_t type;           /* of the elements: a hash of its name */
    uint32_t kind, phase;    /* a call has two: what is wanted, and that all is ready */
    uint32_t status, detail; /* an operation or a root; of one who leaves, 1: its text says all */
    char text[NOTE_TEXT];    /* why not, where `status` is not OK; else the type's name */
} note;

typedef struct peer {
    note out, inbox, heard; /* what it is told, what comes from it, what it said last */
    MPI_Request sending, receiving;
    bool arrived; /* the inbox is full, and nobody has looked at it */
    bool left;    /* and it says that it has left */
    process who;
    int watch; /* by which its end is seen */
} peer;

typedef struct block { /* memory that grows with what goes through it */
    char *bytes;
    uint64_t size;
} block;

typedef enum world_state { WORLD_UNOPENED, WORLD_OPEN, WORLD_LOST, WORLD_CLOSED } world_state;

typedef struct world {
    world_state state;
    int rank, size;             /* this one, from 0, of so many */
    int local_rank, local_size; /* among those of this machine */
    double seconds;             /* how long a call waits for the others */
    double start;               /* and how long they may take to open theirs */
    double spin;                /* how long who waits for them keeps its core */
    lua_State *owner;
    bool mpi, ours; /* it is in use; it was started here */
    MPI_Comm comm;
    peer *peers; /* one a rank, this one too */
    uint64_t number;
    call_kind call;                          /* the one under way */
    gpumm_status (*settle)(struct world *w); /* waits for what the last call left under way; NULL: nothing is */
    bool busy;                               /* within a call, whose growth of a buffer may run any Lua */
    bool stuck;                              /* a transfer was given up: MPI may still write to `in`, and read `out` */
    block in, out;
    block requests, pieces; /* of the transfer under way */
    /* By rank, for the transfer under way. */
    uint64_t *out_at, *out_bytes, *in_at, *in_bytes, *counts;
    double looked; /* when ended processes were looked for last */
    gpumm_status lost;
    char lost_text[NOTE_TEXT];
} world;

/* The one world, in whatever state it is. */
world *gpumm_mpi__world(void);

/* Starts MPI, and finds the others; in a world that is open it changes the limit, where `seconds` are more than 0. BUSY where another state has the world, CLOSED after its end, DRIVER, TIMEOUT. */
gpumm_status gpumm_mpi__world_open(lua_State *L, double seconds, double start);
/* Frees all; `whole`: every rank is here and none will say more, so that MPI can end. */
void gpumm_mpi__world_end(world *w, bool whole);

/* From now on every call fails with this. Returns the status. */
gpumm_status gpumm_mpi__world_lose(world *w, gpumm_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same for an MPI call that failed; OK for MPI_SUCCESS. */
gpumm_status gpumm_mpi__world_mpi(world *w, int outcome, const char *what);
/* OK where it is open; else what it is. */
gpumm_status gpumm_mpi__world_check(const world *w);
/* At least `size` bytes; what was there is lost. OUT_OF_MEMORY. */
gpumm_status gpumm_mpi__world_room(block *b, uint64_t size);
/* "allgather" */
const char *gpumm_mpi__world_call_name(uint32_t kind);
/* An ended rank of this machine; -1: none is seen. */
int gpumm_mpi__world_ended_rank(const world *w);

#endif
