/* SPDX-License-Identifier: MIT */
/* What a manager tells its trace beside what its device sees: why things happen. Whoever calls asks first whether there
   is one, `if (ctx->tracing.traced)`, and nothing else is done where there is none. */
#ifndef CORE_TRACING_H
#define CORE_TRACING_H

#include "base/thread.h"
#include "device/trace/traced.h"
#include "memory/budget.h"
#include "memory/ledger.h"

enum { TRACING_COUNTERS = GPUMM_CATEGORY_COUNT + 5 };

typedef struct tracing {
    device *traced;                  /* NULL: nothing is traced */
    uint64_t told[TRACING_COUNTERS]; /* what the counters say; under the books' lock */
} tracing;

/* When something begins that ends with a slice. */
static inline uint64_t tracing_now(const tracing *t) { return t->traced ? gpumm__clock_ns() : 0; }

/* A change of size, on the thread that makes it: "grow nodes". */
typedef struct traced_change {
    const char *what, *of;
    uint64_t since, from, to; /* elements */
    uint64_t bytes;           /* of the new capacity */
    gpumm_status status;
} traced_change;
void gpumm__tracing_change(const tracing *t, const traced_change *change);
void gpumm__tracing_bytes(const tracing *t, const char *what, const char *of, uint64_t since, uint64_t bytes);
/* Instants; under any lock. */
void gpumm__tracing_frame(const tracing *t, const char *of, const gpumm_frame_info *frame);
void gpumm__tracing_dropped(const tracing *t, const char *of, unsigned count);
void gpumm__tracing_refused(const tracing *t, uint64_t bytes); /* by a budget */
/* The books changed: under their lock. `shared`: the budget of several managers, or NULL. */
void gpumm__tracing_books(tracing *t, const ledger *books, const gpumm_budget *own, const gpumm_budget *shared);

#endif
