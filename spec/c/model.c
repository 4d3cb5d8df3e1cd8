/* SPDX-License-Identifier: MIT */
/* The model: random operations, held against plain arrays in memory, contents included. Faults, limits and
   pending captures are part of it, and the histogram shows that they happened.
       model [operations] [seed] */
#include <inttypes.h>
#include <stdio.h>

static uint64_t seed = 1, step_number;
static const char *now_doing = "";

static void say_where(void) {
    fprintf(stderr, "model: seed %" PRIu64 ", operation %" PRIu64 " (%s)\n", seed, step_number, now_doing);
}
#define CHECK_CONTEXT() say_where()
#include "hard.h"

enum {
    SETS = 14,
    MEMBERS = 3,
    READBACKS = 5,
    STREAMS = 3,
    FRAMES = 6,
    TICKETS = 80,
    SCRATCHES = 3,
    LARGEST = 40000,
    LIMIT = 3 << 19,
    LITTLE = 3 << 18,
    CHECK_EVERY = 1000,
    VERIFY_EVERY = 250
};

/* ---- The model -------------------------------------------------------------------------------- */

/* A buffer (one member) or a group. */
typedef struct set {
    bool used, grouped;
    char name[16];
    gpumm_group *group;
    gpumm_buffer *buffer[MEMBERS];
    size_t count, size[MEMBERS];
    uint64_t length, max_length, capacity;
    gpumm_address address;
    unsigned char *bytes[MEMBERS]; /* of the longest length there may be */
} set;

/* Under way or arrived; delivered; delivered and over, or replaced; cancelled. */
typedef enum ticket_state { FLYING, HELD, ENDED, CANCELLED } ticket_state;

typedef struct moment {
    ticket_state state;
    uint64_t length;
    unsigned char *bytes[MEMBERS]; /* as at the capture */
} moment;

typedef struct reader {
    bool used, open, direct, in_line;
    gpumm_busy_policy busy;
    uint64_t asked, refused, replaced, given, cancelled; /* captures, and what became of each */
    gpumm_readback *readback;
    set *of;
    size_t count, member[MEMBERS], size[MEMBERS];
    unsigned slots;
    uint64_t newest, current; /* current: the ticket last delivered, 0: ended */
    moment moments[TICKETS];  /* by ticket % TICKETS */
} reader;

typedef struct held_frame {
    gpumm_frame *frame;
    reader *of;
    uint64_t ticket;
    bool kept;
} held_frame;

typedef struct scratch {
    gpumm_scratch *scratch;
    uint64_t bytes;
} scratch;

static gpumm_manager *m;
static gpumm_budget *budget; /* moves with the books */
static gpumm_type *types[3];
static gpumm_stream *streams[STREAMS];
static set sets[SETS];
static reader readers[READBACKS];
static held_frame frames[FRAMES];
static scratch scratches[SCRATCHES];
static dice d;
static gpumm_fault planned;                 /* what fails during this operation */
static bool relocating, debugging, holding; /* holding: no copy arrives */
static bool spilling;                       /* the device has little memory, and the host's stands for it */
static uint64_t named;

enum {
    H_OPERATIONS,
    H_GROWTH,
    H_FAILURE,
    H_PENDING,
    H_FAULT,
    H_OVER_LIMIT,
    H_CAPTURE,
    H_BUSY,
    H_REPLACED,
    H_FRAME,
    H_MOVED,
    H_SPILLED,
    H_PROMOTED,
    H_COUNT
};
static const char *const histogram_names[H_COUNT] = {
    "operations", "growth", "failure", "captures pending", "by a fault", "over limit", "captures", "busy",
    "replaced",   "frames", "moved",   "with spill",       "promotions"};
static uint64_t histogram[H_COUNT];

static gpumm_stream *any_stream(void) {
    uint64_t i = below(&d, STREAMS + 1);
    return i < STREAMS ? streams[i] : NULL;
}

static set *any_set(void) {
    for (int tries = 0; tries < 8; tries++) {
        set *x = &sets[below(&d, SETS)];
        if (x->used) return x;
    }
    return NULL;
}

static reader *any_reader(void) {
    for (int tries = 0; tries < 8; tries++) {
        reader *r = &readers[below(&d, READBACKS)];
        if (r->used) return r;
    }
    return NULL;
}

static void random_bytes(unsigned char *to, size_t count) {
    for (size_t i = 0; i < count; i++) to[i] = (unsigned char)roll(&d);
}

/* Counts a failure, which must be one that can happen. True: it failed. */
static bool failed(gpumm_status status) {
    if (status == GPUMM_OK) return false;
    histogram[H_FAILURE]++;
    if (status == GPUMM_OVER_LIMIT) histogram[H_OVER_LIMIT]++;
    else if (planned.nth && status == planned.status) histogram[H_FAULT]++;
    else CHECK_STATUS(status, GPUMM_OVER_LIMIT);
    return true;
}

static moment *moment_of(reader *r, uint64_t ticket) {
    return ticket && ticket <= r->newest && r->newest - ticket < TICKETS ? &r->moments[ticket % TICKETS] : NULL;
}

static void moment_end(moment *x, ticket_state state) {
    x->state = state;
    for (size_t i = 0; i < MEMBERS; i++) free(x->bytes[i]), x->bytes[i] = NULL;
}

