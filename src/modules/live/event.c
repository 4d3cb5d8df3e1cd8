/* SPDX-License-Identifier: MIT */
/* Words are split, counted, and read by the form of their command. */
#include "modules/live/event.h"

#include <string.h>

#include "modules/live/number.h"

enum { WORDS_MOST = 5 };

typedef struct word {
    const char *text;
    size_t length;
} word;

/* What stands behind a command: N a node, W a word, R a number, C a count from 1; small letters may be left out. */
static const struct command {
    const char *name, *form;
} commands[LIVE_KINDS] = {
    [LIVE_PAUSE] = {"pause", ""},   [LIVE_GO] = {"go", ""},         [LIVE_FINISH] = {"finish", ""},
    [LIVE_STEP] = {"step", "c"},    [LIVE_RATE] = {"rate", "R"},    [LIVE_DRAG] = {"drag", "NRRr"},
    [LIVE_DROP] = {"drop", "NRRr"}, [LIVE_FREE] = {"free", "N"},    [LIVE_PICK] = {"pick", "N"},
    [LIVE_SET] = {"set", "WR"},     [LIVE_TELL] = {"tell", "Wrrr"}, [LIVE_WANT] = {"want", "W"},
};

const char *gpumm_live__event_name(live_kind kind) { return commands[kind].name; }

static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

static bool is_name(word w) {
    if (w.length == 0 || w.length >= LIVE_WORD_BYTES || !is_letter(w.text[0])) return false;
    for (size_t i = 1; i < w.length; i++)
        if (!is_letter(w.text[i]) && !(w.text[i] >= '0' && w.text[i] <= '9') && w.text[i] != '_') return false;
    return true;
}

/* How many words there are; 0: too many, or an empty one. */
static size_t split(const char *text, size_t length, word words[WORDS_MOST]) {
    size_t count = 0, from = 0;
    for (size_t i = 0; i <= length; i++) {
        if (i < length && text[i] != ' ') continue;
        if (i == from || count == WORDS_MOST) return 0;
        words[count++] = (word){text + from, i - from};
        from = i + 1;
    }
    return count;
}

static bool find_command(word w, live_kind *kind) {
    for (int k = 0; k < LIVE_KINDS; k++) {
        if (strlen(commands[k].name) != w.length || memcmp(commands[k].name, w.text, w.length) != 0) continue;
        *kind = (live_kind)k;
        return true;
    }
    return false;
}

static bool read_number(word w, live_event *out) {
    return gpumm_live__number_real(w.text, w.length, &out->values[out->count++]);
}

static bool read_word(word w, char form, live_event *out) {
    uint64_t whole;
    switch (form) {
    case 'N':
        if (!gpumm_live__number_whole(w.text, w.length, LIVE_NODES_MOST, &whole)) return false;
        out->node = (uint32_t)whole;
        return true;
    case 'c':
        if (!gpumm_live__number_whole(w.text, w.length, 1000000, &whole) || whole == 0) return false;
        out->values[out->count++] = (double)whole;
        return true;
    case 'W':
        if (!is_name(w)) return false;
        memcpy(out->word, w.text, w.length);
        return true;
    default: return read_number(w, out);
    }
}

static bool is_optional(char form) { return form >= 'a' && form <= 'z'; }

bool gpumm_live__event_parse(const char *text, size_t length, live_event *out) {
    word words[WORDS_MOST];
    memset(out, 0, sizeof *out);
    if (length > LIVE_EVENT_BYTES) return false;
    size_t count = split(text, length, words);
    if (count == 0 || !find_command(words[0], &out->kind)) return false;
    const char *form = commands[out->kind].form;
    for (size_t i = 1; i < count; i++)
        if (!form[i - 1] || !read_word(words[i], form[i - 1], out)) return false; /* the form ends before the words */
    form += count - 1;
    if (*form && !is_optional(*form)) return false;
    if (out->kind == LIVE_RATE) return out->values[0] >= 0;
    if (out->kind == LIVE_WANT) return strcmp(out->word, "f32") == 0 || strcmp(out->word, "u16") == 0;
    return true;
}
