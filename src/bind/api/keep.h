/* SPDX-License-Identifier: MIT */
/* What a manager's handle keeps alive: the handles of its groups, of named buffers where it matters whose they are, and
   the functions that schedule growth (schedule.h). */
#ifndef BIND_API_KEEP_H
#define BIND_API_KEEP_H

#include <lua.h>

/* Gives the manager's handle on top an empty table of what it keeps. [-0, +0, m] */
void gpumm_lua__keep_open(lua_State *L);
/* The manager of the handle on top keeps it, so that whoever forgets it and asks by the name finds it again, with what
   it may do. [-0, +0, m] */
void gpumm_lua__keep_handle(lua_State *L);
/* And no longer, for the handle at `index`, which stood for `object`. [-0, +0, -] */
void gpumm_lua__keep_no_longer(lua_State *L, int index, const void *object);
/* Pushes the table of schedules that the manager of the handle at `index` keeps: a named buffer's by its name, a
   group's by its address. [-0, +1, -] */
void gpumm_lua__push_schedules(lua_State *L, int index);

#endif
