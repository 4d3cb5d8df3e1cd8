/* SPDX-License-Identifier: MIT */
/* Headers that a text asks for by name. */
#ifndef KERNEL_MENTION_H
#define KERNEL_MENTION_H

#include <stdbool.h>
#include <stddef.h>

typedef struct mention {
    const char *name; /* within the text; NULL: a macro stands for it */
    size_t length;
    bool quoted; /* "name", which is looked for beside the file first */
    bool tested; /* __has_include: it need not be there */
} mention;

/* The next one from `at` on; returns where to go on, NULL where there are no more. */
const char *gpumm__mention_next(const char *at, mention *out);

#endif
