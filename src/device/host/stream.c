/* SPDX-License-Identifier: MIT */
/* Streams: each a worker whose jobs are operations. An operation claims the memory it uses when it is
   queued and drops it when it has run; only then does it count as completed. */
#include "device/host/stream.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/size.h"
#include "base/status.h"
#include "device/host/launch_error.h"
#include "device/host/module.h"

enum { BLOCK_DEFAULT = 256 };

/* ---- Waiting ---- */

/* The waiter counts itself before it looks, the ringer publishes before it counts waiters: one of the two
   sees the other, so no ring is lost. */
void gpumm__host_bell_wait(bell *b, bool (*ready)(const void *what), const void *what) {
    if (ready(what)) return;
    pthread_mutex_lock(&b->lock);
    atomic_fetch_add(&b->waiters, 1);
    while (!ready(what)) pthread_cond_wait(&b->rung, &b->lock);
    atomic_fetch_sub(&b->waiters, 1);
    pthread_mutex_unlock(&b->lock);
}

void gpumm__host_bell_ring(bell *b) {
    if (atomic_load(&b->waiters) == 0) return;
    pthread_mutex_lock(&b->lock);
    pthread_cond_broadcast(&b->rung);
    pthread_mutex_unlock(&b->lock);
}

/* ---- Operations ---- */

_Static_assert(sizeof(op) + 2 * sizeof(use) <= STOCK_SMALL, "a copy is a small piece of the stock");

/* Reading what is spilled takes time on a GPU: here so much as the options say. */
static void last_as_spilled(host_device *h, const op *o) {
    enum { SPILLED_MOST_S = 1000000000 };
    uint64_t bytes = h->spill_rate ? gpumm__host_use_spilled(h, o->uses, o->use_count) : 0;
    double seconds = (double)bytes / (double)(h->spill_rate ? h->spill_rate : 1);
    if (bytes)
        gpumm__clock_sleep_ns(seconds < SPILLED_MOST_S ? (uint64_t)(seconds * 1e9)
                                                       : SPILLED_MOST_S * UINT64_C(1000000000));
}

static void op_run(job *j) {
    op *o = (op *)j;
    device_stream *s = o->stream;
    host_device *h = s->device;
    o->work(o);
    last_as_spilled(h, o);
    gpumm__host_use_drop(h, o->uses, o->use_count);
    gpumm__stock_give(&h->stock, o);
    gpumm__stock_trim(&h->stock);
    atomic_fetch_add(&s->completed, 1); /* from here on the stream may be closed by who waited */
    gpumm__host_bell_ring(&h->bell);
}

gpumm_status gpumm__host_op_new_sized(device_stream *s, void (*work)(op *o), size_t uses, size_t bytes, op **out) {
    op *o = gpumm__stock_take(&s->device->stock, bytes);
    if (!o) return fail_host_memory(bytes);
    o->job.run = op_run;
    o->stream = s;
    o->work = work;
    o->use_count = uses;
    *out = o;
    return GPUMM_OK;
}

gpumm_status gpumm__host_op_new(device_stream *s, void (*work)(op *o), op **out) {
    return gpumm__host_op_new_sized(s, work, 0, sizeof **out, out);
}

void gpumm__host_op_post(op *o) {
    device_stream *s = o->stream;
    atomic_fetch_add(&s->issued, 1);
    gpumm__worker_post(&s->worker, &o->job);
}

/* An operation with its operands claimed; the caller fills in the rest and posts it. */
static gpumm_status op_using(device_stream *s, void (*work)(op *o), const operand *operands, size_t count, op **out) {
    op *o = NULL;
    TRY(gpumm__host_op_new_sized(s, work, count, sizeof *o + count * sizeof *o->uses, &o)); /* count is 1 or 2 */
    gpumm_status status = gpumm__host_use_operands(s->device, o->uses, operands, count);
    if (status != GPUMM_OK) gpumm__stock_give(&s->device->stock, o);
    else *out = o;
    return status;
}

/* ---- Streams ---- */

static void list_stream(host_device *h, device_stream *s) {
    pthread_mutex_lock(&h->lock);
    s->next = h->streams;
    if (s->next) s->next->before = s;
    h->streams = s;
    pthread_mutex_unlock(&h->lock);
}

static void unlist_stream(host_device *h, device_stream *s) {
    pthread_mutex_lock(&h->lock);
    if (s->before) s->before->next = s->next;
    else h->streams = s->next;
    if (s->next) s->next->before = s->before;
    pthread_mutex_unlock(&h->lock);
}

