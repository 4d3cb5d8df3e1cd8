/* SPDX-License-Identifier: MIT */
/* Hearing an owner: memory and lengths, items, frames, its end. */
#include "share/owner.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/allocation.h"
#include "core/attached.h"

enum { ANSWER_MS = 1000 };

/* ---- Its end ----------------------------------------------------------------------------------------------- */

/* Lock held. The first end counts. */
void gpumm__owner_end(gpumm_attachment *a, gpumm_status status, const char *why) {
    if (a->over != GPUMM_OK) return;
    a->over = status;
    snprintf(a->why, sizeof a->why, "%s", why);
}

gpumm_status gpumm__owner_over(const gpumm_attachment *a) {
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

static gpumm_status hear_coming(gpumm_attachment *a, const share_message *m) {
    attached_item *x = NULL;
    TRY(item_of(a, m, false, &x));
    a->awaited = m->item;
    a->awake_until = gpumm__clock_ns() + ATTACHMENT_AWAKE_NS;
    return GPUMM_OK;
}

static gpumm_status hear_segment(gpumm_attachment *a, const share_message *m, int descriptor) {
    attached_item *x = m->item < a->count ? a->items[m->item] : NULL;
    if (!x || descriptor < 0) return strange("memory that it does not share");
    if (x->readback) return import_slot(x, m, descriptor);
    gpumm_status status = gpumm__attached_import(&x->group->members[0], m->offset, m->bytes, descriptor);
    return status == GPUMM_STALE ? GPUMM_OK : status; /* freed here */
}

bool gpumm__owner_lends(const attached_item *x) {
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
    gpumm__owner_tidy(a); /* they hold its memory */
    if (gpumm__owner_lends(x)) {
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
    if (m->item == a->awaited) a->awake_until = 0;
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
    gpumm__owner_tidy(a);
    a->items[m->item]->ended = true;
    return GPUMM_OK;
}

static gpumm_status hear_bye(gpumm_attachment *a, const share_message *m) {
    bool lost = m->status == GPUMM_DEVICE_LOST;
    gpumm__owner_end(a, lost ? GPUMM_DEVICE_LOST : GPUMM_CLOSED,
                     lost ? "its owner lost the device" : "its owner closed the share");
    return GPUMM_OK;
}

static gpumm_status hear(gpumm_attachment *a, share_packet *p, int descriptor) {
    const share_message *m = &p->message;
    if (m->kind != SHARE_COMING && m->kind != SHARE_SEGMENT) a->told = true;
    switch ((share_kind)m->kind) {
    case SHARE_BUFFER: return hear_buffer(a, p);
    case SHARE_FRAMES: return hear_frames(a, p);
    case SHARE_READY: return a->ready = true, GPUMM_OK;
    case SHARE_COMING: return hear_coming(a, m);
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
    gpumm__owner_end(a, GPUMM_CLOSED, why);
}

static void go_on(gpumm_attachment *a) {
    if (!a->stalled) return;
    a->stalled = false;
    gpumm_status status = hear_unmap(a, &a->unmap);
    if (status != GPUMM_OK) gpumm__owner_end(a, status, gpumm_message());
}

void gpumm__owner_tidy(gpumm_attachment *a) {
    while (a->spent_count) close(a->spent[--a->spent_count]);
}

/* Of a device's memory the last descriptor takes long to close, which who waits for a length need not wait for. */
static void spend(gpumm_attachment *a, int descriptor) {
    if (a->spent_count < ATTACHMENT_SPENT) a->spent[a->spent_count++] = descriptor;
    else close(descriptor);
}

/* Lock held. All that waits in the socket. */
void gpumm__owner_hear(gpumm_attachment *a) {
    share_packet p;
    bool heard = false;
    go_on(a);
    while (a->over == GPUMM_OK && !a->stalled) {
        size_t bytes;
        int descriptor;
        wire_end end = gpumm__wire_receive(a->socket, &p, &bytes, &descriptor);
        if (end == WIRE_GONE || (end == WIRE_LATER && is_dead(a))) hear_gone(a);
        if (end != WIRE_DONE) break;
        gpumm_status status = gpumm__protocol_check(&p, bytes, true);
        if (status == GPUMM_OK) status = hear(a, &p, descriptor);
        if (descriptor >= 0) spend(a, descriptor);
        heard = true;
        if (status != GPUMM_OK) gpumm__owner_end(a, status, gpumm_message());
    }
    give_all(a);
    if (!heard || a->over != GPUMM_OK) gpumm__owner_tidy(a);
}

bool gpumm__owner_wait(const gpumm_attachment *a, uint64_t deadline) {
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
        gpumm__owner_end(x->attachment, GPUMM_INVALID_ARGUMENT, "the owner spoke of a frame that cannot be");
        return gpumm__owner_over(x->attachment);
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
        if (!gpumm__owner_wait(a, deadline))
            return fail(GPUMM_TIMEOUT, "the owner did not answer within %d ms", ANSWER_MS);
        gpumm__owner_hear(a);
    }
    return x->answered ? GPUMM_OK : gpumm__owner_over(a);
}

static gpumm_status refresh_locked(attached_item *x, gpumm_readback *r) {
    gpumm_attachment *a = x->attachment;
    uint32_t item = 0;
    gpumm__owner_hear(a);
    if (a->over != GPUMM_OK) return gpumm__owner_over(a);
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
