/* SPDX-License-Identifier: MIT */
/* A stand-in is a stream without handles in the list of its manager, which waits for it and closes it as for any other. What is kept
   of it is attached to both ends: to the user a list, to each stand-in its place there. Whichever end closes first takes the stand-in
   out of the list, under a lock that all managers share, since either manager may be gone right afterwards. */
#include "core/stand_in.h"

typedef struct users_list users_list;

typedef struct kept {
    attachment attachment;  /* of the stand-in */
    gpumm_stream *stand_in; /* its context is the owner */
    users_list *list;       /* NULL: not in any, or not any more */
    struct kept *next;
} kept;

struct users_list {
    attachment attachment; /* of the user */
    const gpumm_allocator *memory;
    kept *first;
};

static const char kept_key, list_key;
static pthread_mutex_t all_lists = PTHREAD_MUTEX_INITIALIZER; /* behind every other lock, and never across a call */

/* ---- The list: lock held ------------------------------------------------------------------------------------ */

static users_list *list_of(gpumm_stream *user) { return (users_list *)gpumm__stream_attached(user, &list_key); }

static gpumm_stream *find(const users_list *l, const context *owner) {
    for (kept *p = l ? l->first : NULL; p; p = p->next)
        if (p->stand_in->object.context == owner) return p->stand_in;
    return NULL;
}

static void take_out(kept *p) {
    if (!p->list) return;
    kept **at = &p->list->first;
    while (*at != p) at = &(*at)->next;
    *at = p->next;
    p->list = NULL;
}

gpumm_stream *gpumm__stand_in_of(context *owner, gpumm_stream *user) {
    pthread_mutex_lock(&all_lists);
    gpumm_stream *found = find(list_of(user), owner);
    pthread_mutex_unlock(&all_lists);
    return found;
}

/* ---- The user closes ---------------------------------------------------------------------------------------- */

/* The next whose manager can be entered, entered; one that is closing closes it itself. */
static gpumm_stream *take_first(users_list *l) {
    gpumm_stream *taken = NULL;
    pthread_mutex_lock(&all_lists);
    while (!taken && l->first) {
        gpumm_stream *s = l->first->stand_in;
        take_out(l->first);
        if (gpumm__context_try_enter(s->object.context)) taken = s;
    }
    pthread_mutex_unlock(&all_lists);
    return taken;
}

static void list_close(attachment *self) {
    users_list *l = (users_list *)self;
    for (gpumm_stream *s; (s = take_first(l));) {
        context *owner = s->object.context;
        gpumm__object_dispose(&s->object);
        gpumm__context_leave(owner);
    }
    gpumm__mem_free(l->memory, l);
}

static gpumm_status list_make(gpumm_stream *user, attachment **out) {
    context *ctx = user->object.context;
    users_list *l = gpumm__mem_new(&ctx->memory, sizeof *l);
    if (!l) return fail_host_memory(sizeof *l);
    l->attachment.close = list_close;
    l->memory = &ctx->memory;
    *out = &l->attachment;
    return GPUMM_OK;
}

/* ---- The stand-in closes ------------------------------------------------------------------------------------ */

static void kept_close(attachment *self) {
    kept *p = (kept *)self;
    const gpumm_allocator *memory = &p->stand_in->object.context->memory;
    pthread_mutex_lock(&all_lists);
    take_out(p);
    pthread_mutex_unlock(&all_lists);
    gpumm__mem_free(memory, p);
}

static gpumm_status kept_make(gpumm_stream *stand_in, attachment **out) {
    context *ctx = stand_in->object.context;
    kept *p = gpumm__mem_new(&ctx->memory, sizeof *p);
    if (!p) return fail_host_memory(sizeof *p);
    p->attachment.close = kept_close;
    p->stand_in = stand_in;
    *out = &p->attachment;
    return GPUMM_OK;
}

/* ---- Making one --------------------------------------------------------------------------------------------- */

/* False: another thread was first. */
static bool put_in(users_list *l, kept *p) {
    pthread_mutex_lock(&all_lists);
    bool first = !find(l, p->stand_in->object.context);
    if (first) {
        p->list = l;
        p->next = l->first;
        l->first = p;
    }
    pthread_mutex_unlock(&all_lists);
    return first;
}

gpumm_status gpumm__stand_in_open(context *owner, gpumm_stream *user) {
    attachment *list, *own = NULL;
    gpumm_stream *made;
    if (gpumm__stand_in_of(owner, user)) return GPUMM_OK;
    TRY(gpumm__stream_attach(user, &list_key, list_make, &list));
    TRY(gpumm__stream_make_listed(owner, &made));
    gpumm_status status = gpumm__stream_attach(made, &kept_key, kept_make, &own);
    if (status != GPUMM_OK || !put_in((users_list *)list, (kept *)own)) gpumm__object_dispose(&made->object);
    return status;
}
