/* SPDX-License-Identifier: MIT */
/* Two-level segregated fit (TLSF), with the block headers outside of the memory. A bin holds free blocks whose sizes
   are within an eighth of a power of two; two bitmaps find the first bin all of whose blocks are large enough. */
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
    s->steps[power] &= (uint8_t) ~(1u << bin % SLAB_STEPS);
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

/* Block `gone` becomes part of block `i`, which ends where it begins. */
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

/* ---- Opening and closing -------------------------------------------------------------------- */

gpumm_status gpumm__slab_open(slab *s, device *d, uint64_t maximum) {
    memset(s, 0, sizeof *s);
    memset(s->bins, 0xff, sizeof s->bins);
    s->unused = s->last = SLAB_NONE;
    s->memory = d->memory;
    return gpumm__range_open(&s->range, d, PLACE_DEVICE, maximum);
}

gpumm_status gpumm__slab_close(slab *s) {
    if (!s->memory) return GPUMM_OK;
    TRY(gpumm__range_close(&s->range));
    gpumm__mem_free(s->memory, s->nodes);
    gpumm__mem_free(s->memory, s->outgrown);
    memset(s, 0, sizeof *s);
    return GPUMM_OK;
}

/* ---- Growing -------------------------------------------------------------------------------- */

static uint64_t free_tail(const slab *s) {
    return s->last != SLAB_NONE && !s->nodes[s->last].used ? s->nodes[s->last].size : 0;
}

/* Taking a block may split it, which needs a node. The last node is left for a growth that may be under way. */
static bool has_nodes(const slab *s) { return s->unused != SLAB_NONE || s->node_count + 1 < s->node_room; }

/* The free block at the end is used where it is large enough, even if its bin also has smaller blocks. A size that is
   larger than everything committed may have no bin. */
static uint32_t find(const slab *s, uint64_t size) {
    if (size > s->committed) return SLAB_NONE;
    uint32_t i = bin_find(s, size);
    return i == SLAB_NONE && free_tail(s) >= size ? s->last : i;
}

static gpumm_status no_room(const slab *s, uint64_t bytes) {
    return fail(GPUMM_OUT_OF_MEMORY, "the slab of %llu bytes has no room for a block of %llu",
                (unsigned long long)s->range.reserved, (unsigned long long)bytes);
}

/* Plans to commit more at the end, less the free block that is there; in steps of some size where it may become large. A
   range that cannot grow in place is committed to
   its maximum at once. */
gpumm_status gpumm__slab_plan(const slab *s, uint64_t bytes, slab_growth *g) {
    uint64_t size, before = s->committed, tail = free_tail(s);
    if (!size_round_up(size_max(bytes, 1), SLAB_ALIGN, &size) || size > s->range.reserved) return no_room(s, bytes);
    *g = (slab_growth){.end = before, .node_room = s->node_room};
    if (s->node_count + 2 > s->node_room) g->node_room = size_max(64, 2 * s->node_room);
    if (find(s, size) != SLAB_NONE) return GPUMM_OK; /* only nodes are missing */
    g->end = before + size_max(size - size_min(tail, size), s->range.reserved > GROW_BYTES ? GROW_BYTES : 0);
    if (!s->range.in_place || g->end > s->range.reserved) g->end = s->range.reserved;
    return g->end - before + tail < size ? no_room(s, bytes) : GPUMM_OK;
}

static gpumm_status commit_to(slab *s, const slab_growth *g) {
    if (!gpumm__range_can_commit(&s->range, g->end)) return no_room(s, g->end);
    return s->spills ? gpumm__range_spill(&s->range, g->end) : gpumm__range_commit(&s->range, g->end);
}

/* Nodes first: if the commit came first and the nodes failed, a whole block could not be decommitted. */
gpumm_status gpumm__slab_fetch(slab *s, slab_growth *g) {
    const gpumm_allocator *memory = s->memory;
    gpumm__mem_free(memory, s->outgrown);
    s->outgrown = NULL;
    if (g->node_room > s->node_room) {
        g->nodes = gpumm__mem_new(memory, g->node_room * sizeof *g->nodes);
        if (!g->nodes) return fail_host_memory(g->node_room * sizeof *g->nodes);
    }
    gpumm_status status = commit_to(s, g);
    if (status != GPUMM_OK) gpumm__mem_free(memory, g->nodes);
    g->end = s->range.committed;
    return status;
}

