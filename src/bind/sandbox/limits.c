/* SPDX-License-Identifier: MIT */
/*
 * Limits of a contained state: memory, time, and being stopped by the application.
 *
 * Memory: Lua repeats a request that was refused once it has collected; a request refused twice ends the
 * script, unless it alone is more than the limit: that is an error like others. That collection calls no
 * finaliser, and objects of ours go with theirs: so before the end the script gets a part of the reserve until
 * the next tick, which collects whole. After the end there is all of the reserve, so that unwinding and
 * finalisers have what they need.
 * Time: a count hook, which new coroutines inherit from the thread that makes them.
 */
#include "bind/sandbox/limits.h"

#include <lauxlib.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/size.h"
#include "base/thread.h"
#include "bind/lua/caller.h"

typedef enum sandbox_strain { STRAIN_NONE, STRAIN_OWN, STRAIN_LUA } sandbox_strain; /* whose request it was */

enum { TICK = 1000 }; /* instructions between two looks at the clock */

enum { RESERVE = 256 * 1024 }; /* bytes for unwinding after the end */

static void on_tick(lua_State *L, lua_Debug *ar);

/* From now on every call and every instruction is a tick, those of later calls among them. A hook may be set at any
   moment; of other threads the one who calls them takes care. */
static void tighten(const sandbox *s) {
    if (s->main) lua_sethook(s->main, on_tick, LUA_MASKCOUNT | LUA_MASKCALL, 1);
}

/* ---- Memory ------------------------------------------------------------------------------- */

static uint64_t reserve(const sandbox *s) {
    if (atomic_load(&s->end) != END_NONE) return RESERVE;
    return atomic_load(&s->strained) != STRAIN_NONE ? RESERVE / 2 : 0;
}

static bool take(sandbox *s, uint64_t bytes) {
    uint64_t limit = atomic_load(&s->memory);
    if (limit != UINT64_MAX) limit += reserve(s);
    uint64_t before = atomic_fetch_add(&s->used, bytes);
    if (bytes <= limit && before <= limit - bytes) return true;
    atomic_fetch_sub(&s->used, bytes);
    return false;
}

static void give(sandbox *s, uint64_t bytes) { atomic_fetch_sub(&s->used, bytes); }

/* As take, for Lua, which asks again after collecting. */
static bool grant(sandbox *s, const void *block, size_t size, size_t more) {
    if (take(s, more)) {
        s->refused_size = 0;
        return true;
    }
    bool again = s->refused == block && s->refused_size == size;
    s->refused = block;
    s->refused_size = size;
    if (!again || size > atomic_load(&s->memory)) return false;
    if (atomic_exchange(&s->strained, STRAIN_LUA) != STRAIN_LUA && take(s, more)) return true;
    gpumm_lua__sandbox_end_now(s, END_MEMORY);
    tighten(s);
    return take(s, more);
}

/* Once to call the finalisers, once more for what they let go. Memory of gpumm's own may come back later still,
   behind the device's work: whether what of it is refused ends the script, who gets the status finds out. */
static void relieve(lua_State *L, sandbox *s) {
    lua_gc(L, LUA_GCCOLLECT);
    lua_gc(L, LUA_GCCOLLECT);
    bool ends = atomic_exchange(&s->strained, STRAIN_NONE) == STRAIN_LUA;
    if (ends && atomic_load(&s->used) > atomic_load(&s->memory)) gpumm_lua__sandbox_end_now(s, END_MEMORY);
}

static void *lua_memory(void *user, void *block, size_t old, size_t size) {
    sandbox *s = user;
    if (!block) old = 0; /* it says what kind of object it will be */
    if (size > old && !grant(s, block, size, size - old)) return NULL;
    void *fresh = s->from.reallocate(s->from.user, block, size);
    if (size == 0) {
        give(s, old);
        return NULL;
    }
    if (size < old) {
        give(s, old - size);
        return fresh ? fresh : block; /* Lua counts on it that shrinking works */
    }
    if (!fresh) give(s, size - old);
    return fresh;
}

lua_State *gpumm_lua__sandbox_new_state(sandbox *s) { return lua_newstate(lua_memory, s); }

sandbox *gpumm_lua__sandbox_peek(lua_State *L) {
    void *user;
    return lua_getallocf(L, &user) == lua_memory ? user : NULL;
}

/* ---- gpumm's own memory --------------------------------------------------------------------- */

/* Before each block stands its size. */
typedef union header {
    size_t size;
    max_align_t align;
} header;

static bool take_own(sandbox *s, uint64_t bytes) {
    int none = STRAIN_NONE;
    if (take(s, bytes)) return true;
    return atomic_compare_exchange_strong(&s->strained, &none, STRAIN_OWN) && take(s, bytes);
}

static void *own_free(sandbox *s, header *old) {
    if (!old) return NULL;
    give(s, old->size);
    s->from.reallocate(s->from.user, old, 0);
    gpumm_lua__sandbox_release(s);
    return NULL;
}

