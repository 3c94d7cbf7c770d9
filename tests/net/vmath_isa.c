#include "kt/vmath.h"
#include "vmath_table.h"

#define EACH(name, expression)                                                                               \
    static void each_##name(float *out, const float *in, size_t n)                                           \
    {                                                                                                        \
        for (size_t i = 0; i < n; i += VL) {                                                                 \
            vf other, x = vload(in + i), y = expression;                                                     \
            (void)other;                                                                                     \
            vstore(out + i, y);                                                                              \
        }                                                                                                    \
    }
EACH(exp, vexp(x))
EACH(log, vlog(x))
EACH(tanh, vtanh(x))
EACH(sigmoid, vsigmoid(x))
EACH(softplus, vsoftplus(x, &other))
EACH(expm1, vexpm1(x))
EACH(phi, (vexp_phi(x, &other), other))
EACH(gamma_s, vgamma(vexp(x), x, &other))
EACH(gamma_d, (vgamma(vexp(x), x, &other), other))
EACH(clamp, vmax(vset(-1.f), vmin(vset(1.f), x)))

static float sum(const float *x)
{
    vf lanes[NL];
    for (int i = 0; i < NL; i++)
        lanes[i] = vload(x + i * VL);
    return vsum_lanes(lanes);
}

static void transpose(float *out, const float *x)
{
    for (int i = 0; i < 16; i += VL)
        for (int j = 0; j < 16; j += VL)
            vtranspose(x + i * 16 + j, 16, out + j * 16 + i, 16);
}

static void columns(float *out, const float *x)
{
    vcolumns((float *[]){out, out + 4, out + 8, out + 12}, (const float *[]){x, x + 4, x + 8, x + 12});
}

static double squares(const float *x)
{
    enum { VD = VL / 2 };
    vd s = vdset(0);
    double out = 0;
    for (int i = 0; i < 16; i += VD) {
        vd a = vdload(x + i);
        s = vdfma(a, a, s);
    }
    for (int i = 0; i < VD; i++)
        out += s[i];
    return out;
}

#define NAME_(isa) vmath_##isa
#define NAME(isa)  NAME_(isa)
const vmath_table NAME(KT_KERNEL_ISA) = {each_exp,   each_log,  each_tanh,    each_sigmoid, each_softplus,
                                         each_expm1, each_phi,  each_gamma_s, each_gamma_d, each_clamp,
                                         sum,        transpose, columns,      squares};
