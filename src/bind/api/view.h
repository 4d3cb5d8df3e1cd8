/* SPDX-License-Identifier: MIT */
/*
 * Views: typed windows on host memory, "gpumm.view" in Lua. A view has memory of its own (a userdata that it
 * anchors, shared with its field views) or reads a frame, whose handle it anchors and which it asks at every access
 * whether it is still valid: "STALE: …" is raised where it is not.
 */
#ifndef BIND_API_VIEW_H
#define BIND_API_VIEW_H

#include <lua.h>

#include "bind/lua/class.h"
#include "gpumm.h"

typedef struct view {
    const bind_class *class;
    const gpumm_type *type;    /* of what v[i] is; NULL once collected */
    bind_reference *reference; /* holds the type; NULL: the frame does */
    const bind_handle *frame;  /* what it reads is that frame's; NULL: memory of its own */
    unsigned char *bytes;      /* of element 0; written only where frame is NULL */
    uint64_t count;
    uint64_t stride; /* bytes from one element to the next */
    bool sealed;     /* scripts may not write it, though it is of no frame */
} view;

void gpumm_lua__open_view(lua_State *L); /* the class, once a state [-0, +0, m] */
/* A view of `count` zeroed elements; its bytes, to be filled in, contiguous. [-0, +1, m] */
void *gpumm_lua__view_push_owned(lua_State *L, const gpumm_type *type, uint64_t count);
/* A view of `count` elements at `data`, which are those of the frame at `index`, as the type is. [-0, +1, m] */
void gpumm_lua__view_push_frame(lua_State *L, int index, const gpumm_type *type, uint64_t count, const void *data);
/* Gives the reference `type` to a view without one. */
void gpumm_lua__view_hold(view *v, const gpumm_type *type);
/* The two halves of gpumm_lua__view_push_owned: a view without type and memory, for callers to whom a type is given that
   they then have it hold; and `count` zeroed elements of that type for the view on top. */
view *gpumm_lua__view_push_empty(lua_State *L);                  /* [-0, +1, m] */
void *gpumm_lua__view_take_memory(lua_State *L, uint64_t count); /* [-0, +0, e] */
/* Or the memory userdata on top, of `count` elements, becomes that of the view below it. [-1, +0, -] */
void gpumm_lua__view_give_memory(lua_State *L, uint64_t count);
/* The view on top, empty but for its type, becomes a sealed one of `count` elements at `bytes`, which the value at
   `anchor` keeps alive. [-0, +0, -] */
void gpumm_lua__view_lend_memory(lua_State *L, uint64_t count, const void *bytes, int anchor);
/* The view at `index`; raises for any other value, and where its frame is STALE. */
view *gpumm_lua__view_check(lua_State *L, int index);
/* NULL for any other value; raises where its frame is STALE. */
view *gpumm_lua__view_test(lua_State *L, int index);
/* The elements of the view at `index` one behind the other; pushes what keeps them alive. Those of a frame
   are borrowed from it: use them before Lua runs again. [-0, +1, e] */
const void *gpumm_lua__view_contiguous(lua_State *L, int index);

#endif
