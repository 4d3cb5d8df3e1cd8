/* SPDX-License-Identifier: MIT */
/* What a group is: its struct and names, who uses it, who follows it, and how it is freed. */
#include "core/group.h"

#include <stdio.h>
#include <string.h>

#include "base/abi.h"

/* ---- Words for messages ---------------------------------------------------------------------- */

/* Named, or by what it is and who asked. */
static const char *title_of(const char *what, const char *name, const char *type, const char *tag,
                            char text[static TITLE_BYTES]) {
    if (name[0]) snprintf(text, TITLE_BYTES, "%s '%s'", what, name);
    else
        snprintf(text, TITLE_BYTES, "anonymous %.60s%s%s%s%.80s", type, type[0] ? " " : "", what,
                 tag[0] ? " made at " : "", tag);
    return text;
}

const char *gpumm__buffer_title(const gpumm_buffer *b, char text[static TITLE_BYTES]) {
    return title_of("buffer", b->full_name, gpumm_type_name(b->type), b->group->tag, text);
}

const char *gpumm__group_title(const gpumm_group *g, char text[static TITLE_BYTES]) {
    return g->alone ? gpumm__buffer_title(&g->members[0], text) : title_of("group", g->named.name, "", g->tag, text);
}

const char *gpumm__buffer_label(const gpumm_buffer *b, char text[static TITLE_BYTES]) {
    return gpumm__buffer_title(b, text) + (b->full_name[0] ? strlen("buffer ") : 0);
}

const char *gpumm__group_label(const gpumm_group *g, char text[static TITLE_BYTES]) {
    if (g->alone) return gpumm__buffer_label(&g->members[0], text);
    return gpumm__group_title(g, text) + (g->named.name[0] ? strlen("group ") : 0);
}

/* ---- Being in use ---------------------------------------------------------------------------- */

gpumm_status gpumm__group_enter(gpumm_group *g) {
    char text[TITLE_BYTES];
    gpumm_status status = gpumm__object_enter(&g->object, g->alone ? "buffer" : "group");
    return status == GPUMM_STALE ? fail_in(status, "%s: ", gpumm__group_label(g, text)) : status;
}

void gpumm__group_leave(gpumm_group *g) { gpumm__object_leave(&g->object); }

bool gpumm__group_is_named_buffer(const gpumm_group *g) { return g->alone && g->named.name[0]; }

gpumm_status gpumm__buffer_gone(const gpumm_buffer *b) {
    char text[TITLE_BYTES];
    return fail(GPUMM_STALE, "%s was freed", gpumm__buffer_label(b, text));
}

gpumm_status gpumm__group_own(const gpumm_group *g) {
    char text[TITLE_BYTES];
    if (!g->attached) return GPUMM_OK;
    return fail(GPUMM_INVALID_ARGUMENT,
                "%s is another process's, which alone writes it, changes its size and shares it",
                gpumm__group_label(g, text));
}

gpumm_status gpumm__buffer_use(gpumm_buffer *b, gpumm_stream *s, gpumm_access access) {
    if (!b->extent) return gpumm__buffer_gone(b);
    if (access == GPUMM_ACCESS_WRITE) TRY(gpumm__group_own(b->group));
    return gpumm__order_use(&b->extent->order, s, access);
}

gpumm_address gpumm__buffer_address(const gpumm_buffer *b) { return b->extent ? b->extent->address : 0; }

uint64_t gpumm__buffer_bytes(const gpumm_buffer *b, uint64_t capacity) {
    return capacity * b->size + (b->group->object.context->debug ? SLAB_ALIGN : 0);
}

void gpumm__group_book(gpumm_group *g) {
    for (size_t i = 0; i < g->count; i++)
        gpumm__extent_book(g->members[i].extent, g->members[i].full_name, g->tag, g->capacity * g->members[i].size);
}

/* ---- The struct ----------------------------------------------------------------------------- */

static void member_free(const gpumm_allocator *memory, gpumm_buffer *b) {
    if (!b->group->alone) gpumm__mem_free(memory, b->full_name);
    gpumm_type_release(b->type);
}

