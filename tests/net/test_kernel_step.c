/* The optimiser's step against its formula in double, NaNs, the padded layout, what is refused. */
#include "kernel_case.h"
#ifdef __x86_64__
#include <xmmintrin.h>
#endif

static const kt_isa sets[] = {KT_ISA_GENERIC, KT_ISA_V3, KT_ISA_V4};

/* A NaN in a row, in the parameters of any layer or in BatchNormalization shows in the loss; the step with it
 * changes nothing, nor does the batch move the state. */
static void a_nan_is_seen_and_harmless(void **unused)
{
    (void)unused;
    for (int family = 0; family < KT_FAMILIES; family++)
        for (int head = 0; head < 2; head++)
            for (int place = 0; place < 8; place++) {
                kt_net net = {2, 2, 8, {16, 16}, KT_LEAKY_RELU, (kt_head)head, (kt_family)family, place >= 6};
                kernel_case c = case_create(net, 64, 6);
                kt_kernel *kernel = NULL;
                float *const broken[] = {
                    &c.records[5 * c.record + 2],          &c.records[9 * c.record],
                    &c.p[kt_net_head(&net, 0).bias + 3],   &c.p[kt_net_head(&net, 1).bias],
                    &c.p[kt_net_head(&net, 2).kernel + 5], &c.p[kt_net_hidden(&net, 1).kernel + 17],
                    &c.p[kt_net_hidden(&net, 0).gamma],    &c.p[kt_net_hidden(&net, 1).bias + 3]};
                *broken[place] = NAN;
                assert_int_equal(kt_kernel_create(&kernel, &net, best(), 64, NULL), KT_OK);
                size_t size = kt_kernel_size(kernel), bytes = size * sizeof(float);
                float *p = zeroed(size, 4), *old = zeroed(size, 4), *m = zeroed(size, 4),
                      *v = zeroed(size, 4);
                float *g = zeroed(size + 16, 4), *state = zeroed(c.state, 4);
                kt_adam adam = {1e-2f, 0.1f, 1, 0.9f, 0.999f, 1e-7f, 1, 1}, before = adam;
                memcpy(state, c.s, c.state * sizeof *state);
                kt_kernel_pack(p, kernel, c.p);
                memcpy(old, p, bytes);
                if (net.batch_norm)
                    kt_kernel_batch(g, state, kernel, p, c.records, NULL, 64, 1.f / 64, 0);
                else
                    kt_kernel_block(g, kernel, p, c.records, NULL, 64, 1.f / 64, 0);
                assert_true(isnan(g[size]));
                assert_true(isnan(kt_kernel_adam(kernel, p, m, v, g, &adam, 0)));
                assert_memory_equal(p, old, bytes);
                assert_memory_equal(state, c.s, c.state * sizeof *state);
                assert_memory_equal(&adam, &before, sizeof adam);
                for (size_t i = 0; i < size; i++)
                    assert_true(m[i] == 0 && v[i] == 0);
                kt_kernel_destroy(kernel);
                free(p);
                free(old);
                free(m);
                free(v);
                free(g);
                free(state);
                case_destroy(&c);
            }
}

