/* SPDX-License-Identifier: MIT */
/* Reporting errors. `fail` is the only function that writes the thread's message. */
#ifndef BASE_STATUS_H
#define BASE_STATUS_H

#include "base/shared.h"
#include "gpumm.h"

/* Sets this thread's message and returns `status`, for use as `return fail(…)`. */
gpumm_status fail(gpumm_status status, const char *format, ...) SHARED(fail) __attribute__((format(printf, 2, 3)));
/* Prepends text to this thread's message, as "buffer 'x': ". Returns `status`. */
gpumm_status fail_in(gpumm_status status, const char *format, ...) SHARED(fail_in)
    __attribute__((format(printf, 2, 3)));
/* fail(OUT_OF_MEMORY) for gpumm's own host memory. */
gpumm_status fail_host_memory(size_t bytes) SHARED(fail_host_memory);

#define TRY(call) \
    do { \
        gpumm_status try_status_ = (call); \
        if (try_status_ != GPUMM_OK) return try_status_; \
    } while (0)

/* On: if this thread's next calls run out of memory, they fail at once. The caller then collects Lua's garbage and
   calls again, before the application's pressure hook is asked. */
void first_try(bool on) SHARED(first_try);
bool gpumm__is_first_try(void);

#endif
