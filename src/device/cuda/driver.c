/* SPDX-License-Identifier: MIT */
/* Opens libcuda at run time and fills the driver table. */
#include "device/cuda/driver.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"

driver_table gpumm__driver = {.mutex = PTHREAD_MUTEX_INITIALIZER};

typedef enum need { OPTIONAL, NEEDED } need;

/* One row an entry; `offset` is where its pointer lies in the table. */
static const struct row {
    const char *name, *symbol;
    int version;
    need need;
    size_t offset;
} rows[] = {
#define ROW(name, pinned, symbol, needed) {#name, symbol, pinned, needed, offsetof(driver_table, name)},
    CUDA_DRIVER_MAP(ROW)
#undef ROW
};

driver_entry gpumm__driver_entry_named(const char *name) {
    for (unsigned i = 0; name && i < DRIVER_COUNT; i++)
        if (strcmp(rows[i].name, name) == 0) return (driver_entry)i;
    return DRIVER_COUNT;
}

const char *gpumm__driver_entry_name(driver_entry entry) {
    return (unsigned)entry < DRIVER_COUNT ? rows[entry].name : "?";
}

bool gpumm__driver_grows(void) {
    return gpumm__driver.cuMemAddressReserve && gpumm__driver.cuMemAddressFree && gpumm__driver.cuMemCreate &&
           gpumm__driver.cuMemRelease && gpumm__driver.cuMemMap && gpumm__driver.cuMemUnmap &&
           gpumm__driver.cuMemSetAccess && gpumm__driver.cuMemGetAllocationGranularity;
}

const char *gpumm__driver_version_text(int version, char text[static 16]) {
    snprintf(text, 16, "%d.%d", version / 1000, version % 1000 / 10);
    return text;
}

/* C has no cast from an object pointer to a function pointer; POSIX has the same bits in both. */
static void put(size_t offset, void *symbol) { memcpy((char *)&gpumm__driver + offset, &symbol, sizeof symbol); }

static void *look_up(PFN_cuGetProcAddress_v12000 ask, const struct row *row) {
    void *symbol = NULL;
    CUdriverProcAddressQueryResult found;
    /* The default stream never appears here, so the legacy variants are the right ones. */
    if (ask(row->name, &symbol, row->version, CU_GET_PROC_ADDRESS_LEGACY_STREAM, &found) != CUDA_SUCCESS) symbol = NULL;
    return symbol ? symbol : dlsym(gpumm__driver.library, row->symbol);
}

static bool fill_table(void) {
    void *symbol = dlsym(gpumm__driver.library, "cuGetProcAddress_v2");
    PFN_cuGetProcAddress_v12000 ask;
    memcpy(&ask, &symbol, sizeof ask);
    if (!symbol)
        return snprintf(gpumm__driver.why, sizeof gpumm__driver.why, "the NVIDIA driver lacks cuGetProcAddress_v2"),
               false;
    for (size_t i = 0; i < DRIVER_COUNT; i++) {
        symbol = look_up(ask, &rows[i]);
        if (!symbol && rows[i].need == NEEDED)
            return snprintf(gpumm__driver.why, sizeof gpumm__driver.why, "the NVIDIA driver lacks %s", rows[i].symbol),
                   false;
        put(rows[i].offset, symbol);
    }
    return true;
}

/* The library may be anything: GPUMM_LIBCUDA names it, or the loader found the Toolkit's, to link against. */
static bool ask_version(const char *name) {
    void *symbol = dlsym(gpumm__driver.library, "cuDriverGetVersion");
    PFN_cuDriverGetVersion_v2020 ask;
    memcpy(&ask, &symbol, sizeof ask);
    CUresult result = symbol ? ask(&gpumm__driver.version) : CUDA_ERROR_NOT_FOUND;
    if (result == CUDA_SUCCESS) return true;
    if (result == CUDA_ERROR_STUB_LIBRARY)
        snprintf(gpumm__driver.why, sizeof gpumm__driver.why,
                 "%.160s is the CUDA Toolkit's stub and no NVIDIA driver: take its folder out of LD_LIBRARY_PATH",
                 name);
    else if (!symbol)
        snprintf(gpumm__driver.why, sizeof gpumm__driver.why, "%.160s is no NVIDIA driver: it lacks cuDriverGetVersion",
                 name);
    else
        snprintf(gpumm__driver.why, sizeof gpumm__driver.why, "the NVIDIA driver does not tell its version: error %d",
                 (int)result);
    return false;
}

static bool new_enough(void) {
    char have[16], want[16];
    if (gpumm__driver.version >= DRIVER_OLDEST) return true;
    snprintf(gpumm__driver.why, sizeof gpumm__driver.why,
             "the NVIDIA driver is too old: it supports CUDA %s, gpumm needs CUDA %s (driver 525) or newer",
             gpumm__driver_version_text(gpumm__driver.version, have), gpumm__driver_version_text(DRIVER_OLDEST, want));
    return false;
}

/* A forked child has the driver's memory but not its device: whoever asks there must be told. The lock
   may have been held by a thread that the child does not have. */
static void note_fork(void) {
    atomic_fetch_add(&gpumm__driver.forks, 1);
    pthread_mutex_init(&gpumm__driver.mutex, NULL);
}

static void load(void) {
    const char *name = getenv("GPUMM_LIBCUDA");
    if (!name || !*name) name = "libcuda.so.1";
    gpumm__driver.library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (!gpumm__driver.library) {
        snprintf(gpumm__driver.why, sizeof gpumm__driver.why, "no NVIDIA driver: %s", dlerror());
        return;
    }
    if (!ask_version(name) || !new_enough() || !fill_table()) return;
    if (pthread_atfork(NULL, NULL, note_fork))
        snprintf(gpumm__driver.why, sizeof gpumm__driver.why, "no memory to watch for fork");
}

static gpumm_status init_failed(CUresult result) {
    const char *name = NULL, *text = NULL;
    char version[16];
    gpumm__driver.cuGetErrorName(result, &name);
    gpumm__driver.cuGetErrorString(result, &text);
    return fail(GPUMM_NO_DEVICE, "cuInit of the NVIDIA driver (CUDA %s) failed: %s (%s)",
                gpumm__driver_version_text(gpumm__driver.version, version), name ? name : "unknown error",
                text ? text : "no text");
}

/* With the mutex held: of threads that open their first device at once, one starts the driver. */
static gpumm_status start_locked(void) {
    unsigned forks = atomic_load(&gpumm__driver.forks);
    if (gpumm__driver.started && gpumm__driver.started_forks != forks)
        return fail(GPUMM_NO_DEVICE, "CUDA was started before this process was forked and does not work after fork: "
                                     "fork before opening the first CUDA device, or exec");
    CUresult result = gpumm__driver.started ? CUDA_SUCCESS : gpumm__driver.cuInit(0);
    if (result != CUDA_SUCCESS) return init_failed(result);
    gpumm__driver.started_forks = forks;
    gpumm__driver.started = true;
    return GPUMM_OK;
}

gpumm_status gpumm__driver_start(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, load);
    if (gpumm__driver.why[0]) return fail(GPUMM_NO_DEVICE, "%s", gpumm__driver.why);
    pthread_mutex_lock(&gpumm__driver.mutex);
    gpumm_status status = start_locked();
    pthread_mutex_unlock(&gpumm__driver.mutex);
    return status;
}
