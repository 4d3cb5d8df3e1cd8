/* SPDX-License-Identifier: MIT */
/* From a compiler's words to gpumm's types. */
#include "kernel/parameters.h"

#include <stdio.h>
#include <string.h>

#include "base/status.h"
#include "core/element.h"

enum { TYPE_TEXT = 64 };

/* "f32x3"; false: gpumm has no such type. */
static bool element_name(const device_parameter *c, char text[static 16]) {
    static const char letters[] = {
        [DEVICE_SIGNED] = 'i', [DEVICE_UNSIGNED] = 'u', [DEVICE_FLOATING] = 'f', [DEVICE_BOOL] = 'u'};
    if (c->kind < DEVICE_SIGNED || c->kind > DEVICE_BOOL || !c->lanes) return false;
    unsigned bits = c->size / c->lanes * 8;
    bool floats = c->kind == DEVICE_FLOATING;
    if (bits > 64 || bits < (floats ? 16 : 8)) return false;
    if (c->lanes == 1) snprintf(text, 16, "%c%u", letters[c->kind], bits);
    else snprintf(text, 16, "%c%ux%u", letters[c->kind], bits, c->lanes % 100);
    return true;
}

/* As C has it, for messages, where the text has no name for it. */
static void c_name(const device_parameter *c, const gpumm_type *element, char text[static TYPE_TEXT]) {
    if (c->kind == DEVICE_OPAQUE) snprintf(text, TYPE_TEXT, "void");
    else if (c->kind == DEVICE_BOOL) snprintf(text, TYPE_TEXT, "bool");
    else if (!element) snprintf(text, TYPE_TEXT, "struct of %u bytes", c->size);
    else if (gpumm_type_kind(element) == GPUMM_KIND_STRUCT)
        snprintf(text, TYPE_TEXT, "%.60s", gpumm_type_struct_name(element));
    else if (c->lanes == 1) snprintf(text, TYPE_TEXT, "%s", scalar_infos[gpumm_type_scalar(element)].c_name);
    else {
        const char *vector = scalar_infos[gpumm_type_scalar(element)].c_vector;
        snprintf(text, TYPE_TEXT, "%s%u", vector ? vector : "half", c->lanes);
    }
}

static gpumm_status wrong_layout(const prototype *k, size_t index, const device_parameter *c, const gpumm_type *type) {
    const char *name = gpumm_type_struct_name(type), *said = k->parameters[index].type;
    return fail(GPUMM_TYPE_MISMATCH,
                "kernel '%s', parameter %zu: the source's own struct '%s' has %u bytes aligned to %u, and the type of "
                "that name has %zu aligned to %zu: make them the same, or give one another name",
                k->name, index + 1, *name || !said ? name : said, c->size, c->align, gpumm_type_size(type),
                gpumm_type_align(type));
}

static gpumm_status element_of(const gpumm_allocator *from, const prototype *k, size_t index, const device_parameter *c,
                               const gpumm_type *const *types, const gpumm_type **out) {
    char name[16];
    gpumm_type *made = NULL;
    if (c->known) {
        const gpumm_type *type = types[c->known - 1];
        if (gpumm_type_size(type) != c->size || gpumm_type_align(type) != c->align)
            return wrong_layout(k, index, c, type);
        return *out = gpumm_type_retain(type), GPUMM_OK;
    }
    if (!element_name(c, name)) return GPUMM_OK;
    TRY(gpumm_type_parse_with(from, name, &made));
    *out = made;
    return GPUMM_OK;
}

static gpumm_status apply_type(const gpumm_allocator *from, gpumm_parameter *p, const device_parameter *c) {
    bool pointer = c->pointer == 1;
    char text[TYPE_TEXT];
    if (p->type && *p->type && (p->kind == GPUMM_PARAMETER_POINTER) == pointer) return GPUMM_OK;
    c_name(c, p->element, text);
    gpumm__mem_free(from, (char *)p->type);
    p->type = gpumm__mem_string(from, text);
    p->kind = pointer ? GPUMM_PARAMETER_POINTER : GPUMM_PARAMETER_VALUE;
    return p->type ? GPUMM_OK : fail_host_memory(sizeof text);
}

static gpumm_status apply(const gpumm_allocator *from, prototype *k, size_t index, const device_parameter *c,
                          const gpumm_type *const *types) {
    gpumm_parameter *p = &k->parameters[index];
    const gpumm_type *element = NULL;
    if (c->pointer == 2)
        return fail(GPUMM_COMPILE_FAILED,
                    "kernel '%s', parameter %zu: a kernel takes no references: make it a pointer or a value", k->name,
                    index + 1);
    TRY(element_of(from, k, index, c, types, &element));
    if (p->element) gpumm_type_release(p->element);
    p->element = element;
    TRY(apply_type(from, p, c));
    p->access = c->pointer && !c->constant ? GPUMM_ACCESS_WRITE : GPUMM_ACCESS_READ;
    p->size = c->size;
    p->align = c->align;
    p->boolean = c->kind == DEVICE_BOOL;
    p->any = c->kind == DEVICE_OPAQUE;
    k->enums |= (uint64_t)(c->enumeration && !c->pointer) << index;
    return GPUMM_OK;
}

/* The text has other parameters than were compiled, as where a macro has made them: none of its names is any of
   theirs. */
static gpumm_status forget_names(const gpumm_allocator *from, prototype *k, size_t count) {
    for (size_t i = 0; i < k->count; i++) {
        gpumm__mem_free(from, (char *)k->parameters[i].name);
        gpumm__mem_free(from, (char *)k->parameters[i].type);
        k->parameters[i].name = k->parameters[i].type = NULL;
    }
    for (k->count = 0; k->count < count; k->count++) {
        gpumm_parameter *p = &k->parameters[k->count];
        p->name = gpumm__mem_string(from, "");
        if (!p->name) return fail_host_memory(1);
    }
    return GPUMM_OK;
}

gpumm_status gpumm__parameters_apply(const gpumm_allocator *from, prototype *k, const device_parameter *compiled,
                                     size_t count, const gpumm_type *const *types) {
    if (count > GPUMM_PARAMETERS_MAX)
        return fail(GPUMM_COMPILE_FAILED, "kernel '%s' takes more than %d parameters", k->name, GPUMM_PARAMETERS_MAX);
    if (count != k->count) TRY(forget_names(from, k, count));
    for (size_t i = 0; i < count; i++) TRY(apply(from, k, i, &compiled[i], types));
    return GPUMM_OK;
}
