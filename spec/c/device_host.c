/* SPDX-License-Identifier: MIT */
/* The host device: every rule that it enforces, and that its streams are truly asynchronous. */
#include <errno.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/status.h"
#include "device/host/module.h"
#include "device/host/state.h"
#include "device/open.h"
#include "door.h"
#include "table.h"

/* As the kernel sees it: no signal, and no sanitizer between. */
static bool readable(gpumm_address address) {
    int ends[2];
    CHECK(pipe(ends) == 0);
    bool read = syscall(SYS_write, ends[1], at(address), 1) == 1;
    close(ends[0]);
    close(ends[1]);
    return read;
}

static size_t resident_pages(gpumm_address address, size_t bytes) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE), pages = bytes / page, count = 0;
    unsigned char *present = malloc(pages);
    CHECK(present && mincore(at(address), bytes, present) == 0);
    for (size_t i = 0; i < pages; i++) count += present[i] & 1;
    free(present);
    return count;
}

/* ---- Opening ---- */

static void opening(void) {
    device *d = NULL;
    gpumm_options o = {.device = "gpu"};
    CHECK_STATUS(gpumm__device_open(&o, &gpumm__alloc_default, &d), GPUMM_INVALID_ARGUMENT);
    CHECK_SAYS("'auto', 'host', 'cuda'");
    o = (gpumm_options){.device = "cuda:"};
    CHECK_STATUS(gpumm__device_open(&o, &gpumm__alloc_default, &d), GPUMM_INVALID_ARGUMENT);
    o = (gpumm_options){.device = "host", .granularity_bytes = 3 * UNIT};
    CHECK_STATUS(gpumm__device_open(&o, &gpumm__alloc_default, &d), GPUMM_INVALID_ARGUMENT);
    CHECK_SAYS("power of two");
    o.granularity_bytes = 512;
    CHECK_STATUS(gpumm__device_open(&o, &gpumm__alloc_default, &d), GPUMM_INVALID_ARGUMENT);
    o = (gpumm_options){.device = "host", .workers = 100000};
    CHECK_STATUS(gpumm__device_open(&o, &gpumm__alloc_default, &d), GPUMM_INVALID_ARGUMENT);
    CHECK(d == NULL);
}

static void choosing(void) {
    device *d = NULL;
    setenv("GPUMM_DEVICE", "host", 1);
    CHECK_OK(gpumm__device_open(NULL, &gpumm__alloc_default, &d));
    CHECK(strcmp(d->info.kind, "host") == 0 && strstr(d->info.why, "GPUMM_DEVICE"));
    gpumm__device_close(d);
    setenv("GPUMM_DEVICE", "toaster", 1);
    gpumm_options o = {.device = "auto"};
    CHECK_STATUS(gpumm__device_open(&o, &gpumm__alloc_default, &d), GPUMM_INVALID_ARGUMENT);
    CHECK_SAYS("GPUMM_DEVICE is 'toaster'");
    o.device = "host"; /* what a program says outright, the environment does not change */
    CHECK_OK(gpumm__device_open(&o, &gpumm__alloc_default, &d));
    CHECK(strcmp(d->info.kind, "host") == 0 && strncmp(d->info.why, "host: ", 6) == 0);
    gpumm__device_close(d);
    unsetenv("GPUMM_DEVICE");
    CHECK_OK(gpumm__device_open(NULL, &gpumm__alloc_default, &d));
    CHECK(strncmp(d->info.why, d->info.kind, strlen(d->info.kind)) == 0);
    gpumm__device_close(d);
}

static void describing(void) {
    bench t = bench_open((gpumm_options){.workers = 3, .memory_bytes = 10 << 20, .granularity_bytes = 2 << 20});
    const gpumm_device_info *i = &t.d->info;
    CHECK(strstr(i->name, ", 3 threads") && i->units == 3 && i->total_bytes == 10 << 20);
    CHECK(i->granularity_bytes == 2 << 20 && i->pinned_granularity_bytes == 2 << 20 && i->in_place &&
          i->pinned_in_place);
    CHECK(t.call->native_stream(t.a) == NULL);
    device_stream *s = NULL;
    CHECK_STATUS(t.call->stream_open(t.d, &s, &s), GPUMM_INVALID_ARGUMENT);
    gpumm_address r = 0;
    CHECK_OK(t.call->reserve(t.d, PLACE_DEVICE, 8 << 20, &r));
    CHECK(r % (2 << 20) == 0);
    CHECK_STATUS(t.call->commit(t.d, PLACE_DEVICE, r, UNIT), GPUMM_INVALID_ARGUMENT);
    t.call->release(t.d, PLACE_DEVICE, r, 8 << 20);
    bench_close(&t);
    for (unsigned i2 = 0; i2 < CALL_COUNT; i2++)
        CHECK(gpumm__device_call_named(gpumm__device_call_name((device_call)i2)) == (device_call)i2);
    CHECK(gpumm__device_call_named("fly") == CALL_COUNT);
}

/* ---- Memory ---- */

