/* SPDX-License-Identifier: MIT */
/*
 * A call takes its elements from the device first, so that what fails there is told before anybody sends. Then the ranks say what
 * they want, get ready (memory, lengths), and say so; then data moves, and goes to the device as it comes. Copies from and to
 * the device go through the stream's pinned block, both ways at once with what MPI moves.
 *
 * Where all ranks say that they can, elements stay on the device, and NCCL moves them. What is reduced never does: its order is ours.
 */
#include "modules/mpi/collect.h"

#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

#include "modules/mpi/agree.h"
#include "modules/mpi/nccl.h"
#include "modules/mpi/traffic.h"

#define TRY(call) \
    do { \
        gpumm_status status_ = (call); \
        if (status_ != GPUMM_OK) return status_; \
    } while (0)

static const gpumm_type *type_of(const call *c) { return gpumm_buffer_type(c->from); }
static uint64_t size_of(const call *c) { return gpumm_type_size(type_of(c)); }

/* ---- The device --------------------------------------------------------------------------------------------- */

static gpumm_status check_types(const call *c) {
    if (gpumm_type_equal(type_of(c), gpumm_buffer_type(c->to))) return GPUMM_OK;
    return gpumm_lua_fail(GPUMM_TYPE_MISMATCH, "elements of %.100s do not go to a buffer of %.100s",
                          gpumm_type_name(type_of(c)), gpumm_type_name(gpumm_buffer_type(c->to)));
}

/* Before there is room for them: counts may be anything, and add up to more than there are numbers. */
static gpumm_status check_count(const call *c) {
    gpumm_buffer_info info;
    TRY(gpumm_buffer_get_info(c->from, &info));
    if (c->count <= info.length) return GPUMM_OK;
    return gpumm_lua_fail(GPUMM_INVALID_ARGUMENT, "%llu elements are to be sent, of a buffer of %llu",
                          (unsigned long long)c->count, (unsigned long long)info.length);
}

/* The elements to send, to w->out. */
static gpumm_status take(call *c) {
    TRY(check_types(c));
    TRY(check_count(c));
    TRY(gpumm_mpi__world_room(&c->w->out, c->count * size_of(c)));
    uint64_t first = c->count > 0 ? c->first : 0; /* of no elements, any place will do */
    c->taken = true;
    return gpumm_buffer_download(c->from, c->stream, first, c->count, c->w->out.bytes);
}

static gpumm_stream *stream_of(const call *c) {
    return c->stream ? c->stream : gpumm_manager_main(gpumm_buffer_manager(c->from));
}

/* What take() is told by the download. */
static gpumm_status check_range(const call *c) {
    gpumm_buffer_info info;
    TRY(gpumm_buffer_get_info(c->from, &info));
    if (c->count == 0 || (c->first <= info.length && c->count <= info.length - c->first)) return GPUMM_OK;
    return gpumm_lua_fail(
        GPUMM_INVALID_ARGUMENT, "%llu elements from element %llu on are to be sent, of a buffer of %llu",
        (unsigned long long)c->count, (unsigned long long)c->first + 1, (unsigned long long)info.length);
}

static gpumm_access access_of_to(const call *c) {
    bool sends = c->w->call == CALL_BROADCAST && c->w->rank == (int)c->detail;
    return sends ? GPUMM_ACCESS_READ : GPUMM_ACCESS_WRITE;
}

/* NCCL is given addresses, which have to last until all is enqueued, whatever other threads and schedules do meanwhile. */
static gpumm_status pin(call *c) {
    TRY(gpumm_buffer_pin(c->from));
    gpumm_status status = gpumm_buffer_pin(c->to);
    c->pinned = status == GPUMM_OK;
    if (!c->pinned) gpumm_buffer_unpin(c->from);
    return status;
}

/* The call, and then its pins go. */
static gpumm_status held(call *c, gpumm_status (*collective)(call *c)) {
    gpumm_status status = collective(c);
    if (c->pinned) {
        gpumm_buffer_unpin(c->from);
        gpumm_buffer_unpin(c->to);
    }
    return status;
}

/* Are both open, the stream of their manager, and `to` not read only? The stream waits for their users a little early. */
static gpumm_status check_use(const call *c) {
    TRY(gpumm_buffer_used(c->from, c->stream, GPUMM_ACCESS_READ));
    return gpumm_buffer_used(c->to, c->stream, access_of_to(c));
}

