/* SPDX-License-Identifier: MIT */
/* Sums over accounts, kept up to date at every change of one. */
#include "memory/ledger.h"

#include <string.h>

#include "base/size.h"

static bool logical(gpumm_category category) {
    static const bool is[] = {
#define LOGICAL(name, text, logical) logical,
        GPUMM_CATEGORY_MAP(LOGICAL)
#undef LOGICAL
    };
    return is[category];
}

const char *gpumm_category_name(gpumm_category category) {
    static const char *const names[] = {
#define NAME(name, text, logical) text,
        GPUMM_CATEGORY_MAP(NAME)
#undef NAME
    };
    return (unsigned)category < GPUMM_CATEGORY_COUNT ? names[category] : "unknown";
}

/* Held for nobody here: all that is committed is of the category. */
static bool is_idle(gpumm_category category) {
    return category == GPUMM_CATEGORY_CACHED || category == GPUMM_CATEGORY_EXPORTED;
}

uint64_t gpumm__account_bytes(const account *a, gpumm_category category) {
    uint64_t beyond = a->committed > a->logical ? a->committed - a->logical : 0;
    uint64_t precommitted = size_min(a->precommitted, beyond);
    if (category == GPUMM_CATEGORY_PRECOMMITTED) return precommitted;
    if (category == GPUMM_CATEGORY_SPILLED) return a->spilled;
    if (category == GPUMM_CATEGORY_SLACK && !is_idle(a->category)) return beyond - precommitted;
    if (category != a->category) return 0;
    return is_idle(category) ? beyond : a->logical;
}

/* An account counts as one entry of its own category, even with no bytes, and of another while it has bytes there. */
static bool counted(const account *a, gpumm_category category) {
    return a->category == category || gpumm__account_bytes(a, category) > 0;
}

static void enter(ledger *l, const account *a, int sign) {
    for (int c = 0; c < GPUMM_CATEGORY_COUNT; c++) {
        gpumm_entry *e = &l->entry[c];
        uint64_t bytes = gpumm__account_bytes(a, (gpumm_category)c);
        e->now_bytes = sign > 0 ? e->now_bytes + bytes : e->now_bytes - bytes;
        e->peak_bytes = size_max(e->peak_bytes, e->now_bytes);
        if (counted(a, (gpumm_category)c)) e->count += (uint64_t)sign;
    }
    if (logical(a->category)) l->used = sign > 0 ? l->used + a->logical : l->used - a->logical;
    l->committed = sign > 0 ? l->committed + a->committed : l->committed - a->committed;
    for (unsigned d = 0; a->stripe && d < GPUMM_DEVICES_MAX; d++) {
        uint64_t share = device_stripe_share(a->stripe, a->committed, d);
        l->striped[d] = sign > 0 ? l->striped[d] + share : l->striped[d] - share;
    }
    l->peak_used = size_max(l->peak_used, l->used);
    l->peak_committed = size_max(l->peak_committed, l->committed);
}

static void tell(const ledger *l) {
    if (l->changed) l->changed(l->user);
}

void gpumm__ledger_open(ledger *l, account *a, gpumm_category category, const char *name, const char *tag) {
    memset(a, 0, sizeof *a);
    a->category = category;
    a->name = name ? name : "";
    a->tag = tag ? tag : "";
    a->next = l->first;
    if (a->next) a->next->previous = a;
    l->first = a;
    l->entry[category].total++;
    enter(l, a, 1);
}

static void replace(ledger *l, account *a, const account *with) {
    bool was[GPUMM_CATEGORY_COUNT];
    for (int c = 0; c < GPUMM_CATEGORY_COUNT; c++) was[c] = counted(a, (gpumm_category)c);
    enter(l, a, -1);
    a->logical = with->logical;
    a->precommitted = with->precommitted;
    a->committed = with->committed;
    a->spilled = with->spilled;
    enter(l, a, 1);
    for (int c = 0; c < GPUMM_CATEGORY_COUNT; c++)
        if (!was[c] && counted(a, (gpumm_category)c)) l->entry[c].total++;
    tell(l);
}

void gpumm__ledger_set(ledger *l, account *a, uint64_t bytes, uint64_t precommitted, uint64_t committed) {
    replace(l, a,
            &(account){.logical = bytes, .precommitted = precommitted, .committed = committed, .spilled = a->spilled});
}

void gpumm__ledger_set_spilled(ledger *l, account *a, uint64_t spilled) {
    account with = *a;
    with.spilled = spilled;
    if (spilled != a->spilled) replace(l, a, &with);
}

void gpumm__ledger_set_stripe(ledger *l, account *a, const device_stripe *stripe) {
    enter(l, a, -1);
    a->stripe = stripe;
    enter(l, a, 1);
}

void gpumm__ledger_set_logical(ledger *l, account *a, uint64_t bytes) {
    gpumm_entry *own = &l->entry[a->category], *slack = &l->entry[GPUMM_CATEGORY_SLACK];
    bool simple = a->precommitted == 0 && a->logical < a->committed && bytes < a->committed && logical(a->category);
    if (!simple) {
        gpumm__ledger_set(l, a, bytes, a->precommitted, a->committed);
        return;
    }
    own->now_bytes += bytes - a->logical;
    own->peak_bytes = size_max(own->peak_bytes, own->now_bytes);
    slack->now_bytes -= bytes - a->logical;
    slack->peak_bytes = size_max(slack->peak_bytes, slack->now_bytes);
    l->used += bytes - a->logical;
    l->peak_used = size_max(l->peak_used, l->used);
    a->logical = bytes;
    tell(l);
}

static void take_out(ledger *l, account *a) {
    enter(l, a, -1);
    if (a->previous) a->previous->next = a->next;
    else l->first = a->next;
    if (a->next) a->next->previous = a->previous;
    a->next = a->previous = NULL;
}

void gpumm__ledger_move(ledger *l, account *a, gpumm_category category, const char *name, const char *tag) {
    take_out(l, a);
    gpumm__ledger_open(l, a, category, name, tag);
}

void gpumm__ledger_close(ledger *l, account *a) {
    take_out(l, a);
    tell(l);
}

void gpumm__ledger_pass(ledger *l, account *from, account *to) {
    take_out(l, from);
    gpumm__ledger_open(l, to, from->category, from->name, from->tag);
    l->entry[to->category].total--;
}

bool gpumm__ledger_balanced(const ledger *l) {
    uint64_t now[GPUMM_CATEGORY_COUNT] = {0}, striped[GPUMM_DEVICES_MAX] = {0}, committed = 0;
    for (const account *a = l->first; a; a = a->next) {
        for (int c = 0; c < GPUMM_CATEGORY_COUNT; c++) now[c] += gpumm__account_bytes(a, (gpumm_category)c);
        committed += a->committed;
        for (unsigned d = 0; a->stripe && d < GPUMM_DEVICES_MAX; d++)
            striped[d] += device_stripe_share(a->stripe, a->committed, d);
    }
    if (memcmp(striped, l->striped, sizeof striped) != 0) return false;
    for (int c = 0; c < GPUMM_CATEGORY_COUNT; c++)
        if (now[c] != l->entry[c].now_bytes) return false;
    return committed == l->committed;
}
