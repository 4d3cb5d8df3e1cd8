/* SPDX-License-Identifier: MIT */
/*
 * Copies within the device, by a kernel of our own.
 *
 * A snapshot is a copy right behind the kernel that made what it copies, and the next kernel waits for it. The
 * driver gives such a copy to a copy engine: handing over to it and back takes longer than moving a megabyte. A
 * kernel needs no handing over, and one that is launched ahead of the end of the kernel before it (compute
 * capability 9.0 and newer) not even the wait for its launch. Large copies gain nothing by it, and go to the engine,
 * as do all where the driver cannot make this kernel.
 */
#include "device/cuda/copy_kernel.h"

#include <string.h>

#include "base/size.h"
#include "base/status.h"
#include "device/cuda/context.h"

enum { STEP = 16, BLOCK = 256, MOST = 32 << 20, AHEAD_SINCE = 9 };

#define BODY(wait) \
    ".address_size 64\n" \
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
    "mad.lo.u32 %thread, %block, %size, %thread;\n" \
    "mul.wide.u32 %at, %thread, 16;\n" \
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

/* Launched ahead, it waits itself for what came before. */
static const char ahead[] = ".version 7.8\n.target sm_90\n" BODY("griddepcontrol.wait;\n");
static const char plain[] = ".version 7.0\n.target sm_52\n" BODY("");

static bool goes_ahead(const cuda *c) { return c->base.info.compute_major >= AHEAD_SINCE; }

/* What fails here is only a slower copy; an error that ends the context shows at the next call. */
void gpumm__cuda_copy_kernel_open(cuda *c) {
    const char *text = goes_ahead(c) ? ahead : plain;
    CUfunction function = NULL;
    if (CU_RESULT(c, cuModuleLoadDataEx, (&c->copy_module, text, 0, NULL, NULL)) != CUDA_SUCCESS) {
        c->copy_module = NULL;
        return;
    }
    if (CU_RESULT(c, cuModuleGetFunction, (&function, c->copy_module, "gpumm_copy")) == CUDA_SUCCESS)
        c->copy_kernel = function;
}

void gpumm__cuda_copy_kernel_close(cuda *c) {
    if (c->copy_module) (void)CU_BACK(c, cuModuleUnload, (c->copy_module));
    c->copy_kernel = NULL;
    c->copy_module = NULL;
}

bool gpumm__cuda_copy_kernel_takes(const cuda *c, gpumm_address to, gpumm_address from, uint64_t bytes) {
    return c->copy_kernel && bytes <= MOST && to % STEP == 0 && from % STEP == 0;
}

static unsigned blocks(uint64_t bytes) { return (unsigned)((bytes + STEP * BLOCK - 1) / (STEP * BLOCK)); }

void gpumm__cuda_copy_kernel_node(const cuda *c, gpumm_address to, gpumm_address from, uint64_t bytes,
                                  copy_parameters *parameters, CUDA_KERNEL_NODE_PARAMS *out) {
    *parameters = (copy_parameters){to, from, bytes, {&parameters->to, &parameters->from, &parameters->bytes}};
    *out = (CUDA_KERNEL_NODE_PARAMS){.func = c->copy_kernel,
                                     .gridDimX = bytes ? blocks(bytes) : 1,
                                     .gridDimY = 1,
                                     .gridDimZ = 1,
                                     .blockDimX = BLOCK,
                                     .blockDimY = 1,
                                     .blockDimZ = 1,
                                     .kernelParams = parameters->pointers};
}

gpumm_status gpumm__cuda_copy_kernel_run(cuda *c, CUstream stream, gpumm_address to, gpumm_address from,
                                         uint64_t bytes) {
    void *parameters[] = {&to, &from, &bytes};
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
                             .numAttrs = goes_ahead(c) ? 1 : 0};
    return CU(c, cuLaunchKernelEx, (&launch, c->copy_kernel, parameters, NULL));
}
