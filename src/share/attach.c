/* SPDX-License-Identifier: MIT */
/* Attachments: the readers' end of a share. No thread: what the owner said waits in the socket until a call looks. Nothing of it is
   believed; what does not fit ends the attachment, as if its owner had closed it.
   Lock order: a readback's, the attachment's, then a group's and what is below. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/abi.h"
#include "core/allocation.h"
#include "core/attached.h"
#include "core/readback.h"
#include "share/wire.h"

enum { ANSWER_MS = 1000, DEFAULT_SECONDS = 10 };

typedef struct attached_item {
    remote remote; /* first: what its readback calls */
    struct gpumm_attachment *attachment;
    char *name;
    gpumm_group *group;       /* one handle */
    gpumm_readback *readback; /* one handle; NULL: a buffer */
    bool ended, applied;      /* the owner ended it; and so it is here */
    bool closed;              /* its readback was, here */
    gpumm_ticket newest, taken;
    uint64_t loans, gives; /* slots that are ours; that are to be given back */
    bool asked, answered;
    share_message frame; /* the answer */
} attached_item;

struct gpumm_attachment {
    object object;
    gpumm_manager *own; /* opened for it; one handle */
    pthread_mutex_t lock;
    int socket, pidfd, news; /* news: an epoll of the two others */
    pid_t owner;
    gpumm_status over; /* OK: it goes on */
    char why[240];
    bool ready;
    bool stalled; /* `unmap` waits for tensors of its buffer to be given back, and all behind it */
    share_message unmap;
    size_t count;
    attached_item *items[SHARE_ITEMS];
};

static gpumm_attachment *attachment_from(object *o) { return (gpumm_attachment *)o; }

/* ---- Its end ----------------------------------------------------------------------------------------------- */

/* Lock held. The first end counts. */
static void end_with(gpumm_attachment *a, gpumm_status status, const char *why) {
    if (a->over != GPUMM_OK) return;
    a->over = status;
    snprintf(a->why, sizeof a->why, "%s", why);
}

static gpumm_status fail_over(const gpumm_attachment *a) {
    return fail(a->over, "the attachment has ended: %s", a->why);
}

/* ---- Saying ------------------------------------------------------------------------------------------------ */

static wire_end say(gpumm_attachment *a, share_message m) {
    share_packet p;
    if (a->socket < 0 || a->over != GPUMM_OK) return WIRE_GONE;
    p.message = m;
    return gpumm__wire_send(a->socket, &p, -1);
}

static void give_back(gpumm_attachment *a, attached_item *x, uint32_t item) {
    for (uint32_t i = 0; i < READBACK_SLOTS && x->gives; i++) {
        if (!(x->gives >> i & 1)) continue;
        if (say(a, (share_message){.kind = SHARE_GIVE, .item = item, .part = i}) == WIRE_LATER) return;
        x->gives &= ~(UINT64_C(1) << i);
    }
}

static void give_all(gpumm_attachment *a) {
    for (size_t i = 0; i < a->count; i++)
        if (a->items[i]->gives) give_back(a, a->items[i], (uint32_t)i);
}

/* ---- Hearing: memory and lengths ----------------------------------------------------------------------------- */

static gpumm_status strange(const char *what) { return fail(GPUMM_INVALID_ARGUMENT, "the owner spoke of %s", what); }

static gpumm_status item_of(gpumm_attachment *a, const share_message *m, bool frames, attached_item **out) {
    attached_item *x = m->item < a->count ? a->items[m->item] : NULL;
    if (!x || (x->readback != NULL) != frames) return strange("what it does not share");
    return *out = x, GPUMM_OK;
}

static gpumm_status import_slot(attached_item *x, const share_message *m, int descriptor) {
    gpumm_readback *r = x->readback;
    if (m->part >= r->slot_count) return strange("a slot that is not there");
    range *g = &r->slots[m->part].device;
    if (x->closed) return GPUMM_OK;
    if (m->offset != g->committed) return strange("memory that does not follow what is there");
    return gpumm__range_import(g, m->bytes, descriptor);
}