void gpumm__group_destroy(object *o) {
    gpumm_group *g = (gpumm_group *)o;
    const gpumm_allocator *memory = &g->object.context->memory;
    for (size_t i = 0; i < g->count; i++) member_free(memory, &g->members[i]);
    gpumm__mem_free(memory, g->named.name);
    gpumm__mem_free(memory, g->tag);
    gpumm__mem_free(memory, (void *)(uintptr_t)g->growth.list);
    pthread_mutex_destroy(&g->lock);
    gpumm__mem_free(memory, g);
}

static bool copy_list(const gpumm_allocator *memory, gpumm_growth *growth) {
    if (!growth->list) return true;
    size_t bytes = growth->list_count * sizeof *growth->list;
    uint64_t *list = gpumm__mem_new(memory, bytes);
    if (list) memcpy(list, growth->list, bytes);
    growth->list = list;
    return list != NULL;
}

/* One copy of a name: alone the group's, else "group.member", which ends with the member's own. */
static bool member_init(gpumm_group *g, gpumm_buffer *b, const gpumm_member *from) {
    char full[2 * NAME_BYTES + 2];
    size_t prefix = g->named.name[0] ? strlen(g->named.name) + 1 : 0;
    b->group = g;
    b->type = gpumm_type_retain(from->type);
    b->size = gpumm_type_size(from->type);
    g->row_bytes += b->size;
    if (g->alone) return b->name = b->full_name = g->named.name, true;
    snprintf(full, sizeof full, "%s%s%s", g->named.name, prefix ? "." : "", from->name);
    b->full_name = gpumm__mem_string(&g->object.context->memory, full);
    b->name = b->full_name ? b->full_name + prefix : NULL;
    return b->name != NULL;
}

gpumm_group *gpumm__group_new(context *ctx, const gpumm_group_options *o, bool alone, const object_class *class) {
    gpumm_group *g = gpumm__mem_new(&ctx->memory, sizeof *g + o->member_count * sizeof g->members[0]);
    if (!g) return NULL;
    gpumm__object_init(&g->object, ctx, class);
    g->alone = alone;
    g->owned = alone ? o->name != NULL : !o->unowned;
    g->shareable = o->shareable;
    g->max_length = o->max_length;
    g->growth = o->growth;
    g->ahead = o->ahead;
    g->generation = 1;
    pthread_mutex_init(&g->lock, NULL);
    g->named.name = gpumm__mem_string(&ctx->memory, o->name ? o->name : "");
    g->tag = gpumm__mem_string(&ctx->memory, o->tag ? o->tag : "");
    bool made = copy_list(&ctx->memory, &g->growth) && g->named.name && g->tag;
    for (; made && g->count < o->member_count; g->count++) /* counted also where it fails: it is freed whole */
        made = member_init(g, &g->members[g->count], &o->members[g->count]);
    if (made) return g;
    gpumm__object_abandon(&g->object);
    return NULL;
}

/* ---- Freeing ---------------------------------------------------------------------------------------------- */

/* The by-name pair's readback and its group hold each other; here the circle ends. */
static void drop_download(gpumm_group *g) {
    pthread_mutex_lock(&g->object.context->lock);
    follower *f = g->download;
    g->download = NULL;
    pthread_mutex_unlock(&g->object.context->lock);
    if (f) gpumm__object_drop(f->object);
}

/* The first of the followers, its object held; NULL: none. Being told takes it out of the list. */
static follower *first_follower(gpumm_group *g) {
    pthread_mutex_lock(&g->object.context->lock);
    follower *f = g->followers;
    if (f) gpumm__object_hold(f->object);
    pthread_mutex_unlock(&g->object.context->lock);
    return f;
}

static void tell_freed(gpumm_group *g) {
    for (follower *f; (f = first_follower(g));) {
        object *o = f->object;
        f->freed(f);
        gpumm__object_drop(o);
    }
}

