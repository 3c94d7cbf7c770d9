/* The training kernel in float: blocks of 64 rows, the same bits on every instruction set and for any split
 * of blocks over ranks. No libm, no BLAS, no reciprocal estimates; fused multiply-add where stated. On x86-64
 * denormals are zero inside, and the caller's floating-point mode neither counts nor changes. One kernel
 * serves one thread at a time.
 *
 * Parameters, moments and gradients are padded vectors of kt_kernel_size floats, aligned to 64 bytes, whose
 * padding is and stays zero; kt_kernel_pack and kt_kernel_unpack convert from and to the canonical layout of
 * kt/net.h. */
#ifndef KT_KERNEL_H
#define KT_KERNEL_H

#include "kt/error.h"
#include "kt/net.h"
#include <stddef.h>
#include <stdint.h>

enum { KT_BLOCK = 64 };

/* generic: portable C with the same bits, slow; v3: AVX2 and FMA; v4: AVX-512. */
typedef enum { KT_ISA_AUTO, KT_ISA_GENERIC, KT_ISA_V3, KT_ISA_V4 } kt_isa;
#define KT_ISA_CHOICES "auto|generic|v3|v4"

/* auto: the best this CPU has. KT_UNSUPPORTED when the CPU cannot run what was asked, or has no AVX2
 * (x86-64). */
kt_status kt_isa_resolve(kt_isa *out, kt_isa asked, kt_error *err);
const char *kt_isa_name(kt_isa isa);

typedef struct kt_kernel kt_kernel;

/* max_rows: the largest batch with BatchNormalization (its activations are kept), else ignored. */
kt_status kt_kernel_create(kt_kernel **kernel, const kt_net *net, kt_isa isa, size_t max_rows, kt_error *err);
void kt_kernel_destroy(kt_kernel *kernel);

size_t kt_kernel_size(const kt_kernel *kernel);     /* floats of a padded vector, a multiple of 16 */
size_t kt_kernel_gradient(const kt_kernel *kernel); /* size + 16: [size] = loss, the rest 0 */
void kt_kernel_pack(float *padded, const kt_kernel *kernel, const float *canonical);
void kt_kernel_unpack(float *canonical, const kt_kernel *kernel, const float *padded);

/* Rows: records of kt_kernel_record floats, 16-byte aligned: x [d] standardised, then t (log t for positive
 * families, t for normal), then zeros. */
size_t kt_kernel_record(int inputs);

/* gradient [kt_kernel_gradient] = sum over rows index[0..n), n <= 64 (index NULL: rows 0..n), of `share`
 * times the row's gradient; [size] the same sum of losses (negative log-likelihood of the density of y/s, in
 * nats, plus penalty). Not for networks with BatchNormalization. */
void kt_kernel_block(float *gradient, kt_kernel *kernel, const float *params, const float *records,
                     const uint32_t *index, int n, float share, float penalty);

/* With BatchNormalization: the whole batch of n rows. Statistics are summed block after block, gradients of
 * blocks by the tree of kt/tree.h; a bias before BatchNormalization has gradient 0. Moves state, unless the
 * loss is not finite. */
void kt_kernel_batch(float *gradient, float *state, kt_kernel *kernel, const float *params,
                     const float *records, const uint32_t *index, int n, float share, float penalty);

/* a += b over n floats, n a multiple of 16. */
void kt_kernel_add(float *a, const float *b, size_t n, kt_isa isa);

/* AdamW (Loshchilov and Hutter 2019) with clipping of the gradient's norm. Running products start at 1. */
typedef struct {
    float rate, decay, clip; /* decay per step = rate * decay, on kernels only; clip <= 0: none */
    float beta1, beta2, epsilon;
    double beta1_power, beta2_power;
} kt_adam;

/* One step on padded vectors. frozen_inputs: bit i set keeps row i of the first kernel (a constant column's)
 * at zero, its gradient out of the norm. Returns the gradient's norm before clipping; one that is not finite
 * changes nothing. */
double kt_kernel_adam(kt_kernel *kernel, float *params, float *m, float *v, const float *gradient,
                      kt_adam *adam, uint32_t frozen_inputs);

/* Evaluation of networks without BatchNormalization (kt_net_fold first). losses [n]: each row's negative
 * log-likelihood. z [n, 3K]: head outputs w, a, b. n of any size. */
void kt_kernel_losses(float *losses, kt_kernel *kernel, const float *params, const float *records, size_t n);
void kt_kernel_heads(float *z, kt_kernel *kernel, const float *params, const float *records, size_t n);

/* As heads, then turned into mixtures in seconds: out [n, 3, K] weight, concentration, scale
 * (kt_net_mixture). */
void kt_kernel_mixtures(float *out, kt_kernel *kernel, const float *params, const float *records, size_t n,
                        float s);

/* Largest and smallest log of the first parameter (z_a for exp heads) over n rows. */
void kt_kernel_range(float *low, float *high, kt_kernel *kernel, const float *params, const float *records,
                     size_t n);

/* Rounding to nearest, denormals kept, for what is computed around the kernel: a library linked with
 * -ffast-math may have changed it. Call when training starts. */
void kt_kernel_float_mode(void);

#endif
