/* SPDX-License-Identifier: MIT */
#include "device/host/complaint.h"

#include <stdbool.h>
#include <string.h>

#include "device/device.h"

static bool is_ours(const char *line) {
    return strncmp(line, DEVICE_OWN_TEXT ":", sizeof DEVICE_OWN_TEXT) == 0 ||
           strncmp(line, COMPLAINT_DECLARATIONS ":", sizeof COMPLAINT_DECLARATIONS) == 0;
}

/* The line behind this one. */
static char *next_line(char *line) {
    char *end = strchr(line, '\n');
    return end ? end + 1 : line + strlen(line);
}

/* Is there an error in the source itself? */
static bool has_own_error(char *text) {
    for (char *line = text; *line; line = next_line(line)) {
        const char *error = strstr(line, "error:"), *end = next_line(line);
        if (error && error < end && !is_ours(line)) return true;
    }
    return false;
}

void gpumm__complaint_cut(char *text) {
    char *to = text;
    if (!has_own_error(text)) return;
    for (char *line = text, *next; *line; line = next) {
        next = next_line(line);
        if (is_ours(line)) continue;
        memmove(to, line, (size_t)(next - line));
        to += next - line;
    }
    if (to > text && to[-1] == '\n') to--;
    *to = 0;
}
