/* What KubeTwin and ERV do with a model, and the tables and the contract that follow from it. Expected values
 * are by hand, from the sources named in kt/kubetwin.h. */
#include "../scratch.h"
#include "kt/contract.h"
#include "kt/file.h"
#include "kt/grid.h"
#include "kt/kubetwin.h"
#include "sample_archive.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define GOOD(call) assert_int_equal(call, KT_OK)

/* ---- branches ---- */

static void test_asks(void **state)
{
    /* branch, rps, arrivals, rep -> asked */
    static const double cases[][6] = {
        {KT_BRANCH_APPLICATION, 12.5, 40, 3, 12.5, 3},
        {KT_BRANCH_APPLICATION, 0, 0, 2, 0, 2},
        {KT_BRANCH_MASTER, 12.5, 40, 3, 12, 1},
        {KT_BRANCH_CNSM, 7, 1, 1, 10, 1},
        {KT_BRANCH_CNSM, 7, 1.01, 1, 20, 1},
        {KT_BRANCH_CNSM, 7, 4, 2, 20, 2},
        {KT_BRANCH_CNSM, 7, 6, 2, 30, 2},
        {KT_BRANCH_CNSM, 7, 6.1, 2, 34, 2},
        {KT_BRANCH_CNSM, 7, 500, 2, 34, 2},
        {KT_BRANCH_CNSM, 0, 0, 2, 10, 2},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double asked[2];
        const double *c = cases[i];
        kt_branch_table[(int)c[0]].ask(asked, c[1], c[2], c[3]);
        assert_true(asked[0] == c[4] && asked[1] == c[5]);
    }
    for (size_t r = 0; r < KT_CNSM_RATES; r++) { /* the list of rates is the rule's */
        double asked[2], top = fmin(kt_cnsm_rates[r].up_to, 1000);
        kt_branch_table[KT_BRANCH_CNSM].ask(asked, 0, top, 1);
        assert_true(asked[0] == kt_cnsm_rates[r].asked);
        kt_branch_table[KT_BRANCH_CNSM].ask(asked, 0, kt_cnsm_rates[r].above + 1e-9, 1);
        assert_true(asked[0] == kt_cnsm_rates[r].asked);
    }
}

static void test_serving(void **state)
{
    static const char report[] =
        "{\"rps_of\":\"%s\",\"services\":["
        "{\"service\":\"a\",\"queue\":{\"rule\":\"fifo\",\"workers\":1,\"concurrency\":1.3},"
        "\"cells\":[{\"rows\":100,\"visits_per_request\":2},{\"rows\":300,\"visits_per_request\":1},"
        "{\"rows\":9,\"visits_per_request\":null}]},"
        "{\"service\":\"b\",\"queue\":{\"rule\":\"none\",\"workers\":1,\"concurrency\":2.5},\"cells\":[]},"
        "{\"service\":\"c\",\"queue\":{\"rule\":\"fifo\",\"workers\":4,\"concurrency\":2.5},\"cells\":[]}]}";
    char entry[sizeof report + 16], own[sizeof report + 16];
    kt_serving s;
    (void)state;
    snprintf(entry, sizeof entry, report, "entry");
    snprintf(own, sizeof own, report, "service");
    GOOD(kt_serving_read(&s, entry, "a", NULL));
    assert_true(s.visits == 1.25 && s.at_a_time == 1);
    GOOD(kt_serving_read(&s, own, "a", NULL));
    assert_true(s.visits == 1);
    GOOD(kt_serving_read(&s, entry, "b", NULL));
    assert_true(isnan(s.visits) && s.at_a_time == 2.5);
    GOOD(kt_serving_read(&s, entry, "c", NULL));
    assert_true(s.at_a_time == 4);
    GOOD(kt_serving_read(&s, entry, "d", NULL));
    assert_true(isnan(s.visits) && isnan(s.at_a_time));
    GOOD(kt_serving_read(&s, NULL, "a", NULL));
    assert_true(isnan(s.visits) && isnan(s.at_a_time));
}

/* ---- ERV ---- */

