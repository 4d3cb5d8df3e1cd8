/* SPDX-License-Identifier: MIT */
/* A pull reader of XML. It checks that elements close as they were opened, and knows the five entities of XML and
   numbers of characters. */
#include "modules/layout/xml.h"

#include <lauxlib.h>
#include <stdbool.h>
#include <string.h>

#include "modules/layout/class.h"
#include "modules/layout/source.h"
#include "modules/layout/word.h"

#define XML_CLASS "gpumm_layout.xml"

enum { DEPTH_MOST = 4096, DEPTH_SPARE = 16, ATTRIBUTES_MOST = 128, ENTITY_MOST = 12 };

typedef struct xml {
    const source *source; /* a user value holds it */
    const char *at, *end, *counted;
    lua_Integer line;
    word open[DEPTH_MOST]; /* the elements that are open, by their whole names */
    unsigned depth;
    word names[ATTRIBUTES_MOST], values[ATTRIBUTES_MOST];
    unsigned attributes;
    bool empty; /* the element that was opened last is <…/> */
    bool latin, rooted;
} xml;

static xml *check_at(lua_State *L, int index) {
    xml *x = luaL_checkudata(L, index, XML_CLASS);
    if (!x->source->bytes) luaL_error(L, "the source of this reader is closed");
    return x;
}

static xml *check(lua_State *L) { return check_at(L, 1); }

bool gpumm_layout__xml_place(lua_State *L, int index, const char **at, const char **end, bool *latin) {
    const xml *x = check_at(L, index);
    *at = x->at;
    *end = x->end;
    *latin = x->latin;
    return !x->empty && x->depth > 0 && x->depth < DEPTH_MOST - DEPTH_SPARE;
}

void gpumm_layout__xml_move(lua_State *L, int index, const char *at) { check_at(L, index)->at = at; }

static bool begins(const xml *x, const char *text) {
    size_t length = strlen(text);
    return (size_t)(x->end - x->at) >= length && memcmp(x->at, text, length) == 0;
}

/* Where `text` is next; NULL: nowhere. */
static const char *find(const xml *x, const char *from, const char *text) {
    return memmem(from, (size_t)(x->end - from), text, strlen(text));
}

static void skip_spaces(xml *x) {
    while (x->at < x->end && word_xml_space(*x->at)) x->at++;
}

static int fail(lua_State *L, const char *what) {
    lua_pushliteral(L, "error");
    lua_pushstring(L, what);
    return 2;
}

/* ---- Text ----------------------------------------------------------------------------------------- */

static size_t put(char *to, unsigned long c) {
    static const unsigned char leads[] = {0, 0xc0, 0xe0, 0xf0};
    size_t more = c < 0x80 ? 0 : c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    to[0] = (char)(leads[more] | c >> 6 * more);
    for (size_t i = 1; i <= more; i++) to[i] = (char)(0x80 | (c >> 6 * (more - i) & 0x3f));
    return more + 1;
}

/* The character of a number such as "#38" or "#x26"; 0: there is none. */
static unsigned long numbered(const char *at, size_t length) {
    unsigned long c = 0, base = length > 1 && at[1] == 'x' ? 16 : 10;
    size_t i = base == 16 ? 2 : 1;
    if (i == length) return 0;
    for (; i < length; i++) {
        char d = at[i];
        unsigned long digit = d >= '0' && d <= '9'   ? (unsigned long)(d - '0')
                              : d >= 'a' && d <= 'f' ? (unsigned long)(d - 'a') + 10
                              : d >= 'A' && d <= 'F' ? (unsigned long)(d - 'A') + 10
                                                     : 99;
        if (digit >= base) return 0;
        c = c * base + digit;
        if (c > 0x10ffff) return 0;
    }
    return c >= 0xd800 && c < 0xe000 ? 0 : c;
}

