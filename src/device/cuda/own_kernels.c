/* SPDX-License-Identifier: MIT */
/*
 * Copies within the device, and fills of memory of which a part is spilled, by kernels of our own.
 *
 * A snapshot is a copy right behind the kernel that made what it copies, and the next kernel waits for it. The
 * driver gives such a copy to a copy engine: handing over to it and back takes longer than moving a megabyte. A
 * kernel needs no handing over, and one that is launched ahead of the end of the kernel before it (compute
 * capability 9.0 and newer) not even the wait for its launch. Large copies gain nothing by it, and go to the engine,
 * as do all where the driver cannot make this kernel.
 *
 * But another device's memory, which is mapped for this one to use, a kernel uses at the rate of the link between them. The
 * driver's copies go by what contexts may do, which knows nothing of such mappings: through the host, at a fraction of it.
 *
 * The driver fills no memory that is spilled, neither alone nor beside the device's: a kernel does, over every border.
 */
#include "device/cuda/own_kernels.h"

#include <string.h>

#include "base/size.h"
#include "base/status.h"
#include "device/cuda/border.h"
#include "device/cuda/context.h"

enum { STEP = 16, BLOCK = 256, MOST = 32 << 20, AHEAD_SINCE = 9 };

/* A thread copies 16 bytes from a place that is aligned so. */
#define COPY(wait) \
    ".visible .entry gpumm_copy(.param .u64 to, .param .u64 from, .param .u64 bytes)\n" \
    "{\n" \
    ".reg .pred %whole, %none;\n" \
    ".reg .b32 %block, %size, %thread, %a, %b, %c, %d;\n" \
    ".reg .b64 %to, %from, %bytes, %at, %end, %x, %y;\n" \
    "ld.param.u64 %to, [to];\n" \
    "ld.param.u64 %from, [from];\n" \
    "ld.param.u64 %bytes, [bytes];\n" \
    "mov.u32 %block, %ctaid.x;\n" \
    "mov.u32 %size, %ntid.x;\n" \
    "mov.u32 %thread, %tid.x;\n" \
    "cvt.u64.u32 %at, %thread;\n" \
    "mad.wide.u32 %at, %block, %size, %at;\n" \
    "shl.b64 %at, %at, 4;\n" \
    "add.u64 %end, %at, 16;\n" \
    "add.u64 %x, %from, %at;\n" \
    "add.u64 %y, %to, %at;\n" wait "setp.le.u64 %whole, %end, %bytes;\n" \
    "@!%whole bra REST;\n" \
    "ld.global.v4.u32 {%a, %b, %c, %d}, [%x];\n" \
    "st.global.v4.u32 [%y], {%a, %b, %c, %d};\n" \
    "ret;\n" \
    "REST:\n" /* the last bytes, one by one */ \
    "setp.ge.u64 %none, %at, %bytes;\n" \
    "@%none ret;\n" \
    "ld.global.u8 %a, [%x];\n" \
    "st.global.u8 [%y], %a;\n" \
    "add.u64 %at, %at, 1;\n" \
    "add.u64 %x, %x, 1;\n" \
    "add.u64 %y, %y, 1;\n" \
    "bra REST;\n" \
    "}\n"

/* A thread fills 16 bytes that are aligned so, of the first and last of them those from begin to end. Each address gets
   the byte of the word that is its own modulo 8. */
