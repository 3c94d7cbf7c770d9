/* Special functions in double, for what is not in the C library. Scalar; the hot path has its own in
 * kt/vmath.h. */
#ifndef KT_SPECIAL_H
#define KT_SPECIAL_H

double kt_digamma(double x);           /* x > 0; relative error below 1e-13 away from its zero */
double kt_log_gamma_1p(double x);      /* log Gamma(1 + x), x >= 0, to full relative precision near 0 */
double kt_gamma_p(double a, double x); /* regularised lower incomplete gamma P(a, x); a > 0, x >= 0 */
double kt_gamma_q(double a, double x); /* 1 - P(a, x), small values to full relative precision */
double kt_normal_cdf(double z);        /* by erfc: full relative precision in the lower tail */
double kt_log_sum_exp(const double *x, int n); /* n >= 1; -infinity where all are */

/* The gamma density without its cancellations: with mean m and t = log(y / m)
 * log f(y) = S(a) - a phi(t) - log y, and D(a) = a S'(a). a > 0. */
double kt_gamma_s(double a);      /* S(a) = a log a - a - log Gamma(a) */
double kt_gamma_d(double a);      /* D(a) = a (log a - digamma(a)) */
double kt_gamma_phi(double t);    /* phi(t) = e^t - 1 - t, to full relative precision */
double kt_gamma_phi_1p(double u); /* phi(log(1 + u)) = u - log(1 + u), u >= -1, to full relative precision */

#endif
