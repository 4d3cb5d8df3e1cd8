/* SPDX-License-Identifier: MIT */
/* Pieces in lists. A call fills them up before it takes a lock; what one call needs beyond that comes from malloc. Where
   the allocator refuses, that is bounded, so that nobody goes on with memory which his allocator does not count. */
#include "device/host/stock.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum {
    LEAST = 128, /* small pieces that a call finds */
    MOST = 256,  /* and that are kept */
    LARGE_MOST = 16,
    EMERGENCIES_MOST = 1024
};

typedef enum origin { CHUNK, ALLOCATOR, EMERGENCY } origin;

struct piece {
    piece *next;
    size_t bytes;
    origin origin;
    max_align_t block[];
};

enum { CHUNK_STEP = sizeof(piece) + STOCK_SMALL };

static piece *piece_of(void *block) { return (piece *)(void *)((char *)block - offsetof(piece, block)); }

static void push(piece **list, piece *p) {
    p->next = *list;
    *list = p;
}

static piece *pop(piece **list) {
    piece *p = *list;
    if (p) *list = p->next;
    return p;
}

/* ---- Lists; lock held ---- */

static void put(stock *s, piece *p) {
    if (p->bytes > STOCK_SMALL) {
        push(&s->large, p);
        s->large_count++;
    } else {
        push(p->origin == CHUNK ? &s->first : &s->more, p);
        atomic_fetch_add(&s->small, 1);
    }
}

static piece *take_small(stock *s) {
    piece *p = s->first ? pop(&s->first) : pop(&s->more);
    if (p) atomic_fetch_sub(&s->small, 1);
    return p;
}

static piece **find_large(stock *s, size_t bytes) {
    piece **at = &s->large;
    while (*at && (*at)->bytes < bytes) at = &(*at)->next;
    return at;
}

static piece *take_large(stock *s, size_t bytes) {
    piece *p = pop(find_large(s, bytes));
    if (p) s->large_count--;
    return p;
}

/* What is too much, out of the lists. */
static piece *take_surplus(stock *s) {
    if (s->large_count > LARGE_MOST) return take_large(s, 0);
    if (atomic_load(&s->small) <= MOST || !s->more) return NULL;
    atomic_fetch_sub(&s->small, 1);
    return pop(&s->more);
}

/* ---- Opening and closing ---- */

gpumm_status gpumm__stock_open(stock *s, const gpumm_allocator *memory) {
    *s = (stock){.memory = memory};
    s->chunk = gpumm__mem_new(memory, LEAST * (size_t)CHUNK_STEP);
    if (!s->chunk) return fail_host_memory(LEAST * (size_t)CHUNK_STEP);
    pthread_mutex_init(&s->lock, NULL);
    for (size_t i = 0; i < LEAST; i++) {
        piece *p = (piece *)(void *)((char *)s->chunk + i * CHUNK_STEP);
        p->bytes = STOCK_SMALL;
        put(s, p);
    }
    return GPUMM_OK;
}

static void free_list(const stock *s, piece *p) {
    for (piece *next; p; p = next) {
        next = p->next;
        gpumm__mem_free(s->memory, p);
    }
}

void gpumm__stock_close(stock *s) {
    free_list(s, s->more);
    free_list(s, s->large);
    gpumm__mem_free(s->memory, s->chunk);
    pthread_mutex_destroy(&s->lock);
}

/* ---- Without locks ---- */

static bool add(stock *s, size_t bytes) {
    piece *p = gpumm__mem_new(s->memory, sizeof *p + bytes);
    atomic_store(&s->refused, !p);
    if (!p) return false;
    p->bytes = bytes;
    p->origin = ALLOCATOR;
    pthread_mutex_lock(&s->lock);
    put(s, p);
    pthread_mutex_unlock(&s->lock);
    return true;
}

static bool has_large(stock *s, size_t bytes) {
    pthread_mutex_lock(&s->lock);
    bool there = *find_large(s, bytes) != NULL;
    pthread_mutex_unlock(&s->lock);
    return there;
}

/* Where the allocator has no more, taking says so. */
void gpumm__stock_fill(stock *s, size_t bytes) {
    while (atomic_load_explicit(&s->small, memory_order_relaxed) < LEAST && add(s, STOCK_SMALL)) {}
    if (bytes > STOCK_SMALL && !has_large(s, bytes)) add(s, bytes);
}

void gpumm__stock_trim(stock *s) {
    for (;;) {
        pthread_mutex_lock(&s->lock);
        piece *p = take_surplus(s);
        pthread_mutex_unlock(&s->lock);
        if (!p) return;
        gpumm__mem_free(s->memory, p);
    }
}

/* ---- Under any lock ---- */

static piece *take_emergency(stock *s, size_t bytes) {
    unsigned before = atomic_fetch_add(&s->emergencies, 1);
    if (before < EMERGENCIES_MOST || !atomic_load(&s->refused)) {
        piece *p = malloc(sizeof *p + bytes);
        if (p) {
            *p = (piece){.bytes = bytes, .origin = EMERGENCY};
            return p;
        }
    }
    atomic_fetch_sub(&s->emergencies, 1);
    return NULL;
}

void *gpumm__stock_take(stock *s, size_t bytes) {
    pthread_mutex_lock(&s->lock);
    piece *p = bytes > STOCK_SMALL ? take_large(s, bytes) : take_small(s);
    pthread_mutex_unlock(&s->lock);
    if (!p) p = take_emergency(s, bytes);
    return p ? memset(p->block, 0, bytes) : NULL;
}

void gpumm__stock_give(stock *s, void *block) {
    if (!block) return;
    piece *p = piece_of(block);
    if (p->origin == EMERGENCY) {
        free(p);
        atomic_fetch_sub(&s->emergencies, 1);
        return;
    }
    pthread_mutex_lock(&s->lock);
    put(s, p);
    pthread_mutex_unlock(&s->lock);
}
