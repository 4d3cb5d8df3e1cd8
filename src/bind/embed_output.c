/* SPDX-License-Identifier: MIT */
/* Files of modules on top of gpumm, written whole or not at all. */
#include <stdio.h>
#include <stdlib.h>

#include "base/status.h"
#include "bind/io/file.h"
#include "gpumm_lua.h"

struct gpumm_lua_output {
    file_writer writer;
    char path[PATH_MAX];
};

gpumm_status gpumm_lua_output_probe(const char *path) {
    NOT_NULL(path, "path");
    return gpumm_lua__file_probe(path);
}

gpumm_status gpumm_lua_output_open(const char *path, gpumm_lua_output **out) {
    NOT_NULL(path, "path");
    NOT_NULL(out, "out");
    gpumm_lua_output *o = malloc(sizeof *o);
    if (!o) return fail_host_memory(sizeof *o);
    int length = snprintf(o->path, sizeof o->path, "%s", path);
    gpumm_status status = (size_t)length < sizeof o->path ? gpumm_lua__file_create(&o->writer, o->path)
                                                          : fail(GPUMM_IO, "%.60s…: the path is too long", path);
    if (status == GPUMM_OK) *out = o;
    else free(o);
    return status;
}

FILE *gpumm_lua_output_stream(gpumm_lua_output *output) { return output ? output->writer.stream : NULL; }

gpumm_status gpumm_lua_output_commit(gpumm_lua_output *output) {
    NOT_NULL(output, "output");
    gpumm_status status = gpumm_lua__file_commit(&output->writer);
    free(output);
    return status;
}

void gpumm_lua_output_abandon(gpumm_lua_output *output) {
    if (!output) return;
    gpumm_lua__file_abandon(&output->writer);
    free(output);
}