#define FILL \
    ".visible .entry gpumm_fill(.param .u64 begin, .param .u64 end, .param .u64 word)\n" \
    "{\n" \
    ".reg .pred %early, %late, %none;\n" \
    ".reg .b32 %block, %size, %thread, %shift;\n" \
    ".reg .b64 %begin, %end, %word, %at, %last, %x;\n" \
    "ld.param.u64 %begin, [begin];\n" \
    "ld.param.u64 %end, [end];\n" \
    "ld.param.u64 %word, [word];\n" \
    "mov.u32 %block, %ctaid.x;\n" \
    "mov.u32 %size, %ntid.x;\n" \
    "mov.u32 %thread, %tid.x;\n" \
    "cvt.u64.u32 %at, %thread;\n" \
    "mad.wide.u32 %at, %block, %size, %at;\n" \
    "shl.b64 %at, %at, 4;\n" \
    "and.b64 %x, %begin, -16;\n" \
    "add.u64 %at, %at, %x;\n" \
    "add.u64 %last, %at, 16;\n" \
    "setp.lt.u64 %early, %at, %begin;\n" \
    "setp.gt.u64 %late, %last, %end;\n" \
    "or.pred %early, %early, %late;\n" \
    "@%early bra PART;\n" \
    "st.global.v2.u64 [%at], {%word, %word};\n" \
    "ret;\n" \
    "PART:\n" \
    "max.u64 %at, %at, %begin;\n" \
    "min.u64 %last, %last, %end;\n" \
    "NEXT:\n" \
    "setp.ge.u64 %none, %at, %last;\n" \
    "@%none ret;\n" \
    "and.b64 %x, %at, 7;\n" \
    "shl.b64 %x, %x, 3;\n" \
    "cvt.u32.u64 %shift, %x;\n" \
    "shr.u64 %x, %word, %shift;\n" \
    "st.global.u8 [%at], %x;\n" \
    "add.u64 %at, %at, 1;\n" \
    "bra NEXT;\n" \
    "}\n"

/* A copy that is launched ahead waits itself for what came before. */
static const char ahead[] = ".version 7.8\n.target sm_90\n.address_size 64\n" COPY("griddepcontrol.wait;\n") FILL;
static const char plain[] = ".version 7.0\n.target sm_52\n.address_size 64\n" COPY("") FILL;

static bool goes_ahead(const cuda *c) { return c->base.info.compute_major >= AHEAD_SINCE; }

/* What fails here is a slower copy, and said where spilled memory is to be filled; an error that ends the context shows at
   the next call. */
void gpumm__cuda_own_kernels_open(cuda *c) {
    const char *text = goes_ahead(c) ? ahead : plain;
    CUfunction copy = NULL, fill = NULL;
    c->own_refused = CU_RESULT(c, cuModuleLoadDataEx, (&c->own_module, text, 0, NULL, NULL));
    if (c->own_refused != CUDA_SUCCESS) {
        c->own_module = NULL;
        return;
    }
    if (CU_RESULT(c, cuModuleGetFunction, (&copy, c->own_module, "gpumm_copy")) == CUDA_SUCCESS) c->copy_kernel = copy;
    c->own_refused = CU_RESULT(c, cuModuleGetFunction, (&fill, c->own_module, "gpumm_fill"));
    if (c->own_refused == CUDA_SUCCESS) c->fill_kernel = fill;
}

void gpumm__cuda_own_kernels_close(cuda *c) {
    if (c->own_module) (void)CU_BACK(c, cuModuleUnload, (c->own_module));
    c->copy_kernel = NULL;
    c->fill_kernel = NULL;
    c->own_module = NULL;
}

/* ---- Launching either ---- */

static unsigned blocks(uint64_t bytes) { return (unsigned)((bytes + STEP * BLOCK - 1) / (STEP * BLOCK)); }

static own_parameters *name_values(own_parameters *p) {
    for (unsigned i = 0; i < 3; i++) p->pointers[i] = &p->values[i];
    return p;
}

/* A node has a block even where it is disabled, with nothing to do. */
static void node(CUfunction kernel, uint64_t bytes, own_parameters *p, CUDA_KERNEL_NODE_PARAMS *out) {
    *out = (CUDA_KERNEL_NODE_PARAMS){.func = kernel,
                                     .gridDimX = bytes ? blocks(bytes) : 1,
                                     .gridDimY = 1,
                                     .gridDimZ = 1,
                                     .blockDimX = BLOCK,
                                     .blockDimY = 1,
                                     .blockDimZ = 1,
                                     .kernelParams = name_values(p)->pointers};
}

static gpumm_status run(cuda *c, CUstream stream, CUfunction kernel, uint64_t bytes, own_parameters *p, bool early) {
    CUlaunchAttribute attribute;
    memset(&attribute, 0, sizeof attribute);
    attribute.id = CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION;
    attribute.value.programmaticStreamSerializationAllowed = 1;
    CUlaunchConfig launch = {.gridDimX = blocks(bytes),
                             .gridDimY = 1,
                             .gridDimZ = 1,
                             .blockDimX = BLOCK,
                             .blockDimY = 1,
                             .blockDimZ = 1,
                             .hStream = stream,
                             .attrs = &attribute,
                             .numAttrs = early ? 1 : 0};
    return CU(c, cuLaunchKernelEx, (&launch, kernel, name_values(p)->pointers, NULL));
}

