/* SPDX-License-Identifier: MIT */
/* Columns from Lua: what lua/gpumm/columns.lua has found out about a text, carried out. */
#ifndef MODULES_LAYOUT_COLUMNS_H
#define MODULES_LAYOUT_COLUMNS_H

#include <lua.h>

/* Adds `columns` to the table on top:
     columns(source, at, line, dialect, list, threads, what)
   reads the source from byte `at` on, which is in line `line`. dialect = { delimiter, loose, quotes, newline, comma,
   comments, columns, skipped, exact }; list = { { kind, required, dictionary, least, most, literal }, … }, by the names
   in columns_parse.h. Gives a "gpumm.rows", the names of every dictionary (a list of texts), and for every column
   whether it is missing anywhere and whether it is given anywhere ({ missing = {…}, given = {…} }).
   Or nil, fault, line, column, text: the fault by the names of columns_parse.h, "short". */
void gpumm_layout__open_columns(lua_State *L);
/* Adds `fields`: fields(source, at, dialect, most) gives the fields of up to `most` lines that are data, as a list of
   lists of strings with the fields' quotes in `quoted`, and the bytes at which they begin; for finding out. */

#endif
