/* SPDX-License-Identifier: MIT */
/*
 * A graph that grows while it is laid out (growing.lua), drawn from the very memory that its layout is in: gpumm computes, Vulkan
 * draws, and positions never pass through the host. It says how often it drew, what that cost the layout, how soon a growth was
 * seen, and whether any picture was torn: every node carries the number of the step that moved it, and all in a picture must
 * be of one step.
 *
 *     growing [--device auto] [--first 1000] [--last 4000] [--steps 240] [--width 640] [--height 480] [--fps 60] [--png FILE]
 *             [--raw FILE] [--from buffers|frames] [--script growing.lua] [--no-baseline]
 *
 * --from buffers draws the buffers themselves, and the layout waits while they are read. --from frames draws snapshots on the
 * device, and nothing waits. --fps 0 draws after every step. --raw: every picture, RGBA, one behind the other. Ends with 77 where
 * Vulkan cannot have the memory, and says why.
 */
#include <gpumm_lua.h>
#include <lauxlib.h>
#include <lualib.h>

#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "renderer.h"

enum { SKIPPED = 77, SIMULATION = 1, GROWTHS = 64 };
#define USAGE (VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT)

typedef struct settings {
    const char *device, *png, *raw, *from, *script;
    long first, last, steps, width, height, fps;
    bool no_baseline;
} settings;

typedef struct growth { /* one that happened */
    uint32_t nodes;
    double at, seen; /* seconds; seen: the first picture with it was done; 0: not yet */
} growth;

typedef struct figures {
    uint64_t pictures, torn, growths;
    double first, last, longest, longest_growing;
    growth growth[GROWTHS];
} figures;

typedef struct application {
    settings set;
    gpumm_manager *manager;
    lua_State *L;
    gpumm_buffer *positions, *stamps, *ends; /* one reference each */
    renderer *renderer;
    gpumm_vulkan_buffer *bound[3]; /* as the above */
    gpumm_vulkan_order *order;
    gpumm_readback *readback; /* frames; NULL: the buffers are drawn */
    gpumm_vulkan_frames *frames;
    gpumm_stream *side; /* where frames are given and taken */
    FILE *raw;
    double due;         /* the next picture */
    uint64_t submitted; /* pictures */
    int64_t drawn;      /* the step of the last frame */
    figures figures;
} application;

static _Noreturn void give_up(const char *what, const char *why) {
    fprintf(stderr, "growing: %s: %s\n", what, why);
    exit(EXIT_FAILURE);
}

static void check(gpumm_status status, const char *what) {
    if (status != GPUMM_OK) give_up(what, gpumm_message());
}

static void check_vulkan(gpumm_status status, const char *what) {
    if (status != GPUMM_OK) give_up(what, gpumm_vulkan_message());
}

/* ---- Settings ------------------------------------------------------------------------------------------- */

static void set_option(settings *s, const char *name, const char *value) {
    const struct {
        const char *name;
        const char **text;
        long *number;
    } all[] = {{"--device", &s->device, NULL}, {"--png", &s->png, NULL},       {"--raw", &s->raw, NULL},
               {"--from", &s->from, NULL},     {"--script", &s->script, NULL}, {"--first", NULL, &s->first},
               {"--last", NULL, &s->last},     {"--steps", NULL, &s->steps},   {"--width", NULL, &s->width},
               {"--height", NULL, &s->height}, {"--fps", NULL, &s->fps}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (strcmp(all[i].name, name) != 0) continue;
        if (!value) give_up(name, "a value is missing");
        if (all[i].text) *all[i].text = value;
        else *all[i].number = strtol(value, NULL, 10);
        return;
    }
    give_up(name, "there is no such option; main.c says which there are");
}

