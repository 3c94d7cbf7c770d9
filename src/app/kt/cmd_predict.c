/* kt predict: the mixture at a point, or at many. */
#include "command.h"
#include "kt/digits.h"
#include "kt/file.h"
#include "kt/h5.h"
#include "points.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PIECE = 16384, QUANTILES_MAX = 16, MIXTURES_VERSION = 1 };
#define MIXTURES_SCHEMA "kt-mixtures"

typedef struct {
    const char *service, *points, *out;
    command_point point;
    kt_texts grids, quantiles;
    bool json, help;
} predict_options;

#define AT(field) offsetof(predict_options, field)
static const kt_option options[] = {
    {"service", 's', KT_OPTION_TEXT, KT_CLASS_RUN, AT(service), 0, 0, NULL, NULL, "NAME",
     "whose model is asked", "Points"},
    COMMAND_POINT_OPTIONS(predict_options, point),
    {"grid", 0, KT_OPTION_TEXTS, KT_CLASS_RUN, AT(grids), 0, 0, NULL, NULL, "NAME=FROM:TO:STEP",
     "many points: one --grid for each feature", NULL},
    {"points", 0, KT_OPTION_TEXT, KT_CLASS_RUN, AT(points), 0, 0, NULL, NULL, "FILE.csv",
     "many points: a table with the features as columns", NULL},
    {"quantile", 0, KT_OPTION_TEXTS, KT_CLASS_RUN, AT(quantiles), 0, 0, NULL, NULL, "P",
     "another quantile, in (0, 1); may be repeated", "Output"},
    {"out", 'o', KT_OPTION_TEXT, KT_CLASS_RUN, AT(out), 0, 0, NULL, NULL, "FILE.h5",
     "many points: write HDF5 instead of CSV on standard output", NULL},
    {"json", 0, KT_OPTION_FLAG, KT_CLASS_RUN, AT(json), 0, 0, NULL, "false", NULL, "one point: print JSON",
     NULL},
    {"help", 'h', KT_OPTION_FLAG, KT_CLASS_RUN, AT(help), 0, 0, NULL, "false", NULL, "print this and exit",
     NULL},
    {NULL, 0, KT_OPTION_FLAG, KT_CLASS_RUN, 0, 0, 0, NULL, NULL, NULL, NULL, NULL}};

typedef struct {
    const predict_options *o;
    kt_archive archive;
    const kt_archive_entry *entry;
    kt_predictor *predictor;
    size_t n_quantiles;
    double quantile[QUANTILES_MAX];
} asked;

static kt_status read_quantiles(asked *a, const double *usual, size_t n_usual, kt_error *err)
{
    for (size_t i = 0; i < n_usual; i++)
        a->quantile[a->n_quantiles++] = usual[i];
    for (size_t i = 0; i < a->o->quantiles.n; i++) {
        double p;
        if (!command_number(&p, a->o->quantiles.text[i]) || p <= 0 || p >= 1)
            return kt_fail(err, KT_USAGE, "--quantile %s: a number in (0, 1) is wanted",
                           a->o->quantiles.text[i]);
        if (a->n_quantiles == QUANTILES_MAX)
            return kt_fail(err, KT_USAGE, "more than %d quantiles", QUANTILES_MAX);
        a->quantile[a->n_quantiles++] = p;
    }
    return KT_OK;
}

/* ---- one point ---- */

static kt_status print_point_json(const asked *a, const double *x, const kt_mixture *m, bool inside,
                                  kt_error *err)
{
    kt_json *json = kt_json_object(), *at = kt_json_object(), *quantiles = kt_json_object();
    for (int f = 0; f < a->archive.d; f++)
        kt_json_put(at, a->archive.feature[f], kt_json_real(x[f]));
    for (size_t q = 0; q < a->n_quantiles; q++) {
        char key[32];
        snprintf(key, sizeof key, "%g", a->quantile[q]);
        kt_json_put(quantiles, key, kt_json_real(kt_mixture_quantile(m, a->quantile[q])));
    }
    kt_json_put(json, "service", kt_json_string(a->entry->name));
    kt_json_put(json, "at", at);
    kt_json_put(json, "inside_hull", kt_json_bool(inside));
    kt_json_put(json, "family", kt_json_string(kt_family_table[m->family].name));
    if (a->entry->n_more > 0)
        kt_json_put(json, "members", kt_json_int((int64_t)kt_archive_members(a->entry)));
    kt_json_put(json, "weight", kt_json_reals(m->weight, (size_t)m->n));
    kt_json_put(json, "concentration", kt_json_reals(m->concentration, (size_t)m->n));
    kt_json_put(json, "scale", kt_json_reals(m->scale, (size_t)m->n));
    kt_json_put(json, "mean", kt_json_real(kt_mixture_mean(m)));
    return program_print_json(kt_json_put(json, "quantiles", quantiles), err);
}