/* Its search for the component of a draw x in [0, 1); n: it ran over the last. */
static int erv_component(const double *weight, int n, double x)
{
    double sum = 0;
    int i = 0;
    for (int j = 0; j < n; j++)
        sum += weight[j];
    for (; i < n && x > weight[i] / sum; i++)
        x -= weight[i] / sum;
    return i;
}

static void test_erv(void **state)
{
    kt_rng rng;
    (void)state;
    kt_rng_init(&rng, 1, 1, KT_RNG_SAMPLE, 0, 0);
    for (int round = 0; round < 2000; round++) {
        double w[KT_MIXTURE_MAX], one[KT_MIXTURE_MAX], got[KT_MIXTURE_MAX], c[KT_MIXTURE_MAX],
            s[KT_MIXTURE_MAX];
        int n = 2 + round % (KT_MIXTURE_MAX - 1);
        double total = 0, sum = 0;
        for (int j = 0; j < n; j++) {
            w[j] = exp(8 * kt_rng_normal(&rng));
            one[j] = 1 + j;
            total += w[j];
        }
        for (int j = 0; j < n; j++)
            w[j] /= total;
        const kt_mixture m = {KT_WEIBULL, n, w, one, one};
        assert_int_equal(kt_erv_mixture(got, c, s, &m), n);
        for (int j = 0; j < n; j++) {
            sum += got[j];
            assert_true(fabs(got[j] - w[j]) <= 0x1p-30 && got[j] >= 0);
            assert_true(got[j] * 0x1p30 == floor(got[j] * 0x1p30) && c[j] == one[j] && s[j] == one[j]);
        }
        assert_true(sum == 1);
        assert_true(erv_component(got, n, 1 - 0x1p-53) < n);
    }
}

static void test_erv_single(void **state)
{
    const double w = 1, k = 3, l = 0.02;
    const kt_mixture m = {KT_WEIBULL, 1, &w, &k, &l};
    double weight[KT_MIXTURE_MAX], c[KT_MIXTURE_MAX], s[KT_MIXTURE_MAX];
    (void)state;
    assert_int_equal(kt_erv_mixture(weight, c, s, &m), 2);
    assert_true(weight[0] == 1 && weight[1] == 0 && c[1] == k && s[1] == l);
    assert_int_equal(erv_component(weight, 2, 1 - 0x1p-53), 0);
}

static void test_conf(void **state)
{
    const double w[] = {0.25, 0.75}, a[] = {2, 3}, b[] = {100, 200};
    const kt_mixture m = {KT_GAMMA, 2, w, a, b};
    kt_kubetwin_entry e = {"it's #{x}", "/a/b.keras", 20, 2, KT_TARGET_PROC_DELAY, 1, &m};
    char *text = NULL;
    (void)state;
    GOOD(kt_kubetwin_conf(&text, KT_BRANCH_MASTER, &e, 1, NULL));
    assert_non_null(strstr(text, "'it\\'s #{x}' => {"));
    assert_non_null(strstr(text, ":mdn_file => '/a/b.keras'"));
    assert_non_null(strstr(text, "no latency between services on top"));
    assert_non_null(
        strstr(text, "{distribution: :gamma, weight: 0.25, args: {shape: 2, scale: 100, seed: 1}}"));
    assert_null(strstr(text, ":replica =>")); /* master has none */
    assert_null(strstr(text, "members"));
    free(text);
    e.members = 3;
    GOOD(kt_kubetwin_conf(&text, KT_BRANCH_APPLICATION, &e, 1, NULL));
    assert_non_null(strstr(text, ":replica => 2"));
    assert_non_null(strstr(text, "\n  # the best of 3 members; the distribution below is that of all\n"));
    free(text);
}

/* ---- tables ---- */

