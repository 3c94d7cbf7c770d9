/* The kernel's plain part: layout, scratch, and the choice of the instruction set. The arithmetic is
 * kernel_isa.c. */
#include "kernel_types.h"
#include <assert.h>
#include <fenv.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#ifdef __x86_64__
#include <xmmintrin.h>
#endif

/* ---- instruction sets ---- */

static const struct {
    const char *name;
    const kernel_ops *ops;
} isa_table[] = {
    [KT_ISA_AUTO] = {"auto", NULL},
    [KT_ISA_GENERIC] = {"generic", &kt_kernel_ops_generic},
#ifdef __x86_64__
    [KT_ISA_V3] = {"v3", &kt_kernel_ops_v3},
    [KT_ISA_V4] = {"v4", &kt_kernel_ops_v4},
#else
    [KT_ISA_V3] = {"v3", NULL},
    [KT_ISA_V4] = {"v4", NULL},
#endif
};

static bool runs_here(kt_isa isa)
{
    if (isa == KT_ISA_GENERIC)
        return true;
#ifdef __x86_64__
    __builtin_cpu_init();
    bool v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
              __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
    bool v4 = v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
              __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw") &&
              __builtin_cpu_supports("avx512cd");
    return isa == KT_ISA_V4 ? v4 : v3;
#else
    return false;
#endif
}

kt_status kt_isa_resolve(kt_isa *out, kt_isa asked, kt_error *err)
{
    *out = asked;
#ifdef __x86_64__
    if (asked == KT_ISA_AUTO)
        *out = runs_here(KT_ISA_V4) ? KT_ISA_V4 : KT_ISA_V3;
    if (!runs_here(*out))
        return kt_fail(err, KT_UNSUPPORTED,
                       *out == KT_ISA_V4
                           ? "this CPU has no AVX-512, which KT_ISA=v4 needs: use KT_ISA=v3 or auto"
                           : "this CPU has no AVX2 and FMA (x86-64-v3), which the training kernel "
                             "needs; KT_ISA=generic gives the same results, slowly");
#else
    if (asked == KT_ISA_AUTO)
        *out = KT_ISA_GENERIC;
    if (!runs_here(*out))
        return kt_fail(err, KT_UNSUPPORTED, "KT_ISA=%s is for x86-64 only: use KT_ISA=generic or auto",
                       kt_isa_name(asked));
#endif
    return KT_OK;
}

const char *kt_isa_name(kt_isa isa)
{
    return isa_table[isa].name;
}

#ifdef __x86_64__
enum { FLUSH_TO_ZERO = 0x8000, ROUNDING = 0x6000, DENORMALS_ARE_ZERO = 0x0040 };
#endif

void kt_kernel_float_mode(void)
{
#ifdef __x86_64__
    _mm_setcsr(_mm_getcsr() & ~(unsigned)(FLUSH_TO_ZERO | ROUNDING | DENORMALS_ARE_ZERO));
#else
    fesetenv(FE_DFL_ENV);
#endif
}

/* The arithmetic's own mode, whatever the caller's: rounding to nearest, and denormals are zero. Far
 * components bring many, and where one of them costs a hundred cycles (Intel) a step took up to seven times
 * as long. */
static unsigned begin(void)
{
#ifdef __x86_64__
    unsigned callers = _mm_getcsr();
    _mm_setcsr((callers & ~(unsigned)ROUNDING) | FLUSH_TO_ZERO | DENORMALS_ARE_ZERO);
    return callers;
#else
    return 0;
#endif
}

static void end(unsigned callers)
{
#ifdef __x86_64__
    _mm_setcsr(callers);
#else
    (void)callers;
#endif
}

/* ---- layout ---- */

static void add_span(kt_kernel *k, int first, int last, bool decay, int input)
{
    assert(k->spans < KERNEL_SPANS);
    if (first < last)
        k->span[k->spans++] = (kernel_span){first, last, input, decay};
}

static void lay_out_hidden(kt_kernel *k, int l)
{
    const kt_net *net = &k->net;
    kernel_layer *y = &k->layer[l];
    y->in = l == 0 ? net->inputs : net->width[l - 1];
    y->out = net->width[l];
    y->cols = round_up(y->out, 16);
    y->kernel = k->size;
    if (l == 0) { /* each row is its own span, as it may be frozen; the bias is one of the rows */
        for (int i = 0; i < y->in; i++)
            add_span(k, y->kernel + i * y->cols, y->kernel + (i + 1) * y->cols, true, i);
        y->bias = y->kernel + y->in * y->cols;
        k->size = y->kernel + k->record * y->cols;
    } else {
        y->bias = y->kernel + round_up(y->in, 4) * y->cols;
        add_span(k, y->kernel, y->bias, true, -1);
        k->size = y->bias + y->cols;
    }
    y->segment = k->size - y->kernel;
    if (net->batch_norm) {
        y->gamma = k->size;
        y->beta = y->gamma + y->cols;
        k->size = y->beta + y->cols;
    }
    add_span(k, y->bias, k->size, false, -1);
}

