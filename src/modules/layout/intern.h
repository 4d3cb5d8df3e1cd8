/* SPDX-License-Identifier: MIT */
/* Names interned to dense numbers, from 0 in the order of their first appearance; and the dictionaries of several
   pieces of a file made one, as if the pieces had been read one behind the other. */
#ifndef MODULES_LAYOUT_INTERN_H
#define MODULES_LAYOUT_INTERN_H

#include "modules/layout/work.h"

typedef struct intern_name {
    const char *text;
    uint32_t length, hash;
} intern_name;

struct intern_slot;
struct intern_long_slot;
struct intern_block;

typedef struct interner {
    const work *work;
    struct intern_slot *slots;      /* of names of up to 8 bytes: open addressing; NULL: none yet */
    struct intern_long_slot *longs; /* of the others */
    size_t mask, long_mask;         /* of the slots, powers of two less one */
    uint32_t short_count;
    intern_name *names; /* by number */
    uint32_t count, room;
    struct intern_block *blocks; /* copies of names that do not lie elsewhere */
    uint64_t seed;
} interner;

enum { INTERN_MOST = 0x7fffffff }; /* names */

/* Names are hashed with `seed`, so that nobody prepares a file whose names all collide. */
void gpumm_layout__intern_begin(interner *t, const work *w, uint64_t seed);
void gpumm_layout__intern_end(interner *t);
/* No more names will be looked for: what finds them is given back, and the names stay. */
void gpumm_layout__intern_settle(interner *t);
/* The number of a name; false: there is no memory, or too many names. `text` stays where it is as long as the
   dictionary, unless `copy`. `limit` is behind the last byte that may be read at `text`. */
bool gpumm_layout__intern(interner *t, const char *text, size_t length, const char *limit, bool copy, uint32_t *number);
/* The same in two halves, so that several names are looked for at a time: a key, whose place in memory is asked for, and
   the number of what was prepared so. */
typedef struct intern_key {
    const char *text;
    uint64_t word, more; /* its first 16 bytes; of a longer name two hashes */
    uint32_t length, hash;
} intern_key;
intern_key gpumm_layout__intern_prepare(const interner *t, const char *text, size_t length, const char *limit);
bool gpumm_layout__intern_prepared(interner *t, const intern_key *key, bool copy, uint32_t *number);
/* The number of a name that is known, or false. */
bool gpumm_layout__intern_find(const interner *t, const char *text, size_t length, uint32_t *number);

/* For every piece's dictionary, which number each of its names has in all of them, in the order of the pieces:
   numbers[i][k] of name k of piece i (to be freed one by one), and all names in `names` (to be freed), whose texts stay
   with the pieces. False: no memory; everything is freed. */
bool gpumm_layout__intern_merge(work *w, interner *pieces, unsigned count, uint32_t **numbers, intern_name **names,
                                uint32_t *total);

#endif