static kt_status predict_point(asked *a, kt_error *err)
{
    static const double usual[] = {0.5, 0.95, 0.99};
    kt_status status = KT_OK;
    double x[KT_FEATURES_MAX];
    KT_TRY(read_quantiles(a, usual, sizeof usual / sizeof *usual, err));
    KT_TRY(command_point_read(x, &a->archive, &a->o->point, err));
    kt_mixture m = kt_predict_point(a->predictor, x);
    bool inside = kt_predictor_inside(a->predictor, x);
    if (a->o->json)
        return print_point_json(a, x, &m, inside, err);
    printf("%s:", a->entry->name);
    for (int f = 0; f < a->archive.d; f++)
        printf(" %s %g%s", a->archive.feature[f], x[f], f + 1 < a->archive.d ? "," : "\n");
    printf("%s the hull of the training cells%s\n", inside ? "inside" : "OUTSIDE",
           inside ? "" : ": do not trust it");
    printf("mean  %.6g s\n", kt_mixture_mean(&m));
    for (size_t q = 0; q < a->n_quantiles; q++)
        printf("p%-4g %.6g s\n", 100 * a->quantile[q], kt_mixture_quantile(&m, a->quantile[q]));
    printf("%-10s weight, concentration, scale", kt_family_table[m.family].name);
    if (a->entry->n_more > 0)
        printf("; an ensemble of %zu, the best member's first", kt_archive_members(a->entry));
    putchar('\n');
    for (int j = 0; j < m.n; j++)
        printf("  %.8g, %.8g, %.8g\n", m.weight[j], m.concentration[j], m.scale[j]);
out:
    return status;
}

/* ---- many points ---- */

static double quantile_of(const asked *a, const float *mixture, double p)
{
    double w[KT_MIXTURE_MAX], c[KT_MIXTURE_MAX], s[KT_MIXTURE_MAX], sum = 0;
    int K = kt_predictor_components(a->predictor);
    for (int j = 0; j < K; j++) {
        w[j] = (double)mixture[j];
        c[j] = (double)mixture[K + j];
        s[j] = (double)mixture[2 * K + j];
        sum += w[j];
    }
    for (int j = 0; j < K; j++)
        w[j] /= sum;
    kt_mixture m = {kt_predictor_family(a->predictor), K, w, c, s};
    return kt_mixture_quantile(&m, p);
}

static void print_header(const asked *a)
{
    static const char *const parts[] = {"weight", "concentration", "scale"};
    for (int f = 0; f < a->archive.d; f++)
        printf("%s,", a->archive.feature[f]);
    printf("inside");
    for (size_t q = 0; q < a->n_quantiles; q++)
        printf(",p%g", 100 * a->quantile[q]);
    for (int part = 0; part < 3; part++)
        for (int j = 0; j < kt_predictor_components(a->predictor); j++)
            printf(",%s_%d", parts[part], j);
    putchar('\n');
}

static kt_status print_piece(const asked *a, const double *x, const float *mixtures, size_t n, kt_error *err)
{
    enum { NUMBERS = KT_FEATURES_MAX + 1 + QUANTILES_MAX + 3 * KT_MIXTURE_MAX };
    char line[NUMBERS * (KT_DIGITS + 1)];
    size_t d = (size_t)a->archive.d, width = 3 * (size_t)kt_predictor_components(a->predictor);
    for (size_t i = 0; i < n; i++) {
        const double *point = x + i * d;
        const float *mixture = mixtures + i * width;
        char *end = line;
        for (size_t f = 0; f < d; f++) {
            end = kt_digits_double(end, point[f]);
            *end++ = ',';
        }
        *end++ = kt_predictor_inside(a->predictor, point) ? '1' : '0';
        for (size_t q = 0; q < a->n_quantiles; q++)
            end += sprintf(end, ",%.9g", quantile_of(a, mixture, a->quantile[q]));
        for (size_t j = 0; j < width; j++) {
            *end++ = ',';
            end = kt_digits_float(end, mixture[j]);
        }
        *end++ = '\n';
        size_t bytes = (size_t)(end - line);
        if (fwrite(line, 1, bytes, stdout) != bytes)
            return kt_fail_errno(err, KT_IO, "cannot write the output");
    }
    return KT_OK;
}

