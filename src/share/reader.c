/* SPDX-License-Identifier: MIT */
/* Telling a reader goes through everything that it should know, in an order in which each message makes sense: a length that
   became less, memory that went, memory that came, a length that became more, frames. */
#include "share/reader.h"

#include <string.h>
#include <unistd.h>

#include "core/loan.h"

enum { LOANS_MOST = 2 }; /* what it reads, and what it takes in exchange */

/* ---- Making ------------------------------------------------------------------------------------------------ */

static bool open_parts(context *ctx, reader *r, const share_item *items) {
    for (size_t i = 0; i < r->count; i++) {
        reader_item *x = &r->items[i];
        unsigned parts = gpumm__item_parts(&items[i]);
        x->parts = gpumm__mem_new(&ctx->memory, parts * sizeof *x->parts);
        if (!x->parts) return false;
        x->count = parts;
    }
    return true;
}

static void free_parts(context *ctx, reader *r) {
    for (size_t i = 0; i < r->count; i++) {
        for (unsigned p = 0; p < r->items[i].count; p++) gpumm__mem_free(&ctx->memory, r->items[i].parts[p].held);
        gpumm__mem_free(&ctx->memory, r->items[i].parts);
    }
    if (r->socket >= 0) close(r->socket);
    if (r->pidfd >= 0) close(r->pidfd);
    gpumm__mem_free(&ctx->memory, r);
}

reader *gpumm__reader_open(context *ctx, share_item *items, size_t count, int socket, bool any_user) {
    pid_t pid;
    reader *r = gpumm__mem_new(&ctx->memory, sizeof *r + count * sizeof r->items[0]);
    if (!r) return close(socket), NULL;
    r->socket = socket;
    r->pidfd = -1;
    r->count = count;
    if (gpumm__wire_peer(socket, any_user, &r->pidfd, &pid) == GPUMM_OK && open_parts(ctx, r, items)) return r;
    free_parts(ctx, r);
    return NULL;
}

static void forget_part(context *ctx, reader_part *p, size_t from) {
    while (p->sent > from) gpumm__exported_drop(ctx, p->held[--p->sent]);
}

static void give_loans(reader_item *x, share_item *item) {
    for (unsigned i = 0; i < x->count; i++)
        if (x->loans >> i & 1) gpumm__loan_give(item->readback, i);
    x->loans = 0;
}

void gpumm__reader_close(context *ctx, share_item *items, reader *r) {
    for (size_t i = 0; i < r->count; i++) {
        for (unsigned p = 0; p < r->items[i].count; p++) forget_part(ctx, &r->items[i].parts[p], 0);
        if (r->items[i].loans) give_loans(&r->items[i], &items[i]);
    }
    free_parts(ctx, r);
}

/* ---- Hearing ----------------------------------------------------------------------------------------------- */

static bool hear_take(reader *r, share_item *items, const share_message *m) {
    if (m->item >= r->count || !items[m->item].readback) return false;
    r->items[m->item].asks = true;
    r->items[m->item].than = m->ticket;
    return true;
}

static bool hear_give(reader *r, share_item *items, const share_message *m) {
    reader_item *x = m->item < r->count ? &r->items[m->item] : NULL;
    if (!x || m->part >= x->count || !(x->loans >> m->part & 1)) return false;
    x->loans &= ~(UINT64_C(1) << m->part);
    gpumm__loan_give(items[m->item].readback, m->part);
    return true;
}

static bool hear_one(reader *r, share_item *items, const share_message *m) {
    if (m->kind == SHARE_HELLO) return !r->greeted && m->part == SHARE_VERSION && (r->greeted = true);
    if (!r->greeted) return false;
    return m->kind == SHARE_TAKE ? hear_take(r, items, m) : hear_give(r, items, m);
}

bool gpumm__reader_hear(reader *r, share_item *items) {
    share_packet p;
    for (;;) {
        size_t bytes;
        int descriptor;
        wire_end end = gpumm__wire_receive(r->socket, &p, &bytes, &descriptor);
        if (descriptor >= 0) close(descriptor);
        if (end != WIRE_DONE) return end == WIRE_LATER;
        if (descriptor >= 0 || gpumm__protocol_check(&p, bytes, false) != GPUMM_OK) return false;
        if (!hear_one(r, items, &p.message)) return false;
    }
}

