/* SPDX-License-Identifier: MIT */
/* Nodes and edges in their usual form, many at a time: what is unusual is left to the reader in Lua, which reads the same
   and more. "gpumm.records" in Lua: a builder, and which of a record's keys go where. */
#ifndef MODULES_LAYOUT_RECORDS_H
#define MODULES_LAYOUT_RECORDS_H

#include "modules/layout/builder.h"
#include "modules/layout/cells.h"
#include "modules/layout/word.h"

enum { RECORDS_KEYS = 128, RECORDS_FIELDS = 64, RECORDS_KINDS = 2, RECORDS_SCRATCH = 1 << 16 };

typedef enum records_role {
    RECORDS_COLUMN,
    RECORDS_LABEL, /* of a node; of an edge, a column without empty texts */
    RECORDS_NAME,  /* a column, and the label of a node that has no other */
    RECORDS_INNER, /* a child whose text is the label of a node that has none but a name; of an edge, a column */
    RECORDS_ID,    /* of a node */
    RECORDS_FROM,  /* of an edge, by the node's id */
    RECORDS_TO,
    RECORDS_WEIGHT,
    RECORDS_VALUE,  /* a column, and the weight of an edge that has no other */
    RECORDS_PASSED, /* a child that says nothing, but may hold others */
    RECORDS_KEYED,  /* a child whose attribute names the key, another the value */
    RECORDS_TEXT,   /* a child whose attribute names the key, its text is the value */
    RECORDS_PARTS,  /* a child whose attributes are keys */
    RECORDS_PAIR,   /* so too, and there are two or none */
    RECORDS_LEFT,   /* a child that is left to Lua */
    RECORDS_COLOR   /* a child whose attributes r, g, b are one key, "color" */
} records_role;

typedef struct records_key {
    word child, name; /* an empty child: a key of the record itself; an empty name: the child */
    records_role role;
    cells_type type;
    cells *cells; /* NULL: the role needs none */
} records_key;

typedef struct records_field {
    const records_key *key;
    word value;
    bool quoted; /* a text, whatever it looks like */
} records_field;

typedef struct records {
    builder *builder;
    cells *labels;
    bool known;       /* edges join nodes that are there before them */
    bool single;      /* a node is there once */
    bool loose;       /* children that are not known are passed over */
    double otherwise; /* the weight of an edge that says none; NaN: that is none */
    bool stopped[RECORDS_KINDS];
    unsigned keys[RECORDS_KINDS], hint;
    records_key key[RECORDS_KINDS][RECORDS_KEYS];
    unsigned kind, count; /* of the record that is being read */
    records_field field[RECORDS_FIELDS];
    size_t scratched;
    char scratch[RECORDS_SCRATCH]; /* texts of that record that are not in the source as they are meant */
} records;

records *gpumm_layout__records_at(lua_State *L, int index); /* raises for any other value */
/* 0: nodes, 1: edges; -1: neither, or those are not read here. */
int gpumm_layout__records_kind(const records *r, word name);
/* NULL: there is no such key. */
const records_key *gpumm_layout__records_find(records *r, word child, word name);
/* Begins a record. */
void gpumm_layout__records_begin(records *r, int kind);
/* Where `length` bytes may be kept until the next record; NULL: nowhere. The caller adds what it uses to `scratched`. */
char *gpumm_layout__records_room(records *r, size_t length);
/* False: there are too many. */
bool gpumm_layout__records_add(records *r, const records_key *key, word value, bool quoted);
/* Puts the record's fields where they belong; false, and nothing is put: it is not the usual one. [-0, +0, e] */
bool gpumm_layout__records_put(lua_State *L, records *r);
/* Adds `records` to the table on top: records(builder, labels, how) with how's letters k (known), s (single), l (loose).
   Methods: r:key(kind, child, name, role, type, cells), r:stop(kind): no more of that kind, r:otherwise(weight). kind is
   "node" or "edge". */
void gpumm_layout__open_records(lua_State *L);

#endif
