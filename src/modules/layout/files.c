/* SPDX-License-Identifier: MIT */
/* A number in the registry. */
#include "modules/layout/files.h"

#include <lauxlib.h>

#include "gpumm_lua.h"

enum { FILES_MOST = 16 };

static const char count_key = 0; /* its address is the number's key */

static lua_Integer count(lua_State *L) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &count_key);
    lua_Integer files = lua_tointeger(L, -1);
    lua_pop(L, 1);
    return files;
}

static void change(lua_State *L, int by) {
    lua_pushinteger(L, count(L) + by);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &count_key); /* the key is there: this needs no memory */
}

/* Memory is counted in contained states alone. Those that are garbage are closed by the first collection that may call
   finalisers. */
void gpumm_layout__files_room(lua_State *L) {
    change(L, 0);
    if (count(L) < FILES_MOST || gpumm_lua_sandbox_memory(L) == 0) return;
    lua_gc(L, LUA_GCCOLLECT);
    lua_gc(L, LUA_GCCOLLECT);
    if (count(L) >= FILES_MOST) luaL_error(L, "a contained script has at most %d files open at a time", FILES_MOST);
}

void gpumm_layout__files_opened(lua_State *L) { change(L, 1); }

void gpumm_layout__files_closed(lua_State *L) { change(L, -1); }
