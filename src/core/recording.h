/* SPDX-License-Identifier: MIT */
/* A recording: operations, the buffers, kernels and readbacks that they use, and the values that replays give. What is
   recorded anew is compared with what was there, node by node; only what differs is told to the device. How it is
   replayed is in replay.c, how calls come to it in record_memory.c and kernel/record_launch.c. Everything under the recording's lock. */
#ifndef CORE_RECORDING_H
#define CORE_RECORDING_H

#include "core/capture.h"

enum { RECORDED_NONE = UINT32_MAX, RECORDED_GRAPHS = 8 };

typedef struct recorded_use { /* a buffer, once */
    gpumm_buffer *buffer;     /* a handle */
    uint64_t serial;          /* its group's, which no other ever has */
    gpumm_access access;
    uint64_t generation;
    gpumm_address address; /* these two as the nodes have them */
    uint64_t length;
} recorded_use;

typedef struct recorded_kernel {
    object *object; /* a handle */
    order *order;
    const char *name;
} recorded_kernel;

typedef struct recorded_value { /* what replays give by name */
    char *name;
    const gpumm_type *type; /* of the parameters; NULL: one that gpumm does not know */
    size_t size;
    char *bytes; /* behind the name */
    bool given;
} recorded_value;

typedef struct recorded_capture {
    gpumm_readback *readback; /* a handle */
    int64_t step;
    uint32_t value; /* that has the step; RECORDED_NONE: it is `step` */
    slot *slot;     /* of the replay under way; NULL: refused */
    bool refused;
    uint64_t length;
} recorded_capture;

/* Where an argument comes from: one of these, or it is a value that stays. */
typedef struct recorded_link {
    uint32_t use;    /* its address */
    uint32_t value;  /* these bytes */
    uint32_t length; /* that use's length, as an integer of */
    gpumm_scalar scalar;
} recorded_link;

typedef enum recorded_kind { RECORDED_LAUNCH, RECORDED_RANGE, RECORDED_SNAPSHOT } recorded_kind;

typedef struct recorded_request { /* the shape that a launch asked for; compared as bytes */
    uint64_t threads;
    unsigned grid[3], block[3], shared_bytes, nothing;
} recorded_request;

typedef struct recorded_node {
    recorded_kind kind;
    uint8_t changed; /* the graphs, a bit each, that have not been told what it is now */
    size_t room;     /* bytes in `block` */
    union {
        struct {
            uint64_t kernel;    /* its serial, which no other ever has */
            uint32_t kernel_at; /* of the recording's */
            recorded_request request;
            size_t count;
            recorded_link *links;
            void **arguments;
            size_t *sizes;
            size_t counting; /* the argument that counts threads; SIZE_MAX: they stay */
            gpumm_scalar scalar;
        } launch;
        struct { /* a fill or a copy, or a part of one: bytes [start, start + most), copied from where `from` begins */
            uint32_t to, from;                    /* `from` RECORDED_NONE: a fill */
            uint64_t to_first, from_first, count; /* elements; count may be GPUMM_TO_END */
            uint64_t start, most;
        } range;
        struct {
            uint32_t capture, member, use;
        } snapshot;
    } as;
    max_align_t block[];
} recorded_node;

/* The operations as a graph of the device's. A snapshot goes to another slot at each replay: once a recording has been
   replayed often enough, each choice of slots has a graph of its own, which then needs no patch. The key of a graph says
   for which it was used last; what its nodes are is compared, so that any graph can serve any choice. */
typedef struct recorded_graph {
    device_graph *graph; /* NULL: there is none */
    bool fits;           /* there is one, of these operations but for those that changed */
    uint64_t key, used;  /* used: by which replay */
} recorded_graph;

struct gpumm_recording {
    object object;
    pthread_mutex_t lock;
    bool anew;  /* see gpumm_recording_options */
    bool spent; /* replayed, and to be recorded anew */
    recorded_use *uses;
    size_t use_count, use_room, use_known; /* known: how many have an address of before */
    recorded_kernel *kernels;
    size_t kernel_count, kernel_room;
    recorded_value *values;
    size_t value_count, value_room;
    recorded_capture *captures;
    size_t capture_count, capture_room;
    uint32_t *locking; /* the captures in the order in which their readbacks are locked */
    size_t locking_room;
    recorded_node **nodes; /* `made` of them, the first `count` recorded */
    device_node *device;   /* the same as the device knows them */
    device_patch *patches; /* room for a patch of each */
    size_t count, made, room;
    size_t known;      /* nodes of the recording before this one */
    bool differs;      /* from that one, in what operations there are */
    bool stirred;      /* nodes may not be up to date with what they come from */
    unsigned same;     /* how often the same operations came, */
    unsigned patience; /* and how often until they are worth a graph */
    recorded_graph graphs[RECORDED_GRAPHS];
    uint64_t replays;
};

gpumm_status gpumm__recording_enter(gpumm_recording *r); /* takes the lock */
void gpumm__recording_leave(gpumm_recording *r);
/* The buffer is used: its index. */
gpumm_status gpumm__recording_use(gpumm_recording *r, gpumm_buffer *b, gpumm_access access, uint32_t *index);
gpumm_status gpumm__recording_kernel(gpumm_recording *r, object *kernel, order *users, const char *name,
                                     uint32_t *index);
/* Is the buffer the one that is used in that place, or was in the recording before where `*count` ends the list of now?
   Then `*count` is behind it. Nothing is changed: gpumm__recording_use_again does that. */
bool gpumm__recording_used(const gpumm_recording *r, uint32_t index, const gpumm_buffer *b, size_t *count);
void gpumm__recording_use_again(gpumm_recording *r, uint32_t index, gpumm_access access);
/* The value of that name: its index. TYPE_MISMATCH where it has another type. */
gpumm_status gpumm__recording_value(gpumm_recording *r, const char *name, const gpumm_type *type, size_t size,
                                    uint32_t *index);
/* The next node, of that kind and with room for `bytes`: as it was in the recording before where that had one like it
   there, *known, else blank. It counts once gpumm__recording_added is called. */
gpumm_status gpumm__recording_next(gpumm_recording *r, recorded_kind kind, size_t bytes, bool *known,
                                   recorded_node **out);
void gpumm__recording_added(gpumm_recording *r, bool known);
/* Gives back the handles that it has. */
void gpumm__recording_let_go(gpumm_recording *r);
void gpumm__recording_misfit(gpumm_recording *r); /* its graphs are of other operations */
enum { RECORDED_CHANGED = (1 << RECORDED_GRAPHS) - 1 };

#endif
