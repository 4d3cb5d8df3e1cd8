/* SPDX-License-Identifier: MIT */
/*
 * Recorders. One of a recording has one destination. One of a simulation's steps has a list of recordings, which the
 * steps go through: whatever cannot be recorded, and a change of streams, ends one and begins the next. Each is compared
 * with what it was in the step before, so that a step which does the same again enqueues few launches of graphs.
 */
#include "bind/api/recorder.h"

#include <stdio.h>
#include <string.h>

#include "base/status.h"
#include "bind/api/manager.h"
#include "bind/lua/arguments.h"
#include "bind/lua/fail.h"

enum { SEGMENTS = 32, CAPTURES = 32 };

static const char readbacks_key = 0; /* its address is the key of the list that a recording under way fills */

struct bind_recorder {
    bind_state *state;
    bind_recorder *outer;   /* the one that waits until this ends, as of a simulation whose step runs another */
    lua_State *thread;      /* whose calls are recorded */
    gpumm_manager *manager; /* the recorder keeps its handle */
    bool steps;
    gpumm_recording *recording; /* what calls go to now; of steps: NULL between two */
    gpumm_stream *stream;       /* of steps: where that is enqueued; NULL: the main one; a reference */
    bind_values *values;        /* of a recording */
    gpumm_status failed;        /* what nobody was told yet, */
    char message[400];          /* and why */
    unsigned next, made;
    bind_reference *segments[SEGMENTS]; /* of steps: the recordings */
};

/* ---- Beginning and ending --------------------------------------------------------------------------------- */

static void stop(bind_recorder *r) {
    gpumm_stream_release(r->stream);
    r->stream = NULL;
    if (r->steps) r->recording = NULL;
    for (bind_recorder **at = &r->state->recorder; *at; at = &(*at)->outer) {
        if (*at != r) continue;
        *at = r->outer;
        break;
    }
    r->outer = NULL;
}

static int recorder_close(lua_State *L) {
    bind_recorder *r = gpumm_lua__userdata(L, 1, &gpumm_lua__recorder_class);
    if (!r->steps) {
        lua_pushnil(L);
        lua_rawsetp(L, LUA_REGISTRYINDEX, &readbacks_key);
    }
    stop(r);
    return 0;
}

static int recorder_collect(lua_State *L) {
    bind_recorder *r = gpumm_lua__userdata(L, 1, &gpumm_lua__recorder_class);
    stop(r);
    while (r->made > 0) gpumm_lua__reference_end(L, r->segments[--r->made]);
    return 0;
}

/* The manager's handle is in slot `owner`. [-0, +1, m] */
static bind_recorder *new_recorder(lua_State *L, int owner) {
    bind_recorder *r = lua_newuserdatauv(L, sizeof *r, 1);
    *r = (bind_recorder){.state = gpumm_lua__state_of(L), .manager = gpumm_lua__to_manager(L, owner)};
    luaL_setmetatable(L, gpumm_lua__recorder_class.name);
    lua_pushvalue(L, owner);
    lua_setiuservalue(L, -2, 1);
    return r;
}

int gpumm_lua__recorder_new(lua_State *L) {
    lua_settop(L, 1);
    new_recorder(L, 1)->steps = true;
    return 1;
}

/* ---- The recordings of a step ------------------------------------------------------------------------------ */

static void release_recording(void *recording) { gpumm_recording_release(recording); }

static gpumm_recording *segment(const bind_recorder *r, unsigned i) { return r->segments[i]->object; }

/* One more, so that the next calls have one to go to; false: there is none. */
static bool make_segment(lua_State *L, bind_recorder *r) {
    gpumm_recording *made;
    if (r->made == SEGMENTS) return false;
    bind_reference *reference = gpumm_lua__reference_take(L, &r->state->references);
    if (gpumm_recording_open(r->manager, &(gpumm_recording_options){.anew = true}, &made) != GPUMM_OK) {
        gpumm_lua__reference_end(L, reference);
        return false;
    }
    gpumm_lua__reference_hold(reference, release_recording, made);
    r->segments[r->made++] = reference;
    return true;
}

static gpumm_recording *next_segment(lua_State *L, bind_recorder *r, gpumm_stream *stream) {
    if (r->next == r->made && !make_segment(L, r)) return NULL;
    gpumm_recording *recording = segment(r, r->next);
    if (gpumm_recording_begin(recording) != GPUMM_OK) return NULL;
    r->next++;
    r->recording = recording;
    r->stream = gpumm_stream_retain(stream);
    return recording;
}

