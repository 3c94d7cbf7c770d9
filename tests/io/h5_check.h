/* What the tests of HDF5 share: checks, a file with something of every kind, and the hunt for handles that
 * stay open. */
#ifndef KT_TEST_H5_CHECK_H
#define KT_TEST_H5_CHECK_H

#include "../scratch.h"
#include "kt/file.h"
#include "kt/h5.h"

#include <hdf5.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define OK(call)                                                                                             \
    do {                                                                                                     \
        kt_error err = {0};                                                                                  \
        if ((call) != KT_OK)                                                                                 \
            fail_msg("%s", err.message);                                                                     \
        assert_int_equal(err.status, KT_OK);                                                                 \
    } while (0)

/* The call fails with the status, and its message has both parts. */
#define FAILS(call, wanted, part, other)                                                                     \
    do {                                                                                                     \
        kt_error err = {0};                                                                                  \
        assert_int_equal((call), wanted);                                                                    \
        assert_int_equal(err.status, wanted);                                                                \
        if (!strstr(err.message, part) || !strstr(err.message, other))                                       \
            fail_msg("'%s' lacks '%s' or '%s'", err.message, part, other);                                   \
    } while (0)

/* HDF5 itself loses memory where a file is damaged or cannot be made; ours is judged by open handles. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libhdf5";
}

/* Every identifier that the library takes of HDF5 it gives back, after failures too. HDF5 counts those of
 * files and what is in them. It numbers the others of a kind one after the other: between two of the test's
 * own none may be valid. */
enum { N_KINDS = 3 };
static hid_t first[N_KINDS];

static void take_one_of_each(hid_t ids[N_KINDS])
{
    ids[0] = H5Screate(H5S_SCALAR);
    ids[1] = H5Tcopy(H5T_C_S1);
    ids[2] = H5Pcreate(H5P_DATASET_XFER);
    for (int kind = 0; kind < N_KINDS; kind++)
        H5Idec_ref(ids[kind]);
}

static int enter(void **state)
{
    take_one_of_each(first);
    return scratch_enter(state);
}

static int leave(void **state)
{
    hid_t last[N_KINDS];
    int left = (int)H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL);
    take_one_of_each(last);
    for (int kind = 0; kind < N_KINDS; kind++)
        for (hid_t id = first[kind] + 1; id < last[kind]; id++)
            left += H5Iis_valid(id) > 0;
    if (left != 0)
        print_error("%d identifiers of HDF5 are still valid\n", left);
    return scratch_leave(state) != 0 || left != 0;
}

typedef struct {
    char name[16];
    double cost;
    uint32_t rows;
    char note[8];
    int64_t offset;
} service;

static const kt_h5_field service_fields[] = {
    {"name", 0, offsetof(service, name), sizeof(((service *)0)->name)},
    {"cost", KT_H5_F64, offsetof(service, cost), 0},
    {"rows", KT_H5_U32, offsetof(service, rows), 0},
    {"note", 0, offsetof(service, note), sizeof(((service *)0)->note)},
    {"offset", KT_H5_I64, offsetof(service, offset), 0},
};
enum { N_FIELDS = sizeof service_fields / sizeof *service_fields, N_SERVICES = 3, N_GROUPS = 40 };

static void fill_services(service *services, int garbage)
{
    memset(services, garbage, N_SERVICES * sizeof *services);
    for (int i = 0; i < N_SERVICES; i++) {
        snprintf(services[i].name, sizeof services[i].name, "service %d", i);
        snprintf(services[i].note, sizeof services[i].note, "%s", i == 1 ? "" : "x");
        services[i].cost = 0.1 * i;
        services[i].rows = 4000000000u + (uint32_t)i;
        services[i].offset = -i;
    }
}

/* Something of every kind; `garbage` fills what must not reach the file. */
static inline void write_everything(const char *path, size_t user_block, int garbage)
{
    kt_h5 *file = NULL, *models = NULL, *model = NULL;
    double reals[] = {1.5, -2.25, NAN, INFINITY, 1e-310, 0.1};
    float floats[] = {1, 2, 3};
    uint8_t bytes[300];
    service services[N_SERVICES];
    fill_services(services, garbage);
    memset(bytes, 7, sizeof bytes);
    OK(kt_h5_create(&file, path, user_block, &err));
    OK(kt_h5_put_schema(file, "kt-test", 3, &err));
    OK(kt_h5_put(file, "reals", KT_H5_F64, 3, 2, reals, &err));
    OK(kt_h5_put(file, "floats", KT_H5_F32, 3, 0, floats, &err));
    OK(kt_h5_put(file, "none", KT_H5_F32, 0, 0, floats, &err));
    OK(kt_h5_put_bytes(file, "bytes", bytes, sizeof bytes, &err));
    OK(kt_h5_put_bytes(file, "no bytes", "", 0, &err));
    OK(kt_h5_put_table(file, "services", service_fields, N_FIELDS, services, sizeof *services, N_SERVICES,
                       &err));
    OK(kt_h5_put_table(file, "no services", service_fields, N_FIELDS, NULL, sizeof *services, 0, &err));
    OK(kt_h5_reserve(file, "parts", KT_H5_I32, 5, 0, &err));
    OK(kt_h5_put_rows(file, "parts", KT_H5_I32, 3, 2, (int32_t[]){3, 4}, &err));
    OK(kt_h5_put_rows(file, "parts", KT_H5_I32, 0, 2, (int32_t[]){0, 1}, &err));
    OK(kt_h5_put_text(file, "text", "μ-service", &err));
    OK(kt_h5_put_text(file, "empty", "", &err));
    OK(kt_h5_put_int(file, "int", INT64_MIN, &err));
    OK(kt_h5_put_real(file, "real", 0.1, &err));
    OK(kt_h5_group_create(&models, file, "models", &err));
    for (int i = 0; i < N_GROUPS; i++) { /* enough for HDF5's dense storage of links */
        char name[16];
        snprintf(name, sizeof name, "m%d", (i * 7) % N_GROUPS);
        OK(kt_h5_group_create(&model, models, name, &err));
        OK(kt_h5_put(model, "x", KT_H5_F64, 2, 0, reals, &err));
        for (int a = 0; a < 12; a++) { /* and of attributes */
            snprintf(name, sizeof name, "a%d", a);
            OK(kt_h5_put_int(model, name, a, &err));
        }
        OK(kt_h5_close(model, &err));
    }
    OK(kt_h5_close(file, &err)); /* before its group */
    OK(kt_h5_close(models, &err));
}

#define IN_SCRATCH(test) cmocka_unit_test_setup_teardown(test, enter, leave)

#endif
