/* SPDX-License-Identifier: MIT */
/* What shall go wrong, as a script describes it. */
#ifndef BIND_API_FAULT_PLAN_H
#define BIND_API_FAULT_PLAN_H

#include <lua.h>

#include "gpumm.h"

/* A fault plan from the table at `table`; its texts stay alive with it. */
void gpumm_lua__option_fault(lua_State *L, int table, gpumm_fault *plan);

#endif
