/* SPDX-License-Identifier: MIT */
/* Kernels: from CUDA C, or a binary and its signature, to something that can be launched with checked
   arguments. */
#include "kernel/kernel.h"

#include <stdio.h>
#include <string.h>

#include "base/abi.h"
#include "core/element.h"
#include "core/stream.h"
#include "kernel/arguments.h"
#include "kernel/cache.h"
#include "kernel/geometry.h"
#include "kernel/parameters.h"
#include "kernel/record.h"

enum { NAMES_SIZE = 512 };

static gpumm_kernel *kernel_of(object *o) { return (gpumm_kernel *)(void *)o; }

/* ---- Closing ------------------------------------------------------------------------------ */

static void kernel_through(deferred *r) {
    gpumm_kernel *k = (gpumm_kernel *)(void *)((char *)r - offsetof(gpumm_kernel, gone));
    device *d = k->object.context->device;
    d->call->module_close(d, k->module);
    gpumm__object_drop(&k->object);
}

static void kernel_dispose(object *o) {
    gpumm_kernel *k = kernel_of(o);
    gpumm__object_hold(o);
    gpumm__order_defer(&k->order, o->context, &k->gone, kernel_through);
}

static void kernel_destroy(object *o) {
    gpumm_kernel *k = kernel_of(o);
    gpumm__prototype_free(&k->prototypes);
    gpumm__mem_free(&o->context->memory, k);
}

static const object_class kernel_class = {RANK_KERNEL, kernel_dispose, kernel_destroy, NULL};

/* ---- What was asked for ------------------------------------------------------------------- */

static const char *file_of(const gpumm_kernel_options *o) { return o->file && *o->file ? o->file : "kernel"; }

static const char *struct_name(const gpumm_kernel_options *o, size_t index) {
    const char *name = o->type_names ? o->type_names[index] : NULL;
    return name && *name ? name : gpumm_type_struct_name(o->types[index]);
}

static gpumm_status check_types(const gpumm_kernel_options *o) {
    if (o->type_count) NOT_NULL(o->types, "options.types");
    for (size_t i = 0; i < o->type_count; i++) {
        NOT_NULL(o->types[i], "one of options.types");
        if (!*struct_name(o, i))
            return fail(GPUMM_INVALID_ARGUMENT, "type %zu of a kernel has no name to declare it under", i);
        TRY(gpumm__type_check_identifier("the type name", struct_name(o, i)));
    }
    return GPUMM_OK;
}

/* A space parts flags also within quotes, and a compiler that is given the halves says something strange. */
static gpumm_status check_flags(const char *flags) {
    for (const char *at = flags ? flags : ""; *at;) {
        at += strspn(at, " \t\n");
        size_t length = strcspn(at, " \t\n");
        char quote = 0;
        for (size_t i = 0; i < length; i++)
            if (quote ? at[i] == quote : at[i] == '"' || at[i] == '\'') quote = quote ? 0 : at[i];
            else if (at[i] == '\\' && i + 1 < length) i++;
        if (quote)
            return fail(GPUMM_INVALID_ARGUMENT,
                        "the flag %.*s ends within quotes: flags are separated by spaces, "
                        "and none can have a space in it",
                        (int)(length < 200 ? length : 200), at);
        at += length;
    }
    return GPUMM_OK;
}

static bool is_binary(const char *file) {
    static const char *const endings[] = {".ptx", ".cubin", ".fatbin"};
    size_t length = file ? strlen(file) : 0;
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (length >= strlen(endings[i]) && strcmp(file + length - strlen(endings[i]), endings[i]) == 0) return true;
    return false;
}

static gpumm_status check_options(const context *ctx, const gpumm_kernel_options *o) {
    if (!o->source && !(o->file && *o->file))
        return fail(GPUMM_INVALID_ARGUMENT, "a kernel needs its source, or the file to read it from");
    if (o->block > DEVICE_BLOCK_MAX)
        return fail(GPUMM_INVALID_ARGUMENT, "a block of %u threads: at most %d are possible", o->block,
                    DEVICE_BLOCK_MAX);
    TRY(check_types(o));
    TRY(check_flags(o->flags));
    if (o->source || !is_binary(o->file)) return GPUMM_OK;
    if (!ctx->device->takes_binaries)
        return fail(GPUMM_INVALID_ARGUMENT, "%s is a binary for CUDA: the %s device runs CUDA C source", o->file,
                    ctx->info.kind);
    if (!o->signature || !*o->signature)
        return fail(GPUMM_INVALID_ARGUMENT, "%s is a binary: give its kernel's prototype as signature", o->file);
    return GPUMM_OK;
}

