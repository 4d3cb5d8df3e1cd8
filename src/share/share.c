/* SPDX-License-Identifier: MIT */
/* Shares: an owner's socket, and the thread that serves its readers. Exports are made on that thread, never in a call that grows
   a buffer or captures a frame. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/abi.h"
#include "core/names.h"
#include "share/reader.h"

enum { SOON_LEAST_NS = 30000, SOON_MOST_NS = 1000000, LOOK_NS = 200000000, SLACK_NS = 1000, DEFAULT_MODE = 0600 };

struct gpumm_share {
    object object;
    char *path;
    ino_t inode;
    bool any_user;
    int listener, wake;
    pthread_t thread;
    bool running;
    atomic_bool stopping;
    bool lost;       /* the device is */
    long soon;       /* nanoseconds until it looks again at what was locked or not through; 0: nothing was */
    reader *readers; /* the thread's */
    atomic_uint reader_count;
    size_t count;
    share_item items[];
};

static gpumm_share *share_from(object *o) { return (gpumm_share *)o; }

/* ---- The thread -------------------------------------------------------------------------------------------- */

static void accept_all(gpumm_share *x) {
    for (int socket; (socket = accept4(x->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0;) {
        bool room = atomic_load(&x->reader_count) < SHARE_READERS;
        reader *r = room ? gpumm__reader_open(x->object.context, x->items, x->count, socket, x->any_user) : NULL;
        if (!room) close(socket);
        if (!r) continue;
        r->next = x->readers;
        x->readers = r;
        atomic_fetch_add(&x->reader_count, 1);
    }
}

static void drop(gpumm_share *x, reader **at) {
    reader *r = *at;
    *at = r->next;
    gpumm__reader_close(x->object.context, x->items, r);
    atomic_fetch_sub(&x->reader_count, 1);
}

typedef struct watch {
    struct pollfd fds[2 + 2 * SHARE_READERS];
    size_t count;
} watch;

static void add(watch *w, int fd, short events) { w->fds[w->count++] = (struct pollfd){.fd = fd, .events = events}; }

static void gather(gpumm_share *x, watch *w) {
    w->count = 0;
    add(w, x->wake, POLLIN);
    add(w, x->listener, POLLIN);
    for (reader *r = x->readers; r; r = r->next) {
        add(w, r->socket, (short)(POLLIN | (r->behind ? POLLOUT : 0)));
        add(w, r->pidfd, POLLIN); /* -1 is passed over */
    }
}

/* Those that are gone, by the end of their socket or of their process: a fork may still have the socket. */
static void hear_all(gpumm_share *x, const watch *w) {
    size_t i = 2;
    for (reader **at = &x->readers; *at && i + 1 < w->count; i += 2) {
        bool dead = w->fds[i + 1].revents & (POLLIN | POLLHUP | POLLERR);
        bool said = w->fds[i].revents & (POLLIN | POLLHUP | POLLERR);
        if (dead || (said && !gpumm__reader_hear(*at, x->items))) drop(x, at);
        else at = &(*at)->next;
    }
}

/* Readers wake up meanwhile, too. */
static void await_growth(gpumm_share *x, size_t item) {
    if (!gpumm__item_grows(&x->items[item])) return;
    for (reader *r = x->readers; r; r = r->next) gpumm__reader_foretell(r, (uint32_t)item);
    gpumm__item_await(&x->items[item]);
}

static bool publish_all(gpumm_share *x) {
    bool soon = false;
    for (size_t i = 0; i < x->count && x->readers; i++) await_growth(x, i);
    for (size_t i = 0; i < x->count; i++) soon = gpumm__item_publish(&x->items[i]) || soon;
    return soon;
}

static bool tell_all(gpumm_share *x) {
    bool soon = false;
    for (reader **at = &x->readers; *at;) {
        reader *r = *at;
        bool there = gpumm__reader_tell(x->object.context, r, x->items, &x->lost);
        soon = soon || (there && r->retry);
        if (there) at = &r->next;
        else drop(x, at);
    }
    return soon;
}

static void look_at_device(gpumm_share *x) {
    device *d = x->object.context->device;
    bool idle;
    if (d->call->stream_query(d, x->object.context->main->device, &idle) == GPUMM_DEVICE_LOST) x->lost = true;
}

static void forget_wakes(gpumm_share *x) {
    uint64_t count;
    ssize_t got = read(x->wake, &count, sizeof count);
    (void)got;
}

/* Soon at first, then less and less so: what a growth has locked is free at once, a long kernel takes its time. */
static int wait_for_some(gpumm_share *x, watch *w, bool soon) {
    if (soon && !x->readers) soon = false; /* whoever comes looks first */
    x->soon = !soon ? 0 : x->soon ? (long)size_min((uint64_t)x->soon * 5 / 4, SOON_MOST_NS) : SOON_LEAST_NS;
    struct timespec pause = {0, soon ? x->soon : LOOK_NS};
    return ppoll(w->fds, w->count, soon || x->readers ? &pause : NULL, NULL);
}

static void serve_once(gpumm_share *x, watch *w) {
    bool soon = publish_all(x);
    soon = tell_all(x) || soon;
    gather(x, w);
    int ready = wait_for_some(x, w, soon);
    if (ready == 0 && !x->soon) look_at_device(x);
    if (ready <= 0) return;
    if (w->fds[0].revents) forget_wakes(x);
    hear_all(x, w);
    if (w->fds[1].revents & POLLIN) accept_all(x);
}

static void *share_main(void *argument) {
    gpumm_share *x = argument;
    watch w;
    (void)prctl(PR_SET_TIMERSLACK, SLACK_NS, 0, 0, 0); /* else each short pause is 50 us longer */
    while (!atomic_load(&x->stopping) && !x->lost) serve_once(x, &w);
    for (reader *r = x->readers; r; r = r->next) gpumm__reader_bye(r, x->lost ? GPUMM_DEVICE_LOST : GPUMM_CLOSED);
    while (x->readers) drop(x, &x->readers);
    gpumm__wire_unlink(x->path, x->inode);
    close(x->listener);
    return NULL;
}

/* ---- Making and ending ------------------------------------------------------------------------------------- */

static void stop(gpumm_share *x) {
    if (!x->running) return;
    atomic_store(&x->stopping, true);
    gpumm__item_wake(x->wake);
    pthread_join(x->thread, NULL);
    x->running = false;
}

static void close_parts(gpumm_share *x) {
    const gpumm_allocator *memory = &x->object.context->memory;
    for (size_t i = 0; i < x->count; i++) gpumm__item_close(&x->items[i], memory);
    if (x->wake >= 0) close(x->wake);
    x->wake = -1;
}

static void share_dispose(object *o) {
    stop(share_from(o));
    close_parts(share_from(o));
}

static void share_destroy(object *o) {
    const gpumm_allocator *memory = &o->context->memory;
    gpumm__mem_free(memory, share_from(o)->path);
    gpumm__mem_free(memory, o);
}

static const object_class share_class = {RANK_SHARE, share_dispose, share_destroy, NULL};

static gpumm_share *share_new(context *ctx, const gpumm_share_options *o, size_t count) {
    gpumm_share *x = gpumm__mem_new(&ctx->memory, sizeof *x + count * sizeof x->items[0]);
    char *path = gpumm__mem_string(&ctx->memory, o->path);
    if (!x || !path) {
        gpumm__mem_free(&ctx->memory, x);
        gpumm__mem_free(&ctx->memory, path);
        return NULL;
    }
    gpumm__object_init(&x->object, ctx, &share_class);
    x->path = path;
    x->any_user = o->any_user;
    x->listener = x->wake = -1;
    return x;
}

typedef struct search {
    const char *name;
    gpumm_buffer *found; /* its group held */
} search;

static void look_for(object *o, void *user) {
    search *s = user;
    gpumm_group *g = (gpumm_group *)o;
    for (size_t i = 0; i < g->count && !s->found; i++)
        if (strcmp(g->members[i].full_name, s->name) == 0) {
            gpumm__object_hold(&g->object);
            s->found = &g->members[i];
        }
}

static gpumm_status add_named(gpumm_share *x, share_item *item, const char *name) {
    search s = {name, NULL};
    NOT_NULL(name, "one of options.names");
    gpumm__object_each(x->object.context, RANK_GROUP, look_for, &s);
    if (!s.found) return fail(GPUMM_NOT_FOUND, "there is no buffer '%.200s' to share", name);
    gpumm_status status = gpumm__item_open_buffer(item, s.found);
    gpumm__object_drop(&s.found->group->object);
    return status;
}

static gpumm_status add_buffer(gpumm_share *x, share_item *item, gpumm_buffer *b) {
    NOT_NULL(b, "one of options.buffers");
    if (b->group->object.context != x->object.context)
        return fail(GPUMM_INVALID_ARGUMENT, "one of the buffers belongs to another manager");
    return gpumm__item_open_buffer(item, b);
}

static gpumm_status add_frames(gpumm_share *x, share_item *item, gpumm_readback *r, const char *name) {
    NOT_NULL(r, "one of options.readbacks");
    NOT_NULL(name, "one of options.readback_names");
    if (r->object.context != x->object.context)
        return fail(GPUMM_INVALID_ARGUMENT, "one of the readbacks belongs to another manager");
    TRY(gpumm__name_check("shared readback", name));
    return gpumm__item_open_frames(item, r, name);
}

static share_item *next_item(gpumm_share *x) {
    share_item *item = &x->items[x->count++]; /* counted also where it fails: it is closed whole */
    item->share = &x->object;
    item->wake = x->wake;
    return item;
}

static gpumm_status check_names(const gpumm_share *x) {
    for (size_t i = 0; i < x->count; i++)
        for (size_t j = 0; j < i; j++)
            if (strcmp(x->items[i].name, x->items[j].name) == 0)
                return fail(GPUMM_INVALID_ARGUMENT, "'%.200s' is shared twice", x->items[i].name);
    return GPUMM_OK;
}

static gpumm_status add_items(gpumm_share *x, const gpumm_share_options *o) {
    for (size_t i = 0; i < o->name_count; i++) TRY(add_named(x, next_item(x), o->names[i]));
    for (size_t i = 0; i < o->buffer_count; i++) TRY(add_buffer(x, next_item(x), o->buffers[i]));
    for (size_t i = 0; i < o->readback_count; i++)
        TRY(add_frames(x, next_item(x), o->readbacks[i], o->readback_names[i]));
    return check_names(x);
}

static gpumm_status start(gpumm_share *x, const gpumm_share_options *o) {
    x->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (x->wake < 0) return fail(GPUMM_IO, "the system refused a descriptor: %s", strerror(errno));
    TRY(add_items(x, o));
    TRY(gpumm__wire_listen(o->path, o->mode ? o->mode : DEFAULT_MODE, &x->listener, &x->inode));
    gpumm_status status = gpumm__thread_start(&x->thread, share_main, x);
    x->running = status == GPUMM_OK;
    if (status == GPUMM_OK) return GPUMM_OK;
    gpumm__wire_unlink(x->path, x->inode);
    close(x->listener);
    return status;
}

static gpumm_status check_options(const gpumm_share_options *o, size_t *count) {
    NOT_NULL(o->path, "options.path");
    if (o->name_count) NOT_NULL(o->names, "options.names");
    if (o->buffer_count) NOT_NULL(o->buffers, "options.buffers");
    if (o->readback_count) NOT_NULL(o->readbacks, "options.readbacks");
    if (o->readback_count) NOT_NULL(o->readback_names, "options.readback_names");
    bool few = o->name_count <= SHARE_ITEMS && o->buffer_count <= SHARE_ITEMS && o->readback_count <= SHARE_ITEMS;
    *count = few ? o->name_count + o->buffer_count + o->readback_count : 0;
    if (*count >= 1 && *count <= SHARE_ITEMS && o->mode <= 0777) return GPUMM_OK;
    return fail(GPUMM_INVALID_ARGUMENT, "a share has 1 to %d buffers and readbacks, and a mode of at most 0777",
                SHARE_ITEMS);
}

static gpumm_status open_share(context *ctx, const gpumm_share_options *o, size_t count, gpumm_share **out) {
    gpumm_share *x = share_new(ctx, o, count);
    if (!x) return fail_host_memory(sizeof *x);
    gpumm_status status = start(x, o);
    if (status != GPUMM_OK) {
        close_parts(x);
        gpumm__object_abandon(&x->object);
        return status;
    }
    gpumm__object_list(&x->object);
    *out = x;
    return GPUMM_OK;
}

gpumm_status gpumm_share_open(gpumm_manager *m, const gpumm_share_options *given, gpumm_share **out) {
    NOT_NULL(m, "manager");
    NOT_NULL(given, "options");
    NOT_NULL(out, "out");
    context *ctx = context_of(m);
    gpumm_share_options o;
    size_t count = 0;
    TRY(ABI_READ(&o, given, "gpumm_share_options"));
    TRY(check_options(&o, &count));
    TRY(gpumm__context_enter(ctx));
    gpumm_status status = open_share(ctx, &o, count, out);
    gpumm__context_leave(ctx);
    return status;
}

/* ---- Handles ----------------------------------------------------------------------------------------------- */

gpumm_share *gpumm_share_retain(gpumm_share *x) {
    if (!x) return NULL;
    gpumm__object_retain(&x->object);
    return x;
}

void gpumm_share_release(gpumm_share *x) {
    if (x) gpumm__object_release(&x->object, false);
}

void gpumm_share_close(gpumm_share *x) {
    if (!x || gpumm__object_enter(&x->object, "share") != GPUMM_OK) return;
    gpumm__object_dispose(&x->object);
    gpumm__object_leave(&x->object);
}

unsigned gpumm_share_readers(const gpumm_share *x) { return x ? atomic_load(&x->reader_count) : 0; }
