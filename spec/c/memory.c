/* SPDX-License-Identifier: MIT */
/* The memory room and the arithmetic around it: slab, range, ledger, budget, sizes, growth schedules and the
   ancestor's configurations. */
#include <math.h>

#include "base/size.h"
#include "device/device.h"
#include "gpumm_compat.h"
#include "device/fault.h"
#include "device/open.h"
#include "hard.h"
#include "memory/budget.h"
#include "memory/ledger.h"
#include "memory/slab.h"

enum { UNIT = 64 << 10, MIB = 1 << 20 };

static purse taken;
static const gpumm_allocator memory = {.reallocate = purse_reallocate, .user = &taken};

static device *device_made(bool relocate, uint64_t quota) {
    device *d;
    CHECK_OK(gpumm__device_open(&(gpumm_options){.device = "host",
                                                 .relocate = relocate,
                                                 .inject_faults = true,
                                                 .memory_bytes = quota,
                                                 .granularity_bytes = UNIT},
                                &memory, &d));
    return d;
}

static void device_gone(device *d) {
    gpumm_live live;
    gpumm__fault_live(d, &live);
    check_nothing_live(&live);
    gpumm__device_close(d);
    CHECK(atomic_load(&taken.live) == 0);
}

static uint64_t live_bytes(device *d) {
    gpumm_live live;
    gpumm__fault_live(d, &live);
    return live.committed_bytes;
}

static void *host(gpumm_address address) { return (void *)(uintptr_t)address; } /* the host device's memory */

/* ---- Slab ------------------------------------------------------------------------------------ */

enum { BLOCKS = 400 };

typedef struct block {
    uint32_t number;
    gpumm_address address;
    uint64_t asked, size;
    unsigned char mark;
} block;

/* Every byte of every block is its own: no overlap, no neighbour written over. */
static void block_check(const block *b) {
    const unsigned char *at = host(b->address);
    for (uint64_t i = 0; i < b->size; i++) CHECK(at[i] == b->mark);
}

static void block_take(slab *s, block *b, uint64_t bytes, unsigned char mark) {
    slab_block got;
    CHECK_OK(gpumm__slab_take(s, bytes, &got));
    b->number = got.number;
    b->address = got.address;
    b->size = got.size;
    CHECK(b->size >= bytes);
    CHECK(b->size < bytes + SLAB_ALIGN);
    CHECK(b->address % SLAB_ALIGN == 0);
    CHECK(b->address >= s->range.address);
    CHECK(b->address + b->size <= s->range.address + s->range.committed);
    b->asked = bytes;
    b->mark = mark;
    memset(host(b->address), mark, b->size);
}

static uint64_t block_bytes(dice *d) {
    uint64_t most = 1ull << below(d, 18); /* up to 128 KiB, small ones often */
    return 1 + below(d, most);
}

static void slab_random(bool relocate) {
    device *d = device_made(relocate, 0);
    slab s;
    block all[BLOCKS] = {0};
    uint64_t used = 0;
    dice d11 = dice_of(11);
    CHECK_OK(gpumm__slab_open(&s, d, 64 * MIB));
    for (int i = 0; i < 40000 / HARD_SLOW; i++) {
        block *b = &all[below(&d11, BLOCKS)];
        if (b->asked) {
            block_check(b);
            gpumm__slab_give(&s, b->number);
            used -= b->size;
            b->asked = 0;
        } else {
            block_take(&s, b, block_bytes(&d11), (unsigned char)roll(&d11));
            used += b->size;
        }
        CHECK(s.used == used);
        if (i % 64 == 0) CHECK_OK(gpumm__slab_check(&s));
    }
    CHECK(s.committed == live_bytes(d));
    for (int i = 0; i < BLOCKS; i++)
        if (all[i].asked) block_check(&all[i]), gpumm__slab_give(&s, all[i].number);
    CHECK_OK(gpumm__slab_check(&s));
    CHECK(s.used == 0);
    gpumm__slab_close(&s);
    device_gone(d);
}

