/* SPDX-License-Identifier: MIT */
/* Text files that are written in Lua, whole or not at all. */
#ifndef MODULES_LAYOUT_OUTPUT_H
#define MODULES_LAYOUT_OUTPUT_H

#include <lua.h>

/* Adds `output` to the table on top: output(path) gives a "gpumm_layout.output", or nil, message, code. Methods:
     o:write(…)   texts as they are; numbers so that they are read back as they were, whatever the locale
     o:xml(text)  with <, >, &, " and what XML cannot hold escaped or left out
     o:csv(text)  in quotes where it needs some; raises where it has a zero byte
     o:commit()   true, or nil, message, code; what is not committed is gone in the end
   as_xml(text) is the text that comes back of what o:xml(text) writes; nil: the same. */
void gpumm_layout__open_output(lua_State *L);

#endif
