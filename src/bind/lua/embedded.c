/* SPDX-License-Identifier: MIT */
/* Finding a file among those that the build embeds. */
#include "bind/lua/embedded.h"

#include <string.h>

#include "bind/lua/state.h"

static const gpumm_lua_file *find(const gpumm_lua_file *file, const char *path) {
    for (; file && file->path; file++)
        if (strcmp(file->path, path) == 0) return file;
    return NULL;
}

const gpumm_lua_file *gpumm_lua__file_named(lua_State *L, const char *path) {
    const bind_state *state = gpumm_lua__state_of(L);
    const gpumm_lua_file *file = find(gpumm_lua__files, path);
    for (unsigned i = 0; !file && i < state->module_count; i++) file = find(state->modules[i]->files, path);
    return file;
}
