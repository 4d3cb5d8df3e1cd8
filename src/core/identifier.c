/* SPDX-License-Identifier: MIT */
/* Names that C or C++ could give to something: those of structs and their fields are written into kernels' sources. */
#include "core/identifier.h"

#include <ctype.h>
#include <string.h>

#include "base/status.h"

static const char *const keywords[] = {
    "alignas",
    "alignof",
    "and",
    "and_eq",
    "asm",
    "auto",
    "bitand",
    "bitor",
    "bool",
    "break",
    "case",
    "catch",
    "char",
    "char16_t",
    "char32_t",
    "char8_t",
    "class",
    "co_await",
    "co_return",
    "co_yield",
    "compl",
    "concept",
    "const",
    "const_cast",
    "consteval",
    "constexpr",
    "constinit",
    "continue",
    "decltype",
    "default",
    "delete",
    "do",
    "double",
    "dynamic_cast",
    "else",
    "enum",
    "explicit",
    "export",
    "extern",
    "false",
    "float",
    "for",
    "friend",
    "goto",
    "if",
    "inline",
    "int",
    "long",
    "mutable",
    "namespace",
    "new",
    "noexcept",
    "not",
    "not_eq",
    "nullptr",
    "operator",
    "or",
    "or_eq",
    "private",
    "protected",
    "public",
    "register",
    "reinterpret_cast",
    "requires",
    "restrict",
    "return",
    "short",
    "signed",
    "sizeof",
    "static",
    "static_assert",
    "static_cast",
    "struct",
    "switch",
    "template",
    "this",
    "thread_local",
    "throw",
    "true",
    "try",
    "typedef",
    "typeid",
    "typename",
    "typeof",
    "union",
    "unsigned",
    "using",
    "virtual",
    "void",
    "volatile",
    "wchar_t",
    "while",
    "xor",
    "xor_eq",
};

static bool listed(const char *const *names, size_t count, const char *name) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0) return true;
    return false;
}

gpumm_status gpumm__type_check_identifier(const char *what, const char *name) {
    bool good = name && (isalpha((unsigned char)name[0]) || name[0] == '_');
    for (const char *c = name; good && *c; c++) good = isalnum((unsigned char)*c) || *c == '_';
    if (!good || strlen(name) > IDENTIFIER_MAX)
        return fail(GPUMM_INVALID_ARGUMENT,
                    "%s '%.80s' is no C identifier: letters, digits and _, not a digit first, at most %d", what,
                    name ? name : "", IDENTIFIER_MAX);
    if (listed(keywords, sizeof keywords / sizeof *keywords, name))
        return fail(GPUMM_INVALID_ARGUMENT, "%s '%s' is a word of C or C++ itself", what, name);
    return GPUMM_OK;
}
