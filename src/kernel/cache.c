/* SPDX-License-Identifier: MIT */
/* A directory of files KEY.SUM: KEY hashes the source and all that turns it into a binary, SUM the binary.
   Each is built under a name of its own and renamed when whole, so that any number of processes can build the
   same one at once, and whoever fails leaves nothing. */
#include "kernel/cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/status.h"
#include "kernel/sha256.h"

enum { DIRECTORY_SIZE = 2048, FILE_SIZE = DIRECTORY_SIZE + 2 * SHA256_TEXT + 8, COMPILER_SIZE = 8192, HOUR = 3600 };

typedef struct cache {
    char directory[DIRECTORY_SIZE];
    bool temporary; /* made for this one time: goes again once the module is open */
    char key[SHA256_TEXT];
    char path[FILE_SIZE]; /* of the binary, once there is one */
} cache;

/* ---- The key ------------------------------------------------------------------------------ */

/* With its length, so that no two lists of texts run together to the same. */
static void add_text(sha256 *s, const char *text) {
    uint64_t length = text ? strlen(text) : 0;
    gpumm__sha256_add(s, &length, sizeof length);
    gpumm__sha256_add(s, text, length);
}

static gpumm_status make_key(device *d, const device_source *source, const char *headers, size_t headers_length,
                             char key[static SHA256_TEXT]) {
    char compiler[COMPILER_SIZE];
    sha256 s;
    TRY(d->call->compiler(d, compiler, sizeof compiler));
    gpumm__sha256_begin(&s);
    add_text(&s, GPUMM_VERSION);
    add_text(&s, compiler);
    add_text(&s, source->flags);
    add_text(&s, source->file);
    add_text(&s, source->prelude);
    add_text(&s, source->text);
    for (size_t i = 0; i < source->kernel_count; i++) add_text(&s, source->kernels[i]);
    gpumm__sha256_add(&s, headers, headers_length);
    gpumm__sha256_end(&s, key);
    return GPUMM_OK;
}

/* ---- The directory ------------------------------------------------------------------------ */

/* The directory and those above it that are not there yet, for this user alone. */
static bool make_directories(const char *path) {
    char part[DIRECTORY_SIZE];
    for (const char *at = path + 1;; at++) {
        if (*at && *at != '/') continue;
        snprintf(part, sizeof part, "%.*s", (int)(at - path), path);
        if (mkdir(part, 0700) != 0 && errno != EEXIST && !(*at && (errno == EROFS || errno == EACCES))) return false;
        if (!*at) return true;
    }
}

/* What others could write, they could have us run. */
static gpumm_status check_directory(const char *path) {
    struct stat s;
    if (stat(path, &s) != 0) return fail(GPUMM_IO, "the kernel cache %s: %s", path, strerror(errno));
    if (!S_ISDIR(s.st_mode)) return fail(GPUMM_IO, "the kernel cache %s is no directory", path);
    if (s.st_uid != geteuid()) return fail(GPUMM_IO, "the kernel cache %s belongs to another user", path);
    if (s.st_mode & (S_IWGRP | S_IWOTH))
        return fail(GPUMM_IO, "the kernel cache %s can be written by others: chmod go-w it", path);
    return access(path, R_OK | W_OK | X_OK) == 0 ? GPUMM_OK
                                                 : fail(GPUMM_IO, "the kernel cache %s: %s", path, strerror(errno));
}

static gpumm_status use_directory(cache *c, const char *base, const char *below) {
    int length = snprintf(c->directory, sizeof c->directory, "%s%s", base, below);
    if (length < 0 || (size_t)length >= sizeof c->directory)
        return fail(GPUMM_IO, "the kernel cache's path is too long");
    if (!make_directories(c->directory))
        return fail(GPUMM_IO, "the kernel cache %s cannot be made: %s", c->directory, strerror(errno));
    return check_directory(c->directory);
}

static gpumm_status make_temporary(cache *c) {
    const char *where = getenv("TMPDIR");
    int length = snprintf(c->directory, sizeof c->directory, "%s/gpumm-XXXXXX", where && *where ? where : "/tmp");
    if (length < 0 || (size_t)length >= sizeof c->directory) return fail(GPUMM_IO, "TMPDIR is too long a path");
    if (!mkdtemp(c->directory))
        return fail(GPUMM_IO, "no directory for compiled kernels: %s: %s", c->directory, strerror(errno));
    c->temporary = true;
    return GPUMM_OK;
}

/* A directory that the user named must do; of the usual ones the first that does. */
static gpumm_status find_directory(cache *c) {
    const char *named = getenv("GPUMM_CACHE_DIR"), *caches = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (named && *named) return use_directory(c, named, "");
    if (caches && *caches == '/' && use_directory(c, caches, "/gpumm") == GPUMM_OK) return GPUMM_OK;
    if (home && *home == '/' && use_directory(c, home, "/.cache/gpumm") == GPUMM_OK) return GPUMM_OK;
    return make_temporary(c);
}

