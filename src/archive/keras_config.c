/* config.json: the layers, in the spelling that TensorFlow 2.15 and Keras 3 both read; metadata.json. */
#include "keras_private.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A layer with the one before it, or NULL. config: takes; its name is put there. */
static kt_json *layer(const char *class, const char *name, const char *before, kt_json *config)
{
    kt_json *json = kt_json_object(), *nodes = kt_json_array();
    if (before) {
        kt_json *link = kt_json_append(kt_json_array(), kt_json_string(before));
        kt_json_append(kt_json_append(link, kt_json_int(0)), kt_json_int(0));
        kt_json_append(nodes, kt_json_append(kt_json_array(), kt_json_append(link, kt_json_object())));
    }
    kt_json_put(config, "name", kt_json_string(name));
    kt_json_put(json, "module", kt_json_string("keras.layers"));
    kt_json_put(json, "class_name", kt_json_string(class));
    kt_json_put(json, "config", config);
    kt_json_put(json, "registered_name", kt_json_null());
    kt_json_put(json, "name", kt_json_string(name));
    return kt_json_put(json, "inbound_nodes", nodes);
}

static kt_json *text_option(const char *key, const char *value)
{
    return kt_json_put(kt_json_object(), key, kt_json_string(value));
}

static kt_json *shape(int width)
{
    return kt_json_append(kt_json_append(kt_json_array(), kt_json_null()), kt_json_int(width));
}

static kt_json *input(const char *name, int width)
{
    kt_json *config = kt_json_put(kt_json_object(), "batch_input_shape", shape(width));
    return layer("InputLayer", name, NULL, kt_json_put(config, "dtype", kt_json_string("float32")));
}

/* Keras 3 makes [2] of KubeTwin's call a [2, 1]; this makes [1, 2] of that. */
static kt_json *reshape(int d)
{
    kt_json *history = kt_json_append(kt_json_array(), kt_json_string("rps_rep"));
    kt_json_append(kt_json_append(history, kt_json_int(0)), kt_json_int(0));
    kt_json *tensor = kt_json_put(kt_json_object(), "shape", shape(1));
    kt_json_put(kt_json_put(tensor, "dtype", kt_json_string("float32")), "keras_history", history);
    kt_json *argument = text_option("class_name", "__keras_tensor__");
    kt_json *node = kt_json_put(kt_json_object(), "args",
                                kt_json_append(kt_json_array(), kt_json_put(argument, "config", tensor)));
    kt_json_put(node, "kwargs", kt_json_object());
    kt_json *to = kt_json_append(kt_json_append(kt_json_array(), kt_json_int(-1)), kt_json_int(d));
    kt_json *json = text_option("module", "keras.src.ops.numpy");
    kt_json_put(json, "class_name", kt_json_string("Reshape"));
    kt_json_put(json, "config", kt_json_put(kt_json_object(), "newshape", to));
    kt_json_put(json, "registered_name", kt_json_string("Reshape"));
    kt_json_put(json, "name", kt_json_string("reshape"));
    return kt_json_put(json, "inbound_nodes", kt_json_append(kt_json_array(), node));
}

static kt_json *normalization(const char *before)
{
    kt_json *config = kt_json_put(kt_json_object(), "axis", kt_json_append(kt_json_array(), kt_json_int(-1)));
    kt_json_put(config, "mean", kt_json_null());
    return layer("Normalization", "normalization", before, kt_json_put(config, "variance", kt_json_null()));
}

static kt_json *dense(const char *name, const char *before, int units, const char *activation)
{
    kt_json *config = kt_json_put(kt_json_object(), "units", kt_json_int(units));
    kt_json_put(config, "activation", kt_json_string(activation));
    return layer("Dense", name, before, kt_json_put(config, "use_bias", kt_json_bool(true)));
}

static kt_json *batch_normalization(const char *name, const char *before, double epsilon)
{
    kt_json *config = kt_json_put(kt_json_object(), "axis", kt_json_int(-1));
    kt_json_put(config, "momentum", kt_json_real(0.99));
    kt_json_put(config, "epsilon", kt_json_real(epsilon));
    kt_json_put(config, "center", kt_json_bool(true));
    return layer("BatchNormalization", name, before, kt_json_put(config, "scale", kt_json_bool(true)));
}

/* Layers of hidden layer l behind `before`, whose name becomes that of the last of them. */
static void hidden(kt_json *layers, char before[32], const keras_net *net, int l)
{
    const keras_dense *d = &net->hidden[l];
    /* By name it has a slope of 0.2. */
    bool leaky = net->activation == KT_LEAKY_RELU, fused = !d->norm && !leaky;
    const char *activation = kt_activation_name[net->activation];
    char name[32];
    snprintf(name, sizeof name, "hidden%d", l + 1);
    kt_json_append(layers, dense(name, before, d->out, fused ? activation : "linear"));
    strcpy(before, name);
    if (d->norm) {
        snprintf(name, sizeof name, "norm%d", l + 1);
        kt_json_append(layers, batch_normalization(name, before, d->epsilon));
        strcpy(before, name);
    }
    if (fused)
        return;
    snprintf(name, sizeof name, "activation%d", l + 1);
    kt_json_append(layers, leaky ? layer("LeakyReLU", name, before,
                                         kt_json_put(kt_json_object(), "alpha", kt_json_real(KT_LEAKY_SLOPE)))
                                 : layer("Activation", name, before, text_option("activation", activation)));
    strcpy(before, name);
}

