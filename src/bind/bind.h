/* SPDX-License-Identifier: MIT */
/*
 * What every part of the Lua face shares: sealed classes, handles with identity, the one way to turn a status
 * into Lua, option tables, tags, and what is kept per Lua state.
 *
 * Rules of this room
 *   - A userdata is made before the C call that fills it, so that a memory error of Lua's leaks nothing.
 *   - No memory that only C knows is held across a call that may raise.
 *   - Close functions only mark a handle closed (core frees the resource); the reference goes with the
 *     userdata, because a finaliser of the script's may run in the midst of our call. Scratch is the
 *     exception.
 *   - Every call that enqueues work ends with an optional argument `where`: an options table {stream = s, …},
 *     or a stream, which stands for {stream = s}.
 */
#ifndef BIND_BIND_H
#define BIND_BIND_H

#include <lauxlib.h>
#include <lua.h>

#include "base/size.h"
#include "base/status.h"
#include "gpumm.h"

/* ---- Failing ------------------------------------------------------------------------------ */

/* The one place that decides what a failed status is in Lua. Misuse (INVALID_ARGUMENT, CLOSED, STALE) raises
   "STATUS: message"; the world's failures return nil, "STATUS: message", "STATUS", or raise too where the
   manager of the object in stack slot 1 is in raising mode. Use: return gpumm_lua__fail(L, status). */
int gpumm_lua__fail(lua_State *L, gpumm_status status);
/* The same for calls where STALE is an outcome and no misuse (tickets). */
int gpumm_lua__fail_ticket(lua_State *L, gpumm_status status);
/* Raises whatever the status. */
int gpumm_lua__raise(lua_State *L, gpumm_status status);
/* true, or what gpumm_lua__fail returns. */
int gpumm_lua__result(lua_State *L, gpumm_status status);
/* After OUT_OF_MEMORY or OVER_LIMIT: collects this state's garbage and returns true, so that the call is
   tried once more. Objects of ours that finalisers close meanwhile stay valid in C. */
bool gpumm_lua__collects(lua_State *L, gpumm_status status);
/* A first try: garbage is given before the application's hook is asked for anything. */
#define BIND_TRY_FIRST(status, call) \
    do { \
        first_try(true); \
        (status) = (call); \
        first_try(false); \
    } while (0)
#define BIND_RETRY(L, status, call) \
    do { \
        BIND_TRY_FIRST(status, call); \
        if (gpumm_lua__collects((L), (status))) (status) = (call); \
    } while (0)

/* Pushes the message with the traceback of whoever runs, less the frames of gpumm's own files. [-0, +1, m] */
void gpumm_lua__traceback(lua_State *L, const char *message);

/* ---- Classes ------------------------------------------------------------------------------ */

typedef struct bind_class {
    const char *name;              /* "gpumm.buffer": its key in the registry, and __name */
    const luaL_Reg *methods;       /* object:method(…); may be NULL, as the next two */
    const luaL_Reg *properties;    /* object.property: called with the object in slot 1 */
    const luaL_Reg *meta;          /* metamethods, not __index; handles get their __gc by themselves */
    lua_CFunction missing;         /* object[key] where neither has the key: object in 1, key in 2; NULL: nil */
    void (*release)(void *object); /* for handles: gives the C reference back */
    bool fleeting;                 /* one userdata an object anyway: nobody looks it up by its object */
} bind_class;

/* Makes the sealed metatable: getmetatable gives the name, methods cannot be changed. [-0, +0, m] */
void gpumm_lua__class_open(lua_State *L, const bind_class *class);
/* The userdata at `index`, which is one of the class; raises as luaL_checkudata for any other value, and costs
   less: classes are told by a key of the metatable, not by their names. */
void *gpumm_lua__userdata(lua_State *L, int index, const bind_class *class);
/* NULL for any other value. */
void *gpumm_lua__test_userdata(lua_State *L, int index, const bind_class *class);
/* Is it a method or property? */
bool gpumm_lua__class_has(const bind_class *class, const char *name);

/* ---- Handles: userdata that stand for one C object ------------------------------------------ */

struct bind_state;

/* What C holds for a userdata: kept by the state, and released when it closes at the latest. */
typedef struct bind_reference {
    void (*release)(void *object);
    void *object;                /* NULL: nothing is held */
    struct bind_reference *next; /* among the spare ones */
} bind_reference;

bind_reference *gpumm_lua__reference_new(lua_State *L); /* an empty one [-0, +0, m] */
bind_reference *gpumm_lua__reference_take(lua_State *L,
                                          struct bind_state *state); /* where the state is at hand, as the next */
