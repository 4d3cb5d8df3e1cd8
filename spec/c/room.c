/* SPDX-License-Identifier: MIT */
/* The model of room: random buffers on a device that is small, held against arrays in memory. Nothing is refused for the
   device's memory while the live capacities, rounded to the commit granularity, fit with one largest segment to spare;
   after a trim no more is held than they need, and what the slab of small ones rounds up.
       room [operations] [seed] */
#include <inttypes.h>
#include <stdio.h>

static uint64_t seed = 1, step_number;
static const char *now_doing = "";

static void say_where(void) {
    fprintf(stderr, "room: seed %" PRIu64 ", operation %" PRIu64 " (%s)\n", seed, step_number, now_doing);
}
#define CHECK_CONTEXT() say_where()
#include "hard.h"

enum { ITEMS = 16, UNIT = 64 << 10, MIB = 1 << 20, QUOTA = 40 * MIB, LARGEST = 6 * MIB, SLAB = 2 * MIB };

typedef struct item {
    gpumm_buffer *buffer; /* NULL: none */
    uint64_t length, capacity, mapping;
    gpumm_address address;
    unsigned char *bytes;
} item;

enum { H_OPERATIONS, H_REFUSED, H_CERTAIN, H_GROWN, H_SHRUNK, H_TRIMMED, H_EXCHANGED, H_MOVED, H_COUNT };
static const char *const histogram_names[H_COUNT] = {"operations", "refused", "certain to fit",   "grown",
                                                     "shrunk",     "trimmed", "memory exchanged", "moved"};
static uint64_t histogram[H_COUNT];

static gpumm_manager *m;
static gpumm_type *u8;
static gpumm_stream *side;
static item items[ITEMS];
static bool relocating;
static dice d;

static uint64_t rounded(uint64_t bytes) { return bytes ? (bytes + UNIT - 1) / UNIT * UNIT : relocating ? UNIT : 0; }

static gpumm_stream *any_stream(void) { return below(&d, 2) ? side : NULL; }

/* ---- What must be true ------------------------------------------------------------------------ */

static uint64_t live_bytes(void) {
    uint64_t sum = 0;
    for (int i = 0; i < ITEMS; i++)
        if (items[i].buffer) sum += rounded(items[i].capacity);
    return sum;
}

static uint64_t largest(void) {
    uint64_t most = 0;
    for (int i = 0; i < ITEMS; i++)
        if (items[i].buffer && rounded(items[i].capacity) > most) most = rounded(items[i].capacity);
    return most;
}

/* Is there room for sure, where an item comes to hold `bytes`? Where it relocates the old memory is there meanwhile. */
static bool is_certain(const item *x, uint64_t bytes) {
    uint64_t live = live_bytes() + rounded(bytes), most = largest();
    if (!relocating && x->buffer) live -= rounded(x->capacity);
    if (rounded(bytes) > most) most = rounded(bytes);
    bool fits = live + most + SLAB <= QUOTA;
    histogram[H_CERTAIN] += fits;
    return fits;
}

static bool refused(gpumm_status status, bool certain) {
    if (status == GPUMM_OK) return false;
    CHECK_STATUS(status, GPUMM_OUT_OF_MEMORY);
    CHECK(!certain);
    histogram[H_REFUSED]++;
    return true;
}

static void look_at(item *x) {
    gpumm_buffer_info info;
    CHECK_OK(gpumm_buffer_get_info(x->buffer, &info));
    CHECK(info.length == x->length && info.capacity >= x->length);
    if (!relocating && x->address) CHECK(info.address == x->address && info.generation == 1);
    histogram[H_EXCHANGED] += info.mapping > x->mapping;
    histogram[H_MOVED] += x->address && info.address != x->address;
    x->capacity = info.capacity;
    x->mapping = info.mapping;
    x->address = info.address;
}

static void verify(const item *x) {
    static unsigned char got[2 * LARGEST];
    CHECK_OK(gpumm_buffer_download(x->buffer, any_stream(), 0, x->length, got));
    CHECK(memcmp(got, x->bytes, x->length) == 0);
}

static void add_block(void *user, const gpumm_block *b) {
    bool pinned = b->category == GPUMM_PINNED || strcmp(b->tag, "transfer block") == 0;
    if (!pinned) *(uint64_t *)user += b->committed_bytes;
}

/* A worker may be committing ahead at this moment. */
static void check_trimmed(void) {
    uint64_t held = 0;
    double end = seconds_now() + 20;
    do {
        held = 0;
        CHECK_OK(gpumm_manager_trim(m, NULL));
        gpumm_manager_blocks(m, add_block, &held);
        for (int i = 0; i < ITEMS; i++)
            if (items[i].buffer) look_at(&items[i]);
    } while (held > live_bytes() + SLAB && seconds_now() < end);
    CHECK(held <= live_bytes() + SLAB);
}

/* ---- What is done ------------------------------------------------------------------------------- */

