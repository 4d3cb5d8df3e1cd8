/* SPDX-License-Identifier: MIT */
/* From the layout's coordinates to a picture's: how far nodes are spread, where each is drawn, and how edges look. */
#ifndef MODULES_LAYOUT_PLACING_H
#define MODULES_LAYOUT_PLACING_H

#include <lua.h>

/* Adds to the table on top:
     turned(positions, yaw, pitch)     points in space turned about the y axis, then the x axis, by so many degrees: f32x3
     spread(positions, skip)           { { low, inner low, inner high, high }, … }: of every coordinate, where the part `skip`
                                       of the nodes lies outside of the inner ones at either end. Raises where one is not finite
     place(positions, axes, frame)     pixels (f32x2); of points in space also how near each is, 0 to 1 (f32). axes[k] = { low,
                                       high, squeeze_low, squeeze_high }: what is farther out than low or high by d is drawn
                                       as if it were so by s log(1 + d / s), s being squeeze_low or squeeze_high (0: d).
                                       frame = { scale, left, top, depth_middle, depth_half, x, y, strength }
     looks(places, ends, widths, width, height, reach)
                                       width and strength (f32x2) of every edge in `ends` (pairs of u32 from 0, as a string);
                                       a strength below 0 is that of an edge that is alone most of its way. `widths`: a view of
                                       f32, one an edge, or nil: 1 */
void gpumm_layout__open_placing(lua_State *L);

#endif
