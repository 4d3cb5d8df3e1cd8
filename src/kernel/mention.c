/* SPDX-License-Identifier: MIT */
/* Read as it stands, comments and all: one too many costs a look at a file that is not there. */
#include "kernel/mention.h"

#include <string.h>

#define WORD "include"

static const char *pass_blanks(const char *at) { return at + strspn(at, " \t"); }

/* The name between <> or "", on this line. */
static bool read_name(const char *at, mention *out) {
    out->quoted = *at == '"';
    if (*at != '"' && *at != '<') return false;
    out->name = at + 1;
    out->length = strcspn(at + 1, *at == '"' ? "\"\n" : ">\n");
    return out->length > 0 && out->name[out->length] != '\n' && out->name[out->length];
}

static bool is_directive(const char *text, const char *word) {
    while (word > text && (word[-1] == ' ' || word[-1] == '\t')) word--;
    return word > text && word[-1] == '#';
}

static bool read_mention(const char *text, const char *word, mention *out) {
    static const char test[] = "__has_";
    size_t before = (size_t)(word - text), length = strlen(test);
    const char *behind = word + strlen(WORD);
    if (strncmp(behind, "_next", 5) == 0) behind += 5;
    behind = pass_blanks(behind);
    *out = (mention){.tested = before >= length && memcmp(word - length, test, length) == 0};
    if (!out->tested) return is_directive(text, word) && read_name(behind, out);
    if (*behind != '(') return false;
    if (!read_name(pass_blanks(behind + 1), out)) out->name = NULL;
    return true;
}

const char *gpumm__mention_next(const char *at, mention *out) {
    for (const char *word = at; (word = strstr(word, WORD)); word += strlen(WORD))
        if (read_mention(at, word, out)) return word + strlen(WORD);
    return NULL;
}