/* What the entity at `at`, a '&', stands for; 0: it is none that is known. */
static unsigned long entity(const char *at, const char *end, size_t *length) {
    static const struct {
        const char *name;
        unsigned long c;
    } known[] = {{"lt", '<'}, {"gt", '>'}, {"amp", '&'}, {"quot", '"'}, {"apos", '\''}};
    size_t most = (size_t)(end - at) < ENTITY_MOST ? (size_t)(end - at) : ENTITY_MOST;
    const char *stop = memchr(at, ';', most);
    if (!stop) return 0;
    *length = (size_t)(stop - at) + 1;
    size_t size = *length - 2;
    if (size > 0 && at[1] == '#') return numbered(at + 1, size);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strlen(known[i].name) == size && memcmp(known[i].name, at + 1, size) == 0) return known[i].c;
    return 0;
}

/* What Windows has where Latin-1 has nothing that is seen: files that say Latin-1 mean it too. */
static unsigned long latin(unsigned char c) {
    static const unsigned short windows[32] = {0x20ac, 0x81,   0x201a, 0x192,  0x201e, 0x2026, 0x2020, 0x2021,
                                               0x2c6,  0x2030, 0x160,  0x2039, 0x152,  0x8d,   0x17d,  0x8f,
                                               0x90,   0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014,
                                               0x2dc,  0x2122, 0x161,  0x203a, 0x153,  0x9d,   0x17e,  0x178};
    return c >= 0x80 && c < 0xa0 ? windows[c - 0x80] : c;
}

bool gpumm_layout__xml_changes(word s, bool entities, bool is_latin) {
    if (entities && memchr(s.at, '&', s.length)) return true;
    for (size_t i = 0; is_latin && i < s.length; i++)
        if ((unsigned char)s.at[i] >= 0x80) return true;
    return false;
}

bool gpumm_layout__xml_resolve(word s, bool entities, bool is_latin, char *to, size_t *length) {
    const char *end = s.at + s.length;
    *length = 0;
    for (const char *at = s.at; at < end;) {
        size_t size = 1;
        bool named = entities && *at == '&', high = is_latin && (unsigned char)*at >= 0x80;
        unsigned long code = named ? entity(at, end, &size) : latin((unsigned char)*at);
        if (named && code == 0) return false;
        if (named || high) *length += put(to + *length, code);
        else to[(*length)++] = *at;
        at += size;
    }
    return true;
}

/* Adds the text as it is meant; false: an entity in it is not known. */
static bool add_text(const xml *x, luaL_Buffer *b, word s, bool entities) {
    if (!gpumm_layout__xml_changes(s, entities, x->latin)) {
        luaL_addlstring(b, s.at, s.length);
        return true;
    }
    size_t length;
    bool known = gpumm_layout__xml_resolve(s, entities, x->latin, luaL_prepbuffsize(b, 3 * s.length), &length);
    luaL_addsize(b, known ? length : 0);
    return known;
}

/* ---- Elements ------------------------------------------------------------------------------------- */

/* NULL, or what is wrong. */
static const char *take_attribute(xml *x) {
    if (x->attributes == ATTRIBUTES_MOST) return "an element has more than 128 attributes";
    word name = word_xml_name(&x->at, x->end);
    skip_spaces(x);
    if (name.length == 0 || x->at == x->end || *x->at != '=') return "not well-formed: an attribute has no value";
    x->at++;
    skip_spaces(x);
    if (x->at == x->end || (*x->at != '"' && *x->at != '\'')) return "not well-formed: a value is not in quotes";
    const char *stop = memchr(x->at + 1, *x->at, (size_t)(x->end - x->at - 1));
    if (!stop) return "unclosed token";
    x->names[x->attributes] = word_xml_local(name);
    x->values[x->attributes++] = (word){x->at + 1, (size_t)(stop - x->at - 1)};
    x->at = stop + 1;
    return NULL;
}

