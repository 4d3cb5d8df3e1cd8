/* SPDX-License-Identifier: MIT */
/* Running the compiler without a shell, and without what belongs to this process alone: its preloaded
   libraries, its sanitizers' options, its signals, its terminal. */

#include "device/host/build_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/status.h"

gpumm_status gpumm__build_open(build_folder *w) {
    const char *where = getenv("TMPDIR");
    if (!where || !*where) where = "/tmp";
    int length = snprintf(w->directory, sizeof w->directory, "%s/gpumm-XXXXXX", where);
    if (length < 0 || (size_t)length >= sizeof w->directory) return fail(GPUMM_IO, "TMPDIR is too long a path");
    if (!mkdtemp(w->directory))
        return fail(GPUMM_IO, "no directory to compile in under %s: %s", where, strerror(errno));
    snprintf(w->unit, sizeof w->unit, "%s/unit.cpp", w->directory);
    snprintf(w->errors, sizeof w->errors, "%s/errors.txt", w->directory);
    return GPUMM_OK;
}

/* Also what a compiler that was killed left there. */
void gpumm__build_close(build_folder *w) {
    DIR *all = opendir(w->directory);
    for (struct dirent *e; all && (e = readdir(all));)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0) unlinkat(dirfd(all), e->d_name, 0);
    if (all) closedir(all);
    rmdir(w->directory);
}

static bool is_ours(const char *variable) {
    static const char *const names[] = {
        "LD_PRELOAD=", "ASAN_OPTIONS=", "LSAN_OPTIONS=", "UBSAN_OPTIONS=", "TSAN_OPTIONS=", "LC_ALL=", "TMPDIR="};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strncmp(variable, names[i], strlen(names[i])) == 0) return true;
    return false;
}

/* This process's environment without what is ours; `mine` has room for the two variables put in. */
static char **environment(const gpumm_allocator *from, char *mine[2]) {
    size_t count = 0;
    while (environ && environ[count]) count++;
    char **all = gpumm__mem_new(from, (count + 3) * sizeof *all);
    if (!all) return NULL;
    size_t used = 0;
    for (size_t i = 0; i < count; i++)
        if (!is_ours(environ[i])) all[used++] = environ[i];
    all[used++] = mine[0];
    all[used] = mine[1];
    return all;
}

static int spawn(const build_folder *w, char *const *words, char **environment_words, pid_t *child) {
    posix_spawn_file_actions_t files;
    posix_spawnattr_t how;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    if (posix_spawn_file_actions_init(&files)) return ENOMEM;
    if (posix_spawnattr_init(&how)) {
        posix_spawn_file_actions_destroy(&files);
        return ENOMEM;
    }
    int error = posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    if (!error) error = posix_spawn_file_actions_addopen(&files, 1, w->errors, O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (!error) error = posix_spawn_file_actions_adddup2(&files, 1, 2);
    posix_spawnattr_setsigmask(&how, &none);
    posix_spawnattr_setsigdefault(&how, &all);
    posix_spawnattr_setpgroup(&how, 0); /* Ctrl-C is for us: the build it would break ends in a moment */
    posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    if (!error) error = posix_spawn(child, words[0], &files, &how, words, environment_words);
    posix_spawnattr_destroy(&how);
    posix_spawn_file_actions_destroy(&files);
    return error;
}

gpumm_status gpumm__build_run(const gpumm_allocator *from, const build_folder *w, char *const *words, int *result) {
    char temporary[1100], language[] = "LC_ALL=C";
    snprintf(temporary, sizeof temporary, "TMPDIR=%s", w->directory);
    char **variables = environment(from, (char *[2]){temporary, language});
    if (!variables) return fail_host_memory(sizeof *variables);
    pid_t child;
    int error = spawn(w, words, variables, &child);
    gpumm__mem_free(from, variables);
    if (error) return fail(GPUMM_COMPILE_FAILED, "%s could not be started: %s", words[0], strerror(error));
    /* ECHILD: the application lets the system reap; whether a binary was made tells then. */
    pid_t ended;
    do ended = waitpid(child, result, 0);
    while (ended == -1 && errno == EINTR);
    if (ended == -1) *result = 0;
    return GPUMM_OK;
}

size_t gpumm__build_errors(const build_folder *w, char *text, size_t size) {
    FILE *f = fopen(w->errors, "re");
    size_t length = f ? fread(text, 1, size - 1, f) : 0;
    if (f) fclose(f);
    if (length == size - 1)
        while (length > size / 2 && text[length - 1] != '\n') length--;
    while (length && text[length - 1] == '\n') length--;
    text[length] = 0;
    return length;
}
