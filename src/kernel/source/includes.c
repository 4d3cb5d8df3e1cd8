/* SPDX-License-Identifier: MIT */
/* Reading sources and following their own includes. Includes of the system's, in <> or not beside the file,
   stay as they are: the compiler knows where those are. What it would find in folders that -I names is read
   too, for the cache must know when it changes. */
#include "kernel/source/includes.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/status.h"
#include "kernel/source/strip_comments.h"

enum { DEPTH_MAX = 32, PATH_SIZE = 4096, TEXT_LIMIT = 64 << 20 };

gpumm_status gpumm__text_add(text *t, const char *bytes, size_t length) {
    size_t wanted = t->length + length + 1;
    if (wanted > t->capacity) {
        size_t more = wanted > 2 * t->capacity ? wanted : 2 * t->capacity;
        char *grown = gpumm__mem_resize(t->from, t->bytes, more);
        if (!grown) return fail_host_memory(more);
        t->bytes = grown;
        t->capacity = more;
    }
    if (length) memcpy(t->bytes + t->length, bytes, length);
    t->length += length;
    t->bytes[t->length] = 0;
    return GPUMM_OK;
}

gpumm_status gpumm__text_string(text *t, const char *string) { return gpumm__text_add(t, string, strlen(string)); }

void gpumm__text_free(text *t) {
    gpumm__mem_free(t->from, t->bytes);
    *t = (text){.from = t->from};
}

bool gpumm__source_is_binary(const char *file) {
    static const char *const endings[] = {".ptx", ".cubin", ".fatbin"};
    size_t length = file ? strlen(file) : 0;
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (length >= strlen(endings[i]) && strcmp(file + length - strlen(endings[i]), endings[i]) == 0) return true;
    return false;
}

static gpumm_status read_file(const char *path, text *out) {
    char part[8192];
    FILE *f = fopen(path, "re");
    if (!f) return fail(GPUMM_IO, "%s: %s", path, strerror(errno));
    gpumm_status status = gpumm__text_string(out, "");
    for (size_t n; status == GPUMM_OK && (n = fread(part, 1, sizeof part, f)) > 0;)
        status = gpumm__text_add(out, part, n);
    if (status == GPUMM_OK && ferror(f)) status = fail(GPUMM_IO, "%s: %s", path, strerror(errno));
    fclose(f);
    if (status == GPUMM_OK && memchr(out->bytes, 0, out->length))
        status = fail(GPUMM_IO, "%s is no text: there is a zero byte in it", path);
    return status;
}

#define BYTE_ORDER_MARK "\xEF\xBB\xBF" /* some editors begin a file with it, and no compiler knows it in the midst */

static const char *comment_end(const char *at) {
    if (at[1] == '*') {
        const char *end = strstr(at + 2, "*/");
        return end ? end + 2 : at + strlen(at);
    }
    for (size_t more; *at && *at != '\n'; at += more ? more : 1) more = continuation(at);
    return at;
}

/* Behind the closing quote, or at the line's end where there is none: the text may be prose within #if 0. */
static const char *quoted_end(const char *at) {
    for (char quote = *at++; *at && *at != '\n';) {
        size_t more = continuation(at);
        if (more) at += more;
        else if (*at == '\\' && at[1] && at[1] != '\n') at += 2;
        else if (*at++ == quote) return at;
    }
    return at;
}

/* The end of this line, which comments, raw strings and backslashes at ends make one of several. */
static const char *line_end(const char *start) {
    const char *at = start;
    while (*at && *at != '\n') {
        size_t more = continuation(at);
        bool separator = *at == '\'' && at > start && isalnum((unsigned char)at[-1]); /* 1'000 */
        if (more) at += more;
        else if (at[0] == '/' && (at[1] == '/' || at[1] == '*')) at = comment_end(at);
        else if (*at == '"' && gpumm__raw_string_opens(start, at)) at = gpumm__raw_string_end(at);
        else if (*at == '"' || (*at == '\'' && !separator)) at = quoted_end(at);
        else at++;
    }
    return at;
}

static unsigned lines_in(const char *at, const char *end) {
    unsigned count = 0;
    for (; at < end; at++) count += *at == '\n';
    return count;
}