static void slab_exhausted(bool relocate) {
    device *d = device_made(relocate, 0);
    slab s;
    static block all[64];
    block other;
    size_t count = 0;
    CHECK_OK(gpumm__slab_open(&s, d, 4 * MIB));
    for (; count < 16; count++) block_take(&s, &all[count], 256 << 10, (unsigned char)count);
    CHECK(s.used == 4 * MIB);
    CHECK_STATUS(gpumm__slab_take(&s, 1, &(slab_block){0}), GPUMM_OUT_OF_MEMORY);
    CHECK_STATUS(gpumm__slab_take(&s, 5 * MIB, &(slab_block){0}), GPUMM_OUT_OF_MEMORY);
    CHECK_STATUS(gpumm__slab_take(&s, UINT64_MAX, &(slab_block){0}), GPUMM_OUT_OF_MEMORY);
    CHECK_OK(gpumm__slab_check(&s));
    for (size_t i = 0; i < count; i += 2) gpumm__slab_give(&s, all[i].number);
    CHECK_STATUS(gpumm__slab_take(&s, 512 << 10, &(slab_block){0}), GPUMM_OUT_OF_MEMORY);
    for (size_t i = 1; i < count; i += 2) block_check(&all[i]), gpumm__slab_give(&s, all[i].number);
    block_take(&s, &other, 4 * MIB, 7); /* all neighbours were merged: the whole is one block again */
    block_check(&other);
    gpumm__slab_close(&s);
    device_gone(d);
}

/* A commit or an allocation that fails leaves the slab as it was. */
static void slab_failing(void) {
    device *d = device_made(false, 0);
    slab s;
    block b;
    CHECK_OK(gpumm__slab_open(&s, d, 64 * MIB));
    CHECK_OK(gpumm__fault_plan(d, &(gpumm_fault){.call = "commit", .nth = 1, .status = GPUMM_DRIVER}));
    CHECK_STATUS(gpumm__slab_take(&s, 100, &(slab_block){0}), GPUMM_DRIVER);
    CHECK_OK(gpumm__slab_check(&s));
    block_take(&s, &b, 100, 3);
    uint64_t committed = s.committed;
    for (long k = 1;; k++) {
        purse_fail(&taken, k);
        gpumm_status status = gpumm__slab_take(&s, 10 * MIB, &(slab_block){0});
        bool failed = purse_failed(&taken);
        CHECK_OK(gpumm__slab_check(&s));
        if (!failed) {
            CHECK_STATUS(status, GPUMM_OK);
            break;
        }
        CHECK_STATUS(status, GPUMM_OUT_OF_MEMORY);
        CHECK(s.committed == committed);
    }
    block_check(&b);
    gpumm__slab_close(&s);
    device_gone(d);
}

/* One node is left when the blocks reach the end of what is committed: growing takes it, the block needs none. */
static void slab_last_node(bool relocate) {
    enum { MOST = 200 };
    device *d = device_made(relocate, 0);
    for (uint64_t count = 1; count < MOST; count++) { /* at whichever count the nodes are full */
        slab s;
        static block all[MOST];
        block other;
        CHECK_OK(gpumm__slab_open(&s, d, 8 * MIB));
        for (uint64_t i = 0; i < count; i++) block_take(&s, &all[i], SLAB_ALIGN, (unsigned char)i);
        if (s.committed > s.used) block_take(&s, &all[count], s.committed - s.used, 0xff);
        CHECK(s.used == s.committed);
        if (relocate) CHECK_STATUS(gpumm__slab_take(&s, 1, &(slab_block){0}), GPUMM_OUT_OF_MEMORY);
        else block_take(&s, &other, SLAB_ALIGN, 1);
        for (uint64_t i = 0; i < count; i++) block_check(&all[i]);
        CHECK_OK(gpumm__slab_check(&s));
        gpumm__slab_close(&s);
    }
    device_gone(d);
}

/* Sizes whose bin would begin anew at the smallest: no block is that large. */
static void slab_too_large(void) {
    device *d = device_made(false, 0);
    slab s;
    block b;
    CHECK_OK(gpumm__slab_open(&s, d, 64 * MIB));
    block_take(&s, &b, 1000, 5);
    for (unsigned power = 8; power < 64; power++)
        for (uint64_t step = 8; step < 16; step++)
            for (uint64_t more = 0; more < 4; more++) {
                uint64_t bytes = (step << (power - 3)) + more * SLAB_ALIGN;
                if (bytes <= 64 * MIB) continue;
                CHECK(!gpumm__slab_try(&s, bytes, &(slab_block){0}));
                CHECK_STATUS(gpumm__slab_take(&s, bytes, &(slab_block){0}), GPUMM_OUT_OF_MEMORY);
            }
    CHECK_OK(gpumm__slab_check(&s));
    block_check(&b);
    gpumm__slab_close(&s);
    device_gone(d);
}