/* ---- Files -------------------------------------------------------------------------------- */

/* NULL where it is no file: what else may lie there, a pipe say, could keep a reader waiting. */
static FILE *open_file(const char *path) {
    struct stat s;
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    bool plain = descriptor >= 0 && fstat(descriptor, &s) == 0 && S_ISREG(s.st_mode);
    FILE *f = plain ? fdopen(descriptor, "r") : NULL;
    if (!f && descriptor >= 0) close(descriptor);
    return f;
}

/* False where it cannot be read. */
static bool sum_of(const char *path, char sum[static SHA256_TEXT]) {
    char part[8192];
    sha256 s;
    FILE *f = open_file(path);
    if (!f) return false;
    gpumm__sha256_begin(&s);
    for (size_t n; (n = fread(part, 1, sizeof part, f)) > 0;) gpumm__sha256_add(&s, part, n);
    bool whole = !ferror(f);
    fclose(f);
    gpumm__sha256_end(&s, sum);
    return whole;
}

/* Is this file what its name says? One that is not goes. */
static bool check_file(cache *c, const char *name) {
    char sum[SHA256_TEXT];
    snprintf(c->path, sizeof c->path, "%s/%.*s", c->directory, 2 * SHA256_TEXT, name);
    if (!sum_of(c->path, sum)) return false;
    if (strcmp(sum, name + SHA256_TEXT) == 0) return true;
    unlink(c->path);
    return false;
}

static bool find_file(cache *c) {
    bool found = false;
    DIR *all = opendir(c->directory);
    for (struct dirent *e; all && !found && (e = readdir(all));)
        if (strncmp(e->d_name, c->key, SHA256_TEXT - 1) == 0 && e->d_name[SHA256_TEXT - 1] == '.')
            found = check_file(c, e->d_name);
    if (all) closedir(all);
    return found;
}

static gpumm_status keep_file(cache *c, const char *built) {
    char sum[SHA256_TEXT];
    if (!sum_of(built, sum)) return fail(GPUMM_IO, "%s: %s", built, strerror(errno));
    snprintf(c->path, sizeof c->path, "%s/%s.%s", c->directory, c->key, sum);
    chmod(built, 0700);
    return rename(built, c->path) == 0 ? GPUMM_OK : fail(GPUMM_IO, "%s: %s", c->path, strerror(errno));
}

/* What a process that was killed while it built left behind. */
static void sweep(const cache *c) {
    DIR *all = opendir(c->directory);
    for (struct dirent *e; all && (e = readdir(all));) {
        struct stat s;
        bool built = strncmp(e->d_name, "building-", 9) == 0;
        if (built && fstatat(dirfd(all), e->d_name, &s, AT_SYMLINK_NOFOLLOW) == 0 && s.st_mtime < time(NULL) - HOUR)
            unlinkat(dirfd(all), e->d_name, 0);
    }
    if (all) closedir(all);
}

static gpumm_status build(cache *c, device *d, const device_source *source) {
    char built[DIRECTORY_SIZE + 32];
    snprintf(built, sizeof built, "%s/building-XXXXXX", c->directory);
    int file = mkstemp(built);
    if (file == -1) return fail(GPUMM_IO, "%s: %s", built, strerror(errno));
    close(file);
    sweep(c);
    gpumm_status status = d->call->compile(d, source, built);
    if (status == GPUMM_OK) status = keep_file(c, built);
    if (status != GPUMM_OK) unlink(built);
    return status;
}

/* A failure that another binary might not have. */
static bool is_the_files(gpumm_status status) {
    return status != GPUMM_OK && status != GPUMM_OUT_OF_MEMORY && status != GPUMM_DEVICE_LOST;
}

static gpumm_status open_cached(cache *c, device *d, const device_source *source, device_module **out) {
    if (find_file(c)) {
        gpumm_status status = d->call->module_open(d, c->path, out);
        if (!is_the_files(status)) return status;
        unlink(c->path); /* whole, but of no use: rebuilt once */
    }
    TRY(build(c, d, source));
    gpumm_status status = d->call->module_open(d, c->path, out);
    if (is_the_files(status) || c->temporary) unlink(c->path);
    return status;
}

gpumm_status gpumm__cache_open(device *d, const device_source *source, const char *headers, size_t headers_length,
                               device_module **out) {
    cache c = {.temporary = false};
    TRY(make_key(d, source, headers, headers_length, c.key));
    TRY(find_directory(&c));
    gpumm_status status = open_cached(&c, d, source, out);
    if (c.temporary) rmdir(c.directory);
    return status;
}
