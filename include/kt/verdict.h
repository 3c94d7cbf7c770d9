/* What a model's scores mean for who wants to use it, in one word.
 *
 *   good      held-out cells inside the hull: median KS at most 1.5 times its sampling floor or 0.05, median
 *             p95 error at most 10 %, KS of the worst cell at most 0.2
 *   fair      median KS at most 3 times its floor or 0.10, median p95 error at most 25 %, worst at most 0.4
 *   poor      anything else
 *   unjudged  no cell inside the hull was held out
 *
 * Rows of the model's own law exceed 1.5 floors in one cell of eleven and 3 floors in none (Kolmogorov); the
 * absolute bounds are for cells of so many rows that their floor is next to nothing. */
#ifndef KT_VERDICT_H
#define KT_VERDICT_H

#include "kt/metrics.h"
#include <stddef.h>

typedef enum {
    KT_VERDICT_GOOD,
    KT_VERDICT_FAIR,
    KT_VERDICT_POOR,
    KT_VERDICT_UNJUDGED,
    KT_VERDICTS
} kt_verdict;
extern const char *const kt_verdict_text[KT_VERDICTS]; /* "good", "fair", "poor", "unjudged" */

/* interior: kt_metrics_sum over held-out cells inside the hull. A score that is NaN is poor. */
kt_verdict kt_verdict_of(const kt_score *interior);

/* What keeps it from being good, as words: "KS 0.090 at a floor of 0.049, p95 off by 12.3 %"; empty for good
 * ones. */
void kt_verdict_reason(char *text, size_t size, const kt_score *interior);

#endif
