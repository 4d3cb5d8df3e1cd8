/* SPDX-License-Identifier: MIT */
/* Log lines for people go to the application's sink. It is never called with a lock held. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "gpumm.h"

typedef struct log_sink {
    gpumm_log_fn write; /* NULL: silent */
    void *user;
} log_sink;

void gpumm__log_line(const log_sink *sink, gpumm_log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
