/* Models as .keras files, which KubeTwin and the original scripts load, and back. The file is a zip of three
 * members: config.json (the layers), model.weights.h5 and metadata.json. Two flavours:
 *
 *   2        loads in TensorFlow 2.15 and in Keras 3; KubeTwin's call works in TensorFlow 2.15:
 *            predict([array([rps, rep]), array([1, 1])]) -> weights, concentration, scale, each [1, K]
 *   3-rank1  loads in Keras 3 only, where it takes that call
 *
 * Layers: Normalization, Dense (BatchNormalization, activation) for each hidden layer, three heads of a Dense
 * and one more layer. The target scale is inside: an exponential head has its logarithm in the bias, a
 * softplus head is rescaled. Of an ensemble it is the best member. What Keras does not need (family, hull,
 * floor; "best_of", the members of an ensemble) is under "kt_train" in metadata.json. No Python code is in
 * the file. Layout: Keras 2.15, saving/saving_lib.py, and Keras 3. */
#ifndef KT_KERAS_H
#define KT_KERAS_H

#include "kt/archive.h"
#include "kt/file.h"
#include <stdbool.h>
#include <stddef.h>

#define KT_KERAS_CHOICES "2|3-rank1"
typedef enum { KT_KERAS_2, KT_KERAS_3_RANK1 } kt_keras_flavour;

/* The file's bytes; the same for the same entry, always. They are read back first, computed as Keras computes
 * them, in floats, and compared with the entry's model in double over the hull, at 0 and 34 requests per
 * second and far outside: weights to 1e-6, the others to 5e-6 relative in the hull and 1e-4 outside, and to
 * what rounding floats may cost besides. KT_NUMERIC where they differ. Caller frees. */
kt_status kt_keras_write(char **data, size_t *n, const kt_archive_entry *entry, const kt_archive *archive,
                         kt_keras_flavour flavour, kt_error *err);

typedef struct {
    kt_keras_flavour flavour;
    const char *dataset;        /* of the run, for the tables of rows; NULL: none are written */
    bool replace;               /* files that are there already; else KT_BUSY */
    const kt_file_guard *guard; /* asked before anything gets its name (kt/file.h) */
} kt_keras_options;

/* The original's tree, folder/saved_models/<service>/model/ with model.keras, and service_train.csv (training
 * and validation rows) and service_test.csv (held-out ones): rps_eff, rep, proc_time_<service> in seconds,
 * and the cell. Complete or not at all (kt/stage.h). A name that a folder cannot have is percent-encoded as
 * links are (kt/h5.h). KT_INPUT where the dataset's rows of a service are not those of its model. */
kt_status kt_keras_export(const char *folder, const kt_archive *archive,
                          const kt_archive_entry *const *entries, size_t n, const kt_keras_options *options,
                          kt_error *err);

/* Where in the tree a service's model is: "saved_models/<service>/model/model.keras"; caller frees. */
kt_status kt_keras_place(char **path, const char *service, kt_error *err);

typedef struct {
    char *service; /* the name in the file, where kt-train wrote it; else NULL; owned */
    int d;
    char *feature[KT_FEATURES_MAX]; /* likewise; owned */
    bool hull;          /* the file has the hull; else the entry's is the one point of the training means */
    double floor_shift; /* softplus heads end with + 1e-8 here: what that adds to an output at most */
} kt_keras_origin;
void kt_keras_origin_clear(kt_keras_origin *origin); /* takes a zeroed one */

/* A model saved by TensorFlow 2.15 or Keras 3 with the layers above, the Dense and the layer after it in one
 * or in two, softplus or exponential heads. entry: zeroed; everything but its name is set. family: -1: what
 * the file says, else weibull. KT_INPUT: damaged; KT_UNSUPPORTED: another network, with what would be read.
 */
kt_status kt_keras_read(kt_archive_entry *entry, kt_keras_origin *origin, const char *path, int family,
                        kt_error *err);

const char *kt_keras_library(void); /* "1.7.3": libzip's version */

#endif
