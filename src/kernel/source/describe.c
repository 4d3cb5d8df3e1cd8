/* SPDX-License-Identifier: MIT */
/* Every name here begins with gpumm_, down to enumerators, since the source's macros are alive behind it.
   GPUMM_WORDS, how a constant is exported, and GPUMM_EXPORT and GPUMM_BLOCKS, what else the device wants of a kernel
   whose threads run one by one and of one whose blocks are blocks, are the device's. */
#include "kernel/source/describe.h"

#include <stdio.h>

#include "base/status.h"
#include "device/device.h"

#define TEXT(...) #__VA_ARGS__ "\n"

/* C++ as C++ */
/* clang-format off */
static const char shapes[] = TEXT(
    template <class gpumm_T> struct gpumm_bare {
        typedef gpumm_T gpumm_type;
        enum { gpumm_constant = 0 };
    };
    template <class gpumm_T> struct gpumm_bare<const gpumm_T> {
        typedef gpumm_T gpumm_type;
        enum { gpumm_constant = 1 };
    };
    template <class gpumm_T> struct gpumm_bare<volatile gpumm_T> {
        typedef gpumm_T gpumm_type;
        enum { gpumm_constant = 0 };
    };
    template <class gpumm_T> struct gpumm_bare<const volatile gpumm_T> {
        typedef gpumm_T gpumm_type;
        enum { gpumm_constant = 1 };
    };
    template <class gpumm_T, bool gpumm_is_enum> struct gpumm_whole { typedef gpumm_T gpumm_type; };
    template <class gpumm_T> struct gpumm_whole<gpumm_T, true> {
        typedef __underlying_type(gpumm_T) gpumm_type;
    };
    template <class gpumm_A, class gpumm_B> struct gpumm_same {
        enum { gpumm_value = 0 };
    };
    template <class gpumm_A> struct gpumm_same<gpumm_A, gpumm_A> {
        enum { gpumm_value = 1 };
    };
    template <class gpumm_T> struct gpumm_known;
    template <decltype(sizeof(0))> struct gpumm_exists { typedef void gpumm_type; };
    template <class gpumm_T, class gpumm_V = void> struct gpumm_layout {
        enum { gpumm_size = 0, gpumm_align = 0 };
    };
    template <class gpumm_T> struct gpumm_layout<gpumm_T, typename gpumm_exists<sizeof(gpumm_T)>::gpumm_type> {
        enum { gpumm_size = sizeof(gpumm_T), gpumm_align = alignof(gpumm_T) };
    };
    template <> struct gpumm_layout<void, void> {
        enum { gpumm_size = 0, gpumm_align = 0 };
    };
    template <class gpumm_R, class... gpumm_A> struct gpumm_layout<gpumm_R(gpumm_A...), void> {
        enum { gpumm_size = 0, gpumm_align = 0 };
    };
    template <class gpumm_T> struct gpumm_kind {
        enum { gpumm_value = gpumm_layout<gpumm_T>::gpumm_size ? 5 : 0, gpumm_lanes = 1 };
    };
    template <class gpumm_T> struct gpumm_kind<gpumm_T *> {
        enum { gpumm_value = 2, gpumm_lanes = 1 };
    };
) "#define GPUMM_KIND(gpumm_t, gpumm_k, gpumm_n)"
        " template <> struct gpumm_kind<gpumm_t> { enum { gpumm_value = gpumm_k, gpumm_lanes = gpumm_n }; };\n";

/* What is none of these is a class; an enum is what it is made of. */
static const char kinds[] =
    "GPUMM_KIND(void, 0, 1)\nGPUMM_KIND(bool, 4, 1)\n"
    "GPUMM_KIND(char, (char)-1 < (char)1 ? 1 : 2, 1)\nGPUMM_KIND(wchar_t, (wchar_t)-1 < (wchar_t)1 ? 1 : 2, 1)\n"
    "GPUMM_KIND(char16_t, 2, 1)\nGPUMM_KIND(char32_t, 2, 1)\n"
    "GPUMM_KIND(signed char, 1, 1)\nGPUMM_KIND(unsigned char, 2, 1)\n"
    "GPUMM_KIND(short, 1, 1)\nGPUMM_KIND(unsigned short, 2, 1)\n"
    "GPUMM_KIND(int, 1, 1)\nGPUMM_KIND(unsigned int, 2, 1)\n"
    "GPUMM_KIND(long, 1, 1)\nGPUMM_KIND(unsigned long, 2, 1)\n"
    "GPUMM_KIND(long long, 1, 1)\nGPUMM_KIND(unsigned long long, 2, 1)\n"
    "GPUMM_KIND(float, 3, 1)\nGPUMM_KIND(double, 3, 1)\n"
    "#define GPUMM_LANES(gpumm_n, gpumm_k)"
    " GPUMM_KIND(gpumm_n##1, gpumm_k, 1) GPUMM_KIND(gpumm_n##2, gpumm_k, 2)"
    " GPUMM_KIND(gpumm_n##3, gpumm_k, 3) GPUMM_KIND(gpumm_n##4, gpumm_k, 4)\n"
    "GPUMM_LANES(char, 1) GPUMM_LANES(uchar, 2) GPUMM_LANES(short, 1) GPUMM_LANES(ushort, 2)\n"
    "GPUMM_LANES(int, 1) GPUMM_LANES(uint, 2) GPUMM_LANES(long, 1) GPUMM_LANES(ulong, 2)\n"
    "GPUMM_LANES(longlong, 1) GPUMM_LANES(ulonglong, 2) GPUMM_LANES(float, 3) GPUMM_LANES(double, 3)\n";

