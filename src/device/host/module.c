/* SPDX-License-Identifier: MIT */
/* Modules on the host: shared objects that compile.c made. */
#include "device/host/module.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "base/status.h"

typedef struct described { /* a kernel's constant: see device_parameter */
    uint32_t more;         /* than there are parameters, by one */
    device_parameter parameters[];
} described;

struct device_module {
    void *library;              /* NULL: its functions are this library's */
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
    if (m->library) dlclose(m->library);
    gpumm__mem_free(d->memory, m);
}

/* ---- Kernels of this library ---- */

static gpumm_status builtin_fill(device *d, device_function *f, const device_builtin *kernel) {
    uint64_t bytes = (uint64_t)kernel->count * sizeof *f->sizes; /* they are written out there, and few */
    f->name = gpumm__mem_string(d->memory, kernel->name);
    f->sizes = gpumm__mem_new(d->memory, bytes);
    if (!f->name || !f->sizes) return fail_host_memory(bytes);
    memcpy(f->sizes, kernel->sizes, bytes);
    f->count = kernel->count;
    f->run = kernel->run;
    return GPUMM_OK;
}

gpumm_status gpumm__host_builtin(device *d, const device_builtin *kernel, device_module **out) {
    device_module *m = gpumm__mem_new(d->memory, sizeof *m);
    if (!m) return fail_host_memory(sizeof *m);
    m->functions = gpumm__mem_new(d->memory, sizeof *m->functions);
    gpumm_status status = m->functions ? builtin_fill(d, m->functions, kernel) : fail_host_memory(sizeof *m->functions);
    if (status == GPUMM_OK) *out = m;
    else gpumm__host_module_close(d, m);
    return status;
}

/* ---- Functions ---- */

static device_function *function_known(const device_module *m, const char *name) {
    for (device_function *f = m->functions; f; f = f->next)
        if (strcmp(f->name, name) == 0) return f;
    return NULL;
}

static void *find_symbol(const device_module *m, const char *what, const char *name) {
    char symbol[512];
    snprintf(symbol, sizeof symbol, "gpumm_%s_%s", what, name);
    return dlsym(m->library, symbol);
}

static gpumm_status function_fill(device *d, device_function *f, const char *name, const described *of) {
    uint64_t bytes = (uint64_t)of->more * sizeof *f->sizes; /* a source has written them out: they are few */
    f->name = gpumm__mem_string(d->memory, name);
    f->sizes = gpumm__mem_new(d->memory, bytes);
    if (!f->name || !f->sizes) return fail_host_memory(bytes);
    f->count = of->more - 1;
    f->parameters = of->parameters;
    for (size_t i = 0; i < f->count; i++)
        f->sizes[i] = of->parameters[i].pointer ? sizeof(gpumm_address) : of->parameters[i].size;
    return GPUMM_OK;
}

gpumm_status gpumm__host_function(device *d, device_module *m, const char *name, device_function **out) {
    device_function *known = function_known(m, name);
    if (known) return *out = known, GPUMM_OK;
    device_function *f = gpumm__mem_new(d->memory, sizeof *f);
    if (!f) return fail_host_memory(sizeof *f);
    void *run = find_symbol(m, "run", name), *run_block = find_symbol(m, "block", name);
    const described *of = find_symbol(m, "parameters", name);
    const uint32_t *needs = find_symbol(m, "needs", name);
    memcpy(&f->run, &run, sizeof run); /* POSIX: an object pointer that is a function */
    memcpy(&f->run_block, &run_block, sizeof run_block);
    f->needs = needs ? *needs : 0;
    gpumm_status status = GPUMM_OK;
    if ((run || run_block) && of) status = function_fill(d, f, name, of);
    else status = fail(GPUMM_NOT_FOUND, "there is no kernel '%s' in the compiled source", name);
    if (status != GPUMM_OK) return function_delete(d, f), status;
    f->next = m->functions;
    *out = m->functions = f;
    return GPUMM_OK;
}

const device_parameter *gpumm__host_parameters(const device_function *f, size_t *count) {
    *count = f->count;
    return f->parameters;
}

uint32_t gpumm__host_needs(const device_function *f) { return f->needs; }

const char *gpumm__host_function_name(const device_function *f) { return f->name; }