/* ---- Telling ----------------------------------------------------------------------------------------------- */

static wire_end send_plain(reader *r, share_message m) {
    share_packet p;
    p.message = m;
    wire_end end = gpumm__wire_send(r->socket, &p, -1);
    if (end == WIRE_LATER) r->behind = true;
    return end;
}

void gpumm__reader_foretell(reader *r, uint32_t item) {
    reader_item *x = &r->items[item];
    if (!r->ready || x->foretold) return;
    x->foretold = send_plain(r, (share_message){.kind = SHARE_COMING, .item = item}) == WIRE_DONE;
}

static bool describe_hello(context *ctx, share_packet *p) {
    share_text t = {p->text, sizeof p->text};
    p->message = (share_message){.kind = SHARE_HELLO, .part = SHARE_VERSION, .bytes = ctx->info.granularity_bytes};
    bool fits = gpumm__protocol_put(&t, ctx->info.kind) && gpumm__protocol_put(&t, ctx->info.uuid);
    p->message.text_bytes = (uint32_t)(sizeof p->text - t.left);
    return fits;
}

static wire_end tell_items(context *ctx, reader *r, share_item *items) {
    share_packet p;
    for (; r->told <= r->count; r->told++) {
        bool fits =
            r->told ? gpumm__item_describe(&items[r->told - 1], (uint32_t)r->told - 1, &p) : describe_hello(ctx, &p);
        if (!fits) return WIRE_GONE; /* names and types so long are nobody's */
        wire_end end = gpumm__wire_send(r->socket, &p, -1);
        if (end == WIRE_LATER) r->behind = true;
        if (end != WIRE_DONE) return end;
    }
    return WIRE_DONE;
}

/* From which segment on they were unmapped here; `sent`: none was. */
static size_t first_gone(context *ctx, const reader_part *p) {
    size_t i = 0;
    pthread_mutex_lock(&ctx->lock);
    while (i < p->sent && !p->held[i]->gone) i++;
    pthread_mutex_unlock(&ctx->lock);
    return i;
}

static wire_end tell_unmapped(context *ctx, reader *r, uint32_t item, unsigned part) {
    reader_part *p = &r->items[item].parts[part];
    size_t gone = first_gone(ctx, p);
    if (gone == p->sent) return WIRE_DONE;
    share_message m = {.kind = SHARE_UNMAP, .item = item, .part = part, .offset = p->held[gone]->begin};
    wire_end end = send_plain(r, m);
    if (end == WIRE_DONE) forget_part(ctx, p, gone);
    return end;
}

/* A segment to export, found while its memory was locked: an export takes most of a millisecond, for which neither a growth
   nor a capture waits. */
typedef struct segment {
    device *device;
    gpumm_address address;
    uint64_t begin, bytes;
    exported *record; /* the reader's hold */
} segment;

/* The first that it was not sent; record NULL: it has all. Its memory is locked. */
static wire_end next_segment(context *ctx, reader_part *p, const share_part *from, segment *out) {
    const range *g = from->range;
    *out = (segment){.record = NULL};
    if (p->sent >= g->segments) return WIRE_DONE;
    if (!gpumm__mem_reserve(&ctx->memory, (void **)&p->held, sizeof *p->held, p->sent, &p->room)) return WIRE_GONE;
    uint64_t begin = range_segment_begin(g, p->sent), bytes = g->list[p->sent].end - begin;
    *out = (segment){g->device, g->address + begin, begin, bytes,
                     gpumm__exported_hold(ctx, from->exports, begin, bytes, false)};
    return out->record ? WIRE_DONE : WIRE_GONE;
}

/* What went while it was exported may have been another's at that address by then: it is not sent. */
static wire_end send_exported(context *ctx, reader *r, share_message m, const segment *s, int descriptor) {
    share_packet packet;
    packet.message = m;
    if (!gpumm__exported_is_there(ctx, s->record)) return r->retry = true, WIRE_LATER;
    wire_end sent = gpumm__wire_send(r->socket, &packet, descriptor);
    if (sent == WIRE_LATER) r->behind = true;
    return sent;
}

