/* SPDX-License-Identifier: MIT */
/*
 * A directory of files KEY.SUM: KEY hashes the source and all that turns it into a binary but the files that it
 * includes, SUM the file. Behind the binary stands its record, and behind that a line with the record's length. A file
 * is used where its record holds; there may be several of one KEY, for what is included may be one thing today and
 * another tomorrow. Each is built elsewhere and gets its name when it is whole, so that any number of processes can
 * build the same one at once, and whoever fails leaves nothing.
 */
#include "kernel/cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/status.h"
#include "kernel/build_folder.h"
#include "kernel/record.h"
#include "kernel/sha256.h"
#include "kernel/source/describe.h"
#include "kernel/source/needs.h"

enum {
    DIRECTORY_SIZE = 2048,
    FILE_SIZE = DIRECTORY_SIZE + 2 * SHA256_TEXT + 8,
    COMPILER_SIZE = 8192,
    PLACES_MAX = 3,
    HOUR = 3600
};

typedef struct cache {
    const build_source *source;
    const log_sink *sink;
    char key[SHA256_TEXT];
    char places[PLACES_MAX][DIRECTORY_SIZE]; /* in the order in which they are tried */
    size_t count;
    grown_text *record;
} cache;

/* ---- The key ------------------------------------------------------------------------------ */

/* With its length, so that no two lists of texts run together to the same. */
static void add_text(sha256 *s, const char *words) {
    uint64_t length = words ? strlen(words) : 0;
    gpumm__sha256_add(s, &length, sizeof length);
    gpumm__sha256_add(s, words, length);
}

static gpumm_status make_key(const build_source *source, char key[static SHA256_TEXT]) {
    char compiler[COMPILER_SIZE];
    uint64_t traits = hash_start + NEEDS_REVISION;
    sha256 s;
    for (size_t i = 0; gpumm__describe_traits[i]; i++) traits = hash_text(traits, gpumm__describe_traits[i]);
    TRY(source->device->call->compiler(source->device, compiler, sizeof compiler));
    gpumm__sha256_begin(&s);
    add_text(&s, GPUMM_VERSION);
    add_text(&s, compiler);
    gpumm__sha256_add(&s, &traits, sizeof traits);
    add_text(&s, source->flags);
    add_text(&s, source->file);
    add_text(&s, source->declarations);
    for (size_t i = 0; i < source->type_count; i++) add_text(&s, source->type_names[i]);
    add_text(&s, source->text);
    gpumm__sha256_end(&s, key);
    return GPUMM_OK;
}

/* ---- The directories ---------------------------------------------------------------------- */

