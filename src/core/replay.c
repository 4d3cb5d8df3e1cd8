/* SPDX-License-Identifier: MIT */
/*
 * Replaying: what a recording is at this moment, and its way to a stream.
 *
 * Slots of captures are chosen first, with the readbacks' locks held until their tickets are given; where one has to be
 * waited for, or made larger, all is let go of, done one by one, and begun again. Then, under the submit lock, nodes
 * take addresses, lengths, values and slots as they are now, the orders of everything used are told, and the device
 * gets what changed and one launch. What follows a snapshot goes behind it.
 */
#include <string.h>

#include "core/buffer.h"
#include "core/element.h"
#include "core/gate.h"
#include "core/pressure.h"
#include "core/record_call.h"
#include "core/report.h"
#include "device/nodes.h"

enum {
    GRAPH_LEAST = 3, /* fewer operations cost no more one by one */
    PATIENCE_MOST = 64,
    REPLAYS_WORTH_GRAPHS = 16, /* of the same operations, until each choice of slots gets its own */
    SAME_MOST = PATIENCE_MOST + REPLAYS_WORTH_GRAPHS
};

/* ---- Values ------------------------------------------------------------------------------------------------- */

static recorded_value *value_named(gpumm_recording *r, const char *name) {
    for (size_t i = 0; i < r->value_count; i++)
        if (strcmp(r->values[i].name, name) == 0) return &r->values[i];
    return NULL;
}

static gpumm_status check_value(gpumm_recording *r, const gpumm_value *given) {
    NOT_NULL(given->name, "the name of a value");
    NOT_NULL(given->value, "the value of a value");
    if (given->reserved) return fail(GPUMM_INVALID_ARGUMENT, "reserved of value '%s' is not NULL", given->name);
    recorded_value *v = value_named(r, given->name);
    if (!v) return fail(GPUMM_INVALID_ARGUMENT, "the recording takes no value '%.255s'", given->name);
    if (v->size != given->size)
        return fail(GPUMM_INVALID_ARGUMENT, "the value '%s' has %zu bytes%s%s, got %zu", v->name, v->size,
                    v->type ? " as " : "", v->type ? gpumm_type_name(v->type) : "", given->size);
    v->given = true;
    return GPUMM_OK;
}

static gpumm_status take_values(gpumm_recording *r, const gpumm_value *given, size_t count) {
    for (size_t i = 0; i < r->value_count; i++) r->values[i].given = false;
    for (size_t i = 0; i < count; i++) TRY(check_value(r, &given[i]));
    for (size_t i = 0; i < r->value_count; i++)
        if (!r->values[i].given)
            return fail(GPUMM_INVALID_ARGUMENT, "the replay does not give the value '%s'", r->values[i].name);
    for (size_t i = 0; i < count; i++) {
        recorded_value *v = value_named(r, given[i].name);
        if (memcmp(v->bytes, given[i].value, v->size) == 0) continue;
        memcpy(v->bytes, given[i].value, v->size);
        r->stirred = true;
    }
    return GPUMM_OK;
}

/* ---- Nodes as they are now ---------------------------------------------------------------------------------- */

static void put(recorded_node *n, void *to, const void *from, size_t size) {
    if (memcmp(to, from, size) == 0) return;
    memcpy(to, from, size);
    n->changed = RECORDED_CHANGED;
}

static gpumm_status put_length(gpumm_recording *r, recorded_node *n, size_t i) {
    const recorded_link *k = &n->as.launch.links[i];
    const gpumm_buffer *b = r->uses[k->length].buffer;
    uint64_t length = b->group->length, bytes = 0;
    char text[TITLE_BYTES];
    if (!gpumm__scalar_set_integer(k->scalar, length, &bytes))
        return fail(GPUMM_INVALID_ARGUMENT, "the length of %s, %llu, is more than a parameter of type %s holds",
                    gpumm__buffer_label(b, text), (unsigned long long)length, scalar_infos[k->scalar].name);
    put(n, n->as.launch.arguments[i], &bytes, n->as.launch.sizes[i]);
    return GPUMM_OK;
}

