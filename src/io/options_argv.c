#include "kt/options.h"

#include "options_private.h"
#include <stdlib.h>
#include <string.h>

/* A reader of a command line. */
typedef struct {
    const kt_option *table;
    int argc, next;
    char **argv;
    kt_json *given;
} reader;

static kt_status put(reader *r, const kt_option *option, const char *text, kt_option_place at, kt_error *err)
{
    kt_status status = KT_OK;
    kt_json *value = NULL, *before = kt_json_get(r->given, option->name);
    KT_TRY(kt_option_typed(&value, option, text, at, err));
    if (option->type == KT_OPTION_TEXTS && before) {
        kt_json *added = kt_json_keep(kt_json_at(value, 0));
        kt_json_drop(value);
        value = kt_json_append(kt_json_keep(before), added);
    }
    KT_TRY(kt_option_judge(option, value, at, err));
    kt_json_put(r->given, option->name, value);
    value = NULL;
out:
    kt_json_drop(value);
    return status;
}

/* The value after an option: what was written together with it, else the next argument. */
static kt_status take(const char **text, reader *r, const char *attached, kt_option_place at, kt_error *err)
{
    *text = attached;
    if (attached)
        return KT_OK;
    if (r->next == r->argc)
        return kt_fail(err, KT_USAGE, KT_PLACE ": a value is missing", KT_SAY(at));
    *text = r->argv[r->next++];
    return KT_OK;
}

/* --name, --name value, --name=value, --no-name */
static kt_status read_long(reader *r, const char *argument, kt_error *err)
{
    kt_status status = KT_OK;
    size_t n = strcspn(argument, "=");
    const char *attached = argument[n] == '=' ? argument + n + 1 : NULL, *text = NULL;
    char *name = NULL;
    KT_TRY(kt_format(&name, err, "%.*s", (int)n, argument));
    kt_option_place at = {"", "--", name};
    const kt_option *option = kt_option_find(r->table, name, n);
    if (!option && strncmp(name, "no-", 3) == 0 && !attached) {
        option = kt_option_find(r->table, name + 3, n - 3);
        if (option && option->type == KT_OPTION_FLAG)
            attached = "false";
        else
            option = NULL;
    }
    if (!option) {
        status = kt_option_unknown(r->table, at, err);
        goto out;
    }
    if (option->type == KT_OPTION_FLAG && !attached)
        attached = "true";
    KT_TRY(take(&text, r, attached, at, err));
    KT_TRY(put(r, option, text, at, err));
out:
    free(name);
    return status;
}

/* -k 4, -k4; flags may share a dash: -qv */
static kt_status read_letters(reader *r, const char *letters, kt_error *err)
{
    kt_status status = KT_OK;
    for (const char *letter = letters; *letter; letter++) {
        const kt_option *option = r->table;
        char name[] = {*letter, '\0'};
        kt_option_place at = {"", "-", name};
        const char *text = NULL;
        while (option->name && option->letter != *letter)
            option++;
        if (!option->name) {
            status = kt_fail(err, KT_USAGE, "unknown option -%s", name);
            goto out;
        }
        if (option->type == KT_OPTION_FLAG) {
            KT_TRY(put(r, option, "true", at, err));
            continue;
        }
        KT_TRY(take(&text, r, letter[1] ? letter + 1 : NULL, at, err));
        KT_TRY(put(r, option, text, at, err));
        break;
    }
out:
    return status;
}

kt_status kt_options_argv(kt_json **given, const char **operands, size_t *n_operands, const kt_option *table,
                          int argc, char **argv, kt_error *err)
{
    kt_status status = KT_OK;
    reader r = {.table = table, .argc = argc, .next = 1, .argv = argv, .given = kt_json_object()};
    bool ended = false;
    *given = NULL;
    *n_operands = 0;
    while (r.next < argc) {
        const char *argument = argv[r.next++];
        if (ended || argument[0] != '-' || argument[1] == '\0')
            operands[(*n_operands)++] = argument;
        else if (strcmp(argument, "--") == 0)
            ended = true;
        else if (argument[1] == '-')
            KT_TRY(read_long(&r, argument + 2, err));
        else
            KT_TRY(read_letters(&r, argument + 1, err));
    }
    status = kt_option_hand_out(given, r.given, err);
    r.given = NULL;
out:
    kt_json_drop(r.given);
    return status;
}
