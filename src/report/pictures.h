/* The pictures of a service, as elements of a page or as files of their own. */
#ifndef KT_REPORT_PICTURES_H
#define KT_REPORT_PICTURES_H

#include "findings.h"
#include "svg.h"

/* p50, p95 and p99 by rate, one panel for each combination of the other features; cells are marked with
 * data-c="their index". */
axis picture_quantile_times(const found_service *f); /* one for all panels of a service */
void picture_quantiles(FILE *out, const found_service *f, size_t panel, const char *x_name);

/* The distribution in each cell as <g data-c="index">; first..last: which. kind: the class of its element. */
const char *picture_cdf_kind(const found_service *f);
void picture_cdf(FILE *out, const found_service *f, size_t first, size_t last);

/* PIT of held-out cells, those inside the hull where there are any; returns the score they come from, NULL:
 * none. */
const kt_score *picture_pit_score(const found_service *f);
void picture_pit(FILE *out, const kt_score *score);

/* Losses by step; entry->fitted.n_looks > 0. */
void picture_loss(FILE *out, const kt_archive_entry *entry);

#endif
