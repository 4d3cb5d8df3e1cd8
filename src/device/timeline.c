/* SPDX-License-Identifier: MIT */
/* Lists of operations in the order of their streams: one end is enqueued to, the other is read. */
#include "device/timeline.h"

#include <stdio.h>

#include "base/size.h"
#include "base/status.h"
#include "base/thread.h"
#include "device/sampling.h"

enum {
    PAIR_NS_LEAST = 4000, /* of a device with a clock of its own: what its stream stands still for a pair of events */
    PAIR_NS_FIRST = 2000,
    PAIR_NS_MOST = 50000,
    WAITED_NS = 20000 /* who begins so much later than it was enqueued found its stream busy */
};

typedef struct track {
    struct track *next;
    device_stream *stream;
    uint64_t thread;
    sampling sampling;       /* with `lock`, and */
    operation *first, *last; /* what was enqueued */
    operation *holder;       /* that is open */
    /* With `reading`: */
    operation *unread, *unread_last; /* what is being read, in stream order */
    uint64_t last_ns;                /* what is written does not overlap */
    uint64_t held_ns, holder_end;    /* nor does what is held */
} track;

void gpumm__timeline_prepare(timeline *l) {
    operation_pool *p = &l->pool;
    if (!trace_events(l->trace)) return;
    if (gpumm__operation_pool_lacks_pairs(p)) (void)gpumm__operation_pool_grow_pairs(p); /* else times are estimated */
    if (!gpumm__operation_pool_is_short(p)) return;
    bool low = gpumm__operation_pool_is_low(p), full = gpumm__operation_pool_is_full(p);
    if (low && full) gpumm__timeline_collect(l);
    else if (low) (void)gpumm__operation_pool_grow(p); /* what finds none is left out, and counted */
    else if (!atomic_exchange(&l->nudged, true)) gpumm__trace_nudge(l->trace);
}

/* ---- Reading; with `reading` held ------------------------------------------------------------------------------ */

static void write(timeline *l, track *t, const operation *o, uint64_t begin, uint64_t end) {
    trace_field fields[OPERATION_FIELDS + 3];
    size_t count = 0;
    for (; count < o->field_count; count++)
        fields[count] =
            (trace_field){.key = o->fields[count].key, .number = (int64_t)size_min(o->fields[count].number, INT64_MAX)};
    if (o->labelled) fields[count++] = (trace_field){.key = "of", .text = o->label};
    if (o->list) fields[count++] = (trace_field){.key = "operations", .text = o->list->text};
    if (!o->events) fields[count++] = (trace_field){.key = "estimated", .truth = true};
    gpumm__trace_put(l->trace, &(trace_event){.phase = TRACE_SLICE,
                                              .patient = true,
                                              .process = l->process,
                                              .thread = t->thread,
                                              .name = o->name,
                                              .begin = begin,
                                              .end = end,
                                              .fields = fields,
                                              .count = count});
}

static void lose(timeline *l) {
    if (trace_events(l->trace)) gpumm__trace_file_lose(&l->trace->events);
}

static int state_of(const operation *o) { return atomic_load_explicit(&o->state, memory_order_acquire); }

/* What was enqueued meanwhile is there to be read, too. */
static void fetch(timeline *l, track *t) {
    pthread_mutex_lock(&l->lock);
    operation *first = t->first, *last = t->last;
    t->first = t->last = NULL;
    pthread_mutex_unlock(&l->lock);
    if (!first) return;
    if (t->unread) t->unread_last->next = first;
    else t->unread = first;
    t->unread_last = last;
}

/* All up to `last` is done with. */
static void give_up_to(timeline *l, track *t, operation *last) {
    operation *first = t->unread;
    t->unread = last->next;
    if (!t->unread) t->unread_last = NULL;
    gpumm__operations_give(&l->pool, first, last);
}

/* A query that fails says that the operation did, which has its times all the same, or that the device is lost. */
static bool has_come(timeline *l, const operation *o) {
    bool done = true;
    return l->device->call->event_query(l->device, o->events->end, &done) != GPUMM_OK || done;
}

/* Times of an operation that has come. Without them it is dropped. */
static bool times_of(timeline *l, operation *o, uint64_t *begin, uint64_t *end) {
    if (gpumm__device_clock_read(&l->clock, o->events, o->enqueued, begin, end)) return true;
    atomic_store(&o->state, OPERATION_DROPPED);
    return lose(l), false;
}

