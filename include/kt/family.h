/* Families: the component distributions of a mixture, as one table of functions.
 *
 * A component has two parameters, in the order of the network's heads towards Keras and KubeTwin:
 *   family      concentration   scale                 support
 *   weibull     shape k         scale l (s)           y > 0    log f = log k - log l + (k-1) log(y/l) -
 * (y/l)^k gamma       shape a         RATE b (1/s)          y > 0    log f = a log b - lgamma(a) + (a-1) log
 * y - b y lognormal   mu of log y     sigma of log y        y > 0 normal      mu (s)          sigma (s) all y
 * All double; y in seconds. Formulas: Johnson, Kotz and Balakrishnan, Continuous Univariate Distributions,
 * vol. 1. */
#ifndef KT_FAMILY_H
#define KT_FAMILY_H

#include "kt/rng.h"
#include <stdbool.h>

/* Numbers are stored in archives: append, never renumber. */
typedef enum { KT_WEIBULL, KT_GAMMA, KT_LOGNORMAL, KT_NORMAL, KT_FAMILIES } kt_family;

typedef struct {
    const char *name;
    bool positive; /* support is y > 0: training sees log y */
    double (*log_pdf)(double y, double concentration, double scale);
    double (*cdf)(double y, double concentration, double scale);
    double (*survival)(double y, double concentration, double scale); /* 1 - cdf, exact in the upper tail */
    double (*mean)(double concentration, double scale);
    double (*variance)(double concentration, double scale);
    double (*sample)(kt_rng *rng, double concentration, double scale);
    /* The same component after y is multiplied by s > 0, in place: how a target scale is undone. */
    void (*rescale)(double *concentration, double *scale, double s);
} kt_family_functions;

extern const kt_family_functions kt_family_table[KT_FAMILIES];

#define KT_FAMILY_CHOICES "weibull|gamma|lognormal|normal"

#endif