/* What is computed for PIECE points. */
typedef struct {
    float *mixtures, *part; /* [PIECE, 3, K] and [PIECE, K] */
    uint8_t *inside;        /* [PIECE] */
    double *quantile;       /* [PIECE, n_quantiles] */
} piece;

/* Parts of [n, 3, K] as datasets of their own. */
static kt_status write_piece(kt_h5 *file, const asked *a, const double *x, const piece *out, size_t at,
                             size_t n, kt_error *err)
{
    static const char *const parts[] = {"weight", "concentration", "scale"};
    kt_status status = KT_OK;
    size_t d = (size_t)a->archive.d, K = (size_t)kt_predictor_components(a->predictor), Q = a->n_quantiles;
    for (size_t i = 0; i < n; i++) {
        out->inside[i] = kt_predictor_inside(a->predictor, x + i * d);
        for (size_t q = 0; q < Q; q++)
            out->quantile[i * Q + q] = quantile_of(a, out->mixtures + i * 3 * K, a->quantile[q]);
    }
    KT_TRY(kt_h5_put_rows(file, "x", KT_H5_F64, at, n, x, err));
    KT_TRY(kt_h5_put_rows(file, "inside", KT_H5_U8, at, n, out->inside, err));
    if (Q > 0)
        KT_TRY(kt_h5_put_rows(file, "quantile", KT_H5_F64, at, n, out->quantile, err));
    for (size_t p = 0; p < 3; p++) {
        for (size_t i = 0; i < n; i++)
            memcpy(out->part + i * K, out->mixtures + (3 * i + p) * K, K * sizeof *out->part);
        KT_TRY(kt_h5_put_rows(file, parts[p], KT_H5_F32, at, n, out->part, err));
    }
out:
    return status;
}

static kt_status begin_file(kt_h5 *file, const asked *a, size_t n, kt_error *err)
{
    kt_status status = KT_OK;
    size_t K = (size_t)kt_predictor_components(a->predictor);
    KT_TRY(kt_h5_put_schema(file, MIXTURES_SCHEMA, MIXTURES_VERSION, err));
    KT_TRY(kt_h5_put_text(file, "service", a->entry->name, err));
    KT_TRY(kt_h5_put_text(file, "family", kt_family_table[kt_predictor_family(a->predictor)].name, err));
    KT_TRY(kt_h5_reserve(file, "x", KT_H5_F64, n, (size_t)a->archive.d, err));
    KT_TRY(kt_h5_reserve(file, "inside", KT_H5_U8, n, 0, err));
    if (a->n_quantiles > 0) {
        KT_TRY(kt_h5_put(file, "level", KT_H5_F64, a->n_quantiles, 0, a->quantile, err));
        KT_TRY(kt_h5_reserve(file, "quantile", KT_H5_F64, n, a->n_quantiles, err));
    }
    KT_TRY(kt_h5_reserve(file, "weight", KT_H5_F32, n, K, err));
    KT_TRY(kt_h5_reserve(file, "concentration", KT_H5_F32, n, K, err));
    KT_TRY(kt_h5_reserve(file, "scale", KT_H5_F32, n, K, err));
out:
    return status;
}

