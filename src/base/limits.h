/* SPDX-License-Identifier: MIT */
/* Limits that several floors keep to. */
#ifndef BASE_LIMITS_H
#define BASE_LIMITS_H

enum {
    NAME_BYTES = 255,          /* of a buffer's or group's name */
    GROUP_MEMBERS = 64,        /* of a group, and of a readback */
    PARAMETERS_MAX = 64,       /* of a kernel */
    GROWTH_FACTOR_MOST = 4000, /* a growth factor that fits 32 bits in parts per million */
};

#endif
