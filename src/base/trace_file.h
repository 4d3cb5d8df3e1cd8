/* SPDX-License-Identifier: MIT */
/* A file that many threads put lines into and that is whole at any time: behind what is written stands its ending, which
   the next lines overwrite. Lines gather in memory of a fixed size, of which one half is filled while the other is
   written. */
#ifndef BASE_TRACE_FILE_H
#define BASE_TRACE_FILE_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/alloc.h"

enum { TRACE_ENDING = 128 };

typedef struct trace_file {
    const gpumm_allocator *memory; /* outlives the file */
    char *path;
    int fd;
    bool regular;        /* else the ending is written once, at the end */
    pthread_mutex_t io;  /* one writes at a time; the five below */
    char *back;          /* what is written now */
    uint64_t offset;     /* where the next lines go */
    gpumm_status status; /* the first failure: from then on nothing is written */
    char message[512];
    bool ended;
    pthread_mutex_t lock; /* the rest; within `io` */
    char *front;
    size_t used, capacity;
    uint64_t lost; /* lines that found no room */
    void (*ending)(uint64_t lost, char text[static TRACE_ENDING]);
} trace_file;

/* `capacity` bytes of lines at a time. IO says why the path cannot be written. */
gpumm_status gpumm__trace_file_open(trace_file *f, const gpumm_allocator *memory, const char *path, size_t capacity,
                                    void (*ending)(uint64_t lost, char text[static TRACE_ENDING]));
/* Who is patient writes where there is no room; else the line is lost, and counted. True: it is time to flush. */
bool gpumm__trace_file_put(trace_file *f, const char *line, size_t bytes, bool patient);
void gpumm__trace_file_lose(trace_file *f); /* one line that could not even be made */
void gpumm__trace_file_flush(trace_file *f);
/* Writes what is there and ends the file. What failed first; may be called again. */
gpumm_status gpumm__trace_file_end(trace_file *f);
bool gpumm__trace_file_is(const trace_file *a, const trace_file *b); /* one file, by whatever names */
void gpumm__trace_file_close(trace_file *f);                         /* ended or not; of a zeroed one nothing */

#endif
