/* SPDX-License-Identifier: MIT */
/* Usual is: keys that are known, numbers and texts, no comment. Lists within are passed over, but for one ("graphics"),
   of which some keys are known. */
#include "modules/layout/records_gml.h"

#include <lauxlib.h>
#include <string.h>

#include "modules/layout/number.h"
#include "modules/layout/records.h"
#include "modules/layout/source.h"
#include "modules/layout/xml.h"

typedef struct scan {
    const char *at, *end;
} scan;

enum { ID_DIGITS = 18, ENTITY_MOST = 12 }; /* of a number that 64 bits hold; of an entity */

static bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* Past blanks; what is there; 0 at the end. */
static char skip(scan *s) {
    while (s->at < s->end && is_blank(*s->at)) s->at++;
    return s->at < s->end ? *s->at : '\0';
}

static bool take_key(scan *s, word *key) {
    if (!is_letter(skip(s))) return false;
    *key = (word){s->at, 0};
    while (s->at < s->end && (is_letter(*s->at) || is_digit(*s->at) || *s->at == '.')) s->at++;
    key->length = (size_t)(s->at - key->at);
    return true;
}

/* The character that an entity stands for, where it is known; its length. */
static size_t entity(const char *at, const char *end, char *to, size_t *length) {
    size_t most = (size_t)(end - at) < ENTITY_MOST ? (size_t)(end - at) : ENTITY_MOST;
    const char *stop = memchr(at, ';', most);
    if (!stop || !gpumm_layout__xml_resolve((word){at, (size_t)(stop - at) + 1}, true, false, to, length)) return 0;
    return (size_t)(stop - at) + 1;
}

/* The text with its entities resolved; those that are not known stay as they are. */
static bool resolve(records *r, word *value) {
    char *to = gpumm_layout__records_room(r, value->length);
    const char *end = value->at + value->length;
    size_t length = 0;
    if (!to) return false;
    for (const char *at = value->at; at < end;) {
        char c[3 * ENTITY_MOST];
        size_t more = 0, passed = *at == '&' ? entity(at, end, c, &more) : 0;
        if (passed > 0) memcpy(to + length, c, more);
        else to[length] = *at;
        length += passed > 0 ? more : 1;
        at += passed > 0 ? passed : 1;
    }
    r->scratched += length;
    *value = (word){to, length};
    return true;
}

static bool take_text(scan *s, records *r, word *value) {
    const char *stop = memchr(s->at + 1, '"', (size_t)(s->end - s->at - 1));
    if (!stop) return false;
    *value = (word){s->at + 1, (size_t)(stop - s->at - 1)};
    s->at = stop + 1;
    return !memchr(value->at, '&', value->length) || resolve(r, value);
}

static bool take_value(scan *s, records *r, word *value, bool *quoted) {
    char first = skip(s);
    *quoted = first == '"';
    if (*quoted) return take_text(s, r, value);
    if (first == '#' || first == '\0') return false;
    *value = (word){s->at, 0};
    while (s->at < s->end && !is_blank(*s->at) && *s->at != '[' && *s->at != ']') s->at++;
    value->length = (size_t)(s->at - value->at);
    return value->length > 0;
}

/* An id as it is shown: two spellings of a number are one node. */
static bool is_id(word w) {
    size_t i = w.at[0] == '-';
    if (w.length == i || w.length - i > ID_DIGITS || (w.at[i] == '0' && w.length > 1)) return false;
    for (; i < w.length; i++)
        if (!is_digit(w.at[i])) return false;
    return true;
}

static bool names_node(records_role role) { return role == RECORDS_ID || role == RECORDS_FROM || role == RECORDS_TO; }

/* Over a list, at its "[". */
static bool skip_list(scan *s, records *r) {
    unsigned depth = 1;
    s->at++;
    while (depth > 0) {
        word key, value;
        bool quoted;
        if (skip(s) == ']') {
            s->at++;
            depth--;
            continue;
        }
        if (!take_key(s, &key)) return false;
        if (skip(s) == '[') {
            s->at++;
            depth++;
        } else if (!take_value(s, r, &value, &quoted)) return false;
    }
    return true;
}

/* The keys x and y of what is within; both or none. */
static bool take_inner(scan *s, records *r, word child) {
    unsigned before = r->count;
    s->at++;
    while (skip(s) != ']') {
        word key, value;
        bool quoted;
        if (!take_key(s, &key)) return false;
        if (skip(s) == '[') {
            if (!skip_list(s, r)) return false;
            continue;
        }
        const records_key *known = gpumm_layout__records_find(r, child, key);
        double number;
        if (!take_value(s, r, &value, &quoted)) return false;
        if (!known) continue;
        if (quoted || !gpumm_layout__number(value.at, value.length, '.', &number)) return false;
        if (!gpumm_layout__records_add(r, known, value, false)) return false;
    }
    s->at++;
    return r->count == before || (r->count == before + 2 && r->field[before].key != r->field[before + 1].key);
}

static bool take_record(scan *s, records *r) {
    static const word none = {"", 0};
    while (skip(s) != ']') {
        word key, value;
        bool quoted;
        if (!take_key(s, &key)) return false;
        bool list = skip(s) == '[';
        const records_key *known = gpumm_layout__records_find(r, list ? key : none, list ? none : key);
        if (list) {
            if (!(known ? take_inner(s, r, key) : skip_list(s, r))) return false;
            continue;
        }
        if (!known) return false;
        if (!take_value(s, r, &value, &quoted)) return false;
        if (names_node(known->role) && !quoted && !is_id(value)) return false;
        if (known->role == RECORDS_LABEL && value.length == 0) continue;
        if (!gpumm_layout__records_add(r, known, value, quoted)) return false;
    }
    s->at++;
    return true;
}

static int layout_records_gml(lua_State *L) {
    records *r = gpumm_layout__records_at(L, 1);
    const source *src = gpumm_layout__source_at(L, 2);
    lua_Integer at = luaL_checkinteger(L, 3);
    luaL_argcheck(L, at >= 1 && (lua_Unsigned)at - 1 <= src->size, 3, "it is outside of the source");
    scan s = {src->bytes + at - 1, src->bytes + src->size};
    const char *done = s.at;
    for (;;) {
        word key;
        if (!take_key(&s, &key) || skip(&s) != '[') break;
        int kind = gpumm_layout__records_kind(r, key);
        if (kind < 0) break;
        s.at++;
        gpumm_layout__records_begin(r, kind);
        if (!take_record(&s, r) || !gpumm_layout__records_put(L, r)) break;
        done = s.at;
    }
    lua_pushinteger(L, done - src->bytes + 1);
    return 1;
}

void gpumm_layout__open_records_gml(lua_State *L) {
    lua_pushcfunction(L, layout_records_gml);
    lua_setfield(L, -2, "records_gml");
}