static void committing(place where) {
    bench t = bench_open((gpumm_options){0});
    gpumm_address r = 0;
    CHECK_STATUS(t.call->reserve(t.d, where, 100, &r), GPUMM_INVALID_ARGUMENT);
    CHECK_OK(t.call->reserve(t.d, where, 4096ull * UNIT, &r));
    CHECK(r % UNIT == 0 && !readable(r));
    CHECK_STATUS(t.call->commit(t.d, where, r + 512, UNIT), GPUMM_INVALID_ARGUMENT);
    CHECK_STATUS(t.call->commit(t.d, where, r, UNIT + 512), GPUMM_INVALID_ARGUMENT);
    CHECK_STATUS(t.call->commit(t.d, where, r + 4095ull * UNIT, 2 * UNIT), GPUMM_DRIVER);
    CHECK_STATUS(t.call->commit(t.d, where == PLACE_HOST ? PLACE_DEVICE : PLACE_HOST, r, UNIT), GPUMM_DRIVER);
    CHECK_OK(t.call->commit(t.d, where, r, 1024ull * UNIT));
    CHECK(resident_pages(r, 1024ull * UNIT) == 0);
    CHECK(at(r)[0] == 0 && readable(r + 1024ull * UNIT - 1) && !readable(r + 1024ull * UNIT));
    CHECK_OK(t.call->commit(t.d, where, r + 1024ull * UNIT, 2 * UNIT));
    CHECK_STATUS(t.call->commit(t.d, where, r + 1025ull * UNIT, 2 * UNIT), GPUMM_DRIVER);
    CHECK_SAYS("committed already");
    memset(at(r), 7, UNIT);

    CHECK_STATUS(t.call->decommit(t.d, where, r, UNIT), GPUMM_DRIVER);
    CHECK_SAYS("give back what one commit took");
    CHECK_STATUS(t.call->decommit(t.d, where, r, 1026ull * UNIT), GPUMM_DRIVER);
    CHECK_STATUS(t.call->decommit(t.d, where, r + UNIT, UNIT), GPUMM_DRIVER);
    fail(GPUMM_OK, "nothing yet");
    t.call->release(t.d, where, r, 4096ull * UNIT);
    CHECK_SAYS("2 segments still committed");
    CHECK(at(r)[UNIT - 1] == 7);
    CHECK_OK(t.call->decommit(t.d, where, r + 1024ull * UNIT, 2 * UNIT));
    CHECK_OK(t.call->decommit(t.d, where, r, 1024ull * UNIT));
    CHECK(!readable(r));
    CHECK_OK(t.call->commit(t.d, where, r, UNIT));
    CHECK(at(r)[UNIT - 1] == 0);
    CHECK_OK(t.call->decommit(t.d, where, r, UNIT));
    t.call->release(t.d, where, r, UNIT);
    CHECK_SAYS("exactly that");
    t.call->release(t.d, where, r, 4096ull * UNIT);
    CHECK_STATUS(t.call->commit(t.d, where, r, UNIT), GPUMM_DRIVER);
    bench_close(&t);
}

static void quota(void) {
    bench t = bench_open((gpumm_options){.memory_bytes = 8 * UNIT});
    gpumm_address r = 0, x = 0, pinned;
    CHECK_OK(t.call->reserve(t.d, PLACE_DEVICE, 64 * UNIT, &r));
    CHECK_OK(t.call->commit(t.d, PLACE_DEVICE, r, 5 * UNIT));
    CHECK_STATUS(t.call->commit(t.d, PLACE_DEVICE, r + 5 * UNIT, 4 * UNIT), GPUMM_OUT_OF_MEMORY);
    CHECK_SAYS("256.0 KiB");
    CHECK_SAYS("320.0 KiB");
    CHECK_SAYS("512.0 KiB");
    CHECK(!readable(r + 5 * UNIT));
    CHECK_STATUS(t.call->alloc(t.d, PLACE_DEVICE, 3 * UNIT + 1, &x), GPUMM_OUT_OF_MEMORY);
    CHECK(x == 0);
    pinned = block(&t, PLACE_HOST, 64 * UNIT);
    x = block(&t, PLACE_DEVICE, 3 * UNIT);
    CHECK_STATUS(t.call->commit(t.d, PLACE_DEVICE, r + 5 * UNIT, UNIT), GPUMM_OUT_OF_MEMORY);
    t.call->free(t.d, PLACE_DEVICE, x, 3 * UNIT);
    CHECK_OK(t.call->commit(t.d, PLACE_DEVICE, r + 5 * UNIT, 3 * UNIT));
    CHECK_OK(t.call->decommit(t.d, PLACE_DEVICE, r, 5 * UNIT));
    x = block(&t, PLACE_DEVICE, 5 * UNIT);
    t.call->free(t.d, PLACE_DEVICE, x, 5 * UNIT);
    t.call->free(t.d, PLACE_HOST, pinned, 64 * UNIT);
    CHECK_STATUS(t.call->alloc(t.d, PLACE_DEVICE, 0, &x), GPUMM_INVALID_ARGUMENT);
    CHECK_STATUS(t.call->alloc(t.d, PLACE_HOST, UINT64_MAX - 5, &x), GPUMM_OUT_OF_MEMORY);
    CHECK_STATUS(t.call->reserve(t.d, PLACE_DEVICE, UINT64_MAX - UNIT + 1, &x), GPUMM_OUT_OF_MEMORY);
    bench_close(&t); /* what is left, the device takes with it */
}

