/* SPDX-License-Identifier: MIT */
/*
 * A list of what is sent once, the newest state and the newest frame. A viewer is a few numbers that say how much of
 * it it has, so one that reads nothing holds nothing but the message that it is in the middle of.
 */
#include "modules/live/shared.h"

#include <string.h>
#include <time.h>

#include "modules/live/encode.h"

enum { PUBLISHED_MOST = 1 << 20 };

gpumm_status gpumm_live__shared_open(live_shared *shared, gpumm_allocator allocator) {
    pthread_condattr_t monotonic;
    memset(shared, 0, sizeof *shared);
    shared->allocator = allocator;
    shared->generation = 1;
    if (pthread_condattr_init(&monotonic) != 0) return gpumm_lua_fail(GPUMM_OUT_OF_MEMORY, "no condition variable");
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    int outcome = pthread_cond_init(&shared->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (outcome != 0) return gpumm_lua_fail(GPUMM_OUT_OF_MEMORY, "no condition variable");
    pthread_mutex_init(&shared->lock, NULL);
    return GPUMM_OK;
}

static void release_list(live_shared *shared) {
    for (size_t i = 0; i < shared->published_count; i++) {
        shared->counts.bytes -= shared->published[i]->size;
        gpumm_live__blob_release(shared->published[i]);
    }
    shared->published_count = 0;
}

void gpumm_live__shared_close(live_shared *shared) {
    release_list(shared);
    shared->allocator.reallocate(shared->allocator.user, shared->published, 0);
    gpumm_live__blob_release(shared->state.blob);
    gpumm_live__blob_release(shared->frame.blob);
    gpumm_live__blob_release(shared->small);
    pthread_cond_destroy(&shared->changed);
    pthread_mutex_destroy(&shared->lock);
}

/* ---- What is sent ----------------------------------------------------------------------------- */

static bool make_room(live_shared *shared) {
    if (shared->published_count < shared->published_room) return true;
    size_t room = shared->published_room ? 2 * shared->published_room : 16;
    if (room > PUBLISHED_MOST) return false;
    live_blob **list =
        shared->allocator.reallocate(shared->allocator.user, shared->published, room * sizeof *shared->published);
    if (!list) return false;
    shared->published = list;
    shared->published_room = room;
    return true;
}

gpumm_status gpumm_live__shared_publish(live_shared *shared, live_blob *blob) {
    pthread_mutex_lock(&shared->lock);
    bool fits = make_room(shared);
    if (fits) {
        shared->published[shared->published_count++] = blob;
        shared->counts.bytes += blob->size;
    }
    pthread_mutex_unlock(&shared->lock);
    if (fits) return GPUMM_OK;
    gpumm_live__blob_release(blob);
    return gpumm_lua_fail(GPUMM_OUT_OF_MEMORY, "no memory for what viewers are sent");
}

void gpumm_live__shared_forget(live_shared *shared) {
    pthread_mutex_lock(&shared->lock);
    release_list(shared);
    shared->generation++;
    pthread_mutex_unlock(&shared->lock);
}

static void put_newest(live_shared *shared, live_newest *newest, live_blob *blob) {
    if (newest->blob) shared->counts.bytes -= newest->blob->size;
    if (blob) shared->counts.bytes += blob->size;
    gpumm_live__blob_release(newest->blob);
    newest->blob = blob;
    newest->serial++;
}

void gpumm_live__shared_replace(live_shared *shared, live_newest *newest, live_blob *blob) {
    pthread_mutex_lock(&shared->lock);
    put_newest(shared, newest, blob);
    if (newest == &shared->frame) {
        gpumm_live__blob_release(shared->small);
        shared->small = NULL;
    }
    pthread_mutex_unlock(&shared->lock);
}

/* ---- Whom it is sent to ------------------------------------------------------------------------- */

static live_blob *next_frame(live_shared *shared, live_seen *seen) {
    if (seen->frame && shared->frame.serial > seen->frame + 1)
        shared->counts.skipped += shared->frame.serial - seen->frame - 1;
    seen->frame = shared->frame.serial;
    shared->counts.sent++;
    return gpumm_live__blob_hold(shared->frame.blob);
}

/* *frame: it is the newest frame. */
static live_blob *next_locked(live_shared *shared, live_seen *seen, bool *frame) {
    if (seen->generation != shared->generation) {
        seen->generation = shared->generation;
        seen->published = 0;
    }
    if (seen->published < shared->published_count) return gpumm_live__blob_hold(shared->published[seen->published++]);
    if (seen->state != shared->state.serial && shared->state.blob) {
        seen->state = shared->state.serial;
        return gpumm_live__blob_hold(shared->state.blob);
    }
    *frame = seen->frame != shared->frame.serial && shared->frame.blob;
    return *frame ? next_frame(shared, seen) : NULL;
}

/* The newest frame in u16, made for the first who wants it, without the lock: frames come, go and are sent on the server's
   thread alone. Where there is no memory, the exact one. */
static live_blob *in_u16(live_shared *shared, live_blob *exact) {
    if (!shared->small) shared->small = gpumm_live__encode_u16(exact);
    if (!shared->small) return exact;
    gpumm_live__blob_release(exact);
    return gpumm_live__blob_hold(shared->small);
}

live_blob *gpumm_live__shared_next(live_shared *shared, live_seen *seen) {
    bool frame = false;
    pthread_mutex_lock(&shared->lock);
    live_blob *blob = next_locked(shared, seen, &frame);
    if (!blob && !shared->wanted) {
        shared->wanted = true;
        pthread_cond_signal(&shared->changed);
    }
    pthread_mutex_unlock(&shared->lock);
    return frame && seen->small ? in_u16(shared, blob) : blob;
}

/* ---- Events ------------------------------------------------------------------------------------- */

void gpumm_live__shared_event(live_shared *shared, const live_event *event) {
    pthread_mutex_lock(&shared->lock);
    if (gpumm_live__queue_put(&shared->queue, event)) shared->counts.events++;
    else shared->counts.refused++;
    pthread_cond_signal(&shared->changed);
    pthread_mutex_unlock(&shared->lock);
}

static struct timespec in_seconds(double seconds) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    long long at = until.tv_sec * 1000000000LL + until.tv_nsec + (long long)(seconds * 1e9);
    until.tv_sec = (time_t)(at / 1000000000);
    until.tv_nsec = (long)(at % 1000000000);
    return until;
}

void gpumm_live__shared_wait_empty(live_shared *shared, double seconds) {
    struct timespec until = in_seconds(seconds);
    pthread_mutex_lock(&shared->lock);
    while (shared->counts.viewers > 0)
        if (pthread_cond_timedwait(&shared->changed, &shared->lock, &until) != 0) break;
    pthread_mutex_unlock(&shared->lock);
}

void gpumm_live__shared_wait(live_shared *shared, double seconds) {
    struct timespec until = in_seconds(seconds);
    pthread_mutex_lock(&shared->lock);
    while (shared->queue.count == 0 && !shared->wanted)
        if (pthread_cond_timedwait(&shared->changed, &shared->lock, &until) != 0) break;
    pthread_mutex_unlock(&shared->lock);
}