/* Where memory cannot grow in place, small buffers fill one slab after another; each keeps its contents. */
static void slab_chunks(void) {
    enum { COUNT = 400, WORDS = 4096 };
    static gpumm_buffer *all[COUNT];
    static uint32_t words[WORDS];
    gpumm_manager *m;
    gpumm_type *type;
    CHECK_OK(gpumm_type_parse("u32", &type));
    CHECK_OK(gpumm_manager_open(&(gpumm_options){.device = "host", .relocate = true, .inject_faults = true}, &m));
    for (uint32_t i = 0; i < COUNT; i++) {
        for (uint32_t j = 0; j < WORDS; j++) words[j] = i * WORDS + j;
        CHECK_OK(gpumm_manager_allocate(m, &(gpumm_buffer_options){.type = type, .length = WORDS, .max_length = WORDS},
                                        &all[i]));
        CHECK_OK(gpumm_buffer_upload(all[i], NULL, 0, WORDS, words));
    }
    for (uint32_t i = 0; i < COUNT; i++) {
        CHECK_OK(gpumm_buffer_download(all[i], NULL, 0, WORDS, words));
        for (uint32_t j = 0; j < WORDS; j++) CHECK(words[j] == i * WORDS + j);
    }
    gpumm_live live;
    CHECK_OK(gpumm_fault_get_live(m, &live));
    CHECK(live.blocks >= COUNT * WORDS * 4 / (4 * MIB)); /* more than one slab */
    for (uint32_t i = 0; i < COUNT; i++) gpumm_buffer_release(all[i]);
    check_books(m, NULL);
    close_and_check(m);
    gpumm_type_release(type);
}

/* ---- Arrays that grow ------------------------------------------------------------------------ */

/* A commit of many segments adds them all at once. */
static void array_grows_by_several(void) {
    const gpumm_allocator *from = &gpumm__alloc_default;
    uint64_t *items = NULL;
    size_t capacity = 0, count = 0;
    for (size_t more = 1; more <= 100; more += 33) {
        CHECK(gpumm__mem_reserve(from, (void **)&items, sizeof *items, count + more - 1, &capacity));
        CHECK(capacity >= count + more);
        for (size_t i = 0; i < more; i++, count++) items[count] = count;
    }
    for (size_t i = 0; i < count; i++) CHECK(items[i] == i);
    gpumm__mem_free(from, items);
}

/* ---- Range ----------------------------------------------------------------------------------- */

static void range_in_place(void) {
    device *d = device_made(false, 0);
    range r;
    CHECK_OK(gpumm__range_open(&r, d, PLACE_DEVICE, 10 * UNIT - 5));
    CHECK(r.reserved == 10 * UNIT);
    CHECK(live_bytes(d) == 0);
    gpumm_address start = r.address;
    CHECK_OK(gpumm__range_commit(&r, 1));
    memset(host(start), 9, UNIT);
    CHECK_OK(gpumm__range_commit(&r, UNIT));
    CHECK(r.segments == 1); /* it was there */
    CHECK_OK(gpumm__range_commit(&r, 3 * UNIT - 1));
    CHECK_OK(gpumm__range_commit(&r, 3 * UNIT + 1));
    CHECK(r.segments == 3);
    CHECK(r.committed == 4 * UNIT);
    CHECK(r.address == start);
    CHECK(live_bytes(d) == 4 * UNIT);
    CHECK(((unsigned char *)host(start))[UNIT - 1] == 9);
    CHECK_STATUS(gpumm__range_commit(&r, 10 * UNIT + 1), GPUMM_INVALID_ARGUMENT);
    CHECK(gpumm__range_decommit(&r, 2 * UNIT) == UNIT); /* the middle segment begins before: it stays whole */
    CHECK(r.committed == 3 * UNIT);
    CHECK(gpumm__range_decommit(&r, 0) == 3 * UNIT);
    CHECK(live_bytes(d) == 0);
    CHECK_OK(gpumm__range_commit(&r, 10 * UNIT));
    gpumm__range_close(&r);
    gpumm__range_close(&r);
    device_gone(d);
}

static void range_block(void) {
    device *d = device_made(true, 0);
    range r;
    CHECK_OK(gpumm__range_open(&r, d, PLACE_DEVICE, 10 * UNIT));
    CHECK(r.address == 0);
    CHECK(gpumm__range_can_commit(&r, 3000));
    CHECK_OK(gpumm__range_commit(&r, 3000));
    gpumm_address start = r.address;
    CHECK(start != 0);
    memset(host(start), 1, 3000);
    CHECK_OK(gpumm__range_commit(&r, 3000));
    CHECK(!gpumm__range_can_commit(&r, r.committed + 1));
    CHECK_STATUS(gpumm__range_commit(&r, r.committed + 1), GPUMM_INVALID_ARGUMENT);
    CHECK(gpumm__range_decommit(&r, 0) == 0);
    CHECK(r.address == start);
    gpumm__range_close(&r);
    device_gone(d);
}

