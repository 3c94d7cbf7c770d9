/* What fits cost on a machine, measured; from that, what any service's fit costs. */
#ifndef KT_COSTS_H
#define KT_COSTS_H

#include "kt/schedule.h"

#define KT_COSTS_SCHEMA "kt-costs"
enum { KT_COSTS_VERSION = 1, KT_COSTS_BATCHES = 32 };

/* Of fits with this batch, in seconds of one rank. */
typedef struct {
    int batch;                    /* rows */
    double step, fixed;           /* of a step, looks included; of it what no team shortens */
    double start, row;            /* of a fit besides its steps; of each of its rows, which are read */
    double judge_cell, judge_row; /* of a held-out cell; of each of its rows */
} kt_costs_batch;

typedef struct {
    double latency; /* of one exchange between two ranks of a team */
    size_t n;
    kt_costs_batch batch[KT_COSTS_BATCHES]; /* ascending */
} kt_costs;

/* A service's fit, as far as its costs go. */
typedef struct {
    int batch, limit;                     /* rows of a step; ranks that can share it */
    double steps, rows;                   /* rows: trained on or looked at */
    double held_out_cells, held_out_rows; /* that are judged */
} kt_costs_fit;

/* Of a batch that was not measured: as a row of the nearest one that was. costs->n >= 1. */
kt_plan_item kt_costs_item(const kt_costs *costs, const kt_costs_fit *fit);

/* The item as measured: by a team of so many ranks, fitting and judging took so many seconds. */
void kt_costs_measured(kt_plan_item *item, int ranks, double latency, double fit_seconds,
                       double judge_seconds);

/* Adds a measured batch in its place, or replaces the one that is there. Beyond KT_COSTS_BATCHES: left out.
 */
void kt_costs_add(kt_costs *costs, kt_costs_batch batch);

/* JSON. Reading: KT_INPUT for what is no such file. */
kt_status kt_costs_write(const char *path, const kt_costs *costs, kt_error *err);
kt_status kt_costs_read(kt_costs *costs, const char *path, kt_error *err);

#endif
