/* What the files on .keras share: the network as such a file holds it, in floats, and its parts. */
#ifndef KT_KERAS_PRIVATE_H
#define KT_KERAS_PRIVATE_H

#include "kt/h5.h"
#include "kt/json.h"
#include "kt/keras.h"

/* ---- the network ---- */

typedef struct {
    int in, out;
    float *kernel, *bias; /* [in, out] row-major, [out] */
    float *norm;          /* [4, out]: gamma, beta, moving mean, moving variance; NULL: no normalization */
    double epsilon;
} keras_dense;

typedef enum { KERAS_LINEAR, KERAS_EXP, KERAS_SOFTPLUS, KERAS_SOFTMAX } keras_function;

/* factor * function(Dense) + offset */
typedef struct {
    keras_dense dense;
    keras_function function;
    double factor, offset;
} keras_head;

enum { KERAS_HEADS = 3 }; /* weights, concentration, scale */

typedef struct {
    int d, layers;
    float mean[KT_FEATURES_MAX], variance[KT_FEATURES_MAX];
    keras_dense hidden[KT_NET_MAX_LAYERS];
    kt_activation activation; /* of all hidden layers */
    keras_head head[KERAS_HEADS];
} keras_net;

void keras_net_clear(keras_net *net); /* takes a zeroed one */

/* kernel and bias, zeroed, and norm where it is asked for. */
kt_status keras_dense_init(keras_dense *dense, int in, int out, bool norm, kt_error *err);

/* ---- keras_model.c: from a model, and to one (family as the caller knows it; no hull). *floor_shift: see
 * kt_keras_origin. ---- */
kt_status keras_from_model(keras_net *net, const kt_model *model, kt_error *err);
kt_status keras_to_model(kt_model *model, double *floor_shift, const keras_net *net, kt_family family,
                         const char *where, kt_error *err);

/* ---- keras_config.c: the two JSON members ---- */
kt_status keras_config(char **text, const keras_net *net, const char *service, kt_keras_flavour flavour,
                       kt_error *err);
kt_status keras_metadata(char **text, const kt_archive_entry *entry, const kt_archive *archive,
                         kt_keras_flavour flavour, kt_error *err);

/* ---- keras_weights.c: the HDF5 member ---- */
kt_status keras_weights(char **data, size_t *n, const keras_net *net, kt_error *err);

/* Variable "layers/<group>/vars/<variable>" of that shape; columns 0: rank 1. */
kt_status keras_get(float *out, kt_h5 *file, const char *group, int variable, int rows, int columns,
                    kt_error *err);

/* ---- keras_graph.c: config.json and the weights to a network. where: path of the file, for messages. ----
 */
kt_status keras_graph(keras_net *net, const kt_json *config, kt_h5 *weights, const char *where,
                      kt_error *err);

/* ---- keras_check.c: does the network answer as the model does? ---- */
kt_status keras_check(const keras_net *net, const kt_model *model, const char *where, kt_error *err);

/* ---- keras.c: the zip ---- */
typedef struct {
    keras_net net;
    kt_json *metadata; /* NULL where the file has none */
} keras_file;
void keras_file_clear(keras_file *file); /* takes a zeroed one */

/* From the bytes of a file; where: its path. */
kt_status keras_file_read(keras_file *file, const char *data, size_t n, const char *where, kt_error *err);

#endif