/* ---- Copies ---- */

static bool is_aligned(const cuda *c, gpumm_address to, gpumm_address from) {
    return c->copy_kernel && to % STEP == 0 && from % STEP == 0;
}

bool gpumm__cuda_copy_kernel_takes(cuda *c, gpumm_address to, gpumm_address from, uint64_t bytes) {
    if (!is_aligned(c, to, from)) return false;
    return bytes <= MOST || ((gpumm__cuda_beyond(c, to, bytes) | gpumm__cuda_beyond(c, from, bytes)) & BEYOND_DEVICE);
}

bool gpumm__cuda_copy_kernel_reaches(cuda *c, cuda *other, gpumm_address to, gpumm_address from, uint64_t bytes) {
    bool elsewhere = c->context->handle != other->context->handle;
    if (!is_aligned(c, to, from)) return false;
    return elsewhere || ((gpumm__cuda_beyond(c, to, bytes) | gpumm__cuda_beyond(other, from, bytes)) & BEYOND_DEVICE);
}

void gpumm__cuda_copy_kernel_node(const cuda *c, gpumm_address to, gpumm_address from, uint64_t bytes,
                                  own_parameters *parameters, CUDA_KERNEL_NODE_PARAMS *out) {
    *parameters = (own_parameters){.values = {to, from, bytes}};
    node(c->copy_kernel, bytes, parameters, out);
}

gpumm_status gpumm__cuda_copy_kernel_run(cuda *c, CUstream stream, gpumm_address to, gpumm_address from,
                                         uint64_t bytes) {
    own_parameters parameters = {.values = {to, from, bytes}};
    return run(c, stream, c->copy_kernel, bytes, &parameters, goes_ahead(c));
}

/* ---- Fills ---- */

static gpumm_status have_fill_kernel(cuda *c) {
    if (c->fill_kernel) return GPUMM_OK;
    driver_entry entry = c->own_module ? DRIVER_cuModuleGetFunction : DRIVER_cuModuleLoadDataEx;
    gpumm_status status = gpumm__cuda_failed(c, entry, c->own_refused);
    return fail(status, "spilled memory is filled by a kernel of gpumm's, which the driver did not make: %s",
                gpumm_message());
}

/* The pattern eight bytes long, turned to where addresses that are divisible by 8 find it. */
static uint64_t word_of(gpumm_address to, uint32_t pattern, unsigned width) {
    unsigned turn = (unsigned)(to % 8) * 8;
    uint64_t word = width == 1   ? (pattern & 0xff) * UINT64_C(0x0101010101010101)
                    : width == 2 ? (pattern & 0xffff) * UINT64_C(0x0001000100010001)
                                 : pattern * UINT64_C(0x0000000100000001);
    return turn ? word << turn | word >> (64 - turn) : word;
}

static own_parameters fill_parameters(gpumm_address to, uint32_t pattern, unsigned width, uint64_t times) {
    return (own_parameters){.values = {to, to + width * times, word_of(to, pattern, width)}};
}

/* From the 16 bytes on in which the first one lies. */
static uint64_t spanned(const own_parameters *p) { return p->values[1] - p->values[0] / STEP * STEP; }

bool gpumm__cuda_fill_kernel_takes(cuda *c, gpumm_address to, uint64_t bytes) {
    unsigned beyond = gpumm__cuda_beyond(c, to, bytes);
    return (beyond & BEYOND_HOST) || (beyond && c->fill_kernel);
}

gpumm_status gpumm__cuda_fill_kernel_node(cuda *c, gpumm_address to, uint32_t pattern, unsigned width, uint64_t times,
                                          own_parameters *parameters, CUDA_KERNEL_NODE_PARAMS *out) {
    TRY(have_fill_kernel(c));
    *parameters = fill_parameters(to, pattern, width, times);
    node(c->fill_kernel, spanned(parameters), parameters, out);
    return GPUMM_OK;
}

gpumm_status gpumm__cuda_fill_kernel_run(cuda *c, CUstream stream, gpumm_address to, uint32_t pattern, unsigned width,
                                         uint64_t times) {
    TRY(have_fill_kernel(c));
    own_parameters parameters = fill_parameters(to, pattern, width, times);
    return run(c, stream, c->fill_kernel, spanned(&parameters), &parameters, false);
}
