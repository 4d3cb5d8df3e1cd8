/* SPDX-License-Identifier: MIT */
/* A call on a stream of one manager that uses memory of others. Each owner has a stream that stands for the call's (core/stand_in.h):
   that is the memory's user in the owner's eyes, the call's stream waits for it before, and it waits for the call's stream behind. So
   whoever uses the memory next, frees it, or closes its manager waits for the call as for any other use. */
#ifndef CORE_PEERS_H
#define CORE_PEERS_H

#include "core/group.h"

enum { PEERS_MOST = 8 }; /* managers in a call */

typedef struct peers {
    gpumm_stream *stream;
    gpumm_buffer *const *buffers;
    const gpumm_access *access;
    size_t count, entered;
    context *all[PEERS_MOST]; /* the stream's own too, by address: the order of their submit locks */
    size_t contexts;
} peers;

/* Is the buffer of another manager than that? */
static inline bool peers_is_foreign(const context *ctx, const gpumm_buffer *b) {
    return b->group->object.context != ctx;
}
/* May that manager itself use another one's buffer? It is on its device too. */
bool gpumm__peers_may_use(const context *ctx, const gpumm_buffer *b);
/* Until the end all submit locks are held, all gates of the buffers' groups are open, and what is enqueued on the stream is behind
   those who use the buffers of others. Its own buffers the caller declares. A failure has changed nothing but orders. */
gpumm_status gpumm__peers_begin(peers *p, gpumm_stream *s, gpumm_buffer *const *buffers, const gpumm_access *access,
                                size_t count);
/* `status`: what the call came to, which is returned. Where owners cannot be told of what it enqueued, that has ended before this
   returns. */
gpumm_status gpumm__peers_end(peers *p, gpumm_status status);

#endif
