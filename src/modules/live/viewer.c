/* SPDX-License-Identifier: MIT */
/*
 * Messages go out in parts of 32 KiB, each copied to where libwebsockets wants it, so that many viewers share one message
 * and a slow one holds no more than a part besides. What comes in is short, and not more often than hands can.
 */
#include "modules/live/viewer.h"

#include <libwebsockets.h>
#include <string.h>
#include <time.h>

enum { PART_BYTES = 32 << 10 };

static const double EVENTS_A_SECOND = 200, EVENTS_AT_ONCE = 400;
static const double EVENTS_TOO_MANY = 2000; /* beyond what is allowed: it is no hand that does this */

void gpumm_live__viewer_end(live_viewer *viewer) {
    gpumm_live__blob_release(viewer->now);
    viewer->now = NULL;
}

/* A viewer that may go is told so. */
static bool let_go(struct lws *connection) {
    lws_close_reason(connection, LWS_CLOSE_STATUS_NORMAL, NULL, 0);
    return false;
}

/* ---- Sending ---------------------------------------------------------------------------------- */

static bool send_part(live_viewer *v, struct lws *connection) {
    static _Thread_local unsigned char room[LWS_PRE + PART_BYTES];
    size_t left = v->now->size - v->done, part = left < PART_BYTES ? left : PART_BYTES;
    enum lws_write_protocol kind = v->now->text ? LWS_WRITE_TEXT : LWS_WRITE_BINARY;
    int flags = lws_write_ws_flags(kind, v->done == 0, part == left);
    memcpy(room + LWS_PRE, v->now->bytes + v->done, part);
    if (lws_write(connection, room + LWS_PRE, part, (enum lws_write_protocol)flags) < (int)part) return false;
    v->done += part;
    return true;
}

static bool is_leaving(live_shared *shared) {
    pthread_mutex_lock(&shared->lock);
    bool leaving = shared->leaving;
    pthread_mutex_unlock(&shared->lock);
    return leaving;
}

bool gpumm_live__viewer_send(live_viewer *v, live_shared *shared, struct lws *connection) {
    if (!v->now) {
        v->now = gpumm_live__shared_next(shared, &v->seen);
        v->done = 0;
    }
    if (!v->now) return !is_leaving(shared) || let_go(connection);
    if (!send_part(v, connection)) return false;
    if (v->done == v->now->size) gpumm_live__viewer_end(v);
    lws_callback_on_writable(connection);
    return true;
}

/* ---- Hearing ---------------------------------------------------------------------------------- */

static double now_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static bool is_allowed(live_viewer *v) {
    double now = now_seconds();
    if (v->allowed_at == 0) v->allowance = EVENTS_AT_ONCE;
    else v->allowance += (now - v->allowed_at) * EVENTS_A_SECOND;
    if (v->allowance > EVENTS_AT_ONCE) v->allowance = EVENTS_AT_ONCE;
    v->allowed_at = now;
    v->allowance -= 1;
    return v->allowance >= 0;
}

static void refuse(live_shared *shared) {
    pthread_mutex_lock(&shared->lock);
    shared->counts.refused++;
    pthread_mutex_unlock(&shared->lock);
}

/* A whole message in one frame and one piece, of text. */
static bool is_whole(struct lws *connection) {
    return lws_is_first_fragment(connection) && lws_is_final_fragment(connection) &&
           lws_remaining_packet_payload(connection) == 0 && !lws_frame_is_binary(connection);
}

/* Without the five seconds in which libwebsockets waits for a viewer's farewell. */
static void hang_up(struct lws *connection) { lws_set_timeout(connection, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC); }

void gpumm_live__viewer_hear(live_viewer *v, live_shared *shared, struct lws *connection, const char *text,
                             size_t length) {
    live_event event;
    bool whole = length <= LIVE_EVENT_BYTES && is_whole(connection), allowed = whole && is_allowed(v);
    if (!allowed || !gpumm_live__event_parse(text, length, &event)) {
        refuse(shared);
        if (!whole || v->allowance < -EVENTS_TOO_MANY) hang_up(connection);
        return;
    }
    event.viewer = v->number;
    if (event.kind == LIVE_WANT) v->seen.small = strcmp(event.word, "u16") == 0;
    else gpumm_live__shared_event(shared, &event);
}
