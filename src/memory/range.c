/* SPDX-License-Identifier: MIT */
/* Reserves once, commits a segment in each growth step, releases whole segments; exchanges one that is used in part. */
#include "memory/range.h"

#include <string.h>

#include "base/size.h"
#include "base/status.h"

gpumm_status gpumm__range_open(range *r, device *d, place where, uint64_t maximum) {
    memset(r, 0, sizeof *r);
    r->device = d;
    r->where = where;
    r->in_place = device_in_place(d, where);
    uint64_t granularity = device_granularity(d, where);
    if (!size_round_up(size_max(maximum, 1), granularity, &r->reserved)) {
        memset(r, 0, sizeof *r);
        return fail(GPUMM_OVER_MAX_SIZE, "a range of %llu bytes is more than can be addressed",
                    (unsigned long long)maximum);
    }
    gpumm_status status = r->in_place ? d->call->reserve(d, where, r->reserved, &r->address) : GPUMM_OK;
    if (status != GPUMM_OK) memset(r, 0, sizeof *r); /* so that gpumm__range_close releases nothing */
    return status;
}

bool gpumm__range_can_commit(const range *r, uint64_t bytes) {
    if (bytes <= r->committed) return true;
    return bytes <= r->reserved && (r->in_place || r->committed == 0);
}

static gpumm_status commit_block(range *r, uint64_t bytes) {
    TRY(r->device->call->alloc(r->device, r->where, bytes, &r->address));
    r->committed = bytes;
    return GPUMM_OK;
}

/* As many segments as the device makes of it. */
static gpumm_status commit_segments(range *r, uint64_t end) {
    const gpumm_allocator *memory = r->device->memory;
    uint64_t bytes = end - r->committed, more = device_segments(bytes);
    if (!gpumm__mem_reserve(memory, (void **)&r->ends, sizeof *r->ends, r->segments + more - 1, &r->room))
        return fail_host_memory(sizeof *r->ends * (r->segments + more));
    TRY(r->device->call->commit(r->device, r->where, r->address + r->committed, bytes));
    while (r->committed < end) {
        r->committed += size_min(end - r->committed, DEVICE_SEGMENT_MOST);
        r->ends[r->segments++] = r->committed;
    }
    return GPUMM_OK;
}

gpumm_status gpumm__range_commit(range *r, uint64_t bytes) {
    if (bytes <= r->committed) return GPUMM_OK;
    if (!gpumm__range_can_commit(r, bytes))
        return fail(GPUMM_INVALID_ARGUMENT, "a range of %llu bytes cannot hold %llu", (unsigned long long)r->reserved,
                    (unsigned long long)bytes);
    uint64_t end;
    if (!size_round_up(bytes, device_granularity(r->device, r->where), &end)) end = r->reserved;
    end = size_min(end, r->reserved);
    return r->in_place ? commit_segments(r, end) : commit_block(r, end);
}

/* A decommit that fails is tried once more, because address space cannot be released while memory is mapped there. */
static bool decommit_last(range *r, uint64_t start) {
    device *d = r->device;
    uint64_t bytes = r->committed - start;
    if (d->call->decommit(d, r->where, r->address + start, bytes) == GPUMM_OK) return true;
    r->refused = d->call->decommit(d, r->where, r->address + start, bytes);
    return r->refused == GPUMM_OK;
}

static uint64_t last_start(const range *r) { return r->segments > 1 ? r->ends[r->segments - 2] : 0; }

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
    return r->device->call->export_segment(r->device, r->address + begin, r->ends[segment] - begin, descriptor);
}

gpumm_status gpumm__range_import(range *r, uint64_t bytes, int descriptor) {
    const gpumm_allocator *memory = r->device->memory;
    uint64_t unit = device_granularity(r->device, r->where);
    if (bytes == 0 || bytes % unit != 0 || bytes > DEVICE_SEGMENT_MOST || bytes > r->reserved - r->committed)
        return fail(GPUMM_INVALID_ARGUMENT, "a segment of %llu bytes fits no range that has %llu of %llu",
                    (unsigned long long)bytes, (unsigned long long)r->committed, (unsigned long long)r->reserved);
    if (!gpumm__mem_reserve(memory, (void **)&r->ends, sizeof *r->ends, r->segments, &r->room))
        return fail_host_memory(sizeof *r->ends * (r->segments + 1));
    TRY(r->device->call->import_segment(r->device, r->address + r->committed, bytes, descriptor));
    r->committed += bytes;
    r->ends[r->segments++] = r->committed;
    return GPUMM_OK;
}

/* ---- What could go back ---- */

uint64_t gpumm__range_needed(const range *r, uint64_t bytes) {
    uint64_t end;
    if (!size_round_up(bytes, device_granularity(r->device, r->where), &end)) end = r->reserved;
    return size_min(r->in_place ? end : size_max(end, 1), r->committed);
}

uint64_t gpumm__range_kept(const range *r, uint64_t bytes) {
    for (size_t i = 0; r->in_place && i < r->segments; i++)
        if (r->ends[i] >= bytes) return bytes ? r->ends[i] : 0;
    return r->committed;
}

static gpumm_status shrink_block(range *r, uint64_t needed) {
    TRY(r->device->call->shrink(r->device, r->where, r->committed, needed, &r->address));
    r->committed = needed;
    return GPUMM_OK;
}

gpumm_status gpumm__range_shrink(range *r, uint64_t bytes) {
    gpumm__range_decommit(r, bytes);
    uint64_t needed = gpumm__range_needed(r, bytes);
    if (r->refused != GPUMM_OK || needed >= r->committed) return r->refused;
    if (r->where == PLACE_SHARED) return GPUMM_OK; /* others may have it: whole segments go, and nothing else */
    if (!r->in_place) return shrink_block(r, needed);
    uint64_t start = last_start(r);
    gpumm_address at = r->address + start;
    TRY(r->device->call->shrink(r->device, r->where, r->committed - start, needed - start, &at));
    r->ends[r->segments - 1] = r->committed = needed;
    return GPUMM_OK;
}

static gpumm_status give_block(range *r) {
    device *d = r->device;
    if (!r->committed || d->call->free(d, r->where, r->address, r->committed) == GPUMM_OK) return GPUMM_OK;
    return d->call->free(d, r->where, r->address, r->committed);
}

gpumm_status gpumm__range_close(range *r) {
    if (!r->device) return GPUMM_OK;
    gpumm__range_decommit(r, 0);
    if (!r->in_place) r->refused = give_block(r);
    if (r->refused != GPUMM_OK) return r->refused;
    if (r->in_place) r->device->call->release(r->device, r->where, r->address, r->reserved);
    gpumm__mem_free(r->device->memory, r->ends);
    memset(r, 0, sizeof *r);
    return GPUMM_OK;
}
