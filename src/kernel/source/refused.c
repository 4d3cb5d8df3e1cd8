/* SPDX-License-Identifier: MIT */
/* Names of CUDA C that have no meaning without a GPU. */
#include "kernel/source/refused.h"

#include <string.h>

#include "base/status.h"
#include "kernel/source/tokens.h"

typedef struct refused_name {
    const char *name;
    int prefix; /* refuses every function whose name begins so */
    const char *what, *why;
} refused_name;

#define TEXTURE "needs the GPU's texture units"
#define NAMED "waits at a barrier of its own number, and the host has a block's one and its warps'"
#define CLUSTER "needs blocks that run together, and on the host they run one by one"

static const refused_name refused[] = {
    {"__barrier_sync", 1, "the barrier", NAMED},         {"this_cluster", 0, "the group", CLUSTER},
    {"cluster_group", 0, "the group", CLUSTER},          {"tex1D", 1, "the texture function", TEXTURE},
    {"tex2D", 1, "the texture function", TEXTURE},       {"tex3D", 1, "the texture function", TEXTURE},
    {"texCubemap", 1, "the texture function", TEXTURE},  {"surf1D", 1, "the surface function", TEXTURE},
    {"surf2D", 1, "the surface function", TEXTURE},      {"surf3D", 1, "the surface function", TEXTURE},
    {"surfCubemap", 1, "the surface function", TEXTURE}, {"cudaTextureObject_t", 0, "the type", TEXTURE},
    {"cudaSurfaceObject_t", 0, "the type", TEXTURE},     {NULL, 0, NULL, NULL},
};

static const refused_name *refusal(const token *t, bool called) {
    if (t->kind != TOKEN_NAME) return NULL;
    for (const refused_name *r = refused; r->name; r++) {
        size_t length = strlen(r->name);
        if (r->prefix ? called && t->length >= length && !memcmp(t->text, r->name, length)
                      : gpumm__token_is(t, r->name))
            return r;
    }
    return NULL;
}

static gpumm_status refuse(const token *t, const refused_name *r) {
    return fail(GPUMM_COMPILE_FAILED, "%s:%u: %s %.*s is not available on the host device: it %s", t->file, t->line,
                r->what, (int)t->length, t->text, r->why);
}

gpumm_status gpumm__refused_check(const gpumm_allocator *from, const char *text, const char *file) {
    token_reader r;
    gpumm_status status = GPUMM_OK;
    gpumm__tokens_open(from, text, file, &r);
    token t = gpumm__token_next(&r);
    while (t.kind != TOKEN_END && status == GPUMM_OK) {
        token next = gpumm__token_next(&r);
        const refused_name *found = refusal(&t, gpumm__token_is(&next, "(") || gpumm__token_is(&next, "<"));
        if (found) status = refuse(&t, found);
        t = next;
    }
    gpumm__tokens_close(&r);
    return status;
}
