/* SPDX-License-Identifier: MIT */
/* Writing beside and renaming; reading under the collector's eye. */
#include "bind/io/file.h"

#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/status.h"
#include "base/thread.h"
#include "bind/lua/class.h"
#include "bind/lua/state.h"
#include "bind/sandbox/limits.h"

#define READER_CLASS "gpumm.file"

enum { NAME_TRIES = 100, FILES_MOST = 16 };

static gpumm_status io_fail(const char *path, const char *what) {
    return fail(GPUMM_IO, "%s: %s: %s", path, what, strerror(errno));
}

/* ---- Writing ------------------------------------------------------------------------------ */

/* Opens a file that was not there before, in the folder that the rename will stay in. */
static int open_beside(file_writer *w) {
    for (unsigned i = 0; i < NAME_TRIES; i++) {
        unsigned long long salt = (unsigned long long)gpumm__clock_ns() + i;
        int length = snprintf(w->temp, sizeof w->temp, "%s.%ld-%llx", w->path, (long)getpid(), salt);
        if (length < 0 || (size_t)length >= sizeof w->temp) {
            errno = ENAMETOOLONG;
            return -1;
        }
        int fd = open(w->temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd >= 0 || errno != EEXIST) return fd;
    }
    return -1;
}

gpumm_status gpumm_lua__file_create(file_writer *w, const char *path) {
    struct stat there;
    w->path = path;
    w->temp[0] = '\0';
    bool direct = stat(path, &there) == 0 && !S_ISREG(there.st_mode);
    int fd = direct ? open(path, O_WRONLY | O_CLOEXEC) : open_beside(w);
    if (fd < 0) return io_fail(path, "cannot be written");
    w->stream = fdopen(fd, "wb");
    if (w->stream) return GPUMM_OK;
    gpumm_status status = io_fail(path, "cannot be written");
    close(fd);
    if (w->temp[0]) unlink(w->temp);
    return status;
}

gpumm_status gpumm_lua__file_probe(const char *path) {
    file_writer w = {.path = path};
    struct stat there;
    if (stat(path, &there) == 0 && !S_ISREG(there.st_mode)) {
        errno = EISDIR;
        return !S_ISDIR(there.st_mode) && access(path, W_OK) == 0 ? GPUMM_OK : io_fail(path, "cannot be written");
    }
    int fd = open_beside(&w);
    if (fd < 0) return io_fail(path, "cannot be written");
    close(fd);
    unlink(w.temp);
    return GPUMM_OK;
}

gpumm_status gpumm_lua__file_write(file_writer *w, const void *bytes, size_t size) {
    errno = 0;
    if (size == 0 || fwrite(bytes, 1, size, w->stream) == size) return GPUMM_OK;
    return io_fail(w->path, "writing failed");
}

gpumm_status gpumm_lua__file_commit(file_writer *w) {
    errno = 0;
    bool failed = ferror(w->stream) != 0;
    failed |= fflush(w->stream) != 0;
    int first = errno;
    failed |= fclose(w->stream) != 0;
    if (first) errno = first;
    w->stream = NULL;
    if (!failed && (!w->temp[0] || rename(w->temp, w->path) == 0)) return GPUMM_OK;
    gpumm_status status = io_fail(w->path, failed ? "writing failed" : "cannot be put in its place");
    if (w->temp[0]) unlink(w->temp);
    return status;
}

void gpumm_lua__file_abandon(file_writer *w) {
    fclose(w->stream);
    w->stream = NULL;
    if (w->temp[0]) unlink(w->temp);
}

/* ---- Reading ------------------------------------------------------------------------------ */

/* What a reader's reference holds. */
typedef struct opened {
    FILE *stream;
    bind_state *state;
    gpumm_allocator from;
} opened;

static void close_opened(void *object) {
    opened *o = object;
    gpumm_allocator from = o->from;
    fclose(o->stream);
    o->state->files--;
    gpumm__mem_free(&from, o);
}

/* A reader whose call raised is open until it is collected. In a contained script files are bounded, as their
   descriptors are no memory that is counted. */
static void require_room(lua_State *L) {
    const bind_state *state = gpumm_lua__state_of(L);
    if (state->files < FILES_MOST) return;
    lua_gc(L, LUA_GCCOLLECT);
    lua_gc(L, LUA_GCCOLLECT);
    if (state->sandbox && state->files >= FILES_MOST)
        luaL_error(L, "a contained script has at most %d files open at a time", FILES_MOST);
}

void gpumm_lua__file_close(file_reader *r) {
    r->stream = NULL;
    gpumm_lua__reference_drop(r->reference);
}

static int reader_collect(lua_State *L) {
    file_reader *r = luaL_checkudata(L, 1, READER_CLASS);
    bind_reference *reference = r->reference;
    *r = (file_reader){NULL, 0, NULL};
    gpumm_lua__reference_end(L, reference);
    return 0;
}

static gpumm_status open_stream(lua_State *L, file_reader *r, const char *path) {
    gpumm_allocator from = gpumm_lua__own_allocator(L);
    opened *o = gpumm__mem_new(&from, sizeof *o);
    if (!o) return fail_host_memory(sizeof *o);
    *o = (opened){fopen(path, "rbe"), gpumm_lua__state_of(L), from};
    if (!o->stream) {
        gpumm_status status = io_fail(path, "cannot be read");
        gpumm__mem_free(&from, o);
        return status;
    }
    o->state->files++;
    r->stream = o->stream;
    gpumm_lua__reference_hold(r->reference, close_opened, o);
    return GPUMM_OK;
}

static gpumm_status open_reader(lua_State *L, file_reader *r, const char *path) {
    struct stat about;
    TRY(open_stream(L, r, path));
    if (fstat(fileno(r->stream), &about) != 0) return io_fail(path, "cannot be read");
    if (!S_ISREG(about.st_mode)) return fail(GPUMM_IO, "%s: cannot be read: it is not a regular file", path);
    r->size = (uint64_t)about.st_size;
    return GPUMM_OK;
}

file_reader *gpumm_lua__file_push_reader(lua_State *L, const char *path, gpumm_status *status) {
    static const luaL_Reg meta[] = {{"__gc", reader_collect}, {NULL, NULL}};
    static const bind_class class = {.name = READER_CLASS, .meta = meta};
    gpumm_lua__class_open(L, &class);
    file_reader *r = lua_newuserdatauv(L, sizeof *r, 0);
    *r = (file_reader){NULL, 0, NULL};
    luaL_setmetatable(L, READER_CLASS);
    r->reference = gpumm_lua__reference_take(L, &gpumm_lua__state_of(L)->references);
    require_room(L);
    *status = open_reader(L, r, path);
    if (*status == GPUMM_OK) return r;
    gpumm_lua__file_close(r);
    lua_pop(L, 1);
    return NULL;
}

gpumm_status gpumm_lua__file_read(file_reader *r, const char *path, void *bytes, size_t size) {
    errno = 0;
    if (size == 0 || fread(bytes, 1, size, r->stream) == size) return GPUMM_OK;
    if (ferror(r->stream)) return io_fail(path, "reading failed");
    return fail(GPUMM_IO, "%s: the file ends too early", path);
}
