#include "kt/plan.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* ---- order ---- */

enum { JUDGED_ROW = 64 };

double kt_plan_cost(double steps, int batch, double rows, double held_out_rows)
{
    return steps * batch + rows + JUDGED_ROW * held_out_rows;
}

static int by_cost(const void *a, const void *b, void *context)
{
    const double *cost = context;
    size_t i = *(const size_t *)a, j = *(const size_t *)b;
    if (cost[i] != cost[j])
        return cost[i] > cost[j] ? -1 : 1;
    return (i > j) - (i < j);
}

void kt_plan_order(size_t *order, const double *cost, size_t n)
{
    for (size_t i = 0; i < n; i++)
        order[i] = i;
    qsort_r(order, n, sizeof *order, by_cost, (void *)cost);
}

void kt_plan_teams(size_t *order, size_t *n_team, const double *cost, const int *limit, size_t n, int ranks,
                   kt_plan_mode mode)
{
    double total = 0;
    size_t teams = 0, i = 0;
    for (size_t k = 0; k < n; k++)
        total += cost[k];
    kt_plan_order(order, cost, n);
    for (; i < n && ranks > 1 && mode != KT_PLAN_SERVICE; i++) {
        size_t item = order[i];
        if (mode == KT_PLAN_AUTO && cost[item] <= total / ranks)
            break; /* nor is any after it */
        if (limit[item] < (mode == KT_PLAN_AUTO ? ranks : 2))
            continue;
        memmove(order + teams + 1, order + teams, (i - teams) * sizeof *order);
        order[teams++] = item;
    }
    *n_team = teams;
}

double kt_plan_share(int limit, int ranks)
{
    int blocks = (limit + ranks - 1) / ranks;
    return (double)blocks / limit;
}

int kt_plan_exchanges(int ranks)
{
    int n = 0;
    while (1 << n < ranks)
        n++;
    return n;
}

bool kt_plan_growing_pays(double saved_s, double begin_s)
{
    return saved_s > 2 * begin_s;
}

/* ---- who is free first: a heap of workers ---- */

typedef struct {
    double free; /* when it has done what it was given */
    int who;
} worker;

static bool before(const worker *a, const worker *b)
{
    return a->free != b->free ? a->free < b->free : a->who < b->who;
}

/* The first of the heap got later: lets it sink to where it belongs. */
static void sink(worker *heap, int n)
{
    worker one = heap[0];
    int at = 0;
    for (int child = 1; child < n; child = 2 * at + 1) {
        child += child + 1 < n && before(&heap[child + 1], &heap[child]);
        if (before(&one, &heap[child]))
            break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = one;
}

kt_status kt_plan_deal(int *part, const double *cost, size_t n, int parts, kt_error *err)
{
    kt_status status = KT_OK;
    worker *heap = NULL;
    size_t *order = NULL;
    assert(parts >= 1);
    KT_TRY(kt_alloc(&heap, (size_t)parts, sizeof *heap, err));
    KT_TRY(kt_alloc(&order, n, sizeof *order, err));
    for (int i = 0; i < parts; i++)
        heap[i].who = i;
    kt_plan_order(order, cost, n);
    for (size_t i = 0; i < n; i++) {
        part[order[i]] = heap[0].who;
        heap[0].free += cost[order[i]];
        sink(heap, parts);
    }
out:
    free(heap);
    free(order);
    return status;
}