static settings read_settings(char **argument) {
    settings s = {.device = "auto",
                  .from = "buffers",
                  .script = "growing.lua",
                  .first = 1000,
                  .last = 4000,
                  .steps = 240,
                  .width = 640,
                  .height = 480,
                  .fps = 60};
    for (argument++; *argument; argument++) {
        if (strcmp(*argument, "--no-baseline") == 0) {
            s.no_baseline = true;
            continue;
        }
        set_option(&s, argument[0], argument[1]);
        argument++;
    }
    if (s.first < 4 || s.last < s.first || s.last > 1 << 28)
        give_up("--first, --last", "4 nodes to 2^28, in this order");
    if (s.steps < 1 || s.fps < 0 || s.width < 16 || s.height < 16 || s.width > 16384 || s.height > 16384)
        give_up("--steps, --fps, --width, --height", "out of range");
    if (strcmp(s.from, "buffers") != 0 && strcmp(s.from, "frames") != 0) give_up("--from", "buffers or frames");
    return s;
}

/* ---- The script ------------------------------------------------------------------------------------------- */

static void call(lua_State *L, int arguments, int results, const char *what) {
    if (lua_pcall(L, arguments, results, 0) != LUA_OK) give_up(what, lua_tostring(L, -1));
}

/* Everything that may raise happens in here, protected. Leaves the simulation, which is open. */
static int start_script(lua_State *L) {
    const application *app = lua_touserdata(L, 1);
    lua_settop(L, 0);
    luaL_openlibs(L);
    gpumm_lua_open(L);
    lua_pop(L, 1);
    if (luaL_loadfilex(L, app->set.script, "t") != LUA_OK) lua_error(L);
    lua_pushinteger(L, app->set.first);
    lua_pushinteger(L, app->set.last);
    lua_pushinteger(L, app->set.steps);
    lua_call(L, 3, 1);
    lua_getfield(L, SIMULATION, "open"); /* simulation:open { manager = ours } */
    lua_pushvalue(L, SIMULATION);
    lua_createtable(L, 0, 1);
    gpumm_lua_push_manager(L, app->manager, GPUMM_LUA_SHARE_BORROW);
    lua_setfield(L, -2, "manager");
    lua_call(L, 2, 0);
    return 1;
}

static void start(application *app) {
    app->L = luaL_newstate();
    if (!app->L) give_up("Lua", "no memory");
    lua_pushcfunction(app->L, start_script);
    lua_pushlightuserdata(app->L, app);
    call(app->L, 1, 1, app->set.script);
    check(gpumm_lua_find_buffer(app->L, SIMULATION, "nodes.position", &app->positions), "nodes.position");
    check(gpumm_lua_find_buffer(app->L, SIMULATION, "nodes.stamp", &app->stamps), "nodes.stamp");
    check(gpumm_lua_find_buffer(app->L, SIMULATION, "edges.ends", &app->ends), "edges.ends");
}

static void advance(application *app) {
    lua_getfield(app->L, SIMULATION, "advance");
    lua_pushvalue(app->L, SIMULATION);
    lua_pushinteger(app->L, 1);
    call(app->L, 2, 0, "a step");
}

static void stop(application *app) {
    gpumm_buffer_release(app->positions);
    gpumm_buffer_release(app->stamps);
    gpumm_buffer_release(app->ends);
    lua_getfield(app->L, SIMULATION, "close");
    lua_pushvalue(app->L, SIMULATION);
    call(app->L, 1, 0, "close");
    lua_close(app->L);
}

static uint32_t length_of(gpumm_buffer *b) {
    gpumm_buffer_info info;
    check(gpumm_buffer_get_info(b, &info), "a buffer");
    return (uint32_t)info.length;
}

/* ---- Pictures that are done ----------------------------------------------------------------------------------- */

static void write_png(const application *app, const void *pixels) {
    png_image image = {.version = PNG_IMAGE_VERSION,
                       .width = (png_uint_32)app->set.width,
                       .height = (png_uint_32)app->set.height,
                       .format = PNG_FORMAT_RGBA};
    if (!png_image_write_to_file(&image, app->set.png, 0, pixels, 0, NULL)) give_up(app->set.png, image.message);
}

