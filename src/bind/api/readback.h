/* SPDX-License-Identifier: MIT */
/* Readbacks. */
#ifndef BIND_API_READBACK_H
#define BIND_API_READBACK_H

#include "bind/lua/class.h"
#include "gpumm.h"

extern const bind_class gpumm_lua__readback_class;
extern const luaL_Reg gpumm_lua__manager_readbacks[]; /* methods of managers: readback, start_async_download, … */
extern const luaL_Reg gpumm_lua__buffer_readbacks[];  /* methods of buffers */
extern const luaL_Reg gpumm_lua__group_readbacks[];   /* methods of groups */
extern const luaL_Reg gpumm_lua__frame_readbacks[];   /* properties of frames */

/* Gives the readback's new handle on top the names that its frames know. [-0, +0, m] */
void gpumm_lua__readback_names(lua_State *L, gpumm_readback *readback);

/* Before a capture that would find every slot of the readback on top kept, by frames that are garbage. [-1, +0, m] */
void gpumm_lua__readback_room(lua_State *L);

#endif
