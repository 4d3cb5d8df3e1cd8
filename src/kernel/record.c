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
#include "kernel/mention.h"
#include "kernel/sha256.h"

enum { PATH_SIZE = 4200, LINE_SIZE = PATH_SIZE + 256, FOLDERS_MAX = 64 };

static const int64_t second = 1000000000; /* in nanoseconds */

__attribute__((format(printf, 2, 3))) static gpumm_status add_line(grown_text *out, const char *format, ...) {
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

/* So many digits of a sum tell contents apart that nobody forges: who can write the files can have anything run. */
enum { SUM_DIGITS = 20 };

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
    sum[SUM_DIGITS] = 0;
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
static gpumm_status add_file(const record_source *source, const char *path, grown_text *out, bool *keeps) {
    char sum[SHA256_TEXT];
    file_state s;
    if (!state_of(path, &s) || !sum_of(path, sum) || s.changed > nanoseconds(source->started))
        return *keeps = false, GPUMM_OK;
    if (s.changed > now() - 2 * second) s.modified = s.changed = 0;
    return add_line(out, "//file %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %s %s\n", s.bytes, s.modified,
                    s.changed, (int64_t)s.number, sum, path);
}

/* The next number of a line. */
static int64_t number(const char **at) {
    char *end;
    int64_t value = strtoll(*at, &end, 10);
    *at = end + (*end == ' ');
    return value;
}

static bool file_holds(const char *line) {
    char sum[SHA256_TEXT], current[SHA256_TEXT], path[PATH_SIZE];
    file_state was, is;
    was.bytes = number(&line), was.modified = number(&line), was.changed = number(&line);
    was.number = (uint64_t)number(&line);
    size_t length = strcspn(line, "\n");
    if (length <= SUM_DIGITS + 1 || length - SUM_DIGITS - 1 >= sizeof path) return false;
    snprintf(sum, sizeof sum, "%.*s", SUM_DIGITS, line);
    snprintf(path, sizeof path, "%.*s", (int)(length - SUM_DIGITS - 1), line + SUM_DIGITS + 1);
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

/* The source's own folder is searched for what the source itself names in quotes; the system's headers name one another
   otherwise. */
static bool may_be_beside(const record_source *source, const char *path, const char *name) {
    return strncmp(path, "/usr/", 5) != 0 || strstr(source->text, name);
}

/* In every other folder that is searched, whichever comes first: one that is made there later may be meant. */
static gpumm_status add_absent(const record_source *source, const folders *f, const char *path, grown_text *out) {
    const char *name = name_of(f, path);
    for (size_t i = 0; name && i < f->count; i++) {
        char other[2 * PATH_SIZE];
        if (i == 0 && !may_be_beside(source, path, name)) continue;
        snprintf(other, sizeof other, "%s/%s", f->list[i], name);
        if (strlen(other) < PATH_SIZE && access(other, F_OK) != 0) TRY(add_line(out, "//absent %s\n", other));
    }
    return GPUMM_OK;
}

/* ---- Headers that are none ------------------------------------------------------------------- */

/* The first that is there is the one that is read. The source's own folder is the first: the device looks there. */
static gpumm_status check_header(const record_source *source, const folders *f, const mention *m) {
    for (size_t i = 1; i < f->count; i++) {
        char path[2 * PATH_SIZE];
        struct stat s;
        snprintf(path, sizeof path, "%s/%.*s", f->list[i], (int)m->length, m->name);
        if (stat(path, &s) != 0 || S_ISDIR(s.st_mode)) continue;
        if (S_ISREG(s.st_mode)) return GPUMM_OK;
        return fail(GPUMM_COMPILE_FAILED, "%s: it includes '%s', which is a pipe, a device or the like", source->file,
                    path);
    }
    return GPUMM_OK;
}

static gpumm_status check_headers(const record_source *source, const folders *f) {
    mention m;
    for (const char *at = source->text; (at = gpumm__mention_next(at, &m));)
        if (m.name && *m.name != '/') TRY(check_header(source, f, &m));
    return GPUMM_OK;
}

gpumm_status gpumm__record_check_headers(const gpumm_allocator *from, const record_source *source) {
    if (!strstr(source->text, "include")) return GPUMM_OK;
    folders *f = gpumm__mem_new(from, sizeof *f);
    if (!f) return fail_host_memory(sizeof *f);
    find_folders(source, f);
    gpumm_status status = check_headers(source, f);
    gpumm__mem_free(from, f);
    return status;
}

/* ---- What is asked for by name -------------------------------------------------------------- */

typedef struct asking { /* a file that the compiler read, and what it says */
    const record_source *source;
    const folders *searched;
    const char *path, *text;
    grown_text *out;
    bool *keeps;
} asking;

/* What is not there must stay away. What is there and was only asked about is in no list of what was read. */
static gpumm_status add_candidate(const asking *a, const char *folder, size_t length, const mention *m) {
    char path[PATH_SIZE], line[LINE_SIZE];
    bool whole = *m->name == '/';
    int size = snprintf(path, sizeof path, "%.*s%s%.*s", whole ? 0 : (int)length, folder, whole || !length ? "" : "/",
                        (int)m->length, m->name);
    if (size < 0 || (size_t)size >= sizeof path) return *a->keeps = false, GPUMM_OK;
    if (access(path, F_OK) == 0) return m->tested ? add_file(a->source, path, a->out, a->keeps) : GPUMM_OK;
    snprintf(line, sizeof line, "//absent %s\n", path);
    return strstr(a->out->bytes, line) ? GPUMM_OK : gpumm__text_string(a->out, line);
}

static gpumm_status add_mention(const asking *a, const mention *m) {
    const char *slash = strrchr(a->path, '/');
    if (m->quoted) TRY(add_candidate(a, a->path, slash ? (size_t)(slash - a->path) : 0, m));
    for (size_t i = 0; i < a->searched->count; i++)
        TRY(add_candidate(a, a->searched->list[i], strlen(a->searched->list[i]), m));
    return GPUMM_OK;
}

/* Whether a macro's header is there can be told in no other way than by compiling; libraries' own headers test for what
   comes with them. */
static gpumm_status add_mentions(const asking *a) {
    mention m;
    for (const char *at = a->text; (at = gpumm__mention_next(at, &m));)
        if (m.name) TRY(add_mention(a, &m));
        else if (a->text == a->source->text) *a->keeps = false;
    return GPUMM_OK;
}

/* Of a header that is no part of the system. */
static gpumm_status add_asked(asking a, const char *path) {
    grown_text text = {.from = a.out->from};
    gpumm_status status = GPUMM_OK;
    if (strncmp(path, "/usr/", 5) == 0) return GPUMM_OK;
    a.path = path;
    if (gpumm__text_read(&text, path) != GPUMM_OK) *a.keeps = false;
    a.text = text.bytes;
    if (a.text && *a.keeps) status = add_mentions(&a);
    gpumm__text_free(&text);
    return status;
}

/* ---- Making -------------------------------------------------------------------------------- */

static gpumm_status add_files(const record_source *source, FILE *read, grown_text *out, bool *keeps) {
    char path[PATH_SIZE];
    folders *f = gpumm__mem_new(out->from, sizeof *f);
    if (!f) return fail_host_memory(sizeof *f);
    find_folders(source, f);
    asking a = {source, f, source->file, source->text, out, keeps};
    gpumm_status status = add_mentions(&a);
    while (status == GPUMM_OK && *keeps && fgets(path, sizeof path, read)) {
        path[strcspn(path, "\n")] = 0;
        if (!strchr(path, '/') && access(path, F_OK) != 0) continue; /* the compiler's own */
        status = add_file(source, path, out, keeps);
        if (status == GPUMM_OK) status = add_absent(source, f, path, out);
        if (status == GPUMM_OK && *keeps) status = add_asked(a, path);
    }
    gpumm__mem_free(out->from, f);
    return status;
}

static const char *or_dash(const char *name) { return *name ? name : "-"; }

static gpumm_status add_names(const prototype_list *list, grown_text *out) {
    for (size_t i = 0; i < list->count; i++) {
        const prototype *k = &list->items[i];
        TRY(add_line(out, "//kernel %s %u\n", k->name, k->line));
        for (size_t j = 0; j < k->count; j++)
            TRY(add_line(out, "//parameter %s %c%s\n", or_dash(k->parameters[j].name),
                         k->parameters[j].kind == GPUMM_PARAMETER_POINTER ? '*' : '=', k->parameters[j].type));
    }
    return list->refused ? add_line(out, "//refused %s\n", list->refused) : GPUMM_OK;
}

gpumm_status gpumm__record_make(const record_source *source, const prototype_list *list, grown_text *out, bool *keeps) {
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
    p->kind = *type == '*' ? GPUMM_PARAMETER_POINTER : GPUMM_PARAMETER_VALUE;
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
