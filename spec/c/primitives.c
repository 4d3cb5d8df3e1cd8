/* SPDX-License-Identifier: MIT */
/* Primitives against plain references, of every type, around powers of two, in many chunks, on the device of GPUMM_DEVICE
   (else the host). GPUMM_PRIMITIVES_MOST is the longest length that is tried, 2^23 + 2^20 else: 100000000 takes 4 GiB. Where it is less
   than a tile, as for a tool that makes everything a hundred times as slow, every kernel runs, at that length alone but
   for scans in a chain, which are of what is longer than a tile. */
#include "check.h"

typedef enum element { U32, U64, I32, F32, TYPES } element;
static const char *const names[TYPES] = {"u32", "u64", "i32", "f32"};
static const size_t sizes[TYPES] = {4, 8, 4, 4};

static gpumm_manager *m;
static uint64_t most;

enum { TILE = 4096 }; /* of elements: what a block takes at once */

/* ---- Buffers and contents ------------------------------------------------------------------------------ */

static gpumm_buffer *buffer(const char *name, uint64_t length) {
    gpumm_type *type;
    gpumm_buffer *b;
    CHECK_OK(gpumm_type_parse(name, &type));
    gpumm_buffer_options o = {.type = type, .length = length, .max_length = length ? length : 1};
    CHECK_OK(gpumm_manager_allocate(m, &o, &b));
    gpumm_type_release(type);
    return b;
}

static gpumm_buffer *filled(const char *name, uint64_t length, const void *data) {
    gpumm_buffer *b = buffer(name, length);
    if (length) CHECK_OK(gpumm_buffer_upload(b, NULL, 0, length, data));
    return b;
}

static void *room(uint64_t count, size_t size) {
    void *made = malloc(count * size + 1);
    CHECK(made);
    return made;
}

/* What is in it, for the caller to free; the buffer goes. */
static void *taken(gpumm_buffer *b, uint64_t count) {
    gpumm_buffer_info info;
    void *data = room(count, gpumm_type_size(gpumm_buffer_type(b)));
    CHECK_OK(gpumm_buffer_get_info(b, &info));
    if (count) CHECK_OK(gpumm_buffer_download(b, NULL, 0, count, data));
    gpumm_buffer_release(b);
    return data;
}

static uint64_t at(element e, const void *data, uint64_t i) {
    return sizes[e] == 8 ? ((const uint64_t *)data)[i] : ((const uint32_t *)data)[i];
}

static void put(element e, void *data, uint64_t i, uint64_t bits) {
    if (sizes[e] == 8) ((uint64_t *)data)[i] = bits;
    else ((uint32_t *)data)[i] = (uint32_t)bits;
}

/* A number that compares as the element does. */
static uint64_t rank(element e, uint64_t bits) {
    uint32_t b = (uint32_t)bits;
    if (e == I32) return b ^ 0x80000000u;
    if (e == F32) return b >> 31 ? ~b : b | 0x80000000u;
    return bits;
}

