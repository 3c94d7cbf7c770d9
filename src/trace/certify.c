#include "kt/certify.h"

#include "kt/json.h"
#include <stdlib.h>
#include <string.h>

/* The keys of a certificate that do not depend on how a pull went. */
static const char *const kept[] = {"verdict", "reason", "since", "until"};

static kt_status summary(kt_json **out, const char *certificate, kt_error *err)
{
    kt_status status = KT_OK;
    kt_json *whole = NULL;
    *out = kt_json_object();
    if (!certificate) {
        kt_json_put(*out, "verdict", kt_json_string("none"));
        return KT_OK;
    }
    KT_TRY(kt_json_parse(&whole, certificate, strlen(certificate), "certificate", err));
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        if (kt_json_get(whole, kept[i]))
            kt_json_put(*out, kept[i], kt_json_keep(kt_json_get(whole, kept[i])));
out:
    kt_json_drop(whole);
    return status;
}

kt_status kt_samples_certify(kt_samples *samples, const kt_spans_papers *papers, kt_error *err)
{
    kt_status status = KT_OK;
    kt_json *cleaning = NULL, *certificate = NULL;
    char *text = NULL;
    KT_TRY(summary(&certificate, papers->certificate, err));
    if (samples->cleaning)
        KT_TRY(kt_json_parse(&cleaning, samples->cleaning, strlen(samples->cleaning), "cleaning", err));
    else
        cleaning = kt_json_object();
    kt_json_put(cleaning, "certificate", kt_json_keep(certificate));
    KT_TRY(kt_json_text(&text, cleaning, 0, err));
    free(samples->cleaning);
    samples->cleaning = text;
out:
    kt_json_drop(certificate);
    kt_json_drop(cleaning);
    return status;
}