static gpumm_status hear_segment(gpumm_attachment *a, const share_message *m, int descriptor) {
    attached_item *x = m->item < a->count ? a->items[m->item] : NULL;
    if (!x || descriptor < 0) return strange("memory that it does not share");
    if (x->readback) return import_slot(x, m, descriptor);
    gpumm_status status = gpumm__attached_import(&x->group->members[0], m->offset, m->bytes, descriptor);
    return status == GPUMM_STALE ? GPUMM_OK : status; /* freed here */
}

static bool is_lent(const attached_item *x) {
    gpumm_group *g = x->readback ? NULL : x->group;
    if (!g) return false;
    pthread_mutex_lock(&g->lock);
    bool lent = g->lent > 0;
    pthread_mutex_unlock(&g->lock);
    return lent;
}

static gpumm_status hear_unmap(gpumm_attachment *a, const share_message *m) {
    attached_item *x = NULL;
    TRY(item_of(a, m, false, &x));
    if (is_lent(x)) {
        a->stalled = true;
        a->unmap = *m;
        return GPUMM_OK;
    }
    gpumm_status status = gpumm__attached_unmap(&x->group->members[0], m->offset);
    return status == GPUMM_STALE ? GPUMM_OK : status;
}

/* Where readbacks of it here do not grow along, it stays as long as it was, and the manager's poll says so. */
static gpumm_status hear_length(gpumm_attachment *a, const share_message *m) {
    attached_item *x = NULL;
    TRY(item_of(a, m, false, &x));
    gpumm_status status = gpumm__attached_length(&x->group->members[0], m->length);
    if (status == GPUMM_OVER_LIMIT) gpumm__context_background_failed(a->object.context, status);
    return status == GPUMM_STALE || status == GPUMM_OVER_LIMIT ? GPUMM_OK : status;
}

/* ---- Hearing: items ------------------------------------------------------------------------------------------ */

static void remote_table(remote *r);

static gpumm_status item_new(gpumm_attachment *a, const share_message *m, const char *name, attached_item **out) {
    const gpumm_allocator *memory = &a->object.context->memory;
    if (a->ready || m->item != a->count || !name) return strange("an item out of turn");
    TRY(gpumm__name_check("shared item", name));
    attached_item *x = gpumm__mem_new(memory, sizeof *x);
    if (x) x->name = gpumm__mem_string(memory, name);
    if (!x || !x->name) {
        gpumm__mem_free(memory, x);
        return fail_host_memory(sizeof *x);
    }
    remote_table(&x->remote);
    x->attachment = a;
    a->items[a->count++] = x; /* from here on the attachment frees it */
    return *out = x, GPUMM_OK;
}

static gpumm_status check_lengths(const share_message *m, uint64_t row) {
    uint64_t bytes;
    if (m->length && m->bytes && size_mul(m->length, row, &bytes) && bytes <= m->bytes && m->bytes <= INT64_MAX)
        return GPUMM_OK;
    return strange("a maximum that cannot be");
}

static gpumm_status make_buffer(attached_item *x, const share_message *m, gpumm_type *type) {
    context *ctx = x->attachment->object.context;
    gpumm_member member = {.name = x->name, .type = type};
    gpumm_group_options o = {
        .name = x->name, .members = &member, .member_count = 1, .max_length = m->length, .tag = "attached"};
    TRY(check_lengths(m, gpumm_type_size(type)));
    return gpumm__allocation_attach(ctx, &o, true, &m->bytes, &x->group);
}

static gpumm_status hear_buffer(gpumm_attachment *a, share_packet *p) {
    share_text t = {p->text, p->message.text_bytes};
    attached_item *x = NULL;
    gpumm_type *type;
    TRY(item_new(a, &p->message, gpumm__protocol_get(&t), &x));
    TRY(gpumm__protocol_get_type(&t, &a->object.context->memory, &type));
    gpumm_status status = make_buffer(x, &p->message, type);
    gpumm_type_release(type);
    return status;
}

typedef struct frames_members {
    gpumm_member members[GROUP_MEMBERS];
    uint64_t reserved[GROUP_MEMBERS], row;
    size_t count;
} frames_members;

