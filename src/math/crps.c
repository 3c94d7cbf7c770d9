/* CRPS of many y under one mixture: one walk over the distribution in panels, in the variable of spread.h. A
 * panel holds cdf^2 and survival^2 (times dy/dx) at Gauss-Legendre nodes, that is, as Legendre polynomials; a
 * y inside it takes their integrals from there and costs no further cdf. */
#include "kt/mixture.h"
#include "kt/pause.h"
#include "spread.h"
#include <math.h>

/* At most 19 panels change with one component, and 485 cover the range of doubles. */
enum { NODES = 12, PANELS = 20 * KT_MIXTURE_MAX + 512 };

/* Half of the nodes of the Gauss-Legendre rule and their weights (Abramowitz and Stegun, table 25.4). */
static const double half_node[NODES / 2] = {0.125233408511468916, 0.367831498998180194, 0.587317954286617447,
                                            0.769902674194304687, 0.904117256370474857, 0.981560634246719251};
static const double half_weight[NODES / 2] = {0.249147045813402785, 0.233492536538354809,
                                              0.203167426723065922, 0.160078328543346226,
                                              0.106939325995318431, 0.047175336386511827};

/* What the mixture is between two points: components outside of their spread stand still there. */
typedef struct {
    kt_mixture moving; /* the others */
    double weight[KT_MIXTURE_MAX], concentration[KT_MIXTURE_MAX], scale[KT_MIXTURE_MAX];
    double center[KT_MIXTURE_MAX]; /* of their spreads */
    double below, above;           /* weight of components that lie below, above */
} part;

typedef struct {
    double begin, end;                 /* in the variable */
    double node[NODES], weight[NODES]; /* in [-1, 1] */
    double below[NODES], above[NODES]; /* cdf^2 dy/dx, survival^2 dy/dx */
    double lower, upper;               /* their integrals over the panel */
} panel;

/* cdf and survival at y, x in the variable. The larger is one less the smaller: a heavy upper tail needs the
 * digits of its survival, whereas a cdf that is next to nothing only has to be small, as it counts beside
 * survivals. */
static void tails(double *cdf, double *survival, const part *p, double x, double y)
{
    *cdf = p->below;
    *survival = p->above;
    if (p->moving.family == KT_WEIBULL) { /* half of all time goes here: one exp rather than a power */
        for (int j = 0; j < p->moving.n; j++) {
            double s = p->weight[j] * exp(-exp(p->concentration[j] * (x - p->center[j])));
            *survival += s;
            *cdf += p->weight[j] - s;
        }
    } else {
        *cdf += kt_mixture_cdf(&p->moving, y);
        if (*cdf > 0.5)
            *survival += kt_mixture_survival(&p->moving, y);
    }
    if (*cdf > 0.5)
        *cdf = 1 - *survival;
    else
        *survival = 1 - *cdf;
}

static void fill(panel *p, const part *part)
{
    double middle = 0.5 * (p->begin + p->end), half = 0.5 * (p->end - p->begin);
    kt_family family = part->moving.family;
    p->lower = p->upper = 0;
    for (int i = 0; i < NODES; i++) {
        int h = i < NODES / 2 ? NODES / 2 - 1 - i : i - NODES / 2;
        p->node[i] = i < NODES / 2 ? -half_node[h] : half_node[h];
        p->weight[i] = half_weight[h];
        double x = middle + half * p->node[i], y = kt_from_variable(family, x), cdf, survival;
        double jacobian = kt_family_table[family].positive ? y : 1;
        tails(&cdf, &survival, part, x, y);
        p->below[i] = cdf * cdf * jacobian;
        p->above[i] = survival * survival * jacobian;
        p->lower += half * p->weight[i] * p->below[i];
        p->upper += half * p->weight[i] * p->above[i];
    }
}

/* P_n+1(t) from P_n and P_n-1. The factors are constants where the loop over n is unrolled. */
static inline double legendre(int n, double t, double now, double last)
{
    return (2 * n + 1) / (n + 1.0) * t * now - n / (n + 1.0) * last;
}

/* The Legendre series of below - above: c_n = (2n + 1) / 2 times the integral of it with P_n. Divided by 2n
 * + 1. */
static void series(double *c, const panel *p)
{
    for (int n = 0; n < NODES; n++)
        c[n] = 0;
    for (int i = 0; i < NODES; i++) {
        double t = p->node[i], last = 1, now = t, term = 0.5 * p->weight[i] * (p->below[i] - p->above[i]);
        c[0] += term;
        for (int n = 1; n < NODES; n++) {
            c[n] += term * now;
            double next = legendre(n, t, now, last);
            last = now;
            now = next;
        }
    }
}

/* out [n]: the integral of below from the panel's begin to y and of above from y to its end. The latter's
 * whole, and the series integrated, where P_n has the integral (P_n+1 - P_n-1) / (2n + 1). */