void gpumm__group_give_back(gpumm_group *g) {
    context *ctx = g->object.context;
    extent *extents[GROUP_MEMBERS];
    tell_freed(g);
    drop_download(g);
    pthread_mutex_lock(&g->lock);
    pthread_mutex_lock(&ctx->submit);
    for (size_t i = 0; i < g->count; i++) {
        extents[i] = g->members[i].extent;
        g->members[i].extent = NULL;
    }
    uint64_t bytes =
        g->capacity * ((g->attached ? 0 : g->row_bytes) + g->followers_row); /* also for a follower that just joined */
    g->capacity = g->length = 0;
    pthread_mutex_unlock(&ctx->submit);
    for (size_t i = 0; i < g->count; i++)
        if (extents[i]) gpumm__extent_release(extents[i], true);
    gpumm__context_uncharge(ctx, bytes);
    pthread_mutex_unlock(&g->lock);
}

/* ---- Followers -------------------------------------------------------------------------------------------- */

gpumm_status gpumm__group_charge_follower(gpumm_group *g, const follower *f) {
    pthread_mutex_lock(&g->lock);
    uint64_t bytes;
    gpumm_status status = size_mul(g->capacity, f->row_bytes, &bytes)
                              ? gpumm__context_charge(g->object.context, bytes)
                              : fail(GPUMM_OVER_LIMIT, "the slots are more bytes than can be counted");
    if (status == GPUMM_OK) g->followers_row += f->row_bytes;
    pthread_mutex_unlock(&g->lock);
    return status;
}

void gpumm__group_uncharge_follower(gpumm_group *g, const follower *f) {
    pthread_mutex_lock(&g->lock);
    g->followers_row -= f->row_bytes;
    gpumm__context_uncharge(g->object.context, g->capacity * f->row_bytes);
    pthread_mutex_unlock(&g->lock);
}

void gpumm__group_follow(gpumm_group *g, follower *f) {
    pthread_mutex_lock(&g->object.context->lock);
    f->next = g->followers;
    g->followers = f;
    pthread_mutex_unlock(&g->object.context->lock);
}

void gpumm__group_unfollow(gpumm_group *g, follower *f) {
    pthread_mutex_lock(&g->object.context->lock);
    follower **at = &g->followers;
    while (*at && *at != f) at = &(*at)->next;
    if (*at) *at = f->next;
    pthread_mutex_unlock(&g->object.context->lock);
}

void gpumm__group_tell_length(gpumm_group *g) {
    pthread_mutex_lock(&g->object.context->lock);
    for (follower *f = g->followers; f; f = f->next)
        if (f->lengthened) f->lengthened(f);
    pthread_mutex_unlock(&g->object.context->lock);
}

void gpumm__group_tell_growing(gpumm_group *g) {
    pthread_mutex_lock(&g->object.context->lock);
    for (follower *f = g->followers; f; f = f->next)
        if (f->growing) f->growing(f);
    pthread_mutex_unlock(&g->object.context->lock);
}

void gpumm__group_tell_followers(gpumm_group *g) {
    pthread_mutex_lock(&g->object.context->lock);
    for (follower *f = g->followers; f; f = f->next) f->resized(f, g->capacity);
    pthread_mutex_unlock(&g->object.context->lock);
}

gpumm_status gpumm__group_not_lent(gpumm_group *g) {
    char text[TITLE_BYTES];
    if (!g->lent) return GPUMM_OK;
    if (g->pins) return fail(GPUMM_BUSY, "%s is pinned: work on it is being enqueued", gpumm__group_label(g, text));
    return fail(GPUMM_BUSY, "%s is lent: %u tensor%s of it not been given back", gpumm__group_label(g, text), g->lent,
                g->lent == 1 ? " has" : "s have");
}

/* ---- Capturing streams ------------------------------------------------------------------------------------ */

/* Submit lock held. */
static gpumm_status users_not_capturing(const order *o) {
    if (o->writer) TRY(gpumm__stream_not_capturing(o->writer));
    for (unsigned i = 0; i < o->readers; i++) TRY(gpumm__stream_not_capturing(o->reader[i]));
    return GPUMM_OK;
}

