/* SPDX-License-Identifier: MIT */
/*
 * An application that owns its loop, its manager and its Lua state, and lets a script (ring.lua) describe what is
 * laid out. For three hundred frames it runs a step, draws the newest snapshot into its own memory, and
 * now and then adds to the graph. The picture of the last frame goes to standard output as text.
 *
 *     cc application.c $(pkg-config --cflags --libs gpumm-lua lua5.4) -lm -o application && ./application
 */
#include <gpumm_lua.h>
#include <lauxlib.h>
#include <lualib.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FRAMES = 300, WIDTH = 64, HEIGHT = 24, START = 8 };
enum { SIMULATION = 1, ADD = 2 }; /* slots of the application's Lua stack */

typedef struct window {
    char cells[HEIGHT][WIDTH + 1];
    uint64_t drawn; /* pictures so far */
    uint64_t nodes; /* in the last of them */
    int64_t step;
} window;

typedef struct application {
    lua_State *L;
    gpumm_manager *manager;
    gpumm_readback *watch; /* the script's; borrowed while the simulation is open */
    window window;
    uint64_t nodes; /* that the graph has by now */
} application;

static _Noreturn void give_up(const char *what, const char *why) {
    fprintf(stderr, "application: %s: %s\n", what, why);
    exit(EXIT_FAILURE);
}

static void check(gpumm_status status, const char *what) {
    if (status != GPUMM_OK) give_up(what, gpumm_message());
}

static void call(lua_State *L, int arguments, int results, const char *what) {
    if (lua_pcall(L, arguments, results, 0) != LUA_OK) give_up(what, lua_tostring(L, -1));
}

/* ---- The script ---------------------------------------------------------------------------- */

/* Everything that may raise happens in here, protected. Leaves what the script returned. */
static int start_script(lua_State *L) {
    application *app = lua_touserdata(L, 1);
    lua_settop(L, 0);
    luaL_openlibs(L);
    gpumm_lua_open(L); /* require "gpumm" finds this one from now on */
    lua_pop(L, 1);
    if (luaL_loadfilex(L, "ring.lua", "t") != LUA_OK) lua_error(L);
    lua_pushinteger(L, START);
    lua_call(L, 1, 2);
    lua_getfield(L, SIMULATION, "open"); /* simulation:open { manager = ours } */
    lua_pushvalue(L, SIMULATION);
    lua_createtable(L, 0, 1);
    gpumm_lua_push_manager(L, app->manager, GPUMM_LUA_SHARE_BORROW);
    lua_setfield(L, -2, "manager");
    lua_call(L, 2, 0);
    lua_getfield(L, SIMULATION, "watch");
    app->watch = gpumm_lua_to_readback(L, -1); /* alive as long as the simulation is open */
    lua_pop(L, 1);
    return 2;
}

static void start(application *app) {
    app->nodes = START;
    app->L = luaL_newstate();
    if (!app->L) give_up("Lua", "no memory");
    lua_pushcfunction(app->L, start_script);
    lua_pushlightuserdata(app->L, app);
    call(app->L, 1, 2, "ring.lua");
    if (!app->watch) give_up("ring.lua", "it has no readback 'watch'");
}

static void advance(application *app) {
    lua_getfield(app->L, SIMULATION, "advance");
    lua_pushvalue(app->L, SIMULATION);
    call(app->L, 1, 0, "step");
}

/* What the simulation made in the manager goes with it; the manager is the application's. */
static void stop(application *app) {
    lua_getfield(app->L, SIMULATION, "close");
    lua_pushvalue(app->L, SIMULATION);
    call(app->L, 1, 0, "close");
    lua_close(app->L);
}

static int add_protected(lua_State *L) { /* (add, nodes that there are) */
    lua_Integer there = lua_tointeger(L, 2);
    lua_pushvalue(L, 1);
    lua_pushinteger(L, 1);
    lua_createtable(L, 1, 0);
    lua_createtable(L, 2, 0);
    lua_pushinteger(L, there % START); /* a new node hangs on one of the ring */
    lua_rawseti(L, -2, 1);
    lua_pushinteger(L, there);
    lua_rawseti(L, -2, 2);
    lua_rawseti(L, -2, 1);
    lua_call(L, 2, 0); /* add(1, {{ring, new}}) */
    return 0;
}

