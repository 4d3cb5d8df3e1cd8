/* SPDX-License-Identifier: MIT */
/* Lines of delimited text and their fields: the one tokenizer of everything that has columns. */
#ifndef MODULES_LAYOUT_FIELDS_H
#define MODULES_LAYOUT_FIELDS_H

#include <stdbool.h>
#include <stddef.h>

typedef struct dialect {
    char delimiter;       /* one sign between two fields; ' ': any run of blanks, and of commas too where `loose` */
    bool loose;           /* fields may be separated by blanks, tabs and commas, in the same file */
    bool quotes;          /* a field may stand in "…", "" in it for one " */
    bool lines_in_quotes; /* and have several lines there */
    char newline;         /* '\n', or '\r' where that ends lines alone */
    char comma;           /* the sign before a number's fraction */
    const char *comments; /* signs that begin a line which is none, "#%"; "" or NULL: none */
    unsigned columns;     /* such a line is data where no blank follows the sign and it has so many; 0: never */
    const char *skipped;  /* first signs of lines that are passed over whatever they hold, "cp" of DIMACS; NULL: none */
    unsigned char sign[256]; /* what each byte is: gpumm_layout__dialect_ready makes it of the above */
} dialect;

enum { SIGN_END = 1, SIGN_BETWEEN = 2, SIGN_BLANK = 4, SIGN_COMMENT = 8, SIGN_SKIPPED = 16 };

typedef struct field {
    const char *text;
    size_t length;
    bool quoted, doubled; /* in quotes, without them; with "" in it */
} field;

typedef enum field_outcome {
    FIELD_READ,
    FIELD_NONE,   /* the line has ended before it */
    FIELD_BROKEN, /* something follows its closing quote */
    FIELD_OPEN    /* its quote is not closed */
} field_outcome;

void gpumm_layout__dialect_ready(dialect *d);
/* Reads the field at *at and leaves *at at the next one, or at the line's end. `last`: the rest of the line is one
   field. Behind a line's last delimiter is an empty field, over and over: *at stays. A line's first field is asked for with *at where gpumm_layout__line_begin left it. */
field_outcome gpumm_layout__field(const dialect *d, const char **at, const char *end, bool last, field *out);
/* Passes over the rest of the line and its end. */
const char *gpumm_layout__line_end(const dialect *d, const char *at, const char *end);
/* Is the line at `at` data, rather than blank or a comment? Leaves *at at its first field. */
bool gpumm_layout__line_begin(const dialect *d, const char **at, const char *end);
/* Writes a field's text, "" made ", to `to`, which has room for it; returns its length. */
size_t gpumm_layout__field_text(const field *f, char *to);

#endif
