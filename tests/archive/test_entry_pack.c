#include "sample_archive.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void pack(char **data, size_t *n, const kt_archive_entry *entry)
{
    kt_error err = {0};
    if (kt_archive_entry_pack(data, n, entry, &err) != KT_OK)
        fail_msg("%s", err.message);
}

/* Each family, with and without BatchNormalization and cells: unpacked and packed again gives the same bytes,
 * and the fields are those that went in. */
static void what_is_packed_is_unpacked(void **state)
{
    (void)state;
    for (int i = 0; i < 2 * KT_FAMILIES; i++) {
        kt_archive_entry entry, back;
        kt_error err = {0};
        char *first = NULL, *second = NULL;
        size_t n = 0, m = 0;
        sample_entry(&entry, "a service/with.a name", (kt_family)(i / 2), i % 2 == 1, (size_t)i);
        if (i % 3 > 0)
            sample_members(&entry, (size_t)(i % 3));
        pack(&first, &n, &entry);
        if (kt_archive_entry_unpack(&back, first, n, &err) != KT_OK)
            fail_msg("%s", err.message);
        const char *field = sample_difference(&entry, &back);
        if (field)
            fail_msg("%s differs", field);
        pack(&second, &m, &back);
        assert_int_equal(n, m);
        assert_memory_equal(first, second, n);
        free(first);
        free(second);
        kt_archive_entry_clear(&entry);
        kt_archive_entry_clear(&back);
    }
}

/* What was packed before there were further members: the same but for the version, and without their count at
 * the end. */
static void the_first_version_is_unpacked(void **state)
{
    (void)state;
    enum { AT_VERSION = 8, COUNT = 8 };
    kt_archive_entry entry, back;
    char *data = NULL;
    size_t n = 0;
    sample_entry(&entry, "web", KT_WEIBULL, true, 2);
    pack(&data, &n, &entry);
    data[AT_VERSION] = 1;
    assert_int_equal(kt_archive_entry_unpack(&back, data, n - COUNT, NULL), KT_OK);
    assert_null(sample_difference(&entry, &back));
    kt_archive_entry_clear(&back);
    data[AT_VERSION] = 3;
    assert_int_equal(kt_archive_entry_unpack(&back, data, n, NULL), KT_INPUT);
    free(data);
    kt_archive_entry_clear(&entry);
}

static void cut_or_extended_bytes_are_refused(void **state)
{
    (void)state;
    kt_archive_entry entry, back;
    char *data = NULL;
    size_t n = 0;
    sample_entry(&entry, "web", KT_WEIBULL, true, 2);
    sample_members(&entry, 2);
    pack(&data, &n, &entry);
    for (size_t size = 0; size < n; size++) {
        char *cut =
            malloc(size > 0 ? size : 1); /* of that size, so that a sanitizer sees what is read behind it */
        memcpy(cut, data, size);
        assert_int_equal(kt_archive_entry_unpack(&back, cut, size, NULL), KT_INPUT);
        assert_null(back.name);
        free(cut);
    }
    char *longer = malloc(n + 1);
    memcpy(longer, data, n);
    longer[n] = 0;
    assert_int_equal(kt_archive_entry_unpack(&back, longer, n + 1, NULL), KT_INPUT);
    free(longer);
    free(data);
    kt_archive_entry_clear(&entry);
}

/* Any byte replaced by 255 or by 0 gives an entry that passes the checks, or an error: never a crash or a
 * huge demand of memory. Marks, lengths, counts and enums are all met that way. */
static void changed_bytes_are_survived(void **state)
{
    (void)state;
    kt_archive_entry entry, back;
    char *data = NULL;
    size_t n = 0, refused = 0;
    sample_entry(&entry, "web", KT_WEIBULL, false, 2);
    sample_members(&entry, 1);
    pack(&data, &n, &entry);
    for (size_t at = 0; at < n; at++) {
        char kept = data[at];
        for (int value = 0; value <= 255; value += 255) {
            data[at] = (char)value;
            kt_status status = kt_archive_entry_unpack(&back, data, n, NULL);
            assert_true(status == KT_OK || status == KT_INPUT || status == KT_MEMORY);
            refused += status != KT_OK;
            kt_archive_entry_clear(&back);
        }
        data[at] = kept;
    }
    assert_true(refused > 100);
    assert_int_equal(kt_archive_entry_unpack(&back, data, n, NULL), KT_OK);
    kt_archive_entry_clear(&back);
    free(data);
    kt_archive_entry_clear(&entry);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_packed_is_unpacked),
        cmocka_unit_test(the_first_version_is_unpacked),
        cmocka_unit_test(cut_or_extended_bytes_are_refused),
        cmocka_unit_test(changed_bytes_are_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
