/* SPDX-License-Identifier: MIT */
/* Usual is: elements that close as they should, attributes and children that are known, or may be passed over. */
#include "modules/layout/records_xml.h"

#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

#include "modules/layout/number.h"
#include "modules/layout/records.h"
#include "modules/layout/xml.h"

enum { ATTRIBUTES = 32, NESTED = 16 };

typedef struct tag {
    word whole, name; /* with and without a prefix */
    bool empty;
    unsigned count;
    word names[ATTRIBUTES], values[ATTRIBUTES];
} tag;

typedef struct scan {
    const char *at, *end;
    records *r;
    bool latin;
} scan;

static bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); } /* at the ends of a text */

static char skip(scan *s) {
    while (s->at < s->end && word_xml_space(*s->at)) s->at++;
    return s->at < s->end ? *s->at : '\0';
}

/* ---- Texts ------------------------------------------------------------------------------------ */

/* The text as it is meant, behind what `out` holds. */
static bool add_piece(scan *s, word piece, bool entities, word *out) {
    if (out->length == 0 && !gpumm_layout__xml_changes(piece, entities, s->latin)) {
        *out = piece;
        return true;
    }
    size_t length;
    char *to = gpumm_layout__records_room(s->r, out->length + 3 * piece.length);
    if (!to) return false;
    if (out->length > 0 && out->at != to) memcpy(to, out->at, out->length);
    if (!gpumm_layout__xml_resolve(piece, entities, s->latin, to + out->length, &length)) return false;
    *out = (word){to, out->length + length};
    return true;
}

/* What was made in the room for texts stays there. */
static void keep(scan *s, word text) {
    if (text.at == s->r->scratch + s->r->scratched) s->r->scratched += text.length;
}

/* ---- Tags ------------------------------------------------------------------------------------- */

static bool take_attribute(scan *s, tag *t) {
    if (t->count == ATTRIBUTES) return false;
    word name = word_xml_name(&s->at, s->end);
    if (name.length == 0 || skip(s) != '=') return false;
    s->at++;
    char quote = skip(s);
    if (quote != '"' && quote != '\'') return false;
    const char *first = s->at + 1, *stop = memchr(first, quote, (size_t)(s->end - first));
    word value = {first, 0};
    if (!stop || !add_piece(s, (word){first, (size_t)(stop - first)}, true, &value)) return false;
    keep(s, value);
    s->at = stop + 1;
    name = word_xml_local(name);
    for (unsigned i = 0; i < t->count; i++)
        if (word_same(t->names[i], name)) return false;
    t->names[t->count] = name;
    t->values[t->count++] = value;
    return true;
}

/* The tag that opens an element, at its "<". */
static bool take_open(scan *s, tag *t) {
    s->at++;
    t->whole = word_xml_name(&s->at, s->end);
    t->name = word_xml_local(t->whole);
    t->count = 0;
    if (t->whole.length == 0 || *t->whole.at == '!' || *t->whole.at == '?') return false;
    for (;;) {
        char c = skip(s);
        t->empty = c == '/';
        if (t->empty) s->at++;
        if (s->at < s->end && *s->at == '>') break;
        if (t->empty || c == '\0' || !take_attribute(s, t)) return false;
    }
    s->at++;
    return true;
}

static bool at_close(const scan *s) { return s->end - s->at > 1 && s->at[1] == '/'; }

/* The tag that closes an element, at its "<". */
static bool take_close(scan *s, word name) {
    if (!at_close(s)) return false;
    s->at += 2;
    if (!word_same(word_xml_name(&s->at, s->end), name) || skip(s) != '>') return false;
    s->at++;
    return true;
}

static bool to_tag(scan *s) {
    const char *next = memchr(s->at, '<', (size_t)(s->end - s->at));
    s->at = next ? next : s->end;
    return next != NULL;
}

static const word *attribute(const tag *t, const char *name) {
    for (unsigned i = 0; i < t->count; i++)
        if (word_is(t->names[i], name)) return &t->values[i];
    return NULL;
}

/* ---- Children --------------------------------------------------------------------------------- */

/* Every attribute that is a key. */
static bool add_parts(scan *s, const tag *t, word child) {
    for (unsigned i = 0; i < t->count; i++) {
        const records_key *key = gpumm_layout__records_find(s->r, child, t->names[i]);
        double number;
        if (!key) continue;
        if (key->role == RECORDS_LABEL && t->values[i].length == 0) continue;
        if (key->role == RECORDS_WEIGHT && t->values[i].length == 0) continue;
        if (key->type == CELLS_NUMBER && !gpumm_layout__number(t->values[i].at, t->values[i].length, '.', &number))
            return false;
        if (!gpumm_layout__records_add(s->r, key, t->values[i], false)) return false;
    }
    return true;
}

static bool take_byte(const tag *t, const char *name, unsigned *out) {
    const word *w = attribute(t, name);
    if (!w || w->length == 0 || w->length > 3) return false;
    *out = 0;
    for (size_t i = 0; i < w->length; i++) {
        if (w->at[i] < '0' || w->at[i] > '9') return false;
        *out = *out * 10 + (unsigned)(w->at[i] - '0');
    }
    return *out <= 255;
}

static bool add_color(scan *s, const tag *t) {
    static const word name = {"color", 5};
    unsigned r, g, b;
    const records_key *key = gpumm_layout__records_find(s->r, name, name);
    if (!key || !take_byte(t, "r", &r) || !take_byte(t, "g", &g) || !take_byte(t, "b", &b)) return false;
    char *color = gpumm_layout__records_room(s->r, 8);
    if (!color) return false;
    snprintf(color, 8, "#%02x%02x%02x", r & 255, g & 255, b & 255);
    s->r->scratched += 8;
    return gpumm_layout__records_add(s->r, key, (word){color, 7}, true);
}

