/* SPDX-License-Identifier: MIT */
/* Names and texts of statuses, and the state of a thread: the message of its last failure, and whether its present call
   is a first try. Static mutable state, one for each thread. */
#include "base/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/locale.h"

/* Holds a compiler's first errors; longer messages are cut. */
enum { MESSAGE_SIZE = 8192 };
static _Thread_local char message[MESSAGE_SIZE];
static _Thread_local bool trying;

static const char *const names[] = {
#define NAME(name, text) #name,
    GPUMM_STATUS_MAP(NAME)
#undef NAME
};

static const char *const texts[] = {
#define TEXT(name, text) text,
    GPUMM_STATUS_MAP(TEXT)
#undef TEXT
};

static bool known(gpumm_status status) { return (unsigned)status < GPUMM_STATUS_COUNT; }

const char *gpumm_status_name(gpumm_status status) { return known(status) ? names[status] : "UNKNOWN"; }

const char *gpumm_status_text(gpumm_status status) { return known(status) ? texts[status] : "no such status"; }

gpumm_status gpumm_status_named(const char *name) {
    NOT_NULL(name, "name");
    for (unsigned i = 0; name && i < GPUMM_STATUS_COUNT; i++)
        if (strcmp(names[i], name) == 0) return (gpumm_status)i;
    return GPUMM_STATUS_COUNT;
}

bool gpumm_status_is_memory_error(gpumm_status status) {
    return status == GPUMM_OUT_OF_MEMORY || status == GPUMM_OVER_LIMIT || status == GPUMM_OVER_MAX_SIZE;
}

const char *gpumm_message(void) { return message; }

const char *gpumm_version(void) { return GPUMM_VERSION; }

gpumm_status fail(gpumm_status status, const char *format, ...) {
    char text[MESSAGE_SIZE]; /* an argument may point into `message` */
    va_list list;
    va_start(list, format);
    gpumm__plain_format(text, sizeof text, format, list);
    va_end(list);
    memcpy(message, text, strlen(text) + 1);
    return status;
}

gpumm_status fail_in(gpumm_status status, const char *format, ...) {
    char text[1024];
    va_list list;
    va_start(list, format);
    gpumm__plain_format(text, sizeof text, format, list);
    va_end(list);
    return fail(status, "%s%s", text, message);
}

gpumm_status fail_host_memory(size_t bytes) {
    return fail(GPUMM_OUT_OF_MEMORY, "no host memory for %zu bytes of bookkeeping", bytes);
}

gpumm_status fail_null(const char *function, const char *argument) {
    return fail(GPUMM_INVALID_ARGUMENT, "%s: %s is NULL", function, argument);
}

void first_try(bool on) { trying = on; }

bool gpumm__is_first_try(void) { return trying; }
