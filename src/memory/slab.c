/* Two-level segregated fit, with the headers out of band. A bin holds free blocks of sizes within one
   eighth of a power of two; two bitmaps find the first bin that surely fits. */
#include "memory/slab.h"

#include <string.h>

#include "base/size.h"
#include "base/status.h"

enum { STEP_BITS = 3, GROW_BYTES = 2 << 20 };

static unsigned highest_bit(uint64_t n) { return 63u - (unsigned)__builtin_clzll(n); }

/* Sizes are counted in SLAB_ALIGN units, so that the smallest is 1. */
static unsigned bin_of(uint64_t size) {
    uint64_t units = size / SLAB_ALIGN;
    unsigned power = highest_bit(units);
    unsigned step = power < STEP_BITS ? (unsigned)((units << STEP_BITS) >> power) & 7u
                                      : (unsigned)(units >> (power - STEP_BITS)) & 7u;
    return power * SLAB_STEPS + step;
}

/* The first bin all of whose blocks hold `size`. */
static unsigned bin_for(uint64_t size) {
    uint64_t units = size / SLAB_ALIGN;
    unsigned power = highest_bit(units);
    if (power > STEP_BITS) units += (1ull << (power - STEP_BITS)) - 1;
    return bin_of(units * SLAB_ALIGN);
}

static void bin_insert(slab *s, uint32_t i) {
    unsigned bin = bin_of(s->nodes[i].size);
    s->nodes[i].previous = SLAB_NONE;
    s->nodes[i].next = s->bins[bin];
    if (s->bins[bin] != SLAB_NONE) s->nodes[s->bins[bin]].previous = i;
    s->bins[bin] = i;
    s->steps[bin / SLAB_STEPS] |= (uint8_t)(1u << bin % SLAB_STEPS);
    s->powers |= 1ull << bin / SLAB_STEPS;
}

static void bin_remove(slab *s, uint32_t i) {
    slab_node *n = &s->nodes[i];
    unsigned bin = bin_of(n->size), power = bin / SLAB_STEPS;
    if (n->previous != SLAB_NONE) s->nodes[n->previous].next = n->next;
    else s->bins[bin] = n->next;
    if (n->next != SLAB_NONE) s->nodes[n->next].previous = n->previous;
    if (s->bins[bin] != SLAB_NONE) return;
    s->steps[power] &= (uint8_t)~(1u << bin % SLAB_STEPS);
    if (!s->steps[power]) s->powers &= ~(1ull << power);
}

static uint32_t bin_find(const slab *s, uint64_t size) {
    unsigned bin = bin_for(size), power = bin / SLAB_STEPS;
    if (power >= SLAB_POWERS) return SLAB_NONE;
    unsigned steps = s->steps[power] & (0xffu << bin % SLAB_STEPS);
    if (!steps) {
        uint64_t powers = power + 1 < 64 ? s->powers & (~0ull << (power + 1)) : 0;
        if (!powers) return SLAB_NONE;
        power = (unsigned)__builtin_ctzll(powers);
        steps = s->steps[power];
    }
    return s->bins[power * SLAB_STEPS + (unsigned)__builtin_ctz(steps)];
}

/* Room for two more nodes, so that neither a split nor a growth can fail half done. */
static gpumm_status nodes_reserve(slab *s) {
    const gpumm_allocator *memory = s->range.device->memory;
    if (mem_reserve(memory, (void **)&s->nodes, sizeof *s->nodes, s->node_count + 1, &s->node_room)) return GPUMM_OK;
    return fail_host_memory(sizeof *s->nodes * (s->node_count + 2));
}

static uint32_t node_new(slab *s, uint64_t offset, uint64_t size, uint32_t before, uint32_t after) {
    uint32_t i = s->unused;
    if (i != SLAB_NONE) s->unused = s->nodes[i].next;
    else i = (uint32_t)s->node_count++;
    s->nodes[i] = (slab_node){offset, size, before, after, SLAB_NONE, SLAB_NONE, false};
    if (before != SLAB_NONE) s->nodes[before].after = i;
    if (after != SLAB_NONE) s->nodes[after].before = i;
    if (after == SLAB_NONE) s->last = i;
    return i;
}

/* `gone` joins the block before it. */
static void node_join(slab *s, uint32_t i, uint32_t gone) {
    slab_node *n = &s->nodes[i], *g = &s->nodes[gone];
    n->size += g->size;
    n->after = g->after;
    if (g->after != SLAB_NONE) s->nodes[g->after].before = i;
    else s->last = i;
    g->size = 0;
    g->next = s->unused;
    s->unused = gone;
}

gpumm_status slab_open(slab *s, device *d, uint64_t maximum) {
    memset(s, 0, sizeof *s);
    memset(s->bins, 0xff, sizeof s->bins);
    s->unused = s->last = SLAB_NONE;
    TRY(range_open(&s->range, d, PLACE_DEVICE, maximum));
    pthread_mutex_init(&s->mutex, NULL);
    return GPUMM_OK;
}

void slab_close(slab *s) {
    if (!s->range.device) return;
    mem_free(s->range.device->memory, s->nodes);
    range_close(&s->range);
    pthread_mutex_destroy(&s->mutex);
    memset(s, 0, sizeof *s);
}

