/* SPDX-License-Identifier: MIT */
/* Names of types and fields. */
#ifndef CORE_IDENTIFIER_H
#define CORE_IDENTIFIER_H

#include "gpumm.h"

enum { IDENTIFIER_MAX = 63 };

/* INVALID_ARGUMENT where this is no name that C or C++ could give to something; `what` begins the message. */
gpumm_status gpumm__type_check_identifier(const char *what, const char *name);

#endif