/* It stands for several devices with a quota each, but all of them are in the machine's memory. */
static void machine(void) {
    bench t = bench_open((gpumm_options){.memory_bytes = 8 * UNIT});
    device_stripe stripe = {.bytes = UNIT, .count = 3, .devices = {0, 1, 2}};
    gpumm_address striped = 0, r = 0, s, x = 0;
    host_of(t.d)->most = 12 * UNIT;
    CHECK_OK(t.call->stripe_check(t.d, &stripe));
    CHECK_OK(t.call->reserve(t.d, PLACE_STRIPED, 16 * UNIT, &striped));
    CHECK_OK(t.call->reserve(t.d, PLACE_DEVICE, 16 * UNIT, &r));
    CHECK_OK(t.call->commit_striped(t.d, &stripe, 0, striped, 9 * UNIT));
    CHECK_STATUS(t.call->commit(t.d, PLACE_DEVICE, r, 4 * UNIT), GPUMM_OUT_OF_MEMORY);
    CHECK_SAYS("576.0 KiB held already on all devices is over the machine's 768.0 KiB");
    CHECK_STATUS(t.call->alloc(t.d, PLACE_DEVICE, 4 * UNIT, &x), GPUMM_OUT_OF_MEMORY);
    CHECK_OK(t.call->commit(t.d, PLACE_DEVICE, r, 2 * UNIT));
    s = r + 2 * UNIT;
    CHECK_OK(t.call->commit(t.d, PLACE_SPILLED, s, 2 * UNIT));
    CHECK_STATUS(t.call->promote(t.d, 2 * UNIT, &s), GPUMM_OUT_OF_MEMORY);
    CHECK_SAYS("on all devices");
    CHECK_STATUS(t.call->commit_striped(t.d, &stripe, 9, striped + 9 * UNIT, 2 * UNIT), GPUMM_OUT_OF_MEMORY);
    for (uint64_t i = 0; i < 9; i++) CHECK_OK(t.call->decommit(t.d, PLACE_STRIPED, striped + i * UNIT, UNIT));
    CHECK_OK(t.call->promote(t.d, 2 * UNIT, &s)); /* what was refused took nothing */
    x = block(&t, PLACE_DEVICE, 4 * UNIT);
    CHECK_STATUS(t.call->commit(t.d, PLACE_DEVICE, r + 4 * UNIT, UNIT), GPUMM_OUT_OF_MEMORY);
    CHECK_SAYS("over its quota");
    t.call->free(t.d, PLACE_DEVICE, x, 4 * UNIT);
    bench_close(&t);
}

/* Memory beside the quota, as good as the device's, and in it once it is promoted; of no use as the device's before that. */
static void spilling(void) {
    bench t = bench_open((gpumm_options){.memory_bytes = 4 * UNIT});
    gpumm_address r = 0, s, p = block(&t, PLACE_HOST, 4 * UNIT);
    door d = DOOR_SHUT;
    CHECK_OK(t.call->reserve(t.d, PLACE_DEVICE, 16 * UNIT, &r));
    s = r + 3 * UNIT;
    CHECK_OK(t.call->commit(t.d, PLACE_DEVICE, r, 3 * UNIT));
    CHECK_OK(t.call->commit(t.d, PLACE_SPILLED, s, 2 * UNIT));
    CHECK_STATUS(t.call->commit(t.d, PLACE_SPILLED, s + UNIT, UNIT), GPUMM_DRIVER);
    memset(at(p), 9, 4 * UNIT);
    CHECK_OK(t.call->copy(t.d, t.a, COPY_H2D, r + UNIT, p, 4 * UNIT)); /* over the border */
    CHECK_OK(t.call->stream_synchronize(t.d, t.a));
    CHECK(at(s)[0] == 9 && at(s)[2 * UNIT - 1] == 9);
    CHECK_STATUS(t.call->promote(t.d, 2 * UNIT, &s), GPUMM_OUT_OF_MEMORY);
    CHECK_STATUS(t.call->decommit(t.d, PLACE_DEVICE, s, 2 * UNIT), GPUMM_DRIVER);
    CHECK_OK(t.call->decommit(t.d, PLACE_DEVICE, r, 3 * UNIT));
    door_queue(t.d, t.a, &d);
    CHECK_OK(t.call->fill(t.d, t.a, s, 8, 1, UNIT));
    CHECK_STATUS(t.call->promote(t.d, 2 * UNIT, &s), GPUMM_DRIVER);
    CHECK_SAYS("under queued work");
    door_open(&d);
    CHECK_OK(t.call->stream_synchronize(t.d, t.a));
    CHECK_STATUS(t.call->promote(t.d, UNIT, &s), GPUMM_DRIVER);
    CHECK_OK(t.call->promote(t.d, 2 * UNIT, &s));
    CHECK(s == r + 3 * UNIT && at(s)[0] == 8 && at(s)[2 * UNIT - 1] == 9);
    CHECK_STATUS(t.call->promote(t.d, 2 * UNIT, &s), GPUMM_DRIVER);
    CHECK_STATUS(t.call->commit(t.d, PLACE_DEVICE, r, 3 * UNIT), GPUMM_OUT_OF_MEMORY);
    CHECK_OK(t.call->decommit(t.d, PLACE_DEVICE, s, 2 * UNIT));
    t.call->release(t.d, PLACE_DEVICE, r, 16 * UNIT);
    t.call->free(t.d, PLACE_HOST, p, 4 * UNIT);
    bench_close(&t);
}