static gpumm_status get_members(share_text *t, const gpumm_allocator *memory, frames_members *f) {
    while (t->left) {
        const char *name = gpumm__protocol_get(t);
        gpumm_type *type;
        if (!name || f->count == GROUP_MEMBERS) return strange("members that cannot be");
        TRY(gpumm__protocol_get_type(t, memory, &type));
        f->members[f->count] = (gpumm_member){.name = name, .type = type};
        f->row += gpumm_type_size(type);
        f->reserved[f->count++] = 1;
    }
    return f->count ? GPUMM_OK : strange("frames of nothing");
}

/* Of members that have names and types here, and no memory but the slots'. */
static gpumm_status make_frames(attached_item *x, const share_message *m, const frames_members *f) {
    context *ctx = x->attachment->object.context;
    gpumm_group_options o = {.name = x->name,
                             .members = f->members,
                             .member_count = f->count,
                             .max_length = m->length,
                             .unowned = true,
                             .tag = "attached"};
    TRY(check_lengths(m, f->row));
    if (m->part < 2 || m->part > READBACK_SLOTS) return strange("slots that cannot be");
    TRY(gpumm__allocation_attach(ctx, &o, false, f->reserved, &x->group));
    TRY(gpumm__readback_attach(x->group, m->part, m->bytes, &x->remote, &x->readback));
    gpumm__object_hold(&x->attachment->object); /* until it is forgotten */
    return GPUMM_OK;
}

static gpumm_status hear_frames(gpumm_attachment *a, share_packet *p) {
    share_text t = {p->text, p->message.text_bytes};
    attached_item *x = NULL;
    frames_members f = {.count = 0};
    TRY(item_new(a, &p->message, gpumm__protocol_get(&t), &x));
    gpumm_status status = get_members(&t, &a->object.context->memory, &f);
    if (status == GPUMM_OK) status = make_frames(x, &p->message, &f);
    for (size_t i = 0; i < f.count; i++) gpumm_type_release(f.members[i].type);
    return status;
}

/* ---- Hearing: all ------------------------------------------------------------------------------------------ */

static gpumm_status hear_frame(gpumm_attachment *a, const share_message *m) {
    attached_item *x = NULL;
    TRY(item_of(a, m, true, &x));
    if (!x->asked) return strange("a frame that nobody asked for");
    x->asked = false;
    x->answered = true;
    x->frame = *m;
    if (m->part == SHARE_NO_SLOT) return GPUMM_OK;
    if (m->part >= x->readback->slot_count || x->loans >> m->part & 1 || m->ticket <= x->taken)
        return strange("a frame that cannot be");
    x->loans |= UINT64_C(1) << m->part;
    return GPUMM_OK;
}

static gpumm_status hear_arrived(gpumm_attachment *a, const share_message *m) {
    attached_item *x = NULL;
    TRY(item_of(a, m, true, &x));
    if (m->ticket > x->newest) x->newest = m->ticket;
    return GPUMM_OK;
}

static gpumm_status hear_ended(gpumm_attachment *a, const share_message *m) {
    if (m->item >= a->count) return strange("what it does not share");
    a->items[m->item]->ended = true;
    return GPUMM_OK;
}

static gpumm_status hear_bye(gpumm_attachment *a, const share_message *m) {
    bool lost = m->status == GPUMM_DEVICE_LOST;
    end_with(a, lost ? GPUMM_DEVICE_LOST : GPUMM_CLOSED,
             lost ? "its owner lost the device" : "its owner closed the share");
    return GPUMM_OK;
}

static gpumm_status hear(gpumm_attachment *a, share_packet *p, int descriptor) {
    const share_message *m = &p->message;
    switch ((share_kind)m->kind) {
    case SHARE_BUFFER: return hear_buffer(a, p);
    case SHARE_FRAMES: return hear_frames(a, p);
    case SHARE_READY: return a->ready = true, GPUMM_OK;
    case SHARE_SEGMENT: return hear_segment(a, m, descriptor);
    case SHARE_UNMAP: return hear_unmap(a, m);
    case SHARE_LENGTH: return hear_length(a, m);
    case SHARE_ARRIVED: return hear_arrived(a, m);
    case SHARE_FRAME: return hear_frame(a, m);
    case SHARE_ENDED: return hear_ended(a, m);
    case SHARE_BYE: return hear_bye(a, m);
    default: return strange("something that is said only once");
    }
}

