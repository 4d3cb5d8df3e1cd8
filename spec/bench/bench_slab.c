/* SPDX-License-Identifier: MIT */
/* Small blocks: allocate + free from C and from Lua, against the stream-ordered pool, and against PyTorch's
   CuPy's and RMM's allocators, which beside.py measures in a process of its own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

enum { PAIRS = 1000, BATCHES = 51, OTHERS = 16 };

static const struct block {
    const char *name;
    uint64_t bytes;
} blocks[] = {{"256 B", 256}, {"4 KiB", 4096}, {"64 KiB", 65536}, {"1 MiB", 1048576}};

typedef struct slab_samples {
    samples c, lua, bare;
} slab_samples;

static gpumm_status c_pairs(gpumm_manager *m, uint64_t bytes, double *seconds) {
    gpumm_scratch *block;
    uint64_t start = gpumm__clock_ns();
    for (int i = 0; i < PAIRS; i++) {
        TRY(gpumm_scratch_open(m, NULL, bytes, &block));
        gpumm_scratch_release(block);
    }
    *seconds = seconds_since(start) / PAIRS;
    return GPUMM_OK;
}

/* While it is measured the pool keeps what is freed, as gpumm's slab does; else it would give it back at
   every wait. */
static gpumm_status keep_freed(const bench *b, uint64_t bytes) {
    CUmemoryPool pool;
    cuuint64_t threshold = bytes;
    if (b->host) return GPUMM_OK;
    BARE(cuDeviceGetDefaultMemPool(&pool, b->gpu));
    BARE(cuMemPoolSetAttribute(pool, CU_MEMPOOL_ATTR_RELEASE_THRESHOLD, &threshold));
    if (bytes == 0) BARE(cuMemPoolTrimTo(pool, 0));
    return GPUMM_OK;
}

static gpumm_status bare_pairs(const bench *b, uint64_t bytes, double *seconds) {
    CUdeviceptr at = 0;
    uint64_t start = gpumm__clock_ns();
    for (int i = 0; i < PAIRS; i++) {
        BARE(cuMemAllocAsync(&at, bytes, b->stream));
        BARE(cuMemFreeAsync(at, b->stream));
    }
    *seconds = seconds_since(start) / PAIRS;
    return bare_synchronize(b);
}

static gpumm_status slab_round(const bench *b, gpumm_manager *m, lua_State *L, uint64_t bytes, bool counts,
                               slab_samples *s) {
    double c, lua, bare_s = NAN;
    TRY(c_pairs(m, bytes, &c));
    TRY(script_call(L, "scratch", NUMBERS((double)bytes, PAIRS), &lua));
    if (!b->host) TRY(bare_pairs(b, bytes, &bare_s));
    if (!counts) return GPUMM_OK;
    sample(&s->c, c);
    sample(&s->lua, lua);
    sample(&s->bare, bare_s);
    return GPUMM_OK;
}

static void slab_rows(bench *b, const char *size, const slab_samples *s) {
    double c = median(&s->c), lua = median(&s->lua), bare_s = median(&s->bare);
    table_row(b, &(row){"allocate + free a small block, C", size, UNIT_TIME, c, bare_s, "cuMemAllocAsync + free",
                        c / bare_s, AT_MOST, c / bare_s, 0.25, "<= 1/4 of it"});
    table_row(b, &(row){"allocate + free a small block, Lua", size, UNIT_TIME, lua, bare_s, "cuMemAllocAsync + free",
                        lua / bare_s, AT_MOST, lua / bare_s, 1, "<= it"});
}

/* ---- What beside.py measured ---------------------------------------------------------------- */

typedef struct slab_medians {
    double c, lua;
} slab_medians;

typedef struct other {
    char name[96];
    uint64_t bytes;
    double nanoseconds;
} other;

/* Lines "name|bytes|nanoseconds"; any other line is for people. */
static size_t read_others(const bench *b, other others[static OTHERS]) {
    char command[1200], line[512];
    size_t count = 0;
    snprintf(command, sizeof command, "python3 '%s/beside.py' 2>&1", b->folder);
    fflush(stdout);
    FILE *f = popen(command, "r");
    if (!f) return 0;
    while (count < OTHERS && fgets(line, sizeof line, f)) {
        other *o = &others[count];
        unsigned long long bytes;
        if (sscanf(line, "%95[^|]|%llu|%lf", o->name, &bytes, &o->nanoseconds) == 3) {
            o->bytes = bytes;
            count++;
        } else printf("beside.py: %s", line);
    }
    if (pclose(f) != 0) puts("beside.py: ended with an error");
    return count;
}

static void other_row(bench *b, const char *size, const slab_medians *mine, const other *o) {
    double theirs = o->nanoseconds * 1e-9;
    bool marked = strncmp(o->name, "RMM", 3) == 0;
    table_row(b, &(row){"allocate + free a small block, C", size, UNIT_TIME, mine->c, theirs, o->name, mine->c / theirs,
                        marked ? AT_MOST : NO_MARK, mine->c / theirs, 0.25, marked ? "<= 1/4 of it" : NULL});
    if (marked)
        table_row(b, &(row){"allocate + free a small block, Lua", size, UNIT_TIME, mine->lua, theirs, o->name,
                            mine->lua / theirs, AT_MOST, mine->lua / theirs, 1, "<= it"});
}

static void other_rows(bench *b, const char *size, uint64_t bytes, const slab_medians *mine, const other *others,
                       size_t count) {
    for (size_t i = 0; i < count; i++)
        if (others[i].bytes == bytes) other_row(b, size, mine, &others[i]);
}

/* ---- The topic ------------------------------------------------------------------------------ */

static gpumm_status slab_size(bench *b, gpumm_manager *m, lua_State *L, size_t i, slab_medians *mine) {
    slab_samples s = {.c = {0}};
    gpumm_status status = GPUMM_OK;
    for (unsigned round = 0; round <= rounds(b, BATCHES) && status == GPUMM_OK; round++)
        status = slab_round(b, m, L, blocks[i].bytes, round > 0, &s);
    if (status == GPUMM_OK) slab_rows(b, blocks[i].name, &s);
    else table_failed(b, "allocate + free a small block", blocks[i].name);
    *mine = (slab_medians){median(&s.c), median(&s.lua)};
    return status;
}

void bench_slab(bench *b) {
    enum { BLOCKS = sizeof blocks / sizeof *blocks };
    slab_medians mine[BLOCKS];
    other others[OTHERS];
    gpumm_manager *m = NULL;
    lua_State *L = NULL;
    gpumm_status status = open_manager(b, &m);
    if (status == GPUMM_OK) status = script_open(b, m, "bench_calls.lua", &L);
    if (status == GPUMM_OK) status = keep_freed(b, UINT64_MAX);
    if (status != GPUMM_OK) table_failed(b, "allocate + free a small block", "256 B to 1 MiB");
    for (size_t i = 0; i < BLOCKS && status == GPUMM_OK; i++) (void)slab_size(b, m, L, i, &mine[i]);
    (void)keep_freed(b, 0);
    script_close(L);
    if (m) gpumm_manager_release(m);
    if (b->host || status != GPUMM_OK) return;
    size_t count = read_others(b, others);
    for (size_t i = 0; i < BLOCKS; i++) other_rows(b, blocks[i].name, blocks[i].bytes, &mine[i], others, count);
}
