/* SPDX-License-Identifier: MIT */
/* A readback's ring: its slots' memory and states, and frames. All of it under the readback's lock. */
#ifndef CORE_READBACK_SLOT_H
#define CORE_READBACK_SLOT_H

#include "core/readback.h"

enum { READBACK_SLOTS = 64, SLOT_MEMBER_ALIGN = 256 };

typedef enum slot_state {
    SLOT_EMPTY,     /* free: never used */
    SLOT_FLYING,    /* its copy is under way */
    SLOT_ARRIVED,   /* in the host, not delivered */
    SLOT_HELD,      /* a frame stands for it */
    SLOT_ENDED,     /* free: its frame ended, or nobody took it */
    SLOT_CANCELLED, /* its copy is under way, nobody wants it */
    SLOT_DROPPED    /* free: it was cancelled */
} slot_state;

typedef struct slot {
    slot_state state;
    range device, host;         /* packed members; `device` unused where the readback is direct */
    uint64_t held[PLACE_COUNT]; /* committed of each, as last seen under the lock */
    bool fitting;               /* the worker commits more behind what is there, without the lock */
    order order;                /* of its memory, until its copy is known to be through */
    device_event *done;         /* the copy to the host */
    gpumm_ticket ticket;
    gpumm_frame_info info;
    gpumm_frame *frame; /* where held; not counted */
    retired gone;
    bool given; /* its memory is going back */
    gpumm_readback *readback;
} slot;

struct gpumm_readback {
    object object;
    pthread_mutex_t lock;
    gpumm_group *group;   /* held */
    gpumm_readback *next; /* in the group's list, under the manager's lock */
    char *tag;
    size_t count;
    gpumm_buffer *buffers[GROUP_MEMBERS];
    bool direct, wait, shut, left; /* left: out of the group's list and the budget */
    uint64_t row_bytes;            /* an element of all members */
    unsigned slot_count, mapped;   /* slots that have memory to give back */
    gpumm_ticket newest, pair;     /* pair: the by-name download that is pending */
    uint64_t dropped;
    gpumm_frame *current; /* the last delivered, unless it ended; counted */
    job fit_job;
    atomic_bool fit_posted;
    account staging, pinned;
    _Atomic uint64_t committed[PLACE_COUNT];
    slot slots[]; /* slot_count */
};

struct gpumm_frame {
    atomic_uint handles, references;
    gpumm_readback *readback; /* held */
    slot *slot;
    gpumm_frame_info info;
    atomic_bool valid, kept;
};

/* Where member `i` begins in a slot, at a length; i = count: where all end. */
uint64_t gpumm__slot_offset(const gpumm_readback *r, size_t i, uint64_t length);
bool gpumm__slot_fits(const gpumm_readback *r, const slot *t, uint64_t length);
gpumm_status gpumm__slot_fit(gpumm_readback *r, slot *t); /* for the group's capacity */
slot *gpumm__slot_free(gpumm_readback *r);                /* one that is not being fitted, where there is one */
slot *gpumm__slot_oldest(gpumm_readback *r, slot_state state);
slot *gpumm__slot_under_way(gpumm_readback *r); /* the oldest, wanted or cancelled: it arrives first */
void gpumm__slots_refresh(gpumm_readback *r);   /* sees what has arrived */

gpumm_status gpumm__readback_wait(gpumm_readback *r, gpumm_ticket ticket, double seconds, gpumm_frame **out);
gpumm_status gpumm__readback_join(gpumm_readback *r); /* memory, budget and books */
void gpumm__readback_close(gpumm_readback *r);        /* all but kept frames */
void gpumm__readback_shut(gpumm_readback *r);         /* all */

/* A handle for the caller; the frame delivered before ends, unless it is kept. */
gpumm_status gpumm__frame_deliver(gpumm_readback *r, slot *t, gpumm_frame **out);
void gpumm__frame_drop(gpumm_frame *f); /* a reference less */

#endif