static void write_raw(application *app, const void *pixels) {
    size_t bytes = (size_t)app->set.width * (size_t)app->set.height * 4;
    if (fwrite(pixels, 1, bytes, app->raw) != bytes) give_up(app->set.raw, "it cannot be written");
}

/* Of one step, which is the one that was meant, and no edge goes where no node is. */
static bool is_torn(const picture *p) {
    uint32_t step = (uint32_t)p->scene.step;
    return p->seen.first_stamp != step || p->seen.last_stamp != step || p->seen.last_end >= p->scene.nodes;
}

static void note_growth_seen(figures *f, const picture *p, bool *first) {
    for (uint64_t i = 0; i < f->growths; i++) {
        growth *g = &f->growth[i];
        if (g->seen > 0 || p->scene.nodes < g->nodes) continue;
        g->seen = p->done;
        *first = true;
    }
}

static void note(application *app, const picture *p) {
    figures *f = &app->figures;
    bool first = false;
    note_growth_seen(f, p, &first);
    if (is_torn(p)) {
        if (f->torn++ == 0)
            fprintf(stderr, "growing: torn: steps %u to %u where %lld was meant; %u nodes, an edge to node %u\n",
                    p->seen.first_stamp, p->seen.last_stamp, (long long)p->scene.step, p->scene.nodes,
                    p->seen.last_end);
    }
    double since = f->pictures ? p->done - f->last : 0;
    if (since > f->longest) f->longest = since;
    if (first && since > f->longest_growing) f->longest_growing = since;
    if (f->pictures == 0) f->first = p->done;
    f->last = p->done;
    f->pictures++;
    if (app->raw) write_raw(app, p->pixels);
    if (app->set.png && p->pixels && p->scene.step == app->set.steps) write_png(app, p->pixels);
}

static void collect(application *app, bool wait) {
    picture p;
    while (renderer_next(app->renderer, wait, &p)) note(app, &p);
}

/* ---- Drawing --------------------------------------------------------------------------------------------------- */

static VkDeviceAddress address_of(const gpumm_vulkan_buffer *b) {
    gpumm_vulkan_buffer_info info;
    gpumm_vulkan_buffer_get(b, &info);
    return info.address;
}

static void follow(application *app) {
    for (int i = 0; i < 3; i++) check_vulkan(gpumm_vulkan_buffer_follow(app->bound[i], NULL), "follow");
}

static bool is_kept(const application *app, long step) { return app->raw || (app->set.png && step == app->set.steps); }

static void draw_buffers(application *app, long step) {
    gpumm_vulkan_turn turn;
    scene s = {address_of(app->bound[0]), address_of(app->bound[1]), address_of(app->bound[2]),
               length_of(app->positions), length_of(app->ends),      step};
    check_vulkan(gpumm_vulkan_order_give(app->order, NULL, &turn), "give");
    renderer_draw(app->renderer, &s, &turn, is_kept(app, step));
    app->submitted++;
    check_vulkan(gpumm_vulkan_order_take(app->order, NULL, &turn), "take");
}

/* A frame is of an earlier moment than the edges, which only become more: those that it has nodes for are drawn. */
static void draw_frame(application *app, gpumm_frame *f) {
    gpumm_vulkan_turn turn;
    gpumm_vulkan_place positions, stamps;
    gpumm_frame_info info;
    gpumm_frame_get_info(f, &info);
    check_vulkan(gpumm_vulkan_frames_find(app->frames, f, 0, &positions), "frame");
    check_vulkan(gpumm_vulkan_frames_find(app->frames, f, 1, &stamps), "frame");
    scene s = {positions.address,         stamps.address, address_of(app->bound[2]), (uint32_t)info.length,
               (uint32_t)info.length - 1, info.step};
    check(gpumm_frame_used(f, app->side), "frame");
    check_vulkan(gpumm_vulkan_order_give(app->order, app->side, &turn), "give");
    renderer_draw(app->renderer, &s, &turn, is_kept(app, info.step));
    app->submitted++;
    check_vulkan(gpumm_vulkan_order_take(app->order, app->side, &turn), "take");
    gpumm_frame_close(f); /* its memory is used again behind the turn */
}