/* The same, unless they may go from device to device. What is wrong with the call is told here: later it is the world's end. */
static gpumm_status offer(call *c) {
    bool together = gpumm_buffer_manager(c->from) == gpumm_buffer_manager(c->to);
    c->direct = together && gpumm_mpi__nccl_can(c->w, stream_of(c));
    if (!c->direct) return take(c);
    TRY(check_types(c));
    TRY(check_count(c));
    TRY(pin(c));
    TRY(check_range(c));
    return check_use(c);
}

static uint64_t length_of(gpumm_buffer *b) {
    gpumm_buffer_info info;
    return gpumm_buffer_get_info(b, &info) == GPUMM_OK ? info.length : 0;
}

/* What a method of Lua's returned: true, or nil and why; or raised. */
static gpumm_status outcome_of(lua_State *L, bool raised) {
    if (!raised && lua_toboolean(L, -3)) return GPUMM_OK;
    const char *text = lua_tostring(L, raised ? -1 : -2), *code = raised ? NULL : lua_tostring(L, -1);
    gpumm_status status = code ? gpumm_status_named(code) : GPUMM_INVALID_ARGUMENT;
    if (status == GPUMM_STATUS_COUNT || status == GPUMM_OK) status = GPUMM_INVALID_ARGUMENT;
    size_t prefix = code && text && strncmp(text, code, strlen(code)) == 0 ? strlen(code) + 2 : 0;
    return gpumm_lua_fail(status, "%.250s", text ? text + prefix : "resize raised");
}

static int resize(lua_State *L) { /* buffer, length */
    lua_getfield(L, 1, "resize");
    lua_insert(L, 1);
    lua_call(L, 2, 3);
    return 3;
}

/* The handle's method, which knows its schedule. */
static gpumm_status lengthen(call *c, uint64_t length) {
    lua_State *L = c->L;
    int top = lua_gettop(L);
    if (length <= length_of(c->to)) return GPUMM_OK;
    if (!lua_checkstack(L, 8)) return gpumm_lua_fail(GPUMM_OUT_OF_MEMORY, "Lua has no more stack");
    lua_pushcfunction(L, resize);
    lua_pushvalue(L, c->to_index);
    lua_pushinteger(L, (lua_Integer)length);
    gpumm_status status = outcome_of(L, lua_pcall(L, 2, 3, 0) != LUA_OK);
    lua_settop(L, top);
    return status;
}

/* ---- Being ready ---------------------------------------------------------------------------------------------- */

static gpumm_status get_ready(call *c, uint64_t bytes, uint64_t length) {
    if (c->direct) {
        TRY(lengthen(c, length));
        return check_use(c); /* what grew it may have closed the stream, or a buffer */
    }
    if (!c->taken) TRY(take(c));
    TRY(gpumm_mpi__world_room(&c->w->in, bytes));
    if (c->w->call == CALL_BROADCAST)
        TRY(gpumm_mpi__world_room(&c->w->out, bytes)); /* the root has it, and what is in it */
    return lengthen(c, length);
}

/* Data moves now: world.way() tells of the last call of buffers on GPUs, but of allreduce, which never goes that way. */
static void tell_way(const call *c) {
    if (c->gpus && c->w->call != CALL_ALLREDUCE) gpumm_mpi__nccl_told(c->why_not);
}

/* Says so, and hears it from all; where one is not, what was grown here shrinks again. */
static gpumm_status ready(call *c, uint64_t bytes, uint64_t length) {
    note mine = {.detail = c->detail};
    uint64_t before = length_of(c->to);
    gpumm_status own = get_ready(c, bytes, length);
    gpumm_status status = gpumm_mpi__agree(c->w, own, 1, &mine, type_of(c), NULL);
    if (status != GPUMM_OK && own == GPUMM_OK && length_of(c->to) > before) {
        char text[NOTE_TEXT]; /* of the failure that counts */
        strncpy(text, gpumm_message(), sizeof text - 1)[sizeof text - 1] = '\0';
        gpumm_buffer_resize(c->to, c->stream, before);
        gpumm_lua_fail(status, "%s", text);
    }
    if (status == GPUMM_OK) tell_way(c);
    return status;
}

/* Within one buffer elements are gathered where they lie, or might be overwritten before they are sent. */
static bool is_direct(const world *w, const note *n, uint64_t place) {
    bool moves = w->call == CALL_ALLGATHER && n->count > 0 && n->first != place;
    return n->direct == DIRECT_APART || (n->direct == DIRECT_WITHIN && !moves);
}