static void *own_memory(void *user, void *block, size_t size) {
    sandbox *s = user;
    header *old = block ? (header *)block - 1 : NULL;
    size_t before = old ? old->size : 0;
    if (size == 0) return own_free(s, old);
    if (size > PTRDIFF_MAX - sizeof(header)) return NULL;
    size += sizeof(header);
    if (size > before && !take_own(s, size - before)) {
        atomic_store(&s->own_refused, size - before);
        return NULL;
    }
    header *fresh = s->from.reallocate(s->from.user, old, size);
    if (!fresh) {
        if (size > before) give(s, size - before);
        return NULL;
    }
    if (size < before) give(s, before - size);
    if (!old) atomic_fetch_add(&s->holders, 1);
    fresh->size = size;
    return fresh + 1;
}

gpumm_allocator gpumm_lua__sandbox_allocator(sandbox *s) {
    return (gpumm_allocator){.reallocate = own_memory, .user = s};
}

gpumm_allocator gpumm_lua__own_allocator(lua_State *L) {
    sandbox *s = gpumm_lua__sandbox_at(L);
    return s ? gpumm_lua__sandbox_allocator(s) : gpumm__alloc_default;
}

/* ---- Ends --------------------------------------------------------------------------------- */

void gpumm_lua__sandbox_end_now(sandbox *s, sandbox_end end) {
    int none = END_NONE;
    atomic_compare_exchange_strong(&s->end, &none, (int)end);
}

const char *gpumm_lua__sandbox_end_text(const sandbox *s, char text[static 128]) {
    char size[32];
    switch (atomic_load(&s->end)) {
    case END_TIME: snprintf(text, 128, "the script ran longer than its limit, timeout %g seconds", s->seconds); break;
    case END_MEMORY:
        snprintf(text, 128, "the script used more Lua memory than its limit, lua-memory %s",
                 gpumm__size_text(atomic_load(&s->memory), size));
        break;
    case END_STOPPED: snprintf(text, 128, "the script was stopped by its application"); break;
    default: text[0] = '\0';
    }
    return text;
}

static bool has_ended(lua_State *L, sandbox *s) {
    if (atomic_load(&s->end) == END_NONE && atomic_load(&s->strained) != STRAIN_NONE) relieve(L, s);
    if (atomic_load(&s->end) == END_NONE && gpumm__clock_ns() >= s->deadline) gpumm_lua__sandbox_end_now(s, END_TIME);
    if (atomic_load(&s->end) == END_NONE) return false;
    tighten(s);
    return true;
}

/* The place is that of the script's function from `level` on. */
static void raise_end(lua_State *L, const sandbox *s, int level) {
    char text[128];
    gpumm_lua__push_place(L, level);
    lua_pushstring(L, gpumm_lua__sandbox_end_text(s, text));
    lua_concat(L, 2);
    lua_error(L);
}

void gpumm_lua__sandbox_tick(lua_State *L, sandbox *s) {
    if (has_ended(L, s)) raise_end(L, s, 1);
}

/* Would it be refused again, now that what nobody holds is gone? A request that alone is more than the limit is an error
   like others. */
static bool is_out_of_memory(lua_State *L, sandbox *s) {
    size_t wanted = atomic_exchange(&s->own_refused, 0);
    if (wanted == 0 || wanted > atomic_load(&s->memory)) return false;
    lua_gc(L, LUA_GCCOLLECT);
    lua_gc(L, LUA_GCCOLLECT);
    atomic_store(&s->strained, STRAIN_NONE);
    if (!take(s, wanted)) return true;
    give(s, wanted);
    return false;
}

void gpumm_lua__check_own_memory(lua_State *L) {
    sandbox *s = gpumm_lua__sandbox_at(L);
    if (s && is_out_of_memory(L, s)) gpumm_lua__out_of_own_memory(L);
}

void gpumm_lua__look_at_own_memory(lua_State *L) {
    sandbox *s = gpumm_lua__sandbox_at(L);
    if (!s || !is_out_of_memory(L, s)) return;
    gpumm_lua__sandbox_end_now(s, END_MEMORY);
    tighten(s);
}

void gpumm_lua__out_of_own_memory(lua_State *L) {
    sandbox *s = gpumm_lua__sandbox_at(L);
    if (!s) return;
    gpumm_lua__sandbox_end_now(s, END_MEMORY);
    gpumm_lua__sandbox_tick(L, s);
}

static void on_tick(lua_State *L, lua_Debug *ar) {
    sandbox *s = gpumm_lua__sandbox_at(L);
    (void)ar;
    if (!has_ended(L, s)) return;
    /* From now on every call and every instruction of what still unwinds is a tick. */
    lua_sethook(L, on_tick, LUA_MASKCOUNT | LUA_MASKCALL, 1);
    raise_end(L, s, 0);
}

void gpumm_lua__sandbox_watch(lua_State *L) {
    gpumm_lua__sandbox_at(L)->main = L;
    lua_sethook(L, on_tick, LUA_MASKCOUNT, TICK);
}
