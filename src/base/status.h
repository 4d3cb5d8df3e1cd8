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

/* fail(INVALID_ARGUMENT) for an argument of a public function that is NULL. */
gpumm_status fail_null(const char *function, const char *argument) SHARED(fail_null);
/* At the beginning of a public function, with the argument's name in the header. */
#define NOT_NULL(argument, name) \
    do { \
        if (!(argument)) return fail_null(__func__, (name)); \
    } while (0)

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
