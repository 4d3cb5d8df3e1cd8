/* SPDX-License-Identifier: MIT */
/* Groups: making, freeing and the public face. Their sizes are in group_size.c. */
#include "core/group.h"

#include <stdio.h>
#include <string.h>

#include "core/group_growth.h"
#include "core/names.h"
#include "core/readback.h"
#include "core/pressure.h"
#include "core/stream.h"

static gpumm_group *group_from(object *o) { return (gpumm_group *)o; }
static void group_dispose(object *o);
static void group_destroy(object *o);

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
    return g->alone ? gpumm__buffer_title(&g->members[0], text) : title_of("group", g->name, "", g->tag, text);
}

const char *gpumm__buffer_label(const gpumm_buffer *b, char text[static TITLE_BYTES]) {
    return gpumm__buffer_title(b, text) + (b->full_name[0] ? strlen("buffer ") : 0);
}

const char *gpumm__group_label(const gpumm_group *g, char text[static TITLE_BYTES]) {
    if (g->alone) return gpumm__buffer_label(&g->members[0], text);
    return gpumm__group_title(g, text) + (g->name[0] ? strlen("group ") : 0);
}

/* ---- Being in use ---------------------------------------------------------------------------- */

gpumm_status gpumm__group_enter(gpumm_group *g) {
    char text[TITLE_BYTES];
    gpumm_status status = gpumm__object_enter(&g->object, g->alone ? "buffer" : "group");
    return status == GPUMM_STALE ? fail_in(status, "%s: ", gpumm__group_label(g, text)) : status;
}

void gpumm__group_leave(gpumm_group *g) { gpumm__object_leave(&g->object); }

bool gpumm__group_is_named_buffer(const gpumm_group *g) { return g->alone && g->name[0]; }

gpumm_status gpumm__buffer_gone(const gpumm_buffer *b) {
    char text[TITLE_BYTES];
    return fail(GPUMM_STALE, "%s was freed", gpumm__buffer_label(b, text));
}

gpumm_status gpumm__buffer_use(gpumm_buffer *b, gpumm_stream *s, gpumm_access access) {
    if (!b->extent) return gpumm__buffer_gone(b);
    return gpumm__order_use(&b->extent->order, s, access);
}

gpumm_address gpumm__buffer_address(const gpumm_buffer *b) { return b->extent ? b->extent->address : 0; }

/* ---- The struct ----------------------------------------------------------------------------- */

static void member_free(const gpumm_allocator *memory, gpumm_buffer *b) {
    gpumm__mem_free(memory, b->name);
    gpumm__mem_free(memory, b->full_name);
    gpumm_type_release(b->type);
}