/* ---- What must always be true ------------------------------------------------------------------ */

/* In place nothing moves; a capacity never shrinks unasked. */
static void look_at(set *x) {
    gpumm_buffer_info info;
    CHECK_OK(x->grouped ? gpumm_group_get_info(x->group, &info) : gpumm_buffer_get_info(x->buffer[0], &info));
    CHECK(info.length == x->length);
    CHECK(info.capacity >= info.length && info.capacity <= x->max_length && info.max_length == x->max_length);
    if (info.capacity > x->capacity && x->capacity) histogram[H_GROWTH]++;
    if (info.address != x->address && x->address) histogram[H_MOVED]++;
    if (!relocating) CHECK(info.generation == 1 && (!x->address || info.address == x->address));
    x->capacity = info.capacity;
    x->address = info.address;
}

static void check_used(void) {
    gpumm_stats stats;
    uint64_t used = 0, buffers = 0, count = 0;
    for (int i = 0; i < SETS; i++)
        for (size_t j = 0; sets[i].used && j < sets[i].count; j++)
            buffers += sets[i].capacity * sets[i].size[j], count++;
    for (int i = 0; i < READBACKS; i++)
        for (size_t j = 0; readers[i].used && readers[i].open && j < readers[i].count; j++)
            used += readers[i].of->capacity * readers[i].size[j] * readers[i].slots * (readers[i].direct ? 1 : 2);
    for (int i = 0; i < SCRATCHES; i++) used += scratches[i].bytes;
    gpumm_manager_get_stats(m, &stats);
    CHECK(stats.total_allocated_bytes == buffers);
    CHECK(stats.buffer_count == count);
    CHECK(stats.used_bytes == buffers + used);
    CHECK(stats.used_bytes == gpumm_budget_used(budget));
    CHECK(stats.used_bytes <= LIMIT);
}

/* What is empty may have no address. */
static bool same(const void *x, const void *y, size_t bytes) { return bytes == 0 || memcmp(x, y, bytes) == 0; }

static void verify(set *x) {
    static unsigned char got[LARGEST * 12];
    for (size_t i = 0; i < x->count; i++) {
        CHECK_OK(gpumm_buffer_download(x->buffer[i], any_stream(), 0, x->length, got));
        CHECK(same(got, x->bytes[i], x->length * x->size[i]));
    }
}

static void frame_verify(const held_frame *f) {
    const moment *x = moment_of(f->of, f->ticket);
    gpumm_frame_info info;
    const void *data;
    CHECK(x && x->state == HELD);
    CHECK(gpumm_frame_valid(f->frame));
    gpumm_frame_get_info(f->frame, &info);
    CHECK(info.ticket == f->ticket && info.length == x->length && (uint64_t)info.step == f->ticket * 3);
    for (size_t i = 0; i < f->of->count; i++) {
        CHECK_OK(gpumm_frame_data(f->frame, i, &data));
        CHECK(same(data, x->bytes[i], x->length * f->of->size[i]));
    }
}

static void verify_all(void) {
    for (int i = 0; i < SETS; i++)
        if (sets[i].used) verify(&sets[i]);
    for (int i = 0; i < FRAMES; i++)
        if (frames[i].frame && moment_of(frames[i].of, frames[i].ticket)->state == HELD) frame_verify(&frames[i]);
}

static bool anything_pending(void) {
    for (int i = 0; i < READBACKS; i++) {
        bool ready = true;
        reader *r = &readers[i];
        if (r->used && r->open && r->newest && gpumm_readback_ready(r->readback, 0, &ready) == GPUMM_OK && !ready)
            return true;
    }
    return false;
}

/* ---- Making and freeing ------------------------------------------------------------------------ */

static uint64_t random_maximum(void) {
    switch (below(&d, 4)) {
    case 0: return 1 + below(&d, 200);
    case 1: return 1 + below(&d, LARGEST);
    default: return 1 + below(&d, LARGEST / 10);
    }
}

static gpumm_growth random_growth(void) {
    static const uint64_t list[] = {100, 1000, 5000, 20000};
    gpumm_growth g = {.kind = (gpumm_growth_kind)below(&d, 4),
                      .step = 1 + below(&d, 2000),
                      .list = list,
                      .list_count = 4,
                      .factor_ppm = 1000000 + (uint32_t)below(&d, 1500000),
                      .align = below(&d, 2) ? 16 : 0};
    return g;
}

static gpumm_status open_single(set *x, unsigned ahead) {
    gpumm_buffer_options o = {.name = x->name[0] ? x->name : NULL,
                              .type = types[below(&d, 3)],
                              .length = x->length,
                              .max_length = x->max_length,
                              .growth = random_growth(),
                              .ahead = ahead,
                              .stream = any_stream(),
                              .shareable = !relocating && !spilling && below(&d, 4) == 0};
    x->count = 1;
    x->size[0] = gpumm_type_size(o.type);
    return gpumm_manager_allocate(m, &o, &x->buffer[0]);
}

