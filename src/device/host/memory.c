/* SPDX-License-Identifier: MIT */
/* Memory of the host device: address space without access, pages behind parts of it, a quota, and for
   each region the queued operations that use it. What a GPU would punish with a corrupted context is
   refused here with a message: that is what makes the host device worth testing on. */
#include "device/host/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/size.h"
#include "base/status.h"
#include "device/host/limits.h"

enum { FILE_NONE = -1, FILE_IMPORTED = -2 };

typedef struct segment {
    gpumm_address address;
    uint64_t bytes;
    int file;   /* of shared memory; or one of the two above */
    int device; /* of striped memory: its number */
    bool spilled;
} segment;

struct region {
    span span;
    place where;
    bool block;        /* from alloc: one piece, always there */
    segment *segments; /* of a reservation, by address */
    size_t count, room;
    uint64_t spilled; /* bytes */
    use *uses;
};

static const char *const place_names[PLACE_COUNT] = {"device memory", "pinned memory", "shareable device memory",
                                                     "spilled memory", "striped device memory"};

static gpumm_address span_end(span s) { return s.address + s.bytes; }

static bool span_overlaps(span a, span b) { return a.address < span_end(b) && b.address < span_end(a); }

static span span_of(const segment *s) { return (span){s->address, s->bytes}; }

static bool is_on_device(place where) { return where != PLACE_HOST; } /* as kernels see it */
static bool is_in_quota(place where) { return where == PLACE_DEVICE || where == PLACE_SHARED; }

/* Of the reservation that such segments are in. */
static place place_reserved(place where) { return where == PLACE_SPILLED ? PLACE_DEVICE : where; }

static void *pointer_to(gpumm_address address) { return (void *)(uintptr_t)address; }

/* ---- The list of regions, by address ---- */

/* How many regions start at or below the address: the last of them may hold it. */
static size_t regions_below(const host_device *h, gpumm_address address) {
    size_t low = 0, high = h->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (h->regions[middle]->span.address <= address) low = middle + 1;
        else high = middle;
    }
    return low;
}

static region *region_at(const host_device *h, gpumm_address address) {
    size_t below = regions_below(h, address);
    region *r = below ? h->regions[below - 1] : NULL;
    return r && address < span_end(r->span) ? r : NULL;
}

static void region_list(host_device *h, region *r) {
    size_t at = regions_below(h, r->span.address);
    memmove(h->regions + at + 1, h->regions + at, (h->count - at) * sizeof *h->regions);
    h->regions[at] = r;
    h->count++;
}

static void region_unlist(host_device *h, const region *r) {
    size_t at = regions_below(h, r->span.address) - 1;
    memmove(h->regions + at, h->regions + at + 1, (--h->count - at) * sizeof *h->regions);
}

static void region_unmap(host_device *h, region *r) {
    munmap(pointer_to(r->span.address), r->span.bytes);
    for (size_t i = 0; i < r->count; i++)
        if (r->segments[i].file >= 0) close(r->segments[i].file);
    gpumm__mem_free(h->base.memory, r->segments);
    gpumm__mem_free(h->base.memory, r);
}

void gpumm__host_memory_close(host_device *h) {
    for (size_t i = 0; i < h->count; i++) region_unmap(h, h->regions[i]);
    gpumm__mem_free(h->base.memory, h->regions);
}

/* ---- Queued work ---- */

static void use_link(use *u, region *r, span s) {
    *u = (use){.next = r->uses, .region = r, .span = s};
    if (u->next) u->next->before = u;
    r->uses = u;
}

static void use_unlink(use *u) {
    if (!u->region) return;
    if (u->before) u->before->next = u->next;
    else u->region->uses = u->next;
    if (u->next) u->next->before = u->before;
    u->region = NULL;
}

static bool span_in_use(const region *r, span s) {
    const use *u = r->uses;
    while (u && !span_overlaps(u->span, s)) u = u->next;
    return u != NULL;
}

static gpumm_status fail_in_use(const char *call, span s) {
    return fail(GPUMM_DRIVER,
                "host device: %s of %" PRIu64 " bytes at 0x%" PRIx64
                " under queued work that uses them: wait for its stream first",
                call, s.bytes, s.address);
}