void gpumm_lua__reference_put(lua_State *L, struct bind_state *state, bind_reference *reference);
void gpumm_lua__reference_drop(bind_reference *reference);              /* releases what it holds */
void gpumm_lua__reference_end(lua_State *L, bind_reference *reference); /* and gives it up; NULL is fine [-0, +0, -] */
void gpumm_lua__reference_to_type(bind_reference *reference,
                                  const gpumm_type *type); /* the empty reference becomes one of this type */

enum { BIND_OWNER = 1, BIND_EXTRA = 2 }; /* user values: the manager; what the class likes */

typedef struct bind_handle {
    const bind_class *class;
    struct bind_state *state;  /* the Lua state's, which outlives it */
    bind_reference *reference; /* holds that reference; NULL: released */
    void *object;              /* one reference; NULL: never filled, or released */
    bool closed;               /* by the script */
    bool borrowed;             /* the application's: a script may use it, not free it */
    bool raising;              /* of managers: the world's failures raise */
    int kept;                  /* of frames: does it hold its slot? of readbacks: at least so many do */
    int patience;              /* of readbacks: captures refused until garbage is looked for again */
    int slots;                 /* of readbacks that this state made; 0: unknown */
} bind_handle;

/* An empty handle whose manager is the value in slot `owner` (0: none). [-0, +1, m] */
bind_handle *gpumm_lua__new(lua_State *L, const bind_class *class, int owner);
/* Gives the reference `object` to the empty handle on top; where this state has a handle of that object
   already, the reference is given back and that handle takes the top. [-1, +1, m] */
bind_handle *gpumm_lua__adopt(lua_State *L, bind_handle *handle, void *object);
/* The handle this state has of `object`, or false and nothing. [-0, +(0|1), -] */
bool gpumm_lua__find(lua_State *L, const bind_class *class, const void *object);
/* The handle at `index`; raises for any other value. Works on closed ones. */
bind_handle *gpumm_lua__handle_at(lua_State *L, int index, const bind_class *class);
/* NULL for any other value; works on closed ones too. */
bind_handle *gpumm_lua__test_handle(lua_State *L, int index, const bind_class *class);
/* Its object; raises CLOSED where it is closed. */
void *gpumm_lua__check(lua_State *L, int index, const bind_class *class);
/* Its object; NULL for any other value; raises CLOSED where it is closed. */
void *gpumm_lua__test(lua_State *L, int index, const bind_class *class);
/* Pushes the manager's userdata of the handle at `index`. [-0, +1, -] */
void gpumm_lua__push_owner(lua_State *L, int index);
/* The handle at `index` of whatever class; NULL for any other value. */
bind_handle *gpumm_lua__any_handle(lua_State *L, int index);
int gpumm_lua__to_text(lua_State *L); /* a __tostring for handles */

extern const bind_class gpumm_lua__manager_class, gpumm_lua__buffer_class, gpumm_lua__group_class,
    gpumm_lua__scratch_class, gpumm_lua__stream_class, gpumm_lua__event_class, gpumm_lua__readback_class,
    gpumm_lua__frame_class, gpumm_lua__kernel_class, gpumm_lua__fault_class;

gpumm_manager *gpumm_lua__to_manager(lua_State *L, int index);
gpumm_buffer *gpumm_lua__to_buffer(lua_State *L, int index);
gpumm_group *gpumm_lua__to_group(lua_State *L, int index);
gpumm_stream *gpumm_lua__to_stream(lua_State *L, int index);

/* ---- Arguments and options ------------------------------------------------------------------ */

/* A string without zero bytes; raises. */
const char *gpumm_lua__text(lua_State *L, int index);
/* The string at `index` where it can be a name; NULL for any other value, and where more follows behind a zero
   byte: what is compared as C compares must not pass for another. [-0, +0, -] */
const char *gpumm_lua__name(lua_State *L, int index);
/* Pushes the key at `index` as messages show it, a zero byte as "\\0"; what is neither text nor a number by its
   type. [-0, +1, m] */
const char *gpumm_lua__push_key(lua_State *L, int index);
/* A count of elements: an integer that is not negative; raises. */
uint64_t gpumm_lua__count(lua_State *L, int index);
/* A size in bytes: a number, or text as "4GiB"; raises. */
uint64_t gpumm_lua__size(lua_State *L, int index);
/* A position from 1, returned from 0; `otherwise` where it is absent. */
uint64_t gpumm_lua__first(lua_State *L, int index, uint64_t otherwise);
/* Seconds; -1 (no bound) where absent; raises for NaN and negative ones. */
double gpumm_lua__seconds(lua_State *L, int index);

