#include "kt/kubetwin.h"

#include <stdio.h>
#include <stdlib.h>

/* A Ruby string in single quotes: nothing in it is run. */
static void put_text(FILE *out, const char *text)
{
    fputc('\'', out);
    for (; *text; text++) {
        if (*text == '\'' || *text == '\\')
            fputc('\\', out);
        fputc(*text, out);
    }
    fputc('\'', out);
}

/* As ERV::RandomVariable takes it. Seeds of their own keep alike components from drawing alike. */
static void put_mixture(FILE *out, const kt_mixture *mixture, size_t first_seed)
{
    const kt_erv_family *family = &kt_erv_families[mixture->family];
    fputs("{distribution: :mixture, args: [\n", out);
    for (int j = 0; j < mixture->n; j++)
        fprintf(out, "    {distribution: :%s, weight: %.17g, args: {%s: %.9g, %s: %.9g, seed: %zu}},\n",
                family->name, mixture->weight[j], family->parameter[0], mixture->concentration[j],
                family->parameter[1], mixture->scale[j], first_seed + (size_t)j);
    fputs("  ]}", out);
}

static void put_entry(FILE *out, const kt_kubetwin_entry *e, kt_branch branch, size_t first_seed)
{
    put_text(out, e->service);
    fprintf(out, " => {\n  # learned: %s\n  ",
            e->target == KT_TARGET_PROC_DELAY
                ? "processing time and delay of the call: no latency between services on top"
                : "processing time, without network");
    if (e->members > 1)
        fprintf(out, "# the best of %zu members; the distribution below is that of all\n  ", e->members);
    fputs(":mdn_file => ", out);
    put_text(out, e->model);
    if (branch == KT_BRANCH_MASTER)
        fprintf(out, ",\n  :rps => %.0f, # whole numbers only; this branch asks with 1 replica always",
                e->rps);
    else
        fprintf(out, ",\n  :rps => %.9g,%s\n  :replica => %.0f,", e->rps,
                branch == KT_BRANCH_CNSM ? " # this branch measures it" : "", e->rep);
    fputs("\n  # drawn where there is no :mdn_file, without Python: the model's answer at this point\n"
          "  :service_time_distribution => [:mec, :cloud].to_h { |type| [type, ",
          out);
    put_mixture(out, e->mixture, first_seed);
    fputs("] },\n  :resources_requirements_cpu => 1,\n  :resources_requirements_memory => 1,\n},\n", out);
}

kt_status kt_kubetwin_conf(char **text, kt_branch branch, const kt_kubetwin_entry *entries, size_t n,
                           kt_error *err)
{
    size_t bytes, seed = 1;
    *text = NULL;
    FILE *out = open_memstream(text, &bytes);
    if (!out)
        return kt_fail_errno(err, KT_MEMORY, "microservice_types");
    fprintf(
        out,
        "# microservice_types for KubeTwin, branch %s. Times are in seconds.\n"
        "# :rps and :replica are one point of load: set them to the load that is simulated. One name has one "
        ":replica.\n"
        "# Add :wait_for, :node_affinity and the resources of your cluster.\n"
        "microservice_types(\n",
        kt_branch_table[branch].name);
    for (size_t i = 0; i < n; i++) {
        put_entry(out, &entries[i], branch, seed);
        seed += (size_t)entries[i].mixture->n;
    }
    fputs(")\n", out);
    if (fclose(out) != 0) {
        free(*text);
        *text = NULL;
        return kt_fail_errno(err, KT_MEMORY, "microservice_types");
    }
    return KT_OK;
}
