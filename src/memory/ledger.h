/* SPDX-License-Identifier: MIT */
/* The books: one account for every live block of memory, and the sums over them. What a block holds
   beyond what was asked for (slack, precommitted, cached) is derived from its three numbers, never kept beside
   them. The owner's lock guards all of it. */
#ifndef MEMORY_LEDGER_H
#define MEMORY_LEDGER_H

#include "gpumm.h"

typedef struct account {
    struct account *next, *previous;
    gpumm_category category;
    const char *name, *tag; /* owned by whoever owns the account */
    uint64_t logical;       /* bytes asked for */
    uint64_t precommitted;  /* of the committed ones, those committed for coming growths */
    uint64_t committed;     /* bytes really held */
    gpumm_address address;
} account;

typedef struct ledger {
    account *first;
    gpumm_entry entry[GPUMM_CATEGORY_COUNT];
    uint64_t used, peak_used; /* logical */
    uint64_t committed, peak_committed;
} ledger;

void gpumm__ledger_open(ledger *l, account *a, gpumm_category category, const char *name, const char *tag);
/* The account's new numbers, whole. */
void gpumm__ledger_set(ledger *l, account *a, uint64_t logical, uint64_t precommitted, uint64_t committed);
/* Only the logical bytes, within what is committed: the short way for blocks that come and go. */
void gpumm__ledger_set_logical(ledger *l, account *a, uint64_t logical);
void gpumm__ledger_move(ledger *l, account *a, gpumm_category category, const char *name,
                        const char *tag); /* numbers become 0 */
void gpumm__ledger_close(ledger *l, account *a);
/* The block of `from` is `to` from now on, which is not open: it moved, so none is made. Numbers become 0. */
void gpumm__ledger_pass(ledger *l, account *from, account *to);
/* False where the accounts do not add up to the sums. */
bool gpumm__ledger_balanced(const ledger *l);
/* What the account adds to `category`. */
uint64_t gpumm__account_bytes(const account *a, gpumm_category category);

#endif
