/* Plans as tests write them. */
#ifndef KT_TEST_CAMPAIGN_JSON_H
#define KT_TEST_CAMPAIGN_JSON_H

#include "kt/campaign.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Text with ' for ", to save the reader backslashes. */
static inline kt_json *json(const char *text)
{
    kt_json *value = NULL;
    kt_error err = {0};
    char *copy = NULL;
    assert_int_equal(kt_strdup(&copy, text, NULL), KT_OK);
    for (char *c = copy; *c; c++)
        *c = *c == '\'' ? '"' : *c;
    if (kt_json_parse(&value, copy, strlen(copy), "plan.json", &err) != KT_OK)
        fail_msg("%s", err.message);
    free(copy);
    return value;
}

#endif
