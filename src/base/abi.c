/* SPDX-License-Identifier: MIT */
/* Copies between structs of different lengths. */
#include "base/abi.h"

#include <string.h>

#include "base/size.h"

enum { ABI_SIZE_MOST = 65536 }; /* more is no size, but memory that nobody set */

gpumm_status gpumm__abi_fill(void *out, size_t size, const void *from, size_t ours) {
    if (size == 0 || size > ABI_SIZE_MOST)
        return fail(GPUMM_INVALID_ARGUMENT, "%zu is not the size of a struct to fill", size);
    memcpy(out, from, (size_t)size_min(size, ours));
    if (size > ours) memset((char *)out + ours, 0, size - ours);
    return GPUMM_OK;
}

static bool is_zero(const unsigned char *bytes, size_t count) {
    while (count > 0 && bytes[count - 1] == 0) count--;
    return count == 0;
}

gpumm_status gpumm__abi_read(void *to, size_t ours, size_t first, const void *given, const char *what) {
    size_t size;
    memcpy(&size, given, sizeof size);
    if (size == 0) size = first;
    if (size < sizeof size || size > ABI_SIZE_MOST)
        return fail(GPUMM_INVALID_ARGUMENT, "%s.size is %zu: it is sizeof(%s), or 0", what, size, what);
    if (size > ours && !is_zero((const unsigned char *)given + ours, size - ours))
        return fail(GPUMM_INVALID_ARGUMENT,
                    "%s has fields that gpumm %s does not know: the program was made for a "
                    "newer one",
                    what, gpumm_version());
    memset(to, 0, ours);
    memcpy(to, given, (size_t)size_min(size, ours));
    memcpy(to, &ours, sizeof ours);
    return GPUMM_OK;
}