/* Raises 'unknown option "limt" (did you mean "limit"?); valid: …' for a key that is not in `valid`, which
   NULL ends. Raw access: no metamethod of the table runs. Positional entries are refused unless `list`. */
void gpumm_lua__options(lua_State *L, int table, const char *const *valid, bool list);
/* table[key] raw: pushes it and returns true, or returns false and pushes nothing where it is nil. */
bool gpumm_lua__option(lua_State *L, int table, const char *key);
/* The rest read one option and pop it. A missing one leaves `otherwise`. A bad one raises and names its key.
   Text stays alive with the table. */
uint64_t gpumm_lua__option_count(lua_State *L, int table, const char *key, uint64_t otherwise);
uint64_t gpumm_lua__option_size(lua_State *L, int table, const char *key, uint64_t otherwise);
unsigned gpumm_lua__option_unsigned(lua_State *L, int table, const char *key, unsigned otherwise);
bool gpumm_lua__option_bool(lua_State *L, int table, const char *key, bool otherwise);
double gpumm_lua__option_number(lua_State *L, int table, const char *key, double otherwise);
const char *gpumm_lua__option_text(lua_State *L, int table, const char *key, const char *otherwise);
gpumm_stream *gpumm_lua__option_stream(lua_State *L, int table); /* "stream"; NULL where absent */
/* Raises 'unknown WHAT "key" (did you mean …?); valid: …'. */
int gpumm_lua__unknown(lua_State *L, const char *what, const char *key, const char *const *valid);
void gpumm_lua__push_list(lua_State *L, const char *const *words); /* "a, b, c"; [-0, +1, m] */
gpumm_access gpumm_lua__access(lua_State *L, int index);           /* "read" or "write" */
/* A fault plan from the table at `table`; its texts stay alive with it. */
void gpumm_lua__option_fault(lua_State *L, int table, gpumm_fault *plan);
/* A count as a Lua integer; what is past the largest is the largest. [-0, +1, -] */
void gpumm_lua__push_count(lua_State *L, uint64_t count);

/* The `where` argument at `index`: nil, a stream, or a table of `valid` options (NULL: stream alone). */
gpumm_stream *gpumm_lua__where(lua_State *L, int index, const char *const *valid);
/* Is the value at `index` such an argument: a table or a stream? */
bool gpumm_lua__is_where(lua_State *L, int index);

/* [first [, count]] [, where] from slot `index` on, against `length` elements: what b:download and its kin
   take. */
typedef struct bind_range {
    uint64_t first, count; /* from 0 */
    bool counted;          /* was a count given? else it is the rest of the length */
    gpumm_stream *stream;
} bind_range;
void gpumm_lua__to_range(lua_State *L, int index, uint64_t length, bind_range *out);

/* ---- Capabilities (permissions.c) ------------------------------------------------------------ */

typedef enum bind_permission { BIND_READ, BIND_WRITE, BIND_KERNEL, BIND_ENVIRONMENT, BIND_FAULT } bind_permission;
/* Raises where a contained script was not granted it; `name` is a variable's. */
void gpumm_lua__require_permission(lua_State *L, bind_permission what, const char *name);
/* The path at `index`, to be read or written: raises where that is not granted. In a contained state the slot
   gets the path with its links resolved, which is the one to open. */
const char *gpumm_lua__path(lua_State *L, int index, bind_permission what);
/* Raises where a contained script has `most` open objects of the class: each holds threads. */
void gpumm_lua__require_room(lua_State *L, const bind_class *class, int most);

/* ---- Growth ------------------------------------------------------------------------------- */

/* The growth that the value at `index` describes: nil, a table of gpumm.growth's, or a function. Returns
   whether it is a function: then `out` is EXACT, and gpumm_lua__grow_ahead asks it. A list is copied into a
   userdata that is pushed always (nil where there is none). [-0, +1, e] */
bool gpumm_lua__to_growth(lua_State *L, int index, gpumm_growth *out);
/* The same from table["growth"] and table["align"]. Pushes the function where it is one. [-0, +1, e] */
bool gpumm_lua__option_growth(lua_State *L, int table, gpumm_growth *out);
uint32_t gpumm_lua__factor_ppm(lua_State *L, double factor); /* raises below 1, over 4000 and for NaN */
/* Pushes the manager's table of what it keeps alive, by the handle at `object`: functions by the name of
   their buffer, groups by their address, and so named buffers where it matters whose they are. [-0, +1, -] */
void gpumm_lua__push_keeps(lua_State *L, int object);
/* The manager keeps the buffer's handle on top, so that whoever forgets it and asks by the name finds it again,
   with what it may do. [-0, +0, m] */
