/* A tree of files that appears complete or not at all. It is written into a temporary folder on the
 * filesystem where it will stay, synced as a whole, and moved into place by renames: a full disk or a failure
 * halfway leaves what was there as it was. Errors: KT_IO with the path and the system's reason. */
#ifndef KT_STAGE_H
#define KT_STAGE_H

#include "kt/error.h"
#include <stdbool.h>

typedef struct kt_stage kt_stage;

/* target: the folder that the tree will be, or be added to where it is there. Parents that are missing become
 * part of the tree. */
kt_status kt_stage_begin(kt_stage **stage, const char *target, kt_error *err);

/* Where to write what shall be in target: a folder that exists; borrowed. */
const char *kt_stage_path(const kt_stage *stage);

/* Moves everything into place and ends the stage. Folders that are there are added to. A file that is there
 * is replaced where `replace` says so; else KT_BUSY with its path, before anything was moved. On failure the
 * stage stays, for kt_stage_end. */
kt_status kt_stage_commit(kt_stage *stage, bool replace, kt_error *err);

/* Removes what was not committed; takes NULL. */
void kt_stage_end(kt_stage *stage);

/* Writes a whole file of the stage: without a sync, the commit does that for all. */
kt_status kt_stage_write(const char *path, const void *data, size_t n, kt_error *err);

#endif
