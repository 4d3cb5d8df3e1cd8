/* SPDX-License-Identifier: MIT */
/* Events by pairs, in the order of their streams. */
#include "device/timeline.h"

#include <stdio.h>

#include "base/size.h"
#include "base/status.h"
#include "base/thread.h"

enum { CHUNK = 512, LOW = 256, MOST = 8192, ALIGNMENTS = 5 };

#define ANCHOR_OLD 0.5 /* seconds: a driver's floats get coarse */

enum { OPEN, ENDED, DROPPED };

typedef struct operation_chunk {
    struct operation_chunk *next;
    size_t count;
    operation operations[CHUNK];
} operation_chunk;

typedef struct track {
    struct track *next;
    device_stream *stream;
    uint64_t thread;
    operation *first, *last; /* in stream order */
    operation *holder;       /* that is open */
    /* What is written does not overlap: with `reading`. */
    uint64_t last_ns, inner_ns, holder_end;
} track;

/* ---- Operations to be had ---------------------------------------------------------------------------------- */

void gpumm__operation_list_drop(operation_list *list) {
    if (list && atomic_fetch_sub(&list->references, 1) == 1) gpumm__mem_free(list->memory, list);
}

static void give(timeline *l, operation *o) {
    gpumm__operation_list_drop(o->list);
    o->list = NULL;
    pthread_mutex_lock(&l->lock);
    o->next = l->free;
    l->free = o;
    atomic_fetch_add(&l->free_count, 1);
    pthread_mutex_unlock(&l->lock);
}

static gpumm_status open_events(timeline *l, operation *o) {
    const device_table *call = l->device->call;
    TRY(call->event_open(l->device, true, &o->begin));
    gpumm_status status = call->event_open(l->device, true, &o->end);
    if (status == GPUMM_OK) return GPUMM_OK;
    call->event_close(l->device, o->begin);
    return status;
}

static gpumm_status fill_chunk(timeline *l, operation_chunk *chunk) {
    while (chunk->count < CHUNK) {
        TRY(open_events(l, &chunk->operations[chunk->count]));
        give(l, &chunk->operations[chunk->count++]);
    }
    return GPUMM_OK;
}

static gpumm_status grow(timeline *l) {
    operation_chunk *chunk = gpumm__mem_new(l->device->memory, sizeof *chunk);
    if (!chunk) return fail_host_memory(sizeof *chunk);
    pthread_mutex_lock(&l->lock);
    chunk->next = l->chunks;
    l->chunks = chunk;
    l->total += CHUNK;
    pthread_mutex_unlock(&l->lock);
    return fill_chunk(l, chunk);
}

void gpumm__timeline_prepare(timeline *l) {
    if (atomic_load_explicit(&l->free_count, memory_order_relaxed) >= LOW || !trace_events(l->trace)) return;
    pthread_mutex_lock(&l->lock);
    bool full = l->total >= MOST;
    pthread_mutex_unlock(&l->lock);
    if (full) gpumm__timeline_collect(l);
    else (void)grow(l); /* what has no events is left out, and counted */
}

static operation *take(timeline *l) {
    operation *o = l->free;
    if (!o) return NULL;
    l->free = o->next;
    atomic_fetch_sub(&l->free_count, 1);
    o->next = NULL;
    o->label[0] = '\0';
    o->field_count = 0;
    atomic_store(&o->state, OPEN);
    return o;
}

/* ---- The device's clock -------------------------------------------------------------------------------------- */

static gpumm_status align_once(timeline *l, device_stream *s, uint64_t *from, uint64_t *to) {
    const device_table *call = l->device->call;
    *from = gpumm__clock_ns();
    TRY(call->event_record(l->device, l->anchor, s));
    TRY(call->event_synchronize(l->device, l->anchor));
    *to = gpumm__clock_ns();
    return GPUMM_OK;
}

/* The shortest of a few round trips says best when its event came. */
static gpumm_status align(timeline *l, device_stream *s) {
    uint64_t best = UINT64_MAX;
    if (l->device->call->event_time || l->anchor) return GPUMM_OK;
    TRY(l->device->call->event_open(l->device, true, &l->anchor));
    for (int i = 0; i < 4 * ALIGNMENTS; i++) {
        uint64_t from, to;
        gpumm_status status = align_once(l, s, &from, &to);
        if (status != GPUMM_OK) return status;
        best = size_min(best, to - from);
        l->anchor_ns = from + (to - from) / 2;
        if (i + 1 >= ALIGNMENTS && to - from <= 2 * best) break;
    }
    return GPUMM_OK;
}

