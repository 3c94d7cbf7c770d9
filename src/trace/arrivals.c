#include "kt/load.h"

#include "kt/rng.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static kt_rng stream(const kt_load_options *o, const char *what, uint32_t attempt)
{
    kt_rng rng;
    kt_rng_init(&rng, o->seed, kt_rng_subject(what), KT_RNG_LOAD, attempt, o->cell);
    return rng;
}

/* Numbers 8 i .. 8 i + 7 of the cell's stream belong to request i, so that any can be had by itself. */
void kt_load_ids(uint8_t trace[16], uint8_t span[8], const kt_load_options *options, size_t number)
{
    kt_rng rng = stream(options, "trace ids", options->attempt);
    uint8_t bytes[24];
    uint32_t any = 0;
    rng.counter[0] = (uint32_t)(2 * number);
    for (size_t i = 0; i < 6; i++) {
        uint32_t word = kt_rng_u32(&rng);
        for (size_t k = 0; k < 4; k++)
            bytes[4 * i + k] = (uint8_t)(word >> (24 - 8 * k));
        any |= word;
        if (i == 3 || i == 5) { /* zero is no id */
            bytes[4 * i + 3] |= any == 0;
            any = 0;
        }
    }
    memcpy(trace, bytes, 16);
    memcpy(span, bytes + 16, 8);
}

/* A process in time, one arrival after the other, in seconds from its begin. */
typedef struct {
    const kt_load_options *o;
    kt_rng rng;
    double at;
    uint64_t given;
} process;

static process begin(const kt_load_options *o)
{
    process p = {.o = o, .rng = stream(o, "arrivals", 0)};
    bool at_once = o->requests > 0 && o->warmup_s == 0;
    if (o->arrivals == KT_ARRIVALS_POISSON && !at_once)
        p.at = -log(kt_rng_uniform(&p.rng)) / o->rate;
    return p;
}

static void advance(process *p)
{
    p->given++;
    if (p->o->arrivals == KT_ARRIVALS_CONSTANT)
        p->at = (double)p->given / p->o->rate; /* no sum, whose roundings would add up */
    else
        p->at -= log(kt_rng_uniform(&p->rng)) / p->o->rate;
}

typedef struct {
    kt_load_request *request;
    size_t n, capacity;
} list;

static kt_status add(list *l, const process *p, kt_load_phase phase, kt_error *err)
{
    kt_status status = KT_OK;
    if (l->n == l->capacity)
        KT_TRY(kt_grow(&l->request, l->capacity = 2 * l->capacity + 64, sizeof *l->request, err));
    kt_load_request *r = &l->request[l->n];
    *r = (kt_load_request){.due = llround(p->at * 1e9), .phase = (uint8_t)phase};
    uint8_t span[8];
    kt_load_ids(r->trace, span, p->o, l->n);
    l->n++;
out:
    return status;
}

kt_status kt_load_schedule(kt_load_request **requests, size_t *n, const kt_load_options *options,
                           kt_error *err)
{
    kt_status status = KT_OK;
    const kt_load_options *o = options;
    list l = {.n = 0};
    process p = begin(o);
    double end = o->warmup_s + o->seconds; /* of the measured part */
    *requests = NULL;
    for (; p.at < o->warmup_s; advance(&p))
        KT_TRY(add(&l, &p, KT_LOAD_WARMUP, err));
    for (size_t first = l.n; o->requests > 0 ? l.n - first < (size_t)o->requests : p.at < end; advance(&p)) {
        KT_TRY(add(&l, &p, KT_LOAD_MEASURED, err));
        if (o->requests > 0)
            end = p.at;
    }
    for (; p.at < end + o->cooldown_s; advance(&p))
        KT_TRY(add(&l, &p, KT_LOAD_COOLDOWN, err));
    *requests = l.request;
    *n = l.n;
    l.request = NULL;
out:
    free(l.request);
    return status;
}
