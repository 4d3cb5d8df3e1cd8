/* SPDX-License-Identifier: MIT */
/* Tracebacks that show the user's lines. */
#ifndef BIND_LUA_TRACEBACK_H
#define BIND_LUA_TRACEBACK_H

#include <lua.h>

/* Pushes the message with the traceback of whoever runs, less the frames of gpumm's own files. [-0, +1, m] */
void gpumm_lua__traceback(lua_State *L, const char *message);
/* A message handler: text gets a traceback, and so does what has a __tostring; other values stay as they are. */
int gpumm_lua__traceback_handler(lua_State *L);

#endif
