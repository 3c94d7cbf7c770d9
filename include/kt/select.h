/* Order statistics. */
#ifndef KT_SELECT_H
#define KT_SELECT_H

#include <stddef.h>

/* The value of rank k (from 0) of value [n], which is permuted so that those before it are not above it and
 * those behind it not below (Hoare's FIND). No NaN. */
double kt_select(double *value, size_t n, size_t k);

/* The median of value [n], n > 0, which is permuted; of an even number the mean of the two in the middle. */
double kt_median(double *value, size_t n);

#endif