/* Is the owner's process gone, though a child of it may still have the socket? */
static bool is_dead(const gpumm_attachment *a) {
    struct pollfd p = {.fd = a->pidfd, .events = POLLIN};
    return a->pidfd >= 0 && poll(&p, 1, 0) > 0;
}

static void hear_gone(gpumm_attachment *a) {
    char why[80];
    snprintf(why, sizeof why, "its owner, process %ld, is gone", (long)a->owner);
    end_with(a, GPUMM_CLOSED, why);
}

static void go_on(gpumm_attachment *a) {
    if (!a->stalled) return;
    a->stalled = false;
    gpumm_status status = hear_unmap(a, &a->unmap);
    if (status != GPUMM_OK) end_with(a, status, gpumm_message());
}

/* Lock held. All that waits in the socket. */
static void pump(gpumm_attachment *a) {
    share_packet p;
    go_on(a);
    while (a->over == GPUMM_OK && !a->stalled) {
        size_t bytes;
        int descriptor;
        wire_end end = gpumm__wire_receive(a->socket, &p, &bytes, &descriptor);
        if (end == WIRE_GONE || (end == WIRE_LATER && is_dead(a))) hear_gone(a);
        if (end != WIRE_DONE) break;
        gpumm_status status = gpumm__protocol_check(&p, bytes, true);
        if (status == GPUMM_OK) status = hear(a, &p, descriptor);
        if (descriptor >= 0) close(descriptor);
        if (status != GPUMM_OK) end_with(a, status, gpumm_message());
    }
    give_all(a);
}

static bool wait_for_news(const gpumm_attachment *a, uint64_t deadline) {
    struct pollfd p = {.fd = a->news, .events = POLLIN};
    uint64_t now = gpumm__clock_ns();
    if (now >= deadline) return false;
    uint64_t ms = deadline == UINT64_MAX ? UINT64_MAX : (deadline - now + 999999) / 1000000;
    return poll(&p, 1, (int)size_min(ms, 60000)) >= 0;
}

/* ---- Frames ------------------------------------------------------------------------------------------------ */

/* Lock held, and the readback's. The answer becomes a frame that has arrived. */
static gpumm_status put_in_slot(attached_item *x, gpumm_readback *r) {
    const share_message *m = &x->frame;
    x->answered = false;
    if (m->part == SHARE_NO_SLOT) return GPUMM_OK;
    slot *t = &r->slots[m->part];
    bool is_idle = !t->readers.count && (t->state == SLOT_EMPTY || t->state == SLOT_ENDED);
    if (!is_idle || m->length > r->group->max_length ||
        gpumm__slot_offset(r, r->count, m->length) > t->device.committed) {
        end_with(x->attachment, GPUMM_INVALID_ARGUMENT, "the owner spoke of a frame that cannot be");
        return fail_over(x->attachment);
    }
    t->state = SLOT_ARRIVED;
    t->ticket = x->taken = m->ticket;
    t->info = (gpumm_frame_info){m->step, m->length, m->generation, m->time, m->dropped, m->ticket};
    return GPUMM_OK;
}

/* Asks, and waits for the answer, which one still under way may be. */
static gpumm_status ask(attached_item *x, uint32_t item) {
    gpumm_attachment *a = x->attachment;
    uint64_t deadline = gpumm__clock_ns() + ANSWER_MS * UINT64_C(1000000);
    if (!x->asked) {
        wire_end end = say(a, (share_message){.kind = SHARE_TAKE, .item = item, .ticket = x->taken});
        if (end == WIRE_LATER) return fail(GPUMM_TIMEOUT, "the owner hears nothing");
        x->asked = true;
    }
    while (!x->answered && a->over == GPUMM_OK) {
        if (!wait_for_news(a, deadline)) return fail(GPUMM_TIMEOUT, "the owner did not answer within %d ms", ANSWER_MS);
        pump(a);
    }
    return x->answered ? GPUMM_OK : fail_over(a);
}

static gpumm_status refresh_locked(attached_item *x, gpumm_readback *r) {
    gpumm_attachment *a = x->attachment;
    uint32_t item = 0;
    pump(a);
    if (a->over != GPUMM_OK) return fail_over(a);
    if (x->ended) return fail(GPUMM_CANCELLED, "the owner closed the readback '%s'", x->name);
    while (a->items[item] != x) item++;
    if (!x->answered && (x->newest > x->taken || x->asked)) TRY(ask(x, item));
    return x->answered ? put_in_slot(x, r) : GPUMM_OK;
}

