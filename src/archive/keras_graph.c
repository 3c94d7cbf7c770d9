/* config.json of a .keras file, and its weights, to a network: from each of the three outputs back to the
 * input. Both spellings are read, that of TensorFlow 2.15 and that of Keras 3. */
#include "keras_graph.h"

#include <stdio.h>
#include <stdlib.h>

kt_status keras_refuse(const graph *g, const char *name, kt_error *err, const char *what)
{
    return kt_fail(err, KT_UNSUPPORTED, "%s: layer '%s' %s" ADVICE, g->where, name, what);
}

/* ---- the list of layers ---- */

/* The name of the only tensor in a list of inbound nodes, or NULL. */
static const char *inbound(const kt_json *nodes)
{
    const kt_json *call = kt_json_at(nodes, 0);
    if (kt_json_size(nodes) != 1)
        return NULL;
    if (kt_json_kind_of(call) == KT_JSON_ARRAY) /* [["name", 0, 0, {}]] */
        return kt_json_size(call) == 1 ? kt_json_as_text(kt_json_at(kt_json_at(call, 0), 0), NULL) : NULL;
    const kt_json *arguments = kt_json_get(call, "args"); /* {"args": [{"config": {"keras_history": ...}}]} */
    const kt_json *history = kt_json_get(kt_json_get(kt_json_at(arguments, 0), "config"), "keras_history");
    return kt_json_size(arguments) == 1 ? kt_json_as_text(kt_json_at(history, 0), NULL) : NULL;
}

/* Variables are grouped by class and number. */
static void set_groups(graph *g)
{
    static const struct {
        const char *class, *group;
    } known[] = {{"Dense", "dense"},
                 {"Normalization", "normalization"},
                 {"BatchNormalization", "batch_normalization"}};
    for (size_t k = 0; k < sizeof known / sizeof *known; k++) {
        int count = 0;
        for (size_t i = 0; i < g->n; i++) {
            if (strcmp(g->nodes[i].class, known[k].class) != 0)
                continue;
            if (count == 0)
                snprintf(g->nodes[i].group, sizeof g->nodes[i].group, "%s", known[k].group);
            else
                snprintf(g->nodes[i].group, sizeof g->nodes[i].group, "%s_%d", known[k].group, count);
            count++;
        }
    }
}

static kt_status list_layers(graph *g, const kt_json *layers, kt_error *err)
{
    kt_status status = kt_alloc(&g->nodes, kt_json_size(layers), sizeof *g->nodes, err);
    for (size_t i = 0; status == KT_OK && i < kt_json_size(layers); i++) {
        const kt_json *json = kt_json_at(layers, i);
        const char *class = kt_json_as_text(kt_json_get(json, "class_name"), NULL);
        const kt_json *config = kt_json_get(json, "config");
        const char *name =
            kt_json_as_text(kt_json_get(json, "name"), kt_json_as_text(kt_json_get(config, "name"), NULL));
        if (!class || !name || kt_json_kind_of(config) != KT_JSON_OBJECT)
            return kt_fail(err, KT_INPUT, "%s:config.json: layer %zu has no class, name or configuration",
                           g->where, i);
        g->nodes[g->n++] = (node){name, class, config, inbound(kt_json_get(json, "inbound_nodes")), ""};
    }
    set_groups(g);
    return status;
}

static const node *find(const graph *g, const char *name)
{
    for (size_t i = 0; name && i < g->n; i++)
        if (strcmp(g->nodes[i].name, name) == 0)
            return &g->nodes[i];
    return NULL;
}

/* ---- from the outputs to the input ---- */

static kt_status trace(graph *g, int output, const char *name, kt_error *err)
{
    const node *back[CHAIN], *layer = find(g, name);
    int n = 0;
    if (!layer)
        return kt_fail(err, KT_INPUT, "%s:config.json: output %d is layer '%s', which is not there", g->where,
                       output + 1, name ? name : "");
    for (;;) {
        if (n == CHAIN)
            return keras_refuse(g, layer->name, err, "has too many layers before it");
        back[n++] = layer;
        if (is(layer, "InputLayer"))
            break;
        if (is(layer, "Lambda"))
            return keras_refuse(
                g, layer->name, err,
                "is a Lambda: Python code, which nothing but Python can run. Write it with Activation "
                "and Rescaling layers, copy the weights and save the model again");
        const node *before = find(g, layer->before);
        if (!before)
            return keras_refuse(g, layer->name, err, "is not fed by exactly one layer");
        layer = before;
    }
    g->length[output] = n;
    for (int i = 0; i < n; i++)
        g->chain[output][i] = back[n - 1 - i];
    return KT_OK;
}

static const node *output(const graph *g, int h)
{
    return g->chain[h][g->length[h] - 1];
}

static kt_status trace_all(graph *g, const kt_json *outputs, kt_error *err)
{
    kt_status status = KT_OK;
    if (kt_json_size(outputs) != KERAS_HEADS || kt_json_kind_of(kt_json_at(outputs, 0)) != KT_JSON_ARRAY)
        return kt_fail(err, KT_UNSUPPORTED, "%s: the model has not three outputs" ADVICE, g->where);
    for (int h = 0; h < KERAS_HEADS; h++)
        KT_TRY(trace(g, h, kt_json_as_text(kt_json_at(kt_json_at(outputs, (size_t)h), 0), NULL), err));
    for (int h = 0; h < KERAS_HEADS; h++)
        if (output(g, h) == output(g, (h + 1) % KERAS_HEADS))
            return kt_fail(err, KT_UNSUPPORTED, "%s: two outputs are the same" ADVICE, g->where);
    int most = g->length[0];
    for (int h = 1; h < KERAS_HEADS; h++)
        most = g->length[h] < most ? g->length[h] : most;
    while (g->shared < most && g->chain[0][g->shared] == g->chain[1][g->shared] &&
           g->chain[0][g->shared] == g->chain[2][g->shared])
        g->shared++;
    if (g->shared == 0)
        return kt_fail(err, KT_UNSUPPORTED, "%s: the outputs come from different inputs" ADVICE, g->where);
out:
    return status;
}

kt_status keras_graph(keras_net *net, const kt_json *config, kt_h5 *weights, const char *where, kt_error *err)
{
    kt_status status = KT_OK;
    graph g = {.weights = weights, .where = where};
    const kt_json *inner = kt_json_get(config, "config");
    const char *class = kt_json_as_text(kt_json_get(config, "class_name"), "");
    *net = (keras_net){.d = 0};
    if (strcmp(class, "Model") != 0 && strcmp(class, "Functional") != 0)
        return kt_fail(err, KT_UNSUPPORTED, "%s: is a model of class '%s', not a functional one" ADVICE,
                       where, class);
    KT_TRY(list_layers(&g, kt_json_get(inner, "layers"), err));
    KT_TRY(trace_all(&g, kt_json_get(inner, "output_layers"), err));
    KT_TRY(keras_layers(net, &g, err));
out:
    free(g.nodes);
    if (status != KT_OK)
        keras_net_clear(net);
    return status;
}
