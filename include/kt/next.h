/* Which load cells to measure next: those whose measurement would take most of the uncertainty away.
 *
 * How a service's times change with load is taken for a Gaussian process. Two points are alike where a queue
 * makes about as much of a request's time in both, 1 / (1 - utilisation), with about as many replicas, at
 * rates of the same order: at light load little changes, near saturation much. A measured cell tells about
 * its point with a variance that falls with its rows and rises with the relative spread of its times. What is
 * left everywhere else is weighted by how far held-out cells near it are above their sampling floor; the cell
 * that lowers the weighted sum over all candidates most comes first, and the next one is chosen as if that
 * had been measured (Cohn, Neural Network Exploration Using Optimal Experiment Design, 1996; Seo et al.,
 * Gaussian Process Regression: Active Data Selection and Test Point Rejection, 2000). Cells far from others,
 * at the hull's edge and beyond, with few rows, in wide bands and near bad scores are found so by one rule.
 * No randomness.
 *
 * The mean times that the model answers are not used for steepness: what it says away from its few cells
 * misleads. */
#ifndef KT_NEXT_H
#define KT_NEXT_H

#include "kt/error.h"
#include "kt/model.h"
#include <stddef.h>

enum { KT_NEXT_MOST = 2000 }; /* candidates */

typedef struct {
    double rps, rep, rows;
    double excess; /* of a held-out cell: KS / its floor - 1, at least 0; 0 for others */
} kt_next_cell;

typedef struct {
    kt_predictor *predictor; /* of (rps_eff, rep); borrowed */
    bool fixed;              /* its replicas never varied: a candidate's are not its own */
    double busy; /* seconds of a replica that a request takes at light load: visits x mean / workers */
    size_t n;    /* n >= 1 */
    const kt_next_cell *cell;
} kt_next_service;

/* Why a cell was chosen, by the service that gains most. */
typedef enum { KT_NEXT_OUTSIDE, KT_NEXT_FAR, KT_NEXT_ERROR, KT_NEXT_ROWS } kt_next_reason;
extern const char *const kt_next_text[]; /* "outside of what was measured", ... */

typedef struct {
    size_t candidate, service;
    double gain; /* part of all uncertainty at the start that it takes away */
    kt_next_reason reason;
} kt_next_choice;

/* chosen [budget], *n of them: fewer where there are fewer candidates. candidates [m, 2]: rps, rep. rows:
 * that a new cell will have. KT_USAGE for more than KT_NEXT_MOST candidates. */
kt_status kt_next_choose(kt_next_choice *chosen, size_t *n, size_t budget, const kt_next_service *services,
                         size_t n_services, const double *candidates, size_t m, double rows, kt_error *err);

#endif