static wire_end send_segment(context *ctx, reader *r, share_message m, const segment *s, bool *lost) {
    reader_part *p = &r->items[m.item].parts[m.part];
    int descriptor;
    m.offset = s->begin;
    m.bytes = s->bytes;
    gpumm_status status = s->device->call->export_segment(s->device, s->address, s->bytes, &descriptor);
    wire_end sent = WIRE_LATER;
    if (status == GPUMM_OK) {
        sent = send_exported(ctx, r, m, s, descriptor);
        close(descriptor);
    } else *lost = status == GPUMM_DEVICE_LOST, r->retry = true;
    if (sent == WIRE_DONE) p->held[p->sent++] = s->record;
    else gpumm__exported_drop(ctx, s->record);
    return sent;
}

/* Does a length wait for it? */
static bool is_awaited(const reader_item *known, const share_item *x) {
    return x->buffer && (x->waiting || x->length > known->length);
}

/* One at a time, and what went meanwhile is told first. */
static wire_end tell_segments(context *ctx, reader *r, share_item *x, uint32_t item, unsigned part, bool *lost) {
    reader_part *p = &r->items[item].parts[part];
    const share_message m = {.kind = SHARE_SEGMENT, .item = item, .part = part};
    for (;;) {
        share_part memory;
        segment next = {.record = NULL};
        if (!gpumm__item_lock(x, part, &memory)) return r->retry = r->retry || !atomic_load(&x->ended), WIRE_DONE;
        wire_end end = tell_unmapped(ctx, r, item, part);
        if (end == WIRE_DONE) end = next_segment(ctx, p, &memory, &next);
        gpumm__item_unlock(x);
        if (!next.record) r->items[item].foretold = false;
        else if (is_awaited(&r->items[item], x)) gpumm__reader_foretell(r, item);
        if (end == WIRE_DONE && next.record) end = send_segment(ctx, r, m, &next, lost);
        if (end != WIRE_DONE || !next.record) return end;
    }
}

static wire_end tell_length(reader *r, uint32_t item, uint64_t length) {
    wire_end end = send_plain(r, (share_message){.kind = SHARE_LENGTH, .item = item, .length = length});
    if (end == WIRE_DONE) r->items[item].length = length;
    return end;
}

/* Of the segments that it was sent. */
static uint64_t bytes_sent(const reader_part *p) {
    return p->sent ? p->held[p->sent - 1]->begin + p->held[p->sent - 1]->bytes : 0;
}

/* Is there more to be read, and has it the memory? */
static bool has_grown(const reader_item *known, const share_item *x) {
    return x->length > known->length && x->length * x->buffer->size <= bytes_sent(&known->parts[0]);
}

/* What was precommitted it has before its length, and is told that before what is precommitted now. */
static wire_end tell_buffer(context *ctx, reader *r, share_item *x, uint32_t item, bool *lost) {
    reader_item *known = &r->items[item];
    wire_end end = WIRE_DONE;
    if (x->length < known->length) end = tell_length(r, item, x->length);
    if (end == WIRE_DONE) end = tell_unmapped(ctx, r, item, 0);
    if (end == WIRE_DONE && has_grown(known, x)) end = tell_length(r, item, x->length);
    if (end == WIRE_DONE) end = tell_segments(ctx, r, x, item, 0, lost);
    if (x->waiting && gpumm__item_publish(x)) r->retry = true; /* exporting took a while */
    if (!x->published) r->retry = true;
    if (end != WIRE_DONE || x->length <= known->length) return end;
    return has_grown(known, x) ? tell_length(r, item, x->length) : (r->retry = true, WIRE_DONE);
}

/* ---- Frames ------------------------------------------------------------------------------------------------ */

static unsigned loans_of(const reader_item *x) {
    unsigned count = 0;
    for (uint64_t left = x->loans; left; left &= left - 1) count++;
    return count;
}

