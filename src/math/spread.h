/* Where a component's mass lies, in the variable in which all families look alike: log y for positive ones, y
 * for normal. For the search of quantiles and for the panels of the CRPS. */
#ifndef KT_MATH_SPREAD_H
#define KT_MATH_SPREAD_H

#include "kt/mixture.h"
#include <stdbool.h>

typedef struct {
    double center, width; /* about the median, about the standard deviation */
    double low, high;     /* outside, what is left adds less than 1e-10 of the component's CRPS */
} kt_spread;

kt_spread kt_component_spread(const kt_mixture *mixture, int j);

double kt_from_variable(kt_family family, double x);                   /* y at x */
double kt_to_variable(kt_family family, double y);                     /* x at y, -infinity for y <= 0 */
void kt_variable_range(double *first, double *last, kt_family family); /* what doubles hold of y */

/* Parameters and weights that are finite and within their domains. */
bool kt_mixture_proper(const kt_mixture *mixture);

#endif