static void spilling_blocks(void) {
    bench t = bench_open((gpumm_options){.memory_bytes = 4 * UNIT, .relocate = true});
    gpumm_address x = block(&t, PLACE_SPILLED, 6 * UNIT), before = x, y;
    memset(at(x), 5, 6 * UNIT);
    CHECK_STATUS(t.call->promote(t.d, 6 * UNIT, &x), GPUMM_OUT_OF_MEMORY);
    CHECK(x == before && at(x)[6 * UNIT - 1] == 5);
    CHECK_OK(t.call->shrink(t.d, PLACE_SPILLED, 6 * UNIT, 3 * UNIT, &x));
    CHECK_OK(t.call->promote(t.d, 3 * UNIT, &x));
    CHECK(at(x)[0] == 5 && at(x)[3 * UNIT - 1] == 5);
    CHECK_STATUS(t.call->alloc(t.d, PLACE_DEVICE, 2 * UNIT, &y), GPUMM_OUT_OF_MEMORY);
    CHECK_STATUS(t.call->free(t.d, PLACE_SPILLED, x, 3 * UNIT), GPUMM_DRIVER);
    CHECK_OK(t.call->free(t.d, PLACE_DEVICE, x, 3 * UNIT));
    bench_close(&t);
}

static void relocating(void) {
    bench t = bench_open((gpumm_options){.relocate = true});
    gpumm_address r = 0;
    CHECK(!t.d->info.in_place && !t.d->info.pinned_in_place);
    CHECK_STATUS(t.call->reserve(t.d, PLACE_DEVICE, UNIT, &r), GPUMM_DRIVER);
    CHECK_STATUS(t.call->commit(t.d, PLACE_HOST, UNIT, UNIT), GPUMM_DRIVER);
    CHECK_SAYS("alloc");
    r = block(&t, PLACE_DEVICE, 1000);
    CHECK_OK(t.call->fill(t.d, t.a, r, 3, 1, 1000));
    CHECK_OK(t.call->stream_synchronize(t.d, t.a));
    CHECK(at(r)[999] == 3);
    t.call->free(t.d, PLACE_DEVICE, r, 1000);
    bench_close(&t);
}

static void access_before_use(void) {
    bench t = bench_open((gpumm_options){0});
    gpumm_address r = 0, pinned = block(&t, PLACE_HOST, 4 * UNIT), x = block(&t, PLACE_DEVICE, 4 * UNIT);
    char where[32];
    CHECK_OK(t.call->reserve(t.d, PLACE_DEVICE, 8 * UNIT, &r));
    CHECK_STATUS(t.call->fill(t.d, t.a, r, 0, 1, 16), GPUMM_DRIVER);
    CHECK_SAYS("commit or alloc it first");
    CHECK_OK(t.call->commit(t.d, PLACE_DEVICE, r, UNIT));
    CHECK_OK(t.call->commit(t.d, PLACE_DEVICE, r + UNIT, UNIT));
    CHECK_OK(t.call->commit(t.d, PLACE_DEVICE, r + 3 * UNIT, UNIT));
    CHECK_OK(t.call->copy(t.d, t.a, COPY_H2D, r + 100, pinned, 2 * UNIT - 100)); /* over two segments */
    CHECK_STATUS(t.call->copy(t.d, t.a, COPY_H2D, r + 100, pinned, 2 * UNIT), GPUMM_DRIVER);
    snprintf(where, sizeof where, "0x%llx", (unsigned long long)(r + 2 * UNIT));
    CHECK_SAYS(where); /* the hole's start, not the copy's */
    CHECK_STATUS(t.call->copy(t.d, t.a, COPY_D2H, pinned, r + 3 * UNIT, UNIT + 1), GPUMM_DRIVER);
    CHECK_STATUS(t.call->copy(t.d, t.a, COPY_H2D, x, pinned + 4 * UNIT - 1, 2), GPUMM_DRIVER);
    CHECK_STATUS(t.call->copy(t.d, t.a, COPY_H2D, x, r, 16), GPUMM_DRIVER); /* device where pinned is wanted */
    CHECK_SAYS("copy from");
    CHECK_SAYS("pinned memory is wanted");
    int mine[4] = {0};
    CHECK_STATUS(t.call->copy(t.d, t.a, COPY_D2H, (uintptr_t)mine, x, sizeof mine), GPUMM_DRIVER);
    CHECK_STATUS(t.call->copy(t.d, t.a, COPY_D2D, x + 8, x, 16), GPUMM_DRIVER);
    CHECK_SAYS("overlaps");
    CHECK_STATUS(t.call->copy(t.d, t.a, COPY_D2D, x, UINT64_MAX - 3, 16), GPUMM_DRIVER);
    CHECK_STATUS(t.call->fill(t.d, t.a, x, 0, 3, 1), GPUMM_INVALID_ARGUMENT);
    CHECK_STATUS(t.call->fill(t.d, t.a, x + 2, 0, 4, 1), GPUMM_INVALID_ARGUMENT);
    CHECK_STATUS(t.call->fill(t.d, t.a, x, 0, 4, UINT64_MAX / 2), GPUMM_INVALID_ARGUMENT);
    CHECK_OK(t.call->stream_synchronize(t.d, t.a));
    bench_close(&t);
}

/* ---- Streams ---- */

