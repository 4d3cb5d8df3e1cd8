/* SPDX-License-Identifier: MIT */
/* What the parts of the benchmark share: the run, medians, the table, the bare driver and Lua. A part is one
   topic; a row of it that fails says so, and the rest goes on. */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <cuda.h>
#include <lua.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/size.h"
#include "base/status.h"
#include "base/thread.h"
#include "gpumm.h"

enum { SAMPLES = 512, BLOCK = 256, NODE = 12 }; /* NODE: bytes of an f32x3 */

typedef struct bench {
    bool host; /* gpumm's side alone, on the host device: a dry run without marks */
    int ordinal;
    char device[32];   /* "cuda:0" */
    const char *run;   /* gpumm-run */
    char folder[1024]; /* where the benchmark's scripts and kernels are */
    unsigned reached, missed, failed, skipped;
    CUdevice gpu; /* the bare side: the same primary context, a stream of its own */
    CUcontext context;
    CUstream stream;
    CUmodule module;
    CUfunction step; /* the kernel of bench_kernels.cu, the same binary as gpumm's */
} bench;

/* ---- Numbers (table.c) ---------------------------------------------------------------------- */

typedef struct samples {
    size_t count;
    double at[SAMPLES];
} samples;

void sample(samples *s, double value);            /* beyond SAMPLES: let go */
double median(const samples *s);                  /* NAN where there is none */
double seconds_since(uint64_t start);             /* of gpumm__clock_ns */
unsigned rounds(const bench *b, unsigned wanted); /* fewer in a dry run */

/* ---- The table (table.c) -------------------------------------------------------------------- */

typedef enum measure { UNIT_TIME, UNIT_RATE, UNIT_BYTES, UNIT_FACTOR } measure; /* s, B/s, B, x */
typedef enum sense { NO_MARK, AT_MOST, AT_LEAST } sense;

typedef struct row {
    const char *what, *size;
    measure unit;
    double ours;
    double beside;    /* NAN: nothing stands beside */
    const char *name; /* of what stands beside, or a remark */
    double ratio;     /* NAN: none */
    sense sense;      /* of `judged` against `bound` */
    double judged, bound;
    const char *must; /* the mark in words */
} row;

void table_head(const bench *b);
void table_row(bench *b, const row *r);
void table_failed(bench *b, const char *what, const char *size); /* with this thread's message */
void table_skipped(bench *b, const char *what, const char *size, const char *why);
void table_end(const bench *b);

/* ---- gpumm (bench.c) ------------------------------------------------------------------------ */

gpumm_status open_manager(const bench *b, gpumm_manager **out);
gpumm_status open_step(const bench *b, gpumm_manager *m, gpumm_kernel **out);
/* Anonymous, `count` elements of `type`, zeroed; may grow to `maximum`. */
gpumm_status open_buffer(gpumm_manager *m, const char *type, uint64_t count, uint64_t maximum, gpumm_buffer **out);
gpumm_status launch_step(gpumm_kernel *k, gpumm_stream *s, gpumm_buffer *nodes, uint64_t count, int turns);
/* Gives back everything warm, and waits until it is gone. */
gpumm_status make_cold(gpumm_manager *m);

/* ---- The bare driver (bench_bare.c) --------------------------------------------------------- */

gpumm_status bare(CUresult result, const char *call);
#define BARE(call) TRY(bare((call), #call))

gpumm_status bare_open(bench *b);
void bare_close(bench *b);
/* New device memory behind a reserved address, in segments of 1 GiB as gpumm's, and back. */
gpumm_status bare_commit(const bench *b, CUdeviceptr address, uint64_t bytes);
gpumm_status bare_uncommit(CUdeviceptr address, uint64_t bytes);
gpumm_status bare_launch(const bench *b, CUdeviceptr nodes, uint64_t count, int turns);
gpumm_status bare_synchronize(const bench *b);
gpumm_status bare_free_bytes(uint64_t *bytes);
uint64_t bare_granularity(const bench *b);

/* ---- Lua (bench_lua.c) ---------------------------------------------------------------------- */

/* A state in which `file` ran with (manager, clock, path of the kernels) and returned its functions. */
gpumm_status script_open(const bench *b, gpumm_manager *m, const char *file, lua_State **out);
/* Calls one of them with numbers; what it returns goes to `result`, which may be NULL. */
gpumm_status script_call(lua_State *L, const char *function, size_t count, const double *numbers, double *result);
void script_close(lua_State *L);
#define NUMBERS(...) \
    sizeof((double[]){__VA_ARGS__}) / sizeof(double), (double[]) { __VA_ARGS__ }

/* ---- The topics ----------------------------------------------------------------------------- */

void bench_growth(bench *b);
void bench_ahead(bench *b);
void bench_peak(bench *b);
void bench_move(bench *b);
void bench_train(bench *b);
void bench_readback(bench *b);
void bench_inline(bench *b);
void bench_bandwidth(bench *b);
void bench_overlap(bench *b);
void bench_launch(bench *b);
void bench_record(bench *b);
void bench_slab(bench *b);
void bench_start(bench *b);
void bench_barrier(bench *b);
void bench_share(bench *b);
void bench_trace(bench *b);
void bench_spill(bench *b);
void bench_stripe(bench *b);
int bench_attached(const char *path, const char *what); /* the process at the other end */

#endif
