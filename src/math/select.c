#include "kt/select.h"

#include <assert.h>

double kt_select(double *value, size_t n, size_t k)
{
    assert(k < n);
    size_t low = 0, high = n - 1;
    while (low < high) {
        double pivot = value[low + (high - low) / 2];
        size_t i = low, j = high;
        for (;; i++, j--) {
            while (value[i] < pivot)
                i++;
            while (value[j] > pivot)
                j--;
            if (i >= j)
                break;
            double kept = value[i];
            value[i] = value[j];
            value[j] = kept;
        }
        /* [low, j] is at most the pivot, [j + 1, high] at least, and neither is empty */
        if (k <= j)
            high = j;
        else
            low = j + 1;
    }
    return value[k];
}

double kt_median(double *value, size_t n)
{
    double upper = kt_select(value, n, n / 2);
    if (n % 2 == 1)
        return upper;
    double lower = value[0]; /* the largest of those before it */
    for (size_t i = 1; i < n / 2; i++)
        lower = value[i] > lower ? value[i] : lower;
    return lower + (upper - lower) / 2;
}
