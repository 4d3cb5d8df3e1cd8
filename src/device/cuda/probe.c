/* SPDX-License-Identifier: MIT */
/*
 * What grows in place here? Attributes have been wrong about it, so each place is tried: address space
 * reserved, memory created, mapped behind a gap, made accessible, and words copied through it both ways.
 */
#include "device/cuda/probe.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "base/size.h"
#include "base/status.h"
#include "device/cuda/context.h"
#include "device/cuda/memory.h"

/* Names that older toolkits' headers lack; an older driver answers that it does not know them. */
enum { LOCATION_HOST = 2, LOCATION_HOST_NUMA = 3, ATTRIBUTE_HOST_NUMA_ID = 134 };

enum { PROBE_WORDS = 16 };
static const uint32_t probe_pattern = 0x9e3779b9;

static bool final(gpumm_status status) { return status == GPUMM_DEVICE_LOST; }

/* ---- Copies, on our own stream ---- */

static gpumm_status copied(cuda *c, gpumm_status status) {
    gpumm_status finished = CU(c, cuStreamSynchronize, (c->own)); /* also after a failure: words are ours */
    return status == GPUMM_OK ? finished : status;
}

static gpumm_status words_up(cuda *c, gpumm_address to, const uint32_t *words) {
    return copied(c, CU(c, cuMemcpyHtoDAsync, (to, words, PROBE_WORDS * sizeof *words, c->own)));
}

static gpumm_status words_down(cuda *c, uint32_t *words, gpumm_address from) {
    return copied(c, CU(c, cuMemcpyDtoHAsync, (words, from, PROBE_WORDS * sizeof *words, c->own)));
}

static void words_make(uint32_t *words, uint32_t seed) {
    for (uint32_t i = 0; i < PROBE_WORDS; i++) words[i] = probe_pattern * (i + seed);
}

static gpumm_status words_compare(const uint32_t *words, uint32_t seed) {
    uint32_t expected[PROBE_WORDS];
    words_make(expected, seed);
    if (memcmp(words, expected, sizeof expected) == 0) return GPUMM_OK;
    return fail(GPUMM_DRIVER, "a copy through memory mapped in place came back changed");
}

static gpumm_status try_device_copy(cuda *c, gpumm_address at) {
    uint32_t words[PROBE_WORDS];
    words_make(words, 1);
    TRY(words_up(c, at, words));
    memset(words, 0, sizeof words);
    TRY(words_down(c, words, at));
    return words_compare(words, 1);
}

/* Is all of it readable and writable by this process? Asked, because trying would be a fault. */
static bool host_can_touch(gpumm_address address, uint64_t bytes) {
    FILE *maps = fopen("/proc/self/maps", "re");
    char line[512], rights[5];
    unsigned long begin, end;
    gpumm_address seen = address;
    while (maps && seen < address + bytes && fgets(line, sizeof line, maps))
        if (sscanf(line, "%lx-%lx %4s", &begin, &end, rights) == 3 && begin <= seen && seen < end) {
            if (rights[0] != 'r' || rights[1] != 'w') break;
            seen = end;
        }
    if (maps) fclose(maps);
    return seen >= address + bytes;
}

/* Device to pinned to the host's eyes, and the host's hand to pinned to device. */
static gpumm_status try_pinned_copy(cuda *c, gpumm_address at, gpumm_address block) {
    uint32_t words[PROBE_WORDS], *pinned = (uint32_t *)(uintptr_t)at;
    words_make(words, 2);
    TRY(words_up(c, block, words));
    TRY(words_down(c, pinned, block));
    TRY(words_compare(pinned, 2));
    words_make(pinned, 3);
    TRY(words_up(c, block, pinned));
    TRY(words_down(c, words, block));
    return words_compare(words, 3);
}

/* ---- A range, as buffers make it ---- */

/* What is tried of a segment that is there; `other` is the trial's own. */
typedef gpumm_status trial(cuda *c, gpumm_address at, uint64_t unit, gpumm_address other);

