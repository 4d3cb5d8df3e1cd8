/* SPDX-License-Identifier: MIT */
/*
 * Binaries as bytes. The driver is not told where an image ends, so what is cut short is found here; and what a
 * compiler said of kernels' parameters is read from the constants of a cubin (an ELF file) or of PTX (text).
 */
#include "device/cuda/image.h"

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/size.h"
#include "base/status.h"

enum { MOST_BYTES = 1 << 16 }; /* of a constant: it has a few words a parameter */

static gpumm_status bad_file(const char *path, const char *what, int error) {
    return fail(GPUMM_IO, "'%s' could not be %s: %s", path, what, strerror(error));
}

/* A number in an image; past the image's end: one that is too large for whatever it counts. */
static uint64_t number_at(const char *image, size_t size, size_t at, size_t width) {
    uint64_t number = 0;
    if (at + width > size) return UINT64_MAX;
    memcpy(&number, image + at, width);
    return number;
}

/* Where one of an ELF file's tables of headers ends, by where the file says its place, row and count are. */
static uint64_t table_end(const char *image, size_t size, size_t start, size_t row, size_t count) {
    uint64_t bytes, end;
    bool counted = size_mul(number_at(image, size, row, 2), number_at(image, size, count, 2), &bytes);
    return counted && size_add(number_at(image, size, start, 8), bytes, &end) ? end : UINT64_MAX;
}

/* How many bytes a binary says that it has, at least; 0: nothing. Its tables lie behind all else. */
static uint64_t said_size(const char *image, size_t size) {
    uint64_t end = 0;
    if (strncmp(image, "\177ELF\2", 5) == 0)
        return size_max(table_end(image, size, 32, 54, 56), table_end(image, size, 40, 58, 60));
    if (strncmp(image, "\x50\xed\x55\xba", 4) == 0 && /* a .fatbin */
        !size_add(number_at(image, size, 6, 2), number_at(image, size, 8, 8), &end))
        end = UINT64_MAX;
    return end;
}

static bool is_text(const char *image, size_t size) {
    while (size > 0 && image[size - 1] == '\0') size--;
    return strlen(image) >= size;
}

/* The driver is not told where an image ends: it goes by what the image says, also past the end of one that was
   copied in part, and follows the pointers that some kinds hold. */
static gpumm_status check_image(const char *path, const char *image, size_t size) {
    uint64_t said = said_size(image, size);
    bool binary = said > 0 || strncmp(image, "\177ELF", 4) == 0;
    if (said > size) return fail(GPUMM_IO, "'%s' is cut short: %zu bytes are not all that it says to have", path, size);
    if (binary || is_text(image, size)) return GPUMM_OK;
    return fail(GPUMM_IO, "'%s' is no .cubin, .fatbin or .ptx", path);
}

static gpumm_status file_size(FILE *file, const char *path, size_t *size) {
    struct stat s;
    if (fstat(fileno(file), &s) != 0) return bad_file(path, "read", errno);
    if (S_ISDIR(s.st_mode)) return bad_file(path, "read", EISDIR);
    if (s.st_size == 0) return fail(GPUMM_IO, "'%s' is empty: a .cubin, .fatbin or .ptx was expected", path);
    *size = (size_t)s.st_size;
    return GPUMM_OK;
}

/* PTX is text, and the driver wants its end marked. */
static gpumm_status read_open(device *d, FILE *file, const char *path, size_t size, char **out) {
    char *image = gpumm__mem_new(d->memory, size + 1);
    if (!image) return fail_host_memory(size);
    gpumm_status status = fread(image, 1, size, file) == size ? check_image(path, image, size)
                                                              : bad_file(path, "read", ferror(file) ? errno : EIO);
    if (status != GPUMM_OK) return gpumm__mem_free(d->memory, image), status;
    *out = image;
    return GPUMM_OK;
}

gpumm_status gpumm__image_read(device *d, const char *path, char **image, size_t *size) {
    FILE *file = fopen(path, "rbe");
    if (!file) return bad_file(path, "opened", errno);
    gpumm_status status = file_size(file, path, size);
    if (status == GPUMM_OK) status = read_open(d, file, path, *size, image);
    fclose(file);
    return status;
}

/* ---- Constants of a cubin ---- */

/* An object of so many bytes within the image; NULL: it is not. */
static const void *part(const char *image, size_t size, uint64_t at, uint64_t bytes) {
    uint64_t end;
    return size_add(at, bytes, &end) && end <= size ? image + at : NULL;
}