/* Adds the lines that are not there yet: two structs may hold the same third one. */
static gpumm_status add_new_lines(grown_text *out, const char *lines) {
    while (*lines) {
        size_t length = strcspn(lines, "\n") + 1;
        bool there = false;
        for (const char *at = out->bytes; *at && !there; at += strcspn(at, "\n") + 1)
            there = strncmp(at, lines, length) == 0;
        if (!there) TRY(gpumm__text_add(out, lines, length));
        lines += length;
    }
    return GPUMM_OK;
}

static gpumm_status declare_type(const gpumm_type *type, const char *name, grown_text *out) {
    size_t size = gpumm_type_declaration(type, name, NULL, 0) + 1;
    char *made = gpumm__mem_new(out->from, size);
    if (!made) return fail_host_memory(size);
    gpumm_type_declaration(type, name, made, size);
    gpumm_status status = add_new_lines(out, made);
    gpumm__mem_free(out->from, made);
    return status;
}

/* The structs' declarations, which precede the source. */
static gpumm_status declare_types(const gpumm_kernel_options *o, grown_text *out) {
    TRY(gpumm__text_string(out, ""));
    for (size_t i = 0; i < o->type_count; i++) TRY(declare_type(o->types[i], struct_name(o, i), out));
    return GPUMM_OK;
}

/* ---- Which kernel ------------------------------------------------------------------------- */

static const char *kernel_names(const prototype_list *list, char names[static NAMES_SIZE]) {
    size_t used = 0;
    *names = 0;
    for (size_t i = 0; i < list->count && used < NAMES_SIZE; i++)
        used += (size_t)snprintf(names + used, NAMES_SIZE - used, "%s'%s'", i ? ", " : "", list->items[i].name);
    return names;
}

static gpumm_status choose(gpumm_kernel *k, const gpumm_kernel_options *o) {
    const prototype_list *list = &k->prototypes;
    char names[NAMES_SIZE];
    if (!list->count) return fail(GPUMM_NOT_FOUND, "%s has no kernel in its signature", file_of(o));
    if (!o->name && list->count > 1)
        return fail(GPUMM_INVALID_ARGUMENT, "%s has several kernels, %s: say which by name", file_of(o),
                    kernel_names(list, names));
    k->prototype = o->name ? gpumm__prototype_named(list, o->name) : &list->items[0];
    if (k->prototype) return GPUMM_OK;
    if (list->refused && strstr(list->refused, o->name)) return fail(GPUMM_COMPILE_FAILED, "%s", list->refused);
    return fail(GPUMM_NOT_FOUND, "%s has no kernel '%s', but %s", file_of(o), o->name, kernel_names(list, names));
}

static gpumm_status choose_threads(gpumm_kernel *k, const char *name) {
    const prototype *p = k->prototype;
    k->threads = name ? SIZE_MAX : gpumm__prototype_threads(p);
    if (!name || !*name) return GPUMM_OK;
    for (size_t i = 0; i < p->count && k->threads == SIZE_MAX; i++)
        if (strcmp(p->parameters[i].name, name) == 0) k->threads = i;
    if (k->threads == SIZE_MAX)
        return fail(GPUMM_INVALID_ARGUMENT, "kernel '%s' has no parameter '%s' to count threads by", p->name, name);
    if (gpumm__prototype_counts(&p->parameters[k->threads])) return GPUMM_OK;
    return fail(GPUMM_INVALID_ARGUMENT, "kernel '%s': '%s' is no integer value, so it cannot count threads", p->name,
                name);
}

/* ---- Opening ------------------------------------------------------------------------------ */

