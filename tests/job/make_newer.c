/* make_newer FILE.h5: a dataset of the version after ours. */
#include "kt/h5.h"
#include "kt/store.h"
#include <stdio.h>

int main(int argc, char **argv)
{
    kt_h5 *file = NULL;
    kt_error err = {0};
    if (argc != 2)
        return 2;
    if (kt_h5_create(&file, argv[1], 0, &err) == KT_OK)
        kt_h5_put_schema(file, KT_DATASET_SCHEMA, KT_DATASET_VERSION + 1, &err);
    kt_h5_close(file, &err);
    if (err.status != KT_OK)
        fprintf(stderr, "%s\n", err.message);
    return err.status == KT_OK ? 0 : 1;
}
