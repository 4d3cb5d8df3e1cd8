/* SPDX-License-Identifier: MIT */
/* What a launch says of its shape comes before what its kernel was opened with. */
#include "kernel/geometry.h"

#include <string.h>

#include "base/status.h"

bool gpumm__geometry_is_given(const unsigned *dimensions) { return dimensions[0] || dimensions[1] || dimensions[2]; }

void gpumm__geometry_set(unsigned *out, unsigned x, unsigned y, unsigned z) {
    bool given = x || y || z;
    out[0] = x;
    out[1] = given && !y ? 1 : y;
    out[2] = given && !z ? 1 : z;
}

gpumm_status gpumm__geometry_choose(const gpumm_kernel *k, const gpumm_launch_options *o, device_launch *shape) {
    gpumm__geometry_set(shape->grid, o->grid_x, o->grid_y, o->grid_z);
    gpumm__geometry_set(shape->block, o->block_x, o->block_y, o->block_z);
    if (gpumm__geometry_is_given(shape->grid) && o->threads)
        return fail(GPUMM_INVALID_ARGUMENT, "kernel '%s': a launch has a grid or a number of threads, not both",
                    k->prototype->name);
    if (!gpumm__geometry_is_given(shape->grid) && !o->threads) memcpy(shape->grid, k->grid, sizeof shape->grid);
    if (!gpumm__geometry_is_given(shape->block)) memcpy(shape->block, k->block, sizeof shape->block);
    shape->threads = o->threads;
    shape->shared_bytes = o->shared_bytes ? o->shared_bytes : k->shared_bytes;
    if (!gpumm__geometry_is_given(shape->grid) || gpumm__geometry_is_given(shape->block)) return GPUMM_OK;
    return fail(GPUMM_INVALID_ARGUMENT,
                "kernel '%s': a grid counts blocks: say how many threads each has, block = { x, y, z }",
                k->prototype->name);
}