static const char *take_attributes(xml *x) {
    x->attributes = 0;
    for (;;) {
        skip_spaces(x);
        if (x->at == x->end) return "unclosed token";
        x->empty = *x->at == '/';
        if (x->empty) x->at++;
        if (x->at < x->end && *x->at == '>') break;
        if (x->empty) return "not well-formed (invalid token)";
        const char *wrong = take_attribute(x);
        if (wrong) return wrong;
    }
    x->at++;
    return NULL;
}

static int open_element(lua_State *L, xml *x) {
    x->at++;
    word name = word_xml_name(&x->at, x->end);
    if (name.length == 0) return fail(L, "not well-formed (invalid token)");
    if (x->depth == 0 && x->rooted) return fail(L, "junk after document element");
    if (x->depth == DEPTH_MOST) return fail(L, "elements are nested deeper than 4096");
    const char *wrong = take_attributes(x);
    if (wrong) return fail(L, wrong);
    x->open[x->depth++] = name;
    x->rooted = true;
    name = word_xml_local(name);
    lua_pushliteral(L, "open");
    lua_pushlstring(L, name.at, name.length);
    return 2;
}

static int push_close(lua_State *L, xml *x) {
    word name = word_xml_local(x->open[--x->depth]);
    x->attributes = 0;
    lua_pushliteral(L, "close");
    lua_pushlstring(L, name.at, name.length);
    return 2;
}

static int close_element(lua_State *L, xml *x) {
    x->at += 2;
    word name = word_xml_name(&x->at, x->end);
    skip_spaces(x);
    if (x->depth == 0 || x->open[x->depth - 1].length != name.length ||
        memcmp(x->open[x->depth - 1].at, name.at, name.length) != 0)
        return fail(L, "mismatched tag");
    if (x->at == x->end || *x->at != '>') return fail(L, "not well-formed (invalid token)");
    x->at++;
    return push_close(L, x);
}

/* ---- What is no element ----------------------------------------------------------------------------- */

static bool has_text(word s, const char *text) { return memmem(s.at, s.length, text, strlen(text)) != NULL; }

/* <?xml … encoding="…"?> and others of its kind. */
static const char *skip_instruction(xml *x) {
    const char *stop = find(x, x->at, "?>");
    if (!stop) return "unclosed token";
    word s = {x->at, (size_t)(stop - x->at)};
    if (begins(x, "<?xml") && has_text(s, "encoding")) {
        static const char *const latin[] = {"8859-1\"", "8859-1'", "atin1", "atin-1", "1252", NULL};
        static const char *const utf[] = {"utf-", "UTF-", "Utf-", "utf8", "UTF8", "ascii", "ASCII", NULL};
        bool known = false;
        for (const char *const *l = latin; *l; l++) x->latin |= has_text(s, *l);
        for (const char *const *u = utf; *u; u++) known |= has_text(s, *u);
        if (!known && !x->latin) return "its encoding is not known: UTF-8, UTF-16 and Latin-1 are";
    }
    x->at = stop + 2;
    return NULL;
}

/* <!DOCTYPE graphml [ … ]> */
static const char *skip_doctype(xml *x) {
    unsigned inner = 0;
    for (; x->at < x->end; x->at++) {
        if (*x->at == '[') inner++;
        else if (*x->at == ']' && inner > 0) inner--;
        else if (*x->at == '>' && inner == 0) break;
        if (begins(x, "<!ENTITY")) return "it defines entities, which are not read: a guard against amplification";
    }
    if (x->at == x->end) return "unclosed token";
    x->at++;
    return NULL;
}

static const char *skip_to(xml *x, const char *what, size_t length) {
    const char *stop = find(x, x->at, what);
    if (!stop) return "unclosed token";
    x->at = stop + length;
    return NULL;
}