static void lay_out(kt_kernel *k)
{
    const kt_net *net = &k->net;
    k->record = (int)kt_kernel_record(net->inputs);
    for (int l = 0; l < net->layers; l++)
        lay_out_hidden(k, l);
    int cols = k->layer[net->layers - 1].cols;
    k->head_rows = round_up(3 * net->components, 4);
    k->head_stride = round_up(3 * net->components, 16) * KT_BLOCK;
    k->head_kernel = k->size;
    k->head_bias = k->head_kernel + k->head_rows * cols;
    k->size = k->head_bias + round_up(k->head_rows, 16);
    add_span(k, k->head_kernel, k->head_bias, true, -1);
    add_span(k, k->head_bias, k->size, false, -1);
}

size_t kt_kernel_record(int inputs)
{
    return (size_t)round_up(inputs + 1, 4);
}

size_t kt_kernel_size(const kt_kernel *kernel)
{
    return (size_t)kernel->size;
}

size_t kt_kernel_gradient(const kt_kernel *kernel)
{
    return (size_t)kernel->size + 16;
}

/* Calls `move` with where each number of the canonical vector lies in both. */
static void each_parameter(const kt_kernel *k, void (*move)(void *, size_t canonical, size_t padded),
                           void *context)
{
    for (int l = 0; l < k->net.layers; l++) {
        const kernel_layer *y = &k->layer[l];
        kt_net_view view = kt_net_hidden(&k->net, l);
        for (int o = 0; o < y->out; o++) {
            for (int i = 0; i < y->in; i++)
                move(context, view.kernel + (size_t)(i * y->out + o), (size_t)(y->kernel + i * y->cols + o));
            move(context, view.bias + (size_t)o, (size_t)(y->bias + o));
            if (k->net.batch_norm) {
                move(context, view.gamma + (size_t)o, (size_t)(y->gamma + o));
                move(context, view.beta + (size_t)o, (size_t)(y->beta + o));
            }
        }
    }
    int K = k->net.components, cols = k->layer[k->net.layers - 1].cols;
    for (int h = 0; h < 3; h++) {
        kt_net_view view = kt_net_head(&k->net, h);
        for (int j = 0; j < K; j++) {
            for (int i = 0; i < view.in; i++)
                move(context, view.kernel + (size_t)(i * K + j),
                     (size_t)(k->head_kernel + (h * K + j) * cols + i));
            move(context, view.bias + (size_t)j, (size_t)(k->head_bias + h * K + j));
        }
    }
}

typedef struct {
    float *to;
    const float *from;
} copy;

static void move_in(void *context, size_t canonical, size_t padded)
{
    copy *c = context;
    c->to[padded] = c->from[canonical];
}

static void move_out(void *context, size_t canonical, size_t padded)
{
    copy *c = context;
    c->to[canonical] = c->from[padded];
}

void kt_kernel_pack(float *padded, const kt_kernel *kernel, const float *canonical)
{
    memset(padded, 0, kt_kernel_size(kernel) * sizeof *padded);
    each_parameter(kernel, move_in, &(copy){padded, canonical});
}

void kt_kernel_unpack(float *canonical, const kt_kernel *kernel, const float *padded)
{
    each_parameter(kernel, move_out, &(copy){canonical, padded});
}

/* ---- scratch ---- */

/* Takes n floats of the scratch; without memory yet, counts only. */
static float *take(const kt_kernel *k, size_t *used, size_t n)
{
    float *at = k->memory ? k->memory + *used : NULL;
    *used += (n + 15) / 16 * 16;
    return at;
}

static size_t place(kt_kernel *k)
{
    const bool norm = k->net.batch_norm;
    size_t used = 0, blocks = (size_t)k->blocks, rows = blocks * KT_BLOCK;
    int widest = k->head_stride / KT_BLOCK, levels = 0;
    while (1 << levels < k->blocks)
        levels++;
    for (int l = 0; l < k->net.layers; l++) {
        kernel_layer *y = &k->layer[l];
        size_t cols = (size_t)y->cols;
        y->output = take(k, &used, rows * cols);
        y->normal = take(k, &used, norm ? rows * cols : 0);
        y->mean = take(k, &used, norm ? cols : 0);
        y->variance = take(k, &used, norm ? cols : 0);
        widest = y->cols > widest ? y->cols : widest;
        k->longest = y->segment > k->longest ? y->segment : k->longest;
    }
    int heads = k->size + 16 - k->head_kernel;
    k->longest = heads > k->longest ? heads : k->longest;
    k->x = take(k, &used, rows * (size_t)k->record);
    k->t = take(k, &used, rows);
    k->weight = take(k, &used, rows);
    k->valid = take(k, &used, rows);
    k->z = take(k, &used, blocks * (size_t)k->head_stride);
    k->loss = take(k, &used, blocks);
    k->flipped = take(k, &used, (size_t)(KT_BLOCK * widest));
    k->mix = take(k, &used, (size_t)(5 * k->net.components * KT_BLOCK));
    k->sums = take(k, &used, (size_t)levels * (size_t)k->longest);
    return used;
}

