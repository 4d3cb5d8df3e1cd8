/* SPDX-License-Identifier: MIT */
/* Streams and events as objects. The manager's own two streams live and go with it; the others finish their
   work in the background once nobody has a handle of them and no order names them. */
#ifndef CORE_STREAM_H
#define CORE_STREAM_H

#include "core/manager.h"
#include "core/object.h"
#include "memory/slab.h"

struct transfer; /* transfer.c */

struct more_scratch {
    struct more_scratch *next;
    slab slab;
};

struct gpumm_stream {
    object object;            /* of an internal stream: only its manager is set */
    bool internal;            /* the manager's own */
    device_stream *device;    /* NULL once through; changes under the submit lock */
    unsigned pins;            /* those who wait for it without a handle; under the submit lock */
    device_event *dependency; /* recorded anew at each use, under the submit lock */
    retired gone;
    pthread_mutex_t scratch_lock; /* around opening the slab and growing it */
    slab scratch; /* blocks whose users are on this stream; opened at first use; under the manager's lock */
    struct more_scratch *more; /* more slabs, where memory cannot grow in place; under the manager's lock */
    uint64_t more_committed;
    account scratch_account;
    atomic_bool has_scratch;
    pthread_mutex_t transfer_lock; /* one upload or download at a time */
    struct transfer *transfer;     /* opened at first use */
    atomic_bool exported;          /* somebody else has the native handle, and may have it capture a graph */
};

struct gpumm_event {
    object object;
    device_event *device;
};

/* NULL: the manager's main stream. INVALID_ARGUMENT for a stream of another manager. Borrowed. */
gpumm_status gpumm__stream_of(gpumm_manager *m, gpumm_stream *given, gpumm_stream **out);
/* `to` waits for all that is on `from` now. Submit lock held. */
gpumm_status gpumm__stream_depend(gpumm_stream *from, gpumm_stream *to);
void gpumm__stream_hold(gpumm_stream *s); /* as orders do; nothing for an internal one */
void gpumm__stream_drop(gpumm_stream *s);
/* The manager's own two. */
gpumm_status gpumm__stream_make_internal(gpumm_manager *m, gpumm_stream **out);
void gpumm__stream_close_internal(gpumm_stream *s); /* NULL is fine */
/* BUSY while it captures a graph: what a call would enqueue is for now, not for every replay. Asked before
   anything is taken; costs a look at a flag where the stream was never exported. */
gpumm_status gpumm__stream_not_capturing(gpumm_stream *s);
gpumm_status gpumm__stream_idle(gpumm_stream *s, bool *idle); /* within a call */
gpumm_status gpumm__stream_drain(gpumm_stream *s); /* waits for its work, also where somebody closes it meanwhile */

#endif
