/* SPDX-License-Identifier: MIT */
/*
 * NumPy's .npy: a magic, a version, a Python literal {'descr': '<f4', 'fortran_order': False,
 * 'shape': (1000, 3)}, then the elements. Scalars and vectors are arrays of shape (n) and (n, k); structs are
 * structured dtypes with their padding spelled out, as numpy itself saves aligned ones. The literal is read
 * by recursive descent. Little endian only, as every machine that gpumm runs on.
 */
#include "bind/io/npy.h"

#include <ctype.h>
#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/size.h"
#include "base/status.h"
#include "bind/api/type.h"
#include "bind/api/elements.h"
#include "bind/api/view.h"
#include "bind/io/file.h"
#include "bind/lua/arguments.h"
#include "bind/lua/fail.h"
#include "bind/sandbox/limits.h"
#include "bind/sandbox/permissions.h"
#include "core/element.h"

enum { MAGIC_SIZE = 8, HEADER_MAX = 1 << 20, FIELDS_MAX = 128, WORD_MAX = 128, DIMS_MAX = 4, UNIT = 64 };

static const char *const dtypes[] = {
    [GPUMM_TYPE_I8] = "|i1",  [GPUMM_TYPE_U8] = "|u1",  [GPUMM_TYPE_I16] = "<i2", [GPUMM_TYPE_U16] = "<u2",
    [GPUMM_TYPE_I32] = "<i4", [GPUMM_TYPE_U32] = "<u4", [GPUMM_TYPE_I64] = "<i8", [GPUMM_TYPE_U64] = "<u8",
    [GPUMM_TYPE_F16] = "<f2", [GPUMM_TYPE_F32] = "<f4", [GPUMM_TYPE_F64] = "<f8",
};

/* ---- The literal -------------------------------------------------------------------------- */

struct literal {
    const char *at, *end;
    const char *path; /* for messages */
    unsigned depth;
    gpumm_allocator from; /* for types */
};

struct shape {
    uint64_t dim[DIMS_MAX];
    unsigned count;
};

static gpumm_status malformed(const struct literal *l, const char *wanted) {
    int length = (int)size_min((uint64_t)(l->end - l->at), 30);
    return fail(GPUMM_IO, "%s: its header is malformed: %s is wanted at '%.*s'", l->path, wanted, length, l->at);
}

static char peek(struct literal *l) {
    while (l->at < l->end && isspace((unsigned char)*l->at)) l->at++;
    return l->at < l->end ? *l->at : '\0';
}

static bool skip(struct literal *l, char c) {
    if (peek(l) != c) return false;
    l->at++;
    return true;
}

static gpumm_status expect(struct literal *l, char c) {
    char wanted[] = {'\'', c, '\'', '\0'};
    return skip(l, c) ? GPUMM_OK : malformed(l, wanted);
}

static gpumm_status read_text(struct literal *l, char text[static WORD_MAX]) {
    char quote = peek(l);
    if (quote != '\'' && quote != '"') return malformed(l, "a string");
    const char *from = ++l->at;
    while (l->at < l->end && *l->at != quote) l->at++;
    size_t length = (size_t)(l->at - from);
    if (l->at == l->end || length >= WORD_MAX) return malformed(l, "a short string");
    memcpy(text, from, length);
    text[length] = '\0';
    l->at++;
    return GPUMM_OK;
}

static gpumm_status read_number(struct literal *l, uint64_t *number) {
    if (!isdigit((unsigned char)peek(l))) return malformed(l, "a number");
    for (*number = 0; l->at < l->end && isdigit((unsigned char)*l->at); l->at++)
        if (!size_mul(*number, 10, number) || !size_add(*number, (uint64_t)(*l->at - '0'), number))
            return malformed(l, "a smaller number");
    if (l->at < l->end && *l->at == 'L') l->at++; /* as Python 2 wrote it */
    return GPUMM_OK;
}

