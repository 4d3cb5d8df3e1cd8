/* SPDX-License-Identifier: MIT */
/* CUDA C as tokens, for whoever reads kernels before a compiler does: comments and line continuations
   are gone, conditionals are decided, macros are expanded. Includes are not followed: what they
   would define is unknown here, and an unknown name is an ordinary name. */
#ifndef KERNEL_SOURCE_PREPROCESSOR_H
#define KERNEL_SOURCE_PREPROCESSOR_H

#include "base/alloc.h"
#include "gpumm.h"

typedef enum token_kind { TOKEN_END, TOKEN_NAME, TOKEN_NUMBER, TOKEN_STRING, TOKEN_PUNCTUATION } token_kind;

typedef struct token {
    token_kind kind;
    const char *text; /* not ended by NUL; lives as long as the reader; strings have their quotes */
    size_t length;
    const char *file; /* where it stands (a macro's: where it is used); ended by NUL */
    unsigned line;
} token;

typedef struct reader reader;

/* `flags` are a compiler's: -DNAME and -DNAME=TEXT define macros, the rest is not looked at. */
gpumm_status gpumm__reader_open(const gpumm_allocator *from, const char *text, const char *file, const char *flags,
                                reader **out);
void gpumm__reader_close(reader *r); /* NULL is fine */
/* Makes `name` an object-like macro; both strings are copied. */
gpumm_status gpumm__reader_define(reader *r, const char *name, size_t name_length, const char *body,
                                  size_t body_length);
/* What such flags define, in addition. */
gpumm_status gpumm__reader_define_flags(reader *r, const char *flags);
/* The next token; TOKEN_END at the end, and after a failure. */
token gpumm__reader_next(reader *r);
/* Why reading ended: OK, or a failure, whose message was set when it happened. */
gpumm_status gpumm__reader_status(const reader *r);

bool gpumm__token_is(const token *t, const char *text);

#endif
