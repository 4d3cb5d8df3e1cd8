/* SPDX-License-Identifier: MIT */
/* The files of lua/, as the build embeds them. */
#ifndef BIND_LUA_EMBEDDED_H
#define BIND_LUA_EMBEDDED_H

#include <stddef.h>

struct embedded_file {
    const char *path; /* "gpumm/graph.lua"; NULL ends the list */
    const char *text;
    size_t size;
};

extern const struct embedded_file gpumm_lua__embedded_files[]; /* written by the build */

/* The file of that path, "gpumm/graph.lua"; NULL where there is none. */
const struct embedded_file *gpumm_lua__embedded_file(const char *path);

#endif
