/* Standardisation of features: (x - mean) / sd by training rows. An sd below 1e-6 |mean| + 1e-12 becomes 1
 * and the column counts as constant: its bit is set in `frozen` ("never varied"). Population sd; two passes
 * in double, rows in order. */
#ifndef KT_SCALER_H
#define KT_SCALER_H

#include <stddef.h>
#include <stdint.h>

enum { KT_FEATURES_MAX = 15 };

typedef struct {
    double mean[KT_FEATURES_MAX], sd[KT_FEATURES_MAX];
    uint32_t frozen;
} kt_scaler;

void kt_scaler_fit(kt_scaler *scaler, const double *x, size_t n, int d); /* x [n, d] row-major */
void kt_scaler_apply(float *out, const kt_scaler *scaler, const double *x,
                     int d); /* one row [d]; the quotient rounded once */

#endif