/* The first address of the span without memory behind it, or the span's end. */
static gpumm_address first_missing(const region *r, span s) {
    gpumm_address at = s.address;
    if (r->block) return size_min(span_end(s), span_end(r->span));
    for (size_t i = 0; i < r->count && at < span_end(s); i++) {
        if (r->segments[i].address > at) break;
        at = size_max(at, size_min(span_end(span_of(&r->segments[i])), span_end(s)));
    }
    return at;
}

static gpumm_status use_operand(host_device *h, use *u, const operand *o) {
    span s = o->span;
    region *r = region_at(h, s.address);
    if (r && is_on_device(r->where) != is_on_device(o->where))
        return fail(GPUMM_DRIVER, "host device: %s 0x%" PRIx64 ", which is %s where %s is wanted", o->verb, s.address,
                    place_names[r->where], place_names[o->where]);
    bool whole = s.bytes <= UINT64_MAX - s.address;
    gpumm_address missing = r && whole ? first_missing(r, s) : s.address;
    if (!r || !whole || missing < span_end(s))
        return fail(GPUMM_DRIVER,
                    "host device: %s 0x%" PRIx64 ", %" PRIu64 " bytes: there is no %s at 0x%" PRIx64
                    ": commit or alloc it first",
                    o->verb, s.address, s.bytes, place_names[o->where], missing);
    use_link(u, r, s);
    return GPUMM_OK;
}

gpumm_status gpumm__host_use_operands(host_device *h, use *uses, const operand *operands, size_t count) {
    gpumm_status status = GPUMM_OK;
    pthread_mutex_lock(&h->lock);
    for (size_t i = 0; i < count && status == GPUMM_OK; i++) status = use_operand(h, &uses[i], &operands[i]);
    for (size_t i = 0; i < count && status != GPUMM_OK; i++) use_unlink(&uses[i]);
    pthread_mutex_unlock(&h->lock);
    return status;
}

/* All that is there now. What is committed behind it later nobody can have been told of. */
static span span_there(const region *r) {
    if (r->block) return r->span;
    gpumm_address end = r->count ? span_end(span_of(&r->segments[r->count - 1])) : r->span.address;
    return (span){r->span.address, end - r->span.address};
}

bool gpumm__host_use_address(host_device *h, use *u, gpumm_address address) {
    pthread_mutex_lock(&h->lock);
    region *r = region_at(h, address);
    if (r) use_link(u, r, span_there(r));
    pthread_mutex_unlock(&h->lock);
    return r != NULL;
}

uint64_t gpumm__host_use_spilled(host_device *h, const use *uses, size_t count) {
    uint64_t bytes = 0;
    pthread_mutex_lock(&h->lock);
    for (size_t i = 0; i < count; i++)
        if (uses[i].region) bytes += uses[i].region->spilled;
    pthread_mutex_unlock(&h->lock);
    return bytes;
}

void gpumm__host_use_drop(host_device *h, use *uses, size_t count) {
    if (count == 0) return;
    pthread_mutex_lock(&h->lock);
    for (size_t i = 0; i < count; i++) use_unlink(&uses[i]);
    pthread_mutex_unlock(&h->lock);
}

/* ---- What is common to the calls ---- */

static gpumm_status fail_mapping(uint64_t bytes) {
    char text[320];
    return fail(GPUMM_OUT_OF_MEMORY, "host device: %s", gpumm__host_limits_refusal(bytes, errno, text, sizeof text));
}

/* Under the lock, as the next four. The devices whose memory this one's stands for have a quota each, and the machine's
   memory together. */
static gpumm_status check_machine(const host_device *h, uint64_t asked) {
    char wanted[32], held[32], most[32];
    uint64_t all = 0;
    for (unsigned i = 0; i < GPUMM_DEVICES_MAX; i++) all += h->held[i];
    if (all <= h->most && asked <= h->most - all) return GPUMM_OK;
    return fail(GPUMM_OUT_OF_MEMORY,
                "host device: %s more than the %s held already on all devices is over the machine's %s",
                gpumm__size_text(asked, wanted), gpumm__size_text(all, held), gpumm__size_text(h->most, most));
}

