#include "changes_private.h"

#include <math.h>

static const double least_p = 1e-6;
static const int64_t window = 10000000000; /* ns */

double kt_poisson_p(size_t n1, double e1, size_t n2, double e2)
{
    double n = (double)(n1 + n2), share = e1 / (e1 + e2);
    bool low =
        (double)n1 < n * share; /* the tail is summed over the first count downwards, or the second's */
    double k = (double)(low ? n1 : n2), p = low ? share : 1 - share;
    if (n == 0)
        return 1;
    double term = exp(lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) + k * log(p) + (n - k) * log1p(-p));
    double sum = 0;
    for (; k >= 0 && term > sum * 1e-17; k--) {
        sum += term;
        term *= k / (n - k + 1) * (1 - p) / p;
    }
    return fmin(1, 2 * sum);
}

/* Requests [first, next) in a window of time. */
typedef struct {
    size_t first, next;
    int64_t start, end;
} slot;

static double seconds(int64_t ns)
{
    return (double)ns * 1e-9;
}

static double log_likelihood(size_t n, int64_t time)
{
    double exposure = fmax(seconds(time), 1e-3);
    return n > 0 ? (double)n * log((double)n / exposure) : 0;
}

/* The request before which the rate changed, in two windows side by side. */
static size_t change_between(const int64_t *start, const slot *a, const slot *b)
{
    size_t first = a->first, next = b->next > a->next ? b->next : a->next, best = a->next;
    double best_value = -INFINITY;
    for (size_t k = first; k <= next; k++) {
        for (int side = 0; side < 2; side++) { /* just behind the request before it, or just before it */
            if (side == 0 ? k == first : k == next)
                continue;
            int64_t at = start[side == 0 ? k - 1 : k];
            double value = log_likelihood(k - first, at - a->start) + log_likelihood(next - k, b->end - at);
            if (value > best_value) {
                best_value = value;
                best = k;
            }
        }
    }
    return best;
}

static kt_status compare(kt_cuts *c, const int64_t *start, const slot *a, const slot *b, kt_error *err)
{
    double p = kt_poisson_p(a->next - a->first, seconds(a->end - a->start), b->next - b->first,
                            seconds(b->end - b->start));
    return p < least_p ? kt_cuts_add(c, change_between(start, a, b), err) : KT_OK;
}

/* The window from `from` on, of requests from `first` to at most `last`. The last one ends with the last
 * request; what would be less than half a window belongs to the one before. */
static slot next_slot(const int64_t *start, size_t first, size_t last, int64_t from)
{
    slot s = {first, first, from, from + window};
    if (start[last - 1] < s.end + window / 2) {
        s.next = last;
        s.end = start[last - 1] > from ? start[last - 1] : from + 1;
        return s;
    }
    while (start[s.next] < s.end)
        s.next++;
    return s;
}

/* Requests [first, last) of one set of pods. Windows without requests are one, however long. */
kt_status kt_rate_cuts(kt_cuts *c, const int64_t *start, size_t first, size_t last, kt_error *err)
{
    kt_status status = KT_OK;
    slot before = next_slot(start, first, last, start[first]);
    while (before.next < last) {
        slot s = next_slot(start, before.next, last, before.end);
        if (s.next == s.first)
            s.end = s.start + (start[s.next] - s.start) / window * window;
        KT_TRY(compare(c, start, &before, &s, err));
        before = s;
    }
out:
    return status;
}
