/* SPDX-License-Identifier: MIT */
/* Memory for stream operations, at hand where no allocator may be called: work is enqueued under locks, and an
   application's allocator runs under none of them. */
#ifndef DEVICE_HOST_STOCK_H
#define DEVICE_HOST_STOCK_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/alloc.h"
#include "base/status.h"

enum { STOCK_SMALL = 256 }; /* bytes: an operation with two operands */

typedef struct piece piece;

typedef struct stock {
    const gpumm_allocator *memory;
    pthread_mutex_t lock; /* the lists and their numbers */
    void *chunk;          /* the first pieces, which stay */
    piece *first, *more;  /* of the chunk; taken one by one */
    piece *large;         /* for launches with many arguments */
    atomic_uint small;    /* in `first` and `more`; may be read without the lock */
    unsigned large_count;
    atomic_bool refused;     /* the allocator had nothing, the last time that it was asked */
    atomic_uint emergencies; /* pieces of malloc's that are in use */
} stock;

gpumm_status gpumm__stock_open(stock *s, const gpumm_allocator *memory);
void gpumm__stock_close(stock *s); /* all pieces have been given */
/* Without locks: calls the allocator where little is left, or where there is no piece of so many bytes. */
void gpumm__stock_fill(stock *s, size_t bytes);
void gpumm__stock_trim(stock *s); /* without locks: gives back to the allocator what is too much */
/* Under any lock: zeroed, NULL where there is no memory. */
void *gpumm__stock_take(stock *s, size_t bytes);
void gpumm__stock_give(stock *s, void *block); /* NULL is fine */

#endif
