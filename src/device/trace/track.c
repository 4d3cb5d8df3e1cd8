/* SPDX-License-Identifier: MIT */
/* Lists of operations in the order of their streams, from their events to lines of the trace. */
#include "device/trace/track.h"

#include "base/size.h"
#include "base/thread.h"

enum { WAITED_NS = 20000 /* who begins so much later than it was enqueued found its stream busy */ };

/* ---- From the queue ------------------------------------------------------------------------------------------ */

static void lose(track_reader *r) {
    if (trace_events(r->trace)) gpumm__trace_file_lose(&r->trace->events);
}

static void give(track_reader *r, operation *o) {
    if (o->events) gpumm__event_pair_give(r->pairs, o->events);
    gpumm__operation_give(&r->pool, o);
}

static void append(track *t, operation *o) {
    if (t->unread) t->unread_last->next = o;
    else t->unread = o;
    t->unread_last = o;
}

/* There is no memory for it. What it holds goes with it. */
static void forget(track_reader *r, const queued *q) {
    if (q->events) gpumm__event_pair_give(r->pairs, q->events);
    gpumm__operation_list_drop(q->list);
    gpumm__queue_done(r->queue, 1);
    if (!q->dropped) lose(r);
}

static void receive(track_reader *r, const queued *q) {
    if (!q->nested) r->forgetting = false;
    operation *o = r->forgetting ? NULL : gpumm__operation_take(&r->pool);
    r->forgetting = o == NULL;
    if (!o) {
        forget(r, q);
        return;
    }
    gpumm__queued_read(q, o);
    o->enqueued = gpumm__ticks_ns(&r->scale, q->ticks);
    o->events = q->events;
    o->kind = &r->kinds->all[q->kind];
    append(q->track, o);
}

/* All that is there, of every track. */
static void fetch(track_reader *r) {
    const queued *q = gpumm__queue_first(r->queue);
    if (q) gpumm__ticks_look(&r->scale);
    for (; q; q = gpumm__queue_next(r->queue, q)) receive(r, q);
}

/* All up to `last` is done with. */
static void give_up_to(track_reader *r, track *t, operation *last) {
    operation *o = t->unread, *behind = last->next;
    uint64_t count = 0;
    for (operation *next; o != behind; o = next, count++) {
        next = o->next;
        give(r, o);
    }
    t->unread = behind;
    if (!behind) t->unread_last = NULL;
    gpumm__queue_done(r->queue, count);
}

/* ---- Lines --------------------------------------------------------------------------------------------------- */

static void write(track_reader *r, track *t, const operation *o, uint64_t begin, uint64_t end) {
    trace_field fields[OPERATION_FIELDS + 3];
    size_t count = 0;
    for (; count < o->field_count; count++)
        fields[count] =
            (trace_field){.key = o->fields[count].key, .number = (int64_t)size_min(o->fields[count].number, INT64_MAX)};
    if (o->labelled) fields[count++] = (trace_field){.key = "of", .text = o->label};
    if (o->list) fields[count++] = (trace_field){.key = "operations", .text = o->list->text};
    if (!o->events) fields[count++] = (trace_field){.key = "estimated", .truth = true};
    gpumm__trace_write(r->trace, &(trace_event){.phase = TRACE_SLICE,
                                                .patient = true,
                                                .process = r->process,
                                                .thread = t->thread,
                                                .name = o->name,
                                                .begin = begin,
                                                .end = end,
                                                .fields = fields,
                                                .count = count});
}

/* A query that fails says that the operation did, which has its times all the same, or that the device is lost. */
static bool has_come(track_reader *r, const operation *o) {
    bool done = true;
    return r->device->call->event_query(r->device, o->events->end, &done) != GPUMM_OK || done;
}

/* Times of an operation that has come. Without them it is dropped. */
static bool times_of(track_reader *r, operation *o, uint64_t *begin, uint64_t *end) {
    if (gpumm__device_clock_read(&r->clock, o->events, o->enqueued, begin, end)) return true;
    o->dropped = true;
    return lose(r), false;
}

/* ---- What a holder holds ---- */

/* How long it is by what is known; a holder, from its first to the end of its last. */
static void measure(track_reader *r, operation *o) {
    uint64_t end = o->enqueued;
    o->least = 1;
    o->length = gpumm__lengths_of(&r->lengths, o);
    if (!o->holds) return;
    for (operation *k = o->next; k && k->nested; k = k->next) {
        measure(r, k);
        end = size_max(end, k->enqueued) + k->length;
        o->least++;
    }
    if (o->least > 1) o->length = end - o->enqueued;
}

/* Those behind it, up to the one that is not: of what nobody timed, the lengths fit into what there is. */
static void begin_held(track_reader *r, const track *t, operation *holder, stretch *s) {
    gpumm__stretch_begin(s, t->held_ns, t->holder_end, false);
    for (operation *o = holder->next; o && o->nested; o = o->next) {
        if (o->dropped) continue;
        measure(r, o);
        gpumm__stretch_add(s, o);
    }
}

