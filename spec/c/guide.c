/* SPDX-License-Identifier: MIT */
/* The table of doc/coming-from.md for those who come from the Rust manager, in C: every call of it, as it stands there. */
#include "check.h"
#include "gpumm_compat.h"

enum { n = 1000 };

static void count_leak(void *user, const gpumm_block *block) {
    CHECK(strcmp(block->name, "nodes") == 0);
    ++*(int *)user;
}

static gpumm_type *float3(void) {
    gpumm_type *type;
    CHECK_OK(gpumm_type_parse("f32x3", &type));
    return type;
}

static void managers(void) {
    gpumm_manager *m;
    gpumm_stats stats;
    uint64_t bytes = 1 << 20;
    CHECK_OK(gpumm_manager_open(NULL, &m));
    gpumm_manager_release(m);
    CHECK_OK(gpumm_manager_open(&(gpumm_options){.limit = bytes}, &m));
    CHECK_OK(gpumm_manager_get_stats(m, &stats));
    CHECK(stats.limit_bytes == bytes);
    gpumm_manager_release(m);
}

static void configs(void) {
    CHECK(gpumm_config_default().bytes_per_element == 4 && gpumm_config_for_edges().bytes_per_element == 32);
    CHECK(gpumm_config_for_velocities().enable_async && gpumm_config_for_grid_cells().min_size_bytes == 2048);
    gpumm_config config = (gpumm_config){.growth_factor = 2};
    gpumm_buffer_options options;
    CHECK_OK(gpumm_config_options(&config, &options));
    CHECK(options.growth.factor_ppm == 2000000);
    gpumm_type_release(options.type);
}

static void buffers(gpumm_manager *m, const gpumm_type *type, const char *name) {
    gpumm_config config = gpumm_config_for_positions();
    gpumm_buffer *b, *same, *small;
    gpumm_buffer_info info;
    CHECK_OK(gpumm_manager_allocate_config(m, name, type, n, &config, &b));
    CHECK_STATUS(gpumm_manager_allocate_config(m, name, type, n, NULL, &b), GPUMM_ALREADY_EXISTS);
    same = b;
    CHECK_OK(gpumm_manager_find(m, name, type, &b));
    CHECK(b == same);
    gpumm_buffer_release(same);
    CHECK_OK(gpumm_manager_ensure_capacity(m, name, n));
    CHECK_OK(gpumm_buffer_get_info(b, &info));
    CHECK(info.capacity == n && info.capacity_bytes == 12 * n);
    gpumm_type *other;
    CHECK_OK(gpumm_type_parse("f32", &other));
    CHECK_STATUS(gpumm_manager_find(m, name, other, &same), GPUMM_TYPE_MISMATCH);
    CHECK_STATUS(gpumm_manager_find(m, "nobody", NULL, &same), GPUMM_NOT_FOUND);
    config = (gpumm_config){.max_size_bytes = 1000, .min_size_bytes = 4096}; /* below the default minimum */
    CHECK_OK(gpumm_manager_allocate_config(m, "small", other, 1, &config, &small));
    CHECK_OK(gpumm_buffer_get_info(small, &info));
    CHECK(info.capacity == 250 && info.max_length == 250);
    gpumm_status status = gpumm_manager_ensure_capacity(m, "small", 251);
    CHECK(status == GPUMM_OVER_MAX_SIZE && gpumm_status_is_memory_error(status));
    CHECK_OK(gpumm_manager_free(m, "small"));
    gpumm_buffer_release(small);
    gpumm_buffer_release(b);
    gpumm_type_release(other);
}

static void downloads(gpumm_manager *m, const char *name) {
    gpumm_frame *frame;
    const void *data;
    gpumm_status wrong = gpumm_wait_for_download(m, name, 0, &frame);
    CHECK(wrong == GPUMM_NOT_PENDING);
    CHECK_OK(gpumm_start_async_download(m, name));
    CHECK_STATUS(gpumm_start_async_download(m, name), GPUMM_ALREADY_PENDING);
    CHECK_OK(gpumm_wait_for_download(m, name, -1, &frame));
    CHECK_OK(gpumm_frame_data(frame, 0, &data));
    CHECK(((const float *)data)[3 * n - 1] == 0);
    gpumm_frame_release(frame);
    CHECK_OK(gpumm_manager_allocate_config(m, "quiet", NULL, 1, NULL, NULL));
    CHECK_STATUS(gpumm_start_async_download(m, "quiet"), GPUMM_ASYNC_DISABLED);
    CHECK_OK(gpumm_manager_free(m, "quiet"));
}

static void readbacks(gpumm_manager *m, const gpumm_type *type, const char *name) {
    gpumm_buffer *b;
    gpumm_readback *rb;
    gpumm_frame *frame;
    CHECK_OK(gpumm_manager_find(m, name, type, &b));
    gpumm_readback_options options = {.buffers = &b, .buffer_count = 1};
    CHECK_OK(gpumm_readback_open(&options, &rb));
    CHECK_OK(gpumm_readback_capture(rb, NULL, 1, NULL));
    CHECK_OK(gpumm_manager_synchronize(m));
    CHECK_OK(gpumm_readback_latest(rb, &frame));
    CHECK(gpumm_frame_valid(frame));
    gpumm_frame_release(frame);
    gpumm_readback_release(rb);
    gpumm_buffer_release(b);
}

/* What the device reports is passed on; what is misused is refused. */
static void errors(void) {
    gpumm_manager *m;
    CHECK_OK(gpumm_manager_open(&(gpumm_options){.device = "host", .inject_faults = true}, &m));
    CHECK_STATUS(gpumm_manager_free(m, NULL), GPUMM_INVALID_ARGUMENT);
    const gpumm_status passed[] = {GPUMM_DRIVER, GPUMM_DEVICE_LOST};
    for (int i = 0; i < 2; i++) {
        CHECK_OK(gpumm_fault_plan(m, &(gpumm_fault){.call = "stream_synchronize", .nth = 1, .status = passed[i]}));
        CHECK_STATUS(gpumm_manager_synchronize(m), passed[i]);
    }
    gpumm_manager_release(m);
}

int main(void) {
    const char *name = "nodes";
    gpumm_type *type = float3();
    gpumm_manager *m;
    gpumm_stats stats;
    int leaks = 0, *user = &leaks;
    void (*each)(void *, const gpumm_block *) = count_leak;
    managers();
    configs();
    errors();
    CHECK_OK(gpumm_manager_open(&(gpumm_options){.device = "host"}, &m));
    buffers(m, type, name);
    downloads(m, name);
    readbacks(m, type, name);
    CHECK_OK(gpumm_manager_get_stats(m, &stats));
    CHECK(stats.buffer_count == 1 && stats.allocation_count == 3 && stats.total_allocated_bytes == 12 * n);
    CHECK(stats.peak_allocated_bytes >= 12 * n && stats.resize_count == 0 && stats.async_transfer_count == 2);
    CHECK(gpumm_manager_leaks(m, each, user) == 1 && leaks == 1);
    CHECK_OK(gpumm_manager_free(m, name));
    CHECK(gpumm_manager_leaks(m, each, user) == 0);
    gpumm_manager_release(m);
    gpumm_type_release(type);
    return 0;
}
