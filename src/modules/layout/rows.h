/* SPDX-License-Identifier: MIT */
/* Typed columns of one length that are being made, "gpumm.rows" in Lua. What is shown as a view does not change any
   more. */
#ifndef MODULES_LAYOUT_ROWS_H
#define MODULES_LAYOUT_ROWS_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct rows_column {
    const char *type; /* "u32", "i64", "f64"; NULL: there is none */
    void *bytes;
    bool shown; /* a script sees it */
} rows_column;

typedef struct rows {
    uint64_t count;
    unsigned columns;
    rows_column column[];
} rows;

/* [-0, +1, m] */
rows *gpumm_layout__rows_push(lua_State *L, uint64_t count, unsigned columns);
/* Memory for `room` values of column `i` of the rows at `index`; what is in it is undefined. [-0, +0, m] */
void *gpumm_layout__rows_take(lua_State *L, int index, unsigned i, const char *type, uint64_t room);
rows *gpumm_layout__rows_at(lua_State *L, int index); /* raises for any other value */
size_t gpumm_layout__rows_size(const char *type);     /* bytes of a value */
/* Adds `rows` to the table on top: rows { view, … } copies columns. Methods: r:view(i), r:shift(i, by), r:with("u32"),
   #r. */
void gpumm_layout__open_rows(lua_State *L);

#endif
