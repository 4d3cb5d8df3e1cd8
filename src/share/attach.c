/* SPDX-License-Identifier: MIT */
/* Attachments: the readers' end of a share. No thread: what the owner said waits in the socket until a call looks (owner.c). Here is
   how they begin and end, and their face. */
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/abi.h"
#include "share/owner.h"

enum { DEFAULT_SECONDS = 10 };

static gpumm_attachment *attachment_from(object *o) { return (gpumm_attachment *)o; }

/* ---- What ended ---------------------------------------------------------------------------------------------- */

static void apply_end(attached_item *x) {
    if (x->readback) gpumm_readback_close(x->readback);
    if (x->group) gpumm__object_dispose(&x->group->object);
}

/* The next item that ended and is not yet so here; NULL: none. */
static attached_item *next_end(gpumm_attachment *a) {
    attached_item *found = NULL;
    pthread_mutex_lock(&a->lock);
    for (size_t i = 0; i < a->count && !found; i++) {
        attached_item *x = a->items[i];
        if (!x->applied && (x->ended || a->over != GPUMM_OK) && !gpumm__owner_lends(x)) found = x;
    }
    if (found) found->applied = true;
    pthread_mutex_unlock(&a->lock);
    return found;
}

static void apply_ends(gpumm_attachment *a) {
    for (attached_item *x; (x = next_end(a));) apply_end(x);
}

static bool has_end(gpumm_attachment *a) {
    bool found = a->over != GPUMM_OK;
    for (size_t i = 0; i < a->count; i++) found = found || (a->items[i]->ended && !a->items[i]->applied);
    return found;
}

static void close_wires(gpumm_attachment *a) {
    const int fds[] = {a->socket, a->pidfd, a->news};
    for (int i = 0; i < 3; i++)
        if (fds[i] >= 0) close(fds[i]);
    a->socket = a->pidfd = a->news = -1;
    gpumm__owner_tidy(a);
}

static void attachment_dispose(object *o) {
    gpumm_attachment *a = attachment_from(o);
    pthread_mutex_lock(&a->lock);
    gpumm__owner_end(a, GPUMM_CLOSED, "it was closed here");
    pthread_mutex_unlock(&a->lock);
    apply_ends(a);
    pthread_mutex_lock(&a->lock);
    close_wires(a);
    pthread_mutex_unlock(&a->lock);
}

static void attachment_destroy(object *o) {
    gpumm_attachment *a = attachment_from(o);
    const gpumm_allocator *memory = &o->context->memory;
    for (size_t i = 0; i < a->count; i++) {
        gpumm__mem_free(memory, a->items[i]->name);
        gpumm__mem_free(memory, a->items[i]);
    }
    pthread_mutex_destroy(&a->lock);
    gpumm__mem_free(memory, a);
}

static const object_class attachment_class = {RANK_SHARE, attachment_dispose, attachment_destroy, NULL};

/* Its items' handles, with its own last. */
static void release_items(gpumm_attachment *a) {
    for (size_t i = 0; i < a->count; i++) {
        attached_item *x = a->items[i];
        gpumm_readback_release(x->readback);
        gpumm_group_release(x->group);
    }
}

/* ---- Attaching --------------------------------------------------------------------------------------------- */

typedef struct meeting {
    int socket, pidfd;
    pid_t owner;
    uint64_t deadline;
    share_packet hello;
    const char *kind, *uuid;
} meeting;

static gpumm_status hear_hello(meeting *x) {
    size_t bytes;
    int descriptor;
    struct pollfd p = {.fd = x->socket, .events = POLLIN};
    wire_end end;
    while ((end = gpumm__wire_receive(x->socket, &x->hello, &bytes, &descriptor)) == WIRE_LATER) {
        uint64_t now = gpumm__clock_ns();
        if (now >= x->deadline) return fail(GPUMM_TIMEOUT, "the owner says nothing");
        (void)poll(&p, 1, (int)size_min((x->deadline - now + 999999) / 1000000, 60000));
    }
    if (descriptor >= 0) close(descriptor);
    if (end == WIRE_GONE) return fail(GPUMM_CLOSED, "the owner refused, or is gone");
    TRY(gpumm__protocol_check(&x->hello, bytes, true));
    share_text t = {x->hello.text, x->hello.message.text_bytes};
    x->kind = gpumm__protocol_get(&t);
    x->uuid = gpumm__protocol_get(&t);
    if (x->hello.message.kind == SHARE_HELLO && x->hello.message.part == SHARE_VERSION && x->kind && x->uuid)
        return GPUMM_OK;
    return fail(GPUMM_INVALID_ARGUMENT, "the owner speaks another version of this");
}

