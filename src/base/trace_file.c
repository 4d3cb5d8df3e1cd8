/* SPDX-License-Identifier: MIT */
/* Two halves of memory and one file. */
#include "base/trace_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/size.h"
#include "base/status.h"

/* ---- Writing; with `io` held --------------------------------------------------------------------------------- */

static bool write_all(const trace_file *f, const char *text, size_t bytes, uint64_t offset) {
    while (bytes) {
        ssize_t n = f->regular ? pwrite(f->fd, text, bytes, (off_t)offset) : write(f->fd, text, bytes);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return false;
        text += n;
        offset += (uint64_t)n;
        bytes -= (size_t)n;
    }
    return true;
}

/* What was whole before stays so: the ending goes back to where it stood, and what is behind it goes. */
static void write_failed(trace_file *f, const char *ending) {
    f->status = fail(GPUMM_IO, "%s: writing failed: %s", f->path, strerror(errno));
    snprintf(f->message, sizeof f->message, "%s", gpumm_message());
    size_t bytes = strlen(ending);
    if (!f->regular || !write_all(f, ending, bytes, f->offset)) return;
    if (ftruncate(f->fd, (off_t)(f->offset + bytes)) != 0) errno = 0;
}

static size_t take_front(trace_file *f, uint64_t *lost) {
    pthread_mutex_lock(&f->lock);
    char *full = f->front;
    size_t bytes = f->used;
    f->front = f->back;
    f->back = full;
    f->used = 0;
    *lost = f->lost;
    pthread_mutex_unlock(&f->lock);
    return bytes;
}

static void flush(trace_file *f, bool last) {
    char ending[TRACE_ENDING];
    uint64_t lost;
    size_t bytes = take_front(f, &lost), all = bytes;
    if (f->status != GPUMM_OK || f->ended) return;
    f->ending(lost, ending);
    if (f->regular || last) {
        memcpy(f->back + bytes, ending, strlen(ending));
        all += strlen(ending);
    }
    if (!bytes && !last) return;
    if (write_all(f, f->back, all, f->offset)) f->offset += bytes;
    else write_failed(f, ending);
}

void gpumm__trace_file_flush(trace_file *f) {
    pthread_mutex_lock(&f->io);
    flush(f, false);
    pthread_mutex_unlock(&f->io);
}

gpumm_status gpumm__trace_file_end(trace_file *f) {
    pthread_mutex_lock(&f->io);
    if (!f->ended) flush(f, true);
    f->ended = true;
    gpumm_status status = f->status;
    if (status != GPUMM_OK) fail(status, "%s", f->message);
    pthread_mutex_unlock(&f->io);
    return status;
}

/* ---- Gathering ----------------------------------------------------------------------------------------------- */

static bool put(trace_file *f, const char *line, size_t bytes, bool patient, bool *full) {
    pthread_mutex_lock(&f->lock);
    bool fits = bytes <= f->capacity - f->used;
    if (fits) {
        memcpy(f->front + f->used, line, bytes);
        f->used += bytes;
    } else if (!patient) {
        f->lost++;
    }
    *full = f->used >= f->capacity / 2;
    pthread_mutex_unlock(&f->lock);
    return fits;
}

bool gpumm__trace_file_put(trace_file *f, const char *line, size_t bytes, bool patient) {
    bool full;
    while (!put(f, line, bytes, patient, &full) && patient) gpumm__trace_file_flush(f);
    return full;
}

void gpumm__trace_file_lose(trace_file *f) {
    pthread_mutex_lock(&f->lock);
    f->lost++;
    pthread_mutex_unlock(&f->lock);
}

/* ---- Opening and closing --------------------------------------------------------------------------------------- */

static gpumm_status open_path(trace_file *f) {
    struct stat about;
    f->fd = open(f->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (f->fd < 0) return fail(GPUMM_IO, "%s: cannot be written: %s", f->path, strerror(errno));
    f->regular = fstat(f->fd, &about) == 0 && S_ISREG(about.st_mode);
    return GPUMM_OK;
}

gpumm_status gpumm__trace_file_open(trace_file *f, const gpumm_allocator *memory, const char *path, size_t capacity,
                                    void (*ending)(uint64_t lost, char text[static TRACE_ENDING])) {
    *f = (trace_file){.memory = memory, .fd = -1, .capacity = capacity, .ending = ending};
    pthread_mutex_init(&f->io, NULL);
    pthread_mutex_init(&f->lock, NULL);
    f->path = gpumm__mem_string(memory, path);
    f->front = gpumm__mem_new(memory, capacity + TRACE_ENDING);
    f->back = gpumm__mem_new(memory, capacity + TRACE_ENDING);
    gpumm_status status = f->path && f->front && f->back ? open_path(f) : fail_host_memory(2 * capacity);
    if (status != GPUMM_OK) gpumm__trace_file_close(f);
    return status;
}

bool gpumm__trace_file_is(const trace_file *a, const trace_file *b) {
    struct stat one, other;
    return a->regular && b->regular && fstat(a->fd, &one) == 0 && fstat(b->fd, &other) == 0 &&
           one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

void gpumm__trace_file_close(trace_file *f) {
    if (!f->memory) return;
    if (f->fd >= 0) close(f->fd);
    gpumm__mem_free(f->memory, f->path);
    gpumm__mem_free(f->memory, f->front);
    gpumm__mem_free(f->memory, f->back);
    pthread_mutex_destroy(&f->io);
    pthread_mutex_destroy(&f->lock);
    *f = (trace_file){0};
}
