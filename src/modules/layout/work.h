/* SPDX-License-Identifier: MIT */
/* What a long call works with: memory that counts against a contained script's, several threads, and a line about its
   progress where it takes more than a second. */
#ifndef MODULES_LAYOUT_WORK_H
#define MODULES_LAYOUT_WORK_H

#include <lua.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gpumm_lua.h"

typedef struct work {
    lua_State *L; /* touched by the calling thread alone */
    gpumm_allocator memory;
    unsigned threads; /* how many are worth it */
    const char *what; /* "reading x.csv"; NULL: no progress is told */
    uint64_t total;   /* of what gpumm_layout__work_tick counts */
    atomic_uint_least64_t done;
    double next; /* when progress is told next, seconds */
} work;

/* For `bytes` of input; `threads` 0: as many as there are cores. */
void gpumm_layout__work_begin(work *w, lua_State *L, const char *what, uint64_t bytes, unsigned threads);
/* As realloc; NULL: there is no memory. Any thread. */
void *gpumm_layout__work_memory(const work *w, void *block, size_t size);
/* The same for `count` elements of `size` bytes; a product that overflows is refused. */
void *gpumm_layout__work_array(const work *w, void *block, size_t count, size_t size);
/* What is read and written here and there is worth large pages, where the machine has them. */
void gpumm_layout__work_huge(void *block, size_t size);
void gpumm_layout__work_free(const work *w, void *block); /* NULL is fine */
/* Zeroed memory of a call, for `count` elements of `size` bytes: a userdata on the stack, so that an error loses nothing. Raises
   where there is none. [-0, +1, m] */
void *gpumm_layout__work_scratch(lua_State *L, uint64_t count, size_t size);

/* Gives back to the system what a call's threads have freed. */
void gpumm_layout__work_end(void);

typedef void work_task(void *user, unsigned index);
/* Runs task(user, 0) to task(user, count - 1), each on a thread of its own where there are enough; the first is the
   caller's. Returns when all have ended. */
void gpumm_layout__work_run(work *w, unsigned count, work_task *task, void *user);
/* Task `index` has done so much more. */
void gpumm_layout__work_tick(work *w, unsigned index, uint64_t done);

#endif