/* The second of two segments: a range need not be filled from its start. */
static gpumm_status try_segment(cuda *c, place where, gpumm_address range, uint64_t unit, trial *of,
                                gpumm_address other) {
    gpumm_address at = range + unit;
    TRY(gpumm__cuda_segment_map(c, where, at, unit));
    gpumm_status status = of(c, at, unit, other);
    (void)CU_BACK(c, cuMemUnmap, (at, unit));
    return status;
}

static gpumm_status try_range(cuda *c, place where, uint64_t unit, trial *of, gpumm_address other) {
    CUdeviceptr range = 0;
    TRY(CU(c, cuMemAddressReserve, (&range, 2 * unit, 0, 0, 0)));
    gpumm_status status = try_segment(c, where, range, unit, of, other);
    (void)CU_BACK(c, cuMemAddressFree, (range, 2 * unit));
    return status;
}

static gpumm_status try_on_device(cuda *c, gpumm_address at, uint64_t unit, gpumm_address none) {
    (void)unit, (void)none;
    return try_device_copy(c, at);
}

static gpumm_status try_beside(cuda *c, gpumm_address at, uint64_t unit, gpumm_address pinned) {
    (void)unit;
    return try_pinned_copy(c, pinned, at);
}

static gpumm_status try_with_block(cuda *c, gpumm_address pinned) {
    gpumm_address block = 0;
    TRY(gpumm__cuda_block_take(c, PROBE_WORDS * sizeof(uint32_t), &block));
    gpumm_status status = try_pinned_copy(c, pinned, block);
    gpumm__cuda_block_give(c, block);
    return status;
}

/* On a card that is all but full there may be room for a segment, and none for the pool that blocks come from. */
static gpumm_status try_pinned(cuda *c, gpumm_address at, uint64_t unit, gpumm_address none) {
    const gpumm_device_info *info = &c->base.info;
    (void)none;
    if (!host_can_touch(at, unit)) return fail(GPUMM_DRIVER, "the host cannot reach pinned memory mapped in place");
    return info->in_place ? try_range(c, PLACE_DEVICE, info->granularity_bytes, try_beside, at) : try_with_block(c, at);
}

static gpumm_status ask_granularity(cuda *c, place where, uint64_t *unit) {
    size_t bytes = 0;
    TRY(CU(c, cuMemGetAllocationGranularity, (&bytes, &c->memory[where], CU_MEM_ALLOC_GRANULARITY_RECOMMENDED)));
    if (bytes == 0 || (bytes & (bytes - 1)) != 0)
        return fail(GPUMM_DRIVER, "the driver's commit granularity of %zu bytes is no power of two", bytes);
    *unit = bytes;
    return GPUMM_OK;
}

static CUmemAccessDesc may_use(CUmemLocationType type, int id) {
    CUmemAccessDesc access = {.location = {.type = type, .id = id}, .flags = CU_MEM_ACCESS_FLAGS_PROT_READWRITE};
    return access;
}

static gpumm_status try_place(cuda *c, place where, uint64_t *granularity) {
    uint64_t unit = 0;
    TRY(ask_granularity(c, where, &unit));
    TRY(try_range(c, where, unit, where == PLACE_DEVICE ? try_on_device : try_pinned, 0));
    *granularity = unit;
    return GPUMM_OK;
}

static gpumm_status try_device(cuda *c) {
    CUmemAllocationProp *memory = &c->memory[PLACE_DEVICE];
    memory->type = CU_MEM_ALLOCATION_TYPE_PINNED;
    memory->location.type = CU_MEM_LOCATION_TYPE_DEVICE;
    memory->location.id = c->device;
    c->access[PLACE_DEVICE][0] = may_use(CU_MEM_LOCATION_TYPE_DEVICE, c->device);
    c->access_count[PLACE_DEVICE] = 1;
    return try_place(c, PLACE_DEVICE, &c->base.info.granularity_bytes);
}

static gpumm_status try_node(cuda *c, int node, CUmemLocationType host) {
    CUmemAllocationProp *memory = &c->memory[PLACE_HOST];
    memory->type = CU_MEM_ALLOCATION_TYPE_PINNED;
    memory->location.type = (CUmemLocationType)LOCATION_HOST_NUMA;
    memory->location.id = node;
    c->access[PLACE_HOST][0] = may_use(CU_MEM_LOCATION_TYPE_DEVICE, c->device);
    c->access[PLACE_HOST][1] = may_use(host, node);
    c->access_count[PLACE_HOST] = 2;
    return try_place(c, PLACE_HOST, &c->base.info.pinned_granularity_bytes);
}