static gpumm_status quota_take(host_device *h, place where, uint64_t bytes) {
    char wanted[32], held[32], quota[32];
    if (!is_in_quota(where)) return GPUMM_OK;
    if (bytes > h->quota - h->held[0])
        return fail(GPUMM_OUT_OF_MEMORY, "host device: %s more than the %s held already is over its quota of %s",
                    gpumm__size_text(bytes, wanted), gpumm__size_text(h->held[0], held),
                    gpumm__size_text(h->quota, quota));
    TRY(check_machine(h, bytes));
    h->held[0] += bytes;
    return GPUMM_OK;
}

static void quota_return(host_device *h, place where, int number, uint64_t bytes) {
    if (is_in_quota(where)) h->held[0] -= bytes;
    else if (where == PLACE_STRIPED) h->held[number] -= bytes;
}

static gpumm_status quota_check_striped(const host_device *h, const uint64_t *more) {
    char wanted[32], held[32], quota[32];
    uint64_t asked = 0;
    for (unsigned i = 0; i < GPUMM_DEVICES_MAX; i++) {
        asked += more[i];
        if (more[i] <= h->quota - h->held[i]) continue;
        return fail(GPUMM_OUT_OF_MEMORY,
                    "host device: %s more than the %s held already on device %u is over its quota of %s",
                    gpumm__size_text(more[i], wanted), gpumm__size_text(h->held[i], held), i,
                    gpumm__size_text(h->quota, quota));
    }
    return check_machine(h, asked);
}

static void quota_give(host_device *h, place where, int number, uint64_t bytes) {
    pthread_mutex_lock(&h->lock);
    quota_return(h, where, number, bytes);
    pthread_mutex_unlock(&h->lock);
}

static gpumm_status check_aligned(const host_device *h, const char *call, span s) {
    uint64_t unit = h->base.info.granularity_bytes;
    if (s.bytes > 0 && s.bytes % unit == 0 && s.address % unit == 0 && s.bytes <= UINT64_MAX - s.address)
        return GPUMM_OK;
    return fail(GPUMM_INVALID_ARGUMENT,
                "host device: %s of %" PRIu64 " bytes at 0x%" PRIx64 ": both must be multiples of %" PRIu64, call,
                s.bytes, s.address, unit);
}

static gpumm_status check_in_place(device *d, place where, const char *call) {
    if (device_in_place(d, where)) return GPUMM_OK;
    return fail(GPUMM_DRIVER, "host device: no %s: it was opened to relocate, so take whole blocks with alloc", call);
}

static gpumm_status region_new(host_device *h, place where, bool block, region **out) {
    region *r = gpumm__mem_new(h->base.memory, sizeof *r);
    if (!r) return fail_host_memory(sizeof *r);
    r->where = where;
    r->block = block;
    *out = r;
    return GPUMM_OK;
}

/* A larger array for a list, made without the lock: enqueueing takes the lock under locks of core's, and the allocator is
   the application's, which may call gpumm. */
typedef struct larger {
    void *items;
    size_t room;
} larger;

/* Room for `more` in the list. *again: the lock was let go, and what was found under it is to be found anew. */
static gpumm_status make_room(host_device *h, larger *l, void **items, size_t size, size_t count, size_t more,
                              size_t *room, bool *again) {
    *again = false;
    if (count + more <= *room) return GPUMM_OK;
    size_t wanted = size_max(count + more, size_max(8, 2 * *room));
    if (l->room < count + more) {
        pthread_mutex_unlock(&h->lock);
        gpumm__mem_free(h->base.memory, l->items);
        *l = (larger){gpumm__mem_new(h->base.memory, wanted * size), wanted};
        pthread_mutex_lock(&h->lock);
        *again = true;
        return l->items ? GPUMM_OK : fail_host_memory(wanted * size);
    }
    if (count) memcpy(l->items, *items, count * size);
    larger before = {*items, *room};
    *items = l->items;
    *room = l->room;
    *l = before;
    return GPUMM_OK;
}

/* Puts a mapped region into the list. On failure it is as before. */
static gpumm_status region_enter(host_device *h, region *r, uint64_t quota) {
    larger spare = {0};
    bool again;
    pthread_mutex_lock(&h->lock);
    gpumm_status status;
    do status = make_room(h, &spare, (void **)&h->regions, sizeof *h->regions, h->count, 1, &h->room, &again);
    while (status == GPUMM_OK && again);
    if (status == GPUMM_OK && quota) status = quota_take(h, r->where, quota);
    if (status == GPUMM_OK) region_list(h, r);
    pthread_mutex_unlock(&h->lock);
    gpumm__mem_free(h->base.memory, spare.items);
    return status;
}