static const char *const head_name[KERAS_HEADS] = {"weights", "conc", "scale"};

/* Every head is a Dense and one more layer: Keras orders layers by their distance to the output, and the
 * weights go by that order. */
static void heads(kt_json *layers, const char *before, const keras_net *net)
{
    char raw[KERAS_HEADS][32];
    for (int h = 0; h < KERAS_HEADS; h++) {
        const keras_head *head = &net->head[h];
        snprintf(raw[h], sizeof raw[h], "%s_raw", head_name[h]);
        kt_json_append(layers, dense(raw[h], before, head->dense.out,
                                     head->function == KERAS_SOFTPLUS ? "softplus" : "linear"));
    }
    for (int h = 0; h < KERAS_HEADS; h++) {
        const keras_head *head = &net->head[h];
        kt_json *config = kt_json_object();
        bool activation = head->function == KERAS_SOFTMAX || head->function == KERAS_EXP;
        if (activation) {
            kt_json_put(config, "activation",
                        kt_json_string(head->function == KERAS_EXP ? "exponential" : "softmax"));
        } else {
            kt_json_put(config, "scale", kt_json_real(head->factor));
            kt_json_put(config, "offset", kt_json_real(head->offset));
        }
        kt_json_append(layers, layer(activation ? "Activation" : "Rescaling", head_name[h], raw[h], config));
    }
}

static kt_json *tensors(const char *const *names, int n)
{
    kt_json *list = kt_json_array();
    for (int i = 0; i < n; i++) {
        kt_json *one = kt_json_append(kt_json_array(), kt_json_string(names[i]));
        kt_json_append(list, kt_json_append(kt_json_append(one, kt_json_int(0)), kt_json_int(0)));
    }
    return list;
}

/* The service's name as TensorFlow takes one for a model. */
static kt_json *model_name(const char *service)
{
    char name[KT_NAME + 3];
    snprintf(name, sizeof name, "kt_%s", service);
    for (char *c = name; *c; c++)
        if (!isascii(*c) || (!isalnum((unsigned char)*c) && *c != '.' && *c != '-'))
            *c = '_';
    return kt_json_string(name);
}

kt_status keras_config(char **text, const keras_net *net, const char *service, kt_keras_flavour flavour,
                       kt_error *err)
{
    static const char *const inputs[] = {"rps_rep", "y"};
    bool rank1 = flavour == KT_KERAS_3_RANK1;
    kt_json *layers = kt_json_array(), *config = kt_json_object(), *json = kt_json_object();
    char before[32] = "normalization";
    kt_json_append(layers, input("rps_rep", rank1 ? 1 : net->d));
    kt_json_append(layers, input("y", 1));
    /* Some versions of Keras 3 refuse an input that nothing is made of. */
    kt_json_append(layers, layer("Activation", "y_sink", "y", text_option("activation", "linear")));
    if (rank1)
        kt_json_append(layers, reshape(net->d));
    kt_json_append(layers, normalization(rank1 ? "reshape" : "rps_rep"));
    for (int l = 0; l < net->layers; l++)
        hidden(layers, before, net, l);
    heads(layers, before, net);
    kt_json_put(config, "name", model_name(service));
    kt_json_put(config, "trainable", kt_json_bool(true));
    kt_json_put(config, "layers", layers);
    kt_json_put(config, "input_layers", tensors(inputs, 2));
    kt_json_put(config, "output_layers", tensors(head_name, KERAS_HEADS));
    kt_json_put(json, "module", kt_json_string("keras"));
    kt_json_put(json, "class_name", kt_json_string("Model"));
    kt_json_put(json, "config", config);
    kt_json_put(json, "registered_name", kt_json_null());
    kt_status status = kt_json_text(text, json, 0, err);
    kt_json_drop(json);
    return status;
}

kt_status keras_metadata(char **text, const kt_archive_entry *entry, const kt_archive *archive,
                         kt_keras_flavour flavour, kt_error *err)
{
    const kt_model *model = &entry->fitted.model;
    const kt_hull *hull = &model->hull;
    char digest[KT_DIGEST_HEX];
    kt_json *json = kt_json_object(), *own = kt_json_object(), *features = kt_json_array();
    kt_digest_hex(digest, entry->data_digest);
    for (int i = 0; i < archive->d; i++)
        kt_json_append(features, kt_json_string(archive->feature[i]));
    kt_json_put(own, "service", kt_json_string(entry->name));
    kt_json_put(own, "features", features);
    kt_json_put(own, "family", kt_json_string(kt_family_table[model->net.family].name));
    kt_json_put(own, "hull", kt_json_reals(hull->vertex, hull->n * (size_t)hull->d));
    kt_json_put(own, "floor", kt_json_real(model->floor));
    kt_json_put(own, "target_scale", kt_json_real(model->scale));
    kt_json_put(own, "data", kt_json_string(digest));
    if (entry->n_more > 0)
        kt_json_put(own, "best_of", kt_json_int((int64_t)kt_archive_members(entry)));
    kt_json_put(json, "keras_version", kt_json_string(flavour == KT_KERAS_2 ? "2.15.0" : "3.0.0"));
    kt_json_put(json, "date_saved", kt_json_string("1980-01-01@00:00:00")); /* of every one: the same bytes */
    kt_json_put(json, "kt_train", own);
    kt_status status = kt_json_text(text, json, 0, err);
    kt_json_drop(json);
    return status;
}
