/* SPDX-License-Identifier: MIT */
/* Element types: scalars, packed vectors, structs with C layout and opaque bytes. Immutable once made and
   counted by reference, so that any thread may hold one. Opaque bytes are a struct without fields. */
#include "core/element.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/size.h"
#include "base/status.h"

enum { ALIGN_MAX = 16, NAME_SIZE = (TYPE_DEPTH_MAX + 1) * (IDENTIFIER_MAX + 1) };

struct gpumm_type {
    atomic_uint references;
    gpumm_kind kind;
    gpumm_scalar scalar;
    unsigned lanes;      /* 0: no scalar and no vector */
    unsigned depth;      /* of structs in structs; 0: no struct */
    size_t total_fields; /* scalars and vectors, those of nested structs included */
    size_t size, align, field_count;
    gpumm_field *fields;
    char *name, *struct_name;
    gpumm_allocator from; /* its own memory's */
};

/* ---- Text --------------------------------------------------------------------------------- */

/* Collects text as snprintf does: counts all, writes what fits. */
struct out {
    char *text;
    size_t size, length;
};

static void put(struct out *o, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void put(struct out *o, const char *format, ...) {
    size_t room = o->length < o->size ? o->size - o->length : 0;
    va_list list;
    va_start(list, format);
    int length = vsnprintf(room ? o->text + o->length : NULL, room, format, list);
    va_end(list);
    if (length > 0) o->length += (size_t)length;
}

static void put_name(struct out *o, const gpumm_type *type) {
    if (type->name) {
        put(o, "%s", type->name);
        return;
    }
    if (type->struct_name) put(o, "%s", type->struct_name);
    for (size_t i = 0; i < type->field_count; i++)
        put(o, "%s%s:%s", i ? "," : "{", type->fields[i].name, type->fields[i].type->name);
    put(o, "}");
}

/* ---- Making and ending -------------------------------------------------------------------- */

static void type_free(gpumm_type *type) {
    gpumm_allocator from = type->from;
    for (size_t i = 0; i < type->field_count; i++) {
        gpumm__mem_free(&from, (void *)type->fields[i].name);
        if (type->fields[i].type) gpumm_type_release(type->fields[i].type);
    }
    gpumm__mem_free(&from, type->fields);
    gpumm__mem_free(&from, type->struct_name);
    gpumm__mem_free(&from, type->name);
    gpumm__mem_free(&from, type);
}

static gpumm_type *type_new(const gpumm_allocator *from, gpumm_kind kind, const char *name) {
    if (!from || !from->reallocate) from = &gpumm__alloc_default;
    gpumm_type *type = gpumm__mem_new(from, sizeof *type);
    if (!type) return NULL;
    type->from = *from;
    atomic_init(&type->references, 1);
    type->kind = kind;
    type->total_fields = 1;
    if (!name || (type->name = gpumm__mem_string(from, name))) return type;
    type_free(type);
    return NULL;
}

gpumm_type *gpumm_type_retain(const gpumm_type *type) {
    if (!type) return NULL;
    gpumm_type *counted = (gpumm_type *)type; /* the count is no part of what is immutable */
    atomic_fetch_add_explicit(&counted->references, 1, memory_order_relaxed);
    return counted;
}

void gpumm_type_release(const gpumm_type *type) {
    if (!type) return;
    gpumm_type *counted = (gpumm_type *)type;
    if (counted && atomic_fetch_sub_explicit(&counted->references, 1, memory_order_acq_rel) == 1) type_free(counted);
}

/* ---- Scalars, vectors, bytes -------------------------------------------------------------- */

static size_t vector_align(size_t scalar, unsigned lanes) {
    if (lanes == 1 || lanes == 3) return scalar;
    return size_min(scalar * lanes, ALIGN_MAX);
}

static gpumm_status numeric_new(const gpumm_allocator *from, const char *name, gpumm_scalar scalar, unsigned lanes,
                                gpumm_type **out) {
    gpumm_type *type = type_new(from, lanes == 1 ? GPUMM_KIND_SCALAR : GPUMM_KIND_VECTOR, name);
    if (!type) return fail_host_memory(sizeof *type);
    type->scalar = scalar;
    type->lanes = lanes;
    type->size = scalar_infos[scalar].size * lanes;
    type->align = vector_align(scalar_infos[scalar].size, lanes);
    *out = type;
    return GPUMM_OK;
}

static gpumm_status no_type(const char *text) {
    char names[128];
    struct out o = {names, sizeof names, 0};
    for (size_t i = 0; i <= GPUMM_TYPE_F64; i++) put(&o, "%s%s", i ? " " : "", scalar_infos[i].name);
    return fail(GPUMM_INVALID_ARGUMENT,
                "'%.60s' is no element type: write one of %s, with x2, x3 or x4 behind it for a vector "
                "(f32x3), or bytes and a number for opaque ones (bytes16)",
                text, names);
}

/* "bytes16"; digits only, and none of them lost. */
static bool parse_bytes(const char *text, uint64_t *bytes) {
    if (strncmp(text, "bytes", 5) != 0 || text[5] < '1' || text[5] > '9') return false;
    *bytes = 0;
    for (const char *c = text + 5; *c; c++) {
        if (!isdigit((unsigned char)*c)) return false;
        if (!size_mul(*bytes, 10, bytes) || !size_add(*bytes, (uint64_t)(*c - '0'), bytes)) return false;
    }
    return true;
}

static gpumm_status bytes_new(const gpumm_allocator *from, uint64_t bytes, gpumm_type **out) {
    if (bytes == 0 || bytes > PTRDIFF_MAX)
        return fail(GPUMM_INVALID_ARGUMENT, "an opaque element has 1 to %lld bytes, not %llu", (long long)PTRDIFF_MAX,
                    (unsigned long long)bytes);
    char name[32];
    snprintf(name, sizeof name, "bytes%llu", (unsigned long long)bytes);
    gpumm_type *type = type_new(from, GPUMM_KIND_STRUCT, name);
    if (!type) return fail_host_memory(sizeof *type);
    type->size = (size_t)bytes;
    type->align = (size_t)size_min(bytes & (~bytes + 1), ALIGN_MAX); /* the lowest bit that is set */
    *out = type;
    return GPUMM_OK;
}

gpumm_status gpumm_type_parse_with(const gpumm_allocator *from, const char *text, gpumm_type **out) {
    NOT_NULL(text, "text");
    NOT_NULL(out, "out");
    for (unsigned i = 0; i <= GPUMM_TYPE_F64; i++) {
        size_t length = strlen(scalar_infos[i].name);
        if (strncmp(text, scalar_infos[i].name, length) != 0) continue;
        const char *rest = text + length;
        if (!*rest) return numeric_new(from, text, (gpumm_scalar)i, 1, out);
        if (rest[0] == 'x' && rest[1] >= '2' && rest[1] <= '4' && !rest[2])
            return numeric_new(from, text, (gpumm_scalar)i, (unsigned)(rest[1] - '0'), out);
    }
    uint64_t bytes;
    return parse_bytes(text, &bytes) ? bytes_new(from, bytes, out) : no_type(text);
}

gpumm_status gpumm_type_parse(const char *text, gpumm_type **out) { return gpumm_type_parse_with(NULL, text, out); }

gpumm_status gpumm_type_bytes(uint64_t bytes, gpumm_type **out) {
    NOT_NULL(out, "out");
    return bytes_new(NULL, bytes, out);
}

/* ---- Fields of structs -------------------------------------------------------------------- */

static gpumm_status check_field(const gpumm_field *fields, size_t index) {
    const gpumm_field *field = &fields[index];
    TRY(gpumm__type_check_identifier("the field name", field->name));
    if (!field->type) return fail(GPUMM_INVALID_ARGUMENT, "the field '%s' has no type", field->name);
    for (size_t i = 0; i < index; i++)
        if (strcmp(fields[i].name, field->name) == 0)
            return fail(GPUMM_INVALID_ARGUMENT, "the field name '%s' is there twice", field->name);
    return GPUMM_OK;
}

static gpumm_status check_fields(const char *name, const gpumm_field *fields, size_t count) {
    if (name && *name) TRY(gpumm__type_check_identifier("the struct name", name));
    if (!fields || count == 0 || count > TYPE_FIELDS_MAX)
        return fail(GPUMM_INVALID_ARGUMENT, "a struct has 1 to %d fields, not %zu", TYPE_FIELDS_MAX, count);
    size_t total = 0;
    for (size_t i = 0; i < count; i++) {
        TRY(check_field(fields, i));
        if (fields[i].reserved)
            return fail(GPUMM_INVALID_ARGUMENT, "reserved of the field '%s' is not NULL", fields[i].name);
        total += fields[i].type->total_fields;
        if (fields[i].type->depth >= TYPE_DEPTH_MAX)
            return fail(GPUMM_INVALID_ARGUMENT, "the field '%s' nests structs more than %d deep", fields[i].name,
                        TYPE_DEPTH_MAX);
    }
    if (total > TYPE_FIELDS_MAX)
        return fail(GPUMM_INVALID_ARGUMENT, "with those of nested structs it has %zu fields; %d are the most", total,
                    TYPE_FIELDS_MAX);
    return GPUMM_OK;
}

/* ---- Declarations ------------------------------------------------------------------------- */

/* Every struct in a type gets a name: its own, or that of the one around it with the field's behind. */
struct walk {
    const char *root_name;
    bool (*visit)(struct walk *w, const gpumm_type *type, const char *name); /* false stops */
    const char *wanted;                                                      /* what find_visit looks for */
    const gpumm_type *found;
    size_t count, at; /* structs visited; which of them was found */
    const gpumm_type *root;
    struct out *out;
};

static void nested_name(const struct walk *w, const char *around, const gpumm_field *field,
                        char name[static NAME_SIZE]) {
    const char *own = field->type->struct_name;
    if (own && strcmp(own, w->root_name) != 0) snprintf(name, NAME_SIZE, "%s", own);
    else snprintf(name, NAME_SIZE, "%s_%s", around, field->name);
}

/* Visits inner structs before those around them, the order in which C wants them declared. */
static bool walk_structs(struct walk *w, const gpumm_type *type, const char *name) {
    char inner[NAME_SIZE];
    for (size_t i = 0; i < type->field_count; i++) {
        if (type->fields[i].type->field_count == 0) continue;
        nested_name(w, name, &type->fields[i], inner);
        if (!walk_structs(w, type->fields[i].type, inner)) return false;
    }
    return w->visit(w, type, name);
}

static bool find_visit(struct walk *w, const gpumm_type *type, const char *name) {
    w->at = w->count++;
    w->found = type;
    return strcmp(name, w->wanted) != 0;
}

/* The first struct of that name; `at` says which it is in the walk. */
static const gpumm_type *find_struct(const gpumm_type *root, const char *root_name, const char *name, size_t *at) {
    struct walk w = {.root_name = root_name, .visit = find_visit, .wanted = name};
    walk_structs(&w, root, root_name);
    *at = w.at;
    return w.found;
}

static bool check_visit(struct walk *w, const gpumm_type *type, const char *name) {
    size_t at;
    w->found = find_struct(w->root, w->root_name, name, &at);
    if (gpumm_type_equal(w->found, type)) return true;
    fail(GPUMM_INVALID_ARGUMENT, "two different structs within it are named '%s': %s and %s", name, w->found->name,
         type->name);
    return false;
}

static const char *name_or_own(const gpumm_type *type, const char *name) {
    if (name && *name) return name;
    return type->struct_name ? type->struct_name : "element";
}

static gpumm_status check_struct_names(const gpumm_type *type) {
    const char *name = name_or_own(type, NULL);
    struct walk w = {.root_name = name, .visit = check_visit, .root = type};
    return walk_structs(&w, type, name) ? GPUMM_OK : GPUMM_INVALID_ARGUMENT;
}

/* "float3 name". A vector that CUDA has no type for is an array at the vector's alignment. */
static void put_member(struct out *o, const gpumm_type *type, const char *type_name, const char *name) {
    const struct scalar_info *scalar = &scalar_infos[type->scalar];
    if (type->field_count) put(o, "%s %s", type_name, name);
    else if (type->kind == GPUMM_KIND_STRUCT)
        put(o, "__attribute__((aligned(%zu))) unsigned char %s[%zu]", type->align, name, type->size);
    else if (type->lanes == 1) put(o, "%s %s", scalar->c_name, name);
    else if (scalar->c_vector) put(o, "%s%u %s", scalar->c_vector, type->lanes, name);
    else put(o, "__attribute__((aligned(%zu))) %s %s[%u]", type->align, scalar->c_name, name, type->lanes);
}

static void put_struct(struct walk *w, const gpumm_type *type, const char *name) {
    char inner[NAME_SIZE];
    put(w->out, "typedef struct %s { ", name);
    for (size_t i = 0; i < type->field_count; i++) {
        if (type->fields[i].type->field_count) nested_name(w, name, &type->fields[i], inner);
        put_member(w->out, type->fields[i].type, inner, type->fields[i].name);
        put(w->out, "; ");
    }
    if (type->field_count == 0) put_member(w->out, type, "", "bytes"), put(w->out, "; ");
    put(w->out, "} %s;\n", name);
}

static bool declare_visit(struct walk *w, const gpumm_type *type, const char *name) {
    size_t first;
    find_struct(w->root, w->root_name, name, &first);
    if (first == w->count++) put_struct(w, type, name); /* a struct in two places is declared once */
    return true;
}

size_t gpumm_type_declaration(const gpumm_type *type, const char *name, char *text, size_t size) {
    if (!type) return 0;
    struct out o = {text, size, 0};
    const char *root_name = name_or_own(type, name);
    struct walk w = {.root_name = root_name, .visit = declare_visit, .root = type, .out = &o};
    if (size) text[0] = '\0';
    if (type->kind == GPUMM_KIND_STRUCT) {
        walk_structs(&w, type, root_name);
    } else {
        put(&o, "typedef ");
        put_member(&o, type, "", root_name);
        put(&o, ";\n");
    }
    return o.length;
}

/* ---- Structs ------------------------------------------------------------------------------ */

/* As a C compiler lays it out. */
static gpumm_status lay_out(gpumm_type *type) {
    uint64_t end = 0, offset;
    type->align = 1;
    for (size_t i = 0; i < type->field_count; i++) {
        const gpumm_type *field = type->fields[i].type;
        if (!size_round_up(end, field->align, &offset) || !size_add(offset, field->size, &end) || end > PTRDIFF_MAX)
            return fail(GPUMM_INVALID_ARGUMENT, "the struct is too large at its field '%s'", type->fields[i].name);
        type->fields[i].offset = (size_t)offset;
        type->align = (size_t)size_max(type->align, field->align);
    }
    if (!size_round_up(end, type->align, &end) || end > PTRDIFF_MAX)
        return fail(GPUMM_INVALID_ARGUMENT, "the struct is too large");
    type->size = (size_t)end;
    return GPUMM_OK;
}

static gpumm_status copy_fields(gpumm_type *type, const gpumm_field *fields, size_t count) {
    type->fields = gpumm__mem_new(&type->from, count * sizeof *fields);
    if (!type->fields) return fail_host_memory(count * sizeof *fields);
    type->total_fields = 0;
    for (size_t i = 0; i < count; i++) {
        gpumm_field *field = &type->fields[i];
        type->field_count = i + 1;
        field->name = gpumm__mem_string(&type->from, fields[i].name);
        if (!field->name) return fail_host_memory(strlen(fields[i].name) + 1);
        field->type = gpumm_type_retain(fields[i].type);
        type->total_fields += field->type->total_fields;
        if (field->type->depth >= type->depth) type->depth = field->type->depth + 1;
    }
    return GPUMM_OK;
}

static gpumm_status name_struct(gpumm_type *type, const char *name) {
    if (name && *name && !(type->struct_name = gpumm__mem_string(&type->from, name)))
        return fail_host_memory(strlen(name) + 1);
    struct out count = {NULL, 0, 0};
    put_name(&count, type);
    char *text = gpumm__mem_new(&type->from, count.length + 1);
    if (!text) return fail_host_memory(count.length + 1);
    struct out o = {text, count.length + 1, 0};
    put_name(&o, type);
    type->name = text;
    return GPUMM_OK;
}

static gpumm_status build_struct(gpumm_type *type, const char *name, const gpumm_field *fields, size_t count) {
    TRY(copy_fields(type, fields, count));
    TRY(name_struct(type, name));
    TRY(lay_out(type));
    return check_struct_names(type);
}

gpumm_status gpumm_type_struct_with(const gpumm_allocator *from, const char *name, const gpumm_field *fields,
                                    size_t count, gpumm_type **out) {
    if (count) NOT_NULL(fields, "fields");
    NOT_NULL(out, "out");
    TRY(check_fields(name, fields, count));
    gpumm_type *type = type_new(from, GPUMM_KIND_STRUCT, NULL);
    if (!type) return fail_host_memory(sizeof *type);
    gpumm_status status = build_struct(type, name, fields, count);
    if (status) type_free(type);
    else *out = type;
    return status;
}

gpumm_status gpumm_type_struct(const char *name, const gpumm_field *fields, size_t count, gpumm_type **out) {
    return gpumm_type_struct_with(NULL, name, fields, count, out);
}

/* ---- Facts -------------------------------------------------------------------------------- */

gpumm_kind gpumm_type_kind(const gpumm_type *type) { return type ? type->kind : GPUMM_KIND_SCALAR; }
gpumm_scalar gpumm_type_scalar(const gpumm_type *type) { return type ? type->scalar : GPUMM_TYPE_I8; }
unsigned gpumm_type_lanes(const gpumm_type *type) { return type ? type->lanes : 0; }
size_t gpumm_type_size(const gpumm_type *type) { return type ? type->size : 0; }
size_t gpumm_type_align(const gpumm_type *type) { return type ? type->align : 0; }
size_t gpumm_type_field_count(const gpumm_type *type) { return type ? type->field_count : 0; }
const char *gpumm_type_name(const gpumm_type *type) { return type ? type->name : NULL; }

const gpumm_field *gpumm_type_field(const gpumm_type *type, size_t index) {
    if (!type) return NULL;
    return index < type->field_count ? &type->fields[index] : NULL;
}

const char *gpumm_type_struct_name(const gpumm_type *type) {
    if (!type) return NULL;
    return type->struct_name ? type->struct_name : "";
}

bool gpumm_type_equal(const gpumm_type *a, const gpumm_type *b) {
    if (!a || !b) return false;
    if (a == b) return true;
    if (a->kind != b->kind || a->scalar != b->scalar || a->lanes != b->lanes || a->size != b->size) return false;
    if (a->field_count != b->field_count) return false;
    for (size_t i = 0; i < a->field_count; i++) {
        if (strcmp(a->fields[i].name, b->fields[i].name) != 0) return false;
        if (!gpumm_type_equal(a->fields[i].type, b->fields[i].type)) return false;
    }
    return true;
}