gpumm_status gpumm__host_stream_open(device *d, void *native, device_stream **out) {
    if (native) return fail(GPUMM_INVALID_ARGUMENT, "the host device has no native streams to wrap: pass none");
    device_stream *s = gpumm__mem_new(d->memory, sizeof *s);
    if (!s) return fail_host_memory(sizeof *s);
    s->device = host_of(d);
    gpumm_status status = gpumm__worker_start(&s->worker, NULL, NULL);
    if (status != GPUMM_OK) {
        gpumm__mem_free(d->memory, s);
        return status;
    }
    list_stream(s->device, s);
    *out = s;
    return GPUMM_OK;
}

void gpumm__host_stream_close(device *d, device_stream *s) {
    unlist_stream(host_of(d), s);
    gpumm__worker_stop(&s->worker);
    gpumm__mem_free(d->memory, s);
}

typedef struct goal {
    const device_stream *stream;
    uint64_t completed;
} goal;

static bool goal_reached(const void *what) {
    const goal *g = what;
    return atomic_load(&g->stream->completed) >= g->completed;
}

/* What was queued at the call, not what others go on queuing. */
gpumm_status gpumm__host_stream_synchronize(device *d, device_stream *s) {
    goal g = {s, atomic_load(&s->issued)};
    gpumm__host_bell_wait(&host_of(d)->bell, goal_reached, &g);
    return gpumm__launch_error_tell(s->device, atomic_load(&s->error), true);
}

gpumm_status gpumm__host_stream_query(device *d, device_stream *s, bool *idle) {
    (void)d;
    goal g = {s, atomic_load(&s->issued)};
    *idle = goal_reached(&g);
    return GPUMM_OK;
}

/* ---- Copies and fills ---- */

static void work_copy(op *o) { memcpy(o->as.copy.to, o->as.copy.from, o->as.copy.bytes); }

static gpumm_status copy_disjoint(gpumm_address to, gpumm_address from, uint64_t bytes) {
    uint64_t apart = to > from ? to - from : from - to;
    if (apart >= bytes) return GPUMM_OK;
    return fail(GPUMM_DRIVER,
                "host device: a copy of %" PRIu64 " bytes from 0x%" PRIx64 " to 0x%" PRIx64
                " overlaps itself: what it leaves would be undefined",
                bytes, from, to);
}

gpumm_status gpumm__host_copy_op(device_stream *s, copy_kind kind, gpumm_address to, gpumm_address from, uint64_t bytes,
                                 op **out) {
    *out = NULL;
    if (bytes == 0) return GPUMM_OK;
    const operand operands[] = {
        {"copy to", kind == COPY_D2H ? PLACE_HOST : PLACE_DEVICE, {to, bytes}},
        {"copy from", kind == COPY_H2D ? PLACE_HOST : PLACE_DEVICE, {from, bytes}},
    };
    TRY(copy_disjoint(to, from, bytes));
    op *o = NULL;
    TRY(op_using(s, work_copy, operands, 2, &o));
    o->as.copy.to = (void *)(uintptr_t)to;
    o->as.copy.from = (const void *)(uintptr_t)from;
    o->as.copy.bytes = bytes;
    *out = o;
    return GPUMM_OK;
}

/* NULL: there is nothing to do. */
static gpumm_status post_made(gpumm_status status, op *o) {
    if (status == GPUMM_OK && o) gpumm__host_op_post(o);
    return status;
}

gpumm_status gpumm__host_copy(device *d, device_stream *s, copy_kind kind, gpumm_address to, gpumm_address from,
                              uint64_t bytes) {
    op *o;
    (void)d;
    gpumm_status status = gpumm__host_copy_op(s, kind, to, from, bytes, &o);
    return post_made(status, o);
}

/* ---- Between two devices: each has its claim ---- */

static void work_between(op *o) {
    memcpy(o->as.between.to, o->as.between.from, o->as.between.bytes);
    gpumm__host_use_drop(o->as.between.other, &o->as.between.use, 1);
}

gpumm_status gpumm__host_copy_from(device *d, device_stream *s, gpumm_address to, const device_foreign *from,
                                   uint64_t bytes) {
    const operand target = {"copy to", PLACE_DEVICE, {to, bytes}},
                  source = {"copy from", PLACE_DEVICE, {from->at, bytes}};
    op *o = NULL;
    TRY(op_using(s, work_between, &target, 1, &o));
    o->as.between.to = (void *)(uintptr_t)to;
    o->as.between.from = (const void *)(uintptr_t)from->at;
    o->as.between.bytes = bytes;
    o->as.between.other = host_of(from->device);
    gpumm_status status = gpumm__host_use_operands(host_of(from->device), &o->as.between.use, &source, 1);
    if (status == GPUMM_OK) {
        gpumm__host_op_post(o);
        return GPUMM_OK;
    }
    gpumm__host_use_drop(host_of(d), o->uses, o->use_count);
    gpumm__stock_give(&host_of(d)->stock, o);
    return status;
}

