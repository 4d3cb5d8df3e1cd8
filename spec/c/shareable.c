/* SPDX-License-Identifier: MIT */
/* Shareable memory and its descriptors on the host device: who maps them sees what the buffer holds, through growth, and keeps
   what was freed; the books say so. What is no exported segment is refused as an import. */
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "device/device.h"
#include "device/open.h"
#include "hard.h"

enum { SEGMENTS = 32, UNIT = 64 << 10 };

static gpumm_manager *m;

static gpumm_buffer *open_buffer(const char *name, uint64_t length) {
    gpumm_buffer *b;
    gpumm_type *u32;
    CHECK_OK(gpumm_type_parse("u32", &u32));
    gpumm_buffer_options o = {.name = name,
                              .type = u32,
                              .length = length,
                              .max_size_bytes = 64 << 20,
                              .shareable = true,
                              .ahead = GPUMM_AHEAD_NONE,
                              .growth = {.kind = GPUMM_GROWTH_EXACT}};
    CHECK_OK(gpumm_manager_allocate(m, &o, &b));
    gpumm_type_release(u32);
    return b;
}

static uint64_t now(gpumm_category category) {
    gpumm_stats stats;
    gpumm_manager_get_stats(m, &stats);
    return stats.entry[category].now_bytes;
}

typedef struct window {
    uint32_t *at;
    uint64_t bytes;
} window;