/* A byte order mark is for the beginning of a file, which the text is not where it is compiled. */
static const char *text_of(const grown_text *source) {
    static const char mark[] = "\xEF\xBB\xBF";
    bool marked = strncmp(source->bytes, mark, strlen(mark)) == 0;
    return source->bytes + (marked ? strlen(mark) : 0);
}

static gpumm_status read_source(const gpumm_kernel_options *o, grown_text *out) {
    if (o->source) return gpumm__text_string(out, o->source);
    TRY(gpumm__text_read(out, file_of(o)));
    if (memchr(out->bytes, 0, out->length))
        return fail(GPUMM_IO, "%s is no text: there is a zero byte in it", file_of(o));
    return GPUMM_OK;
}

static gpumm_status open_compiled(gpumm_kernel *k, const gpumm_kernel_options *o, const char *source,
                                  const char *declarations, grown_text *record) {
    context *ctx = k->object.context;
    const char **names = gpumm__mem_new(&ctx->memory, (o->type_count + 1) * sizeof *names);
    if (!names) return fail_host_memory((o->type_count + 1) * sizeof *names);
    for (size_t i = 0; i < o->type_count; i++) names[i] = struct_name(o, i);
    build_source b = {.device = ctx->device,
                      .text = source,
                      .file = file_of(o),
                      .flags = o->flags ? o->flags : "",
                      .declarations = declarations,
                      .types = o->types,
                      .type_names = names,
                      .type_count = o->type_count};
    gpumm_status status = gpumm__cache_open(&b, &ctx->log, &k->module, record);
    gpumm__mem_free(&ctx->memory, names);
    return status;
}

/* Behind the compiler's words, which do not know under which names structs were given: a member's, unless they have their
   own. */
static gpumm_status name_structs(const gpumm_kernel_options *o) {
    char names[NAMES_SIZE];
    size_t used = 0;
    for (size_t i = 0; i < o->type_count && used < NAMES_SIZE; i++)
        used += (size_t)snprintf(names + used, NAMES_SIZE - used, "%s'%s'", i ? ", " : "", struct_name(o, i));
    return fail(GPUMM_COMPILE_FAILED, "%s\ndeclared before the source: %s", gpumm_message(), names);
}

/* All kernels of the source, so that those who open another of them find it compiled. */
static gpumm_status open_source(gpumm_kernel *k, const gpumm_kernel_options *o) {
    context *ctx = k->object.context;
    grown_text source = {.from = &ctx->memory}, declarations = {.from = &ctx->memory}, record = {.from = &ctx->memory};
    gpumm_status status = read_source(o, &source);
    if (status == GPUMM_OK) status = declare_types(o, &declarations);
    if (status == GPUMM_OK) status = open_compiled(k, o, text_of(&source), declarations.bytes, &record);
    if (status == GPUMM_COMPILE_FAILED && o->type_count) status = name_structs(o);
    if (status == GPUMM_OK) status = gpumm__record_read(&ctx->memory, record.bytes, &k->prototypes);
    gpumm__text_free(&source);
    gpumm__text_free(&record);
    gpumm__text_free(&declarations);
    return status;
}

static gpumm_status open_binary(gpumm_kernel *k, const gpumm_kernel_options *o) {
    context *ctx = k->object.context;
    prototype_source s = {.text = o->signature,
                          .file = file_of(o),
                          .types = o->types,
                          .type_names = o->type_names,
                          .type_count = o->type_count,
                          .signature = true};
    TRY(gpumm__prototype_read(&ctx->memory, &s, &k->prototypes));
    return ctx->device->call->module_open(ctx->device, o->file, &k->module);
}

/* A block that no grid can have, and a grid that no device takes, are told here and not at a launch. */
static gpumm_status check_geometry(const gpumm_kernel *k) {
    device_launch shape = {.grid = {1, 1, 1}};
    if (gpumm__geometry_is_given(k->grid)) memcpy(shape.grid, k->grid, sizeof shape.grid);
    memcpy(shape.block, k->block, sizeof shape.block);
    return gpumm__geometry_is_given(k->block) ? gpumm__device_check_geometry(k->prototype->name, 0, &shape) : GPUMM_OK;
}