static gpumm_status meet(const gpumm_attach_options *o, meeting *x) {
    share_packet p = {.message = {.kind = SHARE_HELLO, .part = SHARE_VERSION}};
    TRY(gpumm__wire_peer(x->socket, o->any_user, &x->pidfd, &x->owner));
    if (gpumm__wire_send(x->socket, &p, -1) != WIRE_DONE) return fail(GPUMM_CLOSED, "the owner refused, or is gone");
    return hear_hello(x);
}

static gpumm_status open_manager(const meeting *x, gpumm_manager **out) {
    char name[80];
    bool host = strcmp(x->kind, "host") == 0;
    snprintf(name, sizeof name, host ? "%.8s" : "%.8s:%.60s", x->kind, x->uuid);
    return gpumm_manager_open(&(gpumm_options){.device = name, .granularity_bytes = host ? x->hello.message.bytes : 0},
                              out);
}

static gpumm_status check_device(const context *ctx, const meeting *x) {
    if (strcmp(ctx->info.kind, x->kind) != 0)
        return fail(GPUMM_INVALID_ARGUMENT, "the owner's device is %.20s %.60s, this manager's %s %s", x->kind, x->uuid,
                    ctx->info.kind, ctx->info.uuid);
    if (strcmp(ctx->info.uuid, x->uuid) != 0) TRY(ctx->device->call->reach(ctx->device, x->uuid));
    if (x->hello.message.bytes % ctx->info.granularity_bytes == 0) return GPUMM_OK;
    return fail(GPUMM_INVALID_ARGUMENT, "the owner commits %llu bytes at a time, this manager %llu",
                (unsigned long long)x->hello.message.bytes, (unsigned long long)ctx->info.granularity_bytes);
}

static gpumm_status open_news(gpumm_attachment *a) {
    struct epoll_event e = {.events = EPOLLIN};
    a->news = epoll_create1(EPOLL_CLOEXEC);
    bool good = a->news >= 0 && epoll_ctl(a->news, EPOLL_CTL_ADD, a->socket, &e) == 0 &&
                (a->pidfd < 0 || epoll_ctl(a->news, EPOLL_CTL_ADD, a->pidfd, &e) == 0);
    return good ? GPUMM_OK : fail(GPUMM_IO, "the system refused a descriptor: %s", strerror(errno));
}

/* Until the owner has told all. */
static gpumm_status hear_all(gpumm_attachment *a, uint64_t deadline) {
    for (;;) {
        pthread_mutex_lock(&a->lock);
        gpumm__owner_hear(a);
        bool ready = a->ready;
        if (ready) gpumm__owner_tidy(a);
        gpumm_status over = a->over == GPUMM_OK ? GPUMM_OK : gpumm__owner_over(a);
        pthread_mutex_unlock(&a->lock);
        if (ready || over != GPUMM_OK) return over;
        if (!gpumm__owner_wait(a, deadline)) return fail(GPUMM_TIMEOUT, "the owner does not tell what it shares");
    }
}

/* Takes the meeting's descriptors. */
static gpumm_status attachment_new(context *ctx, meeting *x, gpumm_attachment **out) {
    gpumm_attachment *a = gpumm__mem_new(&ctx->memory, sizeof *a);
    if (!a) return fail_host_memory(sizeof *a);
    gpumm__object_init(&a->object, ctx, &attachment_class);
    pthread_mutex_init(&a->lock, NULL);
    a->socket = x->socket;
    a->pidfd = x->pidfd;
    a->owner = x->owner;
    a->news = -1;
    x->socket = x->pidfd = -1;
    gpumm__object_list(&a->object);
    *out = a;
    return GPUMM_OK;
}

static gpumm_status attach_to(gpumm_manager *m, meeting *x, gpumm_attachment **out) {
    context *ctx = context_of(m);
    gpumm_attachment *a = NULL;
    TRY(gpumm__context_enter(ctx));
    gpumm_status status = check_device(ctx, x);
    if (status == GPUMM_OK) status = attachment_new(ctx, x, &a);
    if (status == GPUMM_OK) status = open_news(a);
    if (status == GPUMM_OK) status = hear_all(a, x->deadline);
    gpumm__context_leave(ctx);
    if (status == GPUMM_OK) *out = a;
    else if (a) {
        char why[240]; /* releasing may say something else */
        snprintf(why, sizeof why, "%s", gpumm_message());
        gpumm_attachment_release(a);
        fail(status, "%s", why);
    }
    return status;
}