/* All segments side by side, as another process would map them. */
static window map_all(gpumm_buffer *b) {
    gpumm_segment s[SEGMENTS];
    size_t count;
    CHECK_OK(gpumm_buffer_segments(b, true, s, SEGMENTS, &count));
    CHECK(count >= 1 && count <= SEGMENTS);
    window w = {NULL, s[count - 1].offset + s[count - 1].bytes};
    w.at = mmap(NULL, w.bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(w.at != MAP_FAILED);
    for (size_t i = 0; i < count; i++) {
        char *to = (char *)w.at + s[i].offset;
        CHECK(s[i].descriptor >= 0 && s[i].reserved == 0);
        CHECK(mmap(to, s[i].bytes, PROT_READ, MAP_SHARED | MAP_FIXED, s[i].descriptor, 0) == to);
        CHECK(ftruncate(s[i].descriptor, 0) != 0); /* nobody can take it from those who map it */
        close(s[i].descriptor);
    }
    return w;
}

static void fill(gpumm_buffer *b, uint64_t length, uint32_t value) {
    CHECK_OK(gpumm_buffer_fill(b, NULL, 0, length, &value));
    CHECK_OK(gpumm_manager_synchronize(m));
}

static void check_window(const window *w, uint64_t length, uint32_t value) {
    for (uint64_t i = 0; i < length; i++) CHECK(w->at[i] == value);
}

static void sees_growth(void) {
    gpumm_buffer *b = open_buffer(NULL, 1000);
    fill(b, 1000, 5);
    window first = map_all(b);
    check_window(&first, 1000, 5);
    for (uint64_t length = 100000; length <= 1600000; length *= 2) {
        CHECK_OK(gpumm_buffer_resize(b, NULL, length));
        fill(b, length, (uint32_t)length);
        window w = map_all(b);
        check_window(&w, length, (uint32_t)length);
        check_window(&first, 1000, (uint32_t)length);
        munmap(w.at, w.bytes);
    }
    CHECK(now(GPUMM_CATEGORY_EXPORTED) == 0);
    gpumm_buffer_release(b);
    CHECK_OK(gpumm_manager_synchronize(m));
    CHECK_OK(gpumm_manager_trim(m, NULL));
    CHECK(now(GPUMM_CATEGORY_EXPORTED) >= 1600000 * 4);
    check_window(&first, 1000, 1600000); /* what is mapped stays */
    munmap(first.at, first.bytes);
    CHECK_OK(gpumm_manager_exports_over(m));
    CHECK(now(GPUMM_CATEGORY_EXPORTED) == 0);
    check_books(m, NULL);
}

/* Shrinking unmaps whole segments; what comes back in their place is other memory. */
static void shrinks(void) {
    gpumm_buffer *b = open_buffer("b", 1000);
    CHECK_OK(gpumm_buffer_resize(b, NULL, 500000));
    fill(b, 500000, 1);
    window w = map_all(b);
    CHECK_OK(gpumm_buffer_resize(b, NULL, 1000));
    CHECK_OK(gpumm_buffer_shrink_to_fit(b));
    CHECK_OK(gpumm_manager_synchronize(m));
    CHECK_OK(gpumm_manager_trim(m, NULL));
    CHECK(now(GPUMM_CATEGORY_EXPORTED) == w.bytes - UNIT);
    CHECK_OK(gpumm_buffer_resize(b, NULL, 500000));
    fill(b, 500000, 2);
    check_window(&w, 1000, 2);
    for (uint64_t i = UNIT / 4; i < 500000; i++) CHECK(w.at[i] == 1);
    munmap(w.at, w.bytes);
    CHECK_OK(gpumm_manager_exports_over(m));
    CHECK(now(GPUMM_CATEGORY_EXPORTED) == 0);
    CHECK_OK(gpumm_buffer_close(b));
    gpumm_buffer_release(b);
    check_books(m, NULL);
}

/* What was exported and still is when the manager closes is nobody's then. */
static void closes(void) {
    gpumm_buffer *b = open_buffer("b", 1000), *freed = open_buffer("freed", 1000);
    window w = map_all(b), v = map_all(freed);
    CHECK_OK(gpumm_buffer_close(freed));
    gpumm_buffer_release(freed);
    gpumm_buffer_release(b);
    close_and_check(m);
    munmap(w.at, w.bytes);
    munmap(v.at, v.bytes);
}

/* ---- The device's own calls -------------------------------------------------------------------------------- */

static int file_of(uint64_t bytes, int seals) {
    int file = memfd_create("test", MFD_ALLOW_SEALING);
    CHECK(file >= 0 && ftruncate(file, (off_t)bytes) == 0);
    if (seals) CHECK(fcntl(file, F_ADD_SEALS, seals) == 0);
    return file;
}

static void imports(void) {
    device *d;
    gpumm_address r = 0, w = 0;
    int file, none[2];
    CHECK_OK(gpumm__device_open(&(gpumm_options){.device = "host"}, &gpumm__alloc_default, &d));
    CHECK(d->shares);
    CHECK_OK(d->call->reserve(d, PLACE_SHARED, 8 * UNIT, &r));
    CHECK_OK(d->call->reserve(d, PLACE_SHARED, 8 * UNIT, &w));
    CHECK_OK(d->call->commit(d, PLACE_SHARED, r, 2 * UNIT));
    memset((void *)(uintptr_t)r, 7, 2 * UNIT);
    CHECK_STATUS(d->call->export_segment(d, r, UNIT, &file), GPUMM_DRIVER); /* not the whole segment */
    CHECK_OK(d->call->export_segment(d, r, 2 * UNIT, &file));
    CHECK_STATUS(d->call->import_segment(d, w, UNIT, file), GPUMM_INVALID_ARGUMENT);
    CHECK_STATUS(d->call->import_segment(d, r, 2 * UNIT, file), GPUMM_DRIVER); /* something is there */
    CHECK_OK(d->call->import_segment(d, w, 2 * UNIT, file));
    CHECK(memcmp((void *)(uintptr_t)r, (void *)(uintptr_t)w, 2 * UNIT) == 0);
    CHECK_STATUS(d->call->export_segment(d, w, 2 * UNIT, &none[0]), GPUMM_INVALID_ARGUMENT);
    close(file);
    CHECK_OK(d->call->decommit(d, PLACE_SHARED, r, 2 * UNIT));
    CHECK(((unsigned char *)(uintptr_t)w)[2 * UNIT - 1] == 7);
    CHECK_OK(d->call->decommit(d, PLACE_SHARED, w, 2 * UNIT));
    file = file_of(UNIT, 0);
    CHECK_STATUS(d->call->import_segment(d, w, UNIT, file), GPUMM_INVALID_ARGUMENT);
    CHECK_SAYS("could be made shorter");
    close(file);
    file = file_of(UNIT - 1, F_SEAL_SHRINK);
    CHECK_STATUS(d->call->import_segment(d, w, UNIT, file), GPUMM_INVALID_ARGUMENT);
    close(file);
    CHECK(pipe(none) == 0);
    CHECK_STATUS(d->call->import_segment(d, w, UNIT, none[0]), GPUMM_INVALID_ARGUMENT);
    close(none[0]);
    close(none[1]);
    CHECK_STATUS(d->call->import_segment(d, w, UNIT, -1), GPUMM_INVALID_ARGUMENT);
    d->call->release(d, PLACE_SHARED, r, 8 * UNIT);
    d->call->release(d, PLACE_SHARED, w, 8 * UNIT);
    gpumm__device_close(d);
}

int main(void) {
    imports();
    gpumm_options o = {.device = "host", .workers = 1, .inject_faults = true};
    CHECK_OK(gpumm_manager_open(&o, &m));
    sees_growth();
    shrinks();
    closes();
    return 0;
}