static void test_points(void **state)
{
    const double corners[] = {4.8, 1, 43, 1, 124, 4};
    const kt_axis none = {.step = 0}, some = {10, 20, 2.5}, one = {2, 2, 1}, many = {0, 1e9, 1e-3};
    kt_hull hull;
    double *at;
    size_t n;
    (void)state;
    GOOD(kt_hull_create(&hull, corners, 3, 2, NULL));
    GOOD(kt_grid_points(&at, &n, &hull, &none, &none, NULL)); /* 6 to 124 by 2; 1 to 4 */
    assert_int_equal(n, 60 * 4);
    assert_true(at[0] == 6 && at[1] == 1 && at[3] == 2 && at[2 * n - 2] == 124 && at[2 * n - 1] == 4);
    free(at);
    GOOD(kt_grid_points(&at, &n, &hull, &some, &one, NULL));
    assert_int_equal(n, 5);
    assert_true(at[8] == 20 && at[9] == 2 && at[2] == 12.5);
    free(at);
    assert_int_equal(kt_grid_points(&at, &n, &hull, &many, &one, NULL), KT_USAGE);
    kt_hull_clear(&hull);
}

static void check_equal(const kt_grid *a, const kt_grid *b)
{
    size_t width = 3 * (size_t)a->components;
    assert_string_equal(a->service, b->service);
    assert_int_equal(a->family, b->family);
    assert_int_equal(a->components, b->components);
    assert_int_equal(a->n, b->n);
    assert_memory_equal(a->at, b->at, 2 * a->n * sizeof *a->at);
    assert_memory_equal(a->inside, b->inside, a->n);
    for (size_t i = 0; i < a->n * width; i++) /* weights as they are, parameters to the digits of a float */
        assert_true(fabs(a->mixture[i] - b->mixture[i]) <=
                    (i % width < (size_t)a->components ? 0 : 1e-7 * fabs(a->mixture[i])));
}

/* Every family in the plain form, weibull and gamma in ERV's: written, read, the same. */
static void check_tables(void (*make)(kt_archive *archive), kt_grid_form form)
{
    static const double at[] = {0, 1, 12.5, 2, 34, 3, 40, 9};
    const kt_serving serving = {1.5, NAN};
    kt_archive archive;
    kt_grid grids[5] = {{0}}, *read;
    kt_branch branch;
    size_t n = 0, n_read;
    make(&archive);
    for (size_t i = 0; i < archive.n_entries; i++)
        if (form == KT_GRID_PLAIN || kt_erv_families[archive.entries[i].fitted.model.net.family].name)
            GOOD(kt_grid_make(&grids[n++], &archive.entries[i], &serving, at, 4, form, KT_ISA_GENERIC, NULL));
    assert_int_equal(n, form == KT_GRID_PLAIN ? 5 : 3);
    assert_true(grids[0].inside[1] && !grids[0].inside[0] && !grids[0].inside[3]);
    for (int json = 0; json < 2; json++) {
        const char *path = json ? "t.json" : "t.csv";
        remove(path);
        GOOD(json
                 ? kt_grid_write_json(path, grids, n, form,
                                      form == KT_GRID_ERV ? kt_branch_table[KT_BRANCH_CNSM].name : NULL, NULL)
                 : kt_grid_write_csv(path, grids, n, form, NULL));
        GOOD(kt_grid_read(&read, &n_read, &branch, path, NULL));
        assert_int_equal(n_read, n);
        assert_int_equal(branch, json && form == KT_GRID_ERV ? KT_BRANCH_CNSM : KT_BRANCHES);
        for (size_t i = 0; i < n; i++) {
            check_equal(&grids[i], &read[i]);
            assert_true(!json || (read[i].serving.visits == 1.5 && read[i].target == KT_TARGET_PROC_DELAY &&
                                  read[i].hull.n == grids[i].hull.n));
            kt_grid_clear(&read[i]);
        }
        free(read);
    }
    for (size_t i = 0; i < n; i++)
        kt_grid_clear(&grids[i]);
    kt_archive_clear(&archive);
}

static void test_tables(void **state)
{
    (void)state;
    check_tables(sample_archive, KT_GRID_PLAIN);
    check_tables(sample_archive, KT_GRID_ERV);
    check_tables(sample_ensembles, KT_GRID_PLAIN);
    check_tables(sample_ensembles, KT_GRID_ERV);
}