static void work_fill(op *o) {
    uint32_t pattern = o->as.fill.pattern;
    size_t count = o->as.fill.count;
    if (o->as.fill.width == 1 || pattern == 0) {
        memset(o->as.fill.to, (int)(pattern & 0xff), count * o->as.fill.width);
    } else if (o->as.fill.width == 2) {
        uint16_t *to = o->as.fill.to;
        for (size_t i = 0; i < count; i++) to[i] = (uint16_t)pattern;
    } else {
        uint32_t *to = o->as.fill.to;
        for (size_t i = 0; i < count; i++) to[i] = pattern;
    }
}

static gpumm_status fill_bytes(gpumm_address to, unsigned width, uint64_t count, uint64_t *bytes) {
    if (width != 1 && width != 2 && width != 4)
        return fail(GPUMM_INVALID_ARGUMENT, "a fill's pattern is 1, 2 or 4 bytes wide, not %u", width);
    if (to % width)
        return fail(GPUMM_INVALID_ARGUMENT, "a fill of %u-byte patterns cannot start at 0x%" PRIx64, width, to);
    if (!size_mul(count, width, bytes))
        return fail(GPUMM_INVALID_ARGUMENT, "a fill of %" PRIu64 " patterns is more than can be addressed", count);
    return GPUMM_OK;
}

gpumm_status gpumm__host_fill_op(device_stream *s, gpumm_address to, uint32_t pattern, unsigned width, uint64_t count,
                                 op **out) {
    uint64_t bytes = 0;
    *out = NULL;
    TRY(fill_bytes(to, width, count, &bytes));
    if (bytes == 0) return GPUMM_OK;
    const operand target = {"fill", PLACE_DEVICE, {to, bytes}};
    op *o = NULL;
    TRY(op_using(s, work_fill, &target, 1, &o));
    o->as.fill.to = (void *)(uintptr_t)to;
    o->as.fill.pattern = pattern;
    o->as.fill.width = width;
    o->as.fill.count = count;
    *out = o;
    return GPUMM_OK;
}

gpumm_status gpumm__host_fill(device *d, device_stream *s, gpumm_address to, uint32_t pattern, unsigned width,
                              uint64_t count) {
    op *o;
    (void)d;
    gpumm_status status = gpumm__host_fill_op(s, to, pattern, width, count, &o);
    return post_made(status, o);
}

/* ---- Host functions and kernels ---- */

static void work_call(op *o) { o->as.call.function(o->as.call.user); }

gpumm_status gpumm__host_call(device *d, device_stream *s, void (*function)(void *user), void *user) {
    (void)d;
    op *o = NULL;
    TRY(gpumm__host_op_new(s, work_call, &o));
    o->as.call.function = function;
    o->as.call.user = user;
    gpumm__host_op_post(o);
    return GPUMM_OK;
}

static void note_division(device_stream *s, const char *name) {
    char text[240];
    snprintf(text, sizeof text,
             "kernel '%.100s' divided an integer by zero, or the least integer by -1: its launch was ended there, and "
             "what it has written is undefined",
             name);
    atomic_store(&s->error, gpumm__launch_error_note(s->device, text));
}

static void note_block(device_stream *s, const char *message) {
    char text[480];
    snprintf(text, sizeof text, "%s: its launch was ended there, and what it has written is undefined", message);
    atomic_store(&s->error, gpumm__launch_error_note(s->device, text));
}

static void work_blocks(op *o) {
    host_device *h = o->stream->device;
    block_task t = {.crews = &h->crews, .waiting = o->as.launch.waiting};
    t.work.run = o->as.launch.run_block;
    t.work.arguments = o->as.launch.arguments;
    t.work.name = o->as.launch.name;
    memcpy(t.work.grid, o->as.launch.grid, sizeof t.work.grid);
    memcpy(t.work.block, o->as.launch.block, sizeof t.work.block);
    gpumm__block_run(&h->pool, &t);
    if (atomic_load(&t.work.told)) note_block(o->stream, t.work.message);
    else if (atomic_load(&t.task.failed)) note_division(o->stream, o->as.launch.name);
}

/* A kernel that looks at x alone does the same in every row. */
static uint64_t rows_of(const op *o) {
    const unsigned *grid = o->as.launch.grid, *block = o->as.launch.block;
    return (uint64_t)grid[1] * grid[2] * block[1] * block[2];
}

static void work_launch(op *o) {
    bool failed = false;
    for (uint64_t row = 0, rows = rows_of(o); row < rows && !failed; row++) {
        task t = {
            .run = o->as.launch.run,
            .arguments = o->as.launch.arguments,
            .threads = o->as.launch.threads,
            .block = o->as.launch.block[0],
        };
        gpumm__host_pool_run(&o->stream->device->pool, &t);
        failed = atomic_load(&t.failed);
    }
    if (failed) note_division(o->stream, o->as.launch.name);
}