static gpumm_status refresh_threads(recorded_node *n, device_node *d) {
    if (n->as.launch.counting == SIZE_MAX) return GPUMM_OK;
    uint64_t threads = gpumm__scalar_integer(n->as.launch.scalar, n->as.launch.arguments[n->as.launch.counting]);
    if (threads > INT64_MAX) return fail(GPUMM_INVALID_ARGUMENT, "a number of threads is negative");
    put(n, &d->as.launch.what.threads, &threads, sizeof threads);
    return GPUMM_OK;
}

static gpumm_status refresh_launch(gpumm_recording *r, recorded_node *n, device_node *d) {
    for (size_t i = 0; i < n->as.launch.count; i++) {
        const recorded_link *k = &n->as.launch.links[i];
        void *argument = n->as.launch.arguments[i];
        if (k->use != RECORDED_NONE) put(n, argument, &r->uses[k->use].address, sizeof(gpumm_address));
        else if (k->value != RECORDED_NONE) put(n, argument, r->values[k->value].bytes, n->as.launch.sizes[i]);
        else if (k->length != RECORDED_NONE) TRY(put_length(r, n, i));
    }
    return refresh_threads(n, d);
}

/* The elements that the whole operation has now. */
static gpumm_status range_count(const gpumm_recording *r, const recorded_node *n, uint64_t *count) {
    const gpumm_buffer *to = r->uses[n->as.range.to].buffer, *from = to;
    uint64_t first = n->as.range.to_first;
    if (n->as.range.from != RECORDED_NONE) {
        from = r->uses[n->as.range.from].buffer;
        first = n->as.range.from_first;
    }
    *count = n->as.range.count;
    if (*count == GPUMM_TO_END) *count = first < from->group->length ? from->group->length - first : 0;
    TRY(gpumm__buffer_check_range(from, first, *count));
    return gpumm__buffer_check_range(to, n->as.range.to_first, *count);
}

static void put_range(const gpumm_recording *r, recorded_node *n, device_node *d, uint64_t bytes) {
    const recorded_use *to = &r->uses[n->as.range.to];
    gpumm_address at = to->address + n->as.range.to_first * to->buffer->size + n->as.range.start;
    if (d->kind == NODE_FILL) {
        uint64_t times = bytes / d->as.fill.width;
        put(n, &d->as.fill.to, &at, sizeof at);
        put(n, &d->as.fill.times, &times, sizeof times);
        return;
    }
    const recorded_use *from = &r->uses[n->as.range.from];
    gpumm_address source = from->address + n->as.range.from_first * from->buffer->size;
    put(n, &d->as.copy.to, &at, sizeof at);
    put(n, &d->as.copy.from, &source, sizeof source);
    put(n, &d->as.copy.bytes, &bytes, sizeof bytes);
}

static gpumm_status refresh_range(gpumm_recording *r, recorded_node *n, device_node *d) {
    uint64_t count, start = n->as.range.start;
    TRY(range_count(r, n, &count));
    uint64_t bytes = count * r->uses[n->as.range.to].buffer->size; /* within the length, whose bytes were checked */
    put_range(r, n, d, bytes > start ? size_min(n->as.range.most, bytes - start) : 0);
    return GPUMM_OK;
}

static void put_snapshot(const gpumm_recording *r, recorded_node *n, device_node *d) {
    const recorded_capture *c = &r->captures[n->as.snapshot.capture];
    const recorded_use *from = &r->uses[n->as.snapshot.use];
    bool in_line = gpumm__snapshot_in_line(c->readback, c->length);
    gpumm_address to = (in_line ? c->slot->host.address : c->slot->device.address) +
                       gpumm__slot_offset(c->readback, n->as.snapshot.member, c->length);
    uint64_t bytes = c->length * from->buffer->size;
    copy_kind way = in_line ? COPY_D2H : COPY_D2D;
    put(n, &d->as.copy.way, &way, sizeof way);
    put(n, &d->as.copy.to, &to, sizeof to);
    put(n, &d->as.copy.from, &from->address, sizeof from->address);
    put(n, &d->as.copy.bytes, &bytes, sizeof bytes);
}

static void refresh_snapshot(const gpumm_recording *r, recorded_node *n, device_node *d) {
    const recorded_capture *c = &r->captures[n->as.snapshot.capture];
    bool skipped = !c->slot || !c->length;
    put(n, &d->skipped, &skipped, sizeof skipped);
    if (!skipped) put_snapshot(r, n, d);
}

