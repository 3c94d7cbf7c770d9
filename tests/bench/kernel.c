/* kt-bench-kernel: samples a second of whole training steps (gather, forward, backward, sum over blocks,
 * clip, AdamW) on one core, on rows made up here. One line for each shape, for machines:
 *
 *   kt ISA FAMILY WIDTHS COMPONENTS BATCH MEDIAN BEST
 *
 * Options choose one shape; without any, a table of shapes is measured. */
#include "kt/kernel.h"
#include "kt/rng.h"
#include "kt/tree.h"
#include <getopt.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROWS = 20000, ROUNDS = 11 };

typedef struct {
    kt_net net;
    kt_isa isa;
    int batch;
    double seconds; /* of one round */
} shape;

typedef struct {
    kt_kernel *kernel;
    kt_tree tree;
    float *params, *m, *v, *state, *records;
    uint32_t *index; /* [steps, batch] */
    int steps;
    kt_adam adam;
} job;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

typedef struct {
    size_t n;
    kt_isa isa;
} vectors;

static void add_vectors(void *a, const void *b, void *context)
{
    const vectors *v = context;
    kt_kernel_add(a, b, v->n, v->isa);
}

/* Two features; two bumps of log y that move with them. */
static void make_rows(float *records, size_t record, const kt_net *net, kt_rng *rng)
{
    for (int i = 0; i < ROWS; i++, records += record) {
        double t = kt_rng_below(rng, 2) ? 0.5 : -0.5;
        for (int j = 0; j < net->inputs; j++)
            records[j] = (float)kt_rng_normal(rng);
        t += 0.4 * (double)records[0] - 0.3 * (double)records[net->inputs - 1] + 0.3 * kt_rng_normal(rng);
        records[net->inputs] = (float)t;
    }
}

/* Kernels of variance 1 / fan-in, components spread over the targets. */
static void make_start(float *params, const kt_net *net, kt_rng *rng)
{
    for (int l = 0; l < net->layers; l++) {
        kt_net_view view = kt_net_hidden(net, l);
        for (int i = 0; i < view.in * view.out; i++)
            params[view.kernel + (size_t)i] = (float)(kt_rng_normal(rng) / sqrt(view.in));
        for (int o = 0; net->batch_norm && o < view.out; o++)
            params[view.gamma + (size_t)o] = 1;
    }
    for (int h = 0; h < 3; h++) {
        kt_net_view view = kt_net_head(net, h);
        for (int i = 0; i < view.in * view.out; i++)
            params[view.kernel + (size_t)i] = (float)(0.1 * kt_rng_normal(rng));
        for (int k = 0; k < view.out; k++)
            params[view.bias + (size_t)k] = (float)(h == 1 ? 0.7 : h == 2 ? (k + 0.5) / view.out - 0.5 : 0);
    }
}

static kt_status prepare(job *j, const shape *s, vectors *v, kt_error *err)
{
    kt_status status = KT_OK;
    float *canonical = NULL;
    kt_rng rng;
    kt_rng_init(&rng, 1, kt_rng_subject("bench"), KT_RNG_SAMPLE, 0, 0);
    KT_TRY(kt_kernel_create(&j->kernel, &s->net, s->isa, (size_t)s->batch, err));
    size_t size = kt_kernel_size(j->kernel), record = kt_kernel_record(s->net.inputs);
    *v = (vectors){kt_kernel_gradient(j->kernel), s->isa};
    KT_TRY(kt_tree_init(&j->tree, v->n * sizeof(float), add_vectors, v, err));
    KT_TRY(kt_alloc(&canonical, kt_net_params(&s->net), sizeof *canonical, err));
    KT_TRY(kt_alloc(&j->params, size, sizeof *j->params, err));
    KT_TRY(kt_alloc(&j->m, size, sizeof *j->m, err));
    KT_TRY(kt_alloc(&j->v, size, sizeof *j->v, err));
    KT_TRY(kt_alloc(&j->state, kt_net_state(&s->net), sizeof *j->state, err));
    KT_TRY(kt_alloc(&j->records, ROWS * record, sizeof *j->records, err));
    j->steps = 400000 / s->batch + 1;
    KT_TRY(kt_alloc(&j->index, (size_t)j->steps * (size_t)s->batch, sizeof *j->index, err));
    make_rows(j->records, record, &s->net, &rng);
    make_start(canonical, &s->net, &rng);
    kt_kernel_pack(j->params, j->kernel, canonical);
    for (size_t i = 0; i < (size_t)j->steps * (size_t)s->batch; i++)
        j->index[i] = kt_rng_below(&rng, ROWS);
    j->adam = (kt_adam){1e-3f, 0.1f, 1, 0.9f, 0.999f, 1e-7f, 1, 1};
out:
    free(canonical);
    return status;
}

static void release(job *j)
{
    kt_kernel_destroy(j->kernel);
    kt_tree_clear(&j->tree);
    free(j->params);
    free(j->m);
    free(j->v);
    free(j->state);
    free(j->records);
    free(j->index);
}

static void step(job *j, const shape *s, int i)
{
    const uint32_t *index = j->index + (ptrdiff_t)i * s->batch;
    const float share = 1.f / (float)s->batch;
    kt_tree_restart(&j->tree);
    if (s->net.batch_norm) {
        kt_kernel_batch(kt_tree_next(&j->tree), j->state, j->kernel, j->params, j->records, index, s->batch,
                        share, 0);
        kt_tree_push(&j->tree, (kt_tree_node){0, 0});
    } else {
        for (int b = 0; b * KT_BLOCK < s->batch; b++) {
            int rows = s->batch - b * KT_BLOCK < KT_BLOCK ? s->batch - b * KT_BLOCK : KT_BLOCK;
            kt_kernel_block(kt_tree_next(&j->tree), j->kernel, j->params, j->records, index + b * KT_BLOCK,
                            rows, share, 0);
            kt_tree_push(&j->tree, (kt_tree_node){0, b});
        }
    }
    kt_kernel_adam(j->kernel, j->params, j->m, j->v, kt_tree_root(&j->tree), &j->adam, 0);
}

