/* SPDX-License-Identifier: MIT */
/* The processes of a run as the system sees them: which are on this machine, whether one has ended, and whether this one
   was asked to end. Nothing here knows MPI. */
#ifndef MODULES_MPI_MACHINE_H
#define MODULES_MPI_MACHINE_H

#include <lua.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct process {
    uint64_t machine; /* alike for processes that see one another by their numbers */
    int64_t id;       /* its number there */
} process;

process gpumm_mpi__machine_self(void);

/* A descriptor by which to see the end of a process of this machine; -1: it cannot be seen here. */
int gpumm_mpi__machine_watch(const process *other);
bool gpumm_mpi__machine_ended(int watch); /* false for -1 */

/* From now on SIGTERM, by which a launcher ends a run, no longer ends this process at once: what Lua runs in `L` raises what
   `why` says, so that all is closed. A second one does. Left alone where the application handles it, or has a hook. */
void gpumm_mpi__machine_catch_end(lua_State *L, const char *(*why)(void));
void gpumm_mpi__machine_release_end(void);
bool gpumm_mpi__machine_asked_to_end(void);
/* From now on it raises no more: Lua has been told by a call that failed, and is about to close all. */
void gpumm_mpi__machine_end_is_told(void);

/* Ends the process with a message where `seconds` pass before machine_in_time: for a call that cannot be interrupted. */
typedef struct patience patience;
patience *gpumm_mpi__machine_within(double seconds, const char *message); /* NULL: there is no limit then */
void gpumm_mpi__machine_in_time(patience *p);

double gpumm_mpi__machine_now(void); /* seconds, monotonic */

#endif
