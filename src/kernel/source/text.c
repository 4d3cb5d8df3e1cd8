/* SPDX-License-Identifier: MIT */
/* Growing texts, and reading files into them. */
#include "kernel/source/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/status.h"

enum { TEXT_LIMIT = 64 << 20 };

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

static gpumm_status check_file(int descriptor, const char *path) {
    struct stat s;
    if (fstat(descriptor, &s) != 0) return fail(GPUMM_IO, "%s: %s", path, strerror(errno));
    if (S_ISDIR(s.st_mode)) return fail(GPUMM_IO, "%s: %s", path, strerror(EISDIR));
    if (!S_ISREG(s.st_mode))
        return fail(GPUMM_IO, "%s is a pipe, a device or the like: a kernel is read from a plain file", path);
    if (s.st_size > TEXT_LIMIT) return fail(GPUMM_IO, "%s has more than %d MiB", path, TEXT_LIMIT >> 20);
    return GPUMM_OK;
}

static gpumm_status read_all(text *t, int descriptor, const char *path) {
    char part[8192];
    TRY(gpumm__text_string(t, ""));
    for (;;) {
        ssize_t n = read(descriptor, part, sizeof part);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return fail(GPUMM_IO, "%s: %s", path, strerror(errno));
        if (n == 0) return GPUMM_OK;
        if (t->length + (size_t)n > TEXT_LIMIT)
            return fail(GPUMM_IO, "%s has more than %d MiB", path, TEXT_LIMIT >> 20);
        TRY(gpumm__text_add(t, part, (size_t)n));
    }
}

/* Not waiting for who might write to it: that it is a pipe is known once it is open. */
gpumm_status gpumm__text_read(text *t, const char *path) {
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (descriptor < 0) return fail(GPUMM_IO, "%s: %s", path, strerror(errno));
    gpumm_status status = check_file(descriptor, path);
    if (status == GPUMM_OK) status = read_all(t, descriptor, path);
    close(descriptor);
    return status;
}
