/* SPDX-License-Identifier: MIT */
/*
 * A record is lines of text. Each begins with //, so that behind PTX it is a comment.
 *
 *   //file BYTES MODIFIED CHANGED NUMBER SUM PATH     as it was; where its size and times are the same, so is it
 *   //absent PATH                                     where the compiler would have found another one first
 *   //kernel NAME LINE    //parameter NAME *TYPE       a name that is not there is -; a value has = for *
 *   //refused MESSAGE                                 of kernels that cannot be had
 */
#include "kernel/record.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/status.h"
#include "kernel/sha256.h"

enum { PATH_SIZE = 4200, LINE_SIZE = PATH_SIZE + 256, FOLDERS_MAX = 64 };

static const int64_t second = 1000000000; /* in nanoseconds */

__attribute__((format(printf, 2, 3))) static gpumm_status add_line(text *out, const char *format, ...) {
    char line[LINE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (length < 0 || (size_t)length >= sizeof line) return fail(GPUMM_INVALID_ARGUMENT, "a name is too long");
    return gpumm__text_add(out, line, (size_t)length);
}

/* ---- Files as they are --------------------------------------------------------------------- */

static int64_t nanoseconds(struct timespec t) { return (int64_t)t.tv_sec * second + t.tv_nsec; }

/* False where it is no plain file that can be read. */
static bool sum_of(const char *path, char sum[static SHA256_TEXT]) {
    char part[8192];
    struct stat s;
    sha256 hash;
    ssize_t n = -1;
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (file < 0) return false;
    gpumm__sha256_begin(&hash);
    if (fstat(file, &s) == 0 && S_ISREG(s.st_mode))
        while ((n = read(file, part, sizeof part)) > 0) gpumm__sha256_add(&hash, part, (size_t)n);
    close(file);
    gpumm__sha256_end(&hash, sum);
    return n == 0;
}

typedef struct file_state {
    int64_t bytes, modified, changed;
    uint64_t number;
} file_state;

static bool state_of(const char *path, file_state *out) {
    struct stat s;
    if (stat(path, &s) != 0) return false;
    *out = (file_state){s.st_size, nanoseconds(s.st_mtim), nanoseconds(s.st_ctim), s.st_ino};
    return true;
}

static int64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return nanoseconds(t);
}

/* One that changed a moment ago may change again within the same tick of its clock: its times say nothing. */
static gpumm_status add_file(const record_source *source, const char *path, text *out, bool *keeps) {
    char sum[SHA256_TEXT];
    file_state s;
    if (!state_of(path, &s) || !sum_of(path, sum) || s.changed > nanoseconds(source->started))
        return *keeps = false, GPUMM_OK;
    if (s.changed > now() - 2 * second) s.modified = s.changed = 0;
    return add_line(out, "//file %" PRId64 " %" PRId64 " %" PRId64 " %" PRIu64 " %s %s\n", s.bytes, s.modified,
                    s.changed, s.number, sum, path);
}

static bool file_holds(const char *line) {
    char sum[SHA256_TEXT], current[SHA256_TEXT], path[PATH_SIZE];
    file_state was, is;
    if (sscanf(line, "%" SCNd64 " %" SCNd64 " %" SCNd64 " %" SCNu64 " %64s %4199[^\n]", &was.bytes, &was.modified,
               &was.changed, &was.number, sum, path) != 6)
        return false;
    if (!state_of(path, &is) || is.bytes != was.bytes) return false;
    if (is.modified == was.modified && is.changed == was.changed && is.number == was.number) return true;
    return sum_of(path, current) && strcmp(current, sum) == 0;
}

/* ---- Where another file would be found first ------------------------------------------------ */

typedef struct folders {
    char list[FOLDERS_MAX][PATH_SIZE];
    size_t count;
} folders;

static void add_folder(folders *f, const char *path, size_t length) {
    while (length > 1 && path[length - 1] == '/') length--;
    if (f->count == FOLDERS_MAX || length >= PATH_SIZE) return;
    snprintf(f->list[f->count++], PATH_SIZE, "%.*s", length ? (int)length : 1, length ? path : ".");
}

