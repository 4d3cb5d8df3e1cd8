/* SPDX-License-Identifier: MIT */
/*
 * A switch saves where it stands, its stack and its frame, and goes on where the other one stands; the compiler saves what
 * else it needs, since every register that a function must keep is named as changed. It goes by a jump and not by a
 * return, which processors predict by who called. Sanitizers are told of each switch.
 */
#include "device/host/fiber.h"

#include <stdint.h>
#include <sys/mman.h>

#if defined(__SANITIZE_ADDRESS__)
#define FIBER_ASAN 1
#elif defined(__SANITIZE_THREAD__)
#define FIBER_TSAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FIBER_ASAN 1
#elif __has_feature(thread_sanitizer)
#define FIBER_TSAN 1
#endif
#endif

#ifdef FIBER_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef FIBER_TSAN
#include <sanitizer/tsan_interface.h>
#define UNWATCHED __attribute__((no_sanitize("thread")))
#else
#define UNWATCHED
#endif

enum { STACK_ALIGN = 16, LINE = 64, TURNS = 61, GUARD_INSTALL = 102 /* MADV_GUARD_INSTALL, Linux 6.13 */ };

/* ---- What sanitizers want to know --------------------------------------------------------- */

static void before_switch(fiber *from, const fiber *to, bool comes_back) {
#ifdef FIBER_ASAN
    __sanitizer_start_switch_fiber(comes_back ? &from->shadow : NULL, to->bottom, to->size);
#endif
#ifdef FIBER_TSAN
    __tsan_switch_to_fiber(to->state, 0);
#endif
    (void)from, (void)to, (void)comes_back;
}

static void after_switch(fiber *self) {
#ifdef FIBER_ASAN
    const void *bottom;
    size_t size;
    __sanitizer_finish_switch_fiber(self->shadow, &bottom, &size);
    if (!self->from->run) { /* a thread: nobody else knows its stack */
        self->from->bottom = (void *)(uintptr_t)bottom;
        self->from->size = size;
    }
#endif
    (void)self;
}

/* ---- Switching ---------------------------------------------------------------------------- */

static UNWATCHED void start(fiber *from, fiber *self) {
    (void)from;
    after_switch(self);
    self->run(self->user);
}

#ifdef FIBER_BY_UCONTEXT

static void start_split(unsigned high, unsigned low) {
    fiber *self = (fiber *)((uintptr_t)((uint64_t)high << 32 | low));
    start(self->from, self);
}

static void prepare(fiber *f, char *top) {
    uint64_t address = (uintptr_t)f;
    getcontext(&f->context);
    f->context.uc_stack.ss_sp = f->bottom;
    f->context.uc_stack.ss_size = (size_t)(top - (char *)f->bottom);
    f->context.uc_link = NULL;
    makecontext(&f->context, (void (*)(void))start_split, 2, (unsigned)(address >> 32), (unsigned)address);
}

static void swap(fiber *from, fiber *to) { swapcontext(&from->context, &to->context); }

#else

/* As if it had been called, by nobody. */
static void prepare(fiber *f, char *top) {
    uintptr_t *stack = (uintptr_t *)(void *)top;
    void (*first)(fiber *, fiber *) = start;
#ifdef __x86_64__
    *--stack = 0;
    *--stack = 0;
    *--stack = 0;
#endif
    f->sp = stack;
    f->fp = NULL;
    __builtin_memcpy(&f->ip, &first, sizeof f->ip);
}

