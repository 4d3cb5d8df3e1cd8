/* SPDX-License-Identifier: MIT */
/*
 * A block's threads take turns on one thread of the pool. One that has to wait for others hands over to the next that can
 * go on, its warp's first; the last that comes lets the others go on. A fiber that is through with a thread takes up one
 * that has not begun, so that threads which never wait are plain calls, one after the other, on one stack.
 *
 * Where no thread can go on and some wait, nobody will come: that is an error, with the places where they stand. Its
 * block is given up there, fibers and all.
 */
#include "device/host/crew.h"

#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "device/host/arithmetic.h"
#include "device/host/fiber.h"

enum { LANES = 32, WARPS = DEVICE_BLOCK_MAX / LANES, NONE = DEVICE_BLOCK_MAX };
enum {
    STACK_SIZE = FIBER_GUARD + (256 << 10),
    STACKS_AT_ONCE = 32,
    STACKS_MOST = 24000 /* at work at the same time */,
    LINE = 64
};

#define COLD __attribute__((noinline, cold))

typedef struct thread { /* one that waits for others of its warp */
    const char *file;
    unsigned line;
    unsigned mask;
    void *cell;
    block_combine *combine;
} thread;

typedef struct warp { /* bits are lanes */
    uint32_t alive, ready, barrier, meeting, open;
    unsigned last; /* lane that had its turn */
} warp;

typedef struct member { /* what a switch looks at is one line of the processor's cache */
    _Alignas(LINE) fiber fiber;
    struct member *next; /* idle */
    unsigned turn;
} member;

struct crew {
    block_view view; /* first */
    const gpumm_allocator *memory;
    block_work *of;
    fiber thread; /* who runs the block */
    member *idle, *members[DEVICE_BLOCK_MAX];
    void *stacks[DEVICE_BLOCK_MAX / STACKS_AT_ONCE], *blocks[DEVICE_BLOCK_MAX / STACKS_AT_ONCE];
    unsigned member_count;
    uint32_t busy;                                        /* warps with a lane that is ready or open */
    unsigned current, living, arrived, predicates, first; /* first: whoever came to the barrier first */
    bool given_up;
    const char *file; /* of the barrier that some are at */
    unsigned line;
    fiber *fibers[DEVICE_BLOCK_MAX]; /* the threads'; NULL: not begun, or through */
    thread threads[DEVICE_BLOCK_MAX];
    warp warps[WARPS];
};

static crew *crew_of(block_view *b) { return (crew *)(void *)b; }
static uint32_t bit(unsigned n) { return (uint32_t)1 << (n % LANES); }
static unsigned lowest(uint32_t bits) { return (unsigned)__builtin_ctz(bits); }

/* ---- What went wrong ---------------------------------------------------------------------- */

static void block_name(const crew *c, char text[static 48]) {
    const unsigned *b = c->view.index;
    snprintf(text, 48, "block (%u, %u, %u)", b[0], b[1], b[2]);
}

static void thread_name(const crew *c, unsigned t, char text[static 48]) {
    const unsigned *size = c->view.size;
    snprintf(text, 48, "thread (%u, %u, %u)", t % size[0], t / size[0] % size[1], t / size[0] / size[1]);
}