static gpumm_status open_group(set *x, unsigned ahead) {
    gpumm_member members[MEMBERS];
    static const char *const names[MEMBERS] = {"a", "b", "c"};
    x->count = 2 + below(&d, MEMBERS - 1);
    for (size_t i = 0; i < x->count; i++) {
        members[i] = (gpumm_member){.name = names[i], .type = types[below(&d, 3)]};
        x->size[i] = gpumm_type_size(members[i].type);
    }
    gpumm_group_options o = {.name = x->name,
                             .members = members,
                             .member_count = x->count,
                             .length = x->length,
                             .max_length = x->max_length,
                             .growth = random_growth(),
                             .ahead = ahead,
                             .stream = any_stream(),
                             .shareable = !relocating && !spilling && below(&d, 4) == 0};
    gpumm_status status = gpumm_group_open(m, &o, &x->group);
    for (size_t i = 0; status == GPUMM_OK && i < x->count; i++) x->buffer[i] = gpumm_group_at(x->group, i);
    return status;
}

static void do_open(void) {
    set *x = &sets[below(&d, SETS)], made = {.used = true, .grouped = below(&d, 3) == 0};
    if (x->used) return;
    made.max_length = random_maximum();
    made.length = below(&d, made.max_length + 1);
    if (made.grouped || below(&d, 2)) snprintf(made.name, sizeof made.name, "n%" PRIu64, ++named);
    unsigned ahead = below(&d, 4) == 0;
    if (failed(made.grouped ? open_group(&made, ahead) : open_single(&made, ahead))) return;
    for (size_t i = 0; i < made.count; i++) made.bytes[i] = calloc(made.max_length, made.size[i]);
    *x = made;
}

/* Its readbacks end: what is pending is cancelled, what is kept stays. */
static void readers_end(const set *x) {
    for (int i = 0; i < READBACKS; i++) {
        reader *r = &readers[i];
        if (!r->used || !r->open || r->of != x) continue;
        r->open = false;
        for (uint64_t t = 1; t <= r->newest; t++) {
            moment *at = moment_of(r, t);
            bool kept = false;
            for (int j = 0; j < FRAMES; j++)
                kept = kept || (frames[j].of == r && frames[j].ticket == t && frames[j].kept);
            if (at && at->state != ENDED && !kept) moment_end(at, at->state == FLYING ? CANCELLED : ENDED);
        }
    }
}

static void set_forget(set *x) {
    for (size_t i = 0; i < x->count; i++) free(x->bytes[i]);
    memset(x, 0, sizeof *x);
}

/* Debug mode looks before it frees: it reports that it could not, and frees all the same. */
static void freed(gpumm_status status) {
    if (!planned.nth || status != planned.status) CHECK_OK(status);
}

static void do_free(void) {
    set *x = any_set();
    if (!x || below(&d, 3)) return;
    for (int i = 0; i < READBACKS; i++)
        if (readers[i].used && readers[i].of == x && !readers[i].open) return; /* keep it simple: `of` stays */
    readers_end(x);
    if (x->grouped) {
        freed(gpumm_group_close(x->group));
        CHECK_STATUS(gpumm_group_resize(x->group, NULL, 1), GPUMM_STALE);
        gpumm_group_release(x->group);
    } else if (x->name[0] && below(&d, 2)) {
        freed(gpumm_manager_free(m, x->name));
        CHECK_STATUS(gpumm_buffer_upload(x->buffer[0], NULL, 0, 0, ""), GPUMM_STALE);
        CHECK_STATUS(gpumm_manager_find(m, x->name, NULL, &(gpumm_buffer *){NULL}), GPUMM_NOT_FOUND);
        gpumm_buffer_release(x->buffer[0]);
    } else {
        freed(gpumm_buffer_close(x->buffer[0]));
        gpumm_buffer_release(x->buffer[0]);
    }
    set_forget(x);
}

/* ---- Size -------------------------------------------------------------------------------------- */

static void new_length(set *x, uint64_t length) {
    for (size_t i = 0; i < x->count && length > x->length; i++)
        memset(x->bytes[i] + x->length * x->size[i], 0, (length - x->length) * x->size[i]);
    x->length = length;
}

static void do_resize(void) {
    set *x = any_set();
    if (!x) return;
    uint64_t length = below(&d, x->max_length + 1 + x->max_length / 50);
    gpumm_status status = x->grouped ? gpumm_group_resize(x->group, any_stream(), length)
                                     : gpumm_buffer_resize(x->buffer[0], any_stream(), length);
    if (length > x->max_length) {
        CHECK_STATUS(status, GPUMM_OVER_MAX_SIZE);
        histogram[H_FAILURE]++;
    } else if (!failed(status)) {
        new_length(x, length);
    }
}

static void do_ensure(void) {
    set *x = any_set();
    if (!x) return;
    uint64_t capacity = 1 + below(&d, x->max_length);
    gpumm_status status;
    if (below(&d, 3) == 0) status = gpumm_buffer_grow(x->buffer[0], capacity, capacity + below(&d, 1000));
    else
        status = x->grouped ? gpumm_group_ensure_capacity(x->group, capacity)
                            : gpumm_buffer_ensure_capacity(x->buffer[0], capacity);
    if (failed(status)) return;
    look_at(x);
    CHECK(x->capacity >= capacity);
}

