/* SPDX-License-Identifier: MIT */
/*
 * Tracebacks for people who write scripts: Lua's own, without the frames of the files inside the module and of
 * the C functions that only those call. What is left are the script's lines, and what each of them called.
 */
#include "bind/lua/traceback.h"

#include <lauxlib.h>
#include <stdbool.h>
#include <string.h>

#include "bind/lua/embedded.h"

typedef enum frame { FRAME_SCRIPT, FRAME_OURS, FRAME_C, FRAME_TAIL } frame;

/* "gpumm/graph.lua:23: in …", "[C]: in …", "(...tail calls...)" or "...\t(skipping 9 levels)" */
static frame frame_of(lua_State *L, const char *line) {
    char source[LUA_IDSIZE];
    size_t length = strcspn(line, ":\n");
    if (strncmp(line, "[C]:", 4) == 0) return FRAME_C;
    if (strncmp(line, "(...tail", 8) == 0 || strncmp(line, "...\t(", 5) == 0) return FRAME_TAIL;
    if (length >= sizeof source) return FRAME_SCRIPT;
    memcpy(source, line, length);
    source[length] = '\0';
    return gpumm_lua__file_named(L, source) ? FRAME_OURS : FRAME_SCRIPT;
}

static const char *next_line(const char *line) {
    const char *end = strstr(line, "\n\t");
    return end ? end + 2 : NULL;
}

/* Did a script call what this line shows? */
static bool by_script(lua_State *L, const char *line) {
    for (line = next_line(line); line; line = next_line(line)) {
        frame f = frame_of(L, line);
        if (f == FRAME_SCRIPT || f == FRAME_OURS) return f == FRAME_SCRIPT;
    }
    return false;
}

/* The message without a position in one of our files at its start: what follows tells where the script was. */
static const char *without_our_place(lua_State *L, const char *message) {
    if (frame_of(L, message) != FRAME_OURS) return message;
    const char *colon = strchr(message, ':'), *number = colon ? colon + 1 : ""; /* a file's name alone has none */
    size_t digits = strspn(number, "0123456789");
    return digits > 0 && strncmp(number + digits, ": ", 2) == 0 ? number + digits + 2 : message;
}

static void add_frames(lua_State *L, luaL_Buffer *text, const char *line) {
    bool kept = false, any = false;
    for (const char *next; line; line = next) {
        frame f = frame_of(L, line);
        next = next_line(line);
        kept = f == FRAME_SCRIPT || (f == FRAME_C && by_script(L, line)) || (f == FRAME_TAIL && kept);
        if (!kept) continue;
        if (!any) luaL_addstring(text, "\nstack traceback:");
        any = true;
        luaL_addstring(text, "\n\t");
        luaL_addlstring(text, line, next ? (size_t)(next - 2 - line) : strlen(line));
    }
}

/* Behind "stack traceback:" the first lines of Lua's own traceback from a level on, of which it leaves none out. */
enum { WHOLE_LINES = 10, DEEP_LEVELS = 200 };

static const char *behind_lines(const char *text, int count) {
    const char *line = strstr(text, "\n\t");
    for (int i = 0; line && i < count; i++) line = strstr(line + 2, "\n\t");
    return line ? line : text + strlen(text);
}

/* Pushes "stack traceback:" and all frames, where Lua would leave out those in the middle: ours are many, and the script's
   are between them. Of deep ones, as Lua. [-0, +1, m] */
static void push_frames(lua_State *L) {
    lua_Debug about;
    luaL_traceback(L, L, NULL, 1);
    if (lua_getstack(L, DEEP_LEVELS, &about) || !lua_getstack(L, WHOLE_LINES, &about)) return;
    lua_pop(L, 1);
    lua_pushliteral(L, "stack traceback:");
    for (int level = 1; lua_getstack(L, level, &about); level += WHOLE_LINES) {
        luaL_traceback(L, L, NULL, level);
        const char *text = lua_tostring(L, -1), *from = behind_lines(text, 0);
        lua_pushlstring(L, from, (size_t)(behind_lines(text, WHOLE_LINES) - from));
        lua_remove(L, -2);
        lua_concat(L, 2);
    }
}

void gpumm_lua__traceback(lua_State *L, const char *message) {
    luaL_Buffer text;
    if (strstr(message, "\nstack traceback:")) { /* from nearer to the place */
        lua_pushstring(L, message);
        return;
    }
    push_frames(L);
    const char *frames = lua_tostring(L, -1);
    luaL_buffinit(L, &text);
    luaL_addstring(&text, without_our_place(L, message));
    add_frames(L, &text, next_line(frames));
    luaL_pushresult(&text);
    lua_remove(L, -2);
}

int gpumm_lua__traceback_handler(lua_State *L) {
    luaL_checkany(L, 1);
    if (!lua_isstring(L, 1) && !luaL_getmetafield(L, 1, "__tostring")) {
        lua_settop(L, 1);
        return 1;
    }
    gpumm_lua__traceback(L, luaL_tolstring(L, 1, NULL));
    return 1;
}
