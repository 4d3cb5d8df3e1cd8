/* SPDX-License-Identifier: MIT */
/* A trace: events of many threads, as lines of two files. One is what Perfetto and chrome://tracing open, the other the
   history of allocations. A thread of its own makes lines of what it was told, writes them, and asks its sources for
   what became known meanwhile. */
#ifndef BASE_TRACE_H
#define BASE_TRACE_H

#include "base/trace_file.h"
#include "base/trace_pending.h"

typedef enum trace_action { TRACE_ALLOCATE, TRACE_FAILURE, TRACE_FREE } trace_action;

/* Something that learns later what happened; `collect` is called by the trace's thread. */
typedef struct trace_source {
    struct trace_source *next;
    void (*collect)(struct trace_source *self);
} trace_source;

struct gpumm_trace {
    gpumm_allocator memory;
    atomic_uint references;
    atomic_bool open;
    bool detail; /* every operation of a stream is timed */
    uint64_t pid;
    trace_file events, history; /* zeroed: there is none */
    trace_pending pending;      /* of events */
    pthread_mutex_t formatting; /* one makes lines of what is pending; outside of the files' */
    uint64_t began;             /* times are from here */
    atomic_uint processes;      /* managers that were traced */
    pthread_t writer;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool stopping, nudged; /* under lock */
    pthread_mutex_t collecting;
    trace_source *sources; /* under collecting */
};

/* Is the file there, and is it written? */
static inline bool trace_events(const gpumm_trace *t) { return t->events.memory && atomic_load(&t->open); }
static inline bool trace_history(const gpumm_trace *t) { return t->history.memory && atomic_load(&t->open); }

void gpumm__trace_put(gpumm_trace *t, const trace_event *e);   /* soon */
void gpumm__trace_write(gpumm_trace *t, const trace_event *e); /* now, by a thread that has time */
void gpumm__trace_history(gpumm_trace *t, trace_action action, gpumm_address address, uint64_t bytes, bool patient);
/* A process of its own in the trace, for the tracks of a manager. */
uint64_t gpumm__trace_process(gpumm_trace *t, const char *name);
void gpumm__trace_name_thread(gpumm_trace *t, uint64_t process, uint64_t thread, const char *name);
uint64_t gpumm__trace_thread(uint64_t ordinal); /* of a track that is no thread of the system's */

void gpumm__trace_nudge(gpumm_trace *t); /* its thread looks after its sources soon */
void gpumm__trace_add(gpumm_trace *t, trace_source *source);
void gpumm__trace_remove(gpumm_trace *t, trace_source *source); /* it is not called any more */

#endif