static void inside(double *out, const panel *p, kt_family family, const double *y, size_t n)
{
    double c[NODES], half = 0.5 * (p->end - p->begin);
    series(c, p);
    for (size_t i = 0; i < n; i++) {
        KT_PAUSE_OFTEN();
        double t = (kt_to_variable(family, y[i]) - p->begin) / half - 1;
        double last = 1, now = t, sum = c[0] * (t + 1);
        for (int k = 1; k < NODES; k++) {
            double next = legendre(k, t, now, last);
            sum += c[k] * (next - last);
            last = now;
            now = next;
        }
        out[i] = p->upper + half * sum;
    }
}

/* ---- The walk ---- */

typedef struct {
    const kt_mixture *mixture;
    int n, component[KT_MIXTURE_MAX]; /* those with a weight */
    kt_spread spread[KT_MIXTURE_MAX]; /* theirs */
    double low, high, longest;        /* of all; longest panel */
} plan;

static void plan_init(plan *plan, const kt_mixture *mixture)
{
    double first, last;
    kt_variable_range(&first, &last, mixture->family);
    plan->mixture = mixture;
    plan->n = 0;
    plan->low = last;
    plan->high = first;
    for (int j = 0; j < mixture->n; j++)
        if (mixture->weight[j] > 0) {
            kt_spread spread = kt_component_spread(mixture, j);
            plan->low = fmin(plan->low, spread.low);
            plan->high = fmax(plan->high, spread.high);
            plan->component[plan->n] = j;
            plan->spread[plan->n++] = spread;
        }
    plan->low = fmin(last, fmax(first, plan->low));
    plan->high = fmin(last, fmax(plan->low, plan->high));
    plan->longest = kt_family_table[mixture->family].positive ? 3 : INFINITY; /* dy/dx is exp(x) */
}

static void part_init(part *p, const plan *plan, double begin, double end)
{
    const kt_mixture *all = plan->mixture;
    int n = 0;
    p->below = p->above = 0;
    for (int i = 0; i < plan->n; i++) {
        int j = plan->component[i];
        if (plan->spread[i].high <= begin) {
            p->below += all->weight[j];
        } else if (plan->spread[i].low >= end) {
            p->above += all->weight[j];
        } else {
            p->weight[n] = all->weight[j];
            p->concentration[n] = all->concentration[j];
            p->scale[n] = all->scale[j];
            p->center[n++] = plan->spread[i].center;
        }
    }
    p->moving = (kt_mixture){all->family, n, p->weight, p->concentration, p->scale};
}

/* A panel is short against every component that changes in it, and ends where another one begins to. */
static double panel_end(const plan *plan, double x)
{
    double length = plan->longest;
    for (int j = 0; j < plan->n; j++) {
        const kt_spread *s = &plan->spread[j];
        if (x < s->low)
            length = fmin(length, s->low - x);
        else if (x < s->high)
            length = fmin(length, 1.5 * s->width);
    }
    return fmin(plan->high, fmax(x + length, nextafter(x, INFINITY)));
}

void kt_mixture_crps(double *out, const kt_mixture *mixture, const double *y, size_t n)
{
    double upper[PANELS], lower = 0, rest = 0;
    size_t from[PANELS], at = 0; /* from: the first y of a panel */
    int panels = 0;
    plan plan;
    part part;
    panel p;

    if (!kt_mixture_proper(mixture)) {
        for (size_t i = 0; i < n; i++)
            out[i] = NAN;
        return;
    }
    plan_init(&plan, mixture);
    double begin = kt_from_variable(mixture->family, plan.low),
           end = kt_from_variable(mixture->family, plan.high);
    for (; at < n && y[at] < begin; at++)
        out[at] = begin - y[at];
    for (p.end = plan.low; p.end < plan.high;
         panels++) { /* upwards: what lies below a y, and its own panel */
        p.begin = p.end;
        p.end = panels < PANELS - 1 ? panel_end(&plan, p.begin) : plan.high;
        part_init(&part, &plan, p.begin, p.end);
        fill(&p, &part);
        size_t first = at;
        while (at < n && kt_to_variable(mixture->family, y[at]) < p.end)
            at++;
        if (at > first)
            inside(out + first, &p, mixture->family, y + first, at - first);
        for (size_t i = first; i < at; i++)
            out[i] += lower;
        from[panels] = first;
        upper[panels] = p.upper;
        lower += p.lower;
    }
    for (size_t i = at; i < n; i++)
        out[i] = lower + (y[i] - end);
    while (panels-- > 0) { /* downwards: the panels above a y */
        for (; at > from[panels]; at--)
            out[at - 1] += rest;
        rest += upper[panels];
    }
    while (at-- > 0)
        out[at] += rest;
}
