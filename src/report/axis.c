#include "axis.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>

static const double mantissa[] = {1, 2, 5};

static double power10(int e)
{
    return e >= 0 ? pow(10, e) : 1 / pow(10, -e); /* 1e-3 as it is written */
}

axis axis_linear(double low, double high, int most)
{
    assert(low <= high && most >= 2 && most <= AXIS_TICKS);
    axis a = {.unit = 1, .unit_name = ""};
    if (high - low <= 1e-12 * fmax(fabs(low), fabs(high))) {
        double by = low != 0 ? 0.5 * fabs(low) : 1;
        low -= by;
        high += by;
    }
    int e = (int)floor(log10((high - low) / most)), m = 0;
    for (;; m = (m + 1) % 3, e += m == 0) {
        double step = mantissa[m] * power10(e);
        double first = floor(low / step + 1e-9), last = ceil(high / step - 1e-9);
        if (last - first + 1 > most)
            continue;
        for (double k = first; k <= last; k++)
            a.tick[a.n++] = e < 0 ? k * mantissa[m] / power10(-e) : k * step;
        break;
    }
    a.low = a.tick[0];
    a.high = a.tick[a.n - 1];
    return a;
}

axis axis_fitting(double low, double high, int most)
{
    axis a = axis_linear(low, high, most), fitted = a;
    if (!(low < high))
        return a;
    fitted.low = low;
    fitted.high = high;
    fitted.n = 0;
    for (int i = 0; i < a.n; i++)
        if (a.tick[i] >= low && a.tick[i] <= high)
            fitted.tick[fitted.n++] = a.tick[i];
    return fitted;
}

/* Ticks of a logarithmic axis are numbered: `per` a decade. */
static double numbered(int k, int per)
{
    int e = (int)floor((double)k / per), m = k - e * per;
    return per == 3 ? mantissa[m] * power10(e) : power10(e);
}

axis axis_log(double low, double high, int most)
{
    assert(low > 0 && low <= high && most >= 2 && most <= AXIS_TICKS);
    axis a = {.log = true, .unit = 1, .unit_name = ""};
    for (int per = 3, stride = 1;; stride += per == 1, per = 1) {
        int first = per * (int)floor(log10(low)), last = per * (int)ceil(log10(high));
        while (numbered(first + stride, per) <= low * (1 + 1e-9))
            first += stride;
        while (numbered(last - 1, per) >= high * (1 - 1e-9))
            last--;
        last += (stride - (last - first) % stride) % stride;
        last = last > first ? last : first + stride;
        if ((last - first) / stride + 1 > most)
            continue;
        for (int k = first; k <= last; k += stride)
            a.tick[a.n++] = numbered(k, per);
        break;
    }
    a.low = a.tick[0];
    a.high = a.tick[a.n - 1];
    return a;
}

axis axis_times(double low, double high, int most)
{
    bool log = low > 0 && high > 5 * low;
    axis a = log ? axis_log(low, high, most) : axis_linear(fmin(low, 0), high, most);
    if (!log && low > 0.5 * high)
        a = axis_linear(low, high, most);
    a.unit = high >= 1 ? 1 : high >= 1e-3 ? 1e-3 : 1e-6;
    a.unit_name = high >= 1 ? "s" : high >= 1e-3 ? "ms" : "\xC2\xB5s";
    return a;
}

int axis_at(const axis *a, double value)
{
    double share = a->log ? log(fmax(value, a->low) / a->low) / log(a->high / a->low)
                          : (value - a->low) / (a->high - a->low);
    share = share > 0 ? fmin(share, 1) : 0;
    return a->from + (int)lround(share * (a->to - a->from));
}

void axis_label(char label[32], const axis *a, double tick)
{
    double value = tick / a->unit;
    snprintf(label, 32, "%.6g", fabs(value) < 1e-9 * fmax(fabs(a->low), fabs(a->high)) / a->unit ? 0 : value);
}
