/* SPDX-License-Identifier: MIT */
/* Streams as objects. The manager's own two live and go with it; the others finish their work in the background
   once nobody has a handle of them and no order names them. What others keep for a stream (its scratch, its transfer
   block) is attached to it and closed with it; a stream does not know what that is. */
#ifndef CORE_STREAM_H
#define CORE_STREAM_H

#include "core/object.h"

typedef struct attachment {
    struct attachment *next;
    const void *key;                                        /* whose it is: an address of its maker */
    void (*close)(struct attachment *self);                 /* the stream's work is through; frees it */
    void (*trim)(struct attachment *self, gpumm_stream *s); /* gives back what is unused; NULL: it has nothing */
} attachment;

struct gpumm_stream {
    object object;            /* of an internal stream: only its context is set */
    bool internal;            /* the manager's own */
    atomic_bool closed;       /* by gpumm_stream_close; disposed of once `scratches` is 0 */
    unsigned scratches;       /* scratch blocks in its memory; under the context's lock */
    device_stream *device;    /* NULL once through; changes under the submit lock */
    unsigned pins;            /* those who wait for it without a handle; under the submit lock */
    device_event *dependency; /* recorded anew at each use, under the submit lock */
    deferred gone;
    gpumm_stream *next_gone; /* in the context's list */
    pthread_mutex_t attaching;
    _Atomic(attachment *) attachments; /* only grows until the stream closes */
};

/* NULL: the manager's main stream. INVALID_ARGUMENT for a stream of another manager. Borrowed. */
gpumm_status gpumm__stream_of(context *ctx, gpumm_stream *given, gpumm_stream **out);
gpumm_status gpumm__stream_enter(gpumm_stream *s); /* a public call on it begins; ends with context_leave */
void gpumm__stream_hold(gpumm_stream *s);          /* as orders do; nothing for an internal one */
void gpumm__stream_drop(gpumm_stream *s);          /* frees nothing, since orders forget under the submit lock */
void gpumm__streams_free_gone(context *ctx);       /* what that left. Without locks */

/* `to`, which may be another manager's of the same kind of device, waits for all that is on `from` now. Submit locks held. */
gpumm_status gpumm__stream_depend(gpumm_stream *from, gpumm_stream *to);
/* `d` waits for all that is on the stream now; where no event can be had, the caller does. */
void gpumm__stream_hold_back(gpumm_stream *s, deferred *d);
/* BUSY while it captures a graph: what a call would enqueue is for now, not for every replay. Asked before
   anything is taken; costs a look at a flag where the stream was never exported. */
gpumm_status gpumm__stream_not_capturing(gpumm_stream *s);
gpumm_status gpumm__stream_drain(gpumm_stream *s); /* waits for its work, also where somebody closes it meanwhile */

/* What is attached under that key; NULL: nothing yet. */
attachment *gpumm__stream_attached(gpumm_stream *s, const void *key);
/* The same, made by `make` where there is nothing yet; where two threads make one, the second is closed. */
gpumm_status gpumm__stream_attach(gpumm_stream *s, const void *key, gpumm_status (*make)(gpumm_stream *, attachment **),
                                  attachment **out);

/* Gives back, behind the stream's work, what its attachments hold and do not use. */
void gpumm__stream_trim(gpumm_stream *s);
/* A scratch block in the stream's memory keeps the stream, and the manager, until it is given back. Both with the
   context's lock held. False: it is closed. */
bool gpumm__stream_lend(gpumm_stream *s);
/* True: it was the last, and the caller calls the next, without the lock. */
bool gpumm__stream_return(gpumm_stream *s);
void gpumm__stream_returned(gpumm_stream *s);

/* One without a handle, in the list of its manager, which is entered; gpumm__object_dispose closes it behind its work. */
gpumm_status gpumm__stream_make_listed(context *ctx, gpumm_stream **out);
/* The manager's own two. */
gpumm_status gpumm__stream_make_internal(context *ctx, gpumm_stream **out);
void gpumm__stream_close_internal(gpumm_stream *s); /* NULL is fine; orders may name it until it is freed */
void gpumm__stream_free_internal(gpumm_stream *s);  /* NULL is fine */

#endif
