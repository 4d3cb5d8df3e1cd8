/* SPDX-License-Identifier: MIT */
/* Records of GML: node [ key value … ], edge [ key value … ]. */
#ifndef MODULES_LAYOUT_RECORDS_GML_H
#define MODULES_LAYOUT_RECORDS_GML_H

#include <lua.h>

/* Adds `records_gml` to the table on top: records_gml(records, source, at) reads records from byte `at` on, and returns
   where the first is that is not usual. */
void gpumm_layout__open_records_gml(lua_State *L);

#endif
