/* SPDX-License-Identifier: MIT */
/*
 * Running the compiler without what belongs to this process alone: its preloaded libraries, its sanitizers' options,
 * its signals, its terminal.
 *
 * A compiler is several processes, and none of them notices when we are killed. So they are a process group of their
 * own, led by a shell that runs the compiler's words as they are, and beside it waits for the end of a pipe whose
 * other end this process alone has. Whatever ends us closes that: then the group is ended and the folder goes.
 */
#include "device/host/run_program.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/status.h"

enum { PATH_SIZE = 4200, WATCH_WORDS = 5 };

#define SHELL "/bin/sh"

/* $1 is the folder, the program's words are behind it. */
static const char watch[] = "folder=$1; shift; exec 3<&0 </dev/null\n"
                            "{ trap '' HUP INT TERM; while read -r line <&3; do :; done\n"
                            "kill -s TERM -- -$$; rm -rf -- \"$folder\"; kill -s KILL -- -$$; } >/dev/null 2>&1 &\n"
                            "\"$@\" 3<&-; status=$?; kill -s KILL $! 2>/dev/null; exit $status\n";

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

static void errors_path(const char *folder, char path[static PATH_SIZE]) {
    snprintf(path, PATH_SIZE, "%s/errors.txt", folder);
}

static int open_files(posix_spawn_file_actions_t *files, const char *folder, int life) {
    char path[PATH_SIZE];
    errors_path(folder, path);
    int error = posix_spawn_file_actions_adddup2(files, life, 0);
    if (!error) error = posix_spawn_file_actions_addopen(files, 1, path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    return error ? error : posix_spawn_file_actions_adddup2(files, 1, 2);
}

/* In a group of its own: Ctrl-C is for us, and the build that it would break ends in a moment. */
static int spawn(const char *folder, int life, char *const *words, char **environment_words, pid_t *child) {
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
    int error = open_files(&files, folder, life);
    posix_spawnattr_setsigmask(&how, &none);
    posix_spawnattr_setsigdefault(&how, &all);
    posix_spawnattr_setpgroup(&how, 0);
    posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    if (!error) error = posix_spawn(child, words[0], &files, &how, words, environment_words);
    posix_spawnattr_destroy(&how);
    posix_spawn_file_actions_destroy(&files);
    return error;
}

/* The shell's words before the program's; without a shell the program's alone. */
static char **watched(const gpumm_allocator *from, const char *folder, char *const *words) {
    static char shell[] = SHELL, flag[] = "-c", name[] = "gpumm";
    size_t count = 0, used = 0;
    while (words[count]) count++;
    char **all = gpumm__mem_new(from, (count + WATCH_WORDS + 1) * sizeof *all);
    if (!all) return NULL;
    if (access(SHELL, X_OK) == 0) {
        char *const before[WATCH_WORDS] = {shell, flag, (char *)(uintptr_t)watch, name, (char *)(uintptr_t)folder};
        memcpy(all, before, sizeof before);
        used = WATCH_WORDS;
    }
    memcpy(all + used, words, count * sizeof *all);
    return all;
}

/* ECHILD: the application lets the system reap; whether a binary was made tells then. */
static int wait_for(pid_t child) {
    int result = 0;
    pid_t ended;
    do ended = waitpid(child, &result, 0);
    while (ended == -1 && errno == EINTR);
    return ended == -1 ? 0 : result;
}

static gpumm_status run(const char *folder, char *const *words, char **variables, int *result) {
    int life[2];
    pid_t child;
    if (pipe2(life, O_CLOEXEC) != 0) return fail(GPUMM_IO, "no pipe to the compiler: %s", strerror(errno));
    int error = spawn(folder, life[0], words, variables, &child);
    close(life[0]);
    if (!error) *result = wait_for(child);
    close(life[1]);
    return error ? fail(GPUMM_COMPILE_FAILED, "%s could not be started: %s", words[0], strerror(error)) : GPUMM_OK;
}

gpumm_status gpumm__run_program(const gpumm_allocator *from, const char *folder, char *const *words, int *result) {
    char temporary[PATH_SIZE], language[] = "LC_ALL=C";
    snprintf(temporary, sizeof temporary, "TMPDIR=%s", folder);
    char **variables = environment(from, (char *[2]){temporary, language});
    char **all = watched(from, folder, words);
    gpumm_status status = variables && all ? run(folder, all, variables, result) : fail_host_memory(sizeof *all);
    gpumm__mem_free(from, variables);
    gpumm__mem_free(from, all);
    return status;
}

size_t gpumm__run_program_said(const char *folder, char *text, size_t size) {
    char path[PATH_SIZE];
    errors_path(folder, path);
    FILE *f = fopen(path, "re");
    size_t length = f ? fread(text, 1, size - 1, f) : 0;
    if (f) fclose(f);
    if (length == size - 1)
        while (length > size / 2 && text[length - 1] != '\n') length--;
    while (length && text[length - 1] == '\n') length--;
    text[length] = 0;
    return length;
}
