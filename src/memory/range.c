/* SPDX-License-Identifier: MIT */
/* Reserves once, commits a segment in each growth step, or several where it spills; releases whole segments; exchanges one that
   is used in part, or is to be the device's. */
#include "memory/range.h"

#include <stdio.h>
#include <string.h>

#include "base/size.h"
#include "base/status.h"

static gpumm_status open(range *r, device *d, place where, const device_stripe *stripe, uint64_t maximum) {
    memset(r, 0, sizeof *r);
    r->device = d;
    r->where = where;
    r->stripe = stripe;
    r->in_place = device_in_place(d, where);
    if (!size_round_up(size_max(maximum, 1), range_unit(r), &r->reserved)) {
        memset(r, 0, sizeof *r);
        return fail(GPUMM_OVER_MAX_SIZE, "a range of %llu bytes is more than can be addressed",
                    (unsigned long long)maximum);
    }
    gpumm_status status = r->in_place ? d->call->reserve(d, where, r->reserved, &r->address) : GPUMM_OK;
    if (status != GPUMM_OK) memset(r, 0, sizeof *r); /* so that gpumm__range_close releases nothing */
    return status;
}

gpumm_status gpumm__range_open(range *r, device *d, place where, uint64_t maximum) {
    return open(r, d, where, NULL, maximum);
}

gpumm_status gpumm__range_open_striped(range *r, device *d, const device_stripe *stripe, uint64_t maximum) {
    return open(r, d, PLACE_STRIPED, stripe, maximum);
}

bool gpumm__range_can_commit(const range *r, uint64_t bytes) {
    if (bytes <= r->committed) return true;
    return bytes <= r->reserved && (r->in_place || r->committed == 0);
}

/* ---- Committing ---- */

static gpumm_status commit_block(range *r, place where, uint64_t bytes) {
    TRY(r->device->call->alloc(r->device, where, bytes, &r->address));
    r->committed = bytes;
    return GPUMM_OK;
}

static gpumm_status reserve_list(range *r, uint64_t more) {
    const gpumm_allocator *memory = r->device->memory;
    if (gpumm__mem_reserve(memory, (void **)&r->list, sizeof *r->list, r->segments + more - 1, &r->room))
        return GPUMM_OK;
    return fail_host_memory(sizeof *r->list * (r->segments + more));
}

static gpumm_status commit_at_end(const range *r, place where, uint64_t bytes) {
    device *d = r->device;
    gpumm_address at = r->address + r->committed;
    if (!r->stripe) return d->call->commit(d, where, at, bytes);
    return d->call->commit_striped(d, r->stripe, r->segments, at, bytes);
}

/* As many segments as the device makes of it. */
static gpumm_status commit_segments(range *r, place where, uint64_t end) {
    uint64_t bytes = end - r->committed, each = r->stripe ? r->stripe->bytes : device_segment_most(where);
    TRY(reserve_list(r, (size_t)(bytes / each + (bytes % each != 0))));
    TRY(commit_at_end(r, where, bytes));
    while (r->committed < end) {
        r->committed += size_min(end - r->committed, each);
        r->list[r->segments++] = (range_segment){.end = r->committed, .spilled = where == PLACE_SPILLED};
    }
    return GPUMM_OK;
}

/* Where the memory ends that holds so many bytes. */
static gpumm_status end_of(const range *r, uint64_t bytes, uint64_t *end) {
    if (!gpumm__range_can_commit(r, bytes))
        return fail(GPUMM_INVALID_ARGUMENT, "a range of %llu bytes cannot hold %llu", (unsigned long long)r->reserved,
                    (unsigned long long)bytes);
    if (!size_round_up(bytes, range_unit(r), end)) *end = r->reserved;
    *end = size_min(*end, r->reserved);
    return GPUMM_OK;
}

gpumm_status gpumm__range_commit(range *r, uint64_t bytes) {
    uint64_t end;
    if (bytes <= r->committed) return GPUMM_OK;
    TRY(end_of(r, bytes, &end));
    return r->in_place ? commit_segments(r, r->where, end) : commit_block(r, r->where, end);
}

/* ---- Spilling ---- */

/* Less than this of the device is left to others: modules that are loaded later, and the driver itself. */
static uint64_t least_piece(const range *r) {
    enum { SHARE = 4096 };
    return size_max(device_granularity(r->device, r->where), r->device->info.total_bytes / SHARE);
}

