/* SPDX-License-Identifier: MIT */
/*
 * Embedding gpumm in an application that owns a Lua state. C++ wraps the include in nothing: it is extern
 * "C".
 *
 * Sizes of structs are handed over as in gpumm.h: options begin with `size`, what is filled takes it. A lua_State that is
 * NULL is INVALID_ARGUMENT from functions that return a status; others return NULL, 0 or false, and do nothing. What is
 * pushed for an object that is NULL is nil.
 *
 * Functions that push, open or set may raise Lua's memory error, so call them protected; those that return a
 * status, and gpumm_lua_to_*, never raise. A state is used by one thread at a time, as everywhere in Lua;
 * several states on several threads may share one manager. Any coroutine of a state stands for it.
 */
#ifndef GPUMM_LUA_H
#define GPUMM_LUA_H

#include <lua.h>
#include <stdio.h>

#include "gpumm.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What `require "gpumm"` calls. Pushes the module; touches no global. Raises where another copy of gpumm (a
   gpumm.so beside libgpumm_lua) is open in the state: the objects of one are nothing to the other. */
GPUMM_API int luaopen_gpumm(lua_State *L);
/* The same for an application: pushes this state's one module table, which `require` then finds too; returns 1. */
GPUMM_API int gpumm_lua_open(lua_State *L);

/* A limit in logical bytes on all managers that scripts of this state open. UINT64_MAX: none. */
GPUMM_API void gpumm_lua_set_limit(lua_State *L, uint64_t bytes);
/* The budget behind that limit; borrowed from the state. */
GPUMM_API gpumm_budget *gpumm_lua_budget(lua_State *L);
/* The device that scripts of this state get, whatever they ask for: "host". NULL or "": what they ask for. Buffers on
   several devices (`devices`) raise then, but on the host device, which stands for any of them. */
GPUMM_API void gpumm_lua_set_device(lua_State *L, const char *device);
/* Where managers opened from now on log to. NULL: silent. From the start, warnings go to stderr as "gpumm:
   …". Called from any thread; it must outlive the managers, and never touch the state. */
GPUMM_API void gpumm_lua_set_log(lua_State *L, gpumm_log_fn log, void *user);

/* Managers opened from now on write what they do to it, and simulations their steps. Retained. NULL: nothing is traced. */
GPUMM_API void gpumm_lua_set_trace(lua_State *L, gpumm_trace *trace);

/* What a script may do with an object that the application pushes: use it, or end it too. */
typedef enum gpumm_lua_share { GPUMM_LUA_SHARE_BORROW, GPUMM_LUA_SHARE_OWN } gpumm_lua_share;

/* Push a handle with a reference of its own; one object has one handle in a state. What the application closes gives
   CLOSED (or STALE) in the script from then on. A borrowed buffer's free raises in Lua, and so does a borrowed
   manager's or readback's close; a borrowed buffer's close does nothing. A handle that is pushed again keeps what
   it may do; GPUMM_LUA_SHARE_OWN adds to it. A borrowed manager lends no lives: what has a name in it and was not made by
   scripts of this state is borrowed too, whoever asks for it. What they make there by name stays when the state
   closes; groups and what has no name go with it, unless the application holds on to them. */
GPUMM_API void gpumm_lua_push_manager(lua_State *L, gpumm_manager *manager, gpumm_lua_share share);
GPUMM_API void gpumm_lua_push_buffer(lua_State *L, gpumm_buffer *buffer, gpumm_lua_share share);
GPUMM_API void gpumm_lua_push_readback(lua_State *L, gpumm_readback *readback, gpumm_lua_share share);

/* The object of the handle at `index`, borrowed from it: retain what must outlive the handle. NULL for any
   other value and for closed handles. In a step that is recorded (recorded = true) what was recorded before is enqueued
   first, so that work on the object comes behind it. */
GPUMM_API gpumm_manager *gpumm_lua_to_manager(lua_State *L, int index);
GPUMM_API gpumm_buffer *gpumm_lua_to_buffer(lua_State *L, int index);
GPUMM_API gpumm_group *gpumm_lua_to_group(lua_State *L, int index);
GPUMM_API gpumm_readback *gpumm_lua_to_readback(lua_State *L, int index);
GPUMM_API gpumm_stream *gpumm_lua_to_stream(lua_State *L, int index);

