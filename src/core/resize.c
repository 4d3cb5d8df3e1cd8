/* SPDX-License-Identifier: MIT */
/* Every change of size goes through one door: a callback schedule proposes, the transaction is tried, relief is sought,
   followers are told. */
#include "core/resize.h"

#include "core/canary.h"
#include "core/move.h"
#include "core/precommit.h"
#include "core/pressure.h"
#include "core/report.h"
#include "core/tail.h"

/* ---- Growing --------------------------------------------------------------------------------------------- */

static gpumm_status target_of(gpumm_group *g, const change *c, uint64_t required, uint64_t *target) {
    if (required > g->max_length)
        return fail(GPUMM_OVER_MAX_SIZE,
                    "%llu elements are more than its maximum of %llu; the option max_length raises it",
                    (unsigned long long)required, (unsigned long long)g->max_length);
    gpumm_growth rule = g->growth;
    if (c->proposed || rule.kind == GPUMM_GROWTH_CALLBACK) { /* asked before, without locks: a list of one */
        rule.kind = GPUMM_GROWTH_LIST;
        rule.list = &c->proposed;
        rule.list_count = 1;
    }
    return gpumm_growth_next(&rule, &(gpumm_growth_request){g->named.name, g->capacity, required, g->max_length},
                             target);
}

static gpumm_status transaction(gpumm_group *g, const char *what, const change *c, uint64_t capacity, uint64_t length) {
    context *ctx = g->object.context;
    uint64_t since = tracing_now(&ctx->tracing), before = g->capacity;
    gpumm_status status = gpumm__transaction(g, c, capacity, length);
    if (ctx->tracing.traced)
        gpumm__tracing_change(&ctx->tracing, &(traced_change){what, g->named.name, since, before, capacity,
                                                              capacity * g->row_bytes, status});
    return status;
}

static gpumm_status grow(gpumm_group *g, const change *c, uint64_t required, uint64_t length) {
    uint64_t target;
    TRY(target_of(g, c, required, &target));
    TRY(gpumm__canary_check(g));
    gpumm__group_tell_growing(g);
    gpumm_status status = transaction(g, "grow", c, target, length);
    if (gpumm_status_is_memory_error(status) && target > required) status = transaction(g, "grow", c, required, length);
    if (status != GPUMM_OK) return status;
    pthread_mutex_lock(&g->object.context->lock);
    g->object.context->resizes++;
    pthread_mutex_unlock(&g->object.context->lock);
    return GPUMM_OK;
}

/* Group lock held. */
static gpumm_status change_locked(gpumm_group *g, const change *c, uint64_t *wanted) {
    uint64_t length = c->sized ? c->length : g->length, required;
    if (!size_add(length, c->append, &length))
        return fail(GPUMM_OVER_MAX_SIZE, "%llu elements more are more than can be counted",
                    (unsigned long long)c->append);
    required = size_max(length, c->capacity);
    *wanted = required;
    if (required > g->capacity) return grow(g, c, required, length);
    return length == g->length ? GPUMM_OK : gpumm__transaction(g, c, g->capacity, length);
}

/* ---- Shrinking ------------------------------------------------------------------------------------------- */

static uint64_t fitting_capacity(const gpumm_group *g) {
    uint64_t capacity = g->length, aligned;
    if (g->growth.align > 1 && size_round_up(capacity, g->growth.align, &aligned))
        capacity = size_min(aligned, g->max_length);
    return capacity;
}

/* Group lock held. Whole segments go back behind their users; what is used in part is moved where that is worth it. */
static void shrink_locked(gpumm_group *g) {
    context *ctx = g->object.context;
    uint64_t capacity = fitting_capacity(g);
    g->grown = 0; /* it does not grow any more, as far as anybody knows */
    if (capacity < g->capacity) {
        uint64_t given = (g->capacity - capacity) * (g->row_bytes + g->followers_row);
        pthread_mutex_lock(&ctx->submit);
        g->capacity = capacity;
        pthread_mutex_unlock(&ctx->submit);
        gpumm__group_book(g);
        gpumm__context_uncharge(ctx, given);
        gpumm__group_tell_followers(g);
        gpumm__tail_release(g);
    }
    gpumm__move_start(g);
}

gpumm_status gpumm_group_shrink_to_fit(gpumm_group *g) {
    NOT_NULL(g, "group");
    TRY(gpumm__group_own(g));
    TRY(gpumm__group_enter(g));
    pthread_mutex_lock(&g->lock);
    gpumm_status status = atomic_load(&g->object.alive) ? GPUMM_OK : gpumm__buffer_gone(&g->members[0]);
    if (status == GPUMM_OK) status = gpumm__group_not_capturing(g);
    if (status == GPUMM_OK) status = gpumm__group_not_lent(g);
    if (status == GPUMM_OK) status = gpumm__canary_check(g);
    if (status == GPUMM_OK) shrink_locked(g);
    if (status == GPUMM_OK) gpumm__canary_write(g);
    pthread_mutex_unlock(&g->lock);
    gpumm__group_leave(g);
    return status;
}

/* ---- When memory is short ---------------------------------------------------------------------------------- */

gpumm_status gpumm__resize_explain(const gpumm_group *g, gpumm_status status, uint64_t elements) {
    char text[TITLE_BYTES];
    if (!gpumm_status_is_memory_error(status)) return status;
    if (status == GPUMM_OUT_OF_MEMORY && g->shareable && g->object.context->spill.limit)
        fail_in(status, "shareable memory is not spilled: ");
    fail_in(status, "%s: %llu elements of %llu bytes: ", gpumm__group_title(g, text), (unsigned long long)elements,
            (unsigned long long)g->row_bytes);
    return gpumm__explain(g->object.context, status);
}

