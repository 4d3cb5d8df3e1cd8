/* SPDX-License-Identifier: MIT */
/* gpumm-run: a Lua interpreter with gpumm inside. It behaves as `lua` does (arg, -, --, #! lines, exit codes,
   traceback, Ctrl-C) and loads Lua text only; a simulation that the script returns is run. Options, simulations,
   progress and statistics are in lua/gpumm/run.lua; this file has the process and its signals. With --sandbox, run.lua
   reads the command line first, and then runs again in a contained state (contained.c). */
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "bind/lua/state.h"
#include "bind/lua/traceback.h"
#include "contained.h"
#include "gpumm_lua.h"
#include "running.h"

/* What the signal handler reads and writes. */
static struct {
    volatile sig_atomic_t count;    /* how often Ctrl-C was pressed */
    volatile sig_atomic_t graceful; /* a simulation checks the count between its steps */
    bool contained;                 /* the sandbox has set a hook, which must stay */
    lua_State *L;
} interrupts;

static gpumm_trace *trace; /* of --trace; the script may end the process */

static void stop_hook(lua_State *L, lua_Debug *ar) {
    (void)ar;
    lua_sethook(L, NULL, 0, 0);
    luaL_error(L, "interrupted!");
}

/* The first Ctrl-C lets a simulation finish its step. Outside of a simulation, and with the second one, the script is
   stopped. The next one ends the process. */
static void on_interrupt(int signal_number) {
    (void)signal_number;
    interrupts.count = interrupts.count + 1;
    if (interrupts.graceful && interrupts.count == 1) return;
    signal(SIGINT, SIG_DFL); /* for a script in a C call that does not return */
    if (interrupts.contained) gpumm_lua_sandbox_stop(interrupts.L);
    else gpumm__running_stop(stop_hook);
}

static void catch_interrupts(lua_State *L) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_interrupt;
    action.sa_flags = SA_RESTART;
    interrupts.L = L;
    sigaction(SIGINT, &action, NULL);
}

/* ---- Functions for run.lua ---------------------------------------------------- */

static int run_interrupted(lua_State *L) {
    lua_pushboolean(L, interrupts.count > 0);
    return 1;
}

static int run_graceful(lua_State *L) {
    interrupts.graceful = lua_toboolean(L, 1);
    return 0;
}

/* terminal(): how many columns standard error has, 0: nobody knows; nil: it is no terminal, or one without escape
   sequences. */
static int run_terminal(lua_State *L) {
    struct winsize size = {0};
    const char *kind = getenv("TERM");
    if (!isatty(STDERR_FILENO) || (kind && strcmp(kind, "dumb") == 0)) return 0;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0) size.ws_col = 0;
    lua_pushinteger(L, size.ws_col);
    return 1;
}

/* input(): what standard input is: "terminal", "text" (a file, a pipe, a socket), or nil. */
static int run_input(lua_State *L) {
    struct stat about;
    bool known = fstat(STDIN_FILENO, &about) == 0;
    if (isatty(STDIN_FILENO)) lua_pushliteral(L, "terminal");
    else if (known && (S_ISREG(about.st_mode) || S_ISFIFO(about.st_mode) || S_ISSOCK(about.st_mode)))
        lua_pushliteral(L, "text");
    else lua_pushnil(L);
    return 1;
}

/* catch(yes): whether Ctrl-C stops the script from now on; otherwise it ends the process. */
static int run_catch(lua_State *L) {
    signal(SIGINT, SIG_DFL);
    interrupts.count = 0;
    interrupts.graceful = 0;
    gpumm__running_stop(NULL);
    if (lua_toboolean(L, 1)) catch_interrupts(interrupts.L);
    return 0;
}

/* stamp(path): what changes when the file does; nil: it is not there. */
static int run_stamp(lua_State *L) {
    struct stat about;
    if (stat(luaL_checkstring(L, 1), &about) != 0) return 0;
    lua_pushfstring(L, "%I.%I.%I.%I", (LUAI_UACINT)about.st_mtim.tv_sec, (LUAI_UACINT)about.st_mtim.tv_nsec,
                    (LUAI_UACINT)about.st_size, (LUAI_UACINT)about.st_ino);
    return 1;
}

/* sleep(seconds), up to one; Ctrl-C ends it. */
static int run_sleep(lua_State *L) {
    double seconds = luaL_checknumber(L, 1);
    struct timespec time = {.tv_nsec = (long)(seconds > 0 && seconds < 1 ? seconds * 1e9 : 999999999)};
    nanosleep(&time, NULL);
    return 0;
}

