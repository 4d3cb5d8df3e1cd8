/* SPDX-License-Identifier: MIT */
/* How a test steers the fake driver. The test opens it with dlopen and looks these up. */
#ifndef FAKE_CUDA_H
#define FAKE_CUDA_H

#include <stdbool.h>

typedef struct fake_counts {
    long contexts, pushed, relaxed, ranges, handles, segments, blocks, streams, events, modules, graphs,
        semaphores; /* alive */
    long broken_captures, instantiated;
    unsigned grid, block; /* of the last launch */
} fake_counts;

/* The nth call from now of the entry of that exported name ("": of any) returns `result`. */
void fake_fail(const char *name, unsigned long nth, int result);
bool fake_fired(void);
unsigned long fake_calls(void); /* all calls so far */
void fake_capture(void *stream, bool on);
void fake_capture_elsewhere(bool on);
void *fake_context(void);
void *fake_other_context(void); /* in which none of the device's calls may be made */
void fake_live(fake_counts *out);
void fake_slow(unsigned grid, unsigned microseconds); /* so long takes each launch of so many blocks */

#endif
