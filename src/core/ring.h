/* SPDX-License-Identifier: MIT */
/* A readback's ring: its slots, their states and their memory, which follows the group's capacity. All of it under
   the readback's lock. */
#ifndef CORE_RING_H
#define CORE_RING_H

#include "core/group.h"

enum { READBACK_SLOTS = 64, SLOT_MEMBER_ALIGN = 256 };
enum { SNAPSHOT_INLINE_BYTES = 128 << 10 }; /* above, a copy in line costs the device more than staging it */

typedef enum slot_state {
    SLOT_EMPTY,     /* free: never used */
    SLOT_FLYING,    /* its copy is under way */
    SLOT_ARRIVED,   /* in the host, not delivered */
    SLOT_HELD,      /* a frame stands for it */
    SLOT_ENDED,     /* free: its frame ended, or it was dropped for a newer one */
    SLOT_CANCELLED, /* its copy is under way, nobody wants it */
    SLOT_UNWANTED   /* free: it was cancelled */
} slot_state;

typedef struct slot {
    slot_state state;
    range device, host;         /* packed members; `device` unused where the readback is direct */
    uint64_t held[PLACE_COUNT]; /* committed of each, as last seen under the lock */
    bool fitting;               /* the worker commits more behind what is there, without the lock */
    order order;                /* of its memory, until its copy is known to be through */
    device_event *done;         /* the copy to the host */
    const void *copier;         /* the stream that makes it; compared only */
    exported *exports;          /* segments of `device` that somebody else may have */
    deferred readers;           /* of a frame on the device that ended: events of those who read it still */
    gpumm_ticket ticket;
    gpumm_frame_info info;
    gpumm_frame *frame; /* where held; not counted */
    deferred gone;
    bool given;     /* its memory is going back */
    unsigned loans; /* other processes that have it */
    bool lent;      /* one had it: so it was given to somebody */
    gpumm_readback *readback;
} slot;

/* Whose slots another process fills: who asks it for frames. Readback lock held, but where it says otherwise. */
typedef struct remote {
    gpumm_status (*refresh)(struct remote *self, gpumm_readback *r); /* the newest, into its slot */
    void (*ended)(struct remote *self, const gpumm_readback *r,
                  unsigned slot); /* nobody reads it any more; with or without the lock */
    void (*closed)(struct remote *self, const gpumm_readback *r); /* its slots are going */
    void (*forgotten)(struct remote *self);                       /* the readback is no more; no lock held */
} remote;

struct gpumm_readback {
    object object;
    pthread_mutex_t lock;
    gpumm_group *group; /* held */
    follower follower;
    char *tag;
    size_t count;
    gpumm_buffer *buffers[GROUP_MEMBERS];
    bool shareable;            /* the slots can be exported */
    bool direct, on_device;    /* no staging; nothing but staging, which is what frames are then */
    bool internal, shut, left; /* internal: the by-name pair's; left: out of the group's list and the budget */
    gpumm_busy_policy busy;
    double wait_seconds;
    uint64_t inline_bytes;       /* snapshots up to here are copied on the producing stream */
    uint64_t row_bytes;          /* an element of all members */
    unsigned slot_count, mapped; /* slots that have memory to give back */
    gpumm_ticket newest, pair;   /* pair: the by-name download that is pending */
    uint64_t dropped;
    gpumm_frame *current; /* the last delivered, unless it ended; counted */
    job fit_job;
    atomic_bool fit_posted;
    alert alert;               /* while something is under way and there is a descriptor */
    int fd;                    /* an eventfd; -1: nobody asked for one */
    void (*watch)(void *user); /* a frame arrived, or the readback ended; readback lock held. NULL: nobody watches */
    void *watch_user;
    gpumm_ticket watched; /* the newest that the watcher was told of */
    remote *remote;       /* NULL: this process captures */
    bool raised, failed;  /* the descriptor is readable; the last call found the device failing */
    account staging, pinned;
    _Atomic uint64_t committed[PLACE_COUNT];
    slot slots[]; /* slot_count */
};

/* Where member `i` begins in a slot, at a length; i = count: where all end. */
uint64_t gpumm__slot_offset(const gpumm_readback *r, size_t i, uint64_t length);
bool gpumm__slot_fits(const gpumm_readback *r, const slot *t, uint64_t length);
gpumm_status gpumm__slot_fit(gpumm_readback *r, slot *t); /* for the group's capacity */
slot *gpumm__slot_free(gpumm_readback *r);                /* one that is not being fitted, where there is one */
slot *gpumm__slot_replaceable(gpumm_readback *r);         /* the oldest that has arrived and that no process has */
slot *gpumm__slot_oldest(gpumm_readback *r, slot_state state);
/* Its frame ended, or nobody wants it: free, once those who read it on the device are through. */
void gpumm__slot_end(gpumm_readback *r, slot *t);
bool gpumm__slot_any_read(const gpumm_readback *r); /* one is, by work that outlives its frame */
slot *gpumm__slot_under_way(gpumm_readback *r);     /* the oldest whose copy is, wanted or cancelled */

void gpumm__ring_see_readers(gpumm_readback *r);     /* of frames on the device: those that are through */
gpumm_status gpumm__ring_refresh(gpumm_readback *r); /* sees what has arrived; what the device says of what has not */
/* The same of the tickets up to that one: the device is asked of no other. */
gpumm_status gpumm__ring_refresh_to(gpumm_readback *r, gpumm_ticket last);
gpumm_status gpumm__ring_open(gpumm_readback *r); /* memory, budget and books; listed, follows the group */
void gpumm__ring_leave(gpumm_readback *r);        /* follows the group no more, gives the budget back; once */
/* Gives back what free slots hold beyond the group's capacity; of a readback, as object_class says. */
void gpumm__ring_reclaim(object *o);
/* Slots without memory, of an attached readback. */
gpumm_status gpumm__ring_attach(gpumm_readback *r, uint64_t slot_bytes);
/* Lets go of the lock until the worker fits no slot any more; once the readback is shut, it begins with none. */
void gpumm__ring_wait_fitted(gpumm_readback *r);
/* Gives a slot's memory back behind its last copy. */
void gpumm__ring_give(gpumm_readback *r, slot *t);
bool gpumm__ring_is_given(const gpumm_readback *r); /* all of it */

#endif
