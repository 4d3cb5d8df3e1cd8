/* SPDX-License-Identifier: MIT */
/* What the primitives share: checked operands, chunks, scratch, launches. Every primitive writes its results in its last
   launch alone, and all else to scratch, so that one that fails has changed nothing. */
#ifndef PRIMITIVES_WORK_H
#define PRIMITIVES_WORK_H

#include "core/record_call.h"
#include "primitives/kernels.h"

enum { SCRATCH_MOST = CALL_PIECES, ARGUMENTS_MOST = 16 };

typedef struct work { /* one call */
    context *context;
    gpumm_stream *stream; /* as given */
    const char *name;     /* "scan" */
    variant variant;
    gpumm_scratch *scratch[SCRATCH_MOST];
    unsigned scratches;
    gpumm_recording *recording; /* where launches go instead of to a stream, */
    recorded_call *call;        /* and whose scratch it is */
    size_t most;                /* launches that the call has at any length, which its plan says */
} work;

typedef struct primitive {
    const char *name;
    size_t size;                                                        /* of its options */
    gpumm_status (*plan)(work *w, uint64_t count, const void *options); /* checks, and launches */
} primitive;

/* At once. INVALID_ARGUMENT for another manager's stream, BUSY while it captures. */
gpumm_status gpumm__work_run(const primitive *p, gpumm_manager *m, gpumm_stream *stream, uint64_t count,
                             const void *options);
/* Into a recording. `buffers` are all that the options name (NULLs are left out); a count of GPUMM_TO_END is the length of the
   first one. */
gpumm_status gpumm__work_record(const primitive *p, gpumm_recording *r, uint64_t count, const void *options,
                                gpumm_buffer *const *buffers, size_t buffer_count);

/* ---- Operands ---- */

typedef enum element { ELEMENT_U32, ELEMENT_U64, ELEMENT_I32, ELEMENT_F32, ELEMENTS } element;

/* Is it of this manager, alive, and as long? `what` is its option. */
gpumm_status gpumm__work_operand(const work *w, const char *what, gpumm_buffer *b, uint64_t length);
/* One of the four types, or TYPE_MISMATCH. */
gpumm_status gpumm__work_element(const work *w, const char *what, gpumm_buffer *b, element *out);
/* The same as another operand's. */
gpumm_status gpumm__work_same(const work *w, const char *what, gpumm_buffer *b, const char *as, gpumm_buffer *other);
/* Of counts and positions: u32 or u64; 4 or 8 in `wide`. */
gpumm_status gpumm__work_counts(const work *w, const char *what, gpumm_buffer *b, uint32_t *wide);
gpumm_status gpumm__work_apart(const work *w, const char *what, const gpumm_buffer *b, const char *from,
                               const gpumm_buffer *other);
/* Bits of what key.cu calls an order. */
uint32_t gpumm__work_order(element e, bool descending);

/* ---- Chunks ---- */

typedef struct chunks {
    uint64_t count, size; /* at least 1; elements, a multiple of a tile's */
} chunks;

/* `fixed`: as the result depends on it, alike on every device. */
chunks gpumm__work_chunks(const work *w, uint64_t n, bool fixed);

/* ---- Launches ---- */

gpumm_status gpumm__work_scratch(work *w, uint64_t count, uint64_t size, gpumm_scratch **out);
gpumm_status gpumm__work_launch(const work *w, unsigned kernel, uint64_t blocks, const gpumm_argument *arguments,
                                size_t count);

/* Arguments, valid to the end of the block. */
#define BUFFER(b) \
    { .buffer = (b) }
#define SCRATCH(x) \
    { .scratch = (x) }
#define NOWHERE \
    { .value = &(gpumm_address){0}, .size = sizeof(gpumm_address) }
#define COUNT_OF(n) \
    { .value = &(uint64_t){n}, .size = sizeof(uint64_t) }
#define WORD_OF(n) \
    { .value = &(uint32_t){n}, .size = sizeof(uint32_t) }
/* BUFFER or NOWHERE. */
gpumm_argument gpumm__work_maybe(gpumm_buffer *b);
gpumm_argument gpumm__work_scratch_maybe(gpumm_scratch *x);
#define LAUNCH(w, kernel, blocks, ...) \
    gpumm__work_launch((w), (kernel), (blocks), (gpumm_argument[]){__VA_ARGS__}, \
                       sizeof((gpumm_argument[]){__VA_ARGS__}) / sizeof(gpumm_argument))

#endif
