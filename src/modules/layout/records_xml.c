/* SPDX-License-Identifier: MIT */
/* Usual is: elements that close as they should, attributes and children that are known, no entity, comment or CDATA. */
#include "modules/layout/records_xml.h"

#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

#include "modules/layout/number.h"
#include "modules/layout/records.h"
#include "modules/layout/xml.h"

enum { ATTRIBUTES = 16, NESTED = 4 };

typedef struct tag {
    records_word whole, name; /* with and without a prefix */
    bool empty;
    unsigned count;
    records_word names[ATTRIBUTES], values[ATTRIBUTES];
} tag;

typedef struct scan {
    const char *at, *end;
    records *r;
} scan;

static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
static bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); } /* at the ends of a text */

static bool is_name(char c) {
    return !is_space(c) && c != '>' && c != '/' && c != '=' && c != '<' && c != '"' && c != '\'';
}

static char skip(scan *s) {
    while (s->at < s->end && is_space(*s->at)) s->at++;
    return s->at < s->end ? *s->at : '\0';
}

static records_word take_name(scan *s) {
    records_word w = {s->at, 0};
    while (s->at < s->end && is_name(*s->at)) s->at++;
    w.length = (size_t)(s->at - w.text);
    return w;
}

static records_word local_of(records_word w) {
    const char *colon = memchr(w.text, ':', w.length);
    return colon ? (records_word){colon + 1, w.length - (size_t)(colon - w.text) - 1} : w;
}

static bool same(records_word a, records_word b) {
    return a.length == b.length && memcmp(a.text, b.text, a.length) == 0;
}
static bool is(records_word a, const char *text) { return same(a, (records_word){text, strlen(text)}); }

/* ---- Tags ------------------------------------------------------------------------------------- */

static bool take_attribute(scan *s, tag *t) {
    if (t->count == ATTRIBUTES) return false;
    records_word name = take_name(s);
    if (name.length == 0 || skip(s) != '=') return false;
    s->at++;
    char quote = skip(s);
    if (quote != '"' && quote != '\'') return false;
    const char *first = s->at + 1, *stop = memchr(first, quote, (size_t)(s->end - first));
    if (!stop || memchr(first, '&', (size_t)(stop - first))) return false;
    s->at = stop + 1;
    name = local_of(name);
    for (unsigned i = 0; i < t->count; i++)
        if (same(t->names[i], name)) return false;
    t->names[t->count] = name;
    t->values[t->count++] = (records_word){first, (size_t)(stop - first)};
    return true;
}

