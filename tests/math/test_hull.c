#include "kt/hull.h"
#include "kt/rng.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static kt_hull create(const double *points, size_t n, int d)
{
    kt_hull hull;
    assert_int_equal(kt_hull_create(&hull, points, n, d, NULL), KT_OK);
    return hull;
}

static void expect_corners(const kt_hull *hull, const double *corner, size_t n)
{
    assert_int_equal(hull->n, n);
    assert_memory_equal(hull->vertex, corner, n * 2 * sizeof *corner);
}

static bool inside(const kt_hull *hull, double x, double y)
{
    return kt_hull_inside(hull, (const double[]){x, y});
}

/* A square with points on its edges, inside it, and every point twice. */
static void square(void **state)
{
    (void)state;
    static const double points[][2] = {{0, 0}, {2, 0}, {1, 0},     {2, 2}, {0, 2}, {0, 1}, {2, 1},
                                       {1, 2}, {1, 1}, {0.5, 1.5}, {0, 0}, {2, 2}, {1, 0}, {1, 1}};
    kt_hull hull = create(points[0], sizeof points / sizeof *points, 2);
    expect_corners(&hull, (const double[]){0, 0, 2, 0, 2, 2, 0, 2}, 4);
    for (size_t i = 0; i < sizeof points / sizeof *points; i++)
        assert_true(kt_hull_inside(&hull, points[i]));
    assert_true(inside(&hull, 1.3, 2));       /* on an edge */
    assert_true(inside(&hull, 2 + 1e-9, 1));  /* within the tolerance of it: 1e-9 of a range of 2 */
    assert_false(inside(&hull, 2 + 1e-8, 1)); /* beyond it */
    assert_false(inside(&hull, -1e-8, 1));
    assert_false(inside(&hull, 3, 3));
    assert_false(inside(&hull, NAN, 1));
    assert_false(inside(&hull, 1, INFINITY));
    kt_hull_clear(&hull);
    kt_hull_clear(&hull); /* takes a cleared one */
}

/* Columns of very different units: the tolerance is each one's own. */
static void triangle_of_uneven_units(void **state)
{
    (void)state;
    static const double points[][2] = {{0, 0}, {1e6, 0}, {0, 1e-6}};
    kt_hull hull = create(points[0], 3, 2);
    expect_corners(&hull, points[0], 3);
    assert_true(inside(&hull, 5e5, 0.5e-6)); /* on the long edge */
    assert_true(inside(&hull, 5e5, 0.5e-6 * (1 + 1e-10)));
    assert_false(inside(&hull, 5e5, 0.5e-6 * (1 + 1e-7)));
    assert_false(inside(&hull, 5e5, -1e-12));
    assert_false(inside(&hull, 9e5, 0.9e-6)); /* in the box, outside the triangle */
    kt_hull_clear(&hull);
}

static void segments_and_points(void **state)
{
    (void)state;
    static const double line[][2] = {{3, 6}, {1, 2}, {2, 4}, {1, 2}, {5, 10}, {4, 8}};
    kt_hull hull = create(line[0], 6, 2);
    expect_corners(&hull, (const double[]){1, 2, 5, 10}, 2);
    assert_true(inside(&hull, 2.5, 5));
    assert_true(inside(&hull, 5, 10));
    assert_false(inside(&hull, 6, 12)); /* on the line, past its end */
    assert_false(inside(&hull, 0, 0));
    assert_false(inside(&hull, 2.5, 5.1));
    kt_hull_clear(&hull);

    /* rep never varied: a segment along an axis */
    static const double axis[][2] = {{4, 1}, {20, 1}, {12, 1}};
    hull = create(axis[0], 3, 2);
    expect_corners(&hull, (const double[]){4, 1, 20, 1}, 2);
    assert_true(inside(&hull, 19.9, 1));
    assert_false(inside(&hull, 19.9, 2));
    assert_false(inside(&hull, 20.1, 1));
    kt_hull_clear(&hull);

    static const double twice[][2] = {{4, 1}, {4, 1}};
    for (size_t n = 1; n <= 2; n++) {
        hull = create(twice[0], n, 2);
        expect_corners(&hull, twice[0], 1);
        assert_true(inside(&hull, 4, 1));
        assert_false(inside(&hull, 4, 1.001));
        assert_false(inside(&hull, 4.001, 1));
        kt_hull_clear(&hull);
    }
}

/* Points that lie on a line but for rounding must not open the hull towards the line's far ends. */
static void rounded_line(void **state)
{
    (void)state;
    double points[50][2];
    for (int i = 0; i < 50; i++) {
        points[i][0] = 0.1 * i;
        points[i][1] = 0.3 * i + 0.7;
    }
    kt_hull hull = create(points[0], 50, 2);
    for (int i = 0; i < 50; i++)
        assert_true(kt_hull_inside(&hull, points[i]));
    for (int i = 50; i < 200; i++) {
        assert_false(inside(&hull, 0.1 * i, 0.3 * i + 0.7));
        assert_false(inside(&hull, -0.1 * i, -0.3 * i + 0.7));
    }
    assert_false(inside(&hull, 2, 0.3 * 20 + 0.7001));
    kt_hull_clear(&hull);
}

