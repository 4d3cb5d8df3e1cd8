/* SPDX-License-Identifier: MIT */
/* A text file in memory: mapped, or inflated where it is gzip'd, or made UTF-8 where it is UTF-16. A userdata in Lua,
   "gpumm.source", which readers take their text from. */
#ifndef MODULES_LAYOUT_SOURCE_H
#define MODULES_LAYOUT_SOURCE_H

#include "modules/layout/work.h"

typedef struct source {
    const char *bytes; /* the text, without a byte order mark; NULL: closed */
    size_t size;
    void *mapped; /* NULL: nothing is */
    size_t mapped_size;
    char *owned; /* from `memory` */
    gpumm_allocator memory;
} source;

/* The source at `index`; raises for any other value and for closed ones. */
const source *gpumm_layout__source_at(lua_State *L, int index);
/* Adds `open` to the table on top: open(path, most) gives a source, or nil, message, code. `most` bounds what a gzip'd
   file may swell to. Methods: source:sub(i, j), source:find_zero(), source:share(at, k, of,
   newline), source:close(), #source. */
void gpumm_layout__open_source(lua_State *L);

#endif
