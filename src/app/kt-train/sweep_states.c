/* States of fits by name: a search tree of the C library. */
#include "sweep.h"
#include <search.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    char *name; /* first: what is compared */
    char *bytes;
    size_t n;
} entry;

struct sweep_states {
    void *root;
};

static int by_name(const void *a, const void *b)
{
    return strcmp(((const entry *)a)->name, ((const entry *)b)->name);
}

static void entry_free(void *of)
{
    entry *e = of;
    if (!e)
        return;
    free(e->name);
    free(e->bytes);
    free(e);
}

static entry *find(const sweep_states *states, const char *name)
{
    const entry key = {.name = (char *)(uintptr_t)name};
    void *const *found = states ? tfind(&key, &states->root, by_name) : NULL;
    return found ? *found : NULL;
}

static kt_status add(entry **out, sweep_states *states, const char *name, kt_error *err)
{
    kt_status status = KT_OK;
    entry *e = NULL;
    KT_TRY(kt_alloc(&e, 1, sizeof *e, err));
    KT_TRY(kt_strdup(&e->name, name, err));
    if (!tsearch(e, &states->root, by_name))
        KT_TRY(kt_fail(err, KT_MEMORY, "out of memory"));
    *out = e;
    e = NULL;
out:
    entry_free(e);
    return status;
}

kt_status sweep_states_put(sweep_states **states, const char *name, const char *bytes, size_t n,
                           kt_error *err)
{
    kt_status status = KT_OK;
    char *copy = NULL;
    if (!*states)
        KT_TRY(kt_alloc(states, 1, sizeof **states, err));
    KT_TRY(kt_alloc(&copy, n, 1, err));
    memcpy(copy, bytes, n);
    entry *e = find(*states, name);
    if (!e)
        KT_TRY(add(&e, *states, name, err));
    free(e->bytes);
    e->bytes = copy;
    e->n = n;
    copy = NULL;
out:
    free(copy);
    return status;
}

const char *sweep_states_get(const sweep_states *states, const char *name, size_t *n)
{
    const entry *e = find(states, name);
    *n = e ? e->n : 0;
    return e ? e->bytes : NULL;
}

void sweep_states_drop(sweep_states *states, const char *name)
{
    entry *e = find(states, name);
    if (!e)
        return;
    tdelete(e, &states->root, by_name);
    entry_free(e);
}

typedef struct {
    kt_checkpoint *checkpoint;
    kt_status status;
    kt_error *err;
} keeper;

static void keep(const void *node, VISIT visit, void *closure)
{
    const entry *e = *(entry *const *)node;
    keeper *k = closure;
    if ((visit == postorder || visit == leaf) && k->status == KT_OK)
        k->status = kt_checkpoint_add(k->checkpoint, KT_KEPT_TRIAL, e->name, e->bytes, e->n, k->err);
}

kt_status sweep_states_keep(const sweep_states *states, kt_checkpoint *checkpoint, kt_error *err)
{
    keeper k = {checkpoint, KT_OK, err};
    if (states)
        twalk_r(states->root, keep, &k);
    return k.status;
}

void sweep_states_destroy(sweep_states *states)
{
    if (states)
        tdestroy(states->root, entry_free);
    free(states);
}
