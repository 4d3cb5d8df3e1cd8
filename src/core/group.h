/* SPDX-License-Identifier: MIT */
/* Groups: buffers that share a length and grow together, all or none. A buffer alone is a group of one, so
   that growth, zeroing and rollback exist once. A handle of a member is a handle of its group. Here is what a group
   is; how it is made is in create.h, how its size changes in resize.h.
     lock    one growth at a time; held across device memory calls
     length, capacity, extents, generation: changed under the context's submit lock too, read under either */
#ifndef CORE_GROUP_H
#define CORE_GROUP_H

#include "base/limits.h"
#include "core/extent.h"

struct gpumm_buffer {
    gpumm_group *group;
    char *name;      /* of a member within its group; alone, the buffer's own */
    char *full_name; /* for the books: "nodes.position", "positions" */
    gpumm_type *type;
    uint64_t size;       /* bytes an element */
    extent *extent;      /* NULL once freed */
    uint64_t mapping;    /* changes of the physical memory; under the submit lock */
    uint64_t given_back; /* of whole segments; the same */
    uint64_t canary_end; /* debug mode: canaries end here, counted from the extent's start; group lock */
};

/* Something that follows a group's size with memory of its own: a readback. */
typedef struct follower {
    struct follower *next; /* in the group's list, under the context's lock */
    object *object;        /* whose part it is: held while it is called */
    uint64_t row_bytes;    /* what it costs for an element: charged with the group's own */
    void (*resized)(struct follower *self, uint64_t capacity); /* context's lock held: books it, posts the rest */
    void (*growing)(struct follower *self);    /* memory is about to come; context's lock held; may be NULL */
    void (*lengthened)(struct follower *self); /* the length changed, or more is precommitted; as growing */
    void (*freed)(struct follower *self);      /* no lock held: leaves the group */
} follower;

struct gpumm_group {
    object object;
    name_entry named; /* name "" where anonymous; in the context's table where a named buffer */
    char *tag;
    bool alone;                  /* a single buffer, not a group in the user's eyes */
    bool owned;                  /* by the manager: named buffers and groups */
    bool attached;               /* another process's: its memory is imported, and only it changes anything */
    bool shareable;              /* its memory can be exported */
    const device_stripe *stripe; /* NULL: it is on the manager's device alone */
    pthread_mutex_t lock;
    uint64_t length, capacity, max_length, generation;
    uint64_t row_bytes;     /* an element of every member together */
    uint64_t followers_row; /* what followers cost for an element */
    gpumm_growth growth;    /* its list is the group's own */
    unsigned ahead;         /* growth steps to precommit, or GPUMM_AHEAD_AUTO, GPUMM_AHEAD_NONE */
    unsigned grown;         /* how often, up to 2 */
    uint64_t last_step;     /* by how many elements it grew the last time */
    job precommit_job;
    bool precommit_posted;
    deferred tail; /* segments that a shrink left, on their way back */
    bool tail_posted, tail_again;
    deferred move; /* memory that is used in part, to be exchanged for less */
    bool move_posted;
    unsigned move_gain;
    uint64_t move_patience;
    unsigned lent;       /* tensors that others have of it, and pins; under the group lock */
    unsigned pins;       /* as above */
    bool shut;           /* its gate; under the submit lock */
    follower *download;  /* the by-name pair's, held; NULL where disabled; under the context's lock */
    follower *followers; /* all of them */
    size_t count;
    gpumm_buffer members[];
};

/* The struct alone, with its names and types: no memory on the device, not listed. `members` have been checked. NULL:
   no memory. */
gpumm_group *gpumm__group_new(context *ctx, const gpumm_group_options *o, bool alone, const object_class *class);
/* Gives back everything that a live group holds but its struct; group lock not held. */
void gpumm__group_give_back(gpumm_group *g);
void gpumm__group_destroy(object *o); /* frees the struct */

gpumm_status gpumm__group_enter(gpumm_group *g);
void gpumm__group_leave(gpumm_group *g);
bool gpumm__group_is_named_buffer(const gpumm_group *g); /* what can leak */

/* How messages call it: "buffer 'nodes.position'", "anonymous f32x2 buffer made at layout.lua:12"; "group 'nodes'".
   A label is the same without the first word, for the middle of a sentence. Both are written into `text`. */
enum { TITLE_BYTES = 2 * NAME_BYTES + 160 };
const char *gpumm__buffer_title(const gpumm_buffer *b, char text[static TITLE_BYTES]);
const char *gpumm__buffer_label(const gpumm_buffer *b, char text[static TITLE_BYTES]);
const char *gpumm__group_title(const gpumm_group *g, char text[static TITLE_BYTES]);
const char *gpumm__group_label(const gpumm_group *g, char text[static TITLE_BYTES]);

/* A use of a member's memory: its order and what is then enqueued stand under one submit lock. */
gpumm_status gpumm__buffer_use(gpumm_buffer *b, gpumm_stream *s, gpumm_access access);
gpumm_status gpumm__group_own(const gpumm_group *g);    /* INVALID_ARGUMENT where it is attached */
gpumm_status gpumm__buffer_gone(const gpumm_buffer *b); /* STALE, naming it */
gpumm_address gpumm__buffer_address(const gpumm_buffer *b);
/* Bytes that a member needs at a capacity: in debug mode there is always room for a canary. */
uint64_t gpumm__buffer_bytes(const gpumm_buffer *b, uint64_t capacity);
/* Puts all members in the books at the present capacity. Group lock held. */
void gpumm__group_book(gpumm_group *g);

gpumm_status gpumm__group_not_lent(
    gpumm_group *g); /* BUSY while others have a tensor of it, or it is pinned; group lock held */
/* BUSY while a stream that uses a member captures a CUDA graph: replays will use the memory again. */
gpumm_status gpumm__group_not_capturing(gpumm_group *g);

/* A follower's cost is charged for the present capacity, or OVER_LIMIT; from then on growth charges it too. */
gpumm_status gpumm__group_charge_follower(gpumm_group *g, const follower *f);
void gpumm__group_uncharge_follower(gpumm_group *g, const follower *f);
void gpumm__group_follow(gpumm_group *g, follower *f);   /* it is told from now on */
void gpumm__group_unfollow(gpumm_group *g, follower *f); /* and no more */
void gpumm__group_tell_length(gpumm_group *g);           /* the same of the length */
void gpumm__group_tell_growing(gpumm_group *g);          /* that memory is about to come; group lock held */
void gpumm__group_tell_followers(gpumm_group *g);        /* that the capacity changed; group lock held */

#endif
