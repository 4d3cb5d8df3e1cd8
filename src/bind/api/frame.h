/* SPDX-License-Identifier: MIT */
/* Frames. */
#ifndef BIND_API_FRAME_H
#define BIND_API_FRAME_H

#include "bind/lua/class.h"
#include "gpumm.h"

extern const bind_class gpumm_lua__frame_class;

/* An empty handle for a frame of the readback at `index`, whose EXTRA is a table: the members' names (member -> index), and
   at 0 how many frames are kept. [-0, +1, m] */
bind_handle *gpumm_lua__new_frame(lua_State *L, int index, const gpumm_readback *readback);
/* How many handles of kept frames of it this state has, garbage among them. [-0, +0, -] */
int gpumm_lua__frames_kept(lua_State *L, const gpumm_readback *readback);

#endif