static wire_end send_frame(reader *r, uint32_t item, unsigned which, gpumm_status status, const gpumm_frame_info *f) {
    return send_plain(r, (share_message){.kind = SHARE_FRAME,
                                         .item = item,
                                         .part = which == LOAN_NONE ? SHARE_NO_SLOT : which,
                                         .status = (uint32_t)status,
                                         .length = f->length,
                                         .ticket = f->ticket,
                                         .generation = f->generation,
                                         .dropped = f->dropped,
                                         .step = f->step,
                                         .time = f->time});
}

/* The slot's memory must be there before its frame is. */
static wire_end answer(context *ctx, reader *r, share_item *x, uint32_t item, bool *lost) {
    reader_item *known = &r->items[item];
    gpumm_frame_info info = {0};
    unsigned which = LOAN_NONE;
    gpumm_status status = GPUMM_BUSY;
    if (loans_of(known) < LOANS_MOST) status = gpumm__loan_take(x->readback, known->than, &which, &info);
    *lost = *lost || status == GPUMM_DEVICE_LOST;
    wire_end end = which == LOAN_NONE ? WIRE_DONE : tell_segments(ctx, r, x, item, which, lost);
    bool mapped = which == LOAN_NONE ||
                  bytes_sent(&known->parts[which]) >= gpumm__slot_offset(x->readback, x->readback->count, info.length);
    if (end == WIRE_DONE && mapped) end = send_frame(r, item, which, status, &info);
    if (end == WIRE_DONE && mapped) known->asks = false;
    else if (which != LOAN_NONE) gpumm__loan_give(x->readback, which);
    if (end == WIRE_DONE && mapped && which != LOAN_NONE) known->loans |= UINT64_C(1) << which;
    if (!mapped) r->retry = true;
    return end;
}

static gpumm_ticket newest_of(gpumm_readback *rb) {
    pthread_mutex_lock(&rb->lock);
    gpumm_ticket newest = rb->watched;
    pthread_mutex_unlock(&rb->lock);
    return newest;
}

static wire_end tell_frames(context *ctx, reader *r, share_item *x, uint32_t item, bool *lost) {
    reader_item *known = &r->items[item];
    wire_end end = WIRE_DONE;
    for (unsigned part = 0; part < known->count && end == WIRE_DONE; part++) {
        if (!r->ready) end = tell_segments(ctx, r, x, item, part, lost);
    }
    if (end == WIRE_DONE && known->asks) end = answer(ctx, r, x, item, lost);
    gpumm_ticket newest = newest_of(x->readback);
    if (end != WIRE_DONE || newest <= known->arrived) return end;
    end = send_plain(r, (share_message){.kind = SHARE_ARRIVED, .item = item, .ticket = newest});
    if (end == WIRE_DONE) known->arrived = newest;
    return end;
}

static wire_end tell_item(context *ctx, reader *r, share_item *x, uint32_t item, bool *lost) {
    reader_item *known = &r->items[item];
    if (known->ended) return WIRE_DONE;
    if (!atomic_load(&x->ended))
        return x->buffer ? tell_buffer(ctx, r, x, item, lost) : tell_frames(ctx, r, x, item, lost);
    wire_end end = send_plain(r, (share_message){.kind = SHARE_ENDED, .item = item});
    if (end == WIRE_DONE) known->ended = true;
    return end;
}

static wire_end tell_all(context *ctx, reader *r, share_item *items, bool *lost) {
    wire_end end = tell_items(ctx, r, items);
    for (size_t i = 0; i < r->count && end == WIRE_DONE; i++) end = tell_item(ctx, r, &items[i], (uint32_t)i, lost);
    if (end != WIRE_DONE || r->ready || r->retry) return end;
    end = send_plain(r, (share_message){.kind = SHARE_READY});
    r->ready = end == WIRE_DONE;
    return end;
}

bool gpumm__reader_tell(context *ctx, reader *r, share_item *items, bool *lost) {
    r->behind = r->retry = false;
    return !r->greeted || tell_all(ctx, r, items, lost) != WIRE_GONE;
}

void gpumm__reader_bye(reader *r, gpumm_status why) {
    (void)send_plain(r, (share_message){.kind = SHARE_BYE, .status = (uint32_t)why});
}