static void do_append(void) {
    set *x = any_set();
    if (!x || x->length == x->max_length) return;
    uint64_t count = 1 + below(&d, (x->max_length - x->length) / (below(&d, 8) ? 8 : 1) + 1);
    if (count > x->max_length - x->length) count = x->max_length - x->length;
    static unsigned char data[MEMBERS][LARGEST * 12];
    const void *columns[MEMBERS];
    for (size_t i = 0; i < x->count; i++) {
        bool zeros = x->grouped && below(&d, 6) == 0;
        memset(data[i], 0, count * x->size[i]);
        if (!zeros) random_bytes(data[i], count * x->size[i]);
        columns[i] = zeros ? NULL : data[i];
    }
    if (failed(x->grouped ? gpumm_group_append(x->group, any_stream(), count, columns)
                          : gpumm_buffer_append(x->buffer[0], any_stream(), count, columns[0])))
        return;
    for (size_t i = 0; i < x->count; i++) memcpy(x->bytes[i] + x->length * x->size[i], data[i], count * x->size[i]);
    x->length += count;
}

static void do_shrink(void) {
    set *x = any_set();
    if (!x) return;
    if (failed(x->grouped ? gpumm_group_shrink_to_fit(x->group) : gpumm_buffer_shrink_to_fit(x->buffer[0]))) return;
    gpumm_buffer_info info;
    CHECK_OK(gpumm_buffer_get_info(x->buffer[0], &info));
    CHECK(info.capacity < x->length + 16);
    x->capacity = info.capacity;
}

/* ---- Contents ---------------------------------------------------------------------------------- */

typedef struct part {
    set *of;
    size_t member;
    uint64_t first, count;
} part;

static bool any_part(part *p) {
    p->of = any_set();
    if (!p->of || !p->of->length) return false;
    p->member = below(&d, p->of->count);
    p->first = below(&d, p->of->length);
    p->count = below(&d, p->of->length - p->first + 1);
    return true;
}

static void do_upload(void) {
    static unsigned char data[LARGEST * 12];
    part p;
    if (!any_part(&p)) return;
    size_t size = p.of->size[p.member];
    random_bytes(data, p.count * size);
    if (failed(gpumm_buffer_upload(p.of->buffer[p.member], any_stream(), p.first, p.count, data))) return;
    memcpy(p.of->bytes[p.member] + p.first * size, data, p.count * size);
}

static void do_fill(void) {
    part p;
    unsigned char element[12];
    if (!any_part(&p)) return;
    size_t size = p.of->size[p.member];
    random_bytes(element, sizeof element);
    if (below(&d, 2)) memset(element, element[0], sizeof element);
    if (failed(gpumm_buffer_fill(p.of->buffer[p.member], any_stream(), p.first, p.count, element))) return;
    for (uint64_t i = 0; i < p.count; i++) memcpy(p.of->bytes[p.member] + (p.first + i) * size, element, size);
}

static void do_download(void) {
    static unsigned char data[LARGEST * 12];
    part p;
    if (!any_part(&p)) return;
    size_t size = p.of->size[p.member];
    if (failed(gpumm_buffer_download(p.of->buffer[p.member], any_stream(), p.first, p.count, data))) return;
    CHECK(same(data, p.of->bytes[p.member] + p.first * size, p.count * size));
}

static void do_copy(void) {
    part to, from;
    if (!any_part(&to) || !any_part(&from)) return;
    size_t size = to.of->size[to.member];
    uint64_t count = to.count < from.count ? to.count : from.count;
    gpumm_buffer *a = to.of->buffer[to.member], *b = from.of->buffer[from.member];
    gpumm_status status = gpumm_buffer_copy(a, any_stream(), to.first, b, from.first, count);
    uint64_t apart = to.first > from.first ? to.first - from.first : from.first - to.first;
    if (size != from.of->size[from.member]) CHECK_STATUS(status, GPUMM_TYPE_MISMATCH);
    else if (a == b && apart < count) CHECK_STATUS(status, GPUMM_INVALID_ARGUMENT);
    else if (!failed(status))
        memcpy(to.of->bytes[to.member] + to.first * size, from.of->bytes[from.member] + from.first * size,
               count * size);
}

static void do_outside(void) {
    set *x = any_set();
    unsigned char element[12] = {0};
    if (!x) return;
    CHECK_STATUS(gpumm_buffer_fill(x->buffer[0], NULL, x->length, 1, element), GPUMM_INVALID_ARGUMENT);
    CHECK_STATUS(gpumm_buffer_upload(x->buffer[0], NULL, UINT64_MAX, 2, element), GPUMM_INVALID_ARGUMENT);
    if (x->name[0] && !x->grouped)
        CHECK_STATUS(
            gpumm_manager_allocate(m, &(gpumm_buffer_options){.name = x->name, .length = 1}, &(gpumm_buffer *){NULL}),
            GPUMM_ALREADY_EXISTS);
}

/* ---- Readbacks --------------------------------------------------------------------------------- */

static void do_readback(void) {
    reader *r = &readers[below(&d, READBACKS)];
    set *x = any_set();
    if (r->used || !x) return;
    reader made = {.used = true, .open = true, .of = x, .direct = below(&d, 2), .slots = 2 + (unsigned)below(&d, 3)};
    gpumm_buffer *buffers[MEMBERS];
    for (size_t i = x->count; i-- > 0;) { /* the last first: the order is the readback's own */
        if (made.count && below(&d, 3) == 0) continue;
        buffers[made.count] = x->buffer[i];
        made.member[made.count] = i;
        made.size[made.count++] = x->size[i];
    }
    made.busy = (gpumm_busy_policy)below(&d, 3);
    made.in_line = below(&d, 3) == 0;
    gpumm_readback_options o = {.buffers = buffers,
                                .buffer_count = made.count,
                                .slots = made.slots,
                                .direct = made.direct,
                                .busy = made.busy,
                                .inline_bytes = made.in_line ? 1 << (10 + below(&d, 10)) : 0};
    if (failed(gpumm_readback_open(&o, &made.readback))) return;
    *r = made;
}

