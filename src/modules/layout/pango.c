/* SPDX-License-Identifier: MIT */
/* One library is opened: those that it stands on are found through it. It stays open, since its types do. */
#include "modules/layout/pango.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#ifdef GPUMM_HAVE_PANGO

#define PANGO_LIBRARY "libpangocairo-1.0.so.0"

static pango_calls calls;
static bool loaded;

static bool find(void *library, const char *name, void *to) {
    void *function = dlsym(library, name);
    memcpy(to, &function, sizeof function);
    return function != NULL;
}

static void load(void) {
    void *library = dlopen(PANGO_LIBRARY, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    loaded = library != NULL;
#define X(name) loaded = loaded && find(library, #name, &calls.name);
    PANGO_CALLS(X)
#undef X
}

const pango_calls *gpumm_layout__pango(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, load);
    return loaded ? &calls : NULL;
}

const char *gpumm_layout__pango_missing(void) {
    return gpumm_layout__pango() ? NULL
                                 : "needs Pango, and there is no " PANGO_LIBRARY
                                   " (Debian package libpangocairo-1.0-0)";
}

#else

const char *gpumm_layout__pango_missing(void) {
    return "needs Pango, which gpumm was built without (Debian package libpango1.0-dev, then build again)";
}

#endif
