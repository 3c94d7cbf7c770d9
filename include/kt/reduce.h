/* The fixed tree over ranks. Rank r of a team pushed its run of blocks (kt_team_run) into its tree; the nodes
 * that are left travel, at most 2 log2(blocks) a rank, by recursive doubling over runs of neighbours, and
 * each rank merges them in ascending order. The additions are those of one rank alone, so the sums have its
 * bits. No sum goes through MPI_Reduce. */
#ifndef KT_REDUCE_H
#define KT_REDUCE_H

#include "kt/fit.h"
#include <mpi.h>

typedef struct kt_reducer kt_reducer;

/* Collective on comm, which is borrowed until destroy. */
kt_status kt_reducer_create(kt_reducer **reducer, MPI_Comm comm, kt_error *err);
void kt_reducer_destroy(kt_reducer *reducer); /* not collective; takes NULL */

/* The team that a fit sees. Borrowed until destroy. */
const kt_team *kt_reducer_team(const kt_reducer *reducer);

#endif