/* <attvalue for="0" value="1.5"/> */
static bool add_keyed(scan *s, const tag *t) {
    const word *id = attribute(t, "for"), *value = attribute(t, "value");
    if (!id) id = attribute(t, "id");
    const records_key *key = id && id->length > 0 && value ? gpumm_layout__records_find(s->r, t->name, *id) : NULL;
    return key && gpumm_layout__records_add(s->r, key, *value, false);
}

static word trimmed(word w) {
    while (w.length > 0 && is_blank(w.at[w.length - 1])) w.length--;
    while (w.length > 0 && is_blank(*w.at)) w = (word){w.at + 1, w.length - 1};
    return w;
}

/* Over a comment, or a CDATA whose text is the piece. */
static bool take_other(scan *s, word *piece) {
    size_t left = (size_t)(s->end - s->at);
    bool data = left > 9 && memcmp(s->at, "<![CDATA[", 9) == 0;
    if (!data && !(left > 4 && memcmp(s->at, "<!--", 4) == 0)) return false;
    const char *from = s->at + (data ? 9 : 4), *stop = memmem(from, (size_t)(s->end - from), data ? "]]>" : "-->", 3);
    if (!stop) return false;
    *piece = (word){from, data ? (size_t)(stop - from) : 0};
    s->at = stop + 3;
    return true;
}

/* The text up to the next element, or this one's end, without the blanks at its ends. */
static bool take_text(scan *s, word *out) {
    *out = (word){s->at, 0};
    for (;;) {
        const char *from = s->at;
        if (!to_tag(s)) return false;
        word piece = {from, (size_t)(s->at - from)};
        if (piece.length > 0 && !add_piece(s, piece, true, out)) return false;
        if (s->end - s->at < 2 || s->at[1] != '!') break;
        if (!take_other(s, &piece) || (piece.length > 0 && !add_piece(s, piece, false, out))) return false;
    }
    keep(s, *out);
    *out = trimmed(*out);
    return true;
}

/* <data key="d0">1.5</data>; the close is left to the caller. */
static bool add_text(scan *s, const tag *t) {
    const word *id = attribute(t, "key");
    const records_key *key = id && id->length > 0 ? gpumm_layout__records_find(s->r, t->name, *id) : NULL;
    word value = {s->at, 0};
    if (!key || !(t->empty || take_text(s, &value))) return false;
    if (!t->empty && !at_close(s) && !s->r->loose) return false;
    return value.length == 0 || gpumm_layout__records_add(s->r, key, value, false);
}

/* Of several, the first counts that says something. */
static bool add_inner(scan *s, const tag *t, const records_key *key) {
    word value = {s->at, 0};
    if (!t->empty && !take_text(s, &value)) return false;
    for (unsigned i = 0; i < s->r->count; i++)
        if (s->r->field[i].key == key) return true;
    return value.length == 0 || gpumm_layout__records_add(s->r, key, value, true);
}

static bool add_pair(scan *s, const tag *t) {
    unsigned before = s->r->count;
    if (!add_parts(s, t, t->name)) return false;
    return s->r->count == before || s->r->count == before + 2;
}

static bool add_child(scan *s, const tag *t) {
    static const word none = {"", 0};
    const records_key *key = gpumm_layout__records_find(s->r, t->name, none);
    if (!key) return s->r->loose;
    switch (key->role) {
    case RECORDS_PASSED: return true;
    case RECORDS_INNER: return add_inner(s, t, key);
    case RECORDS_PAIR: return add_pair(s, t);
    case RECORDS_KEYED: return add_keyed(s, t);
    case RECORDS_TEXT: return add_text(s, t);
    case RECORDS_PARTS: return add_parts(s, t, t->name);
    case RECORDS_COLOR: return add_color(s, t);
    default: return false;
    }
}

/* ---- Records ---------------------------------------------------------------------------------- */

/* The children of the record, to its end. */
static bool take_children(scan *s, word record) {
    word open[NESTED] = {record};
    unsigned depth = 1;
    while (depth > 0) {
        tag t;
        if (!to_tag(s)) return false;
        if (at_close(s)) {
            if (!take_close(s, open[--depth])) return false;
            continue;
        }
        if (!take_open(s, &t) || !add_child(s, &t)) return false;
        if (t.empty) continue;
        if (depth == NESTED) return false;
        open[depth++] = t.whole;
    }
    return true;
}

static bool take_record(scan *s) {
    static const word none = {"", 0};
    tag t;
    const char *from = s->at;
    if (!to_tag(s)) return false;
    s->at++;
    int kind = gpumm_layout__records_kind(s->r, word_xml_local(word_xml_name(&s->at, s->end)));
    if (kind < 0) return false;
    gpumm_layout__records_begin(s->r, kind);
    s->at = from;
    return to_tag(s) && take_open(s, &t) && add_parts(s, &t, none) && (t.empty || take_children(s, t.whole));
}

static int layout_records_xml(lua_State *L) {
    scan s = {.r = gpumm_layout__records_at(L, 1)};
    if (!gpumm_layout__xml_place(L, 2, &s.at, &s.end, &s.latin)) return 0;
    const char *done = s.at;
    while (take_record(&s) && gpumm_layout__records_put(L, s.r)) done = s.at;
    gpumm_layout__xml_move(L, 2, done);
    return 0;
}

void gpumm_layout__open_records_xml(lua_State *L) {
    lua_pushcfunction(L, layout_records_xml);
    lua_setfield(L, -2, "records_xml");
}