void gpumm_lua__keep_handle(lua_State *L);
/* Keeps the function at `function` (nil: none) for the buffer or group userdata at `object`. [-0, +0, m] */
void gpumm_lua__keep_schedule(lua_State *L, int object, int function);
/* Before a call that needs `required` elements of the buffer or group at `object`: where a function schedules
   its growth and it must grow, asks it and grows. A function's error propagates. */
gpumm_status gpumm_lua__grow_ahead(lua_State *L, int object, uint64_t required);

/* ---- Who asks ------------------------------------------------------------------------------- */

enum { BIND_TAG = 128 };
/* "layout.lua:12": the first caller that is a script of the user's; "" where there is none. */
const char *gpumm_lua__tag(lua_State *L, char text[static BIND_TAG]);
/* Pushes `path`, beside the first caller that was read from a file, where it is relative. [-0, +1, m] */
void gpumm_lua__push_beside(lua_State *L, const char *path);

/* ---- One a Lua state ------------------------------------------------------------------------ */

/* For states of our own making: percent of what a collection left that the heap grows to before the next. What
   waits for its finaliser is left by one collection and gone by the next; at Lua's 200 such garbage, as handles
   and views are, is more with every cycle. */
enum { BIND_PAUSE = 150 };

enum { BIND_MODULES = 8 };

typedef struct bind_state {
    gpumm_budget *budget; /* every manager's of this state; NULL once the state closes */
    char device[128];     /* overrides what scripts ask for; "" : nothing */
    gpumm_log_fn log;
    void *log_user;
    int collecting;                   /* in gpumm_lua__collects or a schedule */
    uint64_t collector_debt;          /* bytes the collector has not been told about */
    bool closed;                      /* the state is closing, and references are no longer kept */
    bind_reference *spare_references; /* to use again */
    unsigned spare_count;
    struct sandbox *sandbox;                              /* NULL: the state is not contained */
    const struct gpumm_lua_module *modules[BIND_MODULES]; /* on top of gpumm, that this state has opened */
    unsigned module_count;
} bind_state;

bind_state *gpumm_lua__state_of(lua_State *L);
void gpumm_lua__references_open(lua_State *L);  /* once a state [-0, +0, m] */
void gpumm_lua__references_close(lua_State *L); /* releases what finalisers did not [-0, +2, -] */
/* Tells the collector about memory of the handle's that it does not see. */
void gpumm_lua__collector_pressure(lua_State *L, const bind_handle *handle, uint64_t bytes);
void gpumm_lua__collector_relief(const bind_handle *handle, uint64_t bytes); /* some of it is given back already */

/* ---- What the parts give each other ----------------------------------------------------------- */

void gpumm_lua__push_buffer(lua_State *L, gpumm_buffer *buffer, int owner); /* retains */ /* [-0, +1, m] */
int gpumm_lua__manager_new(lua_State *L);                                                 /* gpumm.manager */
/* The handle of the application's manager, retained; where the state has one, that. [-0, +1, m] */
void gpumm_lua__push_manager(lua_State *L, gpumm_manager *manager, bool borrowed);
/* Methods of managers, by the part that makes what they return. */
int gpumm_lua__buffer_allocate(lua_State *L);
int gpumm_lua__buffer_anonymous(lua_State *L);
int gpumm_lua__buffer_get(lua_State *L);
int gpumm_lua__buffer_drop(lua_State *L);
int gpumm_lua__buffer_ensure(lua_State *L);
int gpumm_lua__group_new(lua_State *L);
int gpumm_lua__kernel_new(lua_State *L);
int gpumm_lua__stream_new(lua_State *L);
int gpumm_lua__stream_main(lua_State *L);
int gpumm_lua__scratch_new(lua_State *L);
int gpumm_lua__readback_new(lua_State *L);
int gpumm_lua__readback_start(lua_State *L);
int gpumm_lua__readback_finish(lua_State *L);
int gpumm_lua__fault_of(lua_State *L);
/* Raises 'unknown member "NAME" (did you mean …?); valid: …'. */
int gpumm_lua__no_member(lua_State *L, gpumm_group *group, const char *name);
int gpumm_lua__buffer_readback(lua_State *L);
int gpumm_lua__group_readback(lua_State *L);
/* Pushes the names that frames of it know: member -> index. [-0, +1, m] */
void gpumm_lua__readback_names(lua_State *L, gpumm_readback *readback);
/* Where the top is a frame's new handle, gives it the names (a table: member -> index) at `names`.
   [-0, +0, m] */
void gpumm_lua__frame_names(lua_State *L, int names);

/* gpumm.config. The module table is on top of the stack and stays there. */
void gpumm_lua__open_config(lua_State *L);

#endif