static gpumm_status refresh(gpumm_recording *r) {
    for (size_t i = 0; i < r->count; i++) {
        recorded_node *n = r->nodes[i];
        if (n->kind == RECORDED_SNAPSHOT) refresh_snapshot(r, n, &r->device[i]);
        else if (!r->stirred || n->kind == RECORDED_NOTHING) continue;
        else if (n->kind == RECORDED_LAUNCH) TRY(refresh_launch(r, n, &r->device[i]));
        else TRY(refresh_range(r, n, &r->device[i]));
    }
    r->stirred = false;
    return GPUMM_OK;
}

/* ---- What it uses ------------------------------------------------------------------------------------------- */

/* Submit lock held, and given up while a gate is shut; then all are looked at anew. */
static void pass_gates(gpumm_recording *r) {
    for (size_t i = 0; i < r->use_count;) i = gpumm__gate_pass(r->uses[i].buffer->group) ? 0 : i + 1;
}

static gpumm_status look_at_use(gpumm_recording *r, recorded_use *u) {
    char text[TITLE_BYTES];
    const gpumm_buffer *b = u->buffer;
    if (!b->extent) return fail_in(gpumm__buffer_gone(b), "the recording uses a buffer that is gone: ");
    if (!r->anew && b->group->generation != u->generation)
        return fail(GPUMM_STALE, "%s has moved since it was recorded: record anew", gpumm__buffer_label(b, text));
    gpumm_address now = gpumm__buffer_address(b);
    if (now == u->address && b->group->length == u->length) return GPUMM_OK;
    u->address = now;
    u->length = b->group->length;
    r->stirred = true;
    return GPUMM_OK;
}

static gpumm_status look(gpumm_recording *r) {
    for (size_t i = 0; i < r->use_count; i++) TRY(look_at_use(r, &r->uses[i]));
    for (size_t i = 0; i < r->kernel_count; i++)
        if (!atomic_load(&r->kernels[i].object->alive))
            return fail(GPUMM_STALE, "the recording launches kernel '%s', which was closed", r->kernels[i].name);
    return GPUMM_OK;
}

static gpumm_status declare(gpumm_recording *r, gpumm_stream *s) {
    for (size_t i = 0; i < r->use_count; i++) TRY(gpumm__buffer_use(r->uses[i].buffer, s, r->uses[i].access));
    for (size_t i = 0; i < r->kernel_count; i++) TRY(gpumm__order_use(r->kernels[i].order, s, GPUMM_ACCESS_READ));
    for (size_t i = 0; i < r->capture_count; i++)
        if (r->captures[i].slot) TRY(gpumm__order_use(&r->captures[i].slot->order, s, GPUMM_ACCESS_WRITE));
    return gpumm__recording_use_scratch(r, s);
}

/* ---- To the device ------------------------------------------------------------------------------------------ */

static gpumm_status play_one_by_one(gpumm_recording *r, device_stream *s) {
    for (size_t i = 0; i < r->count; i++) TRY(gpumm__node_enqueue(r->object.context->device, s, &r->device[i]));
    return GPUMM_OK;
}

/* What a snapshot's node does is another thing at each replay: whether this graph has it so is seen by comparing. */
static bool is_told(gpumm_recording *r, const recorded_graph *g, size_t i) {
    unsigned bit = 1u << (g - r->graphs);
    if (r->nodes[i]->kind != RECORDED_SNAPSHOT) return !(r->nodes[i]->changed & bit);
    device *d = r->object.context->device;
    return gpumm__node_equal_copies(d->call->graph_node(g->graph, i), &r->device[i]);
}

static void tell(gpumm_recording *r, const recorded_graph *g, size_t i) {
    r->nodes[i]->changed &= (uint8_t) ~(1u << (g - r->graphs));
}

static gpumm_status patch(gpumm_recording *r, const recorded_graph *g) {
    device *d = r->object.context->device;
    size_t count = 0;
    for (size_t i = 0; i < r->count; i++)
        if (!is_told(r, g, i)) r->patches[count++] = (device_patch){i, &r->device[i]};
    if (!count) return GPUMM_OK;
    TRY(d->call->graph_patch(d, g->graph, r->patches, count));
    for (size_t i = 0; i < count; i++) tell(r, g, r->patches[i].index);
    return GPUMM_OK;
}