/* The tag that opens an element, at its "<". */
static bool take_open(scan *s, tag *t) {
    s->at++;
    t->whole = take_name(s);
    t->name = local_of(t->whole);
    t->count = 0;
    if (t->whole.length == 0 || *t->whole.text == '!' || *t->whole.text == '?') return false;
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
static bool take_close(scan *s, records_word name) {
    if (!at_close(s)) return false;
    s->at += 2;
    if (!same(take_name(s), name) || skip(s) != '>') return false;
    s->at++;
    return true;
}

static bool to_tag(scan *s) {
    const char *next = memchr(s->at, '<', (size_t)(s->end - s->at));
    s->at = next ? next : s->end;
    return next != NULL;
}

static const records_word *attribute(const tag *t, const char *name) {
    for (unsigned i = 0; i < t->count; i++)
        if (is(t->names[i], name)) return &t->values[i];
    return NULL;
}

/* ---- Children --------------------------------------------------------------------------------- */

/* Every attribute that is a key. */
static bool add_parts(scan *s, const tag *t, records_word child) {
    for (unsigned i = 0; i < t->count; i++) {
        const records_key *key = gpumm_layout__records_find(s->r, child, t->names[i]);
        double number;
        if (!key) continue;
        if (key->role == RECORDS_LABEL && t->values[i].length == 0) continue;
        if (key->role == RECORDS_WEIGHT && t->values[i].length == 0) continue;
        if (key->type == CELLS_NUMBER && !gpumm_layout__number(t->values[i].text, t->values[i].length, '.', &number))
            return false;
        if (!gpumm_layout__records_add(s->r, key, t->values[i], false)) return false;
    }
    return true;
}

static bool take_byte(const tag *t, const char *name, unsigned *out) {
    const records_word *w = attribute(t, name);
    if (!w || w->length == 0 || w->length > 3) return false;
    *out = 0;
    for (size_t i = 0; i < w->length; i++) {
        if (w->text[i] < '0' || w->text[i] > '9') return false;
        *out = *out * 10 + (unsigned)(w->text[i] - '0');
    }
    return *out <= 255;
}

static bool add_color(scan *s, const tag *t) {
    static const records_word name = {"color", 5};
    unsigned r, g, b;
    const records_key *key = gpumm_layout__records_find(s->r, name, name);
    if (!key || !take_byte(t, "r", &r) || !take_byte(t, "g", &g) || !take_byte(t, "b", &b)) return false;
    snprintf(s->r->color, sizeof s->r->color, "#%02x%02x%02x", r & 255, g & 255, b & 255);
    return gpumm_layout__records_add(s->r, key, (records_word){s->r->color, 7}, true);
}

/* <attvalue for="0" value="1.5"/> */
static bool add_keyed(scan *s, const tag *t) {
    const records_word *id = attribute(t, "for"), *value = attribute(t, "value");
    if (!id) id = attribute(t, "id");
    const records_key *key = id && id->length > 0 && value ? gpumm_layout__records_find(s->r, t->name, *id) : NULL;
    return key && gpumm_layout__records_add(s->r, key, *value, false);
}

static records_word trimmed(records_word w) {
    while (w.length > 0 && is_blank(w.text[w.length - 1])) w.length--;
    while (w.length > 0 && is_blank(*w.text)) w = (records_word){w.text + 1, w.length - 1};
    return w;
}

/* <data key="d0">1.5</data>; the close is left to the caller. */
static bool add_text(scan *s, const tag *t) {
    const records_word *id = attribute(t, "key");
    const records_key *key = id && id->length > 0 ? gpumm_layout__records_find(s->r, t->name, *id) : NULL;
    records_word value = {s->at, 0};
    if (!key || !(t->empty || to_tag(s))) return false;
    value.length = (size_t)(s->at - value.text);
    if (!t->empty && (!at_close(s) || memchr(value.text, '&', value.length))) return false;
    value = trimmed(value);
    return value.length == 0 || gpumm_layout__records_add(s->r, key, value, false);
}

static bool add_child(scan *s, const tag *t) {
    static const records_word none = {"", 0};
    const records_key *key = gpumm_layout__records_find(s->r, t->name, none);
    switch (key ? key->role : RECORDS_COLUMN) {
    case RECORDS_PASSED: return true;
    case RECORDS_KEYED: return add_keyed(s, t);
    case RECORDS_TEXT: return add_text(s, t);
    case RECORDS_PARTS: return add_parts(s, t, t->name);
    case RECORDS_COLOR: return add_color(s, t);
    default: return false;
    }
}

/* ---- Records ---------------------------------------------------------------------------------- */

/* The children of the record, to its end. */
static bool take_children(scan *s, records_word record) {
    records_word open[NESTED] = {record};
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
    static const records_word none = {"", 0};
    tag t;
    if (!to_tag(s) || !take_open(s, &t)) return false;
    int kind = gpumm_layout__records_kind(s->r, t.name);
    if (kind < 0) return false;
    s->r->kind = (unsigned)kind;
    s->r->count = s->r->hint = 0;
    return add_parts(s, &t, none) && (t.empty || take_children(s, t.whole));
}

static int layout_records_xml(lua_State *L) {
    scan s = {.r = gpumm_layout__records_at(L, 1)};
    if (!gpumm_layout__xml_place(L, 2, &s.at, &s.end)) return 0;
    const char *done = s.at;
    while (take_record(&s) && gpumm_layout__records_put(L, s.r)) done = s.at;
    gpumm_layout__xml_move(L, 2, done);
    return 0;
}

void gpumm_layout__open_records_xml(lua_State *L) {
    lua_pushcfunction(L, layout_records_xml);
    lua_setfield(L, -2, "records_xml");
}