/* Behind what a compiler takes for blanks: comments and joined lines too. */
static const char *past_blanks(const char *at) {
    for (;; at += continuation(at)) {
        at += strspn(at, " \t");
        if (at[0] == '/' && at[1] == '*') at = comment_end(at);
        else if (!continuation(at)) return at;
    }
}

/* What follows "# word" on this line; NULL: the line is something else. */
static const char *directive(const char *line, const char *word) {
    line = past_blanks(line);
    if (*line++ != '#') return NULL;
    line = past_blanks(line);
    return strncmp(line, word, strlen(word)) == 0 ? past_blanks(line + strlen(word)) : NULL;
}

/* The name in "name", or in <name>. */
static bool quoted(const char *at, const char *quotes, const char **name, size_t *length) {
    const char ends[] = {quotes[1], '\n', 0};
    if (!at || *at++ != quotes[0]) return false;
    *name = at;
    *length = strcspn(at, ends);
    return *length > 0 && at[*length] == quotes[1];
}

/* A folder of that name is passed by, as compilers do: <vector> may be meant. */
static bool is_file(const char *path) {
    struct stat s;
    return stat(path, &s) == 0 && S_ISREG(s.st_mode) && access(path, R_OK) == 0;
}

static bool beside(const char *file, const char *name, size_t length, char path[static PATH_SIZE]) {
    const char *slash = *name == '/' ? NULL : strrchr(file, '/');
    int directory = slash ? (int)(slash - file) + 1 : 0;
    int used = snprintf(path, PATH_SIZE, "%.*s%.*s", directory, file, (int)length, name);
    return used > 0 && used < PATH_SIZE && is_file(path);
}

/* ---- Putting in what is beside the file ------------------------------------------------------ */

typedef struct place { /* a file, whichever of its paths it is reached by */
    dev_t device;
    ino_t number;
} place;

typedef struct expander {
    text *out;
    place open[DEPTH_MAX]; /* those being put in, each by the one before it */
    unsigned depth;
    place *once; /* those that say #pragma once */
    size_t once_count, once_capacity;
} expander;

static gpumm_status expand(expander *e, const char *bytes, const char *file);

static size_t place_in(const place *list, size_t count, place wanted) {
    size_t i = 0;
    while (i < count && (list[i].device != wanted.device || list[i].number != wanted.number)) i++;
    return i;
}

/* A name that is no plain string of C would need another escape for each compiler. */
static gpumm_status mark(expander *e, unsigned line, const char *file) {
    char number[32];
    snprintf(number, sizeof number, "#line %u \"", line);
    TRY(gpumm__text_string(e->out, number));
    for (; *file; file++) TRY(gpumm__text_add(e->out, *file == '"' || *file == '\\' || *file == '\n' ? "'" : file, 1));
    return gpumm__text_string(e->out, "\"\n");
}

static bool says_once(const char *bytes) {
    for (const char *at = bytes; *at; at += *at == '\n') {
        const char *rest = directive(at, "pragma");
        if (rest && strncmp(rest, "once", 4) == 0 && !name_part(rest[4])) return true;
        at = line_end(at);
    }
    return false;
}

/* Where the file's text stands in the midst of another, #pragma once says nothing to a compiler; this does. */
static gpumm_status guard(expander *e, place p) {
    char lines[96];
    size_t i = place_in(e->once, e->once_count, p);
    if (i == e->once_count) {
        if (!gpumm__mem_reserve(e->out->from, (void **)&e->once, sizeof p, i, &e->once_capacity))
            return fail_host_memory(sizeof p);
        e->once[e->once_count++] = p;
    }
    snprintf(lines, sizeof lines, "#ifndef GPUMM_ONCE_%zu\n#define GPUMM_ONCE_%zu\n", i, i);
    return gpumm__text_string(e->out, lines);
}

static gpumm_status put_text(expander *e, place p, const char *bytes, const char *path) {
    bool once = says_once(bytes);
    if (once) TRY(guard(e, p));
    TRY(mark(e, 1, path));
    e->open[e->depth++] = p;
    TRY(expand(e, bytes, path));
    e->depth--;
    return gpumm__text_string(e->out, once ? "\n\n#endif\n" : "\n\n"); /* two: a backslash at its end takes one */
}