/* file NULL: CSV on standard output. */
static kt_status predict_all(kt_h5 *file, asked *a, const points *p, kt_error *err)
{
    kt_status status = KT_OK;
    size_t d = (size_t)a->archive.d, K = (size_t)kt_predictor_components(a->predictor);
    piece out = {0};
    KT_TRY(kt_alloc(&out.mixtures, PIECE * 3 * K, sizeof *out.mixtures, err));
    KT_TRY(kt_alloc(&out.part, PIECE * K, sizeof *out.part, err));
    KT_TRY(kt_alloc(&out.inside, PIECE, sizeof *out.inside, err));
    KT_TRY(kt_alloc(&out.quantile, PIECE * a->n_quantiles, sizeof *out.quantile, err));
    for (size_t at = 0; at < p->n; at += PIECE) {
        size_t n = p->n - at < PIECE ? p->n - at : PIECE;
        const double *x = p->x + at * d;
        kt_predict(out.mixtures, a->predictor, x, n);
        KT_TRY(file ? write_piece(file, a, x, &out, at, n, err) : print_piece(a, x, out.mixtures, n, err));
    }
out:
    free(out.mixtures);
    free(out.part);
    free(out.inside);
    free(out.quantile);
    return status;
}

static kt_status write_file(asked *a, const points *p, kt_error *err)
{
    kt_status status = KT_OK;
    kt_h5 *file = NULL;
    char *temporary = NULL;
    KT_TRY(kt_file_temporary(&temporary, a->o->out, err));
    KT_TRY(kt_h5_create(&file, temporary, 0, err));
    KT_TRY(begin_file(file, a, p->n, err));
    KT_TRY(predict_all(file, a, p, err));
    status = kt_h5_close(file, err);
    file = NULL;
    KT_TRY(status);
    KT_TRY(kt_file_commit(temporary, a->o->out, NULL, err));
out:
    kt_h5_close(file, NULL);
    if (status != KT_OK && temporary)
        kt_file_discard(temporary);
    free(temporary);
    return status;
}

static kt_status predict_many(asked *a, kt_error *err)
{
    kt_status status = KT_OK;
    points p = {0};
    KT_TRY(read_quantiles(a, NULL, 0, err));
    if (a->o->points)
        KT_TRY(points_from_file(&p, &a->archive, a->o->points, err));
    else
        KT_TRY(points_from_grids(&p, &a->archive, &a->o->grids, err));
    if (a->o->out) {
        KT_TRY(write_file(a, &p, err));
    } else {
        print_header(a);
        KT_TRY(predict_all(NULL, a, &p, err));
    }
out:
    points_clear(&p);
    return status;
}

/* An option that would do nothing is refused rather than ignored. */
static kt_status check_together(const predict_options *o, kt_error *err)
{
    bool many = o->points || o->grids.n > 0;
    if (o->points && o->grids.n > 0)
        return kt_fail(err, KT_USAGE, "--points and --grid: one of them");
    if (many && o->json)
        return kt_fail(err, KT_USAGE, "--json is for one point; many give CSV, or HDF5 with --out");
    if (!many && o->out)
        return kt_fail(err, KT_USAGE, "--out is for many points (--grid, --points)");
    return KT_OK;
}

static kt_status run(void *given, const char *const *paths, size_t n, kt_error *err)
{
    kt_status status = KT_OK;
    asked a = {.o = given};
    kt_isa isa;
    (void)n;
    KT_TRY(check_together(a.o, err));
    KT_TRY(command_isa(&isa, err));
    KT_TRY(kt_archive_read(&a.archive, paths[0], err));
    KT_TRY(command_entry(&a.entry, &a.archive, a.o->service, err));
    KT_TRY(kt_archive_predictor(&a.predictor, a.entry, isa, err));
    KT_TRY(a.o->points || a.o->grids.n > 0 ? predict_many(&a, err) : predict_point(&a, err));
out:
    kt_predictor_destroy(a.predictor);
    kt_archive_clear(&a.archive);
    return status;
}

const kt_command command_predict = {
    .name = "predict",
    .summary = "Asks a model for the mixture at one point or many",
    .usage = "ARCHIVE --service S --rps R --rep N | --grid ... | --points FILE.csv",
    .about =
        "One point: mean, quantiles and mixture, in seconds. Many: a line of CSV each, or HDF5 with --out.\n"
        "Gamma's scale is a rate (1/s), as in KubeTwin and TensorFlow Probability. An ensemble's answer is "
        "the mixture of\n"
        "its members' mixtures, the best member's components first.\n",
    .options = options,
    .size = sizeof(predict_options),
    .least = 1,
    .most = 1,
    .run = run,
};