static void range_rollback(bool relocate) {
    device *d = device_made(relocate, 4 * UNIT);
    range r;
    const char *call = relocate ? "alloc" : "commit";
    if (!relocate) {
        CHECK_OK(gpumm__fault_plan(d, &(gpumm_fault){.call = "reserve", .nth = 1, .status = GPUMM_OUT_OF_MEMORY}));
        CHECK_STATUS(gpumm__range_open(&r, d, PLACE_DEVICE, 8 * UNIT), GPUMM_OUT_OF_MEMORY);
        gpumm__range_close(&r);
    }
    CHECK_STATUS(gpumm__range_open(&r, d, PLACE_DEVICE, UINT64_MAX), GPUMM_OVER_MAX_SIZE);
    gpumm__range_close(&r);
    CHECK_OK(gpumm__range_open(&r, d, PLACE_DEVICE, 8 * UNIT));
    CHECK_OK(gpumm__fault_plan(d, &(gpumm_fault){.call = call, .nth = 1, .status = GPUMM_DRIVER}));
    CHECK_STATUS(gpumm__range_commit(&r, UNIT), GPUMM_DRIVER);
    CHECK(r.committed == 0);
    CHECK(live_bytes(d) == 0);
    CHECK_STATUS(gpumm__range_commit(&r, 5 * UNIT), GPUMM_OUT_OF_MEMORY); /* the quota */
    CHECK(live_bytes(d) == 0);
    CHECK_OK(gpumm__range_commit(&r, 4 * UNIT));
    CHECK(live_bytes(d) == 4 * UNIT);
    if (!relocate) { /* a refused decommit is asked once more; one refused twice stays */
        CHECK_OK(gpumm__fault_plan(d, &(gpumm_fault){.call = "decommit", .nth = 1, .status = GPUMM_DRIVER}));
        CHECK(gpumm__range_decommit(&r, 0) == 4 * UNIT);
    }
    gpumm__range_close(&r);
    device_gone(d);
}

/* ---- Ledger ---------------------------------------------------------------------------------- */

enum { ACCOUNTS = 60 };

typedef struct sums {
    uint64_t logical, committed;
} sums;

static sums add_up(const account *all, const bool *open) {
    sums s = {0};
    for (int i = 0; i < ACCOUNTS; i++) {
        if (!open[i]) continue;
        s.committed += all[i].committed;
        if (all[i].category <= GPUMM_CATEGORY_PINNED) s.logical += all[i].logical;
    }
    return s;
}

static void ledger_step(ledger *l, account *a, bool *open, dice *d) {
    static const gpumm_category own[] = {GPUMM_CATEGORY_BUFFERS, GPUMM_CATEGORY_SCRATCH, GPUMM_CATEGORY_STAGING,
                                         GPUMM_CATEGORY_PINNED,  GPUMM_CATEGORY_CACHED,  GPUMM_CATEGORY_SLACK};
    gpumm_category c = own[below(d, 6)];
    if (!*open) {
        gpumm__ledger_open(l, a, c, "x", NULL);
        *open = true;
    } else if (below(d, 5) == 0) {
        gpumm__ledger_close(l, a);
        *open = false;
    } else if (below(d, 5) == 0) {
        gpumm__ledger_move(l, a, c, "y", "z");
    } else {
        uint64_t bytes =
            a->category == GPUMM_CATEGORY_CACHED || a->category == GPUMM_CATEGORY_SLACK ? 0 : below(d, 1000);
        uint64_t committed = bytes + below(d, 1000);
        uint64_t precommitted = a->category == GPUMM_CATEGORY_CACHED ? 0 : below(d, 600); /* nothing warm is ahead */
        gpumm__ledger_set(l, a, bytes, precommitted, committed);
        uint64_t split = gpumm__account_bytes(a, GPUMM_CATEGORY_PRECOMMITTED) +
                         gpumm__account_bytes(a, GPUMM_CATEGORY_SLACK) + gpumm__account_bytes(a, GPUMM_CATEGORY_CACHED);
        CHECK(split == committed - bytes);
    }
}

