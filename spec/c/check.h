/* SPDX-License-Identifier: MIT */
/* Checks for the C tests: the first that does not hold says where, what and the last message, and ends
   the test with 1. */
#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gpumm.h"

/* A test may define this before, to say what it was doing when a check did not hold. */
#ifndef CHECK_CONTEXT
#define CHECK_CONTEXT() ((void)0)
#endif

/* Unbuffered and without destructors: another thread may be in the middle of anything. */
_Noreturn static inline void check_failed(const char *file, int line, const char *what) {
    fprintf(stderr, "%s:%d: %s\n    last message: %s\n", file, line, what, gpumm_message());
    CHECK_CONTEXT();
    _Exit(1);
}

static inline void check_status(const char *file, int line, const char *what, gpumm_status got, gpumm_status wanted) {
    if (got == wanted) return;
    fprintf(stderr, "%s:%d: %s came to %s, not to %s\n    last message: %s\n", file, line, what, gpumm_status_name(got),
            gpumm_status_name(wanted), gpumm_message());
    CHECK_CONTEXT();
    _Exit(1);
}

static inline void check_says(const char *file, int line, const char *words) {
    if (strstr(gpumm_message(), words)) return;
    fprintf(stderr, "%s:%d: the message does not say '%s': %s\n", file, line, words, gpumm_message());
    CHECK_CONTEXT();
    _Exit(1);
}

#define CHECK(condition) ((condition) ? (void)0 : check_failed(__FILE__, __LINE__, #condition))
/* CHECK_STATUS(gpumm_buffer_resize(b, 1), GPUMM_OVER_LIMIT) */
#define CHECK_STATUS(call, status) check_status(__FILE__, __LINE__, #call, (call), (status))
#define CHECK_OK(call) CHECK_STATUS(call, GPUMM_OK)
/* The last failure's message holds these words. */
#define CHECK_SAYS(words) check_says(__FILE__, __LINE__, (words))

#endif