static unsigned taken_of(const reader *r, ticket_state state) {
    unsigned n = 0;
    for (int i = 0; i < TICKETS; i++) n += r->moments[i].bytes[0] && r->moments[i].state == state;
    return n;
}

static void remember(reader *r, uint64_t ticket) {
    moment *x = &r->moments[ticket % TICKETS];
    CHECK(ticket == r->newest + 1);
    CHECK(!x->bytes[0]);
    r->newest = ticket;
    x->state = FLYING;
    x->length = r->of->length;
    for (size_t i = 0; i < r->count; i++) {
        size_t bytes = r->of->length * r->size[i];
        x->bytes[i] = malloc(bytes + 1);
        memcpy(x->bytes[i], r->of->bytes[r->member[i]], bytes);
    }
}

/* The device's own answer, also where a fault is planned for the question. */
static gpumm_status ready_of(reader *r, uint64_t ticket) {
    bool ready;
    gpumm_status status = gpumm_readback_ready(r->readback, ticket, &ready);
    if (status == GPUMM_OK || status == GPUMM_STALE) return status;
    failed(status);
    return gpumm_readback_ready(r->readback, ticket, &ready);
}

/* Those below `than` that nobody will be given any more; `all`: none of them was still to come. */
static unsigned replaced_below(reader *r, uint64_t than, bool all) {
    unsigned count = 0;
    for (uint64_t t = 1; t < than; t++) {
        moment *x = moment_of(r, t);
        if (!x || x->state != FLYING) continue;
        bool gone = ready_of(r, t) == GPUMM_STALE;
        CHECK(gone || !all);
        if (!gone) continue;
        moment_end(x, ENDED);
        count++;
    }
    r->replaced += count;
    histogram[H_REPLACED] += count;
    return count;
}

static uint64_t oldest_flying(reader *r) {
    uint64_t t = 1;
    while (t <= r->newest && (!moment_of(r, t) || moment_of(r, t)->state != FLYING)) t++;
    return t;
}

/* Every capture was refused, or its ticket came to one end, or is still to come to one. */
static void check_tickets(reader *r) {
    uint64_t pending = 0;
    for (int i = 0; i < TICKETS; i++) pending += r->moments[i].bytes[0] && r->moments[i].state == FLYING;
    CHECK(gpumm_readback_dropped(r->readback) == r->refused + r->replaced);
    CHECK(r->asked == r->refused + r->newest);
    CHECK(r->newest == r->given + r->replaced + r->cancelled + pending);
    CHECK(gpumm_readback_newest(r->readback) == r->newest);
}

/* Refused only where the policy says so. */
static void refused(reader *r, unsigned taken) {
    histogram[H_BUSY]++;
    r->refused++;
    if (r->busy == GPUMM_BUSY_WAIT) CHECK(taken == r->slots);
    if (r->busy == GPUMM_BUSY_NEWEST) CHECK(taken_of(r, HELD) == r->slots);
}

/* Replaced only by the policy that replaces, one at most, and the oldest where copies arrive in their order. */
static void made_room(reader *r, unsigned taken) {
    uint64_t oldest = oldest_flying(r);
    unsigned count = replaced_below(r, r->newest + 1, false);
    CHECK(count <= (r->busy == GPUMM_BUSY_NEWEST ? 1u : 0u));
    CHECK(taken < r->slots || count == 1);
    if (count && !r->in_line) CHECK(moment_of(r, oldest)->state == ENDED);
}

static void capture(reader *r) {
    uint64_t ticket = 0;
    if (holding && r->open && (r->busy != GPUMM_BUSY_DROP || r->in_line)) return; /* it would wait, or streams would */
    if (!r->open) {
        CHECK_STATUS(gpumm_readback_capture(r->readback, NULL, 0, &ticket), GPUMM_CANCELLED);
        return;
    }
    gpumm_status status = gpumm_readback_capture(r->readback, any_stream(), (int64_t)(r->newest + 1) * 3, &ticket);
    unsigned taken = taken_of(r, FLYING) + taken_of(r, HELD);
    if (status == GPUMM_BUSY) {
        r->asked++;
        refused(r, taken);
        return;
    }
    if (failed(status)) {
        replaced_below(r, r->newest + 1, false);
        return;
    }
    made_room(r, taken);
    r->asked++;
    remember(r, ticket);
    histogram[H_CAPTURE]++;
}

static void do_capture(void) {
    reader *r = any_reader();
    if (!r) return;
    capture(r);
    if (r->open) check_tickets(r);
}

static bool is_kept(const reader *r, uint64_t ticket) {
    for (int i = 0; i < FRAMES; i++)
        if (frames[i].frame && frames[i].of == r && frames[i].ticket == ticket && frames[i].kept) return true;
    return false;
}