/* What is left of the device, in pieces that become smaller: then it is full. */
static gpumm_status take_the_rest(range *r, uint64_t end) {
    uint64_t unit = device_granularity(r->device, r->where), least = least_piece(r), piece = DEVICE_SPILL_MOST;
    while (r->committed < end && (piece = size_min(piece, end - r->committed)) >= least) {
        gpumm_status status = commit_segments(r, r->where, r->committed + piece);
        if (status == GPUMM_OUT_OF_MEMORY) piece = piece / 2 / unit * unit;
        else if (status != GPUMM_OK) return status;
    }
    return GPUMM_OK;
}

/* In one call, whose segments are mapped for the device at once. */
static gpumm_status spill_rest(range *r, uint64_t end) {
    uint64_t bytes = end - r->committed;
    if (!bytes) return GPUMM_OK;
    TRY(gpumm__spill_take(r->spill, bytes));
    gpumm_status status = commit_segments(r, PLACE_SPILLED, end);
    if (status == GPUMM_OK) r->spilled += bytes;
    else gpumm__spill_give(r->spill, bytes);
    return status;
}

/* The message stays that of the failure, whatever the device says of giving back. */
static gpumm_status give_back(range *r, uint64_t before, gpumm_status failed) {
    char why[1024];
    snprintf(why, sizeof why, "%s", gpumm_message());
    gpumm__range_decommit(r, before);
    return r->refused == GPUMM_OK ? failed : fail(failed, "%s", why);
}

static gpumm_status spill_segments(range *r, uint64_t end) {
    uint64_t before = r->committed;
    gpumm_status status = take_the_rest(r, end);
    if (status == GPUMM_OK) status = spill_rest(r, end);
    return status == GPUMM_OK ? status : give_back(r, before, status);
}

static gpumm_status spill_block(range *r, uint64_t bytes) {
    TRY(gpumm__spill_take(r->spill, bytes));
    gpumm_status status = commit_block(r, PLACE_SPILLED, bytes);
    if (status == GPUMM_OK) r->spilled = bytes;
    else gpumm__spill_give(r->spill, bytes);
    return status;
}

gpumm_status gpumm__range_spill(range *r, uint64_t bytes) {
    uint64_t end;
    gpumm_status status = gpumm__range_commit(r, bytes);
    if (status != GPUMM_OUT_OF_MEMORY || !r->spill) return status;
    TRY(end_of(r, bytes, &end));
    return r->in_place ? spill_segments(r, end) : spill_block(r, end);
}

static place place_of(const range *r, bool spilled) { return spilled ? PLACE_SPILLED : r->where; }

/* So many bytes of the host's went, or are the device's now. */
static void spilled_less(range *r, uint64_t bytes) {
    r->spilled -= bytes;
    gpumm__spill_give(r->spill, bytes);
}

static size_t first_spilled(const range *r) {
    size_t i = 0;
    while (!r->list[i].spilled) i++;
    return i;
}

static uint64_t segment_bytes(const range *r, size_t i) { return r->list[i].end - range_segment_begin(r, i); }

uint64_t gpumm__range_next_spilled(const range *r) {
    return r->in_place && r->spilled ? segment_bytes(r, first_spilled(r)) : r->spilled;
}

static gpumm_status promote_block(range *r) {
    TRY(r->device->call->promote(r->device, r->committed, &r->address));
    spilled_less(r, r->spilled);
    return GPUMM_OK;
}

gpumm_status gpumm__range_promote(range *r) {
    if (!r->in_place) return promote_block(r);
    size_t i = first_spilled(r);
    gpumm_address at = r->address + range_segment_begin(r, i);
    TRY(r->device->call->promote(r->device, segment_bytes(r, i), &at));
    r->list[i].spilled = false;
    spilled_less(r, segment_bytes(r, i));
    return GPUMM_OK;
}

/* ---- Giving back ---- */

/* A decommit that fails is tried once more, because address space cannot be released while memory is mapped there. */
static bool decommit_last(range *r, uint64_t start) {
    device *d = r->device;
    uint64_t bytes = r->committed - start;
    bool spilled = r->list[r->segments - 1].spilled;
    place where = place_of(r, spilled);
    r->refused = d->call->decommit(d, where, r->address + start, bytes);
    if (r->refused != GPUMM_OK) r->refused = d->call->decommit(d, where, r->address + start, bytes);
    if (r->refused == GPUMM_OK && spilled) spilled_less(r, bytes);
    return r->refused == GPUMM_OK;
}

