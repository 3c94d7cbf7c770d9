/* A small sweep's events, as a driver would tell them. */
#ifndef KT_SAMPLE_LEDGER_H
#define KT_SAMPLE_LEDGER_H

#include "kt/ledger.h"

/* Event i of the sweep, new reference; NULL behind the last. Without time. */
static kt_json *sample_event(size_t i)
{
    static const char *const lines[] = {
        "{\"event\":\"resumed\",\"ranks\":2}",
        "{\"event\":\"proposed\",\"trial\":0,\"first\":0,\"options\":{\"batch\":64,\"learning-rate\":0.1}}",
        "{\"event\":\"proposed\",\"trial\":1,\"first\":0,\"options\":{\"batch\":32,\"learning-rate\":0.003}}",
        "{\"event\":\"started\",\"trial\":0,\"rung\":0}",
        "{\"event\":\"started\",\"trial\":1,\"rung\":0}",
        "{\"event\":\"scored\",\"trial\":0,\"rung\":0,\"service\":\"cart\",\"fold\":0,\"value\":-1.25,"
        "\"steps\":100,\"seconds\":0.5}",
        "{\"event\":\"scored\",\"trial\":1,\"rung\":0,\"service\":\"cart\",\"fold\":0,"
        "\"reason\":\"the loss of step 7 is no number: {\\\"event\\\":\\\"x\",\"steps\":7,\"seconds\":0.25}",
        "{\"event\":\"preempted\",\"trial\":0,\"rung\":0}",
        "{\"event\":\"resumed\",\"ranks\":3}",
        "{\"event\":\"rung\",\"trial\":0,\"rung\":0,\"value\":-1.25}",
        "{\"event\":\"failed\",\"trial\":1,\"rung\":0,\"reason\":\"cart: the loss is no number\"}",
        "{\"event\":\"promoted\",\"trial\":0,\"rung\":0}",
        "{\"event\":\"scored\",\"trial\":0,\"rung\":1,\"service\":\"cart\",\"fold\":0,"
        "\"value\":-1.3999999999999999,\"steps\":300,\"seconds\":1}",
        "{\"event\":\"rung\",\"trial\":0,\"rung\":1,\"value\":-1.3999999999999999}",
        "{\"event\":\"won\",\"trial\":0,\"place\":0,\"value\":-1.3999999999999999}",
        "{\"event\":\"ended\",\"trials\":2,\"failures\":1}",
    };
    kt_json *event = NULL;
    if (i < sizeof lines / sizeof *lines)
        kt_json_parse(&event, lines[i], strlen(lines[i]), "sample", NULL);
    return event;
}

#endif