/* The first rank that cannot, by what all said; -1: all can. */
static int first_indirect(const world *w) {
    uint64_t place = 0;
    for (int r = 0; r < w->size; r++) {
        const note *n = &w->peers[r].heard;
        if (!is_direct(w, n, place)) return r;
        place += n->count;
    }
    return -1;
}

static bool any_gpu(const world *w) {
    for (int r = 0; r < w->size; r++)
        if (w->peers[r].heard.direct != DIRECT_HOST) return true;
    return false;
}

/* Can all? */
static bool all_direct(call *c) {
    const world *w = c->w;
    int rank = first_indirect(w);
    c->gpus = any_gpu(w);
    if (rank < 0) return true;
    snprintf(c->why_not, sizeof c->why_not,
             w->peers[rank].heard.direct < DIRECT_APART
                 ? "rank %d has no NCCL, or its buffers are not on the GPU it joined with"
                 : "rank %d's elements do not lie where they belong in the buffer",
             rank);
    return false;
}

static bool is_on_gpu(gpumm_buffer *b) {
    return gpumm_stream_native(gpumm_manager_main(gpumm_buffer_manager(b))) != NULL;
}

static direct_way way_of(const call *c) {
    if (c->direct) return c->from == c->to ? DIRECT_WITHIN : DIRECT_APART;
    return is_on_gpu(c->from) || is_on_gpu(c->to) ? DIRECT_NOT : DIRECT_HOST;
}

static gpumm_status wanted(call *c, gpumm_status own, const uint64_t *counts) {
    note mine = {.first = c->first, .count = c->count, .detail = c->detail, .direct = way_of(c)};
    TRY(gpumm_mpi__agree(c->w, own, 0, &mine, type_of(c), counts));
    c->direct = all_direct(c);
    return c->direct ? gpumm_mpi__nccl_join(c->w, stream_of(c), &c->direct) : GPUMM_OK;
}

/* ---- Moving ------------------------------------------------------------------------------------------------------ */

/* Where arrived bytes go: what lies at `base` of w->in is the element `first` of `to`. */
typedef struct arrival {
    call *c;
    uint64_t base, first;
    int skip; /* a rank whose elements are there already; -1: none */
    gpumm_status status;
    char text[NOTE_TEXT];
} arrival;

static void store(void *user, int from, uint64_t offset, uint64_t bytes) {
    arrival *a = user;
    world *w = a->c->w;
    uint64_t at = w->in_at[from] + offset, size = size_of(a->c);
    if (from == a->skip || a->status != GPUMM_OK) return;
    a->status =
        gpumm_buffer_upload(a->c->to, a->c->stream, a->first + (at - a->base) / size, bytes / size, w->in.bytes + at);
    if (a->status != GPUMM_OK) strncpy(a->text, gpumm_message(), sizeof a->text - 1);
}

static gpumm_status stored(const arrival *a) {
    return a->status == GPUMM_OK ? GPUMM_OK : gpumm_lua_fail(a->status, "rank %d: %s", a->c->w->rank, a->text);
}

static gpumm_status move(call *c, arrival *a) {
    TRY(gpumm_mpi__traffic(c->w, size_of(c), store, a));
    return stored(a);
}

/* Elements that lie one rank's behind another's, as `counts` says: their bytes and places. Returns how many. */
static uint64_t lay_out(const world *w, const uint64_t *counts, uint64_t size, uint64_t *at, uint64_t *bytes) {
    uint64_t sum = 0;
    for (int r = 0; r < w->size; r++) {
        at[r] = sum * size;
        bytes[r] = counts[r] * size;
        sum += counts[r];
    }
    return sum;
}

/* ---- Moving from device to device ---------------------------------------------------------------------------------- */

static gpumm_status place_of(gpumm_buffer *b, uint64_t first, uint64_t size, gpumm_address *at) {
    gpumm_buffer_info info;
    TRY(gpumm_buffer_get_info(b, &info));
    *at = info.address + first * size;
    return GPUMM_OK;
}

/* Makes the stream wait for those who use the buffers, moves this rank's own elements, and says where they lie. */
static gpumm_status ready_on_device(call *c, gpumm_stream *stream, bool in_place, gpumm_address *out,
                                    gpumm_address *in) {
    world *w = c->w;
    uint64_t size = size_of(c), own = w->in_bytes[w->rank] / size;
    if (own > 0 && !in_place)
        TRY(gpumm_buffer_copy(c->to, stream, w->in_at[w->rank] / size, c->from, c->first + w->out_at[w->rank] / size,
                              own));
    if (c->from != c->to) TRY(gpumm_buffer_used(c->from, stream, GPUMM_ACCESS_READ));
    TRY(gpumm_buffer_used(c->to, stream, GPUMM_ACCESS_WRITE));
    TRY(place_of(c->from, c->first, size, out));
    return place_of(c->to, 0, size, in);
}