static uint64_t last_start(const range *r) { return r->segments > 1 ? r->list[r->segments - 2].end : 0; }

uint64_t gpumm__range_decommit(range *r, uint64_t bytes) {
    uint64_t before = r->committed;
    r->refused = GPUMM_OK;
    while (r->in_place && r->segments > 0) {
        uint64_t start = last_start(r);
        if (start < bytes || !decommit_last(r, start)) break;
        r->committed = start;
        r->segments--;
    }
    return before - r->committed;
}

/* ---- Sharing ---- */

gpumm_status gpumm__range_export(const range *r, size_t segment, int *descriptor) {
    uint64_t begin = range_segment_begin(r, segment);
    return r->device->call->export_segment(r->device, r->address + begin, r->list[segment].end - begin, descriptor);
}

gpumm_status gpumm__range_import(range *r, uint64_t bytes, int descriptor) {
    uint64_t unit = device_granularity(r->device, r->where);
    if (bytes == 0 || bytes % unit != 0 || bytes > DEVICE_SEGMENT_MOST || bytes > r->reserved - r->committed)
        return fail(GPUMM_INVALID_ARGUMENT, "a segment of %llu bytes fits no range that has %llu of %llu",
                    (unsigned long long)bytes, (unsigned long long)r->committed, (unsigned long long)r->reserved);
    TRY(reserve_list(r, 1));
    TRY(r->device->call->import_segment(r->device, r->address + r->committed, bytes, descriptor));
    r->committed += bytes;
    r->list[r->segments++] = (range_segment){.end = r->committed};
    return GPUMM_OK;
}

/* ---- What could go back ---- */

uint64_t gpumm__range_needed(const range *r, uint64_t bytes) {
    uint64_t end;
    if (!size_round_up(bytes, range_unit(r), &end)) end = r->reserved;
    return size_min(r->in_place ? end : size_max(end, 1), r->committed);
}

uint64_t gpumm__range_kept(const range *r, uint64_t bytes) {
    for (size_t i = 0; r->in_place && i < r->segments; i++)
        if (r->list[i].end >= bytes) return bytes ? r->list[i].end : 0;
    return r->committed;
}

static gpumm_status shrink_block(range *r, uint64_t needed) {
    TRY(r->device->call->shrink(r->device, place_of(r, r->spilled > 0), r->committed, needed, &r->address));
    if (r->spilled) spilled_less(r, r->committed - needed);
    r->committed = needed;
    return GPUMM_OK;
}

gpumm_status gpumm__range_shrink(range *r, uint64_t bytes) {
    gpumm__range_decommit(r, bytes);
    uint64_t needed = gpumm__range_needed(r, bytes);
    if (r->refused != GPUMM_OK || needed >= r->committed) return r->refused;
    if (range_keeps_segments(r)) return GPUMM_OK;
    if (!r->in_place) return shrink_block(r, needed);
    uint64_t start = last_start(r);
    gpumm_address at = r->address + start;
    range_segment *last = &r->list[r->segments - 1];
    TRY(r->device->call->shrink(r->device, place_of(r, last->spilled), r->committed - start, needed - start, &at));
    if (last->spilled) spilled_less(r, r->committed - needed);
    last->end = r->committed = needed;
    return GPUMM_OK;
}

static gpumm_status give_block(range *r) {
    device *d = r->device;
    place where = place_of(r, r->spilled > 0);
    gpumm_status status = r->committed ? d->call->free(d, where, r->address, r->committed) : GPUMM_OK;
    if (status != GPUMM_OK) status = d->call->free(d, where, r->address, r->committed);
    if (status == GPUMM_OK && r->spilled) spilled_less(r, r->spilled);
    return status;
}

gpumm_status gpumm__range_close(range *r) {
    if (!r->device) return GPUMM_OK;
    gpumm__range_decommit(r, 0);
    if (!r->in_place) r->refused = give_block(r);
    if (r->refused != GPUMM_OK) return r->refused;
    if (r->in_place) r->device->call->release(r->device, r->where, r->address, r->reserved);
    gpumm__mem_free(r->device->memory, r->list);
    memset(r, 0, sizeof *r);
    return GPUMM_OK;
}