/* As often as it is included, as a compiler would: the second time it may say something else. Within itself it
   is left out, for its guard would: conditions are not decided here. */
static gpumm_status put_file(expander *e, const char *path, const char *file, unsigned line, unsigned next) {
    struct stat s;
    if (stat(path, &s) != 0) return fail(GPUMM_IO, "%s: %s", path, strerror(errno));
    place p = {s.st_dev, s.st_ino};
    if (place_in(e->open, e->depth, p) < e->depth) return mark(e, next, file);
    if (e->depth == DEPTH_MAX)
        return fail(GPUMM_IO, "%s:%u: includes are nested more than %d deep", file, line, DEPTH_MAX);
    text inner = {.from = e->out->from};
    gpumm_status status = read_file(path, &inner);
    if (status == GPUMM_OK && e->out->length + inner.length > TEXT_LIMIT)
        status = fail(GPUMM_IO, "%s:%u: with all that is included the text has more than %d MiB", file, line,
                      TEXT_LIMIT >> 20);
    if (status == GPUMM_OK) status = put_text(e, p, inner.bytes, path);
    if (status == GPUMM_OK) status = mark(e, next, file);
    gpumm__text_free(&inner);
    return status;
}

/* Behind one of these the text may be read again, and marks in what was left out were not. */
static bool turns(const char *line) { return directive(line, "el") || directive(line, "endif"); }

static gpumm_status expand(expander *e, const char *bytes, const char *file) {
    unsigned line = 1;
    bool any = false;
    if (strncmp(bytes, BYTE_ORDER_MARK, strlen(BYTE_ORDER_MARK)) == 0) bytes += strlen(BYTE_ORDER_MARK);
    for (const char *at = bytes; *at;) {
        char path[PATH_SIZE];
        const char *name;
        size_t length;
        bool include = quoted(directive(at, "include"), "\"\"", &name, &length) && beside(file, name, length, path);
        const char *end = line_end(at);
        end += *end == '\n';
        unsigned next = line + lines_in(at, end);
        TRY(include ? put_file(e, path, file, line, next) : gpumm__text_add(e->out, at, (size_t)(end - at)));
        any |= include;
        if (any && turns(at)) TRY(mark(e, next, file));
        at = end;
        line = next;
    }
    return GPUMM_OK;
}

gpumm_status gpumm__source_read(const gpumm_allocator *from, const char *given, const char *file, text *out) {
    text whole = {.from = from}, made = {.from = from};
    expander e = {.out = &made};
    gpumm_status status = given ? gpumm__text_string(&whole, given) : read_file(file, &whole);
    if (status == GPUMM_OK) status = gpumm__text_string(&made, "");
    if (status == GPUMM_OK) status = expand(&e, whole.bytes, file);
    gpumm__text_free(&whole);
    gpumm__mem_free(from, e.once);
    if (status == GPUMM_OK) *out = made;
    else gpumm__text_free(&made);
    return status;
}

/* ---- What the compiler will find elsewhere ----------------------------------------------------- */

static const char *const folder_flags[] = {
    "--include-path=", "--include-path", "-isystem", "-iquote", "-idirafter", "-I", NULL};
static const char *const file_flags[] = {"--pre-include=", "--pre-include", "-include", "-imacros", NULL};

/* What the next of these flags names, joined to it or behind a space; NULL: there is none. */
static const char *next_value(const char **flags, const char *const *names, size_t *length) {
    for (const char *at = *flags; *at; at += strcspn(at, " \t\n")) {
        at += strspn(at, " \t\n");
        for (size_t i = 0; names[i]; i++) {
            size_t name = strlen(names[i]);
            if (strncmp(at, names[i], name) != 0) continue;
            const char *value = at + name + strspn(at + name, " \t\n");
            *length = strcspn(value, " \t\n");
            *flags = value + *length;
            return *length ? value : NULL;
        }
    }
    return NULL;
}

typedef struct search {
    text list; /* the files found so far, a line each */
    const char *file, *flags;
} search;

static bool is_listed(const text *list, const char *path) {
    size_t length = strlen(path);
    for (const char *at = list->bytes; (at = strstr(at, path)); at++)
        if ((at == list->bytes || at[-1] == '\n') && at[length] == '\n') return true;
    return false;
}

