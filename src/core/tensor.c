/* SPDX-License-Identifier: MIT */
/* Tensors: buffers as DLPack's versioned exchange has them, for NumPy, PyTorch, CuPy and others. A tensor that was lent holds its
   buffer where it is; one that is taken in is copied. */
#include <string.h>

#include "core/group.h"
#include "core/transfer.h"

/* DLPack 1.0's layout, as its specification has it. */
enum { TENSOR_CPU = 1, TENSOR_CUDA = 2, TENSOR_INT = 0, TENSOR_UINT = 1, TENSOR_FLOAT = 2, TENSOR_READ_ONLY = 1 };

typedef struct tensor {
    void *data;
    int32_t device, ordinal;
    int32_t dimensions;
    uint8_t code, bits;
    uint16_t lanes;
    int64_t *shape, *strides;
    uint64_t byte_offset;
} tensor;

struct DLManagedTensorVersioned {
    uint32_t major, minor;
    void *context;
    void (*deleter)(struct DLManagedTensorVersioned *self);
    uint64_t flags;
    tensor tensor;
};

typedef struct lending {
    struct DLManagedTensorVersioned managed; /* first: what others have */
    gpumm_buffer *buffer;                    /* one handle */
    int64_t shape[2], strides[2];
} lending;

/* What an element is in a tensor: `columns` of a scalar. */
typedef struct element_form {
    uint8_t code, bits;
    int64_t columns;
} element_form;

static gpumm_status form_of(const gpumm_buffer *b, element_form *out) {
    static const element_form forms[] = {
        [GPUMM_TYPE_I8] = {TENSOR_INT, 8, 1},     [GPUMM_TYPE_U8] = {TENSOR_UINT, 8, 1},
        [GPUMM_TYPE_I16] = {TENSOR_INT, 16, 1},   [GPUMM_TYPE_U16] = {TENSOR_UINT, 16, 1},
        [GPUMM_TYPE_I32] = {TENSOR_INT, 32, 1},   [GPUMM_TYPE_U32] = {TENSOR_UINT, 32, 1},
        [GPUMM_TYPE_I64] = {TENSOR_INT, 64, 1},   [GPUMM_TYPE_U64] = {TENSOR_UINT, 64, 1},
        [GPUMM_TYPE_F16] = {TENSOR_FLOAT, 16, 1}, [GPUMM_TYPE_F32] = {TENSOR_FLOAT, 32, 1},
        [GPUMM_TYPE_F64] = {TENSOR_FLOAT, 64, 1}};
    char text[TITLE_BYTES];
    bool is_struct = gpumm_type_kind(b->type) == GPUMM_KIND_STRUCT;
    if (is_struct && gpumm_type_field_count(b->type))
        return fail(GPUMM_TYPE_MISMATCH, "%s holds structs, which no tensor does", gpumm__buffer_label(b, text));
    if (is_struct) return *out = (element_form){TENSOR_UINT, 8, (int64_t)b->size}, GPUMM_OK;
    *out = forms[gpumm_type_scalar(b->type)];
    out->columns = gpumm_type_lanes(b->type);
    return GPUMM_OK;
}

static bool is_flat(const gpumm_buffer *b) { return gpumm_type_kind(b->type) == GPUMM_KIND_SCALAR; }

/* ---- Lending ------------------------------------------------------------------------------------------------ */

static void give_back(struct DLManagedTensorVersioned *managed) {
    lending *x = (lending *)managed;
    gpumm_buffer *b = x->buffer;
    pthread_mutex_lock(&b->group->lock);
    b->group->lent--;
    pthread_mutex_unlock(&b->group->lock);
    gpumm__mem_free(&b->group->object.context->memory, x);
    gpumm_buffer_release(b);
}

/* Group lock held. */
static void describe(lending *x, gpumm_buffer *b, const element_form *f) {
    const context *ctx = b->group->object.context;
    bool cuda = strcmp(ctx->info.kind, "cuda") == 0;
    x->shape[0] = (int64_t)b->group->length;
    x->shape[1] = x->strides[0] = f->columns;
    x->strides[1] = 1;
    x->buffer = b;
    x->managed = (struct DLManagedTensorVersioned){.major = 1,
                                                   .context = x,
                                                   .deleter = give_back,
                                                   .flags = b->group->attached ? TENSOR_READ_ONLY : 0,
                                                   .tensor = {.data = (void *)(uintptr_t)b->extent->address,
                                                              .device = cuda ? TENSOR_CUDA : TENSOR_CPU,
                                                              .ordinal = cuda ? ctx->device->ordinal : 0,
                                                              .dimensions = is_flat(b) ? 1 : 2,
                                                              .code = f->code,
                                                              .bits = f->bits,
                                                              .lanes = 1,
                                                              .shape = x->shape,
                                                              .strides = x->strides}};
}

/* The stream waits for those who use it; without one, the caller does. */
static gpumm_status settle(gpumm_buffer *b, gpumm_stream *s) {
    context *ctx = b->group->object.context;
    order users = {0};
    pthread_mutex_lock(&ctx->submit);
    gpumm_status status =
        s ? gpumm__order_use(&b->extent->order, s, b->group->attached ? GPUMM_ACCESS_READ : GPUMM_ACCESS_WRITE)
          : gpumm__order_merge(&users, &b->extent->order);
    pthread_mutex_unlock(&ctx->submit);
    gpumm__order_drain(&users, ctx);
    return status;
}