/* The directory and those above it that are not there yet, for this user alone. */
static bool make_directories(const char *path) {
    char part[DIRECTORY_SIZE];
    int refused = 0; /* of one above, which may be there all the same */
    for (const char *at = path + 1;; at++) {
        if (*at && *at != '/') continue;
        snprintf(part, sizeof part, "%.*s", (int)(at - path), path);
        bool made = mkdir(part, 0700) == 0 || errno == EEXIST;
        if (!made && *at && (errno == EROFS || errno == EACCES)) refused = errno;
        else if (!made) return errno = errno == ENOENT && refused ? refused : errno, false;
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
    return GPUMM_OK;
}

static gpumm_status use_directory(cache *c, const char *base, const char *below) {
    char *path = c->places[c->count];
    int length = snprintf(path, DIRECTORY_SIZE, "%s%s", base, below);
    if (length < 0 || (size_t)length >= DIRECTORY_SIZE) return fail(GPUMM_IO, "the kernel cache's path is too long");
    if (!make_directories(path)) return fail(GPUMM_IO, "the kernel cache %s cannot be made: %s", path, strerror(errno));
    TRY(check_directory(path));
    c->count++;
    return GPUMM_OK;
}

/* Said once a process: who can do something about it reads it the first time. */
static void warn(const cache *c, const char *path, const char *why) {
    static atomic_flag said = ATOMIC_FLAG_INIT;
    if (atomic_flag_test_and_set(&said)) return;
    gpumm__log_line(c->sink, GPUMM_LOG_WARNING,
                    "the kernel cache %s cannot be used (%s), and kernels are compiled again and again where no other "
                    "can: set GPUMM_CACHE_DIR to a folder that programs can be written to and run from",
                    path, why);
}

/* A file system may be full, or not be written to, or not run what is on it: another may. */
static bool is_the_places(int error) { return error == EROFS || error == ENOSPC || error == EDQUOT || error == EACCES; }

static void use_usual(cache *c, const char *base, const char *below) {
    errno = 0;
    if (use_directory(c, base, below) != GPUMM_OK && is_the_places(errno)) warn(c, base, strerror(errno));
}

/* One that the user named must be a folder of the user's; where it is one and cannot hold a binary, and of the usual
   ones, the next is used. */
static gpumm_status find_places(cache *c) {
    const char *named = getenv("GPUMM_CACHE_DIR"), *caches = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (named && *named) {
        errno = 0;
        gpumm_status status = use_directory(c, named, "");
        if (status != GPUMM_OK && !is_the_places(errno)) return status;
        if (status != GPUMM_OK) warn(c, named, strerror(errno));
    }
    if (caches && *caches == '/') use_usual(c, caches, "/gpumm");
    if (home && *home == '/') use_usual(c, home, "/.cache/gpumm");
    return GPUMM_OK;
}

/* ---- Files -------------------------------------------------------------------------------- */

#define LAST_LINE "//gpumm %010zu\n"
enum { LAST_LINE_LENGTH = 19 };

static void sum_of(const grown_text *file, char sum[static SHA256_TEXT]) {
    sha256 s;
    gpumm__sha256_begin(&s);
    gpumm__sha256_add(&s, file->bytes, file->length);
    gpumm__sha256_end(&s, sum);
}

/* The record behind a binary; false: there is none. */
static bool take_record(const grown_text *file, grown_text *record) {
    size_t length = 0;
    if (file->length < LAST_LINE_LENGTH) return false;
    const char *last = file->bytes + file->length - LAST_LINE_LENGTH;
    if (sscanf(last, "//gpumm %zu", &length) != 1 || length > file->length - LAST_LINE_LENGTH) return false;
    record->length = 0;
    return gpumm__text_add(record, last - length, length) == GPUMM_OK;
}

/* Is this file what its name says, and does its record hold? One that is damaged goes. */
static bool check_file(cache *c, const char *path, const char *name) {
    grown_text file = {.from = c->source->device->memory};
    char sum[SHA256_TEXT];
    bool whole = false, holds = false;
    if (gpumm__text_read(&file, path) == GPUMM_OK) {
        sum_of(&file, sum);
        whole = strcmp(sum, name + SHA256_TEXT) == 0 && take_record(&file, c->record);
        holds = whole && gpumm__record_holds(c->record->bytes);
    }
    if (!whole) unlink(path);
    gpumm__text_free(&file);
    return holds;
}

/* A failure that another binary might not have. */
static bool is_the_files(gpumm_status status) {
    return status != GPUMM_OK && status != GPUMM_OUT_OF_MEMORY && status != GPUMM_DEVICE_LOST;
}

static bool is_of_key(const cache *c, const char *name) {
    return strncmp(name, c->key, SHA256_TEXT - 1) == 0 && name[SHA256_TEXT - 1] == '.' &&
           strlen(name) == 2 * SHA256_TEXT - 1;
}

/* NOT_FOUND where no file of the place does. */
static gpumm_status open_found(cache *c, const char *folder, device_module **out) {
    char path[FILE_SIZE];
    device *d = c->source->device;
    gpumm_status status = GPUMM_NOT_FOUND;
    DIR *all = opendir(folder);
    for (struct dirent *e; all && status == GPUMM_NOT_FOUND && (e = readdir(all));) {
        snprintf(path, sizeof path, "%s/%.*s", folder, 2 * SHA256_TEXT, e->d_name);
        if (!is_of_key(c, e->d_name) || !check_file(c, path, e->d_name)) continue;
        status = d->call->module_open(d, path, out);
        if (!is_the_files(status)) break;
        unlink(path); /* whole, but of no use: rebuilt once */
        status = GPUMM_NOT_FOUND;
    }
    if (all) closedir(all);
    return status;
}

/* ---- Building ----------------------------------------------------------------------------- */

static gpumm_status append_record(const char *path, const grown_text *record) {
    FILE *f = fopen(path, "ae");
    if (!f) return fail(GPUMM_IO, "%s: %s", path, strerror(errno));
    fwrite(record->bytes, 1, record->length, f);
    fprintf(f, LAST_LINE, record->length);
    bool bad = ferror(f) != 0;
    bad |= fclose(f) != 0;
    return bad ? fail(GPUMM_IO, "%s: %s", path, strerror(errno)) : GPUMM_OK;
}

/* What a process that was killed while it stored a file left behind. */
static void sweep(const char *folder) {
    DIR *all = opendir(folder);
    for (struct dirent *e; all && (e = readdir(all));) {
        struct stat s;
        bool storing = strncmp(e->d_name, "building-", 9) == 0;
        if (storing && fstatat(dirfd(all), e->d_name, &s, AT_SYMLINK_NOFOLLOW) == 0 && s.st_mtime < time(NULL) - HOUR)
            unlinkat(dirfd(all), e->d_name, 0);
    }
    if (all) closedir(all);
}

static bool write_all(int file, const grown_text *binary) {
    for (size_t done = 0; done < binary->length;) {
        ssize_t n = write(file, binary->bytes + done, binary->length - done);
        if (n < 0 && errno != EINTR) return false;
        if (n > 0) done += (size_t)n;
    }
    return true;
}

/* A file without a name until it is whole; where the file system has none such, or the name is taken, one under
   another name. */
static bool store_unnamed(const char *folder, const grown_text *binary, const char *path) {
    char itself[64];
    int file = open(folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0700);
    if (file < 0) return false;
    snprintf(itself, sizeof itself, "/proc/self/fd/%d", file);
    bool done = write_all(file, binary) && fchmod(file, 0700) == 0 &&
                linkat(AT_FDCWD, itself, AT_FDCWD, path, AT_SYMLINK_FOLLOW) == 0;
    int error = errno;
    close(file);
    return errno = error, done;
}

static bool store_renamed(const char *folder, const grown_text *binary, const char *path) {
    char name[DIRECTORY_SIZE + 32];
    snprintf(name, sizeof name, "%s/building-XXXXXX", folder);
    int file = mkostemp(name, O_CLOEXEC);
    if (file < 0) return false;
    bool done = write_all(file, binary) && fchmod(file, 0700) == 0;
    done = close(file) == 0 && done && rename(name, path) == 0;
    int error = errno;
    if (!done) unlink(name);
    return errno = error, done;
}

static bool runs_programs(const char *folder) {
    struct statvfs s;
    return statvfs(folder, &s) != 0 || !(s.f_flag & ST_NOEXEC);
}

/* Keeps the binary in the folder, as `path`; false: it cannot be kept there, or not be run. */
static bool store(const cache *c, const char *folder, const grown_text *binary, char path[static FILE_SIZE]) {
    char sum[SHA256_TEXT];
    if (!c->source->device->takes_binaries && !runs_programs(folder))
        return warn(c, folder, "it is mounted noexec"), false;
    sweep(folder);
    sum_of(binary, sum);
    snprintf(path, FILE_SIZE, "%s/%s.%s", folder, c->key, sum);
    if (store_unnamed(folder, binary, path) || store_renamed(folder, binary, path)) return true;
    warn(c, folder, strerror(errno));
    return false;
}

/* In the first place that holds it; else it is opened where it was built, for this once. */
static gpumm_status keep(const cache *c, const char *built, device_module **out) {
    char path[FILE_SIZE];
    grown_text binary = {.from = c->source->device->memory};
    device *d = c->source->device;
    bool stored = false;
    TRY(append_record(built, c->record));
    gpumm_status status = gpumm__text_read(&binary, built);
    for (size_t i = 0; status == GPUMM_OK && i < c->count && !stored; i++)
        stored = store(c, c->places[i], &binary, path);
    gpumm__text_free(&binary);
    if (status == GPUMM_OK) status = d->call->module_open(d, stored ? path : built, out);
    if (stored && is_the_files(status)) unlink(path);
    return status;
}

static gpumm_status build(cache *c, device_module **out) {
    char built[1100];
    build_folder f;
    bool keeps = false;
    device *d = c->source->device;
    TRY(gpumm__build_folder_open(&f));
    snprintf(built, sizeof built, "%s/binary", f.path);
    gpumm_status status = gpumm__build(c->source, f.path, built, c->record, &keeps);
    if (status == GPUMM_OK) status = keeps ? keep(c, built, out) : d->call->module_open(d, built, out);
    gpumm__build_folder_close(&f);
    return status;
}

static gpumm_status open_cached(cache *c, device_module **out) {
    for (size_t i = 0; i < c->count; i++) {
        gpumm_status status = open_found(c, c->places[i], out);
        if (status != GPUMM_NOT_FOUND) return status;
    }
    c->record->length = 0;
    return build(c, out);
}

gpumm_status gpumm__cache_open(const build_source *source, const log_sink *sink, device_module **out,
                               grown_text *record) {
    const gpumm_allocator *from = source->device->memory;
    cache *c = gpumm__mem_new(from, sizeof *c);
    if (!c) return fail_host_memory(sizeof *c);
    *c = (cache){.source = source, .sink = sink, .record = record};
    gpumm_status status = make_key(source, c->key);
    if (status == GPUMM_OK) status = find_places(c);
    if (status == GPUMM_OK) status = open_cached(c, out);
    gpumm__mem_free(from, c);
    return status;
}