static int run_set_device(lua_State *L) {
    gpumm_lua_set_device(L, luaL_checkstring(L, 1));
    return 0;
}

static int run_set_limit(lua_State *L) {
    gpumm_lua_set_limit(L, (uint64_t)luaL_checkinteger(L, 1));
    return 0;
}

/* The chunk on top; where there is none, nil and why, which is on top. */
static int loaded(lua_State *L, int status) {
    if (status == LUA_OK) return 1;
    lua_pushnil(L);
    lua_insert(L, -2);
    return 2;
}

/* Loads a script, Lua text only; "-" or nil: from standard input. */
static int run_load(lua_State *L) {
    const char *path = luaL_optstring(L, 1, NULL);
    if (path && strcmp(path, "-") == 0) path = NULL;
    return loaded(L, luaL_loadfilex(L, path, "t"));
}

/* compile(text, name): the same of a text. */
static int run_compile(lua_State *L) {
    size_t length;
    const char *text = luaL_checklstring(L, 1, &length), *name = luaL_checkstring(L, 2);
    return loaded(L, luaL_loadbufferx(L, text, length, name, "t"));
}

/* Shows the library's log. An information line is not repeated: ten managers of one device show theirs once. */
static void show_line(void *user, gpumm_log_level level, const char *line) {
    char *last = user;
    if (level == GPUMM_LOG_INFO && strcmp(last, line) == 0) return;
    if (level == GPUMM_LOG_INFO) snprintf(last, 512, "%s", line);
    fprintf(stderr, "gpumm: %s\n", line);
}

static void show_warning(void *user, gpumm_log_level level, const char *line) {
    (void)user;
    if (level != GPUMM_LOG_INFO) fprintf(stderr, "gpumm: %s\n", line);
}

static int run_quiet(lua_State *L) {
    gpumm_lua_set_log(L, show_warning, NULL);
    return 0;
}

/* Stores the permissions and limits of --sandbox for the state in which the script will run. Upvalue 1: the contained
   struct. */
static int run_contain(lua_State *L) {
    gpumm__contained_read(L, lua_touserdata(L, lua_upvalueindex(1)));
    return 0;
}

/* Ends the trace; false, and says why, where it could not be written. */
static bool end_trace(void) {
    gpumm_trace *ending = trace;
    trace = NULL;
    bool good = !ending || gpumm_trace_close(ending) == GPUMM_OK;
    if (!good) fprintf(stderr, "gpumm-run: %s\n", gpumm_message());
    gpumm_trace_release(ending);
    return good;
}

static void end_trace_at_exit(void) { (void)end_trace(); }

/* The user has named these files, so a contained script needs no grant for them. */
static int run_trace(lua_State *L) {
    gpumm_trace_options options = {
        .path = luaL_optstring(L, 1, NULL), .history = luaL_optstring(L, 2, NULL), .detail = lua_toboolean(L, 3)};
    if (gpumm_trace_open(&options, &trace) != GPUMM_OK) {
        lua_pushstring(L, gpumm_message());
        return lua_error(L);
    }
    gpumm_lua_set_trace(L, trace);
    atexit(end_trace_at_exit);
    return 0;
}

static const luaL_Reg functions[] = {{"interrupted", run_interrupted},
                                     {"graceful", run_graceful},
                                     {"terminal", run_terminal},
                                     {"input", run_input},
                                     {"catch", run_catch},
                                     {"set_device", run_set_device},
                                     {"set_limit", run_set_limit},
                                     {"load", run_load},
                                     {"compile", run_compile},
                                     {"stamp", run_stamp},
                                     {"sleep", run_sleep},
                                     {"quiet", run_quiet},
                                     {"trace", run_trace},
                                     {NULL, NULL}};

/* ---- The process ---------------------------------------------------------------------------- */

static int on_error(lua_State *L) {
    const char *message = lua_tostring(L, 1);
    if (!message && luaL_callmeta(L, 1, "__tostring")) message = lua_tostring(L, -1);
    if (!message) message = lua_pushfstring(L, "(error object is a %s value)", luaL_typename(L, 1));
    gpumm_lua__traceback(L, message);
    return 1;
}

static void push_arguments(lua_State *L, int argc, char **argv) {
    lua_createtable(L, argc, 1);
    for (int i = 0; i < argc; i++) {
        lua_pushstring(L, argv[i]);
        lua_rawseti(L, -2, i);
    }
}

typedef struct process {
    int argc;
    char **argv;
    char last_line[512];
    contained sandbox;
    lua_State *L;
} process;