/* Asked as a function that returns nothing, so that one of the same name that returns something is no other candidate: CUDA
   has int all(int). */
static const char rows[] = TEXT(
    struct gpumm_row {
        unsigned gpumm_words[8];
    };
    struct gpumm_needs {
        unsigned gpumm_bits;
    };
    template <class... gpumm_P> struct gpumm_rows {
        unsigned gpumm_count;
        gpumm_row gpumm_list[sizeof...(gpumm_P) ? sizeof...(gpumm_P) : 1];
    };
    template <class gpumm_Q, unsigned gpumm_pointer> struct gpumm_describe {
        typedef typename gpumm_bare<gpumm_Q>::gpumm_type gpumm_type;
        typedef typename gpumm_whole<gpumm_type, __is_enum(gpumm_type)>::gpumm_type gpumm_plain;
        static constexpr gpumm_row gpumm_make() {
            return {{gpumm_pointer, gpumm_bare<gpumm_Q>::gpumm_constant, gpumm_kind<gpumm_plain>::gpumm_value,
                     gpumm_layout<gpumm_type>::gpumm_size, gpumm_layout<gpumm_type>::gpumm_align,
                     gpumm_kind<gpumm_plain>::gpumm_lanes, gpumm_known<gpumm_type>::gpumm_value,
                     __is_enum(gpumm_type)}};
        }
    };
    template <class gpumm_P> struct gpumm_parameter : gpumm_describe<gpumm_P, 0> {};
    template <class gpumm_P> struct gpumm_parameter<gpumm_P *> : gpumm_describe<gpumm_P, 1> {};
    template <class gpumm_P> struct gpumm_parameter<gpumm_P &> : gpumm_describe<gpumm_P, 2> {};
    template <class gpumm_P> struct gpumm_parameter<gpumm_P &&> : gpumm_describe<gpumm_P, 2> {};
    template <class... gpumm_P> gpumm_rows<gpumm_P...> gpumm_rows_of(void (*)(gpumm_P...));
    template <class gpumm_R> struct gpumm_made;
    template <class... gpumm_P> struct gpumm_made<gpumm_rows<gpumm_P...>> {
        static constexpr gpumm_rows<gpumm_P...> gpumm_make() {
            return {sizeof...(gpumm_P) + 1, {gpumm_parameter<gpumm_P>::gpumm_make()...}};
        }
    };
) "#define GPUMM_KERNEL(gpumm_k, gpumm_path)"
  " GPUMM_WORDS const decltype(gpumm_rows_of(&gpumm_path)) gpumm_parameters_##gpumm_k ="
  " gpumm_made<decltype(gpumm_rows_of(&gpumm_path))>::gpumm_make();\n"
  "#define GPUMM_NEEDS(gpumm_k, gpumm_n) GPUMM_WORDS const gpumm_needs gpumm_needs_##gpumm_k = {gpumm_n};\n";
/* clang-format on */

const char *const gpumm__describe_traits[] = {shapes, kinds, rows, NULL};

static const char halves[] = "#if defined(GPUMM_HOST) || defined(__CUDA_FP16_H__)\n"
                             "GPUMM_KIND(__half, 3, 1) GPUMM_KIND(__half2, 3, 2)\n#endif\n";

static gpumm_status known_types(const char *const *names, size_t count, grown_text *out) {
    char line[512];
    TRY(gpumm__text_string(out, "template <class gpumm_T> struct gpumm_known { enum { gpumm_value = "));
    for (size_t i = 0; i < count; i++) {
        snprintf(line, sizeof line, "gpumm_same<gpumm_T, ::%s>::gpumm_value ? %zu : ", names[i], i + 1);
        TRY(gpumm__text_string(out, line));
    }
    return gpumm__text_string(out, "0 }; };\n");
}

/* Two lines and not one macro in another: where the kernel's name is a macro, its first use is not to be expanded. */
static gpumm_status kernel_line(const char *macro, const prototype *k, grown_text *out) {
    TRY(gpumm__text_string(out, macro));
    TRY(gpumm__text_string(out, k->name));
    TRY(gpumm__text_string(out, ", ::"));
    TRY(gpumm__text_string(out, k->scope));
    TRY(gpumm__text_string(out, k->name));
    return gpumm__text_string(out, ")\n");
}

static gpumm_status needs_line(const prototype *k, grown_text *out) {
    char number[32];
    if (!k->needs) return GPUMM_OK;
    snprintf(number, sizeof number, ", %u)\n", (unsigned)k->needs);
    TRY(gpumm__text_string(out, "GPUMM_NEEDS("));
    TRY(gpumm__text_string(out, k->name));
    return gpumm__text_string(out, number);
}

gpumm_status gpumm__describe_kernels(const prototype_list *list, const char *const *type_names, size_t type_count,
                                     grown_text *out) {
    TRY(gpumm__text_string(out, halves));
    TRY(known_types(type_names, type_count, out));
    for (size_t i = 0; i < list->count; i++) {
        const prototype *k = &list->items[i];
        TRY(kernel_line("GPUMM_KERNEL(", k, out));
        TRY(needs_line(k, out));
        TRY(kernel_line(k->needs & DEVICE_NEEDS_BLOCKS ? "GPUMM_BLOCKS(" : "GPUMM_EXPORT(", k, out));
    }
    return GPUMM_OK;
}
