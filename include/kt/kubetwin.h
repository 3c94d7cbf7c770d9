/* KubeTwin, the simulator that models are made for, and ERV, the random variables that it draws: what they do
 * with a model. Read from their sources: https://github.com/DSG-UniFE/KubeTwin, branches as below,
 * lib/kube_twin/ksimulation.rb, container.rb and pod.rb; https://github.com/DSG-UniFE/ruby-erv, lib/erv.
 *
 * A container serves one request at a time, first come first served, and takes a time drawn from the mixture
 * of its service. The model is asked with (rps_eff, rep) once for each service and rate; the answer is kept
 * under the service's name and the rate alone. Times are seconds; one of at most 1e-6 s is drawn again. */
#ifndef KT_KUBETWIN_H
#define KT_KUBETWIN_H

#include "kt/archive.h"
#include "kt/mixture.h"
#include <stdbool.h>
#include <stddef.h>

typedef enum { KT_BRANCH_APPLICATION, KT_BRANCH_CNSM, KT_BRANCH_MASTER, KT_BRANCHES } kt_branch;
#define KT_BRANCH_CHOICES "mdn_application_2024|2023-cnsm|master"

typedef struct {
    const char *name;
    kt_family family; /* what it takes the three outputs for */
    /* asked: (rps_eff, rep) as the model is asked for a service of `rep` containers where the rate that
     * models are made for (that at the entry) is rps, and `arrivals` requests a second come to the service */
    void (*ask)(double asked[2], double rps, double arrivals, double rep);
} kt_branch_rules;
extern const kt_branch_rules kt_branch_table[KT_BRANCHES];

/* The rates that 2023-cnsm asks with: each stands for a range of arrivals at one container, (above, up to] a
 * second. */
typedef struct {
    double asked, above, up_to;
} kt_cnsm_rate;
enum { KT_CNSM_RATES = 4 };
extern const kt_cnsm_rate kt_cnsm_rates[KT_CNSM_RATES];

#define KT_KUBETWIN_LEAST 1e-6 /* seconds: times up to it are drawn again */

/* ---- How a service was served when its times were measured ---- */

typedef struct {
    double visits;    /* of one request, where the rate is that at the entry; 1 where it is the service's own;
                         NaN: not known */
    double at_a_time; /* requests that a pod at work had in it, where that was more than one and no queue was
                         taken out; workers of a pod where told; 1: one at a time; NaN: not known */
} kt_serving;

/* What the cleaning of traces (kt/samples.h) says of the service; all NaN where it says nothing. */
kt_status kt_serving_read(kt_serving *serving, const char *cleaning, const char *service, kt_error *err);

/* ---- ERV ---- */

/* How ERV names a family and its two parameters; name NULL: it is not among KubeTwin's. Its gamma calls the
 * rate "scale": mean = shape / scale. */
typedef struct {
    const char *name, *parameter[2];
} kt_erv_family;
extern const kt_erv_family kt_erv_families[KT_FAMILIES];

/* The mixture as ERV can draw it; weight, concentration, scale: room for KT_MIXTURE_MAX. It wants at least
 * two components (a second one of weight 0 joins a single one). Weights become multiples of 2^-30 that sum to
 * 1 exactly, so that no rounding lets ERV's search for a component run over the last one. Returns the number
 * of components. */
int kt_erv_mixture(double *weight, double *concentration, double *scale, const kt_mixture *mixture);

/* ---- Configuration ---- */

typedef struct {
    const char *service;
    const char *model; /* path of the .keras file */
    double rps, rep;   /* :rps and :replica */
    kt_target target;
    size_t members;            /* of an ensemble; the file has the best, the mixture is that of all */
    const kt_mixture *mixture; /* at that point, as kt_erv_mixture made it */
} kt_kubetwin_entry;

/* The microservice_types of a .conf as text; caller frees. */
kt_status kt_kubetwin_conf(char **text, kt_branch branch, const kt_kubetwin_entry *entries, size_t n,
                           kt_error *err);

#endif
