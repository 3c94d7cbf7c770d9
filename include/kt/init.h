/* Start values of parameters, a function of the seed, the service and the training rows' quantiles.
 *
 * quantile (default recipe): hidden kernels normal with sd sqrt(1 / fan_in); head kernels Glorot uniform x
 * 0.1; head biases from quantiles of the target, so that component j begins on its K-th of the data. keras
 * (the original's): hidden kernels he_normal (truncated at 2 sd), head kernels Glorot uniform, biases 0,
 * gamma 1, beta 0. */
#ifndef KT_INIT_H
#define KT_INIT_H

#include "kt/error.h"
#include "kt/net.h"
#include <stdint.h>

typedef enum { KT_START_QUANTILE, KT_START_KERAS } kt_start;
#define KT_START_CHOICES "quantile|keras"

/* params [kt_net_params], state [kt_net_state] (mean 0, variance 1). t [n]: training targets as the kernel
 * sees them (log t for positive families), in any order. frozen_inputs: as in kt_kernel_adam, those rows
 * start at zero. */
kt_status kt_net_start(float *params, float *state, const kt_net *net, kt_start start, const float *t,
                       size_t n, uint64_t seed, uint64_t subject, uint32_t frozen_inputs, kt_error *err);

#endif