static gpumm_status launch_checked(const device_function *f, const device_launch *launch) {
    TRY(gpumm__device_check_geometry(f->name, f->needs, launch));
    if (launch->shared_bytes > HOST_SHARED_MOST)
        return fail(GPUMM_INVALID_ARGUMENT,
                    "kernel '%s' asks for %u bytes of shared memory a block: the host device has %d", f->name,
                    launch->shared_bytes, HOST_SHARED_MOST);
    uint64_t block = launch->block[0] ? launch->block[0] : BLOCK_DEFAULT;
    if (launch->grid[0] || (launch->threads - 1) / block < DEVICE_GRID_X_MAX) return GPUMM_OK;
    return fail(GPUMM_INVALID_ARGUMENT, "kernel '%s': %" PRIu64 " threads are more than %d blocks of %" PRIu64, f->name,
                launch->threads, DEVICE_GRID_X_MAX, block);
}

static void launch_geometry(op *o, const device_launch *launch) {
    unsigned *grid = o->as.launch.grid, *block = o->as.launch.block;
    o->as.launch.threads = launch->threads;
    if (launch->grid[0]) {
        memcpy(grid, launch->grid, sizeof launch->grid);
        memcpy(block, launch->block, sizeof launch->block);
        o->as.launch.threads = (uint64_t)grid[0] * block[0];
        return;
    }
    grid[1] = grid[2] = block[1] = block[2] = 1;
    block[0] = launch->block[0] ? launch->block[0] : BLOCK_DEFAULT;
    grid[0] = (unsigned)((launch->threads - 1) / block[0] + 1);
}

/* Behind the operation and its claims: the table of pointers, then the values, each aligned for any type. */
static bool launch_layout(const device_launch *launch, uint64_t *table, uint64_t *values, uint64_t *bytes) {
    const uint64_t unit = _Alignof(max_align_t);
    uint64_t part;
    bool fits = size_mul(launch->count, sizeof(use), &part) && size_add(sizeof(op), part, table) &&
                size_mul(launch->count, sizeof(void *), &part) && size_add(*table, part, &part) &&
                size_round_up(part, unit, values);
    *bytes = fits ? *values : 0;
    for (size_t i = 0; fits && i < launch->count; i++)
        fits = size_round_up(launch->sizes[i], unit, &part) && size_add(*bytes, part, bytes);
    return fits && *bytes <= SIZE_MAX;
}

/* An argument of eight bytes may be an address: where it lies in a region, the kernel uses the region. */
static void launch_take(op *o, const device_launch *launch, char *value) {
    for (size_t i = 0; i < launch->count; i++) {
        uint64_t room = 0;
        o->as.launch.arguments[i] = memcpy(value, launch->arguments[i], launch->sizes[i]);
        if (launch->sizes[i] == sizeof(gpumm_address)) {
            gpumm_address address;
            memcpy(&address, value, sizeof address);
            gpumm__host_use_address(o->stream->device, &o->uses[i], address);
        }
        if (size_round_up(launch->sizes[i], _Alignof(max_align_t), &room)) value += room;
    }
}

/* A launch of all of them, each as large as its share. */
void gpumm__host_prepare(device *d, size_t arguments, size_t bytes) {
    const size_t each = sizeof(use) + sizeof(void *) + _Alignof(max_align_t);
    gpumm__stock_fill(&host_of(d)->stock,
                      arguments ? sizeof(op) + _Alignof(max_align_t) + arguments * each + bytes : 0);
}

gpumm_status gpumm__host_launch_op(device_stream *s, device_function *f, const device_launch *launch, op **out) {
    TRY(gpumm__device_check_arguments(f->name, f->sizes, f->count, launch));
    TRY(launch_checked(f, launch));
    uint64_t table, values, bytes;
    if (!launch_layout(launch, &table, &values, &bytes))
        return fail(GPUMM_INVALID_ARGUMENT, "kernel '%s': its arguments are more than can be addressed", f->name);
    op *o = NULL;
    TRY(gpumm__host_op_new_sized(s, f->run_block ? work_blocks : work_launch, launch->count, bytes, &o));
    o->as.launch.run = f->run;
    o->as.launch.run_block = f->run_block;
    o->as.launch.name = f->name;
    o->as.launch.waiting = f->needs & DEVICE_NEEDS_WAITING;
    o->as.launch.arguments = (void **)((char *)o + table);
    launch_geometry(o, launch);
    launch_take(o, launch, (char *)o + values);
    *out = o;
    return GPUMM_OK;
}

gpumm_status gpumm__host_launch(device *d, device_stream *s, device_function *f, const device_launch *launch) {
    op *o = NULL;
    (void)d;
    gpumm_status status = gpumm__host_launch_op(s, f, launch, &o);
    return post_made(status, o);
}
