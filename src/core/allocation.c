/* SPDX-License-Identifier: MIT */
/* A buffer is allocated as a group of one. Nobody can find a group before it is whole; what fails before takes all of
   it back. */
#include "core/allocation.h"

#include <string.h>

#include "base/abi.h"
#include "core/canary.h"
#include "core/download.h"
#include "core/precommit.h"
#include "core/resize.h"
#include "core/stripe.h"
#include "core/tail.h"

/* ---- Options -------------------------------------------------------------------------------- */

static gpumm_status check_members(const gpumm_group_options *o) {
    if (o->member_count < 1 || o->member_count > GROUP_MEMBERS)
        return fail(GPUMM_INVALID_ARGUMENT, "a group has 1 to %d members, not %zu", GROUP_MEMBERS, o->member_count);
    if (!o->members) return fail(GPUMM_INVALID_ARGUMENT, "gpumm_group_options.members is NULL");
    for (size_t i = 0; i < o->member_count; i++) {
        if (!o->members[i].type || !o->members[i].name)
            return fail(GPUMM_INVALID_ARGUMENT, "member %zu has no %s", i, o->members[i].name ? "type" : "name");
        if (o->members[i].reserved) return fail(GPUMM_INVALID_ARGUMENT, "reserved of member %zu is not NULL", i);
        TRY(gpumm__name_check("member", o->members[i].name));
        for (size_t j = 0; j < i; j++)
            if (strcmp(o->members[i].name, o->members[j].name) == 0)
                return fail(GPUMM_INVALID_ARGUMENT, "two members are named '%s'", o->members[i].name);
    }
    return GPUMM_OK;
}

/* The widest member's bytes at the maximum must be countable, so that no later product overflows. */
static gpumm_status check_maximum(gpumm_group_options *o) {
    uint64_t widest = 1, row = 0, bytes;
    for (size_t i = 0; i < o->member_count; i++) {
        widest = size_max(widest, gpumm_type_size(o->members[i].type));
        row += gpumm_type_size(o->members[i].type);
    }
    if (!o->max_length) o->max_length = size_max(GPUMM_DEFAULT_MAX_BYTES / widest, 1);
    if (size_mul(o->max_length, row, &bytes) && bytes <= INT64_MAX) return GPUMM_OK;
    return fail(GPUMM_INVALID_ARGUMENT, "a maximum of %llu elements of %llu bytes is more than can be addressed",
                (unsigned long long)o->max_length, (unsigned long long)row);
}

static gpumm_status check_options(gpumm_group_options *o) {
    TRY(check_maximum(o));
    if (o->ahead > AHEAD_MOST && o->ahead != GPUMM_AHEAD_NONE)
        return fail(GPUMM_INVALID_ARGUMENT, "%u growth steps ahead are too many: 0 to %d are committed in advance",
                    o->ahead, AHEAD_MOST);
    if (o->length > o->max_length)
        return fail(GPUMM_OVER_MAX_SIZE,
                    "%llu elements are more than the maximum of %llu; the option max_length raises it",
                    (unsigned long long)o->length, (unsigned long long)o->max_length);
    gpumm_growth rule = o->growth; /* a schedule is checked by being asked, a callback is not called for it */
    if (rule.kind == GPUMM_GROWTH_CALLBACK && rule.callback) return GPUMM_OK;
    uint64_t next;
    return gpumm_growth_next(&rule, &(gpumm_growth_request){"", 0, 0, o->max_length}, &next);
}

static uint64_t first_capacity(const gpumm_group_options *o) {
    uint64_t capacity = size_max(o->length, o->min_length), aligned = capacity;
    if (o->growth.align > 1 && !size_round_up(capacity, o->growth.align, &aligned)) aligned = o->max_length;
    return size_min(aligned, o->max_length);
}

static gpumm_status lengths_of(const gpumm_buffer_options *o, uint64_t size, gpumm_group_options *g) {
    uint64_t max_bytes = o->max_size_bytes ? o->max_size_bytes : GPUMM_DEFAULT_MAX_BYTES;
    g->max_length = o->max_length ? o->max_length : max_bytes / size;
    if (!g->max_length)
        return fail(GPUMM_INVALID_ARGUMENT, "a maximum of %llu bytes holds no element of %llu bytes",
                    (unsigned long long)max_bytes, (unsigned long long)size);
    g->min_length = o->min_size_bytes / size + (o->min_size_bytes % size != 0);
    if (o->min_size_bytes > max_bytes && !o->max_length)
        return fail(GPUMM_INVALID_ARGUMENT, "min_size_bytes %llu is more than max_size_bytes %llu",
                    (unsigned long long)o->min_size_bytes, (unsigned long long)max_bytes);
    return GPUMM_OK;
}

