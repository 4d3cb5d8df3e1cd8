/* Reading sources and following their own includes. Includes of the system's, in <> or not beside the file,
   stay as they are: the compiler knows where those are. */
#include "kernel/source.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/status.h"

enum { DEPTH_MAX = 32, PATH_SIZE = 4096 };

gpumm_status text_add(text *t, const char *bytes, size_t length) {
    size_t wanted = t->length + length + 1;
    if (wanted > t->capacity) {
        size_t more = wanted > 2 * t->capacity ? wanted : 2 * t->capacity;
        char *grown = mem_resize(t->from, t->bytes, more);
        if (!grown) return fail_host_memory(more);
        t->bytes = grown;
        t->capacity = more;
    }
    if (length) memcpy(t->bytes + t->length, bytes, length);
    t->length += length;
    t->bytes[t->length] = 0;
    return GPUMM_OK;
}

gpumm_status text_string(text *t, const char *string) { return text_add(t, string, strlen(string)); }

void text_free(text *t) {
    mem_free(t->from, t->bytes);
    *t = (text){.from = t->from};
}

bool source_is_binary(const char *file) {
    static const char *const endings[] = {".ptx", ".cubin", ".fatbin"};
    size_t length = file ? strlen(file) : 0;
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (length >= strlen(endings[i]) && strcmp(file + length - strlen(endings[i]), endings[i]) == 0)
            return true;
    return false;
}

static gpumm_status read_file(const char *path, text *out) {
    char part[8192];
    FILE *f = fopen(path, "re");
    if (!f) return fail(GPUMM_IO, "%s: %s", path, strerror(errno));
    gpumm_status status = text_string(out, "");
    for (size_t n; status == GPUMM_OK && (n = fread(part, 1, sizeof part, f)) > 0;)
        status = text_add(out, part, n);
    if (status == GPUMM_OK && ferror(f)) status = fail(GPUMM_IO, "%s: %s", path, strerror(errno));
    fclose(f);
    if (status == GPUMM_OK && memchr(out->bytes, 0, out->length))
        status = fail(GPUMM_IO, "%s is no text: there is a zero byte in it", path);
    return status;
}

#define BYTE_ORDER_MARK "\xEF\xBB\xBF" /* some editors begin a file with it, and no compiler knows it in the midst */

typedef struct expander {
    text *out;
    text seen; /* paths put in so far, a line each */
    unsigned depth;
} expander;

static gpumm_status expand(expander *e, const char *bytes, const char *file);

/* The end of this line; `comment` follows whether a block comment is open there. */
static const char *line_end(const char *at, bool *comment) {
    for (char quote = 0; *at && *at != '\n'; at++) {
        if (*comment) {
            if (at[0] == '*' && at[1] == '/') *comment = false, at++;
        } else if (quote) {
            if (*at == '\\' && at[1] && at[1] != '\n') at++;
            else if (*at == quote) quote = 0;
        } else if (at[0] == '/' && at[1] == '/') {
            return at + strcspn(at, "\n");
        } else if (at[0] == '/' && at[1] == '*') {
            *comment = true, at++;
        } else if (*at == '"' || *at == '\'') {
            quote = *at;
        }
    }
    return at;
}

/* The name in #include "name"; false: this line is something else. */
static bool included(const char *line, const char **name, size_t *length) {
    line += strspn(line, " \t");
    if (*line++ != '#') return false;
    line += strspn(line, " \t");
    if (strncmp(line, "include", 7) != 0) return false;
    line += 7 + strspn(line + 7, " \t");
    if (*line++ != '"') return false;
    *name = line;
    *length = strcspn(line, "\"\n");
    return *length > 0 && line[*length] == '"';
}

static bool beside(const char *file, const char *name, size_t length, char path[static PATH_SIZE]) {
    const char *slash = *name == '/' ? NULL : strrchr(file, '/');
    int directory = slash ? (int)(slash - file) + 1 : 0;
    int used = snprintf(path, PATH_SIZE, "%.*s%.*s", directory, file, (int)length, name);
    FILE *f = used > 0 && used < PATH_SIZE ? fopen(path, "re") : NULL;
    if (f) fclose(f);
    return f != NULL;
}

static bool is_seen(const expander *e, const char *path) {
    size_t length = strlen(path);
    const char *at = e->seen.bytes;
    while (at && (at = strstr(at, path))) {
        if ((at == e->seen.bytes || at[-1] == '\n') && at[length] == '\n') return true;
        at++;
    }
    return false;
}

static gpumm_status mark(expander *e, unsigned line, const char *file) {
    char number[32];
    snprintf(number, sizeof number, "#line %u \"", line);
    TRY(text_string(e->out, number));
    TRY(text_string(e->out, file));
    return text_string(e->out, "\"\n");
}

static gpumm_status put_file(expander *e, const char *path, const char *file, unsigned line) {
    if (is_seen(e, path)) return text_string(e->out, "\n"); /* lines stay counted */
    if (e->depth == DEPTH_MAX)
        return fail(GPUMM_IO, "%s:%u: includes are nested more than %d deep", file, line, DEPTH_MAX);
    text inner = {.from = e->out->from};
    gpumm_status status = read_file(path, &inner);
    if (status == GPUMM_OK) status = text_string(&e->seen, path);
    if (status == GPUMM_OK) status = text_string(&e->seen, "\n");
    if (status == GPUMM_OK) status = mark(e, 1, path);
    if (status == GPUMM_OK) status = expand(e, inner.bytes, path);
    if (status == GPUMM_OK) status = text_string(e->out, "\n");
    if (status == GPUMM_OK) status = mark(e, line + 1, file);
    text_free(&inner);
    return status;
}

static gpumm_status expand(expander *e, const char *bytes, const char *file) {
    bool comment = false;
    unsigned line = 1;
    e->depth++;
    if (strncmp(bytes, BYTE_ORDER_MARK, strlen(BYTE_ORDER_MARK)) == 0) bytes += strlen(BYTE_ORDER_MARK);
    for (const char *at = bytes; *at; line++) {
        char path[PATH_SIZE];
        const char *name;
        size_t length;
        bool include = !comment && included(at, &name, &length) && beside(file, name, length, path);
        const char *end = line_end(at, &comment);
        end += *end == '\n';
        TRY(include ? put_file(e, path, file, line) : text_add(e->out, at, (size_t)(end - at)));
        at = end;
    }
    e->depth--;
    return GPUMM_OK;
}

gpumm_status source_read(const gpumm_allocator *from, const char *given, const char *file, text *out) {
    text whole = {.from = from}, made = {.from = from};
    expander e = {.out = &made, .seen.from = from};
    gpumm_status status = given ? text_string(&whole, given) : read_file(file, &whole);
    if (status == GPUMM_OK) status = text_string(&made, "");
    if (status == GPUMM_OK) status = expand(&e, whole.bytes, file);
    text_free(&whole);
    text_free(&e.seen);
    if (status == GPUMM_OK) *out = made;
    else text_free(&made);
    return status;
}