/* `f` was delivered: the one before ends unless it is kept. Gives the handle back where there is no room. */
static void delivered(reader *r, gpumm_frame *f) {
    gpumm_frame_info info;
    gpumm_frame_get_info(f, &info);
    moment *x = moment_of(r, info.ticket), *before = moment_of(r, r->current);
    CHECK(x && (x->state == FLYING || x->state == HELD));
    if (x->state == FLYING) {
        if (before && before->state == HELD && !is_kept(r, r->current)) moment_end(before, ENDED);
        x->state = HELD;
        r->current = info.ticket;
        r->given++;
        histogram[H_FRAME]++;
    }
    held_frame now = {f, r, info.ticket, is_kept(r, info.ticket)};
    frame_verify(&now);
    for (int i = 0; i < FRAMES; i++)
        if (!frames[i].frame) {
            frames[i] = now;
            return;
        }
    gpumm_frame_release(f); /* a kept one has other handles: this is not its last */
}

static void do_latest(void) {
    reader *r = any_reader();
    gpumm_frame *f = NULL;
    if (!r) return;
    gpumm_status status = gpumm_readback_latest(r->readback, &f);
    if (!r->open) {
        CHECK_STATUS(status, GPUMM_CANCELLED);
        return;
    }
    if (failed(status) || !f) return;
    gpumm_frame_info info;
    gpumm_frame_get_info(f, &info);
    replaced_below(r, info.ticket, !r->in_line);
    delivered(r, f);
    check_tickets(r);
}

static void do_next(void) {
    reader *r = any_reader();
    gpumm_frame *f = NULL;
    if (!r) return;
    gpumm_status status = gpumm_readback_next(r->readback, &f);
    if (!r->open) {
        CHECK_STATUS(status, GPUMM_CANCELLED);
        return;
    }
    if (failed(status) || !f) return;
    gpumm_frame_info info;
    gpumm_frame_get_info(f, &info);
    for (uint64_t t = 1; t < info.ticket; t++) /* the oldest first: copies arrive in their order */
        CHECK(!moment_of(r, t) || moment_of(r, t)->state != FLYING);
    delivered(r, f);
}

static void do_wait(void) {
    reader *r = any_reader();
    gpumm_frame *f = NULL;
    if (!r) return;
    uint64_t back = below(&d, r->slots + 1), ticket = below(&d, 3) ? 0 : r->newest > back ? r->newest - back : 0;
    gpumm_status status = gpumm_readback_wait(r->readback, ticket, 120, &f);
    moment *x = moment_of(r, ticket ? ticket : r->newest);
    if (!r->open) {
        CHECK_STATUS(status, GPUMM_CANCELLED);
    } else if (!r->newest) {
        CHECK_STATUS(status, GPUMM_NOT_PENDING);
    } else if (!x || x->state == ENDED) {
        CHECK_STATUS(status, GPUMM_STALE);
    } else if (x->state == CANCELLED) {
        if (status != GPUMM_STALE) CHECK_STATUS(status, GPUMM_CANCELLED);
    } else if (!failed(status)) {
        delivered(r, f);
    }
}

static void do_cancel(void) {
    reader *r = any_reader();
    if (!r || !r->open || !r->newest) return;
    moment *x = moment_of(r, r->newest);
    gpumm_status status = gpumm_readback_cancel(r->readback, 0);
    if (x->state == FLYING) {
        if (!failed(status)) {
            moment_end(x, CANCELLED);
            r->cancelled++;
        }
    } else if (x->state == HELD) {
        CHECK_STATUS(status, GPUMM_NOT_PENDING);
    } else {
        CHECK(status == GPUMM_STALE || status == GPUMM_CANCELLED);
    }
}

static void frame_gone(held_frame *f, bool ended) {
    moment *x = moment_of(f->of, f->ticket);
    gpumm_frame_release(f->frame);
    held_frame was = *f;
    *f = (held_frame){0};
    bool others = false;
    for (int i = 0; i < FRAMES; i++)
        others = others || (frames[i].frame && frames[i].of == was.of && frames[i].ticket == was.ticket);
    if (!x || x->state != HELD || (!ended && (!was.kept || others))) return;
    moment_end(x, ENDED);
    if (was.of->current == was.ticket) was.of->current = 0;
}

static void do_frame(void) {
    held_frame *f = &frames[below(&d, FRAMES)];
    if (!f->frame) return;
    moment *x = moment_of(f->of, f->ticket);
    bool valid = x && x->state == HELD;
    const void *data;
    CHECK(gpumm_frame_valid(f->frame) == valid);
    if (valid) frame_verify(f);
    else CHECK_STATUS(gpumm_frame_data(f->frame, 0, &data), GPUMM_STALE);
    switch (below(&d, 4)) {
    case 0:
        CHECK_STATUS(gpumm_frame_keep(f->frame), valid ? GPUMM_OK : GPUMM_STALE);
        for (int i = 0; valid && i < FRAMES; i++)
            if (frames[i].frame && frames[i].of == f->of && frames[i].ticket == f->ticket) frames[i].kept = true;
        break;
    case 1:
        gpumm_frame_close(f->frame);
        CHECK(!gpumm_frame_valid(f->frame));
        frame_gone(f, true);
        break;
    case 2: frame_gone(f, false); break;
    default: break;
    }
}

static void gpumm__reader_close(reader *r) {
    for (int i = 0; i < FRAMES; i++)
        if (frames[i].of == r) frame_gone(&frames[i], false);
    gpumm_readback_release(r->readback);
    for (int i = 0; i < TICKETS; i++) moment_end(&r->moments[i], ENDED);
    memset(r, 0, sizeof *r);
}

