/* SPDX-License-Identifier: MIT */
/* A column whose cells come one by one, in any order and of any type, "gpumm.cells" in Lua: what it is, is seen at the
   end. A row without a cell is a gap. */
#ifndef MODULES_LAYOUT_CELLS_H
#define MODULES_LAYOUT_CELLS_H

#include "modules/layout/work.h"

/* What a text becomes: itself; an integer, or a float, where it says one as Lua understands numbers, else itself; a
   number of either kind, else itself. */
typedef enum cells_type { CELLS_TEXT, CELLS_WHOLE, CELLS_NUMBER, CELLS_ANY } cells_type;

/* Cells are kept as they come, so that a column which few rows have takes little. */
typedef struct cell {
    union {
        int64_t whole;
        double number;
        size_t at; /* of a text in `bytes` */
    } is;
    uint32_t length, row;
    uint8_t kind;
} cell;

typedef struct cells {
    work work;
    cell *list; /* of two with the same row the later one counts */
    size_t put, room;
    uint32_t count;    /* up to the last row that has a cell */
    cell otherwise[2]; /* what gaps before their `row` have; the first that fits */
    unsigned defaults;
    char *bytes;
    size_t used, size;
} cells;

cells *gpumm_layout__cells_at(lua_State *L, int index); /* raises for any other value */
/* Row `row`, from 0; raises where there is no memory. [-0, +0, e] */
void gpumm_layout__cells_put(lua_State *L, cells *c, uint32_t row, const char *text, size_t length, cells_type type);
/* Adds `cells` to the table on top: cells() is an empty column. Methods:
     c:put(i, value)        row i, from 1, is a number or a text
     c:default(count, v)    so is every gap among the first `count` rows, in the end
     c:column(count, rows)  the first `count` rows, or those that a view of u32 names: a view of i64 or f64 (NaN in a
                            gap), or texts ("" in a gap, numbers as Lua shows them)
     c:texts(names, rows)   as many texts as `names` (texts), which fill the gaps; nil where there is nothing but gaps
     #c                     up to which row there is something */
void gpumm_layout__open_cells(lua_State *L);

#endif
