/* SPDX-License-Identifier: MIT */
/*
 * gpumm_layout: graphs from files, force-directed layouts, pictures and pages. What reads better in Lua lies in
 * lua/gpumm and travels inside; what needs libpng, zlib or speed is C beside this file.
 */
#include <lauxlib.h>
#include <lua.h>
#include <stdbool.h>
#include <string.h>

#include "gpumm_lua.h"
#include "modules/layout/adjacency.h"
#include "modules/layout/apart.h"
#include "modules/layout/batches.h"
#include "modules/layout/builder.h"
#include "modules/layout/cells.h"
#include "modules/layout/columns.h"
#include "modules/layout/communities.h"
#include "modules/layout/eigen.h"
#include "modules/layout/embedded.h"
#include "modules/layout/encode.h"
#include "modules/layout/image.h"
#include "modules/layout/inflate.h"
#include "modules/layout/members.h"
#include "modules/layout/merge.h"
#include "modules/layout/metis.h"
#include "modules/layout/output.h"
#include "modules/layout/packing.h"
#include "modules/layout/part.h"
#include "modules/layout/pen.h"
#include "modules/layout/placing.h"
#include "modules/layout/records.h"
#include "modules/layout/records_gml.h"
#include "modules/layout/records_xml.h"
#include "modules/layout/rows.h"
#include "modules/layout/source.h"
#include "modules/layout/texts.h"
#include "modules/layout/untangle.h"
#include "modules/layout/xml.h"

/* say(line [, "warning"]) */
static int native_say(lua_State *L) {
    gpumm_lua_say(L, lua_isnoneornil(L, 2) ? GPUMM_LOG_INFO : GPUMM_LOG_WARNING, luaL_checkstring(L, 1));
    return 0;
}

/* What the Lua files beside this one are made of: require "gpumm.layout.native" among them. */
static void open_native(lua_State *L) {
    lua_newtable(L);
    gpumm_layout__open_source(L);
    gpumm_layout__open_texts(L);
    gpumm_layout__open_rows(L);
    gpumm_layout__open_columns(L);
    gpumm_layout__open_merge(L);
    gpumm_layout__open_builder(L);
    gpumm_layout__open_cells(L);
    gpumm_layout__open_records(L);
    gpumm_layout__open_records_gml(L);
    gpumm_layout__open_records_xml(L);
    gpumm_layout__open_adjacency(L);
    gpumm_layout__open_communities(L);
    gpumm_layout__open_batches(L);
    gpumm_layout__open_metis(L);
    gpumm_layout__open_part(L);
    gpumm_layout__open_xml(L);
    gpumm_layout__open_output(L);
    gpumm_layout__open_members(L);
    gpumm_layout__open_packing(L);
    gpumm_layout__open_placing(L);
    gpumm_layout__open_eigen(L);
    gpumm_layout__open_untangle(L);
    gpumm_layout__open_apart(L);
    gpumm_layout__open_pen(L);
    gpumm_layout__open_encode(L);
    lua_pushcfunction(L, native_say);
    lua_setfield(L, -2, "say");
    lua_setfield(L, 1, "layout.native");
}

static int open_functions(lua_State *L) {
    lua_pushcfunction(L, gpumm_layout__inflate);
    lua_setfield(L, 1, "inflate");
    gpumm_layout__open_image(L);
    open_native(L);
    return 0;
}

int gpumm_lua_open_layout(lua_State *L) {
    static const gpumm_lua_module module = {
        .name = "gpumm_layout", .version = GPUMM_VERSION, .files = gpumm_layout__files, .open = open_functions};
    return gpumm_lua_open_module(L, &module);
}

GPUMM_API int luaopen_gpumm_layout(lua_State *L);
int luaopen_gpumm_layout(lua_State *L) { /* for require "gpumm_layout", and for "gpumm.layout" where all is one file */
    const char *name = lua_tostring(L, 1);
    bool part = name && strcmp(name, "gpumm.layout") == 0;
    gpumm_lua_open_layout(L);
    if (part) lua_getfield(L, -1, "layout");
    return 1;
}