static gpumm_status read_bool(struct literal *l, bool *value) {
    char first = peek(l);
    const char *word = first == 'T' ? "True" : "False";
    size_t length = strlen(word);
    if ((size_t)(l->end - l->at) < length || memcmp(l->at, word, length) != 0) return malformed(l, "True or False");
    l->at += length;
    *value = first == 'T';
    return GPUMM_OK;
}

/* (1000, 3), or a number alone. */
static gpumm_status read_shape(struct literal *l, struct shape *shape) {
    *shape = (struct shape){{0}, 0};
    if (peek(l) != '(') return shape->count = 1, read_number(l, &shape->dim[0]);
    TRY(expect(l, '('));
    while (!skip(l, ')')) {
        if (shape->count == DIMS_MAX) return malformed(l, "a shape of fewer dimensions");
        TRY(read_number(l, &shape->dim[shape->count++]));
        if (!skip(l, ',') && peek(l) != ')') return malformed(l, "',' or ')'");
    }
    return GPUMM_OK;
}

/* ---- Types from dtypes -------------------------------------------------------------------- */

static gpumm_status bad_dtype(const struct literal *l, const char *dtype) {
    const char *why = dtype[0] == '>'                ? "it is big-endian"
                      : strncmp(dtype, "<c", 2) == 0 ? "complex numbers have no type here"
                      : strncmp(dtype, "|O", 2) == 0 ? "it holds Python objects"
                                                     : "it has no type here";
    return fail(GPUMM_IO,
                "%s: dtype '%s' cannot be read: %s; save one of int8 to int64, uint8 to uint64, "
                "float16 to float64",
                l->path, dtype, why);
}

static gpumm_status type_of_dtype(const struct literal *l, const char *dtype, gpumm_type **out) {
    if (strncmp(dtype, "|V", 2) == 0) {
        char name[WORD_MAX + 8];
        snprintf(name, sizeof name, "bytes%s", dtype + 2);
        return gpumm_type_parse_with(&l->from, name, out) == GPUMM_OK ? GPUMM_OK : bad_dtype(l, dtype);
    }
    bool order = dtype[0] && strchr("<|=", dtype[0]);
    for (unsigned i = 0; order && i <= GPUMM_TYPE_F64; i++)
        if (strcmp(dtype + 1, dtypes[i] + 1) == 0) return gpumm_type_parse_with(&l->from, scalar_infos[i].name, out);
    return bad_dtype(l, dtype);
}

/* `k` of a scalar, as a vector; takes the reference of *type and gives that of another. */
static gpumm_status widen(const struct literal *l, gpumm_type **type, uint64_t k) {
    bool scalar = gpumm_type_kind(*type) == GPUMM_KIND_SCALAR;
    if (!scalar || k < 2 || k > 4)
        return fail(GPUMM_IO, "%s: %llu values of %s an element make no type: 2 to 4 of a scalar make a vector",
                    l->path, (unsigned long long)k, gpumm_type_name(*type));
    char name[16];
    gpumm_type *vector;
    snprintf(name, sizeof name, "%sx%u", gpumm_type_name(*type), (unsigned)k);
    TRY(gpumm_type_parse_with(&l->from, name, &vector));
    gpumm_type_release(*type);
    *type = vector;
    return GPUMM_OK;
}

/* The fields of a structured dtype as far as they are read. */
struct record {
    gpumm_field fields[FIELDS_MAX];
    char names[FIELDS_MAX][WORD_MAX];
    size_t count;
    uint64_t end; /* bytes so far */
};

static gpumm_status read_dtype(struct literal *l, gpumm_type **out);

/* Behind the name: a dtype, and maybe a shape. */
static gpumm_status read_field_type(struct literal *l, gpumm_type **out) {
    gpumm_type *type;
    struct shape shape;
    TRY(expect(l, ','));
    TRY(read_dtype(l, &type));
    gpumm_status status = GPUMM_OK;
    if (skip(l, ',') && peek(l) != ')') {
        status = read_shape(l, &shape);
        if (!status && shape.count != 1) status = malformed(l, "one dimension a field");
        if (!status) status = widen(l, &type, shape.dim[0]);
        skip(l, ',');
    }
    if (!status) status = expect(l, ')');
    if (status) gpumm_type_release(type);
    else *out = type;
    return status;
}