/* ---- Reserve and release ---- */

/* mmap aligns to pages only: map more, and give the ends back. */
static gpumm_status map_aligned(uint64_t bytes, uint64_t unit, uint64_t page, gpumm_address *address) {
    uint64_t extra = unit > page ? unit : 0, whole, start;
    if (!size_add(bytes, extra, &whole) || whole > SIZE_MAX) return errno = ENOMEM, fail_mapping(bytes);
    void *at = mmap(NULL, whole, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED) return fail_mapping(bytes);
    uint64_t from = (uint64_t)(uintptr_t)at;
    if (!size_round_up(from, unit, &start)) start = from; /* the top of the address space is the kernel's */
    if (start > from) munmap(at, start - from);
    if (start - from < extra) munmap(pointer_to(start + bytes), extra - (start - from));
    *address = start;
    return GPUMM_OK;
}

gpumm_status gpumm__host_reserve(device *d, place where, uint64_t bytes, gpumm_address *address) {
    host_device *h = host_of(d);
    TRY(check_in_place(d, where, "reserve"));
    TRY(check_aligned(h, "reserve", (span){0, bytes}));
    region *r = NULL;
    TRY(region_new(h, where, false, &r));
    r->span.bytes = bytes;
    gpumm_status status = map_aligned(bytes, d->info.granularity_bytes, h->page, &r->span.address);
    if (status != GPUMM_OK) {
        gpumm__mem_free(d->memory, r);
        return status;
    }
    status = region_enter(h, r, 0);
    if (status == GPUMM_OK) *address = r->span.address;
    else region_unmap(h, r);
    return status;
}

/* Under the lock: the region that this span is, with nothing in the way of giving it back. */
static gpumm_status find_whole(host_device *h, const char *call, place where, span s, bool block, region **out) {
    region *r = region_at(h, s.address);
    if (!r || r->span.address != s.address || r->span.bytes != s.bytes || r->where != where || r->block != block)
        return fail(GPUMM_DRIVER, "host device: %s of %" PRIu64 " bytes at 0x%" PRIx64 ": no %s %s is exactly that",
                    call, s.bytes, s.address, place_names[where], block ? "block" : "reservation");
    if (r->count > 0)
        return fail(GPUMM_DRIVER, "host device: %s of 0x%" PRIx64 " with %zu segments still committed: decommit first",
                    call, s.address, r->count);
    if (r->uses) return fail_in_use(call, s);
    *out = r;
    return GPUMM_OK;
}

/* A refused one stays mapped until the device is closed; the message says why. */
static gpumm_status give_whole(device *d, const char *call, place where, span s, bool block) {
    host_device *h = host_of(d);
    region *r = NULL;
    pthread_mutex_lock(&h->lock);
    gpumm_status status = find_whole(h, call, where, s, block, &r);
    if (status == GPUMM_OK) region_unlist(h, r);
    pthread_mutex_unlock(&h->lock);
    if (status != GPUMM_OK) return status;
    region_unmap(h, r);
    if (block) quota_give(h, where, 0, s.bytes);
    return GPUMM_OK;
}

void gpumm__host_release(device *d, place where, gpumm_address address, uint64_t bytes) {
    (void)give_whole(d, "release", where, (span){address, bytes}, false);
}

/* ---- Commit and decommit ---- */

/* Where the segment belongs in its region, by address; SIZE_MAX where another is in the way. */
static size_t segment_place(const region *r, span s) {
    size_t at = 0;
    while (at < r->count && r->segments[at].address < s.address) at++;
    bool taken = (at > 0 && span_overlaps(span_of(&r->segments[at - 1]), s)) ||
                 (at < r->count && span_overlaps(span_of(&r->segments[at]), s));
    return taken ? SIZE_MAX : at;
}

static gpumm_status find_free(host_device *h, place where, span s, region **out, size_t *at) {
    region *r = region_at(h, s.address);
    if (!r || r->block || r->where != place_reserved(where) || span_end(s) > span_end(r->span))
        return fail(GPUMM_DRIVER, "host device: commit of %" PRIu64 " bytes at 0x%" PRIx64 ": no %s is reserved there",
                    s.bytes, s.address, place_names[place_reserved(where)]);
    *at = segment_place(r, s);
    if (*at == SIZE_MAX)
        return fail(GPUMM_DRIVER,
                    "host device: commit of %" PRIu64 " bytes at 0x%" PRIx64 ": a part is committed already", s.bytes,
                    s.address);
    *out = r;
    return GPUMM_OK;
}