/* Commits more at the end and makes a free block of it, joined with a free one before it. A whole block
   (a range that cannot grow in place) is committed to its maximum at once. */
static gpumm_status grow(slab *s, uint64_t size) {
    uint64_t before = s->range.committed, wanted;
    uint64_t tail = s->last != SLAB_NONE && !s->nodes[s->last].used ? s->nodes[s->last].size : 0;
    wanted = before + size_max(size - size_min(tail, size), GROW_BYTES);
    if (!s->range.in_place || wanted > s->range.reserved) wanted = s->range.reserved;
    if (wanted - before + tail < size || !range_can_commit(&s->range, wanted))
        return fail(GPUMM_OUT_OF_MEMORY, "the slab of %llu bytes has no room for a block of %llu",
                    (unsigned long long)s->range.reserved, (unsigned long long)size);
    TRY(range_commit(&s->range, wanted));
    atomic_store(&s->committed, s->range.committed);
    if (tail) bin_remove(s, s->last);
    uint32_t i = node_new(s, before, s->range.committed - before, s->last, SLAB_NONE);
    if (tail) {
        uint32_t joined = s->nodes[i].before;
        node_join(s, joined, i);
        i = joined;
    }
    bin_insert(s, i);
    return GPUMM_OK;
}

static uint32_t take_from(slab *s, uint32_t i, uint64_t size) {
    bin_remove(s, i);
    uint64_t rest = s->nodes[i].size - size;
    if (rest) {
        s->nodes[i].size = size;
        bin_insert(s, node_new(s, s->nodes[i].offset + size, rest, i, s->nodes[i].after));
    }
    s->nodes[i].used = true;
    s->used += size;
    s->blocks++;
    return i;
}

static gpumm_status take(slab *s, uint64_t size, uint32_t *block) {
    TRY(nodes_reserve(s));
    uint32_t i = bin_find(s, size);
    if (i == SLAB_NONE) {
        TRY(grow(s, size)); /* takes one node of the two */
        i = s->last; /* grow leaves a free block there that fits, which its bin need not promise */
    }
    *block = take_from(s, i, size);
    return GPUMM_OK;
}

gpumm_status slab_take(slab *s, uint64_t bytes, uint32_t *block, gpumm_address *address, uint64_t *size) {
    uint64_t rounded;
    if (!size_round_up(size_max(bytes, 1), SLAB_ALIGN, &rounded) || rounded > s->range.reserved)
        return fail(GPUMM_OUT_OF_MEMORY, "a block of %llu bytes is more than the slab's %llu", (unsigned long long)bytes,
                    (unsigned long long)s->range.reserved);
    pthread_mutex_lock(&s->mutex);
    gpumm_status status = take(s, rounded, block);
    if (status == GPUMM_OK) {
        *address = s->range.address + s->nodes[*block].offset;
        *size = s->nodes[*block].size;
    }
    pthread_mutex_unlock(&s->mutex);
    return status;
}

static uint32_t merge(slab *s, uint32_t i) {
    uint32_t after = s->nodes[i].after, before = s->nodes[i].before;
    if (after != SLAB_NONE && !s->nodes[after].used) {
        bin_remove(s, after);
        node_join(s, i, after);
    }
    if (before != SLAB_NONE && !s->nodes[before].used) {
        bin_remove(s, before);
        node_join(s, before, i);
        i = before;
    }
    return i;
}

void slab_give(slab *s, uint32_t block) {
    pthread_mutex_lock(&s->mutex);
    s->used -= s->nodes[block].size;
    s->blocks--;
    s->nodes[block].used = false;
    bin_insert(s, merge(s, block));
    pthread_mutex_unlock(&s->mutex);
}

uint64_t slab_committed(slab *s) { return atomic_load(&s->committed); }

uint64_t slab_used(slab *s) { return atomic_load(&s->used); }

static bool in_its_bin(const slab *s, uint32_t i) {
    unsigned bin = bin_of(s->nodes[i].size);
    for (uint32_t j = s->bins[bin]; j != SLAB_NONE; j = s->nodes[j].next)
        if (j == i) return true;
    return false;
}

/* Walks the blocks from the end to the start. */
static const char *damage(const slab *s) {
    uint64_t end = s->range.committed, used = 0;
    size_t blocks = 0;
    bool after_free = false;
    for (uint32_t i = s->last; i != SLAB_NONE; i = s->nodes[i].before) {
        const slab_node *n = &s->nodes[i];
        if (!n->size || n->offset + n->size != end) return "a block does not end where the next begins";
        if (n->before != SLAB_NONE && s->nodes[n->before].after != i) return "two neighbours disagree";
        if (!n->used && after_free) return "two free neighbours were not merged";
        if (!n->used && !in_its_bin(s, i)) return "a free block is not in its bin";
        if (n->used) used += n->size, blocks++;
        after_free = !n->used;
        end = n->offset;
    }
    if (end != 0) return "the first block does not begin at the start";
    return used == s->used && blocks == s->blocks ? NULL : "the sums are wrong";
}

gpumm_status slab_check(slab *s) {
    pthread_mutex_lock(&s->mutex);
    const char *found = damage(s);
    pthread_mutex_unlock(&s->mutex);
    return found ? fail(GPUMM_DRIVER, "the slab is damaged: %s", found) : GPUMM_OK;
}