static gpumm_status find_function(gpumm_kernel *k, const gpumm_kernel_options *o) {
    device *d = k->object.context->device;
    size_t count = 0;
    TRY(choose(k, o));
    TRY(check_geometry(k));
    TRY(d->call->function(d, k->module, k->prototype->name, &k->function));
    const device_parameter *compiled = d->call->parameters(k->function, &count);
    if (compiled) TRY(gpumm__parameters_apply(d->memory, k->prototype, compiled, count, o->types));
    return choose_threads(k, o->threads);
}

static gpumm_status open_module(gpumm_kernel *k, const gpumm_kernel_options *o) {
    device *d = k->object.context->device;
    gpumm_status status = !o->source && is_binary(o->file) ? open_binary(k, o) : open_source(k, o);
    if (status == GPUMM_OK) status = find_function(k, o);
    if (status != GPUMM_OK && k->module) d->call->module_close(d, k->module);
    return status;
}

/* One handle for the caller, where it could be opened; else it goes. */
static gpumm_status publish(gpumm_kernel *k, gpumm_status opened, gpumm_kernel **out) {
    if (opened != GPUMM_OK) return kernel_destroy(&k->object), opened;
    gpumm__object_init(&k->object, k->object.context, &kernel_class);
    gpumm__object_list(&k->object);
    *out = k;
    return GPUMM_OK;
}

static gpumm_status kernel_new(context *ctx, const gpumm_kernel_options *o, gpumm_kernel **out) {
    TRY(check_options(ctx, o));
    gpumm_kernel *k = gpumm__mem_new(&ctx->memory, sizeof *k);
    if (!k) return fail_host_memory(sizeof *k);
    k->object.context = ctx;
    gpumm__geometry_set(k->block, o->block, o->block_y, o->block_z);
    gpumm__geometry_set(k->grid, o->grid_x, o->grid_y, o->grid_z);
    k->shared_bytes = o->shared_bytes;
    return publish(k, open_module(k, o), out);
}

gpumm_status gpumm_kernel_open(gpumm_manager *m, const gpumm_kernel_options *options, gpumm_kernel **out) {
    NOT_NULL(m, "manager");
    NOT_NULL(options, "options");
    NOT_NULL(out, "out");
    context *ctx = context_of(m);
    gpumm_kernel_options o;
    TRY(ABI_READ(&o, options, "gpumm_kernel_options"));
    TRY(gpumm__context_enter(ctx));
    gpumm_status status = kernel_new(ctx, &o, out);
    gpumm__context_leave(ctx);
    return status;
}

/* ---- Kernels of this library ---------------------------------------------------------------- */

static gpumm_status open_function(gpumm_kernel *k, const device_builtin *which, const char *signature) {
    device *d = k->object.context->device;
    prototype_source s = {.text = signature, .file = which->name, .signature = true};
    TRY(gpumm__prototype_read(d->memory, &s, &k->prototypes));
    k->prototype = &k->prototypes.items[0];
    TRY(d->call->builtin(d, which, &k->module));
    gpumm_status status = d->call->function(d, k->module, which->name, &k->function);
    if (status != GPUMM_OK) d->call->module_close(d, k->module);
    return status;
}

gpumm_status gpumm__kernel_builtin(context *ctx, const device_builtin *which, const char *signature,
                                   gpumm_kernel **out) {
    gpumm_kernel *k = gpumm__mem_new(&ctx->memory, sizeof *k);
    if (!k) return fail_host_memory(sizeof *k);
    k->object.context = ctx;
    k->threads = SIZE_MAX;
    gpumm__geometry_set(k->block, 1, 1, 1);
    return publish(k, open_function(k, which, signature), out);
}

/* The handle becomes a hold, which keeps the struct and not the manager. */
void gpumm__kernel_keep(gpumm_kernel *k) {
    gpumm__object_hold(&k->object);
    gpumm__object_release(&k->object, true);
}

void gpumm__kernel_drop(gpumm_kernel *k) { gpumm__object_drop(&k->object); }