static uint64_t random_bytes(void) {
    switch (below(&d, 4)) {
    case 0: return below(&d, 2000);
    case 1: return below(&d, 4 * UNIT);
    default: return below(&d, LARGEST);
    }
}

static void scribble(item *x) {
    if (!x->length) return;
    uint64_t first = below(&d, x->length), count = below(&d, x->length - first + 1);
    for (uint64_t i = first; i < first + count; i++) x->bytes[i] = (unsigned char)roll(&d);
    CHECK_OK(gpumm_buffer_upload(x->buffer, any_stream(), first, count, x->bytes + first));
}

static void do_open(item *x) {
    uint64_t length = random_bytes();
    bool small = length < UNIT && below(&d, 2), certain = is_certain(x, length);
    gpumm_buffer_options o = {.type = u8,
                              .length = length,
                              .max_length = small ? UNIT : 2 * LARGEST,
                              .growth = {.kind = below(&d, 2) ? GPUMM_GROWTH_EXACT : GPUMM_GROWTH_GEOMETRIC},
                              .ahead = below(&d, 2)   ? GPUMM_AHEAD_AUTO
                                       : below(&d, 2) ? 1
                                                      : GPUMM_AHEAD_NONE,
                              .stream = any_stream()};
    gpumm_buffer *b;
    if (refused(gpumm_allocate(m, &o, &b), certain)) return;
    *x = (item){.buffer = b, .length = length, .bytes = calloc(1, 2 * LARGEST)};
    look_at(x);
    scribble(x);
}

static void do_free(item *x) {
    verify(x);
    if (below(&d, 2)) scribble(x); /* work is under way then */
    gpumm_buffer_release(x->buffer);
    free(x->bytes);
    *x = (item){0};
}

static void do_resize(item *x) {
    gpumm_buffer_info info;
    CHECK_OK(gpumm_buffer_get_info(x->buffer, &info));
    uint64_t length = below(&d, 2) ? below(&d, x->length + 1) : x->length + below(&d, LARGEST / 4);
    if (length > info.max_length) return;
    bool grows = length > x->capacity, certain = !grows || is_certain(x, length);
    if (refused(gpumm_buffer_resize(x->buffer, any_stream(), length), certain)) return;
    if (length > x->length) memset(x->bytes + x->length, 0, length - x->length);
    x->length = length;
    histogram[H_GROWN] += grows;
    look_at(x);
}

static void do_shrink(item *x) {
    CHECK_OK(gpumm_buffer_shrink_to_fit(x->buffer));
    histogram[H_SHRUNK]++;
    look_at(x);
    scribble(x); /* waits at the gate, if it is shut */
}

static void one_step(void) {
    item *x = &items[below(&d, ITEMS)];
    histogram[H_OPERATIONS]++;
    if (!x->buffer) {
        now_doing = "open";
        do_open(x);
        return;
    }
    static const struct {
        const char *name;
        void (*run)(item *x);
    } acts[] = {
        {"free", do_free}, {"resize", do_resize}, {"resize", do_resize}, {"shrink", do_shrink}, {"scribble", scribble}};
    size_t which = below(&d, sizeof acts / sizeof *acts);
    now_doing = acts[which].name;
    acts[which].run(x);
    if (below(&d, 50)) return;
    now_doing = "trim";
    histogram[H_TRIMMED]++;
    check_trimmed();
}

static void run(uint64_t operations, bool relocate) {
    relocating = relocate;
    CHECK_OK(gpumm_manager_open(&(gpumm_options){.device = "host",
                                                 .memory = QUOTA,
                                                 .granularity = UNIT,
                                                 .relocate = relocate,
                                                 .inject_faults = true,
                                                 .workers = 1},
                                &m));
    CHECK_OK(gpumm_stream_open(m, &side));
    for (uint64_t i = 0; i < operations; i++, step_number++) one_step();
    now_doing = "close";
    for (int i = 0; i < ITEMS; i++)
        if (items[i].buffer) verify(&items[i]);
    CHECK_OK(gpumm_manager_check(m));
    CHECK_OK(gpumm_manager_poll(m));
    for (int i = 0; i < ITEMS; i++) {
        gpumm_buffer_release(items[i].buffer);
        free(items[i].bytes);
        items[i] = (item){0};
    }
    check_trimmed();
    gpumm_stream_release(side);
    close_and_check(m);
}

int main(int argc, char **argv) {
    uint64_t operations = argc > 1 ? strtoull(argv[1], NULL, 10) : 8000 / HARD_SLOW;
    seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    d = dice_of(seed);
    printf("room: %" PRIu64 " operations, seed %" PRIu64 "\n", operations, seed);
    CHECK_OK(gpumm_type_parse("u8", &u8));
    run(operations / 2, false);
    run(operations - operations / 2, true);
    gpumm_type_release(u8);
    for (int i = 0; i < H_COUNT; i++) printf("    %-18s %9" PRIu64 "\n", histogram_names[i], histogram[i]);
    for (int i = H_REFUSED; i < H_COUNT && operations >= 4000; i++) CHECK(histogram[i] > 0);
    return 0;
}
