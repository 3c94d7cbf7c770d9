/* What a person sees of a load: a line that moves on a terminal, a line for each cell, the end. */
#ifndef KT_APP_LOAD_VIEW_H
#define KT_APP_LOAD_VIEW_H

#include "kt/campaign.h"

typedef struct {
    const kt_campaign *campaign;
    const char *folder;
    bool quiet, json, live, stopping;
    size_t cell, cells; /* shown now; told of as done */
    double began;       /* when the cell at work did */
} load_view;

void load_view_init(load_view *view, const kt_campaign *campaign, const char *folder, bool quiet, bool json);

/* For kt_campaign_options; context is the view. */
void load_view_progress(void *context, size_t cell, size_t sent, size_t done, size_t errors);
void load_view_cell(void *context, const kt_json *cell);
void load_view_hook(void *context, size_t cell, const char *command);
void load_view_note(void *context, const char *line);

/* summary: NULL where there is none. */
void load_view_end(load_view *view, const kt_json *summary, kt_status status);

/* The cells and how long they take. */
kt_status load_view_plan(const kt_campaign *campaign, bool json, kt_error *err);

#endif
