/* Campaigns: load cells one after the other, each with its rate and its numbers of replicas, in a folder that
 * can be gone on with. One load by itself is a campaign of one cell.
 *
 * A plan is a JSON object. Its keys, but for the last two, are also options of kt load (kt load --help has
 * units and defaults): uri, method, body, header, ca-file, arrivals, seed, sd, max-thread, timeout, give-up,
 * warmup, cooldown, pause, repeats, shuffle, entry, hook-timeout, requests or seconds (of cells that have
 * neither); and
 *
 *   cells   [{"rps": 20, "rep": {"cart": 2}, "seconds": 60}, ...]: rps, rep, requests, seconds. Where rps or
 * a number of replicas is a list, the cell is a grid: the product of its lists, rates changing first. "rep":
 * {"cart,catalog": [1, 2]} moves both together; "rep": 2 is for all services. hook    what runs before each
 * cell: [program, argument, ...], or a list of such. No shell. {service}, {rep}, {rps}, {cell} are filled in.
 * A command with {service} runs for each service whose number of replicas is not what the cell before had (at
 * the start of the program: for all); any other runs once before each cell.
 *
 * Cells are numbered from 0 in the order in which they run; `repeats` runs the whole list again, and
 * `shuffle` draws the order anew within each repeat.
 *
 * A folder has
 *   campaign.json   the plan without secrets, how often each cell was begun
 *   manifest.json   kt/manifest.h: the cells that have been run
 *   requests.csv    kt/load.h: all requests
 *   summary.json    figures of the cells and their sums
 *   cells/          requests by cell, until all are done
 * each written whole or not at all. What was killed loses the cell under way at most. That cell, and one that
 * was stopped or failed, is run again from its beginning: the same due times, other trace ids. */
#ifndef KT_CAMPAIGN_H
#define KT_CAMPAIGN_H

#include "kt/error.h"
#include "kt/json.h"
#include "kt/load.h"
#include "kt/options.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KT_CAMPAIGN_STATE    "campaign.json"
#define KT_CAMPAIGN_MANIFEST "manifest.json"
#define KT_CAMPAIGN_REQUESTS "requests.csv"
#define KT_CAMPAIGN_SUMMARY  "summary.json"

typedef struct {
    const char *service; /* borrowed; "*": every service that is not named */
    int64_t rep;
} kt_campaign_rep;

typedef struct {
    double rps; /* as the plan has it; sent are rps / slowdown */
    int64_t requests;
    double seconds; /* one of both is 0 */
    size_t n_reps;
    const kt_campaign_rep *rep; /* byte order of services */
} kt_campaign_cell;

typedef struct {
    size_t n;
    const char *const *argument; /* [n], then NULL */
    bool by_service;
} kt_campaign_command;

typedef struct {
    kt_load_options load; /* what cells share */
    double slowdown, pause_s, hook_timeout_s;
    const char *entry; /* service, or NULL */
    size_t n;
    kt_campaign_cell *cell; /* in the order in which they run */
    size_t n_commands;
    kt_campaign_command *command;
    kt_json *config; /* what results depend on, without secrets: names of headers, the body's digest */
    /* owners of what the above borrows: a campaign is not moved */
    kt_json *plan;
    kt_texts headers;
    void **owned;
    size_t n_owned;
} kt_campaign;

/* KT_USAGE for what is wrong in a plan, unknown keys with the nearest; `where` (a path) begins messages. The
 * plan needs a seed. campaign: zeroed; cleared by the caller also after a failure. */
kt_status kt_campaign_parse(kt_campaign *campaign, const kt_json *plan, const char *where, kt_error *err);
void kt_campaign_clear(kt_campaign *campaign);

/* Load and pauses of all cells in seconds, hooks not counted. */
double kt_campaign_seconds(const kt_campaign *campaign);

/* The seed of the campaign in a folder; -1: there is none. */
int64_t kt_campaign_seed(const char *folder);

typedef struct {
    const char *folder;
    bool fresh;      /* what kt load wrote there is removed first */
    bool keep_going; /* a cell whose hook or server fails is passed over */
    /* As for a load; KT_LOAD_FINISH also ends hooks and pauses. */
    kt_load_order (*stop)(void *context);
    void (*progress)(void *context, size_t cell, size_t sent, size_t done, size_t errors);
    void (*cell_done)(void *context, const kt_json *cell);          /* as in the manifest */
    void (*doing)(void *context, size_t cell, const char *command); /* a hook's command is run */
    void (*note)(void *context, const char *line);
    void *context; /* those that are NULL are not called */
} kt_campaign_options;

/* Runs what is not done yet. *summary (new reference): what summary.json holds, NULL where nothing was run or
 * before. KT_STOPPED: by order. KT_BUSY: the folder has another plan (the difference is named), is another's,
 * or is in use. KT_IO: a hook or the server failed. In all of these the files are whole. */
kt_status kt_campaign_run(kt_json **summary, const kt_campaign *plan, const kt_campaign_options *options,
                          kt_error *err);

/* Takes value into the folder's summary.json. */
kt_status kt_campaign_add(const char *folder, const char *key, kt_json *value, kt_error *err);

#endif
