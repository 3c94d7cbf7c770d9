/* model.weights.h5: a group for each layer with variables, named by its class and a count, in the order of
 * the layers; in it "vars" with the variables by number. */
#include "keras_private.h"

#include <stdio.h>
#include <stdlib.h>

/* A layer's group of variables in the making. */
static kt_status begin(kt_h5 **vars, kt_h5 *layers, const char *group, kt_error *err)
{
    kt_status status = KT_OK;
    kt_h5 *layer = NULL;
    KT_TRY(kt_h5_group_create(&layer, layers, group, err));
    KT_TRY(kt_h5_group_create(vars, layer, "vars", err));
out:
    kt_h5_close(layer, NULL);
    return status;
}

static void name_group(char name[32], const char *class, int count)
{
    if (count == 0)
        snprintf(name, 32, "%s", class);
    else
        snprintf(name, 32, "%s_%d", class, count);
}

static kt_status put_normalization(kt_h5 *layers, const keras_net *net, kt_error *err)
{
    kt_status status = KT_OK;
    const int64_t count = 0;
    kt_h5 *vars = NULL;
    KT_TRY(begin(&vars, layers, "normalization", err));
    KT_TRY(kt_h5_put(vars, "0", KT_H5_F32, (size_t)net->d, 0, net->mean, err));
    KT_TRY(kt_h5_put(vars, "1", KT_H5_F32, (size_t)net->d, 0, net->variance, err));
    KT_TRY(kt_h5_put_scalar(vars, "2", KT_H5_I64, &count, err));
out:
    kt_h5_close(vars, NULL);
    return status;
}

static kt_status put_dense(kt_h5 *layers, const keras_dense *dense, int count, kt_error *err)
{
    kt_status status = KT_OK;
    kt_h5 *vars = NULL;
    char name[32];
    name_group(name, "dense", count);
    KT_TRY(begin(&vars, layers, name, err));
    KT_TRY(kt_h5_put(vars, "0", KT_H5_F32, (size_t)dense->in, (size_t)dense->out, dense->kernel, err));
    KT_TRY(kt_h5_put(vars, "1", KT_H5_F32, (size_t)dense->out, 0, dense->bias, err));
out:
    kt_h5_close(vars, NULL);
    return status;
}

static kt_status put_batch_normalization(kt_h5 *layers, const keras_dense *dense, int count, kt_error *err)
{
    static const char *const number[] = {"0", "1", "2", "3"};
    kt_status status = KT_OK;
    kt_h5 *vars = NULL;
    char name[32];
    name_group(name, "batch_normalization", count);
    KT_TRY(begin(&vars, layers, name, err));
    for (int i = 0; i < 4; i++)
        KT_TRY(
            kt_h5_put(vars, number[i], KT_H5_F32, (size_t)dense->out, 0, dense->norm + i * dense->out, err));
out:
    kt_h5_close(vars, NULL);
    return status;
}

static kt_status put_all(kt_h5 *file, const keras_net *net, kt_error *err)
{
    kt_status status = KT_OK;
    kt_h5 *own = NULL, *layers = NULL;
    KT_TRY(kt_h5_group_create(&own, file, "vars", err)); /* of the model itself: empty, and wanted */
    KT_TRY(kt_h5_group_create(&layers, file, "layers", err));
    KT_TRY(put_normalization(layers, net, err));
    for (int l = 0; l < net->layers; l++) {
        KT_TRY(put_dense(layers, &net->hidden[l], l, err));
        if (net->hidden[l].norm)
            KT_TRY(put_batch_normalization(layers, &net->hidden[l], l, err));
    }
    for (int h = 0; h < KERAS_HEADS; h++)
        KT_TRY(put_dense(layers, &net->head[h].dense, net->layers + h, err));
out:
    kt_h5_close(layers, NULL);
    kt_h5_close(own, NULL);
    return status;
}

kt_status keras_weights(char **data, size_t *n, const keras_net *net, kt_error *err)
{
    kt_status status = KT_OK;
    kt_h5 *file = NULL;
    *data = NULL;
    *n = 0;
    KT_TRY(kt_h5_create_memory(&file, "model.weights.h5", err));
    KT_TRY(put_all(file, net, err));
    KT_TRY(kt_h5_image(data, n, file, err));
out:
    kt_h5_close(file, NULL);
    return status;
}

kt_status keras_get(float *out, kt_h5 *file, const char *group, int variable, int rows, int columns,
                    kt_error *err)
{
    kt_status status = KT_OK;
    kt_h5 *layers = NULL, *layer = NULL, *vars = NULL;
    char name[16];
    snprintf(name, sizeof name, "%d", variable);
    KT_TRY(kt_h5_group_open(&layers, file, "layers", err));
    KT_TRY(kt_h5_group_open(&layer, layers, group, err));
    KT_TRY(kt_h5_group_open(&vars, layer, "vars", err));
    KT_TRY(kt_h5_get(out, vars, name, KT_H5_F32, (size_t)rows, (size_t)columns, err));
out:
    kt_h5_close(vars, NULL);
    kt_h5_close(layer, NULL);
    kt_h5_close(layers, NULL);
    return status;
}
