/* SPDX-License-Identifier: MIT */
/* The Rust manager's BufferConfig, as options of gpumm's own. */
#include "gpumm_compat.h"

#include <math.h>

#include "base/abi.h"
#include "base/limits.h"
#include "base/status.h"

enum { MIN_BYTES = 4096, ELEMENT_BYTES = 4 };

gpumm_config gpumm_config_default(void) {
    return (gpumm_config){ELEMENT_BYTES, GPUMM_DEFAULT_FACTOR_PPM / 1e6, GPUMM_DEFAULT_MAX_BYTES, MIN_BYTES, false};
}

gpumm_config gpumm_config_for_positions(void) { return (gpumm_config){12, 1.3, 512ull << 20, MIN_BYTES, true}; }

gpumm_config gpumm_config_for_velocities(void) { return gpumm_config_for_positions(); }

gpumm_config gpumm_config_for_edges(void) { return (gpumm_config){32, 2.0, 2ull << 30, 8192, false}; }

gpumm_config gpumm_config_for_grid_cells(void) { return (gpumm_config){8, 1.5, 256ull << 20, 2048, false}; }

static gpumm_status check_factor(double factor) {
    if (factor == 0 || (factor >= 1 && factor <= GROWTH_FACTOR_MOST)) return GPUMM_OK;
    return fail(GPUMM_INVALID_ARGUMENT, "growth_factor is %g: it must be a number from 1 to %d", factor,
                GROWTH_FACTOR_MOST);
}

/* A maximum that somebody lowered is meant; the minimum beside it may be the default, which nobody wrote. */
static uint64_t minimum_of(const gpumm_config *c) {
    bool lowered = c->max_size_bytes && c->max_size_bytes < c->min_size_bytes;
    return lowered && c->min_size_bytes == MIN_BYTES ? c->max_size_bytes : c->min_size_bytes;
}

static gpumm_status options_of(const gpumm_config *c, gpumm_buffer_options *options) {
    TRY(check_factor(c->growth_factor));
    gpumm_type *type;
    TRY(gpumm_type_bytes(c->bytes_per_element ? c->bytes_per_element : ELEMENT_BYTES, &type));
    *options = (gpumm_buffer_options){
        .size = sizeof *options,
        .type = type,
        .max_size_bytes = c->max_size_bytes,
        .min_size_bytes = minimum_of(c),
        .enable_async = c->enable_async,
        .growth = {.kind = GPUMM_GROWTH_GEOMETRIC, .factor_ppm = (uint32_t)lround(c->growth_factor * 1e6)},
    };
    return GPUMM_OK;
}

gpumm_status gpumm_config_options_sized(const gpumm_config *c, gpumm_buffer_options *out, size_t size) {
    NOT_NULL(c, "config");
    NOT_NULL(out, "out");
    gpumm_buffer_options options;
    TRY(options_of(c, &options));
    options.size = size;
    return gpumm__abi_fill(out, size, &options, sizeof options);
}

gpumm_status gpumm_manager_allocate_config(gpumm_manager *m, const char *name, const gpumm_type *type, uint64_t length,
                                           const gpumm_config *given, gpumm_buffer **out) {
    NOT_NULL(m, "manager");
    NOT_NULL(name, "name");
    gpumm_config config = given ? *given : gpumm_config_default();
    gpumm_buffer_options options;
    TRY(options_of(&config, &options));
    const gpumm_type *made = options.type;
    if (type) options.type = type;
    options.name = name;
    options.length = length;
    gpumm_buffer *buffer;
    gpumm_status status = gpumm_manager_allocate(m, &options, &buffer);
    gpumm_type_release(made);
    if (status != GPUMM_OK) return status;
    if (out) *out = buffer;
    else gpumm_buffer_release(buffer); /* the manager has it */
    return GPUMM_OK;
}

gpumm_status gpumm_manager_ensure_capacity(gpumm_manager *m, const char *name, uint64_t capacity) {
    gpumm_buffer *buffer;
    TRY(gpumm_manager_find(m, name, NULL, &buffer));
    gpumm_status status = gpumm_buffer_ensure_capacity(buffer, capacity);
    gpumm_buffer_release(buffer);
    return status;
}
