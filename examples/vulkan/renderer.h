/* SPDX-License-Identifier: MIT */
/* A small renderer without a window: Vulkan 1.3, compute shaders, pictures of points and lines in memory. It has what it draws by
   device addresses, and does not know whose memory that is. */
#ifndef RENDERER_H
#define RENDERER_H

#include <gpumm_vulkan.h>

enum { IN_FLIGHT = 2 }; /* pictures that may be under way */

typedef struct scene { /* of one picture */
    VkDeviceAddress positions, stamps, ends;
    uint32_t nodes, edges;
    int64_t step; /* which all nodes should be of */
} scene;

typedef struct seen { /* what the shaders saw; as in shared.glsl */
    uint32_t first_stamp, last_stamp, last_end;
    float reach;
} seen;

typedef struct picture { /* that is done */
    scene scene;
    seen seen;
    double done;        /* seconds_now */
    const void *pixels; /* RGBA; NULL unless asked for; valid until the next call */
} picture;

typedef struct renderer renderer;

double seconds_now(void); /* monotonic */

/* On the physical device that can have the manager's memory. NULL: none can, and `why` says what the last one lacks. */
renderer *renderer_open(gpumm_manager *manager, uint32_t width, uint32_t height, char *why, size_t size);
void renderer_close(renderer *r);
gpumm_vulkan *renderer_vulkan(renderer *r);
const char *renderer_device(const renderer *r); /* its name */
uint64_t renderer_waits(const renderer *r);     /* draws that had to wait for an earlier picture */
/* Submits one, which waits for the turn and signals its end. `keep`: its pixels are wanted. */
void renderer_draw(renderer *r, const scene *s, const gpumm_vulkan_turn *turn, bool keep);
/* The oldest picture under way, if it is done; `wait`: once it is. False: there is none. */
bool renderer_next(renderer *r, bool wait, picture *out);

#endif