static void ledger_random(void) {
    ledger l = {0};
    static account all[ACCOUNTS];
    bool open[ACCOUNTS] = {false};
    uint64_t peak = 0, peak_committed = 0;
    dice d = dice_of(5);
    for (int i = 0; i < 20000 / HARD_SLOW; i++) {
        size_t at = below(&d, ACCOUNTS);
        ledger_step(&l, &all[at], &open[at], &d);
        sums s = add_up(all, open);
        CHECK(gpumm__ledger_balanced(&l));
        CHECK(l.used == s.logical);
        CHECK(l.committed == s.committed);
        if (s.logical > peak) peak = s.logical;
        if (s.committed > peak_committed) peak_committed = s.committed;
        CHECK(l.peak_used == peak);
        CHECK(l.peak_committed == peak_committed);
        for (int c = 0; c < GPUMM_CATEGORY_COUNT; c++) CHECK(l.entry[c].peak_bytes >= l.entry[c].now_bytes);
    }
    for (int i = 0; i < ACCOUNTS; i++)
        if (open[i]) gpumm__ledger_close(&l, &all[i]);
    for (int c = 0; c < GPUMM_CATEGORY_COUNT; c++) CHECK(l.entry[c].now_bytes == 0 && l.entry[c].count == 0);
    CHECK(l.used == 0 && l.committed == 0 && l.first == NULL);
}

static void ledger_categories(void) {
    ledger l = {0};
    account a, w;
    gpumm__ledger_open(&l, &a, GPUMM_CATEGORY_BUFFERS, "a", "here");
    gpumm__ledger_set(&l, &a, 100, 30, 150);
    CHECK(l.entry[GPUMM_CATEGORY_BUFFERS].now_bytes == 100 && l.entry[GPUMM_CATEGORY_BUFFERS].count == 1);
    CHECK(l.entry[GPUMM_CATEGORY_PRECOMMITTED].now_bytes == 30 && l.entry[GPUMM_CATEGORY_PRECOMMITTED].count == 1);
    CHECK(l.entry[GPUMM_CATEGORY_SLACK].now_bytes == 20 && l.used == 100 && l.committed == 150);
    gpumm__ledger_open(&l, &w, GPUMM_CATEGORY_CACHED, "", "");
    gpumm__ledger_set(&l, &w, 0, 0, 64);
    CHECK(l.entry[GPUMM_CATEGORY_CACHED].now_bytes == 64 && l.used == 100 && l.committed == 214);
    a.committed = 7; /* what the sums do not know of is found */
    CHECK(!gpumm__ledger_balanced(&l));
    a.committed = 150;
    gpumm__ledger_move(&l, &a, GPUMM_CATEGORY_CACHED, "", "");
    CHECK(l.used == 0 && l.entry[GPUMM_CATEGORY_BUFFERS].now_bytes == 0 &&
          l.entry[GPUMM_CATEGORY_BUFFERS].peak_bytes == 100);
    gpumm__ledger_close(&l, &a);
    gpumm__ledger_close(&l, &w);
    CHECK(l.committed == 0 && l.peak_committed == 214);
    for (int c = 0; c < GPUMM_CATEGORY_COUNT; c++) CHECK(strlen(gpumm_category_name((gpumm_category)c)) > 0);
}

/* ---- Budget ---------------------------------------------------------------------------------- */

enum { TAKERS = 8, LIMIT = 1000 };

static void *take_and_give(void *user) {
    gpumm_budget *b = user;
    dice d = dice_of((uint64_t)(uintptr_t)&b);
    uint64_t mine = 0;
    for (int i = 0; i < 50000 / HARD_SLOW; i++) {
        uint64_t bytes = 1 + below(&d, 300);
        if (gpumm__budget_charge(b, bytes)) mine += bytes;
        CHECK(gpumm_budget_used(b) <= LIMIT);
        CHECK(mine <= LIMIT);
        if (mine && below(&d, 2)) gpumm__budget_uncharge(b, mine), mine = 0;
    }
    gpumm__budget_uncharge(b, mine);
    return NULL;
}

