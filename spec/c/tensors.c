/* SPDX-License-Identifier: MIT */
/* Tensors: what they say of a buffer, that they hold it where it is, as pins do, and that theirs are taken in. */
#include <time.h>

#include "hard.h"

/* As DLPack 1.0 has them. */
typedef struct their_tensor {
    void *data;
    int32_t device, ordinal;
    int32_t dimensions;
    uint8_t code, bits;
    uint16_t lanes;
    int64_t *shape, *strides;
    uint64_t byte_offset;
} their_tensor;

struct DLManagedTensorVersioned {
    uint32_t major, minor;
    void *context;
    void (*deleter)(struct DLManagedTensorVersioned *self);
    uint64_t flags;
    their_tensor tensor;
};

static gpumm_manager *m;

static gpumm_buffer *open_buffer(const char *name, const char *type, uint64_t length) {
    gpumm_type *t;
    gpumm_buffer *b;
    CHECK_OK(gpumm_type_parse(type, &t));
    CHECK_OK(gpumm_manager_allocate(
        m, &(gpumm_buffer_options){.name = name, .type = t, .length = length, .max_length = 100000}, &b));
    gpumm_type_release(t);
    return b;
}

static void lends(void) {
    gpumm_buffer *b = open_buffer("b", "f32x3", 10);
    struct DLManagedTensorVersioned *t, *second;
    gpumm_buffer_info info;
    CHECK_OK(gpumm_buffer_fill(b, NULL, 0, 10, (float[]){1, 2, 3}));
    CHECK_OK(gpumm_buffer_dlpack(b, NULL, &t));
    CHECK_OK(gpumm_buffer_get_info(b, &info));
    CHECK(t->major == 1 && t->flags == 0 && t->tensor.device == 1 && t->tensor.dimensions == 2);
    CHECK(t->tensor.code == 2 && t->tensor.bits == 32 && t->tensor.lanes == 1 && t->tensor.byte_offset == 0);
    CHECK(t->tensor.shape[0] == 10 && t->tensor.shape[1] == 3 && t->tensor.strides[0] == 3 &&
          t->tensor.strides[1] == 1);
    CHECK((gpumm_address)(uintptr_t)t->tensor.data == info.address);
    for (int i = 0; i < 30; i++) CHECK(((float *)t->tensor.data)[i] == (float)(i % 3 + 1));
    CHECK_STATUS(gpumm_buffer_close(b), GPUMM_BUSY);
    CHECK_SAYS("is lent: 1 tensor");
    CHECK_STATUS(gpumm_manager_free(m, "b"), GPUMM_BUSY);
    CHECK_STATUS(gpumm_buffer_shrink_to_fit(b), GPUMM_BUSY);
    CHECK_OK(gpumm_buffer_resize(b, NULL, 20000)); /* it may grow */
    CHECK(((float *)t->tensor.data)[29] == 3);
    CHECK_OK(gpumm_buffer_dlpack(b, NULL, &second));
    CHECK(second->tensor.shape[0] == 20000 && t->tensor.shape[0] == 10 && second->tensor.data == t->tensor.data);
    second->deleter(second);
    CHECK_STATUS(gpumm_buffer_close(b), GPUMM_BUSY);
    t->deleter(t);
    CHECK_OK(gpumm_buffer_close(b));
    CHECK_STATUS(gpumm_buffer_dlpack(b, NULL, &t), GPUMM_STALE);
    gpumm_buffer_release(b);
}

static uint64_t mapping_of(gpumm_buffer *b) {
    gpumm_buffer_info info;
    CHECK_OK(gpumm_buffer_get_info(b, &info));
    return info.mapping;
}

/* A buffer of structs, whose memory a trim exchanges for less. */
static gpumm_buffer *open_spacious(gpumm_type *t, uint64_t length) {
    gpumm_buffer *b;
    CHECK_OK(gpumm_manager_trim(m, NULL)); /* or it is made of pieces that fit */
    CHECK_OK(gpumm_manager_allocate(m, &(gpumm_buffer_options){.type = t, .length = length, .max_length = length}, &b));
    CHECK_OK(gpumm_buffer_fill(b, NULL, 0, length, (uint32_t[]){5, 6}));
    CHECK_OK(gpumm_buffer_resize(b, NULL, length / 16 * 15));
    CHECK_OK(gpumm_buffer_shrink_to_fit(b)); /* it is not worth a copy yet */
    CHECK_OK(gpumm_manager_synchronize(m));
    CHECK(mapping_of(b) == 0);
    return b;
}