/* By flags that name a folder, joined to it or before it. */
static void add_flagged(folders *f, const char *flags) {
    static const char *const names[] = {"--include-path=", "--include-path", "-isystem", "-iquote", "-idirafter", "-I"};
    for (const char *at = flags; *at; at += strcspn(at, " \t\n")) {
        at += strspn(at, " \t\n");
        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
            if (strncmp(at, names[i], strlen(names[i])) != 0) continue;
            at += strlen(names[i]);
            at += strspn(at, " \t\n");
            add_folder(f, at, strcspn(at, " \t\n"));
            break;
        }
    }
}

static void add_of_environment(folders *f) {
    static const char *const names[] = {"CPATH", "CPLUS_INCLUDE_PATH"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *at = getenv(names[i]);
        while (at && *at) {
            size_t length = strcspn(at, ":");
            add_folder(f, at, length);
            at += length + (at[length] == ':');
        }
    }
}

static void find_folders(const record_source *source, folders *f) {
    const char *slash = strrchr(source->file, '/');
    f->count = 0;
    add_folder(f, source->file, slash ? (size_t)(slash - source->file) : 0);
    add_flagged(f, source->flags ? source->flags : "");
    add_of_environment(f);
}

/* What the path is called within the folder; NULL: it is not there. */
static const char *within(const char *folder, const char *path) {
    size_t length = strlen(folder);
    if (strcmp(folder, ".") == 0) return *path == '/' ? NULL : path + (strncmp(path, "./", 2) == 0 ? 2 : 0);
    return strncmp(path, folder, length) == 0 && path[length] == '/' ? path + length + 1 : NULL;
}

static const char *name_of(const folders *f, const char *path) {
    static const char *const usual[] = {"/usr/local/include", "/usr/include"};
    const char *name = NULL;
    for (size_t i = 0; i < f->count && !name; i++) name = within(f->list[i], path);
    for (size_t i = 0; i < sizeof usual / sizeof *usual && !name; i++) name = within(usual[i], path);
    return name;
}

/* In every other folder that is searched, whichever comes first: one that is made there later may be meant. */
static gpumm_status add_absent(const folders *f, const char *path, text *out) {
    const char *name = name_of(f, path);
    for (size_t i = 0; name && i < f->count; i++) {
        char other[2 * PATH_SIZE];
        snprintf(other, sizeof other, "%s/%s", f->list[i], name);
        if (strlen(other) < PATH_SIZE && access(other, F_OK) != 0) TRY(add_line(out, "//absent %s\n", other));
    }
    return GPUMM_OK;
}

/* ---- Making -------------------------------------------------------------------------------- */

static gpumm_status add_files(const record_source *source, FILE *read, text *out, bool *keeps) {
    char path[PATH_SIZE];
    folders *f = gpumm__mem_new(out->from, sizeof *f);
    if (!f) return fail_host_memory(sizeof *f);
    find_folders(source, f);
    gpumm_status status = GPUMM_OK;
    while (status == GPUMM_OK && *keeps && fgets(path, sizeof path, read)) {
        path[strcspn(path, "\n")] = 0;
        if (!strchr(path, '/') && access(path, F_OK) != 0) continue; /* the compiler's own */
        status = add_file(source, path, out, keeps);
        if (status == GPUMM_OK) status = add_absent(f, path, out);
    }
    gpumm__mem_free(out->from, f);
    return status;
}

static const char *or_dash(const char *name) { return *name ? name : "-"; }

static gpumm_status add_names(const prototype_list *list, text *out) {
    for (size_t i = 0; i < list->count; i++) {
        const prototype *k = &list->items[i];
        TRY(add_line(out, "//kernel %s %u\n", k->name, k->line));
        for (size_t j = 0; j < k->count; j++)
            TRY(add_line(out, "//parameter %s %c%s\n", or_dash(k->parameters[j].name),
                         k->parameters[j].kind == GPUMM_POINTER ? '*' : '=', k->parameters[j].type));
    }
    return list->refused ? add_line(out, "//refused %s\n", list->refused) : GPUMM_OK;
}

