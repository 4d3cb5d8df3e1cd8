/* SPDX-License-Identifier: MIT */
/* Growth schedules, in integers: a capacity becomes the next by a rule, and never overflows on the way. */
#include "base/limits.h"
#include "base/size.h"
#include "base/status.h"

enum { MILLION = 1000000 };

static uint32_t factor_of(const gpumm_growth *g) { return g->factor_ppm ? g->factor_ppm : GPUMM_DEFAULT_FACTOR_PPM; }

/* ceil(capacity x ppm / 10^6), saturating. */
static uint64_t scaled(uint64_t capacity, uint32_t ppm) {
    uint64_t whole, part = capacity % MILLION * ppm; /* below 10^6 x 2^32 */
    if (!size_mul(capacity / MILLION, ppm, &whole)) return UINT64_MAX;
    return size_add(whole, part / MILLION + (part % MILLION != 0), &whole) ? whole : UINT64_MAX;
}

static uint64_t stepped(uint64_t required, uint64_t step) {
    uint64_t rounded;
    return size_round_up(required, step, &rounded) ? rounded : UINT64_MAX;
}

static uint64_t listed(const gpumm_growth *g, uint64_t required) {
    for (size_t i = 0; i < g->list_count; i++)
        if (g->list[i] >= required) return g->list[i];
    return required;
}

static uint64_t by_schedule(const gpumm_growth *g, const gpumm_growth_request *r) {
    switch (g->kind) {
    case GPUMM_GROWTH_GEOMETRIC: return scaled(r->capacity, factor_of(g));
    case GPUMM_GROWTH_LINEAR: return stepped(r->required, g->step);
    case GPUMM_GROWTH_LIST: return listed(g, r->required);
    case GPUMM_GROWTH_CALLBACK: return g->callback(g->user, r);
    case GPUMM_GROWTH_EXACT: break;
    }
    return r->required;
}

static gpumm_status check_list(const gpumm_growth *g) {
    if (!g->list_count || !g->list) return fail(GPUMM_INVALID_ARGUMENT, "growth: the list is empty");
    for (size_t i = 1; i < g->list_count; i++)
        if (g->list[i] <= g->list[i - 1])
            return fail(GPUMM_INVALID_ARGUMENT, "growth: the list must increase; entry %zu does not", i);
    return GPUMM_OK;
}

static gpumm_status check(const gpumm_growth *g) {
    if (g->reserved[0] || g->reserved[1]) return fail(GPUMM_INVALID_ARGUMENT, "growth: reserved is not 0");
    switch (g->kind) {
    case GPUMM_GROWTH_GEOMETRIC:
        if (factor_of(g) >= MILLION) return GPUMM_OK;
        return fail(GPUMM_INVALID_ARGUMENT, "growth: a factor of %g is below 1", g->factor_ppm / 1e6);
    case GPUMM_GROWTH_LINEAR:
        return g->step ? GPUMM_OK : fail(GPUMM_INVALID_ARGUMENT, "growth: a linear step of 0 elements");
    case GPUMM_GROWTH_LIST: return check_list(g);
    case GPUMM_GROWTH_CALLBACK:
        return g->callback ? GPUMM_OK : fail(GPUMM_INVALID_ARGUMENT, "growth: no callback was given");
    case GPUMM_GROWTH_EXACT: return GPUMM_OK;
    }
    return fail(GPUMM_INVALID_ARGUMENT, "growth: there is no kind %d", (int)g->kind);
}

gpumm_status gpumm_growth_next(const gpumm_growth *g, const gpumm_growth_request *r, uint64_t *next) {
    NOT_NULL(g, "growth");
    NOT_NULL(r, "request");
    NOT_NULL(next, "next");
    TRY(check(g));
    if (r->required > r->max)
        return fail(GPUMM_OVER_MAX_SIZE,
                    "%llu elements are more than the maximum of %llu; the option max_length raises it",
                    (unsigned long long)r->required, (unsigned long long)r->max);
    uint64_t wanted = size_max(by_schedule(g, r), r->required), aligned;
    if (g->align > 1) wanted = size_round_up(wanted, g->align, &aligned) ? aligned : UINT64_MAX;
    *next = size_min(wanted, r->max);
    return GPUMM_OK;
}
