#include "kt/scaler.h"
#include <assert.h>
#include <math.h>

void kt_scaler_fit(kt_scaler *scaler, const double *x, size_t n, int d)
{
    assert(n > 0 && d > 0 && d <= KT_FEATURES_MAX);
    *scaler = (kt_scaler){.frozen = 0};
    for (int j = 0; j < d; j++) {
        double sum = 0, squares = 0;
        for (size_t i = 0; i < n; i++)
            sum += x[i * (size_t)d + (size_t)j];
        double mean = sum / (double)n;
        for (size_t i = 0; i < n; i++) {
            double deviation = x[i * (size_t)d + (size_t)j] - mean;
            squares += deviation * deviation;
        }
        double sd = sqrt(squares / (double)n);
        if (sd < 1e-6 * fabs(mean) + 1e-12) { /* rounding alone gives such an sd */
            sd = 1;
            scaler->frozen |= UINT32_C(1) << j;
        }
        scaler->mean[j] = mean;
        scaler->sd[j] = sd;
    }
}

void kt_scaler_apply(float *out, const kt_scaler *scaler, const double *x, int d)
{
    for (int j = 0; j < d; j++)
        out[j] = (float)((x[j] - scaler->mean[j]) / scaler->sd[j]);
}
