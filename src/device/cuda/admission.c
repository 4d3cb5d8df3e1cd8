/* SPDX-License-Identifier: MIT */
/* A few ranges that were copied from last. That the driver refused is remembered as well, so that not each copy asks again. */
#include "device/cuda/admission.h"

#include "device/cuda/context.h"

static bool covers(const cuda_admission *a, gpumm_address at, uint64_t bytes) {
    return at >= a->range && at - a->range <= a->bytes && bytes <= a->bytes - (at - a->range);
}

/* One that covers the bytes and still holds; NULL: there is none. Lock held. */
static const cuda_admission *find(cuda *owner, gpumm_address at, uint64_t bytes, int user) {
    unsigned unmaps = atomic_load(&owner->admissions.unmaps);
    for (int i = 0; i < CUDA_ADMISSIONS; i++) {
        const cuda_admission *a = &owner->admissions.list[i];
        if (a->bytes && a->user == user && a->unmaps == unmaps && covers(a, at, bytes)) return a;
    }
    return NULL;
}

/* The one of the same range, or the oldest. Lock held. */
static cuda_admission *place_for(cuda_admissions *all, const cuda_admission *entry) {
    for (int i = 0; i < CUDA_ADMISSIONS; i++)
        if (all->list[i].range == entry->range && all->list[i].user == entry->user) return &all->list[i];
    return &all->list[all->next++ % CUDA_ADMISSIONS];
}

static void remember(cuda *owner, cuda_admission entry) {
    pthread_mutex_lock(&owner->admissions.mutex);
    *place_for(&owner->admissions, &entry) = entry;
    pthread_mutex_unlock(&owner->admissions.mutex);
}

/* `usable`: what is known of it. */
static bool is_known(cuda *owner, gpumm_address at, uint64_t bytes, int user, bool *usable) {
    pthread_mutex_lock(&owner->admissions.mutex);
    const cuda_admission *a = find(owner, at, bytes, user);
    *usable = a && a->usable;
    pthread_mutex_unlock(&owner->admissions.mutex);
    return a != NULL;
}

static CUresult let_in(cuda *owner, const cuda_admission *entry) {
    CUmemAccessDesc access = {.location = {.type = CU_MEM_LOCATION_TYPE_DEVICE, .id = entry->user},
                              .flags = CU_MEM_ACCESS_FLAGS_PROT_READWRITE};
    CUresult result = CU_RESULT(owner, cuMemSetAccess, (entry->range, entry->bytes, &access, 1));
    (void)cuda_gave(owner, DRIVER_cuMemSetAccess, result);
    return result;
}

/* Where something is unmapped meanwhile, the entry is of before that. Memory may be short for now alone. */
void gpumm__cuda_admit(device *d, gpumm_address range, uint64_t committed, int user) {
    cuda *owner = cuda_of(d);
    cuda_visit visit;
    bool usable;
    if (!committed || owner->device == user || is_known(owner, range, committed, user, &usable)) return;
    cuda_admission entry = {range, committed, user, atomic_load(&owner->admissions.unmaps), false};
    if (!gpumm__cuda_enter_giving(owner, &visit)) return;
    CUresult result = let_in(owner, &entry);
    gpumm__cuda_leave(owner, &visit);
    entry.usable = result == CUDA_SUCCESS;
    if (result != CUDA_ERROR_OUT_OF_MEMORY) remember(owner, entry);
}

bool gpumm__cuda_admits(cuda *owner, gpumm_address at, uint64_t bytes, int user) {
    bool usable;
    return is_known(owner, at, bytes, user, &usable) && usable;
}

void gpumm__cuda_admissions_end(cuda *owner) { atomic_fetch_add(&owner->admissions.unmaps, 1); }
