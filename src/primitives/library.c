/* SPDX-License-Identifier: MIT */
/* The library of a manager is attached to its main stream, with which it closes. Where the device runs functions of this
   library, a kernel is one of host.c; else it is the text of the same kernel behind that of its types. */
#include "primitives/library.h"

#include <stdio.h>
#include <string.h>

#include "core/stream.h"
#include "kernel/kernel.h"
#include "primitives/embedded.h"
#include "primitives/host.h"

enum { ARGUMENTS_MAX = 16, SIGNATURE_BYTES = 512, WORD_BYTES = 8 };

/* Where four blocks with room for keys and values are resident at once. What measures may be built with "0". */
#ifndef SORT_TOGETHER
#define SORT_TOGETHER "(__CUDA_ARCH__ >= 900 || __CUDA_ARCH__ == 800)"
#endif

/* ---- Texts -------------------------------------------------------------------------------------------- */

static const struct variant_text {
    const char *types, *parts[2], *file;
} texts[VARIANTS] = {
#define TEXT_SUMS(type, floating, short) \
    { \
        "#define T " #type "\n#define FLOATING " #floating "\n#define SHORT " #short "\n#define RESIDENT 4\n", \
            {"", gpumm__text_sums}, "sums.cu" \
    }
#define TEXT_LEAST(type) \
    { "#define K " #type "\n#define RESIDENT 4\n", {gpumm__text_key, gpumm__text_least}, "least.cu" }
#define TEXT_KEYS(key, resident) \
    { \
        "#define K " #key "\n#define STAGED " #key \
        "\n#define VALUED 0\n#define TOGETHER 0\n#define RESIDENT " #resident "\n", \
            {gpumm__text_key, gpumm__text_sort}, "sort.cu" \
    }
#define TEXT_PAIRS(key, value, larger, together, resident) \
    { \
        "#define K " #key "\n#define V " #value "\n#define STAGED " #larger \
        "\n#define VALUED 1\n#define TOGETHER " together "\n#define RESIDENT " #resident "\n", \
            {gpumm__text_key, gpumm__text_sort}, "sort.cu" \
    }
#define TEXT_CHOOSE(type, unique) \
    { "#define V " #type "\n#define UNIQUE " #unique "\n#define RESIDENT 4\n", {"", gpumm__text_choose}, "choose.cu" }
#define TEXT_BINS(type, floating) \
    { \
        "#define T " #type "\n#define FLOATING " #floating "\n#define RESIDENT 4\n", {"", gpumm__text_histogram}, \
            "histogram.cu" \
    }
    [SUMS_u32] = TEXT_SUMS(u32, 0, 1),
    [SUMS_u64] = TEXT_SUMS(u64, 0, 0),
    [SUMS_f32] = TEXT_SUMS(f32, 1, 0),
    [LEAST_u32] = TEXT_LEAST(u32),
    [LEAST_u64] = TEXT_LEAST(u64),
    [SORT_u32] = TEXT_KEYS(u32, 4),
    [SORT_u32_u32] = TEXT_PAIRS(u32, u32, u32, SORT_TOGETHER, 4),
    [SORT_u32_u64] = TEXT_PAIRS(u32, u64, u64, "0", 4),
    [SORT_u64] = TEXT_KEYS(u64, 3),
    [SORT_u64_u32] = TEXT_PAIRS(u64, u32, u64, "0", 3),
    [SORT_u64_u64] = TEXT_PAIRS(u64, u64, u64, "0", 3),
    [SELECT_u32] = TEXT_CHOOSE(u32, 0),
    [SELECT_u64] = TEXT_CHOOSE(u64, 0),
    [UNIQUE_u32] = TEXT_CHOOSE(u32, 1),
    [UNIQUE_u64] = TEXT_CHOOSE(u64, 1),
    [BINS_u32] = TEXT_BINS(u32, 0),
    [BINS_u64] = TEXT_BINS(u64, 0),
    [BINS_i32] = TEXT_BINS(i32, 0),
    [BINS_f32] = TEXT_BINS(f32, 1),
};

static gpumm_status compile(context *ctx, variant which, const char *name, gpumm_kernel **out) {
    const struct variant_text *t = &texts[which];
    size_t size =
        strlen(gpumm__text_cuda) + strlen(t->types) + strlen(t->parts[0]) + strlen(t->parts[1]) + strlen("\n\n\n\n");
    char *source = gpumm__mem_new(&ctx->memory, size);
    if (!source) return fail_host_memory(size);
    snprintf(source, size, "%s\n%s\n%s\n%s", gpumm__text_cuda, t->types, t->parts[0], t->parts[1]);
    gpumm_kernel_options o = {.source = source, .file = t->file, .name = name, .threads = "", .block = THREADS_A_BLOCK};
    gpumm_status status = gpumm_kernel_open(manager_of(ctx), &o, out);
    gpumm__mem_free(&ctx->memory, source);
    return status;
}

/* ---- Functions ---------------------------------------------------------------------------------------- */

static const struct taken { /* a word of host_kernel.takes */
    const char *word, *type;
    size_t size;
} taken[] = {{"READ", "const void *", sizeof(gpumm_address)},
             {"WRITE", "void *", sizeof(gpumm_address)},
             {"COUNT", "unsigned long long ", sizeof(uint64_t)},
             {"WORD", "unsigned ", sizeof(uint32_t)}};

static const struct taken *find_taken(const char *word) {
    const struct taken *t = taken;
    while (strcmp(t->word, word) != 0) t++;
    return t;
}

/* "void chunk_sums(const void *a, void *b)", and the sizes of what it takes. */
static size_t read_taken(const host_kernel *k, char signature[static SIGNATURE_BYTES], size_t sizes[ARGUMENTS_MAX]) {
    size_t count = 0, used = (size_t)snprintf(signature, SIGNATURE_BYTES, "extern \"C\" void %s(", k->name);
    for (const char *at = k->takes; *at; count++) {
        char word[WORD_BYTES];
        size_t length = strcspn(at, ",");
        snprintf(word, sizeof word, "%.*s", (int)length, at);
        const struct taken *t = find_taken(word);
        used += (size_t)snprintf(signature + used, SIGNATURE_BYTES - used, "%s%s%c", count ? ", " : "", t->type,
                                 (char)('a' + count));
        sizes[count] = t->size;
        at += length + (at[length] == ',');
    }
    snprintf(signature + used, SIGNATURE_BYTES - used, ")");
    return count;
}

static gpumm_status wrap(context *ctx, const host_kernel *k, gpumm_kernel **out) {
    char signature[SIGNATURE_BYTES];
    size_t sizes[ARGUMENTS_MAX], count = read_taken(k, signature, sizes);
    device_builtin b = {k->name, k->run, sizes, count};
    return gpumm__kernel_builtin(ctx, &b, signature, out);
}

/* ---- Libraries ---------------------------------------------------------------------------------------- */

typedef struct library {
    attachment attachment;
    context *context;
    pthread_mutex_t lock; /* while one is opened */
    _Atomic(gpumm_kernel *) kernels[VARIANTS][KERNELS_A_VARIANT];
} library;

static const char library_key = 0; /* its address is the attachment's key */

static void library_close(attachment *self) {
    library *l = (library *)self;
    for (size_t i = 0; i < VARIANTS; i++)
        for (size_t j = 0; j < KERNELS_A_VARIANT; j++)
            if (l->kernels[i][j]) gpumm__kernel_drop(l->kernels[i][j]);
    pthread_mutex_destroy(&l->lock);
    gpumm__mem_free(&l->context->memory, l);
}

static gpumm_status library_make(gpumm_stream *s, attachment **out) {
    context *ctx = s->object.context;
    library *l = gpumm__mem_new(&ctx->memory, sizeof *l);
    if (!l) return fail_host_memory(sizeof *l);
    l->attachment.close = library_close;
    l->context = ctx;
    pthread_mutex_init(&l->lock, NULL);
    *out = &l->attachment;
    return GPUMM_OK;
}

/* Lock held. */
static gpumm_status open_kernel(library *l, variant which, unsigned number, gpumm_kernel **out) {
    const host_kernel *k = &gpumm__primitive_host[which][number];
    context *ctx = l->context;
    *out = l->kernels[which][number];
    if (*out) return GPUMM_OK;
    TRY(ctx->device->runs_builtins ? wrap(ctx, k, out) : compile(ctx, which, k->name, out));
    gpumm__kernel_keep(*out);
    l->kernels[which][number] = *out;
    return GPUMM_OK;
}

gpumm_status gpumm__primitive_kernel(context *ctx, variant which, unsigned number, gpumm_kernel **out) {
    attachment *attached;
    TRY(gpumm__stream_attach(ctx->main, &library_key, library_make, &attached));
    library *l = (library *)attached;
    *out = l->kernels[which][number];
    if (*out) return GPUMM_OK;
    pthread_mutex_lock(&l->lock);
    gpumm_status status = open_kernel(l, which, number, out);
    pthread_mutex_unlock(&l->lock);
    return status;
}