/* Those of operations that were. */
static void close_misfits(gpumm_recording *r) {
    device *d = r->object.context->device;
    bool any = false;
    for (recorded_graph *g = r->graphs; g < r->graphs + RECORDED_GRAPHS; g++) {
        if (!g->graph || g->fits) continue;
        d->call->graph_close(d, g->graph);
        g->graph = NULL;
        any = true;
    }
    if (any && r->patience < PATIENCE_MOST) r->patience *= 2; /* they change: the next graph must be worth it */
}

static gpumm_status make_graph(gpumm_recording *r, recorded_graph *g) {
    device *d = r->object.context->device;
    device_graph *made;
    TRY(d->call->graph_open(d, r->device, r->count, &made));
    close_misfits(r);
    g->graph = made;
    g->fits = true;
    for (size_t i = 0; i < r->count; i++) tell(r, g, i);
    return GPUMM_OK;
}

/* Which slots the captures have. Of many it is not quite one number each, which costs a patch. */
static uint64_t key_of(const gpumm_recording *r) {
    uint64_t key = 0;
    for (size_t i = 0; i < r->capture_count; i++) {
        const recorded_capture *c = &r->captures[i];
        key = key * (READBACK_SLOTS + 1) + (c->slot ? (uint64_t)(c->slot - c->readback->slots) + 1 : 0);
    }
    return key;
}

/* The graph that was used for the same, or one that was not made, or the one that was used least lately. */
static recorded_graph *graph_for(gpumm_recording *r, uint64_t key) {
    recorded_graph *found = NULL;
    for (size_t i = 0; i < RECORDED_GRAPHS; i++) {
        recorded_graph *g = &r->graphs[i];
        if (g->used && g->key == key) return g;
        if (!found || g->used < found->used) found = g;
    }
    return found;
}

/* The first one, until it is sure that more are worth their memory and the time that making them takes. */
static recorded_graph *choose_graph(gpumm_recording *r) {
    uint64_t key = key_of(r);
    bool many = r->capture_count && r->same >= r->patience + REPLAYS_WORTH_GRAPHS;
    recorded_graph *g = many ? graph_for(r, key) : &r->graphs[0];
    g->key = key;
    g->used = ++r->replays;
    return g;
}

/* Submit lock held. What has no graph is enqueued one by one. */
static gpumm_status play(gpumm_recording *r, gpumm_stream *s) {
    device *d = r->object.context->device;
    const recorded_graph *g = r->playing;
    if (!g || !g->fits) return play_one_by_one(r, s->device);
    TRY(patch(r, g));
    return d->call->graph_launch(d, s->device, g->graph);
}

/* ---- Captures ----------------------------------------------------------------------------------------------- */

static void lock_readbacks(gpumm_recording *r) {
    for (size_t i = 0; i < r->capture_count; i++) pthread_mutex_lock(&r->captures[r->locking[i]].readback->lock);
}

static void unlock_readbacks(gpumm_recording *r) {
    for (size_t i = r->capture_count; i-- > 0;) pthread_mutex_unlock(&r->captures[r->locking[i]].readback->lock);
}

/* A slot for each capture that is not refused. *again: one has none now. */
static gpumm_status choose_slots(gpumm_recording *r, bool *again) {
    for (size_t i = 0; i < r->capture_count; i++) {
        recorded_capture *c = &r->captures[i];
        TRY(gpumm__readback_open_to_captures(c->readback));
        c->slot = gpumm__slot_free(c->readback);
        if (!c->slot) (void)gpumm__ring_refresh(c->readback); /* what it says of copies, room says again */
        if (!c->slot) c->slot = gpumm__slot_free(c->readback);
        if (!c->slot && !c->refused) *again = true;
    }
    return GPUMM_OK;
}

static bool slots_fit(gpumm_recording *r) {
    for (size_t i = 0; i < r->capture_count; i++) {
        recorded_capture *c = &r->captures[i];
        c->length = c->readback->group->length;
        if (c->slot && !gpumm__slot_fits(c->readback, c->slot, c->length)) return false;
    }
    return true;
}

