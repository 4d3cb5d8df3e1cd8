/* SPDX-License-Identifier: MIT */
/* A ring. */
#include "modules/live/queue.h"

static live_event *at(live_queue *queue, unsigned index) { return &queue->events[(queue->first + index) % LIVE_QUEUE]; }

static bool replaces(const live_event *newer, const live_event *older) {
    return newer->kind == LIVE_DRAG && older->kind == LIVE_DRAG && newer->viewer == older->viewer &&
           newer->node == older->node;
}

bool gpumm_live__queue_put(live_queue *queue, const live_event *event) {
    if (queue->count > 0 && replaces(event, at(queue, queue->count - 1))) {
        *at(queue, queue->count - 1) = *event;
        return true;
    }
    if (queue->count == LIVE_QUEUE) return false;
    *at(queue, queue->count++) = *event;
    return true;
}

bool gpumm_live__queue_take(live_queue *queue, live_event *out) {
    if (queue->count == 0) return false;
    *out = *at(queue, 0);
    queue->first = (queue->first + 1) % LIVE_QUEUE;
    queue->count--;
    return true;
}
