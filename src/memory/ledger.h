/* SPDX-License-Identifier: MIT */
/* The books: one account for each live block of memory, and the sums over all of them. How much of a block is slack,
   precommitted or cached is computed from its three numbers and not stored. Not thread-safe: the owner locks. */
#ifndef MEMORY_LEDGER_H
#define MEMORY_LEDGER_H

#include "device/device.h"

typedef struct account {
    struct account *next, *previous;
    gpumm_category category;
    const char *name, *tag;      /* borrowed: the account's owner keeps them alive */
    uint64_t logical;            /* bytes asked for */
    uint64_t precommitted;       /* of `committed`: bytes that are there for coming growths */
    uint64_t committed;          /* bytes held of the device */
    uint64_t spilled;            /* of `committed`: bytes that are the host's instead */
    const device_stripe *stripe; /* where on several devices; outlives the account */
    gpumm_address address;
} account;

typedef struct ledger {
    account *first;
    gpumm_entry entry[GPUMM_CATEGORY_COUNT];
    uint64_t used, peak_used; /* logical */
    uint64_t committed, peak_committed;
    uint64_t striped[GPUMM_DEVICES_MAX]; /* of `committed`: what accounts with a stripe hold on each device */
    void (*changed)(void *user);         /* called after each change; NULL: nobody asked */
    void *user;
} ledger;

void gpumm__ledger_open(ledger *l, account *a, gpumm_category category, const char *name, const char *tag);
/* Replaces three of its numbers. */
void gpumm__ledger_set(ledger *l, account *a, uint64_t logical, uint64_t precommitted, uint64_t committed);
void gpumm__ledger_set_spilled(ledger *l, account *a, uint64_t spilled);
void gpumm__ledger_set_stripe(ledger *l, account *a, const device_stripe *stripe); /* NULL: none */
/* Replaces the logical bytes only. Faster while they stay below `committed`: for blocks that are reused often. */
void gpumm__ledger_set_logical(ledger *l, account *a, uint64_t logical);
void gpumm__ledger_move(ledger *l, account *a, gpumm_category category, const char *name,
                        const char *tag); /* its numbers become 0 */
void gpumm__ledger_close(ledger *l, account *a);
/* The account `to` (not open yet) replaces `from` for the same block, which is not counted as a new one. Its numbers
   become 0. */
void gpumm__ledger_pass(ledger *l, account *from, account *to);
/* Do the accounts add up to the sums? */
bool gpumm__ledger_balanced(const ledger *l);
/* Bytes that the account adds to `category`. */
uint64_t gpumm__account_bytes(const account *a, gpumm_category category);

#endif
