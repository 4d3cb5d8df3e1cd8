/* SPDX-License-Identifier: MIT */
/* What every device shares: the names of the calls, and the check of a launch's arguments and geometry. */
#include "device/device.h"

#include <inttypes.h>
#include <string.h>

#include "base/status.h"

static const char *const call_names[] = {
#define NAME(name, parameters, arguments, before, after) #name,
    DEVICE_CALL_MAP(NAME, NAME, NAME)
#undef NAME
};

device_call gpumm__device_call_named(const char *name) {
    unsigned i = 0;
    while (i < CALL_COUNT && strcmp(call_names[i], name) != 0) i++;
    return (device_call)i;
}

const char *gpumm__device_call_name(device_call call) {
    return (unsigned)call < CALL_COUNT ? call_names[call] : "unknown";
}

gpumm_status gpumm__device_check_arguments(const char *name, const size_t *sizes, size_t count,
                                           const device_launch *launch) {
    if (!sizes) return GPUMM_OK;
    if (launch->count != count)
        return fail(GPUMM_INVALID_ARGUMENT, "kernel '%s' was compiled with %zu parameters, %zu arguments were given",
                    name, count, launch->count);
    for (size_t i = 0; i < count; i++)
        if (launch->sizes[i] != sizes[i])
            return fail(GPUMM_INVALID_ARGUMENT,
                        "parameter %zu of kernel '%s' was compiled with %zu bytes, %zu were given", i + 1, name,
                        sizes[i], launch->sizes[i]);
    return GPUMM_OK;
}

/* ---- Geometry ---- */

const char *const gpumm__device_dimension_names[8] = {"blockIdx.y", "blockIdx.z", "threadIdx.y", "threadIdx.z",
                                                      "blockDim.y", "blockDim.z", "gridDim.y",   "gridDim.z"};

static gpumm_status check_dimensions(const char *name, uint32_t needs) {
    needs &= DEVICE_NEEDS_DIMENSIONS;
    if (!needs) return GPUMM_OK;
    unsigned first = 0;
    while (!(needs >> first & 1)) first++;
    return fail(GPUMM_INVALID_ARGUMENT,
                "kernel '%s' uses %s and was launched in one dimension: give it a grid and a block, "
                "grid = { x, y, z }, block = { x, y, z }",
                name, gpumm__device_dimension_names[first]);
}

static gpumm_status check_block(const char *name, const unsigned *block) {
    uint64_t threads = (uint64_t)block[0] * block[1];
    if (!block[0] || !block[1] || !block[2])
        return fail(GPUMM_INVALID_ARGUMENT, "kernel '%s': a block of %u x %u x %u threads: each is at least 1", name,
                    block[0], block[1], block[2]);
    if (block[2] > DEVICE_BLOCK_Z_MAX)
        return fail(GPUMM_INVALID_ARGUMENT, "kernel '%s': a block of %u x %u x %u threads: z is at most %d", name,
                    block[0], block[1], block[2], DEVICE_BLOCK_Z_MAX);
    if (threads <= DEVICE_BLOCK_MAX && threads * block[2] <= DEVICE_BLOCK_MAX) return GPUMM_OK;
    return fail(GPUMM_INVALID_ARGUMENT, "kernel '%s': a block of %u x %u x %u threads is more than %d", name, block[0],
                block[1], block[2], DEVICE_BLOCK_MAX);
}

static gpumm_status check_grid(const char *name, const unsigned *grid) {
    if (!grid[0] || !grid[1] || !grid[2])
        return fail(GPUMM_INVALID_ARGUMENT, "kernel '%s': a grid of %u x %u x %u blocks: each is at least 1", name,
                    grid[0], grid[1], grid[2]);
    if (grid[0] <= DEVICE_GRID_X_MAX && grid[1] <= DEVICE_GRID_YZ_MAX && grid[2] <= DEVICE_GRID_YZ_MAX) return GPUMM_OK;
    return fail(GPUMM_INVALID_ARGUMENT,
                "kernel '%s': a grid of %u x %u x %u blocks: x is at most %d, y and z are at most %d", name, grid[0],
                grid[1], grid[2], DEVICE_GRID_X_MAX, DEVICE_GRID_YZ_MAX);
}

static gpumm_status check_line(const char *name, uint32_t needs, const device_launch *launch) {
    unsigned block = launch->block[0];
    if (launch->block[1] > 1 || launch->block[2] > 1)
        return fail(GPUMM_INVALID_ARGUMENT,
                    "kernel '%s': a block of %u x %u x %u threads needs a grid, grid = { x, y, z }", name, block,
                    launch->block[1], launch->block[2]);
    if (block > DEVICE_BLOCK_MAX)
        return fail(GPUMM_INVALID_ARGUMENT, "kernel '%s': a block of %u threads is more than %d", name, block,
                    DEVICE_BLOCK_MAX);
    if (launch->threads == 0)
        return fail(GPUMM_INVALID_ARGUMENT, "kernel '%s': a launch has at least one thread", name);
    return check_dimensions(name, needs);
}

gpumm_status gpumm__device_check_geometry(const char *name, uint32_t needs, const device_launch *launch) {
    const unsigned *grid = launch->grid;
    if (!grid[0] && !grid[1] && !grid[2]) return check_line(name, needs, launch);
    TRY(check_grid(name, grid));
    return check_block(name, launch->block);
}

void gpumm__device_close(device *d) {
    if (d) d->call->close(d);
}