/* The buffer that `path` names below the value at `index`: "positions" of a manager (a named buffer, whole path),
   "position" of a group, "nodes.position" of a simulation or any table; "": the value itself. One reference for
   the caller. NOT_FOUND, TYPE_MISMATCH (something else is there), CLOSED, INVALID_ARGUMENT (the script's own
   error on the way). Never raises. */
GPUMM_API gpumm_status gpumm_lua_find_buffer(lua_State *L, int index, const char *path, gpumm_buffer **out);

/* ---- Modules on top of gpumm --------------------------------------------------------------------------------- */

/* Pushes the gpumm table with the layouts in it (gpumm.graph, force, picture, page, image, inflate), and
   returns 1: for applications that link libgpumm_layout.a, or gpumm_layout.so as a library. Elsewhere a script's first
   use of one of these fields loads gpumm_layout.so through package.cpath; a contained state has no package library,
   so its application calls this before the script runs. The field live loads gpumm_live.so in the same way, whose
   luaopen_gpumm_live an application calls for a contained script that may be shown on a page. */
GPUMM_API int gpumm_lua_open_layout(lua_State *L);

/* A Lua file that travels inside a program. A list of them ends with a NULL path. */
typedef struct gpumm_lua_file {
    const char *path; /* "gpumm/graph.lua" is what gpumm.graph and require "gpumm.graph" load when first asked for */
    const char *text;
    size_t size;    /* of the text */
    void *reserved; /* NULL */
} gpumm_lua_file;

/* A module of its own whose Lua files and functions are fields of the gpumm table. Static: states keep the pointer. */
typedef struct gpumm_lua_module {
    const char *name;            /* "gpumm_layout" */
    const char *version;         /* GPUMM_VERSION */
    const gpumm_lua_file *files; /* NULL: none */
    /* Called once a state with the gpumm table: adds what is written in C. NULL: nothing. What has a dot in its name, as
       "layout.native", is then for Lua files that modules bring alone, which require "gpumm.layout.native". */
    lua_CFunction open;
} gpumm_lua_module;

/* What a module's luaopen calls: opens gpumm and adds the module to it, once a state. Pushes the gpumm table and
   returns 1. Raises where gpumm has another version than the module was built with. [-0, +1, e] */
GPUMM_API int gpumm_lua_open_module(lua_State *L, const gpumm_lua_module *module);

/* What a gpumm_status is in Lua: true; or nil, "STATUS: message", "STATUS"; misuse (INVALID_ARGUMENT, CLOSED, STALE)
   raises. Use: return gpumm_lua_result(L, status). */