/* ('from', '<u4') or ('', '|V4'), which is padding. */
static gpumm_status read_field(struct literal *l, struct record *r) {
    if (r->count == FIELDS_MAX) return malformed(l, "a record of at most 128 fields");
    gpumm_type *type;
    char *name = r->names[r->count];
    TRY(expect(l, '('));
    TRY(read_text(l, name));
    TRY(read_field_type(l, &type));
    uint64_t offset = r->end;
    bool fits = size_add(r->end, gpumm_type_size(type), &r->end);
    if (!*name || !fits) gpumm_type_release(type);
    else r->fields[r->count++] = (gpumm_field){.name = name, .type = type, .offset = (size_t)offset};
    return fits ? GPUMM_OK : malformed(l, "a smaller record");
}

/* C's own layout has to be that of the file. */
static gpumm_status check_layout(const struct literal *l, const struct record *r, const gpumm_type *type) {
    for (size_t i = 0; i < r->count; i++)
        if (gpumm_type_field(type, i)->offset != r->fields[i].offset)
            return fail(GPUMM_IO,
                        "%s: the field '%s' lies at byte %zu, where C puts it at byte %zu: save it with a "
                        "dtype of align=True",
                        l->path, r->names[i], r->fields[i].offset, gpumm_type_field(type, i)->offset);
    if (gpumm_type_size(type) != r->end)
        return fail(GPUMM_IO,
                    "%s: its records have %llu bytes, where C gives them %zu: save it with a dtype of "
                    "align=True",
                    l->path, (unsigned long long)r->end, gpumm_type_size(type));
    return GPUMM_OK;
}

static gpumm_status read_fields(struct literal *l, struct record *r) {
    TRY(expect(l, '['));
    while (!skip(l, ']')) {
        TRY(read_field(l, r));
        if (!skip(l, ',') && peek(l) != ']') return malformed(l, "',' or ']'");
    }
    return GPUMM_OK;
}

static gpumm_status build_record(const struct literal *l, const struct record *r, gpumm_type **out) {
    gpumm_type *type;
    if (gpumm_type_struct_with(&l->from, NULL, r->fields, r->count, &type))
        return fail(GPUMM_IO, "%s: its dtype makes no struct: %s", l->path, gpumm_message());
    gpumm_status status = check_layout(l, r, type);
    if (status) gpumm_type_release(type);
    else *out = type;
    return status;
}

static gpumm_status read_record(struct literal *l, gpumm_type **out) {
    if (l->depth == TYPE_DEPTH_MAX) return malformed(l, "less nesting");
    struct record *r = gpumm__mem_new(&l->from, sizeof *r);
    if (!r) return fail_host_memory(sizeof *r);
    l->depth++;
    gpumm_status status = read_fields(l, r);
    if (!status) status = build_record(l, r, out);
    l->depth--;
    for (size_t i = 0; i < r->count; i++) gpumm_type_release(r->fields[i].type);
    gpumm__mem_free(&l->from, r);
    return status;
}

static gpumm_status read_dtype(struct literal *l, gpumm_type **out) {
    char dtype[WORD_MAX];
    if (peek(l) == '[') return read_record(l, out);
    TRY(read_text(l, dtype));
    return type_of_dtype(l, dtype, out);
}

/* ---- The header --------------------------------------------------------------------------- */

struct header {
    gpumm_type *type; /* NULL until it was there */
    bool fortran, has_order, has_shape;
    struct shape shape;
};

static gpumm_status read_entry(struct literal *l, struct header *h) {
    char key[WORD_MAX];
    TRY(read_text(l, key));
    TRY(expect(l, ':'));
    if (strcmp(key, "descr") == 0 && !h->type) return read_dtype(l, &h->type);
    if (strcmp(key, "fortran_order") == 0) return h->has_order = true, read_bool(l, &h->fortran);
    if (strcmp(key, "shape") == 0) return h->has_shape = true, read_shape(l, &h->shape);
    return fail(GPUMM_IO,
                "%s: its header is malformed: it has the key '%s', where descr, fortran_order and shape "
                "are wanted once each",
                l->path, key);
}

