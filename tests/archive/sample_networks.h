/* Models of every form: family, activation, kind of heads, with and without BatchNormalization; of numbers as
 * trained ones have them. */
#ifndef KT_TEST_SAMPLE_NETWORKS_H
#define KT_TEST_SAMPLE_NETWORKS_H

#include "sample_archive.h"

enum { SAMPLE_NETWORKS = KT_FAMILIES * KT_ACTIVATIONS * 2 * 2 };

/* "weibull-tanh-exp" or "weibull-tanh-exp-norm" */
static inline void sample_network_name(char name[64], const kt_net *net)
{
    snprintf(name, 64, "%s-%s-%s%s", kt_family_table[net->family].name, kt_activation_name[net->activation],
             net->head == KT_HEAD_EXP ? "exp" : "softplus", net->batch_norm ? "-norm" : "");
}

/* Mixtures such as a service of 20 ms may have: shapes about e^0.5, scales about the target scale. */
static inline void sample_network(kt_model *model, size_t i)
{
    static const double corners[] = {1, 1, 40, 1, 40, 4, 1, 4};
    kt_net *net = &model->net;
    kt_rng rng;
    kt_rng_init(&rng, i, 2, KT_RNG_START, 0, 0);
    *net = (kt_net){.inputs = 2, .layers = 2, .components = 8, .width = {16, 16}};
    net->batch_norm = i % 2;
    net->head = i / 2 % 2 ? KT_HEAD_SOFTPLUS : KT_HEAD_EXP;
    net->activation = (kt_activation)(i / 4 % KT_ACTIVATIONS);
    net->family = (kt_family)(i / 4 / KT_ACTIVATIONS);
    if (net->batch_norm) { /* the original's */
        net->components = 4;
        net->width[0] = net->width[1] = 10;
    }
    size_t n = kt_net_params(net), n_state = kt_net_state(net);
    model->params = sample_new(n, sizeof *model->params);
    kt_net_view first = kt_net_head(net, 1), second = kt_net_head(net, 2);
    for (size_t p = 0; p < n; p++)
        model->params[p] = (float)((p < kt_net_head(net, 0).kernel ? 0.4 : 0.08) * kt_rng_normal(&rng));
    for (int j = 0; j < net->components; j++) {
        model->params[first.bias + (size_t)j] += 0.5f;
        model->params[second.bias + (size_t)j] += 0.2f * (float)(j - net->components / 2);
    }
    if (n_state > 0)
        model->state = sample_new(n_state, sizeof *model->state);
    for (size_t s = 0; s < n_state; s++)
        model->state[s] = (float)(0.5 + kt_rng_uniform(&rng));
    for (int l = 0; net->batch_norm && l < net->layers; l++) /* gammas about 1 */
        for (int o = 0; o < net->width[l]; o++)
            model->params[kt_net_hidden(net, l).gamma + (size_t)o] += 1;
    model->scaler = (kt_scaler){.mean = {20.37, 2.41}, .sd = {11.3, 1.1}, .frozen = 0};
    model->scale = net->batch_norm ? 1 : 0.0173;
    model->floor = 1e-6;
    if (kt_hull_create(&model->hull, corners, 4, 2, NULL) != KT_OK)
        abort();
}

static inline int sample_by_name(const void *a, const void *b)
{
    return strcmp(((const kt_archive_entry *)a)->name, ((const kt_archive_entry *)b)->name);
}

static inline void sample_networks(kt_archive *archive)
{
    sample_features(archive);
    archive->n_entries = SAMPLE_NETWORKS;
    archive->entries = sample_new(archive->n_entries, sizeof *archive->entries);
    for (size_t i = 0; i < SAMPLE_NETWORKS; i++) {
        kt_archive_entry *entry = &archive->entries[i];
        char name[64];
        sample_network(&entry->fitted.model, i);
        sample_network_name(name, &entry->fitted.model.net);
        entry->name = sample_text(name);
        entry->fitted.batch = 64;
    }
    qsort(archive->entries, archive->n_entries, sizeof *archive->entries, sample_by_name);
}

#endif