/* Over whatever is not an element; true: something was passed over. */
static bool skip_other(xml *x, const char **wrong) {
    if (begins(x, "<!--")) *wrong = skip_to(x, "-->", 3);
    else if (begins(x, "<![CDATA[")) *wrong = skip_to(x, "]]>", 3);
    else if (begins(x, "<?")) *wrong = skip_instruction(x);
    else if (begins(x, "<!")) *wrong = skip_doctype(x);
    else return false;
    return true;
}

/* ---- In Lua --------------------------------------------------------------------------------------- */

static int xml_next(lua_State *L) {
    xml *x = check(L);
    const char *wrong = NULL;
    if (x->empty) {
        x->empty = false;
        return push_close(L, x);
    }
    for (;;) {
        const char *stop = memchr(x->at, '<', (size_t)(x->end - x->at));
        for (const char *at = x->at; x->depth == 0 && at < (stop ? stop : x->end); at++)
            if (!word_xml_space(*at))
                return fail(L, x->rooted ? "junk after document element" : "not well-formed (invalid token)");
        x->at = stop ? stop : x->end;
        if (!stop) break;
        if (!skip_other(x, &wrong)) return begins(x, "</") ? close_element(L, x) : open_element(L, x);
        if (wrong) return fail(L, wrong);
    }
    return x->depth > 0 || !x->rooted ? fail(L, "no element found") : 0;
}

static int xml_get(lua_State *L) {
    const xml *x = check(L);
    size_t length;
    const char *name = luaL_checklstring(L, 2, &length);
    for (unsigned i = 0; i < x->attributes; i++) {
        if (x->names[i].length != length || memcmp(x->names[i].at, name, length) != 0) continue;
        luaL_Buffer b;
        luaL_buffinit(L, &b);
        bool known = add_text(x, &b, x->values[i], true);
        luaL_pushresult(&b);
        if (!known) lua_pushboolean(L, 0);
        return 1;
    }
    return 0;
}

/* Text and CDATA up to the next element. Comments in between belong to neither. */
static int xml_text(lua_State *L) {
    xml *x = check(L);
    luaL_Buffer b;
    const char *wrong = NULL;
    bool known = true;
    luaL_buffinit(L, &b);
    while (!x->empty && x->at < x->end) {
        if (begins(x, "<![CDATA[")) {
            const char *stop = find(x, x->at, "]]>");
            if (stop) add_text(x, &b, (word){x->at + 9, (size_t)(stop - x->at) - 9}, false);
        }
        if (*x->at == '<' && skip_other(x, &wrong) && !wrong) continue;
        if (*x->at == '<') break;
        const char *stop = memchr(x->at, '<', (size_t)(x->end - x->at));
        word s = {x->at, (size_t)((stop ? stop : x->end) - x->at)};
        known &= add_text(x, &b, s, true);
        x->at += s.length;
    }
    luaL_pushresult(&b);
    if (!known) lua_pushboolean(L, 0);
    return 1;
}

static int xml_line(lua_State *L) {
    xml *x = check(L);
    for (; x->counted < x->at; x->counted++) x->line += *x->counted == '\n';
    lua_pushinteger(L, x->line);
    return 1;
}

static int xml_new(lua_State *L) {
    const source *s = gpumm_layout__source_at(L, 1);
    xml *x = lua_newuserdatauv(L, sizeof *x, 1);
    memset(x, 0, sizeof *x);
    x->source = s;
    x->at = x->counted = s->bytes;
    x->end = s->bytes + s->size;
    x->line = 1;
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, -2, 1);
    luaL_setmetatable(L, XML_CLASS);
    return 1;
}

void gpumm_layout__open_xml(lua_State *L) {
    static const luaL_Reg methods[] = {
        {"next", xml_next}, {"get", xml_get}, {"text", xml_text}, {"line", xml_line}, {NULL, NULL}};
    gpumm_layout__class_make(L, XML_CLASS, NULL, methods);
    lua_pushcfunction(L, xml_new);
    lua_setfield(L, -2, "xml");
}
