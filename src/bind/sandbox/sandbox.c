/* SPDX-License-Identifier: MIT */
/* What the application granted, kept for a contained state. */
#include "bind/sandbox/sandbox.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/status.h"
#include "bind/lua/state.h"

sandbox *gpumm_lua__sandbox_at(lua_State *L) { return gpumm_lua__state_of(L)->sandbox; }

static void free_list(const gpumm_allocator *from, char **list) {
    for (char **item = list; item && *item; item++) gpumm__mem_free(from, *item);
    gpumm__mem_free(from, list);
}

void gpumm_lua__sandbox_release(sandbox *s) {
    if (atomic_fetch_sub(&s->holders, 1) != 1) return;
    gpumm_allocator from = s->from;
    free_list(&from, s->read);
    free_list(&from, s->write);
    free_list(&from, s->environment);
    gpumm__mem_free(&from, s);
}

static size_t length_of(const char *const *list) {
    size_t count = 0;
    while (list && list[count]) count++;
    return count;
}

static gpumm_status copy_folder(const gpumm_allocator *from, const char *folder, char **out) {
    char resolved[PATH_MAX];
    if (!realpath(folder, resolved))
        return fail(GPUMM_IO, "%s: what is granted to a contained script must be there", folder);
    *out = gpumm__mem_string(from, resolved);
    return *out ? GPUMM_OK : fail_host_memory(strlen(resolved));
}

static gpumm_status copy_list(const gpumm_allocator *from, const char *const *list, bool folders, char ***out) {
    size_t count = length_of(list);
    if (count == 0) return GPUMM_OK;
    *out = gpumm__mem_new(from, (count + 1) * sizeof **out); /* a list that lies in memory: this cannot overflow */
    if (!*out) return fail_host_memory(count * sizeof **out);
    for (size_t i = 0; i < count; i++) {
        if (folders) TRY(copy_folder(from, list[i], &(*out)[i]));
        else (*out)[i] = gpumm__mem_string(from, list[i]);
        if (!(*out)[i]) return fail_host_memory(strlen(list[i]));
    }
    return GPUMM_OK;
}

static gpumm_status copy_lists(sandbox *s, const gpumm_lua_sandbox *o) {
    TRY(copy_list(&s->from, o->read, true, &s->read));
    TRY(copy_list(&s->from, o->write, true, &s->write));
    return copy_list(&s->from, o->environment, false, &s->environment);
}

gpumm_status gpumm_lua__sandbox_new(const gpumm_lua_sandbox *o, sandbox **out) {
    const gpumm_allocator *from = o->allocator.reallocate ? &o->allocator : &gpumm__alloc_default;
    if (isnan(o->timeout) || o->timeout < 0)
        return fail(GPUMM_INVALID_ARGUMENT, "a timeout is a number of seconds from 0 (none), not %g", o->timeout);
    sandbox *s = gpumm__mem_new(from, sizeof *s);
    if (!s) return fail_host_memory(sizeof *s);
    s->from = *from;
    atomic_init(&s->holders, 1);
    atomic_init(&s->memory, o->lua_memory_bytes ? o->lua_memory_bytes : UINT64_MAX);
    s->deadline = UINT64_MAX; /* not before the script has a chance to run */
    s->kernels = o->kernels;
    gpumm_status status = copy_lists(s, o);
    if (status != GPUMM_OK) gpumm_lua__sandbox_release(s);
    else *out = s;
    return status;
}
