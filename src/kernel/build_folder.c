/* SPDX-License-Identifier: MIT */
/*
 * A build folder is locked by who made it, and the lock goes with the process, however that ends. So a folder that can
 * be locked is nobody's, and whoever builds next in the same place clears it. A new one has another name until it is
 * locked.
 */
#include "kernel/build_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "base/status.h"

enum { DEPTH = 4, MINUTE = 60, ROOM = 4 << 20 };

#define FRESH "gpumm-new-"
#define BUILD "gpumm-build-"

/* ---- Clearing ------------------------------------------------------------------------------ */

/* Takes the descriptor over. */
static void clear(int folder, int depth) {
    DIR *all = fdopendir(folder);
    if (!all) {
        close(folder);
        return;
    }
    for (struct dirent *e; (e = readdir(all));) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0) continue;
        if (unlinkat(dirfd(all), e->d_name, 0) == 0 || depth == 0) continue;
        int inner = openat(dirfd(all), e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (inner >= 0) clear(inner, depth - 1);
        unlinkat(dirfd(all), e->d_name, AT_REMOVEDIR);
    }
    closedir(all);
}

/* One that is ours by its owner, and nobody's by its lock; a fresh one also by its age. */
static bool is_left(int folder, bool fresh) {
    struct stat s;
    if (fstat(folder, &s) != 0 || s.st_uid != geteuid()) return false;
    if (fresh && s.st_mtime > time(NULL) - MINUTE) return false;
    return flock(folder, LOCK_EX | LOCK_NB) == 0;
}

static void sweep(const char *place) {
    DIR *all = opendir(place);
    for (struct dirent *e; all && (e = readdir(all));) {
        bool fresh = strncmp(e->d_name, FRESH, strlen(FRESH)) == 0;
        if (!fresh && strncmp(e->d_name, BUILD, strlen(BUILD)) != 0) continue;
        int folder = openat(dirfd(all), e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (folder < 0) continue;
        if (is_left(folder, fresh)) {
            clear(dup(folder), DEPTH);
            unlinkat(dirfd(all), e->d_name, AT_REMOVEDIR);
        }
        close(folder);
    }
    if (all) closedir(all);
}

/* ---- Making -------------------------------------------------------------------------------- */

static bool lock_fresh(build_folder *f, const char *fresh) {
    f->lock = open(fresh, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (f->lock >= 0 && flock(f->lock, LOCK_EX | LOCK_NB) == 0 && rename(fresh, f->path) == 0) return true;
    if (f->lock >= 0) close(f->lock);
    rmdir(fresh);
    return false;
}

static bool open_in(build_folder *f, const char *place) {
    char fresh[sizeof f->path];
    int length = snprintf(fresh, sizeof fresh, "%s/" FRESH "XXXXXX", place);
    if (length < 0 || (size_t)length + strlen(BUILD) >= sizeof fresh) return errno = ENAMETOOLONG, false;
    if (!mkdtemp(fresh)) return false;
    snprintf(f->path, sizeof f->path, "%.900s/" BUILD "%s", place, fresh + length - 6);
    return lock_fresh(f, fresh);
}

/* A compiler writes a few hundred KiB there; where no cache can hold it the binary runs from there. */
static bool has_room(const char *place) {
    struct statvfs s;
    return statvfs(place, &s) != 0 || ((uint64_t)s.f_bavail * s.f_frsize >= ROOM && !(s.f_flag & ST_NOEXEC));
}

/* Where there is room; where there is none anywhere, the compiler says so. */
gpumm_status gpumm__build_folder_open(build_folder *f) {
    const char *named = getenv("TMPDIR");
    const char *const places[] = {named && *named ? named : "/tmp", "/tmp", "/var/tmp", "/dev/shm"};
    enum { PLACES = sizeof places / sizeof *places };
    int error = 0;
    for (size_t i = 0; i < 2 * PLACES; i++) {
        const char *place = places[i % PLACES];
        sweep(place);
        if (i < PLACES && !has_room(place)) continue;
        if (open_in(f, place)) return GPUMM_OK;
        if (!error) error = errno;
    }
    return fail(GPUMM_IO, "no folder to compile in under %s: %s: set TMPDIR to one that can be written", places[0],
                strerror(error));
}

void gpumm__build_folder_close(build_folder *f) {
    int folder = dup(f->lock);
    if (folder >= 0) clear(folder, DEPTH);
    rmdir(f->path);
    close(f->lock);
}