/* The node next to the device, else (a container may not have it) the one we run on; and the two ways
   in which drivers name the host's access. */
static gpumm_status try_nodes(cuda *c) {
    unsigned here = 0;
    int near = -1;
    if (CU_RESULT(c, cuDeviceGetAttribute, (&near, (CUdevice_attribute)ATTRIBUTE_HOST_NUMA_ID, c->device)) !=
        CUDA_SUCCESS)
        near = -1;
    if (getcpu(NULL, &here) != 0) here = 0;
    const int nodes[2] = {near >= 0 ? near : (int)here, (int)here};
    static const CUmemLocationType hosts[2] = {(CUmemLocationType)LOCATION_HOST_NUMA, (CUmemLocationType)LOCATION_HOST};
    gpumm_status status = GPUMM_DRIVER;
    for (unsigned i = 0; i < 4 && status != GPUMM_OK && !final(status); i++)
        if (i < 2 || nodes[0] != nodes[1]) status = try_node(c, nodes[i / 2], hosts[i % 2]);
    return status;
}

/* The same memory with handles for other processes, where the driver has those. */
static void try_shared(cuda *c) {
    int supported = 0;
    const driver_table *t = &gpumm__driver;
    if (!t->cuMemExportToShareableHandle || !t->cuMemImportFromShareableHandle || !t->cuMemRetainAllocationHandle)
        return;
    CUmemAllocationProp *memory = &c->memory[PLACE_SHARED];
    *memory = c->memory[PLACE_DEVICE];
    memory->requestedHandleTypes = CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR;
    c->access[PLACE_SHARED][0] = c->access[PLACE_DEVICE][0];
    c->access_count[PLACE_SHARED] = 1;
    if (CU_RESULT(c, cuDeviceGetAttribute,
                  (&supported, CU_DEVICE_ATTRIBUTE_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR_SUPPORTED, c->device)) ==
        CUDA_SUCCESS)
        c->base.shares = supported != 0;
}

/* Pinned memory that is mapped in place can be mapped behind the device's, if the steps are the same. For the device
   alone: the driver takes memory that the host may use, too, for the host's (it refuses to fill it, and its way of copying
   is the driver's to choose), and nobody touches what is spilled from the host. */
static void try_spilled(cuda *c) {
    const gpumm_device_info *info = &c->base.info;
    if (!info->in_place || info->granularity_bytes % info->pinned_granularity_bytes != 0) return;
    c->memory[PLACE_SPILLED] = c->memory[PLACE_HOST];
    c->access[PLACE_SPILLED][0] = c->access[PLACE_DEVICE][0];
    c->access_count[PLACE_SPILLED] = 1;
}

/* ---- The answer ---- */

/* Behind what the choice of the device says: info.why stays empty where everything grows in place. */
static void explain(cuda *c, const char *what, const char *why) {
    char *text = c->base.info.why;
    size_t used = strlen(text);
    snprintf(text + used, sizeof c->base.info.why - used, "; %s is not grown in place: %s", what, why);
}

gpumm_status gpumm__cuda_probe(cuda *c, bool relocate) {
    gpumm_device_info *info = &c->base.info;
    info->granularity_bytes = 2u << 20; /* what blocks are rounded to where memory is not committed */
    info->pinned_granularity_bytes = 64u << 10;
    if (relocate || !gpumm__driver_grows()) {
        explain(c, "memory", relocate ? "so asked" : "the driver has no virtual memory calls");
        return GPUMM_OK;
    }
    gpumm_status status = try_device(c);
    if (final(status) || status == GPUMM_OUT_OF_MEMORY) return status;
    info->in_place = status == GPUMM_OK;
    if (info->in_place) try_shared(c);
    if (!info->in_place) explain(c, "device memory", gpumm_message());
    status = try_nodes(c);
    if (final(status)) return status;
    info->pinned_in_place = status == GPUMM_OK;
    if (info->pinned_in_place) try_spilled(c);
    else explain(c, "pinned memory", gpumm_message());
    return GPUMM_OK;
}
