/* SPDX-License-Identifier: MIT */
/* What a launch pays for a trace: a look at the clock, at its kind, and a record of its words. */
#include "device/trace/timeline.h"

#include <stdio.h>

#include "base/size.h"
#include "base/status.h"
#include "base/thread.h"

enum { PAIR_NS_FIRST = 2000, PAIR_NS_MOST = 50000 };

static track *track_of(device_stream *s) { return ((device_stream_base *)s)->track; }

static void lose(timeline *l) {
    if (trace_events(l->trace)) gpumm__trace_file_lose(&l->trace->events);
}

/* ---- Room ---------------------------------------------------------------------------------------------------- */

/* Reading may call the application's allocator, and that a manager, which then makes no room. */
static _Thread_local unsigned reads;

static void begin_reading(timeline *l) {
    pthread_mutex_lock(&l->reading);
    reads++;
}

static void end_reading(timeline *l) {
    reads--;
    pthread_mutex_unlock(&l->reading);
}

/* Lock held. */
static void collect(timeline *l) {
    atomic_store(&l->nudged, false);
    for (track *t = l->tracks; t; t = t->next) gpumm__track_read(&l->reader, t, false);
}

static void drain(timeline *l) {
    if (gpumm__queue_is_full(&l->queue)) gpumm__timeline_collect(l); /* what finds no room is left out, and counted */
    else if (!atomic_exchange(&l->nudged, true)) gpumm__trace_nudge(l->trace);
}

/* Until there is some it is looked at each time. */
static void make_room(timeline *l) {
    if (gpumm__event_pairs_are_few(&l->pairs)) (void)gpumm__event_pairs_grow(&l->pairs); /* else times are estimated */
    if (gpumm__queue_is_half(&l->queue)) drain(l);
    else atomic_store_explicit(&l->short_of_room, false, memory_order_relaxed);
}

void gpumm__timeline_prepare(timeline *l) {
    if (atomic_load_explicit(&l->short_of_room, memory_order_relaxed) && !reads && trace_events(l->trace)) make_room(l);
}

/* `o`: what was put, NULL: there was no room. */
static void look_for_room(timeline *l, const queued *o) {
    bool few = o && o->events && gpumm__event_pairs_are_few(&l->pairs);
    if (!o || few || gpumm__queue_seems_half(&l->queue))
        atomic_store_explicit(&l->short_of_room, true, memory_order_relaxed);
}

void gpumm__timeline_collect(timeline *l) {
    begin_reading(l);
    collect(l);
    end_reading(l);
}

/* ---- Streams ------------------------------------------------------------------------------------------------- */

static void name_track(timeline *l, const track *t, unsigned number) {
    static const char *const own[] = {"main stream", "copy stream"}; /* a manager opens them first */
    char text[32];
    snprintf(text, sizeof text, "stream %u", number);
    gpumm__trace_name_thread(l->trace, l->process, t->thread, number <= 2 ? own[number - 1] : text);
}

static void list_track(timeline *l, track *t) {
    unsigned number = ++l->track_count;
    t->thread = gpumm__trace_thread(number);
    t->next = l->tracks;
    l->tracks = t;
    atomic_store(&l->least_ns, l->reader.clock.anchor ? TIMELINE_PAIR_NS : 0);
    name_track(l, t, number);
}

gpumm_status gpumm__timeline_stream(timeline *l, device_stream *s) {
    track *t = gpumm__mem_new(l->device->memory, sizeof *t);
    if (!t) return fail_host_memory(sizeof *t);
    t->stream = s;
    t->work = 1;
    begin_reading(l);
    gpumm_status status = gpumm__device_clock_align(&l->reader.clock, s);
    t->last_ns = gpumm__clock_ns();
    if (status == GPUMM_OK) list_track(l, t);
    end_reading(l);
    if (status == GPUMM_OK) ((device_stream_base *)s)->track = t;
    else gpumm__mem_free(l->device->memory, t);
    return status;
}

static void unlist(timeline *l, const track *t) {
    track **at = &l->tracks;
    while (*at && *at != t) at = &(*at)->next;
    if (*at) *at = t->next;
}

void gpumm__timeline_stream_gone(timeline *l, device_stream *s, bool through) {
    track *t = track_of(s);
    if (!t) return;
    begin_reading(l);
    gpumm__track_read(&l->reader, t, through);
    gpumm__track_lose(&l->reader, t);
    unlist(l, t);
    end_reading(l);
    gpumm__mem_free(l->device->memory, t);
}

/* ---- What is enqueued ---------------------------------------------------------------------------------------- */

static uint64_t peek(const _Atomic uint64_t *number) { return atomic_load_explicit(number, memory_order_relaxed); }

static uint64_t cost_of(timeline *l) { return size_max(2 * peek(&l->pair_ns), peek(&l->least_ns)) + 1; }