/* By a trim, which may leave it to the worker. */
static bool is_exchanged(gpumm_buffer *b) {
    for (int i = 0; i < 2000 && mapping_of(b) == 0; i++) {
        CHECK_OK(gpumm_manager_trim(m, NULL));
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    return mapping_of(b) == 1;
}

/* Memory that a trim would exchange for less stays under a tensor, until it is given back. */
static void stays(void) {
    enum { LENGTH = 2 << 20 };
    gpumm_type *t;
    gpumm_buffer *b;
    struct DLManagedTensorVersioned *lent;
    CHECK_OK(gpumm_type_parse("u32x2", &t));
    b = open_spacious(t, LENGTH);
    CHECK_OK(gpumm_buffer_dlpack(b, NULL, &lent));
    CHECK_OK(gpumm_manager_trim(m, NULL));
    CHECK(mapping_of(b) == 0);
    CHECK(((uint32_t *)lent->tensor.data)[LENGTH / 16 * 30 - 1] == 6);
    lent->deleter(lent);
    CHECK(is_exchanged(b));
    gpumm_type_release(t);
    gpumm_buffer_release(b);
}

/* So it does where it is pinned, which structs are too; every pin counts. */
static void is_pinned(void) {
    enum { LENGTH = 2 << 20 };
    gpumm_type *u32, *t;
    uint32_t last[2];
    CHECK_OK(gpumm_type_parse("u32", &u32));
    const gpumm_field fields[] = {{.name = "x", .type = u32}, {.name = "y", .type = u32}};
    CHECK_OK(gpumm_type_struct(NULL, fields, 2, &t));
    gpumm_buffer *b = open_spacious(t, LENGTH);
    for (int i = 0; i < 2; i++) CHECK_OK(gpumm_buffer_pin(b));
    for (int i = 0; i < 2; i++) {
        CHECK_OK(gpumm_manager_trim(m, NULL));
        CHECK(mapping_of(b) == 0);
        CHECK_STATUS(gpumm_buffer_shrink_to_fit(b), GPUMM_BUSY);
        CHECK_SAYS("is pinned");
        CHECK_STATUS(gpumm_buffer_close(b), GPUMM_BUSY);
        CHECK_OK(gpumm_buffer_unpin(b));
    }
    CHECK_STATUS(gpumm_buffer_unpin(b), GPUMM_INVALID_ARGUMENT);
    CHECK_SAYS("is not pinned");
    CHECK(is_exchanged(b));
    CHECK_OK(gpumm_buffer_download(b, NULL, LENGTH / 16 * 15 - 1, 1, last));
    CHECK(last[0] == 5 && last[1] == 6);
    CHECK_OK(gpumm_buffer_close(b));
    CHECK_STATUS(gpumm_buffer_pin(b), GPUMM_STALE);
    gpumm_buffer_release(b);
    gpumm_type_release(t);
    gpumm_type_release(u32);
}

/* On a stream, what was enqueued before is there for whoever works on it. */
static void waits(void) {
    gpumm_buffer *b = open_buffer(NULL, "u16", 1000);
    gpumm_stream *s;
    struct DLManagedTensorVersioned *t;
    CHECK_OK(gpumm_stream_open(m, &s));
    CHECK_OK(gpumm_fault_plan(m, &(gpumm_fault){.jitter = 4}));
    for (uint16_t i = 1; i < 50; i++) {
        CHECK_OK(gpumm_buffer_fill(b, NULL, 0, 1000, &i));
        CHECK_OK(gpumm_buffer_dlpack(b, i % 2 ? s : NULL, &t));
        CHECK(t->tensor.dimensions == 1 && t->tensor.code == 1 && t->tensor.bits == 16);
        if (i % 2) CHECK_OK(gpumm_stream_synchronize(s));
        for (int k = 0; k < 1000; k++) CHECK(((uint16_t *)t->tensor.data)[k] == i);
        t->deleter(t);
    }
    CHECK_OK(gpumm_fault_plan(m, NULL));
    gpumm_stream_release(s);
    gpumm_buffer_release(b);
}

static struct DLManagedTensorVersioned theirs(float *data, int64_t *shape, int64_t *strides, int32_t dimensions) {
    return (struct DLManagedTensorVersioned){.major = 1,
                                             .tensor = {.data = data,
                                                        .device = 1,
                                                        .dimensions = dimensions,
                                                        .code = 2,
                                                        .bits = 32,
                                                        .lanes = 1,
                                                        .shape = shape,
                                                        .strides = strides}};
}

static void takes(void) {
    gpumm_buffer *b = open_buffer(NULL, "f32x2", 5), *flat = open_buffer(NULL, "f32", 5);
    float data[] = {1, 2, 3, 4, 5, 6}, seen[10];
    int64_t rows[] = {3, 2}, strides[] = {2, 1}, across[] = {1, 3}, six[] = {6};
    struct DLManagedTensorVersioned t = theirs(data, rows, strides, 2);
    CHECK_OK(gpumm_buffer_take_dlpack(b, NULL, 2, &t));
    CHECK_OK(gpumm_buffer_download(b, NULL, 0, 5, seen));
    for (int i = 0; i < 10; i++) CHECK(seen[i] == (i < 4 ? 0 : (float)(i - 3)));
    CHECK_STATUS(gpumm_buffer_take_dlpack(b, NULL, 3, &t), GPUMM_INVALID_ARGUMENT); /* it does not fit there */
    CHECK_STATUS(gpumm_buffer_take_dlpack(flat, NULL, 0, &t), GPUMM_INVALID_ARGUMENT);
    t.tensor.strides = across;
    CHECK_STATUS(gpumm_buffer_take_dlpack(b, NULL, 0, &t), GPUMM_INVALID_ARGUMENT);
    t.tensor.strides = NULL; /* packed */
    CHECK_OK(gpumm_buffer_take_dlpack(b, NULL, 0, &t));
    t.tensor.bits = 64;
    CHECK_STATUS(gpumm_buffer_take_dlpack(b, NULL, 0, &t), GPUMM_TYPE_MISMATCH);
    t.tensor.bits = 32;
    t.tensor.device = 2;
    CHECK_STATUS(gpumm_buffer_take_dlpack(b, NULL, 0, &t), GPUMM_INVALID_ARGUMENT);
    t = theirs(data, six, NULL, 1);
    t.tensor.byte_offset = 4;
    six[0] = 5;
    CHECK_OK(gpumm_buffer_take_dlpack(flat, NULL, 0, &t));
    CHECK_OK(gpumm_buffer_download(flat, NULL, 0, 5, seen));
    for (int i = 0; i < 5; i++) CHECK(seen[i] == (float)(i + 2));
    gpumm_buffer_release(b);
    gpumm_buffer_release(flat);
}

int main(void) {
    CHECK_OK(gpumm_manager_open(&(gpumm_options){.device = "host", .workers = 1, .inject_faults = true}, &m));
    lends();
    stays();
    is_pinned();
    waits();
    takes();
    close_and_check(m);
    return 0;
}