static bool section(const char *image, size_t size, const Elf64_Ehdr *file, unsigned index, Elf64_Shdr *out) {
    uint64_t at;
    if (!size_add(file->e_shoff, (uint64_t)index * sizeof *out, &at) || index >= file->e_shnum) return false;
    const void *found = part(image, size, at, sizeof *out);
    if (found) memcpy(out, found, sizeof *out);
    return found != NULL;
}

static bool is_named(const char *image, size_t size, const Elf64_Shdr *names, uint32_t offset, const char *name) {
    uint64_t at;
    if (!size_add(names->sh_offset, offset, &at)) return false;
    const char *found = part(image, size, at, strlen(name) + 1);
    return found && memcmp(found, name, strlen(name) + 1) == 0;
}

/* The bytes of a symbol's object. */
static const void *object_of(const char *image, size_t size, const Elf64_Ehdr *file, const Elf64_Sym *symbol) {
    Elf64_Shdr within;
    uint64_t at;
    if (!section(image, size, file, symbol->st_shndx, &within) || within.sh_type == SHT_NOBITS) return NULL;
    return size_add(within.sh_offset, symbol->st_value, &at) ? part(image, size, at, symbol->st_size) : NULL;
}

static const void *find_in_symbols(const char *image, size_t size, const Elf64_Ehdr *file, const Elf64_Shdr *symbols,
                                   const char *name, size_t *bytes) {
    Elf64_Shdr names;
    if (!section(image, size, file, symbols->sh_link, &names)) return NULL;
    for (uint64_t i = 0; i < symbols->sh_size / sizeof(Elf64_Sym); i++) {
        Elf64_Sym symbol;
        const void *at = part(image, size, symbols->sh_offset + i * sizeof symbol, sizeof symbol);
        if (!at) return NULL;
        memcpy(&symbol, at, sizeof symbol);
        if (!is_named(image, size, &names, symbol.st_name, name)) continue;
        *bytes = symbol.st_size;
        return object_of(image, size, file, &symbol);
    }
    return NULL;
}

static const void *find_in_elf(const char *image, size_t size, const char *name, size_t *bytes) {
    Elf64_Ehdr file;
    Elf64_Shdr symbols;
    if (size < sizeof file) return NULL;
    memcpy(&file, image, sizeof file);
    if (file.e_shentsize != sizeof symbols) return NULL;
    for (unsigned i = 0; i < file.e_shnum && section(image, size, &file, i, &symbols); i++)
        if (symbols.sh_type == SHT_SYMTAB) return find_in_symbols(image, size, &file, &symbols, name, bytes);
    return NULL;
}

/* ---- Constants of PTX ---- */

/* The bytes of ".global .align 4 .b8 name[60] = {2, 0, …};" into `out` (NULL: only counted). Zeros at the end may be
   left out. */
static size_t ptx_bytes(const char *image, const char *name, unsigned char *out) {
    for (const char *at = image; (at = strstr(at, name)); at += strlen(name)) {
        char *end = (char *)(uintptr_t)(at + strlen(name));
        if (*end != '[' || at - image < 4 || strncmp(at - 4, ".b8 ", 4) != 0) continue;
        size_t count = strtoul(end + 1, &end, 10);
        if (strncmp(end, "] = {", 5) != 0) return 0;
        end += 4;
        for (size_t i = 0; out && i < count && *end && *end != '}'; i++)
            out[i] = (unsigned char)strtoul(end + 1, &end, 0);
        return count < MOST_BYTES ? count : 0;
    }
    return 0;
}

gpumm_status gpumm__image_words(device *d, const char *image, size_t size, const char *name, uint32_t **out,
                                size_t *count) {
    bool elf = strncmp(image, "\177ELF\2", 5) == 0;
    size_t bytes = 0;
    const void *found = elf ? find_in_elf(image, size, name, &bytes) : NULL;
    if (!elf) bytes = ptx_bytes(image, name, NULL);
    *out = NULL;
    *count = bytes / sizeof **out;
    if (!*count || (elf && !found)) return GPUMM_OK;
    *out = gpumm__mem_new(d->memory, bytes);
    if (!*out) return fail_host_memory(bytes);
    if (elf) memcpy(*out, found, *count * sizeof **out);
    else ptx_bytes(image, name, (unsigned char *)*out);
    return GPUMM_OK;
}