/* Enqueues what was recorded. */
static gpumm_status flush(bind_recorder *r, gpumm_ticket *tickets) {
    gpumm_recording *recording = r->recording;
    gpumm_stream *stream = r->stream;
    if (!recording) return GPUMM_OK;
    r->recording = NULL;
    r->stream = NULL;
    gpumm_status status = gpumm_recording_replay(recording, stream, NULL, 0, tickets);
    gpumm_stream_release(stream);
    return status;
}

/* What failed before is told first. */
static gpumm_status flush_all(bind_recorder *r, gpumm_ticket *tickets) {
    gpumm_status before = r->failed, status = flush(r, tickets);
    r->failed = GPUMM_OK;
    return before == GPUMM_OK ? status : fail(before, "%s", r->message);
}

static void flush_or_raise(lua_State *L, bind_recorder *r) {
    gpumm_status status = flush_all(r, NULL);
    if (status != GPUMM_OK) gpumm_lua__raise(L, status);
}

void gpumm_lua__recorder_before_others(lua_State *L) {
    bind_recorder *r = gpumm_lua__state_of(L)->recorder;
    if (!r || !r->steps || !r->recording) return;
    gpumm_status status = flush(r, NULL);
    if (status == GPUMM_OK || r->failed != GPUMM_OK) return;
    r->failed = status;
    snprintf(r->message, sizeof r->message, "%s", gpumm_message());
}

static void before_method(lua_State *L, const char *name);

static void start(lua_State *L, bind_recorder *r) {
    bind_recorder *outer = r->state->recorder;
    if (outer && !outer->steps) luaL_error(L, "a recording is under way already: recordings do not hold recordings");
    for (bind_recorder *o = outer; o; o = o->outer)
        if (o == r) luaL_error(L, "this step is recorded already");
    if (outer) flush_or_raise(L, outer);
    r->outer = outer;
    r->state->before_method = before_method;
    r->state->recorder = r;
    r->thread = L;
}

void gpumm_lua__recorder_open(lua_State *L, gpumm_recording *recording, bind_values *values) {
    bind_recorder *r = new_recorder(L, 1);
    r->recording = recording;
    r->values = values;
    start(L, r);
    lua_insert(L, -2);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &readbacks_key);
}

/* ---- What a call asks --------------------------------------------------------------------------------------- */

static gpumm_recording *recording_of_step(lua_State *L, bind_recorder *r, gpumm_stream *stream) {
    if (stream == gpumm_manager_main(r->manager)) stream = NULL;
    if (r->failed != GPUMM_OK || (r->recording && (r->stream != stream || r->thread != L))) flush_or_raise(L, r);
    if (r->recording) return r->recording;
    return r->thread == L ? next_segment(L, r, stream) : NULL;
}

gpumm_recording *gpumm_lua__recording_for(lua_State *L, const bind_state *state, gpumm_manager *manager,
                                          gpumm_stream *stream) {
    bind_recorder *r = state->recorder;
    if (!r || r->manager != manager) return NULL;
    if (r->steps) return recording_of_step(L, r, stream);
    if (r->thread != L) luaL_error(L, "another coroutine than the one that records cannot be recorded");
    if (stream) luaL_error(L, "a recording has no streams: replay { stream = … } says where it runs");
    return r->recording;
}

void gpumm_lua__not_recorded(lua_State *L, gpumm_manager *manager, const char *what) {
    bind_recorder *r = gpumm_lua__state_of(L)->recorder;
    if (!r || r->manager != manager) return;
    if (!r->steps)
        luaL_error(
            L,
            "'%s' cannot be recorded: a recording is of kernels, b:fill, b:copy, primitives and r:capture; call it before or "
            "after",
            what);
    flush_or_raise(L, r);
}

gpumm_recording *gpumm_lua__recorded_capture(lua_State *L, const bind_state *state, gpumm_manager *manager,
                                             gpumm_stream *stream) {
    if (!state->recorder || !state->recorder->steps) return gpumm_lua__recording_for(L, state, manager, stream);
    gpumm_lua__not_recorded(L, manager, "capture");
    return NULL;
}

void gpumm_lua__recorded_readback(lua_State *L, int index) {
    index = lua_absindex(L, index);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &readbacks_key);
    lua_pushvalue(L, index);
    lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
    lua_pop(L, 1);
}

/* The manager of the object in slot 1. */
static const void *manager_of_first(lua_State *L) {
    const bind_handle *handle = gpumm_lua__any_handle(L, 1);
    if (!handle) return NULL;
    if (handle->class == &gpumm_lua__manager_class) return handle->object;
    gpumm_lua__push_owner(L, 1);
    handle = gpumm_lua__any_handle(L, -1);
    lua_pop(L, 1);
    return handle ? handle->object : NULL;
}

