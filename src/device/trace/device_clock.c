/* SPDX-License-Identifier: MIT */
/* Times since an event whose time on the host is known. */
#include "device/trace/device_clock.h"

#include "base/size.h"
#include "base/status.h"
#include "base/thread.h"

enum { ALIGNMENTS = 5 };

#define ANCHOR_OLD 0.5 /* seconds: a driver's floats get coarse */

static gpumm_status align_once(device_clock *c, device_stream *s, uint64_t *from, uint64_t *to) {
    const device_table *call = c->device->call;
    *from = gpumm__clock_ns();
    TRY(call->event_record(c->device, c->anchor, s));
    TRY(call->event_synchronize(c->device, c->anchor));
    *to = gpumm__clock_ns();
    return GPUMM_OK;
}

/* The shortest of a few round trips says best when its event came. */
gpumm_status gpumm__device_clock_align(device_clock *c, device_stream *s) {
    uint64_t best = UINT64_MAX;
    if (c->device->call->event_time || c->anchor) return GPUMM_OK;
    TRY(c->device->call->event_open(c->device, EVENT_TIMED, &c->anchor));
    for (int i = 0; i < 4 * ALIGNMENTS; i++) {
        uint64_t from, to;
        TRY(align_once(c, s, &from, &to));
        best = size_min(best, to - from);
        c->anchor_ns = from + (to - from) / 2;
        if (i + 1 >= ALIGNMENTS && to - from <= 2 * best) break;
    }
    return GPUMM_OK;
}

static bool moment(device_clock *c, device_event *e, uint64_t *ns, double *since_anchor) {
    const device_table *call = c->device->call;
    *since_anchor = 0;
    if (call->event_time) return *ns = call->event_time(e), true;
    if (call->event_elapsed(c->device, c->anchor, e, since_anchor) != GPUMM_OK) return false;
    *ns = c->anchor_ns + (uint64_t)(int64_t)(*since_anchor * 1e9);
    return true;
}

/* By as much as cause and effect ask for; the two clocks drift. */
static void adjust(device_clock *c, uint64_t enqueued, uint64_t *begin, uint64_t *end) {
    uint64_t now = gpumm__clock_ns(), by = 0;
    if (*end > now) by = now - *end;
    else if (*begin < enqueued) by = enqueued - *begin;
    c->anchor_ns += by;
    *begin += by;
    *end += by;
}

bool gpumm__device_clock_read(device_clock *c, event_pair *pair, uint64_t enqueued, uint64_t *begin, uint64_t *end) {
    double first, last;
    if (!moment(c, pair->begin, begin, &first) || !moment(c, pair->end, end, &last)) return false;
    if (!c->anchor) return true;
    adjust(c, enqueued, begin, end);
    if (last < ANCHOR_OLD) return true;
    device_event *old = c->anchor;
    c->anchor = pair->end;
    c->anchor_ns = *end;
    pair->end = old;
    return true;
}

void gpumm__device_clock_close(device_clock *c) {
    if (c->anchor) c->device->call->event_close(c->device, c->anchor);
}
