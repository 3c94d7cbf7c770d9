/* Reports: what a modeller asks of models, as one page, as text or for machines. Functions of what is given,
 * and of nothing else: no clock, no paths. */
#ifndef KT_REPORT_H
#define KT_REPORT_H

#include "kt/archive.h"
#include "kt/error.h"
#include "kt/kernel.h"
#include "kt/store.h"
#include "kt/sweep_view.h"
#include <stddef.h>

enum { KT_REPORT_PICTURED = 200 }; /* what keeps a page below 10 MB */

typedef struct {
    const kt_archive *archive;
    const char *digest; /* of the archive's file, as sha256sum prints it */
    kt_store *store;    /* the rows that the models were made from, or NULL: what the archive's cards hold */
    const kt_archive *against;  /* models to compare with, service by service; or NULL */
    const kt_sweep_view *sweep; /* by which the settings were found; or NULL */
    const char *title;          /* or NULL */
    const size_t *services;     /* [n_services] which entries of the archive, ascending; NULL: all */
    size_t n_services;
    size_t pictured; /* most services that a page shows beyond their line, those with the weakest scores; 0:
                        all */
    kt_isa isa;
} kt_report;

/* Each: *out has a NUL after its *n bytes; caller frees. KT_INPUT where the store holds other rows than a
 * model was made from (the service is named), or the two archives are asked with other features.
 *
 * html   one file without network: verdicts, pictures and the tables behind them, data, how to do it again
 * md     verdicts and the cells of each service as tables
 * json   all numbers of the page, for machines */
kt_status kt_report_html(char **out, size_t *n, const kt_report *report, kt_error *err);
kt_status kt_report_markdown(char **out, size_t *n, const kt_report *report, kt_error *err);
kt_status kt_report_json(char **out, size_t *n, const kt_report *report, kt_error *err);

/* One picture of one service (report->n_services = 1) as a file of its own. cell: a label, for
 * KT_PICTURE_CDF; NULL: the worst held-out cell. KT_USAGE for a cell that there is not. */
typedef enum { KT_PICTURE_QUANTILES, KT_PICTURE_CDF, KT_PICTURE_PIT, KT_PICTURE_LOSS } kt_picture;
#define KT_PICTURE_CHOICES "quantiles|cdf|pit|loss"
kt_status kt_report_svg(char **out, size_t *n, const kt_report *report, kt_picture picture, const char *cell,
                        kt_error *err);

#endif