static kt_status measure(const shape *s, kt_error *err)
{
    kt_status status = KT_OK;
    job j = {0};
    vectors v;
    double rate[ROUNDS];
    KT_TRY(prepare(&j, s, &v, err));
    for (int round = -1; round < ROUNDS; round++) { /* the first warms up */
        long steps = 0;
        double start = now(), seconds;
        do {
            for (int i = 0; i < 50; i++)
                step(&j, s, (int)(steps++ % j.steps));
            seconds = now() - start;
        } while (seconds < s->seconds);
        if (round >= 0)
            rate[round] = (double)steps * s->batch / seconds;
    }
    qsort(rate, ROUNDS, sizeof *rate, ascending);
    printf("kt %s %s ", kt_isa_name(s->isa), kt_family_table[s->net.family].name);
    for (int l = 0; l < s->net.layers; l++)
        printf("%s%d", l ? "," : "", s->net.width[l]);
    printf(" %d %d %.0f %.0f\n", s->net.components, s->batch, rate[ROUNDS / 2], rate[ROUNDS - 1]);
    fflush(stdout);
out:
    release(&j);
    return status;
}

static int choose(const char *text, const char *const *names, int n, const char *what)
{
    for (int i = 0; i < n; i++)
        if (strcmp(text, names[i]) == 0)
            return i;
    fprintf(stderr, "kt-bench-kernel: no %s '%s'\n", what, text);
    exit(2);
}

static void parse(shape *s, int argc, char **argv)
{
    static const struct option options[] = {
        {"hidden", 1, 0, 'h'},
        {"components", 1, 0, 'k'},
        {"batch", 1, 0, 'b'},
        {"family", 1, 0, 'f'},
        {"isa", 1, 0, 'i'},
        {"batch-norm", 0, 0, 'n'},
        {"activation", 1, 0, 'a'},
        {"head", 1, 0, 'e'},
        {"seconds", 1, 0, 's'},
        {"inputs", 1, 0, 'd'},
        {0},
    };
    const char *heads[] = {"exp", "softplus"}, *isas[] = {"auto", "generic", "v3", "v4"},
               *families[KT_FAMILIES];
    for (int i = 0; i < KT_FAMILIES; i++)
        families[i] = kt_family_table[i].name;
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (c) {
        case 'h':
            s->net.layers = 0;
            for (char *w = strtok(optarg, ","); w && s->net.layers < KT_NET_MAX_LAYERS; w = strtok(NULL, ","))
                s->net.width[s->net.layers++] = atoi(w);
            break;
        case 'k':
            s->net.components = atoi(optarg);
            break;
        case 'b':
            s->batch = atoi(optarg);
            break;
        case 'd':
            s->net.inputs = atoi(optarg);
            break;
        case 'f':
            s->net.family = (kt_family)choose(optarg, families, KT_FAMILIES, "family");
            break;
        case 'i':
            s->isa = (kt_isa)choose(optarg, isas, 4, "instruction set");
            break;
        case 'n':
            s->net.batch_norm = true;
            break;
        case 'a':
            s->net.activation =
                (kt_activation)choose(optarg, kt_activation_name, KT_ACTIVATIONS, "activation");
            break;
        case 'e':
            s->net.head = (kt_head)choose(optarg, heads, 2, "head");
            break;
        case 's':
            s->seconds = atof(optarg);
            break;
        default:
            exit(2);
        }
    }
    if (s->batch < 1 || optind < argc) {
        fprintf(stderr,
                "usage: kt-bench-kernel [--hidden 16,16] [--components 8] [--batch 128] [--family weibull]"
                " [--isa v3] [--batch-norm] [--activation tanh] [--head exp] [--inputs 2] [--seconds 0.1]\n");
        exit(2);
    }
}

/* The seed's recipe, then the default net and a wider one over batches and families. */
static kt_status table(shape s, kt_error *err)
{
    kt_status status = KT_OK;
    shape seed = s;
    seed.net = (kt_net){2, 2, 4, {10, 10}, KT_LEAKY_RELU, KT_HEAD_SOFTPLUS, KT_WEIBULL, true};
    seed.batch = 64;
    KT_TRY(measure(&seed, err));
    for (int width = 16; width <= 32; width *= 2)
        for (s.batch = 32; s.batch <= 4096; s.batch *= 2)
            for (int family = 0; family < KT_FAMILIES; family++) {
                s.net.width[0] = s.net.width[1] = width;
                s.net.family = (kt_family)family;
                KT_TRY(measure(&s, err));
            }
out:
    return status;
}

int main(int argc, char **argv)
{
    kt_error err = {0};
    shape s = {
        .net = {2, 2, 8, {16, 16}, KT_TANH, KT_HEAD_EXP, KT_WEIBULL, false}, .batch = 128, .seconds = 0.1};
    kt_status status = KT_OK;
    parse(&s, argc, argv);
    kt_kernel_float_mode();
    KT_TRY(kt_isa_resolve(&s.isa, s.isa, &err));
    KT_TRY(argc > 1 ? measure(&s, &err) : table(s, &err));
out:
    if (status != KT_OK)
        fprintf(stderr, "kt-bench-kernel: %s\n", err.message);
    return status == KT_OK ? 0 : 1;
}
