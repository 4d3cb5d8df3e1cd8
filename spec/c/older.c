/* SPDX-License-Identifier: MIT */
/* A program that was compiled against an older gpumm.h, whose structs lack their last fields (spec/older_header.cmake
   makes it), with the library of today: nothing is written behind its structs, and what its options lack has its
   default. */
#include "check.h"

enum { CANARY = 64, CANARY_BYTE = 0xA5 };

#define GUARDED(type) \
    struct { \
        type s; \
        unsigned char canary[CANARY]; \
    }

static bool intact(const unsigned char canary[CANARY]) {
    for (int i = 0; i < CANARY; i++)
        if (canary[i] != CANARY_BYTE) return false;
    return true;
}

/* Calls `call` on a struct without initial values, with canaries behind it. */
#define FILL(type, name, call) \
    GUARDED(type) name; \
    memset(&name, CANARY_BYTE, sizeof name); \
    CHECK_OK(call); \
    CHECK(intact(name.canary))

static gpumm_manager *open_old(void) {
    GUARDED(gpumm_options) o; /* bytes that are not the program's own lie behind it */
    memset(&o, CANARY_BYTE, sizeof o);
    o.s = (gpumm_options){.size = sizeof o.s, .device = "host", .limit = 1 << 24, .inject_faults = true};
    gpumm_manager *m;
    CHECK_OK(gpumm_manager_open(&o.s, &m));
    return m;
}

static gpumm_buffer *allocate_old(gpumm_manager *m, const gpumm_type *type) {
    GUARDED(gpumm_buffer_options) o;
    memset(&o, CANARY_BYTE, sizeof o);
    o.s = (gpumm_buffer_options){.size = sizeof o.s, .name = "b", .type = type, .length = 4};
    gpumm_buffer *b;
    CHECK_OK(gpumm_manager_allocate(m, &o.s, &b));
    return b;
}

static gpumm_readback *readback_old(gpumm_buffer *b) {
    GUARDED(gpumm_readback_options) o;
    memset(&o, CANARY_BYTE, sizeof o);
    o.s = (gpumm_readback_options){.size = sizeof o.s, .buffers = &b, .buffer_count = 1};
    gpumm_readback *r;
    CHECK_OK(gpumm_readback_open(&o.s, &r));
    return r;
}

static gpumm_group *group_old(gpumm_manager *m, const gpumm_type *type) {
    GUARDED(gpumm_group_options) o;
    gpumm_member member = {.name = "x", .type = type};
    memset(&o, CANARY_BYTE, sizeof o);
    o.s = (gpumm_group_options){.size = sizeof o.s, .members = &member, .member_count = 1, .length = 3};
    gpumm_group *g;
    CHECK_OK(gpumm_group_open(m, &o.s, &g));
    return g;
}

static gpumm_kernel *kernel_old(gpumm_manager *m) {
    GUARDED(gpumm_kernel_options) o;
    memset(&o, CANARY_BYTE, sizeof o);
    o.s = (gpumm_kernel_options){.size = sizeof o.s,
                                 .source = "extern \"C\" __global__ void k(int n, unsigned *a) { if (n) a[0] = 7; }"};
    gpumm_kernel *k;
    CHECK_OK(gpumm_kernel_open(m, &o.s, &k));
    return k;
}

static void launch(gpumm_kernel *k, gpumm_buffer *b) {
    int n = 1;
    uint32_t seen[4];
    gpumm_argument arguments[] = {{.value = &n, .size = sizeof n}, {.buffer = b}};
    CHECK_OK(gpumm_kernel_launch(k, NULL, 0, arguments, 2));
    CHECK_OK(gpumm_buffer_download(b, NULL, 0, 4, seen));
    CHECK(seen[0] == 7 && seen[1] == 0);
}

static void ask_all(gpumm_manager *m, gpumm_buffer *b, gpumm_group *g, gpumm_frame *f) {
    FILL(gpumm_device_info, device, gpumm_manager_get_info(m, &device.s));
    CHECK(strcmp(device.s.kind, "host") == 0 && device.s.granularity_bytes > 0);
    FILL(gpumm_stats, stats, gpumm_manager_get_stats(m, &stats.s));
    CHECK(stats.s.buffer_count == 2 && stats.s.limit_bytes == 1 << 24);
    FILL(gpumm_buffer_info, info, gpumm_buffer_get_info(b, &info.s));
    CHECK(info.s.length == 4 && info.s.capacity == 4 && info.s.generation == 1);
    FILL(gpumm_buffer_info, sum, gpumm_group_get_info(g, &sum.s));
    CHECK(sum.s.length == 3);
    FILL(gpumm_frame_info, frame, gpumm_frame_get_info(f, &frame.s));
    CHECK(frame.s.step == 9 && frame.s.length == 4);
    FILL(gpumm_live, live, gpumm_fault_get_live(m, &live.s));
    CHECK(live.s.reserved_bytes > 0);
}

int main(void) {
    CHECK(sizeof(gpumm_stats) < GPUMM_CATEGORIES_MAX * sizeof(gpumm_entry)); /* the header is an older one */
    gpumm_type *u32;
    gpumm_frame *f;
    CHECK_OK(gpumm_type_parse("u32", &u32));
    gpumm_manager *m = open_old();
    gpumm_buffer *b = allocate_old(m, u32);
    gpumm_readback *r = readback_old(b);
    gpumm_group *g = group_old(m, u32);
    gpumm_kernel *k = kernel_old(m);
    CHECK_OK(gpumm_readback_capture(r, NULL, 9, NULL));
    CHECK_OK(gpumm_readback_wait(r, 0, -1, &f));
    launch(k, b);
    ask_all(m, b, g, f);
    gpumm_kernel_release(k);
    gpumm_frame_release(f);
    gpumm_readback_release(r);
    gpumm_group_release(g);
    gpumm_buffer_release(b);
    gpumm_manager_release(m);
    gpumm_type_release(u32);
    return 0;
}