/* Against the definition: a point is inside when no line through two points separates it from all of them. */
static void random_sets(void **state)
{
    (void)state;
    kt_rng rng;
    kt_rng_init(&rng, 5, 1, KT_RNG_SAMPLE, 0, 0);
    for (int trial = 0; trial < 300; trial++) {
        enum { N = 12, GRID = 7 };
        double p[N][2];
        for (int i = 0; i < N; i++)
            for (int j = 0; j < 2; j++)
                p[i][j] = kt_rng_below(&rng, GRID); /* small integers: many ties, exact areas */
        kt_hull hull = create(p[0], N, 2);
        for (int i = 0; i < N; i++)
            assert_true(kt_hull_inside(&hull, p[i]));
        for (size_t c = 0; hull.n > 2 && c < hull.n; c++) { /* strictly to the left at every corner */
            const double *a = hull.vertex + 2 * c, *b = hull.vertex + 2 * ((c + 1) % hull.n),
                         *e = hull.vertex + 2 * ((c + 2) % hull.n);
            assert_true((b[0] - a[0]) * (e[1] - a[1]) - (b[1] - a[1]) * (e[0] - a[0]) > 0);
        }
        for (int q = 0; q < 40; q++) {
            double x = kt_rng_below(&rng, 2 * GRID) / 2., y = kt_rng_below(&rng, 2 * GRID) / 2.;
            bool separated = false;
            for (int i = 0; i < N; i++)
                for (int j = 0; j < N; j++) {
                    double ex = p[j][0] - p[i][0], ey = p[j][1] - p[i][1];
                    bool all = ex != 0 || ey != 0;
                    for (int k = 0; k < N && all; k++)
                        all = ex * (p[k][1] - p[i][1]) - ey * (p[k][0] - p[i][0]) >= 0;
                    separated |= all && ex * (y - p[i][1]) - ey * (x - p[i][0]) < 0;
                }
            if (hull.n > 2)
                assert_int_equal(kt_hull_inside(&hull, (const double[]){x, y}), !separated);
        }
        kt_hull_clear(&hull);
    }
}

static void boxes(void **state)
{
    (void)state;
    kt_hull hull = create((const double[]){3, 1, 2}, 3, 1);
    assert_int_equal(hull.n, 2);
    assert_true(hull.vertex[0] == 1 && hull.vertex[1] == 3);
    assert_true(kt_hull_inside(&hull, (const double[]){3}));
    assert_false(kt_hull_inside(&hull, (const double[]){3.0001}));
    kt_hull_clear(&hull);

    static const double points[][3] = {{1, -5, 7}, {2, 5, 7}, {0, 0, 7}};
    hull = create(points[0], 3, 3);
    assert_int_equal(hull.n, 2);
    assert_memory_equal(hull.vertex, ((const double[]){0, -5, 7, 2, 5, 7}), 6 * sizeof(double));
    assert_true(kt_hull_inside(&hull, (const double[]){2, -5, 7}));
    assert_false(kt_hull_inside(&hull, (const double[]){2, -5, 7.001}));
    assert_false(kt_hull_inside(&hull, (const double[]){2.1, 0, 7}));
    kt_hull_clear(&hull);
}

static void expect_section(const kt_hull *hull, int j, double x, double y, double low, double high)
{
    double from = 0, to = 0, point[3] = {x, y, 0.5};
    assert_true(kt_hull_section(&from, &to, hull, j, point));
    assert_true(fabs(from - low) < 1e-12 && fabs(to - high) < 1e-12);
}

static void sections(void **state)
{
    (void)state;
    double low, high;
    const double triangle[] = {0, 1, 8, 1, 4, 5}, line[] = {2, 3, 10, 3}, two[] = {0, 0, 0, 4, 2, 1};
    kt_hull hull = create(triangle, 3, 2);
    expect_section(&hull, 0, -7, 3, 2, 6); /* half way up */
    expect_section(&hull, 0, 0, 1, 0, 8);  /* along an edge */
    expect_section(&hull, 0, 0, 5, 4, 4);  /* at a corner */
    expect_section(&hull, 1, 2, 0, 1, 3);
    assert_false(kt_hull_section(&low, &high, &hull, 0, (const double[]){4, 5.1}));
    kt_hull_clear(&hull);
    hull = create(line, 2, 2);
    expect_section(&hull, 0, 0, 3, 2, 10);
    expect_section(&hull, 1, 4, 9, 3, 3);
    assert_false(kt_hull_section(&low, &high, &hull, 0, (const double[]){4, 2}));
    kt_hull_clear(&hull);
    hull = create(line, 1, 2);
    expect_section(&hull, 0, 0, 3, 2, 2);
    kt_hull_clear(&hull);
    hull = create(two, 2, 3);
    expect_section(&hull, 0, 9, 0, 0, 4);
    assert_false(kt_hull_section(&low, &high, &hull, 0, (const double[]){1, 3, 2}));
    kt_hull_clear(&hull);
}

static void refuses_what_is_no_number(void **state)
{
    (void)state;
    kt_hull hull;
    kt_error err = {0};
    assert_int_equal(kt_hull_create(&hull, (const double[]){1, 2, 3, NAN}, 2, 2, &err), KT_INPUT);
    assert_non_null(strstr(err.message, "point 1 has nan in column 1"));
    kt_hull_clear(&hull);
    assert_int_equal(kt_hull_create(&hull, (const double[]){INFINITY}, 1, 1, NULL), KT_INPUT);
    kt_hull_clear(&hull);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(square),
        cmocka_unit_test(triangle_of_uneven_units),
        cmocka_unit_test(segments_and_points),
        cmocka_unit_test(rounded_line),
        cmocka_unit_test(random_sets),
        cmocka_unit_test(boxes),
        cmocka_unit_test(sections),
        cmocka_unit_test(refuses_what_is_no_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