static void contents(void) {
    bench t = bench_open((gpumm_options){0});
    gpumm_address x = block(&t, PLACE_DEVICE, 4096), pinned = block(&t, PLACE_HOST, 4096);
    CHECK_OK(t.call->fill(t.d, t.a, x, 0x11223344, 4, 1024));
    CHECK_OK(t.call->fill(t.d, t.a, x + 8, 0xbeef, 2, 3));
    CHECK_OK(t.call->fill(t.d, t.a, x + 16, 0x1ab, 1, 2));
    CHECK_OK(t.call->fill(t.d, t.a, x, 0, 4, 0));
    CHECK_OK(t.call->copy(t.d, t.a, COPY_D2D, x + 2048, x, 24));
    CHECK_OK(t.call->copy(t.d, t.a, COPY_D2H, pinned, x, 4096));
    CHECK_OK(t.call->stream_synchronize(t.d, t.a));
    const uint8_t expected[24] = {0x44, 0x33, 0x22, 0x11, 0x44, 0x33, 0x22, 0x11, 0xef, 0xbe, 0xef, 0xbe,
                                  0xef, 0xbe, 0x22, 0x11, 0xab, 0xab, 0x22, 0x11, 0x44, 0x33, 0x22, 0x11};
    CHECK(memcmp(at(pinned), expected, 24) == 0 && memcmp(at(pinned) + 2048, expected, 24) == 0);
    CHECK(at(pinned)[4095] == 0x11);
    t.call->free(t.d, PLACE_DEVICE, x, 4096);
    t.call->free(t.d, PLACE_HOST, pinned, 4096);
    bench_close(&t);
}

static char order[16];

static void note(void *user) { strcat(order, user); }

static void asynchronous(void) {
    bench t = bench_open((gpumm_options){0});
    gpumm_address x = block(&t, PLACE_DEVICE, 64);
    door d = DOOR_SHUT;
    bool idle = false;
    CHECK_OK(t.call->stream_query(t.d, t.a, &idle));
    CHECK(idle);
    at(x)[0] = 9;
    order[0] = '\0';
    door_queue(t.d, t.a, &d);
    CHECK_OK(t.call->call(t.d, t.a, note, "1"));
    CHECK_OK(t.call->fill(t.d, t.a, x, 5, 1, 64));
    CHECK_OK(t.call->call(t.d, t.a, note, "2"));
    door_await(&d);
    CHECK_OK(t.call->stream_query(t.d, t.a, &idle));
    CHECK(!idle && at(x)[0] == 9);
    CHECK_OK(t.call->stream_synchronize(t.d, t.b)); /* the other stream is free */
    door_open(&d);
    CHECK_OK(t.call->stream_synchronize(t.d, t.a));
    CHECK_OK(t.call->stream_query(t.d, t.a, &idle));
    CHECK(idle && at(x)[63] == 5 && strcmp(order, "12") == 0);
    t.call->free(t.d, PLACE_DEVICE, x, 64);
    bench_close(&t);
}

static void close_finishes(void) {
    bench t = bench_open((gpumm_options){0});
    device_stream *s = NULL;
    order[0] = '\0';
    CHECK_OK(t.call->stream_open(t.d, NULL, &s));
    for (int i = 0; i < 8; i++) CHECK_OK(t.call->call(t.d, s, note, "x"));
    t.call->stream_close(t.d, s);
    CHECK(strcmp(order, "xxxxxxxx") == 0);
    gpumm__device_close(t.d); /* its two streams still open: it joins them all the same */
}

/* ---- Memory under queued work ---- */

static void nothing_runs(void *const *arguments, uint64_t begin, uint64_t end, uint64_t threads, unsigned block_) {
    (void)arguments, (void)begin, (void)end, (void)threads, (void)block_;
}

static void in_use(void) {
    bench t = bench_open((gpumm_options){0});
    gpumm_address r = 0, x = block(&t, PLACE_DEVICE, UNIT), pinned = block(&t, PLACE_HOST, UNIT);
    CHECK_OK(t.call->reserve(t.d, PLACE_DEVICE, 8 * UNIT, &r));
    for (unsigned i = 0; i < 3; i++) CHECK_OK(t.call->commit(t.d, PLACE_DEVICE, r + i * UNIT, UNIT));
    door first = DOOR_SHUT, second = DOOR_SHUT;
    door_queue(t.d, t.a, &first);
    CHECK_OK(t.call->fill(t.d, t.a, r + UNIT - 4, 1, 1, 8));
    CHECK_OK(t.call->copy(t.d, t.a, COPY_H2D, x, pinned, 16));
    CHECK_STATUS(t.call->decommit(t.d, PLACE_DEVICE, r, UNIT), GPUMM_DRIVER);
    CHECK_SAYS("under queued work");
    CHECK_STATUS(t.call->decommit(t.d, PLACE_DEVICE, r + UNIT, UNIT), GPUMM_DRIVER);
    CHECK_OK(t.call->decommit(t.d, PLACE_DEVICE, r + 2 * UNIT, UNIT)); /* none of theirs */
    t.call->free(t.d, PLACE_DEVICE, x, UNIT);
    CHECK_SAYS("free of");
    CHECK_SAYS("under queued work");
    t.call->free(t.d, PLACE_HOST, pinned, UNIT);
    CHECK(readable(x) && readable(pinned));

    device_function f = {.name = "f", .run = nothing_runs};
    gpumm_address argument = r + 12;
    void *arguments[] = {&argument};
    size_t sizes[] = {sizeof argument};
    device_launch launch = {.arguments = arguments, .sizes = sizes, .count = 1, .threads = 1};
    CHECK_OK(t.call->commit(t.d, PLACE_DEVICE, r + 7 * UNIT, UNIT));
    door_queue(t.d, t.b, &second);
    CHECK_OK(t.call->launch(t.d, t.b, &f, &launch));
    door_open(&first);
    CHECK_OK(t.call->stream_synchronize(t.d, t.a));
    CHECK_STATUS(t.call->decommit(t.d, PLACE_DEVICE, r + 7 * UNIT, UNIT), GPUMM_DRIVER); /* it may reach anything */
    door_open(&second);
    CHECK_OK(t.call->stream_synchronize(t.d, t.b));
    CHECK_OK(t.call->decommit(t.d, PLACE_DEVICE, r + 7 * UNIT, UNIT));
    CHECK_OK(t.call->decommit(t.d, PLACE_DEVICE, r + UNIT, UNIT));
    CHECK_OK(t.call->decommit(t.d, PLACE_DEVICE, r, UNIT));
    t.call->release(t.d, PLACE_DEVICE, r, 8 * UNIT);
    t.call->free(t.d, PLACE_DEVICE, x, UNIT);
    CHECK(!readable(x));
    t.call->free(t.d, PLACE_HOST, pinned, UNIT);
    bench_close(&t);
}