static void do_reader_close(void) {
    reader *r = any_reader();
    if (r && (!r->open || below(&d, 4) == 0)) gpumm__reader_close(r);
}

/* Captures with their copies held shut, and what may happen meanwhile without a transfer. */
static void do_held(void) {
    static void (*const meanwhile[])(void) = {do_free, do_copy,  do_cancel,       do_latest,
                                              do_next, do_frame, do_reader_close, do_capture};
    reader *r = any_reader();
    if (!r || !r->open || planned.nth || spilling) return; /* where memory is short it is waited for */
    CHECK_OK(gpumm_fault_hold(m, "copy"));
    holding = true;
    capture(r);
    for (uint64_t i = below(&d, 4); i > 0; i--) {
        void (*act)(void) = meanwhile[below(&d, sizeof meanwhile / sizeof *meanwhile)];
        if (act != do_free || !debugging) act(); /* which reads canaries back before it frees */
    }
    if (anything_pending()) histogram[H_PENDING]++;
    CHECK_OK(gpumm_fault_resume(m, "copy"));
    holding = false;
}

/* ---- The rest ---------------------------------------------------------------------------------- */

static void do_stream(void) {
    gpumm_stream **s = &streams[below(&d, STREAMS)], *made;
    if (failed(gpumm_stream_open(m, &made))) return;
    gpumm_stream_release(*s);
    *s = made;
}

static void do_event(void) {
    gpumm_event *e;
    gpumm_stream *a = any_stream(), *b = any_stream();
    if (failed(gpumm_stream_record(a ? a : gpumm_manager_main(m), &e))) return;
    failed(gpumm_stream_wait(b ? b : gpumm_manager_main(m), e));
    gpumm_event_release(e);
}

static void do_scratch(void) {
    scratch *x = &scratches[below(&d, SCRATCHES)];
    if (x->scratch) {
        failed(gpumm_scratch_used(x->scratch, any_stream(), GPUMM_ACCESS_WRITE));
        gpumm_scratch_release(x->scratch);
        *x = (scratch){0};
        return;
    }
    uint64_t bytes = 1 + below(&d, 100000);
    if (failed(gpumm_scratch_open(m, any_stream(), bytes, &x->scratch))) return;
    CHECK(gpumm_scratch_bytes(x->scratch) == bytes);
    CHECK(gpumm_scratch_address(x->scratch) % 256 == 0);
    x->bytes = bytes;
}

/* What the live buffers need and no more, but for staging, scratch and transfers: room.c counts to the byte. */
static void do_trim(void) {
    gpumm_stats stats;
    if (failed(gpumm_manager_trim(m, NULL)) || planned.nth) return;
    gpumm_manager_get_stats(m, &stats);
    CHECK(stats.entry[GPUMM_CATEGORY_CACHED].now_bytes == 0);
}

/* What is spilled goes to the device as far as there is room; its contents are verified as everything's. */
static void do_promote(void) {
    uint64_t promoted;
    if (failed(gpumm_manager_promote(m, &promoted))) return;
    if (promoted) histogram[H_PROMOTED]++;
    CHECK(spilling || !promoted);
}

/* The pieces are side by side and make up what is committed. Returns bytes that the host has, but of blocks in a slab. */
static uint64_t residency_of(gpumm_buffer *b) {
    gpumm_residency pieces[64];
    gpumm_buffer_info info;
    uint64_t end = 0, spilled = 0;
    size_t count;
    CHECK_OK(gpumm_buffer_residency(b, pieces, 64, &count));
    CHECK_OK(gpumm_buffer_get_info(b, &info));
    for (size_t i = 0; i < count; end += pieces[i++].bytes) {
        CHECK(i < 64 && pieces[i].offset == end && pieces[i].bytes > 0);
        CHECK(!i || pieces[i].tier != pieces[i - 1].tier);
        if (info.committed_bytes && pieces[i].tier == GPUMM_TIER_HOST) spilled += pieces[i].bytes;
    }
    CHECK(!info.committed_bytes || end >= info.length * gpumm_type_size(gpumm_buffer_type(b)));
    return spilled;
}

/* Scratch, staging and slabs are spilled as well. */
static void check_spilled(void) {
    gpumm_stats stats;
    uint64_t spilled = 0;
    for (int i = 0; i < SETS; i++)
        for (size_t j = 0; sets[i].used && j < sets[i].count; j++) spilled += residency_of(sets[i].buffer[j]);
    gpumm_manager_get_stats(m, &stats);
    uint64_t booked = stats.entry[GPUMM_CATEGORY_SPILLED].now_bytes;
    CHECK(booked >= spilled && (spilling || !booked));
    if (booked) histogram[H_SPILLED]++;
}

/* ---- Running ----------------------------------------------------------------------------------- */

typedef struct act {
    const char *name;
    void (*run)(void);
    unsigned weight;
} act;

