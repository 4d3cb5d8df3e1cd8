/* SPDX-License-Identifier: MIT */
/*
 * Sealed classes, and handles: userdata that stand for one C object.
 *
 * Rules of everything above
 *   - A userdata is made before the C call that fills it, so that a memory error of Lua's leaks nothing.
 *   - No memory that only C knows is held across a call that may raise.
 *   - Close functions only mark a handle closed (core frees the resource); the reference goes with the
 *     userdata, because a finaliser of the script's may run in the midst of our call. Scratch is the
 *     exception.
 *   - Every call that enqueues work ends with an optional argument `where` (api/where.h).
 */
#ifndef BIND_LUA_CLASS_H
#define BIND_LUA_CLASS_H

#include <lauxlib.h>
#include <lua.h>

#include "bind/lua/state.h"

/* ---- Classes ------------------------------------------------------------------------------ */

typedef struct bind_class {
    const char *name;              /* "gpumm.buffer": its key in the registry, and __name */
    const luaL_Reg *methods;       /* object:method(…); may be NULL, as the next two */
    const luaL_Reg *properties;    /* object.property: called with the object in slot 1 */
    const luaL_Reg *meta;          /* metamethods, not __index; handles get their __gc by themselves */
    lua_CFunction missing;         /* object[key] where neither has the key: object in 1, key in 2. Returns nothing:
                                      nil, or an error where a name is near. NULL: an error */
    const char *elements;          /* of those that hold some: how object[1] is written instead; NULL: it has none */
    const char *assigned;          /* how object.property is changed; NULL: it cannot be */
    void (*release)(void *object); /* for handles: gives the C reference back */
    bool (*ended)(void *object);   /* does the object hold nothing any more, though its handle lives? NULL: never */
    const char *unheeded; /* of handles: methods that can be recorded, or do nothing on a device and ask nothing of
                                      its work, each between spaces; "*": all. Of others state->before_method is told */
    bool fleeting;        /* one userdata an object anyway: nobody looks it up by its object */
    const struct bind_class *owner; /* of fleeting ones that come and go: what they belong to is of this class. Their
                                       userdata have no finaliser (reference.h) and no user values. NULL: they have */
} bind_class;

/* Makes the sealed metatable: getmetatable gives the name, methods cannot be changed. [-0, +0, m] */
void gpumm_lua__class_open(lua_State *L, const bind_class *class);
/* More methods and properties for an open class, from the file of what they make or tell; either may be NULL.
   [-0, +0, m] */
void gpumm_lua__class_add(lua_State *L, const bind_class *class, const luaL_Reg *methods, const luaL_Reg *properties);
/* The userdata at `index`, which is one of the class; raises as luaL_checkudata for any other value, and costs
   less: classes are told by a key of the metatable, not by their names. */
void *gpumm_lua__userdata(lua_State *L, int index, const bind_class *class);
/* The userdata of `size` bytes at `index` that begins with the class' address; NULL for any other value. It costs less again:
   no table is asked. What somebody else made and is as large begins with no address of a class. */
void *gpumm_lua__test_object(lua_State *L, int index, size_t size, const bind_class *class);
/* NULL for any other value. */
void *gpumm_lua__test_userdata(lua_State *L, int index, const bind_class *class);

/* ---- Handles ------------------------------------------------------------------------------ */

enum { BIND_OWNER = 1, BIND_EXTRA = 2 }; /* user values: the manager; what the class likes */

typedef struct bind_handle {
    const bind_class *class;
    bind_state *state;         /* the Lua state's, which outlives it */
    bind_reference *reference; /* holds that reference; NULL: released */
    void *object;              /* one reference; NULL: never filled, or released */
    const void *owner;         /* of those without user values: the object they belong to */
    bool closed;               /* by the script */
    bool borrowed;             /* the application's: a script may use it, not free it */
    bool raising;              /* of managers: failures that are not misuse raise too */
    bool kept;                 /* of frames: it holds its slot */
    int patience;              /* of readbacks: captures refused until garbage is looked for again */
    uint64_t taken;            /* of readbacks: the ticket whose frame this state was given last; 0: none */
    unsigned serial;           /* the reference's, when it was taken */
    int slots;                 /* of readbacks that this state made; 0: unknown. Of device views: which member */
} bind_handle;

/* An empty handle whose manager is the value in slot `owner` (0: none). [-0, +1, m] */
bind_handle *gpumm_lua__new(lua_State *L, const bind_class *class, int owner);
/* The same with so many user values more, from BIND_EXTRA + 1 on. [-0, +1, m] */
bind_handle *gpumm_lua__new_with(lua_State *L, const bind_class *class, int owner, int values);
/* Gives the reference `object` to the empty handle on top; where this state has a handle of that object
   already, the reference is given back and that handle takes the top. [-1, +1, m] */
bind_handle *gpumm_lua__adopt(lua_State *L, bind_handle *handle, void *object);
/* The handle this state has of `object`, or false and nothing. [-0, +(0|1), -] */
bool gpumm_lua__find(lua_State *L, const bind_class *class, const void *object);
/* The handle at `index`; raises for any other value. Works on closed ones. */
bind_handle *gpumm_lua__handle_at(lua_State *L, int index, const bind_class *class);
/* NULL for any other value; works on closed ones too. */
bind_handle *gpumm_lua__test_handle(lua_State *L, int index, const bind_class *class);
/* Its object; raises CLOSED where it is closed. */
void *gpumm_lua__check(lua_State *L, int index, const bind_class *class);
/* Its object; NULL for any other value; raises CLOSED where it is closed. */
void *gpumm_lua__test(lua_State *L, int index, const bind_class *class);
/* Whether closed or not: does it hold its object still? */
bool gpumm_lua__holds(const bind_handle *handle);
/* The handle at `index` of whatever class; NULL for any other value. */
bind_handle *gpumm_lua__any_handle(lua_State *L, int index);
/* Pushes the manager's userdata of the handle at `index`; nil where it is gone. [-0, +1, -] */
void gpumm_lua__push_owner(lua_State *L, int index);
/* Raises where a contained script has `most` open objects of the class: each holds threads. */
void gpumm_lua__require_room(lua_State *L, const bind_class *class, int most);
int gpumm_lua__to_text(lua_State *L); /* a __tostring for handles */

#endif