/* AdamW in double, as published, on one parameter at a time. */
static void adam_follows_the_formula(void **unused)
{
    (void)unused;
    kt_net net = {3, 2, 4, {10, 7}, KT_TANH, KT_HEAD_EXP, KT_WEIBULL, true};
    const uint32_t frozen = 2; /* the second input */
    for (size_t s = 0; s < sizeof sets / sizeof *sets; s++) {
        kt_kernel *kernel = NULL;
        if (!runs(sets[s]))
            continue;
        kernel_case c = case_create(net, 64, 8);
        for (int o = 0; o < 10; o++)
            c.p[10 + o] = 0;
        assert_int_equal(kt_kernel_create(&kernel, &net, sets[s], 64, NULL), KT_OK);
        size_t size = kt_kernel_size(kernel), n = c.params;
        float *p = zeroed(size, 4), *m = zeroed(size, 4), *v = zeroed(size, 4), *g = zeroed(size + 16, 4);
        float *now = zeroed(n, 4), *slope = zeroed(n, 4);
        double *pd = zeroed(n, 8), *md = zeroed(n, 8), *vd = zeroed(n, 8);
        bool *decays = zeroed(n, sizeof *decays);
        kt_adam adam = {2e-3f, 0.1f, 0.05f, 0.9f, 0.999f, 1e-7f, 1, 1};
        for (int t = 0; t < 5; t++) {
            kt_net_view view = t < 2 ? kt_net_hidden(&net, t) : kt_net_head(&net, t - 2);
            for (int i = 0; i < view.in * view.out; i++)
                decays[view.kernel + (size_t)i] = true;
        }
        for (size_t i = 0; i < n; i++)
            pd[i] = (double)c.p[i];
        kt_kernel_pack(p, kernel, c.p);
        for (int step = 1; step <= 20; step++) {
            double norm = 0, b1 = (double)adam.beta1, b2 = (double)adam.beta2,
                   clip = step > 10 ? 0 : (double)0.05f;
            adam.clip = (float)clip; /* the last ten steps: none */
            kt_kernel_batch(g, c.s, kernel, p, c.records, NULL, 64, 1.f / 64, 0);
            kt_kernel_unpack(slope, kernel, g);
            for (size_t i = 0; i < n; i++)
                if (i < 10 || i >= 20) /* row 1 of the first kernel [3, 10] */
                    norm += (double)slope[i] * (double)slope[i];
            norm = sqrt(norm);
            assert_true(clip == 0 || norm > clip);
            assert_true(fabs(kt_kernel_adam(kernel, p, m, v, g, &adam, frozen) - norm) <= 1e-12 * norm);
            kt_kernel_unpack(now, kernel, p);
            for (size_t i = 0; i < n; i++) {
                double q = i >= 10 && i < 20 ? 0 : (double)slope[i] * (clip > 0 ? clip / norm : 1);
                double rate = (double)adam.rate;
                md[i] = b1 * md[i] + (1 - b1) * q;
                vd[i] = b2 * vd[i] + (1 - b2) * q * q;
                pd[i] -= rate * (decays[i] ? (double)adam.decay : 0) * pd[i];
                pd[i] -= rate * (md[i] / (1 - pow(b1, step))) /
                         (sqrt(vd[i] / (1 - pow(b2, step))) + (double)adam.epsilon);
                /* a step is at most about the rate; rounding of p and of the step */
                assert_true(fabs((double)now[i] - pd[i]) < 1e-6 * fabs(pd[i]) + 2e-5 * rate * step);
            }
            for (int o = 0; o < 10; o++)
                assert_true(now[10 + o] == 0);
        }
        assert_true(fabs(adam.beta1_power - pow((double)0.9f, 20)) < 1e-12);
        kt_kernel_destroy(kernel);
        free(p);
        free(m);
        free(v);
        free(g);
        free(now);
        free(slope);
        free(pd);
        free(md);
        free(vd);
        free(decays);
        case_destroy(&c);
    }
}

static void packing_moves_every_number_once(void **unused)
{
    (void)unused;
    static const kt_net nets[] = {
        {.inputs = 1, .layers = 1, .components = 1, .width = {5}},
        {.inputs = 3, .layers = 3, .components = 3, .width = {5, 17, 33}},
        {.inputs = 15, .layers = 1, .components = 16, .width = {32}},
        {.inputs = 7, .layers = 4, .components = 64, .width = {48, 1, 16, 512}},
    };
    for (size_t i = 0; i < sizeof nets / sizeof *nets; i++)
        for (int norm = 0; norm < 2; norm++) {
            kt_net net = nets[i];
            kt_kernel *kernel = NULL;
            net.batch_norm = norm;
            assert_int_equal(kt_kernel_create(&kernel, &net, KT_ISA_GENERIC, 64, NULL), KT_OK);
            size_t n = kt_net_params(&net), size = kt_kernel_size(kernel), filled = 0;
            float *canonical = zeroed(n, 4), *back = zeroed(n, 4), *padded = zeroed(size, 4);
            for (size_t j = 0; j < n; j++)
                canonical[j] = (float)(j + 1);
            memset(padded, 0x7f, size * sizeof *padded);
            kt_kernel_pack(padded, kernel, canonical);
            kt_kernel_unpack(back, kernel, padded);
            assert_memory_equal(back, canonical, n * sizeof *back);
            for (size_t j = 0; j < size; j++)
                filled += padded[j] != 0;
            assert_int_equal(filled, n);
            assert_int_equal(size % 16, 0);
            assert_int_equal(kt_kernel_gradient(kernel), size + 16);
            kt_kernel_destroy(kernel);
            free(canonical);
            free(back);
            free(padded);
        }
    assert_int_equal(kt_kernel_record(1), 4);
    assert_int_equal(kt_kernel_record(3), 4);
    assert_int_equal(kt_kernel_record(4), 8);
    assert_int_equal(kt_kernel_record(15), 16);
}

