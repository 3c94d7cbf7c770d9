/* Special functions in double, for what is not in the C library. Scalar; the hot path has its own in kt/vmath.h. */
#ifndef KT_SPECIAL_H
#define KT_SPECIAL_H

double kt_digamma(double x);                   /* x > 0; relative error below 1e-13 away from its zero */
double kt_gamma_p(double a, double x);         /* regularised lower incomplete gamma P(a, x); a > 0, x >= 0 */
double kt_gamma_q(double a, double x);         /* 1 - P(a, x), small values to full relative precision */
double kt_normal_cdf(double z);                /* by erfc: full relative precision in the lower tail */
double kt_log_sum_exp(const double *x, int n); /* n >= 1; -infinity where all are */

#endif
