/* SPDX-License-Identifier: MIT */
/* Groups: buffers that share a length and grow together, all or none. A buffer alone is a group of one, so
   that growth, zeroing and rollback exist once. A handle of a member is a handle of its group.
     lock    one growth at a time; held across device memory calls
     length, capacity, extents, generation: changed under the manager's submit lock too, read under either */
#ifndef CORE_GROUP_H
#define CORE_GROUP_H

#include "base/limits.h"
#include "core/manager.h"

enum { AHEAD_MOST = 256 };

struct gpumm_buffer {
    gpumm_group *group;
    char *name;      /* of a member within its group; alone, the buffer's own */
    char *full_name; /* for the books: "nodes.position", "positions" */
    gpumm_type *type;
    uint64_t size;       /* bytes an element */
    extent *extent;      /* NULL once freed */
    uint64_t canary_end; /* debug mode: canaries end here, counted from the extent's start; group lock */
};

struct gpumm_group {
    object object;
    gpumm_group *next_name; /* in the manager's table of named buffers */
    char *name, *tag;       /* name "" where anonymous */
    bool alone;             /* a single buffer, not a group in the user's eyes */
    bool owned;             /* by the manager: named buffers and groups */
    pthread_mutex_t lock;
    uint64_t length, capacity, max_length, generation;
    uint64_t row_bytes;   /* an element of every member together */
    uint64_t staging_row; /* what readbacks cost for an element, both sides */
    gpumm_growth growth;  /* its list is the group's own */
    unsigned ahead;
    job ahead_job;
    bool ahead_posted;
    retired tail; /* segments that a shrink left, on their way back */
    bool tail_posted, tail_again;
    gpumm_readback *async;     /* the by-name pair's; NULL where disabled */
    gpumm_readback *readbacks; /* all of them, under the manager's lock */
    size_t count;
    gpumm_buffer members[];
};

/* Opens a group of one or more; `async` gives it the by-name pair's readback. */
gpumm_status gpumm__group_make(gpumm_manager *m, const gpumm_group_options *o, bool alone, bool async,
                               gpumm_group **out);
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
gpumm_status gpumm__buffer_gone(const gpumm_buffer *b); /* STALE, naming it */
gpumm_address gpumm__buffer_address(const gpumm_buffer *b);

/* What a growth is asked for. */
typedef struct change {
    gpumm_stream *stream;
    uint64_t capacity; /* at least this; 0: what the length needs */
    uint64_t proposed; /* a capacity to try first; 0: by the group's schedule */
    bool sized;        /* the length becomes `length` */
    uint64_t length;
    uint64_t append;            /* elements to add to the length */
    const void *const *columns; /* for appended ones: an array a member, or NULL for zeros */
} change;

/* A memory error's message in full: who asked for how much, the largest holders, what is free. Other statuses pass. */
gpumm_status gpumm__group_explain(const gpumm_group *g, gpumm_status status, uint64_t elements);
/* All members or none, retried under pressure; failures name the group. */
gpumm_status gpumm__group_change(gpumm_group *g, const change *c);
gpumm_status gpumm__group_shrink(gpumm_group *g);
/* Memory committed for coming growths goes back, where nobody may be using it. */
void gpumm__group_drop_ahead(gpumm_group *g);
/* BUSY while a stream that uses a member captures a CUDA graph: replays will use the memory again. */
gpumm_status gpumm__group_not_capturing(gpumm_group *g);
/* DRIVER naming the member that wrote past its capacity; only in debug mode. */
gpumm_status gpumm__group_check(gpumm_group *g);

/* A readback joins or leaves: what it costs for an element is taken for the present capacity, or OVER_LIMIT. */
gpumm_status gpumm__group_staging_join(gpumm_group *g, uint64_t row_bytes);
void gpumm__group_staging_leave(gpumm_group *g, uint64_t row_bytes);

#endif
