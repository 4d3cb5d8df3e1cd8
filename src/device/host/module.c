/* SPDX-License-Identifier: MIT */
/* Modules on the host: shared objects that compile.c made. */
#include "device/host/module.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "base/status.h"

/* How many parameters the kernel has (0), and how many bytes the one before `index` takes (from 1). */
typedef uint64_t host_size_fn(unsigned index);

struct device_module {
    void *library;
    device_function *functions; /* looked up so far; of this module's one owner */
};

gpumm_status gpumm__host_module_open(device *d, const char *path, device_module **out) {
    device_module *m = gpumm__mem_new(d->memory, sizeof *m);
    if (!m) return fail_host_memory(sizeof *m);
    m->library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!m->library) {
        const char *why = dlerror();
        gpumm__mem_free(d->memory, m);
        return fail(GPUMM_DRIVER, "a compiled kernel cannot be loaded: %s", why ? why : path);
    }
    *out = m;
    return GPUMM_OK;
}

static void function_delete(device *d, device_function *f) {
    gpumm__mem_free(d->memory, f->sizes);
    gpumm__mem_free(d->memory, f->name);
    gpumm__mem_free(d->memory, f);
}

void gpumm__host_module_close(device *d, device_module *m) {
    for (device_function *f = m->functions, *next; f; f = next) {
        next = f->next;
        function_delete(d, f);
    }
    dlclose(m->library);
    gpumm__mem_free(d->memory, m);
}

static device_function *function_known(const device_module *m, const char *name) {
    for (device_function *f = m->functions; f; f = f->next)
        if (strcmp(f->name, name) == 0) return f;
    return NULL;
}

/* POSIX: an object pointer that is a function. */
static bool find_symbol(const device_module *m, const char *what, const char *name, void *function) {
    char symbol[512];
    snprintf(symbol, sizeof symbol, "gpumm_%s_%s", what, name);
    void *address = dlsym(m->library, symbol);
    memcpy(function, &address, sizeof address);
    return address != NULL;
}

static gpumm_status function_fill(device *d, device_function *f, const char *name, host_size_fn *size) {
    uint64_t bytes = (size(0) + 1) * sizeof *f->sizes; /* a source has written them out one by one: they are few */
    f->name = gpumm__mem_string(d->memory, name);
    f->sizes = gpumm__mem_new(d->memory, bytes);
    if (!f->name || !f->sizes) return fail_host_memory(bytes);
    f->count = size(0);
    for (unsigned i = 0; i < f->count; i++) f->sizes[i] = size(i + 1);
    return GPUMM_OK;
}

gpumm_status gpumm__host_function(device *d, device_module *m, const char *name, device_function **out) {
    device_function *known = function_known(m, name);
    if (known) return *out = known, GPUMM_OK;
    device_function *f = gpumm__mem_new(d->memory, sizeof *f);
    host_size_fn *size;
    if (!f) return fail_host_memory(sizeof *f);
    gpumm_status status = GPUMM_OK;
    if (find_symbol(m, "run", name, &f->run) && find_symbol(m, "size", name, &size))
        status = function_fill(d, f, name, size);
    else status = fail(GPUMM_NOT_FOUND, "there is no kernel '%s' in the compiled source", name);
    if (status != GPUMM_OK) return function_delete(d, f), status;
    f->next = m->functions;
    *out = m->functions = f;
    return GPUMM_OK;
}
