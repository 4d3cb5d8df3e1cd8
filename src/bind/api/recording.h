/* SPDX-License-Identifier: MIT */
/* Recordings. */
#ifndef BIND_API_RECORDING_H
#define BIND_API_RECORDING_H

#include "bind/lua/class.h"
#include "gpumm.h"

extern const bind_class gpumm_lua__recording_class;
extern const luaL_Reg gpumm_lua__manager_recordings[]; /* methods of managers */

#endif