static bool moment(timeline *l, device_event *e, uint64_t *ns, double *since_anchor) {
    const device_table *call = l->device->call;
    *since_anchor = 0;
    if (call->event_time) return *ns = call->event_time(e), true;
    if (call->event_elapsed(l->device, l->anchor, e, since_anchor) != GPUMM_OK) return false;
    *ns = l->anchor_ns + (uint64_t)(int64_t)(*since_anchor * 1e9);
    return true;
}

/* By as much as cause and effect ask for; the two clocks drift. */
static void adjust(timeline *l, const operation *o, uint64_t *begin, uint64_t *end) {
    uint64_t now = gpumm__clock_ns(), by = 0;
    if (*end > now) by = now - *end;
    else if (*begin < o->enqueued) by = o->enqueued - *begin;
    l->anchor_ns += by;
    *begin += by;
    *end += by;
}

static bool times_of(timeline *l, operation *o, uint64_t *begin, uint64_t *end) {
    double first, last;
    if (!moment(l, o->begin, begin, &first) || !moment(l, o->end, end, &last)) return false;
    if (!l->anchor) return true;
    adjust(l, o, begin, end);
    if (last < ANCHOR_OLD) return true;
    device_event *old = l->anchor;
    l->anchor = o->end;
    l->anchor_ns = *end;
    o->end = old;
    return true;
}

/* ---- Reading; with `reading` held ------------------------------------------------------------------------------ */

/* On one track nothing overlaps, and what is held lies within its holder. */
static void fit(track *t, const operation *o, uint64_t *begin, uint64_t *end) {
    uint64_t *last = o->nested ? &t->inner_ns : &t->last_ns;
    uint64_t most = o->nested ? t->holder_end : UINT64_MAX;
    *begin = size_min(size_max(*begin, *last), most);
    *end = size_min(size_max(*end, *begin), most);
    *last = *end;
    if (o->nested) return;
    t->inner_ns = *begin;
    t->holder_end = *end;
}