/* ---- Events ---- */

static void events(void) {
    bench t = bench_open((gpumm_options){0});
    device_event *e = NULL, *f = NULL;
    bool done = false;
    double seconds = -1;
    CHECK_OK(t.call->event_open(t.d, EVENT_TIMED, &e));
    CHECK_OK(t.call->event_open(t.d, EVENT_TIMED, &f));
    CHECK_OK(t.call->event_query(t.d, e, &done));
    CHECK(done);
    CHECK_OK(t.call->event_synchronize(t.d, e));
    CHECK_OK(t.call->stream_wait(t.d, t.a, e));
    CHECK_STATUS(t.call->event_elapsed(t.d, e, f, &seconds), GPUMM_INVALID_ARGUMENT);
    CHECK_OK(t.call->event_record(t.d, e, t.a));
    CHECK_OK(t.call->event_synchronize(t.d, e));
    door d = DOOR_SHUT;
    door_queue(t.d, t.a, &d);
    CHECK_OK(t.call->event_record(t.d, f, t.a));
    CHECK_OK(t.call->event_query(t.d, f, &done));
    CHECK(!done);
    CHECK_STATUS(t.call->event_elapsed(t.d, e, f, &seconds), GPUMM_BUSY);
    CHECK(seconds == -1);
    gpumm__clock_sleep_ns(2000000);
    door_open(&d);
    CHECK_OK(t.call->event_synchronize(t.d, f));
    CHECK_OK(t.call->event_query(t.d, f, &done));
    CHECK_OK(t.call->event_elapsed(t.d, e, f, &seconds));
    CHECK(done && seconds >= 0.002 && seconds < 60);
    CHECK_OK(t.call->event_elapsed(t.d, f, e, &seconds));
    CHECK(seconds <= -0.002);
    t.call->event_close(t.d, e);
    t.call->event_close(t.d, f);
    bench_close(&t);
}

/* A wait holds the record it found: recording anew, elsewhere and done at once, does not let it go early;
   recording anew behind it does not hold it up; and the event may be closed meanwhile. */
static void binding(void) {
    bench t = bench_open((gpumm_options){0});
    device_stream *c = NULL;
    device_event *e = NULL;
    bool done = false, idle = false;
    CHECK_OK(t.call->stream_open(t.d, NULL, &c));
    CHECK_OK(t.call->event_open(t.d, EVENT_TIMED, &e));
    door first = DOOR_SHUT, second = DOOR_SHUT, passed = DOOR_SHUT;
    door_open(&passed);
    door_queue(t.d, t.a, &first);
    CHECK_OK(t.call->event_record(t.d, e, t.a));
    CHECK_OK(t.call->stream_wait(t.d, t.b, e));
    door_queue(t.d, t.b, &passed);
    CHECK_OK(t.call->event_record(t.d, e, c));
    CHECK_OK(t.call->event_synchronize(t.d, e)); /* c's record, long done */
    CHECK_OK(t.call->event_query(t.d, e, &done));
    CHECK(done);
    CHECK_OK(t.call->stream_query(t.d, t.b, &idle));
    CHECK(!idle && !passed.reached);

    door_queue(t.d, c, &second);
    CHECK_OK(t.call->event_record(t.d, e, c)); /* behind a shut door: no matter to b */
    t.call->event_close(t.d, e);
    door_open(&first);
    CHECK_OK(t.call->stream_synchronize(t.d, t.b));
    CHECK(passed.reached);
    door_open(&second);
    t.call->stream_close(t.d, c);
    bench_close(&t);
}

/* ---- Kernels ---- */

typedef struct tally {
    atomic_uint *hits;
    uint64_t threads;
} tally;

