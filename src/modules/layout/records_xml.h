/* SPDX-License-Identifier: MIT */
/* Records of XML: elements whose attributes and children are keys. */
#ifndef MODULES_LAYOUT_RECORDS_XML_H
#define MODULES_LAYOUT_RECORDS_XML_H

#include <lua.h>

/* Adds `records_xml` to the table on top: records_xml(records, xml) reads records where an XML reader is, and moves it to
   the first element that is not usual. */
void gpumm_layout__open_records_xml(lua_State *L);

#endif
