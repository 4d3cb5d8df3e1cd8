/* SPDX-License-Identifier: MIT */
/* Which of the script's coroutines runs now: a hook stops only the thread that it is set in. */
#ifndef RUN_RUNNING_H
#define RUN_RUNNING_H

#include <lua.h>

/* Begins with the state's own thread; from now on coroutine.resume and coroutine.wrap say who runs. [-0, +0, m] */
void gpumm__running_watch(lua_State *L);
/* The hook is called in the thread that runs at its next instruction, and in those that resumed it as soon as they go on.
   From signal handlers too. NULL: nobody is stopped any more. */
void gpumm__running_stop(lua_Hook hook);

#endif