/* ---- What a holder holds ---- */

/* How long it is by what is known; a holder, from its first to the end of its last. */
static void measure(timeline *l, operation *o) {
    uint64_t end = o->enqueued;
    o->least = 1;
    o->length = gpumm__lengths_of(&l->lengths, o);
    if (!o->holds) return;
    for (operation *k = o->next; k && k->nested; k = k->next) {
        measure(l, k);
        end = size_max(end, k->enqueued) + k->length;
        o->least++;
    }
    if (o->least > 1) o->length = end - o->enqueued;
}

/* Those behind it, up to the one that is not: of what nobody timed, the lengths fit into what there is. */
static void begin_held(timeline *l, const track *t, operation *holder, stretch *s) {
    gpumm__stretch_begin(s, t->held_ns, t->holder_end, false);
    for (operation *o = holder->next; o && o->nested; o = o->next) {
        if (state_of(o) != OPERATION_ENDED) continue;
        measure(l, o);
        gpumm__stretch_add(s, o);
    }
}

static void place_held(timeline *l, operation *o, stretch *s, uint64_t *begin, uint64_t *end) {
    if (!o->events || !times_of(l, o, begin, end)) {
        gpumm__stretch_place(s, o, begin, end);
        return;
    }
    gpumm__lengths_learn(&l->lengths, o, *end - *begin);
    gpumm__stretch_put(s, o, begin, end);
}

/* Returns the last of them. */
static operation *write_held(timeline *l, track *t, operation *holder) {
    stretch s;
    operation *last = holder;
    begin_held(l, t, holder, &s);
    for (operation *o = holder->next; o && o->nested; last = o, o = o->next) {
        uint64_t begin, end;
        if (state_of(o) != OPERATION_ENDED) continue;
        place_held(l, o, &s, &begin, &end);
        if (state_of(o) == OPERATION_ENDED) write(l, t, o, begin, end);
    }
    t->held_ns = s.at;
    return last;
}

/* ---- What lies between two that are timed ---- */

static void write_one(timeline *l, track *t, operation *o, uint64_t begin, uint64_t end) {
    write(l, t, o, begin, end);
    t->last_ns = t->holder_end = end;
    t->held_ns = begin;
}

/* What the one that is dropped held lies anywhere, and moves on what is behind it. */
static void write_unheld(timeline *l, track *t, operation *dropped, stretch *s) {
    t->held_ns = s->at;
    t->holder_end = s->to;
    (void)write_held(l, t, dropped);
    t->last_ns = s->at = t->held_ns;
}

/* From the first to `end`, which is not among them, up to that time. */
static void write_between(timeline *l, track *t, const operation *end, uint64_t to, bool busy) {
    stretch s;
    gpumm__stretch_begin(&s, t->last_ns, to, busy);
    for (operation *o = t->unread; o != end; o = o->next) {
        if (o->nested || state_of(o) != OPERATION_ENDED) continue;
        measure(l, o);
        gpumm__stretch_add(&s, o);
    }
    for (operation *o = t->unread; o != end; o = o->next) {
        uint64_t begin, until;
        if (o->nested) continue;
        if (state_of(o) == OPERATION_ENDED) {
            gpumm__stretch_place(&s, o, &begin, &until);
            write_one(l, t, o, begin, until);
            (void)write_held(l, t, o);
        } else {
            write_unheld(l, t, o, &s);
        }
    }
}

/* The first that is timed and has come, where all before it is enqueued; NULL: *end is the first of which more is to be
   known, or NULL. What is nested is its holder's. */
static operation *find_timed(timeline *l, const track *t, operation **end) {
    operation *o = t->unread;
    for (; o; o = o->next) {
        int state = state_of(o);
        if (state == OPERATION_OPEN) break;
        if (o->nested || state == OPERATION_DROPPED || !o->events) continue;
        if (has_come(l, o)) return o;
        break;
    }
    *end = o;
    return NULL;
}

static void write_timed(timeline *l, track *t, operation *o) {
    uint64_t begin, end;
    if (!times_of(l, o, &begin, &end)) return; /* it is dropped, and no mark */
    gpumm__lengths_learn(&l->lengths, o, end - begin);
    write_between(l, t, o, begin, begin > o->enqueued + WAITED_NS);
    measure(l, o);
    begin = size_max(begin, t->last_ns);
    write_one(l, t, o, begin, size_max(begin + o->least - 1, end));
    give_up_to(l, t, write_held(l, t, o));
}

