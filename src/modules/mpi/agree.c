/* SPDX-License-Identifier: MIT */
/* Every rank hears the same notes, and so comes to the same verdict. */
#include "modules/mpi/agree.h"

#include <stdio.h>
#include <string.h>

#include "modules/mpi/notes.h"

gpumm_status gpumm_mpi__agree_begin(world *w, call_kind kind) {
    gpumm_status status = gpumm_mpi__world_check(w);
    if (status == GPUMM_OK && w->settle) status = w->settle(w);
    if (status != GPUMM_OK) return status;
    w->number++;
    w->call = kind;
    return GPUMM_OK;
}

static uint64_t hash_of(const char *text) {
    uint64_t hash = 0xcbf29ce484222325u;
    for (; *text; text++) hash = (hash ^ (unsigned char)*text) * 0x100000001b3u;
    return hash;
}

static void fill_in(const world *w, note *n, gpumm_status own, unsigned phase, const gpumm_type *type) {
    const char *name = type ? gpumm_type_name(type) : "";
    n->number = w->number;
    n->kind = (uint32_t)w->call;
    n->phase = phase;
    n->status = (uint32_t)own;
    n->type = hash_of(name);
    snprintf(n->text, sizeof n->text, "%s", own == GPUMM_OK ? name : gpumm_message());
}

static gpumm_status compare(const world *w, int rank) {
    const note *first = &w->peers[0].heard, *n = &w->peers[rank].heard;
    if (n->kind != first->kind || n->number != first->number || n->phase != first->phase)
        return gpumm_lua_fail(
            GPUMM_INVALID_ARGUMENT,
            "rank %d is in call %llu, %s, where rank 0 is in call %llu, %s: every rank makes the same calls", rank,
            (unsigned long long)n->number, gpumm_mpi__world_call_name(n->kind), (unsigned long long)first->number,
            gpumm_mpi__world_call_name(first->kind));
    if (n->type != first->type)
        return gpumm_lua_fail(GPUMM_TYPE_MISMATCH, "%s: rank %d has elements of %.80s, rank 0 of %.80s",
                              gpumm_mpi__world_call_name(n->kind), rank, n->text, first->text);
    if (n->detail == first->detail) return GPUMM_OK;
    return gpumm_lua_fail(GPUMM_INVALID_ARGUMENT, "%s: rank %d has another %s than rank 0",
                          gpumm_mpi__world_call_name(n->kind), rank, n->kind == CALL_BROADCAST ? "root" : "operation");
}

static gpumm_status verdict(const world *w) {
    for (int r = 0; r < w->size; r++) {
        const note *n = &w->peers[r].heard;
        if (n->status != GPUMM_OK) return gpumm_lua_fail((gpumm_status)n->status, "rank %d: %.250s", r, n->text);
    }
    for (int r = 1; r < w->size; r++) {
        gpumm_status status = compare(w, r);
        if (status != GPUMM_OK) return status;
    }
    return GPUMM_OK;
}

gpumm_status gpumm_mpi__agree(world *w, gpumm_status own, unsigned phase, const note *mine, const gpumm_type *type,
                              const uint64_t *counts) {
    note n = *mine;
    fill_in(w, &n, own, phase, type);
    gpumm_status status = gpumm_mpi__notes_tell(w, &n, counts);
    return status == GPUMM_OK ? verdict(w) : status;
}