/* What is held is no work of its own, and is not timed where its holder is not. */
static bool is_due(timeline *l, track *t, operation_kind *kind) {
    uint64_t length = atomic_load_explicit(&kind->ns, memory_order_relaxed), cost = cost_of(l);
    bool urgent = kind->timed < SAMPLING_FIRST || length >= cost * SAMPLING_PART;
    if (t->holder && !t->holder->events) return false;
    if (!t->holder) t->work += length;
    return gpumm__sampling_takes(&t->sampling, t->work, cost, urgent);
}

static event_pair *pair_for(timeline *l, track *t, operation_kind *kind) {
    if (!is_due(l, t, kind) && !l->trace->detail) return NULL;
    event_pair *pair = gpumm__event_pair_take(&l->pairs);
    if (pair && kind->timed < SAMPLING_FIRST) kind->timed++;
    return pair;
}

static queued *put(timeline *l, track *t, const queued_words *w, bool holds, uint64_t ticks) {
    queued *o = gpumm__queue_put(&l->queue, w, holds);
    if (!o) return look_for_room(l, NULL), NULL;
    operation_kind *kind = gpumm__sampling_kind(&l->kinds, w->name, w->count ? w->fields[w->count - 1].number : 0);
    o->kind = (uint16_t)(kind - l->kinds.all);
    o->track = t;
    o->ticks = ticks;
    o->nested = t->holder != NULL;
    o->events = pair_for(l, t, kind);
    look_for_room(l, o);
    if (holds) t->holder = o;
    return o;
}

static void end(timeline *l, device_stream *s, queued *o, bool dropped) {
    if (track_of(s)->holder == o) track_of(s)->holder = NULL;
    gpumm__queue_end(&l->queue, o, dropped); /* from here on whoever reads may take it */
}

/* A graph that is captured must not have events of ours in it, and what is captured does not run. */
static bool is_capturing(timeline *l, device_stream *s) {
    bool capturing = false;
    return l->device->call->stream_capturing(l->device, s, &capturing) != GPUMM_OK || capturing;
}

/* What recording costs is learned from each; a single one that was interrupted counts for little. */
static void learn_cost(timeline *l, uint64_t since) {
    uint64_t took = size_min(2 * (gpumm__clock_ns() - since), PAIR_NS_MOST);
    uint64_t before = peek(&l->pair_ns);
    atomic_store_explicit(&l->pair_ns, before - before / 8 + took / 8, memory_order_relaxed);
}

static queued *begin_timed(timeline *l, device_stream *s, queued *o) {
    uint64_t since = gpumm__clock_ns();
    gpumm_status status = l->device->call->event_record(l->device, o->events->begin, s);
    learn_cost(l, since);
    if (status == GPUMM_OK) return o;
    end(l, s, o, true);
    return lose(l), NULL;
}

queued *gpumm__timeline_begin(timeline *l, device_stream *s, const queued_words *words, bool holds) {
    if (!trace_events(l->trace) || is_capturing(l, s)) return NULL;
    uint64_t ticks = ticks_now(l->reader.scale.counted);
    queued *o = put(l, track_of(s), words, holds, ticks);
    if (!o) return lose(l), NULL;
    return o->events ? begin_timed(l, s, o) : o;
}

void gpumm__timeline_end(timeline *l, device_stream *s, queued *o, gpumm_status status) {
    if (!o) return;
    bool good = status == GPUMM_OK;
    if (good && o->events) good = l->device->call->event_record(l->device, o->events->end, s) == GPUMM_OK;
    if (status == GPUMM_OK && !good) lose(l);
    end(l, s, o, !good);
}

queued *gpumm__timeline_holder(device_stream *s) { return track_of(s)->holder; }

/* ---- Opening and closing --------------------------------------------------------------------------------------- */

static gpumm_status open_parts(timeline *l) {
    TRY(gpumm__queue_open(&l->queue, l->device->memory));
    return gpumm__event_pairs_grow(&l->pairs);
}

gpumm_status gpumm__timeline_open(timeline *l, device *d, gpumm_trace *trace, uint64_t process) {
    *l = (timeline){.device = d, .trace = trace, .process = process, .pairs.device = d};
    l->reader = (track_reader){.device = d,
                               .trace = trace,
                               .process = process,
                               .queue = &l->queue,
                               .pairs = &l->pairs,
                               .kinds = &l->kinds,
                               .pool.memory = d->memory,
                               .clock.device = d};
    atomic_init(&l->pair_ns, PAIR_NS_FIRST);
    gpumm__ticks_open(&l->reader.scale);
    pthread_mutex_init(&l->reading, NULL);
    gpumm_status status = trace_events(trace) ? open_parts(l) : GPUMM_OK;
    if (status != GPUMM_OK) gpumm__timeline_close(l);
    return status;
}

void gpumm__timeline_close(timeline *l) {
    gpumm__operation_pool_close(&l->reader.pool);
    gpumm__queue_close(&l->queue);
    gpumm__event_pairs_close(&l->pairs);
    gpumm__device_clock_close(&l->reader.clock);
    pthread_mutex_destroy(&l->reading);
}
