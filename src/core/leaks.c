/* SPDX-License-Identifier: MIT */
/* What leaked is told while the manager is open, and remembered after its close. */
#include "core/leaks.h"

#include "core/group.h"

struct leak {
    char *name, *tag;
    gpumm_block block;
};

/* What the books say of a single buffer, which somebody may be growing. */
static gpumm_block block_of(gpumm_group *g) {
    context *ctx = g->object.context;
    gpumm_block block = {.name = g->named.name, .tag = g->tag, .category = GPUMM_CATEGORY_BUFFERS};
    pthread_mutex_lock(&ctx->submit);
    pthread_mutex_lock(&ctx->lock);
    const extent *e = g->members[0].extent;
    block.bytes = g->capacity * g->members[0].size;
    block.committed_bytes = e ? e->account.committed : 0;
    block.address = e ? e->address : 0;
    pthread_mutex_unlock(&ctx->lock);
    pthread_mutex_unlock(&ctx->submit);
    return block;
}

static void leak_add(object *o, void *user) {
    gpumm_group *g = (gpumm_group *)o;
    leak_list *list = user;
    const gpumm_allocator *memory = &o->context->memory;
    if (!gpumm__group_is_named_buffer(g) || g->attached) return;
    struct leak *grown = gpumm__mem_resize(memory, list->items, (list->count + 1) * sizeof *list->items);
    if (!grown) return;
    list->items = grown;
    struct leak *l = &list->items[list->count++];
    l->name = gpumm__mem_string(memory, g->named.name);
    l->tag = gpumm__mem_string(memory, g->tag);
    l->block = block_of(g);
    l->block.name = l->name ? l->name : "";
    l->block.tag = l->tag ? l->tag : "";
}

void gpumm__leaks_keep(context *ctx, leak_list *list) {
    gpumm__object_each(ctx, RANK_GROUP, leak_add, list);
    for (size_t i = 0; i < list->count; i++) {
        const gpumm_block *b = &list->items[i].block;
        char text[32];
        gpumm__log_line(&ctx->log, GPUMM_LOG_WARNING, "leak: buffer '%.255s', %s%s%s, was never freed", b->name,
                        gpumm__size_text(b->bytes, text), b->tag[0] ? ", made at " : "", b->tag);
    }
}

void gpumm__leaks_free(context *ctx, leak_list *list) {
    for (size_t i = 0; i < list->count; i++) {
        gpumm__mem_free(&ctx->memory, list->items[i].name);
        gpumm__mem_free(&ctx->memory, list->items[i].tag);
    }
    gpumm__mem_free(&ctx->memory, list->items);
}

typedef struct visit {
    gpumm_block_fn each;
    void *user;
    size_t count;
} visit;

static void visit_one(object *o, void *user) {
    visit *v = user;
    gpumm_group *g = (gpumm_group *)o;
    if (!gpumm__group_is_named_buffer(g) || g->attached) return;
    v->count++;
    gpumm_block block = block_of(g);
    if (v->each) v->each(v->user, &block);
}

size_t gpumm__leaks_kept(const leak_list *list, gpumm_block_fn each, void *user) {
    for (size_t i = 0; each && i < list->count; i++) each(user, &list->items[i].block);
    return list->count;
}

size_t gpumm__leaks_now(context *ctx, gpumm_block_fn each, void *user) {
    visit v = {each, user, 0};
    gpumm__object_each(ctx, RANK_GROUP, visit_one, &v);
    return v.count;
}