gpumm_status gpumm__group_not_capturing(gpumm_group *g) {
    context *ctx = g->object.context;
    gpumm_status status = GPUMM_OK;
    pthread_mutex_lock(&ctx->submit);
    for (size_t i = 0; i < g->count && status == GPUMM_OK; i++)
        if (g->members[i].extent) status = users_not_capturing(&g->members[i].extent->order);
    pthread_mutex_unlock(&ctx->submit);
    char text[TITLE_BYTES];
    return status == GPUMM_OK ? status : fail_in(status, "%s is in use: ", gpumm__group_label(g, text));
}

/* ---- The public face ------------------------------------------------------------------------------------- */

gpumm_group *gpumm_group_retain(gpumm_group *g) {
    if (!g) return NULL;
    gpumm__object_retain(&g->object);
    return g;
}

void gpumm_group_release(gpumm_group *g) {
    if (g) gpumm__object_release(&g->object, g->owned);
}

const char *gpumm_group_name(const gpumm_group *g) { return g ? g->named.name : NULL; }

size_t gpumm_group_count(const gpumm_group *g) { return g ? g->count : 0; }

gpumm_manager *gpumm_group_manager(const gpumm_group *g) { return g ? manager_of(g->object.context) : NULL; }

gpumm_buffer *gpumm_group_at(gpumm_group *g, size_t index) { return g && index < g->count ? &g->members[index] : NULL; }

gpumm_buffer *gpumm_group_member(gpumm_group *g, const char *name) {
    if (!g || !name) return NULL;
    for (size_t i = 0; i < g->count; i++)
        if (strcmp(g->members[i].name, name) == 0) return &g->members[i];
    return NULL;
}

const char *gpumm_group_member_name(const gpumm_group *g, size_t index) {
    if (!g) return NULL;
    return index < g->count ? g->members[index].name : NULL;
}

/* Submit lock held, as for the next. */
static void fill_info(const gpumm_group *g, const gpumm_buffer *b, uint64_t size, gpumm_buffer_info *out) {
    *out = (gpumm_buffer_info){.length = g->length,
                               .capacity = g->capacity,
                               .max_length = g->max_length,
                               .capacity_bytes = g->capacity * size,
                               .generation = g->generation,
                               .address = gpumm__buffer_address(b)};
}

static void add_held(const gpumm_buffer *b, gpumm_buffer_info *out) {
    context *ctx = b->group->object.context;
    out->mapping += b->mapping;
    out->given_back += b->given_back;
    pthread_mutex_lock(&ctx->lock);
    if (b->extent && !b->extent->small.slab) {
        out->committed_bytes += b->extent->account.committed;
        out->reserved_bytes += b->extent->range.reserved;
    }
    pthread_mutex_unlock(&ctx->lock);
}

gpumm_status gpumm_group_get_info_sized(gpumm_group *g, gpumm_buffer_info *out, size_t size) {
    NOT_NULL(g, "group");
    NOT_NULL(out, "out");
    gpumm_buffer_info info;
    TRY(gpumm__group_enter(g));
    pthread_mutex_lock(&g->object.context->submit);
    fill_info(g, &g->members[0], g->row_bytes, &info);
    for (size_t i = 0; i < g->count; i++) add_held(&g->members[i], &info);
    pthread_mutex_unlock(&g->object.context->submit);
    gpumm__group_leave(g);
    return gpumm__abi_fill(out, size, &info, sizeof info);
}

gpumm_status gpumm_buffer_get_info_sized(gpumm_buffer *b, gpumm_buffer_info *out, size_t size) {
    NOT_NULL(b, "buffer");
    NOT_NULL(out, "out");
    gpumm_buffer_info info;
    TRY(gpumm__group_enter(b->group));
    pthread_mutex_lock(&b->group->object.context->submit);
    fill_info(b->group, b, b->size, &info);
    add_held(b, &info);
    pthread_mutex_unlock(&b->group->object.context->submit);
    gpumm__group_leave(b->group);
    return gpumm__abi_fill(out, size, &info, sizeof info);
}
