/* SPDX-License-Identifier: MIT */
/* Columns and graphs read by several threads at a time, also in several states at a time: for ThreadSanitizer, which no
   spec runs under. */
#include <lauxlib.h>
#include <lualib.h>
#include <pthread.h>
#include <unistd.h>

#include "check.h"
#include "gpumm_lua.h"

enum { ROWS = 60000, STATES = 3 };

static char path[] = "/tmp/gpumm-columns-XXXXXX";

static void write_rows(void) {
    int fd = mkstemp(path);
    CHECK(fd >= 0);
    FILE *file = fdopen(fd, "w");
    CHECK(file);
    for (unsigned i = 0; i < ROWS; i++) {
        unsigned a = i * 2654435761u % 5000, b = i * 40503u % 4000;
        fprintf(file, "%u\tname_of_some_length_%u\t%u.%u\n", a, b, i % 100, i % 7);
    }
    CHECK(fclose(file) == 0);
}

static const char script[] =
    "local path = ...\n"
    "local first\n"
    "for _, threads in ipairs { 1, 4, 7 } do\n"
    "  local g = gpumm.graph.read(path, { threads = threads })\n"
    "  local all = table.concat { g.nodes, ' ', g.edges, ' ', g.duplicates, ' ', g.names[g.nodes],\n"
    "    ' ', g.from[g.edges], ' ', g.to[g.edges], ' ', g.weights[g.edges] }\n"
    "  first = first or all\n"
    "  assert(all == first, all)\n"
    "  local t = gpumm.columns.read(path, { threads = threads })\n"
    "  assert(t.rows == 60000 and t.columns[1]:type().name == 'i64')\n"
    "  assert(#t.columns[2] == 60000 and t.columns[3]:type().name == 'f64')\n"
    "end\n"
    "return first\n";

static void *read_them(void *user) {
    char *result = user;
    lua_State *L = luaL_newstate();
    CHECK(L);
    luaL_openlibs(L);
    gpumm_lua_open_layout(L);
    lua_setglobal(L, "gpumm");
    gpumm_lua_set_log(L, NULL, NULL);
    CHECK(luaL_loadstring(L, script) == LUA_OK);
    lua_pushstring(L, path);
    if (lua_pcall(L, 1, 1, 0) != LUA_OK) {
        fprintf(stderr, "%s\n", lua_tostring(L, -1));
        CHECK(!"the script is right");
    }
    snprintf(result, 256, "%s", lua_tostring(L, -1));
    lua_close(L);
    return NULL;
}

int main(void) {
    static char results[STATES][256];
    pthread_t threads[STATES];
    write_rows();
    for (int i = 0; i < STATES; i++) CHECK(pthread_create(&threads[i], NULL, read_them, results[i]) == 0);
    for (int i = 0; i < STATES; i++) CHECK(pthread_join(threads[i], NULL) == 0);
    for (int i = 1; i < STATES; i++) CHECK(strcmp(results[0], results[i]) == 0);
    CHECK(results[0][0] != '\0');
    unlink(path);
    return 0;
}
