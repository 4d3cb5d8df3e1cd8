/* SPDX-License-Identifier: MIT */
/* How many files of this module are open: a contained script can hold them in coroutines, and neither descriptors nor
   mappings are memory that its limit counts. */
#ifndef MODULES_LAYOUT_FILES_H
#define MODULES_LAYOUT_FILES_H

#include <lua.h>

/* Before a file is opened: raises where a contained script has as many as it may. [-0, +0, e] */
void gpumm_layout__files_room(lua_State *L);
void gpumm_layout__files_opened(lua_State *L); /* [-0, +0, -] after that */
void gpumm_layout__files_closed(lua_State *L); /* [-0, +0, -] */

#endif