static void use_nodes(slab *s, const slab_growth *g) {
    if (s->nodes) memcpy(g->nodes, s->nodes, s->node_count * sizeof *s->nodes);
    s->outgrown = s->nodes;
    s->nodes = g->nodes;
    s->node_room = g->node_room;
}

/* The new memory becomes a free block at the end, merged with a free block before it. */
static void add_tail(slab *s, uint64_t bytes) {
    bool joins = free_tail(s) > 0;
    if (joins) bin_remove(s, s->last);
    uint32_t i = node_new(s, s->committed, bytes, s->last, SLAB_NONE);
    if (joins) {
        uint32_t before = s->nodes[i].before;
        node_join(s, before, i);
        i = before;
    }
    s->committed += bytes;
    bin_insert(s, i);
}

void gpumm__slab_publish(slab *s, const slab_growth *g) {
    if (g->nodes) use_nodes(s, g);
    if (g->end > s->committed) add_tail(s, g->end - s->committed);
}

/* ---- Taking and giving ---------------------------------------------------------------------- */

static void take_from(slab *s, uint32_t i, uint64_t size) {
    bin_remove(s, i);
    uint64_t rest = s->nodes[i].size - size;
    if (rest) {
        s->nodes[i].size = size;
        bin_insert(s, node_new(s, s->nodes[i].offset + size, rest, i, s->nodes[i].after));
    }
    s->nodes[i].used = true;
    s->used += size;
    s->blocks++;
}

bool gpumm__slab_try(slab *s, uint64_t bytes, slab_block *out) {
    uint64_t size;
    if (!has_nodes(s) || !size_round_up(size_max(bytes, 1), SLAB_ALIGN, &size)) return false;
    uint32_t i = find(s, size);
    if (i == SLAB_NONE) return false;
    take_from(s, i, size);
    *out = (slab_block){i, s->range.address + s->nodes[i].offset, s->nodes[i].size};
    return true;
}

gpumm_status gpumm__slab_take(slab *s, uint64_t bytes, slab_block *out) {
    slab_growth g;
    while (!gpumm__slab_try(s, bytes, out)) { /* a second growth, where the first used up the nodes */
        TRY(gpumm__slab_plan(s, bytes, &g));
        TRY(gpumm__slab_fetch(s, &g));
        gpumm__slab_publish(s, &g);
    }
    return GPUMM_OK;
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

void gpumm__slab_give(slab *s, uint32_t number) {
    s->used -= s->nodes[number].size;
    s->blocks--;
    s->nodes[number].used = false;
    bin_insert(s, merge(s, number));
}

/* ---- Giving back what is free at the end ------------------------------------------------------ */

static void cut_tail(slab *s, uint64_t bytes) {
    uint32_t i = s->last;
    bin_remove(s, i);
    s->committed -= bytes;
    s->nodes[i].size -= bytes;
    if (s->nodes[i].size) {
        bin_insert(s, i);
        return;
    }
    s->last = s->nodes[i].before;
    if (s->last != SLAB_NONE) s->nodes[s->last].after = SLAB_NONE;
    s->nodes[i].next = s->unused;
    s->unused = i;
}

uint64_t gpumm__slab_retire(slab *s) {
    uint64_t end = s->committed - free_tail(s), kept = gpumm__range_kept(&s->range, end);
    if (s->range.in_place && kept < s->committed) cut_tail(s, s->committed - kept);
    return s->committed;
}

uint64_t gpumm__slab_release(slab *s, uint64_t committed) { return gpumm__range_decommit(&s->range, committed); }

/* ---- Checking ------------------------------------------------------------------------------- */

static bool in_its_bin(const slab *s, uint32_t i) {
    unsigned bin = bin_of(s->nodes[i].size);
    for (uint32_t j = s->bins[bin]; j != SLAB_NONE; j = s->nodes[j].next)
        if (j == i) return true;
    return false;
}

/* What is inconsistent, found by walking the blocks from the end to the start; NULL: nothing. */
static const char *damage(const slab *s) {
    uint64_t end = s->committed, used = 0;
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

gpumm_status gpumm__slab_check(const slab *s) {
    const char *found = damage(s);
    return found ? fail(GPUMM_DRIVER, "the slab is damaged: %s", found) : GPUMM_OK;
}