static void test_tables_bad(void **state)
{
    static const struct {
        const char *text, *words;
    } cases[] = {
        {"a,b\n", ":1: no table"},
        {"service,rps,rep,inside,component,distribution,weight,shape,height\n", "'height'"},
        {"service,rps,rep,inside,component,distribution,weight,shape,scale\n", "no service"},
        {"service,rps,rep,inside,component,distribution,weight,shape,scale\ns,1,1,1,1,weibull,1,2\n", ":2:"},
        {"service,rps,rep,inside,component,distribution,weight,shape,scale\ns,x,1,1,1,weibull,1,2,3\n",
         "'x'"},
        {"service,rps,rep,inside,component,distribution,weight,shape,scale\ns,1,1,1,1,cauchy,1,2,3\n",
         "cauchy"},
        {"service,rps,rep,inside,component,distribution,weight,shape,scale\ns,1,1,1,2,weibull,1,2,3\n",
         ":2:"},
        {"{\"schema\":\"kt-other\"}", "kt-other"},
        {"{\"schema\":\"kt-mixtures\",\"version\":99,\"form\":\"erv\"}", "version 99"},
        {"{\"schema\":\"kt-mixtures\",\"version\":1,\"form\":\"erv\",\"services\":[{\"service\":\"s\"}]}",
         "service s"},
        {"{", "t:1:"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        kt_grid *grids;
        size_t n;
        kt_branch branch;
        kt_error err = {0};
        GOOD(kt_file_write("t", cases[i].text, strlen(cases[i].text), NULL));
        assert_int_not_equal(kt_grid_read(&grids, &n, &branch, "t", &err), KT_OK);
        if (!strstr(err.message, cases[i].words))
            fail_msg("no '%s' in: %s", cases[i].words, err.message);
        assert_null(grids);
    }
}

/* ---- the contract ---- */

/* Two exponential components of mean 0.1 s at (5, 1) and (8, 2), inside. */
typedef struct {
    kt_grid grid;
    double at[4], load[4], mixture[12];
    uint8_t inside[2];
} subject;

static void make_subject(subject *s)
{
    *s = (subject){
        .at = {5, 1, 8, 2},
        .load = {5, 1, 8, 2},
        .inside = {1, 1},
        .mixture = {0.25, 0.75, 1, 1, 0.1, 0.1, 0.5, 0.5, 1, 1, 0.1, 0.1},
    };
    s->grid = (kt_grid){.service = (char *)"s",
                        .family = KT_WEIBULL,
                        .serving = {1, 1},
                        .components = 2,
                        .n = 2,
                        .at = s->at,
                        .inside = s->inside,
                        .mixture = s->mixture};
}

/* Exactly the checks named, in their order. */
static void check_broken(subject *s, kt_branch branch, double workers, const char *names)
{
    char got[200] = "";
    kt_contract contract = {0};
    GOOD(kt_contract_hold(&contract, &s->grid, s->load, branch, workers, NULL));
    for (size_t i = 0; i < contract.n; i++) {
        strcat(strcat(got, i > 0 ? "|" : ""), contract.broken[i].check);
        assert_string_equal(contract.broken[i].service, "s");
        assert_true(strlen(contract.broken[i].text) > 10);
    }
    assert_string_equal(got, names);
    kt_contract_clear(&contract);
}

static void test_contract(void **state)
{
    subject s;
    (void)state;
    make_subject(&s);
    check_broken(&s, KT_BRANCH_APPLICATION, 1, "");
    check_broken(&s, KT_BRANCHES, 1, "");
    check_broken(&s, KT_BRANCH_MASTER, 1, "family");
    s.inside[1] = 0;
    check_broken(&s, KT_BRANCH_APPLICATION, 1, "hull");
    s.load[2] = NAN; /* nobody asks there */
    check_broken(&s, KT_BRANCH_APPLICATION, 1, "");
    make_subject(&s);
    s.grid.serving.at_a_time = 3;
    check_broken(&s, KT_BRANCH_APPLICATION, 1, "one at a time");
    check_broken(&s, KT_BRANCH_APPLICATION, 3, "");
    make_subject(&s);
    s.grid.components = 1; /* of which the numbers are no longer any */
    s.grid.n = 0;
    check_broken(&s, KT_BRANCH_APPLICATION, 1, "components");
}

static void test_contract_numbers(void **state)
{
    static const struct {
        size_t i;
        double value;
        const char *broken;
    } cases[] = {
        {0, 0.24, "weights"},    {0, 0.25 + 1e-7, ""},    {0, NAN, "finite"}, {1, -0.75, "finite"},
        {2, 0, "finite"},        {8, INFINITY, "finite"}, {10, -1, "finite"}, {4, NAN, "finite"},
        {3, 0.001, "finite"},    /* a mean of Gamma(1001): over any double */
        {5, 1e-7, "times"},      /* three quarters of the times below 1e-6 s */
        {5, 0.4, "utilisation"}, /* mean 0.025 + 0.3: 5 a second are 1.625 */
    };
    (void)state;
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        subject s;
        make_subject(&s);
        s.mixture[cases[c].i] = cases[c].value;
        check_broken(&s, KT_BRANCH_CNSM, 1, cases[c].broken);
    }
}