static gpumm_status list_file(search *s, const char *path) {
    if (strchr(path, '\n') || is_listed(&s->list, path)) return GPUMM_OK;
    TRY(gpumm__text_string(&s->list, path));
    return gpumm__text_string(&s->list, "\n");
}

/* From every folder that has it: in which order they are searched differs from compiler to compiler, and whether
   the source's own is among them. */
static gpumm_status list_in_folders(search *s, const char *name, size_t length) {
    char path[PATH_SIZE];
    const char *rest = s->flags;
    size_t folder_length;
    if (beside(s->file, name, length, path)) TRY(list_file(s, path));
    for (const char *folder; (folder = next_value(&rest, folder_flags, &folder_length));) {
        int used = snprintf(path, PATH_SIZE, "%.*s/%.*s", (int)folder_length, folder, (int)length, name);
        if (used > 0 && used < PATH_SIZE && is_file(path)) TRY(list_file(s, path));
    }
    return GPUMM_OK;
}

/* A name that stands in quotes in the text of `file` (NULL: the source). */
static gpumm_status list_named(search *s, const char *at, const char *file) {
    char path[PATH_SIZE];
    const char *name;
    size_t length;
    bool own = quoted(at, "\"\"", &name, &length);
    if (own && file && beside(file, name, length, path)) return list_file(s, path);
    return own || quoted(at, "<>", &name, &length) ? list_in_folders(s, name, length) : GPUMM_OK;
}

/* The files that flags include before the source, and those that #include may name by a macro of theirs. */
static gpumm_status list_of_flags(search *s) {
    static const char *const macro_flags[] = {"-D", NULL};
    char path[PATH_SIZE];
    size_t length;
    const char *rest = s->flags;
    for (const char *name; (name = next_value(&rest, file_flags, &length));) {
        int used = snprintf(path, PATH_SIZE, "%.*s", (int)length, name);
        if (used > 0 && used < PATH_SIZE && is_file(path)) TRY(list_file(s, path));
        TRY(list_in_folders(s, name, length));
    }
    rest = s->flags;
    for (const char *macro, *equals; (macro = next_value(&rest, macro_flags, &length));)
        if ((equals = memchr(macro, '=', length))) TRY(list_named(s, equals + 1, NULL));
    return GPUMM_OK;
}

/* What #define NAME "file" says, for #include NAME; NULL: this line is something else. */
static const char *defined_text(const char *line) {
    const char *at = directive(line, "define");
    while (at && name_part(*at)) at++;
    return at ? past_blanks(at) : NULL;
}

/* Adds the files that these includes are found in, or may be. */
static gpumm_status list_includes(search *s, const char *bytes, const char *file) {
    for (const char *at = bytes; *at; at += *at == '\n') {
        TRY(list_named(s, directive(at, "include"), file));
        TRY(list_named(s, defined_text(at), file));
        at = line_end(at);
    }
    return GPUMM_OK;
}

/* One file of the list, and what it includes goes behind the list's end. What cannot be read the compiler names. */
static gpumm_status add_header(search *s, const char *path, text *out) {
    text header = {.from = out->from};
    gpumm_status status = GPUMM_OK;
    if (read_file(path, &header) == GPUMM_OK) {
        status = gpumm__text_add(out, header.bytes, header.length + 1); /* the NUL parts it from the next */
        if (status == GPUMM_OK) status = list_includes(s, header.bytes, path);
    }
    gpumm__text_free(&header);
    return status;
}

gpumm_status gpumm__source_headers(const text *source, const char *file, const char *flags, text *out) {
    char path[PATH_SIZE];
    search s = {.list.from = out->from, .file = file, .flags = flags};
    gpumm_status status = gpumm__text_string(&s.list, "");
    if (status == GPUMM_OK) status = gpumm__text_string(out, "");
    if (status == GPUMM_OK) status = list_of_flags(&s);
    if (status == GPUMM_OK) status = list_includes(&s, source->bytes, NULL);
    for (size_t at = 0; status == GPUMM_OK && at < s.list.length;) {
        size_t length = strcspn(s.list.bytes + at, "\n");
        snprintf(path, sizeof path, "%.*s", (int)length, s.list.bytes + at);
        at += length + 1;
        status = add_header(&s, path, out);
    }
    gpumm__text_free(&s.list);
    return status;
}
