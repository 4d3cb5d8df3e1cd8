/* SPDX-License-Identifier: MIT */
/* A preprocessed text as tokens. Lines that begin with # say file and line, or nothing that matters here. */
#ifndef KERNEL_SOURCE_TOKENS_H
#define KERNEL_SOURCE_TOKENS_H

#include "base/alloc.h"
#include "gpumm.h"

typedef enum token_kind { TOKEN_END, TOKEN_NAME, TOKEN_NUMBER, TOKEN_STRING, TOKEN_PUNCTUATION } token_kind;

typedef struct token {
    token_kind kind;
    const char *text; /* within the text that is read, not ended by NUL; strings have their quotes */
    size_t length;
    const char *file; /* as the last line mark has it; ended by NUL, lives as long as the reader */
    unsigned line;
} token;

typedef struct token_file token_file;

typedef struct token_reader {
    const gpumm_allocator *from;
    const char *start, *at;
    token_file *files; /* those that marks have named */
    const char *file;
    unsigned line;
    bool fresh; /* nothing but blanks stood on this line so far */
} token_reader;

/* Until a mark says otherwise the text is `file`'s. The text outlives the reader. */
void gpumm__tokens_open(const gpumm_allocator *from, const char *text, const char *file, token_reader *out);
void gpumm__tokens_close(token_reader *r);
token gpumm__token_next(token_reader *r); /* TOKEN_END at the end */
bool gpumm__token_is(const token *t, const char *text);
/* COMPILE_FAILED, with the place. */
gpumm_status gpumm__token_wrong(const token *where, const char *what);
/* The token behind the bracket that `t` opens; `end` where it never closes. */
const token *gpumm__token_behind(const token *t, const token *end);
/* A word of declarations that takes an argument list of its own. */
bool gpumm__token_is_attribute(const token *t);

#endif