/* rate x visits x mean / replicas, mean 0.1 s */
static void test_utilisation(void **state)
{
    static const struct {
        double rate, visits, rep, workers;
        const char *broken;
    } cases[] = {
        {9.99, 1, 1, 1, ""},   {10.01, 1, 1, 1, "utilisation"},
        {10.01, 1, 2, 1, ""},  {10.01, 2, 2, 1, "utilisation"},
        {19.9, NAN, 2, 1, ""}, {30, 1, 1, 4, ""},
        {0, 1, 1, 1, ""},
    };
    (void)state;
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        subject s;
        make_subject(&s);
        s.load[0] = cases[c].rate;
        s.load[1] = cases[c].rep;
        s.grid.serving.visits = cases[c].visits;
        s.load[2] = NAN;
        check_broken(&s, KT_BRANCH_APPLICATION, cases[c].workers, cases[c].broken);
    }
}

/* What is looked at for a model: asked points first, then over the hull, and 0 and 34 for each rep. */
static void test_contract_points(void **state)
{
    static const double wanted[] = {12.5, 3};
    const kt_serving serving = {2, 1};
    kt_archive archive;
    (void)state;
    sample_archive(&archive);
    const kt_archive_entry *entry = &archive.entries[1]; /* hull: 1 to 40 by 1 to 4 */
    for (int b = 0; b < KT_BRANCHES; b++) {
        kt_grid grid = {0};
        double *load, expected[2];
        size_t at_0 = 0, at_34 = 0;
        GOOD(kt_contract_points(&grid, &load, entry, &serving, (kt_branch)b, 1, wanted, 1, KT_ISA_GENERIC,
                                NULL));
        kt_branch_table[b].ask(expected, 12.5, 25, 3);
        assert_memory_equal(grid.at, expected, sizeof expected);
        assert_memory_equal(load, wanted, sizeof wanted);
        for (size_t i = 1; i < grid.n; i++) {
            assert_true(isnan(load[2 * i]));
            at_0 += grid.at[2 * i] == 0;
            at_34 += grid.at[2 * i] == 34;
        }
        assert_true(at_0 == 4 && at_34 == 4 && grid.n > 60);
        kt_grid_clear(&grid);
        free(load);
        GOOD(kt_contract_points(&grid, &load, entry, &serving, (kt_branch)b, 1, NULL, 0, KT_ISA_GENERIC,
                                NULL));
        assert_true(!isnan(load[0]) && (b != KT_BRANCH_MASTER || load[1] == 1));
        kt_grid_clear(&grid);
        free(load);
    }
    kt_archive_clear(&archive);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_asks),        cmocka_unit_test(test_serving),
        cmocka_unit_test(test_erv),         cmocka_unit_test(test_erv_single),
        cmocka_unit_test(test_conf),        cmocka_unit_test(test_points),
        cmocka_unit_test(test_tables),      cmocka_unit_test(test_tables_bad),
        cmocka_unit_test(test_contract),    cmocka_unit_test(test_contract_numbers),
        cmocka_unit_test(test_utilisation), cmocka_unit_test(test_contract_points),
    };
    return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