static void budgets(void) {
    gpumm_budget *b;
    pthread_t all[TAKERS];
    CHECK_OK(gpumm_budget_open(LIMIT, &b));
    for (int i = 0; i < TAKERS; i++) CHECK(pthread_create(&all[i], NULL, take_and_give, b) == 0);
    for (int i = 0; i < TAKERS; i++) pthread_join(all[i], NULL);
    CHECK(gpumm_budget_used(b) == 0);
    CHECK(gpumm__budget_charge(b, LIMIT));
    CHECK(!gpumm__budget_charge(b, 1));
    CHECK(gpumm__budget_charge(b, 0));
    gpumm_budget_set_limit(b, LIMIT / 2); /* what is over it stays, and nothing is granted */
    CHECK(!gpumm__budget_charge(b, 0));
    gpumm__budget_uncharge(b, LIMIT);
    CHECK(!gpumm__budget_charge(b, UINT64_MAX));
    CHECK(gpumm__budget_charge(b, LIMIT / 2));
    CHECK(gpumm_budget_limit(b) == LIMIT / 2);
    CHECK(gpumm_budget_retain(b) == b);
    gpumm_budget_release(b);
    gpumm_budget_release(b);
}

/* ---- Sizes ----------------------------------------------------------------------------------- */

static void sizes_good(void) {
    static const struct {
        const char *text;
        uint64_t bytes;
    } good[] = {
        {"0", 0},
        {"1", 1},
        {"4096", 4096},
        {"12B", 12},
        {"12 B", 12},
        {"1KiB", 1024},
        {"1MiB", MIB},
        {"4GiB", 4ull << 30},
        {"2TiB", 2ull << 40},
        {"3K", 3072},
        {"3M", 3 * MIB},
        {"3G", 3ull << 30},
        {"3T", 3ull << 40},
        {"1kB", 1000},
        {"1MB", 1000000},
        {"1GB", 1000000000},
        {"1TB", 1000000000000},
        {"512 MiB", 512ull << 20},
        {"1e6", 1000000},
        {"2.5GB", 2500000000},
        {".5KiB", 512},
        {"0.5", 0},
        {"4gib", 4ull << 30},
        {"4GIB", 4ull << 30},
        {"9007199254740993", 9007199254740993},
        {"9223372036854775807", INT64_MAX},
        {"9007199254740991KiB", 9007199254740991ull << 10},
        {"0004", 4},
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        uint64_t bytes = 1;
        CHECK_STATUS(gpumm_parse_size(good[i].text, &bytes), GPUMM_OK);
        if (bytes != good[i].bytes) fprintf(stderr, "'%s' is %llu\n", good[i].text, (unsigned long long)bytes);
        CHECK(bytes == good[i].bytes);
    }
}

static void sizes_bad(void) {
    static const char *const bad[] = {"",
                                      " ",
                                      "B",
                                      "GiB",
                                      "12XB",
                                      "-1",
                                      "+1",
                                      " 4",
                                      "4 Gi",
                                      "4GiBs",
                                      "0x10",
                                      "0X10",
                                      "1e400",
                                      "inf",
                                      "nan",
                                      "1,5GB",
                                      ".",
                                      "..5",
                                      "1..5",
                                      "4GiB 4",
                                      "four",
                                      "1e",
                                      "4\tMB",
                                      "9223372036854775808",
                                      "8388608TiB",
                                      "1e19",
                                      "99999999999999999999999",
                                      "9007199254740993KiB"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        uint64_t bytes = 77;
        gpumm_status status = gpumm_parse_size(bad[i], &bytes);
        if (status == GPUMM_OK) fprintf(stderr, "'%s' was taken\n", bad[i]);
        CHECK_STATUS(status, GPUMM_INVALID_ARGUMENT);
        CHECK(bytes == 77);
    }
    CHECK_STATUS(gpumm_parse_size(NULL, &(uint64_t){0}), GPUMM_INVALID_ARGUMENT);
    CHECK_STATUS(gpumm_parse_size("12XB", &(uint64_t){0}), GPUMM_INVALID_ARGUMENT);
    CHECK_SAYS("12XB");
    CHECK_SAYS("GiB");
}

static void sizes_checked(void) {
    uint64_t n = 5;
    CHECK(size_add(UINT64_MAX - 1, 1, &n) && n == UINT64_MAX);
    CHECK(!size_add(UINT64_MAX, 1, &n));
    CHECK(size_mul(1ull << 32, (1ull << 32) - 1, &n) && n == ((1ull << 32) - 1) << 32);
    CHECK(!size_mul(1ull << 32, 1ull << 32, &n));
    CHECK(size_round_up(0, 7, &n) && n == 0);
    CHECK(size_round_up(8, 7, &n) && n == 14);
    CHECK(!size_round_up(UINT64_MAX, 2, &n));
    char text[32];
    CHECK(strcmp(gpumm__size_text(12 * MIB, text), "12.0 MiB") == 0);
    CHECK(strcmp(gpumm__size_text(1023, text), "1023 bytes") == 0);
}

