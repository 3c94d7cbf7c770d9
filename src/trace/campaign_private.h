/* What the files on campaigns share. */
#ifndef KT_CAMPAIGN_PRIVATE_H
#define KT_CAMPAIGN_PRIVATE_H

#include "kt/campaign.h"

/* ---- plans ---- */

/* Memory that lives as long as the campaign; freed here where that fails. */
kt_status campaign_own(kt_campaign *c, void *memory, kt_error *err);

/* kt_fail for a key of an object that is none of names [n]: the nearest is told. */
kt_status campaign_check_keys(const kt_json *object, const char *const *names, size_t n, const char *where,
                              kt_error *err);

/* c->cell from the plan's cells, in the order of running. requests, seconds: of cells that have none. */
kt_status campaign_read_cells(kt_campaign *c, const kt_json *cells, int64_t requests, double seconds,
                              int64_t repeats, bool shuffle, const char *where, kt_error *err);

kt_status campaign_read_hook(kt_campaign *c, const kt_json *hook, const char *where, kt_error *err);

/* ---- hooks ---- */

/* Runs what is to be run before the cell. before: the cell whose replicas are set up now, or NULL. KT_STOPPED
 * by order, KT_IO with the command and the last it said where one fails; all it said goes to note. */
kt_status campaign_run_hooks(const kt_campaign *c, size_t cell, const kt_campaign_cell *before,
                             const kt_campaign_options *options, kt_error *err);

/* ---- the folder ---- */

typedef struct {
    const char *path;
    int lock;        /* descriptor of the folder, or -1 */
    bool finished;   /* all cells are done and the parts are joined */
    uint32_t *tries; /* [n] how often each cell was begun */
    bool *done;      /* [n] */
    kt_json *cells;  /* of the manifest, by start */
} campaign_folder;

kt_status campaign_folder_open(campaign_folder *f, const kt_campaign *c, const kt_campaign_options *options,
                               kt_error *err);
void campaign_folder_close(campaign_folder *f);

/* Counts a begin of the cell before it begins, so that no trace id is ever used twice. */
kt_status campaign_folder_begin(campaign_folder *f, const kt_campaign *c, size_t cell, kt_error *err);

/* Requests of a cell, and its entry of the manifest (taken; NULL: none). */
kt_status campaign_folder_put(campaign_folder *f, const kt_campaign *c, size_t cell,
                              const kt_load_result *result, kt_json *entry, kt_error *err);

/* requests.csv and summary.json; where all cells are done, the parts are removed. */
kt_status campaign_folder_finish(kt_json **summary, campaign_folder *f, const kt_campaign *c, kt_error *err);

#endif
