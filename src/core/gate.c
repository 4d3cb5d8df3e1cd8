/* SPDX-License-Identifier: MIT */
/* One condition variable a manager: gates are shut rarely and for a moment. */
#include "core/gate.h"

bool gpumm__gate_pass(gpumm_group *g) {
    context *ctx = g->object.context;
    if (!g->shut) return false;
    ctx->gate_waits++;
    while (g->shut) pthread_cond_wait(&ctx->gates, &ctx->submit);
    return true;
}

void gpumm__gate_shut(gpumm_group *g) {
    pthread_mutex_lock(&g->object.context->submit);
    g->shut = true;
    pthread_mutex_unlock(&g->object.context->submit);
}

void gpumm__gate_open(gpumm_group *g) {
    context *ctx = g->object.context;
    pthread_mutex_lock(&ctx->submit);
    g->shut = false;
    pthread_cond_broadcast(&ctx->gates);
    pthread_mutex_unlock(&ctx->submit);
}
