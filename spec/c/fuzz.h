/* SPDX-License-Identifier: MIT */
/* What the fuzz targets share: a seed that is printed, a bounded time, chance, and contained states whose memory
   is counted. Arguments: [seed [seconds]]. The same seed does the same as far as the time allows. */
#ifndef FUZZ_H
#define FUZZ_H

#include <lauxlib.h>
#include <lua.h>
#include <stdatomic.h>

#include "base/thread.h"
#include "check.h"
#include "gpumm_lua.h"

typedef struct fuzz {
    uint64_t seed, state;
    double until; /* gpumm__clock_seconds */
} fuzz;

static inline fuzz fuzz_begin(int argc, char **argv) {
    fuzz f = {.seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1};
    double seconds = argc > 2 ? strtod(argv[2], NULL) : 10;
    f.state = f.seed;
    f.until = gpumm__clock_seconds() + seconds;
    printf("seed %llu, %g seconds\n", (unsigned long long)f.seed, seconds);
    fflush(stdout); /* should it crash */
    return f;
}

/* splitmix64 */
static inline uint64_t fuzz_next(fuzz *f) {
    uint64_t z = f->state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static inline size_t fuzz_below(fuzz *f, size_t n) { return n ? (size_t)(fuzz_next(f) % n) : 0; }

static atomic_int_least64_t fuzz_live; /* blocks of every contained state */

static inline void *fuzz_memory(void *user, void *block, size_t size) {
    (void)user;
    if (size == 0) {
        if (block) atomic_fetch_sub(&fuzz_live, 1);
        free(block);
        return NULL;
    }
    void *fresh = realloc(block, size);
    if (fresh && !block) atomic_fetch_add(&fuzz_live, 1);
    return fresh;
}

static inline lua_State *fuzz_open(gpumm_lua_sandbox options) {
    lua_State *L;
    options.allocator = (gpumm_allocator){.reallocate = fuzz_memory, .user = NULL};
    options.lua_memory_bytes = 64 << 20;
    CHECK_OK(gpumm_lua_sandbox_open(&options, &L));
    gpumm_lua_open_layout(L);
    lua_pop(L, 1);
    gpumm_lua_set_log(L, NULL, NULL);
    return L;
}

static inline void fuzz_close(lua_State *L) {
    gpumm_lua_sandbox_close(L);
    CHECK(atomic_load(&fuzz_live) == 0);
}

/* A script of ours, which is right; leaves its results. */
static inline void fuzz_run(lua_State *L, const char *script, int arguments, int results) {
    CHECK(luaL_loadbufferx(L, script, strlen(script), "=fuzz", "t") == LUA_OK);
    lua_insert(L, -1 - arguments);
    if (lua_pcall(L, arguments, results, 0) == LUA_OK) return;
    fprintf(stderr, "%s\n", lua_tostring(L, -1));
    CHECK(!"a script of the fuzz target's own failed");
}

#endif