static const act acts[] = {
    {"open", do_open, 8},         {"free", do_free, 6},     {"resize", do_resize, 8},      {"ensure", do_ensure, 8},
    {"append", do_append, 10},    {"shrink", do_shrink, 4}, {"upload", do_upload, 8},      {"fill", do_fill, 8},
    {"download", do_download, 5}, {"copy", do_copy, 6},     {"outside", do_outside, 1},    {"readback", do_readback, 4},
    {"capture", do_capture, 10},  {"latest", do_latest, 4}, {"next", do_next, 4},          {"wait", do_wait, 4},
    {"cancel", do_cancel, 2},     {"frame", do_frame, 10},  {"close", do_reader_close, 2}, {"held", do_held, 6},
    {"stream", do_stream, 1},     {"event", do_event, 2},   {"scratch", do_scratch, 3},    {"trim", do_trim, 1},
    {"promote", do_promote, 6},
};

static const act *any_act(void) {
    unsigned total = 0;
    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++) total += acts[i].weight;
    uint64_t at = below(&d, total);
    const act *a = acts;
    while (at >= a->weight) at -= (a++)->weight;
    return a;
}

static void plan_fault(void) {
    static const char *const calls[] = {NULL,           "commit",      "alloc",       "copy",    "fill",
                                        "event_record", "stream_wait", "event_query", "reserve", "promote"};
    if (below(&d, 6)) return;
    planned = (gpumm_fault){.call = calls[below(&d, sizeof calls / sizeof *calls)],
                            .nth = 1 + below(&d, 2),
                            .status = below(&d, 2) ? GPUMM_DRIVER : GPUMM_OUT_OF_MEMORY};
    CHECK_OK(gpumm_fault_plan(m, &planned));
}

static void one_step(void) {
    const act *a = any_act();
    now_doing = a->name;
    histogram[H_OPERATIONS]++;
    if (anything_pending()) histogram[H_PENDING]++;
    plan_fault();
    a->run();
    if (planned.nth) CHECK_OK(gpumm_fault_plan(m, NULL));
    planned = (gpumm_fault){0};
    for (int i = 0; i < SETS; i++)
        if (sets[i].used) look_at(&sets[i]);
    check_used();
    check_spilled();
    now_doing = "verify";
    if (step_number % VERIFY_EVERY == 0) verify_all();
    if (step_number % CHECK_EVERY == 0) CHECK_OK(gpumm_manager_check(m));
}

static void world_close(void) {
    now_doing = "close";
    verify_all();
    for (int i = 0; i < READBACKS; i++)
        if (readers[i].used) gpumm__reader_close(&readers[i]);
    for (int i = 0; i < SCRATCHES; i++) {
        gpumm_scratch_release(scratches[i].scratch);
        scratches[i] = (scratch){0};
    }
    for (int i = 0; i < STREAMS; i++) {
        gpumm_stream_release(streams[i]);
        streams[i] = NULL;
    }
    check_books(m, budget);
    for (int i = 0; i < SETS; i++) { /* some handles are released, some are left to close */
        if (!sets[i].used) continue;
        if (sets[i].grouped) gpumm_group_release(sets[i].group);
        else gpumm_buffer_release(sets[i].buffer[0]);
        set_forget(&sets[i]);
    }
    close_and_check(m);
    CHECK(gpumm_budget_used(budget) == 0);
    gpumm_budget_release(budget);
}

static void run(uint64_t operations, bool relocate, bool debug, bool spill) {
    relocating = relocate;
    debugging = debug;
    spilling = spill;
    CHECK_OK(gpumm_budget_open(UINT64_MAX, &budget));
    CHECK_OK(gpumm_manager_open(&(gpumm_options){.device = "host",
                                                 .limit = LIMIT,
                                                 .budget = budget,
                                                 .relocate = relocate,
                                                 .debug = debug,
                                                 .inject_faults = true,
                                                 .memory_bytes = spill ? LITTLE : 0,
                                                 .spill = spill ? 1u << 30 : 0,
                                                 .workers = 1},
                                &m));
    for (int i = 0; i < STREAMS; i++) CHECK_OK(gpumm_stream_open(m, &streams[i]));
    for (uint64_t i = 0; i < operations; i++, step_number++) one_step();
    world_close();
}

int main(int argc, char **argv) {
    uint64_t operations = argc > 1 ? strtoull(argv[1], NULL, 10) : 100000 / HARD_SLOW;
    static const char *const names[] = {"u32", "f32x3", "u8"};
    seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    d = dice_of(seed);
    setvbuf(stdout, NULL, _IOLBF, 0);
    printf("model: %" PRIu64 " operations, seed %" PRIu64 "\n", operations, seed);
    for (int i = 0; i < 3; i++) CHECK_OK(gpumm_type_parse(names[i], &types[i]));
    uint64_t tenth = operations / 10;
    run(operations - 5 * tenth, false, false, false);
    run(2 * tenth, true, false, false);
    run(tenth / 2, true, false, true);
    run(tenth / 2, false, true, false);
    run(2 * tenth, false, false, true);
    for (int i = 0; i < 3; i++) gpumm_type_release(types[i]);
    for (int i = 0; i < H_COUNT; i++)
        printf("    %-18s %9" PRIu64 "  %5.1f %%\n", histogram_names[i], histogram[i],
               100.0 * (double)histogram[i] / (double)(histogram[H_OPERATIONS] ? histogram[H_OPERATIONS] : 1));
    for (int i = H_GROWTH; i <= H_PENDING && operations >= 1000; i++)
        CHECK(histogram[i] * 100 >= histogram[H_OPERATIONS]);
    return 0;
}