static bool is_idle(timeline *l, device_stream *s) {
    bool idle = false;
    return l->device->call->stream_query(l->device, s, &idle) == GPUMM_OK && idle;
}

/* Behind the last that is timed nothing says when things ended but that they have: by now, and before what is
   enqueued since. */
static void write_rest(timeline *l, track *t, const operation *end) {
    uint64_t now = gpumm__clock_ns();
    operation *last = t->unread;
    while (last->next != end) last = last->next;
    fetch(l, t); /* with all that the last one holds */
    while (last->next && last->next->nested) last = last->next;
    write_between(l, t, last->next, last->next ? size_min(last->next->enqueued, now) : now, false);
    give_up_to(l, t, last);
}

/* `through`: all that was enqueued is done. */
static void read_track(timeline *l, track *t, bool through) {
    operation *o, *end = NULL;
    for (fetch(l, t); (o = find_timed(l, t, &end)) != NULL; write_timed(l, t, o))
        fetch(l, t); /* with all that it holds */
    if (!trace_events(l->trace) || end == t->unread) return;
    if (through || is_idle(l, t->stream)) write_rest(l, t, end);
}

static track *tracks_of(timeline *l) {
    pthread_mutex_lock(&l->lock);
    track *first = l->tracks;
    pthread_mutex_unlock(&l->lock);
    return first;
}

void gpumm__timeline_collect(timeline *l) {
    pthread_mutex_lock(&l->reading);
    atomic_store(&l->nudged, false);
    for (track *t = tracks_of(l); t; t = t->next) read_track(l, t, false);
    pthread_mutex_unlock(&l->reading);
}

/* ---- Streams ------------------------------------------------------------------------------------------------- */

static void name_track(timeline *l, const track *t, unsigned number) {
    static const char *const own[] = {"main stream", "copy stream"}; /* a manager opens them first */
    char text[32];
    snprintf(text, sizeof text, "stream %u", number);
    gpumm__trace_name_thread(l->trace, l->process, t->thread, number <= 2 ? own[number - 1] : text);
}

gpumm_status gpumm__timeline_stream(timeline *l, device_stream *s) {
    track *t = gpumm__mem_new(l->device->memory, sizeof *t);
    if (!t) return fail_host_memory(sizeof *t);
    pthread_mutex_lock(&l->reading);
    gpumm_status status = gpumm__device_clock_align(&l->clock, s);
    bool own_clock = l->clock.anchor != NULL;
    pthread_mutex_unlock(&l->reading);
    if (status != GPUMM_OK) {
        gpumm__mem_free(l->device->memory, t);
        return status;
    }
    t->stream = s;
    t->last_ns = gpumm__clock_ns();
    pthread_mutex_lock(&l->lock);
    l->least_ns = own_clock ? PAIR_NS_LEAST : 0;
    unsigned number = ++l->track_count;
    t->thread = gpumm__trace_thread(number);
    t->next = l->tracks;
    l->tracks = t;
    pthread_mutex_unlock(&l->lock);
    name_track(l, t, number);
    return GPUMM_OK;
}

static track *find(timeline *l, const device_stream *s) {
    track *t = l->tracks;
    while (t && t->stream != s) t = t->next;
    return t;
}

static track *unlist(timeline *l, const device_stream *s) {
    pthread_mutex_lock(&l->lock);
    track **at = &l->tracks;
    while (*at && (*at)->stream != s) at = &(*at)->next;
    track *t = *at;
    if (t) *at = t->next;
    pthread_mutex_unlock(&l->lock);
    return t;
}

void gpumm__timeline_stream_gone(timeline *l, device_stream *s, bool through) {
    pthread_mutex_lock(&l->reading);
    track *t = unlist(l, s);
    if (t) read_track(l, t, through);
    for (; t && t->unread; give_up_to(l, t, t->unread))
        if (state_of(t->unread) != OPERATION_DROPPED) lose(l);
    pthread_mutex_unlock(&l->reading);
    gpumm__mem_free(l->device->memory, t);
}

/* ---- What is enqueued ---------------------------------------------------------------------------------------- */

static uint64_t cost_of(timeline *l) {
    return size_max(2 * atomic_load_explicit(&l->pair_ns, memory_order_relaxed), l->least_ns) + 1;
}

