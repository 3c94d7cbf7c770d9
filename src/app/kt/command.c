#include "command.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOT_GIVEN -1e12

kt_status command_isa(kt_isa *isa, kt_error *err)
{
    static const char *const names[] = {"auto", "generic", "v3", "v4"};
    const char *asked = getenv("KT_ISA");
    for (int i = 0; i < 4; i++)
        if (!asked || strcmp(asked, names[i]) == 0)
            return kt_isa_resolve(isa, (kt_isa)i, err);
    return kt_fail(err, KT_USAGE, "KT_ISA=%s: one of %s", asked, KT_ISA_CHOICES);
}

int command_feature(const kt_archive *archive, const char *name)
{
    for (int f = 0; f < archive->d; f++)
        if (strcmp(archive->feature[f], strcmp(name, "rps") == 0 ? "rps_eff" : name) == 0)
            return f;
    return -1;
}

bool command_number(double *value, const char *text)
{
    char *end;
    *value = strtod(text, &end);
    return end != text && *end == '\0' && isfinite(*value);
}

static kt_status set(double *x, const kt_archive *archive, const char *name, double value, kt_error *err)
{
    int f = command_feature(archive, name);
    if (f < 0)
        return kt_fail(err, KT_USAGE, "the models are not asked with '%s'", name);
    if (!isnan(x[f]))
        return kt_fail(err, KT_USAGE, "'%s' is given twice", name);
    x[f] = value;
    return KT_OK;
}

static kt_status set_text(double *x, const kt_archive *archive, const char *text, kt_error *err)
{
    char name[KT_LABEL];
    const char *equals = strchr(text, '=');
    double value;
    if (!equals || (size_t)(equals - text) >= sizeof name || !command_number(&value, equals + 1))
        return kt_fail(err, KT_USAGE, "--at %s: NAME=VALUE is wanted", text);
    snprintf(name, sizeof name, "%.*s", (int)(equals - text), text);
    return set(x, archive, name, value, err);
}

kt_status command_point_read(double *x, const kt_archive *archive, const command_point *point, kt_error *err)
{
    kt_status status = KT_OK;
    for (int f = 0; f < archive->d; f++)
        x[f] = NAN;
    if (point->rps != NOT_GIVEN)
        KT_TRY(set(x, archive, "rps_eff", point->rps, err));
    if (point->rep != NOT_GIVEN)
        KT_TRY(set(x, archive, "rep", point->rep, err));
    for (size_t i = 0; i < point->at.n; i++)
        KT_TRY(set_text(x, archive, point->at.text[i], err));
    for (int f = 0; f < archive->d; f++)
        if (isnan(x[f]))
            KT_TRY(kt_fail(err, KT_USAGE, "no value for '%s' (--rps, --rep, --at NAME=VALUE)",
                           archive->feature[f]));
out:
    return status;
}

kt_status command_entry(const kt_archive_entry **entry, const kt_archive *archive, const char *service,
                        kt_error *err)
{
    if (service)
        return kt_archive_find(entry, archive, service, err);
    if (archive->n_entries != 1)
        return kt_fail(err, KT_USAGE, "the archive has %zu services: name one with --service",
                       archive->n_entries);
    *entry = &archive->entries[0];
    return KT_OK;
}