/* ---- Allocating ------------------------------------------------------------------------------------------ */

static void group_dispose(object *o) {
    gpumm_group *g = (gpumm_group *)o;
    pthread_mutex_lock(&o->context->lock);
    if (gpumm__group_is_named_buffer(g)) gpumm__names_remove(&o->context->names, &g->named);
    pthread_mutex_unlock(&o->context->lock);
    gpumm__group_give_back(g);
}

static const object_class group_class = {RANK_GROUP, group_dispose, gpumm__group_destroy, gpumm__tail_reclaim};

static gpumm_status name_taken(const char *name) {
    return fail(GPUMM_ALREADY_EXISTS, "a buffer named '%s' exists already: free it first, or get it by its name", name);
}

/* Lists the group, a named buffer under its name, in one act: whoever finds it may free it. */
static gpumm_status publish(gpumm_group *g) {
    context *ctx = g->object.context;
    bool named = gpumm__group_is_named_buffer(g);
    pthread_mutex_lock(&ctx->lock);
    size_t buckets = gpumm__names_wanted(&ctx->names);
    pthread_mutex_unlock(&ctx->lock);
    name_entry **spare = buckets ? gpumm__mem_new(&ctx->memory, buckets * sizeof *spare) : NULL;
    pthread_mutex_lock(&ctx->lock);
    spare = gpumm__names_spread(&ctx->names, spare, buckets);
    bool taken = named && gpumm__names_find(&ctx->names, g->named.name);
    if (!taken) {
        if (named) gpumm__names_add(&ctx->names, &g->named);
        gpumm__object_list_locked(&g->object);
    }
    pthread_mutex_unlock(&ctx->lock);
    gpumm__mem_free(&ctx->memory, spare);
    return taken ? name_taken(g->named.name) : GPUMM_OK;
}

/* Nobody saw it, so the books do not count it as made. */
static void unmake(gpumm_group *g) {
    context *ctx = g->object.context;
    pthread_mutex_lock(&ctx->lock);
    ctx->books.entry[GPUMM_CATEGORY_BUFFERS].total -= g->count;
    pthread_mutex_unlock(&ctx->lock);
    gpumm__group_give_back(g);
}

static gpumm_status fill_and_publish(gpumm_group *g, const gpumm_group_options *o, bool async, gpumm_stream *s) {
    TRY(gpumm__resize_first(g, s, first_capacity(o), o->length));
    gpumm_status status = async ? gpumm__download_enable(g) : GPUMM_OK;
    if (status == GPUMM_OK) status = publish(g);
    if (status != GPUMM_OK) unmake(g);
    return status;
}

/* A first look, so that a taken name costs no memory. */
static gpumm_status check_free(context *ctx, const char *name) {
    pthread_mutex_lock(&ctx->lock);
    bool taken = gpumm__names_find(&ctx->names, name) != NULL;
    pthread_mutex_unlock(&ctx->lock);
    return taken ? name_taken(name) : GPUMM_OK;
}

/* What a buffer alone has that a group has not; of a group NULL. */
typedef struct alone_options {
    bool async;
    const device_stripe *stripe;
} alone_options;

static gpumm_status make(context *ctx, gpumm_group_options *o, const alone_options *alone, gpumm_group **out) {
    gpumm_stream *s;
    TRY(check_options(o));
    if (o->shareable && !ctx->device->shares)
        return fail(GPUMM_INVALID_ARGUMENT, "shareable memory is not to be had on this device%s",
                    ctx->info.in_place ? "" : ": it grows by copying");
    TRY(gpumm__stream_of(ctx, o->stream, &s));
    TRY(gpumm__stream_not_capturing(s));
    if (alone && o->name) TRY(check_free(ctx, o->name));
    gpumm_group *g = gpumm__group_new(ctx, o, alone != NULL, &group_class);
    if (!g) return fail_host_memory(sizeof *g);
    if (alone) g->stripe = alone->stripe;
    gpumm_status status = fill_and_publish(g, o, alone && alone->async, s);
    if (status != GPUMM_OK) {
        gpumm__object_abandon(&g->object);
        return status;
    }
    pthread_mutex_lock(&g->lock);
    if (atomic_load(&g->object.alive)) gpumm__precommit_post(g);
    pthread_mutex_unlock(&g->lock);
    *out = g;
    return GPUMM_OK;
}

static gpumm_status reserve_all(gpumm_group *g, const uint64_t *reserved) {
    for (size_t i = 0; i < g->count; i++)
        TRY(gpumm__extent_reserve(g->object.context, reserved[i], &g->members[i].extent));
    return GPUMM_OK;
}

