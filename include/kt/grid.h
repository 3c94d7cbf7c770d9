/* Mixtures of a service at the points of a grid: what a simulator needs where it cannot evaluate a network.
 * In memory, as CSV and as JSON. Times are seconds, rates requests per second.
 *
 * CSV: a line for each component of each point:
 *   service,rps,rep,inside,component,distribution,weight,<parameters>
 * JSON: {"schema": "kt-mixtures", "version", "form", "branch",
 *        "services": [{"service", "distribution", "target", "visits", "at_a_time", "hull",
 *                      "points": [{"rps", "rep", "inside", "mean", "mixture": [...]}]}]}
 * inside: the point lies in the hull of the training cells. An ensemble's components are those of all its
 * members. Forms:
 *   plain  parameters by their usual names: weibull shape, scale; gamma shape, rate; lognormal and normal mu,
 *          sigma. A component is {"weight", <parameters>}
 *   erv    what KubeTwin's ERV draws (kt/kubetwin.h): weibull and gamma, whose rate is called scale; weights
 *          sum to 1 exactly. A mixture is what ERV::MixtureDistribution.new takes */
#ifndef KT_GRID_H
#define KT_GRID_H

#include "kt/archive.h"
#include "kt/kubetwin.h"
#include <stddef.h>
#include <stdint.h>

#define KT_GRID_SCHEMA "kt-mixtures"
enum { KT_GRID_VERSION = 1, KT_GRID_POINTS_MAX = 10000000 };

typedef enum { KT_GRID_PLAIN, KT_GRID_ERV } kt_grid_form;

typedef struct {
    double from, to, step; /* step 0: the range of the hull */
} kt_axis;

typedef struct {
    char *service;
    kt_family family;
    int target; /* kt_target; -1: not known */
    kt_serving serving;
    kt_hull hull; /* d = 0: not known */
    int components;
    size_t n;
    double *at;      /* [n, 2]: rps_eff, rep */
    uint8_t *inside; /* [n] */
    double *mixture; /* [n, 3, components]: weights, concentrations, scales */
} kt_grid;

/* KT_USAGE unless the archive's models are asked with (rps_eff, rep). */
kt_status kt_grid_check(const kt_archive *archive, kt_error *err);

/* The product of two axes, rep fastest; *at [*n, 2], caller frees. An axis that is not given has, for rep,
 * the whole numbers of the hull and, for the rate, up to 60 round steps. KT_USAGE for more than
 * KT_GRID_POINTS_MAX. */
kt_status kt_grid_points(double **at, size_t *n, const kt_hull *hull, const kt_axis *rps, const kt_axis *rep,
                         kt_error *err);

/* The entry's mixtures at the points `at` [n, 2]. grid: zeroed; the caller clears it. */
kt_status kt_grid_make(kt_grid *grid, const kt_archive_entry *entry, const kt_serving *serving,
                       const double *at, size_t n, kt_grid_form form, kt_isa isa, kt_error *err);
void kt_grid_clear(kt_grid *grid); /* takes a zeroed one */

/* Borrows from the grid. */
kt_mixture kt_grid_mixture(const kt_grid *grid, size_t point);

/* New files, not synced: into a stage (kt/stage.h). The numbers are finite. branch: NULL in the plain form.
 */
kt_status kt_grid_write_csv(const char *path, const kt_grid *grids, size_t n, kt_grid_form form,
                            kt_error *err);
kt_status kt_grid_write_json(const char *path, const kt_grid *grids, size_t n, kt_grid_form form,
                             const char *branch, kt_error *err);

/* Either of them, by how it begins. Numbers are taken as they stand, whether or not they make a distribution.
 * *grids [*n] in the order of the file; caller clears each and frees. *branch: an index, or KT_BRANCHES where
 * the file names none. KT_INPUT with path:line, or the path and service. */
kt_status kt_grid_read(kt_grid **grids, size_t *n, kt_branch *branch, const char *path, kt_error *err);

#endif
