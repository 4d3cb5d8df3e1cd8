/* SPDX-License-Identifier: MIT */
/* What is kept per Lua state. */
#ifndef BIND_LUA_STATE_H
#define BIND_LUA_STATE_H

#include <lua.h>

#include "bind/lua/reference.h"
#include "gpumm.h"

struct bind_class;
struct bind_recorder;

/* For states of our own making: percent of what a collection left that the heap grows to before the next. What
   waits for its finaliser is left by one collection and gone by the next; at Lua's 200 such garbage, as handles
   and views are, is more with every cycle. */
enum { BIND_PAUSE = 150 };

enum { BIND_HANDLE_CLASSES = 20, BIND_MODULES = 8 };

typedef struct bind_state {
    gpumm_budget *budget; /* every manager's of this state; NULL once the state closes */
    char device[128];     /* overrides what scripts ask for; "" : nothing */
    gpumm_log_fn log;
    void *log_user;
    gpumm_trace *trace;      /* of managers that are opened from now on; a reference, or NULL */
    int collecting;          /* above 0: in a collection or a schedule, where the script's functions run */
    uint64_t collector_debt; /* bytes that the collector has not been told about */
    bind_reference_pool references;
    const struct bind_class *handle_classes[BIND_HANDLE_CLASSES]; /* those that are open */
    int metatables[BIND_HANDLE_CLASSES];                          /* theirs, in the registry */
    unsigned handle_class_count;
    const struct gpumm_lua_module *modules[BIND_MODULES]; /* on top of gpumm, that this state has opened */
    unsigned module_count;
    struct bind_recorder *recorder; /* where a manager's launches go; NULL: they are enqueued */
    /* Called while there is one before a method of a handle, which is in slot 1; but for a class' unheeded ones. */
    void (*before_method)(lua_State *L, const char *name);
    unsigned files;          /* that readers of this state have open */
    struct sandbox *sandbox; /* NULL: the state is not contained */
} bind_state;

/* The state's; made at the first call. [-0, +0, m] */
bind_state *gpumm_lua__state_of(lua_State *L);

/* This thread is within one more simulation, where all failures raise, or one fewer. [-0, +0, m] */
void gpumm_lua__within(lua_State *L, int by);
/* Is any thread that runs now, or waits for one that does? One that is suspended is not. [-0, +0, -] */
bool gpumm_lua__is_within(lua_State *L);

#endif