static void before_method(lua_State *L, const char *name) {
    bind_recorder *r = gpumm_lua__state_of(L)->recorder;
    if (manager_of_first(L) == r->manager) gpumm_lua__not_recorded(L, r->manager, name);
}

/* ---- Tokens ------------------------------------------------------------------------------------------------- */

const bind_token *gpumm_lua__test_token(lua_State *L, int index) {
    return gpumm_lua__test_userdata(L, index, &gpumm_lua__token_class);
}

const char *gpumm_lua__token_name(lua_State *L, const bind_token *token, const char *kernel,
                                  const gpumm_parameter *parameter) {
    const bind_recorder *r = gpumm_lua__state_of(L)->recorder;
    bind_values *values = r ? r->values : NULL;
    bind_value v = {.kernel = kernel, .parameter = parameter};
    if (!values) luaL_error(L, "r:scalar \"%s\" is for the recording that made it", token->name);
    if (parameter && !parameter->element)
        luaL_error(L, "kernel '%s', parameter '%s': a value of type %s, which gpumm does not know, cannot be a scalar",
                   kernel, parameter->name, parameter->type);
    snprintf(v.name, sizeof v.name, "%s", token->name);
    snprintf(v.full, sizeof v.full, "%s:%.20s", token->name, parameter ? gpumm_type_name(parameter->element) : "i64");
    if (parameter && parameter->boolean) snprintf(v.full, sizeof v.full, "%s:bool", token->name);
    for (size_t i = 0; i < values->count; i++)
        if (strcmp(values->at[i].full, v.full) == 0) return values->at[i].full;
    if (values->count == RECORDED_VALUES) luaL_error(L, "a recording takes at most %d scalars", RECORDED_VALUES);
    values->at[values->count] = v;
    return values->at[values->count++].full;
}

static int token_text(lua_State *L) {
    const bind_token *t = gpumm_lua__userdata(L, 1, &gpumm_lua__token_class);
    if (t->name[0]) lua_pushfstring(L, "scalar '%s' of a recording", t->name);
    else lua_pushliteral(L, "length of a buffer at a replay");
    return 1;
}

static const luaL_Reg token_meta[] = {{"__tostring", token_text}, {NULL, NULL}};

const bind_class gpumm_lua__token_class = {.name = "gpumm-scalar", .meta = token_meta};

/* ---- Steps -------------------------------------------------------------------------------------------------- */

static int recorder_begin(lua_State *L) {
    bind_recorder *r = gpumm_lua__userdata(L, 1, &gpumm_lua__recorder_class);
    start(L, r);
    r->next = 0;
    r->failed = GPUMM_OK;
    return 0;
}

/* The readbacks from slot 3 on; their number. */
static int record_captures(lua_State *L, gpumm_recording *recording, lua_Integer step) {
    int count = lua_gettop(L) - 2;
    luaL_argcheck(L, count <= CAPTURES, 3, "too many readbacks");
    for (int i = 0; i < count; i++) {
        const bind_handle *readback = gpumm_lua__any_handle(L, i + 3); /* one that the simulation made */
        gpumm_status status = gpumm_recording_capture(recording, readback ? readback->object : NULL, step, NULL);
        if (status != GPUMM_OK) gpumm_lua__raise(L, status);
    }
    return count;
}

/* recorder:finish(step, readback, …): enqueues what is left, with a capture of each; a ticket each, false where that was
   refused. Nothing: they are still to be captured. */
static int recorder_finish(lua_State *L) {
    bind_recorder *r = gpumm_lua__userdata(L, 1, &gpumm_lua__recorder_class);
    gpumm_ticket tickets[CAPTURES] = {0};
    lua_Integer step = luaL_checkinteger(L, 2);
    int count = 0;
    bool captures = lua_gettop(L) > 2 && (r->recording || next_segment(L, r, NULL));
    if (captures) count = record_captures(L, r->recording, step);
    gpumm_status status = flush_all(r, tickets);
    stop(r);
    if (status != GPUMM_OK) return gpumm_lua__raise(L, status);
    for (int i = 0; i < count; i++) {
        if (tickets[i]) gpumm_lua__push_count(L, tickets[i]);
        else lua_pushboolean(L, 0);
    }
    return count;
}

static const luaL_Reg methods[] = {{"begin", recorder_begin}, {"finish", recorder_finish}, {NULL, NULL}};
static const luaL_Reg meta[] = {{"__close", recorder_close}, {"__gc", recorder_collect}, {NULL, NULL}};

const bind_class gpumm_lua__recorder_class = {.name = "gpumm-recorder", .methods = methods, .meta = meta};
