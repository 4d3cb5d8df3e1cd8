/* SPDX-License-Identifier: MIT */
/* The rules of stream dependencies. A dependency records where the other stream is now, so it covers all that stream has
   done with the memory, also reads that were never listed because the reader was the last writer. */
#include "core/order.h"

#include <string.h>

static bool reads(const order *o, const gpumm_stream *s) {
    for (unsigned i = 0; i < o->readers; i++)
        if (o->reader[i] == s) return true;
    return false;
}

/* A full list makes room by having the new reader wait for an old one, whom it stands for from then on. */
static gpumm_status reader_add(order *o, gpumm_stream *s) {
    if (!s->device) return GPUMM_OK; /* closed: its work is through */
    if (o->readers == ORDER_READERS) {
        TRY(gpumm__stream_depend(o->reader[0], s));
        gpumm__stream_drop(o->reader[0]);
        o->reader[0] = o->reader[--o->readers];
    }
    gpumm__stream_hold(s);
    o->reader[o->readers++] = s;
    return GPUMM_OK;
}

static gpumm_status read_on(order *o, gpumm_stream *s) {
    if (o->writer == s || reads(o, s)) return GPUMM_OK;
    if (o->writer) TRY(gpumm__stream_depend(o->writer, s));
    return reader_add(o, s);
}

static gpumm_status write_on(order *o, gpumm_stream *s) {
    if (o->writer == s && o->readers == 0) return GPUMM_OK;
    if (o->writer && o->writer != s) TRY(gpumm__stream_depend(o->writer, s));
    for (unsigned i = 0; i < o->readers; i++)
        if (o->reader[i] != s) TRY(gpumm__stream_depend(o->reader[i], s));
    gpumm__stream_hold(s);
    gpumm__order_clear(o);
    o->writer = s;
    return GPUMM_OK;
}

gpumm_status gpumm__order_use(order *o, gpumm_stream *s, gpumm_access access) {
    return access == GPUMM_ACCESS_READ ? read_on(o, s) : write_on(o, s);
}

gpumm_status gpumm__order_merge(order *into, const order *from) {
    if (from->writer && into->writer != from->writer && !reads(into, from->writer)) TRY(reader_add(into, from->writer));
    for (unsigned i = 0; i < from->readers; i++)
        if (into->writer != from->reader[i] && !reads(into, from->reader[i])) TRY(reader_add(into, from->reader[i]));
    return GPUMM_OK;
}

void gpumm__order_clear(order *o) {
    if (o->writer) gpumm__stream_drop(o->writer);
    for (unsigned i = 0; i < o->readers; i++) gpumm__stream_drop(o->reader[i]);
    memset(o, 0, sizeof *o);
}

order gpumm__order_take(order *o) {
    order taken = *o;
    memset(o, 0, sizeof *o);
    return taken;
}

/* The work of a stream that cannot be waited for is over: the device is lost. */
void gpumm__order_drain(order *o, context *ctx) {
    if (o->writer) gpumm__stream_drain(o->writer);
    for (unsigned i = 0; i < o->readers; i++) gpumm__stream_drain(o->reader[i]);
    pthread_mutex_lock(&ctx->submit);
    gpumm__order_clear(o);
    pthread_mutex_unlock(&ctx->submit);
}

bool gpumm__order_only(const order *o, const gpumm_stream *s) {
    if (o->writer && o->writer != s) return false;
    for (unsigned i = 0; i < o->readers; i++)
        if (o->reader[i] != s) return false;
    return true;
}

/* `d` waits for the users that the order has. */
static void hold_back(const order *o, deferred *d) {
    if (o->writer) gpumm__stream_hold_back(o->writer, d);
    for (unsigned i = 0; i < o->readers; i++)
        if (o->reader[i] != o->writer) gpumm__stream_hold_back(o->reader[i], d);
}

void gpumm__order_watch(const order *o, deferred *d) { hold_back(o, d); }

static void gather(order *o, deferred *d, void (*run)(deferred *self)) {
    *d = (deferred){.run = run};
    hold_back(o, d);
    gpumm__order_clear(o);
}

bool gpumm__order_ends(const order *o, context *ctx, uint64_t deadline) {
    deferred users = {0};
    hold_back(o, &users);
    bool ended;
    while (!(ended = gpumm__deferred_reached(&ctx->deferred, &users)) && gpumm__clock_ns() < deadline)
        gpumm__clock_sleep_ns(20000);
    gpumm__deferred_events_give(&ctx->deferred, &users);
    return ended;
}

void gpumm__order_defer(order *o, context *ctx, deferred *d, void (*run)(deferred *self)) {
    gather(o, d, run);
    gpumm__deferred_start(&ctx->deferred, d);
}

void gpumm__order_defer_later(order *o, context *ctx, deferred *d, void (*run)(deferred *self)) {
    gather(o, d, run);
    gpumm__deferred_list(&ctx->deferred, d);
}