static void count_up(void *const *arguments, uint64_t begin, uint64_t end, uint64_t threads, unsigned block_) {
    tally a;
    uint8_t odd;
    memcpy(&a, arguments[0], sizeof a);
    memcpy(&odd, arguments[1], sizeof odd);
    CHECK((uintptr_t)arguments[0] % _Alignof(max_align_t) == 0 && (uintptr_t)arguments[2] % 8 == 0);
    CHECK(threads == a.threads && end <= threads && odd == 77 && block_ == 128);
    for (uint64_t i = begin; i < end; i++) atomic_fetch_add(&a.hits[i], 1);
}

static void every_thread_once(unsigned workers) {
    bench t = bench_open((gpumm_options){.workers = workers});
    enum { MOST = 100003 };
    static atomic_uint hits[MOST];
    device_function f = {.name = "count_up", .run = count_up};
    const uint64_t sizes_of[] = {1, 63, 64, 65, 1000, MOST};
    for (size_t n = 0; n < sizeof sizes_of / sizeof *sizes_of; n++) {
        memset(hits, 0, sizeof hits);
        tally a = {hits, sizes_of[n]};
        uint8_t odd = 77;
        uint64_t address = 12;
        void *arguments[] = {&a, &odd, &address};
        size_t sizes[] = {sizeof a, sizeof odd, sizeof address};
        device_launch launch = {arguments, sizes, 3, sizes_of[n], {128}, 0, {0}};
        CHECK_OK(t.call->launch(t.d, t.a, &f, &launch));
        memset(&a, 0xff, sizeof a); /* taken when the call returned */
        odd = 0;
        CHECK_OK(t.call->stream_synchronize(t.d, t.a));
        for (uint64_t i = 0; i < MOST; i++) CHECK(hits[i] == (i < sizes_of[n]));
    }
    bench_close(&t);
}

static void launch_bounds(void) {
    bench t = bench_open((gpumm_options){0});
    device_function f = {.name = "count_up", .run = count_up};
    device_launch launch = {.threads = 0};
    CHECK_STATUS(t.call->launch(t.d, t.a, &f, &launch), GPUMM_INVALID_ARGUMENT);
    CHECK_SAYS("count_up");
    launch = (device_launch){.threads = 1, .block = {2048}};
    CHECK_STATUS(t.call->launch(t.d, t.a, &f, &launch), GPUMM_INVALID_ARGUMENT);
    launch = (device_launch){.threads = UINT64_MAX, .block = {256}};
    CHECK_STATUS(t.call->launch(t.d, t.a, &f, &launch), GPUMM_INVALID_ARGUMENT);
    size_t huge[] = {SIZE_MAX - 8};
    void *arguments[] = {huge};
    launch = (device_launch){.arguments = arguments, .sizes = huge, .count = 1, .threads = 1};
    CHECK_STATUS(t.call->launch(t.d, t.a, &f, &launch), GPUMM_INVALID_ARGUMENT);
    bench_close(&t);
}

/* Ends only if two threads are in it at once. */
static void meet(void *const *arguments, uint64_t begin, uint64_t end, uint64_t threads, unsigned block_) {
    atomic_uint *present;
    (void)begin, (void)end, (void)threads, (void)block_;
    memcpy(&present, arguments[0], sizeof present);
    atomic_fetch_add(present, 1);
    while (atomic_load(present) < 2) gpumm__clock_sleep_ns(1000);
}

static void queue_meeting(bench *t, device_stream *s, atomic_uint *present, uint64_t threads) {
    device_function f = {.name = "meet", .run = meet};
    void *arguments[] = {&present};
    size_t sizes[] = {sizeof present};
    device_launch launch = {.arguments = arguments, .sizes = sizes, .count = 1, .threads = threads};
    CHECK_OK(t->call->launch(t->d, s, &f, &launch));
}

static void kernels_share(void) {
    bench t = bench_open((gpumm_options){.workers = 2});
    atomic_uint within = 0, between = 0;
    queue_meeting(&t, t.a, &within, 1000); /* two of one stream's chunks at once */
    CHECK_OK(t.call->stream_synchronize(t.d, t.a));
    queue_meeting(&t, t.a, &between, 1); /* one thread each: two streams at once */
    queue_meeting(&t, t.b, &between, 1);
    CHECK_OK(t.call->stream_synchronize(t.d, t.a));
    CHECK_OK(t.call->stream_synchronize(t.d, t.b));
    CHECK(between == 2);
    bench_close(&t);
}

/* ---- All at once: streams hand one counter round, ordered by events alone ---- */

static void add_one(void *const *arguments, uint64_t begin, uint64_t end, uint64_t threads, unsigned block_) {
    uint32_t *x;
    (void)threads, (void)block_;
    memcpy(&x, arguments[0], sizeof x);
    for (uint64_t i = begin; i < end; i++) x[i]++;
}

enum { ROUNDS = 300, LANES = 500 };

