/* The rate that each visit came under. */
#ifndef KT_TRACE_VISIT_RATES_H
#define KT_TRACE_VISIT_RATES_H

#include "cells.h"
#include "kt/error.h"
#include "rates.h"
#include "roots.h"
#include "visits.h"
#include <stdbool.h>
#include <stddef.h>

/* Sets rate of the visits that have a cell: of the requests at the entry, the same for all visits of a
 * request; or (of_service) of arrivals at the visit's own service over all its pods, where a cell's rate is
 * that of its requests times visits by request. NAN: not known. KT_INPUT where traces are an unknown share of
 * requests and rates would be taken from them. */
kt_status kt_visits_rate(kt_visits *visits, const kt_requests *requests, const kt_cells *cells,
                         const kt_rate_rule *rule, bool of_service, kt_error *err);

#endif
