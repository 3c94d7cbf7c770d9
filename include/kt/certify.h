/* What rows keep of the proof that their traces are complete. */
#ifndef KT_CERTIFY_H
#define KT_CERTIFY_H

#include "kt/error.h"
#include "kt/samples.h"
#include "kt/spans.h"

/* Puts {"certificate": {"verdict", "reason", "since", "until"}} into the samples' cleaning, from the papers
 * of the spans that they were made of: what two complete pulls of the same traces have in common, so that
 * archives of both are equal. Papers without a certificate (recorded files) give the verdict "none". */
kt_status kt_samples_certify(kt_samples *samples, const kt_spans_papers *papers, kt_error *err);

#endif
