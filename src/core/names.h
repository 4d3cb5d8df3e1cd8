/* SPDX-License-Identifier: MIT */
/* A table of names, chained through what is named. It copies nothing and locks nothing: the owner does both. */
#ifndef CORE_NAMES_H
#define CORE_NAMES_H

#include "base/limits.h"
#include "gpumm.h"

enum { NAME_BUCKETS = 64 };

typedef struct name_entry { /* embedded in what has a name */
    struct name_entry *next;
    char *name; /* the owner's */
} name_entry;

typedef struct name_table {
    name_entry *few[NAME_BUCKETS];
    name_entry **many; /* instead, once there are more; NULL: there are not */
    size_t buckets;    /* of `many` */
    size_t count;
} name_table;

/* INVALID_ARGUMENT unless the name has 1 to NAME_BYTES bytes; `what` is it that is named: "buffer". */
gpumm_status gpumm__name_check(const char *what, const char *name);

name_entry *gpumm__names_find(name_table *n, const char *name); /* NULL: there is none */
void gpumm__names_add(name_table *n, name_entry *entry);
void gpumm__names_remove(name_table *n, name_entry *entry); /* does nothing where it is not in the table */
/* How many buckets there should be; 0: there are enough. */
size_t gpumm__names_wanted(const name_table *n);
/* Takes `fresh`, zeroed, of so many buckets; returns what is to be freed, without the lock. NULL is fine. */
name_entry **gpumm__names_spread(name_table *n, name_entry **fresh, size_t buckets);

#endif
