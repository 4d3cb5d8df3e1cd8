/* SPDX-License-Identifier: MIT */
/* Where work is enqueued: the last, optional argument of every call that enqueues some. An options table {stream = s, …},
   or a stream, which stands for {stream = s}. */
#ifndef BIND_API_WHERE_H
#define BIND_API_WHERE_H

#include <lua.h>

#include "gpumm.h"

/* The `where` argument at `index`: nil, a stream, or a table of `valid` options (NULL: stream alone). */
gpumm_stream *gpumm_lua__where(lua_State *L, int index, const char *const *valid);
/* Is the value at `index` such an argument: a table or a stream? */
bool gpumm_lua__is_where(lua_State *L, int index);
gpumm_stream *gpumm_lua__option_stream(lua_State *L, int table); /* table["stream"]; NULL where absent */

/* [first [, count]] [, where] from slot `index` on, against `length` elements: what b:download and its kin
   take. */
typedef struct bind_range {
    uint64_t first, count; /* from 0 */
    bool counted;          /* was a count given? else it is the rest of the length */
    gpumm_stream *stream;
} bind_range;
void gpumm_lua__to_range(lua_State *L, int index, uint64_t length, bind_range *out);

gpumm_access gpumm_lua__access(lua_State *L, int index); /* "read" or "write" */

#endif
