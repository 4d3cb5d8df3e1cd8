/* SPDX-License-Identifier: MIT */
/* The books of a manager in Lua. */
#ifndef BIND_API_REPORT_H
#define BIND_API_REPORT_H

#include <lauxlib.h>

extern const luaL_Reg gpumm_lua__manager_report[]; /* methods of managers: stats, leaks, check_leaks, blocks */

#endif
