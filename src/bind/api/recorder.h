/* SPDX-License-Identifier: MIT */
/* Where calls go while something is recorded: m:record's recording, or those of a simulation's step. Calls that can be
   recorded ask here; every other method of the manager's objects raises in a recording, and in a step has what was
   recorded so far enqueued before it runs. */
#ifndef BIND_API_RECORDER_H
#define BIND_API_RECORDER_H

#include "bind/lua/class.h"
#include "gpumm.h"

enum { RECORDED_VALUES = 32, RECORDED_NAME = 64 };

/* A value that replays give by name, as one type of parameter takes it: each has a name of its own in C. */
typedef struct bind_value {
    char name[RECORDED_NAME], full[RECORDED_NAME + 24];
    const char *kernel; /* NULL: a capture's step */
    const gpumm_parameter *parameter;
} bind_value;

typedef struct bind_values {
    size_t count;
    bind_value at[RECORDED_VALUES];
} bind_values;

/* r:scalar "step" and r:length(buffer): what a script passes in the place of a number. */
typedef struct bind_token {
    char name[RECORDED_NAME]; /* "" : it is a length */
    gpumm_buffer *buffer;     /* the token keeps its handle */
} bind_token;

typedef struct bind_recorder bind_recorder;

extern const bind_class gpumm_lua__recorder_class, gpumm_lua__token_class;

/* Within function(r): what is recorded on the manager in slot 1 goes to `recording`, whose list of readbacks is on top
   and gives its place to the recorder, which ends as a variable that is closed. [-1, +1, m] */
void gpumm_lua__recorder_open(lua_State *L, gpumm_recording *recording, bind_values *values);

/* The recording that a call of this manager's on this stream goes to; NULL: it is enqueued. Raises where it cannot be
   recorded. */
gpumm_recording *gpumm_lua__recording_for(lua_State *L, const bind_state *state, gpumm_manager *manager,
                                          gpumm_stream *stream);
/* The same for what cannot be recorded: in a step it is enqueued behind what was recorded; in a recording it raises. */
void gpumm_lua__not_recorded(lua_State *L, gpumm_manager *manager, const char *what);

/* Somebody in C gets an object and may enqueue work: in a step that comes behind what was recorded. A failure is raised
   by the next call that is recorded, or at the step's end. [-0, +0, -] */
void gpumm_lua__recorder_before_others(lua_State *L);

/* recording_for of a capture: a step's are not recorded, but by the simulation. */
gpumm_recording *gpumm_lua__recorded_capture(lua_State *L, const bind_state *state, gpumm_manager *manager,
                                             gpumm_stream *stream);
/* The recording under way keeps the readback at `index`, of its next capture. [-0, +0, m] */
void gpumm_lua__recorded_readback(lua_State *L, int index);

/* The token at `index`; NULL for any other value. */
const bind_token *gpumm_lua__test_token(lua_State *L, int index);
/* The name in C of the value that the token stands for, as that parameter takes it (NULL: as a step). */
const char *gpumm_lua__token_name(lua_State *L, const bind_token *token, const char *kernel,
                                  const gpumm_parameter *parameter);

/* inside.recorder(manager): one for a simulation's steps. begin(); finish(step, readback, …): a ticket or false each. */
int gpumm_lua__recorder_new(lua_State *L);

#endif
