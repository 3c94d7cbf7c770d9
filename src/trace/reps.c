#include "reps.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    uint32_t cell, service, pod;
} sighting;

static int by_place(const void *a, const void *b)
{
    const sighting *x = a, *y = b;
    if (x->cell != y->cell)
        return x->cell < y->cell ? -1 : 1;
    if (x->service != y->service)
        return x->service < y->service ? -1 : 1;
    return (x->pod > y->pod) - (x->pod < y->pod);
}

/* rep: of those with a pod for each visit. */
static kt_status count_pods(kt_reps *reps, const kt_visits *visits, kt_error *err)
{
    kt_status status = KT_OK;
    sighting *seen = NULL;
    size_t n = 0;
    KT_TRY(kt_grow(&seen, visits->n, sizeof *seen, err));
    for (size_t i = 0; i < visits->n; i++) {
        const kt_visit *v = &visits->visit[i];
        if (v->cell != KT_NONE)
            seen[n++] = (sighting){v->cell, v->service, v->pod};
    }
    qsort(seen, n, sizeof *seen, by_place);
    for (size_t i = 0; i < n; i++) {
        size_t at = seen[i].cell * reps->n_services + seen[i].service;
        if (seen[i].pod == KT_NONE) /* behind those that are known */
            reps->rep[at] = NAN;
        else if (i == 0 || by_place(&seen[i - 1], &seen[i]) != 0)
            reps->rep[at] = ++reps->seen[at];
    }
out:
    free(seen);
    return status;
}

static void take_told(kt_reps *reps, const kt_cells *cells, size_t c, const kt_names *names)
{
    for (uint32_t s = 0; s < names->n; s++) {
        double *rep = &reps->rep[c * reps->n_services + s];
        double told = kt_manifest_rep_of(cells->cell[c].told, names->name[s]);
        if (isnan(told))
            continue;
        if (!isnan(*rep) && *rep != told && reps->differ[s]++ == 0)
            reps->first[s] = (uint32_t)c;
        *rep = told;
    }
}

kt_status kt_reps_find(kt_reps *reps, const kt_cells *cells, const kt_visits *visits, const kt_names *names,
                       const double *given, kt_error *err)
{
    kt_status status = KT_OK;
    reps->n_services = names->n;
    KT_TRY(kt_alloc(&reps->rep, cells->n * names->n, sizeof *reps->rep, err));
    KT_TRY(kt_alloc(&reps->seen, cells->n * names->n, sizeof *reps->seen, err));
    KT_TRY(kt_alloc(&reps->first, names->n, sizeof *reps->first, err));
    KT_TRY(kt_alloc(&reps->differ, names->n, sizeof *reps->differ, err));
    memset(reps->first, 0xFF, names->n * sizeof *reps->first);
    for (size_t i = 0; i < cells->n * names->n; i++)
        reps->rep[i] = NAN;
    KT_TRY(count_pods(reps, visits, err));
    for (size_t c = 0; c < cells->n; c++) {
        if (cells->told)
            take_told(reps, cells, c, names);
        for (size_t s = 0; s < names->n; s++)
            if (!isnan(given[s]))
                reps->rep[c * names->n + s] = given[s];
    }
out:
    return status;
}

void kt_reps_clear(kt_reps *reps)
{
    free(reps->rep);
    free(reps->seen);
    free(reps->first);
    free(reps->differ);
    *reps = (kt_reps){.n_services = 0};
}
