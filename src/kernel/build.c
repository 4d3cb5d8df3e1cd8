/* SPDX-License-Identifier: MIT */
/* The compiler preprocesses the text; which kernels it has is read from that; and then it compiles them, each with a
   constant that says what its parameters are. */
#include "kernel/build.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/status.h"
#include "kernel/record.h"
#include "kernel/source/describe.h"
#include "kernel/source/needs.h"
#include "kernel/source/refused.h"

enum { PATH_SIZE = 4200 };

typedef struct work {
    const build_source *of;
    const char *folder;
    prototype_list list;
    needs needs;
    grown_text preprocessed, prelude, epilogue;
    const char **taken;
    size_t taken_count;
    struct timespec started;
} work;

static device_source plain_source(const work *w) {
    const build_source *b = w->of;
    return (device_source){.text = b->text, .file = b->file, .flags = b->flags, .folder = w->folder};
}

static gpumm_status preprocess(work *w) {
    const build_source *b = w->of;
    device_source source = plain_source(w);
    char path[PATH_SIZE];
    TRY(b->device->call->preprocess(b->device, &source));
    snprintf(path, sizeof path, "%s/" DEVICE_PREPROCESSED, w->folder);
    return gpumm__text_read(&w->preprocessed, path);
}

static gpumm_status no_kernel(const work *w) {
    if (w->list.refused) return fail(GPUMM_COMPILE_FAILED, "%s", w->list.refused);
    return fail(GPUMM_NOT_FOUND, "%s has no kernel: one reads extern \"C\" __global__ void name(…) { … }", w->of->file);
}

static gpumm_status read_kernels(work *w) {
    const build_source *b = w->of;
    prototype_source s = {.text = w->preprocessed.bytes,
                          .file = b->file,
                          .types = b->types,
                          .type_names = b->type_names,
                          .type_count = b->type_count};
    TRY(gpumm__prototype_read(b->device->memory, &s, &w->list));
    if (!w->list.count) return no_kernel(w);
    TRY(gpumm__needs_read(w->preprocessed.bytes, b->file, &w->list, &w->needs));
    if (b->device->textures) return GPUMM_OK;
    return gpumm__refused_check(b->device->memory, w->preprocessed.bytes, b->file);
}

/* ---- What is compiled beside the source ----------------------------------------------------- */

/* "typedef … name;": is it one that the source declares itself? */
static bool is_declared(const prototype_list *list, const char *line, size_t length) {
    for (size_t i = 0; i < list->type_count; i++) {
        size_t name = strlen(list->types[i]);
        const char *at = line + length - name - 1;
        if (length > name + 1 && at[name] == ';' && at[-1] == ' ' && strncmp(at, list->types[i], name) == 0)
            return true;
    }
    return false;
}

static gpumm_status make_prelude(work *w) {
    for (size_t i = 0; gpumm__describe_traits[i]; i++) TRY(gpumm__text_string(&w->prelude, gpumm__describe_traits[i]));
    for (const char *line = w->of->declarations; *line;) {
        size_t length = strcspn(line, "\n");
        if (!is_declared(&w->list, line, length)) TRY(gpumm__text_add(&w->prelude, line, length + 1));
        line += length + 1;
    }
    return GPUMM_OK;
}

static gpumm_status find_taken(work *w) {
    w->taken = gpumm__mem_new(w->of->device->memory, w->list.count * sizeof *w->taken);
    if (!w->taken) return fail_host_memory(w->list.count * sizeof *w->taken);
    for (size_t i = 0; i < w->list.count; i++)
        if (w->list.items[i].taken) w->taken[w->taken_count++] = w->list.items[i].name;
    return GPUMM_OK;
}

static gpumm_status compile(work *w, const char *out_path) {
    const build_source *b = w->of;
    TRY(make_prelude(w));
    TRY(gpumm__describe_kernels(&w->list, b->type_names, b->type_count, &w->epilogue));
    TRY(find_taken(w));
    device_source source = plain_source(w);
    source.prelude = w->prelude.bytes;
    source.epilogue = w->epilogue.bytes;
    source.taken = w->taken;
    source.taken_count = w->taken_count;
    source.arrays = (const char *const *)w->needs.arrays;
    source.array_count = w->needs.array_count;
    source.blocks = w->needs.blocks;
    return b->device->call->compile(b->device, &source, out_path);
}

/* ---- All of it ------------------------------------------------------------------------------ */

static record_source source_of(const work *w) {
    const build_source *b = w->of;
    return (record_source){.file = b->file, .text = b->text, .flags = b->flags, .started = w->started};
}

static gpumm_status check_headers(const work *w) {
    record_source r = source_of(w);
    return gpumm__record_check_headers(w->of->device->memory, &r);
}

static gpumm_status make_record(work *w, grown_text *record, bool *keeps) {
    const build_source *b = w->of;
    char path[PATH_SIZE];
    record_source r = source_of(w);
    snprintf(path, sizeof path, "%s/" DEVICE_READ, w->folder);
    r.read = path;
    r.includes = strstr(b->text, "include") || (b->flags && strstr(b->flags, "include"));
    return gpumm__record_make(&r, &w->list, record, keeps);
}

gpumm_status gpumm__build(const build_source *b, const char *folder, const char *out_path, grown_text *record,
                          bool *keeps) {
    const gpumm_allocator *from = b->device->memory;
    work w = {.of = b,
              .folder = folder,
              .needs.from = from,
              .preprocessed.from = from,
              .prelude.from = from,
              .epilogue.from = from};
    clock_gettime(CLOCK_REALTIME, &w.started);
    gpumm_status status = check_headers(&w);
    if (status == GPUMM_OK) status = preprocess(&w);
    if (status == GPUMM_OK) status = read_kernels(&w);
    if (status == GPUMM_OK) status = compile(&w, out_path);
    if (status == GPUMM_OK) status = make_record(&w, record, keeps);
    gpumm__mem_free(from, w.taken);
    gpumm__needs_free(&w.needs);
    gpumm__prototype_free(&w.list);
    gpumm__text_free(&w.preprocessed);
    gpumm__text_free(&w.prelude);
    gpumm__text_free(&w.epilogue);
    return status;
}
