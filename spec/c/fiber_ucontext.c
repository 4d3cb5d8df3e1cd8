/* SPDX-License-Identifier: MIT */
/* Fibers by ucontext, as on machines for which there is no switch of our own: they take turns, each on its own stack,
   and one that is restarted begins anew. Fibers with our own switch are in every block of kernel_blocks.c. */
#define FIBER_UCONTEXT 1
#define gpumm__fiber_thread test_fiber_thread
#define gpumm__fiber_open test_fiber_open
#define gpumm__fiber_restart test_fiber_restart
#define gpumm__fiber_close test_fiber_close
#define gpumm__fiber_switch test_fiber_switch
#define gpumm__fiber_leave test_fiber_leave
#define gpumm__fiber_stacks test_fiber_stacks
#define gpumm__fiber_stacks_free test_fiber_stacks_free

#include "device/host/fiber.c"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

enum { FIBERS = 40, ROUNDS = 100, STACK = 192 << 10 };

static fiber self, all[FIBERS];
static unsigned counts[FIBERS], order[FIBERS * ROUNDS], used;

static unsigned deep(unsigned depth, unsigned i) {
    volatile unsigned room[16];
    room[depth % 16] = i;
    return depth ? deep(depth - 1, i) + 0 * room[depth % 16] : i;
}

static void take_turns(void *user) {
    unsigned i = (unsigned)(uintptr_t)user;
    for (;;) {
        counts[i]++;
        order[used++] = deep(100, i);
        fiber *next = used == FIBERS * ROUNDS ? &self : &all[(i + 1) % FIBERS];
        gpumm__fiber_switch(&all[i], next);
    }
}

static void leave(void *user) {
    (void)user;
    counts[0]++;
    gpumm__fiber_leave(&all[0], &self);
}

static void test_turns(char *stacks) {
    for (unsigned i = 0; i < FIBERS; i++)
        gpumm__fiber_open(&all[i], stacks + (size_t)i * STACK, STACK, i, take_turns, (void *)(uintptr_t)i);
    gpumm__fiber_thread(&self);
    gpumm__fiber_switch(&self, &all[0]);
    CHECK(used == FIBERS * ROUNDS);
    for (unsigned i = 0; i < used; i++) CHECK(order[i] == i % FIBERS);
    for (unsigned i = 0; i < FIBERS; i++) CHECK(counts[i] == ROUNDS);
}

static void test_restart(void) {
    counts[0] = 0;
    for (unsigned i = 0; i < 3; i++) {
        all[0].run = leave;
        gpumm__fiber_restart(&all[0], i);
        gpumm__fiber_thread(&self);
        gpumm__fiber_switch(&self, &all[0]);
    }
    CHECK(counts[0] == 3);
}

/* What needs more stack than there is does not write into another's. */
static void test_guard(char *stacks) {
    for (size_t i = 0; i < FIBERS; i += FIBERS - 1) {
        int result = 0;
        pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0) {
            ((volatile char *)stacks)[i * STACK + FIBER_GUARD - 1] = 1;
            _exit(0);
        }
        CHECK(waitpid(child, &result, 0) == child);
        CHECK(WIFSIGNALED(result) || WEXITSTATUS(result) != 0);
        ((volatile char *)stacks)[i * STACK + FIBER_GUARD] = 1;
    }
}

int main(void) {
    char *stacks = gpumm__fiber_stacks(STACK, FIBERS);
    CHECK(stacks != NULL);
    test_guard(stacks);
    test_turns(stacks);
    test_restart();
    for (unsigned i = 0; i < FIBERS; i++) gpumm__fiber_close(&all[i]);
    gpumm__fiber_stacks_free(stacks, STACK, FIBERS);
    return 0;
}
