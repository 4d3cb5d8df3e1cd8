/* SPDX-License-Identifier: MIT */
/* An operation on its way through a stream, as who reads a trace's queue knows it, and where such come from. */
#ifndef DEVICE_TRACE_OPERATION_H
#define DEVICE_TRACE_OPERATION_H

#include "base/trace.h"
#include "device/trace/event_pair.h"
#include "device/trace/sampling.h"

enum { OPERATION_NAME = 64, OPERATION_LABEL = 128, OPERATION_FIELDS = 4 };

/* What a graph does, as text; shared by its launches. */
typedef struct operation_list {
    atomic_uint references;
    const gpumm_allocator *memory;
    char text[];
} operation_list;
void gpumm__operation_list_drop(operation_list *list); /* NULL is fine */

typedef struct operation_field {
    const char *key; /* outlives the trace */
    uint64_t number;
} operation_field;

typedef struct operation {
    struct operation *next;
    bool dropped, nested, holds, labelled; /* in another, or others in it */
    unsigned char field_count;
    event_pair *events; /* NULL: its times are estimated */
    operation_list *list;
    operation_kind *kind;
    uint64_t enqueued;
    uint64_t length, least; /* of an estimated one, and so long at least */
    char name[OPERATION_NAME];
    operation_field fields[OPERATION_FIELDS];
    char label[OPERATION_LABEL];
} operation;

void gpumm__operation_name(operation *o, const char *name);
void gpumm__operation_label(operation *o, const char *label);
void gpumm__operation_say(operation *o, const char *key, uint64_t number);

typedef struct operation_pool {
    const gpumm_allocator *memory;
    operation *free;
    struct operation_chunk *chunks;
} operation_pool;

void gpumm__operation_pool_close(operation_pool *p);
operation *gpumm__operation_take(operation_pool *p); /* NULL: there is no memory */
void gpumm__operation_give(operation_pool *p, operation *o);

#endif
