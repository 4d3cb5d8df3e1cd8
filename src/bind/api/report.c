/* SPDX-License-Identifier: MIT */
/*
 * The books in Lua.
 *
 *   m:stats()        the ancestor's six, the totals, and one {now, peak, count, total} a category
 *   m:blocks()       every live block, largest first: {name, tag, category, bytes, committed_bytes, address}
 *   m:leaks()        named buffers alive that nobody freed: the same records
 *   m:check_leaks()  their names ({}: none), and a text that says more of them, or nil
 */
#include "bind/api/report.h"

#include <stdio.h>

#include "base/limits.h"
#include "base/size.h"
#include "bind/api/manager.h"
#include "bind/lua/arguments.h"
#include "bind/lua/caller.h"

/* ---- Statistics --------------------------------------------------------------------------- */

static void put(lua_State *L, const char *key, uint64_t count) {
    gpumm_lua__push_count(L, count);
    lua_setfield(L, -2, key);
}

static void put_entry(lua_State *L, const char *key, const gpumm_entry *entry) {
    lua_createtable(L, 0, 4);
    put(L, "now", entry->now_bytes);
    put(L, "peak", entry->peak_bytes);
    put(L, "count", entry->count);
    put(L, "total", entry->total);
    lua_setfield(L, -2, key);
}

/* By the devices' numbers; none where there is no striped memory. */
static void put_striped(lua_State *L, const uint64_t *bytes) {
    bool any = false;
    lua_newtable(L);
    for (int i = 0; i < GPUMM_DEVICES_MAX; i++) {
        if (!bytes[i]) continue;
        any = true;
        gpumm_lua__push_count(L, bytes[i]);
        lua_rawseti(L, -2, i);
    }
    if (any) lua_setfield(L, -2, "striped_bytes");
    else lua_pop(L, 1);
}

static int manager_stats(lua_State *L) {
    gpumm_stats s;
    gpumm_manager_get_stats(gpumm_lua__to_manager(L, 1), &s);
    lua_createtable(L, 0, 14 + GPUMM_CATEGORY_COUNT);
    put(L, "total_allocated_bytes", s.total_allocated_bytes);
    put(L, "peak_allocated_bytes", s.peak_allocated_bytes);
    put(L, "buffer_count", s.buffer_count);
    put(L, "allocation_count", s.allocation_count);
    put(L, "resize_count", s.resize_count);
    put(L, "async_transfer_count", s.async_transfer_count);
    if (s.limit_bytes != UINT64_MAX) put(L, "limit_bytes", s.limit_bytes);
    put(L, "used_bytes", s.used_bytes);
    put(L, "peak_used_bytes", s.peak_used_bytes);
    put(L, "committed_bytes", s.committed_bytes);
    put(L, "peak_committed_bytes", s.peak_committed_bytes);
    put(L, "dropped_frames", s.dropped_frames);
    put(L, "gate_waits", s.gate_waits);
    put_striped(L, s.striped_bytes);
    for (int i = 0; i < GPUMM_CATEGORY_COUNT; i++) put_entry(L, gpumm_category_name((gpumm_category)i), &s.entry[i]);
    return 1;
}

/* ---- Blocks ------------------------------------------------------------------------------- */

typedef struct record {
    char name[NAME_BYTES + 1], tag[BIND_TAG];
    gpumm_block block;
} record;

/* Core calls back in the midst of its own work, where nothing may raise: so records are copied into room that
   was made before, and made anew where it was too small. */
typedef struct collector {
    record *records;
    size_t room, count;
} collector;

static void keep_block(void *user, const gpumm_block *block) {
    collector *c = user;
    if (c->count++ >= c->room) return;
    record *r = &c->records[c->count - 1];
    r->block = *block;
    snprintf(r->name, sizeof r->name, "%s", block->name);
    snprintf(r->tag, sizeof r->tag, "%s", block->tag);
}

static void push_record(lua_State *L, const record *r) {
    lua_createtable(L, 0, 6);
    lua_pushstring(L, r->name);
    lua_setfield(L, -2, "name");
    lua_pushstring(L, r->tag);
    lua_setfield(L, -2, "tag");
    lua_pushstring(L, gpumm_category_name(r->block.category));
    lua_setfield(L, -2, "category");
    put(L, "bytes", r->block.bytes);
    put(L, "committed_bytes", r->block.committed_bytes);
    lua_pushinteger(L, (lua_Integer)r->block.address);
    lua_setfield(L, -2, "address");
}

typedef size_t walk(gpumm_manager *manager, gpumm_block_fn each, void *user);

static int push_blocks(lua_State *L, walk *blocks) {
    gpumm_manager *manager = gpumm_lua__to_manager(L, 1);
    collector c = {.room = 16};
    for (;; c.room = c.count + 16) {
        c.count = 0;
        c.records = lua_newuserdatauv(L, c.room * sizeof *c.records, 0);
        blocks(manager, keep_block, &c);
        if (c.count <= c.room) break;
        lua_pop(L, 1);
    }
    lua_createtable(L, (int)size_min(c.count, INT32_MAX), 0);
    for (size_t i = 0; i < c.count; i++) {
        push_record(L, &c.records[i]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_remove(L, -2);
    return 1;
}

static int manager_blocks(lua_State *L) { return push_blocks(L, gpumm_manager_blocks); }
static int manager_leaks(lua_State *L) { return push_blocks(L, gpumm_manager_leaks); }

/* "'positions', 12000 bytes, made at layout.lua:3" from the record on top, which it pops. */
static void add_leak(lua_State *L, luaL_Buffer *text, int list, lua_Integer i) {
    lua_rawgeti(L, list, i);
    lua_getfield(L, -1, "name");
    lua_getfield(L, -2, "bytes");
    lua_getfield(L, -3, "tag");
    const char *tag = lua_tostring(L, -1);
    lua_pushfstring(L, "%s'%s', %I bytes%s%s", i > 1 ? "; " : "", lua_tostring(L, -3),
                    (LUAI_UACINT)lua_tointeger(L, -2), tag[0] ? ", made at " : "", tag);
    lua_replace(L, -5);
    lua_pop(L, 3);
    luaL_addvalue(text);
}

static void push_names(lua_State *L, int list, lua_Integer count) { /* [-0, +1, m] */
    lua_createtable(L, (int)count, 0);
    for (lua_Integer i = 1; i <= count; i++) {
        lua_rawgeti(L, list, i);
        lua_getfield(L, -1, "name");
        lua_rawseti(L, -3, i);
        lua_pop(L, 1);
    }
}

static int manager_check_leaks(lua_State *L) {
    push_blocks(L, gpumm_manager_leaks);
    int list = lua_gettop(L);
    lua_Integer count = (lua_Integer)lua_rawlen(L, list);
    push_names(L, list, count);
    if (count == 0) return 1;
    luaL_Buffer text;
    luaL_buffinit(L, &text);
    for (lua_Integer i = 1; i <= count; i++) add_leak(L, &text, list, i);
    luaL_pushresult(&text);
    return 2;
}

const luaL_Reg gpumm_lua__manager_report[] = {
    {"stats", manager_stats},
    {"leaks", manager_leaks},
    {"check_leaks", manager_check_leaks},
    {"blocks", manager_blocks},
    {NULL, NULL},
};
