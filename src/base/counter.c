/* SPDX-License-Identifier: MIT */
/* The file holds one page: what it is, the value, and the word that the kernel puts waiters to sleep by, which changes
   whenever the value does. It is sealed, so that nobody can make it shorter under a process that has it mapped. */
#include "base/counter.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/status.h"

enum { COUNTER_BYTES = 4096, SEALS = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL };

static const char mark[16] = "gpumm counter 1";

struct counter {
    char mark[16];
    _Atomic uint64_t value;
    _Atomic uint32_t changes; /* of the value; a futex of all processes */
    _Atomic uint32_t waiters;
};

static gpumm_status fail_file(const char *what) {
    return fail(GPUMM_IO, "a counter in shared memory: %s: %s", what, strerror(errno));
}

static gpumm_status map(int file, counter **out) {
    void *at = mmap(NULL, COUNTER_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (at == MAP_FAILED) return fail_file("mmap");
    *out = at;
    return GPUMM_OK;
}

static gpumm_status fill(int file) {
    counter *c = NULL;
    if (ftruncate(file, COUNTER_BYTES) != 0) return fail_file("ftruncate");
    if (fcntl(file, F_ADD_SEALS, SEALS) != 0) return fail_file("sealing");
    TRY(map(file, &c));
    memcpy(c->mark, mark, sizeof mark);
    gpumm__counter_unmap(c);
    return GPUMM_OK;
}

gpumm_status gpumm__counter_make(int *descriptor) {
    int file = memfd_create("gpumm counter", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (file < 0) return fail_file("memfd_create");
    gpumm_status status = fill(file);
    if (status == GPUMM_OK) *descriptor = file;
    else close(file);
    return status;
}

static bool is_whole(int file) {
    struct stat stat;
    int seals = fcntl(file, F_GET_SEALS); /* -1 where files have none */
    return fstat(file, &stat) == 0 && stat.st_size == COUNTER_BYTES && seals >= 0 && (seals & SEALS) == SEALS;
}

gpumm_status gpumm__counter_map(int descriptor, counter **out) {
    counter *c = NULL;
    if (is_whole(descriptor)) TRY(map(descriptor, &c));
    if (c && memcmp(c->mark, mark, sizeof mark) == 0) return *out = c, GPUMM_OK;
    if (c) gpumm__counter_unmap(c);
    return fail(GPUMM_INVALID_ARGUMENT,
                "host device: descriptor %d is no semaphore: the host device takes those of gpumm_semaphore_stand_in",
                descriptor);
}

void gpumm__counter_unmap(counter *c) { munmap(c, COUNTER_BYTES); }

static void wake_all(counter *c) { syscall(SYS_futex, &c->changes, FUTEX_WAKE, INT_MAX, NULL, NULL, 0); }

void gpumm__counter_raise(counter *c, uint64_t value) {
    uint64_t seen = atomic_load(&c->value);
    while (seen < value && !atomic_compare_exchange_weak(&c->value, &seen, value)) {}
    atomic_fetch_add(&c->changes, 1);
    if (atomic_load(&c->waiters)) wake_all(c);
}

/* It counts itself before it looks, as who raises changes the word before looking for waiters: one sees the other. A
   waiter that was killed stays counted, which costs a wake and nothing else. */
void gpumm__counter_wait(counter *c, uint64_t value) {
    atomic_fetch_add(&c->waiters, 1);
    for (;;) {
        uint32_t changes = atomic_load(&c->changes);
        if (atomic_load(&c->value) >= value) break;
        syscall(SYS_futex, &c->changes, FUTEX_WAIT, changes, NULL, NULL, 0);
    }
    atomic_fetch_sub(&c->waiters, 1);
}
