/* Parts put together: the bytes of the whole, and what is refused. */
#include "../scratch.h"
#include "sample_archive.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

enum { PARTS = 3 };
static const char *const names[PARTS] = {"one", "two", "three"};

/* The sample's services dealt out, from the last one on; the refused one is the second part's. */
static void deal(kt_archive parts[PARTS])
{
    kt_archive whole;
    sample_ensembles(&whole);
    for (size_t p = 0; p < PARTS; p++) {
        sample_features(&parts[p]);
        parts[p].sweep = sample_text(whole.sweep);
        parts[p].numerics = KT_NUMERICS;
        parts[p].entries = sample_new(whole.n_entries, sizeof *whole.entries);
    }
    while (whole.n_entries > 0) {
        kt_archive *part = &parts[whole.n_entries % PARTS];
        part->entries[part->n_entries++] = whole.entries[--whole.n_entries];
    }
    parts[1].refused = whole.refused;
    parts[1].n_refused = 1;
    whole.refused = NULL;
    whole.n_refused = 0;
    kt_archive_clear(&whole);
}

static void clear(kt_archive parts[PARTS])
{
    for (size_t p = 0; p < PARTS; p++)
        kt_archive_clear(&parts[p]);
}

static void parts_make_the_whole(void **state)
{
    (void)state;
    kt_archive whole, parts[PARTS], merged = {.d = 0};
    char one[KT_DIGEST_HEX], other[KT_DIGEST_HEX];
    sample_ensembles(&whole);
    assert_int_equal(kt_archive_write("whole.h5", &whole, one, NULL, NULL), KT_OK);
    deal(parts);
    assert_int_equal(kt_archive_merge(&merged, parts, names, PARTS, NULL), KT_OK);
    assert_int_equal(merged.n_entries, 5);
    assert_int_equal(merged.n_refused, 1);
    assert_int_equal(kt_archive_write("merged.h5", &merged, other, NULL, NULL), KT_OK);
    assert_string_equal(one, other);
    kt_archive_clear(&whole);
    kt_archive_clear(&merged);
    clear(parts);
}

static void replace(char **text, const char *with)
{
    free(*text);
    *text = with ? sample_text(with) : NULL;
}

/* What is done to the second part, and what is said of it. */
static void other_numerics(kt_archive *part)
{
    part->numerics = KT_NUMERICS - 1;
}
static void another_option(kt_archive *part)
{
    replace(&part->config, "{\"family\":\"weibull\",\"seed\":8}");
}
static void one_more_option(kt_archive *part)
{
    replace(&part->config, "{\"family\":\"weibull\",\"seed\":7,\"steps\":10}");
}
static void another_feature(kt_archive *part)
{
    replace(&part->feature[1], "cores");
}
static void one_more_feature(kt_archive *part)
{
    part->feature[part->d++] = sample_text("cores");
}
static void another_cleaning(kt_archive *part)
{
    replace(&part->cleaning, "{\"queue\":\"none\"}");
}
static void no_cleaning(kt_archive *part)
{
    replace(&part->cleaning, NULL);
}
static void another_sweep(kt_archive *part)
{
    replace(&part->sweep, "{\"trials\":10}");
}
static void no_sweep(kt_archive *part)
{
    replace(&part->sweep, NULL);
}
static void a_service_of_the_first(kt_archive *part)
{
    sample_entry(&part->entries[part->n_entries++], "frontend.istio-dt", KT_GAMMA, false, 4);
}
static void a_service_that_is_refused_too(kt_archive *part)
{
    sample_entry(&part->entries[part->n_entries++], "idle", KT_GAMMA, false, 4);
}

static void what_is_no_part_is_refused(void **state)
{
    (void)state;
    const struct {
        void (*spoil)(kt_archive *part);
        const char *words[2];
    } cases[] = {
        {other_numerics, {"two", "numerics"}},
        {another_option, {"one has --seed 7, two has 8", ""}},
        {one_more_option, {"one has --steps nothing, two has 10", ""}},
        {another_feature, {"feature 2 rep", "cores"}},
        {one_more_feature, {"feature 3 nothing", "cores"}},
        {another_cleaning, {"cleaning: queue", "none"}},
        {no_cleaning, {"cleaning: queue", "two has nothing"}},
        {another_sweep, {"sweep: sweep", "two has nothing"}},
        {no_sweep, {"sweep: sweep", "two has nothing"}},
        {a_service_of_the_first, {"service frontend.istio-dt is in one and in two", ""}},
        {a_service_that_is_refused_too, {"service idle is in two and in two", ""}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        kt_archive parts[PARTS], merged = {.d = 0};
        kt_error err = {0};
        deal(parts);
        cases[i].spoil(&parts[1]);
        assert_int_equal(kt_archive_merge(&merged, parts, names, PARTS, &err), KT_INPUT);
        for (int w = 0; w < 2; w++)
            if (!strstr(err.message, cases[i].words[w]))
                fail_msg("'%s' lacks '%s'", err.message, cases[i].words[w]);
        assert_int_equal(parts[0].n_entries + parts[2].n_entries, 3); /* as they were */
        kt_archive_clear(&merged);
        clear(parts);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(parts_make_the_whole, scratch_enter, scratch_leave),
        cmocka_unit_test(what_is_no_part_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
