/* SPDX-License-Identifier: MIT */
/* Writing beside and renaming; reading under the collector's eye. */
#include "bind/io/file.h"

#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/status.h"
#include "base/thread.h"
#include "bind/lua/class.h"

#define READER_CLASS "gpumm.file"

enum { NAME_TRIES = 100 };

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

static void close_stream(void *stream) { fclose(stream); }

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

static gpumm_status open_reader(file_reader *r, const char *path) {
    struct stat about;
    r->stream = fopen(path, "rbe");
    if (!r->stream) return io_fail(path, "cannot be read");
    gpumm_lua__reference_hold(r->reference, close_stream, r->stream);
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
    *status = open_reader(r, path);
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
