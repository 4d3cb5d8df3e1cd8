/* SPDX-License-Identifier: MIT */
/* Finding a file among those that the build embeds. */
#include "bind/lua/embedded.h"

#include <string.h>

const struct embedded_file *gpumm_lua__embedded_file(const char *path) {
    for (const struct embedded_file *file = gpumm_lua__embedded_files; file->path; file++)
        if (strcmp(file->path, path) == 0) return file;
    return NULL;
}
