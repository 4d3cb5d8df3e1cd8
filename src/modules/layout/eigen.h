/* SPDX-License-Identifier: MIT */
#ifndef MODULES_LAYOUT_EIGEN_H
#define MODULES_LAYOUT_EIGEN_H

#include <lua.h>

/* Adds to the table on top:
   eigenvectors(matrix, first)   the leading eigenvectors of a symmetric matrix, a view of f64, row by row: a view of f64, vector by
                                 vector, as many as `first` has, from which the search begins; longest first. Of at most
                                 1024 rows, and 8 vectors
   greatest(view)                the greatest number of a view of u32; 0 where it is empty */
void gpumm_layout__open_eigen(lua_State *L);

#endif