static gpumm_status read_dictionary(struct literal *l, struct header *h) {
    TRY(expect(l, '{'));
    while (!skip(l, '}')) {
        TRY(read_entry(l, h));
        if (!skip(l, ',') && peek(l) != '}') return malformed(l, "',' or '}'");
    }
    if (h->type && h->has_order && h->has_shape) return GPUMM_OK;
    return fail(GPUMM_IO, "%s: its header is malformed: descr, fortran_order and shape are wanted", l->path);
}

/* (n) and (n, k) are what there is a type for. */
static gpumm_status check_shape(const struct literal *l, struct header *h) {
    if (h->shape.count == 0 || h->shape.count > 2)
        return fail(GPUMM_IO, "%s: its array has %u dimensions: (n) or (n, k) can be read, k from 2 to 4", l->path,
                    h->shape.count);
    if (h->shape.count == 1) return GPUMM_OK;
    if (h->fortran)
        return fail(GPUMM_IO, "%s: its array is in Fortran order: save numpy.ascontiguousarray of it", l->path);
    return widen(l, &h->type, h->shape.dim[1]);
}

/* On success *type is the caller's. */
static gpumm_status parse_header(lua_State *L, const char *path, const char *text, size_t size, gpumm_type **type,
                                 uint64_t *count) {
    struct literal l = {text, text + size, path, 0, gpumm_lua__own_allocator(L)};
    struct header h = {0};
    gpumm_status status = read_dictionary(&l, &h);
    peek(&l); /* past blanks */
    if (!status && l.at != l.end) status = malformed(&l, "nothing more");
    if (!status) status = check_shape(&l, &h);
    if (status) {
        gpumm_type_release(h.type);
        return status;
    }
    *type = h.type;
    *count = h.shape.dim[0];
    return GPUMM_OK;
}

/* The length of the literal, and where it begins. */
static gpumm_status read_preamble(file_reader *r, const char *path, size_t *length, size_t *at) {
    unsigned char start[MAGIC_SIZE], bytes[4] = {0};
    if (r->size < MAGIC_SIZE + 2) return fail(GPUMM_IO, "%s: this is not a .npy file: it is too short", path);
    TRY(gpumm_lua__file_read(r, path, start, MAGIC_SIZE));
    if (memcmp(start, "\x93NUMPY", 6) != 0) return fail(GPUMM_IO, "%s: this is not a .npy file", path);
    if (start[6] < 1 || start[6] > 3)
        return fail(GPUMM_IO, "%s: .npy version %d.%d cannot be read: 1.0, 2.0 and 3.0 can", path, start[6], start[7]);
    size_t width = start[6] == 1 ? 2 : 4;
    TRY(gpumm_lua__file_read(r, path, bytes, width));
    *length = bytes[0] | (size_t)bytes[1] << 8 | (size_t)bytes[2] << 16 | (size_t)bytes[3] << 24;
    *at = MAGIC_SIZE + width;
    if (*length <= HEADER_MAX && *length <= r->size - *at) return GPUMM_OK;
    return fail(GPUMM_IO, "%s: its header promises %zu bytes of itself, more than there can be", path, *length);
}

/* ---- Reading ------------------------------------------------------------------------------ */

static gpumm_status check_size(const char *path, const gpumm_type *type, uint64_t count, uint64_t there) {
    uint64_t bytes;
    if (size_mul(count, gpumm_type_size(type), &bytes) && bytes == there) return GPUMM_OK;
    if (size_mul(count, gpumm_type_size(type), &bytes) && bytes < there)
        return fail(GPUMM_IO, "%s: the file is malformed: %llu bytes follow its %llu elements of %s", path,
                    (unsigned long long)(there - bytes), (unsigned long long)count, gpumm_type_name(type));
    return fail(GPUMM_IO, "%s: the file ends too early: its header promises %llu elements of %s, and %llu bytes follow",
                path, (unsigned long long)count, gpumm_type_name(type), (unsigned long long)there);
}

