/* A manifest: which load was offered when. Written by kt load, read by the cleaning.
 *
 *   {"note": ..., "config": {...}, "entry": "frontend", "cells": [{"cell": 0, "start_us": .., "end_us": ..,
 * "rps_asked": .., "rps_drawn": .., "rps_achieved": .., "n": .., "errors": .., "rep": {"cart": 2, ...},
 * ...}]}
 *
 * A cell needs its start and end alone. The entry may stand in config.entry instead; unknown keys are passed
 * over and kept in `text`. */
#ifndef KT_MANIFEST_H
#define KT_MANIFEST_H

#include "kt/error.h"
#include <stddef.h>
#include <stdint.h>

typedef struct {
    char *service;
    double rep;
} kt_manifest_rep;

typedef struct {
    int64_t start, end;       /* ns, the first request's due time and the last reply */
    double asked, achieved;   /* requests per second; NAN: not told */
    double drawn;             /* of the due times: not quite what was asked for, where these are random */
    int64_t requests, errors; /* -1: not told */
    size_t n_reps;
    kt_manifest_rep *rep; /* byte order of services */
} kt_manifest_cell;

typedef struct {
    char *entry; /* service, or NULL */
    size_t n;
    kt_manifest_cell *cell; /* at least one, by start; they do not overlap */
    char *text;             /* the document, canonical JSON */
} kt_manifest;

/* KT_INPUT with name and the cell's number where a key is missing, of a wrong kind, or cells overlap.
 * manifest: zeroed. */
kt_status kt_manifest_parse(kt_manifest *manifest, const char *text, size_t n, const char *name,
                            kt_error *err);
void kt_manifest_clear(kt_manifest *manifest);

/* Replicas of a service in a cell, NAN where the manifest does not tell. "*" in the manifest stands for every
 * service that it does not name. */
double kt_manifest_rep_of(const kt_manifest_cell *cell, const char *service);

#endif
