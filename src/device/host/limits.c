/* SPDX-License-Identifier: MIT */
/* Read from /proc, /sys/fs/cgroup and getrlimit. What cannot be read limits nothing. */
#include "device/host/limits.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/size.h"
#include "base/status.h"

/* ---- Files of one number --------------------------------------------------------------------- */

/* UINT64_MAX where there is no such file, or "max" in it. */
static uint64_t number_in(const char *path) {
    char text[64] = "";
    FILE *file = fopen(path, "r");
    if (!file) return UINT64_MAX;
    char *line = fgets(text, sizeof text, file), *end = text;
    fclose(file);
    unsigned long long number = line ? strtoull(text, &end, 10) : 0;
    return end == text ? UINT64_MAX : number;
}

/* ---- Control groups ---------------------------------------------------------------------------- */

/* A group's limit and those of the groups it is in. A container sees its own as the root. */
static uint64_t limit_along(const char *mount, char *group, const char *file) {
    char path[1024];
    uint64_t least = UINT64_MAX;
    for (;;) {
        snprintf(path, sizeof path, "%s%s/%s", mount, group, file);
        least = size_min(least, number_in(path));
        char *last = strrchr(group, '/');
        if (!last) return least;
        *last = 0;
    }
}

/* A line of /proc/self/cgroup is "hierarchy:controllers:/group"; version 2 has no controllers there. */
static uint64_t limit_of_line(char *line) {
    char *controllers = strchr(line, ':'), *group = controllers ? strchr(controllers + 1, ':') : NULL;
    if (!group) return UINT64_MAX;
    *group++ = 0;
    group[strcspn(group, "\n")] = 0;
    if (!controllers[1]) return limit_along("/sys/fs/cgroup", group, "memory.max");
    if (!strstr(controllers, "memory")) return UINT64_MAX;
    return limit_along("/sys/fs/cgroup/memory", group, "memory.limit_in_bytes");
}

static uint64_t cgroup_limit(void) {
    char line[1024];
    uint64_t least = UINT64_MAX;
    FILE *file = fopen("/proc/self/cgroup", "r");
    if (!file) return least;
    while (fgets(line, sizeof line, file)) least = size_min(least, limit_of_line(line));
    fclose(file);
    return least;
}

/* ---- Memory ------------------------------------------------------------------------------------- */

static uint64_t machine_memory(uint64_t page) {
    long pages = sysconf(_SC_PHYS_PAGES);
    uint64_t bytes;
    return pages > 0 && size_mul((uint64_t)pages, page, &bytes) ? bytes : UINT64_MAX;
}

static uint64_t address_space(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return UINT64_MAX;
    return limit.rlim_cur;
}

static uint64_t data_segment(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_DATA, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return UINT64_MAX;
    return limit.rlim_cur;
}

/* Who exceeds its cgroup is killed, so an eighth is left to the rest of the process. */
uint64_t gpumm__host_limits_memory(uint64_t page) {
    uint64_t cgroup = cgroup_limit(), machine = machine_memory(page), least = machine;
    if (cgroup < machine) least = cgroup - cgroup / 8;
    least = size_min(least, size_min(address_space(), data_segment()));
    return size_max(least / page * page, page);
}

/* ---- What ran out --------------------------------------------------------------------------------- */

static uint64_t mappings(void) {
    uint64_t count = 0;
    FILE *file = fopen("/proc/self/maps", "r");
    if (!file) return 0;
    for (int c; (c = getc_unlocked(file)) != EOF;) count += c == '\n';
    fclose(file);
    return count;
}

const char *gpumm__host_limits_refusal(uint64_t bytes, int error, char *text, size_t size) {
    char wanted[32], most[32];
    uint64_t space = address_space(), maps = number_in("/proc/sys/vm/max_map_count"), now = mappings();
    gpumm__size_text(bytes, wanted);
    if (error == ENOMEM && maps != UINT64_MAX && now + now / 100 + 8 >= maps)
        snprintf(text, size,
                 "the system gives a process no more than %llu mappings (vm.max_map_count), and %llu are in use: small "
                 "buffers share some where max_length says that they stay small",
                 (unsigned long long)maps, (unsigned long long)now);
    else if (error == ENOMEM && space != UINT64_MAX)
        snprintf(
            text, size,
            "%s of address space are over the process's limit of %s (ulimit -v): a buffer reserves its maximum, so "
            "max_length or max_size_bytes helps",
            wanted, gpumm__size_text(space, most));
    else if (error == ENOMEM && data_segment() != UINT64_MAX)
        snprintf(text, size, "%s more are over the process's limit of %s for all that it may write (ulimit -d)", wanted,
                 gpumm__size_text(data_segment(), most));
    else snprintf(text, size, "the system refused %s: %s", wanted, strerror(error));
    return text;
}