/* Into the empty view on top; pushes one value on success. */
static gpumm_status read_array(lua_State *L, file_reader *r, const char *path) { /* [-0, +(0|1), e] */
    size_t length = 0, at = 0;
    uint64_t count;
    view *v = lua_touserdata(L, -1);
    TRY(read_preamble(r, path, &length, &at));
    char *text = lua_newuserdatauv(L, length + 1, 0);
    TRY(gpumm_lua__file_read(r, path, text, length));
    gpumm_type *type;
    TRY(parse_header(L, path, text, length, &type, &count));
    gpumm_lua__view_hold(v, type);
    TRY(check_size(path, type, count, r->size - at - length));
    lua_pushvalue(L, -2);
    void *bytes = gpumm_lua__view_take_memory(L, count);
    return gpumm_lua__file_read(r, path, bytes, (size_t)count * gpumm_type_size(type)); /* checked by check_size */
}

static int npy_read(lua_State *L) {
    const char *path = gpumm_lua__path(L, 1, BIND_READ);
    gpumm_status status;
    lua_settop(L, 1);
    file_reader *r = gpumm_lua__file_push_reader(L, path, &status);
    if (!r) return gpumm_lua__fail(L, status);
    gpumm_lua__view_push_empty(L);
    status = read_array(L, r, path);
    gpumm_lua__file_close(r);
    return status ? gpumm_lua__fail(L, status) : 1;
}

/* gpumm.raw.read(path, type) */
static int raw_read(lua_State *L) {
    const char *path = gpumm_lua__path(L, 1, BIND_READ);
    gpumm_status status;
    lua_settop(L, 2);
    const gpumm_type *type = gpumm_lua__to_type(L, 2);
    file_reader *r = gpumm_lua__file_push_reader(L, path, &status);
    if (!r) return gpumm_lua__fail(L, status);
    size_t size = gpumm_type_size(type);
    if (r->size % size) {
        status = fail(GPUMM_IO, "%s: its %llu bytes do not divide into elements of %s (%zu bytes each)", path,
                      (unsigned long long)r->size, gpumm_type_name(type), size);
    } else {
        void *bytes = gpumm_lua__view_push_owned(L, type, r->size / size);
        status = gpumm_lua__file_read(r, path, bytes, (size_t)r->size);
    }
    gpumm_lua__file_close(r);
    return status ? gpumm_lua__fail(L, status) : 1;
}

/* ---- Writing ------------------------------------------------------------------------------ */

static void add_number(luaL_Buffer *b, const char *format, uint64_t number) {
    char text[48];
    snprintf(text, sizeof text, format, (unsigned long long)number);
    luaL_addstring(b, text);
}

static void add_dtype(luaL_Buffer *b, const gpumm_type *type);

/* "('from', '<u4'), ", the padding before it spelled out; returns where the field ends. */
static uint64_t add_field(luaL_Buffer *b, const gpumm_field *field, uint64_t end) {
    if (field->offset > end) add_number(b, "('', '|V%llu'), ", field->offset - end);
    luaL_addstring(b, "('");
    luaL_addstring(b, field->name);
    luaL_addstring(b, "', ");
    add_dtype(b, field->type);
    if (gpumm_type_kind(field->type) == GPUMM_KIND_VECTOR) add_number(b, ", (%llu,)", gpumm_type_lanes(field->type));
    luaL_addstring(b, "), ");
    return field->offset + gpumm_type_size(field->type);
}

/* Of a vector, that of its scalar: its lanes are a dimension. */
static void add_dtype(luaL_Buffer *b, const gpumm_type *type) {
    size_t fields = gpumm_type_field_count(type), size = gpumm_type_size(type);
    uint64_t end = 0;
    if (gpumm_type_kind(type) != GPUMM_KIND_STRUCT) {
        luaL_addchar(b, '\'');
        luaL_addstring(b, dtypes[gpumm_type_scalar(type)]);
        luaL_addchar(b, '\'');
        return;
    }
    if (fields == 0) {
        add_number(b, "'|V%llu'", size);
        return;
    }
    luaL_addchar(b, '[');
    for (size_t i = 0; i < fields; i++) end = add_field(b, gpumm_type_field(type, i), end);
    if (end < size) add_number(b, "('', '|V%llu'), ", size - end);
    luaL_buffsub(b, 2); /* the last ", " */
    luaL_addchar(b, ']');
}