gpumm_kernel *gpumm_kernel_retain(gpumm_kernel *k) {
    if (!k) return NULL;
    gpumm__object_retain(&k->object);
    return k;
}

void gpumm_kernel_release(gpumm_kernel *k) {
    if (k) gpumm__object_release(&k->object, false);
}

/* ---- Asking and launching ----------------------------------------------------------------- */

void gpumm_kernel_close(gpumm_kernel *k) {
    if (!k || gpumm__object_enter(&k->object, "kernel") != GPUMM_OK) return;
    gpumm__object_dispose(&k->object);
    gpumm__object_leave(&k->object);
}

const char *gpumm_kernel_name(const gpumm_kernel *k) { return k ? k->prototype->name : NULL; }

gpumm_manager *gpumm_kernel_manager(const gpumm_kernel *k) { return k ? manager_of(k->object.context) : NULL; }

size_t gpumm_kernel_parameter_count(const gpumm_kernel *k) { return k ? k->prototype->count : 0; }

const gpumm_parameter *gpumm_kernel_parameter(const gpumm_kernel *k, size_t index) {
    if (!k) return NULL;
    return index < k->prototype->count ? &k->prototype->parameters[index] : NULL;
}

size_t gpumm_kernel_threads(const gpumm_kernel *k) { return k ? k->threads : SIZE_MAX; }

static gpumm_status check_launch(gpumm_kernel *k, gpumm_stream *given, const gpumm_argument *arguments, size_t count,
                                 gpumm_stream **s) {
    TRY(gpumm__stream_of(k->object.context, given, s));
    return gpumm__arguments_check(k, arguments, count);
}

static size_t argument_bytes(const gpumm_argument *arguments, size_t count) {
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++) bytes += size_max(arguments[i].size, sizeof(gpumm_address));
    return bytes;
}

static gpumm_status launch(gpumm_kernel *k, const gpumm_launch_options *o, const gpumm_argument *arguments,
                           size_t count) {
    context *ctx = k->object.context;
    device_launch shape = {.count = count};
    gpumm_stream *s;
    TRY(check_launch(k, o->stream, arguments, count, &s));
    TRY(gpumm__geometry_choose(k, o, &shape));
    if (!gpumm__geometry_is_given(shape.grid)) {
        if (!shape.threads) TRY(gpumm__arguments_threads(k, arguments, &shape.threads));
        if (!shape.threads) return GPUMM_OK;
    }
    gpumm__context_prepare(ctx, count, argument_bytes(arguments, count));
    return gpumm__arguments_launch(k, s, &shape, arguments);
}

static gpumm_status launch_entered(gpumm_kernel *k, const gpumm_launch_options *o, const gpumm_argument *arguments,
                                   size_t count) {
    if (count) NOT_NULL(arguments, "arguments");
    TRY(gpumm__object_enter(&k->object, "kernel"));
    gpumm_status status = launch(k, o, arguments, count);
    gpumm__object_leave(&k->object);
    return status;
}

gpumm_status gpumm_kernel_launch(gpumm_kernel *k, gpumm_stream *stream, uint64_t threads,
                                 const gpumm_argument *arguments, size_t count) {
    NOT_NULL(k, "kernel");
    return launch_entered(k, &(gpumm_launch_options){.stream = stream, .threads = threads}, arguments, count);
}

gpumm_status gpumm_kernel_launch_with(gpumm_kernel *k, const gpumm_launch_options *options,
                                      const gpumm_argument *arguments, size_t count) {
    gpumm_launch_options o = {.size = 0};
    NOT_NULL(k, "kernel");
    if (options) TRY(ABI_READ(&o, options, "gpumm_launch_options"));
    return launch_entered(k, &o, arguments, count);
}

gpumm_status gpumm_kernel_check(gpumm_kernel *k, gpumm_stream *stream, const gpumm_argument *arguments, size_t count) {
    NOT_NULL(k, "kernel");
    if (count) NOT_NULL(arguments, "arguments");
    gpumm_stream *s;
    TRY(gpumm__object_enter(&k->object, "kernel"));
    gpumm_status status = check_launch(k, stream, arguments, count, &s);
    gpumm__object_leave(&k->object);
    return status;
}