/* The first to fail says so; the others end with it. */
__attribute__((format(printf, 2, 3))) static COLD void tell(crew *c, const char *format, ...) {
    block_work *t = c->of;
    char block[48], text[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    block_name(c, block);
    if (!atomic_exchange(&t->told, true))
        snprintf(t->message, sizeof t->message, "kernel '%.60s', %s: %.250s", t->name, block, text);
}

/* Goes back to whoever runs the block. */
static COLD void give_up(crew *c) {
    c->given_up = true;
    gpumm__fiber_leave(c->fibers[c->current], &c->thread);
}

static void give_up_for_division(void *user) { give_up(user); }

static const char *short_name(const char *file) {
    const char *slash = strrchr(file, '/');
    return slash ? slash + 1 : file;
}

static COLD void two_barriers(crew *c, const char *file, unsigned line) {
    char one[48], other[48];
    thread_name(c, c->first, one);
    thread_name(c, c->current, other);
    tell(c, "its threads wait at different barriers: %s at %.60s:%u, %s at %.60s:%u", one, short_name(c->file), c->line,
         other, short_name(file), line);
    give_up(c);
}

static bool waits(const crew *c, unsigned t, bool at_barrier) {
    const warp *w = &c->warps[t / LANES];
    return ((at_barrier ? w->barrier : w->meeting) & bit(t)) != 0;
}

static unsigned first_waiting(const crew *c, bool at_barrier) {
    unsigned t = 0, count = c->view.size[0] * c->view.size[1] * c->view.size[2];
    while (t < count && !waits(c, t, at_barrier)) t++;
    return t < count ? t : NONE;
}

/* Nobody can go on. At least one waits for threads of its warp, for a barrier that all wait at is passed. */
static COLD void nobody_comes(crew *c) {
    char one[48], other[48];
    unsigned met = first_waiting(c, false), barrier = first_waiting(c, true);
    if (met == NONE) {
        tell(c, "its threads wait for one another");
        give_up(c);
        return;
    }
    const thread *t = &c->threads[met];
    thread_name(c, met, one);
    unsigned base = met / LANES * LANES;
    uint32_t missing = t->mask & c->warps[met / LANES].alive & ~bit(met), odd = 0;
    for (uint32_t left = missing; left; left &= left - 1) {
        const thread *o = &c->threads[base + lowest(left)];
        if (!waits(c, base + lowest(left), false) || o->mask != t->mask || o->combine != t->combine)
            odd |= left & -left;
    }
    unsigned late = odd ? base + lowest(odd) : barrier != NONE ? barrier : met;
    bool at_barrier = waits(c, late, true);
    thread_name(c, late, other);
    tell(c, "%s waits at %.60s:%u (mask 0x%08x) for threads that do not come: %s waits at %.60s:%u", one,
         short_name(t->file), t->line, t->mask, other, short_name(at_barrier ? c->file : c->threads[late].file),
         at_barrier ? c->line : c->threads[late].line);
    give_up(c);
}

/* ---- Turns -------------------------------------------------------------------------------- */

static void now_waits(crew *c, warp *w, unsigned t) {
    w->ready &= ~bit(t);
    if (!(w->ready | w->open)) c->busy &= ~bit(t / LANES);
}

static void goes_on(crew *c, unsigned which, uint32_t lanes) {
    c->warps[which].ready |= lanes;
    if (lanes) c->busy |= bit(which);
}

/* Those that asked who is there, and stand where the first of them does, are there; nobody else of the warp can come. */
static void release_open(warp *w, thread *lanes) {
    const thread *first = &lanes[lowest(w->open)];
    uint32_t here = 0;
    for (uint32_t left = w->open; left; left &= left - 1) {
        const thread *t = &lanes[lowest(left)];
        if (t->line == first->line && t->file == first->file) here |= left & -left;
    }
    for (uint32_t left = here; left; left &= left - 1) lanes[lowest(left)].mask = here;
    w->open &= ~here;
    w->ready |= here;
}

static unsigned turn_in(crew *c, unsigned which) {
    warp *w = &c->warps[which];
    if (!w->ready) release_open(w, &c->threads[which * LANES]);
    uint32_t later = w->ready & ~(((uint32_t)2 << w->last) - 1);
    w->last = lowest(later ? later : w->ready);
    return which * LANES + w->last;
}

static unsigned next_warp(const crew *c) {
    uint32_t later = c->busy & ~(((uint32_t)2 << (c->current / LANES)) - 1);
    return lowest(later ? later : c->busy);
}

/* Who goes on now; NONE: nobody can. */
static unsigned next_turn(crew *c) {
    if (!c->busy) return NONE;
    unsigned which = c->current / LANES;
    return turn_in(c, c->busy & bit(which) ? which : next_warp(c));
}

static void crew_run(void *user);

static bool more_members(crew *c) {
    unsigned group = c->member_count / STACKS_AT_ONCE;
    char *stacks = gpumm__fiber_stacks(STACK_SIZE, STACKS_AT_ONCE);
    char *block = stacks ? gpumm__mem_new(c->memory, (STACKS_AT_ONCE + 1) * sizeof(member)) : NULL;
    if (!block && stacks) gpumm__fiber_stacks_free(stacks, STACK_SIZE, STACKS_AT_ONCE);
    if (!block) return false;
    member *made = (member *)(void *)(block + (LINE - (uintptr_t)block % LINE) % LINE);
    c->stacks[group] = stacks;
    c->blocks[group] = block;
    for (unsigned i = STACKS_AT_ONCE; i-- > 0;) {
        made[i].turn = c->member_count + i;
        gpumm__fiber_open(&made[i].fiber, stacks + (size_t)i * STACK_SIZE, STACK_SIZE, made[i].turn, crew_run, c);
        made[i].next = c->idle;
        c->idle = c->members[c->member_count + i] = &made[i];
    }
    c->member_count += STACKS_AT_ONCE;
    return true;
}

static fiber *take_member(crew *c) {
    if (!c->idle && !more_members(c)) return NULL;
    member *m = c->idle;
    c->idle = m->next;
    return &m->fiber;
}

/* From the running thread's fiber to that thread's. */
static void hand_over(crew *c, unsigned next) {
    fiber *from = c->fibers[c->current];
    if (next == c->current) return;
    if (!c->fibers[next] && !(c->fibers[next] = take_member(c))) {
        tell(c, "no memory for the stacks of its threads, %d KiB each", (STACK_SIZE - FIBER_GUARD) >> 10);
        give_up(c);
    }
    c->current = next;
    gpumm__fiber_switch(from, c->fibers[next]);
}

static void wait_turn(crew *c) {
    unsigned next = next_turn(c);
    if (next == NONE) nobody_comes(c);
    hand_over(c, next);
}

/* ---- Barriers ----------------------------------------------------------------------------- */

static unsigned warp_count(const crew *c) {
    return (c->view.size[0] * c->view.size[1] * c->view.size[2] + LANES - 1) / LANES;
}

static void release_barrier(crew *c) {
    for (unsigned i = 0, count = warp_count(c); i < count; i++) {
        goes_on(c, i, c->warps[i].barrier);
        c->warps[i].barrier = 0;
    }
    c->view.count = c->predicates;
    c->view.total = c->arrived;
    c->arrived = c->predicates = 0;
}

static void block_barrier(block_view *b, int predicate, const char *file, unsigned line) {
    crew *c = crew_of(b);
    unsigned t = c->current;
    if (!c->arrived) {
        c->first = t;
        c->file = file;
        c->line = line;
    } else if (c->line != line || (c->file != file && strcmp(c->file, file) != 0)) {
        two_barriers(c, file, line);
    }
    c->predicates += predicate != 0;
    c->warps[t / LANES].barrier |= bit(t);
    now_waits(c, &c->warps[t / LANES], t);
    if (++c->arrived == c->living) release_barrier(c);
    else wait_turn(c);
}

/* ---- Warps -------------------------------------------------------------------------------- */

/* Have all come whom that lane waits for? Then all of them have their results. */
static bool meeting_done(crew *c, unsigned t) {
    warp *w = &c->warps[t / LANES];
    thread *lanes = &c->threads[t / LANES * LANES];
    uint32_t members = c->threads[t].mask & w->alive;
    if (members & ~w->meeting) return false;
    void *cells[LANES] = {NULL};
    for (uint32_t left = members; left; left &= left - 1) {
        const thread *o = &lanes[lowest(left)];
        if (o->mask != c->threads[t].mask || o->combine != c->threads[t].combine) return false;
        cells[lowest(left)] = o->cell;
    }
    c->threads[t].combine(cells, members);
    w->meeting &= ~members;
    goes_on(c, t / LANES, members);
    return true;
}

static void block_meet(block_view *b, unsigned mask, void *cell, block_combine *combine, const char *file,
                       unsigned line) {
    crew *c = crew_of(b);
    unsigned t = c->current;
    thread *self = &c->threads[t];
    if (!(mask & bit(t))) {
        tell(c, "a thread's mask 0x%08x at %.60s:%u does not name the thread itself, lane %u", mask, short_name(file),
             line, t % LANES);
        give_up(c);
    }
    self->file = file;
    self->line = line;
    self->mask = mask;
    self->cell = cell;
    self->combine = combine;
    c->warps[t / LANES].meeting |= bit(t);
    if (meeting_done(c, t)) return;
    now_waits(c, &c->warps[t / LANES], t);
    wait_turn(c);
}

static unsigned block_active(block_view *b, const char *file, unsigned line) {
    crew *c = crew_of(b);
    unsigned t = c->current;
    c->threads[t].file = file;
    c->threads[t].line = line;
    c->warps[t / LANES].open |= bit(t);
    now_waits(c, &c->warps[t / LANES], t);
    wait_turn(c);
    return c->threads[t].mask;
}

/* For one that looks again and again at what another thread is to write: another warp's turn, or another block's. */
static void block_yield(block_view *b) {
    crew *c = crew_of(b);
    unsigned next = turn_in(c, next_warp(c));
    if (next == c->current) sched_yield();
    hand_over(c, next);
}

/* ---- Threads ------------------------------------------------------------------------------ */

/* A thread that is through counts nowhere any more. */
static void thread_through(crew *c) {
    unsigned t = c->current;
    warp *w = &c->warps[t / LANES];
    w->alive &= ~bit(t);
    now_waits(c, w, t);
    c->fibers[t] = NULL;
    c->living--;
    if (c->arrived && c->arrived == c->living) release_barrier(c);
    for (uint32_t left = w->meeting; left; left &= left - 1)
        if (w->meeting & left & -left) meeting_done(c, t / LANES * LANES + lowest(left));
}

static void member_rests(crew *c, fiber *self) {
    member *m = (member *)(void *)self;
    m->next = c->idle;
    c->idle = m;
}

/* What every fiber does: thread after thread. */
static void crew_run(void *user) {
    crew *c = user;
    for (;;) {
        unsigned t = c->current;
        fiber *self = c->fibers[t];
        c->of->run(c->of->arguments, &c->view, t, t + 1);
        thread_through(c);
        unsigned next = next_turn(c);
        if (next == NONE && c->living) {
            c->fibers[c->current] = self;
            nobody_comes(c);
        }
        if (next != NONE) c->current = next;
        if (next != NONE && !c->fibers[next]) {
            c->fibers[next] = self;
            continue;
        }
        member_rests(c, self);
        gpumm__fiber_switch(self, next == NONE ? &c->thread : c->fibers[next]);
    }
}

/* ---- Blocks ------------------------------------------------------------------------------- */

void gpumm__crew_place(const block_work *t, uint64_t number, block_view *view) {
    memcpy(view->size, t->block, sizeof view->size);
    memcpy(view->grid, t->grid, sizeof view->grid);
    view->index[0] = (unsigned)(number % t->grid[0]);
    view->index[1] = (unsigned)(number / t->grid[0] % t->grid[1]);
    view->index[2] = (unsigned)(number / t->grid[0] / t->grid[1]);
}

static void all_ready(crew *c, unsigned count) {
    c->busy = 0;
    c->living = count;
    c->arrived = c->predicates = c->current = 0;
    for (unsigned i = 0; i * LANES < count; i++) {
        unsigned lanes = count - i * LANES;
        uint32_t alive = lanes < LANES ? ((uint32_t)1 << lanes) - 1 : UINT32_MAX;
        c->warps[i] = (warp){.alive = alive, .ready = alive, .last = LANES - 1};
        c->busy |= bit(i);
    }
}

/* What was given up begins anew. */
static void restart(crew *c) {
    c->idle = NULL;
    for (unsigned i = c->member_count; i-- > 0;) {
        gpumm__fiber_restart(&c->members[i]->fiber, c->members[i]->turn);
        c->members[i]->next = c->idle;
        c->idle = c->members[i];
    }
    memset(c->fibers, 0, sizeof c->fibers);
    c->given_up = false;
}

static bool run_block(crew *c, uint64_t number) {
    gpumm__crew_place(c->of, number, &c->view);
    all_ready(c, crew_threads(c->of));
    fiber *first = take_member(c);
    if (!first)
        return tell(c, "no memory for the stacks of its threads, %d KiB each", (STACK_SIZE - FIBER_GUARD) >> 10), false;
    c->fibers[0] = first;
    c->warps[0].last = 0;
    gpumm__fiber_switch(&c->thread, first);
    if (!c->given_up) return true;
    restart(c);
    return false;
}

bool gpumm__crew_run(crew *c, block_work *work, uint64_t begin, uint64_t end) {
    bool good = true;
    c->of = work;
    gpumm__fiber_thread(&c->thread);
    gpumm__arithmetic_leave(give_up_for_division, c);
    for (uint64_t b = begin; b < end && good; b++) good = run_block(c, b);
    gpumm__arithmetic_leave(NULL, NULL);
    return good;
}

crew *gpumm__crew_new(const gpumm_allocator *memory) {
    crew *c = gpumm__mem_new(memory, sizeof *c);
    if (!c) return NULL;
    c->memory = memory;
    c->view.barrier = block_barrier;
    c->view.meet = block_meet;
    c->view.active = block_active;
    c->view.yield = block_yield;
    return c;
}

void gpumm__crew_delete(crew *c) {
    for (unsigned i = 0; i < c->member_count; i++) gpumm__fiber_close(&c->members[i]->fiber);
    for (unsigned i = 0; i < c->member_count; i += STACKS_AT_ONCE) {
        gpumm__fiber_stacks_free(c->stacks[i / STACKS_AT_ONCE], STACK_SIZE, STACKS_AT_ONCE);
        gpumm__mem_free(c->memory, c->blocks[i / STACKS_AT_ONCE]);
    }
    gpumm__mem_free(c->memory, c);
}