static void segment_insert(region *r, size_t at, segment s) {
    memmove(r->segments + at + 1, r->segments + at, (r->count - at) * sizeof *r->segments);
    r->segments[at] = s;
    r->count++;
    if (s.spilled) r->spilled += s.bytes;
}

static void segment_remove(region *r, size_t at) {
    if (r->segments[at].spilled) r->spilled -= r->segments[at].bytes;
    memmove(r->segments + at, r->segments + at + 1, (--r->count - at) * sizeof *r->segments);
}

/* A file of memory, which nobody can make shorter: whoever maps it need not fear that. -1: errno says why there is none. */
static int file_new(uint64_t bytes) {
    int file = memfd_create("gpumm", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (file < 0) return -1;
    if (ftruncate(file, (off_t)bytes) == 0 && fcntl(file, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0)
        return file;
    int why = errno;
    close(file);
    errno = why;
    return -1;
}

static void hide(const segment *s) {
    void *at = mmap(pointer_to(s->address), s->bytes, PROT_NONE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
    (void)
        at; /* over a mapping of ours it cannot fail but for the kernel's own memory, and then access stays as it is */
}

/* Access only, or a file's memory: the pages appear, zero, when they are first touched. */
static bool back(place where, segment *s) {
    s->file = FILE_NONE;
    if (where != PLACE_SHARED) return mprotect(pointer_to(s->address), s->bytes, PROT_READ | PROT_WRITE) == 0;
    s->file = file_new(s->bytes);
    if (s->file < 0) return false;
    void *at = mmap(pointer_to(s->address), s->bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, s->file, 0);
    if (at != MAP_FAILED) return true;
    int why = errno;
    close(s->file);
    errno = why;
    return false;
}

static void unback(const segment *s) {
    if (s->file == FILE_NONE) (void)mprotect(pointer_to(s->address), s->bytes, PROT_NONE);
    else hide(s);
    if (s->file >= 0) close(s->file);
}

static int turn_of(const device_stripe *stripe, uint64_t number) {
    return stripe ? stripe->devices[number % stripe->count] : 0;
}

/* Of a stripe: the first is segment `number` of it. */
static gpumm_status back_all(region *r, place where, const device_stripe *stripe, uint64_t number, size_t at,
                             span rest) {
    size_t first = at;
    for (; rest.bytes; at++, number++) {
        segment one = {.address = rest.address,
                       .bytes = size_min(rest.bytes, stripe ? stripe->bytes : device_segment_most(where)),
                       .device = turn_of(stripe, number),
                       .spilled = where == PLACE_SPILLED};
        if (!back(r->where, &one)) {
            gpumm_status status = fail_mapping(rest.bytes);
            while (at-- > first) {
                unback(&r->segments[at]);
                segment_remove(r, at);
            }
            return status;
        }
        segment_insert(r, at, one);
        rest = (span){rest.address + one.bytes, rest.bytes - one.bytes};
    }
    return GPUMM_OK;
}

/* Under the lock, as the next two: where so many segments belong, with room for them in the list. */
static gpumm_status find_room(host_device *h, place where, span s, size_t segments, larger *spare, region **r,
                              size_t *at) {
    bool again;
    do {
        TRY(find_free(h, where, s, r, at));
        TRY(make_room(h, spare, (void **)&(*r)->segments, sizeof *(*r)->segments, (*r)->count, segments, &(*r)->room,
                      &again));
    } while (again);
    return GPUMM_OK;
}

static gpumm_status commit_locked(host_device *h, place where, span s, larger *spare) {
    region *r = NULL;
    size_t at = 0;
    TRY(find_room(h, where, s, device_segments(where, s.bytes), spare, &r, &at));
    TRY(quota_take(h, where, s.bytes));
    gpumm_status status = back_all(r, where, NULL, 0, at, s);
    if (status != GPUMM_OK) quota_return(h, where, 0, s.bytes);
    return status;
}

static gpumm_status commit_striped_locked(host_device *h, const device_stripe *stripe, uint64_t number, span s,
                                          larger *spare) {
    region *r = NULL;
    size_t at = 0;
    uint64_t more[GPUMM_DEVICES_MAX] = {0};
    TRY(find_room(h, PLACE_STRIPED, s, (size_t)(s.bytes / stripe->bytes), spare, &r, &at));
    for (uint64_t i = 0; i < s.bytes / stripe->bytes; i++) more[turn_of(stripe, number + i)] += stripe->bytes;
    TRY(quota_check_striped(h, more));
    TRY(back_all(r, PLACE_STRIPED, stripe, number, at, s));
    for (unsigned i = 0; i < GPUMM_DEVICES_MAX; i++) h->held[i] += more[i];
    return GPUMM_OK;
}

gpumm_status gpumm__host_commit(device *d, place where, gpumm_address address, uint64_t bytes) {
    host_device *h = host_of(d);
    span s = {address, bytes};
    larger spare = {0};
    TRY(check_in_place(d, where, "commit"));
    TRY(check_aligned(h, "commit", s));
    pthread_mutex_lock(&h->lock);
    gpumm_status status = commit_locked(h, where, s, &spare);
    pthread_mutex_unlock(&h->lock);
    gpumm__mem_free(h->base.memory, spare.items);
    return status;
}

/* This machine stands for any of them. */
gpumm_status gpumm__host_stripe_check(device *d, device_stripe *stripe) {
    if (size_round_up(stripe->bytes, d->info.granularity_bytes, &stripe->bytes)) return GPUMM_OK;
    return fail(GPUMM_INVALID_ARGUMENT, "host device: a stripe of %" PRIu64 " bytes cannot be committed",
                stripe->bytes);
}

gpumm_status gpumm__host_commit_striped(device *d, const device_stripe *stripe, uint64_t first, gpumm_address address,
                                        uint64_t bytes) {
    host_device *h = host_of(d);
    span s = {address, bytes};
    larger spare = {0};
    TRY(check_in_place(d, PLACE_STRIPED, "commit"));
    TRY(check_aligned(h, "commit", s));
    if (bytes % stripe->bytes || stripe->bytes % d->info.granularity_bytes)
        return fail(GPUMM_INVALID_ARGUMENT, "host device: commit of %" PRIu64 " bytes in stripes of %" PRIu64, bytes,
                    stripe->bytes);
    pthread_mutex_lock(&h->lock);
    gpumm_status status = commit_striped_locked(h, stripe, first, s, &spare);
    pthread_mutex_unlock(&h->lock);
    gpumm__mem_free(h->base.memory, spare.items);
    return status;
}

/* Under the lock: the segment that this span is, with no queued work on it unless `also_used`. */
static gpumm_status find_segment(host_device *h, const char *call, place where, span s, bool also_used, region **out,
                                 size_t *index) {
    region *r = region_at(h, s.address);
    size_t at = 0;
    bool fits = r && !r->block && r->where == place_reserved(where);
    while (fits && at < r->count && r->segments[at].address != s.address) at++;
    if (!fits || at == r->count || r->segments[at].bytes != s.bytes ||
        r->segments[at].spilled != (where == PLACE_SPILLED))
        return fail(GPUMM_DRIVER,
                    "host device: %s of %" PRIu64 " bytes at 0x%" PRIx64
                    ": no segment of %s is exactly that: give back what one commit took",
                    call, s.bytes, s.address, place_names[where]);
    if (!also_used && span_in_use(r, s)) return fail_in_use(call, s);
    *out = r;
    *index = at;
    return GPUMM_OK;
}

static gpumm_status decommit_locked(host_device *h, place where, span s, segment *out) {
    region *r = NULL;
    size_t at = 0;
    TRY(find_segment(h, "decommit", where, s, false, &r, &at));
    *out = r->segments[at];
    if (out->file == FILE_NONE && mprotect(pointer_to(s.address), s.bytes, PROT_NONE))
        return fail(GPUMM_DRIVER, "host device: decommit of %" PRIu64 " bytes at 0x%" PRIx64 ": %s", s.bytes, s.address,
                    strerror(errno));
    if (out->file != FILE_NONE) unback(out);
    segment_remove(r, at);
    return GPUMM_OK;
}

/* Dropping pages takes time with their number, so it is not done under the lock that launches take. */
gpumm_status gpumm__host_decommit(device *d, place where, gpumm_address address, uint64_t bytes) {
    host_device *h = host_of(d);
    segment gone;
    pthread_mutex_lock(&h->lock);
    gpumm_status status = decommit_locked(h, where, (span){address, bytes}, &gone);
    pthread_mutex_unlock(&h->lock);
    if (status != GPUMM_OK) return status;
    if (gone.file == FILE_NONE) madvise(pointer_to(address), bytes, MADV_DONTNEED);
    if (gone.file != FILE_IMPORTED) quota_give(h, where, gone.device, bytes);
    return GPUMM_OK;
}

/* ---- Sharing ---- */

gpumm_status gpumm__host_export(device *d, gpumm_address address, uint64_t bytes, int *descriptor) {
    host_device *h = host_of(d);
    region *r = NULL;
    size_t at = 0;
    pthread_mutex_lock(&h->lock);
    gpumm_status status = find_segment(h, "export", PLACE_SHARED, (span){address, bytes}, true, &r, &at);
    int file = status == GPUMM_OK ? r->segments[at].file : FILE_NONE;
    int made = file >= 0 ? fcntl(file, F_DUPFD_CLOEXEC, 0) : -1;
    pthread_mutex_unlock(&h->lock);
    if (status != GPUMM_OK) return status;
    if (file < 0) return fail(GPUMM_INVALID_ARGUMENT, "host device: imported memory is its owner's to export");
    if (made < 0) return fail(GPUMM_DRIVER, "host device: export: %s", strerror(errno));
    *descriptor = made;
    return GPUMM_OK;
}

/* A file that could become shorter would end this process with SIGBUS whenever its owner likes. */
static gpumm_status check_file(int file, uint64_t bytes) {
    struct stat stat;
    if (fstat(file, &stat) != 0 || stat.st_size < 0 || (uint64_t)stat.st_size != bytes)
        return fail(GPUMM_INVALID_ARGUMENT, "host device: import: the descriptor is none of %" PRIu64 " bytes", bytes);
    int seals = fcntl(file, F_GET_SEALS);
    if (seals < 0 || !(seals & F_SEAL_SHRINK))
        return fail(GPUMM_INVALID_ARGUMENT, "host device: import: the file could be made shorter");
    return GPUMM_OK;
}

static gpumm_status import_locked(host_device *h, span s, int file, larger *spare) {
    region *r = NULL;
    size_t at = 0;
    TRY(find_room(h, PLACE_SHARED, s, 1, spare, &r, &at));
    if (mmap(pointer_to(s.address), s.bytes, PROT_READ, MAP_SHARED | MAP_FIXED, file, 0) == MAP_FAILED)
        return fail_mapping(s.bytes);
    segment_insert(r, at, (segment){.address = s.address, .bytes = s.bytes, .file = FILE_IMPORTED});
    return GPUMM_OK;
}

gpumm_status gpumm__host_import(device *d, gpumm_address address, uint64_t bytes, int descriptor) {
    host_device *h = host_of(d);
    span s = {address, bytes};
    larger spare = {0};
    TRY(check_aligned(h, "import", s));
    TRY(check_file(descriptor, bytes));
    pthread_mutex_lock(&h->lock);
    gpumm_status status = import_locked(h, s, descriptor, &spare);
    pthread_mutex_unlock(&h->lock);
    gpumm__mem_free(h->base.memory, spare.items);
    return status;
}

/* ---- Whole blocks ---- */

gpumm_status gpumm__host_alloc(device *d, place where, uint64_t bytes, gpumm_address *address) {
    host_device *h = host_of(d);
    if (bytes == 0) return fail(GPUMM_INVALID_ARGUMENT, "host device: a block has at least one byte");
    region *r = NULL;
    TRY(region_new(h, where, true, &r));
    void *at =
        bytes <= SIZE_MAX ? mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) : MAP_FAILED;
    if (at == MAP_FAILED) {
        gpumm__mem_free(d->memory, r);
        return fail_mapping(bytes);
    }
    r->span = (span){(uint64_t)(uintptr_t)at, bytes};
    r->spilled = where == PLACE_SPILLED ? bytes : 0;
    gpumm_status status = region_enter(h, r, bytes);
    if (status == GPUMM_OK) *address = r->span.address;
    else region_unmap(h, r);
    return status;
}

gpumm_status gpumm__host_free(device *d, place where, gpumm_address address, uint64_t bytes) {
    return give_whole(d, "free", where, (span){address, bytes}, true);
}

/* ---- Shrinking: what a GPU does by a copy and a swap, for the same result ---- */

static gpumm_status shrink_segment(host_device *h, place where, span s, uint64_t kept) {
    region *r = NULL;
    size_t at = 0;
    TRY(find_segment(h, "shrink", where, s, false, &r, &at));
    if (mprotect(pointer_to(s.address + kept), s.bytes - kept, PROT_NONE))
        return fail(GPUMM_DRIVER, "host device: shrink of %" PRIu64 " bytes at 0x%" PRIx64 ": %s", s.bytes, s.address,
                    strerror(errno));
    madvise(pointer_to(s.address + kept), s.bytes - kept, MADV_DONTNEED);
    r->segments[at].bytes = kept;
    if (where == PLACE_SPILLED) r->spilled -= s.bytes - kept;
    return GPUMM_OK;
}

/* Elsewhere, so that whoever forgets that blocks move is found out. */
static gpumm_status move_block(host_device *h, region *r, uint64_t kept, gpumm_address *address) {
    span s = r->span;
    void *to = mmap(NULL, kept, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (to == MAP_FAILED) return fail_mapping(kept);
    memcpy(to, pointer_to(s.address), kept);
    region_unlist(h, r);
    munmap(pointer_to(s.address), s.bytes);
    r->span = (span){(uint64_t)(uintptr_t)to, kept};
    region_list(h, r);
    r->spilled = r->where == PLACE_SPILLED ? kept : 0;
    *address = r->span.address;
    return GPUMM_OK;
}

static gpumm_status shrink_block(host_device *h, place where, span s, uint64_t kept, gpumm_address *address) {
    region *r = NULL;
    TRY(find_whole(h, "shrink", where, s, true, &r));
    return move_block(h, r, kept, address);
}

gpumm_status gpumm__host_shrink(device *d, place where, uint64_t bytes, uint64_t kept, gpumm_address *address) {
    host_device *h = host_of(d);
    span s = {*address, bytes};
    bool in_place = device_in_place(d, where);
    if (in_place) TRY(check_aligned(h, "shrink", (span){*address, kept}));
    if (kept == 0 || kept >= bytes)
        return fail(GPUMM_INVALID_ARGUMENT, "host device: shrink of %" PRIu64 " bytes to %" PRIu64, bytes, kept);
    pthread_mutex_lock(&h->lock);
    gpumm_status status = in_place ? shrink_segment(h, where, s, kept) : shrink_block(h, where, s, kept, address);
    if (status == GPUMM_OK) quota_return(h, where, 0, bytes - kept);
    pthread_mutex_unlock(&h->lock);
    return status;
}

/* ---- Promotion: the same memory, in the other quota ---- */

static gpumm_status promote_segment(host_device *h, span s) {
    region *r = NULL;
    size_t at = 0;
    TRY(find_segment(h, "promote", PLACE_SPILLED, s, false, &r, &at));
    TRY(quota_take(h, PLACE_DEVICE, s.bytes));
    r->segments[at].spilled = false;
    r->spilled -= s.bytes;
    return GPUMM_OK;
}

static gpumm_status promote_block(host_device *h, span s, gpumm_address *address) {
    region *r = NULL;
    TRY(find_whole(h, "promote", PLACE_SPILLED, s, true, &r));
    TRY(quota_take(h, PLACE_DEVICE, s.bytes));
    r->where = PLACE_DEVICE;
    gpumm_status status = move_block(h, r, s.bytes, address);
    if (status == GPUMM_OK) return GPUMM_OK;
    r->where = PLACE_SPILLED;
    quota_return(h, PLACE_DEVICE, 0, s.bytes);
    return status;
}

gpumm_status gpumm__host_promote(device *d, uint64_t bytes, gpumm_address *address) {
    host_device *h = host_of(d);
    span s = {*address, bytes};
    pthread_mutex_lock(&h->lock);
    gpumm_status status = d->info.in_place ? promote_segment(h, s) : promote_block(h, s, address);
    pthread_mutex_unlock(&h->lock);
    return status;
}