/* What a holder holds is timed as it is. */
static bool is_timed(timeline *l, track *t, uint64_t now) {
    if (l->trace->detail) return true;
    if (t->holder) return t->holder->events != NULL;
    return gpumm__sampling_takes(&t->sampling, now, cost_of(l));
}

static operation *append(timeline *l, track *t, bool holds, uint64_t now) {
    operation *o = gpumm__operation_take(&l->pool);
    if (!o) return NULL;
    o->enqueued = now;
    o->nested = t->holder != NULL;
    o->holds = holds;
    if (is_timed(l, t, now)) o->events = gpumm__pair_take(&l->pool);
    if (t->last) t->last->next = o;
    else t->first = o;
    t->last = o;
    if (holds) t->holder = o;
    return o;
}

static void end(timeline *l, device_stream *s, operation *o, int state) {
    if (o->holds) {
        pthread_mutex_lock(&l->lock);
        track *t = find(l, s);
        if (t && t->holder == o) t->holder = NULL;
        pthread_mutex_unlock(&l->lock);
    }
    atomic_store_explicit(&o->state, state, memory_order_release); /* from here on whoever reads may take it */
}

/* A graph that is captured must not have events of ours in it, and what is captured does not run. */
static bool is_capturing(timeline *l, device_stream *s) {
    bool capturing = false;
    return l->device->call->stream_capturing(l->device, s, &capturing) != GPUMM_OK || capturing;
}

/* What recording costs is learned from each; a single one that was interrupted counts for little. */
static void learn_cost(timeline *l, uint64_t since) {
    uint64_t took = size_min(2 * (gpumm__clock_ns() - since), PAIR_NS_MOST);
    uint64_t before = atomic_load_explicit(&l->pair_ns, memory_order_relaxed);
    atomic_store_explicit(&l->pair_ns, before - before / 8 + took / 8, memory_order_relaxed);
}

operation *gpumm__timeline_begin(timeline *l, device_stream *s, const char *name, bool holds) {
    if (!trace_events(l->trace) || is_capturing(l, s)) return NULL;
    uint64_t now = gpumm__clock_ns();
    pthread_mutex_lock(&l->lock);
    track *t = find(l, s);
    operation *o = t ? append(l, t, holds, now) : NULL;
    pthread_mutex_unlock(&l->lock);
    if (!o) return lose(l), NULL;
    gpumm__operation_name(o, name);
    if (!o->events) return o;
    gpumm_status status = l->device->call->event_record(l->device, o->events->begin, s);
    learn_cost(l, now);
    if (status == GPUMM_OK) return o;
    end(l, s, o, OPERATION_DROPPED);
    return lose(l), NULL;
}

void gpumm__timeline_end(timeline *l, device_stream *s, operation *o, gpumm_status status) {
    if (!o) return;
    bool good = status == GPUMM_OK;
    if (good && o->events) good = l->device->call->event_record(l->device, o->events->end, s) == GPUMM_OK;
    if (status == GPUMM_OK && !good) lose(l);
    end(l, s, o, good ? OPERATION_ENDED : OPERATION_DROPPED);
}

operation *gpumm__timeline_holder(timeline *l, device_stream *s) {
    pthread_mutex_lock(&l->lock);
    track *t = find(l, s);
    operation *o = t ? t->holder : NULL;
    pthread_mutex_unlock(&l->lock);
    return o;
}

/* ---- Opening and closing --------------------------------------------------------------------------------------- */

gpumm_status gpumm__timeline_open(timeline *l, device *d, gpumm_trace *trace, uint64_t process) {
    *l = (timeline){.device = d, .trace = trace, .process = process, .clock.device = d};
    atomic_init(&l->pair_ns, PAIR_NS_FIRST);
    pthread_mutex_init(&l->lock, NULL);
    pthread_mutex_init(&l->reading, NULL);
    gpumm__operation_pool_open(&l->pool, d, &l->lock);
    gpumm_status status = trace_events(trace) ? gpumm__operation_pool_grow(&l->pool) : GPUMM_OK;
    if (status == GPUMM_OK && trace_events(trace)) status = gpumm__operation_pool_grow_pairs(&l->pool);
    if (status != GPUMM_OK) gpumm__timeline_close(l);
    return status;
}

void gpumm__timeline_close(timeline *l) {
    gpumm__operation_pool_close(&l->pool);
    gpumm__device_clock_close(&l->clock);
    pthread_mutex_destroy(&l->lock);
    pthread_mutex_destroy(&l->reading);
}
