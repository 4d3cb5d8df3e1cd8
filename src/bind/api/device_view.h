/* SPDX-License-Identifier: MIT */
/* Members of frames on the device. */
#ifndef BIND_API_DEVICE_VIEW_H
#define BIND_API_DEVICE_VIEW_H

#include "bind/lua/class.h"
#include "gpumm.h"

extern const bind_class gpumm_lua__device_view_class;

/* The view of a frame's member, from 0. [-0, +1, m] */
void gpumm_lua__push_device_view(lua_State *L, gpumm_frame *frame, size_t index);

#endif
