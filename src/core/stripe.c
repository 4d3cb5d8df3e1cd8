/* SPDX-License-Identifier: MIT */
/* A list in which each stripe is found again by what it is. */
#include "core/stripe.h"

#include <string.h>

#define STRIPE_DEFAULT (64ull << 20)
enum { STRIPES_MOST = 64 }; /* in a manager: they stay, whatever a script asks for */

struct stripe_kept {
    stripe_kept *next;
    device_stripe asked, stripe; /* as somebody asked for it, and as the device has it */
};

/* ---- What is asked for ------------------------------------------------------------------------------------ */

static gpumm_status check_place(const context *ctx, const gpumm_buffer_options *o) {
    char text[32];
    if (!ctx->info.in_place)
        return fail(
            GPUMM_INVALID_ARGUMENT,
            "a buffer on several devices needs memory that grows in place, which is not to be had here (%.200s): "
            "leave out the option devices",
            ctx->info.why);
    if (o->shareable)
        return fail(GPUMM_INVALID_ARGUMENT,
                    "a buffer on several devices is not shareable: leave out one of the options "
                    "devices and shareable");
    if (o->stripe <= DEVICE_SEGMENT_MOST) return GPUMM_OK;
    return fail(GPUMM_INVALID_ARGUMENT, "a stripe of %s is too long: it is at most 1 GiB",
                gpumm__size_text(o->stripe, text));
}

static gpumm_status add_device(device_stripe *s, unsigned number) {
    if (number >= GPUMM_DEVICES_MAX)
        return fail(GPUMM_INVALID_ARGUMENT, "device %u: devices are numbered 0 to %d", number, GPUMM_DEVICES_MAX - 1);
    for (unsigned i = 0; i < s->count; i++)
        if (s->devices[i] == (int)number)
            return fail(GPUMM_INVALID_ARGUMENT, "device %u is there twice: each takes its turn once", number);
    s->devices[s->count++] = (int)number;
    return GPUMM_OK;
}

static gpumm_status read_options(const context *ctx, const gpumm_buffer_options *o, device_stripe *s) {
    bool own = false;
    memset(s, 0, sizeof *s);
    TRY(check_place(ctx, o));
    if (!o->devices) return fail(GPUMM_INVALID_ARGUMENT, "gpumm_buffer_options.devices is NULL");
    if (o->device_count > GPUMM_DEVICES_MAX)
        return fail(GPUMM_INVALID_ARGUMENT, "%zu devices: a buffer is on at most %d", o->device_count,
                    GPUMM_DEVICES_MAX);
    for (size_t i = 0; i < o->device_count; i++) {
        TRY(add_device(s, o->devices[i]));
        own = own || s->devices[i] == ctx->device->ordinal;
    }
    s->bytes = o->stripe ? o->stripe : STRIPE_DEFAULT;
    if (own) return GPUMM_OK;
    return fail(GPUMM_INVALID_ARGUMENT,
                "the manager's own device, number %d, is not one of the buffer's devices: add it",
                ctx->device->ordinal);
}

/* ---- What is kept ------------------------------------------------------------------------------------------- */

static bool is_same(const device_stripe *a, const device_stripe *b) {
    return a->bytes == b->bytes && a->count == b->count &&
           memcmp(a->devices, b->devices, a->count * sizeof *a->devices) == 0;
}

/* Lock held. */
static stripe_kept *find(const context *ctx, const device_stripe *asked, size_t *count) {
    *count = 0;
    for (stripe_kept *k = ctx->stripes; k; k = k->next, (*count)++)
        if (is_same(&k->asked, asked)) return k;
    return NULL;
}

static stripe_kept *find_alone(context *ctx, const device_stripe *asked) {
    size_t count;
    pthread_mutex_lock(&ctx->lock);
    stripe_kept *k = find(ctx, asked, &count);
    pthread_mutex_unlock(&ctx->lock);
    return k;
}

/* The one that is kept: `made`, unless another thread was first. NULL: there are too many. */
static stripe_kept *keep(context *ctx, stripe_kept *made) {
    size_t count;
    pthread_mutex_lock(&ctx->lock);
    stripe_kept *k = find(ctx, &made->asked, &count);
    if (!k && count < STRIPES_MOST) {
        made->next = ctx->stripes;
        k = ctx->stripes = made;
    }
    pthread_mutex_unlock(&ctx->lock);
    return k;
}

static gpumm_status make(context *ctx, const device_stripe *asked, stripe_kept **out) {
    device *d = ctx->device;
    stripe_kept *made = gpumm__mem_new(&ctx->memory, sizeof *made);
    if (!made) return fail_host_memory(sizeof *made);
    made->asked = made->stripe = *asked;
    gpumm_status status = d->call->stripe_check(d, &made->stripe);
    if (status == GPUMM_OK) {
        *out = keep(ctx, made);
        if (!*out)
            status = fail(GPUMM_INVALID_ARGUMENT, "a manager has no more than %d stripes: use one that it has",
                          STRIPES_MOST);
    }
    if (status != GPUMM_OK || *out != made) gpumm__mem_free(&ctx->memory, made);
    return status;
}

gpumm_status gpumm__stripe_of(context *ctx, const gpumm_buffer_options *o, const device_stripe **out) {
    device_stripe asked;
    *out = NULL;
    if (!o->device_count && !o->stripe) return GPUMM_OK;
    if (!o->device_count)
        return fail(GPUMM_INVALID_ARGUMENT,
                    "a stripe is of a buffer on several devices: name them by the option devices");
    TRY(read_options(ctx, o, &asked));
    stripe_kept *k = find_alone(ctx, &asked);
    if (!k) TRY(make(ctx, &asked, &k));
    *out = &k->stripe;
    return GPUMM_OK;
}

void gpumm__stripes_free(context *ctx) {
    for (stripe_kept *k = ctx->stripes, *next; k; k = next) {
        next = k->next;
        gpumm__mem_free(&ctx->memory, k);
    }
    ctx->stripes = NULL;
}