static void write(timeline *l, track *t, const operation *o, uint64_t begin, uint64_t end) {
    trace_field fields[OPERATION_FIELDS + 2];
    size_t count = 0;
    for (; count < o->field_count; count++) fields[count] = o->fields[count];
    if (o->label[0]) fields[count++] = (trace_field){"of", o->label, 0};
    if (o->list) fields[count++] = (trace_field){"operations", o->list->text, 0};
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

/* What it holds is then as if nothing held it. */
static void pass_over(track *t, const operation *o) {
    if (!o->nested) t->inner_ns = t->last_ns, t->holder_end = UINT64_MAX;
}

/* A query that fails says that the operation did, which has its times all the same, or that the device is lost. */
static bool has_come(timeline *l, const operation *o) {
    bool done = true;
    return l->device->call->event_query(l->device, o->end, &done) != GPUMM_OK || done;
}

static bool read_one(timeline *l, track *t, operation *o) {
    uint64_t begin, end;
    int state = atomic_load(&o->state);
    if (state == OPEN) return false;
    if (state == DROPPED) return pass_over(t, o), true;
    if (!has_come(l, o)) return false;
    if (!times_of(l, o, &begin, &end)) return pass_over(t, o), lose(l), true;
    fit(t, o, &begin, &end);
    write(l, t, o, begin, end);
    return true;
}

static operation *first_of(timeline *l, track *t) {
    pthread_mutex_lock(&l->lock);
    operation *o = t->first;
    pthread_mutex_unlock(&l->lock);
    return o;
}

static void take_first(timeline *l, track *t) {
    pthread_mutex_lock(&l->lock);
    operation *o = t->first;
    t->first = o->next;
    if (!t->first) t->last = NULL;
    pthread_mutex_unlock(&l->lock);
    give(l, o);
}

static void read_track(timeline *l, track *t) {
    for (operation *o; (o = first_of(l, t)) != NULL && read_one(l, t, o);) take_first(l, t);
}

static track *tracks_of(timeline *l) {
    pthread_mutex_lock(&l->lock);
    track *first = l->tracks;
    pthread_mutex_unlock(&l->lock);
    return first;
}

void gpumm__timeline_collect(timeline *l) {
    pthread_mutex_lock(&l->reading);
    for (track *t = tracks_of(l); t; t = t->next) read_track(l, t);
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
    gpumm_status status = align(l, s);
    pthread_mutex_unlock(&l->reading);
    if (status != GPUMM_OK) {
        gpumm__mem_free(l->device->memory, t);
        return status;
    }
    t->stream = s;
    pthread_mutex_lock(&l->lock);
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

void gpumm__timeline_stream_gone(timeline *l, device_stream *s) {
    pthread_mutex_lock(&l->reading);
    track *t = unlist(l, s);
    if (t) read_track(l, t);
    for (; t && t->first; take_first(l, t)) lose(l);
    pthread_mutex_unlock(&l->reading);
    gpumm__mem_free(l->device->memory, t);
}

/* ---- What is enqueued ---------------------------------------------------------------------------------------- */

static operation *append(timeline *l, device_stream *s, bool holds) {
    pthread_mutex_lock(&l->lock);
    track *t = find(l, s);
    operation *o = t ? take(l) : NULL;
    if (o) {
        o->nested = t->holder != NULL;
        o->holds = holds;
        if (t->last) t->last->next = o;
        else t->first = o;
        t->last = o;
        if (holds) t->holder = o;
    }
    pthread_mutex_unlock(&l->lock);
    return o;
}

static void end(timeline *l, device_stream *s, operation *o, int state) {
    if (o->holds) {
        pthread_mutex_lock(&l->lock);
        track *t = find(l, s);
        if (t && t->holder == o) t->holder = NULL;
        pthread_mutex_unlock(&l->lock);
    }
    atomic_store(&o->state, state); /* from here on whoever reads may take it */
}

/* A graph that is captured must not have events of ours in it. */
static bool is_capturing(timeline *l, device_stream *s) {
    bool capturing = false;
    return l->device->call->stream_capturing(l->device, s, &capturing) != GPUMM_OK || capturing;
}

operation *gpumm__timeline_begin(timeline *l, device_stream *s, const char *name, bool holds) {
    if (!trace_events(l->trace) || is_capturing(l, s)) return NULL;
    operation *o = append(l, s, holds);
    if (!o) return lose(l), NULL;
    snprintf(o->name, sizeof o->name, "%s", name);
    o->enqueued = gpumm__clock_ns();
    if (l->device->call->event_record(l->device, o->begin, s) == GPUMM_OK) return o;
    end(l, s, o, DROPPED);
    return lose(l), NULL;
}

void gpumm__timeline_end(timeline *l, device_stream *s, operation *o, gpumm_status status) {
    if (!o) return;
    bool good = status == GPUMM_OK && l->device->call->event_record(l->device, o->end, s) == GPUMM_OK;
    if (status == GPUMM_OK && !good) lose(l);
    end(l, s, o, good ? ENDED : DROPPED);
}

operation *gpumm__timeline_holder(timeline *l, device_stream *s) {
    pthread_mutex_lock(&l->lock);
    track *t = find(l, s);
    operation *o = t ? t->holder : NULL;
    pthread_mutex_unlock(&l->lock);
    return o;
}

void gpumm__operation_say(operation *o, const char *key, uint64_t number) {
    if (o && o->field_count < OPERATION_FIELDS)
        o->fields[o->field_count++] = (trace_field){key, NULL, number > INT64_MAX ? INT64_MAX : (int64_t)number};
}

/* ---- Opening and closing --------------------------------------------------------------------------------------- */

gpumm_status gpumm__timeline_open(timeline *l, device *d, gpumm_trace *trace, uint64_t process) {
    *l = (timeline){.device = d, .trace = trace, .process = process};
    pthread_mutex_init(&l->lock, NULL);
    pthread_mutex_init(&l->reading, NULL);
    gpumm_status status = trace_events(trace) ? grow(l) : GPUMM_OK;
    if (status != GPUMM_OK) gpumm__timeline_close(l);
    return status;
}

static void free_chunk(timeline *l, operation_chunk *chunk) {
    for (size_t i = 0; i < chunk->count; i++) {
        l->device->call->event_close(l->device, chunk->operations[i].begin);
        l->device->call->event_close(l->device, chunk->operations[i].end);
    }
    gpumm__mem_free(l->device->memory, chunk);
}

void gpumm__timeline_close(timeline *l) {
    for (operation_chunk *chunk = l->chunks, *next; chunk; chunk = next) {
        next = chunk->next;
        free_chunk(l, chunk);
    }
    if (l->anchor) l->device->call->event_close(l->device, l->anchor);
    pthread_mutex_destroy(&l->lock);
    pthread_mutex_destroy(&l->reading);
}