/* ---- Growth ---------------------------------------------------------------------------------- */

static uint64_t callback(void *user, const gpumm_growth_request *r) {
    CHECK(strcmp(r->name, "b") == 0);
    return *(uint64_t *)user;
}

static void grows(gpumm_growth g, uint64_t capacity, uint64_t required, uint64_t max, uint64_t wanted) {
    uint64_t next = 1;
    CHECK_OK(gpumm_growth_next(&g, &(gpumm_growth_request){"b", capacity, required, max}, &next));
    if (next != wanted) fprintf(stderr, "%llu instead of %llu\n", (unsigned long long)next, (unsigned long long)wanted);
    CHECK(next == wanted);
}

static void growth_geometric(void) {
    gpumm_growth g = {.kind = GPUMM_GROWTH_GEOMETRIC, .factor_ppm = 1500000};
    const uint64_t top = 1ull << 63;
    grows(g, 1000, 1001, top, 1500);
    grows(g, 1001, 1002, top, 1502); /* 1501.5, up */
    grows(g, 1000, 4000, top, 4000);
    grows(g, 0, 7, top, 7);
    grows(g, 1000, 1001, 1200, 1200);
    g.factor_ppm = 1300000;
    grows(g, 10, 11, top, 13);
    grows(g, 3, 4, top, 4); /* 3.9 */
    g.factor_ppm = 1000000;
    grows(g, 10, 11, top, 11);
    g.factor_ppm = UINT32_MAX;
    grows(g, top - 1, top, top, top);
    grows(g, UINT64_MAX - 1, UINT64_MAX, UINT64_MAX, UINT64_MAX);
    g.factor_ppm = 2000000;
    grows(g, (1ull << 62) + 1, (1ull << 62) + 2, UINT64_MAX, (1ull << 63) + 2);
    g.align = 256;
    grows(g, 100, 101, top, 256);
    grows(g, 100, 101, 200, 200); /* the maximum is the maximum */
    grows(g, top, UINT64_MAX - 3, UINT64_MAX - 2, UINT64_MAX - 2);
}

static void growth_others(void) {
    static const uint64_t list[] = {4096, 65536, 1048576};
    uint64_t said = 500;
    gpumm_growth linear = {.kind = GPUMM_GROWTH_LINEAR, .step = 1000}, exact = {.kind = GPUMM_GROWTH_EXACT};
    gpumm_growth listed = {.kind = GPUMM_GROWTH_LIST, .list = list, .list_count = 3};
    gpumm_growth called = {.kind = GPUMM_GROWTH_CALLBACK, .callback = callback, .user = &said};
    grows(linear, 500, 501, UINT64_MAX, 1000);
    grows(linear, 1000, 1000, UINT64_MAX, 1000);
    grows(linear, 1000, 1001, UINT64_MAX, 2000);
    grows(linear, 1000, 1001, 1500, 1500);
    grows(linear, 0, UINT64_MAX - 1, UINT64_MAX, UINT64_MAX);
    grows(listed, 0, 1, UINT64_MAX, 4096);
    grows(listed, 4096, 4097, UINT64_MAX, 65536);
    grows(listed, 0, 1048577, UINT64_MAX, 1048577);
    grows(exact, 10, 1u << 31, 1ull << 63, 1u << 31);
    exact.align = 32;
    grows(exact, 10, 33, 1ull << 63, 64);
    grows(called, 10, 11, UINT64_MAX, 500);
    grows(called, 10, 600, UINT64_MAX, 600);
    said = UINT64_MAX;
    grows(called, 10, 600, 700, 700);
}

static void refuses(gpumm_growth g, uint64_t required, uint64_t max, gpumm_status wanted) {
    uint64_t next = 77;
    CHECK_STATUS(gpumm_growth_next(&g, &(gpumm_growth_request){"b", 0, required, max}, &next), wanted);
    CHECK(next == 77);
}