/* Pushes the literal, padded so that the elements begin at a multiple of 64 bytes. */
static void push_header(lua_State *L, const view *v) { /* [-0, +1, m] */
    luaL_Buffer b;
    luaL_buffinit(L, &b);
    luaL_addstring(&b, "{'descr': ");
    add_dtype(&b, v->type);
    add_number(&b, ", 'fortran_order': False, 'shape': (%llu,", v->count);
    if (gpumm_type_kind(v->type) == GPUMM_KIND_VECTOR) add_number(&b, " %llu", gpumm_type_lanes(v->type));
    luaL_addstring(&b, "), }");
    while ((MAGIC_SIZE + 2 + luaL_bufflen(&b) + 1) % UNIT) luaL_addchar(&b, ' ');
    luaL_addchar(&b, '\n');
    luaL_pushresult(&b);
}

struct piece {
    const void *bytes;
    size_t size;
};

static gpumm_status write_file(const char *path, const struct piece *pieces, size_t count) {
    file_writer w;
    TRY(gpumm_lua__file_create(&w, path));
    for (size_t i = 0; i < count; i++) {
        gpumm_status status = gpumm_lua__file_write(&w, pieces[i].bytes, pieces[i].size);
        if (!status) continue;
        gpumm_lua__file_abandon(&w);
        return status;
    }
    return gpumm_lua__file_commit(&w);
}

/* Slot 2: a view, or a buffer, which is downloaded. A table says nothing of its type. */
static void take_data(lua_State *L) {
    gpumm_lua__view_of_buffer(L, 2);
    if (lua_istable(L, 2))
        luaL_argerror(L, 2, "a view or a buffer expected; gpumm.view(type, table) makes one of a table");
}

/* The elements of the view in slot 2; nothing of Lua's runs between this and their writing. */
static struct piece contents(lua_State *L) { /* [-0, +1, e] */
    const view *v = gpumm_lua__view_check(L, 2);
    const void *bytes = gpumm_lua__view_contiguous(L, 2);
    return (struct piece){bytes, (size_t)v->count * gpumm_type_size(v->type)}; /* the view has that memory */
}

/* gpumm.npy.write(path, view) */
static int npy_write(lua_State *L) {
    const char *path = gpumm_lua__path(L, 1, BIND_WRITE);
    size_t length;
    take_data(L);
    push_header(L, gpumm_lua__view_check(L, 2));
    const char *header = lua_tolstring(L, -1, &length);
    if (length > UINT16_MAX)
        return luaL_error(L, "the fields' names take %I bytes; a .npy file has room for 65535", (LUAI_UACINT)length);
    unsigned char low = length & 0xff, high = (unsigned char)(length >> 8);
    unsigned char start[] = {0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, low, high};
    struct piece pieces[] = {{start, sizeof start}, {header, length}, contents(L)};
    return gpumm_lua__result(L, write_file(path, pieces, 3));
}

/* gpumm.raw.write(path, view) */
static int raw_write(lua_State *L) {
    const char *path = gpumm_lua__path(L, 1, BIND_WRITE);
    take_data(L);
    struct piece piece = contents(L);
    return gpumm_lua__result(L, write_file(path, &piece, 1));
}

static const luaL_Reg npy_functions[] = {{"read", npy_read}, {"write", npy_write}, {NULL, NULL}};
static const luaL_Reg raw_functions[] = {{"read", raw_read}, {"write", raw_write}, {NULL, NULL}};

void gpumm_lua__open_npy(lua_State *L) {
    luaL_newlib(L, npy_functions);
    lua_setfield(L, -2, "npy");
    luaL_newlib(L, raw_functions);
    lua_setfield(L, -2, "raw");
}