kt_status kt_kernel_create(kt_kernel **kernel, const kt_net *net, kt_isa isa, size_t max_rows, kt_error *err)
{
    enum { MAX_BATCH = 1 << 24 };
    kt_status status = KT_OK;
    kt_kernel *k = NULL;
    kt_isa resolved;
    *kernel = NULL;
    KT_TRY(kt_net_check(net, err));
    KT_TRY(kt_isa_resolve(&resolved, isa, err));
    if (net->batch_norm && (max_rows < 1 || max_rows > MAX_BATCH)) {
        status = kt_fail(err, KT_USAGE, "a batch of %zu rows: BatchNormalization takes 1 to %d", max_rows,
                         MAX_BATCH);
        goto out;
    }
    KT_TRY(kt_alloc(&k, 1, sizeof *k, err));
    k->net = *net;
    k->ops = isa_table[resolved].ops;
    k->blocks = net->batch_norm ? (int)((max_rows + KT_BLOCK - 1) / KT_BLOCK) : 1;
    kt_net_bounds bounds = kt_net_head_bounds(net->family);
    k->low = (float)bounds.low;
    k->high = (float)bounds.high;
    lay_out(k);
    KT_TRY(kt_alloc(&k->memory, place(k), sizeof *k->memory, err));
    place(k);
    for (int b = 0; b < k->blocks; b++) /* the input of the first layer's bias */
        for (int n = 0; n < KT_BLOCK; n++)
            k->x[((ptrdiff_t)b * k->record + net->inputs) * KT_BLOCK + n] = 1;
    *kernel = k;
    k = NULL;
out:
    kt_kernel_destroy(k);
    return status;
}

void kt_kernel_destroy(kt_kernel *kernel)
{
    if (kernel)
        free(kernel->memory);
    free(kernel);
}

/* ---- to the arithmetic ---- */

void kt_kernel_block(float *gradient, kt_kernel *kernel, const float *params, const float *records,
                     const uint32_t *index, int n, float share, float penalty)
{
    assert(!kernel->net.batch_norm && n >= 1 && n <= KT_BLOCK);
    unsigned mode = begin();
    kernel->ops->gradient(gradient, NULL, kernel, params, records, index, n, share, penalty);
    end(mode);
}

void kt_kernel_batch(float *gradient, float *state, kt_kernel *kernel, const float *params,
                     const float *records, const uint32_t *index, int n, float share, float penalty)
{
    assert(kernel->net.batch_norm && n >= 1 && n <= kernel->blocks * KT_BLOCK);
    unsigned mode = begin();
    kernel->ops->gradient(gradient, state, kernel, params, records, index, n, share, penalty);
    end(mode);
}

void kt_kernel_add(float *a, const float *b, size_t n, kt_isa isa)
{
    assert(isa_table[isa].ops && n % 16 == 0);
    unsigned mode = begin();
    isa_table[isa].ops->add(a, b, n);
    end(mode);
}

double kt_kernel_adam(kt_kernel *kernel, float *params, float *m, float *v, const float *gradient,
                      kt_adam *adam, uint32_t frozen_inputs)
{
    assert(adam->epsilon > 0); /* else padding becomes 0 / 0 */
    unsigned mode = begin();
    double norm = kernel->ops->adam(kernel, params, m, v, gradient, adam, frozen_inputs);
    end(mode);
    return norm;
}

void kt_kernel_losses(float *losses, kt_kernel *kernel, const float *params, const float *records, size_t n)
{
    assert(!kernel->net.batch_norm);
    unsigned mode = begin();
    kernel->ops->losses(losses, kernel, params, records, n);
    end(mode);
}

void kt_kernel_heads(float *z, kt_kernel *kernel, const float *params, const float *records, size_t n)
{
    assert(!kernel->net.batch_norm);
    unsigned mode = begin();
    kernel->ops->heads(z, kernel, params, records, n);
    end(mode);
}

void kt_kernel_mixtures(float *out, kt_kernel *kernel, const float *params, const float *records, size_t n,
                        float s)
{
    assert(!kernel->net.batch_norm);
    float log_s = (float)log((double)s);
    unsigned mode = begin();
    kernel->ops->mixtures(out, kernel, params, records, n, s, log_s);
    end(mode);
}

void kt_kernel_range(float *low, float *high, kt_kernel *kernel, const float *params, const float *records,
                     size_t n)
{
    assert(!kernel->net.batch_norm && n >= 1);
    unsigned mode = begin();
    kernel->ops->range(low, high, kernel, params, records, n);
    end(mode);
}