static uint64_t length_of(const gpumm_readback *rb) {
    context *ctx = rb->object.context;
    pthread_mutex_lock(&ctx->submit);
    uint64_t length = rb->group->length;
    pthread_mutex_unlock(&ctx->submit);
    return length;
}

/* A slot that can be chosen, or the policy's refusal. Readback lock held, and again on return. */
static gpumm_status prepare(recorded_capture *c) {
    slot *t;
    gpumm_status status = gpumm__readback_room(c->readback, &t);
    c->refused = status == GPUMM_BUSY;
    if (c->refused) return GPUMM_OK;
    TRY(status);
    if (gpumm__slot_fits(c->readback, t, length_of(c->readback))) return GPUMM_OK;
    if (!t->fitting) return gpumm__slot_fit(c->readback, t);
    pthread_mutex_unlock(&c->readback->lock);
    gpumm__clock_sleep_ns(20000);
    pthread_mutex_lock(&c->readback->lock);
    return GPUMM_OK;
}

static gpumm_status prepare_all(gpumm_recording *r) {
    for (size_t i = 0; i < r->capture_count; i++) {
        recorded_capture *c = &r->captures[i];
        pthread_mutex_lock(&c->readback->lock);
        gpumm_status status = c->refused ? GPUMM_OK : prepare(c);
        pthread_mutex_unlock(&c->readback->lock);
        TRY(status);
    }
    return GPUMM_OK;
}

static int64_t step_of(const gpumm_recording *r, const recorded_capture *c) {
    int64_t step = c->step;
    if (c->value != RECORDED_NONE) memcpy(&step, r->values[c->value].bytes, sizeof step);
    return step;
}

static gpumm_status finish_captures(gpumm_recording *r, gpumm_stream *s) {
    for (size_t i = 0; i < r->capture_count; i++) {
        const recorded_capture *c = &r->captures[i];
        if (c->slot) TRY(gpumm__snapshot_behind(c->readback, c->slot, s, step_of(r, c), c->length));
    }
    return GPUMM_OK;
}

static void give_tickets(gpumm_recording *r, gpumm_ticket *tickets) {
    for (size_t i = 0; i < r->capture_count; i++) {
        gpumm_ticket ticket = gpumm__readback_captured(r->captures[i].readback, r->captures[i].slot);
        if (tickets) tickets[i] = ticket;
    }
}

/* ---- One replay --------------------------------------------------------------------------------------------- */

/* In a trace all of it is one slice. */
static gpumm_status play_traced(gpumm_recording *r, gpumm_stream *s) {
    device *traced = r->object.context->tracing.traced;
    if (!traced) return play(r, s);
    const operation_field count = {"count", r->count};
    const queued_words words = {"replay", NULL, &count, 1};
    queued *o = gpumm__timeline_begin(gpumm__traced_timeline(traced), s->device, &words, true);
    gpumm_status status = play(r, s);
    gpumm__timeline_end(gpumm__traced_timeline(traced), s->device, o, status);
    return status;
}

/* Nodes as they are now; *fit: nothing has to be made longer first. Submit lock held. */
static gpumm_status look_ahead(gpumm_recording *r, bool *fit) {
    pass_gates(r);
    TRY(look(r));
    *fit = slots_fit(r) && gpumm__recording_calls_fit(r);
    return *fit ? refresh(r) : GPUMM_OK;
}

/* The graph that is played, made before it is enqueued: making it takes memory, and the application's allocator is called
   without the submit lock. What changes until that is held again is patched. The readbacks' locks held. */
static gpumm_status take_graph(gpumm_recording *r) {
    context *ctx = r->object.context;
    bool fit = false;
    r->playing = r->count < GRAPH_LEAST || r->same < r->patience ? NULL : choose_graph(r);
    if (!r->playing || r->playing->fits) return GPUMM_OK;
    pthread_mutex_lock(&ctx->submit);
    gpumm_status status = look_ahead(r, &fit);
    pthread_mutex_unlock(&ctx->submit);
    return status == GPUMM_OK && fit ? make_graph(r, r->playing) : status;
}

