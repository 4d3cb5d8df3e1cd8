/* SPDX-License-Identifier: MIT */
/* Events. Recording makes a new record and a stream operation that marks it done; whoever waits holds the
   record it found, so recording the event anew, or closing it, changes nothing for those who wait. */
#include "device/host/event.h"

#include "base/status.h"
#include "device/host/launch_error.h"
#include "device/host/stream.h"

struct record {
    host_device *home;
    const device_stream *stream; /* only to compare */
    atomic_uint owners;
    atomic_bool done;
    uint64_t ns;    /* written before `done`, as is */
    uint64_t error; /* what went wrong on its stream until then; see launch_error.h */
};

struct device_event {
    pthread_mutex_t lock;
    record *current; /* NULL: never recorded */
};

static record *record_new(const device_stream *s) {
    record *r = gpumm__stock_take(&s->device->stock, sizeof *r);
    if (!r) return NULL;
    r->home = s->device;
    r->stream = s;
    atomic_init(&r->owners, 2); /* the event and the operation */
    return r;
}

static void record_drop(record *r) {
    if (r && atomic_fetch_sub(&r->owners, 1) == 1) gpumm__stock_give(&r->home->stock, r);
}

static bool record_done(const void *what) { return atomic_load(&((const record *)what)->done); }

static record *event_current(device_event *e) {
    pthread_mutex_lock(&e->lock);
    record *r = e->current;
    if (r) atomic_fetch_add(&r->owners, 1);
    pthread_mutex_unlock(&e->lock);
    return r;
}

gpumm_status gpumm__host_event_open(device *d, event_purpose purpose, device_event **out) {
    (void)purpose; /* a clock reading is nothing here, and sleeping as good as any wait */
    device_event *e = gpumm__mem_new(d->memory, sizeof *e);
    if (!e) return fail_host_memory(sizeof *e);
    pthread_mutex_init(&e->lock, NULL);
    *out = e;
    return GPUMM_OK;
}

void gpumm__host_event_close(device *d, device_event *e) {
    record_drop(e->current);
    pthread_mutex_destroy(&e->lock);
    gpumm__mem_free(d->memory, e);
}

static void work_record(op *o) {
    record *r = o->as.record;
    r->ns = gpumm__clock_ns();
    r->error = atomic_load(&o->stream->error);
    atomic_store(&r->done, true);
    record_drop(r); /* those who wait are woken by the stream's own bell, after this operation */
}

gpumm_status gpumm__host_event_record(device *d, device_event *e, device_stream *s) {
    op *o = NULL;
    TRY(gpumm__host_op_new(s, work_record, &o));
    record *r = o->as.record = record_new(s);
    if (!r) {
        gpumm__stock_give(&host_of(d)->stock, o);
        return fail_host_memory(sizeof *r);
    }
    pthread_mutex_lock(&e->lock); /* held over the post: the current record is the last one queued */
    record *before = e->current;
    e->current = r;
    gpumm__host_op_post(o);
    pthread_mutex_unlock(&e->lock);
    record_drop(before);
    return GPUMM_OK;
}

gpumm_status gpumm__host_event_query(device *d, device_event *e, bool *done) {
    record *r = event_current(e);
    *done = !r || record_done(r);
    gpumm_status status = r && *done ? gpumm__launch_error_tell(host_of(d), r->error, false) : GPUMM_OK;
    record_drop(r);
    return status;
}

gpumm_status gpumm__host_event_synchronize(device *d, device_event *e) {
    record *r = event_current(e);
    if (!r) return GPUMM_OK;
    gpumm__host_bell_wait(&host_of(d)->bell, record_done, r);
    gpumm_status status = gpumm__launch_error_tell(host_of(d), r->error, false);
    record_drop(r);
    return status;
}

static gpumm_status event_moment(device_event *e, const char *which, uint64_t *ns) {
    record *r = event_current(e);
    if (!r) return fail(GPUMM_INVALID_ARGUMENT, "the %s event was never recorded: record both before timing", which);
    bool done = record_done(r);
    if (done) *ns = r->ns;
    record_drop(r);
    return done ? GPUMM_OK : fail(GPUMM_BUSY, "the %s event is not reached yet: wait for it first", which);
}

gpumm_status gpumm__host_event_elapsed(device *d, device_event *from, device_event *to, double *seconds) {
    (void)d;
    uint64_t start = 0, end = 0;
    TRY(event_moment(from, "first", &start));
    TRY(event_moment(to, "second", &end));
    *seconds = (double)(int64_t)(end - start) * 1e-9;
    return GPUMM_OK;
}

uint64_t gpumm__host_event_time(device_event *e) {
    uint64_t ns = 0;
    return event_moment(e, "traced", &ns) == GPUMM_OK ? ns : gpumm__clock_ns();
}

/* What builds on work that went wrong is wrong too. */
static void inherit_error(device_stream *s, const record *r) {
    uint64_t error = r->error;
    if (!error) return;
    if (r->home != s->device) { /* numbered anew */
        if (gpumm__launch_error_tell(r->home, error, false) == GPUMM_OK) return;
        error = gpumm__launch_error_note(s->device, gpumm_message());
    }
    atomic_store(&s->error, error);
}

static void work_wait(op *o) {
    record *r = o->as.record;
    host_device *home = r->home;
    gpumm__host_bell_wait(&home->bell, record_done, r);
    inherit_error(o->stream, r);
    record_drop(r);
    if (home != o->stream->device) atomic_fetch_sub(&home->foreign, 1);
}

/* Nothing to queue where the recorded work is done, or lies before in the same queue. */
gpumm_status gpumm__host_stream_wait(device *d, device_stream *s, device_event *e) {
    (void)d;
    record *r = event_current(e);
    if (!r || record_done(r) || r->stream == s) {
        if (r && r->stream != s) inherit_error(s, r);
        record_drop(r);
        return GPUMM_OK;
    }
    op *o = NULL;
    gpumm_status status = gpumm__host_op_new(s, work_wait, &o);
    if (status != GPUMM_OK) {
        record_drop(r);
        return status;
    }
    o->as.record = r;
    if (r->home != s->device) atomic_fetch_add(&r->home->foreign, 1);
    gpumm__host_op_post(o);
    return GPUMM_OK;
}
