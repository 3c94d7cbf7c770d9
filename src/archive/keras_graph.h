/* The layers of a config.json, and the chains of them from the input to each output. */
#ifndef KT_KERAS_GRAPH_H
#define KT_KERAS_GRAPH_H

#include "keras_private.h"
#include <string.h>

#define ADVICE                                                                                               \
    "; what can be read is Normalization, then Dense layers with one activation and perhaps "                \
    "BatchNormalization, then three outputs: softmax weights, and two that are softplus, exponential or "    \
    "linear"

typedef struct {
    const char *name, *class;
    const kt_json *config;
    const char *before; /* the layer that it is fed by; NULL: none, or not one */
    char group[48];     /* of its variables, where it has any */
} node;

enum { CHAIN = 4 * KT_NET_MAX_LAYERS + 16 };

typedef struct {
    node *nodes;
    size_t n;
    kt_h5 *weights;
    const char *where;
    /* Layers from the input to each output. */
    const node *chain[KERAS_HEADS][CHAIN];
    int length[KERAS_HEADS];
    int shared; /* how many of them all three begin with */
} graph;

static inline bool is(const node *layer, const char *class)
{
    return strcmp(layer->class, class) == 0;
}

/* KT_UNSUPPORTED: "layer 'name' <what>", and what would be read. */
kt_status keras_refuse(const graph *g, const char *name, kt_error *err, const char *what);

/* ---- keras_layers.c: what the chains are made of ---- */
kt_status keras_layers(keras_net *net, const graph *g, kt_error *err);

#endif
