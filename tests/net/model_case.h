/* A model with random parameters, for the tests of predictors. */
#ifndef KT_TESTS_NET_MODEL_CASE_H
#define KT_TESTS_NET_MODEL_CASE_H

#include "kernel_case.h"
#include "kt/model.h"

static inline kt_model make_model(kt_net net, uint64_t seed)
{
    static const double corners[] = {1, 1, 20, 1, 20, 4, 1, 4};
    kernel_case c = case_create(net, 1, seed);
    kt_model model = {.net = net, .scale = 0.004, .floor = 1e-5, .params = c.p, .state = c.s};
    for (int i = 0; i < net.inputs; i++) {
        model.scaler.mean[i] = 3 + i;
        model.scaler.sd[i] = 2.5 - 0.5 * i;
    }
    for (size_t i = 0; net.batch_norm && i < c.state; i++) /* means may be negative, variances not */
        c.s[i] = c.s[i] * 1.5f + 0.1f;
    c.p = c.s = NULL;
    case_destroy(&c);
    if (kt_net_state(&net) == 0) {
        free(model.state);
        model.state = NULL;
    }
    if (net.inputs == 2)
        assert_int_equal(kt_hull_create(&model.hull, corners, 4, 2, NULL), KT_OK);
    return model;
}

#endif
