/* SPDX-License-Identifier: MIT */
/* Failing: how every room reports an error. `fail` is the only place where a message is made. */
#ifndef BASE_STATUS_H
#define BASE_STATUS_H

#include "base/shared.h"
#include "gpumm.h"

/* Sets this thread's message and returns `status`, so that `return fail(…)` reads as one act. */
gpumm_status fail(gpumm_status status, const char *format, ...) SHARED(fail) __attribute__((format(printf, 2, 3)));
/* Puts words in front of this thread's message: "buffer 'x': …". Returns `status`. */
gpumm_status fail_in(gpumm_status status, const char *format, ...) SHARED(fail_in)
    __attribute__((format(printf, 2, 3)));
/* fail(OUT_OF_MEMORY) for gpumm's own host memory. */
gpumm_status fail_host_memory(size_t bytes) SHARED(fail_host_memory);

#define TRY(call) \
    do { \
        gpumm_status try_status_ = (call); \
        if (try_status_ != GPUMM_OK) return try_status_; \
    } while (0)

/* This thread's next calls are first tries: their caller has garbage to give before anybody else is asked for memory. */
void first_try(bool on) SHARED(first_try);
bool gpumm__is_first_try(void);

#endif
