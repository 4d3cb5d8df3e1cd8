/* SPDX-License-Identifier: MIT */
/*
 * Opens NVRTC at run time. The one of the driver's own major version comes first, since an older driver
 * may refuse what a newer compiler makes; then older ones, then newer ones, then whatever is there.
 */
#include "device/cuda/rtc.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/status.h"
#include "device/cuda/driver.h"

enum { OLDEST_MAJOR = 12, NEWEST_MAJOR = 15 };

rtc_table gpumm__rtc;

static const struct row {
    const char *name;
    size_t offset;
} rows[] = {
#define ROW(name) {#name, offsetof(rtc_table, name)},
    CUDA_RTC_MAP(ROW)
#undef ROW
};

/* ---- Finding the library ---- */

static void say_tried(const char *name) {
    size_t used = strlen(gpumm__rtc.why);
    snprintf(gpumm__rtc.why + used, sizeof gpumm__rtc.why - used, "%s%s", used ? ", " : "", name);
}

static bool fill_table(void) {
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        void *symbol = dlsym(gpumm__rtc.library, rows[i].name);
        if (!symbol) return false;
        memcpy((char *)&gpumm__rtc + rows[i].offset, &symbol, sizeof symbol);
    }
    return true;
}

static bool try_name(const char *name) {
    say_tried(name);
    gpumm__rtc.library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (!gpumm__rtc.library) return false;
    if (fill_table()) return true;
    say_tried("(too old)");
    dlclose(gpumm__rtc.library);
    gpumm__rtc.library = NULL;
    return false;
}

static bool try_folder(const char *folder, const char *below, const char *name) {
    char path[1024];
    int length = snprintf(path, sizeof path, "%s%s%s", folder, below, name);
    if (length < 0 || (size_t)length >= sizeof path) return false;
    if (*folder && access(path, R_OK) != 0) return false;
    return try_name(path);
}

/* By the loader's own search, then where toolkits are put. */
static bool try_everywhere(const char *name) {
    static const char *const variables[] = {"CUDA_PATH", "CUDA_HOME"};
    if (try_folder("", "", name)) return true;
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
        const char *root = getenv(variables[i]);
        if (root && *root && (try_folder(root, "/lib64/", name) || try_folder(root, "/lib/", name))) return true;
    }
    return try_folder("/usr/local/cuda", "/lib64/", name) || try_folder("/usr/local/cuda", "/lib/", name);
}

static bool try_major(int major) {
    char name[32];
    snprintf(name, sizeof name, "libnvrtc.so.%d", major);
    return try_everywhere(name);
}

static bool find_library(void) {
    const char *named = getenv("GPUMM_LIBNVRTC");
    int own = gpumm__driver.version / 1000;
    if (named && *named) return try_name(named);
    for (int major = own; major >= OLDEST_MAJOR; major--)
        if (try_major(major)) return true;
    for (int major = own < OLDEST_MAJOR ? OLDEST_MAJOR : own + 1; major <= NEWEST_MAJOR; major++)
        if (try_major(major)) return true;
    return try_everywhere("libnvrtc.so");
}

/* ---- Finding the headers ---- */

static bool has_headers(const char *folder, const char *below) {
    char path[1200];
    int length = snprintf(path, sizeof path, "%s%s/cuda_fp16.h", folder, below);
    if (length < 0 || (size_t)length >= sizeof path || access(path, R_OK) != 0) return false;
    length = snprintf(gpumm__rtc.include, sizeof gpumm__rtc.include, "%s%s", folder, below);
    if (length >= 0 && (size_t)length < sizeof gpumm__rtc.include) return true;
    gpumm__rtc.include[0] = '\0';
    return false;
}

/* Beside the library: in a toolkit, in its "targets", and as Python's packages lay them out. */
static bool headers_beside_library(void) {
    static const char *const below[] = {"/../include", "/../../include", "/../../cuda_runtime/include"};
    Dl_info where;
    char folder[900];
    void *symbol;
    memcpy(&symbol, &gpumm__rtc.nvrtcVersion, sizeof symbol);
    if (!dladdr(symbol, &where) || !where.dli_fname) return false;
    const char *end = strrchr(where.dli_fname, '/');
    if (!end || (size_t)(end - where.dli_fname) >= sizeof folder) return false;
    snprintf(folder, sizeof folder, "%.*s", (int)(end - where.dli_fname), where.dli_fname);
    for (size_t i = 0; i < sizeof below / sizeof *below; i++)
        if (has_headers(folder, below[i])) return true;
    return false;
}

static void find_headers(void) {
    const char *path = getenv("CUDA_PATH"), *home = getenv("CUDA_HOME");
    if (headers_beside_library()) return;
    if (path && *path && has_headers(path, "/include")) return;
    if (home && *home && has_headers(home, "/include")) return;
    if (!has_headers("/usr/local/cuda", "/include")) has_headers("/usr", "/include");
}

/* ---- Loading ---- */

static bool ask_architectures(void) {
    int count = 0;
    if (gpumm__rtc.nvrtcGetNumSupportedArchs(&count) != NVRTC_SUCCESS || count < 1 || count > RTC_ARCHITECTURES)
        return false;
    gpumm__rtc.architecture_count = count;
    return gpumm__rtc.nvrtcGetSupportedArchs(gpumm__rtc.architectures) == NVRTC_SUCCESS;
}

static void load(void) {
    if (!find_library()) return;
    gpumm__rtc.why[0] = '\0';
    if (gpumm__rtc.nvrtcVersion(&gpumm__rtc.major, &gpumm__rtc.minor) != NVRTC_SUCCESS || !ask_architectures())
        say_tried("it does not answer");
    else find_headers();
}

static gpumm_status missing(void) {
    int own = gpumm__driver.version >= DRIVER_OLDEST ? gpumm__driver.version / 1000 : 13;
    return fail(GPUMM_COMPILE_FAILED,
                "compiling kernels needs NVRTC, CUDA's run-time compiler, which could not be opened "
                "(%s): install NVRTC %d of the CUDA Toolkit (package cuda-nvrtc-%d-0 of NVIDIA's repository, or "
                "'pip install nvidia-cuda-nvrtc%s' and its lib folder in LD_LIBRARY_PATH), or set GPUMM_LIBNVRTC to "
                "the path of libnvrtc.so",
                gpumm__rtc.why, own, own, own == 12 ? "-cu12" : "");
}

gpumm_status gpumm__rtc_start(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, load);
    return gpumm__rtc.why[0] ? missing() : GPUMM_OK;
}