/* All others wait for it already. */
static gpumm_status lose_on_device(world *w, gpumm_status status) {
    char text[NOTE_TEXT] = "";
    strncpy(text, gpumm_message(), sizeof text - 1);
    return gpumm_mpi__world_lose(w, status, "rank %d: %.200s", w->rank, text);
}

static gpumm_status move_on_device(call *c, bool in_place) {
    gpumm_stream *stream = stream_of(c);
    gpumm_address out = 0, in = 0;
    gpumm_status status = ready_on_device(c, stream, in_place, &out, &in);
    return status == GPUMM_OK ? gpumm_mpi__nccl_traffic(c->w, stream, out, in, c->later) : lose_on_device(c->w, status);
}

static gpumm_status broadcast_on_device(call *c, uint64_t first, uint64_t count) {
    gpumm_stream *stream = stream_of(c);
    gpumm_address at = 0;
    gpumm_status status = gpumm_buffer_used(c->to, stream, access_of_to(c));
    if (status == GPUMM_OK) status = place_of(c->to, first, size_of(c), &at);
    if (status != GPUMM_OK) return lose_on_device(c->w, status);
    return gpumm_mpi__nccl_broadcast(c->w, stream, at, count * size_of(c), (int)c->detail);
}

/* ---- What goes where --------------------------------------------------------------------------------------------------- */

static void hear_counts(world *w) {
    for (int r = 0; r < w->size; r++) w->counts[r] = w->peers[r].heard.count;
}

/* Rank r's share of `count` things. */
static uint64_t share_begin(const world *w, uint64_t count, int rank) {
    uint64_t size = (uint64_t)w->size, k = (uint64_t)rank;
    return count / size * k + count % size * k / size;
}

/* ---- The calls ----------------------------------------------------------------------------------------------------- */

static gpumm_status allgather(call *c) {
    world *w = c->w;
    TRY(gpumm_mpi__agree_begin(w, CALL_ALLGATHER));
    TRY(wanted(c, offer(c), NULL));
    hear_counts(w);
    uint64_t total = lay_out(w, w->counts, size_of(c), w->in_at, w->in_bytes);
    for (int r = 0; r < w->size; r++) {
        w->out_at[r] = 0;
        w->out_bytes[r] = c->count * size_of(c);
    }
    TRY(ready(c, total * size_of(c), total));
    bool in_place = c->from == c->to && c->first * size_of(c) == w->in_at[w->rank];
    if (c->direct) return move_on_device(c, in_place);
    arrival a = {.c = c, .skip = in_place ? w->rank : -1};
    return move(c, &a);
}

static gpumm_status exchange(call *c) {
    world *w = c->w;
    TRY(gpumm_mpi__agree_begin(w, CALL_EXCHANGE));
    TRY(wanted(c, offer(c), c->counts));
    hear_counts(w);
    lay_out(w, c->counts, size_of(c), w->out_at, w->out_bytes);
    uint64_t total = lay_out(w, w->counts, size_of(c), w->in_at, w->in_bytes);
    TRY(ready(c, total * size_of(c), total));
    if (c->direct) return move_on_device(c, false);
    arrival a = {.c = c, .skip = -1};
    return move(c, &a);
}

/* Each rank has its own slice in w->out, and then all have all; but `whole` (-1: nobody) has all already. */
static gpumm_status spread(call *c, uint64_t count, int whole, arrival *a) {
    world *w = c->w;
    uint64_t size = size_of(c), own = share_begin(w, count, w->rank), end = share_begin(w, count, w->rank + 1);
    for (int r = 0; r < w->size; r++) {
        uint64_t begin = share_begin(w, count, r), bytes = (share_begin(w, count, r + 1) - begin) * size;
        w->out_at[r] = own * size;
        w->out_bytes[r] = r == whole ? 0 : (end - own) * size;
        w->in_at[r] = begin * size;
        w->in_bytes[r] = w->rank == whole ? 0 : bytes;
    }
    return move(c, a);
}