static uint64_t mixed(uint64_t x) {
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

/* Bits of every kind: of floats these are NaNs, infinities and zeros too. `few`: of a few values. */
static void *data_of(element e, uint64_t n, uint64_t seed, unsigned few) {
    void *data = room(n, sizes[e]);
    for (uint64_t i = 0; i < n; i++) put(e, data, i, few ? mixed(i + seed * n) % few : mixed(i + seed * n));
    return data;
}

/* Floats whose sums are exact in every order: few of them are not zero. */
static void *summands(element e, uint64_t n, uint64_t seed) {
    void *data = data_of(e, n, seed, 0);
    float f;
    for (uint64_t i = 0; e == F32 && i < n; i++) {
        uint64_t x = mixed(i + seed);
        f = x % (n / 65536 + 1) ? 0 : (float)(x >> 20 & 127);
        memcpy((float *)data + i, &f, sizeof f);
    }
    return data;
}

static void add(element e, const void *data, uint64_t i, uint64_t *sum, float *fsum) {
    if (e == F32) *fsum += ((const float *)data)[i];
    else *sum += at(e, data, i);
}

static uint64_t sum_bits(element e, uint64_t sum, float fsum) {
    uint32_t bits;
    memcpy(&bits, &fsum, sizeof bits);
    return e == F32 ? bits : sizes[e] == 8 ? sum : (uint32_t)sum;
}

/* ---- Each of them -------------------------------------------------------------------------------------- */

static void check_scan(element e, uint64_t n, bool exclusive, bool total, bool in_place) {
    void *data = summands(e, n, n);
    gpumm_buffer *from = filled(names[e], n, data), *to = in_place ? NULL : buffer(names[e], n + total);
    gpumm_scan_options o = {.from = from, .to = to, .exclusive = exclusive, .total = total};
    uint64_t sum = 0;
    float fsum = 0;
    CHECK_OK(gpumm_scan(m, NULL, n, &o));
    void *got = taken(in_place ? from : to, n + total);
    for (uint64_t i = 0; i < n; i++) {
        if (exclusive) CHECK(at(e, got, i) == sum_bits(e, sum, fsum));
        add(e, data, i, &sum, &fsum);
        if (!exclusive) CHECK(at(e, got, i) == sum_bits(e, sum, fsum));
    }
    if (total) CHECK(at(e, got, n) == sum_bits(e, sum, fsum));
    if (!in_place) gpumm_buffer_release(from);
    free(got);
    free(data);
}

static uint64_t reduced(gpumm_buffer *from, gpumm_reduction op, const char *type, uint64_t n) {
    gpumm_buffer *to = buffer(type, 1);
    CHECK_OK(gpumm_reduce(m, NULL, n, &(gpumm_reduce_options){.from = from, .to = to, .op = op}));
    void *got = taken(to, 1);
    uint64_t bits = strcmp(type, "u64") == 0 ? *(uint64_t *)got : *(uint32_t *)got;
    free(got);
    return bits;
}

static void check_reduce(element e, uint64_t n, unsigned few) {
    uint64_t sum = 0, least = 0, greatest = 0;
    float fsum = 0;
    void *data = summands(e, n, n + 1);
    gpumm_buffer *from = filled(names[e], n, data);
    for (uint64_t i = 0; i < n; i++) add(e, data, i, &sum, &fsum);
    CHECK(reduced(from, GPUMM_REDUCE_SUM, names[e], n) == sum_bits(e, sum, fsum));
    gpumm_buffer_release(from);
    free(data);
    data = data_of(e, n, 3, few);
    from = filled(names[e], n, data);
    for (uint64_t i = 1; i < n; i++) {
        if (rank(e, at(e, data, i)) < rank(e, at(e, data, least))) least = i;
        if (rank(e, at(e, data, i)) > rank(e, at(e, data, greatest))) greatest = i;
    }
    CHECK(n == 0 || reduced(from, GPUMM_REDUCE_MIN, names[e], n) == at(e, data, least));
    CHECK(n == 0 || reduced(from, GPUMM_REDUCE_MAX, names[e], n) == at(e, data, greatest));
    CHECK(reduced(from, GPUMM_REDUCE_ARGMIN, "u64", n) == (n ? least : UINT64_MAX));
    CHECK(reduced(from, GPUMM_REDUCE_ARGMAX, "u32", n) == (n ? greatest : UINT32_MAX));
    gpumm_buffer_release(from);
    free(data);
}

/* Sorted, every one of them, and equal ones in their order. */
static void check_sorted(element e, uint64_t n, const void *data, const void *keys, const void *values, size_t wide,
                         bool descending) {
    unsigned char *seen = calloc(n + 1, 1);
    uint64_t last = 0, last_rank = 0;
    CHECK(seen);
    for (uint64_t i = 0; i < n; i++) {
        uint64_t value = wide == 8 ? ((const uint64_t *)values)[i] : ((const uint32_t *)values)[i];
        uint64_t here = rank(e, at(e, keys, i));
        CHECK(value < n && !seen[value] && at(e, data, value) == at(e, keys, i));
        if (i > 0) CHECK(here == last_rank ? value > last : (here > last_rank) != descending);
        seen[value] = 1;
        last = value;
        last_rank = here;
    }
    free(seen);
}

static void check_sort(element e, uint64_t n, unsigned few, size_t wide, bool descending, bool in_place) {
    void *data = data_of(e, n, 5, few), *numbers = room(n, wide);
    for (uint64_t i = 0; i < n; i++)
        if (wide == 8) ((uint64_t *)numbers)[i] = i;
        else ((uint32_t *)numbers)[i] = (uint32_t)i;
    const char *type = wide == 8 ? "u64" : "u32";
    gpumm_sort_options o = {
        .keys = filled(names[e], n, data), .values = filled(type, n, numbers), .descending = descending};
    if (!in_place) o.to_keys = buffer(names[e], n), o.to_values = buffer(type, n);
    CHECK_OK(gpumm_sort(m, NULL, n, &o));
    void *keys = taken(in_place ? o.keys : o.to_keys, n), *values = taken(in_place ? o.values : o.to_values, n);
    check_sorted(e, n, data, keys, values, wide, descending);
    if (!in_place) { /* the keys alone come out the same */
        gpumm_buffer *alone = buffer(names[e], n);
        CHECK_OK(
            gpumm_sort(m, NULL, n, &(gpumm_sort_options){.keys = o.keys, .to_keys = alone, .descending = descending}));
        void *same = taken(alone, n);
        CHECK(memcmp(same, keys, n * sizes[e]) == 0);
        free(same);
        gpumm_buffer_release(o.keys);
        gpumm_buffer_release(o.values);
    }
    free(keys);
    free(values);
    free(data);
    free(numbers);
}

static void check_unique(element e, uint64_t n) {
    void *data = data_of(e, n, 7, 3);
    gpumm_buffer *from = filled(names[e], n, data), *to = buffer(names[e], n), *count = buffer("u64", 1);
    CHECK_OK(gpumm_unique(m, NULL, n, &(gpumm_unique_options){.from = from, .to = to, .count = count}));
    uint64_t *many = taken(count, 1), kept = 0;
    void *got = taken(to, n);
    for (uint64_t i = 0; i < n; i++)
        if (i == 0 || at(e, data, i) != at(e, data, i - 1)) CHECK(at(e, got, kept++) == at(e, data, i));
    CHECK(*many == kept);
    gpumm_buffer_release(from);
    free(many);
    free(got);
    free(data);
}

static void check_select(element e, uint64_t n, bool bytes) {
    void *data = data_of(e, n, 9, 0);
    uint8_t *small = room(n, 1);
    uint32_t *large = room(n, 4);
    for (uint64_t i = 0; i < n; i++) large[i] = (small[i] = (uint8_t)(mixed(i + n) % 3 ? 0 : 64)) * 65536u;
    gpumm_buffer *from = filled(names[e], n, data), *to = buffer(names[e], n), *count = buffer("u32", 1);
    gpumm_buffer *flags = bytes ? filled("u8", n, small) : filled("u32", n, large);
    gpumm_buffer *places = buffer("u64", n);
    gpumm_select_options o = {.from = from, .flags = flags, .to = to, .count = count};
    CHECK_OK(gpumm_select(m, NULL, n, &o));
    CHECK_OK(gpumm_select(m, NULL, n, &(gpumm_select_options){.flags = flags, .to = places}));
    uint32_t *many = taken(count, 1);
    uint64_t *positions = taken(places, n), kept = 0;
    void *got = taken(to, n);
    for (uint64_t i = 0; i < n; i++) {
        if (!small[i]) continue;
        CHECK(positions[kept] == i);
        CHECK(at(e, got, kept++) == at(e, data, i));
    }
    CHECK(*many == (uint32_t)kept);
    gpumm_buffer_release(from);
    gpumm_buffer_release(flags);
    free(many);
    free(positions);
    free(got);
    free(data);
    free(small);
    free(large);
}

static void check_histogram(element e, uint64_t n, uint64_t bins) {
    void *data = data_of(e, n, 11, 3000);
    uint64_t *wanted = calloc(bins, sizeof *wanted);
    CHECK(wanted);
    double low = 100, high = low + (double)bins;
    for (uint64_t i = 0; i < n; i++) {
        uint64_t value = at(e, data, i);
        float f = (float)value / 4;
        if (e == F32) memcpy((float *)data + i, &f, sizeof f);
        uint64_t bin = e == F32 ? (uint64_t)f - 100 : value - 100;
        if (e == F32 ? f >= 100 && f < (float)high : value >= 100 && bin < bins) wanted[bin]++;
    }
    gpumm_buffer *from = filled(names[e], n, data), *to = buffer("u64", bins);
    CHECK_OK(gpumm_histogram(m, NULL, n, &(gpumm_histogram_options){.from = from, .to = to, .low = low, .high = high}));
    uint64_t *got = taken(to, bins);
    CHECK(memcmp(got, wanted, bins * sizeof *got) == 0);
    gpumm_buffer_release(from);
    free(got);
    free(wanted);
    free(data);
}

/* ---- All of them --------------------------------------------------------------------------------------- */

static void check_length(element e, uint64_t n) {
    for (int i = 0; i < 4; i++) check_scan(e, n, i & 1, i & 2, false);
    check_scan(e, n, true, false, true);
    check_scan(e, n, false, false, true);
    check_reduce(e, n, 0);
    check_reduce(e, n, 3);
    check_sort(e, n, 0, 4, false, false);
    check_sort(e, n, 100, 8, true, false);
    check_sort(e, n, 0, 8, false, true);
    check_sort(e, n, 3, 4, true, true);
    check_unique(e, n);
    check_select(e, n, true);
    check_select(e, n, false);
    check_histogram(e, n, 7);
    check_histogram(e, n, 2000);
    check_histogram(e, n, 5000);
}

static void check_large(element e, uint64_t n) {
    check_scan(e, n, true, true, false);
    check_reduce(e, n, 0);
    check_sort(e, n, 0, 4, false, true);
    check_unique(e, n);
    check_select(e, n, true);
    check_histogram(e, n, 2000);
}

/* A call without a manager's main stream: two streams that take turns on one buffer. */
static void check_streams(void) {
    gpumm_stream *s[2];
    uint64_t n = most < TILE ? most : 300000;
    gpumm_buffer *a = buffer("u32", n), *b = buffer("u32", n);
    for (int i = 0; i < 2; i++) CHECK_OK(gpumm_stream_open(m, &s[i]));
    CHECK_OK(gpumm_buffer_fill(a, NULL, 0, n, &(uint32_t){1}));
    for (int i = 0; i < 6; i++) {
        CHECK_OK(gpumm_scan(m, s[i % 2], n, &(gpumm_scan_options){.from = a, .to = b}));
        CHECK_OK(gpumm_sort(m, s[1 - i % 2], n, &(gpumm_sort_options){.keys = b, .to_keys = a, .descending = i % 2}));
        CHECK_OK(gpumm_buffer_fill(a, s[i % 2], 0, n, &(uint32_t){1}));
    }
    for (int i = 0; i < 2; i++) gpumm_stream_release(s[i]);
    uint32_t *got = taken(b, n);
    for (uint64_t i = 0; i < n; i++) CHECK(got[i] == i + 1);
    gpumm_buffer_release(a);
    free(got);
}

static void check_lengths(bool large) {
    static const uint64_t lengths[] = {0,   1,   2,    31,   32,   33,   127,  129, 255,
                                       256, 257, 1023, 1024, 1025, 4095, 4096, 4097};
    for (int e = 0; e < TYPES; e++) {
        for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) check_length((element)e, lengths[i]);
        for (unsigned k = 13; k <= 17; k += 2) check_length((element)e, (1u << k) + (k & 2) / 2);
        if (e == U32 || e == F32 || large) check_large((element)e, most);
    }
}

static void check_few(void) {
    for (int e = 0; e < TYPES; e++) {
        check_length((element)e, most);
        printf("primitives: %s at %llu\n", names[e], (unsigned long long)most);
    }
    check_scan(U32, TILE + most, true, true, false);
    check_scan(I32, TILE + most, false, false, true);
    check_scan(F32, TILE + most, false, true, false); /* of two chunks */
    check_scan(U64, TILE + most, true, false, false);
}

int main(void) {
    const char *device = getenv("GPUMM_DEVICE"), *wanted = getenv("GPUMM_PRIMITIVES_MOST");
    most = wanted ? strtoull(wanted, NULL, 10) : (1u << 23) + (1u << 20);
    gpumm_options o = {.device = device && *device ? device : "host", .debug = true};
    setvbuf(stdout, NULL, _IOLBF, 0);
    CHECK_OK(gpumm_manager_open(&o, &m));
    if (most < TILE) check_few();
    else check_lengths(wanted != NULL);
    check_streams();
    CHECK_OK(gpumm_manager_check(m));
    gpumm_manager_release(m);
    return 0;
}