static void struct_free(gpumm_group *g) {
    const gpumm_allocator *memory = &g->object.manager->memory;
    for (size_t i = 0; i < g->count; i++) member_free(memory, &g->members[i]);
    gpumm__mem_free(memory, g->name);
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

static bool member_init(gpumm_group *g, gpumm_buffer *b, const gpumm_member *from) {
    const gpumm_allocator *memory = &g->object.manager->memory;
    char full[2 * NAME_BYTES + 2];
    const char *name = from->name ? from->name : "";
    snprintf(full, sizeof full, "%s%s%s", g->name, g->alone || !g->name[0] ? "" : ".", g->alone ? "" : name);
    b->group = g;
    b->type = gpumm_type_retain(from->type);
    b->size = gpumm_type_size(from->type);
    b->name = gpumm__mem_string(memory, g->alone ? g->name : name);
    b->full_name = gpumm__mem_string(memory, full);
    g->row_bytes += b->size;
    return b->name && b->full_name;
}

static gpumm_group *struct_new(gpumm_manager *m, const gpumm_group_options *o, bool alone) {
    gpumm_group *g = gpumm__mem_new(&m->memory, sizeof *g + o->member_count * sizeof g->members[0]);
    if (!g) return NULL;
    gpumm__object_init(&g->object, m, RANK_GROUP, group_dispose, group_destroy);
    g->alone = alone;
    g->owned = alone ? o->name != NULL : !o->unowned;
    g->max_length = o->max_length;
    g->growth = o->growth;
    g->ahead = o->ahead;
    g->generation = 1;
    pthread_mutex_init(&g->lock, NULL);
    g->name = gpumm__mem_string(&m->memory, o->name ? o->name : "");
    g->tag = gpumm__mem_string(&m->memory, o->tag ? o->tag : "");
    bool made = copy_list(&m->memory, &g->growth) && g->name && g->tag;
    for (; made && g->count < o->member_count; g->count++) /* counted also where it fails: it is freed whole */
        made = member_init(g, &g->members[g->count], &o->members[g->count]);
    if (made) return g;
    gpumm__object_abandon(&g->object);
    return NULL;
}

/* ---- Options -------------------------------------------------------------------------------- */

static gpumm_status check_name(const char *what, const char *name) {
    size_t length = strnlen(name, NAME_BYTES + 1);
    if (length >= 1 && length <= NAME_BYTES) return GPUMM_OK;
    return fail(GPUMM_INVALID_ARGUMENT, "a %s's name has 1 to %d bytes; this one has %s", what, NAME_BYTES,
                length ? "more" : "none");
}

static gpumm_status check_members(const gpumm_group_options *o) {
    if (o->member_count < 1 || o->member_count > GROUP_MEMBERS)
        return fail(GPUMM_INVALID_ARGUMENT, "a group has 1 to %d members, not %zu", GROUP_MEMBERS, o->member_count);
    for (size_t i = 0; i < o->member_count; i++) {
        if (!o->members[i].type || !o->members[i].name)
            return fail(GPUMM_INVALID_ARGUMENT, "member %zu has no %s", i + 1, o->members[i].name ? "type" : "name");
        TRY(check_name("member", o->members[i].name));
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
    if (!o->max_length) o->max_length = size_max((1ull << 30) / widest, 1);
    if (size_mul(o->max_length, row, &bytes) && bytes <= INT64_MAX) return GPUMM_OK;
    return fail(GPUMM_INVALID_ARGUMENT, "a maximum of %llu elements of %llu bytes is more than can be addressed",
                (unsigned long long)o->max_length, (unsigned long long)row);
}

static gpumm_status check_options(gpumm_group_options *o) {
    if (o->growth.kind == GPUMM_GROWTH_GEOMETRIC && !o->growth.factor_ppm) o->growth.factor_ppm = 1500000;
    TRY(check_maximum(o));
    if (o->ahead > AHEAD_MOST)
        return fail(GPUMM_INVALID_ARGUMENT, "%u growth steps ahead are too many: 0 to %d are committed in advance",
                    o->ahead, AHEAD_MOST);
    if (o->length > o->max_length)
        return fail(GPUMM_OVER_MAX_SIZE, "%llu elements are more than the maximum of %llu",
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

/* ---- Making and freeing --------------------------------------------------------------------- */

/* The pair's readback and its group hold each other; here the circle ends. */
static void drop_async(gpumm_group *g) {
    pthread_mutex_lock(&g->object.manager->lock);
    gpumm_readback *r = g->async;
    g->async = NULL;
    pthread_mutex_unlock(&g->object.manager->lock);
    if (r) gpumm__readback_drop(r);
}

/* Everything a live group holds; group lock not held. */
static void give_back(gpumm_group *g) {
    gpumm_manager *m = g->object.manager;
    extent *extents[GROUP_MEMBERS];
    gpumm__readback_shut_all(g);
    drop_async(g);
    pthread_mutex_lock(&g->lock);
    pthread_mutex_lock(&m->submit);
    for (size_t i = 0; i < g->count; i++) {
        extents[i] = g->members[i].extent;
        g->members[i].extent = NULL;
    }
    uint64_t bytes = g->capacity * (g->row_bytes + g->staging_row); /* also for a readback that just joined */
    g->capacity = g->length = 0;
    pthread_mutex_unlock(&m->submit);
    for (size_t i = 0; i < g->count; i++)
        if (extents[i]) gpumm__extent_release(extents[i], true);
    gpumm__manager_uncharge(m, bytes);
    pthread_mutex_unlock(&g->lock);
}

static void group_dispose(object *o) {
    gpumm_group *g = group_from(o);
    if (gpumm__group_is_named_buffer(g)) gpumm__name_leave(g);
    give_back(g);
}

static void group_destroy(object *o) { struct_free(group_from(o)); }

gpumm_status gpumm__group_explain(const gpumm_group *g, gpumm_status status, uint64_t elements) {
    char text[TITLE_BYTES];
    if (!gpumm_is_memory_error(status)) return status;
    fail_in(status, "%s: %llu elements of %llu bytes: ", gpumm__group_title(g, text), (unsigned long long)elements,
            (unsigned long long)g->row_bytes);
    return gpumm__manager_explain(g->object.manager, status);
}

/* First memory and zeros, while nobody else can see the group. */
static gpumm_status fill_new(gpumm_group *g, const gpumm_group_options *o, gpumm_stream *s) {
    change c = {.stream = s};
    uint64_t capacity = first_capacity(o);
    gpumm_status status = gpumm__group_change_to(g, &c, capacity, o->length);
    for (unsigned stage = 0; gpumm__manager_relieve(g->object.manager, status, capacity * g->row_bytes, &stage);)
        status = gpumm__group_change_to(g, &c, capacity, o->length);
    return gpumm__group_explain(g, status, capacity);
}

static gpumm_status open_async(gpumm_group *g) {
    static const size_t first[] = {0};
    gpumm_readback_options o = {.buffer_count = 1, .slots = 2, .tag = g->tag};
    return gpumm__readback_make(g, first, &o, true, &g->async);
}

/* Nobody saw it, so the books do not count it as made. */
static void unmake(gpumm_group *g) {
    gpumm_manager *m = g->object.manager;
    pthread_mutex_lock(&m->lock);
    m->books.entry[GPUMM_BUFFERS].total -= g->count;
    pthread_mutex_unlock(&m->lock);
    give_back(g);
}

/* The group is listed only when it is whole; what fails before takes all of it back. */
static gpumm_status open_whole(gpumm_group *g, const gpumm_group_options *o, bool async, gpumm_stream *s) {
    TRY(fill_new(g, o, s));
    gpumm_status status = async ? open_async(g) : GPUMM_OK;
    if (status == GPUMM_OK && gpumm__group_is_named_buffer(g)) status = gpumm__name_enter(g);
    else if (status == GPUMM_OK) gpumm__object_list(&g->object);
    if (status != GPUMM_OK) unmake(g);
    return status;
}

gpumm_status gpumm__group_make(gpumm_manager *m, const gpumm_group_options *given, bool alone, bool async,
                               gpumm_group **out) {
    gpumm_group_options o = *given;
    gpumm_stream *s;
    TRY(check_options(&o));
    TRY(gpumm__stream_of(m, o.stream, &s));
    TRY(gpumm__stream_not_capturing(s));
    if (alone && o.name) TRY(gpumm__name_check(m, o.name));
    gpumm_group *g = struct_new(m, &o, alone);
    if (!g) return fail_host_memory(sizeof *g);
    gpumm_status status = open_whole(g, &o, async, s);
    if (status != GPUMM_OK) {
        gpumm__object_abandon(&g->object);
        return status;
    }
    pthread_mutex_lock(&g->lock);
    if (atomic_load(&g->object.alive)) gpumm__group_ahead_post(g);
    pthread_mutex_unlock(&g->lock);
    *out = g;
    return GPUMM_OK;
}

gpumm_status gpumm__group_check(gpumm_group *g) {
    if (!g->object.manager->debug) return GPUMM_OK;
    pthread_mutex_lock(&g->lock);
    gpumm_status status = atomic_load(&g->object.alive) ? gpumm__canary_check(g) : GPUMM_OK;
    pthread_mutex_unlock(&g->lock);
    return status;
}

/* Submit lock held. */
static gpumm_status users_not_capturing(const order *o) {
    if (o->writer) TRY(gpumm__stream_not_capturing(o->writer));
    for (unsigned i = 0; i < o->readers; i++) TRY(gpumm__stream_not_capturing(o->reader[i]));
    return GPUMM_OK;
}

gpumm_status gpumm__group_not_capturing(gpumm_group *g) {
    gpumm_manager *m = g->object.manager;
    gpumm_status status = GPUMM_OK;
    pthread_mutex_lock(&m->submit);
    for (size_t i = 0; i < g->count && status == GPUMM_OK; i++)
        if (g->members[i].extent) status = users_not_capturing(&g->members[i].extent->order);
    pthread_mutex_unlock(&m->submit);
    char text[TITLE_BYTES];
    return status == GPUMM_OK ? status : fail_in(status, "%s is in use: ", gpumm__group_label(g, text));
}

/* ---- The public face ------------------------------------------------------------------------ */

gpumm_status gpumm_group_open(gpumm_manager *m, const gpumm_group_options *o, gpumm_group **out) {
    TRY(gpumm__manager_enter(m));
    gpumm_status status = check_members(o);
    if (status == GPUMM_OK && o->name) status = check_name("group", o->name);
    if (status == GPUMM_OK) status = gpumm__group_make(m, o, false, false, out);
    gpumm__manager_leave(m);
    return status;
}

gpumm_group *gpumm_group_retain(gpumm_group *g) {
    gpumm__object_retain(&g->object);
    return g;
}

void gpumm_group_release(gpumm_group *g) {
    if (g) gpumm__object_release(&g->object, g->owned);
}

/* Freeing finds what wrote past the end, in debug mode, and frees all the same. */
gpumm_status gpumm_group_free(gpumm_group *g) {
    TRY(gpumm__group_enter(g));
    gpumm_manager *m = g->object.manager;
    gpumm_status status = gpumm__group_not_capturing(g);
    if (status == GPUMM_OK) {
        status = gpumm__group_check(g);
        gpumm__object_dispose(&g->object);
    }
    gpumm__manager_leave(m);
    return status;
}

const char *gpumm_group_name(const gpumm_group *g) { return g->name; }

size_t gpumm_group_count(const gpumm_group *g) { return g->count; }

gpumm_manager *gpumm_group_manager(const gpumm_group *g) { return g->object.manager; }

gpumm_buffer *gpumm_group_at(gpumm_group *g, size_t index) { return index < g->count ? &g->members[index] : NULL; }

gpumm_buffer *gpumm_group_member(gpumm_group *g, const char *name) {
    for (size_t i = 0; i < g->count; i++)
        if (strcmp(g->members[i].name, name) == 0) return &g->members[i];
    return NULL;
}

const char *gpumm_group_member_name(const gpumm_group *g, size_t index) {
    return index < g->count ? g->members[index].name : NULL;
}

static void fill_info(gpumm_group *g, const gpumm_buffer *b, uint64_t size, gpumm_buffer_info *out) {
    gpumm_manager *m = g->object.manager;
    pthread_mutex_lock(&m->submit);
    *out = (gpumm_buffer_info){.length = g->length,
                               .capacity = g->capacity,
                               .max_length = g->max_length,
                               .capacity_bytes = g->capacity * size,
                               .generation = g->generation,
                               .address = gpumm__buffer_address(b)};
    pthread_mutex_unlock(&m->submit);
}

static void add_held(const gpumm_buffer *b, gpumm_buffer_info *out) {
    gpumm_manager *m = b->group->object.manager;
    pthread_mutex_lock(&m->submit);
    pthread_mutex_lock(&m->lock);
    if (b->extent && !b->extent->slab) {
        out->committed_bytes += b->extent->account.committed;
        out->reserved += b->extent->range.reserved;
    }
    pthread_mutex_unlock(&m->lock);
    pthread_mutex_unlock(&m->submit);
}

gpumm_status gpumm_group_get_info(gpumm_group *g, gpumm_buffer_info *out) {
    TRY(gpumm__group_enter(g));
    fill_info(g, &g->members[0], g->row_bytes, out);
    for (size_t i = 0; i < g->count; i++) add_held(&g->members[i], out);
    gpumm__group_leave(g);
    return GPUMM_OK;
}

gpumm_status gpumm_buffer_get_info(gpumm_buffer *b, gpumm_buffer_info *out) {
    TRY(gpumm__group_enter(b->group));
    fill_info(b->group, b, b->size, out);
    add_held(b, out);
    gpumm__group_leave(b->group);
    return GPUMM_OK;
}

gpumm_status gpumm_group_resize(gpumm_group *g, gpumm_stream *s, uint64_t length) {
    return gpumm__group_change(g, &(change){.stream = s, .sized = true, .length = length});
}

gpumm_status gpumm_group_ensure_capacity(gpumm_group *g, uint64_t capacity) {
    return gpumm__group_change(g, &(change){.capacity = capacity});
}

gpumm_status gpumm_group_grow(gpumm_group *g, uint64_t required, uint64_t proposed) {
    return gpumm__group_change(g, &(change){.capacity = required, .proposed = proposed});
}

gpumm_status gpumm_group_shrink_to_fit(gpumm_group *g) { return gpumm__group_shrink(g); }

gpumm_status gpumm_group_append(gpumm_group *g, gpumm_stream *s, uint64_t count, const void *const *columns) {
    return gpumm__group_change(g, &(change){.stream = s, .append = count, .columns = columns});
}