static void growth_refused(void) {
    static const uint64_t same[] = {5, 5}, down[] = {5, 4};
    refuses((gpumm_growth){.kind = GPUMM_GROWTH_EXACT}, 11, 10, GPUMM_OVER_MAX_SIZE);
    refuses((gpumm_growth){.kind = GPUMM_GROWTH_EXACT}, UINT64_MAX, 1ull << 63, GPUMM_OVER_MAX_SIZE);
    refuses((gpumm_growth){.kind = GPUMM_GROWTH_GEOMETRIC, .factor_ppm = 999999}, 1, 10, GPUMM_INVALID_ARGUMENT);
    refuses((gpumm_growth){.kind = GPUMM_GROWTH_LINEAR}, 1, 10, GPUMM_INVALID_ARGUMENT);
    refuses((gpumm_growth){.kind = GPUMM_GROWTH_LIST}, 1, 10, GPUMM_INVALID_ARGUMENT);
    refuses((gpumm_growth){.kind = GPUMM_GROWTH_LIST, .list = same, .list_count = 2}, 1, 10, GPUMM_INVALID_ARGUMENT);
    refuses((gpumm_growth){.kind = GPUMM_GROWTH_LIST, .list = down, .list_count = 2}, 1, 10, GPUMM_INVALID_ARGUMENT);
    refuses((gpumm_growth){.kind = GPUMM_GROWTH_CALLBACK}, 1, 10, GPUMM_INVALID_ARGUMENT);
    refuses((gpumm_growth){.kind = (gpumm_growth_kind)99}, 1, 10, GPUMM_INVALID_ARGUMENT);
}

/* ---- Configurations -------------------------------------------------------------------------- */

static void preset(gpumm_config c, uint64_t bytes, double factor, uint64_t max, uint64_t min, bool async) {
    gpumm_buffer_options o;
    CHECK(c.bytes_per_element == bytes && c.growth_factor == factor);
    CHECK(c.max_size_bytes == max && c.min_size_bytes == min && c.enable_async == async);
    CHECK_OK(gpumm_config_options(&c, &o));
    CHECK(gpumm_type_size(o.type) == bytes && o.max_size_bytes == max && o.min_size_bytes == min);
    CHECK(o.enable_async == async && o.growth.kind == GPUMM_GROWTH_GEOMETRIC);
    CHECK(o.growth.factor_ppm == (uint32_t)(factor * 1e6 + 0.5));
    CHECK(o.name == NULL && o.length == 0 && o.max_length == 0 && o.ahead == 0);
    gpumm_type_release(o.type);
}

static void presets(void) {
    preset(gpumm_config_default(), 4, 1.5, 1ull << 30, 4096, false);
    preset(gpumm_config_for_positions(), 12, 1.3, 512ull << 20, 4096, true);
    preset(gpumm_config_for_velocities(), 12, 1.3, 512ull << 20, 4096, true);
    preset(gpumm_config_for_edges(), 32, 2.0, 2ull << 30, 8192, false);
    preset(gpumm_config_for_grid_cells(), 8, 1.5, 256ull << 20, 2048, false);
    static const double bad[] = {0.999, -1, NAN, INFINITY, 4000.5};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        gpumm_config c = gpumm_config_default();
        c.growth_factor = bad[i];
        CHECK_STATUS(gpumm_config_options(&c, &(gpumm_buffer_options){0}), GPUMM_INVALID_ARGUMENT);
    }
    gpumm_buffer_options o; /* what is 0 in a config has its default, but the minimum: none */
    CHECK_OK(gpumm_config_options(&(gpumm_config){.growth_factor = 2}, &o));
    CHECK(gpumm_type_size(o.type) == 4 && o.growth.factor_ppm == 2000000 && !o.max_size_bytes && !o.min_size_bytes);
    gpumm_type_release(o.type);
    CHECK_OK(gpumm_config_options(&(gpumm_config){0}, &o));
    CHECK(gpumm_type_size(o.type) == 4 && o.growth.factor_ppm == 0 && !o.enable_async);
    gpumm_type_release(o.type);
    gpumm_config small = gpumm_config_default(); /* below the default minimum */
    small.max_size_bytes = 1000;
    CHECK_OK(gpumm_config_options(&small, &o));
    CHECK(o.max_size_bytes == 1000 && o.min_size_bytes == 1000);
    gpumm_type_release(o.type);
}

int main(void) {
    for (int relocate = 0; relocate < 2; relocate++) {
        slab_random(relocate);
        slab_exhausted(relocate);
        slab_last_node(relocate);
        range_rollback(relocate);
    }
    slab_failing();
    slab_too_large();
    slab_chunks();
    array_grows_by_several();
    range_in_place();
    range_block();
    ledger_random();
    ledger_categories();
    budgets();
    sizes_good();
    sizes_bad();
    sizes_checked();
    growth_geometric();
    growth_others();
    growth_refused();
    presets();
    return 0;
}
