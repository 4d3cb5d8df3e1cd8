/* SPDX-License-Identifier: MIT */
/* The wire: Unix sockets of packets, who is at their other end, and descriptors that travel along. None of these calls waits,
   but where it says so. */
#ifndef SHARE_WIRE_H
#define SHARE_WIRE_H

#include <sys/types.h>

#include "share/protocol.h"

/* A socket that listens at `path`, with that mode from its first moment. What a killed owner left there is cleared;
   ALREADY_EXISTS where somebody listens, or the path is no socket; IO. `inode` tells it from a successor's. */
gpumm_status gpumm__wire_listen(const char *path, unsigned mode, int *out, ino_t *inode);
void gpumm__wire_unlink(const char *path, ino_t inode); /* where it is still that one */
/* NOT_FOUND where nobody listens; IO. Waits, until `deadline` (gpumm__clock_ns), while as many others as fit are waiting to
   be taken in: TIMEOUT. */
gpumm_status gpumm__wire_connect(const char *path, uint64_t deadline, int *out);
/* Who is there: INVALID_ARGUMENT where it is another user, unless `any_user`. `pidfd` is readable once that process is gone,
   -1 where the system has none; `pid` 0: unknown. */
gpumm_status gpumm__wire_peer(int socket, bool any_user, int *pidfd, pid_t *pid);

typedef enum wire_end { WIRE_DONE, WIRE_LATER, WIRE_GONE } wire_end;
/* One packet, with a descriptor unless it is -1. LATER: there is no room now. */
wire_end gpumm__wire_send(int socket, const share_packet *p, int descriptor);
/* One packet of `bytes`; `descriptor` is -1 or the caller's. LATER: there is none now. */
wire_end gpumm__wire_receive(int socket, share_packet *p, size_t *bytes, int *descriptor);

#endif
