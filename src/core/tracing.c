/* SPDX-License-Identifier: MIT */
/* Slices, instants and counters. */
#include "core/tracing.h"

#include <stdio.h>

#include "base/size.h"

#define FIELDS(...) \
    .fields = (const trace_field[]){__VA_ARGS__}, .count = sizeof((trace_field[]){__VA_ARGS__}) / sizeof(trace_field)
#define NUMBER(key, number) \
    { (key), NULL, (int64_t)(number), false }
#define TEXT(key, text) \
    { (key), (text), 0, false }

static const timeline *line_of(const tracing *t) { return gpumm__traced_timeline(t->traced); }

static void put(const tracing *t, const trace_event *e) { gpumm__trace_put(line_of(t)->trace, e); }

static uint64_t process_of(const tracing *t) { return line_of(t)->process; }

/* "grow nodes"; what has no name is "grow". */
static void title(char text[static 320], const char *what, const char *of) {
    snprintf(text, 320, "%s%s%s", what, of && *of ? " " : "", of ? of : "");
}

void gpumm__tracing_change(const tracing *t, const traced_change *c) {
    char name[320];
    title(name, c->what, c->of);
    put(t, &(trace_event){.phase = TRACE_SLICE,
                          .name = name,
                          .begin = c->since,
                          .end = gpumm__clock_ns(),
                          FIELDS(NUMBER("manager", process_of(t)), NUMBER("from", c->from), NUMBER("to", c->to),
                                 NUMBER("bytes", c->bytes), TEXT("status", gpumm_status_name(c->status)))});
}

void gpumm__tracing_bytes(const tracing *t, const char *what, const char *of, uint64_t since, uint64_t bytes) {
    char name[320];
    title(name, what, of);
    put(t, &(trace_event){.phase = TRACE_SLICE,
                          .name = name,
                          .begin = since,
                          .end = gpumm__clock_ns(),
                          FIELDS(NUMBER("manager", process_of(t)), NUMBER("bytes", bytes))});
}

void gpumm__tracing_frame(const tracing *t, const char *of, const gpumm_frame_info *frame) {
    put(t, &(trace_event){.phase = TRACE_INSTANT,
                          .name = "frame",
                          .begin = gpumm__clock_ns(),
                          FIELDS(NUMBER("manager", process_of(t)), TEXT("of", of), NUMBER("ticket", frame->ticket),
                                 NUMBER("step", frame->step), NUMBER("length", frame->length))});
}

void gpumm__tracing_dropped(const tracing *t, const char *of, unsigned count) {
    put(t, &(trace_event){.phase = TRACE_INSTANT,
                          .name = "dropped",
                          .begin = gpumm__clock_ns(),
                          FIELDS(NUMBER("manager", process_of(t)), TEXT("of", of), NUMBER("count", count))});
}

void gpumm__tracing_refused(const tracing *t, uint64_t bytes) {
    put(t, &(trace_event){.phase = TRACE_INSTANT,
                          .name = "over limit",
                          .begin = gpumm__clock_ns(),
                          FIELDS(NUMBER("manager", process_of(t)), NUMBER("bytes", bytes))});
    gpumm__trace_history(line_of(t)->trace, TRACE_FAILURE, 0, bytes, false);
}

static void count(const tracing *t, const char *name, uint64_t now, uint64_t bytes) {
    put(t, &(trace_event){.phase = TRACE_COUNTER,
                          .process = process_of(t),
                          .thread = gpumm__trace_thread(0),
                          .name = name,
                          .begin = now,
                          FIELDS(NUMBER("bytes", bytes))});
}

static bool is_limited(const gpumm_budget *b) { return b && gpumm_budget_limit(b) != UINT64_MAX; }

/* The smaller; 0: there is none. */
static uint64_t limit_of(const gpumm_budget *own, const gpumm_budget *shared) {
    uint64_t limit = is_limited(own) ? gpumm_budget_limit(own) : UINT64_MAX;
    if (is_limited(shared)) limit = size_min(limit, gpumm_budget_limit(shared));
    return limit == UINT64_MAX ? 0 : limit;
}

/* Only what changed is told. */
void gpumm__tracing_books(tracing *t, const ledger *books, const gpumm_budget *own, const gpumm_budget *shared) {
    static const char *const names[] = {"used", "committed", "budget", "limit", "shared budget"};
    uint64_t now = gpumm__clock_ns(), bytes[TRACING_COUNTERS];
    for (int i = 0; i < GPUMM_CATEGORY_COUNT; i++) bytes[i] = books->entry[i].now_bytes;
    uint64_t *rest = &bytes[GPUMM_CATEGORY_COUNT];
    rest[0] = books->used;
    rest[1] = books->committed;
    rest[2] = gpumm_budget_used(own);
    rest[3] = limit_of(own, shared);
    rest[4] = is_limited(shared) ? gpumm_budget_used(shared) : 0;
    for (int i = 0; i < TRACING_COUNTERS; i++) {
        if (bytes[i] == t->told[i]) continue;
        bool category = i < GPUMM_CATEGORY_COUNT;
        count(t, category ? gpumm_category_name((gpumm_category)i) : names[i - GPUMM_CATEGORY_COUNT], now, bytes[i]);
        t->told[i] = bytes[i];
    }
}
