#include "axes.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static bool parse(kt_axis *axis, const char *text)
{
    int used = 0;
    kt_axis a = {.step = 1};
    int fields = sscanf(text, "%lf%n:%lf%n:%lf%n", &a.from, &used, &a.to, &used, &a.step, &used);
    if (fields == 1)
        a.to = a.from;
    *axis = a;
    return fields >= 1 && text[used] == '\0' && isfinite(a.from) && isfinite(a.to) && a.step > 0 &&
           isfinite(a.step) && a.to >= a.from;
}

kt_status axis_read(kt_axis *axis, const char *option, const char *text, kt_error *err)
{
    if (parse(axis, text))
        return KT_OK;
    return kt_fail(err, KT_USAGE, "%s %s: FROM:TO:STEP with FROM <= TO and STEP > 0 is wanted", option, text);
}

kt_status axes_read(kt_axis *rps, kt_axis *rep, const kt_texts *grids, kt_error *err)
{
    *rps = *rep = (kt_axis){.step = 0};
    for (size_t i = 0; i < grids->n; i++) {
        const char *text = grids->text[i];
        kt_axis *axis = strncmp(text, "rps=", 4) == 0 ? rps : strncmp(text, "rep=", 4) == 0 ? rep : NULL;
        if (!axis)
            return kt_fail(err, KT_USAGE, "--grid %s: rps=FROM:TO:STEP or rep=FROM:TO:STEP is wanted", text);
        if (axis->step > 0)
            return kt_fail(err, KT_USAGE, "--grid %s: %.3s is given twice", text, text);
        if (!parse(axis, text + 4))
            return kt_fail(err, KT_USAGE, "--grid %s: FROM:TO:STEP with FROM <= TO and STEP > 0 is wanted",
                           text);
    }
    return KT_OK;
}
