/* SPDX-License-Identifier: MIT */
/* Numbers as a page carries them. */
#ifndef MODULES_LAYOUT_ENCODE_H
#define MODULES_LAYOUT_ENCODE_H

#include <lua.h>

/* Adds to the table on top:
     base64(text)                        in letters that HTML leaves alone
     lanes(positions, first, last)       those lanes of a view of f32x2 or f32x3 as little-endian f32, a string
     shorts(positions, lows, size)       every lane as little-endian u16: 0 at its low, 65535 at `size` above; a string
     look_bytes(looks)                   of native.looks, two bytes an edge: 32 times how wide, and 255 where it is alone */
void gpumm_layout__open_encode(lua_State *L);

#endif