static gpumm_status attach_met(const gpumm_attach_options *o, meeting *x, gpumm_attachment **out) {
    gpumm_manager *own = NULL;
    TRY(meet(o, x));
    if (!o->manager) TRY(open_manager(x, &own));
    gpumm_status status = attach_to(own ? own : o->manager, x, out);
    if (status == GPUMM_OK) (*out)->own = own;
    else gpumm_manager_release(own);
    return status;
}

gpumm_status gpumm_attach(const gpumm_attach_options *given, gpumm_attachment **out) {
    NOT_NULL(given, "options");
    NOT_NULL(out, "out");
    gpumm_attach_options o;
    TRY(ABI_READ(&o, given, "gpumm_attach_options"));
    NOT_NULL(o.path, "options.path");
    meeting x = {.pidfd = -1, .deadline = gpumm__clock_deadline(o.seconds > 0 ? o.seconds : DEFAULT_SECONDS)};
    TRY(gpumm__wire_connect(o.path, x.deadline, &x.socket));
    gpumm_status status = attach_met(&o, &x, out);
    if (x.socket >= 0) close(x.socket);
    if (x.pidfd >= 0) close(x.pidfd);
    return status == GPUMM_OK ? status : fail_in(status, "%.100s: ", o.path);
}

/* ---- Its face ------------------------------------------------------------------------------------------------ */

gpumm_attachment *gpumm_attachment_retain(gpumm_attachment *a) {
    if (!a) return NULL;
    gpumm__object_retain(&a->object);
    return a;
}

static void attachment_close(gpumm_attachment *a) {
    context *ctx = a->object.context;
    if (gpumm__context_enter(ctx) != GPUMM_OK) return; /* else the manager's close does it */
    gpumm__object_dispose(&a->object);
    gpumm__context_leave(ctx);
}

/* The manager that was opened for it goes last: with it everything that is still held of it. */
void gpumm_attachment_release(gpumm_attachment *a) {
    if (!a) return;
    context *ctx = a->object.context;
    gpumm_manager *own = NULL;
    if (atomic_fetch_sub(&a->object.handles, 1) == 1) {
        own = a->own;
        attachment_close(a);
        release_items(a);
    }
    gpumm__object_drop(&a->object);
    gpumm__context_release(ctx);
    gpumm_manager_release(own);
}

void gpumm_attachment_close(gpumm_attachment *a) {
    if (a) attachment_close(a);
}

gpumm_manager *gpumm_attachment_manager(gpumm_attachment *a) { return a ? manager_of(a->object.context) : NULL; }

static gpumm_status look(gpumm_attachment *a) {
    pthread_mutex_lock(&a->lock);
    if (a->socket >= 0) gpumm__owner_hear(a);
    gpumm_status status = a->over == GPUMM_OK ? GPUMM_OK : gpumm__owner_over(a);
    pthread_mutex_unlock(&a->lock);
    if (status == GPUMM_OK) return apply_ends(a), GPUMM_OK;
    apply_ends(a);
    pthread_mutex_lock(&a->lock);
    status = gpumm__owner_over(a);
    pthread_mutex_unlock(&a->lock);
    return status;
}

/* Readbacks see there which of their slots nobody reads any more. */
static void see_readers(gpumm_attachment *a) {
    for (size_t i = 0; i < a->count; i++) {
        gpumm_readback *r = a->items[i]->readback;
        if (!r || pthread_mutex_trylock(&r->lock) != 0) continue;
        if (!r->shut && gpumm__slot_any_read(r)) gpumm__ring_see_readers(r);
        pthread_mutex_unlock(&r->lock);
    }
}

gpumm_status gpumm_attachment_poll(gpumm_attachment *a) {
    NOT_NULL(a, "attachment");
    TRY(gpumm__context_enter(a->object.context));
    gpumm_status status = look(a);
    if (status == GPUMM_OK) see_readers(a);
    gpumm__context_leave(a->object.context);
    return status;
}

/* Without sleep, while that would take longer than what comes. */
static bool poll_awake(struct pollfd *p, uint64_t until) {
    while (gpumm__clock_ns() < until) {
        if (poll(p, 1, 0) > 0) return true;
        sched_yield();
    }
    return false;
}

static void tidy(gpumm_attachment *a) {
    pthread_mutex_lock(&a->lock);
    gpumm__owner_tidy(a);
    pthread_mutex_unlock(&a->lock);
}

