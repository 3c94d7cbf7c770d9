#include "kt/parts.h"

#include "kt/file.h"
#include "kt/folder.h"
#include "kt/json.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

kt_status kt_parts_parse(int *part, int *parts, const char *text, kt_error *err)
{
    char rest;
    if (sscanf(text, "%6d/%6d%c", part, parts, &rest) == 2 && *part >= 1 && *part <= *parts &&
        *parts <= KT_PARTS_MOST)
        return KT_OK;
    return kt_fail(err, KT_USAGE, "--part %s: K/N is wanted, part K of N, 1/%d to %d/%d at most", text,
                   KT_PARTS_MOST, KT_PARTS_MOST, KT_PARTS_MOST);
}

void kt_parts_clear(kt_parts *parts)
{
    for (size_t i = 0; i < parts->n; i++)
        free(parts->services[i].name);
    free(parts->services);
    *parts = (kt_parts){.n = 0};
}

kt_status kt_parts_write(const char *folder, const kt_parts *parts, const kt_lock *lock, kt_error *err)
{
    kt_json *json = kt_json_object(), *services = kt_json_array();
    for (size_t i = 0; i < parts->n; i++) {
        const kt_parts_service *s = &parts->services[i];
        kt_json *one = kt_json_put(kt_json_object(), "service", kt_json_string(s->name));
        kt_json_put(one, "part", kt_json_int(s->part));
        kt_json_append(services, kt_json_put(one, "data_sha256", kt_json_string(s->digest)));
    }
    kt_json_put(json, "part", kt_json_int(parts->part));
    kt_json_put(json, "parts", kt_json_int(parts->parts));
    kt_json_put(json, "services", services);
    kt_status status = kt_run_write(folder, KT_RUN_PARTS, json, lock, err);
    kt_json_drop(json);
    return status;
}

static kt_status take_service(kt_parts_service *s, const kt_json *json, int parts, const char *path,
                              kt_error *err)
{
    const char *name = kt_json_as_text(kt_json_get(json, "service"), "");
    const char *digest = kt_json_as_text(kt_json_get(json, "data_sha256"), "");
    int64_t part = kt_json_as_int(kt_json_get(json, "part"), 0);
    if (!*name || strlen(digest) != KT_DIGEST_HEX - 1 || part < 1 || part > parts)
        return kt_fail(err, KT_INPUT, "%s: service '%s' has no part of %d or no digest", path, name, parts);
    s->part = (int)part;
    memcpy(s->digest, digest, sizeof s->digest);
    return kt_strdup(&s->name, name, err);
}

kt_status kt_parts_read(kt_parts *parts, const char *folder, kt_error *err)
{
    kt_status status = KT_OK;
    kt_json *json = NULL;
    char *path = NULL;
    *parts = (kt_parts){.n = 0};
    KT_TRY(kt_path_join(&path, folder, KT_RUN_PARTS, err));
    KT_TRY(kt_json_read(&json, path, err));
    const kt_json *services = kt_json_get(json, "services");
    int64_t part = kt_json_as_int(kt_json_get(json, "part"), 0);
    int64_t all = kt_json_as_int(kt_json_get(json, "parts"), 0);
    if (part < 1 || part > all || all > KT_PARTS_MOST)
        KT_TRY(kt_fail(err, KT_INPUT, "%s: says part %lld of %lld", path, (long long)part, (long long)all));
    parts->part = (int)part;
    parts->parts = (int)all;
    KT_TRY(kt_alloc(&parts->services, kt_json_size(services), sizeof *parts->services, err));
    for (size_t i = 0; i < kt_json_size(services); i++) {
        parts->n++; /* so that what was read of it is cleared */
        KT_TRY(take_service(&parts->services[i], kt_json_at(services, i), parts->parts, path, err));
        if (i > 0 && strcmp(parts->services[i - 1].name, parts->services[i].name) >= 0)
            KT_TRY(kt_fail(err, KT_INPUT, "%s: service '%s' is not in order", path, parts->services[i].name));
    }
out:
    kt_json_drop(json);
    free(path);
    if (status != KT_OK)
        kt_parts_clear(parts);
    return status;
}

kt_status kt_parts_compare(const kt_parts *a, const kt_parts *b, const char *folder_a, const char *folder_b,
                           kt_error *err)
{
    if (a->parts != b->parts)
        return kt_fail(err, KT_INPUT, "%s holds one of %d parts, %s one of %d", folder_a, a->parts, folder_b,
                       b->parts);
    for (size_t i = 0; i < a->n || i < b->n; i++) {
        const kt_parts_service *x = i < a->n ? &a->services[i] : NULL, *y = i < b->n ? &b->services[i] : NULL;
        int order = !x ? 1 : !y ? -1 : strcmp(x->name, y->name);
        if (order != 0)
            return kt_fail(err, KT_INPUT, "%s was made of data with service %s, %s of data without it",
                           order < 0 ? folder_a : folder_b, order < 0 ? x->name : y->name,
                           order < 0 ? folder_b : folder_a);
        if (strcmp(x->digest, y->digest) != 0)
            return kt_fail(err, KT_INPUT, "%s and %s were made of other rows of service %s", folder_a,
                           folder_b, x->name);
        if (x->part != y->part)
            return kt_fail(err, KT_INPUT, "%s gives service %s to part %d, %s to part %d", folder_a, x->name,
                           x->part, folder_b, y->part);
    }
    return KT_OK;
}
