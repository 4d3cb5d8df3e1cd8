/* SPDX-License-Identifier: MIT */
/* Rows of delimited text into typed columns, on several threads. It knows columns, not graphs. */
#ifndef MODULES_LAYOUT_COLUMNS_PARSE_H
#define MODULES_LAYOUT_COLUMNS_PARSE_H

#include "modules/layout/fields.h"
#include "modules/layout/intern.h"

typedef enum column_kind {
    COLUMN_SKIP,    /* there may be anything */
    COLUMN_NAME,    /* text, interned: u32 from 1 */
    COLUMN_F64,     /* f64; NaN where it is empty */
    COLUMN_I64,     /* i64 */
    COLUMN_INDEX,   /* u32, a whole number from `least` to `most` */
    COLUMN_LITERAL, /* the text `literal`, and no other */
    COLUMN_DICT,    /* the rest of the line, {'weight': 2.5}: f64 as COLUMN_F64 */
    COLUMN_ABSENT   /* nothing but blanks and comments: the rows that were looked at have none */
} column_kind;

typedef struct column {
    column_kind kind;
    bool required;       /* else a row may end before it, or have nothing there */
    unsigned dictionary; /* of names: columns with the same number share one */
    uint64_t least, most;
    const char *literal;
    void *out;                    /* room for a value of every line; NULL: not kept */
    atomic_bool missing, present; /* is it empty anywhere? is it given? */
} column;

enum { COLUMNS_MOST = 256, DICTIONARIES_MOST = 256 };

typedef enum row_fault {
    ROW_RIGHT,
    ROW_SHORT,   /* a required column is missing; the text is the line's */
    ROW_NUMBER,  /* the text is no finite number */
    ROW_INTEGER, /* the text is no whole number */
    ROW_RANGE,   /* a number outside of `least` to `most` */
    ROW_LITERAL, /* the text is another */
    ROW_QUOTE,   /* a field goes on behind its closing quote */
    ROW_OPEN,    /* a quote is not closed */
    ROW_LONG,    /* more columns than there are to be, where `exact` */
    ROW_EXTRA,   /* something where nothing was to be */
    ROW_MEMORY
} row_fault;

typedef struct parse_error {
    row_fault fault;
    uint64_t line;   /* from 1 */
    unsigned column; /* from 0 */
    char text[64];   /* the beginning of what is wrong */
} parse_error;

typedef struct parsing {
    work *work;
    dialect dialect;
    bool exact; /* rows have no more columns than those described */
    const char *text, *end;
    uint64_t first_line; /* the number of the text's first line */
    column *columns;
    unsigned count, dictionaries;
    /* What it finds */
    uint64_t lines, rows;
    struct piece *pieces;
    unsigned piece_count;
    parse_error error;
} parsing;

/* Divides the text into pieces and counts its lines: an upper bound for its rows. False: no memory. */
bool gpumm_layout__parse_begin(parsing *p, uint64_t seed);
/* Fills the columns, whose `out` have room for p->lines values. False: p->error says why. Names are numbered piece by
   piece until gpumm_layout__parse_names. */
bool gpumm_layout__parse_rows(parsing *p);
/* Numbers the names of one dictionary over all pieces, and gives them all; to be freed. False: no memory. */
bool gpumm_layout__parse_names(parsing *p, unsigned dictionary, intern_name **names, uint32_t *total);
void gpumm_layout__parse_end(parsing *p);

#endif