/* A single one that something interrupted is not taken for much work. */
static void learn(track_reader *r, const operation *o, uint64_t ns) {
    gpumm__lengths_learn(&r->lengths, o, ns);
    gpumm__sampling_learn(o->kind, size_min(ns, gpumm__lengths_of(&r->lengths, o)));
}

static void place_held(track_reader *r, operation *o, stretch *s, uint64_t *begin, uint64_t *end) {
    if (!o->events || !times_of(r, o, begin, end)) {
        gpumm__stretch_place(s, o, begin, end);
        return;
    }
    learn(r, o, *end - *begin);
    gpumm__stretch_put(s, o, begin, end);
}

/* Returns the last of them. */
static operation *write_held(track_reader *r, track *t, operation *holder) {
    stretch s;
    operation *last = holder;
    begin_held(r, t, holder, &s);
    for (operation *o = holder->next; o && o->nested; last = o, o = o->next) {
        uint64_t begin, end;
        if (o->dropped) continue;
        place_held(r, o, &s, &begin, &end);
        if (!o->dropped) write(r, t, o, begin, end);
    }
    t->held_ns = s.at;
    return last;
}

/* ---- What lies between two that are timed ---- */

static void write_one(track_reader *r, track *t, operation *o, uint64_t begin, uint64_t end) {
    write(r, t, o, begin, end);
    t->last_ns = t->holder_end = end;
    t->held_ns = begin;
}

/* What the one that is dropped held lies anywhere, and moves on what is behind it. */
static void write_unheld(track_reader *r, track *t, operation *dropped, stretch *s) {
    t->held_ns = s->at;
    t->holder_end = s->to;
    (void)write_held(r, t, dropped);
    t->last_ns = s->at = t->held_ns;
}

/* From the first to `end`, which is not among them, up to that time. */
static void write_between(track_reader *r, track *t, const operation *end, uint64_t to, bool busy) {
    stretch s;
    gpumm__stretch_begin(&s, t->last_ns, to, busy);
    for (operation *o = t->unread; o != end; o = o->next) {
        if (o->nested || o->dropped) continue;
        measure(r, o);
        gpumm__stretch_add(&s, o);
    }
    for (operation *o = t->unread; o != end; o = o->next) {
        uint64_t begin, until;
        if (o->nested) continue;
        if (!o->dropped) {
            gpumm__stretch_place(&s, o, &begin, &until);
            write_one(r, t, o, begin, until);
            (void)write_held(r, t, o);
        } else {
            write_unheld(r, t, o, &s);
        }
    }
}

/* The first that is timed and has come; NULL: *end is the first that is timed and has not, or NULL. What is nested is
   its holder's. */
static operation *find_timed(track_reader *r, const track *t, operation **end) {
    operation *o = t->unread;
    for (; o; o = o->next) {
        if (o->nested || o->dropped || !o->events) continue;
        if (has_come(r, o)) return o;
        break;
    }
    *end = o;
    return NULL;
}

static void write_timed(track_reader *r, track *t, operation *o) {
    uint64_t begin, end;
    if (!times_of(r, o, &begin, &end)) return; /* it is dropped, and no mark */
    learn(r, o, end - begin);
    write_between(r, t, o, begin, begin > o->enqueued + WAITED_NS);
    measure(r, o);
    begin = size_max(begin, t->last_ns);
    write_one(r, t, o, begin, size_max(begin + o->least - 1, end));
    give_up_to(r, t, write_held(r, t, o));
}

static bool is_idle(track_reader *r, device_stream *s) {
    bool idle = false;
    return r->device->call->stream_query(r->device, s, &idle) == GPUMM_OK && idle;
}

/* Behind the last that is timed nothing says when things ended but that they have: by now, and before what is
   enqueued since. */
static void write_rest(track_reader *r, track *t, const operation *end) {
    uint64_t now = gpumm__clock_ns();
    operation *last = t->unread;
    while (last->next != end) last = last->next;
    fetch(r);
    write_between(r, t, last->next, last->next ? size_min(last->next->enqueued, now) : now, false);
    give_up_to(r, t, last);
}

void gpumm__track_read(track_reader *r, track *t, bool through) {
    operation *o, *end = NULL;
    fetch(r);
    while ((o = find_timed(r, t, &end)) != NULL) write_timed(r, t, o);
    if (!trace_events(r->trace) || end == t->unread) return;
    if (through || is_idle(r, t->stream)) write_rest(r, t, end);
}

void gpumm__track_lose(track_reader *r, track *t) {
    for (; t->unread; give_up_to(r, t, t->unread))
        if (!t->unread->dropped) lose(r);
}