/* Submit lock held, and the readbacks'. *again: a slot, or what a call planned, is of another length. */
static gpumm_status submit(gpumm_recording *r, gpumm_stream *s, bool *again) {
    pass_gates(r);
    TRY(look(r));
    TRY(gpumm__stream_not_capturing(s));
    *again = !slots_fit(r) || !gpumm__recording_calls_fit(r);
    if (*again) return GPUMM_OK;
    TRY(refresh(r));
    TRY(declare(r, s));
    TRY(play_traced(r, s));
    return finish_captures(r, s);
}

/* *again: nothing was done, because room has to be made first. */
static gpumm_status try_replay(gpumm_recording *r, gpumm_stream *s, gpumm_ticket *tickets, bool *again) {
    context *ctx = r->object.context;
    *again = false;
    lock_readbacks(r);
    gpumm_status status = choose_slots(r, again);
    if (status == GPUMM_OK && !*again) status = take_graph(r);
    if (status == GPUMM_OK && !*again) {
        pthread_mutex_lock(&ctx->submit);
        status = submit(r, s, again);
        pthread_mutex_unlock(&ctx->submit);
    }
    if (status == GPUMM_OK && !*again) give_tickets(r, tickets);
    unlock_readbacks(r);
    return status;
}

static gpumm_status check_now(gpumm_recording *r) {
    context *ctx = r->object.context;
    pthread_mutex_lock(&ctx->submit);
    gpumm_status status = look(r);
    pthread_mutex_unlock(&ctx->submit);
    return status;
}

/* What calls plan is of the lengths as they are, and the graphs are of these operations, or of none. */
static gpumm_status take_shape(gpumm_recording *r) {
    TRY(gpumm__recording_plan_again(r));
    r->differs = r->differs || r->count != r->known;
    if (r->differs) {
        gpumm__recording_misfit(r);
        r->same = 0;
    }
    r->known = r->count;
    r->differs = false;
    return GPUMM_OK;
}

/* Scratch that calls want says itself what there is. */
static gpumm_status replay(gpumm_recording *r, gpumm_stream *s, gpumm_ticket *tickets) {
    context *ctx = r->object.context;
    bool again;
    if (r->capture_count || r->call_count)
        TRY(check_now(r)); /* what is freed says so better than what follows from it */
    r->same += r->same < SAME_MOST;
    TRY(take_shape(r));
    for (size_t i = 0; i < r->capture_count; i++) r->captures[i].refused = false;
    for (;;) {
        TRY(gpumm__explain(ctx, try_replay(r, s, tickets, &again)));
        if (!again) return GPUMM_OK;
        TRY(gpumm__explain(ctx, prepare_all(r)));
        TRY(take_shape(r));
    }
}

static gpumm_status enter_replay(gpumm_recording *r, gpumm_stream *given, const gpumm_value *values, size_t count,
                                 gpumm_stream **s) {
    TRY(gpumm__stream_of(r->object.context, given, s));
    if (r->spent) return fail(GPUMM_INVALID_ARGUMENT, "this recording is recorded anew before each replay");
    return take_values(r, values, count);
}

typedef struct replaying {
    gpumm_recording *recording;
    gpumm_stream *stream;
    const gpumm_value *values;
    size_t value_count;
    gpumm_ticket *tickets;
} replaying;

static gpumm_status replay_it(void *user) {
    const replaying *p = user;
    gpumm_recording *r = p->recording;
    gpumm_stream *s;
    TRY(gpumm__recording_enter(r));
    gpumm_status status = enter_replay(r, p->stream, p->values, p->value_count, &s);
    if (status == GPUMM_OK) {
        status = r->count ? replay(r, s, p->tickets) : GPUMM_OK;
        gpumm__recording_trim_calls(r);
        if (r->anew) gpumm__recording_let_go(r);
        r->spent = r->anew;
    }
    gpumm__recording_leave(r);
    return status;
}

/* What is recorded anew is spent by a replay that failed, too. */
gpumm_status gpumm_recording_replay(gpumm_recording *r, gpumm_stream *given, const gpumm_value *values,
                                    size_t value_count, gpumm_ticket *tickets) {
    NOT_NULL(r, "recording");
    if (value_count) NOT_NULL(values, "values");
    replaying p = {r, given, values, value_count, tickets};
    return gpumm__pressure_outside(r->object.context, !r->anew, replay_it, &p);
}
