/* SPDX-License-Identifier: MIT */
/* What a share shows: buffers, whose lengths are told once what they promise is there, and readbacks, whose slots are lent. */
#ifndef SHARE_ITEMS_H
#define SHARE_ITEMS_H

#include "core/exported.h"
#include "core/group.h"
#include "core/ring.h"
#include "share/protocol.h"

typedef struct share_item {
    char *name;
    object *share; /* held by those who call */
    int wake;      /* the share's eventfd */
    atomic_bool growing, dirty, ended;
    gpumm_buffer *buffer; /* its group held; NULL: frames */
    follower follower;
    bool waiting;             /* for those who write what has entered the length */
    uint64_t waits_for;       /* the length then */
    uint64_t length;          /* that can be read */
    bool published;           /* once: a reader that comes is ready then */
    deferred users;           /* events of those who write */
    gpumm_readback *readback; /* held; NULL: a buffer */
} share_item;

/* `x` is zeroed but for share and wake. INVALID_ARGUMENT, with what would help, where it cannot be shared. */
gpumm_status gpumm__item_open_buffer(share_item *x, gpumm_buffer *b);
gpumm_status gpumm__item_open_frames(share_item *x, gpumm_readback *r, const char *name);
void gpumm__item_close(share_item *x, const gpumm_allocator *memory); /* a zeroed one is fine */
void gpumm__item_wake(int wake);

/* How readers are told of it. false: it does not fit in a packet. */
bool gpumm__item_describe(const share_item *x, uint32_t number, share_packet *p);
unsigned gpumm__item_parts(const share_item *x);
bool gpumm__item_grows(share_item *x); /* a growth has just begun */
void gpumm__item_await(share_item *x); /* its end, a short while */
/* Looks after its length. True: look again soon. */
bool gpumm__item_publish(share_item *x);

/* A part's memory, while it is locked: its range and records. False: somebody has it locked, or it is gone. */
typedef struct share_part {
    range *range;
    exported **exports;
} share_part;
bool gpumm__item_lock(share_item *x, unsigned part, share_part *out);
void gpumm__item_unlock(share_item *x);

#endif