/* Where all pictures that may be are under way, the oldest is waited for. */
static void make_room(application *app) {
    picture p;
    if (app->submitted - app->figures.pictures == IN_FLIGHT && renderer_next(app->renderer, true, &p)) note(app, &p);
}

static bool is_due(application *app, long step) {
    double now = seconds_now(), interval = app->set.fps ? 1 / (double)app->set.fps : 0;
    if (now < app->due && step < app->set.steps) return false;
    app->due = app->due + interval > now ? app->due + interval : now + interval;
    return true;
}

/* A frame is asked for when one is due, and drawn once it is there; the last one is waited for. */
static void draw_newest(application *app, long step) {
    gpumm_frame *f = NULL;
    gpumm_frame_info info = {0};
    if (is_due(app, step)) check(gpumm_readback_capture(app->readback, NULL, step, NULL), "capture");
    if (step == app->set.steps) check(gpumm_readback_wait(app->readback, 0, -1, &f), "wait");
    else check(gpumm_readback_latest(app->readback, &f), "latest");
    if (f) gpumm_frame_get_info(f, &info);
    if (info.step > app->drawn) {
        make_room(app);
        draw_frame(app, f);
        app->drawn = info.step;
    }
    gpumm_frame_release(f);
}

static void draw(application *app, long step) {
    collect(app, false);
    if (app->readback) {
        draw_newest(app, step);
    } else if (is_due(app, step)) {
        make_room(app);
        draw_buffers(app, step);
    }
}

/* ---- The loop ---------------------------------------------------------------------------------------------------- */

static void note_growth(application *app, uint32_t *nodes) {
    figures *f = &app->figures;
    uint32_t now = length_of(app->positions);
    if (now == *nodes) return;
    if (*nodes && f->growths < GROWTHS) f->growth[f->growths++] = (growth){.nodes = now, .at = seconds_now()};
    *nodes = now;
    if (app->renderer) follow(app);
}

/* Seconds from the first step's end, when everything is compiled, to the last one's. */
static double run(application *app) {
    double begin = 0;
    uint32_t nodes = 0;
    for (long step = 1; step <= app->set.steps; step++) {
        advance(app);
        note_growth(app, &nodes);
        if (step == 1) {
            check(gpumm_manager_synchronize(app->manager), "the first step");
            begin = app->due = seconds_now();
        }
        if (app->renderer) draw(app, step);
    }
    check(gpumm_manager_synchronize(app->manager), "the last step");
    double seconds = seconds_now() - begin;
    if (app->renderer) collect(app, true);
    return seconds;
}

static double run_without_pictures(application *app) {
    renderer *r = app->renderer;
    app->renderer = NULL;
    start(app);
    double seconds = run(app);
    stop(app);
    app->renderer = r;
    app->figures = (figures){0};
    return seconds;
}

static void open_frames(application *app) {
    gpumm_buffer *members[] = {app->positions, app->stamps};
    gpumm_readback_options options = {.buffers = members,
                                      .buffer_count = 2,
                                      .slots = IN_FLIGHT + 3,
                                      .busy = GPUMM_BUSY_NEWEST,
                                      .where = GPUMM_FRAMES_ON_DEVICE,
                                      .shareable = true};
    check(gpumm_readback_open(&options, &app->readback), "readback");
    check(gpumm_stream_open(app->manager, &app->side), "stream");
    check_vulkan(gpumm_vulkan_frames_open(renderer_vulkan(app->renderer), app->readback, USAGE, &app->frames),
                 "frames");
}