static void what_cannot_be_is_refused(void **unused)
{
    (void)unused;
    kt_net net = {2, 2, 8, {16, 16}, KT_TANH, KT_HEAD_EXP, KT_WEIBULL, false};
    kt_kernel *kernel = (kt_kernel *)1;
    kt_error err = {0};
    kt_isa isa;
    net.width[1] = 513;
    assert_int_equal(kt_kernel_create(&kernel, &net, KT_ISA_GENERIC, 0, &err), KT_USAGE);
    assert_null(kernel);
    assert_non_null(strstr(err.message, "513"));
    net.width[1] = 16;
    net.batch_norm = true;
    kt_error_clear(&err);
    assert_int_equal(kt_kernel_create(&kernel, &net, KT_ISA_GENERIC, 0, &err), KT_USAGE);
    assert_non_null(strstr(err.message, "BatchNormalization"));
    kt_kernel_destroy(NULL);
    assert_int_equal(kt_isa_resolve(&isa, KT_ISA_GENERIC, NULL), KT_OK);
    assert_int_equal(isa, KT_ISA_GENERIC);
    assert_string_equal(kt_isa_name(KT_ISA_V4), "v4");
    kt_error_clear(&err);
    if (kt_isa_resolve(&isa, KT_ISA_AUTO, &err) == KT_OK) {
        assert_int_not_equal(isa, KT_ISA_AUTO);
        assert_true(runs(isa));
    } else {
        assert_non_null(strstr(err.message, "KT_ISA=generic"));
    }
    kt_error_clear(&err);
    if (!runs(KT_ISA_V4)) {
        assert_int_equal(kt_isa_resolve(&isa, KT_ISA_V4, &err), KT_UNSUPPORTED);
        assert_non_null(strstr(err.message, "v4"));
    }
}

static void float_mode_is_the_standard_one(void **unused)
{
    (void)unused;
#ifdef __x86_64__
    unsigned before = _mm_getcsr();
    _mm_setcsr(before | 0xE040u); /* flush to zero, round towards zero, denormals are zero */
    kt_kernel_float_mode();
    volatile float tiny = 1e-38f, half = 0.5f, one = 1, small = 0.9e-7f;
    assert_true(tiny * half > 0);
    assert_true(one + small > 1);                               /* nearest: up to 1 + 2^-23 */
    assert_int_equal(_mm_getcsr() & 0x1f80u, before & 0x1f80u); /* masks of exceptions stay */
    _mm_setcsr(before);
#else
    skip();
#endif
}

#ifdef __x86_64__
/* Emulators take the mode and do nothing about it: valgrind does. */
static bool flushing_works(void)
{
    unsigned before = _mm_getcsr();
    _mm_setcsr(before | 0x8040u);
    volatile float tiny = 1e-38f, half = 0.5f, product = tiny * half;
    _mm_setcsr(before);
    return product == 0;
}
#endif

/* A share so small that parts of the gradient are below what normal numbers hold. The bits are those of every
 * instruction set, whatever mode the caller is in, who gets it back. */
static void denormals_are_zero(void **unused)
{
    (void)unused;
#ifdef __x86_64__
    if (!flushing_works()) {
        print_message("nothing makes denormals zero on this machine: not tested\n");
        skip();
    }
    kt_net net = {2, 2, 8, {16, 16}, KT_TANH, KT_HEAD_EXP, KT_WEIBULL, false};
    kernel_case c = case_create(net, 64, 8);
    unsigned before = _mm_getcsr();
    float *first = NULL;
    size_t bytes = 0;
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
        for (unsigned mode = 0; runs(sets[i]) && mode < 4; mode++) {
            kt_kernel *kernel = NULL;
            assert_int_equal(kt_kernel_create(&kernel, &net, sets[i], 64, NULL), KT_OK);
            size_t size = kt_kernel_size(kernel), n = kt_kernel_gradient(kernel);
            float *p = zeroed(size, 4), *g = zeroed(n, 4);
            kt_kernel_pack(p, kernel, c.p);
            unsigned set =
                before | (mode & 1 ? 0x8040u : 0) | (mode & 2 ? 0x6000u : 0); /* flushing; rounding */
            _mm_setcsr(set);
            kt_kernel_block(g, kernel, p, c.records, NULL, 64, 1e-37f, 0);
            unsigned after = _mm_getcsr();
            _mm_setcsr(before);
            assert_int_equal(after, set);
            size_t normal = 0;
            for (size_t j = 0; j < n; j++) {
                assert_int_not_equal(fpclassify(g[j]), FP_SUBNORMAL);
                normal += g[j] != 0;
            }
            assert_true(normal > n / 10);
            if (first)
                assert_memory_equal(g, first, bytes);
            kt_kernel_destroy(kernel);
            free(p);
            if (first)
                free(g);
            else
                first = g;
            bytes = n * sizeof *g;
        }
    free(first);
    case_destroy(&c);
#else
    skip();
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_nan_is_seen_and_harmless),      cmocka_unit_test(adam_follows_the_formula),
        cmocka_unit_test(packing_moves_every_number_once), cmocka_unit_test(what_cannot_be_is_refused),
        cmocka_unit_test(float_mode_is_the_standard_one),  cmocka_unit_test(denormals_are_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