static bool may_spill(const gpumm_group *g, gpumm_status failed) {
    return !g->shareable && gpumm__pressure_spills(g->object.context, failed);
}

gpumm_status gpumm__resize_first(gpumm_group *g, gpumm_stream *s, uint64_t capacity, uint64_t length) {
    change c = {.stream = s};
    gpumm_status status = transaction(g, "allocate", &c, capacity, length);
    for (unsigned stage = 0; gpumm__relieve(g->object.context, status, capacity * g->row_bytes, &stage);)
        status = transaction(g, "allocate", &c, capacity, length);
    c.spills = may_spill(g, status);
    if (c.spills) status = transaction(g, "allocate", &c, capacity, length);
    return gpumm__resize_explain(g, status, capacity);
}

/* ---- One door for every change of size ------------------------------------------------------ */

static gpumm_status change_once(gpumm_group *g, const change *c, uint64_t *wanted) {
    pthread_mutex_lock(&g->lock);
    uint64_t before = g->capacity, length = g->length;
    gpumm_status status =
        atomic_load(&g->object.alive) ? change_locked(g, c, wanted) : fail(GPUMM_STALE, "it was freed meanwhile");
    if (g->capacity > before) {
        g->grown += g->grown < 2;
        g->last_step = g->capacity - before;
        gpumm__group_tell_followers(g);
        gpumm__precommit_post(g);
    }
    if (g->length != length) gpumm__group_tell_length(g);
    pthread_mutex_unlock(&g->lock);
    return status;
}

/* A callback schedule is asked first, without locks; it stays a proposal. */
static void propose(gpumm_group *g, change *c) {
    if (g->growth.kind != GPUMM_GROWTH_CALLBACK || c->proposed) return;
    pthread_mutex_lock(&g->object.context->submit);
    uint64_t capacity = g->capacity, length = c->sized ? c->length : g->length;
    pthread_mutex_unlock(&g->object.context->submit);
    uint64_t required;
    if (!size_add(length, c->append, &required)) return;
    required = size_max(c->capacity, required);
    if (required <= capacity || required > g->max_length) return;
    gpumm_growth_request r = {g->named.name, capacity, required, g->max_length};
    if (gpumm_growth_next(&g->growth, &r, &c->proposed) != GPUMM_OK) c->proposed = 0;
}

static gpumm_status change_under_pressure(gpumm_group *g, change *c) {
    uint64_t wanted = 0;
    gpumm_status status = change_once(g, c, &wanted);
    for (unsigned stage = 0; gpumm__relieve(g->object.context, status, wanted * g->row_bytes, &stage);)
        status = change_once(g, c, &wanted);
    c->spills = may_spill(g, status);
    if (c->spills) status = change_once(g, c, &wanted);
    return gpumm__resize_explain(g, status, wanted);
}

static gpumm_status resize(gpumm_group *g, const change *given) {
    TRY(gpumm__group_own(g));
    TRY(gpumm__group_enter(g));
    change c = *given;
    gpumm_status status = gpumm__stream_of(g->object.context, given->stream, &c.stream);
    if (status == GPUMM_OK) status = gpumm__stream_not_capturing(c.stream);
    if (status == GPUMM_OK) {
        propose(g, &c);
        status = change_under_pressure(g, &c);
    }
    gpumm__group_leave(g);
    return status;
}

/* ---- The public face ------------------------------------------------------------------------------------- */

gpumm_status gpumm_group_resize(gpumm_group *g, gpumm_stream *s, uint64_t length) {
    NOT_NULL(g, "group");
    return resize(g, &(change){.stream = s, .sized = true, .length = length});
}

gpumm_status gpumm_group_ensure_capacity(gpumm_group *g, uint64_t capacity) {
    NOT_NULL(g, "group");
    return resize(g, &(change){.capacity = capacity});
}

gpumm_status gpumm_group_grow(gpumm_group *g, uint64_t required, uint64_t proposed) {
    NOT_NULL(g, "group");
    return resize(g, &(change){.capacity = required, .proposed = proposed});
}

gpumm_status gpumm_group_append(gpumm_group *g, gpumm_stream *s, uint64_t count, const void *const *columns) {
    NOT_NULL(g, "group");
    if (count) NOT_NULL(columns, "columns");
    return resize(g, &(change){.stream = s, .append = count, .columns = columns});
}

gpumm_status gpumm_buffer_resize(gpumm_buffer *b, gpumm_stream *s, uint64_t length) {
    NOT_NULL(b, "buffer");
    return resize(b->group, &(change){.stream = s, .sized = true, .length = length});
}

gpumm_status gpumm_buffer_ensure_capacity(gpumm_buffer *b, uint64_t capacity) {
    NOT_NULL(b, "buffer");
    return resize(b->group, &(change){.capacity = capacity});
}

gpumm_status gpumm_buffer_grow(gpumm_buffer *b, uint64_t required, uint64_t proposed) {
    NOT_NULL(b, "buffer");
    return resize(b->group, &(change){.capacity = required, .proposed = proposed});
}

gpumm_status gpumm_buffer_shrink_to_fit(gpumm_buffer *b) {
    NOT_NULL(b, "buffer");
    return gpumm_group_shrink_to_fit(b->group);
}

gpumm_status gpumm_buffer_append(gpumm_buffer *b, gpumm_stream *s, uint64_t count, const void *data) {
    NOT_NULL(b, "buffer");
    if (!b->group->alone)
        return fail(GPUMM_INVALID_ARGUMENT, "'%s' is a member of a group: append to the group", b->full_name);
    return resize(b->group, &(change){.stream = s, .append = count, .columns = &data});
}
