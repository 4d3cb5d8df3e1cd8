/* SPDX-License-Identifier: MIT */
/* An operation on its way through a stream, as a trace knows it, and where such come from: they and the events of those that
   are timed are taken from pools, so that nothing is allocated where something is enqueued. */
#ifndef DEVICE_OPERATION_H
#define DEVICE_OPERATION_H

#include "base/trace.h"
#include "device/device.h"

enum { OPERATION_NAME = 64, OPERATION_LABEL = 128, OPERATION_FIELDS = 4 };

/* What a graph does, as text; shared by its launches. */
typedef struct operation_list {
    atomic_uint references;
    const gpumm_allocator *memory;
    char text[];
} operation_list;
void gpumm__operation_list_drop(operation_list *list); /* NULL is fine */

typedef struct event_pair {
    struct event_pair *next;
    device_event *begin, *end;
} event_pair;

typedef enum operation_state { OPERATION_OPEN, OPERATION_ENDED, OPERATION_DROPPED } operation_state;

/* What every one has comes first: another core has read it last, and each line of its cache costs. */
typedef struct operation {
    struct operation *next;
    atomic_int state;             /* operation_state; from ENDED or DROPPED on it is the reader's */
    bool nested, holds, labelled; /* in another, or others in it */
    unsigned char field_count;
    event_pair *events; /* NULL: its times are estimated */
    operation_list *list;
    uint64_t enqueued;
    uint64_t length; /* the reader's: of an estimated one */
    char name[OPERATION_NAME];
    struct {
        const char *key;
        uint64_t number;
    } fields[OPERATION_FIELDS];
    char label[OPERATION_LABEL];
} operation;

void gpumm__operation_name(operation *o, const char *name);
void gpumm__operation_label(operation *o, const char *label); /* NULL operations are fine, here and below */
void gpumm__operation_say(operation *o, const char *key, uint64_t number); /* `key` outlives the trace */

typedef struct operation_pool {
    device *device;
    pthread_mutex_t *lock; /* of the rest */
    operation *free;
    event_pair *idle;
    atomic_uint free_count, total, idle_count, pair_total; /* also read without the lock */
    struct operation_chunk *chunks;
    struct pair_chunk *pair_chunks;
} operation_pool;

void gpumm__operation_pool_open(operation_pool *p, device *d, pthread_mutex_t *lock);
void gpumm__operation_pool_close(operation_pool *p);
gpumm_status gpumm__operation_pool_grow(operation_pool *p); /* without the lock: a chunk of operations */
gpumm_status gpumm__operation_pool_grow_pairs(operation_pool *p);
/* Looked at without the lock. */
bool gpumm__operation_pool_is_short(const operation_pool *p); /* half of them are under way */
bool gpumm__operation_pool_is_low(const operation_pool *p);   /* nearly all are */
bool gpumm__operation_pool_is_full(const operation_pool *p);  /* it grows no more */
bool gpumm__operation_pool_lacks_pairs(const operation_pool *p);
/* With the lock. NULL: there is none. */
operation *gpumm__operation_take(operation_pool *p);
event_pair *gpumm__pair_take(operation_pool *p);
/* Without it: from `first` to `last`, which are in a list. */
void gpumm__operations_give(operation_pool *p, operation *first, operation *last);

#endif
