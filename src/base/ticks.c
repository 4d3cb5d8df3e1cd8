/* SPDX-License-Identifier: MIT */
/* A line through the last two moments at which both clocks were looked at. */
#include "base/ticks.h"

#if defined __x86_64__
#include <cpuid.h>
#endif

enum { LOOKS = 8, LOOK_NS = 1000, APART_NS = 20000000 };

/* A counter that neither frequency nor sleep of the processor changes. */
static bool has_counter(void) {
#if defined __x86_64__
    unsigned a, b, c, d;
    return __get_cpuid(0x80000007, &a, &b, &c, &d) && d >> 8 & 1;
#else
    return false;
#endif
}

/* The closest of a few looks; returns how long it took. */
static uint64_t look(uint64_t *ticks, uint64_t *ns) {
    uint64_t closest = UINT64_MAX;
    for (int i = 0; i < LOOKS; i++) {
        uint64_t from = gpumm__clock_ns(), at = ticks_now(true), width = gpumm__clock_ns() - from;
        if (width >= closest) continue;
        closest = width;
        *ticks = at;
        *ns = from + width / 2;
    }
    return closest;
}

void gpumm__ticks_open(ticks_scale *s) {
    *s = (ticks_scale){0};
    s->counted = has_counter() && look(&s->ticks, &s->ns) < LOOK_NS;
    s->ticks_before = s->ticks;
    s->ns_before = s->ns;
}

/* A line of a single moment, behind a sleep of the machine from which the counter begins anew. */
static void begin_anew(ticks_scale *s, uint64_t ticks, uint64_t ns) {
    s->ticks = s->ticks_before = ticks;
    s->ns = s->ns_before = ns;
}

/* From the last moment on where the line is long enough, else a longer one. */
static void draw(ticks_scale *s, uint64_t ticks, uint64_t ns) {
    bool is_long = s->ns - s->ns_before >= APART_NS;
    if (is_long && ns - s->ns < APART_NS) return;
    if (is_long) {
        s->ticks_before = s->ticks;
        s->ns_before = s->ns;
    }
    s->ticks = ticks;
    s->ns = ns;
}

/* Where something came between each time, the line that there is goes on; the first has to be drawn. */
void gpumm__ticks_look(ticks_scale *s) {
    uint64_t ticks = 0, ns = 0;
    if (!s->counted) return;
    bool is_close = look(&ticks, &ns)<LOOK_NS, is_drawn = s->ticks> s->ticks_before;
    if (ticks < s->ticks) begin_anew(s, ticks, ns);
    else if ((is_close || !is_drawn) && ticks > s->ticks && ns > s->ns) draw(s, ticks, ns);
}

uint64_t gpumm__ticks_ns(const ticks_scale *s, uint64_t ticks) {
    if (!s->counted) return ticks;
    uint64_t span = s->ticks - s->ticks_before;
    double each = span ? (double)(s->ns - s->ns_before) / (double)span : 0;
    double before = (double)(int64_t)(s->ticks - ticks) * each;
    return before < (double)s->ns ? s->ns - (uint64_t)(int64_t)before : 0;
}