static gpumm_status poll_asleep(gpumm_attachment *a, struct pollfd *p, uint64_t deadline) {
    for (bool now = false; !now;) {
        if (atomic_load(&a->object.context->closing)) return fail(GPUMM_CANCELLED, "the manager closed meanwhile");
        uint64_t at = gpumm__clock_ns(), left = deadline > at ? deadline - at : 0;
        now = poll(p, 1, (int)size_min((left + 999999) / 1000000, 50)) > 0;
        if (!now && gpumm__clock_ns() >= deadline) return fail(GPUMM_TIMEOUT, "the time to wait ran out");
    }
    return GPUMM_OK;
}

/* `awake_most`: until when it stays awake at most. */
static gpumm_status wait_for_news(gpumm_attachment *a, uint64_t deadline, uint64_t awake_most) {
    pthread_mutex_lock(&a->lock);
    bool now = has_end(a) || a->news < 0;
    uint64_t awake_until = size_min(size_min(a->awake_until, awake_most), deadline);
    pthread_mutex_unlock(&a->lock);
    struct pollfd p = {.fd = a->news, .events = POLLIN};
    if (now || poll_awake(&p, awake_until)) return GPUMM_OK;
    tidy(a);
    return poll_asleep(a, &p, deadline);
}

/* What was heard is that memory comes, and none of it can be seen yet. */
static bool is_only_announced(gpumm_attachment *a) {
    pthread_mutex_lock(&a->lock);
    bool only = a->awake_until && !a->told && !has_end(a);
    pthread_mutex_unlock(&a->lock);
    return only;
}

static gpumm_status wait_and_look(gpumm_attachment *a, uint64_t deadline) {
    gpumm_status status;
    uint64_t awake_most = UINT64_MAX;
    pthread_mutex_lock(&a->lock);
    a->told = false;
    pthread_mutex_unlock(&a->lock);
    do {
        status = wait_for_news(a, deadline, awake_most);
        if (status == GPUMM_OK) status = look(a);
        if (awake_most == UINT64_MAX) awake_most = gpumm__clock_ns() + ATTACHMENT_AWAKE_NS;
    } while (status == GPUMM_OK && is_only_announced(a));
    return status;
}

gpumm_status gpumm_attachment_wait(gpumm_attachment *a, double seconds) {
    NOT_NULL(a, "attachment");
    TRY(gpumm__context_enter(a->object.context));
    gpumm_status status = wait_and_look(a, gpumm__clock_deadline(seconds));
    gpumm__context_leave(a->object.context);
    return status;
}

gpumm_status gpumm_attachment_fd(gpumm_attachment *a, int *fd) {
    NOT_NULL(a, "attachment");
    NOT_NULL(fd, "fd");
    TRY(gpumm__object_enter(&a->object, "attachment"));
    *fd = a->news;
    gpumm__object_leave(&a->object);
    return GPUMM_OK;
}

static gpumm_status find(gpumm_attachment *a, const char *name, bool frames, attached_item **out) {
    for (size_t i = 0; i < a->count; i++)
        if (strcmp(a->items[i]->name, name) == 0 && (a->items[i]->readback != NULL) == frames)
            return *out = a->items[i], GPUMM_OK;
    return fail(GPUMM_NOT_FOUND, "no %s of the name '%.200s' is shared", frames ? "readback" : "buffer", name);
}

gpumm_status gpumm_attachment_find(gpumm_attachment *a, const char *name, const gpumm_type *type, gpumm_buffer **out) {
    NOT_NULL(a, "attachment");
    NOT_NULL(name, "name");
    NOT_NULL(out, "out");
    attached_item *x = NULL;
    TRY(find(a, name, false, &x));
    gpumm_buffer *b = &x->group->members[0];
    if (type && !gpumm_type_equal(type, b->type))
        return fail(GPUMM_TYPE_MISMATCH, "'%.200s' holds %s, not %s", name, gpumm_type_name(b->type),
                    gpumm_type_name(type));
    *out = gpumm_buffer_retain(b);
    return GPUMM_OK;
}

gpumm_status gpumm_attachment_readback(gpumm_attachment *a, const char *name, gpumm_readback **out) {
    NOT_NULL(a, "attachment");
    NOT_NULL(name, "name");
    NOT_NULL(out, "out");
    attached_item *x = NULL;
    TRY(find(a, name, true, &x));
    *out = gpumm_readback_retain(x->readback);
    return GPUMM_OK;
}

size_t gpumm_attachment_names(gpumm_attachment *a, gpumm_name_fn each, void *user) {
    if (!a) return 0;
    for (size_t i = 0; i < a->count && each; i++) each(user, a->items[i]->name);
    return a->count;
}