/* A buffer that has no memory yet is bound once it has: the first step makes the first nodes. */
static void bind(application *app) {
    gpumm_buffer *buffers[] = {app->positions, app->stamps, app->ends};
    gpumm_vulkan *v = renderer_vulkan(app->renderer);
    for (int i = 0; i < 3; i++) {
        check(gpumm_buffer_ensure_capacity(buffers[i], 4), "room");
        check_vulkan(gpumm_vulkan_buffer_open(v, buffers[i], USAGE, &app->bound[i]), "bind");
    }
    check_vulkan(gpumm_vulkan_order_open(v, &app->order), "order");
    if (strcmp(app->set.from, "frames") == 0) open_frames(app);
    if (app->set.raw) app->raw = fopen(app->set.raw, "wb");
    if (app->set.raw && !app->raw) give_up(app->set.raw, "it cannot be opened");
}

static void unbind(application *app) {
    check(gpumm_manager_synchronize(app->manager), "the end");
    gpumm_vulkan_frames_close(app->frames);
    gpumm_readback_release(app->readback);
    gpumm_stream_release(app->side);
    gpumm_vulkan_order_close(app->order);
    for (int i = 0; i < 3; i++) gpumm_vulkan_buffer_close(app->bound[i]);
    if (app->raw && fclose(app->raw) != 0) give_up(app->set.raw, "it cannot be written");
}

/* ---- What came of it ----------------------------------------------------------------------------------------------- */

static void tell(const application *app, double seconds, double alone) {
    const figures *f = &app->figures;
    double interval = f->pictures > 1 ? (f->last - f->first) / (double)(f->pictures - 1) : 0, latest = 0;
    uint64_t unseen = 0;
    for (uint64_t i = 0; i < f->growths; i++) {
        double delay = f->growth[i].seen - f->growth[i].at;
        if (f->growth[i].seen == 0) unseen++;
        else if (delay > latest) latest = delay;
    }
    printf("%ld to %ld nodes in %ld steps, %ld x %ld, drawn from %s by %s\n", app->set.first, app->set.last,
           app->set.steps, app->set.width, app->set.height, app->set.from, renderer_device(app->renderer));
    printf("pictures: %llu, %.1f a second; torn: %llu\n", (unsigned long long)f->pictures,
           interval > 0 ? 1 / interval : 0, (unsigned long long)f->torn);
    printf("intervals: %.2f ms in the mean, %.2f ms the longest, %.2f ms the longest at a growth\n", 1e3 * interval,
           1e3 * f->longest, 1e3 * f->longest_growing);
    printf("growths: %llu; the latest was in a picture %.2f ms after its step was enqueued; never seen: %llu\n",
           (unsigned long long)f->growths, 1e3 * latest, (unsigned long long)unseen);
    printf("layout: %.1f steps a second", (double)(app->set.steps - 1) / seconds);
    if (alone > 0)
        printf(", %.1f without pictures: slowed by %.1f %%", (double)(app->set.steps - 1) / alone,
               100 * (seconds / alone - 1));
    printf("\n");
}

int main(int count, char **arguments) {
    application app = {.set = read_settings(arguments)};
    char why[600];
    (void)count;
    check(gpumm_manager_open(&(gpumm_options){.device = app.set.device}, &app.manager), "manager");
    app.renderer = renderer_open(app.manager, (uint32_t)app.set.width, (uint32_t)app.set.height, why, sizeof why);
    if (!app.renderer) {
        printf("growing: nothing is drawn here: %s\n", why);
        gpumm_manager_release(app.manager);
        return SKIPPED;
    }
    double alone = app.set.no_baseline ? 0 : run_without_pictures(&app);
    start(&app);
    bind(&app);
    double seconds = run(&app);
    tell(&app, seconds, alone);
    unbind(&app);
    stop(&app);
    renderer_close(app.renderer);
    gpumm_manager_release(app.manager);
    return app.figures.torn || !app.figures.pictures ? EXIT_FAILURE : EXIT_SUCCESS;
}
