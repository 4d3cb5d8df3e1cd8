/* SPDX-License-Identifier: MIT */
/* Drawing with text: onto pixels, and into PDF. */
#ifndef MODULES_LAYOUT_PEN_H
#define MODULES_LAYOUT_PEN_H

#include <lua.h>

/* Adds to the table on top:
     pen_missing()                what to do so that there are pens; nothing: there are
     pen_pixels(width, height)    a pen on pixels that nothing covers
     pen_pdf(path, width, height) a pen on the one page of a file; or nil and a message
   A pen has, with lengths in pixels (PDF: points) and colors from 0 to 1:
     color(r, g, b, a), halo(r, g, b, width)  of what follows; a halo of width 0: none
     line(x1, y1, x2, y2, width), disc(x, y, r), triangle(x1, y1, x2, y2, x3, y3), box(x, y, w, h)
     shade(x, y, w, h, colors)    a box from the first color (r, g, b, r, g, b, …) below to the last above
     text(x, baseline, text, size), measure(text, size): width, height, how far the baseline is below the top
     over(view)                   a view of u8x4 with the pixels in `view` under this pen's
     commit()                     the file is complete: true, or nil and a message */
void gpumm_layout__open_pen(lua_State *L);

#endif