static gpumm_status remote_refresh(remote *self, gpumm_readback *r) {
    attached_item *x = (attached_item *)self;
    pthread_mutex_lock(&x->attachment->lock);
    gpumm_status status = refresh_locked(x, r);
    pthread_mutex_unlock(&x->attachment->lock);
    return status;
}

static void remote_ended(remote *self, const gpumm_readback *r, unsigned which) {
    attached_item *x = (attached_item *)self;
    gpumm_attachment *a = x->attachment;
    (void)r;
    pthread_mutex_lock(&a->lock);
    uint64_t bit = UINT64_C(1) << which;
    x->gives |= x->loans & bit;
    x->loans &= ~bit;
    give_all(a);
    pthread_mutex_unlock(&a->lock);
}

static void remote_closed(remote *self, const gpumm_readback *r) {
    attached_item *x = (attached_item *)self;
    (void)r;
    pthread_mutex_lock(&x->attachment->lock);
    x->closed = true;
    pthread_mutex_unlock(&x->attachment->lock);
}

static void remote_forgotten(remote *self) { gpumm__object_drop(&((attached_item *)self)->attachment->object); }

static void remote_table(remote *r) { *r = (remote){remote_refresh, remote_ended, remote_closed, remote_forgotten}; }

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
        if (!x->applied && (x->ended || a->over != GPUMM_OK) && !is_lent(x)) found = x;
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
}

static void attachment_dispose(object *o) {
    gpumm_attachment *a = attachment_from(o);
    pthread_mutex_lock(&a->lock);
    end_with(a, GPUMM_CLOSED, "it was closed here");
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
    if (strcmp(ctx->info.kind, x->kind) != 0 || strcmp(ctx->info.uuid, x->uuid) != 0)
        return fail(GPUMM_INVALID_ARGUMENT, "the owner's device is %.20s %.60s, this manager's %s %s", x->kind, x->uuid,
                    ctx->info.kind, ctx->info.uuid);
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
        pump(a);
        bool ready = a->ready;
        gpumm_status over = a->over == GPUMM_OK ? GPUMM_OK : fail_over(a);
        pthread_mutex_unlock(&a->lock);
        if (ready || over != GPUMM_OK) return over;
        if (!wait_for_news(a, deadline)) return fail(GPUMM_TIMEOUT, "the owner does not tell what it shares");
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
    TRY(gpumm__wire_connect(o.path, &x.socket));
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
    if (a->socket >= 0) pump(a);
    gpumm_status status = a->over == GPUMM_OK ? GPUMM_OK : fail_over(a);
    pthread_mutex_unlock(&a->lock);
    if (status == GPUMM_OK) return apply_ends(a), GPUMM_OK;
    apply_ends(a);
    pthread_mutex_lock(&a->lock);
    status = fail_over(a);
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

static gpumm_status wait_for_end(gpumm_attachment *a, uint64_t deadline) {
    pthread_mutex_lock(&a->lock);
    bool now = has_end(a) || a->news < 0;
    pthread_mutex_unlock(&a->lock);
    struct pollfd p = {.fd = a->news, .events = POLLIN};
    while (!now) {
        if (atomic_load(&a->object.context->closing)) return fail(GPUMM_CANCELLED, "the manager closed meanwhile");
        uint64_t at = gpumm__clock_ns(), left = deadline > at ? deadline - at : 0;
        now = poll(&p, 1, (int)size_min((left + 999999) / 1000000, 50)) > 0;
        if (!now && gpumm__clock_ns() >= deadline) return fail(GPUMM_TIMEOUT, "the time to wait ran out");
    }
    return GPUMM_OK;
}

gpumm_status gpumm_attachment_wait(gpumm_attachment *a, double seconds) {
    NOT_NULL(a, "attachment");
    TRY(gpumm__context_enter(a->object.context));
    gpumm_status status = wait_for_end(a, gpumm__clock_deadline(seconds));
    if (status == GPUMM_OK) status = look(a);
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
