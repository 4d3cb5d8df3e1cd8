/* SPDX-License-Identifier: MIT */
/* XML, element by element, for formats that are read in Lua. Entities of a file's own are refused, so that nothing
   swells. */
#ifndef MODULES_LAYOUT_XML_H
#define MODULES_LAYOUT_XML_H

#include <lua.h>
#include <stdbool.h>

#include "modules/layout/word.h"

/* Where the reader at `index` is, and where its text ends; false where somebody else cannot go on for it: within an
   element that is about to close, or outside of the root. `latin`: the text is in Latin-1. Raises for any other value. */
bool gpumm_layout__xml_place(lua_State *L, int index, const char **at, const char **end, bool *latin);
/* Whole elements were read elsewhere, up to `at`. */
void gpumm_layout__xml_move(lua_State *L, int index, const char *at);
/* The text in UTF-8, with its entities resolved where they count, at `to`, which has room for 3 bytes a byte; false: one is
   not known. */
bool gpumm_layout__xml_resolve(word s, bool entities, bool latin, char *to, size_t *length);
/* Would that change it? */
bool gpumm_layout__xml_changes(word s, bool entities, bool latin);
/* Adds `xml` to the table on top: xml(source) is a "gpumm.xml". Methods:
     x:next()     "open", name or "close", name, without prefixes; nil at the end; "error", what is wrong
     x:get(name)  an attribute of the element that was opened last, by its name without a prefix; nil: it has none;
                  false: an entity in it is not known, as of the text
     x:text()     after "open": the text up to the next element, or to this one's end
     x:line()     where the reader is */
void gpumm_layout__open_xml(lua_State *L);

#endif
