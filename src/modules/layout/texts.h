/* SPDX-License-Identifier: MIT */
/* Columns of text in Lua, "gpumm.texts", without a table of strings: t[i], #t, ipairs, pairs, t:find(text). Either every
   text of its own, or numbers of texts, or the numbers from 1 themselves. */
#ifndef MODULES_LAYOUT_TEXTS_H
#define MODULES_LAYOUT_TEXTS_H

#include "modules/layout/intern.h"

/* Pushes the column of these names, which are copied. [-0, +1, e] */
void gpumm_layout__texts_push(lua_State *L, const intern_name *names, uint32_t count);
/* Replaces the integer on top, 0 to 2^31 - 1, by the column "1" to that. [-1, +1, e] */
void gpumm_layout__texts_push_numbers(lua_State *L);
/* Pushes a column of `count` texts: the numbers (u32, from 1; 0: "") at `numbers`, which the value at `anchor` keeps
   alive, of the texts on top, which are replaced. [-1, +1, e] */
void gpumm_layout__texts_push_numbered(lua_State *L, const uint32_t *numbers, uint32_t count, int anchor);
/* The texts of a column, in the order of its rows; raises for any other value. */
uint32_t gpumm_layout__texts_count(lua_State *L, int index);
/* Row `i`, from 0, of the column at `index`; a number's text is made in `local`. */
const char *gpumm_layout__texts_at(lua_State *L, int index, uint32_t i, char local[static 16], size_t *length);
/* Adds `texts` to the table on top: texts(n) is the column "1" to "n", texts(list) one of strings,
   texts(column, rows) the rows (a view of u32, from 1) of a column; joined(a, b) one behind the other, all distinct. */
void gpumm_layout__open_texts(lua_State *L);

#endif