static void *hand_round(void *user) {
    bench *t = user;
    gpumm_address x = block(t, PLACE_DEVICE, LANES * 4), down = block(t, PLACE_HOST, LANES * 4);
    device_event *e = NULL;
    device_stream *s[3] = {NULL, t->a, t->b};
    device_function f = {.name = "add_one", .run = add_one};
    void *arguments[] = {&x};
    size_t sizes[] = {sizeof x};
    device_launch launch = {.arguments = arguments, .sizes = sizes, .count = 1, .threads = LANES};
    CHECK_OK(t->call->stream_open(t->d, NULL, &s[0]));
    CHECK_OK(t->call->event_open(t->d, EVENT_TIMED, &e));
    CHECK_OK(t->call->fill(t->d, s[0], x, 0, 4, LANES));
    for (unsigned i = 0; i < ROUNDS; i++) {
        CHECK_OK(t->call->launch(t->d, s[i % 3], &f, &launch));
        CHECK_OK(t->call->event_record(t->d, e, s[i % 3])); /* one event, recorded anew each time */
        CHECK_OK(t->call->stream_wait(t->d, s[(i + 1) % 3], e));
    }
    CHECK_OK(t->call->copy(t->d, s[ROUNDS % 3], COPY_D2H, down, x, LANES * 4));
    CHECK_OK(t->call->event_record(t->d, e, s[ROUNDS % 3]));
    CHECK_OK(t->call->event_synchronize(t->d, e));
    for (unsigned i = 0; i < LANES; i++) CHECK(((const uint32_t *)at(down))[i] == ROUNDS);
    t->call->free(t->d, PLACE_DEVICE, x, LANES * 4);
    t->call->free(t->d, PLACE_HOST, down, LANES * 4);
    CHECK(!readable(x));
    t->call->event_close(t->d, e);
    t->call->stream_close(t->d, s[0]);
    return NULL;
}

static void many_threads(void) {
    bench t = bench_open((gpumm_options){.workers = 3});
    pthread_t thread[3];
    for (int i = 0; i < 3; i++) CHECK(pthread_create(&thread[i], NULL, hand_round, &t) == 0);
    for (int i = 0; i < 3; i++) pthread_join(thread[i], NULL);
    bench_close(&t);
}

/* ---- Without host memory: at each point in turn, nothing stays behind ---- */

typedef struct purse {
    atomic_int left; /* allocations granted; then none */
    atomic_int live;
} purse;

static void *purse_reallocate(void *user, void *old, size_t size) {
    purse *p = user;
    if (size == 0) {
        free(old);
        atomic_fetch_sub(&p->live, 1);
        return NULL;
    }
    if (atomic_fetch_sub(&p->left, 1) <= 0) return NULL;
    void *new = realloc(old, size);
    if (new && !old) atomic_fetch_add(&p->live, 1);
    return new;
}

/* True where everything was granted. What was taken before a failure is given back as a caller would. */
static bool walk(device *d, device_stream *s, device_event *e) {
    const device_table *call = d->call;
    gpumm_address r = 0, x = 0;
    device_function f = {.name = "nothing", .run = nothing_runs};
    void *arguments[] = {&x};
    size_t sizes[] = {sizeof x};
    device_launch launch = {.arguments = arguments, .sizes = sizes, .count = 1, .threads = 500};
    bool reserved = call->reserve(d, PLACE_DEVICE, 4 * UNIT, &r) == GPUMM_OK;
    bool committed = reserved && call->commit(d, PLACE_DEVICE, r, UNIT) == GPUMM_OK;
    bool made = committed && call->alloc(d, PLACE_DEVICE, 64, &x) == GPUMM_OK;
    bool queued = made && call->fill(d, s, r, 1, 1, UNIT) == GPUMM_OK && call->launch(d, s, &f, &launch) == GPUMM_OK &&
                  call->copy(d, s, COPY_D2D, x, r, 64) == GPUMM_OK && call->event_record(d, e, s) == GPUMM_OK;
    CHECK_OK(call->stream_synchronize(d, s));
    if (queued) CHECK(at(x)[63] == 1);
    if (made) call->free(d, PLACE_DEVICE, x, 64);
    if (committed) CHECK_OK(call->decommit(d, PLACE_DEVICE, r, UNIT)); /* no claim of a failed call is left */
    if (reserved) call->release(d, PLACE_DEVICE, r, 4 * UNIT);
    return queued;
}

static bool walk_with(purse *p) {
    const gpumm_allocator from = {.reallocate = purse_reallocate, .user = p};
    gpumm_options o = {.device = "host", .workers = 2};
    device *d = NULL;
    device_stream *s = NULL;
    device_event *e = NULL;
    if (gpumm__device_open(&o, &from, &d) != GPUMM_OK) return false;
    bool streams = d->call->stream_open(d, NULL, &s) == GPUMM_OK;
    bool events_ = streams && d->call->event_open(d, EVENT_TIMED, &e) == GPUMM_OK;
    bool whole = events_ && walk(d, s, e);
    if (events_) d->call->event_close(d, e);
    if (streams) d->call->stream_close(d, s);
    gpumm__device_close(d);
    return whole;
}

static void starving(void) {
    int granted = 0;
    for (bool whole = false; !whole; granted++) {
        purse p = {.left = granted};
        whole = walk_with(&p);
        CHECK(p.live == 0);
        if (!whole) CHECK_SAYS("no host memory");
    }
    CHECK(granted > 8);
}

int main(void) {
    unsetenv("GPUMM_DEVICE");
    opening();
    choosing();
    describing();
    committing(PLACE_DEVICE);
    committing(PLACE_HOST);
    quota();
    machine();
    spilling();
    spilling_blocks();
    relocating();
    access_before_use();
    contents();
    asynchronous();
    close_finishes();
    in_use();
    events();
    binding();
    every_thread_once(1);
    every_thread_once(4);
    launch_bounds();
    kernels_share();
    many_threads();
    starving();
    return 0;
}