#ifdef __x86_64__
/* Both are where a function's two parameters are, so that a new fiber begins at a function. */
static inline UNWATCHED __attribute__((always_inline)) void swap(fiber *from, fiber *to) {
    __asm__ volatile("leaq 1f(%%rip), %%rax\n\t"
                     "movq %%rsp, (%%rdi)\n\t"
                     "movq %%rbp, 8(%%rdi)\n\t"
                     "movq %%rax, 16(%%rdi)\n\t"
                     "movq (%%rsi), %%rsp\n\t"
                     "movq 8(%%rsi), %%rbp\n\t"
                     "jmp *16(%%rsi)\n"
                     "1:\n\t"
                     : "+D"(from), "+S"(to)
                     :
                     : "rax", "rbx", "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "memory",
                       "cc");
}
#else
/* Branches by x16 may go to a function's beginning, and the hint lets them go to the label (where such are checked). */
static inline UNWATCHED __attribute__((always_inline)) void swap(fiber *from_, fiber *to_) {
    register fiber *from __asm__("x0") = from_;
    register fiber *to __asm__("x1") = to_;
    __asm__ volatile("adr x16, 1f\n\t"
                     "mov x17, sp\n\t"
                     "stp x17, x29, [x0]\n\t"
                     "str x16, [x0, #16]\n\t"
                     "ldp x17, x29, [x1]\n\t"
                     "ldr x16, [x1, #16]\n\t"
                     "mov sp, x17\n\t"
                     "br x16\n"
                     "1:\n\t"
                     "hint #36\n\t"
                     : "+r"(from), "+r"(to)
                     :
                     : "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16",
                       "x17", "x19", "x20", "x21", "x22", "x23", "x24", "x25", "x26", "x27", "x28", "x30", "v8", "v9",
                       "v10", "v11", "v12", "v13", "v14", "v15", "memory", "cc");
}
#endif
#endif

UNWATCHED void gpumm__fiber_switch(fiber *from, fiber *to) {
    to->from = from;
    before_switch(from, to, true);
    swap(from, to);
    after_switch(from);
}

UNWATCHED void gpumm__fiber_leave(fiber *from, fiber *to) {
    to->from = from;
    before_switch(from, to, false);
    swap(from, to);
    __builtin_unreachable();
}

/* ---- Fibers ------------------------------------------------------------------------------- */

void gpumm__fiber_thread(fiber *f) {
    *f = (fiber){.bottom = NULL};
#ifdef FIBER_TSAN
    f->state = __tsan_get_current_fiber();
#endif
}

void gpumm__fiber_restart(fiber *f, unsigned turn) {
    char *top = (char *)f->bottom + f->size - (size_t)(turn % TURNS) * LINE;
#ifdef FIBER_ASAN
    __asan_unpoison_memory_region(f->bottom, f->size);
#endif
#ifdef FIBER_TSAN
    if (f->state) __tsan_destroy_fiber(f->state);
    f->state = __tsan_create_fiber(0);
#endif
    f->shadow = NULL;
    prepare(f, top - (uintptr_t)top % STACK_ALIGN);
}

void gpumm__fiber_open(fiber *f, void *bottom, size_t size, unsigned turn, void (*run)(void *user), void *user) {
    *f = (fiber){.bottom = bottom, .size = size, .run = run, .user = user};
    gpumm__fiber_restart(f, turn);
}

void gpumm__fiber_close(fiber *f) {
#ifdef FIBER_ASAN
    __asan_unpoison_memory_region(f->bottom, f->size);
#endif
#ifdef FIBER_TSAN
    __tsan_destroy_fiber(f->state);
#endif
    f->state = NULL;
}

/* ---- Stacks ------------------------------------------------------------------------------- */

/* Newer kernels guard pages without parting the mapping, of which a process may have some 65000 parts. */
static bool guard(char *bottom) {
    return madvise(bottom, FIBER_GUARD, GUARD_INSTALL) == 0 || mprotect(bottom, FIBER_GUARD, PROT_NONE) == 0;
}

void *gpumm__fiber_stacks(size_t size, unsigned count) {
    char *stacks = mmap(NULL, size * count, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (stacks == MAP_FAILED) return NULL;
    for (unsigned i = 0; i < count; i++) {
        if (guard(stacks + i * size)) continue;
        munmap(stacks, size * count);
        return NULL;
    }
    return stacks;
}

void gpumm__fiber_stacks_free(void *stacks, size_t size, unsigned count) { munmap(stacks, size * count); }