static gpumm_status lend(gpumm_buffer *b, gpumm_stream *s, const element_form *f, lending **out) {
    lending *x = gpumm__mem_new(&b->group->object.context->memory, sizeof *x);
    if (!x) return fail_host_memory(sizeof *x);
    pthread_mutex_lock(&b->group->lock);
    gpumm_status status = b->extent ? settle(b, s) : gpumm__buffer_gone(b);
    if (status == GPUMM_OK) {
        describe(x, gpumm_buffer_retain(b), f);
        b->group->lent++;
    }
    pthread_mutex_unlock(&b->group->lock);
    if (status == GPUMM_OK) *out = x;
    else gpumm__mem_free(&b->group->object.context->memory, x);
    return status;
}

gpumm_status gpumm_buffer_dlpack(gpumm_buffer *b, gpumm_stream *given, struct DLManagedTensorVersioned **out) {
    NOT_NULL(b, "buffer");
    NOT_NULL(out, "out");
    element_form f;
    lending *x = NULL;
    gpumm_stream *s = NULL;
    TRY(form_of(b, &f));
    TRY(gpumm__group_enter(b->group));
    gpumm_status status = given ? gpumm__stream_of(b->group->object.context, given, &s) : GPUMM_OK;
    if (status == GPUMM_OK) status = lend(b, s, &f, &x);
    if (status == GPUMM_OK) *out = &x->managed;
    gpumm__group_leave(b->group);
    return status;
}

/* ---- Taking in ---------------------------------------------------------------------------------------------- */

static bool is_packed(const tensor *t) {
    int64_t expected = 1;
    for (int32_t i = t->dimensions; t->strides && i-- > 0; expected *= t->shape[i])
        if (t->shape[i] > 1 && t->strides[i] != expected) return false;
    return true;
}

static gpumm_status check_tensor(const gpumm_buffer *b, const struct DLManagedTensorVersioned *given, uint64_t *count) {
    const tensor *t = &given->tensor;
    element_form f;
    char text[TITLE_BYTES];
    TRY(form_of(b, &f));
    if (given->major != 1)
        return fail(GPUMM_INVALID_ARGUMENT, "the tensor is of version %u of DLPack, not 1", given->major);
    if (t->code != f.code || t->bits != f.bits || t->lanes != 1)
        return fail(GPUMM_TYPE_MISMATCH, "%s holds %s; the tensor has elements of kind %u with %u bits",
                    gpumm__buffer_label(b, text), gpumm_type_name(b->type), t->code, t->bits);
    bool rows = is_flat(b) ? t->dimensions == 1 : t->dimensions == 2 && t->shape[1] == f.columns;
    if (!rows || !is_packed(t) || t->shape[0] < 0)
        return fail(GPUMM_INVALID_ARGUMENT, "%s takes tensors of n%s%lld packed elements", gpumm__buffer_label(b, text),
                    is_flat(b) ? " x " : " rows of ", (long long)f.columns);
    *count = (uint64_t)t->shape[0];
    return GPUMM_OK;
}

static gpumm_status copy_within(gpumm_buffer *b, gpumm_stream *s, uint64_t first, uint64_t count, gpumm_address from) {
    context *ctx = b->group->object.context;
    device *d = ctx->device;
    pthread_mutex_lock(&ctx->submit);
    gpumm_status status =
        first + count <= b->group->length
            ? gpumm__buffer_use(b, s, GPUMM_ACCESS_WRITE)
            : fail(GPUMM_INVALID_ARGUMENT, "the tensor's %llu elements do not fit", (unsigned long long)count);
    if (status == GPUMM_OK && count)
        status =
            d->call->copy(d, s->device, COPY_D2D, gpumm__buffer_address(b) + first * b->size, from, count * b->size);
    pthread_mutex_unlock(&ctx->submit);
    return status == GPUMM_OK ? gpumm__stream_drain(s) : status;
}

/* A tensor on the device has been written, its maker promises. */
static gpumm_status take_from_device(gpumm_buffer *b, gpumm_stream *given, uint64_t first, uint64_t count,
                                     const tensor *t) {
    context *ctx = b->group->object.context;
    gpumm_stream *s = NULL;
    if (t->device != TENSOR_CUDA || strcmp(ctx->info.kind, "cuda") != 0 || t->ordinal != ctx->device->ordinal)
        return fail(GPUMM_INVALID_ARGUMENT, "the tensor is on another device (kind %d, number %d)", t->device,
                    t->ordinal);
    TRY(gpumm__group_enter(b->group));
    gpumm_status status = gpumm__stream_of(ctx, given, &s);
    gpumm_address from = (gpumm_address)(uintptr_t)t->data + t->byte_offset;
    if (status == GPUMM_OK) status = copy_within(b, s, first, count, from);
    gpumm__group_leave(b->group);
    return status;
}

gpumm_status gpumm_buffer_take_dlpack(gpumm_buffer *b, gpumm_stream *s, uint64_t first,
                                      const struct DLManagedTensorVersioned *given) {
    NOT_NULL(b, "buffer");
    NOT_NULL(given, "tensor");
    const tensor *t = &given->tensor;
    uint64_t count = 0;
    TRY(gpumm__group_own(b->group));
    TRY(check_tensor(b, given, &count));
    if (t->device != TENSOR_CPU) return take_from_device(b, s, first, count, t);
    return gpumm_buffer_upload(b, s, first, count, (const char *)t->data + t->byte_offset);
}
