/* Modules on the host: shared objects that compile.c made. */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "base/status.h"
#include "device/host/kernel.h"

struct device_module {
    void *library;
    device_function *functions; /* looked up so far; of this module's one owner */
};

gpumm_status host_module_open(device *d, const char *path, device_module **out) {
    device_module *m = mem_new(d->memory, sizeof *m);
    if (!m) return fail_host_memory(sizeof *m);
    m->library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!m->library) {
        const char *why = dlerror();
        mem_free(d->memory, m);
        return fail(GPUMM_DRIVER, "a compiled kernel cannot be loaded: %s", why ? why : path);
    }
    *out = m;
    return GPUMM_OK;
}

void host_module_close(device *d, device_module *m) {
    for (device_function *f = m->functions, *next; f; f = next) {
        next = f->next;
        mem_free(d->memory, f->name);
        mem_free(d->memory, f);
    }
    dlclose(m->library);
    mem_free(d->memory, m);
}

static device_function *function_known(const device_module *m, const char *name) {
    for (device_function *f = m->functions; f; f = f->next)
        if (strcmp(f->name, name) == 0) return f;
    return NULL;
}

static gpumm_status function_add(device *d, device_module *m, const char *name, void *address,
                                 device_function **out) {
    device_function *f = mem_new(d->memory, sizeof *f);
    char *copy = f ? mem_string(d->memory, name) : NULL;
    if (!copy) {
        mem_free(d->memory, f);
        return fail_host_memory(sizeof *f);
    }
    f->name = copy;
    memcpy(&f->run, &address, sizeof address); /* POSIX: an object pointer that is a function */
    f->next = m->functions;
    *out = m->functions = f;
    return GPUMM_OK;
}

gpumm_status host_function(device *d, device_module *m, const char *name, device_function **out) {
    char symbol[512];
    device_function *known = function_known(m, name);
    if (known) return *out = known, GPUMM_OK;
    snprintf(symbol, sizeof symbol, "gpumm_run_%s", name);
    void *address = dlsym(m->library, symbol);
    if (!address) return fail(GPUMM_NOT_FOUND, "there is no kernel '%s' in the compiled source", name);
    return function_add(d, m, name, address, out);
}
