/* SPDX-License-Identifier: MIT */
/* The owner of a share, as its reader hears it: what an attachment is, and what the owner's words make of it. Nothing of them is
   believed; what does not fit ends the attachment, as if its owner had closed it.
   Lock order: a readback's, the attachment's, then a group's and what is below. */
#ifndef SHARE_OWNER_H
#define SHARE_OWNER_H

#include "core/readback.h"
#include "share/wire.h"

enum { ATTACHMENT_SPENT = 8, ATTACHMENT_AWAKE_NS = 2000000 };

typedef struct attached_item {
    remote remote; /* first: what its readback calls */
    struct gpumm_attachment *attachment;
    char *name;
    gpumm_group *group;       /* one handle */
    gpumm_readback *readback; /* one handle; NULL: a buffer */
    bool ended, applied;      /* the owner ended it; and so it is here */
    bool closed;              /* its readback was, here */
    gpumm_ticket newest, taken;
    uint64_t loans, gives; /* slots that are ours; that are to be given back */
    bool asked, answered;
    share_message frame; /* the answer */
} attached_item;

struct gpumm_attachment {
    object object;
    gpumm_manager *own; /* opened for it; one handle */
    pthread_mutex_t lock;
    int socket, pidfd, news; /* news: an epoll of the two others */
    pid_t owner;
    gpumm_status over; /* OK: it goes on */
    char why[240];
    bool ready;
    bool told;            /* something that whoever waits is to see, since that began */
    uint32_t awaited;     /* the item whose memory is coming */
    uint64_t awake_until; /* so long whoever waits for that does not sleep; 0: nothing is coming */
    bool stalled;         /* `unmap` waits for tensors of its buffer to be given back, and all behind it */
    share_message unmap;
    size_t count;
    int spent[ATTACHMENT_SPENT]; /* descriptors of what is mapped: the last to close one pays for that, later */
    unsigned spent_count;
    attached_item *items[SHARE_ITEMS];
};

/* With the attachment's lock, all but the last two. */
void gpumm__owner_end(gpumm_attachment *a, gpumm_status status, const char *why); /* the first end counts */
gpumm_status gpumm__owner_over(const gpumm_attachment *a);                        /* the status that it ended with */
void gpumm__owner_hear(gpumm_attachment *a);                                      /* all that waits in the socket */
void gpumm__owner_tidy(gpumm_attachment *a);                          /* closes what is spent: now there is time */
bool gpumm__owner_wait(const gpumm_attachment *a, uint64_t deadline); /* for news, or a while; false: it is too late */
bool gpumm__owner_lends(const attached_item *x);                      /* has somebody here a tensor of the buffer? */

#endif