static void grow_graph(application *app) {
    lua_pushcfunction(app->L, add_protected);
    lua_pushvalue(app->L, ADD);
    lua_pushinteger(app->L, (lua_Integer)app->nodes++);
    call(app->L, 2, 0, "add");
}

/* ---- The picture --------------------------------------------------------------------------- */

static void clear(window *w) {
    for (int y = 0; y < HEIGHT; y++) {
        memset(w->cells[y], ' ', WIDTH);
        w->cells[y][WIDTH] = '\0';
    }
}

static void plot(window *w, const float *place, uint64_t count) { /* x, y, x, y, … */
    float reach = 1;
    for (uint64_t i = 0; i < 2 * count; i++) reach = fmaxf(reach, fabsf(place[i]));
    for (uint64_t i = 0; i < count; i++) {
        int x = (int)((place[2 * i] / reach + 1) / 2 * (WIDTH - 1));
        int y = (int)((place[2 * i + 1] / reach + 1) / 2 * (HEIGHT - 1));
        w->cells[y][x] = i < START ? 'O' : '*';
    }
}

/* The newest snapshot that has arrived, if there is one: never waits. */
static void draw(application *app) {
    gpumm_frame *frame;
    gpumm_frame_info info;
    const void *place;
    check(gpumm_readback_latest(app->watch, &frame), "latest");
    if (!frame) return;
    gpumm_frame_get_info(frame, &info);
    check(gpumm_frame_data(frame, 0, &place), "frame");
    clear(&app->window);
    plot(&app->window, place, info.length);
    app->window.drawn++;
    app->window.nodes = info.length;
    app->window.step = info.step;
    gpumm_frame_release(frame);
}

static int count_cells(const window *w) {
    int count = 0;
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++) count += w->cells[y][x] != ' ';
    return count;
}

/* ---- The application ----------------------------------------------------------------------- */

/* A buffer of the script's, by name, in the application's hands: its address is what a renderer would be given. */
static void show_buffer(application *app) {
    gpumm_buffer *place;
    gpumm_buffer_info info;
    check(gpumm_lua_find_buffer(app->L, SIMULATION, "nodes.place", &place), "nodes.place");
    check(gpumm_buffer_get_info(place, &info), "info");
    printf("nodes.place: %llu of %llu elements of %s at 0x%llx\n", (unsigned long long)info.length,
           (unsigned long long)info.capacity, gpumm_type_name(gpumm_buffer_type(place)),
           (unsigned long long)info.address);
    gpumm_buffer_release(place);
}

static void loop(application *app) {
    for (int frame = 1; frame <= FRAMES; frame++) {
        if (frame % 10 == 0) grow_graph(app); /* the user clicked */
        advance(app);
        draw(app);
    }
    gpumm_frame *last;
    check(gpumm_readback_wait(app->watch, 0, -1, &last), "wait");
    gpumm_frame_release(last);
    draw(app); /* the same again: it is the newest */
    for (int y = 0; y < HEIGHT; y++) puts(app->window.cells[y]);
}

int main(void) {
    application app = {.L = NULL};
    gpumm_stats stats;
    check(gpumm_manager_open(NULL, &app.manager), "manager");
    start(&app);
    loop(&app);
    show_buffer(&app);
    printf("%llu pictures; the last shows %llu nodes after step %lld\n", (unsigned long long)app.window.drawn,
           (unsigned long long)app.window.nodes, (long long)app.window.step);
    stop(&app);
    gpumm_manager_get_stats(app.manager, &stats);
    gpumm_manager_close(app.manager);
    gpumm_manager_release(app.manager);
    bool whole = app.window.nodes == START + FRAMES / 10 && app.window.step == FRAMES &&
                 count_cells(&app.window) > START && stats.used_bytes == 0;
    return whole ? EXIT_SUCCESS : EXIT_FAILURE;
}