gpumm_status gpumm__allocation_attach(context *ctx, const gpumm_group_options *o, bool alone, const uint64_t *reserved,
                                      gpumm_group **out) {
    if (!ctx->device->shares) return fail(GPUMM_INVALID_ARGUMENT, "this device cannot map another process's memory");
    gpumm_group *g = gpumm__group_new(ctx, o, alone, &group_class);
    if (!g) return fail_host_memory(sizeof *g);
    g->attached = true;
    gpumm_status status = reserve_all(g, reserved);
    if (status == GPUMM_OK) status = publish(g);
    if (status != GPUMM_OK) {
        gpumm__group_give_back(g);
        gpumm__object_abandon(&g->object);
        return status;
    }
    *out = g;
    return GPUMM_OK;
}

gpumm_status gpumm_group_open(gpumm_manager *m, const gpumm_group_options *given, gpumm_group **out) {
    NOT_NULL(m, "manager");
    NOT_NULL(given, "options");
    NOT_NULL(out, "out");
    context *ctx = context_of(m);
    gpumm_group_options o;
    TRY(ABI_READ(&o, given, "gpumm_group_options"));
    TRY(check_members(&o));
    if (o.name) TRY(gpumm__name_check("group", o.name));
    TRY(gpumm__context_enter(ctx));
    gpumm_status status = make(ctx, &o, NULL, out);
    gpumm__context_leave(ctx);
    return status;
}

static gpumm_status allocate(context *ctx, const gpumm_buffer_options *o, const gpumm_type *type, gpumm_buffer **out) {
    gpumm_member member = {.name = o->name, .type = type};
    gpumm_group_options g = {.name = o->name,
                             .members = &member,
                             .member_count = 1,
                             .length = o->length,
                             .growth = o->growth,
                             .ahead = o->ahead,
                             .stream = o->stream,
                             .tag = o->tag,
                             .shareable = o->shareable};
    alone_options alone = {.async = o->enable_async};
    gpumm_group *group;
    TRY(lengths_of(o, gpumm_type_size(type), &g));
    TRY(gpumm__stripe_of(ctx, o, &alone.stripe));
    TRY(make(ctx, &g, &alone, &group));
    *out = &group->members[0];
    return GPUMM_OK;
}

gpumm_status gpumm_manager_allocate(gpumm_manager *m, const gpumm_buffer_options *given, gpumm_buffer **out) {
    NOT_NULL(m, "manager");
    NOT_NULL(given, "options");
    NOT_NULL(out, "out");
    context *ctx = context_of(m);
    gpumm_buffer_options copy, *o = &copy;
    TRY(ABI_READ(o, given, "gpumm_buffer_options"));
    if (o->name) TRY(gpumm__name_check("buffer", o->name));
    gpumm_type *type;
    if (o->type) type = gpumm_type_retain(o->type);
    else TRY(gpumm_type_parse_with(&ctx->memory, "bytes4", &type));
    gpumm_status status = gpumm__context_enter(ctx);
    if (status == GPUMM_OK) {
        status = allocate(ctx, o, type, out);
        gpumm__context_leave(ctx);
    }
    gpumm_type_release(type);
    return status;
}

/* ---- Freeing ---------------------------------------------------------------------------------------------- */

gpumm_status gpumm__allocation_check(gpumm_group *g) {
    pthread_mutex_lock(&g->lock);
    gpumm_status status = atomic_load(&g->object.alive) ? gpumm__canary_check(g) : GPUMM_OK;
    pthread_mutex_unlock(&g->lock);
    return status;
}

/* Freeing finds what wrote past the end, in debug mode, and frees all the same. */
gpumm_status gpumm_group_close(gpumm_group *g) {
    NOT_NULL(g, "group");
    TRY(gpumm__group_enter(g));
    context *ctx = g->object.context;
    gpumm_status status = gpumm__group_not_capturing(g);
    pthread_mutex_lock(&g->lock);
    if (status == GPUMM_OK) status = gpumm__group_not_lent(g);
    pthread_mutex_unlock(&g->lock);
    if (status == GPUMM_OK) {
        status = gpumm__allocation_check(g);
        gpumm__object_dispose(&g->object);
    }
    gpumm__context_leave(ctx);
    return status;
}

gpumm_status gpumm_buffer_close(gpumm_buffer *b) {
    NOT_NULL(b, "buffer");
    if (!b->group->alone)
        return fail(GPUMM_INVALID_ARGUMENT, "'%s' is a member of a group and is not freed alone: free the group",
                    b->full_name);
    return gpumm_group_close(b->group);
}

gpumm_status gpumm_manager_free(gpumm_manager *m, const char *name) {
    NOT_NULL(m, "manager");
    NOT_NULL(name, "name");
    gpumm_buffer *b;
    TRY(gpumm_manager_find(m, name, NULL, &b));
    gpumm_status status = gpumm_buffer_close(b);
    gpumm_buffer_release(b);
    return status;
}
