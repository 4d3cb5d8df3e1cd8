/* SPDX-License-Identifier: MIT */
/*
 * Segments of spilled memory and of other devices', by address. Nearly always there are none, and then nothing is looked
 * up. The list grows without its lock, so that the application's allocator is called under none.
 */
#include "device/cuda/border.h"

#include <string.h>

#include "base/size.h"
#include "base/status.h"

static size_t count_of(const cuda *c) { return atomic_load_explicit(&c->border.count, memory_order_relaxed); }

/* ---- Keeping the list ---- */

/* The first that ends beyond the address. Lock held. */
static size_t first_beyond(const cuda_border *b, size_t count, gpumm_address at) {
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (b->list[middle].end > at) high = middle;
        else low = middle + 1;
    }
    return low;
}

static void changed(cuda *c, size_t count) {
    atomic_store_explicit(&c->border.count, count, memory_order_relaxed);
    atomic_fetch_add_explicit(&c->border.changes, 1, memory_order_relaxed);
}

/* False: there is no room, and *room says how much there is. */
static bool try_add(cuda *c, cuda_elsewhere piece, size_t *room) {
    cuda_border *b = &c->border;
    pthread_mutex_lock(&b->mutex);
    size_t count = count_of(c), i = first_beyond(b, count, piece.begin);
    bool fits = count < b->room;
    *room = b->room;
    if (fits) {
        memmove(b->list + i + 1, b->list + i, (count - i) * sizeof *b->list);
        b->list[i] = piece;
        changed(c, count + 1);
    }
    pthread_mutex_unlock(&b->mutex);
    return fits;
}

/* Another thread may have made more room meanwhile. */
static gpumm_status make_room(cuda *c, size_t room) {
    cuda_border *b = &c->border;
    const gpumm_allocator *memory = c->base.memory;
    size_t wanted = room ? 2 * room : 16;
    cuda_elsewhere *list = gpumm__mem_new(memory, wanted * sizeof *list), *old = list;
    if (!list) return fail_host_memory(wanted * sizeof *list);
    pthread_mutex_lock(&b->mutex);
    if (b->room < wanted) {
        old = b->list;
        if (old) memcpy(list, old, count_of(c) * sizeof *list);
        b->list = list;
        b->room = wanted;
    }
    pthread_mutex_unlock(&b->mutex);
    gpumm__mem_free(memory, old);
    return GPUMM_OK;
}

gpumm_status gpumm__cuda_border_add(cuda *c, gpumm_address at, uint64_t bytes, int owner) {
    size_t room;
    while (!try_add(c, (cuda_elsewhere){at, at + bytes, owner}, &room)) TRY(make_room(c, room));
    return GPUMM_OK;
}

void gpumm__cuda_border_remove(cuda *c, gpumm_address at) {
    cuda_border *b = &c->border;
    pthread_mutex_lock(&b->mutex);
    size_t count = count_of(c), i = first_beyond(b, count, at);
    if (i < count && b->list[i].begin == at) {
        memmove(b->list + i, b->list + i + 1, (count - i - 1) * sizeof *b->list);
        changed(c, count - 1);
    } else if (i < count && b->list[i].begin < at) {
        b->list[i].end = at;
        changed(c, count);
    }
    pthread_mutex_unlock(&b->mutex);
}

void gpumm__cuda_border_close(cuda *c) {
    gpumm__mem_free(c->base.memory, c->border.list);
    pthread_mutex_destroy(&c->border.mutex);
}

/* ---- Asking it ---- */

/* Segments of the same side by side are one. Lock held. */
static gpumm_address end_of_kind(const cuda_border *b, size_t count, gpumm_address at) {
    size_t i = first_beyond(b, count, at);
    if (i == count) return UINT64_MAX;
    if (b->list[i].begin > at) return b->list[i].begin;
    gpumm_address end = b->list[i].end;
    int owner = b->list[i].owner;
    while (++i < count && b->list[i].begin == end && b->list[i].owner == owner) end = b->list[i].end;
    return end;
}

uint64_t gpumm__cuda_one_kind(cuda *c, gpumm_address at, uint64_t bytes) {
    if (count_of(c) == 0) return bytes;
    pthread_mutex_lock(&c->border.mutex);
    gpumm_address end = end_of_kind(&c->border, count_of(c), at);
    pthread_mutex_unlock(&c->border.mutex);
    return size_min(bytes, end - at);
}

uint64_t gpumm__cuda_one_kind_each(cuda *c, gpumm_address to, gpumm_address from, uint64_t bytes) {
    return gpumm__cuda_one_kind(c, to, gpumm__cuda_one_kind(c, from, bytes));
}

unsigned gpumm__cuda_beyond(cuda *c, gpumm_address at, uint64_t bytes) {
    const cuda_border *b = &c->border;
    unsigned found = 0;
    if (count_of(c) == 0) return 0;
    pthread_mutex_lock(&c->border.mutex);
    size_t count = count_of(c), i = first_beyond(b, count, at);
    for (; i < count && b->list[i].begin < at + bytes && found != (BEYOND_HOST | BEYOND_DEVICE); i++)
        found |= b->list[i].owner == CUDA_HOST ? BEYOND_HOST : BEYOND_DEVICE;
    pthread_mutex_unlock(&c->border.mutex);
    return found;
}

int gpumm__cuda_whose(cuda *c, gpumm_address at) {
    const cuda_border *b = &c->border;
    int owner = c->device;
    if (count_of(c) == 0) return owner;
    pthread_mutex_lock(&c->border.mutex);
    size_t count = count_of(c), i = first_beyond(b, count, at);
    if (i < count && b->list[i].begin <= at) owner = b->list[i].owner;
    pthread_mutex_unlock(&c->border.mutex);
    return owner;
}

uint64_t gpumm__cuda_border_changes(const cuda *c) {
    return atomic_load_explicit(&c->border.changes, memory_order_relaxed);
}