/* The root sends a slice to each, and they share them: nobody sends more than twice its part. */
static gpumm_status deal(call *c, uint64_t count) {
    world *w = c->w;
    bool root = w->rank == (int)c->detail;
    uint64_t size = size_of(c), own = share_begin(w, count, w->rank), end = share_begin(w, count, w->rank + 1);
    for (int r = 0; r < w->size; r++) {
        uint64_t begin = share_begin(w, count, r), bytes = (share_begin(w, count, r + 1) - begin) * size;
        w->out_at[r] = begin * size;
        w->out_bytes[r] = root ? bytes : 0;
        w->in_at[r] = own * size;
        w->in_bytes[r] = r == (int)c->detail ? (end - own) * size : 0;
    }
    TRY(gpumm_mpi__traffic(w, size, NULL, NULL));
    if (!root && end > own) memcpy(w->out.bytes + own * size, w->in.bytes + own * size, (end - own) * size);
    return GPUMM_OK;
}

static gpumm_status broadcast(call *c) {
    world *w = c->w;
    if (w->rank != (int)c->detail) c->count = 0;
    TRY(gpumm_mpi__agree_begin(w, CALL_BROADCAST));
    TRY(wanted(c, offer(c), NULL));
    uint64_t first = w->peers[c->detail].heard.first, count = w->peers[c->detail].heard.count;
    TRY(ready(c, count * size_of(c), count > 0 ? first + count : 0));
    if (c->direct) return broadcast_on_device(c, first, count);
    TRY(deal(c, count));
    arrival a = {.c = c, .first = first, .skip = -1};
    return spread(c, count, (int)c->detail, &a);
}

gpumm_status gpumm_mpi__allgather(call *c) { return held(c, allgather); }
gpumm_status gpumm_mpi__exchange(call *c) { return held(c, exchange); }
gpumm_status gpumm_mpi__broadcast(call *c) { return held(c, broadcast); }

/* Every rank's part of this rank's slice, in the order of the ranks, to the slice in w->out. */
static void combine(call *c, uint64_t begin, uint64_t count) {
    world *w = c->w;
    uint64_t bytes = count * size_of(c);
    for (int r = 1; r < w->size; r++)
        gpumm_mpi__reduce(type_of(c), (reduction)c->detail, w->in.bytes, w->in.bytes + (uint64_t)r * bytes, count);
    if (bytes > 0) memcpy(w->out.bytes + begin * size_of(c), w->in.bytes, bytes);
}

static gpumm_status swap_slices(call *c) {
    world *w = c->w;
    uint64_t size = size_of(c), own = share_begin(w, c->count, w->rank);
    uint64_t mine = share_begin(w, c->count, w->rank + 1) - own;
    for (int r = 0; r < w->size; r++) {
        uint64_t begin = share_begin(w, c->count, r);
        w->out_at[r] = begin * size;
        w->out_bytes[r] = (share_begin(w, c->count, r + 1) - begin) * size;
        w->in_at[r] = (uint64_t)r * mine * size;
        w->in_bytes[r] = mine * size;
    }
    TRY(gpumm_mpi__traffic(w, size, NULL, NULL));
    combine(c, own, mine);
    return GPUMM_OK;
}

static gpumm_status same_counts(const world *w) {
    for (int r = 1; r < w->size; r++)
        if (w->peers[r].heard.count != w->peers[0].heard.count)
            return gpumm_lua_fail(GPUMM_INVALID_ARGUMENT, "allreduce: rank %d has %llu elements, rank 0 has %llu", r,
                                  (unsigned long long)w->peers[r].heard.count,
                                  (unsigned long long)w->peers[0].heard.count);
    return GPUMM_OK;
}

gpumm_status gpumm_mpi__allreduce(call *c) {
    world *w = c->w;
    TRY(gpumm_mpi__agree_begin(w, CALL_ALLREDUCE));
    gpumm_status own = gpumm_mpi__reduce_check(type_of(c));
    TRY(wanted(c, own == GPUMM_OK ? take(c) : own, NULL));
    TRY(same_counts(w));
    uint64_t slices = (c->count / (unsigned)w->size + 1) * (unsigned)w->size;
    TRY(ready(c, slices * size_of(c), c->count > 0 ? c->first + c->count : 0));
    TRY(swap_slices(c));
    arrival a = {.c = c, .first = c->first, .skip = -1};
    return spread(c, c->count, -1, &a);
}

gpumm_status gpumm_mpi__barrier(call *c) {
    note mine = {.count = 0};
    TRY(gpumm_mpi__agree_begin(c->w, CALL_BARRIER));
    gpumm_status own = c->stream ? gpumm_stream_synchronize(c->stream) : GPUMM_OK;
    return gpumm_mpi__agree(c->w, own, 0, &mine, NULL, NULL);
}
