/* SPDX-License-Identifier: MIT */
/* Formats one line of the log and passes it to the sink. */
#include "base/log.h"

#include <stdarg.h>

#include "base/locale.h"

void gpumm__log_line(const log_sink *sink, gpumm_log_level level, const char *format, ...) {
    if (!sink->write) return;
    char line[2048];
    va_list list;
    va_start(list, format);
    gpumm__plain_format(line, sizeof line, format, list);
    va_end(list);
    sink->write(sink->user, level, line);
}