GPUMM_API int gpumm_lua_result(lua_State *L, gpumm_status status);
/* Sets this thread's message, as gpumm's own calls do, and returns `status`. Never raises. */
GPUMM_API gpumm_status gpumm_lua_fail(gpumm_status status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Says a line to whoever reads the log of this state. Never raises. */
GPUMM_API void gpumm_lua_say(lua_State *L, gpumm_log_level level, const char *line);
/* Where a module takes memory that it uses during a call, from any thread: of a contained script it counts against
   its memory, and what does not fit is refused with NULL. Valid while the state is open. */
GPUMM_API gpumm_allocator gpumm_lua_allocator(lua_State *L);
/* To be called where that allocator refused, on the state's thread, while the module still has what it took and before
   it raises: it collects garbage, and where there is no room even then, a contained script has reached its limit and
   ends for good, whatever it catches. One request that alone is more than the limit is an error like others. Does
   nothing in a state that is not contained. Never raises. [-0, +0, -] */
GPUMM_API void gpumm_lua_memory_refused(lua_State *L);

typedef enum gpumm_lua_access { GPUMM_LUA_ACCESS_READ, GPUMM_LUA_ACCESS_WRITE } gpumm_lua_access;
/* The path at `index`, to be read or written; raises where it is no text, or where a contained script was not granted
   it. In a contained state the slot gets the path with its links resolved, which is the one to open. */
GPUMM_API const char *gpumm_lua_check_path(lua_State *L, int index, gpumm_lua_access access);

/* The elements of a view, one behind the other; valid while the value that gpumm_lua_to_view pushed is on the stack,
   those of a frame until Lua runs again. */
typedef struct gpumm_lua_view {
    const gpumm_type *type; /* borrowed from the view */
    uint64_t count;
    const void *bytes;
    bool borrowed; /* they are a frame's, and may change */
} gpumm_lua_view;
/* Reads the view at `index`, and pushes what keeps its bytes alive. False, and nothing pushed, for any other value.
   Raises STALE. [-0, +(0|1), e] */
GPUMM_API bool gpumm_lua_to_view_sized(lua_State *L, int index, gpumm_lua_view *out, size_t size);
static inline bool gpumm_lua_to_view(lua_State *L, int index, gpumm_lua_view *out) {
    return gpumm_lua_to_view_sized(L, index, out, sizeof *out);
}
/* Pushes a view of `count` zeroed elements of the type of that name, with memory of its own; returns it, to be filled
   in. [-0, +1, e] */
GPUMM_API void *gpumm_lua_push_view(lua_State *L, const char *type, uint64_t count);
/* Pushes a read-only view of `count` elements that lie at `bytes`, which the value at `anchor` keeps alive and which
   does not change any more. [-0, +1, e] */
GPUMM_API void gpumm_lua_push_window(lua_State *L, const char *type, uint64_t count, const void *bytes, int anchor);

/* A file, whole or not at all: what is written lies beside its place until it is complete. A place that is no regular
   file (a pipe, a device) is written directly. Between open and its end nothing may raise. */
typedef struct gpumm_lua_output gpumm_lua_output;
/* Could it be written now? IO says why not; what is there stays as it is. */
GPUMM_API gpumm_status gpumm_lua_output_probe(const char *path);
GPUMM_API gpumm_status gpumm_lua_output_open(const char *path, gpumm_lua_output **out); /* IO, OUT_OF_MEMORY */
GPUMM_API FILE *gpumm_lua_output_stream(gpumm_lua_output *output);                      /* borrowed, and not closed */
GPUMM_API gpumm_status gpumm_lua_output_commit(gpumm_lua_output *output); /* ends it; IO, and nothing is left behind */
GPUMM_API void gpumm_lua_output_abandon(gpumm_lua_output *output);        /* ends it; nothing is left behind */

/* ---- Containing scripts ----------------------------------------------------------------------------------- */

/* What a contained script may do beyond computing and using gpumm within limits. All zero: nothing, and no
   limits. Lists end with NULL, or are NULL. */
typedef struct gpumm_lua_sandbox {
    size_t size;              /* sizeof(gpumm_lua_sandbox); 0: that of 0.2 */
    const char *const *read;  /* folders (or files) that it may read, links in paths resolved; NULL: none */
    const char *const *write; /* folders that it may write files in; links are never written through; NULL: none */
    const char *const *environment; /* variables that gpumm.environment(name) tells; NULL: none */
    bool kernels;                   /* m:kernel, and picture.write: a kernel is native code, so this is trust */
    uint64_t limit;                 /* device bytes (logical, as in gpumm.h) of all its managers together; 0: none */
    uint64_t lua_memory_bytes;      /* Lua's, and of gpumm's own for it; 0: none. It bounds its managers'
                                       buffers, each of which holds up to a commit step (2 MiB, cuda) beyond `limit`;
                                       striped ones, which hold more, it cannot make */
    double timeout;                 /* seconds of wall time, from now; 0: none */
    gpumm_allocator allocator;      /* where that memory comes from; all zero: malloc's family */
} gpumm_lua_sandbox;

/* Opens a contained state: base functions that cannot reach out, string table math utf8 coroutine, and gpumm as
   a global; its require knows gpumm and its parts alone. There is no io os package debug dofile loadfile string.dump; load takes text only;
   setmetatable refuses __gc; collectgarbage only counts; buffers take no devices and no stripe; print writes to standard output. At most 16 managers
   and 64 streams are open at a time, and 16 files. NULL options: nothing granted, no limits. The application may push what else the
   script shall have; a function of the application's is the application's to make safe. In a manager that it lends, that one's
   limit and memory hold, not the script's.
     IO (a granted folder is not there), OUT_OF_MEMORY, INVALID_ARGUMENT. */
GPUMM_API gpumm_status gpumm_lua_sandbox_open(const gpumm_lua_sandbox *options, lua_State **out);
/* Instead of lua_close. */
GPUMM_API void gpumm_lua_sandbox_close(lua_State *L);

/* A limit that is reached ends the script for good: an error that says which limit comes out of the application's
   lua_pcall, whatever the script catches, and again from every later call. (Where Lua's memory runs out in one large
   request, the first error is Lua's own LUA_ERRMEM; what it was, gpumm_lua_sandbox_ended says.) The state is then good for closing;
   the application, its managers and other states go on.

   Limits are looked at every 1,000 instructions, also in coroutines, and wherever an error is caught. Memory is
   over its limit only where a whole collection has not helped; what gpumm keeps of buffers, readbacks, types and queued work
   is refused and ends the script as Lua's own does. A C function is not interrupted. Bounded for contained scripts are
   string.rep of nothing; table.move and concat over more than 2^24 elements; table.insert, remove and sort of lists with __len or more elements (sort:
   2^22). Not bounded, beyond what lua_memory_bytes allows their subjects to be:
     - string.find, match, gmatch and gsub: a pattern with k repetitions can take time with the power k of the
       subject's length, plain text with its square;
     - string.rep, format, pack, reverse, lower, upper, byte, concatenation, load, tonumber, utf8, table.unpack,
       gpumm.inflate: time with the length, and the collector with all that is alive;
     - print: as long as nobody reads standard output;
     - gpumm's own calls that copy or wait: time with the bytes, or as long as the device works.
   Where that is not enough, run the state on a thread that may be given up with its process, as gpumm-run
   --timeout does, which ends the process when such a call outlives the limit. */

/* A new limit of `seconds` from now (0: none), for applications that call a script again and again. By the state's thread; an
   end that was reached stays. */
GPUMM_API void gpumm_lua_sandbox_time(lua_State *L, double seconds);
/* Ends the script at its next look at the limits. From any thread and from signal handlers, while L is open. */
GPUMM_API void gpumm_lua_sandbox_stop(lua_State *L);
/* Has a limit ended it? Writes to `text` (NULL, or 128 bytes) which one: "… timeout 2 seconds". False, as 0 below, for
   a state that is not contained. */
GPUMM_API bool gpumm_lua_sandbox_ended(lua_State *L, char text[128]);
/* Bytes counted against lua_memory_bytes now. From any thread, while L is open. */
GPUMM_API uint64_t gpumm_lua_sandbox_memory(lua_State *L);

/* A script to run in a fresh state of its own. All zero beside `file` runs it as lua5.4 would. */
typedef struct gpumm_lua_script {
    size_t size;                  /* sizeof(gpumm_lua_script); 0: that of 0.2 */
    const char *file;             /* Lua text, never bytecode; required */
    const char *const *arguments; /* arg[1], arg[2], … and the script's own ...; NULL: none */
    size_t argument_count;
    /* Prepares the state, called with one argument, `user` as a light userdata: opens the libraries that the
       script shall have, pushes what is the application's and names it. NULL: every standard library. */
    lua_CFunction open;
    /* Called with `user` and what the script returned, before the state closes. NULL: a simulation is run. */
    lua_CFunction done;
    void *user;
    uint64_t limit;     /* as gpumm_lua_set_limit; 0: none */
    const char *device; /* as gpumm_lua_set_device; NULL: what the script asks for */
    gpumm_log_fn log;   /* as gpumm_lua_set_log; NULL: warnings go to stderr */
    void *log_user;
    lua_Alloc allocate; /* the state's memory; NULL: malloc's family */
    void *allocate_user;
    const gpumm_lua_sandbox *sandbox; /* NULL: not contained. Contained, `open` adds to what the script has, and
                                         `allocate` is the sandbox's own */
    gpumm_trace *trace;               /* as gpumm_lua_set_trace; NULL: none */
} gpumm_lua_script;

/* Runs it to its end. IO where the file cannot be read, OUT_OF_MEMORY where Lua has none, INVALID_ARGUMENT where
   the script does not compile or raised (a limit that ended it, too): the message is Lua's, with a traceback. The
   state is closed by then, and with it everything that the script made. Any thread; the threads' states do not know
   each other. */
GPUMM_API gpumm_status gpumm_lua_run_file(const gpumm_lua_script *script);

#ifdef __cplusplus
}
#endif
#endif
