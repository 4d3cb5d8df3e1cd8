/* SPDX-License-Identifier: MIT */
/* Frames. */
#ifndef BIND_API_FRAME_H
#define BIND_API_FRAME_H

#include "bind/lua/class.h"
#include "gpumm.h"

extern const bind_class gpumm_lua__frame_class;

/* Where the top is a frame's new handle, gives it its readback, and what the table at `names` has of that: the members'
   names (member -> index), and at 0 how many frames are kept. [-0, +0, m] */
void gpumm_lua__frame_of(lua_State *L, int names, int readback);
/* How many handles of kept frames of it this state has, garbage among them. [-0, +0, -] */
int gpumm_lua__frames_kept(lua_State *L, const gpumm_readback *readback);

#endif