gpumm_status gpumm__record_make(const record_source *source, const prototype_list *list, text *out, bool *keeps) {
    FILE *read = fopen(source->read, "re");
    *keeps = read || !source->includes;
    TRY(gpumm__text_string(out, ""));
    gpumm_status status = read ? add_files(source, read, out, keeps) : GPUMM_OK;
    if (read) fclose(read);
    return status == GPUMM_OK ? add_names(list, out) : status;
}

/* ---- Reading ------------------------------------------------------------------------------- */

/* What follows the word on this line; NULL: the line is another. */
static const char *said(const char *line, const char *word) {
    size_t length = strlen(word);
    return strncmp(line, "//", 2) == 0 && strncmp(line + 2, word, length) == 0 && line[2 + length] == ' '
               ? line + 3 + length
               : NULL;
}

static const char *next_line(const char *line) {
    line += strcspn(line, "\n");
    return line + (*line == '\n');
}

bool gpumm__record_holds(const char *record) {
    char path[PATH_SIZE];
    for (const char *line = record; *line; line = next_line(line)) {
        const char *file = said(line, "file"), *absent = said(line, "absent");
        if (file && !file_holds(file)) return false;
        if (absent) snprintf(path, sizeof path, "%.*s", (int)strcspn(absent, "\n"), absent);
        if (absent && access(path, F_OK) == 0) return false;
    }
    return true;
}

static char *copy(const gpumm_allocator *from, const char *at, size_t length) {
    bool none = length == 1 && *at == '-';
    char *made = gpumm__mem_new(from, length + 1);
    return made && !none ? memcpy(made, at, length) : made;
}

static gpumm_status read_kernel(prototype_list *list, const char *at) {
    if (!gpumm__mem_reserve(list->from, (void **)&list->items, sizeof *list->items, list->count, &list->capacity))
        return fail_host_memory(sizeof *list->items);
    prototype *k = &list->items[list->count++];
    size_t length = strcspn(at, " \n");
    *k = (prototype){.threads = SIZE_MAX, .line = (unsigned)strtoul(at + length, NULL, 10)};
    k->name = copy(list->from, at, length);
    k->parameters = gpumm__mem_new(list->from, GPUMM_PARAMETERS_MAX * sizeof *k->parameters);
    return k->name && k->parameters ? GPUMM_OK : fail_host_memory(length);
}

static gpumm_status read_parameter(prototype_list *list, const char *at) {
    prototype *k = list->count ? &list->items[list->count - 1] : NULL;
    if (!k || k->count == GPUMM_PARAMETERS_MAX) return fail(GPUMM_IO, "a record of the kernel cache is damaged");
    size_t length = strcspn(at, " \n");
    gpumm_parameter *p = &k->parameters[k->count++];
    const char *type = at + length + (at[length] == ' ');
    p->kind = *type == '*' ? GPUMM_POINTER : GPUMM_VALUE;
    type += *type == '*' || *type == '=';
    p->name = copy(list->from, at, length);
    p->type = copy(list->from, type, strcspn(type, "\n"));
    return p->name && p->type ? GPUMM_OK : fail_host_memory(length);
}

static gpumm_status read_line(prototype_list *list, const char *line) {
    const char *kernel = said(line, "kernel"), *parameter = said(line, "parameter"), *refused = said(line, "refused");
    if (kernel) return read_kernel(list, kernel);
    if (parameter) return read_parameter(list, parameter);
    if (refused && !list->refused) list->refused = copy(list->from, refused, strcspn(refused, "\n"));
    return refused && !list->refused ? fail_host_memory(1) : GPUMM_OK;
}

gpumm_status gpumm__record_read(const gpumm_allocator *from, const char *record, prototype_list *out) {
    prototype_list list = {.from = from};
    gpumm_status status = GPUMM_OK;
    for (const char *line = record; *line && status == GPUMM_OK; line = next_line(line))
        status = read_line(&list, line);
    if (status == GPUMM_OK) *out = list;
    else gpumm__prototype_free(&list);
    return status;
}