/* Modules of gpumm's own are looked for beside this program too, installed or just built, last of all places. */
static void look_beside(lua_State *L) {
    char path[4096];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path);
    const char *slash = length > 0 ? memrchr(path, '/', (size_t)length) : NULL;
    if (!slash) return;
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    lua_getfield(L, -1, "package");
    lua_getfield(L, -1, "cpath");
    lua_pushlstring(L, path, (size_t)(slash - path));
    lua_pushfstring(L, "%s;%s/../lib/lua/5.4/?.so;%s/?.so", lua_tostring(L, -2), lua_tostring(L, -1),
                    lua_tostring(L, -1));
    lua_setfield(L, -4, "cpath");
    lua_pop(L, 4);
}

static void open_everything(lua_State *L) {
    lua_gc(L, LUA_GCINC, BIND_PAUSE, 0, 0);
    luaL_openlibs(L);
    gpumm__running_watch(L);
    look_beside(L);
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
    lua_pushcfunction(L, luaopen_gpumm);
    lua_setfield(L, -2, "gpumm");
    lua_pop(L, 1);
}

/* Pushes the table of functions that run.lua gets. */
static void push_functions(lua_State *L, process *p) {
    luaL_newlib(L, functions);
    lua_pushlightuserdata(L, &p->sandbox);
    lua_pushcclosure(L, run_contain, 1);
    lua_setfield(L, -2, "contain");
    lua_pushboolean(L, interrupts.contained);
    lua_setfield(L, -2, "contained");
}

/* Pushes the module. It contains the layouts, for contained scripts too, which cannot load a module later. */
static void open_gpumm(lua_State *L) {
#ifdef GPUMM_HAVE_LAYOUT
    gpumm_lua_open_layout(L);
#else
    gpumm_lua_open(L);
#endif
}

/* Called by lua_pcall: calls gpumm.run(functions, arguments), whose result is the exit code. */
static int protected_main(lua_State *L) {
    process *p = lua_touserdata(L, 1);
    luaL_checkversion(L);
    if (!interrupts.contained) open_everything(L);
    open_gpumm(L);
    if (interrupts.contained && p->sandbox.open_live) p->sandbox.open_live(L);
    gpumm_lua_set_log(L, show_line, p->last_line);
    catch_interrupts(L);
    lua_getfield(L, -1, "run");
    push_functions(L, p);
    push_arguments(L, p->argc, p->argv);
    lua_call(L, 2, 1);
    return 1;
}

/* Shows the error, and the limit that was reached where the error does not name it. */
static int report(lua_State *L) {
    char limit[128] = "";
    const char *message = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "(an error that is not a string)";
    if (gpumm_lua_sandbox_ended(L, limit) && !strstr(message, limit)) fprintf(stderr, "gpumm-run: %s\n", limit);
    fprintf(stderr, "gpumm-run: %s\n", message);
    return interrupts.count ? 130 : EXIT_FAILURE;
}

static int run(process *p) {
    lua_State *L = p->L;
    lua_pushcfunction(L, on_error);
    lua_pushcfunction(L, protected_main);
    lua_pushlightuserdata(L, p);
    int code = lua_pcall(L, 1, 1, 1) == LUA_OK ? (int)lua_tointeger(L, -1) : report(L);
    signal(SIGINT, SIG_DFL);    /* the handler uses the state, which is closed next */
    gpumm_lua_sandbox_close(L); /* and its managers */
    return end_trace() || code != EXIT_SUCCESS ? code : EXIT_FAILURE;
}

static int complain(const char *message) {
    fprintf(stderr, "gpumm-run: %s\n", message);
    return EXIT_FAILURE;
}

/* Runs again, in a contained state. */
static int run_contained(process *p) {
    interrupts.contained = true;
    if (gpumm_lua_sandbox_open(&p->sandbox.options, &p->L) != GPUMM_OK) return complain(gpumm_message());
    if (gpumm__contained_watch(&p->sandbox) != GPUMM_OK) {
        gpumm_lua_sandbox_close(p->L);
        return complain(gpumm_message());
    }
    int code = run(p);
    gpumm__contained_unwatch(&p->sandbox);
    return code;
}

int main(int argc, char **argv) {
    process p = {.argc = argc, .argv = argv, .L = luaL_newstate()};
    if (!p.L) return complain("no memory for a Lua state");
    int code = run(&p);
    if (p.sandbox.wanted && code == EXIT_SUCCESS) code = run_contained(&p);
    gpumm__contained_free(&p.sandbox);
    return code;
}
