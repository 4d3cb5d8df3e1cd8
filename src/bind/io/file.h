/* SPDX-License-Identifier: MIT */
/* Files, whole or not at all: what is written lies beside its place under another name until it is complete.
   What is there and not a regular file (a pipe, a device) is written directly. */
#ifndef BIND_IO_FILE_H
#define BIND_IO_FILE_H

#include <limits.h>
#include <lua.h>
#include <stdio.h>

#include "bind/lua/reference.h"
#include "gpumm.h"

typedef struct file_writer {
    FILE *stream;
    const char *path;    /* borrowed */
    char temp[PATH_MAX]; /* "" where written directly */
} file_writer;

/* Could it be created now? Leaves what is there as it is. */
gpumm_status gpumm_lua__file_probe(const char *path);
/* Between create and its end (commit or abandon) nothing may raise. */
gpumm_status gpumm_lua__file_create(file_writer *w, const char *path);
gpumm_status gpumm_lua__file_write(file_writer *w, const void *bytes, size_t size);
gpumm_status gpumm_lua__file_commit(file_writer *w); /* ends it; on failure nothing is left behind */
void gpumm_lua__file_abandon(file_writer *w);        /* ends it; nothing is left behind */

/* An open file that the collector closes, should something raise while it is read. */
typedef struct file_reader {
    FILE *stream;
    uint64_t size;             /* bytes in all */
    bind_reference *reference; /* holds the stream */
} file_reader;

/* Regular files only. NULL: it failed, the status is in *status, nothing pushed. [-0, +(0|1), m] */
file_reader *gpumm_lua__file_push_reader(lua_State *L, const char *path, gpumm_status *status);
gpumm_status gpumm_lua__file_read(file_reader *r, const char *path, void *bytes, size_t size); /* exactly */
void gpumm_lua__file_close(file_reader *r);

#endif
